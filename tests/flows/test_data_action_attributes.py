"""Does what a Data Action knows of a customer reach the customer's card?"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Feature, FeatureGrant
from inbox.deciding.again import route_next
from inbox.models import Contact, Conversation, InboxEvent, RoutingTrace
from routing.facts import Directory
from routing.lint import Known
from routing.lookups import add_data_action
from routing.rulebooks import make_rulebook, publish, save_draft
from tests.conftest import House
from tests.factories import LONG_AGO
from tests.outside import outside, says
from tests.twilio import text_in

MARIA = "+14155550100"


@pytest.fixture
def code(house: House, settings: Any) -> Any:
    """An inbox whose rule asks code of the customer's own."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]
    answer = {
        "tags": ["Order", "order"],
        "attributes": {"tier": "gold", "codes": ["a", "b"], "old": None, "a.b": 1},
    }
    FeatureGrant.objects.create(
        account=house.account, feature=Feature.CUSTOM_ROUTING, starts_at=LONG_AGO
    )
    with outside(says(json.dumps(answer).encode())) as host:
        now = timezone.now()
        add_data_action(account=house.account, name="code", url=host.url, by=house.sue, now=now)
        rulebook = make_rulebook(account=house.account, name="Ours", by=house.sue, now=now)
        step = {"who": "data_action", "lookup": "code"}
        rule = {"id": "r1", "name": "Ask our code", "then": {"to": [step]}}
        save_draft(rulebook=rulebook, document={"rules": [rule]}, seen=1, by=house.sue, now=now)
        publish(
            rulebook=rulebook,
            seen=2,
            note="",
            directory=Directory(),
            known=Known(lookups=frozenset({"code"})),
            by=house.sue,
            now=now,
            is_sure=True,
        )
        house.inbox.rulebook = rulebook
        house.inbox.save(update_fields=["rulebook"])
        yield host


@pytest.mark.django_db(transaction=True)
def test_attributes_of_a_verdict_stand_on_the_card(house: House, client: Client, code: Any) -> None:
    text_in(client, house.sender, MARIA, "Where is my order?")
    Contact.objects.update(attributes={"old": "x", "mine": True}, tags=["vip"])

    assert route_next(now=timezone.now())

    contact, row = Contact.objects.get(), Conversation.objects.get()
    assert contact.attributes == {"mine": True, "tier": "gold", "codes": ["a", "b"]}
    assert (contact.tags, row.tags) == (["vip"], ["Order"])
    trace = RoutingTrace.objects.get()
    assert trace.plan["attributes"] == {"tier": "gold", "codes": ["a", "b"], "old": None, "a.b": 1}
    assert trace.lookups["code"]["skipped"] == [
        "“a.b”: The name of an attribute has no dots, braces or bars."
    ]
    changed = InboxEvent.objects.filter(type="contact.updated").values_list("data", flat=True)
    assert [one["changed"] for one in changed] == [["attributes"]]
