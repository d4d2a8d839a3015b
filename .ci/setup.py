"""Is everything installed in .venv that the lock names? If not, install it.

Runs on any Python from 3.6 on, before anything is installed: its first answer may be that this
Python is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from typing import Iterable

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements-dev.txt")
STAMP = os.path.join(VENV, "installed")
LOG = os.path.join(VENV, "install.log")


def main() -> int:
    """Install what is missing; do nothing, quickly, when nothing is."""
    if sys.version_info < OLDEST:
        return refuse_old_python()
    wanted = fingerprint()
    if read(STAMP) == wanted and works(PYTHON):
        return 0
    if not works(PYTHON) and not make_venv():
        return 1
    if not install():
        return 1
    make_checkout_importable()
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    return 0


def refuse_old_python() -> int:
    """Say which Python is needed and how to name another one."""
    needed, found = dotted(OLDEST), dotted(sys.version_info[:2])
    say(f"This needs Python {needed} or later; {sys.executable} is Python {found}.")
    say("Install a newer one, or name one you have: make PYTHON=/path/to/python3.11 ...")
    return 1


def fingerprint() -> str:
    """Return what the stamp says when nothing is missing."""
    with open(LOCK, "rb") as lock:
        return hashlib.sha256(lock.read()).hexdigest()


def works(python: str) -> bool:
    """Tell whether this Python runs and is new enough: a system upgrade can break a .venv."""
    code = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_venv() -> bool:
    """Create .venv, or say what the system lacks."""
    say(f"Creating .venv with Python {dotted(sys.version_info[:2])}")
    shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-m", "venv", VENV]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode == 0:
        return True
    shutil.rmtree(VENV, ignore_errors=True)
    say(made.stdout.strip())
    say("The module `venv` did not work. On Debian and Ubuntu: apt install python3-venv")
    return False


def install() -> bool:
    """Install exactly what the lock names, telling how far it is."""
    with open(LOCK) as lock:
        total = sum("==" in line and not line.startswith((" ", "#")) for line in lock)
    say(f"Installing {total} packages into .venv (once; a minute or two)")
    command = [PYTHON, "-m", "pip", "install", "--require-hashes", "--no-input", "--progress-bar"]
    command += ["off", "--disable-pip-version-check", "--prefer-binary", "-r", LOCK]
    with open(LOG, "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        done = threading.Event()
        threading.Thread(target=tell_progress, args=[done, total], daemon=True).start()
        code = process.wait()
        done.set()
    if code != 0:
        say(read(LOG).strip()[-3000:])
        say(f"pip could not install everything. All it said is in {LOG}")
    return code == 0


def tell_progress(done: threading.Event, total: int) -> None:
    """Say now and then how far pip has come: seldom, so that a log of it stays short."""
    began = time.time()
    while not done.wait(10):
        lines = read(LOG).splitlines()
        count = sum(line.startswith(("Collecting ", "Processing ")) for line in lines)
        step = "installing them" if count >= total else f"{count} of {total} fetched"
        say(f"  {step}, {time.time() - began:.0f} s")


def make_checkout_importable() -> None:
    """Let every tool in .venv find our packages, wherever it is started and wherever this moves."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([PYTHON, "-c", code], text=True).strip()
    with open(os.path.join(site, "team-inbox.pth"), "w") as file:
        file.write(os.path.relpath(ROOT, site) + "\n")


def dotted(version: Iterable[int]) -> str:
    """Write a version as people do."""
    return ".".join(str(part) for part in version)


def read(path: str) -> str:
    """Return a file's text, or nothing if there is no such file."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def say(words: str) -> None:
    """Speak at once, also through a pipe."""
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
