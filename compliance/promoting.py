"""Does a text advertise? What is written as an answer or a notice may not (reference 10).

Pure. A warning to its author, not a ban: who writes may know better.
"""

import re

from compliance.normalising import without_accents


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OFFERS = _words(
    "offer offers sale deal deals discount discounts coupon coupons promo promotion "
    "promotions voucher save bargain oferta ofertas descuento descuentos rebaja rebajas "
    "cupon promocion promociones gratis offre offres remise soldes reduction gratuit "
    "gratuite angebot angebote rabatt rabatte gutschein aktion kostenlos desconto "
    "descontos promocao offerta offerte sconto sconti korting aanbieding"
)
# "No more offers" is no offer.
_REFUSALS = _words(
    "no not any more further keine nicht mehr weiteren sin ni mas pas plus aucune non piu "
    "nao mais nenhuma ninguna geen"
)
_PERCENT_OFF = re.compile(r"\d+\s?%|[$€£]\s?\d+\s+(off|rabatt)|\d+\s?[$€£]\s+off")
_WORD = re.compile(r"[^\W_]+")


def promotion_in(text: str) -> str:
    """Return the words of a text that advertise; blank if none do."""
    if found := _PERCENT_OFF.search(text.casefold()):
        return str(found.group())
    words = _WORD.findall(plain_words(text))
    for at, word in enumerate(map(str, words)):
        if word in _OFFERS and not _REFUSALS & set(words[max(0, at - 3) : at]):
            return word
    return ""


def plain_words(text: str) -> str:
    """Return a text without case, accents and apostrophes, to look for words in."""
    without = text.casefold().replace("'", "").replace("’", "")
    return " ".join(without_accents(without).split())
