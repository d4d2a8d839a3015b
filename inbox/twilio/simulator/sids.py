"""What is the next SID?"""

import hashlib
import random
import threading


class Sids:
    """Random 34-character SIDs; a seed makes a run repeatable.

    The generation (how often this store was started) is mixed in, so that a restarted demo with
    a seed never hands out a SID that an earlier run has used.
    """

    def __init__(self, seed: int | None, generation: int = 0) -> None:
        # Chance, not secrets; even the tokens of subaccounts open nothing but this simulator.
        self._random = random.Random(None if seed is None else f"{seed}:{generation}")  # noqa: S311
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """Return a new SID such as SM0123..."""
        return prefix + self.token()

    def token(self) -> str:
        """Return 32 random hexadecimal digits."""
        with self._lock:
            return f"{self._random.getrandbits(128):032x}"

    def fork(self) -> random.Random:
        """Return a source of chance of its own that follows from the same seed."""
        return random.Random(self.token())  # noqa: S311

    def uuid(self) -> str:
        """Return a random id in the form 8-4-4-4-12."""
        digits = self.token()
        cuts = (0, 8, 12, 16, 20, 32)
        return "-".join(digits[a:b] for a, b in zip(cuts, cuts[1:], strict=False))


def derived(prefix: str, *parts: str) -> str:
    """Return the SID that always belongs to these parts."""
    return prefix + hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
