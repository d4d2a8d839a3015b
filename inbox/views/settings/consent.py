"""What did somebody consent to, where did they stand at an instant, and how is that proved?

Account admins and auditors read here and take proof away; nothing is changed. Each look and each
pack is a line of the audit log. Product behaviour, not legal advice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.administrators import Administrator, consent_reader, own_administrator
from accounts.audit import record, record_export
from accounts.models import User
from accounts.numbers import number_in
from compliance.history import OneView, flags_of, views_at, wrote_of
from compliance.jurisdictions import shipped_pack
from compliance.models import ConsentChain, ConsentEvent
from compliance.proof.decided import decisions_between, lines_of_decisions
from compliance.proof.sources import (
    Asked,
    as_last_verified,
    noted_heads,
    numbers_between,
    pack_of_period,
    pack_of_person,
)
from inbox.setup.person_export import export_of
from inbox.setup.persons import Known, Person, find_person, person_of
from inbox.setup.refusals import SetUpError
from inbox.views.settings.consent_forms import AsOfForm, PeriodForm, WhoForm, WhyForm

PAGE = 50
# More would keep a web process busy for longer than about half a minute: a command does that.
MOST_IN_PERIOD = 20_000


@dataclass(frozen=True)
class Stood:
    """Where one address stood at an instant."""

    known: Known
    views: list[tuple[OneView, list[str], list[str]]]


@never_cache
@require_http_methods(["GET", "POST"])
def consent(request: HttpRequest) -> HttpResponse:
    """Ask whose consents somebody wants to see, or of which time they want proof."""
    who = consent_reader(request)
    form = WhoForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            person = find_person(who.account, form.cleaned_data["address"])
        except SetUpError as refused:
            form.add_error("address", refused.reason)
        else:
            return HttpResponseRedirect(reverse("settings_consent_of", kwargs={"key": person.key}))
    return _asking(request, who, form, PeriodForm(None, who.account, who.now))


def _asking(
    request: HttpRequest, who: Administrator, form: WhoForm, period: PeriodForm
) -> HttpResponse:
    chain = ConsentChain.objects.filter(account=who.account).first()
    noted = noted_heads(who.account.pk)
    context = {
        **_base(who),
        "form": form,
        "period": period,
        "chain": chain,
        "noted": noted[-1] if noted else None,
        "verified": (
            as_last_verified(who.account.pk, chain.verified_at)
            if chain and chain.verified_at
            else None
        ),
    }
    status = 422 if form.errors or period.errors else 200
    return render(request, "settings/consent.html", context, status=status)


@never_cache
@require_POST
def consent_period(request: HttpRequest) -> HttpResponseBase:
    """Send proof of all that was recorded from one day to another."""
    who = consent_reader(request)
    form = PeriodForm(request.POST, who.account, who.now)
    if not form.is_valid():
        return _asking(request, who, WhoForm(), form)
    since, until = form.bounds()
    first, last = numbers_between(who.account.pk, since, until)
    decisions = decisions_between(who.account.pk, since, until)
    number = (last - first + 1 if last else 0) + decisions[: MOST_IN_PERIOD + 1].count()
    if number > MOST_IN_PERIOD:
        words = _(
            "There are more than %(number)s events and decisions, too many for a page: choose "
            "fewer days, or ask your operator for `manage.py export_proof`."
        )
        form.add_error("until", words % {"number": MOST_IN_PERIOD})
        return _asking(request, who, WhoForm(), form)
    _note(who, form.cleaned_data["reason"], since=since, until=until, events=bool(last))
    pack = pack_of_period(
        _asked(who, form.cleaned_data["reason"]),
        since,
        until,
        decisions=lines_of_decisions(decisions),
    )
    return _zip(pack, f"proof-{form.cleaned_data['since']}-{form.cleaned_data['until']}")


@never_cache
@require_GET
def consent_of(request: HttpRequest, *, key: str) -> HttpResponse:
    """Show what happened to somebody's consents, and where they stood at an instant."""
    who = consent_reader(request)
    person = _person(who, key)
    form = AsOfForm(request.GET, who.account, who.now)
    is_right = form.is_valid()
    record(
        action="consent_history_seen",
        subject=f"consent of {person.label}",
        actor=who.user,
        account_id=who.account.pk,
        now=who.now,
        as_of=form.moment.isoformat(),
    )
    return _history(request, who, person, form, WhyForm(), status=200 if is_right else 422)


def _history(
    request: HttpRequest,
    who: Administrator,
    person: Person,
    form: AsOfForm,
    why: WhyForm,
    *,
    status: int,
) -> HttpResponse:
    before = number_in(request.GET.get("before", ""))
    rows = person.events.filter(seq__lt=before) if before else person.events
    page = list(rows[: PAGE + 1])
    context = {
        **_base(who),
        "person": person,
        "form": form,
        "why": why,
        "at": form.moment,
        "places": [_stood(person, known, form.moment) for known in person.known],
        "rows": page[:PAGE],
        "older": page[PAGE - 1].seq if len(page) > PAGE else None,
        "is_first": not before,
        "may_export": _may_export(who),
    }
    return render(request, "settings/consent_of.html", context, status=status)


def _stood(person: Person, known: Known, at: datetime) -> Stood:
    events = list(
        ConsentEvent.objects.filter(account=person.account, handle=known.handle).order_by("seq")
        if known.handle
        else ()
    )
    wrote = wrote_of(person.account.pk, known.address) if known.address else []
    views = views_at(person.account.pk, known.handle, at, events=events, wrote=wrote)
    return Stood(known, [(one, flags_of(one.view.now), flags_of(one.view.then)) for one in views])


@never_cache
@require_POST
def consent_proof(request: HttpRequest, *, key: str) -> HttpResponseBase:
    """Send proof of what happened to somebody's consents."""
    who = consent_reader(request)
    person = _person(who, key)
    why = WhyForm(request.POST)
    if not why.is_valid():
        return _wrong(request, who, person, why)
    reason = why.cleaned_data["reason"]
    _note(who, reason, handles=", ".join(person.handles))
    decisions = lines_of_decisions(person.decisions)
    pack = pack_of_person(_asked(who, reason), person.handles, decisions=decisions)
    return _zip(pack, f"proof-{person.key[:12]}")


@never_cache
@require_POST
def consent_data(request: HttpRequest, *, key: str) -> HttpResponseBase:
    """Send all that is held on somebody, for them: the account's own admins do that."""
    consent_reader(request)  # notes who wants it and may not
    who = own_administrator(request)
    person = _person(who, key)
    why = WhyForm(request.POST)
    if not why.is_valid():
        return _wrong(request, who, person, why)
    record_export(
        what="person_data",
        by=who.user,
        now=who.now,
        account_id=who.account.pk,
        person=person.key,
        reason=why.cleaned_data["reason"],
    )
    return _zip(export_of(person, now=who.now), f"person-{person.key[:12]}")


def _wrong(request: HttpRequest, who: Administrator, person: Person, why: WhyForm) -> HttpResponse:
    form = AsOfForm(request.GET, who.account, who.now)
    return _history(request, who, person, form, why, status=422)


def _base(who: Administrator) -> dict[str, Any]:
    return {"who": who, "here": "consent", "rules_version": shipped_pack().version}


def _person(who: Administrator, key: str) -> Person:
    person = person_of(who.account, key)
    if person is None:
        raise Http404("No such person.")
    return person


def _may_export(who: Administrator) -> bool:
    return who.support is None and who.user.role == User.Role.ACCOUNT_ADMIN


def _asked(who: Administrator, reason: str) -> Asked:
    return Asked(who.account, by=str(who.user), reason=reason, now=who.now)


def _note(who: Administrator, reason: str, **what: Any) -> None:
    record_export(
        what="consent_proof",
        by=who.user,
        now=who.now,
        account_id=who.account.pk,
        reason=reason,
        **what,
    )


def _zip(pieces: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """Answer with a zip that is sent while it is made; nothing of it is kept."""
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    response["Content-Disposition"] = f'attachment; filename="{safe}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
