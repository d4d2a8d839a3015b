"""Which rows does routing own? Hours and policies here, rules in `rulebook_models`.

Who is asked outside stands in `lookup_models`.
"""

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower

from accounts.models import Account
from routing import hours as pure
from routing.escalation import Policy
from routing.example_models import RuleExample as RuleExample
from routing.hours import MINUTES_OF_DAY, Opening, Week
from routing.lookup_models import CrmConnector as CrmConnector
from routing.lookup_models import CrmRow as CrmRow
from routing.lookup_models import CrmTable as CrmTable
from routing.lookup_models import DataAction as DataAction
from routing.policy_documents import PolicyError, read_policy
from routing.rulebook_models import Rulebook as Rulebook
from routing.rulebook_models import RulebookVersion as RulebookVersion
from routing.rulebook_models import Turn as Turn

_WEEK = 7 * MINUTES_OF_DAY
# Longer than a week and a day: how far the numbers of two calendars lie apart in the constraint.
_STRETCH = 4 * _WEEK


def _minutes(shift: int) -> Func:
    """Return the SQL of weekly hours as minutes of their own stretch of the number line."""
    base = F("hours_id") * _STRETCH + F("weekday") * MINUTES_OF_DAY + shift
    return Func(base + F("starts"), base + F("ends"), function="int8range")


class BusinessHoursQuerySet(models.QuerySet["BusinessHours"]):
    """How business hours are asked for."""

    def with_days(self) -> "BusinessHoursQuerySet":
        """Bring along what `calendar()` needs, in three questions however many there are."""
        return self.prefetch_related(
            models.Prefetch("openings", OpeningHours.objects.filter(weekday__isnull=False)),
            "special_days__openings",
        )


class BusinessHours(models.Model):
    """A calendar of an account: when its inboxes that use it are open."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="business_hours")
    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=64)
    country = models.CharField(
        max_length=2, blank=True, default="", help_text="Whose public holidays are kept; or none's"
    )
    region = models.CharField(max_length=40, blank=True, default="")
    ignored_holidays = ArrayField(
        models.CharField(max_length=200),
        blank=True,
        default=list,
        help_text="Names of holidays on which work goes on as usual",
    )
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = BusinessHoursQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "business hours"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("account", Lower("name"), name="hours_name_once_per_account"),
            models.CheckConstraint(
                condition=~Q(country="") | Q(region=""), name="hours_region_is_of_a_country"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def calendar(self) -> pure.Calendar:
        """Return the hours as a value that answers when we are open."""
        return pure.Calendar(
            zone=self.time_zone,
            week=self.week(),
            country=self.country,
            region=self.region,
            ignored_holidays=frozenset(self.ignored_holidays),
            special_days=tuple(day.value() for day in self.special_days.all()),
        )

    def week(self) -> Week:
        """Return the hours of each day of the week, Monday first."""
        days: list[list[Opening]] = [[] for _ in range(7)]
        for row in self.openings.all():
            if row.weekday is not None:
                days[row.weekday].append(row.value())
        return tuple(tuple(sorted(openings)) for openings in days)


class SpecialDay(models.Model):
    """A date on which other hours hold, or on which it is closed."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    hours = models.ForeignKey(BusinessHours, on_delete=models.CASCADE, related_name="special_days")
    on = models.DateField()
    name = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["on"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["hours", "on"], name="special_day_once_per_date"),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.name}".strip()

    def value(self) -> pure.SpecialDay:
        """Return the day as a value."""
        openings = sorted(row.value() for row in self.openings.all())
        return pure.SpecialDay(self.on, self.name, tuple(openings))


class OpeningHours(models.Model):
    """From one minute to another: of a day of the week, or of a special day.

    Minutes count from midnight; more than 1440 is the next day. Constraints keep the hours of one
    calendar's week apart, also over midnight and from Sunday to Monday.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    hours = models.ForeignKey(BusinessHours, on_delete=models.CASCADE, related_name="openings")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Monday is 0")
    special_day = models.ForeignKey(
        SpecialDay, on_delete=models.CASCADE, null=True, blank=True, related_name="openings"
    )
    starts = models.PositiveSmallIntegerField()
    ends = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = "opening hours"
        ordering: ClassVar[list[str]] = ["weekday", "starts"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(weekday__isnull=False, weekday__lt=7, special_day__isnull=True)
                | Q(weekday__isnull=True, special_day__isnull=False),
                name="opening_is_weekly_or_special",
            ),
            models.CheckConstraint(
                condition=Q(starts__lt=MINUTES_OF_DAY)
                & Q(ends__gt=F("starts"), ends__lte=F("starts") + MINUTES_OF_DAY),
                name="opening_starts_in_its_day_and_lasts_up_to_a_day",
            ),
            ExclusionConstraint(
                name="weekly_openings_never_overlap",
                # A night from Sunday to Monday is looked at in both weeks.
                expressions=[
                    (
                        Func(_minutes(0), _minutes(-_WEEK), function="int8multirange"),
                        RangeOperators.OVERLAPS,
                    )
                ],
                condition=Q(weekday__isnull=False),
            ),
            ExclusionConstraint(
                name="special_openings_never_overlap",
                expressions=[
                    (
                        Func(
                            F("special_day_id") * _STRETCH + F("starts"),
                            F("special_day_id") * _STRETCH + F("ends"),
                            function="int8range",
                        ),
                        RangeOperators.OVERLAPS,
                    )
                ],
                condition=Q(special_day__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.value())

    def value(self) -> Opening:
        """Return the hours as a value."""
        return Opening(self.starts, self.ends)


class EscalationPolicy(models.Model):
    """Who gets help when a customer waits too long: the steps of an account's inboxes.

    A change counts for waits that begin after it: timers keep the steps they were made from.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="escalation_policies"
    )
    name = models.CharField(max_length=80)
    document = models.JSONField(help_text="The steps, in the form of routing.policy_documents")
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "escalation policies"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("account", Lower("name"), name="policy_name_once_per_account"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a document that is no policy, in words that name the step."""
        try:
            self.policy()
        except PolicyError as error:
            raise ValidationError({"document": error.reason}) from error

    def policy(self) -> Policy:
        """Return the policy as a value. Raises PolicyError if the document is none."""
        return read_policy(self.document)
