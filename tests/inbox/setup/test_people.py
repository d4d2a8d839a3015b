"""Does an account keep an admin, and does who leaves leave nothing behind?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.access import is_licensed
from accounts.licences import assign_licenses
from accounts.models import (
    Account,
    AuditEntry,
    BrowserSession,
    License,
    LicensePool,
    Membership,
    SupportAccess,
    User,
    in_force,
)
from accounts.refusals import RefusedError
from inbox.access import readers_of
from inbox.conversations import release_ineligible
from inbox.models import Conversation, ConversationEvent
from inbox.setup.people import (
    LastAdminError,
    PeopleError,
    change_role,
    deactivate_person,
    reactivate_person,
)
from tests.conftest import NOW, House
from tests.factories import days, make_account, make_user
from tests.twilio import text_in

ADMIN = User.Role.ACCOUNT_ADMIN
MARIA = "+14155550123"


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=ADMIN)


def own_one(house: House, user: User) -> Conversation:
    """Give somebody a conversation."""
    conversation = text_in(Client(), house.sender, MARIA).conversation
    assert conversation is not None
    Conversation.objects.filter(pk=conversation.pk).update(
        owner=user, owned_since=NOW, is_team_wide=False
    )
    return conversation


def test_who_is_deactivated_is_out_and_gives_back_what_they_had(
    house: House, ada: User, login: Callable[[User], Client], now: datetime
) -> None:
    conversation = own_one(house, house.bob)
    browser = login(house.bob)
    assert browser.get("/inbox/support/").status_code == 200

    count = deactivate_person(user=house.bob, by=ada, now=now)

    conversation.refresh_from_db()
    assert (count, conversation.owner) == (1, None)
    event = ConversationEvent.objects.get(verb="released")
    assert event.data["reason"] == "log-in switched off"
    assert not is_licensed(house.bob.pk, now=now)
    assert not BrowserSession.objects.filter(user=house.bob).exists()
    assert browser.get("/inbox/support/").status_code == 302
    assert Membership.objects.filter(user=house.bob).exists()
    line = AuditEntry.objects.get(action="deactivated")
    assert (line.subject, line.actor, line.data["sessions_ended"]) == ("Bob", ada, 1)


def test_who_comes_back_has_role_and_teams_and_no_licence(
    house: House, ada: User, now: datetime
) -> None:
    deactivate_person(user=house.sue, by=ada, now=now)

    reactivate_person(user=house.sue, by=ada, now=now)

    house.sue.refresh_from_db()
    assert house.sue.is_active
    assert Membership.objects.get(user=house.sue).role == Membership.Role.SUPERVISOR
    assert not is_licensed(house.sue.pk, now=now)
    assert AuditEntry.objects.filter(action="reactivated").exists()


def test_nobody_deactivates_or_demotes_themselves(ada: User, now: datetime) -> None:
    with pytest.raises(PeopleError):
        deactivate_person(user=ada, by=ada, now=now)
    with pytest.raises(PeopleError):
        change_role(user=ada, role="member", by=ada, now=now)

    ada.refresh_from_db()
    assert (ada.is_active, ada.role) == (True, ADMIN)


def test_the_last_admin_stays(house: House, ada: User, now: datetime) -> None:
    # Somebody who acts, but is no admin of this account any more.
    other = make_user(house.account, "Otto")

    with pytest.raises(LastAdminError, match="Ada is the last account admin"):
        deactivate_person(user=ada, by=other, now=now)
    with pytest.raises(LastAdminError):
        change_role(user=ada, role="auditor", by=other, now=now)

    ada.refresh_from_db()
    assert (ada.is_active, ada.role) == (True, ADMIN)
    assert not AuditEntry.objects.exists()
    make_user(make_account("Umbrella"), works_as=ADMIN)
    make_user(house.account, works_as=ADMIN, is_active=False)
    with pytest.raises(LastAdminError):
        deactivate_person(user=ada, by=other, now=now)


def test_another_admin_makes_it_possible(house: House, ada: User, now: datetime) -> None:
    second = make_user(house.account, "Ben", works_as=ADMIN)

    change_role(user=ada, role="auditor", by=second, now=now)

    ada.refresh_from_db()
    assert ada.role == "auditor"
    line = AuditEntry.objects.get(action="role_changed")
    assert line.data["changes"] == {"role": {"before": "account_admin", "after": "auditor"}}


def test_who_becomes_an_auditor_answers_nobody(
    house: House, ada: User, login: Callable[[User], Client], now: datetime
) -> None:
    conversation = own_one(house, house.bob)
    browser = login(house.bob)
    assert browser.get("/inbox/support/").status_code == 200

    count = change_role(user=house.bob, role="auditor", by=ada, now=now)

    conversation.refresh_from_db()
    assert (count, conversation.owner) == (1, None)
    assert ConversationEvent.objects.get(verb="released").data["reason"] == "became an auditor"
    assert not License.objects.filter(in_force(now), holder=house.bob).exists()
    assert "/inbox/support/" not in browser.get("/", follow=True).redirect_chain[-1][0]
    pool = LicensePool.objects.get(account=house.account)
    house.bob.refresh_from_db()
    with pytest.raises(RefusedError, match="Bob is an auditor"):
        assign_licenses(pool=pool, holders=[house.bob], by=ada, now=now)


def test_a_licence_makes_no_agent_of_an_auditor(
    house: House, login: Callable[[User], Client], now: datetime
) -> None:
    """However it came to them: behaviour 10."""
    conversation = own_one(house, house.bob)
    User.objects.filter(pk=house.bob.pk).update(role="auditor")
    browser = login(house.bob)

    assert not is_licensed(house.bob.pk, now=now)
    assert house.bob.pk not in readers_of(conversation, now=now)
    assert browser.get("/inbox/support/").status_code == 403
    act = f"/c/{conversation.public_id}/messages/"
    assert browser.post(act, {"kind": "note", "body": "x"}).status_code == 403
    assert release_ineligible(now=now) == 1


def test_a_supporter_who_is_deactivated_is_in_no_account_any_more(
    house: House, now: datetime
) -> None:
    pat = User.objects.create_user(
        "pat@example.com", name="Pat", role="partner", partner=house.account.partner, is_staff=True
    )
    staff = User.objects.create_superuser("rita@example.com", name="Rita")
    SupportAccess.objects.create(
        account=house.account, user=pat, reason="Help", starts_at=now, ends_at=now + days(0.1)
    )

    deactivate_person(user=pat, by=staff, now=now + days(0.01))

    assert SupportAccess.objects.get().ended_by == staff
    assert AuditEntry.objects.get(action="support_ended").account == house.account


@pytest.mark.parametrize("role", ["staff", "partner", "", "boss"])
def test_no_role_of_elsewhere_is_given(house: House, ada: User, role: str, now: datetime) -> None:
    with pytest.raises(PeopleError):
        change_role(user=house.bob, role=role, by=ada, now=now)

    house.bob.refresh_from_db()
    assert house.bob.role == "member"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["deactivate", "demote"])
def test_two_admins_who_end_each_other_leave_one(what: str, now: datetime) -> None:
    account = make_account("Acme")
    pairs = [make_user(account, name, works_as=ADMIN) for name in ("Ada", "Ben")]
    ready = Barrier(2)

    def end(who: User, by: User) -> Any:
        ready.wait()
        try:
            if what == "deactivate":
                return deactivate_person(user=who, by=by, now=now)
            return change_role(user=who, role="member", by=by, now=now)
        except LastAdminError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(end, pairs, reversed(pairs)))

    left = User.objects.filter(account=account, role=ADMIN, is_active=True)
    assert left.count() == 1
    assert sum(isinstance(one, LastAdminError) for one in done) == 1


@pytest.mark.django_db(transaction=True)
def test_no_update_gets_past_the_trigger() -> None:
    ada = make_user(make_account("Acme"), "Ada", works_as=ADMIN)

    for change in ({"is_active": False}, {"role": "member"}):
        with pytest.raises(Exception, match="an account keeps an admin"):
            User.objects.filter(pk=ada.pk).update(**change)

    assert Account.objects.get().users.filter(role=ADMIN, is_active=True).exists()


@pytest.mark.django_db(transaction=True)
def test_who_is_deactivated_while_seats_are_given_has_none() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", works_as=ADMIN, is_licensed=False)
    pool = account.license_pools.get()
    for _round in range(15):
        user = make_user(account, is_licensed=False)
        later = NOW + timedelta(days=9)
        give: dict[str, Any] = {"pool": pool, "holders": [user], "by": ada, "now": NOW}
        assign_licenses(**give, starts_at=later)
        together = Barrier(2)

        def assign(give: dict[str, Any] = give, gate: Barrier = together) -> str:
            gate.wait()
            try:
                assign_licenses(**give, ends_at=NOW + timedelta(days=1))
            except RefusedError as no:
                return no.reason
            finally:
                connection.close()
            return "given"

        def deactivate(user: User = user, gate: Barrier = together) -> str:
            gate.wait()
            try:
                deactivate_person(user=user, by=ada, now=NOW)
            finally:
                connection.close()
            return "deactivated"

        with ThreadPoolExecutor(max_workers=2) as threads:
            done = [one.result() for one in (threads.submit(assign), threads.submit(deactivate))]

        assert done[0] == "given" or "can no longer log in" in done[0]
        assert not [
            one for one in user.licenses.all() if one.ends_at is None or one.ends_at > later
        ]
        assert not [one for one in user.licenses.all() if one.holds_at(NOW)], done
