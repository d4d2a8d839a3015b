"""What did people consent to, and what do carriers refuse?

An event says what happened to an address that it names only by its handle, a keyed hash. Whose that
is and what they said lies in `ConsentDetails`, sealed with a key of that address: destroy it, and
the ledger still verifies. Contract: docs/consent.md.
"""

from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, NoReturn

import pgtrigger
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.ledgers import (
    LedgerImmutableError,
    LedgerQuerySet,
    NeverBack,
    NeverEmptied,
    Unalterable,
    Unchangeable,
    Undeletable,
)
from accounts.models import Account, User
from accounts.secrets import EncryptedTextField
from compliance.chain import FORMAT, GENESIS, SCOPED_FORMAT, WEB_FORMAT
from compliance.evidence import (
    EVERY_PROGRAMME,
    Basis,
    EventKind,
    OptOutScope,
    Personal,
    Quality,
    Source,
    Web,
)
from compliance.import_models import ConsentImport as ConsentImport
from compliance.import_models import ConsentImportLine as ConsentImportLine
from compliance.judging import Answer
from compliance.outside_models import ConsentComparison as ConsentComparison
from compliance.outside_models import ConsentDifference as ConsentDifference
from compliance.outside_models import ConsentSharing as ConsentSharing
from compliance.outside_models import ReassignmentCheck as ReassignmentCheck
from compliance.outside_models import ReassignmentPolicy as ReassignmentPolicy
from compliance.outside_models import SharedConsent as SharedConsent
from compliance.own_keywords import LONGEST_FORM, MOST, OwnKeyword
from compliance.rule_models import CompliancePolicy as CompliancePolicy
from compliance.rule_models import JurisdictionPack as JurisdictionPack
from compliance.rule_models import RuleOverride as RuleOverride
from compliance.sealing import Opened, unseal
from compliance.state_machine import CONFIRM_WITHIN, Fact
from compliance.state_machine import ConsentState as ConsentState

NOBODY = Personal()


class ConsentChain(models.Model):
    """The head of one account's ledger: how many events there are, and the hash of the last.

    Whoever writes an event holds this row, after the consents it is about. `pepper` is the
    account's secret that handles are made with; it never becomes another one.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    seq = models.BigIntegerField(default=0, help_text="How many events there are")
    head_hash = models.CharField(max_length=64, default=GENESIS)
    pepper = EncryptedTextField()
    begun_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, blank=True)
    # How far the check has come that is under way, and until when it is left to who does it.
    checked_seq = models.BigIntegerField(default=0, db_default=0)
    checked_head = models.CharField(max_length=64, default=GENESIS, db_default=GENESIS)
    checking_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "consent ledger"
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Undeletable(name="consent_chain_is_kept"),
            NeverBack(name="consent_chain_never_goes_back", counter="seq"),
            NeverEmptied(name="consent_chain_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} events"


class ConsentKey(models.Model):
    """The key of what is personal in the events of one address. Erasure destroys it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    handle = models.CharField(max_length=64)
    key = EncryptedTextField(blank=True, default="")
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "handle"],
                condition=Q(destroyed_at=None),
                name="one_standing_key_per_address",
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at=None) | Q(key=""), name="a_destroyed_key_is_gone"
            ),
        ]

    def __str__(self) -> str:
        return f"key of {self.handle[:8]}…"


class ConsentEvent(models.Model):
    """One thing that happened to somebody's consent. Append-only, and chained per account.

    Keyed by address, not by contact: an opt-out outlives the contact card.
    """

    Kind = EventKind
    Source = Source

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    seq = models.BigIntegerField(help_text="Its number in the account's ledger")
    handle = models.CharField(max_length=64, help_text="The address, as a keyed hash")
    previous = models.BigIntegerField(
        null=True, blank=True, help_text="The event of the same address before"
    )
    family = models.CharField(max_length=20)
    programme = models.CharField(max_length=60, default=EVERY_PROGRAMME, db_default=EVERY_PROGRAMME)
    kind = models.CharField(max_length=14, choices=EventKind.choices)
    source = models.CharField(max_length=20, choices=Source.choices)
    state = models.CharField(max_length=14, choices=ConsentState.choices)
    basis = models.CharField(
        max_length=20, choices=Basis.choices, blank=True, default="", db_default=""
    )
    quality = models.CharField(
        max_length=20, choices=Quality.choices, blank=True, default="", db_default=""
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    message_sid = models.CharField(max_length=64, blank=True, default="")
    rule_version = models.CharField(max_length=60, blank=True, default="", db_default="")
    wording_id = models.CharField(max_length=80, blank=True, default="", db_default="")
    wording_version = models.CharField(max_length=40, blank=True, default="", db_default="")
    wording_language = models.CharField(max_length=20, blank=True, default="", db_default="")
    wording_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    file_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    jurisdiction = models.CharField(max_length=12, blank=True, default="", db_default="")
    pack_version = models.CharField(max_length=60, blank=True, default="", db_default="")
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    supersedes = models.BigIntegerField(
        null=True, blank=True, help_text="The event that this one corrects"
    )
    scope = models.CharField(
        max_length=6,
        choices=OptOutScope.choices,
        blank=True,
        default="",
        db_default="",
        help_text="For which channels the account let an opt-out count; blank: the channel family",
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    details_hash = models.CharField(max_length=64, help_text="Commits to what is sealed")
    web_hash = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Commits to from where on the web it was done",
    )
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = LedgerQuerySet["ConsentEvent"].as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-recorded_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "handle", "seq"], name="consent_by_handle"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "seq"], name="one_event_per_number"),
            models.CheckConstraint(
                condition=Q(supersedes=None) | Q(supersedes__lt=F("seq")),
                name="an_event_corrects_an_earlier_one",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unchangeable(name="consent_is_append_only"),
            NeverEmptied(name="consent_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.occurred_at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; raise LedgerImmutableError if it is there already."""
        if not self._state.adding:
            raise LedgerImmutableError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LedgerImmutableError."""
        raise LedgerImmutableError

    @property
    def body(self) -> dict[str, Any]:
        """Return what its hash is over, by the names of docs/consent.md."""
        same = {name: getattr(self, name) for name in _SAME_IN_BODY}
        return {
            **same,
            **self._form,
            "account": self.account_id,
            "recorded_by": self.recorded_by_id,
            "details": self.details_hash,
            "prev": self.prev_hash,
        }

    @property
    def _form(self) -> dict[str, Any]:
        """Return the format of the body, with what only bodies of that format have."""
        if self.web_hash:
            return {"format": WEB_FORMAT, "scope": self.scope, "web": self.web_hash}
        if self.scope:
            return {"format": SCOPED_FORMAT, "scope": self.scope}
        return {"format": FORMAT}

    @property
    def fact(self) -> Fact:
        """Return it as the state machine needs it."""
        return Fact(
            kind=EventKind(self.kind),
            occurred_at=self.occurred_at,
            seq=self.seq,
            programme=self.programme,
            basis=self.basis,
            quality=self.quality,
            expires_at=self.expires_at,
            supersedes=self.supersedes,
            is_linked=self.source == Source.LINKED,
        )

    @cached_property
    def opened(self) -> Opened[Personal] | None:
        """Return what is personal and its salt, or None if it was erased.

        Raises UnreadableDetailsError if it is there and cannot be read.
        """
        try:
            details = self.details
        except ObjectDoesNotExist:
            return None
        return details.open()

    @cached_property
    def opened_web(self) -> Opened[Web] | None:
        """Return from where on the web it was done and its salt; None if that is gone or never was.

        Raises UnreadableDetailsError if it is there and cannot be read.
        """
        try:
            evidence = self.web_evidence
        except ObjectDoesNotExist:
            return None
        return evidence.open()

    @property
    def web(self) -> Web:
        """Return from where on the web it was done, as far as that is still kept."""
        if self.opened_web:
            return self.opened_web.personal
        # So it is in events of the formats before.
        return Web(self.personal.ip, self.personal.user_agent)

    @property
    def personal(self) -> Personal:
        """Return what is personal; nothing, if it was erased."""
        return self.opened.personal if self.opened else NOBODY

    @property
    def address(self) -> str:
        """Return whose event it is, or blank if they were erased."""
        return self.personal.address

    @property
    def words(self) -> str:
        """Return the words that were taken as this, or blank if they were erased."""
        return self.personal.words


_SAME_IN_BODY = (
    "seq",
    "handle",
    "previous",
    "family",
    "programme",
    "kind",
    "source",
    "state",
    "basis",
    "quality",
    "expires_at",
    "message_sid",
    "rule_version",
    "wording_id",
    "wording_version",
    "wording_language",
    "wording_sha256",
    "file_sha256",
    "jurisdiction",
    "pack_version",
    "supersedes",
    "occurred_at",
    "recorded_at",
)


class ConsentDetails(models.Model):
    """What is personal in one event, sealed with the key of its address."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField(ConsentEvent, on_delete=models.PROTECT, related_name="details")
    key = models.ForeignKey(ConsentKey, on_delete=models.PROTECT, related_name="details")
    sealed = models.TextField()

    class Meta:
        verbose_name_plural = "consent details"
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unalterable(name="consent_details_never_change"),
        ]

    def __str__(self) -> str:
        return f"details of event {self.event_id}"

    def open(self) -> Opened[Personal] | None:
        """Return what was sealed, or None if its key was destroyed.

        Raises UnreadableDetailsError.
        """
        return unseal(self.key.key, self.sealed, Personal) if self.key.key else None


class WebEvidence(models.Model):
    """From where on the web one event was done, sealed with the key of its address.

    Apart from its details, so that it can go sooner and the rest of the proof still holds.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    event = models.OneToOneField(
        ConsentEvent, on_delete=models.PROTECT, related_name="web_evidence"
    )
    key = models.ForeignKey(ConsentKey, on_delete=models.PROTECT, related_name="web_evidence")
    sealed = models.TextField()
    recorded_at = models.DateTimeField(help_text="When its event was")

    class Meta:
        verbose_name_plural = "web evidence"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "recorded_at", "id"], name="web_evidence_by_age"),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unalterable(name="web_evidence_never_changes"),
        ]

    def __str__(self) -> str:
        return f"web evidence of event {self.event_id}"

    def open(self) -> Opened[Web] | None:
        """Return what was sealed, or None if its key was destroyed.

        Raises UnreadableDetailsError.
        """
        return unseal(self.key.key, self.sealed, Web) if self.key.key else None


class Consent(models.Model):
    """Where one address of one account stands now, per channel family and programme.

    A projection: replaying the events of the address, and `wrote_at`, gives it (compliance.standing
    does). `ground` is what stands below a question, a hold and an opt-out.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=120)
    family = models.CharField(max_length=20)
    programme = models.CharField(max_length=60, default=EVERY_PROGRAMME, db_default=EVERY_PROGRAMME)
    state = models.CharField(max_length=14, choices=ConsentState.choices, default=ConsentState.NONE)
    ground = models.CharField(
        max_length=14,
        choices=ConsentState.choices,
        default=ConsentState.NONE,
        db_default=ConsentState.NONE.value,
    )
    basis = models.CharField(
        max_length=20, choices=Basis.choices, blank=True, default="", db_default=""
    )
    quality = models.CharField(
        max_length=20, choices=Quality.choices, blank=True, default="", db_default=""
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField()
    words = models.CharField(max_length=200, blank=True, default="")
    wrote_at = models.DateTimeField(
        null=True, blank=True, help_text="When a message of theirs last made us know them"
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    opted_out_at = models.DateTimeField(null=True, blank=True)
    no_contact_at = models.DateTimeField(null=True, blank=True)
    no_marketing_at = models.DateTimeField(null=True, blank=True)
    reassigned_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.BigIntegerField(
        null=True, blank=True, help_text="The event that made the state what it is"
    )
    last_event = models.BigIntegerField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "consent"
        verbose_name_plural = "consents"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "address", "family", "programme"],
                name="one_consent_per_address_family_and_programme",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account"],
                name="consent_opted_out",
                condition=models.Q(state="opted_out"),
            ),
            models.Index(
                fields=["id"],
                name="consent_that_may_lapse",
                condition=Q(state="opted_in", expires_at__isnull=False) | Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return self.get_state_display()

    @property
    def asked_until(self) -> datetime | None:
        """Return until when they may confirm what they were asked; None if nothing is asked."""
        is_asked = self.state == ConsentState.PENDING and self.asked_at is not None
        return self.asked_at + CONFIRM_WITHIN if is_asked and self.asked_at else None

    def state_at(self, now: datetime) -> ConsentState:
        """Return the state at a later moment: consents run out, questions lapse."""
        if self.state == ConsentState.OPTED_IN and self.expires_at and now >= self.expires_at:
            return ConsentState.EXPIRED
        asked = self.asked_at if self.state == ConsentState.PENDING else None
        is_over = asked is not None and now >= asked + CONFIRM_WITHIN
        return ConsentState(self.ground if is_over else self.state)


class Suppression(models.Model):
    """Somebody was erased who must not be written to: a marker without a name.

    Found by the handle of the address that somebody wants to write to, never the other way round.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    handle = models.CharField(max_length=64)
    family = models.CharField(max_length=20)
    state = models.CharField(max_length=14, choices=ConsentState.choices)
    since = models.DateTimeField()
    no_contact_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "handle"], name="one_suppression_per_address"
            ),
        ]

    def __str__(self) -> str:
        return f"suppressed since {self.since:%Y-%m-%d}"


class GateDecision(models.Model):
    """What the gate said of one message, when it was queued or sent, and what that rested on.

    Names nobody: the message and its thread are named by their public ids, which say nothing once
    a person is erased. Kept as the answer to "why was this sent?", and never changed.
    """

    class Stage(models.TextChoices):
        QUEUED = "queued", _("When it was written")
        SENT = "sent", _("When it was to leave")

    # No index of its own: `decision_by_time` begins with it.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    stage = models.CharField(max_length=6, choices=Stage.choices)
    thread_ref = models.CharField("thread", max_length=32)
    message_ref = models.CharField(
        "message", max_length=32, blank=True, help_text="Blank: it was refused before it was kept"
    )
    purpose = models.CharField(max_length=20)
    answer = models.CharField(max_length=5, choices=[(one.value, one.value) for one in Answer])
    code = models.CharField(max_length=24, help_text="The rule that decided")
    findings = models.JSONField(default=list, help_text="Every rule that spoke, the first decided")
    inputs = models.JSONField(default=dict)
    pack_version = models.CharField(max_length=60, blank=True, default="")
    until = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    evaluated_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was given to the carrier, if it was"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-evaluated_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-evaluated_at"], name="decision_by_time"),
            models.Index(fields=["thread_ref"], name="decision_by_thread"),
            models.Index(
                fields=["message_ref"], name="decision_by_message", condition=~Q(message_ref="")
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(dispatched_at=None) | Q(answer=Answer.ALLOW.value, stage="sent"),
                name="only_what_was_allowed_was_sent",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unalterable(name="gate_decision_never_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.evaluated_at:%Y-%m-%d %H:%M}"


class AccountKeyword(models.Model):
    """A word that an account made a keyword of its own, or switched off, in one place.

    A place is a language, a country, or both; blank stands for every one. `form` is what of the
    word is compared: in one place a form asks for one thing. `slot` numbers the words of an action
    in a place: there are 20.
    """

    class Action(models.TextChoices):
        OPT_OUT = "opt_out", _("Opts out")
        OPT_IN = "opt_in", _("Opts in")
        HELP = "help", _("Asks for help")
        NONE = "none", _("Switched off")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=8, choices=Action.choices)
    word = models.CharField(max_length=34)
    form = models.CharField(max_length=LONGEST_FORM)
    language = models.CharField(max_length=3, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    slot = models.PositiveSmallIntegerField()
    added_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    added_at = models.DateTimeField()

    class Meta:
        verbose_name = "own keyword"
        ordering: ClassVar[list[str]] = ["action", "language", "country", "slot"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "form", "language", "country"],
                name="a_word_asks_for_one_thing_in_a_place",
            ),
            models.UniqueConstraint(
                fields=["account", "action", "language", "country", "slot"],
                name="one_keyword_per_slot",
            ),
            models.CheckConstraint(
                condition=Q(slot__gte=1, slot__lte=MOST), name="twenty_keywords_at_most"
            ),
            models.CheckConstraint(
                condition=Q(action__in=["opt_out", "opt_in", "help", "none"]),
                name="a_keyword_has_an_action",
            ),
            models.CheckConstraint(condition=~Q(form="") & ~Q(word=""), name="a_keyword_is_a_word"),
            models.CheckConstraint(
                condition=Q(language="") | Q(language__regex=r"^[a-z]{2,3}$"),
                name="a_keyword_names_a_language",
            ),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$"),
                name="a_keyword_names_a_country",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.word}: {self.get_action_display()}"

    @property
    def value(self) -> OwnKeyword:
        """Return what it says."""
        return OwnKeyword(self.action, self.word, self.language, self.country)


class ProviderBlock(models.Model):
    """The carrier refuses messages from one of our addresses to one of theirs (21610)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    our_address = models.CharField(max_length=120)
    address = models.CharField(max_length=120)
    since = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "our_address", "address"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_standing_provider_block",
            ),
        ]

    def __str__(self) -> str:
        return f"blocked since {self.since:%Y-%m-%d}"
