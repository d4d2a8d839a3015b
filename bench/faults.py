"""What is lost when everything goes wrong? `make faults`: kill, flood, replay, and count.

    python -m bench.faults [--seed N] [--rounds N] [replays floods claims kills storm redis sight]

The same things happen as in the tests, more often and with another seed each time; the seed is
printed, and the same seed lets the same things happen again.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.servers import ServerError, Servers, running

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench" / "faults"
NAMES = ("replays", "floods", "claims", "kills", "storm", "redis", "sight")


def main(words: Sequence[str]) -> int:
    """Let go wrong what was asked for; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rounds", type=int, default=3, help="how often each thing goes wrong")
    parser.add_argument("names", nargs="*", help="all, or some of the names above")
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    # Never on servers somebody gave us: a database is made and dropped here.
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    options = ["--seed", str(asked.seed), "--rounds", str(asked.rounds)]
    try:
        with running(FOLDER, durable=False) as servers:
            return _run(servers, [*options, *(asked.names or NAMES)])
    except ServerError as error:
        print(f"Nothing was tried: {error.reason}", file=sys.stderr)
        return 1


def _run(servers: Servers, options: Sequence[str]) -> int:
    """Run the suite in a process whose settings name a fresh database."""
    environment = {
        **os.environ,
        "DATABASE_URL": _fresh_database(servers.database_url),
        "REDIS_URL": servers.redis_url,
        "CHANNEL_PREFIX": "faults",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "LOG_LEVEL": "ERROR",
    }
    for command in (
        ["manage.py", "migrate", "--verbosity", "0"],
        ["-m", "bench.mishaps", *options],
    ):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False)
        if done.returncode:
            return done.returncode
    return 0


def _fresh_database(url: str) -> str:
    name = sql.Identifier("faults")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    return urlunsplit(urlsplit(url)._replace(path="/faults"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
