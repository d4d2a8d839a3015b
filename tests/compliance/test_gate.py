"""What does the gate say, rule by rule?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from compliance.addresses import parse_address
from compliance.cases import Asked
from compliance.gate import Purpose, Reason, SendRequest, check_send
from compliance.judging import Mark
from compliance.models import Consent, ProviderBlock
from tests.conftest import NOW
from tests.factories import make_account

MARIA = parse_address("+14155550100")
WEI = parse_address("whatsapp:+6581234567")


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def request_(account: Account) -> SendRequest:
    return SendRequest(
        account_id=account.pk,
        asked=Asked(
            purpose=Purpose.REPLY,
            requested_at=NOW,
            address=MARIA,
            our_address="+15550100001",
            last_inbound_at=NOW - timedelta(minutes=2),
        ),
        has_feature=True,
        is_author_licensed=True,
        is_contact_blocked=False,
    )


def _with(request: SendRequest, **change: Any) -> SendRequest:
    """Return the request with other values, its own or those of the message it is about."""
    of_message = {name: change.pop(name) for name in list(change) if hasattr(request.asked, name)}
    return replace(request, asked=replace(request.asked, **of_message), **change)


def _opt_out(account: Account, address: Any = MARIA) -> None:
    Consent.objects.create(
        account=account,
        address=address.key,
        family=address.consent_family,
        state="opted_out",
        since=NOW,
        words="STOP",
    )


def _block(account: Account) -> None:
    ProviderBlock.objects.create(
        account=account, our_address="+15550100001", address=MARIA.key, since=NOW
    )


def test_an_answer_to_a_fresh_message_may_go(request_: SendRequest) -> None:
    assert check_send(request_, now=NOW).reason is Reason.OK


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"has_feature": False}, Reason.FEATURE_OFF),
        ({"is_author_licensed": False}, Reason.LICENSE_MISSING),
        ({"is_contact_blocked": True}, Reason.CONTACT_BLOCKED),
        ({"out_of_reach": Mark("Ann", NOW)}, Reason.OUT_OF_REACH),
        (
            {"out_of_reach": Mark("Ann", NOW), "purpose": Purpose.OPT_OUT_CONFIRMATION},
            Reason.OUT_OF_REACH,
        ),
        ({"address": parse_address("32665")}, Reason.NOT_REPLIABLE),
        ({"address": WEI, "last_inbound_at": NOW - timedelta(hours=24)}, Reason.OK),
        (
            {"address": WEI, "last_inbound_at": NOW - timedelta(hours=24, seconds=1)},
            Reason.WA_WINDOW_CLOSED,
        ),
        ({"address": WEI, "last_inbound_at": None}, Reason.WA_WINDOW_CLOSED),
        ({"last_inbound_at": NOW - timedelta(days=30)}, Reason.OK),
        ({"last_inbound_at": NOW - timedelta(days=30, seconds=1)}, Reason.NO_CONVERSATION),
        ({"last_inbound_at": None}, Reason.NO_CONVERSATION),
        ({"has_feature": False, "purpose": Purpose.OPT_OUT_CONFIRMATION}, Reason.OK),
        (
            {"purpose": Purpose.OPT_OUT_CONFIRMATION, "requested_at": NOW - timedelta(minutes=6)},
            Reason.CONFIRMATION_LATE,
        ),
    ],
)
def test_each_rule_decides(request_: SendRequest, change: dict[str, Any], reason: Reason) -> None:
    verdict = check_send(_with(request_, **change), now=NOW)

    assert verdict.reason is reason
    assert bool(verdict.words) is (reason is not Reason.OK)


@pytest.mark.parametrize(
    ("purpose", "reason"),
    [
        (Purpose.REPLY, Reason.OPTED_OUT),
        (Purpose.AUTO_REPLY, Reason.OPTED_OUT),
        (Purpose.OPT_OUT_CONFIRMATION, Reason.OK),
        (Purpose.HELP_REPLY, Reason.OK),
    ],
)
def test_an_opt_out_stops_all_but_its_own_confirmation(
    account: Account, request_: SendRequest, purpose: Purpose, reason: Reason
) -> None:
    _opt_out(account)

    assert check_send(_with(request_, purpose=purpose), now=NOW).reason is reason


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_provider_block_stops_everything(
    account: Account, request_: SendRequest, purpose: Purpose
) -> None:
    _block(account)

    verdict = check_send(_with(request_, purpose=purpose), now=NOW)

    assert verdict.reason is Reason.PROVIDER_BLOCKED


def test_the_block_of_one_number_does_not_stop_another(
    account: Account, request_: SendRequest
) -> None:
    _block(account)

    assert check_send(_with(request_, our_address="+15550100002"), now=NOW).is_allowed


def test_consent_of_another_account_counts_for_nothing(request_: SendRequest) -> None:
    _opt_out(make_account())

    assert check_send(request_, now=NOW).is_allowed
