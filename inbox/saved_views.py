"""Which views of a list, and which searches, are kept under a name?

A view is somebody's own, or shared with their inbox. A search is always somebody's own.
"""

from collections import defaultdict
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.encoding import uri_to_iri
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.english import noop
from accounts.numbers import number_in
from inbox.access import inboxes_of
from inbox.filters import Filter
from inbox.lists import View
from inbox.models import SavedSearch, SavedView, TeamInbox
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.searching.parsing import parse

MOST = 50
LONGEST_NAME = 60
LONGEST_QUERY = 2_000


class NameTakenError(RefusedError):
    """There is such a view or search already."""

    code = "name_taken"
    reason = noop("There is a view of this name already. Choose another name.")


# --- Views of a list ------------------------------------------------------------------------------


def views_of(viewer: Viewer, inbox: TeamInbox) -> list[SavedView]:
    """Return what this person keeps of an inbox and what is shared there, by name."""
    theirs = Q(owner=viewer.user_id) | Q(owner=None)
    return list(SavedView.objects.filter(theirs, inbox=inbox, account=viewer.account_id))


def all_views_of(viewer: Viewer) -> list[tuple[TeamInbox, list[SavedView]]]:
    """Return each inbox of this person of which views are kept, with what `views_of` gives."""
    inboxes = {one.pk: one for one in inboxes_of(viewer)}
    theirs = Q(owner=viewer.user_id) | Q(owner=None)
    kept = SavedView.objects.filter(theirs, inbox__in=inboxes, account=viewer.account_id)
    by_inbox: dict[int, list[SavedView]] = defaultdict(list)
    for view in kept:
        by_inbox[view.inbox_id].append(view)
    return [(one, by_inbox[pk]) for pk, one in inboxes.items() if pk in by_inbox]


def save_view(
    *, inbox: TeamInbox, by: Viewer, name: str, query: str, is_shared: bool, now: datetime
) -> SavedView:
    """Keep a view under a name. Only supervisors share.

    Words that somebody looks for are not kept: they may name a customer. Raises NameTakenError,
    NotAllowedError, or MissingInputError for a name that is none or one view too many.
    """
    if by.is_support or (is_shared and not by.supervises_team(inbox.pk)):
        raise NotAllowedError(_("Only supervisors share views with the inbox."))
    name = _plain(name)
    if not name or len(name) > LONGEST_NAME:
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
    """Return of a list's query what a view keeps: the part of the list, whose, filters, order.

    Letters of every script stand there as themselves: three or nine signs for one would not fit.
    """
    given = dict(parse_qsl(query[:LONGEST_QUERY]))
    owner = number_in(given.get("owner", ""))
    whose = {"owner": str(owner)} if owner else {}
    view = View.named(given.get("view", ""))
    return uri_to_iri(urlencode({"view": view, **whose, **Filter.of(given).as_query()}))


# --- Searches -------------------------------------------------------------------------------------


def searches_of(viewer: Viewer) -> list[SavedSearch]:
    """Return the searches that this person keeps, by name."""
    return list(SavedSearch.objects.filter(owner=viewer.user_id, account=viewer.account_id))


def save_search(*, by: Viewer, name: str, line: str, now: datetime) -> SavedSearch:
    """Keep a search under a name, for oneself.

    Raises NameTakenError, NotAllowedError for who is here for support, or MissingInputError for a
    name that is none, a line in which nothing is looked for, or one search too many.
    """
    if by.is_support or by.account_id is None:
        raise NotAllowedError
    name, query = _plain(name), parse(line)
    if not name or len(name) > LONGEST_NAME:
        raise MissingInputError(_("Give the search a name of at most 60 characters."))
    if query.is_too_short:
        raise MissingInputError(_("Look for something first; then keep it under a name."))
    if SavedSearch.objects.filter(owner=by.user_id).count() >= MOST:
        words = _("There are %(number)s searches already. Remove one first.")
        raise MissingInputError(words % {"number": MOST})
    try:
        with transaction.atomic():
            return SavedSearch.objects.create(
                account_id=by.account_id,
                owner_id=by.user_id,
                name=name,
                line=query.text,
                created_at=now,
            )
    except IntegrityError as error:
        words = _("There is a search of this name already. Choose another name.")
        raise NameTakenError(words) from error


def remove_search(*, by: Viewer, public_id: str) -> None:
    """Forget a search of one's own; one that is not there changes nothing."""
    if by.is_support:
        raise NotAllowedError
    SavedSearch.objects.filter(owner=by.user_id, public_id=public_id).delete()


def _plain(name: str) -> str:
    return " ".join(name.replace("\0", "").split())
