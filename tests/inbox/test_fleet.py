"""Does the fleet page tell how each account is, to those who look after it, at any size?"""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AuditEntry, FeatureGrant, License, LicensePool, Partner
from compliance.models import Consent
from inbox.admin.fleet import COLUMNS
from inbox.escalating import fire_due, follow_changes
from inbox.models import Conversation, Message, Receipt, Sender, Thread
from tests.admin_world import (
    Company,
    browser_of,
    content_of,
    make_company,
    make_partner_user,
    make_staff,
    sings,
)
from tests.factories import make_account

FLEET = "/admin/fleet/"


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company, umbrella: Company) -> Client:
    """Pat works for the partner of Acme, not for that of Umbrella."""
    return browser_of(make_partner_user(acme.partner))


def lines(browser: Client, query: str = "") -> dict[str, dict[str, Any]]:
    """Return what the page says, by account and column."""
    answer = browser.get(f"{FLEET}?{query}")
    assert answer.status_code == 200
    columns = [column.name for column in COLUMNS]
    if len(answer.context["headings"]) < len(columns):
        columns.remove("partner__name")
    return {
        row.name: dict(zip(columns, cells, strict=True)) for row, cells in answer.context["lines"]
    }


def test_a_partner_sees_their_own_accounts_and_staff_see_all(acme: Company, pat: Client) -> None:
    page = pat.get(FLEET).content

    assert list(lines(pat)) == ["Acme"]
    assert b"Umbrella" not in page
    assert sings(page) == []
    assert sorted(lines(browser_of(make_staff()))) == ["Acme", "Umbrella"]
    assert lines(pat, "q=Umbrella") == {}


def test_it_tells_how_an_account_is(acme: Company, pat: Client) -> None:
    now = timezone.now()
    account = acme.account
    Sender.objects.filter(account=account).update(is_paused=True, paused_at=now)
    until = now + timedelta(days=7)
    License.objects.filter(pool__account=account).update(ends_at=until)
    LicensePool.objects.filter(account=account).update(ends_at=until, seats=12)
    since = now - timedelta(days=2)
    Conversation.objects.filter(account=account).update(waiting_since=since)
    thread = Thread.objects.filter(account=account)[0]
    for seq, status in enumerate(("failed", "delivered", "delivered", "delivered", "blocked")):
        Message.objects.create(
            account=account,
            thread=thread,
            seq=100 + seq,
            direction="out",
            status=status,
            created_at=now - timedelta(hours=1),
        )
    Consent.objects.create(account=account, address="+14155550002", family="sms", since=now)

    line = lines(pat)["Acme"]

    values = {name: cell.value for name, cell in line.items()}
    assert values["has_team_inbox"] is True
    assert (values["inboxes_on"], values["numbers"], values["paused"]) == (1, 1, 1)
    assert values["oldest_wait"] == since
    assert values["failure_rate"] == 25.0
    assert values["opt_out_rate"] == 50.0
    assert values["unprocessed"] == 1  # the stray one in quarantine
    assert (values["licensed_count"], values["seat_count"]) == (2, 12)
    assert values["expires"] == until
    assert values["unheard"] == 0
    assert values["drift"] == 1
    bad = {name for name, cell in line.items() if cell.is_bad}
    assert bad == {
        "paused",
        "drift",
        "oldest_wait",
        "failure_rate",
        "opt_out_rate",
        "unprocessed",
        "expires",
    }


@pytest.mark.parametrize("how", ["feature", "suspended"])
def test_who_writes_to_an_account_that_is_off_is_counted(
    acme: Company, pat: Client, how: str
) -> None:
    Conversation.objects.filter(account=acme.account).update(waiting_since=timezone.now())
    if how == "feature":
        FeatureGrant.objects.filter(account=acme.account).delete()
    else:
        Account.objects.filter(pk=acme.account.pk).update(status="suspended")

    cell = lines(pat)["Acme"]["unheard"]

    assert (cell.value, cell.is_bad) == (1, True)
    assert list(lines(pat, "show=off")) == list(lines(pat, "show=attention")) == ["Acme"]


def test_what_has_just_come_in_is_not_overdue(acme: Company, pat: Client) -> None:
    now = timezone.now()
    mine = Receipt.objects.filter(account=acme.account)
    mine.filter(state="quarantined").update(state="done")
    assert lines(pat)["Acme"]["unprocessed"].value == 0

    pk = mine.latest("pk").pk
    mine.filter(pk=pk).update(state="waiting", next_attempt_at=now)
    assert lines(pat)["Acme"]["unprocessed"].value == 0
    mine.filter(pk=pk).update(state="failed", next_attempt_at=now - timedelta(minutes=5))
    assert lines(pat)["Acme"]["unprocessed"].value == 1


def test_every_column_sorts_both_ways_and_nonsense_is_as_if_not_there(
    acme: Company, umbrella: Company
) -> None:
    root = browser_of(make_staff())
    make_account("Quiet", partner_name="Northwind")

    for column in COLUMNS:
        up, down = (list(lines(root, f"o={sign}{column.name}")) for sign in ("", "-"))
        assert sorted(up) == sorted(down) == ["Acme", "Quiet", "Umbrella"]
    assert list(lines(root, "o=-name")) == ["Umbrella", "Quiet", "Acme"]
    assert list(lines(root, "o=-oldest_wait"))[-1] == "Quiet"
    for nonsense in ("o=password", "o=partner__users__password", "show=x", "page=x", "page=99"):
        assert len(lines(root, nonsense)) == 3


def test_the_file_holds_the_same_and_is_noted(acme: Company, pat: Client) -> None:
    Account.objects.filter(pk=acme.account.pk).update(name="=cmd()")

    answer = pat.get("/admin/fleet/export/?o=-name")

    text = content_of(answer).decode("utf-8-sig")
    header, line = csv.reader(text.splitlines())
    assert header[0] == "Account"
    assert "Partner" not in header
    assert line[0] == "'=cmd()"
    assert AuditEntry.objects.filter(action="fleet_exported").count() == 1


def _plan(sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.slow
def test_ten_thousand_accounts_cost_as_many_queries_as_two(acme: Company) -> None:
    root = browser_of(make_staff())
    partner = Partner.objects.get(name="Northwind")
    with CaptureQueriesContext(connection) as few:
        root.get(FLEET)
    Account.objects.bulk_create(
        [Account(partner=partner, name=f"Account {n}") for n in range(10_000)], batch_size=2000
    )
    _clone_messages(100_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    for query in ("", "page=150", "o=-failure_rate", "o=-oldest_wait", "show=attention", "q=77"):
        with CaptureQueriesContext(connection) as many:
            assert root.get(f"{FLEET}?{query}").status_code == 200
        assert len(many) <= len(few) <= 8, query
        (page,) = [one["sql"] for one in many if "failure_rate" in one["sql"]]
        plan = _plan(page, None)
        # A message is looked up by its account and the day, never searched for among all.
        assert "Seq Scan on inbox_message" not in plan, plan
        assert "message_outcome" in plan, plan


def _clone_messages(number: int) -> None:
    """Spread copies of a message over the accounts, all but a few of them long ago."""
    names = [
        str(field.column)
        for field in Message._meta.concrete_fields
        if field.column not in {"id", "seq", "client_id", "public_id", "account_id", "created_at"}
    ]
    values = ", ".join(
        {"direction": "'out'", "provider_sid": "NULL", "status": "'delivered'"}.get(name, name)
        for name in names
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO inbox_message ({', '.join(names)}, seq, client_id, public_id, account_id,"
            f" created_at) SELECT {values}, 1000 + g, 'c' || g, 'p' || g,"
            " (SELECT min(id) FROM accounts_account) + mod(g, 10000),"
            " now() - g * interval '5 minutes' FROM inbox_message, generate_series(1, %s) AS g"
            " WHERE inbox_message.id = (SELECT min(id) FROM inbox_message)",
            [number],
        )


def test_who_was_left_unanswered_for_a_day_of_business_makes_a_red_row(
    acme: Company, pat: Client
) -> None:
    since = timezone.now() - timedelta(days=2)
    Conversation.objects.filter(account=acme.account).update(
        waiting_since=since, wait_generation=7, owner=None, owned_since=None
    )

    follow_changes(now=timezone.now())
    fire_due(now=timezone.now())

    assert lines(pat)["Acme"]["unanswered"].value == 1
    assert b"fleet-red" in pat.get(FLEET).content
    Conversation.objects.filter(account=acme.account).update(waiting_since=None)
    assert lines(pat)["Acme"]["unanswered"].value == 0
    assert b"fleet-red" not in pat.get(FLEET).content
