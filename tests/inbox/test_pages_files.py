"""Does a file reach only those who may see it, and can it do any harm there?"""

from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.models import User
from inbox.conversations import claim_conversation
from inbox.models import Attachment
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def attach(stage: Stage, content_type: str, *, name: str = "file.bin", **fields: Any) -> Attachment:
    file = Attachment(
        account=stage.house.account,
        message=stage.message,
        content_type=content_type,
        name=name,
        state=Attachment.State.READY,
        **fields,
    )
    file.file.save("x.bin", ContentFile(b"<script>alert(1)</script>"), save=False)
    file.save()
    return file


def test_a_picture_shows_in_a_page_and_is_saved_when_opened(stage: Stage, login: Any) -> None:
    file = attach(stage, "image/jpeg", name="photo.jpg")

    answer = login(stage.house.alice).get(f"/attachments/{file.public_id}/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="photo.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript"),
        *("application/pdf", "application/x-msdownload", "text/vcard", "", "image/jpeg; x=1"),
    ],
)
def test_everything_else_is_saved_and_never_opened(
    stage: Stage, login: Any, content_type: str
) -> None:
    file = attach(stage, content_type, name='a"b\r\nc.html')

    answer = login(stage.house.alice).get(f"/attachments/{file.public_id}/")

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "\n" not in answer.headers["Content-Disposition"]


def test_who_lost_the_conversation_lost_its_files(stage: Stage, login: Any, charlie: User) -> None:
    file = attach(stage, "image/jpeg")
    stage.do(claim_conversation, stage.house.alice)

    for user in (stage.house.bob, charlie):
        for end in ("", "thumbnail/"):
            answer = login(user).get(f"/attachments/{file.public_id}/{end}")
            assert answer.status_code == 404
        assert login(user).post(f"/attachments/{file.public_id}/retry/").status_code == 404


@pytest.mark.parametrize("state", ["waiting", "failed", "refused"])
def test_what_is_not_ready_is_not_there(stage: Stage, login: Any, state: str) -> None:
    file = attach(stage, "image/jpeg")
    Attachment.objects.filter(pk=file.pk).update(state=state)

    assert login(stage.house.alice).get(f"/attachments/{file.public_id}/").status_code == 404


def test_a_failed_fetch_can_be_tried_again(stage: Stage, login: Any) -> None:
    file = attach(stage, "image/jpeg")
    Attachment.objects.filter(pk=file.pk).update(state="failed", problem="Twilio answered 500.")

    page = login(stage.house.alice).get(f"/c/{stage.row.public_id}/messages/").text
    answer = login(stage.house.alice).post(
        f"/attachments/{file.public_id}/retry/", headers={"Accept": "application/json"}
    )

    assert "Twilio answered 500." in page
    assert answer.status_code == 200
    file.refresh_from_db()
    assert file.state == "waiting"


def test_an_unchanged_file_is_not_sent_twice(stage: Stage, login: Any) -> None:
    file = attach(stage, "image/jpeg", sha256="abc")
    alice = login(stage.house.alice)
    tag = alice.get(f"/attachments/{file.public_id}/").headers["ETag"]

    again = alice.get(f"/attachments/{file.public_id}/", headers={"If-None-Match": tag})

    assert again.status_code == 304
