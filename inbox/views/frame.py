"""What stands around every page of an inbox? The same until its reader or their inboxes change."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import get_language

from accounts.access import Viewer
from accounts.models import User
from accounts.support import banner_for
from accounts.support_views import support_in
from inbox import labels
from inbox.abilities import may_begin
from inbox.lists import InboxPage
from inbox.markup import USUAL_GAPS, Drawn, draw, filled_for, kept_part, usual_gaps
from inbox.models import TeamInbox
from inbox.threads import ThreadPage


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


class Frame(NamedTuple):
    """What stands around the list, the thread and the panel."""

    me: Me
    inbox: Place
    inboxes: tuple[Place, ...]
    is_support: bool
    needs_reason: bool
    priorities: tuple[tuple[str, str], ...]


# Whose thread it is, where one is, and the parts that are read anew for each request.
GAPS = (
    *USUAL_GAPS,
    *("whose", "state", "support", "list_head", "rows_box", "thread", "panel", "notices"),
)


def show_page(
    request: HttpRequest,
    page: InboxPage,
    user: User,
    viewer: Viewer,
    *,
    pane: str,
    shown: Mapping[str, object] = MappingProxyType({}),
) -> HttpResponse:
    """Show a page of an inbox within its frame; `shown` is what its thread and panel tell of."""
    frame = Frame(
        me=Me.of(user, is_supervisor=page.is_supervisor),
        inbox=Place.of(page.inbox),
        inboxes=tuple(map(Place.of, page.inboxes)),
        is_support=viewer.is_support,
        needs_reason=page.inbox.is_close_reason_required,
        priorities=page.priorities,
    )
    values = {
        **usual_gaps(request),
        "whose": _whose(shown.get("thread")),
        "state": _state(page, pane),
        "support": _support(request, viewer, user, page.asked.now),
        "list_head": _list_head(request, page, viewer, frame.inbox),
        "rows_box": render_to_string("inbox/_rows_box.html", {"page": page}),
        "thread": _part(request, "thread", shown) or kept_part("inbox/_nothing.html").filled({}),
        "panel": _part(request, "panel", shown),
        "notices": _notices(request),
    }
    return HttpResponse(_frame(frame, get_language()).filled(values))


@lru_cache(maxsize=512)  # of about 35 kB
def _frame(frame: Frame, language: str | None) -> Drawn:
    return draw("inbox/page.html", frame._asdict(), GAPS)


def _whose(thread: object) -> str:
    if not isinstance(thread, ThreadPage):
        return ""
    return format_html("{} · ", labels.customer_name(thread.conversation))


def _state(page: InboxPage, pane: str) -> str:
    asked = page.asked
    return format_html(
        'data-pane="{}" data-zone="{}" data-head="{}" data-standing="{}"'
        ' data-view="{}" data-words="{}" data-owner="{}"',
        *(pane, page.inbox.zone, page.head, page.standing),
        *(asked.view, asked.words, asked.owner or ""),
    )


def _support(request: HttpRequest, viewer: Viewer, user: User, now: datetime) -> str:
    if viewer.account_id is None or not (viewer.is_support or viewer.is_supported):
        return ""
    said = banner_for(user, support_in(request), viewer.account_id, now=now)
    return render_to_string("accounts/_support_banner.html", said, request)


def _list_head(request: HttpRequest, page: InboxPage, viewer: Viewer, inbox: Place) -> str:
    drawn = kept_part(
        "inbox/_list_head.html",
        inbox=inbox,
        view=page.asked.view,
        words=page.asked.words,
        is_support=viewer.is_support,
        chips=page.chips,
        owners=page.owners,
        owner=page.asked.owner,
        wanted=page.asked.wanted,
        channels=page.channels,
        begins=may_begin(viewer, page.inbox),
        priorities=page.priorities,
    )
    return filled_for(request, drawn)


def _part(request: HttpRequest, name: str, shown: Mapping[str, object]) -> str:
    return render_to_string(f"inbox/_{name}.html", dict(shown), request) if name in shown else ""


def _notices(request: HttpRequest) -> str:
    waiting = get_messages(request)
    return render_to_string("components/_messages.html", {"messages": waiting}) if waiting else ""
