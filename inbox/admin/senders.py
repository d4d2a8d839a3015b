"""Which numbers are ours, which addresses must Twilio be told, and what changed there?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.access import feature_is_on
from accounts.admin_forms import SECRETS, given
from accounts.admin_scope import (
    ACT,
    CHANGE,
    FULL,
    LOOK,
    BigTableAdmin,
    OwnRowsFilter,
    ToDo,
    person,
)
from accounts.admin_support import SetUpAdmin
from accounts.admin_tasks import MOST_ROWS, Task, TaskAdmin
from accounts.audit import changes, snapshot
from accounts.models import Feature, TwilioAccount
from compliance.addresses import E164, SHORT_CODE
from compliance.consent import KeywordHandler
from inbox.admin.stories import ForetellingAdmin
from inbox.admin.switching import Remove
from inbox.models import DriftFinding, Sender, TeamInbox
from inbox.models.ids import path_token
from inbox.pausing import resume_sender, wake_waiting
from inbox.setup.previews import Preview, preview_number_removal
from inbox.status_urls import fallback_url, sender_status_url, webhook_url

# Of the Twilio account that is fetched along no page here needs a secret.
UNREAD = tuple(f"twilio_account__{name}" for name in SECRETS)


# --- Senders -------------------------------------------------------------------------------------

_SHAPES = {
    Sender.Kind.NUMBER: (E164, "A phone number starts with + and its country: +14155550100."),
    Sender.Kind.SHORT_CODE: (SHORT_CODE, "A short code is three to eight digits."),
    Sender.Kind.WHATSAPP: (
        re.compile(rf"whatsapp:{E164.pattern}"),
        "A WhatsApp sender looks like whatsapp:+14155550100.",
    ),
    Sender.Kind.SERVICE: (
        re.compile(r"MG[0-9a-zA-Z]{32}"),
        "A Messaging Service is MG and 32 characters.",
    ),
}


_WHO_ANSWERS = {
    KeywordHandler.TWILIO_DEFAULT: "Twilio, in its standard words",
    KeywordHandler.TWILIO_ADVANCED: "Twilio's Advanced Opt-Out",
    KeywordHandler.CARRIER_TOLLFREE: "The carriers (toll-free)",
    KeywordHandler.APP: "Team Inbox",
}


class WhoAnswersFilter(admin.SimpleListFilter):
    """Who answers STOP, in words."""

    title = "who answers STOP"
    parameter_name = "answers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer everybody who might."""
        return [(value.value, words) for value, words in _WHO_ANSWERS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the numbers for which they do."""
        chosen = self.value()
        return queryset.filter(keyword_handler=chosen) if chosen else queryset


class SenderForm(forms.ModelForm[Sender]):
    """A number of an inbox."""

    class Meta:
        model = Sender
        fields: ClassVar[list[str]] = ["inbox", "twilio_account", "kind", "address"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse addresses of the wrong shape, of somebody else, and of two accounts at once."""
        cleaned = super().clean()
        inbox, twilio_account = given(self, "inbox"), given(self, "twilio_account")
        if inbox and twilio_account and inbox.account_id != twilio_account.account_id:
            self.add_error("twilio_account", "It belongs to another account than the inbox.")
        if inbox and self.cleaned_data.get("kind") == Sender.Kind.WHATSAPP:
            self._check_grant(inbox)
        if "address" in self.fields and self.cleaned_data.get("address"):
            self._check_address(twilio_account)
        return cleaned

    def _check_grant(self, inbox: TeamInbox) -> None:
        if not feature_is_on(inbox.account_id, Feature.WHATSAPP, now=timezone.now()):
            words = "WhatsApp is off for this account. Switch it on first, under Feature grants."
            self.add_error("kind", words)

    def _check_address(self, twilio_account: TwilioAccount | None) -> None:
        address = self.cleaned_data["address"].strip()
        kind = self.cleaned_data.get("kind", "")
        shape, words = _SHAPES.get(kind, (None, ""))
        if shape and not shape.fullmatch(address):
            self.add_error("address", words)
            return
        self.cleaned_data["address"] = address
        # A number lives in one Twilio account; a second owner would catch or block its messages.
        # Short codes belong to a country: two may have the same digits.
        others = Sender.objects.in_use().filter(address=address).exclude(pk=self.instance.pk)
        others = others.exclude(twilio_account=twilio_account)
        if kind != Sender.Kind.SHORT_CODE and others.exists():
            self.add_error("address", "This number is in use in another Twilio account.")


class RenewAddresses(Task[Sender]):
    """Make new webhook addresses after the old ones became known."""

    name = "renew-addresses"
    label = "Make new webhook addresses"
    words = (
        "The addresses that Twilio calls change at once and the old ones are refused. Until the "
        "new ones are entered at Twilio, no message and no delivery status arrives for these "
        "senders."
    )
    button = "Make new addresses"

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Sender],
        form: forms.Form,
        admin: TaskAdmin[Sender],
    ) -> None:
        """Give each sender a new token; the audit log does not hold it."""
        assert isinstance(admin, SenderAdmin)
        for row in rows:
            with transaction.atomic():
                was = snapshot(row, ["path_token"])
                row.path_token = path_token()
                row.save(update_fields=["path_token"])
                told = changes(was, snapshot(row, ["path_token"]))
                admin.audit(request, row, "addresses_renewed", changes=told)
        words = "New addresses made. Enter them at Twilio now."
        admin.message_user(request, words, messages.WARNING)


class Resume(Task[Sender]):
    """Let a paused number send again."""

    name = "resume"
    label = "Resume sending"
    words = (
        "Do this when what stopped them is put right. What waits at these senders goes out at "
        "once; if the fault is still there they are paused again and nothing is lost."
    )
    button = "Resume"

    def fits(self, row: Sender) -> bool:
        """Only what is paused and in use."""
        return row.is_paused and not row.is_removed

    def describe(self, row: Sender) -> str:
        """Say since when and why."""
        since = f" since {row.paused_at:%Y-%m-%d %H:%M} UTC" if row.paused_at else ""
        return f"{row}, paused{since}. {row.paused_reason}".strip()

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Sender],
        form: forms.Form,
        admin: TaskAdmin[Sender],
    ) -> None:
        """Resume one by one."""
        for row in rows:
            resume_sender(sender=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"Sending again: {len(rows)}.", messages.SUCCESS)


@admin.register(Sender)
class SenderAdmin(ForetellingAdmin[Sender], SetUpAdmin[Sender]):
    """Numbers, WhatsApp senders and Messaging Services. Where it belongs is fixed once used."""

    staff_may = partner_may = FULL | {ACT}
    # Numbers are added in the settings, where they are tried out first.
    admin_may = LOOK | {CHANGE, ACT}
    form = SenderForm
    tasks = (Resume(), RenewAddresses(), Remove())
    set_up_tasks = frozenset({RenewAddresses.name, Remove.name})
    fields = (
        "inbox",
        "twilio_account",
        "kind",
        "address",
        "messaging_service_sid",
        "keyword_handler",
        "is_paused",
        "paused_reason",
        "paused_at",
        "webhook_address",
        "fallback_address",
        "status_address",
        "account",
        "provider_sid",
        "capabilities",
        "registration",
        "checked_at",
        "removed_at",
        "created_at",
    )
    readonly_fields = (
        "paused_at",
        "provider_sid",
        "capabilities",
        "registration",
        "checked_at",
        "removed_at",
        "webhook_address",
        "fallback_address",
        "status_address",
        "account",
        "created_at",
        "who_answers",
    )
    audited = ("inbox", "kind", "address", "keyword_handler", "is_paused")
    autocomplete_fields = ("inbox", "twilio_account")
    list_display = (
        "address",
        "account",
        "inbox",
        "kind",
        "who_answers",
        "is_paused",
        "paused_at",
    )
    list_filter = ("kind", "is_paused", WhoAnswersFilter, ("account", OwnRowsFilter))
    list_select_related = ("account", "inbox")
    search_fields = ("address", "messaging_service_sid", "inbox__name", "account__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sender]:
        """Fetch the Twilio account along, but never its secrets."""
        rows = super().get_queryset(request).select_related("account", "inbox", "twilio_account")
        return rows.defer(*UNREAD)

    def get_readonly_fields(self, request: HttpRequest, obj: Sender | None = None) -> list[str]:
        """Fix what threads rely on."""
        fields = super().get_readonly_fields(request, obj)
        if obj and obj.threads.exists():
            return [*fields, "inbox", "twilio_account", "kind", "address"]
        return fields

    def get_fields(self, request: HttpRequest, obj: Sender | None = None) -> list[Any]:
        """Show in words what somebody may only look at."""
        names: list[Any] = list(super().get_fields(request, obj))
        if not self.has_change_permission(request, obj):
            names[names.index("keyword_handler")] = "who_answers"
        return names

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say in words who may answer STOP."""
        if db_field.name == "keyword_handler":
            kwargs["choices"] = [(value.value, words) for value, words in _WHO_ANSWERS.items()]
            kwargs["label"] = "Who answers STOP, START and HELP"
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @admin.display(description="STOP is answered by", ordering="keyword_handler")
    def who_answers(self, obj: Sender) -> str:
        """Show who answers STOP, START and HELP."""
        return _WHO_ANSWERS[KeywordHandler(obj.keyword_handler)]

    def previews_of_deleting(self, rows: Sequence[Sender]) -> Sequence[Preview]:
        """Say what would no longer arrive."""
        now = timezone.now()
        return [preview_number_removal(sender=row, now=now) for row in rows]

    def save_model(self, request: HttpRequest, obj: Sender, form: forms.Form, change: bool) -> None:
        """Take the account from the inbox; note since when it is paused, or let it go on."""
        obj.account_id = obj.inbox.account_id
        if obj.kind == Sender.Kind.SERVICE:
            obj.messaging_service_sid = obj.messaging_service_sid or obj.address
        if "is_paused" in form.changed_data:
            obj.paused_at = timezone.now() if obj.is_paused else None
            obj.paused_reason = obj.paused_reason if obj.is_paused else ""
        super().save_model(request, obj, form, change)
        if not obj.is_paused:
            wake_waiting(obj, now=timezone.now())

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Count the paused senders; whoever put right what stopped them resumes them here."""
        paused = list(
            self.get_queryset(request)
            .filter(is_paused=True, removed_at=None)
            .order_by("pk")[:MOST_ROWS]
        )
        if paused:
            words = f"Paused, so that nothing goes out from them: {len(paused)}. "
            yield ToDo(
                words + Resume().describe(paused[0]),
                self.list_url(is_paused__exact="1"),
                Resume.label,
                self.task_url(Resume(), [row.pk for row in paused]),
            )

    @admin.display(description="webhook URL")
    def webhook_address(self, obj: Sender) -> SafeString | str:
        """Show what Twilio calls with messages."""
        return _copyable(webhook_url(obj)) if obj.pk else AFTER_SAVING

    @admin.display(description="fallback URL")
    def fallback_address(self, obj: Sender) -> SafeString | str:
        """Show what Twilio calls when the first address fails."""
        return _copyable(fallback_url(obj)) if obj.pk else AFTER_SAVING

    @admin.display(description="status URL")
    def status_address(self, obj: Sender) -> SafeString | str:
        """Show what Twilio calls with delivery statuses."""
        return _copyable(sender_status_url(obj)) if obj.pk else AFTER_SAVING


AFTER_SAVING = "Save first."


def _copyable(url: str) -> SafeString:
    return format_html("<code>{}</code>", url)


# --- What changed at Twilio ----------------------------------------------------------------------


class OpenFilter(admin.FieldListFilter):
    """Offers what is still open, and what is not any more."""

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: Any,
        model: Any,
        model_admin: admin.ModelAdmin[Any],
        field_path: str,
    ) -> None:
        self.name = f"{field_path}__isnull"
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = "state"

    def expected_parameters(self) -> list[str | None]:
        """Return the one parameter it takes."""
        return [self.name]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Offer all, the open ones, and the others."""
        chosen = self.used_parameters.get(self.name)
        for value, label in ((None, "All"), ("True", "Open"), ("False", "Right again")):
            is_chosen = chosen in ([value], value) or (value is None and chosen is None)
            query = changelist.get_query_string(
                {self.name: value} if value else {}, [] if value else [self.name]
            )
            yield {"selected": is_chosen, "query_string": query, "display": label}


@admin.register(DriftFinding)
class DriftFindingAdmin(BigTableAdmin[DriftFinding]):
    """What is not as we need it at Twilio, and what was. It opens and closes by itself."""

    admin_may = LOOK

    list_display = ("kind", "account", "where", "found", "found_at", "resolved_at")
    list_filter = ("kind", ("resolved_at", OpenFilter), ("account", OwnRowsFilter))
    list_select_related = ("account", "sender", "twilio_account")
    search_fields = ("sender__address", "account__name")
    fields = ("account", "twilio_account", "sender", "kind", "found", "found_at", "resolved_at")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DriftFinding]:
        """Fetch the Twilio account along, but never its secrets."""
        rows = super().get_queryset(request).select_related("account", "sender", "twilio_account")
        return rows.defer(*UNREAD)

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Count what is wrong now; the account's admins repair it on their page of numbers."""
        wrong = list(self.get_queryset(request).filter(resolved_at=None)[: MOST_ROWS + 1])
        if wrong:
            count = f"more than {MOST_ROWS}" if len(wrong) > MOST_ROWS else len(wrong)
            words = f"Changed at Twilio behind our back: {count}. {wrong[0]}."
            yield ToDo(words, self.list_url(resolved_at__isnull="True"))

    @admin.display(description="number")
    def where(self, obj: DriftFinding) -> str:
        """Show which number, or that it is the whole Twilio account."""
        return str(obj.sender or obj.twilio_account)
