"""What does a person see of one conversation, and how do they write in it?"""

import json
from collections.abc import Sequence

from django.contrib import messages as notices
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.english import noop
from accounts.numbers import number_in
from compliance.gate import SendBlockedError
from inbox.abilities import Ability, abilities_of, part_of
from inbox.channels import channels_of
from inbox.conversations import add_note, mark_read, mark_unread
from inbox.desk import desk_of
from inbox.forms import ComposeForm, SaveForm
from inbox.fragments import render_bubble
from inbox.handover import put_away
from inbox.lists import inbox_page_around
from inbox.media import limits_of, store_upload
from inbox.mentions import offered
from inbox.models import Attachment, Conversation, Message
from inbox.muting import mute
from inbox.panels import folds_of
from inbox.refusals import (
    ClaimedByOtherError,
    MissingInputError,
    NotAllowedError,
    RefusedError,
    StaleThreadError,
)
from inbox.sending import Later, send_reply, warnings_on
from inbox.threads import (
    MOST_MEDIA,
    beginning_of,
    first_since,
    media_by_month,
    panel_page,
    quoted_by,
    thread_page,
    timeline,
)
from inbox.views.answers import (
    Case,
    act,
    blocked_dict,
    blocked_status,
    first_problem,
    of_conversation,
    refused,
    stale_dict,
    url_of,
    wants_fragment,
    wants_json,
)
from inbox.views.frame import show_page
from inbox.views.lists import asked_by

FILES_AT_ONCE = 10
LONGEST_ALT = 300


@require_GET
@of_conversation
def conversation_link(request: HttpRequest, case: Case) -> HttpResponse:
    """Go from a short link to the conversation's page, in whichever inbox it is now."""
    return HttpResponseRedirect(url_of(case.conversation))


@require_GET
@of_conversation
def conversation(request: HttpRequest, case: Case, *, slug: str) -> HttpResponse:
    """Show list, thread and panel."""
    if slug != case.conversation.inbox.slug:
        return HttpResponseRedirect(url_of(case.conversation))
    page = inbox_page_around(case.viewer, case.conversation, asked_by(request))
    return show_page(
        request, page, case.user, case.viewer, pane="thread", shown=_thread(request, case)
    )


@require_GET
@of_conversation
def thread(request: HttpRequest, case: Case) -> HttpResponse:
    """Show the thread alone, for a page that is open already."""
    return render(request, "inbox/_thread.html", _thread(request, case))


def _thread(request: HttpRequest, case: Case) -> dict[str, object]:
    page = thread_page(
        case.viewer,
        case.user,
        case.conversation,
        now=case.now,
        found=_wanted(request, case),
        before=number_in(request.GET.get("earlier", "")),
    )
    return {
        "thread": page,
        "desk": page.desk,
        "viewer": case.viewer,
        "case": case,
        "blank": _blank(case),
        "limits": _limits(case),
    }


def _limits(case: Case) -> str:
    """Write what files may go along with a message here, for the script of the composer."""
    limits = limits_of(case.conversation.thread.address.family)
    return json.dumps({**vars(limits), "most": FILES_AT_ONCE})


def _wanted(request: HttpRequest, case: Case) -> str:
    """Return the message that an address asks for: by name, or as the first of a day."""
    day = request.GET.get("day", "")
    if not day:
        return request.GET.get("m", "")
    begins = beginning_of(day, request.GET.get("zone", "") or case.conversation.inbox.zone)
    found = first_since(case.viewer, case.conversation, begins) if begins else None
    return found.public_id if found else ""


def _blank(case: Case) -> Message:
    """Return the message that the template of pending bubbles is drawn from."""
    return Message(
        public_id="",
        client_id="new",
        seq=0,
        direction=Message.Direction.OUT,
        status=Message.Status.QUEUED,
        author=case.user,
        author_label=case.user.name,
        created_at=case.now,
    )


@require_GET
@of_conversation
def desk(request: HttpRequest, case: Case) -> HttpResponse:
    """Show what this reader may do now: buttons, banner, state of the composer."""
    laid = desk_of(case.viewer, case.user, case.conversation, now=case.now)
    return render(request, "inbox/_desk.html", {"desk": laid, "case": case, "is_loose": True})


@require_POST
@of_conversation
def put_handover_away(request: HttpRequest, case: Case) -> HttpResponse:
    """Show this reader the card of a hand-over no more."""
    event_id = number_in(request.POST.get("event", "")) or 0
    return act(
        request,
        lambda: put_away(conversation=case.conversation, by=case.viewer, event_id=event_id),
        done="",
        back=url_of(case.conversation),
    )


@require_GET
@of_conversation
def mentions(request: HttpRequest, case: Case) -> HttpResponse:
    """Offer whom a note can mention, by a part of their name."""
    if not _may_note(case):
        return JsonResponse(NotAllowedError().as_dict(), status=NotAllowedError.status)
    words = request.GET.get("q", "").replace("\0", "").strip()[:80]
    found = offered(case.conversation, words, me=case.user.pk, now=case.now)
    return JsonResponse({"offered": [one.as_json() for one in found]})


@require_GET
@of_conversation
def panel(request: HttpRequest, case: Case) -> HttpResponse:
    """Show what is known about the contact: beside the thread, or as a page of its own."""
    known = panel_page(case.viewer, case.conversation, now=case.now)
    context = {"panel": known, "case": case, "viewer": case.viewer}
    if wants_fragment(request):
        return render(request, "inbox/_panel.html", context)
    page = inbox_page_around(case.viewer, case.conversation, asked_by(request))
    shown = {**_thread(request, case), **context}
    return show_page(request, page, case.user, case.viewer, pane="panel", shown=shown)


@never_cache
@require_GET
@of_conversation
def panel_folds(request: HttpRequest, case: Case) -> HttpResponse:
    """Show what is in the folds of the panel: what waits, owner, notes, whence consent is known."""
    found = folds_of(case.viewer, case.user, case.conversation, now=case.now)
    context = {"folds": found, "case": case, "viewer": case.viewer}
    is_part = wants_fragment(request)
    template = "inbox/_panel_folds.html" if is_part else "inbox/panel_folds.html"
    return render(request, template, context)


@never_cache
@require_GET
@of_conversation
def channels(request: HttpRequest, case: Case) -> HttpResponse:
    """Show by which channels the customer writes, as far as the reader may see, and lead there."""
    context = {"case": case, "channels": channels_of(case.viewer, case.conversation)}
    is_part = wants_fragment(request)
    template = "inbox/_channels.html" if is_part else "inbox/channels.html"
    return render(request, template, context)


@require_GET
@of_conversation
def media(request: HttpRequest, case: Case) -> HttpResponse:
    """Show photos and files of this contact that the reader may see, by month."""
    months, is_cut = media_by_month(case.viewer, case.conversation)
    context = {"case": case, "months": months, "is_cut": is_cut, "most": MOST_MEDIA}
    template = "inbox/_media.html" if wants_fragment(request) else "inbox/media.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@of_conversation
def messages(request: HttpRequest, case: Case) -> HttpResponse:
    """Show a stretch of the thread, or write into it."""
    return _send(request, case) if request.method == "POST" else _stretch(request, case)


def _stretch(request: HttpRequest, case: Case) -> HttpResponse:
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    place = _place(request, case)
    found = timeline(
        case.viewer,
        case.conversation,
        before=_seq(before) if before else None,
        after=_seq(after) if after and not before else None,
        around=place.seq if place else None,
    )
    response = render(request, "inbox/_timeline.html", {"timeline": found})
    response["X-Has-Earlier"] = str(found.has_earlier).lower()
    response["X-Has-Later"] = str(found.has_later).lower()
    if place:
        response["X-Found"] = place.public_id
    return response


def _place(request: HttpRequest, case: Case) -> Message | None:
    """Find the message around which somebody wants to read, if they name one or a day.

    Raises Http404 where it is not there (any more), or not theirs to read.
    """
    day, quoted = request.GET.get("day", ""), request.GET.get("quoted_by", "")
    found: Message | None = None
    if day:
        begins = beginning_of(day, request.GET.get("zone", "") or case.conversation.inbox.zone)
        found = first_since(case.viewer, case.conversation, begins) if begins else None
    elif quoted:
        found = quoted_by(case.viewer, case.conversation, quoted)
    if (day or quoted) and found is None:
        raise Http404("No such message.")
    return found


def _send(request: HttpRequest, case: Case) -> HttpResponse:
    back = url_of(case.conversation)
    form = ComposeForm(request.POST)
    if not form.is_valid():
        return refused(request, first_problem(form), 422, back)
    try:
        later = form.sent_later(now=case.now, zone=case.conversation.inbox.zone)
    except ValidationError as error:
        return refused(request, MissingInputError(error.messages[0]).as_dict(), 422, back)
    try:
        message = _write(request, case, form, later)
    except StaleThreadError as stale:
        return refused(request, stale_dict(case, stale), stale.status, back)
    except ClaimedByOtherError as lost:
        return refused(request, {**lost.as_dict(), "may_note": _may_note(case)}, lost.status, back)
    except RefusedError as refusal:
        return refused(request, refusal.as_dict(), refusal.status, back)
    except SendBlockedError as blocked:
        return refused(request, blocked_dict(blocked), blocked_status(blocked), back)
    if wants_json(request):
        return HttpResponse(render_bubble(message), status=201)
    for words in warnings_on(message):
        notices.warning(request, words)
    return HttpResponseRedirect(back)


def _may_note(case: Case) -> bool:
    """Say whether who lost the race may still write a note: as it is now, not when they began."""
    row = Conversation.objects.visible_to(case.viewer).filter(pk=case.conversation.pk).first()
    return row is not None and Ability.NOTE in abilities_of(
        case.viewer, row, part_of(case.viewer, row)
    )


def _write(request: HttpRequest, case: Case, form: ComposeForm, later: Later | None) -> Message:
    said = form.cleaned_data
    # The draft that it was made of ends with it.
    draft = SaveForm(request.POST, prefix="draft")
    ended = draft.save if draft.is_valid() else None
    if form.is_note:
        return add_note(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            body=said["body"],
            client_id=said["client_id"],
            canned=form.canned,
            draft=ended,
            now=case.now,
        )
    return send_reply(
        conversation=case.conversation,
        by=case.viewer,
        user=case.user,
        body=said["body"],
        attachments=_attachments(request, case, said["client_id"]),
        client_id=said["client_id"],
        last_seen_seq=form.last_seen_seq,
        purpose=form.sent_as,
        programme=form.programme,
        went_on=form.answered,
        later=later,
        hold=form.held,
        canned=form.canned,
        draft=ended,
        now=case.now,
    )


def _attachments(request: HttpRequest, case: Case, client_id: str) -> Sequence[Attachment]:
    """Return the author's own uploads, in their order; store files that came with the form.

    Raises MissingInputError when one of them is not there (any more).
    """
    wanted = request.POST.getlist("media_ids[]") or request.POST.getlist("media_ids")
    uploads = request.FILES.getlist("files[]") or request.FILES.getlist("files")
    if len(wanted) + len(uploads) > FILES_AT_ONCE:
        raise MissingInputError(
            noop("At most %(files_at_once)s files fit into one message.")
            % {"files_at_once": FILES_AT_ONCE}
        )
    # A repeat of this very message finds its files on the message it made.
    is_free = Q(message=None) | Q(message__client_id=client_id)
    known = {
        file.public_id: file
        for file in Attachment.objects.filter(
            is_free,
            account=case.conversation.account_id,
            uploaded_by=case.user,
            public_id__in=wanted,
        )
    }
    if missing := [public_id for public_id in wanted if public_id not in known]:
        raise MissingInputError(
            noop("%(missing)s file(s) are gone. Attach them again.") % {"missing": len(missing)}
        )
    stored = [
        store_upload(
            account_id=case.conversation.account_id,
            user=case.user,
            uploaded_file=upload,
            now=case.now,
            family=case.conversation.thread.address.family,
        )
        for upload in uploads
    ]
    for public_id, file in known.items():
        file.alt = _alt(request.POST.get(f"alt-{public_id}", ""))
    return [*(known[public_id] for public_id in wanted), *stored]


def _alt(words: str) -> str:
    return " ".join(words.replace("\0", "").split())[:LONGEST_ALT]


@require_POST
@of_conversation
def upload(request: HttpRequest, case: Case) -> HttpResponse:
    """Store one file that may become part of a message."""
    file = request.FILES.get("file")
    if file is None:
        return JsonResponse({"code": "bad_input", "detail": noop("There is no file.")}, status=422)
    try:
        stored = store_upload(
            account_id=case.conversation.account_id,
            user=case.user,
            uploaded_file=file,
            now=case.now,
            family=case.conversation.thread.address.family,
        )
    except RefusedError as refusal:
        return JsonResponse(refusal.as_dict(), status=refusal.status)
    facts = {"id": stored.public_id, "name": stored.name, "type": stored.content_type}
    facts["look"] = stored.look
    return JsonResponse({**facts, "size": stored.size}, status=201)


@require_POST
@of_conversation
def read(request: HttpRequest, case: Case) -> HttpResponse:
    """Remember how far this person has read."""
    seq = _seq(request.POST.get("seq", ""))
    where = mark_read(conversation=case.conversation, by=case.viewer, seq=seq)
    return JsonResponse({"seq": where})


@require_POST
@of_conversation
def unread(request: HttpRequest, case: Case) -> HttpResponse:
    """Let the conversation count as unread for this person again."""
    return act(
        request,
        lambda: mark_unread(conversation=case.conversation, by=case.viewer),
        done="",
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def mute_conversation(request: HttpRequest, case: Case) -> HttpResponse:
    """Let the conversation alert this person no more, or again."""
    is_on = request.POST.get("on") == "1"
    return act(
        request,
        lambda: mute(conversation=case.conversation, by=case.viewer, is_on=is_on),
        done=_("Muted for you: only mentions and hand-overs alert you.")
        if is_on
        else _("This conversation alerts you again."),
        back=url_of(case.conversation),
    )


def _seq(text: str) -> int:
    seq = number_in(text)
    if seq is None:
        raise Http404("No such message.")
    return seq
