"""Is what no person can have typed answered in words, and without a fault of ours?"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.numbers import number_in
from inbox.models import Conversation
from tests.admin_world import browser_of, make_staff
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]
FORM = "application/x-www-form-urlencoded"
SCRIPT: Any = {"headers": {"Accept": "application/json"}}
HUGE = "9" * 5000
Login = Callable[[User], Client]


# --- NUL ------------------------------------------------------------------------------------------

PATHS = [
    "/c/a%00/",
    "/%00",
    "/inbox/support/c/a%00/",
    "/attachments/a%00/",
    "/attachments/a%00/thumbnail/",
    "/media/out/a%00/b",
    "/inbox/support/?q=%00",
    "/inbox/support/?before=1.a%00",
    "/inbox/support/?%00=1",
    "/accounts/login/?next=%00",
    "/admin/login/?next=%00",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_a_nul_in_an_address_is_answered_with_a_page(
    stage: Stage, login: Login, who: str, path: str
) -> None:
    browser = login(stage.house.alice) if who == "alice" else Client()

    answer = browser.get(path)

    assert answer.status_code == 400
    assert "could not be understood" in answer.text


def test_a_nul_beside_a_conversation_s_address_is_refused(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)

    assert alice.get(f"/c/{stage.row.public_id}/thread/?m=%00").status_code == 400
    assert alice.get(f"/api/v1/inboxes/{uuid.uuid4()}/events/?open=%00").status_code == 400
    # A percent sign and two noughts are no NUL.
    assert alice.get(f"/c/{stage.row.public_id}/thread/?m=%2500").status_code == 200


@pytest.mark.parametrize(
    ("end", "fields"),
    [
        ("messages", {"body": "a\0b", "client_id": "a" * 32}),
        ("messages", {"body": "Hi", "media_ids": "a\0", "client_id": "a" * 32}),
        ("messages", {"\0": "a", "body": "Hi", "client_id": "a" * 32}),
        ("transfer", {"to": "inbox:a\0"}),
        ("transfer", {"to": "user:1", "note": "\0"}),
        ("close", {"reason": "\0", "waiting_ok": "1"}),
        ("take-over", {"reason": "\0"}),
        ("snooze", {"until": "\0"}),
    ],
)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data"])
def test_a_nul_in_a_form_is_refused(
    stage: Stage, login: Login, end: str, fields: dict[str, str], kind: str
) -> None:
    alice, address = login(stage.house.alice), f"/c/{stage.row.public_id}/{end}/"
    before = stage.row.version

    if kind == FORM:
        answer = alice.post(address, urlencode(fields), content_type=FORM, **SCRIPT)
    else:
        answer = alice.post(address, fields, **SCRIPT)

    assert answer.status_code == 400
    assert stage.row.version == before
    assert stage.row.messages.count() == 1


def test_a_nul_is_refused_everywhere_else_too(stage: Stage, login: Login) -> None:
    alice, contact = login(stage.house.alice), stage.row.contact.public_id

    assert alice.post("/messages/a%00/resend/").status_code == 400
    assert alice.post(f"/contacts/{contact}/name/", {"name": "M\0"}).status_code == 400
    assert Client().post("/accounts/login/", {"login": "a\0@example.com"}).status_code == 400


def test_a_file_may_be_made_of_nul_and_its_label_may_not(stage: Stage, login: Login) -> None:
    pdf = SimpleUploadedFile("a\0.pdf", b"%PDF-1.4\n\0\0\0", content_type="application/\0pdf")

    answer = login(stage.house.alice).post(
        f"/c/{stage.row.public_id}/attachments/", {"file": pdf}, **SCRIPT
    )

    assert answer.status_code == 201


def test_a_session_cookie_with_a_nul_is_no_session(db: None) -> None:
    browser = Client()
    browser.cookies["sessionid"] = '"aaaaaaaaaaaaaaaa\\000"'

    assert browser.get("/inbox/support/").status_code == 302


# --- Numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("0", 0), ("9" * 18, 10**18 - 1), *((odd, None) for odd in ("", "-1", "²", HUGE))],
)
def test_a_number_is_one_that_a_column_could_hold(text: str, number: int | None) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    ("end", "fields", "expected"),
    [
        ("close", {"last_seen_seq": HUGE, "waiting_ok": "1"}, 409),
        ("transfer", {"to": f"user:{HUGE}"}, 422),
        ("claim", {"version": HUGE}, 200),
        ("read", {"seq": HUGE}, 404),
        ("messages", {"body": "Hi", "last_seen_message": HUGE, "client_id": "a" * 32}, 422),
        ("messages", {"body": "Hi", "last_seen_message": "9" * 30, "client_id": "a" * 32}, 422),
    ],
)
def test_a_number_of_five_thousand_digits_is_no_number(
    stage: Stage, login: Login, end: str, fields: dict[str, str], expected: int
) -> None:
    alice = login(stage.house.alice)

    answer = alice.post(f"/c/{stage.row.public_id}/{end}/", fields, **SCRIPT)

    assert answer.status_code == expected


def test_an_address_with_such_a_number_shows_what_there_is(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)

    assert alice.get(f"/inbox/support/?owner={HUGE}").status_code == 200
    assert alice.get(f"/c/{stage.row.public_id}/messages/?before={HUGE}").status_code == 404
    assert alice.get(f"/inbox/support/?before={HUGE}.a").status_code == 404


def test_a_task_for_rows_that_no_table_has_is_a_task_for_none(db: None) -> None:
    answer = browser_of(make_staff()).get("/admin/inbox/receipt/retry/", {"ids": HUGE})

    assert answer.status_code in {302, 404}


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "until",
    [
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00",
        f"{datetime.now().year + 3}-01-01T09:00",
    ],
)
def test_nobody_puts_a_conversation_aside_beyond_two_years(
    stage: Stage, login: Login, until: str
) -> None:
    alice = login(stage.house.alice)

    answer = alice.post(f"/c/{stage.row.public_id}/snooze/", {"until": until}, **SCRIPT)

    assert answer.status_code == 422
    assert stage.row.status == Conversation.Status.OPEN
    assert alice.get(f"/c/{stage.row.public_id}/thread/").status_code == 200


def test_a_year_ahead_is_fine(stage: Stage, login: Login) -> None:
    until = (stage.now + timedelta(days=365)).isoformat()

    answer = login(stage.house.alice).post(
        f"/c/{stage.row.public_id}/snooze/", {"until": until}, **SCRIPT
    )

    assert answer.status_code == 200
