"""What is a Data Action told, and what of its answer counts? Right, wrong and hostile answers."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.data_action import (
    LONGEST_NOTE,
    LONGEST_REPLY,
    Contact,
    Conversation,
    Inbox,
    Known,
    Media,
    Member,
    Message,
    Problem,
    Question,
    Reply,
    Verdict,
    answer_of,
    read_verdict,
    request_body,
)
from routing.facts import Answer, Directory, Person
from routing.json_answers import LARGEST

ANNA, BO = Person(1, "Anna", "anna@example.com"), Person(2, "Bo", "Bo@Example.com")
KNOWN = Known(
    Directory(people={1: ANNA, 2: BO}),
    teams={7: "Sales", 8: "Support", 9: "Twin", 10: "twin"},
    policies=("Urgent",),
)
QUESTION = Question(
    id="msg_1",
    account=3,
    inbox=Inbox(4, "Support", "+15550100001"),
    contact=Contact("c1", "Zoë", "+14155550100", attributes={"tier": "gold"}, tags=("vip",)),
    conversation=Conversation("v1", is_new=True, owner=None),
    message=Message(
        "m1",
        "Hello “there”",
        "sms",
        datetime(2026, 11, 26, 7, 0, tzinfo=UTC),
        (Media("image/jpeg", "https://inbox.example.com/m/1"),),
    ),
    members=(Member(1, "anna@example.com", available=True, open=2),),
)


def read(answer: Any) -> Verdict | Problem:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return read_verdict(content, KNOWN)


def test_the_question_has_the_shape_of_the_contract() -> None:
    assert json.loads(request_body(QUESTION)) == {
        "type": "inbound_message",
        "id": "msg_1",
        "account": 3,
        "inbox": {"id": 4, "name": "Support", "address": "+15550100001"},
        "contact": {
            "id": "c1",
            "name": "Zoë",
            "number": "+14155550100",
            "language": "",
            "country": "",
            "region": "",
            "owner": None,
            "tags": ["vip"],
            "attributes": {"tier": "gold"},
        },
        "conversation": {"id": "v1", "is_new": True, "reopened": False, "owner": None},
        "message": {
            "id": "m1",
            "text": "Hello “there”",
            "media": [{"content_type": "image/jpeg", "url": "https://inbox.example.com/m/1"}],
            "channel": "sms",
            "received_at": "2026-11-26T07:00:00+00:00",
        },
        "members": [{"id": 1, "email": "anna@example.com", "available": True, "open": 2}],
    }


@given(st.text(st.characters(), max_size=50))
def test_whatever_a_customer_writes_can_be_asked_about(text: str) -> None:
    message = Message("m1", text, "sms", datetime(2026, 11, 26, tzinfo=UTC))
    body = request_body(Question("q", 1, QUESTION.inbox, QUESTION.contact, QUESTION.conversation,
                                 message))  # fmt: skip

    assert json.loads(body)["message"]["text"] == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({}, Verdict()),
        (b"", Verdict()),
        (b"\xef\xbb\xbf {}", Verdict()),
        ({"assign": None, "tags": None, "auto_reply": None, "close": None}, Verdict()),
        ({"assign": {"users": ["ANNA@example.com", 2, "1"]}}, Verdict(users=(1, 2))),
        ({"assign": {"users": [" bo@example.com "]}}, Verdict(users=(2,))),
        ({"assign": {"claim": True}}, Verdict(claim=True)),
        ({"assign": {"teams": ["sales", 8, "7"]}}, Verdict(teams=(7, 8))),
        ({"tags": ["vip", " vip", ""]}, Verdict(tags=("vip",))),
        ({"priority": "high"}, Verdict(priority="high")),
        ({"priority": " Urgent "}, Verdict(priority="urgent")),
        ({"priority": ""}, Verdict()),
        ({"auto_reply": False}, Verdict(auto_reply=False)),
        ({"auto_reply": {"text": "Hi"}}, Verdict(auto_reply=Reply("Hi"))),
        (
            {"auto_reply": {"text": "Hi", "bot_name": "Robo"}},
            Verdict(auto_reply=Reply("Hi", "Robo")),
        ),
        (
            {"attributes": {"tier": "gold", "age": 4.5, "vip": True, "of": ["a", "b"], "x": None}},
            Verdict(
                attributes={"tier": "gold", "age": 4.5, "vip": True, "of": ("a", "b"), "x": None}
            ),
        ),
        ({"note": "Look", "close": True}, Verdict(note="Look", close=True)),
        ({"escalation": "Urgent"}, Verdict(escalation="Urgent")),
    ],
)  # fmt: skip
def test_an_answer_is_a_verdict(answer: Any, verdict: Verdict) -> None:
    assert read(answer) == verdict


@pytest.mark.parametrize(
    ("answer", "skipped"),
    [
        ({"asign": {}, "note": ""}, ("unknown key: asign",)),
        ({"assign": {"user": [1]}}, ("unknown key: assign.user",)),
        ({"assign": {"users": ["carl@example.com", 3, 3]}},
         ("unknown person: carl@example.com", "unknown person: 3")),
        ({"assign": {"teams": ["Twin", 11]}}, ("unknown team: Twin", "unknown team: 11")),
        ({"escalation": "urgent"}, ("unknown escalation policy: urgent",)),
        ({"priority": "purple"}, ("unknown priority: purple",)),
    ],
)  # fmt: skip
def test_who_and_what_nobody_knows_is_skipped_and_listed(
    answer: Any, skipped: tuple[str, ...]
) -> None:
    assert read(answer) == Verdict(skipped=skipped)


def test_what_a_reply_says_beside_its_text_is_listed() -> None:
    verdict = read({"auto_reply": {"text": "Hi", "delay": 3}})

    assert verdict == Verdict(auto_reply=Reply("Hi"), skipped=("unknown key: auto_reply.delay",))


def test_who_is_known_counts_beside_who_is_not() -> None:
    verdict = read({"assign": {"users": ["nobody@example.com", "bo@example.com"]}})

    assert verdict == Verdict(users=(2,), skipped=("unknown person: nobody@example.com",))


def test_a_long_list_of_the_unknown_is_cut() -> None:
    verdict = read({f"key{n}": n for n in range(500)})

    assert isinstance(verdict, Verdict)
    assert len(verdict.skipped) == 21
    assert verdict.skipped[-1] == "and 480 more"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<!DOCTYPE html><html></html>", "a web page, not JSON"),
        (b"OK", "not JSON (line 1)"),
        (b'{"close": tru', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"attributes": {"a": NaN}}', "NaN"),
        (b'{"attributes": {"a": -Infinity}}', "-Infinity"),
        (b'{"attributes": {"a": 1e999}}', "too large"),
        (b'{"attributes": {"a": 1' + b"0" * 30 + b"}}", "too large"),
        (b'{"attributes": {"a": ' + b"9" * 6000 + b"}}", "not JSON"),
        (b'{"note": "a", "note": "b"}', "“note” is in the answer twice"),
        (b'{"x":' + b"[" * 30 + b"]" * 30 + b"}", "nested too deeply"),
        (b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nested too deeply"),
        (b'{"x":' * 10_000, "nested too deeply"),
        (b"{" + b" " * LARGEST + b"}", "larger than 64 kB"),
        (b'{"note": "' + b"a" * 10_000_000 + b'"}', "larger than 64 kB"),
        (b'{"note": "\xff"}', "not text in UTF-8"),
        (b'{"note": "a\\u0000b"}', "cannot be stored"),
        (b'{"note": "\\ud83d"}', "cannot be stored"),
        (b'{"x": {"\\udc00": 1}}', "cannot be stored"),
        ({"assign": []}, "“assign” must be an object"),
        ({"assign": {"users": "anna@example.com"}}, "“assign.users” must be a list"),
        ({"assign": {"users": [True]}}, "“assign.users” must be a list of texts or ids"),
        ({"assign": {"users": [1.5]}}, "“assign.users” must be a list of texts or ids"),
        ({"assign": {"teams": [None]}}, "“assign.teams” must be a list of texts or ids"),
        ({"assign": {"claim": "yes"}}, "“assign.claim” must be true or false"),
        ({"assign": {"users": list(range(51))}}, "more than 50"),
        ({"tags": ["a", 1]}, "“tags” must be a list of texts"),
        ({"tags": [str(n) for n in range(21)]}, "more than 20"),
        ({"tags": ["a" * 41]}, "“tags” is too long: 41 characters, at most 40"),
        ({"priority": 1}, "“priority” must be a text"),
        ({"auto_reply": True}, "“auto_reply” must be an object"),
        ({"auto_reply": "Hi"}, "“auto_reply” must be an object"),
        ({"auto_reply": {"text": ""}}, "must be false, or have a “text”"),
        ({"auto_reply": {"text": "a" * (LONGEST_REPLY + 1)}}, "“auto_reply.text” is too long"),
        ({"note": "a" * (LONGEST_NOTE + 1)}, "“note” is too long"),
        ({"attributes": {"a": {}}}, "“attributes” may hold"),
        ({"attributes": {"a": [1]}}, "“attributes” may hold"),
        ({"attributes": {"a": "x" * 1001}}, "“attributes” may hold"),
        ({"attributes": {str(n): n for n in range(51)}}, "more than 50"),
        ({"close": 1}, "“close” must be true or false"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_meant_is_a_problem_in_words(answer: Any, words: str) -> None:
    problem = read(answer)

    assert isinstance(problem, Problem)
    assert words in problem.reason
    assert len(problem.reason) < 200


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        (Verdict(), Answer()),
        (Problem("It was late."), Answer(failure="It was late.")),
        (Verdict(auto_reply=False), Answer({"is_silent": True})),
        (
            Verdict(attributes={"tier": "gold", "vip": False}),
            Answer({"attributes.tier": "gold", "attributes.vip": False}),
        ),
        (
            Verdict(
                (1, 2), (7,), True, ("vip",), "high", Reply("Hi", "Robo"), {}, "n", True, "Urgent"
            ),
            Answer(
                {
                    "users": ("1", "2"),
                    "teams": ("7",),
                    "claim": True,
                    "tags": ("vip",),
                    "priority": "high",
                    "reply": "Hi",
                    "bot_name": "Robo",
                    "note": "n",
                    "close": True,
                    "escalation": "Urgent",
                }
            ),
        ),
    ],
)
def test_rules_read_a_verdict_as_an_answer(verdict: Verdict | Problem, answer: Answer) -> None:
    assert answer_of(verdict) == answer


SOME = st.sampled_from(
    [None, True, False, 0, 1, 7, -2.5, 10**400, "", "a", "Sales", "\0", "é" * 999]
)
WORDS = st.sampled_from(["users", "teams", "claim", "text", "bot_name", "x"])
ANYTHING = st.recursive(
    SOME,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["assign", "tags", "priority", "auto_reply", "attributes", "note", "close", "escalation", "x"]
)


@given(st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_any_json_is_a_verdict_or_a_problem(answer: dict[str, Any]) -> None:
    verdict = read(answer)

    assert isinstance(verdict, Verdict | Problem)
    if isinstance(verdict, Verdict):
        assert set(verdict.users) <= {1, 2}
        assert set(verdict.teams) <= {7, 8, 9, 10}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_verdict_or_a_problem(content: bytes) -> None:
    assert isinstance(read(content), Verdict | Problem)


def examples() -> list[dict[str, Any]]:
    """Return the examples of the guide: the question and the answer."""
    guide = (Path(__file__).parents[2] / "docs" / "data-actions.md").read_text()
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", guide, re.DOTALL)]


def keys_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: {} if name == "attributes" else keys_of(one) for name, one in value.items()}
    return [keys_of(one) for one in value] if isinstance(value, list) else None


def test_the_question_of_the_guide_is_the_one_that_is_asked() -> None:
    assert keys_of(examples()[0]) == keys_of(json.loads(request_body(QUESTION)))


def test_the_answer_of_the_guide_is_understood() -> None:
    verdict = read(examples()[1])

    assert isinstance(verdict, Verdict)
    assert verdict.skipped == ()
    assert (verdict.users, verdict.teams, verdict.escalation) == ((1, 2), (7,), "Urgent")
