"""What was a person asked before they sent, and why did they go on? Of which programme is it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compliance.evidence import EVERY_PROGRAMME

WENT_ON, PROGRAMME = "went_on", "programme"


@dataclass(frozen=True)
class WentOn:
    """The gate's questions that the author of a message has answered, by code, and their reason."""

    codes: frozenset[str] = frozenset()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept with the message."""
        return {"codes": sorted(self.codes), "reason": self.reason}


NOT_ASKED = WentOn()


def programme_of(details: Mapping[str, Any]) -> str:
    """Return the programme that a message is of, from its details; `*` for none in particular."""
    return str(details.get(PROGRAMME) or EVERY_PROGRAMME)


def went_on_with(details: Mapping[str, Any]) -> frozenset[str]:
    """Return what the author of a message went on with, from the message's details."""
    kept = details.get(WENT_ON)
    return frozenset(kept["codes"]) if kept else frozenset()
