"""Do a page's numbers add up, whoever reads them and wherever they come from?"""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WORLD = """async (play) => {
    const {Tally} = await import("/inbox/tally.js");
    const [shown, oldest, unread, urls] = [[], [], [], []];
    const world = {isUp: true, asked: 0, answer: '{"mine":1}'};
    window.fetch = async (url) => {
        world.asked += 1;
        urls.push(url);
        return new Response(world.answer, {headers: {"Content-Type": "application/json"}});
    };
    const tally = new Tally({inbox: "here", countsUrl: "/counts/"}, {
        show: (numbers) => shown.push(numbers),
        showOldest: (at) => oldest.push(at),
        unread: (ids) => unread.push(ids),
        unreadOf: (id, number) => unread.push([id, number]),
        isUp: () => world.isUp,
    });
    const hear = (type, data, inbox = "here") => tally.heard({inbox, type, data});
    const turn = () => new Promise((go) => setTimeout(go, 30));
    await new Function("w", `return (async () => {${play}})()`)({tally, hear, world, turn});
    return {shown, oldest, unread, urls, asked: world.asked};
}"""
OWN = (
    'w.hear("counts.mine", {mine: 2, shared: 1, mentions: 1, unassigned: 1, open: 3, snoozed: 0});'
)
TEAM = 'w.hear("counts", {unassigned: 4, open: 4, snoozed: 5});'


def play(page: Page, script: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(WORLD, script)
    return found


def test_an_agent_sees_what_the_team_shares_and_what_is_theirs(modules: Page) -> None:
    shown = play(modules, TEAM + OWN)["shown"]

    assert shown == [{"mine": 2, "mentions": 1, "unassigned": 5, "open": 7, "snoozed": 5}]


def test_a_guest_sees_what_is_theirs(modules: Page) -> None:
    shown = play(modules, OWN)["shown"]

    assert shown == [{"mine": 2, "mentions": 1, "unassigned": 1, "open": 3, "snoozed": 0}]


def test_a_supervisor_sees_everything(modules: Page) -> None:
    everything = 'w.hear("counts.team", {unassigned: 6, open: 40, snoozed: 7, by_agent: {}});'

    shown = play(modules, TEAM + everything + OWN)["shown"]

    assert shown == [{"mine": 2, "mentions": 1, "unassigned": 6, "open": 40, "snoozed": 7}]


def test_each_frame_afterwards_moves_its_part_only(modules: Page) -> None:
    later = 'w.hear("counts", {unassigned: 0, open: 1, snoozed: 5});'

    shown = play(modules, TEAM + OWN + later)["shown"]

    assert shown[-1] == {"mine": 2, "mentions": 1, "unassigned": 1, "open": 4, "snoozed": 5}


def test_another_inbox_s_numbers_are_not_ours(modules: Page) -> None:
    assert play(modules, OWN.replace(");", ', "there");'))["shown"] == []


def test_while_the_line_is_up_nobody_asks(modules: Page) -> None:
    assert play(modules, "w.tally.changed(0); await w.turn();")["asked"] == 0


def test_without_a_line_many_changes_are_one_question(modules: Page) -> None:
    found = play(
        modules,
        "w.world.isUp = false; w.tally.changed(0); w.tally.changed(0); await w.turn();",
    )

    assert (found["shown"], found["asked"]) == ([{"mine": 1}], 1)


def test_what_is_heard_stands_above_what_was_asked_until_the_line_breaks(modules: Page) -> None:
    found = play(
        modules,
        TEAM + OWN + "w.tally.asked({mine: 9}); w.tally.reset(); w.tally.asked({mine: 8});",
    )

    assert [one["mine"] for one in found["shown"]] == [2, 8]


def test_who_waits_longest_is_the_first_of_the_team_s_and_my_own(modules: Page) -> None:
    team = 'w.hear("counts", {unassigned: 1, oldest_waiting_at: "2026-11-28T10:00:00.5+00:00"});'
    own = 'w.hear("counts.mine", {mine: 1, oldest_waiting_at: %s});'
    everything = 'w.hear("counts.team", {oldest_waiting_at: "2026-11-27T23:00:00+00:00"});'

    lonely = play(modules, own % "null")["oldest"]
    earlier = play(modules, team + own % '"2026-11-28T10:00:00+00:00"')["oldest"]
    later = play(modules, team + own % "null")["oldest"]
    supervisor = play(modules, team + own % "null" + everything)["oldest"]

    assert lonely == [None]
    assert earlier == ["2026-11-28T10:00:00+00:00"]
    assert later == ["2026-11-28T10:00:00.5+00:00"]
    assert supervisor[-1] == "2026-11-27T23:00:00+00:00"


def test_what_is_mine_and_unread_is_told_with_my_own_numbers(modules: Page) -> None:
    script = 'w.hear("counts.mine", {mine: 2, unread: ["a", "b"]});' + TEAM + OWN

    assert play(modules, script)["unread"] == [["a", "b"], []]


def test_what_is_unread_in_rows_that_came_back_is_asked_once_for_all_of_them(
    modules: Page,
) -> None:
    found = play(
        modules,
        """
        Math.random = () => 0;
        w.world.answer = '{"unread":{"a":2,"b":0}}';
        w.tally.wonder("a"); w.tally.wonder("b"); w.tally.wonder("a");
        await w.turn();
        w.world.answer = "nonsense";
        w.tally.wonder("c");
        await w.turn();
        """,
    )

    assert found["urls"] == ["/counts/?unread=a&unread=b", "/counts/?unread=c"]
    assert found["unread"] == [["a", 2], ["b", 0]]
