"""Which WhatsApp template does a message use, and may it be used now?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.english import noop
from compliance.judging import Purpose, Template
from inbox.models import Message, Thread, WhatsAppTemplate
from inbox.refusals import MissingInputError
from inbox.template_words import FillingError, fill_in

TEMPLATE = "template"
_Status = WhatsAppTemplate.Status
_MOST = 200
_PROBLEMS = {
    _Status.UNSUBMITTED: noop("It is not approved yet: it was not submitted to WhatsApp."),
    _Status.RECEIVED: noop("It is not approved yet: WhatsApp is reviewing it."),
    _Status.PENDING: noop("It is not approved yet: WhatsApp is reviewing it."),
    _Status.PAUSED: noop("WhatsApp has paused it, because people reported it."),
    _Status.DISABLED: noop("WhatsApp has disabled it."),
    _Status.REJECTED: noop("WhatsApp has rejected it."),
}


@dataclass(frozen=True)
class Chosen:
    """A template with what stands in its places, as it is kept with the message."""

    content_sid: str
    name: str
    language: str
    category: str
    values: Mapping[str, str]
    body: str

    @property
    def is_marketing(self) -> bool:
        """Say whether WhatsApp counts it as an offer."""
        return self.category.upper() == "MARKETING"

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept with the message."""
        return {
            "content_sid": self.content_sid,
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "values": dict(self.values),
        }


def usable_templates(thread: Thread) -> "list[WhatsAppTemplate]":
    """Return the templates that may be sent on a thread, by name; none where it is no WhatsApp."""
    if not thread.sender.is_whatsapp:
        return []
    rows = WhatsAppTemplate.objects.filter(
        twilio_account=thread.sender.twilio_account_id, status=_Status.APPROVED, gone_at=None
    )
    return list(rows.order_by("name", "language")[:_MOST])


def unusable_templates(thread: Thread) -> "list[WhatsAppTemplate]":
    """Return the templates of a thread's connection that may not be sent now, by name."""
    if not thread.sender.is_whatsapp:
        return []
    rows = WhatsAppTemplate.objects.filter(
        twilio_account=thread.sender.twilio_account_id, gone_at=None
    ).exclude(status=_Status.APPROVED)
    return list(rows.order_by("name", "language")[:_MOST])


def why_unusable(row: WhatsAppTemplate) -> str:
    """Say why a template may not be sent, with WhatsApp's own reason; blank if it may be."""
    if row.is_usable:
        return ""
    if row.gone_at:
        return noop("It is not at Twilio any more.")
    words = _PROBLEMS.get(_Status(row.status), noop("It is not approved yet."))
    return f"{words} {row.rejection_reason}".strip()


def choose_template(thread: Thread, content_sid: str, values: Mapping[str, str]) -> Chosen:
    """Fill in a template of the Twilio account that the thread's number is in.

    Raises MissingInputError for one that is not there, and for what cannot stand in its places.
    """
    row = _row_of(thread, content_sid)
    if row is None:
        raise MissingInputError(_("This template is not there any more. Choose another."))
    try:
        body, given = fill_in(row.body, _samples(row), values)
    except FillingError as error:
        raise MissingInputError(error.reason) from error
    return Chosen(row.content_sid, row.name, row.language, row.category, given, body)


def _samples(row: WhatsAppTemplate) -> dict[str, str]:
    return {str(name): str(sample) for name, sample in row.variables.items()}


def _row_of(thread: Thread, content_sid: str) -> WhatsAppTemplate | None:
    return WhatsAppTemplate.objects.filter(
        twilio_account=thread.sender.twilio_account_id, content_sid=content_sid
    ).first()


def chosen_before(message: Message) -> Chosen | None:
    """Return the template that a message was made of, if it was."""
    kept = message.details.get(TEMPLATE)
    return Chosen(**kept, body=message.body) if kept else None


def as_judged(thread: Thread, chosen: Chosen | None) -> Template | None:
    """Return the template as it stands at WhatsApp now, for the gate."""
    if chosen is None:
        return None
    row = _row_of(thread, chosen.content_sid)
    if row is None or row.gone_at:
        return Template(chosen.category.upper(), noop("It is not at Twilio any more."))
    unapproved = noop("It is not approved yet.")
    problem = "" if row.is_usable else _PROBLEMS.get(_Status(row.status), unapproved)
    return Template(row.category.upper(), problem)


def purpose_of_template(chosen: Chosen, *, is_answer: bool) -> Purpose:
    """Say what a message of a template is: an offer, a notice, or an answer to who wrote lately."""
    if chosen.is_marketing:
        return Purpose.PROMOTIONAL
    is_code = chosen.category.upper() == "AUTHENTICATION"
    return Purpose.REPLY if is_answer and not is_code else Purpose.NOTIFICATION
