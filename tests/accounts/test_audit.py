"""What does the audit log know of a change, and can anybody rewrite it?"""

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.audit import changes, record, record_export, snapshot
from accounts.circumstances import act_on_behalf_of, remember_request, shortened
from accounts.models import AuditEntry, TwilioAccount
from tests.conftest import NOW, House
from tests.factories import make_account, make_twilio_account

SECRET = "5ec2e7" + "0" * 26
pytestmark = pytest.mark.django_db


# --- Before and after ---


def test_a_change_tells_what_was_before_and_what_is_now(house: House) -> None:
    team = house.inbox.team
    before = snapshot(team)

    team.name = "Sales"

    assert changes(before, team) == {"name": {"before": "Support", "after": "Sales"}}
    assert changes(before, before) == {}


def test_a_new_row_and_one_that_goes_tell_everything(house: House) -> None:
    grant = house.account.feature_grants.get(feature="whatsapp")

    added, deleted = changes(None, grant), changes(grant, None)

    assert added["feature"] == {"before": None, "after": "whatsapp"}
    assert deleted["feature"] == {"before": "whatsapp", "after": None}
    assert added["account"]["after"] in (house.account.pk, f"Acme ({house.account.pk})")
    assert added["starts_at"]["after"] == "2020-01-01T00:00:00+00:00"


def test_a_related_row_is_told_by_name_and_compared_by_key(house: House) -> None:
    other = make_account("Umbrella")
    sender = type(house.sender).objects.get(pk=house.sender.pk)
    before = snapshot(sender)

    assert changes(before, house.sender) == {}
    house.sender.account = other

    assert changes(before, house.sender)["account"] == {
        "before": house.account.pk,
        "after": f"Umbrella ({other.pk})",
    }


def test_a_secret_is_told_as_set_changed_or_removed_and_never_shown(house: House) -> None:
    row = make_twilio_account(house.account, auth_token=SECRET, api_key_secret=SECRET)
    before = snapshot(row)
    row.auth_token, row.api_key_secret, row.shared_key = SECRET[::-1], "", SECRET

    told = changes(before, row)

    assert told == {
        "auth_token": {"before": "set", "after": "another one"},
        "api_key_secret": {"before": "set", "after": "not set"},
        "shared_key": {"before": "not set", "after": "set"},
    }
    assert SECRET[:12] not in repr(before) + json.dumps(told)


def test_a_secret_that_was_never_read_is_told_when_written(house: House) -> None:
    pk = make_twilio_account(house.account, auth_token=SECRET).pk
    row = TwilioAccount.objects.defer("auth_token", "shared_key").get(pk=pk)
    before = snapshot(row)

    row.auth_token = SECRET[::-1]

    assert changes(before, row) == {"auth_token": {"before": "not read", "after": "set"}}


@pytest.mark.parametrize(("row", "field"), [("alice", "password"), ("sender", "path_token")])
def test_what_opens_a_door_is_masked_by_its_name(house: House, row: str, field: str) -> None:
    obj = getattr(house, row)
    old = getattr(obj, field)
    before = snapshot(obj)
    setattr(obj, field, "changed-" + SECRET[:10])

    told = changes(before, obj)

    assert told == {field: {"before": "set", "after": "another one"}}
    assert old not in repr(before)


# --- How it was done ---


def test_a_line_says_from_where_in_which_session_and_on_whose_behalf(house: House) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.77")
    request.session = type("Session", (), {"session_key": "a-session-key"})()

    def view(request: HttpRequest) -> HttpResponse:
        act_on_behalf_of(request, "Acme (support access 12)")
        record(action="looked", subject="Acme", now=NOW, account_id=house.account.pk)
        return HttpResponse()

    remember_request(view)(request)
    record(action="looked", subject="later", now=NOW)

    line, later = AuditEntry.objects.order_by("pk")
    assert (line.network, line.on_behalf_of) == ("203.0.113.0/24", "Acme (support access 12)")
    assert len(line.session) == 12
    assert "a-session-key" not in str(vars(line))
    assert (later.network, later.session, later.on_behalf_of) == ("", "", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, network: str) -> None:
    assert shortened(address) == network


def test_an_export_says_what_was_taken_and_what_it_was_limited_to(house: House) -> None:
    line = record_export(
        what="audit", by=house.alice, now=NOW, account_id=house.account.pk, who="", action="looked"
    )

    assert line.action == "audit_exported"
    assert line.data == {"filters": {"action": "looked"}}


# --- Never changed ---

ATTEMPTS = {
    "the ORM's update": lambda row: AuditEntry.objects.filter(pk=row.pk).update(subject="x"),
    "the ORM's delete": lambda row: row.delete(),
    "the ORM's raw delete": lambda row: AuditEntry.objects.all()._raw_delete("default"),
    "save": lambda row: row.save(),
    "SQL": lambda row: _run("UPDATE accounts_auditentry SET at = now()"),
    "SQL's delete": lambda row: _run("DELETE FROM accounts_auditentry"),
    "an upsert": lambda row: _run(
        "INSERT INTO accounts_auditentry SELECT * FROM accounts_auditentry"
        " ON CONFLICT (id) DO UPDATE SET subject = 'x'"
    ),
}


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("way", ATTEMPTS)
@pytest.mark.parametrize("ignore", [False, True])
def test_no_line_can_be_changed(way: str, ignore: bool) -> None:
    row = record(action="looked", subject="Acme", now=NOW)
    told: Any = AuditEntry.objects.values().get()

    if ignore:
        # What pgtrigger.ignore does; its own triggers look away then.
        _run("SET LOCAL pgtrigger.ignore = '{pgtrigger_audit_is_append_only_a92c0}'")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ATTEMPTS[way](row)

    assert AuditEntry.objects.values().get() == told


def test_the_log_cannot_be_emptied_at_once() -> None:
    """The tests have this trigger off: it is how they clean up."""
    record(action="looked", subject="Acme", now=NOW - timedelta(days=1))
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    _run("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")

    for sql in ("TRUNCATE accounts_auditentry", "TRUNCATE accounts_account CASCADE"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            _run(sql)

    assert AuditEntry.objects.count() == 1


@pytest.fixture
def service_role() -> str:
    """Have a role that owns nothing; it stays in the test's own server."""
    found = connection.settings_dict
    name = "audit_test_role"
    try:
        boss = psycopg.connect(
            host=found["HOST"], dbname=found["NAME"], user="postgres", autocommit=True
        )
    except psycopg.OperationalError:
        pytest.skip("this PostgreSQL lets nobody make a role")
    with boss:
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            boss.execute(f"CREATE ROLE {name} LOGIN")
        boss.execute(f"GRANT {name} TO {found['USER']}")
    return name


def test_the_service_of_the_operators_page_cannot_get_around_it(service_role: str) -> None:
    """What docs/operators.md gives the service: it may write lines, and that is all."""
    page = Path("docs/operators.md").read_text()
    first, *grants = page.partition("```sql\n")[2].partition("```")[0].strip().splitlines()
    assert first.startswith("CREATE ROLE teaminbox_app")
    _run("\n".join(grants).replace("teaminbox_app", service_role))
    _run(f"SET LOCAL ROLE {service_role}")

    record(action="looked", subject="Acme", now=NOW)
    for attempt in (
        "UPDATE accounts_auditentry SET subject = 'x'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
        "ALTER TABLE accounts_auditentry DISABLE TRIGGER USER",
        "DROP TRIGGER pgtrigger_audit_is_append_only_a92c0 ON accounts_auditentry",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_to_change_a_ledger() RETURNS trigger AS "
        "'BEGIN RETURN OLD; END' LANGUAGE plpgsql",
        "DROP TABLE accounts_auditentry CASCADE",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            _run(attempt)

    assert AuditEntry.objects.count() == 1
