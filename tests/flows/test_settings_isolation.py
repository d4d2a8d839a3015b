"""Who gets what at every address of the settings?

One verdict per address, method and person; an address without one fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inbox.settings_urls import urlpatterns
from tests.conftest import House
from tests.factories import make_account, make_user

Login = Callable[[User], Client]
PEOPLE = ("admin", "other_admin", "supervisor", "agent", "auditor", "partner", "staff", "nobody")


@dataclass
class Scene:
    """An account with an admin, and everybody who would like to have a look."""

    house: House
    clients: dict[str, Client]


@pytest.fixture
def scene(house: House, login: Login) -> Scene:
    account, partner = house.account, house.account.partner
    admin_role, auditor_role = User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR
    elsewhere = make_account("Umbrella")
    people = {
        "admin": make_user(account, "Ada", works_as=admin_role),
        "other_admin": make_user(elsewhere, "Otto", works_as=admin_role),
        "supervisor": house.sue,
        "agent": house.alice,
        "auditor": make_user(account, "Audrey", works_as=auditor_role),
        "partner": User.objects.create(
            email="pat@example.com", name="Pat", role="partner", partner=partner, is_staff=True
        ),
        "staff": User.objects.create_superuser("stan@example.com", name="Stan"),
    }
    clients = {who: login(user) for who, user in people.items()}
    return Scene(house, {**clients, "nobody": Client()})


# Status per person, in the order of PEOPLE. 404: not yours is not there. 302: log in first.
OWN_ACCOUNT = (200, 200, 404, 404, 404, 404, 404, 302)


@dataclass(frozen=True)
class Row:
    """The verdicts on one method of one address."""

    verdicts: tuple[int, ...]
    kwargs: Callable[[Scene], dict[str, Any]] = lambda scene: {}
    data: Callable[[Scene], dict[str, Any]] = lambda scene: {}


TABLE: dict[str, dict[str, Row]] = {
    # The other admin sees their own account there, and nothing of this one.
    "settings": {"GET": Row(OWN_ACCOUNT)},
}


def test_every_address_has_a_verdict() -> None:
    names = [entry.name for entry in urlpatterns]

    assert sorted(map(str, names)) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_gets_their_verdict(scene: Scene, name: str) -> None:
    wrong: list[str] = []

    for method, row in TABLE[name].items():
        path = reverse(name, kwargs=row.kwargs(scene))
        # Who may not comes first: what they tried must not have changed anything for who may.
        for who, expected in reversed(list(zip(PEOPLE, row.verdicts, strict=True))):
            send = getattr(scene.clients[who], method.lower())
            answer = send(path, row.data(scene))
            if answer.status_code != expected:
                wrong.append(f"{method} for {who} is {answer.status_code}, not {expected}")
            if who != "admin" and expected == 200 and "Acme" in answer.content.decode():
                wrong.append(f"{method} shows the account to {who}")

    assert wrong == []
