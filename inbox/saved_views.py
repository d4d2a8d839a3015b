"""Which views of a list does somebody keep under a name, for themselves or for their inbox?"""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.english import noop
from accounts.numbers import number_in
from inbox.filters import Filter
from inbox.lists import View
from inbox.models import SavedView, TeamInbox
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError

MOST = 50
LONGEST_QUERY = 2_000


class NameTakenError(RefusedError):
    """There is such a view already."""

    code = "name_taken"
    reason = noop("There is a view of this name already. Choose another name.")


def views_of(viewer: Viewer, inbox: TeamInbox) -> list[SavedView]:
    """Return what this person keeps of an inbox and what is shared there, by name."""
    theirs = Q(owner=viewer.user_id) | Q(owner=None)
    return list(SavedView.objects.filter(theirs, inbox=inbox, account=viewer.account_id))


def save_view(
    *, inbox: TeamInbox, by: Viewer, name: str, query: str, is_shared: bool, now: datetime
) -> SavedView:
    """Keep a view under a name. Only supervisors share.

    Words that somebody looks for are not kept: they may name a customer. Raises NameTakenError,
    NotAllowedError, or MissingInputError for a name that is none or one view too many.
    """
    if by.is_support or (is_shared and not by.supervises_team(inbox.pk)):
        raise NotAllowedError(_("Only supervisors share views with the inbox."))
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > 60:
        raise MissingInputError(_("Give the view a name of at most 60 characters."))
    owner = None if is_shared else by.user_id
    if SavedView.objects.filter(inbox=inbox, owner=owner).count() >= MOST:
        words = _("There are %(number)s views already. Remove one first.")
        raise MissingInputError(words % {"number": MOST})
    try:
        with transaction.atomic():
            return SavedView.objects.create(
                account_id=inbox.account_id,
                inbox=inbox,
                owner_id=owner,
                name=name,
                query=plain_query(query),
                created_at=now,
            )
    except IntegrityError as error:
        words = _("There is a view of this name already. Choose another name.")
        raise NameTakenError(words) from error


def remove_view(*, inbox: TeamInbox, by: Viewer, public_id: str) -> None:
    """Forget a view of one's own, or, as a supervisor, a shared one. Raises NotAllowedError."""
    found = [one for one in views_of(by, inbox) if one.public_id == public_id]
    if not found:
        return
    if by.is_support or (found[0].owner_id is None and not by.supervises_team(inbox.pk)):
        raise NotAllowedError(_("Only supervisors remove views that are shared."))
    found[0].delete()


def plain_query(query: str) -> str:
    """Return of a list's query what a view keeps: the part of the list, whose, filters, order."""
    given = dict(parse_qsl(query[:LONGEST_QUERY]))
    owner = number_in(given.get("owner", ""))
    whose = {"owner": str(owner)} if owner else {}
    view = View.named(given.get("view", ""))
    return urlencode({"view": view, **whose, **Filter.of(given).as_query()})
