"""Does any page of the admin ask more than fifteen questions at ten thousand rows a table?"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import LicensePool, Team, User
from inbox.models import TeamInbox
from tests.admin_world import (
    Company,
    admin_url,
    browser_of,
    content_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
)
from tests.factories import make_user

ROWS = 10_000
MOST = 15
# Copies have these keys, so that they can point at each other.
FIRST = 1_000_000
OWN = f"{FIRST} + g"
EACH: dict[str, dict[str, str]] = {
    "accounts_account": {"public_id": "gen_random_uuid()", "name": "'Account ' || g"},
    "accounts_user": {"email": "'user' || g || '@example.com'", "name": "'User ' || g"},
    "accounts_team": {"name": "'Team ' || g"},
    "accounts_membership": {"user_id": OWN},
    "accounts_license": {"holder_id": OWN},
    "accounts_auditentry": {},
    "accounts_featuregrant": {"account_id": OWN},
    "inbox_sender": {
        "address": "'+1666' || (1000000 + g)",
        "path_token": "'token' || g",
        "inbox_id": "inbox_id",
    },
    "inbox_contact": {"public_id": "'contact' || g"},
    "inbox_contactaddress": {"key": "'+1777' || (1000000 + g)", "contact_id": OWN},
    "inbox_contactimport": {"public_id": "'file' || g"},
    "inbox_mergelog": {"public_id": "'merge' || g", "absorbed_id": OWN},
    "inbox_thread": {"public_id": "'thread' || g", "address_id": OWN, "contact_id": OWN},
    "inbox_conversation": {
        "public_id": "'conversation' || g",
        "thread_id": OWN,
        "contact_id": OWN,
        "previous_id": "NULL",
    },
    "inbox_participant": {"conversation_id": OWN},
    "inbox_conversationevent": {"conversation_id": OWN, "thread_id": OWN},
    "inbox_readcursor": {"conversation_id": OWN},
    "inbox_draft": {"conversation_id": OWN},
    "inbox_reportcell": {"conversation_id": OWN},
    "inbox_message": {
        "public_id": "'message' || g",
        "client_id": "'client' || g",
        "provider_sid": "NULL",
        "conversation_id": OWN,
        "thread_id": OWN,
        "seq": "g",
    },
    "inbox_attachment": {"public_id": "'file' || g", "message_id": OWN},
    "inbox_autoreplylog": {"thread_id": OWN, "message_id": OWN, "trigger_id": OWN},
    "inbox_inboxevent": {"seq": "1000 + g"},
    "inbox_eventdelivery": {"seq": "1000 + g"},
    "inbox_receipt": {"message_sid": "'SM' || g"},
    "compliance_accountkeyword": {
        "form": "'form' || g",
        "slot": "1 + g % 20",
        "language": "chr(97 + (g / 20) % 26) || chr(97 + (g / 520) % 26) || 'x'",
    },
    "compliance_consent": {"address": "'+1777' || (1000000 + g)"},
    "compliance_consentevent": {"seq": "1000 + g"},
    "compliance_consentkey": {"handle": "'handle' || g"},
    "compliance_consentdetails": {"event_id": OWN},
    "compliance_webevidence": {"event_id": OWN},
    "compliance_suppression": {"handle": "'handle' || g"},
    "compliance_gatedecision": {},
    "compliance_consentimport": {
        "public_id": "'file' || g",
        "key": "'key' || g",
        "idempotency_key": "''",
    },
    "compliance_consentimportline": {"line": "g", "file_id": OWN},
    "compliance_sharedconsent": {"seq": "1000 + g", "correlation_id": "md5(g::text)"},
    "compliance_consentcomparison": {},
    "compliance_consentdifference": {"comparison_id": OWN},
    "compliance_reassignmentcheck": {"handle": "'handle' || g"},
    "inbox_optinapproval": {"proposed": "100 + g"},
    "inbox_toldconsent": {"key": "'key' || g"},
    "inbox_consentquestion": {"message_id": OWN, "thread_id": OWN, "event": "100 + g"},
    "inbox_consentreview": {"message_id": OWN, "thread_id": OWN},
    "inbox_legalhold": {"public_id": "'hold' || g", "conversation_id": OWN},
    "inbox_forgettingcertificate": {"number": "1000 + g"},
    "inbox_erasure": {
        "public_id": "'erasure' || g",
        "subject": "'subject' || g",
        "certificate_id": "NULL",
    },
    "inbox_remotedeletion": {"message_sid": "'SM' || g"},
    "compliance_ruleoverride": {"number": "1 + g"},
    "compliance_jurisdictionpack": {"version": "'2020-01-01.' || g", "content": "'{}'"},
    "compliance_providerblock": {"address": "'+1777' || (1000000 + g)"},
}


@pytest.fixture
def acme(db: None) -> Company:
    acme = make_company("Acme", "Northwind")
    LicensePool.objects.update(seats=ROWS + 100)
    with connection.cursor() as cursor:
        # Ten thousand seats are checked one by one: that may take its time.
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table, values in EACH.items():
            _copy(cursor, table, values)
        cursor.execute("ANALYZE")
    return acme


def _copy(cursor: Any, table: str, values: dict[str, str]) -> None:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND column_name <> 'id' AND is_generated = 'NEVER'",
        [table],
    )
    columns = [name for (name,) in cursor.fetchall()]
    picked = [values.get(name, f't."{name}"') for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(
        f"INSERT INTO {table} (id, {names}) SELECT {FIRST} + g, {', '.join(picked)}"
        f" FROM {table} AS t, generate_series(1, {ROWS}) AS g"
        f" WHERE t.id = (SELECT min(id) FROM {table})"
    )


@pytest.mark.slow
def test_no_page_of_any_role_asks_more_than_fifteen_questions(acme: Company) -> None:
    people = {
        "staff": make_staff(),
        "partner": make_partner_user(acme.partner),
        "admin": make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
        "auditor": make_user(acme.account, "Audrey", works_as=User.Role.AUDITOR),
    }
    too_many: list[str] = []
    first: dict[str, int] = {}
    seen = 0

    for who in ("staff", "partner"):
        # What they may look at at most, and every look of theirs is written down.
        enter_for_support(acme, people[who])
    for who, person in people.items():
        client = browser_of(person)
        for url in ("/admin/", "/admin/fleet/", *_pages(acme)):
            count, status = _ask(client, url)
            seen += status == 200
            if url == "/admin/":
                first[who] = count
            if count > MOST:
                too_many.append(f"{who} {url}: {count}")

    assert too_many == []
    # The first page leaves room for what comes to wait there.
    assert max(first.values()) <= MOST - 2, first
    assert seen > 150
    assert Team.objects.count() > ROWS
    assert TeamInbox.objects.exists()


def _pages(acme: Company) -> list[str]:
    pages = []
    for model in admin.site._registry:
        base = admin_url(model, "list")
        pages += [base, f"{base}?q=7", f"{base}?p=3", f"{base}add/", f"{base}export/?q=1"]
        pk = _newest(model, acme)
        pages += [admin_url(model, page, pk) for page in ("change", "history")]
    return pages


def _newest(model: type[Model], acme: Company) -> Any:
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    return acme.account.pk if model._meta.model_name == "account" else row.pk


def _ask(client: Client, url: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
        content_of(answer)
    return len(captured), answer.status_code
