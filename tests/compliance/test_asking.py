"""What is a yes, which programme does an answer name, and may a text ask? Tables and properties."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.affirming import says_yes
from compliance.asking_texts import (
    LANGUAGES,
    PLACE,
    AskingKind,
    asking_problems,
    asking_text,
    suggested,
    with_programmes,
)
from compliance.classify import classify
from compliance.programmes import (
    MOST,
    Programme,
    ProgrammesError,
    chosen,
    kept_programmes,
    programmes_from,
)

NAMED = programmes_from([("", "Appointment reminders"), ("", "Über uns"), ("", "حفلات")])


@pytest.mark.parametrize(
    "words",
    [
        *("YES", "yes", " Yes! ", "Y", "yes please", "I agree.", "YES 👍", "ＹＥＳ", "y e s"),
        *(
            "Sí",
            "si",
            "OUI",
            "J’accepte",
            "Ja",
            "ja, gerne",
            "SIM",
            "да",
            "نعم",
            "はい",
            "네",
            "是的",
        ),
        *("START", "unstop", "Yes, thank you"),
    ],
)
def test_a_plain_yes_is_one(words: str) -> None:
    assert says_yes(words)


@pytest.mark.parametrize(
    "words",
    [
        *("", " ", "no", "ok", "okay", "sure?", "maybe", "yes but not now", "yes I am driving"),
        *("Liked “Reply YES to confirm”", "👍", "yes or no", "what is this", "STOP", "HELP"),
        *("did you say yes", "y" * 100, "yes" * 30),
    ],
)
def test_anything_else_is_no_yes(words: str) -> None:
    assert not says_yes(words)


@settings(deadline=None)
@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    is_yes = says_yes(text)

    assert is_yes in (True, False)
    assert not (is_yes and classify(text, languages=("en",), channel="sms").stops_now)
    assert chosen(text, NAMED) in (None, *NAMED)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        *(("1", 1), ("#2", 2), (" 3. ", 3), ("３", 3), ("1️⃣", 1)),
        *(("appointment REMINDERS!", 1), ("uber uns", 2), ("Über-uns", 2), ("حفلات", 3)),
        *(("4", 0), ("0", 0), ("11", 0), ("1 2", 0), ("reminders", 0), ("", 0), ("one", 0)),
        *(("keep 1", 0), ("not 1", 0), ("1?2", 0), ("“1”", 1)),
    ],
)
def test_an_answer_names_one_programme_or_none(words: str, number: int) -> None:
    found = chosen(words, NAMED)

    assert (found.number if found else 0) == number


@settings(deadline=None)
@given(st.lists(st.text(max_size=45), max_size=12))
def test_what_is_kept_is_read_as_it_was_written(names: list[str]) -> None:
    try:
        made = programmes_from([("", name) for name in names])
    except ProgrammesError:
        return

    assert len(made) <= MOST
    assert kept_programmes([one.as_json() for one in made]) == made
    assert len({one.code for one in made}) == len(made)
    assert all(chosen(str(one.number), made) == one for one in made)
    assert all(chosen(one.name, made) == one for one in made)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", AskingKind)
def test_what_we_suggest_may_stand(kind: AskingKind, language: str) -> None:
    text = suggested(kind, language, "Fabrikam")

    found = asking_problems(kind, text, language=language, names=["Fabrikam"], programmes=NAMED)
    assert [one for one in found if one.is_error] == []


def test_a_programme_may_be_called_offers_and_the_text_may_not_sell() -> None:
    named = programmes_from([("", "Offers"), ("", "Discount club")])
    text = suggested(AskingKind.CLARIFY, "en", "Fabrikam")
    check = {"language": "en", "names": ["Fabrikam"], "programmes": named}

    assert not asking_problems(AskingKind.CLARIFY, text, **check)  # type: ignore[arg-type]
    sold = asking_problems(AskingKind.CLARIFY, f"{text} 20% off!", **check)  # type: ignore[arg-type]
    assert any("marketing" in one.words for one in sold)


@pytest.mark.parametrize(
    ("languages", "text", "language"),
    [
        (["es-MX", "en"], "eigenes: es", "es"),
        (["pt", "fr"], suggested(AskingKind.CONFIRM, "fr", "F"), "fr"),
        (["", "xx"], "own: en", "en"),
        ([], "own: en", "en"),
    ],
)
def test_the_account_s_text_comes_before_ours_in_each_language(
    languages: list[str], text: str, language: str
) -> None:
    own = {"confirm": {"es": "eigenes: es", "en": "own: en"}}

    assert asking_text(AskingKind.CONFIRM, own, languages, "F") == (text, language)


def test_names_and_numbers_are_put_where_they_belong() -> None:
    said = with_programmes(f"Keep one: {PLACE}.", NAMED[:2])

    assert said == "Keep one: 1 Appointment reminders, 2 Über uns."
    assert with_programmes(f"{PLACE}", [Programme("x", PLACE, 1)]) == f"1 {PLACE}"
