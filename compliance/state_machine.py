"""Where does somebody stand, after everything that happened to their consent?

Pure: events in, a `Standing` out; no clock, no database. Four things lie over each other: what was
given (`ground`), a question whether they consent (`asked_at`), a possible request to stop that a
person must judge (`held_at`), and an opt-out. The highest decides the state, and when it is lifted
the one below shows again. An opt-out is broad, an opt-in is narrow: nothing but what the person
does after an opt-out lifts it. Contract: compliance reference, section 12.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from compliance.evidence import EVERY_PROGRAMME, Basis, EventKind, Quality

CONFIRM_WITHIN = timedelta(hours=72)


class ConsentState(TextChoices):
    """What a person's consent is worth (a projection of their consent events)."""

    NONE = "none", _("Unknown")
    CONVERSATIONAL = "conversational", _("They wrote to us")
    PENDING = "pending", _("Asked to confirm")
    OPTED_IN = "opted_in", _("Opted in")
    EXPIRED = "expired", _("Consent ran out")
    HELD = "held", _("May have asked to stop")
    OPTED_OUT = "opted_out", _("Opted out")


# From here an opt-in is asked about; who is opted out never is, who consented need not be.
ASKED_FROM = frozenset(
    {
        ConsentState.NONE,
        ConsentState.CONVERSATIONAL,
        ConsentState.EXPIRED,
        ConsentState.PENDING,
        ConsentState.HELD,
    }
)


@dataclass(frozen=True)
class Given:
    """What somebody gave: nothing, a conversation, a consent, or one that ran out."""

    state: ConsentState = ConsentState.NONE
    basis: str = ""
    quality: str = ""
    expires_at: datetime | None = None

    @property
    def basis_words(self) -> str:
        """Say what it rests on and how good the evidence is, to a person."""
        basis = str(Basis(self.basis).label) if self.basis else ""
        quality = str(Quality(self.quality).label) if self.quality else ""
        return ", ".join(filter(None, (basis, quality)))


NOTHING, A_CONVERSATION = Given(), Given(ConsentState.CONVERSATIONAL)


@dataclass(frozen=True)
class Fact:
    """One event as the state machine needs it. `kind` is None for an ordinary message of theirs.

    `seq` is its number in the account's chain; of two at the same instant it says which came first,
    but an opt-out always counts as the later one. It `is_linked` if they said it from another of
    their addresses.
    """

    kind: EventKind | None
    occurred_at: datetime
    seq: int = 0
    programme: str = EVERY_PROGRAMME
    basis: str = ""
    quality: str = ""
    expires_at: datetime | None = None
    supersedes: int | None = None
    is_linked: bool = False


@dataclass(frozen=True)
class Standing:
    """Where somebody stands for one programme, and since when.

    `decided_by` is the number of the event that made the state what it is, if an event did. The
    flags (`no_contact_at`, `no_marketing_at`, `reassigned_at`, `erased_at`) stand beside the state;
    no keyword clears them.
    """

    ground: Given = NOTHING
    asked_at: datetime | None = None
    asked: Given = NOTHING
    held_at: datetime | None = None
    opted_out_at: datetime | None = None
    since: datetime | None = None
    decided_by: int | None = None
    no_contact_at: datetime | None = None
    no_marketing_at: datetime | None = None
    reassigned_at: datetime | None = None
    erased_at: datetime | None = None

    @property
    def state(self) -> ConsentState:
        """Return the state: the highest of what lies over each other."""
        if self.opted_out_at:
            return ConsentState.OPTED_OUT
        if self.held_at:
            return ConsentState.HELD
        return ConsentState.PENDING if self.asked_at else self.ground.state

    def at(self, now: datetime) -> "Standing":
        """Return what is left of it at a later moment: consents run out, questions lapse."""
        later, ends = self, self.ground.expires_at
        if self.ground.state is ConsentState.OPTED_IN and ends and now >= ends:
            ground = replace(self.ground, state=ConsentState.EXPIRED)
            later = later._as_of(ends, replace(later, ground=ground))
        if self.asked_at and now >= self.asked_at + CONFIRM_WITHIN:
            lapsed = replace(later, asked_at=None, asked=NOTHING)
            later = later._as_of(self.asked_at + CONFIRM_WITHIN, lapsed)
        return later

    def _as_of(self, at: datetime, after: "Standing", by: int | None = None) -> "Standing":
        """Return what comes after this, dated where the state is another one."""
        if after.state is self.state:
            return after
        return replace(after, since=at, decided_by=by)


UNKNOWN = Standing()


def replay(facts: Iterable[Fact], programme: str = EVERY_PROGRAMME) -> Standing:
    """Return where somebody stands for a programme after these facts, in whatever order they come.

    Facts of every programme (`*`) count for each; those of another programme do not count.
    """
    every = list(facts)
    superseded = superseded_in(every)
    mine = [fact for fact in every if fact.programme in (EVERY_PROGRAMME, programme)]
    standing = UNKNOWN
    for fact in sorted(mine, key=_order):
        if fact.kind is None or fact.seq not in superseded:
            standing = step(standing, fact)
    return standing


def superseded_in(facts: Iterable[Fact]) -> set[int]:
    """Return the numbers of what was corrected; a correction that was corrected does nothing."""
    gone: set[int] = set()
    for fact in sorted(facts, key=lambda fact: fact.seq, reverse=True):
        if fact.kind and fact.supersedes is not None and fact.seq not in gone:
            gone.add(fact.supersedes)
    return gone


def step(standing: Standing, fact: Fact) -> Standing:
    """Return where somebody stands after one more fact, the latest so far."""
    before = standing.at(fact.occurred_at)
    after = _STEPS[fact.kind](before, fact) if fact.kind else _wrote(before, fact)
    return before._as_of(fact.occurred_at, after, fact.seq if fact.kind else None)


def moves(state: ConsentState, kind: EventKind) -> bool:
    """Say whether an event of this kind, the latest so far, can change where somebody stands."""
    if kind in (EventKind.OPT_OUT, EventKind.CARRIER_BLOCK, EventKind.HELD, EventKind.ASKED):
        return state is not ConsentState.OPTED_OUT
    return kind not in (EventKind.HELP, EventKind.WEAK_YES, EventKind.PROPOSED)


_OPT_OUTS = (EventKind.OPT_OUT, EventKind.CARRIER_BLOCK)


def _order(fact: Fact) -> tuple[datetime, int, int]:
    rank = 0 if fact.kind is None else 2 if fact.kind in _OPT_OUTS else 1
    return fact.occurred_at, rank, fact.seq


def _wrote(was: Standing, fact: Fact) -> Standing:
    if was.ground.state in (ConsentState.NONE, ConsentState.EXPIRED):
        return replace(was, ground=A_CONVERSATION)
    return was


def _opt_out(was: Standing, fact: Fact) -> Standing:
    if was.opted_out_at:
        return was
    return replace(was, opted_out_at=fact.occurred_at, held_at=None, asked_at=None, asked=NOTHING)


def _opt_in(was: Standing, fact: Fact) -> Standing:
    if was.opted_out_at:
        return _wrote(replace(was, opted_out_at=None), fact)
    if was.held_at:
        was = replace(was, held_at=None)
    # A consent does not travel from one address to another.
    if was.asked_at and not fact.is_linked:
        return replace(was, ground=was.asked, asked_at=None, asked=NOTHING)
    return was


def _grant(was: Standing, fact: Fact) -> Standing:
    given = _given(fact)
    if was.opted_out_at:
        # Somebody's word does not undo what the person did: it takes new proof of the person's own.
        if fact.quality != Quality.FIRST_HAND:
            return was
        return replace(was, opted_out_at=None, ground=given)
    if was.ground.state is ConsentState.OPTED_IN and _rank(was.ground) > _rank(given):
        given = was.ground
    return replace(was, ground=given, asked_at=None, asked=NOTHING)


def _asked(was: Standing, fact: Fact) -> Standing:
    # Whoever opted out is never asked back; whoever consented need not be asked.
    if was.opted_out_at or was.held_at or was.ground.state is ConsentState.OPTED_IN:
        return was
    return replace(was, asked_at=fact.occurred_at, asked=_given(fact))


def _ask_lapsed(was: Standing, fact: Fact) -> Standing:
    return replace(was, asked_at=None, asked=NOTHING)


def _expired(was: Standing, fact: Fact) -> Standing:
    if was.ground.state is not ConsentState.OPTED_IN:
        return was
    return replace(was, ground=replace(was.ground, state=ConsentState.EXPIRED))


def _held(was: Standing, fact: Fact) -> Standing:
    if was.opted_out_at or was.held_at:
        return was
    return replace(was, held_at=fact.occurred_at)


def _hold_lifted(was: Standing, fact: Fact) -> Standing:
    return replace(was, held_at=None)


def _hold_lapsed(was: Standing, fact: Fact) -> Standing:
    return _opt_out(was, fact) if was.held_at else was


def _reassigned(was: Standing, fact: Fact) -> Standing:
    ground = NOTHING
    return replace(was, ground=ground, asked_at=None, asked=NOTHING, reassigned_at=fact.occurred_at)


def _erased(was: Standing, fact: Fact) -> Standing:
    # What protects them stays: an opt-out, a possible one, and that nobody may write to them.
    out = was.opted_out_at or was.held_at
    return Standing(
        opted_out_at=out,
        since=was.since if was.opted_out_at else None,
        decided_by=was.decided_by if was.opted_out_at else None,
        no_contact_at=was.no_contact_at,
        reassigned_at=was.reassigned_at,
        erased_at=fact.occurred_at,
    )


def _same(was: Standing, fact: Fact) -> Standing:
    return was


_STEPS: Mapping[EventKind, Callable[[Standing, Fact], Standing]] = {
    EventKind.OPT_OUT: _opt_out,
    EventKind.CARRIER_BLOCK: _opt_out,
    EventKind.OPT_IN: _opt_in,
    EventKind.HELP: _same,
    EventKind.WEAK_YES: _same,
    EventKind.PROPOSED: _same,
    EventKind.VOID: _same,
    EventKind.GRANT: _grant,
    EventKind.ASKED: _asked,
    EventKind.ASK_LAPSED: _ask_lapsed,
    EventKind.EXPIRED: _expired,
    EventKind.HELD: _held,
    EventKind.HOLD_LIFTED: _hold_lifted,
    EventKind.HOLD_LAPSED: _hold_lapsed,
    EventKind.NO_CONTACT: lambda was, fact: replace(was, no_contact_at=fact.occurred_at),
    EventKind.CONTACT_AGAIN: lambda was, fact: replace(was, no_contact_at=None),
    EventKind.NO_MARKETING: lambda was, fact: replace(was, no_marketing_at=fact.occurred_at),
    EventKind.MARKETING: lambda was, fact: replace(was, no_marketing_at=None),
    EventKind.REASSIGNED: _reassigned,
    EventKind.ERASED: _erased,
}


def _given(fact: Fact) -> Given:
    return Given(ConsentState.OPTED_IN, fact.basis, fact.quality, fact.expires_at)


_BASES = {str(basis): rank for rank, basis in enumerate(Basis.values)}
_QUALITIES = {
    Quality.IMPORTED_UNPROVEN: 0,
    Quality.ASSERTED_BY_AGENT: 1,
    Quality.FIRST_HAND: 2,
}


def _rank(given: Given) -> tuple[int, int]:
    return _BASES.get(given.basis, -1), _QUALITIES.get(Quality(given.quality or "first_hand"), 2)
