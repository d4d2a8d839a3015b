"""What was said in a conversation, for who may check it and takes no part: masked until they say
why they must read it.

Every look is a line of the audit log. The line with the reason is itself the permission: for a
quarter of an hour, to whom wrote it, for that conversation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_scope import BigTableAdmin, M, person, role_in_admin
from accounts.audit import record
from accounts.models import AuditEntry, User
from accounts.numbers import number_in
from compliance.addresses import masked
from inbox.models import Conversation, Message

UNMASKED_FOR = timedelta(minutes=15)
READ, UNMASKED = "conversation_read", "conversation_unmasked"
LINES = 100


class ReasonForm(forms.Form):
    """Why must it be read?"""

    reason = forms.CharField(
        label=_("Why do you need to read it?"),
        max_length=200,
        help_text=_("The account reads it in its audit log, with your name."),
    )


@dataclass(frozen=True)
class Line:
    """One message of a transcript, as far as it is shown."""

    at: datetime
    who: str
    kind: str
    status: str
    words: str


class TranscriptAdmin(BigTableAdmin[M]):
    """An admin of conversations whose words an auditor can ask for."""

    change_form_template = "admin/with_transcript.html"

    def get_urls(self) -> list[URLPattern]:
        """Give the transcript its address."""
        view = self.admin_site.admin_view(self.transcript_view)
        name = "inbox_conversation_transcript"
        return [path("<path:object_id>/transcript/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lead auditors to the words."""
        context["may_read"] = _may_read(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def transcript_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what was said, masked; take a reason and show it as it is."""
        if not _may_read(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("contact", "thread", "inbox")
        pk = number_in(object_id)
        conversation = rows.filter(pk=pk).first() if pk is not None else None
        if not isinstance(conversation, Conversation):
            raise Http404("No such conversation.")
        now = timezone.now()
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            _note(request, conversation, UNMASKED, now, reason=form.cleaned_data["reason"])
            return HttpResponseRedirect(request.get_full_path())
        is_open = _is_unmasked(request, conversation, now)
        _note(request, conversation, READ, now, is_masked=not is_open)
        before = number_in(request.GET.get("before", ""))
        lines, earlier = _lines(conversation, is_open=is_open, before=before)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Conversation {conversation.public_id}",
            "opts": self.opts,
            "conversation": conversation,
            "customer": _customer(conversation, is_open=is_open),
            "lines": lines,
            "earlier": earlier,
            "is_open": is_open,
            "form": form,
            "back": reverse("admin:inbox_conversation_change", args=[conversation.pk]),
        }
        return TemplateResponse(request, "admin/transcript.html", context)


def _may_read(request: HttpRequest) -> bool:
    return role_in_admin(request) == User.Role.AUDITOR


def _note(
    request: HttpRequest, conversation: Conversation, action: str, now: datetime, **more: Any
) -> None:
    record(
        action=action,
        subject=str(conversation),
        now=now,
        actor=person(request),
        account_id=conversation.account_id,
        row=str(conversation.pk),
        **more,
    )


def _is_unmasked(request: HttpRequest, conversation: Conversation, now: datetime) -> bool:
    given = AuditEntry.objects.filter(
        action=UNMASKED,
        actor=person(request),
        account=conversation.account_id,
        data__row=str(conversation.pk),
        at__gt=now - UNMASKED_FOR,
    )
    return given.exists()


def _customer(conversation: Conversation, *, is_open: bool) -> str:
    address = conversation.thread.customer_address
    if not is_open:
        return masked(address)
    name = conversation.contact.name or conversation.contact.profile_name
    return f"{name} ({address})" if name else address


def _lines(
    conversation: Conversation, *, is_open: bool, before: int | None
) -> tuple[list[Line], int | None]:
    """Return the last lines, oldest first, and the number before which there are more."""
    rows = conversation.messages.order_by("-seq")
    rows = rows.filter(seq__lt=before) if before is not None else rows
    found = list(rows[: LINES + 1])
    shown = found[:LINES]
    earlier = shown[-1].seq if len(found) > LINES else None
    return [_line(message, is_open=is_open) for message in reversed(shown)], earlier


def _line(message: Message, *, is_open: bool) -> Line:
    is_theirs = message.direction == Message.Direction.IN
    who = str(_("Customer")) if is_theirs else message.author_label
    words = message.body if is_open else _blotted(message.body)
    if message.forgotten_for:
        words = str(_("Removed: %(why)s")) % {"why": message.get_forgotten_for_display().lower()}
    return Line(
        message.created_at, who, message.get_kind_display(), message.get_status_display(), words
    )


def _blotted(text: str) -> str:
    return str(_("%(number)s characters")) % {"number": len(text)} if text else ""
