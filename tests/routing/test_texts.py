"""Do texts say what was meant, whatever stands in the place of a variable?"""

import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from django.conf.locale import LANG_INFO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.texts import (
    BUILT_IN,
    LONGEST_LINK,
    LONGEST_TEXT,
    LONGEST_VALUE,
    Datum,
    Kind,
    Text,
    Values,
    Variable,
    first_name,
    known_variables,
    problems,
)

KNOWN = known_variables(
    {"plan": Kind.TEXT, "due": Kind.DATE, "points": Kind.NUMBER, "Favourite shop": Kind.TEXT},
    {"hubspot": {"tier": Kind.TEXT, "renewal": Kind.DATE, "slot": Kind.TIME}},
)
EVENING = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)


def said(source: str, language: str = "en", zone: str = "UTC", **data: Datum) -> str:
    """Render a text; in the names of values `__` stands for a dot."""
    values = {name.replace("__", "."): datum for name, datum in data.items()}
    return Text.parse(source).render(Values(values, KNOWN, zone, language))


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("Hi {{contact.first_name|there}}!", "Ana", "Hi Ana!"),
        ("Hi {{contact.first_name|there}}!", "", "Hi there!"),
        ("Hi {{contact.first_name|there}}!", None, "Hi there!"),
        ("Hi {{contact.first_name|there}}!", "  \n\t ", "Hi there!"),
        ("Hi {{ contact.first_name | dear friend }}!", None, "Hi dear friend!"),
        ("Hi {{contact.first_name|a|b}}!", None, "Hi a|b!"),
        ("Hi {{contact.first_name}}, thanks", None, "Hi, thanks"),
        ("Hi {{contact.first_name|}}, thanks", None, "Hi, thanks"),
        ("Hi {{contact.first_name}} and hello", None, "Hi and hello"),
        ("Thanks {{contact.first_name}}", None, "Thanks"),
        ("Thanks {{contact.first_name}}", "?!", "Thanks ?!"),
        ("{{contact.first_name}} {{contact.first_name}}", None, ""),
        ("{{contact.first_name}}", None, ""),
        ("Hi\n{{contact.first_name}}\nthanks", None, "Hi\n\nthanks"),
        # What is no variable stays as it is written.
        ("Use {this} or {{ that", "Ana", "Use {this} or {{ that"),
        ("50 % {{contact.frist_name|off}}", "Ana", "50 % off"),
        ("A\x00B\ud800 {{contact.first_name|\udfff}}", None, "AB"),
        ("", "Ana", ""),
    ],
)
def test_a_variable_is_filled_in(source: str, name: Datum, words: str) -> None:
    assert said(source, contact__first_name=name) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("{{contact.number}}", "Hi {{contact.number}}!"),
        ("{{contact.number", "Hi {{contact.number!"),
        ("}} {{inbox.name}}", "Hi }} {{inbox.name}}!"),
        ("%(name)s %s {0}", "Hi %(name)s %s {0}!"),
        ("A\x00n\x07a\x1b[31m", "Hi Ana[31m!"),
        ("Ana\r\nPS: send money", "Hi Ana PS: send money!"),
        ("Ana\u202egnp.exe\u2066", "Hi Anagnp.exe!"),
        ("\ud800Ana\udfff", "Hi Ana!"),
        ("\x00\u202e\ud800", "Hi there!"),
        ("\u3164", "Hi there!"),
        ("\u200b\u200d", "Hi there!"),
        ("\U0001fae8 Ana", "Hi \U0001fae8 Ana!"),
        ("👩\u200d👧 Ana", "Hi 👩\u200d👧 Ana!"),
        ("a" * 10_000, "Hi " + "a" * LONGEST_VALUE + "!"),
        (" " * 10_000 + "Ana", "Hi there!"),
    ],
)
def test_a_hostile_name_is_only_a_name(name: str, words: str) -> None:
    values = {"contact.first_name": name, "contact.number": "+1", "inbox.name": "Support"}
    text = Text.parse("Hi {{contact.first_name|there}}!")

    assert text.render(Values(values, KNOWN)) == words


@pytest.mark.parametrize(
    ("name", "datum", "language", "zone", "words"),
    [
        ("contact.attributes.plan", "Gold", "de", "UTC", "Gold"),
        ("contact.attributes.plan", ("Gold", "", "Plus"), "de", "UTC", "Gold, Plus"),
        ("contact.attributes.plan", True, "de", "UTC", "Ja"),
        ("contact.attributes.plan", False, "", "UTC", "no"),
        ("contact.attributes.plan", 1234.5, "de", "UTC", "1234,5"),
        ("contact.attributes.plan", date(2026, 12, 24), "de", "UTC", "24. Dezember 2026"),
        ("contact.attributes.plan", EVENING, "de", "UTC", "24. Dezember 2026 23:30"),
        ("contact.attributes.Favourite shop", "Bonn", "de", "UTC", "Bonn"),
        ("contact.attributes.points", 10423, "de", "UTC", "10423"),
        ("contact.attributes.points", Decimal("12.50"), "fr", "UTC", "12,50"),
        ("contact.attributes.points", Decimal("12.50"), "en", "UTC", "12.50"),
        ("contact.attributes.points", "7.5", "es", "UTC", "7,5"),
        ("contact.attributes.points", 7.5, "xx", "UTC", "7.5"),
        ("contact.attributes.points", "seven", "es", "UTC", "-"),
        ("contact.attributes.points", True, "es", "UTC", "-"),
        ("contact.attributes.points", float("nan"), "es", "UTC", "-"),
        ("contact.attributes.points", float("inf"), "es", "UTC", "-"),
        ("contact.attributes.points", "1e999999", "es", "UTC", "-"),
        pytest.param("contact.attributes.points", 10**5000, "es", "UTC", "-", id="huge"),
        pytest.param("contact.attributes.plan", 10**5000, "es", "UTC", "-", id="huge text"),
        ("contact.attributes.due", date(2026, 12, 24), "es", "UTC", "24 de diciembre de 2026"),
        ("contact.attributes.due", "2026-12-24", "pt-BR", "UTC", "24 de Dezembro de 2026"),
        ("contact.attributes.due", "2026-12-24", "zh", "UTC", "2026年12月24日"),
        ("contact.attributes.due", "2026-12-24", "no", "UTC", "24. desember 2026"),
        ("contact.attributes.due", "2026-12-24", "xx", "UTC", "2026-12-24"),
        ("contact.attributes.due", "2026-12-24", "../en", "UTC", "2026-12-24"),
        ("contact.attributes.due", "2026-12-24T23:30:00Z", "xx", "UTC", "2026-12-24"),
        ("contact.attributes.due", EVENING, "xx", "Europe/Berlin", "2026-12-25"),
        ("contact.attributes.due", EVENING, "xx", "America/New_York", "2026-12-24"),
        ("contact.attributes.due", EVENING, "xx", "Nowhere/Town", "2026-12-24"),
        ("contact.attributes.due", datetime.max.replace(tzinfo=UTC), "en", "Asia/Tokyo", "-"),
        ("contact.attributes.due", "soon", "en", "UTC", "-"),
        ("contact.attributes.due", time(9), "en", "UTC", "-"),
        ("contact.attributes.due", 20261224, "en", "UTC", "-"),
        ("crm.hubspot.slot", EVENING, "de", "Europe/Berlin", "00:30"),
        ("crm.hubspot.slot", EVENING, "en", "America/New_York", "6:30 p.m."),
        ("crm.hubspot.slot", "17:30", "xx", "UTC", "17:30"),
        ("crm.hubspot.slot", time(9), "de", "UTC", "09:00"),
        ("crm.hubspot.slot", date(2026, 12, 24), "de", "UTC", "-"),
        ("crm.hubspot.tier", "premium", "de", "UTC", "premium"),
    ],
)
def test_values_are_written_as_their_kind_asks(
    name: str, datum: Datum, language: str, zone: str, words: str
) -> None:
    text = Text.parse(f"{{{{{name}|-}}}}")

    assert text.render(Values({name: datum}, KNOWN, zone, language)) == words


@pytest.mark.parametrize("language", sorted(LANG_INFO))
def test_every_language_of_django_writes_every_kind(language: str) -> None:
    text = Text.parse("{{a}}/{{contact.attributes.due}}/{{crm.hubspot.slot}}/{{b}}")
    data: dict[str, Datum] = {"a": True, "b": 1.5}
    data |= {"contact.attributes.due": EVENING, "crm.hubspot.slot": EVENING}

    parts = text.render(Values(data, KNOWN, "UTC", language)).split("/")

    assert all(part.strip() for part in parts)


def test_what_a_developer_answers_is_said_as_it_is() -> None:
    values = Values({"contact.name": "Ana"}, KNOWN)

    assert Text.literal("Say {{contact.name}}").render(values) == "Say {{contact.name}}"
    assert Text.literal("") == Text.parse("") == Text()


def test_a_text_that_becomes_too_long_is_cut_between_words() -> None:
    source = "word " * 300 + "{{contact.name}} " * 5

    words = said(source, contact__name="n" * 60)

    assert len(words) <= LONGEST_TEXT
    assert words.endswith(" " + "n" * 60)
    assert len(said("x" * 2000)) == LONGEST_TEXT


ERROR = True


@pytest.mark.parametrize(
    ("source", "is_error", "part"),
    [
        ("Hi {{contact.frist_name|x}}", ERROR, "Did you mean “contact.first_name”?"),
        ("Hi {{first_name|x}}", ERROR, "Did you mean “contact.first_name”?"),
        ("Hi {{Contact.First_Name|x}}", ERROR, "Did you mean “contact.first_name”?"),
        ("Hi {{firstname|x}}", ERROR, "Did you mean “contact.first_name”?"),
        ("Hi {{crm.hubspot.teir|x}}", ERROR, "Did you mean “crm.hubspot.tier”?"),
        ("Hi {{tier|x}}", ERROR, "Did you mean “crm.hubspot.tier”?"),
        (
            "Hi {{contact.attributes.favourite shop|x}}",
            ERROR,
            "“contact.attributes.Favourite shop”?",
        ),
        ("Hi {{zzzzzz|x}}", ERROR, "We know no “zzzzzz”. Choose one"),
        ("Hi {{|x}}", ERROR, "the name of a variable"),
        ("Hi {{}}", ERROR, "the name of a variable"),
        ("Hi {{contact.name", ERROR, "“{{contact.name” opens a variable that is never closed"),
        ("Hi {{contact.name} bye", ERROR, "never closed"),
        ("{{a {{inbox.name}}", ERROR, "never closed"),
        ("Hi contact.name}}", ERROR, "}} without {{"),
        ("Hi {{{inbox.name}}}", ERROR, "not three"),
        ("Hi {contact.name}", ERROR, "write {{contact.name}}"),
        ("Hi {contact.name|you}", ERROR, "write {{contact.name|you}}"),
        ("", ERROR, "Write what customers are to be told."),
        (" \n ", ERROR, "Write what customers are to be told."),
        ("x" * 1601, ERROR, "at most 1600 characters; this has 1601"),
        ("Hi {{contact.name}}", ERROR, "“contact.name” may be empty"),
        ("Hi {{crm.hubspot.tier}}", ERROR, "{{crm.hubspot.tier|}} for nothing"),
    ],
)
def test_problems_are_said_in_words(source: str, is_error: bool, part: str) -> None:
    found = problems(Text.parse(source), KNOWN)

    assert any(part in one.words and one.is_error is is_error for one in found), found


@pytest.mark.parametrize(
    "source",
    [
        "Hello",
        "Hi {{contact.first_name|there}}, this is {{bot.name}} of {{inbox.name}}.",
        "We open {{inbox.opens_on|soon}} {{inbox.opens_at|}}.",
        "A smile :-{ and {a set} and {}",
        "x" * 1600,
    ],
)
def test_a_good_text_has_no_problems(source: str) -> None:
    assert problems(Text.parse(source), KNOWN) == []


def test_a_problem_is_named_once() -> None:
    found = problems(Text.parse("{{contact.name}} {{contact.name}}"), KNOWN)

    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Anna Müller", "Anna"),
        ("Müller, Anna", "Anna"),
        ("Dr. Anna Müller", "Anna"),
        ("Frau Müller", "Müller"),
        ("李小龍", "李小龍"),
        ("😀 Maria", "Maria"),
        ("+49 170 1234567", ""),
        ("anna@example.com", ""),
        ("R2D2", ""),
        ("Mr.", ""),
        ("😀", ""),
        (",", ""),
        ("Anna,", "Anna"),
        ("", ""),
    ],
)
def test_a_first_name_is_found_where_there_is_one(name: str, first: str) -> None:
    assert first_name(name) == first


SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TYPED = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.lists(st.text()).map(tuple),
)
PIECES = st.sampled_from(["{", "}", "{{", "}}", "|", " ", "a", "contact.name", "\n"]) | st.text()
SOURCES = st.lists(PIECES, max_size=12).map("".join)
LANGUAGES = st.sampled_from(["", "en", "de", "ar", "zh", "xx", "pt_BR"]) | st.text(max_size=8)
ZONES = st.sampled_from(["UTC", "Pacific/Apia", "Asia/Kathmandu", "nowhere"])


@SLOW
@given(TYPED, st.sampled_from(Kind), LANGUAGES, ZONES, st.text())
def test_no_value_breaks_a_text(
    datum: Datum, kind: Kind, language: str, zone: str, default: str
) -> None:
    known = {"v": Variable(kind)}
    text = Text.parse("<{{v}}>")

    words = text.render(Values({"v": datum}, known, zone, language))

    assert len(words) <= LONGEST_VALUE + 2
    assert words.encode()
    assert not any(unicodedata.category(char) == "Cc" for char in words)


@SLOW
@given(SOURCES, st.text())
def test_any_text_can_be_read_checked_and_said(source: str, name: str) -> None:
    text = Text.parse(source)

    assert all(one.words for one in problems(text, KNOWN))
    assert len(text.render(Values({"contact.name": name}, KNOWN))) <= LONGEST_TEXT


@SLOW
@given(st.text(alphabet="{}|contact.me \n"), st.text(alphabet="{}|contact.me"))
def test_what_a_customer_is_called_is_never_read_as_a_variable(before: str, name: str) -> None:
    values = Values({"contact.name": name, "contact": "SECRET", "me": "SECRET"}, KNOWN)
    text = Text((*Text.literal(before).parts, *Text.parse("{{contact.name}}").parts))

    assert "SECRET" not in text.render(values)


@SLOW
@given(SOURCES)
def test_a_text_without_errors_shows_no_braces_of_variables(source: str) -> None:
    text = Text.parse(source)

    if not any(one.is_error for one in problems(text, KNOWN)):
        assert "{{" not in text.render(Values({"contact.name": "Ana"}, KNOWN))


LINK = "https://inbox.example/o/" + "k" * 90


def test_a_link_is_filled_in_whole_though_it_is_longer_than_a_value() -> None:
    values = Values({"opt_out_link": LINK}, BUILT_IN)

    assert Text.parse("Stop: {{opt_out_link}}.").render(values) == f"Stop: {LINK}."


def test_a_link_counts_with_the_length_that_it_may_have() -> None:
    fits = "x" * (LONGEST_TEXT - LONGEST_LINK) + "{{opt_out_link}}"

    assert problems(Text.parse(fits), BUILT_IN) == []
    (problem,) = problems(Text.parse(f"x{fits}"), BUILT_IN)
    assert f"this has {LONGEST_TEXT + 1}" in problem.words


def test_a_link_is_never_cut_in_two() -> None:
    long = "word " * 320
    values = Values({"opt_out_link": LINK[:80]}, BUILT_IN)

    said = Text.parse(f"{long[:1560].strip()} {{{{opt_out_link}}}}").render(values)

    assert len(said) <= LONGEST_TEXT
    assert "https" not in said or LINK[:80] in said


def test_a_name_fills_in_no_link() -> None:
    values = Values({"contact.name": "{{opt_out_link}}", "opt_out_link": LINK}, BUILT_IN)

    assert LINK not in Text.parse("Hi {{contact.name|you}}").render(values)
