"""The pages of keywords: own words, ours switched off, the tester, the review, the three texts."""

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AuditEntry, User
from compliance.consent_texts import Kind, suggested
from compliance.evidence import EventKind, Source
from compliance.keyword_settings import add_keyword, keywords_of
from compliance.models import AccountKeyword, Consent, ConsentEvent
from compliance.own_keywords import OwnKeyword
from inbox.consent_wording import consent_wording
from inbox.models import Message, TeamInbox
from inbox.setup.rereading import LOOKED_AT, Change, reread
from tests.conftest import House
from tests.factories import make_user
from tests.twilio import text_in

MARIA, JOHN = "+14155550123", "+14155550124"
URL, TRY, REVIEW = "/settings/keywords/", "/settings/keywords/try/", "/settings/keywords/review/"
TEXTS = "/settings/inboxes/support/consent-texts/"
Login = Callable[[User], Client]


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def admin(ada: User, login: Login) -> Client:
    return login(ada)


@pytest.fixture
def auditor(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))


def text_of(answer: Any) -> str:
    """Return a page as a person reads it."""
    return html.unescape(answer.content.decode())


def kept(account: Account) -> list[tuple[str, str, str, str]]:
    """Return the account's own words."""
    return [(row.action, row.word, row.language, row.country) for row in keywords_of(account.pk)]


# --- Words ---


def test_a_word_is_added_and_removed(house: House, admin: Client) -> None:
    asked = {"word": " Genug ", "action": "opt_out", "language": "de", "country": "at"}
    page = admin.post(URL, asked, follow=True)
    assert "is a keyword from the next message on" in text_of(page)
    assert kept(house.account) == [("opt_out", "Genug", "de", "AT")]
    row = AccountKeyword.objects.get()
    admin.post(URL, {"do": "remove", "pk": row.pk})
    assert kept(house.account) == []
    assert AuditEntry.objects.filter(action="own_keywords_changed").count() == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"word": "stop", "action": "help"}, ["“stop”", "“STOP”"]),
        ({"word": "GENUG.", "action": "opt_in"}, ["“Genug”", "“GENUG.”", "are the same word"]),
        ({"word": "ge[nu]+g", "action": "opt_out"}, ["no plain word"]),
        ({"word": "x" * 35, "action": "opt_out"}, ["too long"]),
        ({"word": "!!!", "action": "opt_out"}, ["no letters or digits"]),
        ({"word": "", "action": "opt_out"}, ["Write a word."]),
        ({"word": "ruhe", "action": "opt_out", "country": "Austria"}, ["is no country"]),
        ({"word": "ruhe", "action": "leave"}, ["leave"]),
        ({"word": "ruhe", "action": "opt_out", "language": "tlh"}, ["tlh"]),
    ],
)
def test_what_cannot_be_kept_is_told_in_words_and_what_was_typed_stays(
    house: House, ada: User, admin: Client, asked: dict[str, str], words: list[str]
) -> None:
    keyword = OwnKeyword("opt_out", "Genug")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    page = admin.post(URL, asked)
    assert page.status_code == 400
    text = text_of(page)
    assert all(one in text for one in words), words
    assert f'value="{asked["word"]}"' in text or not asked["word"]
    assert len(kept(house.account)) == 1


def test_one_of_our_words_is_switched_off_and_on_again(house: House, admin: Client) -> None:
    admin.post(URL, {"do": "off", "word": "PERUUTA", "language": "fi"})
    assert kept(house.account) == [("none", "PERUUTA", "fi", "")]
    assert "switched off" in text_of(admin.get(URL))
    admin.post(URL, {"do": "remove", "pk": AccountKeyword.objects.get().pk})
    assert kept(house.account) == []


@pytest.mark.parametrize("word", ["STOP", "YES", "CANCEL", "nonsense"])
def test_words_of_every_inbox_stay(house: House, admin: Client, word: str) -> None:
    admin.post(URL, {"do": "off", "word": word, "language": "en"})
    assert kept(house.account) == []


def test_the_page_shows_class_status_and_that_it_is_no_legal_advice(admin: Client) -> None:
    text = text_of(admin.get(URL))
    assert "proposal for native review" in text
    assert "verified" in text
    assert "in every inbox" in text
    assert "not legal advice" in text


def test_auditors_read_and_change_nothing(house: House, ada: User, auditor: Client) -> None:
    keyword = OwnKeyword("opt_out", "Genug")
    row = add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    page = text_of(auditor.get(URL))
    assert "Genug" in page
    assert 'name="do"' not in page
    assert auditor.post(URL, {"do": "remove", "pk": row.pk}).status_code == 404
    assert auditor.post(URL, {"word": "ruhe", "action": "opt_out"}).status_code == 404
    assert len(kept(house.account)) == 1
    assert "textarea" not in text_of(auditor.get(TEXTS))


# --- Trying ---


def test_the_tester_says_how_it_is_read_and_what_follows(
    house: House, admin: Client, auditor: Client
) -> None:
    before = ConsentEvent.objects.count(), Message.objects.count()
    for client in (admin, auditor):
        page = client.post(TRY, {"text": "please stop texting me", "channel": "sms"})
        text = text_of(page)
        assert "No more messages" in text
        assert house.sender.address in text
        assert "Opted out at once" in text
        assert "We send the one confirmation" in text
        assert "not legal advice" in text
    assert (ConsentEvent.objects.count(), Message.objects.count()) == before


def test_the_tester_uses_the_account_s_own_words(house: House, ada: User, admin: Client) -> None:
    keyword = OwnKeyword("opt_out", "Genug", "de")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    asked = {"text": "genug", "channel": "sms", "languages": "en, de"}
    assert "Opted out at once" in text_of(admin.post(TRY, asked))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"languages": "klingon!"}, "is no code of a language"),
        ({"channel": "pigeon"}, "pigeon"),
        ({"country": "U1"}, "Write two letters"),
        ({"opt_out_type": "PERHAPS"}, "PERHAPS"),
        ({"text": "x" * 1601}, "1600"),
    ],
)
def test_what_cannot_be_tried_is_told_in_words(
    admin: Client, more: dict[str, str], words: str
) -> None:
    page = admin.post(TRY, {"text": "STOP", "channel": "sms", **more})
    assert page.status_code == 422
    assert words in text_of(page)


# --- Reading again ---


def test_after_a_new_word_a_person_decides_about_older_messages(
    house: House, ada: User, admin: Client, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, "Genug!")
    text_in(client, house.sender, "+14155550124", "Is it ready?")
    assert "From …23" not in text_of(admin.get(REVIEW))
    keyword = OwnKeyword("opt_out", "Genug")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())

    page = text_of(admin.get(REVIEW))
    assert "From …23" in page
    assert "From …24" not in page
    assert MARIA not in page
    # Never silently: reading again did nothing.
    assert not Consent.objects.filter(state="opted_out").exists()

    admin.post(REVIEW, {"message": message.pk})
    consent = Consent.objects.get(state="opted_out")
    assert consent.address == f"sms:{MARIA}"
    event = ConsentEvent.objects.get(kind=EventKind.OPT_OUT)
    assert (event.source, event.message_sid) == (Source.ADMIN, message.provider_sid)
    assert event.occurred_at == message.received_at
    assert event.recorded_by == ada
    assert "From …23" not in text_of(admin.get(REVIEW))
    admin.post(REVIEW, {"message": message.pk})
    assert ConsentEvent.objects.filter(kind=EventKind.OPT_OUT).count() == 1


def test_an_older_message_is_read_after_what_we_had_sent_before_it(
    house: House, admin: Client, client: Client
) -> None:
    """BAJA is an ordinary word too: it counts where our last message had invited it."""
    TeamInbox.objects.update(language="es")
    for customer, words in ((MARIA, "Responda BAJA para darse de baja"), (JOHN, "Hasta luego")):
        first = text_in(client, house.sender, customer, "Hola")
        for seq, direction, body in ((2, "out", words), (3, "in", "BAJA"), (4, "out", "BAJA?")):
            Message.objects.create(
                account=house.account,
                thread_id=first.thread_id,
                seq=seq,
                direction=direction,
                body=body,
                status="received" if direction == "in" else "sent",
                created_at=timezone.now(),
            )

    page = reread(house.account, now=timezone.now())
    found = {one.customer[-2:]: one.change for one in page.found}

    assert found == {MARIA[-2:]: Change.STOPS, JOHN[-2:]: Change.MAY_STOP}
    assert "It may ask for no more messages" in text_of(admin.get(REVIEW))


def test_who_asked_for_messages_again_after_theirs_stays_in(
    house: House, ada: User, admin: Client, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, "Genug!")
    text_in(client, house.sender, MARIA, "STOP")
    text_in(client, house.sender, MARIA, "START")
    keyword = OwnKeyword("opt_out", "Genug")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    page = admin.post(REVIEW, {"message": message.pk}, follow=True)
    assert "they stay in" in text_of(page)
    assert not Consent.objects.filter(state="opted_out").exists()
    assert "From …23" not in text_of(page)


def test_what_is_older_than_thirty_days_is_not_decided_any_more(
    house: House, ada: User, admin: Client, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, "Genug!")
    keyword = OwnKeyword("opt_out", "Genug")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert "From …23" not in text_of(admin.get(REVIEW))
    admin.post(REVIEW, {"message": message.pk})
    assert not Consent.objects.filter(state="opted_out").exists()


def test_another_account_s_message_cannot_be_decided(
    house: House, login: Login, charlie: User, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, "Genug!")
    assert charlie.account is not None
    otto = make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    for one in (house.account, charlie.account):
        keyword = OwnKeyword("opt_out", "Genug")
        add_keyword(account=one, keyword=keyword, by=otto, now=timezone.now())
    other = login(otto)
    other.post(REVIEW, {"message": message.pk})
    assert not Consent.objects.filter(state="opted_out").exists()


def test_a_page_is_bounded_and_the_next_begins_where_it_ended(
    house: House, ada: User, client: Client, django_assert_max_num_queries: Any
) -> None:
    first = text_in(client, house.sender, MARIA, "Hello")
    rows = [
        Message(
            account=house.account,
            thread=first.thread,
            conversation=first.conversation,
            seq=100 + number,
            direction="in",
            kind="text",
            channel="sms",
            body="Genug" if number == 0 else "Hello",
            status="received",
            provider_sid=f"SMx{number}",
            created_at=timezone.now(),
            received_at=timezone.now(),
        )
        for number in range(LOOKED_AT + 5)
    ]
    Message.objects.bulk_create(rows)
    keyword = OwnKeyword("opt_out", "Genug")
    add_keyword(account=house.account, keyword=keyword, by=ada, now=timezone.now())
    with django_assert_max_num_queries(8):
        page = reread(house.account, now=timezone.now())
    assert (page.looked_at, page.found) == (LOOKED_AT, ())
    rest = reread(house.account, before=page.next_before, now=timezone.now())
    assert rest.next_before == 0
    assert [one.keyword for one in rest.found] == ["genug"]


# --- The three texts ---


def texts(**more: str) -> dict[str, str]:
    """Return three texts that may stand."""
    good = {kind.value: suggested(kind, "en", "Acme") for kind in Kind}
    return {**good, "version": "1", **more}


def test_texts_are_kept_by_language_and_found_by_the_chain(house: House, admin: Client) -> None:
    admin.post(TEXTS, texts())
    spanish = {kind.value: suggested(kind, "es", "Acme") for kind in Kind}
    version = TeamInbox.objects.get(slug="support").settings_version
    page = admin.post(f"{TEXTS}?language=es", {**spanish, "version": str(version)})
    assert page.status_code == 302
    inbox = TeamInbox.objects.get(slug="support")

    def said(*languages: str) -> tuple[str, str]:
        found = consent_wording(inbox, Kind.OPT_OUT, languages)
        return found.language, found.text

    english = ("en", suggested(Kind.OPT_OUT, "en", "Acme"))
    assert inbox.opt_out_text == english[1]
    assert said() == said("fr") == said("en-GB", "es") == said("", "ja") == english
    assert said("es-MX") == said("fr", "es") == ("es", spanish["opt_out"])
    assert "segment" in text_of(admin.get(f"{TEXTS}?language=es"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"opt_out": "Acme: bye."}, "it must have 20 to 320"),
        ({"opt_out": "Acme: no more messages. " + "x" * 320}, "it must have 20 to 320"),
        ({"opt_out": "You will get no more messages."}, "does not say who is writing"),
        ({"opt_out": "Acme: You are unsubscribed now."}, "no more messages follow"),
        ({"opt_out": "Acme: no more messages. 20% off today!"}, "is marketing"),
        ({"help": ""}, "it must have 20 to 320"),
        ({"version": "77"}, "Somebody changed this inbox meanwhile"),
    ],
)
def test_a_text_that_may_not_stand_is_told_in_words_and_nothing_is_kept(
    house: House, admin: Client, more: dict[str, str], words: str
) -> None:
    before = TeamInbox.objects.values().get(slug="support")
    page = admin.post(TEXTS, texts(**more))
    assert page.status_code == 422
    assert words in text_of(page)
    assert TeamInbox.objects.values().get(slug="support") == before


def test_a_further_language_may_leave_texts_out_and_be_taken_away(
    house: House, admin: Client
) -> None:
    only = {"opt_out": suggested(Kind.OPT_OUT, "de", "Acme"), "opt_in": "", "help": ""}
    admin.post(f"{TEXTS}?language=de", {**only, "version": "1"})
    inbox = TeamInbox.objects.get(slug="support")
    assert inbox.consent_texts["opt_out"]["de"] == only["opt_out"]
    assert consent_wording(inbox, Kind.HELP, ["de"]).text == inbox.help_text
    admin.post(f"{TEXTS}?language=de", {"version": str(inbox.settings_version)})
    assert "de" not in str(TeamInbox.objects.get(slug="support").consent_texts)
    changed = AuditEntry.objects.filter(action="consent_texts_changed")
    assert changed.count() == 2
