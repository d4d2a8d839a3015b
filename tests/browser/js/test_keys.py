"""Do keys do what they say on keyboards of other languages, and nothing where they are off?"""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PRESS = """async ([keys, isOn]) => {
    const {Keys} = await import("/inbox/keys.js");
    const done = [];
    const names = ["search", "help", "close", "closeAndNext", "next", "undo"];
    const acts = Object.fromEntries(names.map((name) => [name, () => done.push(name)]));
    new Keys({get: () => (isOn ? "" : "off")}, acts);
    for (const key of keys) {
        document.body.dispatchEvent(
            new KeyboardEvent("keydown", {bubbles: true, cancelable: true, ...key})
        );
    }
    return done;
}"""


def pressed(page: Page, key: str, code: str, *, shift: bool = False, is_on: bool = True) -> str:
    """Press one key; say what was done by it."""
    page.reload()
    event = {"key": key, "code": code, "shiftKey": shift}
    done: list[str] = page.evaluate(PRESS, [[event], is_on])
    return " ".join(done)


@pytest.mark.parametrize(
    ("key", "code", "shift", "expected"),
    [
        ("/", "Slash", False, "search"),  # American
        ("/", "Digit7", True, "search"),  # Spanish, German
        ("/", "Period", True, "search"),  # French
        ("/", "Backslash", True, "search"),  # Russian
        ("?", "Slash", True, "help"),
        ("?", "Minus", True, "help"),  # German
        ("?", "KeyM", True, "help"),  # French
        ("؟", "Slash", True, "help"),  # Arabic
        ("E", "KeyE", True, "closeAndNext"),
        ("e", "KeyE", False, "close"),
        ("У", "KeyE", True, "closeAndNext"),  # Russian
        ("Z", "KeyZ", True, "undo"),
        ("J", "KeyJ", False, "next"),  # with caps lock
        ("7", "Digit7", False, ""),
    ],
)
def test_signs_are_found_wherever_a_keyboard_has_them(
    modules: Page, key: str, code: str, shift: bool, expected: str
) -> None:
    assert pressed(modules, key, code, shift=shift) == expected


def test_single_keys_that_are_off_do_nothing_but_help(modules: Page) -> None:
    assert pressed(modules, "/", "Digit7", shift=True, is_on=False) == ""
    assert pressed(modules, "e", "KeyE", is_on=False) == ""
    assert pressed(modules, "؟", "Slash", shift=True, is_on=False) == "help"
