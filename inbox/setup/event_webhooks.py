"""Which programs does an account have told what happens, and how does that go?

Each change is checked and noted. A secret is shown once, where it is made, and never again. Where
events go is decided by the account's own admins only: a webhook stays when a stay for support is
over, and programs with a key see no conversation.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import Snapshot, changes, record, snapshot
from accounts.models import Account, User
from inbox.event_webhooks.owing import begin_now
from inbox.event_webhooks.telling import WAS_OFF, give_up_all, is_open_to_all
from inbox.models import EventDelivery, EventType, EventWebhook, TeamInbox
from routing.lookups import (
    DefinitionChangedError,
    DefinitionError,
    check_url,
    new_secret,
    plain_name,
)

MOST_WEBHOOKS = 20
MOST_AGAIN = 1_000
PAGE = 50
_TOLD = ("name", "url", "secret", "secret_next", "kinds", "inbox", "is_on", "switched_off_for")
_Status = EventDelivery.Status


@dataclass(frozen=True)
class Wanted:
    """What a webhook is to be told, and where. `inbox`: of that one only."""

    name: str
    url: str
    kinds: Sequence[str]
    inbox: TeamInbox | None = None
    is_on: bool = True


@dataclass(frozen=True)
class Log:
    """What a webhook was told and is owed, the newest first; `before` asks for what is older."""

    deliveries: Sequence[EventDelivery]
    before: int | None


# --- What admins set ------------------------------------------------------------------------------


@transaction.atomic(durable=True)
def add_webhook(
    *, account: Account, wanted: Wanted, by: User, now: datetime
) -> tuple[EventWebhook, str]:
    """Add a webhook, told of what happens from now on; return it and its secret.

    Raises DefinitionError.
    """
    _refuse_others(account, by)
    _hold(account)
    if EventWebhook.objects.filter(account=account).count() >= MOST_WEBHOOKS:
        raise DefinitionError(_("There are too many event webhooks; delete some first."), "name")
    secret = new_secret()
    row = EventWebhook(account=account, secret=secret, created_at=now, changed_at=now)
    _set(row, wanted)
    row.save()
    begin_now(row)
    _note(row, "event_webhook_added", None, by=by, now=now)
    return row, secret


@transaction.atomic(durable=True)
def change_webhook(
    *, webhook: EventWebhook, wanted: Wanted, version: int, by: User, now: datetime
) -> EventWebhook:
    """Change a webhook as it was in `version`.

    What it is owed goes at once to the new address; what it is owed of kinds that it no longer
    wants is told all the same. Raises DefinitionError.
    """

    _refuse_others(webhook.account, by)

    def change(row: EventWebhook) -> None:
        was_on = row.is_on
        _set(row, wanted)
        _switch(row, was_on=was_on)
        row.deliveries.filter(status=_Status.OWED).update(next_at=now)

    return _change(webhook, change, "event_webhook_changed", version=version, by=by, now=now)


@transaction.atomic(durable=True)
def switch_webhook(
    *, webhook: EventWebhook, is_on: bool, version: int, by: User, now: datetime
) -> EventWebhook:
    """Switch a webhook on, from now on, or off. Raises DefinitionError."""

    def change(row: EventWebhook) -> None:
        was_on, row.is_on = row.is_on, is_on
        _switch(row, was_on=was_on)

    action = f"event_webhook_switched_{'on' if is_on else 'off'}"
    return _change(webhook, change, action, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def begin_new_secret(
    *, webhook: EventWebhook, version: int, by: User, now: datetime
) -> tuple[EventWebhook, str]:
    """Let a new secret sign beside the old one; return it, which is not shown again.

    One that was begun before and never ended is replaced. Raises DefinitionError.
    """
    _refuse_others(webhook.account, by)
    secret = new_secret()

    def change(row: EventWebhook) -> None:
        row.secret_next = secret

    action = "event_webhook_secret_begun"
    return _change(webhook, change, action, version=version, by=by, now=now), secret


@transaction.atomic(durable=True)
def end_old_secret(*, webhook: EventWebhook, version: int, by: User, now: datetime) -> EventWebhook:
    """Let only the new secret sign from now on. Raises DefinitionError if there is no new one."""

    def change(row: EventWebhook) -> None:
        if not row.secret_next:
            raise DefinitionError(_("There is no new secret; make one first."))
        row.secret, row.secret_next = row.secret_next, ""

    action = "event_webhook_secret_ended"
    return _change(webhook, change, action, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def delete_webhook(*, webhook: EventWebhook, by: User, now: datetime) -> None:
    """Delete a webhook with its log: it is told nothing more."""
    before, pk = snapshot(webhook, _TOLD), webhook.pk
    webhook.delete()
    record(
        action="event_webhook_deleted",
        subject=webhook.name,
        actor=by,
        account_id=webhook.account_id,
        now=now,
        definition=pk,
        changes=changes(before, None),
    )


# --- What was told --------------------------------------------------------------------------------


def log_of(webhook: EventWebhook, *, status: str = "", before: int | None = None) -> Log:
    """Return a page of a webhook's log; with a status, of what is in it now."""
    rows = EventDelivery.objects.filter(webhook=webhook)
    if status in _Status.values:
        rows = rows.filter(status=status)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("inbox", "conversation").order_by("-pk")[: PAGE + 1])
    shown = found[:PAGE]
    return Log(shown, shown[-1].pk if len(found) > PAGE else None)


@transaction.atomic(durable=True)
def send_again(
    *, webhook: EventWebhook, only: Iterable[int] | None = None, by: User, now: datetime
) -> int:
    """Tell again what was given up, or these deliveries whatever became of them; say how many.

    A program knows by their ids what it was told before. Raises DefinitionError while the webhook
    is off.
    """
    row = EventWebhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk).first()
    if row is None:
        raise DefinitionError(_("Somebody deleted this meanwhile."))
    if not row.is_on:
        raise DefinitionError(_("It is switched off. Switch it on first."))
    wanted = Q(status=_Status.FAILED) if only is None else Q(pk__in=list(only)[:MOST_AGAIN])
    rows = EventDelivery.objects.filter(wanted, webhook=row).order_by("pk")
    chosen = list(rows.values_list("pk", flat=True)[:MOST_AGAIN])
    number = EventDelivery.objects.filter(pk__in=chosen).update(
        status=_Status.OWED, next_at=now, tries=0
    )
    if number:
        record(
            action="event_webhook_told_again",
            subject=row.name,
            actor=by,
            account_id=row.account_id,
            now=now,
            definition=row.pk,
            events=number,
        )
    return number


# --- How a change is made -------------------------------------------------------------------------


def _set(row: EventWebhook, wanted: Wanted) -> None:
    check_url(wanted.url)
    if is_open_to_all(wanted.url):
        raise DefinitionError(_("The address must begin with https://."), "url")
    row.name, row.url = _checked_name(wanted.name, row), wanted.url
    known = [kind for kind in EventType.values if kind in set(wanted.kinds)]
    if not known or set(wanted.kinds) - set(known):
        raise DefinitionError(_("Choose at least one kind of event that there is."), "kinds")
    if wanted.inbox is not None and wanted.inbox.account_id != row.account_id:
        raise DefinitionError(_("Choose one of your inboxes."), "inbox")
    row.kinds, row.inbox, row.is_on = known, wanted.inbox, wanted.is_on


def _switch(row: EventWebhook, *, was_on: bool) -> None:
    row.switched_off_for = "" if row.is_on else row.switched_off_for
    if row.is_on and not was_on:
        begin_now(row)
    elif was_on and not row.is_on:
        give_up_all(row, WAS_OFF)


def _checked_name(name: str, row: EventWebhook) -> str:
    name = plain_name(name)
    others = EventWebhook.objects.filter(account=row.account_id).exclude(pk=row.pk)
    if others.filter(name__iexact=name).exists():
        raise DefinitionError(_("There is an event webhook of this name already."), "name")
    return name


def _change(
    given: EventWebhook,
    change: Callable[[EventWebhook], None],
    action: str,
    *,
    version: int,
    by: User,
    now: datetime,
) -> EventWebhook:
    _hold(given.account)
    row = EventWebhook.objects.select_for_update(of=("self",)).filter(pk=given.pk).first()
    if row is None:
        raise DefinitionError(_("Somebody deleted this meanwhile."))
    if row.version != version:
        raise DefinitionChangedError
    before = snapshot(row, _TOLD)
    change(row)
    row.version, row.changed_at = row.version + 1, now
    row.failing_since = None
    row.forget_failures()
    row.save()
    _note(row, action, before, by=by, now=now)
    return row


def _note(
    row: EventWebhook, action: str, before: Snapshot | None, *, by: User, now: datetime
) -> None:
    record(
        action=action,
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        definition=row.pk,
        version=row.version,
        changes=changes(before, snapshot(row, _TOLD)),
    )


def _refuse_others(account: Account, by: User) -> None:
    if by.role != User.Role.ACCOUNT_ADMIN or by.account_id != account.pk:
        raise DefinitionError(_("Only the account's own admins say where events go."))


def _hold(account: Account) -> None:
    """Let one change of an account's webhooks follow the other: names are compared."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
