"""Does a whole account's STOP at one moment make one ledger, and is nobody lost or held up?"""

import pytest

from compliance.comparing import differences
from compliance.models import Consent, ConsentChain, ConsentEvent
from compliance.verifying import verify_account
from inbox.models import Receipt
from tests.conftest import House
from tests.doors import all_at_once, signed
from tests.live import Live, until
from tests.twilio import inbound_form

PEOPLE = [f"+1415555{n:04d}" for n in range(30)]


@pytest.mark.slow
def test_a_storm_of_stops_among_other_messages_makes_one_whole_ledger(
    house: House, live: Live
) -> None:
    said = [(person, body) for body in ("Hello", "STOP", "HELP") for person in PEOPLE]
    forms = [inbound_form(house.sender, person, body) for person, body in said]

    answers = all_at_once([signed(live, house.sender, form) for form in forms])

    assert {answer.status for answer in answers} == {200}
    until(lambda: not Receipt.objects.exclude(state="done").exists(), within=120)
    assert not Receipt.objects.filter(attempts__gt=1).exists(), "one waited in vain for another"
    assert Consent.objects.filter(state="opted_out").count() == len(PEOPLE)
    assert ConsentEvent.objects.count() == ConsentChain.objects.get().seq == 2 * len(PEOPLE)
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []
