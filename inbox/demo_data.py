"""What does the demo show? Two accounts, a few people, and conversations worth a look."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.access import viewer_of
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
from compliance.consent import KeywordHandler
from inbox.carrier import Accepted, InboundText, Rejected
from inbox.closing import close_conversation
from inbox.conversations import add_note, claim_conversation
from inbox.counting import count_again
from inbox.models import (
    CannedReply,
    Contact,
    Conversation,
    Message,
    ReportState,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.models.ids import client_id
from inbox.receiving import receive_message
from inbox.sending import send_reply, settle
from inbox.status_urls import fallback_url, sender_status_url, webhook_url
from inbox.twilio.errors import meaning_of
from routing.hours_presets import HoursPreset, hours_of_preset

_Role = Membership.Role


@dataclass(frozen=True)
class DemoSecrets:
    """What is random per installation: one password for the people, a token per account."""

    password: str
    acme_token: str
    globex_token: str


ACME_SID = "AC" + "a" * 32
GLOBEX_SID = "AC" + "b" * 32
SERVICE_SID = "MG" + "c" * 32
FREE_NUMBERS = ((ACME_SID, "+15550100004"), (GLOBEX_SID, "+15550100011"))
FORMER_URL = "https://example.com/former/sms"
PEOPLE = (
    ("alice@acme.example", "Alice Agent", _Role.AGENT, True),
    ("bob@acme.example", "Bob Agent", _Role.AGENT, True),
    ("sue@acme.example", "Sue Supervisor", _Role.SUPERVISOR, True),
    ("nora@acme.example", "Nora Newcomer", _Role.AGENT, False),
)
# What people of Support have ready.
CANNED = (
    ("hours", "We are open from 9 am to 5 pm, Monday to Friday."),
    ("hi", "Hi {{contact.first_name|there}}, this is {{agent.first_name}} from {{inbox.name}}."),
    ("return", "Put it back into its box and take it to any post office: we pay for the way back."),
)
# What Support says by itself.
REPLIES = {
    "format": 1,
    "keyword": [
        {
            "name": "Opening hours",
            "phrases": ["opening hours", "when are you open", "horario"],
            "variants": [
                {"text": "We are there every day from 8 to 20."},
                {"text": "Estamos todos los días de 8 a 20.", "language": "es"},
            ],
        }
    ],
    "first_message": {
        "when": "per_conversation",
        "variants": [
            {"text": "Hi! Thanks for writing to Acme. A person will answer you shortly."},
            {
                "text": "¡Hola! Gracias por escribir a Acme. Enseguida le responde una persona.",
                "language": "es",
            },
        ],
    },
}
PERSONAS = (
    ("Maria", "+14155550100"),
    ("José", "+525512345678"),
    ("Landline", "+14155550130"),
    ("Opted out", "+14155550140"),
    ("Wei (WhatsApp)", "whatsapp:+6581234567"),
    ("Ravi (WhatsApp, no number)", "whatsapp:IN.208112345678"),
)


@transaction.atomic
def load(secrets: DemoSecrets, *, now: datetime) -> None:
    """Make the demo's rows; does nothing where they exist."""
    if Partner.objects.filter(name="Northwind Partners").exists():
        return
    partner = Partner.objects.create(name="Northwind Partners")
    User.objects.create_superuser("root@platform.example", secrets.password, name="Platform Staff")
    User.objects.create_user(
        "pat@northwind.example",
        secrets.password,
        name="Pat Partner",
        role=User.Role.PARTNER,
        partner=partner,
        is_staff=True,
    )
    _load_acme(partner, secrets, now=now)
    _load_globex(partner, secrets, now=now)


def _load_acme(partner: Partner, secrets: DemoSecrets, *, now: datetime) -> None:
    account = _account(partner, "Acme Outfitters", Account.Deployment.CLOUD, now=now)
    support = _inbox(
        account,
        "Support",
        replies=REPLIES,
        bot_name="Acme Assistant",
    )
    support.hours = hours_of_preset(HoursPreset.EVERY_DAY, account=account, by=None, now=now)
    support.save(update_fields=["hours"])
    sales = _inbox(
        account,
        "Sales",
        claim_rule=TeamInbox.ClaimRule.ON_FIRST_REPLY,
        colour=TeamInbox.Colour.VIOLET,
    )
    for email, name, role, is_licensed in PEOPLE:
        user = User.objects.create_user(email, secrets.password, name=name, account=account)
        Membership.objects.create(team=support.team, user=user, role=role)
        if role != _Role.AGENT:
            Membership.objects.create(team=sales.team, user=user, role=role)
        if is_licensed:
            _license(user, now=now)
    User.objects.create_user(
        "adam@acme.example",
        secrets.password,
        name="Adam Admin",
        account=account,
        role=User.Role.ACCOUNT_ADMIN,
    )
    User.objects.create_user(
        "audrey@acme.example",
        secrets.password,
        name="Audrey Auditor",
        account=account,
        role=User.Role.AUDITOR,
    )
    twilio = TwilioAccount.objects.create(
        account=account, account_sid=ACME_SID, auth_token=secrets.acme_token, is_ours=True
    )
    returns = Team.objects.create(account=account, name="Returns")
    for email, _name, role, _is_licensed in PEOPLE[:2]:
        user = User.objects.get(email=email)
        Membership.objects.create(team=returns, user=user, role=role)
    for shortcut, body in CANNED:
        CannedReply.objects.create(
            account=account,
            inbox=support if shortcut == "return" else None,
            shortcut=shortcut,
            body=body,
            made_at=now,
            changed_at=now,
        )
    _sender(support, twilio, "+15550100001")
    _sender(support, twilio, "whatsapp:+15550100002")
    _sender(sales, twilio, "+15550100003")


def _load_globex(partner: Partner, secrets: DemoSecrets, *, now: datetime) -> None:
    account = _account(partner, "Globex", Account.Deployment.BYO_TWILIO, now=now)
    inbox = _inbox(account, "Support", claim_rule=TeamInbox.ClaimRule.REQUIRED)
    user = User.objects.create_user(
        "charlie@globex.example", secrets.password, name="Charlie Agent", account=account
    )
    Membership.objects.create(team=inbox.team, user=user, role=_Role.AGENT)
    _license(user, now=now)
    User.objects.create_user(
        "gina@globex.example",
        secrets.password,
        name="Gina Admin",
        account=account,
        role=User.Role.ACCOUNT_ADMIN,
    )
    twilio = TwilioAccount.objects.create(
        account=account, account_sid=GLOBEX_SID, auth_token=secrets.globex_token
    )
    _sender(inbox, twilio, "+15550100010")


def _account(partner: Partner, name: str, deployment: str, *, now: datetime) -> Account:
    account = Account.objects.create(partner=partner, name=name, deployment=deployment)
    for feature in (Feature.TEAM_INBOX, Feature.WHATSAPP, Feature.CUSTOM_ROUTING):
        FeatureGrant.objects.create(
            account=account, feature=feature, starts_at=now - timedelta(days=30), reason="Demo"
        )
    LicensePool.objects.create(account=account, seats=5, starts_at=now - timedelta(days=30))
    return account


def _inbox(account: Account, name: str, **fields: Any) -> TeamInbox:
    team = Team.objects.create(account=account, name=name)
    return TeamInbox.objects.create(
        team=team, account=account, name=name, slug=name.lower(), **fields
    )


def _license(user: User, *, now: datetime) -> None:
    pool = LicensePool.objects.get(account=user.account)
    License.objects.create(pool=pool, holder=user, starts_at=now - timedelta(days=30))


def _sender(inbox: TeamInbox, twilio: TwilioAccount, address: str) -> Sender:
    is_whatsapp = address.startswith("whatsapp:")
    handler = KeywordHandler.APP if is_whatsapp else KeywordHandler.TWILIO_DEFAULT
    return Sender.objects.create(
        account=inbox.account,
        inbox=inbox,
        twilio_account=twilio,
        address=address,
        kind=Sender.Kind.WHATSAPP if is_whatsapp else Sender.Kind.NUMBER,
        keyword_handler=handler,
    )


def load_conversations(*, now: datetime) -> None:
    """Tell a few conversations of the last days, through the same stories as real ones."""
    if Conversation.objects.exists():
        return
    number = Sender.objects.select_related("inbox").get(address="+15550100001")
    whatsapp = Sender.objects.select_related("inbox").get(address="whatsapp:+15550100002")
    alice, bob = (User.objects.get(email=email) for email, *_ in PEOPLE[:2])
    returned = _hear(number, "+14155550161", "My parcel came back. What now?", now, hours=50)
    _answer(returned, alice, "I am sorry! I have sent it again today.", now, hours=49)
    _hear(number, "+14155550161", "Thank you Alice, you are the best 🙏", now, hours=48)
    _close(returned, alice, now, hours=47)
    _hear(number, "+14155550165", "Can I pick up order 4702 in the shop?", now, hours=5)
    _hear(number, "+14155550162", "Do the trail boots come in size 46?", now, hours=3)
    jacket = _hear(number, "+14155550163", "The zip of my jacket broke after a week.", now, hours=2)
    _claim(jacket, alice, now, hours=1.9)
    _answer(jacket, alice, "That should not happen. Can you send me a photo?", now, hours=1.8)
    _note(jacket, alice, "Third zip complaint this month, told the buyers.", now, hours=1.7)
    _hear(number, "+14155550163", "Here you go. It is the lower one.", now, hours=1.5)
    tent = _hear(number, "+14155550166", "Is the tent waterproof?", now, hours=1.4)
    _claim(tent, bob, now, hours=1.3)
    wei = _hear(whatsapp, "whatsapp:+6581234567", "Hi, do you ship to Singapore?", now, hours=1.2)
    _answer(wei, alice, "We do! It takes five to seven days.", now, hours=1.1)
    _hear(whatsapp, "whatsapp:+6581234567", "Great. And returns?", now, hours=0.6)
    landline = _hear(number, "+14155550164", "Please call me about order 4711", now, hours=0.5)
    _answer(landline, alice, "We will call you this afternoon.", now, hours=0.4, error="30006")
    _hear(whatsapp, "whatsapp:+4917612345678", "Danke, die Schuhe passen perfekt!", now, hours=0.2)
    _count(number.account_id, now=now)


@transaction.atomic
def _count(account_id: int, *, now: datetime) -> None:
    """Let reports tell of these days: whoever counts by the clock may be past them."""
    list(ReportState.objects.select_for_update().filter(account=account_id))
    count_again(account_id, since=now - timedelta(days=3), until=now)


NAMES = {
    "+14155550161": "Grace Okafor",
    "+14155550162": "Tom Lindqvist",
    "+14155550163": "Priya Raman",
    "+14155550164": "Walter Brandt",
    "+14155550165": "Élise Moreau",
    "+14155550166": "Noah Stein",
    "whatsapp:+6581234567": "Wei",
    "whatsapp:+4917612345678": "Jana",
}


def _hear(sender: Sender, customer: str, body: str, now: datetime, *, hours: float) -> Conversation:
    at = now - timedelta(hours=hours)
    text = InboundText(
        sid=f"SM{client_id()}",
        customer=customer,
        recipient=sender.address,
        body=body,
        channel="whatsapp" if sender.is_whatsapp else "sms",
        profile_name=NAMES[customer] if sender.is_whatsapp else "",
    )
    with transaction.atomic():
        message = receive_message(text, sender=sender, received_at=at, now=at)
    Contact.objects.filter(threads=message.thread_id, name="").update(name=NAMES[customer])
    _settle_automatic(message, now=at)
    assert message.conversation is not None
    return message.conversation


def _settle_automatic(message: Message, *, now: datetime) -> None:
    for reply in Message.objects.filter(thread=message.thread_id, status=Message.Status.QUEUED):
        _arrive(reply, now=now)


def _answer(
    conversation: Conversation,
    user: User,
    body: str,
    now: datetime,
    *,
    hours: float,
    error: str = "",
) -> None:
    at = now - timedelta(hours=hours)
    message = send_reply(
        conversation=Conversation.objects.get(pk=conversation.pk),
        by=viewer_of(user, now=at),
        user=user,
        body=body,
        client_id=client_id(),
        now=at,
    )
    Message.objects.filter(pk=message.pk).update(status=Message.Status.SENDING)
    if error:
        meaning = meaning_of(error)
        settle(message.pk, Rejected(meaning.kind, error, meaning.words), now=at)
    else:
        _arrive(message, now=at)


def _arrive(message: Message, *, now: datetime) -> None:
    Message.objects.filter(pk=message.pk).update(status=Message.Status.SENDING)
    settle(message.pk, Accepted(f"SM{client_id()}", "delivered"), now=now)


def _claim(conversation: Conversation, user: User, now: datetime, *, hours: float) -> None:
    at = now - timedelta(hours=hours)
    claim_conversation(conversation=conversation, by=viewer_of(user, now=at), user=user, now=at)


def _note(
    conversation: Conversation, user: User, body: str, now: datetime, *, hours: float
) -> None:
    at = now - timedelta(hours=hours)
    add_note(
        conversation=conversation,
        by=viewer_of(user, now=at),
        user=user,
        body=body,
        client_id=client_id(),
        now=at,
    )


def _close(conversation: Conversation, user: User, now: datetime, *, hours: float) -> None:
    at = now - timedelta(hours=hours)
    row = Conversation.objects.select_related("thread").get(pk=conversation.pk)
    close_conversation(
        conversation=row,
        by=viewer_of(user, now=at),
        user=user,
        last_seen_seq=row.thread.last_seq,
        waiting_ok=True,
        now=at,
    )


def describe(secrets: DemoSecrets, *, base_url: str, simulator_url: str) -> dict[str, Any]:
    """Return what `.demo/demo.json` says: addresses, log-ins, tokens and senders."""
    users = User.objects.select_related("account").order_by("pk")
    return {
        "base_url": base_url,
        "simulator_url": simulator_url,
        "users": [
            {
                "email": user.email,
                "password": secrets.password,
                "role": _role_of(user),
                "account": user.account.name if user.account else None,
                "licensed": user.licenses.exists(),
            }
            for user in users
        ],
        "twilio_accounts": [
            {
                "account": twilio.account.name,
                "account_sid": twilio.account_sid,
                "auth_token": twilio.auth_token,
                "deployment": twilio.account.deployment,
            }
            for twilio in TwilioAccount.objects.select_related("account").order_by("pk")
        ],
        "senders": [
            {
                "account": sender.account.name,
                "inbox": sender.inbox.name,
                "address": sender.address,
                "channel": "whatsapp" if sender.is_whatsapp else "sms",
                "account_sid": sender.twilio_account.account_sid,
                "webhook_url": webhook_url(sender),
                "status_url": sender_status_url(sender),
            }
            for sender in _senders()
        ],
    }


def _role_of(user: User) -> str:
    """Name a person's role as the field does: supervisor or agent inside a team."""
    if user.role != User.Role.MEMBER:
        return user.role
    is_supervisor = user.memberships.filter(role=Membership.Role.SUPERVISOR).exists()
    return "supervisor" if is_supervisor else "agent"


def simulator_config() -> dict[str, Any]:
    """Return what the simulator must know: the same accounts and numbers, in Twilio's words."""
    return {
        "accounts": [*_platform(), *map(_at_twilio, _twilio_accounts())],
        "senders": [*_free_numbers(), *map(_sender_at_twilio, _senders())],
        "services": [],
        # Told straight to the product (`load_conversations`): the simulator has not heard them.
        "windows": [
            {
                "sender": thread.sender.address,
                "customer": thread.address.raw,
                "last_inbound_at": thread.last_inbound_at.timestamp(),
            }
            for thread in _written_on_whatsapp()
        ],
        "personas": [{"name": name, "address": address} for name, address in PERSONAS],
    }


def _platform() -> list[dict[str, str]]:
    if not settings.TWILIO_PLATFORM_SID:
        return []
    sid, token = settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN
    return [{"account_sid": sid, "auth_token": token, "friendly_name": "Platform"}]


def _twilio_accounts() -> Any:
    return TwilioAccount.objects.select_related("account").order_by("pk")


def _at_twilio(twilio: TwilioAccount) -> dict[str, str]:
    parent = settings.TWILIO_PLATFORM_SID if twilio.is_ours else ""
    return {
        "account_sid": twilio.account_sid,
        "auth_token": twilio.auth_token,
        "friendly_name": twilio.account.name,
        "parent_sid": parent,
    }


def _free_numbers() -> list[dict[str, str]]:
    """Name numbers that are held at Twilio and in no inbox: for whoever turns one on."""
    held = set(TwilioAccount.objects.values_list("account_sid", flat=True))
    used = set(Sender.objects.values_list("address", flat=True))
    return [
        {"account_sid": sid, "address": address, "webhook_url": FORMER_URL}
        for sid, address in FREE_NUMBERS
        if sid in held and address not in used
    ]


def _sender_at_twilio(sender: Sender) -> dict[str, Any]:
    return {
        "account_sid": sender.twilio_account.account_sid,
        "address": sender.address,
        "channel": "whatsapp" if sender.is_whatsapp else "sms",
        "webhook_url": webhook_url(sender),
        "fallback_url": fallback_url(sender),
        "status_url": sender_status_url(sender),
        "messaging_service_sid": None,
    }


def _written_on_whatsapp() -> Any:
    return Thread.objects.filter(
        sender__kind=Sender.Kind.WHATSAPP, last_inbound_at__isnull=False
    ).select_related("sender", "address")


def _senders() -> Any:
    rows = Sender.objects.in_use().select_related("account", "inbox", "twilio_account")
    return rows.order_by("pk")
