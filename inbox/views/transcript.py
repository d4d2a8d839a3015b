"""How does a conversation get onto paper, or into another program?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_GET

from accounts.audit import record_export
from accounts.exports import csv_response
from inbox.labels import customer_name, local, said, shown_address
from inbox.models import ConversationEvent, Message
from inbox.threads import Item
from inbox.transcript import COLUMNS, pieces_of, rows_of
from inbox.views.answers import Case, of_conversation

# Where the pieces come in the page.
PIECES = "<!-- pieces -->"


@dataclass(frozen=True)
class Line:
    """What stands on paper of one message or event, as clocks at the inbox show it."""

    at: datetime
    message: Message | None
    event: ConversationEvent | None
    is_new_day: bool
    words: str = ""


@require_GET
@of_conversation
def print_view(request: HttpRequest, case: Case) -> StreamingHttpResponse:
    """Show a whole thread as a page to print; with `notes`, internal notes and events too."""
    name, number = customer_name(case.conversation), shown_address(case.conversation.thread.address)
    named = {"name": name, "number": number}
    response = StreamingHttpResponse(_page(request, case, named, notes="notes" in request.GET))
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@of_conversation
def transcript_csv(request: HttpRequest, case: Case) -> StreamingHttpResponse:
    """Send a whole thread as a table, a line for each message; `notes` as for the page.

    It leaves the house: the audit log tells of it, and who is here for support may not.
    """
    if case.viewer.is_support:
        raise PermissionDenied
    notes, cid = "notes" in request.GET, case.conversation.public_id
    record_export(
        what="transcript",
        by=case.user,
        now=case.now,
        account_id=case.conversation.account_id,
        conversation=cid,
        notes=notes,
    )
    rows = rows_of(case.viewer, case.conversation, notes=notes)
    return csv_response(f"conversation-{cid}", COLUMNS, rows)


def _page(request: HttpRequest, case: Case, named: dict[str, str], *, notes: bool) -> Iterator[str]:
    language = translation.get_language()
    told = {"conversation": case.conversation, "now": case.now, "notes": notes, "pieces": PIECES}
    told |= named
    head, _, tail = render_to_string("inbox/print.html", told, request).partition(PIECES)
    yield head
    lines = _Lines(case.conversation.inbox.zone, is_masked=not case.viewer.sees_numbers)
    for piece in pieces_of(case.viewer, case.conversation, notes=notes):
        # The middlewares are through with the request when this runs.
        with translation.override(language):
            told = {"lines": lines.of(piece), "conversation": case.conversation, **named}
            yield render_to_string("inbox/_print_lines.html", told)
    yield tail


class _Lines:
    """Makes lines of items, and knows across pieces where a new day begins."""

    def __init__(self, zone: str, *, is_masked: bool) -> None:
        self._zone, self._is_masked = zone, is_masked
        self._day = ""

    def of(self, piece: list[Item]) -> list[Line]:
        """Return the lines of one piece."""
        return [self._line(item) for item in piece]

    def _line(self, item: Item) -> Line:
        moment = item.message.created_at if item.message else item.event.at if item.event else None
        assert moment
        at = local(moment, self._zone)
        before, self._day = self._day, at.date().isoformat()
        words = said(item.message, is_masked=self._is_masked) if item.message else ""
        return Line(at, item.message, item.event, before != self._day, words)
