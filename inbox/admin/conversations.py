"""Which facts about conversations may be looked at? Who had them and when; never what was said."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.access import accounts_without
from accounts.admin_scope import LOOK, BigTableAdmin, OwnRowsFilter, ToDo
from accounts.models import Feature
from compliance.addresses import masked
from inbox.admin.transcripts import TranscriptAdmin
from inbox.models import Conversation, ConversationEvent, Participant, ReadCursor, Thread

_CUSTOMERS = Count("contact", distinct=True)
MOST_LINES = 10


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
        waiting = self.get_queryset(request).filter(waiting_since__isnull=False)
        heard = waiting.exclude(account__in=off)
        on_whatsapp = heard.filter(thread__our_address__startswith="whatsapp:", account__in=silent)
        yield from _lines(
            "Team Inbox is off for {1}, but customers wrote and wait: {2}.",
            _counted(waiting.filter(account__in=off), "account", "account__name"),
        )
        yield from _lines(
            "WhatsApp is off for {1}, but customers wrote there and wait: {2}.",
            _counted(on_whatsapp, "account", "account__name"),
        )
        yield from _lines(
            "{1} of {2} is off, but customers wrote and wait: {3}.",
            _counted(heard.filter(inbox__is_on=False), "inbox", "inbox__name", "account__name"),
            page="inbox_teaminbox",
        )


def _counted(waiting: QuerySet[Conversation], *names: str) -> list[tuple[Any, ...]]:
    """Count the customers of each account or inbox, the most first; one more than is shown."""
    counted = waiting.order_by().values_list(*names).annotate(number=_CUSTOMERS)
    return list(counted.order_by("-number", *names[1:], names[0])[: MOST_LINES + 1])


def _lines(
    words: str, counted: Sequence[tuple[Any, ...]], page: str = "accounts_account"
) -> Iterator[ToDo]:
    for row in counted[:MOST_LINES]:
        yield ToDo(words.format(*row), reverse(f"admin:{page}_change", args=[row[0]]))
    if len(counted) > MOST_LINES:
        more = "And there are more like that: look at what needs attention in the fleet."
        yield ToDo(more, f"{reverse('admin:fleet')}?show=attention")


@admin.register(Participant)
class ParticipantAdmin(BigTableAdmin[Participant]):
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
    search_fields = ("conversation__public_id__exact", "user__email__exact")
    search_help_text = "A conversation's id, or a colleague's e-mail address"


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
class ReadCursorAdmin(BigTableAdmin[ReadCursor]):
    """How far people have read."""

    account_path = "conversation__account"
    fields = ("user", "conversation", "seq")
    list_display = ("conversation", "user", "seq")
    list_select_related = ("conversation", "user")
    search_fields = ("conversation__public_id__exact", "user__email__exact")
    search_help_text = "A conversation's id, or a colleague's e-mail address"
