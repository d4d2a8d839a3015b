"""What did Twilio hand us that we could not place or process, and what can be done about it?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_scope import ACT, LOOK, BigTableAdmin, OwnRowsFilter, ToDo, person
from accounts.admin_tasks import Task, TaskAdmin, posted
from accounts.audit import record
from compliance.addresses import masked
from inbox.models import Receipt, Sender
from inbox.receiving import attach_quarantined, process
from inbox.twilio.parsing import UnreadableFormError, parse_inbound, read_form


class AttachForm(forms.Form):
    """Which of our senders was written to?"""

    sender: ClassVar[Any] = forms.ModelChoiceField(
        Sender.objects.none(), help_text="Senders of the Twilio account that these came from."
    )

    def __init__(self, data: Any, *, senders: QuerySet[Sender], initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        choice = self.fields["sender"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = senders
        choice.label_from_instance = _sender_label  # type: ignore[assignment]


class AttachToSender(Task[Receipt]):
    """Give messages to an address that we did not know their place."""

    name = "attach"
    label = "Attach to sender and process again"
    words = (
        "These messages came for an address that no sender has. Choose the sender they belong to: "
        "they are then taken in as if they arrived there, in the order of their arrival."
    )
    button = "Attach and process"

    def fits(self, row: Receipt) -> bool:
        """Only what is in quarantine."""
        return row.state == Receipt.State.QUARANTINED

    def describe(self, row: Receipt) -> str:
        """Say when it came and for which address."""
        at = f"{row.received_at:%Y-%m-%d %H:%M} UTC"
        return f"{at}, for {sent_to(row) or 'an unreadable address'} ({row.message_sid})"

    def problem_with(self, rows: Sequence[Receipt]) -> str:
        """One sender cannot take messages of two Twilio accounts."""
        if len({row.twilio_account_id for row in rows}) > 1:
            return "Choose messages of one Twilio account."
        return ""

    def form_for(self, request: HttpRequest, rows: Sequence[Receipt]) -> AttachForm:
        """Offer the senders of that Twilio account; propose the one with the address."""
        first = rows[0]
        senders = (
            Sender.objects.in_use()
            .filter(twilio_account=first.twilio_account_id, account=first.account_id)
            .select_related("inbox")
        )
        proposed = senders.filter(address=sent_to(first)).first()
        return AttachForm(posted(request), senders=senders, initial={"sender": proposed})

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Receipt],
        form: forms.Form,
        admin: TaskAdmin[Receipt],
    ) -> None:
        """Attach one by one and tell what became of them."""
        sender = form.cleaned_data["sender"]
        for row in sorted(rows, key=lambda row: (row.received_at, row.pk)):
            told = {"sender": {"before": None, "after": str(sender)}}
            _audit(request, row, "receipt_attached", changes=told)
            attach_quarantined(row, sender=sender, now=timezone.now())
        _tell_outcome(request, rows, admin)


class TryAgain(Task[Receipt]):
    """Do not wait for the next attempt."""

    name = "retry"
    label = "Try again now"
    words = "These are processed again at once instead of at their next time."
    button = "Try again"

    def fits(self, row: Receipt) -> bool:
        """Only what failed."""
        return row.state == Receipt.State.FAILED

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Receipt],
        form: forms.Form,
        admin: TaskAdmin[Receipt],
    ) -> None:
        """Process one by one and tell what became of them."""
        for row in sorted(rows, key=lambda row: (row.received_at, row.pk)):
            _audit(request, row, "receipt_retried")
            process(row.pk, now=timezone.now())
        _tell_outcome(request, rows, admin)


@admin.register(Receipt)
class ReceiptAdmin(TaskAdmin[Receipt], BigTableAdmin[Receipt]):
    """Webhooks as received. What they say is not shown; what became of them is."""

    staff_may = partner_may = admin_may = LOOK | {ACT}
    auditor_may = LOOK
    tasks = (AttachToSender(), TryAgain())
    fields = (
        "account",
        "sender",
        "account_sid",
        "message_sid",
        "kind",
        "status",
        "sent_to",
        "masked_customer",
        "received_at",
        "repeats",
        "state",
        "problem",
        "attempts",
        "next_attempt_at",
        "done_at",
    )
    list_display = (
        "received_at",
        "account",
        "kind",
        "status",
        "state",
        "problem",
        "attempts",
        "message_sid",
    )
    list_filter = ("state", "kind", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("message_sid__exact", "account_sid__exact")
    search_help_text = "A message SID or an account SID"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Receipt]:
        """Lists do without the forms; a row's page fetches its own to name the addresses."""
        return super().get_queryset(request).defer("form")

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Count what is in quarantine."""
        state = Receipt.State.QUARANTINED
        number = self.get_queryset(request).filter(state=state).count()
        if number:
            words = f"In quarantine, because we know no sender with their address: {number}."
            yield ToDo(words, self.list_url(state__exact=state))

    @admin.display(description="sent to")
    def sent_to(self, obj: Receipt) -> str:
        """Show which address of ours was written to: it tells where a stray message belongs."""
        return sent_to(obj) or self.get_empty_value_display()

    @admin.display(description="customer")
    def masked_customer(self, obj: Receipt) -> str:
        """Show the last two characters."""
        customer = _addresses_of(obj)[0]
        return masked(customer) if customer else self.get_empty_value_display()


def sent_to(receipt: Receipt) -> str:
    """Return the address of ours that an inbound message was sent to, or blank."""
    return _addresses_of(receipt)[1]


def _addresses_of(receipt: Receipt) -> tuple[str, str]:
    """Return customer and recipient of an inbound message; a status has them reversed."""
    if receipt.kind != Receipt.Kind.INBOUND:
        return "", ""
    try:
        text = parse_inbound(read_form(bytes(receipt.form)))
    except UnreadableFormError:
        return "", ""
    return text.customer, text.recipient


def _sender_label(sender: Sender) -> str:
    return f"{sender.address} ({sender.inbox.name})"


def _audit(request: HttpRequest, receipt: Receipt, action: str, **more: Any) -> None:
    record(
        action=action,
        subject=str(receipt),
        now=timezone.now(),
        actor=person(request),
        account_id=receipt.account_id,
        row=str(receipt.pk),
        **more,
    )


_OUTCOMES = {
    Receipt.State.DONE: ("Processed", messages.SUCCESS),
    Receipt.State.FAILED: ("Failed again, will be tried again by itself", messages.ERROR),
    Receipt.State.WAITING: ("Not finished, will be tried again by itself", messages.WARNING),
    Receipt.State.QUARANTINED: ("Could not be read, still in quarantine", messages.ERROR),
}


def _tell_outcome(request: HttpRequest, rows: Sequence[Receipt], admin: TaskAdmin[Receipt]) -> None:
    states = Receipt.objects.filter(pk__in=[row.pk for row in rows]).values_list("state", flat=True)
    for state, count in Counter(states).items():
        words, level = _OUTCOMES[Receipt.State(state)]
        admin.message_user(request, f"{words}: {count}.", level)
