"""What does a page of records have to show? WhatsApp as Twilio has it, and lines of every kind."""

from datetime import datetime, timedelta
from typing import Any

from accounts.audit import alarm, changes, record, snapshot
from accounts.models import User
from inbox.models import (
    Conversation,
    CrmAnswer,
    WhatsAppState,
    WhatsAppSync,
    WhatsAppTemplate,
)
from routing.crm_fields import Field
from routing.crm_tables import read_table
from routing.lookups import Wanted, add_connector, add_data_action, import_table
from routing.models import DataAction
from tests.conftest import House
from tests.factories import make_sender

TABLE = "phone,tier,city\n+14155550100,gold,Wien\n+14155550101,silver,Graz\nnobody,x,y\n"
TEMPLATES = (
    ("order_update", "en", "utility", "approved", "", "Hello {{1}}, order {{2}} has left."),
    ("recordatorio_cita", "es", "utility", "pending", "", "Hola {{1}}, ¿le viene bien?"),
    ("prize_draw", "en", "marketing", "rejected", "INVALID_FORMAT", "You have won! Call {{1}}."),
    ("winter_offer", "en", "marketing", "paused", "", "Everything for your kitchen: 20% off."),
)

# A bit of everything that an inbox may say by itself.
REPLIES = {
    "format": 1,
    "keyword": [
        {
            "name": "Prices",
            "phrases": ["price", "how much"],
            "if": {"all": [{"fact": "has_media", "test": "is_true"}]},
            "variants": [
                {"text": "Our prices: https://example.com/prices"},
                {"text": "Nuestros precios: https://example.com/precios", "language": "es"},
            ],
        },
        {"name": "Parking", "on": False, "phrases": ["parking"], "variants": [{"text": "Yes!"}]},
    ],
    "after_hours": {
        "variants": [
            {"text": "We are back on {{inbox.opens_on|Monday}} at {{inbox.opens_at|9:00}}."},
            {"text": "Nous sommes fermés 🌙", "language": "fr", "hours": ["22:00", "06:00"]},
            {"text": "Fermé", "language": "fr", "places": ["CA-QC", "FR"]},
        ],
        "holiday_variants": [{"text": "Happy holidays! Back on {{inbox.opens_on|Monday}}."}],
    },
    "first_message": {"variants": [{"text": "Hi {{contact.first_name|there}}! A person answers."}]},
    "still_waiting": {"after": 20, "clock": "business", "variants": [{"text": "Soon, promised."}]},
}


def fill_records(house: House, admin: User, *, now: datetime) -> None:
    """Let Twilio have been asked about WhatsApp, and some things have been done."""
    _fill_whatsapp(house, now)
    inbox = house.inbox
    before = snapshot(inbox)
    inbox.claim_rule, inbox.reopen_hours = "required", 24
    record(
        action="teaminbox_changed",
        subject=str(inbox),
        actor=admin,
        account_id=house.account.pk,
        now=now,
        changes=changes(before, inbox),
    )
    twilio = house.sender.twilio_account
    before = snapshot(twilio)
    twilio.auth_token = "f" * 32
    record(
        action="connection_changed",
        subject=str(twilio),
        actor=admin,
        account_id=house.account.pk,
        now=now,
        changes=changes(before, twilio),
    )
    alarm(
        action="sender_paused",
        subject=house.sender.address,
        words="Twilio does not accept the auth token of this account.",
        now=now - timedelta(minutes=1),
        account_id=house.account.pk,
    )
    record(action="log_in_failed", subject="Alice", account_id=house.account.pk, now=now)


def _fill_whatsapp(house: House, now: datetime) -> None:
    twilio = house.sender.twilio_account
    common = {"account": house.account, "twilio_account": twilio, "synced_at": now}
    # Where the product itself runs, its clock may have asked already.
    WhatsAppSync.objects.update_or_create(
        twilio_account=twilio,
        defaults={
            "asked_at": now,
            "answered_at": now - timedelta(hours=2),
            "problem": "Twilio does not answer right now. Try again in a minute.",
        },
    )
    for n, (name, language, category, status, reason, body) in enumerate(TEMPLATES):
        WhatsAppTemplate.objects.create(
            content_sid=f"HX{n:032x}",
            name=name,
            language=language,
            category=category,
            status=status,
            provider_status=status,
            rejection_reason=reason,
            body=body,
            variables={"1": "Maria"},
            **common,
        )
    for address, status, quality, reasons in (
        ("whatsapp:+15550100002", "online", "high", []),
        ("whatsapp:+15550100003", "offline", "low", ["The business is not verified (63020)"]),
        ("whatsapp:+15550100004", "pending", "unknown", []),
    ):
        WhatsAppState.objects.create(
            address=address,
            provider_sid=f"XE{address[-10:]:0>32}",
            name="Acme Support",
            status=status,
            provider_status=status.upper(),
            quality=quality,
            messaging_limit="1K Customers/24hr",
            reasons=reasons,
            **common,
        )
    for number in ("2", "3"):
        make_sender(house.inbox, f"whatsapp:+1555010000{number}", twilio_account=twilio)


def fill_lookups(house: House, *, now: datetime) -> dict[str, str]:
    """Make one look-up of each kind; return the pages on which they are."""
    given: Any = {"account": house.account, "by": house.sue, "now": now}
    long = "https://crm.example.com/" + "a-long-path/" * 12 + "{{contact.number}}"
    code = add_data_action(name="Our own code", url="https://code.example.com/decide", **given)[0]
    table = import_table(name="VIPs", sheet=read_table(TABLE.encode()), **given)
    facts = (Field("tier", "results[0].tier"), Field("seats", "results[0].seats"))
    wanted = Wanted("Our CRM", "json", facts, url=long, headers={"X-Seat": "1"})
    crm = add_connector(wanted=wanted, **given)
    vip = add_connector(
        wanted=Wanted("VIP", "table", (Field("tier", "tier"),), table=table), **given
    )
    DataAction.objects.update(failures=3, failed_at=now, failure="It answered with an error (500).")
    row = Conversation.objects.select_related("contact").order_by("pk")[0]
    contact = row.contact
    contact.tags, contact.attributes = ["VIP", "pays late"], {"tier": "gold", "pays": True}
    contact.save()
    Conversation.objects.filter(pk=row.pk).update(
        tags=["order", "a tag of forty letters, more are refused"]
    )
    CrmAnswer.objects.create(
        account=house.account,
        contact=contact,
        connector=crm,
        question="x",
        facts={"tier": "gold", "seats": 7},
        left_out=["since is no date"],
        answered_at=now,
    )
    start = "/settings/look-ups/"
    return {
        "look-ups": start,
        "new data action": f"{start}data-actions/new/",
        "data action": f"{start}data-actions/{code.pk}/",
        "try a data action": f"{start}data-actions/{code.pk}/try/",
        "new look-up": f"{start}connectors/new/json/",
        "new hubspot look-up": f"{start}connectors/new/hubspot/",
        "look-up": f"{start}connectors/{crm.pk}/",
        "look-up of a table": f"{start}connectors/{vip.pk}/",
        "try a look-up": f"{start}connectors/{vip.pk}/try/",
        "delete a look-up": f"{start}connectors/{vip.pk}/delete/",
        "new table": f"{start}tables/new/",
        "table": f"{start}tables/{table.pk}/",
        "replace a table": f"{start}tables/{table.pk}/replace/",
    }
