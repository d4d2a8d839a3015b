"""A push service on this machine: takes what a product sends, and reads it as a browser would."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.models import PushSubscription, User
from accounts.pushes import Browser, remember_browser
from tests.conftest import NOW

AUTH = b"sixteen bytes ok"


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Taken:
    """One request that came, and what its sealed content says."""

    path: str
    headers: dict[str, str]
    content: dict[str, Any]
    claims: dict[str, Any]
    key: str


@dataclass
class PushService:
    """Answers with `status`; keeps what came."""

    port: int = 0
    status: int = 201
    taken: list[Taken] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def origin(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def browser(self, name: str = "one") -> Browser:
        """Return what a browser that is woken here says of itself."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Browser(f"{self.origin}/wake/{name}", _text(point), _text(AUTH), "Firefox/140")

    def subscribe(
        self, user: User, name: str = "one", *, session_key: str = "a session"
    ) -> PushSubscription:
        """Have a browser of somebody woken from here."""
        browser = self.browser(name)
        return remember_browser(browser, user=user, session_key=session_key, now=NOW)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Open what came: the signature must be good, or it would raise."""
        signed, _, key = headers["Authorization"].removeprefix("vapid t=").partition(",k=")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(key))
        claims = jwt.decode(signed, point, algorithms=["ES256"], audience=self.origin)
        content = http_ece.decrypt(body, private_key=self.key, auth_secret=AUTH)
        self.taken.append(Taken(path, headers, json.loads(content), claims, key))


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run one for the length of a test."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if 200 <= service.status < 300:
                service.take(self.path, dict(self.headers), body)
            self.send_response(service.status)
            if service.status in {301, 302, 307}:
                self.send_header("Location", f"{service.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
