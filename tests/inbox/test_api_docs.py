"""Are the examples of docs/api.md such as the API takes?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from inbox.api_urls import of_settings
from tests.conftest import House
from tests.factories import make_user

pytestmark = pytest.mark.django_db
DOCS = (Path(__file__).parents[2] / "docs/api.md").read_text()


def test_the_document_of_the_docs_is_taken_in_and_comes_back_as_it_is(house: House) -> None:
    text = next(one for one in re.findall(r"```json\n(.*?)```", DOCS, re.S) if '"inbox"' in one)
    document = json.loads(text)
    make_user(house.account, "Anna", team=house.inbox.team, email="anna@example.com")
    api = Client()
    api.force_login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))
    path = f"/api/v1/inboxes/{house.inbox.public_id}/document/"
    body = {
        "document": document,
        "version": api.get(path).json()["version"],
        "publish": True,
        "sure": True,
    }

    answer = api.put(path, json.dumps(body), content_type="application/json")

    assert answer.status_code == 200, answer.json()
    assert answer.json()["published"] == 1
    back = answer.json()["document"]
    assert (back["hours"], back["replies"]) == (document["hours"], document["replies"])
    assert back["escalation"]["name"] == "Fast"


def test_every_address_of_the_settings_is_in_the_docs() -> None:
    for entry in of_settings:
        last = [one for one in str(entry.pattern).split("/") if one and "<" not in one][-1]
        assert f"{last}/" in DOCS, entry.pattern
