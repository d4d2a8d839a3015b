"""How do the settings pages find what is asked for, and say what came of it?"""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from accounts.administrators import Administrator
from accounts.models import Team
from accounts.numbers import number_in
from inbox.models import Sender, TeamInbox
from inbox.segments import count
from inbox.setup.refusals import REFUSALS as REFUSALS

Row = TypeVar("Row")


def team_of(who: Administrator, pk: int) -> Team:
    """Return a team of the account, or raise Http404."""
    team = Team.objects.select_related("account", "inbox").filter(account=who.account, pk=pk)
    return _found(team.first())


def inbox_of(who: Administrator, slug: str) -> TeamInbox:
    """Return an inbox of the account, switched on or off, or raise Http404."""
    rows = TeamInbox.objects.select_related("team__account").filter(account=who.account)
    return _found(rows.filter(slug=slug).first())


def sender_of(inbox: TeamInbox, pk: int | None) -> Sender:
    """Return a number of an inbox that is in use, or raise Http404."""
    rows = Sender.objects.in_use().select_related("inbox", "twilio_account", "account")
    return _found(rows.filter(inbox=inbox, pk=pk).first() if pk else None)


def posted_number(request: HttpRequest, name: str) -> int | None:
    """Return a number that a form sent, or None if it is none."""
    return number_in(request.POST.get(name, ""))


def tell(request: HttpRequest, story: Callable[[], object], done: str) -> bool:
    """Run a story and say what came of it on the next page; False if it refused."""
    try:
        story()
    except REFUSALS as error:
        messages.error(request, error.reason)
        return False
    if done:
        messages.success(request, done)
    return True


def say_replaced(request: HttpRequest, number: str, before: str) -> None:
    """Say what took a number's messages until now: it may have been there for a purpose."""
    if before:
        words = _("Messages to %(number)s went to %(before)s before. We remember that.")
        messages.info(request, words % {"number": number, "before": before})


def segments_of(text: str) -> int:
    """Return in how many parts a text is sent; nothing is sent in none."""
    return count(text).segments if text else 0


def _found(row: Row | None) -> Row:
    if row is None:
        raise Http404(_("There is nothing here."))
    return row
