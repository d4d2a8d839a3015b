"""Does a name after an @ in a note reach whom it means, and nobody who may not?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, User
from inbox.closing import close_conversation
from inbox.conversations import (
    add_note,
    claim_conversation,
    mark_read,
    mark_unread,
    release_conversation,
)
from inbox.lists import Asked, View, counts_of, inbox_page
from inbox.mentions import MentionRefusedError
from inbox.models import Conversation, Message, Participant
from inbox.models.ids import client_id
from inbox.refusals import ClaimedByOtherError
from inbox.sending import send_reply
from inbox.tallies import count
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage, stage
from tests.inbox.test_alerts import Told, told, who
from tests.inbox.test_protocol import Ear, ear, published

__all__ = ["Ear", "ear", "published", "stage", "told"]
Login = Callable[[User], Client]


def note(stage: Stage, by: User, body: str) -> Message:
    return add_note(
        conversation=stage.row,
        by=stage.house.viewer(by),
        user=by,
        body=body,
        client_id=client_id(),
        now=stage.now,
    )


def parts(stage: Stage) -> list[tuple[str, str, str]]:
    rows = Participant.objects.filter(conversation=stage.row, ended_at=None).order_by("user__name")
    return list(rows.values_list("user__name", "role", "source"))


def mentions(stage: Stage, user: User) -> int:
    """Return the number on the chip, which the live line says too."""
    viewer = stage.house.viewer(user)
    inbox = str(stage.house.inbox.public_id)
    number = counts_of(viewer, stage.house.inbox)["mentions"]
    live = count({inbox: [viewer]})[inbox].own[user.pk].as_data()["mentions"]
    assert number == live
    return number


def shown(stage: Stage, user: User) -> list[str]:
    asked = Asked(timezone.now(), view=View.MENTIONS)
    page = inbox_page(stage.house.viewer(user), stage.house.inbox.slug, asked)
    return [card.row.public_id for card in page.rows]


def test_who_is_out_of_it_watches_from_then_on(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    seen = Conversation.objects.visible_to(house.viewer(house.bob))
    assert not seen.exists()

    note(stage, house.alice, "What do you think, @bob?")

    assert parts(stage) == [("Alice", "owner", "claim"), ("Bob", "watcher", "mention")]
    assert seen.exists()
    assert (mentions(stage, house.bob), mentions(stage, house.alice)) == (1, 0)
    assert shown(stage, house.bob) == [stage.row.public_id]
    note(stage, house.bob, "Yes")
    with pytest.raises(ClaimedByOtherError):
        send_reply(
            conversation=stage.row,
            by=house.viewer(house.bob),
            user=house.bob,
            body="Hello",
            client_id=client_id(),
            last_seen_seq=None,
            now=stage.now,
        )


def test_a_mention_answers_nobody_and_is_sent_to_nobody(stage: Stage) -> None:
    waiting = stage.row.waiting_since

    message = note(stage, stage.house.alice, "@Bob look")

    row = Conversation.objects.get()
    assert waiting is not None
    assert (row.waiting_since, row.owner, row.last_human_reply_at) == (waiting, None, None)
    assert (message.kind, message.status) == ("note", "note")


def test_what_one_has_read_is_counted_no_more_and_still_shown(stage: Stage) -> None:
    house = stage.house
    message = note(stage, house.alice, "@Bob look")
    bob = house.viewer(house.bob)

    mark_read(conversation=stage.row, by=bob, seq=message.seq)
    read = mentions(stage, house.bob)
    again = note(stage, house.alice, "@Bob again")

    assert read == 0
    assert mentions(stage, house.bob) == 1
    mark_read(conversation=stage.row, by=bob, seq=again.seq)
    assert shown(stage, house.bob) == [stage.row.public_id]


def test_a_close_ends_it(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    note(stage, house.alice, "@Bob look")

    close_conversation(
        conversation=stage.row,
        by=house.viewer(house.alice),
        user=house.alice,
        last_seen_seq=10,
        reason="done",
        waiting_ok=True,
        now=stage.now,
    )

    assert (mentions(stage, house.bob), shown(stage, house.bob)) == (0, [])


def test_a_claim_of_another_leaves_the_watcher_there(stage: Stage) -> None:
    house = stage.house
    note(stage, house.alice, "@Bob look")

    stage.do(claim_conversation, house.alice)
    assert mentions(stage, house.bob) == 1
    stage.do(release_conversation, house.alice)

    assert mentions(stage, house.bob) == 1
    assert parts(stage) == [("Bob", "watcher", "mention")]


def test_a_team_is_everybody_of_it_who_may_use_the_inbox(stage: Stage) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    Membership.objects.create(team=sales.team, user=house.bob)
    make_user(house.account, "Dora", team=sales.team)
    stage.do(claim_conversation, house.alice)

    note(stage, house.alice, "Is this for you, @Sales?")

    assert parts(stage) == [("Alice", "owner", "claim"), ("Bob", "watcher", "mention")]


@pytest.mark.parametrize("name", ["Dora", "Nora", "Marketing"])
def test_who_may_not_is_refused_by_name(stage: Stage, name: str) -> None:
    house = stage.house
    make_user(house.account, "Dora", team=make_inbox(house.account, "Marketing").team)
    make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    with pytest.raises(MentionRefusedError, match=f"{name} cannot be mentioned"):
        note(stage, house.alice, f"Ask @{name}, and @Bob")

    assert parts(stage) == []
    assert not Message.objects.filter(kind="note").exists()


def test_a_name_of_another_account_is_a_word_like_others(stage: Stage, charlie: User) -> None:
    message = note(stage, stage.house.alice, f"ask @{charlie.name} or write to info@bob")

    assert message.details == {}
    assert parts(stage) == []


def test_the_longer_of_two_names_is_meant(stage: Stage) -> None:
    bobby = make_user(stage.house.account, "Bob Marsh", team=stage.house.inbox.team)

    message = note(stage, stage.house.alice, "@Bob Marsh: look. @Bobby too")

    assert message.details == {"mentioned": [bobby.pk], "mention_names": ["Bob Marsh"]}


def test_they_are_told_at_once_and_the_author_is_not(stage: Stage, told: Told) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    notices = told(lambda: note(stage, house.alice, "@Bob and @Alice, look"))

    assert who(notices) == [("Bob", "mention")]
    assert notices[0].body == "Alice mentioned you: @Bob and @Alice, look"


def test_a_note_for_nobody_tells_nobody(stage: Stage, told: Told) -> None:
    assert told(lambda: note(stage, stage.house.alice, "look")) == []


def test_the_list_offers_who_may_and_says_who_is_outside(stage: Stage, login: Login) -> None:
    house = stage.house
    make_user(house.account, "Bo Elsewhere", team=make_inbox(house.account, "Sales").team)
    make_user(house.account, "Bo Unlicensed", team=house.inbox.team, is_licensed=False)
    stage.do(claim_conversation, house.alice)
    url = f"/c/{stage.row.public_id}/mentions/"

    found = login(house.alice).get(url, {"q": "bo"}).json()["offered"]

    bob = {"kind": "user", "id": house.bob.pk, "name": "Bob", "number": 1, "is_outside": True}
    assert found == [bob]


def test_only_who_may_note_is_offered_anybody(stage: Stage, login: Login, charlie: User) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    url = f"/c/{stage.row.public_id}/mentions/"
    olly = make_user(house.account, "Olly", team=house.inbox.team, role=Membership.Role.OBSERVER)
    house.inbox.after_claim = "read_only"
    house.inbox.save()

    assert login(charlie).get(url).status_code == 404
    assert login(olly).get(url).status_code == 403
    with pytest.raises(ClaimedByOtherError):
        note(stage, olly, "@Alice")


def test_a_note_with_a_wrong_name_answers_with_words(stage: Stage, login: Login) -> None:
    house = stage.house
    make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)
    fields: dict[str, Any] = {"kind": "note", "body": "@Nora look"}

    answer = login(house.alice).post(
        f"/c/{stage.row.public_id}/messages/", fields, headers={"accept": "application/json"}
    )

    assert answer.status_code == 422
    assert "Nora cannot be mentioned" in answer.json()["detail"]


def test_marking_unread_counts_a_mention_again(stage: Stage) -> None:
    house = stage.house
    message = note(stage, house.alice, "@Bob look")
    bob = house.viewer(house.bob)
    mark_read(conversation=stage.row, by=bob, seq=message.seq)

    mark_unread(conversation=stage.row, by=bob)

    assert mentions(stage, house.bob) == 1
