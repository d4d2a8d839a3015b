"""Which page of a list is asked for, and where is the next one?"""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from inbox.twilio.simulator.exchange import Request, Response, json_response

T = TypeVar("T")
CONTROL = ("Page", "PageSize", "PageToken")
MAX_PAGE = 1000


def classic_page(
    request: Request,
    items: Sequence[T],
    key: str,
    render: Callable[[T], dict[str, object]],
    sid_of: Callable[[T], str],
) -> Response:
    """Answer a list of api.twilio.com: page facts beside the list, relative addresses."""
    page, size = _page(request), _size(request, 50)
    start = _start(request, items, sid_of, page, size)
    shown = items[start : start + size]
    has_more = start + size < len(items)

    def uri(number: int, token: str = "") -> str:
        return _uri(request, number, size, token)

    return json_response(
        {
            key: [render(one) for one in shown],
            "end": page * size + len(shown) - 1 if shown else page * size,
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1, f"PA{sid_of(shown[-1])}") if has_more else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": uri(page - 1, f"PB{sid_of(shown[0])}") if page else None,
            "start": page * size,
            "uri": uri(page),
        }
    )


def modern_page(
    request: Request,
    host: str,
    items: Sequence[T],
    key: str,
    render: Callable[[T], dict[str, object]],
) -> Response:
    """Answer a list of the newer hosts: a meta object with absolute addresses."""
    page, size = _page(request), _size(request, 50)
    shown = items[page * size : page * size + size]
    has_more = (page + 1) * size < len(items)

    def url(number: int) -> str:
        return f"https://{host}{_uri(request, number, size)}"

    meta = {
        "page": page,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(page - 1) if page else None,
        "url": url(page),
        "next_page_url": url(page + 1) if has_more else None,
        "key": key,
    }
    return json_response({key: [render(one) for one in shown], "meta": meta})


def _page(request: Request) -> int:
    raw = request.query.get("Page")
    return int(raw) if raw.isdecimal() else 0


def _size(request: Request, default: int) -> int:
    raw = request.query.get("PageSize")
    return min(MAX_PAGE, max(1, int(raw))) if raw.isdecimal() else default


def _start(
    request: Request, items: Sequence[T], sid_of: Callable[[T], str], page: int, size: int
) -> int:
    """Continue after the item in the token, so that new items do not shift the pages."""
    token = request.query.get("PageToken")
    if not token.startswith("PA"):
        return page * size
    places = (index for index, item in enumerate(items) if sid_of(item) == token[2:])
    found = next(places, None)
    return page * size if found is None else found + 1


def _uri(request: Request, page: int, size: int, token: str = "") -> str:
    kept = [
        (name, value)
        for name, values in request.query.values.items()
        if name not in CONTROL
        for value in values
    ]
    control = [("PageSize", str(size)), ("Page", str(page))]
    if token:
        control.append(("PageToken", token))
    return f"{request.path}?{urlencode([*kept, *control])}"
