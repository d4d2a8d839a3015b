"""Which words stop messages, start them again or ask for help? The account's, and how to try them.

Account admins change them, auditors read them. Product behaviour, not legal advice.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator, reader
from accounts.numbers import number_in
from compliance.addresses import parse_address
from compliance.evidence import EventKind, Evidence, Source
from compliance.keyword_settings import (
    add_keyword,
    keywords_of,
    remove_keyword,
    switchable,
)
from compliance.keyword_table import Class, Keyword, keywords
from compliance.lexicon import rule_version
from compliance.models import AccountKeyword
from compliance.own_keywords import MOST, OwnKeywordsRefused, may_be_off
from inbox.models import TeamInbox
from inbox.opting_out import is_opted_out, opt_out
from inbox.setup.keyword_trial import try_message
from inbox.setup.rereading import LOOKED_AT, keyword_of, message_to_decide, reread
from inbox.tongues import language_name
from inbox.views.settings.keyword_forms import TrialForm, WordForm

_LABELS = {"opt_out": 0, "opt_in": 1, "help": 2}


@dataclass(frozen=True)
class ShippedWord:
    """One of our words, as the page shows it. `off_pk` is the row that switches it off, 0 if on."""

    word: str
    language: str
    label: str
    kind: str
    is_sourced: bool
    source: str
    may_be_off: bool
    off_pk: int


@require_http_methods(["GET", "POST"])
def keyword_list(request: HttpRequest) -> HttpResponse:
    """Show every keyword; add one of the account's own, remove one, switch one of ours off."""
    if request.method == "GET":
        return _page(request, reader(request), WordForm())
    who = administrator(request)
    deeds: dict[str, Callable[[HttpRequest, Administrator], None]] = {
        "remove": _remove,
        "off": _switch_off,
    }
    if deed := deeds.get(request.POST.get("do", "")):
        deed(request, who)
        return HttpResponseRedirect(reverse("settings_keywords"))
    form = WordForm(request.POST)
    if form.is_valid():
        try:
            row = add_keyword(account=who.account, keyword=form.keyword(), by=who.user, now=who.now)
        except OwnKeywordsRefused as refused:
            for problem in refused.problems:
                form.add_error("word", problem)
        else:
            words = _("“%(word)s” is a keyword from the next message on.")
            messages.success(request, words % {"word": row.word})
            return HttpResponseRedirect(f"{reverse('settings_keywords')}#own")
    return _page(request, who, form, status=400)


def _remove(request: HttpRequest, who: Administrator) -> None:
    pk = number_in(request.POST.get("pk", "")) or 0
    try:
        word = remove_keyword(account=who.account, pk=pk, by=who.user, now=who.now)
    except AccountKeyword.DoesNotExist:
        messages.error(request, _("It was removed already."))
    else:
        messages.success(request, _("“%(word)s” is as it was before.") % {"word": word})


def _switch_off(request: HttpRequest, who: Administrator) -> None:
    word, language = request.POST.get("word", ""), request.POST.get("language", "")
    try:
        off = switchable(word, language)
        add_keyword(account=who.account, keyword=off, by=who.user, now=who.now)
    except OwnKeywordsRefused as refused:
        messages.error(request, " ".join(refused.problems))
    else:
        messages.success(request, _("“%(word)s” is no keyword any more.") % {"word": word})


def _page(
    request: HttpRequest, who: Administrator, form: WordForm, *, status: int = 200
) -> HttpResponse:
    rows = keywords_of(who.account.pk)
    context = {
        **base(who),
        "form": form,
        "own": [(row, language_name(row.language) if row.language else "") for row in rows],
        "most": MOST,
        "shipped": _shipped(rows),
        "inboxes": TeamInbox.objects.filter(account=who.account).order_by("name"),
        "rule_version": rule_version(),
    }
    return render(request, "settings/keywords.html", context, status=status)


def _shipped(rows: list[AccountKeyword]) -> list[tuple[str, str, list[ShippedWord]]]:
    """Return our words by language: its code, its name, its words."""
    off = {(row.form, row.language): row.pk for row in rows if row.action == "none"}
    by_language: dict[str, list[ShippedWord]] = defaultdict(list)
    for one in sorted(keywords(), key=lambda one: _LABELS[one.label]):
        by_language[one.language].append(_shown(one, off))
    named = ((code, language_name(code), words) for code, words in by_language.items())
    return sorted(named, key=lambda one: (one[0] != "en", one[1].casefold()))


def _shown(one: Keyword, off: dict[tuple[str, str], int]) -> ShippedWord:
    may = may_be_off(one)
    form = switchable(one.word, one.language).form if may else ""
    return ShippedWord(
        word=one.word,
        language=one.language,
        label=one.label,
        kind=str(_CLASSES[one.kind]),
        is_sourced=one.status == "sourced",
        source=one.source,
        may_be_off=may,
        off_pk=off.get((form, one.language), 0) if may else 0,
    )


_CLASSES = {
    Class.UNIVERSAL: gettext_lazy("in every inbox"),
    Class.LANGUAGE: gettext_lazy("where the language is read"),
    Class.COLLISION: gettext_lazy("an ordinary word too: when your last message invited it"),
    Class.PROVIDER_COLLISION: gettext_lazy("always on SMS, where the carrier blocks anyway"),
    Class.WEAK: gettext_lazy("for who is opted out"),
}


# --- Trying ---


@never_cache
@require_http_methods(["GET", "POST"])
def keyword_try(request: HttpRequest) -> HttpResponse:
    """Read a message as it would be read, and say what would follow. Nothing is stored."""
    who = reader(request)
    if request.method == "GET":
        codes = TeamInbox.objects.filter(account=who.account).exclude(language="")
        mine = sorted({"en", *codes.values_list("language", flat=True)})
        return _trial_page(request, who, TrialForm(initial={"languages": ", ".join(mine)}))
    form = TrialForm(request.POST)
    if not form.is_valid():
        return _trial_page(request, who, form, status=422)
    tried = try_message(who.account, form.trial(), country=form.cleaned_data["country"])
    return _trial_page(request, who, form, tried=tried)


def _trial_page(
    request: HttpRequest, who: Administrator, form: TrialForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {**base(who), "form": form, **more}
    return render(request, "settings/keywords_try.html", context, status=status)


# --- Reading the last 30 days again ---


@never_cache
@require_http_methods(["GET", "POST"])
def keyword_review(request: HttpRequest) -> HttpResponse:
    """Show which messages would be read otherwise now; opt somebody out whose message says so."""
    if request.method == "POST":
        return _decide(request, administrator(request))
    who = reader(request)
    before = number_in(request.GET.get("before", "")) or 0
    context = {
        **base(who),
        "page": reread(who.account, before=before, now=who.now),
        "most": LOOKED_AT,
        "is_first": not before,
    }
    return render(request, "settings/keywords_review.html", context)


def _decide(request: HttpRequest, who: Administrator) -> HttpResponse:
    """Opt the writer of a message out, dated to the message, because a person says so."""
    row = message_to_decide(
        who.account, number_in(request.POST.get("message", "")) or 0, now=who.now
    )
    if row is None:
        messages.error(request, _("There is nothing to decide about this message any more."))
        return HttpResponseRedirect(reverse("settings_keywords_review"))
    evidence = Evidence(
        EventKind.OPT_OUT,
        Source.ADMIN,
        occurred_at=min(row.received_at or row.created_at, who.now),
        words=keyword_of(row),
        said=row.body,
        message_sid=row.provider_sid or "",
        rule_version=rule_version(),
        recorded_by=who.user.pk,
        reason="Read again after the keywords changed",
    )
    address = parse_address(row.thread.address.key)
    opt_out(account_id=who.account.pk, address=address, evidence=evidence, now=who.now)
    if is_opted_out(who.account.pk, address, now=who.now):
        messages.success(request, _("They are opted out, from the day of their message."))
    else:
        words = _("It is written down. They asked for messages again later, so they stay in.")
        messages.info(request, words)
    return HttpResponseRedirect(reverse("settings_keywords_review"))


def base(who: Administrator) -> dict[str, Any]:
    """Return what every page about keywords shows."""
    return {"who": who, "here": "keywords"}
