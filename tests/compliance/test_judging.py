"""Does the gate answer what its truth table says? Every rule, every purpose, every worked case."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.gate import Reason
from compliance.judging import (
    RULES,
    Answer,
    Case,
    Consent,
    Draft,
    Level,
    Mark,
    Policy,
    Purpose,
    Recipient,
    SenderKind,
    Template,
    judge,
    purpose_of,
)
from compliance.jurisdictions import shipped_pack
from compliance.state_machine import ConsentState as State
from compliance.windows import read_window

NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # Tuesday, 12:00 in New York
AGO = timedelta(minutes=2)
NEW_YORK = ZoneInfo("America/New_York")
MARKETING, UTILITY = Template("MARKETING"), Template("UTILITY")


def recipient(*codes: str, zone: ZoneInfo = NEW_YORK, **known: Any) -> Recipient:
    country = codes[0].partition("-")[0]
    made = Recipient(
        country=country,
        country_name=country,
        rules=shipped_pack().rules_for(codes),
        zones=(zone,),
        consent=Consent(State.OPTED_IN, level=Level.WRITTEN),
        last_inbound_at=NOON - AGO,
        last_words_at=NOON - AGO,
    )
    return replace(made, **known)


def case(purpose: Purpose, to: Recipient | None = None, **said: Any) -> Case:
    draft = Draft(purpose, requested_at=NOON - AGO, says_how_to_stop=True)
    sender = SenderKind.LONG_CODE
    return Case(replace(draft, **said), to or recipient("US", "US-*"), sender)


def whatsapp(purpose: Purpose, to: Recipient | None = None, **said: Any) -> Case:
    return replace(case(purpose, to, **said), sender=SenderKind.WHATSAPP)


def person(**known: Any) -> Callable[[Case], Case]:
    return lambda one: replace(one, to=replace(one.to, **known))


def draft(**said: Any) -> Callable[[Case], Case]:
    return lambda one: replace(one, draft=replace(one.draft, **said))


def consent(state: State, **known: Any) -> Callable[[Case], Case]:
    return person(consent=Consent(state, since=NOON - timedelta(hours=1), **known))


def over_whatsapp(*changes: Callable[[Case], Case]) -> Callable[[Case], Case]:
    def change(one: Case) -> Case:
        one = replace(one, sender=SenderKind.WHATSAPP)
        for each in changes:
            one = each(one)
        return one

    return change


def at_least(**known: Any) -> Callable[[Case], Case]:
    return lambda one: replace(one, policy=Policy(**known))


def sent_from(kind: SenderKind, *codes: str) -> Callable[[Case], Case]:
    def change(one: Case) -> Case:
        to = one.to
        if codes:
            to = replace(to, rules=shipped_pack().rules_for(codes), country=codes[0])
        return replace(one, sender=kind, to=to)

    return change


def in_singapore(*, days: int | None) -> Callable[[Case], Case]:
    """Consent that does not suffice there, and a register that was asked so many days ago."""

    def change(one: Case) -> Case:
        checked = NOON - timedelta(days=days) if days else None
        known = Consent(State.OPTED_IN, level=Level.EXPRESS, register_checked_at=checked)
        return person(consent=known)(sent_from(SenderKind.LONG_CODE, "SG")(one))

    return change


NEVER = read_window("mon-sun=none")
COLUMNS = (
    Purpose.REPLY,
    Purpose.AUTO_REPLY,
    Purpose.NOTIFICATION,
    Purpose.PROMOTIONAL,
    Purpose.OPT_OUT_CONFIRMATION,
    Purpose.HELP_REPLY,
)
LONG_AGO = timedelta(days=31)
QUIET = timedelta(hours=9, minutes=30)  # 21:30 in New York
# A row of the table: the code, what is so, and what the columns say: Block, Allow, aSk, Defer.
TABLE = [
    ("BAD_INPUT", draft(problem="'+12' is not a phone number"), "BBBBBB"),
    ("CONTACT_ERASED", person(is_erased=True), "BBBBBB"),
    ("ALREADY_CONFIRMED", draft(was_confirmed=True), "AAAABA"),
    ("PROVIDER_REPLIED", draft(is_confirmed_by="Twilio"), "AAAABA"),
    ("CONFIRMATION_LATE", draft(requested_at=NOON - timedelta(minutes=7)), "AAAABA"),
    ("DO_NOT_CONTACT", person(do_not_contact=Mark("Ada", NOON)), "BBBBAB"),
    ("PROVIDER_BLOCKED", person(blocked_by="Twilio"), "BBBBBB"),
    ("OPTED_OUT", consent(State.OPTED_OUT), "?BBBAA"),
    ("PENDING_REVIEW", consent(State.HELD, words="leave it"), "SBBBAA"),
    ("NUMBER_REASSIGNED", person(reassigned_at=NOON - timedelta(days=1)), "AABBAA"),
    ("NUMBER_REASSIGNED", person(reassigned_at=NOON), "BBBBAA"),
    (
        "WA_WINDOW_CLOSED",
        over_whatsapp(person(last_inbound_at=NOON - timedelta(hours=24, seconds=1))),
        "BBBBBB",
    ),
    (
        "WA_TEMPLATE_UNUSABLE",
        over_whatsapp(draft(template=Template("UTILITY", "Meta paused it."))),
        "BBBBAA",
    ),
    ("WA_TEMPLATE_CATEGORY", over_whatsapp(draft(template=UTILITY)), "AAABAA"),
    ("WA_TEMPLATE_CATEGORY", over_whatsapp(draft(template=Template("AUTHENTICATION"))), "BBABAA"),
    ("WA_MARKETING_US", over_whatsapp(draft(template=MARKETING)), "BBBBBB"),
    ("WA_MARKETING_STOPPED", over_whatsapp(person(has_stopped_marketing=True)), "AAABAA"),
    ("SENDER_NOT_ALLOWED", sent_from(SenderKind.NAME, "US"), "BBBBBB"),
    ("SENDER_NOT_ALLOWED", sent_from(SenderKind.MOBILE, "FR"), "BBBBBB"),
    ("SENDER_NOT_ALLOWED", sent_from(SenderKind.MOBILE, "MX"), "AAABAA"),
    ("SENDER_NOT_ALLOWED", sent_from(SenderKind.LONG_CODE, "BR"), "BBBBBB"),
    ("NO_CONVERSATION", person(last_inbound_at=None), "BBAAAA"),
    ("NO_CONVERSATION", person(last_inbound_at=NOON - LONG_AGO), "BBAAAA"),
    ("NO_CONSENT", consent(State.NONE), "AABAAA"),
    ("NO_CONSENT", consent(State.PENDING), "AABAAA"),
    ("NO_PROMO_CONSENT", consent(State.CONVERSATIONAL), "AAABAA"),
    ("NO_PROMO_CONSENT", consent(State.OPTED_IN, level=Level.EXPRESS), "AAABAA"),
    ("CONSENT_EXPIRED", consent(State.EXPIRED), "AABBAA"),
    (
        "CONSENT_EXPIRED",
        consent(State.OPTED_IN, level=Level.WRITTEN, expires_at=NOON),
        "AABBAA",
    ),
    ("REGISTER_CHECK_NEEDED", in_singapore(days=None), "AAABAA"),
    ("REGISTER_CHECK_NEEDED", in_singapore(days=22), "AAABAA"),
    ("REGISTER_CHECK_NEEDED", in_singapore(days=21), "AAAAAA"),
    ("NO_IDENTITY", draft(names_us=False), "AAABBB"),
    ("NO_OPTOUT_NOTICE", draft(says_how_to_stop=False), "AAABAA"),
    ("NO_OPTOUT_PATH", sent_from(SenderKind.LONG_CODE, "IN"), "AABBAA"),
    ("NO_OPTOUT_PATH", sent_from(SenderKind.NAME, "ZA"), "AABBAA"),
    ("FREQUENCY_CAP", at_least(most_a_day=0), "AADDAA"),
    ("QUIET_HOURS", at_least(notifications=read_window("mon-sun=13:00-20:00")), "AADAAA"),
    ("QUIET_HOURS", at_least(promotion=read_window("mon-sun=13:00-20:00")), "AAADAA"),
    # By the law alone: six in the morning where they are.
    ("QUIET_HOURS", person(zones=(ZoneInfo("Pacific/Auckland"),)), "AAADAA"),
    # In all zones where they may be: noon in one and six in the morning in the other.
    ("QUIET_HOURS", person(zones=(NEW_YORK, ZoneInfo("Pacific/Auckland"))), "AAADAA"),
    ("QUIET_HOURS_EXPIRED", at_least(notifications=NEVER, promotion=NEVER), "AABBAA"),
]


# The house's own reasons, which no law knows; what is asked back is told apart below.
OF_THE_HOUSE = {
    *("OK", "FEATURE_OFF", "LICENSE_MISSING", "SENDER_REMOVED", "SENDER_PAUSED", "NOT_REPLIABLE"),
    *("OUT_OF_REACH", "CONTACT_BLOCKED", "NOT_WANTED", "GATE_ERROR"),
}


def test_every_code_of_the_gate_has_a_row() -> None:
    """29 codes in 31 rows on the page (G0 to G13); G5*, late answers and G13 are below."""
    codes = {code for code, _, _ in TABLE}

    assert codes == set(Reason) - OF_THE_HOUSE - {"OPTED_OUT_REPLY", "REPLY_HOURS"}
    assert all(len(letters) == len(COLUMNS) for _, _, letters in TABLE)


def cells() -> list[tuple[str, Callable[[Case], Case], Purpose, str]]:
    return [
        (code, change, purpose, letter)
        for code, change, letters in TABLE
        for purpose, letter in zip(COLUMNS, letters, strict=True)
        if letter != "?"
    ]


ANSWERS = {"A": Answer.ALLOW, "B": Answer.BLOCK, "S": Answer.ASK, "D": Answer.DEFER}


@pytest.mark.parametrize("purpose", list(Purpose))
def test_with_everything_in_order_it_goes(purpose: Purpose) -> None:
    judgement = judge(case(purpose), now=NOON)

    assert (judgement.answer, judgement.code, judgement.findings) == (Answer.ALLOW, "OK", ())


@pytest.mark.parametrize(("code", "change", "purpose", "letter"), cells())
def test_the_truth_table(
    code: str, change: Callable[[Case], Case], purpose: Purpose, letter: str
) -> None:
    judgement = judge(change(case(purpose)), now=NOON)

    found = [one for one in judgement.findings if one.code == code]
    assert [one.answer for one in found][:1] == ([] if letter == "A" else [ANSWERS[letter]])
    assert all(one.words.endswith((".", "there.")) for one in judgement.findings)


@pytest.mark.parametrize(
    ("follows", "whom"),
    [
        (Purpose.OPT_IN_CONFIRMATION, Purpose.HELP_REPLY),
        (Purpose.CONSENT_REQUEST, Purpose.PROMOTIONAL),
    ],
)
@pytest.mark.parametrize(("code", "change"), [(code, change) for code, change, _ in TABLE])
def test_other_purposes_follow_a_column(
    follows: Purpose, whom: Purpose, code: str, change: Callable[[Case], Case]
) -> None:
    if code in ("NO_PROMO_CONSENT", "NO_CONSENT") and follows is Purpose.CONSENT_REQUEST:
        return  # whoever is asked for consent has not given it yet
    both = [judge(change(case(one)), now=NOON) for one in (follows, whom)]

    assert both[0].code == both[1].code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.NONE, "NO_PROMO_CONSENT"),
        (State.CONVERSATIONAL, "OK"),
        (State.OPTED_OUT, "OPTED_OUT"),
        (State.HELD, "PENDING_REVIEW"),
    ],
)
def test_who_wrote_may_be_asked_for_consent(state: State, code: str) -> None:
    asked = consent(state)(case(Purpose.CONSENT_REQUEST))

    assert judge(asked, now=NOON).code == code


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("is_whatsapp", "wrote", "answer", "code"),
    [
        (True, NOON - AGO, Answer.ALLOW, "OK"),
        (False, NOON - AGO, Answer.ASK, "OPTED_OUT_REPLY"),
        (False, NOON - 2 * HOUR, Answer.BLOCK, "OPTED_OUT"),  # before they opted out
        (True, None, Answer.BLOCK, "OPTED_OUT"),  # the keyword was their last word
    ],
)
def test_who_opted_out_and_wrote_again_may_be_answered(
    *, is_whatsapp: bool, wrote: datetime | None, answer: Answer, code: str
) -> None:
    one = consent(State.OPTED_OUT)(case(Purpose.REPLY))
    one = person(last_words_at=wrote)(one)
    one = over_whatsapp()(one) if is_whatsapp else one

    judgement = judge(one, now=NOON)

    assert (judgement.answer, judgement.code) == (answer, code)
    assert [note.code for note in judgement.notices] == ["OPTED_OUT_REPLY"] * (code == "OK")


def test_an_answer_to_who_opted_out_is_not_offered_after_a_day() -> None:
    one = consent(State.OPTED_OUT)(whatsapp(Purpose.REPLY))
    wrote = NOON - timedelta(minutes=30)

    one = person(last_words_at=wrote)(one)

    assert judge(one, now=wrote + timedelta(days=1)).answer is Answer.ALLOW
    assert judge(one, now=wrote + timedelta(days=1, seconds=1)).code == "OPTED_OUT"


def test_what_a_person_confirms_goes_and_what_nobody_may_confirm_does_not() -> None:
    held = consent(State.HELD)(case(Purpose.REPLY))
    shut = consent(State.OPTED_OUT)(case(Purpose.PROMOTIONAL))
    codes = frozenset({"PENDING_REVIEW", "OPTED_OUT"})

    assert judge(replace(held, confirmed=codes), now=NOON).answer is Answer.ALLOW
    assert judge(replace(shut, confirmed=codes), now=NOON).code == "OPTED_OUT"


def test_all_that_speaks_against_it_is_found_and_the_first_decides() -> None:
    one = case(Purpose.PROMOTIONAL, says_how_to_stop=False, names_us=False)
    one = consent(State.OPTED_OUT)(person(is_erased=True)(one))

    judgement = judge(one, now=NOON + QUIET)

    assert judgement.code == "CONTACT_ERASED"
    assert [finding.code for finding in judgement.findings] == [
        "CONTACT_ERASED",
        "OPTED_OUT",
        "NO_IDENTITY",
        "NO_OPTOUT_NOTICE",
        "QUIET_HOURS",
    ]


@pytest.mark.parametrize("name", ["", "offer", "Reply ", "marketing", "unknown"])
def test_a_purpose_that_nobody_knows_is_promotion(name: str) -> None:
    assert purpose_of(name) is Purpose.PROMOTIONAL


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.NOTIFICATION])
def test_a_marketing_template_makes_it_promotion(purpose: Purpose) -> None:
    to = recipient("GB", zone=ZoneInfo("Europe/London"))
    to = replace(to, consent=Consent(State.CONVERSATIONAL))

    judgement = judge(whatsapp(purpose, to, template=MARKETING), now=NOON)

    assert judgement.code == "NO_PROMO_CONSENT"


# --- The worked cases of the reference -----------------------------------------------------------


def singapore(days: int | None) -> Case:
    checked = SINGAPORE_NOON - timedelta(days=days) if days else None
    known = Consent(State.OPTED_IN, level=Level.EXPRESS, register_checked_at=checked)
    to = recipient("SG", zone=ZoneInfo("Asia/Singapore"), consent=known)
    return case(Purpose.PROMOTIONAL, to)


SINGAPORE_NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
STARTED = NOON - AGO  # when the person asked to stop
# The page's number of a case, the case, when it is asked, and what the gate says.
WORKED: list[tuple[int, Case, datetime, str]] = [
    (1, case(Purpose.REPLY), NOON + timedelta(hours=15, minutes=10), "OK"),
    (2, case(Purpose.AUTO_REPLY), NOON + timedelta(hours=11), "OK"),
    (3, consent(State.CONVERSATIONAL)(case(Purpose.PROMOTIONAL)), NOON, "NO_PROMO_CONSENT"),
    (
        4,
        person(blocked_by="Twilio")(consent(State.OPTED_OUT)(case(Purpose.REPLY))),
        NOON,
        "PROVIDER_BLOCKED",
    ),
    # Opted out an hour before they wrote again.
    (5, consent(State.OPTED_OUT)(whatsapp(Purpose.REPLY)), NOON, "OK"),
    (6, whatsapp(Purpose.REPLY), STARTED + timedelta(hours=24, seconds=1), "WA_WINDOW_CLOSED"),
    (7, whatsapp(Purpose.PROMOTIONAL, template=MARKETING), NOON, "WA_MARKETING_US"),
    (
        8,
        person(has_stopped_marketing=True)(whatsapp(Purpose.NOTIFICATION, template=UTILITY)),
        NOON,
        "OK",
    ),
    (
        9,
        case(Purpose.PROMOTIONAL, recipient("IN", zone=ZoneInfo("Asia/Kolkata"))),
        datetime(2026, 11, 24, 6, 0, tzinfo=UTC),
        "NO_OPTOUT_PATH",
    ),
    (
        10,
        consent(State.OPTED_OUT)(case(Purpose.OPT_OUT_CONFIRMATION)),
        STARTED + timedelta(seconds=40),
        "OK",
    ),
    (
        10,
        consent(State.OPTED_OUT)(case(Purpose.OPT_OUT_CONFIRMATION, was_confirmed=True)),
        STARTED + timedelta(seconds=45),
        "ALREADY_CONFIRMED",
    ),
    (
        11,
        consent(State.OPTED_OUT)(case(Purpose.OPT_OUT_CONFIRMATION)),
        STARTED + timedelta(minutes=7),
        "CONFIRMATION_LATE",
    ),
    (12, consent(State.HELD)(case(Purpose.NOTIFICATION)), NOON, "PENDING_REVIEW"),
    (13, consent(State.CONVERSATIONAL)(case(purpose_of(""))), NOON, "NO_PROMO_CONSENT"),
    (14, singapore(22), SINGAPORE_NOON, "REGISTER_CHECK_NEEDED"),
]


@pytest.mark.parametrize(("number", "one", "at", "code"), WORKED)
def test_worked_cases(number: int, one: Case, at: datetime, code: str) -> None:
    assert judge(one, now=at).code == code


def test_every_worked_case_of_the_page_is_here() -> None:
    assert sorted({number for number, *_ in WORKED}) == list(range(1, 15))


@pytest.mark.parametrize("minutes", [0, 3, 5])
def test_a_confirmation_goes_within_five_minutes_and_not_a_second_later(minutes: int) -> None:
    one = consent(State.OPTED_OUT)(case(Purpose.OPT_OUT_CONFIRMATION))
    at = STARTED + timedelta(minutes=minutes)

    assert judge(one, now=at).code == "OK"
    assert judge(one, now=STARTED + timedelta(minutes=5, seconds=1)).code == "CONFIRMATION_LATE"


@pytest.mark.parametrize(
    ("days", "code"), [(None, "REGISTER_CHECK_NEEDED"), (22, "REGISTER_CHECK_NEEDED"), (21, "OK")]
)
def test_singapores_register_stands_in_for_consent_for_21_days(days: int | None, code: str) -> None:
    assert judge(singapore(days), now=SINGAPORE_NOON).code == code


def test_an_offer_at_half_past_nine_waits_until_the_morning_and_says_so() -> None:
    judgement = judge(case(Purpose.PROMOTIONAL), now=NOON + QUIET)

    assert judgement.answer is Answer.DEFER
    assert judgement.until == datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
    assert judgement.words == (
        "It is 21:30 where they are (America/New_York). Will go at Wed 25 Nov, 09:00 there."
    )


def test_an_offer_that_expires_before_it_may_go_does_not_go() -> None:
    one = case(Purpose.PROMOTIONAL, expires_at=NOON + timedelta(hours=12))

    assert judge(one, now=NOON + QUIET).code == "QUIET_HOURS_EXPIRED"


def test_where_no_moment_of_a_week_fits_nothing_goes() -> None:
    never = at_least(promotion=read_window("mon-sun=none"))

    assert judge(never(case(Purpose.PROMOTIONAL)), now=NOON).code == "QUIET_HOURS_EXPIRED"


def test_the_fourth_unasked_message_of_a_day_waits_in_florida() -> None:
    sent = tuple(NOON - timedelta(hours=hours) for hours in (30, 20, 5, 1))
    to = recipient("US", "US-FL", sent_lately=sent)

    judgement = judge(case(Purpose.PROMOTIONAL, to), now=NOON)

    assert (judgement.code, judgement.answer) == ("FREQUENCY_CAP", Answer.DEFER)
    assert judgement.until == NOON - timedelta(hours=20) + timedelta(days=1)
    assert judge(case(Purpose.REPLY, to), now=NOON).answer is Answer.ALLOW


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.NOTIFICATION])
def test_a_first_message_that_does_not_name_us_warns(purpose: Purpose) -> None:
    judgement = judge(case(purpose, names_us=False, is_first=True), now=NOON)

    assert judgement.answer is Answer.ALLOW
    assert [note.code for note in judgement.notices] == ["NO_IDENTITY"]


# --- What holds whatever is known ----------------------------------------------------------------


@given(
    purpose=st.sampled_from([*COLUMNS[1:4], Purpose.CONSENT_REQUEST]),
    change=st.sampled_from([change for _, change, _ in TABLE]),
    minutes=st.integers(0, 60 * 24 * 14),
)
def test_nothing_that_needs_consent_goes_to_who_opted_out(
    purpose: Purpose, change: Callable[[Case], Case], minutes: int
) -> None:
    one = consent(State.OPTED_OUT)(change(case(purpose)))

    judgement = judge(one, now=NOON + timedelta(minutes=minutes))

    assert judgement.answer is not Answer.ALLOW
    assert "OPTED_OUT" in [finding.code for finding in judgement.findings]


def test_the_rules_stand_in_the_order_of_the_reference() -> None:
    order = {code: number for number, (code, _, _) in enumerate(TABLE)}
    codes = list(order)
    everything = case(Purpose.PROMOTIONAL)
    for _, change, _ in TABLE:
        everything = change(everything)

    found = [one.code for one in judge(everything, now=NOON).findings if one.code in order]

    assert len(RULES) == 20
    assert found == sorted(found, key=codes.index)


# --- Answers that come late (contract: decision 4) ------------------------------------------------

EVENINGS = read_window("mon-sun=18:00-20:00")


def late_reply(hours: int, *, asked_at: datetime = NOON, **policy: Any) -> Case:
    """Return an answer at noon to what was written so many hours before."""
    to = person(last_inbound_at=NOON - timedelta(hours=hours))
    settled = at_least(**{"replies": EVENINGS, **policy})
    return settled(to(case(Purpose.REPLY, requested_at=asked_at)))


def test_an_answer_within_a_day_goes_at_any_hour() -> None:
    assert judge(late_reply(23), now=NOON).code == "OK"


def test_a_later_one_asks_its_author_outside_the_hours_of_the_account() -> None:
    judgement = judge(late_reply(24), now=NOON)

    assert (judgement.code, judgement.answer) == ("REPLY_HOURS", Answer.ASK)
    assert judgement.words == (
        "It is 12:00 where they are (America/New_York). Answer from Tue 24 Nov, 18:00 there, or "
        "say why it cannot wait."
    )
    assert judgement.until == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    assert judge(late_reply(24), now=NOON + timedelta(hours=6, minutes=1)).code == "OK"


def test_who_said_why_is_not_asked_again() -> None:
    one = replace(late_reply(30, asked_at=NOON - AGO), confirmed=frozenset({"REPLY_HOURS"}))

    assert judge(one, now=NOON).answer is Answer.ALLOW


def test_what_could_not_leave_in_time_waits_for_the_hours() -> None:
    judgement = judge(late_reply(30, asked_at=NOON - AGO), now=NOON)

    assert judgement.answer is Answer.DEFER
    assert judgement.until == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


def test_where_no_hour_is_free_no_moment_is_named() -> None:
    judgement = judge(late_reply(30, replies=NEVER), now=NOON)

    assert (judgement.code, judgement.answer) == ("REPLY_HOURS", Answer.ASK)
    assert judgement.until is None


def test_how_long_answers_are_free_is_a_setting() -> None:
    assert judge(late_reply(30, free_for=timedelta(hours=48)), now=NOON).code == "OK"
    assert judge(late_reply(0, free_for=timedelta(0)), now=NOON).code == "REPLY_HOURS"


def test_machines_answer_at_once_or_not_at_all() -> None:
    one = replace(late_reply(30), draft=Draft(Purpose.AUTO_REPLY, requested_at=NOON))

    assert judge(one, now=NOON).code == "OK"
