"""Opting out by a link where STOP cannot arrive: looking changes nothing, pressing does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.suspending import suspend_account
from compliance.addresses import parse_address
from compliance.evidence import EventKind, Evidence, Source, Web
from compliance.models import Consent, ConsentEvent
from compliance.opt_out_links import opt_out_link
from compliance.recording import record_consent
from inbox.models import ConsentReview, Contact, Conversation, InboxEvent, Message
from inbox.models.ids import client_id
from inbox.opt_out_words import WORDS, language_for
from inbox.sending import send_reply
from tests.conftest import House
from tests.factories import make_user
from tests.twilio import text_in

MARIA = "+14155550123"


def link_of(house: House, raw: str = MARIA, days_ago: int = 0) -> str:
    """Return the path of somebody's link."""
    made_at = timezone.now() - timedelta(days=days_ago)
    link = opt_out_link(house.account.pk, parse_address(raw), now=made_at)
    return link.removeprefix("http://localhost:8000")


def states(account: Account) -> dict[str, str]:
    """Return where every address of the account stands."""
    rows = Consent.objects.filter(account=account)
    return dict(rows.values_list("address", "state"))


def events(**wanted: Any) -> int:
    """Count the opt-outs in the ledger."""
    return ConsentEvent.objects.filter(kind=EventKind.OPT_OUT, **wanted).count()


def queued(house: House, client: Client, raw: str = MARIA) -> Message:
    """Let somebody write, and an answer wait for them."""
    message = text_in(client, house.sender, raw, "Hello")
    assert message.conversation is not None
    return send_reply(
        conversation=Conversation.objects.get(thread=message.thread_id),
        by=house.viewer(house.alice),
        user=house.alice,
        now=timezone.now(),
        body="We are here",
        client_id=client_id(),
    )


def test_opening_shows_the_business_and_the_last_digits_and_changes_nothing(
    house: House, client: Client
) -> None:
    answer = queued(house, client)
    before = states(house.account)
    path = link_of(house)
    for ask in (client.get, client.head, client.get, client.options):
        ask(path)
    page = client.get(path)
    body = page.content.decode()

    assert page.status_code == 200
    assert house.account.name in body
    assert "ending in 23" in body
    assert "4155550123" not in body
    assert '<form method="post"' in body
    assert states(house.account) == before
    assert events() == 0
    answer.refresh_from_db()
    assert answer.status == Message.Status.QUEUED


def test_pressing_opts_out_at_once_and_cancels_what_waits(house: House) -> None:
    client = Client(enforce_csrf_checks=True)
    waiting = queued(house, Client())
    page = client.post(
        link_of(house),
        headers={"User-Agent": "Phone/1", "Accept-Language": "es-MX,es;q=0.9"},
        REMOTE_ADDR="203.0.113.9",
    )

    assert page.status_code == 200
    assert "Listo" in page.content.decode()
    assert states(house.account) == {f"sms:{MARIA}": "opted_out"}
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error_code) == (Message.Status.CANCELED, "OPTED_OUT")
    event = ConsentEvent.objects.get(kind=EventKind.OPT_OUT)
    told = event.personal
    assert (event.source, event.wording_id, event.wording_language) == (
        Source.LINK,
        "opt_out_page",
        "es",
    )
    assert event.web == Web("203.0.113.9", "Phone/1")
    assert told.page_url.startswith("http")
    assert "/o/" in told.page_url
    assert house.account.name in told.wording_text
    assert "Dejar de recibir mensajes" in told.wording_text
    # No confirmation is sent: the page has said it.
    assert Message.objects.filter(direction="out").count() == 1


def test_pressing_again_is_one_opt_out_and_the_page_says_so(house: House, client: Client) -> None:
    path = link_of(house)
    for _ in range(3):
        assert client.post(path).status_code == 200
    page = client.get(path).content.decode()
    assert events() == 1
    assert "<form" not in page
    assert "gets no more SMS messages" in page


def test_who_was_opted_out_by_somebody_else_has_their_own_word_written_down(
    house: House, client: Client
) -> None:
    said = Evidence(EventKind.OPT_OUT, Source.AGENT, recorded_by=house.alice.pk)
    record_consent(
        account_id=house.account.pk, address=parse_address(MARIA), evidence=said, now=timezone.now()
    )
    client.post(link_of(house))
    assert events(source=Source.LINK) == 1


def test_a_doubt_that_waits_for_a_person_is_settled_by_the_link(
    house: House, client: Client
) -> None:
    text_in(client, house.sender, MARIA, "PERUUTA")
    assert states(house.account) == {f"sms:{MARIA}": "held"}
    assert ConsentReview.objects.filter(decided_at=None).count() == 1
    client.post(link_of(house))
    assert states(house.account) == {f"sms:{MARIA}": "opted_out"}
    assert not ConsentReview.objects.filter(decided_at=None).exists()


def test_start_brings_them_back_and_the_link_works_again(house: House, client: Client) -> None:
    path = link_of(house)
    client.post(path)
    text_in(client, house.sender, MARIA, "START")
    assert states(house.account)[f"sms:{MARIA}"] != "opted_out"
    assert "<form" in client.get(path).content.decode()
    client.post(path)
    assert states(house.account)[f"sms:{MARIA}"] == "opted_out"
    assert events(source=Source.LINK) == 2


def test_the_person_s_other_numbers_of_the_channel_are_bound_too(
    house: House, client: Client
) -> None:
    other = "+14155550124"
    text_in(client, house.sender, MARIA, "Hello")
    second = text_in(client, house.sender, other, "Me again")
    contact = Contact.objects.get(threads__address__key=f"sms:{MARIA}")
    second.thread.address.contact = contact
    second.thread.address.save()
    second.thread.contact = contact
    second.thread.save()
    client.post(link_of(house))
    assert states(house.account) == {f"sms:{MARIA}": "opted_out", f"sms:{other}": "opted_out"}


def test_whatsapp_stops_whatsapp_only(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, "Hello")
    page = client.post(link_of(house, f"whatsapp:{MARIA}"))
    assert "WhatsApp" in page.content.decode()
    assert states(house.account)[f"whatsapp:{MARIA}"] == "opted_out"
    assert states(house.account)[f"sms:{MARIA}"] != "opted_out"


def test_somebody_we_never_heard_of_may_opt_out_and_no_other_account_learns_of_it(
    house: House, client: Client, charlie: Any
) -> None:
    client.post(link_of(house, "+447911123456"))
    assert states(house.account) == {"sms:+447911123456": "opted_out"}
    assert states(charlie.account) == {}


def test_the_live_conversation_hears_of_it(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    client.post(link_of(house))
    heard = InboxEvent.objects.filter(conversation=message.conversation)
    assert "consent.changed" in {event.type for event in heard}


def test_a_suspended_account_still_takes_opt_outs(house: House, client: Client) -> None:
    staff = make_user(house.account, "Stan")
    suspend_account(account=house.account, reason="Unpaid", by=staff, now=timezone.now())
    assert client.post(link_of(house)).status_code == 200
    assert states(house.account) == {f"sms:{MARIA}": "opted_out"}


@pytest.mark.parametrize(
    ("days", "status", "words"), [(60, 200, "<form"), (3650, 200, "<form"), (3660, 410, "too old")]
)
def test_a_link_works_for_ten_years(
    house: House, client: Client, time_machine: Any, days: int, status: int, words: str
) -> None:
    time_machine.move_to(timezone.now())
    path = link_of(house)
    time_machine.shift(timedelta(days=days))
    page = client.get(path)
    assert page.status_code == status
    assert words in page.content.decode()
    assert client.post(path).status_code == status
    assert events() == (status == 200)


@pytest.mark.parametrize("token", ["x", "1" * 300, "2KzZ", "%00", "ä", "..%2f"])
@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_a_bad_link_is_told_in_words_and_changes_nothing(
    house: House, client: Client, token: str, method: str
) -> None:
    page = getattr(client, method)(f"/o/{token}")
    assert page.status_code in (404, 400)
    assert events() == 0


def test_a_link_of_an_account_that_is_not_there_is_no_link(house: House, client: Client) -> None:
    link = opt_out_link(house.account.pk + 999, parse_address(MARIA), now=timezone.now())
    page = client.post(f"/o/{link.rpartition('/')[2]}")
    assert page.status_code == 404
    assert "not copied whole" in page.content.decode()


def test_who_guesses_is_slowed_down_and_who_has_a_link_is_not(
    house: House, client: Client, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"opt_out_guess": "3/m/ip", "opt_out_link": "2/m/key"}
    guesses = [client.get(f"/o/zz{number}").status_code for number in (2, 3, 4, 5)]
    assert guesses == [404, 404, 404, 429]
    path = link_of(house)
    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert client.post(link_of(house, "+14155550777")).status_code == 200


@pytest.mark.parametrize("language", sorted(WORDS))
def test_every_language_says_everything(house: House, client: Client, language: str) -> None:
    path = link_of(house)
    words = WORDS[language]
    page = client.get(path, headers={"Accept-Language": language}).content.decode()
    assert f'<html lang="{language}"' in page
    assert words.button in page
    assert house.account.name in page
    pressed = client.post(f"{path}?lang={language}").content.decode()
    assert words.done_title in pressed
    assert "START" in pressed


@pytest.mark.parametrize(
    ("asked", "accepts", "contact", "language"),
    [
        ("", "", "", "en"),
        ("", "ja", "", "en"),
        ("", "ja, fr-CA;q=0.5", "de", "fr"),
        ("", "", "de-AT", "de"),
        ("es", "fr", "de", "es"),
        ("xx", "fr;q=0, de;q=0.1", "es", "de"),
        ("", "\x00;;;q=,", "", "en"),
    ],
)
def test_the_reader_s_language_is_chosen(
    asked: str, accepts: str, contact: str, language: str
) -> None:
    assert language_for(asked=asked, accepts=accepts, contact=contact) == language


def test_nothing_is_kept_in_the_browser_and_nobody_else_is_told(
    house: House, client: Client
) -> None:
    for page in (client.get(link_of(house)), client.post(link_of(house))):
        assert not page.cookies
        assert "<script" not in page.content.decode()
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert "no-store" in page.headers["Cache-Control"]
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_many_presses_at_once_are_one_opt_out(house: House) -> None:
    path = link_of(house)

    def press(_: int) -> int:
        try:
            return Client().post(path).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(press, range(6))) == {200}
    assert events() == 1
