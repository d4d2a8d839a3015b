"""Which programmes does an account run, and which of them does an answer name?

Pure. A programme is what people agree to apart from the rest: reminders, offers, deliveries. Its
`code` stands in the ledger and never changes; its name may.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.english import noop
from compliance.keyword_table import keywords_like
from compliance.normalising import own_words, readable, squeezed, without_accents

MOST = 9
LONGEST_NAME, LONGEST_CODE = 40, 60
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Programme:
    """One programme: its number is what people answer with."""

    code: str
    name: str
    number: int

    def as_json(self) -> dict[str, str]:
        """Return it as it is kept; the number is its place."""
        return {"code": self.code, "name": self.name}


class ProgrammesError(Exception):
    """These programmes cannot be kept; `problems` say why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    @property
    def reason(self) -> str:
        """Say it to a person."""
        return " ".join(self.problems)


def kept_programmes(rows: Iterable[Any]) -> tuple[Programme, ...]:
    """Return the programmes of an account as they are kept."""
    return tuple(
        Programme(str(row["code"]), str(row["name"]), number)
        for number, row in enumerate(rows, start=1)
    )


def programmes_from(named: Iterable[tuple[str, str]]) -> tuple[Programme, ...]:
    """Return the programmes of these codes and names, in their order; blank names are left out.

    One without a code gets one made of its name. Raises ProgrammesError with everything that is
    wrong.
    """
    wanted = [(code.strip(), " ".join(name.split())) for code, name in named if name.strip()]
    problems = [*_problems(wanted)]
    if problems:
        raise ProgrammesError(problems)
    taken = {code for code, _ in wanted if code}
    made = []
    for number, (code, name) in enumerate(wanted, start=1):
        code = code or _new_code(name, number, taken)
        taken.add(code)
        made.append(Programme(code, name, number))
    return tuple(made)


def _problems(wanted: Sequence[tuple[str, str]]) -> Iterable[str]:
    if len(wanted) > MOST:
        yield noop(
            "There are %(wanted)s programmes: %(most)s at most, so that a digit answers."
        ) % {"wanted": len(wanted), "most": MOST}
    names = [form(name) for _, name in wanted]
    codes = [code for code, _ in wanted if code]
    for (code, name), plain in zip(wanted, names, strict=True):
        yield from _of_name(name, plain)
        if code and not _CODE.fullmatch(code):
            yield noop("“%(code)s” is no code: small letters, digits and hyphens.") % {"code": code}
    if len(set(names)) < len(names):
        yield noop("Two programmes have the same name.")
    if len(set(codes)) < len(codes):
        yield noop("Two programmes have the same code.")


def _of_name(name: str, plain: str) -> Iterable[str]:
    if len(name) > LONGEST_NAME:
        yield noop("“%(name)s…” is longer than %(longest_name)s characters.") % {
            "name": name[:LONGEST_NAME],
            "longest_name": LONGEST_NAME,
        }
    elif not plain:
        yield noop("“%(name)s” has no letter or digit.") % {"name": name}
    elif plain.isdigit():
        yield noop(
            "“%(name)s” is a number: people could not tell it from the numbers of the list."
        ) % {"name": name}
    elif keywords_like(readable(name)):
        yield noop("“%(name)s” is a keyword: an answer with it would be read as that.") % {
            "name": name
        }
    if not is_legible(name):
        yield noop("A name has signs that nobody can read.")


def is_legible(text: str) -> bool:
    """Say whether a database can hold a text, and a person read it."""
    return all(char.isprintable() for char in text)


def _new_code(name: str, number: int, taken: set[str]) -> str:
    plain = _NOT_PLAIN.sub("-", without_accents(readable(name))).strip("-")[:50].strip("-")
    base = plain or f"programme-{number}"
    return next(
        code
        for code in (base, *(f"{base}-{n}" for n in range(2, 2 * MOST + 2)))
        if code not in taken
    )


def form(text: str) -> str:
    """Return what of a name is compared: letters and digits, without accents and key caps."""
    plain = squeezed(without_accents(own_words(readable(text))))
    return "".join(char for char in plain if unicodedata.category(char) != "Me")


def chosen(text: str, programmes: Iterable[Programme]) -> Programme | None:
    """Return the programme that a whole message names, by its number or its name, if it does.

    "1", "#1", "1." and "Reminders!" do; "keep 1 and 2", "12" and "1 or 2?" name none.
    """
    said = form(text) if len(text) <= LONGEST_NAME * 2 else ""
    found = [one for one in programmes if said and said in (str(one.number), form(one.name))]
    return found[0] if len(found) == 1 else None
