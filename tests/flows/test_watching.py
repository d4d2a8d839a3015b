"""Can somebody be asked to watch a conversation, and stop?"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from inbox.access import audience_of, get_conversation
from inbox.alerts import Happening, Kind, notices_of
from inbox.conversations import claim_conversation
from inbox.models import ConversationEvent, Participant
from inbox.refusals import MissingInputError
from inbox.watching import add_watcher, may_watch, stop_watching
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage

Login = Callable[[User], Client]


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


def lines(stage: Stage) -> list[Any]:
    told = ConversationEvent.objects.filter(conversation=stage.pk, verb="watching").order_by("pk")
    return [one.data["did"] for one in told]


def test_a_watcher_reads_on_and_is_told_once(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    assert house.bob in may_watch(stage.row, now=stage.now)

    for _time in range(2):
        stage.do(add_watcher, house.alice, whom=house.bob.pk)

    found = get_conversation(stage.viewer(house.bob), stage.row.public_id)
    assert found.pk == stage.pk
    part = Participant.objects.get(conversation=stage.pk, user=house.bob, ended_at=None)
    assert (part.role, part.mentioned_seq) == ("watcher", stage.row.thread.last_seq)
    assert house.bob not in may_watch(stage.row, now=stage.now)
    assert lines(stage) == ["added"]
    event = ConversationEvent.objects.get(conversation=stage.pk, verb="watching")
    happening = Happening(
        Kind.ASSIGNED, event.public_id, stage.row.public_id, str(house.inbox.public_id)
    )
    told = notices_of([happening], {house.alice.pk, house.bob.pk}, now=stage.now)
    assert [one.user_id for one in told] == [house.bob.pk]
    assert told[0].body == "Alice asked you to watch this conversation."


def test_who_stops_watching_is_out_of_it(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.do(add_watcher, house.alice, whom=house.bob.pk)

    for _time in range(2):
        stage.do(stop_watching, house.bob)

    assert house.bob.pk not in audience_of(stage.row).user_ids
    assert lines(stage) == ["added", "stopped"]


def test_only_who_may_use_the_inbox_is_asked(stage: Stage, charlie: User) -> None:
    house = stage.house
    dora = make_user(house.account, "Dora")
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    for person in (charlie, dora, nora):
        with pytest.raises(MissingInputError):
            stage.do(add_watcher, house.alice, whom=person.pk)

    assert lines(stage) == []


def test_the_menu_offers_it(stage: Stage, login: Login) -> None:
    house, cid = stage.house, stage.row.public_id
    alice = login(house.alice)
    assert "Add a watcher" in alice.get(f"/c/{cid}/desk/").content.decode()
    assert "Bob" in alice.get(f"/c/{cid}/watchers/").content.decode()

    alice.post(f"/c/{cid}/watchers/", {"whom": str(house.bob.pk)})

    assert "Stop watching" in login(house.bob).get(f"/c/{cid}/desk/").content.decode()
    assert "Stop watching" not in alice.get(f"/c/{cid}/desk/").content.decode()
