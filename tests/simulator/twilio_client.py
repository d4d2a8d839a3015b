"""How does Twilio's own client reach the simulator?"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client


class RewritingHttpClient(TwilioHttpClient):
    """Sends what is meant for Twilio to the simulator and says which host was meant."""

    def __init__(self, base: str, timeout: float = 10.0) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self.base = urlsplit(base)
        self.last_body = ""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        parts = urlsplit(url)
        assert parts.netloc.endswith(".twilio.com"), url
        kwargs["headers"] = {**(kwargs.get("headers") or {}), "X-Original-Host": parts.netloc}
        url = urlunsplit(parts._replace(scheme=self.base.scheme, netloc=self.base.netloc))
        response = super().request(method, url, *args, **kwargs)
        self.last_body = response.text
        return response


def twilio_client(
    base: str, username: str, password: str, account_sid: str | None = None, timeout: float = 10.0
) -> Any:
    """Return Twilio's client, pointed at the simulator."""
    return Client(
        username, password, account_sid, http_client=RewritingHttpClient(base, timeout=timeout)
    )
