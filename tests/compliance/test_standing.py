"""Does every consent say what replaying its events gives, whatever happens and in any order?"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from compliance.addresses import Address, parse_address
from compliance.classify import classify
from compliance.comparing import differences
from compliance.consent import (
    KeywordContext,
    KeywordHandler,
    apply_reading,
    bind_opt_outs,
    consent_of,
    record_carrier_block,
)
from compliance.erasure import erase_person
from compliance.evidence import EventKind, Evidence, Source
from compliance.keywords import read_keyword
from compliance.ledger import events_of
from compliance.models import Consent, ConsentChain, ConsentEvent, ConsentState
from compliance.recording import NotCorrectableError, OptInRefusedError, record_consent
from compliance.standing import lock_addresses, note_message, record
from compliance.state_machine import Fact, replay
from compliance.verifying import verify_account
from tests.compliance.ledgers import MARIA, WEI, by_hand, proof, tell
from tests.conftest import NOW
from tests.factories import make_account

K = EventKind
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OURS = "+15550100001"


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def say(
    account: Account,
    body: str,
    address: Address = MARIA,
    *,
    at: datetime = NOW,
    now: datetime | None = None,
    others: tuple[Address, ...] = (),
    handler: KeywordHandler = KeywordHandler.TWILIO_DEFAULT,
    **more: Any,
) -> None:
    """Let a message arrive, as the inbound story hands it to compliance."""
    reading = classify(body, languages=("en", "es"))
    context = KeywordContext(
        account_id=account.pk,
        address=address,
        our_address=OURS,
        handler=handler,
        message_sid="SM1",
        was_told_by_carrier=False,
        last_outbound_was_question=False,
        others=others,
        received_at=at,
        said=body,
        is_carrier_word=read_keyword(body).is_carrier_word,
    )
    with transaction.atomic():
        apply_reading(reading, replace(context, **more), now=now or at)


def state(account: Account, address: Address = MARIA) -> str:
    """Return where an address stands."""
    row = consent_of(account.pk, address)
    return row.state if row else "none"


def compare() -> tuple[int, str, str]:
    """Run the command; return its exit code and what it said."""
    out, err = StringIO(), StringIO()
    try:
        call_command("compare_consents", stdout=out, stderr=err, no_color=True)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


# --- Order ----------------------------------------------------------------------------------------


def test_a_start_that_arrives_late_does_not_undo_a_later_stop(account: Account) -> None:
    say(account, "STOP", at=NOW)
    say(account, "START", at=NOW - HOUR, now=NOW + HOUR)

    assert state(account) == "opted_out"
    assert list(differences(account.pk)) == []


def test_by_the_carrier_s_date_the_opt_out_wins_a_tie(account: Account) -> None:
    say(account, "STOP", at=NOW, sent_at=NOW)
    say(account, "START", at=NOW + HOUR, sent_at=NOW)

    assert state(account) == "opted_out"


def test_a_carrier_s_date_in_the_future_is_not_believed(account: Account) -> None:
    say(account, "STOP", at=NOW, sent_at=NOW + 365 * DAY)
    say(account, "START", at=NOW + HOUR)

    assert ConsentEvent.objects.get(kind="opt_out").occurred_at == NOW
    assert state(account) == "conversational"


def test_what_reached_us_at_one_instant_has_the_order_in_which_it_was_told(
    account: Account,
) -> None:
    for word in ("STOP", "START", "STOP", "START"):
        say(account, word, at=NOW)

    assert state(account) == "conversational"
    assert list(differences(account.pk)) == []


def test_late_messages_do_not_part_two_addresses_of_one_person(account: Account) -> None:
    for word, address, at in (("STOP", MARIA, 1), ("STOP", MARIA, 3), ("START", WEI, 2)):
        other = WEI if address is MARIA else MARIA
        say(account, word, address, at=NOW + at * HOUR, now=NOW + DAY, others=(other,))

    assert (state(account), state(account, WEI)) == ("opted_out", "opted_out")


def test_yes_confirms_only_what_was_asked(account: Account) -> None:
    say(account, "Hello", at=NOW)
    say(account, "YES", at=NOW + HOUR)
    assert state(account) == "conversational"
    assert not ConsentEvent.objects.exists()

    tell(account, proof(kind=K.ASKED), at=NOW + 2 * HOUR)
    say(account, "yes", at=NOW + 3 * HOUR, last_outbound_was_question=True)

    row = Consent.objects.get()
    assert (row.state, row.basis) == ("opted_in", "express_written")


def test_yes_after_72_hours_confirms_nothing(account: Account) -> None:
    tell(account, proof(kind=K.ASKED))

    say(account, "YES", at=NOW + timedelta(hours=72))

    assert state(account) == "conversational"
    assert list(differences(account.pk)) == []


def test_yes_to_a_question_while_out_is_noted_and_lifts_nothing(account: Account) -> None:
    say(account, "STOP")

    say(account, "YES", at=NOW + HOUR, last_outbound_was_question=True)

    assert state(account) == "opted_out"
    assert ConsentEvent.objects.order_by("-seq")[0].kind == "weak_yes"


def test_start_on_one_address_confirms_no_question_to_another(account: Account) -> None:
    tell(account, proof(kind=K.ASKED), WEI)

    say(account, "START", at=NOW + HOUR, others=(WEI,))

    assert state(account, WEI) == "pending"


def test_a_consent_for_one_programme_has_a_row_of_its_own(account: Account) -> None:
    say(account, "Hello")
    tell(account, proof(programme="offers"), at=NOW + HOUR)
    rows = {row.programme: row.state for row in Consent.objects.all()}
    assert rows == {"*": "conversational", "offers": "opted_in"}

    say(account, "STOP", at=NOW + 2 * HOUR)
    assert set(Consent.objects.values_list("state", flat=True)) == {"opted_out"}

    say(account, "START", at=NOW + 3 * HOUR)
    rows = {row.programme: row.state for row in Consent.objects.all()}
    assert rows == {"*": "conversational", "offers": "opted_in"}
    assert list(differences(account.pk)) == []


# --- What it costs --------------------------------------------------------------------------------


def test_an_ordinary_message_never_touches_the_ledger(account: Account) -> None:
    say(account, "STOP")
    say(account, "START", at=NOW + HOUR)
    with CaptureQueriesContext(connections["default"]) as asked:
        say(account, "Is it ready?", at=NOW + 2 * HOUR)
        say(account, "Hello", WEI, at=NOW + 2 * HOUR)

    ledger = ("consentchain", "consentevent", "consentdetails", "consentkey")
    assert not [q["sql"] for q in asked if any(name in q["sql"] for name in ledger)]


def test_the_hundredth_stop_costs_what_the_second_did(account: Account) -> None:
    asked = []
    for n in range(100):
        with CaptureQueriesContext(connections["default"]) as captured:
            say(account, "STOP", at=NOW + n * HOUR)
        asked.append(len(captured))

    assert asked[99] == asked[1] < asked[0]
    with CaptureQueriesContext(connections["default"]) as captured:
        say(account, "STOP", at=NOW + 200 * HOUR)
    selects = [q["sql"] for q in captured if q["sql"].startswith("SELECT")]
    assert not any("consentevent" in sql for sql in selects), "nobody reads all of them again"


# --- Whatever happens -----------------------------------------------------------------------------

ADDRESSES = (MARIA, WEI, parse_address("+447700900123"))


@dataclass
class World:
    """The same story told to the product and to the state machine alone."""

    account: Account
    now: datetime = NOW
    facts: dict[str, list[Fact]] = field(default_factory=dict)

    def told(self, address: Address) -> list[Fact]:
        """Return what the oracle knows of an address."""
        return self.facts.setdefault(address.consent_key, [])

    def happens(self, step: "Step") -> None:
        """Let one thing happen."""
        self.now += HOUR
        if step.kind is None:
            with transaction.atomic():
                [held] = lock_addresses(self.account.pk, [step.address], now=self.now)
                note_message(held, now=self.now)
            self.told(step.address).append(Fact(None, self.now))
        elif step.kind is K.ERASED:
            with transaction.atomic():
                erase_person(account_id=self.account.pk, addresses=[step.address], now=self.now)
            self._learn(step.address)
        else:
            self._record(step)

    def _record(self, step: "Step") -> None:
        assert step.kind
        given = Evidence(
            step.kind,
            step.source,
            occurred_at=self.now - step.ago if step.ago else None,
            programme=step.programme,
            basis="express",
            quality=step.quality,
            expires_at=self.now + step.lasts if step.lasts else None,
            supersedes=self._seq(step),
            reason="because",
        )
        with transaction.atomic():
            [held] = lock_addresses(self.account.pk, [step.address], now=self.now)
            record(held, given, now=self.now)
        self._learn(step.address)

    def _seq(self, step: "Step") -> int | None:
        """Name one of the events of this address, if the step corrects one."""
        seqs = [fact.seq for fact in self.told(step.address) if fact.kind]
        return seqs[step.corrects % len(seqs)] if step.corrects is not None and seqs else None

    def _learn(self, address: Address) -> None:
        event = ConsentEvent.objects.order_by("-seq")[0]
        self.told(address).append(event.fact)

    def check(self) -> None:
        """Compare every consent with what the oracle says, and with its own events."""
        assert list(differences(self.account.pk)) == []
        for row in Consent.objects.all():
            expected = replay(self.facts[row.address], row.programme)
            assert row.state_at(self.now) == expected.at(self.now).state, row.programme
            assert (row.no_contact_at is None) == (expected.no_contact_at is None)
        found = verify_account(self.account.pk)
        assert found.broken is None
        events = sum(fact.kind is not None for told in self.facts.values() for fact in told)
        assert found.events == events


@dataclass(frozen=True)
class Step:
    """One thing that happens to one address."""

    address: Address
    kind: EventKind | None
    ago: timedelta
    programme: str
    quality: str
    source: Source
    lasts: timedelta | None
    corrects: int | None


KINDS = [None, None, K.OPT_OUT, K.OPT_OUT, K.OPT_IN, K.OPT_IN, *EventKind]
steps = st.builds(
    Step,
    address=st.sampled_from(ADDRESSES),
    kind=st.sampled_from(KINDS),
    ago=st.sampled_from([0, 0, 0, 1, 2, 5, 30]).map(lambda hours: hours * HOUR),
    programme=st.sampled_from(["*", "*", "*", "news"]),
    quality=st.sampled_from(["first_hand", "imported_unproven"]),
    source=st.sampled_from([Source.VERBAL, Source.LINKED]),
    lasts=st.sampled_from([None, None, 3 * HOUR]),
    corrects=st.none() | st.none() | st.integers(0, 20),
)


@given(st.lists(steps, min_size=1, max_size=14))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_replaying_always_gives_what_is_stored(db: None, story: list[Step]) -> None:
    with transaction.atomic():
        world = World(make_account(f"Acme {random.getrandbits(60)}"))
        for step in story:
            world.happens(step)
        world.check()
        transaction.set_rollback(True)


# --- All at once ----------------------------------------------------------------------------------

WORDS = ["STOP", "START", "STOP", "HELP", "Hello", "YES", "opt out"]


def _do(account: Account, rng: random.Random, n: int) -> None:
    """Do one of the things that stories do, in a transaction of its own."""
    address = rng.choice(ADDRESSES)
    others = tuple(one for one in ADDRESSES if one is not address) if rng.random() < 0.4 else ()
    at = NOW + timedelta(seconds=n) - rng.choice([0, 0, 5]) * timedelta(seconds=1)
    what = rng.random()
    if what < 0.6:
        say(account, rng.choice(WORDS), address, at=at, others=others)
        return
    with transaction.atomic():
        if what < 0.7:
            record_carrier_block(
                account_id=account.pk,
                address=address,
                our_address=OURS,
                message_sid="SM2",
                others=others,
                now=at,
            )
        elif what < 0.8:
            bind_opt_outs(account.pk, [address, *others], now=at)
        elif what < 0.95:
            _try_to_consent(account, address, at)
        else:
            erase_person(account_id=account.pk, addresses=[address, *others], now=at)


def _try_to_consent(account: Account, address: Address, at: datetime) -> None:
    with suppress(OptInRefusedError, NotCorrectableError):
        record_consent(account_id=account.pk, address=address, evidence=proof(), now=at)


def at_once(workers: int, work: Callable[[int], None]) -> None:
    """Let some processes' worth of work begin at the same moment; every fault comes out."""
    begin = Barrier(workers)

    def run(n: int) -> None:
        try:
            begin.wait()
            work(n)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(run, n) for n in range(workers)]:
            done.result()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_workers_at_once_write_one_chain_and_never_wait_for_each_other_in_vain(seed: int) -> None:
    account = make_account()

    def work(worker: int) -> None:
        rng = random.Random(100 * seed + worker)
        for n in range(40):
            _do(account, rng, n)

    at_once(4, work)

    found = verify_account(account.pk)
    assert found.broken is None
    assert found.events == ConsentEvent.objects.count() > 60
    assert list(ConsentEvent.objects.order_by("seq").values_list("seq", flat=True)) == list(
        range(1, found.events + 1)
    )
    assert list(differences(account.pk)) == []


@pytest.mark.django_db(transaction=True)
def test_two_accounts_do_not_wait_for_each_other() -> None:
    one, other = make_account("Acme"), make_account("Umbrella")
    tell(one, K.OPT_OUT)

    def stop(_n: int) -> None:
        tell(other, K.OPT_OUT)

    with transaction.atomic():
        tell(one, K.OPT_IN)
        at_once(1, stop)

    assert ConsentChain.objects.get(account=other).seq == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_events_of_an_account_at_once_begin_one_ledger() -> None:
    account = make_account()
    numbers = [parse_address(f"+1415555{n:04d}") for n in range(4)]

    at_once(4, lambda n: say(account, "STOP", numbers[n]))

    assert ConsentChain.objects.get().seq == 4
    assert verify_account(account.pk).broken is None


@pytest.mark.django_db(transaction=True)
def test_a_person_s_stop_from_two_addresses_at_once_binds_both() -> None:
    account = make_account()

    def work(n: int) -> None:
        for _ in range(10):
            mine, other = (MARIA, WEI) if n % 2 else (WEI, MARIA)
            say(account, "STOP", mine, others=(other,))

    at_once(4, work)

    assert (state(account), state(account, WEI)) == ("opted_out", "opted_out")
    assert verify_account(account.pk).events == 80


# --- The command ----------------------------------------------------------------------------------


def test_consents_that_say_what_their_events_say_differ_in_nothing(account: Account) -> None:
    say(account, "Hello", WEI)
    say(account, "STOP")

    assert compare() == (0, "Accounts: 1. Consents: 2. Differences: 0.\n", "")


def test_a_consent_that_was_changed_by_hand_is_named_without_its_number(account: Account) -> None:
    say(account, "STOP")
    Consent.objects.update(state=ConsentState.OPTED_IN)

    code, out, err = compare()

    row = Consent.objects.get()
    assert code == 1
    assert f"account {account.pk}, consent {row.pk}" in err
    assert "state is 'opted_in', its events say 'opted_out'" in err
    assert "4155550100" not in err
    assert "Differences: 1." in out


def test_a_consent_that_is_gone_is_named(account: Account) -> None:
    say(account, "STOP")
    Consent.objects.all().delete()

    code, _out, err = compare()

    assert code == 1
    assert "an address without a consent" in err


def test_a_consent_without_any_event_is_named(account: Account) -> None:
    Consent.objects.create(
        account=account, address="sms:+14155550100", family="sms", state="opted_in", since=NOW
    )

    code, _out, err = compare()

    assert code == 1
    assert "state is 'opted_in', its events say 'none'" in err


def test_an_event_that_was_changed_by_hand_shows_in_both(account: Account) -> None:
    say(account, "STOP")
    with by_hand() as cursor:
        cursor.execute("UPDATE compliance_consentevent SET kind = 'help'")

    assert compare()[0] == 1
    assert verify_account(account.pk).broken
    assert events_of(account.pk, MARIA)[0].kind == "help"
