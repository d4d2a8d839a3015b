"""How does a test knock at the real doors? As a browser, a socket, and Twilio; many at once."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse
from jsonschema import Draft202012Validator
from twilio.request_validator import RequestValidator
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from accounts.models import BrowserSession, User
from accounts.sessions import SessionStore, hash_of_key
from inbox.models import Conversation, Sender, TeamInbox
from inbox.status_urls import webhook_url
from tests.live import Live, socket_url
from tests.twilio import FORM

BACKEND = "accounts.backends.AuthenticationBackend"
PROTOCOL = "teaminbox.v1"
CSRF = "c" * 32
ABNORMAL = 1006  # closed without a word
SCHEMA = Path(__file__).parents[1] / "docs/protocol/frames.schema.json"
PUBLISHED_BY_A_TEST = "said"
Frame = dict[str, Any]
Result = TypeVar("Result")


# --- People ---------------------------------------------------------------------------------------


def sign_in(user: User) -> str:
    """Log somebody in; return the key of their session."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


class Browser:
    """One person's browser; its requests go to the running web process."""

    def __init__(self, live: Live, user: User) -> None:
        self._live, self.user = live, user
        self.session_key = sign_in(user)
        self._http = requests.Session()

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for a page, or with `Accept` for what a script gets."""
        url = self._live.base_url + path
        return self._http.get(url, headers=self._headers(headers), timeout=20)

    def post(self, path: str, **data: Any) -> requests.Response:
        """Send a form as a script does."""
        headers = self._headers({"Accept": "application/json"})
        return self._http.post(
            self._live.base_url + path,
            data=data,
            headers=headers,
            timeout=20,
            allow_redirects=False,
        )

    def act(self, name: str, conversation: Conversation, **data: Any) -> requests.Response:
        """Press a button of a conversation."""
        return self.post(reverse(name, kwargs={"cid": conversation.public_id}), **data)

    def write(
        self, conversation: Conversation, body: str, *, client_id: str, **data: Any
    ) -> requests.Response:
        """Answer the customer."""
        data = {"kind": "reply", "body": body, "client_id": client_id, **data}
        return self.act("messages", conversation, **data)

    def as_request(self, method: str, path: str, data: Mapping[str, str]) -> Request:
        """Return one of this browser's requests, to be sent together with others."""
        headers = self._headers({"Accept": "application/json", "Content-Type": FORM})
        return Request(method, self._live.base_url + path, headers, urlencode(data).encode())

    @property
    def session(self) -> BrowserSession:
        """Return the row of this browser's session."""
        return BrowserSession.objects.get(key_hash=hash_of_key(self.session_key))

    def socket(self, **options: Any) -> Socket:
        """Open this browser's socket."""
        return Socket(self._live, session_key=self.session_key, **options)

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        cookies = f"sessionid={self.session_key}; csrftoken={CSRF}"
        return {"Cookie": cookies, "X-CSRFToken": CSRF, **more}


@cache
def shapes() -> dict[str, Draft202012Validator]:
    """Return what the published protocol says of each type of frame; a tick's is blank."""
    every = json.loads(SCHEMA.read_text())["oneOf"]
    return {
        one["properties"].get("type", {}).get("const", ""): Draft202012Validator(one)
        for one in every
    }


def check_promised(frame: Frame) -> None:
    """Check that a frame is one that the published protocol promises."""
    kind = frame.get("type", "")
    if kind == PUBLISHED_BY_A_TEST:
        return
    assert kind in shapes(), f"nothing is said of {frame}"
    problems = [error.message for error in shapes()[kind].iter_errors(frame)]
    assert problems == [], f"{problems} in {frame}"


class Socket:
    """One tab's socket to the running process. `frames` is all it has heard.

    Whatever it hears is held against the published protocol.
    One that `is_slow` takes frames from the line only when the test asks for them.
    """

    def __init__(
        self,
        live: Live,
        *,
        session_key: str = "",
        protocol: str = PROTOCOL,
        origin: str = "",
        is_slow: bool = False,
    ) -> None:
        self.frames: list[Frame] = []
        cookie = {"Cookie": f"sessionid={session_key}"} if session_key else {}
        self._open = ExitStack()
        self._wire = self._open.enter_context(
            connect(
                socket_url(live),
                subprotocols=[Subprotocol(protocol)] if protocol else None,
                additional_headers=cookie,
                origin=Origin(origin or live.base_url),
                proxy=None,
                max_queue=1 if is_slow else None,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._open.close()

    def abort(self) -> None:
        """Go as a laptop that is shut does: without a word."""
        wire = self._wire.socket
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()

    def say(self, **frame: Any) -> None:
        """Send one frame."""
        self._wire.send(json.dumps(frame))

    def say_raw(self, text: str) -> None:
        """Send what may be no frame at all."""
        self._wire.send(text)

    def hear(self, is_it: Callable[[Frame], object], *, within: float = 5.0) -> Frame:
        """Listen until such a frame comes; return it. What came before is kept in `frames`."""
        deadline = time.monotonic() + within
        while True:
            frame = self._next(deadline - time.monotonic())
            assert frame is not None, f"not heard within {within:g} s; heard {self.kinds()}"
            if is_it(frame):
                return frame

    def hear_type(self, kind: str, *, within: float = 5.0) -> Frame:
        """Listen until a frame of this type comes."""
        return self.hear(lambda frame: frame.get("type") == kind, within=within)

    def hear_tick(self, seq: int, *, within: float = 5.0) -> Frame:
        """Listen until the bare tick of this number comes."""
        return self.hear(lambda frame: "type" not in frame and frame["seq"] == seq, within=within)

    def hear_ticks(self, start: int, end: int, *, within: float = 10.0) -> None:
        """Listen until the bare ticks of all these numbers came, in whatever order."""
        wanted = set(range(start, end + 1))
        deadline = time.monotonic() + within
        while missing := wanted - {tick["seq"] for tick in self.ticks()}:
            if self._next(deadline - time.monotonic()) is None:
                raise AssertionError(f"not heard within {within:g} s: {sorted(missing)}")

    def hear_out(self, seconds: float = 0.3) -> None:
        """Listen until nothing more comes."""
        while self._next(seconds) is not None:
            pass

    def sit_down(self) -> Self:
        """Wait until the server has let us in and joined our groups."""
        self.hear_type("hello")
        self.say(type="ping", t=0)
        self.hear_type("pong")
        self.frames.clear()
        return self

    def show(self, inbox: TeamInbox, *, is_active: bool = True) -> Self:
        """Say, as a page does, that this tab shows an inbox and whether somebody looks at it."""
        self.say(type="viewing", conversation=None, state="active" if is_active else "idle")
        self.say(type="subscribe", inbox=str(inbox.public_id), after=0)
        self.hear_type("subscribed")
        return self

    def closing(self, *, within: float = 8.0) -> int:
        """Listen until the server closes; return its code."""
        deadline = time.monotonic() + within
        try:
            while self._next(deadline - time.monotonic()) is not None:
                pass
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else ABNORMAL
        raise AssertionError(f"not closed within {within:g} s; heard {self.kinds()}")

    def kinds(self) -> list[str]:
        """Return the types of what was heard, in order."""
        return [str(frame.get("type", "tick")) for frame in self.frames]

    def ticks(self) -> list[Frame]:
        """Return the bare ticks that were heard."""
        return [frame for frame in self.frames if "type" not in frame]

    def content(self) -> list[Frame]:
        """Return what was heard and is more than a tick, without greetings."""
        greetings = {"hello", "pong", "subscribed"}
        return [one for one in self.frames if "type" in one and one["type"] not in greetings]

    def of(self, seq: int) -> list[Frame]:
        """Return every frame of one number."""
        return [frame for frame in self.frames if frame.get("seq") == seq]

    def text(self) -> str:
        """Return everything that was heard as one text, to search for what must not be in it."""
        return json.dumps(self.frames, ensure_ascii=False)

    def _next(self, seconds: float) -> Frame | None:
        try:
            frame: Frame = json.loads(self._wire.recv(timeout=max(0.0, seconds)))
        except TimeoutError:
            return None
        self.frames.append(frame)
        check_promised(frame)
        return frame


# --- Twilio ---------------------------------------------------------------------------------------


def signed(live: Live, sender: Sender, form: Mapping[str, str], token: str = "") -> Request:
    """Return the webhook that Twilio would send with this form."""
    url = live.base_url + urlsplit(webhook_url(sender)).path
    validator = RequestValidator(token or sender.twilio_account.auth_token)
    signature = validator.compute_signature(url, dict(form))
    headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
    return Request("POST", url, headers, urlencode(form).encode())


# --- Many at once ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One HTTP request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self) -> bytes:
        """Return the bytes that go over the wire."""
        parts = urlsplit(self.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Host": parts.netloc,
            "Connection": "close",
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        lines = [f"{self.method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the answer's JSON."""
        return json.loads(self.body)


class _Bytes(io.BytesIO):
    """Bytes that look like a socket to `http.client`, which then reads the answer."""

    def makefile(self, *_: Any, **__: Any) -> Self:
        return self


def all_at_once(wanted: Sequence[Request], *, within: float = 60.0) -> list[Answer]:
    """Send all requests at the same moment, each on a connection of its own."""
    return apart(asyncio.wait_for(_all_at_once(wanted), within))


def apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own.

    Once a test has used Playwright, its loop runs in the tests' thread to the end.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _all_at_once(wanted: Sequence[Request]) -> list[Answer]:
    ready = asyncio.Barrier(len(wanted))
    return list(await asyncio.gather(*(_exchange(one, ready) for one in wanted)))


async def _exchange(wanted: Request, ready: asyncio.Barrier) -> Answer:
    parts = urlsplit(wanted.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    # Nobody speaks before everybody is connected.
    await ready.wait()
    writer.write(wanted.encoded())
    await writer.drain()
    raw = await reader.read()
    writer.close()
    answer = HTTPResponse(_Bytes(raw), method=wanted.method)  # type: ignore[arg-type]
    answer.begin()
    return Answer(answer.status, answer.read())
