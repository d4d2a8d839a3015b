"""Does every consent still say what replaying its events says?

A consent that differs was changed by hand, or by a fault of ours: the ledger is right.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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
    seen: set[str] = set()
    pepper = chain.pepper
    rows = Consent.objects.filter(account=account_id).order_by("pk").iterator(BATCH)
    for batch in _batched(rows, BATCH):
        known = {row.pk: handle(pepper, row.address) for row in batch}
        events = _events(account_id, known.values())
        for row in batch:
            yield from _compare(row, known[row.pk], events.get(known[row.pk], ()))
        seen.update(known.values())
    yield from _without_consent(account_id, seen)


def _batched(rows: Iterable[Consent], size: int) -> Iterator[list[Consent]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def _events(account_id: int, handles: Iterable[str]) -> Events:
    found: dict[str, list[ConsentEvent]] = defaultdict(list)
    rows = ConsentEvent.objects.filter(account=account_id, handle__in=set(handles))
    for event in rows.order_by("seq").iterator(BATCH):
        found[event.handle].append(event)
    return found


def _without_consent(account_id: int, seen: set[str]) -> Iterator[Difference]:
    """Yield who has events and no consent; who was erased has none."""
    every = ConsentEvent.objects.filter(account=account_id).order_by("handle")
    for known in every.values_list("handle", flat=True).distinct().iterator(BATCH):
        if known not in seen:
            yield from _orphan(account_id, known, _events(account_id, [known])[known])


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
    if any(event.kind == EventKind.ERASED for event in events):
        return
    standing: Standing = standing_of(Consent(programme=EVERY_PROGRAMME), events)
    if standing.state is not ConsentState.NONE:
        yield Difference(account_id, None, known, "state", "not there", standing.state)
