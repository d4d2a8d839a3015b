"""How does a helper process get its job, start on the word, and say what came of it?

The load must not share a processor's time slice with the measuring, so it lives in a process of
its own: a job as one line of JSON in, `ready` out, `go` in, a result as one line of JSON out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

READY, GO = "ready", "go"


class ErrandError(Exception):
    """A helper ended without a result; its own words are on the terminal."""


class Errand:
    """One helper process, seen from the one that sends it. Leaving the block ends it."""

    def __init__(
        self, module: str, job: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._say(json.dumps(job))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def session(self) -> int:
        """Return the session of its processes, for a meter."""
        return self._process.pid

    def wait_until_ready(self) -> Self:
        """Wait until the helper has prepared everything."""
        if self._hear() != READY:
            raise ErrandError(f"{self._module} did not get ready.")
        return self

    def go(self) -> Self:
        """Let the helper begin."""
        self._say(GO)
        return self

    def result(self) -> dict[str, Any]:
        """Wait for what the helper found."""
        words = self._hear()
        if not words:
            raise ErrandError(f"{self._module} ended without a result.")
        found: dict[str, Any] = json.loads(words)
        return found

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ErrandError(f"{self._module} ended early.") from error

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def serve(prepare: Callable[[dict[str, Any]], Callable[[], dict[str, Any]]]) -> None:
    """Be the helper: prepare, wait for the word, act, answer."""
    act = prepare(json.loads(sys.stdin.readline()))
    print(READY, flush=True)
    if sys.stdin.readline().strip() == GO:
        print(json.dumps(act()), flush=True)
