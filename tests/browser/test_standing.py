"""Does an open page follow when its reader becomes somebody else, or its inbox changes?"""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Membership, User
from inbox.models import Conversation, TeamInbox
from inbox.setup.general import CARDS, change_inbox
from inbox.setup.teams import change_member_role
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, shop
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_user
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The sockets look every four seconds, and pages do not ask all at once.
SOON_MS = 15_000
LIST = "/inbox/support/"
AFTER_CLAIM, CLAIM_RULE = TeamInbox.AfterClaim, TeamInbox.ClaimRule


@pytest.fixture
def admin(house: House) -> User:
    """Who may change everything, without a licence."""
    return make_user(house.account, "Ada", is_licensed=False, role=User.Role.ACCOUNT_ADMIN)


def claim(live: Live, user: User) -> None:
    Browser(live, user).act("claim", Conversation.objects.get())
    assert Conversation.objects.get().owner == user


def become(user: User, role: str, admin: User) -> None:
    change_member_role(
        membership=Membership.objects.select_related("team", "user").get(user=user),
        role=role,
        by=admin,
        now=timezone.now(),
    )


def change(admin: User, **changed: str) -> None:
    """Change settings as the page of settings does."""
    inbox = TeamInbox.objects.get()
    seen = {name: getattr(inbox, name) for name in CARDS["claiming"]}
    change_inbox(
        inbox=inbox,
        card="claiming",
        values={**seen, **changed},
        seen=seen,
        version=inbox.settings_version,
        by=admin,
        now=timezone.now(),
    )


def rows(page: Page) -> Locator:
    return page.locator("#rows .row")


def test_what_a_supervisor_saw_of_colleagues_goes_when_she_is_none_any_more(
    shop: House, live: Live, open_as: Open, admin: User
) -> None:
    claim(live, shop.bob)
    sue = ready(open_as(shop.sue, LIST))
    expect(rows(sue)).to_have_count(1)
    expect(sue.locator('[data-count="open"]')).to_have_text("1")

    become(shop.sue, Membership.Role.AGENT, admin)

    expect(rows(sue)).to_have_count(0, timeout=SOON_MS)
    expect(sue.locator('[data-count="open"]')).to_have_text("0")
    expect(sue.locator("body")).not_to_contain_text("Hello")


def test_the_thread_she_had_open_goes_too_and_her_draft_stays_hers(
    shop: House, live: Live, open_as: Open, admin: User
) -> None:
    claim(live, shop.bob)
    sue = ready(open_as(shop.sue, here()))
    expect(sue.locator("#panel")).to_contain_text("555-0100")
    sue.keyboard.press("n")
    sue.locator("#words").fill("What I would have said")

    become(shop.sue, Membership.Role.AGENT, admin)

    expect(sue.locator("#handled-title")).to_contain_text("Bob", timeout=SOON_MS)
    expect(sue.locator("#handled-title")).to_be_focused()
    expect(sue.locator("#handled")).to_contain_text("What I would have said")
    expect(rows(sue)).to_have_count(0)
    expect(sue.locator("body")).not_to_contain_text("Hello")
    expect(sue.locator("#panel")).to_be_empty()
    expect(sue).not_to_have_title(re.compile("555-0100"))


def test_who_becomes_a_supervisor_sees_at_once_what_colleagues_have(
    shop: House, live: Live, open_as: Open, admin: User
) -> None:
    claim(live, shop.bob)
    alice = ready(open_as(shop.alice, LIST))
    expect(rows(alice)).to_have_count(0)

    become(shop.alice, Membership.Role.SUPERVISOR, admin)

    expect(rows(alice)).to_have_count(1, timeout=SOON_MS)
    expect(alice.locator('[data-count="open"]')).to_have_text("1")
    rows(alice).locator("a").click()
    expect(alice.locator("#timeline")).to_contain_text("Hello")


def test_what_colleagues_read_of_each_other_goes_with_the_setting(
    shop: House, live: Live, open_as: Open, admin: User
) -> None:
    change(admin, after_claim=AFTER_CLAIM.READ_ONLY)
    claim(live, shop.alice)
    reading, looking = ready(open_as(shop.bob, here())), ready(open_as(shop.bob, LIST))
    owner = ready(open_as(shop.alice, here()))
    for page in (reading, looking):
        expect(rows(page)).to_have_count(1)
    expect(reading.locator("#timeline")).to_contain_text("Hello")
    owner.locator("#words").fill("I am writing")

    change(admin, after_claim=AFTER_CLAIM.REMOVED)

    for page in (reading, looking):
        expect(rows(page)).to_have_count(0, timeout=SOON_MS)
        expect(page.locator("body")).not_to_contain_text("Hello")
        expect(page.locator('[data-count="open"]')).to_have_text("0")
    expect(reading.locator("#handled-title")).to_contain_text("Alice")
    expect(owner.locator("#words")).to_have_value("I am writing")
    expect(owner.locator("#timeline")).to_contain_text("Hello")

    change(admin, after_claim=AFTER_CLAIM.READ_ONLY)

    expect(rows(looking)).to_have_count(1, timeout=SOON_MS)


def test_the_composer_locks_when_one_must_claim_first(
    shop: House, open_as: Open, admin: User
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").fill("It is ready.")
    alice.wait_for_timeout(700)
    expect(alice.locator("#composer")).to_have_attribute("data-state", "open")

    change(admin, claim_rule=CLAIM_RULE.REQUIRED)

    expect(alice.locator("#composer")).to_have_attribute("data-state", "claim", timeout=SOON_MS)

    change(admin, claim_rule=CLAIM_RULE.OPTIONAL)

    expect(alice.locator("#composer")).to_have_attribute("data-state", "open", timeout=SOON_MS)
    expect(alice.locator("#words")).to_have_value("It is ready.")


def test_a_page_whose_line_was_down_meanwhile_follows_too(
    shop: House, live: Live, open_as: Open
) -> None:
    TeamInbox.objects.update(after_claim=AFTER_CLAIM.READ_ONLY)
    claim(live, shop.alice)
    bob = ready(open_as(shop.bob, LIST))
    expect(rows(bob)).to_have_count(1)

    bob.context.set_offline(True)
    expect(bob.get_by_text("Live", exact=True)).not_to_be_visible(timeout=SOON_MS)
    TeamInbox.objects.update(after_claim=AFTER_CLAIM.REMOVED)
    bob.context.set_offline(False)

    expect(rows(bob)).to_have_count(0, timeout=40_000)
