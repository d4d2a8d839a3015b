"""Does the admin answer whatever somebody types into its address bar or sends to it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from accounts.admin_scope import ScopedAdmin
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
VALUES = ("", "x", "-1", "1.5", HUGE, "9223372036854775808", "True", "'\"<b>", "é日本", "1,2", "١")
QUERIES = (
    *(f"{name}={value}" for name in ("p", "o", "q", "e", "all", "_facets") for value in VALUES),
    "_popup=1&_to_field=password",
    "_to_field=id",
    "o=1.-1.99.x",
    "p=1&p=2",
    f"q={'word ' * 60}",
    "when=never&what=nothing",
    "_changelist_filters=x%3D1",
)
KEYS = ("x", "-1", HUGE, "1.5", "é", "_5F", "a/b", "%20", "''", "1%2F2")
WHO = ("staff", "partner", "admin", "auditor")


@pytest.fixture
def clients(db: None) -> dict[str, Client]:
    acme: Company = make_company("Acme", "Northwind")
    people = {
        "staff": make_staff(),
        "partner": make_partner_user(acme.partner),
        "admin": make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
        "auditor": make_user(acme.account, "Audrey", works_as=User.Role.AUDITOR),
    }
    for who in ("staff", "partner"):
        enter_for_support(acme, people[who])
    return {who: browser_of(user) for who, user in people.items()}


def _models() -> list[type[Model]]:
    return list(admin.site._registry)


def _filters(model: type[Model]) -> Iterator[str]:
    """Yield every question that a list allows in its address bar, oddly answered."""
    scoped = admin.site.get_model_admin(model)
    assert isinstance(scoped, ScopedAdmin)
    for item in scoped.list_filter:
        if isinstance(item, type):
            continue
        name = item if isinstance(item, str) else str(item[0])  # type: ignore[index]
        for end in ("exact", "isnull", "isempty", "id__exact", "gte", "lt"):
            yield from (f"{name}__{end}={quote(value)}" for value in VALUES)
    if scoped.date_hierarchy:
        field = scoped.date_hierarchy
        for value in (*VALUES, "0", "99999", "13", "2026"):
            yield f"{field}__year={quote(value)}"
            yield f"{field}__year=2026&{field}__month={quote(value)}"
            yield f"{field}__year=2026&{field}__month=2&{field}__day={quote(value)}"
            yield f"{field}__gte={quote(value)}"


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_a_list_answers_every_question(clients: dict[str, Client], who: str) -> None:
    client, wrong = clients[who], []

    for model in _models():
        for query in (*QUERIES, *_filters(model)):
            for page in ("", "export/") if "__" in query else ("",):
                url = f"{admin_url(model, 'list')}{page}?{query}"
                try:
                    answer = client.get(url)
                    content_of(answer)
                except Exception as error:
                    wrong.append(f"{url}: {error!r}"[:200])
                    continue
                if answer.status_code not in {200, 302, 400, 403}:
                    wrong.append(f"{url}: {answer.status_code}")

    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_a_row_that_is_none_is_not_there(clients: dict[str, Client], who: str) -> None:
    client, wrong = clients[who], []

    for model in _models():
        base = admin_url(model, "list")
        tasks = getattr(admin.site.get_model_admin(model), "tasks", ())
        urls = [f"{base}{key}/{page}/" for key in KEYS for page in ("change", "history", "delete")]
        urls += [f"{base}{task.name}/?ids={key}" for key in KEYS for task in tasks]
        for url in urls:
            for send in (client.get, client.post):
                try:
                    status = send(url).status_code
                except Exception as error:
                    wrong.append(f"{url}: {error!r}"[:200])
                    continue
                if status not in {302, 400, 403, 404}:
                    wrong.append(f"{url}: {status}")

    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
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
