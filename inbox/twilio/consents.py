"""What does Twilio take over of consents, and what does it know of the owners of numbers?

Consent Management API (`POST accounts.twilio.com/v1/Consents/Bulk`): a pilot, SMS only, 25 items a
request, 100 requests a minute; https://www.twilio.com/docs/messaging/features/consent-api. Lookup
v2 with the package `reassigned_number`: https://www.twilio.com/docs/lookup/v2-api.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from twilio.rest import Client

from inbox.twilio.asking import asking
from inbox.twilio.http import GuardedHttpClient

MOST_ITEMS = 25
MOST_A_MINUTE = 100


@dataclass(frozen=True)
class ToShare:
    """One consent that Twilio is to take over for one of our senders."""

    correlation_id: str
    contact_id: str
    sender_id: str
    status: str
    source: str
    at: datetime

    @property
    def body(self) -> dict[str, str]:
        """Return it as Twilio writes it."""
        return {
            "contact_id": self.contact_id,
            "correlation_id": self.correlation_id,
            "sender_id": self.sender_id,
            "status": self.status,
            "source": self.source,
            "date_of_consent": self.at.isoformat(),
        }


@dataclass(frozen=True)
class OwnerAnswer:
    """What Twilio says of a number's owner: yes (another one), no, or unknown."""

    answer: str
    error_code: str = ""


class TwilioConsents:
    """One Twilio account, as those who share and compare consents speak to it."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        api_base: str,
        timeout: float,
        api_key_sid: str = "",
        api_key_secret: str = "",
    ) -> None:
        username = api_key_sid or account_sid
        password = api_key_secret if api_key_sid else auth_token
        self._client: Any = Client(  # type: ignore[no-untyped-call]
            username,
            password,
            account_sid,
            http_client=GuardedHttpClient(api_base=api_base, timeout=timeout),
        )

    def share(self, items: Sequence[ToShare]) -> Mapping[str, str]:
        """Tell Twilio of consents; return the error of each by its correlation id, blank if none.

        What is missing in the answer is missing in what is returned: tell it again. Raises
        TwilioRefusedError, TwilioAwayError.
        """
        assert len(items) <= MOST_ITEMS
        with asking():
            told = self._client.accounts.v1.bulk_consents.create(items=[one.body for one in items])
            return {
                str(one["correlation_id"]): "" if _is_zero(one) else str(one["error_code"])
                for one in told.items or ()
            }

    def owner(self, phone: str, verified_on: date) -> OwnerAnswer:
        """Ask whether a number changed owner since a day. Raises as `share` does."""
        with asking():
            found = self._client.lookups.v2.phone_numbers(phone).fetch(
                fields="reassigned_number", last_verified_date=f"{verified_on:%Y%m%d}"
            )
            said = dict(found.reassigned_number or {})
        answer = str(said.get("is_number_reassigned") or "").lower()
        code = str(said.get("error_code") or "")
        return OwnerAnswer(answer if answer in ("yes", "no") and not code else "unknown", code)


def _is_zero(item: Any) -> bool:
    return str(item["error_code"]) in ("0", "None", "")
