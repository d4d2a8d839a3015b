"""Where was that said? One box over contacts, conversations and messages."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from inbox.access import inboxes_of
from inbox.searching.finding import Found, Group, Kind, TooSlowError, find
from inbox.searching.parsing import LONGEST, Operator, parse
from inbox.views.answers import no_licence, reader, wants_fragment
from inbox.views.frame import Me, Place


@dataclass(frozen=True)
class Section:
    """A group as it is shown. `more` leads to all of it, to its next page, or further back."""

    group: Group
    title: str
    more: str


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Show the box and what was found; only what was found when a script asks."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    query = parse(request.GET.get("q", ""))
    kind = _kind_of(request.GET.get("show", ""))
    context: dict[str, object] = {"query": query, "kind": kind, "longest": LONGEST}
    try:
        found = find(viewer, query, now=now, kind=kind, before=request.GET.get("before", ""))
        context |= {"found": found, "sections": _sections(found, kind)}
    except TooSlowError as slow:
        context["slow"] = slow.reason
    context |= {
        "may_save": not viewer.is_support,
        "operators": _operators(),
        "all_query": urlencode({"q": query.text}),
    }
    if wants_fragment(request):
        response = render(request, "inbox/_found.html", context)
    else:
        places = tuple(map(Place.of, inboxes_of(viewer)))
        frame = {"me": Me.of(user), "inboxes": places, "is_support": viewer.is_support}
        response = render(request, "inbox/search.html", {**context, **frame})
    response["Cache-Control"] = "private, no-store"
    return response


def _kind_of(name: str) -> Kind | None:
    if name and name not in set(Kind):
        raise Http404("No such kind.")
    return Kind(name) if name else None


def _sections(found: Found, kind: Kind | None) -> list[Section]:
    titles = {
        Kind.CONTACTS: _("Contacts"),
        Kind.CONVERSATIONS: _("Conversations"),
        Kind.MESSAGES: _("Messages"),
    }
    return [
        Section(group, titles[group.kind], _more(found.query.text, group, kind))
        for group in found.groups
        if group.hits or group.is_partial
    ]


def _more(text: str, group: Group, kind: Kind | None) -> str:
    if not group.next_before:
        return ""
    asked = {"q": text, "show": group.kind.value}
    if kind or group.goes_further:
        asked["before"] = group.next_before
    return f"{reverse('search')}?{urlencode(asked)}"


def _operators() -> tuple[tuple[str, str], ...]:
    """List what narrows a search, with an example of each."""
    return (
        (Operator.FROM, _("from:me, from:customer, from:“Maria Diaz”")),
        (Operator.TO, _("to:+14155550100")),
        (Operator.ASSIGNEE, _("assignee:me, assignee:none, assignee:Ann")),
        (Operator.TAG, _("tag:vip")),
        (Operator.CHANNEL, _("channel:sms, channel:whatsapp")),
        (Operator.STATUS, _("status:open, status:snoozed, status:closed")),
        (Operator.HAS, _("has:media")),
        (Operator.BEFORE, _("before:2026-05-31")),
        (Operator.AFTER, _("after:2026-05-01, after:yesterday")),
        (Operator.INBOX, _("inbox:support")),
    )
