"""What ends soon, what has ended, and who was told?

A sweep asks every few seconds. What it finds becomes a row that says so, which is why each warning
comes once, however often and in how many processes it is asked.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts import audit
from accounts.languages import by_language
from accounts.models import Account, ExpiryNotice, FeatureGrant, License, LicensePool, User
from accounts.seats import local_words

logger = logging.getLogger(__name__)

WARNINGS = (30, 7, 1)
ENDED = 0
# What ended longer ago, before anybody looked, is no news.
NEWS_FOR = timedelta(days=7)
MAIL_AGAIN_AFTER = timedelta(minutes=5)
AT_ONCE = 200


@dataclass(frozen=True)
class Ending:
    """Something of an account that ends, and how its end is told."""

    account: Account
    what: str
    row: FeatureGrant | LicensePool | License
    ends_at: datetime
    words: str

    @property
    def subject(self) -> str:
        """Name it for the audit log."""
        return str(self.row)


def note_expiries(*, now: datetime) -> int:
    """Write down what ends in 30, 7 or 1 days and what has ended; return how much was new.

    Of an end that is near already when it is set, the nearest warning alone is given.
    """
    return sum(
        _note(ending, days, now=now)
        for find in (_grants, _pools, _licenses)
        for ending, days in find(now)
    )


def mail_notices(*, now: datetime) -> int:
    """Send what was noted to the admins of the account and its partner's people.

    One letter per account. A row is marked before its letter leaves, so that nobody gets it twice;
    what the mail server refuses is tried again later.
    """
    claimed = _claim(now)
    sent = 0
    for account, notices in groupby(claimed, key=lambda notice: notice.account):
        sent += _mail(account, list(notices), now=now)
    return sent


def ending_soon(accounts: "QuerySet[Account]", *, now: datetime) -> list[Ending]:
    """Return what ends within the first warning for these accounts, the nearest first."""
    until = now + timedelta(days=max(WARNINGS))
    ours = Q(account__in=accounts, ends_at__gt=now, ends_at__lte=until)
    found = [
        *(_of_grant(row) for row in _without_successor(FeatureGrant.objects.filter(ours))),
        *(_of_pool(row) for row in LicensePool.objects.filter(ours).select_related("account")),
        *(
            _of_license(row)
            for row in _with_their_own_end(
                License.objects.filter(
                    pool__account__in=accounts, ends_at__gt=now, ends_at__lte=until
                )
            )
        ),
    ]
    return sorted(found, key=lambda ending: ending.ends_at)


# --- What ends ------------------------------------------------------------------------------------


def _grants(now: datetime) -> Iterator[tuple[Ending, int]]:
    rows = _without_successor(FeatureGrant.objects.filter(ended_by=None))
    for row, days in _untold(rows, "grant", now):
        yield _of_grant(row, has_ended=days == ENDED), days


def _pools(now: datetime) -> Iterator[tuple[Ending, int]]:
    rows = LicensePool.objects.filter(ended_by=None).select_related("account")
    for row, days in _untold(rows, "pool", now):
        yield _of_pool(row, has_ended=days == ENDED), days


def _licenses(now: datetime) -> Iterator[tuple[Ending, int]]:
    rows = _with_their_own_end(License.objects.filter(ended_by=None))
    for row, days in _untold(rows, "license", now):
        yield _of_license(row, has_ended=days == ENDED), days


def _without_successor(rows: "QuerySet[FeatureGrant]") -> "QuerySet[FeatureGrant]":
    """Leave out what goes on without a gap by another grant."""
    next_one = FeatureGrant.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
        account=OuterRef("account"),
        feature=OuterRef("feature"),
        starts_at=OuterRef("ends_at"),
    )
    return rows.exclude(Exists(next_one)).select_related("account")


def _with_their_own_end(rows: "QuerySet[License]") -> "QuerySet[License]":
    """Leave out what ends with its pool, which is told of the pool."""
    with_pool = Q(pool__ends_at__isnull=False, ends_at=F("pool__ends_at"))
    return rows.exclude(with_pool).select_related("pool__account", "holder")


def _untold(rows: "QuerySet[Any]", what: str, now: datetime) -> Iterator[tuple[Any, int]]:
    told = (
        ExpiryNotice.objects.filter(**{what: OuterRef("pk")}, ends_at=OuterRef("ends_at"))
        .order_by()
        .values(what)
        .annotate(least=Min("days"))
        .values("least")
    )
    last = now + timedelta(days=max(WARNINGS))
    near = rows.filter(ends_at__gt=now - NEWS_FOR, ends_at__lte=last).exclude(
        ends_at=F("starts_at")
    )
    for row in near.annotate(told=Subquery(told)).order_by("ends_at", "pk"):
        days = _stage(row, now)
        if days is not None and (row.told is None or row.told > days):
            yield row, days


def _stage(row: FeatureGrant | LicensePool | License, now: datetime) -> int | None:
    assert row.ends_at is not None
    if row.ends_at <= now:
        return ENDED
    days = min(days for days in WARNINGS if row.ends_at - now <= timedelta(days=days))
    # What is short by intention is not warned of on its first day.
    return days if row.starts_at <= row.ends_at - timedelta(days=days) else None


def _of_grant(row: FeatureGrant, *, has_ended: bool = False) -> Ending:
    assert row.ends_at is not None
    told = {
        "what": row.get_feature_display(),
        "when": local_words(row.ends_at, row.account.time_zone),
    }
    words = _("%(what)s ended on %(when)s.") if has_ended else _("%(what)s ends on %(when)s.")
    return Ending(row.account, "grant", row, row.ends_at, words % told)


def _of_pool(row: LicensePool, *, has_ended: bool = False) -> Ending:
    assert row.ends_at is not None
    told = {
        "seats": row.seats,
        "plan": row.get_plan_display(),
        "when": local_words(row.ends_at, row.account.time_zone),
    }
    if has_ended:
        words = ngettext(
            "%(seats)d %(plan)s seat ended on %(when)s.",
            "%(seats)d %(plan)s seats ended on %(when)s.",
            row.seats,
        )
    else:
        words = ngettext(
            "%(seats)d %(plan)s seat ends on %(when)s.",
            "%(seats)d %(plan)s seats end on %(when)s.",
            row.seats,
        )
    return Ending(row.account, "pool", row, row.ends_at, words % told)


def _of_license(row: License, *, has_ended: bool = False) -> Ending:
    assert row.ends_at is not None
    account = row.pool.account
    told = {"who": row.holder.name, "when": local_words(row.ends_at, account.time_zone)}
    words = (
        _("The licence of %(who)s ended on %(when)s.")
        if has_ended
        else _("The licence of %(who)s ends on %(when)s.")
    )
    return Ending(account, "license", row, row.ends_at, words % told)


# --- Who is told ----------------------------------------------------------------------------------


def _note(ending: Ending, days: int, *, now: datetime) -> bool:
    with transaction.atomic():
        _notice, is_new = ExpiryNotice.objects.get_or_create(
            **{ending.what: ending.row},
            ends_at=ending.ends_at,
            days=days,
            defaults={
                "account": ending.account,
                "words": ending.words,
                "noted_at": now,
                "mail_at": now,
            },
        )
        if is_new:
            _audit(ending, days, now=now)
    return is_new


def _audit(ending: Ending, days: int, *, now: datetime) -> None:
    told: dict[str, Any] = {
        "subject": ending.subject,
        "account_id": ending.account.pk,
        "now": now,
        "row": str(ending.row.pk),
        "words": ending.words,
    }
    if days == ENDED:
        audit.alarm(action=f"{ending.what}_expired", **told)
    else:
        audit.record(action=f"{ending.what}_expiry_warned", days=days, **told)


def _claim(now: datetime) -> list[ExpiryNotice]:
    with transaction.atomic():
        due = ExpiryNotice.objects.filter(mailed_at=None, mail_at__lte=now)
        rows = list(
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("account__partner")
            .order_by("account", "ends_at", "pk")[:AT_ONCE]
        )
        ExpiryNotice.objects.filter(pk__in=[row.pk for row in rows]).update(mailed_at=now)
    return rows


def _mail(account: Account, notices: Iterable[ExpiryNotice], *, now: datetime) -> int:
    told = list(notices)
    letters = [
        _letter(account, told, language, readers)
        for language, readers in by_language(_readers(account))
    ]
    try:
        return sum(int(letter.send()) for letter in letters)
    except OSError:
        logger.exception("mail: an expiry of account %s was not sent; again later", account.pk)
        ExpiryNotice.objects.filter(pk__in=[notice.pk for notice in told]).update(
            mailed_at=None, mail_at=now + MAIL_AGAIN_AFTER
        )
        return 0


def _letter(
    account: Account, notices: list[ExpiryNotice], language: str, readers: list[User]
) -> EmailMessage:
    """Write one letter; partners are not shown to the people of an account."""
    context = {"account": account, "notices": notices}
    with override(language):
        subject = render_to_string("mail/expiry_subject.txt", context)
        body = render_to_string("mail/expiry.txt", context)
    partners = [user.email for user in readers if user.role == User.Role.PARTNER]
    admins = [user.email for user in readers if user.role != User.Role.PARTNER]
    return EmailMessage(
        # One line, whatever an account is called.
        subject=" ".join(subject.split()),
        body=body,
        to=admins or partners,
        bcc=partners if admins else [],
    )


def _readers(account: Account) -> list[User]:
    admins = Q(account=account, role=User.Role.ACCOUNT_ADMIN)
    partners = Q(partner=account.partner_id, role=User.Role.PARTNER)
    return list(User.objects.filter(admins | partners, is_active=True).order_by("pk"))
