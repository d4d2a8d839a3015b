"""Who may log in to this account? See them, change their role, end their sessions or log-in."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import licensed
from accounts.administrators import Administrator, administrator
from accounts.models import BrowserSession, Invitation, Membership, User
from accounts.numbers import number_in
from accounts.sessions import SECOND_FACTORS, sessions_of
from inbox.models import AvailabilityPlan
from inbox.setup import people as stories
from inbox.setup.availability import choose_plan
from inbox.setup.previews import preview_auditing, preview_deactivation
from inbox.setup.refusals import SetUpError
from routing.models import BusinessHours

PAGE = 50
STATES = ("active", "deactivated", "all")


class RoleForm(forms.Form):
    """What somebody is in their account."""

    role = forms.ChoiceField(
        choices=[(role.value, role.label) for role in stories.ACCOUNT_ROLES],
        help_text=gettext_lazy(
            "Who becomes an auditor answers nobody: their licence ends, and what they have goes "
            "back to their teams."
        ),
        error_messages={"invalid_choice": "There is no such role."},
    )


@dataclass(frozen=True)
class Search:
    """Which people a page asks for, and after whom it begins."""

    words: str
    state: str
    after: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Search":
        """Read it from the address; what makes no sense counts as not asked."""
        state = request.GET.get("state", "active")
        return cls(
            words=request.GET.get("q", "").strip()[:100],
            state=state if state in STATES else "active",
            after=request.GET.get("after", ""),
        )


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """List the people of the account, a page at a time, and who is invited."""
    who, search = administrator(request), Search.of(request)
    rows = _with_teams(list(_people(who, search)[: PAGE + 1]))
    invited = list(_open_invitations(who, search)[: PAGE + 1])
    context = {
        "who": who,
        "here": "people",
        "people": rows[:PAGE],
        "search": search,
        "next_after": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "invitations": invited[:PAGE],
        "is_more_invited": len(invited) > PAGE,
    }
    return render(request, "settings/people.html", context)


def _people(who: Administrator, search: Search) -> QuerySet[Any]:
    rows = User.objects.filter(account=who.account).order_by("name", "pk")
    if search.state != "all":
        rows = rows.filter(is_active=search.state == "active")
    if search.words:
        rows = rows.filter(Q(name__icontains=search.words) | Q(email__icontains=search.words))
    rows = _after(rows, who, search.after)
    return with_facts(rows, who)


def _after(rows: QuerySet[User], who: Administrator, after: str) -> QuerySet[User]:
    # A key and not a number of rows to skip: the last page costs no more than the first.
    last = User.objects.filter(account=who.account, pk=after).first() if after.isdecimal() else None
    if last is None:
        return rows
    return rows.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk))


def with_facts(rows: QuerySet[User], who: Administrator) -> QuerySet[Any]:
    """Ask along whether each has a licence and a second factor, and when they were last here."""
    seen = BrowserSession.objects.filter(user=OuterRef("pk")).order_by().values("user")
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    return rows.annotate(
        has_license=Exists(licensed(now=who.now).filter(pk=OuterRef("pk"))),
        has_second_factor=Exists(factors),
        last_seen_at=Greatest(
            Coalesce(Subquery(seen.annotate(at=Max("seen_at")).values("at")), F("last_login")),
            F("last_login"),
        ),
    )


def _with_teams(rows: list[Any]) -> list[Any]:
    found: dict[int, list[Membership]] = {user.pk: [] for user in rows}
    parts = Membership.objects.filter(user__in=rows).select_related("team")
    for part in parts.order_by("team__name"):
        found[part.user_id].append(part)
    for user in rows:
        user.parts = found[user.pk]
    return rows


def _open_invitations(who: Administrator, search: Search) -> QuerySet[Invitation]:
    rows = Invitation.objects.filter(account=who.account, accepted_at=None, revoked_at=None)
    if search.words:
        rows = rows.filter(Q(name__icontains=search.words) | Q(email__icontains=search.words))
    return rows.select_related("invited_by")


def person_of(who: Administrator, pk: int) -> Any:
    """Fetch one person of this account. For anybody else's: Http404."""
    user = with_facts(User.objects.filter(account=who.account, pk=pk), who).first()
    if user is None:
        raise Http404("No such person.")
    return user


@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one person, and change their role."""
    who = administrator(request)
    user = person_of(who, pk)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": user.role})
    if request.method == "POST" and request.POST.get("seen", user.role) != user.role:
        words = _("Somebody else changed this meanwhile: the role is “%s” now. Save to change it.")
        form.add_error("role", words % user.get_role_display())
    if request.method == "POST" and form.is_valid():
        if foretold := _before_auditing(request, who, user, form.cleaned_data["role"]):
            return foretold
        try:
            role = form.cleaned_data["role"]
            count = stories.change_role(user=user, role=role, by=who.user, now=who.now)
        except stories.PeopleError as error:
            form.add_error("role", error.reason)
        else:
            words = _("%(person)s has the role “%(role)s” now.")
            label = str(User.Role(role).label)
            messages.success(request, words % {"person": user, "role": label})
            say_released(request, count)
            return _back_to(user)
    key = request.session.session_key or ""
    context = {
        "who": who,
        "here": "people",
        "person": user,
        "form": form,
        "teams": user.memberships.select_related("team").order_by("team__name"),
        "sessions": sessions_of(user, now=who.now, this_key=key),
        "is_me": user == who.user,
        "plan": AvailabilityPlan.objects.filter(user=user).first(),
        "hours": BusinessHours.objects.filter(account=who.account),
    }
    return render(request, "settings/person.html", context)


@require_POST
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose by which hours somebody works."""
    who = administrator(request)
    user = person_of(who, pk)
    wanted = request.POST.get("hours", "")
    hours = BusinessHours.objects.filter(account=who.account, pk=number_in(wanted) or 0).first()
    if wanted and hours is None:
        messages.error(request, _("There are no such hours any more."))
        return _back_to(user)
    seen = number_in(request.POST.get("seen", ""))
    try:
        choose_plan(user=user, hours=hours, seen=seen, by=who.user, now=who.now)
    except SetUpError as refused:
        messages.error(request, refused.reason)
    else:
        words = _("%(person)s works by “%(hours)s”.") if hours else _("%(person)s has no plan.")
        messages.success(request, words % {"person": user, "hours": hours})
    return _back_to(user)


def _before_auditing(
    request: HttpRequest, who: Administrator, user: User, role: str
) -> HttpResponse | None:
    """Show first what somebody would lose as an auditor, if it is anything."""
    is_new = role == User.Role.AUDITOR != user.role and user != who.user
    if not is_new or "looked" in request.POST:
        return None
    preview = preview_auditing(user=user, now=who.now)
    context = {"who": who, "here": "people", "person": user, "preview": preview}
    page = render(request, "settings/person_audit.html", context)
    return None if preview.is_harmless else page


@require_http_methods(["GET", "POST"])
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what it would set off, then take somebody's log-in."""
    who = administrator(request)
    user = person_of(who, pk)
    if request.method == "POST":
        try:
            count = stories.deactivate_person(user=user, by=who.user, now=who.now)
        except stories.PeopleError as error:
            messages.error(request, error.reason)
        else:
            messages.success(request, _("%s can no longer log in.") % user.name)
            say_released(request, count)
        return _back_to(user)
    context = {
        "who": who,
        "here": "people",
        "person": user,
        "preview": preview_deactivation(user=user, now=who.now),
    }
    return render(request, "settings/person_deactivate.html", context)


def say_released(request: HttpRequest, count: int) -> None:
    """Say how many conversations went back to their teams, if any did."""
    if count:
        words = ngettext(
            "%d conversation went back to its team.",
            "%d conversations went back to their teams.",
            count,
        )
        messages.info(request, words % count)


@require_POST
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody log in again."""
    who = administrator(request)
    user = person_of(who, pk)
    stories.reactivate_person(user=user, by=who.user, now=who.now)
    words = _("%s can log in again. A licence must be given anew.") % user.name
    messages.success(request, words)
    return _back_to(user)


@require_POST
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Log somebody out everywhere."""
    who = administrator(request)
    user = person_of(who, pk)
    key = request.session.session_key if user == who.user else None
    count = stories.end_all_sessions(user=user, by=who.user, this_key=key, now=who.now)
    words = ngettext("%d session ended.", "%d sessions ended.", count) % count
    messages.success(request, words)
    return _back_to(user)


def _back_to(user: User) -> HttpResponse:
    return HttpResponseRedirect(reverse("settings_person", kwargs={"pk": user.pk}))
