"""Does what strangers type stay words, wherever it is shown?"""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from inbox.models import Conversation, Message
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, answer, here, ready
from tests.conftest import House
from tests.factories import make_sender
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
IMAGE = "<img src=x onerror=document.body.dataset.hacked=1>"
SCRIPT = "<script>document.body.dataset.hacked=1</script>"
BODY = f"My parcel {IMAGE}{SCRIPT}"
FILE = f"{IMAGE}.pdf"
VIOLATIONS = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (one) => {
        window.violations.push(`${one.violatedDirective} ${one.blockedURI} ${one.sample}`);
    });
"""
TRACES = """() => ({
    hacked: "hacked" in document.body.dataset,
    made: document.querySelectorAll("img[src=x], [onerror], [onload]").length,
    scripts: [...document.scripts].filter((one) => one.text.includes("hacked")).length,
    violations: window.violations,
})"""


def check_inert(page: Page) -> None:
    """Check that nothing of it became an element, ran, or was stopped only by the policy."""
    nothing = {"hacked": False, "made": 0, "scripts": 0, "violations": []}
    assert page.evaluate(TRACES) == nothing, page.url


def test_markup_that_people_type_is_shown_as_they_typed_it(
    house: House, live: Live, open_as: Open
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    live.carrier.know(live.base_url, whatsapp)
    house.bob.name = f"Bob {IMAGE}"
    house.bob.save()
    letter = {"from": f"whatsapp:{MARIA}", "to": whatsapp.address, "profile_name": IMAGE}
    live.carrier.ask("POST", "inbound", **letter, body="Hello")
    until(Conversation.objects.exists, within=10, what="it has arrived")
    alice = open_as(house.alice)
    alice.add_init_script(VIOLATIONS)
    alice.goto(here())
    ready(alice)

    # As it comes over the line, and while it is told to those who do not see.
    live.carrier.ask("POST", "inbound", **letter, body=BODY)
    for place in ("#timeline", "#rows .row-preview"):
        expect(alice.locator(place)).to_contain_text(IMAGE)
    for place in ("#rows .row-name", "#thread-title", "#panel .card-who"):
        expect(alice.locator(place)).to_contain_text(IMAGE)
    expect(alice.locator("#speaker")).to_contain_text(IMAGE, timeout=20_000)
    check_inert(alice)

    # A file, in the composer and in the thread; a failure, told with the customer's name.
    pdf: FilePayload = {
        "name": FILE,
        "mimeType": "application/pdf",
        "buffer": b"%PDF-1.4\n%%EOF\n",
    }
    alice.locator("#file-input").set_input_files([pdf])
    expect(alice.locator("#files")).to_contain_text(FILE)
    expect(alice.locator("#files progress")).to_have_count(0)
    live.carrier.fault("reject", times=1, code=63016)
    expect(answer(alice, f"Here {IMAGE}").locator(".file-name")).to_contain_text(FILE)
    expect(alice.locator("#alarm")).to_contain_text(IMAGE, timeout=30_000)
    check_inert(alice)

    # A colleague's name in a dialog and a toast, and all of it as a page brings it.
    alice.reload()
    ready(alice)
    expect(alice.locator("#timeline")).to_contain_text(BODY)
    check_inert(alice)
    alice.locator("#list").focus()
    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")
    dialog.get_by_role("radio", name="Bob").check()
    dialog.get_by_role("button", name="Transfer").click()
    expect(alice.locator(".toast")).to_contain_text(IMAGE)
    expect(alice.locator("#handled-title")).to_contain_text(IMAGE)
    check_inert(alice)

    contact = Conversation.objects.get().contact
    sue = open_as(house.sue)
    sue.add_init_script(VIOLATIONS)
    for path, words in (
        ("/search/?q=parcel", SCRIPT),
        (f"/contacts/{contact.public_id}/", IMAGE),
        (f"{here()}?m={Message.objects.latest('pk').public_id}", FILE),
    ):
        sue.goto(path)
        expect(sue.locator("main").first).to_contain_text(words)
        check_inert(sue)
