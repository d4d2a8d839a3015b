"""How does a browser keep what its person has written and not sent?"""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from inbox.drafts import Place, drafts_at, files_of, place_of, save_draft
from inbox.forms import DraftForm
from inbox.models import Draft
from inbox.refusals import RefusedError
from inbox.views.answers import first_problem, reader

MILLISECOND = timedelta(milliseconds=1)


@require_http_methods(["GET", "POST"])
@never_cache
def draft(request: HttpRequest, *, cid: str) -> HttpResponse:
    """Show one's own drafts of a conversation, or keep one of them.

    It needs neither a licence nor sight of the conversation: what somebody wrote stays theirs.
    """
    viewer, _user, now = reader(request)
    place = place_of(viewer, cid)
    return _keep(request, place, now) if request.method == "POST" else _show(place, now)


def _show(place: Place, now: datetime) -> HttpResponse:
    known = drafts_at(place)
    files = files_of(place, [one for draft in known.values() for one in draft.files])
    shown = {mode: _as_json(known.get(mode), files, now) for mode in Draft.Mode.values}
    return JsonResponse(shown)


def _keep(request: HttpRequest, place: Place, now: datetime) -> HttpResponse:
    form = DraftForm(request.POST)
    if not form.is_valid():
        return JsonResponse(first_problem(form), status=422)
    said = form.cleaned_data
    try:
        is_saved, stands = save_draft(
            place,
            Draft.Mode(said["mode"]),
            body=said["body"],
            files=request.POST.getlist("files[]"),
            save=form.save,
            now=now,
        )
    except RefusedError as refusal:
        return JsonResponse(refusal.as_dict(), status=refusal.status)
    shown = _as_json(stands, files_of(place, stands.files), now)
    return JsonResponse({"is_saved": is_saved, "draft": shown}, status=200 if is_saved else 409)


def _as_json(
    draft: Draft | None, files: list[dict[str, Any]], now: datetime
) -> dict[str, object] | None:
    if draft is None:
        return None
    return {
        "revision": draft.revision,
        "device": draft.device,
        "body": draft.body,
        "files": [file for file in files if file["id"] in draft.files],
        "age_ms": max(0, (now - draft.written_at) // MILLISECOND),
    }
