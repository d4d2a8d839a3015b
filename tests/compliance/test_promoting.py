"""What reads like an offer is told to its author; what does not is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.promoting import promotion_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20% off all week", "20%"),
        ("Now $5 off", "$5 off"),
        ("Your coupon is inside", "coupon"),
        ("Neue Angebote für Sie", "angebote"),
        ("Rebajas de verano", "rebajas"),
        ("Nos soldes commencent", "soldes"),
        ("You will get no more offers.", ""),
        ("Sie erhalten keine weiteren Angebote.", ""),
        ("Your order is ready.", ""),
        ("We are back on Monday at 9.", ""),
        ("", ""),
    ],
)
def test_words_that_advertise_are_found(text: str, found: str) -> None:
    assert promotion_in(text) == found


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(promotion_in(text), str)
