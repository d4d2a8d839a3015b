"""Which automatic reply is sent, and when is none? Behaviour 5 as tables and properties."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.deciding import Plan
from routing.facts import Answer, Customer, Facts
from routing.facts import Text as Written
from routing.hours import NEVER_OPEN, Calendar, Opening, SpecialDay
from routing.replies import (
    ECHO,
    REPETITION,
    AfterHoursReply,
    Considered,
    FirstMessageReply,
    FirstWhen,
    History,
    KeywordReply,
    Replies,
    Reply,
    ReplyKind,
    RuleReply,
    Said,
    Silence,
    StillWaitingReply,
    choose,
    mentions,
    remind,
    reply_problems,
    wanted,
    why_silent,
)
from routing.rules import Condition, Group
from routing.texts import Text
from routing.wording import Variant

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
OFFICE = Calendar("UTC", ((Opening(9 * 60, 17 * 60),),) * 7)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def words(text: str) -> tuple[Variant, ...]:
    return (Variant(Text.parse(text), "en"),)


PRICES = KeywordReply("prices", words("See our prices"), phrases=("price", "how much"))
HOURS = KeywordReply("hours", words("We open at nine"), phrases=("open", "price list"))
EVERYTHING = Replies(
    keyword=(PRICES, HOURS),
    after_hours=AfterHoursReply(words("We are closed"), words("Happy holidays")),
    first_message=FirstMessageReply(words("Welcome")),
    still_waiting=StillWaitingReply(words("Soon")),
    bot_name="Robin",
)
FIRST = History("c1", NOW, is_new_conversation=True)


def message(body: str = "hello", calendar: Calendar = OFFICE, **customer: Any) -> Facts:
    return Facts("m1", text=Written(body), customer=Customer(**customer), calendar=calendar)


def answer(
    facts: Facts | None = None,
    replies: Replies = EVERYTHING,
    rule: RuleReply | None = None,
    history: History = FIRST,
    now: datetime = NOW,
) -> Reply | Silence:
    return choose(facts or message(), replies, rule, history, now=now)


def text_of(verdict: Reply | Silence) -> str:
    return verdict.text if isinstance(verdict, Reply) else ""


RULE = RuleReply("VIP", words("Hello VIP"), bot_name="Vera")
OPEN = Calendar.always()


@pytest.mark.parametrize(
    ("facts", "rule", "kind", "text"),
    [
        (message("what is the price"), RULE, ReplyKind.RULE, "Hello VIP"),
        (message("what is the price"), None, ReplyKind.KEYWORD, "See our prices"),
        (message("the price list, are you open"), None, ReplyKind.KEYWORD, "See our prices"),
        (message("are you open"), None, ReplyKind.KEYWORD, "We open at nine"),
        (message("hello"), None, ReplyKind.AFTER_HOURS, "We are closed"),
        (message("hello", OPEN), None, ReplyKind.FIRST_MESSAGE, "Welcome"),
    ],
)
def test_the_first_that_applies_wins(
    facts: Facts, rule: RuleReply | None, kind: ReplyKind, text: str
) -> None:
    verdict = answer(facts, rule=rule)

    assert isinstance(verdict, Reply)
    assert (verdict.kind, verdict.text) == (kind, text)
    assert verdict.bot_name == ("Vera" if rule else "Robin")
    assert verdict.trace[-1].outcome == "said"


def test_the_trace_says_what_was_considered_and_why_not() -> None:
    verdict = answer(message("hello", OPEN))

    assert [(one.kind.value, one.name, one.outcome) for one in verdict.trace] == [
        ("keyword", "prices", "the message does not ask for it"),
        ("keyword", "hours", "the message does not ask for it"),
        ("after_hours", "", "it was open"),
        ("first_message", "", "said"),
    ]


def test_what_is_off_is_not_said_and_the_trace_says_so() -> None:
    assert EVERYTHING.after_hours
    assert EVERYTHING.first_message
    assert EVERYTHING.still_waiting
    off = replace(
        EVERYTHING,
        keyword=(replace(PRICES, is_on=False),),
        after_hours=replace(EVERYTHING.after_hours, is_on=False),
        first_message=replace(EVERYTHING.first_message, is_on=False),
        still_waiting=replace(EVERYTHING.still_waiting, is_on=False),
    )

    verdict = answer(message("what is the price"), off)

    assert isinstance(verdict, Silence)
    assert {one.outcome for one in verdict.trace} == {"it is off"}
    assert isinstance(remind(message(), off, FIRST, now=NOW), Silence)


def test_a_rule_may_ask_for_silence() -> None:
    verdict = answer(message("price"), rule=RuleReply("quiet", is_silent=True))

    assert isinstance(verdict, Silence)
    assert verdict.reason == "the rule asks for silence"


def test_a_reply_without_text_leaves_the_word_to_the_next() -> None:
    empty = replace(EVERYTHING, after_hours=AfterHoursReply(words("{{contact.name}}")))

    verdict = answer(replies=empty)

    assert text_of(verdict) == "Welcome"
    assert verdict.trace[-2].outcome == "it has no text"


def test_an_inbox_without_replies_is_silent() -> None:
    verdict = answer(replies=Replies())

    assert verdict == Silence("no automatic reply applies")


def test_a_condition_may_stand_for_phrases() -> None:
    sms = Group(parts=(Condition("channel", "is_any", ("sms",)),))
    by_sms = Replies(keyword=(KeywordReply("sms", words("Write more"), condition=sms),))

    assert text_of(answer(replies=by_sms)) == "Write more"
    assert text_of(answer(replace(message(), channel="whatsapp"), by_sms)) == ""


def test_a_condition_that_hangs_on_something_unknown_asks_for_nothing() -> None:
    premium = Group(parts=(Condition("crm", "equals", "gold", name="hubspot.tier"),))
    replies = Replies(keyword=(KeywordReply("vip", words("Hello VIP"), condition=premium),))

    assert text_of(answer(replies=replies)) == ""


GOLD = Group(parts=(Condition("crm", "equals", "gold", name="hubspot.tier"),))
SHOP = words("Hello {{crm.shop.tier|there}}")
ASKS = KeywordReply("vip", words("Hello VIP"), condition=GOLD)
GREETS = FirstMessageReply(SHOP)


@pytest.mark.parametrize(
    ("replies", "rule", "history", "names"),
    [
        (Replies(first_message=GREETS), None, FIRST, {"shop"}),
        (Replies((ASKS,), first_message=GREETS), None, FIRST, {"hubspot", "shop"}),
        (Replies((replace(ASKS, phrases=("hello",)),), first_message=GREETS), None, FIRST, set()),
        (Replies((replace(ASKS, is_on=False),)), None, FIRST, set()),
        (Replies(first_message=replace(GREETS, is_on=False)), None, FIRST, set()),
        (Replies(first_message=GREETS), RuleReply("r", words("Hi")), FIRST, set()),
        (Replies(), RuleReply("r", SHOP), FIRST, {"shop"}),
        (Replies(first_message=GREETS), RuleReply("r", is_silent=True), FIRST, set()),
        (Replies(first_message=GREETS), None, replace(FIRST, is_answered=True), set()),
        (Replies(first_message=GREETS), None, replace(FIRST, is_new_conversation=False), set()),
    ],
)
def test_a_crm_is_wanted_only_for_what_may_be_said(
    replies: Replies, rule: RuleReply | None, history: History, names: set[str]
) -> None:
    assert wanted(message(), replies, rule, history, now=NOW) == names
    asked = replace(message(), answers={"shop": Answer(), "hubspot": Answer(failure="away")})
    assert wanted(asked, replies, rule, history, now=NOW) == set()


def test_a_condition_that_breaks_is_passed_over() -> None:
    broken = Group(parts=(Condition("text", "matches", "("),))
    replies = replace(EVERYTHING, keyword=(KeywordReply("bad", words("x"), condition=broken),))

    verdict = answer(replies=replies)

    assert text_of(verdict) == "We are closed"
    assert verdict.trace[0].outcome == "it is broken: PatternError"


def test_what_the_plan_of_the_rules_wants_said_is_said_first() -> None:
    plan = Plan(1, "r1", reply={"en": "Hi {{contact.name|you}}", "es": "Hola"}, bot_name="Vera")

    verdict = answer(message("price"), rule=RuleReply.of(plan))

    assert isinstance(verdict, Reply)
    assert (verdict.text, verdict.language, verdict.bot_name) == ("Hi you", "en", "Vera")
    assert verdict.trace == (Considered(ReplyKind.RULE, "r1", "said"),)


def test_what_a_data_action_answers_is_no_template() -> None:
    plan = Plan(1, "r1", reply={"": "You wrote {{contact.number|}}"})

    verdict = answer(message("price"), rule=RuleReply.of(plan))

    assert text_of(verdict) == "You wrote {{contact.number|}}"


def test_a_rule_without_words_may_name_who_speaks() -> None:
    verdict = answer(rule=RuleReply.of(Plan(1, "r1", bot_name="Vera")))

    assert isinstance(verdict, Reply)
    assert (verdict.kind, verdict.bot_name) == ("after_hours", "Vera")


def test_a_plan_may_ask_for_silence() -> None:
    assert isinstance(answer(rule=RuleReply.of(Plan(1, "r1", is_silent=True))), Silence)


def test_the_problems_of_all_texts_are_named() -> None:
    wrong = replace(
        EVERYTHING,
        keyword=(replace(PRICES, variants=words("{{contact.nam|}}")),),
        after_hours=AfterHoursReply(words("Closed"), words("{{contact.name}}")),
    )

    found = [(one.words.partition(":")[0], one.is_error) for one in reply_problems(wrong)]

    assert found == [("prices", True), ("Holidays", True)]
    assert reply_problems(EVERYTHING) == []


# --- Windows ---


@pytest.mark.parametrize(
    ("facts", "rule", "history", "window"),
    [
        (message(), RULE, FIRST, "m1"),
        (message("price"), None, FIRST, "m1"),
        (message(), None, FIRST, "since 2026-11-26T17:00:00Z"),
        (message(calendar=Calendar.never()), None, FIRST, "always"),
        (message(calendar=OPEN), None, FIRST, "c1"),
    ],
)
def test_each_reply_has_a_window(
    facts: Facts, rule: RuleReply | None, history: History, window: str
) -> None:
    verdict = answer(facts, rule=rule, history=history)

    assert isinstance(verdict, Reply)
    assert verdict.window_key == window


def test_all_messages_of_a_night_share_a_window_and_no_two_nights_do() -> None:
    replies = Replies(after_hours=EVERYTHING.after_hours)
    times = [NOW + n * HOUR for n in (0, 5, 12, 23, 24, 36)]
    verdicts = [answer(replies=replies, history=replace(FIRST, triggered_at=at)) for at in times]
    late = [answer(replies=replies, history=History("c1", at), now=at) for at in times]

    assert text_of(verdicts[0]) == "We are closed"
    assert [one.window_key if isinstance(one, Reply) else None for one in late] == [
        "since 2026-11-26T17:00:00Z",
        "since 2026-11-26T17:00:00Z",
        "since 2026-11-26T17:00:00Z",
        "since 2026-11-27T17:00:00Z",
        "since 2026-11-27T17:00:00Z",
        "since 2026-11-27T17:00:00Z",
    ]


def test_what_was_said_in_its_window_is_not_said_again() -> None:
    used = frozenset({("after_hours", "since 2026-11-26T17:00:00Z")})

    verdict = answer(history=replace(FIRST, used=used))

    assert text_of(verdict) == "Welcome"
    assert verdict.trace[-2].outcome == "it was said before"


@pytest.mark.parametrize(("hours_ago", "is_said"), [(2, False), (4, True)])
def test_a_night_stays_the_same_when_its_hours_are_changed(hours_ago: int, is_said: bool) -> None:
    """It closed at 17:00, three hours ago; when it was said, that night had another name."""
    used = frozenset({("after_hours", "since 2026-11-26T17:30:00Z")})
    said_at = NOW - hours_ago * HOUR

    verdict = answer(history=replace(FIRST, used=used, closed_words_at=said_at))

    assert (text_of(verdict) == "We are closed") is is_said


@pytest.mark.parametrize(
    ("calendar", "text"),
    [
        (Calendar("UTC", OFFICE.week, special_days=(SpecialDay(NOW.date(), "Fair"),)), "holiday"),
        (Calendar("UTC", NEVER_OPEN, country="US"), "holiday"),
        (Calendar("UTC", OFFICE.week), "closed"),
        # A special day without a name is only closed; one with hours is no holiday.
        (Calendar("UTC", OFFICE.week, special_days=(SpecialDay(NOW.date()),)), "closed"),
        (
            Calendar(
                "UTC",
                NEVER_OPEN,
                special_days=(SpecialDay(NOW.date(), "Sale", (Opening(0, 60),)),),
            ),
            "closed",
        ),
        # In Auckland it is already Friday.
        (Calendar("Pacific/Auckland", NEVER_OPEN, country="US"), "closed"),
    ],
)
def test_a_holiday_has_words_of_its_own(calendar: Calendar, text: str) -> None:
    assert NOW.date() == date(2026, 11, 26), "Thanksgiving"
    expected = {"holiday": "Happy holidays", "closed": "We are closed"}[text]

    assert text_of(answer(message(calendar=calendar))) == expected


def test_without_words_for_holidays_the_usual_ones_are_said() -> None:
    replies = Replies(after_hours=AfterHoursReply(words("We are closed")))

    assert text_of(answer(message(calendar=Calendar("UTC", NEVER_OPEN, country="US")), replies))


LONG_AGO, RECENT = NOW - 25 * HOUR, NOW - 23 * HOUR


@pytest.mark.parametrize(
    ("when", "is_first_ever", "is_new", "last_wrote_at", "window"),
    [
        (FirstWhen.EVER, True, True, None, "ever"),
        (FirstWhen.EVER, False, True, LONG_AGO, None),
        (FirstWhen.PER_CONVERSATION, False, True, RECENT, "c1"),
        (FirstWhen.PER_CONVERSATION, True, False, None, None),
        (FirstWhen.AFTER_SILENCE, True, True, None, "ever"),
        (FirstWhen.AFTER_SILENCE, False, False, LONG_AGO, f"silent since {LONG_AGO.isoformat()}"),
        (FirstWhen.AFTER_SILENCE, False, True, RECENT, None),
    ],
)
def test_the_greeting_knows_which_message_is_a_first_one(
    when: FirstWhen, is_first_ever: bool, is_new: bool, last_wrote_at: datetime, window: str | None
) -> None:
    facts = message(calendar=OPEN, is_first_ever=is_first_ever, last_wrote_at=last_wrote_at)
    replies = Replies(first_message=FirstMessageReply(words("Welcome"), when))

    verdict = answer(facts, replies, history=replace(FIRST, is_new_conversation=is_new))

    assert (verdict.window_key if isinstance(verdict, Reply) else None) == window


def test_no_window_is_longer_than_its_column() -> None:
    facts = message(calendar=OPEN, is_first_ever=False, last_wrote_at=LONG_AGO)
    replies = Replies(first_message=FirstMessageReply(words("Hi"), FirstWhen.AFTER_SILENCE))

    verdict = answer(facts, replies)

    assert isinstance(verdict, Reply)
    assert len(verdict.window_key) <= 80
    assert all(len(kind) <= 20 for kind in ReplyKind)


# --- Still waiting ---


def test_who_waits_is_told_so_once_per_wait() -> None:
    due = History("c1", NOW, wait_generation=3, inbound=(NOW - SECOND,))

    verdict = remind(message(), EVERYTHING, due, now=NOW)

    assert isinstance(verdict, Reply)
    assert (verdict.kind, verdict.window_key, verdict.text) == ("still_waiting", "c1:3", "Soon")
    used = replace(due, used=frozenset({("still_waiting", "c1:3")}))
    assert remind(message(), EVERYTHING, used, now=NOW).trace[-1].outcome == "it was said before"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_answered": True}, "a person has answered"),
        ({"is_closed": True}, "the conversation was closed"),
        ({"said": (Said(NOW - 50 * SECOND, "Hi"),)}, "answered by itself a minute ago"),
        ({"triggered_at": NOW - 16 * MINUTE}, "message is not fresh"),
    ],
)
def test_guards_hold_for_timers_too(change: dict[str, Any], reason: str) -> None:
    verdict = remind(message(), EVERYTHING, replace(FIRST, **change), now=NOW)

    assert isinstance(verdict, Silence)
    assert verdict.reason == reason


def test_a_message_never_makes_the_timers_reply() -> None:
    only = Replies(still_waiting=EVERYTHING.still_waiting)

    assert isinstance(answer(replies=only), Silence)


# --- Guards ---


def said(*ago: timedelta, text: str = "An old text") -> tuple[Said, ...]:
    return tuple(Said(NOW - one, text) for one in ago)


FAILING: list[tuple[dict[str, Any], str]] = [
    ({"is_answered": True}, "a person has answered"),
    ({"is_closed": True}, "the conversation was closed"),
    ({"is_repliable": False}, "sender cannot receive replies"),
    ({"is_own_sender": True}, "message came from one of our own numbers"),
    ({"is_machine": True}, "sender is a machine"),
    ({"is_reconciled": True}, "message was found late in the carrier's list"),
    ({"has_notice": True}, "the consent notice is the answer"),
    ({"refusal": "opted out"}, "may not be sent: opted out"),
    ({"triggered_at": NOW - 15 * MINUTE - SECOND}, "message is not fresh"),
    ({"inbound": (NOW - 10 * SECOND,)}, "part of a burst"),
    ({"inbound": (NOW + 10 * SECOND,)}, "part of a burst"),
    ({"inbound": (NOW,)}, "part of a burst"),
    ({"said": said(59 * SECOND)}, "answered by itself a minute ago"),
    ({"said": said(-SECOND)}, "answered by itself a minute ago"),
    ({"said": said(HOUR, 2 * HOUR, 23 * HOUR)}, "answered by itself three times today"),
    ({"said": said(HOUR, text="we are  CLOSED ")}, REPETITION),
    ({"said": said(HOUR, text=" Hello\n")}, ECHO),
]


@pytest.mark.parametrize(("change", "reason"), FAILING)
def test_a_guard_that_fails_means_silence(change: dict[str, Any], reason: str) -> None:
    verdict = answer(history=replace(FIRST, **change))

    assert isinstance(verdict, Silence)
    assert verdict.reason == reason
    assert verdict.trace[-1].outcome == reason
    assert verdict.is_loop == (reason in (ECHO, REPETITION))


@pytest.mark.parametrize(
    "change",
    [
        {"triggered_at": NOW - 15 * MINUTE},
        {"inbound": (NOW - 11 * SECOND, NOW + 11 * SECOND)},
        {"said": said(60 * SECOND)},
        {"said": said(HOUR, 2 * HOUR)},
        {"said": said(HOUR, 2 * HOUR, 24 * HOUR)},
        {"said": (*said(HOUR), *said(2 * HOUR, text="We are closed"))},
    ],
)
def test_a_guard_that_just_holds_lets_it_pass(change: dict[str, Any]) -> None:
    assert text_of(answer(history=replace(FIRST, **change))) == "We are closed"


def test_a_message_without_words_is_no_echo() -> None:
    nothing = Reply(ReplyKind.RULE, "m1", "", "en", "Robin")

    assert why_silent(replace(FIRST, said=said(HOUR, text="")), nothing, body="", now=NOW) == ""


@pytest.mark.parametrize(
    ("kind", "window", "has_person_since", "is_said"),
    [
        # The next night is answered in the same words, the same night is not.
        ("after_hours", "since 2026-11-25T17:00:00Z", False, True),
        ("after_hours", "since 2026-11-26T17:00:00Z", False, False),
        ("keyword", "m0", False, False),
        # Who spoke in between is no machine.
        ("keyword", "m0", True, True),
    ],
)
def test_the_same_words_are_said_again_where_no_machine_would(
    kind: str, window: str, has_person_since: bool, is_said: bool
) -> None:
    before = Said(NOW - 22 * HOUR, "We are closed", kind, window)
    history = replace(FIRST, said=(before,), has_person_since=has_person_since)

    verdict = answer(history=history)

    assert (text_of(verdict) == "We are closed") is is_said
    assert getattr(verdict, "is_loop", False) is not is_said


def test_a_keyword_asked_for_again_in_another_message_is_a_loop_unless_a_person_spoke() -> None:
    history = replace(FIRST, said=(Said(NOW - HOUR, "See our prices", "keyword", "m0"),))

    assert text_of(answer(message("price"), history=history)) == ""
    spoken = replace(history, has_person_since=True)
    assert text_of(answer(message("price"), history=spoken)) == "See our prices"


# --- Phrases ---


@pytest.mark.parametrize(
    ("body", "phrases", "is_found"),
    [
        ("What is the PRICE?", ["price"], True),
        ("prices please", ["price"], False),
        ("how  much\nis it", ["how much"], True),
        ("how is it, much better", ["how much"], False),
        ("¿Cuánto cuesta?", ["cuanto cuesta"], True),
        ("Straße", ["STRASSE"], True),
        ("Cafe\u0301", ["café"], True),
        ("price", ["", " ", "?!"], False),
        ("", ["price"], False),
        ("请问营业时间是什么时候", ["营业时间"], True),
        ("何時に開きますか", ["開きます"], True),
        ("ร้านเปิดกี่โมง", ["เปิด"], True),
        ("영업 시간", ["시간"], True),
        ("x" * 12_000 + " price", ["price"], False),
        ("price", [], False),
    ],
)
def test_phrases_are_found_as_people_write_them(
    body: str, phrases: list[str], is_found: bool
) -> None:
    assert mentions(body, phrases) is is_found


# --- Properties ---

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MOMENTS = st.integers(-3600, 30 * 3600).map(lambda seconds: NOW - timedelta(seconds=seconds))
REPLIES = st.sampled_from(
    [
        EVERYTHING,
        replace(EVERYTHING, after_hours=None),
        replace(EVERYTHING, keyword=(), after_hours=None),
        Replies(keyword=(HOURS,)),
    ]
)
BODIES = st.sampled_from(["hello", "price", "are you open", "We are closed", "Welcome", ""])
RULES = st.sampled_from([None, RULE, RuleReply("quiet", is_silent=True)])
HISTORIES = st.builds(
    History,
    st.just("c1"),
    MOMENTS,
    is_new_conversation=st.booleans(),
    inbound=st.lists(MOMENTS, max_size=3).map(tuple),
    said=st.lists(
        st.builds(Said, MOMENTS, st.sampled_from(["Welcome", "We are closed", "Soon"])), max_size=4
    ).map(tuple),
    is_answered=st.booleans(),
    is_closed=st.booleans(),
    is_repliable=st.booleans(),
    is_own_sender=st.booleans(),
    is_machine=st.booleans(),
    is_reconciled=st.booleans(),
    has_notice=st.booleans(),
    refusal=st.sampled_from(["", "opted out"]),
)


@SLOW
@given(BODIES, REPLIES, RULES, HISTORIES)
def test_nothing_is_said_when_a_guard_fails(
    body: str, replies: Replies, rule: RuleReply | None, history: History
) -> None:
    verdict = answer(message(body), replies, rule, history)

    if isinstance(verdict, Reply):
        assert why_silent(history, verdict, body=body, now=NOW) == ""
        assert not any((history.is_answered, history.is_closed, history.is_machine))
        assert not any((history.is_own_sender, history.is_reconciled, history.has_notice))
        assert history.is_repliable
        assert not history.refusal
        assert all(NOW - one.at >= MINUTE for one in history.said)
        assert all(abs(history.triggered_at - at) > 10 * SECOND for at in history.inbound)
        assert sum(NOW - one.at < 24 * HOUR for one in history.said) < 3
    else:
        assert verdict.reason


@SLOW
@given(
    st.sampled_from([change for change, reason in FAILING if reason != REPETITION]),
    HISTORIES,
    REPLIES,
)
def test_one_failing_guard_is_enough(
    change: dict[str, Any], history: History, replies: Replies
) -> None:
    around = {"triggered_at": NOW, "said": (), **change}

    assert isinstance(answer(history=replace(history, **around), replies=replies), Silence)


@SLOW
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
    BODIES,
    REPLIES,
    st.sampled_from([None, RULE]),
)
def test_a_burst_gets_at_most_one_answer_in_whatever_order_it_is_told(
    offsets: list[int], random: Any, body: str, replies: Replies, rule: RuleReply | None
) -> None:
    """Messages of one thread come within five minutes; the thread is locked for each in turn."""
    arrivals = [NOW + timedelta(seconds=one) for one in offsets]
    told = list(arrivals)
    random.shuffle(told)
    answered: list[tuple[datetime, datetime]] = []
    history = History("c1", NOW, is_new_conversation=True)
    clock = NOW
    for at in told:
        clock = max(clock, at)
        verdict = answer(message(body), replies, rule, replace(history, triggered_at=at), now=clock)
        if isinstance(verdict, Reply):
            answered.append((at, clock))
            history = replace(
                history,
                said=(*history.said, Said(clock, verdict.text)),
                used=history.used | {(verdict.kind.value, verdict.window_key)},
            )
        history = replace(history, inbound=(*history.inbound, at), is_new_conversation=False)

    for one, said_at in answered:
        others = [other for other in answered if other != (one, said_at)]
        assert all(abs(other - one) > 10 * SECOND for other, _ in others)
        assert all(abs(when - said_at) >= MINUTE for _, when in others)
    assert len(answered) <= 3


def test_a_storm_of_fifty_messages_in_ten_seconds_gets_one_answer() -> None:
    history, replies = FIRST, 0
    for n in range(50):
        at = NOW + n * SECOND / 5
        verdict = answer(message("price"), history=replace(history, triggered_at=at), now=at)
        if isinstance(verdict, Reply):
            replies += 1
            history = replace(history, said=(*history.said, Said(at, verdict.text)))
        history = replace(history, inbound=(*history.inbound, at))

    assert replies == 1


def test_two_machines_that_answer_each_other_stop_after_three() -> None:
    """Each of them answers the other's every message, minutes apart, for a day."""
    greetings = [KeywordReply(str(n), words(f"Thanks {n}"), phrases=(str(n),)) for n in range(90)]
    replies = Replies(keyword=tuple(greetings))
    history, answers = FIRST, 0
    for n in range(90):
        at = NOW + n * 15 * MINUTE
        facts = replace(message(f"Thanks {n}"), seed=f"m{n}")
        verdict = answer(facts, replies, history=replace(history, triggered_at=at), now=at)
        if isinstance(verdict, Reply):
            answers += 1
            history = replace(history, said=(*history.said, Said(at, verdict.text)))

    assert answers == 3
