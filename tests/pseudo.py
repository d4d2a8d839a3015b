"""What does a page say that no catalogue knows? A language that puts every text in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from django.test import override_settings
from django.utils.translation import trans_real

from accounts import retelling
from config.catalogues import Entry, Text, compiled_form, read, sources
from inbox import lists, markup, rows
from inbox.templatetags import inbox_tags
from inbox.views import frame

OPEN, CLOSE = "⟦", "⟧"
_BRACKETED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
# Where something is: on the web, in the mail, on the globe.
_ADDRESS = re.compile(
    r"[A-Z]{2}[0-9a-f]{4}…[0-9a-f]{4}|github:.*|\S+@\S+|https?://\S*|[A-Z]\w+/\w+|.*\(UTC[+-].*"
)
# Codes and keywords are written large: they are the same in every language.
_WORD = re.compile(r"[^\W\d_]*[a-z][^\W\d_]+|[^\W\d_]+[a-z][^\W\d_]*")
# What people read or hear of an element beside what is in it.
_SPOKEN = {"aria-label", "title", "placeholder", "alt", "label", "data-confirm", "aria-description"}
_SILENT = {"script", "style", "code", "textarea"}
_KEPT_BY_LANGUAGE = (
    rows._parts,
    rows._unread,
    frame._frame,
    lists._named_views,
    lists._priorities,
    markup._kept,
    inbox_tags._words,
    retelling._retold,
    retelling._catalogue,
)


@contextmanager
def bracketed(folder: Path) -> Iterator[None]:
    """Let Spanish be a language in which every text, Django's too, is English in brackets."""
    _forget()
    known = trans_real.translation("es")._catalog.keys()  # type: ignore[attr-defined]
    foreign = {key[0] if isinstance(key, tuple) else key for key in known}
    [(_language, source)] = sources()
    ours = {key: entry.text for key, entry in read(source).items()}
    for key in foreign:
        context, _, msgid = key.rpartition("\4")
        ours.setdefault((context, msgid), Text(msgid, "", context))
    path = folder / "es" / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(compiled_form("es", [_entry(text) for text in ours.values() if text.msgid]))
    try:
        with override_settings(LOCALE_PATHS=[folder]):
            _forget()
            yield
    finally:
        _forget()


def _entry(text: Text) -> Entry:
    forms = [text.msgid, text.plural or text.msgid][: 2 if text.plural else 1]
    return Entry(text, tuple(f"{OPEN}{form}{CLOSE}" for form in forms))


def _forget() -> None:
    trans_real._translations.clear()  # type: ignore[attr-defined]
    for kept in _KEPT_BY_LANGUAGE:
        kept.cache_clear()


class _Reader(HTMLParser):
    """Collects what a page says."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if value and name in _SPOKEN]
        if tag in _SILENT:
            self.silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.silent and tag == self.silent[-1]:
            self.silent.pop()

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)


def bare_words(html: str, data: set[str]) -> list[str]:
    """Return what a page says outside brackets that is not among the data, in its order."""
    reader = _Reader()
    reader.feed(html)
    known = sorted(data, key=len, reverse=True)
    return [
        " ".join(said.split())
        for said in reader.said
        if _WORD.search(_without(_without_brackets(said), known))
    ]


def _without_brackets(said: str) -> str:
    while (shorter := _BRACKETED.sub(" ", said)) != said:
        said = shorter
    # A text that another element interrupts has its second bracket elsewhere.
    said = said.partition(OPEN)[0].rpartition(CLOSE)[2]
    return _ADDRESS.sub(" ", said)


def _without(said: str, known: list[str]) -> str:
    for one in known:
        said = said.replace(one, " ")
    return said


def client_words_of(html: str) -> dict[str, Any]:
    """Return the sentences that a page gives its script."""
    import json

    found = re.search(r'<script id="client-words"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found
    words: dict[str, Any] = json.loads(found[1])
    return words
