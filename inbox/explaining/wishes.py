"""What would a message do to consent, and might anything still answer it? For dry runs.

Read as receiving reads it (`hearing`), judged by the gate that judges what is sent.
"""

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from compliance.addresses import Address, parse_address
from compliance.cases import Known
from compliance.classify import Reading
from compliance.consent import KeywordHandler, consent_of, handler_of
from compliance.foretelling import After, consent_after
from compliance.gate import Purpose, Verdict
from compliance.models import Consent
from compliance.state_machine import ConsentState
from inbox.contacts import address_of
from inbox.hearing import Heard, asked_last, last_outbound, read_words
from inbox.models import Message, Sender, TeamInbox, Thread
from inbox.sending import (
    Draft,
    Supposed,
    Wanted,
    door_of,
    known_of,
    verdict_if,
    verdict_on,
)

_UNKNOWN = Reading()


@dataclass(frozen=True)
class Wish:
    """How a message is read, where its author would stand after it, and what the gate would say.

    `verdict` is about an automatic reply to it; none to a keyword, which gets none, and none where
    nothing is known of who writes.
    """

    reading: Reading = _UNKNOWN
    after: After = After(False, ConsentState.NONE)
    verdict: Verdict | None = None

    @property
    def word(self) -> str:
        """Return the words that say something about consent; blank if none do."""
        return self.reading.matched if self.reading.label != "none" else ""

    @property
    def is_keyword(self) -> bool:
        """Say whether it reaches no rule and no reply."""
        return self.after.is_keyword


@dataclass(frozen=True)
class Letter:
    """A message that somebody tries: to which inbox, from whom, at which moment.

    Of one that came, with the number `before_seq` of its thread, what went before it counts.
    """

    inbox: TeamInbox
    body: str
    channel: str
    at: datetime
    number: str = ""
    language: str = ""
    our_address: str = ""
    button_payload: str = ""
    thread: Thread | None = None
    before_seq: int | None = None

    @property
    def address(self) -> Address | None:
        """Return who writes, if that is known."""
        if self.thread:
            return address_of(self.thread)
        if not self.number:
            return None
        prefix = "whatsapp:" if self.channel == "whatsapp" else ""
        return parse_address(f"{prefix}{self.number}")


def wish_of(letter: Letter) -> Wish:
    """Foretell what a message does to consent; nothing is written."""
    sender, address = _sender(letter), letter.address
    row = consent_of(letter.inbox.account_id, address) if address else None
    heard = Heard(
        letter.body,
        address,
        letter.channel,
        languages=(letter.inbox.language, letter.language),
        account_id=letter.inbox.account_id,
        button_payload=letter.button_payload,
    )
    reading = read_words(heard, lambda: _said_before(letter))
    before = ConsentState(row.state_at(letter.at)) if row else ConsentState.NONE
    ground = ConsentState(row.ground) if row else ConsentState.NONE
    is_answer = reading.is_weak_yes and _is_only_an_answer(letter, sender)
    after = consent_after(reading, before, ground, is_only_an_answer=is_answer)
    if after.is_keyword:
        return Wish(reading, after)
    return Wish(reading, after, _verdict(letter, sender, row, reading, after))


def _sender(letter: Letter) -> Sender | None:
    """Return the number of ours that it comes to; the first of its channel if none is said."""
    if letter.thread:
        return letter.thread.sender
    rows = Sender.objects.in_use().filter(inbox=letter.inbox).select_related("account")
    is_whatsapp = letter.channel == "whatsapp"
    ours = [row for row in rows.order_by("pk") if row.is_whatsapp == is_whatsapp]
    said = letter.our_address.removeprefix("whatsapp:")
    named = [row for row in ours if row.address.removeprefix("whatsapp:") == said]
    return next(iter([*named, *ours]), None)


def _is_only_an_answer(letter: Letter, sender: Sender | None) -> bool:
    """Say whether a bare YES answers a question of ours rather than asks for messages again."""
    handler = handler_of(sender.keyword_handler, sender.address) if sender else None
    if letter.channel == "whatsapp" or handler is KeywordHandler.CARRIER_TOLLFREE:
        return True
    thread = letter.thread
    return thread is not None and asked_last(thread, before_seq=letter.before_seq)


def _said_before(letter: Letter) -> Message | None:
    if letter.thread is None:
        return None
    return last_outbound(letter.thread, now=letter.at, before_seq=letter.before_seq)


def _verdict(
    letter: Letter, sender: Sender | None, row: Consent | None, reading: Reading, after: After
) -> Verdict | None:
    """Ask the gate about an automatic reply, as consent would be after this message."""
    at, address = letter.at, letter.address
    if letter.thread:
        known = _known_after(known_of(letter.thread, Purpose.AUTO_REPLY), row, reading, after, at)
        wanted = Wanted(Purpose.AUTO_REPLY, None, at)
        return verdict_on(letter.thread, wanted, known=known, now=at)
    if sender is None or address is None:
        return None
    known = _known_after(Known(), row, reading, after, at)
    to = Supposed(address, at, known, wrote_at=at)
    return verdict_if(door_of(sender, now=at), to, Draft(Purpose.AUTO_REPLY))


def _known_after(
    known: Known, row: Consent | None, reading: Reading, after: After, at: datetime
) -> Known:
    """Return where they would stand; what does not change stays as it is known."""
    if known.consent and known.consent.state_at(at) == after.state:
        return known
    consent = copy(row) if row else Consent()
    is_now = after.state in (ConsentState.OPTED_OUT, ConsentState.HELD)
    consent.state, consent.ground = after.state, after.state
    if is_now:
        consent.since = consent.opted_out_at = at
        consent.words = reading.matched[:200]
    return replace(known, consent=consent)
