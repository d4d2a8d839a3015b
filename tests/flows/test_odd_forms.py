"""Is every genuine webhook kept and told, however odd the fields beside the text are?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from inbox.models import Attachment, Message, Receipt
from inbox.receiving import attach_quarantined
from inbox.status_urls import sender_status_url, status_url
from inbox.twilio.parsing import read_form, without_nul
from tests.conftest import House
from tests.flows.test_together import Stage, stage
from tests.twilio import inbound_form, new_sid, post_signed, status_in, text_in

__all__ = ["stage"]

MARIA = "+14155550100"
FILE = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
DEEP = "[" * 2000 + "]" * 2000


def _post(client: Client, house: House, form: dict[str, str]) -> Any:
    url = f"/hooks/twilio/{house.sender.path_token}"
    return post_signed(client, url, form, house.sender.twilio_account.auth_token)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(fields, id=" ".join(name for name in fields) + f" {number}")
        for number, fields in enumerate(
            [
                {"From": "+1415\x005550100"},
                {"From": "X" * 300},
                {"From": f"{'x' * 300}:+14155550100"},
                {"From": "a-very-long-channel-prefix-indeed:abc"},
                {"To": "+15550\x00100001"},
                {"MessageSid": "SM\x00" + "1" * 32},
                {"MessageSid": "S" * 200},
                {"MessagingServiceSid": "MG\x00"},
                {"SmsStatus": "recei\x00ved"},
                {
                    "ButtonText": "Yes\x00",
                    "ButtonPayload": "\x00y",
                    "From": "whatsapp:+14155550100",
                },
                {"MediaUrl0": f"{FILE}\x00", "MediaContentType0": "image/jpeg\x00"},
                {"OriginalRepliedMessageSid": "SM\x00"},
                {"Referral\x00Body": "an ad", "ReferralHeadline": "\x00"},
                {"ProfileName": "\x00" * 200, "OptOutType": "\x00"},
                {"Label": "\x00", "Latitude": "1e999", "Longitude": "1"},
                {"InteractiveData": '{"a":NaN}'},
                {"InteractiveData": '{"a":"\\ud83d"}'},
                {"InteractiveData": '{"\\ud83d":1}'},
                {"InteractiveData": DEEP},
                {"InteractiveData": "[" * 4900},
                {"InteractiveData": '{"a":' * 300 + "1" + "}" * 300},
                {"FlowData": "1e999"},
                {"FlowData": "9" * 4900},
                {"FlowData": '{"a":"\\u0000"}'},
                {"FlowData": '{"a":"\\u00\\u00000000"}'},
                {"NumMedia": "²"},
                {"NumMedia": "9" * 5000},
                {"Timestamp": "0001-01-01T00:00:00+14:00"},
                {"Timestamp": "9999-12-31T23:59:59-14:00"},
                {"_our_message": "x", "_our_reconciling": "1"},
            ]
        )
    ],
)
def test_a_text_arrives_whatever_stands_beside_it(
    house: House, client: Client, fields: dict[str, str]
) -> None:
    form = inbound_form(house.sender, MARIA, "Where is my lamp?", **fields)

    answer = _post(client, house, form)

    assert answer.status_code == 200
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.problem) == (Receipt.State.DONE, "")
    assert Message.objects.get().body == "Where is my lamp?"


def test_what_an_odd_field_says_is_kept_as_far_as_it_can_be(house: House, client: Client) -> None:
    message = text_in(
        client,
        house.sender,
        "whatsapp:+14155550100",
        "Yes",
        ButtonText="Y\x00es",
        InteractiveData='{"a":"\\ud83d"}',
        FlowData='{"answers":[1,2]}',
        OriginalRepliedMessageSid="SM\x00123",
    )

    assert message.details["button"]["text"] == "Yes"
    assert message.details["InteractiveData"] == '{"a":"\\ud83d"}'
    assert message.details["FlowData"] == {"answers": [1, 2]}
    assert message.reply_to_sid == "SM123"


def test_who_writes_from_an_address_cut_short_is_not_answered_there(
    house: House, client: Client
) -> None:
    message = text_in(client, house.sender, "rcs:" + "x" * 300, "Hello")

    assert not message.thread.address.is_repliable


KEYS = (
    "From",
    "To",
    "MessageSid",
    "MessagingServiceSid",
    "SmsStatus",
    "NumMedia",
    "MediaUrl0",
    "MediaContentType0",
    "ButtonText",
    "ButtonPayload",
    "InteractiveData",
    "FlowData",
    "ProfileName",
    "ExternalUserId",
    "OptOutType",
    "Latitude",
    "Longitude",
    "Label",
    "Timestamp",
    "MessageType",
    "OriginalRepliedMessageSid",
    "ReferralBody",
    "ListTitle",
    "FromCity",
    "_our_message",
)
VALUES = st.one_of(
    st.text(max_size=200),
    st.text(max_size=8).map(lambda text: text * 60),
    st.datetimes().map(lambda at: f"{at.isoformat()}-14:00"),
    st.floats().map(repr),
    st.recursive(st.text(max_size=3), st.lists, max_leaves=8).map(repr),
    st.sampled_from(["received", "STOP", "whatsapp:+14155550100", "whatsapp:US.1", FILE, DEEP]),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=30)), VALUES, max_size=8))
@example({"SmsStatus": "İ" * 30})
@example({"From": ":", "ProfileName": "\x00"})
def test_no_form_loses_a_text(house: House, client: Client, odd: dict[str, str]) -> None:
    vital = ("MessageSid", "AccountSid", "From", "To", "SmsStatus", "MessageStatus")
    kept = {key: value for key, value in odd.items() if without_nul(key) not in vital}
    vague = {key: value for key, value in odd.items() if key in {"From", "MessageSid"} and value}
    form = inbound_form(house.sender, MARIA, **{**kept, "Body": "Where is it?"})
    form |= {key: form[key] + value for key, value in vague.items()}

    answer = _post(client, house, form)

    assert answer.status_code == 200
    receipt = Receipt.objects.latest("pk")
    assert (receipt.state, receipt.problem) == (Receipt.State.DONE, "")
    said = Message.objects.filter(direction=Message.Direction.IN).latest("pk")
    assert (said.provider_sid, said.body) == (receipt.message_sid, "Where is it?")


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from([*KEYS, "MessageStatus", "ErrorCode"]), VALUES, max_size=8))
def test_no_form_is_unkeepable(house: House, client: Client, odd: dict[str, str]) -> None:
    form = {**inbound_form(house.sender, MARIA, "Hi"), **odd}

    answer = _post(client, house, form)

    assert answer.status_code in {200, 204}
    assert Receipt.objects.latest("pk").state != Receipt.State.FAILED


# --- Names of a message ---------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["SmsSid", "SmsMessageSid"])
def test_a_message_may_be_named_by_the_older_keys_alone(
    house: House, client: Client, key: str
) -> None:
    form = inbound_form(house.sender, MARIA, "Hello")
    sid = form.pop("MessageSid")

    for _ in range(2):
        _post(client, house, {**form, key: sid})

    assert Message.objects.get().provider_sid == sid
    assert Receipt.objects.get().repeats == 1


def test_a_stray_message_with_an_older_key_can_be_attached(house: House, client: Client) -> None:
    form = inbound_form(house.sender, MARIA, "Hello", To="+15550107777")
    form["SmsSid"] = form.pop("MessageSid")
    _post(client, house, form)
    stray = Receipt.objects.get(state=Receipt.State.QUARANTINED)

    attach_quarantined(stray, sender=house.sender, now=stray.received_at)

    assert Message.objects.get().body == "Hello"


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, "", "0", "many"])
def test_a_file_comes_in_even_if_nobody_counted_it(
    house: House, client: Client, number: str | None
) -> None:
    form = inbound_form(house.sender, MARIA, "", MediaUrl0=FILE, MediaContentType0="image/jpeg")
    form.pop("NumMedia")
    if number is not None:
        form["NumMedia"] = number

    _post(client, house, form)

    assert Attachment.objects.get().source_url == FILE
    assert Message.objects.get().channel == "mms"


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_impossible_time_leaves_the_thread_readable(
    stage: Stage, login: Callable[[User], Client], at: str
) -> None:
    text_in(stage.client, stage.house.sender, MARIA, "And a lamp", Timestamp=at)

    page = login(stage.house.alice).get(f"/c/{stage.row.public_id}/thread/")

    assert page.status_code == 200
    assert "And a lamp" in page.text


# --- Status callbacks -----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["x" * 100, "wonder\x00ful", "İ" * 30])
def test_a_status_word_nobody_knows_is_kept_and_moves_nothing(
    stage: Stage, client: Client, word: str
) -> None:
    message = stage.reply(stage.house.alice)
    sid = new_sid()

    answer = status_in(client, message, word, error_code="9" * 60, sid=sid)

    assert answer.status_code == 204
    receipt = Receipt.objects.get(message_sid=sid)
    assert (receipt.state, receipt.problem) == (Receipt.State.DONE, "")


def test_a_status_may_name_its_message_by_an_older_key(stage: Stage, client: Client) -> None:
    message = stage.reply(stage.house.alice)
    sender, sid = stage.house.sender, new_sid()
    form = {"SmsSid": sid, "AccountSid": sender.twilio_account.account_sid, "SmsStatus": "sent"}

    post_signed(client, status_url(sender, message), form, sender.twilio_account.auth_token)

    message.refresh_from_db()
    assert (message.status, message.provider_sid) == ("sent", sid)


@pytest.mark.parametrize("key", ["_our_message", "_our\x00_message", "\x00_our_message"])
def test_nobody_binds_a_message_by_naming_it_in_the_form(
    stage: Stage, client: Client, key: str
) -> None:
    message = stage.reply(stage.house.alice)
    sender = stage.house.sender
    form = {
        "MessageSid": new_sid(),
        "AccountSid": sender.twilio_account.account_sid,
        "MessageStatus": "failed",
        key: message.public_id,
    }

    answer = post_signed(client, sender_status_url(sender), form, sender.twilio_account.auth_token)

    assert answer.status_code == 204
    message.refresh_from_db()
    assert message.status == "queued"
    receipt = Receipt.objects.get(status="failed")
    assert "_our_message" not in read_form(bytes(receipt.form))
    assert receipt.message_sid == form["MessageSid"]


@pytest.mark.parametrize("proof", ["é", "\x00", "", "0" * 40])
def test_an_address_with_a_wrong_proof_is_refused(stage: Stage, client: Client, proof: str) -> None:
    message = stage.reply(stage.house.alice)
    sender = stage.house.sender
    url = status_url(sender, message).rpartition("&h=")[0]
    form = {"MessageSid": new_sid(), "AccountSid": sender.twilio_account.account_sid}
    form["MessageStatus"] = "failed"
    escaped = "".join(f"%{byte:02X}" for byte in proof.encode())

    answer = post_signed(client, f"{url}&h={escaped}", form, sender.twilio_account.auth_token)

    assert answer.status_code == 403
