"""What did an inbox's browsers have to hear, in which order?"""

from typing import ClassVar

from django.db import models

from inbox.models.conversation import Conversation
from inbox.models.inbox import TeamInbox


class InboxCounter(models.Model):
    """The last sequence number given out in an inbox.

    Raised as the last statement before commit, so that the order of numbers is the order of
    commits and no number is missing.
    """

    inbox = models.OneToOneField(
        TeamInbox, on_delete=models.CASCADE, primary_key=True, related_name="counter"
    )
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.inbox_id}: {self.seq}"


class InboxEvent(models.Model):
    """One thing that changed in an inbox: facts, never HTML. Kept for seven days.

    `audience` is {"team": true} or {"users": [ids]}; `left` are the people who lost sight of the
    conversation by it. Neither is ever sent to a browser.
    """

    inbox = models.ForeignKey(TeamInbox, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    type = models.CharField(max_length=30)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    actor_id = models.BigIntegerField(null=True, blank=True)
    audience = models.JSONField()
    left = models.JSONField(default=list)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inbox", "seq"], name="one_event_per_seq"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["created_at"], name="inbox_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.inbox_id}/{self.seq} {self.type}"
