"""Where do a customer's own numbers stand in words, and what stands there for whom they are masked?

Only the numbers go: whatever else somebody wrote stays as it is.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from compliance.addresses import numbered

# So many digits in a row are a number that can be called, or its end.
FEWEST = 7
# What people write between the digits of a number.
_GAP = r"[\W_]{0,3}"
_ANY_NUMBER = re.compile(rf"\+?[0-9](?:{_GAP}[0-9]){{{FEWEST - 1},}}")


@lru_cache(maxsize=8192)
def masked_words(address: str) -> str:
    """Write an address so that nobody can call it: `+1 ••• ••99`, the country and the end."""
    number = numbered(address)
    country = f"+{number.country_code} " if number and number.country_code else ""
    end = address[-2:] if len(address) > 4 else ""
    return f"{country}••• ••{end}"


def may_hold_number(words: str) -> bool:
    """Say whether there are as many digits in words as a number has; most have not, at no cost."""
    return sum(char.isdecimal() for char in words) >= FEWEST


def without_numbers(words: str, numbers: Iterable[str]) -> str:
    """Mask these numbers wherever they stand in words, however they are written."""
    if not may_hold_number(words):
        return _masked_whole(words, numbers)
    for number in numbers:
        words = _replaced(words, _pattern(number), masked_words(number))
    return words


def masked_name(name: str, numbers: Iterable[str] = ()) -> str:
    """Mask every number in a name: who is called by one has it for a name, also by another one."""
    name = without_numbers(name, numbers)
    return _replaced(name, _ANY_NUMBER, "") if may_hold_number(name) else name


def with_numbers(typed: str, kept: str, masked: str) -> str:
    """Return what somebody who saw `masked` in the place of `kept` means by what they typed.

    Where they left a masked number standing, the number stays.
    """
    if typed == masked:
        return kept
    # What is not the same in both are the numbers, in their order.
    parts = re.split(r"((?:\+\d+ )?••• ••\d{0,2})", masked)
    around = [re.escape(part) if place % 2 == 0 else "(.+?)" for place, part in enumerate(parts)]
    found = re.fullmatch("".join(around), kept, re.S)
    for mask, number in zip(parts[1::2], found.groups() if found else (), strict=False):
        typed = typed.replace(mask, number, 1)
    return typed


def _masked_whole(words: str, numbers: Iterable[str]) -> str:
    """Mask words that are nothing but one of these, however short it is."""
    shorts = {number for number in numbers if words.strip() in {number, number.lstrip("+")}}
    return masked_words(shorts.pop()) if words and shorts else words


def _replaced(words: str, pattern: "re.Pattern[str] | None", mask: str) -> str:
    if pattern is None:
        return words
    # Digits of every script are digits; the text is as long as before.
    plain = "".join(str(int(char)) if char.isdecimal() else char for char in words)
    said, end = "", 0
    for found in pattern.finditer(plain):
        said += words[end : found.start()] + (mask or _mask_of(found.group()))
        end = found.end()
    return said + words[end:]


def _mask_of(written: str) -> str:
    digits = "".join(char for char in written if char.isdecimal())
    return masked_words(f"+{digits}" if written.startswith("+") else digits)


@lru_cache(maxsize=8192)
def _pattern(number: str) -> "re.Pattern[str] | None":
    """Match a number with its country or without, or its end of at least `FEWEST` digits."""
    digits = "".join(char for char in number if char in "0123456789")
    parsed = numbered(number)
    country = str(parsed.country_code) if parsed and parsed.country_code else ""
    national = digits.removeprefix(country)
    if len(national) < FEWEST:
        return re.compile(rf"(?<![0-9])\+?{_GAP.join(digits)}(?![0-9])") if digits else None
    abroad = f"(?:{_GAP.join(country)}{_GAP})?" if country else ""
    lead = rf"(?:[+0]{{1,3}}{_GAP})?{abroad}(?:\(?0\)?{_GAP})?(?:\((?=[0-9]+\)))?"
    begin = "".join(f"(?:{digit}{_GAP})?" for digit in national[:-FEWEST])
    return re.compile(f"{lead}{begin}{_GAP.join(national[-FEWEST:])}")
