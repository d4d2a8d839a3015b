"""How does a request of ours reach the product, and how did it fail?"""

import http.client
import select
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

IDLE_LIMIT = 2.0
BODY_LIMIT = 20 * 1024 * 1024
LOOPBACK_NAMES = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or the problem that came instead.

    problem is one of ct (could not connect in time), rt (no answer in time), dns, refused,
    protocol, forbidden; blank if there is a status.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""
    detail: str = ""
    truncated: bool = False

    def header(self, name: str) -> str:
        """Return a header by its lower-case name."""
        return self.headers.get(name, "")


class Outgoing:
    """Keep-alive connections to the product; loopback only unless told otherwise."""

    def __init__(self, *, allow_remote: bool = False) -> None:
        self.allow_remote = allow_remote
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str, int], list[tuple[http.client.HTTPConnection, float]]] = (
            defaultdict(list)
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        connect: float,
        read: float,
        total: float,
        limit: int = BODY_LIMIT,
    ) -> Answer:
        """Send one request and read the answer; never raises for what the other side does."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not host:
            return Answer(problem="protocol", detail=f"not a web address: {url}")
        if not self.allow_remote and not is_loopback(host):
            return Answer(problem="forbidden", detail=f"{host} is not this machine")
        deadline = time.monotonic() + total
        key = (parts.scheme, host, port)
        try:
            connection = self._connect(key, min(connect, total))
        except TimeoutError as error:
            return Answer(problem="ct", detail=f"could not connect: {error}")
        except socket.gaierror as error:
            return Answer(problem="dns", detail=str(error))
        except OSError as error:
            return Answer(problem="refused", detail=str(error))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return self._exchange(connection, key, method, path, body, headers, read, deadline, limit)

    def _connect(self, key: tuple[str, str, int], timeout: float) -> http.client.HTTPConnection:
        with self._lock:
            idle = self._idle[key]
            while idle:
                connection, since = idle.pop()
                if time.monotonic() - since < IDLE_LIMIT and not _is_closed(connection):
                    return connection
                connection.close()
        scheme, host, port = key
        if scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.connect()
        return connection

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        key: tuple[str, str, int],
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        read: float,
        deadline: float,
        limit: int,
    ) -> Answer:
        try:
            _allow(connection, read, deadline)
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            _allow(connection, read, deadline)
            data = response.read(limit + 1)
        except TimeoutError as error:
            connection.close()
            return Answer(problem="rt", detail=f"no answer in time: {error}")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Answer(problem="protocol", detail=f"{type(error).__name__}: {error}")
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            with self._lock:
                self._idle[key].append((connection, time.monotonic()))
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, data[:limit], truncated=len(data) > limit)


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine and nothing else."""
    return host in LOOPBACK_NAMES or host.startswith("127.") or host.endswith(".localhost")


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    # An idle connection has nothing to say: if it is readable, the other side has hung up.
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _allow(connection: http.client.HTTPConnection, read: float, deadline: float) -> None:
    if connection.sock is not None:
        connection.sock.settimeout(max(0.001, min(read, deadline - time.monotonic())))
