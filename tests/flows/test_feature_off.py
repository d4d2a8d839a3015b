"""Team Inbox ended, was switched off, or the account is suspended: is it nowhere, and nothing lost?

Behaviour, decisions 7 and 9.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import (
    Account,
    FeatureGrant,
    License,
    LicensePool,
    User,
)
from compliance.models import Consent
from inbox.access import readers_of
from inbox.conversations import claim_conversation, release_ineligible
from inbox.models import Conversation, Message, TeamInbox
from inbox.reply_settings import greeting
from inbox.sending import deliver
from inbox.threads import transfer_page
from inbox.watch import CLOSE_NO_ACCESS
from routing.replies import FirstWhen
from tests.admin_world import browser_of, make_partner_user
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_user
from tests.faults import customers_write
from tests.flows.test_together import Stage, stage
from tests.inbox.test_alerts import Told, told, who
from tests.inbox.test_protocol import Ear, ear, published
from tests.live import Live
from tests.twilio import text_in

__all__ = ["Ear", "ear", "published", "stage", "told"]
SCRIPT: Any = {"headers": {"Accept": "application/json"}}
WITHIN_S = 5.0
SWITCHES = ("ended", "suspended")


def switch(house: House, how: str, *, on: bool) -> None:
    """Switch Team Inbox off for the account, or on again."""
    if how == "suspended":
        status = Account.Status.ACTIVE if on else Account.Status.SUSPENDED
        Account.objects.filter(pk=house.account.pk).update(status=status)
    else:
        grants = FeatureGrant.objects.filter(account=house.account, feature="team_inbox")
        grants.update(ends_at=None if on else timezone.now() - timedelta(days=30))


@pytest.fixture(params=SWITCHES)
def off(request: Any, stage: Stage) -> Stage:
    """What Alice had when it was switched off, and her answer that was on its way."""
    stage.do(claim_conversation, stage.house.alice)
    reply = stage.reply(stage.house.alice, "On its way")
    Message.objects.filter(pk=reply.pk).update(status="queued", nudge_at=stage.now)
    switch(stage.house, request.param, on=False)
    stage.how = request.param  # type: ignore[attr-defined]
    return stage


def doors(stage: Stage) -> list[str]:
    conversation = stage.row
    own = f"/c/{conversation.public_id}"
    return [
        "/",
        "/inbox/support/",
        "/inbox/support/?q=Hello",
        "/inbox/support/counts/",
        f"/inbox/support/c/{conversation.public_id}/",
        f"{own}/",
        f"{own}/thread/",
        f"{own}/messages/",
        f"{own}/desk/",
        f"{own}/panel/",
        f"/api/v1/inboxes/{conversation.inbox.public_id}/events/?after=0",
    ]


def test_every_door_is_closed_and_says_why(off: Stage, login: Any) -> None:
    for user in (off.house.alice, off.house.bob, off.house.sue):
        browser = login(user)
        for door in doors(off):
            answer = browser.get(door)
            said = answer.text.replace("?q=Hello", "")
            assert "Hello" not in said, f"{door} of {user}"
            assert "On its way" not in said
            assert answer.status_code != 200 or "not switched on" in said, door
        assert "Team Inbox is not switched on" in browser.get("/inbox/support/").text


@pytest.mark.parametrize("story", ["messages", "release", "close", "snooze", "claim", "read"])
def test_nothing_can_be_done(off: Stage, login: Any, story: str) -> None:
    before = off.row.version
    data = {"kind": "reply", "body": "Hi", "last_seen_seq": 9, "preset": "later", "seq": 1}

    answer = login(off.house.alice).post(f"/c/{off.row.public_id}/{story}/", data, **SCRIPT)

    assert answer.status_code in (403, 404)
    assert off.row.version == before
    assert Message.objects.filter(direction="out").count() == 1


def test_what_customers_write_is_kept_and_nobody_is_greeted_or_alerted(
    off: Stage, told: Told, client: Client
) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!", FirstWhen.EVER))

    assert who(told(lambda: off.hear("Anybody there?"))) == []
    text_in(client, off.house.sender, "+14155550177", "A first message")

    assert Message.objects.filter(direction="in").count() == 3
    assert not Message.objects.filter(kind="auto").exists()
    now = timezone.now()
    assert all(readers_of(row, now=now) == set() for row in Conversation.objects.all())


def test_consent_keywords_work(off: Stage) -> None:
    off.hear("STOP")

    assert Consent.objects.get().state == "opted_out"


def test_what_was_on_its_way_is_not_sent(off: Stage) -> None:
    message = Message.objects.get(direction="out")

    deliver(message.pk, now=timezone.now())

    message.refresh_from_db()
    assert (message.status, message.provider_sid) == ("blocked", None)


def test_the_partner_sees_how_many_wait(off: Stage) -> None:
    off.hear("Anybody there?")
    pat = browser_of(make_partner_user(off.house.account.partner))

    lines = [line.words for line in pat.get("/admin/").context["to_do"]]

    assert "Team Inbox is off for Acme, but customers wrote and wait: 1." in lines


def test_switched_on_again_it_shows_what_arrived(off: Stage, login: Any) -> None:
    off.hear("Anybody there?")
    how = off.how  # type: ignore[attr-defined]
    assert release_ineligible(now=timezone.now()) == (how == "ended")

    switch(off.house, how, on=True)

    browser = login(off.house.alice)
    assert "Anybody there?" in browser.get("/inbox/support/").text
    assert "Anybody there?" in browser.get(f"/inbox/support/c/{off.row.public_id}/").text
    missed = browser.get(f"/api/v1/inboxes/{off.row.inbox.public_id}/events/?after=0").json()
    assert off.row.public_id in {event["conversation"] for event in missed["events"]}


# --- One person without a licence -----------------------------------------------------------------


@pytest.fixture
def unlicensed(stage: Stage) -> Stage:
    """Alice has a conversation in hand, and her licence has just ended by itself."""
    stage.do(claim_conversation, stage.house.alice)
    License.objects.filter(holder=stage.house.alice).update(
        ends_at=timezone.now() - timedelta(days=30)
    )
    return stage


def test_without_a_licence_every_door_is_closed_and_says_whom_to_ask(
    unlicensed: Stage, login: Any
) -> None:
    browser = login(unlicensed.house.alice)

    for door in doors(unlicensed):
        answer = browser.get(door)
        said = answer.text.replace("?q=Hello", "")
        assert "Hello" not in said, door
        assert answer.status_code != 200 or "Pro-CX licence" in said, door


def test_without_a_licence_the_page_names_whom_to_ask(
    unlicensed: Stage, charlie: User, login: Any
) -> None:
    account = unlicensed.house.account
    admin: Any = {"works_as": User.Role.ACCOUNT_ADMIN, "is_licensed": False}
    make_user(account, "Ada", **admin)
    make_user(account, "Gone Girl", is_active=False, **admin)
    assert charlie.account
    make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN)

    page = login(unlicensed.house.alice).get("/inbox/support/").text

    assert "Whom to ask in your account:" in page
    assert "Ada" in page
    assert "Gone Girl" not in page
    assert "Otto" not in page


@pytest.mark.parametrize("story", ["messages", "claim", "release", "close", "snooze"])
def test_without_a_licence_nothing_is_claimed_or_answered(
    unlicensed: Stage, login: Any, story: str
) -> None:
    data = {"kind": "reply", "body": "Hi", "last_seen_seq": 9, "preset": "later"}
    browser = login(unlicensed.house.alice)

    answer = browser.post(f"/c/{unlicensed.row.public_id}/{story}/", data, **SCRIPT)

    assert answer.status_code in (403, 404)
    assert not Message.objects.filter(direction="out").exists()


def test_without_a_licence_nobody_is_alerted_or_offered_for_a_transfer(
    stage: Stage, told: Told
) -> None:
    License.objects.filter(holder=stage.house.alice).update(ends_at=stage.now)

    assert who(told(lambda: stage.hear("Hello?"))) == [("Bob", "inbound"), ("Sue", "inbound")]
    offered = transfer_page(stage.viewer(stage.house.bob), stage.row, now=stage.now).colleagues
    assert "Alice" not in str(offered)
    assert "Sue" in str(offered)


def test_what_was_queued_by_somebody_without_a_licence_is_not_sent(stage: Stage) -> None:
    reply = stage.reply(stage.house.alice, "On its way")
    Message.objects.filter(pk=reply.pk).update(status="queued")
    License.objects.filter(holder=stage.house.alice).update(ends_at=stage.now)

    deliver(reply.pk, now=stage.now)

    assert Message.objects.get(pk=reply.pk).status == "blocked"


# --- On open screens, at the moment ---------------------------------------------------------------


def _expire(house: House, what: str) -> None:
    at = timezone.now() + timedelta(seconds=2)
    if what in ("licence", "pool"):
        License.objects.filter(holder=house.alice).update(ends_at=at)
    if what == "pool":
        License.objects.exclude(holder=house.alice).update(ends_at=at)
        LicensePool.objects.filter(account=house.account).update(ends_at=at)
    if what == "grant":
        FeatureGrant.objects.filter(account=house.account, feature="team_inbox").update(ends_at=at)
    if what == "suspended":
        Account.objects.filter(pk=house.account.pk).update(status="suspended")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["licence", "pool", "grant", "suspended"])
def test_an_end_closes_the_live_view_within_five_seconds(
    house: House, edge: Live, what: str
) -> None:
    [conversation] = customers_write(edge, house.sender, 1)
    with Browser(edge, house.alice).socket() as socket:
        chair = socket.sit_down()
        _expire(house, what)
        time.sleep(2 if what != "suspended" else 0)
        began = time.monotonic()

        chair.hear_type("access.revoked", within=WITHIN_S)
        assert chair.closing(within=WITHIN_S) == CLOSE_NO_ACCESS
        assert time.monotonic() - began < WITHIN_S

    assert conversation.public_id not in Browser(edge, house.alice).get("/inbox/support/").text
