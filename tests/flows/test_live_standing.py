"""Is every open page told when its reader's part changes, or how its inbox behaves?

Nobody publishes it: whoever changes it, and however, sockets look at it every few seconds.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Membership, User
from inbox.broadcast import publish_ephemeral, user_group
from inbox.models import Participant, TeamInbox
from inbox.standing import SETTINGS
from inbox.watch import marks_of
from tests.doors import Browser
from tests.factories import make_inbox, make_user
from tests.flows.test_live_socket import RECHECK_S, Room, room

__all__ = ["room"]

OTHERWISE: dict[str, Any] = {
    "claim_rule": TeamInbox.ClaimRule.REQUIRED,
    "after_claim": TeamInbox.AfterClaim.READ_ONLY,
    "closed_visibility": TeamInbox.ClosedVisibility.AUDIENCE,
    "may_start_conversations": True,
    "target_minutes": 77,
    "is_close_reason_required": True,
    "is_transfer_note_required": True,
}


def standing(browser: Browser, inbox: TeamInbox) -> str:
    """Say what a page would be drawn for now."""
    with browser.socket() as socket:
        shown = socket.sit_down()
        shown.say(type="subscribe", inbox=str(inbox.public_id), after=0)
        found: str = shown.hear_type("subscribed")["standing"]
    return found


def catch_up(browser: Browser, inbox: TeamInbox, after: int, standing: str) -> dict[str, Any]:
    answer = browser.get(
        f"/api/v1/inboxes/{inbox.public_id}/events/?after={after}&standing={standing}"
    )
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.slow
def test_a_changed_setting_is_told_to_everybody_there_and_to_nobody_else(
    room: Room, charlie: User
) -> None:
    house = room.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    here = [room.seat(room.browser(user)) for user in (house.alice, house.bob, house.sue)]
    elsewhere = [room.seat(room.browser(user)) for user in (dora, charlie)]

    TeamInbox.objects.filter(pk=house.inbox.pk).update(after_claim=OTHERWISE["after_claim"])

    for chair in here:
        told = chair.hear_type("access.changed", within=RECHECK_S)
        assert told["data"] == {"inboxes": [str(house.inbox.public_id)]}
    for chair in elsewhere:
        chair.hear_out(RECHECK_S)
        assert chair.content() == []
    for chair in here:
        chair.frames.clear()
        chair.hear_out(RECHECK_S)
        assert chair.content() == [], "once"


@pytest.mark.slow
def test_who_is_told_too_early_or_not_at_all_finds_out(room: Room) -> None:
    """The hint is published before the change is there, or is lost: the watch looks anyway."""
    house = room.house
    chair = room.seat(room.browser(house.sue))
    publish_ephemeral([user_group(house.sue.pk)], {"type": "access.changed", "data": {}})
    chair.hear_out(1)
    assert chair.content() == []

    Membership.objects.filter(user=house.sue).update(role=Membership.Role.OBSERVER)

    chair.hear_type("access.changed", within=RECHECK_S)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_page_that_was_drawn_before_a_setting_changed_is_told_to_begin_anew(
    room: Room, name: str
) -> None:
    house, browser = room.house, room.browser(room.house.alice)
    before, marks = standing(browser, house.inbox), marks_of([house.alice], now=timezone.now())
    assert before
    assert "reset" not in catch_up(browser, house.inbox, room.head, before)

    TeamInbox.objects.filter(pk=house.inbox.pk).update(**{name: OTHERWISE[name]})

    assert catch_up(browser, house.inbox, room.head, before) == {"reset": True, "head": room.head}
    now = standing(browser, house.inbox)
    assert now != before
    assert catch_up(browser, house.inbox, room.head, now)["events"] == []
    assert catch_up(browser, house.inbox, room.head, "")["events"] == []
    assert marks_of([house.alice], now=timezone.now()) != marks


@pytest.mark.parametrize("role", [Membership.Role.AGENT, Membership.Role.OBSERVER])
def test_so_is_who_became_something_else(room: Room, role: str) -> None:
    house, browser = room.house, room.browser(room.house.sue)
    before, of_bob = (standing(one, house.inbox) for one in (browser, room.browser(house.bob)))

    Membership.objects.filter(user=house.sue).update(role=role)

    assert catch_up(browser, house.inbox, room.head, before) == {"reset": True, "head": room.head}
    assert standing(room.browser(house.bob), house.inbox) == of_bob


def test_so_is_everybody_for_whom_numbers_are_masked_now(room: Room) -> None:
    house = room.house
    browsers = [room.browser(user) for user in (house.alice, house.sue)]
    alice, sue = (standing(browser, house.inbox) for browser in browsers)
    marks = marks_of([house.alice], now=timezone.now())

    Account.objects.filter(pk=house.account.pk).update(masks_numbers=True)

    assert catch_up(browsers[0], house.inbox, room.head, alice)["reset"]
    assert "reset" not in catch_up(browsers[1], house.inbox, room.head, sue)
    assert marks_of([house.alice], now=timezone.now()) != marks


def test_an_answer_that_a_browser_kept_is_not_used_for_another_standing(room: Room) -> None:
    house, browser = room.house, room.browser(room.house.bob)
    url = f"/api/v1/inboxes/{house.inbox.public_id}/events/?after={room.head}"
    tag = browser.get(url).headers["ETag"]
    assert browser.get(url, **{"If-None-Match": tag}).status_code == 304

    TeamInbox.objects.filter(pk=house.inbox.pk).update(after_claim=OTHERWISE["after_claim"])

    assert browser.get(url, **{"If-None-Match": tag}).status_code == 200


def test_a_guest_has_a_standing_too(room: Room) -> None:
    house = room.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    Participant.objects.create(
        account=house.account,
        conversation=room.conversation,
        user=dora,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=timezone.now(),
    )

    assert standing(room.browser(dora), house.inbox)
