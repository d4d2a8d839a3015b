"""Do rules hear what CRMs and customers' own code say, without a slow one hiding a customer?"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import User
from inbox.conversations import claim_conversation
from inbox.deciding import route_next, tell_next
from inbox.deciding.again import LEASE
from inbox.models import Contact, Conversation, InboxEvent, Message, RoutingTrace, TeamInbox
from inbox.models.ids import client_id
from inbox.models.message import FOUND_LATE
from inbox.rerouting import people_changed
from inbox.sending import send_reply
from inbox.setup.lookups import remove_lookup
from routing.crm_fields import Field, FieldKind
from routing.crm_tables import read_table
from routing.lookups import (
    DefinitionError,
    Wanted,
    add_connector,
    add_data_action,
    import_table,
)
from routing.models import CrmConnector, DataAction
from tests.conftest import House
from tests.factories import make_inbox, make_policy, make_rules, make_user
from tests.flows.test_routing import give, readers, row_of
from tests.outside import Outside, outside, says
from tests.twilio import text_in

pytestmark = pytest.mark.django_db

Start = Callable[[Any], Outside]


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets this machine be asked; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]


@pytest.fixture
def hosts() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(outside(answer))


def add_code(house: House, url: str, name: str = "Code") -> None:
    add_data_action(account=house.account, name=name, url=url, by=house.sue, now=timezone.now())


def verdict(**wanted: Any) -> Any:
    return says(json.dumps(wanted).encode())


CRM_SAYS = {"fact": "crm", "name": "Customers.tier", "test": "equals", "value": "gold"}
BY_CODE = {"then": {"to": [{"who": "data_action", "lookup": "Code"}]}}


@pytest.fixture
def table(house: House) -> None:
    """Customers have their tier in a table that the account uploaded."""
    now = timezone.now()
    rows = read_table(b"phone,tier\n+14155550100,gold\n+14155550101,blue\n", country="US")
    imported = import_table(account=house.account, name="Tiers", sheet=rows, by=house.sue, now=now)
    add_connector(
        account=house.account,
        wanted=Wanted("Customers", kind="table", table=imported, fields=(Field("tier", "tier"),)),
        by=house.sue,
        now=now,
    )


def test_a_premium_customer_by_crm_goes_to_the_right_person(
    house: House, client: Client, table: None
) -> None:
    make_rules(house.inbox, {"if": {"all": [CRM_SAYS]}, "then": give(house.bob)})

    gold = row_of(text_in(client, house.sender, "+14155550100"))
    blue = row_of(text_in(client, house.sender, "+14155550101"))
    while route_next(now=timezone.now()):
        pass

    assert [readers(fresh(row)) for row in (gold, blue)] == [{house.bob.name}, {"team"}]
    trace = RoutingTrace.objects.get(conversation=gold)
    assert trace.lookups["Customers"]["failure"] == ""
    assert trace.rules[0]["tested"][0]["actual"] == "gold"


def auto(row: Conversation) -> list[str]:
    """Return what a conversation was answered by itself."""
    sent = Message.objects.filter(conversation=row, kind="auto").order_by("seq")
    return list(sent.values_list("body", flat=True))


@pytest.fixture
def shop(house: House, hosts: Start) -> Outside:
    """The account's shop knows its customers' names for them, and is asked over the network."""
    server = hosts(says(b'{"nick": "Captain"}'))
    add_connector(
        account=house.account,
        wanted=Wanted("Shop", kind="json", url=server.url, fields=(Field("nick", "nick"),)),
        by=house.sue,
        now=timezone.now(),
    )
    return server


HI = "Hi {{crm.Shop.nick|there}}"


def test_a_greeting_waits_for_the_crm_that_it_names_and_nobody_for_the_greeting(
    house: House, client: Client, shop: Outside
) -> None:
    TeamInbox.objects.update(replies={"first_message": {"variants": [{"text": HI}]}})

    row = row_of(text_in(client, house.sender))
    assert (readers(row), auto(row)) == ({"team"}, [])
    while route_next(now=timezone.now()):
        pass

    assert (readers(fresh(row)), auto(row)) == ({"team"}, ["Hi Captain"])
    assert fresh(row).routing == "done"


@pytest.mark.parametrize("condition", [{}, {"if": {"all": [CRM_SAYS]}}])
def test_a_rules_text_knows_the_crm_that_only_it_names(
    house: House, client: Client, shop: Outside, table: None, condition: dict[str, Any]
) -> None:
    make_rules(house.inbox, {**condition, "then": {**give(house.bob), "reply": {"en": HI}}})

    row = row_of(text_in(client, house.sender))
    while route_next(now=timezone.now()):
        pass

    assert (readers(fresh(row)), auto(row)) == ({house.bob.name}, ["Hi Captain"])


def test_a_rules_text_knows_the_table_that_only_it_names(
    house: House, client: Client, table: None
) -> None:
    text = "Hi {{crm.Customers.tier|}} customer"
    make_rules(house.inbox, {"then": {**give(house.bob), "reply": {"en": text}}})

    row = row_of(text_in(client, house.sender))

    assert auto(row) == ["Hi gold customer"]


def test_a_rules_text_writes_a_date_as_its_language_does(
    house: House, client: Client, hosts: Start
) -> None:
    now = timezone.now()
    fields = (Field("due", "due", kind=FieldKind.DATE),)
    wanted = Wanted(
        "Shop", kind="json", url=hosts(says(b'{"due": "2026-12-24"}')).url, fields=fields
    )
    add_connector(account=house.account, wanted=wanted, by=house.sue, now=now)
    make_rules(house.inbox, {"then": {"reply": {"en": "Due {{crm.Shop.due|soon}}"}}})

    row = row_of(text_in(client, house.sender))
    while route_next(now=timezone.now()):
        pass

    assert auto(row) == ["Due Dec. 24, 2026"]


def test_a_crm_that_is_down_leaves_a_greeting_without_a_name(
    house: House, client: Client, hosts: Start, shop: Outside
) -> None:
    TeamInbox.objects.update(replies={"first_message": {"variants": [{"text": HI}]}})
    CrmConnector.objects.update(url="http://127.0.0.1:9/")

    row = row_of(text_in(client, house.sender))
    while route_next(now=timezone.now()):
        pass

    assert auto(row) == ["Hi there"]


def test_what_was_found_late_is_not_answered_after_others_were_asked_either(
    house: House, client: Client, shop: Outside
) -> None:
    TeamInbox.objects.update(replies={"first_message": {"variants": [{"text": HI}]}})
    row = row_of(text_in(client, house.sender))
    Message.objects.update(details={FOUND_LATE: True})

    while route_next(now=timezone.now()):
        pass

    assert (fresh(row).routing, auto(row)) == ("done", [])


def test_who_claims_while_the_crm_is_asked_has_it_and_no_machine_speaks(
    house: House, client: Client, shop: Outside
) -> None:
    TeamInbox.objects.update(replies={"first_message": {"variants": [{"text": HI}]}})
    row = row_of(text_in(client, house.sender))
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    claim_conversation(conversation=row, now=timezone.now(), **by)

    while route_next(now=timezone.now()):
        pass

    assert fresh(row).owner == house.alice
    assert auto(row) == []


def fresh(row: Conversation) -> Conversation:
    return Conversation.objects.get(pk=row.pk)


def test_until_others_have_answered_supervisors_see_it_and_nobody_else(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(house, hosts(verdict(assign={"users": [house.bob.email]})).url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender))

    assert (row.routing, readers(row)) == ("asking", set())
    assert _status(house.sue, row) == 200
    assert (_status(house.alice, row), _status(house.bob, row)) == (404, 404)
    assert not {"team"} & {key for one in InboxEvent.objects.all() for key in one.audience}

    assert route_next(now=timezone.now())

    assert readers(fresh(row)) == {house.bob.name}
    assert (_status(house.alice, row), _status(house.bob, row)) == (404, 200)


def _status(user: Any, row: Conversation) -> int:
    browser = Client()
    browser.force_login(user)
    return browser.get(f"/inbox/{row.inbox.slug}/c/{row.public_id}/").status_code


def test_what_code_decides_is_done(house: House, client: Client, hosts: Start) -> None:
    policy = make_policy(house.inbox, name="VIP")
    house.inbox.escalation = None
    house.inbox.save()
    host = hosts(
        verdict(
            assign={"users": [house.bob.email, "ghost@example.com"], "claim": True},
            tags=["vip"],
            priority="urgent",
            auto_reply={"text": "Bob is on it", "bot_name": "Robo"},
            note="Renewal is due",
            escalation="VIP",
            surprise=1,
        )
    )
    add_code(house, host.url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender, body="Hi"))
    route_next(now=timezone.now())

    row = fresh(row)
    assert (row.owner, row.tags, row.priority) == (house.bob, ["vip"], "urgent")
    assert row.escalation == policy
    said = Message.objects.get(direction="out", kind="auto")
    assert (said.body, said.author_label) == ("Bob is on it", "Robo")
    assert Message.objects.get(kind="note").body == "Renewal is due"
    skipped = " ".join(RoutingTrace.objects.get().lookups["Code"]["skipped"])
    assert "ghost@example.com" in skipped
    assert "surprise" in skipped
    [asked] = host.asked
    told = json.loads(asked.body)
    assert told["message"]["text"] == "Hi"
    assert {one["email"] for one in told["members"]} == {
        one.email for one in (house.alice, house.bob, house.sue)
    }


@pytest.mark.parametrize(
    "answer", [says(b"", status=500), says(b"<html>"), verdict(assign={"users": "all"})]
)
def test_code_that_is_down_or_wrong_leaves_it_to_the_next_rule(
    house: House, client: Client, hosts: Start, answer: Any
) -> None:
    host = hosts(answer)
    add_code(house, host.url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender))
    route_next(now=timezone.now())

    assert readers(fresh(row)) == {"team"}
    trace = RoutingTrace.objects.get()
    assert trace.lookups["Code"]["failure"]
    assert (trace.rule, trace.rules[0]["outcome"]) == ("default", "unknown")
    assert len(host.asked) == 1


def test_code_that_is_away_leaves_it_to_the_team(house: House, client: Client) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        add_code(house, f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        make_rules(house.inbox, BY_CODE)
        row = row_of(text_in(client, house.sender))
        route_next(now=timezone.now())

    assert readers(fresh(row)) == {"team"}
    assert RoutingTrace.objects.get().lookups["Code"]["failure"]


def test_a_supervisor_who_takes_it_meanwhile_keeps_it(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(house, hosts(verdict(assign={"users": [house.bob.email]})).url)
    make_rules(house.inbox, BY_CODE)
    row = row_of(text_in(client, house.sender))

    claim_conversation(
        conversation=row, by=house.viewer(house.sue), user=house.sue, now=timezone.now()
    )

    assert not route_next(now=timezone.now())
    assert fresh(row).owner == house.sue


def test_a_worker_that_died_is_followed_by_another(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(verdict(assign={"users": [house.bob.email]}))
    add_code(house, host.url)
    make_rules(house.inbox, BY_CODE)
    row = row_of(text_in(client, house.sender))
    now = timezone.now()
    # It asked, and came no further.
    Conversation.objects.filter(pk=row.pk).update(route_at=now + LEASE)

    assert not route_next(now=now)
    assert route_next(now=now + LEASE + timedelta(seconds=1))

    assert readers(fresh(row)) == {house.bob.name}


def test_while_others_are_asked_a_second_message_is_not_lost(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(
        house, hosts(verdict(assign={"users": [house.bob.email]}, auto_reply={"text": "Hi"})).url
    )
    make_rules(house.inbox, BY_CODE)
    row = row_of(text_in(client, house.sender))
    text_in(client, house.sender, body="And another thing")

    route_next(now=timezone.now())

    assert readers(fresh(row)) == {house.bob.name}
    assert Message.objects.filter(conversation=row, direction="in").count() == 2
    assert Message.objects.filter(kind="auto").count() == 1


def test_a_fault_of_ours_in_asking_costs_the_rules_and_nobody_their_readers(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(house, hosts(verdict(assign={"users": [house.bob.email]})).url)
    make_rules(house.inbox, BY_CODE)
    row = row_of(text_in(client, house.sender))
    # What no form of ours writes.
    Contact.objects.filter(pk=row.contact_id).update(attributes=["not", "a", "mapping"])

    assert route_next(now=timezone.now())

    row = fresh(row)
    assert (readers(row), row.routing) == ({"team"}, "done")
    assert not route_next(now=timezone.now())


def test_what_is_kept_back_goes_to_the_team_while_nothing_may_act(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(house, hosts(verdict(assign={"users": [house.bob.email]})).url)
    make_rules(house.inbox, BY_CODE)
    row = row_of(text_in(client, house.sender))
    Conversation.objects.filter(pk=row.pk).update(status="snoozed")

    assert route_next(now=timezone.now())

    row = fresh(row)
    assert (readers(row), row.routing) == ({"team"}, "nobody")


def test_a_team_that_code_names_has_it(house: House, client: Client, hosts: Start) -> None:
    other = make_inbox(house.account, "Billing")
    olga, otto = (make_user(house.account, name, team=other.team) for name in ("Olga", "Otto"))
    add_code(house, hosts(verdict(assign={"teams": ["billing"]})).url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender))
    route_next(now=timezone.now())

    assert readers(fresh(row)) == {olga.name, otto.name}


def test_a_priority_that_nobody_knows_costs_nothing_else(
    house: House, client: Client, hosts: Start
) -> None:
    add_code(house, hosts(verdict(assign={"users": [house.bob.email]}, priority="ludicrous")).url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender))
    route_next(now=timezone.now())

    assert (readers(fresh(row)), fresh(row).priority) == ({house.bob.name}, row.priority)
    assert RoutingTrace.objects.get().lookups["Code"]["skipped"] == ["unknown priority: ludicrous"]


def test_code_that_names_nobody_is_not_asked_every_minute(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(verdict(tags=["seen"]))
    add_code(house, host.url)
    make_rules(house.inbox, BY_CODE)

    row = row_of(text_in(client, house.sender))
    while route_next(now=timezone.now() + timedelta(minutes=5)):
        assert len(host.asked) < 3

    row = fresh(row)
    assert (readers(row), row.tags, row.routing) == ({"team"}, ["seen"], "done")
    assert len(host.asked) == 1


def test_nobody_outside_hears_what_no_rule_asks_about(
    house: House, client: Client, hosts: Start, table: None
) -> None:
    host = hosts(verdict(assign={"users": [house.bob.email]}))
    add_code(house, host.url)
    orders = {"fact": "text", "test": "contains_any", "value": ["order"]}
    make_rules(
        house.inbox,
        {"if": {"all": [CRM_SAYS]}, "then": give(house.sue)},
        {"if": {"all": [orders]}, **BY_CODE},
    )

    blue = row_of(text_in(client, house.sender, "+14155550101", "My lawyer will write"))
    route_next(now=timezone.now())

    assert (readers(fresh(blue)), host.asked) == ({"team"}, [])


# --- For the words of an automatic reply ---


def add_crm(house: House, url: str, name: str = "shop") -> None:
    wanted = Wanted(name, kind="json", url=f"{url}/c/{{{{contact.digits}}}}", fields=(TIER,))
    add_connector(account=house.account, wanted=wanted, by=house.sue, now=timezone.now())


TIER = Field("tier", "tier")
HELLO = {"variants": [{"text": "Hello {{crm.shop.tier|dear}} customer"}]}
BALANCE = {
    "name": "Balance",
    "phrases": ["balance"],
    "variants": [{"text": "You are {{crm.shop.tier|known}}"}],
}


def let_say(house: House, **replies: Any) -> None:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(replies={"format": 1, **replies})


def said() -> list[str]:
    return list(Message.objects.filter(kind="auto").order_by("pk").values_list("body", flat=True))


def ask_all() -> None:
    while route_next(now=timezone.now()):
        pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(b'{"tier": "gold"}'), "Hello gold customer"),
        (says(b"{}"), "Hello dear customer"),
        (says(b"", status=500), "Hello dear customer"),
    ],
)
def test_words_wait_for_a_crm_and_nobody_waits_for_them(
    house: House, client: Client, hosts: Start, answer: Any, words: str
) -> None:
    host = hosts(answer)
    add_crm(house, host.url)
    let_say(house, first_message=HELLO)

    row = row_of(text_in(client, house.sender))

    assert (readers(row), said(), len(host.asked)) == ({"team"}, [], 0)
    ask_all()
    assert (said(), len(host.asked)) == ([words], 1)
    assert (fresh(row).routing, fresh(row).route_at) == ("done", None)


def test_the_words_of_a_rule_wait_and_whom_it_names_has_it_at_once(
    house: House, client: Client, hosts: Start, table: None
) -> None:
    add_crm(house, hosts(says(b'{"tier": "gold"}')).url)
    words = "{{crm.Customers.tier|A}} {{crm.shop.tier|b}}"
    make_rules(house.inbox, {"then": {**give(house.bob), "reply": {"en": words}, "note": "Hi"}})

    row = row_of(text_in(client, house.sender, "+14155550101"))

    assert (readers(row), said()) == ({house.bob.name}, [])
    ask_all()
    assert (readers(fresh(row)), said()) == ({house.bob.name}, ["blue gold"])
    assert Message.objects.filter(kind="note").count() == 1
    trace = RoutingTrace.objects.get()
    assert (trace.replies["said"], trace.lookups["shop"]["failure"]) == ("rule", "")


def test_words_of_a_later_message_wait_too(house: House, client: Client, hosts: Start) -> None:
    add_crm(house, hosts(says(b'{"tier": "gold"}')).url)
    let_say(house, keyword=[BALANCE])
    row = row_of(text_in(client, house.sender))
    claim_conversation(
        conversation=row, by=house.viewer(house.bob), user=house.bob, now=timezone.now()
    )
    Message.objects.update(received_at=timezone.now() - timedelta(minutes=5))
    text_in(client, house.sender, body="My balance?")
    text_in(client, house.sender, body="Please")

    ask_all()

    assert (said(), fresh(row).owner) == (["You are gold"], house.bob)


def test_who_is_quicker_than_a_crm_is_not_talked_over(
    house: House, client: Client, hosts: Start
) -> None:
    add_crm(house, hosts(says(b'{"tier": "gold"}')).url)
    let_say(house, first_message=HELLO)
    row = row_of(text_in(client, house.sender))
    send_reply(
        conversation=row,
        by=house.viewer(house.bob),
        user=house.bob,
        body="How can I help?",
        client_id=client_id(),
        now=timezone.now(),
    )

    ask_all()

    assert said() == []


def test_a_rule_for_whom_nobody_is_able_is_asked_again_after_the_words(
    house: House, client: Client, hosts: Start
) -> None:
    add_crm(house, hosts(says(b'{"tier": "gold"}')).url)
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(house.inbox, {"then": {**give(house.bob), "reply": {"en": "{{crm.shop.tier|x}}"}}})
    row = row_of(text_in(client, house.sender))
    ask_all()
    assert (said(), fresh(row).routing) == (["gold"], "nobody")
    User.objects.filter(pk=house.bob.pk).update(availability="available")
    people_changed(house.account.pk, now=timezone.now())

    ask_all()

    assert (readers(fresh(row)), said()) == ({house.bob.name}, ["gold"])


def test_a_crm_is_not_asked_for_words_that_are_not_said(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(says(b'{"tier": "gold"}'))
    add_crm(house, host.url)
    let_say(house, keyword=[BALANCE])

    row = row_of(text_in(client, house.sender, body="Hello"))
    ask_all()

    assert (said(), host.asked, row.routing) == ([], [], "done")


def test_a_rule_that_closes_does_not_wait(house: House, client: Client, hosts: Start) -> None:
    add_crm(house, hosts(says(b'{"tier": "gold"}')).url)
    make_rules(house.inbox, {"then": {"close": True, "reply": {"en": "{{crm.shop.tier|Bye}}"}}})

    row = row_of(text_in(client, house.sender))

    assert (row.status, said()) == ("closed", ["Bye"])


# --- Telling others that a rule acted ---


def minutes_later(n: float) -> datetime:
    return timezone.now() + timedelta(minutes=n)


def tell_all(at: datetime) -> None:
    while tell_next(now=at):
        pass


def test_a_rules_webhook_is_told_that_it_acted(house: House, client: Client, hosts: Start) -> None:
    host = hosts(says(b"Thank you"))
    add_code(house, host.url, "Orders")
    make_rules(house.inbox, {"name": "To Bob", "then": {**give(house.bob), "webhook": "Orders"}})

    row = row_of(text_in(client, house.sender, body="Hi"))

    assert (readers(row), host.asked) == ({house.bob.name}, [])
    tell_all(minutes_later(1))
    [heard] = host.asked
    told = json.loads(heard.body)
    assert (told["type"], told["rule"], told["message"]["text"]) == ("rule", "To Bob", "Hi")
    assert (told["conversation"]["id"], told["id"]) == (row.public_id, heard.headers["webhook-id"])
    Webhook(DataAction.objects.get().secret).verify(heard.body, heard.headers)
    trace = RoutingTrace.objects.get()
    assert (trace.webhook_at, trace.webhook_tries, trace.webhook_problem) == (None, 1, "")


def test_a_webhook_that_fails_is_told_again_and_then_no_more(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(says(b"", status=500))
    add_code(house, host.url, "Orders")
    make_rules(house.inbox, {"then": {"tags": ["x"], "webhook": "Orders"}})
    text_in(client, house.sender)

    counts = []
    for at in (1, 1.5, 3, 10, 50, 200, 2000):
        tell_all(minutes_later(at))
        counts.append(len(host.asked))

    assert counts == [1, 1, 2, 3, 4, 5, 5]
    assert len({one.headers["webhook-id"] for one in host.asked}) == 1
    trace = RoutingTrace.objects.get()
    assert (trace.webhook_at, trace.webhook_tries) == (None, 5)
    assert trace.webhook_problem == "It answered with an error (500)."


def test_a_webhook_of_a_worker_that_died_is_told_by_another(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(says(b""))
    add_code(house, host.url, "Orders")
    make_rules(house.inbox, {"then": {"tags": ["x"], "webhook": "Orders"}})
    text_in(client, house.sender)
    now = minutes_later(1)
    RoutingTrace.objects.update(webhook_at=now + LEASE, webhook_tries=1)

    assert not tell_next(now=now)
    assert tell_next(now=now + LEASE)
    assert (len(host.asked), RoutingTrace.objects.get().webhook_at) == (1, None)


def test_one_that_cannot_be_told_takes_no_other_along(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(says(b""))
    add_code(house, host.url, "Orders")
    make_rules(house.inbox, {"then": {"tags": ["x"], "webhook": "Orders"}})
    for number in range(2):
        text_in(client, house.sender, f"+1415555010{number}")
    odd = RoutingTrace.objects.earliest("pk")
    RoutingTrace.objects.filter(pk=odd.pk).update(facts={})

    for at in (1, 3, 10, 50, 200, 2000):
        tell_all(minutes_later(at))

    assert len(host.asked) == 1
    odd.refresh_from_db()
    assert (odd.webhook_at, odd.webhook_tries) == (None, 5)


def test_a_webhook_is_told_once_though_rules_are_asked_again(
    house: House, client: Client, hosts: Start
) -> None:
    host = hosts(says(b""))
    add_code(house, host.url, "Orders")
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(house.inbox, {"then": {**give(house.bob), "webhook": "Orders"}})
    row = row_of(text_in(client, house.sender))
    User.objects.filter(pk=house.bob.pk).update(availability="available")
    people_changed(house.account.pk, now=timezone.now())
    ask_all()
    tell_all(minutes_later(1))

    assert (readers(fresh(row)), len(host.asked)) == ({house.bob.name}, 1)


def test_what_a_rule_names_as_its_webhook_stays(house: House, hosts: Start) -> None:
    add_code(house, hosts(says(b"")).url, "Orders")
    make_rules(house.inbox, {"name": "To Bob", "then": {"tags": ["x"], "webhook": "Orders"}})

    with pytest.raises(DefinitionError, match="To Bob"):
        remove_lookup(row=DataAction.objects.get(), by=house.sue, now=timezone.now())
