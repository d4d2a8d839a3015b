"""What does a picture look like, and what else would it tell whoever gets it?

A file from outside may be anything: whatever goes wrong in reading it, it is no picture then.
"""

import io
import logging
from dataclasses import dataclass
from typing import Any

from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from accounts.english import noop
from inbox.refusals import MissingInputError

logger = logging.getLogger(__name__)

KINDS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # several JPEGs in one, as phones make them; the first is the picture
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
READ_AS = ("JPEG", "PNG", "GIF", "WEBP")
THUMBNAIL_SIZE = (640, 640)
# A file of some kilobytes may claim any size, and a pixel takes up to sixteen bytes to draw.
MOST_PIXELS = 25_000_000
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)
# What a file says of how it is drawn. All else may be a place, a name, a camera, a note.
_HARMLESS = {
    *("jfif", "jfif_density", "jfif_unit", "jfif_version", "adobe", "adobe_transform"),
    *("progressive", "progression", "interlace", "gamma", "srgb", "chromaticity", "icc_profile"),
    *("transparency", "background", "dpi", "aspect", "loop", "duration", "timestamp"),
}
_HARMLESS_SEGMENTS = {"APP0", "APP2", "APP14"}
_LAST_BYTES = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}


@dataclass(frozen=True)
class Picture:
    """A picture that we can draw: its type, its size when upright, and a small one of it."""

    content_type: str
    width: int
    height: int
    thumbnail: bytes


def look_at(content: bytes) -> Picture | None:
    """Draw a picture small, upright, and without what else it tells; None if it is none."""
    try:
        with Image.open(io.BytesIO(content), formats=READ_AS) as image:
            return _drawn(image) if image.width * image.height <= MOST_PIXELS else None
    except Exception as error:
        # Pillow raises whatever one of its decoders stumbles over.
        logger.debug("not a picture: %s", type(error).__name__)
        return None


def _drawn(image: Image.Image) -> Picture:
    width, height = image.size
    image.thumbnail(THUMBNAIL_SIZE)
    if image.getexif().get(ORIENTATION) in _LYING:
        width, height = height, width
    out = io.BytesIO()
    _upright(image).convert("RGB").save(out, "JPEG", quality=82, optimize=True)
    return Picture(KINDS[str(image.format)], width, height, out.getvalue())


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(image.getexif().get(ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def without_secrets(content: bytes) -> bytes:
    """Return a picture that can be drawn without place, camera, names and notes: what is seen.

    One that tells nothing else stays as it is; another is written anew, upright. Raises
    MissingInputError if that cannot be done.
    """
    try:
        with Image.open(io.BytesIO(content), formats=READ_AS) as image:
            image.load()
            if not _tells_more(image, content):
                return content
            is_moving = image.format != "MPO" and getattr(image, "is_animated", False)
            written = b"" if is_moving else _written_anew(image)
    except Exception as error:
        raise MissingInputError(
            noop("This picture is damaged. Save it anew and try again.")
        ) from error
    if not written:
        raise MissingInputError(
            noop("This moving picture says more than it shows. Send it as a video.")
        )
    return written


def _tells_more(image: Image.Image, content: bytes) -> bool:
    if image.format == "GIF":
        return False  # no camera writes any
    segments = {name for name, _ in getattr(image, "applist", ())}
    return (
        image.format == "MPO"
        or bool(set(image.info) - _HARMLESS)
        or bool(segments - _HARMLESS_SEGMENTS)
        or not content.endswith(_LAST_BYTES.get(str(image.format), b""))
    )


def _written_anew(image: Image.Image) -> bytes:
    out = io.BytesIO()
    upright = _upright(image)
    as_it_was: dict[str, Any] = {"icc_profile": image.info.get("icc_profile")}
    if image.format == "WEBP":
        as_it_was["quality"] = 90
    if image.format in {"JPEG", "MPO"}:
        # With its own tables it neither grows nor fades.
        as_it_was |= {"qtables": vars(image)["quantization"], "subsampling": get_sampling(image)}
        as_it_was["comment"] = b""
    upright.save(out, "JPEG" if image.format == "MPO" else image.format, **as_it_was)
    return out.getvalue()
