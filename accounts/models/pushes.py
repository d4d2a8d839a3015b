"""Which browsers are told of something while no page of ours is open in them?"""

from typing import ClassVar

from django.db import models

from accounts.models.people import User
from accounts.secrets import EncryptedTextField


class PushSubscription(models.Model):
    """One browser that a person lets us wake. Deleting the row ends it.

    The address and the two keys are secrets: who knows them can write to that browser. A row
    belongs to the session it was made or renewed in, and goes with it when that is ended by hand;
    it outlives one that merely fell idle.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_subscriptions")
    session_hash = models.CharField(max_length=40, db_index=True, editable=False)
    endpoint = EncryptedTextField()
    endpoint_hash = models.CharField(max_length=64, unique=True, editable=False)
    public_key = EncryptedTextField(help_text="The browser's key (p256dh)")
    auth_key = EncryptedTextField(help_text="The secret that goes with it (auth)")
    browser = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a page of ours last spoke for it")
    sent_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="In a row, since one was taken"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-seen_at", "pk"]

    def __str__(self) -> str:
        return f"Push subscription {self.pk} of {self.user}"
