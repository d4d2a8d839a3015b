"""Is a possible request to stop held, shown to people, decided, and settled when nobody decides?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.comparing import differences
from compliance.consent import consent_of
from compliance.deadlines import business_days_after
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import Consent, ConsentEvent, GateDecision, ProviderBlock
from compliance.verifying import verify_account
from inbox.contacts import address_of
from inbox.models import ConsentReview, Conversation, ConversationEvent, Message, TeamInbox
from inbox.models.ids import client_id
from inbox.reply_settings import greeting
from inbox.reviewing import DecidedAlreadyError, decide, heed_next
from inbox.sending import Wanted, WentOn, send_reply, verdict_on
from tests.conftest import House
from tests.factories import make_sender
from tests.twilio import text_in

MARIA = "+14155550100"
DOUBT = "ya basta con los mensajes"
WISH = "please take me off your list"


def _conversation(message: Message) -> Conversation:
    assert message.conversation is not None
    return Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=message.conversation.pk)


def _reply(house: House, message: Message, at: datetime, **more: Any) -> Message:
    return send_reply(
        conversation=_conversation(message),
        by=house.viewer(house.alice),
        user=house.alice,
        body="Do you mean that we should stop?",
        client_id=client_id(),
        now=at,
        **more,
    )


def _decide(house: House, *, is_stop: bool, reason: str = "", after: timedelta) -> None:
    review = ConsentReview.objects.get()
    decide(
        review=review,
        by=house.viewer(house.alice),
        user=house.alice,
        is_stop=is_stop,
        reason=reason,
        now=review.opened_at + after,
    )


def _may_go(message: Message, purpose: Purpose, at: datetime) -> Reason:
    thread = _conversation(message).thread
    return verdict_on(thread, Wanted(purpose, None, at), now=at).reason


def _holds(message: Message) -> None:
    """Replaying gives the state, and the chain is whole."""
    assert list(differences(message.account_id)) == []
    assert verify_account(message.account_id).broken is None


# --- Held -----------------------------------------------------------------------------------------


def test_a_doubt_is_held_and_nothing_automatic_goes(house: House, client: Client) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"))

    message = text_in(client, house.sender, MARIA, DOUBT)

    assert Consent.objects.get().state == "held"
    assert not Message.objects.filter(direction="out").exists()
    review = ConsentReview.objects.get()
    assert (review.message_id, review.kind, review.outcome) == (message.pk, "held", "")
    event = ConsentEvent.objects.get()
    assert (event.kind, event.source, review.event) == ("held", "inbound_fuzzy", event.seq)
    assert event.personal.said == DOUBT
    assert _may_go(message, Purpose.AUTO_REPLY, message.created_at) is Reason.PENDING_REVIEW
    assert _may_go(message, Purpose.NOTIFICATION, message.created_at) is Reason.PENDING_REVIEW


def test_a_doubt_cancels_automatic_messages_and_leaves_what_a_person_answered(
    house: House, client: Client
) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"))
    first = text_in(client, house.sender, MARIA, "Hello")
    by_person = _reply(house, first, first.created_at)

    text_in(client, house.sender, MARIA, DOUBT)

    by_machine = Message.objects.get(purpose="auto_reply")
    by_person.refresh_from_db()
    assert (by_machine.status, by_machine.error_code) == ("canceled", "PENDING_REVIEW")
    assert by_person.status == "queued"


def test_an_agent_is_asked_before_they_answer_and_goes_on_with_a_reason(
    house: House, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    at = message.created_at

    with pytest.raises(SendBlockedError) as asked:
        _reply(house, message, at)
    went_on = WentOn(frozenset({"PENDING_REVIEW"}), "She asked me on the phone")
    sent = _reply(house, message, at, went_on=went_on)

    assert asked.value.verdict.is_question
    kept = list(GateDecision.objects.order_by("pk").values_list("answer", "code"))
    assert kept == [("ask", "PENDING_REVIEW"), ("allow", "OK")]
    assert sent.details["went_on"]["codes"] == ["PENDING_REVIEW"]
    assert sent.details["went_on"]["reason"] == "She asked me on the phone"
    went_on_with = GateDecision.objects.latest("pk").inputs["went_on_with"]
    assert went_on_with == ["PENDING_REVIEW"]


def test_a_question_of_the_gate_is_answered_over_http(house: House, client: Client, login) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    url = f"/c/{message.conversation.public_id}/messages/"  # type: ignore[union-attr]
    alice, script = login(house.alice), {"Accept": "application/json"}
    form = {"kind": "reply", "body": "Hello?", "client_id": client_id()}

    asked = alice.post(url, form, headers=script)
    form |= {"went_on": "PENDING_REVIEW"}
    unexplained = alice.post(url, form, headers=script)
    sent = alice.post(url, {**form, "went_on_reason": "She rang"}, headers=script)

    assert (asked.status_code, asked.json()["may_go_on"]) == (409, True)
    assert asked.json()["went_on"] == "PENDING_REVIEW"
    assert (unexplained.status_code, unexplained.json()["code"]) == (422, "bad_input")
    assert sent.status_code == 201
    assert Message.objects.filter(direction="out").count() == 1


def test_nobody_goes_on_where_nobody_may(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    text_in(client, house.sender, MARIA, "STOP")
    went_on = WentOn(frozenset({"PROVIDER_BLOCKED", "OPTED_OUT"}), "I want to")

    with pytest.raises(SendBlockedError):
        _reply(house, message, message.created_at, went_on=went_on)


def test_a_second_doubt_opens_no_second_review(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, DOUBT)
    text_in(client, house.sender, MARIA, DOUBT)

    assert ConsentReview.objects.count() == 1
    assert ConsentEvent.objects.filter(kind="held").count() == 2


def test_the_database_keeps_one_open_doubt_per_thread(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, DOUBT)
    other = text_in(client, house.sender, MARIA, "Hello")
    review = ConsentReview.objects.get()
    review.pk, review.message = None, other

    with pytest.raises(IntegrityError), transaction.atomic():
        review.save(force_insert=True)


# --- Decided by a person --------------------------------------------------------------------------


def test_a_yes_opts_out_as_of_the_message(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)

    _decide(house, is_stop=True, after=timedelta(hours=3))

    consent = Consent.objects.get()
    assert consent.state == "opted_out"
    event = ConsentEvent.objects.get(kind="opt_out")
    assert event.occurred_at == ConsentEvent.objects.get(kind="held").occurred_at
    assert event.recorded_at == ConsentReview.objects.get().decided_at
    assert (event.recorded_by, event.words) == (house.alice, "ya basta mensajes")
    assert ConsentReview.objects.get().outcome == "stop"
    # Three hours later is too late for the one confirmation that is allowed.
    assert not Message.objects.filter(direction="out").exists()
    _holds(message)


def test_a_yes_within_five_minutes_is_confirmed_once(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, DOUBT)

    _decide(house, is_stop=True, after=timedelta(minutes=2))

    [sent] = Message.objects.filter(direction="out")
    assert sent.purpose == "optout_confirmation"
    assert sent.body.startswith("Acme: ")


def test_a_no_needs_a_reason_and_opens_the_way_again(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    with pytest.raises(Exception, match="Say why"):
        _decide(house, is_stop=False, after=timedelta(hours=1))

    _decide(house, is_stop=False, reason="She means the other shop", after=timedelta(hours=1))

    assert Consent.objects.get().state == "conversational"
    lifted = ConsentEvent.objects.get(kind="hold_lifted")
    assert (lifted.personal.reason, lifted.recorded_by) == ("She means the other shop", house.alice)
    at = message.created_at + timedelta(hours=1)
    assert _may_go(message, Purpose.AUTO_REPLY, at) is Reason.OK
    line = ConversationEvent.objects.filter(verb="consent").latest("pk")
    assert line.actor == house.alice
    _holds(message)


def test_what_they_write_themselves_settles_it(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, DOUBT)

    text_in(client, house.sender, MARIA, "STOP")

    review = ConsentReview.objects.get()
    assert (review.outcome, review.decided_by) == ("moot", None)
    with pytest.raises(DecidedAlreadyError):
        _decide(house, is_stop=True, after=timedelta(hours=1))


def test_start_lifts_a_hold(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)

    text_in(client, house.sender, MARIA, "START")

    assert Consent.objects.get().state == "conversational"
    assert ConsentReview.objects.get().outcome == "moot"
    _holds(message)


def test_who_looks_only_decides_nothing(house: House, client: Client, login) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    conversation = _conversation(message)
    _decide_as = {"review": str(ConsentReview.objects.get().pk), "decision": "stop"}
    Conversation.objects.filter(pk=conversation.pk).update(
        owner=house.bob, owned_since=message.created_at, is_team_wide=False
    )

    answer = login(house.alice).post(f"/c/{conversation.public_id}/review/", _decide_as)

    assert answer.status_code == 404
    assert ConsentReview.objects.get().decided_at is None


def test_a_review_of_another_conversation_is_not_found(house: House, client: Client, login) -> None:
    text_in(client, house.sender, MARIA, DOUBT)
    other = text_in(client, house.sender, "+14155550177", "Hello")
    form = {"review": str(ConsentReview.objects.get().pk), "decision": "stop"}
    url = f"/c/{_conversation(other).public_id}/review/"

    assert login(house.alice).post(url, form).status_code == 404
    assert login(house.alice).post(url, {"review": "x", "decision": "stop"}).status_code == 404
    assert login(house.alice).post(url, {**form, "decision": "maybe"}).status_code == 404


# --- Read as a request, and undone ----------------------------------------------------------------


def test_a_wish_in_words_opts_out_is_confirmed_and_can_be_undone(
    house: House, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, WISH)
    assert Consent.objects.get().state == "opted_out"
    assert Message.objects.get(direction="out").purpose == "optout_confirmation"
    assert message.conversation is not None

    _decide(house, is_stop=False, reason="She meant the waiting list", after=timedelta(hours=1))

    assert Consent.objects.get().state == "conversational"
    voided = ConsentEvent.objects.get(kind="void")
    assert voided.supersedes == ConsentEvent.objects.get(kind="opt_out").seq
    _holds(message)


def test_an_undo_is_allowed_for_a_day(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, WISH)

    with pytest.raises(DecidedAlreadyError):
        _decide(house, is_stop=False, reason="Too late", after=timedelta(hours=24))

    assert Consent.objects.get().state == "opted_out"


def test_nobody_undoes_what_the_carrier_blocks(house: House, client: Client) -> None:
    message = text_in(client, house.sender, MARIA, WISH)
    ProviderBlock.objects.create(
        account=house.account,
        our_address=house.sender.address,
        address=address_of(_conversation(message).thread).consent_key,
        since=message.created_at,
    )

    with pytest.raises(Exception, match="carrier blocks"):
        _decide(house, is_stop=False, reason="She meant it not", after=timedelta(hours=1))

    assert Consent.objects.get().state == "opted_out"
    assert ConsentReview.objects.get().decided_at is None


def test_a_keyword_cannot_be_undone(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, "Hello")
    text_in(client, house.sender, MARIA, "STOP")

    assert not ConsentReview.objects.exists()


# --- The clock ------------------------------------------------------------------------------------


def test_people_are_reminded_on_days_one_five_and_nine_and_then_it_counts_as_a_yes(
    house: House, client: Client
) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    review = ConsentReview.objects.get()
    assert message.received_at is not None
    ends = [_after(house, message.received_at, days) for days in (1, 5, 9, 10)]
    assert (review.due_at, review.ends_at) == (ends[0], ends[3])

    told = []
    for end in ends:
        assert not heed_next(now=end - timedelta(seconds=1))
        while heed_next(now=end):
            pass
        told.append((ConsentReview.objects.get().reminders, Consent.objects.get().state))

    assert told == [(1, "held"), (2, "held"), (3, "held"), (3, "opted_out")]
    alarms = AuditEntry.objects.filter(is_alarm=True).order_by("pk")
    assert [one.action for one in alarms] == [*["review_waits"] * 3, "review_lapsed"]
    assert MARIA not in "".join(str(one.data) for one in alarms)
    assert ConsentReview.objects.get().outcome == "lapsed"
    assert ConversationEvent.objects.filter(verb="warned").count() == 3
    event = ConsentEvent.objects.get(kind="hold_lapsed")
    assert event.source == "clock"
    _holds(message)


def _after(house: House, since: datetime, days: int) -> datetime:
    return business_days_after(since, days, country="US", zone=house.account.time_zone)


def test_what_is_decided_is_not_reminded_of(house: House, client: Client) -> None:
    text_in(client, house.sender, MARIA, DOUBT)
    _decide(house, is_stop=False, reason="Another shop", after=timedelta(hours=1))

    assert not heed_next(now=ConsentReview.objects.get().ends_at + timedelta(days=30))


@pytest.mark.parametrize(
    ("since", "days", "until"),
    [
        # A Thursday evening in New York: Friday is the first day, its midnight the end.
        ("2026-11-20T01:00Z", 1, "2026-11-21T05:00Z"),
        # Thanksgiving is no business day, nor is a weekend.
        ("2026-11-25T15:00Z", 1, "2026-11-28T05:00Z"),
        ("2026-11-28T15:00Z", 1, "2026-12-01T05:00Z"),
        ("2026-11-23T15:00Z", 10, "2026-12-09T05:00Z"),
        # Clocks change on 8 March 2026.
        ("2026-03-06T15:00Z", 1, "2026-03-10T04:00Z"),
    ],
)
def test_business_days_are_counted_where_the_account_is(since: str, days: int, until: str) -> None:
    start = datetime.fromisoformat(since)

    end = business_days_after(start, days, country="US", zone="America/New_York")

    assert end == datetime.fromisoformat(until)


# --- Who sees it ----------------------------------------------------------------------------------


def test_the_queue_shows_who_may_see(house: House, client: Client, login, charlie: User) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    Conversation.objects.update(owner=house.bob, owned_since=message.created_at, is_team_wide=False)

    seen = {
        user.name: DOUBT in login(user).get("/reviews/").content.decode()
        for user in (house.alice, house.bob, house.sue, charlie)
    }

    assert seen == {"Alice": False, "Bob": True, "Sue": True, "Charlie": False}


def test_a_decision_on_the_page_goes_back_to_the_queue(house: House, client: Client, login) -> None:
    message = text_in(client, house.sender, MARIA, DOUBT)
    sue = login(house.sue)
    form = {
        "review": str(ConsentReview.objects.get().pk),
        "decision": "go_on",
        "reason": "She means the shop next door",
        "next": "/reviews/",
    }

    answer = sue.post(f"/c/{_conversation(message).public_id}/review/", form)

    assert (answer.status_code, answer["Location"]) == (302, "/reviews/")
    decided = sue.get("/reviews/?show=decided").content.decode()
    assert "She means the shop next door" in decided
    assert DOUBT not in sue.get("/reviews/").content.decode()


def test_the_desk_offers_the_decision_and_the_undo(house: House, client: Client, login) -> None:
    held = text_in(client, house.sender, MARIA, DOUBT)
    read = text_in(client, house.sender, "+14155550188", WISH)
    alice = login(house.alice)

    desks = [
        alice.get(f"/c/{_conversation(one).public_id}/desk/").content.decode()
        for one in (held, read)
    ]

    assert "They want to stop" in desks[0]
    assert 'data-composer="open"' in desks[0]
    assert "They want to stop" not in desks[1]
    assert "Undo" in desks[1]
    assert 'data-composer="blocked"' in desks[1]


# --- The same person's other address --------------------------------------------------------------


def test_a_hold_binds_the_same_person_s_other_address_and_so_does_its_end(
    house: House, client: Client
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    phone, user_id = "whatsapp:+6581234567", "whatsapp:SG.4711abc"
    text_in(client, whatsapp, user_id, "Hi")
    text_in(client, whatsapp, phone, "Hi", ExternalUserId=user_id)

    message = text_in(client, whatsapp, phone, "i'm done with these texts")
    assert set(Consent.objects.values_list("state", flat=True)) == {"held"}

    _decide(house, is_stop=False, reason="She is moving", after=timedelta(minutes=1))
    assert not Consent.objects.filter(state="held").exists()
    assert consent_of(house.account.pk, address_of(_conversation(message).thread)) is not None
    _holds(message)
