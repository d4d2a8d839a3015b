"""Which programs of an account are told what happens, and what were they told?

A secret is shown once, on the page that answers the button which made it, and on no other.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.administrators import Administrator, administrator
from accounts.models import Account
from accounts.retelling import retold
from inbox.event_webhooks.telling import tell_test
from inbox.models import EventDelivery, EventType, EventWebhook, TeamInbox
from inbox.setup.event_webhooks import (
    Wanted,
    add_webhook,
    begin_new_secret,
    change_webhook,
    delete_webhook,
    end_old_secret,
    log_of,
    send_again,
    switch_webhook,
)
from inbox.views.settings.answers import posted_number
from routing.crm import LONGEST_URL
from routing.lookup_models import LONGEST_NAME
from routing.lookups import DefinitionChangedError, DefinitionError


class EventWebhookForm(forms.Form):
    """What it is called, where it is, and what it is told."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("Begins with https://. We send a POST there."),
        max_length=LONGEST_URL,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write the address of your code.")},
    )
    inbox = forms.ModelChoiceField(
        label=gettext_lazy("Inbox"),
        queryset=TeamInbox.objects.none(),
        required=False,
        empty_label=gettext_lazy("All inboxes"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of your inboxes.")},
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("What it is told"),
        choices=EventType.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one kind of event.")},
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["inbox"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = TeamInbox.objects.filter(account=account).order_by("name")

    def wanted(self, *, is_on: bool) -> Wanted:
        """Return what was asked for."""
        return Wanted(**self.cleaned_data, is_on=is_on)


@require_GET
def event_webhooks(request: HttpRequest) -> HttpResponse:
    """Show all of an account's webhooks and how they are."""
    who = administrator(request)
    rows = EventWebhook.objects.filter(account=who.account).select_related("inbox")
    return render(request, "settings/event_webhooks.html", {**_base(who), "rows": rows})


@never_cache
@require_http_methods(["GET", "POST"])
def event_webhook_new(request: HttpRequest) -> HttpResponse:
    """Make a webhook; show its secret this once."""
    who = administrator(request)
    known = {"kinds": [EventType.MESSAGE_RECEIVED]}
    form = EventWebhookForm(request.POST or None, account=who.account, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            row, secret = add_webhook(
                account=who.account, wanted=form.wanted(is_on=True), by=who.user, now=who.now
            )
        except DefinitionError as refused:
            form.add_error(refused.field or None, refused.reason)
        else:
            return _page(request, who, row, secret=secret)
    return render(request, "settings/event_webhook.html", {**_base(who), "form": form})


@never_cache
@require_http_methods(["GET", "POST"])
def event_webhook(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show a webhook with what it was told; change it or its secret, or try it."""
    who = administrator(request)
    row = webhook_of(who, pk)
    if request.method == "GET":
        return _page(request, who, row)
    deeds = {"begin": _begin, "end": _end, "try": _try}
    return deeds.get(request.POST.get("do", ""), _save)(request, who, row)


@require_POST
def event_webhook_switch(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Switch a webhook on or off."""
    who = administrator(request)
    row = webhook_of(who, pk)
    is_on = request.POST.get("on") == "1"
    try:
        switch_webhook(webhook=row, is_on=is_on, **_deed(request, who, row))
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        words = (
            _("%(name)s is on: it is told what happens from now on.")
            if is_on
            else _("%(name)s is off: it is told nothing.")
        )
        messages.success(request, words % {"name": row.name})
    return HttpResponseRedirect(reverse("settings_event_webhooks"))


@require_http_methods(["GET", "POST"])
def event_webhook_delete(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what is lost, then delete a webhook."""
    who = administrator(request)
    row = webhook_of(who, pk)
    if request.method == "POST":
        delete_webhook(webhook=row, by=who.user, now=who.now)
        messages.success(request, _("%(name)s is deleted.") % {"name": row.name})
        return HttpResponseRedirect(reverse("settings_event_webhooks"))
    context = {
        **_base(who),
        "question": _("Delete %(name)s?") % {"name": row.name},
        "sentences": [
            _("It is told nothing more, and what it was told is no longer listed here."),
            _("Its secret is lost: a new event webhook will sign with another one."),
        ],
        "button": _("Delete"),
        "back": reverse("settings_event_webhook", kwargs={"pk": row.pk}),
    }
    return render(request, "settings/confirm.html", context)


@require_POST
def event_webhook_again(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Tell it one event again, or all that were given up."""
    who = administrator(request)
    row = webhook_of(who, pk)
    one = posted_number(request, "delivery")
    try:
        number = send_again(
            webhook=row, only=None if one is None else [one], by=who.user, now=who.now
        )
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        words = ngettext(
            "%(number)s event is told again.", "%(number)s events are told again.", number
        )
        messages.success(request, words % {"number": number})
    return HttpResponseRedirect(reverse("settings_event_webhook", kwargs={"pk": row.pk}))


def webhook_of(who: Administrator, pk: int) -> EventWebhook:
    """Return a webhook of the account, or raise Http404."""
    row = EventWebhook.objects.select_related("inbox").filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such event webhook.")
    row.account = who.account
    return row


def _save(request: HttpRequest, who: Administrator, row: EventWebhook) -> HttpResponse:
    form = EventWebhookForm(request.POST, account=who.account)
    if not form.is_valid():
        return _page(request, who, row, form=form)
    try:
        wanted = form.wanted(is_on=row.is_on)
        change_webhook(webhook=row, wanted=wanted, **_deed(request, who, row))
    except DefinitionChangedError as changed:
        form.add_error(None, changed.reason)
        fresh = webhook_of(who, row.pk)
        return _page(request, who, fresh, form=form, differences=_facts(fresh))
    except DefinitionError as refused:
        form.add_error(refused.field or None, refused.reason)
        return _page(request, who, row, form=form)
    messages.success(request, _("It is saved."))
    return HttpResponseRedirect(reverse("settings_event_webhook", kwargs={"pk": row.pk}))


def _begin(request: HttpRequest, who: Administrator, row: EventWebhook) -> HttpResponse:
    try:
        row, secret = begin_new_secret(webhook=row, **_deed(request, who, row))
    except DefinitionError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(reverse("settings_event_webhook", kwargs={"pk": row.pk}))
    return _page(request, who, row, secret=secret)


def _end(request: HttpRequest, who: Administrator, row: EventWebhook) -> HttpResponse:
    try:
        end_old_secret(webhook=row, **_deed(request, who, row))
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("Only the new secret signs now."))
    return HttpResponseRedirect(reverse("settings_event_webhook", kwargs={"pk": row.pk}))


def _try(request: HttpRequest, who: Administrator, row: EventWebhook) -> HttpResponse:
    outcome = tell_test(row, now=who.now)
    if outcome.failure:
        messages.error(request, retold(outcome.failure))
    else:
        words = _("It took the test event (%(status)s, %(ms)s ms).")
        messages.success(request, words % {"status": outcome.answer, "ms": outcome.took_ms})
    return HttpResponseRedirect(reverse("settings_event_webhook", kwargs={"pk": row.pk}))


def _deed(request: HttpRequest, who: Administrator, row: EventWebhook) -> dict[str, Any]:
    version = posted_number(request, "version")
    seen = row.version if version is None else version
    return {"version": seen, "by": who.user, "now": who.now}


def _facts(row: EventWebhook) -> list[tuple[str, str]]:
    kinds = [str(EventType(kind).label) for kind in row.kinds]
    return [
        (_("Name"), row.name),
        (_("Address"), row.url),
        (_("Inbox"), row.inbox.name if row.inbox else _("All inboxes")),
        (_("What it is told"), "; ".join(kinds)),
    ]


def _page(
    request: HttpRequest, who: Administrator, row: EventWebhook, **shown: Any
) -> HttpResponse:
    known = {"name": row.name, "url": row.url, "inbox": row.inbox_id, "kinds": row.kinds}
    form = shown.pop("form", None) or EventWebhookForm(account=who.account, initial=known)
    asked = request.GET.get("status", "")
    status = asked if asked in EventDelivery.Status.values else ""
    before = request.GET.get("before", "")
    log = log_of(row, status=status, before=int(before) if _is_number(before) else None)
    context = {
        **_base(who),
        "row": row,
        "form": form,
        "log": log,
        "status": status,
        "statuses": EventDelivery.Status.choices,
        "has_given_up": row.deliveries.filter(status=EventDelivery.Status.FAILED).exists(),
        **shown,
    }
    return render(request, "settings/event_webhook.html", context)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _base(who: Administrator) -> dict[str, Any]:
    return {"who": who, "here": "event_webhooks"}
