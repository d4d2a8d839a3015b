"""Do words that were not sent stay, for their writer alone, whatever happens around them?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import License, User
from inbox.conversations import claim_conversation
from inbox.drafts import MOST_CHARACTERS, Place, Save, forget_drafts, save_draft
from inbox.models import Attachment, Contact, Conversation, Draft, Message, Thread
from inbox.models.ids import client_id
from inbox.tasks import sweep_old_events
from tests.conftest import House
from tests.flows.test_together import Stage, stage
from tests.inbox.test_pages_list import many
from tests.inbox.test_protocol import Ear, ear

__all__ = ["Ear", "ear", "stage"]
Login = Callable[[User], Client]
LAPTOP, PHONE = "1a" * 16, "2b" * 16


class Device:
    """One browser of one person, at one conversation; its clock ticks with each save."""

    def __init__(self, client: Client, row: Conversation, name: str = LAPTOP) -> None:
        self.client, self.row, self.name = client, row, name
        self.path = f"/c/{row.public_id}/draft/"
        self.clock, self.revision = 1000, 0

    def write(self, body: str, mode: str = "reply", *, files: Any = (), **said: Any) -> Any:
        """Save what stands there now; remember the revision if it counted."""
        self.clock += 1
        told = {"device": self.name, "typed_ms": self.clock, "base": self.revision, **said}
        answer = self.client.post(self.path, {"mode": mode, "body": body, "files[]": files, **told})
        if answer.status_code == 200:
            self.revision = answer.json()["draft"]["revision"]
        return answer

    def read(self, mode: str = "reply") -> str | None:
        """Return what the server has."""
        answer = self.client.get(self.path)
        assert answer.status_code == 200
        draft = answer.json()[mode]
        return draft and draft["body"]

    def send(self, body: str, kind: str = "reply", **said: Any) -> Any:
        """Send a message that was made of the draft."""
        self.clock += 1
        ended = {"device": self.name, "typed_ms": self.clock, "base": self.revision}
        return self.client.post(
            f"/c/{self.row.public_id}/messages/",
            {
                "kind": kind,
                "body": body,
                "client_id": client_id(),
                **{f"draft-{key}": value for key, value in ended.items()},
                **said,
            },
            headers={"Accept": "application/json"},
        )


@pytest.fixture
def laptop(stage: Stage, login: Login) -> Device:
    return Device(login(stage.house.alice), stage.row)


@pytest.fixture
def phone(stage: Stage, login: Login) -> Device:
    return Device(login(stage.house.alice), stage.row, PHONE)


# --- One person, several devices -----------------------------------------------------------------


def test_what_is_written_here_stands_there(laptop: Device, phone: Device) -> None:
    assert phone.read() is None

    assert laptop.write("Dear Maria,\r\n").status_code == 200
    laptop.revision = 0
    laptop.write("ask Bob", mode="note")

    assert phone.read() == "Dear Maria,\n"
    assert phone.read("note") == "ask Bob"
    draft = phone.client.get(phone.path).json()["reply"]
    assert (draft["revision"], draft["device"], draft["files"]) == (1, LAPTOP, [])
    assert 0 <= draft["age_ms"] < 60_000


def test_an_older_save_that_comes_later_changes_nothing(laptop: Device) -> None:
    laptop.write("Dear Maria, how are")

    late = laptop.write("Dear Maria", typed_ms=1000, base=0)

    assert late.status_code == 409
    assert late.json()["draft"]["body"] == "Dear Maria, how are"
    assert laptop.read() == "Dear Maria, how are"


def test_the_same_save_again_is_saved(laptop: Device) -> None:
    laptop.write("Dear Maria")

    again = laptop.write("Dear Maria", typed_ms=laptop.clock, base=0)

    assert again.status_code == 200
    assert again.json()["draft"]["revision"] == 1


def test_another_device_learns_what_stands_before_it_writes_over_it(
    laptop: Device, phone: Device
) -> None:
    laptop.write("From the laptop")

    unaware = phone.write("From the phone")

    assert unaware.status_code == 409
    assert unaware.json()["is_saved"] is False
    stands = unaware.json()["draft"]
    assert (stands["body"], stands["device"]) == ("From the laptop", LAPTOP)
    assert phone.write("From both", base=stands["revision"]).status_code == 200
    assert laptop.read() == "From both"
    assert laptop.write("From the laptop again").status_code == 409


def test_an_empty_draft_is_none(laptop: Device) -> None:
    laptop.write("Dear Maria")
    laptop.write("  \n")

    assert laptop.read() == ""
    assert not Draft.objects.with_words().exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_devices_at_the_same_moment_one_counts_and_the_other_hears_of_it(
    stage: Stage,
) -> None:
    alice, row = stage.house.alice, stage.row
    place = Place(row.account_id, alice.pk, row.pk)
    rounds, base = 20, 0
    together = Barrier(2)

    def write(device: str, turn: int) -> tuple[bool, Draft]:
        try:
            together.wait(timeout=10)
            words = f"{device} {turn}"
            save = Save(device, turn, base)
            return save_draft(place, Draft.Mode.REPLY, body=words, save=save, now=timezone.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for turn in range(1, rounds + 1):
            both = list(pool.map(write, (LAPTOP, PHONE), (turn, turn)))
            [(_is_saved, won)] = [one for one in both if one[0]]
            [(_is_not, told)] = [one for one in both if not one[0]]
            assert (told.body, told.revision) == (won.body, won.revision)
            base = won.revision
    assert Draft.objects.get().revision == rounds


@pytest.mark.django_db(transaction=True)
def test_a_save_waits_for_nobody_who_holds_the_thread(stage: Stage) -> None:
    alice, row = stage.house.alice, stage.row
    place = Place(row.account_id, alice.pk, row.pk)

    def write() -> bool:
        try:
            save = Save(LAPTOP, 1)
            return save_draft(place, Draft.Mode.NOTE, body="Hm", save=save, now=timezone.now())[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Thread.objects.select_for_update(no_key=True).get(pk=row.thread_id)
        Conversation.objects.select_for_update(no_key=True).get(pk=row.pk)
        assert pool.submit(write).result(timeout=8)


def test_a_save_asks_little(laptop: Device, django_assert_max_num_queries: Any) -> None:
    laptop.write("Dear")

    # Session, person, entitlement, the conversation, the save, what stands.
    with django_assert_max_num_queries(6):
        laptop.write("Dear Maria")


# --- Sent ----------------------------------------------------------------------------------------


def test_a_message_ends_its_draft_and_a_late_save_does_not_bring_it_back(
    laptop: Device, phone: Device
) -> None:
    laptop.write("Dear Maria")
    under_way = laptop.clock + 1
    laptop.clock += 1

    assert laptop.send("Dear Maria, yes").status_code == 201

    assert phone.read() == ""
    late = laptop.write("Dear Maria, y", typed_ms=under_way, base=1)
    assert late.status_code == 409
    assert late.json()["draft"]["body"] == ""
    assert phone.read() == ""


def test_a_first_save_that_comes_after_its_message_is_too_late(laptop: Device) -> None:
    laptop.clock += 1
    laptop.send("Yes")

    assert laptop.write("Ye", typed_ms=1001, base=0).status_code == 409
    assert laptop.read() == ""


def test_a_note_ends_the_draft_of_a_note_only(laptop: Device) -> None:
    laptop.write("Dear Maria")
    laptop.write("ask Bob", mode="note", base=0)

    laptop.send("ask Bob", kind="note")

    assert (laptop.read(), laptop.read("note")) == ("Dear Maria", "")


def test_a_message_that_is_refused_leaves_the_draft(stage: Stage, laptop: Device) -> None:
    laptop.write("Fine, see you")
    stage.hear("Wait, something else!")

    assert laptop.send("Fine, see you", last_seen_message="1").status_code == 409

    assert laptop.read() == "Fine, see you"
    assert not Message.objects.filter(direction="out").exists()


def test_a_message_leaves_what_another_device_wrote_meanwhile(
    laptop: Device, phone: Device
) -> None:
    laptop.write("Dear Maria")
    phone.write("Quite something else", base=1)

    assert laptop.send("Dear Maria, yes").status_code == 201

    assert laptop.read() == "Quite something else"


def test_a_message_that_says_nothing_of_a_draft_makes_none(stage: Stage) -> None:
    stage.reply(stage.house.alice)

    assert not Draft.objects.exists()


# --- Who lost it, and who never had it -----------------------------------------------------------


def test_who_lost_the_conversation_keeps_their_words_and_gets_nothing_else(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    bob = Device(login(house.bob), stage.row)
    bob.write("I can do that")
    stage.do(claim_conversation, house.alice)
    assert bob.client.get(reverse("thread", kwargs={"cid": stage.row.public_id})).status_code == 404

    answer = bob.client.get(bob.path)

    assert bob.read() == "I can do that"
    assert set(answer.json()) == {"reply", "note"}
    assert "Hello" not in answer.text
    assert bob.write("I can do that tomorrow").status_code == 200
    assert bob.write("").status_code == 200
    assert bob.read() == ""
    page = bob.client.get(reverse("conversation_link", kwargs={"cid": stage.row.public_id}))
    assert (page.status_code, 'id="kept-draft"' in page.text) == (404, True)


def test_who_never_wrote_there_finds_nothing(stage: Stage, login: Login, charlie: User) -> None:
    house = stage.house
    Device(login(house.alice), stage.row).write("My own words")
    stage.do(claim_conversation, house.alice)

    for user in (house.bob, charlie):
        device = Device(login(user), stage.row)
        assert device.client.get(device.path).status_code == 404
        assert device.write("Hm").status_code == 404
    # Who supervises reads the conversation, and writes on their own.
    sue = Device(login(house.sue), stage.row)
    assert sue.read() is None
    sue.write("I see")
    assert Draft.objects.count() == 2
    assert Client().get(f"/c/{stage.row.public_id}/draft/").status_code == 302


def test_without_a_licence_ones_words_are_still_there(stage: Stage, laptop: Device) -> None:
    laptop.write("Dear Maria")
    License.objects.filter(holder=stage.house.alice).delete()

    page = laptop.client.get(reverse("conversation_link", kwargs={"cid": stage.row.public_id}))

    assert page.status_code == 403
    assert 'id="handled"' in page.text
    assert stage.row.public_id not in page.text  # its address names it, to who asked for it
    assert "Dear Maria" not in page.text
    assert laptop.read() == "Dear Maria"
    assert laptop.write("Dear Maria, wait").status_code == 200
    # Where nothing was begun there is nothing.
    Draft.objects.all().delete()
    assert laptop.client.get(laptop.path).status_code == 404


# --- What fits -----------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_words(laptop: Device) -> None:
    long = laptop.write("x" * (MOST_CHARACTERS + 1))
    many_files = laptop.write("", files=[str(i) for i in range(11)])

    assert (long.status_code, many_files.status_code) == (422, 422)
    assert "20001 characters" in long.json()["detail"]
    assert "At most 10 files" in many_files.json()["detail"]
    assert laptop.write("x" * MOST_CHARACTERS).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"mode": "promise"},
        {"device": ""},
        {"device": "<script>"},
        {"typed_ms": "soon"},
        {"typed_ms": str(2**70)},
        {"base": "-1"},
    ],
)
def test_what_cannot_be_read_is_refused(laptop: Device, said: dict[str, str]) -> None:
    answer = laptop.write("Dear Maria", **said)

    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert not Draft.objects.exists()


def test_files_stand_in_it_and_those_of_others_do_not(
    stage: Stage, login: Login, laptop: Device, phone: Device, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    bob = login(stage.house.bob)
    mine, theirs = (_upload(client, stage.row) for client in (laptop.client, bob))

    answer = laptop.write("", files=[mine, theirs])

    facts = [{"id": mine, "name": "list.txt", "size": 5, "look": "file"}]
    assert answer.json()["draft"]["files"] == facts
    assert phone.client.get(phone.path).json()["reply"]["files"] == facts
    laptop.send("Here", media_ids=mine)
    assert phone.client.get(phone.path).json()["reply"]["files"] == []


def _upload(client: Client, row: Conversation) -> str:
    file = SimpleUploadedFile("list.txt", b"bread", "text/plain")
    answer = client.post(reverse("upload", kwargs={"cid": row.public_id}), {"file": file})
    assert answer.status_code == 201
    return str(answer.json()["id"])


# --- The list ------------------------------------------------------------------------------------


def test_the_list_marks_where_i_write_and_tells_nobody_else(
    stage: Stage, login: Login, laptop: Device, phone: Device, ear: Ear
) -> None:
    url = reverse("inbox", kwargs={"slug": stage.house.inbox.slug})
    bob = login(stage.house.bob)
    assert " data-draft" not in _rows(phone.client, url)
    ear.heard()

    laptop.write("Dear Maria")

    assert ear.heard() == []
    for asked in ({}, {"q": "Hello"}):
        assert " data-draft" in _rows(phone.client, url, **asked)
        assert " data-draft" not in _rows(bob, url, **asked)
    laptop.write("")
    assert " data-draft" not in _rows(phone.client, url)


def _rows(client: Client, url: str, **asked: str) -> str:
    answer = client.get(url, asked, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'class="row' in answer.text
    return str(answer.text)


def test_the_mark_costs_the_list_no_question(
    house: House, client: Client, login: Login, django_assert_max_num_queries: Any
) -> None:
    many(house, client, 5)
    alice = login(house.alice)
    for row in Conversation.objects.all():
        Device(alice, row).write("Dear")
    url = reverse("inbox", kwargs={"slug": house.inbox.slug})
    alice.get(url)

    with django_assert_max_num_queries(5):
        assert alice.get(url).text.count(" data-draft>") == 5


# --- Gone ----------------------------------------------------------------------------------------


def test_what_nobody_touched_for_thirty_days_goes(laptop: Device) -> None:
    laptop.write("Dear Maria")
    now = timezone.now()

    assert forget_drafts(now=now + timedelta(days=29)) == 0
    sweep_old_events()
    assert laptop.read() == "Dear Maria"
    assert forget_drafts(now=now + timedelta(days=31)) == 1
    assert laptop.read() is None


def test_nothing_is_kept_about_who_was_erased(laptop: Device, phone: Device) -> None:
    laptop.write("Dear Maria")
    Contact.objects.update(erased_at=timezone.now())

    answer = laptop.write("Dear Maria, are you")

    assert answer.status_code == 422
    assert "erased" in answer.json()["detail"]
    assert laptop.write("").status_code == 200
    assert phone.read() == ""


def test_with_their_writer_drafts_go(stage: Stage, login: Login) -> None:
    row = stage.row
    passing = User.objects.create(email="passing@example.com", name="P", account=row.account)
    place = Place(row.account_id, passing.pk, row.pk)
    save_draft(place, Draft.Mode.NOTE, body="Hm", save=Save(LAPTOP, 1), now=stage.now)

    passing.delete()

    assert not Draft.objects.exists()
    assert Attachment.objects.count() == 0
