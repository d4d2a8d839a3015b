"""What does a test of the admin work with? Accounts with a row of everything, and their watchers.

Whatever says what a customer wrote, or who they are, holds a canary: no page may sing it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.access import viewer_of
from accounts.audit import record
from accounts.granting import ask_for_feature
from accounts.models import (
    Account,
    ApiKey,
    BrowserSession,
    ExpiryNotice,
    GrantProposal,
    Invitation,
    InvitationTeam,
    Membership,
    Package,
    Partner,
    PushSubscription,
    SignOn,
    SupportAccess,
    User,
)
from accounts.packages import offer_package
from accounts.support import ask_for_support
from compliance.addresses import parse_address
from compliance.decisions import Stage, keep_decision
from compliance.erasure import erase_person
from compliance.evidence import EventKind, Evidence, Source
from compliance.gate import Purpose, Reason, Verdict
from compliance.jurisdictions import shipped_text
from compliance.keyword_settings import add_keyword
from compliance.models import (
    CompliancePolicy,
    ConsentComparison,
    ConsentDifference,
    ConsentImport,
    ConsentImportLine,
    ConsentSharing,
    JurisdictionPack,
    ReassignmentCheck,
    ReassignmentPolicy,
    RuleOverride,
    SharedConsent,
)
from compliance.own_keywords import OwnKeyword
from compliance.recording import record_consent
from inbox.conversations import claim_conversation, mark_read, take_over
from inbox.counting import count_again
from inbox.forgetting.certificates import Went, issue
from inbox.models import (
    Attachment,
    Attention,
    AvailabilityPlan,
    CannedReply,
    ConsentQuestion,
    ConsentReview,
    Contact,
    ContactImport,
    Conversation,
    CrmAnswer,
    Draft,
    DriftFinding,
    Erasure,
    EventCursor,
    EventDelivery,
    EventWebhook,
    ForgettingCertificate,
    InboxAttention,
    LegalHold,
    MergeLog,
    Message,
    OnlineTime,
    OptInApproval,
    Receipt,
    RemoteDeletion,
    ReportState,
    ResponseTime,
    RetentionPolicy,
    RoutingTrace,
    SavedSearch,
    SavedView,
    SegmentPrice,
    Sender,
    TeamInbox,
    ToldConsent,
    WallLink,
    WhatsAppState,
    WhatsAppSync,
    WhatsAppTemplate,
)
from inbox.receiving import Arrival, accept, process
from routing.facts import Directory
from routing.hours import SpecialDay
from routing.lint import Known
from routing.models import CrmConnector, CrmRow, CrmTable, DataAction, RuleExample, Turn
from routing.rulebooks import make_rulebook, publish, save_draft
from tests.factories import (
    NINE_TO_FIVE,
    make_account,
    make_hours,
    make_inbox,
    make_policy,
    make_sender,
    make_twilio_account,
    make_user,
)
from tests.live import until
from tests.twilio import new_sid

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
OURS = ("accounts", "compliance", "routing", "inbox")
SECRETS = {
    "auth_token": "5ec2e7000000000000000000000000a1",
    "auth_token_next": "5ec2e7000000000000000000000000b2",
    "api_key_secret": "5ec2e7000000000000000000000000c3",
    "shared_key": "5ec2e7000000000000000000000000d4",
}
# No page of the admin may show any of these to anybody.
CANARIES = ("canary", "5ec2e7", "415555", "fernet:")


def our_models() -> list[type[Model]]:
    """List every model of our apps."""
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def admin_url(model: type[Model] | Model, page: str, pk: Any = None) -> str:
    """Return the address of a page of a model's admin."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return base if page == "list" else f"{base}add/" if page == "add" else f"{base}{pk}/{page}/"


@dataclass
class Company:
    """One account with a row of everything."""

    account: Account
    inbox: TeamInbox
    sender: Sender
    alice: User
    sue: User

    @property
    def partner(self) -> Partner:
        """The partner who looks after it."""
        return self.account.partner


def make_company(name: str, partner: str, *, n: int = 1, written_at: datetime = NOW) -> Company:
    """Make an account of a partner, whose customer number `n` wrote, stopped and strayed.

    Where workers run, it is `written_at` the true time: one of them may take a message first, and
    what is days old to its clock is not answered.
    """
    account = make_account(name, partner_name=partner)
    inbox = make_inbox(
        account, f"{name} Support", first_reply="per_conversation", first_reply_text="Welcome"
    )
    twilio = make_twilio_account(
        account, shared_key_sid=f"KY{n:032x}", api_key_sid=f"SK{n:032x}", **SECRETS
    )
    sender = make_sender(inbox, f"+1555010{n:04d}", twilio_account=twilio)
    alice = make_user(account, f"Alice of {name}", team=inbox.team)
    sue = make_user(account, f"Sue of {name}", team=inbox.team, role=Membership.Role.SUPERVISOR)
    make_policy(inbox, {"after": 5, "do": "notify"})
    hours = make_hours(account, special_days=(SpecialDay(NOW.date(), "Outing", NINE_TO_FIVE),))
    AvailabilityPlan.objects.create(
        account=account, user=alice, hours=hours, hours_version=1, changed_at=NOW
    )
    OnlineTime.objects.create(account=account, user=alice, began_at=NOW, ended_at=NOW)
    CannedReply.objects.create(
        account=account, inbox=inbox, shortcut="hours", body="9 to 5", made_at=NOW, changed_at=NOW
    )
    SegmentPrice.objects.create(account=account, price="0.00790", currency="USD")
    SavedView.objects.create(
        account=account, inbox=inbox, owner=alice, name="Long waits", created_at=NOW
    )
    SavedSearch.objects.create(
        account=account, owner=alice, name="Refunds", line="refund status:open", created_at=NOW
    )
    WallLink.objects.create(
        account=account,
        owner=sue,
        inbox=inbox,
        secret_hash=f"{n:064}",
        created_at=NOW,
        expires_at=NOW + timedelta(days=90),
    )
    Attention.objects.create(account=account, user=alice, digest_after=30, digested_at=NOW)
    InboxAttention.objects.create(account=account, user=alice, inbox=inbox, hears_new=False)
    company = Company(account, inbox, sender, alice, sue)
    _live_a_little(company, n, written_at)
    return company


def take_in(
    sender: Sender,
    customer: str,
    body: str,
    *,
    to: str = "",
    is_stray: bool = False,
    at: datetime = NOW,
) -> Receipt:
    """Let a webhook arrive, past its signature; return its receipt."""
    twilio = sender.twilio_account
    sid = new_sid()
    form = {
        "MessageSid": sid,
        "AccountSid": twilio.account_sid,
        "From": customer,
        "To": to or sender.address,
        "Body": body,
        "ProfileName": "canary profile",
    }
    arrival = Arrival(
        kind=Receipt.Kind.INBOUND,
        account_id=sender.account_id,
        twilio_account_id=twilio.pk,
        sender_id=None if is_stray else sender.pk,
        account_sid=twilio.account_sid,
        message_sid=sid,
        status="",
        form=urlencode(form).encode(),
    )
    receipt_id, is_new = accept(arrival, now=at)
    if is_new:
        process(receipt_id, now=at)
    # Where workers run, one of them may have taken it, and be at it still.
    waiting = Receipt.objects.filter(pk=receipt_id, state=Receipt.State.WAITING)
    until(lambda: not waiting.exists(), within=30)
    return Receipt.objects.get(pk=receipt_id)


def _live_a_little(company: Company, n: int, at: datetime) -> None:
    customer = f"+1415555{n:04d}"
    take_in(company.sender, customer, "canary words", at=at)
    take_in(company.sender, customer, "STOP", at=at)
    take_in(company.sender, customer, "canary stray", to="+15550999999", is_stray=True, at=at)
    conversation = Conversation.objects.get(account=company.account)
    viewer = viewer_of(company.alice, now=NOW)
    claim_conversation(conversation=conversation, by=viewer, user=company.alice, now=NOW)
    take_over(
        conversation=conversation,
        by=viewer_of(company.sue, now=NOW),
        user=company.sue,
        reason="canary reason",
        now=NOW,
    )
    mark_read(conversation=conversation, by=viewer, seq=1)
    Draft.objects.create(
        account=company.account,
        user=company.alice,
        conversation=conversation,
        mode=Draft.Mode.REPLY,
        body="canary draft",
        revision=1,
        device="canary-device",
        typed_ms=1,
        written_at=at,
    )
    Contact.objects.filter(account=company.account).update(name="canary name", notes="canary notes")
    Conversation.objects.filter(pk=conversation.pk).update(
        preview="canary preview", close_reason="canary close"
    )
    message = Message.objects.filter(account=company.account).order_by("pk")[0]
    Message.objects.filter(pk=message.pk).update(details={"location": "canary place"})
    Attachment.objects.create(
        account=company.account,
        message=message,
        source_url="https://example.com/canary",
        name="canary.jpg",
        file="attachments/canary.jpg",
    )
    _ask_about_whatsapp(company, n)
    record(action="looked", subject=company.account.name, now=NOW, account_id=company.account.pk)
    SupportAccess.objects.create(
        account=company.account,
        user=make_staff(f"support{n}@platform.example"),
        reason="A ticket",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
    )
    _have_people_around(company, n)
    _forget_somebody(company, n)
    _stop_on_the_web(company, n)
    _doubt(company)
    _keep_and_forget(company)
    _make_a_word(company)
    DriftFinding.objects.create(
        account=company.account,
        twilio_account=company.sender.twilio_account,
        sender=company.sender,
        kind=DriftFinding.Kind.WEBHOOK,
        found="https://old.example/sms",
        found_at=NOW,
    )
    _have_look_ups(company)
    _have_event_webhooks(company)
    _have_rules(company)
    _have_country_rules(company)
    _have_outside_consents(company, n)
    _entitle(company)
    Authenticator.objects.create(
        user=company.alice, type=Authenticator.Type.TOTP, data={"secret": "canary second factor"}
    )
    _report(company, at)


@transaction.atomic
def _report(company: Company, at: datetime) -> None:
    # A live worker may have begun the row, and counts only while it holds it.
    ReportState.objects.update_or_create(
        account=company.account, defaults={"counted_to": NOW, "next_at": NOW, "repair_at": NOW}
    )
    count_again(company.account.pk, since=at - timedelta(hours=1), until=at + timedelta(hours=1))


def _make_a_word(company: Company) -> None:
    add_keyword(
        account=company.account, keyword=OwnKeyword("opt_out", "genug"), by=company.sue, now=NOW
    )


def _forget_somebody(company: Company, n: int) -> None:
    gone = parse_address(f"+1415556{n:04d}")
    said = Evidence(EventKind.OPT_OUT, Source.VERBAL, words="canary words", note="canary note")
    with transaction.atomic():
        record_consent(account_id=company.account.pk, address=gone, evidence=said, now=NOW)
        erase_person(account_id=company.account.pk, addresses=[gone], now=NOW)


def _stop_on_the_web(company: Company, n: int) -> None:
    """Who stopped opens the link in an older message of ours, and stops there as well."""
    who = parse_address(f"+1415555{n:04d}")
    told = Evidence(EventKind.OPT_OUT, Source.LINK, ip="203.0.113.7", user_agent="canary browser")
    with transaction.atomic():
        record_consent(account_id=company.account.pk, address=who, evidence=told, now=NOW)


def _keep_and_forget(company: Company) -> None:
    """A hold, and somebody whom Twilio has not forgotten yet."""
    account = company.account
    row = Message.objects.filter(account=account, direction="in").earliest("pk")
    LegalHold.objects.create(
        account=account,
        scope=LegalHold.Scope.CONVERSATION,
        conversation=row.conversation,
        reason="canary hold",
        set_by=company.sue,
        set_at=NOW,
    )
    # Where the clock runs, it may have made one already.
    RetentionPolicy.objects.get_or_create(account=account, defaults={"next_at": NOW})
    went = Went(ForgettingCertificate.Cause.ERASURE, "the test", {"message": 1}, NOW, NOW, {}, {})
    with transaction.atomic():
        certificate = issue(account.pk, went, now=NOW)
    erasure = Erasure.objects.create(
        account=account,
        subject="0" * 64,
        needles="canary needles",
        state=Erasure.State.OUTSIDE,
        reason="canary reason",
        asked_by=company.sue,
        asked_at=NOW,
        certificate=certificate,
    )
    RemoteDeletion.objects.create(
        account=account,
        erasure=erasure,
        twilio_account=company.sender.twilio_account,
        message_sid=new_sid(),
        state=RemoteDeletion.State.FAILED,
        problem="Twilio answered 401",
    )


def _doubt(company: Company) -> None:
    said = Message.objects.filter(account=company.account, direction="in").earliest("pk")
    thread = said.thread
    ConsentReview.objects.create(
        account=company.account,
        thread=thread,
        message=said,
        kind=ConsentReview.Kind.HELD,
        event=1,
        opened_at=NOW,
        due_at=NOW,
        ends_at=NOW,
    )
    asked = Message.objects.filter(account=company.account, direction="out").earliest("pk")
    OptInApproval.objects.create(
        account=company.account, proposed=1, asked_by=company.alice, asked_at=NOW
    )
    ToldConsent.objects.create(
        account=company.account, key="canary-key", said="0" * 64, status=201, told_at=NOW
    )
    ConsentQuestion.objects.create(
        account=company.account,
        thread=asked.thread,
        message=asked,
        kind=ConsentQuestion.Kind.CONFIRM,
        event=1,
        asked_at=NOW,
        ends_at=NOW,
    )
    keep_decision(
        Verdict(Reason.OPTED_OUT, "canary words"),
        account_id=company.account.pk,
        stage=Stage.QUEUED,
        purpose=Purpose.REPLY,
        thread=thread.public_id,
        author=company.alice,
        now=NOW,
    )


def _ask_about_whatsapp(company: Company, n: int) -> None:
    twilio = company.sender.twilio_account
    common = {"account": company.account, "twilio_account": twilio, "synced_at": NOW}
    # Where the clock runs, it may have asked already.
    asked = {"asked_at": NOW, "answered_at": NOW}
    WhatsAppSync.objects.update_or_create(twilio_account=twilio, defaults=asked)
    WhatsAppTemplate.objects.create(
        content_sid=f"HX{n:032x}",
        name="order_update",
        language="en",
        status="approved",
        provider_status="approved",
        **common,
    )
    WhatsAppState.objects.create(
        address=f"whatsapp:+1555010{n:04d}",
        provider_sid=f"XE{n:032x}",
        status="online",
        provider_status="ONLINE",
        **common,
    )


def _have_people_around(company: Company, n: int) -> None:
    invitation = Invitation.objects.create(
        account=company.account,
        email=f"ivy{n}@example.com",
        invited_at=NOW,
        expires_at=NOW,
        token_hash=f"5ec2e7{n:058x}",
    )
    InvitationTeam.objects.create(invitation=invitation, team=company.inbox.team)
    program = User.objects.create(
        email=f"program{n}@programs.invalid",
        name="Program “Deploy”",
        role=User.Role.PROGRAM,
        is_active=False,
    )
    ApiKey.objects.create(
        account=company.account,
        program=program,
        name="Deploy",
        prefix=f"deploy{n:06d}",
        secret_hash=f"5ec2e7{n:058x}",
        made_by=company.alice,
        made_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )
    SignOn.objects.create(
        account=company.account,
        issuer="https://login.example.com",
        client_id="team-inbox",
        client_secret="5ec2e7 of the company",
        domains=["example.com"],
    )
    BrowserSession.objects.create(
        key_hash=f"5ec2e7{n:034x}",
        session_data="canary",
        expire_date=datetime(2100, 1, 1, tzinfo=UTC),
        user=company.alice,
        ip="203.0.113.7",
        started_at=NOW,
        seen_at=NOW,
    )
    PushSubscription.objects.create(
        user=company.alice,
        session_hash=f"5ec2e7{n:034x}",
        endpoint=f"https://push.example.com/5ec2e7/{n}",
        endpoint_hash=f"5ec2e7{n:058x}",
        public_key="5ec2e7 of the browser",
        auth_key="5ec2e7 beside it",
        browser="Firefox/140 Windows",
        created_at=NOW,
        seen_at=NOW,
    )


def _have_outside_consents(company: Company, n: int) -> None:
    """A file that was imported, what Twilio was told and asked, and one difference."""
    account = {"account": company.account}
    changed = {**account, "changed_by": company.alice, "changed_at": NOW}
    file = ConsentImport.objects.create(
        **account,
        public_id=f"import{n}",
        file_name="old.csv",
        file_sha256="0" * 64,
        key=f"{n:064x}",
        status=ConsentImport.Status.DONE,
        attestation="Moved from the old system.",
        uploaded_by=company.alice,
        uploaded_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )
    ConsentImportLine.objects.create(
        **account, file=file, line=2, outcome="wrong", field="address", reason="It is no number."
    )
    # A worker that runs beside a test begins this row for every account.
    ConsentSharing.objects.update_or_create(
        account=company.account, defaults={"is_on": True, **changed}
    )
    SharedConsent.objects.create(
        **account,
        seq=1,
        handle=f"{n:064x}",
        sender_id="+15550170001",
        status="opt-out",
        source="others",
        correlation_id=f"{n:032x}",
        due_at=NOW,
        made_at=NOW,
    )
    looked = ConsentComparison.objects.create(**account, begun_at=NOW, since=NOW)
    ConsentDifference.objects.create(
        **account,
        comparison=looked,
        kind="only_there",
        ending="01",
        our_address="+15550170001",
        done="Nothing.",
    )
    ReassignmentPolicy.objects.create(is_on=True, **changed)
    ReassignmentCheck.objects.create(
        **account, handle=f"{n:064x}", verified_on=NOW.date(), answer="no", asked_at=NOW
    )


def _have_country_rules(company: Company) -> None:
    common = {"account": company.account, "changed_by": company.alice, "changed_at": NOW}
    CompliancePolicy.objects.create(open_days=14, **common)
    RuleOverride.objects.create(
        account=company.account,
        code="US",
        column="promo_window",
        number=1,
        value="mon-sun=09:00-20:00",
        of_value="mon-sun=08:00-21:00",
        pack_version="2026-11-23",
        made_by=company.alice,
        made_at=NOW,
    )
    JurisdictionPack.objects.get_or_create(
        version="2026-01-01",
        defaults={
            "state": JurisdictionPack.State.REPLACED,
            "content": shipped_text().replace('"version": "2026-11-23"', '"version": "2026-01-01"'),
            "received_at": NOW,
            "replaced_at": NOW,
        },
    )


def _have_event_webhooks(company: Company) -> None:
    account = company.account
    webhook = EventWebhook.objects.create(
        account=account,
        name="Warehouse",
        url="https://events.example.com/",
        secret="5ec2e7 of the webhook",
        kinds=["conversation.created"],
        created_at=NOW,
        changed_at=NOW,
    )
    inbox = TeamInbox.objects.filter(account=account)[0]
    EventCursor.objects.create(webhook=webhook, inbox=inbox, seq=1)
    EventDelivery.objects.create(
        webhook=webhook,
        inbox=inbox,
        seq=1,
        kind="conversation.created",
        conversation=Conversation.objects.filter(account=account)[0],
        happened_at=NOW,
        next_at=NOW,
    )


def _have_look_ups(company: Company) -> None:
    account = company.account
    made = {"account": account, "created_at": NOW, "changed_at": NOW}
    DataAction.objects.create(
        name="Own code", url="https://code.example.com/", secret="5ec2e7 of the code", **made
    )
    table = CrmTable.objects.create(name="Customers", columns=["tier"], **made)
    CrmRow.objects.create(
        account=account, table=table, key="+14155550001", values={"tier": "canary tier"}
    )
    connector = CrmConnector.objects.create(
        name="Our CRM",
        url="https://crm.example.com/{{contact.number}}",
        headers={"X-Seat": "canary seat"},
        secrets='{"token": "5ec2e7 of the CRM"}',
        fields=[{"name": "tier", "path": "tier"}],
        **made,
    )
    ContactImport.objects.create(
        account=account,
        file_name="canary file",
        content="5ec2e7 numbers",
        uploaded_by=company.alice,
        uploaded_at=NOW,
    )
    MergeLog.objects.create(
        account=account,
        kept=Contact.objects.filter(account=account)[0],
        absorbed=Contact.objects.create(account=account, name="canary absorbed"),
        by=company.alice,
        merged_at=NOW,
        before={"kept": {"name": "canary before"}},
    )
    CrmAnswer.objects.create(
        account=account,
        contact=Contact.objects.filter(account=account)[0],
        connector=connector,
        question="canary question",
        facts={"tier": "canary tier"},
        answered_at=NOW,
    )


def _have_rules(company: Company) -> None:
    account, alice = company.account, company.alice
    rulebook = make_rulebook(account=account, name="House rules", by=alice, now=NOW)
    rule = {"id": "a", "name": "All of them", "then": {"tags": ["new"]}}
    save_draft(rulebook=rulebook, document={"rules": [rule]}, seen=1, by=alice, now=NOW)
    publish(
        rulebook=rulebook,
        seen=2,
        note="As agreed",
        directory=Directory(),
        known=Known(),
        by=alice,
        now=NOW,
    )
    Turn.objects.create(account=account, rulebook=rulebook, key="a:0", person=alice)
    RuleExample.objects.create(
        account=account,
        rulebook=rulebook,
        team=company.inbox.team,
        name="A refund",
        facts={"at": NOW.isoformat(), "text": "canary typed", "number": "+14155550001"},
        expected={"reply": "canary answer"},
        changed_by=alice,
        created_at=NOW,
        changed_at=NOW,
    )
    conversation = Conversation.objects.get(account=account)
    ResponseTime.objects.create(
        account=account,
        inbox=conversation.inbox,
        conversation=conversation,
        kind="first",
        turn=1,
        user=alice,
        began_at=NOW,
        ended_at=NOW,
        calendar_time=timedelta(0),
        business_time=timedelta(0),
    )
    RoutingTrace.objects.create(
        account=account,
        inbox=conversation.inbox,
        conversation=conversation,
        trigger="new",
        rule="a",
        facts={"customer": {"name": "canary name"}},
        people={"1": {"name": "canary person"}},
        plan={"notes": ["canary note"]},
        rules=[{"name": "canary value"}],
        lookups={"crm": "canary skipped"},
        replies={"text": "canary reply"},
        at=NOW,
    )


def _entitle(company: Company) -> None:
    account, alice = company.account, company.alice
    request = ask_for_feature(
        account=account, feature="custom_routing", words="Please", by=alice, now=NOW
    )
    GrantProposal.objects.create(
        account=account,
        feature="custom_routing",
        starts_at=NOW,
        reason="They asked",
        request=request,
        proposed_by=alice,
        proposed_at=NOW,
    )
    # A test with real commits empties the catalogue.
    package, _ = Package.objects.get_or_create(slug="team-inbox-setup", defaults={"name": "Set-up"})
    offer_package(account=account, package=package, by=alice, now=NOW)
    pool = account.license_pools.get()
    ExpiryNotice.objects.create(
        account=account, pool=pool, ends_at=NOW, days=30, words="It ends", noted_at=NOW, mail_at=NOW
    )


def enter_for_support(company: Company, user: User) -> SupportAccess:
    """Let somebody into an account for support, for an hour from now."""
    now = timezone.now()
    return ask_for_support(
        account=company.account,
        user=user,
        reason="A ticket",
        ends_at=now + timedelta(hours=1),
        now=now,
    )


def make_staff(email: str = "root@platform.example") -> User:
    """Make a member of the platform's staff."""
    return User.objects.create_superuser(email, name="Rita Root")


def make_partner_user(partner: Partner, email: str = "pat@partner.example") -> User:
    """Make a person who works for a partner."""
    return User.objects.create_user(
        email, name="Pat Partner", role=User.Role.PARTNER, partner=partner, is_staff=True
    )


def browser_of(user: User) -> Client:
    """Return a client logged in as somebody."""
    client = Client()
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")
    return client


def content_of(answer: Any) -> bytes:
    """Return what an answer says, also one that is sent bit by bit."""
    content: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content


def sings(content: bytes | str) -> list[str]:
    """Return the canaries that a page sings."""
    text = content.decode() if isinstance(content, bytes) else content
    # The time zone of some islands is no bird.
    heard = text.lower().replace("atlantic/canary", "").replace("canary (utc", "")
    return [canary for canary in CANARIES if canary in heard]
