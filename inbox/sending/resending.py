"""How does a person send again what did not arrive?"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from compliance.judging import purpose_of
from inbox.broadcast import announce
from inbox.models import Attachment, Message
from inbox.refusals import MissingInputError
from inbox.sending.asking import Wanted, keeping_refusals
from inbox.sending.going_on import programme_of
from inbox.sending.later import Later, checked_later
from inbox.sending.locking import locked_thread
from inbox.sending.progress import note_human_answer
from inbox.sending.queueing import queue_message
from inbox.sending.replying import open_to_answer
from inbox.sending.templating import as_judged, chosen_before
from inbox.story import Story

NOT_AGAIN = noop("Only a message that did not arrive can be sent again.")


def resend(
    *,
    message: Message,
    by: Viewer,
    user: User,
    now: datetime,
    last_seen_seq: int | None = None,
    later: Later | None = None,
) -> Message:
    """Send a failed, blocked or unconfirmed message again because a person asked for it.

    One that goes `later` is judged for that moment, and answers nobody before. A second press
    returns the same new message. Raises what `send_reply` raises.
    """
    checked_later(later, timedelta(0), now=now)
    goes_at = later.at if later else now
    if message.conversation is None:
        raise MissingInputError(NOT_AGAIN)
    _check(message)
    template = chosen_before(message)
    judged = as_judged(message.thread, template)
    wanted = Wanted(
        purpose_of(message.purpose),
        user,
        goes_at,
        message.body,
        template=judged,
        programme=programme_of(message.details),
    )
    with keeping_refusals(message.thread, wanted, now=now), transaction.atomic(durable=True):
        thread = locked_thread(message.thread_id)
        again = Message.objects.filter(resend_of=message).first()
        if again:
            return again
        # It may have arrived, or lost its words, while this waited for the thread.
        message.refresh_from_db(fields=["status", "body", "forgotten_at"])
        _check(message)
        story = Story(now=now, actor=user)
        opening = open_to_answer(
            thread, message.conversation, by, wanted, story, seen=last_seen_seq, later=later
        )
        new = queue_message(
            thread=thread,
            conversation=opening.row,
            body=message.body,
            purpose=wanted.purpose,
            author=user,
            story=story,
            resend_of=message,
            waited_since=opening.waited_since,
            verdict=opening.verdict,
            template=template,
            programme=wanted.programme,
            later=later,
        )
        _copy_attachments(message, new)
        if opening.is_answer:
            note_human_answer(opening.row, user, now=now)
        story.message_updated(opening.row, message, "resent")
        announce(story.announcements(), now=now)
    return new


def _check(message: Message) -> None:
    if not message.may_be_resent:
        raise MissingInputError(NOT_AGAIN)


def _copy_attachments(source: Message, target: Message) -> None:
    for file in source.attachments.all():
        file.pk = None
        file.public_id = Attachment._meta.get_field("public_id").get_default()
        file.message = target
        file.save(force_insert=True)
