"""What kind of address is this, and where is it?"""

import re

E164 = re.compile(r"^\+[1-9]\d{6,14}$")
NANP = re.compile(r"^\+1[2-9]\d{9}$")
SHORT_CODE = re.compile(r"^\d{3,8}$")
ALPHANUMERIC = re.compile(r"^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$")
BUSINESS_SCOPED = re.compile(r"^[A-Z]{2}\.[A-Za-z0-9]{1,128}$")
TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")

COUNTRIES = {
    "+1": "US",
    "+33": "FR",
    "+34": "ES",
    "+39": "IT",
    "+44": "GB",
    "+49": "DE",
    "+52": "MX",
    "+55": "BR",
    "+61": "AU",
    "+62": "ID",
    "+91": "IN",
    "+972": "IL",
}
CANADIAN = frozenset({"204", "236", "250", "416", "438", "514", "604", "613", "647", "778", "905"})
AREAS = {
    "202": ("WASHINGTON", "DC", "20001"),
    "206": ("SEATTLE", "WA", "98101"),
    "212": ("NEW YORK", "NY", "10001"),
    "303": ("DENVER", "CO", "80202"),
    "305": ("MIAMI", "FL", "33101"),
    "312": ("CHICAGO", "IL", "60601"),
    "404": ("ATLANTA", "GA", "30303"),
    "415": ("SAN FRANCISCO", "CA", "94103"),
    "512": ("AUSTIN", "TX", "78701"),
    "602": ("PHOENIX", "AZ", "85001"),
    "617": ("BOSTON", "MA", "02108"),
    "702": ("LAS VEGAS", "NV", "89101"),
}


def channel_of(address: str) -> str:
    """Return "whatsapp" or another prefix, and "sms" for anything without one."""
    prefix, colon, _ = address.partition(":")
    return prefix.lower() if colon else "sms"


def bare(address: str) -> str:
    """Return the address without its channel prefix."""
    return address.partition(":")[2] if ":" in address else address


def normalise(address: str) -> str:
    """Write an address the way Twilio stores it."""
    address = address.strip()
    prefix, colon, rest = address.rpartition(":")
    if colon:
        return f"{prefix.lower()}:{rest.strip()}"
    if ALPHANUMERIC.match(address):
        return address
    digits = re.sub(r"[ ().\-]", "", address)
    if re.fullmatch(r"[2-9]\d{9}", digits):
        return f"+1{digits}"
    return f"+{digits}" if re.fullmatch(r"1[2-9]\d{9}", digits) else digits


def is_reachable(address: str) -> bool:
    """Tell whether a message can be addressed to this at all."""
    number = bare(address)
    if channel_of(address) == "whatsapp" and BUSINESS_SCOPED.match(number):
        return True
    if number.startswith("+1"):
        return bool(NANP.match(number))
    return bool(E164.match(number))


def is_sender_like(address: str) -> bool:
    """Tell whether this could be the From of a message."""
    number = bare(address)
    return bool(
        E164.match(number)
        or SHORT_CODE.match(number)
        or (number == address and ALPHANUMERIC.match(number))
    )


def is_business_scoped(address: str) -> bool:
    """Tell whether a WhatsApp address is a user id instead of a phone number."""
    return bool(BUSINESS_SCOPED.match(bare(address)))


def is_toll_free(address: str) -> bool:
    """Tell whether the network itself handles STOP for this number."""
    return bool(NANP.match(address)) and address[2:5] in TOLL_FREE


def country_of(address: str) -> str:
    """Return the country of a number, or nothing for what is not a number."""
    number = bare(address)
    if number[:2] == "+1" and number[2:5] in CANADIAN:
        return "CA"
    for length in (4, 3, 2):
        if number[:length] in COUNTRIES:
            return COUNTRIES[number[:length]]
    return "US" if SHORT_CODE.match(number) else ""


def geography(prefix: str, address: str) -> dict[str, str]:
    """Return the best-effort place fields of a webhook; blanks are normal."""
    city, state, postcode = (
        AREAS.get(address[2:5], ("", "", "")) if address[:2] == "+1" else ("",) * 3
    )
    return {
        f"{prefix}City": city,
        f"{prefix}State": state,
        f"{prefix}Zip": postcode,
        f"{prefix}Country": country_of(address),
    }
