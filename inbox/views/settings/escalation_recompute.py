"""What would change for customers who wait already? Shown first, then done if an admin says so.

Who waits is told by inbox and time, and not by name: admins read no conversations by being one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.labels import moment_words
from inbox.replanning import LOOKED_AT, Change, Preview, Subject, preview_recompute, recompute
from inbox.setup.policies import names_for
from inbox.views.settings.answers import inbox_of
from routing.escalation import Policy, Timer
from routing.models import EscalationPolicy
from routing.policy_documents import PolicyError
from routing.policy_words import Names, coming_words, number_words


@dataclass(frozen=True)
class Waiting:
    """One customer who waits: where, since when, and what would come before and after."""

    inbox: str
    since: str
    before: list[str]
    after: list[str]


@require_http_methods(["GET", "POST"])
def policy_recompute(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show what a policy as it is now would change for those who wait; let them follow it."""
    who = administrator(request)
    policy = EscalationPolicy.objects.filter(account=who.account, pk=pk).first()
    if policy is None:
        raise Http404("No such page.")
    back = reverse("settings_escalation_edit", kwargs={"pk": policy.pk})
    return _recompute(request, who, policy, back)


@require_http_methods(["GET", "POST"])
def inbox_recompute(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the policies of an inbox would change for those who wait in it; let them follow."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    back = reverse("settings_inbox_escalation", args=[inbox.slug])
    return _recompute(request, who, inbox, back)


def _recompute(
    request: HttpRequest, who: Administrator, subject: Subject, back: str
) -> HttpResponse:
    try:
        if request.method == "POST":
            done = recompute(subject, by=who.user, now=who.now)
            messages.success(request, _said(done.changed, is_more=done.is_more))
            return HttpResponseRedirect(back)
        preview = preview_recompute(subject, who.now)
    except PolicyError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(back)
    context = {
        "who": who,
        "here": "escalation",
        "subject": subject,
        "preview": preview,
        "looked_at": LOOKED_AT,
        "lines": _lines(preview, who),
        "back": back,
    }
    return render(request, "settings/escalation_recompute.html", context)


def _said(changed: int, *, is_more: bool) -> str:
    if not changed:
        return _("Nothing had to change: who waits follows already.")
    words = ngettext(
        "%d customer who waits follows the steps as they are now.",
        "%d customers who wait follow the steps as they are now.",
        changed,
    )
    more = _("More of them wait: do it once more.") if is_more else ""
    return f"{words % changed} {more}".strip()


def _lines(preview: Preview, who: Administrator) -> list[Waiting]:
    timers = [one for change in preview.shown for one in (*change.before, *change.after)]
    named = Policy(tuple(timer.step for timer in timers))
    names = names_for(who.account.pk, [named])
    return [_line(change, names, who.now) for change in preview.shown]


def _line(change: Change, names: Names, now: datetime) -> Waiting:
    row = change.conversation
    zone = row.inbox.zone

    def clock(at: datetime) -> str:
        return moment_words(at, zone)

    return Waiting(
        inbox=row.inbox.name,
        since=clock(row.waiting_since or now),
        before=_told(change.before, names, clock),
        after=_told(change.after, names, clock),
    )


def _told(timers: Iterable[Timer], names: Names, clock: Callable[[datetime], str]) -> list[str]:
    """Tell each step that did or may still act: when, and what it does."""
    return [
        _("%(when)s: %(what)s (%(step)s)")
        % {
            "when": _when(timer, clock),
            "what": coming_words(timer.step, names),
            "step": number_words(timer.number),
        }
        for timer in timers
        if timer.fired_at or timer.is_open
    ]


def _when(timer: Timer, clock: Callable[[datetime], str]) -> str:
    if timer.fired_at:
        return _("done at %s") % clock(timer.fired_at)
    if timer.due_at:
        return clock(timer.due_at)
    return _("rests")
