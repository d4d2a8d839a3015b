"""Which contacts does an account take away as a table, in columns that an import reads back?

A line for each number, or user id on WhatsApp, that an import can read. They are read part by part:
not all of them are ever in memory.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from django.db.models import Func, Q, QuerySet

from accounts.models import Account, User
from compliance.addresses import SMS, WHATSAPP
from inbox.labels import name_words
from inbox.masking import masked_words, without_numbers
from inbox.models import Contact, ContactAddress
from inbox.setup.contact_files import FIELDS, cell_of

PART = 500


def may_export(user: User, account: Account) -> bool:
    """Ask anew whether this person administers the account themselves, not for support."""
    admins = User.objects.filter(account=account, role=User.Role.ACCOUNT_ADMIN, is_active=True)
    return admins.filter(pk=user.pk).exists()


def attribute_names(account: Account) -> list[str]:
    """Return the names of all attributes that contacts of an account have."""
    keys = Func("attributes", function="jsonb_object_keys")
    found = Contact.objects.filter(account=account).annotate(key=keys).order_by()
    names = found.values_list("key", flat=True).distinct()
    # Spelled in two ways it is one column.
    return sorted({name.casefold(): name for name in sorted(names)}.values(), key=str.casefold)


def header_of(names: Sequence[str]) -> list[str]:
    """Return the names of the columns: those an import knows, and one for each attribute."""
    return [*FIELDS, *(f"{name} (2)" if name.casefold() in FIELDS else name for name in names)]


def number_of(account: Account) -> int:
    """Count the lines that an export has."""
    return _addresses(account).count()


def lines_of(
    account: Account, names: Sequence[str], *, is_masked: bool, may_go_on: Callable[[], bool]
) -> Iterator[list[str]]:
    """Yield the lines, the oldest address first; before each part it is asked whether to go on."""
    last = 0
    while may_go_on():
        part = list(_addresses(account).filter(pk__gt=last)[:PART])
        numbers = _numbers_of(part) if is_masked else {}
        for address in part:
            line = _line(address, names)
            yield _masked(address, line, numbers[address.contact_id]) if is_masked else line
        if len(part) < PART:
            return
        last = part[-1].pk


def _addresses(account: Account) -> "QuerySet[ContactAddress]":
    readable = Q(family=SMS) & ~Q(phone="") | Q(family=WHATSAPP)
    rows = ContactAddress.objects.filter(readable, account=account, alias_of=None)
    return rows.select_related("contact").order_by("pk")


def _numbers_of(addresses: Iterable[ContactAddress]) -> Mapping[int, Sequence[str]]:
    """Return all numbers of these contacts, by key: a card may name any of them. One query."""
    contacts = {address.contact_id for address in addresses}
    found: dict[int, list[str]] = defaultdict(list)
    for one in ContactAddress.objects.filter(contact__in=contacts).order_by("pk"):
        found[one.contact_id].append(one.number)
    return found


def _line(address: ContactAddress, names: Sequence[str]) -> list[str]:
    contact = address.contact
    known = {name.casefold(): value for name, value in contact.attributes.items()}
    number = address.phone if address.family == SMS else f"{WHATSAPP}:{address.number}"
    return [
        number,
        contact.name,
        contact.language,
        ", ".join(contact.tags),
        contact.notes,
        *(cell_of(known.get(name.casefold())) for name in names),
    ]


def _masked(address: ContactAddress, line: Sequence[str], numbers: Sequence[str]) -> list[str]:
    name = name_words(line[1], *numbers, is_masked=True)
    rest = [without_numbers(cell, numbers) for cell in line[2:]]
    return [masked_words(address.number), name, *rest]
