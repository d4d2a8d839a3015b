"""Does an auditor get a proof pack from the page, that a stranger verifies with nothing of ours?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from compliance.evidence import EventKind
from tests.browser.conftest import Open
from tests.compliance.ledgers import MARIA, proof, tell
from tests.compliance.test_proof import verify
from tests.conftest import House
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_an_auditor_asks_by_number_looks_and_takes_proof_away(
    house: House, open_as: Open, tmp_path: Path
) -> None:
    now = timezone.now()
    for days, told in ((3, proof()), (1, EventKind.OPT_OUT)):
        tell(house.account, told, at=now - timedelta(days=days))
    page = open_as(
        make_user(house.account, "Audrey", works_as=User.Role.AUDITOR), "/settings/consent/"
    )
    page.get_by_label("Phone number, WhatsApp user id, or handle").fill("(415) 555-0100")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Consent of a person")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Opted out")
    expect(page.locator("main")).not_to_contain_text(MARIA.phone)

    page.get_by_role("button", name="Download the proof").click()
    expect(page.locator("main")).to_contain_text("Say why: the audit log keeps it.")
    page.get_by_label("Why").fill("A complaint")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the proof").click()
    data = Path(download.value.path()).read_bytes()

    code, said = verify(tmp_path, data)
    assert (code, "2 events hold" in said) == (0, True), said
