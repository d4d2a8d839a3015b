"""What is known of a contact: does it survive joining, and what machines say of it?"""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from inbox.contacts import apply_attributes, join_contacts
from inbox.models import Contact
from tests.conftest import NOW, House

pytestmark = pytest.mark.django_db


def contact_of(house: House, **fields: object) -> Contact:
    return Contact.objects.create(account=house.account, **fields)


# --- Two contacts become one ---


def test_joined_contacts_unite_tags_and_attributes(house: House) -> None:
    keep = contact_of(house, name="Zoë", tags=["VIP", "old"], attributes={"Tier": "gold", "n": 1})
    absorb = contact_of(
        house, name="Zoe", tags=["vip", "new"], attributes={"tier": "silver", "city": "Wien"}
    )

    join_contacts(keep=keep, absorb=absorb)

    row = Contact.objects.get(pk=keep.pk)
    assert row.tags == ["VIP", "old", "new"]
    assert row.attributes == {"Tier": "gold", "n": 1, "city": "Wien"}
    assert row.name == "Zoë"


def test_joining_never_has_too_many(house: House) -> None:
    keep = contact_of(house, tags=[f"k{n}" for n in range(19)])
    absorb = contact_of(house, tags=[f"a{n}" for n in range(20)])

    join_contacts(keep=keep, absorb=absorb)

    assert Contact.objects.get(pk=keep.pk).tags == [*(f"k{n}" for n in range(19)), "a0"]


def test_joining_loses_nothing_that_was_written_meanwhile(house: House) -> None:
    keep, absorb = contact_of(house, tags=["a"]), contact_of(house, tags=["b"])
    Contact.objects.filter(pk=keep.pk).update(tags=["a", "meanwhile"])
    Contact.objects.filter(pk=absorb.pk).update(attributes={"tier": "gold"})

    join_contacts(keep=keep, absorb=absorb)

    row = Contact.objects.get(pk=keep.pk)
    assert (row.tags, row.attributes) == (["a", "meanwhile", "b"], {"tier": "gold"})


# --- A machine knows something ---


def test_what_a_machine_knows_is_kept_and_noted_without_values(house: House) -> None:
    contact = contact_of(house, attributes={"tier": "gold", "old": "x"})

    with transaction.atomic():
        found = apply_attributes(
            contact,
            {"Tier": "platinum", "old": None, "seats": 7, "a.b": 1, "deep": {}},
            source="Data Action CRM",
            now=NOW,
        )

    assert found.changed == ("tier", "old", "seats")
    assert [words.partition(":")[0] for words in found.left_out] == ["“a.b”", "“deep”"]
    assert Contact.objects.get().attributes == {"tier": "platinum", "seats": 7}
    assert contact.attributes == {"tier": "platinum", "seats": 7}
    [line] = AuditEntry.objects.filter(action="contact_attributes_set")
    assert (line.actor_label, line.account_id, line.at) == (
        "Data Action CRM",
        house.account.pk,
        NOW,
    )
    assert line.data == {"attributes": ["tier", "old", "seats"]}


def test_what_is_known_already_is_no_news(house: House) -> None:
    contact = contact_of(house, attributes={"codes": ["a"], "n": 1})

    with transaction.atomic():
        found = apply_attributes(
            contact, {"codes": ("a",), "n": 1}, source="CRM", now=NOW + timedelta(1)
        )

    assert found.changed == ()
    assert not AuditEntry.objects.exists()


def test_what_somebody_wrote_meanwhile_stays(house: House) -> None:
    contact = contact_of(house)
    Contact.objects.filter(pk=contact.pk).update(attributes={"mine": True})

    with transaction.atomic():
        apply_attributes(contact, {"theirs": "x"}, source="CRM", now=NOW)

    assert Contact.objects.get().attributes == {"mine": True, "theirs": "x"}
