"""What rows does our build start from? Few by the ORM, the many by one statement a table.

Columns that are not named get their model's default, so that a new column does not end this.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, transaction
from django.db.models import F, Model
from django.utils.crypto import get_random_string

from accounts.models import (
    Account,
    BrowserSession,
    Feature,
    FeatureGrant,
    License,
    LicensePool,
    Membership,
    Partner,
    Team,
    TwilioAccount,
    User,
)
from accounts.sessions import SessionStore, hash_of_key
from bench.forms import WORDS
from bench.shape import Shape
from compliance.models import Consent
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    EscalationTimer,
    InboxCounter,
    Message,
    Participant,
    ReadCursor,
    ReportState,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.status_urls import status_url
from routing.escalation import LAST, LAST_STEP
from routing.policy_documents import write_step

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SLUG = "support"
SMALL = "small"
SENT = 12_000


@transaction.atomic
def populate(shape: Shape) -> dict[str, Any]:
    """Make everything; return what a load generator must know."""
    with connection.cursor() as cursor:
        # A million rows in one statement, into all their indexes, take longer than any page may.
        cursor.execute("SET LOCAL statement_timeout = 0")
    inboxes = _accounts(shape)
    agents = _people(shape, inboxes)
    _places(shape, inboxes, agents)
    _customers(shape)
    _conversations(shape)
    _messages(shape)
    if shape.is_searched:
        _odd_ones(inboxes[0], agents[inboxes[0].pk])
    _long_waits()
    _reports()
    _counters()
    return {
        "senders": shape.senders(),
        "customers": [
            [shape.sender_of(i), shape.phone_of(i)] for i in range(1, shape.customers + 1)
        ],
        "sent": _sent(),
        "open": _open(inboxes[0]),
        "agents": [_session_of(user) for user in agents[inboxes[0].pk]],
        "outsider": _session_of(agents[inboxes[-1].pk][0]),
        "slug": SLUG,
        "inbox": str(inboxes[0].public_id),
        "account_id": inboxes[0].account_id,
        "inbox_id": inboxes[0].pk,
        "agent_id": agents[inboxes[0].pk][0].pk,
    }


# --- few rows -------------------------------------------------------------------------------------


def _accounts(shape: Shape) -> list[TeamInbox]:
    partner = Partner.objects.create(name="Bench")
    accounts = Account.objects.bulk_create(
        Account(partner=partner, name=f"Account {n}") for n in range(shape.accounts)
    )
    FeatureGrant.objects.bulk_create(
        FeatureGrant(account=account, feature=feature, starts_at=LONG_AGO)
        for account in accounts
        for feature in (Feature.TEAM_INBOX, Feature.WHATSAPP)
    )
    LicensePool.objects.bulk_create(
        LicensePool(account=account, seats=5000, starts_at=LONG_AGO) for account in accounts
    )
    teams = Team.objects.bulk_create(Team(account=account, name="Support") for account in accounts)
    inboxes = TeamInbox.objects.bulk_create(
        TeamInbox(team=team, account=team.account, name="Support", slug=SLUG) for team in teams
    )
    senders = zip(inboxes, shape.senders(), strict=True)
    for inbox, ours in senders:
        twilio = TwilioAccount.objects.create(
            account=inbox.account, account_sid=ours["account_sid"], auth_token=ours["auth_token"]
        )
        Sender.objects.create(
            account=inbox.account,
            inbox=inbox,
            twilio_account=twilio,
            address=ours["address"],
            path_token=ours["token"],
        )
    return inboxes


def _people(shape: Shape, inboxes: list[TeamInbox]) -> dict[int, list[User]]:
    """Give the first inbox all the agents asked for, the others two each."""
    people: dict[int, list[User]] = {}
    for n, inbox in enumerate(inboxes):
        count = max(2, shape.agents) if n == 0 else 2
        people[inbox.pk] = User.objects.bulk_create(
            User(
                email=f"agent.{n}.{m}@example.com",
                name=f"Agent {m}",
                account=inbox.account,
                password=f"!{get_random_string(40)}",
            )
            for m in range(count)
        )
    pools = {pool.account_id: pool for pool in LicensePool.objects.all()}
    pairs = [(inbox, user) for inbox in inboxes for user in people[inbox.pk]]
    Membership.objects.bulk_create(
        Membership(team_id=inbox.pk, user=user, role=Membership.Role.AGENT) for inbox, user in pairs
    )
    License.objects.bulk_create(
        License(pool=pools[inbox.account_id], holder=user, starts_at=LONG_AGO)
        for inbox, user in pairs
    )
    return people


def _session_of(user: User) -> str:
    """Log a person in, as the session back end would; return the cookie's value."""
    key = get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")
    facts = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: "accounts.backends.AuthenticationBackend",
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        "last_inbox": SLUG,
    }
    now = datetime.now(UTC)
    BrowserSession.objects.create(
        key_hash=hash_of_key(key),
        session_data=SessionStore().encode(facts),
        expire_date=now + timedelta(days=1),
        user=user,
        started_at=now,
        seen_at=now,
    )
    return key


# --- many rows ------------------------------------------------------------------------------------


def _places(shape: Shape, inboxes: list[TeamInbox], agents: dict[int, list[User]]) -> None:
    """Let SQL know which rows belong to sender number 0, 1, …"""
    senders = {sender.inbox_id: sender for sender in Sender.objects.all()}
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE place (n int PRIMARY KEY, account bigint, inbox bigint, "
            "sender bigint, address text, agent bigint, colleague bigint) ON COMMIT DROP"
        )
        cursor.executemany(
            "INSERT INTO place VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    n,
                    inbox.account_id,
                    inbox.pk,
                    senders[inbox.pk].pk,
                    senders[inbox.pk].address,
                    agents[inbox.pk][0].pk,
                    agents[inbox.pk][1].pk,
                )
                for n, inbox in enumerate(inboxes)
            ],
        )


def _customers(shape: Shape) -> None:
    source = f"generate_series(1, {shape.customers}) i JOIN place ON place.n = {shape.sql_sender}"
    phone = shape.sql_phone
    is_open, is_owned = f"({shape.sql_state} >= 3)", _is_owned(shape)
    _insert(
        Contact,
        source,
        id="i",
        account_id="place.account",
        public_id=_id("contact"),
        name="CASE WHEN i % 3 = 0 THEN '' ELSE 'Customer ' || i END",
    )
    _insert(
        ContactAddress,
        source,
        id="i",
        account_id="place.account",
        contact_id="i",
        key=f"'sms:' || {phone}",
        family="'sms'",
        raw=phone,
        phone=phone,
    )
    _insert(
        Consent,
        source,
        account_id="place.account",
        address=f"'sms:' || {phone}",
        family="'sms'",
        state="'conversational'",
        ground="'conversational'",
        since="now()",
        wrote_at="now()",
        last_at="now()",
    )
    _insert(
        Thread,
        source,
        id="i",
        account_id="place.account",
        sender_id="place.sender",
        address_id="i",
        contact_id="i",
        public_id=_id("thread"),
        our_address="place.address",
        customer_address=phone,
        last_seq=str(shape.each),
        last_inbound_seq=str(_last_inbound(shape)),
        last_inbound_at=shape.sql_last_at,
    )
    _insert(
        Conversation,
        source,
        id="i",
        account_id="place.account",
        inbox_id="place.inbox",
        thread_id="i",
        contact_id="i",
        public_id=_id("conversation"),
        status=f"CASE WHEN {is_open} THEN 'open' ELSE 'closed' END",
        owner_id=_owner(shape),
        owned_since=f"CASE WHEN {is_owned} THEN {shape.sql_last_at} END",
        is_team_wide=f"NOT {is_owned}",
        was_team_wide_at_close=f"NOT {is_open}",
        waiting_since=f"CASE WHEN {is_open} AND i % 2 = 0 THEN {shape.sql_last_at} END",
        opened_at=f"{shape.sql_last_at} - interval '1 day'",
        closed_at=f"CASE WHEN NOT {is_open} THEN {shape.sql_last_at} END",
        last_activity_at=shape.sql_last_at,
        last_inbound_at=shape.sql_last_at,
        last_inbound_seq=str(_last_inbound(shape)),
        preview=_body("i"),
        preview_kind="'text'",
    )


def _conversations(shape: Shape) -> None:
    source = f"generate_series(1, {shape.customers}) i JOIN place ON place.n = {shape.sql_sender}"
    _insert(
        Participant,
        f"{source} WHERE {_is_owned(shape)}",
        account_id="place.account",
        conversation_id="i",
        user_id=_owner(shape),
        role="'owner'",
        source="'claim'",
        started_at=shape.sql_last_at,
    )
    _insert(
        ReadCursor,
        f"{source} WHERE i % 2 = 0",
        user_id="place.agent",
        conversation_id="i",
        seq=str(shape.each),
    )


def _messages(shape: Shape) -> None:
    """Make the messages of every conversation: odd ones from the customer, even ones from us."""
    number = f"((i::bigint - 1) * {shape.each} + s)"
    is_inbound = "s % 2 = 1"
    at = f"({shape.sql_last_at} - interval '1 minute' * ({shape.each} - s))"
    _insert(
        Message,
        f"generate_series(1, {shape.customers}) i CROSS JOIN generate_series(1, {shape.each}) s "
        f"JOIN place ON place.n = {shape.sql_sender}",
        id=number,
        account_id="place.account",
        thread_id="i",
        conversation_id="i",
        public_id=_id("message", number),
        client_id=f"md5('client' || {number})",
        seq="s",
        direction=f"CASE WHEN {is_inbound} THEN 'in' ELSE 'out' END",
        author_id=f"CASE WHEN NOT ({is_inbound}) THEN place.agent END",
        body=_body(number),
        status=f"CASE WHEN {is_inbound} THEN 'received' ELSE 'sent' END",
        provider_sid=f"'SM' || md5('sid' || {number})",
        created_at=at,
        received_at=f"CASE WHEN {is_inbound} THEN {at} END",
        settled_at=f"CASE WHEN NOT ({is_inbound}) THEN {at} END",
    )


def _odd_ones(inbox: TeamInbox, agents: list[User]) -> None:
    """Make a small inbox, the only one of the last agent, and files of a few messages."""
    team = Team.objects.create(account=inbox.account, name="Small")
    small = TeamInbox.objects.create(team=team, account=inbox.account, name="Small", slug=SMALL)
    Membership.objects.filter(user=agents[-1]).update(team=team)
    Membership.objects.create(team=team, user=agents[0], role=Membership.Role.AGENT)
    rows = Conversation.objects.filter(inbox=inbox).alias(odd=F("pk") % 97)
    rows.filter(odd=1).update(inbox=small)
    _insert(
        Attachment,
        "inbox_message m WHERE m.id % 211 = 1",
        account_id="m.account_id",
        message_id="m.id",
        public_id=_id("file", "m.id"),
        state="'ready'",
        look="'image'",
    )


def _long_waits() -> None:
    """Let supervisors know of who waits for days, as they do where the product has run so long."""
    day = "interval '24 hours'"
    _insert(
        EscalationTimer,
        f"inbox_conversation c WHERE c.waiting_since < now() - {day} + interval '2 hours'",
        account_id="c.account_id",
        conversation_id="c.id",
        wait_generation="c.wait_generation",
        step=str(LAST),
        plan=f"'{json.dumps(write_step(LAST_STEP))}'::jsonb",
        anchor_at="c.waiting_since",
        length=day,
        ahead="interval '0'",
        due_at=f"c.waiting_since + {day}",
        fired_at=f"c.waiting_since + {day}",
    )


def _reports() -> None:
    """Have the past in reports, as they are where the product has run so long."""
    _insert(
        ReportState,
        "accounts_account a",
        account_id="a.id",
        counted_to="now()",
        next_at="now() + interval '5 minutes'",
        repair_at="now() + interval '1 day'",
    )


def _counters() -> None:
    """Let later rows get later numbers."""
    with connection.cursor() as cursor:
        for model in (Contact, ContactAddress, Thread, Conversation, Message):
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
    _insert(InboxCounter, "inbox_teaminbox", inbox_id="team_id")


def _insert(model: type[Model], rows: str, /, **given: str) -> None:
    """Fill a table from `rows`; `given` are SQL expressions by column."""
    columns, expressions, values = [], [], []
    for field in model._meta.concrete_fields:
        column = field.column
        if column in given:
            expressions.append(given.pop(column))
        elif getattr(field, "auto_now_add", False):
            expressions.append("now()")
        elif field.primary_key:
            continue
        else:
            expressions.append("%s")
            values.append(field.get_db_prep_save(field.get_default(), connection))
        columns.append(f'"{column}"')
    assert not given, f"{model.__name__} has no {sorted(given)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {', '.join(e if e == '%s' else e.replace('%', '%%') for e in expressions)} "
            f"FROM {rows.replace('%', '%%')}",
            values,
        )


def _is_owned(shape: Shape) -> str:
    return f"({shape.sql_state} IN (3, 4, 5))"


def _owner(shape: Shape) -> str:
    state = shape.sql_state
    return (
        f"(CASE WHEN {state} IN (3, 4) THEN place.agent WHEN {state} = 5 THEN place.colleague END)"
    )


def _id(kind: str, number: str = "i") -> str:
    return f"left(md5('{kind}' || {number}), 22)"


def _body(number: str) -> str:
    quoted = ", ".join(_quoted(WORDS))
    return f"(ARRAY[{quoted}])[1 + ({number}) % {len(WORDS)}]"


def _quoted(words: Iterable[str]) -> Iterable[str]:
    return (f"""'{word.replace("'", "''")}'""" for word in words)


def _last_inbound(shape: Shape) -> int:
    return shape.each if shape.each % 2 else shape.each - 1


def _open(inbox: TeamInbox) -> list[tuple[int, str]]:
    """Return customers of the first sender whose conversation the whole team has open."""
    found = Conversation.objects.filter(
        inbox=inbox, status=Conversation.Status.OPEN, is_team_wide=True
    )
    phones = found.order_by("pk").values_list("thread__customer_address", flat=True)
    return [(0, phone) for phone in phones[:50]]


def _sent() -> list[dict[str, Any]]:
    """Return messages of ours that Twilio can still report on, with the address it calls."""
    places = {sender.pk: n for n, sender in enumerate(Sender.objects.order_by("pk"))}
    found = Message.objects.filter(direction=Message.Direction.OUT).select_related("thread__sender")
    return [
        {
            "sid": message.provider_sid,
            "sender": places[message.thread.sender_id],
            "customer": message.thread.customer_address,
            "query": f"?{status_url(message.thread.sender, message).partition('?')[2]}",
        }
        for message in found.order_by("pk")[:SENT]
    ]
