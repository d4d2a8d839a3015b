"""Does the admin answer whatever somebody types into its address bar or sends to it?"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from accounts.models import User
from tests.admin_world import (
    Company,
    admin_url,
    browser_of,
    content_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
)
from tests.factories import make_user

HUGE = "9" * 40
VALUES = ("", "x'\"<b>é日本", "-1", HUGE)
KEYS = ("x", "-1", HUGE, "1.5", "é", "_5F", "a/b", "%20", "''", "1%2F2")


@pytest.fixture
def clients(db: None) -> dict[str, Client]:
    acme: Company = make_company("Acme", "Northwind")
    people = {
        "staff": make_staff(),
        "partner": make_partner_user(acme.partner),
        "admin": make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
    }
    for who in ("staff", "partner"):
        enter_for_support(acme, people[who])
    return {who: browser_of(user) for who, user in people.items()}


def _models() -> list[type[Model]]:
    return list(admin.site._registry)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["staff", "admin"])
def test_an_action_on_nothing_sensible_is_refused(clients: dict[str, Client], who: str) -> None:
    client, wrong = clients[who], []
    odd: tuple[dict[str, Any], ...] = (
        {"action": "delete_selected", "_selected_action": list(KEYS), "post": "yes"},
        {"action": "nothing", "_selected_action": ["1"]},
        {"action": "", "_selected_action": ["x"]},
        {"action": "delete_selected", "index": "x", "select_across": "x"},
        {"_save": "1", "form-TOTAL_FORMS": "x"},
    )

    for model in _models():
        tasks = getattr(admin.site.get_model_admin(model), "tasks", ())
        more = [{"action": task.name, "_selected_action": list(KEYS)} for task in tasks]
        for data in (*odd, *more):
            try:
                status = client.post(admin_url(model, "list"), data).status_code
            except Exception as error:
                wrong.append(f"{model.__name__} {data}: {error!r}"[:300])
                continue
            if status not in {200, 302, 400, 403}:
                wrong.append(f"{model.__name__} {data}: {status}")

    assert wrong == []


@pytest.mark.parametrize("who", ["staff", "partner"])
def test_the_fleet_answers_every_question(clients: dict[str, Client], who: str) -> None:
    client = clients[who]

    for name in ("q", "show", "o", "page"):
        for value in (*VALUES, "-", "--name", "-x", "None", "name,pk"):
            for path in ("/admin/fleet/", "/admin/fleet/export/"):
                answer = client.get(path, {name: value})
                content_of(answer)
                assert answer.status_code == 200, f"{path} {name}={value}"
