"""May a supervisor set hours and replies where the inbox allows it, and nothing beside them?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, License, Membership, User
from inbox.models import TeamInbox
from routing.models import BusinessHours
from tests.conftest import House
from tests.factories import LONG_AGO, make_hours, make_inbox, make_user

Login = Callable[[User], Client]
INBOX, LIST = "/settings/inboxes/support/", "/settings/hours/"


@pytest.fixture
def browser(house: House, login: Login) -> Client:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(supervisors_may_set_up=True)
    return login(house.sue)


@pytest.fixture
def sales(house: House) -> TeamInbox:
    return make_inbox(house.account, "Sales")


def url(hours: BusinessHours, page: str = "edit") -> str:
    return reverse(f"settings_hours_{page}", kwargs={"pk": hours.pk})


def save(browser: Client, card: str, **data: Any) -> Any:
    version = TeamInbox.objects.get(slug="support").settings_version
    return browser.post(INBOX, {"card": card, "version": version, **data}, follow=True)


def rename(browser: Client, hours: BusinessHours) -> Any:
    hours.refresh_from_db()
    data = {"card": "name", "version": hours.version, "name": f"Hours {hours.pk}", "zone": "UTC"}
    return browser.post(url(hours), data)


def test_an_admin_lets_supervisors_in_and_out_again(house: House, login: Login) -> None:
    ada = login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    sue = login(house.sue)
    assert sue.get(INBOX).status_code == 404
    assert INBOX not in sue.get("/inbox/support/").content.decode()

    save(ada, "supervisors", **{"supervisors-supervisors_may_set_up": "on"})

    assert sue.get(INBOX).status_code == 200
    assert INBOX in sue.get("/inbox/support/").content.decode()
    assert INBOX not in login(house.bob).get("/inbox/support/").content.decode()
    change = AuditEntry.objects.get(action="inbox_changed").data["changes"]
    assert change == {"supervisors_may_set_up": {"before": False, "after": True}}
    save(ada, "supervisors")
    assert sue.get(INBOX).status_code == 404


def test_two_admins_who_disagree_are_told_in_words(house: House, login: Login) -> None:
    ada = login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    TeamInbox.objects.update(supervisors_may_set_up=True, settings_version=2)

    answer = ada.post(
        INBOX, {"card": "supervisors", "version": "1", "seen_supervisors_may_set_up": "False"}
    )

    assert answer.status_code == 409
    assert '<strong dir="auto">yes</strong>' in answer.content.decode()


def test_a_supervisor_sets_the_first_reply_and_nothing_else(house: House, browser: Client) -> None:
    page = browser.get(INBOX).content.decode()
    assert "Who signs automatic replies" in page
    for words in ("Who answers<", "How conversations end", "Name and place", "/turn-off/"):
        assert words not in page

    answer = save(browser, "greeting", **{"greeting-bot_name": "Robo"})

    assert "“Who signs automatic replies” is saved." in answer.content.decode()
    house.inbox.refresh_from_db()
    assert house.inbox.bot_name == "Robo"
    assert AuditEntry.objects.get(action="inbox_changed").actor == house.sue
    for card in ("look", "claiming", "ending", "supervisors", "nonsense"):
        assert save(browser, card).status_code == 404
    assert TeamInbox.objects.get(pk=house.inbox.pk).supervisors_may_set_up


def test_hours_that_only_their_inboxes_keep_are_theirs(
    house: House, browser: Client, sales: TeamInbox
) -> None:
    ours, shared, others = (make_hours(house.account, name) for name in ("A", "B", "C"))
    TeamInbox.objects.filter(pk=house.inbox.pk).update(hours=ours)
    make_inbox(house.account, "Returns", hours=others)

    assert rename(browser, ours).status_code == 302
    assert rename(browser, others).status_code == 404
    page = browser.get(LIST).content.decode()
    assert f'href="{url(ours)}"' in page
    assert f'href="{url(others)}"' not in page
    assert url(others, "copy") not in page

    # What another inbox keeps as well can be copied, and no more.
    TeamInbox.objects.filter(pk=house.inbox.pk).update(hours=shared)
    TeamInbox.objects.filter(pk=sales.pk).update(hours=shared)
    assert rename(browser, shared).status_code == 404
    page = browser.get(LIST).content.decode()
    assert "only account admins change them" in page
    assert f'href="{url(shared)}"' not in page
    answer = browser.post(url(shared, "copy"))
    copy = BusinessHours.objects.latest("pk")
    assert answer.headers["Location"] == url(copy)
    assert rename(browser, copy).status_code == 302
    assert browser.post(url(others, "copy")).status_code == 404


def test_their_inbox_takes_hours_and_no_other_does(
    house: House, browser: Client, sales: TeamInbox
) -> None:
    hours = make_hours(house.account, "New")
    data = {"card": "inboxes", "version": hours.version}
    page = browser.get(url(hours)).content.decode()
    assert "Sales" not in page

    for field in ("inbox", "seen"):
        sneaky = {**data, field: [str(house.inbox.pk), str(sales.pk)]}
        assert browser.post(url(hours), sneaky).status_code == 404
    browser.post(url(hours), {**data, "inbox": [str(house.inbox.pk)]})

    for inbox in (house.inbox, sales):
        inbox.refresh_from_db()
    assert (house.inbox.hours, sales.hours) == (hours, None)


def test_nobody_but_an_admin_deletes_hours(house: House, browser: Client) -> None:
    hours = make_hours(house.account, "Unused")

    assert browser.post(url(hours, "delete")).status_code == 404

    assert url(hours, "delete") not in browser.get(LIST).content.decode()
    assert BusinessHours.objects.filter(pk=hours.pk).exists()


def test_another_inbox_stays_closed(house: House, browser: Client, sales: TeamInbox) -> None:
    Membership.objects.create(team=sales.team, user=house.sue, role="supervisor")
    assert browser.get("/settings/inboxes/sales/").status_code == 404
    TeamInbox.objects.update(supervisors_may_set_up=True)
    assert browser.get("/settings/inboxes/sales/").status_code == 200


def no_licence(house: House) -> None:
    License.objects.filter(holder=house.sue).update(ends_at=LONG_AGO)


def only_an_agent(house: House) -> None:
    Membership.objects.filter(user=house.sue).update(role="agent")


def switched_off(house: House) -> None:
    TeamInbox.objects.update(is_on=False)


def suspended(house: House) -> None:
    house.account.status = "suspended"
    house.account.save()


def an_auditor(house: House) -> None:
    User.objects.filter(pk=house.sue.pk).update(role="auditor")


@pytest.mark.parametrize("what", [no_licence, only_an_agent, switched_off, suspended, an_auditor])
def test_who_can_no_longer_supervise_sets_nothing(
    house: House, browser: Client, what: Callable[[House], None]
) -> None:
    hours = make_hours(house.account, "Ours")
    what(house)

    for path in (INBOX, LIST, url(hours)):
        assert browser.get(path).status_code == 404
