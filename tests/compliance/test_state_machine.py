"""Where does somebody stand? Every row of section 12 of the reference, and what always holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.evidence import Basis, EventKind, Quality
from compliance.state_machine import (
    CONFIRM_WITHIN,
    UNKNOWN,
    ConsentState,
    Fact,
    Standing,
    moves,
    replay,
    step,
)
from tests.conftest import NOW

K, S = EventKind, ConsentState
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WROTE = None


def facts(*kinds: EventKind | None | Fact, every: timedelta = HOUR) -> list[Fact]:
    """Let these things happen one after the other."""
    return [_fact(kind, n, every) for n, kind in enumerate(kinds, start=1)]


def _fact(kind: EventKind | None | Fact, n: int, every: timedelta) -> Fact:
    at = NOW + n * every
    if isinstance(kind, Fact):
        return replace(kind, seq=n, occurred_at=at)
    fact = Fact(kind, at, n)
    is_given = kind in (K.GRANT, K.ASKED)
    return replace(fact, basis="express", quality="first_hand") if is_given else fact


def after(*kinds: EventKind | None | Fact) -> Standing:
    """Return where somebody stands after these things happened one after the other."""
    return replay(facts(*kinds))


UNPROVEN = Fact(K.GRANT, NOW, basis="express", quality="imported_unproven")
ASSERTED = Fact(K.GRANT, NOW, basis="express", quality="asserted_by_agent")
FOR_NEWS = Fact(K.GRANT, NOW, programme="news", basis="express", quality="first_hand")
LINKED_START = Fact(K.OPT_IN, NOW, is_linked=True)

ROWS: list[tuple[str, list[EventKind | None | Fact], ConsentState]] = [
    # any not OPTED_OUT | inbound, none
    ("a stranger writes", [WROTE], S.CONVERSATIONAL),
    ("whose consent ran out writes", [K.GRANT, K.EXPIRED, WROTE], S.CONVERSATIONAL),
    ("who consented writes", [K.GRANT, WROTE], S.OPTED_IN),
    ("who was asked writes", [WROTE, K.ASKED, WROTE], S.PENDING),
    ("who is held writes", [WROTE, K.HELD, WROTE], S.HELD),
    # NONE, CONVERSATIONAL, EXPIRED | web form, paper, verbal, import with proof
    ("a form from a stranger", [K.GRANT], S.OPTED_IN),
    ("a form from who wrote", [WROTE, K.GRANT], S.OPTED_IN),
    ("a form after it ran out", [K.GRANT, K.EXPIRED, K.GRANT], S.OPTED_IN),
    ("an import without proof", [UNPROVEN], S.OPTED_IN),
    ("double opt-in asks first", [WROTE, K.ASKED], S.PENDING),
    # PENDING
    ("a START confirms", [K.ASKED, K.OPT_IN], S.OPTED_IN),
    ("a START from another address does not", [K.ASKED, LINKED_START], S.PENDING),
    ("the question lapsed for a stranger", [K.ASKED, K.ASK_LAPSED], S.NONE),
    ("the question lapsed for who wrote", [WROTE, K.ASKED, K.ASK_LAPSED], S.CONVERSATIONAL),
    # any but OPTED_OUT | opt-out
    ("a stranger's first word is STOP", [K.OPT_OUT], S.OPTED_OUT),
    ("who wrote says STOP", [WROTE, K.OPT_OUT], S.OPTED_OUT),
    ("who was asked says STOP", [K.ASKED, K.OPT_OUT], S.OPTED_OUT),
    ("who consented says STOP", [K.GRANT, K.OPT_OUT], S.OPTED_OUT),
    ("whose consent ran out says STOP", [K.GRANT, K.EXPIRED, K.OPT_OUT], S.OPTED_OUT),
    ("who is held says STOP", [WROTE, K.HELD, K.OPT_OUT], S.OPTED_OUT),
    ("the carrier refuses", [WROTE, K.CARRIER_BLOCK], S.OPTED_OUT),
    # any but OPTED_OUT | medium fuzzy
    ("may mean stop", [WROTE, K.HELD], S.HELD),
    ("a stranger may mean stop", [K.HELD], S.HELD),
    ("who consented may mean stop", [K.GRANT, K.HELD], S.HELD),
    # HELD
    ("a person decides yes", [WROTE, K.HELD, K.OPT_OUT], S.OPTED_OUT),
    ("a person decides no", [WROTE, K.HELD, K.HOLD_LIFTED], S.CONVERSATIONAL),
    ("no, of who consented", [K.GRANT, K.HELD, K.HOLD_LIFTED], S.OPTED_IN),
    ("no, of who was asked", [WROTE, K.ASKED, K.HELD, K.HOLD_LIFTED], S.PENDING),
    ("nobody decides", [WROTE, K.HELD, K.HOLD_LAPSED], S.OPTED_OUT),
    ("a clock that comes late changes nothing", [WROTE, K.HOLD_LAPSED], S.CONVERSATIONAL),
    ("START lifts a hold", [K.GRANT, K.HELD, K.OPT_IN], S.OPTED_IN),
    # OPTED_OUT | START
    ("START of a stranger", [K.OPT_OUT, K.OPT_IN], S.CONVERSATIONAL),
    ("START of who wrote", [WROTE, K.OPT_OUT, K.OPT_IN], S.CONVERSATIONAL),
    ("START of who consented", [K.GRANT, K.OPT_OUT, K.OPT_IN], S.OPTED_IN),
    ("START of who was asked is no consent", [K.ASKED, K.OPT_OUT, K.OPT_IN], S.CONVERSATIONAL),
    ("START of who was held", [WROTE, K.HELD, K.OPT_OUT, K.OPT_IN], S.CONVERSATIONAL),
    ("START after a carrier's block", [K.CARRIER_BLOCK, K.OPT_IN], S.CONVERSATIONAL),
    ("START while in", [WROTE, K.OPT_IN], S.CONVERSATIONAL),
    ("START of a stranger who is in", [K.OPT_IN], S.NONE),
    # OPTED_OUT | YES to a question; inbound, none; opt-out again
    ("YES to a question", [K.OPT_OUT, K.WEAK_YES], S.OPTED_OUT),
    ("an ordinary message never lifts it", [K.OPT_OUT, WROTE, WROTE], S.OPTED_OUT),
    ("STOP again", [K.OPT_OUT, K.OPT_OUT, K.CARRIER_BLOCK], S.OPTED_OUT),
    ("may mean stop, and is out", [K.OPT_OUT, K.HELD, K.HOLD_LIFTED], S.OPTED_OUT),
    ("who is out is not asked back", [K.OPT_OUT, K.ASKED, K.OPT_IN], S.CONVERSATIONAL),
    # OPTED_OUT | web form with new proof; agent opts in for them
    ("a form with new proof", [K.OPT_OUT, K.GRANT], S.OPTED_IN),
    ("an import after it", [K.OPT_OUT, UNPROVEN], S.OPTED_OUT),
    ("an agent's word", [K.OPT_OUT, ASSERTED], S.OPTED_OUT),
    ("a form for one programme", [K.OPT_OUT, FOR_NEWS], S.OPTED_OUT),
    # OPTED_IN | expiry date
    ("it runs out", [K.GRANT, K.EXPIRED], S.EXPIRED),
    ("nothing to run out", [WROTE, K.EXPIRED], S.CONVERSATIONAL),
    # any | do-not-contact, marketing: beside the state
    ("do-not-contact", [K.GRANT, K.NO_CONTACT], S.OPTED_IN),
    ("do-not-contact off opts nobody in", [K.NO_CONTACT, K.CONTACT_AGAIN], S.NONE),
    ("marketing stopped", [K.GRANT, K.NO_MARKETING], S.OPTED_IN),
    # any | erasure
    ("erased", [K.GRANT, K.ERASED], S.NONE),
    ("erased while out", [K.GRANT, K.OPT_OUT, K.ERASED], S.OPTED_OUT),
    ("erased while held", [K.GRANT, K.HELD, K.ERASED], S.OPTED_OUT),
    ("START after erasure", [K.GRANT, K.OPT_OUT, K.ERASED, K.OPT_IN], S.CONVERSATIONAL),
    ("writes after erasure", [K.OPT_OUT, K.ERASED, WROTE], S.OPTED_OUT),
    # any | reassigned
    ("reassigned", [K.GRANT, K.REASSIGNED], S.NONE),
    ("reassigned while asked", [WROTE, K.ASKED, K.REASSIGNED], S.NONE),
    ("reassigned while out", [K.GRANT, K.OPT_OUT, K.REASSIGNED], S.OPTED_OUT),
    ("START of the new owner", [K.GRANT, K.OPT_OUT, K.REASSIGNED, K.OPT_IN], S.CONVERSATIONAL),
    # HELP
    ("HELP says nothing about it", [K.HELP], S.NONE),
    ("HELP while out", [K.OPT_OUT, K.HELP], S.OPTED_OUT),
]  # fmt: skip


@pytest.mark.parametrize(("happened", "state"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_a_row_of_the_state_machine(
    happened: Sequence[EventKind | None | Fact], state: ConsentState
) -> None:
    assert after(*happened).state is state


@pytest.mark.parametrize("state", list(ConsentState))
@pytest.mark.parametrize("kind", list(EventKind))
def test_a_second_look_agrees_about_what_can_change_nothing(
    kind: EventKind, state: ConsentState
) -> None:
    standing = next(after(*row[1]) for row in ROWS if row[2] is state)

    then = step(standing, Fact(kind, NOW + DAY, 99, basis="express", quality="first_hand"))

    assert moves(state, kind) or then == standing


def test_start_gives_back_the_consent_that_was_with_its_basis() -> None:
    written = Fact(K.GRANT, NOW, basis="express_written", quality="first_hand")

    stands = after(written, K.OPT_OUT, K.OPT_IN)

    assert (stands.ground.basis, stands.ground.quality) == ("express_written", "first_hand")


def test_a_weaker_consent_does_not_replace_a_stronger_one() -> None:
    written = Fact(K.GRANT, NOW, basis="express_written", quality="first_hand")

    assert after(written, UNPROVEN).ground.basis == "express_written"
    assert after(UNPROVEN, written).ground.basis == "express_written"


def test_a_form_for_one_programme_opens_that_one_alone() -> None:
    happened = facts(K.OPT_OUT, FOR_NEWS)

    assert replay(happened, "news").state is S.OPTED_IN
    assert replay(happened, "offers").state is S.OPTED_OUT
    assert replay([*happened, Fact(K.OPT_OUT, NOW + DAY, 9)], "news").state is S.OPTED_OUT


def test_start_restores_what_each_programme_had_and_no_more() -> None:
    happened = facts(WROTE, FOR_NEWS, K.OPT_OUT, K.OPT_IN)

    assert replay(happened, "news").state is S.OPTED_IN
    assert replay(happened, "offers").state is S.CONVERSATIONAL


def test_an_opt_out_of_one_programme_leaves_the_others() -> None:
    only = Fact(K.OPT_OUT, NOW, programme="news")

    assert replay(facts(K.GRANT, only), "news").state is S.OPTED_OUT
    assert replay(facts(K.GRANT, only)).state is S.OPTED_IN


# --- Time -----------------------------------------------------------------------------------------


def test_consent_runs_out_at_its_date_and_not_before() -> None:
    ends = NOW + DAY
    [grant] = facts(Fact(K.GRANT, NOW, basis="inferred", quality="first_hand", expires_at=ends))
    stands = replay([grant])

    assert stands.at(ends - timedelta(microseconds=1)).state is S.OPTED_IN
    assert stands.at(ends).state is S.EXPIRED
    assert stands.at(ends).since == ends


def test_a_question_lapses_after_72_hours() -> None:
    stands = after(WROTE, K.ASKED)
    assert stands.asked_at is not None
    lapses = stands.asked_at + CONFIRM_WITHIN

    assert stands.at(lapses - timedelta(microseconds=1)).state is S.PENDING
    assert stands.at(lapses).state is S.CONVERSATIONAL
    assert replay([*facts(K.ASKED), Fact(K.OPT_IN, lapses, 9)]).state is S.NONE


def test_consent_that_ran_out_while_they_were_out_does_not_come_back() -> None:
    grant = Fact(K.GRANT, NOW, 1, basis="inferred", quality="first_hand", expires_at=NOW + DAY)
    out, again = Fact(K.OPT_OUT, NOW + HOUR, 2), Fact(K.OPT_IN, NOW + 2 * DAY, 3)

    assert replay([grant, out, again]).state is S.CONVERSATIONAL


# --- Order ----------------------------------------------------------------------------------------


def test_the_order_is_that_of_what_happened_not_of_what_was_told() -> None:
    stop, start = Fact(K.OPT_OUT, NOW + HOUR, 1), Fact(K.OPT_IN, NOW, 2)

    assert replay([stop, start]).state is S.OPTED_OUT


@pytest.mark.parametrize("out", [K.OPT_OUT, K.CARRIER_BLOCK])
@pytest.mark.parametrize("into", [K.OPT_IN, K.GRANT])
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_at_one_instant_the_opt_out_wins(
    out: EventKind, into: EventKind, order: tuple[int, int]
) -> None:
    happened = [
        Fact(out, NOW, order[0]),
        Fact(into, NOW, order[1], basis="express", quality="first_hand"),
    ]

    assert replay(happened).state is S.OPTED_OUT


def test_a_second_stop_leaves_the_date_of_the_first() -> None:
    first, second = facts(K.OPT_OUT, K.OPT_OUT)

    stands = replay([first, second])

    assert (stands.since, stands.decided_by) == (first.occurred_at, first.seq)


def test_what_was_recorded_in_error_does_not_count() -> None:
    happened = facts(WROTE, K.GRANT, K.OPT_OUT, Fact(K.VOID, NOW, supersedes=3))

    assert replay(happened).state is S.OPTED_IN


def test_a_correction_that_was_an_error_does_not_count_either() -> None:
    happened = facts(
        WROTE, K.OPT_OUT, Fact(K.VOID, NOW, supersedes=2), Fact(K.VOID, NOW, supersedes=3)
    )

    assert replay(happened).state is S.OPTED_OUT


def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    wrong, right = facts(K.GRANT, K.OPT_OUT)
    right = replace(right, supersedes=wrong.seq, kind=K.HELD)

    assert replay([wrong, right]).state is S.HELD


# --- Always ---------------------------------------------------------------------------------------

anything = st.builds(
    Fact,
    kind=st.sampled_from([None, *EventKind]),
    occurred_at=st.integers(0, 20).map(lambda n: NOW + n * HOUR),
    programme=st.sampled_from(["*", "*", "news", "offers"]),
    basis=st.sampled_from(Basis.values),
    quality=st.sampled_from(Quality.values),
    expires_at=st.none() | st.integers(1, 40).map(lambda n: NOW + n * HOUR),
    supersedes=st.none() | st.none() | st.integers(1, 12),
    is_linked=st.booleans(),
)
stories = st.lists(anything, max_size=12).map(
    lambda told: [replace(fact, seq=n) for n, fact in enumerate(told, start=1)]
)
BY_THEM = (K.OPT_IN, K.GRANT)


@given(stories, st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_the_order_in_which_facts_are_told_never_matters(told: list[Fact], rng) -> None:
    shuffled = list(told)
    rng.shuffle(shuffled)

    assert replay(shuffled) == replay(told)
    assert replay(shuffled, "news") == replay(told, "news")


@given(stories)
@settings(max_examples=600, deadline=None)
def test_nothing_but_what_they_do_themselves_afterwards_lifts_an_opt_out(told: list[Fact]) -> None:
    told = [replace(fact, supersedes=None) for fact in told]
    for programme in ("*", "news"):
        outs = [f for f in told if f.kind is K.OPT_OUT and f.programme in ("*", programme)]
        if not outs or replay(told, programme).state is S.OPTED_OUT:
            continue
        last = max(fact.occurred_at for fact in outs)
        lifts = [f for f in told if f.kind in BY_THEM and f.occurred_at > last]
        assert any(f.kind is K.OPT_IN or f.quality == Quality.FIRST_HAND for f in lifts)


@given(stories)
@settings(max_examples=400, deadline=None)
def test_start_never_makes_a_consent_that_was_not_there(told: list[Fact]) -> None:
    told = [replace(f, supersedes=None) for f in told if f.kind not in (K.GRANT, K.ASKED)]

    assert replay(told).state is not S.OPTED_IN


@given(stories, st.integers(0, 100))
@settings(max_examples=400, deadline=None)
def test_time_alone_takes_away_and_never_gives(told: list[Fact], hours: int) -> None:
    stands = replay(told)
    later = stands.at(NOW + hours * HOUR)

    fades = {S.OPTED_IN: {S.EXPIRED}, S.PENDING: {S.NONE, S.CONVERSATIONAL, S.EXPIRED}}
    assert later.state in {stands.state, *fades.get(stands.state, set())}
    assert later.at(NOW + hours * HOUR) == later


@given(stories)
@settings(max_examples=300, deadline=None)
def test_a_flag_is_cleared_by_nothing_but_its_own_event(told: list[Fact]) -> None:
    told = [replace(f, supersedes=None, programme="*") for f in told if f.kind != K.CONTACT_AGAIN]
    marked = any(fact.kind is K.NO_CONTACT for fact in told)

    assert (replay(told).no_contact_at is not None) is marked


def test_nobody_is_somebody_of_whom_nothing_is_known() -> None:
    assert replay([]) == UNKNOWN
    assert UNKNOWN.state is S.NONE
