"""Is any line of text read as what was meant, and never refused?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.searching.parsing import (
    LONGEST,
    MOST_OPERATORS,
    MOST_WORDS,
    Operator,
    Word,
    number_in_words,
    parse,
)
from inbox.searching.snippets import LONGEST as LONGEST_SNIPPET
from inbox.searching.snippets import snippet


def test_words_phrases_and_what_must_not_be_there() -> None:
    query = parse('blue "next week" -refund re:invoice')

    assert query.words == (
        Word("blue"),
        Word("next week", is_phrase=True),
        Word("refund", is_not=True),
        Word("re:invoice"),
    )
    assert query.chips == ()


def test_quotes_as_phones_write_them_are_quotes() -> None:
    assert parse("from:\u201cAnn Lee\u201d").chips[0].value == "Ann Lee"


def test_operators_are_chips_and_each_knows_the_line_without_it() -> None:
    query = parse('From:"Ann Lee" parcel -tag:vip has:media')

    assert [(chip.operator, chip.value, chip.is_not) for chip in query.chips] == [
        (Operator.FROM, "Ann Lee", False),
        (Operator.TAG, "vip", True),
        (Operator.HAS, "media", False),
    ]
    assert [chip.without for chip in query.chips] == [
        "parcel -tag:vip has:media",
        'From:"Ann Lee" parcel has:media',
        'From:"Ann Lee" parcel -tag:vip',
    ]
    assert query.chips[0].words == 'from:"Ann Lee"'


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("(415) 555-0001", "4155550001"),
        ("+1 415 555 0001", "14155550001"),
        ("415.555.0001", "4155550001"),
        ("555 -0001", "5550001"),
        ("0001", ""),
        ("50001", "50001"),
        ("+44 (0)20 7946 0018", "442079460018"),
        ("020 7946 0018", "2079460018"),
        ("00 49 171 5550001", "491715550001"),
        ("12", ""),
        ("order 12345", ""),
    ],
)
def test_a_number_is_read_in_any_form(text: str, digits: str) -> None:
    assert number_in_words(text) == digits


@pytest.mark.parametrize("line", ["", "a", "-", '"', "\0", "\0a", "!!! ...", "-a", " : "])
def test_fewer_than_two_letters_look_for_nothing(line: str) -> None:
    assert parse(line).is_too_short


def test_too_much_is_cut_and_says_so() -> None:
    assert parse("x" * 500).is_cut
    assert len(parse("x" * 500).text) == LONGEST
    many = parse(" ".join(f"tag:t{i}" for i in range(30)))
    assert len(many.chips) == MOST_OPERATORS
    assert many.is_cut
    assert len(parse("word " * 40).words) == MOST_WORDS
    assert not parse("blue one").is_cut


@given(st.text(max_size=600))
def test_every_line_can_be_read_and_read_again(line: str) -> None:
    query = parse(line)

    assert "\0" not in query.text
    assert len(query.text) <= LONGEST
    assert len(query.words) <= MOST_WORDS
    assert len(query.chips) <= MOST_OPERATORS
    assert parse(query.text).words == query.words
    for chip in query.chips:
        assert len(parse(chip.without).chips) <= len(query.chips)


@given(st.text(max_size=400), st.lists(st.text(max_size=12), max_size=4))
def test_a_snippet_is_a_part_of_the_text(body: str, needles: list[str]) -> None:
    pieces = snippet(body, needles)

    shown = "".join(piece.text for piece in pieces).strip("…")
    assert shown in " ".join(body.split())
    assert len(shown) <= LONGEST_SNIPPET


def test_a_snippet_marks_what_begins_with_a_word_and_shows_the_first() -> None:
    pieces = snippet("long ago " * 40 + "the Parcels are <b>here</b>", ["parcel"])

    assert [piece.text for piece in pieces if piece.is_hit] == ["Parcels"]
    assert pieces[0].text == "…"
