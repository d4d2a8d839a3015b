"""What is the one normal form of a customer's address?

An address is `<family>:<id>`: `sms:+14155550100`, `whatsapp:+5541988887777`, `whatsapp:US.1234` (a
business-scoped user id, without a phone number), `sms:32665` (short code), `sms:ACME` (a name).
Nothing that a carrier hands us is refused: what is not a phone number is kept and marked as not
repliable. Validity of a number never gates who somebody is (WhatsApp hands out ids that no
numbering plan knows).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,64}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
TOLL_FREE_PREFIXES = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")

LONGEST, LONGEST_FAMILY = 120, 20

SMS, RCS, WHATSAPP = "sms", "rcs", "whatsapp"
SMS_FAMILY = (SMS, RCS)


@dataclass(frozen=True)
class Address:
    """One way to reach a person.

    `key` is the normal form that identities and consent are kept under; `raw` is what the carrier
    said and what answers are sent to; `phone` is E.164 or blank.
    """

    family: str
    key: str
    raw: str
    phone: str
    is_repliable: bool

    @property
    def consent_family(self) -> str:
        """Return the channel family that consent is counted in (SMS, MMS and RCS are one).

        Source: since March 2026 an opt-out on RCS, SMS or MMS blocks all three at Twilio.
        """
        return SMS if self.family in SMS_FAMILY else self.family

    @property
    def consent_key(self) -> str:
        """Return what consent is kept under: the same for SMS and RCS of one number."""
        return f"{self.consent_family}:{self._ident}"

    @property
    def sibling_keys(self) -> tuple[str, ...]:
        """Return the normal forms of every address that shares this one's consent."""
        if self.family not in SMS_FAMILY:
            return (self.key,)
        return tuple(f"{family}:{self._ident}" for family in SMS_FAMILY)

    @property
    def _ident(self) -> str:
        return self.key.partition(":")[2]


def parse_address(raw: str) -> Address:
    """Read a carrier's address (`+1…`, `whatsapp:+1…`, `rcs:…`, `32665`, `ACME`).

    One that is longer than any real one is cut short, and then no answer goes there.
    """
    text = raw.strip()
    is_whole = len(text) <= LONGEST
    prefix, colon, rest = text.partition(":")
    family = prefix.lower()[:LONGEST_FAMILY] if colon else SMS
    ident = (rest if colon else text).strip().replace(" ", "+", 1 if rest[:1] == " " else 0)
    if E164.fullmatch(ident):
        phone = normal_phone(ident)
        return Address(family, f"{family}:{phone}", text[:LONGEST], phone, is_whole)
    is_user_id = family != SMS and bool(ident) and is_whole
    return Address(family, f"{family}:{ident}"[:LONGEST], text[:LONGEST], "", is_user_id)


def problem_of(address: Address) -> str:
    """Say what is wrong with a number that is none, or of no country; blank if nothing is.

    Short codes, names and ids are no numbers and nothing is wrong with them. WhatsApp hands out
    numbers that no plan knows, so only its form counts there.
    """
    ident = address.key.partition(":")[2]
    if not ident.startswith("+"):
        return ""
    if not E164.fullmatch(ident):
        return f"'{ident[:20]}' is not a phone number"
    if address.family == WHATSAPP:
        return ""
    return "" if numbered(ident) else f"'{ident[:5]}…' is a number of no country"


@lru_cache(maxsize=8192)
def numbered(phone: str) -> phonenumbers.PhoneNumber | None:
    """Read an E.164 number, None for what is none. To be read only: everybody gets the same one."""
    try:
        return phonenumbers.parse(phone) if phone else None
    except phonenumbers.NumberParseException:
        return None


def normal_phone(number: str) -> str:
    """Fold the known double spellings of one E.164 number into one.

    Brazil: mobiles gained a 9 after the area code; Mexico: WhatsApp adds a 1 after +52;
    Argentina: mobiles carry a 9 after +54.
    """
    if re.fullmatch(r"\+55[1-9][0-9][6-9][0-9]{7}", number):
        return f"{number[:5]}9{number[5:]}"
    if re.fullmatch(r"\+521[0-9]{10}", number):
        return f"+52{number[4:]}"
    if re.fullmatch(r"\+549[0-9]{10}", number):
        return f"+54{number[4:]}"
    return number


def is_toll_free(number: str) -> bool:
    """Say whether a number is toll-free in the North American plan: its network handles STOP."""
    return number.startswith(TOLL_FREE_PREFIXES)


def masked(address: str) -> str:
    """Return an address fit for logs: the last two characters only."""
    return f"…{address[-2:]}" if len(address) > 4 else "…"
