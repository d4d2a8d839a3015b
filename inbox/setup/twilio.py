"""Who speaks for an account to Twilio while it is set up?"""

from django.conf import settings

from accounts.models import TwilioAccount
from inbox.twilio.provisioning import Provisioning


def provisioning_for(account: TwilioAccount) -> Provisioning:
    """Return the way to what one of our stored Twilio accounts holds."""
    return provisioning_with(account.account_sid, account.auth_token)


def provisioning_with(
    account_sid: str, auth_token: str, *, api_key_sid: str = "", api_key_secret: str = ""
) -> Provisioning:
    """Return the way to a Twilio account by credentials that may not be stored yet."""
    return Provisioning(
        account_sid=account_sid,
        auth_token=auth_token,
        api_key_sid=api_key_sid,
        api_key_secret=api_key_secret,
        api_base=settings.TWILIO_API_BASE,
        timeout=settings.TWILIO_TIMEOUT_SECONDS,
    )
