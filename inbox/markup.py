"""What of a page is drawn once and sent thousands of times, and what goes into its gaps?

A drawn part shows the facts it is given and nothing else, so whoever sees the same facts is sent
the same part. What each request has anew leaves gaps in it.
"""

import re
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

USUAL_GAPS = ("csrf_token", "here")
_INDENTED = re.compile(r"\s*\n\s*")
_GAP = re.compile(r"\0(\w+)\0")  # no text from a database holds a NUL


def without_indents(html: str) -> str:
    """Take out empty lines and what lines are indented with: a third of a row, nothing to see.

    For parts without text whose own line ends count, as in a filled `<textarea>` or `<pre>`.
    """
    return _INDENTED.sub("\n", html)


class Drawn:
    """A part with gaps."""

    def __init__(self, html: str) -> None:
        self._texts = _GAP.split(html)[::2]
        self.gaps = tuple(_GAP.findall(html))

    def filled(self, values: Mapping[str, str]) -> SafeString:
        """Put safe HTML into every gap. Raises KeyError where one is missing."""
        first, *rest = self._texts
        pieces = zip(self.gaps, rest, strict=True)
        return SafeString(first + "".join(values[gap] + text for gap, text in pieces))


def draw(part: str, facts: Mapping[str, object], gaps: Iterable[str]) -> Drawn:
    """Draw a part from facts; where its template names a gap as a variable, one is left."""
    holes = {name: SafeString(f"\0{name}\0") for name in gaps}
    return Drawn(without_indents(render_to_string(part, {**facts, **holes})))


def kept_part(part: str, **facts: Hashable) -> Drawn:
    """Draw a part unless the same was drawn lately; its gaps are the usual ones."""
    return _kept(part, get_language(), tuple(facts.items()))


@lru_cache(maxsize=4096)
def _kept(part: str, language: str | None, facts: tuple[tuple[str, Hashable], ...]) -> Drawn:
    return draw(part, dict(facts), USUAL_GAPS)


def filled_for(request: HttpRequest | None, drawn: Drawn) -> SafeString:
    """Fill the usual gaps; where there are none, no token is made, and no request is needed."""
    if not drawn.gaps:
        return drawn.filled({})
    assert request, "A part with gaps is drawn for a request."
    return drawn.filled(usual_gaps(request))


def usual_gaps(request: HttpRequest) -> dict[str, str]:
    """Return what goes into the gaps that any part may have: what forms need, and where one is."""
    return {"csrf_token": get_token(request), "here": escape(request.get_full_path())}
