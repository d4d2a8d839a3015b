"""Can people tag conversations and contacts, and say what they know, and who sees it?"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User
from inbox import marking
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation
from inbox.fragments import render_activity, render_header, render_row
from inbox.labels import activity_words
from inbox.marking import Writer
from inbox.models import Contact, Conversation, ConversationEvent, CrmAnswer, InboxEvent, TeamInbox
from inbox.refusals import (
    ChangedMeanwhileError,
    ClaimedByOtherError,
    MissingInputError,
    NotAllowedError,
)
from routing.crm_fields import Field
from routing.lookups import Wanted, add_connector
from tests.conftest import House
from tests.factories import make_inbox, make_sender, make_user
from tests.flows.test_together import MARIA, Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]
PART = {"headers": {"HX-Request": "true"}}
SCRIPT = {"headers": {"Accept": "application/json"}}


def writer(stage: Stage, user: User) -> Writer:
    return Writer(stage.row, stage.viewer(user), user, stage.now)


def lines(*verbs: str) -> list[str]:
    return [
        activity_words(event)
        for event in ConversationEvent.objects.filter(verb__in=verbs).order_by("pk")
    ]


def heard(kind: str) -> list[Any]:
    return list(InboxEvent.objects.filter(type=kind).order_by("seq").values_list("data", flat=True))


# --- Tags of a conversation ---


def test_a_tag_is_added_and_removed_and_both_are_told(stage: Stage) -> None:
    alice = stage.house.alice
    version = stage.row.version

    marking.tag_conversation(writer(stage, alice), "  VIP ")
    marking.tag_conversation(writer(stage, alice), "vip")
    marking.tag_conversation(writer(stage, alice), "order")
    marking.untag_conversation(writer(stage, alice), "Vip")
    marking.untag_conversation(writer(stage, alice), "never there")

    assert (stage.row.tags, stage.row.version) == (["order"], version + 3)
    assert lines("tagged") == [
        "Alice added the tag “VIP”",
        "Alice added the tag “order”",
        "Alice removed the tag “Vip”",
    ]
    assert [one["changed"] for one in heard("conversation.updated")] == [["tags"]] * 3


def test_the_row_and_the_header_show_them(stage: Stage) -> None:
    for tag in ("one", "two", "<b>", "four", "five"):
        marking.tag_conversation(writer(stage, stage.house.alice), tag)

    row, header = render_row(stage.row), render_header(stage.row)

    for tag in ("one", "two", "&lt;b&gt;"):
        assert f'dir="auto">{tag}</span>' in header
    for tag in ("one", "two"):
        assert f'dir="auto">{tag}</span>' in row
    assert "&lt;b&gt;" not in row
    assert "+3" in row
    assert 'dir="auto">five</span>' in header
    event = ConversationEvent.objects.filter(verb="tagged").last()
    assert event is not None
    assert "added the tag “five”" in render_activity(event)


def test_there_are_twenty_tags_at_most(stage: Stage) -> None:
    Conversation.objects.update(tags=[f"t{n}" for n in range(20)])

    with pytest.raises(MissingInputError, match="There may be 20 tags"):
        marking.tag_conversation(writer(stage, stage.house.alice), "more")
    with pytest.raises(MissingInputError, match="at most 40 characters"):
        marking.tag_conversation(writer(stage, stage.house.alice), "x" * 41)


def test_only_who_may_answer_may_tag(stage: Stage, charlie: User) -> None:
    house = stage.house
    observer = make_user(
        house.account, "Olga", team=house.inbox.team, role=Membership.Role.OBSERVER
    )
    watching = writer(stage, observer)
    stage.do(claim_conversation, house.alice)

    marking.tag_conversation(writer(stage, house.alice), "hers")
    marking.tag_conversation(writer(stage, house.sue), "supervised")
    with pytest.raises(ClaimedByOtherError):
        marking.tag_conversation(writer(stage, house.bob), "no")
    with pytest.raises((NotAllowedError, ClaimedByOtherError)):
        marking.tag_contact(watching, "no")
    with pytest.raises((NotAllowedError, ClaimedByOtherError)):
        marking.add_attribute(writer(stage, charlie), name="x", kind="text", text="no")
    assert stage.row.tags == ["hers", "supervised"]
    assert (stage.row.contact.tags, stage.row.contact.attributes) == ([], {})


def test_a_closed_conversation_may_still_be_tagged(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=9, waiting_ok=True)

    marking.tag_conversation(writer(stage, stage.house.alice), "afterwards")
    marking.tag_contact(writer(stage, stage.house.alice), "afterwards")

    assert stage.row.tags == stage.row.contact.tags == ["afterwards"]
    assert stage.row.status == "closed"


# --- How urgent it is ---


def test_a_priority_is_set_once_told_and_shown(stage: Stage) -> None:
    alice, version = stage.house.alice, stage.row.version
    assert "tag-priority" not in render_row(stage.row)

    marking.set_priority(writer(stage, alice), "urgent")
    marking.set_priority(writer(stage, alice), "urgent")

    assert (stage.row.priority, stage.row.version) == ("urgent", version + 1)
    assert lines("priority") == ["Alice set the priority to urgent"]
    assert [one["changed"] for one in heard("conversation.updated")] == [["priority"]]
    assert "Priority: Urgent" in render_row(stage.row)
    marking.set_priority(writer(stage, alice), "normal")
    assert "tag-priority" not in render_row(stage.row)


def test_a_priority_is_taken_back_and_nothing_that_came_before_it(stage: Stage, login: Any) -> None:
    house = stage.house
    alice = login(house.alice)

    def choose(priority: str) -> str:
        answer = alice.post(place(stage, "priority"), {"priority": priority}, **SCRIPT)
        return str(answer.json()["undo"])

    stage.do(claim_conversation, house.alice)
    # It has that one: what the claim takes back is not offered as if it were this.
    assert choose("normal") == ""
    undo = choose("high")
    assert login(house.sue).post(undo, **SCRIPT).status_code == 404
    assert alice.post(undo, **SCRIPT).status_code == 200
    assert alice.post(undo, **SCRIPT).status_code == 200
    assert (stage.row.priority, stage.row.owner_id) == ("normal", house.alice.pk)
    assert lines("priority")[-1] == "Alice set the priority to normal"
    assert len(lines("priority")) == 2

    undo = choose("low")
    marking.set_priority(writer(stage, house.alice), "urgent")
    assert alice.post(undo, **SCRIPT).status_code == 409
    assert stage.row.priority == "urgent"


def test_a_priority_is_refused_for_who_may_not_answer_and_for_what_is_none(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    with pytest.raises(ClaimedByOtherError):
        marking.set_priority(writer(stage, house.bob), "high")
    with pytest.raises(MissingInputError, match="Choose one of the four"):
        marking.set_priority(writer(stage, house.alice), "Highest")
    marking.set_priority(writer(stage, house.sue), "low")
    assert stage.row.priority == "low"


def test_the_menu_shows_the_priority_and_works_without_javascript(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    assert alice.post(place(stage, "priority"), {"priority": "high"}).status_code == 302
    page = alice.get(f"/inbox/support/c/{stage.row.public_id}/").text

    assert re.findall(r'name="priority" value="(\w+)" aria-pressed="true"', page) == ["high"]
    refused = alice.post(place(stage, "priority"), {"priority": "x"}, **SCRIPT)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")


# --- The contact ---


def test_the_contacts_tags_are_theirs_in_every_conversation(stage: Stage, client: Client) -> None:
    alice = stage.house.alice
    sales = make_inbox(stage.house.account, "Sales")
    other = text_in(client, make_sender(sales), MARIA, "And you?").conversation
    assert other is not None
    assert other.contact_id == stage.row.contact_id
    InboxEvent.objects.all().delete()

    marking.tag_contact(writer(stage, alice), "Gold")
    marking.tag_contact(writer(stage, alice), "gold")
    marking.untag_contact(writer(stage, alice), "GOLD")

    assert lines("contact_tags") == [
        "Alice added the tag “Gold” to the contact",
        "Alice removed the tag “GOLD” from the contact",
    ]
    contact = stage.row.contact.public_id
    assert heard("contact.updated") == [{"contact": contact, "changed": ["tags"]}] * 4
    assert {event.inbox_id for event in InboxEvent.objects.filter(type="contact.updated")} == {
        stage.house.inbox.pk,
        sales.pk,
    }
    assert not ConversationEvent.objects.filter(conversation=other, verb="contact_tags").exists()


def test_attributes_are_typed_and_told_without_their_values(stage: Stage) -> None:
    alice = writer(stage, stage.house.alice)
    for name, kind, text in (
        ("tier", "text", "gold"),
        ("seats", "number", "12"),
        ("pays", "yes_no", "yes"),
        ("plans", "list", "a, b"),
    ):
        marking.add_attribute(alice, name=name, kind=kind, text=text)
    marking.change_attribute(alice, name="seats", kind="number", text="13", seen=12)
    marking.remove_attribute(alice, name="plans", seen=("a", "b"))

    assert stage.row.contact.attributes == {"tier": "gold", "seats": 13, "pays": True}
    assert lines("contact_fact")[0] == "Alice set “tier” of the contact"
    assert lines("contact_fact")[-1] == "Alice removed “plans” of the contact"
    assert "gold" not in str(list(ConversationEvent.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("name", "kind", "text", "words"),
    [
        ("", "text", "x", "Write what the attribute is called."),
        ("a.b", "text", "x", "no dots"),
        ("Tier", "text", "x", "is there already"),
        ("n", "number", "many", "no number"),
        ("n", "yes_no", "perhaps", "yes or no"),
        ("n", "thing", "x", "Choose what kind"),
        ("n", "text", "x" * 1001, "at most 1000 characters"),
    ],
)
def test_what_is_no_attribute_is_refused(
    stage: Stage, name: str, kind: str, text: str, words: str
) -> None:
    Contact.objects.update(attributes={"tier": "gold"})

    with pytest.raises(MissingInputError, match=words):
        marking.add_attribute(writer(stage, stage.house.alice), name=name, kind=kind, text=text)
    assert Contact.objects.get().attributes == {"tier": "gold"}


def test_there_are_fifty_attributes_at_most(stage: Stage) -> None:
    Contact.objects.update(attributes={f"a{n}": n for n in range(50)})

    with pytest.raises(MissingInputError, match="There may be 50 attributes"):
        marking.add_attribute(writer(stage, stage.house.alice), name="more", kind="text", text="x")


def test_of_two_who_change_the_same_the_second_is_told(stage: Stage) -> None:
    Contact.objects.update(attributes={"tier": "gold"})
    alice, bob = writer(stage, stage.house.alice), writer(stage, stage.house.bob)
    marking.change_attribute(alice, name="tier", kind="text", text="silver", seen="gold")

    with pytest.raises(ChangedMeanwhileError, match="Somebody changed this meanwhile"):
        marking.change_attribute(bob, name="tier", kind="text", text="iron", seen="gold")
    with pytest.raises(ChangedMeanwhileError):
        marking.remove_attribute(bob, name="tier", seen="gold")
    assert Contact.objects.get().attributes == {"tier": "silver"}


# --- The pages ---


def place(stage: Stage, name: str) -> str:
    return f"/c/{stage.row.public_id}/{name}/"


def test_it_works_without_javascript(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)
    panel = place(stage, "panel")

    for name, data in (
        ("tags", {"add": "order"}),
        ("contact/tags", {"add": "Big <spender>"}),
        ("contact/attributes", {"do": "add", "name": "tier", "kind": "text", "value": "gold"}),
    ):
        answer = alice.post(place(stage, name), {**data, "next": panel})
        assert (answer.status_code, answer.headers["Location"]) == (302, panel)
    html = alice.get(panel).text

    assert ">order</span>" in html
    assert "Big &lt;spender&gt;" in html
    assert "gold" in html
    alice.post(place(stage, "contact/tags"), {"remove": "Big <spender>"})
    alice.post(
        place(stage, "contact/attributes"),
        {"do": "remove", "name": "tier", "seen": json.dumps("gold")},
    )
    contact = Contact.objects.get()
    assert (contact.tags, contact.attributes) == ([], {})


@pytest.mark.parametrize("seen", ["", "nonsense", "{}", "[" * 15_000, "1e999"])
def test_odd_forms_are_refused_in_words(stage: Stage, login: Any, seen: str) -> None:
    Contact.objects.update(attributes={"tier": "gold"})
    alice = login(stage.house.alice)
    data = {"do": "change", "name": "tier", "kind": "text", "value": "x", "seen": seen}

    answer = alice.post(place(stage, "contact/attributes"), data, **SCRIPT)

    assert (answer.status_code, answer.json()["code"]) == (409, "changed")
    assert alice.post(place(stage, "contact/attributes"), {}, **SCRIPT).status_code == 422
    assert alice.post(place(stage, "tags"), {}, **SCRIPT).status_code == 422


def test_who_may_not_answer_reads_but_gets_no_forms(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(after_claim="read_only")
    Contact.objects.update(tags=["Gold"], attributes={"tier": "silver"})
    Conversation.objects.update(tags=["order"])
    stage.do(claim_conversation, stage.house.alice)

    html = login(stage.house.bob).get(place(stage, "panel"), **PART).text

    for words in ("Gold", "silver", "order"):
        assert words in html
    assert "contact/attributes" not in html
    assert "/tags/" not in html
    answer = login(stage.house.bob).post(place(stage, "tags"), {"add": "x"}, **SCRIPT)
    assert answer.status_code == 409


def test_the_panel_shows_what_crms_said_with_source_and_time(
    stage: Stage, login: Any, house: House
) -> None:
    crm = add_connector(
        account=house.account,
        wanted=Wanted("Hub", "json", (Field("tier", "tier"),), url="https://crm.example.com/"),
        by=house.sue,
        now=stage.now,
    )
    facts = {"tier": "gold", "seats": 7, "pays": True, "plans": ["a", "b"]}
    CrmAnswer.objects.create(
        account=house.account,
        contact=stage.row.contact,
        connector=crm,
        question="x",
        facts=facts,
        left_out=["since is no date"],
        answered_at=stage.now - timedelta(minutes=5),
    )

    html = login(house.alice).get(place(stage, "panel"), **PART).text

    for words in ("Hub", "gold", ">7<", ">yes<", "a, b", "since is no date", "2026-11-23T14:55"):
        assert words in html, words


def test_nobody_else_gets_there(stage: Stage, charlie: User, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)

    for name in ("tags", "priority", "contact/tags", "contact/attributes"):
        data = {"add": "x", "do": "add", "name": "n", "kind": "text", "value": "v"}
        data |= {"priority": "high"}
        assert login(charlie).post(place(stage, name), data).status_code == 404
        assert login(stage.house.bob).post(place(stage, name), data).status_code == 404
        assert Client().post(place(stage, name), data).status_code == 302
    assert (stage.row.tags, stage.row.contact.tags) == ([], [])
    assert stage.row.priority == "normal"
