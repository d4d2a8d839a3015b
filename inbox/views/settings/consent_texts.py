"""What does an inbox answer to STOP, START and HELP, in which language, and may it say that?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator, reader
from accounts.numbers import number_in
from compliance.consent_texts import LONGEST, SHORTEST, Kind, suggested
from compliance.gate import Purpose
from inbox.consent_wording import own_language
from inbox.explaining.verdicts import verdicts_on
from inbox.models import TeamInbox
from inbox.segments import count
from inbox.setup.consent_texts import (
    ConsentTexts,
    ConsentTextsError,
    consent_texts,
    is_own,
    languages_of,
    problems_of,
    save_consent_texts,
)
from inbox.tongues import language_name, languages_with
from inbox.views.settings.answers import inbox_of

LABELS = {
    Kind.OPT_OUT: gettext_lazy("After STOP"),
    Kind.OPT_IN: gettext_lazy("After START"),
    Kind.HELP: gettext_lazy("To HELP"),
}


class TextsForm(forms.Form):
    """The three texts in one language."""

    def __init__(self, data: Any, shown: ConsentTexts) -> None:
        super().__init__(data)
        for kind, label in LABELS.items():
            self.fields[kind.value] = forms.CharField(
                label=label,
                initial=shown.texts[kind],
                required=False,
                max_length=2000,
                widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
            )
        self._language = shown.language

    def wanted(self) -> ConsentTexts:
        """Return what was typed."""
        said = {kind: str(self.cleaned_data.get(kind.value, "")) for kind in Kind}
        return ConsentTexts(self._language, said)


@require_http_methods(["GET", "POST"])
def texts(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change the three texts in one language; blank: the inbox's own."""
    who = reader(request) if request.method == "GET" else administrator(request)
    inbox = inbox_of(who, slug)
    asked = request.GET.get("language", "").strip()
    codes = dict(languages_with(languages_of(inbox)))
    language = asked if asked in codes and not is_own(inbox, asked) else ""
    shown = consent_texts(inbox, language)
    if request.method == "GET":
        return _page(request, who, inbox, TextsForm(None, shown), shown)
    form = TextsForm(request.POST, shown)
    form.is_valid()
    wanted = form.wanted()
    try:
        version = number_in(request.POST.get("version", "")) or 0
        save_consent_texts(inbox=inbox, wanted=wanted, version=version, by=who.user, now=who.now)
    except ConsentTextsError as refused:
        for problem in refused.problems:
            form.add_error(problem.kind.value, problem.words)
        if not refused.problems:
            form.add_error(None, refused.reason)
        return _page(request, who, inbox, form, wanted, status=422)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(_url(inbox, language))


_PURPOSES = {
    Kind.OPT_OUT: Purpose.OPT_OUT_CONFIRMATION,
    Kind.OPT_IN: Purpose.OPT_IN_CONFIRMATION,
    Kind.HELP: Purpose.HELP_REPLY,
}


def _url(inbox: TeamInbox, language: str) -> str:
    url = reverse("settings_consent_texts", kwargs={"slug": inbox.slug})
    return f"{url}?language={language}" if language else url


def _page(
    request: HttpRequest,
    who: Administrator,
    inbox: TeamInbox,
    form: TextsForm,
    shown: ConsentTexts,
    *,
    status: int = 200,
) -> HttpResponse:
    language = shown.language or own_language(inbox)
    problems = problems_of(inbox, shown)
    lines = [
        {
            "field": form[kind.value],
            "text": shown.texts[kind],
            "cost": count(shown.texts[kind]),
            "warnings": [
                one.words
                for one in problems
                if one.kind == kind and not (form.is_bound and one.is_error)
            ],
            "suggested": suggested(kind, language, who.account.name),
        }
        for kind in Kind
    ]
    context = {
        "who": who,
        "here": "keywords",
        "inbox": inbox,
        "form": form,
        "lines": lines,
        "language": shown.language,
        "language_name": language_name(language),
        "own_name": language_name(own_language(inbox)),
        "there": [(code, language_name(code)) for code in languages_of(inbox)],
        "others": languages_with(languages_of(inbox)),
        "shortest": SHORTEST,
        "longest": LONGEST,
        "gates": [
            (form[kind.value].label, verdicts_on(inbox, purpose, now=who.now))
            for kind, purpose in _PURPOSES.items()
        ],
    }
    return render(request, "settings/inbox/consent_texts.html", context, status=status)
