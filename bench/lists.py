"""How long do the list and a thread take, and does that grow with what an account has stored?

Floor F3: the bare SQL of the page's rows. Textbook: Django's Paginator (OFFSET and COUNT) over the
ORM, behind uvicorn. One request at a time: answer times, not throughput.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.builds import Ours, Textbook, build_ours, build_textbook
from bench.house import House
from bench.long_thread import MESSAGES, lengthen, lengthen_textbook
from bench.machine import Meter
from bench.pages import BOUNDARY, LISTS, ROWS, THREAD, VISIBLE, Browser, bare
from bench.plan import Plan
from bench.report import Cell, Check, Row
from bench.shape import Shape

DEEP = 0.9
EACH = 10  # messages of a conversation
FEW = 2  # …where there are a million conversations
FLAT = 1.5  # the largest size may take so many times as long as the smallest
# What is counted in a page: one for each row or message.
ROW_MARK, MESSAGE_MARK = 'class="row-name"', '<li id="m-'


@dataclass(frozen=True)
class Size:
    """How much is stored, and how a row tells of it."""

    name: str
    conversations: int
    each: int
    stored: int  # messages or conversations
    words: str


@dataclass
class World:
    """Both builds at one size, with open sockets."""

    size: Size
    ours: Ours
    textbook: Textbook
    ours_browser: Browser
    textbook_browser: Browser
    connection: psycopg.Connection[Any]
    values: dict[str, Any]
    deep_page: int
    visible: int
    rows: dict[str, Row] = field(default_factory=dict)


def measure(house: House, plan: Plan) -> list[Row]:
    """Measure the pages of the list by the number of messages, on databases of their own."""
    sizes = [
        Size("inbox-list", messages // EACH, EACH, messages, f"{messages:,} messages")
        for messages in plan.messages
    ]
    worlds = _measured(house, plan, sizes, LISTS)
    for page in LISTS:
        worlds[-1].rows[page].growth = _growth(worlds, page)
    return [world.rows[page] for page in LISTS for world in worlds]


def measure_sizes(house: House, plan: Plan) -> list[Row]:
    """Measure the list and a thread by the number of conversations: they must stay flat."""
    sizes = [
        Size("size", count, FEW, count, f"{count:,} conversations") for count in plan.conversations
    ]
    pages = ("first", THREAD)
    worlds = _measured(house, plan, sizes, pages)
    for page in pages:
        least, most = (world.rows[page].ours.spread.median for world in (worlds[0], worlds[-1]))
        worlds[-1].rows[page].growth = _growth(worlds, page)
        worlds[-1].rows[page].notes.append(f"{most / least:.2f} x the smallest size")
        if plan.judges_growth:
            worlds[-1].rows[page].checks.append(
                Check(f"flat within {FLAT} x", most <= least * FLAT, f"{most / least:.2f} x")
            )
    return [world.rows[page] for page in pages for world in worlds]


def _measured(house: House, plan: Plan, sizes: list[Size], pages: Sequence[str]) -> list[World]:
    meter = house.meter()
    worlds = [_world(house, plan, size) for size in sizes]
    for world in worlds:
        if THREAD in pages:
            _lengthen(house, world)
        world.rows = {page: _row(page, world) for page in pages}
        for page in pages:
            _load(meter, world, page, 2, is_counted=False)
    for _ in range(plan.repeats):
        for page in pages:
            for world in worlds:
                _load(meter, world, page, plan.requests)
    for world in worlds:
        _close(world)
    return worlds


def _world(house: House, plan: Plan, size: Size) -> World:
    shape = Shape(
        accounts=plan.accounts,
        customers=size.conversations,
        each=size.each,
        big=0.5,
        agents=3,
        seed=plan.seed,
    )
    name = f"{size.name.replace('-', '_')}_{size.conversations}"
    ours = build_ours(house, f"ours_{name}", shape)
    textbook = build_textbook(house, f"textbook_{name}", shape)
    for build in (ours, textbook):
        build.web(workers=1)
    connection = house.connect(ours.database)
    values: dict[str, Any] = {
        "account": ours.population["account_id"],
        "inbox": ours.population["inbox_id"],
        "me": ours.population["agent_id"],
    }
    visible = int(connection.execute(VISIBLE, values).fetchone()[0])  # type: ignore[index]
    # A whole page must be left, also where the list is short.
    offset = max(0, min(int(visible * DEEP), visible - ROWS - 1))
    at, number, public_id = connection.execute(BOUNDARY, {**values, "offset": offset}).fetchone()  # type: ignore[misc]
    values |= {"at": at, "id": number, "before": f"{_micros(at)}.{public_id}"}
    return World(
        size,
        ours,
        textbook,
        Browser(ours.port, ours.population["agents"][0]),
        Browser(textbook.port, textbook.population["agents"][0]),
        connection,
        values,
        deep_page=max(1, offset // ROWS),
        visible=visible,
    )


def _lengthen(house: House, world: World) -> None:
    world.values |= lengthen(world.connection, world.values)
    with house.connect(world.textbook.database) as connection:
        lengthen_textbook(connection, world.values)


def _row(page: str, world: World) -> Row:
    words = {
        "first": "first page of all open",
        "deep": "page at 90 % of all open",
        "mine": "first page of mine",
        "unassigned": "first page of the unassigned",
        THREAD: f"a thread of {MESSAGES} messages opened at its end",
    }
    size = world.size
    return Row(
        f"{size.name} {page} {size.stored // 1000} k",
        f"{words[page]}, rendered, {size.words}, half of them in this inbox, "
        f"{world.visible:,} conversations to see",
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F3: bare SQL of the rows"),
        textbook=Cell(
            "textbook: its bubbles alone, no composer, no gate"
            if page == THREAD
            else "textbook: OFFSET and COUNT"
        ),
    )


def _load(meter: Meter, world: World, page: str, requests: int, *, is_counted: bool = True) -> None:
    row = world.rows[page]
    assert row.floor
    assert row.textbook
    contestants: list[tuple[Cell, list[int], Callable[[], tuple[float, int]]]] = [
        (row.ours, world.ours.sessions, lambda: _ours(world, page)),
        (row.floor, [], lambda: bare(world.connection, page, world.values)),
        (row.textbook, world.textbook.sessions, lambda: _textbook(world, page)),
    ]
    for browser in (world.ours_browser, world.textbook_browser):
        browser.close()
        browser.open()
    for cell, sessions, once in contestants:
        once()
        meter.begin(sessions)
        found = [once() for _ in range(requests)]
        used = meter.end()
        if not is_counted:
            continue
        cell.add(statistics.median(ms for ms, _ in found), used, requests)
        cell.facts["p99_ms"] = sorted(ms for ms, _ in found)[
            min(requests - 1, requests * 99 // 100)
        ]
        row.note_strangers(used)
        counts = {min(ROWS, count) for _, count in found}
        wanted = {min(ROWS, bare(world.connection, page, world.values)[1])}
        row.checks.append(
            Check(f"{cell.name}: the rows of the page", counts == wanted, f"{counts}, not {wanted}")
        )


def _ours(world: World, page: str) -> tuple[float, int]:
    older, thread = f"before={world.values['before']}", f"/c/{world.values.get('cid')}/thread/"
    path = _path(page, f"/inbox/{world.ours.population['slug']}/", older, thread)
    return _asked(world.ours_browser, page, path)


def _textbook(world: World, page: str) -> tuple[float, int]:
    inbox = f"/inbox/{world.textbook.population['inbox_id']}/"
    thread = f"{inbox}c/{world.values.get('conversation')}/"
    path = _path(page, inbox, f"page={world.deep_page}", thread)
    return _asked(world.textbook_browser, page, path)


def _path(page: str, inbox: str, older: str, thread: str) -> str:
    return {
        "first": f"{inbox}?view=open",
        "deep": f"{inbox}?view=open&{older}",
        "mine": f"{inbox}?view=mine",
        "unassigned": f"{inbox}?view=unassigned",
        THREAD: thread,
    }[page]


def _asked(browser: Browser, page: str, path: str) -> tuple[float, int]:
    """Return how long a page took, and how many rows or messages it has."""
    ms, status, text = browser.get(path)
    assert status == 200, status
    return ms, text.count(_mark(page))


def _mark(page: str) -> str:
    return MESSAGE_MARK if page == THREAD else ROW_MARK


def _growth(worlds: list[World], page: str) -> float | None:
    """Fit log(cost) on log(N): 0 is flat, 1 is linear."""
    if len(worlds) < 2:
        return None
    points = [
        (math.log(world.size.conversations), math.log(world.rows[page].ours.spread.median))
        for world in worlds
    ]
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope


def _close(world: World) -> None:
    for browser in (world.ours_browser, world.textbook_browser):
        browser.close()
    world.connection.close()
    for build in (world.ours, world.textbook):
        build.kill()


def _micros(at: datetime) -> int:
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
