"""How are the sheets in docs/screens/ made? From what the tests of every page saw: `make screens`.

One sheet shows one screen in its four looks: desktop and phone, light and dark.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SEEN = ROOT / ".pages"
FOLDER = ROOT / "docs" / "screens"
INDEX = ROOT / "docs" / "screens.md"
DESKTOP, PHONE, HEIGHT = 1280, 360, 800
SCALE, GAP, QUALITY = 0.75, 12, 50
LOOKS = {
    "light-1280": (0, 0),
    "dark-1280": (0, HEIGHT + GAP),
    "light-360": (DESKTOP + GAP, 0),
    "dark-360": (DESKTOP + GAP, HEIGHT + GAP),
}


def main() -> int:
    """See every page, unless told `--seen` that the tests just did, and draw the sheets."""
    if "--seen" not in sys.argv[1:]:
        tests = ["-m", "pytest", "-q", "-m", "browser", "tests/browser"]
        if found := subprocess.call([sys.executable, *tests], cwd=ROOT):
            return found
    names = sorted(path.stem.removesuffix("-light-1280") for path in SEEN.glob("*-light-1280.png"))
    if not names:
        print("Nothing was seen: run it without --seen.", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    for name in names:
        _sheet(name).save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)
    INDEX.write_text(_index(names))
    return 0


def _sheet(name: str) -> Image.Image:
    """Put the looks of one screen side by side; what was not seen stays empty."""
    size = (DESKTOP + GAP + PHONE, 2 * HEIGHT + GAP)
    sheet = Image.new("RGB", size, "#8a8f98")
    for look, corner in LOOKS.items():
        path = SEEN / f"{name}-{look}.png"
        if path.exists():
            with Image.open(path) as seen:
                sheet.paste(seen.convert("RGB"), corner)
    small = (round(size[0] * SCALE), round(size[1] * SCALE))
    return sheet.resize(small, Image.Resampling.LANCZOS)


def _index(names: list[str]) -> str:
    pictures = "\n\n".join(
        f"## {name.replace('-', ' ').capitalize()}\n\n"
        f"![{name.replace('-', ' ')}: desktop and phone, light and dark](screens/{name}.webp)"
        for name in names
    )
    return (
        "# Every screen\n\nEach on a desktop and on a phone, light and dark, as the tests saw it "
        f"when they checked it (`make screens`).\n\n{pictures}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
