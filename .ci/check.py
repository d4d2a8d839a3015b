"""Does everything hold that can be checked without running the tests?

All checks run side by side; one line each, and what a failed one said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from config.servers import running

ROOT = Path(__file__).resolve().parent.parent
OURS = ("accounts", "compliance", "routing", "inbox")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"


@dataclass(frozen=True)
class Check:
    """One tool and what it is asked; it runs only where there is something for it to look at."""

    name: str
    command: Sequence[str]
    applies: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a check said and how long it took."""

    check: Check
    code: int
    words: str
    seconds: float


def checks() -> list[Check]:
    """List the checks, the slowest first: they decide how long it takes."""
    pages = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "templates").rglob("*.html"))]
    djade = str(Path(sys.executable).with_name("djade"))
    return [
        Check("types", python("-m", "mypy")),
        Check(
            "migrations, lint",
            manage("lintmigrations", "--sql-analyser", "postgresql", "--include-apps", *OURS),
        ),
        Check("migrations, missing", manage("makemigrations", "--check", "--dry-run")),
        Check("django", manage("check", "--fail-level", "WARNING")),
        Check("translations", python("-m", "config.catalogues", "check")),
        Check("import contracts", python("-c", LINT_IMPORTS)),
        Check(
            "templates, lint", python("-m", "djlint", "--lint", "--quiet", "templates"), bool(pages)
        ),
        Check(
            "templates, format", [djade, "--check", "--target-version", "5.2", *pages], bool(pages)
        ),
        Check("lint", python("-m", "ruff", "check", ".")),
        Check("format", python("-m", "ruff", "format", "--check", ".")),
    ]


# `python -m` and not the scripts in .venv/bin: those break when the checkout is moved.
def python(*arguments: str) -> list[str]:
    """Return a command for this Python."""
    return [sys.executable, *arguments]


def manage(*arguments: str) -> list[str]:
    """Return a command for Django."""
    return python("manage.py", *arguments)


def run(check: Check) -> Outcome:
    """Run one check and keep what it says."""
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(check, done.returncode, done.stdout, time.monotonic() - began)


def main() -> int:
    """Run all checks; return 0 if all hold."""
    began = time.monotonic()
    # The checks of migrations read the table of those applied.
    with running(ROOT / ".test-servers", durable=False) as servers:
        os.environ.update(servers.environment())
        outcomes = run_all()
    failed = [outcome.check.name for outcome in outcomes if outcome.code]
    print(f"check: {len(failed)} of {len(outcomes)} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def run_all() -> list[Outcome]:
    """Run the checks side by side, telling each outcome as it comes."""
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as side_by_side:
        begun = [side_by_side.submit(run, check) for check in checks() if check.applies]
        return [tell(done.result()) for done in as_completed(begun)]


def tell(outcome: Outcome) -> Outcome:
    """Print one line, and the whole of a complaint."""
    mark = "FAILED" if outcome.code else "ok"
    print(f"{mark:<7}{outcome.check.name:<22}{outcome.seconds:5.1f} s", flush=True)
    if outcome.code:
        print(outcome.words.strip() + "\n", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
