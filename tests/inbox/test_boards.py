"""Does a board on a wall show figures to who has its address, and nothing else, while it may?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, License, Membership, User
from inbox.models import WallLink
from inbox.reporting.boards import LASTS, MOST
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_service_levels import T
from tests.twilio import text_in

Login = Callable[[User], Client]
EVENING = T + timedelta(hours=6)
BOARDS = "/reports/boards/"


@pytest.fixture(autouse=True)
def evening() -> Any:
    with time_machine.travel(EVENING, tick=False):
        yield


def hang(browser: Client, inbox: str = "") -> str:
    """Hang a board; return the path of its address, as the page shows it."""
    page = browser.post(BOARDS, {"inbox": inbox})
    assert page.status_code == 200, page.text
    assert page["Cache-Control"] == "private, no-store"
    shown = page.context["address"]
    assert shown in page.text
    return str(shown).removeprefix("http://testserver")


def test_whoever_has_the_address_sees_figures_and_no_customer(house: House, login: Login) -> None:
    message = text_in(Client(), house.sender, "+14155550177", "Kryptonite", ProfileName="Zebedee")
    assert message.conversation is not None
    address = hang(login(house.sue))

    page = Client().get(address)

    assert page.status_code == 200
    assert "<dd>1</dd>" in page.text.split('data-figure="waiting"')[1].split("</div>")[0]
    assert (page["X-Robots-Tag"], page["Referrer-Policy"]) == ("noindex, nofollow", "no-referrer")
    assert page["Cache-Control"] == "private, no-store"
    assert not page.cookies
    for secret in ("Kryptonite", "Zebedee", "5550177", message.conversation.public_id, "Sue"):
        assert secret not in page.text
    # No way on from here.
    for way in ("/reports/", "/inbox/", "/settings/", "/profile/"):
        assert f'"{way}' not in page.text
    part = Client().get(address, headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<dl class="board">')


def test_it_opens_nothing_else(house: House, login: Login) -> None:
    screen = Client()
    assert screen.get(hang(login(house.sue))).status_code == 200

    for path in ("/reports/", "/reports/wall/", "/inbox/support/", BOARDS):
        assert screen.get(path).status_code == 302


def test_the_secret_is_shown_once_and_kept_as_a_hash(house: House, login: Login) -> None:
    sue = login(house.sue)
    secret = hang(sue).split("/")[-2]

    row = WallLink.objects.get()
    assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert (row.owner, row.expires_at - row.created_at) == (house.sue, LASTS)
    assert secret not in sue.get(BOARDS).text
    entry = AuditEntry.objects.get(action="wall_link_made")
    assert (entry.actor, entry.account) == (house.sue, house.account)
    assert secret not in str(entry.data)


def test_it_shows_the_inboxes_of_who_made_it_and_no_others(house: House, login: Login) -> None:
    sales = make_inbox(house.account, "Sales")
    other = make_inbox(house.account, "Secret lab")
    Membership.objects.create(team=sales.team, user=house.sue, role=Membership.Role.SUPERVISOR)
    everything, one = hang(login(house.sue)), hang(login(house.sue), "sales")

    assert "Sales" in Client().get(everything).text
    assert other.name not in Client().get(everything).text
    # An address of one inbox leads to no other.
    assert Client().get(f"{one}?inbox=support").context["asked"].inbox == "sales"
    Membership.objects.filter(team=sales.team, user=house.sue).delete()
    assert Client().get(one).status_code == 410
    assert Client().get(everything).status_code == 200


def test_only_who_has_figures_of_whole_inboxes_hangs_one(
    house: House, login: Login, charlie: User
) -> None:
    for user in (house.alice, house.bob, charlie):
        page = login(user).post(BOARDS, {"inbox": ""})
        assert page.status_code == 403
        assert "Supervisors and account admins hang boards." in page.text
    sales = make_inbox(house.account, "Sales")
    assert login(house.sue).post(BOARDS, {"inbox": sales.slug}).status_code == 404
    assert not WallLink.objects.exists()
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    assert Client().get(hang(login(ada))).status_code == 200


def test_who_made_it_and_admins_take_it_down_and_it_says_so(
    house: House, login: Login, charlie: User
) -> None:
    lena = make_user(house.account, "Lena", team=house.inbox.team, role=Membership.Role.SUPERVISOR)
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    assert charlie.account is not None
    eve = make_user(charlie.account, "Eve", works_as=User.Role.ACCOUNT_ADMIN)
    for by in (house.sue, ada):
        address = hang(login(house.sue))
        row = WallLink.objects.latest("pk")
        end = reverse("board_end", kwargs={"public_id": row.public_id})
        for other in (house.alice, house.bob, lena, charlie, eve):
            assert row.public_id not in login(other).get(BOARDS).text
            assert login(other).post(end).status_code == 404
        assert Client().get(address).status_code == 200
        assert row.public_id in login(by).get(BOARDS).text

        assert login(by).post(end).status_code == 302

        page = Client().get(address)
        assert page.status_code == 410
        assert "This board was taken down." in page.text
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert AuditEntry.objects.filter(action="wall_link_ended", actor=by).count() == 1
        assert row.public_id not in login(by).get(BOARDS).text


def test_after_ninety_days_it_says_so(house: House, login: Login) -> None:
    address = hang(login(house.sue))
    License.objects.update(ends_at=EVENING + timedelta(days=400))

    with time_machine.travel(EVENING + LASTS - timedelta(minutes=1), tick=False):
        assert Client().get(address).status_code == 200
    with time_machine.travel(EVENING + LASTS, tick=False):
        page = Client().get(address)
    assert (page.status_code, "hung for 90 days" in page.text) == (410, True)


@pytest.mark.parametrize("loss", ["licence", "role", "deactivation", "account"])
def test_it_ends_with_what_its_maker_may_see(house: House, login: Login, loss: str) -> None:
    address = hang(login(house.sue))
    sue = User.objects.filter(pk=house.sue.pk)

    if loss == "licence":
        License.objects.filter(holder=house.sue).update(ends_at=EVENING)
    elif loss == "role":
        Membership.objects.filter(user=house.sue).update(role=Membership.Role.AGENT)
    elif loss == "deactivation":
        sue.update(is_active=False)
    else:
        type(house.account).objects.filter(pk=house.account.pk).update(status="suspended")

    page = Client().get(address)
    assert page.status_code == 410
    assert "may not have these figures any more" in page.text


def test_an_address_that_is_none_says_so(house: House) -> None:
    page = Client().get("/wall/no-such-board/")

    assert page.status_code == 410
    assert "not whole" in page.text


def test_there_are_not_boards_without_number(house: House, login: Login) -> None:
    sue = login(house.sue)
    for _n in range(MOST):
        hang(sue)

    assert sue.post(BOARDS, {"inbox": ""}).status_code == 422
    assert WallLink.objects.count() == MOST


def test_a_board_is_read_only(house: House, login: Login) -> None:
    address = hang(login(house.sue))

    for method in ("post", "put", "delete"):
        assert getattr(Client(), method)(address).status_code == 405
