"""What can a person see and change about themselves?"""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.views import password_reset
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import DataError
from django.forms import EmailField, Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy, ngettext, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import logins
from accounts.access import viewer_of
from accounts.adapter import NO_ANSWER, refusal
from accounts.forms import AvailabilityForm, ProfileForm, ThemeForm
from accounts.languages import chosen_by
from accounts.models import User
from accounts.sessions import sessions_of
from accounts.sign_on import sign_ons_for
from accounts.support import banner_for, open_support_of

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show who I am here, and let me change how it looks and whether I am available."""
    user, now = _me(request), timezone.now()
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        # Said in the language that was just chosen.
        with override(chosen_by(user) or get_language()):
            messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("profile"))
    context = {
        "form": form,
        "viewer": viewer_of(user, now=now),
        "sessions": sessions_of(user, now=now, this_key=request.session.session_key or ""),
        "teams": user.memberships.select_related("team").order_by("team__name"),
    }
    return render(request, "accounts/profile.html", context)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose light or dark."""
    return _save(request, ThemeForm(request.POST, instance=_me(request)), "theme")


@require_POST
def availability(request: HttpRequest) -> HttpResponse:
    """Say whether I am here."""
    form = AvailabilityForm(request.POST, instance=_me(request))
    return _save(request, form, "availability")


@require_POST
def awake(request: HttpRequest) -> HttpResponse:
    """Hear that a person is there: what keeps a session from falling idle.

    The middleware notes it, as for everything that is sent by hand.
    """
    return HttpResponse(status=204)


@require_GET
def support_banner(request: HttpRequest) -> HttpResponse:
    """Tell a page that stays open who is in the account for support now.

    Who was in one for support and is no longer finds nothing: their page is over.
    """
    user, now = _me(request), timezone.now()
    mine = open_support_of(user, now=now)
    account_id = mine.account_id if mine else user.account_id
    if account_id is None:
        raise Http404("Nobody is here for support.")
    context = banner_for(user, mine, account_id, now=now)
    return render(request, "accounts/_support_banner.html", context)


@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Log out one of my browsers."""
    me = _me(request)
    handle = request.POST.get("session", "")
    if logins.end_session(user=me, handle=handle, by=me, now=timezone.now()):
        messages.success(request, _("That session is over."))
    else:
        messages.info(request, _("That session was over already."))
    return HttpResponseRedirect(reverse("profile"))


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Log out all my browsers but this one."""
    me, key = _me(request), request.session.session_key
    count = logins.end_other_sessions(user=me, by=me, this_key=key, now=timezone.now())
    messages.success(request, ngettext("%d session ended.", "%d sessions ended.", count) % count)
    return HttpResponseRedirect(reverse("profile"))


class CompanyForm(Form):
    """The address by which a company's sign-in is found."""

    email = EmailField(label=gettext_lazy("Work e-mail address"), max_length=254)


@login_not_required
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Mail a link, to known and unknown addresses alike; say so if no mail leaves."""
    try:
        answer: HttpResponse = password_reset(request)
    except (SMTPException, OSError):
        logger.warning("new password: the mail did not leave", exc_info=True)
        messages.error(request, _("No mail leaves right now. Try again in a few minutes."))
        return HttpResponseRedirect(reverse("account_reset_password"))
    return answer


@login_not_required
@require_http_methods(["GET", "POST"])
def company_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for an address and lead to the sign-in of that company.

    The way there is a link and no redirect: our content policy lets no form end elsewhere.
    """
    form = CompanyForm(request.POST if request.method == "POST" else None)
    starts: list[tuple[str, str]] = []
    if request.method == "GET" and (company := request.session.pop("company", "")):
        starts = [(company, "")]
    if request.method == "POST" and form.is_valid():
        found = sign_ons_for(form.cleaned_data["email"])
        starts = [(str(one.account.public_id), one.account.name) for one in found]
        if not starts:
            words = _("No company sign-in is known for this address. Log in with your password.")
            form.add_error("email", words)
    return render(request, "account/company.html", {"form": form, "starts": starts})


@login_not_required
def company_start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead to the company's own log-in; say so if it does not answer."""
    return _with_issuer(openid_connect.login, request, provider_id)


@login_not_required
def company_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take somebody in whom the company's own log-in sends back; say so if it talks nonsense."""
    return _with_issuer(openid_connect.callback, request, provider_id)


def _with_issuer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    # What an issuer says is anything: a field less, a list, a name that no table takes (which
    # allauth holds for a fault of ours).
    try:
        answer: HttpResponse = view(request, provider_id)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        DataError,
        OAuth2Error,
        ImproperlyConfigured,
    ):
        logger.warning("company sign-in: the issuer does not answer as one", exc_info=True)
        return refusal(request, NO_ANSWER)
    return answer


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware lets nobody else in.
    return request.user


def _save(request: HttpRequest, form: ModelForm[User], field: str) -> HttpResponse:
    if form.is_valid():
        form.instance.save(update_fields=[field])
    if "application/json" in request.headers.get("Accept", ""):
        return HttpResponse(status=204 if form.is_valid() else 422)
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(wanted if is_ours else reverse("profile"))
