"""Who speaks for an account to Twilio while it is set up?"""

from django.conf import settings

from accounts.models import TwilioAccount
from inbox.twilio.errors import TwilioRefusedError
from inbox.twilio.provisioning import Holdings, Provisioning


def provisioning_for(account: TwilioAccount) -> Provisioning:
    """Return the way to what one of our stored Twilio accounts holds."""
    return provisioning_with(account.account_sid, account.auth_token)


def look_into(
    account: TwilioAccount, *, with_whatsapp: bool = False
) -> tuple[Provisioning, Holdings]:
    """Ask what a Twilio account holds; return also whom to ask for more.

    While tokens are rotated Twilio may have promoted the next one already: then that one counts.
    Raises TwilioRefusedError, TwilioAwayError and SecretUnreadableError.
    """
    asking = provisioning_for(account)
    try:
        return asking, asking.holdings(with_whatsapp=with_whatsapp)
    except TwilioRefusedError as error:
        if not (error.is_about_credentials and account.auth_token_next):
            raise
    asking = provisioning_with(account.account_sid, account.auth_token_next)
    return asking, asking.holdings(with_whatsapp=with_whatsapp)


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
