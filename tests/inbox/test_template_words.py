"""What may stand in the places of a WhatsApp template?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.template_words import FillingError, Kind, Known, fill_in, places_of, shown_with

BODY = "Hello {{1}}, your order {{ 2 }} arrives {{3}}. Bye {{1}}"
SAMPLES = {"1": "Maria", "2": "A-1042", "3": "tomorrow"}


def test_each_place_is_filled_in_wherever_it_stands() -> None:
    text, kept = fill_in(BODY, SAMPLES, {"1": " Zoë ", "2": "7", "3": "today", "9": "unused"})

    assert text == "Hello Zoë, your order 7 arrives today. Bye Zoë"
    assert kept == {"1": "Zoë", "2": "7", "3": "today"}


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    text, _ = fill_in("{{1}} {{2}}", {}, {"1": "{{2}}", "2": "x"})

    assert text == "{{2}} x"


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"1": "a", "2": "b"}, {"3"}),
        ({}, {"1", "2", "3"}),
        ({"1": "a\nb", "2": "b", "3": "c"}, {"1"}),
        ({"1": "a\tb", "2": "b", "3": "c"}, {"1"}),
        ({"1": "a     b", "2": "b", "3": "c"}, {"1"}),
        ({"1": "a    b", "2": "b", "3": "c\u2028d"}, {"3"}),
        ({"1": "a\x00", "2": "b", "3": "c"}, {"1"}),
        ({"1": "x" * 1025, "2": "b", "3": "c"}, {"1"}),
        ({"1": "x" * 1024, "2": "x" * 600, "3": "c"}, {""}),
    ],
)
def test_what_whatsapp_refuses_is_named(values: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(FillingError) as refused:
        fill_in(BODY, SAMPLES, values)

    assert set(refused.value.problems) == wrong
    assert all(refused.value.problems.values())


@pytest.mark.parametrize(
    ("sample", "kind", "good", "bad"),
    [
        ("https://acme.example/x", Kind.LINK, "https://acme.example/y", "acme.example"),
        ("12", Kind.NUMBER, "1,250.50", "twelve"),
        ("+14155550100", Kind.PHONE, "+1 (415) 555-0101", None),
        ("10:30", Kind.TEXT, "noon", None),
        ("", Kind.TEXT, "anything", None),
    ],
)
def test_a_sample_says_what_stands_there(
    sample: str, kind: Kind, good: str, bad: str | None
) -> None:
    samples = {"1": sample}
    [place] = places_of("See {{1}}", samples)

    assert place.kind is kind
    assert fill_in("See {{1}}", samples, {"1": good})[0] == f"See {good}"
    if bad is not None:
        with pytest.raises(FillingError):
            fill_in("See {{1}}", samples, {"1": bad})


@given(st.text(), st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_anything_is_filled_in_or_refused_in_words(
    body: str, samples: dict[str, str], values: dict[str, str]
) -> None:
    reason = "filled in"
    try:
        fill_in(body, samples, values)
    except FillingError as refused:
        reason = refused.reason

    assert reason


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("name", "Maria Silva"),
        ("Customer_Name", "Maria Silva"),
        ("first_name", "Maria"),
        ("order_number", "4711"),
        ("OrderNumber", "4711"),
        ("two_lines", "a b"),
        ("1", ""),
        ("unknown", ""),
    ],
)
def test_a_place_is_filled_with_what_a_card_has_under_its_name(place: str, value: str) -> None:
    card = {"order number": "4711", "two lines": "a   b"}

    assert Known("Maria Silva", "Maria", card).value_of(place) == value


def test_a_place_that_is_not_filled_in_stays_in_the_preview() -> None:
    assert shown_with("Dear {{name}}, {{ 2 }}", {"name": "Maria", "2": ""}) == "Dear Maria, {{ 2 }}"
