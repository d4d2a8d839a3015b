"""What has somebody written in a conversation and not sent?"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from inbox.models.conversation import Conversation


class DraftQuerySet(models.QuerySet["Draft"]):
    """Drafts, filtered by what is in them."""

    def with_words(self) -> "DraftQuerySet":
        """Keep those in which something stands."""
        return self.exclude(body="", files=[])


class Draft(models.Model):
    """One person's unsent words in one conversation: for them alone, as long as they write.

    Once sent or thrown away it is empty and stays for a while, so that a save that was under way
    then does not bring the words back. `revision` grows with each save; `device` and `typed_ms`
    say by which browser the last one was made, and when by that browser's own clock.
    """

    class Mode(models.TextChoices):
        REPLY = "reply", _("Reply")
        NOTE = "note", _("Internal note")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    mode = models.CharField(max_length=5, choices=Mode.choices)
    body = models.TextField(blank=True, default="")
    files = ArrayField(
        models.CharField(max_length=32), default=list, blank=True, help_text="Ids of attachments"
    )
    revision = models.BigIntegerField()
    device = models.CharField(max_length=32)
    typed_ms = models.BigIntegerField(help_text="By the clock of that device")
    written_at = models.DateTimeField()

    objects = DraftQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "conversation", "mode"], name="one_draft_per_person_and_mode"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["reply", "note"]), name="a_draft_is_a_reply_or_a_note"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["written_at"], name="draft_by_time"),
        ]

    def __str__(self) -> str:
        return f"Draft {self.pk}"

    @property
    def is_empty(self) -> bool:
        """Say whether nothing stands in it any more."""
        return not self.body and not self.files
