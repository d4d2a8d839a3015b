"""What does an inbox say by itself, and did the first reply of old move there?"""

from importlib import import_module
from typing import Any

import pytest

from config.warm import learn_languages
from inbox.models import TeamInbox
from inbox.reply_settings import (
    greeting,
    replies_of,
    says_nothing,
    tells_languages_apart,
)
from routing import languages
from routing.replies import FirstWhen
from routing.reply_documents import read_replies
from tests.factories import make_account, make_inbox, make_rules

moving: Any = import_module("inbox.migrations.0014_greetings_move")


@pytest.mark.parametrize(
    ("language", "document", "spoken"),
    [("", {}, "en"), ("es", {}, "es"), ("es", {"default_language": "fr"}, "fr")],
)
def test_the_inbox_s_own_language_speaks_where_the_document_names_none(
    db: None, language: str, document: dict[str, Any], spoken: str
) -> None:
    inbox = make_inbox(
        make_account("Acme"), "Support", language=language, bot_name="Robin", replies=document
    )

    replies = replies_of(inbox)

    assert replies.default_language == spoken
    assert (replies.inbox_name, replies.bot_name) == ("Support", "Robin")


def test_no_query_is_asked_and_a_new_document_holds_at_once(
    db: None, django_assert_num_queries: Any
) -> None:
    inbox = make_inbox(make_account("Acme"), replies=greeting("Hi"))

    with django_assert_num_queries(0):
        assert replies_of(inbox).first_message
        inbox.replies = {}
        assert replies_of(inbox).first_message is None
        inbox.replies = {"format": 7}
        assert says_nothing(replies_of(inbox))


@pytest.mark.parametrize(
    ("when", "text", "is_said"),
    [
        ("ever", "Welcome", True),
        ("per_conversation", "Hi, {braces}", True),
        ("off", "Welcome", False),
        ("off", "", False),
        ("ever", " ", False),
    ],
)
def test_the_first_reply_moves_into_the_document_and_back(
    when: str, text: str, *, is_said: bool
) -> None:
    reply = moving.written(when, text)
    read = read_replies({"format": 1, "first_message": reply}).first_message

    assert read
    assert read.is_on is is_said
    if is_said:
        assert (read.when.value, read.variants[0].text.source) == (when, text)
        assert moving.taken_back(reply) == (when, text)
    else:
        assert moving.taken_back(reply) == ("off", text.strip())


def test_of_many_texts_the_one_for_everybody_goes_back() -> None:
    texts = [{"text": "Hola", "language": "es"}, {"text": "Hi"}]
    assert moving.taken_back({"when": "after_silence", "variants": texts}) == (
        "per_conversation",
        "Hi",
    )
    assert moving.taken_back({"when": "ever", "variants": texts[:1]}) == ("ever", "Hola")


def test_a_greeting_is_a_document() -> None:
    assert greeting("Hi {{ contact.first_name | there }}", FirstWhen.EVER) == {
        "format": 1,
        "first_message": {
            "when": "ever",
            "variants": [{"text": "Hi {{contact.first_name|there}}"}],
        },
    }


def test_languages_are_loaded_only_where_they_make_a_difference(db: None) -> None:
    inbox = make_inbox(make_account("Acme"), replies=greeting("Hi"))
    assert not tells_languages_apart()

    texts = [{"text": "Hi"}, {"text": "Hola", "language": "es"}]
    TeamInbox.objects.update(replies={"first_message": {"variants": texts}})
    assert tells_languages_apart()
    TeamInbox.objects.update(is_on=False)
    assert not tells_languages_apart()

    asked = {"all": [{"fact": "language", "test": "is_any", "value": ["es"]}]}
    make_rules(inbox, {"if": asked, "then": {"tags": ["spanish"]}})
    assert tells_languages_apart()


def test_a_process_learns_languages_beside_its_start(transactional_db: None) -> None:
    learn_languages().join()
    make_inbox(
        make_account("Acme"),
        replies={"first_message": {"variants": [{"text": "Hola", "language": "es"}]}},
    )
    learn_languages().join()

    assert languages._detector.cache_info().currsize > 0
