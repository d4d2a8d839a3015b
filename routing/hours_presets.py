"""Which hours can be had with one click? Used where an inbox is switched on."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from routing.business_hours import HoursError, add_hours, free_name
from routing.hours import ALWAYS_OPEN, Opening, Week
from routing.models import BusinessHours


class HoursPreset(models.TextChoices):
    """Hours that many teams keep."""

    WORK_WEEK = "work_week", _("Monday to Friday, 9:00 to 17:00")
    EVERY_DAY = "every_day", _("Every day, 8:00 to 20:00")
    ALWAYS = "always", _("Always open")


_WORKDAY = (Opening(9 * 60, 17 * 60),)
_LONG_DAY = (Opening(8 * 60, 20 * 60),)
_WEEKS: dict[HoursPreset, Week] = {
    HoursPreset.WORK_WEEK: (*[_WORKDAY] * 5, (), ()),
    HoursPreset.EVERY_DAY: (_LONG_DAY,) * 7,
    HoursPreset.ALWAYS: ALWAYS_OPEN,
}


def week_of(preset: HoursPreset) -> Week:
    """Return the week that a preset stands for."""
    return _WEEKS[preset]


def hours_of_preset(
    preset: HoursPreset, *, account: Account, by: User | None, now: datetime
) -> BusinessHours | None:
    """Return hours as the preset says, in the account's zone; None means always open.

    The account's hours of that name are taken again as long as they still are what it says; else
    new ones are made. Writes an audit line when it makes some; runs in the caller's transaction.
    Raises HoursError if the account has too many.
    """
    if preset == HoursPreset.ALWAYS:
        return None
    known = _of_account(account)
    if hours := _kept_as_it_was(preset, account, known):
        return hours
    # From the same look at what there is: hours made after it let ours fail instead of being made
    # under another name.
    name = free_name(str(preset.label), known)
    try:
        return add_hours(account=account, name=name, week=week_of(preset), by=by, now=now)
    except HoursError:
        # Somebody switched on another inbox with the same preset at the same moment.
        if hours := _kept_as_it_was(preset, account, _of_account(account)):
            return hours
        raise


def _of_account(account: Account) -> list[BusinessHours]:
    return list(BusinessHours.objects.filter(account=account).with_days())


def _kept_as_it_was(
    preset: HoursPreset, account: Account, known: Iterable[BusinessHours]
) -> BusinessHours | None:
    for row in known:
        is_alike = row.time_zone == account.time_zone and row.week() == week_of(preset)
        if is_alike and row.name.startswith(str(preset.label)):
            return row
    return None
