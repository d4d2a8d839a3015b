"""Is a file what its bytes say, where labels and guesses differ?"""

from pathlib import Path

import pytest

from inbox.media import sniff

SAMPLES = Path(__file__).resolve().parents[2] / "inbox/twilio/simulator/samples"
VOICE = (SAMPLES / "voice.ogg").read_bytes()


@pytest.mark.parametrize("declared", ["audio/ogg", "audio/ogg; codecs=opus", "application/ogg", ""])
def test_a_voice_message_can_be_heard(declared: str) -> None:
    found = sniff(VOICE, declared)

    assert (found.content_type, found.look) == ("audio/ogg", "audio")


def test_a_film_in_the_same_wrapping_is_no_voice_message() -> None:
    film = b"OggS" + bytes(24) + b"\x80theora" + bytes(40) + b"OggS" + bytes(24) + b"\x01vorbis"

    assert sniff(film, "audio/ogg").look == "video"


def test_a_page_that_calls_itself_a_voice_message_is_none() -> None:
    assert sniff(b"<html><script>1</script>OggS OpusHead", "audio/ogg").look == "file"
