"""How does somebody's consent change, and what may be said about it?

Rules: an opt-out counts for the whole account on that channel family, and for every address there
that is the same person's; only the person undoes it, by a keyword from any of them; an ordinary
message never does. What may be a wish to stop holds everything automatic until a person decides.
Contract: behaviour 7, compliance reference 7.3 and 12.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from compliance.addresses import SMS, Address, is_toll_free
from compliance.affirming import says_yes
from compliance.classify import Reading
from compliance.evidence import (
    EVERY_PROGRAMME,
    NO_WORDING,
    EventKind,
    Evidence,
    Source,
    Wording,
)
from compliance.models import Consent, ConsentEvent, ConsentState, ProviderBlock
from compliance.reaching import was_bound_by
from compliance.standing import Held, lock_addresses, note_message, record


class KeywordHandler(StrEnum):
    """Who answers STOP, START and HELP sent to one of our addresses."""

    TWILIO_DEFAULT = "twilio_default"
    TWILIO_ADVANCED = "twilio_advanced"
    CARRIER_TOLLFREE = "carrier_tollfree"
    APP = "app"


NOTHING_ASKED = Reading()
MOST_WORDS = 60


class Notice(StrEnum):
    """The one message that may answer a keyword."""

    NONE = ""
    OPT_OUT_CONFIRMATION = "optout_confirmation"
    OPT_IN_CONFIRMATION = "optin_confirmation"
    HELP_REPLY = "help_reply"


def handler_of(setting: str, our_address: str) -> KeywordHandler:
    """Return who answers keywords at one of our addresses.

    Toll-free numbers are handled by their network, whatever the setting says: it cannot be
    switched off (https://help.twilio.com/articles/360058144374).
    """
    handler = KeywordHandler(setting)
    if handler is KeywordHandler.TWILIO_DEFAULT and is_toll_free(our_address):
        return KeywordHandler.CARRIER_TOLLFREE
    return handler


@dataclass(frozen=True)
class ConsentChange:
    """What a message did: whether it was a keyword, the state now, and the notice to send.

    `changed` says that it did something to any of `addresses`, which are all one person's. `event`
    is what was written of the address it came from. `confirmed` are the programmes for which they
    confirmed an opt-in, `kept` is the one that they kept after an opt-out.
    """

    is_keyword: bool
    state: ConsentState
    changed: bool = False
    notice: Notice = Notice.NONE
    addresses: tuple[Address, ...] = ()
    reading: Reading = NOTHING_ASKED
    event: ConsentEvent | None = None
    confirmed: tuple[str, ...] = ()
    kept: str = ""

    @property
    def is_held(self) -> bool:
        """Say whether a person must decide now what the message means."""
        return self.changed and self.state is ConsentState.HELD

    @property
    def is_wish_in_words(self) -> bool:
        """Say whether it opted them out though it was no keyword: a person may undo that."""
        return self.changed and self.reading.stops_now and self.reading.kind == "fuzzy"

    @property
    def suggests_start(self) -> bool:
        """Say whether they seem to want messages again, which only a keyword of theirs brings."""
        out = self.state in (ConsentState.OPTED_OUT, ConsentState.HELD)
        return out and self.reading.label == "opt_in" and self.reading.kind == "fuzzy"

    @property
    def is_words(self) -> bool:
        """Say whether they wrote something to be answered, not only what to do with consent."""
        return not (self.is_keyword or self.reading.stops_now)


@dataclass(frozen=True)
class KeywordContext:
    """What must be known to judge a message.

    `others` are the same person's further addresses of the channel family, and of every channel
    where an opt-out reaches those too; then `scope` says so. `elsewhere` are those of other
    channels that are opted out: what an opt-out here did there, a START takes back. `said` is the
    whole message; `received_at` is when it reached us, `sent_at` when it was sent, if the carrier
    says so. `is_carrier_word` says that the carrier takes it for a keyword too, and answers it.
    `questions` are programmes for which they were asked to confirm, so that a yes answers that,
    each with the words of the question; None: it is not known, and any yes does.
    """

    account_id: int
    address: Address
    our_address: str
    handler: KeywordHandler
    message_sid: str
    was_told_by_carrier: bool
    last_outbound_was_question: bool
    others: tuple[Address, ...] = ()
    said: str = ""
    received_at: datetime | None = None
    sent_at: datetime | None = None
    is_button: bool = False
    is_carrier_word: bool = False
    scope: str = ""
    elsewhere: tuple[Address, ...] = ()
    questions: tuple[tuple[str, Wording], ...] | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return every address that a keyword counts for, the one it came from first."""
        return (self.address, *self.others)


def apply_reading(reading: Reading, context: KeywordContext, *, now: datetime) -> ConsentChange:
    """Record what a message says about consent; call it before anything else may speak.

    Runs inside the caller's transaction and locks the person's consents, and their account's ledger
    if it asks for anything.
    """
    every = (*context.addresses, *context.elsewhere)
    own, *linked = lock_addresses(context.account_id, every, now=now)
    is_exact = reading.kind == "exact"
    if not is_exact:
        note_message(own, now=now)
    if asked := _answered_with_yes(own, reading, context, now=now):
        return _confirm(own, asked, reading, context, now=now)
    if reading.stops_now:
        return _opt_out(own, linked, reading, context, now=now)
    if reading.is_held:
        return _hold(own, linked, reading, context, now=now)
    if is_exact and reading.label == "opt_in":
        return _opt_in(own, linked, reading, context, now=now)
    if is_exact and reading.label == "help":
        event = _record(own, EventKind.HELP, reading, context, now=now)
        notice = Notice.HELP_REPLY if _app_answers(reading, context) else Notice.NONE
        return ConsentChange(True, _state(own), notice=notice, reading=reading, event=event)
    return ConsentChange(False, _state(own), reading=reading)


def record_carrier_block(
    *,
    account_id: int,
    address: Address,
    our_address: str,
    message_sid: str,
    now: datetime,
    others: Sequence[Address] = (),
    scope: str = "",
) -> None:
    """Adopt the carrier's refusal (21610) as an opt-out, even if we never saw a STOP.

    The block is of this address alone; the opt-out binds the person's `others` too.
    """
    own, *linked = lock_addresses(account_id, (address, *others), now=now)
    _block(account_id, our_address, address, now=now)
    refused = Evidence(
        EventKind.CARRIER_BLOCK, Source.PROVIDER_REFUSAL, message_sid=message_sid, scope=scope
    )
    event = record(own, refused, now=now)
    _tell_linked(linked, EventKind.OPT_OUT, event, now=now)


def bind_opt_outs(account_id: int, addresses: Sequence[Address], *, now: datetime) -> bool:
    """Let an opt-out on one address bind those of its family: they turned out to be one person's.

    An opt-in does not travel. Returns whether anything changed.
    """
    every = lock_addresses(account_id, addresses, now=now)
    out = {held.address.consent_family for held in every if held.is_out}
    bound = [held for held in every if held.address.consent_family in out and not held.is_out]
    for held in bound:
        record(held, Evidence(EventKind.OPT_OUT, Source.LINKED), now=now)
    return bool(bound)


def consent_of(account_id: int, address: Address) -> Consent | None:
    """Return where one address stands in general, or None if nothing is known."""
    return Consent.objects.filter(
        account=account_id,
        address=address.consent_key,
        family=address.consent_family,
        programme=EVERY_PROGRAMME,
    ).first()


def _opt_out(
    own: Held,
    linked: Sequence[Held],
    reading: Reading,
    context: KeywordContext,
    *,
    now: datetime,
) -> ConsentChange:
    before = _states([own, *linked])
    was_out = own.is_out
    event = _record(own, EventKind.OPT_OUT, reading, context, now=now)
    if own.is_out and context.is_carrier_word and context.handler is not KeywordHandler.APP:
        _block(context.account_id, context.our_address, context.address, now=now)
    _tell_linked(linked, EventKind.OPT_OUT, event, now=now)
    # One confirmation per opt-out, ever; never beside the carrier's own.
    may_confirm = not was_out and own.is_out and _app_answers(reading, context)
    return ConsentChange(
        reading.kind == "exact",
        _state(own),
        changed=_states([own, *linked]) != before,
        notice=Notice.OPT_OUT_CONFIRMATION if may_confirm else Notice.NONE,
        addresses=context.addresses,
        reading=reading,
        event=event,
    )


def _hold(
    own: Held,
    linked: Sequence[Held],
    reading: Reading,
    context: KeywordContext,
    *,
    now: datetime,
) -> ConsentChange:
    """Let everything automatic rest: this may be a wish to stop. Whoever is out stays out."""
    if own.is_out:
        return ConsentChange(False, _state(own), reading=reading)
    before = _states([own, *linked])
    event = _record(own, EventKind.HELD, reading, context, now=now)
    _tell_linked(linked, EventKind.HELD, event, now=now)
    return ConsentChange(
        False,
        _state(own),
        changed=_states([own, *linked]) != before,
        addresses=context.addresses,
        reading=reading,
        event=event,
    )


def _opt_in(
    own: Held,
    linked: Sequence[Held],
    reading: Reading,
    context: KeywordContext,
    *,
    now: datetime,
) -> ConsentChange:
    family = own.address.consent_family
    here = [held for held in linked if held.address.consent_family == family]
    linked = [held for held in linked if held in here or was_bound_by(held, [own, *here])]
    before = _states([own, *linked])
    was_out = own.is_out
    if reading.is_weak_yes and not context.was_told_by_carrier:
        if was_out and _is_only_an_answer(context):
            _record(own, EventKind.WEAK_YES, reading, context, now=now)
        if not was_out or _is_only_an_answer(context):
            note_message(own, now=now)
            return ConsentChange(False, _state(own))
    event = _record(own, EventKind.OPT_IN, reading, context, now=now)
    _tell_linked(linked, EventKind.OPT_IN, event, now=now)
    if not own.is_out:
        _unblock(context, now=now)
    may_confirm = was_out and not own.is_out and _app_answers(reading, context)
    return ConsentChange(
        True,
        _state(own),
        changed=_states([own, *linked]) != before,
        notice=Notice.OPT_IN_CONFIRMATION if may_confirm else Notice.NONE,
        addresses=(context.address, *(held.address for held in linked)),
        reading=reading,
        event=event,
    )


def _answered_with_yes(
    own: Held, reading: Reading, context: KeywordContext, *, now: datetime
) -> list[Consent]:
    """Return what they were asked to confirm and confirm now; none where nothing is pending.

    START says yes to every question, at whichever number; YES to the one that it follows.
    """
    asked = [row for row in own.rows if row.state_at(now) is ConsentState.PENDING]
    if not asked or reading.stops_now or reading.is_held:
        return []
    if reading.label == "opt_in" and reading.kind == "exact" and not reading.is_weak_yes:
        return [] if own.is_out else asked
    if not (reading.is_weak_yes or says_yes(context.said)):
        return []
    answered = None if context.questions is None else {one for one, _ in context.questions}
    return [row for row in asked if answered is None or row.programme in answered]


def _confirm(
    own: Held, asked: list[Consent], reading: Reading, context: KeywordContext, *, now: datetime
) -> ConsentChange:
    shown = dict(context.questions or ())
    for row in asked:
        given = Evidence(
            EventKind.OPT_IN,
            _source(reading, context),
            occurred_at=_said_at(own, context, now=now),
            programme=row.programme,
            words=reading.matched or context.said[:MOST_WORDS],
            said=context.said,
            message_sid=context.message_sid,
            rule_version=reading.rule_version,
            wording=shown.get(row.programme, NO_WORDING),
        )
        event = record(own, given, now=now)
    confirmed = tuple(
        row.programme for row in asked if own.of(row.programme).state == ConsentState.OPTED_IN
    )
    may_answer = not context.was_told_by_carrier and context.address.is_repliable
    return ConsentChange(
        True,
        ConsentState.OPTED_IN if confirmed else _state(own),
        changed=bool(confirmed),
        notice=Notice.OPT_IN_CONFIRMATION if confirmed and may_answer else Notice.NONE,
        addresses=(context.address,),
        reading=reading,
        event=event,
        confirmed=confirmed,
    )


def keep_programme(
    context: KeywordContext, programme: str, *, shown: Wording, now: datetime
) -> ConsentChange | None:
    """Let somebody who opted out of all keep one programme, as they were asked; None if they did
    not, or do not stand so any more.

    What they had for it before stands again, and nothing more. Runs inside the caller's transaction
    and locks their consents and the account's ledger.
    """
    [own] = lock_addresses(context.account_id, [context.address], now=now)
    if not own.is_out:
        return None
    given = Evidence(
        EventKind.OPT_IN,
        Source.BUTTON if context.is_button else Source.INBOUND_KEYWORD,
        occurred_at=_said_at(own, context, now=now),
        programme=programme,
        words=context.said[:MOST_WORDS],
        said=context.said,
        message_sid=context.message_sid,
        wording=shown,
    )
    event = record(own, given, now=now)
    return ConsentChange(
        True, _state(own), addresses=(context.address,), event=event, kept=programme
    )


def _is_only_an_answer(context: KeywordContext) -> bool:
    """Say whether a YES answers a question of ours rather than asks for messages again.

    A toll-free network lifts a block for START and UNSTOP only, and WhatsApp for neither.
    """
    return (
        context.address.consent_family != SMS
        or context.handler is KeywordHandler.CARRIER_TOLLFREE
        or context.last_outbound_was_question
    )


def _app_answers(reading: Reading, context: KeywordContext) -> bool:
    """Say whether we answer a keyword ourselves: only when nobody upstream already did."""
    if context.was_told_by_carrier or not context.address.is_repliable:
        return False
    if context.handler is KeywordHandler.APP:
        return True
    return reading.label == "opt_out" and not context.is_carrier_word


def _record(
    own: Held, kind: EventKind, reading: Reading, context: KeywordContext, *, now: datetime
) -> ConsentEvent:
    given = Evidence(
        kind,
        _source(reading, context),
        occurred_at=_said_at(own, context, now=now),
        words=reading.matched,
        said=context.said,
        message_sid=context.message_sid,
        rule_version=reading.rule_version,
        scope=context.scope if kind is EventKind.OPT_OUT else "",
    )
    return record(own, given, now=now)


def _source(reading: Reading, context: KeywordContext) -> Source:
    if context.was_told_by_carrier:
        return Source.PROVIDER_EVENT
    if reading.kind == "fuzzy":
        return Source.INBOUND_FUZZY
    return Source.BUTTON if context.is_button else Source.INBOUND_KEYWORD


def _said_at(own: Held, context: KeywordContext, *, now: datetime) -> datetime | None:
    """Return when they said it: by the carrier's date, else by when it reached us.

    Two that reached us at one instant have an order all the same: we tell them one after the other.
    """
    if context.sent_at:
        return min(context.sent_at, now)
    at = min(context.received_at or now, now)
    return None if own.last_at == at else at


def _tell_linked(
    linked: Iterable[Held], kind: EventKind, told: ConsentEvent, *, now: datetime
) -> None:
    """Record it for the person's other addresses, also where it changes nothing now.

    Otherwise a message that arrives late could part what is one person's.
    """
    given = Evidence(
        kind,
        Source.LINKED,
        message_sid=told.message_sid,
        occurred_at=told.occurred_at,
        scope=told.scope,
    )
    for held in linked:
        record(held, given, now=now)


def _state(held: Held) -> ConsentState:
    return ConsentState(held.consent.state)


def _states(every: Iterable[Held]) -> list[str]:
    return [row.state for held in every for row in held.rows]


def _block(account_id: int, our_address: str, address: Address, *, now: datetime) -> None:
    ProviderBlock.objects.get_or_create(
        account_id=account_id,
        our_address=our_address,
        address=address.consent_key,
        cleared_at=None,
        defaults={"since": now},
    )


def _unblock(context: KeywordContext, *, now: datetime) -> None:
    ProviderBlock.objects.filter(
        account=context.account_id,
        our_address=context.our_address,
        address=context.address.consent_key,
        cleared_at=None,
    ).update(cleared_at=now)
