"""Is an account's ledger of consent whole: nothing changed, nothing missing, nothing in between?

Reads, and changes nothing but the date of the last check. It needs no key: what is personal is
checked only where it is still there.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Subquery

from accounts.audit import alarm
from accounts.models import AuditEntry
from accounts.secrets import SecretUnreadableError
from compliance.chain import GENESIS, commitment, hash_of
from compliance.exporting import sum_of_hashes
from compliance.models import ConsentChain, ConsentEvent
from compliance.sealing import UnreadableDetailsError

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
BATCH = 2_000
PIECE = 5_000
LEASE = timedelta(minutes=5)
ALARM = "consent_chain_broken"
CHECKED = "consent_chain_verified"


@dataclass(frozen=True)
class Broken:
    """The first event of a ledger that is not as it was written, and what is wrong with it."""

    seq: int
    event_id: int | None
    words: str

    def __str__(self) -> str:
        which = f"event {self.seq}" + (f" (id {self.event_id})" if self.event_id else "")
        return f"{which}: {self.words}"


@dataclass(frozen=True)
class Checked:
    """What a check of one account's ledger found. `erased` counts events without their details."""

    account_id: int
    events: int = 0
    erased: int = 0
    head: str = GENESIS
    broken: Broken | None = None


@dataclass
class _Walk:
    """How far a check has come."""

    seq: int = 0
    head: str = GENESIS
    erased: int = 0


def verify_account(account_id: int) -> Checked:
    """Check one account's ledger from its first event to its head."""
    chain = ConsentChain.objects.filter(account=account_id).first()
    if chain is None:
        return _verify_without_head(account_id)
    return _verify(chain, _Walk(), piece=chain.seq)


def verify_next(*, now: datetime, piece: int = PIECE) -> Checked | None:
    """Check some more of the ledger that was not checked for longest, if its day is over.

    Alarms if it is broken. A ledger is checked `piece` events at a time, so that no length of it
    keeps a task from its end; it is leased meanwhile, and of two sweeps at once one checks. Returns
    None when there is nothing to check.
    """
    is_due = Q(verified_at=None) | Q(verified_at__lte=now - EVERY)
    is_free = Q(checking_until=None) | Q(checking_until__lte=now)
    order = F("verified_at").asc(nulls_first=True)
    chain = ConsentChain.objects.filter(is_due & is_free).order_by(order, "pk").first()
    if chain is None:
        return None
    mine = ConsentChain.objects.filter(is_due & is_free, pk=chain.pk)
    if not mine.update(checking_until=now + LEASE):
        return Checked(chain.account_id)
    walk = _Walk(chain.checked_seq, chain.checked_head)
    found = _verify(chain, walk, piece=piece)
    is_done = found.broken is not None or found.events == chain.seq
    _remember(chain, found, is_done=is_done, now=now)
    if is_done:
        tell(found, now=now)
    return found


def _remember(chain: ConsentChain, found: Checked, *, is_done: bool, now: datetime) -> None:
    ConsentChain.objects.filter(pk=chain.pk).update(
        verified_at=now if is_done else chain.verified_at,
        checked_seq=0 if is_done else found.events,
        checked_head=GENESIS if is_done else found.head,
        checking_until=None,
    )


def _verify(chain: ConsentChain, walk: _Walk, *, piece: int) -> Checked:
    """Go on from where a check has come, and look at the end if it comes there."""
    anchors = _anchors(chain.account_id)
    upto = min(chain.seq, walk.seq + piece)
    broken = None
    for event in _events(chain.account_id, after=walk.seq, upto=upto):
        if broken := _check(event, walk, anchors):
            break
    if broken is None and upto == chain.seq:
        broken = _check_end(chain, walk, anchors)
    elif broken is None and walk.seq < upto:
        broken = Broken(walk.seq + 1, None, f"is missing: the ledger has {chain.seq} events")
    return Checked(chain.account_id, walk.seq, walk.erased, walk.head, broken)


def tell(found: Checked, *, now: datetime) -> None:
    """Alarm of a broken ledger; note how far a whole one goes, in a ledger of another table."""
    if found.broken is None:
        _note_head(found, now=now)
        return
    logger.error("the consent ledger of account %s is broken", found.account_id)
    alarm(
        action=ALARM,
        subject=f"consent ledger, {found.broken}"[:200],
        words="The ledger of consents is not as it was written. Nothing that it says about "
        "consent after this event can be relied on until it is known why.",
        account_id=found.account_id,
        now=now,
        seq=found.broken.seq,
        event=found.broken.event_id,
        problem=found.broken.words,
    )


def _note_head(found: Checked, *, now: datetime) -> None:
    """Remember the head where whoever rewrites this ledger would have to rewrite that one too."""
    anchors = _anchors(found.account_id)
    if not found.events or anchors.get(found.events) == found.head:
        return
    AuditEntry.objects.create(
        actor_label="system",
        account_id=found.account_id,
        action=CHECKED,
        subject="consent ledger",
        data={
            "seq": found.events,
            "head": found.head,
            "hashes_sha256": sum_of_hashes(found.account_id, upto=found.events),
        },
        at=now,
    )


def _anchors(account_id: int) -> dict[int, str]:
    """Return the heads that earlier checks noted in the audit log."""
    noted = AuditEntry.objects.filter(account=account_id, action=CHECKED)
    return {data["seq"]: data["head"] for data in noted.values_list("data", flat=True)}


def _events(account_id: int, *, after: int, upto: int) -> Iterator[ConsentEvent]:
    """Yield the events up to the head that was read, in batches; newer ones may be on their way."""
    while batch := list(
        ConsentEvent.objects.filter(account=account_id, seq__gt=after, seq__lte=upto)
        .select_related("details__key", "web_evidence__key")
        .order_by("seq")[:BATCH]
    ):
        yield from batch
        after = batch[-1].seq


def _check(event: ConsentEvent, walk: _Walk, anchors: dict[int, str]) -> Broken | None:
    expected = walk.seq + 1
    if event.seq != expected:
        return Broken(expected, None, f"is missing: after event {walk.seq} comes {event.seq}")
    if words := _problem(event, walk, anchors):
        return Broken(event.seq, event.pk, words)
    walk.seq, walk.head = event.seq, event.hash
    walk.erased += event.opened is None
    return None


def _problem(event: ConsentEvent, walk: _Walk, anchors: dict[int, str]) -> str:
    if hash_of(event.body) != event.hash:
        return "was changed: its fields do not give its hash"
    if event.prev_hash != walk.head:
        return "does not follow the event before it: something was changed, swapped or taken out"
    if anchors.get(event.seq, event.hash) != event.hash:
        return "is another than an earlier check found here: the ledger was rewritten"
    return _details_problem(event)


def _details_problem(event: ConsentEvent) -> str:
    try:
        opened, web = event.opened, event.opened_web
    except (UnreadableDetailsError, SecretUnreadableError):
        return "its sealed details cannot be read: they were changed, or their key was"
    if opened and commitment(opened.salt, opened.personal) != event.details_hash:
        return "its sealed details are not those that were recorded with it"
    if web and commitment(web.salt, web.personal) != event.web_hash:
        return "its sealed web evidence is not what was recorded with it"
    return ""


def _check_end(chain: ConsentChain, walk: _Walk, anchors: dict[int, str]) -> Broken | None:
    if walk.seq < chain.seq:
        return Broken(walk.seq + 1, None, f"is missing: the ledger has {chain.seq} events")
    if walk.head != chain.head_hash:
        return Broken(walk.seq, None, "is not the one that the head of the ledger names")
    last = max(anchors, default=0)
    if last > walk.seq:
        return Broken(walk.seq + 1, None, f"is missing: an earlier check found {last} events")
    return _check_outside(chain)


def _check_outside(chain: ConsentChain) -> Broken | None:
    """See whether somebody put an event where none can be: whoever writes one moves the head."""
    head = ConsentChain.objects.filter(pk=chain.pk).values("seq")
    outside = Q(seq__lt=1) | Q(seq__gt=Subquery(head))
    event = ConsentEvent.objects.filter(outside, account=chain.account_id).order_by("seq").first()
    if event is None:
        return None
    return Broken(event.seq, event.pk, "was put there by hand: the head does not know of it")


def _verify_without_head(account_id: int) -> Checked:
    event = ConsentEvent.objects.filter(account=account_id).order_by("seq").first()
    if event is None:
        return Checked(account_id)
    return Checked(account_id, broken=Broken(event.seq, event.pk, "its ledger has no head"))


def accounts_with_events() -> Iterable[int]:
    """List every account that has a ledger, or events that should be in one."""
    heads = ConsentChain.objects.values_list("account", flat=True)
    events = ConsentEvent.objects.order_by().values_list("account", flat=True).distinct()
    return sorted({*heads, *events})
