"""What does the product's answer to a webhook ask for?"""

from dataclasses import dataclass, field
from xml.etree import ElementTree

SIZE_LIMIT = 64 * 1024
XML_TYPES = ("text/xml", "application/xml", "text/html")


@dataclass(frozen=True, slots=True)
class Reply:
    """One <Message> of an answer."""

    body: str = ""
    media_urls: tuple[str, ...] = ()
    to: str = ""
    status_callback: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The replies that an answer asks for, or Twilio's error code for an unusable one."""

    replies: list[Reply] = field(default_factory=list)
    error_code: int | None = None


def read_answer(content_type: str, body: bytes) -> Answered:
    """Read a 2xx answer to a messaging webhook."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return Answered()
    if kind == "text/plain":
        return Answered([Reply(text)])
    if kind not in XML_TYPES:
        return Answered(error_code=12300)
    # An entity definition has no place in TwiML and could blow up the parser.
    if len(body) > SIZE_LIMIT or "<!" in text.replace("<!--", ""):
        return Answered(error_code=12100)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError:
        return Answered(error_code=12100)
    if root.tag != "Response":
        return Answered(error_code=12100)
    return Answered([_reply(node) for node in root if node.tag in ("Message", "Sms")])


def _reply(node: ElementTree.Element) -> Reply:
    bodies = [child.text or "" for child in node if child.tag == "Body"]
    media = tuple((child.text or "").strip() for child in node if child.tag == "Media")
    return Reply(
        "".join(bodies) or (node.text or "").strip(),
        media,
        node.get("to", ""),
        node.get("statusCallback", ""),
    )
