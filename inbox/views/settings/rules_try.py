"""What would rules do? A message is tried and kept as an example, messages are replayed.

Nothing is sent, and of all that is tried only an example is written, where somebody keeps it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Viewer, viewer_of
from inbox.directory import directory_of_account
from inbox.explaining.dry_run import (
    Bench,
    Tried,
    message_to_try,
    recent_messages,
    try_past_message,
    try_typed_message,
)
from inbox.explaining.outcome import outcome_told
from inbox.explaining.places import (
    Which,
    circumstances_of,
    rulebooks_of,
    rules_to_try,
)
from inbox.explaining.replay import count_replayable, replay_inbox
from inbox.labels import contact_name
from inbox.models import Message, Sender, TeamInbox
from inbox.views.settings.rules_desk import RulesDesk, rules_desk
from inbox.views.settings.try_forms import (
    KeepForm,
    PastForm,
    ReplayForm,
    TypedForm,
    shown_at,
)
from routing.deciding import DEFAULT
from routing.examples import expected_of, rule_name, try_example
from routing.keeping_examples import ExampleError, keep_example
from routing.models import Rulebook
from routing.replaying import Change, Kind
from routing.sentences import Names
from routing.trying import TypedError

MOST_CHANGES = 200
KINDS = {
    Kind.ELSEWHERE: gettext_lazy("goes elsewhere"),
    Kind.NOBODY: gettext_lazy("to nobody"),
    Kind.OTHERWISE: gettext_lazy("something else is done"),
}


@dataclass
class TryDesk:
    """Who tries the rules of which inbox, and what the pages about that need."""

    desk: RulesDesk
    inbox: TeamInbox

    @property
    def zone(self) -> str:
        """Return the inbox's time zone."""
        return self.inbox.zone

    @cached_property
    def viewer(self) -> Viewer:
        """Return what the person may read: only that shows words of customers."""
        return viewer_of(self.desk.who.user, now=self.desk.who.now)

    @cached_property
    def books(self) -> tuple[Rulebook | None, Rulebook | None]:
        """Return the account's rulebook that is asked first, and the inbox's."""
        return rulebooks_of(self.inbox)

    @property
    def has_account_draft(self) -> bool:
        """Say whether there are rules asked first, whose draft this person may try."""
        return self.books[0] is not None and not self._is_supervisor

    @property
    def _is_supervisor(self) -> bool:
        return bool(getattr(self.desk.who, "is_supervisor", False))

    @cached_property
    def names(self) -> Names:
        """Return what people and teams are called."""
        return self.desk.world.names

    def bench(self, which: Which, *, asks: bool = False) -> Bench:
        """Return where something is tried."""
        return Bench(self.inbox, which, self.viewer, self.desk.who.now, asks)

    def typed_form(self, data: Any = None, **initial: Any) -> TypedForm:
        """Return the form of a typed message."""
        team = self.desk.world.directory.members.get(self.inbox.pk, ())
        people = self.desk.world.directory.people
        senders = Sender.objects.in_use().filter(inbox=self.inbox).values_list("address", flat=True)
        return TypedForm(
            data,
            zone=self.zone,
            now=self.desk.who.now,
            senders=[(one.removeprefix("whatsapp:"), one) for one in senders],
            colleagues=[(pk, people[pk].name) for pk in team if pk in people],
            has_account_draft=self.has_account_draft,
            initial=initial,
        )

    def past_form(self, data: Any = None, **initial: Any) -> PastForm:
        """Return the form of a message that came."""
        rows = recent_messages(self.inbox, self.viewer)
        return PastForm(
            data,
            zone=self.zone,
            messages=[(row.public_id, _message_words(row, self.zone)) for row in rows],
            has_account_draft=self.has_account_draft,
            prefix="past",
            initial=initial,
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Show a page about trying."""
        urls = {name: self.desk.url(f"s_{name}") for name in ("try", "examples", "replay")}
        return self.desk.page(
            template, status=status, tries=urls, zone=self.zone, try_desk=self, **context
        )


def _try_desk(request: HttpRequest, slug: str) -> TryDesk:
    desk = rules_desk(request, slug)
    assert desk.whose.inbox is not None
    rows = TeamInbox.objects.select_related("account", "escalation")
    return TryDesk(desk, rows.get(pk=desk.whose.inbox.pk))


# --- The dry run ---


@require_http_methods(["GET", "POST"])
def rules_try(request: HttpRequest, slug: str) -> HttpResponse:
    """Try a message, typed or past; keep a typed one as an example."""
    here = _try_desk(request, slug)
    if request.method == "GET":
        return _forms(here, here.typed_form(**_copied(here)))
    do = request.POST.get("do", "")
    if do == "past":
        return _try_past(here)
    typed = here.typed_form(request.POST)
    if not typed.is_valid():
        return _forms(here, typed, status=422)
    if do == "keep":
        return _keep(here, typed)
    return _forms(here, typed, tried=_try_typed(here, typed))


def _copied(here: TryDesk) -> dict[str, Any]:
    """Return what of a past message is typed already: its words, and nothing of who wrote it."""
    public_id = here.desk.request.GET.get("copy", "")
    message = message_to_try(here.inbox, here.viewer, public_id) if public_id else None
    if message is None:
        return {}
    at = message.received_at or message.created_at
    return {"text": message.body, "channel": message.channel, "at": shown_at(at, here.zone)}


def _try_typed(here: TryDesk, form: TypedForm) -> Tried:
    said = form.cleaned_data
    bench = here.bench(form.chosen(), asks=said["asks"])
    return try_typed_message(bench, form.typed(), as_they_are=said["people"] != "there")


def _try_past(here: TryDesk) -> HttpResponse:
    form = here.past_form(here.desk.request.POST)
    if not form.is_valid():
        return _forms(here, here.typed_form(), past=form, status=422)
    said = form.cleaned_data
    message = message_to_try(here.inbox, here.viewer, said["message"])
    if message is None:
        raise Http404
    bench = here.bench(form.chosen(), asks=said["asks"])
    tried = try_past_message(bench, message, at=said["at"])
    return _forms(here, here.typed_form(), past=form, tried=tried, message=message)


def _keep(here: TryDesk, typed: TypedForm) -> HttpResponse:
    """Keep a typed message as an example of the rules that were tried."""
    keep = KeepForm(here.desk.request.POST)
    tried = _try_typed(here, typed)
    rulebook = here.books[0 if typed.chosen() is Which.ACCOUNT_DRAFT else 1]
    if rulebook is None:
        keep.add_error(None, _("There are no rules yet: write one first."))
    if not keep.is_valid() or rulebook is None:
        return _forms(here, typed, tried=tried, keep=keep, status=422)
    who = here.desk.who
    directory = directory_of_account(here.inbox.account_id, team=here.inbox.pk, now=who.now)
    place = circumstances_of(here.inbox, directory)
    rules = rules_to_try(here.inbox, typed.chosen()).rules
    try:
        kept = keep_example(
            rulebook=rulebook,
            team=here.inbox.team,
            name=keep.cleaned_data["example"],
            typed=typed.typed(),
            expected=keep.wanted(expected_of(try_example(typed.typed(), rules, place))),
            by=who.user,
            now=who.now,
        )
    except (ExampleError, TypedError) as refused:
        keep.add_error("example", refused.reason)
        return _forms(here, typed, tried=tried, keep=keep, status=422)
    words = _("“%s” is kept: it is run before rules are published.") % kept
    return here.desk.done(words, _list_of(here, rulebook))


def _list_of(here: TryDesk, rulebook: Rulebook) -> str:
    """Return the page that lists the examples of a rulebook."""
    first = here.books[0]
    if first and rulebook.pk == first.pk:
        return reverse("settings_first_rules_examples")
    return here.desk.url("s_examples")


def _forms(
    here: TryDesk,
    typed: TypedForm,
    *,
    past: PastForm | None = None,
    tried: Tried | None = None,
    message: Message | None = None,
    keep: KeepForm | None = None,
    status: int = 200,
) -> HttpResponse:
    initial = {"expects": ["who", "reply"]}
    return here.page(
        "try",
        status=status,
        form=typed,
        past=past or here.past_form(),
        may_read=here.viewer.may_see,
        tried=tried,
        told=outcome_told(tried, here.names) if tried else None,
        message=message,
        keep=None if message else keep or KeepForm(initial=initial),
        wrong=past if past and past.errors else keep if keep and keep.errors else typed,
    )


def _message_words(row: Message, zone: str) -> str:
    """Name a message in a list to choose from."""
    who = contact_name(row.thread.contact, row.thread.address)
    at = row.received_at or row.created_at
    words = Truncator(" ".join(row.body.split())).chars(60) or _("(no words)")
    return f"{shown_at(at, zone).replace('T', ' ')} · {who}: {words}"


# --- The replay ---


@dataclass(frozen=True)
class ChangeLine:
    """One message that would fare otherwise; without `message` the reader may not see it."""

    kind: str
    before: str
    after: str
    rule_before: str
    rule_after: str
    message: Message | None


@require_GET
def rules_replay(request: HttpRequest, slug: str) -> HttpResponse:
    """Replay the last messages of an inbox, and show what would be otherwise than now."""
    here = _try_desk(request, slug)
    form = ReplayForm(
        request.GET if request.GET else None, has_account_draft=here.has_account_draft
    )
    context: dict[str, Any] = {"form": form, "available": count_replayable(here.inbox)}
    if not form.is_bound or not form.is_valid():
        return here.page("replay", **context, status=422 if form.is_bound else 200)
    found = replay_inbox(
        here.inbox,
        form.chosen(),
        viewer=here.viewer,
        limit=form.number(),
        now=here.desk.who.now,
    )
    kind, rule = request.GET.get("kind", ""), request.GET.get("rule", "")
    changes = [one for one in found.tally.changes if _is_wanted(one, kind, rule)]
    rules = _rule_counts(found.tally.decided_before, found.tally.decided_after)
    return here.page(
        "replay",
        **context,
        found=found,
        counts={one.value: found.tally.count(one) for one in Kind},
        lines=[_change_line(one, found, here.names) for one in changes[:MOST_CHANGES]],
        more=max(len(changes) - MOST_CHANGES, 0),
        listed=len(changes),
        rules=[(one, _named(one, found), before, after) for one, before, after in rules],
        kind=kind,
        rule=rule,
        kinds=[(one.value, words) for one, words in KINDS.items()],
    )


def _is_wanted(change: Change, kind: str, rule: str) -> bool:
    rules = (change.before.rule, change.after.rule)
    return (not kind or change.kind == kind) and (not rule or rule in rules)


def _rule_counts(before: Any, after: Any) -> list[tuple[str, int, int]]:
    every = dict.fromkeys([*after, *before])
    found = [(rule, before[rule], after[rule]) for rule in every]
    return sorted(found, key=lambda one: (one[0] == DEFAULT, -max(one[1:])))


def _named(rule: str, found: Any) -> str:
    name = rule_name(rule, found.after)
    return name if name != rule else rule_name(rule, found.before)


def _change_line(change: Change, found: Any, names: Names) -> ChangeLine:
    def who(fate: Any) -> str:
        words = names.of_people(sorted(fate.people)) if fate.people else _("the whole team")
        if fate.has_nobody:
            return _("nobody who could; the whole team for now")
        return _("%s, as its owner") % words if fate.is_owner else words

    return ChangeLine(
        kind=str(KINDS[change.kind]),
        before=who(change.before),
        after=who(change.after),
        rule_before=_named(change.before.rule, found),
        rule_after=_named(change.after.rule, found),
        message=found.messages.get(change.id),
    )
