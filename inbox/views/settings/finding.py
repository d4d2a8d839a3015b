"""What does somebody look for in a list of the settings, and after which row does it begin?"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from accounts.numbers import number_in

PAGE = 50


@dataclass(frozen=True)
class Find:
    """The words that somebody searches by, and the key of the last row that they have seen."""

    words: str
    after: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> "Find":
        """Read it from the address; what makes no sense counts as not asked."""
        words = request.GET.get("q", "").strip()[:100]
        return cls(words, number_in(request.GET.get("after", "")))

    @property
    def is_asked(self) -> bool:
        """Say whether this is not the first page of everything."""
        return bool(self.words or self.after)

    def next(self, key: int | None, **more: Any) -> str:
        """Write the query of the page after this row; nothing after the last one."""
        return urlencode({**more, "q": self.words, "after": key}) if key else ""
