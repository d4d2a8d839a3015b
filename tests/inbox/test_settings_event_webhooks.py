"""Can an account's admin have programs told what happens, try it, and see what they were told?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import AuditEntry, User
from inbox.event_webhooks.owing import owe_next
from inbox.event_webhooks.telling import tell_next
from inbox.models import EventDelivery, EventWebhook
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_user
from tests.outside import Outside, outside, says
from tests.twilio import text_in

pytestmark = pytest.mark.django_db
HERE = "/settings/event-webhooks/"
MARIA = "+14155550177"


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets hosts of this machine be told; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]


@pytest.fixture
def host() -> Iterator[Outside]:
    with outside(says()) as one:
        yield one


@pytest.fixture
def admin(house: House, login: Any) -> Client:
    browser: Client = login(
        make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    )
    return browser


def make(admin: Client, host: Outside, **more: Any) -> Any:
    asked = {"name": "Warehouse", "url": f"{host.url}/in", "kinds": ["message.received"], **more}
    return admin.post(f"{HERE}new/", asked)


def secret_on(page: Any) -> str:
    found = re.search(r'id="secret-once" value="(whsec_[^"]+)"', page.content.decode())
    assert found is not None
    return found[1]


def tell_all() -> None:
    while owe_next(now=timezone.now()):
        pass
    while tell_next(now=timezone.now()):
        pass


def test_it_is_made_tried_and_its_secret_is_shown_once(
    house: House, admin: Client, host: Outside
) -> None:
    page = make(admin, host)
    row = EventWebhook.objects.get()
    secret = secret_on(page)
    tried = admin.post(f"{HERE}{row.pk}/", {"do": "try"}, follow=True)

    assert "It took the test event (200" in tried.content.decode()
    said = Webhook(secret).verify(host.asked[0].body.decode(), host.asked[0].headers)
    assert (said["type"], said["account"]) == ("test", house.account.pk)
    for path in (HERE, f"{HERE}{row.pk}/", "/settings/audit/"):
        assert secret not in admin.get(path).content.decode()
    assert "no-store" in page["Cache-Control"]


def test_what_it_was_told_is_listed_and_told_again(
    house: House, admin: Client, client: Client, host: Outside
) -> None:
    make(admin, host)
    text_in(client, house.sender, MARIA, "Hello there")
    tell_all()
    delivery = EventDelivery.objects.get()
    path = f"{HERE}{delivery.webhook_id}/"
    page = admin.get(path).content.decode()
    again = admin.post(f"{path}again/", {"delivery": delivery.pk}, follow=True)
    tell_all()

    assert "A customer wrote" in page
    assert "Told" in page
    assert "Hello there" not in page
    assert MARIA not in page
    assert "1 event is told again." in again.content.decode()
    assert [one.headers["webhook-id"] for one in host.asked] == [delivery.event_id] * 2
    failed = admin.get(f"{path}?status=failed").content.decode()
    assert "None of its events is like that." in failed
    assert AuditEntry.objects.filter(action="event_webhook_told_again").count() == 1


def test_the_log_has_pages(
    house: House, admin: Client, client: Client, host: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.setup.event_webhooks.PAGE", 2)
    make(admin, host)
    for number in range(3):
        text_in(client, house.sender, MARIA, f"Number {number}")
    tell_all()
    path = f"{HERE}{EventWebhook.objects.get().pk}/"
    first = admin.get(path).content.decode()
    older = re.search(r'href="(\?before=\d+)#told"', first)

    assert older is not None
    assert "before=" not in admin.get(path + older[1]).content.decode()
    for odd in ("?before=x", "?before=-1", "?before=" + "9" * 30, "?status=nothing"):
        assert admin.get(path + odd).status_code == 200


def test_a_list_says_how_each_of_them_is_and_switches_it(
    house: House, admin: Client, client: Client, host: Outside
) -> None:
    with outside(says(status=500)) as broken:
        make(admin, broken)
        text_in(client, house.sender, MARIA, "Hello")
        tell_all()
    row = EventWebhook.objects.get()
    page = admin.get(HERE).content.decode()
    assert "1 failure in a row." in page
    off = admin.post(f"{HERE}{row.pk}/switch/", {"on": "0", "version": row.version}, follow=True)
    late = admin.post(f"{HERE}{row.pk}/switch/", {"on": "1", "version": row.version}, follow=True)

    assert "is off: it is told nothing" in off.content.decode()
    assert "Somebody else changed this meanwhile" in late.content.decode()
    row.refresh_from_db()
    assert not row.is_on
    on = admin.post(f"{HERE}{row.pk}/switch/", {"on": "1", "version": row.version}, follow=True)
    assert "what happens from now on" in on.content.decode()


def test_it_is_changed_and_what_somebody_else_saved_is_shown(
    house: House, admin: Client, host: Outside
) -> None:
    make(admin, host)
    row = EventWebhook.objects.get()
    sales = make_inbox(house.account, "Sales")
    asked = {
        "name": "Stock",
        "url": row.url,
        "inbox": sales.pk,
        "kinds": ["note.created", "contact.updated"],
        "version": row.version,
    }
    saved = admin.post(f"{HERE}{row.pk}/", asked, follow=True)
    late = admin.post(f"{HERE}{row.pk}/", {**asked, "name": "Mine"})

    row.refresh_from_db()
    assert "It is saved." in saved.content.decode()
    assert (row.name, row.inbox, row.kinds) == ("Stock", sales, ["note.created", "contact.updated"])
    words = late.content.decode()
    assert "It says now:" in words
    assert "A note was written; A contact was changed" in words
    assert 'value="Mine"' in words


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Give it a name."),
        ({"url": ""}, "Write the address of your code."),
        ({"url": "http://example.com/"}, "The address must begin with https://."),
        ({"url": "ftp://example.com/"}, "The address must begin with https://"),
        ({"kinds": []}, "Choose at least one kind of event."),
        ({"kinds": ["all"]}, "all"),
        ({"inbox": "999999"}, "Choose one of your inboxes."),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_nothing_is_made(
    admin: Client, host: Outside, wrong: dict[str, Any], words: str
) -> None:
    page = make(admin, host, **wrong)

    assert page.status_code == 200
    assert words in page.content.decode()
    assert not EventWebhook.objects.exists()


def test_secrets_are_changed_without_losing_an_event(
    house: House, admin: Client, host: Outside
) -> None:
    first = secret_on(make(admin, host))
    path = f"{HERE}{EventWebhook.objects.get().pk}/"
    second = secret_on(admin.post(path, {"do": "begin", "version": 1}))
    early = admin.post(path, {"do": "end", "version": 1}, follow=True)
    ended = admin.post(path, {"do": "end", "version": 2}, follow=True)
    none = admin.post(path, {"do": "end", "version": 3}, follow=True)

    assert first != second
    assert "Somebody else changed this meanwhile" in early.content.decode()
    assert "Only the new secret signs now." in ended.content.decode()
    assert "There is no new secret" in none.content.decode()
    assert EventWebhook.objects.get().secret == second


def test_it_is_deleted_after_it_is_said_what_is_lost(
    house: House, admin: Client, host: Outside
) -> None:
    make(admin, host)
    path = f"{HERE}{EventWebhook.objects.get().pk}/delete/"
    assert "Delete Warehouse?" in admin.get(path).content.decode()
    assert "Warehouse is deleted." in admin.post(path, follow=True).content.decode()
    assert not EventWebhook.objects.exists()
    assert admin.post(path).status_code == 404


def test_others_have_no_such_page(house: House, admin: Client, host: Outside, login: Any) -> None:
    make(admin, host)
    pk = EventWebhook.objects.get().pk
    account = make_account("Umbrella")
    otto = login(make_user(account, "Otto", works_as=User.Role.ACCOUNT_ADMIN))
    for who in (otto, login(house.alice), login(house.sue)):
        assert who.get(f"{HERE}{pk}/").status_code == 404
        assert who.post(f"{HERE}{pk}/", {"do": "try"}).status_code == 404
        assert who.post(f"{HERE}{pk}/again/").status_code == 404
    assert host.asked == []
    assert "Warehouse" not in otto.get(HERE).content.decode()
