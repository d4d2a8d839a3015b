"""Which files are ours?"""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "compliance", "routing", "inbox")
PACKAGES = (*APPS, "config")


def files() -> list[Path]:
    """Return every file that is or could be committed, as paths below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [Path(name) for name in listed.split("\0") if name] or _files_without_git()
    return [path for path in sorted(set(found)) if (ROOT / path).is_file()]


def _files_without_git() -> list[Path]:
    # An unpacked archive: only what lies in visible folders, to stay out of .venv and the like.
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return [path for path in paths if not any(part.startswith(".") for part in path.parts)]


def modules() -> list[Path]:
    """Return every Python file but the migrations, which Django writes."""
    return [path for path in files() if path.suffix == ".py" and "migrations" not in path.parts]


def text(path: Path) -> str:
    """Return a file's text, or nothing for pictures and other binary files."""
    content = (ROOT / path).read_bytes()
    return "" if b"\0" in content else content.decode(errors="replace")
