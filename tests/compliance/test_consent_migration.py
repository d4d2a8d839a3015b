"""Does what was recorded before there was a chain come into it whole, and back out again?

The database is really migrated, back to before and forward again.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Account
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.consent import consent_of
from compliance.evidence import EventKind
from compliance.gate import consent_history
from compliance.ledger import events_of
from compliance.models import Suppression
from compliance.verifying import verify_account
from tests.compliance.ledgers import MARIA, WEI, tell
from tests.conftest import NOW, let_ledgers_be_emptied
from tests.factories import make_account

HOUR = timedelta(hours=1)
BEFORE = "0003_consent_is_a_ledger"
NOAH = parse_address("+33612345678")


def migrate_back() -> Any:
    """Bring the database to where it was before; return the models of then."""
    executor = MigrationExecutor(connection)
    executor.migrate([("compliance", BEFORE)])
    return executor.loader.project_state([("compliance", BEFORE)]).apps


def migrate() -> None:
    """Bring the database to where it is today."""
    executor = MigrationExecutor(connection)
    # What depends on it went back with it.
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def before(transactional_db: None) -> Iterator[Any]:
    """The database as it was before."""
    yield migrate_back()
    migrate()
    let_ledgers_be_emptied()


@pytest.fixture
def account() -> Account:
    return make_account()


def _event(apps: Any, account: Account, address: Any, kind: str, hours: int, **more: Any) -> None:
    state = "opted_out" if kind in ("opt_out", "carrier_block") else "conversational"
    at = NOW + hours * HOUR
    apps.get_model("compliance", "ConsentEvent").objects.create(
        account_id=account.pk,
        address=address.consent_key,
        family=address.consent_family,
        kind=kind,
        source=more.pop("source", "inbound_keyword"),
        state=state,
        occurred_at=at,
        recorded_at=at,
        **more,
    )


def _consent(
    apps: Any, account: Account, address: Any, state: str, hours: int, **more: Any
) -> None:
    apps.get_model("compliance", "Consent").objects.create(
        account_id=account.pk,
        address=address.consent_key,
        family=address.consent_family,
        state=state,
        since=NOW + hours * HOUR,
        **more,
    )


def _live(apps: Any, account: Account) -> None:
    """Maria wrote, stopped, started and stopped twice; Wei stopped; Noah wrote; all as it was."""
    _event(apps, account, MARIA, "opt_out", 1, words="STOP", message_sid="SM1")
    _event(apps, account, WEI, "opt_out", 1, source="linked")
    _event(apps, account, MARIA, "opt_in", 2, words="START", message_sid="SM2")
    _event(apps, account, MARIA, "opt_out", 3, words="QUIT", message_sid="SM3")
    _event(apps, account, MARIA, "carrier_block", 4, source="provider_21610")
    _consent(
        apps, account, MARIA, "opted_out", 3, words="QUIT", state_before_opt_out="conversational"
    )
    _consent(apps, account, WEI, "opted_out", 1)
    _consent(apps, account, NOAH, "conversational", 2)


@pytest.mark.slow
def test_what_was_recorded_comes_into_a_chain_and_everybody_stands_where_they_stood(
    before: Any, account: Account
) -> None:
    other = make_account("Umbrella")
    _live(before, account)
    _event(before, other, MARIA, "opt_out", 1, words="STOP")
    _consent(before, other, MARIA, "opted_out", 1, words="STOP")

    migrate()

    _check_chains(account, other)
    _check_standing(account)
    _check_nothing_is_told(("4155550100", "QUIT"))
    after = tell(account, EventKind.OPT_IN, at=NOW + 9 * HOUR)
    assert (after.event.seq, after.event.previous, after.state) == (6, 5, "conversational")
    assert verify_account(account.pk).broken is None, "life goes on in the same chain"


def _check_chains(account: Account, other: Account) -> None:
    assert (verify_account(account.pk).broken, verify_account(account.pk).events) == (None, 5)
    assert (verify_account(other.pk).broken, verify_account(other.pk).events) == (None, 1)
    told = consent_history(account.pk, MARIA)
    assert [(event.kind, event.words, event.message_sid) for event in reversed(told)] == [
        ("opt_out", "STOP", "SM1"),
        ("opt_in", "START", "SM2"),
        ("opt_out", "QUIT", "SM3"),
        ("carrier_block", "", ""),
    ]
    assert {event.address for event in told} == {"sms:+14155550100"}
    assert [event.previous for event in events_of(account.pk, MARIA)] == [None, 1, 3, 4]


def _check_standing(account: Account) -> None:
    maria, wei, noah = (consent_of(account.pk, one) for one in (MARIA, WEI, NOAH))
    assert maria
    assert wei
    assert noah
    assert (maria.state, maria.ground, maria.words) == ("opted_out", "conversational", "QUIT")
    assert (maria.since, maria.opted_out_at) == (NOW + 3 * HOUR, NOW + 3 * HOUR)
    assert (wei.state, noah.state, noah.ground) == ("opted_out", *("conversational",) * 2)
    assert list(differences(account.pk)) == []


def _check_nothing_is_told(words: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM compliance_consentevent t")
        said = "".join(text for (text,) in cursor.fetchall())
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgname LIKE 'pgtrigger_consent_is_append_only%'"
        )
        assert cursor.fetchall() == [("A",)], "the ledger is closed again"
    assert not [word for word in words if word in said]


@pytest.mark.slow
def test_the_way_back_gives_the_columns_back_unless_somebody_was_erased(
    before: Any, account: Account
) -> None:
    _live(before, account)
    migrate()
    tell(account, EventKind.HELD, NOAH, at=NOW + 9 * HOUR)
    gone = Suppression.objects.create(
        account=account, handle="0" * 64, family="sms", state="opted_out", since=NOW, erased_at=NOW
    )
    with pytest.raises(Exception, match="would be written to again"):
        migrate_back()
    gone.delete()

    old = migrate_back()

    rows = old.get_model("compliance", "ConsentEvent").objects.order_by("pk")
    assert list(rows.values_list("address", "words"))[:4] == [
        ("sms:+14155550100", "STOP"),
        ("whatsapp:+6581234567", ""),
        ("sms:+14155550100", "START"),
        ("sms:+14155550100", "QUIT"),
    ]
    consents = old.get_model("compliance", "Consent").objects.order_by("pk")
    assert list(consents.values_list("state", "state_before_opt_out")) == [
        ("opted_out", "conversational"),
        ("opted_out", "none"),
        ("opted_out", "conversational"),
    ], "who was held is opted out: the version before knows no hold"
    migrate()
    assert verify_account(account.pk).events == 6
