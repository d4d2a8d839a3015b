"""For how long is what kept, what is held, what went, and who is to be forgotten?

Account admins settle, hold and erase; auditors read. Product behaviour, not legal advice.
"""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.administrators import (
    Administrator,
    consent_reader,
    own_administrator,
    reader,
)
from accounts.audit import record_export
from accounts.models import User
from accounts.numbers import number_in
from inbox.forgetting.certificates import first_bad, written
from inbox.forgetting.erasing import ask_erasure, of_account, outlook
from inbox.forgetting.foreseeing import foresee
from inbox.forgetting.holds import holds_on, lift_hold, set_hold, standing
from inbox.forgetting.remote import try_again
from inbox.forgetting.settling import (
    BelowFloorsError,
    Lengths,
    check_lengths,
    policy_row,
    settings_of,
    settle,
    shorter,
)
from inbox.models import Conversation, Erasure, ForgettingCertificate, LegalHold
from inbox.setup.persons import Person, person_of
from inbox.setup.refusals import SetUpError
from inbox.views.settings.retention_forms import ERASE, EraseForm, HoldForm, LengthsForm, LiftForm
from inbox.views.settings.retention_words import named

SHOWN = 50
# How far a step has come; and what is told apart, since it stays.
_NO_COUNTS = ("after", "suppressions_kept")


@never_cache
@require_http_methods(["GET", "POST"])
def retention(request: HttpRequest) -> HttpResponse:
    """Show for how long things are kept; foresee what a change would do, and save it."""
    who = reader(request)
    if request.method == "GET":
        return _page(request, who)
    if not who.may_change:
        raise Http404
    form = LengthsForm(request.POST)
    if not form.is_valid():
        return _page(request, who, form=form, status=422)
    lengths: Lengths = form.lengths
    try:
        check_lengths(who.account.pk, lengths)
        asks = bool(shorter(who.account, lengths, now=who.now))
        if (asks and request.POST.get("foreseen") != form.written) or "foresee" in request.POST:
            return _page(request, who, form=form, foreseen=form.written)
        version = number_in(request.POST.get("version", "")) or 0
        settle(account=who.account, lengths=lengths, version=version, by=who.user, now=who.now)
    except BelowFloorsError as below:
        for field, problem in below.problems.items():
            form.add_error(field, problem)
        return _page(request, who, form=form, status=422)
    except SetUpError as refused:
        form.add_error(None, refused.reason)
        return _page(request, who, form=form, status=409)
    messages.success(request, _("Saved. The next run goes by it."))
    return HttpResponseRedirect(reverse("settings_retention"))


def _page(
    request: HttpRequest,
    who: Administrator,
    *,
    form: LengthsForm | None = None,
    foreseen: str = "",
    hold: HoldForm | None = None,
    lift: tuple[str, LiftForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    row = policy_row(who.account, now=who.now)
    settings = settings_of(who.account, now=who.now)
    shown = form or LengthsForm(initial={one.kind.field: one.settled for one in settings})
    certificates = ForgettingCertificate.objects.filter(account=who.account)
    context = {
        "who": who,
        "here": "retention",
        "row": row,
        "form": shown,
        "lines": [{"setting": one, "field": shown[one.kind.field]} for one in settings],
        "may_change": who.may_change,
        "may_hold": _may_hold(who),
        "foreseen": foreseen,
        "ahead": foresee(who.account, shown.lengths, now=who.now) if foreseen else [],
        "holds": _holds(standing(who.account.pk), lift),
        "lifted": LegalHold.objects.filter(account=who.account, lifted_at__isnull=False)[:SHOWN],
        "hold_form": hold or HoldForm(auto_id="hold_%s"),
        "erasures": of_account(who.account) if _sees_people(who) else [],
        "certificates": [
            {"row": one, "counts": named(one.document.get("counts", {}))}
            for one in certificates.order_by("-number")[:SHOWN]
        ],
        "bad": first_bad(who.account.pk) if certificates.count() <= SHOWN else None,
    }
    return render(request, "settings/retention.html", context, status=status)


def _holds(
    rows: "QuerySet[LegalHold]", lift: tuple[str, LiftForm] | None = None
) -> list[dict[str, Any]]:
    """Return holds with the form that lifts each; the one that was tried keeps what was typed."""
    found = rows.select_related("set_by", "contact", "conversation__inbox__team")
    tried, form = lift or ("", None)
    return [
        {
            "row": row,
            "form": form
            if form and row.public_id == tried
            else LiftForm(auto_id=f"lift_{row.pk}_%s"),
        }
        for row in found
    ]


def _may_hold(who: Administrator) -> bool:
    return who.support is None and who.user.role == User.Role.ACCOUNT_ADMIN


def _sees_people(who: Administrator) -> bool:
    return who.user.role != User.Role.PARTNER


@never_cache
@require_POST
def hold_account(request: HttpRequest) -> HttpResponse:
    """Hold everything of the account."""
    who = own_administrator(request)
    form = HoldForm(request.POST, auto_id="hold_%s")
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            set_hold(account=who.account, reason=reason, by=who.user, now=who.now)
        except SetUpError as refused:
            form.add_error("reason", refused.reason)
        else:
            messages.success(request, _("Held. Nothing of the account goes until it is lifted."))
            return HttpResponseRedirect(reverse("settings_retention"))
    return _page(request, who, hold=form, status=422)


@never_cache
@require_POST
def hold_lift(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Lift a hold, with a reason."""
    who = own_administrator(request)
    hold = LegalHold.objects.filter(account=who.account, public_id=public_id).first()
    if hold is None:
        raise Http404("No such hold.")
    form = LiftForm(request.POST, auto_id=f"lift_{hold.pk}_%s")
    if form.is_valid():
        try:
            lift_hold(hold=hold, reason=form.cleaned_data["reason"], by=who.user, now=who.now)
        except SetUpError as refused:
            if not refused.field:
                # It is not in the list of what is held any more: nothing is left to type.
                messages.error(request, refused.reason)
                return HttpResponseRedirect(reverse("settings_retention"))
            form.add_error("reason", refused.reason)
        else:
            messages.success(request, _("Lifted."))
            return HttpResponseRedirect(reverse("settings_retention"))
    return _page(request, who, lift=(public_id, form), status=422)


@never_cache
@require_GET
def certificate(request: HttpRequest, *, number: int) -> HttpResponse:
    """Hand out a certificate as the JSON that its hash is over."""
    who = reader(request)
    row = ForgettingCertificate.objects.filter(account=who.account, number=number).first()
    if row is None:
        raise Http404("No such certificate.")
    record_export(
        what="forgetting_certificate",
        by=who.user,
        now=who.now,
        account_id=who.account.pk,
        number=number,
    )
    response = HttpResponse(written(row.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="certificate-{number}.json"'
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Certificate-SHA256"] = row.sha256
    return response


# --- One person ----------------------------------------------------------------------------------


@never_cache
@require_GET
def keeping(request: HttpRequest, *, key: str) -> HttpResponse:
    """Show what keeps a person here, and what an erasure would take away."""
    who = consent_reader(request)
    return _person_page(request, who, _person(who, key))


def _person_page(
    request: HttpRequest,
    who: Administrator,
    person: Person,
    *,
    hold: HoldForm | None = None,
    erase: EraseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    contact = person.contact
    conversations = (
        Conversation.objects.filter(contact=contact)
        .select_related("inbox__team")
        .order_by("-opened_at")[:SHOWN]
        if contact
        else []
    )
    ahead = outlook(person)
    context = {
        "who": who,
        "here": "consent",
        "person": person,
        "outlook": ahead,
        "counts": named(ahead.counts),
        "holds": _holds(holds_on(person.whom)),
        "may_hold": _may_hold(who),
        "is_erased": bool(contact and contact.erased_at),
        "hold_form": hold or HoldForm(conversations=list(conversations), auto_id="hold_%s"),
        "erase_form": erase or EraseForm(auto_id="erase_%s"),
        "erasures": Erasure.objects.filter(account=who.account, subject=person.key)[:SHOWN],
        "erase_word": ERASE,
    }
    return render(request, "settings/keeping.html", context, status=status)


@never_cache
@require_POST
def person_hold(request: HttpRequest, *, key: str) -> HttpResponse:
    """Hold a person, or one conversation with them."""
    who = own_administrator(request)
    person = _person(who, key)
    rows = Conversation.objects.filter(contact=person.contact) if person.contact else []
    form = HoldForm(request.POST, conversations=list(rows), auto_id="hold_%s")
    if form.is_valid():
        of: dict[str, Any] = {"contact": person.contact, "handle": person.key}
        if form.conversation:
            of = {"conversation": form.conversation}
        try:
            reason = form.cleaned_data["reason"]
            set_hold(account=who.account, reason=reason, by=who.user, now=who.now, **of)
        except SetUpError as refused:
            form.add_error("reason", refused.reason)
        else:
            messages.success(request, _("Held. Nothing of it goes until it is lifted."))
            return HttpResponseRedirect(reverse("settings_keeping", kwargs={"key": key}))
    return _person_page(request, who, person, hold=form, status=422)


@never_cache
@require_POST
def person_erase(request: HttpRequest, *, key: str) -> HttpResponse:
    """Let a person be erased."""
    who = own_administrator(request)
    person = _person(who, key)
    form = EraseForm(request.POST, auto_id="erase_%s")
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            row = ask_erasure(person=person, reason=reason, by=who.user, now=who.now)
        except SetUpError as refused:
            form.add_error("reason" if refused.field else None, refused.reason)
        else:
            there = reverse("settings_erasure", kwargs={"public_id": row.public_id})
            return HttpResponseRedirect(there)
    return _person_page(request, who, person, erase=form, status=422)


@never_cache
@require_GET
def erasure(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Show how far an erasure has come."""
    who = consent_reader(request)
    row = _erasure(who, public_id)
    deletions = row.deletions.all()
    context = {
        "who": who,
        "here": "retention",
        "row": row,
        "may_hold": _may_hold(who),
        "counts": named({name: it for name, it in row.counts.items() if name not in _NO_COUNTS}),
        "suppressed": row.counts.get("suppressions_kept", 0),
        "owed": deletions.filter(state="owed").count(),
        "deleted": deletions.filter(state="done").count(),
        "failed": deletions.filter(state="failed").count(),
        "problems": sorted(set(deletions.exclude(problem="").values_list("problem", flat=True))),
        "is_under_way": row.next_at is not None,
    }
    return render(request, "settings/erasure.html", context)


@never_cache
@require_POST
def erasure_retry(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Ask Twilio again for what it did not delete."""
    who = own_administrator(request)
    row = _erasure(who, public_id)
    number = try_again(row, now=who.now)
    if number:
        messages.success(request, _("Twilio is asked again."))
    return HttpResponseRedirect(reverse("settings_erasure", kwargs={"public_id": public_id}))


def _erasure(who: Administrator, public_id: str) -> Erasure:
    rows = Erasure.objects.select_related("asked_by", "certificate")
    row = rows.filter(account=who.account, public_id=public_id).first()
    if row is None:
        raise Http404("No such erasure.")
    return row


def _person(who: Administrator, key: str) -> Person:
    person = person_of(who.account, key)
    if person is None:
        raise Http404("No such person.")
    return person
