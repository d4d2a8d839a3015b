"""How do requests to Twilio leave? With a time-out, once, and to Twilio's hosts only."""

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from inbox.twilio.hosts import redirected

_NEVER_SENT = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


class GuardedHttpClient(TwilioHttpClient):
    """Twilio's HTTP client that only ever talks to Twilio, or to the simulator instead."""

    def __init__(self, *, api_base: str, timeout: float) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self._api_base = api_base

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request. Raises StrangeHostError for any host but Twilio's."""
        target, extra = redirected(url, self._api_base)
        return super().request(
            method,
            target,
            params=params,
            data=data,
            headers={**(headers or {}), **extra},
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )


def was_never_sent(error: requests.exceptions.RequestException) -> bool:
    """Say whether a failed request surely never reached Twilio: it is safe to repeat."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    is_refused = type(reason).__name__ in _NEVER_SENT
    return is_refused or isinstance(error, requests.exceptions.ConnectTimeout)
