"""Texts that invite a reserved word for another meaning are found; honest invitations are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.inviting import misleading


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Reply YES to confirm or CANCEL to change", {"YES", "CANCEL"}),
        ("Text QUIT to quit the game", {"QUIT"}),
        ("Reply CANCEL to cancel your appointment.", {"CANCEL"}),
        ("Text INFO for our price list", {"INFO"}),
        ("Please answer END when you are done, or START for another round", {"END", "START"}),
        ("reply yes if you are coming", {"yes"}),
        ("Responda BAJA para cambiar su cita", {"BAJA"}),
        ("Responda «CANCELAR» para cambiar su cita", {"CANCELAR"}),
        ("Antworten Sie STOP, wenn der Wagen fertig ist", {"STOP"}),
        ("Répondez ARRET pour suspendre la livraison", {"ARRET"}),
        # Honest ones, and what is no invitation.
        ("Reply STOP to stop", set()),
        ("Reply STOP to opt out, HELP for help.", set()),
        ("Reply STOP to unsubscribe", set()),
        ("Reply END to end messages", set()),
        ("Text START to get messages again", set()),
        ("Responda BAJA para no recibir más mensajes", set()),
        ("Antworten Sie mit STOP, um sich abzumelden", set()),
        ("Reply STOP", set()),
        ("Reply 1 to confirm, 2 to cancel", set()),
        ("Please cancel by phone", set()),
        ("Send us a text and stop by any time", set()),
        ("We will help you to start. Reply with your name.", set()),
        ("", set()),
    ],
)
def test_what_is_invited_for_something_else(text: str, words: set[str]) -> None:
    assert {one.word for one in misleading(text)} == words


def test_it_says_what_the_word_does() -> None:
    (one,) = misleading("Reply CANCEL to change your booking")
    assert "“CANCEL”" in str(one)
    assert "opts the customer out" in str(one)


def test_the_account_s_own_words_are_reserved_too() -> None:
    text = "Reply ZEBRA to see the zoo"
    assert not misleading(text)
    (one,) = misleading(text, [("Zebra", "opt_out")])
    assert one.word == "ZEBRA"


@given(st.text(max_size=400))
def test_any_text_has_an_answer(text: str) -> None:
    assert len(misleading(text)) <= len(text)


@given(st.lists(st.sampled_from(["Reply", "STOP", "YES", "to", "or", ",", ".", "stop", "HELP"])))
def test_each_word_is_told_once(words: list[str]) -> None:
    found = [one.word for one in misleading(" ".join(words))]
    assert len(found) == len(set(found))
