"""What people write is read as what they ask for: keywords, buttons and wishes in their words."""

import unicodedata
from collections.abc import Callable
from string import punctuation

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.classify import Context, Reading, classify, invites
from compliance.keyword_table import Class, Keyword, keywords, language_of
from compliance.normalising import LOOKED_AT

INVITED = Context(last_was_promotional=True)
ANY_LANGUAGE = st.sampled_from(
    ["en", "es", "de", "he", "ar", "hi", "zh", "ja", "ko", "tr", "ru", "xx"]
)


def read(text: str, *languages: str, channel: str = "sms", context: Context = INVITED) -> Reading:
    """Read a text with languages enabled, English if none is named."""
    return classify(text, languages=languages or ("en",), channel=channel, context=context)


def missed(change: Callable[[str], str]) -> list[Keyword]:
    """Return the keywords that are no longer read as such once they are changed so."""
    read_as = {row: read(change(row.word), row.language) for row in keywords()}
    return [
        row
        for row, reading in read_as.items()
        if (reading.label, reading.kind) != (row.label, "exact")
    ]


# --- Keywords ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dress",
    [
        "{}",
        " {} ",
        "\ufeff{}",
        "\u200f{}\u200e",
        "{}.",
        "{}!!!",
        "*{}*",
        '"{}"',
        "«{}»",
        "{} 🙏",
        "🛑 {}",
        "{}\n\nSent from my iPhone",
        "> Hello there\n{}",
    ],
)
def test_a_keyword_counts_in_any_dress(dress: str) -> None:
    assert not missed(dress.format)


@pytest.mark.parametrize(
    "change",
    [str.lower, str.upper, str.title, lambda word: unicodedata.normalize("NFD", word), " ".join],
    ids=["small", "capitals", "title", "taken apart", "spaced"],
)
def test_a_keyword_counts_in_any_letters(change: Callable[[str], str]) -> None:
    assert not missed(change)


@given(
    row=st.sampled_from([row for row in keywords() if row.label == "opt_out"]),
    before=st.text(alphabet=punctuation + " \t\u200b", max_size=4),
    behind=st.text(alphabet=punctuation + " \t\u200b🙏", max_size=8),
)
def test_signs_around_an_opt_out_change_nothing(row: Keyword, before: str, behind: str) -> None:
    assert read(f"{before}{row.word}{behind}", row.language).label == "opt_out"


@pytest.mark.parametrize(
    "text",
    ["ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "🅂🅃🄾🄿", "ЅТОР", "ST\u00adOP", "s.t.o.p", "S-T-O-P", "ⓢⓣⓞⓟ", "🆂🆃🅾🅿"],
)
def test_letters_that_only_look_so_are_read_as_they_look(text: str) -> None:
    assert read(text).kind == "exact"
    assert read(text).stops_now


def test_russian_stop_is_itself_and_no_disguised_latin_word() -> None:
    assert read("СТОП", "ru").matched == "СТОП"


@pytest.mark.parametrize("tag", ["pt-BR", "PT_pt", " pt ", "pt"])
def test_a_region_does_not_hide_its_language(tag: str) -> None:
    assert read("sair", tag).kind == "exact"
    assert language_of(tag) == "pt"


@pytest.mark.parametrize("text", ["AYUDA", "ALTO", "退订", "הסר", "수신거부"])
def test_a_keyword_of_a_language_nobody_enabled_is_a_doubt(text: str) -> None:
    reading = read(text, "en")
    assert (reading.kind, reading.confidence) == ("fuzzy", "medium")


def test_an_ordinary_word_of_the_language_is_no_keyword_of_another() -> None:
    assert read("seis", "es").label == "none"  # six; in Finnish a stop
    assert read("seis", "fi").kind == "exact"


def test_a_long_text_is_never_one_keyword() -> None:
    assert read("stop" + " " * LOOKED_AT).kind != "exact"
    assert read("stop" + " " * (LOOKED_AT - 4)).kind == "exact"


# --- Ordinary words that are keywords too --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"), [("BAJA", "es"), ("cancelar", "pt"), ("Basta", "it"), ("iptal", "tr")]
)
def test_an_ordinary_word_is_a_keyword_only_when_we_invited_it(text: str, language: str) -> None:
    assert read(text, language).stops_now
    uninvited = read(text, language, context=Context(last_outbound="¿A qué hora?"))
    assert (uninvited.label, uninvited.kind, uninvited.is_held) == ("opt_out", "fuzzy", True)


@pytest.mark.parametrize(
    ("outbound", "language", "is_invited"),
    [
        ("Responde BAJA para no recibir más", "es", True),
        ("Responda ALTO para salir", "es", True),
        ("La fiesta es el fin de semana", "es", False),
        ("Reply STOP to opt out", "es", False),
        ("Reply STOP to opt out", "en", True),
        ("Reply stop to opt out", "en", True),
        ("Your unstoppable offer", "en", False),
        ("回复TD退订", "zh", True),
        ("", "en", False),
    ],
)
def test_we_invite_with_words_of_that_language(
    outbound: str, language: str, *, is_invited: bool
) -> None:
    assert invites(outbound, language) is is_invited


@pytest.mark.parametrize("text", ["CANCEL", "end", "Quit."])
def test_words_that_the_carrier_blocks_count_on_sms_and_not_elsewhere(text: str) -> None:
    uninvited = Context(last_outbound="Reply YES to confirm or CANCEL to change")
    assert read(text, channel="sms", context=Context()).stops_now
    assert read(text, channel="whatsapp", context=Context()).is_held
    assert read(text, channel="whatsapp", context=uninvited).stops_now


def test_a_bare_yes_is_weak() -> None:
    assert read("Yes!").is_weak_yes
    assert not read("START").is_weak_yes
    assert all(row.word == "YES" for row in keywords() if row.kind is Class.WEAK)


# --- What comes beside the text ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "label"), [("STOP", "opt_out"), ("start", "opt_in"), (" Help ", "help")]
)
def test_the_carriers_word_wins(told: str, label: str) -> None:
    reading = read("merci", context=Context(opt_out_type=told))
    assert (reading.label, reading.kind, reading.confidence) == (label, "exact", "high")


def test_an_unknown_word_of_the_carrier_leaves_the_text_to_us() -> None:
    assert read("stop", context=Context(opt_out_type="SOMETHING")).stops_now


@pytest.mark.parametrize("payload", ["OPTOUT", " optout "])
def test_a_button_is_as_plain_as_a_keyword(payload: str) -> None:
    assert read("No more of this", context=Context(button_payload=payload)).kind == "exact"


def test_an_own_keyword_counts_in_any_dress() -> None:
    context = Context(own_keywords={"genug": "opt_out", "dabei": "opt_in"})
    assert read(" Genug! ", context=context).matched == "genug!"
    assert read("DABEI", context=context).label == "opt_in"


# --- Wishes in ordinary words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("I asked you to stop texting me", "en", "opt_out"),
        ("I don't want your messages", "en", "opt_out"),
        ("I want these texts to stop", "en", "opt_out"),
        ("how do I get off this list?", "en", "opt_out"),
        ("🛑 texting me", "en", "opt_out"),
        ("quiero darme de baja", "es", "opt_out"),
        ("nehmen Sie mich aus dem Verteiler", "de", "opt_out"),
        ("איך מסירים את עצמי?", "he", "opt_out"),
        ("mujhe message mat bhejo", "hi", "opt_out"),
        ("別再傳訊息了", "zh", "opt_out"),
        ("I don't want these messages to stop", "en", "none"),
        ("please don't remove me from the list", "en", "none"),
        ("don't forget to text me", "en", "none"),
        ("don't delete my number", "en", "none"),
        ("beni listeden çıkarmayın", "tr", "none"),
        ("don't call me, text instead", "en", "none"),
        ("no message received", "en", "none"),
        ("not getting any texts, where is my code?", "en", "none"),
        ("别忘了给我发短信", "zh", "none"),
        ("忘れないで連絡してください", "ja", "none"),
        ("I unsubscribed by mistake, please add me back", "en", "opt_in"),
        ("sorry, who is this?", "en", "help"),
    ],
)
def test_a_wish_is_read_in_ordinary_words(text: str, language: str, label: str) -> None:
    assert read(text, language).label == label


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("por favor dejen de enviarme mensajes", "es"),
        ("תפסיקו לשלוח לי הודעות", "he"),
        ("хватит слать рекламу", "ru"),
    ],
)
def test_a_wish_in_a_language_nobody_enabled_waits_for_a_person(text: str, spoken: str) -> None:
    assert read(text, "en").is_held
    assert read(text, spoken).stops_now


@pytest.mark.parametrize(
    "tapback",
    [
        "Liked “Reply STOP to opt out”",
        'Loved "STOP to end"',
        "Le gustó «Responde BAJA»",
        "> STOP 2 end",
    ],
)
def test_a_copy_of_our_own_footer_asks_for_nothing(tapback: str) -> None:
    assert read(tapback, "en").label == "none"


# --- Any text whatever ---------------------------------------------------------------------------


@given(text=st.text(st.characters(), max_size=300), language=ANY_LANGUAGE)
@settings(deadline=None)
def test_any_text_has_an_answer(text: str, language: str) -> None:
    reading = read(text, language)
    assert reading.label in {"opt_out", "opt_in", "help", "none"}
    assert bool(reading.kind) == (reading.label != "none") == bool(reading.confidence)
    assert reading.rule_version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "\ud800",
        "stop\udfff",
        "\u0301" * 100_000,
        "a" + "\u0301" * 100_000,
        '"' * 1_600,
        "“" * 1_600,
        "s t o p " * 200,
        "plz stpo sendin me txts " * 66,
        "别" * 1_600,
        "\ufdfa" * 1_600,
        "stop. " * 50_000,
        "🛑" * 100_000,
    ],
    ids=lambda text: f"{text[:8]!a} of {len(text)}",
)
def test_a_hard_text_has_an_answer(text: str) -> None:
    assert read(text).label in {"none", "opt_out"}


def test_nothing_behind_the_first_part_of_a_text_is_looked_at() -> None:
    text = "hello " * 300
    assert read(text + "unsubscribe me") == read(text)
