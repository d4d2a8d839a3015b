"""Which wording of a reply suits this customer now, and what is filled into it?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from routing.facts import Customer, Facts
from routing.hours import MINUTES_OF_DAY, Opening
from routing.languages import CONFIDENT, base_of, is_same
from routing.places import is_country
from routing.texts import (
    OPT_OUT_LINK,
    Datum,
    Problem,
    Text,
    Values,
    Variable,
    attribute_name,
    crm_name,
    first_name,
    problems,
)

# As many as there are steps in `_kinship`.
_KINSHIPS = 4
_OPENS = ("inbox.opens_on", "inbox.opens_at")


@dataclass(frozen=True)
class Variant:
    """One wording. Blank language: for anybody; no hours: at any time; no places: anywhere.

    `hours` are those of the inbox's zone, past 24:00 into the next day. `places` are countries
    (CA), regions (QC) or both (CA-QC), as the facts name them; what names a country means it: CA is
    Canada, and California is US-CA.
    """

    text: Text
    language: str = ""
    hours: Opening | None = None
    places: frozenset[str] = frozenset()

    def fits(self, customer: Customer, minute: int) -> bool:
        """Say whether it is meant for where the customer is, at a minute of the inbox's day."""
        if self.places and not self.places & _places_of(customer):
            return False
        later = minute + MINUTES_OF_DAY
        return self.hours is None or any(
            self.hours.starts <= one < self.hours.ends for one in (minute, later)
        )

    @property
    def is_for_some(self) -> bool:
        """Say whether it is for some places or hours only."""
        return bool(self.places) or self.hours is not None

    def strictness(self, customer: Customer) -> int:
        """Return how much it asks of a customer: a region is more than a country or a time."""
        is_of_region = bool(self.places & _places_of(customer) - {customer.country})
        return 2 * bool(self.places) + 2 * is_of_region + (self.hours is not None)


@dataclass(frozen=True)
class Voice:
    """In whose name it is said, in which language if the customer's is not known.

    `variables` are those of the account, with their kinds; `opt_out_link` is this customer's own.
    """

    inbox_name: str
    bot_name: str
    default_language: str
    variables: Mapping[str, Variable]
    opt_out_link: str = ""


@dataclass(frozen=True)
class Worded:
    """What is said, and in which language."""

    text: str
    language: str


def by_language(texts: Mapping[str, str]) -> tuple[Variant, ...]:
    """Return one wording per language. A text of none is a Data Action's: it is said as it is.

    Developers' code may repeat what a customer wrote, and that is never read for variables.
    """
    return tuple(
        Variant(Text.parse(text) if language else Text.literal(text), language)
        for language, text in texts.items()
    )


def word(variants: Sequence[Variant], facts: Facts, voice: Voice, *, at: datetime) -> Worded | None:
    """Return the first wording of the fallback chain that says anything; None if none does.

    The chain: what fits the place and the time of day, in the customer's language, in the detected
    one if we are confident, in the inbox's default, in any; the stricter before the looser. Only
    then what fits neither place nor time: an answer in other words is better than none.
    """
    suitable = chain(variants, facts, voice.default_language, at=at)
    said = (worded(variant, facts, voice, at=at) for variant in suitable)
    return next((one for one in said if one.text), None)


def worded(variant: Variant, facts: Facts, voice: Voice, *, at: datetime) -> Worded:
    """Return what one wording would say to this customer, whether it suits them or not."""
    language = variant.language or voice.default_language
    values = values_for(variant.text, facts, voice, language, at=at)
    return Worded(variant.text.render(values), language)


def chain(
    variants: Sequence[Variant], facts: Facts, default_language: str, *, at: datetime
) -> list[Variant]:
    """Return all wordings, the most suitable first."""
    wanted = list(wanted_languages(facts, default_language))
    local = at.astimezone(ZoneInfo(facts.calendar.zone))
    minute = local.hour * 60 + local.minute

    def rank(variant: Variant) -> tuple[bool, int, int]:
        is_fit = variant.fits(facts.customer, minute)
        strict = variant.strictness(facts.customer)
        return not is_fit, _distance(variant.language, wanted), -strict if is_fit else strict

    return sorted(variants, key=rank)


def wanted_languages(facts: Facts, default_language: str) -> Iterator[str]:
    """Return the languages in which to answer, the best first; the last is the inbox's own."""
    if facts.customer.language:
        yield facts.customer.language
    if facts.text.language and facts.text.confidence >= CONFIDENT:
        yield facts.text.language
    yield default_language


def values_for(text: Text, facts: Facts, voice: Voice, language: str, *, at: datetime) -> Values:
    """Return what the variables of a text stand for, as of an instant."""
    customer = facts.customer
    data: dict[str, Datum] = {
        "contact.first_name": first_name(customer.name),
        "contact.name": customer.name,
        "contact.number": customer.number,
        "inbox.name": voice.inbox_name,
        "bot.name": voice.bot_name,
        OPT_OUT_LINK: voice.opt_out_link,
    }
    if any(slot.name in _OPENS for slot in text.slots):
        data |= dict.fromkeys(_OPENS, facts.calendar.opens_at(at))
    data |= {attribute_name(key): value for key, value in customer.attributes.items()}
    for connector, answer in facts.answers.items():
        data |= {crm_name(connector, key): value for key, value in answer.fields.items()}
    return Values(data, voice.variables, facts.calendar.zone, language)


def wording_problems(variants: Sequence[Variant], voice: Voice) -> list[Problem]:
    """Return what is wrong with the wordings of one reply; of several, the words say which."""
    found = [
        Problem(_label(variant, variants) + problem.words, problem.is_error)
        for variant in variants
        for problem in problems(variant.text, voice.variables)
    ]
    if variants and all(variant.is_for_some for variant in variants):
        found.append(
            Problem(
                _(
                    "Every text is for some hours or places only; at other times and elsewhere "
                    "the first of them is sent all the same."
                ),
                is_error=False,
            )
        )
    own = voice.default_language
    if variants and not any(_is_understood(one.language, own) for one in variants):
        words = _("There is no text in the inbox's own language (%(language)s).")
        found.append(Problem(words % {"language": own}, is_error=False))
    return found


def _label(variant: Variant, variants: Sequence[Variant]) -> str:
    return f"{variant.language}: " if variant.language and len(variants) > 1 else ""


def _distance(language: str, wanted: Sequence[str]) -> int:
    """Return how far a language is from those wanted: one of them, its cousins, any, other."""
    if not language:
        return _KINSHIPS * len(wanted)
    for place, one in enumerate(wanted):
        if _is_understood(language, one):
            return _KINSHIPS * place + _kinship(language, one)
    return _KINSHIPS * len(wanted) + 1


def _is_understood(language: str, by: str) -> bool:
    return not language or base_of(language) == base_of(by)


def _kinship(language: str, wanted: str) -> int:
    """Return how far a language is from another of the same base.

    Itself, a wider or narrower one (pt-BR, pt), one of another place (pt-BR, pt-PT), another script
    (zh-TW, zh-Hans).
    """
    one, other = (code.casefold().replace("_", "-") for code in (language, wanted))
    if one == other:
        return 0
    if not is_same(one, other):
        return 3
    is_wider = one.startswith(f"{other}-") or other.startswith(f"{one}-")
    return 1 if is_wider else 2


def _places_of(customer: Customer) -> frozenset[str]:
    country, region = customer.country, customer.region
    both = f"{country}-{region}" if country and region else ""
    alone = "" if is_country(region) else region
    return frozenset(filter(None, (country, alone, both)))
