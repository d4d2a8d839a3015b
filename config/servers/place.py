"""Where do the servers of one data folder live, and as which user do they run?"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

# A part of the socket's file name with Unix sockets, never a port on the network.
PORT = 5432
# macOS allows 103 bytes for the path of a socket, Linux 107.
LONGEST_SOCKET_PATH = 103
# For root alone: where the servers' user can reach its data when it cannot reach the checkout.
OUTSIDE = Path("/var/lib/team-inbox")


class ServerError(Exception):
    """A server could not be started, stopped or found; the text says what to read or do."""

    @property
    def reason(self) -> str:
        """Say what went wrong in words for a person."""
        return str(self)


@dataclass(frozen=True)
class Place:
    """The folders of the servers of one data folder; without a user they run as ourselves."""

    data_dir: Path
    home: Path
    sockets: Path
    user: pwd.struct_passwd | None

    @property
    def postgres_data(self) -> Path:
        """Return PostgreSQL's own data folder."""
        return self.home / "postgres"

    @property
    def postgres_log(self) -> Path:
        """Return the file that tells why PostgreSQL did not start."""
        return self.home / "log" / "postgres.log"

    @property
    def valkey_data(self) -> Path:
        """Return the folder of Valkey's append-only file."""
        return self.home / "valkey"

    @property
    def valkey_log(self) -> Path:
        """Return the file that tells why Valkey did not start."""
        return self.home / "log" / "valkey.log"

    @property
    def valkey_socket(self) -> Path:
        """Return the socket that Valkey listens on."""
        return self.sockets / "valkey.sock"


def place_for(data_dir: Path) -> Place:
    """Find the place of a data folder that exists; once its servers ran, it stays the same."""
    data_dir = data_dir.resolve()
    home, outside = data_dir / "servers", OUTSIDE / _fingerprint(data_dir)
    user = _unprivileged_user(home)
    if user and (outside.exists() or not may(user, "-x", path=data_dir)):
        home = outside
    return Place(data_dir, home, _socket_folder(home), user)


def may(user: pwd.struct_passwd, *tests: str, path: Path) -> bool:
    """Ask as that user, and not from mode bits: access lists and mounts count too."""
    script = " && ".join(f'test {test} "$1"' for test in tests)
    asked = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path)],
        cwd="/",
        check=False,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
    )
    return asked.returncode == 0


def make_home(place: Place) -> None:
    """Create the folders of the servers; no mode changes but on folders made here.

    Raises ServerError rather than begin with no data where there are some out of reach.
    """
    _refuse_to_begin_anew(place)
    if place.user is None:
        make_own_folder(place.home, None)
    else:
        _make_root_folders(place)
    for folder in (place.postgres_data, place.valkey_data, place.postgres_log.parent):
        make_own_folder(folder, place.user)
    make_own_folder(place.sockets, place.user)


def _refuse_to_begin_anew(place: Place) -> None:
    before = place.data_dir / "servers"
    if place.user and place.home != before and (before / "postgres" / "PG_VERSION").exists():
        raise ServerError(
            f"There are data in {before}, but {place.user.pw_name}, who runs the servers, cannot "
            f"enter {place.data_dir} any more. Let others pass through it and the folders above, "
            "or start afresh with `make demo-reset`."
        )


def make_own_folder(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Create a folder that only the servers' user may enter.

    Raises ServerError if it exists and is not that user's.
    """
    owner = user.pw_uid if user else os.geteuid()
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise ServerError(
            f"{folder} belongs to another user (number {found.st_uid}). "
            "Use that user, or delete the data with `make demo-reset` as that user."
        )


def _make_root_folders(place: Place) -> None:
    # Root's own, and open: root writes only where the servers' user cannot plant a link.
    is_outside = place.home.parent == OUTSIDE
    for folder in (OUTSIDE, place.home) if is_outside else (place.home,):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    if is_outside:
        (place.home / "belongs-to").write_text(f"{place.data_dir}\n")


def _unprivileged_user(home: Path) -> pwd.struct_passwd | None:
    """Return whom to run as when we are root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError, KeyError):
        if owner := (home / "postgres").lstat().st_uid:
            return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it "
        "as. Run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def _socket_folder(home: Path) -> Path:
    beside = home / "run"
    longest = len(os.fsencode(beside / f".s.PGSQL.{PORT}"))
    # A plain alphabet keeps the path the same in every URL, shell and log that it appears in.
    if longest <= LONGEST_SOCKET_PATH and re.fullmatch(r"[A-Za-z0-9_./-]+", str(beside)):
        return beside
    return Path("/tmp") / f"team-inbox-{os.geteuid()}-{_fingerprint(home)}"  # noqa: S108 checked


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
