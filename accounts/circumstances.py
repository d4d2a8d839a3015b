"""From where does somebody act: in which request, from which network, on whose behalf?

The audit log writes it beside every line. A story need not know: the edge says it once.
"""

import hashlib
import ipaddress
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import get_contextvars

# How much of an address is kept: the network, not the person in it.
KEPT_BITS = {4: 24, 6: 48}
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@dataclass(frozen=True)
class Circumstances:
    """What the audit log knows about how something was done; blank where there was no request."""

    request_id: str = ""
    network: str = ""
    session: str = ""
    on_behalf_of: str = ""


def remember_request(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let the audit log know which request is being answered (a middleware)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return answer(request)
        finally:
            _request.reset(token)

    return middleware


def request_now() -> HttpRequest | None:
    """Return the request that is being answered; None in a worker, a socket or a command."""
    return _request.get()


def hide_numbers(request: HttpRequest, hides: bool) -> None:
    """Say whether whoever asks sees customers' numbers masked; the same until it is said anew."""
    setattr(request, _HIDES, hides)


def numbers_are_hidden() -> bool:
    """Say whether customers' numbers are masked for whoever is answered now; for nobody, not."""
    return bool(getattr(_request.get(), _HIDES, False))


def act_on_behalf_of(request: HttpRequest, words: str) -> None:
    """Write beside every line of this request on whose behalf it was done, such as
    “Acme (support access 12)”."""
    setattr(request, _BEHALF, words)


def circumstances() -> Circumstances:
    """Return how what happens now is being done. In a worker there is a request id at most."""
    request_id = str(get_contextvars().get("request_id") or "")[:64]
    request = request_now()
    if request is None:
        return Circumstances(request_id=request_id)
    return Circumstances(
        request_id=request_id,
        network=network_of(request),
        session=_session_of(request),
        on_behalf_of=str(getattr(request, _BEHALF, ""))[:200],
    )


def network_of(request: HttpRequest) -> str:
    """Return the network that a request came from; blank if nobody can tell."""
    try:
        return shortened(get_adapter().get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        return ""


def shortened(address: str) -> str:
    """Shorten an IP address to its network: 203.0.113.7 is 203.0.113.0/24. Blank if it is none."""
    try:
        ip = ipaddress.ip_address(address.strip().partition("%")[0])
    except ValueError:
        return ""
    return str(ipaddress.ip_network((ip, KEPT_BITS[ip.version]), strict=False))


def _session_of(request: HttpRequest) -> str:
    # A mark that tells two sessions apart; who reads it cannot use the session.
    key = getattr(getattr(request, "session", None), "session_key", None)
    return hashlib.sha256(key.encode()).hexdigest()[:12] if key else ""


_BEHALF, _HIDES = "on_behalf_of", "hides_numbers"
