"""What does the gate get of what an account settled, and does it only ever get stricter?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, User
from compliance.judging import (
    Answer,
    Case,
    Consent,
    Draft,
    Level,
    Policy,
    Purpose,
    Recipient,
    SenderKind,
    judge,
)
from compliance.jurisdictions import shipped_pack
from compliance.models import CompliancePolicy
from compliance.policies import (
    FIELDS,
    ChangedMeanwhileError,
    change_policy,
    own_window,
    policy_of,
    policy_row,
)
from compliance.state_machine import ConsentState
from compliance.windows import WindowError, read_window
from tests.compliance.test_stricter import windows
from tests.conftest import House
from tests.factories import make_account, make_user

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
DEFAULTS = {
    "reply_after_opt_out_sms": "ask",
    "reply_after_opt_out_whatsapp": "allow",
    "open_days": 30,
    "reply_free_hours": 24,
    "reply_window": "any",
    "notification_window": "any",
    "promotion_window": "any",
    "most_a_day": None,
}


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def change(house: House, by: User, version: int = 0, **values: Any) -> CompliancePolicy:
    seen = {name: "" if value is None else str(value) for name, value in DEFAULTS.items()}
    return change_policy(
        account=house.account,
        values={**DEFAULTS, **values},
        seen=seen,
        version=version,
        by=by,
        now=NOW,
    )


def test_without_a_row_the_defaults_of_the_gate_hold(house: House) -> None:
    assert policy_of(house.account.pk) == Policy()
    row = policy_row(house.account)
    assert {name: getattr(row, name) for name in FIELDS} == DEFAULTS


def test_what_is_settled_is_what_the_gate_gets(house: House, ada: User) -> None:
    change(
        house,
        ada,
        reply_after_opt_out_sms="block",
        reply_after_opt_out_whatsapp="ask",
        open_days=7,
        reply_free_hours=2,
        reply_window="mon-sun=07:00-23:00",
        notification_window="mon-sun=08:00-22:00",
        promotion_window="mon-fri=10:00-17:00;sat-sun=none",
        most_a_day=2,
    )

    assert policy_of(house.account.pk) == Policy(
        reply_after_opt_out_sms=Answer.BLOCK,
        reply_after_opt_out_whatsapp=Answer.ASK,
        open_for=timedelta(days=7),
        free_for=timedelta(hours=2),
        replies=read_window("mon-sun=07:00-23:00"),
        notifications=read_window("mon-sun=08:00-22:00"),
        promotion=read_window("mon-fri=10:00-17:00;sat-sun=none"),
        most_a_day=2,
    )
    assert policy_of(make_account("Umbrella").pk) == Policy()


def test_the_policy_is_one_question(house: House, ada: User) -> None:
    change(house, ada, open_days=7)

    with CaptureQueriesContext(connection) as asked:
        policy_of(house.account.pk)

    assert len(asked) == 1


def test_a_change_is_told_field_by_field_and_nothing_if_nothing_changed(
    house: House, ada: User
) -> None:
    change(house, ada)
    assert not AuditEntry.objects.filter(action="compliance_policy_changed").exists()

    row = change(house, ada, open_days=7)

    line = AuditEntry.objects.get(action="compliance_policy_changed")
    assert (line.account, line.actor, row.version) == (house.account, ada, 1)
    assert line.data["changes"] == {"open_days": {"before": 30, "after": 7}}


def test_who_was_slower_sees_what_others_changed(house: House, ada: User) -> None:
    change(house, ada, open_days=7)

    with pytest.raises(ChangedMeanwhileError) as changed:
        change(house, ada, open_days=5)

    assert [(one.label, one.value) for one in changed.value.differences] == [
        ("Days open for replies", "7")
    ]
    assert changed.value.version == 1
    assert policy_of(house.account.pk).open_for == timedelta(days=7)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"open_days": 0}, "1_to_365"),
        ({"open_days": 366}, "1_to_365"),
        ({"most_a_day": 0}, "1_to_999"),
        ({"reply_free_hours": 721}, "at_most_720"),
        ({"reply_after_opt_out_sms": "defer"}, "are_known"),
        ({"reply_after_opt_out_whatsapp": ""}, "are_known"),
    ],
)
def test_the_database_keeps_no_policy_that_the_gate_could_not_take(
    house: House, ada: User, wrong: dict[str, Any], rule: str
) -> None:
    row = {"account": house.account, "changed_by": ada, "changed_at": NOW, **wrong}
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        CompliancePolicy.objects.create(**row)


def test_a_window_that_somebody_broke_in_the_database_lets_nothing_out(
    house: House, ada: User
) -> None:
    change(house, ada, open_days=7)
    CompliancePolicy.objects.update(promotion_window="whenever")

    with pytest.raises(WindowError):
        policy_of(house.account.pk)


def test_an_own_window_names_no_holidays() -> None:
    assert own_window(" mon-sun=08:00-24:00 ") == "mon-sun=08:00-24:00"
    with pytest.raises(WindowError, match="Holidays are those of the country"):
        own_window("mon-sun=08:00-20:00;hol=none")


# --- Only ever stricter --------------------------------------------------------------------------

policies = st.builds(
    Policy,
    reply_after_opt_out_sms=st.sampled_from([Answer.ASK, Answer.ALLOW, Answer.BLOCK]),
    reply_after_opt_out_whatsapp=st.sampled_from([Answer.ASK, Answer.ALLOW, Answer.BLOCK]),
    open_for=st.integers(1, 365).map(lambda days: timedelta(days=days)),
    notifications=windows.map(lambda one: replace(one, holiday=None)),
    promotion=windows.map(lambda one: replace(one, holiday=None)),
    most_a_day=st.none() | st.integers(1, 5),
)
moments = st.integers(0, 7 * 24 * 4).map(lambda quarter: NOW + timedelta(minutes=15 * quarter))
ROWS = shipped_pack()


@given(
    policies,
    moments,
    st.sampled_from([["US", "US-FL"], ["FR"], ["GB"], ["ZZ"]]),
    st.sampled_from([Purpose.PROMOTIONAL, Purpose.NOTIFICATION]),
    st.integers(0, 4),
)
def test_no_policy_lets_out_what_the_rows_of_countries_hold_back(
    policy: Policy, now: datetime, codes: list[str], purpose: Purpose, sent: int
) -> None:
    consent = Consent(ConsentState.OPTED_IN, NOW - timedelta(days=9), level=Level.WRITTEN)
    case = Case(
        Draft(purpose, now, says_how_to_stop=True),
        Recipient(
            codes[0],
            codes[0],
            ROWS.rules_for(codes),
            (ZoneInfo("Europe/Paris"),),
            consent=consent,
            sent_lately=tuple(now - timedelta(hours=n + 1) for n in range(sent)),
        ),
        SenderKind.LONG_CODE,
    )

    bare, strict = judge(case, now=now), judge(replace(case, policy=policy), now=now)

    if bare.answer is not Answer.ALLOW:
        assert strict.answer is not Answer.ALLOW
    if bare.until and strict.until and bare.code == strict.code:
        assert strict.until >= bare.until
    assert {one.code for one in bare.findings} <= (
        {one.code for one in strict.findings}
        # Where no hour is left at all it does not wait any more.
        | ({"QUIET_HOURS"} if "QUIET_HOURS_EXPIRED" in {f.code for f in strict.findings} else set())
    )
