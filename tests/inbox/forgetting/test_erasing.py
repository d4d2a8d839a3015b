"""Is a person who is erased forgotten everywhere, while nobody may write to them again?

Shown by what PostgreSQL's own pg_dump writes of every table, what lies on the disk, and what Redis
holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.db import connection, connections
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.addresses import parse_address
from compliance.consent import consent_of
from compliance.evidence import EventKind
from compliance.gate import Reason
from compliance.models import ConsentEvent, Suppression
from compliance.verifying import verify_account
from inbox.forgetting.certificates import first_bad
from inbox.forgetting.erasing import ask_erasure, erase_next, outlook
from inbox.forgetting.holds import lift_hold, set_hold
from inbox.forgetting.remote import delete_next, try_again
from inbox.models import (
    Attachment,
    Contact,
    Conversation,
    ConversationEvent,
    Draft,
    Erasure,
    ForgettingCertificate,
    Message,
    Receipt,
    RemoteDeletion,
)
from inbox.receiving import process
from inbox.setup.persons import Person, find_person, person_of
from inbox.setup.refusals import SetUpError
from inbox.status_urls import status_url
from tests.carrier import Twilio
from tests.compliance.ledgers import tell
from tests.conftest import House
from tests.factories import make_user
from tests.inbox.forgetting.people import (
    NUMBERS,
    PHONE,
    WORDS,
    dump,
    files_on_disk,
    found_in,
    leave_traces,
)
from tests.twilio import inbound_form, post_signed, text_in

NOW = datetime.fromisoformat("2027-03-01T12:00:00+00:00")
MIN = timedelta(minutes=1)
WHY = "They asked us to, by letter"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def maria(
    house: House, client: Client, ada: User, twilio: Twilio, settings: Any, tmp_path: Path
) -> Contact:
    settings.MEDIA_ROOT = str(tmp_path)
    twilio.knows(house.sender)
    contact = leave_traces(client, house, ada, NOW)
    tell(house.account, EventKind.OPT_OUT, parse_address(PHONE), at=NOW)
    return contact


def the(contact: Contact) -> Person:
    person = person_of(contact.account, contact.public_id)
    assert person is not None
    return person


def erase(contact: Contact, by: User, *, at: datetime = NOW) -> Erasure:
    row = ask_erasure(person=the(contact), reason=WHY, by=by, now=at)
    finish(at)
    row.refresh_from_db()
    return row


def finish(at: datetime) -> None:
    """Let the workers do all that is due, and Twilio answer."""
    for _again in range(60):
        if not (erase_next(now=at) or delete_next(now=at)):
            return
    raise AssertionError("an erasure never ends")


def test_everything_is_there_before(maria: Contact, tmp_path: Path) -> None:
    found = found_in(dump())

    assert set(WORDS) - found <= {"zanzibar-content", "SG.ZANZIBAR", "zanzibar-hold"}
    assert "14155550177" in found
    assert files_on_disk(tmp_path)


def test_a_dump_after_an_erasure_holds_neither_number_nor_words(
    maria: Contact, ada: User, tmp_path: Path
) -> None:
    row = erase(maria, ada)

    assert row.state == Erasure.State.DONE
    assert found_in(dump()) == set()
    assert files_on_disk(tmp_path) == []


def test_redis_holds_nothing_of_them(maria: Contact, ada: User) -> None:
    erase(maria, ada)

    store = redis.Redis.from_url(django_settings.REDIS_URL)
    for key in store.scan_iter(count=1000):
        if b"__group__" in key:
            continue  # frames on their way to browsers, gone after a minute
        held = key.decode(errors="replace") + repr(store.dump(key))
        assert not {one for one in (*NUMBERS, *WORDS) if one in held}


def test_the_skeleton_stays_and_the_ledger_verifies(maria: Contact, ada: User) -> None:
    before = list(Message.objects.order_by("pk").values_list("pk", "seq", "status", "direction"))
    events = ConsentEvent.objects.count()

    erase(maria, ada)

    after = list(Message.objects.order_by("pk").values_list("pk", "seq", "status", "direction"))
    assert after == before
    assert Conversation.objects.get().status == "closed"
    assert ConsentEvent.objects.count() == events + 1
    assert verify_account(maria.account_id).broken is None
    assert {message.forgotten_for for message in Message.objects.all()} == {"erasure"}
    assert {file.state for file in Attachment.objects.all()} == {"gone"}
    assert set(Receipt.objects.values_list("form", flat=True).distinct()) in (set(), {b""})


def test_who_was_opted_out_comes_back_as_somebody_else_and_is_still_opted_out(
    maria: Contact, ada: User, house: House, client: Client
) -> None:
    erase(maria, ada)
    assert Suppression.objects.count() == 1

    message = text_in(client, house.sender, PHONE, "Hello again")

    assert message.thread.contact_id != maria.pk
    assert Message.objects.filter(thread=message.thread, direction="in").count() == 1
    person = find_person(house.account, PHONE)
    assert person.contact == message.thread.contact
    consent = consent_of(house.account.pk, parse_address(PHONE))
    assert consent is not None
    assert consent.state == "opted_out"


def test_what_waited_is_cancelled_and_says_why(maria: Contact, ada: User) -> None:
    queued = Message.objects.filter(direction="out").earliest("pk")
    Message.objects.filter(pk=queued.pk).update(status="queued", provider_sid=None)

    erase(maria, ada)

    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == ("canceled", Reason.CONTACT_ERASED.value)


# --- What is on its way in ------------------------------------------------------------------------


def untold(house: House, *, at: datetime, body: str = "zanzibar-body", **more: Any) -> Receipt:
    """Keep what Maria wrote just before, of which no process has told the story yet."""
    form = inbound_form(house.sender, PHONE, body)
    return Receipt.objects.create(
        account=house.account,
        twilio_account=house.sender.twilio_account,
        sender=house.sender,
        account_sid=form["AccountSid"],
        message_sid=form["MessageSid"],
        kind="inbound",
        form=urlencode(form).encode(),
        received_at=at,
        next_attempt_at=at,
        **more,
    )


def test_what_came_before_is_taken_in_first_and_erased_with_them(
    maria: Contact, ada: User, house: House
) -> None:
    receipt, contacts = untold(house, at=NOW - MIN), Contact.objects.count()
    row = erase(maria, ada)
    assert row.state == Erasure.State.ASKED

    assert process(receipt.pk, now=NOW)
    finish(NOW + MIN)

    row.refresh_from_db()
    assert row.state == Erasure.State.DONE
    assert found_in(dump()) == set()
    message = Message.objects.get(provider_sid=receipt.message_sid)
    assert (message.thread.contact_id, message.body) == (maria.pk, "")
    assert Contact.objects.count() == contacts


def test_what_nobody_could_take_in_goes_with_them_unread(
    maria: Contact, ada: User, house: House
) -> None:
    receipt = untold(house, at=NOW - MIN, state="failed", attempts=3, problem="KeyError")
    row = erase(maria, ada)
    assert row.state == Erasure.State.ASKED

    finish(NOW + 15 * MIN)

    row.refresh_from_db()
    assert row.state == Erasure.State.DONE
    assert found_in(dump()) == set()
    receipt.refresh_from_db()
    assert (receipt.state, bytes(receipt.form)) == ("done", b"")
    assert not process(receipt.pk, now=NOW + 16 * MIN) or not Message.objects.filter(
        provider_sid=receipt.message_sid
    )


def test_what_another_process_has_in_hand_is_waited_for(
    maria: Contact, ada: User, house: House
) -> None:
    """It waits for the thread that the erasure would lock: neither waits for the other."""
    receipt = untold(house, at=NOW - 60 * MIN, state="failed")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM inbox_receipt WHERE id = %s FOR UPDATE", [receipt.pk])
            assert erase(maria, ada).state == Erasure.State.ASKED
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    finish(NOW + MIN)

    assert Erasure.objects.get().state == Erasure.State.DONE


def test_what_comes_afterwards_is_somebody_new_of_whom_nothing_is_lost(
    maria: Contact, ada: User, house: House
) -> None:
    ask_erasure(person=the(maria), reason=WHY, by=ada, now=NOW)
    assert erase_next(now=NOW)
    receipt = untold(house, at=NOW + MIN, body="Hello again")
    finish(NOW + MIN)

    assert process(receipt.pk, now=NOW + MIN)

    message = Message.objects.get(provider_sid=receipt.message_sid)
    assert (message.body, message.thread.contact_id == maria.pk) == ("Hello again", False)
    assert Erasure.objects.get().state == Erasure.State.DONE


def test_twilio_deletes_messages_and_files(
    maria: Contact, ada: User, house: House, twilio: Twilio, client: Client
) -> None:
    twilio.tell(
        "inbound",
        **{"from": PHONE, "to": house.sender.address, "body": "zanzibar-body"},
        media=[{"content_type": "image/png", "data_base64": "aGFsbG8="}],
    )
    form = twilio.ask("requests?kind=webhook")["requests"][-1]["params"]
    url = f"/hooks/twilio/{house.sender.path_token}"
    post_signed(client, url, form, house.sender.twilio_account.auth_token)
    store = twilio.simulator.parts.store
    assert form["MessageSid"] in store.messages
    assert store.media

    erase(maria, ada)

    assert form["MessageSid"] not in store.messages
    assert not store.media
    deletion = RemoteDeletion.objects.get(message_sid=form["MessageSid"])
    assert (deletion.state, deletion.files) == ("done", 1)
    # What Twilio never had, or has no more, is done as well.
    assert set(RemoteDeletion.objects.values_list("state", flat=True)) == {"done"}


def test_a_twilio_that_is_away_holds_nothing_up_and_is_asked_again(
    maria: Contact, ada: User, twilio: Twilio
) -> None:
    twilio.server.shutdown()
    twilio.server.server_close()

    row = erase(maria, ada)

    assert row.state == Erasure.State.OUTSIDE
    assert found_in(dump()) == set()
    assert row.certificate is not None
    owed = RemoteDeletion.objects.filter(state="owed")
    assert owed.count() == 3
    assert all(one.problem for one in owed)

    at = NOW
    for _attempt in range(20):
        at += timedelta(hours=7)
        finish(at)
    assert set(RemoteDeletion.objects.values_list("state", flat=True)) == {"failed"}
    row.refresh_from_db()
    assert (row.state, row.next_at) == (Erasure.State.OUTSIDE, None)

    assert try_again(row, now=at) == 3
    assert RemoteDeletion.objects.filter(state="owed", attempts=0).count() == 3


def test_a_hold_makes_an_erasure_wait_and_lifting_it_lets_it_go_on(
    maria: Contact, ada: User
) -> None:
    hold = set_hold(account=maria.account, contact=maria, reason="zanzibar-hold", by=ada, now=NOW)

    row = erase(maria, ada)

    assert row.state == Erasure.State.HELD
    assert "zanzibar-name" in found_in(dump())
    lift_hold(hold=hold, reason="It is over", by=ada, now=NOW + MIN)
    finish(NOW + MIN)
    row.refresh_from_db()
    assert row.state == Erasure.State.DONE
    # What was typed as the reason of a hold is a line of the audit log, which nobody changes.
    assert found_in(dump()) <= {"zanzibar-hold"}


@pytest.mark.parametrize("scope", ["account", "conversation", "handle"])
def test_every_kind_of_hold_keeps_a_person(maria: Contact, ada: User, scope: str) -> None:
    scopes: dict[str, Any] = {
        "account": {},
        "conversation": {"conversation": Conversation.objects.get()},
        "handle": {"handle": the(maria).handles[0]},
    }
    set_hold(account=maria.account, reason="A case", by=ada, now=NOW, **scopes[scope])

    assert erase(maria, ada).state == Erasure.State.HELD


def test_a_hold_that_came_after_the_asking_still_wins(maria: Contact, ada: User) -> None:
    row = ask_erasure(person=the(maria), reason=WHY, by=ada, now=NOW)
    set_hold(account=maria.account, contact=maria, reason="A case", by=ada, now=NOW)

    finish(NOW)

    row.refresh_from_db()
    assert row.state == Erasure.State.HELD


def test_whoever_is_stopped_is_followed_by_who_goes_on(maria: Contact, ada: User) -> None:
    row = ask_erasure(person=the(maria), reason=WHY, by=ada, now=NOW)
    erase_next(now=NOW)
    erase_next(now=NOW)
    row.refresh_from_db()
    # A process dies in the middle of a step: it is done once more.
    Erasure.objects.filter(pk=row.pk).update(step=0, next_at=NOW)

    finish(NOW)

    row.refresh_from_db()
    assert row.state == Erasure.State.DONE
    assert found_in(dump()) == set()


def test_a_certificate_counts_and_names_nobody(maria: Contact, ada: User) -> None:
    foreseen = outlook(the(maria))

    row = erase(maria, ada)

    here, outside = ForgettingCertificate.objects.order_by("number")
    assert row.certificate == here
    assert here.document["counts"]["message"] == foreseen.counts["message"]
    assert here.document["counts"]["crmrow"] == 1
    assert outside.document["counts"]["twilio_messages"] == foreseen.at_twilio
    assert first_bad(maria.account_id) is None
    text = str(here.document) + str(outside.document)
    assert not found_in(text)
    assert maria.public_id not in text


def test_a_changed_certificate_is_found(maria: Contact, ada: User) -> None:
    erase(maria, ada)
    table = "inbox_forgettingcertificate"
    ledger: Any = ForgettingCertificate
    trigger = ledger._meta.triggers[0].get_pgid(ledger)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        cursor.execute(
            "UPDATE inbox_forgettingcertificate SET document ="
            " jsonb_set(document, '{counts,message}', '1') WHERE number = 1"
        )
        cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")

    assert first_bad(maria.account_id) == 1


@pytest.mark.parametrize("typed", ["", "  ", "x" * 501, f"Erase {PHONE}", "Erase (415) 555-0177"])
def test_a_reason_is_needed_and_names_nobody(maria: Contact, ada: User, typed: str) -> None:
    with pytest.raises(SetUpError):
        ask_erasure(person=the(maria), reason=typed, by=ada, now=NOW)

    assert not Erasure.objects.exists()


def test_two_who_ask_at_once_ask_once(maria: Contact, ada: User) -> None:
    ask_erasure(person=the(maria), reason=WHY, by=ada, now=NOW)

    with pytest.raises(SetUpError, match="under way"):
        ask_erasure(person=the(maria), reason=WHY, by=ada, now=NOW)


def test_a_callback_that_comes_later_is_not_kept(
    maria: Contact, ada: User, house: House, client: Client
) -> None:
    sent = Message.objects.get(provider_sid=f"SM{'8' * 32}")
    Message.objects.filter(pk=sent.pk).update(status="sent")
    erase(maria, ada)

    form = {
        "MessageSid": f"SM{'8' * 32}",
        "AccountSid": house.sender.twilio_account.account_sid,
        "MessageStatus": "delivered",
        "From": house.sender.address,
        "To": PHONE,
    }
    url = status_url(house.sender, sent)
    post_signed(client, url, form, house.sender.twilio_account.auth_token)

    sent.refresh_from_db()
    assert sent.status == "delivered"
    assert found_in(dump()) == set()


def test_colleagues_timeline_says_what_happened_and_not_what_was_typed(
    maria: Contact, ada: User
) -> None:
    erase(maria, ada)

    [line] = ConversationEvent.objects.filter(verb="transferred")
    assert line.data["to"] == "Bob"
    assert line.data["note"] == ""


def test_what_still_names_them_is_counted_and_told(maria: Contact, ada: User) -> None:
    AuditEntry.objects.create(
        actor_label="x", account=maria.account, action="x", subject="x", data={"n": PHONE}, at=NOW
    )

    erase(maria, ada)

    [here] = ForgettingCertificate.objects.filter(number=1)
    assert "1 lines of the audit log name their number" in here.document["stays"]


def test_a_file_put_to_a_draft_goes_with_it(
    maria: Contact, ada: User, house: House, tmp_path: Path
) -> None:
    file = Attachment(account=house.account, uploaded_by=house.bob, name="zanzibar-upload.txt")
    file.file.save("u.bin", ContentFile(b"zanzibar-content"), save=False)
    file.save()
    Draft.objects.update(files=[file.public_id])

    row = erase(maria, ada)

    assert row.counts["draft"] == 1
    assert not Draft.objects.exists()
    assert "zanzibar-upload" not in dump()
    assert files_on_disk(tmp_path) == []
