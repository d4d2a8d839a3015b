"""What do people see and write on a contact's page, and what does it mean that one is blocked?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Membership, User
from compliance.gate import SendBlockedError
from inbox.access import contacts_of
from inbox.closing import undo_close
from inbox.conversations import claim_conversation
from inbox.labels import activity_words, phone_words
from inbox.models import Contact, ContactAddress, Conversation, ConversationEvent, InboxEvent
from inbox.refusals import ChangedMeanwhileError
from tests.factories import make_inbox, make_user
from tests.flows.test_together import MARIA, Stage, stage

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
    assert "555" not in browser.get("/contacts/").content.decode()
