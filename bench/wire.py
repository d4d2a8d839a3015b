"""How does a client speak HTTP when it must not be the bottleneck? One socket, few lines."""

from __future__ import annotations

import asyncio


class Answers:
    """Cuts a stream of bytes into answers; understands what our servers send, no more."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[int, bytes, bool] | None:
        """Return (status, body, whether the server closes) when an answer is complete."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in lower:
            body, is_complete = _unchunked(rest)
        else:
            length = _length(lower)
            body, is_complete = rest[:length], len(rest) >= length
        if not is_complete:
            return None
        self._buffer = b""
        return status, body, b"connection: close" in lower


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def _unchunked(rest: bytes) -> tuple[bytes, bool]:
    body = b""
    while True:
        size, found, rest = rest.partition(b"\r\n")
        if not found:
            return b"", False
        length = int(size, 16)
        if len(rest) < length + 2:
            return b"", False
        if length == 0:
            return body, True
        body, rest = body + rest[:length], rest[length + 2 :]


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Send one request on an open socket and return status and body."""
    answers = Answers()
    writer.write(request)
    while True:
        data = await reader.read(1 << 16)
        if not data:
            raise ConnectionResetError("The server closed the socket.")
        if found := answers.feed(data):
            return found[0], found[1]
