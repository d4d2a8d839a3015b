"""Which facts about messages may be looked at? How they fared; never their words or files."""

from django.contrib import admin

from accounts.admin_scope import LOOK, BigTableAdmin, OwnRowsFilter
from inbox.models import Attachment, AutoReplyLog, Message


@admin.register(Message)
class MessageAdmin(BigTableAdmin[Message]):
    """How messages fared."""

    auditor_may = LOOK

    fields = (
        "account",
        "conversation",
        "thread",
        "public_id",
        "seq",
        "direction",
        "kind",
        "channel",
        "purpose",
        "author",
        "status",
        "provider_sid",
        "provider_status",
        "error_code",
        "error_words",
        "segments",
        "attempts",
        "reply_to",
        "resend_of",
        "created_at",
        "received_at",
        "provider_at",
        "not_before",
        "sending_at",
        "settled_at",
        "reached_at",
        "look_up_at",
    )
    list_display = (
        "public_id",
        "account",
        "direction",
        "kind",
        "channel",
        "status",
        "error_code",
        "author",
        "created_at",
        "settled_at",
    )
    list_filter = ("status", "direction", "kind", ("account", OwnRowsFilter))
    list_select_related = ("account", "author")
    search_fields = ("public_id__exact", "provider_sid__exact")
    search_help_text = "A message's id or its SID at Twilio"


@admin.register(Attachment)
class AttachmentAdmin(BigTableAdmin[Attachment]):
    """Whether files came through."""

    fields = (
        "account",
        "message",
        "public_id",
        "position",
        "declared_type",
        "content_type",
        "look",
        "size",
        "width",
        "height",
        "state",
        "problem",
        "attempts",
        "next_attempt_at",
        "uploaded_by",
        "created_at",
    )
    list_display = (
        "public_id",
        "account",
        "message",
        "look",
        "content_type",
        "size",
        "state",
        "attempts",
        "created_at",
    )
    list_filter = ("state", "look", ("account", OwnRowsFilter))
    list_select_related = ("account", "message")
    search_fields = ("public_id__exact", "message__public_id__exact")
    search_help_text = "An attachment's or a message's id"


@admin.register(AutoReplyLog)
class AutoReplyLogAdmin(BigTableAdmin[AutoReplyLog]):
    """Which automatic replies were decided, and by which message."""

    auditor_may = LOOK

    fields = ("account", "thread", "kind", "window_key", "message", "trigger", "at")
    list_display = ("at", "account", "thread", "kind", "window_key", "message")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "thread", "message")
    search_fields = ("thread__public_id__exact", "message__public_id__exact")
    search_help_text = "A thread's or a message's id"
