"""How does an account's WhatsApp stand: which senders, usable or why not, and which templates?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.access import feature_is_on
from accounts.models import Account, Feature, TwilioAccount
from inbox.models import Sender, WhatsAppState, WhatsAppTemplate

PAGE = 50
GONE = "gone"


@dataclass(frozen=True)
class SenderLine:
    """One WhatsApp sender as the page tells of it. Without problems it can be used."""

    address: str
    name: str
    inbox: str
    state: str
    tone: str
    quality: str
    is_quality_low: bool
    limit: str
    problems: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class TemplatePage:
    """A page of templates, and the way to the next one."""

    rows: Sequence[WhatsAppTemplate]
    next_after: int | None


def sender_lines(account: Account, *, now: datetime) -> list[SenderLine]:
    """Return the WhatsApp senders of an account: ours, and those at Twilio that no inbox has."""
    is_on = feature_is_on(account.pk, Feature.WHATSAPP, now=now)
    ours = {
        (sender.twilio_account_id, sender.address): sender
        for sender in Sender.objects.in_use()
        .filter(account=account, kind=Sender.Kind.WHATSAPP)
        .select_related("inbox")
        .order_by("address")
    }
    states = {
        (state.twilio_account_id, state.address): state
        for state in WhatsAppState.objects.filter(account=account)
    }
    asked = set(
        TwilioAccount.objects.filter(
            account=account, whatsapp_sync__answered_at__isnull=False
        ).values_list("pk", flat=True)
    )
    keys = sorted({*ours, *states}, key=lambda key: key[1])
    return [_line(ours.get(k), states.get(k), is_on=is_on, was_asked=k[0] in asked) for k in keys]


def _line(
    sender: Sender | None, state: WhatsAppState | None, *, is_on: bool, was_asked: bool
) -> SenderLine:
    is_there = state is not None and state.gone_at is None
    label = _label(state, is_there=is_there, was_asked=was_asked)
    problems = _problems(sender, state if is_there else None, is_on=is_on, was_asked=was_asked)
    is_fine = is_there and state is not None and state.status == WhatsAppState.Status.ONLINE
    has_rating = is_there and state is not None
    return SenderLine(
        address=(sender.address if sender else state.address if state else "").removeprefix(
            "whatsapp:"
        ),
        name=state.name if state and state.name != state.address else "",
        inbox=sender.inbox.name if sender else "",
        state=label,
        tone="good" if is_fine and not problems else "bad" if problems else "",
        quality=state.get_quality_display() if has_rating and state else "",
        is_quality_low=bool(has_rating and state and state.quality == WhatsAppState.Quality.LOW),
        limit=state.messaging_limit if has_rating and state else "",
        problems=problems,
    )


def _label(state: WhatsAppState | None, *, is_there: bool, was_asked: bool) -> str:
    if state is not None and is_there:
        if state.status == WhatsAppState.Status.OTHER:
            return state.provider_status
        return str(state.get_status_display())
    return _("Not at Twilio") if was_asked else _("Not asked yet")


def _problems(
    sender: Sender | None, state: WhatsAppState | None, *, is_on: bool, was_asked: bool
) -> list[str]:
    """Say, in words a person can act on, why nothing goes out from here."""
    found = []
    if not is_on:
        found.append(_("WhatsApp is not switched on for this account."))
    if sender is None:
        found.append(_("No inbox has it: messages to it do not arrive here."))
    elif sender.is_paused:
        found.append(_("Sending is paused. %(why)s") % {"why": sender.paused_reason})
    elif not sender.inbox.is_on:
        found.append(_("Its inbox “%(name)s” is switched off.") % {"name": sender.inbox.name})
    if state is None:
        if was_asked:
            found.append(_("Twilio does not list it as a WhatsApp sender of this account."))
    elif state.status == WhatsAppState.Status.PENDING:
        found.append(_("WhatsApp has not finished setting it up (%(state)s).") % _raw(state))
    elif state.status == WhatsAppState.Status.OFFLINE:
        found.append(_("Twilio says that it is offline."))
        found.extend(state.reasons)
    elif state.status == WhatsAppState.Status.OTHER:
        found.append(_("Twilio says “%(state)s”, which we do not know.") % _raw(state))
    return found


def _raw(state: WhatsAppState) -> dict[str, str]:
    return {"state": state.provider_status}


# --- Templates -----------------------------------------------------------------------------------


def template_page(account: Account, *, status: str = "", after: str = "") -> TemplatePage:
    """Return a page of templates by name, after the one with this key.

    `status` is a state of theirs, or "gone" for those that Twilio no longer has; blank is all that
    it has.
    """
    rows = WhatsAppTemplate.objects.filter(account=account)
    rows = rows.filter(gone_at__isnull=status != GONE)
    if status in WhatsAppTemplate.Status.values:
        rows = rows.filter(status=status)
    rows = _after(rows, account, after).order_by("name", "language", "content_sid")
    found = list(rows[: PAGE + 1])
    more = len(found) > PAGE
    return TemplatePage(found[:PAGE], found[PAGE - 1].pk if more else None)


def _after(
    rows: "QuerySet[WhatsAppTemplate]", account: Account, after: str
) -> "QuerySet[WhatsAppTemplate]":
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        return rows
    last = WhatsAppTemplate.objects.filter(account=account, pk=int(after)).first()
    if last is None:
        return rows
    same_name = Q(name=last.name)
    return rows.filter(
        Q(name__gte=last.name),
        Q(name__gt=last.name)
        | (same_name & Q(language__gt=last.language))
        | (same_name & Q(language=last.language, content_sid__gt=last.content_sid)),
    )


def template_counts(account: Account) -> dict[str, int]:
    """Count the templates by state; those that are gone under "gone"."""
    rows = WhatsAppTemplate.objects.filter(account=account).order_by()
    there = rows.filter(gone_at=None).values_list("status").annotate(n=Count("pk"))
    gone = rows.exclude(gone_at=None).count()
    return {**dict(there), **({GONE: gone} if gone else {})}
