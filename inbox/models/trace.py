"""Why is a conversation where it is? What rules knew, asked and decided, kept beside it."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from inbox.models.conversation import Conversation
from inbox.models.inbox import TeamInbox
from inbox.models.message import Message
from routing.facts import Trigger
from routing.models import RulebookVersion


class RoutingTrace(models.Model):
    """One decision about one conversation, with all that it hung on.

    `facts` and `people` are what was known then, in the form of `routing.traces`: the same rules
    asked again with them give the same plan. The words of the customer are those of the message.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    inbox = models.ForeignKey(TeamInbox, on_delete=models.PROTECT, related_name="+")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="routing_traces"
    )
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    trigger = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Trigger])
    always_first = models.ForeignKey(
        RulebookVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account's rules that were asked first",
    )
    version = models.ForeignKey(
        RulebookVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The inbox's own rules",
    )
    rule = models.CharField(max_length=80, help_text="The id of the rule that decided")
    has_nobody = models.BooleanField(default=False, help_text="Nobody it named was able")
    broken = ArrayField(
        models.CharField(max_length=80), default=list, help_text="Rules that could not be asked"
    )
    marked = ArrayField(
        models.CharField(max_length=80),
        default=list,
        db_default=[],
        help_text="Rules that marked and went on",
    )
    webhook_at = models.DateTimeField(
        null=True, blank=True, help_text="When the rule's webhook is called next, if it is owed"
    )
    webhook_tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    webhook_problem = models.CharField(max_length=200, blank=True, default="", db_default="")
    facts = models.JSONField(default=dict)
    people = models.JSONField(default=dict)
    plan = models.JSONField(default=dict)
    rules = models.JSONField(default=list, help_text="What became of each rule, in their order")
    lookups = models.JSONField(default=dict, help_text="Who was asked, and how that went")
    replies = models.JSONField(default=dict, help_text="Which replies were thought of")
    took_us = models.PositiveIntegerField(default=0, help_text="Microseconds of deciding")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-at"], name="trace_by_account"),
            models.Index(fields=["inbox", "rule", "-at"], name="trace_by_rule"),
            models.Index(
                fields=["inbox", "-at"], name="trace_broken", condition=~models.Q(broken=[])
            ),
            models.Index(
                fields=["inbox", "-at"], name="trace_marked", condition=~models.Q(marked=[])
            ),
            models.Index(
                fields=["webhook_at"],
                name="trace_webhook_owed",
                condition=models.Q(webhook_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} at {self.at:%Y-%m-%d %H:%M}"
