"""What may an inbox say by itself, written down? One JSON document, read as strictly as the rules.

{"format": 1, "default_language": "en", "first_message": {"when": "per_conversation", "variants":
[{"text": "Hi {{contact.first_name|there}}!"}, {"text": "¡Hola!", "language": "es"}]}}

What is missing is off. What has "on": false is off too and keeps its texts.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from accounts.english import noop
from routing.documents import condition_of, is_time, written_group
from routing.escalation import Clock
from routing.hours import MINUTES_OF_DAY, Opening, clock
from routing.reading import DocumentError, Place
from routing.replies import (
    AfterHoursReply,
    FirstMessageReply,
    FirstWhen,
    KeywordReply,
    Replies,
    StillWaitingReply,
)
from routing.texts import BUILT_IN, Kind, Text, Variable
from routing.wording import Variant

FORMAT = 1
MOST_KEYWORD_REPLIES = 100
MOST_PHRASES = 100
MOST_VARIANTS = 50
MOST_PLACES = 100
MOST_VARIABLES = 200
LONGEST_NAME = 80
LONGEST_PHRASE = 100
LONGEST_SOURCE = 4_000
LONGEST_SILENCE_HOURS = 366 * 24
LONGEST_WAIT_MINUTES = 30 * 24 * 60
_PLACE = re.compile(r"[A-Z]{2,3}(-[A-Z0-9]{1,3})?")
_KEYS = (
    *("format", "default_language", "keyword", "after_hours", "first_message", "still_waiting"),
    "variables",
)


def read_replies(document: object) -> Replies:
    """Read what an inbox says by itself. Raises DocumentError with every problem and its place.

    A blank default language is that of the inbox. Texts are only read here; whether they may be
    published, `routing.replies.reply_problems` says.
    """
    place = Place("", document)
    place.refuse_unknown(*_KEYS)
    if place.get("format", FORMAT) != FORMAT:
        place.at("format").refuse(noop("This is format %(format)s.") % {"format": FORMAT})
    read = Replies(
        keyword=_keyword_replies(place),
        after_hours=_after_hours(place.at("after_hours")),
        first_message=_first_message(place.at("first_message")),
        still_waiting=_still_waiting(place.at("still_waiting")),
        default_language=place.language("default_language"),
        variables={**BUILT_IN, **_variables(place.at("variables"))},
    )
    if place.problems:
        raise DocumentError(place.problems)
    return read


def document_of(replies: Replies) -> dict[str, Any]:
    """Write down what an inbox says by itself; reading it again gives the same."""
    written: dict[str, Any] = {
        "default_language": replies.default_language,
        "keyword": [_written_keyword(one) for one in replies.keyword],
        "after_hours": _written_after_hours(replies.after_hours),
        "first_message": _written_first_message(replies.first_message),
        "still_waiting": _written_still_waiting(replies.still_waiting),
        "variables": _written_variables(replies),
    }
    return {"format": FORMAT, **{key: value for key, value in written.items() if value}}


# --- Reading ---


def _keyword_replies(place: Place) -> tuple[KeywordReply, ...]:
    read = tuple(_keyword_reply(one) for one in place.items("keyword", MOST_KEYWORD_REPLIES))
    names = [one.name.casefold() for one in read if one.name]
    for twice in sorted({one for one in names if names.count(one) > 1}):
        place.at("keyword").refuse(noop("Two replies are called “%(twice)s”.") % {"twice": twice})
    return read


def _keyword_reply(place: Place) -> KeywordReply:
    place.refuse_unknown("name", "phrases", "if", "variants", "on")
    read = KeywordReply(
        name=place.text("name", most=LONGEST_NAME, is_needed=True),
        variants=_variants(place),
        phrases=tuple(
            one.as_text(most=LONGEST_PHRASE, is_needed=True)
            for one in place.items("phrases", MOST_PHRASES)
        ),
        condition=condition_of(place) if place.has("if") else None,
        is_on=place.flag("on", default=True),
    )
    if not read.phrases and read.condition is None:
        place.refuse(noop("Say what it answers: write phrases, or conditions at “if”."))
    _refuse_silent(place, read.variants, is_on=read.is_on)
    return read


def _after_hours(place: Place) -> AfterHoursReply | None:
    if place.value is None:
        return None
    place.refuse_unknown("variants", "holiday_variants", "on")
    variants, holidays = _variants(place), _variants(place, "holiday_variants")
    read = AfterHoursReply(variants, holidays, place.flag("on", default=True))
    _refuse_silent(place, (*variants, *holidays), is_on=read.is_on)
    return read


def _first_message(place: Place) -> FirstMessageReply | None:
    if place.value is None:
        return None
    place.refuse_unknown("variants", "when", "silence_hours", "on")
    hours = place.whole("silence_hours", least=1, most=LONGEST_SILENCE_HOURS)
    read = FirstMessageReply(
        _variants(place),
        place.kind("when", FirstWhen, FirstWhen.PER_CONVERSATION),
        timedelta(hours=hours or 24),
        place.flag("on", default=True),
    )
    _refuse_silent(place, read.variants, is_on=read.is_on)
    return read


def _still_waiting(place: Place) -> StillWaitingReply | None:
    if place.value is None:
        return None
    place.refuse_unknown("variants", "after", "clock", "on")
    after = place.whole("after", least=1, most=LONGEST_WAIT_MINUTES)
    read = StillWaitingReply(
        _variants(place),
        after or StillWaitingReply.after,
        place.kind("clock", Clock, Clock.CALENDAR),
        place.flag("on", default=True),
    )
    _refuse_silent(place, read.variants, is_on=read.is_on)
    return read


def _refuse_silent(place: Place, variants: Sequence[Variant], *, is_on: bool) -> None:
    if is_on and not variants:
        place.refuse(noop("Write at least one text, or turn it off."))


def _variants(place: Place, key: str = "variants") -> tuple[Variant, ...]:
    return tuple(_variant(one) for one in place.items(key, MOST_VARIANTS))


def _variant(place: Place) -> Variant:
    place.refuse_unknown("text", "language", "hours", "places")
    return Variant(
        text=Text.parse(place.text("text", most=LONGEST_SOURCE, is_needed=True)),
        language=place.language("language"),
        hours=_hours(place) if place.has("hours") else None,
        places=frozenset(_place_name(one) for one in place.items("places", MOST_PLACES)),
    )


def _place_name(place: Place) -> str:
    name = place.as_text()
    if not _PLACE.fullmatch(name):
        place.refuse(noop("Places are written CA for a country, CA-QC for a region of it."))
    return name


def _hours(place: Place) -> Opening | None:
    """Read hours of the day; those that end before they begin go on into the next day."""
    times = place.texts("hours")
    if len(times) != 2 or not all(map(is_time, times)) or not _is_stretch(*times):
        place.at("hours").refuse(noop("Two times are wanted here, such as 22:00 and 06:00."))
        return None
    starts, ends = map(_minute, times)
    return Opening(starts, ends if ends > starts else ends + MINUTES_OF_DAY)


def _is_stretch(starts: str, ends: str) -> bool:
    return starts != ends and starts != "24:00"


def _minute(time: str) -> int:
    hours, _colon, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


def _variables(place: Place) -> dict[str, Variable]:
    """Read of which kind variables are: what a text says of a date depends on it."""
    if place.value is None:
        return {}
    if not isinstance(place.value, dict) or len(place.value) > MOST_VARIABLES:
        place.refuse(
            noop("An object of at most %(most_variables)s names is wanted here.")
            % {"most_variables": MOST_VARIABLES}
        )
        return {}
    found = {}
    for name in map(str, place.value):
        if name.startswith(("crm.", "contact.attributes.")):
            found[name] = Variable(place.kind(name, Kind, Kind.TEXT))
        else:
            place.refuse(
                noop("“%(name)s” is no field of a CRM and no attribute of a contact.")
                % {"name": name[:40]}
            )
    return found


# --- Writing ---


def _written_keyword(reply: KeywordReply) -> dict[str, Any]:
    return {
        "name": reply.name,
        **_off(is_on=reply.is_on),
        **({"phrases": list(reply.phrases)} if reply.phrases else {}),
        **({"if": written_group(reply.condition)} if reply.condition else {}),
        "variants": _written_variants(reply.variants),
    }


def _written_after_hours(reply: AfterHoursReply | None) -> dict[str, Any]:
    if reply is None:
        return {}
    holidays = _written_variants(reply.holiday_variants)
    return {
        **_off(is_on=reply.is_on),
        "variants": _written_variants(reply.variants),
        **({"holiday_variants": holidays} if holidays else {}),
    }


def _written_first_message(reply: FirstMessageReply | None) -> dict[str, Any]:
    if reply is None:
        return {}
    hours = reply.silence // timedelta(hours=1)
    return {
        **_off(is_on=reply.is_on),
        "when": reply.when.value,
        **({} if hours == 24 else {"silence_hours": hours}),
        "variants": _written_variants(reply.variants),
    }


def _written_still_waiting(reply: StillWaitingReply | None) -> dict[str, Any]:
    if reply is None:
        return {}
    return {
        **_off(is_on=reply.is_on),
        "after": reply.after,
        "clock": reply.clock.value,
        "variants": _written_variants(reply.variants),
    }


def _off(*, is_on: bool) -> dict[str, bool]:
    return {} if is_on else {"on": False}


def _written_variants(variants: Sequence[Variant]) -> list[dict[str, Any]]:
    return [_written_variant(one) for one in variants]


def _written_variant(variant: Variant) -> dict[str, Any]:
    return {
        "text": variant.text.source,
        **({"language": variant.language} if variant.language else {}),
        **({"hours": _written_hours(variant.hours)} if variant.hours else {}),
        **({"places": sorted(variant.places)} if variant.places else {}),
    }


def _written_hours(hours: Opening) -> list[str]:
    if hours.ends - hours.starts == MINUTES_OF_DAY:
        return [clock(0), clock(MINUTES_OF_DAY)]
    return [clock(hours.starts), clock(hours.ends)]


def _written_variables(replies: Replies) -> dict[str, str]:
    """Return the kinds of what is filled in, as far as they are not those of any text."""
    used = {slot.name for wording in replies.wordings() for slot in wording.text.slots}
    return {
        name: replies.variables[name].kind.value
        for name in sorted(used & set(replies.variables) - set(BUILT_IN))
        if replies.variables[name].kind is not Kind.TEXT
    }
