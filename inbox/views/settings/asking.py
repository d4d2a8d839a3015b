"""How are people asked for consent, and how far does an opt-out reach? Settled for the account.

Account admins change it, auditors read it. Product behaviour, not legal advice.
"""

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
from compliance.asking_settings import (
    Asking,
    AskingChangedError,
    AskingError,
    as_asking,
    change_asking,
)
from compliance.asking_texts import (
    LONGEST_TEXT,
    PLACE,
    AskingKind,
    asking_problems,
    suggested,
    with_programmes,
)
from compliance.evidence import OptOutScope
from compliance.policies import policy_row
from compliance.programmes import LONGEST_NAME, MOST, ProgrammesError, programmes_from
from compliance.rule_models import CompliancePolicy
from inbox.segments import count
from inbox.tongues import language_name, languages_with
from inbox.views.settings.compliance import may_change

_NUMBERS = range(1, MOST + 1)
_TEXTS = {
    AskingKind.CONFIRM: gettext_lazy("The question whether they consent"),
    AskingKind.CLARIFY: gettext_lazy("After an opt-out: which programme do they keep?"),
}


class AskingForm(forms.Form):
    """What holds for the account, and both texts in one language."""

    confirms = forms.BooleanField(
        label=gettext_lazy("Ask people to confirm an opt-in (double opt-in)"),
        help_text=gettext_lazy(
            "For opt-ins on a form, on paper, on the phone or by another system. One question goes "
            "out, in the hours of offers; without a yes within 72 hours nothing was given. Who "
            "opted out is never asked."
        ),
        required=False,
    )
    approves = forms.BooleanField(
        label=gettext_lazy("A second person approves an opt-in for somebody who opted out"),
        help_text=gettext_lazy(
            "For opt-ins with new proof that an admin or a program reports. It counts once another "
            "admin approved it. What people do themselves needs nobody: START, a form, a link."
        ),
        required=False,
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("An opt-out counts for"),
        choices=OptOutScope.choices,
        help_text=gettext_lazy(
            "It holds for opt-outs from now on. Those of before count as they did; START takes "
            "back what that opt-out did, wherever it did it."
        ),
    )
    clarifies = forms.BooleanField(
        label=gettext_lazy("Ask after an opt-out which programme they keep"),
        help_text=gettext_lazy(
            "In the place of the confirmation, where we send it and not the carrier. A reply with "
            "the number or the name keeps that one; anything else, and silence, stops all."
        ),
        required=False,
    )

    def __init__(self, data: Any, asking: Asking, language: str) -> None:
        kept = {kind: asking.texts.get(kind.value, {}).get(language, "") for kind in AskingKind}
        super().__init__(
            data,
            initial={
                "confirms": asking.confirms,
                "approves": asking.approves,
                "scope": asking.scope.value,
                "clarifies": asking.clarifies,
                **{f"name{one.number}": one.name for one in asking.programmes},
                **{f"code{one.number}": one.code for one in asking.programmes},
                **{kind.value: text for kind, text in kept.items()},
            },
        )
        for number in _NUMBERS:
            self.fields[f"name{number}"] = forms.CharField(
                label=_("Programme %d") % number,
                required=False,
                max_length=200,
                widget=forms.TextInput(attrs={"dir": "auto", "maxlength": LONGEST_NAME}),
            )
            self.fields[f"code{number}"] = forms.CharField(
                required=False, max_length=60, widget=forms.HiddenInput
            )
        for kind, label in _TEXTS.items():
            self.fields[kind.value] = forms.CharField(
                label=label,
                required=False,
                max_length=2000,
                widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
            )
        self._asking, self._language = asking, language

    def wanted(self) -> Asking:
        """Return what was typed. Raises ProgrammesError."""
        said = self.cleaned_data
        pairs = [(said[f"code{number}"], said[f"name{number}"]) for number in _NUMBERS]
        return Asking(
            confirms=said["confirms"],
            approves=said["approves"],
            scope=OptOutScope(said["scope"]),
            clarifies=said["clarifies"],
            programmes=programmes_from(pairs),
            texts={kind.value: self._texts(kind) for kind in AskingKind},
        )

    def _texts(self, kind: AskingKind) -> dict[str, str]:
        """Return the texts of a kind in every language, with what was typed for this one."""
        kept = dict(self._asking.texts.get(kind.value, {}))
        kept.pop(self._language, None)
        typed = self.cleaned_data[kind.value].strip()
        return {**kept, **({self._language: typed} if typed else {})}

    def heed(self, error: AskingError) -> None:
        """Say what is wrong, where it was typed."""
        for place, problems in error.problems.items():
            kind, _colon, language = place.partition(":")
            is_here = not language or language == self._language
            field = kind if is_here and kind in self.fields else None
            for words in problems:
                self.add_error(field, words if is_here else f"{language_name(language)}: {words}")


@require_http_methods(["GET", "POST"])
def asking(request: HttpRequest) -> HttpResponse:
    """Show how people are asked and what an opt-out reaches, and save it."""
    who = reader(request)
    row = policy_row(who.account)
    language = _language(request, row)
    if request.method == "GET":
        return _page(request, who, row, AskingForm(None, as_asking(row), language), language)
    if not may_change(who):
        raise Http404
    form = AskingForm(request.POST, as_asking(row), language)
    if not form.is_valid():
        return _page(request, who, row, form, language, status=422)
    try:
        change_asking(
            account=who.account,
            wanted=form.wanted(),
            version=number_in(request.POST.get("version", "")) or 0,
            by=who.user,
            now=who.now,
        )
    except ProgrammesError as error:
        for words in error.problems:
            form.add_error(None, words)
        return _page(request, who, row, form, language, status=422)
    except AskingError as error:
        form.heed(error)
        return _page(request, who, row, form, language, status=422)
    except AskingChangedError as changed:
        form.add_error(None, _(changed.reason))
        return _page(request, who, row, form, language, status=409)
    messages.success(request, _("Saved. It holds from now on."))
    return HttpResponseRedirect(f"{reverse('settings_asking')}?language={language}")


def _language(request: HttpRequest, row: CompliancePolicy) -> str:
    asked = request.GET.get("language", "").strip()
    return asked if asked in dict(languages_with(_there(row))) else "en"


def _there(row: CompliancePolicy) -> list[str]:
    """Return the languages in which the account has a text of its own."""
    return sorted({code for texts in row.asking_texts.values() for code in texts})


def _page(
    request: HttpRequest,
    who: Administrator,
    row: CompliancePolicy,
    form: AskingForm,
    language: str,
    *,
    status: int = 200,
) -> HttpResponse:
    kept = as_asking(row)
    context = {
        "who": who,
        "here": "compliance",
        "may_change": may_change(who),
        "row": row,
        "form": form,
        "settings": [form[name] for name in ("confirms", "approves", "scope", "clarifies")],
        "programmes": [(form[f"name{one}"], form[f"code{one}"]) for one in _NUMBERS],
        "kept": kept,
        "lines": [_line(who, kept, form, kind, language) for kind in AskingKind],
        "language": language,
        "language_name": language_name(language),
        "there": [(code, language_name(code)) for code in _there(row)],
        "others": languages_with(_there(row)),
        "longest": LONGEST_TEXT,
        "place": PLACE,
    }
    return render(request, "settings/asking.html", context, status=status)


def _line(
    who: Administrator, kept: Asking, form: AskingForm, kind: AskingKind, language: str
) -> dict[str, Any]:
    own = kept.texts.get(kind.value, {}).get(language, "")
    ours = suggested(kind, language, who.account.name)
    sent = own or ours or suggested(kind, "en", who.account.name)
    whole = with_programmes(sent, kept.programmes)
    problems = asking_problems(
        kind, own, language=language, names=(who.account.name,), programmes=kept.programmes
    )
    return {
        "field": form[kind.value],
        "sent": whole if kept.programmes or kind is AskingKind.CONFIRM else sent,
        "is_own": bool(own),
        "cost": count(whole),
        "warnings": [one.words for one in problems if own and not one.is_error],
        "suggested": ours,
    }
