"""What does a message ask of us: to stop, to begin again, or for help?

Local and pure: no text leaves, no clock, no database. First the exact keywords (compliance
reference 1.1, 7, 8), then wishes in ordinary words. How it reads, and how well:
docs/opt-out-wording.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from compliance.grammar import NO_WISH, Sureness, Wish, wish_in
from compliance.keyword_table import Class, Keyword, keywords, keywords_like, language_of
from compliance.keyword_table import forms as keyword_forms
from compliance.lexicon import EVERYWHERE, lexicon, likelier_languages, rule_version, words_of
from compliance.normalising import LOOKED_AT, own_words, readable

_SMS_LIKE = frozenset({"sms", "mms", "rcs"})
_OPT_OUT_TYPES = {"STOP": "opt_out", "START": "opt_in", "HELP": "help"}
_BUTTON = "OPTOUT"
_ANYWHERE = frozenset({Class.UNIVERSAL, Class.PROVIDER_COLLISION, Class.WEAK})
_COLLIDES = frozenset({Class.COLLISION, Class.PROVIDER_COLLISION})


@dataclass(frozen=True)
class Context:
    """What came with a message and before it.

    `opt_out_type` and `button_payload` are Twilio's parameters. `last_outbound` is our last message
    to this person in the last 30 days, empty if there is none. `own_keywords` are the account's
    own, from `own_keywords.OwnKeywords.table`: squeezed form to label, or to none if switched off.
    """

    opt_out_type: str = ""
    button_payload: str = ""
    last_outbound: str = ""
    last_was_promotional: bool = False
    own_keywords: Mapping[str, str] = field(default_factory=dict)


NO_CONTEXT = Context()


@dataclass(frozen=True)
class Reading:
    """What a message asks for: opt_out, opt_in, help or none.

    `kind` is exact, fuzzy or empty; `confidence` high, medium or empty; `matched` the keyword, or
    the words that say it; `rule_version` says by which words and packs it was read.
    """

    label: str = "none"
    kind: str = ""
    confidence: str = ""
    matched: str = ""
    rule_version: str = ""

    @property
    def stops_now(self) -> bool:
        """Say whether this opts the person out at once."""
        return self.label == "opt_out" and self.confidence == "high"

    @property
    def is_held(self) -> bool:
        """Say whether a person must decide, and everything automatic rests until then."""
        return self.label == "opt_out" and self.confidence == "medium"

    @property
    def is_weak_yes(self) -> bool:
        """Say whether this is a bare YES, which is also an ordinary answer to a question."""
        return (self.label, self.kind, self.confidence) == ("opt_in", "exact", "medium")


def classify(
    text: str,
    *,
    languages: Iterable[str] = (EVERYWHERE,),
    channel: str = "sms",
    context: Context = NO_CONTEXT,
) -> Reading:
    """Say what a message asks for; any text has an answer.

    `languages` are those enabled for the inbox, of the contact and of the country; tags such as
    `pt-BR` do. `channel` is sms, mms, rcs or whatsapp.
    """
    enabled = frozenset(map(language_of, languages))
    seen = readable(text)
    said = own_words(seen)
    return (
        _told(text, context)
        or _exact(text, (said, seen), enabled, channel, context)
        or _fuzzy(said, enabled)
    )


def _told(text: str, context: Context) -> Reading | None:
    """Read what Twilio or a button says beside the text."""
    label = _OPT_OUT_TYPES.get(context.opt_out_type.strip().upper())
    if label:
        return _reading(label, "exact", "high", text.strip()[:40] or context.opt_out_type)
    if context.button_payload.strip().upper() == _BUTTON:
        return _reading("opt_out", "exact", "high", _BUTTON)
    return None


def _exact(
    text: str, ways: tuple[str, ...], enabled: frozenset[str], channel: str, context: Context
) -> Reading | None:
    """Read a message that is nothing but a keyword; what is too long never is."""
    if len(text) > LOOKED_AT:
        return None
    for way in dict.fromkeys(ways):
        own = _own(way, context)
        if own == "none":
            return None
        if own:
            return _reading(own, "exact", "high", way.strip())
        if rows := keywords_like(way):
            return _as_keyword(rows, way, enabled, channel, context)
    return None


def _own(way: str, context: Context) -> str | None:
    """Return what the account made of this word, if it did."""
    if not context.own_keywords:
        return None
    return next(filter(None, map(context.own_keywords.get, keyword_forms(way))), None)


def _as_keyword(
    rows: tuple[Keyword, ...], said: str, enabled: frozenset[str], channel: str, context: Context
) -> Reading | None:
    """Decide how much a keyword counts; one of a language nobody enabled is at most a doubt."""
    here = [row for row in rows if row.kind in _ANYWHERE or row.language in enabled]
    for row in here:
        if row.kind not in _COLLIDES or _is_meant(row, channel, context):
            is_weak = row.kind is Class.WEAK
            return _reading(row.label, "exact", "medium" if is_weak else "high", row.word)
    if here:
        return _reading(here[0].label, "fuzzy", "medium", here[0].word)
    abroad = next((row for row in rows if row.kind is Class.LANGUAGE), None)
    # Six in Spanish is a keyword in Finnish: what has a meaning here is read as such.
    if abroad and not all(map(lexicon(enabled | {EVERYWHERE}).knows, said.split())):
        return _reading(abroad.label, "fuzzy", "medium", abroad.word)
    return None


def _is_meant(row: Keyword, channel: str, context: Context) -> bool:
    """Say whether an ordinary word is meant as a keyword: our last message invited it."""
    if row.kind is Class.PROVIDER_COLLISION and channel in _SMS_LIKE:
        return True
    return context.last_was_promotional or invites(context.last_outbound, row.language)


def invites(outbound: str, language: str) -> bool:
    """Say whether a message of ours carries opt-out words of this language.

    An ordinary word counts when it stands in capitals, as in "Responde BAJA".
    """
    return any(
        row.label == "opt_out" and row.language == language and _carries(outbound, row)
        for row in keywords()
    )


def _carries(outbound: str, row: Keyword) -> bool:
    as_written = row.kind in _COLLIDES
    words, asked = (
        words_of(text if as_written else readable(text)) for text in (outbound, row.word)
    )
    return any(words[at : at + len(asked)] == asked for at in range(len(words)))


def _fuzzy(said: str, enabled: frozenset[str]) -> Reading:
    """Read a wish in ordinary words; in a language nobody enabled only a plain one, as a doubt."""
    here = enabled | {EVERYWHERE}
    wish = wish_in(said, lexicon(here))
    if wish.label == "opt_out" and wish.sureness is Sureness.HIGH:
        return _reading(wish.label, "fuzzy", "high", wish.words)
    abroad = NO_WISH if wish.label else _abroad(said, here)
    wish = wish if wish.label else abroad
    if not wish.label:
        return _reading("none", "", "", "")
    return _reading(wish.label, "fuzzy", "medium", wish.words)


def _abroad(said: str, here: frozenset[str]) -> Wish:
    for code in likelier_languages(said, here):
        wish = wish_in(said, lexicon(frozenset({code})), may_guess=False)
        if wish.label == "opt_out" and wish.sureness is Sureness.HIGH:
            return wish
    return NO_WISH


def _reading(label: str, kind: str, confidence: str, matched: str) -> Reading:
    return Reading(label, kind, confidence, matched, rule_version())
