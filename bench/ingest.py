"""How many webhooks are durably kept a second, with the answer only after the commit?

Floor F1: psycopg alone, one message a commit, four connections. At the end of the last load our
server is killed with SIGKILL while it answers, and every webhook that got a 2xx must have its row.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from bench import floors
from bench.builds import Build, Ours, Textbook
from bench.errand import Errand
from bench.house import House
from bench.machine import Meter
from bench.plan import Plan
from bench.report import Cell, Check, Row

FLOOR = "floor"
_STORED = {
    "ours": """
        SELECT kind || '/' || message_sid || '/' || status FROM inbox_receipt
        WHERE kind || '/' || message_sid || '/' || status = ANY(%s)
    """,
    "textbook": """
        SELECT 'inbound/' || sid || '/' FROM textbook_message
        WHERE 'inbound/' || sid || '/' = ANY(%s)
    """,
}


class Runs:
    """Numbers the loads of a run, so that no two send the same message."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return a number nobody had."""
        self._last += 1
        return self._last


def job_for(build: Build, plan: Plan, run: int, *, sockets: int, count: int = 0) -> dict[str, Any]:
    """Describe a load: for a while, or so many webhooks."""
    seconds = 600.0 if count else plan.seconds
    return {
        "population": build.population,
        "seed": plan.seed,
        "run": run,
        "count": count or max(400, int(plan.seconds * 4_000)),
        "port": build.hook_port,
        "sockets": sockets,
        "seconds": seconds,
        "window": seconds,
        "warm_up": 0.0 if count else plan.warm_up,
    }


def measure(house: House, plan: Plan, ours: Ours, textbook: Textbook, runs: Runs) -> list[Row]:
    """Measure the rows of this file."""
    meter = house.meter()
    rows = [_row(plan, sockets) for sockets in plan.sockets]
    for build in (ours, textbook):
        warm(build, plan, runs)
    for _ in range(plan.repeats):
        floor = Cell("F1")
        measure_floor(house, meter, floor, plan, runs)
        for row, sockets in zip(rows, plan.sockets, strict=True):
            assert row.floor
            assert row.textbook
            row.floor.values += floor.values
            row.floor.cpu_us += floor.cpu_us
            for build, cell in ((ours, row.ours), (textbook, row.textbook)):
                _load(
                    house,
                    meter,
                    build,
                    cell,
                    row,
                    job_for(build, plan, runs.next(), sockets=sockets),
                )
    rows[-1].checks.append(_kill_and_count(plan, ours, runs))
    return rows


def _row(plan: Plan, sockets: int) -> Row:
    workload = (
        f"signed SMS forms on {sockets} keep-alive sockets for {plan.seconds:g} s, "
        f"{plan.accounts} accounts, {plan.contacts} contacts, 1 % new, 1 % repeated, 5 % statuses"
    )
    return Row(
        f"ingest {sockets}",
        workload,
        "/s",
        is_more_better=True,
        ours=Cell("ours"),
        floor=Cell("F1: psycopg, one message a commit, 4 connections"),
        textbook=Cell("textbook"),
    )


def _load(
    house: House, meter: Meter, build: Build, cell: Cell, row: Row, job: dict[str, Any]
) -> None:
    house.checkpoint()
    with Errand("bench.load", job) as load:
        load.wait_until_ready()
        meter.begin(build.sessions)
        found = load.go().result()
        used = meter.end()
    cell.add(found["rate"], used, found["answers"])
    row.note_strangers(used)
    note_latencies(cell, found["latencies_ms"])
    cell.facts["stories_left_for_later"] = build.waits()
    row.checks += [answers_are_good(build, found), rows_are_kept(build, found["kept"])]
    forget_backlog(build)


def warm(build: Build, plan: Plan, runs: Runs) -> None:
    """Let every process of a build load what it loads on first use; nothing is counted."""
    sockets = max(plan.sockets)
    with Errand("bench.load", job_for(build, plan, runs.next(), sockets=sockets, count=80)) as load:
        load.wait_until_ready().go().result()
    build.wait_until_told()


def measure_floor(house: House, meter: Meter, cell: Cell, plan: Plan, runs: Runs) -> None:
    """Measure F1 once."""
    if not house.has_database(FLOOR):
        house.make_database(FLOOR)
        with house.connect(FLOOR) as connection:
            connection.execute(floors.TABLES)
    house.checkpoint()
    job = {
        "url": house.database_url(FLOOR),
        "seconds": plan.seconds,
        "warm_up": plan.warm_up,
        "run": runs.next(),
    }
    with Errand("bench.floors", job) as floor:
        floor.wait_until_ready()
        meter.begin([floor.session])
        found = floor.go().result()
        cell.add(found["rate"], meter.end(), found["stored"])


def note_latencies(cell: Cell, latencies: list[float]) -> None:
    """Keep the answer times of the last repetition beside its rate."""
    if latencies:
        cell.facts["answer_ms"] = {
            f"p{percent:g}": latencies[min(len(latencies) - 1, int(len(latencies) * percent / 100))]
            for percent in (50, 99, 99.9)
        }


def answers_are_good(build: Build, found: dict[str, Any]) -> Check:
    """Check that everything was answered with 2xx."""
    bad = {status: n for status, n in found["statuses"].items() if not status.startswith("2")}
    return Check(f"{build.name}: every answer is 2xx", not bad, str(bad or ""))


def rows_are_kept(build: Build, kept: Iterable[str]) -> Check:
    """Check that what was answered with 2xx is in the database, once each."""
    wanted = [key for key in kept if build.name == "ours" or key.startswith("inbound/")]
    with build.house.connect(build.database) as connection:
        found = [row[0] for row in connection.execute(_STORED[build.name], [wanted])]
    detail = f"{len(found)} rows for {len(wanted)} answers"
    return Check(
        f"{build.name}: rows = 2xx answers",
        sorted(found) == sorted(wanted) and bool(wanted),
        detail,
    )


def forget_backlog(build: Build) -> None:
    """Drop stories that are still owed: the row `processed` measures those."""
    statements = {
        "ours": "UPDATE inbox_receipt SET state = 'done', next_attempt_at = NULL "
        "WHERE state IN ('waiting', 'failed')",
        "textbook": "UPDATE textbook_message SET processed_at = now() WHERE processed_at IS NULL",
    }
    build.house.redis(build.number).flushdb()
    with build.house.connect(build.database) as connection:
        connection.execute(statements[build.name].encode())
    time.sleep(0.2)


def _kill_and_count(plan: Plan, ours: Ours, runs: Runs) -> Check:
    """Kill the server while it answers; every 2xx must have its receipt."""
    job = job_for(ours, plan, runs.next(), sockets=max(plan.sockets))
    with Errand("bench.load", job) as load:
        load.wait_until_ready().go()
        time.sleep(plan.seconds / 2)
        ours.kill()
        found = load.result()
    held = rows_are_kept(ours, found["kept"])
    return Check("after SIGKILL: rows = 2xx answers", held.is_ok and found["was_cut"], held.detail)
