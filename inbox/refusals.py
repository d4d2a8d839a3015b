"""How does a story say no? With a named error that carries a code, words and an HTTP status."""

from datetime import datetime

from accounts.english import noop
from accounts.retelling import retold


class RefusedError(Exception):
    """Something a person asked for was refused; nothing was changed.

    `code` is for programs, `reason` for people, `status` for HTTP.
    """

    code = "refused"
    status = 409
    reason = noop("This is not possible now.")

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or self.reason)
        if reason:
            self.reason = reason

    def as_dict(self) -> dict[str, object]:
        """Return the body of the HTTP answer."""
        return {"code": self.code, "detail": retold(self.reason)}


class NotAllowedError(RefusedError):
    """The person's role, licence or place in the audience does not allow it."""

    code = "not_allowed"
    status = 403
    reason = noop("You may not do this in this conversation.")


class ClaimedByOtherError(RefusedError):
    """Somebody else has the conversation: no message is made, the draft stays."""

    code = "claimed_by_other"

    def __init__(self, owner: str, since: datetime | None) -> None:
        super().__init__(noop("%(owner)s has this conversation.") % {"owner": owner})
        self.owner = owner
        self.since = since

    def as_dict(self) -> dict[str, object]:
        """Name the winner and since when; nothing of the conversation."""
        since = self.since.isoformat() if self.since else None
        return {**super().as_dict(), "owner": self.owner, "since": since}


class ClosedError(RefusedError):
    """The conversation is closed already."""

    code = "closed"
    reason = noop("This conversation is closed.")


class ChangedMeanwhileError(RefusedError):
    """The row changed since the person looked at it."""

    code = "changed"
    reason = noop("This conversation changed while you were looking at it. Look again and repeat.")


class StaleThreadError(RefusedError):
    """Something was written that the author has not seen yet."""

    code = "stale_thread"
    reason = noop("Something new was written. Read it, then send anyway or edit.")

    def __init__(self, unseen_from_seq: int) -> None:
        super().__init__()
        self.unseen_from_seq = unseen_from_seq


class UnseenMessagesError(StaleThreadError):
    """The customer wrote after what the closer had seen."""

    code = "unseen_messages"
    reason = noop("The customer wrote again. Read it before you close.")


class UnseenBySnoozerError(UnseenMessagesError):
    """The customer wrote after what the one who snoozes had seen."""

    reason = noop("The customer wrote again. Read it before you snooze.")


class StillWaitingError(RefusedError):
    """The customer is still waiting for an answer."""

    code = "still_waiting"
    reason = noop("The customer is still waiting for an answer. Close anyway, and say why.")


class PromiseOpenError(RefusedError):
    """Somebody promised to come back: was it kept, or is it called off?"""

    code = "promise_open"
    reason = "A promise to come back is still open. Say whether it was kept or is called off."


class MissingInputError(RefusedError):
    """Something needed is missing or wrong."""

    code = "bad_input"
    status = 422


class ReasonNeededError(MissingInputError):
    """The inbox asks why a conversation is closed."""

    code = "reason_needed"
    reason = noop("This inbox asks for a reason when a conversation is closed.")


class UnavailableTargetError(RefusedError):
    """The person to transfer to is away: needs a confirmation."""

    code = "target_unavailable"


class NotEligibleError(RefusedError):
    """The person to transfer to cannot work in this inbox."""

    code = "target_not_eligible"
    status = 422


class UsedIdError(RefusedError):
    """The message's id was used for something else already: nothing is written, nothing is lost."""

    code = "id_used"
    reason = noop("This was not sent: its id was used for another message. Send it again.")


class ClaimNeededError(RefusedError):
    """The inbox asks for a claim before an answer."""

    code = "claim_needed"
    reason = noop("Claim this conversation before you answer.")
