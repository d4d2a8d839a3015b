"""How far is a message when Twilio says `undelivered`? Twilio's statuses in our words.

Source: https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

from inbox.models import Message

_Status = Message.Status

OURS = {
    "accepted": _Status.SENT,
    "scheduled": _Status.SENT,
    "queued": _Status.SENT,
    "sending": _Status.SENT,
    "sent": _Status.SENT,
    "delivered": _Status.DELIVERED,
    "partially_delivered": _Status.DELIVERED,
    "read": _Status.READ,
    "failed": _Status.FAILED,
    "undelivered": _Status.FAILED,
    "canceled": _Status.CANCELED,
}
FINAL = frozenset({_Status.FAILED, _Status.CANCELED, _Status.BLOCKED})
_RANK = {
    _Status.QUEUED: 0,
    _Status.SENDING: 1,
    _Status.UNKNOWN: 2,
    _Status.SENT: 3,
    _Status.DELIVERED: 4,
    _Status.READ: 5,
}
_RAW_RANK = {
    name: rank
    for rank, name in enumerate(
        ["accepted", "scheduled", "queued", "sending", "sent", "delivered", "read"]
    )
}


def moves_forward(now: str, then: str) -> bool:
    """Say whether a message may go from one of our statuses to another.

    Only ever forward; a failure is final.
    """
    if now in FINAL:
        return False
    return then in FINAL or _RANK[_Status(then)] > _RANK[_Status(now)]


def is_later_word(now: str, then: str) -> bool:
    """Say whether Twilio's raw status `then` comes after `now`; unknown words count as later."""
    return _RAW_RANK.get(then, 99) > _RAW_RANK.get(now, -1)
