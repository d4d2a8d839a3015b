"""Draw the icons of the app from the shape of favicon.svg: run once, when that changes."""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent.parent / "inbox" / "static" / "inbox"
BLUE, WHITE = (59, 83, 214, 255), (255, 255, 255, 255)
# The tray of favicon.svg, in its 32 units.
TRAY = [
    (6.5, 17.0), (9.7, 8.9), (10.6, 7.9), (11.5, 7.7), (20.5, 7.7), (21.4, 7.9), (22.3, 8.9),
    (25.5, 17.0), (25.5, 22.5), (24.9, 23.9), (23.5, 24.5), (8.5, 24.5), (7.1, 23.9), (6.5, 22.5),
    (6.5, 17.0),
]  # fmt: skip
LIP = [(6.5, 17.0), (11.5, 17.0), (13.5, 20.0), (18.5, 20.0), (20.5, 17.0), (25.5, 17.0)]
FINE = 4  # drawn larger, then made smaller: smooth edges


def draw(size: int, *, is_maskable: bool) -> Image.Image:
    """Draw an icon; one that systems cut to their own shape is blue to its edges, and smaller."""
    large = size * FINE
    image = Image.new("RGBA", (large, large), BLUE if is_maskable else (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if not is_maskable:
        pen.rounded_rectangle((0, 0, large - 1, large - 1), radius=large // 4, fill=BLUE)
    share = 0.75 if is_maskable else 1.0
    unit = large * share / 32
    margin = large * (1 - share) / 2
    width = round(2 * unit)
    for line in (TRAY, LIP):
        points = [(margin + x * unit, margin + y * unit) for x, y in line]
        pen.line(points, fill=WHITE, width=width, joint="curve")
        for x, y in points:
            half = width / 2
            pen.ellipse((x - half, y - half, x + half, y + half), fill=WHITE)
    return image.resize((size, size), Image.Resampling.LANCZOS)


for name, size, is_maskable in (
    ("app-192.png", 192, False),
    ("app-512.png", 512, False),
    ("app-maskable-512.png", 512, True),
):
    draw(size, is_maskable=is_maskable).save(FOLDER / name, optimize=True)
