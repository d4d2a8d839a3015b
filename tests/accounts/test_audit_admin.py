"""Can staff look through the audit log in the admin, cheaply, and change nothing?"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import alarm, changes, record, snapshot
from accounts.models import AuditEntry
from tests.admin_world import browser_of, make_partner_user, make_staff
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
