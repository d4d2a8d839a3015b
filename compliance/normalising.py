"""What did a person write, once the dress of the letters is off?

Pure, total and bounded: any string has an answer, after at most `LOOKED_AT` characters. The steps
and their order: compliance reference 7.2.
"""

import re
import unicodedata
from functools import lru_cache

LOOKED_AT = 1600  # characters; what is longer is never one keyword
_MARKS_IN_A_ROW = 3  # a letter of any living script has no more

# Letters of other scripts that look like Latin ones (Unicode's confusables, the common part).
_LOOKALIKES = str.maketrans(
    {
        **dict(zip("авсеһіјӏкмнорԛѕтухԁԝьгпԍ", "abcehijlkmhopqstyxdwbrng", strict=True)),
        **dict(zip("αβεζηικνορτυχωγσ", "abezhikvoptuxwys", strict=True)),
        **dict(zip("օսոհցյզԼ", "ounhgjql", strict=True)),
        **dict(zip("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdeghijklmnoprstuvwyz", strict=True)),
        **dict(zip("ɑɡɩıℓ", "agiil", strict=True)),
    }
)
# Letters in a black circle or square, and those that flags are made of, have no plain form.
_SIGNS = str.maketrans(
    {
        chr(first + step): chr(ord("a") + step)
        for first in (0x1F150, 0x1F170, 0x1F1E6)
        for step in range(26)
    }
)
# Letters that Unicode does not take apart, though people write them plain.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
    | {"ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "ـ": None}
)
# Accents of Latin, Greek and Cyrillic, points of Hebrew, vowels of Arabic; never signs that make
# another letter, as in Hindi or Japanese.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_SIGNATURE = re.compile(
    r"\n\s*(?:--\s*$.*|(?:sent|get) (?:from|via) (?:my |outlook).*|"
    r"(?:enviado|envoyé|inviato|gesendet|verzonden|skickat|sendt|lähetetty|wysłane|отправлено|"
    r"נשלח|أرسلت|发自我的|iphoneから送信|나의 iphone).{0,40}$)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_OPENING, _CLOSING = "“„«»「『", "”“»«」』"
_QUOTE = re.compile(rf"[{_OPENING}][^{_CLOSING}]*[{_CLOSING}]?|\"[^\"]*\"|(?<!\w)‘[^’]*’")
_LETTER = re.compile(r"[^\W\d_]")
# Where there are only the signs of ASCII, most of what follows is known beforehand.
_CONTROLS = {code: " " for code in (*range(32), 127) if chr(code) != "\n"}
_ASCII_REST = re.compile(r"[^a-zA-Z0-9]+")


def readable(text: str) -> str:
    """Return the letters a person sees, in small letters of ordinary width; lines are kept."""
    if text.isascii():
        return text[:LOOKED_AT].translate(_CONTROLS).lower()
    seen = unicodedata.normalize("NFKC", text[:LOOKED_AT].translate(_SIGNS))[:LOOKED_AT]
    kept: list[str] = []
    marks = 0
    for char in seen:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        if kind in ("Cf", "Cs", "Co") or marks > _MARKS_IN_A_ROW or "\ufe00" <= char <= "\ufe0f":
            continue
        kept.append(" " if kind == "Cc" and char != "\n" else char)
    # A small Turkish i keeps no dot of its capital.
    small = "".join(kept).casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFC", small)


def own_words(text: str) -> str:
    """Return what of a `readable` text the person says, without what they quote.

    Quoted lines, signatures, and words in quotation marks after words of their own: what a
    tap-back carries (`Liked “Reply STOP to end”`) was written by us.
    """
    text = _SIGNATURE.sub("", _QUOTED_LINE.sub("", text))
    if not _QUOTE.search(text):
        return text
    letters = _letters(text)
    # What is nothing but a quotation was said: "STOP".
    return _QUOTE.sub(lambda row: " . " if _letters(row[0]) < letters else row[0], text)


def _letters(text: str) -> int:
    return len(_LETTER.findall(text))


def without_accents(text: str) -> str:
    """Return a `readable` text as it is typed on a keyboard without accents."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).translate(_PLAIN)


def squeezed(text: str) -> str:
    """Return the letters, marks and digits of a `readable` text: "s.t.o.p 🙏" is "stop"."""
    if text.isascii():
        return _ASCII_REST.sub("", text)
    return "".join(char for char in text if unicodedata.category(char)[0] in "LMN")


def folded(word: str) -> str:
    """Return a word of another script's letters in the Latin ones they look like."""
    return word.translate(_LOOKALIKES)


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """Return the script of a letter by its Unicode name: "LATIN", "CYRILLIC", "HANGUL" …"""
    return unicodedata.name(char, "UNKNOWN").split(" ", 1)[0] if char.isalpha() else ""


def scripts_of(text: str) -> frozenset[str]:
    """Return the scripts whose letters a text has."""
    return frozenset(filter(None, map(script_of, set(text))))


def is_mixed(word: str) -> bool:
    """Say whether one word has letters of Latin and of a script that looks like it."""
    return "LATIN" in (found := scripts_of(word)) and bool(
        found & {"CYRILLIC", "GREEK", "ARMENIAN"}
    )
