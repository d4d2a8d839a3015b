"""Do reports say what happened, and only to who may know?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AuditEntry, Membership, User
from inbox.conversations import claim_conversation, transfer_to_inbox
from inbox.counting import count_next
from inbox.models import (
    Conversation,
    Message,
    OnlineTime,
    ReportState,
    ResponseTime,
    RoutingTrace,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.reporting import exporting
from inbox.reporting.asking import Asked, Range, period_of
from inbox.reporting.figures import Report, report_of
from inbox.reporting.scope import scope_of
from inbox.reporting.tables import time_words
from inbox.sending import send_reply
from routing.models import Rulebook, RulebookVersion
from tests.conftest import House
from tests.factories import make_inbox, make_rules, make_sender, make_user
from tests.flows.test_routing import give
from tests.flows.test_service_levels import T, Talk
from tests.twilio import text_in

Login = Callable[[User], Client]
# The evening of the same Monday.
EVENING = T + timedelta(hours=6)
TODAY = {"range": "today"}


@pytest.fixture
def talk(house: House, client: Client) -> Talk:
    return Talk(house, client, T)


def a_day(talk: Talk) -> None:
    """Maria waits 4 minutes, then 20; it is closed after 30. The day before she waited for one."""
    before = Talk(talk.house, talk.client, T - timedelta(days=1))
    before.writes(0)
    before.answers(1)
    before.closes(2)
    Conversation.objects.update(reopen_count=0, closed_at=T - timedelta(days=9))
    talk.writes(0)
    talk.answers(4)
    talk.writes(5)
    talk.answers(25)
    talk.closes(30)


def counted(account: Account, now: datetime = EVENING) -> None:
    while count_next(now=now):
        pass


def report(house: House, user: User, **asked: str) -> Report:
    scope = scope_of(house.viewer(user), user, Asked.of({**TODAY, **asked}))
    assert scope is not None
    return report_of(scope, now=EVENING)


def cards(found: Report) -> dict[str, str]:
    return {one.key: one.words for one in found.cards}


def rows(found: Report, key: str) -> list[list[Any]]:
    return [list(row) for row in found.by_key[key].rows]


# --- Numbers --------------------------------------------------------------------------------------


def test_the_cards_add_up_what_happened_and_compare_it(house: House, talk: Talk) -> None:
    a_day(talk)
    Message.objects.filter(direction="out").update(status="delivered", segments=2)
    counted(house.account)

    found = report(house, house.sue, price="0.01")

    assert cards(found) == {
        "inbound": "2",
        "outbound": "2",
        "opened": "1",
        "closed": "1",
        "standing": "0",
        "first": "4 min",
        "first_p90": "4 min",
        "reply": "12 min",
        "close": "30 min",
        "late": "50.0 %",
        "opt_outs": "0",
        "failed": "0.0 %",
        "segments": "4",
        "cost": "0.04",
    }
    by_key = {one.key: one for one in found.cards}
    assert (by_key["inbound"].before, by_key["inbound"].change) == ("1", "+100 %")
    assert (by_key["first"].before, by_key["first"].change) == ("1 min", "+300 %")
    assert (by_key["late"].before, by_key["late"].change) == ("0.0 %", "+50.0 points")


def test_too_long_is_what_each_inbox_says_unless_somebody_says_otherwise(
    house: House, talk: Talk
) -> None:
    a_day(talk)
    sales = make_inbox(house.account, "Sales")
    supervises = Membership.Role.SUPERVISOR
    Membership.objects.create(user=house.sue, team=sales.team, role=supervises)
    counted(house.account)
    TeamInbox.objects.filter(pk=house.inbox.pk).update(target_minutes=20)
    said: list[dict[str, str]] = [{}, {"inbox": "support"}, {"target": "5"}]

    found = [report(house, house.sue, **asked).cards for asked in said]

    late = [next(one for one in cards if one.key == "late") for cards in found]

    assert [(one.title, one.words) for one in late] == [
        ("Waited longer than their inbox allows", "0.0 %"),
        ("Waited over 20 min", "0.0 %"),
        ("Waited over 5 min", "50.0 %"),
    ]


def test_percentiles_are_exact(house: House, talk: Talk) -> None:
    talk.writes(0)
    talk.answers(1)
    first = ResponseTime.objects.get()
    for n in range(2, 11):
        ResponseTime.objects.create(
            account=house.account,
            inbox=house.inbox,
            conversation=first.conversation,
            kind="next",
            turn=n,
            user=house.alice,
            began_at=T,
            ended_at=T + timedelta(minutes=n),
            calendar_time=timedelta(minutes=n),
            business_time=timedelta(minutes=1),
        )
    counted(house.account)

    assert cards(report(house, house.sue))["reply"] == "5 min"
    assert cards(report(house, house.sue, hours="business"))["reply"] == "1 min"


def test_the_backlog_counts_back_from_now(house: House, talk: Talk) -> None:
    talk.writes(0)
    talk.answers(1)
    talk.writes(70)
    talk.closes(130)
    with time_machine.travel(talk.at(200), tick=False):
        text_in(talk.client, house.sender, "+14155550122", "Me too")
    counted(house.account)

    backlog = rows(report(house, house.sue), "backlog")

    # Hours of a day that begins at midnight in UTC.
    assert [number for _hour, number in backlog[12:18]] == [0, 1, 1, 0, 1, 1]


def test_hours_are_those_of_the_inbox(house: House, talk: Talk) -> None:
    # A quarter to an hour of UTC begins there.
    TeamInbox.objects.update(time_zone="Asia/Kathmandu")
    talk.writes(20)
    counted(house.account)

    day = {"range": "own", "from": "2026-11-23", "to": "2026-11-23"}
    volume = rows(report(house, house.sue, **day), "volume")
    week = rows(report(house, house.sue, **day), "week")

    # 13:20 in UTC is 19:05 in Kathmandu.
    assert [n for n, row in enumerate(volume) if row[1]] == [19]
    assert week[0][1 + 19] == 1
    assert sum(sum(row[1:]) for row in week) == 1


def test_days_stand_side_by_side_when_there_are_many(house: House, talk: Talk) -> None:
    a_day(talk)
    counted(house.account)

    volume = rows(report(house, house.sue, range="7"), "volume")

    assert [row[1:] for row in volume] == [[0, 0]] * 5 + [[1, 1], [2, 2]]


def test_tables_by_agent_number_tag_and_code(house: House, talk: Talk) -> None:
    a_day(talk)
    Conversation.objects.update(tags=["vip", "new"])
    last = Message.objects.filter(direction="out").order_by("-pk")[0]
    Message.objects.filter(direction="out").update(status="delivered")
    Message.objects.filter(pk=last.pk).update(status="failed", error_code="30003")
    counted(house.account)

    found = report(house, house.sue)

    medians = [timedelta(minutes=n) for n in (4, 12, 30)]
    [agent] = rows(found, "agents")
    assert agent == ["Alice", 1, 2, 1, 0, 1, *medians, 0, None]
    [number] = rows(found, "numbers")
    assert number == ["+1 555-010-0001", 2, 1, 50.0, 1, "30003 × 1", 0, 0, 1, *medians, 0]
    assert rows(found, "tags") == [
        ["new", 1, 2, 2, 1, 0, *medians, 0],
        ["vip", 1, 2, 2, 1, 0, *medians, 0],
    ]
    assert rows(found, "failures") == [["30003", 1, 100.0]]
    assert rows(found, "first_replies")[1] == ["≤ 5 min", 1]


def test_which_tags_something_has_is_told_only_where_it_lies(house: House, talk: Talk) -> None:
    sales = make_inbox(house.account, "Sales")
    sid = make_user(house.account, "Sid", team=sales.team, role=Membership.Role.SUPERVISOR)
    talk.writes(0)
    talk.answers(4)
    Conversation.objects.update(tags=["before"])
    counted(house.account)
    transfer_to_inbox(conversation=talk.row, to=sales, now=talk.at(5), **talk.by)
    talk.writes(6)
    Conversation.objects.update(tags=["before", "layoffs"])

    before, after = report(house, house.sue), report(house, sid)
    asked = [report(house, house.sue, tag=tag) for tag in ("before", "layoffs")]

    # Its answer was given in Support, and counts there.
    assert cards(before)["first"] == "4 min"
    assert rows(before, "tags") == []
    assert [(cards(one)["first"], cards(one)["inbound"]) for one in asked] == [("–", "0")] * 2
    assert {row[0] for row in rows(after, "tags")} == {"before", "layoffs"}


def online(user: User, since: datetime, minutes: int) -> None:
    assert user.account_id is not None
    OnlineTime.objects.create(
        account_id=user.account_id,
        user=user,
        began_at=since,
        ended_at=since + timedelta(minutes=minutes),
        is_open=False,
    )


def test_it_is_told_how_long_members_were_online(house: House, talk: Talk) -> None:
    gina, dora = (
        make_user(house.account, name, team=house.inbox.team) for name in ("Gina", "Dora")
    )
    dora.memberships.all().delete()
    talk.writes(0)
    send_reply(
        conversation=talk.row,
        body="Hi",
        client_id=client_id(),
        user=gina,
        by=house.viewer(gina),
        now=talk.at(1),
    )
    counted(house.account)
    gina.memberships.all().delete()
    for user in (house.alice, house.bob, gina, dora):
        online(user, T, 45)
    online(house.alice, T + timedelta(hours=2), 20)
    online(house.alice, T - timedelta(days=1), 60)

    found = report(house, house.sue)

    minutes = {row[0]: row[-1] for row in rows(found, "agents")}
    # Of who left the team it is told what they did here, not when they work elsewhere.
    assert minutes == {
        "Alice": timedelta(minutes=65),
        "Bob": timedelta(minutes=45),
        "Gina": None,
    }
    hers = report(house, house.sue, agent=str(house.alice.pk))
    assert [row[0] for row in rows(hers, "agents")] == ["Alice"]
    card = {one.key: one for one in hers.cards}["online"]
    assert (card.words, card.before, card.change) == ("1 h 5 min", "1 h", "+8 %")


def test_nobody_learns_when_people_of_others_were_online(
    house: House, talk: Talk, charlie: User
) -> None:
    dora = make_user(house.account, "Dora", team=make_inbox(house.account, "Sales").team)
    talk.writes(0)
    counted(house.account)
    for user in (house.alice, dora, charlie):
        online(user, T, 45)

    assert [row[0] for row in rows(report(house, house.sue), "agents")] == ["Alice"]
    for stranger in (dora, charlie):
        found = report(house, house.sue, agent=str(stranger.pk))
        assert (cards(found)["online"], rows(found, "agents")) == ("–", [])
    # One's own is one's own to know.
    own = report(house, house.alice, agent=str(house.alice.pk))
    assert cards(own)["online"] == "45 min"
    assert "online" not in cards(report(house, house.alice))


def test_rules_stand_by_their_names(house: House, talk: Talk) -> None:
    make_rules(house.inbox, {"id": "late", "name": "In the evening", "then": give(house.bob)})
    talk.writes(0)
    last = RoutingTrace.objects.get()
    last.pk, last.rule = None, "default"
    last.save()
    counted(house.account)

    found = rows(report(house, house.sue), "rules")

    assert sorted(found) == [
        ["In the evening", 1, None, None, None],
        ["No rule: the whole team", 1, None, None, None],
    ]


def test_how_long_it_took_counts_for_the_rule_that_decided_last(house: House, talk: Talk) -> None:
    make_rules(house.inbox, {"id": "late", "name": "In the evening", "then": give(house.alice)})
    a_day(talk)
    first = RoutingTrace.objects.earliest("pk")
    first.pk, first.rule, first.at = None, "older", first.at - timedelta(hours=1)
    first.save()
    counted(house.account)

    found = {name: rest for name, *rest in rows(report(house, house.sue), "rules")}

    medians = [timedelta(minutes=n) for n in (4, 12, 30)]
    assert found["In the evening"][1:] == medians


def test_a_rule_that_is_no_more_keeps_its_last_name(house: House, talk: Talk) -> None:
    make_rules(house.inbox, {"id": "late", "name": "In the evening", "then": give(house.bob)})
    talk.writes(0)
    book = Rulebook.objects.get(inboxes=house.inbox)
    published = book.published
    assert published is not None
    later = RulebookVersion.objects.create(
        account=house.account,
        rulebook=book,
        number=published.number + 1,
        document={**published.document, "rules": []},
        published_by=house.sue,
        published_at=talk.at(1),
    )
    Rulebook.objects.filter(pk=book.pk).update(published=later)
    counted(house.account)

    assert [row[0] for row in rows(report(house, house.sue), "rules")] == ["In the evening"]


def test_who_still_waits_counts_as_late_and_stands_in_the_tables(
    house: House, talk: Talk, client: Client
) -> None:
    a_day(talk)
    with time_machine.travel(talk.at(60), tick=False):
        waits = text_in(client, house.sender, "+14155550188", "Is anybody there?").conversation
    assert waits is not None
    owned = {"owner": house.alice, "owned_since": talk.at(60), "is_team_wide": False}
    Conversation.objects.filter(pk=waits.pk).update(tags=["vip"], **owned)
    counted(house.account)

    found = report(house, house.sue, target="15")
    in_business_hours = report(house, house.sue, target="15", hours="business")

    late = {one.key: one for one in found.cards}["late"]
    # Of three waits of today the second took 20 minutes, the third goes on since five hours.
    assert (late.words, late.before) == ("66.7 %", "0.0 %")
    assert cards(in_business_hours)["late"] == "50.0 %"
    assert rows(found, "agents")[0][-2] == 1
    assert rows(found, "numbers")[0][-1] == 1
    assert [row[-1] for row in rows(found, "tags") if row[0] == "vip"] == [1]
    assert cards(found)["standing"] == "1"
    own = report(house, house.bob)
    assert "agents" not in own.by_key
    assert [row[-1] for row in rows(own, "numbers")] == [0]


def test_a_wait_that_ended_later_was_late_while_it_went_on(house: House, talk: Talk) -> None:
    before = Talk(house, talk.client, T - timedelta(days=1))
    before.writes(0)
    talk.answers(1)
    counted(house.account)

    late = {one.key: one for one in report(house, house.sue, target="15").cards}["late"]

    assert (late.words, late.before) == ("100.0 %", "100.0 %")


def test_days_that_are_still_to_come_have_no_figures_of_today(house: House, talk: Talk) -> None:
    talk.writes(0)
    counted(house.account)

    found = report(house, house.sue, **{"range": "own", "from": "2026-12-01", "to": "2026-12-07"})

    told = cards(found)
    assert (told["standing"], told["late"], told["inbound"]) == ("–", "–", "0")
    assert found.by_key["backlog"].is_empty


def test_money_is_named_where_the_account_says_what_a_segment_costs() -> None:
    usual: dict[str, Any] = {"usual_price": Decimal("0.0079"), "currency": "EUR"}

    assert Asked.of({}, **usual).currency == "EUR"
    assert Asked.of({"price": "0.0079"}, **usual).currency == "EUR"
    assert Asked.of({"price": "0.5"}, **usual).currency == ""
    assert Asked.of({"price": ""}, **usual).currency == ""
    assert Asked.of({"price": "0.5"}).currency == ""


def test_filters_only_take_away(house: House, talk: Talk) -> None:
    sales = make_inbox(house.account, "Sales")
    number = make_sender(sales, "+15550100077")
    Membership.objects.create(team=sales.team, user=house.sue, role=Membership.Role.SUPERVISOR)
    talk.writes(0)
    Conversation.objects.update(tags=["vip"])
    with time_machine.travel(talk.at(1), tick=False):
        text_in(talk.client, number, "+14155550123", "To sales")
    talk.answers(3) if talk.row.inbox == house.inbox else None
    counted(house.account)

    def inbound(**asked: str) -> str:
        return cards(report(house, house.sue, **asked))["inbound"]

    assert inbound() == "2"
    assert inbound(inbox="sales") == "1"
    assert inbound(tag="vip") == "1"
    assert inbound(channel="whatsapp") == "0"
    assert inbound(channel="sms") == "2"
    assert [row[0] for row in rows(report(house, house.sue), "inboxes")] == ["Sales", "Support"]


def test_one_person_is_reported_by_what_they_did(house: House, talk: Talk) -> None:
    a_day(talk)
    counted(house.account)

    hers = report(house, house.sue, agent=str(house.alice.pk))
    his = report(house, house.sue, agent=str(house.bob.pk))

    assert (cards(hers)["outbound"], cards(hers)["closed"]) == ("2", "1")
    assert (cards(his)["outbound"], cards(his)["first"]) == ("0", "–")
    assert "inbound" not in cards(hers)
    assert "backlog" not in hers.by_key


# --- Days -----------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_day_is_compared_with_as_much_of_the_day_before() -> None:
    asked = Asked.of(TODAY)

    period = period_of(asked, BERLIN, now=EVENING, counted_to=EVENING)

    assert period.since == datetime(2026, 11, 23, tzinfo=BERLIN)
    assert period.until == EVENING
    assert period.until_before == EVENING - timedelta(days=1)
    assert period.days == 1


def test_a_day_of_23_hours_is_compared_with_a_whole_one() -> None:
    asked = Asked.of({"range": "own", "from": "2026-03-29", "to": "2026-03-29"})

    period = period_of(asked, BERLIN, now=EVENING, counted_to=EVENING)

    assert period.until - period.since == timedelta(days=1)  # by the clock on the wall
    assert period.until.astimezone(UTC) - period.since.astimezone(UTC) == timedelta(hours=23)
    assert period.since_before == datetime(2026, 3, 28, tzinfo=BERLIN)
    assert period.until_before == datetime(2026, 3, 29, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("", "", "Choose the first"),
        ("2026-11-23", "2026-11-01", "before the first"),
        ("2020-01-01", "2026-11-01", "at most 366"),
        ("nonsense", "9999-99-99", "Choose the first"),
    ],
)
def test_days_that_make_no_sense_are_told_of(first: str, last: str, words: str) -> None:
    asked = Asked.of({"range": "own", "from": first, "to": last})

    assert words in asked.problem
    assert asked.range is Range.WEEK


def test_what_makes_no_sense_asks_nothing() -> None:
    asked = Asked.of(
        {"range": "x", "agent": "y", "channel": "fax", "target": "7", "price": "NaN", "tag": "a\0b"}
    )

    assert asked == Asked(tag="ab")


def test_an_address_says_the_same_again() -> None:
    given = {
        "range": "own",
        "from": "2026-11-01",
        "to": "2026-11-23",
        "inbox": "support",
        "agent": "7",
        "channel": "sms",
        "tag": "vip",
        "hours": "business",
        "target": "60",
        "price": "0.0079",
        "scope": "own",
    }

    asked = Asked.of(given)

    assert asked.as_query() == given
    assert asked.first_on == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
    ],
)
def test_times_in_words(span: timedelta, words: str) -> None:
    assert time_words(span) == words


# --- Who may know ---------------------------------------------------------------------------------


def test_team_figures_are_for_supervisors_and_admins(
    house: House, talk: Talk, charlie: User
) -> None:
    a_day(talk)
    counted(house.account)
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    dora = make_user(house.account, "Dora", team=make_inbox(house.account, "Sales").team)

    assert report(house, house.sue).scope.is_team
    assert cards(report(house, admin))["inbound"] == "2"
    assert "agents" in report(house, admin).by_key
    # The closed conversation is the team's to find: Bob's figures hold it, without names.
    assert cards(report(house, house.bob))["inbound"] == "2"
    assert "agents" not in report(house, house.bob).by_key
    for stranger in (dora, charlie):
        assert cards(report(house, stranger))["inbound"] == "0"


def test_an_agent_has_no_figures_of_what_they_may_not_read(house: House, talk: Talk) -> None:
    talk.writes(0)
    claim_conversation(conversation=talk.row, now=talk.at(1), **talk.by)
    talk.answers(2)
    counted(house.account)

    assert cards(report(house, house.alice))["inbound"] == "1"
    bobs = report(house, house.bob)
    assert (cards(bobs)["inbound"], cards(bobs)["first"]) == ("0", "–")
    assert bobs.standing.open == 0
    assert not any(row[1] for row in rows(bobs, "volume"))
    assert rows(bobs, "backlog")[-1][1] == 0
    assert cards(report(house, house.sue))["inbound"] == "1"
    # A supervisor may look at it as everybody else does.
    assert not report(house, house.sue, scope="own").scope.is_team


@pytest.fixture
def pages(house: House, talk: Talk, login: Login) -> Callable[..., Any]:
    """Return a function: what somebody gets at an address this evening."""
    a_day(talk)
    counted(house.account)

    def get(user: User, path: str = "/reports/", **asked: str) -> Any:
        with time_machine.travel(EVENING, tick=False):
            return login(user).get(path, {**TODAY, **asked})

    return get


def test_who_asks_for_what_is_not_theirs_gets_nothing(
    house: House, pages: Callable[..., Any], charlie: User
) -> None:
    other = make_inbox(house.account, "Sales")
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    for path in ("/reports/", "/reports/wall/", "/reports/export/", "/reports/tables/volume/"):
        assert pages(house.bob, path).status_code == 200
        assert pages(house.bob, path, inbox=other.slug).status_code == 404
        assert pages(house.sue, path, inbox=other.slug).status_code == 404
        assert pages(nora, path).status_code == 403
    assert pages(house.bob, agent=str(house.alice.pk)).status_code == 404
    assert pages(house.bob, agent=str(house.bob.pk)).status_code == 200
    assert pages(house.bob, "/reports/tables/agents/").status_code == 404
    assert pages(house.sue, "/reports/tables/nonsense/").status_code == 404
    page = pages(charlie).content.decode()
    assert "Alice" not in page
    assert "30 min" not in page.split('id="report-now"')[1].split("chart-head")[0]


def test_a_page_names_nobody_to_an_agent(house: House, pages: Callable[..., Any]) -> None:
    assert "Alice" in pages(house.sue).content.decode()
    assert "Alice" not in pages(house.bob).content.decode()


def test_an_admin_without_a_licence_has_figures_and_no_conversations(
    house: House, pages: Callable[..., Any]
) -> None:
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)

    page = pages(admin)

    assert page.status_code == 200
    assert 'id="export"' not in page.content.decode()
    assert pages(admin, "/reports/export/").status_code == 403
    assert pages(admin, "/reports/wall/").status_code == 200


def test_a_page_costs_a_fixed_number_of_questions(
    house: House, pages: Callable[..., Any], login: Login
) -> None:
    browser = login(house.sue)

    def questions(path: str) -> int:
        with (
            CaptureQueriesContext(
                connection,
            ) as asked,
            time_machine.travel(EVENING, tick=False),
        ):
            assert browser.get(path, TODAY).status_code == 200
        return len(asked)

    questions("/reports/")
    page, wall = questions("/reports/"), questions("/reports/wall/")
    for n in range(5):
        team = make_inbox(house.account, f"More {n}").team
        Membership.objects.create(team=team, user=house.sue, role=Membership.Role.SUPERVISOR)
        make_user(house.account, team=house.inbox.team)

    assert page <= 30
    assert wall <= 12
    assert questions("/reports/") <= page + 2  # the table by inbox
    assert questions("/reports/wall/") == wall


def test_as_of_says_up_to_when(house: House, pages: Callable[..., Any]) -> None:
    house.account.time_zone = "Europe/Berlin"
    house.account.save()
    ReportState.objects.update(counted_to=T + timedelta(minutes=5))

    assert "As of 14:05" in pages(house.sue).content.decode()


# --- Files ----------------------------------------------------------------------------------------


def lines(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(StringIO(text)))


def test_a_table_is_a_file_with_plain_numbers(house: House, pages: Callable[..., Any]) -> None:
    answer = pages(house.sue, "/reports/tables/agents/")

    header, alice = lines(answer)
    assert header[6] == "First reply, median (seconds)"
    assert alice == ["Alice", "1", "2", "1", "0", "1", "240", "720", "1800", "0", ""]
    entry = AuditEntry.objects.get(action="report_exported")
    assert entry.data["filters"]["table"] == "agents"


def test_conversations_are_exported_one_line_each(house: House, pages: Callable[..., Any]) -> None:
    Conversation.objects.update(tags=["=cmd()"], close_reason="+SUM(A1)")

    answer = pages(house.alice, "/reports/export/", range="7")

    assert answer["X-Rows"] == "2"
    header, *found = lines(answer)
    assert len(found) == 2
    last = dict(zip(header, found[-1], strict=True))
    assert last["Messages in"] == "2"
    assert last["First reply (seconds)"] == "240"
    assert last["Time to close (seconds)"] == "1800"
    assert last["Tags"] == "'=cmd()"
    assert last["Reason of the close"] == "'+SUM(A1)"
    assert last["Customer’s address"] == "'+14155550100"
    assert AuditEntry.objects.filter(action="conversations_exported").count() == 1


def test_an_export_comes_in_parts_and_has_every_line_once(
    house: House, pages: Callable[..., Any], talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PART", 2)
    for n in range(5):
        with time_machine.travel(talk.at(40), tick=False):
            text_in(talk.client, house.sender, f"+1415555013{n}", "Hello")

    _header, *found = lines(pages(house.sue, "/reports/export/", range="7"))

    assert len(found) == len({row[0] for row in found}) == 7


def test_who_loses_their_licence_in_the_middle_gets_no_more(
    house: House, pages: Callable[..., Any], talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PART", 1)
    answer = pages(house.alice, "/reports/export/", range="7")
    stream = iter(answer.streaming_content)
    next(stream), next(stream)

    house.alice.licenses.all().delete()

    assert list(stream) == []


def test_only_what_one_may_read_is_exported(
    house: House, talk: Talk, login: Login, pages: Callable[..., Any]
) -> None:
    with time_machine.travel(talk.at(40), tick=False):
        text_in(talk.client, house.sender, "+14155550177", "Mine")
    claim_conversation(conversation=talk.row, now=talk.at(41), **talk.by)

    hers = lines(pages(house.alice, "/reports/export/"))
    his = lines(pages(house.bob, "/reports/export/"))

    assert (len(hers), len(his)) == (3, 2)
    assert "4155550177" not in str(his)


def test_numbers_are_masked_for_agents_where_the_account_says_so(
    house: House, pages: Callable[..., Any]
) -> None:
    Account.objects.update(masks_numbers=True)

    hers, sues = (lines(pages(one, "/reports/export/"))[1] for one in (house.alice, house.sue))

    assert hers[2:4] == ["'+1 ••• ••00", "'+1 ••• ••00"]
    assert sues[3] == "'+14155550100"


# --- The wall -------------------------------------------------------------------------------------


def test_the_wall_shows_who_waits_now(house: House, talk: Talk, pages: Callable[..., Any]) -> None:
    with time_machine.travel(EVENING - timedelta(minutes=20), tick=False):
        text_in(talk.client, house.sender, "+14155550177", "Hello?")

    page = pages(house.sue, "/reports/wall/").content.decode()

    waiting, longest = (
        page.split('data-figure="waiting"')[1],
        page.split('data-figure="longest"')[1],
    )
    assert "<dd>1</dd>" in waiting.split("</div>")[0]
    assert "1 too long" in waiting.split("</div>")[0]
    assert "<dd>20 min</dd>" in longest.split("</div>")[0]


def test_a_part_of_the_wall_is_what_its_script_asks_for(
    house: House, pages: Callable[..., Any], login: Login
) -> None:
    with time_machine.travel(EVENING, tick=False):
        part = login(house.sue).get("/reports/wall/", headers={"HX-Request": "true"})

    assert part.content.decode().lstrip().startswith('<dl class="board">')
    assert part["Cache-Control"] == "private, no-store"
