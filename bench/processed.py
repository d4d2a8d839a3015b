"""How many stories are told a second, from the form to the published event?

`drain`: webhooks that wait are worked off by two processes. `steady`: webhooks come in over HTTP,
and the clock stops when the last story is told, wherever it was told.
"""

from __future__ import annotations

from typing import Any

from bench.builds import Build, Ours, Textbook
from bench.errand import Errand
from bench.forms import Request, Twilio
from bench.house import House
from bench.ingest import (
    Runs,
    answers_are_good,
    job_for,
    measure_floor,
    note_latencies,
    rows_are_kept,
)
from bench.machine import Meter
from bench.plan import Plan
from bench.report import Cell, Check, Row

WORKERS = 2
_ENQUEUE = """
    INSERT INTO inbox_receipt
        (account_id, twilio_account_id, sender_id, account_sid, message_sid, kind, status, form,
         received_at, repeats, state, attempts, next_attempt_at, problem)
    SELECT s.account_id, s.twilio_account_id, s.id, t.account_sid, %s, 'inbound', '', %s,
           now(), 0, 'waiting', 0, now() + interval '1 hour', ''
    FROM inbox_sender s JOIN accounts_twilioaccount t ON t.id = s.twilio_account_id
    WHERE s.path_token = %s
"""
_GAPS = """
    SELECT count(*) FROM (
        SELECT thread_id FROM inbox_message GROUP BY thread_id
        HAVING count(*) <> max(seq) OR min(seq) <> 1
        UNION ALL
        SELECT inbox_id FROM inbox_inboxevent GROUP BY inbox_id
        HAVING count(*) <> max(seq) OR min(seq) <> 1
    ) gaps
"""


def measure(house: House, plan: Plan, ours: Ours, textbook: Textbook, runs: Runs) -> list[Row]:
    """Measure the rows of this file."""
    meter = house.meter()
    drain, steady = _rows(plan)
    for _ in range(plan.repeats):
        floor = Cell("F1")
        measure_floor(house, meter, floor, plan, runs)
        for row in (drain, steady):
            assert row.floor
            row.floor.values += floor.values
            row.floor.cpu_us += floor.cpu_us
        for build in (ours, textbook):
            _drain(house, meter, build, drain, plan, runs)
            _steady(house, meter, build, steady, plan, runs)
    steady.checks.append(_numbers_have_no_gap(ours))
    return [drain, steady]


def _rows(plan: Plan) -> tuple[Row, Row]:
    def row(name: str, workload: str) -> Row:
        return Row(
            name,
            workload,
            "/s",
            is_more_better=True,
            ours=Cell("ours"),
            floor=Cell("F1: psycopg, one message a commit, 4 connections"),
            textbook=Cell("textbook"),
        )

    return (
        row("processed drain", f"{plan.drain} messages that wait, told by {WORKERS} processes"),
        row(
            "processed steady",
            f"{plan.steady} signed forms on {plan.sockets[0]} sockets until the last story is told",
        ),
    )


def _drain(house: House, meter: Meter, build: Build, row: Row, plan: Plan, runs: Runs) -> None:
    twilio = Twilio(build.population, plan.seed, runs.next())
    customers = build.population["customers"]
    texts = [twilio.text(*customers[n * 7 % len(customers)]) for n in range(plan.drain)]
    forms = [_path_and_form(text) for text in texts]
    if build.name == "ours":
        with house.connect(build.database) as connection, connection.transaction():
            connection.cursor().executemany(
                _ENQUEUE,
                [
                    (text.key.split("/")[1], form, token)
                    for text, (token, form) in zip(texts, forms, strict=True)
                ],
            )
    house.checkpoint()
    done, seconds = _work_off(meter, build, row, forms)
    cell = _cell_of(build, row)
    cell.values.append(done / seconds)
    row.checks.append(
        Check(
            f"{build.name}: all of the backlog is told",
            done == plan.drain,
            f"{done} of {plan.drain}",
        )
    )
    row.checks.append(_messages_of(build, texts))


def _work_off(
    meter: Meter, build: Build, row: Row, forms: list[tuple[str, str]]
) -> tuple[int, float]:
    helpers = [
        Errand(
            "bench.drain",
            {
                "workers": WORKERS,
                "worker": n,
                "forms": [] if build.name == "ours" else forms,
            },
            environment=build.environment,
        )
        for n in range(WORKERS)
    ]
    try:
        for helper in helpers:
            helper.wait_until_ready()
        meter.begin([*(h.session for h in helpers), *build.sessions])
        for helper in helpers:
            helper.go()
        found = [helper.result() for helper in helpers]
        last = max([f["ended"] for f in found] + [build.wait_until_told()])
        if build.name == "ours":
            last = max(f["ended"] for f in found)
        used = meter.end()
    finally:
        for helper in helpers:
            helper.__exit__()
    done = sum(f["done"] for f in found)
    cell = _cell_of(build, row)
    cpu = used.per(done)
    if cpu is not None:
        cell.cpu_us.append(cpu)
    row.note_strangers(used)
    return done, last - min(f["begun"] for f in found)


def _steady(house: House, meter: Meter, build: Build, row: Row, plan: Plan, runs: Runs) -> None:
    job = job_for(build, plan, runs.next(), sockets=plan.sockets[0], count=plan.steady)
    house.checkpoint()
    with Errand("bench.load", job) as load:
        load.wait_until_ready()
        meter.begin(build.sessions)
        found = load.go().result()
        told_at = build.wait_until_told()
        used = meter.end()
    cell = _cell_of(build, row)
    cell.add(
        found["answers"] / (max(told_at, found["ended"]) - found["begun"]), used, found["answers"]
    )
    note_latencies(cell, found["latencies_ms"])
    row.note_strangers(used)
    row.checks += [answers_are_good(build, found), rows_are_kept(build, found["kept"])]


def _cell_of(build: Build, row: Row) -> Cell:
    if build.name == "ours":
        return row.ours
    assert row.textbook
    return row.textbook


def _path_and_form(text: Request) -> tuple[str, str]:
    head, _, body = text.wire.decode().partition("\r\n\r\n")
    return head.split(" ", 2)[1].rpartition("/")[2], body


def _messages_of(build: Build, texts: list[Request]) -> Check:
    column = {"ours": ("inbox_message", "provider_sid"), "textbook": ("textbook_message", "sid")}
    table, sid = column[build.name]
    sids = [text.key.split("/")[1] for text in texts]
    query: Any = f"SELECT count(*) FROM {table} WHERE {sid} = ANY(%s)"
    stored = build.house.one(build.database, query, sids)
    return Check(
        f"{build.name}: one message each", stored == len(texts), f"{stored} of {len(texts)}"
    )


def _numbers_have_no_gap(ours: Ours) -> Check:
    gaps = ours.house.one(ours.database, _GAPS)
    return Check("ours: numbers of threads and inboxes have no gap", gaps == 0, f"{gaps} gaps")
