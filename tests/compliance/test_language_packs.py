"""Language packs are data: each is in order, and one that is not says which and why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.keyword_table import keywords
from compliance.lexicon import (
    CONCEPTS,
    PackError,
    all_packs,
    lexicon,
    likelier_languages,
    read_pack,
    rule_version,
)
from compliance.normalising import own_words, readable, squeezed, without_accents

# What a language cannot do without: it has verbs for it, or whole phrases.
NEEDED = {"stop_word", "unsubscribe", "remove", "message", "list", "other", "keep", "resume", "who"}


@pytest.mark.parametrize("code", all_packs())
def test_every_pack_has_what_the_grammar_lives_on(code: str) -> None:
    assert {entry.concept for entry in all_packs()[code].entries} >= NEEDED


def test_every_language_of_the_keywords_has_a_pack() -> None:
    assert {row.language for row in keywords()} <= all_packs().keys()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("stop = ['x']", "needs a version"),
        ("version = 1\nstop = ['x']", "needs a version"),
        ("version = '1'\nhalt = ['x']", "no such concept: halt"),
        ("version = '1'\nstop = ['&']", "'&' has no letters"),
        ("version = '1'\nstop = 'halt'", "stop is no list of words"),
        ("version = '1'\nstop = [1]", "stop is no list of words"),
        ("version = '1'\nstop = [", "xx.toml"),
        ("version = '\udcff'", "xx.toml"),
    ],
)
def test_a_pack_that_is_not_in_order_says_why(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "xx.toml"
    file.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(PackError, match="xx.toml") as raised:
        read_pack(file)
    assert words in str(raised.value)


def test_every_concept_says_what_it_is_for() -> None:
    assert all(CONCEPTS.values())


def test_the_version_names_the_newest_pack() -> None:
    assert rule_version().startswith(max(pack.version for pack in all_packs().values()))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("txet", "contact"), ("mesage", "message"), ("unsubcribe", "unsubscribe"), ("$top", "stop")],
)
def test_a_slip_is_taken_for_what_it_was_meant_to_be(written: str, meant: str) -> None:
    (term,) = lexicon(frozenset({"en"})).terms(written)
    assert meant in term.concepts


@pytest.mark.parametrize("word", ["shop", "step", "top", "texas", "massage", "next"])
def test_an_ordinary_word_is_no_slip(word: str) -> None:
    (term,) = lexicon(frozenset({"en"})).terms(word)
    assert not term.concepts & {"stop", "contact", "message"}


def test_a_longer_phrase_is_not_cut_by_a_shorter_one_before_it() -> None:
    terms = lexicon(frozenset({"en"})).terms("i do not consent to texts")
    assert [next(iter(term.concepts)) for term in terms][-2:][0] == "dont_want"


@pytest.mark.parametrize(
    ("text", "language"),
    [("bitte keine nachrichten mehr", "de"), ("הסירו אותי מהרשימה", "he"), ("别再发短信", "zh")],
)
def test_a_text_tells_its_language(text: str, language: str) -> None:
    assert likelier_languages(text, ["en"])[0] == language
    assert language not in likelier_languages(text, [language])


@given(st.text(max_size=200))
def test_the_dress_comes_off_once_and_for_all(text: str) -> None:
    seen = readable(text)
    assert readable(seen) == seen
    assert squeezed(squeezed(seen)) == squeezed(seen)
    assert len(own_words(seen)) <= len(seen) * 3 + 3
    assert without_accents(without_accents(seen)) == without_accents(seen)


@pytest.mark.parametrize(
    ("language", "written", "parts"),
    [
        ("en", "getmeoutofurtextsplease", "get me out of ur texts please"),
        ("es", "yanomeescribanporfavor", "ya no me escriban porfavor"),
        ("tr", "banabidahayazmayin", "bana bidaha yazmayin"),
        ("ko", "문자받기싫어요", "문자 받기싫어요"),
        ("ru", "нешлите", "не шлите"),
        # What is a word of ours, what is no row of them, and what mixes languages, stays.
        ("en", "appointment", "appointment"),
        ("nl", "genoegen", "genoegen"),
        ("en", "stopwatches", "stopwatches"),
        ("fi", "jonotuslistalta", "jonotuslistalta"),
    ],
)
def test_words_that_run_together_are_told_apart(language: str, written: str, parts: str) -> None:
    terms = lexicon(frozenset({"en", language})).terms(written)
    assert " ".join(term.text for term in terms) == parts


@pytest.mark.parametrize(
    ("written", "is_stop"),
    [("st*p", True), ("s**p", True), ("unsub*cribe", True), ("sh*t", False), ("5*5", False)],
)
def test_hidden_letters_are_seen_where_they_can_only_mean_one_thing(
    written: str, is_stop: bool
) -> None:
    terms = lexicon(frozenset({"en"})).terms(written)
    concepts = frozenset().union(*(term.concepts for term in terms))
    assert bool(concepts & {"stop_word", "unsubscribe"}) == is_stop
