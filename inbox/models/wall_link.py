"""Which boards hang on walls where nobody is logged in?"""

from typing import ClassVar

from django.db import models

from accounts.models import Account, User
from inbox.models.ids import public_id
from inbox.models.inbox import TeamInbox


class WallLink(models.Model):
    """An address that shows the board on the wall to whoever has it, and nothing else.

    It shows the figures that `owner` may have at that moment. The secret in the address is kept as
    its SHA-256 alone.
    """

    public_id = models.CharField(max_length=22, default=public_id, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="wall_links")
    inbox = models.ForeignKey(
        TeamInbox, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"Board of {self.owner}"
