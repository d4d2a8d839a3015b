"""What are consents worth that came without proof, or from whoever has the number now?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from compliance.judging import Consent, Level, Purpose, judge
from compliance.state_machine import ConsentState as State
from tests.compliance.test_judging import NOON, case, recipient

DAY = timedelta(days=1)


def codes(purpose: Purpose, **known: object) -> set[str]:
    one = case(purpose, replace(recipient("US", "US-*"), **known))  # type: ignore[arg-type]
    return {found.code for found in judge(one, now=NOON).findings}


@pytest.mark.parametrize("level", [Level.INFERRED, Level.EXPRESS, Level.WRITTEN])
def test_a_consent_without_proof_is_good_for_notifications_and_for_no_offer(level: Level) -> None:
    consent = Consent(State.OPTED_IN, level=level, is_unproven=True)

    assert "NO_CONSENT" not in codes(Purpose.NOTIFICATION, consent=consent)
    assert "NO_PROMO_CONSENT" in codes(Purpose.PROMOTIONAL, consent=consent)
    proven = replace(consent, is_unproven=False, level=Level.WRITTEN)
    assert "NO_PROMO_CONSENT" not in codes(Purpose.PROMOTIONAL, consent=proven)


@pytest.mark.parametrize(
    ("since", "is_blocked"), [(NOON - 2 * DAY, True), (NOON - DAY, True), (NOON, False)]
)
def test_a_consent_given_after_a_number_changed_owner_counts(
    since: object, is_blocked: bool
) -> None:
    consent = Consent(State.OPTED_IN, since=since, level=Level.WRITTEN)  # type: ignore[arg-type]

    found = codes(Purpose.PROMOTIONAL, consent=consent, reassigned_at=NOON - DAY)

    assert ("NUMBER_REASSIGNED" in found) is is_blocked
