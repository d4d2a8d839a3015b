"""Is every page accessible, quiet in the console, and no wider than a phone?"""

import secrets
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.granting import ask_for_feature
from accounts.models import (
    Account,
    ApiKey,
    FeatureGrant,
    FeatureRequest,
    Invitation,
    License,
    Package,
    PackageStep,
    SignOn,
    Team,
    User,
)
from accounts.packages import offer_package, tick
from accounts.programs import make_key, revoke_key
from compliance.addresses import parse_address
from compliance.asking_settings import Asking, asking_of, change_asking
from compliance.asking_texts import AskingKind, suggested
from compliance.evidence import EventKind, Evidence, OptOutScope, Source
from compliance.keyword_settings import add_keyword, keywords_of
from compliance.models import ConsentComparison, ConsentDifference, RuleOverride
from compliance.opt_out_links import opt_out_link
from compliance.overriding import settle_rule
from compliance.own_keywords import OwnKeyword
from compliance.policies import policy_row
from compliance.programmes import programmes_from
from compliance.stricter import Column
from inbox import importing
from inbox.conversations import transfer_to_user
from inbox.counting import count_next
from inbox.digesting import stop_url
from inbox.forgetting.batches import empty_messages
from inbox.forgetting.certificates import Went, issue
from inbox.forgetting.holds import set_hold
from inbox.models import (
    CannedReply,
    Conversation,
    DriftFinding,
    Erasure,
    EventDelivery,
    EventType,
    ForgettingCertificate,
    LegalHold,
    Message,
    OptInApproval,
    RemoteDeletion,
    SavedSearch,
    SavedView,
    TeamInbox,
    Thread,
    WhatsAppTemplate,
)
from inbox.models.message import Forgotten
from inbox.promises import promise
from inbox.reporting.boards import hang_board
from inbox.setup.consent_imports import start, upload
from inbox.setup.contact_imports import upload as upload_contacts
from inbox.setup.event_webhooks import Wanted, add_webhook
from inbox.setup.invitations import Asked, hash_of, invite
from inbox.setup.whatsapp_sync import sync_whatsapp
from routing.hours import Opening, SpecialDay
from routing.models import BusinessHours, EscalationPolicy
from tests.browser.conftest import Open
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import (
    NINE_TO_FIVE,
    PASSWORD,
    WORK_WEEK,
    make_account,
    make_hours,
    make_inbox,
    make_policy,
    make_sender,
    make_user,
)
from tests.flows.test_double_opt_in import settle_asking
from tests.flows.test_together import Stage
from tests.inbox.test_pages_rules import fill as fill_rules
from tests.live import Live
from tests.records import REPLIES, fill_lookups, fill_records
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = (1280, 360)
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# How wide a page is for who reads from the right: nothing of it may be laid out for one side.
MIRRORED = """() => {
  const root = document.documentElement;
  root.dir = "rtl";
  const isTooWide = root.scrollWidth > root.clientWidth;
  root.dir = "ltr";
  return isTooWide;
}"""
# Some colours change gradually.
SETTLED = """() => Promise.all(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)
)"""
SHOTS = Path(__file__).parents[2] / ".pages"


@pytest.fixture
def stage(house: House, client: Client, live: Live) -> Stage:
    """A conversation with a bit of everything in it. Workers run beside it, by today's clock."""
    stage = Stage(house, client, timezone.now())
    stage.hear("Do you have the blue one?\n<b>asap</b> https://example.com/blue")
    failed = stage.reply(house.alice, "We do!")
    Message.objects.filter(pk=failed.pk).update(
        status="failed", error_code="30003", error_words="The phone is off or out of reach."
    )
    unknown = stage.reply(house.alice, "Shall I put it aside?")
    Message.objects.filter(pk=unknown.pk).update(status="unknown", error_code="unknown")
    text_in(client, house.sender, "+14155550101", "مرحبا، أريد حجز موعد")
    text_in(client, house.sender, "+14155550177", "ya basta con los mensajes")
    live.carrier.know(live.base_url, house.sender)
    sid = house.sender.twilio_account.account_sid
    live.carrier.ask(
        "POST",
        "config",
        senders=[
            {"account_sid": sid, "address": "+14155550188"},
            {"account_sid": sid, "address": "+18885550189", "capabilities": ["voice"]},
        ],
        services=[{"account_sid": sid, "sid": "MG" + "c" * 32, "friendly_name": "Campaigns"}],
    )
    make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    TeamInbox.objects.update(supervisors_may_set_up=True)
    Team.objects.create(account=house.account, name="Sales")
    finding = {"account": house.account, "twilio_account": house.sender.twilio_account}
    DriftFinding.objects.create(
        **finding,
        sender=house.sender,
        kind="webhook",
        found="https://old.example/sms",
        found_at=stage.now,
    )
    return stage


def _invitation(by: User) -> str:
    """Invite somebody; return the way in."""
    assert by.account is not None
    now, token = timezone.now(), secrets.token_urlsafe(8)
    lines = f"Ivy Lee <ivy.{token}@acme.com>, old.{token}@acme.com"
    invite(account=by.account, lines=lines, asked=Asked(), by=by, now=now)
    rows = Invitation.objects.order_by("pk")
    rows.filter(email__startswith="ivy").update(token_hash=hash_of(token), send_after=None)
    rows.filter(email__startswith="old").update(expires_at=now, send_after=None)
    return f"/join/{token}/"


def _seat_of(user: User) -> str:
    """Let something be asked, worked off and about to end; return where a seat is taken away."""
    assert user.account is not None
    now = timezone.now()
    by: Any = {"account": user.account, "by": user, "now": now}
    grants = FeatureGrant.objects.filter(account=user.account, feature="whatsapp")
    grants.update(ends_at=now + timedelta(days=5))
    if not FeatureRequest.objects.exists():
        ask_for_feature(feature="custom_routing", words="For our VIPs", **by)
        package, _ = Package.objects.get_or_create(
            slug="team-inbox-setup", defaults={"name": "Set-up"}
        )
        PackageStep.objects.get_or_create(
            package=package, position=1, defaults={"words": "A first step"}
        )
        row = offer_package(package=package, **by)
        tick(item=row.items.all()[0], is_done=True, by=user, now=now)
        make_user(user.account, "Nora Newcomer", team=user.teams.get(), is_licensed=False)
    return f"/settings/licences/{License.objects.get(holder=user).pk}/take-away/"


def _own_rule(user: User) -> str:
    """Settle a rule for Florida; return where that is done."""
    assert user.account is not None
    if not RuleOverride.objects.exists():
        settle_rule(
            account=user.account,
            code="US-FL",
            column=Column.PROMOTION,
            value="mon-fri=09:00-18:00;sat-sun=none;hol=none",
            reason="Our people are not there at weekends.",
            seen=0,
            by=user,
            now=timezone.now(),
        )
    return "/settings/compliance/rules/US-FL/"


def _removal(user: User) -> str:
    part = user.memberships.get()
    return f"/settings/teams/{part.team_id}/members/{part.pk}/remove/"


def _busy_hours(stage: Stage) -> BusinessHours:
    """Make hours with a bit of everything."""
    soon = datetime.now(UTC).date()
    days = [SpecialDay(soon + timedelta(days=n), "Moving house") for n in (3, 4, 5)]
    hours = make_hours(
        stage.house.account,
        "Help desk, Vienna",
        week=((Opening(540, 720), Opening(780, 1080)), *WORK_WEEK[1:6], (Opening(1320, 1800),)),
        special_days=(*days, SpecialDay(soon + timedelta(days=9), "Party", NINE_TO_FIVE)),
        zone="Europe/Vienna",
        country="AT",
        ignored_holidays=["Pentecost Monday"],
    )
    TeamInbox.objects.filter(pk=stage.house.inbox.pk).update(hours=hours)
    return hours


def _replies(stage: Stage) -> str:
    """Let the inbox say a bit of everything by itself; return where that is written."""
    TeamInbox.objects.filter(pk=stage.house.inbox.pk).update(replies=REPLIES)
    return "/settings/inboxes/support/replies/"


def _canned(stage: Stage) -> str:
    """Keep a few replies ready; return where they are listed."""
    common = {"account": stage.house.account, "made_at": stage.now, "changed_at": stage.now}
    if not CannedReply.objects.exists():
        body = "Hi {{contact.first_name|there}}, we are open from 9 to 5.\n{{agent.name}}"
        used = {"uses": 12, "last_used_at": stage.now}
        CannedReply.objects.create(shortcut="hours", body=body, **common, **used)
        CannedReply.objects.create(
            shortcut="a" * 40, body="A long one. " * 60, inbox=stage.house.inbox, **common
        )
        CannedReply.objects.create(
            shortcut="danke", body="Danke!", person=stage.house.bob, **common
        )
    return "/settings/canned/"


def _spare_hours(stage: Stage) -> BusinessHours:
    found = BusinessHours.objects.filter(account=stage.house.account, name="Spare").first()
    return found or make_hours(stage.house.account, "Spare")


def _policy(stage: Stage) -> EscalationPolicy:
    """Return a policy of the inbox, with a step of every kind of ladder."""
    inbox = TeamInbox.objects.get(pk=stage.house.inbox.pk)
    people = [{"users": [stage.house.bob.pk, stage.house.sue.pk]}, {"team": inbox.pk}]
    found = EscalationPolicy.objects.filter(account=inbox.account_id).first()
    return found or make_policy(
        inbox, {"after": 500, "to": people}, {"after": 900, "do": "notify"}, name="Nobody waits"
    )


def _removable(stage: Stage) -> str:
    """Let the account have company sign-in; return where it is removed."""
    SignOn.objects.get_or_create(
        account=stage.house.account,
        defaults={"issuer": "https://id.acme.com", "client_id": "x", "domains": ["acme.com"]},
    )
    make_inbox(stage.house.account, "Returns desk")
    return "/settings/log-in/company/remove/"


def _reports(stage: Stage) -> str:
    """Let what happened be counted; return where the figures are."""
    while count_next(now=stage.now):
        pass
    return "/reports/"


def _saved(stage: Stage) -> str:
    """Keep two searches and views of one's own and of the inbox; return where they are."""
    account, inbox, now = stage.house.account, stage.house.inbox, stage.now
    SavedSearch.objects.all().delete()
    SavedView.objects.all().delete()
    for name, line in (("Refunds", "refund status:open"), ("Endless " * 7, "order " * 30)):
        SavedSearch.objects.create(
            account=account, owner=stage.house.alice, name=name, line=line, created_at=now
        )
    for name, owner in (("VIPs", None), ("Mine, late", stage.house.alice)):
        SavedView.objects.create(
            account=account, inbox=inbox, owner=owner, name=name, created_at=now
        )
    return "/saved/"


def _board(stage: Stage) -> str:
    """Hang a board; return its address."""
    sue = stage.house.sue
    _row, secret = hang_board(by=stage.viewer(sue), user=sue, slug="", now=stage.now)
    return f"/wall/{secret}/"


def _sent(stage: Stage) -> str:
    """Return where it is told why a message of ours was sent."""
    sent = stage.row.messages.filter(direction="out", purpose="reply").latest("seq")
    return f"/messages/{sent.public_id}/why/"


def _beginning(stage: Stage) -> str:
    """Let agents begin conversations; return where one is begun with the customer."""
    TeamInbox.objects.filter(pk=stage.house.inbox.pk).update(may_start_conversations=True)
    return f"/inbox/support/new/?contact={stage.row.contact.public_id}"


def _given(stage: Stage) -> str:
    """Let Alice give Bob a conversation, with a promise; return where he reads it."""
    house = stage.house
    row = Conversation.objects.get(thread__address__phone="+14155550101")
    act: dict[str, Any] = {
        "conversation": row,
        "by": stage.viewer(house.alice),
        "user": house.alice,
        "now": stage.now,
    }
    due_at = stage.now + timedelta(hours=3)
    promise(**act, due_at=due_at, note="We look whether Tuesday is free and call them back")
    transfer_to_user(**act, to=house.bob, note="They come with three people", confirmed=True)
    return f"/inbox/support/c/{row.public_id}/"


def _paths(stage: Stage) -> dict[str, tuple[User | None, str]]:
    house = stage.house
    ada = User.objects.get(name="Ada")
    make_user(house.account, "Gone Girl", is_active=False, is_licensed=False)
    here = f"/inbox/support/c/{stage.row.public_id}/"
    fill_records(house, ada, now=stage.now)
    return {
        "log-in": (None, "/accounts/login/"),
        "forgotten password": (None, "/accounts/password/reset/"),
        "list": (house.alice, "/inbox/support/"),
        "empty view": (house.alice, "/inbox/support/?view=mine"),
        "nothing found": (house.alice, "/inbox/support/?q=zebra"),
        "search": (house.alice, "/search/"),
        "search found": (house.alice, "/search/?q=blue+status:open+channel:sms"),
        "search by number": (house.alice, "/search/?q=555"),
        "search found nothing": (house.alice, "/search/?q=zebra"),
        "search with a wrong value": (house.alice, "/search/?q=blue+status:done"),
        "saved searches": (house.alice, _saved(stage)),
        "reports": (house.sue, _reports(stage)),
        "wall board": (house.sue, "/reports/wall/"),
        "boards on walls": (house.sue, "/reports/boards/"),
        "board on a wall": (None, _board(stage)),
        "board that ended": (None, "/wall/no-such-board/"),
        "help": (house.alice, "/help/"),
        "conversation": (house.alice, here),
        "conversation of a supervisor": (house.sue, here),
        "given to somebody": (house.bob, _given(stage)),
        "new conversation": (house.alice, _beginning(stage)),
        "media": (house.alice, f"/c/{stage.row.public_id}/media/"),
        "channels": (house.alice, f"/c/{stage.row.public_id}/channels/"),
        "folds of the panel": (house.alice, f"/c/{stage.row.public_id}/panel/folds/"),
        "watchers": (house.alice, f"/c/{stage.row.public_id}/watchers/"),
        "why it is here": (stage.house.alice, f"/c/{stage.row.public_id}/why/"),
        "possible opt-outs": (house.sue, "/reviews/"),
        "why it was sent": (house.alice, _sent(stage)),
        "print": (house.alice, f"/c/{stage.row.public_id}/print/?notes=1"),
        "decisions": (ada, "/settings/decisions/"),
        "transfer": (house.alice, f"/c/{stage.row.public_id}/transfer/"),
        "profile": (house.alice, "/profile/"),
        "notifications": (house.alice, "/profile/notifications/"),
        "no more letters": (None, stop_url(house.alice.pk).removeprefix(settings.PUBLIC_BASE_URL)),
        "not there": (house.alice, "/c/nothing/"),
        "company sign-in": (None, "/accounts/company/"),
        "forged invitation": (None, "/join/forged/"),
        "invitation": (None, _invitation(ada)),
        "features": (ada, "/settings/features/"),
        "licences": (ada, "/settings/licences/"),
        "take a seat away": (ada, _seat_of(house.alice)),
        "people": (ada, "/settings/people/?state=all"),
        "person": (ada, f"/settings/people/{house.bob.pk}/"),
        "deactivate": (ada, f"/settings/people/{house.alice.pk}/deactivate/"),
        "invite": (ada, "/settings/people/invite/"),
        "teams": (ada, "/settings/teams/"),
        "team": (ada, f"/settings/teams/{house.inbox.team_id}/"),
        "remove from team": (ada, _removal(house.alice)),
        "contacts": (stage.house.alice, "/contacts/"),
        "contact": (stage.house.alice, f"/contacts/{stage.row.contact.public_id}/"),
        "merge": (stage.house.alice, f"/contacts/{stage.row.contact.public_id}/merge/?q=a"),
        "contact settings": (ada, "/settings/contacts/"),
        "contact import": (ada, _contact_import(ada)),
        "log-in settings": (ada, "/settings/log-in/"),
        "second factors": (house.alice, "/accounts/2fa/"),
        "passkeys": (house.alice, "/accounts/2fa/webauthn/"),
        "confirm it is me": (house.alice, "/accounts/2fa/webauthn/add/"),
        "change password": (house.alice, "/accounts/password/change/"),
        "whatsapp": (ada, "/settings/whatsapp/"),
        "audit log": (ada, "/settings/audit/"),
        "compliance": (ada, "/settings/compliance/"),
        "country rule": (ada, _own_rule(ada)),
        "log out": (house.alice, "/accounts/logout/"),
        **_settings_paths(stage),
    }


def _webhook(stage: Stage, ada: User) -> int:
    """Make a webhook that took one event, failed at one, and gave one up."""
    account, now = stage.house.account, timezone.now()
    wanted = Wanted("Warehouse", "https://events.example.com/in", EventType.values)
    webhook, _ = add_webhook(account=account, wanted=wanted, by=ada, now=now)
    webhook.failures, webhook.failed_at = 1, now
    webhook.failure = "It answered with an error (503)."
    webhook.save()
    for seq, (status, next_at) in enumerate((("told", None), ("failed", None), ("owed", now)), 1):
        EventDelivery.objects.create(
            webhook=webhook,
            inbox=stage.house.inbox,
            seq=seq,
            kind=EventType.MESSAGE_RECEIVED,
            happened_at=now,
            status=status,
            next_at=next_at and now + timedelta(hours=1),
            tries=seq,
            took_ms=120,
            answer=200 if status == "told" else 503,
            failure="" if status == "told" else webhook.failure,
        )
    return webhook.pk


def _settings_paths(stage: Stage) -> dict[str, tuple[User | None, str]]:
    ada = User.objects.get(name="Ada")
    inbox, sender = "/settings/inboxes/support/", stage.house.sender.pk
    sales = Team.objects.get(name="Sales").pk
    return {
        "settings": (ada, "/settings/"),
        "connection": (ada, "/settings/connection/?look=1"),
        "turn on": (ada, f"/settings/teams/{sales}/turn-on/?check=1"),
        "turned on": (ada, f"/settings/teams/{stage.house.inbox.pk}/turn-on/?check=1"),
        "inbox settings": (ada, inbox),
        "hours and replies of a supervisor": (stage.house.sue, inbox),
        "business hours for a supervisor": (stage.house.sue, "/settings/hours/"),
        "automatic replies": (ada, f"{_replies(stage)}"),
        "automatic replies of a supervisor": (stage.house.sue, f"{inbox}replies/"),
        "after-hours reply": (ada, f"{inbox}replies/after-hours/"),
        "keyword reply": (ada, f"{inbox}replies/keyword-1/"),
        "delete a keyword reply": (ada, f"{inbox}replies/keyword-1/delete/"),
        "numbers": (ada, f"{inbox}numbers/?choose=1"),
        "buy a number": (ada, f"{inbox}numbers/buy/"),
        "remove a number": (ada, f"{inbox}numbers/{sender}/remove/"),
        "turn off": (ada, f"{inbox}turn-off/"),
        "canned replies": (ada, _canned(stage)),
        "canned replies of an agent": (stage.house.bob, "/settings/canned/"),
        "canned reply": (ada, f"{_canned(stage)}{CannedReply.objects.earliest('pk').public_id}/"),
        "new canned reply": (stage.house.alice, "/settings/canned/new/"),
        "delete a canned reply": (
            ada,
            f"{_canned(stage)}{CannedReply.objects.earliest('pk').public_id}/delete/",
        ),
        "business hours": (ada, "/settings/hours/"),
        "escalation": (ada, "/settings/escalation/"),
        "escalation policy": (ada, f"/settings/escalation/{_policy(stage).pk}/"),
        "escalation of an inbox": (ada, f"{inbox}escalation/"),
        "recompute a policy": (ada, f"/settings/escalation/{_policy(stage).pk}/recompute/"),
        "recompute an inbox": (ada, f"{inbox}escalation/recompute/"),
        "delete a policy": (ada, f"/settings/escalation/{_policy(stage).pk}/delete/"),
        "coverage": (ada, "/settings/coverage/"),
        "coverage of an inbox": (ada, "/settings/coverage/support/"),
        "coverage for a supervisor": (stage.house.sue, "/settings/coverage/"),
        "move a number": (ada, f"{inbox}numbers/?move={sender}"),
        "delete hours": (ada, f"/settings/hours/{_spare_hours(stage).pk}/delete/"),
        "remove company sign-in": (ada, _removable(stage)),
        "business hours of one": (ada, f"/settings/hours/{_busy_hours(stage).pk}/"),
        **{name: (ada, path) for name, path in fill_lookups(stage.house, now=stage.now).items()},
        **{name: (ada, path) for name, path in _rules(stage, ada).items()},
        "rules of a supervisor": (stage.house.sue, f"{inbox}rules/"),
        "consent": (ada, "/settings/consent/"),
        "consent of a person": (ada, _consents(stage)),
        **{name: (ada, path) for name, path in _from_outside(stage, ada).items()},
        "keywords": (ada, _keywords(ada)),
        "try a message": (ada, "/settings/keywords/try/"),
        "messages read again": (ada, "/settings/keywords/review/"),
        "asking for consent": (ada, _asking(ada)),
        "asking for consent in Spanish": (ada, "/settings/compliance/asking/?language=es"),
        "asking on WhatsApp": (ada, _asking_on_whatsapp(stage, ada)),
        "answers to STOP": (ada, f"{inbox}consent-texts/"),
        "answers to STOP in Spanish": (ada, f"{inbox}consent-texts/?language=es"),
        "link to opt out": (None, _opt_out(stage)),
        "link to opt out, cut off": (None, "/o/cut"),
        "API keys": (ada, "/settings/api-keys/"),
        "event webhooks": (ada, "/settings/event-webhooks/"),
        "new event webhook": (ada, "/settings/event-webhooks/new/"),
        "event webhook": (ada, f"/settings/event-webhooks/{_webhook(stage, ada)}/"),
        "revoke a key": (ada, f"/settings/api-keys/{_key(ada)}/revoke/"),
        "retention": (ada, _retention(stage, ada)),
        "hold or erase a person": (ada, _keeping(stage)),
        "erasure": (ada, _erasure(stage, ada)),
        "removed words": (stage.house.alice, _removed(stage)),
    }


def _retention(stage: Stage, ada: User) -> str:
    """Let something be held, and something have gone."""
    account, now = stage.house.account, stage.now
    if not LegalHold.objects.filter(account=account).exists():
        reason = "Case 4711 before the district court, asked for by counsel"
        set_hold(account=account, contact=stage.row.contact, reason=reason, by=ada, now=now)
        counts = {"messages": 1204, "files": 77, "receipts": 3011}
        cause = ForgettingCertificate.Cause.RETENTION
        went = Went(cause, "the nightly run", counts, now, now, {"texts": {"kept": "90 days"}}, {})
        with transaction.atomic():
            issue(account.pk, went, now=now)
    return "/settings/retention/"


def _keeping(stage: Stage) -> str:
    return f"/settings/consent/{stage.row.contact.public_id}/keeping/"


def _erasure(stage: Stage, ada: User) -> str:
    """Let Twilio not have deleted a message of somebody who was erased."""
    row, _made = Erasure.objects.get_or_create(
        account=stage.house.account,
        subject="0" * 64,
        defaults={
            "state": Erasure.State.OUTSIDE,
            "reason": "They asked us to, by letter",
            "asked_by": ada,
            "asked_at": stage.now,
            "counts": {"message": 12, "attachment": 2, "suppressions_kept": 1},
        },
    )
    RemoteDeletion.objects.get_or_create(
        account=stage.house.account,
        erasure=row,
        twilio_account=stage.house.sender.twilio_account,
        message_sid=f"SM{'4' * 32}",
        defaults={"state": RemoteDeletion.State.FAILED, "problem": "Twilio answered 401 (20003)"},
    )
    return f"/settings/erasures/{row.public_id}/"


def _removed(stage: Stage) -> str:
    """Let the words of a conversation have gone."""
    row = Conversation.objects.get(thread__address__phone="+14155550101")
    empty_messages(
        row.messages.values_list("pk", flat=True), why=Forgotten.RETENTION, now=stage.now
    )
    return f"/inbox/{row.inbox.slug}/c/{row.public_id}/"


def _consents(stage: Stage) -> str:
    """Let a customer consent, and opt out by telephone, which was written down a day late."""
    account, now = stage.house.account, stage.now
    for number, days in ((EventKind.HELP, 9), (EventKind.NO_CONTACT, 7)):
        at = now - timedelta(days=days)
        tell(account, Evidence(number, Source.ADMIN, at, reason="They called"), at=at)
    at = now - timedelta(days=5)
    tell(account, proof(programme="offers", occurred_at=at), at=at)
    told: dict[str, Any] = {"at": now - timedelta(days=1), "occurred_at": now - timedelta(days=3)}
    tell(account, EventKind.OPT_OUT, words="no more", **told)
    asked = (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"/settings/consent/{stage.row.contact.public_id}/?at={asked}"


def _from_outside(stage: Stage, ada: User) -> dict[str, str]:
    """Have one file to be looked at, one that was imported, and a difference from Twilio.

    Somebody of each file is asked to confirm.
    """
    assert ada.account is not None
    settle_asking(ada.account, ada, stage.now, confirms=True, approves=True)
    for by in (ada, stage.house.sue):
        said = tell(ada.account, proof(kind=EventKind.PROPOSED, note="Signed"), at=stage.now)
        deed: dict[str, Any] = {"account": ada.account, "asked_by": by, "asked_at": stage.now}
        OptInApproval.objects.create(proposed=said.event.seq, **deed)
    deed = {"account": ada.account, "by": ada, "now": stage.now}
    rows = "\n".join(f"+1415555{n:04},opt_out,,," for n in range(300, 306))
    ins = "+14155550309,opt_in,,,\n+14155550311,opt_in,2026-01-05T10:00Z,express,I agree.\n"
    text = f"phone,action,date,basis,wording\n{rows}\n12,opt_out,,,\n{ins}"
    draft = upload(text.encode(), name="old-system.csv", **deed)
    done = upload(f"{text}+14155550310,what,,,\n".encode(), name="moved.csv", **deed)
    start(done, attestation="Moved from the old system; exported by IT.", by=ada, now=stage.now)
    while work := importing.claim_next(now=stage.now):
        while importing.go_on(work, now=stage.now):
            pass
    run = ConsentComparison.objects.create(
        account=ada.account, begun_at=stage.now, since=stage.now, messages=120, adopted=1
    )
    ConsentDifference.objects.create(
        account=ada.account,
        comparison=run,
        kind="refused_there",
        ending="42",
        our_address=stage.house.sender.address,
        done="Opted out here too. Only they can undo it, by texting START.",
    )
    page = "/settings/consent/imports/"
    return {
        "opt-ins to approve": "/settings/consent/approvals/",
        "imports of consents": page,
        "an import to look at": f"{page}{draft.public_id}/",
        "an import that is done": f"{page}{done.public_id}/",
        "consent at Twilio": "/settings/consent/outside/",
    }


def _keywords(ada: User) -> str:
    """Have words of one's own, and one of ours switched off."""
    assert ada.account is not None
    if not keywords_of(ada.account.pk):
        deed: dict[str, Any] = {"account": ada.account, "by": ada, "now": timezone.now()}
        for row in (("opt_out", "Genug", "de", "AT"), ("help", "asap"), ("none", "BAJA", "es")):
            add_keyword(keyword=OwnKeyword(*row), **deed)
    return "/settings/keywords/"


def _asking_on_whatsapp(stage: Stage, ada: User) -> str:
    """Have one template that asks and was paused since, and one that may be chosen."""
    assert ada.account is not None
    body = "{{1}}: Reply YES to confirm that we may send you messages. Reply STOP to stop."
    facts = {"account": ada.account, "language": "en", "category": "MARKETING", "body": body}
    for number, state in enumerate(("paused", "approved")):
        row, _made = WhatsAppTemplate.objects.update_or_create(
            twilio_account=stage.house.sender.twilio_account,
            content_sid=f"HX{number + 900:032x}",
            defaults={
                **facts,
                "name": f"opt_in_{state}",
                "status": state,
                "provider_status": state,
                "variables": {"1": "Acme"},
                "synced_at": stage.now,
                "asks_in": "en" if state == "paused" else "",
                "asks_with": {"1": "{business}"} if state == "paused" else {},
            },
        )
    return f"/settings/compliance/asking/whatsapp/?template={row.pk}"


def _asking(ada: User) -> str:
    """Have programmes, and texts of one's own in two languages."""
    assert ada.account is not None
    if not asking_of(ada.account.pk).programmes:
        names = programmes_from([("", "Appointment reminders"), ("", "Deliveries")])
        name = ada.account.name
        own = {code: suggested(AskingKind.CONFIRM, code, name) for code in ("en", "es")}
        wanted = Asking(True, OptOutScope.EVERY, True, names, {"confirm": own})
        version = policy_row(ada.account).version
        deed: dict[str, Any] = {"account": ada.account, "by": ada, "now": timezone.now()}
        change_asking(wanted=wanted, version=version, **deed)
    return "/settings/compliance/asking/"


def _opt_out(stage: Stage) -> str:
    address = parse_address("+14155550123")
    link = opt_out_link(stage.house.account.pk, address, now=timezone.now())
    return f"/o/{link.rpartition('/')[2]}"


def _contact_import(ada: User) -> str:
    assert ada.account
    text = b"phone,name,tier\n+12125550142,Maria L\xc3\xb3pez,gold\nnobody,X,\n"
    row = upload_contacts(text, account=ada.account, by=ada, name="people.csv", now=timezone.now())
    return f"/settings/contacts/{row.public_id}/"


def _key(ada: User) -> int:
    """Have a key that works, one that was used and one that is revoked; return the first."""
    assert ada.account is not None
    now = timezone.now()
    if not ApiKey.objects.exists():
        deed: dict[str, Any] = {"account": ada.account, "by": ada, "now": now, "days": 30}
        make_key(name="Deployment", may_change=True, **deed)
        make_key(name="Reports", may_change=False, **deed)
        ApiKey.objects.update(last_used_at=now, last_network="203.0.113.0/24")
        revoke_key(key=make_key(name="Old", may_change=True, **deed).row, by=ada, now=now)
    return ApiKey.objects.get(name="Deployment").pk


def _rules(stage: Stage, ada: User) -> dict[str, str]:
    """Have rules that hold and a draft beside them."""
    fill_rules(stage.house, ada)
    rules = "/settings/inboxes/support/rules/"
    return {
        "rules": rules,
        "a rule": f"{rules}rule/?id=vip",
        "a new rule": f"{rules}rule/",
        "publish rules": f"{rules}publish/",
        "versions of rules": f"{rules}versions/",
        "a version of rules": f"{rules}versions/1/",
        "rules as a document": f"{rules}document/",
        "delete a rule": f"{rules}rule/delete/?id=vip",
        "throw a draft away": f"{rules}discard/",
        "rules asked first": "/settings/rules/",
        "examples of rules asked first": "/settings/rules/examples/",
        "an inbox as a document": "/settings/inboxes/support/document/",
        "try the rules": f"{rules}try/",
        "replay messages": f"{rules}replay/?limit=100",
        "examples of rules": f"{rules}examples/",
    }


PAGES = [
    "log-in",
    "forgotten password",
    "list",
    "empty view",
    "nothing found",
    "search",
    "search found",
    "search by number",
    "search found nothing",
    "search with a wrong value",
    "saved searches",
    "reports",
    "wall board",
    "boards on walls",
    "board on a wall",
    "board that ended",
    "help",
    "conversation",
    "conversation of a supervisor",
    "given to somebody",
    "new conversation",
    "media",
    "channels",
    "folds of the panel",
    "watchers",
    "why it is here",
    "possible opt-outs",
    "why it was sent",
    "print",
    "decisions",
    "transfer",
    "profile",
    "notifications",
    "no more letters",
    "not there",
    "company sign-in",
    "forged invitation",
    "invitation",
    "features",
    "licences",
    "take a seat away",
    "people",
    "person",
    "deactivate",
    "invite",
    "teams",
    "team",
    "remove from team",
    "contacts",
    "contact",
    "merge",
    "contact settings",
    "contact import",
    "log-in settings",
    "second factors",
    "passkeys",
    "confirm it is me",
    "change password",
    "whatsapp",
    "audit log",
    "compliance",
    "country rule",
    "log out",
    "settings",
    "connection",
    "turn on",
    "turned on",
    "inbox settings",
    "hours and replies of a supervisor",
    "business hours for a supervisor",
    "automatic replies",
    "automatic replies of a supervisor",
    "after-hours reply",
    "keyword reply",
    "delete a keyword reply",
    "numbers",
    "buy a number",
    "remove a number",
    "turn off",
    "canned replies",
    "canned replies of an agent",
    "canned reply",
    "new canned reply",
    "delete a canned reply",
    "business hours",
    "escalation",
    "escalation policy",
    "escalation of an inbox",
    "recompute a policy",
    "recompute an inbox",
    "delete a policy",
    "coverage",
    "coverage of an inbox",
    "coverage for a supervisor",
    "move a number",
    "delete hours",
    "remove company sign-in",
    "business hours of one",
    "look-ups",
    "new data action",
    "data action",
    "try a data action",
    "new look-up",
    "new hubspot look-up",
    "look-up",
    "look-up of a table",
    "try a look-up",
    "delete a look-up",
    "new table",
    "table",
    "replace a table",
    "rules",
    "a rule",
    "a new rule",
    "publish rules",
    "versions of rules",
    "a version of rules",
    "rules as a document",
    "delete a rule",
    "throw a draft away",
    "rules asked first",
    "examples of rules asked first",
    "an inbox as a document",
    "try the rules",
    "replay messages",
    "examples of rules",
    "rules of a supervisor",
    "consent",
    "consent of a person",
    "opt-ins to approve",
    "imports of consents",
    "an import to look at",
    "an import that is done",
    "consent at Twilio",
    "keywords",
    "try a message",
    "messages read again",
    "asking for consent",
    "asking for consent in Spanish",
    "asking on WhatsApp",
    "answers to STOP",
    "answers to STOP in Spanish",
    "link to opt out",
    "link to opt out, cut off",
    "API keys",
    "event webhooks",
    "new event webhook",
    "event webhook",
    "revoke a key",
    "retention",
    "hold or erase a person",
    "erasure",
    "removed words",
]


def check_page(page: Page, name: str) -> None:
    """Ask axe in the dark and in the light, and whether anything sticks out to the side."""
    page.wait_for_load_state("load")
    assert page.viewport_size
    SHOTS.mkdir(parents=True, exist_ok=True)
    width = page.viewport_size["width"]
    shot = f"{name.removesuffix(f' {width}').replace(' ', '-')}-{{}}-{width}.png"
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        wrong = [
            (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
            for one in found.response["violations"]
        ]
        page.screenshot(path=SHOTS / shot.format(scheme))
        assert not wrong, f"{name} {scheme}: {wrong}"
    too_wide = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    # Where parts scroll by themselves, the page as a whole must have nowhere to go.
    slides = page.evaluate(
        "document.querySelector('.app') !== null &&"
        " document.documentElement.scrollHeight > document.documentElement.clientHeight"
    )
    mirrored_is_too_wide = page.evaluate(MIRRORED)
    assert not too_wide, f"{name} scrolls sideways"
    assert not slides, f"{name} slides under its own parts"
    assert not mirrored_is_too_wide, f"{name} scrolls sideways where one reads from the right"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_accessible(stage: Stage, open_as: Open, width: int) -> None:
    pages = _paths(stage)
    assert list(pages) == PAGES

    for name, (user, path) in pages.items():
        page = open_as(user, path, viewport={"width": width, "height": 800})
        check_page(page, name)
        page.close()


def test_names_of_any_length_stay_on_the_page(stage: Stage, open_as: Open) -> None:
    house, pages = stage.house, _paths(stage)
    endless = "W" * 70
    Account.objects.filter(pk=house.account.pk).update(name=endless)
    Team.objects.filter(account=house.account, name="Sales").update(name=endless)
    Team.objects.filter(pk=house.inbox.team_id).update(name=endless + "x")
    TeamInbox.objects.filter(pk=house.inbox.pk).update(name=endless)
    BusinessHours.objects.filter(name="Spare").update(name=endless)
    EscalationPolicy.objects.update(name=endless)
    User.objects.exclude(name="Ada").update(name=endless)

    for width in (1280, 360):
        look = {"viewport": {"width": width, "height": 800}}
        page = open_as(User.objects.get(name="Ada"), "/settings/", **look)
        for name, (user, path) in pages.items():
            if user is not None and path.startswith("/settings/"):
                page.goto(path)
                assert page.evaluate(SIDEWAYS) == 0, f"{name} scrolls sideways at {width}"


def test_longer_words_stay_on_the_page_of_a_phone(stage: Stage, open_as: Open) -> None:
    pages = _paths(stage)
    User.objects.update(language="es")
    by_person = groupby(sorted(pages.items(), key=_person), key=_person)

    too_wide = []
    for _who, theirs in by_person:
        page: Page | None = None
        for name, (user, path) in theirs:
            if user is None:
                continue
            page = page or open_as(user, path, viewport={"width": 360, "height": 800})
            page.goto(path)
            if page.evaluate(SIDEWAYS):
                too_wide.append(name)
    assert too_wide == []


def _person(page: tuple[str, tuple[User | None, str]]) -> int:
    user, _path = page[1]
    return user.pk if user else 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_states_nobody_likes_are_accessible_too(
    stage: Stage, client: Client, open_as: Open, width: int
) -> None:
    house = stage.house
    look = {"viewport": {"width": width, "height": 800}}
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)
    here = f"/inbox/support/c/{stage.row.public_id}/"
    stage.hear("STOP")

    page = open_as(house.alice, here, **look)
    expect(page.locator("body")).to_contain_text("START")
    check_page(page, "opted out")
    Conversation.objects.filter(pk=stage.pk).update(
        is_team_wide=False, owner=house.alice, owned_since=stage.now
    )
    page = open_as(house.bob, here, **look)
    expect(page.locator("body")).to_contain_text("Alice")
    check_page(page, "handled by other")
    page = open_as(nora, "/", **look)
    check_page(page, "no licence")
    License.objects.filter(holder=house.bob).delete()


@pytest.mark.parametrize("width", WIDTHS)
def test_business_hours_with_mistakes_are_accessible_too(
    stage: Stage, open_as: Open, width: int
) -> None:
    ada, hours = User.objects.get(name="Ada"), _busy_hours(stage)
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, f"/settings/hours/{hours.pk}/", **look)

    page.get_by_role("button", name="Add hours on Saturday").click()
    expect(page.get_by_label("Saturday, from")).to_be_focused()
    page.get_by_label("Saturday, from").fill("17:00")
    page.get_by_label("Saturday, to").fill("09:00")
    page.get_by_label("Saturday, to").press("Enter")
    expect(page.locator(".hours-problems")).to_be_focused()
    page.get_by_role("link", name="Saturday").click()
    expect(page.get_by_label("Saturday, from")).to_be_focused()
    check_page(page, "business hours with a mistake")
    page.get_by_label("ends on the next day").first.check()
    page.get_by_role("button", name="Save the week").last.click()
    expect(page.locator(".notices")).to_contain_text("The week is saved.")


@pytest.mark.parametrize("width", WIDTHS)
def test_what_the_log_in_refuses_is_accessible_too(stage: Stage, open_as: Open, width: int) -> None:
    house, ada = stage.house, User.objects.get(name="Ada")
    look = {"viewport": {"width": width, "height": 800}}
    for account in (house.account, make_account("Acme Overseas")):
        SignOn.objects.create(account=account, issuer="https://x.io", domains=["example.com"])
        make_user(account, "Omar")

    page = open_as(ada, "/settings/log-in/", **look)
    Account.objects.update(idle_minutes=30, requires_second_factor=True)
    data = {"name": "Key", "credential": {}}
    for user in (ada, house.alice):
        key = Authenticator.objects.create(user=user, type="webauthn", data=data)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("somebody else changed this")
    check_page(page, "policy changed meanwhile")
    page = open_as(None, "/accounts/company/", **look)
    page.get_by_label("Work e-mail address").fill("somebody@example.com")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name="Acme Overseas")).to_be_visible()
    check_page(page, "two companies")
    page = open_as(house.alice, f"/accounts/2fa/webauthn/keys/{key.pk}/remove/", **look)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("body")).to_contain_text("You cannot deactivate your only second factor")
    check_page(page, "last passkey")


def test_the_admin_is_quiet_under_the_strict_policy(
    house: House, live: Live, open_as: Open
) -> None:
    root = User.objects.create_superuser("root@example.com", "x", name="Root")

    for path in (
        "/admin/",
        "/admin/inbox/sender/",
        f"/admin/inbox/sender/{house.sender.pk}/change/",
    ):
        page = open_as(root, path)
        expect(page.locator("body")).to_contain_text("Team Inbox")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_dialog_of_templates_is_accessible_too(
    stage: Stage,
    client: Client,
    live: Live,
    open_as: Open,
    settings: Any,
    width: int,
) -> None:
    house = stage.house
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    message = text_in(client, whatsapp, "whatsapp:+14155550177", "Is it ready?")
    Thread.objects.filter(pk=message.thread_id).update(
        last_inbound_at=timezone.now() - timedelta(hours=25)
    )
    # As the workers beside us would ask it, so that none of them does before an hour is over.
    name = "order_update_for_customers_with_long_names"
    live.carrier.ask(
        "POST",
        "templates",
        account_sid=whatsapp.twilio_account.account_sid,
        name=name,
        category="UTILITY",
        body="Hi {{1}}, order {{2}} is ready. Fetch it until {{3}}, or write to us here.",
        variables={"1": "Maria", "2": "4711", "3": "Friday"},
        status="approved",
    )
    settings.TWILIO_API_BASE = live.carrier.url
    sync_whatsapp(twilio_account=whatsapp.twilio_account, now=timezone.now())
    assert message.conversation is not None
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(house.alice, f"/inbox/support/c/{message.conversation.public_id}/", **look)

    page.locator("#banner").get_by_role("link", name="Choose a template").click()
    dialog = page.locator("#template-dialog")
    dialog.get_by_text(name).click()
    expect(dialog.get_by_role("button", name="Send this template")).to_be_visible()
    check_page(page, "dialog of templates")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS)
def test_hours_of_messages_with_a_mistake_are_accessible_too(
    stage: Stage, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(User.objects.get(name="Ada"), "/settings/compliance/", **look)
    offers = page.locator("#promotion_window")

    offers.get_by_label("Only in these hours:").check()
    offers.get_by_role("button", name="add hours on Saturday").click()
    expect(page.get_by_label("Hours for offers, Saturday, from")).to_be_focused()
    page.get_by_label("Hours for offers, Saturday, from").fill("17:00")
    page.get_by_label("Hours for offers, Saturday, to").fill("09:00")
    page.get_by_label("Hours for offers, Saturday, to").press("Enter")
    problem = page.get_by_role("link", name="Saturday")
    expect(problem).to_contain_text("Does it end on the next day?")
    check_page(page, "hours of messages with a mistake")
    problem.click()
    expect(page.get_by_label("Hours for offers, Saturday, from")).to_be_focused()
    page.get_by_label("Hours for offers, Saturday, to").fill("18:00")
    page.locator("#policy").get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".notices")).to_contain_text("Saved.")
