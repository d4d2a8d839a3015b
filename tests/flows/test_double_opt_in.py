"""Is an opt-in that is given elsewhere asked about once, and does it count only after a yes?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
import time_machine
from django.db import connections
from django.test import Client

from accounts.models import Account, User
from compliance.addresses import parse_address
from compliance.asking_settings import Asking, change_asking
from compliance.comparing import differences
from compliance.evidence import EventKind, Evidence, Source, Wording
from compliance.gate import Purpose, Reason
from compliance.lapsing import lapse_next
from compliance.models import Consent, ConsentEvent, GateDecision
from compliance.policies import policy_row
from compliance.programmes import programmes_from
from compliance.verifying import verify_account
from inbox.models import ConsentQuestion, ContactAddress, Message, Sender
from inbox.opting_in import OptedIn, opt_in
from inbox.receiving import process_next
from inbox.sending import Wanted, deliver, verdict_on
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import MARIA, Stage
from tests.twilio import inbound_form, post_signed

T = TypeVar("T")
FORM = Evidence(
    EventKind.GRANT,
    Source.WEB_FORM,
    basis="express_written",
    wording=Wording("newsletter", "3", "en", "Yes, text me offers of Fabrikam."),
    page_url="https://fabrikam.example/news",
    ip="203.0.113.5",
)
HERS = parse_address(MARIA)


def settle_asking(account: Account, by: User, now: datetime, **wanted: Any) -> None:
    """Let an account settle how it asks."""
    version = policy_row(account).version
    change_asking(account=account, wanted=Asking(**wanted), version=version, by=by, now=now)


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    """Maria wrote once; the account asks people to confirm. It is 10 in the morning with her."""
    twilio.knows(house.sender)
    settle_asking(house.account, house.sue, now, confirms=True)
    return awake(Stage(house, client, now))


def awake(stage: Stage) -> Stage:
    """Let it be 10 in the morning with Maria, who wrote at 7."""
    stage.now += timedelta(hours=3)
    return stage


def told(stage: Stage, given: Evidence = FORM, **options: Any) -> OptedIn:
    """Let the form of the website tell of an opt-in."""
    account = stage.house.account
    return opt_in(account=account, address=HERS, evidence=given, now=stage.now, **options)


def state(programme: str = "*") -> str:
    """Return where Maria stands."""
    return Consent.objects.get(address=f"sms:{MARIA}", programme=programme).state


def questions() -> list[Message]:
    """Return what she was asked, in any state."""
    return list(Message.objects.filter(purpose="consent_request").order_by("pk"))


def asked_and_sent(stage: Stage, **options: Any) -> ConsentQuestion:
    """Let her be asked, and the question leave."""
    question = told(stage, **options).question
    assert question is not None
    assert deliver(question.message_id, now=stage.now) is not None
    return question


def sound(account: Account) -> None:
    """See that the ledger holds and replaying it gives what stands."""
    assert list(differences(account.pk)) == []
    assert verify_account(account.pk).broken is None


def test_without_the_setting_an_opt_in_counts_at_once(stage: Stage) -> None:
    settle_asking(stage.house.account, stage.house.sue, stage.now, confirms=False)

    asked = told(stage)

    assert (state(), asked.is_asked, questions()) == ("opted_in", False, [])


def test_an_opt_in_is_asked_about_once_and_counts_after_a_yes(stage: Stage, twilio: Twilio) -> None:
    asked_and_sent(stage)

    assert state() == "pending"
    (sent,) = twilio.requests_to_send()
    assert sent["body"].startswith("Acme: Reply YES to confirm")
    assert "STOP" in sent["body"]
    offer = Wanted(Purpose.PROMOTIONAL, None, stage.now, "Acme: Sale! Reply STOP to opt out")
    assert verdict_on(stage.row.thread, offer, now=stage.now).reason is Reason.NO_PROMO_CONSENT

    stage.now += timedelta(minutes=5)
    stage.hear("Yes!")

    assert state() == "opted_in"
    question = ConsentQuestion.objects.get()
    asked, said = ConsentEvent.objects.order_by("seq")
    assert (question.event, question.answer, question.outcome) == (asked.seq, said.seq, "yes")
    assert (asked.kind, asked.source, asked.personal.wording_text) == (
        "asked",
        "web_form",
        "Yes, text me offers of Fabrikam.",
    )
    assert (said.kind, said.source, said.personal.said) == ("opt_in", "inbound_keyword", "Yes!")
    assert said.personal.wording_text == question.message.body
    assert Consent.objects.get().basis == "express_written"
    purposes = Message.objects.filter(direction="out").order_by("pk").values_list("purpose")
    assert [one for (one,) in purposes] == ["consent_request", "optin_confirmation"]
    assert stage.message.conversation is not None
    assert verdict_on(stage.row.thread, offer, now=stage.now).is_allowed
    sound(stage.house.account)


@pytest.mark.parametrize(
    "words", ["yes please", "Y", "Sí", "OUI", "START", "I agree", "yes thank you", "Yés"]
)
def test_many_ways_say_yes(stage: Stage, words: str) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(minutes=5)

    stage.hear(words)

    assert state() == "opted_in"


@pytest.mark.parametrize(
    "words",
    [
        "ok",
        "yes but later please",
        "who is this?",
        "no",
        "Liked “Acme: Reply YES to confirm”",
        "👍",
    ],
)
def test_anything_else_confirms_nothing(stage: Stage, words: str) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(minutes=5)

    stage.hear(words)

    assert state() == "pending"


@pytest.mark.parametrize("words", ["STOP", "please stop texting me"])
def test_any_opt_out_ends_the_question(stage: Stage, words: str) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(minutes=5)

    stage.hear(words)
    stage.now += timedelta(minutes=5)
    stage.hear("Yes")

    assert ConsentQuestion.objects.get().outcome == "out"
    assert state() in ("opted_out", "conversational")
    assert not ConsentEvent.objects.filter(kind="opt_in", programme="*", state="opted_in").exists()
    sound(stage.house.account)


def test_an_opt_out_before_it_left_cancels_the_question(stage: Stage) -> None:
    question = told(stage).question
    assert question is not None

    stage.hear("STOP")

    question.message.refresh_from_db()
    assert question.message.status == "canceled"
    assert deliver(question.message_id, now=stage.now) is None


def test_without_an_answer_it_is_over_after_72_hours(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(hours=71, minutes=59)
    assert not lapse_next(now=stage.now)

    stage.now += timedelta(minutes=1)
    assert lapse_next(now=stage.now)
    stage.hear("YES")

    assert state() == "conversational"
    assert len(questions()) == 1, "nobody is reminded"
    assert ConsentEvent.objects.order_by("seq").last().kind == "ask_lapsed"  # type: ignore[union-attr]
    sound(stage.house.account)


def test_a_yes_after_72_hours_is_too_late_before_the_clock_came_by(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(hours=72)

    stage.hear("YES")

    assert state() != "opted_in"
    sound(stage.house.account)


def test_it_waits_for_the_hours_of_offers(stage: Stage, twilio: Twilio) -> None:
    stage.now -= timedelta(hours=2)  # 8 in the morning with her

    question = told(stage).question

    assert question is not None
    assert question.message.error_code == "QUIET_HOURS"
    assert question.message.not_before == stage.now + timedelta(hours=1)
    assert deliver(question.message_id, now=stage.now) is None
    stage.now += timedelta(hours=1)
    assert deliver(question.message_id, now=stage.now) is not None
    assert len(twilio.requests_to_send()) == 1


def test_a_yes_before_the_question_left_answers_something_else(stage: Stage) -> None:
    stage.now -= timedelta(hours=2)
    told(stage)
    stage.now += timedelta(minutes=1)

    stage.hear("Yes")

    assert state() == "pending"
    stage.now += timedelta(minutes=1)
    stage.hear("START")
    assert state() == "opted_in", "START asks for messages, whatever was asked"
    message = questions()[0]
    stage.now += timedelta(hours=3)
    assert deliver(message.pk, now=stage.now) is None
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("blocked", "NOT_WANTED")


def test_a_yes_to_a_later_question_of_an_agent_is_none_to_ours(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(minutes=5)
    reply = stage.reply(stage.house.alice, "Shall we deliver at five?")
    assert deliver(reply.pk, now=stage.now) is not None
    stage.now += timedelta(minutes=5)

    stage.hear("Yes")

    assert state() == "pending"


def test_a_second_form_while_asked_asks_nothing_more(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(hours=10)

    again = told(stage)

    assert (again.is_asked, len(questions())) == (True, 1)
    assert again.until == stage.now + timedelta(hours=72)
    stage.now += timedelta(hours=70)
    stage.hear("YES")
    assert state() == "opted_in"
    sound(stage.house.account)


def test_after_it_lapsed_a_new_opt_in_is_asked_anew(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(hours=73)
    lapse_next(now=stage.now)

    asked_and_sent(stage)

    assert [row.outcome for row in ConsentQuestion.objects.order_by("pk")] == ["over", ""]


def test_who_opted_out_is_never_asked_back(stage: Stage) -> None:
    stage.hear("STOP")
    stage.now += timedelta(hours=1)

    asked = told(stage)

    assert questions() == []
    assert asked.question is None
    assert not ConsentEvent.objects.filter(kind="asked").exists()
    sound(stage.house.account)


def test_who_consented_need_not_be_asked(stage: Stage) -> None:
    asked_and_sent(stage)
    stage.now += timedelta(minutes=1)
    stage.hear("YES")
    stage.now += timedelta(hours=1)

    told(stage, replace(FORM, basis="express"))

    assert (state(), len(questions())) == ("opted_in", 1)


def test_a_stranger_is_asked_from_the_only_number(stage: Stage, twilio: Twilio) -> None:
    address = parse_address("+14155550199")

    asked = opt_in(account=stage.house.account, address=address, evidence=FORM, now=stage.now)

    assert asked.question is not None
    assert deliver(asked.question.message_id, now=stage.now) is not None
    assert twilio.requests_to_send()[0]["to"] == "+14155550199"
    assert ContactAddress.objects.filter(key="sms:+14155550199").exists()


def test_with_several_numbers_somebody_must_say_which_asks(stage: Stage) -> None:
    make_sender(stage.house.inbox, "+15550100002")
    address = parse_address("+14155550199")

    asked = opt_in(account=stage.house.account, address=address, evidence=FORM, now=stage.now)

    assert (asked.is_asked, asked.question) == (True, None)
    assert "which inbox" in asked.why_not_asked


def test_what_the_gate_forbids_is_not_asked_and_says_why(stage: Stage) -> None:
    whatsapp = make_sender(stage.house.inbox, "whatsapp:+15550100003")
    address = parse_address("whatsapp:+14155550199")

    asked = opt_in(
        account=stage.house.account, address=address, evidence=FORM, now=stage.now, sender=whatsapp
    )

    assert (asked.is_asked, asked.question) == (True, None)
    assert "template" in asked.why_not_asked
    kept = GateDecision.objects.get(purpose="consent_request")
    assert (kept.answer, kept.code) == ("block", "WA_WINDOW_CLOSED")


def test_each_programme_is_asked_about_by_itself(stage: Stage) -> None:
    named = programmes_from([("", "Reminders"), ("", "News")])
    settle_asking(stage.house.account, stage.house.sue, stage.now, confirms=True, programmes=named)

    asked_and_sent(stage, given=replace(FORM, programme="news"))
    stage.now += timedelta(minutes=1)
    stage.hear("yes")

    assert (state("news"), state()) == ("opted_in", "conversational")
    sound(stage.house.account)


def test_ten_forms_at_once_ask_once(
    transactional_db: None, client: Client, now: datetime, twilio: Twilio, house: House
) -> None:
    twilio.knows(house.sender)
    settle_asking(house.account, house.sue, now, confirms=True)
    stage = awake(Stage(house, client, now))

    results = at_once(lambda: told(stage), 10)

    assert len(results) == 10
    assert len(questions()) == 1
    assert ConsentQuestion.objects.count() == 1
    pk = questions()[0].pk
    outcomes = at_once(lambda: deliver(pk, now=stage.now), 6)
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert len(twilio.requests_to_send()) == 1
    sound(house.account)


def test_ten_yeses_at_once_confirm_once(
    transactional_db: None, client: Client, now: datetime, twilio: Twilio, house: House
) -> None:
    twilio.knows(house.sender)
    settle_asking(house.account, house.sue, now, confirms=True)
    stage = awake(Stage(house, client, now))
    asked_and_sent(stage)
    later = stage.now + timedelta(minutes=1)

    forms = [signed_form(house.sender, "YES") for _ in range(6)]
    with time_machine.travel(later, tick=False):
        at_once(lambda: forms.pop()(Client()), 6)
        # What the web process left to workers, they tell side by side.
        at_once(lambda: drain(later + timedelta(seconds=10)), 3)

    assert Message.objects.filter(body="YES").count() == 6
    confirmations = Message.objects.filter(purpose="optin_confirmation")
    assert (state(), confirmations.count()) == ("opted_in", 1)
    assert ConsentEvent.objects.filter(kind="opt_in").count() == 1
    sound(house.account)


def signed_form(sender: Sender, body: str) -> Callable[[Client], object]:
    """Return a webhook of Maria's message, to be posted."""
    form = inbound_form(sender, MARIA, body)
    path, token = f"/hooks/twilio/{sender.path_token}", sender.twilio_account.auth_token
    return lambda client: post_signed(client, path, form, token)


def drain(now: datetime) -> None:
    """Tell every story that is due."""
    while process_next(now=now):
        pass


def at_once(do: Callable[[], T], count: int) -> list[T]:
    """Do something in several threads at the same moment."""
    ready = threading.Barrier(count)

    def one() -> T:
        try:
            ready.wait(timeout=30)
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(one) for _ in range(count)]]
