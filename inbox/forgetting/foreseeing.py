"""What would go if an account kept things for so long? Counts by kind and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count
from django.db.models.functions import TruncMonth

from accounts.models import Account
from inbox.forgetting.batches import LEFT, Old
from inbox.forgetting.holds import Held, held_in
from inbox.forgetting.kinds import KINDS, PROOF, Kind, cutoff, floors_of, kept_for
from inbox.forgetting.settling import Lengths
from inbox.models import RetentionPolicy


@dataclass(frozen=True)
class Foreseen:
    """Of one kind: what goes at the next run, by the month (in UTC) in which it was made.

    `held` is how many of them stay because of a legal hold.
    """

    kind: Kind
    before: datetime
    months: Sequence[tuple[datetime, int]]
    held: int = 0

    @property
    def is_at_most(self) -> bool:
        """Say whether some may stay: what proof is relied on is seen when it is due."""
        return self.kind is PROOF

    @property
    def total(self) -> int:
        """Return how many go."""
        return sum(number for _month, number in self.months)


def foresee(account: Account, lengths: Lengths, *, now: datetime) -> list[Foreseen]:
    """Return what would go by these lengths, the kinds that anything ends for. Nothing is changed.

    Two questions for each kind at most, answered from indexes.
    """
    floors, held = floors_of(account.pk), held_in(account.pk)
    asked = RetentionPolicy(account=account, next_at=now, **lengths)
    found = []
    for kind in KINDS:
        length = kept_for(kind, asked, floors[kind.name])
        if length is not None:
            found.append(_of(kind, account, cutoff(kind, length, now), held, now))
    return found


def _of(kind: Kind, account: Account, before: datetime, held: Held, now: datetime) -> Foreseen:
    left, at = LEFT[kind.name]
    rows = left(Old(account.pk, before, held, now)).order_by()
    by_month = rows.annotate(month=TruncMonth(at, tzinfo=UTC)).values("month")
    months = by_month.annotate(number=Count("pk")).order_by("month")
    found = [(row["month"], row["number"]) for row in months]
    spared = 0
    if held != Held():
        everything = left(Old(account.pk, before, Held(), now)).count()
        spared = everything - sum(number for _month, number in found)
    return Foreseen(kind, before, found, spared)
