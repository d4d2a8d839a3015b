"""Which tags and attributes are kept, and what is said of the others?"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from routing.marks import (
    LONGEST_TAG,
    MOST_ATTRIBUTES,
    MOST_TAGS,
    Kind,
    MarkError,
    check_value,
    is_same,
    kind_of,
    read_name,
    read_tag,
    read_value,
    with_attributes,
    with_tags,
    without_tag,
)

# --- Tags ---


@pytest.mark.parametrize(
    ("text", "tag"), [("vip", "vip"), ("  Big   spender ", "Big spender"), ("größe", "größe")]
)
def test_a_tag_is_kept_without_odd_blanks(text: str, tag: str) -> None:
    assert read_tag(text) == tag


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Write a tag."),
        (" \n ", "Write a tag."),
        ("a" * 41, "at most 40 characters"),
        ("a\0b", "letters, digits and signs"),
        ("a\u200bb", "letters, digits and signs"),
        ("\ud800", "letters, digits and signs"),
    ],
)
def test_what_is_no_tag_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(MarkError, match=words):
        read_tag(text)


def test_a_tag_is_there_once_in_whichever_case() -> None:
    tags = with_tags(["VIP", "Straße"], ["vip", "STRASSE", "New", "new"])

    assert (tags.all, tags.added, tags.left_out) == (("VIP", "Straße", "New"), ("New",), ())


def test_what_does_not_fit_is_left_out_and_said() -> None:
    known = [f"t{n}" for n in range(MOST_TAGS - 1)]

    tags = with_tags(known, ["one", "two", "x" * 41])

    assert tags.all == (*known, "one")
    assert tags.left_out == (
        "“two”: There may be 20 tags. Remove another one first.",
        f"“{'x' * 40}”: A tag has at most 40 characters.",
    )


def test_a_tag_is_taken_away_in_whichever_case() -> None:
    assert without_tag(["VIP", "old"], " vip ") == ("old",)
    assert without_tag(["VIP"], "none") == ("VIP",)


TEXTS = some.text(max_size=50)


@given(some.lists(TEXTS, max_size=30), some.lists(TEXTS, max_size=30))
def test_tags_never_grow_out_of_bounds(one: list[str], other: list[str]) -> None:
    first = with_tags((), one)
    both = with_tags(first.all, other)

    assert len(both.all) <= MOST_TAGS
    assert len({tag.casefold() for tag in both.all}) == len(both.all)
    assert all(tag and len(tag) <= LONGEST_TAG for tag in both.all)
    assert both.all[: len(first.all)] == first.all
    assert with_tags(both.all, [*one, *other]).added == ()


# --- Attributes ---


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, "  gold ", "gold"),
        (Kind.TEXT, "12", "12"),
        (Kind.NUMBER, "12", 12),
        (Kind.NUMBER, "-12.5", -12.5),
        (Kind.YES_NO, "Yes", True),
        (Kind.YES_NO, "no", False),
        (Kind.LIST, "a, b ,,c", ("a", "b", "c")),
        (Kind.LIST, "a\nb", ("a", "b")),
    ],
)
def test_what_is_typed_becomes_a_value_of_its_kind(kind: Kind, text: str, value: Any) -> None:
    found = read_value(kind, text)

    assert (found, type(found)) == (value, type(value))
    assert kind_of(found) is kind
    # JSON keeps it so.
    assert is_same(json.loads(json.dumps(found)), found)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Kind.TEXT, " ", "Write a value"),
        (Kind.TEXT, "a" * 1001, "at most 1000 characters"),
        (Kind.NUMBER, "1,200", "no number"),
        (Kind.NUMBER, "1e9", "no number"),
        (Kind.NUMBER, "٣", "no number"),
        (Kind.NUMBER, "9" * 16, "no number"),
        (Kind.YES_NO, "perhaps", "yes or no"),
        (Kind.LIST, ",".join("a" * 51), "at most 50 entries"),
    ],
)
def test_what_does_not_fit_its_kind_is_refused(kind: Kind, text: str, words: str) -> None:
    with pytest.raises(MarkError, match=words):
        read_value(kind, text)


@pytest.mark.parametrize("value", [{}, b"", [1], ["a", None], float("nan"), 10**16, "\ud800", "\0"])
def test_what_cannot_be_kept_is_refused(value: object) -> None:
    with pytest.raises(MarkError):
        check_value(value)


@pytest.mark.parametrize("name", ["", "a.b", "{{x}}", "a|b", "a" * 41, "a\0"])
def test_a_name_is_one_that_rules_and_texts_can_say(name: str) -> None:
    with pytest.raises(MarkError):
        read_name(name)


def test_attributes_are_set_changed_and_removed() -> None:
    known: dict[str, Any] = {"tier": "gold", "seats": 3, "old": "x", "older": "y", "codes": ["a"]}

    found = with_attributes(
        known,
        {"Tier": "silver", "seats": 3, "old": None, "older": " ", "codes": ("a",), "new": True},
    )

    assert found.all == {"tier": "silver", "seats": 3, "codes": ["a"], "new": True}
    assert found.changed == ("tier", "old", "older", "new")
    assert known["tier"] == "gold"


def test_yes_is_not_one_and_a_list_is_no_text() -> None:
    found = with_attributes({"a": 1, "b": "x"}, {"a": True, "b": ["x"]})

    assert found.changed == ("a", "b")
    assert found.all == {"a": True, "b": ("x",)}


def test_one_odd_value_loses_no_other() -> None:
    full: dict[str, Any] = {f"a{n}": n for n in range(MOST_ATTRIBUTES)}

    found = with_attributes(full, {"new": 1, "a.b": 2, "a1": {}, "a2": "changed"})

    assert found.changed == ("a2",)
    assert [words.partition(":")[0] for words in found.left_out] == ["“new”", "“a.b”", "“a1”"]


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda one: some.lists(one, max_size=4) | some.dictionaries(some.text(max_size=3), one),
    max_leaves=5,
)


@given(
    some.dictionaries(some.text(max_size=10), ANYTHING, max_size=70),
    some.dictionaries(some.text(max_size=10), ANYTHING, max_size=70),
)
def test_whatever_is_sent_what_is_kept_is_sound(one: dict[str, Any], other: dict[str, Any]) -> None:
    first = with_attributes({}, one)
    both = with_attributes(first.all, other)

    assert len(both.all) <= MOST_ATTRIBUTES
    assert len({name.casefold() for name in both.all}) == len(both.all)
    json.dumps(both.all, allow_nan=False).encode()
    assert with_attributes(both.all, both.all).changed == ()
