"""Where did somebody stand at an instant, as is known now and as was known then?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account, AuditEntry
from compliance.as_of import Told, as_of, programmes_of
from compliance.erasure import erase_person
from compliance.evidence import EventKind
from compliance.history import flags_of, views_of_address
from compliance.models import Consent
from compliance.recording import withdraw_event
from compliance.state_machine import ConsentState, Fact, replay
from tests.compliance.ledgers import MARIA, WEI, proof, tell
from tests.conftest import NOW
from tests.factories import make_account

K, S = EventKind, ConsentState
DAY = timedelta(days=1)


def day(number: float) -> datetime:
    return NOW + number * DAY


def told(kind: EventKind, happened: float, recorded: float | None = None, **more: Any) -> Told:
    """Say what happened on which day, and on which we were told; numbered by the second."""
    at = day(happened if recorded is None else recorded)
    seq = more.pop("seq", int((at - NOW) / DAY * 10) + 100)
    return Told(Fact(kind, day(happened), seq=seq, **more), at)


IN: dict[str, Any] = {"basis": "express_written", "quality": "first_hand"}


@pytest.mark.parametrize(
    ("events", "at", "now", "then"),
    [
        ([], 5, S.NONE, S.NONE),
        ([told(K.GRANT, 1, **IN)], 0.9, S.NONE, S.NONE),
        # What happened at the very instant counts.
        ([told(K.GRANT, 1, **IN)], 1, S.OPTED_IN, S.OPTED_IN),
        ([told(K.GRANT, 1, **IN), told(K.OPT_OUT, 3)], 2, S.OPTED_IN, S.OPTED_IN),
        ([told(K.GRANT, 1, **IN), told(K.OPT_OUT, 3)], 4, S.OPTED_OUT, S.OPTED_OUT),
        # Signed on day 1, recorded on day 5: on day 3 nobody could know.
        ([told(K.GRANT, 1, 5, **IN)], 3, S.OPTED_IN, S.NONE),
        ([told(K.GRANT, 1, 5, **IN)], 5, S.OPTED_IN, S.OPTED_IN),
        # An opt-out by telephone that was written down late: messages of day 3 were wrong, and
        # nobody knew.
        ([told(K.GRANT, 0, **IN), told(K.OPT_OUT, 2, 6)], 3, S.OPTED_OUT, S.OPTED_IN),
        # Recorded in error on day 1, withdrawn on day 6: it never was so, but they thought so.
        (
            [told(K.GRANT, 1, seq=7, **IN), told(K.VOID, 6, supersedes=7)],
            3,
            S.NONE,
            S.OPTED_IN,
        ),
        (
            [told(K.GRANT, 1, seq=7, **IN), told(K.VOID, 6, supersedes=7)],
            7,
            S.NONE,
            S.NONE,
        ),
        # Consent runs out by itself, whether or not the clock came by.
        ([told(K.GRANT, 1, expires_at=day(4), **IN)], 3.9, S.OPTED_IN, S.OPTED_IN),
        ([told(K.GRANT, 1, expires_at=day(4), **IN)], 4, S.EXPIRED, S.EXPIRED),
        ([told(K.ASKED, 1, **IN)], 3.9, S.PENDING, S.PENDING),
        ([told(K.ASKED, 1, **IN)], 4, S.NONE, S.NONE),
        ([told(K.HELD, 1), told(K.HOLD_LIFTED, 4)], 2, S.HELD, S.HELD),
        ([told(K.OPT_OUT, 1), told(K.OPT_IN, 4)], 5, S.CONVERSATIONAL, S.CONVERSATIONAL),
    ],
)
def test_where_somebody_stood(
    events: Sequence[Told], at: float, now: ConsentState, then: ConsentState
) -> None:
    view = as_of(events, day(at))

    assert (view.now.state, view.then.state) == (now, then)
    assert view.differs == (now != then)


def test_what_was_learnt_later_is_named() -> None:
    events = [
        told(K.GRANT, 0, seq=1, **IN),
        told(K.OPT_OUT, 2, 6, seq=2),
        told(K.VOID, 7, supersedes=1, seq=3),
        told(K.HELP, 9, seq=4),
        told(K.GRANT, 1, 6, seq=5, programme="offers", **IN),
    ]

    assert as_of(events, day(3)).learnt_later == (2, 3)
    assert as_of(events, day(3), programme="offers").learnt_later == (2, 3, 5)
    assert as_of(events, day(8)).learnt_later == ()
    assert programmes_of(events) == ["*", "offers"]


def test_an_ordinary_message_makes_somebody_known_from_its_moment() -> None:
    assert as_of([], day(1), wrote=[day(2)]).now.state is S.NONE
    assert as_of([], day(2), wrote=[day(2)]).now.state is S.CONVERSATIONAL


def test_a_date_in_another_zone_is_the_same_instant() -> None:
    events = [told(K.OPT_OUT, 0)]
    kolkata = timezone(timedelta(hours=5, minutes=30))

    assert as_of(events, NOW.astimezone(kolkata)).now.state is S.OPTED_OUT
    before = (NOW - timedelta(seconds=1)).astimezone(kolkata)
    assert as_of(events, before).now.state is S.NONE


KINDS = st.sampled_from([K.OPT_OUT, K.OPT_IN, K.GRANT, K.HELD, K.HOLD_LIFTED, K.NO_CONTACT])
HISTORIES = st.lists(st.tuples(KINDS, st.integers(0, 9), st.integers(0, 9)), max_size=8)


@given(HISTORIES, st.integers(0, 20))
def test_once_everything_is_known_both_say_the_same(history: list[Any], at: int) -> None:
    events = [
        told(kind, happened, happened + late, seq=seq, **(IN if kind is K.GRANT else {}))
        for seq, (kind, happened, late) in enumerate(history, start=1)
    ]
    view = as_of(events, day(at))

    if at >= 18:
        assert not view.differs
        assert view.now == replay(one.fact for one in events).at(day(at))
    if view.differs:
        assert view.learnt_later, "a difference has its reason"


@given(HISTORIES)
def test_the_future_never_changes_what_was_known_then(history: list[Any]) -> None:
    events = [
        told(kind, happened, happened + late, seq=seq, **(IN if kind is K.GRANT else {}))
        for seq, (kind, happened, late) in enumerate(history, start=1)
    ]
    until = [one for one in events if one.recorded_at <= day(6)]

    assert as_of(events, day(6)).then == as_of(until, day(6)).then


# --- From the ledger -----------------------------------------------------------------------------


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def states(account: Account, at: datetime, address: Any = MARIA) -> tuple[str, str]:
    [view] = views_of_address(account.pk, address, at)
    return view.view.now.state.value, view.view.then.state.value


def test_the_ledger_tells_of_any_instant(account: Account) -> None:
    tell(account, proof(), at=day(1))
    tell(account, K.OPT_OUT, at=day(6), occurred_at=day(2))

    assert states(account, day(0)) == ("none", "none")
    assert states(account, day(1)) == ("opted_in", "opted_in")
    assert states(account, day(3)) == ("opted_out", "opted_in")
    assert states(account, day(7)) == ("opted_out", "opted_out")
    [view] = views_of_address(account.pk, MARIA, day(3))
    assert view.decided_now is not None
    assert view.decided_then is not None
    assert (view.decided_now.seq, view.decided_then.seq) == (2, 1)
    assert view.view.learnt_later == (2,)


def test_a_correction_reaches_back(account: Account) -> None:
    tell(account, proof(quality="asserted_by_agent"), at=day(1))
    withdraw_event(
        account_id=account.pk, address=MARIA, seq=1, reason="Wrong card", by=None, now=day(4)
    )

    assert states(account, day(2)) == ("none", "opted_in")


def test_of_now_it_says_what_the_stored_consent_says(account: Account) -> None:
    tell(account, proof(), at=day(1))
    tell(account, K.OPT_OUT, at=day(2))
    tell(account, K.OPT_IN, at=day(3))

    assert states(account, day(9))[0] == Consent.objects.get().state


def test_of_who_was_erased_it_says_only_what_protects_them(account: Account) -> None:
    tell(account, K.OPT_OUT, at=day(1))
    erase_person(account_id=account.pk, addresses=[MARIA], now=day(3))

    [view] = views_of_address(account.pk, MARIA, day(4))
    assert view.view.now.state is S.OPTED_OUT
    assert flags_of(view.view.now) == ["erased"]


def test_of_who_is_not_known_it_says_so(account: Account) -> None:
    assert states(account, day(1), WEI) == ("none", "none")
    tell(account, K.HELP)
    assert states(account, day(1), WEI) == ("none", "none")


def ask(account: Account, *options: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("consent_as_of", f"--account={account.pk}", *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_prints_one_line_per_programme(account: Account) -> None:
    tell(account, proof(programme="offers"), at=day(1))
    tell(account, K.OPT_OUT, at=day(6), occurred_at=day(2))

    general, offers = ask(account, "--address=+14155550100", "--at=2026-11-26T16:00+01:00")

    assert (general["programme"], offers["programme"]) == ("*", "offers")
    assert offers["known_then"]["state"] == "opted_in"
    assert offers["known_then"]["basis"] == "express_written"
    assert offers["known_now"]["state"] == "opted_out"
    assert offers["known_now"]["decided_by"]["kind"] == "opt_out"
    assert offers["differs"] is True
    assert "4155550100" not in json.dumps([general, offers])
    line = AuditEntry.objects.get(action="consent_looked_up")
    assert line.account == account
    assert "4155550100" not in f"{line.subject}{line.data}"


@pytest.mark.parametrize("at", ["2026-11-26T16:00", "yesterday", "2026-13-01T00:00Z"])
def test_the_command_refuses_what_is_no_instant(account: Account, at: str) -> None:
    with pytest.raises(CommandError):
        ask(account, "--address=+14155550100", f"--at={at}")


def test_without_an_instant_the_command_speaks_of_now(account: Account) -> None:
    tell(account, K.OPT_OUT, at=datetime(2020, 1, 1, tzinfo=UTC))

    [line] = ask(account, "--address=sms:+14155550100")
    assert line["known_now"]["state"] == "opted_out"
