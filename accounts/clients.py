"""From which address does a request come, behind our own proxies?"""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def ip_of(request: HttpRequest) -> str | None:
    """Return the address of the browser, or None where it cannot be known.

    Each trusted proxy appends whom it talked to, so with N of them the N-th from the right is the
    browser's; whatever stands to the left of it anybody may have written.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    said = request.headers.get("X-Forwarded-For", "")
    hops = [hop.strip() for hop in said.split(",") if hop.strip()]
    if proxies and len(hops) >= proxies:
        return _valid(hops[-proxies])
    return _valid(request.META.get("REMOTE_ADDR", ""))


def _valid(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
