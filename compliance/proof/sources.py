"""What does the ledger give for a proof pack of a person, or of a time?

Reads, and changes nothing; whoever calls it writes down first who asked, and why. Nothing is kept
in memory but a batch of events.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import resources

from django.db.models import Max, Min, Q, QuerySet

from accounts.models import Account, AuditEntry
from accounts.secrets import SecretUnreadableError
from compliance.chain import GENESIS
from compliance.exporting import BATCH, Line, hashes_of, line_of
from compliance.models import ConsentChain, ConsentEvent
from compliance.proof.about import About, Noted, Period, Verified
from compliance.proof.pack import proof_pack
from compliance.sealing import UnreadableDetailsError
from compliance.verifying import ALARM, CHECKED, verify_account

# A ledger that is no longer is verified anew for every pack; of a longer one the pack says what
# the check of the day found.
VERIFIED_AT_ONCE = 5_000
Decisions = Iterable[Mapping[str, object]]


@dataclass(frozen=True)
class Asked:
    """Who asked for a pack of which account, why, and when."""

    account: Account
    by: str
    reason: str
    now: datetime


def pack_of_person(
    asked: Asked, handles: Sequence[str], *, decisions: Decisions = ()
) -> Iterator[bytes]:
    """Yield the pack of a person who is known in the ledger by these handles."""
    about = _about(asked)
    events = _events(about).filter(handle__in=handles)
    lasts = dict(events.order_by().values_list("handle").annotate(last=Max("seq")))
    return _pack(replace(about, lasts=lasts), events, decisions)


def pack_of_period(
    asked: Asked, since: datetime, until: datetime, *, decisions: Decisions = ()
) -> Iterator[bytes]:
    """Yield the pack of what was recorded from one moment until before another."""
    about = _about(asked)
    first, last = numbers_between(asked.account.pk, since, until, upto=about.seq)
    events = _events(about).filter(seq__gte=first, seq__lte=last)
    return _pack(replace(about, period=Period(since, until, first, last)), events, decisions)


def numbers_between(
    account_id: int, since: datetime, until: datetime, *, upto: int | None = None
) -> tuple[int, int]:
    """Return the first and last number of what was recorded in a time; 0 and 0 if nothing was.

    What stands between them in the ledger belongs to the time, so that nothing can be left out.
    """
    limit = Q() if upto is None else Q(seq__lte=upto)
    recorded = Q(account=account_id, recorded_at__gte=since, recorded_at__lt=until)
    ends = ConsentEvent.objects.filter(limit, recorded).aggregate(a=Min("seq"), b=Max("seq"))
    return ends["a"] or 0, ends["b"] or 0


def _pack(about: About, events: "QuerySet[ConsentEvent]", decisions: Decisions) -> Iterator[bytes]:
    return proof_pack(
        about,
        events=lines_of(events),
        hashes=hashes_of(about.account, upto=about.seq),
        rules_of=rules_of,
        decisions=decisions,
    )


def _about(asked: Asked) -> About:
    account = asked.account
    chain = ConsentChain.objects.filter(account=account).first()
    return About(
        account=account.pk,
        account_name=account.name,
        zone=account.time_zone,
        made_at=asked.now,
        made_by=asked.by,
        reason=asked.reason,
        seq=chain.seq if chain else 0,
        head=chain.head_hash if chain else GENESIS,
        verified=verified(account.pk, chain, now=asked.now),
        noted=noted_heads(account.pk),
    )


def verified(account_id: int, chain: ConsentChain | None, *, now: datetime) -> Verified:
    """Say how the ledger stands: checked now, or what the check of the day found of a long one."""
    if chain and chain.verified_at and chain.seq > VERIFIED_AT_ONCE:
        return as_last_verified(account_id, chain.verified_at)
    found = verify_account(account_id)
    return Verified(found.broken is None, found.events, now, str(found.broken or ""))


def as_last_verified(account_id: int, at: datetime) -> Verified:
    """Say what the check of the day found that was done at this moment."""
    notes = AuditEntry.objects.filter(account=account_id, at__lte=at).order_by("-at", "-pk")
    broken = notes.filter(action=ALARM, at=at).first()
    whole = notes.filter(action=CHECKED).first()
    upto = whole.data["seq"] if whole else 0
    return Verified(broken is None, upto, at, broken.subject if broken else "")


def noted_heads(account_id: int) -> list[Noted]:
    """Return the heads that the audit log has, the oldest first."""
    rows = AuditEntry.objects.filter(account=account_id, action=CHECKED).order_by("at", "pk")
    return [
        Noted(row.data["seq"], row.data["head"], row.data.get("hashes_sha256", ""), row.at)
        for row in rows
    ]


def _events(about: About) -> "QuerySet[ConsentEvent]":
    """Return the events up to the head that the pack names; newer ones may be on their way."""
    return ConsentEvent.objects.filter(account=about.account, seq__lte=about.seq)


def lines_of(events: "QuerySet[ConsentEvent]") -> Iterator[Line]:
    """Yield events with what is personal, in order; one that cannot be read says so."""
    sealed = events.select_related("details__key", "web_evidence__key")
    for event in sealed.order_by("seq").iterator(BATCH):
        try:
            yield line_of(event, with_details=True)
        except (UnreadableDetailsError, SecretUnreadableError):
            # A pack without it is better than none: it says so, and the check of the ledger too.
            yield {**line_of(event), "unreadable": True}


@cache
def _shipped() -> Mapping[str, Callable[[], bytes]]:
    """Return how to read each version of the rules that this product came with."""
    folder = resources.files("compliance") / "packs"
    files = [file for file in folder.iterdir() if file.name.endswith(".json")]
    return {
        json.loads(file.read_text(encoding="utf-8"))["version"]: file.read_bytes for file in files
    }


def rules_of(version: str) -> bytes | None:
    """Return the document of a version of the rules, or None if we have it no more."""
    read = _shipped().get(version)
    return read() if read else None
