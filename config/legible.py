"""Can what a browser sends be written down at all? PostgreSQL's text holds no NUL."""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse

from inbox.views.errors import bad_request

FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
WEBHOOKS = "/hooks/"  # what Twilio signed is kept whatever is in it; see `inbox.twilio.parsing`
Answer = Callable[[HttpRequest], HttpResponse]


def refuse_nul(answer: Answer) -> Answer:
    """Answer 400 to a NUL in path, query or form: nobody types one, and no view need think of it.

    In an encoded form `%00` can be nothing else, so that nothing has to be decoded to find it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_webhook = request.path.startswith(WEBHOOKS)
        return bad_request(request) if not is_webhook and _has_nul(request) else answer(request)

    return middleware


def _has_nul(request: HttpRequest) -> bool:
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return True
    if request.content_type == FORM:
        return b"%00" in request.body or b"\0" in request.body
    return request.content_type == PARTS and any("\0" in text for text in _texts(request))


def _texts(request: HttpRequest) -> Iterator[str]:
    for key, values in request.POST.lists():
        yield key
        yield from map(str, values)
