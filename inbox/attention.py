"""What does somebody want to be told of, when, and how loudly?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from inbox.models import Attention, InboxAttention, TeamInbox
from inbox.refusals import RefusedError

# After how many minutes unread a letter comes.
DIGESTS = (15, 30, 60, 240)
LONGEST_REMINDING = timedelta(hours=8)


class Sort(StrEnum):
    """What somebody can be told of, as they choose it."""

    NEW = "new"
    MINE = "mine"
    MENTIONS = "mentions"
    PROMISES = "promises"
    WAITING = "waiting"


class AttentionRefusedError(RefusedError):
    """A choice cannot be kept; nothing was changed."""

    code = "attention_refused"
    status = 422


@dataclass(frozen=True)
class Taste:
    """One person's choices; those of who never chose are the defaults.

    `unwanted` are the kinds they switched off, by inbox id.
    """

    has_sound: bool = False
    repeats_sound: bool = False
    volume: int = 50
    tone: str = Attention.Tone.CHIME
    only_mine: bool = False
    quiet: tuple[time, time] | None = None
    time_zone: str = "UTC"
    shows_words: bool = False
    digest_after: int | None = None
    digested_at: datetime | None = None
    unwanted: Mapping[int, frozenset[Sort]] = field(default_factory=dict)

    def wants(self, sort: Sort, inbox_id: int, *, is_by_team: bool) -> bool:
        """Say whether they want to be told of this; `is_by_team`: it waits for anybody there."""
        if self.only_mine and is_by_team:
            return False
        return sort not in self.unwanted.get(inbox_id, frozenset())

    def is_quiet(self, now: datetime) -> bool:
        """Say whether their quiet hours are on."""
        if self.quiet is None:
            return False
        begins, ends = self.quiet
        at = now.astimezone(ZoneInfo(self.time_zone)).time()
        if begins <= ends:
            return begins <= at < ends
        return at >= begins or at < ends

    def repeats_until(self, now: datetime) -> datetime | None:
        """Return until when a sound that is heard now may be heard again; None: once is enough.

        Nobody is reminded for longer than they are at work, nor in their quiet hours.
        """
        if not (self.has_sound and self.repeats_sound):
            return None
        last = now + LONGEST_REMINDING
        if self.quiet is None:
            return last
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        days = (today, today + timedelta(days=1))
        begins = (datetime.combine(day, self.quiet[0], tzinfo=zone) for day in days)
        return min(last, *(at.astimezone(UTC) for at in begins if at > now))


DEFAULT = Taste()


def tastes_of(user_ids: Iterable[int]) -> dict[int, Taste]:
    """Return the choices of those who made some, in two queries for any number."""
    users = list(user_ids)
    unwanted: dict[int, dict[int, frozenset[Sort]]] = {}
    for row in InboxAttention.objects.filter(user__in=users):
        unwanted.setdefault(row.user_id, {})[row.inbox_id] = _unwanted_in(row)
    found = {
        row.user_id: taste_in(row, row.account.time_zone, unwanted.pop(row.user_id, {}))
        for row in Attention.objects.filter(user__in=users).select_related("account")
    }
    found |= {user_id: Taste(unwanted=by_inbox) for user_id, by_inbox in unwanted.items()}
    return found


def taste_in(
    row: Attention, zone: str, unwanted: Mapping[int, frozenset[Sort]] | None = None
) -> Taste:
    """Read a row; `zone` is the account's, `unwanted` as in `Taste`."""
    quiet = (row.quiet_from, row.quiet_until)
    return Taste(
        has_sound=row.has_sound,
        repeats_sound=row.repeats_sound,
        volume=row.volume,
        tone=row.tone,
        only_mine=row.only_mine,
        quiet=(quiet[0], quiet[1]) if quiet[0] is not None and quiet[1] is not None else None,
        time_zone=_known(row.time_zone) or _known(zone) or "UTC",
        shows_words=row.shows_words,
        digest_after=row.digest_after,
        digested_at=row.digested_at,
        unwanted=unwanted or {},
    )


def _known(zone: str) -> str:
    return zone if zone in available_timezones() else ""


def _unwanted_in(row: InboxAttention) -> frozenset[Sort]:
    heard = {
        Sort.NEW: row.hears_new,
        Sort.MINE: row.hears_mine,
        Sort.MENTIONS: row.hears_mentions,
        Sort.PROMISES: row.hears_promises,
        Sort.WAITING: row.hears_waiting,
    }
    return frozenset(sort for sort, is_wanted in heard.items() if not is_wanted)


def attention_of(user: User) -> Attention:
    """Return a person's row, or a fresh one that is not saved."""
    assert user.account_id is not None, "only people of an account are told of anything"
    row = Attention.objects.filter(user=user).first()
    return row or Attention(user=user, account_id=user.account_id)


def save_attention(
    row: Attention, wanted: Mapping[TeamInbox, frozenset[Sort]], *, now: datetime
) -> None:
    """Keep what a person chose, for themselves and for each of these inboxes.

    A letter that is switched on tells of what comes from now on. Raises AttentionRefusedError for
    quiet hours that have no end, or last no time.
    """
    check_quiet(row.quiet_from, row.quiet_until)
    with transaction.atomic(durable=True):
        before = Attention.objects.select_for_update().filter(user=row.user_id).first()
        row.pk = before.pk if before else None
        was_on = before is not None and before.digest_after is not None
        if row.digest_after is None:
            row.digested_at = None
        else:
            row.digested_at = before.digested_at if before and was_on else now
        _save(row, is_new=before is None)
        for inbox, sorts in wanted.items():
            InboxAttention.objects.update_or_create(
                user_id=row.user_id,
                inbox=inbox,
                defaults={"account_id": inbox.account_id, **_columns(sorts)},
            )


def _save(row: Attention, *, is_new: bool) -> None:
    if not is_new:
        row.save()
        return
    values: dict[str, Any] = {
        one.attname: getattr(row, one.attname)
        for one in Attention._meta.concrete_fields
        if not one.primary_key and one.attname != "user_id"
    }
    # Two tabs that save for the first time at one moment: the later one stays.
    Attention.objects.update_or_create(user_id=row.user_id, defaults=values)


def _columns(sorts: frozenset[Sort]) -> dict[str, bool]:
    return {f"hears_{sort}": sort in sorts for sort in Sort}


def check_quiet(begins: time | None, ends: time | None) -> None:
    """Raise AttentionRefusedError for quiet hours that have no end, or last no time."""
    if (begins is None) != (ends is None):
        raise AttentionRefusedError(_("Quiet hours need a beginning and an end."))
    if begins is not None and begins == ends:
        words = _("Quiet hours that end when they begin last no time. Leave both empty for none.")
        raise AttentionRefusedError(words)


def stop_letters(user_id: int) -> None:
    """Send a person no more letters about what they have not read."""
    Attention.objects.filter(user=user_id).update(digest_after=None, digested_at=None)
