"""Which replies are kept ready for people to send?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from accounts.models import Account, User
from inbox.models.ids import public_id
from inbox.models.inbox import TeamInbox

LONGEST_SHORTCUT = 40
LONGEST_BODY = 1600


class CannedReply(models.Model):
    """A text that people put into what they write by typing a slash and its shortcut.

    With an `inbox` it is for who answers there, with a `person` it is theirs alone, with neither
    for everybody of the account. `kinds` says of which kind the variables in it are that are no
    plain text; `uses` counts the messages and notes that were made of it.
    """

    public_id = models.CharField(
        max_length=22, unique=True, default=public_id, editable=False, help_text="Named by programs"
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="canned_replies")
    inbox = models.ForeignKey(
        TeamInbox, on_delete=models.CASCADE, null=True, blank=True, related_name="canned_replies"
    )
    person = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="canned_replies"
    )
    shortcut = models.CharField(max_length=LONGEST_SHORTCUT)
    body = models.TextField(max_length=LONGEST_BODY)
    kinds = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    uses = models.PositiveBigIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "canned reply"
        verbose_name_plural = "canned replies"
        ordering: ClassVar[list[str]] = ["shortcut", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(inbox=None) | Q(person=None),
                name="a_canned_reply_is_of_an_inbox_or_a_person_not_both",
            ),
            models.UniqueConstraint(
                "account",
                Lower("shortcut"),
                condition=Q(inbox=None, person=None),
                name="canned_shortcut_once_per_account",
            ),
            models.UniqueConstraint(
                "inbox",
                Lower("shortcut"),
                condition=Q(inbox__isnull=False),
                name="canned_shortcut_once_per_inbox",
            ),
            models.UniqueConstraint(
                "person",
                Lower("shortcut"),
                condition=Q(person__isnull=False),
                name="canned_shortcut_once_per_person",
            ),
            models.CheckConstraint(
                condition=Q(
                    GreaterThan(Length("body"), 0), LessThanOrEqual(Length("body"), LONGEST_BODY)
                ),
                name="a_canned_reply_fits_a_message",
            ),
            models.CheckConstraint(
                condition=GreaterThan(Length("shortcut"), 0), name="a_canned_reply_has_a_shortcut"
            ),
            models.CheckConstraint(
                condition=Q(uses=0, last_used_at=None) | Q(uses__gt=0, last_used_at__isnull=False),
                name="a_canned_reply_was_used_at_some_time",
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"

    @property
    def is_shared(self) -> bool:
        """Say whether it is for others too."""
        return self.person_id is None
