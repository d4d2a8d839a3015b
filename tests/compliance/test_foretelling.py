"""The tester foretells what receiving does, for every handler of STOP (compliance 1.4, 7.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.consent import KeywordHandler
from compliance.foretelling import CHANNELS, Answer, Outcome, Trial, foretell, read_trial

DEFAULT, ADVANCED = KeywordHandler.TWILIO_DEFAULT, KeywordHandler.TWILIO_ADVANCED
TOLL_FREE, APP = KeywordHandler.CARRIER_TOLLFREE, KeywordHandler.APP


@pytest.mark.parametrize(
    ("trial", "handler", "outcome", "answer"),
    [
        # OptOutType present: written down, never answered.
        (Trial("Stop", opt_out_type="STOP"), ADVANCED, "opted_out", "twilio"),
        (Trial("Basta ya", opt_out_type="STOP"), ADVANCED, "opted_out", "twilio"),
        (Trial("Hilfe", opt_out_type="HELP"), ADVANCED, "logged", "twilio"),
        # An exact default word where Twilio or the network answers.
        (Trial("stop"), DEFAULT, "opted_out", "twilio"),
        (Trial(" STOP "), TOLL_FREE, "opted_out", "network"),
        # Punctuated, localised, in words: we confirm once.
        (Trial("STOP!"), DEFAULT, "opted_out", "us"),
        (Trial("opt out"), DEFAULT, "opted_out", "us"),
        (Trial("please stop texting me"), DEFAULT, "opted_out", "us"),
        (Trial("STOP", is_opted_out=True), APP, "opted_out", "nobody"),
        (Trial("STOP!", is_opted_out=True), DEFAULT, "opted_out", "nobody"),
        (Trial("STOP", channel="whatsapp"), APP, "opted_out", "us"),
        # A word of a language nobody enabled is a doubt.
        (Trial("PERUUTA"), DEFAULT, "held", "nobody"),
        # HELP and START.
        (Trial("HELP"), DEFAULT, "logged", "twilio"),
        (Trial("HELP", channel="whatsapp"), APP, "logged", "us"),
        (Trial("HELP", is_opted_out=True), TOLL_FREE, "logged", "nobody"),
        (Trial("START"), DEFAULT, "nothing", "twilio"),
        (Trial("START", is_opted_out=True), DEFAULT, "restored", "twilio"),
        (Trial("START", is_opted_out=True, channel="whatsapp"), APP, "restored", "us"),
        (Trial("YES", is_opted_out=True), DEFAULT, "restored", "twilio"),
        (Trial("YES", is_opted_out=True, last_outbound="Coming?"), DEFAULT, "logged", "nobody"),
        (Trial("YES", is_opted_out=True), TOLL_FREE, "logged", "nobody"),
        (Trial("hello"), DEFAULT, "nothing", "nobody"),
        (Trial("don't stop, I love these"), DEFAULT, "nothing", "nobody"),
        (Trial("", button_payload="OPTOUT", channel="whatsapp"), APP, "opted_out", "us"),
    ],
)
def test_what_follows(trial: Trial, handler: KeywordHandler, outcome: str, answer: str) -> None:
    told = foretell(trial, read_trial(trial, {}), handler)
    assert (told.outcome, told.answer) == (Outcome(outcome), Answer(answer))
    assert all(told.words)


def test_own_keywords_are_read_too() -> None:
    trial = Trial("genug!", languages=("de",))
    told = foretell(trial, read_trial(trial, {"genug": "opt_out"}), DEFAULT)
    assert (told.outcome, told.answer) == (Outcome.OPTED_OUT, Answer.US)


@given(
    text=st.text(max_size=200),
    channel=st.sampled_from([*CHANNELS, "carrier pigeon"]),
    opt_out_type=st.sampled_from(["", "STOP", "START", "HELP", "stop", "ODD"]),
    handler=st.sampled_from(KeywordHandler),
    is_out=st.booleans(),
)
def test_anything_has_an_answer_and_nobody_answers_twice(
    text: str, channel: str, opt_out_type: str, handler: KeywordHandler, is_out: bool
) -> None:
    trial = Trial(text, channel=channel, opt_out_type=opt_out_type, is_opted_out=is_out)
    told = foretell(trial, read_trial(trial, {}), handler)
    if opt_out_type:
        assert told.answer is not Answer.US
    if told.outcome is Outcome.HELD:
        assert told.answer is Answer.NOBODY
