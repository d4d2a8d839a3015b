"""What does a file of contacts say? Whatever it is encoded in; nothing of consent is read.

Pure but for the numbering plans.
"""

import codecs
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import phonenumbers
from django.utils.translation import gettext as _

from accounts.exports import FORMULA, undefused
from compliance.addresses import BSUID, SMS, WHATSAPP, Address, parse_address
from compliance.consent_files import LARGEST_FILE, ConsentFileError, Sheet, read_sheet
from routing.facts import Value
from routing.marks import Kind, MarkError, read_name, read_tag, read_value
from routing.reading import is_language

MOST_ROWS = 50_000
LONGEST_NAME, LONGEST_NOTES = 120, 10_000
# What a column may hold, and by which names of columns that is guessed.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "phone", "phone number", "mobile", "address", "whatsapp", "telephone"),
    "name": ("name", "full name", "contact", "customer"),
    "language": ("language", "locale"),
    "tags": ("tags", "labels"),
    "notes": ("notes", "note", "comment"),
}


@dataclass(frozen=True)
class Mapped:
    """Which column holds what; `attributes` are columns that become attributes of that name.

    `channel` is where the numbers are reached, `country` that of numbers without a country code.
    """

    columns: Mapping[str, str]
    attributes: tuple[str, ...] = ()
    channel: str = SMS
    country: str = ""


@dataclass(frozen=True)
class Row:
    """What one line says of somebody; blank says nothing."""

    line: int
    address: Address
    name: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A line that cannot be used, why, and what stands there."""

    line: int
    reason: str
    cells: Sequence[str] = ()


class _UnusableError(Exception):
    pass


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 or, where it is neither, Latin-1.

    Raises ConsentFileError for what is too large.
    """
    if len(content) > LARGEST_FILE:
        raise ConsentFileError(_("The file is larger than 20 MB."))
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    # Half of the letters of UTF-16 are zeros where most of the text is Latin.
    head = content[:400]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) > 3 and zeros.count(0) > len(zeros) * 0.8:
            return content.decode(encoding, errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def read_table(text: str) -> Sheet:
    """Read a text as a table. Raises ConsentFileError for what is none, or has too many rows."""
    sheet = read_sheet(text.encode("utf-8", errors="replace"))
    if len(sheet.rows) > MOST_ROWS:
        words = _("The file has more than %(number)s rows. Split it.")
        raise ConsentFileError(words % {"number": f"{MOST_ROWS:,}"})
    return sheet


def guess(header: Sequence[str], *, country: str) -> Mapped:
    """Return which column seems to hold what, by its name; all others are attributes."""
    known = {name.casefold().replace("_", " "): name for name in header if name}
    columns = {
        one: next(known[name] for name in names if name in known)
        for one, names in FIELDS.items()
        if any(name in known for name in names)
    }
    rest = tuple(name for name in header if name and name not in columns.values())
    return Mapped(columns, rest, country=country)


def check(mapped: Mapped, header: Sequence[str]) -> None:
    """See whether this says how to read the file. Raises ConsentFileError naming the input."""
    used = [*mapped.columns.values(), *mapped.attributes]
    if "number" not in mapped.columns:
        raise ConsentFileError(_("Say which column holds the numbers."), "number")
    if unknown := [name for name in used if name not in header]:
        words = _("The file has no column “%(name)s”.")
        raise ConsentFileError(words % {"name": unknown[0][:40]}, "number")
    if len(set(used)) < len(used):
        raise ConsentFileError(_("One column cannot hold two things."), "number")
    if mapped.channel not in (SMS, WHATSAPP):
        raise ConsentFileError(_("A channel is sms or whatsapp."), "channel")
    if mapped.country and mapped.country not in phonenumbers.SUPPORTED_REGIONS:
        raise ConsentFileError(_("There is no such country."), "country")


def cell_of(value: Value) -> str:
    """Write an attribute as it stands in a file, the same in every language."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def read_rows(sheet: Sheet, mapped: Mapped, first: int, last: int) -> Iterator[Row | Fault]:
    """Read some of the rows; what cannot be used is a fault, with why."""
    places = {name: place for place, name in enumerate(sheet.header)}
    for line, cells in sheet.rows[first:last]:
        try:
            yield _row(line, cells, mapped, places)
        except (_UnusableError, MarkError) as error:
            reason = error.reason if isinstance(error, MarkError) else str(error)
            yield Fault(line, str(reason), tuple(cells))


def _row(line: int, cells: Sequence[str], mapped: Mapped, places: Mapping[str, int]) -> Row:
    def cell(column: str) -> str:
        place = places.get(column, len(cells))
        return cells[place] if place < len(cells) else ""

    said = {one: cell(column) for one, column in mapped.columns.items()}
    attributes = {name: cell(name) for name in mapped.attributes if cell(name)}
    for name, text in (*said.items(), *attributes.items()):
        if name != "number" and FORMULA.match(text):
            words = _("“%(name)s” begins like a formula. Export values only.")
            raise _UnusableError(words % {"name": name[:40]})
        if len(text) > LONGEST_NOTES:
            raise _UnusableError(_("“%(name)s” is too long.") % {"name": name[:40]})
    # What our own exports kept from being run.
    said = {one: undefused(text) for one, text in said.items()}
    attributes = {name: undefused(text) for name, text in attributes.items()}
    language = said.get("language", "")
    if language and (not is_language(language) or len(language) > 12):
        raise _UnusableError(_("The language is none: write it as “en” or “es”."))
    name = " ".join(said.get("name", "").split())
    if len(name) > LONGEST_NAME:
        raise _UnusableError(_("The name is too long."))
    for attribute, text in attributes.items():
        read_value(Kind.TEXT, text)
        read_name(attribute)
    tags = said.get("tags", "").replace(";", ",").split(",")
    return Row(
        line,
        read_address(said.get("number", ""), mapped),
        name=name,
        language=language,
        tags=tuple(read_tag(tag) for tag in tags if tag.strip()),
        notes=said.get("notes", "").strip(),
        attributes=attributes,
    )


def read_address(text: str, mapped: Mapped) -> Address:
    """Read a number in any form, or the user id of somebody on WhatsApp."""
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(char for char in plain if unicodedata.category(char) != "Cf").strip()
    named, colon, rest = plain.partition(":")
    family = named.casefold() if colon and named.casefold() in (SMS, WHATSAPP) else mapped.channel
    plain = rest.strip() if colon else plain
    if BSUID.fullmatch(plain):
        return parse_address(f"{WHATSAPP}:{plain}")
    try:
        number = phonenumbers.parse(plain.lstrip("'"), mapped.country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        words = _("This is not a phone number with its country code.")
        raise _UnusableError(words if plain else _("There is no phone number."))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return parse_address(f"{family}:{written}" if family != SMS else written)
