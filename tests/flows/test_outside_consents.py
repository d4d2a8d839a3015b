"""Does Twilio hear of opt-outs, do we hear of Twilio's, and of numbers that changed owner?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.erasure import erase_person
from compliance.evidence import EventKind, Source
from compliance.gate import Purpose
from compliance.models import (
    Consent,
    ConsentComparison,
    ConsentDifference,
    ConsentEvent,
    ConsentSharing,
    ProviderBlock,
    ReassignmentCheck,
    ReassignmentPolicy,
    SharedConsent,
)
from compliance.verifying import verify_account
from inbox import differing, reassigning, sharing
from inbox.models import Message, Sender
from inbox.sending import carrier_for, deliver
from tests.carrier import Twilio
from tests.compliance.ledgers import MARIA, proof, tell
from tests.conftest import NOW, House
from tests.factories import make_account, make_sender, make_user
from tests.flows.test_decisions import OFFER
from tests.flows.test_together import Stage
from tests.twilio import text_in

Login = Callable[[User], Client]
K = EventKind
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(house: House) -> Sender:
    """Another number of the account."""
    return make_sender(house.inbox, address="+15550170002")


@pytest.fixture
def sharing_on(house: House, second: Sender, twilio: Twilio) -> ConsentSharing:
    twilio.knows(house.sender, second)
    return ConsentSharing.objects.create(account=house.account, is_on=True)


def share(*, now: datetime) -> None:
    while sharing.read_on_next(now=now):
        pass
    while sharing.tell_next(now=now):
        pass


def told(twilio: Twilio) -> list[tuple[str, str, str, str]]:
    taken = twilio.ask("consents")["consents"]
    return [(one["contact_id"], one["sender_id"], one["status"], one["source"]) for one in taken]


def state(house: House, number: str = MARIA.phone) -> str:
    return Consent.objects.get(account=house.account, address=f"sms:{number}", programme="*").state


# --- Sharing --------------------------------------------------------------------------------------


def test_a_stop_at_one_number_is_told_for_every_other_and_a_start_takes_it_back(
    house: House, second: Sender, sharing_on: ConsentSharing, twilio: Twilio, client: Client
) -> None:
    text_in(client, house.sender, MARIA.phone, "STOP")
    now = timezone.now()

    share(now=now)

    # The number that they texted knows already: only the other one is told.
    out = (MARIA.phone, second.address, "opt-out", "opt-out-message")
    assert told(twilio) == [out]
    share(now=now)
    assert told(twilio) == [out]
    text_in(client, house.sender, MARIA.phone, "START")
    share(now=timezone.now())
    assert told(twilio) == [out, (MARIA.phone, second.address, "opt-in", "opt-in-message")]
    assert SharedConsent.objects.exclude(state="told").count() == 0


def test_nothing_is_told_where_it_is_off_and_everything_once_it_is_on(
    house: House, second: Sender, twilio: Twilio
) -> None:
    twilio.knows(house.sender, second)
    row = ConsentSharing.objects.create(account=house.account)
    tell(house.account, K.OPT_OUT)
    tell(house.account, K.OPT_OUT, parse_address("whatsapp:+14155550100"))

    share(now=NOW)
    assert told(twilio) == []

    row.is_on = True
    row.save()
    share(now=NOW)
    assert told(twilio) == [
        (MARIA.phone, house.sender.address, "opt-out", "offline"),
        (MARIA.phone, second.address, "opt-out", "offline"),
    ]


def test_what_is_no_longer_so_is_not_told(
    house: House, sharing_on: ConsentSharing, twilio: Twilio
) -> None:
    tell(house.account, K.OPT_OUT)
    tell(house.account, K.OPT_OUT, parse_address("+14155550133"))
    while sharing.read_on_next(now=NOW):
        pass
    tell(house.account, K.OPT_IN, at=NOW + MINUTE)
    with transaction.atomic():
        erase_person(
            account_id=house.account.pk,
            addresses=[parse_address("+14155550133")],
            by=None,
            now=NOW + MINUTE,
        )

    while sharing.tell_next(now=NOW + MINUTE):
        pass

    assert told(twilio) == []
    assert set(SharedConsent.objects.values_list("state", flat=True)) == {"moot"}


def test_somebody_elses_word_opts_nobody_in_at_twilio(
    house: House, sharing_on: ConsentSharing, twilio: Twilio
) -> None:
    tell(house.account, proof(quality="asserted_by_agent", source=Source.AGENT))
    tell(house.account, proof(), parse_address("+14155550144"))
    share(now=NOW)

    # Nobody was told that they were out: there is nothing to take back.
    assert told(twilio) == []


def test_new_proof_lifts_a_block_that_twilio_says_it_lifted(
    house: House, second: Sender, sharing_on: ConsentSharing, twilio: Twilio, client: Client
) -> None:
    text_in(client, house.sender, MARIA.phone, "STOP")
    now = timezone.now()
    assert ProviderBlock.objects.filter(cleared_at=None).count() == 1
    share(now=now)

    tell(house.account, proof(), at=now + MINUTE)
    share(now=now + MINUTE)

    assert (MARIA.phone, house.sender.address, "opt-in", "website") in told(twilio)
    assert not ProviderBlock.objects.filter(cleared_at=None).exists()


def test_a_toll_free_block_is_lifted_by_nobody_but_them(
    house: House, sharing_on: ConsentSharing, twilio: Twilio
) -> None:
    free = make_sender(house.inbox, address="+18005550199")
    twilio.knows(free)
    ProviderBlock.objects.create(
        account=house.account, our_address=free.address, address=MARIA.consent_key, since=NOW
    )
    tell(house.account, K.OPT_OUT)
    tell(house.account, proof(), at=NOW + MINUTE)

    share(now=NOW + MINUTE)

    assert not [one for one in told(twilio) if one[1] == free.address]
    assert ProviderBlock.objects.filter(cleared_at=None).count() == 1


def test_26_opt_outs_take_two_requests_and_a_lost_answer_is_asked_for_again(
    house: House, sharing_on: ConsentSharing, twilio: Twilio
) -> None:
    Sender.objects.exclude(pk=house.sender.pk).update(removed_at=NOW)
    for number in range(26):
        tell(house.account, K.OPT_OUT, parse_address(f"+1415555{number:04}"))
    twilio.tell("faults", kind="reset_after", on="consents POST")
    share(now=NOW)

    # The answer to 25 was lost, though Twilio acted; one went through.
    waiting = SharedConsent.objects.filter(state="waiting")
    assert waiting.count() == 25
    assert len(told(twilio)) == 26

    share(now=NOW + MINUTE)

    assert not waiting.exists()
    taken = twilio.ask("consents")["consents"]
    assert len(taken) == 51
    assert len({one["correlation_id"] for one in taken}) == 26


def test_an_item_that_twilio_refuses_is_kept_with_its_code_and_the_others_go_on(
    house: House, second: Sender, sharing_on: ConsentSharing, twilio: Twilio
) -> None:
    strange = make_sender(
        house.inbox, address="+15550170077", twilio_account=house.sender.twilio_account
    )
    tell(house.account, K.OPT_OUT)

    share(now=NOW)

    assert len(told(twilio)) == 2
    row = SharedConsent.objects.get(sender_id=strange.address)
    assert (row.state, row.error_code) == ("refused", "30646")
    run = differing.compare(house.account.pk, now=NOW)
    (found,) = run.differences.all()
    assert (found.kind, found.ending) == ("not_shared", MARIA.phone[-2:])


def test_a_minute_takes_half_of_what_twilio_takes(
    house: House,
    sharing_on: ConsentSharing,
    twilio: Twilio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "MOST_ITEMS", 1)
    for number in range(30):
        tell(house.account, K.OPT_OUT, parse_address(f"+1415555{number:04}"))
    share(now=NOW)

    assert len(told(twilio)) == sharing.MOST_OF_OURS == 50
    assert not SharedConsent.objects.filter(attempts__gt=1).exists()
    share(now=NOW + MINUTE)
    assert len(told(twilio)) == 60


# --- Comparing ------------------------------------------------------------------------------------


def compared(house: House) -> list[tuple[str, str]]:
    run = differing.compare(house.account.pk, now=timezone.now())
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []
    return [(one.kind, one.ending) for one in run.differences.all()]


def elsewhere(house: House, to: str, *, code: str = "") -> str:
    """Let another system of the company send from our number, by Twilio's own API."""
    carrier = carrier_for(house.sender.twilio_account)
    sent = carrier.client.messages.create(to=to, from_=house.sender.address, body="Sale!")
    return str(sent.sid)


def test_a_refusal_of_what_another_system_sent_opts_out_here_once(
    house: House, twilio: Twilio
) -> None:
    twilio.knows(house.sender)
    number = "+15002161001"  # ends failed with 21610
    tell(house.account, proof(), parse_address(number), at=timezone.now() - DAY)
    sid = elsewhere(house, number)
    twilio.tell("settle", within=60)

    assert compared(house) == [("refused_there", "01")]

    assert state(house, number) == "opted_out"
    event = ConsentEvent.objects.get(message_sid=sid)
    assert (event.kind, event.source) == ("opt_out", "provider_21610")
    assert ProviderBlock.objects.get().our_address == house.sender.address
    assert AuditEntry.objects.filter(action="consent_drift_adopted", is_alarm=True).count() == 1
    assert compared(house) == []
    assert ConsentEvent.objects.filter(message_sid=sid).count() == 1


def test_who_asked_for_messages_again_since_is_not_opted_out_by_an_old_refusal(
    house: House, twilio: Twilio
) -> None:
    twilio.knows(house.sender)
    number = "+15002161001"
    elsewhere(house, number)
    twilio.tell("settle", within=60)
    tell(house.account, K.OPT_OUT, parse_address(number), at=timezone.now())
    tell(house.account, K.OPT_IN, parse_address(number), at=timezone.now() + MINUTE)

    compared(house)

    assert state(house, number) != "opted_out"


def test_another_system_that_goes_on_writing_is_told_of(house: House, twilio: Twilio) -> None:
    twilio.knows(house.sender)
    tell(house.account, K.OPT_OUT, at=timezone.now() - DAY)
    elsewhere(house, MARIA.phone)
    twilio.tell("settle", within=60)

    assert compared(house) == [("written_to", MARIA.phone[-2:])]


def test_nobody_is_opted_in_by_what_a_list_says(house: House, twilio: Twilio) -> None:
    twilio.knows(house.sender)
    tell(house.account, proof())
    ProviderBlock.objects.create(
        account=house.account,
        our_address=house.sender.address,
        address=MARIA.consent_key,
        since=NOW,
    )
    events = ConsentEvent.objects.count()

    assert compared(house) == [("only_there", MARIA.phone[-2:])]
    assert ConsentEvent.objects.count() == events


def test_each_account_is_compared_once_a_day_and_sooner_if_twilio_was_away(
    house: House, twilio: Twilio
) -> None:
    twilio.knows(house.sender)
    assert differing.compare_next(now=NOW)
    assert not differing.compare_next(now=NOW + timedelta(hours=23))
    twilio.tell("faults", kind="server_error", on="messages GET", times=-1)

    assert differing.compare_next(now=NOW + DAY)

    run = ConsentComparison.objects.first()
    assert run
    assert "did not answer" in run.problem
    assert not differing.compare_next(now=NOW + DAY + timedelta(minutes=30))
    assert differing.compare_next(now=NOW + DAY + timedelta(hours=2))


def test_accounts_do_not_see_each_others_messages(house: House, twilio: Twilio) -> None:
    twilio.knows(house.sender)
    other = make_account("Umbrella")
    number = "+15002161001"
    elsewhere(house, number)
    twilio.tell("settle", within=60)

    compared(house)

    assert not ConsentEvent.objects.filter(account=other).exists()
    assert set(ConsentDifference.objects.values_list("account", flat=True)) <= {house.account.pk}


# --- Owners of numbers ----------------------------------------------------------------------------


@pytest.fixture
def asking(house: House, twilio: Twilio) -> ReassignmentPolicy:
    twilio.knows(house.sender)
    return ReassignmentPolicy.objects.create(
        account=house.account, is_on=True, older_than_days=30, again_days=10, most_a_day=5
    )


def asked(twilio: Twilio) -> list[str]:
    return list(twilio.ask("lookups")["numbers"])


def sweep(*, now: datetime) -> None:
    while reassigning.sweep_next(now=now):
        pass


@pytest.mark.parametrize(
    ("changed_on", "answer", "stands"),
    [
        ("2026-11-01", "yes", "none"),
        ("2026-01-01", "no", "opted_in"),
        ("unknown", "unknown", "opted_in"),
    ],
)
def test_an_old_consent_is_asked_about_and_counts_no_longer_if_the_owner_changed(
    house: House,
    twilio: Twilio,
    asking: ReassignmentPolicy,
    changed_on: str,
    answer: str,
    stands: str,
) -> None:
    tell(house.account, proof(), at=NOW - 60 * DAY)
    twilio.tell("owners", number=MARIA.phone, changed_on=changed_on)

    sweep(now=NOW)

    assert asked(twilio) == [MARIA.phone]
    check = ReassignmentCheck.objects.get()
    assert (check.answer, check.verified_on) == (answer, (NOW - 60 * DAY).date())
    assert state(house) == stands
    if answer == "yes":
        event = ConsentEvent.objects.get(kind="reassigned")
        assert event.source == "lookup_reassigned"
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []
    # Asked again only after the days that were set.
    sweep(now=NOW + DAY)
    assert asked(twilio) == [MARIA.phone]


def test_an_opt_out_stays_whoever_has_the_number(
    house: House, twilio: Twilio, asking: ReassignmentPolicy
) -> None:
    tell(house.account, proof(), at=NOW - 60 * DAY)
    tell(house.account, K.OPT_OUT, at=NOW - 50 * DAY)
    question = reassigning.Question(house.account.pk, MARIA, NOW - 50 * DAY)
    twilio.tell("owners", number=MARIA.phone, changed_on="2026-11-10")

    assert reassigning.ask(question, house.sender.twilio_account, now=NOW) == "yes"

    assert state(house) == "opted_out"
    assert Consent.objects.get().reassigned_at


def test_what_we_hear_meanwhile_counts_more_than_the_answer(
    house: House, twilio: Twilio, asking: ReassignmentPolicy
) -> None:
    tell(house.account, proof(), at=NOW - 60 * DAY)
    question = reassigning.Question(house.account.pk, MARIA, NOW - 60 * DAY)
    tell(house.account, proof(), at=NOW - MINUTE)
    twilio.tell("owners", number=MARIA.phone, changed_on="2026-11-10")

    reassigning.ask(question, house.sender.twilio_account, now=NOW)

    assert state(house) == "opted_in"


def test_the_budget_of_a_day_is_never_exceeded_and_the_rest_follows_tomorrow(
    house: House, twilio: Twilio, asking: ReassignmentPolicy
) -> None:
    for number in range(8):
        tell(house.account, proof(), parse_address(f"+1415555{number:04}"), at=NOW - 60 * DAY)

    sweep(now=NOW)
    sweep(now=NOW + MINUTE)
    assert len(asked(twilio)) == 5

    sweep(now=NOW + DAY)
    assert len(set(asked(twilio))) == len(asked(twilio)) == 8


@pytest.mark.parametrize("fault", ["server_error", "rate_limit", "reset_before"])
def test_no_answer_changes_nothing_and_is_asked_for_again(
    house: House, twilio: Twilio, asking: ReassignmentPolicy, fault: str
) -> None:
    tell(house.account, proof(), at=NOW - 60 * DAY)
    twilio.tell("faults", kind=fault, on="lookups GET")

    sweep(now=NOW)

    assert ReassignmentCheck.objects.get().answer == "failed"
    assert state(house) == "opted_in"
    assert not reassigning.is_due(house.account.pk, MARIA, now=NOW + MINUTE)
    assert reassigning.is_due(house.account.pk, MARIA, now=NOW + timedelta(hours=2))


def test_nothing_is_asked_where_it_is_off_or_the_number_is_not_american(
    house: House, twilio: Twilio
) -> None:
    twilio.knows(house.sender)
    berlin = parse_address("+4930123456")
    tell(house.account, proof(), at=NOW - 60 * DAY)
    tell(house.account, proof(), berlin, at=NOW - 60 * DAY)

    sweep(now=NOW)
    assert asked(twilio) == []
    ReassignmentPolicy.objects.create(account=house.account, is_on=True, older_than_days=30)

    assert reassigning.is_due(house.account.pk, MARIA, now=NOW)
    assert not reassigning.is_due(house.account.pk, berlin, now=NOW)


# --- Before an offer leaves -----------------------------------------------------------------------


def offered(stage: Stage) -> Message:
    return stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)


@pytest.fixture
def stage(house: House, client: Client, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    # Noon in San Francisco: no quiet hours.
    return Stage(house, client, NOW + timedelta(hours=5))


@pytest.fixture
def old_consent(stage: Stage, twilio: Twilio) -> ReassignmentPolicy:
    """Maria wrote and consented long ago; Twilio is asked before an offer goes to her."""
    tell(stage.house.account, proof(), at=stage.now)
    stage.now += 60 * DAY
    return ReassignmentPolicy.objects.create(
        account=stage.house.account, is_on=True, older_than_days=30
    )


@pytest.mark.parametrize(
    ("changed_on", "status", "code"),
    [("2026-12-01", "blocked", "NUMBER_REASSIGNED"), ("2020-01-01", "sent", "")],
)
def test_an_offer_waits_for_the_answer_whose_number_it_is(
    stage: Stage,
    twilio: Twilio,
    old_consent: ReassignmentPolicy,
    changed_on: str,
    status: str,
    code: str,
) -> None:
    twilio.tell("owners", number=MARIA.phone, changed_on=changed_on)
    offer = offered(stage)

    assert deliver(offer.pk, now=stage.now) is None
    offer.refresh_from_db()
    assert offer.status == "queued"
    reassigning.check_owner(offer.pk, now=stage.now)
    deliver(offer.pk, now=stage.now + MINUTE)

    offer.refresh_from_db()
    assert (offer.status, offer.error_code) == (status, code)
    assert asked(twilio) == [MARIA.phone]


def test_an_offer_does_not_wait_for_ever_and_replies_never_wait(
    stage: Stage, twilio: Twilio, old_consent: ReassignmentPolicy
) -> None:
    offer = offered(stage)
    twilio.tell("faults", kind="server_error", on="lookups GET", times=-1)

    assert deliver(offer.pk, now=stage.now) is None
    reassigning.check_owner(offer.pk, now=stage.now)
    deliver(offer.pk, now=stage.now + MINUTE)
    offer.refresh_from_db()
    assert offer.status == "sent"

    stage.hear("Is it ready?")
    answer = stage.reply(stage.house.alice)
    deliver(answer.pk, now=stage.now)
    answer.refresh_from_db()
    assert answer.status == "sent"


def test_without_a_worker_that_asks_an_offer_goes_after_five_minutes(
    stage: Stage, twilio: Twilio, old_consent: ReassignmentPolicy
) -> None:
    offer = offered(stage)
    assert deliver(offer.pk, now=stage.now) is None
    assert deliver(offer.pk, now=stage.now + 2 * MINUTE) is None

    deliver(offer.pk, now=stage.now + 6 * MINUTE)

    offer.refresh_from_db()
    assert offer.status == "sent"


# --- The page -------------------------------------------------------------------------------------

PAGE = "/settings/consent/outside/"


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_an_admin_switches_and_every_switch_is_audited(house: House, ada: Client) -> None:
    for _twice in range(2):
        ada.post(PAGE, {"do": "share", "on": "1"})
    ada.post(PAGE, {"do": "compare"})
    owners = {"do": "owners", "is_on": "on", "older_than_days": 45}
    ada.post(PAGE, {**owners, "again_days": 20, "most_a_day": 7})

    assert ConsentSharing.objects.get(account=house.account).is_on
    policy = ReassignmentPolicy.objects.get(account=house.account)
    assert (policy.is_on, policy.older_than_days, policy.most_a_day) == (True, 45, 7)
    said = AuditEntry.objects.filter(account=house.account)
    for action in (
        "consent_sharing_switched",
        "consent_comparison_asked",
        "owner_look_up_changed",
    ):
        assert said.filter(action=action).count() == 1
    ada.post(PAGE, {"do": "share", "on": "0"})
    assert not ConsentSharing.objects.get(account=house.account).is_on


@pytest.mark.parametrize(
    "wrong",
    [
        {"older_than_days": "0"},
        {"older_than_days": "3651"},
        {"again_days": ""},
        {"most_a_day": "-5"},
        {"most_a_day": "1e9"},
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    ada: Client, wrong: dict[str, str]
) -> None:
    given = {"do": "owners", "older_than_days": "77", "again_days": "20", "most_a_day": "7"}

    answer = ada.post(PAGE, {**given, **wrong})

    assert answer.status_code == 422
    assert 'value="7' in words(answer)
    assert not ReassignmentPolicy.objects.exists()


def test_the_page_shows_what_differed_to_the_accounts_own_people(
    house: House, twilio: Twilio, ada: Client, login: Login
) -> None:
    twilio.knows(house.sender)
    tell(house.account, K.OPT_OUT, at=timezone.now() - DAY)
    elsewhere(house, MARIA.phone)
    twilio.tell("settle", within=60)
    compared(house)

    shown = words(ada.get(PAGE))

    assert "another system that uses this number must stop too" in shown
    assert MARIA.phone not in shown
    auditor = login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))
    assert "another system" in words(auditor.get(PAGE))
    assert auditor.post(PAGE, {"do": "share", "on": "1"}).status_code == 404
    charlie = make_user(make_account("Umbrella"), "Charlie", works_as=User.Role.ACCOUNT_ADMIN)
    assert "another system" not in words(login(charlie).get(PAGE))
    for one in (house.alice, house.bob):
        assert login(one).get(PAGE).status_code == 404
        assert login(one).post(PAGE, {"do": "share", "on": "1"}).status_code == 404
    assert not ConsentSharing.objects.filter(is_on=True).exists()
