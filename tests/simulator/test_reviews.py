"""Can WhatsApp's reviewers be played: templates judged and deleted, senders taken off line?"""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.simulator.conftest import ACCOUNT, WHATSAPP, Running


def _judge(sim: Running, **fields: Any) -> dict:
    return sim.post("/_sim/templates", account_sid=ACCOUNT, **fields)


def _approvals(sim: Running) -> dict[str, dict]:
    found = sim.client().content.v1.content_and_approvals.list(page_size=3)
    return {one.friendly_name: one.approval_requests for one in found}


def test_a_template_is_submitted_judged_and_deleted(sim: Running):
    before = len(_approvals(sim))

    made = _judge(sim, name="new_hours", category="UTILITY", body="Open {{1}}.", status="pending")
    assert _approvals(sim)["new_hours"]["status"] == "pending"
    _judge(sim, name="new_hours", status="rejected", rejection_reason="TAG_CONTENT_MISMATCH")
    told = _approvals(sim)
    assert (told["new_hours"]["status"], told["new_hours"]["rejection_reason"]) == (
        "rejected",
        "TAG_CONTENT_MISMATCH",
    )
    assert len(told) == before + 1, "all pages were read"

    _judge(sim, name="new_hours", deleted=True)
    assert "new_hours" not in _approvals(sim)
    with pytest.raises(TwilioRestException) as caught:
        sim.client().content.v1.contents(made["sid"]).fetch()
    assert caught.value.code == 20404


def test_one_of_those_it_began_with_can_be_paused(sim: Running):
    _judge(sim, name="order_update", status="paused")

    assert _approvals(sim)["order_update"]["status"] == "paused"


def test_a_sender_goes_off_line_and_says_why(sim: Running):
    sim.post(
        "/_sim/senders",
        address=WHATSAPP,
        status="OFFLINE",
        quality_rating="LOW",
        offline_code="63020",
        offline_message="The business was not verified",
    )

    (sender,) = sim.client().messaging.v2.channels_senders.list(channel="whatsapp")
    assert sender.status == "OFFLINE"
    assert sender.properties["quality_rating"] == "LOW"
    assert sender.offline_reasons[0]["code"] == "63020"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sim/templates", {"account_sid": "AC" + "9" * 32, "name": "x"}),
        ("/_sim/templates", {"account_sid": ACCOUNT, "name": "x", "status": "great"}),
        ("/_sim/senders", {"address": "whatsapp:+19995550100"}),
        ("/_sim/senders", {"address": WHATSAPP, "status": "GREAT"}),
    ],
)
def test_a_mistake_is_told(sim: Running, path: str, body: dict):
    assert "error" in sim.post(path, 400, **body)
