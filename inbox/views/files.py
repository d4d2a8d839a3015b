"""How does a file reach the browser without ever becoming a page of ours?"""

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http import HttpResponseNotModified as NotModified
from django.views.decorators.http import require_GET, require_POST

from inbox import media
from inbox.access import get_attachment
from inbox.models import Attachment
from inbox.views.answers import act, back_to, reader

# What a browser may draw or play in a page of ours, under its own type. Nothing may be opened: HTML
# and SVG run, and an original picture tells more than the page shows.
SHOWN_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/ogg",
        "audio/amr",
        "audio/wav",
        "audio/webm",
        "video/mp4",
        "video/3gpp",
        "video/webm",
        "video/quicktime",
    }
)
UNKNOWN = "application/octet-stream"


@require_GET
def attachment(request: HttpRequest, *, aid: str) -> HttpResponseBase:
    """Hand out one file of a message this person may read."""
    viewer, _user, _now = reader(request)
    file = get_attachment(viewer, aid)
    if file.state != Attachment.State.READY or not file.file:
        raise Http404("No such file.")
    if request.headers.get("If-None-Match") == _tag(file):
        return NotModified()
    return _safely(file, file.file, file.content_type, is_original=True)


@require_GET
def thumbnail(request: HttpRequest, *, aid: str) -> HttpResponseBase:
    """Hand out the small picture of an image this person may see."""
    viewer, _user, _now = reader(request)
    file = get_attachment(viewer, aid)
    if not file.thumbnail:
        raise Http404("No such picture.")
    kind = "image/webp" if str(file.thumbnail.name).endswith(".webp") else "image/jpeg"
    return _safely(file, file.thumbnail, kind, is_original=False)


@require_POST
def attachment_retry(request: HttpRequest, *, aid: str) -> HttpResponse:
    """Fetch a file again that could not be fetched."""
    viewer, _user, now = reader(request)
    file = get_attachment(viewer, aid)
    return act(
        request,
        lambda: media.retry_fetch(file, now=now),
        done="",
        back=back_to(request, "/"),
    )


def _safely(
    file: Attachment, content: FieldFile, content_type: str, *, is_original: bool
) -> FileResponse:
    """Answer with a file that can neither run nor be taken for something else.

    An original is saved when it is opened; within a page it shows all the same.
    """
    name = file.name or f"{file.public_id[:8]}"
    response = FileResponse(
        content.open("rb"),
        as_attachment=is_original,
        filename=name,
        content_type=content_type if content_type in SHOWN_TYPES else UNKNOWN,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["ETag"] = _tag(file)
    return response


def _tag(file: Attachment) -> str:
    return f'"{file.sha256 or file.public_id}"'
