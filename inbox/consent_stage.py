"""What does a message say about consent, and what follows? Stage 4 of a message (behaviour 6)."""

import logging
from dataclasses import replace
from datetime import datetime

from accounts.audit import alarm
from compliance.addresses import Address, masked
from compliance.affirming import says_yes
from compliance.asking_settings import scope_of
from compliance.classify import Reading
from compliance.consent import (
    ConsentChange,
    KeywordContext,
    KeywordHandler,
    Notice,
    apply_reading,
    handler_of,
    keep_programme,
)
from compliance.evidence import OptOutScope
from compliance.gate import Purpose
from compliance.keywords import is_opt_out_button, read_keyword
from compliance.models import ConsentState
from compliance.programmes import chosen, kept_programmes
from compliance.standing import lock_addresses
from inbox.carrier import InboundText
from inbox.confirming import send_confirmation
from inbox.contacts import address_of
from inbox.hearing import Heard, asked_last, last_outbound, read_words
from inbox.linked import linked_addresses, opted_out_elsewhere, reached_by_opt_out
from inbox.models import ConsentQuestion, Conversation, Message, Sender, Thread
from inbox.questions import CLARIFY, CONFIRM, answerable, settle, settle_confirmed, wording_of
from inbox.reviewing import open_review
from inbox.sending import follow_consent, hold_unsent, recorded_after
from inbox.story import Story

logger = logging.getLogger(__name__)


def apply_consent(
    text: InboundText, sender: Sender, thread: Thread, *, received_at: datetime, now: datetime
) -> ConsentChange:
    """Record what a message says about consent, before anything else may speak.

    The thread must be locked. What waits to be sent to them is locked as well, if it matters.
    """
    reading = read_message(text, sender, thread, now=now)
    _learn_handler(text, sender, now=now)
    scope = scope_of(sender.account_id) if reading.stops_now else OptOutScope.FAMILY
    asked = _questions_answered(text, reading, thread, now=now)
    context = KeywordContext(
        account_id=sender.account_id,
        address=address_of(thread),
        our_address=thread.our_address,
        handler=handler_of(sender.keyword_handler, thread.our_address),
        message_sid=text.sid,
        was_told_by_carrier=bool(text.opt_out_type),
        last_outbound_was_question=reading.is_weak_yes and asked_last(thread),
        others=_others_bound_by(reading, thread, scope),
        said=text.body,
        received_at=received_at,
        sent_at=text.sent_at,
        is_button=is_opt_out_button(text.button_payload),
        is_carrier_word=_is_carrier_word(text),
        scope=scope.value if scope is OptOutScope.EVERY else "",
        elsewhere=_out_elsewhere(reading, thread),
        questions=tuple((row.programme, wording_of(row)) for row in asked),
    )
    change = apply_reading(reading, context, now=_recorded_at(reading, context, now=now))
    if change.changed:
        hold_unsent(sender.account_id, change.addresses)
    return _kept(change, context, thread, now=now) or change


def _questions_answered(
    text: InboundText, reading: Reading, thread: Thread, *, now: datetime
) -> list[ConsentQuestion]:
    """Return which questions whether they consent a yes of theirs answers; nothing else does."""
    is_yes = reading.is_weak_yes or says_yes(text.body)
    return answerable(thread, CONFIRM, now=now) if is_yes else []


def _kept(
    change: ConsentChange, context: KeywordContext, thread: Thread, *, now: datetime
) -> ConsentChange | None:
    """Take an answer to the one text after an opt-out: the programme that they keep, if any.

    A number or a name of a programme, by itself; whatever else they write changes nothing.
    """
    is_words = change.state is ConsentState.OPTED_OUT and change.is_words and not change.changed
    if not is_words or change.reading.label != "none":
        return None
    for row in answerable(thread, CLARIFY, now=now):
        programme = chosen(context.said, kept_programmes(row.choices))
        if programme is None:
            continue
        kept = keep_programme(context, programme.code, shown=wording_of(row), now=now)
        if kept and settle(row, ConsentQuestion.Outcome.KEPT, kept.event, now=now):
            return replace(kept, kept=programme.name)
    return None


def _recorded_at(reading: Reading, context: KeywordContext, *, now: datetime) -> datetime:
    """Return when this is recorded: an opt-out after everything that left before it."""
    if not reading.stops_now:
        return now
    lock_addresses(context.account_id, context.addresses, now=now)
    return recorded_after(context.account_id, context.addresses, now=now)


def read_message(text: InboundText, sender: Sender, thread: Thread, *, now: datetime) -> Reading:
    """Read what a message asks for, in the languages of the person, of their place and the inbox.

    What went before is looked up only where it decides: whether we invited an ordinary word.
    """
    heard = Heard(
        text.body,
        address_of(thread),
        text.channel,
        languages=(sender.inbox.language, thread.contact.language),
        account_id=thread.account_id if getattr(thread, "has_own_keywords", True) else None,
        opt_out_type=text.opt_out_type,
        button_payload=text.button_payload,
    )
    return read_words(heard, lambda: last_outbound(thread, now=now))


def _learn_handler(text: InboundText, sender: Sender, *, now: datetime) -> None:
    """The first OptOutType shows that Advanced Opt-Out is on for this sender."""
    if not text.opt_out_type or sender.keyword_handler != KeywordHandler.TWILIO_DEFAULT:
        return
    sender.keyword_handler = KeywordHandler.TWILIO_ADVANCED
    sender.save(update_fields=["keyword_handler"])
    alarm(
        action="sender_keyword_handler",
        subject=sender.address,
        words="Twilio's Advanced Opt-Out answers STOP and START here now, and we do not.",
        account_id=sender.account_id,
        now=now,
        row=str(sender.pk),
    )


def _is_carrier_word(text: InboundText) -> bool:
    return read_keyword(text.body, opt_out_type=text.opt_out_type).is_carrier_word


def _others_bound_by(reading: Reading, thread: Thread, scope: OptOutScope) -> tuple[Address, ...]:
    """Return the same person's other addresses, if the message says something for them too."""
    if reading.stops_now:
        return reached_by_opt_out(thread.contact_id, address_of(thread), scope)
    is_opt_in = reading.label == "opt_in" and reading.kind == "exact"
    if not (is_opt_in or reading.label == "opt_out"):
        return ()
    return linked_addresses(thread.contact_id, address_of(thread))


def _out_elsewhere(reading: Reading, thread: Thread) -> tuple[Address, ...]:
    """Return where else they are opted out, if they ask for messages again."""
    if reading.label != "opt_in" or reading.kind != "exact":
        return ()
    return opted_out_elsewhere(thread.account_id, thread.contact_id, address_of(thread))


_PURPOSES = {
    Notice.OPT_OUT_CONFIRMATION: Purpose.OPT_OUT_CONFIRMATION,
    Notice.OPT_IN_CONFIRMATION: Purpose.OPT_IN_CONFIRMATION,
    Notice.HELP_REPLY: Purpose.HELP_REPLY,
}


def follow_change(
    change: ConsentChange,
    thread: Thread,
    message: Message,
    conversation: Conversation | None,
    story: Story,
    *,
    is_late: bool,
) -> None:
    """Cancel what may not leave any more, ask people to look, and confirm what is to be confirmed.

    What was found late is never answered by itself (behaviour 5): a confirmation has minutes.
    """
    if change.changed:
        state = change.state.value
        logger.info("consent of %s is now %s", masked(address_of(thread).key), state)
        open_review(change, message, thread, now=story.now)
        follow_consent(thread, conversation, change.addresses, change.state, story)
    if change.confirmed:
        settle_confirmed(thread.account_id, change, now=story.now)
    if change.kept and conversation:
        channel = address_of(thread).consent_family
        story.consent_changed(conversation, channel=channel, state="kept", name=change.kept)
    if change.notice and not is_late:
        event = change.event.seq if change.event else None
        send_confirmation(_PURPOSES[change.notice], thread, message, story, event=event)
