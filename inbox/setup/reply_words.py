"""What does a reply say, in words that an admin compares? For the audit log and for two editors."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from routing.escalation import Clock
from routing.replies import (
    AfterHoursReply,
    FirstMessageReply,
    FirstWhen,
    KeywordReply,
    Replies,
    StillWaitingReply,
)
from routing.sentences import Names, group_words
from routing.wording import Variant

AnyReply = KeywordReply | AfterHoursReply | FirstMessageReply | StillWaitingReply


def when_words(when: FirstWhen) -> str:
    """Say which message counts as a first one."""
    return {
        FirstWhen.EVER: _("a customer's first message ever"),
        FirstWhen.PER_CONVERSATION: _("the first message of each conversation"),
        FirstWhen.AFTER_SILENCE: _("the first message after a silence"),
    }[when]


def clock_words(clock: Clock) -> str:
    """Say which minutes count."""
    return {
        Clock.CALENDAR: _("minutes of any time"),
        Clock.BUSINESS: _("minutes of business hours"),
    }[clock]


def for_whom(variant: Variant) -> str:
    """Say for whom a wording is: its language, hours and places; blank if for everybody."""
    places = ", ".join(sorted(variant.places))
    return " · ".join(filter(None, (variant.language, str(variant.hours or ""), places)))


def told(reply: AnyReply | None, names: Names) -> dict[str, str]:
    """Return what a reply says, point by point."""
    if reply is None:
        return {}
    points = {_("On"): _("yes") if reply.is_on else _("no"), **_own_points(reply, names)}
    points |= _texts(_("Text"), reply.variants)
    if isinstance(reply, AfterHoursReply):
        points |= _texts(_("Text on holidays"), reply.holiday_variants)
    return points


def _own_points(reply: AnyReply, names: Names) -> dict[str, str]:
    if isinstance(reply, KeywordReply):
        return {
            _("Name"): reply.name,
            _("Words"): ", ".join(reply.phrases),
            _("Conditions"): group_words(reply.condition, names) if reply.condition else "",
        }
    if isinstance(reply, FirstMessageReply):
        hours = int(reply.silence.total_seconds() // 3600)
        silence = {_("Hours of silence"): str(hours)}
        is_asked = reply.when is FirstWhen.AFTER_SILENCE
        return {_("When"): when_words(reply.when), **(silence if is_asked else {})}
    if isinstance(reply, StillWaitingReply):
        return {_("After"): f"{reply.after} {clock_words(reply.clock)}"}
    return {}


def _texts(label: str, variants: Sequence[Variant]) -> dict[str, str]:
    found: dict[str, str] = {}
    for variant in variants:
        whom = for_whom(variant)
        name = f"{label} ({whom})" if whom else label
        alike = sum(1 for other in found if other == name or other.startswith(f"{name} #"))
        found[f"{name} #{alike + 1}" if alike else name] = variant.text.source
    return found


def told_all(replies: Replies, names: Names) -> dict[str, str]:
    """Return what an inbox says by itself, point by point, under the name of each reply."""
    named: dict[str, AnyReply | None] = {
        _("After hours"): replies.after_hours,
        _("First message"): replies.first_message,
        _("Still waiting"): replies.still_waiting,
        **{f"“{one.name}”": one for one in replies.keyword},
    }
    points = {
        f"{name}: {label}": words
        for name, reply in named.items()
        for label, words in told(reply, names).items()
    }
    order = ", ".join(one.name for one in replies.keyword)
    return {
        **points,
        **({_("Order"): order} if len(replies.keyword) > 1 else {}),
        **({_("Language"): replies.default_language} if replies.default_language else {}),
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what differs between two, as the audit log writes it."""
    return {
        label: {"before": before.get(label, ""), "after": after.get(label, "")}
        for label in {**before, **after}
        if before.get(label, "") != after.get(label, "")
    }
