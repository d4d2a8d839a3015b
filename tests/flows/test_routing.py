"""Does a message reach whom the account's rules name, and can everyone see why?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Feature, FeatureGrant, License, Membership, User
from inbox.closing import close_conversation
from inbox.conversations import (
    claim_conversation,
    release_conversation,
    snooze_conversation,
    transfer_to_inbox,
)
from inbox.deciding import follow_changes, follow_losses, route_next
from inbox.models import (
    Contact,
    Conversation,
    ConversationEvent,
    Message,
    Participant,
    RoutingTrace,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.rerouting import people_changed
from inbox.sending import send_reply
from routing.deciding import decide
from routing.models import Rulebook, RulebookVersion, Turn
from routing.rules import Rules
from routing.traces import plan_json, read_directory, read_facts, rules_json
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_rules, make_user
from tests.twilio import text_in

pytestmark = pytest.mark.django_db

MARIA = "+14155550100"


def row_of(message: Message) -> Conversation:
    assert message.conversation is not None
    return Conversation.objects.get(pk=message.conversation.pk)


def readers(row: Conversation) -> set[str]:
    """Return who takes part by name; `team` if the whole team has it."""
    parts = Participant.objects.filter(conversation=row, ended_at=None)
    names = set(parts.values_list("user__name", flat=True))
    return names | ({"team"} if row.is_team_wide else set())


def give(*people: User, **step: Any) -> dict[str, Any]:
    return {"to": [{"who": "people", "people": [one.pk for one in people], **step}]}


def has(fact: str, test: str = "is_any", *value: str, **more: Any) -> dict[str, Any]:
    return {"all": [{"fact": fact, "test": test, "value": list(value), **more}]}


# --- Whom ---


def test_without_rules_the_whole_team_has_it(house: House, client: Client) -> None:
    row = row_of(text_in(client, house.sender))

    assert readers(row) == {"team"}
    assert not RoutingTrace.objects.exists()


def test_one_user(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.bob)})

    row = row_of(text_in(client, house.sender))

    assert readers(row) == {house.bob.name}
    assert row.owner_id is None
    trace = RoutingTrace.objects.get()
    assert (trace.rule, trace.conversation_id, trace.has_nobody) == ("r1", row.pk, False)
    event = ConversationEvent.objects.get(verb="routed")
    assert event.data["to"] == house.bob.name


def test_one_user_who_owns_it_at_once(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.bob, owner=True)})

    row = row_of(text_in(client, house.sender))

    assert row.owner == house.bob
    assert readers(row) == {house.bob.name}


def test_a_custom_group(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.alice, house.bob)})

    assert readers(row_of(text_in(client, house.sender))) == {house.alice.name, house.bob.name}


def test_another_team(house: House, client: Client) -> None:
    other = make_inbox(house.account)
    olga = make_user(house.account, "Olga", team=other.team)
    make_rules(house.inbox, {"then": {"to": [{"who": "team", "team": other.pk}]}})

    assert readers(row_of(text_in(client, house.sender))) == {olga.name}


@pytest.mark.parametrize("who", ["random", "round_robin", "least_busy"])
def test_one_of_the_team(house: House, client: Client, who: str) -> None:
    make_rules(house.inbox, {"then": {"to": [{"who": who}]}})
    team = {house.alice.name, house.bob.name, house.sue.name}

    found = Counter(
        next(iter(readers(row_of(text_in(client, house.sender, f"+1415555{n:04d}")))))
        for n in range(9)
    )

    assert set(found) <= team
    if who != "random":
        assert set(found.values()) == {3}
    if who == "round_robin":
        assert Turn.objects.count() == 1


def test_the_first_step_with_somebody_able_has_it(house: House, client: Client) -> None:
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    steps = [give(house.bob)["to"][0], give(house.alice)["to"][0]]
    make_rules(house.inbox, {"then": {"to": steps}})

    row = row_of(text_in(client, house.sender))

    assert readers(row) == {house.alice.name}
    candidates = RoutingTrace.objects.get().rules[0]["candidates"]
    assert [(one["name"], one["skipped"]) for one in candidates] == [
        (house.bob.name, "away"),
        (house.alice.name, ""),
    ]


def test_the_last_owner_is_who_had_the_customer_last(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": {"to": [{"who": "last_owner"}]}})
    house.inbox.reopen_hours = 0
    house.inbox.save()
    _close(house, row_of(text_in(client, house.sender)), by=house.bob)
    # Nobody had this one: a supervisor closes it as it is.
    between = row_of(text_in(client, house.sender))
    assert readers(between) == {house.bob.name}
    close_conversation(
        conversation=between,
        by=house.viewer(house.sue),
        user=house.sue,
        last_seen_seq=100,
        now=timezone.now(),
        waiting_ok=True,
    )

    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}


def test_who_has_as_many_as_the_inbox_sets_gets_no_more(house: House, client: Client) -> None:
    house.inbox.most_open = 1
    house.inbox.save()
    steps = [give(house.bob)["to"][0], give(house.alice)["to"][0]]
    make_rules(house.inbox, {"then": {"to": steps}})
    rows = [row_of(text_in(client, house.sender, f"+1415555010{n}")) for n in range(3)]

    assert [readers(row) for row in rows] == [{house.bob.name}, {house.alice.name}, {"team"}]
    trace = RoutingTrace.objects.get(conversation=rows[2])
    assert trace.rules[0]["candidates"][0]["skipped"] == "has 1 of 1"
    _close(house, rows[0], by=house.sue)
    people_changed(house.account.pk, now=timezone.now())
    assert route_next(now=timezone.now())
    rows[2].refresh_from_db()
    assert readers(rows[2]) == {house.bob.name}


def test_a_step_may_say_otherwise_than_the_inbox(house: House, client: Client) -> None:
    house.inbox.most_open = 1
    house.inbox.save()
    make_rules(house.inbox, {"then": give(house.bob, cap=2)})
    rows = [row_of(text_in(client, house.sender, f"+1415555010{n}")) for n in range(3)]

    assert [readers(row) for row in rows] == [{house.bob.name}, {house.bob.name}, {"team"}]


@pytest.mark.parametrize(
    ("rule", "is_hers"), [("last_owner_if_available", False), ("always_last_owner", True)]
)
def test_what_comes_back_goes_to_its_last_owner_below_the_limit(
    house: House, client: Client, rule: str, *, is_hers: bool
) -> None:
    house.inbox.most_open, house.inbox.reopen_owner = 1, rule
    house.inbox.save()
    first = row_of(text_in(client, house.sender))
    _close(house, first, by=house.alice)
    assert row_of(text_in(client, house.sender)).owner == house.alice
    _close(house, row_of(text_in(client, house.sender)), by=house.alice)
    other = row_of(text_in(client, house.sender, "+14155550101"))
    now = timezone.now()
    claim_conversation(conversation=other, by=house.viewer(house.alice), user=house.alice, now=now)

    assert (row_of(text_in(client, house.sender)).owner == house.alice) is is_hers


def test_contact_owner_and_last_owner(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": {"to": [{"who": "contact_owner"}, {"who": "last_owner"}]}})
    first = row_of(text_in(client, house.sender))
    assert readers(first) == {"team"}
    first.contact.owner = house.bob
    first.contact.save()
    _close(house, first, by=house.sue)
    house.inbox.reopen_hours = 0
    house.inbox.save()

    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}


def _close(house: House, row: Conversation, *, by: User) -> None:
    now = timezone.now()
    row = claim_conversation(conversation=row, by=house.viewer(by), user=by, now=now)
    close_conversation(
        conversation=row,
        by=house.viewer(by),
        user=by,
        last_seen_seq=100,
        now=now,
        reason="Done",
        waiting_ok=True,
    )


# --- By what ---


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (has("text", "contains_any", "refund"), {"body": "I want a REFUND"}),
        (
            {"all": [{"fact": "text", "test": "matches", "value": r"order #\d+"}]},
            {"body": "order #12"},
        ),
        (has("number", "starts_with", "+1415"), {}),
        (has("region", "is_any", "CA"), {}),
        (has("country", "is_any", "US"), {}),
        (has("channel", "is_any", "sms"), {}),
        (
            has("language", "is_any", "es"),
            {"body": "Hola, quisiera cambiar la fecha de mi reserva"},
        ),
        ({"all": [{"fact": "has_media", "test": "is_true"}]}, {"NumMedia": "1"}),
        ({"all": [{"fact": "first_ever", "test": "is_true"}]}, {}),
        ({"all": [{"fact": "is_open", "test": "is_true"}]}, {}),
        ({"all": [{"fact": "holiday", "test": "is_true", "not": True}]}, {}),
        (has("consent", "is_any", "conversational"), {}),
    ],
)
def test_by_what_is_known_of_a_message(
    house: House, client: Client, condition: dict[str, Any], message: dict[str, str]
) -> None:
    make_rules(house.inbox, {"if": condition, "then": give(house.bob)})
    if message.get("NumMedia"):
        message |= {"MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "image/jpeg"}

    row = row_of(text_in(client, house.sender, **message))

    assert readers(row) == {house.bob.name}, RoutingTrace.objects.get().rules


def test_by_the_customers_tag_or_attribute(house: House, client: Client) -> None:
    condition = {
        "any": [
            {"fact": "tag", "test": "has_any", "value": ["premium"]},
            {"fact": "attribute", "name": "tier", "test": "equals", "value": "gold"},
        ]
    }
    make_rules(house.inbox, {"if": condition, "then": give(house.bob)})
    first = row_of(text_in(client, house.sender))
    assert readers(first) == {"team"}
    _close(house, first, by=house.sue)
    house.inbox.reopen_hours = 0
    house.inbox.save()
    first.contact.tags, first.contact.attributes = ["Premium"], {"tier": "gold"}
    first.contact.save()

    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}


def test_a_list_is_asked_entry_by_entry_and_again_in_a_replay(house: House, client: Client) -> None:
    plans = {"fact": "attribute", "name": "plans"}
    make_rules(
        house.inbox,
        {
            "if": {"all": [{**plans, "test": "contains", "value": "gold"}]},
            "then": give(house.alice),
        },
        {
            "if": {"all": [{**plans, "test": "contains", "value": "gold plus"}]},
            "then": give(house.bob),
        },
    )
    first = row_of(text_in(client, house.sender))
    Contact.objects.filter(pk=first.contact_id).update(attributes={"plans": ["gold plus", "blue"]})
    _close(house, first, by=house.sue)
    house.inbox.reopen_hours = 0
    house.inbox.save()

    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}
    trace = RoutingTrace.objects.first()
    assert trace is not None
    assert trace.message is not None
    assert trace.version is not None
    facts = read_facts(trace.facts, body=trace.message.body)
    plan = decide(facts, trace.version.rules(), read_directory(trace.people), now=trace.at)
    assert rules_json(plan.trace) == trace.rules


def test_rules_that_go_on_tag_and_the_first_that_assigns_wins(house: House, client: Client) -> None:
    make_rules(
        house.inbox,
        {"continue": True, "then": {"tags": ["sms"], "priority": "high"}},
        {"if": has("channel", "is_any", "sms"), "then": give(house.bob)},
        {"then": give(house.alice)},
    )

    row = row_of(text_in(client, house.sender))

    assert (row.tags, row.priority, readers(row)) == (["sms"], "high", {house.bob.name})


def test_the_accounts_rules_are_asked_first(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.alice)})
    make_rules(
        house.inbox,
        {"id": "first", "if": has("text", "contains_any", "lawyer"), "then": give(house.sue)},
        is_always_first=True,
    )

    assert readers(row_of(text_in(client, house.sender, body="My lawyer"))) == {house.sue.name}
    assert readers(row_of(text_in(client, house.sender, "+14155550101"))) == {house.alice.name}


# --- When ---


def test_a_further_message_is_not_routed_again(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": {"to": [{"who": "round_robin"}]}})
    row = row_of(text_in(client, house.sender))
    had = readers(row)

    text_in(client, house.sender)

    assert readers(row_of(text_in(client, house.sender))) == had
    assert RoutingTrace.objects.count() == 1


def test_one_that_comes_back_is_routed_unless_it_is_owned(house: House, client: Client) -> None:
    make_rules(house.inbox, {"when": ["reopened"], "then": give(house.bob)})
    row = row_of(text_in(client, house.sender))
    assert readers(row) == {"team"}
    _close(house, row, by=house.alice)

    assert row_of(text_in(client, house.sender)).owner == house.alice

    User.objects.filter(pk=house.alice.pk).update(availability="away")
    close_conversation(
        conversation=row,
        by=house.viewer(house.alice),
        user=house.alice,
        last_seen_seq=100,
        now=timezone.now(),
        waiting_ok=True,
    )
    assert readers(row_of(text_in(client, house.sender))) == {house.bob.name}


def test_a_transfer_to_an_inbox_asks_its_rules(house: House, client: Client) -> None:
    other = make_inbox(house.account)
    olga = make_user(house.account, "Olga", team=other.team)
    make_user(house.account, "Otto", team=other.team)
    make_rules(other, {"when": ["transferred"], "then": give(olga)})
    row = row_of(text_in(client, house.sender))
    now = timezone.now()
    claimed = claim_conversation(
        conversation=row, by=house.viewer(house.alice), user=house.alice, now=now
    )
    transfer_to_inbox(
        conversation=claimed, by=house.viewer(house.alice), user=house.alice, to=other, now=now
    )

    assert route_next(now=timezone.now())

    row.refresh_from_db()
    assert (readers(row), row.routing, row.route_at) == ({"Olga"}, "done", None)
    assert not route_next(now=timezone.now())


def test_while_custom_routing_is_off_no_rule_acts(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.bob)})
    FeatureGrant.objects.filter(feature=Feature.CUSTOM_ROUTING).update(ends_at=timezone.now())

    assert readers(row_of(text_in(client, house.sender))) == {"team"}


# --- Nobody ---


@pytest.fixture
def waiting(house: House, client: Client) -> Conversation:
    """Return a conversation for which only Bob is wanted, who is away."""
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(house.inbox, {"then": give(house.bob)})
    return row_of(text_in(client, house.sender))


def test_for_whom_nobody_is_able_the_team_stands_in(house: House, waiting: Conversation) -> None:
    assert readers(waiting) == {"team"}
    assert waiting.routing == "nobody"


def test_rules_are_asked_again_when_somebody_may_be_able(
    house: House, waiting: Conversation
) -> None:
    assert not route_next(now=timezone.now())
    User.objects.get(pk=house.bob.pk).availability = "available"
    User.objects.filter(pk=house.bob.pk).update(availability="available")
    people_changed(house.account.pk, now=timezone.now())

    assert route_next(now=timezone.now())

    waiting.refresh_from_db()
    assert (readers(waiting), waiting.routing) == ({house.bob.name}, "done")


@pytest.mark.parametrize("change", ["availability", "licence", "membership"])
def test_a_person_who_changes_is_noticed(house: House, client: Client, change: str) -> None:
    bob = User.objects.get(pk=house.bob.pk)
    membership = change == "membership"
    step = {"to": [{"who": "random"}]} if membership else give(bob)
    make_rules(house.inbox, {"then": step})
    if change == "availability":
        User.objects.filter(pk=bob.pk).update(availability="away")
    elif change == "licence":
        bob.licenses.update(ends_at=timezone.now())
    else:
        Membership.objects.filter(team=house.inbox.pk).delete()
    row = row_of(text_in(client, house.sender))
    assert row.routing == "nobody"
    follow_changes(now=timezone.now())
    assert route_next(now=timezone.now())
    assert not follow_changes(now=timezone.now())

    if change == "availability":
        bob.availability = "available"
        bob.save()
    elif change == "licence":
        license = bob.licenses.get()
        license.pk, license.ends_at, license.starts_at = None, None, timezone.now()
        license.save(force_insert=True)
    else:
        Membership.objects.create(team_id=house.inbox.pk, user=bob)

    assert follow_changes(now=timezone.now()) == 1
    assert route_next(now=timezone.now())
    row.refresh_from_db()
    assert readers(row) == {house.bob.name}


def test_what_else_a_rule_wants_is_done_once(house: House, client: Client) -> None:
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(house.inbox, {"then": {**give(house.bob), "note": "VIP", "tags": ["vip"]}})
    row = row_of(text_in(client, house.sender))
    User.objects.filter(pk=house.bob.pk).update(availability="available")
    people_changed(house.account.pk, now=timezone.now())

    assert route_next(now=timezone.now())

    row.refresh_from_db()
    assert (readers(row), row.tags) == ({house.bob.name}, ["vip"])
    assert Message.objects.filter(kind="note").count() == 1


def test_who_answered_meanwhile_keeps_it(house: House, waiting: Conversation) -> None:
    send_reply(
        conversation=waiting,
        by=house.viewer(house.alice),
        user=house.alice,
        body="How can I help?",
        client_id=client_id(),
        now=timezone.now(),
    )
    User.objects.filter(pk=house.bob.pk).update(availability="available")
    people_changed(house.account.pk, now=timezone.now())

    assert route_next(now=timezone.now())

    waiting.refresh_from_db()
    assert (readers(waiting), waiting.routing, waiting.route_at) == ({"team"}, "done", None)


def test_who_claims_it_meanwhile_keeps_it(house: House, waiting: Conversation) -> None:
    now = timezone.now()
    claim_conversation(
        conversation=waiting, by=house.viewer(house.alice), user=house.alice, now=now
    )
    people_changed(house.account.pk, now=now)

    assert not route_next(now=timezone.now())
    waiting.refresh_from_db()
    assert waiting.owner == house.alice


def test_a_release_to_nobody_asks_the_rules(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": {"to": [give(house.bob)["to"][0], give(house.sue)["to"][0]]}})
    row = row_of(text_in(client, house.sender))
    now = timezone.now()
    row = claim_conversation(conversation=row, by=house.viewer(house.bob), user=house.bob, now=now)
    # Bob leaves the account; what he had before goes to whom the rules name.
    house.bob.licenses.update(ends_at=now)
    release_conversation(conversation=row, by=house.viewer(house.bob), user=house.bob, now=now)

    assert route_next(now=timezone.now())

    row.refresh_from_db()
    assert readers(row) == {house.sue.name}


def test_what_belongs_to_nobody_who_can_work_goes_to_whom_rules_name(
    house: House, client: Client
) -> None:
    steps = [give(house.bob)["to"][0], give(house.sue)["to"][0]]
    make_rules(house.inbox, {"then": {"to": steps}})
    row = row_of(text_in(client, house.sender))
    kept = row_of(text_in(client, house.sender, "+14155550101"))
    now = timezone.now()
    claim_conversation(conversation=kept, by=house.viewer(house.sue), user=house.sue, now=now)
    assert follow_losses(now=now) == 0

    house.bob.licenses.update(ends_at=now)
    assert follow_losses(now=now) == 1
    assert follow_losses(now=now) == 0
    assert route_next(now=timezone.now())

    row.refresh_from_db()
    assert (readers(row), row.owner) == ({house.sue.name}, None)
    released = ConversationEvent.objects.get(conversation=row, verb="released")
    assert released.data["reason"] == "nobody who had it can work any more"


def test_while_nobody_can_work_nothing_goes_to_anybody_else(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": give(house.bob)})
    row = row_of(text_in(client, house.sender))
    now = timezone.now()
    License.objects.update(ends_at=now)

    assert follow_losses(now=now) == 0
    assert readers(row) == {house.bob.name}


@pytest.mark.parametrize("is_by_name", [True, False])
def test_what_wakes_for_an_owner_who_is_away_asks_the_rules(
    house: House, client: Client, *, is_by_name: bool
) -> None:
    """It was Bob's alone, by a rule: given back to him it would wait for him."""
    steps = [give(house.bob)["to"][0], give(house.sue)["to"][0]]
    make_rules(house.inbox, {"then": {"to": steps if is_by_name else [{"who": "team"}]}})
    row = row_of(text_in(client, house.sender))
    now = timezone.now()
    bob: dict[str, Any] = {"by": house.viewer(house.bob), "user": house.bob, "now": now}
    row = claim_conversation(conversation=row, **bob)
    snooze_conversation(conversation=row, until=now + timedelta(hours=2), **bob)
    User.objects.filter(pk=house.bob.pk).update(availability="away")

    row = row_of(text_in(client, house.sender, body="Hello?"))
    while route_next(now=timezone.now()):
        pass

    row.refresh_from_db()
    assert (row.owner, row.status) == (None, "open")
    assert readers(row) == ({house.sue.name} if is_by_name else {"team"})


# --- What else a rule does ---


def test_a_rule_writes_a_note_snoozes_or_closes(house: House, client: Client) -> None:
    make_rules(
        house.inbox,
        {"if": has("text", "contains_any", "spam"), "then": {"close": True, "note": "Spam"}},
        {"then": {"snooze_minutes": 30}},
    )

    closed = row_of(text_in(client, house.sender, body="spam spam"))
    snoozed = row_of(text_in(client, house.sender, "+14155550101"))

    assert (closed.status, snoozed.status) == ("closed", "snoozed")
    note = Message.objects.get(kind="note")
    assert (note.body, note.conversation_id, note.author) == ("Spam", closed.pk, None)


def test_a_rules_reply_is_sent_in_its_bots_name(house: House, client: Client) -> None:
    reply = {"reply": {"en": "Thanks {{contact.first_name|there}}"}, "bot_name": "Robo"}
    make_rules(house.inbox, {"then": {**give(house.bob), **reply}})

    text_in(client, house.sender, ProfileName="Maria Lopez")

    said = Message.objects.get(direction="out")
    assert (said.body, said.author_label, said.kind) == ("Thanks Maria", "Robo", "auto")


def test_a_rule_that_closes_still_answers(house: House, client: Client) -> None:
    make_rules(house.inbox, {"then": {"close": True, "reply": {"en": "We are moving."}}})

    row = row_of(text_in(client, house.sender))

    assert row.status == "closed"
    assert Message.objects.get(direction="out").body == "We are moving."


def test_rules_that_cannot_be_read_hide_nothing(house: House, client: Client) -> None:
    good = make_rules(house.inbox, {"then": give(house.bob)})
    bad = RulebookVersion.objects.create(
        account=house.account,
        rulebook=good.rulebook,
        number=2,
        document={"format": 0, "rules": "none"},
        published_by=good.published_by,
        published_at=timezone.now(),
    )
    Rulebook.objects.filter(pk=good.rulebook_id).update(published=bad)

    assert readers(row_of(text_in(client, house.sender))) == {"team"}


def test_somebody_of_another_account_is_never_given_anything(house: House, client: Client) -> None:
    charlie = make_user(make_account(), "Charlie")
    good = make_rules(house.inbox, {"then": give(house.bob)})
    rule = {"id": "x", "name": "X", "then": give(charlie)}
    bad = RulebookVersion.objects.create(
        account=house.account,
        rulebook=good.rulebook,
        number=2,
        document={"format": 1, "rules": [rule]},
        published_by=good.published_by,
        published_at=timezone.now(),
    )
    Rulebook.objects.filter(pk=good.rulebook_id).update(published=bad)

    row = row_of(text_in(client, house.sender))

    assert readers(row) == {"team"}
    assert (
        RoutingTrace.objects.get().rules[0]["candidates"][0]["skipped"] == "nobody of this account"
    )


def test_the_rules_of_another_account_are_never_followed(house: House, client: Client) -> None:
    there = make_inbox(make_account())
    theirs = make_rules(there, {"then": {"close": True}})
    make_rules(house.inbox, {"then": give(house.bob)})
    TeamInbox.objects.filter(pk=house.inbox.pk).update(rulebook=theirs.rulebook)

    row = row_of(text_in(client, house.sender))

    assert (row.status, readers(row)) == ("open", {"team"})


def test_what_was_decided_is_decided_again(house: House, client: Client) -> None:
    """Replaying what was kept of a message gives the plan that was kept."""
    conditions = [
        has("text", "contains_any", "refund"),
        has("number", "starts_with", "+1415"),
        {"all": [{"fact": "is_open", "test": "is_true"}]},
    ]
    steps = [give(house.bob)["to"][0], {"who": "round_robin"}, {"who": "random"}]
    make_rules(
        house.inbox,
        {"if": has("text", "contains_any", "now"), "continue": True, "then": {"tags": ["x"]}},
        *({"if": one, "then": {"to": [step]}} for one, step in zip(conditions, steps, strict=True)),
    )
    for n, body in enumerate(["refund", "hello", "I want a refund", "Hola"]):
        text_in(client, house.sender, f"+1{(415, 212)[n % 2]}5550{n:03d}", body)

    for trace in RoutingTrace.objects.select_related("message", "version"):
        assert trace.message is not None
        assert trace.version is not None
        facts = read_facts(trace.facts, body=trace.message.body)
        rules = Rules(trace.version.number, (), trace.version.rules().rules)
        plan = decide(facts, rules, read_directory(trace.people), now=trace.at)
        assert plan_json(plan) == trace.plan
        assert rules_json(plan.trace) == trace.rules
    assert RoutingTrace.objects.count() == 4
