"""How do the people of an account sign in with their company's own log-in (OpenID Connect)?"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.audit import changes, record, snapshot
from accounts.models import Account, SignOn, User
from accounts.outside import OutsideError, addresses_of

DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
# Mail for everybody: whoever has an address there is not one of the company's people.
ANYBODYS = frozenset(
    {
        *("aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com"),
        *("icloud.com", "live.com", "mail.com", "msn.com", "outlook.com", "proton.me"),
        *("protonmail.com", "web.de", "yahoo.com", "yandex.com"),
    }
)
TOLD = ("issuer", "client_id", "client_secret", "domains", "is_on", "is_only_way")
WANTED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
MOST_COMPANIES = 10

# Fetches an address and returns the JSON found there.
Fetch = Callable[[str], Mapping[str, Any]]


class SignOnError(Exception):
    """Company sign-in cannot be set up like this, or does not let this person in."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


# --- Setting it up -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What an admin typed in. An empty secret keeps the one that is set."""

    issuer: str
    client_id: str
    client_secret: str
    domains: tuple[str, ...]
    is_on: bool


def parse_domains(text: str) -> tuple[str, ...]:
    """Read mail domains, one a line or with commas. Raises SignOnError in words."""
    parts = re.split(r"[\s,;]+", text.lower().replace("@", ""))
    domains = tuple(dict.fromkeys(filter(None, parts)))
    for domain in domains:
        if not DOMAIN.fullmatch(domain):
            raise SignOnError(_("“%s” is no domain. Write it like acme.com.") % domain, "domains")
        if domain in ANYBODYS:
            words = _("Anybody can have an address at %s: name a domain of your own.") % domain
            raise SignOnError(words, "domains")
    if not domains:
        raise SignOnError(_("Name at least one domain of your people’s addresses."), "domains")
    return domains


def save_sign_on(
    *, account: Account, wanted: Wanted, version: int, by: User, fetch: Fetch, now: datetime
) -> SignOn:
    """Set up or change the company sign-in of an account, after a look at the issuer.

    A new issuer, client or secret, or a domain less, must prove itself again before it can be the
    only way in. Raises SignOnError if the issuer does not answer as one, a secret is missing, or
    somebody else changed it meanwhile.
    """
    issuer = wanted.issuer.strip().rstrip("/")
    check_issuer(issuer, fetch)
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = SignOn.objects.filter(account=account).first() or SignOn(account=account, version=0)
        if row.version != version:
            raise SignOnError(_("Somebody else changed this meanwhile. Look again, then save."))
        if not (wanted.client_secret or row.client_secret):
            raise SignOnError(_("Enter the client secret."), "client_secret")
        before = snapshot(row, TOLD) if row.pk else None
        is_other = (row.issuer, row.client_id) != (issuer, wanted.client_id)
        shuts_out = not set(row.domains or ()) <= set(wanted.domains)
        if is_other or wanted.client_secret or shuts_out or not wanted.is_on:
            row.is_only_way = False
        if is_other or wanted.client_secret or shuts_out:
            row.proved_at = None
        if is_other:
            _forget_subjects(account)
        row.issuer, row.client_id, row.domains = issuer, wanted.client_id, list(wanted.domains)
        row.client_secret = wanted.client_secret or row.client_secret
        row.is_on, row.version = wanted.is_on, row.version + 1
        row.save()
        _note(row, "sign_on_changed", by, now, changes=changes(before, snapshot(row, TOLD)))
    return row


def make_only_way(*, account: Account, is_only_way: bool, by: User, now: datetime) -> None:
    """Let the people of an account in by company sign-in only, or by every way again.

    Raises SignOnError if nobody came in through it as it is now: that could lock everybody out.
    """
    with transaction.atomic():
        row = SignOn.objects.select_for_update().filter(account=account).first()
        if row is None or (is_only_way and not (row.is_on and row.proved_at)):
            raise SignOnError(
                _("Sign in through it once yourself first, so that nobody is locked out.")
            )
        before = snapshot(row, TOLD)
        row.is_only_way, row.version = is_only_way, row.version + 1
        row.save(update_fields=["is_only_way", "version"])
        _note(row, "sign_on_changed", by, now, changes=changes(before, snapshot(row, TOLD)))


def remove_sign_on(*, account: Account, by: User, now: datetime) -> None:
    """Forget the company sign-in of an account; people use their passwords and passkeys again."""
    with transaction.atomic():
        row = SignOn.objects.select_for_update().filter(account=account).first()
        if row:
            _note(row, "sign_on_removed", by, now, changes=changes(snapshot(row, TOLD), None))
            row.delete()
            _forget_subjects(account)


def _forget_subjects(account: Account) -> None:
    """Forget who came as which subject: another issuer may call somebody else by the same name."""
    SocialAccount.objects.filter(provider=str(account.public_id)).delete()


def check_issuer(issuer: str, fetch: Fetch) -> None:
    """Ask an issuer to describe itself. Raises SignOnError in words if it does not.

    Source: OpenID Connect Discovery 1.0, 4.3: the `issuer` it names must be the one asked.
    """
    check_reachable(issuer)
    try:
        found = fetch(f"{issuer}/.well-known/openid-configuration")
    except SignOnError:
        raise
    except OutsideError as error:
        raise SignOnError(error.reason, "issuer") from error
    except (OSError, ValueError) as error:
        words = _("Nothing that describes an issuer was found there. Is the address right?")
        raise SignOnError(words, "issuer") from error
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        words = _("It calls itself “%s”: enter exactly that.") % found.get("issuer", "")
        raise SignOnError(words, "issuer")
    if missing := [name for name in WANTED if not found.get(name)]:
        words = _("It does not say its %s, which we need.") % ", ".join(missing)
        raise SignOnError(words, "issuer")


def check_reachable(url: str) -> None:
    """Refuse an address that is not https or leads into a private network.

    This is for the words. What counts is looked at again for each connection: `accounts.outside`.
    """
    parts = urlsplit(url)
    if settings.SIGN_ON_ALLOW_LOCAL and parts.scheme in ("http", "https") and parts.hostname:
        return
    if parts.scheme != "https" or not parts.hostname:
        raise SignOnError(_("The address must begin with https://"), "issuer")
    try:
        addresses_of(parts.hostname, parts.port or 443)
    except ValueError as error:
        raise SignOnError(_("There is no such port."), "issuer") from error
    except OutsideError as error:
        raise SignOnError(error.reason, "issuer") from error


def _note(row: SignOn, action: str, by: User, now: datetime, **data: Any) -> None:
    account = row.account
    record(action=action, subject=account.name, actor=by, account_id=account.pk, now=now, **data)


# --- Coming in through it ------------------------------------------------------------------------


def sign_ons_for(email: str) -> list[SignOn]:
    """Find the company sign-ins for an address: mostly one; more where a company has more accounts.

    The domain decides, alike for every address of it: who asks does not learn whether the person
    exists. It must be the domain of somebody who works in the account: who else names it catches
    nobody.
    """
    domain = email.strip().lower().rpartition("@")[2]
    people = User.objects.filter(account=OuterRef("account"), is_active=True)
    fitting = SignOn.objects.filter(
        Exists(people.filter(email__endswith=f"@{domain}")),
        is_on=True,
        domains__contains=[domain],
        account__status=Account.Status.ACTIVE,
    )
    return list(fitting.select_related("account").order_by("account__name", "pk")[:MOST_COMPANIES])


def person_vouched_for(sign_on: SignOn, claims: Mapping[str, Any], linked: User | None) -> User:
    """Return the person of the account whom the issuer vouches for.

    `linked` is who came with the same subject before. Raises SignOnError if the address is not
    verified, not of the account's domains, or nobody active of this very account has it.
    """
    email = str(claims.get("email") or "").strip().lower()
    # Some issuers write it as a text.
    if str(claims.get("email_verified", "")).lower() != "true":
        raise SignOnError(_("Your company has not verified your e-mail address."))
    if email.rpartition("@")[2] not in sign_on.domains:
        raise SignOnError(_("Your address does not belong to the domains of this account."))
    people = User.objects.filter(account=sign_on.account_id, is_active=True)
    user = people.filter(pk=linked.pk).first() if linked else people.filter(email=email).first()
    if sign_on.account.status != Account.Status.ACTIVE:
        raise SignOnError(_("This account is suspended. Ask your account admin."))
    if user is None:
        raise SignOnError(_("Nobody of this account has your address. Ask your account admin."))
    return user


def note_proof(sign_on: SignOn, *, now: datetime) -> None:
    """Remember that somebody came in through it as it is set up now."""
    SignOn.objects.filter(pk=sign_on.pk, version=sign_on.version).update(proved_at=now)
