"""Does a prepared query find what the ORM finds, with whatever it is given?"""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, TwilioAccount, User
from accounts.prepared import Prepared, insert_row, write_fields
from tests.conftest import NOW, House
from tests.factories import AUTH_TOKEN


def members(team: object, name: object) -> QuerySet[Membership]:
    """Ask with a join, a constant, a comparison and an order."""
    return (
        Membership.objects.select_related("user", "team__account")
        .filter(Q(team=team) & Q(user__name__gte=name), user__is_active=True)
        .order_by("user__name")
    )


def test_it_finds_the_same_rows_each_time_it_is_asked(house: House) -> None:
    prepared = Prepared(members)

    for name in ("", "Bob", "Sue", "Zoe"):
        found = prepared.all(team=house.inbox.pk, name=name)

        assert found == list(members(house.inbox.pk, name))
    assert prepared.first(team=-1, name="") is None


def test_what_comes_along_needs_no_further_query(house: House) -> None:
    [first, *_] = Prepared(members).all(team=house.inbox.pk, name="")

    with CaptureQueriesContext(connection) as captured:
        assert first.user.name == "Alice"
        assert first.team.account == house.account
    assert not captured.captured_queries


def test_values_are_converted_as_by_the_orm(house: House) -> None:
    tokens = Prepared(lambda account: TwilioAccount.objects.filter(account=account))

    assert [twilio.auth_token for twilio in tokens.all(account=house.account.pk)] == [AUTH_TOKEN]


def test_plain_values_come_as_plain_values(house: House) -> None:
    names = Prepared(
        lambda account: (
            User.objects.filter(account=account).order_by("name").values_list("name", flat=True)
        )
    )

    assert names.all(account=house.account.pk) == ["Alice", "Bob", "Sue"]


def test_constants_may_hold_anything(house: House) -> None:
    User.objects.filter(pk=house.bob.pk).update(name="100 % '?%s")
    odd = Prepared(lambda team: Membership.objects.filter(team=team, user__name="100 % '?%s"))

    assert [found.user_id for found in odd.all(team=house.inbox.pk)] == [house.bob.pk]


def test_it_counts_as_a_query_like_any_other(house: House) -> None:
    prepared = Prepared(members)

    with CaptureQueriesContext(connection) as captured:
        prepared.all(team=house.inbox.pk, name="")
        prepared.all(team=house.inbox.pk, name="Bob")
    assert len(captured) == 2
    assert all('FROM "accounts_membership"' in query["sql"] for query in captured)


def test_fields_are_written_and_no_others(house: House) -> None:
    house.alice.name, house.alice.email = "Alice A.", "elsewhere@example.com"

    write_fields(house.alice, "name", "availability")

    kept = User.objects.get(pk=house.alice.pk)
    assert (kept.name, kept.email) != ("Alice A.", "elsewhere@example.com")
    assert kept.name == "Alice A."


def test_a_whole_row_is_written(house: House) -> None:
    twilio = house.sender.twilio_account
    twilio.auth_token, twilio.shared_key_sid = "a new one", "KEY"

    write_fields(twilio)

    kept = TwilioAccount.objects.get(pk=twilio.pk)
    assert (kept.auth_token, kept.shared_key_sid) == ("a new one", "KEY")
    assert kept.account_sid == twilio.account_sid


def test_a_row_that_is_gone_is_not_written_silently(house: House) -> None:
    gone = Membership.objects.get(user=house.bob)
    Membership.objects.filter(pk=gone.pk).delete()

    with pytest.raises(LookupError):
        write_fields(gone, "role")


def test_a_new_row_is_found_as_it_was_made(house: House) -> None:
    user = User(email="new@example.com", name="New", account=house.account)
    user.date_joined = NOW

    insert_row(user)

    assert User.objects.get(email="new@example.com") == user
    user.name = "Newer"
    user.save()
    assert User.objects.get(pk=user.pk).name == "Newer"


def test_a_second_row_breaks_the_constraint_as_ever(house: House) -> None:
    twin = User(email=house.bob.email, name="Twin", account=house.account)
    twin.date_joined = NOW

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_row(twin)


@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction() -> None:
    locked = Prepared(lambda pk: User.objects.select_for_update().filter(pk=pk))

    with transaction.atomic():
        assert locked.first(pk=1) is None
    with pytest.raises(TransactionManagementError):
        locked.first(pk=1)
