"""What would a policy do to somebody who waits? A run on a virtual clock; nothing is written."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import formats
from django.utils.translation import gettext as _

from accounts.numbers import number_in
from inbox.models import TeamInbox
from inbox.reply_settings import reminder_of
from inbox.setup.policies import calendars_of
from routing.escalation import Policy, Waiting
from routing.policy_words import Names
from routing.rehearsal import Act, Event, run
from routing.rehearsal_words import ACT_WORDS, told

MOST_ACTS = 20
# The last step comes after 24 hours of business hours, which may take weeks.
WATCHED = timedelta(days=60)
_YEARS = range(2000, 2101)


@dataclass(frozen=True)
class ShownLine:
    """What happens at one moment, its time in words, and how long after the first message."""

    at: str
    after: str
    sentences: tuple[str, ...]
    has_effect: bool


@dataclass
class ActForm:
    """What somebody does at a minute, as written."""

    act: str = Act.REPLY.value
    minute: str = ""
    error: str = ""
    has_focus: bool = False

    def event(self, begins: datetime) -> Event | None:
        """Return what is meant; None if it makes no sense, which `error` then says."""
        minute = number_in(self.minute.strip())
        if minute is None or timedelta(minutes=min(minute, 10**8)) > WATCHED:
            self.error = _("Write after how many minutes, up to %d days.") % WATCHED.days
            return None
        try:
            return Event(begins + timedelta(minutes=minute), Act(self.act))
        except ValueError:
            self.error = _("Choose what somebody does.")
            return None


@dataclass
class RunForm:
    """In which inbox a customer begins to wait, when, and what people do then."""

    inboxes: Collection[TeamInbox]
    inbox: TeamInbox | None
    start: str = ""
    acts: list[ActForm] = field(default_factory=list)
    error: str = ""
    focus: str = ""

    @classmethod
    def posted(
        cls, data: QueryDict, inboxes: Collection[TeamInbox], usual: int | None
    ) -> "RunForm":
        """Take what a browser sent; without it the first inbox that has the policy, from now on."""
        wanted = number_in(data.get("run-inbox", "")) or usual
        first = next(iter(inboxes), None)
        inbox = next((one for one in inboxes if one.pk == wanted), first)
        acts = [
            ActForm(data.get(f"a{n}-act", "")[:20], data.get(f"a{n}-minute", "")[:20])
            for n in range(MOST_ACTS)
            if f"a{n}-act" in data
        ]
        return cls(inboxes, inbox, data.get("run-start", "")[:30], acts)

    @property
    def zone(self) -> str:
        """Name the time zone in which its times are written."""
        return self.inbox.zone if self.inbox else "UTC"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return what people can do."""
        return [(act.value, str(words)) for act, words in ACT_WORDS.items()]

    @property
    def may_have_more(self) -> bool:
        """Say whether there is room for another act."""
        return len(self.acts) < MOST_ACTS

    def do(self, what: str) -> bool:
        """Do what a button says: act-add, act-drop-0. False if it says neither."""
        if what == "act-add":
            if self.may_have_more:
                self.acts.append(ActForm(has_focus=True))
            return True
        name, _dash, number = what.rpartition("-")
        place = number_in(number)
        if name != "act-drop" or place is None or place >= len(self.acts):
            return False
        del self.acts[place]
        self.focus = "act-add"
        return True

    def errors(self) -> list[tuple[str, str]]:
        """Return what is wrong: the id of the field, and in words."""
        found = [("id_run-start", self.error)] if self.error else []
        return found + [
            (f"id_a{n}-minute", act.error) for n, act in enumerate(self.acts) if act.error
        ]

    def lines(self, policy: Policy, names: Names, *, now: datetime) -> list[ShownLine] | None:
        """Play a policy, and what its inbox says to who still waits.

        None if something is wrong, or there is no inbox to play it in.
        """
        begins = self._begins(now)
        if begins is None or self.inbox is None:
            return None
        events = [event for act in self.acts if (event := act.event(begins))]
        if len(events) < len(self.acts):
            return None
        [(_inbox, calendar)] = calendars_of([self.inbox])
        policy = replace(policy, reminder=reminder_of(self.inbox))
        moments = run(policy, Waiting(begins), calendar, events, begins + WATCHED)
        lines = told(policy, begins, events, moments, names=names, clock=self.clock)
        return [
            ShownLine(self.clock(one.at), after_words(one.after), one.sentences, one.has_effect)
            for one in lines
        ]

    def _begins(self, now: datetime) -> datetime | None:
        """Return when the customer begins to wait; now unless a time was written."""
        here = ZoneInfo(self.zone)
        if not self.start.strip():
            begins = now.astimezone(here).replace(second=0, microsecond=0)
        else:
            try:
                begins = datetime.fromisoformat(self.start.strip()).replace(tzinfo=here)
            except ValueError:
                self.error = _("Write a date and a time, such as 2026-12-24 16:30.")
                return None
        if begins.year not in _YEARS:
            self.error = _("Choose a year from 2000 to 2100.")
            return None
        self.start = begins.strftime("%Y-%m-%dT%H:%M")
        # Two times of one clock are compared by what it shows: instants are what counts.
        return begins.astimezone(ZoneInfo("UTC"))

    def clock(self, at: datetime) -> str:
        """Write a moment as the inbox's clock shows it, with its day."""
        here = at.astimezone(ZoneInfo(self.zone))
        return f"{formats.date_format(here, 'D j M')}, {here:%H:%M}"


def after_words(after: timedelta) -> str:
    """Write shortly how long after the first message something happens; nothing at that moment."""
    minutes = int(after.total_seconds() // 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        *([_("%d d") % days] if days else []),
        *([_("%d h") % hours] if hours else []),
        *([_("%d min") % minutes] if minutes else []),
    ]
    return _("after %s") % " ".join(parts) if parts else ""
