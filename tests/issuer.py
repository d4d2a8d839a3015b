"""A small OpenID Connect issuer over HTTP: what a company's identity provider does, and its faults.

It knows nothing of ours, and refuses what a real one refuses: another client, another secret,
another redirect address, a code used twice, a proof that does not fit its challenge.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "team-inbox", "s3cret-of-the-client"
# Faults of the address that describes it.
ODD = {"list", "endless", "slow", "elsewhere"}


@dataclass
class Issuer:
    """A running issuer. Who signs in next is whoever `claims` describes."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    #: Named faults: "issuer" calls itself otherwise, "token" refuses codes, "sub" tells of two,
    #: "audience" speaks to another client; the others give answers that are none.
    fault: str = ""
    asked: list[str] = field(default_factory=list)
    #: Where it sends who asks for its description, when the fault is "elsewhere".
    elsewhere: str = ""

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}

    def describe(self) -> dict[str, Any]:
        """Return the discovery document."""
        if self.fault == "few":
            return {"issuer": self.url}
        return {
            "issuer": "https://elsewhere.example.com" if self.fault == "issuer" else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser goes, with a code: the person is signed in here."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"]
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, sent: dict[str, str]) -> dict[str, Any] | None:
        """Return tokens for a code, or None for whatever does not fit."""
        asked = self._codes.pop(sent.get("code", ""), None)
        if asked is None or self.fault == "token":
            return None
        proof = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        fits = (
            sent.get("client_id") == CLIENT_ID
            and sent.get("client_secret") == CLIENT_SECRET
            and sent.get("redirect_uri") == asked["redirect_uri"]
            and challenge == asked.get("code_challenge")
        )
        if not fits:
            return None
        token = secrets.token_urlsafe(8)
        told = dict(self.claims)
        if self.fault == "sub":
            told["sub"] = "somebody-else"
        self._tokens[token] = told
        now = int(time.time())
        whole = {**self.claims, "iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        if self.fault == "audience":
            whole["aud"] = "another-client"
        signed = jwt.encode(whole, self._key, algorithm="RS256", headers={"kid": "1"})
        return {"access_token": token, "token_type": "Bearer", "id_token": signed}

    def tell(self, authorization: str) -> dict[str, Any] | None:
        """Return what is known of the person, for a valid access token."""
        return self._tokens.get(authorization.removeprefix("Bearer "))

    def keys(self) -> dict[str, Any]:
        """Return the public key."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}


def _be_odd(issuer: Issuer, asked: BaseHTTPRequestHandler) -> None:
    """Answer what no issuer answers, until whoever asked has enough of it."""
    asked.send_response(302 if issuer.fault == "elsewhere" else 200)
    if issuer.fault == "elsewhere":
        asked.send_header("Location", issuer.elsewhere)
    asked.end_headers()
    with suppress(OSError):
        if issuer.fault == "list":
            asked.wfile.write(json.dumps([issuer.describe()]).encode())
        while issuer.fault in ("endless", "slow"):
            asked.wfile.write(b" " * (65_536 if issuer.fault == "endless" else 1))
            time.sleep(0.05 if issuer.fault == "slow" else 0)


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            issuer.asked.append(parts.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/openid-configuration" and issuer.fault in ODD:
                _be_odd(issuer, self)
            elif parts.path == "/.well-known/openid-configuration":
                self._answer(issuer.describe())
            elif parts.path == "/jwks":
                self._answer(issuer.keys())
            elif parts.path == "/userinfo":
                self._answer(issuer.tell(self.headers.get("Authorization", "")))
            elif parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", issuer.authorize(asked))
                self.end_headers()
            else:
                self._answer(None)

        def do_POST(self) -> None:
            issuer.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._answer(issuer.exchange({n: v[0] for n, v in parse_qs(body).items()}))

        def _answer(self, found: dict[str, Any] | None) -> None:
            content = json.dumps(found or {"error": "invalid_request"}).encode()
            self.send_response(200 if found else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Have an issuer listening on a port of its own."""
    issuer = Issuer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
