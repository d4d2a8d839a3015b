"""How do people claim, pass on, put aside and finish a conversation? One story per button."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.numbers import number_in
from inbox import closing, conversations, promises, sending, undoing, watching
from inbox.access import HandledByOtherError, get_message
from inbox.forms import LaterForm, PromiseForm, SnoozeForm
from inbox.models import Conversation, ConversationEvent, Message, TeamInbox
from inbox.parting import close_with_goodbye
from inbox.refusals import MissingInputError
from inbox.threads import transfer_page
from inbox.views.answers import (
    Case,
    act,
    back_to,
    first_problem,
    handled_by_other,
    no_licence,
    of_conversation,
    reader,
    refused,
    undo_of,
    url_of,
    wants_fragment,
)


@require_POST
@of_conversation
def claim(request: HttpRequest, case: Case) -> HttpResponse:
    """Make the conversation mine."""
    return act(
        request,
        lambda: conversations.claim_conversation(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            now=case.now,
            version=number_in(request.POST.get("version", "")),
        ),
        done=_("This conversation is yours now."),
        undo=lambda row: undo_of(case, row),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def release(request: HttpRequest, case: Case) -> HttpResponse:
    """Give the conversation back to those who had it before."""
    return act(
        request,
        lambda: conversations.release_conversation(
            conversation=case.conversation, by=case.viewer, user=case.user, now=case.now
        ),
        done=_("Released. The others see it again."),
        undo=lambda row: undo_of(case, row),
        back=_list_of(case.conversation),
    )


@require_http_methods(["GET", "POST"])
@of_conversation
def transfer(request: HttpRequest, case: Case) -> HttpResponse:
    """Offer to whom the conversation can go, or send it there."""
    if request.method == "POST":
        return _transfer(request, case)
    page = transfer_page(case.viewer, case.conversation, now=case.now)
    is_part = wants_fragment(request)
    template = "inbox/_transfer.html" if is_part else "inbox/transfer.html"
    return render(request, template, {"transfer": page, "case": case, "is_part": is_part})


def _transfer(request: HttpRequest, case: Case) -> HttpResponse:
    kind, _colon, key = request.POST.get("to", "").partition(":")
    note = request.POST.get("note", "").strip()
    if kind == "user" and (pk := number_in(key)) is not None:
        return _transfer_to_user(request, case, _colleague(case, pk), note)
    if kind == "inbox" and key:
        return _transfer_to_inbox(request, case, _sibling(case, key), note)
    refusal = MissingInputError(_("Choose a person or a team."))
    return refused(request, refusal.as_dict(), refusal.status, url_of(case.conversation))


def _transfer_to_user(request: HttpRequest, case: Case, to: User, note: str) -> HttpResponse:
    return act(
        request,
        lambda: conversations.transfer_to_user(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            to=to,
            note=note,
            confirmed=bool(request.POST.get("confirm")),
            now=case.now,
        ),
        done=_("%(name)s has this conversation now.") % {"name": to.name},
        undo=lambda row: undo_of(case, row),
        back=_list_of(case.conversation),
    )


def _transfer_to_inbox(request: HttpRequest, case: Case, to: TeamInbox, note: str) -> HttpResponse:
    back = _list_of(case.conversation)
    return act(
        request,
        lambda: conversations.transfer_to_inbox(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            to=to,
            note=note,
            now=case.now,
        ),
        done=_("Moved to %(name)s.") % {"name": to.name},
        undo=lambda row: undo_of(case, row),
        back=back,
    )


def _colleague(case: Case, pk: int) -> User:
    person = User.objects.filter(pk=pk, account=case.viewer.account_id, is_active=True).first()
    if person is None:
        raise Http404("No such person.")
    return person


def _sibling(case: Case, slug: str) -> TeamInbox:
    inbox = TeamInbox.objects.filter(account=case.viewer.account_id, slug=slug, is_on=True).first()
    if inbox is None:
        raise Http404("No such inbox.")
    return inbox


@require_http_methods(["GET", "POST"])
@of_conversation
def watchers(request: HttpRequest, case: Case) -> HttpResponse:
    """Offer whom one can ask to watch, or ask them."""
    if request.method == "GET":
        people = watching.may_watch(case.conversation, now=case.now)
        is_part = wants_fragment(request)
        template = "inbox/_watchers.html" if is_part else "inbox/watchers.html"
        return render(request, template, {"people": people, "case": case, "is_part": is_part})
    return act(
        request,
        lambda: watching.add_watcher(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            whom=number_in(request.POST.get("whom", "")) or 0,
            now=case.now,
        ),
        done=_("They watch this conversation now."),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def stop_watching(request: HttpRequest, case: Case) -> HttpResponse:
    """Watch a conversation no more."""
    return act(
        request,
        lambda: watching.stop_watching(
            conversation=case.conversation, by=case.viewer, user=case.user, now=case.now
        ),
        done=_("You no longer watch this conversation."),
        back=_list_of(case.conversation),
    )


@require_POST
@of_conversation
def take_over(request: HttpRequest, case: Case) -> HttpResponse:
    """Take the conversation from its owner, for a reason."""
    return act(
        request,
        lambda: conversations.take_over(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            reason=request.POST.get("reason", ""),
            now=case.now,
        ),
        done=_("You took this conversation over."),
        undo=lambda row: undo_of(case, row),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def close(request: HttpRequest, case: Case) -> HttpResponse:
    """Finish the conversation."""
    wish = closing.Close(
        number_in(request.POST.get("last_seen_seq", "")) or 0,
        request.POST.get("reason", ""),
        waiting_ok=bool(request.POST.get("waiting_ok")),
        promise=request.POST.get("promise", ""),
    )
    return act(
        request,
        lambda: close_with_goodbye(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            wish=wish,
            now=case.now,
        ),
        done=_("Closed for everybody."),
        undo=lambda row: undo_of(case, row),
        back=_list_of(case.conversation),
        about=case,
    )


@require_POST
@of_conversation
def undo_close(request: HttpRequest, case: Case) -> HttpResponse:
    """Take a close back: owner, audience and timers as they were."""
    return act(
        request,
        lambda: closing.undo_close(
            conversation=case.conversation, by=case.viewer, user=case.user, now=case.now
        ),
        done=_("Open again, as it was."),
        back=url_of(case.conversation),
    )


@require_POST
def undo(request: HttpRequest, *, cid: str, eid: str) -> HttpResponse:
    """Take back a claim, release, transfer or close of one's own, within two minutes."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    act_done = undoing.act_of(viewer, cid, eid)
    return act(
        request,
        lambda: undoing.undo_act(act=act_done, by=viewer, user=user, now=now),
        done=_("Taken back: it is as it was before."),
        back=reverse("conversation_link", kwargs={"cid": cid}),
    )


@require_POST
@of_conversation
def reopen(request: HttpRequest, case: Case) -> HttpResponse:
    """Open a closed conversation again."""
    return act(
        request,
        lambda: closing.reopen_conversation(
            conversation=case.conversation, by=case.viewer, user=case.user, now=case.now
        ),
        done=_("Open again.")
        if case.conversation.inbox.is_collaborative
        else _("Open again, and yours."),
        undo=lambda row: undo_of(case, row, ConversationEvent.Verb.REOPENED),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def snooze(request: HttpRequest, case: Case) -> HttpResponse:
    """Put the conversation aside for a while."""
    form = SnoozeForm(request.POST)
    back = url_of(case.conversation)
    try:
        form.full_clean()
        until = form.until_at(now=case.now, zone=case.conversation.inbox.zone)
    except ValidationError as error:
        refusal = MissingInputError(error.messages[0])
        return refused(request, refusal.as_dict(), refusal.status, back)
    return act(
        request,
        lambda: conversations.snooze_conversation(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            until=until,
            last_seen_seq=number_in(request.POST.get("last_seen_seq", "")),
            now=case.now,
        ),
        done=_("Snoozed."),
        undo=_url("wake", case.conversation),
        back=_list_of(case.conversation),
        about=case,
    )


@require_POST
@of_conversation
def promise(request: HttpRequest, case: Case) -> HttpResponse:
    """Promise the customer to come back by a moment."""
    form = PromiseForm(request.POST)
    back = url_of(case.conversation)
    try:
        form.full_clean()
        due_at = form.due_at(now=case.now, zone=case.conversation.inbox.zone)
    except ValidationError as error:
        refusal = MissingInputError(error.messages[0])
        return refused(request, refusal.as_dict(), refusal.status, back)
    return act(
        request,
        lambda: promises.promise(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            due_at=due_at,
            note=request.POST.get("note", ""),
            now=case.now,
        ),
        done=_("Promised. It comes up when it is due."),
        back=back,
    )


@require_POST
@of_conversation
def end_promise(request: HttpRequest, case: Case) -> HttpResponse:
    """Say that a promise was kept, or call it off."""
    is_kept = request.POST.get("end") == "kept"
    return act(
        request,
        lambda: promises.end_promise(
            conversation=case.conversation,
            by=case.viewer,
            user=case.user,
            is_kept=is_kept,
            now=case.now,
        ),
        done=_("The promise was kept.") if is_kept else _("The promise is called off."),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def wake(request: HttpRequest, case: Case) -> HttpResponse:
    """End a snooze."""
    return act(
        request,
        lambda: conversations.wake_conversation(
            conversation=case.conversation, by=case.viewer, user=case.user, now=case.now
        ),
        done=_("Back among the open ones."),
        back=url_of(case.conversation),
    )


@require_POST
def resend(request: HttpRequest, *, mid: str) -> HttpResponse:
    """Send a message again that did not arrive, at once or later."""
    seen = number_in(request.POST.get("last_seen_message", ""))
    form = LaterForm(request.POST)
    form.full_clean()

    def again(*, message: Message, now: datetime, **who: Any) -> Message:
        later = _later(form, message, now=now)
        return sending.resend(message=message, last_seen_seq=seen, later=later, now=now, **who)

    done = _("It is sent again then.") if request.POST.get("later") else _("Sending it again.")
    return _with_message(request, mid, again, done=done)


def _later(form: LaterForm, message: Message, *, now: datetime) -> sending.Later | None:
    """Return when it is to go. Raises MissingInputError where that is no moment."""
    try:
        if problem := first_problem(form)["detail"]:
            raise MissingInputError(str(problem))
        return form.sent_later(now=now, zone=message.thread.sender.inbox.zone)
    except ValidationError as error:
        raise MissingInputError(error.messages[0]) from error


@require_POST
def call_off(request: HttpRequest, *, mid: str) -> HttpResponse:
    """Stop a message that has not left yet."""
    return _with_message(request, mid, sending.call_off, done=_("Stopped. It was not sent."))


def _with_message(
    request: HttpRequest, mid: str, story: Callable[..., Message], *, done: str
) -> HttpResponse:
    """Do something with a message of a conversation that this person sees."""
    viewer, user, now = reader(request)
    try:
        message = get_message(viewer, mid)
    except HandledByOtherError as lost:
        return handled_by_other(request, lost)
    conversation = message.conversation
    assert conversation is not None  # get_message only finds messages of a conversation.
    return act(
        request,
        lambda: story(message=message, by=viewer, user=user, now=now),
        done=done,
        back=back_to(request, url_of(conversation)),
        about=Case(viewer, user, conversation, now),
    )


def _url(name: str, conversation: Conversation) -> str:
    return reverse(name, kwargs={"cid": conversation.public_id})


def _list_of(conversation: Conversation) -> str:
    return reverse("inbox", kwargs={"slug": conversation.inbox.slug})
