"""What may disturb somebody, when, and how?"""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from inbox.models.inbox import TeamInbox


class Attention(models.Model):
    """How one person wants to be told of what concerns them; nobody has a row who never chose.

    Quiet hours are times of day in the person's own zone; they may pass midnight. `digested_at`:
    of what came before that no letter is owed any more.
    """

    class Tone(models.TextChoices):
        CHIME = "chime", _("Chime")
        BELL = "bell", _("Bell")
        KNOCK = "knock", _("Knock")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="attention")
    has_sound = models.BooleanField(default=False)
    repeats_sound = models.BooleanField(
        default=False, help_text=_("Every half minute, until what came is read")
    )
    volume = models.PositiveSmallIntegerField(
        default=50, validators=[MaxValueValidator(100)], help_text=_("Of 100")
    )
    tone = models.CharField(max_length=5, choices=Tone.choices, default=Tone.CHIME)
    only_mine = models.BooleanField(
        default=False, help_text=_("Not what waits for anybody of the team")
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, blank=True, help_text=_("Blank: the account's"))
    shows_words = models.BooleanField(
        default=False, help_text=_("Names and texts stand in push notifications and letters")
    )
    digest_after = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Minutes unread until a letter; blank: none")
    )
    digested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["user__name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_begin_and_end",
            ),
            models.CheckConstraint(condition=Q(volume__lte=100), name="a_volume_is_of_a_hundred"),
        ]

    def __str__(self) -> str:
        return f"Attention of {self.user}"


class InboxAttention(models.Model):
    """Of what one person wants to be told in one inbox; without a row, of everything."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="inbox_attention")
    inbox = models.ForeignKey(TeamInbox, on_delete=models.CASCADE, related_name="+")
    hears_new = models.BooleanField(default=True, help_text=_("What waits for anybody of the team"))
    hears_mine = models.BooleanField(
        default=True, help_text=_("Answers to them, what they are given")
    )
    hears_mentions = models.BooleanField(default=True)
    hears_promises = models.BooleanField(default=True, help_text=_("Promises that are due"))
    hears_waiting = models.BooleanField(default=True, help_text=_("Customers who wait too long"))

    class Meta:
        ordering: ClassVar[list[str]] = ["user__name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "inbox"], name="one_choice_per_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.inbox}"
