"""What does the page of asking and opt-outs show and change, for whom, and with which mistakes?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.asking_settings import asking_of
from compliance.evidence import OptOutScope
from compliance.models import CompliancePolicy
from tests.conftest import House
from tests.factories import make_account, make_user

PAGE = "/settings/compliance/asking/"
Login = Callable[[User], Client]
BLANK = {f"{what}{n}": "" for what in ("name", "code") for n in range(1, 10)}
TYPED: dict[str, Any] = {
    **BLANK,
    "version": "0",
    "confirms": "on",
    "scope": "every",
    "clarifies": "on",
    "name1": "Reminders",
    "name2": "Offers",
    "confirm": "Acme: Reply YES to get our messages, STOP to stop.",
    "clarify": "Acme: You get no more messages. Keep one: {programmes}.",
}


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


@pytest.fixture
def audrey(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))


def test_it_is_saved_with_an_audit_line_and_shown(house: House, ada: Client) -> None:
    answer = ada.post(PAGE, TYPED)

    assert answer.status_code == 302
    kept = asking_of(house.account.pk)
    assert (kept.confirms, kept.scope, kept.may_clarify) == (True, OptOutScope.EVERY, True)
    assert [(one.number, one.code) for one in kept.programmes] == [(1, "reminders"), (2, "offers")]
    assert kept.texts["confirm"] == {"en": TYPED["confirm"]}
    assert CompliancePolicy.objects.get().scope_since is not None
    line = AuditEntry.objects.get(action="consent_asking_changed")
    assert line.data["changes"]["opt_out_scope"] == {"before": "family", "after": "every"}
    page = ada.get(PAGE).content.decode()
    assert "Opt-outs of before keep the scope of their day" in page
    assert "1 Reminders, 2 Offers" in page
    assert "not legal advice" in page


def test_saving_the_same_again_writes_nothing(ada: Client) -> None:
    ada.post(PAGE, TYPED)

    again = {**TYPED, "version": "1", "code1": "reminders", "code2": "offers"}
    assert ada.post(PAGE, again).status_code == 302

    assert AuditEntry.objects.filter(action="consent_asking_changed").count() == 1
    assert CompliancePolicy.objects.get().version == 1


def test_renaming_keeps_the_code_and_a_new_line_gets_one(house: House, ada: Client) -> None:
    ada.post(PAGE, TYPED)

    renamed = {**TYPED, "version": "1", "code1": "reminders", "name1": "Appointments"}
    ada.post(PAGE, {**renamed, "name2": "", "code2": "offers", "name3": "Offers"})

    kept = asking_of(house.account.pk).programmes
    assert [(one.code, one.name) for one in kept] == [
        ("reminders", "Appointments"),
        ("offers", "Offers"),
    ]


def test_texts_of_another_language_stand_beside(house: House, ada: Client) -> None:
    ada.post(PAGE, TYPED)
    spanish = "Acme: Responda SÍ para confirmar. Responda STOP para darse de baja."

    ada.post(f"{PAGE}?language=es", {**TYPED, "version": "1", "confirm": spanish, "clarify": ""})

    kept = asking_of(house.account.pk)
    assert kept.texts["confirm"] == {"en": TYPED["confirm"], "es": spanish}
    assert kept.texts["clarify"] == {"en": TYPED["clarify"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name2": ""}, "Name two programmes at least"),
        ({"name2": "reminders!"}, "Two programmes have the same name"),
        ({"name2": "STOP"}, "is a keyword"),
        ({"name2": "7"}, "is a number"),
        ({"name2": "🙏"}, "has no letter or digit"),
        ({"name2": "x" * 60}, "is longer than 40"),
        ({"code1": "A b"}, "is no code"),
        ({"scope": "nobody"}, "Select a valid choice"),
        ({"confirm": "Acme: hello"}, "how to say yes"),
        ({"confirm": "Acme: Reply YES to get them."}, "how to stop"),
        ({"confirm": "Reply YES to get our messages, STOP to stop."}, "who is writing"),
        ({"confirm": "Acme: YES for a 20% discount, STOP to stop."}, "marketing"),
        ({"confirm": "Acme: Reply YES, STOP to stop. " + "x" * 300}, "20 to 320"),
        ({"clarify": "Acme: You get no more messages."}, "{programmes}"),
        ({"clarify": "Acme: Keep one of {programmes}, which?"}, "no more messages follow"),
    ],
)
def test_what_may_not_be_is_told_and_stays_typed(
    ada: Client, change: dict[str, str], words: str
) -> None:
    answer = ada.post(PAGE, {**TYPED, **change})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    typed = next(iter(change.values()))
    if typed and "scope" not in change:
        assert typed in page.replace("&quot;", '"')
    assert not CompliancePolicy.objects.exists()


def test_who_saved_meanwhile_is_not_overwritten(house: House, ada: Client) -> None:
    ada.post(PAGE, TYPED)

    answer = ada.post(PAGE, {**TYPED, "scope": "family"})

    assert answer.status_code == 409
    assert "somebody changed this meanwhile" in answer.content.decode()
    assert asking_of(house.account.pk).scope is OptOutScope.EVERY


def test_an_auditor_reads_and_changes_nothing(audrey: Client) -> None:
    page = audrey.get(PAGE).content.decode()

    assert "Double opt-in" in page
    assert "Save" not in page
    assert audrey.post(PAGE, TYPED).status_code == 404
    assert not CompliancePolicy.objects.exists()


def test_agents_and_other_accounts_have_no_such_page(house: House, login: Login) -> None:
    other = make_user(make_account("Umbrella"), "Olga", works_as=User.Role.ACCOUNT_ADMIN)

    assert login(house.alice).get(PAGE).status_code == 404
    login(other).post(PAGE, {**TYPED, "clarify": "", "confirm": ""})
    assert not asking_of(house.account.pk).confirms
    assert asking_of(other.account_id or 0).confirms
