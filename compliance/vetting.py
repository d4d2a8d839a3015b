"""May this file become the pack of rules in force? Every problem that speaks against it.

Pure: bytes in, a pack or problems out. What is in force, whom one trusts and what day it is are
given.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from accounts.json_text import JsonError, check_json
from compliance.jurisdictions import Pack, PackError, read_pack
from compliance.signing import SignatureError, signer_of

MOST_BYTES = 4 * 1024 * 1024
_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.([1-9]\d{0,2}))?", re.ASCII)
# Where the day begins earlier than here, it is tomorrow already.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Vetted:
    """What became of a file: the pack and who signed it, or why it is kept out."""

    version: str = ""
    pack: Pack | None = None
    signer: str = ""
    problems: tuple[str, ...] = ()


class VersionError(Exception):
    """A version is not dated; `reason` says how to write one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def order_of(version: str) -> tuple[date, int]:
    """Return what tells the newer of two versions. Raises VersionError.

    A version is the day of the review, and from the second of a day on a number: `2027-01-15.2`.
    """
    found = _VERSION.fullmatch(version)
    try:
        if found:
            return date.fromisoformat(found.group(1)), int(found.group(2) or 1)
    except ValueError:
        pass
    shown = version[:40]
    raise VersionError(f"The version “{shown}” is no day like 2027-01-15, or 2027-01-15.2.")


def is_newer(version: str, than: str) -> bool:
    """Say whether a version is newer than another. Raises VersionError."""
    return order_of(version) > order_of(than)


def vet(content: bytes, *, keys: Sequence[str], in_force: str, today: date) -> Vetted:
    """Look at a file that should become the pack in force; `in_force` is the version that is."""
    try:
        document = _document(content)
    except PackError as error:
        return Vetted(problems=error.problems)
    version = document.get("version")
    known = version if isinstance(version, str) else ""
    signer, problems = "", list(_problems_of_version(known, in_force, today))
    try:
        signer = signer_of(document, keys)
    except SignatureError as error:
        problems.insert(0, error.reason)
    try:
        pack = read_pack(document)
        problems += _problems_of_reviews(pack, today)
    except PackError as error:
        pack = None
        problems += error.problems
    return Vetted(known, None if problems else pack, signer, tuple(problems))


def read_signed(content: str, keys: Sequence[str]) -> Pack:
    """Read a pack that was let in before. Raises PackError, also if nobody trusted signed it."""
    document = _document(content.encode())
    try:
        signer_of(document, keys)
    except SignatureError as error:
        raise PackError([error.reason]) from None
    return read_pack(document)


def read_kept(content: str) -> Pack:
    """Read a pack to look at it, whoever signed it. Raises PackError."""
    return read_pack(_document(content.encode()))


def _document(content: bytes) -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        raise PackError([f"The file is larger than {MOST_BYTES // 1024 // 1024} MB."])
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
        check_json(found)
    except UnicodeDecodeError:
        raise PackError(["The file is not UTF-8."]) from None
    except JsonError as error:
        raise PackError([f"{error.reason} {error.where}".strip()]) from None
    except json.JSONDecodeError as error:
        raise PackError([f"This is no JSON: {error.msg}, line {error.lineno}."]) from None
    except (ValueError, RecursionError):
        raise PackError(
            ["This is JSON that cannot be read: too deep, or a number too long."]
        ) from None
    if not isinstance(found, dict):
        raise PackError(["This is no pack of jurisdictions."])
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: two readers could take two different values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise PackError(["A name stands twice in one object of the file."])
    return found


def _problems_of_version(version: str, in_force: str, today: date) -> Iterator[str]:
    try:
        day, _number = order_of(version)
    except VersionError as error:
        yield error.reason
        return
    if day > today + _AHEAD:
        yield f"The version {version} lies in the future."
    if order_of(version) < order_of(in_force):
        yield f"The version {version} is older than {in_force}, which is in force."
    elif version == in_force:
        yield f"The version {version} is in force, with other rules: give this one a new number."


def _problems_of_reviews(pack: Pack, today: date) -> Iterator[str]:
    for row in pack.rows.values():
        if row.last_reviewed > today + _AHEAD:
            yield f"Row {row.code}: last_reviewed lies in the future."
