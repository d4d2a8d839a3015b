"""How do people do one thing to many conversations, and hear what came of each?"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Viewer
from accounts.models import User
from accounts.numbers import number_in
from inbox.access import get_inbox
from inbox.bulk import Act, Order, Outcome, carry_out
from inbox.forms import BulkForm, SnoozeForm
from inbox.models import TeamInbox
from inbox.refusals import MissingInputError, RefusedError
from inbox.threads import targets_in
from inbox.views.answers import no_licence, reader


@require_POST
def bulk(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Do one thing to the conversations named in the body; answer item by item."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    inbox = get_inbox(viewer, slug)
    try:
        form = _form_in(request)
        facts = _facts(form, viewer, inbox, now=now)
        order = Order(act=form.wanted, by=viewer, user=user, now=now, **facts)
        client_id = form.cleaned_data["client_id"]
        outcomes = carry_out(order, inbox, form.picked, client_id=client_id)
    except RefusedError as refusal:
        return JsonResponse(refusal.as_dict(), status=refusal.status)
    return JsonResponse(_answer(order, outcomes))


@require_GET
def targets(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Offer to whom conversations of an inbox can go."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    inbox = get_inbox(viewer, slug)
    page = targets_in(viewer, inbox, now=now)
    facts = {"transfer": page, "me": user, "needs_note": inbox.is_transfer_note_required}
    return render(request, "inbox/_bulk_transfer.html", facts)


def _form_in(request: HttpRequest) -> BulkForm:
    """Read the body, or raise MissingInputError with words of what is wrong."""
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException) as error:
        raise MissingInputError(_("This was not understood. Load the page again.")) from error
    facts = sent if isinstance(sent, dict) else {}
    form = BulkForm({name: _writable(value) for name, value in facts.items()})
    if not form.is_valid():
        raise MissingInputError(str(next(iter(form.errors.values()))[0]))
    return form


def _writable(value: object) -> object:
    """Return what can be stored: JSON may hold half a sign, where a field cut one in two."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _facts(form: BulkForm, viewer: Viewer, inbox: TeamInbox, *, now: datetime) -> dict[str, Any]:
    """Return what this act wants to know, and nothing that another one would."""
    said = form.cleaned_data
    if form.wanted is Act.TRANSFER:
        to = _target(viewer, said["to"])
        return {"to": to, "note": said["note"].strip(), "confirmed": said["confirm"]}
    if form.wanted is Act.CLOSE:
        return {"reason": said["reason"], "waiting_ok": said["waiting_ok"]}
    if form.wanted is Act.SNOOZE:
        return {"until": _until(form, inbox, now=now)}
    if form.wanted in {Act.TAG, Act.UNTAG}:
        return {"tag": said["tag"]}
    if form.wanted is Act.PRIORITY:
        return {"priority": said["priority"]}
    return {}


def _until(form: BulkForm, inbox: TeamInbox, *, now: datetime) -> datetime | None:
    snooze = SnoozeForm(form.data)
    try:
        snooze.full_clean()
        return snooze.until_at(now=now, zone=inbox.zone)
    except ValidationError as error:
        raise MissingInputError(error.messages[0]) from error


def _target(viewer: Viewer, wanted: str) -> User | TeamInbox:
    """Return the colleague or the inbox of this account that was chosen."""
    kind, _colon, key = wanted.partition(":")
    pk = number_in(key)
    to: User | TeamInbox | None = None
    if kind == "user" and pk is not None:
        to = User.objects.filter(pk=pk, account=viewer.account_id, is_active=True).first()
    if kind == "inbox":
        to = TeamInbox.objects.filter(account=viewer.account_id, slug=key, is_on=True).first()
    if to is None:
        raise MissingInputError(_("Choose a person or a team."))
    return to


def _answer(order: Order, outcomes: list[Outcome]) -> dict[str, object]:
    undo = order.act.undo
    undoable = [one.public_id for one in outcomes if one.is_changed] if undo else []
    return {
        "message": _told(order.act, outcomes),
        "done": sum(one.is_done for one in outcomes),
        "results": [one.as_dict() for one in outcomes],
        "undo": {"act": undo, "ids": undoable, "tag": order.tag} if undoable else None,
    }


def _told(act: Act, outcomes: list[Outcome]) -> str:
    """Say in one line how many are done; and of those that are not, why, if there is one reason."""
    done = sum(one.is_done for one in outcomes)
    reasons = {one.detail for one in outcomes if not one.is_done}
    words = _WORDS[act](done) % {"number": done}
    if not reasons:
        return words
    refused = len(outcomes) - done
    facts = {"done": words, "number": refused, "reason": next(iter(reasons))}
    if len(reasons) > 1:
        return _("%(done)s, %(number)s not.") % facts
    return _("%(done)s, %(number)s not: %(reason)s") % facts


_WORDS: dict[Act, Callable[[int], str]] = {
    Act.CLAIM: lambda n: ngettext("%(number)s claimed", "%(number)s claimed", n),
    Act.RELEASE: lambda n: ngettext("%(number)s released", "%(number)s released", n),
    Act.TRANSFER: lambda n: ngettext("%(number)s transferred", "%(number)s transferred", n),
    Act.CLOSE: lambda n: ngettext("%(number)s closed", "%(number)s closed", n),
    Act.REOPEN: lambda n: ngettext("%(number)s open again", "%(number)s open again", n),
    Act.UNDO_CLOSE: lambda n: ngettext("%(number)s open again", "%(number)s open again", n),
    Act.SNOOZE: lambda n: ngettext("%(number)s snoozed", "%(number)s snoozed", n),
    Act.WAKE: lambda n: ngettext("%(number)s woken", "%(number)s woken", n),
    Act.READ: lambda n: ngettext("%(number)s marked read", "%(number)s marked read", n),
    Act.UNREAD: lambda n: ngettext("%(number)s marked unread", "%(number)s marked unread", n),
    Act.TAG: lambda n: ngettext("%(number)s tagged", "%(number)s tagged", n),
    Act.PRIORITY: lambda n: ngettext("Priority of %(number)s set", "Priority of %(number)s set", n),
    Act.UNDO: lambda n: ngettext("%(number)s taken back", "%(number)s taken back", n),
    Act.UNTAG: lambda n: ngettext("Tag off %(number)s", "Tag off %(number)s", n),
}
