"""Do programs come in with their keys, may they no more than these, and does everybody see it?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, License, Membership, SupportAccess, User
from accounts.programs import LONGEST_DAYS, NewKey, ProgramError, key_of, make_key, revoke_key
from routing.models import Rulebook
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_user

pytestmark = pytest.mark.django_db
PAGE = "/settings/api-keys/"
Login = Callable[[User], Client]
HOURS = {"name": "Office", "time_zone": "UTC"}
POLICY = {"format": 1, "steps": [{"after": 5, "do": "notify"}]}
DOCUMENT = {"rules": [{"id": "a", "name": "A", "then": {"tags": ["x"]}}]}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def new_key(ada: User, name: str = "Deployment", **more: Any) -> NewKey:
    assert ada.account is not None
    asked = {"may_change": True, "days": 90, "now": timezone.now(), **more}
    return make_key(account=ada.account, name=name, by=ada, **asked)


def ask(secret: str, method: str, path: str, **body: Any) -> Any:
    """Ask as a program does: no cookie, no token against forgery, which is looked for."""
    data = json.dumps(body) if body else ""
    return Client(enforce_csrf_checks=True).generic(
        method,
        path,
        data,
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


def rules(house: House) -> str:
    return f"/api/v1/inboxes/{house.inbox.public_id}/rules/"


# --- The page ---


def test_an_admin_makes_a_key_which_is_shown_once(house: House, ada: User, login: Login) -> None:
    browser = login(ada)

    answer = browser.post(PAGE, {"name": " CRM  sync ", "may_change": "on", "days": "30"})
    shown = re.search(r"tik_[a-z0-9]{12}_[\w-]{43}", answer.content.decode())

    assert shown is not None
    secret = shown[0][-43:]
    row = ApiKey.objects.get()
    assert (row.name, row.account, row.made_by, row.may_change) == (
        "CRM sync",
        house.account,
        ada,
        True,
    )
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    assert secret not in browser.get(PAGE).content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in json.dumps([*ApiKey.objects.values(), *User.objects.values()], default=str)
    assert secret not in json.dumps(list(AuditEntry.objects.values("data")), default=str)
    assert ask(shown[0], "GET", rules(house)).status_code == 200


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": "", "days": "30"}, "Say which program"),
        ({"name": "Deployment", "days": "9999"}, "Select a valid choice"),
        ({"name": "DEPLOYMENT", "days": "30"}, "of this name already"),
        ({"name": "x" * 61, "days": "30"}, "60 characters"),
        ({"name": "a\u202eb", "days": "30"}, "Give the key a name"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    ada: User, login: Login, typed: dict[str, str], words: str
) -> None:
    new_key(ada)

    answer = login(ada).post(PAGE, typed)

    assert (answer.status_code, ApiKey.objects.count()) == (422, 1)
    assert words in answer.content.decode()
    if len(typed["name"]) in range(1, 20):
        assert typed["name"] in answer.content.decode()


def test_a_revoked_key_opens_nothing_and_frees_its_name(
    house: House, ada: User, login: Login
) -> None:
    made, browser = new_key(ada), login(ada)
    confirm = browser.get(f"{PAGE}{made.row.pk}/revoke/").content.decode()

    browser.post(f"{PAGE}{made.row.pk}/revoke/")
    browser.post(f"{PAGE}{made.row.pk}/revoke/")

    answer = ask(made.secret, "GET", rules(house))
    assert "Revoke the key of “Deployment”?" in confirm
    assert (answer.status_code, answer.json()) == (401, {"detail": "This key was revoked."})
    assert AuditEntry.objects.filter(action="api_key_revoked").count() == 1
    assert new_key(ada).row.name == "Deployment"
    assert "revoked by Ada" in browser.get(PAGE).content.decode()


def test_a_key_needs_an_admin_of_its_account(house: House, ada: User) -> None:
    other = make_user(make_account(), "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    for by in (house.sue, other):
        with pytest.raises(ProgramError, match="own admins"):
            make_key(
                account=house.account,
                name="X",
                may_change=True,
                days=5,
                by=by,
                now=timezone.now(),
            )
    for days in (0, -5, LONGEST_DAYS + 1):
        with pytest.raises(ProgramError, match="from a day to a year"):
            new_key(ada, days=days)


def test_who_is_there_for_support_leaves_no_key_behind(house: House, login: Login) -> None:
    stella, now = User.objects.create_superuser("stella@example.com", name="Stella"), timezone.now()
    SupportAccess.objects.create(
        account=house.account,
        user=stella,
        reason="They asked",
        starts_at=now,
        ends_at=now + timedelta(hours=1),
    )

    answer = login(stella).post(PAGE, {"name": "Mine", "days": "365"})

    assert answer.status_code == 422
    assert "Only the account" in answer.content.decode()
    assert not ApiKey.objects.exists()


# --- Coming in ---


def test_a_program_writes_and_publishes_and_is_named(house: House, ada: User) -> None:
    secret = new_key(ada).secret
    seen = ask(secret, "GET", rules(house)).json()["version"]

    kept = ask(secret, "PUT", rules(house), document=DOCUMENT, version=seen)
    path = f"{rules(house)}publish/"
    published = ask(secret, "POST", path, version=kept.json()["version"], sure=True)

    assert (kept.status_code, published.status_code) == (200, 200), (kept, published)
    line = AuditEntry.objects.get(action="rules_published")
    assert line.actor_label == "Program “Deployment”"
    book = Rulebook.objects.select_related("published__published_by").get()
    assert book.published is not None
    assert book.published.published_by.name == "Program “Deployment”"


def test_whoever_is_second_hears_that_it_was_a_program(
    house: House, ada: User, login: Login
) -> None:
    secret, browser = new_key(ada).secret, login(ada)
    seen = ask(secret, "GET", rules(house)).json()["version"]
    ask(secret, "PUT", rules(house), document=DOCUMENT, version=seen)

    answer = browser.post(
        "/settings/inboxes/support/rules/", {"do": "off:a", "version": seen}, follow=True
    )

    assert "Program “Deployment” changed these rules meanwhile" in answer.content.decode()


def test_a_key_that_only_reads_changes_nothing(house: House, ada: User) -> None:
    secret = new_key(ada, may_change=False).secret

    read = ask(secret, "GET", rules(house))
    written = ask(secret, "PUT", rules(house), document=DOCUMENT, version=1)
    checked = ask(secret, "PUT", rules(house), document=DOCUMENT, version=1, check=True)

    assert [one.status_code for one in (read, written, checked)] == [200, 403, 200]
    assert written.json() == {"detail": "This key may only read."}
    assert not Rulebook.objects.exists()


def test_a_key_opens_its_own_account_and_no_conversation(house: House, ada: User) -> None:
    other = make_account()
    theirs = make_inbox(other)
    otto = make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    secret = new_key(otto).secret

    assert ask(secret, "GET", f"/api/v1/inboxes/{theirs.public_id}/rules/").status_code == 200
    assert ask(secret, "GET", rules(house)).status_code == 404
    assert ask(secret, "PUT", rules(house), document=DOCUMENT, version=1).status_code == 404
    events = f"/api/v1/inboxes/{theirs.public_id}/events/?after=0"
    assert ask(secret, "GET", events).status_code == 404


@pytest.mark.parametrize("path", ["/", "/settings/", "/settings/api-keys/", "/admin/", "/profile/"])
def test_a_key_opens_no_page(ada: User, path: str) -> None:
    answer = ask(new_key(ada).secret, "GET", path)

    assert answer.status_code == 302


def _cut(secret: str) -> str:
    return secret[:-1]


def _changed(secret: str) -> str:
    return f"{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}"


@pytest.mark.parametrize(
    "spoil",
    [_cut, _changed, str.upper, lambda secret: "", lambda secret: "tik_\x00_é" * 400],
)
def test_a_wrong_key_is_refused_without_saying_why(
    house: House, ada: User, login: Login, spoil: Callable[[str], str]
) -> None:
    secret = spoil(new_key(ada).secret).encode("latin-1", "ignore").decode("latin-1")
    client = login(ada)  # A good session does not help a bad key.

    answer = client.get(rules(house), headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Nobody knows this key."}
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_key_runs_out(house: House, ada: User, time_machine: Any) -> None:
    made = new_key(ada, days=1)

    time_machine.move_to(made.row.expires_at - timedelta(seconds=1))
    before = ask(made.secret, "GET", rules(house))
    time_machine.move_to(made.row.expires_at)
    after = ask(made.secret, "GET", rules(house))

    assert (before.status_code, after.status_code) == (200, 401)
    assert "has run out" in after.json()["detail"]


def test_use_is_written_down_once_a_minute(house: House, ada: User, time_machine: Any) -> None:
    secret, start = new_key(ada).secret, timezone.now()

    for seconds in (1, 20, 90):
        time_machine.move_to(start + timedelta(seconds=seconds))
        ask(secret, "GET", rules(house))
        row = ApiKey.objects.get()
        used = row.last_used_at
        assert used is not None
        assert used - start < timedelta(seconds=seconds + 2)
        assert (used - start > timedelta(seconds=60)) == (seconds == 90)
    assert row.last_network == "127.0.0.0/24"


def test_a_program_that_asks_too_often_is_told_when_to_come_back(
    house: House, ada: User, settings: Any
) -> None:
    settings.API_KEY_RATE = "3/min"
    one, other = new_key(ada).secret, new_key(ada, "Other").secret

    answers = [ask(one, "GET", rules(house)) for _again in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert ask(other, "GET", rules(house)).status_code == 200


def test_a_key_outlives_who_made_it(house: House, ada: User) -> None:
    made = new_key(ada)
    make_user(house.account, "Second", works_as=User.Role.ACCOUNT_ADMIN)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert ask(made.secret, "GET", rules(house)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "inboxes/{inbox}/rules/", {"document": DOCUMENT, "version": 1}),
        ("PUT", "inboxes/{inbox}/replies/", {"document": {"format": 1}, "version": "{replies}"}),
        ("PUT", "inboxes/{inbox}/document/", {"document": {"hours": HOURS}, "version": "{whole}"}),
        ("POST", "business-hours/", {"document": HOURS}),
        ("POST", "escalation-policies/", {"name": "A", "document": POLICY, "sure": True}),
    ],
)
def test_a_key_that_only_reads_has_documents_checked_and_nothing_kept(
    house: House, ada: User, method: str, path: str, body: dict[str, Any]
) -> None:
    secret = new_key(ada, may_change=False).secret
    path = f"/api/v1/{path}".replace("{inbox}", str(house.inbox.public_id))
    if str(body.get("version", "")).startswith("{"):
        body = {**body, "version": ask(secret, "GET", path).json()["version"]}
    noted = AuditEntry.objects.count()

    checked = ask(secret, method, path, **body, check=True)
    others = [ask(secret, method, path, **body, check=no) for no in (False, "true", 1, None)]

    assert checked.status_code == 200, checked.content
    assert [one.status_code for one in others] == [403] * 4
    assert AuditEntry.objects.count() == noted


@pytest.mark.parametrize("path", ["rules/publish/", "rules/versions/", "rules/examples/"])
def test_what_knows_no_check_is_not_opened_by_one(house: House, ada: User, path: str) -> None:
    secret = new_key(ada, may_change=False).secret

    for each in (f"inboxes/{house.inbox.public_id}/{path}", path, "data-actions/", "tables/"):
        assert ask(secret, "POST", f"/api/v1/{each}", check=True).status_code == 403


# --- A program is nobody who could be found, let in or written to ---


def test_a_program_stands_in_no_list_of_people(house: House, ada: User, login: Login) -> None:
    program, browser = new_key(ada, "Zebra").row.program, login(ada)

    for path in (
        "/settings/people/?state=all",
        f"/settings/teams/{house.inbox.pk}/",
        "/settings/licences/",
        "/settings/inboxes/support/rules/rule/",
    ):
        assert "Zebra" not in browser.get(path).content.decode(), path
    assert browser.get(f"/settings/people/{program.pk}/").status_code == 404
    assert not Membership.objects.filter(user=program).exists()
    assert not License.objects.filter(holder=program).exists()
    root = login(User.objects.create_superuser("root@example.com", "x", name="Root"))
    assert "Zebra" not in root.get("/admin/accounts/user/?all=").content.decode()


@pytest.mark.parametrize("change", [{"is_active": True}, {"is_staff": True}])
def test_a_program_can_never_log_in(ada: User, change: dict[str, bool]) -> None:
    program = new_key(ada).row.program

    assert not program.has_usable_password()
    with pytest.raises(IntegrityError, match="programs_never_log_in"), transaction.atomic():
        User.objects.filter(pk=program.pk).update(**change)


def test_keys_are_found_by_their_secret_alone(ada: User) -> None:
    made, now = new_key(ada), timezone.now()

    assert key_of(made.secret, now=now) == made.row
    revoke_key(key=made.row, by=ada, now=now)
    with pytest.raises(ProgramError, match="revoked"):
        key_of(made.secret, now=now)
