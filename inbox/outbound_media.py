"""How does Twilio fetch our attachments? At a public address that is signed and expires."""

from datetime import datetime
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from inbox.models import Attachment

SALT = "outbound-media"


def public_url(attachment: Attachment, *, now: datetime) -> str:
    """Return an address at which anyone may fetch this file for a day."""
    token = signing.TimestampSigner(salt=SALT).sign(attachment.public_id)
    name = quote(attachment.name or attachment.public_id, safe="")
    return f"{settings.PUBLIC_BASE_URL}{reverse('outbound_media', args=[token, name])}"


@login_not_required
@require_safe
def outbound_media(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Serve one outbound file to the carrier, with its true type."""
    try:
        public_id = signing.TimestampSigner(salt=SALT).unsign(
            token, max_age=settings.OUTBOUND_MEDIA_MAX_AGE_SECONDS
        )
    except signing.BadSignature as error:
        raise Http404("This address is not valid or has expired.") from error
    attachment = Attachment.objects.filter(
        public_id=public_id, state=Attachment.State.READY, uploaded_by__isnull=False
    ).first()
    if attachment is None or not attachment.file:
        raise Http404("No such file.")
    response = FileResponse(
        attachment.file.open("rb"), content_type=attachment.content_type, filename=attachment.name
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=300"
    return response
