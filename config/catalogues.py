"""Which texts does the product have, and are they all there in every language?

`locale/<language>/LC_MESSAGES/django.po` is what people translate. Django reads a compiled form of
it, `django.mo`, which is made from it here whenever it is older: nothing of it is kept in git, and
no tool of gettext is needed.

    python -m config.catalogues            compile what is older than its source
    python -m config.catalogues update     put new texts into the sources, take old ones out
    python -m config.catalogues check      say what is missing; fails if something is
"""

import ast
import os
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
PACKAGES = ("accounts", "compliance", "routing", "inbox", "config")
NOT_OURS = ("migrations", "simulator")
# Which argument of a call is the text, and which its plural and its context.
_CALLS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "noop"), (0, None, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (1, None, 0)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (1, 2, 0)),
}
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# What Django makes of a template before it looks for texts in it.
_IN_TEMPLATE = re.compile(
    rf"\b(_|gettext|ngettext|pgettext|npgettext)\(\s*{_STRING}(?:\s*,\s*{_STRING})?(?:\s*,\s*{_STRING})?"
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|\{\w*\}|</?[a-z][^>]*>")
HEADER = (
    "Project-Id-Version: Team Inbox\\n"
    "Language: {language}\\n"
    "MIME-Version: 1.0\\n"
    "Content-Type: text/plain; charset=UTF-8\\n"
    "Content-Transfer-Encoding: 8bit\\n"
    "Plural-Forms: nplurals=2; plural=(n != 1);\\n"
)


@dataclass(frozen=True, order=True)
class Text:
    """A text of the product in English; `plural` for more than one."""

    msgid: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells two texts apart."""
        return self.context, self.msgid


@dataclass(frozen=True)
class Entry:
    """A text and its translations: one, or that for one and that for more."""

    text: Text
    said: tuple[str, ...] = ()
    is_fuzzy: bool = False

    @property
    def is_translated(self) -> bool:
        """Say whether there is something for every form."""
        return len(self.said) == (2 if self.text.plural else 1) and all(self.said)


Catalogue = Mapping[tuple[str, str], Entry]

# --- What the product says ------------------------------------------------------------------------


def texts() -> dict[tuple[str, str], Text]:
    """Return every text that code and templates mark for translation."""
    found: dict[tuple[str, str], Text] = {}
    for text in (*_texts_of_code(), *_texts_of_templates()):
        known = found.get(text.key)
        if known is None or text.plural:
            found[text.key] = text
    return found


def _texts_of_code() -> Iterator[Text]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not set(NOT_OURS) & set(path.parts):
                yield from texts_in(path.read_text())


def texts_in(code: str) -> Iterator[Text]:
    """Return the texts that a piece of Python marks."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and (name := _name_of(node.func)) in _CALLS:
            places = _CALLS[name]
            msgid, plural, context = (_literal(node.args, place) for place in places)
            if msgid:
                yield Text(msgid, plural, context)


def _name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def _literal(arguments: list[ast.expr], place: int | None) -> str:
    if place is None or place >= len(arguments):
        return ""
    value = arguments[place]
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return str(value.value) if is_text and isinstance(value, ast.Constant) else ""


def _texts_of_templates() -> Iterator[Text]:
    # Only here: whoever compiles needs no Django.
    from django.utils.translation import templatize

    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            yield from _texts_of_template(templatize(path.read_text()))


def _texts_of_template(code: str) -> Iterator[Text]:
    for name, *strings in _IN_TEMPLATE.findall(code):
        values = [ast.literal_eval(string) if string else "" for string in strings]
        msgid, plural, context = (
            values[place] if place is not None else "" for place in _CALLS[name]
        )
        # Django writes a per cent sign of a template twice, as the catalogue has it.
        yield Text(msgid, plural, context)


# --- Sources --------------------------------------------------------------------------------------

_FIELD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")')


def read(path: Path) -> dict[tuple[str, str], Entry]:
    """Read a source; what is marked as no longer used is left out."""
    entries = {}
    for block in path.read_text().split("\n\n") if path.exists() else ():
        fields, is_fuzzy = _fields_of(block)
        if fields.get("msgid"):
            text = Text(fields["msgid"], fields.get("msgid_plural", ""), fields.get("msgctxt", ""))
            said = tuple(value for name, value in fields.items() if name.startswith("msgstr"))
            entries[text.key] = Entry(text, said, is_fuzzy)
    return entries


def _fields_of(block: str) -> tuple[dict[str, str], bool]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if found := _FIELD.match(line):
            name = found[1]
            fields[name] = ast.literal_eval(found[2])
        elif line.startswith('"') and name:
            fields[name] += ast.literal_eval(line)
    is_fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in block.splitlines())
    return fields, is_fuzzy


def write(path: Path, language: str, entries: Iterable[Entry]) -> None:
    """Write a source: one line for each text, in the order of the English ones."""
    blocks = [f'msgid ""\nmsgstr "{HEADER.format(language=language)}"']
    blocks += [_block(entry) for entry in sorted(entries, key=lambda one: one.text)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n")


def _block(entry: Entry) -> str:
    text, said = entry.text, entry.said
    lines = ["#, fuzzy"] if entry.is_fuzzy else []
    lines += [f"msgctxt {_quoted(text.context)}"] if text.context else []
    lines.append(f"msgid {_quoted(text.msgid)}")
    if text.plural:
        lines.append(f"msgid_plural {_quoted(text.plural)}")
        forms = [*said, "", ""][:2]
        lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(forms)]
    else:
        lines.append(f"msgstr {_quoted(said[0] if said else '')}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


def sources() -> list[tuple[str, Path]]:
    """Return the language and the source of each catalogue."""
    return [(path.parts[-3], path) for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))]


def update() -> None:
    """Give every source the texts that the product has now; new ones wait to be translated."""
    wanted = texts()
    for language, path in sources():
        known = read(path)
        entries = [replace(known.get(key, Entry(text)), text=text) for key, text in wanted.items()]
        write(path, language, entries)


def complaints() -> list[str]:
    """Say what is missing from a catalogue, too much in it, or not like its English."""
    wanted = texts()
    found = []
    for language, path in sources():
        known = read(path)
        found += [f"{language}: not in it: {key[1]!r}" for key in wanted.keys() - known.keys()]
        found += [f"{language}: no longer used: {key[1]!r}" for key in known.keys() - wanted.keys()]
        for entry in known.values():
            found += [f"{language}: {words}: {entry.text.msgid!r}" for words in faults_of(entry)]
    return sorted(found)


def faults_of(entry: Entry) -> list[str]:
    """Say what is wrong with a translation."""
    if not entry.is_translated:
        return ["not translated"]
    faults = ["fuzzy"] if entry.is_fuzzy else []
    allowed = [_places(entry.text.msgid), _places(entry.text.plural or entry.text.msgid)]
    for said in entry.said:
        if _places(said) not in allowed:
            faults.append("other placeholders or tags than")
        if _edges(said) != _edges(entry.text.msgid):
            faults.append("begins or ends with other blanks than")
    return faults


def _places(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


# --- What Django reads ----------------------------------------------------------------------------


def compile_stale(locale: Path = LOCALE) -> None:
    """Compile every source that is newer than what was compiled from it.

    Where that may not be written, as in a container, it was made when the image was.
    """
    for path in locale.glob("*/LC_MESSAGES/django.po"):
        compiled = path.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime:
            continue
        half = path.with_suffix(f".{os.getpid()}.half")
        try:
            half.write_bytes(compiled_form(path.parts[-3], read(path).values()))
            half.replace(compiled)
        except PermissionError:
            return


def compiled_form(language: str, entries: Iterable[Entry]) -> bytes:
    """Return a catalogue in gettext's binary form; what is not translated is left out."""
    header = HEADER.format(language=language).replace("\\n", "\n")
    pairs = {b"": header.encode()}
    for entry in entries:
        if entry.is_translated and not entry.is_fuzzy:
            text = entry.text
            key = "\0".join(filter(None, (text.msgid, text.plural)))
            key = f"{text.context}\4{key}" if text.context else key
            pairs[key.encode()] = "\0".join(entry.said).encode()
    keys, values = sorted(pairs), [pairs[key] for key in sorted(pairs)]
    begin = 7 * 4 + 16 * len(keys)
    tables, data = [], b""
    for column in (keys, values):
        for part in column:
            tables += [len(part), begin + len(data)]
            data += part + b"\0"
    head = (0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0)
    return struct.pack(f"<7I{len(tables)}I", *head, *tables) + data


def main(command: str = "") -> int:
    """Do what is asked; return 0 if nothing is wrong."""
    if command == "update":
        update()
    found = complaints() if command else []
    compile_stale()
    for words in found:
        print(words)  # noqa: T201 - a command
    return 1 if found and command == "check" else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
