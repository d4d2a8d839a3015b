"""What happens when somebody opts in elsewhere than in a message: on a form, a paper, the phone?

Where the account asks people to confirm (double opt-in), the opt-in counts once they say yes: one
question goes out, by the gate and in its hours like any message, and 72 hours without an answer end
it. Who opted out is never asked back.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.english import noop
from accounts.models import Account, ApiKey, User
from compliance.addresses import Address, masked
from compliance.asking_settings import Asking, asking_of
from compliance.asking_texts import AskingKind, asking_text
from compliance.decisions import Stage, keep_decision
from compliance.evidence import (
    EventKind,
    Evidence,
    EvidenceError,
    as_question,
)
from compliance.gate import Purpose, Reason, Verdict
from compliance.models import Consent, ConsentEvent, ConsentState
from compliance.recording import (
    OptInRefusedError,
    Recorded,
    record_consent,
    undoes_opt_out,
)
from compliance.standing import lock_addresses
from compliance.state_machine import ASKED_FROM, CONFIRM_WITHIN
from compliance.wording import with_name
from inbox.asking_templates import NO_TEMPLATE, is_open, template_for
from inbox.broadcast import announce
from inbox.consent_wording import own_language
from inbox.contacts import locked_thread
from inbox.conversations import locked_conversation
from inbox.models import ConsentQuestion, Conversation, OptInApproval, Sender, Thread
from inbox.questions import CONFIRM, DID_NOT_GO, end_open
from inbox.refusals import MissingInputError
from inbox.sending import Chosen, Wanted, as_judged, queue_message, tell_consent, verdict_on
from inbox.story import Story

logger = logging.getLogger(__name__)

_UNASKED = noop("The question could not go out. Note the opt-in again, or wait until they write.")
NO_SENDER = noop("There is no number of this channel to ask from: say which inbox asks.")


@dataclass(frozen=True)
class OptedIn:
    """What was recorded; the question that was asked; why none was, if one should have been.

    `until` is when an answer comes too late. With an `approval` nothing counts before a second
    person approved it.
    """

    recorded: Recorded
    question: ConsentQuestion | None = None
    until: datetime | None = None
    why_not_asked: str = ""
    verdict: Verdict | None = None
    approval: OptInApproval | None = None

    @property
    def is_asked(self) -> bool:
        """Say whether it waits for a yes."""
        return self.recorded.state is ConsentState.PENDING


def opt_in(
    *,
    account: Account,
    address: Address,
    evidence: Evidence,
    now: datetime,
    sender: Sender | None = None,
    by: User | None = None,
) -> OptedIn:
    """Let somebody be opted in, or ask them to confirm it where the account does so.

    Where the account wants it, an opt-in that is reported for somebody who opted out waits for a
    second person.

    `sender` is where the question comes from; without it, where they were last in touch, or the
    only one of the channel. Runs in a transaction of its own; locks the thread, their consents and
    the ledger, in this order.

    Raises EvidenceError naming what is missing, FutureDateError, and OptInRefusedError where they
    opted out and nothing of their own undoes it.
    """
    with transaction.atomic(durable=True):
        return record_opt_in(
            account=account, address=address, evidence=evidence, now=now, sender=sender, by=by
        )


def record_opt_in(
    *,
    account: Account,
    address: Address,
    evidence: Evidence,
    now: datetime,
    sender: Sender | None = None,
    by: User | None = None,
) -> OptedIn:
    """Do what `opt_in` does, in its caller's transaction."""
    story = Story(now=now, actor=by)
    asking = asking_of(account.pk)
    _check_programme(asking, evidence.programme)
    told = replace(evidence, kind=EventKind.GRANT)
    chosen = sender or sender_for(account.pk, address)
    thread = None
    if asking.confirms and chosen and address.is_repliable:
        thread = locked_thread(chosen, address, now=now, our_address=chosen.address)
    if asking.confirms or asking.approves:
        stand = _stand(account.pk, address, told.programme, now=now)
        if asking.approves and undoes_opt_out(stand, told, now=now):
            return _propose(account, address, told, by, now=now)
        if asking.confirms and stand.state_at(now) in ASKED_FROM:
            told = as_question(told)
    recorded = record_consent(account_id=account.pk, address=address, evidence=told, now=now)
    logger.info("consent of %s is now %s", masked(address.key), recorded.state.value)
    asked = OptedIn(recorded)
    if told.kind is EventKind.ASKED and recorded.state is ConsentState.PENDING:
        asked = _ask(asking, recorded, thread, told.programme, story)
    tell_of(account.pk, address, recorded.state, story)
    announce(story.announcements(), now=now)
    return asked


def _propose(
    account: Account, address: Address, told: Evidence, by: User | None, *, now: datetime
) -> OptedIn:
    """Write down what is reported; a second person decides. Without a first one it is refused."""
    if by is None:
        raise OptInRefusedError
    proposed = replace(told, kind=EventKind.PROPOSED)
    recorded = record_consent(account_id=account.pk, address=address, evidence=proposed, now=now)
    key = ApiKey.objects.filter(program=by).select_related("made_by").first()
    row = OptInApproval.objects.create(
        account=account,
        proposed=recorded.event.seq,
        # Whoever gave a program its key answers for what it reports.
        asked_by=key.made_by if key else by,
        asked_at=now,
    )
    return OptedIn(recorded, approval=row)


def ask_about(
    event: ConsentEvent,
    *,
    account: Account,
    address: Address,
    now: datetime,
    pace: timedelta = timedelta(0),
) -> OptedIn | None:
    """Ask about an opt-in that was recorded as a question before, if it still is one.

    `pace` is how much later than others a question leaves that must wait for its hours. The answer
    is None where nothing is to be confirmed any more. Runs in its caller's transaction; locks the
    thread and their consents, in this order.
    """
    story = Story(now=now)
    chosen, thread = sender_for(account.pk, address), None
    if chosen and address.is_repliable:
        thread = locked_thread(chosen, address, now=now, our_address=chosen.address)
    state = _stand(account.pk, address, event.programme, now=now).state_at(now)
    if state is not ConsentState.PENDING or now >= event.occurred_at + CONFIRM_WITHIN:
        return None
    recorded = Recorded(event, state)
    asked = _ask(asking_of(account.pk), recorded, thread, event.programme, story, pace)
    announce(story.announcements(), now=now)
    return asked


def sender_for(account_id: int, address: Address) -> Sender | None:
    """Return from where somebody can be asked: where they were last in touch, else the only one."""
    senders = Sender.objects.in_use().filter(account=account_id).select_related("inbox__account")
    last = (
        Thread.objects.filter(
            account=account_id,
            address__key__in=address.sibling_keys,
            sender__in=senders,
        )
        .order_by("-last_inbound_at", "-pk")
        .values_list("sender", flat=True)
        .first()
    )
    if last:
        return senders.get(pk=last)
    of_channel = [one for one in senders.order_by("pk") if fits(one, address)]
    return of_channel[0] if len(of_channel) == 1 else None


def fits(sender: Sender, address: Address) -> bool:
    """Say whether a sender is of the channel of an address."""
    return sender.is_whatsapp == (address.consent_family == "whatsapp")


def _check_programme(asking: Asking, code: str) -> None:
    if not asking.knows(code):
        known = ", ".join(("*", *(one.code for one in asking.programmes)))
        raise EvidenceError(
            {
                "programme": noop("nobody knows “%(code)s”; there are: %(known)s")
                % {"code": code[:60], "known": known}
            }
        )


def _stand(account_id: int, address: Address, programme: str, *, now: datetime) -> Consent:
    """Lock where they stand for the programme, and return it."""
    [held] = lock_addresses(account_id, [address], now=now)
    found = [row for row in held.rows if row.programme == programme]
    return found[0] if found else held.consent


def _ask(
    asking: Asking,
    recorded: Recorded,
    thread: Thread | None,
    programme: str,
    story: Story,
    pace: timedelta = timedelta(0),
) -> OptedIn:
    """Ask once: not again while what they were sent before can still be answered."""
    until = recorded.event.occurred_at + CONFIRM_WITHIN
    if thread is None:
        return OptedIn(recorded, until=until, why_not_asked=NO_SENDER)
    if before := _asked_before(thread, programme, now=story.now):
        ConsentQuestion.objects.filter(pk=before.pk).update(ends_at=until)
        return OptedIn(
            recorded, before, until, noop("They were asked already, and may still answer.")
        )
    text, language = _wording(asking, thread)
    said = _judged(thread, text, language, programme, until, story.now)
    waits_until = said.verdict.deferred_until
    leaves_at = waits_until + pace if waits_until else story.now
    if thread.sender.is_whatsapp and not is_open(thread, leaves_at):
        try:
            said = _by_template(thread, programme, until, story.now) or said
        except MissingInputError as error:
            return OptedIn(recorded, None, until, error.reason, said.verdict)
    verdict = said.verdict
    if not (verdict.is_allowed or verdict.is_deferred):
        keep_decision(
            verdict,
            account_id=thread.account_id,
            stage=Stage.QUEUED,
            purpose=Purpose.CONSENT_REQUEST,
            thread=thread.public_id,
            now=story.now,
        )
        return OptedIn(recorded, None, until, _why_not(verdict), verdict)
    if waits := verdict.deferred_until:
        verdict = replace(verdict, until=waits + pace)
    message = queue_message(
        thread=thread,
        conversation=_live(thread),
        body=said.text,
        purpose=Purpose.CONSENT_REQUEST,
        bot_name=thread.sender.inbox.bot_name,
        story=story,
        verdict=verdict,
        programme=programme,
        template=said.template,
    )
    end_open(thread, CONFIRM, programme, now=story.now)
    question = ConsentQuestion.objects.create(
        account_id=thread.account_id,
        thread=thread,
        message=message,
        kind=CONFIRM,
        programme=programme,
        language=said.language,
        event=recorded.event.seq,
        asked_at=story.now,
        ends_at=until,
    )
    return OptedIn(recorded, question, until, verdict=verdict)


@dataclass(frozen=True)
class _Said:
    """How somebody would be asked, and what the gate says of it."""

    text: str
    language: str
    verdict: Verdict
    template: Chosen | None = None


def _judged(
    thread: Thread,
    text: str,
    language: str,
    programme: str,
    until: datetime,
    now: datetime,
    template: Chosen | None = None,
) -> _Said:
    wanted = Wanted(
        Purpose.CONSENT_REQUEST,
        None,
        now,
        text,
        programme=programme,
        expires_at=until,
        template=as_judged(thread, template) if template else None,
    )
    return _Said(text, language, verdict_on(thread, wanted, now=now), template)


def _by_template(thread: Thread, programme: str, until: datetime, now: datetime) -> _Said | None:
    """Ask with the template that is chosen, if any is. Raises MissingInputError."""
    if found := template_for(thread, _languages(thread)):
        template, language = found
        return _judged(thread, template.body, language, programme, until, now, template)
    return None


def _asked_before(thread: Thread, programme: str, *, now: datetime) -> ConsentQuestion | None:
    """Return the question that they can still answer, from whichever number of ours."""
    return (
        ConsentQuestion.objects.filter(
            account=thread.account_id,
            thread__address=thread.address_id,
            kind=CONFIRM,
            programme=programme,
            answered_at=None,
            ends_at__gt=now,
        )
        .exclude(message__status__in=DID_NOT_GO)
        .first()
    )


def why_unasked(thread: Thread, *, now: datetime) -> str:
    """Say why nobody was asked who waits to be asked; blank if they were."""
    asked = ConsentQuestion.objects.filter(
        account=thread.account_id, thread__address=thread.address_id, kind=CONFIRM, answered_at=None
    )
    if asked.exclude(message__status__in=DID_NOT_GO).exists():
        return ""
    if not thread.sender.is_whatsapp or is_open(thread, now):
        return _UNASKED
    try:
        chosen = template_for(thread, _languages(thread))
    except MissingInputError as error:
        return error.reason
    return _UNASKED if chosen else NO_TEMPLATE


def _wording(asking: Asking, thread: Thread) -> tuple[str, str]:
    account = thread.sender.account
    text, language = asking_text(AskingKind.CONFIRM, asking.texts, _languages(thread), account.name)
    return with_name(text, account.name), language


def _languages(thread: Thread) -> Iterable[str]:
    return thread.contact.language, own_language(thread.sender.inbox)


def _why_not(verdict: Verdict) -> str:
    """Say why nobody is asked, and what to do where a template was needed and none is chosen."""
    return NO_TEMPLATE if verdict.reason is Reason.WA_WINDOW_CLOSED else verdict.words


def _live(thread: Thread) -> Conversation | None:
    row = Conversation.objects.live().filter(thread=thread).first()
    return locked_conversation(row) if row else None


def tell_of(account_id: int, address: Address, state: ConsentState, story: Story) -> None:
    """Tell the live conversations with them, if there are any."""
    known = Thread.objects.filter(account=account_id, address__key__in=address.sibling_keys)
    if thread := known.select_related("address").order_by("pk").first():
        tell_consent(thread, None, (address,), state, story)
