"""Is what an inbox says the same after it was written down, and is nonsense told by its place?"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.escalation import Clock
from routing.hours import Opening
from routing.reading import DocumentError
from routing.replies import (
    AfterHoursReply,
    FirstMessageReply,
    FirstWhen,
    KeywordReply,
    Replies,
    StillWaitingReply,
    languages_of,
    reply_problems,
)
from routing.reply_documents import document_of, read_replies
from routing.rules import Actions, Condition, Group, Rule
from routing.texts import BUILT_IN, Kind, Text, Variable
from routing.wording import Variant

EVERYTHING: dict[str, Any] = {
    "format": 1,
    "default_language": "en",
    "keyword": [
        {
            "name": "Prices",
            "phrases": ["price", "how much"],
            "variants": [{"text": "See our prices"}],
        },
        {
            "name": "Pictures",
            "on": False,
            "if": {"all": [{"fact": "has_media", "test": "is_true"}]},
            "variants": [{"text": "Thanks for the picture"}],
        },
    ],
    "after_hours": {
        "variants": [
            {"text": "Back on {{inbox.opens_on|Monday}}", "language": "en"},
            {"text": "Bonne nuit", "language": "fr", "hours": ["22:00", "06:00"]},
            {"text": "Fermé", "language": "fr", "places": ["CA-QC", "FR"]},
        ],
        "holiday_variants": [{"text": "Happy holidays"}],
    },
    "first_message": {
        "when": "after_silence",
        "silence_hours": 48,
        "variants": [{"text": "Hi {{contact.first_name|there}}, due {{crm.shop.due|soon}}"}],
    },
    "still_waiting": {"after": 20, "clock": "business", "variants": [{"text": "Soon"}]},
    "variables": {"crm.shop.due": "date"},
}


def problems(document: object) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        read_replies(document)
    return [str(problem) for problem in refused.value.problems]


def first(**parts: Any) -> dict[str, Any]:
    return {"first_message": {"variants": [{"text": "Hi", **parts}]}}


def keyword(**parts: Any) -> dict[str, Any]:
    return {"keyword": [{"name": "A", "phrases": ["x"], "variants": [{"text": "Hi"}], **parts}]}


def test_a_document_is_read_and_written_down_again() -> None:
    replies = read_replies(EVERYTHING)

    prices, pictures = replies.keyword
    assert (prices.phrases, prices.condition, prices.is_on) == (("price", "how much"), None, True)
    assert (pictures.is_on, pictures.condition) == (
        False,
        Group(parts=(Condition("has_media", "is_true"),)),
    )
    assert replies.after_hours
    _day, night, there = replies.after_hours.variants
    assert night.hours == Opening(22 * 60, 30 * 60)
    assert there.places == {"CA-QC", "FR"}
    assert replies.first_message
    assert replies.first_message.when is FirstWhen.AFTER_SILENCE
    assert replies.first_message.silence == timedelta(hours=48)
    assert replies.still_waiting
    assert (replies.still_waiting.after, replies.still_waiting.clock) == (20, Clock.BUSINESS)
    assert replies.variables["crm.shop.due"].kind is Kind.DATE
    assert replies.variables["contact.name"] == BUILT_IN["contact.name"]
    assert document_of(replies) == EVERYTHING


@pytest.mark.parametrize("document", [{}, {"format": 1}, {"keyword": []}, {"after_hours": None}])
def test_what_is_missing_is_off(document: dict[str, Any]) -> None:
    assert read_replies(document) == Replies(default_language="", variables=dict(BUILT_IN))


@pytest.mark.parametrize(
    ("document", "where", "words"),
    [
        (None, "document", "object"),
        ([], "document", "object"),
        ({"format": 2}, "format", "format 1"),
        ({"greeting": {}}, "document", "“greeting” is not known"),
        ({"default_language": "klingon"}, "default_language", "code of a language"),
        ({"default_language": 3}, "default_language", "text is wanted"),
        ({"keyword": {}}, "keyword", "list"),
        ({"keyword": [{}]}, "keyword[0].name", "text is wanted"),
        (keyword(name=" "), "keyword[0].name", "blank"),
        (keyword(name="A" * 81), "keyword[0].name", "80 letters"),
        (keyword(phrases=[]), "keyword[0]", "what it answers"),
        (keyword(phrases=["x" * 101]), "keyword[0].phrases[0]", "100 letters"),
        (keyword(phrases=[" "]), "keyword[0].phrases[0]", "blank"),
        (keyword(**{"if": {"all": []}}), "keyword[0].if.all", "at least one"),
        (keyword(variants=[]), "keyword[0]", "at least one text"),
        (keyword(on="no"), "keyword[0].on", "true or false"),
        ({"keyword": [*keyword()["keyword"] * 2]}, "keyword", "“a”"),
        ({"after_hours": {}}, "after_hours", "at least one text"),
        ({"after_hours": []}, "after_hours", "object"),
        ({"after_hours": {"texts": []}}, "after_hours", "“texts” is not known"),
        ({"first_message": {"when": "never"}}, "first_message.when", "after_silence"),
        ({"first_message": {"silence_hours": 0}}, "first_message.silence_hours", "whole number"),
        ({"still_waiting": {"after": 0}}, "still_waiting.after", "whole number"),
        ({"still_waiting": {"clock": "sun"}}, "still_waiting.clock", "business"),
        (first(text=" "), "first_message.variants[0].text", "blank"),
        (first(text="x" * 4001), "first_message.variants[0].text", "4000 letters"),
        (first(language="?"), "first_message.variants[0].language", "pt-BR"),
        (first(hours=["9"]), "first_message.variants[0].hours", "22:00"),
        (first(hours=["09:00", "09:00"]), "first_message.variants[0].hours", "22:00"),
        (first(hours=["24:00", "09:00"]), "first_message.variants[0].hours", "22:00"),
        (first(hours=["09:00", "25:00"]), "first_message.variants[0].hours", "22:00"),
        (first(places=["Quebec"]), "first_message.variants[0].places[0]", "CA-QC"),
        ({"variables": []}, "variables", "object"),
        ({"variables": {"contact.name": "date"}}, "variables", "“contact.name”"),
        ({"variables": {"crm.shop.due": "day"}}, "variables.crm.shop.due", "date"),
    ],
)
def test_what_cannot_be_followed_is_told_by_its_place(
    document: object, where: str, words: str
) -> None:
    found = problems(document)
    assert [one for one in found if one.startswith(f"{where}: ") and words in one], found


def test_every_problem_is_told_at_once() -> None:
    assert len(problems({"format": 3, "keyword": [{}], "still_waiting": {"after": "soon"}})) >= 4


def test_what_is_off_keeps_its_texts_and_may_have_none() -> None:
    document = {"first_message": {"on": False, "variants": []}}
    assert read_replies(document).first_message == FirstMessageReply((), is_on=False)
    kept = {"first_message": {"on": False, "variants": [{"text": "Hi"}]}}
    reply = read_replies(kept).first_message
    assert reply
    assert [one.text.source for one in reply.variants] == ["Hi"]


# --- Any replies at all ---

SOURCES = st.text(st.sampled_from("{}|ab. é猫\n"), max_size=30).filter(lambda one: one.strip())
OPENINGS = st.tuples(st.integers(0, 1439), st.integers(1, 1439)).map(
    lambda pair: Opening(pair[0], pair[0] + pair[1])
)
VARIANTS = st.builds(
    Variant,
    text=SOURCES.map(Text.parse).filter(lambda text: bool(text.source.strip())),
    language=st.sampled_from(["", "en", "pt-BR", "zh-Hant"]),
    hours=st.none() | OPENINGS,
    places=st.frozensets(st.sampled_from(["CA", "CA-QC", "US-NY"])),
)
WORDINGS = st.lists(VARIANTS, min_size=1, max_size=3).map(tuple)
GROUP = Group(parts=(Condition("language", "is_any", ("es",)),))
KEYWORDS = st.builds(
    KeywordReply,
    name=st.sampled_from(["A", "B", "C"]),
    variants=WORDINGS,
    phrases=st.just(("x", "价格")),
    condition=st.none() | st.just(GROUP),
    is_on=st.booleans(),
)
REPLIES = st.builds(
    Replies,
    keyword=st.lists(KEYWORDS, max_size=3, unique_by=lambda one: one.name).map(tuple),
    after_hours=st.none() | st.builds(AfterHoursReply, WORDINGS, WORDINGS, st.booleans()),
    first_message=st.none()
    | st.builds(
        FirstMessageReply,
        WORDINGS,
        st.sampled_from(FirstWhen),
        st.integers(1, 500).map(lambda hours: timedelta(hours=hours)),
        st.booleans(),
    ),
    still_waiting=st.none()
    | st.builds(
        StillWaitingReply, WORDINGS, st.integers(1, 600), st.sampled_from(Clock), st.booleans()
    ),
    default_language=st.sampled_from(["", "en", "es"]),
)


@given(REPLIES)
def test_what_is_written_down_and_read_is_the_same(replies: Replies) -> None:
    document = json.loads(json.dumps(document_of(replies)))
    again = read_replies(document)
    assert again == replies
    assert document_of(again) == document


@given(st.text(st.sampled_from("{}|a. é\n"), max_size=40))
def test_a_text_is_the_same_after_it_was_written_down(source: str) -> None:
    text = Text.parse(source)
    assert Text.parse(text.source) == text


# --- What it leans on ---


def say(text: str, language: str = "") -> Variant:
    return Variant(Text.parse(text), language)


RULE = Rule("r", "R", Group(parts=(Condition("language", "is_any", ("fr",)),)))


@pytest.mark.parametrize(
    ("replies", "rules", "languages"),
    [
        (Replies(), (), ()),
        (Replies(first_message=FirstMessageReply((say("Hi"),))), (), ()),
        (Replies(first_message=FirstMessageReply((say("Hi", "en"),))), (), ()),
        (Replies(first_message=FirstMessageReply((say("Hola", "es"),))), (), ("en", "es")),
        (Replies(first_message=FirstMessageReply((say("Hola", "es"),), is_on=False)), (), ()),
        (Replies(after_hours=AfterHoursReply((), (say("Hola", "es"),))), (), ("en", "es")),
        (
            Replies(
                still_waiting=StillWaitingReply((say("Oi", "pt"), say("Olá", "pt-BR"))),
                default_language="pt",
            ),
            (),
            (),
        ),
        (Replies(keyword=(KeywordReply("k", (say("Hi"),), (), GROUP),)), (), ("en", "es")),
        (Replies(), (RULE,), ("en", "fr")),
        (Replies(default_language="fr"), (RULE,), ("fr",)),
        (Replies(), (Rule("r", "R", actions=Actions(reply={"de": "Hallo"})),), ("de", "en")),
    ],
)
def test_languages_are_those_of_texts_and_of_what_conditions_ask(
    replies: Replies, rules: tuple[Rule, ...], languages: tuple[str, ...]
) -> None:
    assert languages_of(replies, rules) == languages


def test_look_ups_are_those_of_variables_and_of_conditions() -> None:
    crm = Group(parts=(Condition("crm", "equals", "gold", "shop.tier"),))
    replies = Replies(
        keyword=(
            KeywordReply("k", (say("Hi"),), (), crm),
            KeywordReply("off", (say("{{crm.off.x|}}"),), ("x",), is_on=False),
        ),
        first_message=FirstMessageReply((say("Hi {{crm.sales.name|}} {{contact.name|}}"),)),
        variables={**BUILT_IN, "crm.sales.name": Variable()},
    )
    assert replies.lookups() == {"shop", "sales"}


def test_the_document_of_the_documentation_can_be_published() -> None:
    page = (Path(__file__).parents[2] / "docs" / "replies.md").read_text()
    document = json.loads(page.partition("```json")[2].partition("```")[0])

    replies = read_replies(document)

    assert replies.keyword
    assert replies.still_waiting
    assert reply_problems(replies) == []
