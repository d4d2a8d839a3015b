"""Which rows hold at a moment?"""

from datetime import datetime

from django.db import models


def in_force(now: datetime, prefix: str = "") -> models.Q:
    """Match rows that hold at `now`: from `starts_at` until just before `ends_at`."""
    return models.Q(**{f"{prefix}starts_at__lte": now}) & (
        models.Q(**{f"{prefix}ends_at__isnull": True}) | models.Q(**{f"{prefix}ends_at__gt": now})
    )
