"""Do the admin's pages work under our content policy, without a word in the console?"""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from inbox.models import Receipt
from tests.admin_world import admin_url, make_company, make_staff, our_models
from tests.browser.conftest import Open
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_every_page_opens_without_a_complaint(live: Live, open_as: Open) -> None:
    make_company("Acme", "Northwind", written_at=datetime.now(UTC))
    # At once: workers run beside it, and end what is over.
    rows = {model: model._default_manager.order_by("pk").first() for model in our_models()}
    page = open_as(make_staff(), "/admin/")

    for model, row in rows.items():
        assert row is not None, model
        for path in (
            admin_url(model, "list"),
            admin_url(model, "change", row.pk),
            admin_url(model, "add"),
        ):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status in (200, 403), path


def test_pickers_and_suggestions_work(live: Live, open_as: Open) -> None:
    company = make_company("Acme", "Northwind", written_at=datetime.now(UTC))
    page = open_as(make_staff(), "/admin/accounts/featuregrant/add/")

    page.locator(".field-account .select2-selection").click()
    page.locator(".select2-search__field").fill("Acm")
    page.get_by_role("option", name="Acme").click()
    page.locator("#id_starts_at_0").fill("")
    page.get_by_role("link", name="Today").first.click()

    expect(page.locator("#id_account")).to_have_value(str(company.account.pk))
    expect(page.locator("#id_starts_at_0")).not_to_have_value("")


def test_a_stray_message_is_attached_in_three_clicks(live: Live, open_as: Open) -> None:
    company = make_company("Acme", "Northwind", written_at=datetime.now(UTC))
    page = open_as(make_staff(), "/admin/inbox/receipt/?state__exact=quarantined")

    page.locator("#result_list .action-select").check()
    page.locator("select[name=action]").select_option("attach")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    page.locator("#id_sender").select_option(label=f"{company.sender.address} (Acme Support)")
    page.get_by_role("button", name="Attach and process").click()

    expect(page.locator(".messagelist .success")).to_contain_text("Processed: 1.")
    assert not Receipt.objects.filter(state=Receipt.State.QUARANTINED).exists()


def test_the_log_in_page_of_everybody_leads_to_the_admin(live: Live, open_as: Open) -> None:
    root = make_staff()
    root.set_password("a-long-test-password")
    root.save()
    page = open_as(None, "/admin/")

    page.locator("input[name=login]").fill(root.email)
    page.locator("input[name=password]").fill("a-long-test-password")
    page.locator("input[name=password]").press("Enter")

    expect(page.locator("#user-tools")).to_contain_text(root.name)
