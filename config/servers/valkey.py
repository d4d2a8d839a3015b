"""How does the embedded Valkey start and stop? What it holds may be lost at any time."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from config.servers.binaries import valkey_binary
from config.servers.place import Place, ServerError, make_own_folder
from config.servers.processes import end_of, failure, is_ours, read_number, run, size_of, wait_until

FIRST_WORD_S = 15.0
GRACE_S = 10.0


def redis_url(place: Place) -> str:
    """Return the address as redis-py, channels_redis and Django's cache spell it."""
    return f"unix://{place.valkey_socket}"


def celery_broker_url(redis_url: str) -> str:
    """Return the address as Celery spells it, which differs for Unix sockets."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


def ensure_valkey(place: Place, *, durable: bool) -> None:
    """Have Valkey running.

    Raises ServerError if it does not start even without its old data.
    """
    if _answers(place):
        return
    stop_valkey(place)
    try:
        _start(place, durable=durable)
    except ServerError:
        # Nothing in it is the only copy of anything, so data it cannot read is dropped.
        stop_valkey(place)
        shutil.rmtree(place.valkey_data)
        make_own_folder(place.valkey_data, place.user)
        _start(place, durable=durable)


def valkey_pid(place: Place) -> int | None:
    """Return the number of the running server, which shows its socket in its title."""
    pid = read_number(_pid_file(place))
    return pid if is_ours(pid, place.valkey_socket) else None


def stop_valkey(place: Place) -> None:
    """Stop Valkey, with force if it does not stop on request.

    Raises ServerError if it still runs after that.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        pid = valkey_pid(place)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        wait_until(lambda: valkey_pid(place) is None, patience_s=GRACE_S)
    if valkey_pid(place):
        raise failure("Valkey did not stop.", place.valkey_log, "")


def _pid_file(place: Place) -> Path:
    return place.valkey_data / "valkey.pid"


def _start(place: Place, *, durable: bool) -> None:
    since = size_of(place.valkey_log)
    options = [part for name, value in _options(place, durable).items() for part in (name, value)]
    done = run(place, [valkey_binary(place), *options])
    has_started = done.returncode == 0 and (
        wait_until(lambda: _ask(place) != b"", patience_s=FIRST_WORD_S)
        # Its first words may be that it still reads its data.
        and wait_until(lambda: _answers(place))
    )
    if not has_started:
        words = done.stdout or end_of(place.valkey_log, since)
        raise failure("Valkey did not start.", place.valkey_log, words)


def _options(place: Place, durable: bool) -> dict[str, str]:
    return {
        "--port": "0",
        "--unixsocket": str(place.valkey_socket),
        "--unixsocketperm": "700",
        "--dir": str(place.valkey_data),
        "--pidfile": str(_pid_file(place)),
        "--logfile": str(place.valkey_log),
        "--save": "",
        "--appendonly": "yes" if durable else "no",
        "--appendfsync": "everysec",
        "--daemonize": "yes",
    }


def _answers(place: Place) -> bool:
    return _ask(place).startswith(b"+PONG")


def _ask(place: Place) -> bytes:
    with socket.socket(socket.AF_UNIX) as wire, contextlib.suppress(OSError):
        wire.settimeout(2)
        wire.connect(str(place.valkey_socket))
        wire.sendall(b"PING\r\n")
        return wire.recv(64)
    return b""
