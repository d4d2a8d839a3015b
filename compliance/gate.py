"""May this message go out now, and if not, why, in words?

The one gate for people, automation and API: asked when a message is queued and again when it is
sent. First what our own house says (feature, licence, number), then G0 to G13 of the compliance
reference (`judging`). Every rule that speaks against a message is found; the first decides.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import DatabaseError

from accounts.audit import alarm
from accounts.english import noop
from compliance.addresses import Address, problem_of
from compliance.cases import Asked, Known, case_of, inputs_of, look_up
from compliance.judging import ACKNOWLEDGED, Answer, Finding, Mark, Policy, day_words, judge
from compliance.judging import Purpose as Purpose
from compliance.jurisdictions import Pack
from compliance.ledger import handle_of
from compliance.models import ConsentEvent
from compliance.policies import rules_and_policy

logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a message may not go: our own house's reasons, then those of G0 to G13."""

    OK = "OK"
    FEATURE_OFF = "FEATURE_OFF"
    SENDER_PAUSED = "SENDER_PAUSED"
    SENDER_REMOVED = "SENDER_REMOVED"
    LICENSE_MISSING = "LICENSE_MISSING"
    NOT_REPLIABLE = "NOT_REPLIABLE"
    OUT_OF_REACH = "OUT_OF_REACH"
    CONTACT_BLOCKED = "CONTACT_BLOCKED"
    NOT_WANTED = "NOT_WANTED"
    GATE_ERROR = "GATE_ERROR"
    BAD_INPUT = "BAD_INPUT"
    CONTACT_ERASED = "CONTACT_ERASED"
    ALREADY_CONFIRMED = "ALREADY_CONFIRMED"
    PROVIDER_REPLIED = "PROVIDER_REPLIED"
    CONFIRMATION_LATE = "CONFIRMATION_LATE"
    DO_NOT_CONTACT = "DO_NOT_CONTACT"
    PROVIDER_BLOCKED = "PROVIDER_BLOCKED"
    OPTED_OUT = "OPTED_OUT"
    OPTED_OUT_REPLY = "OPTED_OUT_REPLY"
    PENDING_REVIEW = "PENDING_REVIEW"
    NUMBER_REASSIGNED = "NUMBER_REASSIGNED"
    WA_WINDOW_CLOSED = "WA_WINDOW_CLOSED"
    WA_TEMPLATE_UNUSABLE = "WA_TEMPLATE_UNUSABLE"
    WA_TEMPLATE_CATEGORY = "WA_TEMPLATE_CATEGORY"
    WA_MARKETING_US = "WA_MARKETING_US"
    WA_MARKETING_STOPPED = "WA_MARKETING_STOPPED"
    SENDER_NOT_ALLOWED = "SENDER_NOT_ALLOWED"
    NO_CONVERSATION = "NO_CONVERSATION"
    NO_CONSENT = "NO_CONSENT"
    NO_PROMO_CONSENT = "NO_PROMO_CONSENT"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    REGISTER_CHECK_NEEDED = "REGISTER_CHECK_NEEDED"
    NO_IDENTITY = "NO_IDENTITY"
    NO_OPTOUT_NOTICE = "NO_OPTOUT_NOTICE"
    NO_OPTOUT_PATH = "NO_OPTOUT_PATH"
    FREQUENCY_CAP = "FREQUENCY_CAP"
    REPLY_HOURS = "REPLY_HOURS"
    QUIET_HOURS = "QUIET_HOURS"
    QUIET_HOURS_EXPIRED = "QUIET_HOURS_EXPIRED"


@dataclass(frozen=True)
class SendRequest:
    """One message, and what our own house knows of it.

    `pause` says why our number is paused, and is blank while it sends; one that is removed does not
    send any more; `out_of_reach` who said that the address reaches nobody, if anybody did.
    """

    account_id: int
    asked: Asked
    has_feature: bool
    is_author_licensed: bool
    is_contact_blocked: bool
    pause: str = ""
    is_sender_removed: bool = False
    out_of_reach: Mark | None = None

    @property
    def purpose(self) -> Purpose:
        """Return why it is sent."""
        return self.asked.purpose


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: may it go, and if not, the code and the words for a person.

    `until` (UTC) says when to ask again if it is deferred, and of a question about hours from when
    it may go unasked: only the answer says whether anything goes by itself. `findings` are all
    rules that speak against it, `notices` what its author should know though it may go; `inputs` is
    what it rests on, without anything personal, and `pack_version` by whose rules.
    """

    reason: Reason
    words: str = ""
    answer: Answer = Answer.BLOCK
    until: datetime | None = None
    findings: tuple[Finding, ...] = ()
    notices: tuple[Finding, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    pack_version: str = ""
    programmes: frozenset[str] = frozenset()

    @property
    def is_allowed(self) -> bool:
        """Say whether the message may go now."""
        return self.answer is Answer.ALLOW

    @property
    def is_deferred(self) -> bool:
        """Say whether it goes by itself, later."""
        return self.answer is Answer.DEFER

    @property
    def is_question(self) -> bool:
        """Say whether a person may go on, with a reason."""
        return self.answer is Answer.ASK

    @property
    def goes_from(self) -> datetime | None:
        """Return from when on (UTC) nobody is asked any more, of a question about hours."""
        return self.until if self.is_question else None

    @property
    def deferred_until(self) -> datetime | None:
        """Return when it goes by itself (UTC), if it does so later."""
        return self.until if self.is_deferred else None


# By people: who wrote it needs a licence.
_AUTHORED = frozenset({Purpose.REPLY, Purpose.NOTIFICATION, Purpose.PROMOTIONAL})


class SendBlockedError(Exception):
    """A message may not go out."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason.value)
        self.verdict = verdict
        self.reason = verdict.words


Settlement = tuple[Pack, Policy]


def check_send(
    request: SendRequest,
    *,
    now: datetime,
    known: Known | None = None,
    settled: Settlement | None = None,
) -> Verdict:
    """Judge one message at `now`; `known` is where its recipient stands, read if not given.

    `settled` are the rules that hold for the account and its policy, for whoever asks often at
    once; they are read if not given.

    A fault in a rule lets nothing out: the verdict is GATE_ERROR, and the partner is told. What the
    database cannot answer is raised, and nothing is sent either.
    """
    asked = request.asked
    known = known or look_up(request.account_id, asked.address, asked.our_address)
    try:
        return _weigh(request, known, settled, now=now)
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("the gate could not judge a message of account %s", request.account_id)
        return _fault(request, error, now=now)


def _weigh(
    request: SendRequest, known: Known, settled: Settlement | None, *, now: datetime
) -> Verdict:
    """Weigh one message by the rules that hold for the account now."""
    pack, policy = settled or rules_and_policy(request.account_id, known.settled)
    case = case_of(request.asked, known, policy=policy, pack=pack, now=now)
    judgement = judge(case, now=now)
    findings = (*_house(request), *judgement.findings)
    first = findings[0] if findings else Finding(Reason.OK, "", Answer.ALLOW)
    return Verdict(
        Reason(first.code),
        first.words,
        first.answer,
        first.until,
        findings,
        judgement.notices,
        inputs_of(case),
        pack.version,
        known.programmes,
    )


def _fault(request: SendRequest, error: Exception, *, now: datetime) -> Verdict:
    alarm(
        action="gate_error",
        subject=request.purpose.value,
        words=noop("The rules of sending could not be judged for a message. It was not sent."),
        account_id=request.account_id,
        now=now,
        problem=type(error).__name__,
    )
    words = noop("Something went wrong while the rules were checked. It was not sent; try again.")
    return Verdict(Reason.GATE_ERROR, words)


def _house(request: SendRequest) -> Iterator[Finding]:
    """Find what speaks against it before any law is asked (behaviour 7)."""
    yield from _entitlement(request)
    yield from _sender(request)
    yield from _recipient(request)


def _entitlement(request: SendRequest) -> Iterator[Finding]:
    # The law's own confirmations go out even when the feature is off.
    if not request.has_feature and request.purpose not in ACKNOWLEDGED:
        words = noop("This is switched off for your account. Ask your partner to switch it on.")
        yield Finding(Reason.FEATURE_OFF, words)
    if request.purpose in _AUTHORED and not request.is_author_licensed:
        words = noop("Answering needs a Pro-CX licence. Ask your account admin for one.")
        yield Finding(Reason.LICENSE_MISSING, words)


def _sender(request: SendRequest) -> Iterator[Finding]:
    if request.is_sender_removed:
        words = noop(
            "This number was removed from the inbox: nothing can be sent from it any more."
        )
        yield Finding(Reason.SENDER_REMOVED, words)
    elif request.pause:
        yield Finding(
            Reason.SENDER_PAUSED,
            noop(
                "This number is paused. %(pause)s Nothing goes out until an admin "
                "resumes it; what is queued waits until then."
            )
            % {"pause": request.pause},
        )


def _recipient(request: SendRequest) -> Iterator[Finding]:
    # A number that is none is told so by name (G0).
    if not request.asked.address.is_repliable and not problem_of(request.asked.address):
        words = noop(
            "This sender cannot receive replies: it is a short code or a name, not a number."
        )
        yield Finding(Reason.NOT_REPLIABLE, words)
    if mark := request.out_of_reach:
        words = noop(
            "%(by)s marked this number as out of reach on %(day)s. Try another channel, or take "
            "the mark back if it works again."
        )
        said = {"by": mark.by, "day": day_words(mark.at)}
        yield Finding(Reason.OUT_OF_REACH, words % said)
    if request.is_contact_blocked and request.purpose not in ACKNOWLEDGED:
        words = noop("This contact is blocked. Unblock them before you answer.")
        yield Finding(Reason.CONTACT_BLOCKED, words)


def consent_history(account_id: int, address: Address) -> list[ConsentEvent]:
    """Return the latest consent events of one address, newest first, at most 50."""
    known = handle_of(account_id, address)
    if known is None:
        return []
    mine = ConsentEvent.objects.filter(account=account_id, handle=known)
    return list(mine.select_related("details__key").order_by("-seq")[:50])
