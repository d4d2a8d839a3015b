"""How long from a customer's webhook until the last of N agents has the rendered row?

Floor F2: a commit, a publish, and a bare ASGI fan-out of as many bytes. Textbook: the core layer of
channels_redis, reached from the view with `async_to_sync(group_send)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench import floors
from bench.builds import Build, Ours, Textbook, uvicorn
from bench.errand import Errand
from bench.house import House, Service, free_port
from bench.ingest import FLOOR, Runs
from bench.machine import Meter
from bench.plan import Plan
from bench.report import Cell, Check, Row

FLOOR_NUMBER = 2
PERCENTS = {"p50": 0.5, "p99": 0.99}


@dataclass(frozen=True)
class Crowd:
    """How many agents watch how much."""

    name: str
    agents: int
    events: int
    interval_s: float  # between two messages


def _crowds(plan: Plan) -> list[Crowd]:
    small = [Crowd(f"{agents}", agents, plan.events, 0.02) for agents in plan.agents]
    return [*small, Crowd(f"{plan.crowd} at 20/s", plan.crowd, plan.crowd_events, 0.05)]


def measure(house: House, plan: Plan, ours: Ours, textbook: Textbook, runs: Runs) -> list[Row]:
    """Measure the rows of this file; the web servers of both builds must run."""
    ours.live()
    bare, port = _start_bare(house)
    meter = house.meter()
    rows: list[Row] = []
    for crowd in _crowds(plan):
        pair = [_row(crowd, percent) for percent in PERCENTS]
        for _ in range(plan.repeats):
            found = _watch(meter, ours, _job(ours, plan, runs, crowd), pair)
            _watch(meter, textbook, _job(textbook, plan, runs, crowd), pair)
            floor = _floor_job(house, runs, crowd, port, found["bytes"])
            _watch_floor(meter, bare, floor, pair)
        rows += pair
    bare.kill()
    return rows


def _row(crowd: Crowd, percent: str) -> Row:
    workload = (
        f"{crowd.events - 1} inbound messages, one every {crowd.interval_s * 1000:.0f} ms, "
        f"{crowd.agents} agents on sockets; POST's first byte to the frame at the last agent, "
        f"{percent}"
    )
    return Row(
        f"glass {crowd.name} {percent}",
        workload,
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F2: commit, publish, bare ASGI fan-out of the same bytes"),
        textbook=Cell("textbook: channels_redis core"),
    )


def _job(build: Build, plan: Plan, runs: Runs, crowd: Crowd) -> dict[str, Any]:
    is_ours = isinstance(build, Ours)
    population = build.population
    return {
        "population": {name: population[name] for name in ("senders", "open")},
        "seed": plan.seed,
        "run": runs.next(),
        "events": crowd.events,
        "interval": crowd.interval_s,
        "cookies": population["agents"][: crowd.agents],
        "outsiders": [population["outsider"]],
        "web_port": build.hook_port,
        "live_port": build.live_port if isinstance(build, Ours) else build.port,
        "path": "/ws/v1/" if is_ours else f"/ws/{population['inbox_id']}/",
        "subprotocol": "teaminbox.v1" if is_ours else "",
    }


def _floor_job(house: House, runs: Runs, crowd: Crowd, port: int, size: int) -> dict[str, Any]:
    if not house.has_database(FLOOR):
        house.make_database(FLOOR)
        with house.connect(FLOOR) as connection:
            connection.execute(floors.TABLES)
    return {
        "url": house.database_url(FLOOR),
        "redis_url": house.redis_url(FLOOR_NUMBER),
        "run": runs.next(),
        "bytes": max(100, size),
        "events": crowd.events,
        "interval": crowd.interval_s,
        "cookies": ["-"] * crowd.agents,
        "outsiders": [],
        "live_port": port,
        "path": "/",
        "subprotocol": "",
    }


def _watch(meter: Meter, build: Build, job: dict[str, Any], pair: list[Row]) -> dict[str, Any]:
    with Errand("bench.sockets", job) as watcher:
        watcher.wait_until_ready()
        meter.begin(build.sessions)
        found = watcher.go().result()
        used = meter.end()
    for row in pair:
        cell = row.ours if isinstance(build, Ours) else row.textbook
        assert cell
        _note(cell, row, found)
        cell.add(_percentile(found["last_ms"], row.name), used, found["answered"])
        row.note_strangers(used)
    pair[0].checks += _checks(build.name, found, is_ours=isinstance(build, Ours))
    if not isinstance(build, Ours):
        lost = 1 - found["frames"] / found["expected"]
        for row in pair:
            row.notes = [f"the textbook lost {lost:.1%} of its frames"] if lost else []
    return found


def _watch_floor(meter: Meter, bare: Service, job: dict[str, Any], pair: list[Row]) -> None:
    with Errand("bench.sockets", job) as watcher:
        watcher.wait_until_ready()
        meter.begin([bare.session])
        found = watcher.go().result()
        used = meter.end()
    for row in pair:
        assert row.floor
        row.floor.add(_percentile(found["last_ms"], row.name), used, found["answered"])
    pair[0].checks += _checks("floor", found, is_ours=False)


def _note(cell: Cell, row: Row, found: dict[str, Any]) -> None:
    cell.facts["frame_bytes"] = found["bytes"]
    cell.facts["frames"] = found["frames"]
    cell.facts["frames_expected"] = found["expected"]


def _checks(name: str, found: dict[str, Any], *, is_ours: bool) -> list[Check]:
    """The textbook may lose frames: that is a finding. We may not."""
    answered = Check(f"{name}: every message is answered with 200", bool(found["answered"]))
    if not is_ours:
        return [answered]
    detail = f"{found['frames']} of {found['expected']}"
    return [
        answered,
        Check(
            "ours: frames = events x permitted agents", found["frames"] == found["expected"], detail
        ),
        Check("ours: an agent of another account sees none", not found["leaked"]),
    ]


def _percentile(values: list[float], name: str) -> float:
    ordered = sorted(values) or [float("nan")]
    share = PERCENTS[name.rpartition(" ")[2]]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _start_bare(house: House) -> tuple[Service, int]:
    port = free_port()
    environment = house.environment("floor", FLOOR_NUMBER)
    service = house.start("bare", uvicorn("bench.bare:application", port), environment)
    service.wait_until_it_answers(port)
    return service, port
