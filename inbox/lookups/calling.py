"""How is one request put to a host that an account's admin named, and never to our own network?

A host's name is looked up once, and the connection goes to the very address that was judged.
Nothing is followed, tried again or led through a proxy, and everything together has one time limit:
looking up, connecting, sending, and an answer that comes drop by drop.
"""

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.english import noop
from accounts.outside import is_public
from routing.crm import Request
from routing.json_answers import LARGEST

SECONDS = 3.0
MOST_ADDRESSES = 4
# Status line and headers come on top of what the answer itself may hold.
_MOST_RECEIVED = 2 * LARGEST
# Where clouds hand out the keys of their machines; no operator means this by a host's name.
_METADATA = ip_address("fd00:ec2::254")
T = TypeVar("T")
Resolve = Callable[[str, int], Sequence[str]]


class CallError(Exception):
    """A host could not be asked, or did not answer. `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Reply:
    """What came back: a status, and as much of the content as is ever read."""

    status: int
    content: bytes


def look_up_host(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, best first. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def call(request: Request, *, seconds: float = SECONDS, resolve: Resolve = look_up_host) -> Reply:
    """Put a request and return what came back, whatever its status. Raises CallError.

    More than `LARGEST` bytes of content are cut after one byte more: enough to see that.
    """
    clock = _Clock(time.monotonic() + seconds)
    try:
        parts = _parts(request.url)
        connection = _connection(parts, clock, resolve)
        try:
            return _exchange(request, parts, connection, clock)
        finally:
            connection.close()
    except TimeoutError as error:
        raise CallError(
            noop("It did not answer within %(seconds)s seconds.")
            % {"seconds": f"{max(seconds, 0):.2g}"}
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise CallError(
            noop("Its certificate is not valid: %(verify_message)s.")
            % {"verify_message": error.verify_message}
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CallError(
            noop("The connection failed (%(name)s).") % {"name": type(error).__name__}
        ) from error


class _Clock:
    """How long there is still to wait."""

    def __init__(self, until: float) -> None:
        self._until = until

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if none are."""
        if (left := self._until - time.monotonic()) > 0:
            return left
        raise TimeoutError


# --- Where to ---


def is_internal(host: str) -> bool:
    """Say whether the operator lets this host lie in our own network, also without https."""
    return host.lower().rstrip(".") in settings.LOOKUP_INTERNAL_HOSTS


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise CallError(noop("The address has no host, or a log-in before it."))
    is_plain = parts.scheme == "http" and is_internal(parts.hostname)
    if parts.scheme != "https" and not is_plain:
        raise CallError(noop("The address must begin with https://."))
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _addresses(host: str, port: int, clock: _Clock, resolve: Resolve) -> list[str]:
    try:
        found = _within(clock.left(), lambda: resolve(host, port))
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise CallError(noop("There is no such host.")) from error
    if not found:
        raise CallError(noop("There is no such host."))
    if not all(_may_be_asked(address, is_internal(host)) for address in found):
        raise CallError(noop("The address is not on the public internet."))
    return list(found[:MOST_ADDRESSES])


def _may_be_asked(address: str, is_internal: bool) -> bool:
    if not is_internal:
        return is_public(address)
    ip = ip_address(address.partition("%")[0])
    ip = (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _METADATA)


def _within(seconds: float, ask: Callable[[], T]) -> T:
    """Run something that knows no time limit, and leave it behind when it takes too long."""
    answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error:
        raise error
    found: T = answer
    return found


# --- The connection ---


def _connection(parts: SplitResult, clock: _Clock, resolve: Resolve) -> socket.socket:
    host, port = parts.hostname or "", _port(parts)
    plain = _connected(_addresses(host, port, clock, resolve), port, clock)
    if parts.scheme == "http":
        return plain
    try:
        # The handshake as a whole ends with the socket's time-out.
        plain.settimeout(clock.left())
        return _context(settings.LOOKUP_CA_FILE).wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _connected(addresses: list[str], port: int, clock: _Clock) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time."""
    for waiting in range(len(addresses), 0, -1):
        address = addresses[-waiting]
        try:
            return socket.create_connection((address, port), timeout=clock.left() / waiting)
        except OSError:
            if waiting == 1:
                raise
    raise AssertionError("there is always an address")


@lru_cache(maxsize=2)
def _context(ca_file: str) -> ssl.SSLContext:
    """Return what checks certificates: by the machine's list and the operator's."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _exchange(
    request: Request, parts: SplitResult, connection: socket.socket, clock: _Clock
) -> Reply:
    client = http.client.HTTPConnection(parts.hostname or "", _port(parts))
    timed: Any = _Timed(connection, clock)
    client.sock = timed
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {**request.headers, "Host": parts.netloc, "Connection": "close"}
    client.request(request.method, target, body=request.body, headers=headers)
    answer = client.getresponse()
    content = answer.read(LARGEST + 1)
    if answer.length and len(content) <= LARGEST:
        raise CallError(noop("The answer broke off."))
    return Reply(answer.status, content)


class _Timed:
    """A socket of which no step waits longer than the clock has left."""

    def __init__(self, connection: socket.socket, clock: _Clock) -> None:
        self._connection, self._clock = connection, clock

    def sendall(self, content: bytes) -> None:
        """Send everything."""
        rest = memoryview(content)
        while rest:
            self._connection.settimeout(self._clock.left())
            rest = rest[self._connection.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Reader(self._connection, self._clock))

    def close(self) -> None:
        """Leave it open: the answer is still to be read."""


class _Reader(io.RawIOBase):
    def __init__(self, connection: socket.socket, clock: _Clock) -> None:
        super().__init__()
        self._connection, self._clock, self._received = connection, clock, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._clock.left())
        size = self._connection.recv_into(buffer)
        self._received += size
        if self._received > _MOST_RECEIVED:
            raise CallError(noop("The answer is too large."))
        return size
