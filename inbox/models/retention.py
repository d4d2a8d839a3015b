"""For how long are words kept, who may not be forgotten yet, and what was forgotten?

Contract: docs/retention.md. What is done with these rows stands in `inbox.forgetting`.
"""

from typing import Any, ClassVar, NoReturn

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.ledgers import (
    LedgerImmutableError,
    LedgerQuerySet,
    NeverEmptied,
    Unchangeable,
)
from accounts.models import Account, TwilioAccount, User
from accounts.secrets import EncryptedTextField
from inbox.models.contact import Contact
from inbox.models.conversation import Conversation
from inbox.models.ids import public_id
from inbox.models.message import Message

LONGEST_REASON = 500
MOST_DAYS = 36_500
MOST_YEARS = 100


class RetentionPolicy(models.Model):
    """How long an account keeps what holds words and numbers, and how far tonight's run has come.

    Days count from when something was written, received or decided. None: it is kept until somebody
    settles otherwise; of decisions and proof: five years; of web evidence: two.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    texts_days = models.PositiveIntegerField("Texts", null=True, blank=True)
    media_days = models.PositiveIntegerField("Files", null=True, blank=True)
    raw_days = models.PositiveIntegerField("What the carrier handed over", null=True, blank=True)
    traces_days = models.PositiveIntegerField("What rules knew", null=True, blank=True)
    examples_days = models.PositiveIntegerField("Examples of rules", null=True, blank=True)
    decisions_years = models.PositiveSmallIntegerField("Decisions", null=True, blank=True)
    proof_years = models.PositiveSmallIntegerField("Proof of consent", null=True, blank=True)
    web_years = models.PositiveSmallIntegerField("Web evidence", null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    changed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When the next run is due")
    leased_until = models.DateTimeField(null=True, blank=True)
    running_since = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, help_text="How far the run has come, by kind")

    class Meta:
        verbose_name = "retention policy"
        verbose_name_plural = "retention policies"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_at"], name="retention_due"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(texts_days=None) | Q(texts_days__gte=1, texts_days__lte=MOST_DAYS),
                name="texts_are_kept_for_days",
            ),
            models.CheckConstraint(
                condition=Q(media_days=None) | Q(media_days__gte=1, media_days__lte=MOST_DAYS),
                name="files_are_kept_for_days",
            ),
            models.CheckConstraint(
                condition=Q(decisions_years=None)
                | Q(decisions_years__gte=1, decisions_years__lte=MOST_YEARS),
                name="decisions_are_kept_for_years",
            ),
        ]

    def __str__(self) -> str:
        return f"retention of {self.account}"


class LegalHold(models.Model):
    """Nothing of this is forgotten until somebody lifts it, whatever is settled or asked for.

    Of an account, of a person (a contact, or a handle of the ledger), or of a conversation.
    """

    class Scope(models.TextChoices):
        ACCOUNT = "account", _("The whole account")
        PERSON = "person", _("A person")
        CONVERSATION = "conversation", _("A conversation")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    handle = models.CharField(max_length=64, blank=True, default="")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=LONGEST_REASON)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="")

    class Meta:
        verbose_name = "legal hold"
        ordering: ClassVar[list[str]] = ["-set_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account"], name="hold_standing", condition=Q(lifted_at=None)),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(scope="account", contact=None, handle="", conversation=None)
                | Q(scope="person", contact__isnull=False, handle="", conversation=None)
                | (Q(scope="person", contact=None, conversation=None) & ~Q(handle=""))
                | Q(scope="conversation", contact=None, handle="", conversation__isnull=False),
                name="a_hold_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="a_lifted_hold_says_who_and_why",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_hold_has_a_reason"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(scope="account", lifted_at=None),
                name="one_standing_hold_per_account",
            ),
            models.UniqueConstraint(
                fields=["contact"],
                condition=Q(lifted_at=None),
                name="one_standing_hold_per_contact",
            ),
            models.UniqueConstraint(
                fields=["account", "handle"],
                condition=Q(lifted_at=None) & ~Q(handle=""),
                name="one_standing_hold_per_handle",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(lifted_at=None),
                name="one_standing_hold_per_conversation",
            ),
        ]

    def __str__(self) -> str:
        return f"hold on {self.get_scope_display().lower()}"


class ForgettingCertificate(models.Model):
    """What was forgotten, when and why: counts and spans, nobody's name. Append-only.

    `document` is what is downloaded; `sha256` is over its canonical JSON, which holds that of the
    certificate before.
    """

    class Cause(models.TextChoices):
        RETENTION = "retention", _("Retention")
        ERASURE = "erasure", _("Erasure of a person")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="1 for the account's first")
    cause = models.CharField(max_length=9, choices=Cause.choices)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)
    issued_at = models.DateTimeField()

    objects = LedgerQuerySet["ForgettingCertificate"].as_manager()

    class Meta:
        verbose_name = "certificate of what went"
        verbose_name_plural = "certificates of what went"
        ordering: ClassVar[list[str]] = ["-issued_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "number"], name="one_certificate_per_number"
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unchangeable(name="certificates_are_append_only"),
            NeverEmptied(name="certificates_are_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"Certificate {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises LedgerImmutableError for one that is there."""
        if not self._state.adding:
            raise LedgerImmutableError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LedgerImmutableError."""
        raise LedgerImmutableError


class Erasure(models.Model):
    """Somebody is to be forgotten whole, and how far that has come.

    `needles` are what they are found by where nothing points at them, encrypted; blank once no step
    needs them any more. `subject` names a contact by its public id, or somebody by a handle.
    """

    class State(models.TextChoices):
        HELD = "held", _("Waits for a legal hold to be lifted")
        ASKED = "asked", _("Begins in a moment")
        FORGETTING = "forgetting", _("Is being forgotten here")
        OUTSIDE = "outside", _("Forgotten here; Twilio is being asked")
        DONE = "done", _("Done")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="erasures"
    )
    subject = models.CharField(max_length=64)
    needles = EncryptedTextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=LONGEST_REASON)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    step = models.PositiveSmallIntegerField(default=0, help_text="Which place is next")
    counts = models.JSONField(default=dict, help_text="How many went, by place")
    next_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, default="")
    forgotten_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    certificate = models.OneToOneField(
        ForgettingCertificate, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_at"], name="erasure_due", condition=Q(next_at__isnull=False)
            ),
            models.Index(fields=["account", "-asked_at"], name="erasure_by_account"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "subject"],
                condition=~Q(state="done"),
                name="one_erasure_of_a_person_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(needles="", done_at__isnull=False),
                name="a_done_erasure_knows_nobody",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="an_erasure_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.public_id[:8]}"


class RemoteDeletion(models.Model):
    """One message that Twilio is to delete, with its files, and what became of that.

    Because a person was erased, or because a colleague removed this one message.
    """

    class State(models.TextChoices):
        OWED = "owed", _("Waits")
        DONE = "done", _("Deleted")
        FAILED = "failed", _("Could not be deleted")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    erasure = models.ForeignKey(
        Erasure, on_delete=models.PROTECT, null=True, blank=True, related_name="deletions"
    )
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="deletion"
    )
    twilio_account = models.ForeignKey(TwilioAccount, on_delete=models.PROTECT, related_name="+")
    message_sid = models.CharField(max_length=64)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OWED)
    files = models.PositiveSmallIntegerField(default=0, help_text="How many files it had there")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, default="")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["erasure", "message_sid"], name="a_message_is_deleted_there_once"
            ),
            models.CheckConstraint(
                condition=Q(state="owed", next_attempt_at__isnull=False)
                | (~Q(state="owed") & Q(next_attempt_at=None)),
                name="only_what_is_owed_is_tried",
            ),
            models.CheckConstraint(
                condition=Q(erasure__isnull=False, message=None)
                | Q(erasure=None, message__isnull=False),
                name="a_deletion_is_for_an_erasure_or_a_removal",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_attempt_at"], name="deletion_owed", condition=Q(state="owed")
            ),
        ]

    def __str__(self) -> str:
        return self.message_sid
