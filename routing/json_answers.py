"""What did somebody else's machine answer? Bytes in, JSON of sound size and shape out.

Whoever wrote the answer may be wrong or hostile: nothing in it can make reading it long, and
nothing comes out that a database could not keep.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from accounts.english import noop

LARGEST = 64 * 1024
DEEPEST = 20
LARGEST_NUMBER = 10**15


class AnswerError(Exception):
    """An answer cannot be used. `reason` is fit for a person who can act on it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_object(content: bytes) -> Mapping[str, Any]:
    """Read an answer that is one JSON object. Raises AnswerError.

    Nothing at all is an empty object: whoever has nothing to say may say nothing.
    """
    found = read_json(content) if content.strip() else {}
    if not isinstance(found, dict):
        raise AnswerError(noop("The answer must be a JSON object: { … }."))
    return found


def read_json(content: bytes) -> Any:
    """Read an answer that is JSON of any kind. Raises AnswerError."""
    if len(content) > LARGEST:
        raise AnswerError(
            noop("The answer is larger than %(largest)s kB.") % {"largest": LARGEST // 1024}
        )
    found = _parsed(_text(content))
    _check(found)
    return found


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnswerError(noop("The answer is not text in UTF-8.")) from error
    if text.lstrip().startswith("<"):
        raise AnswerError(noop("The answer is a web page, not JSON. Is the address right?"))
    return text


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_number
        )
    except RecursionError as error:
        raise AnswerError(noop("The answer is nested too deeply.")) from error
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise AnswerError(noop("The answer is not JSON%(where)s.") % {"where": where}) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise AnswerError(noop("“%(name)s” is in the answer twice.") % {"name": name[:40]})
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise AnswerError(noop("%(name)s in the answer is no number of JSON.") % {"name": name})


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise AnswerError(noop("A number in the answer is too large."))
    return number


def _check(found: Any) -> None:
    """Walk through every value without recursion. Raises AnswerError."""
    waiting: list[tuple[Any, int]] = [(found, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise AnswerError(noop("The answer is nested too deeply."))
        if isinstance(value, dict):
            waiting += ((one, depth + 1) for pair in value.items() for one in pair)
        elif isinstance(value, list):
            waiting += ((one, depth + 1) for one in value)
        else:
            _check_one(value)


def _check_one(value: Any) -> None:
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        raise AnswerError(noop("A number in the answer is too large."))
    if isinstance(value, str) and not is_storable(value):
        raise AnswerError(noop("A text in the answer holds characters that cannot be stored."))


def is_storable(text: str) -> bool:
    """Say whether a database keeps a text: neither NUL nor half a character."""
    is_whole = text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
    return is_whole and "\0" not in text
