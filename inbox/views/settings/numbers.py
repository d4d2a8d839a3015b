"""Which numbers does an inbox have, are they well, and how do more come and go?"""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.administrators import Administrator, administrator
from accounts.models import Account, TwilioAccount
from accounts.numbers import number_in
from compliance.gate import Purpose, SendBlockedError
from inbox.models import DriftFinding, Message, Sender, TeamInbox
from inbox.pausing import resume_sender
from inbox.refusals import MissingInputError
from inbox.sending import send_test
from inbox.setup import drift, numbers, pointing
from inbox.setup.assessing import REPAIRABLE
from inbox.setup.connections import connections_of
from inbox.setup.previews import preview_number_removal
from inbox.setup.subaccounts import open_subaccount, searching_for
from inbox.views.settings.answers import (
    REFUSALS,
    inbox_of,
    posted_number,
    say_replaced,
    sender_of,
    tell,
)
from inbox.views.settings.finding import PAGE, Find

COUNTRIES = (
    ("US", gettext_lazy("United States")),
    ("CA", gettext_lazy("Canada")),
    ("GB", gettext_lazy("United Kingdom")),
    ("MX", gettext_lazy("Mexico")),
    ("BR", gettext_lazy("Brazil")),
    ("IN", gettext_lazy("India")),
)


@dataclass(frozen=True)
class Recent:
    """A test message that was just sent, and how far it is."""

    public_id: str
    label: str
    words: str
    is_over: bool
    is_bad: bool = False


class AttachForm(forms.Form):
    """A number of the account's Twilio."""

    address = forms.CharField(
        label=gettext_lazy("Number"),
        help_text=gettext_lazy(
            "Such as +14155550100, a short code or a Messaging Service (MG…). Its messages come "
            "here at once; where they went before is remembered."
        ),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Write the number.")},
    )


class SearchForm(forms.Form):
    """Which numbers to look for."""

    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=COUNTRIES)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            ("local", gettext_lazy("Local")),
            ("mobile", gettext_lazy("Mobile")),
            ("toll_free", gettext_lazy("Toll-free")),
        ],
    )
    area_code = forms.CharField(
        label=gettext_lazy("Area code"), required=False, max_length=3, widget=forms.TextInput
    )
    contains = forms.CharField(
        label=gettext_lazy("Digits in it"),
        help_text=gettext_lazy("A star stands for any digit."),
        required=False,
        max_length=12,
    )


@require_http_methods(["GET", "POST"])
def number_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the numbers of an inbox; attach one, and do to one what its line offers."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    if request.method == "POST":
        return _posted(request, who, inbox)
    return _page(request, who, inbox, AttachForm())


def _posted(request: HttpRequest, who: Administrator, inbox: TeamInbox) -> HttpResponse:
    do = request.POST.get("do", "")
    if do == "attach":
        return _attach(request, who, inbox)
    if do == "check":
        _check(request, who, inbox)
        return _back(request, inbox)
    sender = sender_of(inbox, posted_number(request, "sender"))
    if do == "test":
        return _test(request, who, inbox, sender)
    if do not in STORIES:
        raise Http404
    story, done = STORIES[do]
    tell(request, lambda: story(request, who, sender), str(done))
    return _back(request, inbox)


def _point(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    before = pointing.point_here(sender=sender, by=who.user, now=who.now)
    say_replaced(request, sender.address, before)
    drift.look_at(sender.twilio_account, now=who.now)


def _free(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    pointing.free_from_service(sender=sender, by=who.user, now=who.now)
    _point(request, who, sender)


def _resume(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    resume_sender(sender=sender, by=who.user, now=who.now)


def _repair(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    finding = sender.findings.filter(pk=posted_number(request, "finding") or 0).first()
    if finding is None:
        raise Http404
    drift.repair(finding=finding, by=who.user, now=who.now)


def _move(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    wanted = posted_number(request, "to") or 0
    to = TeamInbox.objects.filter(account=who.account, pk=wanted).first()
    if to is None:
        raise Http404
    numbers.move_number(sender=sender, to=to, by=who.user, now=who.now)


STORIES: dict[str, tuple[Any, Any]] = {
    "point": (_point, gettext_lazy("Set at Twilio: its messages come here.")),
    "free": (_free, gettext_lazy("The Messaging Service leaves the messages to the number now.")),
    "resume": (_resume, gettext_lazy("It sends again; what waited goes out.")),
    "repair": (_repair, gettext_lazy("Repaired: messages come here again.")),
    "move": (_move, gettext_lazy("Moved. Conversations that are open stay where they are.")),
}


def _check(request: HttpRequest, who: Administrator, inbox: TeamInbox) -> None:
    rows = TwilioAccount.objects.filter(senders__inbox=inbox, senders__removed_at=None).distinct()
    answers = [drift.look_at(row, now=who.now) for row in rows]
    if all(answers):
        messages.success(request, _("Compared with Twilio."))
    else:
        messages.error(request, _("Twilio does not answer right now. What you see is older."))


def _attach(request: HttpRequest, who: Administrator, inbox: TeamInbox) -> HttpResponse:
    form = AttachForm(request.POST)
    held = {one.pk: one for one in connections_of(who.account)}
    wanted = posted_number(request, "connection")
    connection = held.get(wanted) if wanted else next(iter(held.values()), None)
    if wanted and connection is None:
        raise Http404
    if connection is None:
        form.add_error(None, _("No Twilio account is connected yet. Connect one first."))
    elif form.is_valid():
        try:
            sender = numbers.attach_number(
                inbox=inbox,
                connection=connection,
                address=numbers.normal_address(
                    form.cleaned_data["address"], country=who.account.default_country
                ),
                by=who.user,
                now=who.now,
            )
        except REFUSALS as error:
            form.add_error("address", error.reason)
        else:
            messages.success(request, _("%s belongs to this inbox now.") % sender.address)
            _point_new(request, who, sender)
            return _back(request, inbox)
    return _page(request, who, inbox, form)


def _point_new(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    """Let a new number's messages come here; if that fails it is ours all the same, and said."""
    try:
        _point(request, who, sender)
    except REFUSALS as error:
        messages.error(request, _("Not set at Twilio yet: %s") % error.reason)


def _test(
    request: HttpRequest, who: Administrator, inbox: TeamInbox, sender: Sender
) -> HttpResponse:
    try:
        message = send_test(
            sender=sender,
            phone=request.POST.get("phone", ""),
            key=request.POST.get("key", ""),
            by=who.user,
            now=who.now,
        )
    except (MissingInputError, SendBlockedError) as error:
        messages.error(request, str(getattr(error, "detail", "") or error.reason))
        return _back(request, inbox)
    messages.success(request, _("The test message is on its way."))
    return _back(request, inbox, f"?test={message.public_id}#test")


def _back(request: HttpRequest, inbox: TeamInbox, more: str = "") -> HttpResponse:
    """Go back to where the form stood: this page, or the one for turning on."""
    if request.POST.get("from") == "turn-on":
        return HttpResponseRedirect(reverse("settings_turn_on", args=[inbox.pk]) + more)
    return HttpResponseRedirect(reverse("settings_numbers", args=[inbox.slug]) + more)


def _page(
    request: HttpRequest, who: Administrator, inbox: TeamInbox, form: AttachForm
) -> HttpResponse:
    find = Find.of(request)
    found = list(_found(inbox, find)[: PAGE + 1])
    rows = found[:PAGE]
    findings: dict[int | None, list[DriftFinding]] = {}
    shown = Q(sender__in=rows) | Q(sender=None)
    for finding in DriftFinding.objects.filter(shown, account=who.account, resolved_at=None):
        findings.setdefault(finding.sender_id, []).append(finding)
    lines = [
        {
            "sender": row,
            "findings": [
                {"row": one, "is_repairable": one.kind in REPAIRABLE}
                for one in findings.get(row.pk, [])
            ],
        }
        for row in rows
    ]
    held = connections_of(who.account)
    choices, problem = _choices(held) if "choose" in request.GET else (None, "")
    asked = [one for one in choices or [] if _squeezed(find.words) in _squeezed(one.label)]
    others = TeamInbox.objects.filter(account=who.account).exclude(pk=inbox.pk).order_by("name")
    moving = number_in(request.GET.get("move", ""))
    context = {
        "who": who,
        "here": "home",
        "tab": "numbers",
        "inbox": inbox,
        "lines": lines,
        "account_findings": findings.get(None, []),
        "form": form,
        "connections": held,
        "choices": None if choices is None else asked[:PAGE],
        "more_choices": max(len(asked) - PAGE, 0),
        "problem": problem,
        "others": others,
        "moving": sender_of(inbox, moving) if moving else None,
        "find": find,
        "next": find.next(rows[-1].pk if len(found) > PAGE else None),
        "is_cloud": who.account.deployment == Account.Deployment.CLOUD,
        "recent": recent_test(inbox, request.GET.get("test", "")),
    }
    status = 422 if form.errors else 200
    return render(request, "settings/inbox/numbers.html", context, status=status)


def _found(inbox: TeamInbox, find: Find) -> "QuerySet[Sender]":
    rows = inbox.senders.in_use().select_related("twilio_account").order_by("address", "pk")
    rows = rows.filter(address__icontains=_squeezed(find.words))
    last = inbox.senders.filter(pk=find.after).first() if find.after else None
    if last is None:
        return rows
    return rows.filter(Q(address__gt=last.address) | Q(address=last.address, pk__gt=last.pk))


def _squeezed(text: str) -> str:
    """Write a number without what people put between its digits."""
    return re.sub(r"[\s().-]", "", text).lower()


def _choices(held: list[TwilioAccount]) -> tuple[list[numbers.Choice], str]:
    try:
        return numbers.unused_numbers(held), ""
    except REFUSALS as error:
        return [], error.reason


def recent_test(inbox: TeamInbox, public_id: str) -> Recent | None:
    """Return how far a test message of this inbox is."""
    tests = Message.objects.filter(thread__sender__inbox=inbox, purpose=Purpose.TEST.value)
    message = tests.select_related("thread__sender").filter(public_id=public_id[:40]).first()
    if message is None:
        return None
    words, is_over = _progress(message)
    is_bad = is_over and message.status not in (Message.Status.DELIVERED, Message.Status.READ)
    return Recent(message.public_id, message.get_status_display(), words, is_over, is_bad)


def _progress(message: Message) -> tuple[str, bool]:
    status = Message.Status
    match message.status:
        case status.DELIVERED | status.READ:
            return _("It arrived. Answer it on your phone: it appears in the inbox."), True
        case status.SENT:
            return _("Twilio handed it to the network."), False
        case status.FAILED | status.BLOCKED | status.CANCELED:
            return message.error_words, True
        case status.UNKNOWN:
            return _("Twilio has not confirmed it yet."), False
    sender = message.thread.sender
    if sender.is_paused:
        return _("It waits, because the number is paused. %s") % sender.paused_reason, False
    return _("It is on its way."), False


@require_GET
def test_progress(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Show how far a test message is."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    recent = recent_test(inbox, public_id)
    if recent is None:
        raise Http404
    return render(request, "settings/_test.html", {"recent": recent, "inbox": inbox})


@require_http_methods(["GET", "POST"])
def buying(request: HttpRequest, slug: str) -> HttpResponse:
    """Search numbers that can be had and buy one, for an account whose Twilio we pay."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    if who.account.deployment != Account.Deployment.CLOUD:
        raise Http404
    if request.method == "POST":
        address = request.POST.get("address", "")
        if tell(request, lambda: _buy(request, who, inbox, address), ""):
            return HttpResponseRedirect(reverse("settings_numbers", args=[inbox.slug]))
        return HttpResponseRedirect(reverse("settings_buy_number", args=[inbox.slug]))
    form = SearchForm(request.GET if "country" in request.GET else None)
    form.fields["country"].initial = who.account.default_country
    offers: list[Any] | None = None
    if form.is_bound and form.is_valid():
        offers = _search(who, form)
    context = {
        "who": who,
        "here": "home",
        "tab": "numbers",
        "inbox": inbox,
        "form": form,
        "offers": offers,
    }
    return render(request, "settings/inbox/buy.html", context)


def _search(who: Administrator, form: SearchForm) -> list[Any] | None:
    try:
        return numbers.search_numbers(asking=searching_for(who.account), **form.cleaned_data)
    except REFUSALS as error:
        field = getattr(error, "field", "")
        form.add_error(field if field in form.fields else None, error.reason)
        return None


def _buy(request: HttpRequest, who: Administrator, inbox: TeamInbox, address: str) -> None:
    connection = open_subaccount(account=who.account, by=who.user, now=who.now)
    sender = numbers.buy_number(
        inbox=inbox, connection=connection, address=address, by=who.user, now=who.now
    )
    messages.success(request, _("%s is yours.") % address)
    _point_new(request, who, sender)


@require_http_methods(["GET", "POST"])
def removing(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what would happen, then take a number out of its inbox."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    if inbox.senders.filter(pk=pk).exclude(removed_at=None).exists():
        messages.info(request, _("This number was removed meanwhile."))
        return HttpResponseRedirect(reverse("settings_numbers", args=[inbox.slug]))
    sender = sender_of(inbox, pk)
    if request.method == "POST":
        _remove(request, who, sender)
        return HttpResponseRedirect(reverse("settings_numbers", args=[inbox.slug]))
    context = {
        "who": who,
        "here": "home",
        "tab": "numbers",
        "inbox": inbox,
        "sender": sender,
        "preview": preview_number_removal(sender=sender, now=who.now),
        "queued": _queued(sender),
    }
    return render(request, "settings/inbox/remove.html", context)


def _queued(sender: Sender) -> list[Message]:
    """Return what waits to be sent from a number: who wrote it and when, never what."""
    rows = Message.objects.filter(thread__sender=sender, status=Message.Status.QUEUED)
    return list(rows.only("author_label", "created_at").order_by("pk")[:20])


def _remove(request: HttpRequest, who: Administrator, sender: Sender) -> None:
    """Put the addresses back first, as far as that works: the number is removed in any case."""
    if request.POST.get("gives_back"):
        try:
            pointing.put_back(sender=sender, by=who.user, now=who.now)
        except REFUSALS as error:
            messages.error(request, _("Not put back at Twilio: %s") % error.reason)
    try:
        cancelled = numbers.remove_number(sender=sender, by=who.user, now=who.now)
    except REFUSALS as error:
        messages.error(request, error.reason)
        return
    words = _("%s is removed from this inbox.") % sender.address
    if cancelled:
        words += (
            " "
            + ngettext(
                "%d message that waited was cancelled.",
                "%d messages that waited were cancelled.",
                cancelled,
            )
            % cancelled
        )
    messages.success(request, words)
