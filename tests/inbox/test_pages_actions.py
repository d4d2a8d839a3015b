"""Do the buttons do one story each, and say no in the right words to scripts and to forms?"""

import uuid
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from inbox.conversations import claim_conversation
from inbox.forms import preset_moment
from inbox.labels import activity_words
from inbox.media import check_files
from inbox.models import (
    Attachment,
    Contact,
    Conversation,
    ConversationEvent,
    Message,
    TeamInbox,
)
from inbox.refusals import MissingInputError
from tests.factories import make_inbox
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]
SCRIPT: Any = {"headers": {"Accept": "application/json"}}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f0005000"
    "1ff89993d1d0000000049454e44ae426082"
)


def url(stage: Stage, name: str) -> str:
    return f"/c/{stage.row.public_id}/{name}/"


def send(browser: Client, stage: Stage, body: str = "Hi", **more: Any) -> Any:
    data = {"client_id": uuid.uuid4().hex, "kind": "reply", "body": body, **more}
    return browser.post(url(stage, "messages"), data, **SCRIPT)


# --- Writing --------------------------------------------------------------------------------------


def test_a_reply_answers_with_its_bubble_and_a_repeat_makes_no_second(
    stage: Stage, login: Any
) -> None:
    alice = login(stage.house.alice)

    first = send(alice, stage, "Line one\r\nline two", client_id="a" * 32)
    again = send(alice, stage, "Line one\r\nline two", client_id="a" * 32)

    assert (first.status_code, again.status_code) == (201, 201)
    assert f'id="m-{"a" * 32}"' in first.text
    message = Message.objects.get(direction="out")
    assert message.body == "Line one\nline two"


@pytest.mark.parametrize(
    "other", [{"kind": "note", "body": "Hi"}, {"kind": "reply", "body": "Something else"}]
)
def test_an_id_that_another_message_has_is_refused_and_nothing_is_lost(
    stage: Stage, login: Any, other: dict[str, str]
) -> None:
    alice = login(stage.house.alice)
    send(alice, stage, "Hi", client_id="a" * 32)

    refused = send(alice, stage, client_id="a" * 32, **other)

    assert (refused.status_code, refused.json()["code"]) == (409, "id_used")
    assert Message.objects.filter(direction="out").count() == 1


def test_an_id_of_a_colleague_s_message_is_refused(stage: Stage, login: Any) -> None:
    send(login(stage.house.alice), stage, "Hi", client_id="a" * 32)

    refused = send(login(stage.house.bob), stage, "Hi", client_id="a" * 32)

    assert (refused.status_code, refused.json()["code"]) == (409, "id_used")


def test_a_note_is_never_sent(stage: Stage, login: Any) -> None:
    made = send(login(stage.house.alice), stage, "call her", kind="note")

    assert made.status_code == 201
    assert "Internal note" in made.text
    assert Message.objects.get(body="call her").status == "note"


def test_the_loser_of_a_race_hears_who_has_it(stage: Stage, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)

    lost = send(login(stage.house.bob), stage, "Me too")

    assert lost.status_code == 409
    body = lost.json()
    assert (body["code"], body["owner"]) == ("claimed_by_other", "Alice")
    assert "may_note" not in body
    assert "Hello" not in lost.text
    assert not Message.objects.filter(direction="out").exists()


@pytest.mark.parametrize(("name", "may_note"), [("bob", False), ("sue", True)])
def test_the_loser_of_a_race_who_may_read_on_hears_whether_a_note_is_welcome(
    stage: Stage, login: Any, name: str, may_note: bool
) -> None:
    TeamInbox.objects.update(after_claim=TeamInbox.AfterClaim.READ_ONLY)
    stage.do(claim_conversation, stage.house.alice)

    lost = send(login(getattr(stage.house, name)), stage, "Me too")

    assert (lost.status_code, lost.json()["may_note"]) == (409, may_note)


def test_an_answer_that_crosses_with_new_words_is_held_until_all_were_shown(
    stage: Stage, login: Any
) -> None:
    stage.hear("And another thing")
    alice = login(stage.house.alice)

    held = send(alice, stage, "Sure", last_seen_message=1)
    stage.hear("One more")
    insisting = {"last_seen_message": held.json()["last_seq"], "force": "1"}
    held_again = send(alice, stage, "Sure", **insisting)
    insisting["last_seen_message"] = held_again.json()["last_seq"]
    sent = send(alice, stage, "Sure", **insisting)

    assert held.status_code == 409
    assert held.json()["code"] == "stale_thread"
    assert held.json()["conversation"] == stage.row.public_id
    assert "And another thing" in held.json()["html"]
    assert ">Hello<" not in held.json()["html"]
    assert (held_again.status_code, held_again.json()["code"]) == (409, "stale_thread")
    assert "One more" in held_again.json()["html"]
    assert "And another thing" not in held_again.json()["html"]
    assert sent.status_code == 201


def test_what_is_sent_again_is_held_as_well_until_all_were_shown(stage: Stage, login: Any) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed")
    stage.hear("Never mind")
    alice, again = login(stage.house.alice), f"/messages/{message.public_id}/resend/"

    held = alice.post(again, {"last_seen_message": message.seq}, **SCRIPT)

    assert (held.status_code, held.json()["code"]) == (409, "stale_thread")
    assert held.json()["conversation"] == stage.row.public_id
    assert "Never mind" in held.json()["html"]
    assert not Message.objects.filter(resend_of=message).exists()
    seen = {"last_seen_message": held.json()["last_seq"]}
    assert alice.post(again, seen, **SCRIPT).status_code == 200
    # Once it is made, a repeat is the same message, whatever was written since.
    stage.hear("Really")
    assert alice.post(again, seen, **SCRIPT).status_code == 200
    assert Message.objects.filter(resend_of=message).count() == 1


@pytest.mark.parametrize(
    ("body", "code"), [("x" * 1601, "too_long"), ("", "bad_input"), ("   ", "bad_input")]
)
def test_what_cannot_be_sent_is_refused_with_words(
    stage: Stage, login: Any, body: str, code: str
) -> None:
    refused = send(login(stage.house.alice), stage, body)

    assert refused.status_code == 422
    assert refused.json()["code"] == code
    assert refused.json()["detail"]


def test_after_stop_the_gate_s_own_words_are_shown(stage: Stage, login: Any) -> None:
    stage.hear("STOP")

    refused = send(login(stage.house.alice), stage)

    assert refused.status_code == 422
    assert refused.json()["code"] in {"opted_out", "provider_blocked"}
    assert "START" in refused.json()["detail"]


def test_a_plain_form_gets_a_page_again(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    page = f"/inbox/support/c/{stage.row.public_id}/"

    sent = alice.post(url(stage, "messages"), {"kind": "reply", "body": "No script here"})
    refused = alice.post(url(stage, "messages"), {"kind": "reply", "body": ""}, follow=True)

    assert sent.headers["Location"] == page
    assert Message.objects.filter(body="No script here").exists()
    assert "The message is empty" in refused.text


def test_files_go_up_first_and_then_along(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    stored = alice.post(
        url(stage, "attachments"), {"file": SimpleUploadedFile("a.png", PNG, "image/png")}
    )
    facts = {"media_ids[]": stored.json()["id"], "client_id": "b" * 32}
    sent = send(alice, stage, "Look", **facts)
    repeated = send(alice, stage, "Look", **facts)
    stolen = send(alice, stage, "Again", **{**facts, "client_id": "c" * 32})

    assert (repeated.status_code, stolen.status_code) == (201, 422)
    assert stored.status_code == 201
    assert stored.json()["type"] == "image/png"
    assert sent.status_code == 201
    assert Message.objects.get(direction="out").attachments.count() == 1


def test_somebody_else_s_upload_is_not_mine_to_send(stage: Stage, login: Any) -> None:
    stored = login(stage.house.bob).post(
        url(stage, "attachments"), {"file": SimpleUploadedFile("a.png", PNG, "image/png")}
    )

    refused = send(login(stage.house.alice), stage, "Look", media_ids=stored.json()["id"])

    assert refused.status_code == 422
    assert not Message.objects.filter(direction="out").exists()


def test_a_web_page_cannot_be_attached(stage: Stage, login: Any) -> None:
    page = SimpleUploadedFile("a.html", b"<!doctype html><script>1</script>", "image/png")

    refused = login(stage.house.alice).post(url(stage, "attachments"), {"file": page})

    assert refused.status_code == 422
    assert refused.json()["detail"]


# --- Buttons --------------------------------------------------------------------------------------


def test_claim_and_its_undo(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    claimed = alice.post(url(stage, "claim"), **SCRIPT)
    assert stage.row.owner == stage.house.alice
    undone = alice.post(claimed.json()["undo"], **SCRIPT)

    assert claimed.json()["message"]
    assert undone.status_code == 200
    assert stage.row.owner is None


def test_a_second_claim_learns_who_won(stage: Stage, login: Any) -> None:
    login(stage.house.alice).post(url(stage, "claim"), **SCRIPT)

    lost = login(stage.house.bob).post(url(stage, "claim"), **SCRIPT)

    assert lost.status_code == 409
    assert lost.json()["owner"] == "Alice"


def test_close_asks_about_a_waiting_customer_and_can_be_undone(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    asked = alice.post(url(stage, "close"), {"last_seen_seq": 1}, **SCRIPT)
    unseen = alice.post(url(stage, "close"), {"last_seen_seq": 0, "waiting_ok": 1}, **SCRIPT)
    closed = alice.post(url(stage, "close"), {"last_seen_seq": 1, "waiting_ok": 1}, **SCRIPT)

    assert (asked.status_code, asked.json()["code"]) == (409, "still_waiting")
    assert (unseen.status_code, unseen.json()["code"]) == (409, "unseen_messages")
    assert "Hello" in unseen.json()["html"]
    assert closed.status_code == 200
    assert stage.row.is_closed
    assert alice.post(closed.json()["undo"], **SCRIPT).status_code == 200
    assert not stage.row.is_closed


def close_anyway(browser: Client, stage: Stage, **more: Any) -> Any:
    seen = {"last_seen_seq": stage.row.thread.last_inbound_seq, "waiting_ok": 1}
    return browser.post(url(stage, "close"), {**seen, **more}, **SCRIPT)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", "Closed while the customer was waiting"),
        ("  ", "Closed while the customer was waiting"),
        ("Answered by phone", "Answered by phone"),
    ],
)
def test_closing_while_the_customer_waits_leaves_a_reason(
    stage: Stage, login: Any, given: str, kept: str
) -> None:
    assert close_anyway(login(stage.house.alice), stage, reason=given).status_code == 200

    assert stage.row.close_reason == kept
    event = ConversationEvent.objects.get(verb="closed")
    assert activity_words(event) == f"Alice closed this conversation: {kept}"


def test_closing_what_nobody_waits_for_needs_no_reason(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    send(alice, stage)

    assert close_anyway(alice, stage).status_code == 200

    assert stage.row.close_reason == ""


def test_the_dialog_about_a_waiting_customer_offers_a_reason(stage: Stage, login: Any) -> None:
    page = login(stage.house.alice).get("/inbox/support/").text
    dialog = page.partition('id="ask-waiting"')[2].partition("</dialog>")[0]

    assert 'name="reason"' in dialog
    assert "required" not in dialog


def test_a_close_cannot_be_undone_once_the_customer_has_begun_a_new_conversation(
    stage: Stage, login: Any
) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    alice = login(stage.house.alice)
    closed = close_anyway(alice, stage).json()
    old = stage.row
    stage.hear("One more thing")

    undone = alice.post(closed["undo"], **SCRIPT)

    assert (undone.status_code, undone.json()["code"]) == (409, "changed")
    old.refresh_from_db()
    assert (old.is_closed, stage.row.is_closed) == (True, False)


def test_a_supervisor_cannot_take_over_by_transferring_to_herself(stage: Stage, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)
    sue = login(stage.house.sue)

    refused = sue.post(url(stage, "transfer"), {"to": f"user:{stage.house.sue.pk}"}, **SCRIPT)
    offered = sue.get(url(stage, "transfer"), headers={"HX-Request": "true"}).text

    assert refused.status_code == 422
    assert "say why" in refused.json()["detail"]
    assert stage.row.owner == stage.house.alice
    assert f'value="user:{stage.house.sue.pk}"' not in offered
    assert f'value="user:{stage.house.bob.pk}"' in offered


@pytest.mark.parametrize("how", ["messages", "reopen"])
def test_where_nobody_claims_a_closed_conversation_opens_again_for_the_team(
    stage: Stage, login: Any, how: str
) -> None:
    TeamInbox.objects.update(claim_rule="collaborative")
    alice, bob = login(stage.house.alice), login(stage.house.bob)
    close_anyway(alice, stage)
    assert "opens it again for the team" in alice.get(url(stage, "desk")).text

    data = {"kind": "reply", "body": "One more thing"} if how == "messages" else {}
    assert alice.post(url(stage, how), data, **SCRIPT).status_code in {200, 201}

    assert (stage.row.status, stage.row.owner) == ("open", None)
    assert bob.get(f"/inbox/support/c/{stage.row.public_id}/").status_code == 200
    assert stage.sees(stage.house.bob)


def test_where_nobody_claims_a_transfer_to_a_person_is_still_possible(
    stage: Stage, login: Any
) -> None:
    TeamInbox.objects.update(claim_rule="collaborative")

    login(stage.house.alice).post(
        url(stage, "transfer"), {"to": f"user:{stage.house.bob.pk}"}, **SCRIPT
    )

    assert stage.row.owner == stage.house.bob


def test_elsewhere_a_reply_to_a_closed_conversation_makes_it_the_writer_s(
    stage: Stage, login: Any
) -> None:
    alice = login(stage.house.alice)
    close_anyway(alice, stage)

    send(alice, stage, "One more thing")

    assert stage.row.owner == stage.house.alice


def test_take_over_is_for_supervisors_with_a_reason(stage: Stage, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)
    sue = login(stage.house.sue)

    assert sue.post(url(stage, "take-over"), {"reason": " "}, **SCRIPT).status_code == 422
    taken = sue.post(url(stage, "take-over"), {"reason": "Alice is ill"}, **SCRIPT)

    assert taken.status_code == 200
    assert stage.row.owner == stage.house.sue


def test_transfer_to_somebody_away_wants_a_confirmation(stage: Stage, login: Any) -> None:
    User.objects.filter(pk=stage.house.bob.pk).update(availability="away")
    alice = login(stage.house.alice)
    to_bob = {"to": f"user:{stage.house.bob.pk}"}

    asked = alice.post(url(stage, "transfer"), to_bob, **SCRIPT)
    done = alice.post(url(stage, "transfer"), {**to_bob, "confirm": "1"}, **SCRIPT)

    assert asked.json()["code"] == "target_unavailable"
    assert done.status_code == 200
    assert stage.row.owner == stage.house.bob


def test_transfer_to_another_team(stage: Stage, login: Any) -> None:
    make_inbox(stage.house.account, "Billing")

    moved = login(stage.house.alice).post(url(stage, "transfer"), {"to": "inbox:billing"}, **SCRIPT)

    assert moved.status_code == 200
    assert stage.row.inbox.slug == "billing"


@pytest.mark.parametrize("to", ["", "user:x", "user:999999", "inbox:nowhere", "planet:mars"])
def test_transfer_to_nobody_changes_nothing(stage: Stage, login: Any, to: str) -> None:
    answer = login(stage.house.alice).post(url(stage, "transfer"), {"to": to}, **SCRIPT)

    assert answer.status_code in {404, 422}
    assert stage.row.owner is None


def test_transfer_to_another_account_s_people_is_not_possible(
    stage: Stage, login: Any, charlie: User
) -> None:
    answer = login(stage.house.alice).post(
        url(stage, "transfer"), {"to": f"user:{charlie.pk}"}, **SCRIPT
    )

    assert answer.status_code == 404


def test_snooze_until_a_moment_and_wake(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    until = stage.now + timedelta(days=400)

    assert alice.post(url(stage, "snooze"), {"until": "soon"}, **SCRIPT).status_code == 422
    assert alice.post(url(stage, "snooze"), {}, **SCRIPT).status_code == 422
    assert (
        alice.post(url(stage, "snooze"), {"until": until.isoformat()}, **SCRIPT).status_code == 200
    )
    assert stage.row.snoozed_until == until
    assert alice.post(url(stage, "wake"), **SCRIPT).status_code == 200
    assert stage.row.status == Conversation.Status.OPEN
    assert alice.post(url(stage, "snooze"), {"preset": "reply"}, **SCRIPT).status_code == 200
    assert stage.row.snoozed_until is None


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("later", "2026-11-20T15:30:00-05:00"),
        ("tomorrow", "2026-11-21T09:00:00-05:00"),
        ("monday", "2026-11-23T09:00:00-05:00"),
    ],
)
def test_snoozes_end_in_the_account_s_morning(stage: Stage, preset: str, expected: str) -> None:
    friday = stage.now.replace(day=20, hour=17, minute=30)

    moment = preset_moment(preset, now=friday, zone="America/New_York")

    assert moment is not None
    assert moment.astimezone(moment.tzinfo).isoformat() == expected or (
        moment.timestamp() == moment.fromisoformat(expected).timestamp()
    )


def test_an_inbox_may_have_a_morning_of_its_own(stage: Stage, login: Any) -> None:
    stage.house.account.time_zone = "America/New_York"
    stage.house.account.save()
    stage.house.inbox.time_zone = "Asia/Tokyo"
    stage.house.inbox.save()

    login(stage.house.alice).post(url(stage, "snooze"), {"preset": "tomorrow"}, **SCRIPT)

    until = stage.row.snoozed_until
    assert until is not None
    assert until.astimezone(ZoneInfo("Asia/Tokyo")).hour == 9


@pytest.mark.parametrize(
    "name",
    [
        *("messages", "attachments", "read", "unread", "claim", "release", "transfer"),
        *("take-over", "close", "undo-close", "reopen", "snooze", "wake"),
    ],
)
def test_charlie_can_do_nothing_here(stage: Stage, login: Any, charlie: User, name: str) -> None:
    before = Conversation.objects.values().get(pk=stage.pk)

    answer = login(charlie).post(url(stage, name), {"body": "x", "seq": 1, "reason": "x"}, **SCRIPT)

    assert answer.status_code == 404
    assert Conversation.objects.values().get(pk=stage.pk) == before
    assert Message.objects.count() == 1


@pytest.mark.parametrize("name", ["claim", "close", "release", "read", "attachments"])
def test_reading_an_address_changes_nothing(stage: Stage, login: Any, name: str) -> None:
    assert login(stage.house.alice).get(url(stage, name)).status_code == 405


def test_a_failed_message_can_be_sent_again_once(stage: Stage, login: Any, charlie: User) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed", error_code="30003")
    again = f"/messages/{message.public_id}/resend/"

    assert login(charlie).post(again, **SCRIPT).status_code == 404
    assert login(stage.house.alice).post(again, **SCRIPT).status_code == 200

    assert Message.objects.filter(resend_of=message).count() == 1


# --- Oneself --------------------------------------------------------------------------------------


def test_theme_and_availability_are_mine_to_choose(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    alice.post("/profile/theme/", {"theme": "dark", "next": "/inbox/support/"})
    away = alice.post("/profile/availability/", {"availability": "away"}, **SCRIPT)
    nonsense = alice.post("/profile/theme/", {"theme": "pink"}, **SCRIPT)

    stage.house.alice.refresh_from_db()
    assert (stage.house.alice.theme, stage.house.alice.availability) == ("dark", "away")
    assert (away.status_code, nonsense.status_code) == (204, 422)
    assert 'data-theme="dark"' in alice.get("/profile/").text


def test_a_form_does_not_lead_out_of_the_house(stage: Stage, login: Any) -> None:
    out = login(stage.house.alice).post(
        "/profile/theme/", {"theme": "light", "next": "https://evil.example/"}
    )

    assert out.headers["Location"] == "/profile/"


def test_who_sends_and_snoozes_is_told_of_what_they_have_not_seen(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    seen = stage.row.thread.last_inbound_seq
    late = {"preset": "reply", "last_seen_seq": seen - 1}

    answer = alice.post(url(stage, "snooze"), late, **SCRIPT)

    assert (answer.status_code, answer.json()["code"]) == (409, "unseen_messages")
    assert stage.row.status == "open"
    late["last_seen_seq"] = seen
    assert alice.post(url(stage, "snooze"), late, **SCRIPT).status_code == 200


def test_a_photo_goes_with_what_its_sender_says_is_to_be_seen(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    file = SimpleUploadedFile("a.png", PNG, "image/png")
    uploaded = alice.post(url(stage, "attachments"), {"file": file}, **SCRIPT).json()
    words = {f"alt-{uploaded['id']}": "  The blue\n one "}

    bubble = send(alice, stage, "", **{"media_ids[]": uploaded["id"]}, **words)

    assert uploaded["look"] == "image"
    assert 'alt="The blue one"' in bubble.text
    assert "data-sent-by" not in bubble.text
    assert "MMS" in bubble.text


def test_a_photo_without_words_names_its_sender_but_never_the_customer(
    stage: Stage, login: Any
) -> None:
    message = Message.objects.filter(direction="in").latest("pk")
    photo = Attachment.objects.create(
        account=stage.house.account, message=message, look="image", state="ready"
    )

    page = login(stage.house.alice).get(url(stage, "messages")).text

    assert f'/{photo.public_id}/"' in page
    assert 'alt="Photo from the customer"' in page
    assert 'data-sent-by=""' in page


def test_the_language_of_a_card_is_that_of_what_they_write(stage: Stage, login: Any) -> None:
    Contact.objects.update(language="es")

    page = login(stage.house.alice).get(url(stage, "messages")).text

    assert 'lang="es"' in page
    assert "Español" in page


def test_files_may_be_as_large_as_the_channel_takes(stage: Stage) -> None:
    many = [Attachment(size=3 * 1024 * 1024, content_type="image/png") for _ in range(2)]
    film = [Attachment(size=12 * 1024 * 1024, content_type="video/mp4")]

    check_files(many, "whatsapp")
    check_files(film, "whatsapp")
    with pytest.raises(MissingInputError, match="together"):
        check_files(many, "sms")
    with pytest.raises(MissingInputError, match="limit is 5 MB"):
        check_files(film, "sms")
    with pytest.raises(MissingInputError, match="limit is 5 MB"):
        check_files([Attachment(size=6 * 1024 * 1024, content_type="image/png")], "whatsapp")


def test_where_a_reason_is_asked_for_a_close_without_one_says_so(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(is_close_reason_required=True)
    alice, seen = login(stage.house.alice), stage.row.thread.last_inbound_seq
    wish = {"last_seen_seq": seen, "waiting_ok": "1"}

    answer = alice.post(url(stage, "close"), {**wish, "reason": " "}, **SCRIPT)

    assert (answer.status_code, answer.json()["code"]) == (422, "reason_needed")
    assert stage.row.status == "open"
    assert alice.post(url(stage, "close"), {**wish, "reason": "done"}, **SCRIPT).status_code == 200
    assert stage.row.close_reason == "done"
