"""What rows does the comparator start from? As many, for the same people, as ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils.crypto import get_random_string

from bench.forms import WORDS
from bench.shape import Shape
from bench.textbook.models import Account, Conversation, Inbox, Message, Sender

SENT = 12_000


@transaction.atomic
def populate(shape: Shape) -> dict[str, Any]:
    """Make everything; return what a load generator must know."""
    inboxes, agents = _accounts(shape)
    _rows(shape)
    return {
        "senders": shape.senders(),
        "customers": [
            [shape.sender_of(i), shape.phone_of(i)] for i in range(1, shape.customers + 1)
        ],
        "sent": _sent(),
        "open": _open(inboxes[0]),
        "agents": [_session_of(user) for user in agents[0]],
        "outsider": _session_of(agents[-1][0]),
        "inbox_id": inboxes[0].pk,
    }


def _accounts(shape: Shape) -> tuple[list[Inbox], list[list[User]]]:
    inboxes, agents = [], []
    for n, ours in enumerate(shape.senders()):
        account = Account.objects.create(
            name=f"Account {n}", account_sid=ours["account_sid"], auth_token=ours["auth_token"]
        )
        inbox = Inbox.objects.create(account=account, name="Support")
        Sender.objects.create(inbox=inbox, address=ours["address"], path_token=ours["token"])
        users = User.objects.bulk_create(
            User(username=f"agent.{n}.{m}", first_name=f"Agent {m}", password="!")
            for m in range(max(2, shape.agents) if n == 0 else 2)
        )
        inbox.members.add(*(user.pk for user in users))
        inboxes.append(inbox)
        agents.append(users)
    return inboxes, agents


def _session_of(user: User) -> str:
    key = get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")
    facts = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=key,
        session_data=SessionStore().encode(facts),
        expire_date=datetime.now(UTC) + timedelta(days=1),
    )
    return key


def _rows(shape: Shape) -> None:
    """Fill the large tables; inbox, account and sender number n all have the id n + 1."""
    words = ", ".join(f"""'{word.replace("'", "''")}'""" for word in WORDS)
    body = f"(ARRAY[{words}])[1 + %s %% {len(WORDS)}]"
    place, last, state = f"{shape.sql_sender} + 1", shape.sql_last_at, shape.sql_state
    agent = "(SELECT min(user_id) {} FROM textbook_inbox_members m WHERE m.inbox_id = place)"
    statements = [
        "INSERT INTO textbook_contact (id, account_id, phone, name, is_opted_out) "
        f"SELECT i, {place}, {shape.sql_phone}, "
        "CASE WHEN i % 3 = 0 THEN '' ELSE 'Customer ' || i END, false "
        f"FROM generate_series(1, {shape.customers}) i",
        "INSERT INTO textbook_conversation "
        "(id, inbox_id, contact_id, owner_id, is_open, preview, last_activity_at) "
        "SELECT i, place, i, "
        f"CASE WHEN {state} IN (3, 4) THEN {agent.format('')} "
        f"WHEN {state} = 5 THEN {agent.format('+ 1')} END, "
        f"{state} >= 3, {body.replace('%s', 'i').replace('%%', '%')}, {last} "
        f"FROM (SELECT i, {place} AS place FROM generate_series(1, {shape.customers}) i) rows",
        "INSERT INTO textbook_readmark (user_id, conversation_id, read_at) "
        f"SELECT {agent.format('')}, i, {last} FROM "
        f"(SELECT i, {place} AS place FROM generate_series(1, {shape.customers}) i) rows "
        "WHERE i % 2 = 0",
        "INSERT INTO textbook_message "
        "(id, conversation_id, sid, is_inbound, body, status, created_at, processed_at) "
        "SELECT n, i, 'SM' || md5('sid' || n), s % 2 = 1, "
        f"{body.replace('%s', 'n').replace('%%', '%')}, "
        "CASE WHEN s % 2 = 1 THEN 'received' ELSE 'sent' END, "
        f"{last} - interval '1 minute' * ({shape.each} - s), now() "
        f"FROM (SELECT i, s, (i::bigint - 1) * {shape.each} + s AS n "
        f"FROM generate_series(1, {shape.customers}) i, generate_series(1, {shape.each}) s) rows",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("%", "%%"), [])
        for table in ("contact", "conversation", "message"):
            name = f"textbook_{table}"
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"
            )


def _open(inbox: Inbox) -> list[tuple[int, str]]:
    found = Conversation.objects.filter(inbox=inbox, is_open=True, owner=None).order_by("pk")
    return [(0, phone) for phone in found.values_list("contact__phone", flat=True)[:50]]


def _sent() -> list[dict[str, Any]]:
    found = Message.objects.filter(is_inbound=False).select_related("conversation__contact")
    return [
        {
            "sid": message.sid,
            "sender": message.conversation.inbox_id - 1,
            "customer": message.conversation.contact.phone,
            "query": "",
        }
        for message in found.order_by("pk")[:SENT]
    ]
