"""What is in a report: cards with the change, charts, and tables? About two dozen questions."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Case, Count, DateTimeField, F, Func, Q, QuerySet, Sum, When
from django.db.models import Value as Given
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import User
from inbox.labels import channel_words, phone_words
from inbox.models import ResponseTime, Sender
from inbox.online_times import online_within
from inbox.reporting.asking import Period, period_of
from inbox.reporting.grouping import (
    BY_AGENT,
    BY_INBOX,
    BY_NUMBER,
    BY_RULE,
    BY_TAG,
    NO_TIMES,
    Times,
    code_words,
    codes_by_number,
    rule_names,
    times_by,
    waiting_by,
)
from inbox.reporting.measures import (
    Standing,
    Took,
    counted_to_of,
    running_at,
    standing_of,
    sums_of,
    times_of,
    zone_of,
)
from inbox.reporting.scope import Scope, members_of
from inbox.reporting.tables import Column, Kind, Table, Value, share_of, words_for
from routing.deciding import DEFAULT

HOURLY_UP_TO_DAYS = 2
MOST_ROWS = 200
_K = ResponseTime.Kind


@dataclass(frozen=True)
class Card:
    """One figure, what it was before, and by how much it changed."""

    key: str
    title: str
    words: str
    before: str = ""
    change: str = ""
    help: str = ""


@dataclass(frozen=True)
class Report:
    """A whole report. `counted_to` is the moment up to which there are figures."""

    scope: Scope
    period: Period
    counted_to: datetime
    standing: Standing
    cards: Sequence[Card]
    charts: Sequence[Table]
    tables: Sequence[Table]

    @property
    def by_key(self) -> Mapping[str, Table]:
        """Return every table by its name."""
        return {one.key: one for one in (*self.charts, *self.tables)}


def report_of(scope: Scope, *, now: datetime) -> Report:
    """Make the report that somebody asks for."""
    counted_to = counted_to_of(scope.account_id) or now
    period = period_of(scope.asked, zone_of(scope), now=now, counted_to=counted_to)
    maker = _Maker(scope, period, now, counted_to)
    return Report(
        scope=scope,
        period=period,
        counted_to=counted_to,
        standing=maker.standing,
        cards=maker.cards(),
        charts=maker.charts(),
        tables=maker.tables(),
    )


class _Maker:
    """Asks what several parts of a report need, once."""

    def __init__(self, scope: Scope, period: Period, now: datetime, counted_to: datetime) -> None:
        self.scope, self.period, self.asked = scope, period, scope.asked
        self.cells = scope.cells(period.since, period.until)
        self.clock = self.asked.clock
        self.counted_to = counted_to
        # How it is now says nothing of days that are still to come.
        self.is_to_come = period.since > now
        self.standing = standing_of(scope, now=now)
        self.hours = self._hours()
        self.sums, self.sums_before = self._sums()
        self.took, self.took_before = self._took(), self._took_before()
        self.waiting = waiting_by(scope)

    # --- Asking -----------------------------------------------------------------------------------

    def _hours(self) -> list[tuple[Any, ...]]:
        names = ("inbound", "replies", "automatic", "opened", "reopened", "closed")
        # From the first moment on, so that hours are right where clocks go back, and everywhere.
        hour = Func(
            Given(timedelta(hours=1)),
            F("begins_at"),
            Given(self.period.since.astimezone(UTC)),
            function="date_bin",
            output_field=DateTimeField(),
        )
        rows = self.cells.annotate(hour=hour)
        return list(
            rows.values_list("hour").annotate(*[Sum(name) for name in names]).order_by("hour")
        )

    def _sums(self) -> tuple[dict[str, int], dict[str, int]]:
        before = self.scope.cells(self.period.since_before, self.period.until_before)
        return sums_of(self.cells), sums_of(before)

    def _took(self) -> dict[str, Took]:
        return times_of(self.scope, self.period.since, self.period.until)

    def _took_before(self) -> dict[str, Took]:
        return times_of(self.scope, self.period.since_before, self.period.until_before)

    # --- Cards ------------------------------------------------------------------------------------

    def cards(self) -> list[Card]:
        """Return the cards; of one person only what that person did."""
        is_one = bool(self.asked.agent)
        cards = [] if is_one else [self._number("inbound", _("Messages in"))]
        cards.append(self._sum_card("outbound", _("Messages out"), ("replies", "automatic")))
        if not is_one:
            cards.append(self._number("opened", _("New conversations")))
        cards.append(self._number("closed", _("Closed")))
        if not is_one:
            cards.append(self._standing_card())
        cards += self._time_cards()
        cards.append(self._late_card())
        if is_one:
            cards.append(self._online_card())
        if not is_one:
            cards.append(self._number("opt_outs", _("Opt-outs")))
        cards.append(self._failed_card())
        cards.append(self._number("segments", _("Text segments")))
        if self.asked.price is not None:
            cards.append(self._cost_card(self.asked.price))
        return cards

    def _number(self, name: str, title: str) -> Card:
        return self._sum_card(name, title, (name,))

    def _sum_card(self, key: str, title: str, names: Sequence[str]) -> Card:
        now, before = (sum(sums[one] for one in names) for sums in (self.sums, self.sums_before))
        return _card(key, title, now, before, Kind.NUMBER)

    def _standing_card(self) -> Card:
        title = _("Not closed")
        if self.is_to_come:
            return _card("standing", title, None, None, Kind.NUMBER)
        number, sums = self._not_closed_at_end, self.sums
        before = number - sums["opened"] - sums["reopened"] + sums["closed"]
        words = _("Open and snoozed at the end; before: when it began")
        return _card("standing", title, max(0, number), max(0, before), Kind.NUMBER, words)

    def _time_cards(self) -> list[Card]:
        first, before = self.took["first"], self.took_before["first"]
        reply, reply_before = self.took["reply"], self.took_before["reply"]
        close, close_before = self.took["resolution"], self.took_before["resolution"]
        half = _("Half of them took no longer")
        ninth = _("Nine of ten took no longer")
        time = Kind.TIME
        return [
            _card("first", _("First reply, median"), first.median, before.median, time, half),
            _card("first_p90", _("First reply, 90 %"), first.ninth, before.ninth, time, ninth),
            _card("reply", _("Reply, median"), reply.median, reply_before.median, time, half),
            _card("close", _("Time to close"), close.median, close_before.median, time, half),
        ]

    def _late_card(self) -> Card:
        """Say how many waited too long; who still waits counts too, unless by business hours."""
        now, before = self.took["wait"], self.took_before["wait"]
        words = _("Of all waits that ended with an answer or a close")
        if not self.asked.is_business and not self.is_to_come:
            ends = (self.period.until, self.period.until_before)
            now, before = map(_with, (now, before), running_at(self.scope, ends))
            words = _("Of all waits, those that still went on at the end too")
        share, share_before = (share_of(one.late, one.number) for one in (now, before))
        return _card("late", self._late_words(), share, share_before, Kind.SHARE, words)

    def _online_card(self) -> Card:
        now, before = self._online_of_one()
        words = _("In all inboxes, not set away")
        return _card("online", _("Online"), now, before, Kind.TIME, words)

    def _online_of_one(self) -> Sequence[timedelta | None]:
        """Return how long the one who is asked for was online, and how long before."""
        period = self.period
        found = self._members().values_list(
            online_within(period.since, period.until),
            online_within(period.since_before, period.until_before),
        )
        return found.first() or (None, None)

    def _late_words(self) -> str:
        """Say what is too long, if that is the same for all that is looked at."""
        own = {inbox.target_minutes for inbox in self.scope.chosen}
        targets = own if self.asked.target is None else {self.asked.target}
        if len(targets) != 1:
            return _("Waited longer than their inbox allows")
        target = words_for(timedelta(minutes=min(targets)), Kind.TIME)
        return _("Waited over %(target)s") % {"target": target}

    def _failed_card(self) -> Card:
        now, before = (
            share_of(sums["failed"], sums["failed"] + sums["sent"])
            for sums in (self.sums, self.sums_before)
        )
        return _card("failed", _("Failed to arrive"), now, before, Kind.SHARE)

    def _cost_card(self, price: Decimal) -> Card:
        now, before = (price * sums["segments"] for sums in (self.sums, self.sums_before))
        words = _("Text messages only; what WhatsApp costs is not in it")
        return _card("cost", self._cost_words(), now, before, Kind.NUMBER, words)

    def _cost_words(self) -> str:
        if not self.asked.currency:
            return _("Cost of text segments")
        return _("Cost of text segments, %(currency)s") % {"currency": self.asked.currency}

    # --- Charts -----------------------------------------------------------------------------------

    def charts(self) -> list[Table]:
        """Return what is drawn; a backlog and a week are of everybody together."""
        charts = [self._volume(), self._first_replies()]
        return charts if self.asked.agent else [*charts, self._week(), self._backlog()]

    @property
    def _is_hourly(self) -> bool:
        return self.period.days <= HOURLY_UP_TO_DAYS

    def _buckets(self) -> dict[Any, str]:
        """Return what stands side by side, hours or days, and how each is called."""
        zone = self.period.zone
        since, until = (one.astimezone(UTC) for one in (self.period.since, self.period.until))
        if not self._is_hourly:
            first = self.period.since.astimezone(zone).date()
            days = [first + timedelta(days=n) for n in range(self.period.days)]
            return {day: date_format(day, "j M") for day in days}
        # Over UTC, so that an hour that comes twice in a night stands there twice.
        number = max(1, -(-int((until - since).total_seconds()) // 3600))
        hours = [since + timedelta(hours=n) for n in range(number)]
        is_one_day = self.period.days == 1
        return {hour: _hour_words(hour.astimezone(zone), is_one_day) for hour in hours}

    def _bucket(self, hour: datetime) -> datetime | date:
        local = hour.astimezone(self.period.zone)
        return hour if self._is_hourly else local.date()

    def _volume(self) -> Table:
        found: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        for hour, inbound, replies, automatic, *_rest in self.hours:
            place = found[self._bucket(hour)]
            place[0] += inbound
            place[1] += replies + automatic
        rows: list[tuple[Value, ...]] = [
            (words, *found[key]) for key, words in self._buckets().items()
        ]
        title = _("Messages by hour") if self._is_hourly else _("Messages by day")
        name = _("Hour") if self._is_hourly else _("Day")
        columns = (
            Column(name, Kind.TEXT),
            Column(pgettext("messages", "In")),
            Column(pgettext("messages", "Out")),
        )
        return Table("volume", title, columns, rows, drawn="bars")

    def _first_replies(self) -> Table:
        ends = [timedelta(minutes=n) for n in (1, 5, 15, 60, 4 * 60, 24 * 60)]
        rows = self.scope.times(self.period.since, self.period.until).filter(kind=_K.FIRST)
        asked = {}
        for n, (start, end) in enumerate(zip([None, *ends], [*ends, None], strict=True)):
            part = Q(**{f"{self.clock}__gt": start}) if start is not None else Q()
            part &= Q(**{f"{self.clock}__lte": end}) if end is not None else Q()
            asked[f"n{n}"] = Count("pk", filter=part)
        found = list(rows.aggregate(**asked).values())
        words = [words_for(end, Kind.TIME) for end in ends]
        names = [_("≤ %(time)s") % {"time": one} for one in words]
        names.append(_("longer"))
        columns = (Column(_("Time"), Kind.TEXT), Column(_("First replies")))
        rows_ = list(zip(names, found, strict=True))
        return Table("first_replies", _("How long first replies took"), columns, rows_, "bars")

    def _week(self) -> Table:
        found: dict[tuple[int, int], int] = defaultdict(int)
        for hour, inbound, *_rest in self.hours:
            local = hour.astimezone(self.period.zone)
            found[local.weekday(), local.hour] += inbound
        # Any Monday: only its name is used.
        days = [date_format(date(2024, 1, 1 + day), "D") for day in range(7)]
        rows: list[tuple[Value, ...]] = [
            (name, *(found[day, hour] for hour in range(24))) for day, name in enumerate(days)
        ]
        columns = (Column(_("Day"), Kind.TEXT), *(Column(f"{hour:02}") for hour in range(24)))
        title = _("When customers write")
        return Table("week", title, columns, rows, "heat", _("Messages in, by day and hour."))

    def _backlog(self) -> Table:
        change: dict[Any, int] = defaultdict(int)
        for hour, _in, _replies, _automatic, opened, reopened, closed in self.hours:
            change[self._bucket(hour)] += opened + reopened - closed
        number = self._not_closed_at_end
        rows: list[tuple[str, int]] = []
        for key, words in reversed(self._buckets().items()):
            rows.append((words, max(0, number)))
            number -= change[key]
        name = _("Hour") if self._is_hourly else _("Day")
        columns = (Column(name, Kind.TEXT), Column(_("Not closed")))
        note = _("Open and snoozed conversations at the end of each.")
        return Table("backlog", _("Backlog"), columns, rows[::-1], "lines", note)

    @cached_property
    def _not_closed_at_end(self) -> int:
        """Count back from how many there are now; of days that are still to come, none."""
        if self.is_to_come:
            return 0
        later = sums_of(self.scope.cells(self.period.until, self.counted_to))
        now = self.scope.conversations().live().count()
        return now - later["opened"] - later["reopened"] + later["closed"]

    # --- Tables -----------------------------------------------------------------------------------

    def tables(self) -> list[Table]:
        """Return the tables; those by the names of colleagues only for who may have a team's."""
        tables = [self._inboxes()] if len(self.scope.chosen) > 1 else []
        tables += [self._agents()] if self.scope.is_team else []
        return [
            *tables,
            self._numbers(),
            self._tags(),
            self._rules(),
            self._failures(),
            self._templates(),
            self._channels(),
        ]

    def _times_by(self, group: Any) -> dict[Any, Times]:
        return times_by(self.scope, group, self.period.since, self.period.until)

    def _inboxes(self) -> Table:
        cells = self._grouped("inbox", "inbound", "sent", "opened", "closed", "opt_outs")
        took = self._times_by(BY_INBOX)
        names = {one.pk: one.name for one in self.scope.chosen}
        rows: list[tuple[Value, ...]] = [
            (name, *cells.get(pk, [0] * 5), *_medians(took.get(pk)), self.waiting.by_inbox[pk])
            for pk, name in names.items()
            if pk in cells or pk in took or pk in self.waiting.by_inbox
        ]
        columns = (
            Column(_("Inbox"), Kind.TEXT),
            Column(pgettext("messages", "In")),
            Column(pgettext("messages", "Out")),
            Column(_("New")),
            Column(_("Closed")),
            Column(_("Opt-outs")),
            *_median_columns(),
            Column(_("Wait now")),
        )
        return Table("inboxes", _("By inbox"), columns, sorted(rows, key=_by_name))

    def _agents(self) -> Table:
        """One line for each person, by name: no ranking unless somebody sorts it."""
        handled = Count("conversation", filter=Q(replies__gt=0), distinct=True)
        asked = {f"{name}_sum": Sum(name) for name in ("replies", "closed", "notes")}
        rows = (
            self.cells.filter(agent__isnull=False)
            .values_list("agent")
            .annotate(handled=handled, **asked)
            .order_by("agent")
        )
        found = {pk: numbers for pk, *numbers in rows}
        took = self._times_by(BY_AGENT)
        nothing = [0] * (1 + len(asked))
        lines: list[tuple[Value, ...]] = [
            (
                name,
                *found.get(pk, nothing),
                took.get(pk, NO_TIMES).first.number,
                *_medians(took.get(pk)),
                self.waiting.by_agent[pk],
                online,
            )
            for pk, name, online in self._people([*found, *self.waiting.by_agent])
        ]
        columns = (
            Column(_("Agent"), Kind.TEXT),
            Column(_("Conversations answered")),
            Column(_("Replies")),
            Column(_("Closed")),
            Column(_("Notes")),
            Column(_("First replies")),
            *_median_columns(),
            Column(_("Wait now")),
            Column(_("Online"), Kind.TIME),
        )
        note = _("Online is in all inboxes together, and not set away.")
        empty = _("Nobody answered, closed or noted anything, and nobody was online.")
        lines.sort(key=_by_name)
        return Table("agents", _("By agent"), columns, lines, note=note, empty=empty)

    def _people(self, acted: Collection[int]) -> Iterable[tuple[int, str, timedelta | None]]:
        """Return who did anything or was online: of members only is it told how long."""
        online = online_within(self.period.since, self.period.until)
        is_member = Q(pk__in=self._members().values("pk"))
        return (
            User.objects.filter(account=self.scope.account_id)
            .annotate(online=Case(When(is_member, then=online)))
            .filter(Q(pk__in=acted) | Q(online__isnull=False))
            .values_list("pk", "name", "online")
        )

    def _members(self) -> "QuerySet[User]":
        """Return the people who work in these inboxes, or the one of them who is asked for."""
        rows, agent = members_of(self.scope), self.asked.agent
        return rows.filter(pk=agent) if agent else rows

    def _numbers(self) -> Table:
        names = ("inbound", "sent", "delivered", "failed", "blocked", "opt_outs", "segments")
        cells, took = self._grouped("sender", *names), self._times_by(BY_NUMBER)
        keys = {*cells, *took, *self.waiting.by_number}
        senders = Sender.objects.filter(account=self.scope.account_id, pk__in=keys)
        rows: list[tuple[Value, ...]] = []
        for pk, address in senders.values_list("pk", "address"):
            inbound, sent, delivered, failed, *rest = cells.get(pk, [0] * len(names))
            told = (phone_words(address), inbound, sent, share_of(delivered, sent + failed), failed)
            price = () if self.asked.price is None else (self.asked.price * rest[-1],)
            last = (*_medians(took.get(pk)), self.waiting.by_number[pk])
            rows.append((*told, code_words(self._codes.get(pk)), *rest, *price, *last))
        columns = (
            Column(_("Number"), Kind.TEXT),
            Column(pgettext("messages", "In")),
            Column(pgettext("messages", "Out")),
            Column(_("Delivered"), Kind.SHARE),
            Column(_("Failed")),
            Column(_("Most frequent codes"), Kind.TEXT),
            Column(_("Not sent")),
            Column(_("Opt-outs")),
            Column(_("Segments")),
            *(() if self.asked.price is None else (Column(self._cost_words()),)),
            *_median_columns(),
            Column(_("Wait now")),
        )
        return Table("numbers", _("By number"), columns, sorted(rows, key=_by_name))

    @cached_property
    def _codes(self) -> dict[int, Counter[str]]:
        return codes_by_number(self.scope, self.period.since, self.period.until)

    def _tags(self) -> Table:
        names = ("opened", "inbound", "replies", "closed", "opt_outs")
        told = self.cells.filter(self.scope.tells_tags("conversation__"))
        found = (
            told.annotate(one=Func(F("tags"), function="unnest"))
            .values_list("one")
            .annotate(*[Sum(name) for name in names])
            .order_by("one")
        )
        cells, took = {tag: sums for tag, *sums in found}, self._times_by(BY_TAG)
        rows: list[tuple[Value, ...]] = [
            (tag, *cells.get(tag, [0] * 5), *_medians(took.get(tag)), self.waiting.by_tag[tag])
            for tag in sorted({*cells, *took, *self.waiting.by_tag})[:MOST_ROWS]
        ]
        columns = (
            Column(_("Tag"), Kind.TEXT),
            Column(_("New conversations")),
            Column(pgettext("messages", "In")),
            Column(_("Replies")),
            Column(_("Closed")),
            Column(_("Opt-outs")),
            *_median_columns(),
            Column(_("Wait now")),
        )
        note = _("What has several tags counts in each of them.")
        return Table("tags", _("By tag"), columns, rows, note=note)

    def _unnested(self, name: str) -> list[tuple[str, int]]:
        rows = (
            self.cells.exclude(**{name: []})
            .annotate(one=Func(F(name), function="unnest"))
            .values_list("one")
            .annotate(times=Count("pk"))
            .order_by("-times", "one")[:MOST_ROWS]
        )
        return list(rows)

    def _rules(self) -> Table:
        found = dict(self._unnested("rules"))
        took = {rule: times for rule, times in self._times_by(BY_RULE).items() if rule}
        keys = sorted({*found, *took}, key=lambda rule: (-found.get(rule, 0), rule))[:MOST_ROWS]
        names = {DEFAULT: _("No rule: the whole team")}
        if keys:
            names |= rule_names(self.scope, keys)
        rows: list[tuple[Value, ...]] = [
            (names.get(rule, rule), found.get(rule, 0), *_medians(took.get(rule))) for rule in keys
        ]
        columns = (Column(_("Rule"), Kind.TEXT), Column(_("Decided")), *_median_columns())
        note = _("How long it took counts for the rule that decided last about a conversation.")
        return Table("rules", _("By rule"), columns, rows, note=note)

    def _failures(self) -> Table:
        together: Counter[str] = sum(self._codes.values(), Counter())
        found = sorted(together.items(), key=lambda one: (-one[1], one[0]))[:MOST_ROWS]
        whole = together.total()
        rows = [(code, times, share_of(times, whole)) for code, times in found]
        columns = (
            Column(_("Code"), Kind.TEXT),
            Column(_("Messages")),
            Column(_("Of all failures"), Kind.SHARE),
        )
        return Table("failures", _("Failures by code"), columns, rows)

    def _templates(self) -> Table:
        columns = (Column(_("Template"), Kind.TEXT), Column(_("Sent")))
        return Table("templates", _("By template"), columns, self._unnested("templates"))

    def _channels(self) -> Table:
        names = ("inbound", "sent", "failed", "segments")
        cells = self._grouped("channel", *names)
        rows: list[tuple[Value, ...]] = [
            (channel_words(one), *found) for one, found in cells.items()
        ]
        columns = (
            Column(_("Channel"), Kind.TEXT),
            Column(pgettext("messages", "In")),
            Column(pgettext("messages", "Out")),
            Column(_("Failed")),
            Column(_("Segments")),
        )
        return Table("channels", _("By channel"), columns, sorted(rows, key=_by_name))

    def _grouped(self, by: str, *names: str) -> dict[Any, tuple[int, ...]]:
        rows = self.cells.values_list(by).annotate(*[Sum(name) for name in names]).order_by(by)
        return {key: tuple(found) for key, *found in rows}


def _medians(times: Times | None) -> tuple[timedelta | None, ...]:
    return tuple(took.median for took in times or NO_TIMES)


def _median_columns() -> tuple[Column, ...]:
    titles = (_("First reply, median"), _("Reply, median"), _("Time to close"))
    return tuple(Column(title, Kind.TIME) for title in titles)


def _with(ended: Took, running: Took) -> Took:
    """Add waits that went on to those that ended: how many there were, and how many too long."""
    return Took(ended.number + running.number, late=ended.late + running.late)


def _by_name(row: Sequence[Value]) -> str:
    return str(row[0]).casefold()


def _hour_words(hour: datetime, is_one_day: bool) -> str:
    time = date_format(hour, "TIME_FORMAT")
    return time if is_one_day else f"{date_format(hour, 'D')} {time}"


def _card(key: str, title: str, now: Value, before: Value, kind: Kind, words: str = "") -> Card:
    return Card(
        key,
        title,
        words_for(now, kind),
        words_for(before, kind),
        _change(now, before, kind),
        words,
    )


def _change(now: Value, before: Value, kind: Kind) -> str:
    """Say by how much something changed; blank where there is nothing to compare with."""
    if now is None or before is None or isinstance(now, str) or isinstance(before, str):
        return ""
    if kind is Kind.SHARE:
        points = float(now) - float(before)  # type: ignore[arg-type]
        return _("%(points)+.1f points") % {"points": points}
    one, other = (
        value.total_seconds() if isinstance(value, timedelta) else float(value)
        for value in (now, before)
    )
    if not other:
        return ""
    return _("%(percent)+d %%") % {"percent": round(100 * (one - other) / other)}
