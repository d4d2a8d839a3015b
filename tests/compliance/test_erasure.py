"""Is somebody who is erased forgotten here, and still never written to?

Shown by what PostgreSQL's own pg_dump writes of every table of compliance.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import Account
from compliance.addresses import Address, parse_address
from compliance.cases import Asked
from compliance.comparing import differences
from compliance.consent import record_carrier_block
from compliance.erasure import Erased, erase_person
from compliance.evidence import EventKind, Source
from compliance.gate import (
    Purpose,
    Reason,
    SendRequest,
    check_send,
    consent_history,
)
from compliance.ledger import events_of
from compliance.models import (
    Consent,
    ConsentDetails,
    ConsentKey,
    ProviderBlock,
    Suppression,
    WebEvidence,
)
from compliance.verifying import verify_account
from tests.compliance.ledgers import MARIA, WEI, dump, proof, tell
from tests.compliance.test_standing import OURS, say, state
from tests.conftest import NOW
from tests.factories import make_account

K = EventKind
DAY = timedelta(days=1)
HERS = parse_address("whatsapp:+14155550100")
CANARIES = (
    "4155550100",
    "SG.4711",
    "please leave me alone",
    "acme.example",
    "203.0.113.77",
    "Mozilla",
    "I agree to get offers",
    "She rang",
    "maria@example.com",
)


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def erase(account: Account, *addresses: Address, days: int = 9) -> list[Erased]:
    """Erase a person in a transaction of its own."""
    with transaction.atomic():
        return erase_person(account_id=account.pk, addresses=addresses, now=NOW + days * DAY)


def verdict(
    account: Account, address: Address = MARIA, purpose: Purpose = Purpose.REPLY, days: int = 10
) -> Reason:
    """Ask the gate about a message to an address."""
    now = NOW + days * DAY
    request = SendRequest(
        account_id=account.pk,
        asked=Asked(purpose, now, address, OURS, last_inbound_at=now),
        has_feature=True,
        is_author_licensed=True,
        is_contact_blocked=False,
    )
    return check_send(request, now=now).reason


def _live(account: Account) -> None:
    """Maria consents on a page, writes, is blocked, rings up and stops; on two addresses."""
    tell(account, proof())
    say(account, "Hello", at=NOW + DAY, others=(HERS,))
    said = "please leave me alone"
    told = proof(kind=K.OPT_OUT, source=Source.VERBAL, words=said, said=said, note="She rang")
    tell(account, told, at=NOW + 2 * DAY)
    tell(account, replace(told, source=Source.AGENT), HERS, at=NOW + 2 * DAY)
    with transaction.atomic():
        record_carrier_block(
            account_id=account.pk,
            address=MARIA,
            our_address=OURS,
            message_sid="SM2",
            now=NOW + 3 * DAY,
        )
    tell(account, K.OPT_OUT, WEI, words="STOP", at=NOW + 3 * DAY)


@pytest.mark.django_db(transaction=True)
def test_a_dump_after_erasure_holds_neither_number_nor_text_and_the_ledger_verifies() -> None:
    account = make_account()
    _live(account)
    assert "sms:+14155550100" in dump(), "consents name addresses as long as there is one"

    erased = erase(account, MARIA, HERS)

    told = dump()
    assert [word for word in CANARIES if word in told] == []
    assert erased[0].handle in told, "the marker is there"
    assert "whatsapp:+6581234567" in told, "others are not forgotten with her"
    found = verify_account(account.pk)
    assert (found.broken, found.events, found.erased) == (None, 7, 6)
    assert list(differences(account.pk)) == []
    assert verdict(account) is Reason.CONTACT_ERASED


def test_what_was_forgotten_is_told_without_a_name(account: Account) -> None:
    _live(account)

    first, second = erase(account, MARIA, HERS)

    assert (first.details, first.is_suppressed) == (4, True)
    assert (second.details, second.is_suppressed) == (2, True)
    assert not Consent.objects.exclude(address=WEI.consent_key).exists()
    assert not ProviderBlock.objects.exists()
    assert ConsentDetails.objects.count() == 1
    assert list(ConsentKey.objects.exclude(destroyed_at=None).values_list("key", flat=True)) == [
        "",
        "",
    ]


def test_web_evidence_is_forgotten_too(account: Account) -> None:
    tell(account, proof())
    tell(account, proof(), WEI)
    kept = WebEvidence.objects.get(event__seq=1)

    erase(account, MARIA)

    assert list(WebEvidence.objects.values_list("event__seq", flat=True)) == [2]
    kept.key = ConsentKey.objects.get(pk=kept.key_id)
    assert kept.open() is None
    assert verify_account(account.pk).broken is None


def test_no_key_opens_what_somebody_kept_of_the_sealed_row(account: Account) -> None:
    tell(account, K.OPT_OUT, words="STOP")
    kept = ConsentDetails.objects.get()

    erase(account, MARIA)

    key = ConsentKey.objects.get(pk=kept.key_id)
    assert key.key == ""
    kept.key = key
    assert kept.open() is None


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.TEST])
def test_the_gate_still_blocks_what_was_opted_out(account: Account, purpose: Purpose) -> None:
    tell(account, K.OPT_OUT)
    erase(account, MARIA)

    assert verdict(account, purpose=purpose) is Reason.CONTACT_ERASED
    assert verdict(make_account("Umbrella"), purpose=purpose) is Reason.OK, "another account"


@pytest.mark.parametrize(
    ("happened", "is_blocked"),
    [
        ([K.OPT_OUT], True),
        ([K.CARRIER_BLOCK], True),
        ([K.HELD], True),
        ([K.NO_CONTACT], True),
        ([K.OPT_OUT, K.OPT_IN], False),
        ([K.HELP], False),
        ([], False),
    ],
)
def test_what_protected_them_stays_and_nothing_else(
    account: Account, happened: list[EventKind], is_blocked: bool
) -> None:
    for n, kind in enumerate(happened):
        tell(account, kind, reason="They asked", at=NOW + n * DAY)

    erase(account, MARIA)

    assert Suppression.objects.exists() is is_blocked
    assert (verdict(account) is Reason.CONTACT_ERASED) is is_blocked


def test_a_marker_names_nobody(account: Account) -> None:
    tell(account, K.OPT_OUT)
    erase(account, MARIA)

    marker = Suppression.objects.get()
    assert len(marker.handle) == 64
    assert (marker.state, marker.since) == ("opted_out", NOW)
    texts = [str(getattr(marker, field.attname)) for field in Suppression._meta.concrete_fields]
    assert not [text for text in texts if "4155550100" in text]


# --- When they come back --------------------------------------------------------------------------


def test_who_writes_again_is_opted_out_still(account: Account) -> None:
    say(account, "STOP")
    erase(account, MARIA)

    say(account, "Hello?", at=NOW + 11 * DAY)

    assert state(account) == "opted_out"
    assert verdict(account, days=12) is Reason.OPTED_OUT
    assert list(differences(account.pk)) == []


def test_start_makes_a_new_contact_without_a_history(account: Account) -> None:
    tell(account, proof())
    say(account, "STOP", at=NOW + DAY)
    erase(account, MARIA)

    say(account, "START", at=NOW + 11 * DAY)

    assert state(account) == "conversational", "and not opted in, as before they were erased"
    assert verdict(account, days=12) is Reason.OK
    assert not Suppression.objects.exists()
    known = [event.address for event in events_of(account.pk, MARIA)]
    assert known == ["", "", "", "sms:+14155550100"], "what was erased stays so"
    assert verify_account(account.pk).broken is None
    assert list(differences(account.pk)) == []


def test_new_proof_lifts_the_marker_too(account: Account) -> None:
    tell(account, K.OPT_OUT)
    erase(account, MARIA)

    assert tell(account, proof(), at=NOW + 11 * DAY).state == "opted_in"
    assert not Suppression.objects.exists()


def test_start_does_not_lift_do_not_contact(account: Account) -> None:
    tell(account, K.NO_CONTACT, reason="Court order")
    say(account, "STOP", at=NOW + DAY)
    erase(account, MARIA)

    say(account, "START", at=NOW + 11 * DAY)

    assert Suppression.objects.get().no_contact_at == NOW


def test_a_stranger_in_an_account_with_markers_is_a_stranger(account: Account) -> None:
    tell(account, K.OPT_OUT)
    erase(account, MARIA)

    say(account, "Hello", WEI)

    assert state(account, WEI) == "conversational"


def test_erasing_twice_forgets_what_came_in_between(account: Account) -> None:
    say(account, "STOP")
    erase(account, MARIA)
    say(account, "is my order ready?", at=NOW + 11 * DAY)
    say(account, "STOP", at=NOW + 12 * DAY)

    [again] = erase(account, MARIA, days=13)

    assert (again.details, again.is_suppressed) == (2, True)
    assert Suppression.objects.count() == 1
    assert not ConsentDetails.objects.exists()
    assert consent_history(account.pk, MARIA)[0].kind == "erased"
    assert verify_account(account.pk).broken is None


def test_who_is_unknown_can_be_erased(account: Account) -> None:
    [erased] = erase(account, MARIA)

    assert (erased.event_seq, erased.details, erased.is_suppressed) == (1, 1, False)
    assert not Consent.objects.exists()


def test_an_address_that_is_named_twice_is_erased_once(account: Account) -> None:
    tell(account, K.OPT_OUT)

    assert len(erase(account, MARIA, parse_address("rcs:+14155550100"))) == 1


def test_the_same_number_of_another_account_is_not_forgotten(account: Account) -> None:
    other = make_account("Umbrella")
    for one in (account, other):
        tell(one, K.OPT_OUT, words="STOP")

    erase(account, MARIA)

    assert consent_history(other.pk, MARIA)[0].words == "STOP"
    assert Consent.objects.get().account == other
