"""Is a file that cannot go refused alone, and never dropped silently?"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from inbox.models import Message
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, shop
from tests.conftest import House

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAMPLES = Path(__file__).parents[2] / "inbox/twilio/simulator/samples"


def test_a_refused_file_does_not_refuse_its_neighbour(
    shop: House, open_as: Open, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(b"x" * (6 * 1024 * 1024))
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#file-input").set_input_files([str(large), str(SAMPLES / "quote.pdf")])

    expect(alice.locator("#files li.is-wrong")).to_have_count(1)
    expect(alice.locator("#files li.is-wrong")).to_contain_text("large.jpg")
    expect(alice.locator("#files li:not(.is-wrong)")).to_contain_text("quote.pdf")


def test_nothing_is_sent_while_a_refused_file_stands_there(
    shop: House, open_as: Open, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(b"x" * (6 * 1024 * 1024))
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#file-input").set_input_files(str(large))

    alice.locator("#words").fill("Here is the photo")
    alice.locator("#words").press("Enter")

    expect(alice.locator("#cost")).to_contain_text("Remove the file that cannot be sent")
    expect(alice.locator("#alarm")).to_contain_text("Remove the file that cannot be sent")
    expect(alice.locator("#words")).to_have_value("Here is the photo")
    expect(alice.locator("#send")).to_be_disabled()
    assert not Message.objects.filter(direction="out").exists()
    alice.get_by_role("button", name="Remove large.jpg").click()
    alice.locator("#words").press("Enter")
    expect(alice.locator("li.msg-out", has_text="Here is the photo")).to_be_visible()
