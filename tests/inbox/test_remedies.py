"""Does a message that did not arrive offer what helps, and nothing else?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from compliance.gate import Reason
from inbox.carrier import ErrorKind, Remedy
from inbox.fragments import render_bubble
from inbox.models import Message
from inbox.remedies import Help, help_for
from inbox.twilio.errors import MEANINGS, Meaning, meaning_of
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]
SCRIPT: Any = {"headers": {"Accept": "application/json"}}
NOTHING = Help(Remedy.NONE)


def failed(code: str, **facts: Any) -> Message:
    return Message(
        **{"status": "failed", "direction": "out", "body": "Hi", "error_code": code, **facts}
    )


# --- What the words advise, the button does -------------------------------------------------------

# The first that is found in the words says what helps.
ADVICE = [
    ("Send it again later", Remedy.LATER),
    ("slow down", Remedy.LATER),
    ("limit", Remedy.LATER),
    ("Try again later", Remedy.LATER),
    ("approved template", Remedy.TEMPLATE),
    ("template", Remedy.TEMPLATE),
    ("Send it again.", Remedy.AGAIN),
    ("Try an SMS", Remedy.CHANNEL),
    ("another channel", Remedy.CHANNEL),
    ("Call instead", Remedy.UNREACHABLE),
    ("Check it with the customer", Remedy.UNREACHABLE),
    ("admin", Remedy.NONE),
    ("START", Remedy.NONE),
]

# To ourselves, and an empty one: there is nothing to change.
WITHOUT_CURE = {"21266", "21602"}


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
def test_what_words_advise_is_what_is_offered(code: str, meaning: Meaning) -> None:
    advised = next((helps for words, helps in ADVICE if words in meaning.words), None)
    if advised is None and meaning.kind is ErrorKind.CONTENT and code not in WITHOUT_CURE:
        advised = Remedy.EDIT

    assert advised in {None, meaning.helps}


@pytest.mark.parametrize("code", ["21610", "30004", "63014"])
def test_who_wants_no_messages_is_offered_none(code: str) -> None:
    assert help_for(failed(code)) == NOTHING


@pytest.mark.parametrize("code", ["30034", "21606", "20003", "21408"])
def test_what_an_admin_mends_first_can_be_sent_again_then(code: str) -> None:
    assert help_for(failed(code)) == Help(Remedy.NONE, may_repeat=True, may_go_beside=True)


@pytest.mark.parametrize(
    ("code", "first", "may_repeat"),
    [
        ("30003", Remedy.LATER, True),
        ("30008", Remedy.AGAIN, True),
        ("30005", Remedy.UNREACHABLE, False),
        ("30006", Remedy.UNREACHABLE, False),
        ("30007", Remedy.EDIT, False),
        ("63003", Remedy.CHANNEL, False),
        ("throttled", Remedy.LATER, True),
        ("", Remedy.AGAIN, True),
        ("99999", Remedy.AGAIN, True),
        (Reason.OUT_OF_REACH.value, Remedy.CHANNEL, False),
        (Reason.QUIET_HOURS_EXPIRED.value, Remedy.LATER, True),
        (Reason.NO_OPTOUT_NOTICE.value, Remedy.EDIT, False),
        (Reason.LICENSE_MISSING.value, Remedy.NONE, True),
        (Reason.SENDER_PAUSED.value, Remedy.NONE, True),
    ],
)
def test_each_failure_has_one_that_helps_first(code: str, first: Remedy, may_repeat: bool) -> None:
    found = help_for(failed(code))

    assert (found.first, found.may_repeat, found.may_go_beside) == (first, may_repeat, True)


@pytest.mark.parametrize(
    "reason", [Reason.OPTED_OUT, Reason.DO_NOT_CONTACT, Reason.CONTACT_BLOCKED]
)
def test_what_the_gate_stopped_for_good_is_offered_nothing(reason: Reason) -> None:
    assert help_for(failed(reason.value, status="blocked")) == NOTHING


@pytest.mark.parametrize(
    ("code", "facts", "first"),
    [
        ("63016", {"channel": "whatsapp"}, Remedy.TEMPLATE),
        (Reason.WA_WINDOW_CLOSED.value, {"channel": "whatsapp"}, Remedy.TEMPLATE),
        ("63016", {"channel": "sms"}, Remedy.NONE),
        ("30007", {"body": ""}, Remedy.NONE),
        ("63005", {"channel": "whatsapp", "details": {"template": {}}}, Remedy.TEMPLATE),
    ],
)
def test_only_what_is_possible_for_this_message_is_offered(
    code: str, facts: dict[str, Any], first: Remedy
) -> None:
    assert help_for(failed(code, **facts)).first is first


def test_what_is_not_confirmed_is_never_advised_to_be_sent_again() -> None:
    found = help_for(failed("unknown", status="unknown"))

    assert found == Help(Remedy.NONE, may_repeat=True, may_go_beside=True)


# --- What stands in the bubble --------------------------------------------------------------------


def buttons(html: str) -> list[tuple[str, bool]]:
    """Return what a bubble offers, in order, and whether it stands out."""
    problem = html[html.index('class="msg-problem"') :]
    found = re.findall(r'<(?:a|button) [^>]*class="([^"]*)"[^>]*>(.*?)</(?:a|button)>', problem)
    return [(re.sub(r"<[^>]*>", "", words).strip(), "button" in names) for names, words in found]


@pytest.mark.parametrize(
    ("code", "channel", "offered"),
    [
        ("30008", "sms", ["*Send again", "Another channel", "Mark as out of reach"]),
        (
            "30003",
            "sms",
            ["*Send again later…", "Send again", "Another channel", "Mark as out of reach"],
        ),
        ("30007", "sms", ["*Change and send", "Another channel"]),
        ("63016", "whatsapp", ["*Choose a template", "Another channel"]),
        ("63003", "whatsapp", ["*Another channel", "Mark as out of reach"]),
        ("30006", "sms", ["*Mark as out of reach", "Another channel"]),
        ("30034", "sms", ["Send again", "Another channel"]),
        ("21610", "sms", []),
    ],
)
def test_the_bubble_shows_what_helps_first(
    stage: Stage, code: str, channel: str, offered: list[str]
) -> None:
    message = stage.reply(stage.house.alice)
    words = meaning_of(code).words
    facts = {"status": "failed", "error_code": code, "error_words": words, "channel": channel}
    Message.objects.filter(pk=message.pk).update(**facts)

    html = render_bubble(Message.objects.get(pk=message.pk))

    assert [f"{'*' * is_first}{words}" for words, is_first in buttons(html)] == offered


def test_what_was_sent_again_offers_nothing_more(stage: Stage) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed", error_code="30005")
    again = stage.reply(stage.house.alice)
    Message.objects.filter(pk=again.pk).update(resend_of=message)

    assert buttons(render_bubble(Message.objects.get(pk=message.pk))) == []


# --- Later ----------------------------------------------------------------------------------------


def test_it_is_sent_again_later_once_and_answers_nobody_before(stage: Stage, login: Any) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed", error_code="30003")
    stage.hear("Hello?")
    alice, again = login(stage.house.alice), f"/messages/{message.public_id}/resend/"
    wish = {"later": "later", "last_seen_message": stage.row.thread.last_seq}

    said = [alice.post(again, wish, **SCRIPT) for _ in range(2)]

    assert [one.status_code for one in said] == [200, 200]
    assert said[0].json()["message"] == "It is sent again then."
    new = Message.objects.get(resend_of=message)
    assert (new.status, new.error_code) == ("queued", "SCHEDULED")
    assert new.not_before is not None
    assert new.not_before - new.created_at == timedelta(hours=3)
    assert new.details["later"]["unless_they_write"] is True
    assert stage.row.waiting_since is not None


@pytest.mark.parametrize(
    "wish", [{"later": "at"}, {"later": "at", "send_at": "2020-01-01T10:00"}, {"later": "never"}]
)
def test_a_moment_that_is_none_is_refused(stage: Stage, login: Any, wish: dict[str, str]) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed")
    alice = login(stage.house.alice)

    refused = alice.post(f"/messages/{message.public_id}/resend/", wish, **SCRIPT)

    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")
    assert not Message.objects.filter(resend_of=message).exists()


def test_others_send_nothing_again(stage: Stage, login: Any, charlie: User) -> None:
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed")

    refused = login(charlie).post(
        f"/messages/{message.public_id}/resend/", {"later": "tomorrow"}, **SCRIPT
    )

    assert refused.status_code == 404
    assert not Message.objects.filter(resend_of=message).exists()
