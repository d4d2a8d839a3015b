"""Is every look of a partner or of staff in the admin a line in the log of whom they looked at?"""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from accounts import admin_scope
from accounts.models import AuditEntry, User
from tests.admin_world import (
    Company,
    browser_of,
    content_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
)
from tests.factories import make_user

SENDERS = "/admin/inbox/sender/"


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def second(db: None) -> Company:
    return make_company("Second", "Northwind", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


def looks(company: Company) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what an account reads of looks at its rows."""
    rows = AuditEntry.objects.filter(account=company.account).order_by("pk")
    found = rows.filter(action__in=("viewed_in_admin", "listed_in_admin"))
    return [(row.action, row.subject, row.data) for row in found]


def test_a_list_is_a_line_in_the_log_of_each_account_in_it(
    acme: Company, second: Company, pat: Client
) -> None:
    for client in (pat, browser_of(make_staff())):
        client.get(f"{SENDERS}?kind__exact=number&q=555")

    told = {"rows": 1, "filters": {"kind__exact": "number"}, "searched": True}
    for company in (acme, second):
        assert looks(company) == [("listed_in_admin", "senders", told)] * 2
    names = AuditEntry.objects.filter(action="listed_in_admin").values_list("actor_label")
    assert {name for (name,) in names} == {"Pat Partner", "Rita Root"}
    told_of = AuditEntry.objects.filter(action="listed_in_admin").values(
        "actor_label", "action", "subject", "data"
    )
    assert "555" not in str(list(told_of))


def test_what_a_list_does_not_show_is_not_told(acme: Company, second: Company, pat: Client) -> None:
    pat.get(f"{SENDERS}?account__id__exact={acme.account.pk}")
    pat.get(f"{SENDERS}?q=nothing-like-that")

    assert len(looks(acme)) == 1
    assert looks(second) == []


@pytest.mark.parametrize(
    ("path", "page"), [("change", None), ("history", "history"), ("delete", "delete")]
)
def test_every_page_of_a_row_is_a_line(
    acme: Company, pat: Client, path: str, page: str | None
) -> None:
    team = acme.inbox.team
    enter_for_support(acme, User.objects.get(email="pat@partner.example"))

    assert pat.get(f"/admin/accounts/team/{team.pk}/{path}/").status_code == 200

    told = {"page": page} if page else {}
    assert looks(acme) == [("viewed_in_admin", f"team {team.pk}", told)]


def test_a_row_that_a_refused_form_shows_is_a_line_too(acme: Company, pat: Client) -> None:
    answer = pat.post(f"/admin/accounts/team/{acme.inbox.team_id}/change/", {"name": ""})

    assert answer.status_code == 200
    assert [action for action, *_ in looks(acme)] == ["viewed_in_admin"]


def test_a_task_and_the_fleet_are_lines(acme: Company, pat: Client) -> None:
    pat.get(f"/admin/accounts/account/suspend/?ids={acme.account.pk}")
    pat.get("/admin/fleet/?q=Acme")
    pat.get("/admin/compliance/consent/")

    subjects = [subject for _action, subject, _data in looks(acme)]
    assert subjects == ["accounts: Suspend", "fleet", "consents, counted"]


def test_what_a_form_suggests_is_a_line_too(acme: Company, second: Company, pat: Client) -> None:
    field = {"app_label": "accounts", "model_name": "membership", "field_name": "user"}

    assert len(pat.get("/admin/autocomplete/", {**field, "term": ""}).json()["results"]) == 4
    pat.get("/admin/autocomplete/", {**field, "term": "nobody-like-that"})

    assert [looks(company) for company in (acme, second)] == [
        [("listed_in_admin", "suggestions of users", {"rows": 2})]
    ] * 2


def test_what_a_person_sees_of_their_own_account_is_no_look_from_outside(acme: Company) -> None:
    ada = browser_of(make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))

    ada.get(SENDERS)
    ada.get(f"{SENDERS}{acme.sender.pk}/change/")

    assert looks(acme) == []


def test_an_account_reads_who_took_its_rows_away(
    acme: Company, second: Company, pat: Client
) -> None:
    content_of(pat.get("/admin/accounts/user/export/?role__exact=member"))
    content_of(pat.get("/admin/accounts/user/export/?q=nobody-like-that"))

    found = AuditEntry.objects.filter(action="user_exported").order_by("pk")
    told = {"filters": {"role__exact": "member"}, "rows": 2}
    accounts = {acme.account.pk: told, second.account.pk: told}
    assert {row.account_id: row.data for row in found[:2]} == accounts
    (empty,) = found[2:]
    assert (empty.account, empty.data) == (None, {"filters": {"searched": "True"}})


def test_a_file_that_is_cut_off_says_so(
    acme: Company, second: Company, pat: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = content_of(pat.get("/admin/accounts/user/export/")).decode("utf-8-sig")
    monkeypatch.setattr(admin_scope, "MOST_EXPORTED", 3)

    cut = content_of(pat.get("/admin/accounts/user/export/")).decode("utf-8-sig")

    *rows, last = csv.reader(io.StringIO(cut))
    assert "first 10,000 rows" not in whole
    assert (len(rows), last[0].startswith("These are the first")) == (4, True)
