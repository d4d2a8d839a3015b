"""How does a set-up story say no?"""

from accounts.secrets import SecretUnreadableError
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError


class SetUpError(Exception):
    """Something cannot be set up as asked. `reason` is for people, `field` names what to change."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


# Whatever can come of asking Twilio for something; each has a `reason` for people.
REFUSALS = (SetUpError, TwilioRefusedError, TwilioAwayError, SecretUnreadableError)
