"""What did the account settle for all its messages, and which rules of countries hold beside?

Auditors read it. What is changed here is only ever stricter than the rows of countries.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, reader
from accounts.models import User
from accounts.numbers import number_in
from compliance.in_force import overrides_of, rules_in_force
from compliance.models import CompliancePolicy
from compliance.policies import (
    FIELDS,
    ChangedMeanwhileError,
    change_policy,
    label_of,
    own_window,
    policy_row,
    shown,
)
from compliance.stricter import LONGEST_VALUE
from compliance.windows import WindowError
from inbox.views.settings.window_forms import (
    WindowEditor,
    choices,
    is_posted,
    said_of,
    with_windows,
)

_SEEN = "seen_"
_REPLIES = CompliancePolicy._meta.get_field("reply_after_opt_out_sms").flatchoices
_WINDOWS = ("reply_window", "notification_window", "promotion_window")


class PolicyForm(forms.Form):
    """What holds for every message of the account, beside the rules of countries."""

    reply_after_opt_out_sms = forms.ChoiceField(
        label=gettext_lazy("Replies after an opt-out, by SMS and MMS"),
        help_text=gettext_lazy(
            "Somebody opted out and has written again since, a day ago at most. May their question "
            "be answered once?"
        ),
        choices=_REPLIES,
    )
    reply_after_opt_out_whatsapp = forms.ChoiceField(
        label=gettext_lazy("Replies after an opt-out, by WhatsApp"), choices=_REPLIES
    )
    open_days = forms.IntegerField(
        label=gettext_lazy("Days open for replies"),
        help_text=gettext_lazy(
            "So long after their last message a reply is still one. Later it needs consent, like a "
            "notification. 1 to 365."
        ),
        min_value=1,
        max_value=365,
    )
    reply_free_hours = forms.IntegerField(
        label=gettext_lazy("Hours in which a reply may go at any time"),
        help_text=gettext_lazy(
            "After their last message a person may answer at any hour for so long. 0 to 720."
        ),
        min_value=0,
        max_value=720,
    )
    reply_window = forms.CharField(
        label=gettext_lazy("Hours for later replies"),
        help_text=gettext_lazy(
            "By the clock where they are. Who answers outside of them is asked first."
        ),
        max_length=LONGEST_VALUE,
    )
    notification_window = forms.CharField(
        label=gettext_lazy("Hours for notifications"),
        help_text=gettext_lazy("By the clock where they are."),
        max_length=LONGEST_VALUE,
    )
    promotion_window = forms.CharField(
        label=gettext_lazy("Hours for offers"),
        help_text=gettext_lazy("Within the hours of the country, which hold as well."),
        max_length=LONGEST_VALUE,
    )
    most_a_day = forms.IntegerField(
        label=gettext_lazy("Most unasked messages in 24 hours"),
        help_text=gettext_lazy("To one person. Empty: no limit of your own."),
        min_value=1,
        max_value=999,
        required=False,
    )

    def clean_reply_window(self) -> str:
        """Refuse what is no window, and say where."""
        return _window(self.cleaned_data["reply_window"])

    def clean_notification_window(self) -> str:
        """Refuse what is no window, and say where."""
        return _window(self.cleaned_data["notification_window"])

    def clean_promotion_window(self) -> str:
        """Refuse what is no window, and say where."""
        return _window(self.cleaned_data["promotion_window"])


def _window(text: str) -> str:
    try:
        return own_window(text)
    except WindowError as error:
        raise forms.ValidationError(error.reason) from None


@require_http_methods(["GET", "POST"])
def compliance(request: HttpRequest) -> HttpResponse:
    """Show what the account settled, and save it."""
    who = reader(request)
    if request.method == "GET":
        return _page(request, who, None)
    if not may_change(who):
        raise Http404
    editors = _posted(request)
    if do := request.POST.get("do", ""):
        # The buttons of a week save nothing: they show the page with one line more or less.
        if not any(editor.do(do) for editor in editors.values()):
            raise Http404
        typed = PolicyForm(initial=request.POST.dict())
        return _page(request, who, typed, editors=editors, status=200)
    form = PolicyForm(with_windows(request.POST, editors))
    if not form.is_valid() or said_of(editors):
        return _page(request, who, form, editors=editors)
    try:
        change_policy(
            account=who.account,
            values=form.cleaned_data,
            seen={name: request.POST.get(_SEEN + name, "") for name in FIELDS},
            version=number_in(request.POST.get("version", "")) or 0,
            by=who.user,
            now=who.now,
        )
    except ChangedMeanwhileError as changed:
        return _page(request, who, form, changed, editors=editors)
    messages.success(request, _("Saved. It holds for every message from now on."))
    return HttpResponseRedirect(reverse("settings_compliance"))


def _posted(request: HttpRequest) -> dict[str, WindowEditor]:
    """Take the weeks that were sent; a field that came as a text has none."""
    fields = PolicyForm()
    return {
        name: WindowEditor.posted(fields[name], request.POST)
        for name in _WINDOWS
        if is_posted(name, request.POST)
    }


def may_change(who: Administrator) -> bool:
    """Say whether this person settles anything, and does not only read."""
    return who.user.role != User.Role.AUDITOR


def _page(
    request: HttpRequest,
    who: Administrator,
    form: PolicyForm | None,
    changed: ChangedMeanwhileError | None = None,
    *,
    editors: Mapping[str, WindowEditor] | None = None,
    status: int = 0,
) -> HttpResponse:
    row, rules = policy_row(who.account), rules_in_force()
    values = {name: getattr(row, name) for name in FIELDS}
    today = who.now.date()
    own = Counter(one.code for one in overrides_of(who.account.pk))
    shown_form = form or PolicyForm(initial=values)
    if editors is None:
        editors = {name: WindowEditor.of(shown_form[name], values[name]) for name in _WINDOWS}
    context = {
        "who": who,
        "here": "compliance",
        "fields": [(field, editors.get(field.name)) for field in shown_form],
        "window_choices": choices(),
        "window_errors": said_of(editors),
        "may_change": may_change(who),
        "row": row,
        "form": shown_form,
        "facts": [(label_of(name), shown(row, name) or _("no limit")) for name in FIELDS],
        "seen": [(_SEEN + name, "" if value is None else value) for name, value in values.items()],
        "changed": changed,
        "rules": rules,
        "lines": [_line(one, own, today) for one in rules.pack.rows.values()],
        "stale": sum(one.is_stale(today) for one in rules.pack.rows.values()),
        "strays": sorted(own.keys() - rules.pack.rows.keys()),
    }
    status = status or (409 if changed else 422 if form else 200)
    return render(request, "settings/compliance.html", context, status=status)


def _line(row: Any, own: Counter[str], today: Any) -> dict[str, Any]:
    return {"row": row, "own": own[row.code], "is_stale": row.is_stale(today)}
