"""How does a test make the rows it needs? Plain functions with defaults."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import (
    Account,
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
from inbox.directory import directory_of_account
from inbox.models import Sender, TeamInbox
from inbox.reply_settings import greeting
from routing.business_hours import add_hours
from routing.hours import Opening, Week
from routing.lint import Known
from routing.models import (
    BusinessHours,
    CrmConnector,
    DataAction,
    EscalationPolicy,
    RulebookVersion,
)
from routing.replies import FirstWhen
from routing.rulebooks import make_rulebook, publish, save_draft

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PASSWORD = "a-long-test-password"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
NINE_TO_FIVE = (Opening(9 * 60, 17 * 60),)
WORK_WEEK: Week = (*[NINE_TO_FIVE] * 5, (), ())
_numbers = itertools.count(1)


@cache
def _hashed() -> str:
    """Hash the test password once: it is slow on purpose."""
    return make_password(PASSWORD)


def make_account(name: str = "", **fields: Any) -> Account:
    """Make an account with Team Inbox and WhatsApp switched on and plenty of seats."""
    n = next(_numbers)
    partner, _ = Partner.objects.get_or_create(name=fields.pop("partner_name", "Northwind"))
    account = Account.objects.create(partner=partner, name=name or f"Account {n}", **fields)
    for feature in (Feature.TEAM_INBOX, Feature.WHATSAPP):
        FeatureGrant.objects.create(account=account, feature=feature, starts_at=LONG_AGO)
    LicensePool.objects.create(account=account, seats=1000, starts_at=LONG_AGO)
    return account


def make_user(
    account: Account,
    name: str = "",
    *,
    team: Team | None = None,
    role: str = Membership.Role.AGENT,
    is_licensed: bool = True,
    works_as: str = User.Role.MEMBER,
    **fields: Any,
) -> User:
    """Make a person of an account; licensed, and in `team` (as `role`) when given."""
    n = next(_numbers)
    name = name or f"Person {n}"
    email = fields.pop("email", f"{name.lower().replace(' ', '.')}.{n}@example.com")
    user = User.objects.create(
        email=email, password=_hashed(), name=name, account=account, role=works_as, **fields
    )
    if is_licensed:
        pool = LicensePool.objects.filter(account=account).first()
        assert pool is not None
        License.objects.create(pool=pool, holder=user, starts_at=LONG_AGO)
    if team:
        Membership.objects.create(team=team, user=user, role=role)
    return user


def make_inbox(account: Account, name: str = "", **fields: Any) -> TeamInbox:
    """Make a team with its inbox; auto-replies are off unless asked for.

    `first_reply` says when it greets (ever, per_conversation) and `first_reply_text` how.
    """
    name = name or f"Team {next(_numbers)}"
    when, text = fields.pop("first_reply", ""), fields.pop("first_reply_text", "")
    if when:
        fields["replies"] = greeting(text, FirstWhen(when))
    team = Team.objects.create(account=account, name=name)
    slug = fields.pop("slug", name.lower().replace(" ", "-"))
    return TeamInbox.objects.create(team=team, account=account, name=name, slug=slug, **fields)


def make_twilio_account(account: Account, account_sid: str = "", **fields: Any) -> TwilioAccount:
    """Make the Twilio account of an account."""
    sid = account_sid or f"AC{next(_numbers):032x}"
    fields.setdefault("auth_token", AUTH_TOKEN)
    return TwilioAccount.objects.create(account=account, account_sid=sid, **fields)


def make_sender(
    inbox: TeamInbox,
    address: str = "",
    *,
    twilio_account: TwilioAccount | None = None,
    **fields: Any,
) -> Sender:
    """Make a number (or WhatsApp sender) of an inbox."""
    address = address or f"+1555010{next(_numbers):04d}"
    twilio_account = twilio_account or make_twilio_account(inbox.account)
    kind = Sender.Kind.NUMBER
    if address.startswith("whatsapp:"):
        kind = Sender.Kind.WHATSAPP
        fields.setdefault("keyword_handler", "app")
    fields.setdefault("kind", kind)
    return Sender.objects.create(
        account=inbox.account, inbox=inbox, address=address, twilio_account=twilio_account, **fields
    )


def make_hours(
    account: Account, name: str = "", *, week: Week = WORK_WEEK, **fields: Any
) -> BusinessHours:
    """Make business hours: Monday to Friday, 9 to 17, unless told otherwise."""
    name = name or f"Hours {next(_numbers)}"
    return add_hours(account=account, name=name, by=None, now=LONG_AGO, week=week, **fields)


def make_policy(
    inbox: TeamInbox, *steps: dict[str, Any], name: str = "", warn: dict[str, int] | None = None
) -> EscalationPolicy:
    """Make an escalation policy of these steps and let an inbox have it; nobody is warned."""
    policy = EscalationPolicy(
        account=inbox.account,
        name=name or f"Policy {next(_numbers)}",
        document={"format": 1, "warn": warn or {"minutes": 0}, "steps": list(steps)},
        created_at=LONG_AGO,
        changed_at=LONG_AGO,
    )
    policy.full_clean()
    policy.save()
    inbox.escalation = policy
    inbox.save(update_fields=["escalation"])
    return policy


def days(n: float) -> timedelta:
    """Return n days."""
    return timedelta(days=n)


def make_rules(
    inbox: TeamInbox, *rules: dict[str, Any], is_always_first: bool = False
) -> RulebookVersion:
    """Publish these rules for an inbox, or for its whole account as those asked first.

    A rule without an id or a name gets the number of its place. Custom routing is switched on.
    """
    account = inbox.account
    if not account.feature_grants.filter(feature=Feature.CUSTOM_ROUTING).exists():
        FeatureGrant.objects.create(
            account=account, feature=Feature.CUSTOM_ROUTING, starts_at=LONG_AGO
        )
    document = {
        "format": 1,
        "rules": [{"id": f"r{n}", "name": f"Rule {n}", **rule} for n, rule in enumerate(rules, 1)],
    }
    found = (
        account.rulebooks.filter(is_always_first=True).first()
        if is_always_first
        else inbox.rulebook
    )
    admin = account.users.filter(role=User.Role.ACCOUNT_ADMIN).first() or make_user(
        account, "Ada", works_as=User.Role.ACCOUNT_ADMIN
    )
    book = found or make_rulebook(
        account=account,
        name=f"Rules {next(_numbers)}",
        by=admin,
        now=LONG_AGO,
        is_always_first=is_always_first,
    )
    if not is_always_first and inbox.rulebook_id is None:
        inbox.rulebook = book
        inbox.save(update_fields=["rulebook"])
    book.refresh_from_db()
    saved = save_draft(
        rulebook=book, document=document, seen=book.draft_version, by=admin, now=LONG_AGO
    )
    return publish(
        rulebook=saved,
        seen=saved.draft_version,
        note="",
        directory=directory_of_account(account.pk, team=inbox.pk, now=timezone.now()),
        known=Known(
            lookups=_names(account), escalations=_policies(account), webhooks=_names(account)
        ),
        by=admin,
        now=LONG_AGO,
        is_sure=True,
    )


def _names(account: Account) -> frozenset[str]:
    rows = (DataAction.objects, CrmConnector.objects)
    return frozenset(
        name for row in rows for name in row.filter(account=account).values_list("name", flat=True)
    )


def _policies(account: Account) -> frozenset[str]:
    found = EscalationPolicy.objects.filter(account=account)
    return frozenset(found.values_list("name", flat=True))
