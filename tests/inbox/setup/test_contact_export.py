"""Are contacts taken away whole, in a table that comes in again and changes nothing?"""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AuditEntry, User
from inbox.models import Contact, ContactAddress
from inbox.setup.contact_export import PART, attribute_names, header_of, lines_of
from inbox.setup.contact_imports import foretell, upload
from tests.conftest import NOW, House
from tests.factories import make_account, make_user
from tests.inbox.setup.test_contact_imports import take_in

PLACE = "/settings/contacts/export/"


def known(account: Account, key: str, **facts: Any) -> Contact:
    """Let an account know somebody under an address: `sms:+1…`, `whatsapp:…`."""
    contact = Contact.objects.create(account=account, **facts)
    family, _, rest = key.partition(":")
    phone = rest if rest.startswith("+") else ""
    ContactAddress.objects.create(
        account=account, contact=contact, key=key, family=family, raw=rest, phone=phone
    )
    return contact


@pytest.fixture
def everybody(house: House) -> None:
    """Contacts with everything that a card may say."""
    account = house.account
    known(
        account,
        "sms:+12125550101",
        name="Zoë, “the boss”",
        language="pt-BR",
        tags=["vip", "pays late"],
        notes="=SUM(A1)\nTwo lines, and a comma",
        attributes={"Tier": "gold", "seats": 7, "pays": True, "rate": 1.5, "lines": ["a", "b"]},
    )
    known(account, "sms:+12125550102", name="=HYPERLINK(1)", attributes={"tier": "-5", "x": "+1"})
    known(account, "whatsapp:+12125550103", profile_name="Maria")
    known(account, "whatsapp:US.1234567890", name="@home")
    # These an import cannot read.
    known(account, "messenger:42", name="Mess")
    known(account, "sms:32665", name="Short")
    Contact.objects.create(account=account, name="Nowhere")


@pytest.fixture
def ada(house: House, login: Any) -> Client:
    client: Client = login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    return client


def export(client: Client) -> str:
    answer: Any = client.post(PLACE)
    assert answer.status_code == 200
    assert answer.streaming
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.usefixtures("everybody")
def test_what_is_exported_comes_in_again_and_changes_nothing(house: House, ada: Client) -> None:
    text = export(ada)
    before = list(Contact.objects.order_by("pk").values())

    told = foretell(upload(text.encode(), account=house.account, by=house.alice, now=NOW))
    row = take_in(house, text)

    assert (told.known, told.new, list(told.faults)) == (4, 0, [])
    assert (row.created, row.updated, row.unchanged, row.wrong) == (0, 0, 4, 0)
    assert list(Contact.objects.order_by("pk").values()) == before


@pytest.mark.usefixtures("everybody")
def test_another_account_gets_the_same_contacts_by_it(house: House, ada: Client) -> None:
    text = export(ada)
    other = make_account("Umbrella")
    admin = make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN)

    told = foretell(upload(text.encode(), account=other, by=admin, now=NOW))

    assert (told.known, told.new, list(told.faults)) == (0, 4, [])
    assert {one.name for one in told.shown} == {"Zoë, “the boss”", "=HYPERLINK(1)", "", "@home"}


@pytest.mark.usefixtures("everybody")
def test_no_spreadsheet_runs_a_cell(ada: Client) -> None:
    rows = table(export(ada))

    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}]
    assert [row["number"] for row in rows[:2]] == ["'+12125550101", "'+12125550102"]
    assert rows[1]["name"] == "'=HYPERLINK(1)"


@pytest.mark.usefixtures("everybody")
def test_it_is_written_down_who_took_how_many(house: House, ada: Client) -> None:
    export(ada)

    line = AuditEntry.objects.get(action="contacts_exported")
    assert (line.account, line.actor and line.actor.name) == (house.account, "Ada")
    assert line.data["filters"] == {"lines": "4"}


@pytest.mark.usefixtures("everybody")
def test_nobody_else_gets_it_and_nothing_of_others_is_in_it(
    house: House, ada: Client, login: Any, charlie: User
) -> None:
    other = make_account("Initech")
    known(other, "sms:+12125550199", name="Otto's", attributes={"secret": "x"})
    admin = login(make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN))

    for person in (house.alice, house.sue, charlie):
        assert login(person).post(PLACE).status_code == 404
        assert login(person).get("/settings/contacts/").status_code == 404
    assert ada.get(PLACE).status_code == 405
    assert "secret" not in export(ada)
    assert [row["name"] for row in table(export(admin))] == ["Otto's"]
    assert PLACE in ada.get("/settings/contacts/").content.decode()


@pytest.mark.usefixtures("everybody")
def test_who_may_not_see_numbers_gets_them_masked(house: House) -> None:
    names = attribute_names(house.account)
    Contact.objects.filter(name__startswith="Zoë").update(notes="Call 212-555-0101")

    lines = list(lines_of(house.account, names, is_masked=True, may_go_on=lambda: True))

    assert lines[0][0] == "+1 ••• ••01"
    assert lines[0][4] == "Call +1 ••• ••01"
    assert "5550101" not in str(lines)


def test_another_number_of_theirs_is_masked_on_their_card_too(house: House) -> None:
    contact = known(
        house.account,
        "sms:+12125550101",
        name="Zoë 212-555-0177",
        notes="At night 212-555-0177",
        attributes={"second": "+12125550177"},
    )
    ContactAddress.objects.create(
        account=house.account,
        contact=contact,
        key="whatsapp:+12125550177",
        family="whatsapp",
        raw="+12125550177",
        phone="+12125550177",
    )

    lines = list(lines_of(house.account, ["second"], is_masked=True, may_go_on=lambda: True))

    assert [line[0] for line in lines] == ["+1 ••• ••01", "+1 ••• ••77"]
    assert "0177" not in str(lines)


def test_an_attribute_called_like_a_column_has_one_of_its_own(house: House) -> None:
    known(house.account, "sms:+12125550101", attributes={"Name": "x", "tier": "1"})
    known(house.account, "sms:+12125550102", attributes={"Tier": "2"})

    names = attribute_names(house.account)

    assert [name.casefold() for name in names] == ["name", "tier"]
    assert header_of(names)[5:] == ["Name (2)", names[1]]


def many(account: Account, number: int) -> None:
    contacts = Contact.objects.bulk_create(
        Contact(account=account, name=f"P{place}") for place in range(number)
    )
    ContactAddress.objects.bulk_create(
        ContactAddress(
            account=account,
            contact=contact,
            key=f"sms:+1212{place:07}",
            family="sms",
            raw=f"+1212{place:07}",
            phone=f"+1212{place:07}",
        )
        for place, contact in enumerate(contacts)
    )


def test_ten_thousand_are_read_part_by_part(house: House) -> None:
    many(house.account, 10_000)

    with CaptureQueriesContext(connection) as captured:
        lines = lines_of(house.account, [], is_masked=False, may_go_on=lambda: True)
        first = next(lines)
        assert len(captured) == 1
        rest = sum(1 for _line in lines)

    assert (first[0], rest) == ("+12120000000", 9_999)
    assert len(captured) == 10_000 // PART + 1


def test_who_is_no_admin_any_more_gets_no_more_of_it(house: House) -> None:
    many(house.account, PART + 1)
    answers = iter([True, False])

    lines = list(lines_of(house.account, [], is_masked=False, may_go_on=lambda: next(answers)))

    assert len(lines) == PART
