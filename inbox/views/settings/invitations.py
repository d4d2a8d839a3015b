"""Whom does an account invite?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.administrators import Administrator, administrator
from accounts.models import Invitation, Membership, Team, User
from inbox.setup import invitations as stories
from inbox.setup.invitations import Asked, InvitationError, Outcome
from inbox.setup.people import ACCOUNT_ROLES

NOT_IN_IT = ("", gettext_lazy("not in it"))
IN_WORDS = {
    Outcome.INVITED: gettext_lazy("Invited. The mail is on its way."),
    Outcome.RENEWED: gettext_lazy(
        "Was invited before: a new mail is on its way, the old link is dead."
    ),
    Outcome.IS_HERE: gettext_lazy("Is here already."),
    Outcome.IS_DEACTIVATED: gettext_lazy("Was here before: reactivate them on their page."),
    Outcome.NOT_AN_ADDRESS: gettext_lazy("Is no e-mail address."),
    Outcome.TWICE: gettext_lazy("Stands twice in your list."),
}


class InviteForm(forms.Form):
    """One or several addresses, and what all of them will be."""

    lines = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        help_text=gettext_lazy(
            "One or several, one per line. A name may stand before it: Ann Lee &lt;ann@acme.com&gt;"
        ),
        max_length=30_000,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write at least one e-mail address.")},
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[(role.value, role.label) for role in ACCOUNT_ROLES],
    )
    wants_license = forms.BooleanField(
        label=gettext_lazy("Give each a Pro-CX licence when they come, while a seat is free"),
        required=False,
    )

    def __init__(self, data: Any, *, account_id: int) -> None:
        super().__init__(data)
        self.teams = {f"team_{team.pk}": team for team in Team.objects.filter(account=account_id)}
        for name, team in self.teams.items():
            self.fields[name] = forms.ChoiceField(
                label=team.name, choices=[NOT_IN_IT, *Membership.Role.choices], required=False
            )

    def clean(self) -> dict[str, Any]:
        """Refuse a licence for who answers nobody."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("role") == User.Role.AUDITOR and cleaned.get("wants_license"):
            self.add_error("wants_license", _("Auditors answer nobody and need no licence."))
        return cleaned

    def team_fields(self) -> list[Any]:
        """Return the fields that say in which team they will be."""
        return [self[name] for name in self.teams]

    def asked(self) -> Asked:
        """Return what everybody invited gets."""
        chosen = {team: self.cleaned_data[name] for name, team in self.teams.items()}
        return Asked(
            role=self.cleaned_data["role"],
            teams={team: role for team, role in chosen.items() if role},
            wants_license=self.cleaned_data["wants_license"],
        )


@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite people, and say for each address what became of it."""
    who = administrator(request)
    form = InviteForm(request.POST if request.method == "POST" else None, account_id=who.account.pk)
    results: list[stories.Result] = []
    if request.method == "POST" and form.is_valid():
        results = _invite(form, who)
    context = {
        "who": who,
        "here": "people",
        "form": form if form.errors or not results else InviteForm(None, account_id=who.account.pk),
        "results": [(one, IN_WORDS[one.outcome]) for one in results],
        "role_member": User.Role.MEMBER,
    }
    return render(request, "settings/invite.html", context)


def _invite(form: InviteForm, who: Administrator) -> list[stories.Result]:
    try:
        return stories.invite(
            account=who.account,
            lines=form.cleaned_data["lines"],
            asked=form.asked(),
            by=who.user,
            now=who.now,
        )
    except InvitationError as error:
        form.add_error("lines", error.reason)
        return []


@require_POST
def invite_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the mail of an invitation once more, with a new link."""
    who = administrator(request)
    row = _invitation_of(who, pk)
    try:
        stories.send_again(invitation=row, by=who.user, now=who.now)
    except InvitationError as error:
        messages.error(request, error.reason)
    else:
        messages.success(request, _("A new mail to %s is on its way.") % row.email)
    return HttpResponseRedirect(reverse("settings_people"))


@require_POST
def invite_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an invitation back."""
    who = administrator(request)
    row = _invitation_of(who, pk)
    try:
        stories.revoke(invitation=row, by=who.user, now=who.now)
    except InvitationError as error:
        messages.error(request, error.reason)
    else:
        messages.success(request, _("The invitation of %s is taken back.") % row.email)
    return HttpResponseRedirect(reverse("settings_people"))


def _invitation_of(who: Administrator, pk: int) -> Invitation:
    row = Invitation.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such invitation.")
    return row
