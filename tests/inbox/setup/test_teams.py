"""Are teams made and filled in words, and does who leaves one leave its conversations?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Membership, Team, User
from inbox.access import readers_of
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation, release_conversation
from inbox.escalating import fire_due
from inbox.labels import activity_words
from inbox.models import Conversation, ConversationEvent, TeamInbox
from inbox.setup.teams import (
    TeamError,
    add_members,
    change_member_role,
    make_team,
    remove_member,
    rename_team,
)
from tests.conftest import NOW, House
from tests.factories import (
    make_account,
    make_inbox,
    make_policy,
    make_rules,
    make_sender,
    make_user,
)
from tests.twilio import text_in

AGENT, OBSERVER = Membership.Role.AGENT, Membership.Role.OBSERVER


def fresh(row: Conversation) -> Conversation:
    return Conversation.objects.select_related("inbox", "thread").get(pk=row.pk)


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def test_a_team_is_made_and_renamed(house: House, ada: User, now: datetime) -> None:
    team = make_team(account=house.account, name="  Returns   desk ", by=ada, now=now)
    rename_team(team=team, name="Returns", by=ada, now=now)

    team.refresh_from_db()
    assert team.name == "Returns"
    assert [line.action for line in AuditEntry.objects.order_by("pk")] == [
        "team_made",
        "team_renamed",
    ]
    assert AuditEntry.objects.get(action="team_renamed").data["changes"] == {
        "name": {"before": "Returns desk", "after": "Returns"}
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give the team a name"),
        ("   ", "Give the team a name"),
        ("SUPPORT", "a team called “SUPPORT” already"),
        ("x" * 81, "At most 80 letters"),
        ("x" * 1000, "At most 80 letters"),
    ],
)
def test_a_name_is_refused_in_words(
    house: House, ada: User, name: str, words: str, now: datetime
) -> None:
    with pytest.raises(TeamError, match=words):
        make_team(account=house.account, name=name, by=ada, now=now)

    assert Team.objects.filter(account=house.account).count() == 1
    assert not AuditEntry.objects.exists()


def test_another_account_may_have_the_same_name(house: House, ada: User, now: datetime) -> None:
    other = make_account("Umbrella")

    make_team(account=other, name="Support", by=ada, now=now)

    assert Team.objects.filter(name="Support").count() == 2


def test_several_people_are_added_at_once_and_those_in_it_stay_as_they_are(
    house: House, ada: User, now: datetime
) -> None:
    nora, olaf = (make_user(house.account, name) for name in ("Nora", "Olaf"))

    added = add_members(
        team=house.inbox.team, people=[nora, olaf, house.sue], role=AGENT, by=ada, now=now
    )

    assert added == [nora, olaf]
    assert Membership.objects.get(user=house.sue).role == "supervisor"
    assert AuditEntry.objects.filter(action="member_added").count() == 2


def test_people_of_another_account_or_gone_are_refused_and_nobody_is_added(
    house: House, ada: User, now: datetime
) -> None:
    nora = make_user(house.account, "Nora")
    strangers = [
        make_user(make_account("Umbrella")),
        make_user(house.account, is_active=False),
    ]

    for stranger in strangers:
        with pytest.raises(TeamError, match="people of your account"):
            add_members(team=house.inbox.team, people=[nora, stranger], role=AGENT, by=ada, now=now)
    with pytest.raises(TeamError, match="no such role"):
        add_members(team=house.inbox.team, people=[nora], role="boss", by=ada, now=now)

    assert not Membership.objects.filter(user=nora).exists()


@pytest.mark.parametrize("how", ["remove", "observe"])
def test_who_leaves_a_team_gives_back_its_conversations_and_keeps_others(
    house: House, ada: User, how: str, now: datetime
) -> None:
    sales = make_inbox(house.account, "Sales")
    number = make_sender(sales, "+15550100002", twilio_account=house.sender.twilio_account)
    Membership.objects.create(team=sales.team, user=house.bob)
    for sender, customer in ((house.sender, "+14155550123"), (number, "+14155550124")):
        text_in(Client(), sender, customer)
    Conversation.objects.update(owner=house.bob, owned_since=NOW, is_team_wide=False)
    part = Membership.objects.get(user=house.bob, team=house.inbox.team)

    if how == "remove":
        count = remove_member(membership=part, by=ada, now=now)
    else:
        count = change_member_role(membership=part, role=OBSERVER, by=ada, now=now)

    assert count == 1
    assert Conversation.objects.get(inbox=house.inbox).owner is None
    assert Conversation.objects.get(inbox=sales).owner == house.bob


@pytest.mark.parametrize("how", ["remove", "observe"])
@pytest.mark.parametrize("had", ["owns", "takes part", "was added", "had it before", "closed"])
def test_what_rules_and_escalation_gave_to_who_leaves_a_team_is_theirs_no_more(
    house: House, ada: User, how: str, had: str, now: datetime
) -> None:
    both = {"who": "people", "people": [house.alice.pk, house.bob.pk]}
    make_rules(house.inbox, {"then": {"to": [both]}})
    make_policy(house.inbox, {"after": 5, "to": [{"users": [house.bob.pk]}]})
    row = text_in(Client(), house.sender, "+14155550123").conversation
    assert row is not None
    TeamInbox.objects.update(closed_visibility=TeamInbox.ClosedVisibility.AUDIENCE)

    def by(user: User) -> dict[str, Any]:
        return {"conversation": row, "by": house.viewer(user), "user": user, "now": now}

    match had:
        case "owns":
            claim_conversation(**by(house.bob))
        case "was added" | "had it before":
            claim_conversation(**by(house.alice))
        case "closed":
            close_conversation(last_seen_seq=99, waiting_ok=True, **by(house.alice))
    if had == "was added":
        fire_due(now=timezone.now() + timedelta(minutes=6))
    assert (house.bob.pk in readers_of(fresh(row), now=now)) is (had != "had it before")
    part = Membership.objects.get(user=house.bob)

    if how == "remove":
        remove_member(membership=part, by=ada, now=now)
    else:
        change_member_role(membership=part, role=OBSERVER, by=ada, now=now)
    if had in ("was added", "had it before"):
        release_conversation(**by(house.alice))

    assert house.bob.pk not in readers_of(fresh(row), now=now)
    if had != "closed":
        assert house.alice.pk in readers_of(fresh(row), now=now)


def test_what_only_one_had_who_leaves_is_the_teams(house: House, ada: User, now: datetime) -> None:
    only = {"who": "people", "people": [house.bob.pk]}
    make_rules(house.inbox, {"then": {"to": [only]}})
    row = text_in(Client(), house.sender, "+14155550123").conversation
    assert row is not None

    remove_member(membership=Membership.objects.get(user=house.bob), by=ada, now=now)

    readers = readers_of(fresh(row), now=now)
    assert house.alice.pk in readers
    assert house.bob.pk not in readers
    event = ConversationEvent.objects.get(verb="released")
    assert activity_words(event) == "Bob takes part no more: left a team"


def test_removing_twice_says_it_once(house: House, ada: User, now: datetime) -> None:
    part = Membership.objects.get(user=house.bob)

    remove_member(membership=part, by=ada, now=now)
    part.pk = part.pk or 1
    remove_member(membership=part, by=ada, now=now)

    assert AuditEntry.objects.filter(action="member_removed").count() == 1
    with pytest.raises(TeamError, match="no longer in this team"):
        change_member_role(membership=part, role=AGENT, by=ada, now=now)
