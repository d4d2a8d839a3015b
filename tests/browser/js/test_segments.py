"""Does the browser count segments as the server does?"""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from inbox import segments

pytestmark = pytest.mark.browser
VECTORS = json.loads((Path(__file__).parents[2] / "data" / "segment_vectors.json").read_text())
COUNT = """async ({text, smart}) => {
    const {count} = await import("/inbox/segments.js");
    return count(text, {smart});
}"""
TEXTS = [
    "",
    "plain",
    "x" * 153 + "€",
    "x" * 159 + "{",
    "“quoted” – and… NBSP\u00a0here",
    "e\u0301" * 80,
    "👩‍👩‍👧" * 12,
    "👍🏽🇨🇦" * 20,
    "नमस्ते" * 15,
    "ж" * 66 + "👍" + "ж" * 10,
    "a\r\nb\tc",
    "नमस्ते 👋 \u200d x",
]


def counted(page: Page, text: str, *, smart: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(COUNT, {"text": text, "smart": smart})
    return found


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector(modules: Page, name: str) -> None:
    vector = VECTORS[name]

    found = counted(modules, vector["text"])
    smart = counted(modules, vector["text"], smart=True)

    for fact in ("encoding", "segments", "chars", "units", "messageSize", "totalSize"):
        assert found[fact] == vector[fact], fact
    assert {fact: smart[fact] for fact in vector["smart"]} == vector["smart"]


@pytest.mark.parametrize("text", TEXTS)
def test_browser_and_server_agree(modules: Page, text: str) -> None:
    here, there = segments.count(text), counted(modules, text)

    assert there == {
        "encoding": here.encoding,
        "segments": here.segments,
        "chars": here.chars,
        "units": here.units,
        "remaining": here.remaining,
        "culprits": list(here.culprits),
        "messageSize": here.message_size,
        "totalSize": here.total_size,
    }


def test_both_replace_the_same_characters(modules: Page) -> None:
    groups = modules.evaluate('import("/inbox/segments.js").then((m) => m.SMART_GROUPS)')

    assert groups == segments.SMART_GROUPS
    assert modules.evaluate(
        """async () => (await import("/inbox/segments.js")).plain("n\u0303o “x”…")"""
    ) == segments.plain("n\u0303o “x”…")
