"""How do files come in? Fetched by a worker, checked, made harmless, and kept.

Twilio's media lie behind basic auth and answer with a redirect to a content network: credentials
go to Twilio only and never along with a redirect. A file is what its bytes are, not what its label
says.
"""

import hashlib
import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

import puremagic
import requests
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction

from accounts.english import noop
from accounts.models import TwilioAccount, User
from inbox.broadcast import announce
from inbox.carrier import InboundMedia
from inbox.conversations import locked_conversation
from inbox.fragments import remember_files
from inbox.models import Attachment, Message
from inbox.nudges import nudge_on_commit
from inbox.pictures import KINDS, look_at, without_secrets
from inbox.previews import look_of
from inbox.refusals import MissingInputError
from inbox.story import Story
from inbox.twilio.hosts import redirected
from inbox.twilio.parsing import without_nul

logger = logging.getLogger(__name__)

API_HOST = "api.twilio.com"
# Twilio's network, and the addresses of S3: anything else in that cloud may be anybody's machine.
CONTENT_HOST = re.compile(
    r"(?:[a-z0-9-]+\.)+twiliocdn\.com"
    r"|(?:[a-z0-9-]+\.)*s3(?:-external-1|[.-][a-z]{2}(?:-[a-z]+)+-[0-9])?\.amazonaws\.com"
)
MAX_REDIRECTS = 3
MAX_ATTEMPTS = 5
LEASE = timedelta(seconds=90)
CHUNK = 64 * 1024
NEVER_RENDERED = (
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/xml",
)
SENDABLE = {
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "audio/mpeg",
    "audio/ogg",
    "audio/amr",
    "audio/mp4",
    "audio/aac",
    "video/mp4",
    "video/3gpp",
    "application/pdf",
    "text/vcard",
    "text/x-vcard",
    "text/plain",
    "text/csv",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How large the files of one message may be on a channel, in bytes.

    `together` counts all of them, where the channel sends them in one message.
    """

    file: int
    picture: int
    together: int | None = None

    def of(self, content_type: str) -> int:
        """Return how large one file of a type may be."""
        return self.picture if content_type.startswith("image/") else self.file


_MMS = Limits(5 * MEGABYTE, 5 * MEGABYTE, together=5 * MEGABYTE)
_LIMITS = {"whatsapp": Limits(16 * MEGABYTE, 5 * MEGABYTE)}


def limits_of(family: str) -> Limits:
    """Return how large files may be that are sent on a channel."""
    return _LIMITS.get(family, _MMS)


class FetchFailedError(Exception):
    """A file could not be fetched; `again` says whether another try may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass(frozen=True)
class Sniffed:
    """What a file is by its bytes, with a thumbnail if it is a picture we can draw."""

    content_type: str
    look: str
    thumbnail: bytes = b""
    width: int | None = None
    height: int | None = None


def expect_media(message: Message, media: Sequence[InboundMedia], *, now: datetime) -> None:
    """Note the files of a new message: the bubble shows placeholders at once, a worker fetches."""
    if not media:
        remember_files(message, ())
        return
    files = Attachment.objects.bulk_create(
        Attachment(
            account_id=message.account_id,
            message=message,
            position=position,
            source_url=item.url,
            declared_type=item.content_type,
            content_type=item.content_type,
            look=look_of(item.content_type),
            next_attempt_at=now,
        )
        for position, item in enumerate(media)
    )
    remember_files(message, files)
    for file in files:
        nudge_on_commit("fetch_media", file.pk)


def fetch(attachment_id: int, *, now: datetime) -> bool:
    """Fetch one file; say whether it is ready. Safe to call any number of times.

    Whatever goes wrong is noted and tried again a few times: no file keeps people waiting for ever.
    """
    attachment = _take(attachment_id, now=now)
    if attachment is None:
        return False
    assert attachment.message is not None
    account = attachment.message.thread.sender.twilio_account
    try:
        content = b"".join(_download(attachment.source_url, account))
        _keep(attachment, content, sniff(content, attachment.declared_type), now=now)
    except FetchFailedError as error:
        _note_failure(attachment, error, now=now)
        return False
    except Exception:
        logger.exception("attachment %s could not be taken in", attachment.public_id)
        _note_failure(
            attachment, FetchFailedError(noop("It could not be stored."), again=True), now=now
        )
        return False
    return True


def _take(attachment_id: int, *, now: datetime) -> Attachment | None:
    """Claim a file for one worker by moving its next attempt behind the lease."""
    taken = Attachment.objects.filter(
        pk=attachment_id,
        state=Attachment.State.WAITING,
        next_attempt_at__lte=now,
        message__isnull=False,
    ).update(next_attempt_at=now + LEASE)
    if not taken:
        return None
    return Attachment.objects.select_related("message__thread__sender__twilio_account").get(
        pk=attachment_id
    )


def _download(url: str, account: TwilioAccount) -> Iterator[bytes]:
    """Yield the bytes, following redirects by hand: credentials never leave Twilio's own host.

    Raises FetchFailedError for a strange host, an error answer, a time-out or an oversized file.
    """
    auth: tuple[str, str] | None = (account.account_sid, account.auth_token)
    next_token = account.auth_token_next
    target, headers = _checked(url, first=True)
    for _ in range(MAX_REDIRECTS + 1):
        try:
            response = requests.get(
                target,
                auth=auth,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(5, settings.MEDIA_TIMEOUT_SECONDS),
            )
        except requests.RequestException as error:
            raise FetchFailedError(f"{type(error).__name__}", again=True) from error
        with response:
            if response.is_redirect:
                target, headers = _checked(
                    urljoin(target, response.headers["Location"]), first=False
                )
                auth = None
                continue
            if auth and response.status_code == 401 and next_token:
                # While tokens are rotated Twilio may have promoted the next one already.
                auth, next_token = (account.account_sid, next_token), ""
                continue
            yield from _body(response)
            return
    raise FetchFailedError(noop("Too many redirects."), again=False)


def _checked(url: str, *, first: bool) -> tuple[str, dict[str, str]]:
    """Allow Twilio's API first, then Twilio's content networks, over https; or the simulator."""
    base = settings.TWILIO_API_BASE
    if base and not first and urlsplit(url).netloc == urlsplit(base).netloc:
        return url, {}
    host = _https_host(url)
    if host == API_HOST:
        return redirected(url, base)
    if not first and CONTENT_HOST.fullmatch(host):
        return url, {}
    raise FetchFailedError(noop("The file's address is not Twilio's."), again=False)


def _https_host(url: str) -> str:
    """Return the host of a plain https address: its own port, nobody's name; else blank."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme == "https" and parts.port in (None, 443) and "@" not in parts.netloc
    except ValueError:
        return ""
    return (parts.hostname or "") if is_plain else ""


def _body(response: requests.Response) -> Iterator[bytes]:
    if response.status_code != 200:
        gone = response.status_code in {400, 404, 410}
        raise FetchFailedError(
            noop("Twilio answered %(status_code)s.") % {"status_code": response.status_code},
            again=not gone,
        )
    size, until = 0, time.monotonic() + 3 * settings.MEDIA_TIMEOUT_SECONDS
    try:
        for chunk in response.iter_content(CHUNK):
            size += len(chunk)
            if time.monotonic() > until:
                # A server that drips a byte now and then never trips the read time-out.
                raise FetchFailedError(noop("The file came too slowly."), again=True)
            if size > settings.MEDIA_MAX_BYTES:
                raise FetchFailedError(noop("The file is too large."), again=False)
            yield chunk
    except requests.RequestException as error:
        raise FetchFailedError(f"{type(error).__name__}", again=True) from error


def sniff(content: bytes, declared: str) -> Sniffed:
    """Say what the bytes are. A picture we can decode gets a fresh thumbnail without metadata."""
    picture = look_at(content)
    if picture:
        return Sniffed(
            picture.content_type,
            Attachment.Look.IMAGE,
            picture.thumbnail,
            picture.width,
            picture.height,
        )
    found = _type_by_bytes(content)
    content_type = found or declared or "application/octet-stream"
    if content_type.startswith("image/") and content_type in KINDS.values():
        # Declared a picture, yet it cannot be decoded: treat it as an unknown file.
        content_type = "application/octet-stream"
    is_shown = content_type not in NEVER_RENDERED and not content_type.startswith("image/")
    return Sniffed(content_type, look_of(content_type) if is_shown else Attachment.Look.FILE)


def _type_by_bytes(content: bytes) -> str:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<script", b"<body", b"<head")):
        return "text/html"
    if b"<svg" in head:
        return "image/svg+xml"
    if head.startswith(b"begin:vcard"):
        return "text/vcard"
    if head.startswith((b"#!amr",)):
        return "audio/amr"
    # WhatsApp's voice messages. The guess below knows the wrapping alone, which may hold a film.
    if head.startswith(b"oggs"):
        return "video/ogg" if b"theora" in head else "audio/ogg"
    if head.startswith((b"mz", b"\x7felf", b"#!/")):
        return "application/x-executable"
    try:
        matches = puremagic.magic_string(content[:8192])
    except (puremagic.PureError, ValueError):
        return ""
    return next((match.mime_type for match in matches if match.mime_type), "")


def _keep(attachment: Attachment, content: bytes, found: Sniffed, *, now: datetime) -> None:
    _fill(attachment, content, found)
    attachment.next_attempt_at = None
    with transaction.atomic():
        row = Attachment.objects.select_for_update(no_key=True).get(pk=attachment.pk)
        if row.forgotten_at is None:
            attachment.save()
    if row.forgotten_at is None:
        _tell(attachment, now=now)
        return
    # It was removed while it was fetched.
    for file in filter(None, (attachment.file, attachment.thumbnail)):
        file.delete(save=False)


def _fill(attachment: Attachment, content: bytes, found: Sniffed) -> None:
    attachment.content_type, attachment.look = found.content_type[:120], found.look
    attachment.size, attachment.sha256 = len(content), hashlib.sha256(content).hexdigest()
    attachment.width, attachment.height = found.width, found.height
    attachment.file.save(f"{attachment.public_id}.bin", ContentFile(content), save=False)
    if found.thumbnail:
        attachment.thumbnail.save(
            f"{attachment.public_id}.jpg", ContentFile(found.thumbnail), save=False
        )
    attachment.state, attachment.problem = Attachment.State.READY, ""


def _note_failure(attachment: Attachment, error: FetchFailedError, *, now: datetime) -> None:
    attachment.attempts += 1
    attachment.problem = error.reason[:200]
    if error.again and attachment.attempts < MAX_ATTEMPTS:
        attachment.state = Attachment.State.WAITING
        attachment.next_attempt_at = now + timedelta(seconds=5 * 4 ** (attachment.attempts - 1))
    else:
        attachment.state, attachment.next_attempt_at = Attachment.State.FAILED, None
    fields = ("attempts", "problem", "state", "next_attempt_at")
    known = Attachment.objects.filter(pk=attachment.pk, forgotten_at=None)
    if not known.update(**{name: getattr(attachment, name) for name in fields}):
        return
    if attachment.state == Attachment.State.FAILED:
        logger.warning("attachment %s not fetched: %s", attachment.public_id, error.reason)
        _tell(attachment, now=now)


def retry_fetch(attachment: Attachment, *, now: datetime) -> None:
    """Try again because a person asked for it."""
    changed = Attachment.objects.filter(pk=attachment.pk, state=Attachment.State.FAILED).update(
        state=Attachment.State.WAITING, attempts=0, next_attempt_at=now, problem=""
    )
    if changed:
        attachment.refresh_from_db()
        _tell(attachment, now=now)
        nudge_on_commit("fetch_media", attachment.pk)


def owed_media(*, now: datetime, limit: int = 100) -> list[int]:
    """Return files whose next attempt is due."""
    return list(
        Attachment.objects.filter(state=Attachment.State.WAITING, next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("pk", flat=True)[:limit]
    )


def _tell(attachment: Attachment, *, now: datetime) -> None:
    message = Message.objects.select_related("conversation").filter(attachments=attachment).first()
    if message is None or message.conversation is None:
        return
    with transaction.atomic():
        story = Story(now=now)
        story.message_updated(locked_conversation(message.conversation), message, "media")
        announce(story.announcements(), now=now)


def store_upload(
    *,
    account_id: int,
    user: User,
    uploaded_file: File[bytes],
    now: datetime,
    family: str = "sms",
) -> Attachment:
    """Keep a file an agent wants to send, after checking it; a picture tells what it shows only.

    `family` is the channel on which it is to go. Raises MissingInputError for an empty, oversized
    or unsendable file.
    """
    limits = limits_of(family)
    _check_size(uploaded_file.size or 0, limits.file)
    content = uploaded_file.read()
    found = sniff(content, "text/plain" if _is_plain_text(content) else "")
    if found.content_type not in SENDABLE:
        raise MissingInputError(
            noop(
                "This kind of file cannot be sent. Use a picture, audio, video, PDF, Office file, "
                "contact card or plain text."
            )
        )
    if found.look == Attachment.Look.IMAGE:
        content = without_secrets(content)
    _check_size(len(content), limits.of(found.content_type))
    attachment = Attachment(
        account_id=account_id,
        uploaded_by=user,
        name=(uploaded_file.name or "file")[-200:],
        declared_type=without_nul(str(getattr(uploaded_file, "content_type", None) or ""))[:120],
    )
    _fill(attachment, content, found)
    attachment.save()
    return attachment


def check_files(files: Sequence[Attachment], family: str) -> None:
    """Refuse files that are too large for a channel, one by one or together.

    Raises MissingInputError.
    """
    limits = limits_of(family)
    for file in files:
        _refuse_large(file.size, limits.of(file.content_type))
    size = sum(file.size for file in files)
    if limits.together is not None and size > limits.together:
        raise MissingInputError(
            noop(
                "The files have %(size)s MB together; one MMS takes %(limit)s MB. Send some of "
                "them in another message."
            )
            % {"size": f"{size / MEGABYTE:.1f}", "limit": limits.together // MEGABYTE}
        )


def _check_size(size: int, limit: int) -> None:
    if size == 0:
        raise MissingInputError(noop("The file is empty."))
    _refuse_large(size, limit)


def _refuse_large(size: int, limit: int) -> None:
    if size > limit:
        raise MissingInputError(
            noop("The file has %(size)s MB; the limit is %(upload_limit)s MB. Send a smaller one.")
            % {"size": f"{size / MEGABYTE:.1f}", "upload_limit": limit // MEGABYTE}
        )


def _is_plain_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\x00" not in text
