"""What stands around every page of an inbox? The same until its reader or their inboxes change."""

from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import Viewer
from accounts.models import User
from inbox.abilities import may_begin
from inbox.lists import InboxPage
from inbox.models import TeamInbox


class Me(NamedTuple):
    """Who reads, as far as the page's menu tells."""

    pk: int
    name: str
    email: str
    role: str
    availability: str
    theme: str
    speaks: str
    is_staff: bool
    is_supervisor: bool

    @classmethod
    def of(cls, user: User, *, is_supervisor: bool = False) -> "Me":
        """Take what is shown from the person."""
        return cls(
            user.pk,
            user.name,
            user.email,
            user.role,
            user.availability,
            user.theme,
            user.speaks,
            user.is_staff,
            is_supervisor,
        )


class Place(NamedTuple):
    """An inbox that the reader can go to."""

    slug: str
    name: str
    public_id: UUID
    colour: str
    lets_supervisors: bool

    @classmethod
    def of(cls, inbox: TeamInbox) -> "Place":
        """Take what is shown from the inbox."""
        return cls(
            inbox.slug,
            inbox.name,
            inbox.public_id,
            inbox.colour,
            inbox.supervisors_may_set_up,
        )


def show_page(request: HttpRequest, page: InboxPage, user: User, **context: object) -> HttpResponse:
    """Show a page of an inbox within its frame; the context names the `viewer`."""
    viewer = context["viewer"]
    assert isinstance(viewer, Viewer)
    frame = {
        "begins": may_begin(viewer, page.inbox),
        "me": Me.of(user, is_supervisor=page.is_supervisor),
        "inbox": Place.of(page.inbox),
        "inboxes": tuple(map(Place.of, page.inboxes)),
    }
    return render(request, "inbox/page.html", {**frame, **context, "page": page})
