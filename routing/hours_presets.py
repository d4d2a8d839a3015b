"""Which hours can be had with one click? Used where an inbox is switched on."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from routing.business_hours import add_hours, free_name
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
    """
    if preset == HoursPreset.ALWAYS:
        return None
    name, week = str(preset.label), _WEEKS[preset]
    same_name = BusinessHours.objects.filter(account=account, name__startswith=name)
    for hours in same_name.filter(time_zone=account.time_zone).with_days():
        if hours.week() == week:
            return hours
    return add_hours(account=account, name=free_name(account, name), week=week, by=by, now=now)
