"""Which events of the ledger are to be told to the carrier, for which of our senders, and how?

Pure. An opt-out is told to every sender of the account; an opt-in only where we told an opt-out
before or the carrier blocks, and only if the person gave it themselves. Compliance reference 1.3.
"""

import hashlib

from compliance.evidence import EventKind, Quality, Source

OPT_OUT, OPT_IN = "opt-out", "opt-in"
_OUTS = frozenset({EventKind.OPT_OUT, EventKind.CARRIER_BLOCK, EventKind.HOLD_LAPSED})
_TEXTED = frozenset(
    {Source.INBOUND_KEYWORD, Source.INBOUND_FUZZY, Source.BUTTON, Source.PROVIDER_EVENT}
)
_SOURCES = {
    Source.WEB_FORM: "website",
    Source.LINK: "website",
    Source.VERBAL: "offline",
    Source.PAPER: "offline",
}


def status_of(kind: str, quality: str, *, is_out: bool) -> str:
    """Return what an event says to the carrier: opt-out, opt-in, or blank for nothing.

    `is_out` says where the address stood after it. Nobody is opted in by somebody's word.
    """
    if kind in _OUTS:
        return OPT_OUT if is_out else ""
    if is_out:
        return ""
    is_own = kind == EventKind.OPT_IN or (kind == EventKind.GRANT and quality == Quality.FIRST_HAND)
    return OPT_IN if is_own else ""


def source_of(source: str, status: str) -> str:
    """Return how it came to be, in the carrier's words."""
    if source in _TEXTED:
        return f"{status}-message"
    return _SOURCES.get(Source(source), "others")


def correlation_id(pepper: str, seq: int, sender_id: str) -> str:
    """Return 32 hexadecimal digits that are always the same for an event and a sender."""
    told = f"{pepper}:{seq}:{sender_id}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]
