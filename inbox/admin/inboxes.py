"""How is a Team Inbox set up, and what have its browsers been told?"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_forms import given
from accounts.admin_scope import (
    ACT,
    KEEP,
    LOOK,
    BigTableAdmin,
    OwnRowsFilter,
    ScopedAdmin,
    count_of,
)
from accounts.admin_support import SetUpAdmin
from inbox.admin.switching import SwitchOff, SwitchOn
from inbox.models import (
    Attention,
    CannedReply,
    InboxAttention,
    InboxCounter,
    InboxEvent,
    ReportCell,
    ReportState,
    SavedSearch,
    SavedView,
    SegmentPrice,
    Sender,
    TeamInbox,
    WallLink,
)


class TeamInboxForm(forms.ModelForm[TeamInbox]):
    """What an inbox does."""

    class Meta:
        model = TeamInbox
        fields: ClassVar[list[str]] = ["team", "name", "slug"]
        labels: ClassVar[dict[str, str]] = {
            "slug": "Address",
            "after_claim": "After a claim",
            "closed_visibility": "Closed conversations are found by",
            "reopen_hours": "Reopen within (hours)",
            "reopen_owner": "A reopened conversation goes to",
            "auto_close_hours": "Close by itself after (hours)",
            "most_open": "Most open conversations of one person",
            "handover_minutes": "Hand-over (minutes)",
            "target_minutes": "An answer within (minutes)",
            "is_close_reason_required": "Who closes must say why",
            "is_transfer_note_required": "Who transfers must write a note",
            "may_start_conversations": "Agents may begin conversations",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "slug": "Stands in addresses of pages: /inbox/support/",
        }

    def clean(self) -> dict[str, Any] | None:
        """Refuse a second inbox under one address."""
        cleaned = super().clean()
        team, slug = given(self, "team"), self.cleaned_data.get("slug")
        if team and slug and self._slug_is_taken(team.account_id, slug):
            self.add_error("slug", "Another inbox of this account has this address.")
        return cleaned

    def _slug_is_taken(self, account_id: int, slug: str) -> bool:
        same = TeamInbox.objects.filter(account=account_id, slug__iexact=slug)
        return same.exclude(pk=self.instance.pk).exists()


@admin.register(TeamInbox)
class TeamInboxAdmin(SetUpAdmin[TeamInbox]):
    """Inboxes. Nobody deletes one: it is switched off."""

    staff_may = partner_may = admin_may = KEEP | {ACT}
    tasks = (SwitchOff(), SwitchOn())
    set_up_tasks = frozenset({SwitchOff.name, SwitchOn.name})

    form = TeamInboxForm
    fieldsets = (
        (None, {"fields": ("team", "account", "name", "slug", "is_on", "public_id", "created_at")}),
        (
            "Who answers",
            {
                "fields": (
                    "claim_rule",
                    "after_claim",
                    "closed_visibility",
                    "most_open",
                    "supervisors_may_set_up",
                )
            },
        ),
        (
            "After a while",
            {
                "fields": (
                    "reopen_hours",
                    "reopen_owner",
                    "auto_close_hours",
                    "auto_close_since",
                    "goodbye",
                    "handover_minutes",
                    "target_minutes",
                    "is_close_reason_required",
                    "is_transfer_note_required",
                    "may_start_conversations",
                )
            },
        ),
        (
            "Automatic replies",
            {
                "fields": (
                    *("bot_name", "replies"),
                    *("opt_out_text", "opt_in_text", "help_text", "consent_texts"),
                )
            },
        ),
    )
    readonly_fields = (
        "account",
        "public_id",
        "auto_close_since",
        "created_at",
        "replies",
        "consent_texts",
    )
    fixed_fields = ("team", "is_on")
    audited = (
        *("name", "is_on", "claim_rule", "after_claim", "closed_visibility"),
        "most_open",
        "supervisors_may_set_up",
    )
    autocomplete_fields = ("team",)
    list_display = ("name", "account", "is_on", "claim_rule", "after_claim", "sender_count")
    list_filter = ("is_on", "claim_rule", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("name", "slug", "account__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamInbox]:
        """Count the senders along."""
        counts = count_of(Sender.objects.all(), "inbox")
        rows = super().get_queryset(request).select_related("account")
        return rows.annotate(sender_count=counts)

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: TeamInbox | None = None
    ) -> dict[str, Any]:
        """Propose an address for a new inbox; a known one stays."""
        return {} if obj else {"slug": ["name"]}

    def save_model(
        self, request: HttpRequest, obj: TeamInbox, form: forms.Form, change: bool
    ) -> None:
        """Take the account from the team; closing by itself starts with what opens from now on."""
        if not change:
            obj.account = obj.team.account
        if obj.auto_close_hours is None:
            obj.auto_close_since = None
        elif obj.auto_close_since is None:
            obj.auto_close_since = timezone.now()
        super().save_model(request, obj, form, change)

    @admin.display(description="senders", ordering="sender_count")
    def sender_count(self, obj: TeamInbox) -> int:
        """Show how many numbers it has."""
        return int(getattr(obj, "sender_count", 0))


@admin.register(CannedReply)
class CannedReplyAdmin(ScopedAdmin[CannedReply]):
    """Which canned replies there are. What one says stands on the settings pages."""

    staff_may = partner_may = admin_may = LOOK
    fields = (
        "account", "inbox", "person", "shortcut", "version", "uses", "last_used_at",
        "made_by", "made_at", "changed_at",
    )  # fmt: skip
    list_display = ("shortcut", "account", "inbox", "person", "uses", "last_used_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "inbox", "person")
    search_fields = ("shortcut", "inbox__name", "person__name")


@admin.register(SavedView)
class SavedViewAdmin(ScopedAdmin[SavedView]):
    """Ways to look at a list that people keep. They are made and removed beside the list."""

    admin_may = LOOK
    fields = ("account", "inbox", "owner", "name", "query", "created_at")
    list_display = ("name", "inbox", "owner", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "inbox", "owner")
    search_fields = ("name", "inbox__name", "owner__email__exact")


@admin.register(SavedSearch)
class SavedSearchAdmin(ScopedAdmin[SavedSearch]):
    """Who keeps searches. What they look for may name a customer and is theirs alone."""

    admin_may = LOOK
    fields = ("account", "owner", "name", "created_at")
    list_display = ("name", "owner", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "owner")
    search_fields = ("name", "owner__email__exact")


@admin.register(WallLink)
class WallLinkAdmin(ScopedAdmin[WallLink]):
    """Addresses that show the board on a wall. They are made and ended beside the reports."""

    admin_may = LOOK
    fields = ("account", "owner", "inbox", "created_at", "expires_at", "ended_at")
    list_display = ("owner", "inbox", "account", "created_at", "expires_at", "ended_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "inbox", "owner")
    search_fields = ("owner__name", "owner__email__exact", "inbox__name")


@admin.register(ReportCell)
class ReportCellAdmin(BigTableAdmin[ReportCell]):
    """What reports add up. Made of messages, timelines and traces of rules."""

    fields = (
        "account", "inbox", "begins_at", "conversation", "sender", "agent", "channel", "tags",
        "inbound", "replies", "automatic", "notes", "sent", "delivered", "failed", "blocked",
        "segments", "opened", "reopened", "closed", "opt_outs", "error_codes", "templates", "rules",
    )  # fmt: skip
    list_display = ("begins_at", "inbox", "agent", "inbound", "replies", "account")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "inbox", "agent")
    search_fields = ("agent__email__exact", "inbox__name__exact")


@admin.register(ReportState)
class ReportStateAdmin(ScopedAdmin[ReportState]):
    """How far the reports of each account are counted."""

    admin_may = LOOK
    fields = ("account", "counted_to", "next_at", "repaired_to", "repair_at")
    list_display = ("account", "counted_to", "repair_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(SegmentPrice)
class SegmentPriceAdmin(ScopedAdmin[SegmentPrice]):
    """What accounts pay for a text segment. Their admins say so in their settings."""

    admin_may = LOOK
    fields = ("account", "price", "currency")
    list_display = ("account", "price", "currency")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(Attention)
class AttentionAdmin(ScopedAdmin[Attention]):
    """How people want to be told of what concerns them. They choose it in their own profile."""

    admin_may = LOOK
    fields = (
        "account", "user", "has_sound", "repeats_sound", "volume", "tone", "only_mine",
        "quiet_from", "quiet_until", "time_zone", "shows_words", "digest_after", "digested_at",
    )  # fmt: skip
    list_display = ("user", "account", "only_mine", "quiet_from", "quiet_until", "digest_after")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "user")
    search_fields = ("user__name", "user__email__exact")


@admin.register(InboxAttention)
class InboxAttentionAdmin(ScopedAdmin[InboxAttention]):
    """Of what people want to be told in one inbox. They choose it in their own profile."""

    admin_may = LOOK
    fields = (
        "account", "user", "inbox", "hears_new", "hears_mine", "hears_mentions",
        "hears_promises", "hears_waiting",
    )  # fmt: skip
    list_display = ("user", "inbox", "account", *fields[3:])
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "inbox", "user")
    search_fields = ("inbox__name", "user__name", "user__email__exact")


@admin.register(InboxCounter)
class InboxCounterAdmin(BigTableAdmin[InboxCounter]):
    """The last number given out in each inbox."""

    account_path = "inbox__account"
    fields = ("inbox", "seq")
    list_display = ("inbox", "account", "seq")
    list_filter = (("inbox__account", OwnRowsFilter),)
    list_select_related = ("inbox__account",)
    search_fields = ("inbox__name",)

    @admin.display(description="account")
    def account(self, obj: InboxCounter) -> str:
        """Show whose inbox it is."""
        return str(obj.inbox.account)


@admin.register(InboxEvent)
class InboxEventAdmin(BigTableAdmin[InboxEvent]):
    """What browsers had to hear, in order. Kept for seven days."""

    account_path = "inbox__account"
    fields = ("inbox", "seq", "type", "conversation", "actor_id", "audience", "left", "created_at")
    list_display = ("created_at", "inbox", "seq", "type", "conversation", "actor_id")
    list_filter = (("inbox__account", OwnRowsFilter), ("inbox", OwnRowsFilter))
    list_select_related = ("inbox", "conversation")
    search_fields = ("conversation__public_id__exact",)
    search_help_text = "A conversation's id, as in addresses of pages"
