"""How does a test make the rows it needs? Plain functions with defaults."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

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
from inbox.models import Sender, TeamInbox
from routing.business_hours import add_hours
from routing.hours import Opening, Week
from routing.models import BusinessHours, EscalationPolicy

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
    """Make a team with its inbox; auto-replies are off unless asked for."""
    name = name or f"Team {next(_numbers)}"
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
