"""Did they say yes, and nothing else? Asked only while a question of ours waits for an answer.

Pure, and any string has an answer. The whole message must be one of these: who writes "yes, but"
or "yes I am driving" has not confirmed anything. A person consents by a clear act (GDPR, article
4 (11); 47 CFR 64.1200(f)(9) for written consent), so "ok" and a thumb are not enough.
"""

from functools import lru_cache

from compliance.keyword_table import keywords
from compliance.normalising import own_words, readable, squeezed, without_accents

# What counts besides the keywords that opt in: without accents, in small letters. English was
# written first; the others wait for a native reader.
_YES: dict[str, tuple[str, ...]] = {
    "en": ("yes", "y", "yes please", "yep", "yeah", "yes i do", "yes i agree", "i agree")
    + ("i confirm", "confirm", "yes i confirm", "confirmed", "yes thanks", "yes thank you"),
    "es": ("si", "si por favor", "acepto", "si acepto", "confirmo", "si confirmo", "si gracias"),
    "fr": ("oui", "oui merci", "j accepte", "oui j accepte", "je confirme", "oui je confirme")
    + ("oui s il vous plait",),
    "de": ("ja", "ja bitte", "ja gerne", "ich bestatige", "ja ich bestatige", "bestatigt")
    + ("ich stimme zu", "ja ich stimme zu"),
    "pt": ("sim", "sim por favor", "aceito", "sim aceito", "confirmo", "sim confirmo"),
    "it": ("si grazie", "accetto", "si accetto", "confermo", "si confermo"),
    "nl": ("ja graag", "akkoord", "ja akkoord", "ik bevestig", "ik ga akkoord"),
    "pl": ("tak", "tak prosze", "potwierdzam"),
    "sv": ("ja tack",),
    "ru": ("да", "согласен", "согласна", "подтверждаю"),
    "tr": ("evet", "onayliyorum", "kabul ediyorum"),
    "ar": ("نعم", "موافق", "اوافق"),
    "he": ("כן", "מאשר", "מאשרת"),
    "zh": ("是", "是的", "同意", "确认", "確認"),
    "ja": ("はい", "同意します"),
    "ko": ("네", "예", "동의합니다"),
}
LONGEST = 60


def says_yes(text: str) -> bool:
    """Say whether a message is a yes, in any language we know, and says nothing besides.

    A copy of our own words is none: what stands in quotation marks after other words was written by
    us.
    """
    if len(text) > LONGEST:
        return False
    plain = without_accents(own_words(readable(text)))
    return squeezed(plain) in _forms()


@lru_cache(maxsize=1)
def _forms() -> frozenset[str]:
    said = {squeezed(one) for phrases in _YES.values() for one in phrases}
    ours = (row.word for row in keywords() if row.label == "opt_in")
    return frozenset(said | {squeezed(without_accents(readable(one))) for one in ours})
