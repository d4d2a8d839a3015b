"""Is what the documentation tells developers true? Its examples are run as they stand."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from inbox.lookups.asking import Asked, Subject, ask
from inbox.models import Contact
from routing import data_action
from routing.data_action import Known, Question, Verdict, read_verdict, request_body
from routing.facts import Customer, Directory, Person
from routing.lookups import add_data_action, begin_new_secret, new_secret
from routing.models import DataAction
from tests.conftest import House

PAGE = (Path(__file__).parents[3] / "docs/data-actions.md").read_text()
ANNA = Known(Directory({1: Person(1, "Anna", "anna@example.com"), 2: Person(2, "Bo")}))


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def question(text: str) -> Question:
    return Question(
        "msg_1",
        3,
        data_action.Inbox(4, "Support", "+15550100001"),
        data_action.Contact("5f0c", "Zoë", "+14155550100"),
        data_action.Conversation("9a1e", is_new=True),
        data_action.Message(
            "77b2", text, "sms", timezone.now(), (data_action.Media("image/jpeg"),)
        ),
        (data_action.Member(1, "anna@example.com", True, 2),),
    )


def shape(value: Any) -> Any:
    """Return the keys of JSON, however deep."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items() if name != "attributes"}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_the_question_has_the_documented_shape() -> None:
    told = shape(json.loads(request_body(question("Hi"))))
    documented = shape(json.loads(examples("json")[0]))

    # Lists of texts may be empty there and filled here.
    assert json.dumps(told, sort_keys=True).replace("[null]", "null") == json.dumps(
        documented, sort_keys=True
    ).replace("[null]", "null")


def test_the_documented_answer_is_understood_as_a_whole() -> None:
    known = replace(ANNA, teams={7: "Sales"}, policies=["Urgent"])

    verdict = read_verdict(examples("json")[1].encode(), known)

    assert isinstance(verdict, Verdict)
    assert (verdict.users, verdict.teams, verdict.claim) == ((1, 2), (7,), True)
    assert (verdict.attributes, verdict.escalation) == ({"last_order": "A-17"}, "Urgent")
    assert verdict.skipped == ()


# --- The receiver ---


class Receiver:
    """The documented receiver, running as a program of its own."""

    def __init__(self, folder: Path) -> None:
        self.code = folder / "receiver.py"
        self.code.write_text(examples("python")[1])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *secrets: str) -> str:
        """Start it with these secrets; return its address."""
        self.stop()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        known = {**os.environ, "SECRET": " ".join(secrets), "PORT": str(port)}
        self.process = subprocess.Popen(
            [sys.executable, str(self.code)], env=known, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        return f"http://127.0.0.1:{port}/"

    def stop(self) -> None:
        """End it."""
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def receiver(tmp_path: Path, settings: Any) -> Iterator[Receiver]:
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]
    running = Receiver(tmp_path)
    yield running
    running.stop()


def add_code(house: House) -> DataAction:
    given: Any = {"account": house.account, "by": house.sue, "now": timezone.now()}
    return add_data_action(name="code", url="https://code.example.com/", **given)[0]


def asked(house: House, url: str, text: str = "I want a refund", late: int = 0) -> Asked:
    DataAction.objects.update(url=url)
    contact, _ = Contact.objects.get_or_create(account=house.account)
    subject = Subject(contact, Customer(number="+14155550100"), question(text), ANNA)
    now = timezone.now() + timedelta(seconds=late)
    return ask(["code"], account_id=house.account.pk, subject=subject, now=now)["code"]


def test_the_documented_receiver_believes_us_and_is_understood(
    house: House, receiver: Receiver
) -> None:
    url = receiver.start(add_code(house).secret)

    found = asked(house, url)
    nothing = asked(house, url, text="Où est ma commande ? “bleue” 🎈")

    assert found.answer.failure == ""
    assert found.answer.fields == {
        "users": ("1",),
        "claim": True,
        "tags": ("refund",),
        "note": "They want their money back.",
        "attributes.asked_for_refund": True,
    }
    assert found.skipped == ()
    assert (nothing.answer.failure, nothing.answer.fields) == ("", {})


def test_it_believes_nobody_else_and_nothing_old(house: House, receiver: Receiver) -> None:
    row = add_code(house)
    refused = "It does not accept our credentials (401)."

    assert asked(house, receiver.start(new_secret())).answer.failure == refused
    url = receiver.start(row.secret)
    assert asked(house, url, late=-301).answer.failure == refused
    assert asked(house, url, late=301).answer.failure == refused
    assert asked(house, url).answer.failure == ""


def test_while_the_secret_changes_it_may_know_either(house: House, receiver: Receiver) -> None:
    row = add_code(house)
    old = row.secret
    row, new = begin_new_secret(action=row, version=row.version, by=house.sue, now=timezone.now())

    for known in ((old,), (new,), (new, old)):
        assert asked(house, receiver.start(*known)).answer.failure == ""
