"""Which teams are there, and who is in them?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.administrators import Administrator, administrator
from accounts.models import Membership, Team, User
from inbox.setup import teams as stories
from inbox.setup.overview import teams_of
from inbox.setup.previews import preview_membership_removal, preview_observing
from inbox.setup.teams import TeamError
from inbox.views.settings.finding import PAGE as TEAMS_ON_A_PAGE
from inbox.views.settings.finding import Find
from inbox.views.settings.people import say_released

MOST_FOUND = 50
PAGE = 100


class NameForm(forms.Form):
    """What a team is called."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=stories.MOST_LETTERS,
        error_messages={"required": gettext_lazy("Give the team a name.")},
    )


@require_http_methods(["GET", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    """List the teams, and make one."""
    who = administrator(request)
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            name = form.cleaned_data["name"]
            team = stories.make_team(account=who.account, name=name, by=who.user, now=who.now)
        except TeamError as error:
            form.add_error("name", error.reason)
        else:
            messages.success(request, _("The team “%s” is there. Now add people.") % team.name)
            return _back_to(team)
    find = Find.of(request)
    active = Count("memberships", filter=Q(memberships__user__is_active=True))
    rows = teams_of(who.account, words=find.words, after=find.after).annotate(people=active)
    found = list(rows[: TEAMS_ON_A_PAGE + 1])
    shown = found[:TEAMS_ON_A_PAGE]
    context = {
        "who": who,
        "here": "teams",
        "form": form,
        "teams": shown,
        "find": find,
        "next": find.next(shown[-1].pk if len(found) > len(shown) else None),
    }
    return render(request, "settings/teams.html", context)


@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a team with its people, and rename it."""
    who = administrator(request)
    row = _team_of(who, pk)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": row.name})
    if request.method == "POST" and request.POST.get("seen", row.name) != row.name:
        words = _("Somebody else called it “%s” meanwhile. Save to call it as you wrote.")
        form.add_error("name", words % row.name)
    if request.method == "POST" and form.is_valid():
        try:
            name = form.cleaned_data["name"]
            stories.rename_team(team=row, name=name, by=who.user, now=who.now)
        except TeamError as error:
            form.add_error("name", error.reason)
        else:
            row.refresh_from_db(fields=["name"])
            messages.success(request, _("The team is called “%s” now.") % row.name)
            return _back_to(row)
    return render(request, "settings/team.html", _team_page(request, who, row, form))


def _team_page(
    request: HttpRequest, who: Administrator, row: Team, form: NameForm
) -> dict[str, Any]:
    members = row.memberships.filter(user__is_active=True).select_related("user")
    words = request.GET.get("q", "").strip()[:100]
    others = User.objects.filter(account=who.account, is_active=True).exclude(teams=row)
    if words:
        others = others.filter(Q(name__icontains=words) | Q(email__icontains=words))
    found = list(others.order_by("name", "pk")[: MOST_FOUND + 1])
    after = request.GET.get("after", "")
    members = members.order_by("user__name", "pk")
    if after.isdecimal():
        members = _members_after(members, row, int(after))
    shown = list(members[: PAGE + 1])
    return {
        "who": who,
        "here": "teams",
        "team": row,
        "form": form,
        "members": shown[:PAGE],
        "next_after": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "roles": Membership.Role.choices,
        "found": found[:MOST_FOUND],
        "is_more": len(found) > MOST_FOUND,
        "words": words,
    }


def _members_after(members: Any, row: Team, after: int) -> Any:
    last = row.memberships.filter(pk=after).select_related("user").first()
    if last is None:
        return members
    name = last.user.name
    return members.filter(Q(user__name__gt=name) | Q(user__name=name, pk__gt=last.pk))


@require_POST
def members_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the chosen people into a team."""
    who = administrator(request)
    row = _team_of(who, pk)
    chosen = [int(one) for one in request.POST.getlist("people") if one.isdecimal()][:500]
    people = list(User.objects.filter(account=who.account, pk__in=chosen, is_active=True))
    if len(people) < len(set(chosen)):
        raise Http404("No such person.")
    if not people:
        messages.error(request, _("Choose at least one person."))
        return _back_to(row)
    try:
        role = request.POST.get("role", "")
        added = stories.add_members(team=row, people=people, role=role, by=who.user, now=who.now)
    except TeamError as error:
        messages.error(request, error.reason)
    else:
        words = ngettext("%d person added.", "%d people added.", len(added)) % len(added)
        messages.success(request, words)
    return _back_to(row)


@require_POST
def member_role(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Make a member an agent, a supervisor or an observer: after a look, if that frees work."""
    who = administrator(request)
    part = _member_of(who, pk, member)
    role = request.POST.get("role", "")
    if role == Membership.Role.OBSERVER != part.role and "looked" not in request.POST:
        preview = preview_observing(membership=part, now=who.now)
        if preview.conversations:
            context = {"who": who, "here": "teams", "part": part, "preview": preview}
            return render(request, "settings/member_observe.html", context)
    try:
        count = stories.change_member_role(membership=part, role=role, by=who.user, now=who.now)
    except TeamError as error:
        messages.error(request, error.reason)
    else:
        told = {
            "person": part.user,
            "team": part.team,
            "role": Membership.Role(role).label,
        }
        messages.success(request, _("%(person)s in %(team)s: %(role)s.") % told)
        say_released(request, count)
    return _back_to(part.team)


@require_http_methods(["GET", "POST"])
def member_remove(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Show what it would set off, then take somebody out of a team."""
    who = administrator(request)
    part = _member_of(who, pk, member)
    if request.method == "POST":
        count = stories.remove_member(membership=part, by=who.user, now=who.now)
        words = _("%(person)s is no longer in %(team)s.")
        messages.success(request, words % {"person": part.user.name, "team": part.team.name})
        say_released(request, count)
        return _back_to(part.team)
    context = {
        "who": who,
        "here": "teams",
        "part": part,
        "preview": preview_membership_removal(membership=part, now=who.now),
    }
    return render(request, "settings/member_remove.html", context)


def _team_of(who: Administrator, pk: int) -> Team:
    row = Team.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such team.")
    return row


def _member_of(who: Administrator, pk: int, member: int) -> Membership:
    rows = Membership.objects.select_related("team", "user")
    part = rows.filter(team__account=who.account, team=pk, pk=member).first()
    if part is None:
        raise Http404("No such member.")
    return part


def _back_to(team: Team) -> HttpResponse:
    return HttpResponseRedirect(reverse("settings_team", kwargs={"pk": team.pk}))
