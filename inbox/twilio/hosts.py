"""Which hosts may be called for Twilio? Its own, or the simulator instead; nobody else's."""

from urllib.parse import urlsplit, urlunsplit


class StrangeHostError(Exception):
    """Code tried to reach a host that is not Twilio's."""


def redirected(url: str, api_base: str) -> tuple[str, dict[str, str]]:
    """Return the address to call, and headers: the simulator's when one is configured.

    Raises StrangeHostError for a host that is not Twilio's.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "twilio.com" and not host.endswith(".twilio.com"):
        raise StrangeHostError(f"{host} is not Twilio.")
    if not api_base:
        return url, {}
    base = urlsplit(api_base)
    return urlunsplit(parts._replace(scheme=base.scheme, netloc=base.netloc)), {
        "X-Original-Host": host
    }
