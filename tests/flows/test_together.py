"""Can people share conversations without stepping on each other?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.access import Viewer, viewer_of
from accounts.models import License, Membership, User
from inbox.access import HandledByOtherError, conversations_of, get_conversation, readers_of
from inbox.closing import close_conversation, close_quiet, reopen_conversation, undo_close
from inbox.conversations import (
    add_note,
    claim_conversation,
    mark_read,
    mark_unread,
    release_all_of,
    release_conversation,
    release_ineligible,
    return_due,
    snooze_conversation,
    take_over,
    transfer_to_inbox,
    transfer_to_user,
    wake_due,
)
from inbox.models import (
    AutoReplyLog,
    Contact,
    Conversation,
    ConversationEvent,
    Message,
    Participant,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.refusals import (
    ChangedMeanwhileError,
    ClaimedByOtherError,
    ClaimNeededError,
    MissingInputError,
    NotAllowedError,
    NotEligibleError,
    StaleThreadError,
    StillWaitingError,
    UnavailableTargetError,
    UnseenMessagesError,
)
from inbox.reply_settings import greeting
from inbox.sending import send_reply
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.twilio import text_in

MARIA = "+14155550100"


class Stage:
    """One conversation, and people who act in it."""

    def __init__(self, house: House, client: Client, now: datetime) -> None:
        self.house, self.client, self.now = house, client, now
        self.hear("Hello")

    def hear(self, body: str) -> None:
        """Let Maria write."""
        with time_machine.travel(self.now, tick=False):
            message = text_in(self.client, self.house.sender, MARIA, body)
        self.message = message
        if message.conversation_id:
            self.pk = message.conversation_id

    @property
    def row(self) -> Conversation:
        """Return the conversation as it is now."""
        return Conversation.objects.select_related(
            "inbox", "owner", "thread__sender", "thread__contact", "thread__address", "contact"
        ).get(pk=self.pk)

    def viewer(self, user: User) -> Viewer:
        """Return what a person is entitled to."""
        return viewer_of(user, now=self.now)

    def do(self, story: Any, user: User, **options: Any) -> Any:
        """Let a person do something to the conversation."""
        return story(
            conversation=self.row, by=self.viewer(user), user=user, now=self.now, **options
        )

    def reply(self, user: User, body: str = "Hi", **options: Any) -> Any:
        """Let a person answer."""
        return self.do(send_reply, user, body=body, client_id=client_id(), **options)

    def sees(self, user: User) -> bool:
        """Say whether a person sees the conversation in lists."""
        return conversations_of(self.viewer(user)).filter(pk=self.pk).exists()


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


def test_everybody_of_the_team_sees_a_new_conversation(stage: Stage, charlie: User) -> None:
    house = stage.house

    assert [stage.sees(user) for user in (house.alice, house.bob, house.sue)] == [True] * 3
    assert not stage.sees(charlie)


def test_without_a_licence_nothing_is_seen(stage: Stage) -> None:
    License.objects.filter(holder=stage.house.alice).update(ends_at=stage.now)

    assert not stage.sees(stage.house.alice)


def test_a_claim_takes_it_off_the_others_and_leaves_it_with_supervisors(stage: Stage) -> None:
    house = stage.house

    stage.do(claim_conversation, house.alice)

    assert stage.sees(house.alice)
    assert stage.sees(house.sue)
    assert not stage.sees(house.bob)
    event = ConversationEvent.objects.get(verb="claimed")
    assert event.data["left"] == [house.bob.pk]
    with pytest.raises(HandledByOtherError) as handled:
        get_conversation(stage.viewer(house.bob), stage.row.public_id)
    assert handled.value.owner == "Alice"


def test_in_a_read_only_inbox_the_others_go_on_reading(stage: Stage) -> None:
    TeamInbox.objects.update(after_claim="read_only")

    stage.do(claim_conversation, stage.house.alice)

    assert stage.sees(stage.house.bob)
    with pytest.raises(ClaimedByOtherError):
        stage.reply(stage.house.bob)


def test_the_loser_of_a_claim_learns_who_won(stage: Stage) -> None:
    row = stage.row
    stage.do(claim_conversation, stage.house.alice)

    with pytest.raises(ClaimedByOtherError) as lost:
        claim_conversation(
            conversation=row,
            by=stage.viewer(stage.house.bob),
            user=stage.house.bob,
            now=stage.now,
        )

    assert lost.value.as_dict() == {
        "code": "claimed_by_other",
        "detail": "Alice has this conversation.",
        "owner": "Alice",
        "since": stage.now.isoformat(),
    }


def test_claiming_what_one_owns_changes_nothing(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    version = stage.row.version

    stage.do(claim_conversation, stage.house.alice)

    assert stage.row.version == version
    assert ConversationEvent.objects.filter(verb="claimed").count() == 1


def test_release_gives_it_back_to_exactly_those_who_had_it(stage: Stage) -> None:
    house = stage.house
    row = stage.row
    row.is_team_wide = False
    row.save()
    for user in (house.alice, house.bob):
        Participant.objects.create(
            account=house.account,
            conversation=row,
            user=user,
            role="member",
            source="rule",
            started_at=stage.now,
        )
    outsider = make_user(house.account, "Olga", team=house.inbox.team)
    stage.do(claim_conversation, house.alice)

    stage.do(release_conversation, house.alice)

    assert stage.sees(house.alice)
    assert stage.sees(house.bob)
    assert not stage.sees(outsider)


def test_release_leaves_out_people_who_lost_their_licence(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    License.objects.filter(holder=house.bob).update(ends_at=stage.now)

    stage.do(release_conversation, house.alice)

    assert stage.row.is_team_wide
    assert not stage.sees(house.bob)


def test_losing_the_licence_releases_each_conversation_with_its_own_event(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)

    release_all_of(user=stage.house.alice, reason="licence ended", now=stage.now)

    assert stage.row.owner is None
    event = ConversationEvent.objects.get(verb="released")
    assert event.data["reason"] == "licence ended"


def test_a_licence_that_simply_expires_gives_back_what_its_holder_had(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    License.objects.filter(holder=stage.house.alice).update(ends_at=stage.now)

    assert release_ineligible(now=stage.now - timedelta(seconds=1)) == 0
    assert release_ineligible(now=stage.now) == 1

    assert stage.row.owner is None
    assert stage.sees(stage.house.bob)


def test_transfer_gives_it_to_one_person_at_once(stage: Stage) -> None:
    house = stage.house

    stage.do(transfer_to_user, house.alice, to=house.bob, note="He knows zips")

    assert stage.row.owner == house.bob
    assert not stage.sees(house.alice)
    assert stage.row.returns_at == stage.now + timedelta(minutes=30)


def test_a_transfer_nobody_answers_goes_back_to_the_team(stage: Stage) -> None:
    house = stage.house
    stage.do(transfer_to_user, house.alice, to=house.bob)

    assert return_due(now=stage.now + timedelta(minutes=29)) == 0
    assert return_due(now=stage.now + timedelta(minutes=31)) == 1

    assert stage.row.owner is None
    assert stage.sees(house.alice)


def test_an_answer_ends_the_return_of_a_transfer(stage: Stage) -> None:
    stage.do(transfer_to_user, stage.house.alice, to=stage.house.bob)

    stage.reply(stage.house.bob)

    assert return_due(now=stage.now + timedelta(hours=1)) == 0


def test_transfer_to_somebody_away_needs_a_confirmation(stage: Stage) -> None:
    house = stage.house
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    bob = User.objects.get(pk=house.bob.pk)

    with pytest.raises(UnavailableTargetError):
        stage.do(transfer_to_user, house.alice, to=bob)
    stage.do(transfer_to_user, house.alice, to=bob, confirmed=True)

    assert stage.row.owner == bob


def test_where_a_note_is_asked_for_nothing_is_passed_on_without_one(stage: Stage) -> None:
    house, sales = stage.house, make_inbox(stage.house.account, "Sales")
    TeamInbox.objects.filter(pk=house.inbox.pk).update(is_transfer_note_required=True)

    with pytest.raises(MissingInputError, match="Write a note"):
        stage.do(transfer_to_user, house.alice, to=house.bob, note="  ")
    with pytest.raises(MissingInputError, match="Write a note"):
        stage.do(transfer_to_inbox, house.alice, to=sales)
    assert (stage.row.owner, stage.row.inbox) == (None, house.inbox)

    stage.do(transfer_to_user, house.alice, to=house.bob, note="They want the blue one")
    assert stage.row.owner == house.bob
    # It is the inbox that it leaves which asks.
    stage.do(transfer_to_inbox, house.bob, to=sales, note="Price of ten?")
    assert stage.row.inbox == sales


def test_transfer_to_strangers_is_refused(stage: Stage, charlie: User) -> None:
    nora = make_user(stage.house.account, "Nora", team=stage.house.inbox.team, is_licensed=False)
    outsider = make_user(stage.house.account, "Otto")

    for target in (charlie, nora, outsider):
        with pytest.raises(NotEligibleError):
            stage.do(transfer_to_user, stage.house.alice, to=target)


def test_transfer_to_an_inbox_changes_the_team_and_keeps_the_number(stage: Stage) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    sam = make_user(house.account, "Sam", team=sales.team)

    stage.do(transfer_to_inbox, house.alice, to=sales)

    assert stage.sees(sam)
    assert not any(stage.sees(user) for user in (house.alice, house.bob, house.sue))
    assert stage.row.thread.sender == house.sender
    stage.hear("Anyone there?")
    assert stage.row.inbox == sales


def test_only_a_supervisor_takes_over_and_says_why(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    with pytest.raises(ClaimedByOtherError):
        stage.do(take_over, house.bob, reason="I want it")
    with pytest.raises(MissingInputError):
        stage.do(take_over, house.sue, reason=" ")
    stage.do(take_over, house.sue, reason="Alice is ill")

    assert stage.row.owner == house.sue
    assert stage.sees(house.alice)
    with pytest.raises(ClaimedByOtherError):
        stage.reply(house.alice)


def test_close_is_refused_while_there_are_unseen_messages(stage: Stage) -> None:
    seen = stage.message.seq
    stage.hear("One more thing")

    with pytest.raises(UnseenMessagesError) as unseen:
        stage.do(close_conversation, stage.house.alice, last_seen_seq=seen, waiting_ok=True)

    assert unseen.value.unseen_from_seq == seen + 1


def test_close_asks_when_the_customer_still_waits(stage: Stage) -> None:
    with pytest.raises(StillWaitingError):
        stage.do(close_conversation, stage.house.alice, last_seen_seq=1)

    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    assert stage.row.status == "closed"
    assert stage.row.waiting_since is None


def test_undo_of_a_close_restores_owner_audience_and_clock(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    before = stage.row
    stage.do(close_conversation, house.alice, last_seen_seq=1, waiting_ok=True)

    stage.do(undo_close, house.alice)

    after = stage.row
    for field in ("status", "owner_id", "owned_since", "waiting_since", "is_team_wide"):
        assert getattr(after, field) == getattr(before, field), field
    assert after.audience_before == before.audience_before
    assert not stage.sees(house.bob)
    assert readers_of(after, now=stage.now) == {house.alice.pk, house.sue.pk}


def test_a_close_can_be_undone_only_by_who_closed_and_only_for_two_minutes(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    with pytest.raises(ChangedMeanwhileError):
        stage.do(undo_close, stage.house.bob)
    stage.now += timedelta(minutes=3)
    with pytest.raises(ChangedMeanwhileError):
        stage.do(undo_close, stage.house.alice)


@pytest.mark.parametrize(
    ("visibility", "bob_sees"), [("team", True), ("audience", False)], ids=["team", "audience"]
)
def test_who_sees_a_closed_conversation_is_the_inbox_s_choice(
    stage: Stage, visibility: str, bob_sees: bool
) -> None:
    TeamInbox.objects.update(closed_visibility=visibility)
    stage.do(claim_conversation, stage.house.alice)

    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    assert stage.sees(stage.house.alice)
    assert stage.sees(stage.house.sue)
    assert stage.sees(stage.house.bob) is bob_sees


def test_a_message_soon_after_close_reopens_for_the_last_owner(stage: Stage, settings: Any) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.reply(house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=2)
    first = stage.pk

    stage.hear("Thanks, one question")

    assert stage.pk == first
    assert stage.row.owner == house.alice
    assert stage.row.reopen_count == 1
    assert stage.row.waiting_since is not None
    assert not stage.sees(house.bob)


def test_a_reopened_conversation_goes_to_the_team_when_its_owner_is_away(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=1, waiting_ok=True)
    User.objects.filter(pk=house.alice.pk).update(availability="away")

    stage.hear("Hello again")

    assert stage.row.owner is None
    assert stage.sees(house.bob)


@pytest.mark.parametrize(
    ("hours", "closed_for", "is_same"),
    [(72, 71, True), (72, 73, False), (0, 0.01, False), (None, 10_000, True)],
)
def test_the_reopen_window_decides_between_the_old_and_a_new_segment(
    stage: Stage, hours: int | None, closed_for: float, is_same: bool
) -> None:
    TeamInbox.objects.update(reopen_hours=hours)
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)
    first = stage.row
    Conversation.objects.update(closed_at=stage.message.created_at - timedelta(hours=closed_for))

    stage.hear("Me again")

    assert (stage.pk == first.pk) is is_same
    if not is_same:
        assert stage.row.previous_id == first.pk
        assert stage.row.thread_id == first.thread_id


def test_an_agent_who_writes_to_a_closed_thread_owns_it(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    stage.reply(stage.house.bob, "I forgot to say")

    assert stage.row.status == "open"
    assert stage.row.owner == stage.house.bob


def test_reopen_by_hand_gives_it_to_who_reopens(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)

    stage.do(reopen_conversation, stage.house.bob)

    assert stage.row.owner == stage.house.bob


def test_in_a_required_inbox_one_claims_before_answering(stage: Stage) -> None:
    TeamInbox.objects.update(claim_rule="required")

    with pytest.raises(ClaimNeededError):
        stage.reply(stage.house.alice)
    stage.do(claim_conversation, stage.house.alice)

    assert stage.reply(stage.house.alice).status == "queued"


def test_where_the_first_reply_claims_it_claims(stage: Stage) -> None:
    TeamInbox.objects.update(claim_rule="on_first_reply")

    stage.reply(stage.house.alice)

    assert stage.row.owner == stage.house.alice
    assert not stage.sees(stage.house.bob)


def test_in_a_collaborative_inbox_nobody_claims_and_everybody_answers(stage: Stage) -> None:
    TeamInbox.objects.update(claim_rule="collaborative")

    with pytest.raises(NotAllowedError):
        stage.do(claim_conversation, stage.house.alice)
    stage.reply(stage.house.alice)
    stage.reply(stage.house.bob)

    assert stage.row.owner is None


def test_only_a_person_s_answer_stops_the_waiting_clock(stage: Stage) -> None:
    since = stage.row.waiting_since
    assert since is not None

    stage.do(claim_conversation, stage.house.alice)
    stage.do(add_note, stage.house.alice, body="looking", client_id=client_id())
    stage.hear("hello??")

    assert stage.row.waiting_since == since
    assert stage.row.wait_generation == 1
    stage.reply(stage.house.alice)
    assert stage.row.waiting_since is None
    stage.hear("thanks")
    assert stage.row.wait_generation == 2


def test_an_automatic_reply_greets_once_and_never_stops_the_clock(stage: Stage) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"))
    other = "+14155550222"

    first = text_in(stage.client, stage.house.sender, other, "Hi")
    text_in(stage.client, stage.house.sender, other, "Are you there?")

    assert first.conversation_id
    conversation = Conversation.objects.get(pk=first.conversation_id)
    auto = conversation.messages.filter(direction="out")
    assert [message.body for message in auto] == ["Welcome!"]
    assert auto[0].author_label == "Assistant"
    assert conversation.waiting_since == first.received_at


def test_an_answer_that_crosses_with_a_new_message_is_held(stage: Stage) -> None:
    seen = stage.message.seq
    stage.hear("Wait, wrong order number")

    with pytest.raises(StaleThreadError) as stale:
        stage.reply(stage.house.alice, last_seen_seq=seen)

    assert stale.value.unseen_from_seq == seen + 1
    assert stage.reply(stage.house.alice, last_seen_seq=stage.message.seq)


def test_the_same_client_id_makes_one_message(stage: Stage) -> None:
    options = {"body": "Hi", "client_id": "c" * 32}

    first = stage.do(send_reply, stage.house.alice, **options)
    again = stage.do(send_reply, stage.house.alice, **options)

    assert first.pk == again.pk


def test_unread_is_each_person_s_own(stage: Stage) -> None:
    alice, bob = stage.viewer(stage.house.alice), stage.viewer(stage.house.bob)

    assert mark_read(conversation=stage.row, by=alice, seq=1) == 1
    assert mark_read(conversation=stage.row, by=alice, seq=99) == 1
    assert mark_read(conversation=stage.row, by=bob, seq=0) == 0
    assert mark_unread(conversation=stage.row, by=alice) == 0


def test_a_snoozed_conversation_wakes_in_time_or_when_the_customer_writes(stage: Stage) -> None:
    until = stage.now + timedelta(hours=3)
    stage.do(snooze_conversation, stage.house.alice, until=until)
    assert stage.row.status == "snoozed"

    assert wake_due(now=until - timedelta(seconds=1)) == 0
    assert wake_due(now=until) == 1
    stage.do(snooze_conversation, stage.house.alice, until=None)
    stage.hear("hello?")

    assert stage.row.status == "open"


def test_auto_close_never_closes_on_a_waiting_customer(stage: Stage) -> None:
    TeamInbox.objects.update(auto_close_hours=24, auto_close_since=stage.now - timedelta(days=1))
    later = stage.now + timedelta(hours=25)

    assert close_quiet(now=later) == 0
    answer = stage.reply(stage.house.alice)
    assert close_quiet(now=later) == 0, "it has not left yet"
    Message.objects.filter(pk=answer.pk).update(status="delivered")
    assert close_quiet(now=stage.now + timedelta(hours=23)) == 0
    assert close_quiet(now=later) == 1

    assert stage.row.status == "closed"


def test_a_conversation_is_not_closed_by_itself_when_the_answer_failed(stage: Stage) -> None:
    TeamInbox.objects.update(auto_close_hours=24, auto_close_since=stage.now - timedelta(days=1))
    answer = stage.reply(stage.house.alice)
    Message.objects.filter(pk=answer.pk).update(status="failed")
    Conversation.objects.update(has_failed_message=True)

    assert close_quiet(now=stage.now + timedelta(hours=25)) == 0


def test_an_observer_reads_and_does_nothing(stage: Stage) -> None:
    olga = make_user(
        stage.house.account,
        "Olga",
        team=stage.house.inbox.team,
        role=Membership.Role.OBSERVER,
    )

    assert stage.sees(olga)
    with pytest.raises(NotAllowedError):
        stage.do(claim_conversation, olga)
    with pytest.raises(NotAllowedError):
        stage.reply(olga)


def test_a_blocked_contact_is_kept_for_supervisors_only(stage: Stage) -> None:
    contact = stage.row.contact
    contact.is_blocked = True
    contact.save()

    stage.hear("You will hear from me")

    assert stage.message.pk
    assert not stage.sees(stage.house.alice)
    assert stage.sees(stage.house.sue)


def test_a_blocked_contact_is_not_answered_by_itself(stage: Stage) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"), reopen_hours=0)
    Conversation.objects.update(status="closed", closed_at=stage.now, waiting_since=None)
    Contact.objects.update(is_blocked=True)

    stage.hear("It is me")
    Contact.objects.update(is_blocked=False)
    Conversation.objects.update(status="closed", closed_at=stage.now, waiting_since=None)

    # The silence used nothing up: who is let in again is greeted.
    assert not AutoReplyLog.objects.exists()
    stage.now += timedelta(days=1)
    stage.hear("Thank you")
    assert AutoReplyLog.objects.count() == 1


def test_a_viewer_without_the_feature_sees_nothing(stage: Stage) -> None:
    blind = replace(stage.viewer(stage.house.alice), has_team_inbox=False)

    assert not conversations_of(blind).exists()
