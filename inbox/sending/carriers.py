"""Who carries messages for a Twilio account? The only door to Twilio's client."""

from functools import lru_cache

from django.conf import settings

from accounts.models import TwilioAccount
from inbox.twilio.client import TwilioCarrier


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
