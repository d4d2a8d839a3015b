"""Is every text of the product found, and would a bad translation be noticed?"""

import gettext
import io
from pathlib import Path

import pytest

from config import catalogues
from config.catalogues import Entry, Text, compiled_form, faults_of, read, texts_in, write

SHORT = Text("%(n)s of {most}")


def test_texts_are_found_however_they_are_marked() -> None:
    code = """
_("one")
gettext_lazy("two " "and more")
ngettext("%d thing", "%d things", count)
pgettext("a month", "May")
noop("stored") % {"a": 1}
_(known)
print("not ours")
"""
    assert list(texts_in(code)) == [
        Text("one"),
        Text("two and more"),
        Text("%d thing", "%d things"),
        Text("May", context="a month"),
        Text("stored"),
    ]


def test_every_text_is_translated_into_every_language() -> None:
    assert catalogues.complaints() == []


@pytest.mark.parametrize(
    ("said", "is_fuzzy", "fault"),
    [
        (("%(n)s de {most}",), False, None),
        (("{most} de %(n)s",), False, None),
        (("",), False, "not translated"),
        ((), False, "not translated"),
        (("%(m)s de {most}",), False, "other placeholders or tags than"),
        (("%(n)s de",), False, "other placeholders or tags than"),
        (("%(n)s de {most} ",), False, "begins or ends with other blanks than"),
        (("%(n)s de {most}",), True, "fuzzy"),
    ],
)
def test_a_translation_that_would_break_is_a_fault(
    said: tuple[str, ...], is_fuzzy: bool, fault: str | None
) -> None:
    assert faults_of(Entry(SHORT, said, is_fuzzy)) == ([fault] if fault else [])


def test_a_source_reads_as_it_was_written(tmp_path: Path) -> None:
    entries = [
        Entry(Text('Say "yes"\n'), ('Diga "sí"\n',)),
        Entry(Text("%d thing", "%d things"), ("%d cosa", "%d cosas")),
        Entry(Text("May", context="a month"), ("mayo",)),
        Entry(Text("back\\slash"), ()),
    ]
    path = tmp_path / "es" / "LC_MESSAGES" / "django.po"

    write(path, "es", entries)
    found = read(path).values()

    assert sorted(found, key=lambda one: one.text) == sorted(
        [*entries[:3], Entry(Text("back\\slash"), ("",))], key=lambda one: one.text
    )


def test_what_is_compiled_is_what_gettext_reads() -> None:
    entries = [
        Entry(Text("Send"), ("Enviar",)),
        Entry(Text("%d thing", "%d things"), ("%d cosa", "%d cosas")),
        Entry(Text("May", context="a month"), ("mayo",)),
        Entry(Text("Doubt"), ("Duda",), is_fuzzy=True),
    ]

    known = gettext.GNUTranslations(io.BytesIO(compiled_form("es", entries)))

    assert known.gettext("Send") == "Enviar"
    assert [known.ngettext("%d thing", "%d things", n) for n in (1, 2)] == ["%d cosa", "%d cosas"]
    assert known.pgettext("a month", "May") == "mayo"
    assert known.gettext("Doubt") == "Doubt"


def test_only_what_is_older_than_its_source_is_compiled_again(tmp_path: Path) -> None:
    path = tmp_path / "es" / "LC_MESSAGES" / "django.po"
    write(path, "es", [Entry(Text("Send"), ("Enviar",))])
    catalogues.compile_stale(tmp_path)
    first = path.with_suffix(".mo").stat().st_mtime_ns

    catalogues.compile_stale(tmp_path)

    assert path.with_suffix(".mo").stat().st_mtime_ns == first
    assert not list(path.parent.glob("*.half"))
