"""What does an account have at Twilio in these tests? One with numbers of every kind."""

from typing import Any

from accounts.models import Account, TwilioAccount, User
from inbox.models import TeamInbox
from tests.carrier import Twilio
from tests.factories import make_account, make_inbox, make_twilio_account, make_user

SID, TOKEN, NEXT = "AC" + "a" * 32, "1" * 32, "2" * 32
KEY, KEY_SECRET = "SK" + "d" * 32, "a-key-secret-that-is-long"
PLATFORM, PLATFORM_TOKEN = "AC" + "f" * 32, "f" * 32
NUMBER, OTHER, POOLED = "+14155550100", "+14155550101", "+14155550102"
VOICE, FREE, CODE = "+14155550103", "+18885550104", "384387"
BRITISH = "+447700900123"
SERVICE = "MG" + "c" * 32
OLD = "https://old.example/sms"


def world(twilio: Twilio, **account: Any) -> None:
    """Let Twilio have the account."""
    twilio.tell(
        "config",
        accounts=[
            {
                "account_sid": SID,
                "auth_token": TOKEN,
                "friendly_name": "Acme",
                "api_keys": [{"sid": KEY, "secret": KEY_SECRET}],
                **account,
            },
            {"account_sid": PLATFORM, "auth_token": PLATFORM_TOKEN, "friendly_name": "Platform"},
        ],
        senders=[
            {
                "account_sid": SID,
                "address": NUMBER,
                "webhook_url": OLD,
                "fallback_url": "https://old.example/fallback",
            },
            *(
                {"account_sid": SID, "address": address}
                for address in (OTHER, POOLED, FREE, CODE, BRITISH)
            ),
            {"account_sid": SID, "address": VOICE, "capabilities": ["voice"]},
        ],
        services=[
            {
                "account_sid": SID,
                "sid": SERVICE,
                "friendly_name": "Campaigns",
                "inbound_request_url": "https://pool.example/?token=secret",
                "senders": [POOLED],
            }
        ],
    )


class Shop:
    """An account that brought this Twilio, its admin, and an inbox."""

    def __init__(self, twilio: Twilio) -> None:
        world(twilio)
        self.twilio = twilio
        self.account: Account = make_account("Acme", deployment="byo_twilio")
        self.admin: User = make_user(self.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
        self.inbox: TeamInbox = make_inbox(self.account, "Support")
        self.connection: TwilioAccount = make_twilio_account(self.account, SID, auth_token=TOKEN)

    def at_twilio(self, address: str) -> Any:
        """Return what Twilio knows of a number."""
        return self.twilio.simulator.parts.store.senders[address]
