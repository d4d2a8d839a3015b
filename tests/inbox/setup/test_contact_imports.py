"""Are files of contacts read in every encoding, taken in once, and what is wrong told?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.consent_files import ConsentFileError
from compliance.models import Consent, ConsentEvent
from inbox.models import Contact, ContactAddress, ContactImport
from inbox.setup.contact_files import MOST_ROWS, Fault, Row, decoded, guess, read_rows, read_table
from inbox.setup.contact_imports import (
    cancel,
    claim_next,
    faults_of,
    foretell,
    forget_old,
    go_on,
    start,
    upload,
)
from tests.conftest import NOW, House
from tests.factories import make_user
from tests.twilio import text_in

TEXT = "Phone,Name,Tags,Tier\n+12125550101,José,vip;new,gold\n(212) 555-0102,Zoë,,\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
def test_every_usual_encoding_is_read(encoding: str) -> None:
    sheet = read_table(decoded(TEXT.encode(encoding)))
    rows = list(read_rows(sheet, guess(sheet.header, country="US"), 0, 10))

    assert [(one.name, one.address.phone) for one in rows if isinstance(one, Row)] == [
        ("José", "+12125550101"),
        ("Zoë", "+12125550102"),
    ]
    assert isinstance(rows[0], Row)
    assert (rows[0].tags, rows[0].attributes) == (("vip", "new"), {"Tier": "gold"})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",Nobody,,", "no phone number"),
        ("12345,Short,,", "not a phone number"),
        ("+12125550101,=HYPERLINK(1),,", "begins like a formula"),
        ("+12125550101,A,,@SUM(1)", "begins like a formula"),
        (f"+12125550101,{'x' * 121},,", "too long"),
        (f"+12125550101,A,{'t' * 41},", "40"),
    ],
)
def test_what_cannot_be_used_is_said(row: str, words: str) -> None:
    sheet = read_table(f"Phone,Name,Tags,Tier\n{row}\n")

    (fault,) = read_rows(sheet, guess(sheet.header, country=""), 0, 10)

    assert isinstance(fault, Fault)
    assert fault.line == 2
    assert words in fault.reason


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ConsentFileError, match="50,000"):
        read_table("phone\n" + "+12125550101\n" * (MOST_ROWS + 1))


def take_in(house: House, text: str) -> ContactImport:
    row = upload(text.encode(), account=house.account, by=house.alice, name="c.csv", now=NOW)
    start(row, by=house.alice, now=NOW)
    work = claim_next(now=NOW)
    assert work
    assert claim_next(now=NOW) is None
    while go_on(work, now=NOW):
        pass
    row.refresh_from_db()
    return row


def test_the_same_file_twice_changes_nothing(house: House) -> None:
    first = take_in(house, TEXT)
    cards = list(Contact.objects.order_by("pk").values())
    second = take_in(house, TEXT)

    assert (first.created, first.updated, first.status) == (2, 0, "done")
    assert (second.created, second.updated, second.unchanged) == (0, 0, 2)
    assert list(Contact.objects.order_by("pk").values()) == cards
    assert first.content == second.content == ""


def test_who_is_known_keeps_what_the_file_does_not_say(house: House, client: Client) -> None:
    text_in(client, house.sender, "+12125550101", "Hello")
    Contact.objects.update(language="es", notes="Tea", tags=["old"])
    consents = list(Consent.objects.values())
    events = ConsentEvent.objects.count()

    row = take_in(house, TEXT)

    assert (row.created, row.updated) == (1, 1)
    contact = Contact.objects.get(name="José")
    assert (contact.language, contact.notes) == ("es", "Tea")
    assert contact.tags == ["old", "vip", "new"]
    assert contact.attributes == {"Tier": "gold"}
    # Nothing of consent is touched.
    assert list(Consent.objects.values()) == consents
    assert ConsentEvent.objects.count() == events


def test_many_rows_go_on_where_they_stopped(house: House) -> None:
    lines = "".join(f"+1212555{n:04},P{n}\n" for n in range(450))
    row = upload(
        f"phone,name\n{lines}bad,X\n".encode(), account=house.account, by=house.alice, now=NOW
    )
    start(row, by=house.alice, now=NOW)
    work = claim_next(now=NOW)
    assert work
    go_on(work, now=NOW)
    row.refresh_from_db()
    assert (row.done, row.percent) == (200, 44)

    # The worker died: another one takes it up after its lease.
    again = claim_next(now=NOW + timedelta(minutes=3))
    assert again
    while go_on(again, now=NOW):
        pass

    row.refresh_from_db()
    assert (row.created, row.wrong, row.done) == (450, 1, 451)
    assert ContactAddress.objects.count() == 450
    (fault,) = faults_of(row)
    assert fault.line == 452
    forget_old(now=NOW + timedelta(days=31))
    row.refresh_from_db()
    assert faults_of(row) == []


def test_a_cancelled_one_stops(house: House) -> None:
    row = upload(TEXT.encode(), account=house.account, by=house.alice, now=NOW)
    start(row, by=house.alice, now=NOW)
    work = claim_next(now=NOW)
    assert work
    cancel(row, by=house.alice, now=NOW)

    assert not go_on(work, now=NOW)
    assert not Contact.objects.exists()


def test_the_pages_lead_through_it(house: House, login: Any, tmp_path: Any) -> None:
    ada = login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    file = tmp_path / "people.csv"
    file.write_text(TEXT + "nobody,=1+1,,\n")
    with file.open("rb") as content:
        answer = ada.post("/settings/contacts/", {"do": "upload", "file": content})
    place = answer["Location"]

    assert "This is not a phone number" not in ada.get("/settings/contacts/").content.decode()
    told = ada.get(place).content.decode()
    assert "José" in told
    assert "begins like a formula" in told
    ada.post(place, {"do": "map", "channel": "sms", "country": "US", "column_number": "Phone",
                     "column_name": "Name", "rest": ["Tier"]})  # fmt: skip
    row = ContactImport.objects.get()
    assert row.mapped["columns"] == {"number": "Phone", "name": "Name"}
    assert foretell(row).new == 2
    ada.post(place, {"do": "start"})
    work = claim_next(now=NOW)
    assert work
    go_on(work, now=NOW)
    done = ada.get(place).content.decode()
    assert "Line 4" in done
    taken = b"".join(ada.post(f"{place}faults/").streaming_content).decode()
    assert "'=1+1" in taken
    assert AuditEntry.objects.filter(action="contact_import_faults_exported").exists()
    assert login(house.alice).get(place).status_code == 404
    with pytest.raises(ConsentFileError):
        upload(b"", account=house.account, by=house.alice, now=NOW)
