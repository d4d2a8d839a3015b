"""What do the compliance pages show and change, for whom, and what do they say to wrong input?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, SupportAccess, User
from compliance.in_force import RulesInForce, assume
from compliance.jurisdictions import Pack, read_pack, shipped_pack
from compliance.models import CompliancePolicy, RuleOverride
from compliance.policies import policy_of
from tests.admin_world import browser_of, make_staff
from tests.compliance.packs import pack_document
from tests.conftest import House
from tests.factories import make_user

PAGE, FLORIDA = "/settings/compliance/", "/settings/compliance/rules/US-FL/"
Login = Callable[[User], Client]
TYPED = {
    "version": "0",
    "reply_after_opt_out_sms": "block",
    "reply_after_opt_out_whatsapp": "ask",
    "open_days": "7",
    "reply_free_hours": "12",
    "reply_window": "mon-sun=07:00-23:00",
    "notification_window": "mon-sun=08:00-22:00",
    "promotion_window": "mon-fri=10:00-17:00;sat-sun=none",
    "most_a_day": "2",
}


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


@pytest.fixture
def audrey(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))


@pytest.fixture
def officer(house: House) -> Client:
    """A compliance officer who is in the account for support."""
    ours, now = make_staff("officer@platform.example"), timezone.now()
    call_command("appoint_compliance_officer", ours.email)
    SupportAccess.objects.create(
        account=house.account,
        user=ours,
        reason="Counsel asked us",
        starts_at=now,
        ends_at=now + timedelta(hours=1),
    )
    return browser_of(ours)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def rule(client: Client, column: str, value: str, seen: int = 0, **more: str) -> Any:
    data = {"column": column, "seen": str(seen), f"{column}-value": value, "do": "save"}
    return client.post(FLORIDA, {**data, **{f"{column}-{name}": v for name, v in more.items()}})


# --- The policy ----------------------------------------------------------------------------------


def test_an_admin_settles_what_holds_for_all_messages(house: House, ada: Client) -> None:
    answer = ada.post(PAGE, TYPED, follow=True)

    assert answer.status_code == 200
    assert "Saved. It holds for every message from now on." in text(answer)
    policy = policy_of(house.account.pk)
    assert (policy.open_for, policy.most_a_day) == (timedelta(days=7), 2)
    assert 'value="mon-fri=10:00-17:00;sat-sun=none"' in text(answer)
    assert "Last changed:" in text(answer)


def test_an_auditor_reads_everything_and_changes_nothing(
    house: House, ada: Client, audrey: Client
) -> None:
    ada.post(PAGE, TYPED)
    rule(ada, "most_a_day", "2")

    page, row = audrey.get(PAGE), audrey.get(FLORIDA)

    assert "mon-fri=10:00-17:00;sat-sun=none" in text(page)
    assert "Let them answer" not in text(page)
    assert "Never" in text(page)
    for shown in (page, row):
        assert shown.status_code == 200
        assert "csrfmiddlewaretoken" not in text(shown).partition("<main")[2]
        assert "not legal advice" in text(shown)
    assert audrey.post(PAGE, {**TYPED, "open_days": "9"}).status_code == 404
    assert rule(audrey, "most_a_day", "1", seen=1).status_code == 404
    assert policy_of(house.account.pk).open_for == timedelta(days=7)
    assert RuleOverride.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("promotion_window", "mon-sun=20:00-08:00", "ends before it starts"),
        ("promotion_window", "mon-sun=08:00-08:00", "ends before it starts"),
        ("promotion_window", "mon-fri=08:00-20:00;caturday=none", "is no day"),
        ("promotion_window", "", "required"),
        ("promotion_window", "   ", "required"),
        ("notification_window", "mon-fri=08:00-20:00", "Nothing is said of sat, sun"),
        (
            "notification_window",
            "mon-sun=08:00-20:00;hol=none",
            "Holidays are those of the country",
        ),
        ("notification_window", "x" * 500, "at most 400 characters"),
        ("open_days", "0", "greater than or equal to 1"),
        ("open_days", "366", "less than or equal to 365"),
        ("open_days", "soon", "whole number"),
        ("open_days", "9" * 400, "less than or equal to 365"),
        ("most_a_day", "0", "greater than or equal to 1"),
        ("most_a_day", "-1", "greater than or equal to 1"),
        ("reply_after_opt_out_sms", "defer", "not one of the available choices"),
        ("reply_after_opt_out_whatsapp", "", "required"),
    ],
)
def test_a_custom_window_or_number_that_is_none_is_refused_and_what_was_typed_stays(
    ada: Client, field: str, value: str, words: str
) -> None:
    """Section 14: a custom window whose end is before its start, an unknown day, nothing."""
    answer = ada.post(PAGE, {**TYPED, field: value})

    assert answer.status_code == 422
    assert words in text(answer)
    assert 'value="mon-fri=10:00-17:00;sat-sun=none"' in text(answer) or "promotion" in field
    assert not CompliancePolicy.objects.exists()


def test_24_00_is_allowed_as_an_end(house: House, ada: Client) -> None:
    """Section 14."""
    assert ada.post(PAGE, {**TYPED, "promotion_window": "mon-sun=18:00-24:00"}).status_code == 302
    assert policy_of(house.account.pk).promotion.week[0][0].ends == 24 * 60


def test_two_who_change_it_at_once_do_not_undo_each_other(
    house: House, ada: Client, login: Login
) -> None:
    other = login(make_user(house.account, "Olga", works_as=User.Role.ACCOUNT_ADMIN))
    seen = {
        "seen_reply_after_opt_out_sms": "ask",
        "seen_reply_after_opt_out_whatsapp": "allow",
        "seen_open_days": "30",
        "seen_notification_window": "any",
        "seen_promotion_window": "any",
        "seen_most_a_day": "",
    }
    other.post(PAGE, {**TYPED, **seen, "open_days": "5"})

    answer = ada.post(PAGE, {**TYPED, **seen})

    assert answer.status_code == 409
    assert "somebody else changed this" in text(answer)
    assert 'Days open for replies: <strong dir="auto">5</strong>' in text(answer)
    assert 'name="open_days" value="7"' in text(answer)
    assert policy_of(house.account.pk).open_for == timedelta(days=5)


# --- Rules of countries --------------------------------------------------------------------------


def test_the_rows_are_listed_with_how_they_are_founded(ada: Client) -> None:
    page = text(ada.get(PAGE))

    assert f"Messages are judged by pack {shipped_pack().version}." in page
    assert "sourced-secondary" in page
    assert "mon-sat=08:00-20:00;sun=none;hol=none" in page


def test_a_row_is_shown_with_its_sources_and_what_holds(ada: Client) -> None:
    page = text(ada.get(FLORIDA))

    assert "law (secondary source)" in page
    assert "https://" in page
    assert "<dt>The row says</dt><dd>mon-sun=08:00-20:00</dd>" in page
    assert "not legal advice" in page


def test_rows_that_nobody_reviewed_for_long_are_marked(ada: Client) -> None:
    document = pack_document("2027-01-15")
    today = timezone.now().date()
    for row in document["rows"]:
        is_old = row["code"] == "US-FL"
        row["last_reviewed"] = str(today - timedelta(days=181 if is_old else 180))
    assume(RulesInForce(read_pack(document)))

    assert "1 rule was last reviewed over 180 days ago." in text(ada.get(PAGE))
    assert "last reviewed over 180 days ago" in text(ada.get(FLORIDA))
    assert "over 180 days ago" not in text(ada.get("/settings/compliance/rules/FR/"))


def test_an_admin_settles_a_stricter_rule_and_goes_back(house: House, ada: Client) -> None:
    assert rule(ada, "promo_window", "mon-fri=10:00-17:00;sat-sun=none").status_code == 302
    page = text(ada.get(FLORIDA))
    assert "<dt>So this holds</dt><dd><strong>mon-fri=10:00-17:00;sat-sun=none</strong>" in page
    assert "1 of your own" in text(ada.get(PAGE))

    back = ada.post(FLORIDA, {"column": "promo_window", "seen": "1", "do": "clear"}, follow=True)

    assert "The country’s rule holds again." in text(back)
    assert "<dt>So this holds</dt><dd><strong>mon-sun=08:00-20:00</strong>" in text(back)
    assert RuleOverride.objects.count() == 2


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("promo_window", "mon-sun=07:00-20:00", "mon 07:00-08:00 lies outside"),
        ("promo_window", "any", "Only a compliance officer may sign that"),
        ("promo_window", "mon-sun=20:00-08:00", "ends before it starts"),
        ("promo_window", "", "Write a rule"),
        ("promo_consent", "express", "Only a compliance officer may sign that"),
        ("promo_consent", "a nod", "no kind of consent"),
        ("most_a_day", "4", "Only a compliance officer may sign that"),
        ("most_a_day", "0", "no whole number from 1 to 999"),
        ("optout_keep_years", "5", "Only a compliance officer may sign that"),
        ("consent_evidence_years", "x" * 500, "at most 400 characters"),
    ],
)
def test_what_is_looser_or_wrong_is_refused_and_what_was_typed_stays(
    ada: Client, column: str, value: str, words: str
) -> None:
    answer = rule(ada, column, value, reason="We would like to")

    assert answer.status_code == 422
    assert words in text(answer).replace("&#x27;", "'")
    assert "We would like to" in text(answer)
    assert value[:40] in text(answer)
    assert not RuleOverride.objects.exists()


def test_who_was_slower_is_told_and_sees_what_holds(ada: Client) -> None:
    rule(ada, "most_a_day", "2")

    answer = rule(ada, "most_a_day", "1")

    assert answer.status_code == 422
    assert "Somebody else changed this rule" in text(answer)
    assert "<dt>So this holds</dt><dd><strong>2</strong>" in text(answer)
    # What the next press of the button says it saw.
    assert rule(ada, "most_a_day", "1", seen=1).status_code == 302


def test_an_officer_in_the_account_signs_what_is_looser(house: House, officer: Client) -> None:
    unsigned = rule(officer, "promo_window", "mon-sun=08:00-21:00")
    assert unsigned.status_code == 422
    assert "Say why" in text(unsigned)

    signed = rule(officer, "promo_window", "mon-sun=08:00-21:00", reason="Opinion of counsel")

    assert signed.status_code == 302
    page = text(officer.get(FLORIDA))
    assert "Signed as looser" in page
    assert "Opinion of counsel" in page
    line = AuditEntry.objects.get(action="rule_signed_looser")
    assert (line.account, line.data["reason"]) == (house.account, "Opinion of counsel")


def test_staff_who_are_no_officers_sign_nothing(house: House, officer: Client) -> None:
    call_command("appoint_compliance_officer", "officer@platform.example", end=True)

    answer = rule(officer, "promo_window", "mon-sun=08:00-21:00", reason="Because")

    assert answer.status_code == 422
    assert "Only a compliance officer" in text(answer)


def test_a_signature_for_an_older_rule_is_shown_as_lapsed(ada: Client, officer: Client) -> None:
    rule(officer, "promo_window", "mon-sun=08:00-21:00", reason="Opinion of counsel")
    newer = read_pack(pack_document("2027-01-15", "US-FL", promo_window="mon-sun=09:00-19:00"))
    assume(RulesInForce(newer))

    page = text(ada.get(FLORIDA))

    assert "This was signed when the row said “mon-sun=08:00-20:00”." in page
    assert "<dt>So this holds</dt><dd><strong>mon-sun=09:00-19:00</strong>" in page


def test_rules_for_a_row_that_is_gone_are_named(ada: Client) -> None:
    rule(ada, "most_a_day", "2")
    rows = {code: row for code, row in shipped_pack().rows.items() if code != "US-FL"}
    assume(RulesInForce(Pack("2027-01-15", rows)))

    assert "rows that this pack does not have" in text(ada.get(PAGE))
    assert ada.get(FLORIDA).status_code == 404


def test_what_is_no_row_or_column_is_not_there(ada: Client) -> None:
    for path in ("XX", "us-fl", "US-FL'", "%00", "US-*-1", "a" * 300):
        assert ada.get(f"/settings/compliance/rules/{path}/").status_code in {400, 404}
    assert ada.post(FLORIDA, {"column": "sender_rules", "seen": "0"}).status_code == 404
    assert ada.post(FLORIDA, {}).status_code == 404
    assert ada.get("/settings/compliance/rules/US-*/").status_code == 200


def test_the_page_of_many_own_rules_asks_no_more_questions(
    house: House, ada: Client, django_assert_max_num_queries: Any
) -> None:
    for column in ("most_a_day", "consent_evidence_years", "optout_keep_years"):
        rule(ada, column, "2" if column == "most_a_day" else "20")
    ada.get(PAGE)

    with django_assert_max_num_queries(12):
        ada.get(PAGE)
    with django_assert_max_num_queries(12):
        ada.get(FLORIDA)


def test_people_of_other_accounts_see_their_own_rules_only(
    house: House, ada: Client, login: Login, charlie: User
) -> None:
    rule(ada, "most_a_day", "2")
    ada.post(PAGE, TYPED)
    assert charlie.account is not None
    otto = login(make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN))

    assert "1 of your own" not in text(otto.get(PAGE))
    assert "<dt>So this holds</dt><dd><strong>3</strong>" in text(otto.get(FLORIDA))
    assert 'value="30"' in text(otto.get(PAGE))
    for user in (house.alice, house.bob, house.sue, charlie):
        assert login(user).get(PAGE).status_code == 404
        assert login(user).get(FLORIDA).status_code == 404


# --- The week editor ------------------------------------------------------------------------------


def week(name: str, *lines: tuple[int, str, str], mode: str = "week") -> dict[str, str]:
    sent, places = {f"{name}-mode": mode}, dict.fromkeys(range(7), 0)
    for day, starts, ends in lines:
        place = places[day]
        sent |= {f"{name}-d{day}-{place}-from": starts, f"{name}-d{day}-{place}-to": ends}
        places[day] += 1
    return sent


def as_weeks(**weeks: dict[str, str]) -> dict[str, str]:
    """Return what a browser sends: no text, but a week for each of the three fields."""
    typed = {name: value for name, value in TYPED.items() if not name.endswith("_window")}
    names = ("reply_window", "notification_window", "promotion_window")
    every = {name: week(name, mode="any") for name in names}
    for sent in (every | weeks).values():
        typed |= sent
    return typed


def test_a_week_is_written_day_by_day_and_kept_as_a_window(house: House, ada: Client) -> None:
    lines = [*((day, "09:00", "18:00") for day in range(5)), (5, "10:00", "12:00")]
    lines.append((5, "14:00", "16:00"))
    sent = as_weeks(promotion_window=week("promotion_window", *lines))

    assert ada.post(PAGE, sent).status_code == 302

    row = CompliancePolicy.objects.get()
    assert row.promotion_window == "mon-fri=09:00-18:00;sat=10:00-12:00,14:00-16:00;sun=none"
    assert row.notification_window == "any"
    page = text(ada.get(PAGE))
    assert 'name="promotion_window-d5-1-to" value="16:00"' in page


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ((0, "18:00", "00:00"), "mon=18:00-24:00;tue-sun=none"),
        ((0, "9", "5 pm"), "mon=09:00-17:00;tue-sun=none"),
    ],
)
def test_midnight_and_loose_times_are_read(
    ada: Client, line: tuple[int, str, str], kept: str
) -> None:
    assert (
        ada.post(PAGE, as_weeks(promotion_window=week("promotion_window", line))).status_code == 302
    )

    assert CompliancePolicy.objects.get().promotion_window == kept


def test_a_night_goes_on_into_the_next_day(ada: Client) -> None:
    sent = week("promotion_window", (6, "22:00", "02:00"))
    sent["promotion_window-d6-0-next"] = "on"

    assert ada.post(PAGE, as_weeks(promotion_window=sent)).status_code == 302

    kept = CompliancePolicy.objects.get().promotion_window
    assert kept == "mon=00:00-02:00;tue-sat=none;sun=22:00-24:00"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([(0, "18:00", "09:00")], "Does it end on the next day?"),
        ([(0, "09:00", "")], "Write both times"),
        ([(0, "soon", "later")], "Write times like 9:00"),
        ([(0, "09:00", "12:00"), (0, "11:00", "14:00")], "This overlaps"),
    ],
)
def test_a_line_that_is_wrong_says_so_and_what_was_typed_stays(
    ada: Client, lines: list[tuple[int, str, str]], words: str
) -> None:
    answer = ada.post(PAGE, as_weeks(promotion_window=week("promotion_window", *lines)))

    assert answer.status_code == 422
    assert words in text(answer)
    assert f'name="promotion_window-d0-0-from" value="{lines[0][1]}"' in text(answer)
    assert not CompliancePolicy.objects.exists()


def test_without_a_script_lines_come_and_go_by_buttons_and_nothing_is_saved(ada: Client) -> None:
    sent = as_weeks(promotion_window=week("promotion_window", (0, "09:00", "18:00")))

    more = ada.post(PAGE, {**sent, "do": "promotion_window-add-0", "open_days": "7"})
    like = ada.post(PAGE, {**sent, "do": "promotion_window-above-1"})
    gone = ada.post(PAGE, {**sent, "do": "promotion_window-remove-0-0"})

    assert {one.status_code for one in (more, like, gone)} == {200}
    assert 'name="promotion_window-d0-1-from"' in text(more)
    assert 'name="promotion_window-d1-0-from" value="09:00"' in text(like)
    assert 'name="promotion_window-d0-0-from"' not in text(gone)
    assert 'name="open_days" value="7"' in text(more)
    assert not CompliancePolicy.objects.exists()
    assert ada.post(PAGE, {**sent, "do": "promotion_window-fly-0"}).status_code == 404


def test_a_week_without_hours_lets_nothing_go(ada: Client) -> None:
    assert ada.post(PAGE, as_weeks(promotion_window=week("promotion_window"))).status_code == 302

    assert CompliancePolicy.objects.get().promotion_window == "mon-sun=none"
