"""What does Twilio know of an account's WhatsApp: its senders, its templates as Meta judged them?

Source: https://www.twilio.com/docs/content/content-api-resources and
https://www.twilio.com/docs/whatsapp/api/senders
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError, refusal
from inbox.twilio.http import GuardedHttpClient

PAGE_SIZE = 100
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class RemoteTemplate:
    """A template as Twilio has it. `status` is Meta's verdict, in lower case, as it was told."""

    sid: str
    name: str
    language: str
    content_type: str
    body: str
    variables: Mapping[str, str]
    category: str
    status: str
    rejection_reason: str


@dataclass(frozen=True)
class RemoteWhatsAppSender:
    """A WhatsApp sender as Twilio has it. `status` is Twilio's word, such as ONLINE."""

    sid: str
    address: str
    name: str
    status: str
    quality: str
    messaging_limit: str
    offline_reasons: tuple[str, ...]


class WhatsAppCatalogue:
    """Reads what one Twilio account has; every list through all of its pages."""

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
        self._client: Any = Client(  # type: ignore[no-untyped-call]
            api_key_sid or account_sid,
            api_key_secret if api_key_sid else auth_token,
            account_sid,
            http_client=GuardedHttpClient(api_base=api_base, timeout=timeout),
        )

    def templates(self) -> list[RemoteTemplate]:
        """List the templates. Raises TwilioRefusedError or TwilioAwayError."""
        with _asking():
            found = self._client.content.v1.content_and_approvals.stream(page_size=PAGE_SIZE)
            return [_template(one) for one in found]

    def senders(self) -> list[RemoteWhatsAppSender]:
        """List the WhatsApp senders. Raises TwilioRefusedError or TwilioAwayError."""
        with _asking():
            found = self._client.messaging.v2.channels_senders.stream(
                channel="whatsapp", page_size=PAGE_SIZE
            )
            return [_sender(one) for one in found]


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except TwilioException as error:
        raise _told(error) from error
    except (requests.exceptions.RequestException, *_UNREADABLE) as error:
        raise TwilioAwayError(may_have_acted=False) from error


def _told(error: TwilioException) -> TwilioRefusedError | TwilioAwayError:
    """Read a refusal; a refused page of a list comes as a text that ends with its status."""
    status = int(getattr(error, "status", 0) or 0) or _status_of(error)
    if status == 429:
        return TwilioAwayError(may_have_acted=False, is_busy=True)
    if status == 0 or status >= 500:
        return TwilioAwayError(may_have_acted=False)
    words = str(getattr(error, "msg", "") or "")
    return refusal(status=status, code=str(getattr(error, "code", "") or ""), words=words)


def _status_of(error: TwilioException) -> int:
    for one in error.args:
        if status := getattr(one, "status_code", 0):
            return int(status)
    return 0


def _template(one: Any) -> RemoteTemplate:
    kind, content = next(iter(_mapping(one.types).items()), ("", {}))
    verdict = _verdict(one.approval_requests)
    return RemoteTemplate(
        sid=str(one.sid),
        name=str(verdict.get("name") or one.friendly_name or ""),
        language=str(one.language or ""),
        content_type=str(kind),
        body=_text_of(_mapping(content)),
        variables={str(name): str(value) for name, value in _mapping(one.variables).items()},
        category=str(verdict.get("category") or "").lower(),
        status=str(verdict.get("status") or "unsubmitted").lower(),
        rejection_reason=str(verdict.get("rejection_reason") or ""),
    )


def _verdict(said: Any) -> Mapping[str, Any]:
    """Return what WhatsApp says; Twilio has written it as an object and as a list of them."""
    if isinstance(said, list):
        ours = [one for one in said if _mapping(one).get("type") == "whatsapp"]
        said = ours[0] if ours else None
    found = _mapping(said)
    return _mapping(found["whatsapp"]) if "whatsapp" in found else found


def _text_of(content: Mapping[str, Any]) -> str:
    for name in ("body", "title", "subtitle"):
        if content.get(name):
            return str(content[name])
    return ""


def _sender(one: Any) -> RemoteWhatsAppSender:
    properties, profile = _mapping(one.properties), one.profile
    name = profile.get("name") if isinstance(profile, Mapping) else getattr(profile, "name", "")
    reasons = one.offline_reasons if isinstance(one.offline_reasons, list) else []
    return RemoteWhatsAppSender(
        sid=str(one.sid),
        address=str(one.sender_id),
        name=str(name or ""),
        status=str(one.status or "").upper(),
        quality=str(properties.get("quality_rating") or "").upper(),
        messaging_limit=str(properties.get("messaging_limit") or ""),
        offline_reasons=tuple(_reason(reason) for reason in reasons),
    )


def _reason(said: Any) -> str:
    found = _mapping(said)
    words, code = str(found.get("message") or ""), str(found.get("code") or "")
    if words and code:
        return f"{words} ({code})"
    return words or code or str(said)[:200]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
