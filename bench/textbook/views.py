"""What would anybody's views be? Two webhooks and a paged list."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.views.generic import ListView
from twilio.request_validator import RequestValidator

from bench.textbook.models import Conversation, Inbox, Message, ReadMark, Sender
from bench.textbook.storing import take_message, take_status

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@csrf_exempt
@require_POST
def inbound(request: HttpRequest, token: str) -> HttpResponse:
    """Take one message."""
    sender = _sender(token)
    if not _is_signed(request, sender):
        return HttpResponseForbidden()
    take_message(sender, request.POST.dict())
    return HttpResponse(EMPTY_TWIML, content_type="text/xml")


@csrf_exempt
@require_POST
def status(request: HttpRequest, token: str) -> HttpResponse:
    """Take one status callback."""
    if not _is_signed(request, _sender(token)):
        return HttpResponseForbidden()
    take_status(request.POST.dict())
    return HttpResponse(status=204)


def _sender(token: str) -> Sender:
    found: Sender = get_object_or_404(
        Sender.objects.select_related("inbox__account"), path_token=token
    )
    return found


def _is_signed(request: HttpRequest, sender: Sender) -> bool:
    validator: Any = RequestValidator(sender.inbox.account.auth_token)  # type: ignore[no-untyped-call]
    return bool(
        validator.validate(
            f"{settings.PUBLIC_BASE_URL}{request.get_full_path()}",
            request.POST,
            request.headers.get("X-Twilio-Signature", ""),
        )
    )


class Conversations(LoginRequiredMixin, ListView):  # type: ignore[type-arg]
    """The list of an inbox, with Django's own pager."""

    paginate_by = 30
    template_name = "textbook/list.html"

    def get_queryset(self) -> "QuerySet[Conversation]":
        """Choose the conversations of this inbox that were asked for."""
        inbox = get_object_or_404(Inbox, pk=self.kwargs["inbox"], members=self.request.user.pk)
        found = self._seen(inbox.pk)
        view = self.request.GET.get("view")
        if view == "mine":
            found = found.filter(owner=self.request.user.pk)
        elif view == "unassigned":
            found = found.filter(owner=None)
        return self._with_unread(found).select_related("contact", "owner")

    def _seen(self, inbox: int) -> "QuerySet[Conversation]":
        """Keep what nobody or this reader has: who claims takes it from the others' lists."""
        free_or_mine = Q(owner=None) | Q(owner=self.request.user.pk)
        return Conversation.objects.filter(free_or_mine, inbox=inbox, is_open=True)

    def _with_unread(self, found: "QuerySet[Conversation]") -> "QuerySet[Conversation]":
        """Count what this reader has not read, in a subquery for each row of the page."""
        mark = ReadMark.objects.filter(user=self.request.user.pk, conversation=OuterRef("pk"))
        unread = (
            Message.objects.filter(
                conversation=OuterRef("pk"), is_inbound=True, created_at__gt=OuterRef("read_at")
            )
            .order_by()
            .values("conversation")
            .annotate(number=Count("pk"))
            .values("number")
        )
        read_at = Coalesce(Subquery(mark.values("read_at")[:1]), Value(NEVER))
        return found.annotate(read_at=read_at).annotate(unread=Subquery(unread))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the counts of the badges."""
        context = super().get_context_data(**kwargs)
        all_open = self._seen(self.kwargs["inbox"])
        context["mine"] = all_open.filter(owner=self.request.user.pk).count()
        context["unassigned"] = all_open.filter(owner=None).count()
        context["all_open"] = all_open.count()
        return context


class Thread(LoginRequiredMixin, ListView):  # type: ignore[type-arg]
    """The newest messages of a conversation, with Django's own pager."""

    paginate_by = 40
    template_name = "textbook/thread.html"

    def get_queryset(self) -> "QuerySet[Message]":
        """Choose the messages of a conversation of one's inbox."""
        conversation = get_object_or_404(
            Conversation,
            pk=self.kwargs["conversation"],
            inbox=self.kwargs["inbox"],
            inbox__members=self.request.user.pk,
        )
        return Message.objects.filter(conversation=conversation).order_by("-created_at", "-pk")
