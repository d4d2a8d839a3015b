"""What was asked, and what is answered?"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from urllib.parse import parse_qs

from inbox.twilio.simulator.errors import TwilioError
from inbox.twilio.simulator.reading import Fields


class Headers(Protocol):
    """Request headers, found whatever their case."""

    def get(self, name: str, /) -> str | None:
        """Return a header, or None if it is absent."""


class Form:
    """Form or query parameters: repeated names, blanks kept."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self.values = values

    @classmethod
    def parse(cls, raw: str) -> "Form":
        """Read an application/x-www-form-urlencoded text."""
        return cls(parse_qs(raw, keep_blank_values=True)) if raw else cls({})

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a name."""
        values = self.values.get(name)
        return values[-1] if values else default

    def all(self, name: str) -> list[str]:
        """Return all values of a name."""
        return list(self.values.get(name, ()))

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean in Twilio's spelling."""
        return self.get(name, str(default)).lower() == "true"

    def flat(self) -> dict[str, object]:
        """Return the parameters for the request log."""
        return {name: one[0] if len(one) == 1 else one for name, one in self.values.items()}


@dataclass(frozen=True)
class Request:
    """One HTTP request as the server has read it."""

    method: str
    path: str
    raw_query: str
    headers: Headers
    body: bytes
    base_url: str

    @cached_property
    def query(self) -> Form:
        """Return the query parameters."""
        return Form.parse(self.raw_query)

    @cached_property
    def form(self) -> Form:
        """Return the form parameters of the body."""
        return Form.parse(self.body.decode("utf-8", "replace"))

    def json(self) -> Fields:
        """Return the JSON body. Raises BadInputError if it is none."""
        return Fields.parse(self.body)

    @property
    def twilio_host(self) -> str:
        """Return the host that the client meant, if it says so."""
        return self.headers.get("X-Original-Host") or ""


@dataclass
class Response:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    stream: Callable[[], Iterator[bytes]] | None = None


class ConnectionDroppedError(Exception):
    """The answer to this request is a reset of the connection."""


def json_response(data: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(data, ensure_ascii=False).encode())


def error_response(error: TwilioError) -> Response:
    """Answer with Twilio's error body."""
    response = json_response(error.body(), error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    if error.retry_after is not None:
        response.headers["Retry-After"] = f"{error.retry_after:g}"
    return response


def empty_response(status: int = 204) -> Response:
    """Answer without a body."""
    return Response(status, b"")
