"""What stands around every page of an inbox? The same until its reader or their inboxes change."""

from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from inbox.models import TeamInbox
from inbox.queries import InboxPage


class Me(NamedTuple):
    """Who reads, as far as the page's menu tells."""

    pk: int
    name: str
    email: str
    role: str
    availability: str
    theme: str
    is_staff: bool

    @classmethod
    def of(cls, user: User) -> "Me":
        """Take what is shown from the person."""
        return cls(
            user.pk,
            user.name,
            user.email,
            user.role,
            user.availability,
            user.theme,
            user.is_staff,
        )


class Place(NamedTuple):
    """An inbox that the reader can go to."""

    slug: str
    name: str
    public_id: UUID
    colour: str

    @classmethod
    def of(cls, inbox: TeamInbox) -> "Place":
        """Take what is shown from the inbox."""
        return cls(inbox.slug, inbox.name, inbox.public_id, inbox.colour)


def show_page(request: HttpRequest, page: InboxPage, user: User, **context: object) -> HttpResponse:
    """Show a page of an inbox within its frame."""
    frame = {
        "me": Me.of(user),
        "inbox": Place.of(page.inbox),
        "inboxes": tuple(map(Place.of, page.inboxes)),
    }
    return render(request, "inbox/page.html", {**frame, **context, "page": page})
