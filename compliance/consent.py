"""How does somebody's consent change, and what may be said about it?

Rules: an opt-out counts for the whole account on that channel family, and for every address there
that is the same person's; only the person undoes it, by a keyword from any of them; an ordinary
message never does. Contract: behaviour 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.prepared import Prepared
from compliance.addresses import SMS, Address, is_toll_free
from compliance.keywords import Keyword, Reading
from compliance.models import Consent, ConsentEvent, ConsentState, ProviderBlock


class KeywordHandler(StrEnum):
    """Who answers STOP, START and HELP sent to one of our addresses."""

    TWILIO_DEFAULT = "twilio_default"
    TWILIO_ADVANCED = "twilio_advanced"
    CARRIER_TOLLFREE = "carrier_tollfree"
    APP = "app"


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

    `changed` says that it did something to any of `addresses`, which are all one person's.
    """

    is_keyword: bool
    state: ConsentState
    changed: bool = False
    notice: Notice = Notice.NONE
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True)
class KeywordContext:
    """What must be known to judge a keyword.

    `others` are the same person's further addresses of the channel family.
    """

    account_id: int
    address: Address
    our_address: str
    handler: KeywordHandler
    message_sid: str
    was_told_by_carrier: bool
    last_outbound_was_question: bool
    others: tuple[Address, ...] = ()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return every address that a keyword counts for, the one it came from first."""
        return (self.address, *self.others)


def apply_keyword(reading: Reading, context: KeywordContext, *, now: datetime) -> ConsentChange:
    """Record what a message says about consent; call it before anything else may speak.

    Runs inside the caller's transaction and locks the person's consent rows.
    """
    consent, *linked = _locked_consents(context.account_id, context.addresses, now=now)
    if reading.keyword is Keyword.OPT_OUT:
        return _opt_out(consent, linked, reading, context, now=now)
    if reading.keyword is Keyword.OPT_IN:
        return _opt_in(consent, linked, reading, context, now=now)
    if reading.keyword is Keyword.HELP:
        _write_event(consent, ConsentEvent.Kind.HELP, reading, context, now=now)
        notice = Notice.HELP_REPLY if _app_answers(reading, context) else Notice.NONE
        return ConsentChange(True, ConsentState(consent.state), notice=notice)
    if consent.state == ConsentState.NONE:
        consent.state, consent.since = ConsentState.CONVERSATIONAL, now
        consent.save(update_fields=["state", "since"])
    return ConsentChange(False, ConsentState(consent.state))


def record_carrier_block(
    *,
    account_id: int,
    address: Address,
    our_address: str,
    message_sid: str,
    now: datetime,
    others: Sequence[Address] = (),
) -> None:
    """Adopt the carrier's refusal (21610) as an opt-out, even if we never saw a STOP.

    The block is of this address alone; the opt-out binds the person's `others` too.
    """
    ProviderBlock.objects.get_or_create(
        account_id=account_id,
        our_address=our_address,
        address=address.consent_key,
        cleared_at=None,
        defaults={"since": now},
    )
    consent, *linked = _locked_consents(account_id, (address, *others), now=now)
    if consent.state != ConsentState.OPTED_OUT:
        _shut(consent, now=now)
    _write(
        consent,
        ConsentEvent.Kind.CARRIER_BLOCK,
        ConsentEvent.Source.PROVIDER_REFUSAL,
        message_sid=message_sid,
        now=now,
    )
    _bind(linked, message_sid=message_sid, now=now)


def bind_opt_outs(account_id: int, addresses: Sequence[Address], *, now: datetime) -> bool:
    """Let an opt-out on one address bind all of these: they turned out to be one person's.

    An opt-in does not travel. Returns whether anything changed.
    """
    consents = _locked_consents(account_id, addresses, now=now)
    if not any(consent.state == ConsentState.OPTED_OUT for consent in consents):
        return False
    return _bind(consents, now=now)


def consent_of(account_id: int, address: Address) -> Consent | None:
    """Return where one address stands, or None if nothing is known."""
    return Consent.objects.filter(
        account=account_id, address=address.consent_key, family=address.consent_family
    ).first()


_CONSENT = Prepared(lambda **key: Consent.objects.select_for_update().filter(**key))


def _locked_consents(
    account_id: int, addresses: Sequence[Address], *, now: datetime
) -> list[Consent]:
    """Lock the rows in the order of their keys, so that two stories of one person cannot wait for
    each other; return them in the order asked for."""
    in_order = sorted(addresses, key=lambda address: address.consent_key)
    locked = {
        address.consent_key: _locked_consent(account_id, address, now=now) for address in in_order
    }
    return [locked[address.consent_key] for address in addresses]


def _locked_consent(account_id: int, address: Address, *, now: datetime) -> Consent:
    key = {
        "account_id": account_id,
        "address": address.consent_key,
        "family": address.consent_family,
    }
    consent = _CONSENT.first(**key)
    if consent is None:
        Consent.objects.bulk_create([Consent(**key, since=now)], ignore_conflicts=True)
        consent = Consent.objects.select_for_update().get(**key)
    return consent


def _shut(consent: Consent, *, now: datetime, words: str = "") -> None:
    consent.state_before_opt_out = consent.state
    consent.state, consent.since, consent.words = ConsentState.OPTED_OUT, now, words
    consent.save()


def _lift(consent: Consent, *, now: datetime, words: str = "") -> None:
    before = ConsentState(consent.state_before_opt_out)
    consent.state = before if before is ConsentState.OPTED_IN else ConsentState.CONVERSATIONAL
    consent.since, consent.words = now, words
    consent.save()


def _bind(linked: Sequence[Consent], *, now: datetime, message_sid: str = "") -> bool:
    """Opt the same person's other addresses out; say whether that changed any."""
    bound = [consent for consent in linked if consent.state != ConsentState.OPTED_OUT]
    for consent in bound:
        _shut(consent, now=now)
        _write_linked(consent, ConsentEvent.Kind.OPT_OUT, message_sid, now=now)
    return bool(bound)


def _free(linked: Sequence[Consent], *, now: datetime, message_sid: str) -> bool:
    """Undo the opt-out of the same person's other addresses; say whether that changed any."""
    freed = [consent for consent in linked if consent.state == ConsentState.OPTED_OUT]
    for consent in freed:
        _lift(consent, now=now)
        _write_linked(consent, ConsentEvent.Kind.OPT_IN, message_sid, now=now)
    return bool(freed)


def _opt_out(
    consent: Consent,
    linked: Sequence[Consent],
    reading: Reading,
    context: KeywordContext,
    *,
    now: datetime,
) -> ConsentChange:
    was_out = consent.state == ConsentState.OPTED_OUT
    if not was_out:
        _shut(consent, words=reading.word, now=now)
    if reading.is_carrier_word and context.handler is not KeywordHandler.APP:
        ProviderBlock.objects.get_or_create(
            account_id=context.account_id,
            our_address=context.our_address,
            address=context.address.consent_key,
            cleared_at=None,
            defaults={"since": now},
        )
    _write_event(consent, ConsentEvent.Kind.OPT_OUT, reading, context, now=now)
    bound_others = _bind(linked, message_sid=context.message_sid, now=now)
    # One confirmation per opt-out, ever; never beside the carrier's own.
    may_confirm = not was_out and _app_answers(reading, context)
    return ConsentChange(
        True,
        ConsentState.OPTED_OUT,
        changed=not was_out or bound_others,
        notice=Notice.OPT_OUT_CONFIRMATION if may_confirm else Notice.NONE,
        addresses=context.addresses,
    )


def _opt_in(
    consent: Consent,
    linked: Sequence[Consent],
    reading: Reading,
    context: KeywordContext,
    *,
    now: datetime,
) -> ConsentChange:
    was_out = consent.state == ConsentState.OPTED_OUT
    if reading.is_weak_yes and not context.was_told_by_carrier:
        # A toll-free network lifts a block for START and UNSTOP only, and WhatsApp for neither.
        is_answer = (
            context.address.consent_family != SMS
            or context.handler is KeywordHandler.CARRIER_TOLLFREE
            or context.last_outbound_was_question
        )
        if not was_out or is_answer:
            return ConsentChange(False, ConsentState(consent.state))
    if was_out:
        _lift(consent, words=reading.word, now=now)
    ProviderBlock.objects.filter(
        account=context.account_id,
        our_address=context.our_address,
        address=context.address.consent_key,
        cleared_at=None,
    ).update(cleared_at=now)
    _write_event(consent, ConsentEvent.Kind.OPT_IN, reading, context, now=now)
    freed_others = _free(linked, message_sid=context.message_sid, now=now)
    may_confirm = was_out and _app_answers(reading, context)
    return ConsentChange(
        True,
        ConsentState(consent.state),
        changed=was_out or freed_others,
        notice=Notice.OPT_IN_CONFIRMATION if may_confirm else Notice.NONE,
        addresses=context.addresses,
    )


def _app_answers(reading: Reading, context: KeywordContext) -> bool:
    """Say whether we answer a keyword ourselves: only when nobody upstream already did."""
    if context.was_told_by_carrier or not context.address.is_repliable:
        return False
    if context.handler is KeywordHandler.APP:
        return True
    return reading.keyword is Keyword.OPT_OUT and not reading.is_carrier_word


def _write_event(
    consent: Consent, kind: str, reading: Reading, context: KeywordContext, *, now: datetime
) -> None:
    source = ConsentEvent.Source.INBOUND_KEYWORD
    if context.was_told_by_carrier:
        source = ConsentEvent.Source.PROVIDER_EVENT
    _write(consent, kind, source, words=reading.word, message_sid=context.message_sid, now=now)


def _write_linked(consent: Consent, kind: str, message_sid: str, *, now: datetime) -> None:
    _write(consent, kind, ConsentEvent.Source.LINKED, message_sid=message_sid, now=now)


def _write(
    consent: Consent,
    kind: str,
    source: str,
    *,
    now: datetime,
    words: str = "",
    message_sid: str = "",
) -> None:
    ConsentEvent.objects.create(
        account_id=consent.account_id,
        address=consent.address,
        family=consent.family,
        kind=kind,
        source=source,
        state=consent.state,
        words=words,
        message_sid=message_sid,
        occurred_at=now,
        recorded_at=now,
    )
