"""Do open pages know within five seconds that somebody came in for support, and that they left?"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, FeatureGrant, SupportAccess, User
from accounts.support import ask_for_support, end_support
from inbox.watch import CLOSE_NO_ACCESS
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_account
from tests.live import Live

WITHIN = 5.5  # the watch looks every four seconds


@pytest.fixture
def pat(house: House, edge: Live) -> User:
    partner = house.account.partner
    return User.objects.create(
        email="pat@example.com", name="Pat", role="partner", partner=partner, is_staff=True
    )


def enter(account: Account, user: User) -> SupportAccess:
    now = timezone.now()
    return ask_for_support(
        account=account, user=user, reason="Ticket", ends_at=now + timedelta(hours=1), now=now
    )


def leave(access: SupportAccess) -> None:
    end_support(access=access, by=access.user, now=timezone.now())


def test_an_agent_s_open_page_is_told_who_is_here(house: House, edge: Live, pat: User) -> None:
    with Browser(edge, house.alice).socket() as socket:
        assert socket.hear_type("hello")["support"] == []

        access = enter(house.account, pat)
        came = socket.hear_type("support.changed", within=WITHIN)
        with Browser(edge, house.bob).socket() as late:
            greeted = late.hear_type("hello")
        leave(access)
        went = socket.hear_type("support.changed", within=WITHIN)

    assert came["data"] == {"present": [access.pk]}
    assert greeted["support"] == [access.pk]
    assert went["data"] == {"present": []}


def test_agents_of_other_accounts_are_told_nothing(
    house: House, charlie: User, edge: Live, pat: User
) -> None:
    with Browser(edge, charlie).socket().sit_down() as socket:
        enter(house.account, pat)
        socket.hear_out(WITHIN)

        assert socket.kinds() == []


@pytest.mark.parametrize("is_on", [True, False])
def test_the_pages_of_who_was_here_are_over(
    house: House, edge: Live, pat: User, is_on: bool
) -> None:
    """Settings are open to support also while Team Inbox is off."""
    if not is_on:
        FeatureGrant.objects.filter(account=house.account).delete()
    access = enter(house.account, pat)

    with Browser(edge, pat).socket().sit_down() as socket:
        leave(access)

        assert socket.closing(within=WITHIN) == CLOSE_NO_ACCESS


def test_who_goes_on_to_another_account_keeps_no_page_of_the_first(
    house: House, edge: Live, pat: User
) -> None:
    other = make_account("Second")

    access = enter(house.account, pat)
    with Browser(edge, pat).socket().sit_down() as socket:
        leave(access)
        enter(other, pat)

        assert socket.closing(within=WITHIN) == CLOSE_NO_ACCESS


def test_who_is_here_for_support_loses_what_they_read_when_team_inbox_is_switched_off(
    house: House, edge: Live, pat: User
) -> None:
    enter(house.account, pat)

    with Browser(edge, pat).socket().sit_down() as socket:
        FeatureGrant.objects.filter(account=house.account).delete()
        # Nobody's entitlement but the account's changed; the watch looks at that too.
        assert socket.closing(within=2 * WITHIN) == CLOSE_NO_ACCESS
