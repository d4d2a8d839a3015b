"""How many SMS does a text become?"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.segments import GSM, count, plain

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "segment_vectors.json").read_text())


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector(name: str) -> None:
    vector = VECTORS[name]

    found, smart = count(vector["text"]), count(vector["text"], smart=True)

    assert found.encoding == vector["encoding"]
    assert found.segments == vector["segments"]
    assert (found.chars, found.units) == (vector["chars"], vector["units"])
    assert (found.message_size, found.total_size) == (vector["messageSize"], vector["totalSize"])
    assert {"encoding": smart.encoding, "segments": smart.segments} == vector["smart"]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("x" * 159 + "€", 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 66 + "👍" + "ж" * 3, 2),
    ],
)
def test_the_edges_of_parts(text: str, segments: int) -> None:
    assert count(text).segments == segments


def test_an_extension_character_is_not_cut_in_two() -> None:
    # The 153rd place of the first part would hold only the escape.
    assert count("x" * 152 + "€" + "x" * 8).segments == 2
    assert count("x" * 152 + "€" + "x" * 152).segments == 3


def test_it_names_the_characters_that_make_it_dear() -> None:
    assert count("it’s “fine” – really…").culprits == ("’", "“", "”", "–", "…")
    assert count("all good").culprits == ()


def test_what_can_be_said_plainly_is() -> None:
    assert plain("it’s “fine” – really…\u00a0ok") == 'it\'s "fine" - really... ok'
    assert plain("man\u0303ana") == "mañana"
    assert count(plain("man\u0303ana")).encoding == "GSM-7"


@given(st.text(max_size=400))
def test_parts_hold_what_they_can(text: str) -> None:
    found = count(text)

    limit = 1120 if found.segments == 1 else 1120 - 48
    assert found.message_size <= found.segments * limit
    assert found.remaining >= 0 or found.encoding == "UCS-2"
    assert (found.encoding == "GSM-7") == all(char in GSM for char in text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_never_costs_less(text: str, more: str) -> None:
    if count(text).encoding == count(text + more).encoding:
        assert count(text + more).segments >= count(text).segments
