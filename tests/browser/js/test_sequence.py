"""Is nothing lost, doubled or out of order, whatever the line does to the frames?"""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# A little world around one Sequence: time stands still until it is moved, requests are answered
# by hand, and what reaches the page is written down.
WORLD = """async (play) => {
    const {Sequence} = await import("/inbox/sequence.js");
    const done = [], asked = [], timers = [];
    let clock = 0;
    const world = {done, asked};
    const request = (kind) => (after) =>
        new Promise((answer, fail) => asked.push({kind, after, answer, fail}));
    const sequence = new Sequence(10, {
        apply: (frame) => done.push(frame.seq + ":" + frame.type),
        leave: (id) => done.push("left:" + id),
        reset: (head) => done.push("reset:" + head),
        counts: () => {},
        fetchEvents: request("events"),
        fetchSeqs: request("seqs"),
        later: (fn, ms) => {
            const timer = {fn, at: clock + ms};
            timers.push(timer);
            return () => timers.splice(timers.indexOf(timer), 1);
        },
        random: () => 0.5,
    });
    const tick = (seq) => sequence.take({seq});
    const content = (seq, type = "x") => sequence.take({seq, type});
    const turn = () => new Promise((go) => setTimeout(go));
    const wait = async (ms) => {
        clock += ms;
        for (const timer of timers.filter((one) => one.at <= clock)) {
            timers.splice(timers.indexOf(timer), 1);
            timer.fn();
        }
        await turn();
    };
    await new Function("w", `return (async () => {${play}})()`)(
        {sequence, tick, content, wait, turn, done, asked},
    );
    return {
        done,
        last: sequence.last,
        asked: asked.map((one) => one.kind + ">" + one.after),
        hollow: sequence.hollow,
        held: [...sequence.held.keys()],
    };
}"""


def play(page: Page, script: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(WORLD, script)
    return found


def test_frames_in_order_are_applied_at_once(modules: Page) -> None:
    found = play(modules, "w.content(11); w.content(12);")

    assert found["done"] == ["11:x", "12:x"]
    assert found["asked"] == []


def test_a_repeat_and_its_tick_are_dropped(modules: Page) -> None:
    found = play(modules, "w.content(11); w.tick(11); w.content(11); w.content(9);")

    assert found["done"] == ["11:x"]
    assert found["hollow"] == []


def test_overtaking_frames_are_put_in_order(modules: Page) -> None:
    found = play(modules, "w.content(13); w.content(12); w.content(11); await w.wait(300);")

    assert found["done"] == ["11:x", "12:x", "13:x"]
    assert found["asked"] == []


def test_content_replaces_its_tick_but_never_the_other_way_round(modules: Page) -> None:
    found = play(modules, "w.tick(12); w.content(12); w.content(13); w.tick(13); w.content(11);")

    assert found["done"] == ["11:x", "12:x", "13:x"]


def test_a_gap_is_caught_up_after_a_moment_with_one_request(modules: Page) -> None:
    found = play(
        modules,
        """
        w.content(13); w.content(14);
        await w.wait(200); const early = w.asked.length;
        await w.wait(100);
        w.content(15);
        w.done.push("asked:" + early + "," + w.asked.length);
        w.asked[0].answer({events: [{seq: 11, type: "a"}, {seq: 12, type: "b"},
            {seq: 13, type: "x"}, {seq: 14, type: "x"}], left: [], head: 14});
        await w.turn();
        """,
    )

    assert found["done"] == ["asked:0,1", "11:a", "12:b", "13:x", "14:x", "15:x"]
    assert found["asked"] == ["events>10"]
    assert found["last"] == 15


def test_what_arrives_during_a_catch_up_stands_above_its_answer(modules: Page) -> None:
    found = play(
        modules,
        """
        w.sequence.catchUp();
        w.content(11, "old"); w.content(12, "new");
        w.asked[0].answer({events: [{seq: 11, type: "fresh"}], head: 11});
        await w.turn();
        """,
    )

    assert found["done"] == ["11:fresh", "12:new"]
    assert found["held"] == []


def test_what_was_left_goes_first_and_an_empty_answer_moves_the_cursor(modules: Page) -> None:
    found = play(
        modules,
        """
        w.sequence.catchUp();
        w.asked[0].answer({events: [], left: ["c1"], head: 40});
        await w.turn(); w.content(41);
        """,
    )

    assert found["done"] == ["left:c1", "41:x"]


def test_too_much_missed_asks_for_a_fresh_page(modules: Page) -> None:
    found = play(
        modules,
        "w.sequence.catchUp(); w.asked[0].answer({reset: true, head: 999}); await w.turn();",
    )

    assert found["done"] == ["reset:999"]
    assert found["last"] == 999


def test_ticks_of_others_cost_one_question_in_a_while(modules: Page) -> None:
    found = play(
        modules,
        """
        for (let seq = 11; seq <= 40; seq += 1) w.tick(seq);
        w.content(41);
        await w.wait(15000);
        w.asked[0].answer({seqs: [41], head: 41});
        await w.turn(); await w.wait(60000);
        """,
    )

    assert found["asked"] == ["seqs>10"]
    assert found["hollow"] == []
    assert found["done"] == ["41:x"]


def test_lost_content_is_found_by_the_question_and_fetched(modules: Page) -> None:
    found = play(
        modules,
        """
        w.tick(11); w.tick(12); w.content(13);
        await w.wait(15000);
        w.asked[0].answer({seqs: [12, 13], head: 13});
        await w.turn();
        w.asked[1].answer({events: [{seq: 12, type: "lost"}, {seq: 13, type: "x"}], head: 13});
        await w.turn();
        """,
    )

    assert found["asked"] == ["seqs>10", "events>11"]
    assert found["done"] == ["13:x", "12:lost", "13:x"]
    assert found["hollow"] == []


def test_a_tick_newer_than_the_answer_is_asked_about_again(modules: Page) -> None:
    found = play(
        modules,
        """
        w.tick(11);
        await w.wait(15000);
        w.tick(12);
        w.asked[0].answer({seqs: [], head: 11});
        await w.turn(); await w.wait(15000);
        """,
    )

    assert found["asked"] == ["seqs>10", "seqs>11"]


def test_a_failed_request_is_tried_again_with_growing_pauses(modules: Page) -> None:
    found = play(
        modules,
        """
        w.content(13);
        await w.wait(300); w.asked[0].fail(new Error("down")); await w.turn();
        await w.wait(1000); w.done.push("asked:" + w.asked.length);
        await w.wait(1100); w.asked[1].fail(new Error("down")); await w.turn();
        await w.wait(3000); w.done.push("asked:" + w.asked.length);
        await w.wait(1100);
        w.asked[2].answer({events: [{seq: 11, type: "a"}, {seq: 12, type: "b"}], head: 12});
        await w.turn();
        """,
    )

    assert found["done"] == ["asked:1", "asked:2", "11:a", "12:b", "13:x"]
    assert found["last"] == 13


def test_an_end_of_the_session_is_not_tried_again(modules: Page) -> None:
    found = play(
        modules,
        """
        w.sequence.catchUp();
        w.asked[0].fail(Object.assign(new Error(), {isFinal: true}));
        await w.turn(); await w.wait(100000);
        """,
    )

    assert found["asked"] == ["events>10"]
