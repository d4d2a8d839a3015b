"""How does a person stop a message that has not left yet?"""

from datetime import datetime

from django.db import transaction

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from inbox.broadcast import announce
from inbox.models import Message
from inbox.refusals import RefusedError
from inbox.sending.locking import locked_message, locked_thread
from inbox.sending.progress import resume_waiting, tell_updated
from inbox.sending.replying import require_reply
from inbox.sending.waiting import wake_next
from inbox.story import Story

CALLED_OFF = "CALLED_OFF"


class TooLateError(RefusedError):
    """It has left, or leaves at this moment."""

    code = "too_late"
    reason = noop("It is too late: the message has left.")


def call_off(*, message: Message, by: Viewer, user: User, now: datetime) -> Message:
    """Stop what a person wrote and what waits to be sent; who waited for it waits on.

    Whoever may answer here may. The same request again changes nothing. Raises TooLateError, and
    what `require_reply` raises.
    """
    with transaction.atomic(durable=True):
        thread = locked_thread(message.thread_id)
        row = locked_message(message.pk)
        if row.conversation is None or row.author_id is None:
            raise TooLateError(noop("Only what a person wrote can be stopped."))
        row.thread = row.conversation.thread = thread
        require_reply(by, row.conversation)
        if row.error_code == CALLED_OFF:
            return row
        if row.status != Message.Status.QUEUED:
            raise TooLateError
        story = Story(now=now, actor=user)
        row.status, row.error_code = Message.Status.CANCELED, CALLED_OFF
        row.error_words, row.settled_at = (
            (noop("Stopped by %(name)s.") % {"name": user.name})[:300],
            now,
        )
        row.save()
        resume_waiting(row.conversation, now=now)
        row.conversation.save()
        tell_updated(row, story)
        announce(story.announcements(), now=now)
        wake_next(row.thread_id, now=now)
    return row
