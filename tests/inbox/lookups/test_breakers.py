"""Do all processes leave a broken machine alone together?"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings

from inbox.lookups.breakers import Breakers, breakers, connect
from tests.conftest import NOW

NOWHERE = "redis://127.0.0.1:1/0"
ANOTHER = """
import sys, django
django.setup()
from datetime import datetime, timedelta
from inbox.lookups.breakers import breakers
name, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
for second in range(int(sys.argv[3])):
    breakers().note(name, is_good=False, now=now + timedelta(seconds=second))
print(breakers().may_ask(name, now=now + timedelta(seconds=10)))
"""


@pytest.fixture
def name() -> str:
    return f"test:{uuid4().hex}"


def at(seconds: float):
    return NOW + timedelta(seconds=seconds)


def another_process(name: str, failures: int) -> str:
    command = [sys.executable, "-c", ANOTHER, name, NOW.isoformat(), str(failures)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_failures_of_two_processes_count_together_and_hold_for_both(name: str) -> None:
    ours = breakers()
    assert another_process(name, 4) == "True"
    assert ours.may_ask(name, now=at(10))

    ours.note(name, is_good=False, now=at(10))

    assert not ours.may_ask(name, now=at(11))
    assert another_process(name, 0) == "False"
    assert ours.may_ask("another:" + name, now=at(11))


def test_of_many_at_once_one_tries(name: str) -> None:
    each = [Breakers(connect(settings.REDIS_URL)) for _ in range(4)]
    for second in range(5):
        each[0].note(name, is_good=False, now=at(second))

    with ThreadPoolExecutor(8) as pool:
        may = list(pool.map(lambda n: each[n % 4].may_ask(name, now=at(64)), range(24)))

    assert may.count(True) == 1
    each[1].note(name, is_good=True, now=at(65))
    assert all(one.may_ask(name, now=at(65)) for one in each)


def test_many_failures_at_once_are_all_counted(name: str) -> None:
    each = [Breakers(connect(settings.REDIS_URL)) for _ in range(5)]

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda one: one.note(name, is_good=False, now=at(0)), each))

    assert not any(one.may_ask(name, now=at(1)) for one in each)


def test_without_redis_each_process_keeps_its_own(name: str) -> None:
    alone, other = (Breakers(connect(NOWHERE)) for _ in range(2))
    for second in range(5):
        assert alone.may_ask(name, now=at(second))
        alone.note(name, is_good=False, now=at(second))

    assert not alone.may_ask(name, now=at(63))
    assert other.may_ask(name, now=at(63))
    assert alone.may_ask(name, now=at(64))


def test_what_was_known_holds_when_redis_goes_away(name: str) -> None:
    ours = Breakers(connect(settings.REDIS_URL))
    for second in range(5):
        ours.note(name, is_good=False, now=at(second))

    ours._redis = connect(NOWHERE)

    assert not ours.may_ask(name, now=at(10))


def test_what_was_emptied_is_forgotten(name: str) -> None:
    ours = breakers()
    for second in range(5):
        ours.note(name, is_good=False, now=at(second))

    connect(settings.REDIS_URL).delete(f"{settings.CHANNEL_PREFIX}:breaker:{name}")

    assert ours.may_ask(name, now=at(10))
