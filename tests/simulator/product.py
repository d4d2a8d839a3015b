"""What did the product hear? A stand-in that records every request and answers as told."""

import contextlib
import socket
import threading
import time
import weakref
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Heard:
    """One request that reached the product."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def params(self) -> dict[str, str]:
        """Return the form of a POST, or the query of a GET."""
        raw = self.body.decode() if self.method == "POST" else self.query
        return dict(parse_qsl(raw, keep_blank_values=True))


@dataclass
class Answer:
    """What the product answers on a path."""

    status: int = 200
    body: bytes = b"<Response/>"
    content_type: str = "text/xml"
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


class Product:
    """A web server on a free loopback port."""

    def __init__(self, port: int = 0) -> None:
        self.heard: list[Heard] = []
        self.answers: dict[str, Answer] = defaultdict(Answer)
        self._arrived = threading.Condition()
        self._connections: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address of the product."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, path: str) -> list[Heard]:
        """Return what was heard on a path."""
        with self._arrived:
            return [one for one in self.heard if one.path == path]

    def wait(self, path: str, count: int, timeout: float = 5.0) -> list[Heard]:
        """Wait until so many requests were heard on a path."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while len([one for one in self.heard if one.path == path]) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{count} requests on {path} wanted, heard {self.heard}"
                self._arrived.wait(left)
        return self.on(path)

    def statuses(self, path: str = "/status") -> list[str]:
        """Return the message statuses that were reported on a path."""
        return [one.params["MessageStatus"] for one in self.on(path)]

    def stop(self) -> None:
        """Close the server and its connections."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _keep(self, heard: Heard) -> None:
        with self._arrived:
            self.heard.append(heard)
            self._arrived.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        product = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 65536

            def setup(self) -> None:
                super().setup()
                product._connections.add(self.connection)

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                parts = urlsplit(self.path)
                body = self.rfile.read(length)
                answer = product.answers[parts.path]
                product._keep(
                    Heard(
                        self.command,
                        parts.path,
                        parts.query,
                        dict(self.headers.items()),
                        body,
                        time.monotonic(),
                    )
                )
                time.sleep(answer.delay)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_HEAD = _answer

            def log_message(self, *args: object) -> None:
                pass

        return Handler
