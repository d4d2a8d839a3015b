"""Does a policy that an admin writes bring help to a customer, and do people see it coming?"""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import License, User
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation, snooze_conversation
from inbox.escalating import fire_due
from inbox.models import Conversation, EscalationTimer, Message, TeamInbox
from inbox.models.ids import client_id
from inbox.sending import send_reply
from inbox.setup.policies import delete_policy, problems_of
from inbox.setup.refusals import SetUpError
from inbox.setup.rules import Whose, publish_draft
from routing.models import EscalationPolicy, Rulebook
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_inbox, make_policy, make_rules, make_user
from tests.live import Live, until
from tests.twilio import text_in

MARIA = "+14155550100"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def next_step(page: Any) -> str:
    """Return the words of what comes next; blank if nothing is said."""
    found = re.search(r'<p id="next-step".*?</p>', page.text, re.DOTALL)
    return words(found[0]) if found else ""


def fields_of(html: str, form: int) -> dict[str, str]:
    """Return what stands in a form of a page, as a browser would send it back."""
    body = re.findall(r"<form.*?</form>", html, re.DOTALL)[form]
    found = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', body))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_an_admin_writes_add_bo_after_five_minutes_and_the_phone_proves_it(
    house: House, edge: Live
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    bo = make_user(house.account, "Bo")
    admin, alice, page = Browser(edge, ada), Browser(edge, house.alice), Browser(edge, bo)
    edge.carrier.know(edge.base_url, house.sender)

    admin.post("/settings/escalation/", name="Bo helps", start="empty")
    policy = EscalationPolicy.objects.get()
    here = f"/settings/escalation/{policy.pk}/"
    built = admin.post(here, **{**fields_of(admin.get(here).text, 0), "do": "add"})
    form = {**fields_of(built.text, 0), "s0-after": "5", "s0-who": bo.email}
    named = admin.post(here, **{**form, "do": "else-0"})
    saved = admin.post(here, **{**fields_of(named.text, 0), "do": "save"})
    assert saved.status_code == 302
    tab = f"/settings/inboxes/{house.inbox.slug}/escalation/"
    assert admin.post(tab, policy=policy.pk, seen="").status_code == 302
    assert "After 5 minutes, if nobody has answered: add Bo" in admin.get(tab).text
    for text in ("Where is my parcel?", "Hello??"):
        edge.carrier.ask(
            "POST", "inbound", **{"from": MARIA, "to": house.sender.address, "body": text}
        )
        until(Message.objects.filter(body=text).exists, within=10, what="the message is there")
    row = Conversation.objects.get()
    assert Browser(edge, house.alice).act("claim", row, version=row.version).status_code == 200
    path = f"/inbox/{house.inbox.slug}/c/{row.public_id}/"
    assert page.get(path).status_code == 404
    coming = next_step(alice.get(path))
    assert coming.startswith("Bo is added at ")
    assert coming.endswith("unless somebody answers")
    since = Conversation.objects.get().waiting_since
    assert since is not None

    fire_due(now=since + timedelta(minutes=4.9))
    assert page.get(path).status_code == 404
    fire_due(now=since + timedelta(minutes=5))

    shown = page.get(path)
    assert shown.status_code == 200
    assert "Where is my parcel?" in shown.text
    assert "Hello??" in shown.text
    assert "Escalation added Bo: no answer for 5 minutes" in shown.text
    assert next_step(alice.get(path)).startswith("The supervisors are told at ")


@pytest.fixture
def row(house: House, client: Client) -> Conversation:
    """Maria waits; Bob is to be added, then Sales, then the priority changes."""
    sales = make_inbox(house.account, "Sales")
    make_policy(
        house.inbox,
        {"after": 5, "to": [{"users": [house.bob.pk]}, {"team": sales.pk}]},
        {"after": 20, "do": "priority", "priority": "high", "when": "unclaimed"},
        {"after": 30, "do": "release", "when": "owner_silent"},
    )
    found = text_in(client, house.sender, MARIA).conversation
    assert found is not None
    return found


def desk(house: House, login: Any, row: Conversation) -> Any:
    return login(house.alice).get(f"/c/{row.public_id}/desk/")


def test_the_next_step_follows_what_people_do(house: House, login: Any, row: Conversation) -> None:
    row.refresh_from_db()
    since = row.waiting_since
    assert since is not None
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    assert next_step(desk(house, login, row)).startswith("Bob, or else Sales, is added at ")

    EscalationTimer.objects.filter(step=1).update(next_at=None, fired_at=since)
    unclaimed = next_step(desk(house, login, row))
    assert unclaimed.startswith("Its priority becomes high at ")
    assert unclaimed.endswith("unless somebody claims it or answers")
    claim_conversation(conversation=row, now=since + timedelta(minutes=1), **by)
    assert next_step(desk(house, login, row)).startswith("It goes back to the team at ")
    row = Conversation.objects.get(pk=row.pk)
    snooze_conversation(conversation=row, until=None, now=since + timedelta(minutes=2), **by)
    assert next_step(desk(house, login, row)) == ""


@pytest.mark.parametrize("how", ["reply", "close"])
def test_who_is_answered_or_done_with_waits_for_nothing(
    house: House, login: Any, row: Conversation, how: str
) -> None:
    row.refresh_from_db()
    at = row.waiting_since
    assert at is not None
    by: Any = {"by": house.viewer(house.alice), "user": house.alice, "conversation": row}

    if how == "reply":
        send_reply(body="Hi", client_id=client_id(), now=at, **by)
    else:
        close_conversation(last_seen_seq=99, waiting_ok=True, now=at, **by)

    assert next_step(desk(house, login, row)) == ""


def test_what_comes_next_costs_three_questions_and_none_without_a_policy(
    house: House, login: Any, row: Conversation
) -> None:
    desk(house, login, row)
    with CaptureQueriesContext(connection) as with_policy:
        desk(house, login, row)
    TeamInbox.objects.update(escalation=None)
    with CaptureQueriesContext(connection) as without:
        desk(house, login, row)

    assert len(with_policy) - len(without) <= 3
    assert not [one for one in without if "escalationtimer" in one["sql"]]


def test_who_may_not_read_it_learns_nothing_of_what_comes(
    house: House, login: Any, row: Conversation, charlie: User
) -> None:
    answer = login(charlie).get(f"/c/{row.public_id}/desk/")

    assert answer.status_code == 404
    assert "Bob" not in answer.text


@pytest.mark.django_db(transaction=True)
def test_a_policy_is_not_deleted_while_rules_that_choose_it_are_being_published(
    house: House,
) -> None:
    version = make_rules(house.inbox, {"then": {"tags": ["new"]}})
    ada = User.objects.get(name="Ada")
    policy = make_policy(house.inbox, {"after": 5, "do": "notify"}, name="VIP")
    TeamInbox.objects.update(escalation=None)
    book = version.rulebook
    book.draft["rules"][0]["then"]["escalation"] = "VIP"
    book.save()
    refused: list[str] = []

    def delete() -> None:
        try:
            delete_policy(policy=policy, by=ada, now=timezone.now())
        except SetUpError as error:
            refused.append(error.reason)
        finally:
            connections.close_all()

    deleting = threading.Thread(target=delete)

    def examples(_book: Rulebook) -> list[object]:
        # In the middle of publishing, when all was found to be well.
        deleting.start()
        deleting.join(1)
        return []

    publish_draft(
        whose=Whose(house.account, TeamInbox.objects.get(pk=house.inbox.pk)),
        seen=book.draft_version,
        note="",
        by=ada,
        now=timezone.now(),
        is_sure=True,
        failing=examples,
    )
    deleting.join(20)

    assert "These published rules choose “VIP”" in refused[0]
    assert EscalationPolicy.objects.get() == policy


def test_a_supervisor_is_missed_where_a_step_tells_the_supervisors(
    house: House, login: Any
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    policy = make_policy(house.inbox, {"after": 5, "do": "notify"})
    assert problems_of(policy, policy.policy(), now=timezone.now()) == ()
    License.objects.filter(holder=house.sue).delete()

    shown = words(login(ada).get(f"/settings/escalation/{policy.pk}/").content.decode())

    assert "Support has no supervisor who is active and has a licence: nobody is told." in shown
