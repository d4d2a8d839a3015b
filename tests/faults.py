"""What do we let go wrong, and what must hold afterwards whatever happened?

Shared by the tests, which let it go wrong once, and by `make faults`, which does it at length.
The checkers read only two things: the simulator's ledger and our database.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Account, License, LicensePool, Membership, User
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    InboxEvent,
    Message,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.sending import UNKNOWN_WORDS
from inbox.timers import plan_wait
from tests.conftest import House
from tests.doors import Browser, all_at_once, signed
from tests.factories import LONG_AGO
from tests.live import Entry, Live, Process
from tests.twilio import inbound_form

_Status = Message.Status
INLINE_PROCESSING_LIMIT = 4
UNSETTLED = (_Status.QUEUED, _Status.SENDING)
PUT_OFF_S = 5.0
ARRIVED = (_Status.SENT, _Status.DELIVERED, _Status.READ)


# --- Acts -----------------------------------------------------------------------------------------


def crowd(inbox: TeamInbox, size: int) -> list[User]:
    """Make licensed agents of an inbox, without the price of hashing their passwords."""
    taken = User.objects.count()
    users = User.objects.bulk_create(
        User(
            email=f"agent{taken + i}@example.com",
            name=f"Agent {i}",
            account=inbox.account,
            password="!",
        )
        for i in range(size)
    )
    pool = LicensePool.objects.get(account=inbox.account)
    License.objects.bulk_create(
        License(pool=pool, holder=user, starts_at=LONG_AGO) for user in users
    )
    Membership.objects.bulk_create(Membership(team=inbox.team, user=user) for user in users)
    return users


def customers_write(
    live: Live, sender: Sender, count: int, *, first: int = 1000
) -> list[Conversation]:
    """Let so many customers write once; return their conversations."""
    numbers = [f"+1415555{first + i}" for i in range(count)]
    webhooks = [signed(live, sender, inbound_form(sender, number, "Hello")) for number in numbers]
    # No more at once than the web process tells by itself: there may be no worker.
    for i in range(0, count, INLINE_PROCESSING_LIMIT):
        answers = all_at_once(webhooks[i : i + INLINE_PROCESSING_LIMIT])
        assert {answer.status for answer in answers} == {200}
    deadline = time.monotonic() + 30
    while len(found := _conversations_with(sender, numbers)) < count:
        assert time.monotonic() < deadline, "not every customer's first message was taken in"
        time.sleep(0.1)
    return found


def _conversations_with(sender: Sender, numbers: Sequence[str]) -> list[Conversation]:
    found = Conversation.objects.filter(thread__sender=sender, thread__customer_address__in=numbers)
    return list(found.select_related("thread").order_by("pk"))


def many_wait(house: House, moments: Sequence[datetime]) -> None:
    """Let a customer have written at each moment; timers come from the inbox's policy."""
    contacts = Contact.objects.bulk_create(Contact(account=house.account) for _ in moments)
    addresses = ContactAddress.objects.bulk_create(
        ContactAddress(
            account=house.account,
            contact=contact,
            key=f"sms:+1415666{n:04d}",
            family="sms",
            phone=f"+1415666{n:04d}",
            raw=f"+1415666{n:04d}",
        )
        for n, contact in enumerate(contacts)
    )
    threads = Thread.objects.bulk_create(
        Thread(
            account=house.account,
            sender=house.sender,
            address=address,
            contact=address.contact,
            our_address=house.sender.address,
            customer_address=address.raw,
            last_seq=1,
            created_at=at,
        )
        for address, at in zip(addresses, moments, strict=True)
    )
    rows = Conversation.objects.bulk_create(
        Conversation(
            account=house.account,
            inbox=house.inbox,
            thread=thread,
            contact=thread.contact,
            opened_at=at,
            last_activity_at=at,
            waiting_since=at,
            wait_generation=1,
        )
        for thread, at in zip(threads, moments, strict=True)
    )
    for row in rows:
        plan_wait(row)


@dataclass
class Harm:
    """What was done to the workers."""

    killed_workers: int = 0
    killed_children: int = 0
    emptied_broker: int = 0
    hit: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.killed_workers} workers and {self.killed_children} pool processes killed, "
            f"broker emptied {self.emptied_broker} times, {len(self.hit)} messages hit"
        )


def write_answers(
    live: Live, author: User, conversations: Sequence[Conversation], each: int
) -> list[Future[list[str]]]:
    """Begin to answer every customer `each` times, all of them side by side.

    Each conversation's answers are pressed one after the other; the result is the refusals.
    """
    pool = ThreadPoolExecutor(max_workers=8)
    browser_of = {conversation.pk: Browser(live, author) for conversation in conversations}

    def answer(conversation: Conversation) -> list[str]:
        refused = []
        for i in range(each):
            client_id = f"{conversation.pk:08x}{i:08x}"
            said = browser_of[conversation.pk].write(
                conversation, f"Answer {i} to {conversation.pk}", client_id=client_id
            )
            if said.status_code != 201:
                refused.append(f"{said.status_code}: {said.text[:200]}")
        return refused

    begun = [pool.submit(answer, conversation) for conversation in conversations]
    pool.shutdown(wait=False)
    return begun


def harm_workers(
    live: Live,
    rng: random.Random,
    account: Account,
    *,
    seconds: float,
    kills: int,
    matters: Callable[[], bool] = lambda: True,
) -> Harm:
    """Kill whole workers and single pool processes at random moments; empty the broker twice.

    A moment at which nothing is done that `matters` is put off, for as long as it takes workers
    that were just killed to come back.
    """
    harm = Harm()
    moments = sorted(rng.uniform(0.3, seconds) for _ in range(kills))
    emptying = set(rng.sample(range(kills), 2))
    began = time.monotonic()
    for i, moment in enumerate(moments):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if i in emptying:
            live.redis().flushall()
            harm.emptied_broker += 1
        came_to_it = time.monotonic()
        while not matters() and time.monotonic() - came_to_it < PUT_OFF_S:
            time.sleep(0.02)
        _kill_one(live, rng, account, harm)
    return harm


def is_sending(account: Account) -> bool:
    """Say whether a message is on its way to the carrier at this moment."""
    return Message.objects.filter(account=account, status=_Status.SENDING).exists()


def _kill_one(live: Live, rng: random.Random, account: Account, harm: Harm) -> None:
    worker = rng.choice(live.workers)
    children = worker.children()
    in_flight = Message.objects.filter(account=account, status=_Status.SENDING)
    before = set(in_flight.values_list("public_id", flat=True))
    if children and rng.random() < 0.4:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(children), signal.SIGKILL)
        harm.killed_children += 1
    else:
        _kill_and_restart(worker)
        harm.killed_workers += 1
    # Whoever still sends is done within the carrier's time; what is then in the middle was hit.
    harm.hit |= before & set(in_flight.values_list("public_id", flat=True))


def _kill_and_restart(worker: Process) -> None:
    worker.kill()
    worker.start()


# --- What must hold -------------------------------------------------------------------------------


def unsettled(account: Account) -> int:
    """Count messages that are neither sent, nor given up, nor shown as unknown."""
    return Message.objects.filter(account=account, status__in=UNSETTLED).count()


def handed_over_twice(ledger: Iterable[Entry]) -> list[str]:
    """Name messages that Twilio may have taken more than once. A 429 proves that it did not."""
    handed: dict[str, list[Entry]] = defaultdict(list)
    for entry in ledger:
        if entry.status != 429:
            handed[entry.message_id].append(entry)
    return [f"{message}: {entries}" for message, entries in handed.items() if len(entries) > 1]


def lost(account: Account, ledger: Iterable[Entry]) -> list[str]:
    """Name messages that are said to be sent but never were, or that nobody is told about."""
    arrived = {entry.message_id for entry in ledger if entry.accepted}
    problems = []
    for message in Message.objects.filter(account=account, direction="out").exclude(kind="note"):
        if message.status in ARRIVED and message.public_id not in arrived:
            problems.append(f"{message.public_id} is {message.status} and Twilio never saw it")
        if message.status == _Status.UNKNOWN and message.error_words != UNKNOWN_WORDS:
            problems.append(f"{message.public_id} is unknown and nobody is told")
        if message.status in UNSETTLED:
            problems.append(f"{message.public_id} is still {message.status}")
    return problems


def out_of_order(account: Account, ledger: Iterable[Entry]) -> list[str]:
    """Name customers whose messages left in another order than they were written in."""
    seqs = dict(Message.objects.filter(account=account).values_list("public_id", "seq"))
    order: dict[str, list[int]] = defaultdict(list)
    for entry in ledger:
        if entry.accepted:
            order[entry.to].append(seqs[entry.message_id])
    return [f"{to} got {found}" for to, found in order.items() if found != sorted(found)]


def gaps(inbox: TeamInbox) -> list[str]:
    """Name the holes in an inbox's sequence of events."""
    seqs = list(
        InboxEvent.objects.filter(inbox=inbox).order_by("seq").values_list("seq", flat=True)
    )
    missing = sorted(set(range(1, len(seqs) + 1)) - set(seqs))
    return [f"no event {seq}" for seq in missing]
