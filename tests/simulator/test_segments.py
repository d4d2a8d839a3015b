"""Are segments counted and cut as Twilio does?"""

import json

import pytest

from inbox.twilio.simulator.segments import clusters, measure
from tests.simulator.conftest import DATA

VECTORS = json.loads((DATA / "segment_vectors.json").read_text())


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector_of_twilios_calculator_is_met(name):
    vector = VECTORS[name]
    found = measure(vector["text"])
    assert (found.encoding, found.segments) == (vector["encoding"], vector["segments"])


@pytest.mark.parametrize("name", VECTORS)
def test_smart_encoding_gives_the_calculators_answer_too(name):
    vector = VECTORS[name]
    found = measure(vector["text"], smart=True)
    smart = vector["smart"]
    assert (found.encoding, found.segments) == (smart["encoding"], smart["segments"])


@pytest.mark.parametrize("name", VECTORS)
def test_the_parts_put_together_are_the_text(name):
    text = VECTORS[name]["text"]
    assert "".join(measure(text).parts) == text


def test_an_extension_character_is_never_split():
    parts = measure("a" * 152 + "€" + "a" * 100).parts
    assert parts[0] == "a" * 152
    assert parts[1].startswith("€")


def test_an_emoji_is_never_split():
    parts = measure("я" * 66 + "👍🏽" + "я" * 20).parts
    assert parts[0] == "я" * 66
    assert parts[1].startswith("👍🏽")


def test_a_family_and_a_flag_are_one_sign_each():
    assert clusters("👨‍👩‍👧‍👦🇨🇦e\u0301") == ["👨‍👩‍👧‍👦", "🇨🇦", "e\u0301"]


def test_the_capital_cedilla_is_cheap_and_the_small_one_is_not():
    assert measure("Ç").encoding == "GSM-7"
    assert measure("ç").encoding == "UCS-2"
