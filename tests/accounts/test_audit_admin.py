"""Can staff look through the audit log in the admin, cheaply, and change nothing?"""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import alarm, changes, record, snapshot
from accounts.models import AuditEntry
from tests.admin_world import browser_of, content_of, make_partner_user, make_staff
from tests.conftest import House

LIST = "/admin/accounts/auditentry/"


@pytest.fixture
def root(db: None) -> Client:
    return browser_of(make_staff())


def test_a_line_is_shown_in_words(house: House, root: Client) -> None:
    before = snapshot(house.inbox)
    house.inbox.name = "Sales"
    line = record(
        action="teaminbox_changed",
        subject="Sales",
        now=timezone.now(),
        account_id=house.account.pk,
        changes=changes(before, house.inbox),
        row="7",
    )

    page = root.get(f"{LIST}{line.pk}/change/").content.decode()

    assert "<strong>Name</strong>: Support → Sales" in page
    assert "<strong>Row</strong>: 7" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"changed", "failed", "exported", "old", "alarm"}),
        ("?what=log_ins", {"failed", "old"}),
        ("?what=failed", {"failed"}),
        ("?what=exports", {"exported"}),
        ("?what=changes", {"changed"}),
        ("?when=day", {"changed", "failed", "exported", "alarm"}),
        ("?what=log_ins&when=week", {"failed"}),
        ("?is_alarm__exact=1", {"alarm"}),
        ("?q=fail", {"failed"}),
    ],
)
def test_it_is_filtered(house: House, root: Client, query: str, found: set[str]) -> None:
    now = timezone.now()
    record(action="team_changed", subject="changed", now=now, changes={"a": {}})
    record(action="log_in_failed", subject="failed", now=now)
    record(action="contacts_exported", subject="exported", now=now)
    record(action="logged_in", subject="old", now=now - timedelta(days=40))
    alarm(action="x", subject="alarm", words="!", now=now, account_id=house.account.pk)

    answer = root.get(LIST + query)

    assert answer.status_code == 200
    assert {line.subject for line in answer.context["cl"].result_list} == found


def test_its_file_tells_what_changed_and_how_it_was_done(house: House, root: Client) -> None:
    before = snapshot(house.inbox)
    house.inbox.name = "Sales"
    told = changes(before, house.inbox)
    fields: dict[str, Any] = {"account_id": house.account.pk, "changes": told, "row": "7"}
    record(action="a_b", subject="=1", now=timezone.now(), **fields)

    header, *rows = csv.reader(io.StringIO(content_of(root.get(f"{LIST}export/")).decode()))

    (line,) = [dict(zip(header, row, strict=True)) for row in rows if "a_b" in row]
    assert line["changes"] == '{"name": {"after": "Sales", "before": "Support"}}'
    assert (line["details"], line["subject"]) == ('{"row": "7"}', "'=1")
    assert {"on behalf of", "network", "session", "request id"} <= set(header)


def test_nothing_else_can_be_asked_in_the_address_bar(house: House, root: Client) -> None:
    record(action="looked", subject="Acme", now=timezone.now())

    for query in ("data__contains=x", "session__startswith=a", "what__exact=x"):
        assert root.get(f"{LIST}?{query}").status_code in (302, 400)


def test_it_is_read_and_never_written(house: House, root: Client) -> None:
    line = record(action="looked", subject="Acme", now=timezone.now())

    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(f"{LIST}{line.pk}/change/", {"subject": "x"}).status_code == 403
    assert root.post(f"{LIST}{line.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_partner_reads_what_they_did_themselves(house: House) -> None:
    pat = make_partner_user(house.account.partner)
    record(action="looked", subject="mine", now=timezone.now(), actor=pat)
    record(action="looked", subject="theirs", now=timezone.now(), account_id=house.account.pk)

    shown = browser_of(pat).get(LIST).context["cl"].result_list

    assert {line.subject for line in shown} == {"mine"}


def test_ten_thousand_lines_cost_few_queries(house: House, root: Client) -> None:
    now = timezone.now()
    AuditEntry.objects.bulk_create(
        AuditEntry(account=house.account, actor_label="x", action="looked", subject=str(n), at=now)
        for n in range(10_000)
    )

    for query in ("", "?what=log_ins&when=week", "?q=looked"):
        with CaptureQueriesContext(connection) as asked:
            assert root.get(LIST + query).status_code == 200
        assert len(asked) <= 15


def test_a_look_from_outside_is_in_the_accounts_log(house: House, root: Client) -> None:
    pat = browser_of(make_partner_user(house.account.partner))
    page = f"/admin/inbox/sender/{house.sender.pk}/change/"

    assert root.get(page).status_code == pat.get(page).status_code == 200
    assert root.get("/admin/inbox/sender/999999/change/").status_code == 302

    lines = AuditEntry.objects.filter(action="viewed_in_admin", account=house.account)
    assert {(line.actor_label, line.subject) for line in lines} == {
        ("Rita Root", f"sender {house.sender.pk}"),
        ("Pat Partner", f"sender {house.sender.pk}"),
    }


def test_every_change_in_the_admin_tells_before_and_after(house: House, root: Client) -> None:
    account = house.account
    page = f"/admin/accounts/account/{account.pk}/change/"
    data = {
        "partner": account.partner_id,
        "name": "Acme & Sons",
        "status": "active",
        "deployment": "cloud",
        "time_zone": "Europe/Berlin",
        "default_country": "US",
        "locale": "en",
    }

    assert root.post(page, data).status_code == 302

    line = AuditEntry.objects.get(action="account_changed")
    assert line.data["changes"] == {
        "name": {"before": "Acme", "after": "Acme & Sons"},
        "time_zone": {"before": "UTC", "after": "Europe/Berlin"},
    }
    assert (line.actor_label, line.account) == ("Rita Root", account)
    assert line.network == "127.0.0.0/24"


def test_what_is_added_and_deleted_tells_everything(house: House, root: Client) -> None:
    root.post("/admin/accounts/team/add/", {"account": house.account.pk, "name": "Sales"})
    team = house.account.teams.get(name="Sales")
    root.post(f"/admin/accounts/team/{team.pk}/delete/", {"post": "yes"})

    added, deleted = (
        AuditEntry.objects.get(action=f"team_{what}").data["changes"]
        for what in ("added", "deleted")
    )
    assert added["name"] == {"before": None, "after": "Sales"}
    assert deleted["name"] == {"before": "Sales", "after": None}


def test_a_new_password_is_told_and_not_shown(house: House, root: Client) -> None:
    root.post(
        f"/admin/accounts/user/{house.alice.pk}/password/",
        {"password1": "entirely-new-words-9", "password2": "entirely-new-words-9"},
    )

    line = AuditEntry.objects.get(action="user_changed")
    assert line.data["changes"] == {"password": {"before": "set", "after": "another one"}}
