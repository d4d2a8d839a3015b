"""Do two contacts become one, and two again, with nothing lost and no consent won?"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.models import Consent, ConsentState
from inbox.cards import Editor, block_contact
from inbox.merging import merge_contacts, undo_merge
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    CrmAnswer,
    LegalHold,
    MergeLog,
    Thread,
)
from inbox.refusals import ChangedMeanwhileError, MissingInputError, NotAllowedError
from routing.crm_fields import Field
from routing.lookups import Wanted, add_connector
from tests.conftest import NOW, House
from tests.twilio import text_in

MARIA, WORK = "+12125550101", "+12125550102"


@pytest.fixture
def pair(house: House, client: Client) -> tuple[Contact, Contact]:
    """Maria, who wrote from two numbers and is two contacts."""
    first = text_in(client, house.sender, MARIA, "Hello")
    second = text_in(client, house.sender, WORK, "It is me")
    assert first.conversation
    assert second.conversation
    Contact.objects.filter(pk=first.conversation.contact_id).update(
        name="Maria", tags=["vip"], attributes={"tier": "gold"}, notes="Tea"
    )
    Contact.objects.filter(pk=second.conversation.contact_id).update(
        name="M. Diaz", language="es", owner=house.bob, tags=["VIP", "new"],
        attributes={"Tier": "silver", "city": "Wien"}, notes="Coffee",
    )  # fmt: skip
    kept, absorbed = Contact.objects.order_by("pk")
    return kept, absorbed


def editor(house: House, user: User | None = None) -> Editor:
    user = user or house.alice
    return Editor(house.viewer(user), user, NOW)


def everything() -> dict[str, Any]:
    """Return all that a merge may move or change."""
    cards = ("name", "profile_name", "language", "owner", "tags", "attributes", "notes")
    return {
        "cards": list(Contact.objects.order_by("pk").values_list("pk", *cards, "is_blocked")),
        "addresses": list(ContactAddress.objects.order_by("pk").values_list("pk", "contact")),
        "threads": list(Thread.objects.order_by("pk").values_list("pk", "contact")),
        "talks": list(Conversation.objects.order_by("pk").values_list("pk", "contact")),
        "holds": list(LegalHold.objects.order_by("pk").values_list("pk", "contact")),
        "answers": list(CrmAnswer.objects.values_list("contact", "facts", "answered_at")),
        "consents": list(Consent.objects.order_by("pk").values_list("address", "state")),
    }


def test_two_become_one_and_two_again_exactly(house: House, pair: tuple[Contact, Contact]) -> None:
    kept, absorbed = pair
    wanted = Wanted("Hub", "json", (Field("tier", "tier"),), url="https://crm.example.com/")
    crm = add_connector(account=house.account, wanted=wanted, by=house.sue, now=NOW)
    CrmAnswer.objects.create(
        account=house.account, contact=absorbed, connector=crm, question="x",
        facts={"tier": "gold"}, answered_at=NOW,
    )  # fmt: skip
    before = everything()

    log = merge_contacts(kept, absorbed, editor(house))

    one = Contact.objects.get(pk=kept.pk)
    assert (one.name, one.language, one.owner) == ("Maria", "es", house.bob)
    assert (one.tags, one.attributes) == (["vip", "new"], {"tier": "gold", "city": "Wien"})
    assert one.notes == "Tea\n\nCoffee"
    for model in (ContactAddress, Thread, Conversation):
        assert set(model.objects.values_list("contact", flat=True)) == {kept.pk}
    assert everything()["consents"] == before["consents"]

    undone = undo_merge(log, editor(house))

    assert undone.left == []
    assert everything() == before
    told = AuditEntry.objects.filter(action__in=["contacts_merged", "merge_undone"])
    assert [line.data["merge"] for line in told] == [log.public_id] * 2
    assert "Maria" not in str([(line.subject, line.data) for line in told])


def test_what_changed_since_stays_and_is_told(
    house: House, client: Client, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    log = merge_contacts(kept, absorbed, editor(house))
    Contact.objects.filter(pk=kept.pk).update(notes="Tea, not coffee")
    text_in(client, house.sender, WORK, "More, since")

    undone = undo_merge(log, editor(house))

    assert undone.left == ["“Notes” was changed since: it stays as it is."]
    assert Contact.objects.get(pk=kept.pk).notes == "Tea, not coffee"
    assert Contact.objects.get(pk=absorbed.pk).notes == "Coffee"
    # What was written since belongs to the number that it came from.
    thread = Thread.objects.get(contact=absorbed)
    assert thread.last_seq == 2
    assert set(thread.conversations.values_list("contact", flat=True)) == {absorbed.pk}


def test_names_of_one_whatsapp_account_are_not_parted(
    house: House, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    log = merge_contacts(kept, absorbed, editor(house))
    first, second = ContactAddress.objects.order_by("pk")
    ContactAddress.objects.filter(pk=second.pk).update(alias_of=first)

    undone = undo_merge(log, editor(house))

    assert len(undone.left) == 1
    assert "••• ••02" in undone.left[0]
    assert set(ContactAddress.objects.values_list("contact", flat=True)) == {kept.pk}


def test_an_opt_out_stays_with_its_number_and_nobody_is_opted_in(
    house: House, client: Client, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    text_in(client, house.sender, WORK, "STOP")
    before = everything()["consents"]

    log = merge_contacts(kept, absorbed, editor(house))
    assert everything()["consents"] == before
    undo_merge(log, editor(house))

    assert everything()["consents"] == before
    state = Consent.objects.get(address__contains=WORK).state
    assert state == ConsentState.OPTED_OUT


def test_blocked_stays_blocked(house: House, pair: tuple[Contact, Contact]) -> None:
    kept, absorbed = pair
    block_contact(absorbed, "spam", editor(house))

    log = merge_contacts(kept, absorbed, editor(house))
    assert Contact.objects.get(pk=kept.pk).is_blocked
    undo_merge(log, editor(house))

    blocked = dict(Contact.objects.values_list("pk", "is_blocked"))
    assert blocked == {kept.pk: False, absorbed.pk: True}


def test_what_may_not_be_merged(house: House, charlie: User, pair: tuple[Contact, Contact]) -> None:
    kept, absorbed = pair
    assert charlie.account is not None
    theirs = Contact.objects.create(account=charlie.account, name="Theirs")

    with pytest.raises(MissingInputError):
        merge_contacts(kept, kept, editor(house))
    with pytest.raises(NotAllowedError):
        merge_contacts(kept, theirs, editor(house))
    with pytest.raises(NotAllowedError):
        merge_contacts(kept, absorbed, Editor(house.viewer(charlie), charlie, NOW))
    Contact.objects.filter(pk=absorbed.pk).update(erased_at=NOW)
    with pytest.raises(NotAllowedError):
        merge_contacts(kept, absorbed, editor(house))
    assert not MergeLog.objects.exists()


def test_undone_once_and_the_last_first(
    house: House, client: Client, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    third = text_in(client, house.sender, "+12125550103", "Third").conversation
    assert third
    first = merge_contacts(kept, absorbed, editor(house))
    second = merge_contacts(third.contact, kept, editor(house))

    with pytest.raises((ChangedMeanwhileError, NotAllowedError)):
        undo_merge(first, editor(house))
    undo_merge(second, editor(house))
    undo_merge(first, editor(house))
    with pytest.raises(ChangedMeanwhileError):
        undo_merge(first, editor(house))
    assert Contact.objects.filter(conversations__isnull=False).distinct().count() == 3


def test_the_pages_show_what_becomes_of_both(
    house: House, login: Any, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    browser = login(house.alice)
    place = f"/contacts/{kept.public_id}/merge/"

    assert "Diaz" in browser.get(place, {"q": "Diaz"}).content.decode()
    told = browser.get(place, {"other": absorbed.public_id}).content.decode()
    for words in ("vip, new", "Tea\n\nCoffee", "+1 212-555-0102", "Consent stays"):
        assert words in told
    assert browser.get(place, {"other": kept.public_id}).status_code == 302
    done = browser.post(place, {"other": absorbed.public_id}, follow=True).content.decode()
    assert "Undo the merge" in done
    assert browser.get(f"/contacts/{absorbed.public_id}/").status_code == 302
    log = MergeLog.objects.get()
    browser.post(f"/merges/{log.public_id}/undo/")
    assert browser.get(f"/contacts/{absorbed.public_id}/").status_code == 200


def test_nobody_else_merges_or_undoes(
    house: House, login: Any, charlie: User, pair: tuple[Contact, Contact]
) -> None:
    kept, absorbed = pair
    log = merge_contacts(kept, absorbed, editor(house))
    browser = login(charlie)

    for path in (f"/contacts/{kept.public_id}/merge/", f"/merges/{log.public_id}/undo/"):
        assert browser.post(path, {"other": absorbed.public_id}).status_code == 404
    log.refresh_from_db()
    assert log.undone_at is None


@pytest.mark.django_db(transaction=True)
def test_messages_that_come_during_a_merge_are_all_with_one_contact(
    house: House, client: Client
) -> None:
    """Real threads: two numbers write, from old threads and new ones, while they are merged."""
    for number in (MARIA, WORK):
        text_in(client, house.sender, number, "Hello")
    kept, absorbed = Contact.objects.order_by("pk")
    by, start = editor(house), threading.Barrier(5)
    problems: list[BaseException] = []

    def run(deed: Any) -> None:
        start.wait(timeout=10)
        try:
            deed()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    def write(number: str) -> None:
        for n in range(6):
            text_in(Client(), house.sender, number, f"Word {n}")

    deeds = [
        lambda: merge_contacts(kept, absorbed, by),
        lambda: write(MARIA),
        lambda: write(WORK),
        lambda: write(WORK),
        lambda: write(MARIA),
    ]
    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert problems == []
    assert set(Conversation.objects.values_list("contact", flat=True)) == {kept.pk}
    assert set(Thread.objects.values_list("contact", flat=True)) == {kept.pk}
    assert sorted(Thread.objects.values_list("last_seq", flat=True)) == [13, 13]
