"""Which way to look at a list, and which search, is kept under a name?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import Account, User
from accounts.secrets import EncryptedTextField
from inbox.models.ids import public_id
from inbox.models.inbox import TeamInbox


class SavedView(models.Model):
    """A part of an inbox's list with filters and an order, of one person or shared with the inbox.

    It is a question, not an answer: whoever opens it sees of it what they may see anyway.
    """

    public_id = models.CharField(max_length=22, default=public_id, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    inbox = models.ForeignKey(TeamInbox, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="saved_views",
        null=True,
        blank=True,
        help_text="Whose it is; of nobody if it is shared with the inbox",
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=300, blank=True, help_text="As in the list's address")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("name"),
                "inbox",
                "owner",
                condition=Q(owner__isnull=False),
                name="a_person_has_one_view_of_a_name",
            ),
            models.UniqueConstraint(
                Lower("name"),
                "inbox",
                condition=Q(owner__isnull=True),
                name="an_inbox_has_one_shared_view_of_a_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SavedSearch(models.Model):
    """A search that somebody keeps for themselves.

    Its line may name a customer, so it is stored like a secret. It is a question, not an answer.
    """

    public_id = models.CharField(max_length=22, default=public_id, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=60)
    line = EncryptedTextField(help_text="As it stands in the box")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "pk"]
        verbose_name_plural = "saved searches"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("name"), "owner", name="a_person_has_one_search_of_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name
