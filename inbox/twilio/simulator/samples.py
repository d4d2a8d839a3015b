"""Which files does a pretend customer have at hand?"""

from functools import cache
from pathlib import Path

from inbox.twilio.simulator.reading import BadInputError

FOLDER = Path(__file__).parent / "samples"
SAMPLES = {
    "photo": ("photo.jpg", "image/jpeg"),
    "receipt": ("receipt.png", "image/png"),
    "audio": ("voice.ogg", "audio/ogg"),
    "contact": ("contact.vcf", "text/vcard"),
    "document": ("quote.pdf", "application/pdf"),
}


@cache
def sample(name: str) -> tuple[str, bytes]:
    """Return the type and the bytes of a sample. Raises BadInputError for an unknown name."""
    if name not in SAMPLES:
        raise BadInputError(f"unknown sample {name}; there are: {', '.join(SAMPLES)}")
    file_name, content_type = SAMPLES[name]
    return content_type, (FOLDER / file_name).read_bytes()


def contact_card(name: str, phone: str) -> bytes:
    """Return a vCard."""
    plain = name.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", " ")
    digits = "".join(char for char in phone if char in "+0123456789")
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"FN:{plain}", f"TEL;TYPE=CELL:{digits}", "END:VCARD")
    return ("\r\n".join(lines) + "\r\n").encode()
