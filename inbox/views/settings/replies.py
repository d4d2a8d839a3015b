"""What does an inbox say by itself? The pages on which admins write it, and see what it becomes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from compliance.gate import Purpose
from compliance.opt_out_links import sample_link
from inbox.directory import directory_of_account
from inbox.explaining.verdicts import reader_of, verdicts_on
from inbox.models import TeamInbox
from inbox.setup.replies import (
    RepliesError,
    ReplyChangedError,
    ReplyProblemsError,
    delete_keyword,
    mark_of,
    move_keyword,
    own_replies,
    save_language,
    save_reply,
)
from inbox.setup.reply_variables import Variables, variables_of
from inbox.setup.reply_words import AnyReply, clock_words, when_words
from inbox.tongues import language_name, languages_with
from inbox.views.settings import condition_forms
from inbox.views.settings import replies_page as page
from inbox.views.settings.answers import inbox_of
from inbox.views.settings.condition_forms import Offered, offered_in
from inbox.views.settings.door import Setter, setter
from inbox.views.settings.replies_forms import (
    AFTER_HOURS,
    FIRST_MESSAGE,
    KEYWORD,
    STILL_WAITING,
    ReplyForm,
)
from routing.escalation import Clock
from routing.reading import is_language
from routing.replies import FirstWhen, KeywordReply, Replies
from routing.wording import Voice

_NEW, _NUMBERED = "keyword-new", re.compile(r"keyword-\d{1,3}")
_TITLES = {
    AFTER_HOURS: lambda: _("After hours"),
    FIRST_MESSAGE: lambda: _("First message"),
    STILL_WAITING: lambda: _("Still waiting"),
    KEYWORD: lambda: _("Keyword reply"),
}


@dataclass
class Desk:
    """Who works on which reply, and what the page is to show besides it."""

    request: HttpRequest
    who: Setter
    inbox: TeamInbox
    part: str
    replies: Replies
    there: AnyReply | None
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Return which kind of reply it is."""
        return KEYWORD if self.part.startswith(KEYWORD) else self.part

    @cached_property
    def variables(self) -> Variables:
        """Return what texts may name."""
        return variables_of(self.inbox.account_id)

    @cached_property
    def offered(self) -> Offered:
        """Return what conditions can name, where there may be some."""
        if self.kind != KEYWORD:
            return Offered()
        account = self.inbox.account_id
        people = directory_of_account(account, team=self.inbox.pk, now=self.who.now).people
        return offered_in(account, self.inbox, people)

    @property
    def was(self) -> str:
        """Return the name that the page showed."""
        name = self.there.name if isinstance(self.there, KeywordReply) else ""
        return self.request.POST.get("was", name)

    @property
    def seen(self) -> str:
        """Return the mark of what the page showed."""
        return self.request.POST.get("seen", mark_of(self.there))

    @property
    def language(self) -> str:
        """Return the language that speaks for those whose own is not known."""
        return self.replies.default_language or self.inbox.language or "en"


# --- The list ---


@require_http_methods(["GET", "POST"])
def replies(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every responder in the order in which they are asked; change that order."""
    who, inbox = _inbox(request, slug)
    error = ""
    if request.method == "POST":
        try:
            _change_list(request, who, inbox)
        except RepliesError as refused:
            error = refused.reason
        else:
            return HttpResponseRedirect(reverse("settings_replies", args=[inbox.slug]))
    context = _list_context(who, inbox, error)
    return render(request, "settings/inbox/replies.html", context, status=409 if error else 200)


def _change_list(request: HttpRequest, who: Setter, inbox: TeamInbox) -> None:
    data = request.POST
    deed: dict[str, Any] = {"inbox": inbox, "by": who.user, "now": who.now}
    if data.get("do") in ("up", "down"):
        places = -1 if data["do"] == "up" else 1
        move_keyword(name=data.get("name", ""), by_places=places, **deed)
    elif data.get("do") == "language":
        language = data.get("language", "")
        if language and not is_language(language):
            raise RepliesError(_("Choose a language of the list."))
        save_language(language=language, seen=data.get("seen", ""), **deed)
        messages.success(request, _("The language is saved."))


def _list_context(who: Setter, inbox: TeamInbox, error: str) -> dict[str, Any]:
    row = inbox_of(who, inbox.slug)
    try:
        own = own_replies(row)
    except RepliesError as refused:
        own, error = Replies(default_language=""), refused.reason
    return {
        "who": who,
        "here": "home",
        "tab": "replies",
        "inbox": row,
        "error": error,
        "notices": page.notices(row),
        "rules": page.of_rules(row, now=who.now),
        "keywords": page.of_keywords(row, own),
        "rest": [
            page.after_hours(row, own),
            page.first_message(row, own),
            page.still_waiting(row, own),
        ],
        "new_url": reverse("settings_reply", args=[row.slug, _NEW]),
        "own_language": own.default_language,
        "usual_language": language_name(row.language or "en"),
        "languages": languages_with([own.default_language]),
    }


# --- One reply ---


@require_http_methods(["GET", "POST"])
def reply(request: HttpRequest, slug: str, part: str) -> HttpResponse:
    """Show one reply with all that can be set about it; show what it becomes; save it."""
    desk = _desk(request, slug, part)
    if request.method == "GET":
        return _show(desk, ReplyForm.of(desk.kind, desk.there, desk.offered))
    form = ReplyForm.posted(desk.kind, request.POST, desk.offered)
    do = request.POST.get("do", "")
    if do == "preview":
        return _preview(desk, form)
    if do and form.do(do, request.POST):
        return _show(desk, form)
    return _save(desk, form)


def _save(desk: Desk, form: ReplyForm) -> HttpResponse:
    wanted = form.reply(desk.variables.known)
    if wanted is None:
        return _show(desk, form, status=422)
    try:
        save_reply(
            inbox=desk.inbox,
            reply=wanted,
            seen=desk.seen,
            was=desk.was,
            by=desk.who.user,
            now=desk.who.now,
            is_sure="is_sure" in desk.request.POST,
        )
    except ReplyChangedError as refused:
        desk.shown |= {"changed": refused, "seen": refused.seen}
        if not refused.seen:
            desk.shown["was"] = ""
        return _show(desk, form, status=409)
    except ReplyProblemsError as refused:
        desk.shown["problems"] = refused
        return _show(desk, form, status=422)
    except RepliesError as refused:
        form.errors.append(("id_name" if desk.kind == KEYWORD else "", refused.reason))
        return _show(desk, form, status=422)
    messages.success(desk.request, _("“%s” is saved.") % _title(desk, form))
    return HttpResponseRedirect(reverse("settings_replies", args=[desk.inbox.slug]))


def _preview(desk: Desk, form: ReplyForm) -> HttpResponse:
    """Show what the texts become, alone if htmx asks; nothing is saved."""
    for line in form.every_line:
        if line.text:
            line.read(desk.variables.known)
    if "HX-Request" in desk.request.headers:
        context = _preview_context(desk, form)
        return render(desk.request, "settings/inbox/_reply_preview.html", context)
    return _show(desk, form)


def _show(desk: Desk, form: ReplyForm, *, status: int = 200) -> HttpResponse:
    context = {
        "who": desk.who,
        "here": "home",
        "tab": "replies",
        "inbox": desk.inbox,
        "form": form,
        "title": _title(desk, form),
        "part": desk.part.replace("_", "-"),
        "is_new": desk.there is None,
        "seen": desk.seen,
        "was": desk.was,
        "languages": languages_with(line.language for line in form.every_line),
        "own_language": language_name(desk.language),
        "choices": desk.variables.choices(),
        **_conditions_context(desk, form),
        "whens": [(one.value, when_words(one)) for one in FirstWhen],
        "clocks": [(one.value, clock_words(one)) for one in Clock],
        **_preview_context(desk, form),
        "gate": verdicts_on(desk.inbox, Purpose.AUTO_REPLY, now=desk.who.now),
        **desk.shown,
    }
    return render(desk.request, "settings/inbox/reply_edit.html", context, status=status)


def _conditions_context(desk: Desk, form: ReplyForm) -> dict[str, Any]:
    crm = desk.variables.crm
    return {
        "conditions": form.conditions,
        "facts": condition_forms.facts(),
        "people": form.conditions.offered.everybody.options(),
        "crm_fields": sorted(f"{name}.{one}" for name, fields in crm.items() for one in fields),
    }


def _preview_context(desk: Desk, form: ReplyForm) -> dict[str, Any]:
    knows_all = desk.request.POST.get("sample", "known") != "unknown"
    calendar, at = page.moment_of(desk.inbox, desk.who.now)
    voice = Voice(
        desk.inbox.name,
        desk.inbox.bot_name,
        desk.language,
        dict(desk.variables.known),
        sample_link(desk.inbox.account_id, now=desk.who.now),
    )
    facts = desk.variables.sample(calendar, knows_all=knows_all)
    return {
        "sample": "known" if knows_all else "unknown",
        "previews": list(
            page.previews(form.every_line, facts, voice, notices=_notices(desk), at=at)
        ),
    }


def _notices(desk: Desk) -> Callable[[str], tuple[str, ...]]:
    """Return what says of a text what the gate looks for in words."""
    reads = reader_of(desk.inbox, now=desk.who.now)
    is_first = desk.kind == FIRST_MESSAGE
    return partial(reads.notices, purpose=Purpose.AUTO_REPLY, is_first=is_first)


def _title(desk: Desk, form: ReplyForm) -> str:
    if desk.kind == KEYWORD:
        return form.name or _("New keyword reply")
    return _TITLES[desk.kind]()


@require_http_methods(["GET", "POST"])
def reply_delete(request: HttpRequest, slug: str, part: str) -> HttpResponse:
    """Say what is lost, then delete a keyword reply."""
    desk = _desk(request, slug, part)
    here = reverse("settings_replies", args=[desk.inbox.slug])
    if request.method == "GET":
        if not isinstance(desk.there, KeywordReply):
            raise Http404
        context = {
            "who": desk.who,
            "here": "home",
            "question": _("Delete “%(name)s”?") % {"name": desk.there.name},
            "sentences": [
                _("Its texts are lost; the audit log keeps what they said."),
                _("To stop it for a while, turn it off instead."),
            ],
            "button": _("Delete"),
            "back": here,
            "hidden": {"was": desk.there.name, "seen": desk.seen},
        }
        return render(request, "settings/confirm.html", context)
    try:
        delete_keyword(
            inbox=desk.inbox,
            name=desk.was,
            seen=desk.seen,
            by=desk.who.user,
            now=desk.who.now,
        )
    except RepliesError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("“%s” is deleted.") % desk.was)
    return HttpResponseRedirect(here)


# --- Finding ---


def _inbox(request: HttpRequest, slug: str) -> tuple[Setter, TeamInbox]:
    who = setter(request)
    inbox = inbox_of(who, slug)
    if not who.may_set(inbox.pk):
        raise Http404
    return who, inbox


def _desk(request: HttpRequest, slug: str, part: str) -> Desk:
    """Find the reply that is meant; an admin may be about to make it."""
    who, inbox = _inbox(request, slug)
    try:
        own = own_replies(inbox)
    except RepliesError as refused:
        raise Http404(refused.reason) from refused
    part = part if part.startswith(KEYWORD) else part.replace("-", "_")
    is_sent = request.method == "POST"
    return Desk(request, who, inbox, part, own, _there(own, part, is_sent=is_sent))


def _there(own: Replies, part: str, *, is_sent: bool) -> AnyReply | None:
    """Find what is edited. What was typed about a reply that is gone is not lost with it."""
    found: dict[str, AnyReply | None] = {
        AFTER_HOURS: own.after_hours,
        FIRST_MESSAGE: own.first_message,
        STILL_WAITING: own.still_waiting,
        _NEW: None,
    }
    found |= {f"keyword-{number}": one for number, one in enumerate(own.keyword, start=1)}
    if part not in found and not (is_sent and _NUMBERED.fullmatch(part)):
        raise Http404
    return found.get(part)
