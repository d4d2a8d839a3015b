"""Is whoever writes automatic answers told of people who could not stop them?"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from inbox.models import Sender, TeamInbox
from inbox.setup.way_out import way_out_of
from tests.conftest import House
from tests.factories import make_sender, make_user

Login = Callable[[User], Client]
FIRST = "/settings/inboxes/support/replies/first-message/"
HELLO = {"is_on": "on", "when": "per_conversation", "text0-text": "Hello!"}
INDIA = "People in India cannot answer STOP to +15550100001: add {{opt_out_link}}."
ACME = "Nobody can answer STOP to “ACME”: add {{opt_out_link}} to the text."


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


@pytest.fixture
def number(house: House) -> str:
    return house.sender.address


def in_india(house: House) -> None:
    house.account.default_country = "IN"
    house.account.save()


def under_a_name(house: House) -> None:
    Sender.objects.filter(pk=house.sender.pk).update(address="ACME")


def words(house: House, text: str, *countries: str) -> str:
    return way_out_of(house.account, house.inbox).missing(text, countries)


def test_people_of_the_account_s_country_are_looked_at(house: House, number: str) -> None:
    assert words(house, "Hello!") == ""
    in_india(house)

    assert words(house, "Hello!") == INDIA.replace("+15550100001", number)
    assert words(house, "Hello! {{opt_out_link}}") == ""


def test_people_of_the_number_s_own_country_are_looked_at(house: House) -> None:
    make_sender(house.inbox, "+911140000000", twilio_account=house.sender.twilio_account)

    assert "India" in words(house, "Hello!")


def test_a_text_for_a_country_is_looked_at_for_that_country(house: House) -> None:
    assert "India" in words(house, "Hello!", "IN")
    in_india(house)
    assert words(house, "Hello!", "US") == ""


def test_nobody_can_answer_a_name(house: House) -> None:
    under_a_name(house)

    assert words(house, "Hello!") == ACME
    assert words(house, "Hello! {{opt_out_link}}") == ""


def test_whatsapp_can_be_answered_everywhere(house: House) -> None:
    in_india(house)
    Sender.objects.filter(pk=house.sender.pk).update(address="whatsapp:+15550100003")

    assert words(house, "Hello!") == ""


# --- Where texts are written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"), [(in_india, "cannot answer STOP to"), (under_a_name, "Nobody can answer")]
)
def test_saving_a_reply_without_the_link_asks_once(
    house: House, ada: Client, change: Callable[[House], None], said: str
) -> None:
    change(house)

    refused = ada.post(FIRST, HELLO)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert TeamInbox.objects.get(pk=house.inbox.pk).replies == {}

    assert ada.post(FIRST, {**HELLO, "is_sure": "on"}).status_code == 302


def test_saving_a_reply_with_the_link_asks_nothing(house: House, ada: Client) -> None:
    in_india(house)

    answer = ada.post(FIRST, {**HELLO, "text0-text": "Hello! Stop: {{opt_out_link}}"})

    assert answer.status_code == 302


def test_a_text_for_people_of_a_country_asks_for_that_country(house: House, ada: Client) -> None:
    typed = {**HELLO, "text1-text": "Namaste!", "text1-places": "IN"}

    answer = ada.post(FIRST, typed)

    assert answer.status_code == 422
    assert "People in India" in answer.content.decode()


@pytest.mark.parametrize(("link", "is_told"), [("", True), (" {{opt_out_link}}", False)])
def test_the_preview_says_it_while_it_is_written(
    house: House, ada: Client, link: str, is_told: bool
) -> None:
    in_india(house)
    typed = {**HELLO, "text0-text": f"Acme here.{link}", "do": "preview"}

    answer = ada.post(FIRST, typed, headers={"HX-Request": "true"})

    assert ("cannot answer STOP" in answer.content.decode()) is is_told


def test_the_linter_of_rules_says_it_on_the_page_and_in_the_api(house: House, ada: Client) -> None:
    in_india(house)
    rule = {"id": "r", "name": "Refunds", "then": {"reply": {"en": "Acme looks at it."}}}
    url = f"/api/v1/inboxes/{house.inbox.public_id}/rules/"

    told = check(ada, url, rule)
    rule["then"] = {"reply": {"en": "Acme looks at it. {{opt_out_link}}"}}
    quiet = check(ada, url, rule)

    assert [one["words"] for one in told if "STOP" in one["words"]] == [
        f"In “en”: {INDIA.replace('+15550100001', house.sender.address)}"
    ]
    assert not [one for one in quiet if "STOP" in one["words"]]


def check(ada: Client, url: str, rule: dict[str, Any]) -> list[dict[str, Any]]:
    answer = ada.put(
        url,
        json.dumps({"document": {"rules": [rule]}, "check": True, "version": 1}),
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content[:400]
    found: list[dict[str, Any]] = answer.json()["findings"]
    return found
