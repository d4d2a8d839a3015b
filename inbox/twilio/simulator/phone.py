"""What does the phone page consist of?"""

from functools import cache
from pathlib import Path

from inbox.twilio.simulator.exchange import Request, Response
from inbox.twilio.simulator.parts import Parts

FOLDER = Path(__file__).parent / "static"
PAGES = {"/": "phone.html", "/simulator/": "phone.html", "/simulator": "phone.html"}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'none'; sandbox"
SHOWN_INLINE = ("image/jpeg", "image/png", "image/gif", "image/webp", "audio/", "video/")
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page(request: Request) -> Response | None:
    """Serve the page and its parts, or None if the path is none of them."""
    name = PAGES.get(request.path)
    if name is None and request.path.startswith("/static/"):
        name = request.path.removeprefix("/static/")
    if name is None or name not in _names():
        return None
    headers = {**SAFE, "Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response(200, _read(name), TYPES[Path(name).suffix], headers)


def file(parts: Parts, request: Request) -> Response:
    """Serve a file of a message to the phone page; nothing in it may run there."""
    media = parts.store.media.get(request.path.rpartition("/")[2])
    headers = {**SAFE, "Content-Security-Policy": FILE_POLICY}
    if media is None:
        return Response(404, b"", "text/plain", headers)
    if media.content_type.startswith(SHOWN_INLINE):
        return Response(200, media.data, media.content_type, headers)
    headers["Content-Disposition"] = "attachment"
    return Response(200, media.data, "application/octet-stream", headers)


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)


@cache
def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
