"""How long does a search take in a large account, whatever is looked for?

Textbook: `icontains` on the text, newest first, as bare SQL on the same rows: kinder to it than a
page would be. One request at a time, the whole page of ours: answer times, not throughput.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple
from urllib.parse import urlencode

import psycopg

from bench.builds import Ours, build_ours
from bench.house import House
from bench.machine import Meter
from bench.pages import Browser
from bench.plan import Plan
from bench.report import Cell, Check, Row
from bench.shape import Shape

EACH = 10  # messages of a conversation
GOAL_MS = 300


class Question(NamedTuple):
    """What is looked for, how many hits a page must show at least, and which agent asks."""

    line: str
    fewest: int
    agent: int = 0


SEES_LITTLE = -1
QUESTIONS = {
    "rare word": Question("zebra", 0),
    "word of one in a hundred": Question("giraffe", 5),
    "common word": Question("order", 5),
    "common and rare": Question("order zebra", 0),
    "phrase": Question('"size 46"', 5),
    "number": Question("(415) 555", 0),
    "nowhere": Question("xylophone", 0),
    "operators": Question("order status:open from:customer", 5),
    "word in a small inbox": Question("inbox:small order", 1),
    "file": Question("has:media", 1),
    "common word out of sight": Question("order", 1, SEES_LITTLE),
}
# One in ten thousand, old and new; one in a hundred.
_SEED = (
    "UPDATE inbox_message SET body = body || ' zebra' WHERE id % 10007 = 1",
    "UPDATE inbox_message SET body = body || ' giraffe' WHERE id % 101 = 1",
)
_TEXTBOOK = (
    "SELECT id FROM inbox_message WHERE account_id = %(account)s"
    " AND UPPER(body) LIKE UPPER(%(words)s) ORDER BY created_at DESC LIMIT 6"
)
_INDEXED = (
    "SELECT pg_get_expr(indexprs, indrelid) FROM pg_index"
    " WHERE indexrelid = 'message_by_plain_words'::regclass"
)
_FLOOR = (
    "SELECT id FROM inbox_message WHERE account_id = %(account)s"
    " AND {words} @@ plainto_tsquery('inbox_words', %(plain)s) ORDER BY created_at DESC LIMIT 6"
)


def measure(house: House, plan: Plan) -> list[Row]:
    """Measure the rows of this file, on a database of their own."""
    messages = max(plan.messages)
    shape = Shape(
        accounts=plan.accounts,
        customers=messages // EACH,
        each=EACH,
        big=0.5,
        agents=3,
        seed=plan.seed,
        is_searched=True,
    )
    ours = build_ours(house, "ours_search", shape)
    connection = house.connect(ours.database)
    for statement in _SEED:
        connection.execute(statement)
    connection.execute("VACUUM ANALYZE inbox_message")
    [(words,)] = connection.execute(_INDEXED).fetchall()
    floor = _FLOOR.format(words=words)
    ours.web(workers=1)
    agents = ours.population["agents"]
    meter = house.meter()
    rows = [_row(name, messages) for name in QUESTIONS]
    for row, asked in zip(rows, QUESTIONS.values(), strict=True):
        for _ in range(plan.repeats):
            # What the textbook needs meanwhile is longer than a server keeps a silent line.
            browser = Browser(ours.port, agents[asked.agent])
            browser.open()
            _ours(meter, row, browser, ours, asked, plan.requests)
            browser.close()
            _bare(meter, row.textbook, _TEXTBOOK, connection, ours, asked.line)
            _bare(meter, row.floor, floor, connection, ours, asked.line)
    connection.close()
    ours.kill()
    return rows


def _row(name: str, messages: int) -> Row:
    return Row(
        f"search {name} {messages // 1000} k",
        f"first page of a search for a {name}, rendered, {messages:,} messages",
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("bare SQL: one query on the index of words"),
        textbook=Cell("textbook: icontains, bare SQL"),
    )


def _ours(
    meter: Meter, row: Row, browser: Browser, ours: Ours, asked: Question, requests: int
) -> None:
    path = f"/search/?{urlencode({'q': asked.line})}"
    browser.get(path)
    meter.begin(ours.sessions)
    answers = [browser.get(path) for _ in range(requests)]
    used = meter.end()
    times = sorted(ms for ms, _status, _text in answers)
    p95 = times[min(requests - 1, requests * 95 // 100)]
    row.ours.add(statistics.median(times), used, requests)
    row.ours.facts["p95_ms"] = p95
    row.note_strangers(used)
    found = min(text.count('class="hit"') for _ms, _status, text in answers)
    statuses = {status for _ms, status, _text in answers}
    row.checks.append(Check("answers", statuses == {200}, f"{statuses}"))
    row.checks.append(Check("hits", found >= asked.fewest, f"{found}, not {asked.fewest}"))
    row.ours.facts["goal_p95_ms"] = GOAL_MS


def _bare(
    meter: Meter,
    cell: Cell | None,
    statement: str,
    connection: psycopg.Connection[tuple[object, ...]],
    ours: Ours,
    line: str,
) -> None:
    assert cell
    plain = " ".join(word for word in line.split() if ":" not in word).strip('"')
    values = {
        "account": ours.population["account_id"],
        "words": f"%{plain}%",
        "plain": plain,
    }
    meter.begin([])
    begun = time.perf_counter()
    connection.execute(statement, values).fetchall()
    taken = (time.perf_counter() - begun) * 1000
    cell.add(taken, meter.end(), 1)
