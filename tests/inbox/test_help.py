"""Is help at the same place everywhere, and does it name one's own admins and nobody else's?"""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests.conftest import House
from tests.factories import make_user

Login = Callable[[User], Client]
LINK = 'href="/help/"'


def test_it_names_ones_own_admins(house: House, login: Login, charlie: User) -> None:
    make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    make_user(house.account, "Gonzalo", works_as=User.Role.ACCOUNT_ADMIN, is_active=False)
    assert charlie.account is not None
    make_user(charlie.account, "Evelyn", works_as=User.Role.ACCOUNT_ADMIN)
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    for user in (house.alice, house.bob, nora):
        page = login(user).get("/help/").text
        assert "Ada" in page
        assert "Evelyn" not in page
        assert "Gonzalo" not in page
    assert "Evelyn" in login(charlie).get("/help/").text
    assert "Ada" not in login(charlie).get("/help/").text


def test_who_has_no_admin_is_told_so(house: House, login: Login) -> None:
    User.objects.filter(role=User.Role.ACCOUNT_ADMIN).update(is_active=False)

    assert "has no admin at the moment" in login(house.alice).get("/help/").text


@pytest.mark.parametrize(
    "path",
    [
        *("/inbox/support/", "/search/", "/saved/", "/contacts/", "/reports/", "/reports/wall/"),
        *("/reports/boards/", "/profile/", "/profile/notifications/", "/help/", "/nothing-here/"),
    ],
)
def test_a_link_leads_there_from_everywhere(house: House, login: Login, path: str) -> None:
    assert LINK in login(house.sue).get(path).text


def test_who_is_logged_out_is_offered_none(house: House) -> None:
    assert Client().get("/help/").status_code == 302
    assert LINK not in Client().get("/wall/no-such-board/").text
