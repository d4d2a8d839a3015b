"""How do things go? The page of figures, its tables, the export of conversations, and the wall."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import Viewer, viewer_of
from accounts.audit import record_export
from accounts.exports import csv_response
from accounts.models import User
from inbox.filters import CHANNELS
from inbox.labels import channel_words
from inbox.reporting.asking import TARGETS, Asked, Period, Range, period_of
from inbox.reporting.exporting import header, lines_of, number_of
from inbox.reporting.figures import report_of
from inbox.reporting.measures import zone_of
from inbox.reporting.scope import Scope, people_of, scope_of
from inbox.reporting.tables import time_words
from inbox.reporting.wall import wall_of
from inbox.setup.pricing import price_of
from inbox.views.answers import no_licence, reader, wants_fragment

ROWS = "X-Rows"


@require_GET
def reports(request: HttpRequest) -> HttpResponse:
    """Show the figures that somebody asks for."""
    viewer, user, now = reader(request)
    asked = _asked(request, viewer)
    scope = scope_of(viewer, user, asked)
    if scope is None:
        return no_licence(request, viewer)
    report = report_of(scope, now=now)
    context = {
        "report": report,
        "scope": scope,
        "asked": asked,
        "people": people_of(scope),
        "may_export": viewer.may_see,
        "own_query": replace(asked, is_own=True, inbox="", agent=None).query,
        "team_query": replace(asked, is_own=False, inbox="", agent=None).query,
        **_choices(),
    }
    with timezone.override(report.period.zone):
        return _private(render(request, "reports/page.html", context))


def _asked(request: HttpRequest, viewer: Viewer) -> Asked:
    """Read what is asked for; a segment costs what the account says, unless the reader does."""
    row = price_of(viewer.account_id) if viewer.account_id else None
    if row is None:
        return Asked.of(request.GET.dict())
    usual = row.price.normalize()
    return Asked.of(request.GET.dict(), usual_price=usual, currency=row.currency)


def _choices() -> dict[str, object]:
    return {
        "ranges": (
            (Range.TODAY, _("Today")),
            (Range.WEEK, _("Last 7 days")),
            (Range.MONTH, _("Last 30 days")),
            (Range.QUARTER, _("Last 90 days")),
            (Range.OWN, _("Days I choose")),
        ),
        "channels": [(one, channel_words(one)) for one in CHANNELS],
        "targets": [(one, time_words(timedelta(minutes=one))) for one in TARGETS],
    }


@require_GET
def report_table(request: HttpRequest, *, key: str) -> HttpResponseBase:
    """Hand one table of a report out as a file."""
    viewer, user, now = reader(request)
    asked = _asked(request, viewer)
    scope = scope_of(viewer, user, asked)
    if scope is None:
        return no_licence(request, viewer)
    table = report_of(scope, now=now).by_key.get(key)
    if table is None:
        raise Http404("No such table.")
    _note("report", scope, user, now, table=key)
    return csv_response(f"{key}-{now:%Y-%m-%d}", table.header, table.plain_rows)


@require_GET
def report_export(request: HttpRequest) -> HttpResponseBase:
    """Hand out a line for each conversation that this person may read and that began then.

    How many lines come is said before they do, so that a page can show how far it is.
    """
    viewer, user, now = reader(request)
    scope = scope_of(viewer, user, Asked.of(request.GET.dict()))
    if scope is None or not viewer.may_see:
        return no_licence(request, viewer)
    period = _whole_period(scope, now)
    _note("conversations", scope, user, now)

    def look() -> Viewer:
        return viewer_of(user, now=timezone.now())

    number = number_of(scope, period)
    rows = lines_of(scope, period, look=look)
    response = csv_response(f"conversations-{now:%Y-%m-%d}", header(), rows)
    response[ROWS] = str(number)
    return response


def _whole_period(scope: Scope, now: datetime) -> Period:
    """Return the days of a report up to this moment: conversations need not be counted first."""
    return period_of(scope.asked, zone_of(scope), now=now, counted_to=now)


def _note(what: str, scope: Scope, user: User, now: datetime, **more: str) -> None:
    record_export(
        what=what, by=user, now=now, account_id=scope.account_id, **scope.asked.as_query(), **more
    )


@require_GET
def wall(request: HttpRequest) -> HttpResponse:
    """Show the board on the wall; only what changes when its script asks."""
    viewer, user, now = reader(request)
    asked = replace(Asked.of(request.GET.dict()), range=Range.TODAY, agent=None)
    scope = scope_of(viewer, user, replace(asked, first_on=None, last_on=None))
    if scope is None:
        return no_licence(request, viewer)
    template = "reports/_board.html" if wants_fragment(request) else "reports/wall.html"
    with timezone.override(zone_of(scope)):
        context = {"wall": wall_of(scope, now=now), "asked": asked}
        return _private(render(request, template, context))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
