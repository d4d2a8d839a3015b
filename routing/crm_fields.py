"""Which facts are wanted of an answer, where in it are they, and of which kind?"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from accounts.english import noop
from routing.facts import Answer, Value

LONGEST_TEXT = 1000
MOST_FIELDS = 50
MOST_ENTRIES = 50
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STEP = re.compile(r"""\.?([A-Za-z0-9_$-]+)|\[(\d{1,3})\]|\["([^"\\]+)"\]""")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")


class FieldKind(StrEnum):
    """What kind of fact a place of the answer is."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    LIST = "list"
    DATE = "date"


@dataclass(frozen=True)
class Field:
    """A fact and where it is: a path such as `results[0].properties["tier"]`, or a column."""

    name: str
    path: str
    kind: FieldKind = FieldKind.TEXT


@dataclass(frozen=True)
class Reading:
    """What an answer says, and in words which facts of it did not fit their kind."""

    answer: Answer
    left_out: tuple[str, ...] = ()


def fields_from(stored: Any) -> tuple[Field, ...]:
    """Read facts from JSON: `[{"name", "path", "kind"}]`. Raises ValueError for anything else."""
    keys = {"name", "path", "kind"}
    if not isinstance(stored, list) or not all(
        isinstance(one, dict) and set(one) <= keys and all(isinstance(v, str) for v in one.values())
        for one in stored
    ):
        raise ValueError("facts are a list of objects with a name, a path and perhaps a kind")
    return tuple(
        Field(one.get("name", ""), one.get("path", ""), FieldKind(one.get("kind", FieldKind.TEXT)))
        for one in stored
    )


def fields_problems(fields: Sequence[Field]) -> Iterator[str]:
    """Say in words what is wrong with the facts that an answer is to give."""
    if not fields or len(fields) > MOST_FIELDS:
        yield noop("Name at least one fact and at most %(most_fields)s.") % {
            "most_fields": MOST_FIELDS
        }
    names = [one.name for one in fields]
    for one in fields:
        if not _FIELD_NAME.fullmatch(one.name):
            yield noop("“%(name)s” is no name of a fact: small letters, digits and _ only.") % {
                "name": one.name[:40]
            }
        elif names.count(one.name) > 1:
            yield noop("There are two facts named “%(name)s”.") % {"name": one.name}
        try:
            steps_of(one.path)
        except ValueError:
            yield noop("“%(path)s” is no path: write it like results[0].tier.") % {
                "path": one.path[:80]
            }


# --- What was found ---


def read_row(fields: Sequence[Field], row: Mapping[str, str] | None) -> Reading:
    """Read the facts in a row of a table; the path of a field is a column. No row, no facts."""
    return facts_of({one: row.get(one.path) for one in fields}) if row else Reading(Answer())


def facts_of(found: Mapping[Field, Any]) -> Reading:
    """Turn what was found for each fact into its kind; what does not fit is left out and said."""
    facts: dict[str, Value] = {}
    left_out = []
    for one, value in found.items():
        try:
            fact = _KINDS[one.kind](value) if value is not None else None
        except ValueError:
            left_out.append(
                noop("%(name)s is no %(replace)s")
                % {"name": one.name, "replace": one.kind.value.replace("_", "/")}
            )
            continue
        if fact not in (None, "", ()):
            facts[one.name] = fact
    return Reading(Answer(facts), tuple(left_out))


def steps_of(path: str) -> tuple[str | int, ...]:
    """Part a path into names and positions. Raises ValueError for what is none."""
    rest, steps = path.removeprefix("$"), list[str | int]()
    while rest:
        found = _STEP.match(rest)
        if not found or (not steps and path.startswith(".")):
            raise ValueError(path)
        name, position, quoted = found.groups()
        steps.append(int(position) if position else name or quoted)
        rest = rest[found.end() :]
    if not steps or len(steps) > MOST_ENTRIES:
        raise ValueError(path)
    return tuple(steps)


def look_up(found: Any, path: str) -> Any:
    """Return what is at a path of JSON; None where nothing is."""
    for step in steps_of(path):
        if isinstance(found, dict) and isinstance(step, str):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def _text(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    text = str(value).strip()
    if len(text) > LONGEST_TEXT:
        raise ValueError
    return text


def _number(value: Any) -> Value:
    if isinstance(value, str) and not value.strip():
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    if isinstance(value, str):
        if not _NUMBER.fullmatch(text):
            raise ValueError
        return float(text) if "." in text else int(text)
    return value


def _yes_no(value: Any) -> Value:
    known = {
        "true": True,
        "false": False,
        "yes": True,
        "no": False,
        "1": True,
        "0": False,
        "": None,
    }
    return known[text] if (text := str(value).strip().lower()) in known else _misfit()


def _list(value: Any) -> Value:
    """Read a list, or a text of several choices as CRMs write it: `a;b`."""
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > MOST_ENTRIES:
        raise ValueError
    texts = [str(_text(part)) for part in parts]
    return tuple(filter(None, texts))


def _date(value: Any) -> Value:
    """Read a date, or the date of a moment, in the form of ISO 8601."""
    if not isinstance(value, str):
        raise ValueError
    return datetime.fromisoformat(value.strip()).date().isoformat() if value.strip() else None


def _misfit() -> Value:
    raise ValueError


_KINDS: Mapping[FieldKind, Callable[[Any], Value]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.YES_NO: _yes_no,
    FieldKind.LIST: _list,
    FieldKind.DATE: _date,
}
