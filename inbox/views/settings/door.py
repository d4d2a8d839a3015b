"""Who may set the hours and replies of which inboxes?

Account admins those of every inbox; supervisors those of theirs, where the inbox allows it. Canned
replies that are for one person alone are theirs, whoever they are, if they are licensed.
"""

from dataclasses import dataclass

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.administrators import Administrator, administrator
from accounts.models import User
from accounts.sessions import viewer_here
from inbox.models import CannedReply, TeamInbox


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


@dataclass(frozen=True)
class Keeper(Setter):
    """A person at work on canned replies.

    `is_agent`: they may keep their own. `sets_shared`: others' are theirs to set, as `inboxes`
    says. `member_of` are the teams whose they use.
    """

    is_agent: bool = False
    sets_shared: bool = False
    member_of: frozenset[int] = frozenset()

    @property
    def is_agent_only(self) -> bool:
        """Say whether they set nothing but what is their own."""
        return not self.sets_shared

    @property
    def sets_account(self) -> bool:
        """Say whether what is for everybody is theirs to set."""
        return self.sets_shared and not self.is_supervisor

    def may_keep(self, row: CannedReply) -> bool:
        """Say whether a canned reply of the account is theirs to change."""
        if row.person_id is not None:
            return self.is_agent and row.person_id == self.user.pk
        if row.inbox_id is not None:
            return self.sets_shared and self.may_set(row.inbox_id)
        return self.sets_account

    @property
    def shown(self) -> Q:
        """Return the condition of the canned replies of the account that they may know of."""
        mine = Q(person=self.user) if self.is_agent else Q(pk=None)
        if self.sets_account:
            return mine | Q(person=None)
        theirs = self.member_of | {inbox.pk for inbox in self.inboxes}
        return mine | Q(person=None, inbox=None) | Q(person=None, inbox__in=theirs)


def keeper(request: HttpRequest) -> Keeper:
    """Return who keeps canned replies. For anybody else there is no such page: Http404."""
    try:
        who = setter(request)
    except Http404:
        return _agent(request)
    teams = _teams_of_agent(request, who)
    return Keeper(
        who.user,
        who.account,
        who.now,
        who.support,
        who.inboxes,
        is_agent=teams is not None,
        sets_shared=True,
        member_of=teams or frozenset(),
    )


def _agent(request: HttpRequest) -> Keeper:
    user, now = request.user, timezone.now()
    assert isinstance(user, User)  # LoginRequiredMiddleware lets nobody else in.
    if user.account is None:
        raise Http404("No such page.")
    teams = _teams_of_agent(request, Administrator(user, user.account, now))
    if teams is None:
        raise Http404("No such page.")
    return Keeper(user, user.account, now, is_agent=True, member_of=teams)


def _teams_of_agent(request: HttpRequest, who: Administrator) -> frozenset[int] | None:
    """Return the teams of who answers customers of the account; None for who answers none."""
    if who.user.account_id != who.account.pk:
        return None
    viewer = viewer_here(request, who.user, now=who.now)
    return viewer.member_of if viewer.may_see and not viewer.is_support else None
