"""What would follow from a message, at one of our senders, if somebody sent it now?

Pure: for the tester. It foretells what receiving does (compliance reference 1.4, 7.3); nothing is
stored and nobody is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from accounts.english import noop
from compliance.classify import Context, Reading, classify
from compliance.consent import KeywordHandler
from compliance.keywords import read_keyword
from compliance.state_machine import ConsentState

LONGEST_MESSAGE = 1600
CHANNELS = ("sms", "mms", "rcs", "whatsapp")
_SMS_LIKE = frozenset({"sms", "mms", "rcs"})


class Outcome(StrEnum):
    """What becomes of the person's consent."""

    OPTED_OUT = "opted_out"
    HELD = "held"
    RESTORED = "restored"
    SUGGESTED = "suggested"
    LOGGED = "logged"
    NOTHING = "nothing"


class Answer(StrEnum):
    """Who answers it."""

    NOBODY = "nobody"
    US = "us"
    TWILIO = "twilio"
    NETWORK = "network"


@dataclass(frozen=True)
class Foretold:
    """What would become of consent, who would answer, and both in words."""

    outcome: Outcome
    answer: Answer
    words: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A message as somebody tries it. Languages are tags, `country` two letters or blank."""

    text: str
    channel: str = "sms"
    languages: tuple[str, ...] = ("en",)
    last_outbound: str = ""
    last_was_promotional: bool = False
    opt_out_type: str = ""
    button_payload: str = ""
    is_opted_out: bool = False


def read_trial(trial: Trial, own_keywords: Mapping[str, str]) -> Reading:
    """Read a message as receiving would, with the account's own keywords."""
    context = Context(
        opt_out_type=trial.opt_out_type,
        button_payload=trial.button_payload,
        last_outbound=trial.last_outbound,
        last_was_promotional=trial.last_was_promotional,
        own_keywords=own_keywords,
    )
    return classify(trial.text, languages=trial.languages, channel=trial.channel, context=context)


def foretell(trial: Trial, reading: Reading, handler: KeywordHandler) -> Foretold:
    """Say what would follow at a sender with this handler."""
    carrier_knows = _carrier_knows(trial, handler)
    if reading.label == "opt_out":
        return _opt_out(trial, reading, handler, carrier_knows=carrier_knows)
    if reading.label == "opt_in":
        return _opt_in(trial, reading, handler, carrier_knows=carrier_knows)
    if reading.label == "help":
        return _help(trial, reading, handler, carrier_knows=carrier_knows)
    return Foretold(
        Outcome.NOTHING, Answer.NOBODY, (noop("An ordinary message: rules and people."),)
    )


def _carrier_knows(trial: Trial, handler: KeywordHandler) -> bool:
    """Say whether somebody upstream acts on these words and answers them."""
    if trial.opt_out_type.strip():
        return True
    is_theirs = read_keyword(trial.text).is_carrier_word
    return is_theirs and handler is not KeywordHandler.APP


@dataclass(frozen=True)
class After:
    """What is so once a message was read. One that `is_keyword` reaches no rule and no reply."""

    is_keyword: bool
    state: ConsentState


def consent_after(
    reading: Reading, before: ConsentState, ground: ConsentState, *, is_only_an_answer: bool
) -> After:
    """Say where somebody stands after a message, as `consent.apply_reading` would have it.

    `ground` is what shows again when an opt-out is lifted; `is_only_an_answer` says that a bare YES
    answers a question of ours.
    """
    is_out, is_exact = before is ConsentState.OPTED_OUT, reading.kind == "exact"
    if reading.stops_now:
        return After(is_exact, ConsentState.OPTED_OUT)
    if reading.is_held:
        return After(False, before if is_out else ConsentState.HELD)
    if is_exact and reading.label == "help":
        return After(True, before)
    if (
        is_exact
        and reading.label == "opt_in"
        and not _is_idle_yes(reading, before, is_only_an_answer=is_only_an_answer)
    ):
        return After(True, _after_start(before, ground))
    return After(False, _wrote(before))


def _is_idle_yes(reading: Reading, before: ConsentState, *, is_only_an_answer: bool) -> bool:
    if not reading.is_weak_yes or before is ConsentState.PENDING:
        return False
    return is_only_an_answer or before is not ConsentState.OPTED_OUT


def _after_start(before: ConsentState, ground: ConsentState) -> ConsentState:
    if before is ConsentState.PENDING:
        return ConsentState.OPTED_IN
    if before is ConsentState.OPTED_OUT:
        return _wrote(ground)
    return ground if before is ConsentState.HELD else before


def _wrote(state: ConsentState) -> ConsentState:
    is_nothing = state in (ConsentState.NONE, ConsentState.EXPIRED)
    return ConsentState.CONVERSATIONAL if is_nothing else state


def _opt_out(
    trial: Trial, reading: Reading, handler: KeywordHandler, *, carrier_knows: bool
) -> Foretold:
    if not reading.stops_now:
        words = (
            noop("Held: everything automatic rests until a person decides, within a business day."),
            noop("Nothing is sent to them about it."),
        )
        return Foretold(Outcome.HELD, Answer.NOBODY, words)
    done = noop("Opted out at once; what waits for them is cancelled.")
    if trial.is_opted_out:
        done = noop("They are opted out already; it is written down.")
    if carrier_knows:
        return Foretold(Outcome.OPTED_OUT, _upstream(handler), (done, _told_by(handler)))
    if trial.is_opted_out:
        words = (done, noop("No second confirmation is sent, ever."))
        return Foretold(Outcome.OPTED_OUT, Answer.NOBODY, words)
    ours = (done, noop("We send the one confirmation, within 5 minutes."))
    if handler is not KeywordHandler.APP:
        refused = noop("If Twilio answered all the same, ours is refused (21610) and stays so.")
        return Foretold(Outcome.OPTED_OUT, Answer.US, (*ours, refused))
    return Foretold(Outcome.OPTED_OUT, Answer.US, ours)


def _opt_in(
    trial: Trial, reading: Reading, handler: KeywordHandler, *, carrier_knows: bool
) -> Foretold:
    if reading.kind == "fuzzy":
        asked = noop("Never by itself: the agent is asked to let them text START.")
        return Foretold(Outcome.SUGGESTED, Answer.NOBODY, (asked,))
    upstream = _upstream(handler) if carrier_knows else Answer.NOBODY
    if not trial.is_opted_out:
        return Foretold(
            Outcome.NOTHING, upstream, (noop("They are not opted out: nothing changes."),)
        )
    if reading.is_weak_yes and _is_only_an_answer(trial, handler):
        stays = noop("A bare YES is an answer here: they stay opted out, and it is written down.")
        return Foretold(Outcome.LOGGED, Answer.NOBODY, (stays,))
    return _restored(handler, carrier_knows=carrier_knows)


def _restored(handler: KeywordHandler, *, carrier_knows: bool) -> Foretold:
    done = noop("What was before the opt-out holds again; consent to offers only if it was there.")
    if carrier_knows:
        return Foretold(Outcome.RESTORED, _upstream(handler), (done, _told_by(handler)))
    if handler is KeywordHandler.APP:
        return Foretold(Outcome.RESTORED, Answer.US, (done, noop("We send the confirmation.")))
    stays = noop("Twilio does not know this word: its block stays until they text START.")
    return Foretold(Outcome.RESTORED, Answer.NOBODY, (done, stays))


def _is_only_an_answer(trial: Trial, handler: KeywordHandler) -> bool:
    return (
        trial.channel not in _SMS_LIKE
        or handler is KeywordHandler.CARRIER_TOLLFREE
        or trial.last_outbound.rstrip().endswith("?")
    )


def _help(
    trial: Trial, reading: Reading, handler: KeywordHandler, *, carrier_knows: bool
) -> Foretold:
    if reading.kind == "fuzzy":
        words = (noop("A wish for help in words: rules and people answer it."),)
        return Foretold(Outcome.NOTHING, Answer.NOBODY, words)
    if handler is KeywordHandler.APP and not trial.opt_out_type.strip():
        return Foretold(Outcome.LOGGED, Answer.US, (noop("Written down; we send the help text."),))
    if handler is KeywordHandler.CARRIER_TOLLFREE and trial.is_opted_out:
        words = (noop("Written down. The network answers HELP only after they opted in again."),)
        return Foretold(Outcome.LOGGED, Answer.NOBODY, words)
    if carrier_knows:
        return Foretold(
            Outcome.LOGGED, _upstream(handler), (noop("Written down."), _told_by(handler))
        )
    words = (noop("Written down. This word is not one that Twilio answers, and we do not either."),)
    return Foretold(Outcome.LOGGED, Answer.NOBODY, words)


def _upstream(handler: KeywordHandler) -> Answer:
    return Answer.NETWORK if handler is KeywordHandler.CARRIER_TOLLFREE else Answer.TWILIO


def _told_by(handler: KeywordHandler) -> str:
    who = {
        KeywordHandler.TWILIO_ADVANCED: noop("Twilio's Advanced Opt-Out answers them"),
        KeywordHandler.CARRIER_TOLLFREE: noop("The toll-free network answers them"),
    }.get(handler, noop("Twilio answers them"))
    return noop("%(who)s; we send nothing.") % {"who": who}
