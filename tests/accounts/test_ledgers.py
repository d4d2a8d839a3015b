"""Can anybody rewrite a ledger: what was done, what people consented to, what became of work?"""

from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model, QuerySet
from pgtrigger import Trigger

from accounts.ledgers import NeverEmptied, Unchangeable
from tests.admin_world import make_company
from tests.conftest import LEDGERS, NEVER_EMPTIED

pytestmark = pytest.mark.django_db
every_ledger = pytest.mark.parametrize("ledger", LEDGERS, ids=lambda model: model.__name__)
# A session may say any of these of itself.
PRETEXTS = {
    "nothing said": "SELECT 1",
    "pgtrigger told to look away": "SET LOCAL pgtrigger.ignore = '{%s}'",
    "replaying somebody's changes": "SET LOCAL session_replication_role = replica",
}


def _run(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _names(ledger: Any, kind: type[Trigger]) -> str:
    return ",".join(t.get_pgid(ledger) for t in ledger._meta.triggers if isinstance(t, kind))


@pytest.fixture
def _may_say_anything() -> None:
    """Let this session claim to replay changes, as only a server's boss may otherwise."""
    found = connection.settings_dict
    try:
        boss = psycopg.connect(
            host=found["HOST"], dbname=found["NAME"], user="postgres", autocommit=True
        )
        with boss:
            boss.execute(f"GRANT SET ON PARAMETER session_replication_role TO {found['USER']}")
    except psycopg.Error:
        pytest.skip("this PostgreSQL lets nobody say that")


@every_ledger
@pytest.mark.parametrize("pretext", PRETEXTS)
@pytest.mark.usefixtures("_may_say_anything")
def test_no_row_is_changed_or_deleted(ledger: Any, pretext: str) -> None:
    make_company("Acme", "Northwind")
    before = list(ledger.objects.order_by("pk").values())
    assert before
    said = PRETEXTS[pretext]
    _run(said % _names(ledger, Unchangeable) if "%s" in said else said)

    # Past what our own code says before the database does.
    rows: Any = QuerySet(ledger)
    for attempt in (
        lambda: rows.filter(pk=before[0]["id"]).update(account=None),
        lambda: rows.all()._raw_delete("default"),
        lambda: Model.save(rows.order_by("pk")[0]),
        lambda: _run(f"DELETE FROM {ledger._meta.db_table}"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            attempt()

    assert list(ledger.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("ledger", NEVER_EMPTIED, ids=lambda model: model.__name__)
def test_no_ledger_is_emptied_at_once(ledger: Any) -> None:
    """The tests have this trigger off: it is how they clean up."""
    make_company("Acme", "Northwind")
    count, table = ledger.objects.count(), ledger._meta.db_table
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    _run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {_names(ledger, NeverEmptied)}")

    for sql in (f"TRUNCATE {table} CASCADE", f"TRUNCATE {table}, accounts_account CASCADE"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            _run(sql)
    # Where other rows lean on it, PostgreSQL itself is first to refuse.
    refusals = "append-only|referenced in a foreign key"
    with pytest.raises(DatabaseError, match=refusals), transaction.atomic():
        _run(f"TRUNCATE {table}")

    assert ledger.objects.count() == count


@every_ledger
def test_its_triggers_fire_whatever_a_session_says_of_itself(ledger: Any) -> None:
    found = dict(
        _run(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
            f" AND tgrelid = '{ledger._meta.db_table}'::regclass"
        )
    )

    assert found[_names(ledger, Unchangeable)] == "A"
    # Switched off for the tests; the migration made it so.
    assert found[_names(ledger, NeverEmptied)] in {"A", "D"}
