"""Is nonsense answered in words at every form of set-up, and never with a fault of ours?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, TwilioAccount, User
from inbox.models import Message, Sender
from tests.carrier import Twilio
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.inbox.setup.twilio_world import NUMBER, SID, TOKEN, Shop, world

CONNECTION, INBOX = "/settings/connection/", "/settings/inboxes/support/"
NUMBERS = f"{INBOX}numbers/"
ODD = {
    "long": "x" * 10_000,
    "digits": "9" * 10_000,
    "emoji": "👩‍👩‍👧‍👦" * 40,
    "right to left": "\u202e\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u202d",
    "markup": "<script>alert(1)</script>'\";--",
    "format": "%s %(number)s {0} {{ x }} {% now %}",
    "spaces": "\u00a0\u2003 \t\r\n ",
    "invisible": "\u200b\ufeff\u2060",
    "surrogate": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "another SID": "PN" + "a" * 32,
    "a SID with spaces": f"{SID[:12]} {SID[12:]}",
    "negative": "-1",
    "list": "[1, 2]",
}


def _turn_on(odd: str) -> dict[str, Any]:
    names = ("name", "numbers", "claim_rule", "hours", "bot_name", "first_reply")
    return dict.fromkeys((*names, "first_reply_text", "is_pointed"), odd)


def _look(odd: str) -> dict[str, Any]:
    names = [f"look-{name}" for name in ("name", "colour", "time_zone", "language")]
    return {"card": "look", "version": odd, "seen_name": odd, **dict.fromkeys(names, odd)}


def _card(card: str, *names: str) -> Callable[[str], dict[str, Any]]:
    return lambda odd: {"card": card, **{f"{card}-{name}": odd for name in names}}


FORMS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "what to do": (CONNECTION, lambda odd: {"do": odd, "connection": odd}),
    "change": (
        CONNECTION,
        lambda odd: {
            "do": "change",
            "auth_token": odd,
            "auth_token_next": odd,
            "api_key_sid": odd,
            "api_key_secret": odd,
        },
    ),
    "forget": (CONNECTION, lambda odd: {"do": "forget", "secret": odd}),
    "turn on": ("/settings/teams/{team}/turn-on/", _turn_on),
    "attach": (NUMBERS, lambda odd: {"do": "attach", "address": odd}),
    "attach to": (NUMBERS, lambda odd: {"do": "attach", "address": NUMBER, "connection": odd}),
    "test": (NUMBERS, lambda odd: {"do": "test", "phone": odd, "key": odd, "from": odd}),
    "move": (NUMBERS, lambda odd: {"do": "move", "to": odd}),
    "repair": (NUMBERS, lambda odd: {"do": "repair", "finding": odd}),
    "sender": (NUMBERS, lambda odd: {"do": "point", "sender": odd}),
    "look": (INBOX, _look),
    "claiming": (INBOX, _card("claiming", "claim_rule", "after_claim", "closed_visibility")),
    "waiting": (INBOX, _card("waiting", "target_minutes")),
    "ending": (INBOX, _card("ending", "reopen_hours", "reopen_owner", "auto_close_hours")),
    "greeting": (INBOX, _card("greeting", "bot_name")),
    "card": (INBOX, lambda odd: {"card": odd}),
    "off": (f"{INBOX}turn-off/", lambda odd: {"gives_back": odd}),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_answered_in_words(shop: Shop, login: Any, form: str) -> None:
    ada: Client = login(shop.admin)
    team = Team.objects.create(account=shop.account, name="Sales")
    sender = make_sender(shop.inbox, "+14155550101", twilio_account=shop.connection)
    path, typed = FORMS[form]
    ids = {"connection": shop.connection.pk, "sender": sender.pk}

    for name, odd in ODD.items():
        answer = ada.post(path.format(team=team.pk), {**ids, **typed(odd)}, follow=True)
        assert answer.status_code in (200, 404, 422), name
        assert "<script>alert" not in answer.content.decode(), name

    assert TwilioAccount.objects.get().auth_token == TOKEN
    assert set(Sender.objects.values_list("address", flat=True)) <= {"+14155550101", NUMBER}
    assert not Message.objects.exists()


@pytest.mark.parametrize("form", ["connect", "search", "buy"])
def test_it_is_answered_in_words_before_there_is_a_twilio(
    db: None, twilio: Twilio, login: Any, form: str
) -> None:
    world(twilio)
    account = make_account("Acme", deployment="byo_twilio" if form == "connect" else "cloud")
    make_inbox(account, "Support")
    ada: Client = login(make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    names = {
        "connect": ("account_sid", "auth_token", "auth_token_next", "api_key_sid"),
        "search": ("country", "kind", "area_code", "contains"),
        "buy": ("address",),
    }[form]

    for name, odd in ODD.items():
        typed = dict.fromkeys(names, odd)
        if form == "search":
            answer = ada.get(f"{NUMBERS}buy/", typed)
        elif form == "buy":
            answer = ada.post(f"{NUMBERS}buy/", typed, follow=True)
        else:
            answer = ada.post(CONNECTION, {"do": "connect", **typed}, follow=True)
        assert answer.status_code in (200, 422), name
        assert "<script>alert" not in answer.content.decode(), name

    assert not TwilioAccount.objects.exists()
    assert not Sender.objects.exists()
