"""What do a pack's cells mean to the gate? From the words of the table to what can be judged.

The table is written for people, with sources and doubts. Each phrase that the gate acts on is
listed here; a cell that says nothing of the kind forbids nothing, and a kind of consent that
nobody knows is refused when the pack is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Kinds of consent as the column `promo_consent` calls them, and the level that satisfies each.
CONSENT_LEVELS = {
    "express_or_inferred": "inferred",
    "opt_in": "express",
    "express": "express",
    "opt_in registered in IYS": "express",
    "explicit via DLT or NCPR preference": "express",
    "express_written": "written",
    "express, prior, written or recorded": "written",
    "opt_in, storable in tangible form": "written",
    "clear_and_unambiguous_in_evidential_form_or_dnc_check": "written",
}
# At most so many unasked messages to one person in 24 hours (FTSA, OTSA; secondary source).
MOST_A_DAY = {"US-FL": 3, "US-OK": 3}
MOST_CAP = 999
_CAP = re.compile(r"[1-9][0-9]{0,2}")
_YEARS = re.compile(r"\b([1-9][0-9]?)\b")
_VALID_DAYS = re.compile(r"valid (\d+) days")


@dataclass(frozen=True)
class SenderRule:
    """A phrase of `sender_rules`, and which kinds of sender it shuts out."""

    phrase: str
    refused: frozenset[str]
    fix: str
    of_offers_only: bool = False


_ALL = frozenset({"long_code", "mobile", "toll_free", "short_code", "name"})
SENDER_RULES = (
    SenderRule("no alphanumeric", frozenset({"name"}), "Send from a number."),
    SenderRule("short code only", _ALL - {"short_code"}, "Send from a short code."),
    SenderRule("registered sender ID only", _ALL - {"name"}, "Send under a registered name."),
    SenderRule(
        "6/7 mobile numbers not allowed",
        frozenset({"mobile"}),
        "Send from a short code, or under a name.",
    ),
    SenderRule(
        "mobile numbers must not send marketing",
        frozenset({"mobile"}),
        "Send from another kind of number.",
        of_offers_only=True,
    ),
)


def sender_rules(cell: str) -> Iterator[SenderRule]:
    """Yield what a cell of `sender_rules` shuts out."""
    # "10DLC/toll-free/short code; no alphanumeric" lists what may; only "short code only" shuts.
    return (rule for rule in SENDER_RULES if rule.phrase in cell)


def can_answer(cell: str, kind: str) -> bool:
    """Say whether people can write back to this kind of sender (`twilio_two_way_sms`).

    What is not known is taken for yes: Twilio says where it is not.
    """
    if kind == "name" or cell == "no":
        return False
    return kind == "short_code" or cell != "short code only"


def register_days(cell: str) -> int:
    """Return for how many days a look into the country's register holds; 0 if none is named."""
    found = _VALID_DAYS.search(cell)
    return int(found.group(1)) if found else 0


def years(cell: str) -> int | None:
    """Return the least number of years that a cell of retention names; None if it names none."""
    found = _YEARS.search(cell)
    return int(found.group(1)) if found else None


def problem_of(row: Mapping[str, str]) -> str:
    """Say what of a row the gate could not act on; blank if nothing."""
    level = row.get("promo_consent", "")
    if level not in CONSENT_LEVELS:
        return f"promo_consent: “{level}” is no kind of consent that is known."
    cap = row.get("most_a_day", "")
    if cap and not _CAP.fullmatch(cap):
        return f"most_a_day: “{cap}” is no number from 1 to {MOST_CAP}."
    return ""
