"""Is a canned reply offered to who may use it, filled in, and counted when it was really sent?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Membership, User
from compliance.gate import SendBlockedError
from inbox.canned import OFFERED
from inbox.conversations import add_note, claim_conversation
from inbox.models import CannedReply, Contact, Conversation, Message, Participant, TeamInbox
from inbox.models.ids import client_id
from inbox.refusals import StaleThreadError
from inbox.setup import canned
from inbox.setup.canned import CannedChangedError, CannedError, Place
from tests.conftest import NOW, House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]
Login = Callable[[User], Client]
# Session and person; the conversation; their part in it; the replies.
QUERIES = 4


def keep(
    house: House,
    shortcut: str,
    body: str,
    *,
    inbox: TeamInbox | None = None,
    of: User | None = None,
) -> CannedReply:
    return canned.make_canned(
        account=house.account,
        place=Place(inbox, of),
        shortcut=shortcut,
        body=body,
        by=of or house.sue,
        now=NOW,
    )


def ask(client: Client, stage: Stage, words: str = "") -> list[dict[str, Any]]:
    answer = client.get(reverse("canned", args=[stage.row.public_id]), {"q": words})
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["offered"]
    return found


def shortcuts(client: Client, stage: Stage, words: str = "") -> list[str]:
    return [one["shortcut"] for one in ask(client, stage, words)]


# --- Who is offered what --------------------------------------------------------------------------


def test_everybody_is_offered_the_accounts_the_inboxs_and_their_own(
    stage: Stage, login: Login, charlie: User
) -> None:
    house = stage.house
    other = make_inbox(house.account, "Returns")
    keep(house, "all", "For all")
    keep(house, "here", "For this inbox", inbox=house.inbox)
    keep(house, "there", "For another inbox", inbox=other)
    keep(house, "mine", "For Alice", of=house.alice)
    keep(house, "bobs", "For Bob", of=house.bob)

    assert sorted(shortcuts(login(house.alice), stage)) == ["all", "here", "mine"]
    assert sorted(shortcuts(login(house.bob), stage)) == ["all", "bobs", "here"]
    assert {one["of"] for one in ask(login(house.alice), stage)} == {"account", "inbox", "person"}
    path = reverse("canned", args=[stage.row.public_id])
    assert login(charlie).get(path).status_code == 404
    assert Client().get(path).status_code == 302


def test_a_guest_is_offered_what_belongs_to_the_conversations_inbox(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    returns = make_inbox(house.account, "Returns")
    gus = make_user(house.account, "Gus", team=returns.team)
    keep(house, "here", "For this inbox", inbox=house.inbox)
    keep(house, "there", "For their own inbox", inbox=returns)
    path = reverse("canned", args=[stage.row.public_id])
    assert login(gus).get(path).status_code == 404

    Participant.objects.create(
        account=house.account,
        conversation=stage.row,
        user=gus,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=NOW,
    )

    assert shortcuts(login(gus), stage) == ["here"]


def test_who_only_observes_or_lost_it_is_offered_nothing(stage: Stage, login: Login) -> None:
    house = stage.house
    keep(house, "all", "For all")
    olga = make_user(house.account, "Olga", team=house.inbox.team, role=Membership.Role.OBSERVER)
    path = reverse("canned", args=[stage.row.public_id])
    assert login(olga).get(path).status_code == 403

    stage.do(claim_conversation, house.alice)

    asked = login(house.bob).get(path, headers={"Accept": "application/json"})
    assert asked.status_code == 409


# --- Which come first -----------------------------------------------------------------------------


def test_a_beginning_comes_before_a_part_and_that_before_the_words(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    keep(house, "greeting", "About the hours")
    keep(house, "our-hours", "9 to 5")
    keep(house, "Hours-weekend", "Closed")
    keep(house, "hours", "9 to 5")
    CannedReply.objects.filter(shortcut="Hours-weekend").update(uses=3, last_used_at=NOW)
    alice = login(house.alice)

    assert shortcuts(alice, stage, "HOURS") == ["Hours-weekend", "hours", "our-hours", "greeting"]
    assert shortcuts(alice, stage, "9 to") == ["hours", "our-hours"]
    assert shortcuts(alice, stage, "hours about") == ["greeting"]
    assert shortcuts(alice, stage, "zebra") == []
    assert shortcuts(alice, stage, "100%_") == []


def test_without_words_the_most_used_are_offered_and_not_more_than_fit(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    for number in range(OFFERED + 3):
        keep(house, f"n{number}", "Text")
    CannedReply.objects.filter(shortcut="n9").update(uses=5, last_used_at=NOW)

    found = shortcuts(login(house.alice), stage)

    assert (len(found), found[0]) == (OFFERED, "n9")


# --- What it says ---------------------------------------------------------------------------------


def test_it_is_filled_in_for_this_customer_and_this_agent(stage: Stage, login: Login) -> None:
    house = stage.house
    Contact.objects.update(name="Maria López", attributes={"plan": "Gold"})
    body = (
        "Hi {{contact.first_name|there}}, {{agent.first_name}} of {{inbox.name}} here. "
        "Your plan: {{contact.attributes.plan|}}."
    )
    keep(house, "hi", body)

    assert ask(login(house.alice), stage)[0]["text"] == (
        "Hi Maria, Alice of Support here. Your plan: Gold."
    )
    Contact.objects.update(name="", profile_name="", attributes={})
    assert ask(login(house.bob), stage)[0]["text"] == ("Hi there, Bob of Support here. Your plan:.")


def test_what_a_customer_calls_themselves_is_never_read_for_variables(
    stage: Stage, login: Login
) -> None:
    keep(stage.house, "hi", "Hi {{contact.name|}}")
    Contact.objects.update(name="{{agent.name}}")

    assert ask(login(stage.house.alice), stage)[0]["text"] == "Hi {{agent.name}}"


def test_when_they_open_and_their_own_link_are_filled_in(stage: Stage, login: Login) -> None:
    keep(stage.house, "stop", "Stop here: {{opt_out_link}} {{inbox.opens_at|any time}}")

    text = str(ask(login(stage.house.alice), stage)[0]["text"])

    assert "/o/" in text
    assert not text.endswith("}}")


def test_a_list_asks_the_database_little(stage: Stage, login: Login) -> None:
    house = stage.house
    for number in range(OFFERED):
        keep(house, f"n{number}", "Hi {{contact.first_name|there}}, {{agent.name}}")
    alice = login(house.alice)
    ask(alice, stage)
    path = reverse("canned", args=[stage.row.public_id])

    with CaptureQueriesContext(connection) as captured:
        alice.get(path, {"q": "n"})

    assert len(captured) <= QUERIES, "\n".join(one["sql"] for one in captured)


# --- Counting -------------------------------------------------------------------------------------


def uses(row: CannedReply) -> int:
    row.refresh_from_db()
    return row.uses


def test_it_is_counted_when_it_is_sent_and_once_per_message(stage: Stage, login: Login) -> None:
    house = stage.house
    row, other = keep(house, "hi", "Hello!"), keep(house, "bye", "Bye!")
    theirs = keep(house, "bobs", "For Bob", of=house.bob)
    alice, path = login(house.alice), reverse("messages", args=[stage.row.public_id])
    sent = {
        "kind": "reply",
        "body": "Hello! Bye!",
        "client_id": client_id(),
        "canned": f"{row.public_id} {theirs.public_id} {row.public_id} {other.public_id} junk",
    }
    json = {"Accept": "application/json"}

    assert alice.post(path, sent, headers=json).status_code == 201
    assert alice.post(path, sent, headers=json).status_code == 201

    assert (uses(row), uses(other), uses(theirs)) == (1, 1, 0)
    assert row.last_used_at is not None
    assert Message.objects.filter(direction="out").count() == 1


def test_a_note_counts_and_what_was_not_sent_does_not(stage: Stage) -> None:
    house = stage.house
    row = keep(house, "hi", "Hello!")
    stage.do(add_note, house.alice, body="Hello!", client_id=client_id(), canned=[row.public_id])
    assert uses(row) == 1

    with pytest.raises(StaleThreadError):
        stage.reply(house.alice, "Hello!", canned=[row.public_id], last_seen_seq=0)
    stage.hear("STOP")
    with pytest.raises(SendBlockedError):
        stage.reply(house.alice, "Hello!", canned=[row.public_id])

    assert uses(row) == 1


def test_one_that_was_deleted_meanwhile_stops_no_message(stage: Stage) -> None:
    row = keep(stage.house, "hi", "Hello!")
    canned.delete_canned(reply=row, by=stage.house.sue, now=NOW)

    assert stage.reply(stage.house.alice, "Hello!", canned=[row.public_id]).pk


# --- Keeping them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shortcut", "words"),
    [
        ("", "Give it a shortcut"),
        ("  / ", "Give it a shortcut"),
        ("to be", "a blank cannot be in it"),
        ("a.b", "“.” cannot be in it"),
        ("x" * 41, "at most 40 characters; this has 41"),
        ("😀", "cannot be in it"),
    ],
)
def test_a_shortcut_that_will_not_do_is_told_in_words(
    house: House, shortcut: str, words: str
) -> None:
    with pytest.raises(CannedError) as refused:
        keep(house, shortcut, "Hello")

    assert words in refused.value.reason
    assert refused.value.field == "shortcut"


@pytest.mark.parametrize("shortcut", ["x" * 40, "/hours", "Öffnung_1-a", "नमस्ते", "สวัสดี"])
def test_shortcuts_of_any_script_will_do(house: House, shortcut: str) -> None:
    assert keep(house, shortcut, "Hello").shortcut == shortcut.removeprefix("/")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "Write what customers are to be told"),
        (" \n ", "Write what customers are to be told"),
        ("Hi {{contact.nmae|}}", "We know no “contact.nmae”. Did you mean “contact.name”?"),
        ("Hi {{agent.nam}}", "Did you mean “agent.name”?"),
        ("Hi {{contact.name}}", "may be empty"),
        ("Hi {{contact.name", "never closed"),
        ("x" * 1601, "It has 1601 characters; at most 1600"),
    ],
)
def test_a_text_that_will_not_do_is_told_in_words(house: House, body: str, words: str) -> None:
    with pytest.raises(CannedError) as refused:
        keep(house, "x", body)

    assert words in refused.value.reason
    assert refused.value.field == "body"


def test_characters_are_counted_as_people_count_them(house: House) -> None:
    assert len(keep(house, "x", "😀" * 1600).body) == 1600


def test_a_shortcut_is_there_once_for_the_same_people_whatever_its_case(house: House) -> None:
    keep(house, "Hours", "9 to 5")
    keep(house, "hours", "9 to 5", inbox=house.inbox)
    mine = keep(house, "hours", "9 to 5", of=house.alice)
    keep(house, "hours", "9 to 5", of=house.bob)

    for place in (Place(), Place(house.inbox), Place(person=house.alice)):
        with pytest.raises(CannedError, match="is there already"):
            canned.make_canned(
                account=house.account,
                place=place,
                shortcut="HOURS",
                body="Hi",
                by=house.sue,
                now=NOW,
            )
    mine.pk = None
    mine.public_id = "0" * 22
    with pytest.raises(IntegrityError), transaction.atomic():
        mine.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        CannedReply.objects.filter(shortcut="Hours").update(
            inbox=house.inbox.pk, person=house.alice
        )


def test_there_are_no_more_than_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canned, "MOST", 2)
    keep(house, "a", "A", of=house.alice)
    keep(house, "b", "B", of=house.alice)
    other = keep(house, "c", "C")

    with pytest.raises(CannedError, match="the most there can be"):
        keep(house, "c", "C", of=house.alice)
    with pytest.raises(CannedError, match="the most there can be"):
        change(other, Place(person=house.alice), "C")


def change(row: CannedReply, place: Place, body: str, **more: Any) -> CannedReply:
    asked = {"shortcut": row.shortcut, "version": row.version, "by": row.made_by, "now": NOW}
    return canned.change_canned(reply=row, place=place, body=body, **{**asked, **more})


def test_two_who_change_one_at_once_are_told(house: House) -> None:
    row = keep(house, "hi", "Hello")
    change(row, Place(), "Hello!")

    with pytest.raises(CannedChangedError) as refused:
        change(row, Place(), "Hi")

    assert refused.value.version == 2
    row.refresh_from_db()
    assert row.body == "Hello!"
    canned.delete_canned(reply=row, by=house.sue, now=NOW)
    with pytest.raises(CannedError, match="deleted this"):
        change(row, Place(), "Hi")


def test_the_audit_log_tells_of_shared_ones_and_of_nobodys_own(house: House) -> None:
    own = keep(house, "own", "Mine", of=house.alice)
    canned.delete_canned(reply=own, by=house.alice, now=NOW)
    assert not AuditEntry.objects.filter(action__startswith="canned").exists()

    row = keep(house, "hi", "Hello")
    change(row, Place(house.inbox), "Hi")
    canned.delete_canned(reply=row, by=house.sue, now=NOW)

    lines = AuditEntry.objects.filter(action__startswith="canned").order_by("pk")
    assert list(lines.values_list("action", "subject")) == [
        ("canned_reply_added", "/hi"),
        ("canned_reply_changed", "/hi"),
        ("canned_reply_deleted", "/hi"),
    ]
    changes = lines[1].data["changes"]
    assert changes["body"] == {"before": "Hello", "after": "Hi"}
    assert set(changes) == {"body", "inbox"}


def test_what_is_somebodys_goes_with_them(stage: Stage, login: Login) -> None:
    house = stage.house
    keep(house, "mine", "For Alice", of=house.alice)
    shared = keep(house, "all", "For all", inbox=house.inbox)
    gone = make_user(house.account, "Gone")
    keep(house, "gone", "For nobody", of=gone)
    CannedReply.objects.filter(pk=shared.pk).update(made_by=gone)

    gone.delete()

    assert sorted(CannedReply.objects.values_list("shortcut", flat=True)) == ["all", "mine"]
    assert shortcuts(login(house.bob), stage) == ["all"]


def test_an_inbox_that_is_deleted_takes_its_own_with_it(house: House) -> None:
    returns = make_inbox(house.account, "Returns")
    keep(house, "back", "Send it back", inbox=returns)
    keep(house, "all", "For all")

    returns.delete()

    assert CannedReply.objects.get().shortcut == "all"


def test_a_conversation_that_moves_is_answered_with_the_other_inboxs(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    returns = make_inbox(house.account, "Returns")
    rita = make_user(house.account, "Rita", team=returns.team)
    keep(house, "here", "For this inbox", inbox=house.inbox)
    keep(house, "there", "For another inbox", inbox=returns)

    Conversation.objects.update(inbox=returns)

    assert shortcuts(login(rita), stage) == ["there"]


@pytest.mark.django_db(transaction=True)
def test_many_who_use_the_same_at_once_are_all_counted(stage: Stage) -> None:
    house = stage.house
    rows = [keep(house, name, "Hello!") for name in ("a", "b")]
    ids = [row.public_id for row in rows]

    def use(number: int) -> None:
        order = ids if number % 2 else list(reversed(ids))
        try:
            stage.do(add_note, house.alice, body=f"n{number}", client_id=client_id(), canned=order)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(8)))

    assert [uses(row) for row in rows] == [8, 8]


def values(client: Client, stage: Stage, words: str = "") -> dict[str, str]:
    place = reverse("canned", args=[stage.row.public_id])
    found = client.get(place, {"q": words, "of": "values"}).json()["offered"]
    return {one["id"]: one["text"] for one in found}


def test_names_and_facts_are_offered_as_they_read(stage: Stage, login: Login) -> None:
    Contact.objects.update(name="Maria Silva", attributes={"Plan": "Gold", "none": ""})
    alice = login(stage.house.alice)

    every = values(alice, stage)

    assert every["contact.first_name"] == "Maria"
    assert every["agent.name"] == stage.house.alice.name
    assert every["contact.attributes.Plan"] == "Gold"
    assert "contact.attributes.none" not in every
    assert set(values(alice, stage, "gold")) == {"contact.attributes.Plan"}
    assert set(values(alice, stage, "first_n")) == {"contact.first_name", "agent.first_name"}


def test_a_masked_number_is_not_offered_as_a_fact(stage: Stage, login: Login) -> None:
    alice, sue = login(stage.house.alice), login(stage.house.sue)
    assert "contact.number" in values(alice, stage)
    stage.house.account.masks_numbers = True
    stage.house.account.save()

    assert "contact.number" not in values(alice, stage)
    assert "contact.number" in values(sue, stage)
