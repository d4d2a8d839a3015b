"""What do people see and write on a contact's page, and what does it mean that one is blocked?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Membership, User
from compliance.gate import SendBlockedError
from inbox.access import contacts_of
from inbox.cards import seen_mark
from inbox.closing import close_conversation, undo_close
from inbox.conversations import claim_conversation
from inbox.labels import activity_words, phone_words
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    InboxEvent,
    TeamInbox,
)
from inbox.refusals import ChangedMeanwhileError
from inbox.watching import add_watcher
from tests.factories import make_inbox, make_sender, make_user
from tests.flows.test_together import MARIA, Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]
SCRIPT = {"headers": {"Accept": "application/json"}}


def path_of(contact: Contact, more: str = "") -> str:
    return f"/contacts/{contact.public_id}/{more}"


def form_of(page: Any, **changed: str) -> dict[str, str]:
    """Return what the form of a page sends, with some of it changed."""
    contact = page.context["page"].contact
    said = {
        "seen": page.context["page"].seen,
        "name": contact.name,
        "language": contact.language,
        "owner": str(contact.owner_id or ""),
        "notes": contact.notes,
    }
    return {**said, **changed}


# --- Who sees whom ---


def test_agents_see_contacts_of_their_conversations_and_admins_all(stage: Stage) -> None:
    house = stage.house
    other = Contact.objects.create(account=house.account, name="From a file")
    ContactAddress.objects.create(
        account=house.account, contact=other, key="sms:+12125550199", family="sms"
    )
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)

    def seen(user: User) -> set[int]:
        return set(contacts_of(stage.viewer(user)).values_list("pk", flat=True))

    maria = stage.row.contact_id
    assert seen(house.alice) == {maria}
    assert seen(dora) == set()
    assert seen(admin) == {maria, other.pk}
    stage.do(claim_conversation, house.alice)
    assert seen(house.bob) == set()
    assert seen(house.sue) == {maria}


def test_the_list_pages_by_key_and_finds_names_and_numbers(
    stage: Stage, login: Any, django_assert_max_num_queries: Any
) -> None:
    house, admin = stage.house, make_user(stage.house.account, "Ada", works_as="account_admin")
    rows = [Contact(account=house.account, name=f"Person {n:02}") for n in range(60)]
    for contact in Contact.objects.bulk_create(rows):
        phone = f"+1415555{contact.pk % 10000:04}"
        ContactAddress.objects.create(
            account=house.account, contact=contact, key=f"sms:{phone}", family="sms", raw=phone,
            phone=phone,
        )  # fmt: skip
    browser = login(admin)
    browser.get("/contacts/")

    with django_assert_max_num_queries(6):
        first = browser.get("/contacts/").context["found"]
    rest = browser.get(f"/contacts/?before={first.next_before}").context["found"]

    names = [row.contact.pk for row in (*first.rows, *rest.rows)]
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 61
    assert not rest.next_before
    found = browser.get("/contacts/?q=Person 07").context["found"]
    assert [row.name for row in found.rows] == ["Person 07"]
    assert browser.get("/contacts/?q=nobody+like+this").context["found"].rows == []
    assert browser.get("/contacts/?before=x&q=%F0").status_code == 200


def test_the_page_shows_what_is_known_in_a_fixed_number_of_queries(
    stage: Stage, login: Any, django_assert_max_num_queries: Any
) -> None:
    contact = stage.row.contact
    Contact.objects.update(attributes={"tier": "gold"}, tags=["vip"], notes="Likes tea")
    browser = login(stage.house.alice)
    browser.get(path_of(contact))

    with django_assert_max_num_queries(16):
        page = browser.get(path_of(contact))

    words = page.content.decode()
    for said in ("gold", "vip", "Likes tea", phone_words(MARIA), "Hello"):
        assert said in words
    assert page.context["page"].conversation == stage.row


# --- Writing ---


def test_a_card_is_written_and_noted_without_values(stage: Stage, login: Any) -> None:
    contact, alice = stage.row.contact, stage.house.alice
    browser = login(alice)
    page = browser.get(path_of(contact))

    wanted = form_of(page, name=" Maria  Diaz ", owner=str(alice.pk), notes="Calls\r\nback")
    answer = browser.post(path_of(contact), {**wanted, "language": "es"}, follow=True)

    contact.refresh_from_db()
    assert answer.status_code == 200
    assert (contact.name, contact.language, contact.owner) == ("Maria Diaz", "es", alice)
    assert contact.notes == "Calls\nback"
    line = AuditEntry.objects.get(action="contact_changed")
    assert line.data == {"fields": ["name", "language", "owner", "notes"]}
    assert "Maria" not in str(line.subject)
    heard = InboxEvent.objects.filter(type="contact.updated").latest("seq")
    assert heard.data["changed"] == ["name", "language", "owner", "notes"]


def test_who_looked_at_an_older_card_keeps_their_words(stage: Stage, login: Any) -> None:
    contact = stage.row.contact
    alice, bob = login(stage.house.alice), login(stage.house.bob)
    page = alice.get(path_of(contact))
    bob.post(path_of(contact), form_of(page, name="Mary"))

    answer = alice.post(path_of(contact), form_of(page, name="Maria", notes="Long words"))

    assert answer.status_code == 409
    words = answer.content.decode()
    assert "Long words" in words
    assert "Mary" in words
    assert Contact.objects.get().name == "Mary"
    # Sent once more over what it says now, it is saved.
    assert alice.post(path_of(contact), form_of(answer, name="Maria")).status_code == 302
    assert Contact.objects.get().name == "Maria"


@pytest.mark.parametrize("wrong", [{"language": "!"}, {"owner": "999999"}, {"notes": "x" * 10_001}])
def test_what_does_not_fit_is_said(stage: Stage, login: Any, wrong: dict[str, str]) -> None:
    contact, browser = stage.row.contact, login(stage.house.alice)

    answer = browser.post(path_of(contact), form_of(browser.get(path_of(contact)), **wrong))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not AuditEntry.objects.filter(action="contact_changed").exists()


def test_an_observer_reads_and_writes_nothing(stage: Stage, login: Any) -> None:
    house, contact = stage.house, stage.row.contact
    olga = make_user(house.account, "Olga", team=house.inbox.team, role=Membership.Role.OBSERVER)
    browser = login(olga)

    page = browser.get(path_of(contact))

    assert "contact-form" not in page.content.decode()
    assert browser.post(path_of(contact), form_of(page, name="X"), **SCRIPT).status_code == 403
    no = browser.post(path_of(contact, "block/"), {"reason": "spam"}, **SCRIPT)
    assert no.status_code == 403


# --- Blocked ---


def test_blocking_closes_and_says_why_and_the_next_words_alert_nobody(
    stage: Stage, login: Any
) -> None:
    house, contact = stage.house, stage.row.contact
    stage.do(claim_conversation, house.alice)
    browser = login(house.alice)

    assert browser.post(path_of(contact, "block/"), {"reason": " "}, **SCRIPT).status_code == 422
    browser.post(path_of(contact, "block/"), {"reason": "Threats"})

    row = stage.row
    assert (row.status, row.owner, row.contact.is_blocked) == ("closed", None, True)
    told = ConversationEvent.objects.latest("pk")
    assert activity_words(told) == "Alice blocked this contact: Threats"
    assert AuditEntry.objects.get(action="contact_blocked").data == {"reason": "Threats"}
    with pytest.raises(ChangedMeanwhileError):
        stage.do(undo_close, house.alice)
    with pytest.raises(SendBlockedError) as refused:
        stage.reply(house.alice)
    assert "blocked" in refused.value.reason

    stage.now += timedelta(minutes=5)
    stage.hear("Again")

    assert stage.row.is_hidden
    assert stage.row.waiting_since is None
    assert not stage.sees(house.alice)
    assert stage.sees(house.sue)
    created = InboxEvent.objects.filter(type="message.created").latest("seq")
    assert created.data["notify"] is False
    blocked = login(house.sue).get("/contacts/?blocked=1").context["found"]
    assert [row.contact for row in blocked.rows] == [contact]


def test_who_is_let_in_again_is_heard_from_their_next_message_on(stage: Stage, login: Any) -> None:
    house, contact = stage.house, stage.row.contact
    browser = login(house.sue)
    browser.post(path_of(contact, "block/"), {"reason": "Mistake"})
    stage.now += timedelta(minutes=5)
    stage.hear("While blocked")

    browser.post(path_of(contact, "unblock/"))

    assert not stage.sees(house.alice)
    stage.hear("And now?")
    assert stage.sees(house.alice)
    assert stage.row.waiting_since is not None
    assert Conversation.objects.count() == 1


def test_the_panel_has_the_button(stage: Stage, login: Any) -> None:
    browser = login(stage.house.alice)
    place = f"/c/{stage.row.public_id}/panel/"

    assert "Block this contact" in browser.get(place).content.decode()
    browser.post(path_of(stage.row.contact, "block/"), {"reason": "spam", "next": place})
    assert "Unblock" in browser.get(place).content.decode()


def test_nobody_reaches_into_another_account(stage: Stage, login: Any, charlie: User) -> None:
    browser, contact = login(charlie), stage.row.contact

    for more in ("", "block/", "unblock/"):
        answer = browser.post(path_of(contact, more), {"reason": "x", "seen": "x"})
        assert answer.status_code == 404
    assert browser.get(path_of(contact)).status_code == 404
    assert "555-0100" not in browser.get("/contacts/").content.decode()


# --- Who may block: it closes what colleagues have ---


def second_inbox(stage: Stage) -> tuple[Conversation, User]:
    """Let Maria write to another inbox too, where Dora has her."""
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    sender = make_sender(sales, twilio_account=house.sender.twilio_account)
    text_in(stage.client, sender, MARIA, "The price?")
    row = Conversation.objects.get(inbox=sales)
    viewer = stage.viewer(dora)
    claim_conversation(conversation=row, by=viewer, user=dora, now=stage.now)
    return row, dora


def block(stage: Stage, browser: Any) -> Any:
    return browser.post(path_of(stage.row.contact, "block/"), {"reason": "spam"}, **SCRIPT)


def offers_block(stage: Stage, browser: Any) -> list[bool]:
    """Say whether the menu, the panel and the page of the contact offer it."""
    cid, words = stage.row.public_id, "/block/"
    places = (f"/c/{cid}/desk/", f"/c/{cid}/panel/", path_of(stage.row.contact))
    return [words in browser.get(place).content.decode() for place in places]


def test_who_only_reads_what_a_colleague_has_cannot_block_it_away(stage: Stage, login: Any) -> None:
    house = stage.house
    TeamInbox.objects.update(after_claim="read_only")
    stage.do(claim_conversation, house.alice)
    alice, bob, sue = (login(one) for one in (house.alice, house.bob, house.sue))

    assert offers_block(stage, bob) == [False] * 3
    assert block(stage, bob).status_code == 403
    assert (stage.row.status, stage.row.owner) == ("open", house.alice)
    assert not Contact.objects.get().is_blocked
    assert offers_block(stage, alice) == [True] * 3
    assert offers_block(stage, sue) == [True] * 3
    assert block(stage, alice).status_code == 200
    assert stage.row.contact.is_blocked


def test_who_watches_cannot_block(stage: Stage, login: Any) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.do(add_watcher, house.alice, whom=house.bob.pk)
    browser = login(house.bob)

    assert offers_block(stage, browser) == [False] * 3
    assert block(stage, browser).status_code == 403
    assert stage.row.owner == house.alice


def test_what_others_have_elsewhere_is_closed_by_an_administrator_alone(
    stage: Stage, login: Any, charlie: User
) -> None:
    house = stage.house
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    theirs, dora = second_inbox(stage)
    assert theirs.contact == stage.row.contact

    for person in (house.alice, house.sue, dora):
        browser = login(person)
        answer = block(stage, browser)
        assert answer.status_code == 403
        said = answer.content.decode()
        assert said.count("You may not block this contact") == 1
        assert not any(word in said for word in ("Sales", "Dora", "Alice", "Support"))
        assert (
            path_of(stage.row.contact, "block/")
            not in browser.get(path_of(stage.row.contact)).content.decode()
        )
    assert block(stage, login(charlie)).status_code == 404
    assert set(Conversation.objects.values_list("status", flat=True)) == {"open"}

    assert block(stage, login(admin)).status_code == 200
    assert set(Conversation.objects.values_list("status", flat=True)) == {"closed"}


def test_what_lies_in_an_inbox_that_is_off_is_in_nobody_s_way(stage: Stage, login: Any) -> None:
    theirs, _dora = second_inbox(stage)
    TeamInbox.objects.filter(pk=theirs.inbox_id).update(is_on=False)

    assert block(stage, login(stage.house.alice)).status_code == 200
    assert stage.row.is_closed


# --- A part of the card, beside the conversation ---


def test_an_observer_gives_no_names(stage: Stage, login: Any) -> None:
    house, contact = stage.house, stage.row.contact
    olga = make_user(house.account, "Olga", team=house.inbox.team, role=Membership.Role.OBSERVER)
    browser, seen = login(olga), seen_mark(contact)

    panel = browser.get(f"/c/{stage.row.public_id}/panel/").content.decode()

    for part, said in (("name", "X"), ("language", "es")):
        answer = browser.post(path_of(contact, f"{part}/"), {part: said, "seen": seen}, **SCRIPT)
        assert answer.status_code == 403
        assert path_of(contact, f"{part}/") not in panel
    assert seen_mark(Contact.objects.get()) == seen


def test_a_name_given_beside_the_conversation_takes_nothing_of_a_colleague_s(
    stage: Stage, login: Any
) -> None:
    contact = stage.row.contact
    seen = seen_mark(contact)
    alice, bob = login(stage.house.alice), login(stage.house.bob)

    first = bob.post(path_of(contact, "name/"), {"name": "Mary", "seen": seen}, **SCRIPT)
    late = alice.post(path_of(contact, "name/"), {"name": "Maria", "seen": seen}, **SCRIPT)
    again = seen_mark(Contact.objects.get())
    alice.post(path_of(contact, "language/"), {"language": "es", "seen": again}, **SCRIPT)

    assert (first.status_code, late.status_code) == (200, 409)
    assert "Somebody changed this contact meanwhile" in late.content.decode()
    assert Contact.objects.values_list("name", "language").get() == ("Mary", "es")
    lines = AuditEntry.objects.filter(action="contact_changed").order_by("pk")
    assert [line.data["fields"] for line in lines] == [["name"], ["language"]]


def test_a_closed_conversation_hears_of_a_new_name_too(stage: Stage, login: Any) -> None:
    contact, house = stage.row.contact, stage.house
    stage.do(close_conversation, house.alice, last_seen_seq=9, waiting_ok=True)
    before = InboxEvent.objects.latest("seq").seq

    said = {"name": "Mary", "seen": seen_mark(contact)}
    login(house.bob).post(path_of(contact, "name/"), said, **SCRIPT)

    heard = InboxEvent.objects.filter(seq__gt=before, type="contact.updated")
    assert [one.conversation_id for one in heard] == [stage.pk]
