"""Is every outcome of the gate kept, shown to who may see it, and never changed?"""

import ast
import inspect
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from compliance import gate, judging
from compliance.addresses import parse_address
from compliance.decisions import Stage as At
from compliance.decisions import keep_decision
from compliance.gate import Purpose, Reason, SendBlockedError, Verdict
from compliance.models import ConsentEvent, GateDecision
from compliance.opt_out_links import opt_out_link
from compliance.reasons import MEANINGS, meaning_of
from inbox.models import Message
from inbox.refusals import MissingInputError
from inbox.sending import Wanted, deliver, owed_messages, verdict_on
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.flows.test_together import MARIA, Stage
from tests.twilio import text_in

OFFER = "Acme: 20% off all week. Reply STOP to opt out."
# 21:30 and 09:00 in California, on which day a Tuesday.
EVENING = datetime.fromisoformat("2026-11-24T05:30Z")
MORNING = datetime.fromisoformat("2026-11-24T17:00Z")


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


def _kept() -> list[tuple[str, str, str]]:
    rows = GateDecision.objects.order_by("pk")
    return list(rows.values_list("stage", "answer", "code"))


# --- Kept -----------------------------------------------------------------------------------------


def test_a_message_is_judged_when_written_and_when_it_leaves(stage: Stage) -> None:
    message = stage.reply(stage.house.alice, "On its way")
    later = stage.now + timedelta(seconds=3)

    deliver(message.pk, now=later)

    assert _kept() == [("queued", "allow", "OK"), ("sent", "allow", "OK")]
    written, left = GateDecision.objects.order_by("pk")
    assert (written.dispatched_at, left.dispatched_at) == (None, later)
    assert {row.message_ref for row in (written, left)} == {message.public_id}
    assert left.author == stage.house.alice
    assert left.inputs["country"] == "US"
    assert left.inputs["consent"] == "conversational"
    assert left.pack_version


def test_a_refusal_is_kept_though_no_message_was_made(stage: Stage) -> None:
    stage.hear("STOP")

    with pytest.raises(SendBlockedError):
        stage.reply(stage.house.alice, "Acme here")

    assert _kept() == [("queued", "block", "PROVIDER_BLOCKED")]
    row = GateDecision.objects.get()
    assert (row.message_ref, row.thread_ref) == ("", stage.row.thread.public_id)
    assert {one["code"] for one in row.findings} == {"PROVIDER_BLOCKED", "OPTED_OUT"}


def test_nothing_that_is_kept_says_who_somebody_is_or_what_they_said(stage: Stage) -> None:
    stage.hear("please take me off your list")
    with pytest.raises(SendBlockedError):
        stage.reply(stage.house.alice, "A secret reply")

    [row] = GateDecision.objects.values()

    assert MARIA[1:] not in str(row)
    assert "take me off" not in str(row)
    assert "secret" not in str(row)


def test_a_decision_never_changes(stage: Stage) -> None:
    stage.reply(stage.house.alice)

    with pytest.raises(DatabaseError, match="ledger"), transaction.atomic():
        GateDecision.objects.update(answer="block")


def test_only_what_was_allowed_can_have_been_given_to_the_carrier(stage: Stage) -> None:
    refused = Verdict(Reason.OPTED_OUT)
    row = keep_decision(
        refused,
        account_id=stage.house.account.pk,
        stage=At.SENT,
        purpose=Purpose.REPLY,
        thread="t",
        now=stage.now,
    )
    assert row.dispatched_at is None
    row.pk, row.dispatched_at = None, stage.now

    with pytest.raises(DatabaseError, match="only_what_was_allowed"), transaction.atomic():
        row.save(force_insert=True)


def test_no_message_has_left_after_an_opt_out_was_recorded(stage: Stage) -> None:
    waiting = stage.reply(stage.house.alice)
    stage.now += timedelta(seconds=5)
    stage.hear("STOP")

    deliver(waiting.pk, now=stage.now + timedelta(seconds=1))

    recorded = ConsentEvent.objects.get(kind="opt_out").recorded_at
    assert not GateDecision.objects.filter(dispatched_at__gte=recorded).exists()


# --- A fault --------------------------------------------------------------------------------------


def test_a_fault_in_a_rule_lets_nothing_out_and_alarms(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    message = stage.reply(stage.house.alice)
    monkeypatch.setattr(judging, "RULES", (broken,))

    deliver(message.pk, now=stage.now)

    message.refresh_from_db()
    assert (message.status, message.error_code) == ("blocked", "GATE_ERROR")
    alarm = AuditEntry.objects.get(action="gate_error")
    assert alarm.is_alarm
    assert GateDecision.objects.latest("pk").code == "GATE_ERROR"


def test_every_code_has_a_place_and_a_meaning() -> None:
    """Each code that a rule names is one of the gate's, and is explained."""
    named = {
        node.args[0].value
        for node in ast.walk(ast.parse(inspect.getsource(judging)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Finding"
        and isinstance(node.args[0], ast.Constant)
    }

    assert len(named) > 20
    assert named <= {reason.value for reason in gate.Reason}
    assert set(MEANINGS) == set(gate.Reason)
    assert meaning_of("GONE_LONG_AGO") == "GONE_LONG_AGO"


# --- Offers and notices ---------------------------------------------------------------------------


def test_an_offer_in_the_evening_waits_for_the_morning(stage: Stage, twilio: Twilio) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.now = EVENING

    offer = stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    assert (offer.status, offer.not_before, offer.error_code) == ("queued", MORNING, "QUIET_HOURS")
    assert "21:30" in offer.error_words

    assert deliver(offer.pk, now=MORNING - timedelta(seconds=1)) is None
    deliver(offer.pk, now=MORNING)

    offer.refresh_from_db()
    assert (offer.status, offer.error_code, offer.error_words) == ("sent", "", "")
    assert len(twilio.requests_to_send()) == 1


def test_what_was_put_off_is_judged_anew(stage: Stage, twilio: Twilio) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.now = EVENING
    offer = stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    stage.hear("STOP")

    deliver(offer.pk, now=MORNING)

    offer.refresh_from_db()
    assert (offer.status, offer.error_code) == ("canceled", "OPTED_OUT")
    assert not twilio.requests_to_send()


def test_what_waits_for_the_morning_holds_up_no_answer(stage: Stage, twilio: Twilio) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.now = EVENING
    offer = stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    stage.now += timedelta(minutes=15)
    answer = stage.reply(stage.house.alice, "Yes, we are open.")

    assert owed_messages(now=stage.now + timedelta(minutes=1)) == [answer.pk]
    deliver(answer.pk, now=stage.now)
    deliver(offer.pk, now=MORNING)

    sent = [asked["body"] for asked in twilio.requests_to_send()]
    assert sent == ["Yes, we are open.", OFFER]


def test_what_waited_for_the_morning_is_not_given_up_at_its_first_429(
    stage: Stage, twilio: Twilio
) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.now = EVENING - timedelta(hours=1)
    offer = stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    deliver(offer.pk, now=EVENING)
    twilio.fault("rate_limit", times=1)

    deliver(offer.pk, now=MORNING)

    offer.refresh_from_db()
    assert (offer.status, offer.error_code) == ("queued", "")
    deliver(offer.pk, now=MORNING + timedelta(minutes=5))
    offer.refresh_from_db()
    assert offer.status == "sent"


def test_what_the_carrier_puts_off_keeps_its_place(stage: Stage, twilio: Twilio) -> None:
    first, second = stage.reply(stage.house.alice, "one"), stage.reply(stage.house.alice, "two")
    twilio.fault("rate_limit", times=1)
    deliver(first.pk, now=stage.now)

    assert deliver(second.pk, now=stage.now) is None

    later = stage.now + timedelta(minutes=5)
    deliver(first.pk, now=later)
    deliver(second.pk, now=later)
    assert [asked["body"] for asked in twilio.requests_to_send()][-2:] == ["one", "two"]


def test_what_is_due_too_early_is_put_off_again(stage: Stage) -> None:
    """A clock that changed, a contact that moved: the intent counts, not the instant."""
    tell(stage.house.account, proof(), at=stage.now)
    stage.now = EVENING
    offer = stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    contact = stage.row.contact
    contact.attributes = {"time_zone": "Pacific/Honolulu"}
    contact.save()

    deliver(offer.pk, now=MORNING)

    offer.refresh_from_db()
    assert (offer.status, offer.not_before) == ("queued", MORNING + timedelta(hours=2))
    assert _kept()[-1] == ("sent", "defer", "QUIET_HOURS")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("20% off. Reply STOP to opt out.", Reason.NO_IDENTITY),
        ("Acme: 20% off all week.", Reason.NO_OPTOUT_NOTICE),
    ],
)
def test_an_offer_says_who_writes_and_how_to_stop(stage: Stage, body: str, code: Reason) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.now += timedelta(hours=3)

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice, body, purpose=Purpose.PROMOTIONAL)

    assert refused.value.verdict.reason is code


def test_an_offer_needs_consent_in_writing_in_the_united_states(stage: Stage) -> None:
    tell(stage.house.account, proof(basis="express"), at=stage.now)

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)

    assert refused.value.verdict.reason is Reason.NO_PROMO_CONSENT
    assert "United States" in refused.value.reason


def test_an_opt_out_on_one_channel_stops_offers_on_every_channel(
    stage: Stage, client: Client
) -> None:
    """Behaviour, decision 5: other messages may still go there."""
    account = stage.house.account
    whatsapp = parse_address(f"whatsapp:{MARIA}")
    stage.row.contact.addresses.create(
        account=account, key=whatsapp.key, family="whatsapp", raw=whatsapp.raw, phone=MARIA
    )
    tell(account, proof(), at=stage.now)
    tell(account, proof(kind="opt_out", basis=""), whatsapp, at=stage.now)
    offer, answer = (
        verdict_on(stage.row.thread, Wanted(purpose, stage.house.alice, at, OFFER), now=at).reason
        for at in [stage.now + timedelta(hours=3)]
        for purpose in (Purpose.PROMOTIONAL, Purpose.REPLY)
    )

    assert (offer, answer) == (Reason.OPTED_OUT, Reason.OK)


def test_a_notice_may_go_to_who_has_not_written_for_long_and_an_answer_may_not(
    stage: Stage,
) -> None:
    stage.now += timedelta(days=31)

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice, "Your order is ready")
    notice = stage.reply(stage.house.alice, "Your order is ready", purpose=Purpose.NOTIFICATION)

    assert refused.value.verdict.reason is Reason.NO_CONVERSATION
    assert (notice.status, notice.purpose) == ("queued", "notification")


def test_nobody_passes_a_message_off_as_a_confirmation(stage: Stage) -> None:
    with pytest.raises(MissingInputError):
        stage.reply(stage.house.alice, "Hi", purpose=Purpose.OPT_OUT_CONFIRMATION)


def test_a_question_after_an_opt_out_is_answered_once(stage: Stage) -> None:
    """Worked case 5 of the reference, and G5*: once, on WhatsApp, within a day."""
    whatsapp = make_sender(stage.house.inbox, "whatsapp:+15550100003")
    stage.house.sender = whatsapp
    her = f"whatsapp:{MARIA}"
    said = [
        text_in(stage.client, whatsapp, her, words)
        for words in ("please take me off your list", "but is my order ready?")
    ]
    stage.pk, stage.now = said[1].conversation_id, said[1].created_at  # type: ignore[assignment]
    answer = stage.reply(stage.house.alice, "It is ready")
    stage.now += timedelta(minutes=1)

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(stage.house.alice, "And we have offers")

    assert answer.status == "queued"
    assert refused.value.verdict.reason is Reason.OPTED_OUT


# --- Shown ----------------------------------------------------------------------------------------


def test_why_was_this_sent(stage: Stage, login) -> None:
    message = stage.reply(stage.house.alice, "On its way")
    deliver(message.pk, now=stage.now)

    page = login(stage.house.alice).get(f"/messages/{message.public_id}/why/").content.decode()

    assert "Nothing speaks against it." in page
    assert "given to the carrier" in page
    assert "not legal advice" in page


def test_decisions_are_found_by_admins_and_auditors_of_the_account(
    stage: Stage, login, charlie: User
) -> None:
    account = stage.house.account
    stage.reply(stage.house.alice)
    assert charlie.account is not None
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    audrey = make_user(account, "Audrey", works_as=User.Role.AUDITOR)
    other = make_user(charlie.account, "Olga", works_as=User.Role.ACCOUNT_ADMIN)
    message = Message.objects.get(direction="out").public_id

    def finds(user: User, query: str = "") -> object:
        answer = login(user).get(f"/settings/decisions/{query}")
        return message in answer.content.decode() if answer.status_code == 200 else None

    assert [finds(one) for one in (ada, audrey, other)] == [True, True, False]
    assert [finds(one) for one in (stage.house.alice, stage.house.sue, charlie)] == [None] * 3
    assert finds(ada, "?code=OK&answer=allow") is True
    assert finds(ada, f"?message={message}") is True
    assert finds(ada, "?answer=block") is False
    assert finds(ada, "?since=2026-11-23&until=2026-11-23") is True
    assert finds(ada, "?since=2026-11-24") is False
    asked = ("since=2026-11-24&until=2026-11-01", "code=NONSENSE", "after=nonsense")
    statuses = [login(ada).get(f"/settings/decisions/?{one}").status_code for one in asked]
    assert statuses == [422, 422, 200]


def test_where_nobody_can_answer_an_offer_carries_the_link(stage: Stage) -> None:
    """Worked case 9 of the reference: India."""
    account = stage.house.account
    ravi = parse_address("+919812345678")
    said = text_in(stage.client, stage.house.sender, ravi.raw, "Hello")
    assert said.conversation is not None
    stage.pk, stage.now = said.conversation.pk, EVENING
    tell(account, proof(jurisdiction="IN"), ravi, at=stage.now - timedelta(days=1))
    link = opt_out_link(account.pk, ravi, now=stage.now)
    others_link = opt_out_link(account.pk, parse_address(MARIA), now=stage.now)

    def verdict(body: str) -> Reason:
        wanted = Wanted(Purpose.PROMOTIONAL, stage.house.alice, stage.now, body)
        return verdict_on(stage.row.thread, wanted, now=stage.now).reason

    assert verdict("Acme: sale! Reply STOP to opt out") is Reason.NO_OPTOUT_PATH
    assert verdict(f"Acme: sale! {others_link}") is not Reason.OK
    assert verdict(f"Acme: sale! {link}") is Reason.OK


def test_an_offer_answers_nobody(stage: Stage) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    since = stage.row.waiting_since
    stage.now = EVENING

    stage.reply(stage.house.alice, OFFER, purpose=Purpose.PROMOTIONAL)
    assert since is not None
    assert stage.row.waiting_since == since

    stage.reply(stage.house.alice, "It is ready")
    assert stage.row.waiting_since is None
