"""How do we ask a host that somebody else named, and never one of our own network?

An account's admin names the host of its issuer, and our servers ask it. A name is looked up for
each connection, and the connection goes to the very address that was looked at: what a look
beforehand found may point elsewhere a moment later.
"""

import ipaddress
import socket
import time
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

MOST_BYTES = 1_000_000
MOST_SECONDS = 15.0
MOST_ADDRESSES = 4
_BYTES_AT_ONCE = 16_384
# Addresses of the old internet as the new one writes them: where they lead decides.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
# What registries keep for special uses, also where this Python does not know of it yet.
_KEPT = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
# The only addresses that the new internet gives to anybody. Source: RFC 4291, 2.4 and its registry.
_UNICAST = ipaddress.IPv6Network("2000::/3")


class OutsideError(OSError):
    """A host cannot be asked, or does not answer as a host should; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def addresses_of(host: str, port: int, *, is_inside_allowed: bool | None = None) -> list[str]:
    """Look a host up. Raises OutsideError if there is none, or if it may lie in our own network.

    What the operator says of issuers decides whether it may, unless `is_inside_allowed` does.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutsideError(_("There is no such host.")) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    may_be_inside = _may_be_inside(host) if is_inside_allowed is None else is_inside_allowed
    if not (may_be_inside or all(map(is_public, addresses))):
        raise OutsideError(_("This address is not on the public internet."))
    return addresses[:MOST_ADDRESSES]


def _may_be_inside(host: str) -> bool:
    """Say whether the operator lets this host lie in our own network."""
    name = host.lower().rstrip(".")
    return bool(settings.SIGN_ON_ALLOW_LOCAL) or name in settings.SIGN_ON_INTERNAL_HOSTS


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet, however it is written."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        ip = inner or ip
    is_given = ip.version == 4 or ip in _UNICAST
    is_given = is_given and not any(ip in network for network in _KEPT)
    return is_given and ip.is_global and not ip.is_multicast


# --- The connection ------------------------------------------------------------------------------


def only_outside(session: Any) -> None:
    """Let a session of requests connect to public hosts only, straight and without a proxy."""
    for scheme in ("http://", "https://"):
        session.get_adapter(scheme).poolmanager.pool_classes_by_scheme = _POOLS


def read_within_limits(answer: Any) -> Any:
    """Read a streamed answer of requests whole. Raises OutsideError if it is too long or too slow.

    An answer that is JSON must be an object: that is what everything we ask answers.
    """
    try:
        content = _read(answer.raw)
    except HTTPError as error:
        raise OutsideError(_("The answer broke off.")) from error
    # What `content` does when it reads by itself.
    answer._content, answer._content_consumed = content, True
    if answer.ok and not _is_object_or_no_json(answer):
        raise OutsideError(_("The answer was not what was asked for."))
    return answer


def _read(raw: Any) -> bytes:
    ends, parts, size = time.monotonic() + MOST_SECONDS, [], 0
    while part := raw.read1(_BYTES_AT_ONCE, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES or time.monotonic() > ends:
            raw.close()
            raise OutsideError(_("The answer was too long, or took too long."))
    return b"".join(parts)


def _is_object_or_no_json(answer: Any) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return True


def _connect(connection: HTTPConnection | HTTPSConnection) -> socket.socket:
    try:
        addresses = addresses_of(connection.host, connection.port)
    except OutsideError as error:
        raise NewConnectionError(connection, error.reason) from error
    failed: Exception | None = None
    for address in addresses:
        try:
            return create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            failed = error
    raise NewConnectionError(connection, f"no connection: {failed}") from failed


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Secure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}
