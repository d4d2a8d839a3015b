"""What is a proof pack about: whose consents or which time, and how does the ledger stand?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.chain import instant

Json = dict[str, object]


@dataclass(frozen=True)
class Noted:
    """A head of the ledger that was noted elsewhere, in the audit log, when it was found whole.

    `hashes_sha256` is the SHA-256 of the hashes of all events so far, one a line; blank where it
    was not noted.
    """

    seq: int
    head: str
    hashes_sha256: str
    at: datetime

    def as_json(self) -> Json:
        """Return it as the pack says it."""
        return {
            "seq": self.seq,
            "head": self.head,
            "hashes_sha256": self.hashes_sha256,
            "at": instant(self.at),
        }


@dataclass(frozen=True)
class Verified:
    """What the check of the whole ledger found, when, and in words if something is wrong."""

    is_whole: bool
    upto: int
    at: datetime
    problem: str = ""

    def as_json(self) -> Json:
        """Return it as the pack says it."""
        return {
            "is_whole": self.is_whole,
            "upto": self.upto,
            "at": instant(self.at),
            "problem": self.problem,
        }

    @property
    def words(self) -> str:
        """Say it to a person."""
        if not self.is_whole:
            return f"BROKEN: {self.problem}"
        return f"whole, from event 1 to event {self.upto}"


@dataclass(frozen=True)
class Period:
    """From when until when (not included) events were recorded, and which numbers those have.

    Of a period without events `first` is 0 and `last` as well.
    """

    since: datetime
    until: datetime
    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class About:
    """Everything that a pack says beside its events.

    Either `handles` says whose consents it is about, or `period` which time. `lasts` says of each
    handle the number of its latest event. `zone` is the account's, for the page to be read.
    """

    account: int
    account_name: str
    zone: str
    made_at: datetime
    made_by: str
    reason: str
    seq: int
    head: str
    verified: Verified
    noted: Sequence[Noted] = ()
    lasts: Mapping[str, int] | None = None
    period: Period | None = None

    def scope(self) -> Json:
        """Return what it is about, as the pack says it."""
        if self.period is None:
            return {"handles": dict(sorted((self.lasts or {}).items()))}
        numbers = [self.period.first, self.period.last]
        since, until = instant(self.period.since), instant(self.period.until)
        return {"since": since, "until": until, "numbers": numbers}
