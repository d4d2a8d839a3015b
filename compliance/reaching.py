"""Where did an opt-out reach that was said on another channel, so that a START can take it back?"""

from collections.abc import Sequence

from compliance.evidence import EventKind, OptOutScope, Source
from compliance.ledger import handle_of
from compliance.models import ConsentEvent, ConsentState
from compliance.standing import Held

_OPT_OUTS = (EventKind.OPT_OUT, EventKind.CARRIER_BLOCK, EventKind.HOLD_LAPSED)


def was_bound_by(held: Held, told: Sequence[Held]) -> bool:
    """Say whether an address is opted out only by what was said on one of `told`.

    What they said there themselves since stays: an opt-out is broad, an opt-in is narrow. All must
    be locked.
    """
    if held.consent.state != ConsentState.OPTED_OUT or held.consent.decided_by is None:
        return False
    decisive = ConsentEvent.objects.filter(
        account=held.account_id, seq=held.consent.decided_by
    ).first()
    if decisive is None or (decisive.source, decisive.scope) != (Source.LINKED, OptOutScope.EVERY):
        return False
    return _was_said_there(decisive, told) and not _said_themselves(held, decisive)


def _was_said_there(linked: ConsentEvent, told: Sequence[Held]) -> bool:
    handles = [handle_of(one.account_id, one.address) for one in told]
    return ConsentEvent.objects.filter(
        account=linked.account_id,
        handle__in=handles,
        kind__in=_OPT_OUTS,
        occurred_at=linked.occurred_at,
        message_sid=linked.message_sid,
    ).exists()


def _said_themselves(held: Held, linked: ConsentEvent) -> bool:
    """Say whether they opted out on this very address too, and it was not withdrawn."""
    own = ConsentEvent.objects.filter(
        account=held.account_id,
        handle=linked.handle,
        kind__in=_OPT_OUTS,
        occurred_at__gte=linked.occurred_at,
    ).exclude(source=Source.LINKED)
    withdrawn = ConsentEvent.objects.filter(
        account=held.account_id, handle=linked.handle, kind=EventKind.VOID
    ).values("supersedes")
    return own.exclude(seq__in=withdrawn).exists()
