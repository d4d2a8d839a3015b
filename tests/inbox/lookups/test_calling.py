"""Does a request reach the host that was meant, in time, and never our own network?"""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inbox.lookups.calling import CallError, Reply, call
from routing.crm import Request
from routing.json_answers import LARGEST
from tests.outside import Asked, drips, outside, says, write_certificate

HOST = "crm.test"
Names = Callable[[str, int], list[str]]


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets one host of ours be asked."""
    settings.LOOKUP_INTERNAL_HOSTS = [HOST, "127.0.0.1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "crm.pem")


def names(*answers: str) -> Names:
    """Return a resolver that answers with one of these after the other, and remembers."""
    left = list(answers)

    def resolve(host: str, port: int) -> list[str]:
        return [left.pop(0)]

    return resolve


def ask(url: str, resolve: Names | None = None, **more: Any) -> Reply:
    seconds = more.pop("seconds", 3.0)
    request = Request(
        more.pop("method", "GET"), url, more.pop("headers", {}), more.pop("body", None)
    )
    return call(request, seconds=seconds, resolve=resolve or names("127.0.0.1"))


def refusal(url: str, resolve: Names | None = None, **more: Any) -> str:
    with pytest.raises(CallError) as caught:
        ask(url, resolve, **more)
    return caught.value.reason


def test_a_request_arrives_as_it_was_built() -> None:
    with outside(says(b'{"a": 1}', headers="X-A: b\r\n")) as host:
        url = f"http://{HOST}:{host.port}/a%2Fb?c=%2B1"
        reply = ask(url, method="POST", headers={"X-Id": "7"}, body=b'{"x": 1}')

    assert reply == Reply(200, b'{"a": 1}')
    assert (host.asked[0].method, host.asked[0].path) == ("POST", "/a%2Fb?c=%2B1")
    assert host.asked[0].body == b'{"x": 1}'
    assert host.asked[0].headers == {
        "host": f"{HOST}:{host.port}",
        "accept-encoding": "identity",
        "content-length": "8",
        "x-id": "7",
        "connection": "close",
    }


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    with outside(says()) as host:
        assert ask(f"http://{HOST}:{host.port}/").status == 200


# --- Where it may lead ---


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "3fff::1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_no_address_that_is_not_public_is_asked(address: str) -> None:
    words = "not on the public internet"

    assert words in refusal("https://evil.example.com/", names(address))
    assert words in refusal("https://evil.example.com/", lambda host, port: ["8.8.8.8", address])


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "2130706434", "0x7f.2", "0177.0.0.2", "0"]
)
def test_no_spelling_of_an_address_of_ours_is_asked(host: str) -> None:
    request = Request("GET", f"https://{host}/", {})

    with pytest.raises(CallError, match=r"public internet|no such host"):
        call(request)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "fd00:ec2::254",
    ],
)
def test_not_even_an_internal_host_may_be_where_clouds_keep_their_keys(address: str) -> None:
    assert "not on the public internet" in refusal(f"http://{HOST}/", names(address))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://crm.example.com/", "must begin with https://"),
        ("ftp://crm.test/", "must begin with https://"),
        ("file:///etc/passwd", "has no host"),
        ("https://user@crm.test/", "log-in"),
        ("https://user:pass@crm.test/", "log-in"),
        ("//crm.test/", "must begin with https://"),
        ("https://crm.test:99999/", "failed"),
    ],
)
def test_an_address_of_another_kind_is_refused(url: str, words: str) -> None:
    assert words in refusal(url)


def test_a_name_is_looked_up_once_and_what_it_says_later_changes_nothing() -> None:
    with outside(says()) as host:
        ask(f"http://{HOST}:{host.port}/", names("127.0.0.1", "10.0.0.1"))
        # Public when it was judged, ours afterwards. Nobody has this address: nothing answers.
        refusal(f"https://evil.test:{host.port}/", names("192.88.99.1", "127.0.0.1"), seconds=0.3)

    assert len(host.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_never_followed(status: int) -> None:
    with outside(says()) as inner:
        where = f"Location: http://127.0.0.1:{inner.port}/latest/meta-data\r\n"
        with outside(says(b"", status, where)) as host:
            reply = ask(f"http://{HOST}:{host.port}/", method="POST", body=b"{}")

    assert reply.status == status
    assert (len(host.asked), len(inner.asked)) == (1, 0)


def test_a_redirect_to_the_keys_of_a_cloud_is_never_followed() -> None:
    with outside(says(b"", 302, "Location: http://169.254.169.254/latest\r\n")) as host:
        assert ask(f"http://{HOST}:{host.port}/").status == 302


@pytest.mark.parametrize("problem", [socket.gaierror(-2, "x"), UnicodeError("x"), []])
def test_a_name_that_leads_nowhere_is_no_host(problem: Any) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if isinstance(problem, Exception):
            raise problem
        return []

    assert refusal(f"http://{HOST}/", resolve) == "There is no such host."


def test_a_second_address_is_asked_where_the_first_refuses() -> None:
    with outside(says()) as host:
        reply = ask(f"http://{HOST}:{host.port}/", lambda name, port: ["127.0.0.9", "127.0.0.1"])

    assert reply.status == 200


def test_nobody_listening_is_said() -> None:
    with outside(says()) as host:
        port = host.port

    assert refusal(f"http://{HOST}:{port}/") == "The connection failed (ConnectionRefusedError)."


# --- In time ---


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_name_that_takes_too_long_ends_in_time(over: threading.Event) -> None:
    def resolve(host: str, port: int) -> list[str]:
        over.wait()
        return ["127.0.0.1"]

    assert "within 0.2 seconds" in refusal(f"http://{HOST}/", resolve, seconds=0.2)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b""),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    ],
    ids=["silence", "status", "headers", "continue", "body", "chunks", "endless"],
)
def test_what_comes_drop_by_drop_ends_in_time(
    start: bytes, drop: bytes, over: threading.Event
) -> None:
    with outside(drips(over, start, drop)) as host:
        reason = refusal(f"http://{HOST}:{host.port}/", seconds=0.4)

    assert "within 0.4 seconds" in reason


def test_who_does_not_read_ends_in_time(over: threading.Event) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        port = listener.getsockname()[1]
        reason = refusal(
            f"http://{HOST}:{port}/", seconds=0.4, method="POST", body=b"x" * 50_000_000
        )

    assert "within 0.4 seconds" in reason


def test_a_handshake_that_never_ends_ends_in_time() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        port = listener.getsockname()[1]
        assert "within 0.4 seconds" in refusal(f"https://{HOST}:{port}/", seconds=0.4)


# --- How much ---


def pours(head: bytes) -> Callable[[socket.socket, Asked], None]:
    def answer(connection: socket.socket, asked: Asked) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * 65_536)

    return answer


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"]
)
def test_of_a_huge_answer_only_as_much_is_read_as_shows_it(head: bytes) -> None:
    with outside(pours(head)) as host:
        reply = ask(f"http://{HOST}:{host.port}/")

    assert len(reply.content) == LARGEST + 1


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 ", b""])
def test_huge_headers_are_no_answer(head: bytes) -> None:
    with outside(pours(head)) as host:
        assert refusal(f"http://{HOST}:{host.port}/")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_http_is_no_answer(said: bytes) -> None:
    with outside(lambda connection, asked: connection.sendall(said)) as host:
        assert "failed" in refusal(f"http://{HOST}:{host.port}/")


@pytest.mark.parametrize("content", [b"", b"{}"])
@pytest.mark.parametrize("head", ["", "Transfer-Encoding: chunked\r\n"])
def test_an_answer_that_breaks_off_is_none(content: bytes, head: str) -> None:
    """Not even one that would be read as “nothing to say”."""
    with outside(says(content, headers=head, length=200)) as host:
        assert refusal(f"http://{HOST}:{host.port}/")


def test_an_error_is_told_by_its_status() -> None:
    with outside(says(b"oops", 500)) as host:
        assert ask(f"http://{HOST}:{host.port}/") == Reply(500, b"oops")


# --- Certificates ---


def test_a_certificate_of_the_operators_list_is_good(certificate: Path, settings: Any) -> None:
    settings.LOOKUP_CA_FILE = str(certificate)

    with outside(says(b"{}"), certificate=certificate) as host:
        assert ask(f"https://{HOST}:{host.port}/x") == Reply(200, b"{}")


def test_a_certificate_that_nobody_signed_is_refused(certificate: Path) -> None:
    with outside(says(), certificate=certificate) as host:
        reason = refusal(f"https://{HOST}:{host.port}/")

    assert "Its certificate is not valid: self-signed certificate" in reason
    assert host.asked == []


def test_a_certificate_of_another_host_is_refused(certificate: Path, settings: Any) -> None:
    settings.LOOKUP_CA_FILE = str(certificate)

    with outside(says(), certificate=certificate) as host:
        reason = refusal(f"https://other.test:{host.port}/", lambda name, port: ["127.0.0.1"])
        assert "not on the public internet" in reason
        settings.LOOKUP_INTERNAL_HOSTS = ["other.test"]
        assert "Hostname mismatch" in refusal(f"https://other.test:{host.port}/")


def test_a_certificate_that_ran_out_is_refused(tmp_path: Path, settings: Any) -> None:
    old = write_certificate(tmp_path / "old.pem", days=-1)
    settings.LOOKUP_CA_FILE = str(old)

    with outside(says(), certificate=old) as host:
        assert "certificate has expired" in refusal(f"https://{HOST}:{host.port}/")
