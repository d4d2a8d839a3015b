"""Can an author choose when a message goes, and stop it until then?"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from compliance.gate import Purpose, SendBlockedError
from compliance.models import CompliancePolicy, GateDecision
from inbox.conversations import claim_conversation
from inbox.desk import Banner, desk_of
from inbox.models import Message
from inbox.refusals import ClaimedByOtherError, MissingInputError, NotAllowedError
from inbox.sending import Later, call_off, deliver, owed_messages
from inbox.sending.calling_off import TooLateError
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.flows.test_together import Stage

Login = Callable[[User], Client]
HOUR = timedelta(hours=1)


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


def later(stage: Stage, **options: Any) -> Message:
    """Let Alice write what goes in an hour."""
    chosen = Later(stage.now + HOUR, **options)
    message: Message = stage.reply(stage.house.alice, "See you at ten.", later=chosen)
    return message


def stop(stage: Stage, message: Message, user: User) -> Message:
    return call_off(
        message=Message.objects.select_related("conversation").get(pk=message.pk),
        by=stage.viewer(user),
        user=user,
        now=stage.now,
    )


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def bodies(twilio: Twilio) -> list[str]:
    return [asked["body"] for asked in twilio.requests_to_send()]


# --- Later ----------------------------------------------------------------------------------------


def test_it_goes_at_its_moment_and_says_so_until_then(stage: Stage, twilio: Twilio) -> None:
    message = later(stage)
    assert (message.status, message.error_code) == ("queued", "SCHEDULED")
    assert message.not_before == stage.now + HOUR
    assert "unless they write first" in message.error_words

    assert deliver(message.pk, now=stage.now + HOUR - timedelta(seconds=1)) is None
    assert owed_messages(now=stage.now + HOUR) == [message.pk]
    deliver(message.pk, now=stage.now + HOUR)

    assert bodies(twilio) == ["See you at ten."]
    assert (fresh(message).status, fresh(message).error_words) == ("sent", "")


def test_it_answers_when_it_goes_not_when_it_is_written(stage: Stage) -> None:
    waited = stage.row.waiting_since
    assert waited is not None
    message = later(stage)
    assert stage.row.waiting_since == waited

    deliver(message.pk, now=stage.now + HOUR)

    assert stage.row.waiting_since is None
    assert stage.row.last_human_reply_at == stage.now + HOUR
    assert fresh(message).waited_since == waited


def test_what_failed_then_lets_them_wait_on(stage: Stage, twilio: Twilio) -> None:
    waited = stage.row.waiting_since
    message = later(stage)
    twilio.fault("reject", times=1, code=21614)

    deliver(message.pk, now=stage.now + HOUR)

    assert fresh(message).status == "failed"
    assert (stage.row.waiting_since, stage.row.has_failed_message) == (waited, True)


def test_it_does_not_go_when_they_write_first(stage: Stage, twilio: Twilio) -> None:
    message = later(stage)
    stage.now += timedelta(minutes=10)
    stage.hear("I cannot come.")

    deliver(message.pk, now=stage.now + HOUR)

    assert bodies(twilio) == []
    assert fresh(message).status == "blocked"
    assert "wrote before it went" in fresh(message).error_words
    assert stage.row.waiting_since is not None


def test_it_goes_all_the_same_where_that_is_wanted_and_then_answers_nothing(
    stage: Stage, twilio: Twilio
) -> None:
    message = later(stage, unless_they_write=False)
    stage.now += timedelta(minutes=10)
    stage.hear("I cannot come.")

    deliver(message.pk, now=stage.now + HOUR)

    assert bodies(twilio) == ["See you at ten."]
    assert stage.row.waiting_since is not None


def test_it_holds_up_nothing_that_is_sent_meanwhile(stage: Stage, twilio: Twilio) -> None:
    message = later(stage, unless_they_write=False)
    answer = stage.reply(stage.house.alice, "One moment.")

    deliver(answer.pk, now=stage.now)
    deliver(message.pk, now=stage.now + HOUR)

    assert bodies(twilio) == ["One moment.", "See you at ten."]


def test_an_opt_out_meanwhile_stops_it(stage: Stage, twilio: Twilio) -> None:
    message = later(stage)
    stage.hear("STOP")

    assert (fresh(message).status, fresh(message).error_code) == ("canceled", "OPTED_OUT")
    deliver(message.pk, now=stage.now + HOUR)
    assert bodies(twilio) == []


def test_it_is_judged_for_its_moment(stage: Stage) -> None:
    """It is noon there now, and night when it is to go."""
    tell(stage.house.account, proof(), at=stage.now)
    at = datetime.fromisoformat("2026-11-24T07:00Z")

    offer = stage.reply(
        stage.house.alice,
        "Acme: 20% off all week. Reply STOP to opt out.",
        purpose=Purpose.PROMOTIONAL,
        later=Later(at),
    )

    assert offer.error_code == "QUIET_HOURS"
    assert offer.not_before is not None
    assert offer.not_before > at


# --- Asked because of the hour (contract: decision 4) ---------------------------------------------


@pytest.fixture
def late(stage: Stage) -> Stage:
    """It is morning where Maria is, and later answers go there from six in the evening on."""
    CompliancePolicy.objects.create(
        account=stage.house.account,
        reply_free_hours=0,
        reply_window="mon-sun=18:00-20:00",
        changed_by=stage.house.sue,
        changed_at=stage.now,
    )
    stage.now += timedelta(minutes=1)
    return stage


EVENING = datetime.fromisoformat("2026-11-24T02:00Z")


def answers(stage: Stage, login: Login, **said: str) -> Any:
    """Let Alice send an answer from the page."""
    client = login(stage.house.alice)
    with time_machine.travel(stage.now, tick=False):
        return client.post(
            f"/c/{stage.row.public_id}/messages/",
            {"body": "It is ready.", "client_id": "late-answer", **said},
            headers={"Accept": "application/json"},
        )


def test_who_is_asked_hears_from_when_it_may_go(late: Stage, login: Login) -> None:
    asked = answers(late, login)

    assert asked.status_code == 409
    assert asked.json()["went_on"] == "REPLY_HOURS"
    assert datetime.fromisoformat(asked.json()["send_at"]) == EVENING
    assert "18:00 there" in asked.json()["detail"]
    assert not Message.objects.filter(direction="out").exists()
    kept = GateDecision.objects.get(code="REPLY_HOURS")
    assert (kept.answer, kept.until) == ("ask", EVENING)


def test_the_same_message_goes_at_that_moment_without_a_question(
    late: Stage, login: Login, twilio: Twilio
) -> None:
    moment = answers(late, login).json()["send_at"]

    assert answers(late, login, later="at", send_at=moment).status_code == 201
    message = Message.objects.get(direction="out")
    assert (message.status, message.error_code) == ("queued", "SCHEDULED")
    assert message.not_before == EVENING
    assert deliver(message.pk, now=EVENING - timedelta(seconds=1)) is None
    deliver(message.pk, now=EVENING)

    assert bodies(twilio) == ["It is ready."]


def test_who_says_why_sends_it_at_once_and_it_is_not_put_off(
    late: Stage, login: Login, twilio: Twilio
) -> None:
    sent = answers(late, login, went_on="REPLY_HOURS", went_on_reason="She waits at the door")

    assert sent.status_code == 201
    message = Message.objects.get(direction="out")
    assert message.not_before == late.now
    deliver(message.pk, now=late.now)
    assert bodies(twilio) == ["It is ready."]


def test_a_moment_outside_the_hours_is_asked_about_as_well(late: Stage, login: Login) -> None:
    night = (EVENING + timedelta(hours=5)).isoformat()

    asked = answers(late, login, later="at", send_at=night)

    assert asked.status_code == 409
    assert datetime.fromisoformat(asked.json()["send_at"]) == EVENING + timedelta(days=1)


def test_the_banner_names_the_moment_to_who_may_answer(late: Stage) -> None:
    banner = banner_of(late, late.house.alice)
    assert banner is not None
    assert (banner.kind, banner.action, banner.goes_from) == ("reply_hours", "later", EVENING)

    late.do(claim_conversation, late.house.bob)

    others = banner_of(late, late.house.sue)
    assert others is not None
    assert (others.action, others.goes_from) == ("take-over", None)


def banner_of(stage: Stage, user: User) -> Banner | None:
    """Return what a person sees over the field."""
    return desk_of(stage.viewer(user), user, stage.row, now=stage.now).banner


def test_whoever_may_not_be_written_to_cannot_be_written_to_later(stage: Stage) -> None:
    stage.hear("STOP")

    with pytest.raises(SendBlockedError):
        later(stage)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=-1), timedelta(days=181)])
def test_a_moment_is_still_to_come(stage: Stage, ahead: timedelta) -> None:
    with pytest.raises(MissingInputError, match="still to come"):
        stage.reply(stage.house.alice, later=Later(stage.now + ahead))

    assert not Message.objects.filter(direction="out").exists()


# --- Stopped --------------------------------------------------------------------------------------


def test_what_waits_is_stopped_once_and_never_goes(stage: Stage, twilio: Twilio) -> None:
    message = later(stage)

    first = stop(stage, message, stage.house.alice)
    again = stop(stage, message, stage.house.bob)

    assert (first.status, first.error_words) == ("canceled", "Stopped by Alice.")
    assert again.error_words == "Stopped by Alice."
    assert deliver(message.pk, now=stage.now + HOUR) is None
    assert bodies(twilio) == []


def test_an_answer_that_is_taken_back_lets_them_wait_on(stage: Stage, twilio: Twilio) -> None:
    waited = stage.row.waiting_since
    message = stage.reply(stage.house.alice, "Oops", hold=timedelta(seconds=5))
    assert stage.row.waiting_since is None
    assert deliver(message.pk, now=stage.now + timedelta(seconds=4)) is None

    stop(stage, message, stage.house.alice)

    assert (stage.row.waiting_since, stage.row.has_failed_message) == (waited, False)
    assert deliver(message.pk, now=stage.now + timedelta(seconds=5)) is None
    assert bodies(twilio) == []


def test_what_is_held_goes_by_itself_in_its_order(stage: Stage, twilio: Twilio) -> None:
    held = {"hold": timedelta(seconds=5)}
    first, second = (stage.reply(stage.house.alice, body, **held) for body in ("one", "two"))
    then = stage.now + timedelta(seconds=5)

    assert owed_messages(now=then) == [first.pk]
    assert deliver(second.pk, now=then) is None
    deliver(first.pk, now=then)
    deliver(second.pk, now=then)

    assert bodies(twilio) == ["one", "two"]


def test_what_has_left_is_not_stopped(stage: Stage) -> None:
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    with pytest.raises(TooLateError):
        stop(stage, message, stage.house.alice)

    assert fresh(message).status == "sent"


def test_who_lost_the_conversation_stops_nothing(stage: Stage) -> None:
    message = later(stage)
    stage.do(claim_conversation, stage.house.bob)

    with pytest.raises((ClaimedByOtherError, NotAllowedError)):
        stop(stage, message, stage.house.alice)

    assert fresh(message).status == "queued"


# --- Over HTTP ------------------------------------------------------------------------------------


def write(client: Client, stage: Stage, **data: str) -> Any:
    with time_machine.travel(stage.now, tick=False):
        return client.post(
            f"/c/{stage.row.public_id}/messages/",
            {"body": "See you at ten.", **data},
            headers={"Accept": "application/json"},
        )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"later": "at"}, "day and a time"),
        ({"later": "at", "send_at": "soon"}, "day and a time"),
        ({"later": "at", "send_at": "2020-01-01T10:00"}, "still to come"),
        ({"later": "at", "send_at": "9999-12-31T23:59"}, "still to come"),
        ({"later": "never"}, ""),
        ({"hold": "31"}, ""),
    ],
)
def test_what_is_no_moment_is_refused_in_words(
    stage: Stage, login: Login, given: dict[str, str], words: str
) -> None:
    answer = write(login(stage.house.alice), stage, **given)

    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)
    assert not Message.objects.filter(direction="out").exists()


def test_tomorrow_is_nine_in_the_zone_of_the_inbox(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)

    answer = write(alice, stage, later="tomorrow")

    assert answer.status_code == 201
    message = Message.objects.get(direction="out")
    html = answer.content.decode()
    assert f'data-call-off="/messages/{message.public_id}/call-off/"' in html
    assert "Do not send" in html
    assert "at 09:00" in message.error_words
    with time_machine.travel(stage.now, tick=False):
        stopped = alice.post(
            f"/messages/{message.public_id}/call-off/", headers={"Accept": "application/json"}
        )
    assert stopped.json()["message"] == "Stopped. It was not sent."
    assert fresh(message).status == "canceled"
