"""How far does an opt-out reach, as the account settled it on the day of the opt-out?"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.evidence import EventKind, Evidence, OptOutScope, Source
from compliance.gate import Purpose, Reason
from compliance.models import Consent, ConsentEvent
from compliance.verifying import verify_account
from inbox.carrier import ErrorKind, Rejected
from inbox.models import ConsentReview, Message, Sender
from inbox.opting_in import opt_in
from inbox.opting_out import opt_out
from inbox.reviewing import decide, heed_next
from inbox.said_elsewhere import lift_noted, note_opt_out
from inbox.sending import Wanted, settle, verdict_on
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.flows.test_double_opt_in import FORM, settle_asking
from tests.flows.test_imports import run
from tests.flows.test_together import MARIA, Stage
from tests.twilio import text_in

ON_WHATSAPP = f"whatsapp:{MARIA}"


class Two(Stage):
    """Maria writes by SMS and by WhatsApp."""

    def __init__(self, house: House, client: Client, now: datetime) -> None:
        super().__init__(house, client, now)
        self.whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")

    def by_whatsapp(self, body: str) -> Message:
        """Let Maria write by WhatsApp, a minute later."""
        return self._say(self.whatsapp, ON_WHATSAPP, body)

    def by_sms(self, body: str) -> Message:
        """Let Maria write by SMS, a minute later."""
        return self._say(self.house.sender, MARIA, body)

    def _say(self, sender: Sender, customer: str, body: str) -> Message:
        self.now += timedelta(minutes=1)
        with time_machine.travel(self.now, tick=False):
            return text_in(self.client, sender, customer, body)

    def reaches(self, scope: OptOutScope) -> None:
        """Let the account settle how far opt-outs reach from now on."""
        self.now += timedelta(minutes=1)
        settle_asking(self.house.account, self.house.sue, self.now, scope=scope)

    @property
    def states(self) -> tuple[str, str]:
        """Return where she stands by SMS and by WhatsApp."""
        found = dict(Consent.objects.values_list("family", "state"))
        return found.get("sms", ""), found.get("whatsapp", "")

    def whole(self) -> None:
        """See that the ledger holds and replaying it gives what stands."""
        assert list(differences(self.house.account.pk)) == []
        assert verify_account(self.house.account.pk).broken is None


@pytest.fixture
def two(house: House, client: Client, now: datetime) -> Two:
    stage = Two(house, client, now)
    stage.by_whatsapp("Hello")
    return stage


def _scopes() -> list[tuple[str, str, str]]:
    rows = ConsentEvent.objects.filter(kind__in=["opt_out", "carrier_block"]).order_by("seq")
    return list(rows.values_list("family", "source", "scope"))


def test_by_itself_an_opt_out_counts_for_its_channel(two: Two) -> None:
    two.by_sms("STOP")

    assert two.states == ("opted_out", "conversational")
    assert _scopes() == [("sms", "inbound_keyword", "")]


def test_where_it_is_settled_so_it_counts_for_every_channel(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    waiting = two.reply(two.house.alice)

    two.by_whatsapp("stop")

    waiting.refresh_from_db()
    assert two.states == ("opted_out", "opted_out")
    assert (waiting.status, waiting.error_code) == ("canceled", "OPTED_OUT")
    assert _scopes() == [("whatsapp", "inbound_keyword", "every"), ("sms", "linked", "every")]
    wanted = Wanted(Purpose.NOTIFICATION, None, two.now)
    assert verdict_on(two.row.thread, wanted, now=two.now).reason is Reason.OPTED_OUT
    assert Message.objects.filter(purpose="optout_confirmation").count() == 1
    two.whole()


def test_it_reaches_a_channel_on_which_they_never_wrote(
    house: House, client: Client, now: datetime
) -> None:
    stage = Two(house, client, now)
    stage.reaches(OptOutScope.EVERY)
    stage.by_sms("STOP")

    arrived = stage.by_whatsapp("Is it ready?")

    assert stage.states == ("opted_out", "opted_out")
    notice = Wanted(Purpose.NOTIFICATION, None, stage.now)
    assert verdict_on(arrived.thread, notice, now=stage.now).reason is Reason.OPTED_OUT
    answer = Wanted(Purpose.REPLY, stage.house.alice, stage.now)
    assert verdict_on(arrived.thread, answer, now=stage.now).is_allowed, "they asked again"
    stage.whole()


@pytest.mark.parametrize("scope", OptOutScope)
def test_what_is_settled_later_rewrites_nothing(two: Two, scope: OptOutScope) -> None:
    other = next(one for one in OptOutScope if one is not scope)
    two.reaches(scope)
    two.by_sms("STOP")
    before, scopes = two.states, _scopes()

    two.reaches(other)

    assert (two.states, _scopes()) == (before, scopes)
    two.whole()


@pytest.mark.parametrize("then", OptOutScope)
def test_start_takes_back_what_that_stop_did_everywhere(two: Two, then: OptOutScope) -> None:
    two.reaches(OptOutScope.EVERY)
    two.by_sms("STOP")
    two.reaches(then)

    two.by_sms("START")

    assert two.states == ("conversational", "conversational")
    two.whole()


def test_start_leaves_what_they_said_on_the_other_channel_themselves(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    two.by_sms("STOP")
    two.by_whatsapp("STOP")

    two.by_sms("START")

    assert two.states == ("conversational", "opted_out")
    two.whole()


def test_start_on_the_other_channel_is_narrow(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    two.by_sms("STOP")

    two.by_whatsapp("START")

    assert two.states == ("opted_out", "conversational")
    two.whole()


def test_an_opt_out_of_each_channel_by_itself_is_lifted_by_itself(two: Two) -> None:
    two.by_sms("STOP")
    two.by_whatsapp("STOP")

    two.by_sms("START")

    assert two.states == ("conversational", "opted_out")


def _by_link(two: Two) -> None:
    opt_out(
        account_id=two.house.account.pk,
        address=parse_address(MARIA),
        evidence=Evidence(EventKind.OPT_OUT, Source.LINK),
        now=two.now,
    )


def _by_an_agent(two: Two) -> None:
    two.do(note_opt_out, two.house.alice, way="phone", note="")


def _by_words(two: Two) -> None:
    two.by_sms("please stop texting me")


def _by_a_decision(two: Two) -> None:
    two.by_sms("leave it now, enough")
    review = ConsentReview.objects.get(kind="held")
    assert two.states == ("held", "conversational"), "a doubt is of one channel"
    by = two.viewer(two.house.alice)
    decide(review=review, by=by, user=two.house.alice, is_stop=True, reason="", now=two.now)


@pytest.mark.parametrize("say", [_by_link, _by_an_agent, _by_words, _by_a_decision])
def test_it_holds_however_they_say_it(two: Two, say: Callable[[Two], None]) -> None:
    two.reaches(OptOutScope.EVERY)
    two.now += timedelta(minutes=1)

    say(two)

    assert two.states == ("opted_out", "opted_out")
    assert {scope for _, _, scope in _scopes()} == {"every"}
    two.whole()


@pytest.mark.parametrize("then", OptOutScope)
def test_what_was_noted_in_error_is_taken_back_everywhere(two: Two, then: OptOutScope) -> None:
    two.reaches(OptOutScope.EVERY)
    two.now += timedelta(minutes=1)
    _by_an_agent(two)
    two.reaches(then)

    two.do(lift_noted, two.house.alice, reason="It was somebody else")

    assert two.states == ("conversational", "conversational")
    two.whole()


def test_undoing_words_that_were_misread_undoes_them_everywhere(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    _by_words(two)
    review = ConsentReview.objects.get(kind="read")
    by = two.viewer(two.house.alice)
    two.now += timedelta(minutes=1)

    decide(review=review, by=by, user=two.house.alice, is_stop=False, reason="No", now=two.now)

    assert two.states == ("conversational", "conversational")
    two.whole()


def test_a_refusal_of_the_carrier_reaches_as_far(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    reply = two.reply(two.house.alice)

    settle(reply.pk, Rejected(ErrorKind.CONSENT, "21610", "They opted out."), now=two.now)

    assert two.states == ("opted_out", "opted_out")
    assert _scopes() == [("sms", "provider_21610", "every"), ("whatsapp", "linked", "every")]
    two.whole()


def test_a_doubt_that_nobody_decides_reaches_as_far(two: Two) -> None:
    two.reaches(OptOutScope.EVERY)
    two.by_sms("leave it now, enough")
    assert two.states == ("held", "conversational")

    end = ConsentReview.objects.get(kind="held").ends_at
    while heed_next(now=end):
        pass

    assert two.states == ("opted_out", "opted_out")
    two.whole()


def test_it_ends_what_was_asked_on_another_channel(two: Two) -> None:
    settle_asking(two.house.account, two.house.sue, two.now, confirms=True, scope=OptOutScope.EVERY)
    asked = opt_in(
        account=two.house.account,
        address=parse_address(MARIA),
        evidence=FORM,
        now=two.now,
        sender=two.house.sender,
    )
    assert asked.question is not None

    two.by_whatsapp("STOP")

    asked.question.refresh_from_db()
    asked.question.message.refresh_from_db()
    assert (asked.question.outcome, asked.question.message.status) == ("out", "canceled")
    assert two.states == ("opted_out", "opted_out")
    two.whole()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scope", [OptOutScope.EVERY, OptOutScope.FAMILY])
def test_a_file_of_opt_outs_reaches_as_far(
    house: House, client: Client, now: datetime, scope: OptOutScope
) -> None:
    two = Two(house, client, now)
    two.by_whatsapp("Hello")
    two.reaches(scope)
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)

    # Maria is a contact, the other is nobody's.
    run(house, ada, f"phone\n{MARIA}\n+14155550177\n", now=two.now)

    out = set(Consent.objects.filter(state="opted_out").values_list("address", flat=True))
    numbers = {f"sms:{MARIA}", "sms:+14155550177"}
    is_all = scope is OptOutScope.EVERY
    assert out == numbers | (
        {key.replace("sms:", "whatsapp:") for key in numbers} if is_all else set()
    )
    assert {row[2] for row in _scopes()} == ({"every"} if is_all else {""})
    two.whole()
