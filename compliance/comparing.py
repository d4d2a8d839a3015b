"""Does every consent still say what replaying its events says?

A consent that differs was changed by hand, or by a fault of ours: the ledger is right.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from compliance.chain import handle
from compliance.evidence import EVERY_PROGRAMME, EventKind
from compliance.models import Consent, ConsentChain, ConsentEvent
from compliance.standing import COMPARED, projected, standing_of
from compliance.state_machine import ConsentState, Standing

BATCH = 500
Events = Mapping[str, Sequence[ConsentEvent]]


@dataclass(frozen=True)
class Difference:
    """A consent that does not say what its events do. `consent` is its number, not an address."""

    account: int
    consent: int | None
    handle: str
    field: str
    stored: str
    replayed: str

    def __str__(self) -> str:
        where = f"consent {self.consent}" if self.consent else "an address without a consent"
        return (
            f"account {self.account}, {where} (handle {self.handle[:12]}…): {self.field} is "
            f"'{self.stored}', its events say '{self.replayed}'"
        )


def differences(account_id: int) -> Iterator[Difference]:
    """Yield every difference between an account's consents and its ledger.

    What happens while it reads may look like a difference: ask again before you believe one.
    """
    chain = ConsentChain.objects.filter(account=account_id).first()
    if chain is None:
        yield from _without_ledger(account_id)
        return
    events = _events(account_id)
    seen = set()
    for row in Consent.objects.filter(account=account_id).order_by("pk").iterator(BATCH):
        known = handle(chain.pepper, row.address)
        seen.add(known)
        yield from _compare(row, known, events.get(known, ()))
    for known in sorted(events.keys() - seen):
        yield from _orphan(account_id, known, events[known])


def _events(account_id: int) -> Events:
    found: dict[str, list[ConsentEvent]] = defaultdict(list)
    rows = ConsentEvent.objects.filter(account=account_id).order_by("seq")
    for event in rows.iterator(BATCH):
        found[event.handle].append(event)
    return found


def _compare(row: Consent, known: str, events: Sequence[ConsentEvent]) -> Iterator[Difference]:
    replayed = projected(standing_of(row, events))
    for name in COMPARED:
        stored, said = getattr(row, name), replayed[name]
        if stored != said:
            yield Difference(row.account_id, row.pk, known, name, str(stored), str(said))


def _without_ledger(account_id: int) -> Iterator[Difference]:
    for row in Consent.objects.filter(account=account_id).order_by("pk").iterator(BATCH):
        yield from _compare(row, "", ())


def _orphan(account_id: int, known: str, events: Sequence[ConsentEvent]) -> Iterator[Difference]:
    """Yield what an address without a consent should have; who was erased has none."""
    if any(event.kind == EventKind.ERASED for event in events):
        return
    standing: Standing = standing_of(Consent(programme=EVERY_PROGRAMME), events)
    if standing.state is not ConsentState.NONE:
        yield Difference(account_id, None, known, "state", "not there", standing.state)
