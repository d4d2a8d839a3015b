"""Where does everything run that is measured? Databases, servers and processes, all of our own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from bench.machine import Meter, parent_of
from config.servers import Servers, celery_broker_url

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_BASE_URL = "https://inbox.example.com"
HOST = "127.0.0.1"
PATIENCE_S = 60.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class NotReadyError(Exception):
    """A process did not come up; the text says what to read."""


class Service:
    """One server process with its children, in a session of its own: killed as a whole."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.log = name, log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_ends_with_its_parent,
            )

    @property
    def session(self) -> int:
        """Return the session that all its processes belong to."""
        return self._process.pid

    def wait_until_it_answers(self, port: int) -> None:
        """Wait until an HTTP request is answered in whatever way. Raises NotReadyError."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise NotReadyError(f"{self.name} ended; its words are in {self.log}.")
            if _answers(port):
                return
            time.sleep(0.05)
        raise NotReadyError(f"{self.name} does not answer; its words are in {self.log}.")

    def kill(self) -> None:
        """End it as a power cut would: kill -9 for every process at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class House:
    """Databases in one PostgreSQL, numbers in one Valkey, and the processes of this run.

    Leaving the block ends every process started here and drops every database made here.
    """

    def __init__(self, servers: Servers, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._servers = servers
        self._prefix = f"bench_{os.getpid()}"
        self._made: list[str] = []
        self._services: list[Service] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for service in self._services:
            service.kill()
        for name in reversed(self._made):
            self._drop(name)

    # --- databases ---

    def make_database(self, name: str, *, template: str = "") -> None:
        """Make an empty database, or a copy of another one of ours."""
        full = f"{self._prefix}_{name}"
        if template:
            self._administer("CREATE DATABASE {} TEMPLATE {}", full, f"{self._prefix}_{template}")
        else:
            self._administer("CREATE DATABASE {}", full)
        self._made.append(full)

    def has_database(self, name: str) -> bool:
        """Say whether this database of ours was made."""
        return f"{self._prefix}_{name}" in self._made

    def database_url(self, name: str) -> str:
        """Return the address of a database of ours."""
        return urlunsplit(
            urlsplit(self._servers.database_url)._replace(path=f"/{self._prefix}_{name}")
        )

    def connect(self, name: str) -> psycopg.Connection[Any]:
        """Open a database of ours."""
        return psycopg.connect(self.database_url(name), autocommit=True)

    def one(self, name: str, query: LiteralString, *values: object) -> Any:
        """Return the one value that a query finds."""
        with self.connect(name) as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def vacuum(self, name: str) -> None:
        """Let the planner know the data, and no clean-up of it fall into a measurement."""
        with self.connect(name) as connection:
            connection.execute("VACUUM ANALYZE")

    def checkpoint(self) -> None:
        """Write out what earlier loads left, if we may ask for that, so that nobody pays for it."""
        with contextlib.suppress(psycopg.Error), self._admin() as connection:
            connection.execute("CHECKPOINT")

    def _drop(self, name: str) -> None:
        """Drop a database, as soon as nobody is in it whom we may not send away: an autovacuum."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            except psycopg.errors.InsufficientPrivilege:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _administer(self, words: LiteralString, *names: str) -> None:
        with self._admin() as connection:
            connection.execute(sql.SQL(words).format(*map(sql.Identifier, names)))

    def _admin(self) -> psycopg.Connection[Any]:
        # Not our own database, which need not be there: one that every server has.
        return psycopg.connect(self._servers.database_url, dbname="postgres", autocommit=True)

    # --- Valkey ---

    def redis_url(self, number: int) -> str:
        """Return the address of one numbered database of Valkey."""
        parts = urlsplit(self._servers.redis_url)
        if parts.scheme == "unix":
            return f"unix://{parts.path}?db={number}"
        return urlunsplit(parts._replace(path=f"/{number}"))

    def redis(self, number: int) -> redis.Redis:
        """Open one numbered database of Valkey."""
        return redis.Redis.from_url(self.redis_url(number))

    # --- processes ---

    def environment(self, database: str, number: int, **more: str) -> dict[str, str]:
        """Return what a process of a system under test is told."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        redis_url = self.redis_url(number)
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url(database),
            "REDIS_URL": redis_url,
            "CELERY_BROKER_URL": celery_broker_url(redis_url),
            "CHANNEL_PREFIX": self._prefix,
            "PUBLIC_BASE_URL": PUBLIC_BASE_URL,
            "LOG_LEVEL": "ERROR",
            "PYTHONWARNINGS": "ignore",
            **more,
        }

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Service:
        """Start a process that ends when this block does."""
        service = Service(
            name, [sys.executable, "-m", *command], environment, self.folder / f"{name}.log"
        )
        self._services.append(service)
        return service

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], *, given: str = ""
    ) -> str:
        """Run a Python module to its end and return what it wrote. Raises NotReadyError."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=dict(environment),
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotReadyError(f"{' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def meter(self) -> Meter:
        """Return a meter that knows our PostgreSQL and Valkey, if they run on this machine."""
        with self._admin() as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            postmaster = parent_of(row[0]) if row else None
        return Meter(postgres=postmaster, valkey=self._valkey_pid())

    def _valkey_pid(self) -> int:
        said: Any = self.redis(0).info("server")
        return int(said["process_id"])


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as wire:
        wire.bind((HOST, 0))
        port: int = wire.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=5) as wire:
        wire.settimeout(5)
        wire.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return wire.recv(16).startswith(b"HTTP/")
    return False


def _ends_with_its_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
