"""Can a person use the phone page, and is it safe and accessible?"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from inbox.twilio.simulator.phone import POLICY
from tests.simulator.conftest import CUSTOMER, NUMBER, WHATSAPP, Running

MARIA, PRIYA = "+14155550132", "whatsapp:+919845550173"


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(sim: Running, chromium: Browser, complaints: list[str]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.on(
        "console",
        lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(8000)
    page.goto(f"{sim.url}/simulator/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield page
    context.close()
    assert complaints == []


def phone(page: Page, number: int):
    return page.get_by_role("region", name=f"Phone {number}")


def test_the_page_comes_with_a_strict_policy_and_no_inline_code(sim: Running):
    status, headers, data = sim.ask("GET", "/simulator/")
    assert status == 200
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    for inline in (b"<style", b" style=", b"onclick=", b"javascript:"):
        assert inline not in data
    assert sim.ask("GET", "/")[2] == data


def test_a_file_of_a_message_cannot_run_in_the_page(sim: Running):
    import base64

    script = base64.b64encode(b"<svg onload='alert(1)'/>").decode()
    for kind in ("image/svg+xml", "text/html"):
        sim.inbound("", media=[{"content_type": kind, "data_base64": script}])
    for sid in sim.simulator.parts.store.media:
        _, headers, _ = sim.ask("GET", f"/_sim/media/{sid}")
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"] == "attachment"
        assert "sandbox" in headers["Content-Security-Policy"]


@pytest.mark.browser
def test_a_customer_writes_and_sees_the_answer_without_reloading(sim: Running, page: Page):
    maria = phone(page, 1)
    maria.get_by_label("Text", exact=True).fill("Is my order on its way?")
    maria.get_by_label("Text", exact=True).press("Enter")
    expect(maria.get_by_text("Is my order on its way?")).to_be_visible()
    expect(maria.get_by_text("heard ✓ 200")).to_be_visible()
    assert sim.product.wait("/inbound", 1)[0].params["From"] == MARIA
    sim.client().messages.create(to=MARIA, from_=NUMBER, body="Tomorrow! " + "a" * 160)
    expect(maria.get_by_text("2 segments GSM-7")).to_be_visible()


@pytest.mark.browser
def test_stop_is_answered_by_the_carrier_and_the_phone_says_so(sim: Running, page: Page):
    maria = phone(page, 1)
    maria.get_by_role("button", name="STOP").click()
    expect(maria.get_by_text("Sent by the carrier, not by the product")).to_be_visible()
    expect(maria.get_by_text("Opted out:")).to_be_visible()


@pytest.mark.browser
def test_a_picture_a_voice_note_and_a_place_can_be_sent(sim: Running, page: Page):
    maria = phone(page, 1)
    maria.get_by_role("button", name="MMS").click()
    for name in ("Photo", "Voice", "Contact", "Location"):
        maria.get_by_role("button", name="Attach").click()
        maria.get_by_role("button", name=name).click()
    heard = [one.params for one in sim.product.wait("/inbound", 4)]
    kinds = [one.get("MediaContentType0", "") for one in heard]
    assert kinds == ["image/jpeg", "audio/ogg", "text/vcard", ""]
    picture = maria.get_by_alt_text("Picture you sent")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 720


@pytest.mark.browser
def test_a_whatsapp_user_presses_quotes_reacts_and_reads(sim: Running, page: Page):
    contents = sim.client().content.v1.contents.list()
    sid = next(one.sid for one in contents if one.friendly_name == "appointment_reminder")
    made = sim.client().messages.create(to=PRIYA, from_=WHATSAPP, content_sid=sid)
    priya = phone(page, 2)
    expect(priya.get_by_text("a reminder of your appointment")).to_be_visible()
    priya.get_by_role("button", name="I need another time").click()
    params = sim.product.wait("/inbound", 1)[0].params
    assert (params["ButtonPayload"], params["OriginalRepliedMessageSid"]) == (
        "reschedule",
        made.sid,
    )
    priya.get_by_role("button", name="React with 👍").click()
    expect(priya.get_by_label("Reaction 👍")).to_be_visible()
    priya.get_by_role("button", name="Quote this message").click()
    priya.get_by_label("Text", exact=True).fill("Tuesday?")
    priya.get_by_role("button", name="Send").click()
    assert sim.product.wait("/inbound", 3)[2].params["OriginalRepliedMessageSid"] == made.sid
    sim.settle()
    assert sim.client().messages(made.sid).fetch().status == "read"


@pytest.mark.browser
def test_a_failure_is_switched_on_and_off(sim: Running, page: Page):
    page.get_by_role("tab", name="Failures").click()
    switch = page.get_by_role("switch", name="Rate limit")
    switch.check()
    expect(page.get_by_role("tab", name="Failures 1")).to_be_visible()
    with pytest.raises(Exception, match="Too Many Requests"):
        sim.client().messages.create(to=MARIA, from_=NUMBER, body="x")
    switch.uncheck()
    expect(page.get_by_role("tab", name="Failures", exact=True)).to_be_visible()
    assert sim.get("/_sim/faults")["faults"] == []


@pytest.mark.browser
def test_a_day_passes_and_the_whatsapp_window_closes(sim: Running, page: Page):
    sim.inbound("hi", to=WHATSAPP, **{"from": PRIYA})
    expect(phone(page, 2).get_by_text("24 h window closed")).to_be_hidden()
    page.get_by_role("button", name="+25 h").click()
    expect(page.get_by_text("25 h ahead")).to_be_visible()
    expect(phone(page, 2).get_by_text("24 h window closed")).to_be_visible()


@pytest.mark.browser
def test_the_request_log_shows_a_signature_and_a_crowd(sim: Running, page: Page):
    sim.inbound("look here")
    row = page.get_by_role("listitem").filter(has_text="look here")
    row.get_by_text("Webhook").click()
    signature = sim.product.on("/inbound")[0].headers["X-Twilio-Signature"]
    expect(row.get_by_text(signature)).to_be_visible()
    page.get_by_role("tab", name="Crowd").click()
    page.get_by_role("button", name="Send the burst").click()
    expect(page.locator("#burst .result")).to_contain_text("delivered")
    assert len(sim.product.heard) == 51


@pytest.mark.browser
def test_somebody_new_gets_a_phone(sim: Running, page: Page):
    page.get_by_role("button", name="Phone", exact=True).click()
    third = phone(page, 3)
    third.get_by_label("Customer").select_option("new")
    page.get_by_role("textbox", name="Name").fill("Nadia")
    page.get_by_role("textbox", name="Number").fill("12")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("neither a number")
    page.get_by_role("textbox", name="Number").fill(CUSTOMER)
    page.get_by_role("button", name="Add").click()
    third.get_by_role("button", name="Thanks").click()
    assert sim.product.wait("/inbound", 1)[0].params["From"] == CUSTOMER
    page.reload()
    expect(phone(page, 3).get_by_text("Thanks! 🙌")).to_be_visible()
    phone(page, 3).get_by_role("button", name="Remove this phone").click()
    expect(page.get_by_role("region")).to_have_count(2)


@pytest.mark.browser
def test_what_customers_send_is_shown_as_text(sim: Running, page: Page):
    nasty = "<img src=x onerror=alert(1)><b>bold</b>"
    sim.inbound(nasty, **{"from": MARIA})
    expect(phone(page, 1).get_by_text(nasty)).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_inaccessible_or_too_wide(sim: Running, page: Page, scheme, width):
    sim.inbound("Hello " + "a" * 200, **{"from": MARIA}, media=[{"sample": "receipt"}])
    sim.inbound("STOP", **{"from": MARIA})
    sim.inbound("hi", to=WHATSAPP, **{"from": PRIYA})
    sim.client().messages.create(to=PRIYA, from_=WHATSAPP, body="Long word " + "x" * 90)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 860})
    expect(phone(page, 2).get_by_text("Long word")).to_be_visible()
    for name in ("Failures", "Crowd", "Requests"):
        page.get_by_role("tab", name=name).click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_first_phone_begins_with_plain_texts(sim: Running, page: Page):
    expect(phone(page, 1).get_by_role("button", name="SMS")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_on_a_small_screen_the_clock_stands_beside_its_buttons(sim: Running, page: Page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="+25 h").click()
    expect(page.locator("#clock-offset")).not_to_have_text("real time")

    clock = page.locator("#clock").evaluate(
        """clock => { const range = document.createRange(); range.selectNodeContents(clock);
            return range.getBoundingClientRect().right; }"""
    )
    button = page.get_by_role("button", name="+1 h").bounding_box()
    assert button is not None
    assert clock <= button["x"]
