"""Who gets what at every address of the settings?

One verdict per address, method and person; an address without one fails the test.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    ApiKey,
    FeatureRequest,
    Invitation,
    License,
    LicensePool,
    Membership,
    SupportAccess,
    User,
)
from accounts.programs import make_key
from compliance.evidence import EventKind
from compliance.models import ConsentImport
from inbox.api_urls import of_settings
from inbox.forgetting.certificates import Went, issue
from inbox.models import (
    CannedReply,
    Contact,
    ContactImport,
    Erasure,
    EventWebhook,
    ForgettingCertificate,
    LegalHold,
    Message,
    OptInApproval,
    TeamInbox,
    WhatsAppTemplate,
)
from inbox.sending import send_test
from inbox.settings_urls import urlpatterns
from inbox.setup.consent_imports import start, upload
from inbox.setup.contact_imports import upload as upload_contacts
from inbox.setup.rules import Whose, publish_draft, replace_draft
from routing.lookups import new_secret
from routing.models import (
    BusinessHours,
    CrmConnector,
    CrmTable,
    DataAction,
    EscalationPolicy,
    RulebookVersion,
    RuleExample,
)
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_hours, make_policy, make_user

Login = Callable[[User], Client]
PEOPLE = ("admin", "other_admin", "supervisor", "agent", "auditor", "partner", "staff", "nobody")
# They are in the account for support; see `Row.in_support`.
SUPPORTERS = ("partner_in_support", "staff_in_support")
# In another account for support: there they get what its admin gets, and here nothing.
ELSEWHERE = "partner_elsewhere"


@dataclass
class Scene:
    """An account with an admin, and everybody who would like to have a look."""

    house: House
    clients: dict[str, Client]
    support: dict[str, SupportAccess]
    hours: BusinessHours
    policy: EscalationPolicy
    asked: FeatureRequest
    pool: LicensePool
    nora: User

    @property
    def seat(self) -> License:
        """Alice's seat."""
        return License.objects.get(holder=self.house.alice)


@pytest.fixture
def scene(house: House, login: Login, twilio: Twilio) -> Scene:
    twilio.knows(house.sender)
    account, partner = house.account, house.account.partner
    works_there = {"role": "partner", "partner": partner, "is_staff": True}
    admin_role, auditor_role = User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR
    elsewhere = make_account("Umbrella", partner_name="Southridge")
    works_elsewhere = {**works_there, "partner": elsewhere.partner}
    people = {
        "admin": make_user(account, "Ada", works_as=admin_role),
        "other_admin": make_user(elsewhere, "Otto", works_as=admin_role),
        "supervisor": house.sue,
        "agent": house.alice,
        "auditor": make_user(account, "Audrey", works_as=auditor_role),
        "partner": User.objects.create(email="pat@example.com", name="Pat", **works_there),
        "staff": User.objects.create_superuser("stan@example.com", name="Stan"),
        "partner_in_support": User.objects.create(
            email="pia@example.com", name="Pia", **works_there
        ),
        "staff_in_support": User.objects.create_superuser("stella@example.com", name="Stella"),
        ELSEWHERE: User.objects.create(email="quinn@example.com", name="Quinn", **works_elsewhere),
    }
    now = timezone.now()
    support = {
        who: SupportAccess.objects.create(
            account=elsewhere if who == ELSEWHERE else account,
            user=people[who],
            reason="They asked for help",
            starts_at=now,
            ends_at=now + timedelta(hours=1),
        )
        for who in (*SUPPORTERS, ELSEWHERE)
    }
    clients = {who: login(user) for who, user in people.items()}
    return Scene(
        house,
        {**clients, "nobody": Client()},
        support,
        hours=make_hours(account),
        policy=make_policy(house.inbox, {"after": 5, "do": "notify"}),
        asked=FeatureRequest.objects.create(
            account=account, feature="optout_compliance", asked_by=people["admin"], asked_at=now
        ),
        pool=LicensePool.objects.get(account=account),
        nora=make_user(account, "Nora", is_licensed=False),
    )


# Status per person, in the order of PEOPLE. 404: not yours is not there. 302: log in first.
OWN_ACCOUNT = (200, 200, 404, 404, 404, 404, 404, 302)
ADMIN_ONLY = (200, 404, 404, 404, 404, 404, 404, 302)
DONE_BY_ADMIN = (302, 404, 404, 404, 404, 404, 404, 302)
IMPORTED = (302, 302, 404, 404, 404, 404, 404, 302)
WITH_AUDITOR = (200, 200, 404, 404, 200, 404, 404, 302)
WITH_AGENTS = (200, 200, 200, 200, 404, 404, 404, 302)


def policy_of_scene(scene: Scene) -> dict[str, Any]:
    """Name the escalation policy of the inbox."""
    return {"pk": scene.policy.pk}


def hours_of_scene(scene: Scene) -> dict[str, Any]:
    """Name business hours that no inbox keeps."""
    return {"pk": scene.hours.pk}


@dataclass(frozen=True)
class Row:
    """The verdicts on one method of one address.

    `in_support`: what SUPPORTERS get, in their order. Without it they get what the admin gets:
    settings are theirs to change. What they do is taken back each time. `elsewhere`: what ELSEWHERE
    gets; without it they get what the other admin gets.
    """

    verdicts: tuple[int, ...]
    kwargs: Callable[[Scene], dict[str, Any]] = lambda scene: {}
    data: Callable[[Scene], dict[str, Any]] = lambda scene: {}
    in_support: tuple[int, int] | None = None
    elsewhere: int | None = None


def _slug(scene: Scene) -> dict[str, Any]:
    return {"slug": scene.house.inbox.slug}


def _number(scene: Scene) -> dict[str, Any]:
    return {"slug": scene.house.inbox.slug, "pk": scene.house.sender.pk}


def _twilio(scene: Scene) -> int:
    return scene.house.sender.twilio_account_id


def _test(scene: Scene) -> dict[str, Any]:
    admin = User.objects.get(name="Ada")
    found = Message.objects.filter(purpose="test").first() or send_test(
        sender=scene.house.sender, phone="+12025550142", by=admin, now=timezone.now()
    )
    return {"slug": scene.house.inbox.slug, "public_id": found.public_id}


# What belongs to one account is there for its admin alone; an act leads back to a page.
DONE_IN_OWN = (302, 302, 404, 404, 404, 404, 404, 302)
REFUSED_IN_WORDS = (422, 422, 404, 404, 404, 404, 404, 302)


# Programs are told in words that they must log in, and what a request lacks.
API = (200, 404, 404, 404, 404, 404, 404, 401)
API_EMPTY = (400, 404, 404, 404, 404, 404, 404, 401)
API_GONE = (204, 404, 404, 404, 404, 404, 404, 401)
API_OWN = (200, 200, 404, 404, 404, 404, 404, 401)
API_OWN_EMPTY = (400, 400, 404, 404, 404, 404, 404, 401)


def _public_id(scene: Scene) -> dict[str, Any]:
    return {"public_id": scene.house.inbox.public_id}


def _bob(scene: Scene) -> dict[str, Any]:
    return {"pk": scene.house.bob.pk}


def _team(scene: Scene) -> dict[str, Any]:
    return {"pk": scene.house.inbox.team_id}


def _member(scene: Scene) -> dict[str, Any]:
    part = Membership.objects.get(user=scene.house.bob)
    return {"pk": part.team_id, "member": part.pk}


def _invitation(scene: Scene) -> dict[str, Any]:
    row, _ = Invitation.objects.get_or_create(
        account=scene.house.account,
        email="ivy@example.com",
        defaults={"invited_at": LONG_AGO, "expires_at": LONG_AGO},
    )
    return {"pk": row.pk}


def _greeting(scene: Scene) -> dict[str, Any]:
    return {**_slug(scene), "part": "first-message"}


def _canned(scene: Scene) -> dict[str, Any]:
    row, _ = CannedReply.objects.get_or_create(
        account=scene.house.account,
        shortcut="hours",
        defaults={"body": "9 to 5", "made_at": LONG_AGO, "changed_at": LONG_AGO},
    )
    return {"public_id": row.public_id}


def _keyword(scene: Scene) -> dict[str, Any]:
    asked = {"name": "Prices", "phrases": ["price"], "variants": [{"text": "See our prices"}]}
    TeamInbox.objects.filter(pk=scene.house.inbox.pk).update(replies={"keyword": [asked]})
    return {**_slug(scene), "part": "keyword-1"}


def _look_ups(scene: Scene) -> dict[str, int]:
    """Make one look-up of each kind, and a table; return their keys."""
    account = scene.house.account
    common = {"account": account, "created_at": LONG_AGO, "changed_at": LONG_AGO}
    code, _ = DataAction.objects.get_or_create(
        account=account, name="Code", defaults={**common, "url": "https://x.io/", "secret": "s"}
    )
    table, _ = CrmTable.objects.get_or_create(account=account, name="VIPs", defaults=common)
    crm, _ = CrmConnector.objects.get_or_create(
        account=account, name="CRM", defaults={**common, "url": "https://x.io/"}
    )
    return {"data-actions": code.pk, "tables": table.pk, "connectors": crm.pk}


def _table(scene: Scene) -> dict[str, Any]:
    return {"pk": _look_ups(scene)["tables"]}


def _code(scene: Scene) -> dict[str, Any]:
    return {"pk": _look_ups(scene)["data-actions"]}


def _crm(scene: Scene) -> dict[str, Any]:
    return {"pk": _look_ups(scene)["connectors"]}


def _webhook(scene: Scene) -> dict[str, Any]:
    row, _ = EventWebhook.objects.get_or_create(
        account=scene.house.account,
        name="Warehouse",
        defaults={
            "url": "https://x.io/",
            "secret": new_secret(),
            "kinds": ["message.received"],
            "created_at": LONG_AGO,
            "changed_at": LONG_AGO,
        },
    )
    return {"pk": row.pk}


def _what(scene: Scene) -> dict[str, Any]:
    return {"what": "data-actions", **_code(scene)}


def _certificate(scene: Scene) -> dict[str, Any]:
    account = scene.house.account
    if not ForgettingCertificate.objects.filter(account=account).exists():
        went = Went(
            ForgettingCertificate.Cause.RETENTION, "it", {"x": 1}, LONG_AGO, LONG_AGO, {}, {}
        )
        with transaction.atomic():
            issue(account.pk, went, now=LONG_AGO)
    return {"number": 1}


def _hold(scene: Scene) -> dict[str, Any]:
    admin = User.objects.get(name="Ada")
    row, _ = LegalHold.objects.get_or_create(
        account=scene.house.account,
        scope=LegalHold.Scope.ACCOUNT,
        lifted_at=None,
        defaults={"reason": "A case", "set_by": admin, "set_at": LONG_AGO},
    )
    return {"public_id": row.public_id}


def _erasure(scene: Scene) -> dict[str, Any]:
    row, _ = Erasure.objects.get_or_create(
        account=scene.house.account,
        subject="somebody",
        defaults={"state": Erasure.State.OUTSIDE, "reason": "Asked", "asked_at": LONG_AGO},
    )
    return {"public_id": row.public_id}


def _country(scene: Scene) -> dict[str, Any]:
    return {"code": "US-*"}


def _asking_data(scene: Scene) -> dict[str, Any]:
    """Return what the page of asking sends when nothing was changed."""
    codes = {f"code{n}": "" for n in range(1, 10)} | {f"name{n}": "" for n in range(1, 10)}
    return {"version": "0", "scope": "family", "confirm": "", "clarify": "", **codes}


def _asking_template_data(scene: Scene) -> dict[str, Any]:
    """Return what takes a template of the scene's account back."""
    twilio = scene.house.sender.twilio_account
    row, _made = WhatsAppTemplate.objects.get_or_create(
        account=scene.house.account,
        twilio_account=twilio,
        content_sid=f"HX{1:032x}",
        defaults={"name": "opt_in", "language": "en", "status": "approved", "synced_at": LONG_AGO},
    )
    return {"template": row.pk, "do": "stop"}


def _policy_data(scene: Scene) -> dict[str, Any]:
    return {
        "reply_after_opt_out_sms": "block",
        "reply_after_opt_out_whatsapp": "ask",
        "open_days": 7,
        "reply_free_hours": 24,
        "reply_window": "any",
        "notification_window": "mon-sun=08:00-22:00",
        "promotion_window": "any",
        "most_a_day": "",
    }


def _kind(scene: Scene) -> dict[str, Any]:
    return {"kind": "json"}


def _published(scene: Scene, whose: Whose) -> RulebookVersion:
    """Publish a rule, unless that is done."""
    admin, now = User.objects.get(name="Ada"), timezone.now()
    book = whose.rulebook()
    if book is None or book.published is None:
        document = {"rules": [{"id": "vip", "name": "Acme's VIP", "then": {"tags": ["vip"]}}]}
        deed: dict[str, Any] = {"whose": whose, "by": admin, "now": now}
        made = replace_draft(document=document, seen=1, **deed)
        return publish_draft(seen=made.draft_version, note="", **deed)
    return book.published


def _version(scene: Scene) -> dict[str, Any]:
    inbox = TeamInbox.objects.get(pk=scene.house.inbox.pk)
    made = _published(scene, Whose(scene.house.account, inbox))
    return {"slug": inbox.slug, "number": made.number}


def _first_version(scene: Scene) -> dict[str, Any]:
    return {"number": _published(scene, Whose(scene.house.account)).number}


def _kept(scene: Scene, version: RulebookVersion) -> int:
    """Keep an example of rules, unless that is done; return its key."""
    row, _ = RuleExample.objects.get_or_create(
        account=scene.house.account,
        rulebook=version.rulebook,
        team=scene.house.inbox.team,
        name="A refund",
        defaults={
            "facts": {"at": LONG_AGO.isoformat(), "text": "Refund", "number": "+14155550101"},
            "expected": {"rule": "default"},
            "changed_by": User.objects.get(name="Ada"),
            "created_at": LONG_AGO,
            "changed_at": LONG_AGO,
        },
    )
    return row.pk


def _example(scene: Scene) -> dict[str, Any]:
    inbox = TeamInbox.objects.get(pk=scene.house.inbox.pk)
    version = _published(scene, Whose(scene.house.account, inbox))
    return {"public_id": inbox.public_id, "pk": _kept(scene, version)}


def _first_example(scene: Scene) -> dict[str, Any]:
    return {"pk": _kept(scene, _published(scene, Whose(scene.house.account)))}


def _contact_import(scene: Scene) -> dict[str, Any]:
    """Name an import of contacts of the account's."""
    admin, account = User.objects.get(name="Ada"), scene.house.account
    row = ContactImport.objects.filter(account=account).first()
    if row is None:
        deed: dict[str, Any] = {"account": account, "by": admin, "now": timezone.now()}
        row = upload_contacts(b"phone,name\n+12125550101,Maria\n", **deed)
    return {"key": row.public_id}


def _key(scene: Scene) -> dict[str, Any]:
    """Name a key of the account's, which is made where there is none."""
    admin, account = User.objects.get(name="Ada"), scene.house.account
    row = ApiKey.objects.filter(account=account).first()
    if row is None:
        deed: dict[str, Any] = {"account": account, "by": admin, "now": timezone.now()}
        row = make_key(name="Deployment", may_change=True, days=90, **deed).row
    return {"pk": row.pk}


def _customer(scene: Scene) -> dict[str, Any]:
    account = scene.house.account
    found, _ = Contact.objects.get_or_create(account=account, name="Maria")
    return {"key": found.public_id}


def _import(scene: Scene) -> dict[str, Any]:
    """Name an import that is under way; it is made where there is none."""
    account, admin = scene.house.account, User.objects.get(name="Ada")
    row = ConsentImport.objects.filter(account=account).first()
    if row is None:
        deed: dict[str, Any] = {"account": account, "by": admin, "now": timezone.now()}
        row = upload(b"phone\n+14155550101\n", **deed)
        start(row, attestation="Moved from the old system.", by=admin, now=timezone.now())
    return {"key": row.public_id}


def _proposal(scene: Scene) -> dict[str, Any]:
    """Name an opt-in that waits for a second person, reported by somebody else."""
    given: dict[str, Any] = {"account": scene.house.account, "asked_by": scene.house.sue}
    said = tell(scene.house.account, proof(kind=EventKind.PROPOSED), at=timezone.now())
    OptInApproval.objects.create(**given, proposed=said.event.seq, asked_at=timezone.now())
    return {"event": said.event.seq, "do": "refuse"}


def _file(scene: Scene) -> dict[str, Any]:
    content = f"phone\n+1415555{secrets.randbelow(10_000):04}\n".encode()
    file = SimpleUploadedFile("old.csv", content, content_type="text/csv")
    return {"file": file, "action": "opt_out", "attestation": "Moved from the old system."}


# Staff in support read consents too; of partners' own there are counts only (behaviour 10).
CONSENT: dict[str, Any] = {"in_support": (404, 200), "elsewhere": 404}
WHY = {"reason": "She asked for it"}


TABLE: dict[str, dict[str, Row]] = {
    # Nobody has the address that is asked for, and no account has that number of events.
    "settings_consent": {
        "GET": Row(WITH_AUDITOR, **CONSENT),
        "POST": Row((422, 422, 404, 404, 422, 404, 404, 302), in_support=(404, 422), elsewhere=404),
    },
    "settings_consent_period": {
        "POST": Row(
            WITH_AUDITOR,
            data=lambda s: {"since": "2026-11-01", "until": "2026-11-02", **WHY},
            **CONSENT,
        )
    },
    "settings_consent_of": {
        "GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _customer, **CONSENT)
    },
    "settings_consent_proof": {
        "POST": Row((200, 404, 404, 404, 200, 404, 404, 302), _customer, lambda s: WHY, **CONSENT)
    },
    # What is held on a person is the account's own admin's to hand out.
    "settings_consent_data": {
        "POST": Row(ADMIN_ONLY, _customer, lambda s: WHY, in_support=(404, 404))
    },
    "settings_outside": {
        "GET": Row(WITH_AUDITOR, **CONSENT),
        "POST": Row(
            IMPORTED,
            data=lambda scene: {"do": "share", "on": "1"},
            in_support=(404, 302),
            elsewhere=404,
        ),
    },
    # Who is in the account for support decides nothing.
    "settings_approvals": {
        "GET": Row(WITH_AUDITOR, **CONSENT),
        "POST": Row(
            DONE_BY_ADMIN,
            data=_proposal,
            in_support=(404, 404),
            elsewhere=404,
        ),
    },
    # The other admin imports into their own account; auditors look on.
    "settings_imports": {
        "GET": Row(WITH_AUDITOR, **CONSENT),
        "POST": Row(IMPORTED, data=_file, in_support=(404, 302), elsewhere=404),
    },
    "settings_import": {
        "GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _import, **CONSENT),
        "POST": Row(
            DONE_BY_ADMIN,
            _import,
            lambda scene: {"do": "cancel"},
            in_support=(404, 302),
            elsewhere=404,
        ),
    },
    "settings_import_result": {
        "POST": Row((200, 404, 404, 404, 200, 404, 404, 302), _import, **CONSENT)
    },
    "api_imports": {
        "GET": Row((200, 200, 404, 404, 200, 404, 404, 401), **CONSENT),
        "POST": Row(
            (201, 201, 404, 404, 404, 404, 404, 401),
            data=_file,
            in_support=(404, 201),
            elsewhere=404,
        ),
    },
    "api_import": {"GET": Row((200, 404, 404, 404, 200, 404, 404, 401), _import, **CONSENT)},
    "api_import_cancel": {
        "POST": Row((200, 404, 404, 404, 404, 404, 404, 401), _import, in_support=(404, 200))
    },
    "settings_retention": {
        "GET": Row(WITH_AUDITOR),
        # What is not said holds as it did.
        "POST": Row(DONE_IN_OWN),
    },
    "settings_certificate": {
        "GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _certificate),
    },
    # What may not go, and who is forgotten, is the account's own admins' to say.
    "settings_hold_account": {
        "POST": Row(DONE_IN_OWN, data=lambda s: WHY, in_support=(404, 404), elsewhere=404)
    },
    "settings_hold_lift": {"POST": Row(DONE_BY_ADMIN, _hold, lambda s: WHY, in_support=(404, 404))},
    "settings_keeping": {
        "GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _customer, **CONSENT)
    },
    "settings_person_hold": {
        "POST": Row(DONE_BY_ADMIN, _customer, lambda s: WHY, in_support=(404, 404))
    },
    "settings_person_erase": {
        "POST": Row(
            DONE_BY_ADMIN,
            _customer,
            lambda s: {**WHY, "word": "ERASE"},
            in_support=(404, 404),
        )
    },
    "settings_erasure": {"GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _erasure, **CONSENT)},
    "settings_erasure_retry": {"POST": Row(DONE_BY_ADMIN, _erasure, in_support=(404, 404))},
    "api_consent_as_of": {
        "GET": Row(
            (200, 200, 404, 404, 200, 404, 404, 401),
            data=lambda s: {"address": "+14155550100"},
            **CONSENT,
        )
    },
    "settings_lookups": {"GET": Row(OWN_ACCOUNT)},
    # Without anything in them forms make nothing, and say so.
    "settings_table_new": {"GET": Row(OWN_ACCOUNT), "POST": Row(OWN_ACCOUNT)},
    "settings_data_action_new": {"GET": Row(OWN_ACCOUNT), "POST": Row(OWN_ACCOUNT)},
    "settings_connector_new": {"GET": Row(OWN_ACCOUNT, _kind), "POST": Row(OWN_ACCOUNT, _kind)},
    "settings_table": {"GET": Row(ADMIN_ONLY, _table)},
    "settings_table_replace": {"GET": Row(ADMIN_ONLY, _table), "POST": Row(ADMIN_ONLY, _table)},
    "settings_table_delete": {"GET": Row(ADMIN_ONLY, _table), "POST": Row(DONE_BY_ADMIN, _table)},
    "settings_data_action": {"GET": Row(ADMIN_ONLY, _code), "POST": Row(ADMIN_ONLY, _code)},
    "settings_connector": {"GET": Row(ADMIN_ONLY, _crm), "POST": Row(ADMIN_ONLY, _crm)},
    "settings_lookup_switch": {"POST": Row(DONE_BY_ADMIN, _what, lambda scene: {"on": "0"})},
    "settings_lookup_delete": {"GET": Row(ADMIN_ONLY, _what), "POST": Row(DONE_BY_ADMIN, _what)},
    "settings_lookup_try": {"GET": Row(ADMIN_ONLY, _what), "POST": Row(ADMIN_ONLY, _what)},
    "settings_event_webhooks": {"GET": Row(OWN_ACCOUNT)},
    "settings_event_webhook_new": {"GET": Row(OWN_ACCOUNT), "POST": Row(OWN_ACCOUNT)},
    "settings_event_webhook": {
        "GET": Row(ADMIN_ONLY, _webhook),
        "POST": Row(ADMIN_ONLY, _webhook),
    },
    "settings_event_webhook_switch": {
        "POST": Row(DONE_BY_ADMIN, _webhook, lambda scene: {"on": "0"})
    },
    "settings_event_webhook_delete": {
        "GET": Row(ADMIN_ONLY, _webhook),
        "POST": Row(DONE_BY_ADMIN, _webhook),
    },
    "settings_event_webhook_again": {"POST": Row(DONE_BY_ADMIN, _webhook)},
    # The other admin sees their own account there, and nothing of this one.
    "settings": {"GET": Row(OWN_ACCOUNT)},
    # Auditors read these, and change nothing.
    "settings_compliance": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(DONE_IN_OWN, data=_policy_data),
    },
    "settings_asking": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(DONE_IN_OWN, data=_asking_data),
    },
    "settings_asking_template": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(DONE_BY_ADMIN, data=_asking_template_data),
    },
    "settings_own_rules": {
        "GET": Row(WITH_AUDITOR, kwargs=_country),
        "POST": Row(
            DONE_IN_OWN,
            kwargs=_country,
            data=lambda scene: {"column": "most_a_day", "seen": 0, "most_a_day-value": 3},
        ),
    },
    "settings_audit": {"GET": Row(WITH_AUDITOR)},
    # Partners get counts of what was decided, and none of it.
    "settings_decisions": {"GET": Row(WITH_AUDITOR, **CONSENT)},
    "settings_audit_export": {"POST": Row(WITH_AUDITOR)},
    "settings_whatsapp": {"GET": Row(OWN_ACCOUNT)},
    "settings_whatsapp_sync": {"POST": Row((302, 302, 404, 404, 404, 404, 404, 302))},
    # Whoever answers customers keeps their own.
    "settings_canned": {"GET": Row(WITH_AGENTS)},
    "settings_canned_new": {
        "GET": Row(WITH_AGENTS),
        "POST": Row(
            (302, 302, 422, 422, 404, 404, 404, 302),
            data=lambda scene: {"place": "account", "shortcut": "thanks", "body": "Thank you!"},
        ),
    },
    "settings_canned_edit": {
        "GET": Row(ADMIN_ONLY, kwargs=_canned),
        "POST": Row(
            DONE_BY_ADMIN,
            kwargs=_canned,
            data=lambda s: {"place": "account", "shortcut": "bye", "body": "Bye", "version": "1"},
        ),
    },
    "settings_canned_delete": {
        "GET": Row(ADMIN_ONLY, kwargs=_canned),
        "POST": Row(DONE_BY_ADMIN, kwargs=_canned),
    },
    "settings_hours": {
        "GET": Row(OWN_ACCOUNT),
        # Without a name nothing is made.
        "POST": Row(OWN_ACCOUNT),
    },
    "settings_hours_edit": {
        "GET": Row(ADMIN_ONLY, kwargs=hours_of_scene),
        "POST": Row(ADMIN_ONLY, kwargs=hours_of_scene, data=lambda scene: {"card": "name"}),
    },
    "settings_hours_copy": {"POST": Row(DONE_BY_ADMIN, kwargs=hours_of_scene)},
    "settings_hours_delete": {
        "GET": Row(ADMIN_ONLY, kwargs=hours_of_scene),
        "POST": Row(DONE_BY_ADMIN, kwargs=hours_of_scene),
    },
    "settings_coverage": {"GET": Row(OWN_ACCOUNT)},
    "settings_inbox_coverage": {"GET": Row(ADMIN_ONLY, kwargs=_slug)},
    "settings_escalation": {
        "GET": Row(OWN_ACCOUNT),
        # Without a name nothing is made.
        "POST": Row(REFUSED_IN_WORDS),
    },
    "settings_escalation_edit": {
        "GET": Row(ADMIN_ONLY, kwargs=policy_of_scene),
        "POST": Row(
            ADMIN_ONLY, kwargs=policy_of_scene, data=lambda s: {"card": "policy", "do": "add"}
        ),
    },
    "settings_escalation_recompute": {
        "GET": Row(ADMIN_ONLY, kwargs=policy_of_scene),
        "POST": Row(DONE_BY_ADMIN, kwargs=policy_of_scene),
    },
    "settings_inbox_recompute": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, kwargs=_slug),
    },
    "settings_escalation_copy": {"POST": Row(DONE_BY_ADMIN, kwargs=policy_of_scene)},
    "settings_escalation_delete": {
        "GET": Row(ADMIN_ONLY, kwargs=policy_of_scene),
        "POST": Row(DONE_BY_ADMIN, kwargs=policy_of_scene),
    },
    "settings_inbox_escalation": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda s: {"policy": s.policy.pk, "seen": s.policy.pk}),
    },
    "settings_features": {"GET": Row(OWN_ACCOUNT)},
    "settings_feature_ask": {
        "POST": Row(
            # The other admin asks for their own account.
            (302, 302, 404, 404, 404, 404, 404, 302),
            data=lambda scene: {"feature": "custom_routing"},
        )
    },
    "settings_feature_withdraw": {
        "POST": Row(
            (302, 404, 404, 404, 404, 404, 404, 302),
            kwargs=lambda scene: {"pk": scene.asked.pk},
        )
    },
    "settings_licences": {"GET": Row(OWN_ACCOUNT)},
    "settings_licences_assign": {
        # The other admin's pools and people are others: theirs is told that it chose none of them.
        "POST": Row(
            (302, 422, 404, 404, 404, 404, 404, 302),
            data=lambda scene: {"pool": scene.pool.pk, "holders": [scene.nora.pk]},
        )
    },
    "settings_licences_export": {"POST": Row(OWN_ACCOUNT)},
    "settings_licence_take_away": {
        "GET": Row(
            (200, 404, 404, 404, 404, 404, 404, 302),
            kwargs=lambda scene: {"pk": scene.seat.pk},
        ),
        "POST": Row(
            (302, 404, 404, 404, 404, 404, 404, 302),
            kwargs=lambda scene: {"pk": scene.seat.pk},
            data=lambda scene: {"reason": "Left"},
        ),
    },
    "settings_support": {"GET": Row(OWN_ACCOUNT)},
    "settings_support_end": {
        "POST": Row(
            (302, 404, 404, 404, 404, 404, 404, 302),
            kwargs=lambda scene: {"pk": scene.support["partner_in_support"].pk},
            # One leaves, nobody ends the other's stay.
            in_support=(302, 404),
        )
    },
    "settings_connection": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row(DONE_BY_ADMIN, data=lambda s: {"do": "check", "connection": _twilio(s)}),
    },
    "settings_turn_on": {
        "GET": Row(ADMIN_ONLY, kwargs=_team),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), kwargs=_team),
    },
    "settings_checks": {"GET": Row(ADMIN_ONLY, kwargs=_team)},
    "settings_inbox": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _slug, lambda s: {"card": "look"}),
    },
    "settings_numbers": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda s: {"do": "resume", "sender": s.house.sender.pk}),
    },
    # It is for accounts that run on the platform's Twilio; Acme does.
    "settings_buy_number": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda s: {"address": "+15550100001"}),
    },
    "settings_number_remove": {
        "GET": Row(ADMIN_ONLY, kwargs=_number),
        "POST": Row(DONE_BY_ADMIN, kwargs=_number),
    },
    "settings_test": {"GET": Row(ADMIN_ONLY, kwargs=_test)},
    "settings_replies": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda s: {"do": "language", "language": "es"}),
    },
    "settings_reply": {
        "GET": Row(ADMIN_ONLY, kwargs=_greeting),
        "POST": Row(DONE_BY_ADMIN, _greeting, lambda s: {"is_on": "on", "text0-text": "Hello!"}),
    },
    "settings_reply_delete": {
        "GET": Row(ADMIN_ONLY, kwargs=_keyword),
        "POST": Row(DONE_BY_ADMIN, kwargs=_keyword),
    },
    "settings_turn_off": {
        "GET": Row(ADMIN_ONLY, kwargs=_slug),
        "POST": Row(DONE_BY_ADMIN, kwargs=_slug),
    },
    "settings_people": {"GET": Row(OWN_ACCOUNT)},
    "settings_invite": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row(OWN_ACCOUNT, data=lambda scene: {"lines": "new@acme.com", "role": "member"}),
    },
    "settings_invite_again": {"POST": Row(DONE_BY_ADMIN, _invitation)},
    "settings_invite_revoke": {"POST": Row(DONE_BY_ADMIN, _invitation)},
    "settings_person": {
        "GET": Row(ADMIN_ONLY, _bob),
        "POST": Row(DONE_BY_ADMIN, _bob, lambda scene: {"role": "auditor", "looked": "1"}),
    },
    "settings_deactivate": {"GET": Row(ADMIN_ONLY, _bob), "POST": Row(DONE_BY_ADMIN, _bob)},
    # Hours that are not chosen are none: nothing changes.
    "settings_plan": {"POST": Row(DONE_BY_ADMIN, _bob)},
    "settings_reactivate": {"POST": Row(DONE_BY_ADMIN, _bob)},
    "settings_end_sessions": {"POST": Row(DONE_BY_ADMIN, _bob)},
    "settings_teams": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row(DONE_IN_OWN, data=lambda scene: {"name": "Returns"}),
    },
    "settings_team": {
        "GET": Row(ADMIN_ONLY, _team),
        "POST": Row(DONE_BY_ADMIN, _team, lambda scene: {"name": "Returns"}),
    },
    "settings_members_add": {
        "POST": Row(
            DONE_BY_ADMIN,
            _team,
            lambda scene: {"people": [str(scene.house.alice.pk)], "role": "supervisor"},
        )
    },
    "settings_member_role": {
        "POST": Row(DONE_BY_ADMIN, _member, lambda scene: {"role": "observer"})
    },
    "settings_member_remove": {
        "GET": Row(ADMIN_ONLY, _member),
        "POST": Row(DONE_BY_ADMIN, _member),
    },
    # Rules of an inbox: its supervisors too, where the inbox lets them (below).
    "settings_rules": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda scene: {"do": "up:vip"}),
    },
    "settings_rule": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _slug),
    },
    "settings_rule_delete": {
        # There is no such rule.
        "GET": Row((404, 404, 404, 404, 404, 404, 404, 302), _slug),
        "POST": Row(DONE_BY_ADMIN, _slug),
    },
    "settings_rules_publish": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row((409, 404, 404, 404, 404, 404, 404, 302), _slug),
    },
    "settings_rules_discard": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row(DONE_BY_ADMIN, _slug),
    },
    "settings_rules_versions": {"GET": Row(ADMIN_ONLY, _slug)},
    "settings_rules_version": {
        "GET": Row(ADMIN_ONLY, _version),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _version),
    },
    "settings_rules_document": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _slug),
    },
    "settings_rules_download": {"GET": Row(ADMIN_ONLY, _slug)},
    "settings_rules_try": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row(ADMIN_ONLY, _slug, lambda scene: {"do": "try", "text": "Hello"}),
    },
    "settings_rules_examples": {
        "GET": Row(ADMIN_ONLY, _slug),
        "POST": Row(DONE_BY_ADMIN, _slug, lambda scene: {"do": "delete", "example": "1"}),
    },
    "settings_inbox_document": {
        "GET": Row(ADMIN_ONLY, _slug),
        # Whoever saw nothing is told how it is now.
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _slug),
    },
    "settings_inbox_download": {"GET": Row(ADMIN_ONLY, _slug)},
    "settings_first_rules_examples": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row(DONE_IN_OWN, data=lambda scene: {"do": "delete", "example": "1"}),
    },
    "settings_rules_replay": {
        "GET": Row(ADMIN_ONLY, _slug, lambda scene: {"limit": "100"}),
    },
    # The account's own: each admin gets theirs.
    "settings_first_rules": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row(DONE_IN_OWN, data=lambda scene: {"do": "up:vip"}),
    },
    "settings_first_rule": {"GET": Row(OWN_ACCOUNT), "POST": Row(REFUSED_IN_WORDS)},
    "settings_first_rule_delete": {
        "GET": Row((404, 404, 404, 404, 404, 404, 404, 302)),
        "POST": Row(DONE_IN_OWN),
    },
    "settings_first_rules_publish": {
        "GET": Row(OWN_ACCOUNT),
        "POST": Row((409, 409, 404, 404, 404, 404, 404, 302)),
    },
    "settings_first_rules_discard": {"GET": Row(OWN_ACCOUNT), "POST": Row(DONE_IN_OWN)},
    "settings_first_rules_versions": {"GET": Row(OWN_ACCOUNT)},
    "settings_first_rules_version": {
        "GET": Row(ADMIN_ONLY, _first_version),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _first_version),
    },
    "settings_first_rules_document": {"GET": Row(OWN_ACCOUNT), "POST": Row(REFUSED_IN_WORDS)},
    "settings_first_rules_download": {"GET": Row(OWN_ACCOUNT)},
    # Auditors read keywords and texts; only admins change them.
    "settings_keywords": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(DONE_IN_OWN, data=lambda scene: {"do": "remove"}),
    },
    "settings_keywords_try": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(WITH_AUDITOR, data=lambda scene: {"text": "STOP", "channel": "sms"}),
    },
    "settings_keywords_review": {
        "GET": Row(WITH_AUDITOR),
        "POST": Row(DONE_IN_OWN, data=lambda scene: {"message": "1"}),
    },
    "settings_consent_texts": {
        "GET": Row((200, 404, 404, 404, 200, 404, 404, 302), _slug),
        "POST": Row((422, 404, 404, 404, 404, 404, 404, 302), _slug),
    },
    # Without anything in it the form makes no key, and says so.
    "settings_programs": {"GET": Row(OWN_ACCOUNT), "POST": Row(REFUSED_IN_WORDS)},
    "settings_program_revoke": {"GET": Row(ADMIN_ONLY, _key), "POST": Row(DONE_BY_ADMIN, _key)},
    "settings_contacts": {"GET": Row(OWN_ACCOUNT), "POST": Row(DONE_IN_OWN)},
    # Nobody takes customers away who is in the account for support.
    "settings_contacts_export": {"POST": Row(OWN_ACCOUNT, in_support=(404, 404), elsewhere=404)},
    "settings_contact_import": {
        "GET": Row(ADMIN_ONLY, _contact_import),
        "POST": Row(DONE_BY_ADMIN, _contact_import, lambda scene: {"do": "cancel"}),
    },
    "settings_contact_import_faults": {"POST": Row(ADMIN_ONLY, _contact_import)},
    "settings_log_in": {"GET": Row(OWN_ACCOUNT), "POST": Row(DONE_IN_OWN)},
    "settings_company": {"POST": Row(REFUSED_IN_WORDS)},
    "settings_company_only": {"POST": Row(DONE_IN_OWN)},
    # Where there is none there is nothing to ask.
    "settings_company_remove": {"GET": Row(DONE_IN_OWN), "POST": Row(DONE_IN_OWN)},
    # What programs say; without anything in it that is a request to be told what is missing.
    "api_first_rules": {"GET": Row(API_OWN), "PUT": Row(API_OWN_EMPTY)},
    "api_first_rules_publish": {"POST": Row(API_OWN_EMPTY)},
    "api_first_rules_versions": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_rules": {"GET": Row(API, _public_id), "PUT": Row(API_EMPTY, _public_id)},
    "api_rules_publish": {"POST": Row(API_EMPTY, _public_id)},
    "api_rules_versions": {"GET": Row(API, _public_id), "POST": Row(API_EMPTY, _public_id)},
    "api_replies": {"GET": Row(API, _public_id), "PUT": Row(API_EMPTY, _public_id)},
    "api_first_examples": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_first_example": {
        "GET": Row(API, _first_example),
        "PUT": Row(API_EMPTY, _first_example),
        "DELETE": Row(API_GONE, _first_example),
    },
    "api_examples": {"GET": Row(API, _public_id), "POST": Row(API_EMPTY, _public_id)},
    "api_example": {
        "GET": Row(API, _example),
        "PUT": Row(API_EMPTY, _example),
        "DELETE": Row(API_GONE, _example),
    },
    # Without a text it is judged all the same, as it would go to everybody.
    "api_verdicts": {"POST": Row(API, _public_id)},
    "api_document": {"GET": Row(API, _public_id), "PUT": Row(API_EMPTY, _public_id)},
    "api_consents": {"POST": Row(API_OWN_EMPTY)},
    "api_asking": {"GET": Row(API_OWN), "PUT": Row(API_OWN_EMPTY)},
    "api_canned_replies": {
        "GET": Row((200, 200, 200, 200, 404, 404, 404, 401)),
        "POST": Row((400, 400, 400, 400, 404, 404, 404, 401)),
    },
    "api_canned_reply": {
        "GET": Row((200, 404, 200, 200, 404, 404, 404, 401), _canned),
        "PUT": Row(API_EMPTY, _canned),
        "DELETE": Row(API_GONE, _canned),
    },
    "api_keywords": {"GET": Row(API_OWN), "PUT": Row(API_OWN_EMPTY)},
    # Without a text it is tried all the same: it asks for nothing.
    "api_keywords_try": {"POST": Row(API_OWN)},
    "api_hours_list": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_hours": {
        "GET": Row(API, hours_of_scene),
        "PUT": Row(API_EMPTY, hours_of_scene),
        "DELETE": Row(API_GONE, hours_of_scene),
    },
    "api_data_actions": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_data_action": {
        "GET": Row(API, _code),
        "PUT": Row(API_EMPTY, _code),
        "DELETE": Row(API_GONE, _code),
    },
    "api_data_action_secret": {"POST": Row(API_EMPTY, _code)},
    "api_connectors": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_connector": {
        "GET": Row(API, _crm),
        "PUT": Row(API_EMPTY, _crm),
        "DELETE": Row(API_GONE, _crm),
    },
    "api_tables": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_table": {
        "GET": Row(API, _table),
        "PUT": Row(API_EMPTY, _table),
        "DELETE": Row(API_GONE, _table),
    },
    "api_policies": {"GET": Row(API_OWN), "POST": Row(API_OWN_EMPTY)},
    "api_policy": {
        "GET": Row(API, policy_of_scene),
        "PUT": Row(API_EMPTY, policy_of_scene),
        "DELETE": Row((422, 404, 404, 404, 404, 404, 404, 401), policy_of_scene),
    },
}


def test_every_address_has_a_verdict() -> None:
    names = [entry.name for entry in [*urlpatterns, *of_settings]]

    assert sorted(map(str, names)) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_gets_their_verdict(scene: Scene, name: str) -> None:
    wrong: list[str] = []

    for method, row in TABLE[name].items():
        path = reverse(name, kwargs=row.kwargs(scene))
        for who, expected in zip(SUPPORTERS, row.in_support or row.verdicts[:1] * 2, strict=True):
            answer = _try(scene.clients[who], method, path, row.data(scene))
            if answer.status_code != expected:
                wrong.append(f"{method} for {who} is {answer.status_code}, not {expected}")
        answer = _try(scene.clients[ELSEWHERE], method, path, row.data(scene))
        expected = row.verdicts[1] if row.elsewhere is None else row.elsewhere
        if answer.status_code != expected:
            wrong.append(f"{method} for {ELSEWHERE} is {answer.status_code}, not {expected}")
        if b"Acme" in answer.getvalue():
            wrong.append(f"{method} shows the account to {ELSEWHERE}")
        # Who may not comes first: what they tried must not have changed anything for who may.
        for who, expected in reversed(list(zip(PEOPLE, row.verdicts, strict=True))):
            answer = _send(scene.clients[who], method, path, row.data(scene))
            if answer.status_code != expected:
                wrong.append(f"{method} for {who} is {answer.status_code}, not {expected}")
            if who == "other_admin" and expected == 200 and b"Acme" in answer.getvalue():
                wrong.append(f"{method} shows the account to {who}")

    assert wrong == []


# What else a supervisor gets where the inbox lets supervisors set it up: hours and replies.
SUPERVISOR_GETS = {
    ("settings_inbox", "GET"): 200,
    ("settings_replies", "GET"): 200,
    ("settings_replies", "POST"): 302,
    ("settings_reply", "GET"): 200,
    ("settings_reply", "POST"): 302,
    ("settings_reply_delete", "GET"): 200,
    ("settings_reply_delete", "POST"): 302,
    ("settings_coverage", "GET"): 200,
    ("settings_inbox_coverage", "GET"): 200,
    ("settings_hours", "GET"): 200,
    ("settings_hours", "POST"): 200,
    ("settings_hours_edit", "GET"): 200,
    ("settings_hours_edit", "POST"): 200,
    ("settings_hours_copy", "POST"): 302,
    ("settings_rules", "GET"): 200,
    ("settings_rules", "POST"): 302,
    ("settings_rule", "GET"): 200,
    ("settings_rule", "POST"): 422,
    ("settings_rule_delete", "POST"): 302,
    ("settings_rules_publish", "GET"): 200,
    ("settings_rules_publish", "POST"): 409,
    ("settings_rules_discard", "GET"): 200,
    ("settings_rules_discard", "POST"): 302,
    ("settings_rules_versions", "GET"): 200,
    ("settings_rules_version", "GET"): 200,
    ("settings_rules_version", "POST"): 422,
    ("settings_rules_document", "GET"): 200,
    ("settings_rules_document", "POST"): 422,
    ("settings_rules_download", "GET"): 200,
    ("settings_rules_try", "GET"): 200,
    ("settings_rules_try", "POST"): 200,
    ("settings_rules_examples", "GET"): 200,
    ("settings_rules_examples", "POST"): 302,
    ("settings_rules_replay", "GET"): 200,
    ("api_rules", "GET"): 200,
    ("api_rules", "PUT"): 400,
    ("api_rules_publish", "POST"): 400,
    ("api_rules_versions", "GET"): 200,
    ("api_rules_versions", "POST"): 400,
    ("api_examples", "GET"): 200,
    ("api_examples", "POST"): 400,
    ("api_example", "GET"): 200,
    ("api_example", "PUT"): 400,
    ("api_example", "DELETE"): 204,
    ("api_replies", "GET"): 200,
    ("api_replies", "PUT"): 400,
    ("api_verdicts", "POST"): 200,
}


def test_a_supervisor_gets_hours_and_replies_where_the_inbox_says_so(scene: Scene) -> None:
    TeamInbox.objects.update(supervisors_may_set_up=True)
    wrong: list[str] = []

    for name, rows in TABLE.items():
        for method, row in rows.items():
            path, data = reverse(name, kwargs=row.kwargs(scene)), row.data(scene)
            for who in ("supervisor", "agent", "auditor", "nobody"):
                expected = row.verdicts[PEOPLE.index(who)]
                if who == "supervisor":
                    expected = SUPERVISOR_GETS.get((name, method), expected)
                answer = _try(scene.clients[who], method, path, data)
                if answer.status_code != expected:
                    wrong.append(f"{method} {path} for {who}: {answer.status_code}, not {expected}")

    assert wrong == []


def _try(client: Client, method: str, path: str, data: dict[str, Any]) -> Any:
    """Ask, and take back whatever that changed."""
    bracket = transaction.Atomic(connection.alias, savepoint=True, durable=False)
    # As of the test case's own: the stories' durable transactions may open inside.
    bracket._from_testcase = True  # type: ignore[attr-defined]
    with bracket:
        answer = _send(client, method, path, data)
        transaction.set_rollback(True)
    return answer


def _send(client: Client, method: str, path: str, data: dict[str, Any]) -> Any:
    is_file = any(isinstance(one, SimpleUploadedFile) for one in data.values())
    if path.startswith("/api/") and method != "GET" and not is_file:
        return client.generic(method, path, json.dumps(data), content_type="application/json")
    return getattr(client, method.lower())(path, data)
