"""Which contacts became one, by whom, and what went from one to the other?"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, User
from inbox.models.contact import Contact
from inbox.models.ids import public_id


class MergeLog(models.Model):
    """One merge by a person: `absorbed` became a part of `kept`.

    `moved` has the ids of what went over: addresses, holds, and the answers of CRMs as they were.
    `before` has both cards as they were, `after` the kept one as it was made. Undone, `left` says
    what could not go back.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    kept = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="merges")
    absorbed = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="merged_into")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    merged_at = models.DateTimeField()
    moved = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    undone_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    left = models.JSONField(default=list, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["absorbed"],
                condition=Q(undone_at__isnull=True),
                name="a_contact_is_absorbed_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(kept=F("absorbed")), name="a_contact_does_not_absorb_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"Merge {self.public_id}"
