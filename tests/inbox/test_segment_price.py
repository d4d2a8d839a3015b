"""Is a price for a segment said by an admin, shown while one writes, and where reports begin?"""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry, User
from inbox.models import SegmentPrice
from tests.flows.test_together import Stage, stage

__all__ = ["stage"]


@pytest.fixture
def admin(stage: Stage) -> User:
    User.objects.filter(pk=stage.house.sue.pk).update(role=User.Role.ACCOUNT_ADMIN)
    return User.objects.get(pk=stage.house.sue.pk)


def test_a_price_is_said_shown_and_taken_back(stage: Stage, login: Any, admin: User) -> None:
    browser, alice = login(admin), login(stage.house.alice)
    thread = f"/c/{stage.row.public_id}/thread/"
    assert 'data-price=""' in alice.get(thread).text

    browser.post("/settings/", {"price": "0,0079", "currency": "usd"})

    assert str(SegmentPrice.objects.get()) == "0.0079 USD"
    shown = alice.get(thread).text
    assert 'data-price="0.00790"' in shown
    assert 'data-currency="USD"' in shown
    assert 'name="price" value="0.0079"' in browser.get("/reports/").text
    assert 'name="price" value=""' in browser.get("/reports/", {"price": ""}).text

    browser.post("/settings/", {"price": "", "currency": "USD"})

    assert not SegmentPrice.objects.exists()
    lines = AuditEntry.objects.filter(action="segment_price_changed").order_by("pk")
    assert [one.actor_id for one in lines] == [admin.pk] * 2
    assert lines[0].data["changes"] == {"segment_price": {"before": "", "after": "0.0079 USD"}}


@pytest.mark.parametrize(
    ("price", "currency", "words"),
    [
        ("0", "USD", "above 0"),
        ("11", "USD", "at most 10"),
        ("0.000001", "USD", "5 decimals"),
        ("cheap", "USD", "above 0"),
        ("0.01", "", "three letters"),
        ("0.01", "US1", "three letters"),
    ],
)
def test_what_is_no_price_is_refused_in_words(
    stage: Stage, login: Any, admin: User, price: str, currency: str, words: str
) -> None:
    answer = login(admin).post("/settings/", {"price": price, "currency": currency})

    assert answer.status_code == 422
    assert words in answer.text
    assert not SegmentPrice.objects.exists()


def test_only_an_admin_says_what_a_segment_costs(stage: Stage, login: Any) -> None:
    login(stage.house.alice).post("/settings/", {"price": "0.01", "currency": "USD"})

    assert not SegmentPrice.objects.exists()
