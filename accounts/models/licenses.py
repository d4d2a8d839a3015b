"""Which seats an account bought, and who holds them.

PostgreSQL itself keeps that no moment has more holders than seats, that a licence lies inside its
pool's time, that its holder belongs to the account that pays, and that nobody holds a plan twice.
"""

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from accounts.models.spans import Span
from accounts.models.tenants import Account

SEATS = "never_more_holders_than_seats"
INSIDE = "a_license_lies_inside_its_pool"
SAME_ACCOUNT = "a_holder_belongs_to_the_account_that_pays"
ONE_AT_A_TIME = "one_license_of_a_plan_at_a_time"
POOL_STAYS = "a_pool_with_licenses_keeps_account_and_plan"


def _refuse(name: str, words: str) -> str:
    return (
        f"RAISE EXCEPTION '{words}' USING ERRCODE = 'check_violation', "
        f"CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME;"
    )


# An empty licence was taken back before it began: it holds at no moment.
_HOLDS = "(held.ends_at IS NULL OR held.ends_at > held.starts_at)"
_COUNT_AT = f"""
    SELECT count(*) FROM accounts_license held
    WHERE held.pool_id = NEW.{{pool}} AND held.id IS DISTINCT FROM {{but}} AND {_HOLDS}
    AND held.starts_at <= moments.at AND (held.ends_at IS NULL OR held.ends_at > moments.at)
"""  # noqa: S608
# Whoever gives away seats of the same pool waits for the lock, and then sees what was given.
_LICENSE = f"""
    SELECT * INTO its_pool FROM accounts_licensepool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
    SELECT account_id INTO its_account FROM accounts_user WHERE id = NEW.holder_id
        FOR SHARE;
    NEW.plan := its_pool.plan;
    IF NEW.ends_at IS NULL THEN NEW.ends_at := its_pool.ends_at; END IF;
    IF its_account IS DISTINCT FROM its_pool.account_id THEN
        {_refuse(SAME_ACCOUNT, "the holder belongs to another account")}
    END IF;
    IF NEW.ends_at = NEW.starts_at THEN RETURN NEW; END IF;
    IF NEW.starts_at < its_pool.starts_at OR NEW.ends_at > its_pool.ends_at THEN
        {_refuse(INSIDE, "the licence sticks out of its pool")}
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.pool_id = OLD.pool_id AND tstzrange(NEW.starts_at, NEW.ends_at)
            <@ tstzrange(OLD.starts_at, OLD.ends_at) THEN RETURN NEW; END IF;
    END IF;
    IF EXISTS (
        SELECT 1 FROM (
            SELECT NEW.starts_at AS at
            UNION
            SELECT held.starts_at FROM accounts_license held
            WHERE held.pool_id = NEW.pool_id AND {_HOLDS} AND held.starts_at > NEW.starts_at
            AND (NEW.ends_at IS NULL OR held.starts_at < NEW.ends_at)
        ) moments WHERE ({_COUNT_AT.format(pool="pool_id", but="NEW.id")}) >= its_pool.seats
    ) THEN
        {_refuse(SEATS, "no seat is free at some moment")}
    END IF;
    RETURN NEW;
"""  # noqa: S608
_POOL = f"""
    IF (NEW.account_id, NEW.plan) IS DISTINCT FROM (OLD.account_id, OLD.plan)
        AND EXISTS (SELECT 1 FROM accounts_license held WHERE held.pool_id = NEW.id) THEN
        {_refuse(POOL_STAYS, "the pool has licences")}
    END IF;
    IF EXISTS (
        SELECT 1 FROM accounts_license held WHERE held.pool_id = NEW.id AND {_HOLDS}
        AND (held.starts_at < NEW.starts_at OR (NEW.ends_at IS NOT NULL
            AND (held.ends_at IS NULL OR held.ends_at > NEW.ends_at)))
    ) THEN
        {_refuse(INSIDE, "a licence would stick out of its pool")}
    END IF;
    IF NEW.seats < OLD.seats AND EXISTS (
        SELECT 1 FROM (
            SELECT DISTINCT held.starts_at AS at FROM accounts_license held
            WHERE held.pool_id = NEW.id AND {_HOLDS}
        ) moments WHERE ({_COUNT_AT.format(pool="id", but="NULL")}) > NEW.seats
    ) THEN
        {_refuse(SEATS, "more seats are held at some moment")}
    END IF;
    RETURN NEW;
"""  # noqa: S608


class LicensePool(models.Model):
    """Seats of one plan that an account has bought, for a period."""

    class Plan(models.TextChoices):
        PRO_CX = "pro_cx", _("Pro-CX")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="license_pools")
    plan = models.CharField(max_length=10, choices=Plan.choices, default=Plan.PRO_CX)
    seats = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="pool_ends_after_it_starts",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["ends_at"], name="pool_by_end", condition=Q(ends_at__isnull=False)
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.Trigger(
                name="pool_has_room_for_its_licenses",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func=_POOL,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seats} x {self.get_plan_display()} for {self.account}"

    def holds_at(self, now: datetime) -> bool:
        """Say whether the seats are paid for at `now`."""
        return self.starts_at <= now and (self.ends_at is None or self.ends_at > now)


class License(models.Model):
    """One seat of a pool, held by one person, for a period.

    `plan` is the pool's, and where nothing else is said so is the end: the database fills them in.
    It is ended, never deleted; one that is taken back before it began ends where it begins.
    """

    pool = models.ForeignKey(LicensePool, on_delete=models.CASCADE, related_name="licenses")
    plan = models.CharField(
        max_length=10,
        choices=LicensePool.Plan.choices,
        default=LicensePool.Plan.PRO_CX,
        db_default=LicensePool.Plan.PRO_CX.value,
        editable=False,
    )
    holder = models.ForeignKey(User, on_delete=models.CASCADE, related_name="licenses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="license_ends_after_it_starts",
            ),
            ExclusionConstraint(
                name=ONE_AT_A_TIME,
                expressions=[
                    ("holder", RangeOperators.EQUAL),
                    ("plan", RangeOperators.EQUAL),
                    (Span("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["holder", "starts_at"], name="license_by_holder"),
            models.Index(
                fields=["ends_at"], name="license_by_end", condition=Q(ends_at__isnull=False)
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.Trigger(
                name="license_fits_its_pool",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                declare=[("its_pool", "accounts_licensepool%ROWTYPE"), ("its_account", "bigint")],
                func=_LICENSE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool.get_plan_display()} of {self.holder}"

    def holds_at(self, now: datetime) -> bool:
        """Say whether the seat is held at `now`."""
        return self.starts_at <= now and (self.ends_at is None or self.ends_at > now)
