"""Does one message lose its words, and everything that repeats them, and nothing else?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import AuditEntry, SupportAccess, User
from compliance.models import ConsentEvent, GateDecision
from compliance.verifying import verify_account
from inbox.conversations import add_note
from inbox.forgetting.holds import lift_hold, set_hold
from inbox.forgetting.remote import delete_next
from inbox.forgetting.removing import remove_message
from inbox.media import fetch
from inbox.models import (
    Attachment,
    ConsentQuestion,
    ConsentReview,
    ConversationEvent,
    Draft,
    InboxEvent,
    Message,
    Receipt,
    RemoteDeletion,
    RoutingTrace,
)
from inbox.models.ids import client_id
from inbox.previews import REMOVED
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.sending import resend
from routing.models import RuleExample
from routing.rulebooks import make_rulebook
from tests.carrier import Twilio
from tests.conftest import NOW, House
from tests.factories import make_user
from tests.flows.test_together import MARIA, Stage
from tests.inbox.forgetting.people import dump, files_on_disk, found_in
from tests.twilio import new_sid, status_in, text_in

pytestmark = pytest.mark.django_db
# What pg_dump writes is what is committed.
committed = pytest.mark.django_db(transaction=True)
SECRET = "quicksilver"
TYPED = f"My {SECRET} card is 4111 1111 1111 1111, take it from there"
WHY = "A card number"
Remove = Callable[..., Message]


@pytest.fixture
def stage(house: House, client: Client, settings: Any, tmp_path: Path) -> Stage:
    settings.MEDIA_ROOT = str(tmp_path)
    return Stage(house, client, NOW)


@pytest.fixture
def typed(stage: Stage) -> Message:
    """Maria has typed what should never have been typed."""
    stage.hear(TYPED)
    return stage.message


@pytest.fixture
def ada(house: House) -> User:
    """She administers the account, has a licence and belongs to the team."""
    return make_user(house.account, "Ada", team=house.inbox.team, works_as=ADMIN)


@pytest.fixture
def remove(stage: Stage) -> Remove:
    def take(message: Message, user: User | None = None, reason: str = WHY) -> Message:
        who = user or stage.house.sue
        by = stage.viewer(who)
        return remove_message(message=message, by=by, user=who, reason=reason, now=NOW)

    return take


ADMIN = User.Role.ACCOUNT_ADMIN


def left(*, also: tuple[str, ...] = ()) -> set[str]:
    """Return which of the secrets stand anywhere in the database."""
    words = (SECRET, "4111 1111", "4111111111111111", *also)
    return found_in(dump(), also=words) & set(words)


def file_of(message: Message, position: int = 0) -> Attachment:
    file = Attachment(
        account_id=message.account_id,
        message=message,
        position=position,
        name=f"{SECRET}.jpg",
        alt=SECRET,
        content_type="image/jpeg",
        look="image",
        state="ready",
    )
    file.file.save(f"{file.public_id}.bin", ContentFile(SECRET.encode()), save=False)
    file.thumbnail.save(f"{file.public_id}.jpg", ContentFile(SECRET.encode()), save=False)
    file.save()
    return file


def sent(stage: Stage, body: str = TYPED, **fields: Any) -> Message:
    """Let Alice have sent something that arrived."""
    message: Message = stage.reply(stage.house.alice, body)
    fields = {"status": "delivered", "provider_sid": new_sid(), **fields}
    Message.objects.filter(pk=message.pk).update(**fields)
    message.refresh_from_db()
    return message


# --- What goes ------------------------------------------------------------------------------------


@committed
def test_a_dump_after_it_holds_none_of_the_words(
    stage: Stage, typed: Message, remove: Remove, ada: User, tmp_path: Path
) -> None:
    house = stage.house
    file_of(typed)
    trace_of(typed)
    example_of(house, ada)
    review_of(typed)
    Draft.objects.create(
        account=house.account,
        user=house.bob,
        conversation=stage.row,
        mode="reply",
        body=TYPED,
        revision=3,
        device="0123456789abcdef",
        typed_ms=1,
        written_at=NOW,
    )
    assert left() == {SECRET, "4111 1111"}
    assert files_on_disk(tmp_path)

    remove(typed)

    assert left() == set()
    assert files_on_disk(tmp_path) == []


def trace_of(message: Message) -> RoutingTrace:
    """A decision that looked at the text, and whose plan repeats it."""
    read = {"fact": "text", "operator": "contains_any", "actual": message.body[:200], "holds": True}
    other = {"fact": "channel", "operator": "is_any", "actual": "sms", "holds": True}
    assert message.conversation is not None
    return RoutingTrace.objects.create(
        account_id=message.account_id,
        inbox_id=message.conversation.inbox_id,
        conversation=message.conversation,
        message=message,
        trigger="new",
        rule="cards",
        rules=[{"rule": "cards", "name": "Cards", "outcome": "matched", "tested": [read, other]}],
        plan={"notes": [f"They wrote: {message.body}"], "tags": ["cards"]},
        at=NOW,
    )


def example_of(house: House, by: User) -> None:
    book = make_rulebook(account=house.account, name="Book", by=by, now=NOW)
    RuleExample.objects.create(
        account=house.account,
        rulebook=book,
        team=house.inbox.team,
        name="Cards",
        facts={"text": TYPED},
        expected={},
        changed_by=by,
        created_at=NOW,
        changed_at=NOW,
    )


def review_of(message: Message, **fields: Any) -> ConsentReview:
    decided = {"decided_at": NOW, "outcome": "go_on", "reason": f"{SECRET} is no wish to stop"}
    return ConsentReview.objects.create(
        account_id=message.account_id,
        thread=message.thread,
        message=message,
        kind="held",
        event=1,
        opened_at=NOW,
        due_at=NOW,
        ends_at=NOW,
        **(fields or decided),
    )


def test_why_it_was_given_to_somebody_is_still_told(typed: Message, remove: Remove) -> None:
    trace = trace_of(typed)

    remove(typed)

    trace.refresh_from_db()
    assert [one["actual"] for one in trace.rules[0]["tested"]] == ["", "sms"]
    assert trace.plan == {"notes": [""], "tags": ["cards"]}


def test_a_short_text_takes_nothing_with_it_that_happens_to_be_the_same(
    stage: Stage, remove: Remove, ada: User
) -> None:
    stage.hear("yes")
    trace = trace_of(stage.message)
    RoutingTrace.objects.filter(pk=trace.pk).update(plan={"tags": ["yes"]})

    remove(stage.message)

    trace.refresh_from_db()
    assert trace.plan == {"tags": ["yes"]}
    assert trace.rules[0]["tested"][0]["actual"] == ""


def test_that_there_was_one_stays_with_how_far_it_got_and_why(stage: Stage, remove: Remove) -> None:
    message = sent(stage)
    kept = ("seq", "status", "created_at", "author_id", "author_label", "direction", "provider_sid")
    before = [getattr(message, name) for name in kept]
    decisions = GateDecision.objects.count()

    remove(message)

    message.refresh_from_db()
    assert [getattr(message, name) for name in kept] == before
    assert (message.body, message.details, message.forgotten_for) == ("", {}, "redaction")
    assert message.forgotten_at == NOW
    assert decisions == GateDecision.objects.count() > 0


@committed
@pytest.mark.parametrize("kind", ["in", "out", "note"])
def test_it_may_be_theirs_ours_or_a_note(stage: Stage, remove: Remove, kind: str) -> None:
    make: dict[str, Callable[[], Any]] = {
        "in": lambda: text_in(stage.client, stage.house.sender, MARIA, TYPED),
        "out": lambda: sent(stage),
        "note": lambda: stage.do(
            add_note, stage.house.alice, body=f"{TYPED} @Bob", client_id=client_id()
        ),
    }

    remove(make[kind]())

    assert left() == set()


def test_a_picture_without_a_word_goes_too(stage: Stage, remove: Remove, tmp_path: Path) -> None:
    stage.hear("")
    file = file_of(stage.message)

    remove(stage.message)

    file.refresh_from_db()
    assert (file.state, file.forgotten_for, str(file.file)) == ("gone", "redaction", "")
    assert Message.objects.get(pk=stage.message.pk).forgotten_for == "redaction"
    assert files_on_disk(tmp_path) == []


def test_a_file_that_another_message_has_stays_for_that_one(
    stage: Stage, typed: Message, remove: Remove, tmp_path: Path
) -> None:
    other = sent(stage, "The same picture")
    mine, theirs = file_of(typed), file_of(other)
    Attachment.objects.filter(pk=theirs.pk).update(
        file=mine.file.name, thumbnail=mine.thumbnail.name
    )

    remove(typed)

    assert (tmp_path / str(mine.file)).exists()
    assert Attachment.objects.get(pk=theirs.pk).state == "ready"


def test_a_file_that_was_being_fetched_does_not_come_back(
    stage: Stage, typed: Message, remove: Remove, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = Attachment.objects.create(
        account=stage.house.account,
        message=typed,
        source_url="https://api.twilio.com/2010-04-01/x",
        next_attempt_at=NOW,
    )

    def slowly(*_: Any) -> Any:
        remove(typed)
        yield SECRET.encode()

    monkeypatch.setattr("inbox.media._download", slowly)
    fetch(file.pk, now=NOW)

    file.refresh_from_db()
    assert (file.state, str(file.file)) == ("gone", "")
    assert files_on_disk(tmp_path) == []


@committed
def test_other_tries_and_reactions_that_quote_it_go_with_it(stage: Stage, remove: Remove) -> None:
    failed = sent(stage, status="failed")
    again = sent(stage)
    Message.objects.filter(pk=again.pk).update(resend_of=failed)
    stage.hear(f"Loved “{TYPED}”")
    reaction = stage.message
    assert (reaction.kind, reaction.reply_to_id) == ("reaction", again.pk)
    stage.hear("Thanks")

    remove(again)

    assert left() == set()
    removed = InboxEvent.objects.filter(type="message.removed")
    told = {one.data["id"] for one in removed}
    assert told == {failed.public_id, again.public_id, reaction.public_id}
    assert Message.objects.get(pk=stage.message.pk).body == "Thanks"


def test_what_is_removed_while_somebody_sends_it_again_goes_to_nobody(
    stage: Stage, remove: Remove
) -> None:
    alice = stage.house.alice
    looked_at = sent(stage, status=Message.Status.FAILED)
    remove(Message.objects.get(pk=looked_at.pk))

    with pytest.raises(MissingInputError):
        resend(message=looked_at, by=stage.viewer(alice), user=alice, now=NOW)

    assert not Message.objects.filter(resend_of=looked_at).exists()
    assert SECRET not in str(list(Message.objects.values_list("body")))


def test_other_messages_keep_their_words(stage: Stage, typed: Message, remove: Remove) -> None:
    stage.hear("Did you get it?")

    remove(typed)

    assert Message.objects.get(pk=stage.message.pk).body == "Did you get it?"
    assert stage.row.preview == "Did you get it?"


def test_the_row_says_that_its_last_message_was_removed(
    stage: Stage, typed: Message, remove: Remove
) -> None:
    Message.objects.filter(pk=typed.pk).update(kind="text")

    remove(typed)

    assert stage.row.preview == REMOVED


def test_what_quotes_it_is_drawn_anew(stage: Stage, typed: Message, remove: Remove) -> None:
    answer = sent(stage, "Please do not send that")
    Message.objects.filter(pk=answer.pk).update(reply_to=typed)

    remove(typed)

    quote = InboxEvent.objects.get(type="message.updated", data__changed=["quote"])
    assert quote.data["id"] == answer.public_id


# --- Who may, and when not ------------------------------------------------------------------------


def test_supervisors_and_admins_may_and_nobody_else(
    stage: Stage, typed: Message, remove: Remove, ada: User
) -> None:
    house = stage.house
    for user in (house.alice, house.bob):
        with pytest.raises(NotAllowedError):
            remove(typed, user)
    assert Message.objects.get(pk=typed.pk).body == TYPED

    remove(typed, ada)

    assert Message.objects.get(pk=typed.pk).body == ""


def test_who_is_there_for_support_may_not(stage: Stage, typed: Message, remove: Remove) -> None:
    stan = User.objects.create_superuser("stan@example.com", name="Stan")
    SupportAccess.objects.create(
        account=stage.house.account,
        user=stan,
        reason="Ticket 7",
        starts_at=NOW,
        ends_at=NOW.replace(hour=18),
    )
    assert stage.viewer(stan).is_support

    with pytest.raises(NotAllowedError):
        remove(typed, stan)


@pytest.mark.parametrize("scope", ["account", "person", "conversation"])
def test_a_legal_hold_keeps_it_until_it_is_lifted(
    stage: Stage, typed: Message, remove: Remove, ada: User, scope: str
) -> None:
    of: dict[str, dict[str, Any]] = {
        "account": {},
        "person": {"contact": stage.row.contact},
        "conversation": {"conversation": stage.row},
    }
    hold = set_hold(account=stage.house.account, reason="A case", by=ada, now=NOW, **of[scope])

    with pytest.raises(RefusedError, match="legal hold") as refusal:
        remove(typed)
    assert refusal.value.code == "held"
    assert Message.objects.get(pk=typed.pk).body == TYPED

    lift_hold(hold=hold, reason="It is over", by=ada, now=NOW)
    remove(typed)
    assert Message.objects.get(pk=typed.pk).body == ""


def test_a_hold_on_somebody_else_keeps_nothing(
    stage: Stage, typed: Message, remove: Remove, ada: User, client: Client
) -> None:
    other = text_in(client, stage.house.sender, "+14155550999", "Hi")
    account = stage.house.account
    set_hold(account=account, reason="A case", by=ada, now=NOW, contact=other.thread.contact)

    remove(typed)

    assert Message.objects.get(pk=typed.pk).body == ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "queued"}, "Cancel it first"),
        ({"status": "queued", "not_before": NOW.replace(year=2030)}, "Cancel it first"),
        ({"status": "sending"}, "being sent"),
        ({"status": "unknown", "look_up_at": NOW}, "Twilio is being asked"),
    ],
)
def test_what_may_still_leave_is_cancelled_first(
    stage: Stage, remove: Remove, fields: dict[str, Any], words: str
) -> None:
    message = sent(stage, **fields)

    with pytest.raises(RefusedError, match=words) as refusal:
        remove(message)

    assert refusal.value.code == "unsent"
    assert Message.objects.get(pk=message.pk).body == TYPED


def test_what_nobody_asks_after_any_more_may_go(stage: Stage, remove: Remove) -> None:
    message = sent(stage, status="unknown", look_up_at=None, provider_sid=None)

    remove(message)

    assert Message.objects.get(pk=message.pk).body == ""


def test_what_may_ask_to_stop_is_decided_first(
    stage: Stage, typed: Message, remove: Remove
) -> None:
    review = review_of(typed, next_at=NOW)

    with pytest.raises(RefusedError, match="Decide it first") as refusal:
        remove(typed)

    assert refusal.value.code == "undecided"
    ConsentReview.objects.filter(pk=review.pk).update(
        decided_at=NOW, outcome="go_on", reason=SECRET, next_at=None
    )
    remove(typed)
    assert ConsentReview.objects.get(pk=review.pk).reason == "Removed."


def test_a_question_for_consent_stays_while_its_answer_counts(stage: Stage, remove: Remove) -> None:
    message = sent(stage, "May we write to you about offers?")
    question = ConsentQuestion.objects.create(
        account=stage.house.account,
        thread=message.thread,
        message=message,
        kind="confirm",
        event=1,
        asked_at=NOW,
        ends_at=NOW.replace(year=2030),
    )

    with pytest.raises(RefusedError, match="asks for consent"):
        remove(message)

    ConsentQuestion.objects.filter(pk=question.pk).update(answered_at=NOW, outcome="yes")
    remove(message)
    assert Message.objects.get(pk=message.pk).body == ""


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", "Say why"),
        (" \n\0", "Say why"),
        ("x" * 501, "500 characters"),
        (f"They wrote: {TYPED.upper()}", "Do not repeat"),
        ("The card 4111-1111-1111-1111", "Do not repeat"),
        ("The card 4111111111111111.", "Do not repeat"),
    ],
)
def test_the_reason_is_given_and_holds_nothing_of_it(
    typed: Message, remove: Remove, reason: str, words: str
) -> None:
    with pytest.raises(MissingInputError, match=words):
        remove(typed, reason=reason)

    assert Message.objects.get(pk=typed.pk).body == TYPED


# --- What is written down -------------------------------------------------------------------------


def test_the_audit_log_and_the_timeline_say_who_when_and_why_and_not_what(
    stage: Stage, typed: Message, remove: Remove
) -> None:
    file_of(typed)

    remove(typed)

    entry = AuditEntry.objects.get(action="message_removed")
    assert (entry.actor, entry.account, entry.at) == (stage.house.sue, stage.house.account, NOW)
    assert entry.subject == f"Message {typed.public_id}"
    assert entry.data["reason"] == WHY
    assert entry.data["files"] == 1
    assert SECRET not in json.dumps(entry.data)
    line = ConversationEvent.objects.get(verb="removed")
    assert (line.actor, line.at, line.data["reason"]) == (stage.house.sue, NOW, WHY)
    assert line.data["message"] == typed.public_id


def test_twice_is_once(stage: Stage, typed: Message, remove: Remove) -> None:
    remove(typed)
    events = InboxEvent.objects.count()

    again = remove(typed, reason="")

    assert again.forgotten_for == "redaction"
    assert InboxEvent.objects.count() == events
    assert AuditEntry.objects.filter(action="message_removed").count() == 1
    assert RemoteDeletion.objects.count() == 1


def test_what_retention_emptied_before_may_lose_its_files(
    typed: Message, remove: Remove, tmp_path: Path
) -> None:
    file_of(typed)
    Message.objects.filter(pk=typed.pk).update(body="", forgotten_for="retention", forgotten_at=NOW)

    remove(typed)

    assert files_on_disk(tmp_path) == []


def test_of_an_erased_person_nothing_is_left_to_remove(typed: Message, remove: Remove) -> None:
    Message.objects.filter(pk=typed.pk).update(body="", forgotten_for="erasure", forgotten_at=NOW)

    remove(typed)

    assert Message.objects.get(pk=typed.pk).forgotten_for == "erasure"
    assert not AuditEntry.objects.filter(action="message_removed").exists()


def test_the_ledger_keeps_its_evidence_and_verifies(
    stage: Stage, remove: Remove, client: Client
) -> None:
    stage.hear("STOP")
    stop = Message.objects.filter(body="STOP").get()
    assert stop.conversation is not None
    before = list(ConsentEvent.objects.order_by("seq").values_list("hash", flat=True))
    assert before

    remove(stop)

    after = list(ConsentEvent.objects.order_by("seq").values_list("hash", flat=True))
    assert after == before
    assert verify_account(stage.house.account.pk).broken is None


# --- At Twilio ------------------------------------------------------------------------------------


def test_twilio_deletes_it_too(
    stage: Stage, twilio: Twilio, remove: Remove, client: Client
) -> None:
    twilio.knows(stage.house.sender)
    twilio.tell("inbound", **{"from": MARIA, "to": stage.house.sender.address, "body": TYPED})
    form = twilio.ask("requests?kind=webhook")["requests"][-1]["params"]
    message = text_in(client, stage.house.sender, MARIA, TYPED, MessageSid=form["MessageSid"])
    store = twilio.simulator.parts.store

    remove(message)
    assert delete_next(now=NOW)

    row = RemoteDeletion.objects.get()
    assert (row.state, row.message, row.erasure) == ("done", message, None)
    assert form["MessageSid"] not in store.messages
    assert not delete_next(now=NOW)


def test_twilio_is_asked_again_where_it_is_away(
    stage: Stage, twilio: Twilio, typed: Message, remove: Remove
) -> None:
    twilio.knows(stage.house.sender)
    twilio.server.shutdown()
    twilio.server.server_close()

    remove(typed)
    assert delete_next(now=NOW)

    row = RemoteDeletion.objects.get()
    assert (row.state, row.attempts) == ("owed", 1)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > NOW


def test_a_note_is_nothing_to_twilio(stage: Stage, remove: Remove) -> None:
    remove(stage.do(add_note, stage.house.alice, body=TYPED, client_id=client_id()))

    assert not RemoteDeletion.objects.exists()


def test_what_turns_out_to_have_left_is_deleted_there_as_well(
    stage: Stage, remove: Remove, client: Client
) -> None:
    message = sent(stage, status="unknown", look_up_at=None, provider_sid=None)
    remove(message)
    assert not RemoteDeletion.objects.exists()
    sid = new_sid()

    status_in(client, message, "delivered", sid=sid)

    assert RemoteDeletion.objects.get().message_sid == sid
    message.refresh_from_db()
    assert (message.status, message.body) == ("delivered", "")


def test_the_forms_that_brought_it_are_empty_and_it_is_not_taken_twice(
    stage: Stage, typed: Message, remove: Remove, client: Client
) -> None:
    assert typed.provider_sid
    remove(typed)

    again = text_in(client, stage.house.sender, MARIA, TYPED, MessageSid=typed.provider_sid)

    assert again.pk == typed.pk
    assert again.body == ""
    assert bytes(Receipt.objects.get(message_sid=typed.provider_sid).form) == b""
