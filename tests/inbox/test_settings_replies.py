"""Can admins say what an inbox answers by itself, and see what becomes of it before it is sent?"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from inbox.models import Contact, TeamInbox
from inbox.setup.replies import RepliesError, mark_of_all, own_replies, save_replies
from routing.models import CrmConnector
from routing.reply_documents import read_replies
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_hours, make_user

Login = Callable[[User], Client]
LIST = "/settings/inboxes/support/replies/"
FIRST, NIGHT, WAITING = f"{LIST}first-message/", f"{LIST}after-hours/", f"{LIST}still-waiting/"
NEW = f"{LIST}keyword-new/"
HELLO = {"is_on": "on", "when": "per_conversation", "text0-text": "Hello!"}


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


def document() -> dict[str, Any]:
    found: dict[str, Any] = TeamInbox.objects.get(slug="support").replies
    return found


def said(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def seen(client: Client, url: str) -> str:
    """Return the mark of what a page shows."""
    mark: str = client.get(url).context["seen"]
    return mark


def keyword(client: Client, name: str, *phrases: str, **more: Any) -> Any:
    data = {"is_on": "on", "name": name, "phrases": "\r\n".join(phrases), "text0-text": name}
    return client.post(NEW, {**data, **more})


# --- Writing ---


def test_a_greeting_in_two_languages_is_written_and_told_in_the_audit_log(
    house: House, ada: Client
) -> None:
    answer = ada.post(
        FIRST,
        {
            **HELLO,
            "when": "after_silence",
            "silence": "48",
            "text0-text": "Hi {{contact.first_name|there}}!\r\nHow can we help?",
            "text1-text": "¡Hola!",
            "text1-language": "es",
            "text1-from": "22:00",
            "text1-until": "06:00",
            "text1-places": "us, mx-jal",
            "text2-text": "",
        },
        follow=True,
    )

    assert "“First message” is saved." in said(answer)
    assert document() == {
        "format": 1,
        "first_message": {
            "when": "after_silence",
            "silence_hours": 48,
            "variants": [
                {"text": "Hi {{contact.first_name|there}}!\nHow can we help?"},
                {
                    "text": "¡Hola!",
                    "language": "es",
                    "hours": ["22:00", "06:00"],
                    "places": ["MX-JAL", "US"],
                },
            ],
        },
    }
    line = AuditEntry.objects.get(action="replies_changed")
    assert (line.actor_label, line.data["version"]) == ("Ada", 2)
    assert line.data["changes"]["First message: Text (es · 22:00–06:00 · MX-JAL, US)"] == {
        "before": "",
        "after": "¡Hola!",
    }
    page = said(ada.get(FIRST))
    assert "¡Hola!" in page
    assert 'value="MX-JAL, US"' in page


def test_what_did_not_change_is_no_line_in_the_audit_log(house: House, ada: Client) -> None:
    ada.post(FIRST, HELLO)
    ada.post(FIRST, {**HELLO, "seen": seen(ada, FIRST)})

    assert AuditEntry.objects.filter(action="replies_changed").count() == 1
    assert TeamInbox.objects.get(slug="support").settings_version == 2


def test_after_hours_have_words_for_holidays(house: House, ada: Client) -> None:
    ada.post(
        NIGHT,
        {"is_on": "on", "text0-text": "Closed", "holiday0-text": "Happy holidays"},
    )

    assert document()["after_hours"] == {
        "variants": [{"text": "Closed"}],
        "holiday_variants": [{"text": "Happy holidays"}],
    }
    assert "always open" in said(ada.get(LIST))
    TeamInbox.objects.update(hours=make_hours(house.account))
    assert "always open" not in said(ada.get(LIST))


def test_words_for_holidays_alone_are_enough(house: House, ada: Client) -> None:
    answer = ada.post(NIGHT, {"is_on": "on", "text0-text": "", "holiday0-text": "Happy holidays"})

    assert answer.status_code == 302
    assert document()["after_hours"]["variants"] == []


def test_who_waits_is_told_after_minutes_of_business_hours(house: House, ada: Client) -> None:
    ada.post(WAITING, {"is_on": "on", "after": "20", "clock": "business", "text0-text": "Soon"})

    assert document()["still_waiting"] == {
        "after": 20,
        "clock": "business",
        "variants": [{"text": "Soon"}],
    }
    assert "after 20 minutes of business hours" in said(ada.get(LIST))


def test_what_is_turned_off_keeps_its_texts(house: House, ada: Client) -> None:
    ada.post(FIRST, HELLO)
    ada.post(FIRST, {"when": "ever", "text0-text": "Hello!", "seen": seen(ada, FIRST)})

    assert document()["first_message"]["on"] is False
    assert "Hello!" in said(ada.get(FIRST))
    ada.post(WAITING, {"text0-text": ""})
    assert document()["still_waiting"]["variants"] == []


def test_keyword_replies_are_asked_in_an_order_that_buttons_change(
    house: House, ada: Client
) -> None:
    keyword(ada, "Prices", "price", "how much")
    keyword(ada, "Opening", "open", **{"p0-fact": "is_open", "p0-test": "is_true"})

    ada.post(LIST, {"do": "up", "name": "Opening"})

    first, second = document()["keyword"]
    assert (first["name"], second["phrases"]) == ("Opening", ["price", "how much"])
    assert first["if"] == {"all": [{"fact": "is_open", "test": "is_true"}]}
    ada.post(LIST, {"do": "down", "name": "Opening"})
    ada.post(LIST, {"do": "down", "name": "Opening"})
    assert [one["name"] for one in document()["keyword"]] == ["Prices", "Opening"]
    changes = AuditEntry.objects.filter(action="replies_changed").latest("pk").data["changes"]
    assert changes == {"Order": {"before": "Opening, Prices", "after": "Prices, Opening"}}
    assert ada.post(LIST, {"do": "up", "name": "Gone"}).status_code == 409


def test_a_keyword_reply_is_renamed_and_deleted(house: House, ada: Client) -> None:
    keyword(ada, "Prices", "price")
    one = f"{LIST}keyword-1/"

    ada.post(
        one,
        {
            "is_on": "on",
            "name": "Costs",
            "was": "Prices",
            "seen": seen(ada, one),
            "phrases": "price",
            "text0-text": "x",
        },
    )
    assert [reply["name"] for reply in document()["keyword"]] == ["Costs"]

    assert "Delete “Costs”?" in said(ada.get(f"{one}delete/"))
    answer = ada.post(f"{one}delete/", {"was": "Costs"}, follow=True)
    assert "“Costs” is deleted." in said(answer)
    assert document() == {"format": 1}
    assert ada.get(one).status_code == 404


def test_what_somebody_changed_or_deleted_meanwhile_is_not_deleted(
    house: House, ada: Client
) -> None:
    keyword(ada, "Prices", "price")
    one = f"{LIST}keyword-1/"
    old = {"was": "Prices", "seen": seen(ada, one)}
    mine = {"is_on": "on", "name": "Prices", "phrases": "cost", "text0-text": "x", **old}
    ada.post(one, mine)

    answer = ada.post(f"{one}delete/", old, follow=True)
    assert "somebody changed this reply" in said(answer)
    assert document()["keyword"][0]["phrases"] == ["cost"]

    now = {"was": "Prices", "seen": seen(ada, one)}
    ada.post(f"{one}delete/", now)
    answer = ada.post(f"{one}delete/", now, follow=True)
    assert "Somebody deleted this reply meanwhile." in said(answer)


def test_a_language_that_only_a_document_names_is_kept_by_the_page(
    house: House, ada: Client
) -> None:
    text = {"text": "Allô", "language": "fr-CA"}
    first = {"variants": [{"text": "Hello", "language": "en"}, text]}
    TeamInbox.objects.update(replies={"default_language": "es-419", "first_message": first})

    page = said(ada.get(FIRST))
    assert '<option value="fr-CA" selected>Français (fr-CA)</option>' in page
    assert '<option value="es-419" selected>Español (es-419)</option>' in said(ada.get(LIST))
    typed = {**HELLO, "seen": seen(ada, FIRST), "text1-text": "Allô !", "text1-language": "fr-CA"}
    ada.post(FIRST, {**typed, "text0-language": "en", "is_sure": "on"})

    assert document()["first_message"]["variants"][1] == {"text": "Allô !", "language": "fr-CA"}
    assert document()["default_language"] == "es-419"


# --- Conditions ---

ASKED = ("match", "p0-fact", "p0-test", "p0-name", "p0-value", "p1-match", "p1_0-fact")


def asks(fact: str, test: str, value: str = "") -> dict[str, str]:
    """Return one condition as the form writes it."""
    return {"p0-fact": fact, "p0-test": test, "p0-value": value}


def test_conditions_are_written_as_in_rules(house: House, ada: Client) -> None:
    typed = {"is_on": "on", "name": "Paris", "text0-text": "Bonjour", "match": "any"}
    typed |= asks("country", "not:is_any", "FR, CA")

    added = ada.post(NEW, {**typed, "do": "add", "add-fact-": "weekday"})
    assert 'name="p1-choice"' in said(added)
    assert "Bonjour" in said(added)
    grouped = ada.post(NEW, {**typed, "do": "group"})
    assert 'name="p1-match"' in said(grouped)
    dropped = ada.post(NEW, {**typed, "do": "drop-p0"})
    assert "p0-fact" not in said(dropped)
    assert document() == {}

    weekend = {"p1-fact": "weekday", "p1-test": "is_any", "p1-choice": ["sat", "sun"]}
    ada.post(NEW, {**typed, **weekend})

    [reply] = document()["keyword"]
    assert reply["if"] == {
        "any": [
            {"fact": "country", "test": "is_any", "value": ["FR", "CA"], "not": True},
            {"fact": "weekday", "test": "is_any", "value": ["sat", "sun"]},
        ]
    }
    page = said(ada.get(f"{LIST}keyword-1/"))
    assert "FR, CA" in page
    assert '<option value="not:is_any" selected' in page


def test_conditions_read_as_a_sentence_wherever_they_are_told(house: House, ada: Client) -> None:
    owner = {"p0-fact": "owner", "p0-test": "is_person", "p0-people": str(house.alice.pk)}
    keyword(ada, "Mine", "", **owner)
    before = seen(ada, f"{LIST}keyword-1/")

    words = f"Answers a message if who looks after the customer is one of {house.alice.name}."
    assert words in said(ada.get(LIST))
    changes = AuditEntry.objects.filter(action="replies_changed").latest("pk").data["changes"]
    assert changes["“Mine”: Conditions"]["after"].endswith(house.alice.name)
    mine = {"is_on": "on", "name": "Mine", "was": "Mine", "seen": before, "text0-text": "x"}
    one = f"{LIST}keyword-1/"
    assert ada.post(one, {**mine, **owner, "p0-people": str(house.bob.pk)}).status_code == 302
    late = ada.post(one, {**mine, **owner})
    assert late.status_code == 409
    assert house.bob.name in said(late)
    assert "&quot;fact&quot;" not in said(late)


def test_nobody_of_another_account_can_be_named(house: House, ada: Client) -> None:
    stranger = make_user(make_account(), "Charlie")
    typed = {"is_on": "on", "name": "A", "text0-text": "x", "p0-fact": "owner"}
    typed |= {"p0-test": "is_person", "p0-person": stranger.email}

    answer = ada.post(NEW, typed)

    assert answer.status_code == 422
    assert "Nobody in this account is called" in said(answer)


# --- What cannot be saved ---


@pytest.mark.parametrize(
    ("url", "typed", "words"),
    [
        (FIRST, {"text0-text": "Hi {{contact.nam|}}"}, "Did you mean “contact.name”?"),
        (FIRST, {"text0-text": "Hi {{contact.name}}"}, "may be empty"),
        (FIRST, {"text0-text": "Hi {{contact.name|"}, "never closed"),
        (FIRST, {"text0-text": "x" * 1601}, "at most 1600 characters"),
        (FIRST, {"text0-from": "22:00"}, "Write both times"),
        (FIRST, {"text0-places": "Quebec"}, "is no place"),
        (FIRST, {"text0-language": "k!"}, "Choose a language"),
        (FIRST, {"silence": "0"}, "whole number"),
        (FIRST, {"text0-text": "STOP"}, "reads as a wish about consent"),
        (WAITING, {"after": "soon"}, "whole number"),
        (NEW, {"phrases": "x"}, "Give it a name"),
        (NEW, {"name": "A"}, "Say which words it answers."),
        (NEW, {"name": "A", "p0-match": "any"}, "Say which words it answers."),
        (NEW, {"name": "A", **asks("text", "contains_any")}, "Write at least one word."),
        (NEW, {"name": "A", **asks("text", "matches", "(")}, "missing"),
        (NEW, {"name": "A", **asks("text", "odd", "x")}, "is wanted here."),
        (NEW, {"name": "A", **asks("attribute", "less", "x")}, "Write a number"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    house: House, ada: Client, url: str, typed: dict[str, str], words: str
) -> None:
    data = {"is_on": "on", "text0-text": "Hello!", "text1-text": "Typed before", **typed}

    answer = ada.post(url, data)

    assert answer.status_code == 422
    assert words in said(answer).replace("&#x27;", "'")
    assert "Typed before" in said(answer)
    assert document() == {}
    assert not AuditEntry.objects.filter(action="replies_changed").exists()


@pytest.mark.parametrize(
    "text", ["Reply STOP to leave", "Reply STOP to opt out, HELP for help.", "Antworten Sie STOP"]
)
def test_an_honest_invitation_is_no_reason_to_ask(house: House, ada: Client, text: str) -> None:
    answer = ada.post(FIRST, {"is_on": "on", "text0-text": text})

    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("url", "typed", "words"),
    [
        (FIRST, {"text0-text": "Reply CANCEL to change your visit"}, "invites “CANCEL”"),
        (NEW, {"name": "A", "phrases": "s t o p\r\nprice"}, "“s t o p” alone is a wish"),
        (NEW, {"name": "A", "phrases": "please remove me"}, "alone is a wish about consent"),
        (NEW, {"name": "A", "phrases": "stop\r\nprice"}, "“stop” alone is a wish about consent"),
        (FIRST, {"text0-language": "es"}, "no text in the inbox&#x27;s own language"),
        (FIRST, {"text0-places": "CA"}, "for some hours or places only"),
    ],
)
def test_a_warning_asks_once(
    house: House, ada: Client, url: str, typed: dict[str, str], words: str
) -> None:
    data = {"is_on": "on", "text0-text": "Hello!", **typed}

    answer = ada.post(url, data)

    assert answer.status_code == 422
    assert words in said(answer)
    assert document() == {}
    assert ada.post(url, {**data, "is_sure": "on"}).status_code == 302
    assert document() != {}


def test_a_name_is_taken_once(house: House, ada: Client) -> None:
    keyword(ada, "Prices", "price")
    answer = keyword(ada, "prices", "cost")

    assert answer.status_code == 422
    assert "another reply of this name" in said(answer)


def test_a_reply_that_is_on_says_something(house: House, ada: Client) -> None:
    for url in (FIRST, NIGHT, WAITING):
        answer = ada.post(url, {"is_on": "on", "text0-text": " ", "after": "5"})
        assert answer.status_code == 422
        assert "Write what customers are to be told." in said(answer)


# --- Two at once ---


def test_who_saves_second_is_told_what_the_first_wrote(house: House, ada: Client) -> None:
    before = seen(ada, FIRST)
    ada.post(FIRST, {**HELLO, "text0-text": "Theirs", "seen": before})

    answer = ada.post(FIRST, {**HELLO, "text0-text": "Mine", "seen": before})

    assert answer.status_code == 409
    assert '<strong dir="auto">Theirs</strong>' in said(answer)
    assert "Mine" in said(answer)
    assert document()["first_message"]["variants"] == [{"text": "Theirs"}]
    mark = answer.context["seen"]
    assert ada.post(FIRST, {**HELLO, "text0-text": "Mine", "seen": mark}).status_code == 302
    assert document()["first_message"]["variants"] == [{"text": "Mine"}]


def test_who_writes_about_another_reply_is_in_nobody_s_way(house: House, ada: Client) -> None:
    marks = {url: seen(ada, url) for url in (FIRST, NIGHT)}
    ada.post(FIRST, {**HELLO, "seen": marks[FIRST]})

    answer = ada.post(NIGHT, {"is_on": "on", "text0-text": "Closed", "seen": marks[NIGHT]})

    assert answer.status_code == 302
    assert set(document()) == {"format", "first_message", "after_hours"}


def test_what_was_typed_about_a_reply_that_is_gone_is_not_lost(house: House, ada: Client) -> None:
    keyword(ada, "Prices", "price")
    one = f"{LIST}keyword-1/"
    typed = {
        "is_on": "on",
        "name": "Prices",
        "was": "Prices",
        "seen": seen(ada, one),
        "phrases": "price",
        "text0-text": "Long thought about",
    }
    ada.post(f"{one}delete/", {"was": "Prices"})

    answer = ada.post(one, typed)

    assert answer.status_code == 409
    assert "deleted" in said(answer)
    again = {**typed, "was": answer.context["was"], "seen": answer.context["seen"]}
    assert ada.post(one, again).status_code == 302
    assert document()["keyword"][0]["variants"] == [{"text": "Long thought about"}]


def test_the_language_is_chosen_and_the_second_is_told(house: House, ada: Client) -> None:
    ada.post(LIST, {"do": "language", "language": "es", "seen": ""})
    assert document() == {"format": 1, "default_language": "es"}

    assert ada.post(LIST, {"do": "language", "language": "fr", "seen": ""}).status_code == 409
    assert ada.post(LIST, {"do": "language", "language": "?", "seen": "es"}).status_code == 409
    assert document()["default_language"] == "es"


# --- Lines, variables, preview ---


def test_texts_are_added_and_removed_without_losing_a_word(house: House, ada: Client) -> None:
    typed = {**HELLO, "text0-text": "Alpha", "text1-text": "Beta", "text1-language": "fr"}

    page = said(ada.post(FIRST, {**typed, "do": "add-text"}))
    assert 'name="text2-text"' in page
    assert "autofocus" in page

    page = said(ada.post(FIRST, {**typed, "do": "remove-text-0"}))
    assert "Alpha" not in page
    assert "Beta" in page
    assert 'name="text1-text"' not in page
    assert document() == {}


def test_the_preview_says_how_many_segments_each_language_takes(house: House, ada: Client) -> None:
    typed = {
        **HELLO,
        "do": "preview",
        "text0-text": "Hi {{contact.first_name|there}}, I am {{bot.name}}",
        "text1-text": "Привет",
        "text1-language": "ru",
    }

    fragment = ada.post(FIRST, typed, headers={"HX-Request": "true"})

    assert said(fragment).startswith('<div id="preview"')
    assert "Hi Maria, I am Assistant" in said(fragment)
    assert "1 segment · GSM-7 · 24 characters" in said(fragment)
    assert "1 segment · UCS-2 · 6 characters" in said(fragment)
    whole = said(ada.post(FIRST, {**typed, "sample": "unknown"}))
    assert "Hi there, I am Assistant" in whole
    assert "<h1" in whole
    assert document() == {}


def test_fields_of_the_crm_and_attributes_can_be_filled_in(house: House, ada: Client) -> None:
    CrmConnector.objects.create(
        account=house.account,
        name="shop",
        url="https://crm.example.com/{{number}}",
        fields=[{"name": "due", "path": "due", "kind": "date"}, {"name": "tier", "path": "tier"}],
        created_at=LONG_AGO,
        changed_at=LONG_AGO,
    )
    Contact.objects.create(account=house.account, attributes={"city": "Oslo", "points": 3})
    page = said(ada.get(FIRST))
    for name in ("crm.shop.due|", "contact.attributes.city|", "contact.attributes.points|"):
        assert f'data-insert="{{{{{name}}}}}"' in page

    text = "Due {{crm.shop.due|soon}}, {{contact.attributes.points|0}} points"
    preview = ada.post(FIRST, {**HELLO, "do": "preview", "text0-text": text})
    assert "Due Dec. 24, 2026, 42 points" in said(preview)
    ada.post(FIRST, {**HELLO, "text0-text": text})
    assert document()["variables"] == {
        "contact.attributes.points": "number",
        "crm.shop.due": "date",
    }


def test_another_account_s_fields_are_unknown(house: House, charlie: User, ada: Client) -> None:
    assert charlie.account
    Contact.objects.create(account=charlie.account, attributes={"secret": "x"})

    assert "attributes.secret" not in said(ada.get(FIRST))
    answer = ada.post(FIRST, {**HELLO, "text0-text": "{{contact.attributes.secret|}}"})
    assert answer.status_code == 422


# --- Pages ---


def test_the_list_shows_every_responder_in_its_order(house: House, ada: Client) -> None:
    TeamInbox.objects.update(opt_out_text="You will get no more messages.")
    keyword(ada, "Prices", "price")
    ada.post(FIRST, HELLO)

    page = said(ada.get(LIST))

    assert re.findall(r"<h2[^>]*>([^<]+)", page.partition("</main>")[0]) == [
        "Consent",
        "Rules",
        "Words in the message",
        "After hours",
        "First message",
        "Still waiting",
        "Language",
    ]
    for words in ("You will get no more messages.", "Answers a message with: price.", "Hello!"):
        assert words in page
    assert "Custom routing is off" in page


def test_the_list_costs_the_same_for_many_replies(
    house: House, ada: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        keyword(ada, f"Reply {number}", f"word{number}")

    with django_assert_max_num_queries(12):
        ada.get(LIST)


@pytest.mark.parametrize("part", ["nothing", "keyword-1", "keyword-0", "keyword-x"])
def test_there_is_no_page_for_what_is_not_there(house: House, ada: Client, part: str) -> None:
    assert ada.get(f"{LIST}{part}/").status_code == 404


def test_supervisors_write_replies_where_the_inbox_lets_them(house: House, login: Login) -> None:
    sue, bob = login(house.sue), login(house.bob)
    assert sue.get(LIST).status_code == 404

    TeamInbox.objects.update(supervisors_may_set_up=True)

    assert sue.post(FIRST, HELLO).status_code == 302
    assert LIST in said(sue.get("/settings/inboxes/support/"))
    assert "/numbers/" not in said(sue.get(LIST))
    assert bob.get(LIST).status_code == 404
    assert bob.post(FIRST, HELLO).status_code == 404


def test_odd_input_is_answered_in_words(house: House, ada: Client) -> None:
    keyword(ada, "Prices", "price")
    for odd in ("", "<script>alert(1)</script>", "9" * 5000, "[" * 5000, "\ud83d"):
        names = ("name", "phrases", "when", "silence", "after", "clock", "was", *ASKED)
        lines = ("text", "language", "from", "until", "places")
        typed = {**dict.fromkeys(names, odd), **{f"text0-{one}": odd for one in lines}}
        typed = {key: value.encode("utf-8", "replace").decode() for key, value in typed.items()}
        for url in (FIRST, NIGHT, WAITING, NEW, f"{LIST}keyword-1/"):
            for do in ("", "preview", odd[:50], "remove-text-99", "add-text"):
                answer = ada.post(url, {**typed, "is_on": "on", "do": do.replace("\ud83d", "?")})
                assert answer.status_code in (200, 409, 422), (url, odd[:10], do)
                assert "<script>alert" not in said(answer)


# --- As one document ---


def test_everything_is_kept_at_once_as_a_document_says(house: House, ada: Client) -> None:
    user, now = User.objects.get(name="Ada"), LONG_AGO

    by: dict[str, Any] = {"by": user, "now": now}
    row = TeamInbox.objects.get(slug="support")
    wanted = read_replies({"still_waiting": {"variants": [{"text": "Soon"}]}})
    mark = mark_of_all(own_replies(row))

    save_replies(inbox=row, replies=wanted, seen=mark, **by)

    assert document()["still_waiting"]["variants"] == [{"text": "Soon"}]
    with pytest.raises(RepliesError):
        save_replies(inbox=row, replies=wanted, seen=mark, **by)
    bad = read_replies({"still_waiting": {"variants": [{"text": "{{nobody|}}"}]}})
    row.refresh_from_db()
    with pytest.raises(RepliesError, match="nobody"):
        save_replies(inbox=row, replies=bad, seen=mark_of_all(own_replies(row)), **by)
