"""How are the pictures in these pages made? From the running demo: `make screenshots`."""

import base64
import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
# Pages of the settings, by their addresses below /settings/.
SETTINGS = ("features", "licences", "whatsapp", "audit", "hours", "people", "log-in")
# What the pictures of rules show.
RULES: list[dict[str, Any]] = [
    {
        "id": "premium",
        "name": "Premium customers",
        "when": ["new", "reopened"],
        "if": {"all": [{"fact": "tag", "test": "has_any", "value": ["premium"]}]},
        "then": {
            "to": [
                {"who": "people", "people": ["alice@acme.example"], "owner": True},
                {"who": "least_busy"},
            ],
            "tags": ["premium"],
            "priority": "high",
            "reply": {"en": "{{contact.first_name|Hello}}, Alice looks at it."},
        },
    },
    {
        "id": "night",
        "name": "Mark what comes at night",
        "continue": True,
        "if": {"all": [{"fact": "is_open", "test": "is_true", "not": True}]},
        "then": {"tags": ["night"]},
    },
]
PHOTO = ROOT / "inbox/twilio/simulator/samples/photo.jpg"


def main() -> int:
    """Take every picture; say what is missing if the demo does not run."""
    described = ROOT / ".demo" / "demo.json"
    if not described.exists():
        print("Start the demo first: make demo", file=sys.stderr)
        return 1
    demo = json.loads(described.read_text())
    FOLDER.mkdir(exist_ok=True)
    _write_as_priya(demo)
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            _take(browser, demo, scheme)
        _take_set_up(browser, demo)
        _take_fleet(browser, demo)
        browser.close()
    return 0


def _write_as_priya(demo: dict[str, Any]) -> None:
    data = base64.b64encode(PHOTO.read_bytes()).decode()
    letter = {
        "from": "+14155550163",
        "to": demo["senders"][0]["address"],
        "body": "",
        "media": [{"content_type": "image/jpeg", "data_base64": data}],
    }
    request = urllib.request.Request(  # noqa: S310 - the simulator on this machine
        f"{demo['simulator_url']}/_sim/inbound",
        data=json.dumps(letter).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310


def _take(browser: Browser, demo: dict[str, Any], scheme: Any) -> None:
    context = browser.new_context(
        base_url=demo["base_url"],
        color_scheme=scheme,
        viewport={"width": 1360, "height": 850},
        device_scale_factor=1.25,
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "alice@acme.example")
    page.fill("input[name=password]", demo["users"][0]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/**")
    page.locator("li.row", has_text="Priya").locator("a").click()
    page.locator("li.msg-in img").first.wait_for()
    _settle(page)
    page.screenshot(path=FOLDER / f"inbox-{scheme}.png")
    page.set_viewport_size({"width": 390, "height": 800})
    _settle(page)
    page.screenshot(path=FOLDER / f"phone-size-{scheme}.png")
    if scheme == "light":
        page.set_viewport_size({"width": 1360, "height": 850})
        page.goto(f"{demo['simulator_url']}/simulator/")
        _settle(page)
        page.screenshot(path=FOLDER / "simulator.png")
    context.close()
    _take_settings(browser, demo, scheme)
    if scheme == "light":
        _take_set_up(browser, demo)


def _take_settings(browser: Browser, demo: dict[str, Any], scheme: Any) -> None:
    """Take the pages of the account's admin."""
    context = browser.new_context(
        base_url=demo["base_url"],
        color_scheme=scheme,
        viewport={"width": 1360, "height": 850},
        device_scale_factor=1.25,
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "adam@acme.example")
    page.fill("input[name=password]", demo["users"][0]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    page.wait_for_load_state()
    page.goto("/settings/whatsapp/")
    if page.get_by_text("Twilio has not been asked yet").count():
        page.get_by_role("button", name="Ask Twilio now").click()
        page.wait_for_load_state()
    for name in SETTINGS:
        page.goto(f"/settings/{name}/")
        _settle(page)
        page.screenshot(path=FOLDER / f"settings-{name}-{scheme}.png")
    page.goto("/settings/hours/")
    page.locator(".hours-list h2 a").first.click()
    _settle(page)
    page.screenshot(path=FOLDER / f"settings-hours-edit-{scheme}.png")
    _take_rules(page, scheme)
    _take_escalation(page, scheme)
    for name, part in (("replies", ""), ("reply", "first-message/")):
        page.goto(f"/settings/inboxes/support/replies/{part}")
        _settle(page)
        page.screenshot(path=FOLDER / f"settings-{name}-{scheme}.png", full_page=True)
    context.close()


def _take_rules(page: Page, scheme: str) -> None:
    """Write rules into the demo as its admin would, unless there are some, and take them."""
    page.goto("/settings/inboxes/support/rules/")
    if not page.locator(".rule:not(.rule-default)").count():
        document = json.dumps({"rules": RULES})
        page.goto("/settings/inboxes/support/rules/document/")
        page.locator("#text").fill(document)
        page.get_by_role("button", name="Check it").click()
        page.get_by_role("button", name="Make it the draft").click()
        page.wait_for_url("**/rules/")
    _settle(page)
    page.screenshot(path=FOLDER / f"settings-rules-{scheme}.png", full_page=True)
    page.locator(".rule h3 a").first.click()
    _settle(page)
    page.locator("#if").evaluate("heading => heading.scrollIntoView({block: 'start'})")
    page.screenshot(path=FOLDER / f"settings-rule-{scheme}.png")
    _take_trying(page, scheme)


def _take_trying(page: Page, scheme: str) -> None:
    """Try a message by the draft, as its admin would; nothing is written."""
    page.goto("/settings/inboxes/support/rules/try/")
    page.get_by_label("What the customer writes").fill("Can you help with my order?")
    page.locator(".try-more > summary").click()
    page.get_by_label("Their tags, with commas between").fill("premium")
    page.get_by_role("button", name="Try it").click()
    page.locator("#result").wait_for()
    _settle(page)
    page.locator("#result").screenshot(path=FOLDER / f"settings-rules-try-{scheme}.png")


def _take_escalation(page: Page, scheme: str) -> None:
    """Take a policy, what a run of it tells, and a week of coverage; make the policy if needed."""
    page.goto("/settings/escalation/")
    if not page.get_by_role("link", name="Nobody waits").count():
        _write_policy(page)
        page.goto("/settings/escalation/")
    _settle(page)
    page.screenshot(path=FOLDER / f"settings-escalation-{scheme}.png")
    page.get_by_role("link", name="Nobody waits").first.click()
    _settle(page)
    page.screenshot(path=FOLDER / f"settings-escalation-edit-{scheme}.png")
    page.locator("#try").screenshot(path=FOLDER / f"settings-escalation-run-{scheme}.png")
    page.goto("/settings/coverage/")
    _settle(page)
    page.screenshot(path=FOLDER / f"settings-coverage-{scheme}.png")
    page.goto("/settings/coverage/support/")
    _settle(page)
    page.locator("main").screenshot(path=FOLDER / f"settings-coverage-inbox-{scheme}.png")


def _write_policy(page: Page) -> None:
    page.get_by_label("Name").fill("Nobody waits")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Add a step").click()
    page.get_by_label("Minutes", exact=True).last.fill("30")
    page.get_by_label("Person or team for step 2").fill("Team Sales")
    page.get_by_role("button", name="Name them in step 2").click()
    # What the linter asks about is nothing to a picture.
    if page.locator("#id_is_sure").count():
        page.locator("#id_is_sure").check()
    page.get_by_role("button", name="Save the policy").click()
    page.wait_for_load_state()


def _take_set_up(browser: Browser, demo: dict[str, Any]) -> None:
    """Take what an account admin sees: turning an inbox on, the numbers, the connection."""
    context = browser.new_context(
        base_url=demo["base_url"], viewport={"width": 1280, "height": 900}, device_scale_factor=1.25
    )
    page = context.new_page()
    _log_in(page, demo, "adam@acme.example", "/settings/")
    page.screenshot(path=FOLDER / "settings.png")
    page.get_by_role("link", name="Turn on").first.click()
    page.locator("#checks-live .check-line").first.wait_for()
    page.screenshot(path=FOLDER / "turn-on.png", full_page=True)
    page.goto("/settings/inboxes/support/numbers/")
    page.get_by_role("button", name="Compare with Twilio now").click()
    _settle(page)
    page.screenshot(path=FOLDER / "numbers.png")
    context.clear_cookies()
    _log_in(page, demo, "gina@globex.example", "/settings/connection/?look=1")
    page.screenshot(path=FOLDER / "connection.png")
    context.close()


def _log_in(page: Page, demo: dict[str, Any], email: str, then: str) -> None:
    page.goto(f"/accounts/login/?next={then}")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", demo["users"][0]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{then}")
    _settle(page)


def _take_fleet(browser: Browser, demo: dict[str, Any]) -> None:
    """Take what a partner sees of their accounts."""
    context = browser.new_context(
        base_url=demo["base_url"],
        color_scheme="light",
        viewport={"width": 1600, "height": 700},
        device_scale_factor=1.25,
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "pat@northwind.example")
    page.fill("input[name=password]", demo["users"][0]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    page.wait_for_load_state()
    page.goto("/admin/fleet/")
    _settle(page)
    page.screenshot(path=FOLDER / "fleet.png")
    context.close()


def _settle(page: Page) -> None:
    page.wait_for_timeout(1200)


if __name__ == "__main__":
    sys.exit(main())
