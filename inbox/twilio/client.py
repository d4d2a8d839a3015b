"""How do we speak to Twilio? Through its own library, with time-outs and honest outcomes."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from twilio.base import values
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from accounts.english import noop
from accounts.numbers import number_in
from compliance.addresses import masked
from inbox.carrier import (
    Accepted,
    CarrierAwayError,
    ErrorKind,
    Outbound,
    Outcome,
    Rejected,
    RemoteMessage,
    Throttled,
    Unknown,
)
from inbox.twilio.errors import WRONG_CREDENTIALS, meaning_of
from inbox.twilio.http import GuardedHttpClient, was_never_sent

logger = logging.getLogger(__name__)

LIST_LIMIT = 200
PAGE_SIZE = 1000  # the most that Twilio gives
MIN_BACKOFF_SECONDS = 2.0
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class TwilioCarrier:
    """The carrier for one Twilio account. Cheap to make; the connection pool is per instance."""

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
        self.client = Client(  # type: ignore[no-untyped-call]
            username,
            password,
            account_sid,
            http_client=GuardedHttpClient(api_base=api_base, timeout=timeout),
        )

    def send(self, outbound: Outbound) -> Outcome:
        """Hand over one message and say what became of it.

        Only an answer that proves non-delivery is Rejected or Throttled. A time-out, a reset or a
        5xx may hide a delivery and is Unknown (https://www.twilio.com/docs/api/errors/20500).
        """
        try:
            message = self.client.messages.create(**_create_parameters(outbound))
        except TwilioRestException as error:
            return _outcome_of(error)
        except requests.exceptions.ConnectionError as error:
            return _outcome_of_connection(error)
        except requests.exceptions.RequestException as error:
            return Unknown(type(error).__name__)
        except (TwilioException, ValueError, KeyError, TypeError) as error:
            # An answer came that cannot be read: it may have been an acceptance.
            logger.exception("twilio answer unreadable for %s", masked(outbound.recipient))
            return Unknown(type(error).__name__)
        return Accepted(
            sid=str(message.sid),
            status=str(message.status or "queued"),
            segments=_count(message.num_segments),
        )

    def find_sent(
        self, *, sender_address: str, recipient: str, since: datetime
    ) -> list[RemoteMessage]:
        """List what Twilio sent from one address to another since a moment."""
        with _asking():
            found = self.client.messages.list(
                from_=sender_address, to=recipient, date_sent_after=since, limit=LIST_LIMIT
            )
            return [_remote(message) for message in found]

    def list_inbound(self, *, recipient: str, since: datetime) -> list[RemoteMessage]:
        """List what Twilio received since a moment, the newest first, through all of its pages.

        Twilio filters by address only: to know what a Messaging Service received, leave `recipient`
        blank and choose from what the account received.
        """
        with _asking():
            found = self.client.messages.stream(
                to=recipient or values.unset, date_sent_after=since, page_size=PAGE_SIZE
            )
            return [_remote(message) for message in found if _is_inbound(message)]

    def list_outbound(self, *, since: datetime, most: int) -> list[RemoteMessage]:
        """List what left the Twilio account since a moment, whoever sent it, the newest first.

        At most so many messages are looked at.
        """
        with _asking():
            found = self.client.messages.stream(
                date_sent_after=since, page_size=PAGE_SIZE, limit=most
            )
            return [_remote(message) for message in found if not _is_inbound(message)]

    def media_of(self, message_sid: str) -> list[tuple[str, str]]:
        """List the files of one message as (address, type)."""
        with _asking():
            media = self.client.messages(message_sid).media.list(limit=10)
            return [
                (
                    f"https://api.twilio.com{str(item.uri).removesuffix('.json')}",
                    str(item.content_type or ""),
                )
                for item in media
            ]

    def delete_message(self, message_sid: str) -> int:
        """Delete a message with its files; return how many files it had. What is gone is done.

        Files are resources of their own (https://www.twilio.com/docs/messaging/api/media-resource)
        and go first: once the message is gone nothing names them. One that is still on its way
        cannot be deleted. Raises CarrierAwayError, which says what Twilio answered.
        """
        files: list[str] = []
        with _deleting():
            # Asked first: of a list that is not there the library does not say that it is not.
            message = self.client.messages(message_sid)
            message.fetch()
            files += [str(item.sid) for item in message.media.list(limit=PAGE_SIZE)]
            for sid in files:
                with _gone_is_done():
                    message.media(sid).delete()
            with _gone_is_done():
                message.delete()
        return len(files)


@contextmanager
def _deleting() -> Iterator[None]:
    """Let a message that Twilio does not have be deleted; whatever else is in the way is said."""
    try:
        with _gone_is_done():
            yield
    except TwilioRestException as error:
        raise CarrierAwayError(
            noop("Twilio answered %(status)s (%(value)s)")
            % {"status": error.status, "value": error.code or 0}
        ) from error
    except (TwilioException, requests.exceptions.RequestException, *_UNREADABLE) as error:
        raise CarrierAwayError(type(error).__name__) from error


@contextmanager
def _gone_is_done() -> Iterator[None]:
    try:
        yield
    except TwilioRestException as error:
        if error.status != 404:
            raise


@contextmanager
def _asking() -> Iterator[None]:
    """Turn whatever goes wrong while asking Twilio into CarrierAwayError.

    An answer that cannot be read comes out of the library as one of Python's own errors.
    """
    try:
        yield
    except (TwilioException, requests.exceptions.RequestException, *_UNREADABLE) as error:
        raise CarrierAwayError(type(error).__name__) from error


def _create_parameters(outbound: Outbound) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "to": outbound.recipient,
        "status_callback": outbound.status_url,
    }
    if outbound.sender_address:
        parameters["from_"] = outbound.sender_address
    if outbound.service_sid:
        parameters["messaging_service_sid"] = outbound.service_sid
    if outbound.content_sid:
        parameters["content_sid"] = outbound.content_sid
        if outbound.content_variables:
            parameters["content_variables"] = json.dumps(dict(outbound.content_variables))
    elif outbound.body:
        parameters["body"] = outbound.body
    if outbound.media_urls:
        parameters["media_url"] = list(outbound.media_urls)
    return parameters


def _outcome_of(error: TwilioRestException) -> Outcome:
    # Wrong credentials are a 401, with or without a code.
    code = WRONG_CREDENTIALS if error.status == 401 and not error.code else str(error.code or "")
    if error.status == 429:
        return Throttled(MIN_BACKOFF_SECONDS, noop("Twilio asked us to slow down (429)."))
    if error.status >= 500:
        return Unknown(noop("Twilio answered %(status)s.") % {"status": error.status})
    meaning = meaning_of(code)
    if meaning.kind is ErrorKind.THROTTLED:
        return Throttled(MIN_BACKOFF_SECONDS, meaning.words)
    return Rejected(meaning.kind, code or str(error.status), meaning.words)


def _outcome_of_connection(error: requests.exceptions.ConnectionError) -> Outcome:
    """Tell a connection that was never made (safe to repeat) from one that broke (not safe)."""
    if was_never_sent(error):
        return Throttled(MIN_BACKOFF_SECONDS, noop("Twilio cannot be reached."))
    return Unknown(type(error).__name__)


def _is_inbound(message: Any) -> bool:
    return str(message.direction or "").startswith("inbound")


def _remote(message: Any) -> RemoteMessage:
    return RemoteMessage(
        sid=str(message.sid),
        status=str(message.status or ""),
        sender_address=str(message.from_ or ""),
        recipient=str(message.to or ""),
        body=str(message.body or ""),
        created_at=_made_at(message),
        is_inbound=_is_inbound(message),
        error_code=str(message.error_code or ""),
        form=_form_of(message),
    )


def _made_at(message: Any) -> datetime | None:
    """Return when a message was made; what the library cannot read as a time it leaves a text."""
    made = message.date_created or message.date_sent
    if not isinstance(made, datetime):
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _form_of(message: Any) -> Mapping[str, str]:
    """Write a listed message the way its webhook would have said it."""
    form = {
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.from_,
        "To": message.to,
        "Body": message.body,
        "NumMedia": message.num_media,
        "MessagingServiceSid": message.messaging_service_sid,
        "SmsStatus": "received",
    }
    return {key: str(value) for key, value in form.items() if value is not None}


def _count(text: Any) -> int:
    return number_in(str(text or "")) or 1
