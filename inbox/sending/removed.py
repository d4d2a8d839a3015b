"""Which messages is Twilio to delete, because a colleague removed them here?"""

from collections.abc import Iterable
from datetime import datetime

from inbox.models import Message, RemoteDeletion
from inbox.nudges import nudge_on_commit


def owe_removal(messages: Iterable[Message], *, now: datetime) -> None:
    """Note that Twilio is to delete messages that it knows; of the others there is nothing there.

    Each must have come with its thread's sender. What was noted before stays as it is.
    """
    owed = [
        RemoteDeletion(
            account_id=one.account_id,
            message=one,
            twilio_account_id=one.thread.sender.twilio_account_id,
            message_sid=one.provider_sid,
            next_attempt_at=now,
        )
        for one in messages
        if one.provider_sid
    ]
    RemoteDeletion.objects.bulk_create(owed, ignore_conflicts=True)
    if owed:
        nudge_on_commit("sweep_deletions")
