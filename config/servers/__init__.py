"""Which PostgreSQL and Valkey do we talk to on a laptop, and who starts and stops them?

`DATABASE_URL` and `REDIS_URL` win where they are set. Otherwise the servers that come with the
extra `quickstart` run here: on Unix sockets only, with everything they own below one data folder.
This is for laptops and tests; production brings its own servers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from config.servers.place import OUTSIDE, Place, ServerError, make_home, place_for
from config.servers.postgres import database_url, ensure_postgres, postgres_pid, stop_postgres
from config.servers.valkey import (
    celery_broker_url,
    ensure_valkey,
    redis_url,
    stop_valkey,
    valkey_pid,
)

__all__ = [
    "ServerError",
    "Servers",
    "celery_broker_url",
    "pids",
    "reset",
    "running",
    "start",
    "stop",
    "with_socket_host",
]


@dataclass(frozen=True)
class Servers:
    """Where database and broker are; `home` is the folder of those that run here, if any do."""

    database_url: str
    redis_url: str
    home: Path | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that let a child process find the same servers."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def start(data_dir: Path, *, durable: bool) -> Servers:
    """Start what is not running yet and leave it running until `stop`.

    Raises ServerError if a server does not come up.
    """
    if given := _given_both():
        return given
    with _only_one_changes(data_dir):
        _keep_mark(data_dir).touch()
        return _ensure(place_for(data_dir), durable=durable)


def stop(data_dir: Path) -> bool:
    """Stop the servers of this data folder, whoever started them; tell whether any ran."""
    if not data_dir.is_dir():
        return False
    with _only_one_changes(data_dir):
        did_run = bool(pids(data_dir))
        _stop_all(place_for(data_dir))
        _keep_mark(data_dir).unlink(missing_ok=True)
    return did_run


@contextlib.contextmanager
def running(data_dir: Path, *, durable: bool) -> Iterator[Servers]:
    """Have the servers running inside the block; the last one out stops them.

    Several processes may share one data folder. Servers that a killed process left behind are
    taken over; those that `start` started are left running. Raises ServerError if one does not
    come up.
    """
    if given := _given_both():
        yield given
        return
    in_use = _open_lock(data_dir, "in-use.lock")
    # The system drops this lock even when we are killed: no crash leaves a false user behind.
    fcntl.flock(in_use, fcntl.LOCK_SH)
    try:
        with _only_one_changes(data_dir):
            servers = _ensure(place_for(data_dir), durable=durable)
        yield servers
    finally:
        with _only_one_changes(data_dir):
            if _is_last_user(in_use) and not _keep_mark(data_dir).exists():
                _stop_all(place_for(data_dir))
            os.close(in_use)


def reset(data_dir: Path) -> list[Path]:
    """Stop the servers, delete the data folder and what lives outside it; return what is gone.

    Raises ServerError while somebody uses the servers, and if this can be no data folder of ours.
    """
    data_dir = data_dir.resolve()
    if not data_dir.is_dir():
        return []
    if Path.cwd().is_relative_to(data_dir) or any(
        (data_dir / n).exists() for n in (".git", ".venv")
    ):
        raise ServerError(f"{data_dir} is no data folder of the servers: nothing was deleted.")
    with _only_one_changes(data_dir):
        _refuse_while_used(data_dir)
        place = place_for(data_dir)
        _stop_all(place)
        gone = [data_dir, *(path for path in (place.home, place.sockets) if path.exists())]
        for path in gone:
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        OUTSIDE.rmdir()
    return [path for path in gone if not any(path.is_relative_to(p) for p in gone if p != path)]


def pids(data_dir: Path) -> dict[str, int]:
    """Return the process numbers of the servers that run in this data folder, by name."""
    if not data_dir.is_dir():
        return {}
    place = place_for(data_dir)
    found = {"postgres": postgres_pid(place), "valkey": valkey_pid(place)}
    return {name: pid for name, pid in found.items() if pid is not None}


def with_socket_host(database: Mapping[str, Any]) -> dict[str, Any]:
    """Return what django-environ made of a URL with a socket folder as Django wants it.

    libpq writes such a host percent-encoded, and django-environ hands it on as it stands.
    """
    return {**database, "HOST": unquote(database.get("HOST", ""))}


def _given_both() -> Servers | None:
    database, redis = _given("DATABASE_URL"), _given("REDIS_URL")
    return Servers(database, redis) if database and redis else None


def _given(name: str) -> str:
    return os.environ.get(name, "")


def _ensure(place: Place, *, durable: bool) -> Servers:
    make_home(place)
    database, redis = _given("DATABASE_URL"), _given("REDIS_URL")
    if not database:
        ensure_postgres(place, durable=durable)
    if not redis:
        ensure_valkey(place, durable=durable)
    return Servers(database or database_url(place), redis or redis_url(place), place.home)


def _stop_all(place: Place) -> None:
    stop_valkey(place)
    stop_postgres(place)


def _keep_mark(data_dir: Path) -> Path:
    return data_dir / "keep-running"


@contextlib.contextmanager
def _only_one_changes(data_dir: Path) -> Iterator[None]:
    lock = _open_lock(data_dir, "changing.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_lock(data_dir: Path, name: str) -> int:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise ServerError(
            f"{data_dir} belongs to another user. Use that user, or delete the data with "
            "`make demo-reset` as that user."
        ) from error


def _is_last_user(in_use: int) -> bool:
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_while_used(data_dir: Path) -> None:
    in_use = _open_lock(data_dir, "in-use.lock")
    try:
        if not _is_last_user(in_use):
            raise ServerError(f"The servers of {data_dir} are in use: stop what uses them first.")
    finally:
        os.close(in_use)
