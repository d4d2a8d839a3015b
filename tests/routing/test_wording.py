"""Which wording does a customer get? The fallback chain, time of day and region."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.facts import Answer, Customer, Facts, Value
from routing.facts import Text as Written
from routing.hours import Calendar, Opening
from routing.texts import BUILT_IN, Kind, Text, known_variables
from routing.wording import Variant, Voice, Worded, chain, word, worded, wording_problems

# A Thursday; 08:00 in Berlin.
MORNING = datetime(2026, 11, 26, 7, tzinfo=UTC)
NOON = MORNING + timedelta(hours=4)
NIGHT = MORNING + timedelta(hours=15)
VOICE = Voice("Support", "Robin", "en", BUILT_IN)
BERLIN = Calendar.always("Europe/Berlin")

EARLY, LATE = Opening(6 * 60, 12 * 60), Opening(22 * 60, 30 * 60)


def variant(words: str, language: str = "", hours: Opening | None = None, *places: str) -> Variant:
    return Variant(Text.parse(words), language, hours, frozenset(places))


def facts(
    language: str = "", detected: str = "", confidence: float = 0.0, country: str = "", region=""
) -> Facts:
    return Facts(
        seed="m",
        text=Written("hello", detected, confidence),
        customer=Customer(name="Ana Lopez", language=language, country=country, region=region),
        calendar=BERLIN,
    )


def said(variants: list[Variant], who: Facts, at: datetime = NOON, voice: Voice = VOICE) -> str:
    worded = word(variants, who, voice, at=at)
    return worded.text if worded else ""


EN, DE, ES = variant("Hello", "en"), variant("Hallo", "de"), variant("Hola", "es")
PT, BRAZIL = variant("Olá", "pt"), variant("Oi", "pt-BR")
HANS, HANT = variant("您好（简）", "zh-Hans"), variant("您好（繁）", "zh-Hant")
CYRILLIC, LATIN = variant("Здраво", "sr"), variant("Zdravo", "sr-Latn")
ANY = variant("👋")


@pytest.mark.parametrize(
    ("variants", "who", "words"),
    [
        ([EN, DE, ES], facts("es"), "Hola"),
        ([EN, DE, ES], facts("es", "de", 0.99), "Hola"),
        ([EN, DE, ES], facts("fr", "de", 0.99), "Hallo"),
        ([EN, DE, ES], facts("", "de", 0.8), "Hallo"),
        ([EN, DE, ES], facts("", "de", 0.79), "Hello"),
        ([EN, DE, ES], facts(), "Hello"),
        ([DE, ES], facts(), "Hallo"),
        ([DE, ES, ANY], facts("fr"), "👋"),
        ([ANY, EN], facts("fr"), "Hello"),
        ([PT, BRAZIL], facts("pt-BR"), "Oi"),
        ([PT, BRAZIL], facts("pt"), "Olá"),
        ([EN, PT], facts("pt-BR"), "Olá"),
        ([EN, BRAZIL], facts("pt_PT"), "Oi"),
        ([variant("Hei", "no"), EN], facts("nb"), "Hei"),
        # The wider before a cousin, the own script before another, another before another language.
        ([BRAZIL, PT], facts("pt-PT"), "Olá"),
        ([HANS, HANT, EN], facts("zh-TW"), "您好（繁）"),
        ([HANS, HANT, EN], facts("zh-Hant-HK"), "您好（繁）"),
        ([HANT, HANS, EN], facts("zh"), "您好（简）"),
        ([HANT, EN], facts("zh-CN"), "您好（繁）"),
        ([CYRILLIC, LATIN, EN], facts("sr-Latn-RS"), "Zdravo"),
        ([LATIN, CYRILLIC, EN], facts("sr"), "Здраво"),
        ([LATIN, EN], facts("sr"), "Zdravo"),
        ([variant("שלום", "he"), EN], facts("iw"), "שלום"),
        ([variant("", "es"), EN], facts("es"), "Hello"),
        ([variant("{{contact.number}}", "es"), EN], facts("es"), "Hello"),
        ([variant(" ")], facts("es"), ""),
        ([], facts("es"), ""),
    ],
)
def test_a_text_is_chosen_by_language(variants: list[Variant], who: Facts, words: str) -> None:
    assert said(variants, who) == words


DAY = [variant("Good morning", "en", EARLY), variant("Good night", "en", LATE), EN]


@pytest.mark.parametrize(
    ("variants", "at", "words"),
    [
        (DAY, MORNING, "Good morning"),
        (DAY, NOON, "Hello"),
        (DAY, NIGHT, "Good night"),
        # 05:30 in Berlin, of the night that began the day before.
        (DAY, MORNING - timedelta(hours=2, minutes=30), "Good night"),
        (DAY, MORNING - timedelta(hours=2), "Good morning"),
        # Better other words than none; the looser ones first.
        (DAY[:2], NOON, "Good morning"),
        ([variant("x", "en", LATE, "CA"), DAY[0]], NOON, "Good morning"),
        # What fits the hour comes before what fits the language.
        ([variant("Guten Morgen", "en", EARLY), ES], NOON, "Hola"),
    ],
)
def test_a_text_is_chosen_by_time_of_day(variants: list[Variant], at: datetime, words: str) -> None:
    assert said(variants, facts(), at) == words


PLACES = [
    EN,
    variant("Hello Canada", "en", None, "CA"),
    variant("Hello Québec", "en", None, "CA-QC"),
    variant("Good morning Canada", "en", EARLY, "CA", "US"),
]


@pytest.mark.parametrize(
    ("country", "region", "at", "words"),
    [
        ("", "", NOON, "Hello"),
        ("GB", "", NOON, "Hello"),
        ("CA", "", NOON, "Hello Canada"),
        ("CA", "ON", NOON, "Hello Canada"),
        ("US", "NY", NOON, "Hello"),
        ("US", "NY", MORNING, "Good morning Canada"),
        ("CA", "ON", MORNING, "Good morning Canada"),
    ],
)
def test_a_text_is_chosen_by_region(country: str, region: str, at: datetime, words: str) -> None:
    assert said(PLACES, facts(country=country, region=region), at) == words


@pytest.mark.parametrize(
    ("country", "region", "words"),
    [
        ("CA", "QC", "Bonjour"),
        ("CA", "ON", "Hi from Canada"),
        # California is no part of Canada, nor Delaware of Germany.
        ("US", "CA", "Hi from California"),
        ("US", "DE", "Hello"),
        ("DE", "", "Hallo"),
    ],
)
def test_a_region_comes_before_its_country_and_is_no_other_country(
    country: str, region: str, words: str
) -> None:
    variants = [
        EN,
        variant("Hi from Canada", "en", None, "CA"),
        variant("Bonjour", "en", None, "CA-QC"),
        variant("Hi from California", "en", None, "US-CA"),
        variant("Hallo", "en", None, "DE"),
    ]

    assert said(variants, facts(country=country, region=region)) == words


@pytest.mark.parametrize("place", ["CA", "QC", "CA-QC"])
def test_a_place_may_be_named_in_three_ways(place: str) -> None:
    variants = [EN, variant("Bonjour", "en", None, place)]

    assert said(variants, facts(country="CA", region="QC")) == "Bonjour"
    assert said(variants, facts(country="CO")) == "Hello"


def test_the_language_of_the_text_decides_how_dates_are_written() -> None:
    weekdays = (Opening(9 * 60, 17 * 60),)
    calendar = Calendar("Europe/Berlin", (weekdays,) * 5 + ((), ()))
    who = Facts("m", customer=Customer(language="de"), calendar=calendar)
    german = variant("Ab {{inbox.opens_on}}, {{inbox.opens_at}} Uhr", "de")
    friday_night = datetime(2026, 11, 27, 20, tzinfo=UTC)

    worded = word([german], who, VOICE, at=friday_night)

    assert worded == Worded("Ab 30. November 2026, 09:00 Uhr", "de")


def test_a_calendar_that_never_opens_leaves_its_variables_empty() -> None:
    who = Facts("m", calendar=Calendar.never())

    assert said([variant("Open {{inbox.opens_on|later}}")], who) == "Open later"


def test_texts_know_the_contact_the_crm_and_the_inbox() -> None:
    attributes: dict[str, Value] = {"plan": "Gold", "points": 7}
    who = Facts(
        "m",
        customer=Customer(name="Ana Lopez", number="+4917012345", attributes=attributes),
        answers={
            "hubspot": Answer({"tier": "premium", "since": "2020-02-01"}),
            "sap": Answer(failure="timed out"),
        },
    )
    known = known_variables(
        {"plan": Kind.TEXT, "points": Kind.NUMBER},
        {"hubspot": {"tier": Kind.TEXT, "since": Kind.DATE}, "sap": {"id": Kind.TEXT}},
    )
    text = variant(
        "{{contact.first_name}} {{contact.name}} {{contact.number}} {{contact.attributes.plan}} "
        "{{contact.attributes.points}} {{crm.hubspot.tier}} {{crm.hubspot.since}} "
        "{{crm.sap.id|none}} {{bot.name}} {{inbox.name}}"
    )

    words = said([text], who, voice=Voice("Support", "Robin", "de", known))

    assert words == ("Ana Ana Lopez +4917012345 Gold 7 premium 1. Februar 2020 none Robin Support")


@pytest.mark.parametrize(
    ("variants", "beginnings"),
    [
        ([], []),
        ([EN, ES, ANY], []),
        ([variant("Hi", "en-GB")], []),
        ([variant("Hola {{nombre|}}", "es"), EN], ["es: We know no"]),
        ([variant("Hola {{nombre|}}")], ["We know no"]),
        ([ES, DE], ["There is no text in the inbox's own language (en)"]),
        (DAY[:2], ["Every text is for some hours or places only"]),
        (DAY, []),
    ],
)
def test_problems_say_which_wording_they_are_of(
    variants: list[Variant], beginnings: list[str]
) -> None:
    found = wording_problems(variants, VOICE)

    assert len(found) == len(beginnings)
    assert all(one.words.startswith(start) for one, start in zip(found, beginnings, strict=True))


def test_every_wording_can_be_looked_at_before() -> None:
    customer = facts("es")

    shown = [worded(one, customer, VOICE, at=NOON) for one in (EN, ES, ANY)]

    assert shown == [Worded("Hello", "en"), Worded("Hola", "es"), Worded("👋", "en")]


SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CODES = ["", "en", "de", "es", "pt", "pt-BR"]
HOURS = st.none() | st.sampled_from([EARLY, LATE])
WHERE = st.frozensets(st.sampled_from(["CA", "US", "QC"]), max_size=2)
VARIANTS = st.lists(
    st.builds(
        Variant,
        st.sampled_from(["", "Hi", "{{contact.number}}", "Hi {{contact.name}}"]).map(Text.parse),
        st.sampled_from(CODES),
        HOURS,
        WHERE,
    ),
    max_size=6,
)
WHO = st.builds(
    facts,
    st.sampled_from(CODES),
    st.sampled_from(CODES),
    st.floats(0, 1),
    st.sampled_from(["", "CA", "US"]),
    st.sampled_from(["", "QC"]),
)
MOMENTS = st.integers(0, 24 * 60).map(lambda minutes: MORNING + timedelta(minutes=minutes))


@SLOW
@given(VARIANTS, WHO, MOMENTS)
def test_the_chain_ends_with_a_text_if_there_is_any(
    variants: list[Variant], who: Facts, at: datetime
) -> None:
    any_says_something = any(one.text in SPEAKING for one in variants)

    assert bool(said(variants, who, at)) == any_says_something


SPEAKING = (Text.parse("Hi"), Text.parse("Hi {{contact.name}}"))


@SLOW
@given(VARIANTS, WHO, MOMENTS)
def test_the_customers_own_language_is_never_passed_over_for_another(
    variants: list[Variant], who: Facts, at: datetime
) -> None:
    everywhere = [Variant(one.text, one.language) for one in variants]
    own = [one for one in everywhere if one.language and one.language == who.customer.language]

    if own:
        assert chain(everywhere, who, "en", at=at)[0] == own[0]
