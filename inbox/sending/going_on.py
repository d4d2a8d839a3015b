"""What was a person asked before they sent, and why did they go on?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WENT_ON = "went_on"


@dataclass(frozen=True)
class WentOn:
    """The gate's questions that the author of a message has answered, by code, and their reason."""

    codes: frozenset[str] = frozenset()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept with the message."""
        return {"codes": sorted(self.codes), "reason": self.reason}


NOT_ASKED = WentOn()


def went_on_with(details: Mapping[str, Any]) -> frozenset[str]:
    """Return what the author of a message went on with, from the message's details."""
    kept = details.get(WENT_ON)
    return frozenset(kept["codes"]) if kept else frozenset()
