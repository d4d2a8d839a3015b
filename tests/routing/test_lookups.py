"""Is it set soundly who outside may be asked, and do secrets stay secret?"""

import base64
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry, User
from accounts.rotation import secret_columns
from routing.crm import Connector
from routing.crm_fields import Field
from routing.crm_tables import Sheet, read_table
from routing.lookups import (
    DefinitionChangedError,
    DefinitionError,
    Wanted,
    add_connector,
    add_data_action,
    begin_new_secret,
    change_connector,
    change_data_action,
    delete_definition,
    end_old_secret,
    import_table,
    row_of,
)
from routing.models import CrmConnector, CrmRow, CrmTable, DataAction
from tests.conftest import NOW, House
from tests.factories import make_account

URL = "https://crm.example.com/by/{{contact.number}}"
TIER = Field("tier", "customer.tier")
WANTED = Wanted(
    "Our CRM",
    "json",
    (TIER,),
    url=URL,
    headers={"Authorization": "Bearer {{secret.token}}"},
    new_secrets={"token": "tok-123"},
)


def add_action(house: House, name: str = "Own code") -> tuple[DataAction, str]:
    return add_data_action(
        account=house.account, name=name, url="https://code.example.com/", by=house.sue, now=NOW
    )


def add(house: House, **changed: Any) -> CrmConnector:
    wanted = replace(WANTED, **changed)
    return add_connector(account=house.account, wanted=wanted, by=house.sue, now=NOW)


def stored(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")
        return str(cursor.fetchone()[0])


def audited() -> str:
    return str(list(AuditEntry.objects.order_by("pk").values_list("action", "data")))


# --- Data Actions ---


def test_a_data_action_has_a_secret_that_only_who_made_it_sees(house: House) -> None:
    action, secret = add_action(house)

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert action.signing_secrets() == (secret,)
    assert stored("routing_dataaction", "secret").startswith("fernet:")
    assert secret not in audited()
    assert "'secret': {'after': 'set', 'before': None}" in audited()


def test_while_a_secret_changes_both_sign(house: House) -> None:
    action, old = add_action(house)

    action, new = begin_new_secret(action=action, version=1, by=house.sue, now=NOW)
    assert action.signing_secrets() == (new, old)
    action = end_old_secret(action=action, version=2, by=house.sue, now=NOW)

    assert DataAction.objects.get().signing_secrets() == (new,)
    assert not any(secret in audited() for secret in (old, new))
    with pytest.raises(DefinitionError, match="no new secret"):
        end_old_secret(action=action, version=3, by=house.sue, now=NOW)


def test_two_who_change_one_at_the_same_time_are_told(house: House) -> None:
    action, _ = add_action(house)
    change: dict[str, Any] = {"name": "Code", "url": "https://x.example.com/"}
    change |= {"by": house.sue, "now": NOW}
    change_data_action(action=action, is_on=False, version=1, **change)

    with pytest.raises(DefinitionChangedError):
        change_data_action(action=action, is_on=True, version=1, **change)

    assert not DataAction.objects.get().is_on


@pytest.mark.parametrize(
    "url", ["http:/x", "ftp://code.example.com/", "https://a:b@x.example.com/", URL, ""]
)
def test_the_address_of_a_data_action_is_fixed(house: House, url: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        add_data_action(account=house.account, name="X", url=url, by=house.sue, now=NOW)

    assert caught.value.field == "url"


# --- Names ---


@pytest.mark.parametrize("name", ["", "  ", "a.b", "a" * 41, "a\0b"])
def test_a_name_is_one_that_rules_can_write(house: House, name: str) -> None:
    for make in (add_action, lambda house, name: add(house, name=name)):
        with pytest.raises(DefinitionError) as caught:
            make(house, name)
        assert caught.value.field == "name"


def test_no_two_lookups_of_an_account_have_one_name(house: House) -> None:
    add(house)
    add_action(house)

    for again in (lambda: add_action(house, " our  crm "), lambda: add(house, name="OWN CODE")):
        with pytest.raises(DefinitionError, match="of this name"):
            again()

    other = make_account("Umbrella")
    assert add_connector(account=other, wanted=WANTED, by=house.sue, now=NOW).name == "Our CRM"


@pytest.mark.parametrize("name", ["OUR CRM", "our.crm"])
def test_the_database_holds_to_names(house: House, name: str) -> None:
    row = add(house)
    row.pk, row.name = None, name

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_there_is_an_end_to_definitions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.lookups.MOST_DEFINITIONS", 2)
    add(house)
    add_action(house)

    with pytest.raises(DefinitionError, match="too many"):
        add(house, name="Third")


# --- Connectors ---


def test_a_connector_keeps_its_secrets_and_shows_none(house: House) -> None:
    row = add(house)

    assert row.definition() == Connector(URL, (TIER,), "GET", WANTED.headers, None)
    assert CrmConnector.objects.get().secret_values() == {"token": "tok-123"}
    assert stored("routing_crmconnector", "secrets").startswith("fernet:")
    assert "tok-123" not in audited()
    assert "tok-123" not in repr(WANTED)


def changed(house: House, row: CrmConnector, **what: Any) -> CrmConnector:
    wanted = replace(WANTED, **{"new_secrets": {}, **what})
    return change_connector(
        connector=row, wanted=wanted, version=row.version, by=house.sue, now=NOW
    )


def test_secrets_stay_until_they_are_replaced_or_removed(house: House) -> None:
    row = changed(house, add(house), cache_minutes=5)
    assert row.secret_values() == {"token": "tok-123"}

    row = changed(house, row, new_secrets={"token": "tok-456", "other": "x"})
    assert row.secret_values() == {"token": "tok-456", "other": "x"}
    assert "tok-456" not in audited()

    row = changed(house, row, new_secrets={"other": ""})
    assert row.secret_values() == {"token": "tok-456"}


@pytest.mark.parametrize(
    "url", ["https://evil.example.com/{{contact.number}}", "https://crm.example.com:8443/"]
)
def test_secrets_do_not_go_along_to_another_host(house: House, url: str) -> None:
    row = add(house)

    with pytest.raises(DefinitionError, match="“token” is not set"):
        changed(house, row, url=url)

    assert changed(house, row, url=url, new_secrets={"token": "t"}).secret_values() == {
        "token": "t"
    }


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"kind": "fax"}, "kind"),
        ({"cache_minutes": 1441}, "cache_minutes"),
        ({"cache_minutes": -1}, "cache_minutes"),
        ({"url": ""}, "definition"),
        ({"fields": ()}, "definition"),
        ({"headers": {"X-Key": "abc"}}, "definition"),
        ({"new_secrets": {}}, "definition"),
        ({"new_secrets": {"token": "x" * 4001}}, "secrets"),
        ({"new_secrets": {str(n): "x" for n in range(11)}}, "secrets"),
        ({"kind": "table"}, "table"),
        ({"kind": "salesforce", "url": ""}, "definition"),
        ({"kind": "hubspot", "url": "x"}, "definition"),
    ],
)
def test_a_wrong_connector_is_refused_in_words(
    house: House, what: dict[str, Any], field: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        add(house, **what)

    assert caught.value.field == field
    assert not CrmConnector.objects.exists()


def test_hubspot_needs_no_address(house: House) -> None:
    row = add(house, kind="hubspot", url="", headers={}, fields=(Field("tier", "tier"),))

    assert row.definition().url == "https://api.hubapi.com/crm/v3/objects/contacts/search"


def test_who_deletes_a_connector_is_noted(house: House) -> None:
    delete_definition(row=add(house), by=house.sue, now=NOW)
    delete_definition(row=add_action(house)[0], by=house.sue, now=NOW)

    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == [
        "crm_connector_added",
        "crm_connector_deleted",
        "data_action_added",
        "data_action_deleted",
    ]
    assert "tok-123" not in audited()


# --- Tables ---


@pytest.fixture
def sheet() -> Sheet:
    return read_table(b"number,tier\n+14155550100,gold\n+14155550101,\nnobody,x\n")


def import_it(house: House, sheet: Sheet, name: str = "Customers") -> CrmTable:
    return import_table(account=house.account, name=name, sheet=sheet, by=house.sue, now=NOW)


def test_a_table_is_kept_and_asked_by_number(house: House, sheet: Sheet) -> None:
    table = import_it(house, sheet)
    row = add(house, kind="table", url="", headers={}, table=table, fields=(Field("tier", "tier"),))

    assert row_of(row, "+14155550100") == {"tier": "gold"}
    assert row_of(row, "+14155550101") == {}
    assert row_of(row, "+14155550199") is None
    assert "'left_out': 1" in audited()
    assert "14155550100" not in audited()


def test_a_file_takes_the_place_of_what_was_there(house: House, sheet: Sheet) -> None:
    first = import_it(house, sheet)
    again = import_it(house, read_table(b"number,vip\n+14155550102,yes\n"), " customers ")

    assert again.pk == first.pk
    assert list(CrmRow.objects.values_list("key", "values")) == [("+14155550102", {"vip": "yes"})]
    assert CrmTable.objects.get().columns == ["vip"]


def test_a_file_without_a_usable_row_empties_no_table(house: House, sheet: Sheet) -> None:
    import_it(house, sheet)

    with pytest.raises(DefinitionError, match="nothing was changed"):
        import_it(house, read_table(b"number,tier\nnobody,x\n"))

    assert CrmRow.objects.count() == 2


def test_a_table_of_another_account_is_none(house: House, sheet: Sheet, charlie: User) -> None:
    assert charlie.account is not None
    theirs = import_table(account=charlie.account, name="T", sheet=sheet, by=charlie, now=NOW)

    with pytest.raises(DefinitionError, match="one of your tables"):
        add(house, kind="table", table=theirs, headers={}, fields=(Field("tier", "tier"),))


def test_a_column_that_is_not_there_is_none(house: House, sheet: Sheet) -> None:
    table = import_it(house, sheet)

    with pytest.raises(DefinitionError, match="no column “rank”"):
        add(house, kind="table", table=table, headers={}, fields=(Field("rank", "rank"),))


def test_a_change_of_the_key_moves_these_secrets_too() -> None:
    names = {column.name for column in secret_columns()}

    assert {
        "routing.DataAction.secret",
        "routing.DataAction.secret_next",
        "routing.CrmConnector.secrets",
    } <= names
