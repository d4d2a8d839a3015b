"""Which facts about conversations may be looked at? Who had them and when; never what was said."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.access import accounts_without
from accounts.admin_scope import LOOK, BigTableAdmin, M, OwnRowsFilter, ToDo
from accounts.models import Feature, User
from compliance.addresses import masked
from inbox.admin.transcripts import TranscriptAdmin
from inbox.models import (
    Conversation,
    ConversationEvent,
    Draft,
    EscalationTimer,
    Participant,
    ReadCursor,
    ResponseTime,
    RoutingTrace,
    Thread,
)

MOST_LINES = 30


class SoughtByEitherAdmin(BigTableAdmin[M]):
    """An admin of what a person has to do with a conversation: either of them finds it."""

    search_fields = ("conversation__public_id__exact", "user__email__exact")
    search_help_text = "A conversation's id, or a colleague's e-mail address"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Find either by an index of its own.

        Joined first, every conversation may be held against every person: that took seconds.
        """
        for word in search_term.split():
            conversations = Conversation.objects.filter(public_id=word).values("pk")
            people = User.objects.filter(email=word).values("pk")
            queryset = queryset.filter(Q(conversation__in=conversations) | Q(user__in=people))
        return queryset, False


@admin.register(Thread)
class ThreadAdmin(BigTableAdmin[Thread]):
    """One of our senders and one customer, for ever."""

    auditor_may = LOOK

    fields = (
        "account",
        "sender",
        "our_address",
        "masked_address",
        "public_id",
        "last_seq",
        "last_inbound_seq",
        "last_inbound_at",
        "created_at",
    )
    list_display = (
        "public_id",
        "account",
        "our_address",
        "masked_address",
        "last_seq",
        "last_inbound_at",
    )
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("public_id__exact",)
    search_help_text = "A thread's id"

    @admin.display(description="customer")
    def masked_address(self, obj: Thread) -> str:
        """Show the last two characters."""
        return masked(obj.customer_address)


@admin.register(Conversation)
class ConversationAdmin(TranscriptAdmin[Conversation]):
    """Pieces of work with customers."""

    auditor_may = LOOK

    fields = (
        "account",
        "inbox",
        "thread",
        "public_id",
        "status",
        "version",
        "priority",
        "owner",
        "owned_since",
        "last_owner",
        "is_team_wide",
        "was_team_wide_at_close",
        "is_hidden",
        "returns_at",
        "return_inbox",
        "waiting_since",
        "wait_generation",
        "snoozed_until",
        "opened_at",
        "closed_at",
        "reopen_count",
        "previous",
        "last_activity_at",
        "last_human_reply_at",
        "last_inbound_at",
        "last_inbound_seq",
        "has_failed_message",
    )
    list_display = (
        "public_id",
        "account",
        "inbox",
        "status",
        "owner",
        "waiting_since",
        "opened_at",
        "closed_at",
        "reopen_count",
        "has_failed_message",
    )
    list_filter = (
        "status",
        "has_failed_message",
        ("account", OwnRowsFilter),
        ("inbox", OwnRowsFilter),
    )
    list_select_related = ("account", "inbox", "owner")
    search_fields = ("public_id__exact",)
    search_help_text = "A conversation's id, as in addresses of pages"

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Count who wrote and waits where nobody can answer: behaviour, decision 9."""
        now = timezone.now()
        off, silent = (accounts_without(f, now=now) for f in (Feature.TEAM_INBOX, Feature.WHATSAPP))
        why = Case(
            When(account__in=off, then=Value("account")),
            When(
                thread__our_address__startswith="whatsapp:",
                account__in=silent,
                then=Value("whatsapp"),
            ),
            When(inbox__is_on=False, then=Value("inbox")),
            default=Value(""),
        )
        which, name = (Case(When(why="inbox", then=F(of))) for of in ("inbox", "inbox__name"))
        waiting = self.get_queryset(request).filter(waiting_since__isnull=False).order_by()
        unheard = waiting.annotate(why=why, which=which, inbox_name=name).exclude(why="")
        # One query: the first page asks enough of them.
        counted = unheard.values_list(
            "why", "account", "account__name", "which", "inbox_name"
        ).annotate(number=Count("contact", distinct=True))
        rows = list(counted.order_by("-number", "account__name", "which")[: MOST_LINES + 1])
        for row in rows[:MOST_LINES]:
            yield _line(*row)
        if len(rows) > MOST_LINES:
            words = "Customers wrote and wait at more accounts and inboxes that are off."
            yield ToDo(words, f"{reverse('admin:fleet')}?show=attention")


_WORDS = {
    "account": "Team Inbox is off for {account}, but customers wrote and wait: {number}.",
    "whatsapp": "WhatsApp is off for {account}, but customers wrote there and wait: {number}.",
    "inbox": "{inbox} of {account} is off, but customers wrote and wait: {number}.",
}


def _line(why: str, pk: int, account: str, which: int | None, inbox: str, number: int) -> ToDo:
    words = _WORDS[why].format(account=account, inbox=inbox, number=number)
    page = "accounts_account" if which is None else "inbox_teaminbox"
    return ToDo(words, reverse(f"admin:{page}_change", args=[which or pk]))


@admin.register(Participant)
class ParticipantAdmin(SoughtByEitherAdmin[Participant]):
    """Who was in a conversation's audience, from when to when."""

    auditor_may = LOOK

    fields = (
        "account",
        "conversation",
        "user",
        "role",
        "source",
        "started_at",
        "ended_at",
        "is_ended_by_close",
        "mentioned_seq",
    )
    list_display = (
        "conversation",
        "account",
        "user",
        "role",
        "source",
        "started_at",
        "ended_at",
    )
    list_filter = ("role", "source", ("account", OwnRowsFilter))
    list_select_related = ("account", "conversation", "user")


@admin.register(ConversationEvent)
class ConversationEventAdmin(BigTableAdmin[ConversationEvent]):
    """What happened to conversations. Append-only; notes and reasons are not shown."""

    auditor_may = LOOK

    fields = (
        "account",
        "conversation",
        "thread",
        "public_id",
        "verb",
        "actor",
        "actor_label",
        "after_seq",
        "at",
    )
    list_display = ("at", "account", "conversation", "verb", "actor_label", "after_seq")
    list_filter = ("verb", ("account", OwnRowsFilter))
    list_select_related = ("account", "conversation")
    search_fields = ("conversation__public_id__exact",)
    search_help_text = "A conversation's id, as in addresses of pages"


@admin.register(ReadCursor)
class ReadCursorAdmin(SoughtByEitherAdmin[ReadCursor]):
    """How far people have read."""

    account_path = "conversation__account"
    fields = ("user", "conversation", "seq")
    list_display = ("conversation", "user", "seq")
    list_select_related = ("conversation", "user")


@admin.register(Draft)
class DraftAdmin(SoughtByEitherAdmin[Draft]):
    """That somebody has begun to write; what they wrote nobody else reads, here neither."""

    fields = ("account", "user", "conversation", "mode", "revision", "written_at")
    list_display = ("written_at", "account", "conversation", "user", "mode")
    list_select_related = ("account", "conversation", "user")


@admin.register(EscalationTimer)
class EscalationTimerAdmin(BigTableAdmin[EscalationTimer]):
    """When help comes to who waits: due, done, put off or not needed any more, and why."""

    auditor_may = LOOK

    fields = (
        "account",
        "conversation",
        "wait_generation",
        "step",
        "plan",
        "anchor_at",
        "length",
        "due_at",
        "warn_at",
        "next_at",
        "warned_at",
        "fired_at",
        "obsolete_at",
        "obsolete_reason",
        "suspended_remaining",
        "suspended_for",
        "ask_at",
        "attempts",
        "problem",
    )
    list_display = (
        "conversation",
        "account",
        "wait_generation",
        "step",
        "due_at",
        "fired_at",
        "obsolete_reason",
        "suspended_for",
        "problem",
    )
    list_filter = ("suspended_for", "obsolete_reason", ("account", OwnRowsFilter))
    list_select_related = ("account", "conversation")
    search_fields = ("conversation__public_id__exact",)
    search_help_text = "A conversation's id"


@admin.register(ResponseTime)
class ResponseTimeAdmin(BigTableAdmin[ResponseTime]):
    """How long customers waited and conversations took, as it was measured when it ended."""

    auditor_may = LOOK

    fields = (
        "account",
        "inbox",
        "conversation",
        "kind",
        "turn",
        "user",
        "began_at",
        "ended_at",
        "calendar_time",
        "business_time",
        "hours_number",
        "hours_version",
    )
    list_display = (
        "conversation",
        "account",
        "inbox",
        "kind",
        "ended_at",
        "calendar_time",
        "business_time",
    )
    list_filter = ("kind", ("account", OwnRowsFilter))
    list_select_related = ("account", "conversation", "inbox")
    search_fields = ("conversation__public_id__exact",)
    search_help_text = "A conversation's id"


@admin.register(RoutingTrace)
class RoutingTraceAdmin(BigTableAdmin[RoutingTrace]):
    """Why conversations are where they are. What customers wrote and who they are stays out."""

    auditor_may = LOOK

    fields = (
        "account",
        "inbox",
        "conversation",
        "trigger",
        "always_first",
        "version",
        "rule",
        "has_nobody",
        "broken",
        "marked",
        "webhook_at",
        "webhook_tries",
        "webhook_problem",
        "took_us",
        "at",
    )
    list_display = ("conversation", "account", "inbox", "trigger", "rule", "has_nobody", "at")
    list_filter = ("trigger", "has_nobody", ("account", OwnRowsFilter))
    list_select_related = ("account", "conversation", "inbox")
    search_fields = ("conversation__public_id__exact", "rule__exact")
    search_help_text = "A conversation's id, or a rule's"
