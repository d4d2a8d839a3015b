"""What may this reader do in this conversation now, and what must they know first?

The buttons, the banner and the state of the composer come from here and nowhere else. The stories
ask the same `abilities_of` again; nothing here grants anything.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from compliance.asking_settings import asking_of
from compliance.gate import Purpose, Reason, Verdict
from compliance.opt_out_links import opt_out_link
from compliance.programmes import Programme
from inbox.abilities import Ability, abilities_of, may_begin, part_of
from inbox.cards import may_block_here
from inbox.contacts import address_of
from inbox.handover import Handover, handover_of, promise_note
from inbox.models import ConsentReview, Conversation, Participant, TeamInbox
from inbox.muting import is_muted
from inbox.preflight import Preflight, preflight_of
from inbox.reviewing import may_decide, review_of
from inbox.sending import Wanted, compose_verdict, is_first_word, verdict_on
from inbox.timers import next_timer
from inbox.windows import Window, window_of
from routing.policy_words import Names, coming_words, unless_words

_MAY_HAVE_STOPPED = (Reason.PENDING_REVIEW, Reason.OPTED_OUT, Reason.OPTED_OUT_REPLY)

# What a noted consent would change.
_LACKS_CONSENT = (
    Reason.NO_CONVERSATION,
    Reason.NO_CONSENT,
    Reason.NO_PROMO_CONSENT,
    Reason.CONSENT_EXPIRED,
)

_ICONS = {"kept": "shield-check", "advice": "triangle-alert", "test": "smartphone"}


class Composer(StrEnum):
    """Whether the reader can write to the customer."""

    OPEN = "open"
    CLAIM = "claim"
    BLOCKED = "blocked"
    READONLY = "readonly"


@dataclass(frozen=True)
class Banner:
    """The one thing to know before writing. `action` names what would help, if anything does.

    `until` (UTC) counts down to what it warns of; from `goes_from` on nobody is asked any more.
    """

    kind: str
    tone: str
    words: str
    action: str = ""
    until: datetime | None = None
    goes_from: datetime | None = None
    conversation_id: str = ""
    review: ConsentReview | None = None

    @property
    def icon(self) -> str:
        """Choose the icon that says what it is about, or how serious it is."""
        if self.kind in _ICONS:
            return _ICONS[self.kind]
        return {"danger": "shield-alert", "warn": "hourglass"}.get(self.tone, "info")


@dataclass(frozen=True)
class NextStep:
    """What escalation does next, and when; `unless` says what would prevent it."""

    words: str
    at: datetime
    unless: str


@dataclass(frozen=True)
class PromiseLine:
    """By when we promised to come back, what, and whether that moment is here."""

    at: datetime
    note: str
    is_due: bool


@dataclass(frozen=True)
class Desk:
    """Buttons, banner and composer of one reader in one conversation, and what comes next."""

    conversation: Conversation
    abilities: frozenset[Ability]
    composer: Composer
    verdict: Verdict
    preflight: Preflight
    banner: Banner | None
    next_step: NextStep | None = None
    handover: Handover | None = None
    promise: PromiseLine | None = None
    purpose: Purpose = Purpose.REPLY
    stop_link: str = ""
    programmes: tuple[Programme, ...] = ()
    kept: Programme | None = None
    # The name that the first message of all should say; blank once something of ours went out.
    name_to_say: str = ""
    # Whether the reader may begin conversations here, as by another channel of this customer.
    begins: bool = False
    # Whether the reader may block the customer, as on the contact's page.
    may_block: bool = False
    is_watching: bool = False
    is_muted: bool = False
    # When it was laid out, and WhatsApp's window: at its moments the page fetches the desk anew.
    now: datetime | None = None
    window: Window | None = None

    @property
    def sent_as(self) -> str:
        """Return what a message would be, unless its author says more, as the composer sends it."""
        return f"{self.purpose}:{self.kept.code}" if self.kept else self.purpose.value

    @property
    def can(self) -> str:
        """List the abilities by name, for the page."""
        return " ".join(sorted(self.abilities))

    @property
    def priorities(self) -> list[tuple[str, str]]:
        """Return the priorities that a conversation can have, the most urgent first."""
        return [(one.value, str(one.label)) for one in reversed(Conversation.Priority)]

    @property
    def may_note(self) -> bool:
        """Say whether the reader may write an internal note."""
        return Ability.NOTE in self.abilities


def desk_of(viewer: Viewer, user: User, conversation: Conversation, *, now: datetime) -> Desk:
    """Lay out the desk: abilities, then the gate's opinion, then the banner that matters most."""
    part = part_of(viewer, conversation)
    abilities = abilities_of(viewer, conversation, part)
    # The gate asks the thread for its contact: it is the one we have.
    conversation.thread.contact = conversation.contact
    verdict = compose_verdict(conversation=conversation, user=user, now=now)
    purpose = _purpose_of_first_word(conversation, user, verdict, now=now)
    programmes = _programmes_of(conversation, verdict)
    kept = _kept(programmes, conversation, user, verdict, now=now)
    if kept:
        purpose = Purpose.NOTIFICATION
    composer = _composer(abilities, verdict, purpose)
    window = window_of(conversation.thread)
    banner = (
        _review(viewer, conversation, verdict, now=now)
        or _blocked(abilities, verdict, purpose, kept)
        or _handled_by_other(viewer, conversation, abilities)
        or _claim_needed(abilities, composer)
        or _noticed(composer, verdict)
        or _newer_conversation(viewer, conversation)
        or _closed(conversation, abilities)
        or _window_closing(window, composer, now=now)
        or _test_mode(composer)
    )
    coming = _next_step(conversation, now=now)
    link = opt_out_link(conversation.account_id, address_of(conversation.thread), now=now)
    return Desk(
        *(conversation, abilities, composer, verdict),
        *(preflight_of(conversation, verdict, now=now), banner, coming),
        handover=handover_of(viewer, conversation, abilities, part),
        promise=_promise(conversation, now=now),
        purpose=purpose,
        stop_link=link,
        programmes=programmes,
        kept=kept,
        name_to_say=_name_to_say(conversation, composer, user, now=now),
        begins=may_begin(viewer, conversation.inbox),
        is_watching=part is not None and part.role == Participant.Role.WATCHER,
        may_block=not conversation.contact.is_blocked
        and may_block_here(viewer, conversation, abilities),
        is_muted=is_muted(conversation),
        now=now,
        window=window,
    )


def _promise(conversation: Conversation, *, now: datetime) -> PromiseLine | None:
    at = conversation.promised_at
    if at is None:
        return None
    return PromiseLine(at, promise_note(conversation), at <= now)


def _name_to_say(conversation: Conversation, composer: Composer, user: User, now: datetime) -> str:
    if composer is not Composer.OPEN or conversation.last_human_reply_at:
        return ""
    is_first = is_first_word(conversation.thread, Wanted(Purpose.REPLY, user, now))
    return conversation.thread.sender.account.name if is_first else ""


def _programmes_of(conversation: Conversation, verdict: Verdict) -> tuple[Programme, ...]:
    """Return the programmes of which the customer said something apart from the rest."""
    if not verdict.programmes:
        return ()
    every = asking_of(conversation.account_id).programmes
    return tuple(one for one in every if one.code in verdict.programmes)


def _kept(
    programmes: tuple[Programme, ...],
    conversation: Conversation,
    user: User,
    verdict: Verdict,
    *,
    now: datetime,
) -> Programme | None:
    """Return the programme that somebody kept who opted out: notices of it may still go."""
    if verdict.reason is not Reason.OPTED_OUT:
        return None
    for one in programmes:
        wanted = Wanted(Purpose.NOTIFICATION, user, now, programme=one.code)
        notice = verdict_on(conversation.thread, wanted, now=now)
        if notice.is_allowed or notice.is_deferred:
            return one
    return None


def _purpose_of_first_word(
    conversation: Conversation, user: User, verdict: Verdict, *, now: datetime
) -> Purpose:
    """Say what a message would be: to who has not written for long, a notice and no answer."""
    if verdict.reason is not Reason.NO_CONVERSATION:
        return Purpose.REPLY
    wanted = Wanted(Purpose.NOTIFICATION, user, now)
    notice = verdict_on(conversation.thread, wanted, now=now)
    may_go = notice.is_allowed or notice.is_deferred
    return Purpose.NOTIFICATION if may_go else Purpose.REPLY


def _composer(abilities: frozenset[Ability], verdict: Verdict, purpose: Purpose) -> Composer:
    if Ability.REPLY in abilities:
        may_go = verdict.is_allowed or verdict.is_question or purpose is not Purpose.REPLY
        return Composer.OPEN if may_go else Composer.BLOCKED
    return Composer.CLAIM if Ability.CLAIM in abilities else Composer.READONLY


def _review(
    viewer: Viewer, conversation: Conversation, verdict: Verdict, *, now: datetime
) -> Banner | None:
    """Ask who works here what a message meant that may have asked to stop."""
    if verdict.reason not in _MAY_HAVE_STOPPED:
        return None
    review = review_of(conversation, now=now)
    if review is None or not may_decide(viewer, conversation):
        return None
    words = (
        _("%(words)s Automatic messages rest until then.") % {"words": verdict.words}
        if review.is_held
        else _("Their message was read as a request to stop. %(words)s") % {"words": verdict.words}
    )
    return Banner("review", "danger", words, "review", review=review)


def _next_step(conversation: Conversation, *, now: datetime) -> NextStep | None:
    timer = next_timer(conversation, now=now)
    if timer is None or timer.due_at is None:
        return None
    step = timer.value().step
    people = {user for rung in step.to for user in rung.users}
    teams = {rung.team for rung in step.to if rung.team is not None}
    account = conversation.account_id
    users = User.objects.filter(account=account, pk__in=people) if people else ()
    inboxes = TeamInbox.objects.filter(account=account, pk__in=teams) if teams else ()
    names = Names({one.pk: one.name for one in users}, {one.pk: one.name for one in inboxes})
    return NextStep(coming_words(step, names), timer.due_at, unless_words(step.when))


def _blocked(
    abilities: frozenset[Ability], verdict: Verdict, purpose: Purpose, kept: Programme | None
) -> Banner | None:
    # That nothing goes out at all concerns every reader, not only who may answer.
    concerns = abilities & {Ability.REPLY, Ability.CLAIM} or verdict.reason is Reason.SENDER_PAUSED
    if verdict.is_allowed or not concerns:
        return None
    if kept:
        words = _("They opted out and kept “%(name)s”: what you send now goes as a notice of it.")
        return Banner("kept", "warn", words % {"name": kept.name})
    if purpose is Purpose.NOTIFICATION:
        words = _("They have not written for long: what you send now counts as a notice, no offer.")
        return Banner("notice", "info", words)
    is_closed = verdict.reason is Reason.WA_WINDOW_CLOSED
    tone = "warn" if is_closed or verdict.is_question else "danger"
    return Banner(
        *(verdict.reason.value.lower(), tone, verdict.words, _way_out(abilities, verdict)),
        goes_from=verdict.goes_from,
    )


def _way_out(abilities: frozenset[Ability], verdict: Verdict) -> str:
    """Name what the reader can do about what the gate says, if they can do anything."""
    if verdict.reason in _LACKS_CONSENT and Ability.TAG in abilities:
        return "consent"
    if Ability.REPLY not in abilities:
        return ""
    if verdict.goes_from:
        return "later"
    return "template" if verdict.reason is Reason.WA_WINDOW_CLOSED else ""


def _noticed(composer: Composer, verdict: Verdict) -> Banner | None:
    """Say what who writes should know, though the gate lets it go."""
    if composer is not Composer.OPEN or not verdict.is_allowed or not verdict.notices:
        return None
    return Banner("advice", "warn", " ".join(one.words for one in verdict.notices))


def _handled_by_other(
    viewer: Viewer, conversation: Conversation, abilities: frozenset[Ability]
) -> Banner | None:
    owner = conversation.owner
    if owner is None or owner.pk == viewer.user_id or Ability.REPLY in abilities:
        return None
    words = _("%(name)s is handling this conversation.") % {"name": owner.name}
    action = "take-over" if Ability.TAKE_OVER in abilities else ""
    return Banner("handled", "info", words, action)


def _claim_needed(abilities: frozenset[Ability], composer: Composer) -> Banner | None:
    if composer is not Composer.CLAIM:
        return None
    return Banner("claim", "info", _("Claim this conversation to answer."), "claim")


def _newer_conversation(viewer: Viewer, conversation: Conversation) -> Banner | None:
    if not conversation.is_closed:
        return None
    newer = (
        Conversation.objects.visible_to(viewer)
        .filter(thread=conversation.thread_id, pk__gt=conversation.pk)
        .order_by("-pk")
        .first()
    )
    if newer is None:
        return None
    words = _("They wrote again after this was closed.")
    return Banner("newer", "info", words, "open", conversation_id=newer.public_id)


def _closed(conversation: Conversation, abilities: frozenset[Ability]) -> Banner | None:
    if not conversation.is_closed:
        return None
    if Ability.REPLY not in abilities:
        return Banner("closed", "info", _("This conversation is closed."))
    words = (
        _("This conversation is closed. A reply opens it again for the team.")
        if conversation.inbox.is_collaborative
        else _("This conversation is closed. A reply opens it again and makes it yours.")
    )
    return Banner("closed", "info", words, "reopen")


def _window_closing(window: Window | None, composer: Composer, *, now: datetime) -> Banner | None:
    if composer is not Composer.OPEN or window is None or now < window.warns_at:
        return None
    words = _("WhatsApp lets you answer freely only for 24 hours after their message. It closes")
    return Banner("window", "warn", words, until=window.closes_at)


def _test_mode(composer: Composer) -> Banner | None:
    if composer is not Composer.OPEN or not settings.TWILIO_API_BASE:
        return None
    return Banner("test", "info", _("Test mode: messages go to the simulator, not to customers."))
