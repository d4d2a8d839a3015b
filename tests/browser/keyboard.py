"""How does somebody without a mouse get around a page?"""

from playwright.sync_api import Page

_NAME_OF_FOCUSED = """() => {
    const one = document.activeElement;
    const label = one.labels?.[0]?.textContent ?? "";
    return one.getAttribute("aria-label") || label || one.textContent || "";
}"""


def go_to(page: Page, name: str, *, at_most: int = 200) -> None:
    """Press Tab until the focus is on what is called so, or whose name begins so."""
    for _ in range(at_most):
        page.keyboard.press("Tab")
        focused = " ".join(page.evaluate(_NAME_OF_FOCUSED).split())
        if focused.startswith(name):
            return
    raise AssertionError(f"Tab never came to {name!r}")


def follow(page: Page) -> None:
    """Press Enter on what leads to another page, and wait until that is there."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def press(page: Page, name: str) -> None:
    """Go to a button or a link, and follow it."""
    go_to(page, name)
    follow(page)
