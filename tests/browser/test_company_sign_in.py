"""Does a company's own log-in work in a real browser, from its set-up to the only way in?"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuditEntry, SignOn, User
from tests.browser.conftest import Open
from tests.conftest import House
from tests.factories import PASSWORD, make_user
from tests.issuer import CLIENT_ID, CLIENT_SECRET, Issuer, running_issuer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
COMPANY = "/accounts/company/"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def ada(house: House) -> User:
    role, email = User.Role.ACCOUNT_ADMIN, "ada@acme.example"
    return make_user(house.account, "Ada", works_as=role, email=email, is_licensed=False)


def sign_in(page: Page, issuer: Issuer, user: User) -> None:
    """Go to the company's log-in by one's address, and come back."""
    issuer.claims = {"sub": f"s-{user.pk}", "email": user.email, "email_verified": True}
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign in with your company").click()
    page.get_by_label("Work e-mail address").fill(user.email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Go to your company’s log-in").click()


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome back")


def set_up(page: Page, issuer: Issuer) -> None:
    page.get_by_label("Issuer").fill(issuer.url)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_label("Domains").fill("acme.example")
    page.get_by_role("button", name="Check and save").click()
    expect(page.locator(".notices")).to_contain_text("Now sign in through it once")


def test_it_is_set_up_tried_made_the_only_way_and_opened_again(
    house: House, ada: User, issuer: Issuer, open_as: Open
) -> None:
    ivy = make_user(house.account, "Ivy", email="ivy@acme.example", team=house.inbox.team)
    page = open_as(ada, "/settings/log-in/")
    set_up(page, issuer)
    expect(page.locator("main")).to_contain_text("not tried yet")

    log_out(page)
    sign_in(page, issuer, ada)
    page.wait_for_url("**/settings/")
    page.goto("/settings/log-in/")
    expect(page.locator("main")).to_contain_text("works: somebody came in through it")
    page.get_by_role("button", name="Make it the only way in").click()
    expect(page.locator("main")).to_contain_text("by company sign-in only")

    agent = open_as(None, "/accounts/login/")
    agent.get_by_label("E-mail address").fill(ivy.email)
    agent.get_by_label("Password", exact=True).fill(PASSWORD)
    agent.get_by_role("button", name="Log in", exact=True).click()
    expect(agent.locator("body")).to_contain_text("sign in with its own log-in")
    sign_in(agent, issuer, ivy)
    expect(agent).to_have_url(re.compile(r"/inbox/support/"))
    ways = AuditEntry.objects.filter(action="logged_in").values_list("actor__name", "data__way")
    assert set(ways) == {("Ada", "socialaccount"), ("Ivy", "socialaccount")}

    page.get_by_role("button", name="Allow passwords and passkeys again").click()
    expect(page.locator(".notices")).to_contain_text("Passwords and passkeys let people in again.")
    assert not SignOn.objects.get().is_only_way


def test_who_is_refused_and_whose_issuer_is_down_read_why(
    house: House, ada: User, issuer: Issuer, open_as: Open
) -> None:
    set_up(open_as(ada, "/settings/log-in/"), issuer)
    page = open_as(None, COMPANY)
    page.get_by_label("Work e-mail address").fill("ada@elsewhere.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("No company sign-in is known")

    nobody = User(pk=0, email="nobody@acme.example")
    sign_in(page, issuer, nobody)
    expect(page.locator("body")).to_contain_text("Nobody of this account has your address")
    issuer.fault = "token"
    sign_in(page, issuer, ada)

    expect(page.locator("body")).to_contain_text("did not answer as it should")
    assert not AuditEntry.objects.filter(action="logged_in").exists()
