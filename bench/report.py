"""What did a run find? A table for people, JSON for programs; never a verdict on seconds alone."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import Used

BAR = 3.0  # times better than the textbook: what the issue asks for now


@dataclass(frozen=True)
class Spread:
    """Median and extremes of the repetitions of one cell."""

    median: float
    least: float
    most: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up repetitions."""
        return cls(statistics.median(values), min(values), max(values), tuple(values))


@dataclass(frozen=True)
class Check:
    """Something that must hold, or the figures mean nothing."""

    name: str
    is_ok: bool
    detail: str = ""


@dataclass
class Cell:
    """One contestant in one row: a value per repetition, and whose processors it took."""

    name: str
    values: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, value: float, used: Used | None = None, operations: float = 0) -> None:
        """Add a repetition."""
        self.values.append(value)
        cpu = used.per(operations) if used else None
        if cpu is not None:
            self.cpu_us.append(cpu)

    @property
    def spread(self) -> Spread:
        """Sum up its repetitions."""
        return Spread.of(self.values)

    @property
    def cpu(self) -> float | None:
        """Return microseconds of server and PostgreSQL per operation."""
        return statistics.median(self.cpu_us) if self.cpu_us else None


@dataclass
class Row:
    """One line of the table."""

    name: str
    workload: str
    unit: str
    is_more_better: bool
    ours: Cell
    floor: Cell | None = None
    textbook: Cell | None = None
    checks: list[Check] = field(default_factory=list)
    growth: float | None = None
    notes: list[str] = field(default_factory=list)
    strangers: float = 0.0

    def note_strangers(self, used: Used) -> None:
        """Remember the most that others took of the machine meanwhile."""
        self.strangers = max(self.strangers, used.strangers_share)

    @property
    def to_floor(self) -> float | None:
        """Return ours / floor, repetition by repetition, then the median."""
        return _ratio(self.ours, self.floor)

    @property
    def to_textbook(self) -> float | None:
        """Return ours / textbook, repetition by repetition, then the median."""
        return _ratio(self.ours, self.textbook)

    @property
    def times_better(self) -> float | None:
        """Return how many times better than the textbook we are, whichever way is better."""
        ratio = self.to_textbook
        if not ratio:
            return None
        return ratio if self.is_more_better else 1 / ratio

    @property
    def times_cheaper(self) -> float | None:
        """Return how many times less processor time we take than the textbook."""
        if self.textbook is None or not self.ours.cpu or not self.textbook.cpu:
            return None
        return self.textbook.cpu / self.ours.cpu

    @property
    def verdict(self) -> str:
        """Say in words what the figures mean."""
        broken = [check for check in self.checks if not check.is_ok]
        if broken:
            return "WRONG: " + "; ".join(f"{c.name} ({c.detail})" for c in broken)
        words = []
        if (times := self.times_better) is not None:
            mark = "reaches" if times >= BAR else "below"
            words.append(f"{times:.1f} x the textbook, {mark} the bar of {BAR:g} x")
        if (cheaper := self.times_cheaper) is not None:
            words.append(f"{cheaper:.1f} x cheaper")
        if self.growth is not None:
            words.append(f"grows as N^{self.growth:.2f}")
        words += self.notes
        if self.strangers > 0.1:
            words.append(f"others took up to {self.strangers:.0%} of the machine")
        return "; ".join(words)

    def as_dict(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        return {
            "name": self.name,
            "workload": self.workload,
            "unit": self.unit,
            "is_more_better": self.is_more_better,
            "ours": _cell(self.ours),
            "floor": _cell(self.floor),
            "textbook": _cell(self.textbook),
            "ours_to_floor": self.to_floor,
            "ours_to_textbook": self.to_textbook,
            "times_better_than_textbook": self.times_better,
            "times_cheaper_than_textbook": self.times_cheaper,
            "growth_exponent": self.growth,
            "strangers_share": round(self.strangers, 3),
            "checks": [asdict(check) for check in self.checks],
            "verdict": self.verdict,
        }


def _ratio(ours: Cell, other: Cell | None) -> float | None:
    if other is None or not other.values or not ours.values:
        return None
    pairs = zip(ours.values, other.values, strict=False)
    return statistics.median(mine / theirs for mine, theirs in pairs if theirs)


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None or not cell.values:
        return None
    return {
        "name": cell.name,
        **asdict(cell.spread),
        "cpu_us_per_operation": cell.cpu,
        **cell.facts,
    }


HEADS = (
    "row",
    "ours (min-max)",
    "floor",
    "textbook",
    "ours/floor",
    "ours/textbook",
    "CPU-us ours",
    "CPU-us textbook",
)


def table(rows: Sequence[Row]) -> str:
    """Draw the table, and under it a verdict for every row."""
    lines = [HEADS, *(_words(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADS))]
    drawn = [
        "  ".join(
            word.ljust(width) if n == 0 else word.rjust(width)
            for n, (word, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    drawn.insert(1, "-" * len(drawn[0]))
    verdicts = [f"{row.name}: {row.workload}\n    {row.verdict}" for row in rows]
    return "\n".join([*drawn, "", *verdicts])


def _words(row: Row) -> tuple[str, ...]:
    ours = row.ours.spread
    return (
        row.name,
        f"{_short(ours.median)} {row.unit} ({_short(ours.least)}-{_short(ours.most)})",
        _median(row.floor),
        _median(row.textbook),
        _times(row.to_floor),
        _times(row.to_textbook),
        _short(row.ours.cpu),
        _short(row.textbook.cpu if row.textbook else None),
    )


def _median(cell: Cell | None) -> str:
    return _short(cell.spread.median) if cell and cell.values else "-"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write(path: Path, *, rows: Sequence[Row], about: dict[str, Any]) -> None:
    """Keep everything where a program finds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**about, "rows": [row.as_dict() for row in rows]}
    path.write_text(json.dumps(content, indent=2, default=str) + "\n")
