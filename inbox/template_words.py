"""What does a WhatsApp template say once it is filled in, and what may stand in its places?

Pure. WhatsApp refuses line breaks, tabs and more than four spaces in a row inside a variable, and
empty ones (its error 132018; at Twilio 63013 or 63021).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LONGEST_VALUE = 1024
LONGEST_BODY = 1600
_TOO_WIDE = re.compile(r"[\n\r\t]| {5,}")
_NUMBER = re.compile(r"[+-]?[\d\s.,]*\d[\d\s.,]*")
_PHONE = re.compile(r"\+[\d\s().-]{7,20}")
_LINK = re.compile(r"https?://\S+")


class Kind(StrEnum):
    """What stands in a place of a template, as far as its sample shows."""

    TEXT = "text"
    NUMBER = "number"
    PHONE = "tel"
    LINK = "url"


@dataclass(frozen=True)
class Place:
    """One place to fill in: its name in the template, a sample, and what the sample is."""

    name: str
    sample: str
    kind: Kind


# What templates call the name of who gets them, written without marks between words.
_WHOLE_NAME = frozenset(
    {"name", "fullname", "customer", "customername", "contactname", "clientname"}
)
_FIRST_NAME = frozenset({"firstname", "customerfirstname", "contactfirstname", "givenname"})


@dataclass(frozen=True)
class Known:
    """What is known of who gets a template: names, and what a card says besides."""

    name: str = ""
    first_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def value_of(self, place: str) -> str:
        """Return what is known under the name of a place, in a form that WhatsApp takes; or blank.

        A number for a name says nothing: such a place is for a person to fill in.
        """
        key = _plain(place)
        if key in _WHOLE_NAME | _FIRST_NAME:
            value = self.first_name if key in _FIRST_NAME else self.name
        else:
            named = (value for name, value in self.attributes.items() if _plain(name) == key)
            value = next(named, "")
        return " ".join(value.split())[:LONGEST_VALUE] if value.isprintable() else ""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


class FillingError(Exception):
    """A template cannot be filled in like this; `problems` say why, by the name of the place."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)

    @property
    def reason(self) -> str:
        """Say it to a person."""
        return " ".join(self.problems.values())


def places_of(body: str, samples: Mapping[str, str]) -> list[Place]:
    """Return the places of a template in the order they stand, each once.

    A place that is only among the samples (of a button, say) comes last.
    """
    names = dict.fromkeys([*PLACE.findall(body), *samples])
    return [Place(name, samples.get(name, ""), _kind_of(samples.get(name, ""))) for name in names]


def _kind_of(sample: str) -> Kind:
    shapes = ((_LINK, Kind.LINK), (_PHONE, Kind.PHONE), (_NUMBER, Kind.NUMBER))
    return next((kind for shape, kind in shapes if shape.fullmatch(sample)), Kind.TEXT)


def shown_with(body: str, values: Mapping[str, str]) -> str:
    """Return what a template says so far: a place that is not filled in yet stays as it is."""
    return PLACE.sub(lambda found: values.get(found[1]) or found[0], body)


def fill_in(
    body: str, samples: Mapping[str, str], values: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return what the template says, and the value of each place.

    Raises FillingError naming every place that is empty or holds what WhatsApp refuses.
    """
    places = places_of(body, samples)
    given = {place.name: values.get(place.name, "").strip() for place in places}
    problems = {place.name: words for place in places if (words := _problem(place, given))}
    if problems:
        raise FillingError(problems)
    text = PLACE.sub(lambda found: given[found[1]], body)
    if len(text) > LONGEST_BODY:
        words = _("The message has %(number)s characters; the limit is %(limit)s. Shorten it.")
        raise FillingError({"": words % {"number": len(text), "limit": LONGEST_BODY}})
    return text, given


def _problem(place: Place, given: Mapping[str, str]) -> str:
    value, name = given[place.name], place.name
    if not value:
        return _("Fill in {{%(name)s}}.") % {"name": name}
    if len(value) > LONGEST_VALUE:
        return _("{{%(name)s}} is too long.") % {"name": name}
    if _TOO_WIDE.search(value) or not value.isprintable():
        words = _("{{%(name)s}}: WhatsApp takes no line breaks, tabs or many spaces in a row here.")
        return words % {"name": name}
    if place.kind is Kind.LINK and not _LINK.fullmatch(value):
        return _("{{%(name)s}} is a link: begin with https://") % {"name": name}
    if place.kind is Kind.NUMBER and not _NUMBER.fullmatch(value):
        return _("{{%(name)s}} is a number, such as %(sample)s.") % {
            "name": name,
            "sample": place.sample,
        }
    return ""
