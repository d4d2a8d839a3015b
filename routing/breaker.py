"""Is somebody else's machine so broken that we leave it alone for a while? Pure; times in seconds.

Five failures within a minute open the circuit for a minute: nobody asks. Then one may try; what
comes of that closes the circuit or opens it for another minute.
"""

from dataclasses import dataclass, replace

MOST_FAILURES = 5
WINDOW = 60.0
OPEN_FOR = 60.0
# A trial of which nobody told the end (its process was killed) holds up the next for so long.
TRIAL_FOR = 10.0


@dataclass(frozen=True)
class Circuit:
    """What is remembered of one machine: recent failures, or since when nobody asks it."""

    failures: tuple[float, ...] = ()
    opened_at: float | None = None
    tried_at: float | None = None


def ask(circuit: Circuit, *, at: float) -> tuple[bool, Circuit]:
    """Say whether it may be asked, and return what is then to be remembered."""
    if circuit.opened_at is None:
        return True, circuit
    is_trying = circuit.tried_at is not None and at - circuit.tried_at < TRIAL_FOR
    if at - circuit.opened_at < OPEN_FOR or is_trying:
        return False, circuit
    return True, replace(circuit, tried_at=at)


def open_until(circuit: Circuit, *, at: float) -> float | None:
    """Return until when nobody asks, or None if it may be asked."""
    if circuit.opened_at is None or at - circuit.opened_at >= OPEN_FOR:
        return None
    return circuit.opened_at + OPEN_FOR


def note(circuit: Circuit, *, is_good: bool, at: float) -> Circuit:
    """Return what is to be remembered after an answer, or after none came."""
    if circuit.opened_at is not None:
        # Whoever asked before it opened learns nothing of how it is now.
        if circuit.tried_at is None:
            return circuit
        return Circuit() if is_good else Circuit(opened_at=at)
    if is_good:
        return circuit
    failures = (*(one for one in circuit.failures if at - one < WINDOW), at)
    return Circuit(opened_at=at) if len(failures) >= MOST_FAILURES else Circuit(failures)
