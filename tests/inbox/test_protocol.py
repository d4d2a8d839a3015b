"""Is every frame that is published one that the protocol promises, and for the right ears?"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest
import redis
from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import User
from inbox import rows
from inbox.alerts import Kind, Notice
from inbox.attendance import Roll
from inbox.broadcast import (
    Head,
    guests_group,
    head_in,
    inbox_group,
    supervisors_group,
    user_group,
)
from inbox.cards import Editor, as_it_is, edit_contact, seen_mark
from inbox.closing import close_conversation
from inbox.conversations import (
    add_note,
    claim_conversation,
    release_conversation,
    snooze_conversation,
    take_over,
    transfer_to_inbox,
    transfer_to_user,
)
from inbox.events import EVENT_TYPES
from inbox.forgetting.removing import remove_message
from inbox.models import TeamInbox
from inbox.models.ids import client_id
from inbox.seats import Seats
from inbox.tallies import Tallies, count
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import MARIA, Stage
from tests.sitters import Database, Listener, in_a_loop
from tests.twilio import status_in, text_in

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/protocol/frames.schema.json").read_text())
Heard = list[tuple[str, dict[str, Any]]]


class Ear:
    """Hears everything that is published on the channel layer: it sits in every inbox, as all."""

    def __init__(self) -> None:
        self.client = redis.Redis.from_url(settings.REDIS_URL)
        self.pubsub = self.client.pubsub(ignore_subscribe_messages=True)
        self.start = f"{settings.CHANNEL_PREFIX}__group__"
        self.groups: set[str] = set()

    def listen(self) -> None:
        """Listen to whatever there is now."""
        of_inboxes = (inbox_group, supervisors_group, guests_group)
        uuids = TeamInbox.objects.values_list("public_id", flat=True)
        groups = {group(uuid) for uuid in uuids for group in of_inboxes}
        groups |= {user_group(pk) for pk in User.objects.values_list("pk", flat=True)}
        if new := groups - self.groups:
            self.pubsub.subscribe(*(self.start + group for group in new))
            for _ in new:  # until the server says that it does
                self.pubsub.get_message(timeout=1)
        self.groups |= new

    def heard(self) -> Heard:
        """Return (group, frame) of everything since the last time."""
        frames: Heard = []
        while (message := self.pubsub.get_message(timeout=0.05)) is not None:
            frames.append(self.read(message))
        return frames

    def read(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the group and the frame of something that was published."""
        body = msgpack.unpackb(message["data"])
        assert body["type"] == "live.frame"
        group = message["channel"].decode().removeprefix(self.start)
        return group, json.loads(body["text"])


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.pubsub.close()
    ear.client.close()


@pytest.fixture
def published(
    ear: Ear, django_capture_on_commit_callbacks: Any
) -> Callable[[Callable[[], Any]], Heard]:
    """Return a function that does something and returns what was published after its commit."""

    def do(act: Callable[[], Any]) -> Heard:
        ear.listen()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return ear.heard()

    return do


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


def _durable(frames: Heard) -> Heard:
    return [(group, frame) for group, frame in frames if "seq" in frame]


def test_every_event_of_a_long_day_is_one_the_protocol_promises(
    stage: Stage, client: Client, published: Any
) -> None:
    house, day = stage.house, []
    sales = make_inbox(house.account, "Sales")
    make_user(house.account, "Sam", team=sales.team)
    for act in (
        lambda: stage.hear("hello"),
        lambda: stage.do(claim_conversation, house.alice),
        lambda: stage.do(add_note, house.alice, body="hm", client_id=client_id()),
        lambda: stage.reply(house.alice),
        lambda: status_in(
            client, stage.row.messages.get(direction="out", kind="text"), "undelivered", "30003"
        ),
        lambda: stage.reply(house.alice, "again"),
        lambda: status_in(
            client,
            stage.row.messages.filter(direction="out", kind="text").latest("seq"),
            "delivered",
        ),
        lambda: remove_message(
            message=stage.message,
            by=stage.viewer(house.sue),
            user=house.sue,
            reason="A card number",
            now=stage.now,
        ),
        lambda: stage.do(snooze_conversation, house.alice, until=None),
        lambda: stage.hear("there?"),
        lambda: edit_contact(
            stage.row.contact,
            replace(as_it_is(stage.row.contact, seen=seen_mark(stage.row.contact)), name="Maria"),
            Editor(stage.viewer(house.alice), house.alice, stage.now),
        ),
        lambda: stage.hear("STOP"),
        lambda: stage.do(take_over, house.sue, reason="ill"),
        lambda: stage.do(release_conversation, house.sue),
        lambda: stage.do(transfer_to_user, house.alice, to=house.bob),
        lambda: stage.do(transfer_to_inbox, house.bob, to=sales),
        lambda: stage.do(
            close_conversation,
            sales.team.members.get(name="Sam"),
            last_seen_seq=99,
            waiting_ok=True,
        ),
        lambda: text_in(client, house.sender, "+14155550777", "a new customer"),
    ):
        day += published(act)

    validator = Draft202012Validator(SCHEMA)
    for _, frame in _durable(day):
        assert not list(validator.iter_errors(frame)), frame
    assert {frame["type"] for _, frame in day if "type" in frame} >= set(EVENT_TYPES)


def test_what_the_process_of_the_sockets_makes_is_promised_too(
    stage: Stage, published: Any
) -> None:
    house = stage.house
    sue = Listener.of(house.viewer(house.sue), house.inbox)
    [inbox] = sue.inboxes
    stage.do(claim_conversation, house.alice)
    numbers = count({inbox: [sue.viewer]})
    notice = Notice(house.sue.pk, Kind.FAILED, stage.message.public_id, stage.row, "No.")
    text = notice.as_frame()

    async def play() -> None:
        seats = Seats()
        seats.take(sue, inbox)
        Tallies(seats, Database(numbers)).heard(inbox)
        await Roll(seats, Database(set())).look()
        for seat in seats.in_inbox(inbox):
            seat.tell("notify", text)
        await asyncio.sleep(0.4)

    in_a_loop(play)
    kinds = {"counts", "counts.team", "counts.mine", "agent.status", "notify"}
    assert set(sue.kinds()) == kinds
    validator = Draft202012Validator(SCHEMA)
    for frame in sue.frames:
        assert not list(validator.iter_errors(frame)), frame
        assert list(validator.iter_errors({**frame, "data": {}})), "facts may not be missing"
        assert "seq" not in frame


def test_what_a_page_knows_of_a_frame_stands_at_its_beginning(stage: Stage, published: Any) -> None:
    frames = _durable(published(lambda: stage.do(claim_conversation, stage.house.alice)))

    for _, frame in frames:
        head = head_in(json.dumps(frame, separators=(",", ":")))
        assert head == Head(frame["inbox"], frame["seq"], frame.get("type"))
    assert head_in('{"v":1,"inbox":"x","type":"read"}') is None


def test_a_tick_tells_nothing_and_comes_last(stage: Stage, published: Any) -> None:
    frames = _durable(published(lambda: stage.hear("one")))

    uuid = str(stage.house.inbox.public_id)
    (content_group, content), *ticks = frames
    assert content_group == f"inbox.{uuid}"
    assert content["type"] == "message.created"
    assert [group for group, _ in ticks] == [f"inbox.{uuid}", f"inbox.{uuid}.guest"]
    assert all(set(tick) == {"v", "inbox", "seq"} for _, tick in ticks)


def test_a_claimed_conversation_is_heard_by_owner_and_supervisors_only(
    stage: Stage, published: Any
) -> None:
    house, uuid = stage.house, str(stage.house.inbox.public_id)

    claim = _durable(published(lambda: stage.do(claim_conversation, house.alice)))
    words = _durable(published(lambda: stage.hear("only for Alice")))

    left = [group for group, frame in claim if frame.get("type") == "conversation.left"]
    assert left == [f"user.{house.bob.pk}"]
    with_content = {group for group, frame in claim + words if "frag" in frame}
    assert with_content == {f"user.{house.alice.pk}", f"inbox.{uuid}.sup"}
    assert "only for Alice" not in str([f for group, f in words if group == f"inbox.{uuid}"])


def test_numbers_of_an_inbox_have_no_gap(stage: Stage, published: Any) -> None:
    def hear_five() -> None:
        for number in range(5):
            stage.hear(str(number))

    frames = published(hear_five)

    ticks = sorted({frame["seq"] for _, frame in _durable(frames)})
    assert ticks == list(range(ticks[0], ticks[-1] + 1))


def test_what_others_may_not_know_is_not_in_a_live_fragment(stage: Stage, published: Any) -> None:
    frames = published(lambda: stage.do(claim_conversation, stage.house.alice))

    html = "".join("".join(frame.get("frag", {}).values()) for _, frame in frames)
    assert html
    assert "csrf" not in html.lower()
    assert stage.house.alice.email not in html


def test_where_nobody_listens_nothing_is_drawn(
    stage: Stage, published: Any, django_capture_on_commit_callbacks: Any
) -> None:
    drawn = rows._parts.cache_info().misses
    with django_capture_on_commit_callbacks(execute=True):
        stage.hear("Is anybody there?")
    assert rows._parts.cache_info().misses == drawn

    heard = published(lambda: stage.hear("Hello?"))
    assert rows._parts.cache_info().misses == drawn + 1
    assert _durable(heard)


def test_a_published_message_is_for_maria_s_number_only_inside_fragments(
    stage: Stage, published: Any
) -> None:
    frames = published(lambda: stage.hear("hi"))

    facts = str([{k: v for k, v in frame.items() if k != "frag"} for _, frame in frames])
    assert MARIA not in facts
    assert "hi" not in [frame.get("data", {}).get("body") for _, frame in frames]
