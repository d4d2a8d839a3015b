"""Whose figures may this person have?

Supervisors, account admins and support get those of whole inboxes. Everybody else gets what is told
of conversations that they may read, and nothing by the names of colleagues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts.access import Viewer
from accounts.models import Membership, User
from inbox.access import conversations_of, inboxes_of
from inbox.models import Conversation, ReportCell, ResponseTime, TeamInbox
from inbox.models.conversation import ConversationQuerySet
from inbox.reporting.asking import Asked


@dataclass(frozen=True)
class Scope:
    """What a report is made of: the inboxes, and whether all of them or what `viewer` may read.

    `offered` are the inboxes somebody can choose from, `chosen` the ones they did.
    """

    viewer: Viewer
    account_id: int
    is_team: bool
    may_have_team: bool
    offered: Sequence[TeamInbox]
    chosen: Sequence[TeamInbox]
    asked: Asked

    @property
    def inbox_ids(self) -> list[int]:
        """Return the keys of the inboxes that are looked at."""
        return [one.pk for one in self.chosen]

    def cells(self, since: datetime, until: datetime) -> "QuerySet[ReportCell]":
        """Return what is counted from a moment up to another."""
        asked = self.asked
        rows = ReportCell.objects.filter(
            account=self.account_id,
            inbox__in=self.inbox_ids,
            begins_at__gte=since,
            begins_at__lt=until,
        ).order_by()
        if not self.is_team:
            rows = rows.filter(conversation__in=conversations_of(self.viewer))
        if asked.channel:
            rows = rows.filter(channel=asked.channel)
        if asked.tag:
            rows = rows.filter(self.tells_tags("conversation__"), tags__contains=[asked.tag])
        return rows.filter(agent=asked.agent) if asked.agent else rows

    def times(self, since: datetime, until: datetime) -> "QuerySet[ResponseTime]":
        """Return how long things took that ended from a moment up to another."""
        rows = ResponseTime.objects.filter(
            self._of_conversation("conversation__"),
            account=self.account_id,
            inbox__in=self.inbox_ids,
            ended_at__gte=since,
            ended_at__lt=until,
        ).order_by()
        if not self.is_team:
            rows = rows.filter(conversation__in=conversations_of(self.viewer))
        return rows.filter(user=self.asked.agent) if self.asked.agent else rows

    def conversations(self) -> ConversationQuerySet:
        """Return the conversations that are looked at, whatever their state."""
        sight = conversations_of(self.viewer)
        rows = Conversation.objects.filter(account=self.account_id) if self.is_team else sight
        rows = rows.filter(self._of_conversation(""), inbox__in=self.inbox_ids)
        return rows.filter(owner=self.asked.agent) if self.asked.agent else rows

    def readable(self) -> ConversationQuerySet:
        """Return those conversations that this person may read, whatever figures they may have."""
        rows = conversations_of(self.viewer).filter(
            self._of_conversation(""), inbox__in=self.inbox_ids
        )
        agent = self.asked.agent
        return rows.filter(Q(owner=agent) | Q(last_owner=agent)) if agent else rows

    def _of_conversation(self, path: str) -> Q:
        wanted = Q(**{f"{path}is_hidden": False})
        if self.asked.channel:
            wanted &= Q(**{f"{path}thread__address__family": self.asked.channel})
        if self.asked.tag:
            wanted &= Q(**{f"{path}tags__contains": [self.asked.tag]}) & self.tells_tags(path)
        return wanted

    def tells_tags(self, path: str) -> Q:
        """Keep what lies in these inboxes now; `path` leads to a conversation.

        What was moved out of them counts there still, but which tags it has is told no more.
        """
        return Q(**{f"{path}inbox__in": self.inbox_ids}) if self.is_team else Q()


def scope_of(viewer: Viewer, user: User, asked: Asked) -> Scope | None:
    """Say whose figures this person gets for what they ask; None if they may have no report.

    Raises Http404 for an inbox that is not theirs, and for a colleague they may not ask about.
    """
    whole = _whole_inboxes(viewer, user)
    if viewer.account_id is None or not (whole or viewer.may_see):
        return None
    is_team = bool(whole) and not (asked.is_own and viewer.may_see)
    offered = whole if is_team else inboxes_of(viewer)
    chosen = [one for one in offered if asked.inbox in ("", one.slug)]
    if asked.inbox and not chosen:
        raise Http404("No such inbox.")
    if asked.agent and not (is_team or asked.agent == viewer.user_id):
        raise Http404("No such person.")
    return Scope(viewer, viewer.account_id, is_team, bool(whole), offered, chosen, asked)


def _whole_inboxes(viewer: Viewer, user: User) -> list[TeamInbox]:
    rows = TeamInbox.objects.filter(account=viewer.account_id, is_on=True).select_related("account")
    if not viewer.has_team_inbox or viewer.account_id is None:
        return []
    is_admin = user.role == User.Role.ACCOUNT_ADMIN and user.account_id == viewer.account_id
    if is_admin:
        return list(rows)
    theirs = viewer.reads_all_of if viewer.may_see else frozenset()
    return list(rows.filter(pk__in=theirs)) if theirs else []


def people_of(scope: Scope) -> list[User]:
    """Return the people whose figures can be asked for, by name: those of the chosen teams."""
    if not scope.is_team:
        return []
    return list(members_of(scope).only("name").order_by("name", "pk")[:500])


def members_of(scope: Scope) -> "QuerySet[User]":
    """Return the people who work in the inboxes that are looked at."""
    members = Membership.objects.filter(team__in=scope.inbox_ids)
    return User.objects.filter(account=scope.account_id, pk__in=members.values("user"))
