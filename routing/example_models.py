"""Which rows hold examples? Messages that somebody typed, and what rules should make of them."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from accounts.models import Account, Team, User
from routing.examples import Example, read_expected
from routing.rulebook_models import Rulebook
from routing.trying import read_typed

MOST_NAME = 80


class RuleExample(models.Model):
    """A message in the inbox of a team, and what should become of it by a rulebook.

    Run before each publish: rules that make something else of it are pointed out.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    rulebook = models.ForeignKey(Rulebook, on_delete=models.CASCADE, related_name="examples")
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="+", help_text="Whose inbox is written to"
    )
    name = models.CharField(max_length=MOST_NAME)
    facts = models.JSONField(help_text="The message, in the form of routing.trying")
    expected = models.JSONField(help_text="What should be, in the form of routing.examples")
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("rulebook", Lower("name"), name="example_name_once_per_rules"),
        ]

    def __str__(self) -> str:
        return self.name

    def value(self) -> Example:
        """Return the example as a value. Raises TypedError if its document is none."""
        typed, expected = read_typed(self.facts), read_expected(self.expected)
        return Example(self.pk, self.name, self.team_id, typed, expected)
