"""What can be filled into the texts of an account, and what might stand there?"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from django.utils.translation import gettext as _

from inbox.models import Contact
from routing.crm_fields import FieldKind
from routing.facts import Answer, Customer, Facts, Value
from routing.hours import Calendar
from routing.models import CrmConnector
from routing.replies import Replies
from routing.texts import OPT_OUT_LINK, Kind, Variable, attribute_name, known_variables

logger = logging.getLogger(__name__)

# Attributes are whatever contacts have: those of the newest are looked at.
LOOKED_AT = 500
_KINDS = {FieldKind.NUMBER: Kind.NUMBER, FieldKind.DATE: Kind.DATE}
_SAMPLES: Mapping[Kind, Value] = {
    Kind.TEXT: "Gold",
    Kind.NUMBER: 42,
    Kind.DATE: "2026-12-24",
    Kind.TIME: "17:30",
}


@dataclass(frozen=True)
class Choice:
    """A variable as the list of the editor offers it."""

    name: str
    insert: str
    what: str


@dataclass(frozen=True)
class Variables:
    """Everything that texts of an account may name."""

    known: Mapping[str, Variable]
    attributes: Mapping[str, Kind]
    crm: Mapping[str, Mapping[str, Kind]]

    def choices(self) -> list[Choice]:
        """Return the list to choose from."""
        return [Choice(name, _insert(name, one), _what(name)) for name, one in self.known.items()]

    def sample(self, calendar: Calendar, *, knows_all: bool) -> Facts:
        """Return a made-up customer: one of whom all is known, or one of whom nothing is."""
        if not knows_all:
            return Facts("sample", customer=Customer(number="+12025550123"), calendar=calendar)
        attributes = {key: _SAMPLES[kind] for key, kind in self.attributes.items()}
        answers = {
            connector: Answer({key: _SAMPLES[kind] for key, kind in kinds.items()})
            for connector, kinds in self.crm.items()
        }
        maria = Customer("+12025550123", name="Maria López", attributes=attributes)
        return Facts("sample", customer=maria, calendar=calendar, answers=answers)


def variables_of(account_id: int) -> Variables:
    """Return what texts of an account may name, in two queries."""
    attributes, crm = _attributes(account_id), _crm(account_id)
    return Variables(known_variables(attributes, crm), attributes, crm)


def with_crm(replies: Replies, account_id: int) -> Replies:
    """Return replies that know of which kind the CRMs' fields are, also those they do not name.

    In one query: for a rule's text, whose rulebook does not say so.
    """
    known = known_variables({}, _crm(account_id))
    return replace(replies, variables={**known, **replies.variables})


def _attributes(account_id: int) -> dict[str, Kind]:
    rows = Contact.objects.filter(account=account_id).exclude(attributes={}).order_by("-pk")
    values: dict[str, list[object]] = {}
    for found in rows.values_list("attributes", flat=True)[:LOOKED_AT]:
        for key, value in found.items():
            values.setdefault(key, []).append(value)
    return {key: _kind_of(values[key]) for key in sorted(values)}


def _kind_of(values: Iterable[object]) -> Kind:
    """Return the kind that all values have."""
    there = [one for one in values if one is not None]
    if there and all(isinstance(one, int | float) and not isinstance(one, bool) for one in there):
        return Kind.NUMBER
    return Kind.DATE if there and all(map(_is_date, there)) else Kind.TEXT


def _is_date(value: object) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def _crm(account_id: int) -> dict[str, dict[str, Kind]]:
    found: dict[str, dict[str, Kind]] = {}
    for connector in CrmConnector.objects.filter(account=account_id, is_on=True).order_by("name"):
        try:
            fields = connector.wanted()
        except ValueError:
            logger.warning("CRM connector %s names no facts", connector.pk)
            continue
        found[connector.name] = {one.name: _KINDS.get(one.kind, Kind.TEXT) for one in fields}
    return found


def _insert(name: str, variable: Variable) -> str:
    """Return what is put into a text; where the value may be empty, with something in its stead."""
    if not variable.may_be_empty:
        return f"{{{{{name}}}}}"
    default = {"contact.first_name": _("there"), "inbox.opens_on": _("soon")}.get(name, "")
    return f"{{{{{name}|{default}}}}}"


def _what(name: str) -> str:
    words = {
        "contact.first_name": _("The customer's first name"),
        "contact.name": _("The customer's name"),
        "contact.number": _("The customer's number"),
        "inbox.name": _("The name of this inbox"),
        "inbox.opens_on": _("The day on which you open next"),
        "inbox.opens_at": _("The time at which you open next"),
        "bot.name": _("Who signs automatic replies"),
        OPT_OUT_LINK: _("A link of this customer's own, to stop messages without a log-in"),
        "agent.name": _("The name of who sends it"),
        "agent.first_name": _("The first name of who sends it"),
    }
    if name in words:
        return words[name]
    if name.startswith(attribute_name("")):
        return _("What you know of the customer")
    return _("From your CRM")
