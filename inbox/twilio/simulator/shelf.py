"""Which templates does an account have now, and how are its WhatsApp senders?

Every account begins with the same templates; what is submitted, reviewed, paused or deleted is
kept here, as Meta's and Twilio's people would decide it.
"""

from dataclasses import dataclass

from inbox.twilio.simulator.content import TEMPLATES, Template

APPROVALS = (
    "unsubmitted",
    "received",
    "pending",
    "approved",
    "rejected",
    "paused",
    "disabled",
)
SENDER_STATUSES = (
    "CREATING",
    "DRAFT",
    "OFFLINE",
    "ONLINE",
    "ONLINE:UPDATING",
    "PENDING_VERIFICATION",
    "STUBBED",
    "TWILIO_REVIEW",
    "VERIFYING",
)


@dataclass(frozen=True, slots=True)
class SenderState:
    """What WhatsApp thinks of a sender."""

    status: str = "ONLINE"
    quality_rating: str = "HIGH"
    messaging_limit: str = "1K Customers/24hr"
    offline_reasons: tuple[tuple[str, str], ...] = ()


class Shelf:
    """The templates and the states of senders, for all accounts."""

    def __init__(self) -> None:
        self._changed: dict[str, dict[str, Template | None]] = {}
        self._states: dict[str, SenderState] = {}

    def templates_of(self, account_sid: str) -> list[Template]:
        """Return the templates of an account, those it began with first."""
        changed = self._changed.get(account_sid, {})
        by_sid = {one.sid_for(account_sid): one for one in TEMPLATES} | changed
        return [one for one in by_sid.values() if one is not None]

    def template(self, account_sid: str, sid: str) -> Template | None:
        """Return the template with this sid."""
        found = (one for one in self.templates_of(account_sid) if one.sid_for(account_sid) == sid)
        return next(found, None)

    def put(self, account_sid: str, template: Template) -> None:
        """Add a template, or change the one with its name and language."""
        self._changed.setdefault(account_sid, {})[template.sid_for(account_sid)] = template

    def withdraw(self, account_sid: str, template: Template) -> None:
        """Delete a template."""
        self._changed.setdefault(account_sid, {})[template.sid_for(account_sid)] = None

    def state_of(self, address: str) -> SenderState:
        """Return what WhatsApp thinks of a sender."""
        return self._states.get(address, SenderState())

    def set_state(self, address: str, state: SenderState) -> None:
        """Let WhatsApp think otherwise of a sender."""
        self._states[address] = state
