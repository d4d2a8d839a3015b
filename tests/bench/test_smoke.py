"""Does every row of the benchmark run, check itself, and say what it found? At a tiny size.

Nothing here judges a speed: figures of so little work mean nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NAMES, run
from bench.house import ROOT
from bench.plan import TINY
from bench.report import Row, table
from config.servers import Servers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[Row]:
    servers = Servers(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    return run(TINY, servers, folder, NAMES)


def test_it_starts_before_there_are_settings() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    said = subprocess.run(
        [sys.executable, "-m", "bench", "--help"], env=environment, capture_output=True, check=False
    )

    assert said.returncode == 0, said.stderr.decode()


def test_every_row_has_all_its_contestants(rows: list[Row]) -> None:
    names = {row.name.split()[0] for row in rows}

    assert names == set(NAMES)
    for row in rows:
        for cell in (row.ours, row.floor, row.textbook):
            assert cell is not None, row.name
            assert len(cell.values) == TINY.repeats, row.name
            assert all(value > 0 for value in cell.values), row.name


def test_nothing_is_lost_or_made_up(rows: list[Row]) -> None:
    wrong = [(row.name, check) for row in rows for check in row.checks if not check.is_ok]

    assert not wrong


def test_what_must_be_checked_is_checked(rows: list[Row]) -> None:
    checked = {check.name for row in rows for check in row.checks}

    assert checked >= {
        "ours: rows = 2xx answers",
        "textbook: rows = 2xx answers",
        "after SIGKILL: rows = 2xx answers",
        "ours: frames = events x permitted agents",
        "ours: an agent of another account sees none",
        "ours: numbers of threads and inboxes have no gap",
        "ours: all of the backlog is told",
        "ours: the rows of the page",
        "stop: everybody is opted out",
        "stop: nothing left later than the opt-out was recorded",
    }


def test_lists_tell_how_they_grow(rows: list[Row]) -> None:
    grown = [row for row in rows if row.growth is not None]

    assert {row.name.split()[1] for row in grown} == {
        *("first", "deep", "mine", "unassigned", "thread"),
    }
    assert {row.name.split()[0] for row in grown} == {"inbox-list", "size"}


def test_the_file_holds_what_the_table_shows(rows: list[Row], folder: Path) -> None:
    kept = json.loads((folder / "latest.json").read_text())

    assert [row["name"] for row in kept["rows"]] == [row.name for row in rows]
    assert kept["seed"] == TINY.seed
    assert kept["machine"]["cores"]
    drawn = table(rows)
    assert all(row.name in drawn for row in rows)
