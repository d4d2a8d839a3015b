"""How patient is Twilio with this webhook URL?

The fragment of a webhook URL may say so: #ct=2000&rt=5000&tt=8000&rc=3&rp=ct,rt,5xx
"""

from dataclasses import dataclass
from urllib.parse import parse_qs

POLICIES = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True, slots=True)
class Patience:
    """Time-outs in seconds, and what is tried again how often."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0
    retries: int = 1
    policies: frozenset[str] = frozenset({"ct"})

    def retries_on(self, problem: str) -> bool:
        """Tell whether a problem (ct, rt, 4xx, 5xx) is worth another try."""
        return problem in self.policies or (bool(problem) and "all" in self.policies)


def patience_of(url: str) -> Patience:
    """Read the connection overrides of a URL; nonsense falls back to the default."""
    values = {name: one[-1] for name, one in parse_qs(url.partition("#")[2]).items()}
    policies = frozenset(values.get("rp", "ct").split(",")) & POLICIES
    return Patience(
        connect=_milliseconds(values.get("ct"), 100, 10_000, 5_000),
        read=_milliseconds(values.get("rt"), 100, 15_000, 15_000),
        total=_milliseconds(values.get("tt"), 100, 15_000, 15_000),
        retries=_whole(values.get("rc"), 0, 5, 1),
        policies=policies or frozenset({"ct"}),
    )


def _milliseconds(raw: str | None, low: int, high: int, default: int) -> float:
    return _whole(raw, low, high, default) / 1000


def _whole(raw: str | None, low: int, high: int, default: int) -> int:
    return int(raw) if raw and raw.isdecimal() and low <= int(raw) <= high else default
