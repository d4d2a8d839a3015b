"""Which rows hold at a moment, and how does PostgreSQL keep them from overlapping?"""

from datetime import datetime

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Func


def in_force(now: datetime, prefix: str = "") -> models.Q:
    """Match rows that hold at `now`: from `starts_at` until just before `ends_at`."""
    return models.Q(**{f"{prefix}starts_at__lte": now}) & (
        models.Q(**{f"{prefix}ends_at__isnull": True}) | models.Q(**{f"{prefix}ends_at__gt": now})
    )


def sharing_time(starts_at: datetime, ends_at: datetime | None) -> models.Q:
    """Match rows whose time has a moment in common with this one; an empty time has none."""
    until_it_ends = models.Q(starts_at__lt=ends_at) if ends_at else models.Q()
    is_empty = models.Q(ends_at__isnull=False, ends_at__lte=models.F("starts_at"))
    still_holds = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=starts_at)
    return until_it_ends & still_holds & ~is_empty


class Span(Func):
    """The time of a row as PostgreSQL's range, from `starts_at` until just before `ends_at`."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()
