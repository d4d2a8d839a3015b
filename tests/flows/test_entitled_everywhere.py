"""Does every address ask for the licence and for the feature, whatever it is that they lack?

The table of addresses is that of tests/flows/test_tenancy.py, which has every one there is: Alice,
who owns the conversation, and Sue, who supervises it, get what somebody gets who never had a
licence. What sockets, notices and searches do is told in tests/flows/test_feature_off.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import Account, FeatureGrant, License, LicensePool
from tests.flows.test_tenancy import SECRETS, TABLE, WAYS, Scene, _ask, _complaints, _text, scene

__all__ = ["scene"]
DAY = timedelta(days=1)
LOSERS = ("alice", "sue")


def _licence_over(scene: Scene) -> None:
    _licences(scene).update(ends_at=timezone.now())


def _licence_not_begun(scene: Scene) -> None:
    _licences(scene).update(starts_at=timezone.now() + DAY)


def _licence_called_off(scene: Scene) -> None:
    _licences(scene).update(ends_at=F("starts_at"))


def _seats_over(scene: Scene) -> None:
    License.objects.filter(pool__account=scene.house.account).update(ends_at=timezone.now())
    LicensePool.objects.filter(account=scene.house.account).update(ends_at=timezone.now())


def _feature_over(scene: Scene) -> None:
    _grants(scene).update(ends_at=timezone.now())


def _feature_not_begun(scene: Scene) -> None:
    _grants(scene).update(starts_at=timezone.now() + DAY)


def _suspended(scene: Scene) -> None:
    Account.objects.filter(pk=scene.house.account.pk).update(status="suspended")


def _licences(scene: Scene) -> Any:
    return License.objects.filter(holder__in=[scene.house.alice, scene.house.sue])


def _grants(scene: Scene) -> Any:
    return FeatureGrant.objects.filter(account=scene.house.account, feature="team_inbox")


LACKS: dict[str, Callable[[Scene], None]] = {
    "licence over": _licence_over,
    "licence not begun": _licence_not_begun,
    "licence called off": _licence_called_off,
    "seats over": _seats_over,
    "feature over": _feature_over,
    "feature not begun": _feature_not_begun,
    "suspended": _suspended,
}

# Her own browser, which stays hers; that nothing wakes it is asked in tests/inbox/test_pushing.py.
OF_ALICE = {"push_browser", "push_test"}


@pytest.mark.parametrize("lack", LACKS)
def test_who_lacks_it_gets_nothing_at_any_address(scene: Scene, lack: str) -> None:
    scene.people["sue"] = scene.house.sue
    for who in LOSERS:
        assert any(secret in _text(scene.client(who).get("/inbox/support/")) for secret in SECRETS)
    LACKS[lack](scene)
    before = scene.rows()
    wrong: list[str] = []

    for name, methods in TABLE.items():
        for (method, row), who, way in itertools.product(methods.items(), LOSERS, WAYS):
            answer = _ask(scene, name, method, who, way)
            where = f"{name}: {method} {way} for {who}"
            is_own = who == "alice" and name in OF_ALICE
            wrong += _complaints(scene, row.alice if is_own else row.others["nora"], answer, where)

    assert wrong == []
    assert scene.rows() == before, "somebody changed something"
