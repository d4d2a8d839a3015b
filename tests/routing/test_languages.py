"""Is the language of short texts told, and is what is unclear left alone?"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.languages import CONFIDENT, UNCLEAR, can_tell, detect
from tests.routing import customer_texts
from tests.routing.customer_texts import TEXTS

pytest.importorskip("lingua")

ALL = sorted({code for code, _ in TEXTS})
# What companies have texts in: two languages, some of one continent, everything we know.
CHOICES = [["en", "es"], ["en", "fr", "ar"], ["en", "de", "fr", "es", "it", "pt", "nl"], ALL]


@pytest.mark.parametrize(("code", "text"), TEXTS)
@pytest.mark.parametrize("asked", CHOICES, ids=len)
def test_a_text_is_never_taken_for_another_language(asked: list[str], code: str, text: str) -> None:
    found = detect(text, asked)

    assert not found.is_confident or found.code == code


@pytest.mark.parametrize("asked", CHOICES, ids=len)
def test_nearly_every_text_is_told_with_confidence(asked: list[str]) -> None:
    own = [(code, text) for code, text in TEXTS if code in asked]
    told = [text for code, text in own if detect(text, asked).is_confident]

    assert len(told) >= 0.95 * len(own)


@pytest.mark.parametrize("text", customer_texts.UNCLEAR)
@pytest.mark.parametrize("asked", CHOICES, ids=len)
def test_what_nobody_can_tell_is_not_told(asked: list[str], text: str) -> None:
    found = detect(text, asked)

    assert found.confidence < CONFIDENT
    assert not found.is_confident


@pytest.mark.parametrize(
    ("text", "asked", "code"),
    [
        ("ainda não recebi a minha encomenda", ["en", "pt-BR"], "pt-BR"),
        ("ainda não recebi a minha encomenda", ["pt-PT", "pt-BR"], "pt-PT"),
        ("我的订单还没有收到", ["en", "zh_Hans"], "zh_Hans"),
        ("hindi ko pa natatanggap ang order ko", ["en", "fil"], "fil"),
        ("jeg har ikke fått bestillingen min ennå", ["no", "en"], "no"),
        ("jeg har ikke fått bestillingen min ennå", ["en", "de"], ""),
        ("where is my order please", ["xx", "", "EN"], "EN"),
        ("where is my order please", ["xx"], ""),
        ("where is my order please", [], ""),
        ("see https://example.com/donde/esta/mi/pedido please tell me", ["en", "es"], "en"),
        # One language in two scripts.
        ("我想問一下我的訂單什麼時候到貨", ["zh-Hans", "zh-Hant", "en"], "zh-Hant"),
        ("我想问一下我的订单什么时候到货", ["zh-Hant", "zh-Hans", "en"], "zh-Hans"),
        ("我想問一下我的訂單什麼時候到貨", ["zh", "zh-TW"], "zh-TW"),
        ("请问现在有货吗", ["zh-HK", "zh-CN"], "zh-CN"),
        ("Где је моја поруџбина од јуче, молим вас", ["sr-Latn", "sr", "en"], "sr"),
        ("Где је моја поруџбина од јуче, молим вас", ["sr-Latn", "en"], "sr-Latn"),
        # Decomposed accents, as some keyboards send them.
        ("Est-ce que je peux changer de\u0301ja\u0300 mon rendez-vous", ["en", "fr"], "fr"),
    ],
)
def test_a_language_is_returned_as_it_was_asked_for(text: str, asked: list[str], code: str) -> None:
    found = detect(text, asked)

    assert (found.code if found.is_confident else "") == code


@pytest.mark.parametrize(
    ("code", "told"), [("en", True), ("pt-BR", True), ("no", True), ("tlh", False), ("", False)]
)
def test_some_languages_cannot_be_told(code: str, told: bool) -> None:
    assert can_tell(code) is told


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=2000), st.lists(st.sampled_from(ALL) | st.text(max_size=6), max_size=4))
def test_any_text_has_an_answer(text: str, asked: list[str]) -> None:
    found = detect(text, asked)

    assert 0 <= found.confidence <= 1
    assert found == UNCLEAR or found.code in asked
