"""How does somebody who was invited come in? By the link in their mail, once."""

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import EmailAddress, Login
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.logins import sign_on_of
from accounts.models import Invitation, SignOn, User
from inbox.setup.invitations import (
    InvitationError,
    accept,
    invitation_with,
    inviter_of,
    teams_in_words,
)


class JoinForm(forms.Form):
    """A name and a password."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": gettext_lazy("Write your name.")},
    )
    password = forms.CharField(
        label=gettext_lazy("Choose a password"),
        max_length=200,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show who invited me, take a password or the company's sign-in, and let me in."""
    now = timezone.now()
    try:
        invitation = invitation_with(token, now=now)
        if request.user.is_authenticated:
            context = {"invitation": invitation}
            return render(request, "join/somebody_else.html", context, status=409)
        sign_on = sign_on_of(invitation.account)
        sent = request.POST if request.method == "POST" else None
        form = JoinForm(sent, initial={"name": invitation.name})
        if request.method == "POST" and form.is_valid():
            is_asked = "company" in request.POST
            is_by_company = sign_on is not None and (is_asked or sign_on.is_only_way)
            user = _come_in(form, token, is_by_company=is_by_company)
            if user:
                return _let_in(request, user, is_by_company=is_by_company)
    except InvitationError as error:
        return render(request, "join/closed.html", {"error": error}, status=410)
    return render(request, "join/join.html", _page(invitation, form, sign_on))


def _page(invitation: Invitation, form: JoinForm, sign_on: SignOn | None) -> dict[str, object]:
    return {
        "invitation": invitation,
        "by": inviter_of(invitation),
        "form": form,
        "teams": teams_in_words(invitation),
        "has_company": sign_on is not None,
        "is_company_only": sign_on is not None and sign_on.is_only_way,
    }


def _come_in(form: JoinForm, token: str, *, is_by_company: bool) -> User | None:
    password = None if is_by_company else form.cleaned_data["password"]
    try:
        name = form.cleaned_data["name"]
        return accept(token=token, name=name, password=password, now=timezone.now())
    except ValidationError as error:
        form.add_error(None, error)
        return None


def _let_in(request: HttpRequest, user: User, *, is_by_company: bool) -> HttpResponse:
    # Whoever has the link reads mail to that address.
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if is_by_company:
        account = user.account
        assert account is not None
        kwargs = {"provider_id": str(account.public_id)}
        request.session["company"] = kwargs["provider_id"]
        return HttpResponseRedirect(reverse("company_sign_in"))
    record_authentication(request, user, method="invitation", email=user.email)
    answer: HttpResponse = perform_login(request, Login(user=user, email=user.email))
    return answer
