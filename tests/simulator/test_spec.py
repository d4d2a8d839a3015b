"""Does every reply satisfy Twilio's published OpenAPI specification?"""

import base64
import json

import pytest

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    NUMBER,
    SERVICE,
    TOKEN,
    WHATSAPP,
    Running,
)
from tests.simulator.spec import violations

AUTH = {
    "Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode(),
    "Content-Type": "application/x-www-form-urlencoded",
}
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"


def call(sim: Running, method: str, path: str, form: bytes | None = None) -> dict:
    status, headers, data = sim.ask(method, path, form, AUTH)
    assert 200 <= status < 300, data
    assert headers["Twilio-Request-Id"].startswith("RQ")
    return json.loads(data)


def agrees(name: str, reply: dict) -> dict:
    assert violations(name, reply) == []
    return reply


@pytest.mark.parametrize(
    "form",
    [
        f"To=%2B12025550142&From=%2B{NUMBER[1:]}&Body=Hello",
        f"To=%2B12025550142&MessagingServiceSid={SERVICE}&Body=Hello",
        f"To=%2B12025550142&From=%2B{NUMBER[1:]}&MediaUrl=http%3A%2F%2F127.0.0.1%2Fx",
        f"To=whatsapp%3A%2B12025550142&From=whatsapp%3A%2B{WHATSAPP[10:]}&Body=Hello",
        f"To=%2B12025550142&MessagingServiceSid={SERVICE}&Body=Hi&ScheduleType=fixed"
        "&SendAt=2126-11-23T20:00:00Z",
    ],
    ids=["sms", "service", "mms", "whatsapp", "scheduled"],
)
def test_a_created_message_has_the_published_shape(sim: Running, form: str):
    if "SendAt" in form:
        form = form.replace("2126-11-23T20:00:00Z", _in_an_hour(sim))
    reply = call(sim, "POST", f"{BASE}/Messages.json", form.encode())
    agrees("message.create", reply)
    assert isinstance(reply["num_segments"], str)
    assert isinstance(reply["num_media"], str)


def test_fetched_listed_and_changed_messages_have_the_published_shape(sim: Running):
    sids = [sim.inbound(f"number {n}")["message_sid"] for n in range(3)]
    agrees("message.fetch", call(sim, "GET", f"{BASE}/Messages/{sids[0]}.json"))
    page = agrees("message.list", call(sim, "GET", f"{BASE}/Messages.json?PageSize=2"))
    assert page["next_page_uri"]
    agrees("message.list", call(sim, "GET", page["next_page_uri"]))
    agrees("message.list", call(sim, "GET", f"{BASE}/Messages.json?To=%2B12025550199"))
    redacted = call(sim, "POST", f"{BASE}/Messages/{sids[0]}.json", b"Body=")
    assert agrees("message.update", redacted)["body"] == ""


def test_media_have_the_published_shape(sim: Running):
    sid = sim.inbound("", media=[{"sample": "photo"}])["message_sid"]
    page = agrees("media.list", call(sim, "GET", f"{BASE}/Messages/{sid}/Media.json"))
    agrees("media.fetch", call(sim, "GET", page["media_list"][0]["uri"]))


def test_accounts_have_the_published_shape(sim: Running):
    made = agrees("account.create", call(sim, "POST", "/2010-04-01/Accounts.json", b""))
    path = f"/2010-04-01/Accounts/{made['sid']}.json"
    agrees("account.fetch", call(sim, "GET", path))
    agrees("account.update", call(sim, "POST", path, b"Status=suspended"))
    agrees("account.list", call(sim, "GET", "/2010-04-01/Accounts.json"))


@pytest.mark.parametrize(
    ("country", "kind", "name"),
    [("US", "Local", "local"), ("GB", "Mobile", "mobile"), ("US", "TollFree", "toll_free")],
)
def test_available_numbers_have_the_published_shape(sim: Running, country, kind, name):
    path = f"{BASE}/AvailablePhoneNumbers/{country}/{kind}.json"
    reply = agrees(f"number.available.{name}", call(sim, "GET", path))
    assert len(reply["available_phone_numbers"]) == 20


def test_phone_numbers_have_the_published_shape(sim: Running):
    form = b"PhoneNumber=%2B14155550177&SmsUrl=http%3A%2F%2F127.0.0.1%2Fin"
    made = agrees("number.create", call(sim, "POST", f"{BASE}/IncomingPhoneNumbers.json", form))
    agrees("number.fetch", call(sim, "GET", made["uri"]))
    agrees("number.update", call(sim, "POST", made["uri"], b"FriendlyName=Front"))
    agrees("number.list", call(sim, "GET", f"{BASE}/IncomingPhoneNumbers.json?PageSize=2"))


def test_messaging_services_have_the_published_shape(sim: Running):
    made = agrees("service.create", call(sim, "POST", "/v1/Services", b"FriendlyName=New"))
    agrees("service.fetch", call(sim, "GET", f"/v1/Services/{made['sid']}"))
    agrees("service.update", call(sim, "POST", f"/v1/Services/{made['sid']}", b"UseCase=x"))
    agrees("service.list", call(sim, "GET", "/v1/Services"))
    agrees("service_number.list", call(sim, "GET", f"/v1/Services/{SERVICE}/PhoneNumbers"))
    sender_sid = sim.simulator.parts.store.senders[NUMBER].sid
    form = f"PhoneNumberSid={sender_sid}".encode()
    agrees("service_number.create", call(sim, "POST", f"/v1/Services/{SERVICE}/PhoneNumbers", form))
    xe = sim.simulator.parts.store.senders[WHATSAPP].sid
    call(sim, "POST", f"/v1/Services/{SERVICE}/ChannelSenders", f"Sid={xe}".encode())
    agrees("service_channel.list", call(sim, "GET", f"/v1/Services/{SERVICE}/ChannelSenders"))


def test_whatsapp_senders_have_the_published_shape(sim: Running):
    page = agrees("sender.list", call(sim, "GET", "/v2/Channels/Senders?Channel=whatsapp"))
    path = f"/v2/Channels/Senders/{page['senders'][0]['sid']}"
    agrees("sender.fetch", call(sim, "GET", path))
    agrees("sender.update", call(sim, "POST", path, b'{"webhook": {"callback_url": "http://x/"}}'))


def test_content_templates_have_the_published_shape(sim: Running):
    page = agrees("content.list", call(sim, "GET", "/v1/Content?PageSize=2"))
    sid = page["contents"][0]["sid"]
    agrees("content.fetch", call(sim, "GET", f"/v1/Content/{sid}"))
    agrees("content.approvals", call(sim, "GET", f"/v1/Content/{sid}/ApprovalRequests"))
    agrees("content.with_approvals", call(sim, "GET", "/v1/ContentAndApprovals"))


def test_a_deliberately_broken_reply_is_refused(sim: Running):
    form = f"To=%2B{CUSTOMER[1:]}&From=%2B{NUMBER[1:]}&Body=Hello".encode()
    reply = call(sim, "POST", f"{BASE}/Messages.json", form)
    broken = {**reply, "num_segments": 1, "sid": "XX1", "status": "flying", "colour": "blue"}
    del broken["uri"]
    found = " ".join(violations("message.create", broken))
    for part in ("num_segments", "'XX1'", "'flying'", "unknown key colour", "missing key uri"):
        assert part in found


def _in_an_hour(sim: Running) -> str:
    from datetime import timedelta

    return (sim.simulator.parts.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
