"""What can a person do with the servers from a terminal?"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from config.servers import ServerError, Servers, pids, reset, start, stop

DO = ("start", "stop", "env", "status", "reset")


def main(words: list[str]) -> int:
    """Do what was asked and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.servers", description=__doc__)
    parser.add_argument("do", choices=DO)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--throwaway", action="store_true", help="faster, but lost in a crash")
    asked = parser.parse_args(words)
    try:
        print("\n".join(_answer(asked.do, asked.data_dir, durable=not asked.throwaway)))
    except ServerError as error:
        print(error.reason, file=sys.stderr)
        return 1
    return 0


def _answer(do: str, data_dir: Path, *, durable: bool) -> list[str]:
    if do == "stop":
        return ["Stopped." if stop(data_dir) else "Nothing was running."]
    if do == "status":
        return [f"{name}: process {pid}" for name, pid in pids(data_dir).items()] or [
            "Not running."
        ]
    if do == "reset":
        return [f"Deleted {path}" for path in reset(data_dir)] or ["Nothing to delete."]
    servers = start(data_dir, durable=durable)
    return _exports(servers) if do == "env" else _told(servers)


def _exports(servers: Servers) -> list[str]:
    return [f"export {name}={shlex.quote(url)}" for name, url in servers.environment().items()]


def _told(servers: Servers) -> list[str]:
    kept = [f"Data and logs: {servers.home}"] if servers.home else []
    return [f"{name}={url}" for name, url in servers.environment().items()] + kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
