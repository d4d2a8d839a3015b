"""How does a person answer a customer?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from compliance.asking_settings import asking_of
from compliance.evidence import EVERY_PROGRAMME
from compliance.gate import Purpose, Verdict
from inbox.abilities import Ability, abilities_of, part_of
from inbox.broadcast import announce
from inbox.canned import count_uses
from inbox.closing import reopen_row
from inbox.conversations import known_message, locked_conversation, require, take_ownership
from inbox.drafts import Place, Save, end_draft
from inbox.media import check_files
from inbox.models import Attachment, Conversation, Draft, Message, TeamInbox, Thread
from inbox.refusals import ClaimNeededError, MissingInputError, StaleThreadError
from inbox.sending.asking import BY_PEOPLE, Wanted, keeping_refusals, refuse_blocked
from inbox.sending.going_on import NOT_ASKED, WentOn
from inbox.sending.later import Later, checked_later
from inbox.sending.locking import locked_thread
from inbox.sending.progress import note_human_answer
from inbox.sending.queueing import queue_message
from inbox.sending.templating import Chosen, as_judged
from inbox.story import Story

BODY_LIMIT = 1600
MEDIA_LIMIT = 10


def send_reply(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    body: str,
    client_id: str,
    now: datetime,
    attachments: Sequence[Attachment] = (),
    last_seen_seq: int | None = None,
    purpose: Purpose = Purpose.REPLY,
    went_on: WentOn = NOT_ASKED,
    template: Chosen | None = None,
    programme: str = EVERY_PROGRAMME,
    later: Later | None = None,
    hold: timedelta = timedelta(0),
    canned: Sequence[str] = (),
    draft: Save | None = None,
) -> Message:
    """Queue a person's message and let them know at once whether it may go.

    Its `purpose` is an answer, unless its author says that it is a notification or an offer, which
    the gate holds to more. Where the gate asks, `went_on` names its questions and says why the
    author goes on. A notification or an offer may be of one `programme` of the account: then what
    the customer said of that counts. One made of a WhatsApp `template` has its words as `body`.
    `canned` are the ids of canned replies that it was made of: their use is counted. With `draft`
    the author's draft ends in the same transaction.

    One that is sent `later` is judged for that moment, and answers nobody before it goes. During a
    `hold` it can still be stopped (`call_off`).

    The same request again returns the same message, known by its `client_id`. WhatsApp takes one
    file a message, so several files become several messages; the first is returned.

    Raises SendBlockedError with the gate's words, ClaimedByOtherError, ClaimNeededError,
    StaleThreadError if something was written after `last_seen_seq`, UsedIdError if the id was
    another message's, MissingInputError for an empty or too long message, or a moment that is none.
    """
    words = _checked_body(body, attachments)
    if attachments:
        check_files(attachments, conversation.thread.address.family)
    judged = as_judged(conversation.thread, template)
    _check_programme(conversation, purpose, programme)
    codes = _checked_reason(went_on).codes
    checked_later(later, hold, now=now)
    goes_at = later.at if later else now
    wanted = Wanted(_checked(purpose), user, goes_at, words, codes, judged, programme)
    with keeping_refusals(conversation.thread, wanted, now=now), transaction.atomic(durable=True):
        thread = locked_thread(conversation.thread_id)
        kind = Message.Kind.TEXT
        known = known_message(thread, client_id, kind=kind, author=user, body=words)
        if known:
            return known
        story = Story(now=now, actor=user)
        opening = open_to_answer(
            thread, conversation, by, wanted, story, seen=last_seen_seq, later=later
        )
        messages = [
            queue_message(
                thread=thread,
                conversation=opening.row,
                body=part_body,
                purpose=wanted.purpose,
                author=user,
                client_id=part_id,
                attachments=files,
                story=story,
                waited_since=opening.waited_since,
                verdict=opening.verdict,
                went_on=went_on,
                template=template,
                programme=programme,
                later=later,
                hold=hold,
            )
            for part_body, part_id, files in _parts(thread, words, client_id, attachments)
        ]
        if opening.is_answer:
            note_human_answer(opening.row, user, now=now)
        if draft:
            place = Place(opening.row.account_id, user.pk, opening.row.pk)
            end_draft(place, Draft.Mode.REPLY, save=draft, now=now)
        announce(story.announcements(), now=now)
        count_uses(canned, opening.row, me=user.pk, now=now)
    return messages[0]


@dataclass(frozen=True)
class Opening:
    """A locked conversation in which somebody may answer now, and what the gate said of it."""

    row: Conversation
    verdict: Verdict
    is_answer: bool

    @property
    def waited_since(self) -> datetime | None:
        """Return since when the customer waits for these words, if they answer."""
        return self.row.waiting_since if self.is_answer else None


def open_to_answer(
    thread: Thread,
    conversation: Conversation,
    by: Viewer,
    wanted: Wanted,
    story: Story,
    *,
    seen: int | None,
    later: Later | None,
) -> Opening:
    """Lock a conversation of a locked thread for what the actor of `story` wants to send there.

    It is reopened, woken and claimed as an answer does, unless that goes `later`. Raises what
    `send_reply` raises of the conversation; `seen` is its `last_seen_seq`.
    """
    assert story.actor is not None, "people answer"
    row = locked_conversation(conversation)
    row.thread = thread
    require_reply(by, row)
    verdict = refuse_blocked(thread, wanted, now=wanted.requested_at)
    refuse_stale(thread, story.actor, seen)
    if later is None:
        make_room_for_answer(row, story.actor, story)
    # A notice or an offer answers nobody, nor does what goes later: who waits goes on waiting.
    return Opening(row, verdict, is_answer=wanted.purpose is Purpose.REPLY and later is None)


def _checked_body(body: str, attachments: Sequence[Attachment]) -> str:
    words = body.replace("\r\n", "\n").strip()
    if not words and not attachments:
        raise MissingInputError(noop("The message is empty. Write something or attach a file."))
    if len(words) > BODY_LIMIT:
        raise MissingInputError(
            noop("The message has %(words)s characters; the limit is %(body_limit)s. Shorten it.")
            % {"words": len(words), "body_limit": f"{BODY_LIMIT:,}"}
        )
    if len(attachments) > MEDIA_LIMIT:
        raise MissingInputError(
            noop("At most %(media_limit)s files fit into one message.")
            % {"media_limit": MEDIA_LIMIT}
        )
    return words


def _checked(purpose: Purpose) -> Purpose:
    if purpose not in BY_PEOPLE:
        raise MissingInputError(
            noop("Choose what this message is: an answer, a notice or an offer.")
        )
    return purpose


def _check_programme(conversation: Conversation, purpose: Purpose, programme: str) -> None:
    """Refuse a programme that the account does not run, and one of an answer: it is of none."""
    if programme == EVERY_PROGRAMME:
        return
    if purpose is Purpose.REPLY or not asking_of(conversation.account_id).knows(programme):
        raise MissingInputError(
            noop("There is no such programme: send it as a notice or an offer.")
        )


def _checked_reason(went_on: WentOn) -> WentOn:
    if went_on.codes and not went_on.reason.strip():
        raise MissingInputError(
            noop("Say why you send it all the same: it is kept with the message.")
        )
    return went_on


def require_reply(by: Viewer, row: Conversation) -> None:
    """Check that `by` may answer here; say so where a claim is all that is missing.

    Raises ClaimNeededError, and what `require` raises.
    """
    can = abilities_of(by, row, part_of(by, row))
    if Ability.REPLY not in can and Ability.CLAIM in can:
        raise ClaimNeededError
    require(Ability.REPLY, by, row)


def refuse_stale(thread: Thread, user: User, last_seen_seq: int | None) -> None:
    """Stop an answer that crosses with another one, or with the customer's next words.

    Raises StaleThreadError. None as what was seen stops nothing.
    """
    if last_seen_seq is None or last_seen_seq >= thread.last_seq:
        return
    unseen = (
        Message.objects.filter(thread=thread, seq__gt=last_seen_seq)
        .exclude(author=user)
        .exclude(kind__in=[Message.Kind.NOTE, Message.Kind.AUTO, Message.Kind.REACTION])
        .order_by("seq")
        .values_list("seq", flat=True)
        .first()
    )
    if unseen is not None:
        raise StaleThreadError(unseen)


def make_room_for_answer(row: Conversation, user: User, story: Story) -> None:
    """Reopen a closed conversation, wake a snoozed one, claim where the first answer claims."""
    if row.is_closed:
        reopen_row(row, user, story)
    if row.status == Conversation.Status.SNOOZED:
        row.status, row.snoozed_until = Conversation.Status.OPEN, None
        row.version += 1
        story.conversation_updated(row, "status")
    claims = row.inbox.claim_rule == TeamInbox.ClaimRule.ON_FIRST_REPLY
    if claims and row.owner_id is None:
        take_ownership(row, user, story)


def _parts(
    thread: Thread, words: str, client_id: str, attachments: Sequence[Attachment]
) -> list[tuple[str, str, Sequence[Attachment]]]:
    if len(attachments) < 2 or not thread.sender.is_whatsapp:
        return [(words, client_id, attachments)]
    return [
        (words if i == 0 else "", client_id if i == 0 else f"{client_id[:29]}-{i}", [file])
        for i, file in enumerate(attachments)
    ]
