"""Do both doors for webhooks, WSGI and the thin edge, refuse the same calls in the same way?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.test import Client
from twilio.request_validator import RequestValidator

from inbox.models import Message, Receipt, Sender
from tests.conftest import House
from tests.live import Live
from tests.twilio import FORM, inbound_form

MARIA = "+14155550100"
PARTS = "multipart/form-data; boundary=x"


@dataclass
class Door:
    """A way in: `call` sends one request and returns the status of the answer."""

    base_url: str
    call: Callable[[str, str, bytes, Mapping[str, str]], int]

    def knock(
        self,
        sender: Sender,
        form: Mapping[str, str],
        *,
        method: str = "POST",
        body: bytes | None = None,
        kind: str = FORM,
    ) -> int:
        """Call as Twilio would with this form; it may come in another shape than its own."""
        path = f"/hooks/twilio/{sender.path_token}"
        validator = RequestValidator(sender.twilio_account.auth_token)
        signature = validator.compute_signature(self.base_url + path, dict(form))
        headers = {"X-Twilio-Signature": signature, "Content-Type": kind}
        return self.call(method, path, urlencode(form).encode() if body is None else body, headers)


@pytest.fixture(params=["wsgi", "edge"])
def door(request: pytest.FixtureRequest, edge: Live, settings: Any) -> Door:
    """Come in through one door, then through the other."""
    if request.param == "wsgi":
        return Door(settings.PUBLIC_BASE_URL, _in_process)
    return Door(edge.base_url, lambda *call: _over_http(edge.base_url, *call))


def _over_http(
    base_url: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> int:
    answer = requests.request(method, base_url + path, data=body, headers=headers, timeout=20)
    return answer.status_code


def _in_process(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    kind = headers["Content-Type"]
    client = Client(raise_request_exception=False)
    return client.generic(method, path, body, content_type=kind, headers=headers).status_code


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_only_get_and_post_are_answered(door: Door, house: House, method: str) -> None:
    assert door.knock(house.sender, inbound_form(house.sender, MARIA, "Hi"), method=method) == 405
    assert not Receipt.objects.exists()


def test_a_signed_form_in_parts_is_refused(door: Door, house: House) -> None:
    form = inbound_form(house.sender, MARIA, "Hi")
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(part.format(key, value) for key, value in form.items()) + "--x--\r\n"

    assert door.knock(house.sender, form, body=body.encode(), kind=PARTS) == 400
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("body", [b"", b"--x", b"\x00"])
def test_parts_that_are_none_are_refused(door: Door, house: House, body: bytes) -> None:
    assert door.knock(house.sender, {}, body=body, kind=PARTS) in {400, 403}


def test_a_form_larger_than_any_of_twilio_s_is_refused(door: Door, house: House) -> None:
    form = inbound_form(house.sender, MARIA, "x" * 2_000_000)

    assert door.knock(house.sender, form) == 413
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("token", ["x%00", "%00", "x%C3%A9", "x%FF"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_is_none_of_ours_is_refused(
    door: Door, house: House, method: str, token: str
) -> None:
    headers = {"Content-Type": FORM}

    assert door.call(method, f"/hooks/twilio/{token}", b"", headers) == 403


def test_a_text_with_odd_fields_comes_in(door: Door, house: House) -> None:
    form = inbound_form(
        house.sender, MARIA, "Hi\x00!", ProfileName="\x00", ButtonText="\x00", FlowData='"\\ud83d"'
    )

    assert door.knock(house.sender, form) == 200
    assert Message.objects.get().body == "Hi!"
