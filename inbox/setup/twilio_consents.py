"""Who speaks for an account to Twilio about consents and the owners of numbers?"""

from django.conf import settings

from accounts.models import TwilioAccount
from inbox.twilio.consents import TwilioConsents


def consents_at(account: TwilioAccount) -> TwilioConsents:
    """Return the way to what Twilio takes over and knows, for one of our Twilio accounts."""
    return TwilioConsents(
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        api_key_sid=account.api_key_sid,
        api_key_secret=account.api_key_secret,
        api_base=settings.TWILIO_API_BASE,
        timeout=settings.TWILIO_TIMEOUT_SECONDS,
    )
