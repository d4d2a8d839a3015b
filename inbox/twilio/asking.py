"""What can come of asking Twilio for something? An answer, a refusal, or nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.response import Response

from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError, refusal
from inbox.twilio.http import was_never_sent

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@contextmanager
def asking() -> Iterator[None]:
    """Turn whatever goes wrong into TwilioRefusedError or TwilioAwayError.

    The lists of the library raise another error than its single requests, and an answer that
    cannot be read comes out of it as one of Python's own.
    """
    try:
        yield
    except TwilioException as error:
        raise _told(error) from error
    except requests.exceptions.RequestException as error:
        raise TwilioAwayError(may_have_acted=not was_never_sent(error)) from error
    except _UNREADABLE as error:
        raise TwilioAwayError(may_have_acted=True) from error


def _told(error: TwilioException) -> TwilioRefusedError | TwilioAwayError:
    response = next((one for one in error.args if isinstance(one, Response)), None)
    if response is not None:
        status, code, words = _read_refusal(response)
    else:
        status = int(getattr(error, "status", 0) or 0)
        code = str(getattr(error, "code", "") or "")
        words = str(getattr(error, "msg", "") or getattr(error, "title", "") or "")
    if status == 0 or status >= 500:
        return TwilioAwayError(may_have_acted=True)
    if status == 429:
        return TwilioAwayError(may_have_acted=False, is_busy=True)
    return refusal(status=status, code=code, words=words)


def _read_refusal(response: Response) -> tuple[int, str, str]:
    try:
        body = json.loads(response.text)
        return response.status_code, str(body.get("code", "") or ""), str(body.get("message", ""))
    except (ValueError, AttributeError):
        return response.status_code, "", ""
