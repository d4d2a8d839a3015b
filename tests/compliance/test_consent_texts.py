"""May a text answer STOP, START or HELP? A table of what must and what may not stand in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.consent_texts import LONGEST, Kind, suggested, text_problems

NAMES = ("Acme Bikes Ltd.", "Support")


def said(kind: Kind, text: str, language: str = "en") -> list[tuple[str, bool]]:
    """Return what is wrong, and whether it forbids the text."""
    found = text_problems(kind, text, language=language, names=NAMES)
    return [(one.words, one.is_error) for one in found]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "es-MX"])
def test_what_we_suggest_may_stand(kind: Kind, language: str) -> None:
    text = suggested(kind, language, "Acme Bikes")
    assert text
    assert said(kind, text, language) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Acme Bikes: you won't receive any messages from us. Bye!"),
        ("en", "ACME BIKES: No more offers will come. Text START to return."),
        ("en", "Support here: nothing more will be sent to this number."),
        ("es", "Acme Bikes: no recibirás más mensajes nuestros."),
        ("fr", "Acme Bikes : vous ne recevrez plus rien de nous."),
        ("de", "Acme Bikes: Wir werden Ihnen nicht mehr schreiben."),
        ("pt", "Acme Bikes: você não receberá mais mensagens."),
        ("it", "Acme Bikes: non riceverai altri messaggi."),
        ("nl", "Acme Bikes: u krijgt geen berichten meer."),
    ],
)
def test_an_answer_to_stop_that_says_enough(language: str, text: str) -> None:
    assert said(Kind.OPT_OUT, text, language) == []


@pytest.mark.parametrize(
    ("kind", "text", "words", "forbids"),
    [
        (Kind.OPT_OUT, "Acme Bikes: bye", "it must have 20 to 320", True),
        (Kind.OPT_OUT, "Acme Bikes: no more. " + "x" * 300, "it must have 20 to 320", True),
        (Kind.OPT_OUT, "   \n ", "it must have 20 to 320", True),
        (Kind.OPT_OUT, "You will get no more messages.", "name “Acme Bikes Ltd.”", True),
        (Kind.OPT_OUT, "Acmebikes: you will get no more.", "does not say who", True),
        (Kind.OPT_OUT, "Acme Bikes: thank you for writing.", "no more messages follow", True),
        (Kind.OPT_OUT, "Acme Bikes: no more texts. 20% off now!", "20", True),
        (Kind.OPT_OUT, "Acme Bikes: no more texts. See our summer sale", "“sale”", True),
        (Kind.HELP, "Acme Bikes: get a discount on STOP day", "“discount”", True),
        (Kind.HELP, "Acme Bikes: call us on 555 0100.", "how to stop", False),
        (Kind.OPT_IN, "Acme Bikes: welcome back, we missed you.", "how to stop", False),
    ],
)
def test_what_is_wrong_is_told_in_words(kind: Kind, text: str, words: str, forbids: bool) -> None:
    assert any(words in told and is_error == forbids for told, is_error in said(kind, text))


def test_a_language_that_we_cannot_read_is_only_warned_of() -> None:
    assert [
        forbids
        for _, forbids in said(Kind.OPT_OUT, "Acme Bikes：もう送りません。ありがとう。", "ja")
    ] == [False]


@given(kind=st.sampled_from(Kind), text=st.text(max_size=400), language=st.text(max_size=5))
def test_any_text_is_judged_and_a_short_or_long_one_is_forbidden(
    kind: Kind, text: str, language: str
) -> None:
    problems = text_problems(kind, text, language=language, names=["Acme"])
    if not 20 <= len(text.strip()) <= LONGEST:
        assert any(one.is_error for one in problems)
