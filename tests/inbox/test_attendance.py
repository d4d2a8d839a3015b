"""Does everybody see who is at work, with several processes and a Redis that forgets?"""

from typing import Any

import pytest
import redis
from django.conf import settings

from accounts.access import Viewer
from inbox import attendance
from inbox.attendance import LEASE_SECONDS, LOOKS_UNTIL_BELIEVED, Roll, State, online_now, states_in
from inbox.seats import Seats
from tests.conftest import House
from tests.sitters import Database, Listener, in_a_loop


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        """Return what it shows."""
        return self.now


class Process:
    """One of several processes that hold sockets."""

    def __init__(self) -> None:
        self.seats, self.away = Seats(), Database(set())
        self.roll = Roll(self.seats, self.away)

    def seat(self, viewer: Viewer, house: House, *, is_active: bool = True) -> Listener:
        """Let somebody sit down here."""
        listener = Listener.of(viewer, house.inbox)
        listener.is_active = is_active
        self.seats.take(listener, str(house.inbox.public_id))
        return listener


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(attendance, "time", clock)
    return clock


def told(listener: Listener, viewer: Viewer) -> list[str]:
    """Return what was told of one person."""
    data = [frame["data"] for frame in listener.frames if frame["type"] == "agent.status"]
    return [str(one["state"]) for one in data if one["agent"] == viewer.user_id]


@pytest.fixture
def people(house: House) -> tuple[Viewer, Viewer]:
    redis.Redis.from_url(settings.REDIS_URL).delete(
        f"{settings.CHANNEL_PREFIX}:agents:{house.inbox.public_id}"
    )
    return house.viewer(house.alice), house.viewer(house.bob)


async def _look(clock: Clock, *processes: Process, times: int = 1, seconds: float = 2) -> None:
    for _ in range(times):
        clock.now += seconds
        for process in processes:
            await process.roll.look()
            for sitter in process.seats.sitters:
                for seat in process.seats.of_user(sitter.viewer.user_id):
                    if seat._writer:
                        await seat._writer


def test_coming_is_told_across_processes_and_going_when_it_lasts(
    house: House, clock: Clock, people: tuple[Viewer, Viewer]
) -> None:
    alice, bob = people

    async def play() -> None:
        here, there = Process(), Process()
        ears = here.seat(alice, house)
        await _look(clock, here, there)
        bobs = there.seat(bob, house)
        await _look(clock, there, here)
        assert told(ears, bob) == ["online"]
        there.seats.leave(bobs)
        await _look(clock, here, times=2)
        assert told(ears, bob) == ["online"]
        await _look(clock, here, times=LOOKS_UNTIL_BELIEVED + int(LEASE_SECONDS))
        assert told(ears, bob) == ["online", "offline"]

    in_a_loop(play)


def test_a_reload_is_not_news_not_even_in_another_process(
    house: House, clock: Clock, people: tuple[Viewer, Viewer]
) -> None:
    alice, bob = people

    async def play() -> None:
        here, there = Process(), Process()
        ears, bobs = here.seat(alice, house), here.seat(bob, house)
        await _look(clock, here)
        before = told(ears, bob)
        here.seats.leave(bobs)
        await _look(clock, here)
        others = there.seat(bob, house)
        await _look(clock, here, there, times=4)
        assert told(ears, bob) == before == ["online"]
        assert told(others, alice) == []
        assert told(others, bob) == []

    in_a_loop(play)


def test_idle_tabs_and_a_wish_make_somebody_away_and_one_active_tab_brings_them_back(
    house: House, clock: Clock, people: tuple[Viewer, Viewer]
) -> None:
    alice, bob = people

    async def play() -> None:
        here = Process()
        ears, bobs = here.seat(alice, house), here.seat(bob, house)
        await _look(clock, here)
        bobs.is_active = False
        await _look(clock, here)
        assert told(ears, bob) == ["online"]
        await _look(clock, here)
        assert told(ears, bob) == ["online", "away"]
        here.seat(bob, house)
        await _look(clock, here)
        assert told(ears, bob) == ["online", "away", "online"]
        here.away.answer = {bob.user_id}
        await _look(clock, here, times=LOOKS_UNTIL_BELIEVED)
        assert told(ears, bob)[-1] == "away"

    in_a_loop(play)


def test_an_emptied_redis_makes_nobody_flicker(
    house: House, clock: Clock, people: tuple[Viewer, Viewer]
) -> None:
    alice, bob = people

    async def play() -> None:
        here, there = Process(), Process()
        ears = here.seat(alice, house)
        there.seat(bob, house)
        await _look(clock, there, here)
        redis.Redis.from_url(settings.REDIS_URL).delete(
            f"{settings.CHANNEL_PREFIX}:agents:{house.inbox.public_id}"
        )
        await _look(clock, here, there, times=3)
        assert told(ears, bob) in ([], ["online"])

    in_a_loop(play)


def test_a_guest_is_told_of_nobody(
    house: House, clock: Clock, people: tuple[Viewer, Viewer], charlie: Any
) -> None:
    (alice, _), guest = people, house.viewer(charlie)

    async def play() -> None:
        here = Process()
        stranger = here.seat(guest, house)
        here.seat(alice, house)
        await _look(clock, here, times=2)
        assert stranger.frames == []

    in_a_loop(play)


def test_a_page_asks_redis_and_knows_nothing_without_it(
    house: House, people: tuple[Viewer, Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = people

    async def play() -> None:
        here = Process()
        here.seat(alice, house)
        here.seat(bob, house, is_active=False)
        await here.roll.look()

    in_a_loop(play)
    assert states_in(house.inbox.public_id) == {
        alice.user_id: State.ONLINE,
        bob.user_id: State.AWAY,
    }
    gone = redis.Redis.from_url("unix:///nowhere.sock")
    monkeypatch.setattr(attendance, "_redis", lambda: gone)
    assert states_in(house.inbox.public_id) is None


def test_who_is_online_is_asked_of_all_processes_at_once(
    house: House, clock: Clock, people: tuple[Viewer, Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = people
    redis.Redis.from_url(settings.REDIS_URL).delete(attendance._online_key())

    async def play() -> None:
        here, there = Process(), Process()
        here.seat(alice, house)
        bobs = there.seat(bob, house)
        await _look(clock, here, there)
        assert online_now() == {alice.user_id, bob.user_id}
        bobs.is_active = False
        here.seat(bob, house, is_active=False)
        await _look(clock, here, there, times=int(LEASE_SECONDS))
        assert online_now() == {alice.user_id}
        clock.now += LEASE_SECONDS + 1
        assert online_now() == set()

    in_a_loop(play)
    gone = redis.Redis.from_url("unix:///nowhere.sock")
    monkeypatch.setattr(attendance, "_redis", lambda: gone)
    assert online_now() is None
