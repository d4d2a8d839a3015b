"""Which teams does an account have, and who is in them as what?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.english import noop
from accounts.models import Account, Membership, Team, User
from inbox.broadcast import publish_ephemeral, user_group
from inbox.conversations import leave_inbox
from inbox.setup.people import changed

MOST_LETTERS = 80


class TeamError(Exception):
    """Something that cannot be done to this team, in words for who tried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def make_team(*, account: Account, name: str, by: User, now: datetime) -> Team:
    """Make a team. Raises TeamError for a name that is empty, too long, or taken."""
    with _unique_name(name), transaction.atomic():
        team = Team.objects.create(account=account, name=_clean(name))
        _note(team, "team_made", by, now, changes=changed("name", None, team.name))
    return team


def rename_team(*, team: Team, name: str, by: User, now: datetime) -> None:
    """Give a team another name. Raises TeamError as `make_team` does."""
    with _unique_name(name), transaction.atomic():
        row = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        before, row.name = row.name, _clean(name)
        if before != row.name:
            row.save(update_fields=["name"])
            _note(row, "team_renamed", by, now, changes=changed("name", before, row.name))


def add_members(
    *, team: Team, people: Iterable[User], role: str, by: User, now: datetime
) -> list[User]:
    """Put several people into a team at once; who is in it already stays as they are.

    Returns who is new. Raises TeamError for somebody of another account or a role that is none.
    """
    _check_role(role)
    wanted = list(people)
    if any(user.account_id != team.account_id or not user.is_active for user in wanted):
        raise TeamError(_("Choose people of your account."))
    added = []
    with transaction.atomic():
        for user in wanted:
            _row, is_new = Membership.objects.get_or_create(
                team=team, user=user, defaults={"role": role}
            )
            if is_new:
                added.append(user)
                _note(team, "member_added", by, now, user, changed("role", None, role))
    _look_again(added)
    return added


def change_member_role(*, membership: Membership, role: str, by: User, now: datetime) -> int:
    """Make a member an agent, a supervisor or an observer.

    Who becomes an observer gives back what they own in the team's inbox; returns how many
    conversations that were.
    """
    _check_role(role)
    with transaction.atomic(durable=True):
        row = Membership.objects.select_for_update().select_related("team", "user")
        member = row.filter(pk=membership.pk).first()
        if member is None:
            raise TeamError(_("They are no longer in this team."))
        before, member.role = member.role, role
        if before == role:
            return 0
        member.save(update_fields=["role"])
        told = changed("role", before, role)
        _note(member.team, "member_changed", by, now, member.user, told)
    _look_again([member.user])
    return _give_back(member, now=now) if role == Membership.Role.OBSERVER else 0


def remove_member(*, membership: Membership, by: User, now: datetime) -> int:
    """Take a person out of a team; what they own in its inbox goes back to the team.

    Returns how many conversations that were.
    """
    team, user = membership.team, membership.user
    with transaction.atomic(durable=True):
        count, _kinds = Membership.objects.filter(pk=membership.pk).delete()
        if count:
            _note(team, "member_removed", by, now, user, changed("role", membership.role, None))
    _look_again([user])
    return _give_back(membership, now=now)


def _give_back(membership: Membership, *, now: datetime) -> int:
    # A team's inbox has the key of its team.
    return leave_inbox(
        user=membership.user, reason=noop("left a team"), now=now, inbox_id=membership.team_id
    )


def _look_again(people: Iterable[User]) -> None:
    groups = [user_group(user.pk) for user in people]
    if groups:
        publish_ephemeral(groups, {"type": "access.changed", "data": {}})


def _clean(name: str) -> str:
    cleaned = " ".join(name.split())
    if not cleaned:
        raise TeamError(_("Give the team a name."))
    if len(cleaned) > MOST_LETTERS:
        raise TeamError(_("At most %d letters, please.") % MOST_LETTERS)
    return cleaned


def _check_role(role: str) -> None:
    if role not in Membership.Role.values:
        raise TeamError(_("There is no such role."))


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    # Whether it is taken only the database knows when two make it at once.
    try:
        yield
    except IntegrityError as error:
        if "team_name_once_per_account" not in str(error):
            raise
        words = _("There is a team called “%s” already.") % " ".join(name.split())
        raise TeamError(words) from error


def _note(
    team: Team,
    action: str,
    by: User,
    now: datetime,
    person: User | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    who: dict[str, Any] = {"person": str(person)} if person else {}
    record(
        action=action,
        subject=team.name,
        actor=by,
        account_id=team.account_id,
        now=now,
        changes=changes or {},
        **who,
    )
