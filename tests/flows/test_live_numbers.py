"""Does a page hear, by itself, its numbers, who is at work, and what concerns its reader?

Real sockets to the running process; what happens, happens over HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Membership, User
from inbox.models import Conversation
from tests.conftest import House
from tests.doors import Browser, Frame, Socket
from tests.factories import make_inbox, make_user
from tests.faults import customers_write
from tests.flows.test_live_socket import Room
from tests.live import Live

VIEWS = ("mine", "unassigned", "open", "snoozed", "mentions")
COUNTS = {"counts", "counts.mine", "counts.team"}


@pytest.fixture
def room(house: House, edge: Live) -> Iterator[Room]:
    room = Room(house, edge)
    yield room
    room.leave()


def page(room: Room, browser: Browser) -> Socket:
    """Open somebody's page and wait until it knows its numbers."""
    socket = room.seat(browser).show(room.house.inbox)
    socket.hear_type("counts.mine")
    return socket


def chips(socket: Socket) -> dict[str, int]:
    """Add up what a page has heard, as its script does."""
    last: dict[str, Mapping[str, Any]] = {
        frame["type"]: frame["data"] for frame in socket.frames if frame.get("type") in COUNTS
    }
    team, own = last.get("counts", {}), last["counts.mine"]
    if "counts.team" in last:
        team, own = last["counts.team"], {name: own[name] for name in ("mine", "mentions")}
    return {view: team.get(view, 0) + own.get(view, 0) for view in VIEWS}


def asked(browser: Browser, house: House) -> dict[str, int]:
    """Ask for the numbers as a page without a line does."""
    answer = browser.get(reverse("counts", kwargs={"slug": house.inbox.slug}))
    found: dict[str, int] = answer.json()
    return found


def until_right(browser: Browser, socket: Socket, house: House) -> dict[str, int]:
    """Listen until the numbers that were heard are those of a fresh page; return them."""
    wanted, deadline = asked(browser, house), time.monotonic() + 5
    while chips(socket) != wanted:
        assert time.monotonic() < deadline, f"heard {chips(socket)}, a page says {wanted}"
        socket.hear_out(0.1)
    return wanted


def of_kind(socket: Socket, kind: str) -> list[Frame]:
    return [frame for frame in socket.frames if frame.get("type") == kind]


# --- Numbers --------------------------------------------------------------------------------------


def test_numbers_follow_a_conversation_through_its_day_for_everybody(room: Room) -> None:
    house = room.house
    customers_write(room.live, house.sender, 2, first=2000)
    people = {user.name: room.browser(user) for user in (house.alice, house.bob, house.sue)}
    pages = {name: page(room, browser) for name, browser in people.items()}
    cid = Conversation.objects.get(pk=room.conversation.pk)
    day: list[tuple[str, str, dict[str, Any]]] = [
        ("Alice", "claim", {}),
        ("Alice", "release", {}),
        ("Alice", "transfer", {"to": f"user:{house.bob.pk}", "confirm": "1"}),
        ("Bob", "snooze", {"preset": "tomorrow"}),
        ("Bob", "wake", {}),
        ("Sue", "take_over", {"reason": "ill"}),
        ("Sue", "close", {"last_seen_seq": 9, "waiting_ok": "1"}),
    ]
    for name, act, data in day:
        assert people[name].act(act, cid, **data).status_code == 200, (act, data)
        for one, socket in pages.items():
            numbers = until_right(people[one], socket, house)
            assert act != "claim" or numbers["mine"] == (1 if one == "Alice" else 0)

    assert of_kind(pages["Alice"], "counts.team") == []
    assert of_kind(pages["Sue"], "counts.team")[-1]["data"]["by_agent"] == {}


def test_fifty_events_in_a_second_are_two_or_three_frames(room: Room) -> None:
    house = room.house
    browser = room.browser(house.alice)
    socket = page(room, browser)
    time.sleep(1.1)
    before = len(of_kind(socket, "counts"))

    began = time.monotonic()
    customers_write(room.live, house.sender, 50, first=3000)
    took = time.monotonic() - began
    until_right(browser, socket, house)

    told = len(of_kind(socket, "counts")) - before
    assert 1 <= told <= took + 2, f"{told} frames in {took:.1f} s"
    assert len(of_kind(socket, "counts.mine")) == 1


def test_another_account_and_another_team_hear_none_of_it(room: Room, charlie: User) -> None:
    house = room.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    theirs = charlie.memberships.get().team.inbox
    strangers = [
        room.seat(room.browser(charlie)).show(theirs),
        room.seat(room.browser(dora)).show(sales),
    ]
    for stranger in strangers:
        stranger.hear_type("counts.mine")
        stranger.hear_out(3)
        stranger.frames.clear()
        stranger.say(type="subscribe", inbox=str(house.inbox.public_id), after=0)
        stranger.hear_type("error")
    alice = room.browser(house.alice)
    pages = page(room, alice)

    alice.act("claim", room.conversation)
    room.customer_writes()
    pages.hear_type("notify")
    for stranger in strangers:
        stranger.hear_out(2.5)

    assert [stranger.kinds() for stranger in strangers] == [["error"], ["error"]]


def test_a_new_part_in_the_team_brings_other_numbers(room: Room) -> None:
    house = room.house
    alice = room.browser(house.alice)
    alice.act("claim", room.conversation)
    browser = room.browser(house.bob)
    socket = page(room, browser)
    assert chips(socket)["open"] == 0

    Membership.objects.filter(user=house.bob).update(role=Membership.Role.SUPERVISOR)
    socket.hear_type("access.changed", within=8)
    socket.frames.clear()
    socket.hear_type("counts.mine")

    assert chips(socket) == asked(browser, house)
    assert chips(socket)["open"] == 1


# --- Who is at work -------------------------------------------------------------------------------


def test_colleagues_come_go_idle_and_leave(room: Room) -> None:
    house = room.house
    alice = page(room, room.browser(house.alice))
    browser = room.browser(house.bob)

    def of_bob(state: str) -> Frame:
        wanted = {"agent": house.bob.pk, "state": state}
        return alice.hear(
            lambda one: one.get("type") == "agent.status" and one["data"] == wanted, within=15
        )

    with browser.socket() as bob:
        bob.sit_down().show(house.inbox)
        of_bob("online")
        bob.say(type="viewing", conversation=None, state="idle")
        of_bob("away")
        bob.say(type="viewing", conversation=None, state="active")
        of_bob("online")
        dialog = room.browser(house.alice).get(
            reverse("transfer", kwargs={"cid": room.conversation.public_id})
        )
        assert f'data-agent="{house.bob.pk}" data-state="online"' in dialog.text
    of_bob("offline")


def test_a_reload_is_not_told(room: Room) -> None:
    house = room.house
    alice = page(room, room.browser(house.alice))
    browser = room.browser(house.bob)
    with browser.socket() as bob:
        bob.sit_down().show(house.inbox)
        alice.hear(lambda one: one.get("data", {}).get("agent") == house.bob.pk)
    with browser.socket() as bob:
        bob.sit_down().show(house.inbox)
        alice.hear_out(5)

    told = [one["data"] for one in of_kind(alice, "agent.status")]
    assert [one["state"] for one in told if one["agent"] == house.bob.pk] == ["online"]


# --- What concerns somebody -----------------------------------------------------------------------


def test_only_those_whom_it_concerns_are_notified(room: Room, charlie: User) -> None:
    house = room.house
    alice, bob, sue = (room.browser(user) for user in (house.alice, house.bob, house.sue))
    alices, bobs, sues = (page(room, browser) for browser in (alice, bob, sue))
    theirs = charlie.memberships.get().team.inbox
    stranger = room.seat(room.browser(charlie)).show(theirs)

    room.customer_writes("Is anybody there?")
    first = [socket.hear_type("notify") for socket in (alices, bobs, sues)]
    alice.act("transfer", room.conversation, to=f"user:{house.bob.pk}", confirm="1")
    given = bobs.hear_type("notify")
    for socket in (alices, bobs, sues, stranger):
        socket.hear_out(1)

    assert {frame["data"]["kind"] for frame in first} == {"inbound"}
    assert {frame["data"]["body"] for frame in first} == {"Is anybody there?"}
    assert given["data"]["kind"] == "assigned"
    assert given["data"]["body"].startswith("Alice gave you this conversation.")
    assert [len(of_kind(one, "notify")) for one in (alices, bobs, sues, stranger)] == [1, 2, 1, 0]


def test_a_claimed_conversation_alerts_its_owner_and_not_one_word_reaches_another(
    room: Room,
) -> None:
    house = room.house
    alice = room.browser(house.alice)
    alice.act("claim", room.conversation)
    alices = page(room, alice)
    others = [page(room, room.browser(user)) for user in (house.bob, house.sue)]

    room.customer_writes("Only for you")
    notice = alices.hear_type("notify")
    for other in others:
        other.hear_out(1)

    assert notice["data"]["body"] == "Only for you"
    assert [of_kind(other, "notify") for other in others] == [[], []]
    assert "Only for you" not in json.dumps(others[0].frames)


def test_who_never_subscribed_hears_only_what_is_published(room: Room) -> None:
    socket = room.seat(room.browser(room.house.alice))

    room.customer_writes()
    socket.hear_out(1.5)

    assert set(socket.kinds()) == {"tick", "message.created"}
