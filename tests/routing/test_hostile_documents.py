"""Is every document, whatever somebody put where in it, read or refused in words? Never a crash."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from routing.documents import read_rulebook
from routing.examples import read_expected
from routing.hours_documents import read_hours
from routing.policy_documents import PolicyError, read_policy
from routing.portable import (
    Known,
    example_with_ids,
    policy_with_ids,
    policy_with_names,
    with_ids,
    with_names,
)
from routing.reading import DocumentError
from routing.reply_documents import read_replies
from routing.trying import TypedError, read_typed

REFUSALS = (DocumentError, PolicyError, TypedError)
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, "", " ", "\0", "x" * 5000, "\u202e", "vip"),
    *([], [[]], [None], [{}], ["a"] * 600, {}, {"a": {}}, {"": None}),
)
RULES: dict[str, Any] = {
    "format": 1,
    "always_first": [],
    "rules": [
        {
            "id": "vip",
            "name": "VIP",
            "on": True,
            "continue": False,
            "when": ["new"],
            "if": {
                "all": [
                    {"fact": "tag", "test": "has_any", "value": ["vip"], "not": True},
                    {"any": [{"fact": "text", "test": "matches", "value": "a+"}]},
                    {"fact": "attribute", "name": "tier", "test": "more", "value": 2},
                    {"fact": "owner", "test": "is_person", "value": [1]},
                    {"fact": "time", "test": "between", "value": ["22:00", "06:00"]},
                ]
            },
            "then": {
                "to": [
                    {"who": "people", "people": [1], "owner": True, "cap": 3},
                    {"who": "team", "team": 2, "available": False, "in_hours": True},
                ],
                "tags": ["x"],
                "priority": "high",
                "reply": {"en": "Hi"},
                "bot_name": "Vera",
                "note": "n",
                "notify": [1],
                "snooze_minutes": 90,
                "close": False,
                "escalation": "Fast",
                "webhook": "w",
            },
        }
    ],
}
POLICY: dict[str, Any] = {
    "format": 1,
    "warn": {"percent": 25, "minutes": 5},
    "steps": [
        {"after": 5, "clock": "calendar", "when": "unclaimed", "do": "add", "to": [{"users": [1]}]},
        {"after": 9, "do": "priority", "priority": "high"},
        {"after": 9, "do": "data_action", "data_action": "x"},
        {"after": 9, "do": "move", "to": [{"team": 2}]},
    ],
}
REPLIES: dict[str, Any] = {
    "format": 1,
    "default_language": "en",
    "keyword": [{"name": "A", "phrases": ["p"], "variants": [{"text": "t", "places": ["CA"]}]}],
    "after_hours": {"variants": [{"text": "t", "hours": ["22:00", "06:00"], "language": "es"}]},
    "first_message": {"when": "ever", "silence_hours": 5, "variants": [{"text": "t"}]},
    "still_waiting": {"after": 5, "clock": "calendar", "variants": [{"text": "t"}], "on": True},
    "variables": {"crm.a.b": "date"},
}
HOURS: dict[str, Any] = {
    "name": "Office",
    "time_zone": "UTC",
    "week": {"monday": ["09:00-12:00"]},
    "holidays": {"country": "AT", "region": "9", "ignored": ["E"]},
    "special_days": [{"on": "2026-12-24", "name": "E", "open": ["09:00-12:00"]}],
}
TYPED: dict[str, Any] = {
    "at": "2026-11-23T15:00:00+00:00",
    "text": "Hi",
    "number": "+14155550101",
    "name": "N",
    "language": "en",
    "channel": "sms",
    "sender": "+1",
    "when": "new",
    "media": ["image"],
    "tags": ["a"],
    "attributes": {"a": 1, "b": ["x"]},
    "conversation_tags": ["b"],
    "first_ever": True,
    "answers": {"crm": {"fields": {"a": 1}}, "x": {"failure": "f"}},
    "away": [1],
}
EXPECTED: dict[str, Any] = {"rule": "a", "who": [1], "reply": "Hi"}
KNOWN = Known({1: "ann@x.io", 2: "bo@x.io"}, {2: "Sales"})


def _rules_from_elsewhere(document: Any) -> None:
    found, _problems = with_ids(document, KNOWN)
    read_rulebook(found)


def _rules_for_elsewhere(document: Any) -> None:
    if isinstance(document, dict):
        with_names(document, KNOWN)


def _policy_from_elsewhere(document: Any) -> None:
    found, _problems = policy_with_ids(document, KNOWN)
    read_policy(found)
    if isinstance(document, dict):
        policy_with_names(document, KNOWN)


def _example_from_elsewhere(document: Any) -> None:
    found, _problems = example_with_ids({"message": TYPED, "expected": document}, KNOWN)
    assert isinstance(found, dict)
    read_expected(found["expected"])


READERS: list[tuple[Callable[[Any], Any], Any]] = [
    (read_rulebook, RULES),
    (_rules_from_elsewhere, RULES),
    (_rules_for_elsewhere, RULES),
    (read_policy, POLICY),
    (_policy_from_elsewhere, POLICY),
    (read_replies, REPLIES),
    (read_hours, HOURS),
    (read_typed, TYPED),
    (read_expected, EXPECTED),
    (_example_from_elsewhere, EXPECTED),
]


def places(document: Any) -> Iterator[tuple[Any, ...]]:
    """Return the way to every value of a document, itself first."""
    yield ()
    inner: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        inner = list(document.items())
    elif isinstance(document, list):
        inner = list(enumerate(document))
    for key, value in inner:
        yield from ((key, *way) for way in places(value))


def spoilt(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """Return a document with something else at one place."""
    if not way:
        return value
    changed = copy.deepcopy(document)
    holder = changed
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    return changed


@pytest.mark.parametrize(("read", "document"), READERS)
def test_the_whole_ones_are_read(read: Callable[[Any], Any], document: Any) -> None:
    read(document)


@pytest.mark.parametrize(("read", "document"), READERS)
def test_anything_anywhere_is_read_or_refused_in_words(
    read: Callable[[Any], Any], document: Any
) -> None:
    for way in places(document):
        for value in HOSTILE:
            try:
                read(spoilt(document, way, value))
            except REFUSALS:
                continue
            except Exception as error:
                pytest.fail(f"{value!r:.40} at {way}: {error!r}")
