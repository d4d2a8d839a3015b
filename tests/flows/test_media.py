"""Do files come in, whatever they are, without harm?"""

import base64
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from PIL import Image

from inbox.media import FetchFailedError, _checked, fetch, owed_media, retry_fetch, sniff
from inbox.models import Attachment
from tests.carrier import Twilio
from tests.conftest import House
from tests.twilio import post_signed

PHOTO = Path(__file__).parents[2] / "inbox/twilio/simulator/samples/photo.jpg"


@pytest.fixture
def receive(house: House, client: Client, twilio: Twilio, settings: Any, tmp_path: Path) -> Any:
    """Return a function that lets a customer send one file, as Twilio would hand it over."""
    settings.MEDIA_ROOT = str(tmp_path)
    twilio.knows(house.sender, webhooks="http://127.0.0.1:1")

    def send(content: bytes, content_type: str) -> Attachment:
        data = base64.b64encode(content).decode()
        twilio.tell(
            "inbound",
            **{"from": "+14155550100", "to": house.sender.address, "body": "look"},
            media=[{"content_type": content_type, "data_base64": data}],
        )
        asked = twilio.ask("requests?kind=webhook")["requests"][-1]
        form = asked["params"]
        url = f"/hooks/twilio/{house.sender.path_token}"
        post_signed(client, url, form, house.sender.twilio_account.auth_token)
        return Attachment.objects.latest("pk")

    return send


def _fetched(attachment: Attachment) -> Attachment:
    fetch(attachment.pk, now=attachment.created_at + timedelta(days=1))
    return Attachment.objects.get(pk=attachment.pk)


def _jpeg_with_position() -> bytes:
    image = Image.new("RGB", (1200, 900), "teal")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 0.0)}
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photo_is_a_placeholder_at_once_and_a_thumbnail_later(receive: Any) -> None:
    waiting = receive(PHOTO.read_bytes(), "image/jpeg")

    assert (waiting.state, waiting.look) == ("waiting", "image")
    ready = _fetched(waiting)

    assert ready.state == "ready"
    assert ready.file.read() == PHOTO.read_bytes()
    assert ready.width
    assert ready.thumbnail


def test_a_thumbnail_is_upright_and_tells_no_place(receive: Any) -> None:
    ready = _fetched(receive(_jpeg_with_position(), "image/jpeg"))

    with Image.open(ready.thumbnail) as thumbnail:
        assert not thumbnail.getexif()
        assert thumbnail.height > thumbnail.width


@pytest.mark.parametrize(
    ("content", "declared", "found"),
    [
        (b"<html><script>alert(1)</script>", "image/jpeg", "text/html"),
        (b"<?xml version='1.0'?><svg onload='x'/>", "image/png", "image/svg+xml"),
        (b"MZ\x90\x00\x03", "image/jpeg", "application/x-executable"),
        (b"#!/bin/sh\nrm -rf /", "text/plain", "application/x-executable"),
        (b"\xff\xd8\xff\xe0 not a picture", "image/jpeg", "application/octet-stream"),
    ],
)
def test_what_pretends_to_be_a_picture_is_kept_and_never_rendered(
    receive: Any, content: bytes, declared: str, found: str
) -> None:
    ready = _fetched(receive(content, declared))

    assert (ready.state, ready.content_type, ready.look) == ("ready", found, "file")
    assert not ready.thumbnail


def test_a_bomb_of_pixels_is_not_decoded() -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")

    assert sniff(bomb.getvalue(), "image/png").look == "file"


def test_a_file_that_is_gone_fails_visibly_and_can_be_tried_again(
    receive: Any, twilio: Twilio
) -> None:
    twilio.fault("missing_media", times=1)
    failed = _fetched(receive(PHOTO.read_bytes(), "image/jpeg"))
    assert failed.state == "failed"

    retry_fetch(failed, now=failed.created_at + timedelta(days=1))

    assert _fetched(failed).state == "ready"


def test_a_file_that_is_too_large_is_not_kept(receive: Any, settings: Any) -> None:
    settings.MEDIA_MAX_BYTES = 1000

    failed = _fetched(receive(PHOTO.read_bytes(), "image/jpeg"))

    assert (failed.state, failed.problem) == ("failed", "The file is too large.")


def test_a_slow_file_is_tried_again_later(receive: Any, twilio: Twilio, settings: Any) -> None:
    settings.MEDIA_TIMEOUT_SECONDS = 0.2
    twilio.fault("slow_media", times=1, seconds=1)

    waiting = _fetched(receive(PHOTO.read_bytes(), "image/jpeg"))

    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert waiting.pk in owed_media(now=waiting.created_at + timedelta(days=2))


def test_two_workers_do_not_fetch_one_file_at_once(receive: Any) -> None:
    waiting = receive(PHOTO.read_bytes(), "image/jpeg")
    now = waiting.created_at + timedelta(days=1)
    Attachment.objects.update(next_attempt_at=now + timedelta(seconds=90))

    assert not fetch(waiting.pk, now=now)


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://evil.example.com/x.jpg", True),
        ("http://api.twilio.com/x", True),
        ("https://api.twilio.com.evil.example.com/x", True),
        ("https://169.254.169.254/latest/meta-data", False),
        ("http://mms.twiliocdn.com/x", False),
        ("file:///etc/passwd", False),
        ("https://ec2-1-2-3-4.compute.amazonaws.com/x", False),
        ("https://evil.amazonaws.com/x", False),
        ("https://x.s3-website-us-east-1.amazonaws.com/x", False),
        ("https://s3.amazonaws.com.evil.example.com/x", False),
        ("https://s3.amazonaws.com:8443/x", False),
        ("https://mms.twiliocdn.com:22/x", False),
        ("https://mms.twiliocdn.com:x/x", False),
        ("https://api.twilio.com:99/x", True),
        ("https://a:b@mms.twiliocdn.com/x", False),
        ("https://evil.example.com\\.twiliocdn.com/x", False),
        ("https://[::1", False),
        ("http://127.0.0.1:8000/x", False),
        ("www.contoso.com", True),
    ],
)
def test_only_twilio_s_own_addresses_are_fetched(settings: Any, url: str, first: bool) -> None:
    settings.TWILIO_API_BASE = ""

    with pytest.raises(FetchFailedError):
        _checked(url, first=first)


@pytest.mark.parametrize(
    "host",
    [
        *("mms.twiliocdn.com", "media.twiliocdn.com", "MMS.twiliocdn.com:443"),
        *("s3.amazonaws.com", "s3-external-1.amazonaws.com", "media.s3.amazonaws.com"),
        *("media.twiliocdn.com.s3.eu-west-1.amazonaws.com", "s3.us-east-1.amazonaws.com"),
    ],
)
def test_where_twilio_keeps_its_files_is_gone_to(settings: Any, host: str) -> None:
    settings.TWILIO_API_BASE = ""
    url = f"https://{host}/x"

    assert _checked(url, first=False) == (url, {})


def test_a_file_that_cannot_be_stored_fails_visibly_in_the_end(
    receive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    waiting = receive(PHOTO.read_bytes(), "image/jpeg")
    monkeypatch.setattr(FileSystemStorage, "_save", full_disk)
    for day in range(1, 10):
        fetch(waiting.pk, now=waiting.created_at + timedelta(days=day))

    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem) == ("failed", "It could not be stored.")


def test_credentials_go_to_twilio_and_not_along_with_the_redirect(
    receive: Any, twilio: Twilio
) -> None:
    ready = _fetched(receive(PHOTO.read_bytes(), "image/jpeg"))

    # The simulator refuses a content address that is asked with credentials.
    assert ready.state == "ready"
