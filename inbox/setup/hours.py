"""Which inbox keeps which business hours, and when may hours go?"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.models import AvailabilityPlan, TeamInbox
from routing.business_hours import HoursError, delete_hours
from routing.models import BusinessHours

MOST_NAMED = 5


@transaction.atomic(durable=True)
def choose_inboxes(
    *,
    hours: BusinessHours,
    chosen: Collection[int],
    seen: Collection[int],
    by: User,
    now: datetime,
) -> list[TeamInbox]:
    """Let the chosen inboxes keep these hours, and those no longer chosen none; return both.

    `seen` are those that the page showed as chosen: an inbox that was not touched stays as somebody
    else may have set it meanwhile. An inbox of another account is nobody's to choose. Raises
    HoursError if the hours are gone.
    """
    row = _locked(hours)
    inboxes = TeamInbox.objects.select_for_update(no_key=True, of=("self",)).filter(
        account=row.account_id, pk__in={*chosen, *seen}
    )
    changed = []
    for inbox in inboxes.select_related("hours").order_by("pk"):
        takes = inbox.pk in chosen and inbox.pk not in seen and inbox.hours_id != row.pk
        leaves = inbox.pk in seen and inbox.pk not in chosen and inbox.hours_id == row.pk
        if takes or leaves:
            _keep(inbox, row if takes else None, by=by, now=now)
            changed.append(inbox)
    return changed


@transaction.atomic(durable=True)
def delete_unused_hours(*, hours: BusinessHours, by: User, now: datetime) -> None:
    """Delete business hours. Raises HoursError while an inbox or a person's plan keeps them."""
    row = _locked(hours)
    names = list(TeamInbox.objects.filter(hours=row).values_list("name", flat=True))
    if names:
        words = _("These hours are kept by %(inboxes)s: choose others there first.")
        raise HoursError(words % {"inboxes": ", ".join(names)})
    planned = AvailabilityPlan.objects.filter(hours=row)
    if people := list(planned.values_list("user__name", flat=True)[: MOST_NAMED + 1]):
        listed = [*people[:MOST_NAMED], *(["…"] if len(people) > MOST_NAMED else [])]
        words = _("These people work by them: %(people)s. Choose other hours for them first.")
        raise HoursError(words % {"people": ", ".join(listed)})
    delete_hours(hours=row, by=by, now=now)


def put_inbox(*, inbox: TeamInbox, hours: BusinessHours | None, by: User, now: datetime) -> None:
    """Let an inbox keep these hours, or none, in the caller's transaction."""
    rows = TeamInbox.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("hours").get(pk=inbox.pk)
    if row.hours_id != (hours.pk if hours else None):
        _keep(row, hours, by=by, now=now)


def _locked(hours: BusinessHours) -> BusinessHours:
    row = BusinessHours.objects.select_for_update().filter(pk=hours.pk).first()
    if row is None:
        raise HoursError(_("Somebody deleted these hours meanwhile."))
    return row


def _keep(inbox: TeamInbox, hours: BusinessHours | None, *, by: User, now: datetime) -> None:
    before = inbox.hours
    inbox.hours = hours
    inbox.settings_version += 1
    inbox.save(update_fields=["hours", "settings_version"])
    audit.record(
        action="inbox_changed",
        subject=inbox.name,
        actor=by,
        account_id=inbox.account_id,
        now=now,
        row=str(inbox.pk),
        changes={
            "hours": {
                "before": before.name if before else None,
                "after": hours.name if hours else None,
            }
        },
    )
