"""What has happened since, of which nobody has written down yet that webhooks are owed it?"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.access import granted
from accounts.models import Account, Feature
from inbox.models import (
    EventCursor,
    EventDelivery,
    EventType,
    EventWebhook,
    InboxCounter,
    InboxEvent,
)

AT_ONCE = 500

_OTHERS = {
    "message.updated": EventType.MESSAGE_UPDATED,
    "message.status": EventType.MESSAGE_UPDATED,
    "message.removed": EventType.MESSAGE_UPDATED,
    "activity.created": EventType.ACTIVITY_CREATED,
    "conversation.created": EventType.CONVERSATION_CREATED,
    "conversation.updated": EventType.CONVERSATION_UPDATED,
    "conversation.moved": EventType.CONVERSATION_UPDATED,
    "consent.changed": EventType.CONSENT_CHANGED,
    "contact.updated": EventType.CONTACT_UPDATED,
}


def owe_next(*, now: datetime) -> bool:
    """Write down what one webhook is owed that is behind; say whether there was one."""
    pk = _behind(now).values_list("pk", flat=True).first()
    if pk is None:
        return False
    with transaction.atomic(durable=True):
        # Whoever switches it or tells it now holds it: it is looked at again in a moment.
        rows = EventWebhook.objects.select_for_update(of=("self",), skip_locked=True)
        webhook = rows.filter(pk=pk, is_on=True).first()
        if webhook is None:
            return False
        for inbox_id, head in _heads(webhook):
            _owe(webhook, inbox_id, head, now=now)
    return True


def told_accounts(*, now: datetime) -> QuerySet[Account]:
    """Return the accounts whose programs are told anything: Team Inbox is on for them."""
    is_granted = Exists(granted(Feature.TEAM_INBOX, now=now).filter(account=OuterRef("pk")))
    return Account.objects.filter(is_granted, status=Account.Status.ACTIVE)


def begin_now(webhook: EventWebhook) -> None:
    """Let a webhook hear from now on: what happened before is not told."""
    webhook.cursors.all().delete()
    EventCursor.objects.bulk_create(
        EventCursor(webhook=webhook, inbox_id=inbox_id, seq=seq)
        for inbox_id, seq in InboxCounter.objects.filter(
            inbox__account=webhook.account_id
        ).values_list("inbox", "seq")
    )


def kind_of(event: InboxEvent) -> EventType | None:
    """Return as what an event is told to programs; None for what is not theirs to hear."""
    if event.type == "message.created":
        if event.data.get("kind") == "note":
            return EventType.NOTE_CREATED
        is_theirs = event.data.get("direction") == "in"
        return EventType.MESSAGE_RECEIVED if is_theirs else EventType.MESSAGE_CREATED
    return _OTHERS.get(event.type)


def _behind(now: datetime) -> QuerySet[EventWebhook]:
    """Return the webhooks that some inbox of theirs is ahead of."""
    cursors = EventCursor.objects.filter(webhook=OuterRef(OuterRef("pk")), inbox=OuterRef("inbox"))
    is_ahead = Exists(
        InboxCounter.objects.annotate(reached=Coalesce(Subquery(cursors.values("seq")), 0)).filter(
            inbox__account=OuterRef("account"), seq__gt=F("reached")
        )
    )
    webhooks = EventWebhook.objects.filter(is_ahead, is_on=True)
    return webhooks.filter(account__in=told_accounts(now=now)).order_by("pk")


def _heads(webhook: EventWebhook) -> Iterable[tuple[int, int]]:
    """Return the account's inboxes with their last numbers, read before the events."""
    counters = InboxCounter.objects.filter(inbox__account=webhook.account_id)
    return list(counters.order_by("inbox").values_list("inbox", "seq"))


def _owe(webhook: EventWebhook, inbox_id: int, head: int, *, now: datetime) -> None:
    # An inbox without a cursor was made after the webhook: all of it is told.
    cursor, _ = EventCursor.objects.get_or_create(
        webhook=webhook, inbox_id=inbox_id, defaults={"seq": 0}
    )
    if cursor.seq >= head:
        return
    rows = InboxEvent.objects.filter(inbox=inbox_id, seq__gt=cursor.seq, seq__lte=head)
    if webhook.inbox_id not in (None, inbox_id):
        # Of what happens elsewhere it is not told, also if it is to be one day.
        rows = rows.none()
    events = list(rows.select_related("conversation", "inbox").order_by("seq")[:AT_ONCE])
    EventDelivery.objects.bulk_create(
        (_delivery(webhook, event, now) for event in events if _is_wanted(webhook, event)),
        ignore_conflicts=True,
    )
    cursor.seq = events[-1].seq if len(events) == AT_ONCE else head
    cursor.save(update_fields=["seq"])


def _is_wanted(webhook: EventWebhook, event: InboxEvent) -> bool:
    if kind_of(event) not in webhook.kinds:
        return False
    # Of blocked contacts nobody is told anything.
    if event.conversation is not None and event.conversation.is_hidden:
        return False
    # It is told in the inbox that it went to, once.
    is_moved = event.type == "conversation.moved"
    return not is_moved or event.data.get("target") == str(event.inbox.public_id)


def _delivery(webhook: EventWebhook, event: InboxEvent, now: datetime) -> EventDelivery:
    kind = kind_of(event)
    assert kind is not None
    return EventDelivery(
        webhook=webhook,
        inbox_id=event.inbox_id,
        seq=event.seq,
        kind=kind,
        conversation_id=event.conversation_id,
        actor_id=event.actor_id,
        data=event.data,
        happened_at=event.created_at,
        next_at=now,
    )
