"""What does a row of the country rules say, and what did the account settle in its place?"""

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
from accounts.numbers import number_in
from accounts.refusals import RefusedError
from compliance.in_force import override_of, rules_in_force
from compliance.jurisdictions import Jurisdiction
from compliance.officers import is_compliance_officer
from compliance.overriding import OwnRule, own_rules, settle_rule
from compliance.stricter import LEVELS, LONGEST_VALUE, Column, cell_of, settled
from inbox.views.settings.compliance import may_change

_CONSENTS = {
    "inferred": gettext_lazy("Inferred from doing business"),
    "express": gettext_lazy("Express"),
    "written": gettext_lazy("Express, in writing"),
}
_HELP = {
    Column.PROMOTION: gettext_lazy("Such as mon-fri=09:00-18:00;sat=10:00-14:00;sun=none;hol=none"),
    Column.NOTIFICATION: gettext_lazy("Such as mon-sun=08:00-21:00. “any” is every hour."),
    Column.CONSENT: gettext_lazy("What offers need at least."),
    Column.MOST_A_DAY: gettext_lazy("To one person, 1 to 999."),
    Column.EVIDENCE_YEARS: gettext_lazy("At least so long, 1 to 99."),
    Column.OPT_OUT_YEARS: gettext_lazy("At least so long, 1 to 99, if they do not opt in again."),
}


class OwnRuleForm(forms.Form):
    """One column of a row, and why."""

    value = forms.CharField(label=gettext_lazy("Your own rule"), max_length=LONGEST_VALUE)
    reason = forms.CharField(
        label=gettext_lazy("Why?"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, rule: OwnRule, data: Any = None) -> None:
        super().__init__(data, prefix=rule.column.value, initial={"value": rule.value})
        value = self.fields["value"]
        value.help_text = str(_HELP[rule.column])
        if rule.column is Column.CONSENT:
            choices = [("", "–"), *((one, _CONSENTS[one]) for one in LEVELS)]
            value.widget = forms.Select(choices=choices)
        value.error_messages["required"] = _("Write a rule, or go back to the country’s.")


@require_http_methods(["GET", "POST"])
def own_rules_of(request: HttpRequest, *, code: str) -> HttpResponse:
    """Show a row and what the account settled for it; settle one column of it."""
    who = reader(request)
    row = rules_in_force().pack.rows.get(code)
    if row is None:
        raise Http404("No such row.")
    if request.method == "GET":
        return _page(request, who, row)
    asked = request.POST.get("column", "")
    if not may_change(who) or asked not in set(Column):
        raise Http404
    return _save(request, who, row, Column(asked))


def _save(
    request: HttpRequest, who: Administrator, row: Jurisdiction, column: Column
) -> HttpResponse:
    [rule] = [one for one in own_rules(who.account, row) if one.column is column]
    is_cleared = request.POST.get("do") == "clear"
    form = OwnRuleForm(rule, request.POST)
    if not is_cleared and not form.is_valid():
        return _page(request, who, row, form, column)
    try:
        settle_rule(
            account=who.account,
            code=row.code,
            column=column,
            value="" if is_cleared else form.cleaned_data["value"],
            reason=request.POST.get(form.add_prefix("reason"), "")[:500],
            seen=number_in(request.POST.get("seen", "")) or 0,
            by=who.user,
            now=who.now,
        )
    except RefusedError as no:
        form.is_valid()
        form.errors.clear()
        form.add_error(no.field or None, no.reason)
        return _page(request, who, row, form, column)
    done = _("The country’s rule holds again.") if is_cleared else _("Your own rule holds.")
    messages.success(request, done)
    return HttpResponseRedirect(reverse("settings_own_rules", args=[row.code]) + f"#{column.value}")


def _page(
    request: HttpRequest,
    who: Administrator,
    row: Jurisdiction,
    tried: OwnRuleForm | None = None,
    column: Column | None = None,
) -> HttpResponse:
    rules = own_rules(who.account, row)
    context = {
        "who": who,
        "here": "compliance",
        "may_change": may_change(who),
        "is_officer": is_compliance_officer(who.user),
        "row": row,
        "rules": rules_in_force(),
        "is_stale": row.is_stale(who.now.date()),
        "cards": [
            _card(row, one, tried if tried and one.column is column else None) for one in rules
        ],
    }
    return render(request, "settings/own_rules.html", context, status=422 if tried else 200)


def _card(row: Jurisdiction, rule: OwnRule, tried: OwnRuleForm | None) -> dict[str, Any]:
    own = override_of(rule.current) if rule.current and rule.current.value else None
    return {
        "rule": rule,
        "form": tried or OwnRuleForm(rule),
        "has_lapsed": bool(own and own.has_lapsed(row)),
        "holds": _said(rule.column, cell_of(settled(row, [own] if own else []), rule.column)),
        "of_row": _said(rule.column, rule.of_row),
        "own": _said(rule.column, rule.value) if own else "",
    }


def _said(column: Column, cell: str) -> str:
    if column is Column.CONSENT:
        return str(_CONSENTS[cell])
    return cell or _("nothing")
