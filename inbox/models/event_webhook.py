"""Which programs of customers are told what happens, how far are they, and what are they owed?"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.secrets import EncryptedTextField
from inbox.models.conversation import Conversation
from inbox.models.inbox import TeamInbox
from routing.crm import LONGEST_URL
from routing.lookup_models import LONGEST_FAILURE, LONGEST_NAME, Followed


class EventType(models.TextChoices):
    """What a program may ask to be told of."""

    MESSAGE_RECEIVED = "message.received", _("A customer wrote")
    MESSAGE_CREATED = "message.created", _("A message to a customer was written")
    MESSAGE_UPDATED = "message.updated", _("A message got further, failed, or its files came")
    NOTE_CREATED = "note.created", _("A note was written")
    CONVERSATION_CREATED = "conversation.created", _("A conversation began")
    CONVERSATION_UPDATED = "conversation.updated", _("A conversation changed")
    ACTIVITY_CREATED = "activity.created", _("Somebody did something: a line of the timeline")
    CONSENT_CHANGED = "consent.changed", _("A customer opted in or out")
    CONTACT_UPDATED = "contact.updated", _("A contact was changed")


class EventWebhook(Followed):
    """An address of an account that is told of events, signed like a Data Action.

    Both secrets sign while a change of secret is on its way: `secret_next` is the new one.
    `inbox` is the only one it is told of; without, it is told of all.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="event_webhooks")
    name = models.CharField(max_length=LONGEST_NAME)
    url = models.CharField("address", max_length=LONGEST_URL)
    secret = EncryptedTextField()
    secret_next = EncryptedTextField(blank=True, default="")
    kinds = ArrayField(models.CharField(max_length=30, choices=EventType.choices))
    inbox = models.ForeignKey(
        TeamInbox, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    is_on = models.BooleanField("on", default=True)
    switched_off_for = models.CharField(
        max_length=LONGEST_FAILURE,
        blank=True,
        default="",
        help_text="Why it was switched off by itself",
    )
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="When it failed first after it had last answered"
    )
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when one process tells it, and no other"
    )
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "event webhook"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account", Lower("name"), name="event_webhook_name_once_per_account"
            ),
            models.CheckConstraint(
                condition=~Q(kinds__len=0), name="an_event_webhook_is_told_of_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def signing_secrets(self) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        return tuple(filter(None, (self.secret_next, self.secret)))


class EventCursor(models.Model):
    """Up to which number of an inbox's events it is written down what a webhook is owed."""

    webhook = models.ForeignKey(EventWebhook, on_delete=models.CASCADE, related_name="cursors")
    inbox = models.ForeignKey(TeamInbox, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()

    class Meta:
        verbose_name = "event cursor"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["webhook", "inbox"], name="one_cursor_per_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_id}: {self.inbox_id}/{self.seq}"


class EventDelivery(models.Model):
    """One event that a webhook is owed, or was told: facts and how it went, never words.

    What is told is put together from the rows as they are when it is told.
    """

    class Status(models.TextChoices):
        OWED = "owed", _("To be told")
        TOLD = "told", _("Told")
        FAILED = "failed", _("Given up")

    webhook = models.ForeignKey(EventWebhook, on_delete=models.CASCADE, related_name="deliveries")
    inbox = models.ForeignKey(TeamInbox, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=30, choices=EventType.choices)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    actor_id = models.BigIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField()

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OWED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is told, or told again; blank once settled"
    )
    tried_at = models.DateTimeField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(null=True, blank=True)
    answer = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The HTTP status of the last answer"
    )
    failure = models.CharField(max_length=LONGEST_FAILURE, blank=True, default="")

    class Meta:
        verbose_name = "event delivery"
        verbose_name_plural = "event deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["webhook", "inbox", "seq"], name="an_event_is_owed_once"
            ),
            models.CheckConstraint(
                condition=Q(status="owed", next_at__isnull=False)
                | (~Q(status="owed") & Q(next_at__isnull=True)),
                name="only_what_is_owed_is_due",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["webhook", "next_at", "id"],
                condition=Q(status="owed"),
                name="event_delivery_due",
            ),
            # The log of a webhook, the newest first; also of what was given up.
            models.Index(fields=["webhook", "status", "-id"], name="event_delivery_log"),
            models.Index(fields=["happened_at"], name="event_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"

    @property
    def event_id(self) -> str:
        """Name the event: the same for every webhook, and each time that it is told."""
        return f"evt_{self.inbox.public_id.hex}_{self.seq}"
