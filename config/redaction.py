"""What may a line of the log, or an error report, not say? What customers wrote, who they are, and
what opens a door.

Lines of ours pass ids and no content; this is the net below them, and below other people's code.
"""

import re
import traceback
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, DataError

GONE = "…"
# What these fields of a line hold is content, or a secret, whatever it is.
# fmt: off
CONTENT_NAMES = frozenset({
    "args", "attributes", "body", "buttons", "comment", "content", "cookies", "data", "detail",
    "email_body", "fields", "form", "frame", "headers", "html", "kwargs", "message_body", "name",
    "note", "notes", "params", "payload", "preview", "profile_name", "raw", "reply", "result",
    "snippet", "text", "title",
})
# fmt: on
SECRET_NAME = re.compile(r"auth_?token|password|secret|api_?key|credential|cookie|otp\b", re.I)
# Messages of these quote the names of our code; those of any other error may quote content.
QUOTE_CODE = (AttributeError, ImportError, NameError, TypeError, DatabaseError)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|“[^”]*”", re.S)
# In this order: what holds others comes first.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL tells the values of a refused row.
    (re.compile(r"\s*\b(?:DETAIL|CONTEXT|QUERY|STATEMENT|HINT):.*", re.S), ""),
    (re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*@"), f"{GONE}@"),
    (re.compile(r"\b(basic|bearer)\s+[\w+/=.~-]{8,}", re.I), rf"\1 {GONE}"),
    (re.compile(r"\bfernet:[\w=-]+|\bgAAAA[\w=-]{20,}"), GONE),
    (re.compile(r"\bwhsec_[\w+/=]+"), GONE),
    (re.compile(r"(/hooks/[a-z]+/)[\w-]+"), rf"\1{GONE}"),
    (re.compile(r"(/o/)[1-9A-Za-z]{12,}"), rf"\1{GONE}"),  # a link to opt out
    # Whatever was asked for by a query: numbers, names, words that somebody searched.
    (re.compile(r"(?<=[\w/.])\?[\w.%~+-]*=[^\s\"'>)\]]*"), f"?{GONE}"),
    (
        re.compile(r"\bwhatsapp:\s*[^\s,;\"')\]]*?([\w]{2})(?=[\s,;\"')\]]|$)"),
        rf"whatsapp:{GONE}\1",
    ),
    (
        # Not the end of an id, which may begin with zeros too.
        re.compile(
            r"(?:\+|%2B|(?<!-[0-9a-f]{4}-[0-9a-f]{4}-)\b00)"
            r"[1-9](?:[ ().-]{0,2}\d){4,12}[ ().-]{0,2}(\d\d)(?!\d)",
            re.I,
        ),
        rf"+{GONE}\1",
    ),
    (re.compile(r"(?<![\w.-])\d{8,13}(\d\d)(?![\w-]|\.\d)"), rf"{GONE}\1"),
    (re.compile(r"(?<![\w-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{2}(\d\d)(?![\w-])"), rf"{GONE}\1"),
    (re.compile(r"(?<!\w)[0-9a-f]{32,128}(?!\w)"), GONE),
)
_PART_OF_PATH = re.compile(r"(?<=/)[A-Za-z0-9_~=:-]{20,}(?=[/?\s\"')\]]|$)")


def redacted_text(text: str) -> str:
    """Return a text without phone numbers (their last digits stay), addresses and tokens."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return _PART_OF_PATH.sub(_harmless_part, text)


def redacted(value: Any, name: str = "") -> Any:
    """Return a value as it may stand in a line under this name."""
    if SECRET_NAME.search(name) or (name.lower() in CONTENT_NAMES and value not in (None, "")):
        return GONE
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return {str(key): redacted(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one) for one in value]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {told_of(value)}"
    if value is None or isinstance(value, bool | int | float):
        # A number of ours is a count or a key; one this long may be somebody's.
        is_long = type(value) is int and value >= 10**9
        return redacted_text(str(value)) if is_long else value
    return redacted_text(str(value))


def told_of(error: BaseException) -> str:
    """Return the message of an exception without what it quotes, unless that is our own code."""
    return without_quotes(redacted_text(str(error)), error)


def without_quotes(text: str, error: BaseException) -> str:
    """Return what is said of an exception without what it quotes, unless that is our own code."""
    if isinstance(error, QUOTE_CODE) and not isinstance(error, DataError):
        return text
    return _QUOTED.sub(f"'{GONE}'", text)


def redacted_traceback(error: BaseException) -> str:
    """Return the traceback of an exception and of what led to it: places, kinds, no content."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=False)
    _redact_chain(whole, error, set())
    return "".join(whole.format()).rstrip()


def _redact_chain(
    told: traceback.TracebackException | None, error: BaseException | None, seen: set[int]
) -> None:
    if told is None or error is None or id(told) in seen:
        return
    seen.add(id(told))
    # The library offers no other way to say what the last line says.
    told._str = told_of(error)  # type: ignore[attr-defined]
    told.__notes__ = None
    _redact_chain(told.__cause__, error.__cause__, seen)
    _redact_chain(told.__context__, error.__context__, seen)
    if isinstance(error, BaseExceptionGroup):
        for part, inner in zip(told.exceptions or [], error.exceptions, strict=False):
            _redact_chain(part, inner, seen)


def _harmless_part(found: re.Match[str]) -> str:
    part = found[0]
    is_name = part.islower() and not any(character.isdigit() for character in part)
    return part if is_name or _UUID.fullmatch(part) or _SID.fullmatch(part) else GONE
