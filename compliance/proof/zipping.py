"""How does a zip leave while it is made, with a manifest of what is in it?

Pure. Nothing of it is kept but what one file holds back, and the same content gives the same bytes:
every file has one and the same date.
"""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

MANIFEST = "manifest.json"
# The first date that a zip can say. Of a real one every pack would be another file.
NO_DATE = (1980, 1, 1, 0, 0, 0)
FORMAT = 1
# How much of a file that must wait for its turn stays in memory, and how much is read at a time.
IN_MEMORY, PIECE = 1_000_000, 64_000
Pieces = Iterator[bytes]


class _Pipe:
    """What a zip is written into: gives away what it got, and cannot go back."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._at = 0

    def write(self, piece: bytes) -> int:
        """Take a piece."""
        self._waiting.append(bytes(piece))
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Say how much there was."""
        return self._at

    def flush(self) -> None:
        """Do nothing: whoever reads takes what there is."""

    def close(self) -> None:
        """Do nothing: what came is still to be read."""

    def seekable(self) -> bool:
        """Say no."""
        return False

    def taken(self) -> bytes:
        """Return what came since it was last asked."""
        taken, self._waiting = b"".join(self._waiting), []
        return taken


class StreamedZip:
    """A zip of files that are named once each, closed by a manifest of their SHA-256 sums.

    Every method yields the bytes of the zip that are ready; they must all be read, in order.
    """

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._zip = zipfile.ZipFile(self._pipe, "w", zipfile.ZIP_DEFLATED)
        self.sums: dict[str, str] = {}

    def add(self, name: str, pieces: Iterable[bytes], *, is_packed: bool = False) -> Pieces:
        """Add a file piece by piece. One that `is_packed` already, like a picture, stays so."""
        info = zipfile.ZipInfo(name, NO_DATE)
        info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        digest = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
                yield from self._ready()
        self.sums[name] = digest.hexdigest()
        yield from self._ready()

    def add_waiting(self, name: str, waiting: "Waiting") -> Pieces:
        """Add a file that was written aside."""
        yield from self.add(name, waiting.pieces())

    def close(self) -> Pieces:
        """End the zip with its manifest."""
        manifest = {"format": FORMAT, "files": dict(sorted(self.sums.items()))}
        yield from self.add(MANIFEST, [written(manifest)])
        self._zip.close()
        yield from self._ready()

    def _ready(self) -> Pieces:
        if taken := self._pipe.taken():
            yield taken


class Waiting:
    """A file that is written while another one is sent: on disk, once it is more than a little."""

    def __init__(self) -> None:
        # Closed with the object: it lives as long as the answer that it is part of.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115

    def write(self, text: str) -> None:
        """Add some text, in UTF-8; what no text can be is shown as a question mark."""
        self._file.write(text.encode("utf-8", "replace"))

    def lines(self) -> Iterator[bytes]:
        """Yield all of it, line by line."""
        self._file.seek(0)
        yield from self._file

    def pieces(self) -> Iterator[bytes]:
        """Yield all of it."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece


def written(value: object) -> bytes:
    """Write a document that people read too: sorted, indented, ASCII."""
    return (json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode("ascii")
