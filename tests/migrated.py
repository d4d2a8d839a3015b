"""How do runs of the tests begin with all migrations applied, when these take most of a minute?

By a copy of a database in which they were applied once: for all processes of a run, and for later
runs until a migration changes.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.servers import DATA_DIR

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "test_teaminbox_migrated_"  # of names that are the tests' own, whoever gave the server


def migrated_database() -> str:
    """Return the name of a database with every migration applied, made if there is none."""
    name = PREFIX + _digest()
    with _alone():
        if not _exists(name):
            _drop_others()
            # Named when it is whole: one that was left half done is no template.
            unfinished = f"{PREFIX}unfinished"
            _run(f'CREATE DATABASE "{unfinished}"')
            _migrate(unfinished)
            _run(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def _digest() -> str:
    """Return what differs whenever migrations do, ours or those of a library."""
    digest = hashlib.sha256((ROOT / "requirements-dev.txt").read_bytes())
    for path in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes waiting: who comes second finds it made."""
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    with (DATA_DIR / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _exists(name: str) -> bool:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _drop_others() -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        _run(f'DROP DATABASE "{name}"')


def _run(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def _migrate(name: str) -> None:
    before = connection.settings_dict["NAME"]
    _go_to(name)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        _go_to(before)


def _go_to(name: str) -> None:
    connection.close()
    # Those of a pool would go on using the other.
    cast(DatabaseWrapper, connection).close_pool()
    connection.settings_dict["NAME"] = name
