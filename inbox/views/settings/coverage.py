"""Who could receive a message in which hour? Weeks of every inbox, and of one hour by hour."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.numbers import number_in
from inbox.models import TeamInbox
from inbox.setup.coverage import Coverage, coverage_of
from inbox.views.settings.answers import inbox_of
from inbox.views.settings.door import Setter, setter
from routing.coverage import CoveredDay, Hour, Stretch, monday_of

PAGE = 50
# More names than these are behind a click, so that a week fits a page.
NAMED = 3
_YEARS = range(2000, 2100)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """Which week is shown, and how to come to others."""

    monday: date
    this_monday: date

    @classmethod
    def of(cls, request: HttpRequest, zone: str, now: datetime) -> "Week":
        """Read it from the address: the week of any date; what makes no sense is this week."""
        today = now.astimezone(ZoneInfo(zone)).date()
        try:
            asked = date.fromisoformat(request.GET.get("week", ""))
        except ValueError:
            asked = today
        if asked.year not in _YEARS:
            asked = today
        return cls(monday_of(asked), monday_of(today))

    @property
    def sunday(self) -> date:
        """Return its last day."""
        return self.monday + timedelta(days=6)

    @property
    def before(self) -> date:
        """Return the Monday before."""
        return self.monday - _WEEK

    @property
    def after(self) -> date:
        """Return the Monday after."""
        return self.monday + _WEEK

    @property
    def is_this(self) -> bool:
        """Say whether it is the week that is now."""
        return self.monday == self.this_monday


@dataclass(frozen=True)
class Piece:
    """Some time of an hour or a day, and who is there, in words.

    `times` is blank where it is the whole hour; `names` are those whom `who` does not name.
    """

    times: str
    who: str
    is_gap: bool = False
    names: str = ""


@require_GET
def coverage(request: HttpRequest) -> HttpResponse:
    """Show a week of every inbox: when it is open, how many are there, and where nobody is."""
    who = setter(request)
    week = Week.of(request, who.account.time_zone, who.now)
    after = number_in(request.GET.get("after", "")) or 0
    found = _inboxes(who, after)
    rows = coverage_of(who.account, found[:PAGE], monday=week.monday, now=who.now)
    context = {
        "who": who,
        "here": "coverage",
        "week": week,
        "days": [week.monday + timedelta(days=n) for n in range(7)],
        "rows": [
            {
                "coverage": row,
                # A long one may be broken between its parts.
                "zone": row.inbox.zone.split("/"),
                "days": [_day_in_short(row, day) for day in row.days],
            }
            for row in rows
        ],
        "gaps": sum(row.has_gap for row in rows),
        "next": after + PAGE if len(found) > PAGE else 0,
    }
    return render(request, "settings/coverage.html", context)


def _inboxes(who: Setter, after: int) -> list[TeamInbox]:
    """Return a page of the inboxes that somebody sets up, and one more if there is one."""
    rows = TeamInbox.objects.filter(account=who.account).select_related("account", "hours")
    if who.is_supervisor:
        rows = rows.filter(pk__in=[inbox.pk for inbox in who.inboxes])
    return list(rows.order_by("name", "pk")[after : after + PAGE + 1])


@require_GET
def inbox_coverage(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a week of one inbox hour by hour, with the names of who could receive a message."""
    who = setter(request)
    inbox = inbox_of(who, slug)
    if not who.may_set(inbox.pk):
        raise Http404("No such page.")
    week = Week.of(request, inbox.zone, who.now)
    [row] = coverage_of(who.account, [inbox], monday=week.monday, now=who.now)
    context: dict[str, Any] = {
        "who": who,
        "here": "coverage",
        # Not as `inbox`: the menu would take it for the inbox's own page.
        "week": week,
        "coverage": row,
        "days": row.days,
        "lines": [
            {
                "hour": f"{hour:02}:00",
                "cells": [_cell(row, day.hours[hour]) for day in row.days],
            }
            for hour in range(24)
        ],
        "gaps": [
            {
                "on": day.on,
                "times": ", ".join(_times(row, one) for one in day.stretches if one.is_gap),
            }
            for day in row.days
            if day.has_gap
        ],
    }
    return render(request, "settings/coverage_inbox.html", context)


def _day_in_short(row: Coverage, day: CoveredDay) -> dict[str, Any]:
    return {
        "names": day.names,
        "has_gap": day.has_gap,
        "pieces": [Piece(_times(row, one), _number(one), one.is_gap) for one in day.stretches],
    }


def _gaps(row: Coverage, day: CoveredDay) -> str:
    return ", ".join(_times(row, one) for one in day.stretches if one.is_gap)


def _cell(row: Coverage, hour: Hour) -> dict[str, Any]:
    """Return what a cell shows: nothing but open time is told."""
    open_ones = [one for one in hour.stretches if one.is_open]
    is_whole = len(hour.stretches) == 1
    pieces = [_piece(row, one, "" if is_whole else _times(row, one)) for one in open_ones]
    return {
        "pieces": pieces,
        "is_skipped": hour.is_skipped,
        "is_repeated": hour.is_repeated,
        "has_gap": hour.has_gap,
    }


def _piece(row: Coverage, one: Stretch, times: str) -> Piece:
    if one.is_gap:
        return Piece(times, _("Nobody"), is_gap=True)
    names = [row.names[person] for person in one.people]
    if len(names) <= NAMED:
        return Piece(times, ", ".join(names))
    told = _("%(names)s and %(more)d more") % {
        "names": ", ".join(names[: NAMED - 1]),
        "more": len(names) - NAMED + 1,
    }
    return Piece(times, told, names=", ".join(names[NAMED - 1 :]))


def _number(one: Stretch) -> str:
    if one.is_gap:
        return _("nobody")
    return ngettext("%d person", "%d people", len(one.people)) % len(one.people)


def _times(row: Coverage, one: Stretch) -> str:
    """Write from when until when, as the inbox's clock shows it."""
    here = ZoneInfo(row.inbox.zone)
    starts, ends = one.starts.astimezone(here), one.ends.astimezone(here)
    last = f"{ends:%H:%M}"
    return f"{starts:%H:%M}–{'24:00' if last == '00:00' else last}"
