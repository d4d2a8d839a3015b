"""Who carries messages for a Twilio account? The only door to Twilio's client."""

from functools import lru_cache

from django.conf import settings

from accounts.models import TwilioAccount
from inbox.carrier import CarrierAwayError, Outbound, Outcome, Rejected
from inbox.twilio.client import TwilioCarrier
from inbox.twilio.errors import WRONG_CREDENTIALS


@lru_cache(maxsize=256)
def _carrier(sid: str, token: str, key_sid: str, key_secret: str) -> TwilioCarrier:
    return TwilioCarrier(
        account_sid=sid,
        auth_token=token,
        api_key_sid=key_sid,
        api_key_secret=key_secret,
        api_base=settings.TWILIO_API_BASE,
        timeout=settings.TWILIO_TIMEOUT_SECONDS,
    )


def carrier_for(account: TwilioAccount) -> TwilioCarrier:
    """Return the carrier of one Twilio account; its connections are kept open per process."""
    return _carrier(
        account.account_sid, account.auth_token, account.api_key_sid, account.api_key_secret
    )


def hand_over(account: TwilioAccount, outbound: Outbound) -> Outcome:
    """Give one message to the carrier.

    While tokens are rotated Twilio may have promoted the next one already. What it refused for the
    old one surely did not leave, so it is tried with the next.
    """
    outcome = carrier_for(account).send(outbound)
    is_refused = isinstance(outcome, Rejected) and outcome.code == WRONG_CREDENTIALS
    if is_refused and account.auth_token_next and not account.api_key_sid:
        return _carrier(account.account_sid, account.auth_token_next, "", "").send(outbound)
    return outcome


def delete_message(account: TwilioAccount, message_sid: str) -> int:
    """Let Twilio delete one message with its files; return how many files it had.

    While tokens are rotated the next one is tried as well. Raises CarrierAwayError.
    """
    try:
        return carrier_for(account).delete_message(message_sid)
    except CarrierAwayError:
        if not account.auth_token_next or account.api_key_sid:
            raise
        next_one = _carrier(account.account_sid, account.auth_token_next, "", "")
        return next_one.delete_message(message_sid)
