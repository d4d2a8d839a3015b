"""What should somebody know before they answer, in one line? As the gate sees it.

It rests on what the verdict rested on that opened the composer, so the line and the gate never
disagree: by which consent, until when WhatsApp lets one answer freely, what time it is there, and
how large files may be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from compliance.gate import Verdict
from compliance.state_machine import ConsentState
from inbox.media import MEGABYTE, limits_of
from inbox.models import Conversation
from inbox.windows import window_of


@dataclass(frozen=True)
class Preflight:
    """The facts of the line. Moments are in UTC, `zones` those in which the customer may be.

    `window_ends_at` is None where a channel has no window, or where it is closed.
    """

    consent: str
    consent_since: datetime | None
    is_consent_good: bool
    zones: tuple[str, ...]
    window_ends_at: datetime | None
    needs_template: bool
    megabytes: int


_GOOD = (ConsentState.OPTED_IN, ConsentState.CONVERSATIONAL)


def preflight_of(conversation: Conversation, verdict: Verdict, *, now: datetime) -> Preflight:
    """Say what the gate knows of a conversation; where it did not look, less is told."""
    known: Mapping[str, Any] = verdict.inputs
    state = ConsentState(known["consent"]) if "consent" in known else None
    family = conversation.thread.address.family
    window = window_of(conversation.thread)
    is_open = window is not None and now < window.closes_at
    since = known.get("consent_since")
    return Preflight(
        consent=_words(state) if state else "",
        consent_since=datetime.fromisoformat(since)
        if since and state is not ConsentState.NONE
        else None,
        is_consent_good=state in _GOOD,
        zones=tuple(known.get("zones", ())),
        window_ends_at=window.closes_at if window and is_open else None,
        needs_template=family == "whatsapp" and not is_open,
        megabytes=limits_of(family).file // MEGABYTE,
    )


def _words(state: ConsentState) -> str:
    return _("Consent unknown") if state is ConsentState.NONE else str(state.label)
