"""Which message templates are there, and what do they say when filled in?"""

import json
import re
from dataclasses import dataclass

from inbox.twilio.simulator.sids import derived

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A content template as every account of the simulator has it."""

    name: str
    language: str
    category: str
    body: str
    variables: tuple[tuple[str, str], ...]
    buttons: tuple[tuple[str, str], ...] = ()
    status: str = "approved"
    rejection_reason: str = ""

    def sid_for(self, account_sid: str) -> str:
        """Return the HX sid of this template in an account."""
        return derived("HX", account_sid, self.name, self.language)

    @property
    def content_type(self) -> str:
        """Return Twilio's name for the kind of template."""
        return "twilio/quick-reply" if self.buttons else "twilio/text"

    def fill(self, values: dict[str, str]) -> str:
        """Return the text with its placeholders replaced; missing ones use the sample."""
        known = {**dict(self.variables), **values}
        return PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), self.body)


TEMPLATES = (
    Template(
        "order_update",
        "en",
        "UTILITY",
        "Hello {{1}}, your order {{2}} has left our warehouse and arrives {{3}}.",
        (("1", "Maria"), ("2", "A-1042"), ("3", "tomorrow")),
    ),
    Template(
        "appointment_reminder",
        "en",
        "UTILITY",
        "Hi {{1}}, a reminder of your appointment on {{2}} at {{3}}. Does that still suit you?",
        (("1", "Maria"), ("2", "Friday"), ("3", "10:30")),
        (("Yes, see you then", "confirm"), ("I need another time", "reschedule")),
    ),
    Template(
        "recordatorio_cita",
        "es",
        "UTILITY",
        "Hola {{1}}, le recordamos su cita del {{2}} a las {{3}}. ¿Le viene bien?",
        (("1", "José"), ("2", "viernes"), ("3", "10:30")),
        (("Sí, gracias", "confirm"), ("Cambiar la cita", "reschedule")),
    ),
    Template(
        "continue_conversation",
        "en",
        "UTILITY",
        "Hi {{1}}, we have an answer to your question. Reply to this message to carry on.",
        (("1", "Maria"),),
    ),
    Template(
        "winter_offer",
        "en",
        "MARKETING",
        "{{1}}, this week everything for your kitchen is 20% off. Shall we show you?",
        (("1", "Maria"),),
        (("Show me", "show"), ("Stop promotions", "stop")),
    ),
    Template(
        "spring_offer",
        "en",
        "MARKETING",
        "{{1}}, our spring collection is here.",
        (("1", "Maria"),),
        status="pending",
    ),
    Template(
        "prize_draw",
        "en",
        "MARKETING",
        "You have won! Call {{1}} now.",
        (("1", "+15550100"),),
        status="rejected",
        rejection_reason="INVALID_FORMAT",
    ),
)


def parse_variables(raw: str) -> dict[str, str] | None:
    """Return ContentVariables as a dict of strings, or None if they are malformed."""
    if not raw:
        return {}
    try:
        data = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(data, dict) or not all(isinstance(one, str) for one in data.values()):
        return None
    return data
