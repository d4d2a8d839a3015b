"""Does a picture show what it shows, cost what it should, and tell nothing else?"""

import contextlib
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from accounts.models import User
from inbox.media import sniff
from inbox.models import Attachment
from inbox.outbound_media import public_url
from inbox.pictures import look_at, without_secrets
from inbox.refusals import MissingInputError
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]

SECRETS = (b"Exif", b"GPS", b"Maria", b"Olympus", b"<x:xmpmeta", b"Photoshop", b"moov")
# Its list of places is cut off in the middle: Pillow reads it and cannot write it.
CUT_OFF = bytes.fromhex(
    "45786966 0000 4d4d002a 00000008 0002 0112 0003 00000001 0006 0000 8825 0004 00000001 00000026"
    "00000000 9602 0001 0002 00000002 4e000000 0002 0005 00000003 00000044 00000000"
)


@pytest.fixture(autouse=True)
def _media(request: pytest.FixtureRequest, tmp_path: Any) -> None:
    if "stage" in request.fixturenames:
        request.getfixturevalue("settings").MEDIA_ROOT = str(tmp_path)


def _exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = orientation, "Olympus", "Maria"
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 0.0)}
    return exif


def _picture(kind: str, size: tuple[int, int] = (120, 90), **fields: Any) -> bytes:
    """Make a picture: blue, with its upper left quarter red."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind, **fields)
    return out.getvalue()


def _reddest_corner(content: bytes) -> tuple[bool, bool]:
    """Say where the red quarter is: is it to the right, is it below."""
    with Image.open(io.BytesIO(content)) as image:
        seen, (width, height) = image.convert("RGB"), image.size
    places = [(right, below) for right in (False, True) for below in (False, True)]

    def redness(place: tuple[bool, bool]) -> int:
        at = (width * (1 + 2 * place[0]) // 4, height * (1 + 2 * place[1]) // 4)
        pixel = seen.getpixel(at)
        assert isinstance(pixel, tuple)
        return int(pixel[0] - pixel[2])

    return max(places, key=redness)


# --- Looking --------------------------------------------------------------------------------------


def test_a_small_file_that_claims_a_huge_picture_is_not_decoded() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10_900, 10_900)).save(out, "PNG")

    assert len(out.getvalue()) < 500_000
    assert sniff(out.getvalue(), "image/png").look == "file"


def test_a_picture_with_a_broken_note_of_its_place_is_still_a_picture() -> None:
    found = sniff(_picture("JPEG", exif=CUT_OFF), "image/jpeg")

    assert (found.look, found.width, found.height) == ("image", 90, 120)


def test_several_pictures_in_one_file_as_phones_make_them_are_a_picture() -> None:
    content = _picture("MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))])

    found = sniff(content, "image/jpeg")

    assert (found.look, found.content_type) == ("image", "image/jpeg")


_SEEDS = [
    _picture("JPEG", (40, 30), exif=_exif()),
    _picture("PNG", (40, 30), exif=_exif()),
    _picture("GIF", (40, 30)),
    _picture("WEBP", (40, 30), exif=_exif()),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_SEEDS), st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_bytes_can_break_who_looks_at_them(seed: bytes, chance: random.Random) -> None:
    content = bytearray(seed)
    for _ in range(chance.choice([1, 2, 5, 20])):
        content[chance.randrange(min(len(content), 300))] = chance.randrange(256)
    content = content[: chance.choice([len(content), chance.randrange(1, len(content))])]

    found = sniff(bytes(content), "image/jpeg")

    assert found.look in Attachment.Look.values
    if found.look == "image":
        with contextlib.suppress(MissingInputError):
            without_secrets(bytes(content))


# --- Telling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cleaned_picture_looks_as_it_looked(orientation: int) -> None:
    content = _picture("JPEG", exif=_exif(orientation))
    shown = look_at(content)
    assert shown

    cleaned = without_secrets(content)

    with Image.open(io.BytesIO(cleaned)) as image:
        assert not image.getexif()
        assert image.size == (shown.width, shown.height)
    assert _reddest_corner(cleaned) == _reddest_corner(shown.thumbnail)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_picture("JPEG", exif=_exif(1)), id="exif"),
        pytest.param(_picture("JPEG", comment=b"Maria"), id="comment"),
        pytest.param(_picture("JPEG", xmp=b"<x:xmpmeta>Maria"), id="xmp"),
        pytest.param(_picture("JPEG") + b"moov Maria", id="a film behind it"),
        pytest.param(_picture("JPEG", extra=b"\xff\xed\x00\x10Photoshop 3.0\0"), id="iptc"),
        pytest.param(
            _picture("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))], exif=_exif()),
            id="several in one",
        ),
        pytest.param(_picture("PNG", exif=_exif()), id="png"),
        pytest.param(_picture("PNG") + b"Maria", id="behind a png"),
        pytest.param(_picture("WEBP", exif=_exif(), xmp=b"<x:xmpmeta>"), id="webp"),
    ],
)
def test_nothing_is_left_but_the_picture(content: bytes) -> None:
    cleaned = without_secrets(content)

    assert [secret for secret in SECRETS if secret in content]
    assert not [secret for secret in SECRETS if secret in cleaned]
    assert look_at(cleaned)
    assert len(cleaned) <= len(content) + 100


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_that_tells_nothing_else_stays_as_it_is(kind: str) -> None:
    content = _picture(kind)

    assert without_secrets(content) == content


def test_colours_and_transparency_stay() -> None:
    profile = b"a profile of colours"
    jpeg = without_secrets(_picture("JPEG", exif=_exif(), icc_profile=profile))
    out = io.BytesIO()
    Image.new("RGBA", (9, 9), (255, 0, 0, 7)).save(out, "PNG", exif=_exif())

    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.info["icc_profile"] == profile
    with Image.open(io.BytesIO(without_secrets(out.getvalue()))) as image:
        assert image.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 7)


def test_a_moving_picture_that_tells_more_is_refused() -> None:
    content = _picture(
        "WEBP", save_all=True, append_images=[Image.new("RGB", (120, 90))], exif=_exif()
    )

    with pytest.raises(MissingInputError, match="moving picture"):
        without_secrets(content)


# --- Through the doors ----------------------------------------------------------------------------


def _upload(stage: Stage, browser: Client, content: bytes, name: str = "photo.jpg") -> Any:
    file = SimpleUploadedFile(name, content, content_type="image/jpeg")
    return browser.post(f"/c/{stage.row.public_id}/attachments/", {"file": file})


def test_what_an_agent_sends_leaves_without_place_and_upright(
    stage: Stage, login: Callable[[User], Client], settings: Any
) -> None:
    answer = _upload(stage, login(stage.house.alice), _picture("JPEG", exif=_exif()))

    file = Attachment.objects.get(public_id=answer.json()["id"])
    address = public_url(file, now=stage.now).removeprefix(settings.PUBLIC_BASE_URL)
    sent = b"".join(Client().get(address).streaming_content)  # type: ignore[attr-defined]
    assert not [secret for secret in SECRETS if secret in sent]
    with Image.open(io.BytesIO(sent)) as image:
        assert image.size == (file.width, file.height) == (90, 120)
    assert answer.json()["size"] == len(sent)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_picture("JPEG")[:400], id="cut off"),
        pytest.param(b"\xff\xd8\xff\xe1\x00\x10Exif", id="no more than a beginning"),
    ],
)
def test_a_damaged_picture_is_refused_in_words(
    stage: Stage, login: Callable[[User], Client], content: bytes
) -> None:
    answer = _upload(stage, login(stage.house.alice), content)

    assert answer.status_code == 422
    assert not Attachment.objects.exists()


def test_a_picture_with_a_broken_note_of_its_place_can_be_sent(
    stage: Stage, login: Callable[[User], Client]
) -> None:
    answer = _upload(stage, login(stage.house.alice), _picture("JPEG", exif=CUT_OFF))

    assert answer.status_code == 201
