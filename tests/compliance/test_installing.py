"""Does another pack come into force only if it is right, and does the last good one stay?"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from accounts.refusals import RefusedError
from compliance import in_force
from compliance.in_force import forget, overrides_of, pack_for, problem_of, rules_in_force, rules_of
from compliance.installing import install_pack
from compliance.jurisdictions import shipped_pack, shipped_text
from compliance.models import ConsentEvent, JurisdictionPack, RuleOverride
from compliance.officers import is_compliance_officer
from compliance.overriding import own_rules, settle_rule
from compliance.signing import new_key, public_key_of
from compliance.stricter import Column
from compliance.windows import write_window
from tests.admin_world import make_partner_user, make_staff
from tests.compliance.packs import PUBLIC, pack_document, signed_file
from tests.conftest import House
from tests.factories import make_account, make_user

NOW = datetime(2027, 1, 20, 9, 0, tzinfo=UTC)
SHIPPED = shipped_pack().version
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _trusted(settings: Any) -> None:
    settings.JURISDICTION_PACK_KEYS = [PUBLIC]


def install(content: bytes, **given: Any) -> JurisdictionPack:
    return install_pack(
        **{"content": content, "file_name": "p.json", "by": None, "now": NOW, **given}
    )


def hours(code: str = "US") -> str:
    return write_window(rules_in_force().pack.rows[code].promotion)


def states() -> list[tuple[str, str]]:
    rows = JurisdictionPack.objects.order_by("pk")
    return list(rows.values_list("version", "state"))


# --- Installing ----------------------------------------------------------------------------------


def test_without_any_installed_pack_the_shipped_one_holds() -> None:
    forget()

    assert (rules_in_force().version, rules_in_force().row) == (SHIPPED, None)


def test_a_good_pack_comes_into_force_and_is_told() -> None:
    ours = make_staff()

    row = install(signed_file("2027-01-15", promo_window="mon-sun=09:00-20:00"), by=ours)

    assert (row.state, row.problems, row.received_by) == ("in_force", [], ours)
    assert (rules_in_force().version, rules_in_force().row) == ("2027-01-15", row.pk)
    assert hours() == "mon-sun=09:00-20:00"
    line = AuditEntry.objects.get(action="jurisdiction_pack_installed")
    assert (line.account, line.actor, line.is_alarm) == (None, ours, False)
    assert line.data["instead_of"] == SHIPPED
    assert line.data["rows"] == {"added": 0, "changed": 1, "removed": 0}


def test_a_better_pack_takes_the_place_of_a_good_one() -> None:
    install(signed_file("2027-01-15", promo_window="mon-sun=09:00-20:00"))
    install(signed_file("2027-01-15.2", promo_window="mon-sun=10:00-19:00"))

    assert states() == [("2027-01-15", "replaced"), ("2027-01-15.2", "in_force")]
    assert JurisdictionPack.objects.get(version="2027-01-15").replaced_at == NOW
    assert hours() == "mon-sun=10:00-19:00"


BAD = {
    "unsigned": json.dumps(pack_document("2027-01-16")).encode(),
    "changed after it was signed": signed_file("2027-01-16").replace(
        b"08:00-21:00", b"00:00-24:00"
    ),
    "older": signed_file("2027-01-14"),
    "the same version with other rules": signed_file("2027-01-15", promo_window="any"),
    "of the future": signed_file("2031-01-01"),
    "failing its schema": signed_file("2027-01-16", promo_window="mon-sun=21:00-08:00"),
    "without its last row": b'{"format": 1, "version": "2027-01-16", "rows": []}',
    "no JSON": b"{",
    "no text": b"\xff\x00\xfe",
    "empty": b"",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_bad_pack_is_kept_out_the_last_good_one_stays_and_there_is_an_alarm(
    content: bytes,
) -> None:
    """Section 14: pack file unsigned, older, or failing its schema."""
    good = install(signed_file("2027-01-15", promo_window="mon-sun=09:00-20:00"))

    row = install(content)

    assert row.state == "refused"
    assert row.problems
    assert (rules_in_force().row, hours()) == (good.pk, "mon-sun=09:00-20:00")
    good.refresh_from_db()
    assert good.state == "in_force"
    alarm = AuditEntry.objects.get(action="jurisdiction_pack_refused")
    assert (alarm.account, alarm.is_alarm) == (None, True)
    assert row.problems[0] in alarm.data["words"]


def test_a_bad_first_pack_leaves_the_shipped_one() -> None:
    assert install(BAD["unsigned"]).state == "refused"

    assert (rules_in_force().version, rules_in_force().row) == (SHIPPED, None)
    # The same bad file again is refused again, and kept again.
    assert install(BAD["unsigned"]).state == "refused"
    assert [state for _version, state in states()] == ["refused", "refused"]


def test_the_pack_in_force_is_not_installed_twice() -> None:
    content = signed_file("2027-01-15")
    install(content)

    with pytest.raises(RefusedError, match="installed already"):
        install(content)
    with pytest.raises(RefusedError, match="came with the product"):
        install(shipped_text().encode())
    assert states() == [("2027-01-15", "in_force")]


def test_two_packs_are_never_in_force_at_once() -> None:
    install(signed_file("2027-01-15"))
    other = {"content": "{}", "received_at": NOW, "sha256": "0" * 64}

    with (
        pytest.raises(IntegrityError, match="one_jurisdiction_pack_in_force"),
        transaction.atomic(),
    ):
        JurisdictionPack.objects.create(version="2027-01-16", state="in_force", **other)
    with (
        pytest.raises(IntegrityError, match="one_installed_pack_per_version"),
        transaction.atomic(),
    ):
        JurisdictionPack.objects.create(version="2027-01-15", state="replaced", **other)
    with pytest.raises(IntegrityError, match="no_problems"), transaction.atomic():
        JurisdictionPack.objects.create(
            version="2027-01-17", state="replaced", problems=["x"], **other
        )


def test_what_a_pack_says_is_never_changed_nor_is_it_deleted() -> None:
    row = install(signed_file("2027-01-15"))
    rows = JurisdictionPack.objects.filter(pk=row.pk)

    for attempt in (
        lambda: rows.update(content="{}"),
        lambda: rows.update(version="2027-01-16"),
        lambda: rows.update(sha256="0" * 64),
        lambda: rows.delete(),
    ):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            attempt()
    assert rows.get().content == row.content


@pytest.mark.django_db(transaction=True)
def test_two_who_install_at_once_leave_one_pack_in_force() -> None:
    install(signed_file("2027-01-15"))
    said: list[str] = []

    def go(version: str) -> None:
        try:
            said.append(install(signed_file(version)).state)
        except RefusedError:
            said.append("quicker")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[v]) for v in ("2027-01-16", "2027-01-17")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(said) == 2
    assert "in_force" in said
    assert JurisdictionPack.objects.filter(state="in_force").count() == 1


# --- In force ------------------------------------------------------------------------------------


def test_the_rules_are_read_once_and_asked_for_without_a_question() -> None:
    install(signed_file("2027-01-15"))
    rules_in_force()

    with CaptureQueriesContext(
        connection,
    ) as asked:
        for _turn in range(50):
            rules_in_force()

    assert len(asked) == 0


def test_another_process_notices_a_new_pack_when_it_looks_again(settings: Any) -> None:
    rules_in_force()
    # What another process does: this one is not told.
    install(signed_file("2027-01-15"))
    known = in_force.RulesInForce(shipped_pack())
    in_force.assume(known)
    assert rules_in_force().version == SHIPPED

    settings.JURISDICTION_PACK_SECONDS = 0

    assert rules_in_force().version == "2027-01-15"
    # Nothing changed since: one small question, and the pack is not read again.
    pack = rules_in_force().pack
    with CaptureQueriesContext(connection) as asked:
        assert rules_in_force().pack is pack
    assert len(asked) == 1


def test_a_pack_that_comes_with_a_newer_release_is_not_held_back_by_an_older_one() -> None:
    JurisdictionPack.objects.create(
        version="2026-11-01",
        state="in_force",
        content=signed_file("2026-11-01", promo_window="any").decode(),
        sha256="1" * 64,
        received_at=NOW,
    )
    forget()

    assert (rules_in_force().version, rules_in_force().row) == (SHIPPED, None)


def test_a_pack_whose_key_is_not_trusted_any_more_is_passed_over(settings: Any) -> None:
    first = install(signed_file("2027-01-15"))
    row = install(signed_file("2027-01-16", promo_window="any"))
    assert rules_in_force().row == row.pk

    settings.JURISDICTION_PACK_KEYS = [public_key_of(new_key())]
    forget()

    assert rules_in_force().version == SHIPPED
    assert "not trusted" in problem_of(row)
    settings.JURISDICTION_PACK_KEYS = [PUBLIC]
    forget()
    assert rules_in_force().row == row.pk
    assert problem_of(first) == ""


def test_a_pack_that_somebody_changed_by_hand_gives_way_to_the_last_good_one() -> None:
    good = install(signed_file("2027-01-15", promo_window="mon-sun=09:00-20:00"))
    JurisdictionPack.objects.filter(pk=good.pk).update(state="replaced")
    forged = signed_file("2027-01-16").replace(b"08:00-21:00", b"00:00-24:00").decode()
    JurisdictionPack.objects.create(
        version="2027-01-16", state="in_force", content=forged, sha256="2" * 64, received_at=NOW
    )
    forget()

    assert (rules_in_force().row, hours()) == (good.pk, "mon-sun=09:00-20:00")


def test_what_is_recorded_of_a_consent_names_the_pack_in_force(house: House) -> None:
    from compliance.addresses import parse_address
    from compliance.evidence import EventKind, Evidence, Source
    from compliance.recording import record_consent

    install(signed_file("2027-01-15"))
    said = Evidence(EventKind.OPT_OUT, Source.VERBAL)
    record_consent(
        account_id=house.account.pk, address=parse_address("+14155550142"), evidence=said, now=NOW
    )

    event = ConsentEvent.objects.get()
    assert (event.jurisdiction, event.pack_version) == ("US", "2027-01-15")


# --- The commands --------------------------------------------------------------------------------


def test_a_pack_is_installed_by_command(tmp_path: Path, capsys: Any) -> None:
    file, bad = tmp_path / "pack.json", tmp_path / "bad.json"
    # The command reads the clock; a pack of the next day after the one shipped is never too new.
    file.write_bytes(signed_file(f"{SHIPPED}.2"))
    bad.write_bytes(json.dumps(pack_document(f"{SHIPPED}.3", promo_window="x")).encode())

    call_command("install_jurisdiction_pack", file)
    assert f"Pack {SHIPPED}.2 is in force." in capsys.readouterr().out
    with pytest.raises(CommandError, match="installed already"):
        call_command("install_jurisdiction_pack", file)
    with pytest.raises(CommandError) as refused:
        call_command("install_jurisdiction_pack", bad)

    assert "the pack in force stays" in str(refused.value)
    assert "not signed" in str(refused.value)
    assert "Row 1 (US)" in str(refused.value)
    assert rules_in_force().version == f"{SHIPPED}.2"
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("install_jurisdiction_pack", tmp_path / "none.json")


# --- Who may sign --------------------------------------------------------------------------------


def test_being_staff_is_not_enough_to_sign() -> None:
    ours = make_staff()
    assert ours.has_perm("compliance.sign_looser_rules")  # as every superuser

    assert not is_compliance_officer(ours)
    call_command("appoint_compliance_officer", ours.email)
    assert is_compliance_officer(ours)
    call_command("appoint_compliance_officer", ours.email, end=True)
    assert not is_compliance_officer(ours)
    told = AuditEntry.objects.filter(action__startswith="compliance_officer").order_by("pk")
    assert list(told.values_list("action", flat=True)) == [
        "compliance_officer_appointed",
        "compliance_officer_ended",
    ]


def test_nobody_but_active_staff_is_an_officer(house: House) -> None:
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    partner = make_partner_user(house.account.partner)

    for user in (admin, partner, house.alice):
        with pytest.raises(CommandError, match="Only active platform staff"):
            call_command("appoint_compliance_officer", user.email)
        user.user_permissions.add(Permission.objects.get(codename="sign_looser_rules"))
        assert not is_compliance_officer(user)
    with pytest.raises(CommandError, match="Nobody has this"):
        call_command("appoint_compliance_officer", "nobody@example.com")
    ours = make_staff()
    call_command("appoint_compliance_officer", ours.email)
    ours.is_active = False
    assert not is_compliance_officer(ours)


# --- What accounts settle ------------------------------------------------------------------------


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def officer(db: None) -> User:
    ours = make_staff("officer@platform.example")
    call_command("appoint_compliance_officer", ours.email)
    return ours


def settle(house: House, by: User, value: str, **given: Any) -> RuleOverride:
    asked: dict[str, Any] = {
        "account": house.account,
        "code": "US",
        "column": Column.PROMOTION,
        "value": value,
        "reason": "",
        "seen": RuleOverride.objects.filter(account=house.account).count(),
        "by": by,
        "now": NOW,
    }
    return settle_rule(**{**asked, **given})


def held(house: House, code: str = "US") -> str:
    return write_window(rules_of(house.account.pk, [code])[0].promotion)


def test_an_admin_settles_something_stricter(house: House, ada: User) -> None:
    row = settle(house, ada, "mon-fri=10:00-17:00; sat-sun=none")

    assert (row.value, row.is_looser) == ("mon-fri=10:00-17:00;sat-sun=none", False)
    assert (row.of_value, row.pack_version) == ("mon-sun=08:00-21:00", SHIPPED)
    assert held(house) == "mon-fri=10:00-17:00;sat-sun=none"
    line = AuditEntry.objects.get(action="rule_settled")
    assert (line.account, line.actor) == (house.account, ada)
    assert line.data["changes"]["promo_window"] == {
        "before": "as the row: mon-sun=08:00-21:00",
        "after": "mon-fri=10:00-17:00;sat-sun=none",
    }


def test_an_admin_settles_nothing_looser(house: House, ada: User) -> None:
    for value in ("any", "mon-sun=07:00-20:00", "mon-sun=08:00-21:30"):
        with pytest.raises(RefusedError, match="Only a compliance officer") as refused:
            settle(house, ada, value, reason="We want to")
        assert refused.value.field == "value"
    assert not RuleOverride.objects.exists()
    assert held(house) == "mon-sun=08:00-21:00"


def test_an_officer_signs_something_looser_with_a_reason(house: House, officer: User) -> None:
    with pytest.raises(RefusedError) as refused:
        settle(house, officer, "mon-sun=07:00-21:00", reason=" \n ")
    assert refused.value.field == "reason"

    row = settle(house, officer, "mon-sun=07:00-21:00", reason="Opinion of counsel, 12 January")

    assert row.is_looser
    assert held(house) == "mon-sun=07:00-21:00"
    line = AuditEntry.objects.get(action="rule_signed_looser")
    assert (line.account, line.actor) == (house.account, officer)
    assert line.data["reason"] == "Opinion of counsel, 12 January"


def test_the_database_keeps_nothing_looser_without_a_reason(house: House, officer: User) -> None:
    row = {
        "account": house.account,
        "code": "US",
        "column": "promo_window",
        "number": 1,
        "pack_version": SHIPPED,
        "made_by": officer,
        "made_at": NOW,
        "is_looser": True,
    }
    for wrong in ({"value": "any"}, {"reason": "Because"}):
        with pytest.raises(IntegrityError, match="has_a_reason"), transaction.atomic():
            RuleOverride.objects.create(**row, **wrong)


def test_a_signature_ends_when_the_rule_that_was_read_changes(house: House, officer: User) -> None:
    settle(house, officer, "mon-sun=07:00-21:00", reason="Opinion of counsel")

    install(signed_file("2027-01-15", notes="Other words, the same hours."))
    assert held(house) == "mon-sun=07:00-21:00"
    install(signed_file("2027-01-16", promo_window="mon-sun=09:00-20:00"))

    assert held(house) == "mon-sun=09:00-20:00"
    # And may be given anew, for the rule as it is now.
    settle(house, officer, "mon-sun=07:00-21:00", reason="Opinion of counsel, renewed")
    assert held(house) == "mon-sun=07:00-21:00"


def test_what_is_stricter_stays_stricter_whatever_pack_comes(house: House, ada: User) -> None:
    settle(house, ada, "mon-sun=10:00-18:00")

    install(signed_file("2027-01-15", promo_window="mon-sun=11:00-20:00"))

    assert held(house) == "mon-sun=11:00-18:00"


def test_the_next_one_replaces_and_nothing_is_edited(house: House, ada: User) -> None:
    settle(house, ada, "mon-sun=10:00-18:00")
    settle(house, ada, "mon-sun=11:00-18:00", reason="Fewer complaints")
    settle(house, ada, "")

    rows = RuleOverride.objects.order_by("number")
    assert list(rows.values_list("number", "value")) == [
        (1, "mon-sun=10:00-18:00"),
        (2, "mon-sun=11:00-18:00"),
        (3, ""),
    ]
    assert overrides_of(house.account.pk) == []
    assert held(house) == "mon-sun=08:00-21:00"
    with pytest.raises(RefusedError, match="holds already"):
        settle(house, ada, "")
    with pytest.raises(Exception, match="ledger"):
        rows[0].save()


def test_who_was_slower_is_told(house: House, ada: User) -> None:
    settle(house, ada, "mon-sun=10:00-18:00")

    with pytest.raises(RefusedError, match="Somebody else changed"):
        settle(house, ada, "mon-sun=11:00-18:00", seen=0)
    assert held(house) == "mon-sun=10:00-18:00"


def test_an_unknown_row_is_refused(house: House, ada: User) -> None:
    for code in ("XX", "us", "", "US-ZZ"):
        with pytest.raises(RefusedError, match="has no row"):
            settle(house, ada, "mon-sun=10:00-18:00", code=code)


def test_what_an_account_settles_is_nobody_elses(house: House, ada: User) -> None:
    other = make_account("Umbrella")
    settle(house, ada, "mon-sun=10:00-18:00")

    [theirs] = rules_of(other.pk, ["US"])
    assert write_window(theirs.promotion) == "mon-sun=08:00-21:00"


def test_the_rules_of_a_case_are_one_question(house: House, ada: User) -> None:
    settle(house, ada, "2", code="US-FL", column=Column.MOST_A_DAY, seen=0)
    settle(house, ada, "written", code="ZZ", column=Column.CONSENT, seen=0)
    rules_in_force()

    with CaptureQueriesContext(connection) as asked:
        rows = rules_of(house.account.pk, ["US-FL", "XX"])

    assert len(asked) == 1
    assert [row.code for row in rows] == ["US", "US-FL", "ZZ"]
    assert [row.most_a_day for row in rows] == [None, 2, None]
    assert rows[2].consent_level == "written"
    # The same, as the gate takes it.
    with CaptureQueriesContext(connection) as asked:
        own = pack_for(house.account.pk)
    assert len(asked) == 1
    assert own.rules_for(["US-FL", "XX"]) == rows
    assert own.version == SHIPPED
    assert pack_for(make_account("Umbrella").pk) is rules_in_force().pack


def test_every_column_is_shown_with_what_the_row_says(house: House, ada: User) -> None:
    settle(house, ada, "2", code="US-FL", column=Column.MOST_A_DAY)

    told = {one.column: one for one in own_rules(house.account, shipped_pack().rows["US-FL"])}

    assert list(told) == list(Column)
    assert (told[Column.MOST_A_DAY].of_row, told[Column.MOST_A_DAY].value) == ("3", "2")
    assert told[Column.CONSENT].of_row == "written"
    assert told[Column.PROMOTION].number == 0
    assert NOW - timedelta(0) == told[Column.MOST_A_DAY].current.made_at  # type: ignore[union-attr]
