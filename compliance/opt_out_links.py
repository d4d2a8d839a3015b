"""By which address on the web can somebody opt out where STOP cannot arrive?

In India, in the Emirates, and wherever a name stands in the place of a number, nobody can answer
(compliance reference 3, 11 G10c). Then a text carries a link, which is all that is needed: it says
which account and which address, sealed, so that nobody reads a number in it and nobody makes one
up. No row is kept for it.

A link is good for ten years. The law asks that it works for 30 days (Australia, New Zealand) or 60
(Canada); texts stay on telephones for as long as people keep them, an opt-out that is refused is
worse than one that comes late, and Virginia wants a STOP honoured for ten years.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.urls import reverse

from compliance.addresses import RCS, SMS, WHATSAPP, Address, parse_address

GOOD_FOR = timedelta(days=3653)
LONGEST = 240
_MOST_LINKS = 5
_DAY_ONE = date(2020, 1, 1)
_FORMAT = b"\x01"
_ABOUT = b"team inbox: link to opt out, 1"
# Letters and digits that nobody takes for each other, and that no telephone leaves out of a link.
_SIGNS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_FAMILIES = (SMS, WHATSAPP, RCS)
_AS_TEXT = 255


class BadLinkError(Exception):
    """This is no link of ours, or it was not copied whole."""

    reason = "This link is not complete, or it is not one of ours."

    def __str__(self) -> str:
        return self.reason


class OldLinkError(BadLinkError):
    """The link was good once."""

    reason = "This link is more than ten years old."


@dataclass(frozen=True)
class Link:
    """What a link says: whose messages should stop coming to which address."""

    account_id: int
    address: Address
    made_on: date


def opt_out_link(account_id: int, address: Address, *, now: datetime) -> str:
    """Return the address on the web at which this person stops messages of this account.

    For who writes texts. About 75 characters with a short host; the same all day (UTC).
    """
    token = seal_link(Link(account_id, address, now.astimezone(UTC).date()), _keys()[0])
    return f"{settings.PUBLIC_BASE_URL}{reverse('opt_out', args=[token])}"


def sample_link(account_id: int, *, now: datetime) -> str:
    """Return what a link looks like, as long as a true one, that stops nobody's messages."""
    anybody = parse_address("+12025550123")
    base, _slash, token = opt_out_link(account_id, anybody, now=now).rstrip("/").rpartition("/")
    return f"{base}/{'EXAMPLE'.ljust(len(token), 'x')}"


def read_link(token: str, *, now: datetime) -> Link:
    """Return what a link of ours says. Raises BadLinkError, or OldLinkError after ten years."""
    return open_link(token, _keys(), today=now.astimezone(UTC).date())


def carries_link(text: str, account_id: int, address: Address, *, now: datetime) -> bool:
    """Say whether a text carries a link by which this very person stops these messages."""
    for token in re.findall(rf"{re.escape(_base())}(\S+)", text)[:_MOST_LINKS]:
        with suppress(BadLinkError):
            link = read_link(token, now=now)
            if (link.account_id, link.address.key) == (account_id, address.key):
                return True
    return False


def names_link(text: str) -> bool:
    """Say whether a text carries such a link, whoever it is for: an example is one too."""
    return _base() in text


def _base() -> str:
    return f"{settings.PUBLIC_BASE_URL}{reverse('opt_out', args=['-'])}".rpartition("-")[0]


def _keys() -> tuple[str, ...]:
    return (*settings.SECRET_FIELD_KEYS, *settings.OPT_OUT_LINK_OLD_KEYS)


def seal_link(link: Link, key: str) -> str:
    """Return a link's token, made with a key; always the same for the same link."""
    sealed = _cipher(key).encrypt(_packed(link), [_ABOUT])
    return _written(_FORMAT + sealed)


def open_link(token: str, keys: Sequence[str], *, today: date) -> Link:
    """Open a token with whichever of the keys made it. Raises BadLinkError, OldLinkError."""
    raw = _read(token)
    if raw[:1] != _FORMAT:
        raise BadLinkError
    for key in keys:
        try:
            link = _unpacked(_cipher(key).decrypt(raw[1:], [_ABOUT]))
        except InvalidTag:
            continue
        if today > link.made_on + GOOD_FOR:
            raise OldLinkError
        return link
    raise BadLinkError


@lru_cache(maxsize=16)
def _cipher(key: str) -> AESSIV:
    made = HKDF(algorithm=SHA256(), length=64, salt=None, info=_ABOUT).derive(key.encode())
    return AESSIV(made)


def _packed(link: Link) -> bytes:
    days = max((link.made_on - _DAY_ONE).days, 0)
    account = _number(link.account_id)
    head = days.to_bytes(2, "big") + bytes([len(account)]) + account
    if link.address.phone and link.address.family in _FAMILIES:
        family = _FAMILIES.index(link.address.family)
        return head + bytes([family]) + _number(int(link.address.phone[1:]))
    return head + bytes([_AS_TEXT]) + link.address.key.encode()


def _unpacked(plain: bytes) -> Link:
    made_on = _DAY_ONE + timedelta(days=int.from_bytes(plain[:2], "big"))
    end = 3 + plain[2]
    account_id, kind, rest = int.from_bytes(plain[3:end], "big"), plain[end], plain[end + 1 :]
    if kind == _AS_TEXT:
        return Link(account_id, parse_address(rest.decode()), made_on)
    phone = f"+{int.from_bytes(rest, 'big')}"
    return Link(account_id, parse_address(f"{_FAMILIES[kind]}:{phone}"), made_on)


def _number(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


def _written(raw: bytes) -> str:
    number, signs = int.from_bytes(raw, "big"), []
    while number:
        number, sign = divmod(number, len(_SIGNS))
        signs.append(_SIGNS[sign])
    return "".join(reversed(signs))


def _read(token: str) -> bytes:
    """Read a token; marks that a telephone took for part of the link are let go."""
    signs, number = token.rstrip(".,;:!?)]}>'\"»”’"), 0
    if not 0 < len(signs) <= LONGEST:
        raise BadLinkError
    for sign in signs:
        if (value := _SIGNS.find(sign)) < 0:
            raise BadLinkError
        number = number * len(_SIGNS) + value
    return _number(number)
