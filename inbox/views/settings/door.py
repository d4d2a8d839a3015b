"""Who may set the hours and replies of which inboxes?

Account admins those of every inbox; supervisors those of theirs, where the inbox allows it.
"""

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.administrators import Administrator, administrator
from accounts.models import User
from accounts.sessions import viewer_here
from inbox.models import TeamInbox


@dataclass(frozen=True)
class Setter(Administrator):
    """A person at work on hours and replies. `inboxes` are all that a supervisor may set up."""

    inboxes: tuple[TeamInbox, ...] = ()

    @property
    def is_supervisor(self) -> bool:
        """Say whether they may set up these inboxes only."""
        return bool(self.inboxes)

    def may_set(self, inbox_id: int) -> bool:
        """Say whether hours and replies of this inbox of the account are theirs to set."""
        return not self.inboxes or inbox_id in {inbox.pk for inbox in self.inboxes}


def setter(request: HttpRequest) -> Setter:
    """Return who sets hours and replies. For anybody else there are no such pages: Http404."""
    try:
        who = administrator(request)
    except Http404:
        return _supervisor(request)
    return Setter(who.user, who.account, who.now, who.support)


def _supervisor(request: HttpRequest) -> Setter:
    user, now = request.user, timezone.now()
    assert isinstance(user, User)  # LoginRequiredMiddleware lets nobody else in.
    viewer = viewer_here(request, user, now=now)
    rows = TeamInbox.objects.filter(
        account=viewer.account_id, pk__in=viewer.supervises, is_on=True, supervisors_may_set_up=True
    )
    inboxes = tuple(rows) if viewer.may_see and viewer.supervises else ()
    if not inboxes or user.account is None:
        raise Http404("No such page.")
    return Setter(user, user.account, now, inboxes=inboxes)
