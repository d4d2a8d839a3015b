"""What machine is this, and whose work did its processors do?

Seconds drift with the neighbours; the processor time of our own processes hardly does. Linux only:
elsewhere every figure here is None and the rows say so.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
HAS_PROC = (PROC / "self/stat").exists()
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """Processor seconds by whom: the system under test, PostgreSQL, Valkey, and strangers."""

    server: float
    postgres: float
    valkey: float
    strangers: float
    seconds: float

    @property
    def strangers_share(self) -> float:
        """Return the part of the whole machine that somebody else used."""
        # Both clocks tick in hundredths: too coarse for a short while.
        if self.seconds < 0.3:
            return 0.0
        return self.strangers / (self.seconds * (os.cpu_count() or 1))

    def per(self, operations: float) -> float | None:
        """Return microseconds of server and PostgreSQL per operation."""
        if not operations or not HAS_PROC:
            return None
        return (self.server + self.postgres) * 1e6 / operations


class Meter:
    """Reads who used the processors between two moments."""

    def __init__(self, *, postgres: int | None, valkey: int | None) -> None:
        self._postgres, self._valkey = postgres, valkey
        self._sessions: tuple[int, ...] = ()
        self._before: dict[str, float] = {}

    def begin(self, sessions: Iterable[int]) -> Self:
        """Start to count; the processes of these sessions are the system under test."""
        self._sessions = tuple(sessions)
        self._before = self._read()
        return self

    def end(self) -> Used:
        """Say what was used since `begin`."""
        after = self._read()
        spent = {name: after[name] - before for name, before in self._before.items()}
        ours = spent["server"] + spent["postgres"] + spent["valkey"] + spent["bench"]
        return Used(
            spent["server"],
            spent["postgres"],
            spent["valkey"],
            max(0.0, spent["busy"] - ours),
            spent["clock"],
        )

    def _read(self) -> dict[str, float]:
        processes = list(_processes())
        bench = os.getsid(0)
        kin = _offspring(processes, os.getpid())
        server = {p.pid for p in processes if p.session in self._sessions}
        postgres = {p.pid for p in processes if self._postgres in (p.pid, p.parent)}
        return {
            "clock": _uptime(),
            "busy": _busy(),
            "server": sum(p.seconds for p in processes if p.pid in server),
            "postgres": sum(p.seconds for p in processes if p.pid in postgres),
            "valkey": sum(p.seconds for p in processes if p.pid == self._valkey),
            "bench": sum(
                p.seconds
                for p in processes
                if p.pid not in server and (p.pid in kin or p.session == bench)
            ),
        }


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    session: int
    seconds: float  # its own and those of children it has buried


def _processes() -> Iterable[_Process]:
    if not HAS_PROC:
        return
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        seconds = sum(int(word) for word in words[11:15]) / TICKS
        yield _Process(int(folder.name), int(words[1]), int(words[3]), seconds)


def _offspring(processes: list[_Process], root: int) -> set[int]:
    found, size = {root}, 0
    while size != len(found):
        size = len(found)
        found |= {p.pid for p in processes if p.parent in found}
    return found


def _busy() -> float:
    if not HAS_PROC:
        return 0.0
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = (
        int(word) for word in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + soft + steal) / TICKS


def _uptime() -> float:
    return float((PROC / "uptime").read_text().split()[0]) if HAS_PROC else 0.0


def facts() -> dict[str, object]:
    """Return what a reader must know of this machine to read the figures; no names of it."""
    return {
        "cores": os.cpu_count(),
        "processor": _first("cpuinfo", "model name"),
        "memory_gib": round(int((_first("meminfo", "MemTotal") or "0").split()[0]) / 2**20, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _first(file: str, key: str) -> str:
    if not HAS_PROC:
        return platform.processor()
    lines = (PROC / file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def parent_of(pid: int) -> int | None:
    """Return the parent of a process of this machine, if it is one."""
    return next((p.parent for p in _processes() if p.pid == pid), None)
