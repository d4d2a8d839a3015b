"""Does every browser hear at once what it may hear, and nothing else?

Real sockets to the running process; what happens, happens over HTTP.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import transaction
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from accounts.models import License, Membership, User
from inbox.broadcast import inbox_group, user_group
from inbox.consumers import MOST_SOCKETS_OF_ONE
from inbox.events import head_of
from inbox.models import Conversation, Message, Participant
from inbox.models.ids import client_id
from inbox.watch import (
    CLOSE_NO_ACCESS,
    CLOSE_PROTOCOL,
    CLOSE_SESSION_ENDED,
    CLOSE_TOO_MANY,
    CLOSE_TRY_AGAIN,
)
from tests.conftest import House
from tests.doors import Browser, Frame, Socket, all_at_once, apart, signed
from tests.factories import make_inbox, make_user
from tests.faults import customers_write
from tests.live import Live, until
from tests.twilio import inbound_form

SECRET = "My card number is 4111"
RECHECK_S = 6.5  # the watch looks every five seconds
TICK_KEYS = {"v", "inbox", "seq"}


class Room:
    """Several people with their browsers open, and one customer."""

    def __init__(self, house: House, live: Live) -> None:
        self.house, self.live = house, live
        [self.conversation] = customers_write(live, house.sender, 1)
        self._open = ExitStack()

    def browser(self, user: User) -> Browser:
        """Give somebody a browser."""
        return Browser(self.live, user)

    def seat(self, browser: Browser, **options: Any) -> Socket:
        """Open somebody's socket and wait until it hears."""
        return self._open.enter_context(browser.socket(**options)).sit_down()

    def leave(self) -> None:
        """Close all sockets."""
        self._open.close()

    def customer_writes(self, body: str = SECRET) -> None:
        """Let the customer write again."""
        number = self.conversation.thread.customer_address
        form = inbound_form(self.house.sender, number, body)
        [answer] = all_at_once([signed(self.live, self.house.sender, form)])
        assert answer.status == 200

    @property
    def head(self) -> int:
        """Return the inbox's last number."""
        return head_of(self.house.inbox.pk)


@pytest.fixture
def room(house: House, edge: Live) -> Iterator[Room]:
    room = Room(house, edge)
    yield room
    room.leave()


def _content_of(socket: Socket, seq: int) -> list[Frame]:
    return [frame for frame in socket.of(seq) if "type" in frame]


# --- Who hears what -------------------------------------------------------------------------------


def test_a_claim_seen_from_three_chairs(room: Room) -> None:
    house = room.house
    browsers = [room.browser(user) for user in (house.alice, house.bob, house.sue)]
    alice, bob, sue = (room.seat(browser) for browser in browsers)
    start = room.head

    said = browsers[0].act("claim", room.conversation)
    claimed = room.head
    for chair in (alice, bob, sue):
        chair.hear_tick(claimed)

    assert said.status_code == 200
    assert claimed == start + 2  # a line in the timeline, and the change itself
    for chair in (alice, bob, sue):
        assert [tick["seq"] for tick in chair.ticks()] == [start + 1, claimed]
    for chair in (alice, sue):
        [frame] = _content_of(chair, claimed)
        assert frame["type"] == "conversation.updated"
        assert frame["data"]["owner"] == house.alice.pk
        assert set(frame["frag"]) == {"row", "header"}
        assert chair.of(claimed)[-1] == chair.ticks()[-1], "content first, tick last"
    [left] = bob.content()
    assert left == {
        "v": 1,
        "inbox": str(house.inbox.public_id),
        "seq": claimed,
        "type": "conversation.left",
        "conversation": room.conversation.public_id,
        "data": {"id": room.conversation.public_id},
    }
    _answer_after_claim(room, browsers[0], alice, bob, sue)
    _release_after_claim(room, browsers[0], alice, bob, sue)
    for chair in (alice, bob, sue):
        check_ticks(chair)


def _answer_after_claim(room: Room, by: Browser, alice: Socket, bob: Socket, sue: Socket) -> None:
    start = room.head
    said = by.write(room.conversation, "Your parcel is on its way", client_id=client_id())
    room.customer_writes()
    end = room.head
    for chair in (alice, bob, sue):
        chair.hear_tick(end)

    assert said.status_code == 201
    for chair in (alice, sue):
        assert [one["type"] for one in chair.content() if one["seq"] > start] == [
            "message.created",
            "message.created",
        ]
        assert SECRET in chair.text()
    assert [one for one in bob.content() if one["seq"] > start] == []
    assert [tick["seq"] for tick in bob.ticks() if tick["seq"] > start] == [start + 1, end]


def _release_after_claim(room: Room, by: Browser, alice: Socket, bob: Socket, sue: Socket) -> None:
    said = by.act("release", room.conversation)
    released = room.head
    for chair in (alice, bob, sue):
        chair.hear_tick(released)

    assert said.status_code == 200
    for chair in (alice, bob, sue):
        [frame] = _content_of(chair, released)
        assert frame["type"] == "conversation.updated"
        assert frame["data"]["owner"] is None
        assert set(frame["frag"]) == {"row", "header"}
        assert chair.of(released)[0] == frame, "content first"


def check_ticks(chair: Socket) -> None:
    """Check that what is told to everybody says nothing more than that something happened."""
    for tick in chair.ticks():
        assert set(tick) == TICK_KEYS
        assert tick["v"] == 1


def test_a_busy_claimed_conversation_is_only_ticks_to_the_others(room: Room) -> None:
    house = room.house
    alice, bob = (room.browser(user) for user in (house.alice, house.bob))
    assert alice.act("claim", room.conversation).status_code == 200
    chairs = {user.pk: room.seat(one) for user, one in ((house.alice, alice), (house.bob, bob))}
    start = room.head

    for i in range(20):
        room.customer_writes(f"{SECRET} {i}")
    for chair in chairs.values():
        chair.hear_tick(start + 20)

    assert chairs[house.bob.pk].content() == []
    assert [tick["seq"] for tick in chairs[house.bob.pk].ticks()] == list(
        range(start + 1, start + 21)
    )
    assert len(chairs[house.alice.pk].content()) == 20


def test_another_account_hears_nothing_at_all(room: Room, charlie: User) -> None:
    outsider = room.seat(room.browser(charlie))
    dora = make_user(room.house.account, "Dora", team=make_inbox(room.house.account, "Sales").team)
    neighbour = room.seat(room.browser(dora))
    alice = room.browser(room.house.alice)

    room.customer_writes()
    alice.act("claim", room.conversation)
    alice.write(room.conversation, "Hello", client_id=client_id())
    for chair in (outsider, neighbour):
        chair.hear_out(0.5)

    assert outsider.frames == []
    assert neighbour.frames == []


def test_a_guest_hears_their_conversation_and_the_ticks_of_its_inbox(room: Room) -> None:
    guest = make_user(room.house.account, "Gus")
    Participant.objects.create(
        account=room.house.account,
        conversation=room.conversation,
        user=guest,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=timezone.now(),
    )
    chair = room.seat(room.browser(guest))
    start = room.head

    room.customer_writes()
    chair.hear_tick(start + 1)
    customers_write(room.live, room.house.sender, 2, first=2000)
    chair.hear_ticks(start + 1, room.head)

    assert [one["type"] for one in chair.content()] == ["message.created"]


def test_a_burst_reaches_everybody_whole(room: Room) -> None:
    house = room.house
    chairs = [room.seat(room.browser(user)) for user in (house.alice, house.bob, house.sue)]
    start = room.head
    forms = [inbound_form(house.sender, f"+1415555{2000 + i}", f"Text {i}") for i in range(100)]

    answers = [
        answer
        for i in range(0, 100, 4)
        for answer in all_at_once(
            [signed(room.live, house.sender, one) for one in forms[i : i + 4]]
        )
    ]

    assert {answer.status for answer in answers} == {200}
    end = room.head
    assert end == start + 300  # each began a conversation
    for chair in chairs:
        chair.hear_ticks(start + 1, end)
        chair.hear_out()
        assert sorted(tick["seq"] for tick in chair.ticks()) == list(range(start + 1, end + 1))
        assert sorted(one["seq"] for one in chair.content()) == list(range(start + 1, end + 1))


# --- In which words -------------------------------------------------------------------------------


def test_each_chair_hears_the_same_in_its_own_language(room: Room) -> None:
    house = room.house
    User.objects.filter(pk=house.sue.pk).update(language="es")
    alice, sue = (room.seat(room.browser(user)) for user in (house.alice, house.sue))

    room.browser(house.alice).act("claim", room.conversation)
    head = room.head
    alice.hear_tick(head)
    sue.hear_tick(head)

    assert [tick["seq"] for tick in alice.ticks()] == [tick["seq"] for tick in sue.ticks()]
    english, spanish = (str(chair.content()) for chair in (alice, sue))
    assert len(alice.content()) == len(sue.content()) > 0
    assert "claimed this" in english
    assert "tomó esta" not in english
    assert "tomó esta" in spanish
    assert "claimed this" not in spanish


# --- Typing and looking ---------------------------------------------------------------------------


def test_what_one_reads_is_told_to_ones_own_tabs_only(room: Room) -> None:
    house = room.house
    reading, other = (room.seat(room.browser(house.alice)) for _ in range(2))
    others = [room.seat(room.browser(user)) for user in (house.bob, house.sue)]

    room.browser(house.alice).act("read", room.conversation, seq=1)

    for tab in (reading, other):
        told = tab.hear_type("read")
        assert told["data"] == {"conversation": room.conversation.public_id, "last_read_seq": 1}
    for chair in others:
        chair.hear_out()
        assert chair.frames == []


def test_who_looks_and_types_is_told_to_the_audience_only(room: Room) -> None:
    house = room.house
    alice, bob, sue = (room.browser(user) for user in (house.alice, house.bob, house.sue))
    assert alice.act("claim", room.conversation).status_code == 200
    alices, bobs, sues = (room.seat(browser) for browser in (alice, bob, sue))
    public_id = room.conversation.public_id

    alices.say(type="viewing", conversation=public_id, state="active")
    presence = sues.hear_type("presence")
    alices.say(type="typing", conversation=public_id, mode="reply", on=True)
    typing = sues.hear_type("typing")
    bobs.hear_out()

    assert presence["data"]["viewers"] == [
        {"id": house.alice.pk, "name": "Alice", "state": "viewing"}
    ]
    assert typing["data"] == {
        "conversation": public_id,
        "agent": house.alice.pk,
        "name": "Alice",
        "mode": "reply",
        "ttl": 6,
    }
    assert "seq" not in typing
    assert bobs.frames == []


def test_typing_in_what_one_may_not_see_is_ignored(room: Room, charlie: User) -> None:
    house = room.house
    alice = room.browser(house.alice)
    assert alice.act("claim", room.conversation).status_code == 200
    alices = room.seat(alice)
    strangers = [room.seat(room.browser(user)) for user in (house.bob, charlie)]

    for stranger in strangers:
        stranger.say(type="viewing", conversation=room.conversation.public_id, state="active")
        stranger.say(type="typing", conversation=room.conversation.public_id, on=True)
        stranger.say(type="ping", t=1)
        stranger.hear_type("pong")
    alices.hear_out(0.5)

    assert alices.frames == []
    assert [one.kinds() for one in strangers] == [["pong"], ["pong"]]


def test_who_lost_the_conversation_stops_being_seen_in_it(room: Room) -> None:
    house = room.house
    alice, bob = room.browser(house.alice), room.browser(house.bob)
    alices, bobs = room.seat(alice), room.seat(bob)
    public_id = room.conversation.public_id
    bobs.say(type="viewing", conversation=public_id, state="active")
    alices.hear_type("presence")

    alice.act("claim", room.conversation)
    bobs.hear_type("conversation.left")
    alices.hear_tick(room.head)
    alices.frames.clear()
    bobs.say(type="typing", conversation=public_id, on=True)
    bobs.say(type="ping", t=1)
    bobs.hear_type("pong")
    alices.hear_out()

    assert "typing" not in alices.kinds()


def test_who_loads_a_list_hears_who_is_where_they_may_look_and_nothing_else(
    room: Room, charlie: User
) -> None:
    house = room.house
    alice = room.browser(house.alice)
    public_id = room.conversation.public_id
    alices = room.seat(alice)
    alices.say(type="viewing", conversation=public_id, state="active")
    alices.hear_type("presence")

    bobs = room.seat(room.browser(house.bob))
    bobs.say(type="viewers", conversations=[public_id, "nothing"])
    there = bobs.hear_type("presence")
    alice.act("claim", room.conversation)
    bobs.hear_type("conversation.left")
    bobs.frames.clear()
    sues, strangers = room.seat(room.browser(house.sue)), room.seat(room.browser(charlie))
    for one in (bobs, sues, strangers):
        one.say(type="viewers", conversations=[public_id])
        one.say(type="ping", t=1)
        one.hear_type("pong")

    who = [{"id": house.alice.pk, "name": "Alice", "state": "viewing"}]
    assert there["data"] == {"conversation": public_id, "viewers": who}
    assert there["inbox"] == str(house.inbox.public_id)
    [heard] = [frame for frame in sues.frames if frame.get("type") == "presence"]
    assert heard["data"]["viewers"] == who
    assert "presence" not in bobs.kinds() + strangers.kinds()


@pytest.mark.parametrize("wanted", [None, "abc", {"a": 1}, [1, None, "../x", "\ud800", "a\0"], []])
def test_asking_for_what_can_be_no_list_does_no_harm(room: Room, wanted: object) -> None:
    chair = room.seat(room.browser(room.house.alice))

    chair.say(type="viewers", conversations=wanted)
    chair.say(type="ping", t=7)

    assert chair.hear_type("pong")["t"] == 7


def test_leaving_is_told_and_the_room_is_empty(room: Room) -> None:
    house = room.house
    alices, bobs = (room.seat(room.browser(user)) for user in (house.alice, house.bob))
    public_id = room.conversation.public_id
    bobs.say(type="viewing", conversation=public_id, state="active")
    alices.hear_type("presence")

    bobs.close()
    gone = alices.hear_type("presence")

    assert gone["data"] == {"conversation": public_id, "viewers": []}


# --- Subscribe, and nonsense ----------------------------------------------------------------------


def test_subscribe_answers_the_head_of_ones_own_inboxes_only(room: Room, charlie: User) -> None:
    theirs = charlie.memberships.get().team.inbox
    chair = room.seat(room.browser(room.house.alice))

    chair.say(type="subscribe", inbox=str(room.house.inbox.public_id), after=0)
    own = chair.hear_type("subscribed")
    chair.say(type="subscribe", inbox=str(theirs.public_id), after=0)
    other = chair.hear_type("error")

    assert own["head"] == room.head
    assert (other["code"], other["ref"]) == ("no_access", str(theirs.public_id))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "null",
        '{"type": "claim"}',
        '{"type": ["ping"]}',
        '{"type": {"a": 1}}',
        json.dumps({"type": "ping", "t": "x" * 70_000}),
        "[" * 20_000,
    ],
    ids=["empty", "no-json", "list", "null", "unknown", "type-list", "type-object", "huge", "deep"],
)
def test_nonsense_is_answered_and_does_no_harm(room: Room, text: str) -> None:
    chair = room.seat(room.browser(room.house.alice))

    chair.say_raw(text)
    answer = chair.hear_type("error")
    chair.say(type="ping", t=7)

    assert answer["code"] == "not_understood"
    assert chair.hear_type("pong")["t"] == 7


@pytest.mark.parametrize("conversation", ["a\0", "\ud800", "../x", ""])
def test_looking_at_what_can_be_no_conversation_does_no_harm(room: Room, conversation: str) -> None:
    chair = room.seat(room.browser(room.house.alice))

    chair.say(type="viewing", conversation=conversation)
    chair.say(type="ping", t=7)

    assert chair.hear_type("pong")["t"] == 7


# --- Who is let in, and for how long --------------------------------------------------------------


def test_the_greeting_says_who_one_is_and_how_to_keep_in_touch(room: Room) -> None:
    with room.browser(room.house.alice).socket() as socket:
        hello = socket.hear_type("hello")

    assert hello["user"] == room.house.alice.pk
    assert hello["heartbeat"] == 25
    assert {"server_time", "build", "v"} <= set(hello)


@pytest.mark.parametrize("protocol", ["", "teaminbox.v0"])
def test_a_browser_of_another_version_is_sent_to_reload(room: Room, protocol: str) -> None:
    with room.browser(room.house.alice).socket(protocol=protocol) as socket:
        assert socket.closing() == CLOSE_PROTOCOL


def test_who_is_not_logged_in_is_sent_to_log_in(room: Room) -> None:
    with Socket(room.live) as socket:
        assert socket.closing() == CLOSE_SESSION_ENDED
    assert socket.content() == []


def test_who_has_no_licence_is_not_let_in(room: Room) -> None:
    nora = make_user(room.house.account, "Nora", team=room.house.inbox.team, is_licensed=False)
    with room.browser(nora).socket() as socket:
        assert socket.closing() == CLOSE_NO_ACCESS
    assert socket.content() == []


def test_another_page_s_script_cannot_open_the_socket(room: Room) -> None:
    browser = room.browser(room.house.alice)

    with pytest.raises(InvalidStatus) as refused:
        browser.socket(origin="https://evil.example")

    assert refused.value.response.status_code == 403


@pytest.mark.slow
def test_an_ended_licence_an_ended_session_and_a_lost_team_are_noticed(room: Room) -> None:
    house = room.house
    browsers = {user.name: room.browser(user) for user in (house.alice, house.bob, house.sue)}
    chairs = {name: room.seat(browser) for name, browser in browsers.items()}

    with transaction.atomic():
        License.objects.filter(holder=house.alice).update(ends_at=timezone.now())
        browsers["Bob"].session.delete()
        Membership.objects.filter(user=house.sue).delete()
    began = time.monotonic()
    revoked = chairs["Alice"].hear_type("access.revoked", within=RECHECK_S)
    codes = {name: chairs[name].closing(within=RECHECK_S) for name in ("Alice", "Bob")}
    changed = chairs["Sue"].hear_type("access.changed", within=RECHECK_S)
    assert time.monotonic() - began < RECHECK_S
    room.customer_writes()
    chairs["Sue"].hear_out()

    assert codes == {"Alice": CLOSE_NO_ACCESS, "Bob": CLOSE_SESSION_ENDED}
    assert revoked["data"] == {}
    assert changed["data"] == {"inboxes": []}
    assert SECRET not in "".join(chair.text() for chair in chairs.values())
    assert chairs["Sue"].ticks() == []


# --- Without Redis --------------------------------------------------------------------------------


@pytest.fixture
def without_redis(live: Live) -> Iterator[Callable[[], None]]:
    """Return a function that kills the processes' Valkey; it is back afterwards."""
    yield live.valkey.kill
    live.revive()
    live.wait_until_ready()


@pytest.mark.slow
def test_nothing_is_lost_while_redis_is_gone(
    house: House, live: Live, without_redis: Callable[[], None]
) -> None:
    live.carrier.know(live.base_url, house.sender)
    room = Room(house, live)
    browser = room.browser(house.alice)
    with browser.socket() as before:
        before.sit_down()
        start = room.head

        without_redis()
        took = _timed(room.customer_writes)
        said = browser.write(room.conversation, "I am here", client_id=client_id())
        with browser.socket() as during:
            refused = during.closing()

        assert said.status_code == 201
        assert took < 5
        assert refused == CLOSE_TRY_AGAIN
        assert Message.objects.filter(conversation=room.conversation).count() == 3
    live.valkey.start()
    missed = _events(browser, house, start)
    assert [event["type"] for event in missed].count("message.created") == 2
    _wait_until_delivered(live, "I am here")
    assert live.carrier.accepted()[0].body == "I am here"
    with browser.socket() as after:
        after.sit_down()
        room.customer_writes("Are you still there?")
        assert "Are you still there?" in json.dumps(after.hear_type("message.created"))


@pytest.mark.slow
def test_whoever_kept_the_line_through_a_short_break_is_told_to_catch_up(
    house: House, live: Live, without_redis: Callable[[], None]
) -> None:
    room = Room(house, live)
    with room.browser(house.alice).socket() as alice:
        alice.sit_down()

        without_redis()
        live.valkey.start()
        alice.hear_type("hello")

        room.customer_writes("Still here?")
        assert "Still here?" in json.dumps(alice.hear_type("message.created"))


@pytest.mark.slow
def test_whoever_waits_long_for_redis_is_sent_to_http(
    house: House, live: Live, without_redis: Callable[[], None]
) -> None:
    room = Room(house, live)
    with room.browser(house.alice).socket() as alice:
        alice.sit_down()

        without_redis()

        assert alice.closing(within=15) == CLOSE_TRY_AGAIN


def _publish(room: Room, group: str, frames: Iterable[Frame]) -> None:
    layer = RedisPubSubChannelLayer(
        hosts=[room.live.valkey_url], prefix=room.live.environment["CHANNEL_PREFIX"]
    )

    async def say() -> None:
        for frame in frames:
            await layer.group_send(group, {"type": "live.frame", "text": json.dumps(frame)})
        await layer.flush()

    apart(say())


def test_any_publisher_of_the_channel_layer_is_heard(room: Room) -> None:
    alice = room.seat(room.browser(room.house.alice))

    _publish(room, user_group(room.house.alice.pk), [{"v": 1, "type": "said"}])

    assert alice.hear_type("said") == {"v": 1, "type": "said"}


def test_who_does_not_read_is_sent_away_and_keeps_nobody_waiting(room: Room) -> None:
    house = room.house
    slow = room.seat(room.browser(house.alice), is_slow=True)
    bob = room.seat(room.browser(house.bob))
    group = inbox_group(house.inbox.public_id)
    weight = secrets.token_urlsafe(24_000)

    for start in range(0, 1500, 100):
        many = [{"v": 1, "type": "said", "n": start + n, "x": weight} for n in range(100)]
        _publish(room, group, many)
        for _ in many:
            bob.hear_type("said", within=20)
    room.customer_writes()
    bob.hear_tick(room.head)

    assert [one["n"] for one in bob.content() if one["type"] == "said"] == list(range(1500))
    assert slow.closing(within=20) == CLOSE_TRY_AGAIN
    room.seat(room.browser(house.alice))


def test_a_browser_that_goes_without_a_word_keeps_nobody_from_being_judged(room: Room) -> None:
    alice = room.browser(room.house.alice)
    chair = room.seat(alice)
    for _ in range(10):
        with alice.socket() as rude:
            rude.abort()

    alice.session.delete()

    assert chair.closing(within=RECHECK_S) == CLOSE_SESSION_ENDED


def test_too_many_tabs_of_one_person_are_told_so(room: Room) -> None:
    alice = room.browser(room.house.alice)
    for _ in range(MOST_SOCKETS_OF_ONE):
        room.seat(alice)

    with alice.socket() as one_too_many:
        assert one_too_many.closing() == CLOSE_TOO_MANY
    room.seat(room.browser(room.house.bob))


def test_who_closes_a_conversation_after_claiming_it_says_so_to_nobody_else(room: Room) -> None:
    alice, bob = room.browser(room.house.alice), room.browser(room.house.bob)
    alices, bobs = room.seat(alice), room.seat(bob)
    cid = room.conversation.public_id
    alices.say(type="viewing", conversation=cid, state="active")
    bobs.hear_type("presence")
    alice.act("claim", room.conversation)
    bobs.hear_type("conversation.left")
    bobs.frames.clear()

    alices.say(type="viewing", conversation=None)
    alices.hear(lambda frame: frame.get("type") == "presence" and not frame["data"]["viewers"])
    bobs.hear_out()

    assert cid not in bobs.text()


def test_who_loses_a_conversation_while_looking_at_it_is_seen_there_no_more(room: Room) -> None:
    alice, bob = room.browser(room.house.alice), room.browser(room.house.bob)
    alices, bobs = room.seat(alice), room.seat(bob)
    cid = room.conversation.public_id
    bobs.say(type="viewing", conversation=cid, state="active")
    alices.hear(lambda frame: frame.get("type") == "presence" and frame["data"]["viewers"])

    alice.act("claim", room.conversation)

    alices.hear(lambda frame: frame.get("type") == "presence" and not frame["data"]["viewers"])


@pytest.mark.slow
def test_a_redis_that_hangs_makes_nobody_wait_long(house: House, live: Live) -> None:
    live.carrier.know(live.base_url, house.sender)
    room = Room(house, live)
    browser = room.browser(house.alice)
    live.valkey.freeze()
    try:
        first = _timed(room.customer_writes)
        second = _timed(
            lambda: browser.write(room.conversation, "I am here", client_id=client_id())
        )
    finally:
        live.valkey.thaw()

    assert Conversation.objects.get().messages.count() == 3
    assert first < 10, "Twilio waits fifteen seconds"
    assert second < 10
    _wait_until_delivered(live, "I am here")


def _wait_until_delivered(live: Live, body: str) -> None:
    def is_delivered() -> bool:
        live.revive()
        return Message.objects.filter(body=body, status="delivered").exists()

    until(is_delivered, within=45, what=f"{body!r} is delivered")


def _timed(act: Callable[[], Any]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _events(browser: Browser, house: House, after: int) -> list[Frame]:
    path = f"/api/v1/inboxes/{house.inbox.public_id}/events/?after={after}"
    found: list[Frame] = browser.get(path).json()["events"]
    return found
