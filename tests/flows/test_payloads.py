"""Does every captured webhook go through the real view and end as its note says?"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from compliance.models import ConsentEvent
from inbox.models import Attachment, Message, Receipt, Sender
from tests.factories import make_account, make_inbox, make_sender, make_twilio_account

DATA = json.loads((Path(__file__).parent.parent / "data/twilio_payloads.json").read_text())
TOKEN = DATA["signature_oracle"]["auth_token"]
PAYLOADS = DATA["payloads"]


@pytest.fixture(autouse=True)
def _public_address(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://inbox.example.com"


def _post(client: Client, payload: dict[str, Any]) -> Any:
    path = payload["signed"]["url"].removeprefix("https://inbox.example.com")
    headers = {"X-Twilio-Signature": payload["signed"]["signature"]}
    if payload["method"] == "GET":
        return client.get(path, headers=headers)
    return client.post(
        path,
        urlencode(payload["params"]),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


def _sender_for(payload: dict[str, Any]) -> Sender:
    params = payload["params"]
    inbox = make_inbox(make_account(), "Support")
    twilio = make_twilio_account(inbox.account, params["AccountSid"], auth_token=TOKEN)
    is_status = payload["kind"] == "status"
    ours = params.get("From" if is_status else "To", "+15550100001")
    return make_sender(inbox, ours, twilio_account=twilio, path_token="t3n4nt")


@pytest.mark.parametrize(
    "payload", [p for p in PAYLOADS if p["kind"] != "status"], ids=lambda p: p["id"]
)
def test_an_inbound_payload_is_stored_as_its_note_says(
    db: None, client: Client, payload: dict[str, Any]
) -> None:
    sender = _sender_for(payload)

    answer = _post(client, payload)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/xml")
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.problem) == (Receipt.State.DONE, "")
    message = Message.objects.get(direction=Message.Direction.IN)
    assert message.provider_sid == payload["params"]["MessageSid"]
    assert message.thread.sender == sender
    _check_words_and_files(message, payload["expect"])
    _check_the_rest(message, payload)
    sent = Message.objects.filter(direction=Message.Direction.OUT)
    answered = ANSWERED_BY_US.get(payload["id"])
    assert list(sent.values_list("purpose", flat=True)) == ([answered] if answered else [])


def _check_words_and_files(message: Message, expect: dict[str, Any]) -> None:
    if "text" in expect:
        assert message.body == (expect["text"] or "")
    if "text_len" in expect:
        assert len(message.body) == expect["text_len"]
    if "media" in expect:
        assert message.attachments.count() == expect["media"]
    if "media_types" in expect:
        types = list(message.attachments.values_list("declared_type", flat=True))
        assert types == expect["media_types"]


def _check_the_rest(message: Message, payload: dict[str, Any]) -> None:
    expect = payload["expect"]
    if "location" in expect:
        place = message.details["location"]
        assert [place["latitude"], place["longitude"]] == expect["location"]
    if "label" in expect:
        assert message.details["location"]["label"] == expect["label"]
    if "profile" in expect:
        assert message.thread.contact.profile_name == expect["profile"]
    if "button" in expect:
        assert message.details["button"]["payload"] == expect["button"]
    if expect.get("reply_to"):
        assert message.reply_to_sid == payload["params"]["OriginalRepliedMessageSid"]
    if expect.get("referral"):
        assert message.details["referral"]["ReferralSourceType"] == "ad"
    keyword = expect.get("opt_out") or expect.get("keyword")
    kinds = list(ConsentEvent.objects.values_list("kind", flat=True))
    said = {"STOP": "opt_out", "HELP": "help"}[keyword] if keyword else ASKED.get(payload["id"])
    assert kinds == ([said] if said else [])


# What no carrier takes for a keyword, and we understand all the same: we answer that ourselves.
ASKED = {"sms_stop_please_not_optout": "opt_out", "mms_nummedia_zero_but_empty_mediaurl": "help"}
ANSWERED_BY_US = {
    "sms_stop_please_not_optout": "optout_confirmation",
    "mms_nummedia_zero_but_empty_mediaurl": "help_reply",
}


@pytest.mark.parametrize(
    "payload", [p for p in PAYLOADS if p["kind"] == "status"], ids=lambda p: p["id"]
)
def test_a_status_payload_for_a_message_that_is_not_ours_is_kept(
    db: None, client: Client, payload: dict[str, Any]
) -> None:
    _sender_for(payload)

    answer = _post(client, payload)

    assert answer.status_code == 204
    receipt = Receipt.objects.get()
    assert receipt.kind == Receipt.Kind.STATUS
    assert receipt.status == payload["expect"]["status"]
    assert receipt.state == Receipt.State.WAITING
    assert not Message.objects.exists()


def test_the_fallback_request_does_not_make_a_second_message(db: None, client: Client) -> None:
    payload = next(p for p in PAYLOADS if p["kind"] == "fallback")
    _sender_for(payload)

    for _ in range(3):
        assert _post(client, payload).status_code == 200

    assert Message.objects.count() == 1
    assert Attachment.objects.count() == 1
    assert Receipt.objects.get().repeats == 2


def test_brazilian_number_with_and_without_the_ninth_digit_is_one_person(
    db: None, client: Client
) -> None:
    new, old = (
        next(p for p in PAYLOADS if p["id"] == f"wa_brazil_{form}_format")
        for form in ("new", "old")
    )
    _sender_for(new)

    for payload in (old, new):
        assert _post(client, payload).status_code == 200

    contacts = set(Message.objects.values_list("thread__contact", flat=True))
    assert len(contacts) == 1
