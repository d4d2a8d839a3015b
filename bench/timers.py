"""How late is help, when many timers become due within a minute? The workers as they run.

Lateness is from the moment a timer was due to its commit, which a trigger notes in each database.
Floor F4: psycopg alone, one timer a commit, on two connections. Textbook: one timer at a time with
`select_for_update` and plain ORM calls, in a Celery task that beat starts every second.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from bench import bare_timers
from bench.builds import Ours, Textbook, build_ours, build_textbook
from bench.errand import Errand
from bench.house import House
from bench.machine import Meter
from bench.plan import Plan
from bench.report import Cell, Check, Row
from bench.shape import Shape

FLOOR = "floor_timers"
LEAD = timedelta(seconds=2)  # from planting the timers to the first that is due
STARTS_WITHIN_S = 120.0
# Who is so far behind is not waited for; what is left counts as late as it is by then.
PATIENCE_S = 30.0
POLL_S = 0.2
PERCENTS = {"p50": 0.5, "p99": 0.99}
EACH = 2  # messages of a conversation

_NOTE: LiteralString = """
    CREATE TABLE late (due_at timestamptz NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION note_late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO late VALUES (NEW.due_at, clock_timestamp());
        RETURN NULL;
    END $$;
"""
_NOTE_WHEN: LiteralString = """
    CREATE CONSTRAINT TRIGGER note_late AFTER UPDATE ON {} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.fired_at IS NULL AND NEW.fired_at IS NOT NULL)
    EXECUTE FUNCTION note_late()
"""
_WAIT: LiteralString = """
    UPDATE inbox_conversation
    SET waiting_since = now() - interval '5 minutes', wait_generation = wait_generation + 1
    WHERE status = 'open'
"""
# The one colleague comes, or the other one who has it not.
_PLANT_OURS: LiteralString = """
    INSERT INTO inbox_escalationtimer (
        account_id, conversation_id, wait_generation, step, plan, anchor_at, length, ahead,
        due_at, next_at, obsolete_reason, suspended_for, hours_version, attempts, problem
    )
    SELECT c.account_id, c.id, c.wait_generation, 1,
           jsonb_build_object('after', 5, 'clock', 'calendar', 'when', 'any_unanswered',
               'do', 'add', 'to', (
                   SELECT jsonb_agg(jsonb_build_object('users', jsonb_build_array(m.user_id))
                                    ORDER BY m.user_id DESC)
                   FROM accounts_membership m WHERE m.team_id = c.inbox_id
               )),
           c.waiting_since, interval '5 minutes', interval '0', c.fires_at, c.fires_at,
           '', '', 0, 0, ''
    FROM (
        SELECT *, %(begin)s::timestamptz
                  + (row_number() OVER (ORDER BY id) - 1) * %(step)s * interval '1 second'
                  AS fires_at
        FROM inbox_conversation c
        WHERE waiting_since IS NOT NULL AND status = 'open' AND NOT EXISTS (
            SELECT FROM inbox_escalationtimer t WHERE t.conversation_id = c.id AND t.step = 1)
        ORDER BY id LIMIT %(count)s
    ) c
"""
_PLANT_TEXTBOOK: LiteralString = """
    INSERT INTO textbook_timer (conversation_id, helper_id, due_at)
    SELECT c.id, (SELECT max(user_id) FROM textbook_inbox_members m
                  WHERE m.inbox_id = c.inbox_id), c.due_at
    FROM (
        SELECT *, %(begin)s::timestamptz
                  + (row_number() OVER (ORDER BY id) - 1) * %(step)s * interval '1 second' AS due_at
        FROM textbook_conversation c
        WHERE is_open AND NOT EXISTS (
            SELECT FROM textbook_timer t WHERE t.conversation_id = c.id)
        ORDER BY id LIMIT %(count)s
    ) c
"""
_PLANT_FLOOR: LiteralString = """
    INSERT INTO timer (conversation, due_at)
    SELECT n, %(begin)s::timestamptz + (n - 1) * %(step)s * interval '1 second'
    FROM generate_series(1, %(count)s) n
"""


@dataclass(frozen=True)
class Contestant:
    """A database with timers: their table, how to plant some, and whose processes fire them."""

    name: str
    database: str
    table: LiteralString
    plant: LiteralString
    sessions: tuple[int, ...]


def measure(house: House, plan: Plan) -> list[Row]:
    """Measure the rows of this file, on databases of their own, one contestant after the other."""
    meter = house.meter()
    rows = [_row(plan, percent) for percent in PERCENTS]
    _measure_ours(house, meter, plan, rows)
    _measure_textbook(house, meter, plan, rows)
    _measure_floor(house, meter, plan, rows)
    return rows


def _row(plan: Plan, percent: str) -> Row:
    workload = (
        f"{plan.timers} escalation timers, each of a conversation of its own, due evenly within "
        f"{plan.timers_s:g} s; from when it was due to its commit, {percent}"
    )
    return Row(
        f"timers {percent}",
        workload,
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell("F4: psycopg, one timer a commit, 2 connections"),
        textbook=Cell("textbook: select_for_update, one at a time, plain ORM"),
    )


def _shape(plan: Plan) -> Shape:
    return Shape(
        accounts=plan.accounts,
        # Of ten conversations seven are open.
        customers=plan.timers * 8 // 5 + 50,
        each=EACH,
        big=0,
        agents=2,
        seed=plan.seed,
    )


def _measure_ours(house: House, meter: Meter, plan: Plan, rows: list[Row]) -> None:
    build: Ours = build_ours(house, "ours_timers", _shape(plan))
    with house.connect(build.database) as connection:
        connection.execute(_WAIT)
    house.vacuum(build.database)
    build.workers()
    sessions = tuple(build.sessions)
    one = Contestant("ours", build.database, "inbox_escalationtimer", _PLANT_OURS, sessions)
    found = _run(house, meter, plan, one, rows, [row.ours for row in rows])
    told = house.one(
        build.database,
        "SELECT count(*) FROM inbox_conversationevent WHERE verb = 'escalated'"
        " AND data->>'did' = 'add'",
    )
    helped = house.one(
        build.database, "SELECT count(*) FROM inbox_participant WHERE source = 'escalation'"
    )
    rows[0].checks += [
        Check("ours: every timer fires", found == plan.timers, f"{found} of {plan.timers}"),
        # One more shows that the workers are there.
        Check(
            "ours: each acts once",
            told == helped == plan.timers + 1,
            f"{told} told, {helped} helped",
        ),
    ]
    build.kill()


def _measure_textbook(house: House, meter: Meter, plan: Plan, rows: list[Row]) -> None:
    build: Textbook = build_textbook(house, "textbook_timers", _shape(plan))
    build.workers()
    build.clock()
    sessions = tuple(build.sessions)
    one = Contestant("textbook", build.database, "textbook_timer", _PLANT_TEXTBOOK, sessions)
    cells = [row.textbook for row in rows if row.textbook]
    found = _run(house, meter, plan, one, rows, cells)
    if found < plan.timers:
        left = f"the textbook had fired {found} {PATIENCE_S:g} s after the last was due"
        for row in rows:
            row.notes.append(left)
    build.kill()


def _measure_floor(house: House, meter: Meter, plan: Plan, rows: list[Row]) -> None:
    house.make_database(FLOOR)
    with house.connect(FLOOR) as connection:
        connection.execute(bare_timers.TABLES)
    job = {"url": house.database_url(FLOOR), "count": plan.timers + 1}
    with Errand("bench.bare_timers", job) as helper:
        helper.wait_until_ready().go()
        one = Contestant("floor", FLOOR, "timer", _PLANT_FLOOR, (helper.session,))
        _run(house, meter, plan, one, rows, [row.floor for row in rows if row.floor])


def _run(
    house: House, meter: Meter, plan: Plan, one: Contestant, rows: list[Row], cells: list[Cell]
) -> int:
    """Plant the timers, wait until they have fired, note how late each was; return how many did."""
    with house.connect(one.database) as connection:
        connection.execute(_NOTE)
        connection.execute(_NOTE_WHEN.format(one.table))
    _plant(house, one, count=1, seconds=1, lead=timedelta())
    if _wait(house, one, 1, until=time.monotonic() + STARTS_WITHIN_S) < 1:
        raise TimeoutError(f"{one.name}: no timer was fired.")
    house.checkpoint()
    meter.begin(one.sessions)
    _plant(house, one, count=plan.timers, seconds=plan.timers_s, lead=LEAD)
    until = time.monotonic() + LEAD.total_seconds() + plan.timers_s + PATIENCE_S
    fired = _wait(house, one, plan.timers + 1, until=until) - 1
    used = meter.end()
    late = _lateness_ms(house, one)
    for row, cell, share in zip(rows, cells, PERCENTS.values(), strict=True):
        cell.add(percentile(late, share), used, fired)
        cell.facts["fired"] = fired
        cell.facts["latest_ms"] = round(late[-1])
        row.note_strangers(used)
    return fired


def _plant(house: House, one: Contestant, *, count: int, seconds: float, lead: timedelta) -> None:
    values = {"begin": datetime.now(UTC) + lead, "step": seconds / count, "count": count}
    with house.connect(one.database) as connection:
        connection.execute(one.plant, values)


def _wait(house: House, one: Contestant, count: int, *, until: float) -> int:
    with house.connect(one.database) as connection:
        while True:
            row = connection.execute("SELECT count(*) FROM late").fetchone()
            assert row
            if row[0] >= count or time.monotonic() > until:
                return int(row[0])
            time.sleep(POLL_S)


def _lateness_ms(house: House, one: Contestant) -> list[float]:
    """Return how late each timer but the first was, in order; one that has not fired: until now."""
    query: Any = (
        "SELECT 1000 * extract(epoch FROM at - due_at) FROM late"
        " WHERE due_at > (SELECT min(due_at) FROM late) UNION ALL "
        "SELECT 1000 * extract(epoch FROM clock_timestamp() - due_at)"
        f" FROM {one.table} WHERE fired_at IS NULL AND due_at IS NOT NULL"
    )
    with house.connect(one.database) as connection:
        return sorted(max(0.001, float(row[0])) for row in connection.execute(query))


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of all does not exceed."""
    return values[max(0, math.ceil(len(values) * share) - 1)]
