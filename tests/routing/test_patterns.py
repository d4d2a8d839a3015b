"""Does a text have the words that an admin wrote, in whatever script?"""

import pytest

from routing.patterns import has_words


@pytest.mark.parametrize(
    ("text", "wanted", "has"),
    [
        ("What is the PRICE?", "price", True),
        ("Priceless", "price", False),
        ("how   much is it", "how much", True),
        ("¿Cuál es la dirección?", "direccion", True),
        ("ok 👍", "👍", True),
        ("really?", "?", True),
        ("anything", " ", False),
        # Scripts without blanks: anywhere in the text.
        ("请问这个价格是多少", "价格", True),
        ("请问地址在哪里", "价格", False),
        ("料金はいくらですか", "いくら", True),
        ("ราคาเท่าไหร่ครับ", "ราคา", True),
        ("ສະບາຍດີລາຄາເທົ່າໃດ", "ລາຄາ", True),
        ("iPhone价格多少", "iphone价格", True),
        # The vowels of India's scripts are marks within words.
        ("क्या आप हां कह रहे हैं", "हां", True),
        ("यह अच्छा है", "हां", False),
        ("வணக்கம் ஐயா", "வணக்கம்", True),
        ("வணக்கா ஐயா", "வணக்கம்", False),
        # Letters of another style, and marks that nobody sees.
        ("𝐑𝐞𝐟𝐮𝐧𝐝 please", "refund", True),
        ("ＲＥＦＵＮＤ please", "refund", True),
        ("re\u00adfund please", "refund", True),
        ("a refund\u200b, now", "refund", True),
        ("I love it ❤", "❤️", True),
        ("I love it ❤️", "❤", True),
        ("İPTAL istiyorum", "iptal", True),
        ("I don’t know", "don't", True),
        ("snake_case", "case", False),
        # Hangul has blanks, but particles hang on its words: whole words are asked for.
        ("가격 알려 주세요", "가격", True),
    ],
)
def test_words_are_found_as_people_write_them(text: str, wanted: str, *, has: bool) -> None:
    assert has_words(text, wanted) is has
