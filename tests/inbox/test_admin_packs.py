"""What does the admin show of country rules, and who installs a pack there?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from compliance.in_force import RulesInForce, assume, forget, rules_in_force
from compliance.jurisdictions import read_pack, shipped_pack
from compliance.models import JurisdictionPack
from tests.admin_world import Company, browser_of, make_company, make_partner_user, make_staff
from tests.compliance.packs import PUBLIC, pack_document, signed_file
from tests.factories import make_user

BASE = "/admin/compliance/jurisdictionpack/"
SHIPPED = shipped_pack().version


@pytest.fixture(autouse=True)
def _trusted(settings: Any) -> None:
    settings.JURISDICTION_PACK_KEYS = [PUBLIC]


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind")


@pytest.fixture
def stan(acme: Company) -> Client:
    return browser_of(make_staff("stan@platform.example"))


@pytest.fixture
def auditor(acme: Company) -> Client:
    return browser_of(make_user(acme.account, "Audrey", works_as=User.Role.AUDITOR))


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def install(client: Client, content: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("pack.json", content, content_type="application/json")
    return client.post(f"{BASE}install/", {"pack": file}, **more)


def version(number: int) -> str:
    """Return a version that is newer than the one shipped, and never of the future."""
    return f"{SHIPPED}.{number}"


def test_staff_install_a_signed_pack(stan: Client) -> None:
    assert f"Pack {SHIPPED} is in force." in text(stan.get(f"{BASE}install/"))

    answer = install(stan, signed_file(version(2), promo_window="mon-sun=09:00-20:00"), follow=True)

    assert f"Pack {version(2)} is in force." in text(answer)
    assert "messages are judged by it" in text(answer)
    row = JurisdictionPack.objects.get(state="in_force")
    assert (row.file_name, str(row.received_by)) == ("pack.json", "Rita Root")
    assert rules_in_force().row == row.pk
    assert AuditEntry.objects.filter(action="jurisdiction_pack_installed").count() == 1


def test_a_refused_pack_is_kept_with_its_problems_and_waits_on_the_first_page(
    stan: Client,
) -> None:
    bad = json.dumps(pack_document(version(2), promo_window="whenever")).encode()

    answer = install(stan, bad, follow=True)

    assert "This pack was refused; the one in force stays." in text(answer)
    assert "The pack is not signed." in text(answer)
    assert "Row 1 (US): promo_window" in text(answer)
    assert rules_in_force().version == SHIPPED
    first = text(stan.get("/admin/"))
    assert "A pack of country rules was refused" in first
    assert "None," not in first


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}"])
def test_whatever_is_sent_is_answered_in_words(stan: Client, content: bytes) -> None:
    answer = install(stan, content, follow=True)

    assert answer.status_code == 200
    assert "refused" in text(answer) or "This file is empty." in text(answer)
    assert stan.post(f"{BASE}install/", {}).status_code == 200
    assert "Choose a file." in text(stan.post(f"{BASE}install/", {}))
    assert rules_in_force().version == SHIPPED


def test_the_pack_in_force_is_not_installed_twice(stan: Client) -> None:
    install(stan, signed_file(version(2)))

    assert "is installed already" in text(install(stan, signed_file(version(2))))
    assert JurisdictionPack.objects.filter(state="in_force").count() == 1


def test_nobody_but_staff_installs_anything(acme: Company, auditor: Client) -> None:
    partner = browser_of(make_partner_user(acme.partner))
    admin = browser_of(make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))

    for client in (partner, admin, auditor):
        assert client.get(f"{BASE}install/").status_code == 403
        assert install(client, signed_file(version(2))).status_code == 403
        assert f"{BASE}install/" not in text(client.get(BASE))
    for user in (acme.alice, acme.sue):
        assert install(browser_of(user), signed_file(version(2))).status_code == 302
    assert not JurisdictionPack.objects.filter(state="in_force").exists()


def test_any_two_versions_are_compared_row_by_row(stan: Client, auditor: Client) -> None:
    install(stan, signed_file(version(2), promo_window="mon-sun=09:00-20:00"))
    install(stan, signed_file(version(3), promo_window="any", notes="<b>Bold</b>"))
    keys = dict(JurisdictionPack.objects.values_list("version", "pk"))

    for client in (stan, auditor):
        newest = text(client.get(f"{BASE}compare/"))
        assert f"From {version(2)} to {version(3)}" in newest
        assert "<td>promo_window</td> <td>mon-sun=09:00-20:00</td> <td>any</td>" in newest
        assert "<strong>looser</strong>" in newest
        assert "&lt;b&gt;Bold" in newest
        assert "not legal advice" in newest
        other = text(client.get(f"{BASE}compare/?old=shipped&new={keys[version(2)]}"))
        assert (
            "<td>mon-sun=08:00-21:00</td> <td>mon-sun=09:00-20:00</td> <td>stricter</td>" in other
        )
        same = text(client.get(f"{BASE}compare/?old=shipped&new=shipped"))
        assert "Both say the same." in same


def test_what_is_no_pack_is_not_there(stan: Client, auditor: Client) -> None:
    refused = install(stan, b"{}").url.split("/")[-3]

    for client in (stan, auditor):
        for key in ("0", "x", "-1", "9" * 40, refused, "SHIPPED"):
            assert client.get(f"{BASE}compare/?old={key}").status_code == 404, key
            assert client.get(f"{BASE}rules/?pack={key}").status_code == 404, key
    assert auditor.get(f"{BASE}{refused}/change/").status_code == 302
    assert f"/{refused}/change/" not in text(auditor.get(BASE))
    assert stan.get(f"{BASE}{refused}/change/").status_code == 200


def test_the_rules_are_shown_with_source_and_standing(auditor: Client) -> None:
    page = text(auditor.get(f"{BASE}rules/"))

    assert "this is not legal advice" in page
    assert "Messages are judged by this pack." in page
    assert "sourced-secondary" in page
    assert "https://www.govinfo.gov" in page
    old = JurisdictionPack.objects.get(version="2026-01-01").pk
    assert "Messages are judged by another pack." in text(auditor.get(f"{BASE}rules/?pack={old}"))


def test_rows_that_nobody_reviewed_for_long_are_warned_of(stan: Client) -> None:
    document = pack_document("2027-01-15")
    for row in document["rows"]:
        row["last_reviewed"] = str(timezone.now().date() - timedelta(days=180))
    document["rows"][0]["last_reviewed"] = str(timezone.now().date() - timedelta(days=181))
    assume(RulesInForce(read_pack(document)))

    line = "Country rules that were last reviewed over 180 days ago: 1."
    assert line in text(stan.get("/admin/"))


def test_a_pack_that_is_passed_over_waits_on_the_first_page(stan: Client, settings: Any) -> None:
    install(stan, signed_file(version(2)))
    settings.JURISDICTION_PACK_KEYS = []
    forget()

    page = text(stan.get("/admin/"))

    assert f"Pack {version(2)} is passed over: No key is trusted" in page
    assert f"{SHIPPED} holds instead." in page
