"""What kinds of things are kept, for how long without a word of the account's, and how long at
least?

The floors of decisions and of proof are those of the rules of countries in force; the others are
our own defaults. Product behaviour, not legal advice.
"""

from calendar import isleap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from compliance.in_force import pack_for
from compliance.jurisdictions import Jurisdiction
from inbox.models import RetentionPolicy
from inbox.models.retention import MOST_DAYS, MOST_YEARS

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Keywords that an account adds are held against what came in the last 30 days, and what a webhook
# lost is looked for in what Twilio keeps: both need the words.
_READ_AGAIN_DAYS = 30


@dataclass(frozen=True)
class Kind:
    """One thing that is kept. `field` of the policy says how long; `default` holds without it.

    A default of None keeps it until somebody settles otherwise.
    """

    name: str
    field: str
    label: "str | _StrPromise"
    what: "str | _StrPromise"
    default: int | None = None
    own_floor: int = 1

    @property
    def is_in_years(self) -> bool:
        """Say whether it is counted in years; else in days."""
        return self.field.endswith("_years")

    @property
    def most(self) -> int:
        """Return the longest that may be settled."""
        return MOST_YEARS if self.is_in_years else MOST_DAYS


TEXTS = Kind(
    "texts",
    "texts_days",
    gettext_lazy("Texts"),
    gettext_lazy("What was written by customers, colleagues and automatic replies, notes too"),
    own_floor=_READ_AGAIN_DAYS,
)
MEDIA = Kind(
    "media",
    "media_days",
    gettext_lazy("Files"),
    gettext_lazy("Pictures, sounds, films and documents of messages"),
)
RAW = Kind(
    "raw",
    "raw_days",
    gettext_lazy("What the carrier handed over"),
    gettext_lazy("The forms of webhooks, word for word"),
    own_floor=_READ_AGAIN_DAYS,
)
TRACES = Kind(
    "traces",
    "traces_days",
    gettext_lazy("What rules knew"),
    gettext_lazy("What rules knew of a customer and decided, and what CRMs answered"),
    own_floor=7,
)
EXAMPLES = Kind(
    "examples",
    "examples_days",
    gettext_lazy("Examples of rules"),
    gettext_lazy("Messages that somebody typed or kept to try rules with, since their last change"),
)
DECISIONS = Kind(
    "decisions",
    "decisions_years",
    gettext_lazy("Decisions"),
    gettext_lazy("Why each message was sent or not, and when it was given to the carrier"),
    default=5,
)
PROOF = Kind(
    "proof",
    "proof_years",
    gettext_lazy("Proof of consent"),
    gettext_lazy(
        "Address, words, wording and page of consents that nobody relies on any more, "
        "since the last event of their address and the last message to or from it"
    ),
    default=5,
)
WEB = Kind(
    "web",
    "web_years",
    gettext_lazy("Web evidence"),
    gettext_lazy(
        "IP address and browser of consents that were given or taken back on the web, "
        "since they were recorded"
    ),
    default=2,
)
KINDS = (TEXTS, MEDIA, RAW, TRACES, EXAMPLES, DECISIONS, PROOF, WEB)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
# Whose floor is that of the rules of countries.
_BY_ROWS = (DECISIONS, PROOF)


@dataclass(frozen=True)
class Floor:
    """How long a kind is kept at least, in the kind's unit, and who says so.

    `status` and `sources` are those of the row; of our own defaults `product`, and no source.
    """

    least: int
    row: str
    status: str
    sources: tuple[str, ...] = ()
    version: str = ""

    @property
    def words(self) -> str:
        """Name the rule: the row of which pack, with its status; or that it is ours."""
        if not self.row:
            return _("our own default (status: product)")
        words = _("rule %(row)s of pack %(version)s, status: %(status)s")
        return words % {"row": self.row, "version": self.version, "status": self.status}


def floors_of(account_id: int) -> Mapping[str, Floor]:
    """Return the floor of each kind for an account, by the kind's name. One query.

    Nobody knows where the next customer lives: the longest of all rows counts, with what the
    account settled in place of them.
    """
    pack = pack_for(account_id)
    strictest: Jurisdiction | None = None
    for row in pack.rows.values():
        if row.evidence_years and row.evidence_years > _years(strictest):
            strictest = row
    floors = {kind.name: Floor(kind.own_floor, "", "product") for kind in KINDS}
    if strictest is None:
        return floors
    sources = tuple(filter(None, map(str.strip, strictest.facts.get("sources", "").split(" ; "))))
    of_row = Floor(_years(strictest), strictest.code, strictest.status, sources, pack.version)
    return floors | {kind.name: of_row for kind in _BY_ROWS}


def _years(row: Jurisdiction | None) -> int:
    return (row.evidence_years or 0) if row else 0


def kept_for(kind: Kind, policy: RetentionPolicy, floor: Floor) -> int | None:
    """Return how long a kind is kept, in its unit; None for ever.

    A floor that rose above what was settled counts.
    """
    settled = getattr(policy, kind.field)
    length = kind.default if settled is None else settled
    return None if length is None else max(length, floor.least)


def cutoff(kind: Kind, length: int, now: datetime) -> datetime:
    """Return the moment before which things of a kind go. A year is one of the calendar."""
    if not kind.is_in_years:
        return now - timedelta(days=length)
    year = now.year - length
    is_leap_day = (now.month, now.day) == (2, 29) and not isleap(year)
    return now.replace(year=year, day=28) if is_leap_day else now.replace(year=year)


def length_words(kind: Kind, length: int | None) -> str:
    """Write a length as people do."""
    if length is None:
        return _("until you settle otherwise")
    if kind.is_in_years:
        words = ngettext("%(number)s year", "%(number)s years", length)
    else:
        words = ngettext("%(number)s day", "%(number)s days", length)
    return words % {"number": length}
