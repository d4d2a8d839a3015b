"""Where do we differ from what allauth does by itself?

Nobody signs up, every step of a log-in leaves a line, secrets are encrypted, and a company's own
sign-in lets in nobody but the people of its account.
"""

import logging
from collections.abc import Mapping
from functools import partial
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import logins, sign_on
from accounts.clients import ip_of
from accounts.models import SignOn, User
from accounts.outside import only_outside, read_within_limits
from accounts.sessions import BY_COMPANY

logger = logging.getLogger(__name__)
OIDC = "openid_connect"
BY_COMPANY_WAY = "socialaccount"
# To the host itself: no proxy of ours, nowhere else that it names, and no more than we want.
_STRAIGHT = {"allow_redirects": False, "stream": True, "proxies": {"no_proxy": "*"}}
NO_ANSWER = gettext_lazy(
    "Your company’s sign-in did not answer as it should. Try again, or tell its IT."
)


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Log-in and log-out. Public sign-up is closed: people are invited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: users are invited by their account's admin."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the browser's address behind our proxies; all who have none share one."""
        return ip_of(request) or "unknown"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down that somebody tried, and count it; alike for an address that is nobody's."""
        super().authentication_failed(request, **credentials)
        logins.note_failure(str(credentials.get("email", "")), now=timezone.now())

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Send people elsewhere whose company says that they sign in there."""
        # What the company said has been judged. Before a second factor it would be kept with its
        # token in the session, from which allauth cannot read an issuer of ours again.
        (kwargs.get("signal_kwargs") or {}).pop("sociallogin", None)
        refusal: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if (
            refusal is None
            and logins.must_use_company(user)
            and way_of(request, user) != (BY_COMPANY_WAY)
        ):
            words = _("Your company wants you to sign in with its own log-in.")
            messages.info(request, words)
            return HttpResponseRedirect(reverse("company_sign_in"))
        return refusal

    def login(self, request: HttpRequest, user: User) -> None:
        """Log somebody in, all factors given, and write it down.

        The session remembers whether their company vouched for them.
        """
        super().login(request, user)
        way = way_of(request, user)
        if way == BY_COMPANY_WAY:
            request.session[BY_COMPANY] = True
        logins.note_login(user, way=way, now=timezone.now())

    def logout(self, request: HttpRequest) -> None:
        """Log somebody out, and write it down while it is known who."""
        if isinstance(user := request.user, User):
            logins.note_logout(user, key=request.session.session_key, now=timezone.now())
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """Set it, and log out every other browser of theirs."""
        super().set_password(user, password)
        session = context.request.session
        is_theirs = context.request.user.is_authenticated
        key = session.session_key if is_theirs else None
        logins.password_was_set(user, this_key=key, now=timezone.now())

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send the link; to who signs in with their company, where that is."""
        if logins.must_use_company(user):
            where = self.request.build_absolute_uri(reverse("company_sign_in"))
            self.send_mail("account/email/company_only", email, {"url": where})
        else:
            super().send_password_reset_mail(user, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: Any = None, email: str | None = None
    ) -> None:
        """Tell people what changed about their log-in, at the address they log in with.

        What changed about a second factor is told to the audit log as well: nothing else of
        allauth's passes here each time without being a signal.
        """
        logins.note_second_factor(user, what=template_prefix, now=timezone.now())
        send = super().send_notification_mail
        transaction.on_commit(partial(_tell, send, template_prefix, user, context, email))


def _tell(send: Any, what: str, user: User, context: Any, email: str | None) -> None:
    # What it tells of is done: a mail server that is away undoes nothing.
    try:
        send(what, user, context, email or user.email)
    except (SMTPException, OSError):
        logger.warning("%s: the mail to user %s did not leave", what, user.pk, exc_info=True)


def way_of(request: HttpRequest, user: User) -> str:
    """Return which way somebody came in: password, mfa (a passkey), socialaccount, invitation.

    What they tried before in the same browser, and what they gave as a second factor, is no way.
    """
    ways = [
        str(record["method"])
        for record in get_authentication_records(request, user)
        if not record.get("reauthenticated")
        and (record["method"] != "mfa" or record.get("passwordless"))
    ]
    return ways[-1] if ways else ""


class CompanySignIn(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """OpenID Connect, one issuer per account, as its admin set it up."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the issuer with this id; without an id there is none to choose from."""
        row = _sign_on_with(provider) if provider else None
        if row is None:
            return []
        app = SocialApp(
            provider=OIDC,
            provider_id=str(row.account.public_id),
            name=row.account.name[:40],
            client_id=row.client_id,
            secret=row.client_secret,
            settings={
                "server_url": row.issuer,
                "oauth_pkce_enabled": True,
            },
        )
        return [app]

    def get_requests_session(self) -> Any:
        """Reach issuers on the public internet only, for a while, and follow them nowhere."""
        session = super().get_requests_session()
        only_outside(session)
        ask = session.request

        def guarded(method: str, url: str, **kwargs: Any) -> Any:
            try:
                sign_on.check_reachable(url)
            except sign_on.SignOnError as error:
                raise OAuth2Error(error.reason) from error
            return read_within_limits(ask(method, url, **{**kwargs, **_STRAIGHT}))

        session.request = guarded
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in the person of this very account whom the issuer vouches for, and nobody else."""
        row = _sign_on_with(sociallogin.account.provider)
        if row is None:
            raise ImmediateHttpResponse(refusal(request, _("This sign-in was switched off.")))
        account = sociallogin.account
        linked = account.user if account.pk else None
        try:
            user = sign_on.person_vouched_for(row, _claims(account.extra_data), linked)
        except sign_on.SignOnError as error:
            raise ImmediateHttpResponse(refusal(request, error.reason)) from error
        if not account.pk:
            account.user = user
            account.save()
        sociallogin.user = user
        sociallogin.state["process"] = "login"
        sign_on.note_proof(row, now=timezone.now())

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Refuse: who is not here already was not invited."""
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Say that it did not work, and what to do."""
        raise ImmediateHttpResponse(refusal(request, NO_ANSWER))


def refusal(request: HttpRequest, words: object) -> HttpResponse:
    """Lead back to where one chooses how to sign in, with the reason."""
    messages.error(request, str(words))
    return HttpResponseRedirect(reverse("company_sign_in"))


def _sign_on_with(public_id: str) -> SignOn | None:
    try:
        wanted = UUID(public_id)
    except ValueError:
        return None
    rows = SignOn.objects.select_related("account").filter(is_on=True)
    return rows.filter(account__public_id=wanted).first()


def _claims(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was said of the person. Two statements about different people are none."""
    told, token = data.get("userinfo") or {}, data.get("id_token") or {}
    if told and token and told.get("sub") != token.get("sub"):
        return {}
    return {**token, **told} if (told or token) else data
