"""What do pages do that give a document away and take one in: as a file, or pasted?"""

from django.http import HttpRequest, JsonResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.json_text import JsonError, read_json
from inbox.views.settings.hours_forms import LONGEST_PASTE
from routing.reading import DocumentError, Problem


def uploaded_text(request: HttpRequest) -> str:
    """Return what a file that was sent along contains, or what was pasted."""
    upload = request.FILES.get("file")
    if upload:
        return bytes(upload.read(LONGEST_PASTE + 1)).decode(errors="replace")
    return request.POST.get("text", "")


def read_document(text: str) -> object:
    """Return what a JSON text says. Raises DocumentError with the line where it breaks off."""
    if not text.strip():
        raise DocumentError([Problem("", _("Choose a file, or paste what it contains."))])
    if len(text) > LONGEST_PASTE:
        raise DocumentError([Problem("", _("This is too long for a document."))])
    try:
        return read_json(text)
    except JsonError as error:
        raise DocumentError([Problem(error.where, error.reason)]) from error


def file_of(document: object, *name: str) -> JsonResponse:
    """Answer with a document as a file to keep."""
    answer = JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
    called = "-".join(filter(None, map(slugify, name))) or "document"
    answer["Content-Disposition"] = f'attachment; filename="{called}.json"'
    return answer
