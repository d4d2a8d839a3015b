"""Are the carrier's keywords read exactly, and nothing else as one?"""

import pytest

from compliance.keywords import Keyword, read_keyword


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop", "Stop", " STOP ", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE"],
)
def test_twilio_s_words_opt_out_and_twilio_answers_them(body: str) -> None:
    reading = read_keyword(body)

    assert (reading.keyword, reading.is_carrier_word) == (Keyword.OPT_OUT, True)


@pytest.mark.parametrize(
    "body",
    [
        *("stop!", "STOP.", "“Stop”", "opt out", "Opt-Out", "stop all"),
        *("ＳＴＯＰ", "ＳＴＯＰ!", "ſtop", "STOP\u200b", "\ufeffstop", "s\u2060top", "stop\u200e."),
    ],
)
def test_words_twilio_does_not_match_opt_out_and_we_answer_them(body: str) -> None:
    reading = read_keyword(body)

    assert (reading.keyword, reading.is_carrier_word) == (Keyword.OPT_OUT, False)


@pytest.mark.parametrize(
    "body",
    [
        "Stop please",
        "we have got to STOP this bill",
        "/help",
        "Don't stop",
        "the end",
        "",
        "🛑",
        "stop" * 40,
        "STOP\nthe delivery",
        "\u200b" * 8,
    ],
)
def test_a_word_inside_a_sentence_is_nothing(body: str) -> None:
    assert read_keyword(body).keyword is Keyword.NONE


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("START", Keyword.OPT_IN),
        ("unstop", Keyword.OPT_IN),
        ("Yes", Keyword.OPT_IN),
        ("HELP", Keyword.HELP),
        ("info", Keyword.HELP),
    ],
)
def test_start_and_help_words(body: str, keyword: Keyword) -> None:
    assert read_keyword(body).keyword is keyword


def test_optouttype_wins_over_our_own_reading() -> None:
    reading = read_keyword("baja", opt_out_type="STOP")

    assert (reading.keyword, reading.is_carrier_word) == (Keyword.OPT_OUT, True)


def test_an_unknown_optouttype_leaves_the_reading_to_us() -> None:
    assert read_keyword("stop", opt_out_type="SOMETHING").keyword is Keyword.OPT_OUT


def test_an_opt_out_button_is_an_opt_out() -> None:
    assert read_keyword("No more", button_payload="OPTOUT").keyword is Keyword.OPT_OUT
