"""Which things go wrong in `make faults`, how often, and what was lost by each?"""

from __future__ import annotations

import django

django.setup()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import asdict, dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402

from accounts.models import Membership  # noqa: E402
from inbox.models import (  # noqa: E402
    Conversation,
    InboxEvent,
    Message,
    Participant,
    Receipt,
    TeamInbox,
)
from inbox.models.ids import client_id  # noqa: E402
from tests.conftest import House  # noqa: E402
from tests.doors import Browser, all_at_once, signed  # noqa: E402
from tests.factories import make_account, make_inbox, make_sender, make_user  # noqa: E402
from tests.faults import (  # noqa: E402
    crowd,
    customers_write,
    gaps,
    handed_over_twice,
    harm_workers,
    lost,
    out_of_order,
    unsettled,
    write_answers,
)
from tests.inbox.test_audience_property import spend_a_day  # noqa: E402
from tests.live import Live, database_url, running_live, until  # noqa: E402
from tests.twilio import inbound_form  # noqa: E402

REPORT = Path(__file__).resolve().parent.parent / ".bench" / "faults.json"
MARIA = "+14155550101"
STORM = {
    "rate_limit": 0.2,
    "server_error_after": 0.05,
    "reset_after": 0.05,
    "no_callback": 0.1,
    "duplicate_callback": 0.2,
    "reversed_callbacks": 0.2,
    "callback_before_reply": 0.1,
}


@dataclass
class Mishap:
    """One thing that went wrong: what was done, and what was lost by it."""

    name: str
    done: str = ""
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Stage:
    """The running product, and chance."""

    live: Live
    rng: random.Random
    rounds: int

    def house(self) -> House:
        """Make an account of its own, so that what was lost can be counted."""
        account = make_account()
        inbox = make_inbox(account, "Support")
        supervisor = Membership.Role.SUPERVISOR
        house = House(
            account=account,
            inbox=inbox,
            sender=make_sender(inbox),
            alice=make_user(account, "Alice", team=inbox.team),
            bob=make_user(account, "Bob", team=inbox.team),
            sue=make_user(account, "Sue", team=inbox.team, role=supervisor),
        )
        self.live.carrier.clear_faults()
        self.live.carrier.know(self.live.base_url, house.sender)
        return house

    def check_sends(self, house: House, mishap: Mishap) -> None:
        """Add what is wrong with the messages of an account."""
        ledger = self.live.carrier.ledger(house.sender.twilio_account.account_sid)
        mishap.lost += [
            *handed_over_twice(ledger),
            *lost(house.account, ledger),
            *out_of_order(house.account, ledger),
            *gaps(house.inbox),
        ]


def replays(stage: Stage, mishap: Mishap) -> None:
    """Post the same webhook a thousand times at once."""
    for i in range(stage.rounds):
        house = stage.house()
        webhook = signed(stage.live, house.sender, inbound_form(house.sender, MARIA, f"Replay {i}"))
        answers = all_at_once([webhook] * 1000)
        _expect(mishap, {answer.status for answer in answers} == {200}, "not every answer was 200")
        made = Message.objects.filter(account=house.account).count()
        _expect(mishap, made == 1, f"{made} messages of one webhook")
        receipt = Receipt.objects.get(account=house.account)
        _expect(mishap, receipt.repeats == 999, f"{receipt.repeats} repeats counted")
        mishap.lost += gaps(house.inbox)
    mishap.done = f"{stage.rounds} webhooks x 1,000 at once"


def floods(stage: Stage, mishap: Mishap) -> None:
    """Let one new customer write five hundred messages at once, and a hundred others one each."""
    for _ in range(stage.rounds):
        house = stage.house()
        numbers = [MARIA] * 500 + [f"+1415555{3000 + i}" for i in range(100)]
        stage.rng.shuffle(numbers)
        forms = [inbound_form(house.sender, number, f"Word {client_id()}") for number in numbers]
        answers = all_at_once([signed(stage.live, house.sender, form) for form in forms])
        _expect(mishap, {answer.status for answer in answers} == {200}, "not every answer was 200")
        waiting = Receipt.objects.filter(account=house.account).exclude(state="done")
        until(lambda waiting=waiting: not waiting.exists(), within=180, what="all are processed")
        mishap.lost += _missing_words(house, forms) + gaps(house.inbox)
        found = Conversation.objects.filter(account=house.account).count()
        _expect(mishap, found == 101, f"{found} conversations of 101 customers")
    mishap.done = f"{stage.rounds} x 600 first messages at once"


def _missing_words(house: House, forms: Sequence[dict[str, str]]) -> list[str]:
    stored = Message.objects.filter(account=house.account, direction="in")
    bodies = set(stored.values_list("body", flat=True))
    missing = [f"{form['Body']} is lost" for form in forms if form["Body"] not in bodies]
    seqs = list(
        stored.filter(thread__customer_address=MARIA).order_by("seq").values_list("seq", flat=True)
    )
    holes = sorted(set(range(1, len(seqs) + 1)) - set(seqs))
    return missing + [f"no message {seq} of {MARIA}" for seq in holes]


def claims(stage: Stage, mishap: Mishap) -> None:
    """Let two hundred agents claim the same conversation at once."""
    house = stage.house()
    browsers = [Browser(stage.live, user) for user in crowd(house.inbox, 200)]
    for conversation in customers_write(stage.live, house.sender, stage.rounds * 3):
        path = f"/c/{conversation.public_id}/claim/"
        stage.rng.shuffle(browsers)
        answers = all_at_once([one.as_request("POST", path, {"version": "1"}) for one in browsers])
        statuses = [answer.status for answer in answers]
        won, refused = statuses.count(200), statuses.count(409)
        _expect(mishap, (won, refused) == (1, 199), f"{won} winners, {refused} refusals")
        conversation.refresh_from_db()
        owner = conversation.owner.name if conversation.owner else ""
        named = {answer.json()["owner"] for answer in answers if answer.status == 409}
        _expect(mishap, named == {owner}, f"{owner} has it, the answers name {sorted(named)}")
        parts = Participant.objects.filter(conversation=conversation, ended_at=None)
        _expect(mishap, parts.count() == 1, f"{parts.count()} in the audience")
    mishap.lost += gaps(house.inbox)
    mishap.done = f"{stage.rounds * 3} conversations x 200 claims at once"


def kills(stage: Stage, mishap: Mishap) -> None:
    """Kill workers at random moments during four hundred sends, and empty the broker."""
    while len(stage.live.workers) < 3:
        stage.live.add_worker()
    told = []
    for _ in range(stage.rounds):
        house = stage.house()
        conversations = customers_write(stage.live, house.sender, 40)
        stage.live.carrier.fault("hang_after", seconds=0.3, times=-1, probability=0.9)
        stage.live.carrier.fault("no_callback", times=-1, probability=0.4)
        writing = write_answers(stage.live, house.alice, conversations, each=10)
        harm = harm_workers(stage.live, stage.rng, house.account, seconds=15, kills=12)
        mishap.lost += [problem for done in writing for problem in done.result()]
        until(lambda house=house: unsettled(house.account) == 0, within=120, what="all settled")
        stage.check_sends(house, mishap)
        told.append(str(harm))
    mishap.done = f"{stage.rounds} x 400 sends: " + "; ".join(told)


def storm(stage: Stage, mishap: Mishap) -> None:
    """Let Twilio throttle, break, stay silent and repeat itself while three hundred are sent."""
    for _ in range(stage.rounds):
        house = stage.house()
        conversations = customers_write(stage.live, house.sender, 30)
        for kind, probability in STORM.items():
            stage.live.carrier.fault(kind, times=-1, probability=probability)
        writing = write_answers(stage.live, house.alice, conversations, each=10)
        mishap.lost += [problem for done in writing for problem in done.result()]
        until(lambda house=house: unsettled(house.account) == 0, within=180, what="all settled")
        stage.check_sends(house, mishap)
    mishap.done = f"{stage.rounds} x 300 sends through {len(STORM)} kinds of fault"


def redis(stage: Stage, mishap: Mishap) -> None:
    """Kill, freeze and empty Redis while customers write and an agent answers."""
    for number in range(stage.rounds):
        house = stage.house()
        conversations = customers_write(stage.live, house.sender, 10)
        writing = write_answers(stage.live, house.alice, conversations, each=5)
        _harm_redis(stage, number)
        again = customers_write(stage.live, house.sender, 10, first=5000)
        mishap.lost += [problem for done in writing for problem in done.result()]
        _expect(mishap, len(again) == 10, "a customer was not heard")
        stage.live.revive()
        until(lambda house=house: unsettled(house.account) == 0, within=120, what="all settled")
        stage.check_sends(house, mishap)
    mishap.done = f"{stage.rounds} times: killed, frozen for 5 s, emptied, in turn"


def _harm_redis(stage: Stage, number: int) -> None:
    time.sleep(stage.rng.uniform(0.2, 1.0))
    valkey = stage.live.valkey
    if number % 3 == 0:
        valkey.kill()
        time.sleep(2)
        valkey.start()
    elif number % 3 == 1:
        valkey.freeze()
        time.sleep(5)
        valkey.thaw()
    else:
        for _ in range(20):
            stage.live.redis().flushall()
            time.sleep(0.1)


def sight(stage: Stage, mishap: Mishap) -> None:
    """Spend random days in every kind of inbox, checking who may see what after each step."""
    stage.live.freeze_background()  # a day has its own clock
    steps = 60
    for after_claim in TeamInbox.AfterClaim.values:
        for closed_visibility in TeamInbox.ClosedVisibility.values:
            seed = stage.rng.randrange(10**6)
            try:
                spend_a_day(
                    seed=seed,
                    steps=steps * stage.rounds,
                    after_claim=after_claim,
                    closed_visibility=closed_visibility,
                )
            except AssertionError as error:
                mishap.lost.append(f"seed {seed}, {after_claim}, {closed_visibility}: {error}")
    stage.live.thaw_background()
    mishap.done = f"4 days of {steps * stage.rounds} steps, 10 people, 2 teams"


MISHAPS: dict[str, Callable[[Stage, Mishap], None]] = {
    "replays": replays,
    "floods": floods,
    "claims": claims,
    "kills": kills,
    "storm": storm,
    "redis": redis,
    "sight": sight,
}


def _expect(mishap: Mishap, is_so: bool, words: str) -> None:
    if not is_so:
        mishap.lost.append(words)


def main(words: Sequence[str]) -> int:
    """Let everything named go wrong; print the table; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.mishaps", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("names", nargs="+")
    asked = parser.parse_args(words)
    with running_live(database_url()) as live:
        results = [_let_go_wrong(name, live, asked.seed, asked.rounds) for name in asked.names]
    print(_table(results))
    print(f"\nseed {asked.seed}; {InboxEvent.objects.count():,} live events; all of it: {REPORT}")
    REPORT.write_text(
        json.dumps({"seed": asked.seed, "mishaps": [asdict(one) for one in results]}, indent=2)
    )
    return 1 if any(one.lost for one in results) else 0


def _let_go_wrong(name: str, live: Live, seed: int, rounds: int) -> Mishap:
    mishap, began = Mishap(name), time.monotonic()
    print(f"faults: {name} …", file=sys.stderr, flush=True)
    try:
        MISHAPS[name](Stage(live, random.Random(f"{seed} {name}"), rounds), mishap)
    except AssertionError as error:
        mishap.lost.append(str(error)[:2000])
    mishap.seconds = round(time.monotonic() - began, 1)
    return mishap


def _table(results: Sequence[Mishap]) -> str:
    rows = [("fault", "what was done", "what was lost", "s")]
    rows += [(one.name, one.done or "-", _loss(one), f"{one.seconds:.0f}") for one in results]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    details = [f"{one.name}: {problem}" for one in results for problem in one.lost[:20]]
    return "\n".join([head, "-" * len(head), *lines, *details])


def _loss(mishap: Mishap) -> str:
    return f"{len(mishap.lost)} THINGS" if mishap.lost else "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
