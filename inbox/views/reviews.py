"""Did they ask to stop? The queue of those whom a person must read, and the decision."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.audit import record
from accounts.numbers import number_in
from compliance.models import ConsentState
from inbox import said_elsewhere
from inbox.models import ConsentReview
from inbox.opting_in import OptedIn
from inbox.refusals import MissingInputError, NotAllowedError
from inbox.reviewing import decide, reviews_for
from inbox.views.answers import Case, act, back_to, no_licence, of_conversation, reader, url_of

ON_A_PAGE = 50


@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """List what waits for a decision, the most urgent first, or what was decided lately."""
    viewer, _user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    shows_decided = request.GET.get("show") == "decided"
    rows = reviews_for(viewer, is_decided=shows_decided)
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "shows_decided": shows_decided, "now": now}
    return render(request, "inbox/reviews.html", context)


@require_POST
@of_conversation
def review(request: HttpRequest, case: Case) -> HttpResponse:
    """Decide whether a message asked to stop."""
    row = _review_of(case, number_in(request.POST.get("review", "")))
    decision = request.POST.get("decision")
    if decision not in ("stop", "go_on"):
        raise Http404("No such decision.")
    is_stop = decision == "stop"
    return _act(
        request,
        case,
        lambda: decide(
            review=row,
            by=case.viewer,
            user=case.user,
            is_stop=is_stop,
            reason=request.POST.get("reason", ""),
            now=case.now,
        ),
        done=_("They are opted out.") if is_stop else _("They are not opted out."),
        back=back_to(request, url_of(case.conversation)),
    )


def _act(
    request: HttpRequest, case: Case, story: Callable[[], object], *, done: str, back: str
) -> HttpResponse:
    """Do it; that somebody wanted to who may not is written down (reference 14)."""

    def noted() -> object:
        try:
            return story()
        except NotAllowedError:
            record(
                action="consent_refused",
                subject=f"conversation {case.conversation.public_id}",
                actor=case.user,
                account_id=case.conversation.account_id,
                now=case.now,
                wanted=request.path.rstrip("/").rpartition("/")[2],
            )
            raise

    return act(request, noted, done=done, back=back)


def _review_of(case: Case, pk: int | None) -> ConsentReview:
    row = ConsentReview.objects.filter(pk=pk or 0, thread=case.conversation.thread_id).first()
    if row is None:
        raise Http404("No such review.")
    return row


@require_POST
@of_conversation
def note_opt_out(request: HttpRequest, case: Case) -> HttpResponse:
    """Note that the customer asked to stop elsewhere."""
    return _act(
        request,
        case,
        lambda: said_elsewhere.note_opt_out(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            way=request.POST.get("way", ""),
            note=request.POST.get("note", ""),
            said_at=_said_at(request, case),
            now=case.now,
        ),
        done=_("They are opted out."),
        back=back_to(request, url_of(case.conversation)),
    )


@require_POST
@of_conversation
def note_opt_in(request: HttpRequest, case: Case) -> HttpResponse:
    """Note that the customer agreed elsewhere to get messages; they may be asked to confirm it."""
    return act(
        request,
        lambda: said_elsewhere.note_opt_in(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            way=request.POST.get("way", ""),
            told=request.POST.get("told", ""),
            note=request.POST.get("note", ""),
            said_at=_said_at(request, case),
            proof=_proof(request),
            is_written=request.POST.get("written") == "1",
            now=case.now,
        ),
        done=_came_of,
        back=back_to(request, url_of(case.conversation)),
    )


def _proof(request: HttpRequest) -> said_elsewhere.Proof:
    """Read the link and the file that prove it. Raises MissingInputError."""
    link, file = request.POST.get("proof_link", ""), request.FILES.get("proof_file")
    if file is None:
        return said_elsewhere.proof_of(link)
    return said_elsewhere.proof_of(link, file.name or "", file.chunks())


def _came_of(opted: OptedIn) -> str:
    """Say what came of an opt-in that was noted."""
    if opted.approval:
        return _("It is noted, and counts when a second person has approved it.")
    if opted.is_asked and opted.why_not_asked and not opted.question:
        return _("It is noted, but they are not asked to confirm it: %(why)s") % {
            "why": opted.why_not_asked
        }
    if opted.is_asked:
        return _("It is noted, and counts when they have confirmed it: they are asked.")
    if opted.recorded.state is ConsentState.OPTED_IN:
        return _("They are opted in.")
    return _("It is noted.")


def _said_at(request: HttpRequest, case: Case) -> datetime | None:
    """Read when they said it, in the zone of the inbox; blank is now. Raises MissingInputError."""
    text = request.POST.get("said_at", "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise MissingInputError(_("Choose a day and a time.")) from error
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(case.conversation.inbox.zone))


@require_POST
@of_conversation
def lift_noted(request: HttpRequest, case: Case) -> HttpResponse:
    """Take back an opt-out that somebody here noted."""
    return _act(
        request,
        case,
        lambda: said_elsewhere.lift_noted(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            reason=request.POST.get("reason", ""),
            now=case.now,
        ),
        done=_("The opt-out is taken back."),
        back=back_to(request, url_of(case.conversation)),
    )


@require_POST
@of_conversation
def no_contact(request: HttpRequest, case: Case) -> HttpResponse:
    """Say that nobody may write to the customer any more, or that they may again."""
    is_on = request.POST.get("on") == "1"
    return _act(
        request,
        case,
        lambda: said_elsewhere.mark_no_contact(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            reason=request.POST.get("reason", ""),
            is_on=is_on,
            now=case.now,
        ),
        done=_("Nobody writes to them any more.") if is_on else _("They may be written to again."),
        back=back_to(request, url_of(case.conversation)),
    )
