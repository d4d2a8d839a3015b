"""What do pages about automatic replies show? Responders in sentences, texts as they are sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import feature_is_on
from accounts.models import Feature
from inbox.models import TeamInbox
from inbox.segments import Segments, count
from inbox.setup.replies import names_in
from inbox.setup.reply_words import AnyReply, clock_words, for_whom, when_words
from inbox.timers import hours_of
from inbox.tongues import language_name
from inbox.views.settings.replies_forms import (
    AFTER_HOURS,
    FIRST_MESSAGE,
    STILL_WAITING,
    Line,
)
from routing.facts import Facts
from routing.hours import Calendar
from routing.replies import FirstWhen, KeywordReply, Replies
from routing.sentences import Names, group_words
from routing.texts import Text
from routing.wording import Variant, Voice, worded

MOST_CULPRITS = 12


@dataclass(frozen=True)
class Said:
    """A text of a responder, in short."""

    whom: str
    text: str
    language: str


@dataclass(frozen=True)
class Responder:
    """One row of the page. `state`: on, off, or blank where there is nothing yet.

    `deed` is what the link to `url` is called, if not Open or Write one.
    """

    title: str
    sentence: str
    state: str = ""
    url: str = ""
    texts: tuple[Said, ...] = ()
    warning: str = ""
    name: str = ""
    deed: str = ""


@dataclass(frozen=True)
class Preview:
    """A text as this customer would get it."""

    label: str
    text: str
    language: str
    cost: Segments
    culprits: str
    problems: tuple[str, ...]
    notices: tuple[str, ...] = ()


# --- The list ---


def notices(inbox: TeamInbox) -> Responder:
    """Describe what the law asks for; its texts are not ours to hide."""
    words = _(
        "STOP, START and HELP are answered before anything else, unless Twilio has done so. "
        "Nothing below can come before it."
    )
    texts = {
        _("After STOP"): inbox.opt_out_text,
        _("After START"): inbox.opt_in_text,
        _("To HELP"): inbox.help_text,
    }
    said = tuple(Said(whom, text, inbox.language) for whom, text in texts.items())
    return Responder(_("Consent"), words, "on", texts=said)


def of_rules(inbox: TeamInbox, *, now: datetime) -> Responder:
    """Describe what rules may say."""
    words = _("The rule that decides about a message may bring an answer of its own.")
    if not feature_is_on(inbox.account_id, Feature.CUSTOM_ROUTING, now=now):
        return Responder(
            _("Rules"),
            words,
            "off",
            url=reverse("settings_features"),
            warning=_("Custom routing is off for your account: rules say nothing."),
            deed=_("Ask for it"),
        )
    url = reverse("settings_rules", args=[inbox.slug])
    return Responder(_("Rules"), words, "on" if inbox.rulebook_id else "", url)


def of_keywords(inbox: TeamInbox, replies: Replies) -> list[Responder]:
    """Describe the keyword replies in their order."""
    has_conditions = any(one.condition for one in replies.keyword)
    names = names_in(inbox.account_id) if has_conditions else Names()
    return [
        Responder(
            one.name,
            _asked(one, names),
            _state(one),
            _url(inbox, f"keyword-{number}"),
            _said(one.variants),
            name=one.name,
        )
        for number, one in enumerate(replies.keyword, start=1)
    ]


def after_hours(inbox: TeamInbox, replies: Replies) -> Responder:
    """Describe what is said while it is closed."""
    reply = replies.after_hours
    holidays = _said(reply.holiday_variants, _("holidays")) if reply else ()
    is_never = inbox.hours_id is None and reply is not None and reply.is_on
    return Responder(
        _("After hours"),
        _("Said once in each closed night, weekend or holiday, to a customer who writes then."),
        _state(reply),
        _url(inbox, AFTER_HOURS),
        (*(_said(reply.variants) if reply else ()), *holidays),
        _("This inbox is always open: choose business hours, or it is never said.")
        if is_never
        else "",
    )


def first_message(inbox: TeamInbox, replies: Replies) -> Responder:
    """Describe the greeting."""
    reply = replies.first_message
    words = _("Greets a customer.")
    if reply:
        words = _("Answers %(when)s.") % {"when": when_words(reply.when)}
    if reply and reply.when is FirstWhen.AFTER_SILENCE:
        hours = int(reply.silence.total_seconds() // 3600)
        silence = ngettext("%d hour", "%d hours", hours) % hours
        words = _("Answers the first message after %(time)s of silence.") % {"time": silence}
    texts = _said(reply.variants) if reply else ()
    url = _url(inbox, FIRST_MESSAGE)
    return Responder(_("First message"), words, _state(reply), url, texts)


def still_waiting(inbox: TeamInbox, replies: Replies) -> Responder:
    """Describe what is said to who waits."""
    reply = replies.still_waiting
    words = _("Tells a customer who waits that they are not forgotten, once in each wait.")
    if reply:
        words = _("Said after %(after)d %(minutes)s without a person’s answer, once in each wait.")
        words %= {"after": reply.after, "minutes": clock_words(reply.clock)}
    texts = _said(reply.variants) if reply else ()
    url = _url(inbox, STILL_WAITING)
    return Responder(_("Still waiting"), words, _state(reply), url, texts)


def _asked(reply: KeywordReply, names: Names) -> str:
    words = _("Answers a message with: %(words)s.") % {"words": ", ".join(reply.phrases)}
    if reply.condition is None:
        return words
    condition = group_words(reply.condition, names)
    if not reply.phrases:
        return _("Answers a message if %(condition)s.") % {"condition": condition}
    return f"{words} {_('Or if %(condition)s.') % {'condition': condition}}"


def _state(reply: AnyReply | None) -> str:
    return "" if reply is None else "on" if reply.is_on else "off"


def _said(variants: Sequence[Variant], whom: str = "") -> tuple[Said, ...]:
    return tuple(
        Said(" · ".join(filter(None, (whom, _for_whom(one)))), one.text.source, one.language)
        for one in variants
    )


def _for_whom(variant: Variant) -> str:
    """Say for whom a text is, its language in its own name."""
    rest = for_whom(replace(variant, language=""))
    return " · ".join(filter(None, (language_name(variant.language), rest)))


def _url(inbox: TeamInbox, part: str) -> str:
    return reverse("settings_reply", args=[inbox.slug, part.replace("_", "-")])


# --- The preview ---


def previews(
    lines: Sequence[Line],
    facts: Facts,
    voice: Voice,
    *,
    notices: Callable[[str], tuple[str, ...]],
    at: datetime,
) -> Iterator[Preview]:
    """Return every text as this customer would get it, with what it costs.

    `notices` says what its author should know of a text as it would be sent.
    """
    for number, line in enumerate(lines, start=1):
        if not line.text:
            continue
        variant = Variant(Text.parse(line.text), line.language)
        said = worded(variant, facts, voice, at=at)
        cost = count(said.text)
        yield Preview(
            _label(line, number),
            said.text,
            said.language,
            cost,
            " ".join(cost.culprits[:MOST_CULPRITS]),
            tuple(line.text_errors),
            notices(said.text),
        )


def moment_of(inbox: TeamInbox, now: datetime) -> tuple[Calendar, datetime]:
    """Return the inbox's calendar, and a moment when it is closed: then "opens at" says most."""
    calendar = hours_of(inbox).calendar
    if calendar.is_open(now):
        return calendar, calendar.closes_at(now) or now
    return calendar, now


def _label(line: Line, number: int) -> str:
    kind = _("Holidays") if line.name.startswith("holiday") else _("Text %d") % number
    language = language_name(line.language) if line.language else _("any language")
    hours = f"{line.starts}–{line.ends}" if line.starts else ""
    return " · ".join(filter(None, (kind, language, hours, line.places.upper())))
