"""How well is what people write understood? Measured on sets, against bars that may not fall.

`optout_dev.csv` was there before; `optout_held_out.csv` was written before the language packs, and
its half `kept` was set apart while they were made; `optout_more.csv` found mistakes that were then
repaired; `optout_strangers.csv` was written in goes by who had seen neither packs nor grammar
(docs/opt-out-wording.md).
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from compliance.classify import Context, Reading, classify

DATA = Path(__file__).parent / "data"
INVITED = Context(last_was_promotional=True)


@dataclass(frozen=True)
class Row:
    """One message, what it asks for, and how it is read."""

    text: str
    language: str
    label: str
    kind: str
    part: str
    reading: Reading


def rows_of(name: str) -> list[Row]:
    """Read one set, each row with its language enabled and as an answer to what invites it."""
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return [_row(row) for row in csv.DictReader(file)]


def _row(row: dict[str, str]) -> Row:
    reading = classify(
        row["text"], languages=[row["lang"]], channel=row["channel"], context=INVITED
    )
    part = row.get("part", "")
    return Row(row["text"], row["lang"], row["label"], row["kind"], part, reading)


SETS = {
    "dev": rows_of("optout_dev.csv"),
    "more": rows_of("optout_more.csv"),
    "strangers": rows_of("optout_strangers.csv"),
    **{
        part: [row for row in rows_of("optout_held_out.csv") if row.part == part]
        for part in ("tuned", "kept")
    },
}


@pytest.fixture(params=SETS, name="rows")
def _rows(request: pytest.FixtureRequest) -> list[Row]:
    return SETS[str(request.param)]


def texts(rows: Iterable[Row]) -> list[str]:
    """Return what was written, for a failure that says which."""
    return [row.text for row in rows]


def test_the_sets_are_whole() -> None:
    assert {name: len(rows) for name, rows in SETS.items()} == {
        "dev": 81,
        "more": 1755,
        "tuned": 289,
        "kept": 257,
        "strangers": 2207,
    }
    assert len({row.language for row in SETS["kept"]}) == 22


@pytest.mark.parametrize("name", sorted(SETS.keys() - {"strangers"}))
def test_every_exact_row_is_read_as_exact(name: str) -> None:
    exact = [row for row in SETS[name] if row.kind == "exact"]
    missed = [row for row in exact if (row.reading.label, row.reading.kind) != (row.label, "exact")]
    assert exact
    assert not texts(missed)


def test_no_other_row_is_read_as_exact(rows: list[Row]) -> None:
    assert not texts(row for row in rows if row.kind != "exact" and row.reading.kind == "exact")


@pytest.mark.parametrize(("only", "bar"), [("", 0.92), ("en", 0.95)])
def test_enough_wishes_in_words_are_understood(rows: list[Row], only: str, bar: float) -> None:
    asked = [row for row in rows if (row.label, row.kind) == ("opt_out", "fuzzy")]
    asked = [row for row in asked if not only or row.language == only]
    missed = [row for row in asked if row.reading.label != "opt_out"]
    assert 1 - len(missed) / len(asked) >= bar, texts(missed)


def test_hardly_a_trap_snaps(rows: list[Row]) -> None:
    traps = [row for row in rows if row.kind == "trap"]
    at_once = [row for row in traps if row.reading.stops_now]
    held = [row for row in traps if row.reading.is_held]
    assert len(at_once) / len(traps) <= 1 / 72, texts(at_once)
    assert len(at_once + held) / len(traps) <= 0.06, texts(at_once + held)


def test_who_wants_in_or_help_is_never_put_out(rows: list[Row]) -> None:
    friendly = [row for row in rows if row.label in {"opt_in", "help"} or row.kind == "plain"]
    assert not texts(row for row in friendly if row.reading.label == "opt_out")


def test_most_who_want_in_or_help_are_understood(rows: list[Row]) -> None:
    friendly = [row for row in rows if row.label in {"opt_in", "help"} and row.kind == "fuzzy"]
    understood = [row for row in friendly if row.reading.label == row.label]
    assert len(understood) / len(friendly) >= 0.9
