"""What does the ledger say of one person, and where did they stand at any instant?

The door to `compliance.as_of` for pages, programs and operators: they name an account and the
handles of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.addresses import Address
from compliance.as_of import AsOf, Told, as_of, programmes_of
from compliance.evidence import EVERY_PROGRAMME
from compliance.ledger import events_by_handle, handle_of
from compliance.models import Consent, ConsentEvent
from compliance.state_machine import ConsentState, Standing

WORDS_OF_FLAGS = {
    "no_contact_at": "do-not-contact",
    "no_marketing_at": "stopped marketing",
    "reassigned_at": "number reassigned",
    "erased_at": "erased",
}


@dataclass(frozen=True)
class OneView:
    """Where one address stood at an instant, with the events that decided."""

    handle: str
    family: str
    view: AsOf
    decided_now: ConsentEvent | None
    decided_then: ConsentEvent | None


def views_at(
    account_id: int,
    known: str,
    at: datetime,
    *,
    events: Sequence[ConsentEvent] | None = None,
    wrote: Sequence[datetime] = (),
) -> list[OneView]:
    """Return where an address stood at an instant, for every programme that it has events of."""
    found = events_by_handle(account_id, known) if events is None else events
    told = [Told(event.fact, event.recorded_at) for event in found]
    by_number = {event.seq: event for event in found}
    family = found[0].family if found else ""
    return [
        _view(known, family, as_of(told, at, programme=programme, wrote=wrote), by_number)
        for programme in programmes_of(told)
    ]


def _view(known: str, family: str, view: AsOf, by_number: Mapping[int, ConsentEvent]) -> OneView:
    now, then = view.now.decided_by, view.then.decided_by
    return OneView(
        known,
        family,
        view,
        by_number.get(now) if now else None,
        by_number.get(then) if then else None,
    )


def wrote_of(account_id: int, address: Address) -> list[datetime]:
    """Return when a message of theirs last made us know them: the one thing beside the events."""
    row = Consent.objects.filter(
        account=account_id, address=address.consent_key, programme=EVERY_PROGRAMME
    ).first()
    return [row.wrote_at] if row and row.wrote_at else []


def views_of_address(account_id: int, address: Address, at: datetime) -> list[OneView]:
    """Return where an address stood at an instant; one that nobody knows is unknown."""
    known = handle_of(account_id, address) or ""
    wrote = wrote_of(account_id, address)
    events = events_by_handle(account_id, known) if known else []
    return views_at(account_id, known, at, events=events, wrote=wrote)


def flags_of(standing: Standing) -> list[str]:
    """Name what stands beside the state, in words."""
    return [words for name, words in WORDS_OF_FLAGS.items() if getattr(standing, name)]


def as_json(one: OneView) -> dict[str, object]:
    """Return a view as a program reads it; nothing in it says who it is about."""
    return {
        "programme": one.view.programme,
        "family": one.family,
        "handle": one.handle,
        "differs": one.view.differs,
        "learnt_later": list(one.view.learnt_later),
        "known_now": _standing_as_json(one.view.now, one.decided_now),
        "known_then": _standing_as_json(one.view.then, one.decided_then),
    }


def _standing_as_json(standing: Standing, decided: ConsentEvent | None) -> dict[str, object]:
    ground = standing.ground
    is_in = standing.state in (ConsentState.OPTED_IN, ConsentState.EXPIRED)
    return {
        "state": standing.state.value,
        "since": _moment(standing.since),
        "basis": ground.basis if is_in else "",
        "quality": ground.quality if is_in else "",
        "expires_at": _moment(ground.expires_at) if is_in else None,
        "flags": flags_of(standing),
        "decided_by": _event_as_json(decided) if decided else None,
    }


def _event_as_json(event: ConsentEvent) -> dict[str, object]:
    return {
        "seq": event.seq,
        "kind": event.kind,
        "source": event.source,
        "occurred_at": _moment(event.occurred_at),
        "recorded_at": _moment(event.recorded_at),
        "hash": event.hash,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
