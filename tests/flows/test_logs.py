"""Does any line of any process say what a customer wrote, who they are, or what opens a door?"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
import requests

from inbox.models import Attachment, Conversation, Message
from inbox.status_urls import webhook_url
from tests.conftest import House
from tests.doors import Browser, all_at_once, signed
from tests.factories import AUTH_TOKEN, PASSWORD, make_sender
from tests.live import database_url, running_live, until
from tests.twilio import inbound_form

CUSTOMER, OTHER = "+14155557731", "whatsapp:+14155557732"
UNDELIVERABLE = "+15003000300"
WORDS = "canary-from-customer"
ANSWER = "canary-from-agent"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_line_of_any_process_says_what_it_must_not(house: House) -> None:
    """The whole story with everything talkative, its failures included."""
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100002", twilio_account=house.sender.twilio_account
    )
    with running_live(database_url(), LOG_LEVEL="DEBUG", LOG_JSON="1") as live:
        live.carrier.know(live.base_url, house.sender, whatsapp)
        browser = Browser(live, house.alice)

        for sender, customer in (
            (house.sender, CUSTOMER),
            (whatsapp, OTHER),
            (house.sender, UNDELIVERABLE),
        ):
            form = inbound_form(sender, customer, WORDS, ProfileName="canary-profile")
            (answer,) = all_at_once([signed(live, sender, form)])
            assert answer.status == 200
        until(lambda: Conversation.objects.count() == 3, within=20)
        for conversation in Conversation.objects.order_by("pk"):
            sent = browser.write(conversation, ANSWER, client_id=f"{conversation.pk:016x}")
            assert sent.status_code == 201, sent.text
            browser.get(f"/c/{conversation.pk}/?q={CUSTOMER}%20{WORDS}")
        until(lambda: not _under_way(), within=30)

        _let_things_go_wrong(live.base_url, house, browser)
        live.carrier.ask("POST", "settle", timeout=5)
        live.wait_until_quiet()
        said = {one.name: one.log.read_text(errors="replace") for one in live.everything}

    everything = "\n".join(said.values())
    assert Message.objects.filter(direction="out", status="failed").exists()
    for canary in (
        "canary-", AUTH_TOKEN, PASSWORD, "4155557731", "4155557732", "5003000300", "5550100001",
        house.sender.path_token, whatsapp.path_token, "fernet:",
    ):  # fmt: skip
        lines = [line for line in everything.splitlines() if canary in line]
        assert lines == [], f"{canary} is told"
    assert '"level": "debug"' in said["web"]
    assert '"level": "debug"' in said["worker1"]
    assert _request_ids(said["web"]) & _request_ids(said["worker1"]), "tasks carry the request's id"


def _under_way() -> bool:
    return Message.objects.filter(status__in=["queued", "sending", "sent"]).exists()


def _let_things_go_wrong(base_url: str, house: House, browser: Browser) -> None:
    hook = base_url + re.sub(r"^https?://[^/]+", "", webhook_url(house.sender))
    form = inbound_form(house.sender, CUSTOMER, WORDS)
    requests.post(hook, data=form, headers={"X-Twilio-Signature": "forged"}, timeout=10)
    requests.post(f"{base_url}/hooks/twilio/{'x' * 30}/", data=form, timeout=10)
    requests.post(
        f"{base_url}/accounts/login/", data={"login": CUSTOMER, "password": PASSWORD}, timeout=10
    )
    browser.post("/nowhere/", body=ANSWER)
    message = Message.objects.filter(direction="in").order_by("pk")[0]
    with tempfile.TemporaryDirectory() as folder:
        missing = Path(folder) / "canary-file.jpg"
    Attachment.objects.create(
        account=house.account,
        message=message,
        source_url=f"https://api.twilio.com/{missing}?From={CUSTOMER}",
        name="canary-file.jpg",
    )


def _request_ids(log: str) -> set[str]:
    return set(re.findall(r'"request_id": "([0-9a-f-]{36})"', log))
