"""Are people, numbers and events named as a reader would name them?"""

import pytest

from inbox.labels import (
    ACTIVITY_ICONS,
    ACTIVITY_SENTENCES,
    STATUS_ICONS,
    STATUS_WORDS,
    activity_icon,
    activity_words,
    file_words,
    hue_of,
    initials,
    letters,
    phone_words,
)
from inbox.models import Attachment, ConversationEvent, Message


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+12125550100", "+1 212-555-0100"),
        ("whatsapp:+4915112345678", "+49 1511 2345678"),
        ("32665", "32665"),
        ("ACME", "ACME"),
        ("whatsapp:US.1234", "US.1234"),
    ],
)
def test_numbers_are_written_as_people_write_them(number: str, words: str) -> None:
    assert phone_words(number) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Maria Gonzalez", "MG"),
        ("Cher", "C"),
        ("Anna Maria de la Cruz", "AC"),
        ("+1 212-555-0100", ""),
        ("", ""),
        ("عمر حداد", "عح"),
        ("élodie", "É"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("name", "two"),
    [("Sales", "Sa"), ("Support", "Su"), ("Sales East", "SE"), ("24h desk", "24"), ("", "#")],
)
def test_inboxes_that_begin_alike_have_different_letters(name: str, two: str) -> None:
    assert letters(name) == two


@pytest.mark.parametrize(
    ("content_type", "look", "words"),
    [
        ("application/pdf", "file", "PDF"),
        ("text/vcard", "card", "Contact card"),
        ("audio/ogg; codecs=opus", "audio", "Voice message"),
        ("text/plain; charset=utf-8", "file", "Text file"),
        ("application/octet-stream", "file", "File"),
    ],
)
def test_files_are_named_as_people_name_them(content_type: str, look: str, words: str) -> None:
    assert file_words(Attachment(content_type=content_type, look=look)) == words


def test_a_withdrawn_consent_looks_like_a_warning_and_a_given_one_does_not() -> None:
    icons = {
        state: activity_icon(ConversationEvent(verb="consent", data={"state": state}))
        for state in ("opted_out", "conversational")
    }

    assert icons == {"opted_out": "shield-alert", "conversational": "shield-check"}


def test_a_colour_is_always_the_same() -> None:
    assert hue_of("c1") == hue_of("c1")
    assert {hue_of(n) for n in range(200)} == set(range(8))


def test_every_status_has_words_and_a_picture() -> None:
    ours = set(Message.Status) - {Message.Status.RECEIVED, Message.Status.NOTE}

    assert set(STATUS_WORDS) == set(STATUS_ICONS) == ours


def test_every_event_has_a_sentence_and_a_picture() -> None:
    assert set(ACTIVITY_SENTENCES) == set(ACTIVITY_ICONS) == set(ConversationEvent.Verb)


@pytest.mark.parametrize(
    ("verb", "data", "words"),
    [
        ("claimed", {}, "Ann claimed this conversation"),
        (
            "transferred",
            {"to": "Bob", "note": "he knows her"},
            "Ann transferred this to Bob: he knows her",
        ),
        ("moved", {"source": "Support", "target": "Billing"}, "Ann moved this to Billing"),
        ("closed", {"reason": "100 % done"}, "Ann closed this conversation: 100 % done"),
        ("reopened", {"owner": "Bob"}, "Reopened, back with Bob"),
        ("silent", {}, "No automatic reply was sent"),
        (
            "silent",
            {"is_loop": True, "reason": "would repeat the same text"},
            "Two machines seem to talk to each other, so nothing was answered by itself: "
            "would repeat the same text",
        ),
        ("warned", {"step": 1, "left": 2}, "Help comes in 2 min if nobody answers"),
        (
            "escalated",
            {"did": "add", "to": "Bob", "reason": "no answer for 5 minutes"},
            "Escalation added Bob: no answer for 5 minutes",
        ),
        ("escalated", {"did": "dance"}, "Escalated"),
        ("consent", {"state": "strange"}, "The customer's consent changed"),
    ],
)
def test_history_reads_as_sentences(verb: str, data: dict[str, object], words: str) -> None:
    event = ConversationEvent(verb=verb, data=data, actor_label="Ann")

    assert activity_words(event) == words
