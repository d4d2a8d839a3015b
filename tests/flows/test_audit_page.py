"""Does the audit log answer who did what, when, and what was before? And to whom it may?"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import changes, record, snapshot
from accounts.models import AuditEntry, Partner, SupportAccess, User
from tests.admin_world import browser_of
from tests.conftest import House
from tests.factories import make_account, make_twilio_account, make_user

PAGE, EXPORT = "/settings/audit/", "/settings/audit/export/"
Login = Callable[[User], Client]


@pytest.fixture
def admin(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def ada(admin: User, login: Login) -> Client:
    return login(admin)


def note(house: House, action: str, subject: str = "Acme", **fields: Any) -> AuditEntry:
    fields.setdefault("now", timezone.now())
    return record(action=action, subject=subject, account_id=house.account.pk, **fields)


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def table(client: Client, **asked: str) -> list[list[str]]:
    answer = client.post(EXPORT, asked)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    text = answer.getvalue().decode().removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_change_is_shown_field_by_field(house: House, admin: User, ada: Client) -> None:
    row = make_twilio_account(house.account, auth_token="5ec2e7" + "0" * 26)
    before = snapshot(row)
    row.auth_token, row.api_key_sid = "5ec2e7" + "1" * 26, "SK" + "1" * 32
    note(house, "connection_changed", str(row), actor=admin, changes=changes(before, row))

    page = shown(ada)

    assert "Connection changed" in page
    assert "Ada" in page
    assert '<td dir="auto">–</td> <td dir="auto">SK1111' in page
    assert "another one" in page
    assert "5ec2e7" not in page


def test_what_older_lines_told_otherwise_is_still_read(house: House, ada: Client) -> None:
    note(house, "team_changed", changes=[{"changed": {"fields": ["Name"]}}], row="7")
    note(house, "teaminbox_changed", words="It happened by itself.")
    note(house, "odd_line")

    page = shown(ada)

    assert "Changed: Fields: Name" in page
    assert "Odd line" in page
    assert "Team inbox changed" in page
    assert "It happened by itself." in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"first", "second", "third"}),
        ("?who=ali", {"first"}),
        ("?who=system", {"second", "third"}),
        ("?action=sender_paused", {"second"}),
        ("?subject=THIR", {"third"}),
        ("?since=2026-11-22", {"second", "third"}),
        ("?until=2026-11-21", {"first"}),
        ("?since=2026-11-22&until=2026-11-22", {"second"}),
        ("?who=ali&action=sender_paused", set()),
    ],
)
def test_it_is_filtered_by_who_what_when_and_subject(
    house: House, ada: Client, query: str, found: set[str], now: datetime
) -> None:
    note(house, "looked", "first", actor=house.alice, now=now - timedelta(days=3))
    note(house, "sender_paused", "second", now=now - timedelta(days=1))
    note(house, "looked", "third", now=now)

    page = shown(ada, query)

    subjects = ("first", "second", "third")
    assert {s for s in subjects if f'<span dir="auto">{s}</span>' in page} == found


def test_the_days_of_the_filter_are_those_of_the_account(house: House, ada: Client) -> None:
    house.account.time_zone = "Pacific/Auckland"
    house.account.save()
    # In Auckland it is the 24th already.
    note(house, "looked", "late", now=datetime.fromisoformat("2026-11-23T12:00:00+00:00"))

    assert "late</span>" in shown(ada, "?since=2026-11-24")
    assert "late</span>" not in shown(ada, "?until=2026-11-23")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?since=yesterday", "Enter a valid date."),
        ("?since=2026-11-24&until=2026-11-01", "It must not be before the first day."),
        ("?action=nonsense", "Select a valid choice"),
    ],
)
def test_a_wrong_filter_is_told_at_its_field(ada: Client, query: str, words: str) -> None:
    answer = ada.get(f"{PAGE}{query}")

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert ada.post(EXPORT, {"since": "yesterday"}).status_code == 422
    assert not AuditEntry.objects.filter(action="audit_log_exported").exists()


def test_every_line_comes_once_however_many_have_the_same_moment(
    house: House, ada: Client, now: datetime
) -> None:
    for n in range(130):
        note(house, "looked", f"line-{n}", now=now - timedelta(seconds=n // 40))

    seen: list[int] = []
    after: Any = ""
    while after is not None:
        page = ada.get(f"{PAGE}?action=looked&after={after}").context["page"]
        seen += [line.entry.pk for line in page.lines]
        after = page.next_after

    in_order = AuditEntry.objects.filter(action="looked").order_by("-at", "-pk")
    assert seen == list(in_order.values_list("pk", flat=True))
    assert ada.get(f"{PAGE}?after=99999999999999999999").status_code == 200
    assert ada.get(f"{PAGE}?after=-1").status_code == 200


# --- The table -----------------------------------------------------------------------------------


def test_the_export_has_every_line_and_no_formula_and_is_itself_written_down(
    house: House, admin: User, ada: Client, now: datetime
) -> None:
    note(house, "looked", "=cmd|' /C calc'!A0", actor=house.alice, now=now)
    note(house, "team_changed", "Sales", changes={"name": {"before": "A", "after": "B"}}, now=now)

    header, *rows = table(ada)

    assert header[:4] == ["At (UTC)", "Who", "On behalf of", "What"]
    assert {row[4] for row in rows} >= {"'=cmd|' /C calc'!A0", "Sales"}
    assert '{"name": {"after": "B", "before": "A"}}' in {row[5] for row in rows}
    line = AuditEntry.objects.get(action="audit_log_exported")
    assert (line.actor, line.account) == (admin, house.account)
    assert any(row[3] == "audit_log_exported" for row in rows), "the export knows of itself"


def test_the_export_is_what_was_asked_for(house: House, ada: Client, now: datetime) -> None:
    note(house, "looked", "one", now=now)
    note(house, "team_changed", "two", now=now)

    _, *rows = table(ada, action="looked")

    assert [row[4] for row in rows] == ["one"]
    line = AuditEntry.objects.get(action="audit_log_exported")
    assert line.data["filters"] == {"action": "looked"}


def test_the_export_comes_in_batches(house: House, ada: Client, now: datetime) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(account=house.account, actor_label="x", action="looked", subject=str(n), at=now)
        for n in range(1234)
    )

    _, *rows = table(ada, action="looked")

    assert [int(row[4]) for row in rows] == list(reversed(range(1234)))


# --- Who may read what ---------------------------------------------------------------------------


def test_two_accounts_never_meet(house: House, ada: Client, login: Login, now: datetime) -> None:
    line = note(house, "looked", "secret-subject", now=now)
    elsewhere = make_account("Umbrella")
    otto = login(make_user(elsewhere, "Otto", works_as=User.Role.ACCOUNT_ADMIN))

    assert "secret-subject" not in shown(otto)
    assert "secret-subject" not in shown(otto, f"?after={line.pk + 1}")
    assert "secret-subject" not in str(table(otto))
    # What was done elsewhere is not even offered.
    assert "Looked" not in shown(otto)


def test_an_auditor_reads_and_exports_and_reads_nothing_else(
    house: House, login: Login, now: datetime
) -> None:
    note(house, "looked", "a line", now=now)
    audrey = login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))

    assert "a line" in shown(audrey)
    assert len(table(audrey)) == 3
    assert audrey.get("/settings/").status_code == 404
    User.objects.filter(name="Audrey").update(is_active=False)
    assert audrey.get(PAGE).status_code == 302


def test_a_partner_in_support_reads_what_they_did_and_no_more(house: House, now: datetime) -> None:
    pat = User.objects.create_user(
        "pat@partner.example",
        name="Pat",
        role=User.Role.PARTNER,
        partner=house.account.partner,
        is_staff=True,
    )
    browser = browser_of(pat)
    assert browser.get(PAGE).status_code == 404
    started = timezone.now()
    SupportAccess.objects.create(
        account=house.account,
        user=pat,
        reason="They asked",
        starts_at=started,
        ends_at=started + timedelta(hours=1),
    )
    note(house, "looked", "by-somebody-else", now=now)

    page = shown(browser)

    assert "by-somebody-else" not in page
    assert "on behalf of" in page
    assert "Acme (support access" in page


def test_a_partner_of_others_is_not_there(house: House) -> None:
    other = Partner.objects.create(name="Contoso")
    user = User.objects.create_user(
        "o@partner.example", name="O", role=User.Role.PARTNER, partner=other, is_staff=True
    )

    assert browser_of(user).get(PAGE).status_code == 404


# --- Many ----------------------------------------------------------------------------------------


def test_ten_thousand_lines_are_never_counted_and_cost_as_much_as_ten(
    house: House, ada: Client, now: datetime
) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(
            account=house.account,
            actor=house.alice,
            actor_label="Alice",
            action=f"action_{n % 20}",
            subject=f"subject {n}",
            at=now - timedelta(minutes=n),
        )
        for n in range(10_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_auditentry")

    with CaptureQueriesContext(connection) as asked:
        assert ada.get(PAGE).status_code == 200
        assert ada.get(f"{PAGE}?action=action_7&who=alice").status_code == 200

    log = [query["sql"] for query in asked if "accounts_auditentry" in query["sql"]]
    assert len(asked) <= 20, "two pages"
    assert not any("COUNT(" in sql for sql in log)
    for sql in log:
        if sql.lstrip().startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql)
                plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
