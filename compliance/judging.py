"""May this message go? The rules of the gate in their order, over what is known (reference 11).

Pure: nothing is asked, and the moment is given. Every rule that speaks against a message is
found; the first of them decides. Product behaviour, not legal advice: what a country asks comes
from its row of the pack, with the row's source and status.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from accounts.english import noop
from compliance.evidence import EVERY_PROGRAMME
from compliance.jurisdictions import Jurisdiction
from compliance.quiet_hours import Hours, Timing, next_send_time
from compliance.state_machine import ConsentState as State
from compliance.windows import ANY, Window

SERVICE_WINDOW = timedelta(hours=24)  # WhatsApp's, after the customer's last message
CONFIRMATION_DEADLINE = timedelta(minutes=5)  # 47 CFR 64.1200(a)(12)
DAY = timedelta(days=1)


class Purpose(StrEnum):
    """Why a message is sent."""

    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    NOTIFICATION = "notification"
    PROMOTIONAL = "promotional"
    OPT_OUT_CONFIRMATION = "optout_confirmation"
    OPT_IN_CONFIRMATION = "optin_confirmation"
    HELP_REPLY = "help_reply"
    CONSENT_REQUEST = "consent_request"
    TEST = "test"


def purpose_of(name: str) -> Purpose:
    """Return a purpose by its name; one that nobody knows is promotion, the strictest."""
    try:
        return Purpose(name)
    except ValueError:
        return Purpose.PROMOTIONAL


class Answer(StrEnum):
    """What the gate says."""

    ALLOW = "allow"
    DEFER = "defer"  # later, by itself; `until` says when
    ASK = "ask"  # a person may go on, with a reason
    BLOCK = "block"


class Level(IntEnum):
    """What a consent is worth, from nothing to what can be shown in writing."""

    NONE = 0
    CONVERSATIONAL = 1
    INFERRED = 2
    SOFT_OPT_IN = 3
    EXPRESS = 4
    WRITTEN = 5

    @property
    def words(self) -> str:
        """Say it to a person."""
        return _LEVELS[self]


_LEVELS = {
    Level.NONE: noop("no consent"),
    Level.CONVERSATIONAL: noop("only that they wrote to you"),
    Level.INFERRED: noop("consent inferred from doing business"),
    Level.SOFT_OPT_IN: noop("a customer's soft opt-in"),
    Level.EXPRESS: noop("express consent"),
    Level.WRITTEN: noop("express consent in writing"),
}


class SenderKind(StrEnum):
    """What kind of address a message is sent from."""

    LONG_CODE = "long_code"
    MOBILE = "mobile"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"
    NAME = "name"  # alphanumeric: nobody can answer it
    WHATSAPP = "whatsapp"


@dataclass(frozen=True)
class Mark:
    """Who said something of a person, and when."""

    by: str
    at: datetime


@dataclass(frozen=True)
class Consent:
    """Where the consent that a message needs stands. `words` are what they opted out with."""

    state: State = State.NONE
    since: datetime | None = None
    words: str = ""
    level: Level = Level.NONE
    # Imported without proof: good for notifications, and for no offer.
    is_unproven: bool = False
    expires_at: datetime | None = None
    # When a register such as Singapore's was last asked about the number, with the answer "free".
    register_checked_at: datetime | None = None


@dataclass(frozen=True)
class Recipient:
    """Whom it goes to: `rules` are all rows of the pack that count, `zones` where they may be."""

    country: str
    country_name: str
    rules: tuple[Jurisdiction, ...]
    zones: tuple[ZoneInfo, ...]
    is_erased: bool = False
    do_not_contact: Mark | None = None
    blocked_by: str = ""  # the provider that refuses messages to them
    reassigned_at: datetime | None = None
    has_stopped_marketing: bool = False
    consent: Consent = Consent()
    last_inbound_at: datetime | None = None
    last_words_at: datetime | None = None  # the last that was no keyword
    sent_lately: tuple[datetime, ...] = ()  # what was no answer, within a day


@dataclass(frozen=True)
class Template:
    """A WhatsApp template as it stands at Meta; `problem` says why it cannot be used."""

    category: str
    problem: str = ""


@dataclass(frozen=True)
class Draft:
    """What is to be sent. `problem` says in words what is wrong with it as it is written."""

    purpose: Purpose
    requested_at: datetime
    problem: str = ""
    template: Template | None = None
    names_us: bool = True
    is_first: bool = False
    says_how_to_stop: bool = False
    has_stop_link: bool = False
    expires_at: datetime | None = None
    programme: str = EVERY_PROGRAMME
    was_confirmed: bool = False  # the one confirmation of this opt-out was sent already
    is_confirmed_by: str = ""  # who else answers the keyword


@dataclass(frozen=True)
class Policy:
    """What an account settled for itself; only ever stricter than the rows of countries."""

    reply_after_opt_out_sms: Answer = Answer.ASK
    reply_after_opt_out_whatsapp: Answer = Answer.ALLOW
    open_for: timedelta = timedelta(days=30)
    free_for: timedelta = timedelta(hours=24)  # a person's reply goes at any hour
    replies: Window = ANY  # of later ones
    notifications: Window = ANY
    promotion: Window = ANY
    most_a_day: int | None = None


@dataclass(frozen=True)
class Case:
    """One message, all that is known, and what a person said to go on with."""

    draft: Draft
    to: Recipient
    sender: SenderKind
    policy: Policy = Policy()
    confirmed: frozenset[str] = frozenset()

    @property
    def purpose(self) -> Purpose:
        """Return what it is judged as: a marketing template is promotion, whatever it is called.

        Only the question whether they consent stays one: it is held to what promotion is held to,
        and asks for the very consent that promotion needs.
        """
        template = self.draft.template
        is_marketing = template is not None and template.category == "MARKETING"
        if is_marketing and self.draft.purpose is not Purpose.CONSENT_REQUEST:
            return Purpose.PROMOTIONAL
        return self.draft.purpose

    @property
    def is_whatsapp(self) -> bool:
        """Say whether it goes over WhatsApp."""
        return self.sender is SenderKind.WHATSAPP

    @property
    def is_answer(self) -> bool:
        """Say whether somebody is answered who wrote."""
        return self.purpose in _ANSWERS

    @property
    def is_offer(self) -> bool:
        """Say whether it is held to what promotion is held to."""
        return self.purpose in OFFERS

    @property
    def is_unasked(self) -> bool:
        """Say whether we begin, and not they."""
        return self.is_offer or self.purpose is Purpose.NOTIFICATION


_ANSWERS = frozenset({Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.TEST})
LATE_REPLY = "REPLY_HOURS"
OFFERS = frozenset({Purpose.PROMOTIONAL, Purpose.CONSENT_REQUEST})
ACKNOWLEDGED = frozenset(
    {Purpose.OPT_OUT_CONFIRMATION, Purpose.OPT_IN_CONFIRMATION, Purpose.HELP_REPLY}
)


@dataclass(frozen=True)
class Finding:
    """One rule that speaks against a message, or about it: a notice lets it go.

    `until` (UTC) is when what is deferred goes by itself; of a question about hours, from when
    nobody is asked any more.
    """

    code: str
    words: str
    answer: Answer = Answer.BLOCK
    until: datetime | None = None
    rule: str = ""  # the row of the pack, where it is a country's


@dataclass(frozen=True)
class Judgement:
    """What the gate says: the first finding decides, all of them are shown."""

    findings: tuple[Finding, ...] = ()
    notices: tuple[Finding, ...] = ()

    @property
    def answer(self) -> Answer:
        """Say whether it may go."""
        return self.findings[0].answer if self.findings else Answer.ALLOW

    @property
    def code(self) -> str:
        """Name the rule that decides."""
        return self.findings[0].code if self.findings else "OK"

    @property
    def words(self) -> str:
        """Say why, to a person."""
        return self.findings[0].words if self.findings else ""

    @property
    def until(self) -> datetime | None:
        """Say when to ask again (UTC), of what is deferred or asked because of the hour."""
        return self.findings[0].until if self.findings else None


def judge(case: Case, *, now: datetime) -> Judgement:
    """Judge one message at a moment.

    What a person confirmed is passed over, where a person may. A fault in a rule is not caught:
    whoever calls lets nothing out then.
    """
    found = [finding for rule in RULES for finding in rule(case, now)]
    held = [one for one in found if one.answer is not Answer.ALLOW]
    passed = [one for one in held if one.answer is Answer.ASK and one.code in case.confirmed]
    return Judgement(
        findings=tuple(one for one in held if one not in passed),
        notices=tuple(one for one in found if one.answer is Answer.ALLOW),
    )


# --- G0 to G2: the message itself ----------------------------------------------------------------

Rule = Callable[[Case, datetime], Iterator[Finding]]


def _input(case: Case, now: datetime) -> Iterator[Finding]:
    if case.draft.problem:
        words = noop("Something about this message is wrong: %(problem)s. It was not sent.") % {
            "problem": case.draft.problem
        }
        yield Finding("BAD_INPUT", words)


def _erased(case: Case, now: datetime) -> Iterator[Finding]:
    if case.to.is_erased:
        yield Finding(
            "CONTACT_ERASED",
            noop(
                "This person asked us to delete their data. We keep only a marker so that we never "
                "message them."
            ),
        )


def _confirmation(case: Case, now: datetime) -> Iterator[Finding]:
    draft = case.draft
    if case.purpose is not Purpose.OPT_OUT_CONFIRMATION:
        return
    if draft.was_confirmed:
        words = noop("They were told already. A second message would break the rules.")
        yield Finding("ALREADY_CONFIRMED", words)
    if draft.is_confirmed_by:
        words = noop(
            "%(is_confirmed_by)s already told them. A second message would break the rules."
        ) % {"is_confirmed_by": draft.is_confirmed_by}
        yield Finding("PROVIDER_REPLIED", words)
    if now - draft.requested_at > CONFIRMATION_DEADLINE:
        yield Finding(
            "CONFIRMATION_LATE",
            noop(
                "Too late for the one confirmation the rules allow. The opt-out itself is in force."
            ),
        )


# --- G3 to G7: the person ------------------------------------------------------------------------


def _do_not_contact(case: Case, now: datetime) -> Iterator[Finding]:
    mark = case.to.do_not_contact
    if mark and case.purpose is not Purpose.OPT_OUT_CONFIRMATION:
        words = noop("%(by)s marked this person do-not-contact on %(day)s.") % {
            "by": mark.by,
            "day": day_words(mark.at),
        }
        yield Finding("DO_NOT_CONTACT", words)


def _provider_block(case: Case, now: datetime) -> Iterator[Finding]:
    if who := case.to.blocked_by:
        yield Finding(
            "PROVIDER_BLOCKED",
            noop(
                "They texted STOP. %(who)s will refuse every message until they text "
                "START. Call or e-mail instead."
            )
            % {"who": who},
        )


def _opted_out(case: Case, now: datetime) -> Iterator[Finding]:
    consent = case.to.consent
    if consent.state is not State.OPTED_OUT or case.purpose in ACKNOWLEDGED:
        return
    if case.purpose is Purpose.REPLY and _wrote_since(case, now):
        policy = case.policy
        setting = (
            policy.reply_after_opt_out_whatsapp
            if case.is_whatsapp
            else policy.reply_after_opt_out_sms
        )
        yield Finding(
            "OPTED_OUT_REPLY",
            noop(
                "They opted out but have written again. You may answer this question once; "
                "no offers."
            ),
            setting,
        )
        return
    how = f" ({consent.words})" if consent.words else ""
    since = f" on {day_words(consent.since)}" if consent.since else ""
    yield Finding(
        "OPTED_OUT",
        noop("They opted out%(since)s%(how)s. Only they can undo it, by texting START.")
        % {"since": since, "how": how},
    )


def _wrote_since(case: Case, now: datetime) -> bool:
    """Say whether they asked something after they opted out, a day ago at most."""
    wrote, since = case.to.last_words_at, case.to.consent.since
    return bool(wrote and since and wrote > since and now - wrote <= DAY)


def _held(case: Case, now: datetime) -> Iterator[Finding]:
    consent = case.to.consent
    if consent.state is not State.HELD or case.purpose in ACKNOWLEDGED:
        return
    said = f"“{consent.words}”" if consent.words else noop("What they wrote")
    is_person = case.purpose is Purpose.REPLY
    yield Finding(
        "PENDING_REVIEW",
        noop("%(said)s may be a request to stop. Decide first.") % {"said": said},
        Answer.ASK if is_person else Answer.BLOCK,
    )


def _reassigned(case: Case, now: datetime) -> Iterator[Finding]:
    at, wrote = case.to.reassigned_at, case.to.last_inbound_at
    if at is None or case.purpose in ACKNOWLEDGED:
        return
    if case.is_answer and wrote and wrote > at:
        return
    consent = case.to.consent
    if consent.state is State.OPTED_IN and consent.since and consent.since > at:
        # What whoever has the number now consented to themselves counts.
        return
    words = noop("This number changed owner after %(day)s. Old consent does not count.") % {
        "day": day_words(at)
    }
    yield Finding("NUMBER_REASSIGNED", words)


# --- G8: the channel -----------------------------------------------------------------------------


def _service_window(case: Case, now: datetime) -> Iterator[Finding]:
    if not case.is_whatsapp or case.draft.template:
        return
    wrote = case.to.last_inbound_at
    if wrote and now - wrote <= SERVICE_WINDOW:
        return
    ago = _ago(now - wrote) if wrote else noop("they never wrote")
    yield Finding(
        "WA_WINDOW_CLOSED",
        noop(
            "WhatsApp allows free text only for 24 hours after their last message "
            "(%(ago)s). Choose an approved template, or wait until they write "
            "again."
        )
        % {"ago": ago},
    )


def _template(case: Case, now: datetime) -> Iterator[Finding]:
    template = case.draft.template
    if not case.is_whatsapp or template is None or case.purpose in ACKNOWLEDGED:
        return
    if template.problem:
        yield Finding(
            "WA_TEMPLATE_UNUSABLE",
            noop("This template cannot be used: %(problem)s") % {"problem": template.problem},
        )
    is_marketing = template.category == "MARKETING"
    if case.is_offer and not is_marketing:
        words = noop("Offers need a template of the category Marketing; this one is not.")
        yield Finding("WA_TEMPLATE_CATEGORY", words)
    if template.category == "AUTHENTICATION" and case.purpose is not Purpose.NOTIFICATION:
        words = noop("A template that carries a code is for notifications only.")
        yield Finding("WA_TEMPLATE_CATEGORY", words)
    if is_marketing and case.to.country == "US":
        words = noop("WhatsApp does not deliver marketing templates to US numbers.")
        yield Finding("WA_MARKETING_US", words)


def _marketing_stopped(case: Case, now: datetime) -> Iterator[Finding]:
    if case.is_whatsapp and case.is_offer and case.to.has_stopped_marketing:
        words = noop("They pressed “stop marketing” in WhatsApp. Other messages may still go.")
        yield Finding("WA_MARKETING_STOPPED", words)


def _sender(case: Case, now: datetime) -> Iterator[Finding]:
    for rule in case.to.rules:
        if not case.is_whatsapp and (fix := rule.refuses_sender(case.sender, case.is_offer)):
            yield Finding(
                "SENDER_NOT_ALLOWED",
                noop("In %(name)s this kind of number may not send %(value)s. %(fix)s")
                % {"name": rule.name, "value": "offers" if case.is_offer else "this", "fix": fix},
                rule=rule.code,
            )


# --- G9: consent ---------------------------------------------------------------------------------


def _conversation(case: Case, now: datetime) -> Iterator[Finding]:
    if case.purpose not in (Purpose.REPLY, Purpose.AUTO_REPLY):
        return
    wrote = case.to.last_inbound_at
    if wrote and now - wrote <= case.policy.open_for:
        return
    words = noop(
        "They have not written to you. Send it as a notification or campaign, with consent."
    )
    if wrote:
        words = noop(
            "They have not written to you for %(days)s days. Send it as a notification or "
            "campaign, with consent."
        ) % {"days": case.policy.open_for.days}
    yield Finding("NO_CONVERSATION", words)


def _consent(case: Case, now: datetime) -> Iterator[Finding]:
    if not case.is_unasked or case.to.consent.state in (State.OPTED_OUT, State.HELD):
        return
    consent = case.to.consent
    # Whoever is asked to confirm may be asked, though what they gave before ran out.
    is_asked = consent.state is State.PENDING and case.purpose is Purpose.CONSENT_REQUEST
    is_over = consent.expires_at is not None and consent.expires_at <= now and not is_asked
    level = _level(consent)
    if consent.state is State.EXPIRED or is_over:
        words = noop("Their consent ran out. Ask them for it again when they write.")
        yield Finding("CONSENT_EXPIRED", words)
    elif case.purpose is Purpose.NOTIFICATION:
        if level is Level.NONE or consent.state is State.PENDING:
            words = noop("There is no record that they agreed to this, or wrote to you about it.")
            yield Finding("NO_CONSENT", words)
    elif case.purpose is Purpose.CONSENT_REQUEST:
        if level < Level.CONVERSATIONAL:
            words = noop("They never wrote to you: they cannot be asked for consent by message.")
            yield Finding("NO_PROMO_CONSENT", words)
        # That they wrote suffices, but not where a register must be asked first (G9e).
        found = _promotional_consent(case, level, now)
        yield from (one for one in found if one.code == "REGISTER_CHECK_NEEDED")
    elif consent.is_unproven and consent.state is State.OPTED_IN:
        words = noop(
            "Their consent was imported without proof: good for notifications, not for offers."
        )
        yield Finding("NO_PROMO_CONSENT", words)
    else:
        yield from _promotional_consent(case, level, now)


def _level(consent: Consent) -> Level:
    if consent.state in (State.CONVERSATIONAL, State.PENDING):
        return Level.CONVERSATIONAL
    return consent.level if consent.state is State.OPTED_IN else Level.NONE


def _promotional_consent(case: Case, level: Level, now: datetime) -> Iterator[Finding]:
    checked = case.to.consent.register_checked_at
    for rule in case.to.rules:
        is_fresh = bool(
            checked and rule.register_days and now - checked <= timedelta(days=rule.register_days)
        )
        needed = Level[rule.consent_level.upper()]
        if level >= needed:
            continue
        if rule.register_days:
            if not is_fresh:
                yield Finding(
                    "REGISTER_CHECK_NEEDED",
                    noop(
                        "In %(name)s offers need %(words)s, or a check of the register that is "
                        "at most %(register_days)s days old."
                    )
                    % {
                        "name": rule.name,
                        "words": needed.words,
                        "register_days": rule.register_days,
                    },
                    rule=rule.code,
                )
            continue
        yield Finding(
            "NO_PROMO_CONSENT",
            noop("In %(name)s offers need %(words)s. We have %(words2)s.")
            % {"name": rule.name, "words": needed.words, "words2": level.words},
            rule=rule.code,
        )


# --- G10: the words ------------------------------------------------------------------------------


def _identity(case: Case, now: datetime) -> Iterator[Finding]:
    draft = case.draft
    if draft.names_us or not (draft.is_first or case.is_offer or case.purpose in ACKNOWLEDGED):
        return
    is_needed = case.is_offer or case.purpose in ACKNOWLEDGED
    yield Finding(
        "NO_IDENTITY",
        noop("It does not say who you are: name your business."),
        Answer.BLOCK if is_needed else Answer.ALLOW,
    )


def _opt_out_words(case: Case, now: datetime) -> Iterator[Finding]:
    if case.is_offer and not (case.draft.says_how_to_stop or case.draft.has_stop_link):
        words = noop(
            "It does not say how to stop: add “Reply STOP to opt out”, or the opt-out link."
        )
        yield Finding("NO_OPTOUT_NOTICE", words)


def _opt_out_path(case: Case, now: datetime) -> Iterator[Finding]:
    if case.is_whatsapp or not case.is_unasked or case.draft.has_stop_link:
        return
    closed = [rule for rule in case.to.rules if not rule.can_answer(case.sender)]
    if closed or case.sender is SenderKind.NAME:
        where = closed[0].name if closed else case.to.country_name
        yield Finding(
            "NO_OPTOUT_PATH",
            noop("People in %(where)s cannot reply STOP to this number. Add the opt-out link.")
            % {"where": where},
            rule=closed[0].code if closed else "",
        )


# --- G11 and G12: how often, and when ------------------------------------------------------------


def _frequency(case: Case, now: datetime) -> Iterator[Finding]:
    caps = [(rule.most_a_day, rule.code) for rule in case.to.rules if rule.most_a_day]
    if case.policy.most_a_day is not None:
        caps.append((case.policy.most_a_day, ""))
    if not case.is_unasked or not caps:
        return
    most, code = min(caps)
    lately = sorted(at for at in case.to.sent_lately if now - at < DAY)
    if len(lately) >= most:
        until = lately[-most] + DAY if most else now + DAY
        words = noop("They got %(lately)s in 24 hours; at most %(most)s may go. Will go later.") % {
            "lately": len(lately),
            "most": most,
        }
        yield Finding("FREQUENCY_CAP", words, Answer.DEFER, until, code)


def _reply_hours(case: Case, now: datetime) -> Iterator[Finding]:
    """Ask a person who answers late whether they want to at this hour (contract: decision 4).

    What was written in time and could not leave before the hour waits until it may.
    """
    wrote = case.to.last_inbound_at
    is_late = wrote is not None and now - wrote >= case.policy.free_for
    if case.purpose is not Purpose.REPLY or not is_late:
        return
    hours = [
        *(rule.hours("reply") for rule in case.to.rules),
        Hours("account", case.policy.replies),
    ]
    timing = next_send_time(hours, case.to.zones, now)
    if timing.is_now:
        return
    first = timing.held[0]
    words = noop("It is %(wall)s where they are (%(zone)s).") % {
        "wall": f"{first.wall:%H:%M}",
        "zone": first.zone,
    }
    if timing.until:
        words = noop("%(there)s Answer from %(clock)s there, or say why it cannot wait.") % {
            "there": words,
            "clock": _clock(timing, first.zone),
        }
    is_asked = now <= case.draft.requested_at or LATE_REPLY in case.confirmed
    answer = Answer.ASK if is_asked or timing.until is None else Answer.DEFER
    yield Finding(LATE_REPLY, words, answer, timing.until, first.code)


def _quiet_hours(case: Case, now: datetime) -> Iterator[Finding]:
    if not case.is_unasked:
        return
    timing = next_send_time(_hours(case), case.to.zones, now)
    if timing.is_now:
        return
    first = timing.held[0]
    there = noop("It is %(wall)s where they are (%(zone)s).") % {
        "wall": f"{first.wall:%H:%M}",
        "zone": first.zone,
    }
    expiry = case.draft.expires_at
    if timing.until is None or (expiry and timing.until > expiry):
        late = (
            noop("No moment of the next seven days is allowed.")
            if not timing.until
            else (noop("The first moment that is allowed is after it expires."))
        )
        yield Finding("QUIET_HOURS_EXPIRED", f"{there} {late}", rule=first.code)
        return
    words = noop("%(there)s Will go at %(clock)s there.") % {
        "there": there,
        "clock": _clock(timing, first.zone),
    }
    yield Finding("QUIET_HOURS", words, Answer.DEFER, timing.until, first.code)


def _hours(case: Case) -> Sequence[Hours]:
    purpose = "notification" if case.purpose is Purpose.NOTIFICATION else "promotional"
    own = case.policy.notifications if purpose == "notification" else case.policy.promotion
    return [*(rule.hours(purpose) for rule in case.to.rules), Hours("account", own)]


def _clock(timing: Timing, zone: str) -> str:
    assert timing.until is not None
    wall = timing.until.astimezone(ZoneInfo(zone))
    return f"{wall:%a} {wall.day} {wall:%b}, {wall:%H:%M}"


def day_words(moment: datetime) -> str:
    """Write a day (UTC) as the words of the gate name it: `3 May 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def _ago(past: timedelta) -> str:
    hours = int(past.total_seconds() // 3600)
    if hours < 48:
        return noop("%(hours)s hours ago") % {"hours": hours}
    return noop("%(days)s days ago") % {"days": hours // 24}


RULES: tuple[Rule, ...] = (
    _input,
    _erased,
    _confirmation,
    _do_not_contact,
    _provider_block,
    _opted_out,
    _held,
    _reassigned,
    _service_window,
    _template,
    _marketing_stopped,
    _sender,
    _conversation,
    _consent,
    _identity,
    _opt_out_words,
    _opt_out_path,
    _frequency,
    _reply_hours,
    _quiet_hours,
)
