"""What does a page show, as lines that can be compared with those of another page?"""

from __future__ import annotations

import difflib
import re

from playwright.sync_api import Page, Request, WebSocketRoute, expect

# Elements and their attributes in a set order, one a line. Left out is what every reader's clock,
# pointer and company decide: words of times, who else is there, what is being told right now.
_LINES = """(parts) => {
    const lines = [];
    const skipped = ".row-people, .row-gone, .day, .new-line, .menu-fact, [hidden], [type=hidden]";
    const left = new Set(["style", "title", "tabindex", "data-shown", "aria-busy", "hx-trigger"]);
    const passing = new Set(["is-found", "is-leaving", "htmx-added", "htmx-settling", "has-next"]);
    const moment = (value) => value && new Date(value).toISOString();
    const write = (node, depth) => {
        if (node.nodeType === Node.TEXT_NODE) {
            const words = node.textContent.replace(/\\s+/g, " ").trim();
            if (words) lines.push(" ".repeat(depth) + words);
        }
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches(skipped)) return;
        const kinds = [...node.classList].filter((one) => !passing.has(one)).sort();
        const facts = [...node.attributes]
            .filter(({name}) => name !== "class" && !left.has(name))
            .map(({name, value}) => `${name}=${name === "datetime" ? moment(value) : value}`);
        if (kinds.length) facts.push("." + kinds.join("."));
        lines.push(" ".repeat(depth) + [node.localName, ...facts.sort()].join(" "));
        if (node.localName === "time") return;
        for (const child of node.childNodes) write(child, depth + 1);
    };
    for (const part of parts) for (const node of document.querySelectorAll(part)) write(node, 0);
    return lines;
}"""
LIST = ("#rows > .row", "[data-count]")
THREAD = ("#header", "#timeline > li", "#desk", "#banner-place", "#promise")


def lines_of(page: Page, *parts: str) -> list[str]:
    """Return what these parts of a page show."""
    found: list[str] = page.evaluate(_LINES, list(parts))
    return found


class Witness:
    """A page that lives through everything, beside one that is loaded anew whenever we compare."""

    def __init__(self, page: Page, path: str, *parts: str) -> None:
        self.page, self._path, self._parts = page, path, parts
        self._fresh = page.context.new_page()

    def check(self, after: str, *, tries: int = 12) -> None:
        """Check that both show the same, once what is under way has come to an end."""
        for _ in range(tries):
            self._fresh.goto(self._path)
            expect(self._fresh.locator("body[data-ready]")).to_be_attached()
            self.page.wait_for_timeout(400)
            lived, fresh = (lines_of(one, *self._parts) for one in (self.page, self._fresh))
            if lived == fresh:
                return
        differing = "\n".join(difflib.unified_diff(fresh, lived, "fresh", "lived", lineterm=""))
        raise AssertionError(f"after {after}:\n{differing}")


class Wire:
    """A page's real socket, on which a test loses frames, or which it cuts.

    Make it before the page goes where it is to be.
    """

    def __init__(self, page: Page) -> None:
        self.lost: list[str] = []
        self._loses = ""
        self._is_cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/v1/", self._connect)

    def lose(self, words: str) -> None:
        """Lose the next content frame with these words; its tick still comes."""
        self._loses = words

    def cut(self) -> None:
        """Let nothing through, and nobody in, until it is mended."""
        self._is_cut = True
        while self._open:
            self._open.pop().close(code=1013)

    def mend(self) -> None:
        """Let the page connect again."""
        self._is_cut = False

    def _connect(self, page: WebSocketRoute) -> None:
        if self._is_cut:
            page.close(code=1013)
            return
        server = page.connect_to_server()
        server.on_message(lambda text: self._pass(page, str(text)))
        self._open.append(page)

    def _pass(self, page: WebSocketRoute, text: str) -> None:
        if self._is_cut:
            return
        if self._loses and self._loses in text:
            self._loses = ""
            self.lost.append(text)
        else:
            page.send(text)


def asked_of(page: Page) -> list[str]:
    """Return a list that grows by every question about what was missed, or for anything shown."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type in {"fetch", "xhr"}:
            asked.append(re.sub(r"^https?://[^/]+", "", request.url))

    page.on("request", note)
    return asked
