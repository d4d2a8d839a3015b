"""What does a Twilio account hold, and how is that changed? Accounts, numbers, services, WhatsApp.

For setting up only; messages go through `inbox.twilio.client`. Nothing here is done twice by
itself: every failure says whether Twilio may have done what was asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twilio.base import values
from twilio.rest import Client

from compliance.addresses import TOLL_FREE_PREFIXES
from inbox.twilio.asking import asking
from inbox.twilio.errors import TwilioRefusedError
from inbox.twilio.http import GuardedHttpClient

MOST_NUMBERS = 10_000
MOST_SERVICES = 1000
MOST_OFFERS = 20
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")


@dataclass(frozen=True)
class RemoteAccount:
    """A Twilio account. `auth_token` is blank where Twilio does not say it."""

    sid: str
    name: str
    status: str
    owner_sid: str
    auth_token: str = ""

    @property
    def is_active(self) -> bool:
        """Say whether it may send and receive."""
        return self.status == "active"


@dataclass(frozen=True)
class Pointing:
    """Where a number's messages go: a blank address is none, an application overrides all."""

    inbound_url: str = ""
    inbound_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    application_sid: str = ""


@dataclass(frozen=True)
class RemoteNumber:
    """A phone number or short code that an account holds."""

    sid: str
    address: str
    name: str
    capabilities: frozenset[str]
    pointing: Pointing

    @property
    def is_short_code(self) -> bool:
        """Say whether it is a short code."""
        return self.sid.startswith("SC")

    @property
    def can_text(self) -> bool:
        """Say whether it can send and receive SMS."""
        return "sms" in self.capabilities

    @property
    def is_toll_free(self) -> bool:
        """Say whether it is an American toll-free number."""
        return self.address.startswith(TOLL_FREE_PREFIXES)


@dataclass(frozen=True)
class RemoteService:
    """A Messaging Service with its numbers, as addresses."""

    sid: str
    name: str
    pointing: Pointing
    is_by_number: bool
    members: frozenset[str] = frozenset()
    status_url: str = ""

    def takes_from(self, address: str) -> bool:
        """Say whether it decides where messages to this number go, instead of the number."""
        return address in self.members and not self.is_by_number


@dataclass(frozen=True)
class RemoteWhatsApp:
    """A WhatsApp sender with where its messages go. `status` is Twilio's word, such as ONLINE."""

    sid: str
    address: str
    status: str
    pointing: Pointing
    status_url: str = ""
    status_method: str = "POST"

    @property
    def is_online(self) -> bool:
        """Say whether it may send; while its profile changes it goes on sending."""
        return self.status.startswith("ONLINE")


@dataclass(frozen=True)
class Offer:
    """A number that can be bought."""

    address: str
    place: str
    capabilities: frozenset[str]


@dataclass(frozen=True)
class Holdings:
    """Everything of an account that decides where messages go, as of one moment."""

    account: RemoteAccount
    numbers: tuple[RemoteNumber, ...]
    services: tuple[RemoteService, ...]
    # None: they were not asked about, or Twilio did not say.
    whatsapp: tuple[RemoteWhatsApp, ...] | None = None

    def number(self, address: str) -> RemoteNumber | None:
        """Return the number with this address."""
        return next((one for one in self.numbers if one.address == address), None)

    def whatsapp_sender(self, address: str) -> RemoteWhatsApp | None:
        """Return the WhatsApp sender with this address."""
        return next((one for one in self.whatsapp or () if one.address == address), None)

    def service(self, sid: str) -> RemoteService | None:
        """Return the service with this SID."""
        return next((one for one in self.services if one.sid == sid), None)

    def service_of(self, address: str) -> RemoteService | None:
        """Return the service that a number is in."""
        return next((one for one in self.services if address in one.members), None)


class Provisioning:
    """One Twilio account, as those who set it up speak to it."""

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
        self.account_sid = account_sid
        self._campaigns: dict[str, str] = {}
        self._client: Any = Client(  # type: ignore[no-untyped-call]
            username,
            password,
            account_sid,
            http_client=GuardedHttpClient(api_base=api_base, timeout=timeout),
        )

    # --- Accounts ---

    def account(self) -> RemoteAccount:
        """Return the account itself: the cheapest proof that the credentials are right."""
        with asking():
            return _account(self._client.api.v2010.accounts(self.account_sid).fetch())

    def check_messages(self) -> None:
        """Prove that the credentials, such as those of an API key, may read messages."""
        with asking():
            self._client.messages.list(limit=1)

    def create_subaccount(self, name: str) -> RemoteAccount:
        """Create a subaccount. When this fails unclearly, look for the name before trying again."""
        with asking():
            return _account(self._client.api.v2010.accounts.create(friendly_name=name))

    def subaccounts_named(self, name: str) -> list[RemoteAccount]:
        """Return the subaccounts with exactly this name that are not closed, the oldest first."""
        with asking():
            found = self._client.api.v2010.accounts.list(friendly_name=name, limit=20)
            rows = [_account(one) for one in reversed(found)]
        return [one for one in rows if one.sid != self.account_sid and one.status != "closed"]

    def subaccount(self, sid: str) -> RemoteAccount:
        """Return one of the account's subaccounts, a closed one as well."""
        with asking():
            return _account(self._client.api.v2010.accounts(sid).fetch())

    def set_status(self, sid: str, status: str) -> RemoteAccount:
        """Make a subaccount active, suspended or closed. The last is for ever."""
        with asking():
            return _account(self._client.api.v2010.accounts(sid).update(status=status))

    # --- Numbers ---

    def search(
        self, *, country: str, kind: str, area_code: str = "", contains: str = ""
    ) -> list[Offer]:
        """Return numbers that can be bought and can text; kind is local, mobile or toll_free."""
        with asking():
            offers = getattr(self._client.available_phone_numbers(country), kind).list(
                area_code=area_code or values.unset,
                contains=contains or values.unset,
                sms_enabled=True,
                limit=MOST_OFFERS,
            )
            return [_offer(one) for one in offers]

    def buy(self, address: str, pointing: Pointing) -> RemoteNumber:
        """Buy a number and say at once where its messages go."""
        with asking():
            return _number(
                self._client.incoming_phone_numbers.create(
                    phone_number=address, **_parameters(pointing)
                )
            )

    def find_number(self, address: str) -> RemoteNumber | None:
        """Return the number or short code with this address, if the account holds it."""
        with asking():
            if address.isdecimal():
                found = self._client.short_codes.list(short_code=address, limit=1)
                return _short_code(found[0]) if found else None
            # Twilio matches parts of numbers as well.
            matches = self._client.incoming_phone_numbers.list(phone_number=address, limit=20)
            rows = [_number(one) for one in matches]
        return next((one for one in rows if one.address == address), None)

    def point(self, sid: str, pointing: Pointing) -> RemoteNumber:
        """Say where the messages to a number or short code go. Doing it twice changes nothing."""
        with asking():
            parameters = _parameters(pointing)
            if sid.startswith("SC"):
                del parameters["sms_application_sid"]
                return _short_code(self._client.short_codes(sid).update(**parameters))
            return _number(self._client.incoming_phone_numbers(sid).update(**parameters))

    def release(self, sid: str) -> None:
        """Give a number back. There is no undo."""
        with asking():
            self._client.incoming_phone_numbers(sid).delete()

    # --- Messaging Services ---

    def service(self, sid: str) -> RemoteService | None:
        """Return a Messaging Service with its numbers, if the account has it."""
        if not _SERVICE_SID.fullmatch(sid):
            return None
        try:
            with asking():
                return self._with_members(self._client.messaging.v1.services(sid).fetch())
        except TwilioRefusedError as error:
            if error.status == 404:
                return None
            raise

    def point_service(
        self, sid: str, pointing: Pointing, *, is_by_number: bool = False
    ) -> RemoteService:
        """Say where the messages to a service go: to its own address or to those of its numbers."""
        with asking():
            changed = self._client.messaging.v1.services(sid).update(
                inbound_request_url=pointing.inbound_url,
                inbound_method=pointing.inbound_method,
                fallback_url=pointing.fallback_url,
                fallback_method=pointing.fallback_method,
                use_inbound_webhook_on_number=is_by_number,
            )
            return self._with_members(changed)

    def holdings(self, *, with_whatsapp: bool = False) -> Holdings:
        """Return everything that decides where messages go; of WhatsApp if it is asked for."""
        account = self.account()
        whatsapp = self._whatsapp_if_told() if with_whatsapp else None
        with asking():
            client = self._client
            numbers = [
                *map(_number, client.incoming_phone_numbers.list(limit=MOST_NUMBERS)),
                *map(_short_code, client.short_codes.list(limit=MOST_NUMBERS)),
            ]
            services = tuple(
                self._with_members(one, with_whatsapp=bool(whatsapp))
                for one in client.messaging.v1.services.list(limit=MOST_SERVICES)
            )
        return Holdings(account, tuple(numbers), services, whatsapp)

    def _with_members(self, service: Any, *, with_whatsapp: bool = False) -> RemoteService:
        inside = self._client.messaging.v1.services(service.sid)
        numbers = inside.phone_numbers.list(limit=MOST_NUMBERS)
        members = {str(one.phone_number) for one in numbers}
        if with_whatsapp:
            senders = inside.channel_senders.list(limit=MOST_NUMBERS)
            members |= {str(one.sender) for one in senders}
        return RemoteService(
            sid=str(service.sid),
            name=str(service.friendly_name or service.sid),
            pointing=Pointing(
                inbound_url=str(service.inbound_request_url or ""),
                inbound_method=str(service.inbound_method or "POST"),
                fallback_url=str(service.fallback_url or ""),
                fallback_method=str(service.fallback_method or "POST"),
            ),
            is_by_number=bool(service.use_inbound_webhook_on_number),
            members=frozenset(members),
            status_url=str(service.status_callback or ""),
        )

    # --- WhatsApp senders ---

    def whatsapp_senders(self) -> tuple[RemoteWhatsApp, ...]:
        """Return the WhatsApp senders of the account."""
        with asking():
            found = self._client.messaging.v2.channels_senders.list(
                channel="whatsapp", limit=MOST_NUMBERS
            )
            return tuple(map(_whatsapp, found))

    def _whatsapp_if_told(self) -> tuple[RemoteWhatsApp, ...] | None:
        """Return them, or None where this account is not let near them: numbers go on without."""
        try:
            return self.whatsapp_senders()
        except TwilioRefusedError as error:
            if error.is_about_credentials:
                raise
            return None

    def point_whatsapp(self, remote: RemoteWhatsApp, pointing: Pointing) -> None:
        """Say where the messages to a WhatsApp sender go; its delivery reports stay as they are."""
        webhook = {
            "callback_url": pointing.inbound_url,
            "callback_method": pointing.inbound_method,
            "fallback_url": pointing.fallback_url,
            "fallback_method": pointing.fallback_method,
            "status_callback_url": remote.status_url,
            "status_callback_method": remote.status_method,
        }
        with asking():
            self._client.messaging.v2.channels_senders(remote.sid).update(_Webhook(webhook))

    # --- Registrations with the American carriers ---

    def brand_status(self) -> str:
        """Return how far the account's A2P brand is; blank when it has none."""
        with asking():
            brands = self._client.messaging.v1.brand_registrations.list(limit=20)
            states = [str(one.status or "") for one in brands]
        return "APPROVED" if "APPROVED" in states else next(iter(states), "")

    def campaign_status(self, service_sid: str) -> str:
        """Return how far the A2P campaign of a service is; blank when it has none.

        Asked once, however many numbers a service has.
        """
        if service_sid not in self._campaigns:
            with asking():
                service = self._client.messaging.v1.services(service_sid)
                states = [str(one.campaign_status or "") for one in service.us_app_to_person.list()]
            best = "VERIFIED" if "VERIFIED" in states else next(iter(states), "")
            self._campaigns[service_sid] = best
        return self._campaigns[service_sid]

    def verification_status(self, number_sid: str) -> str:
        """Return how far the verification of a toll-free number is; blank when it has none."""
        with asking():
            found = self._client.messaging.v1.tollfree_verifications.list(
                tollfree_phone_number_sid=number_sid, limit=20
            )
            states = [str(one.status or "") for one in found]
        return "TWILIO_APPROVED" if "TWILIO_APPROVED" in states else next(iter(states), "")


def _account(one: Any) -> RemoteAccount:
    return RemoteAccount(
        sid=str(one.sid),
        name=str(one.friendly_name or ""),
        status=str(one.status or ""),
        owner_sid=str(one.owner_account_sid or ""),
        auth_token=str(one.auth_token or ""),
    )


def _number(one: Any) -> RemoteNumber:
    return RemoteNumber(
        sid=str(one.sid),
        address=str(one.phone_number),
        name=str(one.friendly_name or one.phone_number),
        capabilities=_able(one.capabilities),
        pointing=Pointing(
            inbound_url=str(one.sms_url or ""),
            inbound_method=str(one.sms_method or "POST"),
            fallback_url=str(one.sms_fallback_url or ""),
            fallback_method=str(one.sms_fallback_method or "POST"),
            application_sid=str(one.sms_application_sid or ""),
        ),
    )


def _short_code(one: Any) -> RemoteNumber:
    return RemoteNumber(
        sid=str(one.sid),
        address=str(one.short_code),
        name=str(one.friendly_name or one.short_code),
        capabilities=frozenset({"sms", "mms"}),
        pointing=Pointing(
            inbound_url=str(one.sms_url or ""),
            inbound_method=str(one.sms_method or "POST"),
            fallback_url=str(one.sms_fallback_url or ""),
            fallback_method=str(one.sms_fallback_method or "POST"),
        ),
    )


@dataclass(frozen=True)
class _Webhook:
    """A change of a WhatsApp sender that names nothing but its webhooks."""

    webhook: dict[str, str]

    def to_dict(self) -> dict[str, object]:
        """Return what Twilio's library sends."""
        return {"webhook": self.webhook}


def _whatsapp(one: Any) -> RemoteWhatsApp:
    webhook = one.webhook if isinstance(one.webhook, Mapping) else {}
    return RemoteWhatsApp(
        sid=str(one.sid),
        address=str(one.sender_id),
        status=str(one.status or "").upper(),
        pointing=Pointing(
            inbound_url=str(webhook.get("callback_url") or ""),
            inbound_method=str(webhook.get("callback_method") or "POST"),
            fallback_url=str(webhook.get("fallback_url") or ""),
            fallback_method=str(webhook.get("fallback_method") or "POST"),
        ),
        status_url=str(webhook.get("status_callback_url") or ""),
        status_method=str(webhook.get("status_callback_method") or "POST"),
    )


def _offer(one: Any) -> Offer:
    place = ", ".join(str(part) for part in (one.locality, one.region, one.iso_country) if part)
    return Offer(str(one.phone_number), place, _able(one.capabilities))


def _able(capabilities: Any) -> frozenset[str]:
    """Return what a number can do, in lower case: Twilio writes SMS in one place, sms in others."""
    return frozenset(str(name).lower() for name, can in dict(capabilities or {}).items() if can)


def _parameters(pointing: Pointing) -> dict[str, str]:
    return {
        "sms_url": pointing.inbound_url,
        "sms_method": pointing.inbound_method,
        "sms_fallback_url": pointing.fallback_url,
        "sms_fallback_method": pointing.fallback_method,
        "sms_application_sid": pointing.application_sid,
    }
