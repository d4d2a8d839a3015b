"""How long from a customer's webhook until the last of N agents has the rendered row?

Floor F2: a commit, a publish, and a bare ASGI fan-out of as many bytes. Textbook: the core layer of
channels_redis, reached from the view with `async_to_sync(group_send)`.
"""

from __future__ import annotations

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
INTERVAL_S = 0.02  # between two messages
PERCENTS = {"p50": 0.5, "p99": 0.99}


def measure(house: House, plan: Plan, ours: Ours, textbook: Textbook, runs: Runs) -> list[Row]:
    """Measure the rows of this file; the web servers of both builds must run."""
    ours.live()
    bare, port = _start_bare(house)
    meter = house.meter()
    rows: list[Row] = []
    for agents in plan.agents:
        pair = [_row(plan, agents, percent) for percent in PERCENTS]
        for _ in range(plan.repeats):
            found = _watch(meter, ours, _job(ours, plan, runs, agents), pair)
            _watch(meter, textbook, _job(textbook, plan, runs, agents), pair)
            floor = _floor_job(house, plan, runs, agents, port, found["bytes"])
            _watch_floor(meter, bare, floor, pair)
        rows += pair
    bare.kill()
    return rows


def _row(plan: Plan, agents: int, percent: str) -> Row:
    workload = (
        f"{plan.events - 1} inbound messages, one every {INTERVAL_S * 1000:.0f} ms, "
        f"{agents} agents on sockets; POST's first byte to the frame at the last agent, {percent}"
    )
    return Row(
        f"glass {agents} {percent}",
        workload,
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F2: commit, publish, bare ASGI fan-out of the same bytes"),
        textbook=Cell("textbook: channels_redis core"),
    )


def _job(build: Build, plan: Plan, runs: Runs, agents: int) -> dict[str, Any]:
    is_ours = isinstance(build, Ours)
    population = build.population
    return {
        "population": {name: population[name] for name in ("senders", "open")},
        "seed": plan.seed,
        "run": runs.next(),
        "events": plan.events,
        "interval": INTERVAL_S,
        "cookies": population["agents"][:agents],
        "outsiders": [population["outsider"]],
        "web_port": build.hook_port,
        "live_port": build.live_port if isinstance(build, Ours) else build.port,
        "path": "/ws/v1/" if is_ours else f"/ws/{population['inbox_id']}/",
        "subprotocol": "teaminbox.v1" if is_ours else "",
    }


def _floor_job(
    house: House, plan: Plan, runs: Runs, agents: int, port: int, size: int
) -> dict[str, Any]:
    if not house.has_database(FLOOR):
        house.make_database(FLOOR)
        with house.connect(FLOOR) as connection:
            connection.execute(floors.TABLES)
    return {
        "url": house.database_url(FLOOR),
        "redis_url": house.redis_url(FLOOR_NUMBER),
        "run": runs.next(),
        "bytes": max(100, size),
        "events": plan.events,
        "interval": INTERVAL_S,
        "cookies": ["-"] * agents,
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
