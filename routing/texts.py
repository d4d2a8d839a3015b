"""What does a text with variables say to this customer? Read once, rendered often, never raising.

`{{contact.first_name|there}}` is a variable with what stands there when its value is empty. Only
what an admin wrote is ever read for variables: values are put in afterwards, whatever is in them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import check_for_language, gettext, override
from django.utils.translation import gettext as _

from routing.hours import is_zone
from routing.languages import base_of

# What Twilio takes in one message.
LONGEST_TEXT = 1600
LONGEST_VALUE = 100
_LARGEST_NUMBER = 18

Datum = str | int | float | Decimal | bool | date | time | datetime | tuple[str, ...] | None

_SLOT = re.compile(r"\{\{([^{}]*)\}\}")
# What no database column and no phone takes.
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_LINK = re.compile(r"https?://[!-~]{1,300}")
_ONE_BRACE = re.compile(r"\{\s*([^{}\s]+)\s*\}")
# Where a blank before it is dropped when nothing stands in a variable's place.
_CLOSING = tuple(" ,.;:!?)\n")
# Characters that turn the direction of what follows: a name must not rearrange our text.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNFIT = frozenset({"Cc", "Cs"})
# Letters that nobody sees: people call themselves so to have no name.
_UNSEEN = str.maketrans(dict.fromkeys("\u115f\u1160\u2800\u3164\uffa0", " "))
# What Django calls languages that it writes dates for.
_CHINESE = {"zh": "zh-hans", "zh-cn": "zh-hans", "zh-sg": "zh-hans", "zh-tw": "zh-hant"}
_TITLES = frozenset(
    {
        *("dr", "prof", "mr", "mrs", "ms", "miss", "mx", "sir", "herr", "frau", "mme", "mlle"),
        *("señor", "señora", "sr", "sra", "sig", "dott", "ing"),
    }
)


class Kind(StrEnum):
    """Of which type a variable is; dates and times follow the inbox's zone and the language."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    LINK = "link"  # made by us for one person, and never cut


@dataclass(frozen=True)
class Variable:
    """What is known about a variable before any customer writes."""

    kind: Kind = Kind.TEXT
    may_be_empty: bool = True


ALWAYS_THERE = Variable(may_be_empty=False)
# At which each customer stops our messages, without a log-in.
OPT_OUT_LINK = "opt_out_link"
# So many characters a link may have.
LONGEST_LINK = 100
BUILT_IN: Mapping[str, Variable] = MappingProxyType(
    {
        "contact.first_name": Variable(),
        "contact.name": Variable(),
        "contact.number": Variable(),
        "inbox.name": ALWAYS_THERE,
        # A calendar may never open again.
        "inbox.opens_on": Variable(Kind.DATE),
        "inbox.opens_at": Variable(Kind.TIME),
        "bot.name": ALWAYS_THERE,
        OPT_OUT_LINK: Variable(Kind.LINK, may_be_empty=False),
    }
)


@dataclass(frozen=True)
class Values:
    """What stands in the place of variables in one reply, by name.

    `zone` is the inbox's; `language` is the text's own (blank for none: dates as 2026-12-24).
    """

    data: Mapping[str, Datum] = field(default_factory=dict)
    known: Mapping[str, Variable] = field(default_factory=dict)
    zone: str = "UTC"
    language: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a text, in words an admin understands. An error forbids to publish it."""

    words: str
    is_error: bool = True


@dataclass(frozen=True)
class Slot:
    """A variable in a text; without a default (None) nothing stands there when it is empty."""

    name: str
    default: str | None = None

    def __str__(self) -> str:
        default = "" if self.default is None else f"|{self.default}"
        return f"{{{{{self.name}{default}}}}}"


@dataclass(frozen=True)
class Text:
    """A text, read: what is written and what is filled in, in order. Make one with `parse`."""

    parts: tuple[str | Slot, ...] = ()

    @classmethod
    def parse(cls, source: str) -> "Text":
        """Read a text as an admin wrote it. What is no variable stays as it is written."""
        parts: list[str | Slot] = []
        # The pattern has one group: every second piece is what stood between braces.
        for index, piece in enumerate(_SLOT.split(_NOT_TEXT.sub("", source))):
            if index % 2:
                parts.append(_slot(piece))
            elif piece:
                parts.append(piece)
        return cls(tuple(parts))

    @classmethod
    def literal(cls, words: str) -> "Text":
        """Return a text that is said as it is: what a developer's code answers, say."""
        kept = _NOT_TEXT.sub("", words)
        return cls((kept,) if kept else ())

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Return the variables, in order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def source(self) -> str:
        """Return the text as an admin writes it; reading it again gives the same."""
        return "".join(map(str, self.parts))

    def render(self, values: Values) -> str:
        """Return what is said: at most `LONGEST_TEXT` characters, blank if there is nothing.

        A blank goes where a value is missing between it and a blank or a punctuation mark.
        """
        said = ""
        was_empty = False
        for part in self.parts:
            words = part if isinstance(part, str) else _filled(part, values)
            if was_empty and said.endswith(" ") and words.startswith(_CLOSING):
                said = said[:-1]
            said += words
            was_empty = not words
        return _cut(said.strip())


def problems(text: Text, known: Mapping[str, Variable]) -> list[Problem]:
    """Return what keeps a text from being published, and what to think about before."""
    found = [problem for part in text.parts for problem in _problems_of(part, known)]
    links = sum(slot.name == OPT_OUT_LINK for slot in text.slots)
    written = sum(len(part) for part in text.parts if isinstance(part, str))
    written += links * LONGEST_LINK
    if written > LONGEST_TEXT:
        found.append(
            Problem(
                _("A message has at most %(most)s characters; this has %(count)s.")
                % {"most": LONGEST_TEXT, "count": written}
            )
        )
    if not text.source.strip():
        found.append(Problem(_("Write what customers are to be told.")))
    return list(dict.fromkeys([*_brace_problems(text), *found]))


def known_variables(
    attributes: Mapping[str, Kind], crm: Mapping[str, Mapping[str, Kind]]
) -> dict[str, Variable]:
    """Return every variable of an account: ours, its contacts' attributes, its CRM's fields.

    `crm` holds the fields of each connector by the connector's name.
    """
    theirs = {attribute_name(key): Variable(kind) for key, kind in attributes.items()}
    fields = {
        crm_name(connector, key): Variable(kind)
        for connector, kinds in crm.items()
        for key, kind in kinds.items()
    }
    return {**BUILT_IN, **theirs, **fields}


def attribute_name(key: str) -> str:
    """Return how texts name an attribute of a contact."""
    return f"contact.attributes.{key}"


def crm_name(connector: str, key: str) -> str:
    """Return how texts name a field of a CRM's answer."""
    return f"crm.{connector}.{key}"


def lookup_in(name: str) -> str:
    """Return the CRM whose answer a variable is of, or blank."""
    kind, _dot, rest = name.partition(".")
    return rest.partition(".")[0] if kind == "crm" else ""


def first_name(name: str) -> str:
    """Return the first name in a person's name; blank if what we have is no name.

    Profiles hold numbers, addresses and pictures as well; "Müller, Anna" is Anna.
    """
    last, comma, rest = name[: LONGEST_VALUE * 2].partition(",")
    words = (rest if comma and rest.strip() else last).split()
    for word in words:
        if word.strip(".").casefold() in _TITLES:
            continue
        if any(char.isdigit() or char == "@" for char in word):
            return ""
        if any(map(str.isalpha, word)):
            return word
    return ""


# --- Reading ---


def _slot(inside: str) -> Slot:
    name, bar, default = inside.partition("|")
    return Slot(name.strip(), default.strip() if bar else None)


def _problems_of(part: str | Slot, known: Mapping[str, Variable]) -> Iterable[Problem]:
    if isinstance(part, str):
        for name in _ONE_BRACE.findall(part):
            if name.partition("|")[0] in known:
                words = _("“{%(name)s}” has one brace on each side: write {{%(name)s}}.")
                yield Problem(words % {"name": name})
    elif not part.name:
        yield Problem(_("Between {{ and }} there must be the name of a variable."))
    elif part.name not in known:
        yield Problem(_unknown(part.name, known))
    elif known[part.name].may_be_empty and part.default is None:
        words = _(
            "“%(name)s” may be empty. Say what is written then, as in {{%(name)s|there}}, "
            "or {{%(name)s|}} for nothing."
        )
        yield Problem(words % {"name": part.name})


def _brace_problems(text: Text) -> Iterable[Problem]:
    for index, part in enumerate(text.parts):
        if not isinstance(part, str):
            continue
        opens, closes = part.find("{{"), part.find("}}")
        if opens >= 0:
            words = _("“%(start)s” opens a variable that is never closed: write }} behind it.")
            yield Problem(words % {"start": part[opens : opens + 24].rstrip()})
        elif closes >= 0:
            yield Problem(_("There is }} without {{ before it."))
        elif (part.endswith("{") and text.parts[index + 1 :]) or (index and part.startswith("}")):
            yield Problem(_("A variable has two braces on each side, not three."))


def _unknown(name: str, known: Mapping[str, Variable]) -> str:
    near = _nearest(name, known)
    if near:
        return _("We know no “%(name)s”. Did you mean “%(near)s”?") % {
            "name": name[:LONGEST_VALUE],
            "near": near,
        }
    return _("We know no “%(name)s”. Choose one of the list of variables.") % {
        "name": name[:LONGEST_VALUE]
    }


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant: by its whole or by its last part."""
    whole: dict[str, str] = {}
    last: dict[str, str] = {}
    for one in known:
        whole.setdefault(one.casefold(), one)
        last.setdefault(one.casefold().rpartition(".")[2], one)
    asked = name[:LONGEST_VALUE].casefold()
    for names, wanted in ((whole, asked), (last, asked.rpartition(".")[2])):
        if near := get_close_matches(wanted, names, n=1, cutoff=0.7):
            return names[near[0]]
    return ""


# --- Rendering ---


def _filled(slot: Slot, values: Values) -> str:
    kind = values.known.get(slot.name, Variable()).kind
    if kind is Kind.LINK:
        found = values.data.get(slot.name)
        return found if isinstance(found, str) and _LINK.fullmatch(found) else ""
    words = _fit(_in_words(values.data.get(slot.name), kind, values))
    return words or slot.default or ""


def _in_words(datum: Datum, kind: Kind, values: Values) -> str:
    """Return a value as its kind is written in a language; blank if it is not of that kind."""
    if datum is None:
        return ""
    if kind is Kind.DATE:
        return _date_words(datum, values)
    if kind is Kind.TIME:
        return _time_words(datum, values)
    if kind is Kind.NUMBER:
        return _number_words(datum, values.language)
    return _text_words(datum, values)


def _text_words(datum: Datum, values: Values) -> str:
    if isinstance(datum, str):
        return datum
    if isinstance(datum, tuple):
        return ", ".join(filter(None, map(_fit, datum)))
    if isinstance(datum, bool):
        with override(_django_language(values.language) or "en"):
            yes, no, *_rest = gettext("yes,no,maybe").split(",")
        return yes if datum else no
    if isinstance(datum, datetime):
        return f"{_date_words(datum, values)} {_time_words(datum, values)}".strip()
    if isinstance(datum, date):
        return _date_words(datum, values)
    if isinstance(datum, time):
        return _time_words(datum, values)
    return _number_words(datum, values.language)


def _number_words(datum: Datum, language: str) -> str:
    if isinstance(datum, bool) or not isinstance(datum, str | int | float | Decimal):
        return ""
    try:
        # A whole number of thousands of digits cannot even be printed.
        plain = datum[:LONGEST_VALUE] if isinstance(datum, str) else datum
        number = Decimal(str(plain) if isinstance(plain, float) else plain)
    except (InvalidOperation, ValueError):
        return ""
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_NUMBER:
        return ""
    if not (known := _django_language(language)):
        return f"{number:f}"
    with override(known):
        return str(formats.number_format(number))


def _date_words(datum: Datum, values: Values) -> str:
    found = _date_of(_moment(datum, values.zone))
    if found is None:
        return ""
    if not (known := _django_language(values.language)):
        return found.isoformat()
    with override(known):
        return str(formats.date_format(found))


def _time_words(datum: Datum, values: Values) -> str:
    found = _moment(datum, values.zone)
    if isinstance(found, datetime):
        found = found.time()
    if not isinstance(found, time):
        return ""
    if not (known := _django_language(values.language)):
        return f"{found:%H:%M}"
    with override(known):
        return str(formats.time_format(found))


def _date_of(found: date | time | None) -> date | None:
    if isinstance(found, datetime):
        return found.date()
    return found if isinstance(found, date) else None


def _moment(datum: Datum, zone: str) -> date | time | None:
    """Return a date, a time or both as the clock of a zone shows it; None if it is neither."""
    if isinstance(datum, str):
        datum = _from_iso(datum)
    if isinstance(datum, datetime) and datum.tzinfo is not None:
        try:
            return datum.astimezone(ZoneInfo(zone if is_zone(zone) else "UTC"))
        except OverflowError:  # within a day of the year 1 or 9999
            return None
    return datum if isinstance(datum, date | time) else None


def _from_iso(words: str) -> date | time | None:
    """Read what other systems write: 2026-12-24, 17:30, 2026-12-24T17:30Z."""
    readers = (date.fromisoformat, time.fromisoformat, datetime.fromisoformat)
    for read in readers:
        try:
            return read(words.strip()[:LONGEST_VALUE])
        except ValueError:
            continue
    return None


def _django_language(code: str) -> str:
    """Return the name under which Django writes dates in a language; blank if it does not."""
    asked = code.strip().lower().replace("_", "-")
    for name in (_CHINESE.get(asked, asked), base_of(asked)):
        name = _CHINESE.get(name, name)
        if name and name != "no" and check_for_language(name):
            return name
    return ""


def _fit(words: str) -> str:
    """Return a value fit for a text: one line, bounded, without characters that do harm."""
    one_line = " ".join(words[: LONGEST_VALUE * 4].translate(_UNSEEN).split())
    kept = "".join(
        char
        for char in one_line
        if unicodedata.category(char) not in _UNFIT and char not in _TURNING
    )
    is_seen = any(unicodedata.category(char) != "Cf" for char in kept)
    return kept[:LONGEST_VALUE].strip() if is_seen else ""


def _cut(words: str) -> str:
    """Return what fits into one message, cut between words where there are any."""
    if len(words) <= LONGEST_TEXT:
        return words
    end = words.rfind(" ", LONGEST_TEXT - LONGEST_VALUE, LONGEST_TEXT + 1)
    return words[: end if end > 0 else LONGEST_TEXT].rstrip()
