"""How is a message promised? By a row that says so; the task that follows is a nudge."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.english import noop
from accounts.models import User
from compliance.decisions import Stage, keep_decision
from compliance.evidence import EVERY_PROGRAMME
from compliance.gate import Purpose, Verdict
from inbox.conversations import append_outbound
from inbox.models import Attachment, Conversation, Message, Thread
from inbox.models.message import ANSWERED_BY
from inbox.nudges import nudge_on_commit
from inbox.previews import set_preview
from inbox.refusals import MissingInputError
from inbox.segments import count
from inbox.sending.going_on import NOT_ASKED, PROGRAMME, WENT_ON, WentOn
from inbox.sending.later import LATER, SCHEDULED, Later, scheduled_words
from inbox.sending.templating import TEMPLATE, Chosen
from inbox.story import Story

NUDGE_GRACE = timedelta(seconds=2)


def queue_message(
    *,
    thread: Thread,
    conversation: Conversation | None,
    body: str,
    purpose: Purpose,
    story: Story,
    author: User | None = None,
    bot_name: str = "",
    client_id: str = "",
    attachments: Sequence[Attachment] = (),
    resend_of: Message | None = None,
    waited_since: datetime | None = None,
    verdict: Verdict | None = None,
    went_on: WentOn = NOT_ASKED,
    template: Chosen | None = None,
    programme: str = EVERY_PROGRAMME,
    later: Later | None = None,
    hold: timedelta = timedelta(0),
    answered_by: Mapping[str, str] | None = None,
) -> Message:
    """Write a message that is to be sent: the row is the promise. The thread must be locked.

    Whether it may go is asked by the caller (`refuse_blocked`, whose `verdict` is kept beside it)
    and again at delivery. One that is deferred, or sent `later`, waits, and is judged anew when it
    is due; for the time of a `hold` its author can still take it back. `answered_by` says which
    reply was said by itself.

    Raises MissingInputError for a file that went with another message meanwhile.
    """
    due = max(
        later.at if later else story.now + hold,
        (verdict.deferred_until if verdict else None) or story.now,
    )
    message = append_outbound(
        thread,
        conversation,
        body=body,
        kind=Message.Kind.TEXT if author else Message.Kind.AUTO,
        status=Message.Status.QUEUED,
        now=story.now,
        author=author,
        author_label=author.name if author else bot_name,
        purpose=purpose.value,
        channel=_channel(thread, attachments),
        segments=count(body).segments,
        not_before=due,
        nudge_at=due if later or hold else due + NUDGE_GRACE,
        resend_of=resend_of,
        waited_since=waited_since,
        **({"client_id": client_id} if client_id else {}),
        details=_details(went_on, template, programme, later, answered_by),
        **(_put_off(verdict) or _scheduled(later, thread)),
    )
    _attach(message, attachments)
    if verdict:
        keep_decision(
            verdict,
            account_id=thread.account_id,
            stage=Stage.QUEUED,
            purpose=purpose,
            thread=thread.public_id,
            message=message.public_id,
            author=author,
            now=story.now,
        )
    if conversation:
        if author:
            # A machine's greeting must not hide what the customer wants from the list.
            types = tuple(file.content_type for file in attachments)
            set_preview(conversation, message, media_types=types)
            conversation.save()
        story.message_created(conversation, message)
    nudge_on_commit("deliver", message.pk)
    return message


def _details(
    went_on: WentOn,
    template: Chosen | None,
    programme: str,
    later: Later | None,
    answered_by: Mapping[str, str] | None,
) -> dict[str, Any]:
    asked = {WENT_ON: went_on.as_json()} if went_on.codes else {}
    of_programme = {} if programme == EVERY_PROGRAMME else {PROGRAMME: programme}
    made_of = {TEMPLATE: template.as_json()} if template else {}
    by_itself = {ANSWERED_BY: dict(answered_by)} if answered_by else {}
    scheduled = {LATER: later.as_json()} if later else {}
    return asked | of_programme | made_of | by_itself | scheduled


def _scheduled(later: Later | None, thread: Thread) -> dict[str, str]:
    """Say on the message when it goes, if its author chose that."""
    if later is None:
        return {}
    words = scheduled_words(later, thread.sender.inbox.zone)
    return {"error_code": SCHEDULED, "error_words": words[:300]}


def _put_off(verdict: Verdict | None) -> dict[str, str]:
    """Say on the message why it waits, if the gate put it off."""
    if verdict is None or not verdict.is_deferred:
        return {}
    return {"error_code": verdict.reason.value, "error_words": verdict.words[:300]}


def _channel(thread: Thread, attachments: Sequence[Attachment]) -> str:
    family = thread.address.family
    return "mms" if family == "sms" and attachments else family


def _attach(message: Message, attachments: Sequence[Attachment]) -> None:
    for position, file in enumerate(attachments):
        is_free = Attachment.objects.filter(pk=file.pk, message=None)
        if not is_free.update(message=message, position=position, alt=file.alt):
            # Another tab sent it a moment ago: nothing goes without what belongs to it.
            raise MissingInputError(
                noop("%(missing)s file(s) are gone. Attach them again.") % {"missing": 1}
            )
