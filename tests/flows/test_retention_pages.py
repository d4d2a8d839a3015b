"""Do admins settle, hold, foresee and erase on the pages; and do others only what is theirs?"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from inbox.forgetting.certificates import hash_of
from inbox.forgetting.erasing import erase_next
from inbox.forgetting.nightly import forget_next
from inbox.forgetting.remote import delete_next
from inbox.models import (
    Contact,
    Conversation,
    Erasure,
    ForgettingCertificate,
    LegalHold,
    Message,
    RemoteDeletion,
    RetentionPolicy,
)
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_user
from tests.inbox.forgetting.people import PHONE, leave_traces
from tests.inbox.forgetting.test_retention import make_old
from tests.twilio import text_in

Login = Callable[[User], Client]
PAGE = "/settings/retention/"
BACKEND = "accounts.backends.AuthenticationBackend"
WHY = {"reason": "A case before the court"}


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


@pytest.fixture
def audrey(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))


@pytest.fixture
def maria(house: House, ada: Client, twilio: Twilio, settings: Any, tmp_path: Path) -> Contact:
    settings.MEDIA_ROOT = str(tmp_path)
    twilio.knows(house.sender)
    user = User.objects.get(name="Ada")
    contact = leave_traces(Client(), house, user, timezone.now())
    make_old(timezone.now() - timedelta(days=100))
    return contact


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def run() -> None:
    RetentionPolicy.objects.update(next_at=timezone.now())
    while forget_next(now=timezone.now()):
        pass


def finish() -> None:
    Erasure.objects.exclude(state="done").update(next_at=timezone.now())
    while erase_next(now=timezone.now()) or delete_next(now=timezone.now()):
        pass


# --- Settling ------------------------------------------------------------------------------------


def test_what_is_shorter_is_foreseen_before_it_is_saved(ada: Client, maria: Contact) -> None:
    first = ada.post(PAGE, {"version": 0, "texts_days": 60})

    assert first.status_code == 200
    said = words(first)
    assert "Not saved yet." in said
    assert "4 rows, made before" in said
    assert not RetentionPolicy.objects.filter(texts_days=60).exists()
    second = ada.post(PAGE, {"version": 0, "texts_days": 60, "foreseen": first.context["foreseen"]})
    assert second.status_code == 302
    assert RetentionPolicy.objects.get().texts_days == 60
    assert Message.objects.exclude(body="").exists()


def test_what_was_foreseen_for_other_lengths_is_foreseen_again(ada: Client, maria: Contact) -> None:
    first = ada.post(PAGE, {"version": 0, "texts_days": 60})
    second = ada.post(PAGE, {"version": 0, "texts_days": 31, "foreseen": first.context["foreseen"]})

    assert second.status_code == 200
    assert not RetentionPolicy.objects.filter(texts_days__isnull=False).exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"texts_days": "29"}, "Not below 30 days: our own default (status: product)."),
        ({"decisions_years": "1"}, "Not below 5 years: rule "),
        ({"texts_days": "0"}, "greater than or equal to 1"),
        ({"texts_days": "-4"}, "greater than or equal to 1"),
        ({"texts_days": "soon"}, "Enter a whole number."),
        ({"texts_days": "1.5"}, "Enter a whole number."),
        ({"texts_days": "9" * 30}, "less than or equal to 36500"),
        ({"media_days": "36501"}, "less than or equal to 36500"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_stays_typed(
    ada: Client, house: House, typed: dict[str, str], said: str
) -> None:
    answer = ada.post(PAGE, {"version": 0, **typed})

    assert answer.status_code == 422
    assert said in words(answer)
    assert f'value="{next(iter(typed.values()))}"' in answer.content.decode()
    assert not RetentionPolicy.objects.filter(version__gt=0).exists()


def test_who_opened_the_page_before_somebody_saved_is_told(ada: Client, house: House) -> None:
    shorter = {"version": 0, "traces_days": 300}
    ada.post(PAGE, {**shorter, "foreseen": ada.post(PAGE, shorter).context["foreseen"]})
    assert RetentionPolicy.objects.get().traces_days == 300

    answer = ada.post(PAGE, {"version": 0, "traces_days": 400})

    assert answer.status_code == 409
    assert "Somebody else changed this" in words(answer)


def test_an_auditor_reads_and_changes_nothing(audrey: Client, maria: Contact) -> None:
    said = words(audrey.get(PAGE))

    assert "until you settle otherwise" in said
    assert "At least 5 years: rule " in said
    assert "<form" not in said.partition('id="lengths"')[2]
    assert audrey.post(PAGE, {"version": 0, "texts_days": 60}).status_code == 404
    assert audrey.post(f"{PAGE}hold/", WHY).status_code == 404
    key = f"/settings/consent/{maria.public_id}/"
    assert audrey.get(f"{key}keeping/").status_code == 200
    for act in ("hold", "erase"):
        assert audrey.post(f"{key}{act}/", {**WHY, "word": "ERASE"}).status_code == 404
    assert not LegalHold.objects.exists()
    assert not Erasure.objects.exists()


# --- A message whose words went ------------------------------------------------------------------


@pytest.fixture
def alice(house: House) -> Client:
    client = Client()
    client.force_login(house.alice, backend=BACKEND)
    return client


def test_the_thread_says_what_went_and_search_finds_it_no_more(
    house: House, maria: Contact, alice: Client
) -> None:
    row = Conversation.objects.get()
    here = reverse("inbox", args=[house.inbox.slug])
    assert row.public_id in words(alice.get(here, {"q": "zanzibar-body"}))
    RetentionPolicy.objects.update_or_create(
        account=house.account,
        defaults={"next_at": timezone.now(), "texts_days": 30, "media_days": 30},
    )
    run()

    page = alice.get(reverse("conversation", args=[house.inbox.slug, row.public_id]))

    said = words(page)
    assert page.status_code == 200
    assert said.count("Text removed by retention") == 4
    assert "File removed by retention" in said
    assert "zanzibar-body" not in said
    assert row.public_id not in words(alice.get(here, {"q": "zanzibar-body"}))


# --- Holds ---------------------------------------------------------------------------------------


def test_a_person_is_held_on_their_page_and_let_go_on_the_other(
    ada: Client, maria: Contact
) -> None:
    key = f"/settings/consent/{maria.public_id}/"

    assert ada.post(f"{key}hold/", {"reason": " "}).status_code == 422
    assert ada.post(f"{key}hold/", WHY).status_code == 302
    assert "held already" in words(ada.post(f"{key}hold/", WHY))

    hold = LegalHold.objects.get()
    assert (hold.scope, hold.contact) == ("person", maria)
    assert WHY["reason"] in words(ada.get(PAGE))
    assert ada.post(f"{PAGE}holds/{hold.public_id}/lift/", {"reason": ""}).status_code == 422
    assert ada.post(f"{PAGE}holds/{hold.public_id}/lift/", WHY).status_code == 302
    hold.refresh_from_db()
    assert hold.lifted_by is not None
    again = ada.post(f"{PAGE}holds/{hold.public_id}/lift/", WHY, follow=True)
    assert "Somebody lifted this hold already." in words(again)


def test_one_conversation_is_held(ada: Client, maria: Contact, house: House) -> None:
    row = Conversation.objects.get()
    url = f"/settings/consent/{maria.public_id}/hold/"
    other = text_in(Client(), house.sender, "+14155550155", "somebody else").conversation
    assert other is not None

    assert ada.post(url, {**WHY, "conversation": other.public_id}).status_code == 422
    assert ada.post(url, {**WHY, "conversation": row.public_id}).status_code == 302

    assert LegalHold.objects.get().conversation == row


# --- Erasing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Say why"),
        ({"reason": "They asked"}, "Nothing was erased: type the word."),
        ({"reason": "They asked", "word": "erase"}, "Nothing was erased: type ERASE."),
        ({"reason": f"Erase {PHONE}", "word": "ERASE"}, "Do not write their number"),
        ({"reason": "x" * 501, "word": "ERASE"}, "at most 500 characters"),
    ],
)
def test_nobody_is_erased_by_accident(
    ada: Client, maria: Contact, typed: dict[str, str], said: str
) -> None:
    answer = ada.post(f"/settings/consent/{maria.public_id}/erase/", typed)

    assert answer.status_code == 422
    assert said in words(answer)
    assert not Erasure.objects.exists()


def test_an_erasure_from_the_page_to_the_certificate(
    ada: Client, maria: Contact, house: House
) -> None:
    key = f"/settings/consent/{maria.public_id}/"
    before = words(ada.get(f"{key}keeping/"))
    assert "<dt>Messages</dt><dd>4</dd>" in before
    assert "<dt>Messages at Twilio</dt><dd>3</dd>" in before

    asked = ada.post(f"{key}erase/", {"reason": "They asked", "word": "ERASE"})

    assert asked.status_code == 302
    assert "Begins in a moment" in words(ada.get(asked["Location"]))
    assert "under way" in words(ada.post(f"{key}erase/", {"reason": "Again", "word": "ERASE"}))
    finish()
    after = words(ada.get(asked["Location"]))
    assert '<span class="record-chip">Done</span>' in after
    assert "<dt>Deleted</dt><dd>3</dd>" in after
    assert "This person was erased." in words(ada.get(f"{key}keeping/"))
    assert ada.get(key).status_code == 200
    number = Erasure.objects.get().certificate
    assert number is not None
    file = ada.get(f"{PAGE}certificates/{number.number}/")
    assert hash_of(json.loads(file.content)) == number.sha256 == file["X-Certificate-SHA256"]
    assert "zanzibar" not in words(ada.get(PAGE))
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"person_erasure_asked", "person_erased"} <= actions


def test_pages_of_an_erased_person_can_be_read(
    ada: Client, maria: Contact, house: House, alice: Client
) -> None:
    row = Conversation.objects.get()
    ada.post(
        f"/settings/consent/{maria.public_id}/erase/", {"reason": "They asked", "word": "ERASE"}
    )
    finish()

    page = alice.get(reverse("conversation", args=[house.inbox.slug, row.public_id]))
    assert page.status_code == 200
    said = words(page)
    assert "Text removed: the person was erased" in said
    assert "Erased person" in said
    assert "zanzibar" not in said
    assert "555-0177" not in said
    data = ada.post(f"/settings/consent/{maria.public_id}/data/", WHY)
    assert data.status_code == 200
    assert b"".join(data.streaming_content)  # type: ignore[attr-defined]
    proof = ada.post(f"/settings/consent/{maria.public_id}/proof/", WHY)
    assert proof.status_code == 200
    assert b"".join(proof.streaming_content)  # type: ignore[attr-defined]


def test_what_twilio_did_not_delete_is_shown_and_asked_for_again(
    ada: Client, maria: Contact
) -> None:
    ada.post(
        f"/settings/consent/{maria.public_id}/erase/", {"reason": "They asked", "word": "ERASE"}
    )
    finish()
    row = Erasure.objects.get()
    Erasure.objects.update(state="outside", done_at=None, next_at=None)
    RemoteDeletion.objects.update(state="failed", problem="Twilio answered 401 (20003)")

    page = words(ada.get(f"/settings/erasures/{row.public_id}/"))

    assert "Twilio answered 401 (20003)" in page
    assert ada.post(f"/settings/erasures/{row.public_id}/retry/").status_code == 302
    assert set(RemoteDeletion.objects.values_list("state", flat=True)) == {"owed"}
    finish()
    row.refresh_from_db()
    assert row.state == "done"


# --- Not yours is not there ----------------------------------------------------------------------


@pytest.mark.parametrize("who", ["charlie_admin", "alice", "sue", "nobody"])
def test_not_yours_is_not_there(
    ada: Client, maria: Contact, house: House, charlie: User, who: str
) -> None:
    account = charlie.account
    assert account is not None
    ada.post(f"/settings/consent/{maria.public_id}/hold/", WHY)
    ada.post(
        f"/settings/consent/{maria.public_id}/erase/", {"reason": "They asked", "word": "ERASE"}
    )
    hold, erasure = LegalHold.objects.get(), Erasure.objects.get()
    assert erasure.state == "held"
    other = Client()
    people = {
        "charlie_admin": make_user(account, "Cleo", works_as=User.Role.ACCOUNT_ADMIN),
        "alice": house.alice,
        "sue": house.sue,
    }
    if who in people:
        other.force_login(people[who], backend=BACKEND)
    key = f"/settings/consent/{maria.public_id}/"
    gone = 404 if who in people else 302

    for url in (f"{key}keeping/", f"/settings/erasures/{erasure.public_id}/"):
        assert other.get(url).status_code == gone
    for url in (
        f"{key}hold/",
        f"{key}erase/",
        f"{PAGE}holds/{hold.public_id}/lift/",
        f"/settings/erasures/{erasure.public_id}/retry/",
    ):
        assert other.post(url, {**WHY, "word": "ERASE"}).status_code == gone
    hold.refresh_from_db()
    assert hold.lifted_at is None
    assert Erasure.objects.count() == 1


def test_a_certificate_of_another_account_is_not_there(
    ada: Client, house: House, charlie: User
) -> None:
    account, other = charlie.account, Client()
    assert account is not None
    other.force_login(make_user(account, "Cleo", works_as=User.Role.ACCOUNT_ADMIN), backend=BACKEND)
    assert other.get(f"{PAGE}certificates/1/").status_code == 404
    assert ada.get(f"{PAGE}certificates/1/").status_code == 404
    assert not ForgettingCertificate.objects.exists()


# --- The command ---------------------------------------------------------------------------------


def told(*args: str) -> str:
    out = io.StringIO()
    call_command("erase_person", *args, stdout=out)
    return out.getvalue()


def test_an_operator_counts_and_erases(house: House, maria: Contact) -> None:
    who = ("--account", str(house.account.pk), "--address", "(415) 555-0177")
    counted = told(*who, "--dry-run")
    assert "message: 4" in counted
    assert not Erasure.objects.exists()
    with pytest.raises(CommandError, match="--yes"):
        told(*who)
    with pytest.raises(CommandError, match="number"):
        told(*who, "--reason", "415 555 0177 asked", "--yes")

    said = told(*who, "--reason", "They asked", "--yes")

    assert "Done." in said
    assert "certificate 1, " in said
    assert not Message.objects.exclude(body="").exists()
    assert told(*who, "--dry-run").splitlines() == ["consentkey: 1", "messages at Twilio: 0"]


def test_an_operator_hears_of_a_hold(house: House, maria: Contact, ada: Client) -> None:
    ada.post(f"{PAGE}hold/", WHY)
    who = ("--account", str(house.account.pk), "--address", PHONE)

    assert "waits for a legal hold" in told(*who, "--dry-run")
    with pytest.raises(CommandError, match="legal hold stands"):
        told(*who, "--reason", "They asked", "--yes")
    assert Message.objects.exclude(body="").exists()
