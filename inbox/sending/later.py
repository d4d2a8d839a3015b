"""When does a message leave that its author does not send at once?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accounts.english import noop
from inbox.models import Message
from inbox.refusals import MissingInputError

SCHEDULED = "SCHEDULED"
LATER = "later"
LONGEST_AHEAD = timedelta(days=180)
LONGEST_HOLD = timedelta(seconds=30)


@dataclass(frozen=True)
class Later:
    """Not before `at`; and not at all if the customer writes first, where that is wanted."""

    at: datetime
    unless_they_write: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept with the message."""
        return {"at": self.at.isoformat(), "unless_they_write": self.unless_they_write}


def checked_later(later: Later | None, hold: timedelta, *, now: datetime) -> None:
    """Check when a message is to leave. Raises MissingInputError."""
    if later and not now < later.at <= now + LONGEST_AHEAD:
        raise MissingInputError(
            noop("Choose a moment that is still to come, within %(days)s days.")
            % {"days": LONGEST_AHEAD.days}
        )
    if not timedelta(0) <= hold <= LONGEST_HOLD:
        raise MissingInputError(
            noop("A message is held back for at most %(seconds)s seconds.")
            % {"seconds": LONGEST_HOLD.seconds}
        )


def scheduled_words(later: Later, zone: str) -> str:
    """Say when it goes, in the time zone of the inbox."""
    local = later.at.astimezone(ZoneInfo(zone))
    words = noop("Goes on %(day)s at %(time)s (%(zone)s).")
    if later.unless_they_write:
        words = noop("Goes on %(day)s at %(time)s (%(zone)s), unless they write first.")
    return words % {
        "day": f"{local:%A, %-d %B %Y}",
        "time": f"{local:%H:%M}",
        "zone": zone,
    }


def is_scheduled(message: Message) -> bool:
    """Say whether its author chose when it goes."""
    return LATER in message.details


def is_overtaken(message: Message) -> bool:
    """Say whether the customer wrote since, and it was not to go then."""
    kept: Mapping[str, Any] = message.details.get(LATER) or {}
    return bool(kept.get("unless_they_write")) and wrote_since(message)


def wrote_since(message: Message) -> bool:
    """Say whether the customer wrote after the message was written."""
    return message.thread.last_inbound_seq > message.seq
