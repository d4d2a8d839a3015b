"""How often did each rule act lately, when last, and did it break?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Func, Max

from inbox.models import RoutingTrace

DAYS = 30


@dataclass(frozen=True)
class Ran:
    """What a rule decided in the last days; `errors` counts the times it could not be asked."""

    times: int = 0
    last_at: datetime | None = None
    errors: int = 0


def runs_of(
    rules: Collection[str], *, inboxes: Collection[int], now: datetime
) -> Mapping[str, Ran]:
    """Count the decisions of these rules in these inboxes, in two questions for all of them."""
    rows = RoutingTrace.objects.filter(inbox__in=inboxes, at__gte=now - timedelta(days=DAYS))
    ran = {
        rule: (times, last_at)
        for rule, times, last_at in rows.filter(rule__in=rules)
        .order_by()
        .values_list("rule")
        .annotate(times=Count("pk"), last_at=Max("at"))
    }
    one = Func(F("broken"), function="unnest")
    errors = dict(
        rows.exclude(broken=[])
        .order_by()
        .annotate(one=one)
        .values_list("one")
        .annotate(times=Count("pk"))
    )
    return {rule: Ran(*ran.get(rule, (0, None)), errors.get(rule, 0)) for rule in rules}
