"""Does a preview say what would close, who would lose what, and how many customers wait?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import Feature, FeatureGrant, Membership
from inbox.conversations import claim_conversation
from inbox.models import Conversation, Message
from inbox.setup.previews import (
    MOST_PEOPLE,
    Preview,
    preview_deactivation,
    preview_feature_off,
    preview_inbox_off,
    preview_later_grant,
    preview_license_removal,
    preview_membership_removal,
    preview_number_removal,
    preview_observing,
    preview_subaccount_off,
    preview_suspension,
)
from tests.conftest import House
from tests.factories import make_inbox, make_sender, make_user
from tests.flows.test_together import Stage
from tests.twilio import text_in


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    """Alice owns one of two conversations, and both customers wait; one answer is on its way."""
    stage = Stage(house, client, now)
    stage.do(claim_conversation, house.alice)
    text_in(client, house.sender, "+14155550177", "Anybody?")
    reply = stage.reply(house.alice, "One moment")
    Message.objects.filter(pk=reply.pk).update(status=Message.Status.QUEUED)
    return stage


def numbers(preview: Preview) -> tuple[int, int, int]:
    return preview.conversations, preview.waiting, preview.queued


def losers(preview: Preview) -> dict[str, str]:
    return {loss.name: loss.words for loss in preview.losses}


def test_team_inbox_off_reaches_everybody_of_the_account(stage: Stage, now: datetime) -> None:
    account = stage.house.account

    for preview in (
        preview_feature_off(account=account, feature=Feature.TEAM_INBOX, now=now),
        preview_suspension(account=account, now=now),
    ):
        assert numbers(preview) == (2, 1, 1), "Maria was answered"
        assert losers(preview) == {
            "Alice": "loses sight of every inbox, has 1 open conversation",
            "Bob": "loses sight of every inbox",
            "Sue": "loses sight of every inbox",
        }
        assert "Acme" in preview.headline
        assert any("STOP still works" in sentence for sentence in preview.sentences)


def test_nothing_of_another_account_is_counted(stage: Stage, charlie: Any, now: datetime) -> None:
    theirs = preview_suspension(account=charlie.account, now=now)

    assert numbers(theirs) == (0, 0, 0)
    assert losers(theirs) == {"Charlie": "loses sight of every inbox"}
    assert not theirs.is_harmless


def test_whatsapp_off_counts_whatsapp_only(stage: Stage, client: Client, now: datetime) -> None:
    sender = make_sender(stage.house.inbox, "whatsapp:+15550100009")
    text_in(client, sender, "whatsapp:+6581234567", "Hi")

    preview = preview_feature_off(account=stage.house.account, feature=Feature.WHATSAPP, now=now)

    assert numbers(preview) == (1, 1, 0)
    assert preview.waiting_since is not None


def test_a_feature_without_conversations_says_so(stage: Stage, now: datetime) -> None:
    preview = preview_feature_off(
        account=stage.house.account, feature=Feature.CUSTOM_ROUTING, now=now
    )

    assert preview.is_harmless
    assert "Custom routing" in preview.headline


def test_removing_licences_names_who_loses_what(stage: Stage, now: datetime) -> None:
    house = stage.house

    preview = preview_license_removal(holders=[house.bob, house.alice], now=now)

    assert numbers(preview) == (1, 0, 1)
    assert losers(preview) == {
        "Alice": "has 1 open conversation",
        "Bob": "has no open conversation",
    }
    assert preview.headline.startswith("Bob, Alice see")


def test_removing_what_nobody_leans_on_says_so(stage: Stage, now: datetime) -> None:
    preview = preview_license_removal(holders=[], now=now)

    assert preview.is_harmless
    assert preview.headline == "Nobody loses sight of anything now."


def test_a_grant_that_has_not_begun_takes_nothing(stage: Stage, now: datetime) -> None:
    grant = FeatureGrant(
        account=stage.house.account, feature="team_inbox", starts_at=now + timedelta(days=9)
    )

    preview = preview_later_grant(grant=grant)

    assert preview.is_harmless
    assert "Team Inbox of Acme stays as it is now." in preview.headline
    assert "2 Dec 2026, 15:00 UTC" in preview.sentences[0]


def test_an_inbox_off_reaches_its_team(stage: Stage, now: datetime) -> None:
    other = make_inbox(stage.house.account, "Sales")

    assert numbers(preview_inbox_off(inbox=stage.house.inbox, now=now)) == (2, 1, 1)
    assert preview_inbox_off(inbox=other, now=now).is_harmless


def test_a_number_removed_names_whoever_works_on_its_conversations(
    stage: Stage, now: datetime
) -> None:
    preview = preview_number_removal(sender=stage.house.sender, now=now)

    assert numbers(preview) == (2, 1, 1)
    assert losers(preview) == {"Alice": "has 1 open conversation"}
    assert "+15550100001" in preview.headline


def test_a_subaccount_off_names_its_numbers_and_who_works_on_them(stage: Stage) -> None:
    house = stage.house
    make_sender(house.inbox, "+15550100077")

    for is_for_ever in (True, False):
        preview = preview_subaccount_off(
            subaccount=house.sender.twilio_account, is_for_ever=is_for_ever
        )

        assert numbers(preview) == (2, 1, 1)
        assert losers(preview) == {"Alice": "has 1 open conversation"}
        assert "+15550100001" in preview.sentences[0]
        assert "Acme" in preview.headline


def test_who_becomes_an_observer_gives_back_what_they_own(stage: Stage, now: datetime) -> None:
    house = stage.house
    part = Membership.objects.get(team=house.inbox.team, user=house.alice)

    preview = preview_observing(membership=part, now=now)

    assert numbers(preview) == (1, 0, 1)
    assert "Alice only reads in Support." in preview.headline


def test_a_person_who_leaves(stage: Stage, client: Client, now: datetime) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    part = Membership.objects.create(team=sales.team, user=house.alice)

    assert numbers(preview_deactivation(user=house.alice, now=now)) == (1, 0, 1)
    assert numbers(preview_membership_removal(membership=part, now=now)) == (0, 0, 0)
    ours = Membership.objects.get(team=house.inbox.team, user=house.alice)
    assert numbers(preview_membership_removal(membership=ours, now=now)) == (1, 0, 1)


def test_only_so_many_people_are_named(stage: Stage, now: datetime) -> None:
    house = stage.house
    for n in range(MOST_PEOPLE + 2):
        make_user(house.account, f"Person {n:02}", team=house.inbox.team)

    preview = preview_suspension(account=house.account, now=now)

    assert len(preview.losses) == MOST_PEOPLE
    assert preview.losses[0].name == "Alice", "who has most comes first"
    assert preview.more_people == 5


def test_the_page_shows_all_of_it_in_the_account_s_time(stage: Stage, now: datetime) -> None:
    house = stage.house
    Conversation.objects.filter(waiting_since__isnull=False).update(waiting_since=now)
    preview = preview_suspension(account=house.account, now=now)

    html = render_to_string("settings/_preview.html", {"preview": preview})

    assert "Acme is suspended." in html
    assert "23 Nov 2026, 15:00 UTC" in html
    assert "Alice" in html
