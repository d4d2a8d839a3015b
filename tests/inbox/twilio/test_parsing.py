"""Are odd forms read without harm?"""

import base64
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.twilio.parsing import (
    UnreadableFormError,
    parse_inbound,
    read_form,
    readable_text,
    status_in,
)

BASE = {"MessageSid": "SM1", "From": "+14155550100", "To": "+15550100001"}


def test_a_long_text_that_came_as_base64_is_readable() -> None:
    words = "Dear shop, I ordered two lamps last week and only one of them arrived. Where is it?"

    assert readable_text(base64.b64encode(words.encode()).decode()) == words


@pytest.mark.parametrize(
    "text",
    [
        "QUJD",
        "a" * 64,
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzABCDEFGHIJKL",
        "Please send me the invoice for order 4711 as soon as you can, thanks!",
        "https://example.com/aVeryLongPathWithoutAnySpacesAtAllThatIsSixtyChars/x",
    ],
)
def test_text_that_only_looks_like_base64_is_left_alone(text: str) -> None:
    assert readable_text(text) == text


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
def test_a_form_without_its_essentials_is_named_unreadable(missing: str) -> None:
    with pytest.raises(UnreadableFormError):
        parse_inbound({**BASE, missing: ""})


def test_of_a_repeated_key_the_first_value_counts() -> None:
    assert read_form(b"Body=one&Body=two")["Body"] == "one"


def test_media_beyond_ten_are_not_invented() -> None:
    form = {**BASE, "NumMedia": "99"}
    form |= {f"MediaUrl{i}": f"https://api.twilio.com/{i}" for i in range(99)}

    assert len(parse_inbound(form).media) == 10


@pytest.mark.parametrize(
    ("latitude", "longitude"), [("nan", "1"), ("x", "1"), ("91", "1"), ("1", "181"), ("", "")]
)
def test_an_impossible_place_is_no_place(latitude: str, longitude: str) -> None:
    form = {**BASE, "Latitude": latitude, "Longitude": longitude}

    assert parse_inbound(form).location is None


def test_received_is_not_a_delivery_status() -> None:
    assert status_in({"SmsStatus": "received", "Body": "hi"}) == ""
    assert status_in({"MessageStatus": "delivered", "Body": "hi"}) == "delivered"


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=8))
def test_no_form_can_break_the_parser(extra: dict[str, str]) -> None:
    raw = urlencode({**extra, **BASE}, errors="replace").encode()

    text = parse_inbound(read_form(raw))

    assert "\x00" not in text.body
    text.body.encode("utf-8")
