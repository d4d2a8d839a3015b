"""Which rows hold rules? A rulebook with its draft, versions that nobody changes, and turns."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.ledgers import NeverEmptied, Unchangeable
from accounts.models import Account, User
from routing.documents import read_rulebook
from routing.rules import Rules

MOST_NAME = 80
MOST_NOTE = 500


def empty_document() -> dict[str, Any]:
    """Return the document of a rulebook without rules: the whole team gets everything."""
    return {"format": 1, "always_first": [], "rules": []}


class Rulebook(models.Model):
    """The rules of an account's inboxes, as they are being written and as they hold.

    The one that is `always_first` is asked before each inbox's own.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="rulebooks")
    name = models.CharField(max_length=MOST_NAME)
    is_always_first = models.BooleanField(default=False)
    draft = models.JSONField(
        default=empty_document, help_text="What is being written, in the form of routing.documents"
    )
    draft_version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    draft_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    published = models.ForeignKey(
        "RulebookVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account", Lower("name"), name="rulebook_name_once_per_account"
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(is_always_first=True),
                name="one_rulebook_is_always_first",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RulebookVersion(models.Model):
    """Rules as they were published, and why. Nobody changes or deletes one."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    rulebook = models.ForeignKey(Rulebook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    note = models.CharField(max_length=MOST_NOTE, blank=True, default="")
    restored_from = models.PositiveIntegerField(
        null=True, blank=True, help_text="The number of the version that came back by this one"
    )
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["rulebook", "number"], name="rulebook_version_has_its_number"
            ),
            models.CheckConstraint(
                condition=Q(restored_from=None) | Q(restored_from__lt=F("number")),
                name="rulebook_version_restores_an_older",
            ),
        ]
        triggers: ClassVar[list[Any]] = [
            Unchangeable(name="rulebook_version_never_changes"),
            NeverEmptied(name="rulebook_versions_are_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.rulebook} {self.number}"

    def rules(self) -> Rules:
        """Return the rules as values."""
        return read_rulebook(self.document, version=self.number)


class Turn(models.Model):
    """Who had the last turn at one round-robin step of a rulebook."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    rulebook = models.ForeignKey(Rulebook, on_delete=models.CASCADE, related_name="turns")
    key = models.CharField(max_length=80)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["rulebook", "key"], name="one_turn_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.person}"
