"""Is every button of set-up answered in words, whatever Twilio does, and is nothing done half?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, TwilioAccount, User
from inbox.models import DriftFinding, Sender, TeamInbox
from inbox.setup.drift import look_at
from inbox.setup.pointing import point_here
from tests.carrier import Twilio
from tests.conftest import NOW
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.inbox.setup.twilio_world import (
    NEXT,
    NUMBER,
    OLD,
    OTHER,
    PLATFORM,
    PLATFORM_TOKEN,
    SID,
    TOKEN,
    Shop,
    world,
)

WHATSAPP = "whatsapp:+14155550190"
CONNECTION, NUMBERS = "/settings/connection/", "/settings/inboxes/support/numbers/"

# What Twilio does, and what is said then.
AWAY, BUSY = "Twilio does not answer right now", "Twilio has too much to do right now"
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "500": ({"kind": "server_error"}, AWAY),
    "429": ({"kind": "rate_limit"}, BUSY),
    "401": ({"kind": "reject", "code": 20003}, "Twilio does not accept this"),
    "reset": ({"kind": "reset_before"}, AWAY),
    "silence": ({"kind": "hang_before", "seconds": 0.6}, AWAY),
    "a page instead of JSON": ({"kind": "html_after"}, AWAY),
    "a page of a proxy": ({"kind": "html_after", "code": 502}, AWAY),
    "a page that forbids": ({"kind": "html_after", "code": 403}, "Twilio refused this (error 403)"),
    "500 when it was done": ({"kind": "server_error_after"}, AWAY),
}


class Scene:
    """A shop with a number that is not right, a WhatsApp sender, and its admin's browser."""

    def __init__(self, shop: Shop, ada: Client) -> None:
        self.shop, self.ada = shop, ada
        self.team = Team.objects.create(account=shop.account, name="Sales")
        known = {"account_sid": SID, "address": WHATSAPP, "webhook_url": OLD}
        shop.twilio.tell("config", senders=[known])
        self.sender = make_sender(shop.inbox, NUMBER, twilio_account=shop.connection)
        make_sender(shop.inbox, WHATSAPP, twilio_account=shop.connection)
        point_here(sender=self.sender, by=shop.admin, now=NOW)
        shop.at_twilio(NUMBER).webhook_url = OLD
        look_at(shop.connection, now=NOW)
        self.finding = DriftFinding.objects.get(sender=self.sender)

    def post(self, url: str, **data: Any) -> Any:
        """Press a button."""
        return self.ada.post(url, data, follow=True)


def _turn_on(one: Scene) -> Any:
    return one.post(
        f"/settings/teams/{one.team.pk}/turn-on/",
        name="Sales",
        numbers=[f"{one.shop.connection.pk}:{OTHER}"],
        is_pointed="on",
        claim_rule="optional",
        hours="always",
        bot_name="Robo",
        first_reply="off",
    )


BUTTONS: dict[str, Callable[[Scene], Any]] = {
    "change": lambda one: one.post(
        CONNECTION, do="change", connection=one.shop.connection.pk, auth_token_next=NEXT
    ),
    "promote": lambda one: one.post(CONNECTION, do="promote", connection=one.shop.connection.pk),
    "check": lambda one: one.post(CONNECTION, do="check", connection=one.shop.connection.pk),
    "look": lambda one: one.ada.get(f"{CONNECTION}?look=1"),
    "attach": lambda one: one.post(NUMBERS, do="attach", address=OTHER),
    "choose": lambda one: one.ada.get(f"{NUMBERS}?choose=1"),
    "point": lambda one: one.post(NUMBERS, do="point", sender=one.sender.pk),
    "free": lambda one: one.post(NUMBERS, do="free", sender=one.sender.pk),
    "repair": lambda one: one.post(
        NUMBERS, do="repair", sender=one.sender.pk, finding=one.finding.pk
    ),
    "turn on": _turn_on,
    "the page to turn on": lambda one: one.ada.get(f"/settings/teams/{one.team.pk}/turn-on/"),
    "the checklist": lambda one: one.ada.get(f"/settings/teams/{one.shop.inbox.pk}/checks/"),
    "whatsapp": lambda one: one.post("/settings/whatsapp/sync/"),
}


def go_wrong(twilio: Twilio, settings: Any, fault: str) -> str:
    """Let every request go wrong from now on; return what is to be said."""
    kind, words = FAULTS[fault]
    settings.TWILIO_TIMEOUT_SECONDS = 0.3 if fault == "silence" else 5.0
    twilio.simulator.parts.faults.clear()
    twilio.fault(**kind, on="any", times=-1)
    return words


def state() -> list[Any]:
    """Return all that set-up could have changed."""
    return [
        list(TwilioAccount.objects.order_by("pk").values_list("pk", "status", "account_sid")),
        [(one.auth_token, one.auth_token_next) for one in TwilioAccount.objects.order_by("pk")],
        list(Sender.objects.order_by("pk").values_list("address", "inbox", "removed_at")),
        list(TeamInbox.objects.order_by("pk").values_list("pk", "is_on")),
    ]


@pytest.fixture
def scene(shop: Shop, login: Any) -> Scene:
    TwilioAccount.objects.update(auth_token_next=NEXT)
    shop.connection.refresh_from_db()
    world(shop.twilio, next_auth_token=NEXT)
    return Scene(shop, login(shop.admin))


@pytest.mark.parametrize("button", BUTTONS)
def test_what_twilio_does_is_said_and_nothing_is_done_half(
    scene: Scene, settings: Any, button: str
) -> None:
    before = state()

    for fault in FAULTS:
        words = go_wrong(scene.shop.twilio, settings, fault)
        page = BUTTONS[button](scene)

        said = page.content.decode()
        assert page.status_code in (200, 422), fault
        assert words in said or (fault == "401" and "API key" in said), fault
        assert TOKEN not in said, fault
        assert state() == before, fault


@pytest.mark.parametrize("fault", FAULTS)
def test_removing_and_turning_off_are_done_all_the_same(
    scene: Scene, settings: Any, fault: str
) -> None:
    """Where messages go at Twilio can be put right later; what an admin takes away is gone now."""
    words = go_wrong(scene.shop.twilio, settings, fault)

    removed = scene.post(f"{NUMBERS}{scene.sender.pk}/remove/", gives_back="on")
    off = scene.post("/settings/inboxes/support/turn-off/", gives_back="on")

    assert f"Not put back at Twilio: {words}" in removed.content.decode()
    assert f"Not put back at Twilio: {WHATSAPP}: {words}" in off.content.decode()
    assert Sender.objects.get(pk=scene.sender.pk).is_removed
    assert not TeamInbox.objects.get(pk=scene.shop.inbox.pk).is_on


def test_a_first_number_is_bought_whole_or_not_at_all(
    twilio: Twilio, login: Any, settings: Any, db: None
) -> None:
    world(twilio)
    settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN = PLATFORM, PLATFORM_TOKEN
    account = make_account("Acme", deployment="cloud")
    make_inbox(account, "Support")
    ada: Client = login(make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))

    for fault in FAULTS:
        words = go_wrong(twilio, settings, fault)
        for url, data in ((CONNECTION, {"do": "open"}), (f"{NUMBERS}buy/", {"address": NUMBER})):
            page = ada.post(url, data, follow=True)
            said = page.content.decode()
            assert page.status_code == 200, fault
            assert words in said or "being opened right now" in said, fault

    assert not TwilioAccount.objects.exists()
    assert not Sender.objects.exists()
