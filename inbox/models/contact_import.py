"""Which files of contacts came in, and how far is each?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Account, User
from accounts.secrets import EncryptedTextField
from inbox.models.ids import public_id


class ContactImport(models.Model):
    """One file: looked at first, then taken in piece by piece.

    `done` of `rows` are taken in: whoever goes on begins there. The file is kept until then, what
    could not be used for a while longer; both are sealed.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Looked at, not started"
        RUNNING = "running", "Under way"
        DONE = "done", "Done"
        CANCELED = "canceled", "Cancelled"
        FAILED = "failed", "Could not go on"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    file_name = models.CharField(max_length=120, blank=True, default="")
    content = EncryptedTextField(blank=True, default="")
    mapped = models.JSONField(default=dict, help_text="Which column holds what")
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")
    rows = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField("new contacts", default=0)
    updated = models.PositiveIntegerField("changed contacts", default=0)
    unchanged = models.PositiveIntegerField("said nothing new", default=0)
    wrong = models.PositiveIntegerField("cannot be used", default=0)
    faults = EncryptedTextField(blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-uploaded_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-uploaded_at"], name="contact_import_by_time"),
            models.Index(
                fields=["id"], name="contact_import_under_way", condition=Q(status="running")
            ),
        ]

    def __str__(self) -> str:
        return f"Import {self.public_id}"

    @property
    def percent(self) -> int:
        """Return how far it is, of a hundred."""
        return 100 * self.done // self.rows if self.rows else 0
