"""Which packs of rules came, and what did accounts settle for themselves?"""

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.ledgers import (
    LedgerImmutableError,
    LedgerQuerySet,
    NeverEmptied,
    Unalterable,
    Unchangeable,
    Undeletable,
)
from accounts.models import Account, User
from compliance.evidence import OptOutScope
from compliance.judging import Answer
from compliance.stricter import LONGEST_VALUE, Column


class JurisdictionPack(models.Model):
    """A pack that somebody installed, or tried to. What it says is never changed.

    The one that comes with the product is no row: see `compliance.in_force`.
    """

    class State(models.TextChoices):
        IN_FORCE = "in_force", _("In force")
        REPLACED = "replaced", _("Replaced")
        REFUSED = "refused", _("Refused")

    version = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices)
    content = models.TextField(help_text="The file, as it came")
    sha256 = models.CharField(max_length=64)
    signer = models.CharField(max_length=16, blank=True, default="", help_text="The id of the key")
    problems = models.JSONField(default=list, blank=True)
    file_name = models.CharField(max_length=120, blank=True, default="")
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "jurisdiction pack"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state="in_force"),
                name="one_jurisdiction_pack_in_force",
            ),
            models.UniqueConstraint(
                fields=["version"],
                condition=~Q(state="refused"),
                name="one_installed_pack_per_version",
            ),
            models.CheckConstraint(
                condition=Q(state="refused") | Q(problems=[]),
                name="an_installed_pack_has_no_problems",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Undeletable(name="packs_are_kept"),
            Unalterable(
                name="packs_say_what_they_said",
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "version", "content", "sha256", "signer", "received_at"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.version or f"unreadable, {self.received_at:%Y-%m-%d %H:%M}"


class OverrideQuerySet(LedgerQuerySet["RuleOverride"]):
    """Overrides, to be asked for what holds now."""

    def current(self) -> "models.QuerySet[RuleOverride]":
        """Return the newest of each column of each row of each account."""
        newest = self.order_by("account_id", "code", "column", "-number")
        return newest.distinct("account_id", "code", "column")


class RuleOverride(models.Model):
    """What an account settled for one column of one row. Never edited: the next one replaces it.

    `value` is blank where the account went back to the rule of the row.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    code = models.CharField("row", max_length=8)
    column = models.CharField(
        max_length=24,
        choices=[
            (Column.PROMOTION.value, "Hours for offers"),
            (Column.NOTIFICATION.value, "Hours for notifications"),
            (Column.CONSENT.value, "Least consent for offers"),
            (Column.MOST_A_DAY.value, "Most unasked messages in 24 hours"),
            (Column.EVIDENCE_YEARS.value, "Years that proof of consent is kept"),
            (Column.OPT_OUT_YEARS.value, "Years that opt-outs are kept"),
        ],
    )
    number = models.PositiveIntegerField(help_text="1 for the first of this column")
    value = models.CharField(max_length=LONGEST_VALUE, blank=True, default="")
    of_value = models.CharField(
        "the row said", max_length=LONGEST_VALUE * 10, blank=True, default=""
    )
    is_looser = models.BooleanField("looser than the row", default=False)
    pack_version = models.CharField(max_length=40)
    reason = models.CharField(max_length=500, blank=True, default="")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    objects = OverrideQuerySet.as_manager()

    class Meta:
        verbose_name = "rule of its own"
        verbose_name_plural = "rules of their own"
        permissions: ClassVar[tuple[tuple[str, str], ...]] = (
            ("sign_looser_rules", "Signs rules that are looser than a pack (compliance officer)"),
        )
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "code", "column", "number"],
                name="one_override_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(is_looser=False) | (~Q(reason="") & ~Q(value="")),
                name="what_is_looser_has_a_reason",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unchangeable(name="overrides_are_append_only"),
            NeverEmptied(name="overrides_are_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.code}, {self.get_column_display()}: {self.value or 'as the row'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises LedgerImmutableError for one that is there."""
        if not self._state.adding:
            raise LedgerImmutableError
        super().save(*args, **kwargs)


_REPLIES = [
    (Answer.ASK.value, _("Ask the person who answers")),
    (Answer.ALLOW.value, _("Let them answer, with a notice")),
    (Answer.BLOCK.value, _("Never")),
]


class CompliancePolicy(models.Model):
    """What an account settled for all its messages, beside the rows of countries."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    reply_after_opt_out_sms = models.CharField(
        "Replies after an opt-out, by SMS and MMS",
        max_length=5,
        choices=_REPLIES,
        default=Answer.ASK.value,
    )
    reply_after_opt_out_whatsapp = models.CharField(
        "Replies after an opt-out, by WhatsApp",
        max_length=5,
        choices=_REPLIES,
        default=Answer.ALLOW.value,
    )
    open_days = models.PositiveSmallIntegerField("Days open for replies", default=30)
    reply_free_hours = models.PositiveSmallIntegerField(
        "Hours in which a reply may go at any time", default=24, db_default=24
    )
    reply_window = models.CharField(
        "Hours for later replies", max_length=LONGEST_VALUE, default="any", db_default="any"
    )
    notification_window = models.CharField(
        "Hours for notifications", max_length=LONGEST_VALUE, default="any"
    )
    promotion_window = models.CharField("Hours for offers", max_length=LONGEST_VALUE, default="any")
    most_a_day = models.PositiveSmallIntegerField(
        "Most unasked messages in 24 hours", null=True, blank=True
    )
    confirms_opt_ins = models.BooleanField(
        "Ask people to confirm an opt-in (double opt-in)", default=False, db_default=False
    )
    approves_opt_ins = models.BooleanField(
        "A second person approves an opt-in for somebody who opted out",
        default=False,
        db_default=False,
    )
    opt_out_scope = models.CharField(
        "An opt-out counts for",
        max_length=6,
        choices=OptOutScope.choices,
        default=OptOutScope.FAMILY,
        db_default=OptOutScope.FAMILY.value,
    )
    scope_since = models.DateTimeField(null=True, blank=True)
    clarifies_opt_outs = models.BooleanField(
        "Ask after an opt-out which programme they keep", default=False, db_default=False
    )
    programmes = models.JSONField(
        default=list, db_default=[], blank=True, help_text="[{code, name}], the first is number 1"
    )
    asking_texts = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="{confirm: {es: …}, clarify: {es: …}}"
    )
    version = models.PositiveIntegerField(default=0)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "compliance policy"
        verbose_name_plural = "compliance policies"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(open_days__gte=1, open_days__lte=365),
                name="conversations_are_open_for_1_to_365_days",
            ),
            models.CheckConstraint(
                condition=Q(reply_free_hours__lte=720),
                name="replies_are_free_for_at_most_720_hours",
            ),
            models.CheckConstraint(
                condition=Q(most_a_day=None) | Q(most_a_day__gte=1, most_a_day__lte=999),
                name="most_a_day_is_1_to_999",
            ),
            models.CheckConstraint(
                condition=Q(
                    reply_after_opt_out_sms__in=["ask", "allow", "block"],
                    reply_after_opt_out_whatsapp__in=["ask", "allow", "block"],
                ),
                name="replies_after_an_opt_out_are_known",
            ),
            models.CheckConstraint(
                condition=Q(opt_out_scope__in=["family", "every"]),
                name="the_scope_of_an_opt_out_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"policy of {self.account}"
