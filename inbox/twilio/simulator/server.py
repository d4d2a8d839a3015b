"""Who is asking, and which part of the simulator answers?"""

import re
import socket
import struct
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from inbox.twilio.simulator import files, phone
from inbox.twilio.simulator.api import routes as api
from inbox.twilio.simulator.control import routes as control
from inbox.twilio.simulator.errors import TwilioError, refuse
from inbox.twilio.simulator.exchange import (
    ConnectionDroppedError,
    Request,
    Response,
    error_response,
    json_response,
)
from inbox.twilio.simulator.journal import Exchange
from inbox.twilio.simulator.outgoing import is_loopback
from inbox.twilio.simulator.reading import BadInputError
from inbox.twilio.simulator.simulator import Simulator

BODY_LIMIT = 64 * 1024 * 1024
ACCOUNT_IN_PATH = re.compile(r"/Accounts/(AC[0-9a-fA-F]{32})")
AUTH_TOKEN = re.compile(r'("auth_token": )"[^"]*"')
RESET = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """Listens on loopback; one thread per connection, connections are kept alive."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, simulator: Simulator, port: int, allowed_hosts: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.simulator = simulator
        self.allowed_hosts = allowed_hosts
        self.dropped: set[int] = set()

    @property
    def url(self) -> str:
        """Return the address of the simulator."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; a dropped one without the polite goodbye, so that it resets."""
        if id(request) in self.dropped:
            self.dropped.discard(id(request))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about clients that have gone away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc(file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """Reads one request, lets the right part answer, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_PUT = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Leave standard error to real trouble."""

    def _answer(self) -> None:
        began = time.monotonic()
        request = self._read()
        if request is None:
            self._write(json_response({"error": "the body is too large"}, 413))
            self.close_connection = True
            return
        try:
            response = self._respond(request)
        except ConnectionDroppedError:
            self._note(request, None, began)
            self._drop()
            return
        self._note(request, response, began)
        self._write(response)

    def _read(self) -> Request | None:
        raw = self.headers.get("Content-Length") or "0"
        length = int(raw) if raw.isdecimal() else 0
        if length > BODY_LIMIT:
            return None
        parts = urlsplit(self.path)
        return Request(
            self.command,
            parts.path,
            parts.query,
            self.headers,
            self.rfile.read(length),
            self.server.url,
        )

    def _respond(self, request: Request) -> Response:
        simulator = self.server.simulator
        try:
            if request.path.startswith("/_sim/media/"):
                return self._local(request) or phone.file(simulator.parts, request)
            if request.path.startswith("/_sim/"):
                return self._local(request) or control.answer(simulator, request)
            if request.path.startswith("/cdn/"):
                return files.serve(simulator.parts, request)
            if request.path.startswith(("/2010-04-01/", "/v1/", "/v2/")):
                response = api.answer(simulator, request)
                response.headers["Twilio-Request-Id"] = simulator.parts.sids.new("RQ")
                return response
            return self._local(request) or phone.page(request) or json_response({}, 404)
        except TwilioError as error:
            response = error_response(error)
            response.headers["Twilio-Request-Id"] = simulator.parts.sids.new("RQ")
            return response
        except BadInputError as error:
            return error_response(refuse(20001, str(error)))
        except ConnectionDroppedError:
            raise
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return json_response({"code": 20500, "message": "a bug in the simulator"}, 500)

    def _local(self, request: Request) -> Response | None:
        """Refuse what a page of another site makes a browser ask for."""
        host = request.headers.get("Host") or ""
        name = urlsplit(f"//{host}").hostname or ""
        if not is_loopback(name) and host not in self.server.allowed_hosts:
            return json_response({"error": f"unknown host {host}"}, 403)
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != host:
            return json_response({"error": f"not from {origin}"}, 403)
        return None

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status)
        self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.stream is not None:
            self._stream(response)
            return
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def _stream(self, response: Response) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self.wfile.flush()
        if response.stream is None or self.command == "HEAD":
            return
        try:
            for piece in response.stream():
                self.wfile.write(piece)
                self.wfile.flush()
        except (ConnectionError, TimeoutError):
            return

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.server.dropped.add(id(self.connection))

    def _note(self, request: Request, response: Response | None, began: float) -> None:
        kind = _kind(request.path)
        if not kind:
            return
        parts = self.server.simulator.parts
        answer = response.body[:2_000] if response and not response.stream else b""
        params = {**request.query.flat(), **request.form.flat()} if kind == "api" else {}
        parts.journal.record(
            Exchange(
                kind,
                request.method,
                request.path,
                parts.clock.timestamp(),
                _account_in(request.path),
                params=params,
                status=response.status if response else None,
                answer=_without_secrets(answer) if kind == "api" else "",
                error="" if response else "connection reset",
                milliseconds=round((time.monotonic() - began) * 1000, 1),
            )
        )


def _without_secrets(answer: bytes) -> str:
    return AUTH_TOKEN.sub(r'\1"..."', answer.decode("utf-8", "replace"))


def _account_in(path: str) -> str:
    found = ACCOUNT_IN_PATH.search(path)
    return found[1] if found else ""


def _kind(path: str) -> str:
    if path.startswith(("/2010-04-01/", "/v1/", "/v2/")):
        return "api"
    return "file" if path.startswith("/cdn/") else ""
