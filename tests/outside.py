"""A host of somebody else, over HTTP or HTTPS: what customers' code and CRMs do, and their faults.

It speaks through a plain socket, so that it can also say what no server should.
"""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[socket.socket, Asked], None]


@dataclass
class Outside:
    """A running host, and what it was asked."""

    port: int
    scheme: str = "http"
    host: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://{self.host}:{self.port}"


def says(
    content: bytes = b"{}", status: int = 200, headers: str = "", length: int | None = None
) -> Answer:
    """Return what answers with this."""
    size = len(content) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n{headers}\r\n".encode()
    return lambda connection, asked: connection.sendall(head + content)


def drips(outside_is_over: threading.Event, start: bytes, drop: bytes) -> Answer:
    """Return what begins well and then sends a drop now and then, for ever."""

    def answer(connection: socket.socket, asked: Asked) -> None:
        connection.sendall(start)
        while not outside_is_over.wait(0.02):
            connection.sendall(drop)

    return answer


@contextmanager
def outside(
    answer: Answer, *, certificate: Path | None = None, scheme: str = ""
) -> Iterator[Outside]:
    """Have a host listening on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    host = Outside(listener.getsockname()[1], scheme or ("https" if certificate else "http"))
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            connection.settimeout(10)
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            with stream:
                asked = _read(stream)
                host.asked.append(asked)
                answer(stream, asked)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield host
    finally:
        host.is_over.set()
        # Closing alone would not wake who waits in accept().
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _read(stream: socket.socket) -> Asked:
    reader = stream.makefile("rb")
    method, path, _ = reader.readline().decode().split(" ", 2)
    headers: dict[str, str] = {}
    while line := reader.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, path, headers, reader.read(int(headers.get("content-length", "0"))))


def write_certificate(path: Path, *, names: tuple[str, ...] = ("crm.test",), days: int = 1) -> Path:
    """Write a key and a certificate that signs itself; `days` below zero has run out."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Outside")])
    now = datetime.datetime.now(datetime.UTC)
    ends = now + datetime.timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, ends) - datetime.timedelta(days=1))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(one) for one in names),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
