"""Is every picture that a page names in the sprite?"""

import re
from pathlib import Path

from inbox.desk import Banner
from inbox.labels import ACTIVITY_ICONS, STATUS_ICONS
from inbox.templatetags.inbox_tags import channel_icon

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "inbox" / "static" / "inbox"


def _sprite() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))


def _named() -> set[str]:
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    script = (STATIC / "thread.js").read_text()
    table = re.search(r"const ICONS = \{(.*?)\}", script, re.DOTALL)
    assert table is not None
    return {
        *re.findall(r'{%\s*icon\s+"([^"]+)"', pages),
        *re.findall(r': "([^"]+)"', table.group(1)),
        *STATUS_ICONS.values(),
        *ACTIVITY_ICONS.values(),
        *(channel_icon(family) for family in ("sms", "whatsapp")),
        *(Banner("kind", tone, "words").icon for tone in ("danger", "warn", "info")),
    }


def test_every_icon_that_is_named_exists() -> None:
    assert _named() - _sprite() == set()
