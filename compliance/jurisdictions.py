"""What does each country ask of commercial messages? A pack of rules as dated data.

A pack is a JSON document: its version, when it was reviewed, and one row per country (`US`),
subdivision (`US-FL`) and country whose subdivision is not known (`US-*`); `ZZ` stands for every
country without a row. It is made from a table by `make_jurisdiction_pack`. The rows say what the
product does and where that comes from (`status`, `sources`); they are not legal advice.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache, partial
from importlib import resources
from typing import Any

import holidays

from compliance import country_terms
from compliance.quiet_hours import Hours
from compliance.windows import ANY, Window, WindowError, read_window

FORMAT = 1
UNKNOWN = "ZZ"
# What `phonenumbers` calls countries of their own, and the law does not.
PARENTS = {
    **dict.fromkeys(("GG", "JE", "IM"), "GB"),
    **dict.fromkeys(("PR", "GU", "VI", "AS", "MP"), "US"),
    **dict.fromkeys(("GP", "MQ", "GF", "RE", "YT", "PM"), "FR"),
}
_CODE = re.compile(r"[A-Z]{2}(-([A-Z0-9]{1,3}|\*))?")
_WINDOWS = (
    "promo_window",
    "notification_window",
    "auto_reply_window",
    "conversational_reply_window",
)
_NEEDED = ("code", "name", *_WINDOWS, "promo_window_status", "holiday_calendar", "status")
STATUSES = ("sourced", "sourced-secondary", "mixed", "weak", "unverified", "product")
# Whoever shows a row says so when nobody looked at it for longer.
STALE_AFTER = timedelta(days=180)
MOST_ROWS, LONGEST_CELL = 2_000, 4_000


class PackError(Exception):
    """A pack cannot be used; `problems` say where and why, each in words."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Jurisdiction:
    """The rules of one row. `facts` are its other columns; `cells` is all of it as written."""

    code: str
    name: str
    promotion: Window
    notification: Window
    auto_reply: Window
    reply: Window
    window_status: str
    calendar: str
    any_region: bool
    status: str
    last_reviewed: date
    facts: Mapping[str, str]
    cells: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def hours(self, purpose: str) -> Hours:
        """Return when messages of a purpose may reach people, with the holidays of the place.

        A purpose that is not known is taken for promotion.
        """
        windows = {
            "notification": self.notification,
            "auto_reply": self.auto_reply,
            "reply": self.reply,
            # Somebody asked a moment ago, and the law wants them answered.
            **dict.fromkeys(("optout_confirmation", "optin_confirmation", "help_reply"), ANY),
        }
        is_off = partial(_is_holiday, self.calendar, self.any_region)
        return Hours(self.code, windows.get(purpose, self.promotion), is_off)

    @property
    def consent_level(self) -> str:
        """Name the least consent that offers need here: inferred, express or written."""
        return country_terms.CONSENT_LEVELS[self.facts["promo_consent"]]

    @property
    def register_days(self) -> int:
        """Return for how many days a look into a register stands in for consent; 0: never."""
        return country_terms.register_days(self.facts.get("suppression_register_check", ""))

    @property
    def most_a_day(self) -> int | None:
        """Return how many unasked messages one person may get in 24 hours, if that is limited."""
        cell = self.facts.get("most_a_day", "")
        return int(cell) if cell else country_terms.MOST_A_DAY.get(self.code)

    @property
    def evidence_years(self) -> int | None:
        """Return for how many years the proof of a consent is kept at least, if that is said."""
        return country_terms.years(self.facts.get("consent_evidence_years", ""))

    @property
    def opt_out_years(self) -> int | None:
        """Return for how many years an opt-out is kept at least, if that is said."""
        return country_terms.years(self.facts.get("optout_keep_years", ""))

    def is_stale(self, today: date) -> bool:
        """Say whether nobody reviewed the row for longer than `STALE_AFTER`."""
        return today - self.last_reviewed > STALE_AFTER

    def can_answer(self, kind: str) -> bool:
        """Say whether people here can write back to a kind of sender."""
        return country_terms.can_answer(self.facts.get("twilio_two_way_sms", ""), kind)

    def refuses_sender(self, kind: str, is_offer: bool) -> str:
        """Say what to send from instead, where this kind of sender may not; blank if it may."""
        rules = country_terms.sender_rules(self.facts.get("sender_rules", ""))
        refused = (
            rule.fix
            for rule in rules
            if kind in rule.refused and (is_offer or not rule.of_offers_only)
        )
        return next(refused, "")


@dataclass(frozen=True)
class Pack:
    """All rows of a version, by code."""

    version: str
    rows: Mapping[str, Jurisdiction]

    def rules_for(self, codes: Iterable[str]) -> tuple[Jurisdiction, ...]:
        """Return every row that counts for these codes: the strictest of them holds.

        A subdivision brings its country, a territory its parent, and a country without a row is
        judged like an unknown one.
        """
        wanted = dict.fromkeys(one for code in codes for one in self._named(code))
        return tuple(self.rows[code] for code in wanted or (UNKNOWN,))

    def _named(self, code: str) -> Iterator[str]:
        country, _, part = code.partition("-")
        country = PARENTS.get(country, country)
        yield country if country in self.rows else UNKNOWN
        if part and (whole := f"{country}-{part}") in self.rows:
            yield whole


def read_pack(document: Any) -> Pack:
    """Read a pack. Raises PackError with every problem that it has."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PackError([f"This is no pack of jurisdictions of format {FORMAT}."])
    problems: list[str] = []
    rows: dict[str, Jurisdiction] = {}
    for number, row in enumerate(_rows_of(document), start=1):
        found = [*_problems_of(row)]
        if not found and row["code"] in rows:
            found = ["is there twice."]
        if found:
            place = row.get("code") if isinstance(row, dict) else None
            problems += [f"Row {number} ({place or 'no code'}): {words}" for words in found]
        else:
            rows[row["code"]] = _jurisdiction(row)
    # A row that is wrong is there all the same: nothing else is wrong for its sake.
    there = {row["code"] for row in _rows_of(document) if _is_named(row)}
    problems += _problems_of_whole(document, there | rows.keys())
    if problems:
        raise PackError(problems)
    return Pack(document["version"], rows)


def _rows_of(document: dict[str, Any]) -> list[Any]:
    rows = document.get("rows") or []
    if not isinstance(rows, list):
        raise PackError(["The rows of the pack are no list."])
    if len(rows) > MOST_ROWS:
        raise PackError([f"The pack has {len(rows)} rows; {MOST_ROWS} are the most."])
    return rows


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("code"), str)


def _problems_of_whole(document: dict[str, Any], there: Collection[str]) -> Iterator[str]:
    if not isinstance(document.get("version"), str) or not document["version"].strip():
        yield "The pack has no version."
    if UNKNOWN not in there:
        yield f"There is no row {UNKNOWN}, for countries without one of their own."
    for code in sorted(there):
        country = code.partition("-")[0]
        if country not in there:
            yield f"Row {code}: its country {country} has no row."


def _problems_of(row: Any) -> Iterator[str]:
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        yield "is not a row of texts."
        return
    if missing := [name for name in (*_NEEDED, "last_reviewed") if name not in row]:
        yield f"lacks {', '.join(missing)}."
        return
    if long := [name for name, value in row.items() if len(value) > LONGEST_CELL]:
        yield f"has more than {LONGEST_CELL} characters in {', '.join(long)}."
        return
    if not _CODE.fullmatch(row["code"]):
        yield "has a code that is neither a country (US), a part of one (US-FL) nor US-*."
    for name in _WINDOWS:
        try:
            read_window(row[name])
        except WindowError as error:
            yield f"{name}: {error.reason}"
    calendar = _calendar(row["holiday_calendar"])[0]
    if calendar and calendar not in _countries():
        yield f"holiday_calendar: the holidays of {calendar} are not known."
    if problem := country_terms.problem_of(row):
        yield problem
    yield from _problems_of_standing(row)


def _problems_of_standing(row: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with how a row says that it is founded."""
    if row["status"] not in STATUSES:
        yield f"has the status “{row['status']}”; it is one of {', '.join(STATUSES)}."
    try:
        date.fromisoformat(row["last_reviewed"])
    except ValueError:
        yield "last_reviewed is no date like 2026-11-23."


def _jurisdiction(row: Mapping[str, str]) -> Jurisdiction:
    promotion, notification, auto_reply, reply = (read_window(row[name]) for name in _WINDOWS)
    calendar, any_region = _calendar(row["holiday_calendar"])
    return Jurisdiction(
        row["code"],
        row["name"],
        promotion,
        notification,
        auto_reply,
        reply,
        window_status=row["promo_window_status"],
        calendar=calendar,
        any_region=any_region,
        status=row["status"],
        last_reviewed=date.fromisoformat(row["last_reviewed"]),
        facts={name: value for name, value in row.items() if name not in _NEEDED},
        cells=dict(row),
    )


def _calendar(text: str) -> tuple[str, bool]:
    """Read whose holidays count, and whether one of any region does: “DE (any region)”."""
    country, _, remark = text.partition(" ")
    return country, bool(remark)


# --- Holidays ------------------------------------------------------------------------------------


@cache
def _countries() -> Mapping[str, Sequence[str]]:
    return holidays.list_supported_countries(include_aliases=False)


def is_public_holiday(country: str, day: date) -> bool:
    """Say whether a day is a holiday of a whole country, as far as its holidays are known."""
    return country in _countries() and day in _days_off(country, False, day.year)


def _is_holiday(country: str, any_region: bool, day: date) -> bool:
    return bool(country) and day in _days_off(country, any_region, day.year)


@lru_cache(maxsize=512)
def _days_off(country: str, any_region: bool, year: int) -> frozenset[date]:
    regions: Iterable[str | None] = [None, *(_countries()[country] if any_region else ())]
    found = (
        holidays.country_holidays(country, subdiv=region, years=[year], expand=False)
        for region in regions
    )
    return frozenset(day for days in found for day in days)


# --- From a table --------------------------------------------------------------------------------


def pack_from_table(text: str, *, version: str) -> dict[str, Any]:
    """Make the document of a pack from a CSV table. Raises PackError if it cannot be used."""
    rows: list[dict[str, str]] = []
    for row in csv.DictReader(io.StringIO(text)):
        if None in row or None in row.values():
            raise PackError([f"Row {len(rows) + 1}: has more or fewer cells than the table."])
        rows.append({name: value.strip() for name, value in row.items()})
    document = {"format": FORMAT, "version": version, "rows": rows}
    read_pack(document)
    return document


@cache
def shipped_pack() -> Pack:
    """Return the pack that comes with the product."""
    return read_pack(json.loads(shipped_text()))


def shipped_text() -> str:
    """Return the file of the pack that comes with the product.

    It is not signed: it is part of the release, and whoever can change it can change the code that
    would look at a signature.
    """
    folder = resources.files("compliance") / "packs"
    newest = max(file.name for file in folder.iterdir() if file.name.endswith(".json"))
    return (folder / newest).read_text(encoding="utf-8")
