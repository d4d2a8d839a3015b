"""Which facts about conversations may be looked at? Who had them and when; never what was said."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import Count
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
        off = accounts_without(Feature.TEAM_INBOX, now=timezone.now())
        waiting = self.get_queryset(request).filter(waiting_since__isnull=False).order_by()
        unread = waiting.filter(account__in=off).values_list("account", "account__name")
        for pk, name, number in unread.annotate(number=_CUSTOMERS):
            words = f"Team Inbox is off for {name}, but customers wrote and wait: {number}."
            yield ToDo(words, reverse("admin:accounts_account_change", args=[pk]))
        silent = waiting.filter(
            thread__our_address__startswith="whatsapp:",
            account__in=accounts_without(Feature.WHATSAPP, now=timezone.now()),
        )
        over_whatsapp = silent.exclude(account__in=off).values_list("account", "account__name")
        for pk, name, number in over_whatsapp.annotate(number=_CUSTOMERS):
            words = f"WhatsApp is off for {name}, but customers wrote there and wait: {number}."
            yield ToDo(words, reverse("admin:accounts_account_change", args=[pk]))
        hidden = waiting.filter(inbox__is_on=False).exclude(account__in=off)
        named = hidden.values_list("inbox", "inbox__name", "account__name")
        for pk, inbox, account, number in named.annotate(number=_CUSTOMERS):
            words = f"{inbox} of {account} is off, but customers wrote and wait: {number}."
            yield ToDo(words, reverse("admin:inbox_teaminbox_change", args=[pk]))


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
