"""Which two builds are measured, and in which processes does each run?"""

from __future__ import annotations

import functools
import json
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psycopg

from bench.house import HOST, House, Service, free_port
from bench.shape import Shape
from config import queues

PATIENCE_S = 120.0
POLL_S = 0.05
TEMPLATE = "ours_empty"


@dataclass
class Build:
    """One build on its own database, and what the load generators must know about its data."""

    name: ClassVar[str]
    number: ClassVar[int]  # of its database in Valkey
    settings: ClassVar[str]
    backlog: ClassVar[str]  # SQL: stories that are not told yet

    house: House
    database: str
    population: dict[str, Any]
    services: list[Service] = field(default_factory=list)
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Return what its processes are told."""
        return self.house.environment(
            self.database, self.number, DJANGO_SETTINGS_MODULE=self.settings
        )

    @property
    def sessions(self) -> list[int]:
        """Return the sessions of its processes, for a meter."""
        return [service.session for service in self.services]

    def web(self, *, workers: int = 2) -> int:
        """Start the web server and return its port."""
        self.port = free_port()
        self._serve("web", self.web_command(self.port, workers), self.port)
        return self.port

    def web_command(self, port: int, workers: int) -> list[str]:
        """Return how its web server is started."""
        raise NotImplementedError

    @property
    def hook_port(self) -> int:
        """Return where webhooks go."""
        return self.port

    def waits(self) -> int:
        """Return how many stories are not told yet."""
        # On a connection that stays: a new one costs PostgreSQL more than a story.
        row = self.watch.execute(self.backlog.encode()).fetchone()
        assert row
        return int(row[0])

    @functools.cached_property
    def watch(self) -> psycopg.Connection[Any]:
        """Open the connection that looks on."""
        return self.house.connect(self.database)

    def wait_until_told(self) -> float:
        """Wait until every story is told; return the moment."""
        deadline = time.monotonic() + PATIENCE_S
        while self.waits():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {self.waits()} stories are still not told.")
            time.sleep(POLL_S)
        return time.monotonic()

    def kill(self) -> None:
        """End all its processes as a power cut would."""
        for service in self.services:
            service.kill()
        self.services.clear()

    def _clock(self, app: str) -> None:
        beat = self.house.folder / f"{self.database}-beat"
        self._serve(
            "clock",
            [
                *("celery", "-A", app, "beat", "--loglevel", "ERROR"),
                *("--schedule", str(beat), "--pidfile="),
            ],
        )

    def _serve(self, what: str, command: list[str], port: int = 0, **more: str) -> None:
        name = f"{self.database}-{what}"
        service = self.house.start(name, command, {**self.environment, **more})
        self.services.append(service)
        if port:
            service.wait_until_it_answers(port)


class Ours(Build):
    """Our build in its production form: gunicorn for pages, uvicorn for webhooks and sockets."""

    name = "ours"
    number = 0
    settings = "config.settings"
    backlog = "SELECT count(*) FROM inbox_receipt WHERE state IN ('waiting', 'failed')"
    threads: ClassVar[int] = 8
    edge_port: int = 0
    live_port: int = 0

    def web(self, *, workers: int = 2) -> int:
        """Start the edge, which the webhooks are sent to, and the web server; return its port.

        The edge has as many processes as the other build has for everything.
        """
        self.edge_port = free_port()
        edge = uvicorn("config.edge:application", self.edge_port, workers)
        self._serve("edge", edge, self.edge_port)
        return super().web(workers=workers)

    @property
    def hook_port(self) -> int:
        """Return where webhooks go."""
        return self.edge_port

    def web_command(self, port: int, workers: int) -> list[str]:
        """Return how its web server is started."""
        return [
            *("gunicorn", "config.wsgi:application", "--bind", f"{HOST}:{port}"),
            *("--worker-class", "gthread", "--workers", str(workers)),
            *("--threads", str(self.threads), "--keep-alive", "75"),
            *("--log-level", "error", "--no-control-socket"),
        ]

    def workers(self) -> None:
        """Start the worker, the caller and the clock."""
        for name, takes in (("worker", queues.WORKER), ("caller", queues.CALLER)):
            self._serve(
                name,
                [
                    *("celery", "-A", "config.celery", "worker", "-n", f"{name}@%h"),
                    *("-Q", ",".join(takes), "--concurrency", "2", "--loglevel", "ERROR"),
                    *("--without-gossip", "--without-mingle"),
                ],
            )
        self._clock("config.celery")

    def live(self) -> int:
        """Start the socket server and return its port."""
        self.live_port = free_port()
        self._serve("live", uvicorn("config.asgi:application", self.live_port), self.live_port)
        return self.live_port


class Textbook(Build):
    """The comparator: everything over ASGI by uvicorn, Celery beside it."""

    name = "textbook"
    number = 1
    settings = "bench.textbook.settings"
    backlog = "SELECT count(*) FROM textbook_message WHERE processed_at IS NULL"

    def web_command(self, port: int, workers: int) -> list[str]:
        """Return how its web server is started."""
        return uvicorn("bench.textbook.asgi:application", port, workers)

    def workers(self) -> None:
        """Start the worker."""
        self._serve(
            "worker",
            [
                *("celery", "-A", "bench.textbook.celery", "worker", "--concurrency", "2"),
                *("--loglevel", "ERROR", "--without-gossip", "--without-mingle"),
            ],
        )

    def clock(self) -> None:
        """Start what fires timers every second."""
        self._clock("bench.textbook.celery")


def uvicorn(application: str, port: int, workers: int = 1) -> list[str]:
    """Return how an ASGI application is started."""
    # Compression of every frame for every socket would hide everything else, in both builds.
    return [
        *("uvicorn", application, "--host", HOST, "--port", str(port), "--workers", str(workers)),
        *("--log-level", "error", "--no-access-log", "--ws-per-message-deflate", "false"),
    ]


def build_ours(house: House, database: str, shape: Shape, kind: type[Ours] = Ours) -> Ours:
    """Make our database with its data."""
    _migrate_once(house)
    house.make_database(database, template=TEMPLATE)
    population = _load(house, "bench.loading", database, Ours.number, Ours.settings, shape)
    return kind(house, database, population)


def build_textbook(house: House, database: str, shape: Shape) -> Textbook:
    """Make the comparator's database with its data."""
    house.make_database(database)
    population = _load(
        house, "bench.textbook.loading", database, Textbook.number, Textbook.settings, shape
    )
    return Textbook(house, database, population)


def _migrate_once(house: House) -> None:
    if house.has_database(TEMPLATE):
        return
    house.make_database(TEMPLATE)
    environment = house.environment(TEMPLATE, Ours.number, DJANGO_SETTINGS_MODULE=Ours.settings)
    house.run(["django", "migrate", "--verbosity", "0"], environment)


def _load(
    house: House, module: str, database: str, number: int, settings: str, shape: Shape
) -> dict[str, Any]:
    environment = house.environment(database, number, DJANGO_SETTINGS_MODULE=settings)
    said = house.run([module], environment, given=json.dumps(shape.as_dict()))
    house.vacuum(database)
    found: dict[str, Any] = json.loads(said)
    return found
