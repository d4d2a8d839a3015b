"""How big is a run? Three sizes: tiny for the tests, smoke by default, full on request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How many, how long, how often."""

    name: str
    repeats: int
    seconds: float  # of one measured load
    sockets: tuple[int, ...]
    drain: int  # receipts that wait before the drain
    steady: int  # webhooks of one steady run
    agents: tuple[int, ...]
    events: int  # inbound messages of one glass run
    crowd: int  # agents who watch at CROWD_PER_S events a second…
    crowd_events: int  # …so many inbound messages
    messages: tuple[int, ...]  # sizes of the lists
    conversations: tuple[int, ...]  # sizes that the list and a thread must be flat over
    requests: int  # page loads of one kind in one repetition
    timers: int  # escalation timers that become due…
    timers_s: float  # …evenly within so many seconds
    stops: int  # people who text STOP in one repetition
    accounts: int = 100
    contacts: int = 2000
    seed: int = 20261123
    judges_growth: bool = True  # a few requests at tiny sizes tell nothing of it

    @property
    def warm_up(self) -> float:
        """Return how many seconds at the start of a load are not counted."""
        return self.seconds / 5


TINY = Plan(
    "tiny",
    repeats=1,
    seconds=0.6,
    sockets=(8,),
    drain=40,
    steady=60,
    agents=(5,),
    events=8,
    crowd=6,
    crowd_events=10,
    messages=(1_000, 2_000),
    conversations=(200, 400),
    judges_growth=False,
    requests=3,
    timers=40,
    timers_s=1,
    stops=8,
    accounts=5,
    contacts=60,
)
SMOKE = Plan(
    "smoke",
    repeats=3,
    seconds=2.5,
    sockets=(32, 128),
    drain=240,
    steady=800,
    agents=(50, 200),
    events=25,
    crowd=300,
    crowd_events=100,
    messages=(10_000, 100_000),
    conversations=(10_000, 100_000),
    requests=25,
    timers=10_000,
    timers_s=60,
    stops=150,
)
FULL = Plan(
    "full",
    repeats=5,
    seconds=8,
    sockets=(32, 128),
    drain=6_000,
    steady=5_000,
    agents=(50, 200, 1_000),
    events=60,
    crowd=300,
    crowd_events=600,
    messages=(10_000, 100_000, 1_000_000),
    conversations=(10_000, 100_000, 1_000_000),
    requests=100,
    timers=10_000,
    timers_s=60,
    stops=600,
)
