"""Whom may an inbox answer who cannot answer STOP? For texts that are written ahead.

The gate asks it of what we begin (compliance reference 11, G10c), and lets an answer go; whoever
writes automatic answers is told, since only a link lets such people stop them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Account
from compliance.addresses import parse_address
from compliance.cases import sender_kind
from compliance.in_force import rules_in_force
from compliance.judging import SenderKind
from compliance.opt_out_links import names_link
from compliance.whereabouts import whereabouts
from inbox.models import Sender, TeamInbox
from routing.texts import OPT_OUT_LINK, Text

_SOMEBODY = parse_address("+12025550123")


@dataclass(frozen=True)
class WayOut:
    """The numbers that answer by themselves, and the countries (US, GB) of whom they may answer."""

    numbers: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()

    def missing(self, text: str, countries: Collection[str] = ()) -> str:
        """Say whom a text leaves without a way to stop it; blank if nobody.

        A text as it is written, or as it is sent. `countries` are those that it is for, if it is
        not for anybody.
        """
        if names_link(text) or any(slot.name == OPT_OUT_LINK for slot in Text.parse(text).slots):
            return ""
        where = sorted(frozenset(countries) or self.countries)
        return next(filter(None, (_closed_to(number, where) for number in self.numbers)), "")


OPEN = WayOut()


def _closed_to(number: str, countries: Iterable[str]) -> str:
    kind = sender_kind(_SOMEBODY, number)
    named = {"number": number, "link": f"{{{{{OPT_OUT_LINK}}}}}"}
    if kind is SenderKind.NAME:
        words = _("Nobody can answer STOP to “%(number)s”: add %(link)s to the text.")
        return words % named
    rows = rules_in_force().pack.rows
    closed = (rows[one].name for one in countries if one in rows and not rows[one].can_answer(kind))
    if country := next(closed, ""):
        words = _("People in %(country)s cannot answer STOP to %(number)s: add %(link)s.")
        return words % {**named, "country": country}
    return ""


def way_out_of(account: Account, inbox: TeamInbox | None = None) -> WayOut:
    """Return whom an inbox may answer, or any of an account's: people of their own countries."""
    rows = Sender.objects.in_use().filter(account=account).order_by("pk")
    if inbox:
        rows = rows.filter(inbox=inbox)
    numbers = tuple(row.address for row in rows if not row.is_whatsapp)
    at_home = {whereabouts(parse_address(one)).country for one in numbers if one.startswith("+")}
    return WayOut(numbers, frozenset(filter(None, {*at_home, account.default_country})))
