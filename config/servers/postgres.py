"""How does the embedded PostgreSQL start, recover and stop?"""

from __future__ import annotations

import locale
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from config.servers.binaries import postgres_tools
from config.servers.place import PORT, Place, ServerError, make_own_folder
from config.servers.processes import (
    PATIENCE_S,
    end_of,
    failure,
    is_alive,
    is_ours,
    read_number,
    run,
    size_of,
    wait_until,
)

ROLE = "teaminbox"
NOBODY = "99999999"  # higher than any process number


def database_url(place: Place) -> str:
    """Return the address in libpq's spelling of a socket folder."""
    return f"postgres://{ROLE}@{quote(str(place.sockets), safe='')}/{ROLE}"


def ensure_postgres(place: Place, *, durable: bool) -> None:
    """Have PostgreSQL running with our role and database in it.

    Raises ServerError if it does not start; throwaway data that it cannot read is made anew.
    """
    if not _is_running(place):
        try:
            _start(place, durable=durable)
        except ServerError:
            if durable:
                raise
            # Unsynced data may be in pieces after the machine went down, and is worth nothing.
            _discard(place)
            _start(place, durable=durable)
    _create_database(place)


def postgres_pid(place: Place) -> int | None:
    """Return the number of the running server."""
    pid = read_number(_pid_file(place))
    return pid if is_ours(pid, place.postgres_data) else None


def stop_postgres(place: Place) -> None:
    """Stop PostgreSQL, with force if it does not stop on request.

    Raises ServerError if it still runs after that.
    """
    if not postgres_pid(place):
        return
    tools = postgres_tools(place)
    said = ""
    for mode in ("fast", "immediate"):
        done = run(place, [tools / "pg_ctl", "stop", "-D", place.postgres_data, "-w", "-m", mode])
        if done.returncode == 0:
            return
        said = done.stdout
    raise failure("PostgreSQL did not stop.", place.postgres_log, said)


def _pid_file(place: Place) -> Path:
    return place.postgres_data / "postmaster.pid"


def _is_running(place: Place) -> bool:
    if not postgres_pid(place):
        return False
    # It may still be reading its log after a crash, or be on its way down.
    wait_until(lambda: not postgres_pid(place) or _answers(place))
    if _answers(place):
        return True
    # It runs but cannot be reached: a cleaner of temporary files took its socket.
    stop_postgres(place)
    return False


def _answers(place: Place) -> bool:
    try:
        _connect(place).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(place: Place) -> psycopg.Connection[Any]:
    host = str(place.sockets)
    return psycopg.connect(
        host=host, port=PORT, user="postgres", dbname="postgres", autocommit=True
    )


def _start(place: Place, *, durable: bool) -> None:
    tools = postgres_tools(place)
    version = _version(tools)
    if not (place.postgres_data / "PG_VERSION").exists():
        _create_cluster(place, tools, version)
    _refuse_other_version(place, version)
    _forget_reused_pid(place)
    _start_process(place, tools, durable=durable)


def _start_process(place: Place, tools: Path, *, durable: bool) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        since = size_of(place.postgres_log)
        done = run(place, _start_command(place, tools, durable=durable))
        if done.returncode == 0:
            return
        words = end_of(place.postgres_log, since) or done.stdout
        # After a kill the children need a moment to notice; then the memory they share is free.
        if "shared memory block" not in words or time.monotonic() > deadline:
            raise failure("PostgreSQL did not start.", place.postgres_log, words)
        time.sleep(0.3)


def _start_command(place: Place, tools: Path, *, durable: bool) -> list[str | Path]:
    settings = _settings(place, durable=durable).items()
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings)
    return [
        *(tools / "pg_ctl", "start", "--wait", "--timeout", f"{PATIENCE_S:.0f}"),
        *("-D", place.postgres_data, "-l", place.postgres_log, "-o", options),
    ]


def _settings(place: Place, *, durable: bool) -> dict[str, str]:
    sync = "on" if durable else "off"
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_lock_waits": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "fsync": sync,
        "synchronous_commit": sync,
        "full_page_writes": sync,
    }


def _create_cluster(place: Place, tools: Path, version: int) -> None:
    # Made beside and moved into place, so that a kill leaves no half-made cluster.
    half_made = place.postgres_data.with_name("postgres.new")
    shutil.rmtree(half_made, ignore_errors=True)
    make_own_folder(half_made, place.user)
    command: list[str | Path] = [
        *(tools / "initdb", "-D", half_made, "-U", "postgres", "-A", "trust"),
        *("-E", "UTF8", f"--locale={_libc_locale()}"),
    ]
    if version >= 17:
        # Knows the letters of all Unicode and sorts the same on every system.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = run(place, command)
    if done.returncode != 0:
        raise ServerError(f"initdb failed in {half_made}:\n{done.stdout.strip()}")
    half_made.rename(place.postgres_data)


def _libc_locale() -> str:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _version(tools: Path) -> int:
    command = [str(tools / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", said)[0])


def _refuse_other_version(place: Place, version: int) -> None:
    made_by = read_number(place.postgres_data / "PG_VERSION")
    if made_by != version:
        raise ServerError(
            f"The data in {place.postgres_data} was made by PostgreSQL {made_by}, and this is "
            f"PostgreSQL {version}. `make demo-reset` starts afresh."
        )


def _forget_reused_pid(place: Place) -> None:
    # PostgreSQL does not start while its old number is taken: by another process, or by its own
    # remains where nobody buries the dead, as in many containers. Only the number is struck out:
    # the rest of the file tells PostgreSQL whether children of the old process still run.
    if not postgres_pid(place):
        for lock in (_pid_file(place), place.sockets / f".s.PGSQL.{PORT}.lock"):
            if is_alive(read_number(lock)):
                _replace_first_line(lock, NOBODY)


def _replace_first_line(path: Path, words: str) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+") as file:
        rest = file.read().split("\n", 1)[1]
        file.seek(0)
        file.write(f"{words}\n{rest}")
        file.truncate()


def _discard(place: Place) -> None:
    shutil.rmtree(place.postgres_data)
    make_own_folder(place.postgres_data, place.user)


def _create_database(place: Place) -> None:
    # No superuser, as in production: it owns its database and may create those of the tests.
    with _connect(place) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [ROLE]).rowcount:
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
