"""How long after STOP may something still leave? The edge, the workers and the clock as they run.

From when the webhook was taken in to the commit after which nothing of that person is left to
leave; a trigger notes it in each database. Meanwhile workers hand over answers that are due.
Floor F7: psycopg alone, the same changes in one transaction on four connections. Textbook: the
view stores the message, a Celery task opts the contact out.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, LiteralString

from bench.builds import Build, Ours, Textbook, build_ours, build_textbook
from bench.errand import Errand
from bench.forms import Request, Twilio
from bench.house import HOST, House
from bench.machine import Meter
from bench.plan import Plan
from bench.report import Cell, Check, Row
from bench.shape import Shape
from bench.timers import PERCENTS, percentile

SOCKETS = 4
EACH = 2  # messages of a conversation before anything waits
PATIENCE_S = 60.0
POLL_S = 0.1
TAKES_S = 0.02  # how long the carrier takes for one message
FLOOR = "floor_stops"
_NOTE_OURS: LiteralString = """
    CREATE TABLE stopped (who text NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION note_stop() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stopped VALUES (NEW.address, clock_timestamp());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER note_stop AFTER INSERT OR UPDATE ON compliance_consent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'opted_out' AND NEW.programme = '*') EXECUTE FUNCTION note_stop()
"""
_NOTE_TEXTBOOK: LiteralString = """
    CREATE TABLE stopped (who text NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION note_stop() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stopped VALUES (NEW.id::text, clock_timestamp());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER note_stop AFTER UPDATE ON textbook_contact
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.is_opted_out AND NOT OLD.is_opted_out) EXECUTE FUNCTION note_stop()
"""
_TOOK_OURS: LiteralString = """
    SELECT 1000 * extract(epoch FROM min(s.at) - min(m.received_at))
    FROM inbox_message m
    JOIN inbox_thread t ON t.id = m.thread_id
    JOIN inbox_contactaddress a ON a.id = t.address_id
    JOIN stopped s ON s.who = a.key
    WHERE m.direction = 'in' AND m.body = 'STOP' AND m.provider_sid = ANY(%s)
    GROUP BY a.key
"""
_TOOK_TEXTBOOK: LiteralString = """
    SELECT 1000 * extract(epoch FROM min(s.at) - min(m.created_at))
    FROM textbook_message m
    JOIN textbook_conversation c ON c.id = m.conversation_id
    JOIN stopped s ON s.who = c.contact_id::text
    WHERE m.is_inbound AND m.sid = ANY(%s)
    GROUP BY c.contact_id
"""
_LEFT: LiteralString = """
    SELECT count(*) FROM inbox_message m
    JOIN inbox_thread t ON t.id = m.thread_id
    WHERE t.public_id = ANY(%s) AND m.direction = 'out' AND m.status IN ('queued', 'sending')
"""
_LATE: LiteralString = """
    SELECT count(*) FROM compliance_gatedecision d
    JOIN inbox_thread t ON t.public_id = d.thread_ref
    JOIN inbox_contactaddress a ON a.id = t.address_id
    JOIN compliance_consent c ON c.account_id = t.account_id AND c.address = a.key
    JOIN compliance_consentevent e ON e.account_id = c.account_id AND e.seq = c.decided_by
    WHERE t.public_id = ANY(%s) AND c.programme = '*' AND c.state = 'opted_out'
      AND d.dispatched_at > e.recorded_at
"""
_TABLES: LiteralString = """
    CREATE TABLE consent (who bigint PRIMARY KEY, state text NOT NULL);
    CREATE TABLE event (id bigserial PRIMARY KEY, who bigint NOT NULL, at timestamptz NOT NULL);
    CREATE TABLE message (id bigserial PRIMARY KEY, who bigint NOT NULL, status text NOT NULL);
    CREATE INDEX ON message (who) WHERE status = 'queued';
    INSERT INTO consent SELECT n, 'in' FROM generate_series(1, 100000) n;
    INSERT INTO message (who, status) SELECT n % 100000 + 1, 'queued'
    FROM generate_series(1, 300000) n
"""


class Answering(Ours):
    """Our build with a carrier on this machine that takes every message."""

    carrier: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Return what its processes are told."""
        return {**super().environment, "TWILIO_API_BASE": self.carrier}


@dataclass(frozen=True)
class Stops:
    """STOPs of so many people: their requests, and the SIDs by which they are found."""

    requests: list[Request]

    @property
    def sids(self) -> list[str]:
        """Return the SIDs of the messages."""
        return [one.key.split("/")[1] for one in self.requests]


def measure(house: House, plan: Plan) -> list[Row]:
    """Measure the rows of this file, on databases of their own, one contestant after the other."""
    rows = [_row(plan, percent) for percent in PERCENTS]
    meter = house.meter()
    _measure_ours(house, meter, plan, rows)
    _measure_textbook(house, meter, plan, rows)
    _measure_floor(house, plan, rows)
    return rows


def _row(plan: Plan, percent: str) -> Row:
    workload = (
        f"{plan.stops} people text STOP on {SOCKETS} sockets while three answers wait for each and "
        f"workers send; from when it was taken in until nothing is left to leave, {percent}"
    )
    return Row(
        f"stop {percent}",
        workload,
        "ms",
        is_more_better=False,
        ours=Cell("ours"),
        floor=Cell(f"F7: psycopg, one transaction, {SOCKETS} connections"),
        textbook=Cell("textbook: the view stores it, a task opts the contact out"),
    )


def _shape(plan: Plan) -> Shape:
    customers = plan.stops * (plan.repeats + 1) + 20
    return Shape(plan.accounts, customers, EACH, big=0, agents=2, seed=plan.seed)


# --- Ours -----------------------------------------------------------------------------------------


def _measure_ours(house: House, meter: Meter, plan: Plan, rows: list[Row]) -> None:
    server = ThreadingHTTPServer((HOST, 0), _Carrier)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Answering.carrier = f"http://{HOST}:{server.server_address[1]}"
    build = build_ours(house, "ours_stops", _shape(plan), Answering)
    with house.connect(build.database) as connection:
        connection.execute(_NOTE_OURS)
    build.web()
    build.workers()
    for repeat in range(plan.repeats):
        _stop_ours(house, meter, plan, build, rows, first=repeat * plan.stops)
    build.kill()
    server.shutdown()


def _stop_ours(
    house: House, meter: Meter, plan: Plan, build: Ours, rows: list[Row], *, first: int
) -> None:
    job = {"first": first, "count": plan.stops, "seconds": plan.seconds}
    with Errand("bench.waiting_replies", job, environment=build.environment) as helper:
        planted = helper.wait_until_ready().go().result()
    stops = _stops(build, plan, first, planted["customers"])
    house.checkpoint()
    meter.begin(build.sessions)
    answers = _send(build.hook_port, stops, plan.seconds)
    build.wait_until_told()
    _wait_until_none(house, build.database, planted["public_ids"])
    used = meter.end()
    took = _took(house, build.database, _TOOK_OURS, stops)
    _note(rows, [row.ours for row in rows], took, used)
    late = house.one(build.database, _LATE, planted["public_ids"])
    rows[0].checks += [
        Check("stop: every STOP is answered 200", answers == [200] * plan.stops),
        Check(
            "stop: everybody is opted out", len(took) == plan.stops, f"{len(took)} of {plan.stops}"
        ),
        Check("stop: nothing left later than the opt-out was recorded", late == 0, f"{late} late"),
    ]


def _wait_until_none(house: House, database: str, threads: list[str]) -> None:
    """Wait until nothing of these people is queued or being sent."""
    deadline = time.monotonic() + PATIENCE_S
    while left := house.one(database, _LEFT, threads):
        if time.monotonic() > deadline:
            raise TimeoutError(f"ours: {left} messages are still to leave.")
        time.sleep(POLL_S)


# --- The others -----------------------------------------------------------------------------------


def _measure_textbook(house: House, meter: Meter, plan: Plan, rows: list[Row]) -> None:
    build: Textbook = build_textbook(house, "textbook_stops", _shape(plan))
    with house.connect(build.database) as connection:
        connection.execute(_NOTE_TEXTBOOK)
    build.web()
    build.workers()
    senders = build.population["senders"]
    for repeat in range(plan.repeats):
        first = repeat * plan.stops
        chosen = build.population["customers"][first : first + plan.stops]
        customers = [[senders[place]["address"], phone] for place, phone in chosen]
        stops = _stops(build, plan, first, customers)
        house.checkpoint()
        meter.begin(build.sessions)
        _send(build.hook_port, stops, plan.seconds)
        build.wait_until_told()
        used = meter.end()
        took = _took(house, build.database, _TOOK_TEXTBOOK, stops)
        _note(rows, [row.textbook for row in rows if row.textbook], took, used)
    build.kill()


def _measure_floor(house: House, plan: Plan, rows: list[Row]) -> None:
    house.make_database(FLOOR)
    with house.connect(FLOOR) as connection:
        connection.execute(_TABLES)
    house.vacuum(FLOOR)
    for repeat in range(plan.repeats):
        took = _floor(house, plan, first=repeat * plan.stops + 1)
        _note(rows, [row.floor for row in rows if row.floor], took, None)


def _floor(house: House, plan: Plan, *, first: int) -> list[float]:
    took: list[float] = []

    def work(place: int) -> None:
        with house.connect(FLOOR) as connection:
            for who in range(first + place, first + plan.stops, SOCKETS):
                begun = time.perf_counter()
                with connection.transaction():
                    connection.execute(
                        "UPDATE consent SET state = 'out' WHERE who = %s RETURNING state", (who,)
                    )
                    connection.execute("INSERT INTO event (who, at) VALUES (%s, now())", (who,))
                    connection.execute(
                        "UPDATE message SET status = 'canceled' WHERE who = %s"
                        " AND status = 'queued'",
                        (who,),
                    )
                took.append(1000 * (time.perf_counter() - begun))

    _at_once(work)
    return sorted(took)


# --- Sending and noting ---------------------------------------------------------------------------


def _stops(build: Build, plan: Plan, run: int, customers: Sequence[Sequence[str]]) -> Stops:
    twilio = Twilio(build.population, plan.seed, 1_000 + run)
    places = {one["address"]: at for at, one in enumerate(build.population["senders"])}
    return Stops([twilio.text(places[ours], theirs, "STOP") for ours, theirs in customers])


def _send(port: int, stops: Stops, seconds: float) -> list[int]:
    """Send every STOP, evenly over so many seconds; return the statuses of the answers."""
    statuses: list[int] = []
    begun, pause = time.monotonic(), seconds / len(stops.requests)

    def work(place: int) -> None:
        with socket.create_connection((HOST, port)) as line:
            for number in range(place, len(stops.requests), SOCKETS):
                time.sleep(max(0.0, begun + number * pause - time.monotonic()))
                line.sendall(stops.requests[number].wire)
                answer = HTTPResponse(line)
                answer.begin()
                answer.read()
                statuses.append(answer.status)

    _at_once(work)
    return statuses


def _at_once(work: Any) -> None:
    threads = [threading.Thread(target=work, args=(place,)) for place in range(SOCKETS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _took(house: House, database: str, query: LiteralString, stops: Stops) -> list[float]:
    with house.connect(database) as connection:
        rows = connection.execute(query, (stops.sids,)).fetchall()
    return sorted(max(0.001, float(row[0])) for row in rows)


def _note(rows: list[Row], cells: list[Cell], took: list[float], used: Any) -> None:
    for row, cell, share in zip(rows, cells, PERCENTS.values(), strict=True):
        cell.add(percentile(took, share), used, len(took))
        cell.facts["latest_ms"] = round(took[-1], 1)
        if used:
            row.note_strangers(used)


class _Carrier(BaseHTTPRequestHandler):
    """Takes every message, as a carrier does that is not asked to report on it."""

    protocol_version = "HTTP/1.1"
    _numbers = iter(range(1, 1 << 40))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(TAKES_S)
        body = b'{"sid": "SMc%031x", "status": "queued"}' % next(self._numbers)
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
