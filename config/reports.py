"""What does an error report say? Where it broke and what kinds of things were there: no content.

Reports go out by mail and into logs. Tokens, passwords and what customers wrote are in local
variables, forms and messages of exceptions; a list of names to hide would miss the next one.
"""

import uuid
from collections.abc import ItemsView
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from config.redaction import redacted_text, told_of

HIDDEN = "…"
# What the server is told with a request and nobody typed.
TOLD_OF_REQUEST = ("REQUEST_METHOD", "SERVER_NAME", "SERVER_PORT", "CONTENT_TYPE", "CONTENT_LENGTH")
TELLING = (int, float, bool, type(None), date, datetime, timedelta, uuid.UUID, Enum)


class NoContent(SafeExceptionReporterFilter):
    """Tells numbers, moments and kinds of things, never a text; on a laptop too."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """Always: a page that shows secrets while DEBUG is on shows them."""
        return True

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: Any
    ) -> ItemsView[str, Any]:
        """Return each variable with what may be told of it."""
        return {name: _told(value) for name, value in tb_frame.f_locals.items()}.items()

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return which fields were sent."""
        return {} if request is None else dict.fromkeys(request.POST, HIDDEN)

    def get_cleansed_multivaluedict(
        self, request: HttpRequest, multivaluedict: MultiValueDict[str, str]
    ) -> QueryDict:
        """Return which fields were sent."""
        hidden = QueryDict(mutable=True)
        hidden.update(dict.fromkeys(multivaluedict, HIDDEN))
        return hidden

    def get_safe_request_meta(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return what the server knows of a request, without headers and addresses."""
        meta = request.META if request else {}
        return {name: meta[name] for name in TOLD_OF_REQUEST if name in meta}

    def get_safe_settings(self) -> dict[str, Any]:
        """Return nothing: an address of a server has its password in it."""
        return {}

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return which cookies came."""
        return {} if request is None else dict.fromkeys(request.COOKIES, HIDDEN)


class Reporter(ExceptionReporter):
    """Writes a report whose own words are redacted as a line of the log is."""

    def get_traceback_data(self) -> dict[str, Any]:
        """Return what the pages of a report are made of."""
        data: dict[str, Any] = super().get_traceback_data()
        data |= {"user_str": "", "request_GET_items": [], "request_FILES_items": []}
        if self.exc_value is not None:
            data["exception_value"] = told_of(self.exc_value)
        for name in ("exception_notes", "unicode_hint", "template_info", "postmortem"):
            data.pop(name, None)
        if self.request is not None:
            path = redacted_text(self.request.path)
            data["request_insecure_uri"] = path
            data["request"] = {"path_info": path, "META": data["request_meta"]}
        for frame in data["frames"]:
            if cause := frame.get("exc_cause"):
                frame["exc_cause"] = told_of(cause)
        return data


class Mail(AdminEmailHandler):
    """Mails a report to the operators, if ERROR_MAIL_TO names any."""

    def format_subject(self, subject: str) -> str:
        """Keep out of the subject what stays out of the report."""
        return super().format_subject(redacted_text(subject))


def _told(value: Any) -> str:
    return repr(value) if isinstance(value, TELLING) else f"<{type(value).__name__}>"
