"""Which files of consents were imported, and what became of their rows?"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from accounts.secrets import EncryptedTextField


class ConsentImport(models.Model):
    """One file: looked at first, then recorded piece by piece, opt-outs before opt-ins.

    `done` of `total` entries are recorded: whoever goes on begins there, so that a crash costs
    nothing and nothing is recorded twice. The file itself is kept only until then, sealed.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Looked at, not started")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        CANCELED = "canceled", _("Cancelled")
        FAILED = "failed", _("Could not go on")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    file_name = models.CharField(max_length=120, blank=True, default="")
    file_sha256 = models.CharField(max_length=64)
    content = EncryptedTextField(blank=True, default="")
    mapped = models.JSONField(default=dict, help_text="Which column holds what")
    attestation = models.TextField(
        blank=True, default="", help_text="What the uploader says of these consents"
    )
    key = models.CharField(
        max_length=64, blank=True, default="", help_text="The file and how it is read, as a hash"
    )
    idempotency_key = models.CharField(max_length=120, blank=True, default="")
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    canceled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    rows = models.PositiveIntegerField(default=0, help_text="How many rows the file has")
    total = models.PositiveIntegerField(default=0, help_text="How many entries are recorded of it")
    done = models.PositiveIntegerField(default=0)
    opted_out = models.PositiveIntegerField("new opt-outs", default=0)
    opted_in = models.PositiveIntegerField("opt-ins with proof", default=0)
    asked = models.PositiveIntegerField("to be confirmed by the person", default=0, db_default=0)
    unproven = models.PositiveIntegerField("opt-ins without proof", default=0)
    superseded = models.PositiveIntegerField("kept as history only", default=0)
    already = models.PositiveIntegerField("were so already", default=0)
    refused = models.PositiveIntegerField("would undo an opt-out", default=0)
    repeated = models.PositiveIntegerField("repeat another row", default=0)
    wrong = models.PositiveIntegerField("cannot be used", default=0)

    questions = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Of how many it is settled whether they are asked to confirm",
    )
    ask_next_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next few are asked; empty: nobody waits for it"
    )

    class Meta:
        verbose_name = "import of consents"
        verbose_name_plural = "imports of consents"
        ordering: ClassVar[list[str]] = ["-uploaded_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-uploaded_at"], name="consent_import_by_time"),
            models.Index(
                fields=["id"], name="consent_import_under_way", condition=Q(status="running")
            ),
            models.Index(
                fields=["ask_next_at"],
                name="consent_import_asks",
                condition=Q(ask_next_at__isnull=False),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "key"],
                condition=Q(status__in=["running", "done"]),
                name="a_file_is_imported_once",
            ),
            models.UniqueConstraint(
                fields=["account", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_import_per_idempotency_key",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "running"]) | Q(content=""),
                name="a_finished_import_keeps_no_file",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["running", "done"])
                | (Q(started_at__isnull=False) & ~Q(attestation="") & ~Q(key="")),
                name="an_import_is_started_with_an_attestation",
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("total")), name="no_more_is_imported_than_there_is"
            ),
            models.CheckConstraint(
                condition=Q(questions__lte=F("asked")),
                name="nobody_is_asked_of_whom_no_row_says_so",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name or 'a file'}, {self.uploaded_at:%Y-%m-%d %H:%M}"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more is recorded of it."""
        return self.status not in (self.Status.DRAFT, self.Status.RUNNING)

    @property
    def is_asking(self) -> bool:
        """Say whether people of it still wait to be asked."""
        return self.ask_next_at is not None

    @property
    def percent(self) -> int:
        """Return how much is done, 0 to 100."""
        return 100 if not self.total else self.done * 100 // self.total


class ConsentImportLine(models.Model):
    """What became of a row that was not simply recorded: named by its line, never by its number.

    One that is `to_ask` is a promise: its person is asked to confirm the opt-in of `event`.
    """

    class Outcome(models.TextChoices):
        WRONG = "wrong", _("Cannot be used")
        REPEATED = "repeated", _("Repeats another row")
        SUPERSEDED = "superseded", _("Kept as history: something later counts for more")
        REFUSED = "refused", _("Not recorded: it would undo an opt-out")
        UNPROVEN = "unproven", _("Recorded without proof: for notifications only")
        TO_ASK = "to_ask", _("Recorded as asked for: they are asked in turn")
        ASKED = "asked", _("Recorded as asked for: they are asked to confirm")
        NOT_ASKED = "not_asked", _("Recorded as asked for, but they could not be asked")
        BLOCKED = "blocked", _("Recorded; the carrier still refuses messages to them")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    file = models.ForeignKey(
        ConsentImport, on_delete=models.CASCADE, related_name="lines", verbose_name="import"
    )
    line = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    field = models.CharField(max_length=20, blank=True, default="")
    reason = models.CharField(max_length=300)
    cell = models.CharField(max_length=40, blank=True, default="")
    event = models.BigIntegerField(
        null=True, blank=True, help_text="Its number in the account's ledger of consent"
    )

    class Meta:
        verbose_name = "line of an import"
        verbose_name_plural = "lines of imports"
        ordering: ClassVar[list[str]] = ["line", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account"], name="import_lines_of_an_account"),
            models.Index(
                fields=["file", "id"], name="import_lines_to_ask", condition=Q(outcome="to_ask")
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(outcome="to_ask") | Q(event__isnull=False),
                name="a_line_to_ask_names_its_event",
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.get_outcome_display()}"
