"""Who is meant by an address that somebody types, and under which handles are they known?"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.secrets import SecretUnreadableError
from compliance.addresses import BSUID, SHORT_CODE, SMS, WHATSAPP, Address, masked, parse_address
from compliance.chain import handle
from compliance.models import ConsentChain, ConsentEvent, GateDecision
from compliance.proof.decided import decisions_on
from compliance.sealing import UnreadableDetailsError
from inbox.models import Contact, ContactAddress, Thread
from inbox.person_places import Whom
from inbox.setup.refusals import SetUpError

LONGEST_TYPED = 200
_HANDLE = re.compile(r"[0-9a-f]{64}")
_FAMILY = re.compile(r"(sms|whatsapp|rcs)\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Known:
    """One address of a person: masked for the page, and its handle if the ledger has events of it.

    `address` is None where it was erased.
    """

    masked: str
    handle: str
    address: Address | None = None


@dataclass(frozen=True)
class Person:
    """A person of an account, as pages name them: by a contact's public id, or by a handle."""

    account: Account
    key: str
    contact: Contact | None
    known: tuple[Known, ...]

    @property
    def handles(self) -> list[str]:
        """Return the handles under which the ledger has events."""
        return [one.handle for one in self.known if one.handle]

    @property
    def label(self) -> str:
        """Name them without giving them away."""
        return ", ".join(one.masked for one in self.known)

    @property
    def events(self) -> "QuerySet[ConsentEvent]":
        """Return all that happened to their consents, the newest first."""
        rows = ConsentEvent.objects.filter(account=self.account, handle__in=self.handles)
        return rows.select_related("details__key", "recorded_by").order_by("-seq")

    @property
    def whom(self) -> Whom:
        """Return by what all of them is found, in every place of `inbox.person_places`."""
        addresses = [one.address for one in self.known if one.address]
        keys = {key for one in addresses for key in (*one.sibling_keys, one.consent_key, one.key)}
        chain = ConsentChain.objects.filter(account=self.account).only("pepper").first()
        pepper = chain.pepper if chain else ""
        named = {handle(pepper, one.consent_key) for one in addresses if pepper}
        return Whom(
            account_id=self.account.pk,
            contact_id=self.contact.pk if self.contact else None,
            keys=tuple(sorted(keys)),
            phones=tuple(sorted({one.phone for one in addresses if one.phone})),
            handles=tuple(sorted({*self.handles, *named})),
        )

    @property
    def decisions(self) -> "QuerySet[GateDecision]":
        """Return what the gate decided on messages to them."""
        threads = Thread.objects.filter(account=self.account, contact=self.contact)
        ids = threads.values_list("public_id", flat=True) if self.contact else ()
        return decisions_on(self.account.pk, list(ids))


def find_person(account: Account, typed: str) -> Person:
    """Return who has an address, however it was typed. A handle of the ledger finds them too.

    Raises SetUpError, in words, for what is no address and for one that nothing is known of.
    """
    text = _plain(typed)
    if _HANDLE.fullmatch(text.lower()):
        candidates: Sequence[Address] = ()
        found = person_of(account, text.lower())
    else:
        candidates = read_addresses(text, account.default_country)
        found = _with_address(account, candidates)
    if found is None:
        words = _("Nothing is known of %(address)s: no message, and no event of consent.")
        shown = masked(candidates[0].consent_key) if candidates else _("this handle")
        raise SetUpError(words % {"address": shown}, field="address")
    return found


def person_of(account: Account, key: str) -> Person | None:
    """Return whom a page names: a contact by its public id, somebody else by their handle."""
    contact = Contact.objects.filter(account=account, public_id=key).first()
    if contact is not None:
        return _of_contact(account, contact)
    if not _HANDLE.fullmatch(key):
        return None
    events = ConsentEvent.objects.filter(account=account, handle=key)
    newest = events.select_related("details__key").order_by("-seq").first()
    if newest is None:
        return None
    try:
        address = parse_address(newest.address) if newest.address else None
        shown = _("erased (%s…)") % key[:8]
    except (UnreadableDetailsError, SecretUnreadableError):
        address, shown = None, _("cannot be read (%s…)") % key[:8]
    if address is None:
        return Person(account, key, None, (Known(shown, key),))
    if contact := _contact_with(account, [address]):
        return _of_contact(account, contact)
    known = [one for one in _known(account, _of_same_phone(address)) if one.handle]
    return Person(account, key, None, tuple(known))


def _of_same_phone(address: Address) -> list[Address]:
    """Return an address with that of the other channel, where both are one phone number."""
    if not address.phone:
        return [address]
    return [parse_address(f"{family}:{address.phone}") for family in (SMS, WHATSAPP)]


def read_addresses(typed: str, country: str) -> list[Address]:
    """Read an address as people write them: `(415) 555-0100`, `whatsapp:+1…`, `US.1349…`, `32665`.

    A number without a channel stands for SMS and for WhatsApp. Raises SetUpError.
    """
    text = _plain(typed)
    if not text or len(text) > LONGEST_TYPED:
        raise SetUpError(_("Write a phone number or a WhatsApp user id."), field="address")
    named = _FAMILY.fullmatch(text)
    family, rest = (named[1].lower(), named[2].strip()) if named else ("", text)
    if BSUID.fullmatch(rest) or (
        family == WHATSAPP and BSUID.fullmatch(rest[:2].upper() + rest[2:])
    ):
        return [parse_address(f"{WHATSAPP}:{rest[:2].upper()}{rest[2:]}")]
    if SHORT_CODE.fullmatch(rest) and len(rest) <= 6:
        return [parse_address(f"{family or SMS}:{rest}")]
    phone = _phone(rest, country)
    return [parse_address(f"{one}:{phone}") for one in ([family] if family else [SMS, WHATSAPP])]


def _phone(text: str, country: str) -> str:
    digits = re.sub(r"^00", "+", re.sub(r"[\s().\-/]", "", text))
    words = _("“%s” is no phone number. Write it with its country code, such as +14155550123.")
    try:
        parsed = phonenumbers.parse(digits, country or None)
    except phonenumbers.NumberParseException as error:
        raise SetUpError(words % text[:40], field="address") from error
    if not phonenumbers.is_possible_number(parsed):
        raise SetUpError(words % text[:40], field="address")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _plain(typed: str) -> str:
    """Return what was typed with ordinary digits and without characters that nobody sees."""
    text = unicodedata.normalize("NFKC", typed)
    return "".join(char for char in text if unicodedata.category(char) != "Cf").strip()


def _with_address(account: Account, candidates: Sequence[Address]) -> Person | None:
    if contact := _contact_with(account, candidates):
        return _of_contact(account, contact)
    known = tuple(one for one in _known(account, candidates) if one.handle)
    return Person(account, known[0].handle, None, known) if known else None


def _contact_with(account: Account, addresses: Iterable[Address]) -> Contact | None:
    keys = [key for one in addresses for key in (*one.sibling_keys, one.key)]
    rows = ContactAddress.objects.filter(account=account, key__in=keys).select_related("contact")
    first = rows.order_by("pk").first()
    return first.contact if first else None


def _of_contact(account: Account, contact: Contact) -> Person:
    keys = ContactAddress.objects.filter(contact=contact).order_by("pk")
    parsed = [parse_address(key) for key in keys.values_list("key", flat=True)]
    once = {one.consent_key: one for one in parsed}
    return Person(account, contact.public_id, contact, tuple(_known(account, once.values())))


def _known(account: Account, addresses: Iterable[Address]) -> list[Known]:
    """Return the addresses with their handles; blank where the ledger has no event of one."""
    chain = ConsentChain.objects.filter(account=account).only("pepper").first()
    every = list(addresses)
    pepper: Any = chain.pepper if chain else None
    named = {one.consent_key: handle(pepper, one.consent_key) for one in every if pepper}
    events = ConsentEvent.objects.filter(account=account, handle__in=named.values())
    there = set(events.order_by().values_list("handle", flat=True).distinct())
    known = []
    for one in every:
        name = named.get(one.consent_key, "")
        shown = f"{one.consent_family} {masked(one.consent_key)}"
        known.append(Known(shown, name if name in there else "", one))
    return known
