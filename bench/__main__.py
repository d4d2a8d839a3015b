"""What do you want measured? `python -m bench [--full] [timers glass processed …]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import deciding, glass, ingest, lists, processed, proving, searching, stopping, timers
from bench.builds import Ours, Textbook, build_ours, build_textbook
from bench.house import ROOT, House, NotReadyError
from bench.ingest import Runs
from bench.machine import facts
from bench.plan import FULL, SMOKE, Plan
from bench.report import Row, table, write
from bench.shape import Shape
from config.servers import ServerError, Servers, running

FOLDER = ROOT / ".bench"
NAMES = (
    "ingest",
    "processed",
    "glass",
    "inbox-list",
    "size",
    "search",
    "timers",
    "stop",
    "decide",
    "proof",
)
EACH = 5  # messages of a conversation before the loads begin


def main(words: Sequence[str]) -> int:
    """Measure what was asked for; return 1 if anything was wrong, however fast."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="larger, longer, more repetitions")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(NAMES)}")
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    begun = time.monotonic()
    plan = FULL if asked.full else SMOKE
    try:
        # Never on servers somebody gave us: databases are made and dropped here.
        with _own_servers() as servers:
            rows = run(plan, servers, FOLDER, asked.names or NAMES, say=_say)
    except (ServerError, NotReadyError) as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return 1
    print(
        f"\n{table(rows)}\n\n{time.monotonic() - begun:.0f} s; all of it: {FOLDER / 'latest.json'}"
    )
    return 0 if all(check.is_ok for row in rows for check in row.checks) else 1


def run(
    plan: Plan, servers: Servers, folder: Path, names: Sequence[str], *, say: Any = lambda _: None
) -> list[Row]:
    """Measure the named rows on these servers, write `latest.json`, return the rows."""
    rows: list[Row] = []
    with House(servers, folder / "logs") as house:
        if set(names) - {"inbox-list", "size", "search", "timers", "stop", "decide", "proof"}:
            rows += _live_rows(house, plan, names, say)
        if "inbox-list" in names:
            say("inbox-list: loading")
            rows += lists.measure(house, plan)
        if "size" in names:
            say("size: loading")
            rows += lists.measure_sizes(house, plan)
        if "search" in names:
            say("search: loading")
            rows += searching.measure(house, plan)
        if "timers" in names:
            say("timers")
            rows += timers.measure(house, plan)
        if "stop" in names:
            say("stop")
            rows += stopping.measure(house, plan)
    if "decide" in names:
        say("decide")
        rows += deciding.measure(plan)
    if "proof" in names:
        say("proof")
        rows += proving.measure(plan)
    about = {"plan": plan.name, "seed": plan.seed, "machine": facts()}
    write(folder / "latest.json", rows=rows, about=about)
    return rows


def _live_rows(house: House, plan: Plan, names: Sequence[str], say: Any) -> list[Row]:
    say("loading")
    ours, textbook = _builds(house, plan)
    runs = Runs()
    rows: list[Row] = []
    for build in (ours, textbook):
        build.web()
        build.workers()
    if "glass" in names:
        say("glass")
        rows += glass.measure(house, plan, ours, textbook, runs)
    if "processed" in names:
        say("processed")
        rows += processed.measure(house, plan, ours, textbook, runs)
    if "ingest" in names:  # the last one: it ends with a kill
        say("ingest")
        rows = ingest.measure(house, plan, ours, textbook, runs) + rows
    for build in (ours, textbook):
        build.kill()
    return rows


def _builds(house: House, plan: Plan) -> tuple[Ours, Textbook]:
    shape = Shape(
        accounts=plan.accounts,
        customers=plan.contacts,
        each=EACH,
        big=0,
        agents=max(*plan.agents, plan.crowd),
        seed=plan.seed,
    )
    return build_ours(house, "ours_live", shape), build_textbook(house, "textbook_live", shape)


def _own_servers() -> Any:
    import os

    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    return running(FOLDER, durable=True)


_BEGUN = time.monotonic()


def _say(words: str) -> None:
    print(f"bench: {time.monotonic() - _BEGUN:4.0f} s  {words} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
