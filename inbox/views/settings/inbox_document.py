"""How does an admin take a whole inbox away as one document, and bring one in?"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.explaining.examples import failing_examples
from inbox.models import TeamInbox
from inbox.setup import one_document
from inbox.setup.one_document import REFUSED, InboxMovedError, Taken, is_a_question, problems_of
from inbox.views.settings.answers import inbox_of
from inbox.views.settings.documents import file_of, read_document, uploaded_text
from routing.reading import Problem


@require_GET
def inbox_download(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Give an inbox as a file: with the draft of its rules, or with those that hold."""
    who = administrator(request)
    inbox, is_published = inbox_of(who, slug), request.GET.get("rules") == "published"
    document = one_document.exported(inbox, now=who.now, is_published=is_published)
    return file_of(document, inbox.name, "published" if is_published else "draft")


@require_http_methods(["GET", "POST"])
def inbox_document(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Offer an inbox as one document; check one and show what it would change; take it in."""
    who = administrator(request)
    inbox = inbox_of(who, slug)
    if request.method == "GET":
        return _page(request, who, inbox)
    text, data = uploaded_text(request), request.POST
    is_check = "save" not in data
    try:
        taken = _take_in(who, inbox, text, data, seen=data.get("version", ""), is_check=is_check)
    except InboxMovedError as moved:
        return _moved(request, who, inbox, text, moved)
    except REFUSED as refused:
        asks = is_a_question(refused)
        return _page(request, who, inbox, text, problems_of(refused), asks=asks, status=422)
    if is_check:
        return _page(request, who, inbox, text, taken=taken)
    messages.success(request, _("The document is taken in."))
    return HttpResponseRedirect(reverse("settings_inbox_document", kwargs={"slug": slug}))


def _take_in(
    who: Administrator, inbox: TeamInbox, text: str, data: QueryDict, *, seen: str, is_check: bool
) -> Taken:
    return one_document.take_in(
        inbox=inbox,
        document=read_document(text),
        seen=seen,
        by=who.user,
        now=who.now,
        is_published="publish" in data,
        note=data.get("note", ""),
        is_sure="sure" in data,
        is_check=is_check,
        failing=partial(failing_examples, now=who.now),
    )


def _moved(
    request: HttpRequest, who: Administrator, inbox: TeamInbox, text: str, moved: InboxMovedError
) -> HttpResponse:
    """Say that somebody was first, and what the document would change of what they did."""
    try:
        taken = _take_in(who, inbox, text, request.POST, seen=moved.version, is_check=True)
    except REFUSED as refused:
        problems = [*problems_of(moved), *problems_of(refused)]
        return _page(request, who, inbox, text, problems, status=409)
    return _page(request, who, inbox, text, problems_of(moved), taken=taken, status=409)


def _page(
    request: HttpRequest,
    who: Administrator,
    inbox: TeamInbox,
    text: str = "",
    problems: Sequence[Problem] = (),
    *,
    taken: Taken | None = None,
    asks: bool = False,
    status: int = 200,
) -> HttpResponse:
    data = request.POST
    context: dict[str, Any] = {
        "who": who,
        "here": "home",
        "tab": "document",
        "inbox": inbox,
        "version": one_document.version_of(inbox),
        "text": text,
        "problems": problems,
        "taken": taken,
        "asks": asks,
        "is_sure": "sure" in data,
        "is_published": "publish" in data,
        "note": data.get("note", ""),
    }
    return render(request, "settings/inbox/document.html", context, status=status)
