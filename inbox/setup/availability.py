"""Who works when? Plans, and how people's availability follows them.

A plan is a calendar of the account. When it opens they are available, when it closes they are away;
in between holds what they set by hand.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.models import AvailabilityPlan
from inbox.setup.refusals import SetUpError
from routing.models import BusinessHours

TURNED_AT_ONCE = 500


@transaction.atomic(durable=True)
def choose_plan(
    *, user: User, hours: BusinessHours | None, seen: int | None, by: User, now: datetime
) -> None:
    """Let somebody work by these hours of their account; None: at any hour.

    Whose hours are closed now is away at once. `seen` are the hours that the page showed. Raises
    SetUpError if others were chosen meanwhile, or if the hours are gone.
    """
    kept = _locked(hours) if hours else None
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    assert kept is None or kept.account_id == row.account_id
    plan = AvailabilityPlan.objects.filter(user=row).select_related("hours").first()
    before = plan.hours if plan else None
    if before == kept:
        return
    if seen != (before.pk if before else None):
        words = _("Somebody else chose “%(plan)s” meanwhile. Choose again to change that.")
        raise SetUpError(words % {"plan": before or _("any hour")}, field="hours")
    if plan:
        plan.delete()
    if kept:
        plan = AvailabilityPlan(account_id=kept.account_id, user=row, hours=kept, changed_at=now)
        _follow(plan, is_turn=False, now=now)
    both = {"before": before.name if before else None, "after": kept.name if kept else None}
    audit.record(
        action="availability_planned",
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        changes={"works by": both},
    )


def _locked(hours: BusinessHours) -> BusinessHours:
    row = BusinessHours.objects.select_for_update(no_key=True).filter(pk=hours.pk).first()
    if row is None:
        raise SetUpError(_("Somebody deleted these hours meanwhile."), field="hours")
    return row


def follow_plans(*, now: datetime) -> int:
    """Let availability turn where hours opened or closed, or were edited; return for how many."""
    due = AvailabilityPlan.objects.filter(_is_due(now)).order_by("pk").values_list("pk", flat=True)
    return sum(_turn(pk, now=now) for pk in list(due[:TURNED_AT_ONCE]))


def _is_due(now: datetime) -> Q:
    return Q(turns_at__lte=now) | ~Q(hours_version=F("hours__version"))


@transaction.atomic(durable=True)
def _turn(pk: int, *, now: datetime) -> bool:
    plan = _locked_plans().filter(_is_due(now), pk=pk).first()
    if plan is None:
        return False
    _follow(plan, is_turn=plan.turns_at is not None and plan.turns_at <= now, now=now)
    return True


def _locked_plans() -> "QuerySet[AvailabilityPlan]":
    return AvailabilityPlan.objects.select_related("hours", "user").select_for_update(
        of=("self", "user"), no_key=True, skip_locked=True
    )


def _follow(plan: AvailabilityPlan, *, is_turn: bool, now: datetime) -> None:
    """Write when a plan turns next; who is off duty is away, and available when that ends."""
    calendar = BusinessHours.objects.with_days().get(pk=plan.hours_id).calendar()
    is_on_duty = calendar.is_open(now)
    plan.hours_version, plan.turns_at = plan.hours.version, calendar.changes_at(now)
    plan.save()
    if is_turn or not is_on_duty:
        state = User.Availability.AVAILABLE if is_on_duty else User.Availability.AWAY
        User.objects.filter(pk=plan.user_id).exclude(availability=state).update(availability=state)
