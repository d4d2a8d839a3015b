"""Do passkeys work in a real browser, under our policy? With an authenticator of its own."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from accounts.models import AuditEntry, User
from tests.browser.conftest import Open
from tests.conftest import House
from tests.factories import PASSWORD
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def key(live: Live, open_as: Open) -> Callable[[], Page]:
    """Return a function that opens a browser with an authenticator in it.

    Browsers allow passkeys without https at `localhost` only, and at no bare address.
    """

    def open_browser() -> Page:
        page = open_as(None, here(live, "/accounts/login/"))
        plug_in(page)
        return page

    return open_browser


def here(live: Live, path: str) -> str:
    return live.base_url.replace("127.0.0.1", "localhost") + path


def plug_in(page: Page) -> tuple[Any, str]:
    """Plug an authenticator in, as a phone or a laptop has one built in."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, made["authenticatorId"]


def log_in(page: Page, user: User) -> None:
    page.locator("input[name=login]").fill(user.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def add_passkey(page: Page, live: Live, *, alone: bool = True) -> None:
    """Add one on the profile's pages, confirming with the password."""
    page.goto(here(live, "/accounts/2fa/webauthn/add/"))
    if page.locator("input[name=password]").count():
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    if not alone:
        page.get_by_label("Logs in alone").uncheck()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Recovery Codes")


def test_a_passkey_is_added_and_then_logs_in_alone(
    house: House, live: Live, key: Callable[[], Page]
) -> None:
    page = key()
    log_in(page, house.alice)
    page.wait_for_url("**/inbox/**")
    add_passkey(page, live)
    assert AuditEntry.objects.filter(action="passkey_added", actor=house.alice).exists()

    page.context.clear_cookies()
    page.goto(here(live, "/accounts/login/?next=/profile/"))
    page.get_by_role("button", name="Log in with a passkey").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Alice")
    line = AuditEntry.objects.filter(action="logged_in").latest("pk")
    assert (line.actor, line.data["way"]) == (house.alice, "mfa")


def test_a_passkey_is_the_second_factor_after_a_password(
    house: House, live: Live, key: Callable[[], Page]
) -> None:
    page = key()
    log_in(page, house.alice)
    page.wait_for_url("**/inbox/**")
    add_passkey(page, live, alone=False)

    page.context.clear_cookies()
    page.goto(here(live, "/accounts/login/"))
    log_in(page, house.alice)
    expect(page.get_by_role("heading", level=1)).to_contain_text("One more step")
    # With the password alone nobody is in.
    page.goto(here(live, "/inbox/support/"))
    expect(page).to_have_url(re.compile(r"/accounts/(login|2fa/authenticate)/"))
    page.goto(here(live, "/accounts/2fa/authenticate/"))
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url("**/inbox/**")


def test_a_passkey_of_nobody_and_a_question_that_is_closed_are_told_in_words(
    house: House, live: Live, open_as: Open
) -> None:
    page = open_as(None, here(live, "/accounts/login/"))
    cdp, authenticator = plug_in(page)
    cdp.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False}
    )

    page.get_by_role("button", name="Log in with a passkey").click()

    expect(page.locator('[data-passkey="login"] [role="alert"]')).to_contain_text("did not work")
    assert not Authenticator.objects.exists()


def test_a_passkey_is_renamed_and_removed(
    house: House, live: Live, key: Callable[[], Page]
) -> None:
    page = key()
    log_in(page, house.alice)
    page.wait_for_url("**/inbox/**")
    add_passkey(page, live)
    page.goto(here(live, "/accounts/2fa/webauthn/"))
    expect(page.locator(".ledger")).to_contain_text("Passkey 1")

    page.get_by_role("link", name="Rename").click()
    page.locator("input[name=name]").fill("My laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".ledger")).to_contain_text("My laptop")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()

    expect(page.locator(".ledger")).to_contain_text("None yet")
    assert not Authenticator.objects.filter(user=house.alice, type="webauthn").exists()
    assert AuditEntry.objects.filter(action="passkey_removed").exists()
