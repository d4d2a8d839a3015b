"""Where did somebody stand at an instant: as was known then, and as is known now?

Pure. What happened and when we were told are two things: a paper that was signed in May and
recorded in June makes the consent of May, but nobody could know it before June. Who asks whether a
message was right needs both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.evidence import EVERY_PROGRAMME
from compliance.state_machine import ConsentState, Fact, Standing, replay, superseded_in


@dataclass(frozen=True)
class Told:
    """One event of somebody, with the moment at which it was recorded."""

    fact: Fact
    recorded_at: datetime


@dataclass(frozen=True)
class AsOf:
    """Where somebody stood at an instant for a programme.

    `now` is what is known today of that instant, `then` what was known at it. `learnt_later` are
    the numbers of the events that make the difference possible: they had happened and were not
    recorded yet, or corrected later what had happened.
    """

    at: datetime
    programme: str
    now: Standing
    then: Standing
    learnt_later: tuple[int, ...] = ()

    @property
    def differs(self) -> bool:
        """Say whether it stood otherwise than was known then."""
        return _shown(self.now) != _shown(self.then)


def as_of(
    told: Iterable[Told],
    at: datetime,
    *,
    programme: str = EVERY_PROGRAMME,
    wrote: Sequence[datetime] = (),
) -> AsOf:
    """Return where somebody stood at an instant, whose events are these, in whatever order.

    An event at the very instant counts. `wrote` are moments at which ordinary messages of theirs
    reached us: those are no events.
    """
    every = list(told)
    known_then = [one.fact for one in every if one.recorded_at <= at]
    messages = [Fact(None, moment) for moment in wrote if moment <= at]
    return AsOf(
        at=at,
        programme=programme,
        now=_standing([one.fact for one in every], messages, at, programme),
        then=_standing(known_then, messages, at, programme),
        learnt_later=_learnt_later(every, at, programme),
    )


def programmes_of(told: Iterable[Told]) -> list[str]:
    """Return every programme that the events name, the general one first."""
    named = {one.fact.programme for one in told} - {EVERY_PROGRAMME}
    return [EVERY_PROGRAMME, *sorted(named)]


def _standing(
    known: Sequence[Fact], messages: Sequence[Fact], at: datetime, programme: str
) -> Standing:
    # A correction counts whenever it was made: what it corrects never was so.
    gone = superseded_in(known)
    counted = [fact for fact in known if fact.occurred_at <= at and fact.seq not in gone]
    return replay([*counted, *messages], programme).at(at)


def _learnt_later(every: Sequence[Told], at: datetime, programme: str) -> tuple[int, ...]:
    happened = {one.fact.seq for one in every if one.fact.occurred_at <= at}
    later = [
        one.fact.seq
        for one in every
        if one.recorded_at > at
        and one.fact.programme in (EVERY_PROGRAMME, programme)
        and (one.fact.occurred_at <= at or one.fact.supersedes in happened)
    ]
    return tuple(sorted(later))


def _shown(standing: Standing) -> tuple[ConsentState, object, object, object, object, object]:
    """Return what of a standing makes a difference to what may be sent."""
    ground = standing.ground
    return (
        standing.state,
        (ground.basis, ground.quality, ground.expires_at),
        standing.opted_out_at,
        standing.no_contact_at,
        standing.no_marketing_at,
        (standing.reassigned_at, standing.erased_at),
    )
