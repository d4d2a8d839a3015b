"""How many questions does the database get for one message? No more than last time."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import House
from tests.twilio import inbound_form, post_signed

CUSTOMER = "+14155550001"
# The sender; the receipt; then in one transaction receipt, thread, consent and conversation, each
# locked; thread, conversation and message written; the audience; the event; the receipt settled.
STORY = 12
FIRST_STORY = 24


def statements(house: House, client: Client, body: str) -> list[str]:
    """Let the customer write; return what the database was asked, without the brackets."""
    form = inbound_form(house.sender, CUSTOMER, body)
    path = f"/hooks/twilio/{house.sender.path_token}"
    with CaptureQueriesContext(connection) as captured:
        answer = post_signed(client, path, form, house.sender.twilio_account.auth_token)
    assert answer.status_code == 200
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [query["sql"] for query in captured if not query["sql"].startswith(brackets)]


@pytest.mark.django_db(transaction=True)
def test_a_message_in_an_open_conversation_asks_little(house: House, client: Client) -> None:
    first = statements(house, client, "Hello")
    second = statements(house, client, "Are you there?")

    assert len(first) <= FIRST_STORY, "\n".join(first)
    assert len(second) <= STORY, "\n".join(second)
