"""For how long does an account keep what it keeps, and how is that changed?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, User
from inbox.forgetting.kinds import KINDS, Floor, Kind, floors_of, kept_for, length_words
from inbox.models import RetentionPolicy
from inbox.setup.refusals import SetUpError

FIELDS = tuple(kind.field for kind in KINDS)
Lengths = Mapping[str, int | None]
# Few people work then, and few messages come.
NIGHT = time(2, 30)


class BelowFloorsError(Exception):
    """Something would be kept for a shorter time than it must; `problems` say so by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Setting:
    """One kind as it is settled and as it holds, with what the rules ask at least."""

    kind: Kind
    settled: int | None
    holds: int | None
    floor: Floor

    @property
    def words(self) -> str:
        """Say how long it is kept."""
        return length_words(self.kind, self.holds)

    @property
    def floor_words(self) -> str:
        """Say how long it is kept at least, and who says so."""
        words = _("At least %(length)s: %(who)s.")
        length = length_words(self.kind, self.floor.least)
        return words % {"length": length, "who": self.floor.words}


def policy_row(account: Account, *, now: datetime) -> RetentionPolicy:
    """Return an account's row, or one with what holds without, that is not saved."""
    row = RetentionPolicy.objects.filter(account=account).first()
    return row or RetentionPolicy(account=account, next_at=next_night(account, now))


def settings_of(account: Account, *, now: datetime) -> list[Setting]:
    """Return every kind with how long it is kept. Two queries."""
    row, floors = policy_row(account, now=now), floors_of(account.pk)
    return [
        Setting(
            kind,
            getattr(row, kind.field),
            kept_for(kind, row, floors[kind.name]),
            floors[kind.name],
        )
        for kind in KINDS
    ]


def check_lengths(account_id: int, lengths: Lengths) -> None:
    """Refuse what is shorter than the rules in force let it be. Raises BelowFloorsError."""
    floors, problems = floors_of(account_id), {}
    for kind in KINDS:
        length, floor = lengths[kind.field], floors[kind.name]
        if length is not None and length < floor.least:
            words = _("Not below %(least)s: %(who)s.")
            least = length_words(kind, floor.least)
            problems[kind.field] = words % {"least": least, "who": floor.words}
        elif length is not None and length > kind.most:
            words = _("At most %(most)s.")
            problems[kind.field] = words % {"most": length_words(kind, kind.most)}
    if problems:
        raise BelowFloorsError(problems)


def shorter(account: Account, lengths: Lengths, *, now: datetime) -> list[Kind]:
    """Return the kinds that would be kept for a shorter time than they are."""
    row, floors = policy_row(account, now=now), floors_of(account.pk)
    asked = RetentionPolicy(account=account, next_at=now, **lengths)
    found = []
    for kind in KINDS:
        before = kept_for(kind, row, floors[kind.name])
        after = kept_for(kind, asked, floors[kind.name])
        if after is not None and (before is None or after < before):
            found.append(kind)
    return found


def settle(
    *, account: Account, lengths: Lengths, version: int, by: User, now: datetime
) -> RetentionPolicy:
    """Change for how long an account keeps things; tonight's run goes by it.

    Raises BelowFloorsError, and SetUpError when somebody else saved meanwhile.
    """
    check_lengths(account.pk, lengths)
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = policy_row(account, now=now)
        if row.version != version:
            words = _("Somebody else changed this after you opened the page. Look at it again.")
            raise SetUpError(words)
        before = audit.snapshot(row, FIELDS)
        for field, length in lengths.items():
            setattr(row, field, length)
        changes = audit.changes(before, audit.snapshot(row, FIELDS))
        if not changes:
            return row
        row.version, row.changed_by, row.changed_at = row.version + 1, by, now
        row.save()
        audit.record(
            action="retention_changed",
            subject=account.name,
            now=now,
            actor=by,
            account_id=account.pk,
            row=str(row.pk),
            changes=changes,
        )
    return row


def next_night(account: Account, now: datetime) -> datetime:
    """Return when it is next half past two at night where the account is."""
    try:
        zone = ZoneInfo(account.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = now.astimezone(zone)
    tonight = local.replace(hour=NIGHT.hour, minute=NIGHT.minute, second=0, microsecond=0)
    # By the day, not by 24 hours: nights on which clocks change are nights too.
    return (tonight if tonight > local else _tomorrow(tonight)).astimezone(UTC)


def _tomorrow(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), at.timetz())
