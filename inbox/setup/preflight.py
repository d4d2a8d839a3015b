"""Is everything ready for an inbox? A list of checks, each in words, the open ones with one action.

Asks Twilio as it is now; nothing is stored and nothing is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import feature_is_on, licensed_members
from accounts.models import Feature, Membership, Team, TwilioAccount
from accounts.secrets import SecretUnreadableError
from inbox.models import Sender
from inbox.setup.assessing import (
    Fault,
    Kind,
    Registration,
    faults_of,
    is_told_of,
    registration_of,
)
from inbox.setup.connections import connections_of
from inbox.setup.twilio import look_into
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.provisioning import Holdings, Provisioning

GOOD, BAD, LATER = "good", "bad", "later"


@dataclass(frozen=True)
class Check:
    """One thing that must be so. What is not `good` has words that say what to do, and one action.

    `later` stops nobody from starting: it should be done, or it is out of our hands.
    """

    key: str
    state: str
    words: str
    action: str = ""
    sender_id: int = 0


@dataclass(frozen=True)
class Preflight:
    """All checks of an inbox at one moment."""

    checks: tuple[Check, ...]

    @property
    def left(self) -> int:
        """Return how many things keep the inbox from working."""
        return sum(check.state == BAD for check in self.checks)

    @property
    def is_ready(self) -> bool:
        """Say whether nothing is left to do."""
        return self.left == 0


@dataclass(frozen=True)
class _Asked:
    """What one Twilio account answered: what it holds, or why it did not say."""

    asking: Provisioning | None
    held: Holdings | None
    words: str = ""
    is_away: bool = False


def preflight(*, team: Team, now: datetime) -> Preflight:
    """Check everything that an inbox of this team needs."""
    senders = list(
        Sender.objects.in_use()
        .filter(inbox=team.pk)
        .select_related("inbox", "twilio_account")
        .order_by("pk")
    )
    connections = _connections(team, senders)
    on_whatsapp = {one.twilio_account_id for one in senders if one.kind == Sender.Kind.WHATSAPP}
    answers = {one.pk: _ask(one, with_whatsapp=one.pk in on_whatsapp) for one in connections}
    return Preflight(
        (
            _feature(team, now=now),
            *(_credentials(one, answers[one.pk]) for one in connections),
            *([] if connections else [_no_connection()]),
            _agent(team, now=now),
            *([_whatsapp_feature(team, now=now)] if on_whatsapp else []),
            *([] if senders else [_no_number()]),
            *(check for one in senders for check in _number(one, answers[one.twilio_account_id])),
            _delivery_reports(),
        )
    )


def _connections(team: Team, senders: Sequence[Sender]) -> list[TwilioAccount]:
    """Return the Twilio accounts of the numbers; before there are any, all of the account."""
    if not senders:
        return connections_of(team.account)
    return list({one.twilio_account_id: one.twilio_account for one in senders}.values())


def _ask(connection: TwilioAccount, *, with_whatsapp: bool) -> _Asked:
    try:
        return _Asked(*look_into(connection, with_whatsapp=with_whatsapp))
    except (TwilioRefusedError, SecretUnreadableError) as error:
        return _Asked(None, None, error.reason)
    except TwilioAwayError as error:
        return _Asked(None, None, error.reason, is_away=True)


def _feature(team: Team, *, now: datetime) -> Check:
    if feature_is_on(team.account_id, Feature.TEAM_INBOX, now=now):
        return Check("feature", GOOD, _("Team Inbox is on for your account."))
    words = _("Team Inbox is off for your account. Your partner can switch it on.")
    return Check("feature", BAD, words, "request_feature")


def _whatsapp_feature(team: Team, *, now: datetime) -> Check:
    if feature_is_on(team.account_id, Feature.WHATSAPP, now=now):
        return Check("whatsapp", GOOD, _("WhatsApp is on for your account."))
    words = _(
        "WhatsApp is off for your account: nobody can answer there. Your partner can switch it on."
    )
    return Check("whatsapp", BAD, words, "request_feature")


def _no_connection() -> Check:
    words = _("No Twilio account is connected yet: that is where the numbers are.")
    return Check("connection", BAD, words, "connect")


def _credentials(connection: TwilioAccount, asked: _Asked) -> Check:
    key = f"connection-{connection.pk}"
    if asked.held is None:
        return Check(key, LATER if asked.is_away else BAD, asked.words, "connect")
    if not asked.held.account.is_active:
        words = _("Your Twilio account is %(status)s: it neither sends nor receives.")
        return Check(key, BAD, words % {"status": asked.held.account.status}, "connect")
    return Check(key, GOOD, _("Twilio accepts our credentials for %s.") % connection)


def _agent(team: Team, *, now: datetime) -> Check:
    people = licensed_members(team.pk, now=now)
    count = people.exclude(memberships__role=Membership.Role.OBSERVER).distinct().count()
    if count:
        words = ngettext(
            "%d person with a licence answers here.", "%d people with a licence answer here.", count
        )
        return Check("agent", GOOD, words % count)
    words = _("Nobody in this team has a Pro-CX licence: no one would see a message.")
    return Check("agent", BAD, words, "license")


def _no_number() -> Check:
    return Check("number", BAD, _("The inbox has no number yet."), "add_number")


def _number(sender: Sender, asked: _Asked) -> Iterator[Check]:
    """Check one number, as far as Twilio gave an answer."""
    if sender.is_paused:
        words = _("%(number)s is paused. %(reason)s Nothing goes out from it.")
        values = {"number": sender.address, "reason": sender.paused_reason}
        yield _check(sender, "paused", BAD, words % values, "resume")
    if asked.held is None:
        return
    if not is_told_of(sender, asked.held):
        yield from _untold(sender)
        return
    faults = faults_of(sender, asked.held)
    for fault in faults:
        words, action = _words_of(sender, fault, asked.held)
        yield _check(sender, fault.kind, BAD, words, action)
    if not faults:
        words = _("Messages to %s come here, and to our second address if the first fails.")
        yield _check(sender, "here", GOOD, words % sender.address)
    yield from _approval(sender, asked.held)
    yield from _registration(sender, asked)


def _untold(sender: Sender) -> Iterator[Check]:
    """Say that Twilio does not let us look at a WhatsApp sender; other channels have no list."""
    if sender.kind == Sender.Kind.WHATSAPP:
        words = _("Twilio does not say how %s stands. Look at it in the Twilio console.")
        yield _check(sender, "approval", LATER, words % sender.address, "whatsapp")


def _approval(sender: Sender, held: Holdings) -> Iterator[Check]:
    """Check whether WhatsApp lets a sender send."""
    remote = held.whatsapp_sender(sender.address)
    if remote is None:
        return
    number = {"number": sender.address, "status": remote.status.lower()}
    if remote.is_online:
        words = _("WhatsApp has approved %(number)s, and it is online.")
        yield _check(sender, "approval", GOOD, words % number)
    elif remote.status == "OFFLINE":
        words = _("%(number)s is offline: nothing goes out from it. Look at why.")
        yield _check(sender, "approval", BAD, words % number, "whatsapp")
    else:
        words = _("WhatsApp has not finished setting up %(number)s (%(status)s).")
        yield _check(sender, "approval", LATER, words % number, "whatsapp")


def _words_of(sender: Sender, fault: Fault, held: Holdings) -> tuple[str, str]:
    number = {"number": sender.address, "found": fault.found}
    match fault.kind:
        case Kind.GONE:
            return _("%(number)s is not in the Twilio account any more.") % number, "numbers"
        case Kind.CANNOT_TEXT:
            return _("%(number)s cannot text: Twilio lists it for calls only.") % number, "numbers"
        case Kind.SERVICE:
            return _service_words(sender, fault, held), "free"
        case Kind.APPLICATION:
            words = _("A TwiML application (%(found)s) takes the messages to %(number)s.")
            return words % number, "point"
        case Kind.FALLBACK:
            words = _("If we cannot be reached, messages to %(number)s would be lost.")
            if fault.found:
                words = _(
                    "If we cannot be reached, messages to %(number)s go to %(found)s instead of to "
                    "our second address."
                )
            return words % number, "point"
    if fault.found:
        return _("Messages to %(number)s go to %(found)s instead of here.") % number, "point"
    return _("Messages to %(number)s go nowhere yet.") % number, "point"


def _service_words(sender: Sender, fault: Fault, held: Holdings) -> str:
    service = held.service_of(sender.address)
    others = len(service.members) - 1 if service else 0
    words = _("The Messaging Service “%(service)s” takes the messages to %(number)s.")
    told = words % {"service": fault.found, "number": sender.address}
    if others:
        more = ngettext(
            "It has %d other number, whose own address counts as well after the change.",
            "It has %d other numbers, whose own addresses count as well after the change.",
            others,
        )
        told += " " + more % others
    return told


def _registration(sender: Sender, asked: _Asked) -> Iterator[Check]:
    assert asked.held is not None
    assert asked.asking is not None
    number = asked.held.number(sender.address)
    if number is None:
        return
    try:
        state = registration_of(number, asked.held, asked.asking)
    except (TwilioAwayError, TwilioRefusedError):
        words = _("Twilio does not say whether %s is registered with the American carriers.")
        yield _check(sender, "registration", LATER, words % sender.address)
        return
    if state == Registration.NOT_NEEDED:
        return
    good = state == Registration.DONE
    yield _check(
        sender,
        "registration",
        GOOD if good else LATER,
        _registration_words(state) % {"number": sender.address},
        "" if good else "register",
    )


def _registration_words(state: str) -> str:
    return {
        Registration.DONE: _("%(number)s is registered with the American carriers."),
        Registration.WAITING: _(
            "The registration of %(number)s is in review: until it is through, carriers refuse "
            "what you send to American phones. Receiving works."
        ),
        Registration.REFUSED: _(
            "The registration of %(number)s was refused: carriers refuse what you send to "
            "American phones. Correct it at Twilio."
        ),
    }.get(
        Registration(state),
        _(
            "%(number)s is not registered with the American carriers: they refuse what you send "
            "to American phones. Register it at Twilio; it takes two to three weeks."
        ),
    )


def _delivery_reports() -> Check:
    """Each message names the address for its reports itself; it only must be one Twilio calls."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    is_fit = parts.scheme == "https" and "_" not in (parts.hostname or "_")
    if is_fit or settings.TWILIO_API_BASE:
        return Check("reports", GOOD, _("Delivery reports come here: each message asks for them."))
    words = _("Twilio cannot reach %s from outside. Ask the operator of this installation.")
    return Check("reports", BAD, words % settings.PUBLIC_BASE_URL)


def _check(sender: Sender, key: str, state: str, words: str, action: str = "") -> Check:
    return Check(f"{key}-{sender.pk}", state, words, action, sender.pk)
