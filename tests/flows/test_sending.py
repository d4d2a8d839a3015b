"""What becomes of a message that is handed to Twilio?"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import FeatureGrant
from compliance.gate import SendBlockedError
from inbox.carrier import Accepted, Throttled, Unknown
from inbox.closing import close_conversation
from inbox.media import store_upload
from inbox.models import Attachment, Message, Sender
from inbox.refusals import MissingInputError
from inbox.sending import (
    deliver,
    look_up_unknown,
    owed_messages,
    report_stuck,
    resend,
)
from tests.carrier import Twilio
from tests.conftest import House
from tests.flows.test_together import MARIA, Stage
from tests.twilio import status_in, text_in

PHOTO = Path(__file__).parents[2] / "inbox/twilio/simulator/samples/photo.jpg"


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


def _fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def _later(message: Message) -> datetime:
    return message.created_at + timedelta(minutes=5)


def test_an_accepted_message_is_sent_with_its_sid(stage: Stage, twilio: Twilio) -> None:
    message = stage.reply(stage.house.alice, "On its way")

    outcome = deliver(message.pk, now=stage.now)

    assert isinstance(outcome, Accepted)
    assert _fresh(message).status == "sent"
    assert _fresh(message).provider_sid == outcome.sid
    (asked,) = twilio.requests_to_send()
    assert (asked["to"], asked["from"], asked["body"]) == (
        MARIA,
        stage.house.sender.address,
        "On its way",
    )


def test_a_message_is_handed_over_once_however_often_it_is_nudged(
    stage: Stage, twilio: Twilio
) -> None:
    message = stage.reply(stage.house.alice)

    for _ in range(5):
        deliver(message.pk, now=stage.now)

    assert len(twilio.requests_to_send()) == 1


def test_messages_of_a_thread_leave_in_order(stage: Stage, twilio: Twilio) -> None:
    first, second = stage.reply(stage.house.alice, "one"), stage.reply(stage.house.alice, "two")

    assert deliver(second.pk, now=stage.now) is None
    deliver(first.pk, now=stage.now)
    deliver(second.pk, now=stage.now)

    assert [asked["body"] for asked in twilio.requests_to_send()] == ["one", "two"]


def test_429_waits_and_then_goes_once(stage: Stage, twilio: Twilio) -> None:
    twilio.fault("rate_limit", times=3)
    message = stage.reply(stage.house.alice)
    at = stage.now

    for _ in range(3):
        assert isinstance(deliver(message.pk, now=at), Throttled)
        assert deliver(message.pk, now=at) is None
        at = _fresh(message).not_before or at

    assert message.pk in owed_messages(now=at)
    assert isinstance(deliver(message.pk, now=at), Accepted)


@pytest.mark.parametrize("kind", ["server_error_after", "reset_after", "hang_after"])
def test_what_may_have_left_is_unknown_and_never_sent_again(
    stage: Stage, twilio: Twilio, kind: str
) -> None:
    twilio.fault(kind, times=1, **({"seconds": 3} if kind == "hang_after" else {}))
    message = stage.reply(stage.house.alice)

    assert isinstance(deliver(message.pk, now=stage.now), Unknown)

    assert _fresh(message).status == "unknown"
    assert deliver(message.pk, now=_later(message)) is None
    assert message.pk not in owed_messages(now=_later(message))


def test_a_callback_with_our_id_settles_the_unknown(
    stage: Stage, twilio: Twilio, client: Client
) -> None:
    twilio.fault("server_error_after", times=1)
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    status_in(client, message, "delivered", sid="SM" + "7" * 32)

    assert _fresh(message).status == "delivered"
    assert _fresh(message).reached_at is not None
    assert _fresh(message).provider_sid == "SM" + "7" * 32


def test_twilio_s_own_list_settles_the_unknown(stage: Stage, twilio: Twilio) -> None:
    twilio.fault("server_error_after", times=1)
    message = stage.reply(stage.house.alice, "Something quite unique 4711")
    deliver(message.pk, now=stage.now)
    Message.objects.update(sending_at=datetime.now(tz=stage.now.tzinfo), look_up_at=stage.now)

    assert look_up_unknown(now=stage.now) == 1

    assert _fresh(message).status in {"sent", "delivered"}
    assert _fresh(message).provider_sid


def _unknown_and_its_twin(stage: Stage) -> tuple[Message, Message]:
    """Return a message that Twilio never took and its resend, which it took without saying so."""
    lost = stage.reply(stage.house.alice, "Twins 4711")
    Message.objects.filter(pk=lost.pk).update(
        status="unknown", sending_at=datetime.now(tz=stage.now.tzinfo), look_up_at=stage.now
    )
    alice = stage.house.alice
    twin = resend(message=_fresh(lost), by=stage.viewer(alice), user=alice, now=stage.now)
    assert isinstance(deliver(twin.pk, now=stage.now), Unknown)
    return lost, twin


def test_a_look_up_never_takes_a_twin_for_the_message_it_looks_for(
    stage: Stage, twilio: Twilio
) -> None:
    twilio.fault("server_error_after", times=1)
    lost, twin = _unknown_and_its_twin(stage)

    assert look_up_unknown(now=stage.now) == 0

    assert (_fresh(lost).status, _fresh(lost).provider_sid) == ("unknown", None)
    assert (_fresh(twin).status, _fresh(twin).provider_sid) == ("unknown", None)


def test_after_the_twin_s_callback_the_look_up_still_does_not_bind_its_sid(
    stage: Stage, twilio: Twilio, client: Client
) -> None:
    twilio.fault("server_error_after", times=1)
    lost, twin = _unknown_and_its_twin(stage)
    sid = twilio.requests_to_send()[-1]["sid"]
    status_in(client, twin, "delivered", sid=sid)

    assert look_up_unknown(now=stage.now) == 0

    assert (_fresh(twin).status, _fresh(twin).provider_sid) == ("delivered", sid)
    assert _fresh(lost).provider_sid is None


def test_our_signed_id_in_a_callback_wins_over_a_sid_that_was_bound_by_mistake(
    stage: Stage, client: Client
) -> None:
    wrong, right = stage.reply(stage.house.alice, "Hi"), stage.reply(stage.house.alice, "Hi")
    sid = "SM" + "5" * 32
    Message.objects.filter(pk=wrong.pk).update(status="delivered", provider_sid=sid)
    Message.objects.filter(pk=right.pk).update(status="unknown")

    status_in(client, _fresh(right), "delivered", sid=sid)

    assert (_fresh(right).status, _fresh(right).provider_sid) == ("delivered", sid)
    assert (_fresh(wrong).status, _fresh(wrong).provider_sid) == ("unknown", None)


def test_an_answer_that_failed_is_no_answer(stage: Stage, twilio: Twilio) -> None:
    since = stage.row.waiting_since
    twilio.fault("reject", times=1, code=21614)
    message = stage.reply(stage.house.alice)
    assert stage.row.waiting_since is None

    deliver(message.pk, now=stage.now)

    assert stage.row.waiting_since == since
    assert stage.row.wait_generation == 2


def test_an_answer_that_a_status_fails_is_no_answer(stage: Stage, client: Client) -> None:
    since = stage.row.waiting_since
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    status_in(client, _fresh(message), "undelivered", "30003")

    assert stage.row.waiting_since == since


def test_another_answer_that_left_keeps_the_clock_still(stage: Stage, twilio: Twilio) -> None:
    first, second = stage.reply(stage.house.alice), stage.reply(stage.house.alice, "And this")
    twilio.fault("reject", times=1, code=21614)
    deliver(first.pk, now=stage.now)
    assert stage.row.waiting_since is None
    twilio.fault("reject", times=1, code=21614)

    deliver(second.pk, now=stage.now)

    assert stage.row.waiting_since is not None, "now none of them left"


def test_the_clock_goes_on_from_the_first_message_that_nobody_answered(
    stage: Stage, twilio: Twilio
) -> None:
    since = stage.row.waiting_since
    message = stage.reply(stage.house.alice)
    stage.now += timedelta(minutes=1)
    stage.hear("Hello?")
    assert stage.row.waiting_since != since
    twilio.fault("reject", times=1, code=21614)

    deliver(message.pk, now=stage.now)

    assert stage.row.waiting_since == since


def test_a_failure_does_not_let_a_closed_conversation_wait(stage: Stage, twilio: Twilio) -> None:
    message = stage.reply(stage.house.alice)
    stage.do(close_conversation, stage.house.alice, last_seen_seq=99)
    twilio.fault("reject", times=1, code=21614)

    deliver(message.pk, now=stage.now)

    assert stage.row.waiting_since is None
    assert stage.row.has_failed_message


def test_a_refused_connection_is_safe_to_repeat(stage: Stage, settings: Any) -> None:
    settings.TWILIO_API_BASE = "http://127.0.0.1:9"
    message = stage.reply(stage.house.alice)

    assert isinstance(deliver(message.pk, now=stage.now), Throttled)

    assert _fresh(message).status == "queued"


def test_a_message_that_waits_too_long_fails_in_words(stage: Stage, settings: Any) -> None:
    settings.TWILIO_API_BASE = "http://127.0.0.1:9"
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    deliver(message.pk, now=stage.now + timedelta(hours=2))

    assert _fresh(message).status == "failed"
    assert "for an hour" in _fresh(message).error_words


def test_the_hour_counts_from_the_first_try_and_not_from_the_writing(
    stage: Stage, settings: Any
) -> None:
    settings.TWILIO_API_BASE = "http://127.0.0.1:9"
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now + timedelta(hours=3))

    assert _fresh(message).status == "queued"


@pytest.mark.parametrize(
    ("code", "words"),
    [(21614, "landline"), (30007, "unwanted"), (99999, "error 99999")],
)
def test_a_refusal_is_said_in_plain_words(
    stage: Stage, twilio: Twilio, code: int, words: str
) -> None:
    twilio.fault("reject", times=1, code=code)
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now)

    assert _fresh(message).status == "failed"
    assert words in _fresh(message).error_words
    assert stage.row.has_failed_message


def test_a_process_that_died_in_the_middle_leaves_an_unknown(stage: Stage) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="sending", sending_at=stage.now)

    assert report_stuck(now=stage.now + timedelta(seconds=29)) == 0
    assert report_stuck(now=stage.now + timedelta(seconds=31)) == 1

    assert _fresh(message).status == "unknown"


def test_only_a_person_sends_the_unknown_again_and_only_once(stage: Stage) -> None:
    message = stage.reply(stage.house.alice, "Again please")
    Message.objects.update(status="unknown")
    options = {
        "message": message,
        "by": stage.viewer(stage.house.alice),
        "user": stage.house.alice,
        "now": stage.now,
    }
    message.refresh_from_db()

    first, second = resend(**options), resend(**options)

    assert first.pk == second.pk
    assert (first.body, first.status) == ("Again please", "queued")


def test_a_paused_sender_keeps_its_messages(stage: Stage, twilio: Twilio) -> None:
    message = stage.reply(stage.house.alice)
    Sender.objects.update(is_paused=True)

    assert deliver(message.pk, now=stage.now) is None

    assert _fresh(message).status == "queued"


@pytest.mark.parametrize(
    ("statuses", "final"),
    [
        (["queued", "sending", "sent", "delivered"], "delivered"),
        (["delivered", "sent"], "delivered"),
        (["sent", "sent", "delivered", "delivered"], "delivered"),
        (["sent", "read", "delivered"], "read"),
        (["undelivered", "sent"], "failed"),
        (["delivered", "undelivered", "read"], "failed"),
        (["something_new"], "sent"),
    ],
)
def test_callbacks_only_move_forward(
    stage: Stage, twilio: Twilio, client: Client, statuses: list[str], final: str
) -> None:
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    for status in statuses:
        code = "30003" if status == "undelivered" else ""
        assert status_in(client, _fresh(message), status, code).status_code == 204

    assert _fresh(message).status == final


def test_a_callback_that_is_faster_than_the_answer_counts(
    stage: Stage, client: Client, twilio: Twilio
) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.update(status="sending")

    status_in(client, message, "delivered", sid="SM" + "8" * 32)

    assert _fresh(message).status == "delivered"
    assert _fresh(message).provider_sid == "SM" + "8" * 32


def test_a_callback_for_a_message_that_is_not_named_by_us_is_refused(
    stage: Stage, client: Client, house: House, charlie: Any
) -> None:
    message = stage.reply(stage.house.alice)
    theirs = Sender.objects.exclude(pk=house.sender.pk).get()
    other = text_in(client, theirs, "+14155550777", "Hi")

    answer = status_in(client, message, "delivered")
    stolen = client.post(f"/hooks/twilio/{house.sender.path_token}/status?m={other.public_id}&h=x")

    assert answer.status_code == 204
    assert stolen.status_code == 403


def test_twilio_fetches_our_photo_at_a_signed_address(
    stage: Stage, twilio: Twilio, client: Client
) -> None:
    upload = SimpleUploadedFile("shoe.jpg", PHOTO.read_bytes(), "image/jpeg")
    photo = store_upload(
        account_id=stage.house.account.pk,
        user=stage.house.alice,
        uploaded_file=upload,
        now=stage.now,
    )
    message = stage.reply(stage.house.alice, "Like this?", attachments=[photo])
    deliver(message.pk, now=stage.now)
    (url,) = twilio.requests_to_send()[0]["media_urls"]

    answer = client.get(url.removeprefix("http://localhost:8000"))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.getvalue() == PHOTO.read_bytes()
    assert client.get("/media/out/forged:token:x/shoe.jpg").status_code == 404


def test_on_whatsapp_several_files_become_several_messages(
    stage: Stage, client: Client, settings: Any
) -> None:
    Sender.objects.update(address="whatsapp:+15550100001", kind="whatsapp")
    message = text_in(
        client, Sender.objects.get(pk=stage.house.sender.pk), "whatsapp:+6581234567", "Photos?"
    )
    stage.pk, stage.now = message.conversation_id or 0, message.created_at
    files = [
        store_upload(
            account_id=stage.house.account.pk,
            user=stage.house.alice,
            uploaded_file=SimpleUploadedFile(f"{i}.jpg", PHOTO.read_bytes(), "image/jpeg"),
            now=stage.now,
        )
        for i in range(3)
    ]

    stage.reply(stage.house.alice, "Here", attachments=files)

    sent = Message.objects.filter(direction="out").order_by("seq")
    assert [(m.body, m.attachments.count()) for m in sent] == [("Here", 1), ("", 1), ("", 1)]


def test_of_two_tabs_that_send_one_file_the_second_is_told_that_it_is_gone(stage: Stage) -> None:
    file = store_upload(
        account_id=stage.house.account.pk,
        user=stage.house.alice,
        uploaded_file=SimpleUploadedFile("shoe.jpg", PHOTO.read_bytes(), "image/jpeg"),
        now=stage.now,
    )
    stage.reply(stage.house.alice, "Here", attachments=[file])

    with pytest.raises(MissingInputError, match="Attach them again"):
        stage.reply(stage.house.alice, "Here it is", attachments=[file])

    sent = Message.objects.get(direction="out")
    assert sent.body == "Here"
    assert sent.attachments.get().pk == file.pk


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "empty"),
        ("page.html", b"<html><script>alert(1)</script></html>", "cannot be sent"),
        ("evil.jpg", b"<svg onload=alert(1)>", "cannot be sent"),
        ("tool.exe", b"MZ\x90\x00" + b"\x00" * 64, "cannot be sent"),
        ("big.bin", b"x" * (5 * 1024 * 1024 + 1), "limit"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused_in_words(
    stage: Stage, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(MissingInputError, match=words):
        store_upload(
            account_id=stage.house.account.pk,
            user=stage.house.alice,
            uploaded_file=SimpleUploadedFile(name, content),
            now=stage.now,
        )
    assert not Attachment.objects.exists()


def test_without_the_whatsapp_feature_nothing_goes_out_on_whatsapp(
    stage: Stage, client: Client
) -> None:
    Sender.objects.update(address="whatsapp:+15550100001", kind="whatsapp")
    sender = Sender.objects.get(pk=stage.house.sender.pk)
    message = text_in(client, sender, "whatsapp:+6581234567", "Hello")
    stage.pk, stage.now = message.conversation_id or 0, message.created_at
    FeatureGrant.objects.filter(feature="whatsapp").delete()

    with pytest.raises(SendBlockedError, match="FEATURE_OFF"):
        stage.reply(stage.house.alice)
