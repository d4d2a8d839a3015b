"""How do tests of the consent ledger let something happen, and how do they tamper with it?"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Account
from compliance.addresses import Address, parse_address
from compliance.evidence import EventKind, Evidence, Source, Wording
from compliance.models import ConsentEvent
from compliance.recording import Recorded, record_consent
from config.servers.binaries import postgres_tools
from config.servers.place import place_for
from tests.conftest import NOW
from tests.servers import DATA_DIR

MARIA, WEI = parse_address("+14155550100"), parse_address("whatsapp:+6581234567")
SHOWN = Wording("web-sign-up", "7", "en", "I agree to get offers by text. Reply STOP to end.")


def proof(**more: Any) -> Evidence:
    """Return a consent given on a web page, with everything that proves it."""
    given: dict[str, Any] = {
        "kind": EventKind.GRANT,
        "source": Source.WEB_FORM,
        "basis": "express_written",
        "wording": SHOWN,
        "page_url": "https://acme.example/sign-up?mail=maria@example.com",
        "ip": "203.0.113.77",
        "user_agent": "Mozilla/5.0 (Maria's phone)",
        "jurisdiction": "US-CA",
        "pack_version": "2026-11-23.1",
    }
    return Evidence(**{**given, **more})


def tell(
    account: Account,
    kind: EventKind | Evidence,
    address: Address = MARIA,
    *,
    at: datetime = NOW,
    **more: Any,
) -> Recorded:
    """Record one thing in a transaction of its own."""
    source = Source.INBOUND_KEYWORD if kind is EventKind.OPT_IN else Source.VERBAL
    told = kind if isinstance(kind, Evidence) else Evidence(kind, source, **more)
    with transaction.atomic():
        return record_consent(account_id=account.pk, address=address, evidence=told, now=at)


@contextmanager
def by_hand() -> Iterator[Any]:
    """Give a cursor to somebody who owns the tables and switched their triggers off."""
    names = ("consentevent", "consentchain", "consentdetails", "webevidence")
    tables = [f"compliance_{name}" for name in names]
    with connection.cursor() as cursor:
        # What is owed at the end of the transaction would keep the tables from being altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def event(account: Account, seq: int) -> ConsentEvent:
    """Return one event of an account by its number."""
    return ConsentEvent.objects.get(account=account, seq=seq)


def dump() -> str:
    """Return what PostgreSQL's own pg_dump writes of the tables of compliance."""
    to = connection.settings_dict
    program = postgres_tools(place_for(DATA_DIR)) / "pg_dump"
    where = {"PGHOST": to["HOST"], "PGUSER": to["USER"], "PGPORT": to["PORT"]}
    environment = {**os.environ, **{name: str(value) for name, value in where.items() if value}}
    if to["PASSWORD"]:
        environment["PGPASSWORD"] = to["PASSWORD"]
    command = [str(program), "--table=compliance_*", "--data-only", to["NAME"]]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
