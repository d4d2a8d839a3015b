"""What was said, by whom, and how far did it get?"""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from inbox.models.conversation import Conversation
from inbox.models.ids import client_id, public_id
from inbox.models.thread import Thread

# Of a reaction: it is drawn at the message that it is about, and has no place of its own.
ATTACHED = "attached"
# Of the message that it is about: which, with what (blank: it was taken back), and when.
REACTION = "reaction"
ANSWERED_BY = "answered_by"  # the kind and the name of the reply that was said by itself
FOUND_LATE = "found_late"
MENTION_NAMES = "mention_names"  # as they stand in the note
MENTIONED = "mentioned"  # the people whom a note mentions, by id
# What searches look in: the index below is of this, and of nothing else. PostgreSQL takes no list
# of words longer than a megabyte, and a message must never fail for it.
SEARCHED_CHARACTERS = 100_000
# `inbox_words` takes words as they are, without their accents.
WORDS_CONFIG = "inbox_words"
ATTACHED_REACTIONS = Q(kind="reaction", details__has_key=ATTACHED)
WORDS_SAID = SearchVector(Left("body", SEARCHED_CHARACTERS), config=WORDS_CONFIG)


class Forgotten(models.TextChoices):
    """Why something is not here any more. At most 9 characters."""

    RETENTION = "retention", _("Its time was over")
    ERASURE = "erasure", _("The person was erased")
    REDACTION = "redaction", _("A colleague removed it")


class Message(models.Model):
    """One text, note or automatic answer in a thread."""

    class Direction(models.TextChoices):
        IN = "in", _("From the customer")
        OUT = "out", _("To the customer")

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        NOTE = "note", _("Internal note")
        AUTO = "auto", _("Automatic reply")
        REACTION = "reaction", _("Reaction")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        NOTE = "note", _("Noted")
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")
        UNKNOWN = "unknown", _("Not confirmed")
        FAILED = "failed", _("Failed")
        BLOCKED = "blocked", _("Not sent")
        CANCELED = "canceled", _("Cancelled")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="messages")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    client_id = models.CharField(max_length=32, default=client_id)
    seq = models.BigIntegerField()
    direction = models.CharField(max_length=3, choices=Direction.choices)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.TEXT)
    channel = models.CharField(max_length=20, default="sms")
    purpose = models.CharField(max_length=20, blank=True, default="")
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    author_label = models.CharField(max_length=120, blank=True, default="")
    body = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict, help_text="Location, button, referral, geography…")
    reply_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reply_to_sid = models.CharField(max_length=64, blank=True, default="")
    resend_of = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="resent_as"
    )

    status = models.CharField(max_length=10, choices=Status.choices)
    provider_sid = models.CharField(  # noqa: DJ001 - unique, and unknown until the carrier answers
        max_length=64, null=True, blank=True
    )
    provider_status = models.CharField(max_length=20, blank=True, default="")
    error_code = models.CharField(max_length=24, blank=True, default="")
    error_words = models.CharField(max_length=300, blank=True, default="")
    segments = models.PositiveSmallIntegerField(default=1)

    created_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, blank=True)
    provider_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    nudge_at = models.DateTimeField(
        null=True, blank=True, help_text="When a sweep reminds a worker of a queued message"
    )
    trying_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the carrier puts us off; giving up counts it"
    )
    waited_since = models.DateTimeField(
        null=True, blank=True, help_text="The customer's wait that it ended; it resumes on failure"
    )
    sending_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    reached_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was delivered, or read once that is known"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    look_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When to ask the carrier about an unknown outcome"
    )
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="When its words went")
    forgotten_for = models.CharField(
        max_length=9,
        choices=Forgotten.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Why they went; blank where there were none",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["thread", "seq"], name="one_message_per_seq"),
            models.UniqueConstraint(
                fields=["thread", "client_id"], name="one_message_per_client_id"
            ),
            models.UniqueConstraint(
                fields=["provider_sid", "account"], name="one_message_per_provider_sid"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["nudge_at", "id"], name="message_queued", condition=Q(status="queued")
            ),
            models.Index(
                fields=["account", "created_at"],
                name="message_outcome",
                condition=Q(direction="out"),
            ),
            models.Index(
                fields=["account", "created_at"],
                name="message_arrived",
                condition=Q(direction="in"),
            ),
            models.Index(
                fields=["sending_at"], name="message_sending", condition=Q(status="sending")
            ),
            models.Index(
                fields=["look_up_at"], name="message_unknown", condition=Q(status="unknown")
            ),
            models.Index(
                fields=["thread", "seq"],
                name="message_unsent_in_thread",
                condition=Q(status__in=["queued", "sending"]),
            ),
            models.Index(fields=["conversation", "seq"], name="message_by_conversation"),
            models.Index(
                fields=["account", "created_at", "id"],
                name="message_to_forget",
                condition=Q(forgotten_at__isnull=True),
            ),
            # Of the text and nothing else: it holds no words of rows that were emptied.
            GinIndex(WORDS_SAID, name="message_by_plain_words"),
        ]

    def __str__(self) -> str:
        return f"Message {self.public_id}"

    @property
    def is_inbound(self) -> bool:
        """Say whether the customer wrote it."""
        return self.direction == self.Direction.IN

    @property
    def was_found_late(self) -> bool:
        """Say whether we found it in the carrier's list because its webhook never came."""
        return FOUND_LATE in self.details

    @property
    def is_attached(self) -> bool:
        """Say whether it is a reaction that is drawn at the message that it is about."""
        return self.kind == self.Kind.REACTION and ATTACHED in self.details

    @property
    def is_note(self) -> bool:
        """Say whether it is an internal note, never sent."""
        return self.kind == self.Kind.NOTE

    @property
    def quote(self) -> "Message | None":
        """Return the message this one answers, unless that is of another conversation.

        Whoever reads this one may never have had sight of that one.
        """
        quoted = self.reply_to
        return quoted if quoted and quoted.conversation_id == self.conversation_id else None

    @property
    def may_be_called_off(self) -> bool:
        """Say whether a person can still stop it: it is theirs, and waits."""
        return self.status == self.Status.QUEUED and self.author_id is not None

    @property
    def may_be_resent(self) -> bool:
        """Say whether a person may send it again: not, once its words are gone."""
        return (
            self.direction == self.Direction.OUT
            and self.forgotten_at is None
            and self.status in {self.Status.FAILED, self.Status.UNKNOWN, self.Status.BLOCKED}
        )


class Attachment(models.Model):
    """A file of a message, theirs or ours."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Being fetched")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Could not fetch")
        REFUSED = "refused", _("Refused")
        GONE = "gone", _("Removed")

    class Look(models.TextChoices):
        IMAGE = "image", _("Image")
        AUDIO = "audio", _("Audio")
        VIDEO = "video", _("Video")
        CARD = "card", _("Contact card")
        FILE = "file", _("File")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="attachments"
    )
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    position = models.PositiveSmallIntegerField(default=0)
    source_url = models.CharField(max_length=500, blank=True, default="")
    declared_type = models.CharField(max_length=120, blank=True, default="")
    content_type = models.CharField(max_length=120, blank=True, default="")
    look = models.CharField(max_length=8, choices=Look.choices, default=Look.FILE)
    name = models.CharField(max_length=200, blank=True, default="")
    alt = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="What is to be seen, in the words of who sends it",
    )
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    file = models.FileField(upload_to="attachments/%Y/%m/%d", blank=True, max_length=300)
    thumbnail = models.FileField(upload_to="thumbnails/%Y/%m/%d", blank=True, max_length=300)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    problem = models.CharField(max_length=200, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="When it was removed")
    forgotten_for = models.CharField(
        max_length=9, choices=Forgotten.choices, blank=True, default="", db_default=""
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["message", "position"], name="one_attachment_per_position"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_attempt_at"],
                name="attachment_owed",
                condition=Q(state="waiting", next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["account", "created_at", "id"],
                name="attachment_to_forget",
                condition=Q(forgotten_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"Attachment {self.public_id}"


class AutoReplyLog(models.Model):
    """That an automatic reply was decided: at most one per thread, kind and window."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="auto_replies")
    kind = models.CharField(max_length=20)
    window_key = models.CharField(max_length=80)
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="auto_reply_log")
    trigger = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["thread", "kind", "window_key"], name="one_auto_reply_per_window"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.window_key}"
