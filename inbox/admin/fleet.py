"""How are the accounts that a partner looks after? One line each, the worst first where asked.

One query reads a page, however many accounts and messages there are: every number is a subquery for
one account over an index, and PostgreSQL works out those that are not sorted by only for the lines
of the page (what it calls postponing the target list until after LIMIT). Sorted by a number, that
one is worked out for every account in sight: at 10,000 accounts 10,000 looks into an index. What
the numbers lean on: `message_outcome`, `conversation_waiting`, `receipt_owed`,
`receipt_quarantined`, `consent_opted_out`, `open_findings`, and the indexes of foreign keys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, NullIf
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_looks import note_export, note_rows
from accounts.admin_scope import CUT_OFF, MOST_EXPORTED, role_in_admin
from accounts.exports import csv_response
from accounts.models import Account, Feature, FeatureGrant, LicensePool, User, in_force
from compliance.evidence import EVERY_PROGRAMME
from compliance.models import Consent, ConsentState
from inbox.models import (
    Conversation,
    DriftFinding,
    EscalationTimer,
    Message,
    Receipt,
    Sender,
    TeamInbox,
)
from routing.escalation import LAST

LINES = 50
LONG_WAIT = timedelta(hours=24)
SOON = timedelta(days=30)
BAD_FAILURE_RATE = 5.0
MANY_OPT_OUTS = 5.0
_Status = Message.Status
_OUTCOMES = (_Status.SENT, _Status.DELIVERED, _Status.READ, _Status.UNKNOWN, _Status.FAILED)


@dataclass(frozen=True)
class Column:
    """One number of every account: its name, its heading, and when it asks for attention.

    A part of the product that watches something more adds its column to `COLUMNS`: `ask` gives the
    expression for one account at a moment.
    """

    name: str
    label: Any
    ask: Callable[[datetime], Any] | None = None
    is_bad: Callable[[Any, datetime], bool] = lambda value, now: False
    unit: str = ""
    for_staff: bool = False


def _of_account(rows: QuerySet[Any], by: str = "account") -> QuerySet[Any]:
    return rows.filter(**{by: OuterRef("pk")}).order_by().values(by)


def _count(rows: QuerySet[Any], by: str = "account") -> Coalesce:
    counted = _of_account(rows, by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _share(part: Any, whole: Any) -> Any:
    """Return a percentage, or nothing where there is nothing to take it of."""
    return Cast(part, FloatField()) * 100.0 / NullIf(Cast(whole, FloatField()), 0.0)


def _waiting() -> QuerySet[Conversation]:
    return Conversation.objects.filter(waiting_since__isnull=False)


def _in_use() -> QuerySet[Sender]:
    return Sender.objects.filter(removed_at=None)


def _oldest_wait(now: datetime) -> Any:
    found = _of_account(_waiting(), "inbox__account").annotate(since=Min("waiting_since"))
    return Subquery(found.values("since"))


def _unanswered() -> QuerySet[Conversation]:
    """Return conversations whose last escalation step came, and nobody has answered since."""
    came = EscalationTimer.objects.filter(
        conversation=OuterRef("pk"),
        wait_generation=OuterRef("wait_generation"),
        step=LAST,
        fired_at__isnull=False,
    )
    return _waiting().filter(Exists(came))


def _unheard(now: datetime) -> Any:
    """Count who wrote and waits where nobody can answer (behaviour: decision 9)."""
    is_on = Exists(_grants(now)) & Q(status=Account.Status.ACTIVE)
    waiting = _count(_waiting(), "inbox__account")
    return Case(When(is_on, then=Value(0)), default=waiting, output_field=IntegerField())


def _grants(now: datetime) -> QuerySet[FeatureGrant]:
    return FeatureGrant.objects.filter(
        in_force(now), account=OuterRef("pk"), feature=Feature.TEAM_INBOX
    )


def _failure_rate(now: datetime) -> Any:
    sent = Message.objects.filter(
        direction=Message.Direction.OUT, created_at__gte=now - timedelta(days=1)
    ).filter(status__in=_OUTCOMES)
    failed = Count("pk", filter=Q(status=_Status.FAILED))
    return Subquery(
        _of_account(sent).annotate(rate=_share(failed, Count("pk"))).values("rate"),
        output_field=FloatField(),
    )


def _opt_out_rate(now: datetime) -> Any:
    people = Consent.objects.filter(programme=EVERY_PROGRAMME)
    return _share(_count(people.filter(state=ConsentState.OPTED_OUT)), _count(people))


def _unprocessed(now: datetime) -> Any:
    """Count what is overdue and what nobody could place; what has just come in is neither."""
    states = Receipt.State
    owed = Receipt.objects.filter(
        state__in=[states.WAITING, states.FAILED], next_attempt_at__lt=now - timedelta(minutes=1)
    )
    strayed = Receipt.objects.filter(state=states.QUARANTINED)
    return _count(owed) + _count(strayed)


def _expires(now: datetime) -> Any:
    pools = LicensePool.objects.filter(in_force(now), ends_at__isnull=False)
    return Subquery(_of_account(pools).annotate(end=Min("ends_at")).values("end"))


COLUMNS: list[Column] = [
    Column("name", _("Account")),
    Column("partner__name", _("Partner"), for_staff=True),
    Column("status", _("State"), is_bad=lambda value, now: value == Account.Status.SUSPENDED),
    Column("has_team_inbox", _("Team Inbox")),
    Column("inboxes_on", _("Inboxes on"), lambda now: _count(TeamInbox.objects.filter(is_on=True))),
    Column("numbers", _("Numbers"), lambda now: _count(_in_use())),
    Column(
        "paused",
        _("Paused numbers"),
        lambda now: _count(_in_use().filter(is_paused=True)),
        is_bad=lambda value, now: value > 0,
    ),
    Column(
        "drift",
        _("Wrong at Twilio"),
        lambda now: _count(DriftFinding.objects.filter(resolved_at=None)),
        is_bad=lambda value, now: value > 0,
    ),
    Column(
        "oldest_wait",
        _("Oldest wait since"),
        _oldest_wait,
        is_bad=lambda value, now: value is not None and value < now - LONG_WAIT,
    ),
    Column(
        "unanswered",
        _("Unanswered for 24 business hours"),
        lambda now: _count(_unanswered(), "inbox__account"),
        is_bad=lambda value, now: value > 0,
    ),
    Column(
        "unheard",
        _("Off, but writing"),
        _unheard,
        is_bad=lambda value, now: value > 0,
    ),
    Column(
        "failure_rate",
        _("Failed in 24 h"),
        _failure_rate,
        is_bad=lambda value, now: value is not None and value >= BAD_FAILURE_RATE,
        unit="%",
    ),
    Column(
        "opt_out_rate",
        _("Opted out"),
        _opt_out_rate,
        is_bad=lambda value, now: value is not None and value >= MANY_OPT_OUTS,
        unit="%",
    ),
    Column(
        "unprocessed",
        _("Not processed"),
        _unprocessed,
        is_bad=lambda value, now: value > 0,
    ),
    Column("licensed_count", _("Licences used")),
    Column("seat_count", _("Licences bought")),
    Column(
        "expires",
        _("Licences end"),
        _expires,
        is_bad=lambda value, now: value is not None and value < now + SOON,
    ),
]


@dataclass(frozen=True)
class Cell:
    """One value as the page shows it."""

    value: Any
    is_bad: bool
    unit: str = ""

    @property
    def is_moment(self) -> bool:
        """Say whether it is a time."""
        return isinstance(self.value, datetime)

    @property
    def is_sign(self) -> bool:
        """Say whether it is a yes or no."""
        return isinstance(self.value, bool)


@dataclass(frozen=True)
class Heading:
    """The head of a column: where a click leads, and how it is sorted now."""

    label: Any
    query: str
    sorted: str


SHOW: Mapping[str, Any] = {
    "all": _("All accounts"),
    "attention": _("Needs attention"),
    "off": _("Team Inbox is off"),
    "suspended": _("Suspended"),
}


@dataclass(frozen=True)
class Asked:
    """What somebody asks of the page."""

    words: str
    show: str
    sort: str
    is_down: bool

    @classmethod
    def by(cls, request: HttpRequest, columns: Sequence[Column]) -> "Asked":
        """Read it from the address; what is unknown is as if it were not there."""
        wanted = request.GET.get("o", "")
        sort = wanted.removeprefix("-")
        show = request.GET.get("show", "")
        is_known = sort in {column.name for column in columns}
        return cls(
            words=request.GET.get("q", "").strip()[:80],
            show=show if show in SHOW else "all",
            sort=sort if is_known else "name",
            is_down=is_known and wanted.startswith("-"),
        )

    def query(self, **other: Any) -> str:
        """Write the query of an address that differs in this."""
        order = f"-{self.sort}" if self.is_down else self.sort
        facts = {"q": self.words, "show": self.show, "o": order, **other}
        return urlencode({name: value for name, value in facts.items() if value})


def fleet_urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the addresses of these pages."""
    return [
        path("fleet/", site.admin_view(fleet), name="fleet"),
        path("fleet/export/", site.admin_view(export), name="fleet_export"),
    ]


def add_fleet(site: admin.AdminSite) -> None:
    """Put the pages among the admin's own, before what takes anything for an app's name."""
    bare = site.get_urls
    site.get_urls = lambda: [*fleet_urls(site), *bare()]  # type: ignore[method-assign]


def fleet(request: HttpRequest) -> HttpResponse:
    """Show the accounts that this person looks after, and how they are."""
    columns, now = _columns(request), timezone.now()
    asked = Asked.by(request, columns)
    pages = Paginator(_accounts(request, asked, columns, now), LINES)
    page = pages.get_page(request.GET.get("page"))
    rows = list(page)
    note_rows(request, "fleet", [row.pk for row in rows])
    context = {
        **admin.site.each_context(request),
        "title": _("Fleet"),
        "is_nav_sidebar_enabled": False,  # the table needs the room
        "asked": asked,
        "shows": [(name, label, asked.query(show=name)) for name, label in SHOW.items()],
        "headings": [_heading(column, asked) for column in columns],
        "lines": [(row, _cells(row, columns, now)) for row in rows],
        "page": page,
        "earlier": asked.query(page=page.previous_page_number()) if page.has_previous() else "",
        "later": asked.query(page=page.next_page_number()) if page.has_next() else "",
        "export_query": asked.query(),
        "number": pages.count,
    }
    return TemplateResponse(request, "admin/fleet.html", context)


def export(request: HttpRequest) -> HttpResponseBase:
    """Hand the same out as CSV, all of it as it is filtered and sorted."""
    columns, now = _columns(request), timezone.now()
    asked = Asked.by(request, columns)
    rows = list(_accounts(request, asked, columns, now)[: MOST_EXPORTED + 1])
    note_export(request, "fleet", [row.pk for row in rows])
    lines: Iterable[Sequence[Any]] = (
        [_plain(cell.value) for cell in _cells(row, columns, now)] for row in rows[:MOST_EXPORTED]
    )
    if len(rows) > MOST_EXPORTED:
        lines = chain(lines, [[CUT_OFF]])
    return csv_response("fleet", [str(column.label) for column in columns], lines)


def _columns(request: HttpRequest) -> list[Column]:
    role = role_in_admin(request)
    if role not in {User.Role.PARTNER, User.Role.STAFF}:
        raise PermissionDenied
    return [column for column in COLUMNS if role == User.Role.STAFF or not column.for_staff]


def _accounts(
    request: HttpRequest, asked: Asked, columns: Sequence[Column], now: datetime
) -> QuerySet[Account]:
    rows: QuerySet[Account] = admin.site.get_model_admin(Account).get_queryset(request)
    rows = rows.select_related("partner").annotate(
        **{column.name: column.ask(now) for column in columns if column.ask}
    )
    if asked.words:
        rows = rows.filter(name__icontains=asked.words)
    rows = _shown(rows, asked.show, now)
    order = F(asked.sort)
    by = order.desc(nulls_last=True) if asked.is_down else order.asc(nulls_last=True)
    return rows.order_by(by, "name", "pk")


def _shown(rows: QuerySet[Account], show: str, now: datetime) -> QuerySet[Account]:
    if show == "suspended":
        return rows.filter(status=Account.Status.SUSPENDED)
    if show == "off":
        return rows.exclude(Exists(_grants(now)), status=Account.Status.ACTIVE)
    if show == "attention":
        return rows.filter(_needs_attention(now))
    return rows


def _needs_attention(now: datetime) -> Q:
    """Match accounts with anything that a person should look at: each a look into a small index."""
    mine = Q(account=OuterRef("pk"))
    waiting = _waiting().filter(inbox__account=OuterRef("pk"))
    is_off = ~(Exists(_grants(now)) & Q(status=Account.Status.ACTIVE))
    states = Receipt.State
    owed = Q(
        state__in=[states.WAITING, states.FAILED], next_attempt_at__lt=now - timedelta(minutes=1)
    )
    return (
        Q(Exists(_in_use().filter(mine, is_paused=True)))
        | Q(Exists(DriftFinding.objects.filter(mine, resolved_at=None)))
        | Q(Exists(Receipt.objects.filter(mine & owed)))
        | Q(Exists(Receipt.objects.filter(mine, state=states.QUARANTINED)))
        | Q(Exists(waiting.filter(waiting_since__lt=now - LONG_WAIT)))
        | Q(Exists(_unanswered().filter(inbox__account=OuterRef("pk"))))
        | (is_off & Q(Exists(waiting)))
    )


def _heading(column: Column, asked: Asked) -> Heading:
    is_chosen = column.name == asked.sort
    turned = f"-{column.name}" if is_chosen and not asked.is_down else column.name
    how = ("descending" if asked.is_down else "ascending") if is_chosen else ""
    return Heading(column.label, asked.query(o=turned), how)


def _cells(row: Account, columns: Sequence[Column], now: datetime) -> list[Cell]:
    return [_cell(row, column, now) for column in columns]


def _cell(row: Account, column: Column, now: datetime) -> Cell:
    value: Any = row
    for part in column.name.split("__"):
        value = getattr(value, part)
    is_bad = column.is_bad(value, now)
    if column.name == "status":
        value = row.get_status_display()
    return Cell(value, is_bad, column.unit)


def _plain(value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) else value
