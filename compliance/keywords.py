"""What does a text say about consent, read by the carrier's exact keywords?

A keyword counts only when it is the whole message (Twilio matches the same way, see
https://help.twilio.com/articles/223134027). Surrounding white space, case, punctuation around the
word, wide letters and signs nobody sees do not matter: "stop!" is a wish to stop, "Stop please" is
left to a person. Of all these the carrier knows only the word itself in plain letters.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Keyword(StrEnum):
    """What a message asks for."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    NONE = "none"


OPT_OUT_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
OPT_IN_WORDS = frozenset({"START", "UNSTOP", "YES"})
HELP_WORDS = frozenset({"HELP", "INFO"})
OWN_OPT_OUT_PHRASES = frozenset({"OPT OUT", "OPT-OUT", "STOP ALL"})

_MARKS = r"[\s.!?,;:'\"“”‘’…*()]+"
_AROUND = re.compile(rf"^{_MARKS}|{_MARKS}$")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Reading:
    """What a message says about consent.

    `is_carrier_word` is true when the carrier matches it too, and therefore answers by itself.
    """

    keyword: Keyword
    word: str = ""
    is_carrier_word: bool = False

    @property
    def is_weak_yes(self) -> bool:
        """Say whether this is a bare YES, which is also an ordinary answer to a question."""
        return self.word == "YES"


NOTHING = Reading(Keyword.NONE)
_OPT_OUT_TYPES = {"STOP": Keyword.OPT_OUT, "START": Keyword.OPT_IN, "HELP": Keyword.HELP}


def read_keyword(body: str, *, opt_out_type: str = "", button_payload: str = "") -> Reading:
    """Say what a message asks for; `OptOutType` from the carrier wins over our own reading."""
    told = _OPT_OUT_TYPES.get(opt_out_type.strip().upper())
    if told:
        return Reading(told, word=body.strip()[:40] or opt_out_type, is_carrier_word=True)
    if is_opt_out_button(button_payload):
        return Reading(Keyword.OPT_OUT, word="OPTOUT")
    said = body.strip()
    if len(said) > 60:
        return NOTHING
    word = _SPACES.sub(" ", _AROUND.sub("", _plain(said)))
    is_carrier_word = said.isascii() and said.upper() == word
    if word in OPT_OUT_WORDS or word in OWN_OPT_OUT_PHRASES:
        return Reading(Keyword.OPT_OUT, word, is_carrier_word and word in OPT_OUT_WORDS)
    if word in OPT_IN_WORDS:
        return Reading(Keyword.OPT_IN, word, is_carrier_word)
    if word in HELP_WORDS:
        return Reading(Keyword.HELP, word, is_carrier_word)
    return NOTHING


def is_opt_out_button(payload: str) -> bool:
    """Say whether a button with this payload asks for no more messages."""
    return payload.strip().upper() == "OPTOUT"


def _plain(text: str) -> str:
    """Return the letters that a person sees, in their ordinary width and in capitals."""
    seen = (char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", "".join(seen)).upper()
