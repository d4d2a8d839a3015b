"""An account's own keywords: as many as agreed, narrower places first, nothing said twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.classify import Context, classify
from compliance.own_keywords import (
    ACTIONS,
    MOST,
    OwnKeyword,
    OwnKeywords,
    OwnKeywordsRefused,
    problems_of,
    shipped_words,
    table_of,
)


def read(text: str, own: OwnKeywords, *languages: str, country: str = "") -> tuple[str, str]:
    """Read a text in an inbox with these languages, written from this country."""
    table = own.table(languages=languages, country=country)
    reading = classify(text, languages=languages, context=Context(own_keywords=table))
    return reading.label, reading.kind


def own(*rows: tuple[str, ...]) -> OwnKeywords:
    """Make the keywords of an account: action, word, language, country."""
    return OwnKeywords(OwnKeyword(*row) for row in rows)


@pytest.mark.parametrize("text", ["GENUG", " genug. ", "G E N U G", "Genug 🙏"])
def test_an_own_word_counts_in_any_dress(text: str) -> None:
    assert read(text, own(("opt_out", "Genug")), "de") == ("opt_out", "exact")


def test_accents_do_not_matter() -> None:
    rows = own(("opt_out", "Désolé"))
    assert read("desole", rows, "fr") == read("DÉSOLÉ", rows, "fr") == ("opt_out", "exact")


def test_a_word_of_one_language_counts_where_that_language_is_enabled() -> None:
    rows = own(("opt_out", "ruhe", "de"))
    assert read("Ruhe!", rows, "de-AT") == ("opt_out", "exact")
    assert read("Ruhe!", rows, "en")[1] != "exact"


def test_a_word_of_one_country_counts_for_people_there() -> None:
    rows = own(("help", "soporte", "", "mx"))
    assert read("soporte", rows, "es", country="MX") == ("help", "exact")
    assert read("soporte", rows, "es", country="US") == ("none", "")


def test_a_narrower_place_overrides_a_wider_one() -> None:
    rows = own(
        ("opt_in", "verano"),
        ("help", "verano", "es"),
        ("opt_out", "verano", "es", "MX"),
    )
    assert read("verano", rows, "en") == ("opt_in", "exact")
    assert read("verano", rows, "es") == ("help", "exact")
    assert read("verano", rows, "es", country="MX") == ("opt_out", "exact")


def test_where_two_languages_disagree_the_wish_to_stop_goes_first() -> None:
    rows = own(("opt_in", "ola", "pt"), ("opt_out", "ola", "es"))
    assert read("ola", rows, "es", "pt") == ("opt_out", "exact")


def test_a_word_of_our_own_table_can_be_switched_off_in_a_place() -> None:
    rows = own(("none", "PERUUTA", "fi"))
    assert read("peruuta", OwnKeywords(), "fi") == ("opt_out", "exact")
    assert read("peruuta", rows, "fi")[1] != "exact"


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        # The same word twice, in one dress or another.
        ([("opt_out", "Genug"), ("opt_in", "genug!")], ["“Genug”", "“genug!”"]),
        ([("opt_out", "Désolé"), ("help", "DESOLE")], ["“Désolé”", "“DESOLE”"]),
        # Places that meet, and neither is narrower.
        ([("opt_out", "ola", "es"), ("help", "ola", "", "MX")], ["(es)", "(MX)"]),
        # Against the words of every inbox.
        ([("opt_in", "Stop!")], ["“Stop!”", "“STOP”"]),
        ([("none", "unsubscribe")], ["“unsubscribe”", "“UNSUBSCRIBE”"]),
        ([("help", "cancel", "en")], ["“cancel”", "“CANCEL”"]),
        ([("opt_out", "Help")], ["“Help”", "“HELP”"]),
        ([("opt_out", "yes")], ["“yes”", "“YES”"]),
        ([("opt_out", "info", "de", "AT")], ["“info”", "“INFO”"]),
        ([("help", "ЅТОР")], ["“ЅТОР”", "“STOP”"]),
        # Against a word that stops in its language.
        ([("opt_in", "salir"), ("opt_in", "sair", "pt")], ["“sair”", "“SAIR”"]),
    ],
)
def test_a_conflict_is_refused_naming_both(rows: list[tuple[str, ...]], named: list[str]) -> None:
    with pytest.raises(OwnKeywordsRefused) as raised:
        own(*rows)
    (problem,) = raised.value.problems
    assert all(name in problem for name in named), problem


@pytest.mark.parametrize(
    "rows",
    [
        [("opt_out", "Stop")],
        [("opt_out", "genug"), ("opt_out", "GENUG!", "de")],
        [("opt_in", "ola", "es"), ("opt_out", "ola", "pt")],
        [("opt_in", "ola", "", "US"), ("opt_out", "ola", "", "MX")],
        [("opt_in", "sair", "fr")],
        [("opt_out", "alta", "es")],
    ],
)
def test_what_does_not_collide_is_kept(rows: list[tuple[str, ...]]) -> None:
    assert len(own(*rows).rows) == len(rows)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("leave", "genug"), "no action leave"),
        (("opt_out", "!!! 🙏"), "no letters"),
        (("opt_out", ""), "no letters"),
        (("opt_out", "x" * 35), "too long"),
        (("opt_out", "ﷺ" * 20), "too long"),
        (("opt_out", "sto[pq]+"), "no plain word"),
        (("opt_out", "^genug$"), "no plain word"),
        (("opt_out", "gen.*ug"), "no plain word"),
        (("opt_out", "genug\\b"), "no plain word"),
        (("opt_out", "genug", "german"), "german is no language"),
        (("opt_out", "genug", "", "Austria"), "Austria is no country"),
    ],
)
def test_what_was_typed_wrong_is_told_in_words(row: tuple[str, ...], problem: str) -> None:
    assert problem in " ".join(problems_of([OwnKeyword(*row)]))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    rows = [OwnKeyword("leave", "…"), OwnKeyword("opt_in", "stop")]
    assert len(problems_of(rows)) == 3


def test_there_may_be_so_many_words_per_action_and_place() -> None:
    words = [OwnKeyword("opt_out", f"genug{number}") for number in range(MOST)]
    there = [OwnKeyword("opt_out", f"basta{number}", "it") for number in range(MOST)]
    assert not problems_of([*words, *there, OwnKeyword("help", "hallo")])
    assert (
        "21 words for opt_out (everywhere)"
        in problems_of([*words, OwnKeyword("opt_out", "schluss")])[0]
    )


@given(
    st.lists(
        st.builds(
            OwnKeyword,
            st.sampled_from([*ACTIONS, "other"]),
            st.text(max_size=50),
            st.sampled_from(["", "es", "pt-BR", "?"]),
            st.sampled_from(["", "US", "mx", "?"]),
        ),
        max_size=6,
    )
)
def test_any_rows_are_either_kept_or_refused_in_words(rows: list[OwnKeyword]) -> None:
    problems = problems_of(rows)
    if not problems:
        assert OwnKeywords(rows).table(languages=["es"], country="US") is not None
    assert all(problem.endswith(".") for problem in problems)


def test_our_own_words_can_be_shown_beside() -> None:
    assert "SAIR" in shipped_words("pt", "opt_out")


@pytest.mark.parametrize("word", ["x" * 34, "no more", "d'accord", "opt-out2", "كفاية", "よいです"])
def test_a_plain_word_is_one_in_any_script(word: str) -> None:
    assert not problems_of([OwnKeyword("opt_out", word)])


def test_a_word_switched_off_is_no_doubt_either_where_its_language_is_not_enabled() -> None:
    rows = own(("none", "PERUUTA", "fi"))
    assert read("peruuta", OwnKeywords(), "en") == ("opt_out", "fuzzy")
    assert read("peruuta", rows, "en") == ("none", "")


def test_what_later_became_a_word_of_every_inbox_is_that_whatever_an_account_kept() -> None:
    rows = [OwnKeyword("help", "Stop"), OwnKeyword("none", "START"), OwnKeyword("opt_out", "ruhe")]
    assert table_of(rows, languages=["en"]) == {"ruhe": "opt_out"}
