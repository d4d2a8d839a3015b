"""Does a thread keep few lines, lose none and count right, however much arrives?"""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# A thread of `first` messages of the customer in a page that is ten of them high, and a server that
# has all of them. `arrive` lets one more be written and told; `scroll` is a reader's own way.
WORLD = """async ([first, play]) => {
    const {Thread} = await import("/inbox/thread.js");
    const settings = {me: "1"};
    const all = [];
    const write = ({author = "", kind = "msg-in"} = {}) => {
        const seq = all.length + 1;
        const facts = `data-seq="${seq}" data-at="${seq * 1e6}" data-author="${author}"`;
        all.push(`<li id="m-${seq}" class="msg ${kind}" data-id="p${seq}" ${facts}
            ><p class="msg-who"></p>line ${seq}</li>`);
        return all[seq - 1];
    };
    for (let i = 0; i < first; i += 1) write();
    const asked = [];
    const seqOf = (query) => Number(query.get("after"));
    window.fetch = async (url) => {
        const query = new URL(url, location.href).searchParams;
        asked.push(query.toString());
        const begin = query.has("after") ? seqOf(query) : Math.max(0, all.length - 40);
        const end = query.has("before") ? Number(query.get("before")) - 1 : all.length;
        const from = query.has("before") ? Math.max(0, end - 40) : begin;
        const to = query.has("after") ? Math.min(end, from + 40) : end;
        return new Response(all.slice(from, to).join(""), {
            headers: {"X-Has-Earlier": String(from > 0), "X-Has-Later": String(to < all.length)},
        });
    };
    document.body.innerHTML = `
        <div id="thread-box" data-id="c" data-thread="t" data-read="${first}" data-has-later="false"
             data-has-earlier="${first > 40}" data-messages-url="/m/" data-read-url="/r/">
          <div id="earlier"><a id="earlier-button"></a></div>
          <div id="scroller" style="height:200px;overflow-y:scroll;overflow-anchor:none">
            <ol id="timeline" style="margin:0;padding:0"></ol>
          </div>
          <div id="newest" hidden><button id="newest-button"></button></div>
          <p id="newest-words"></p>
        </div>
        <style>li {height:20px;overflow:hidden} p {margin:0}</style>`;
    const box = document.getElementById("thread-box");
    box.querySelector("#timeline").innerHTML = all.slice(-40).join("");
    const thread = new Thread(box, settings, {read() {}, failed(error) { throw error; }});
    const turn = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 20)));
    const scroll = async (top) => {
        thread.scroller.scrollTop = top;
        await turn();
        await thread.queue;
        await turn();
    };
    const arrive = (facts) => thread.upsert(write(facts));
    const at = (seq) => {
        const item = box.querySelector(`#m-${seq}`);
        return item && Math.round(item.getBoundingClientRect().top);
    };
    const seqs = () =>
        [...box.querySelectorAll("#timeline > .msg")].map((one) => Number(one.dataset.seq));
    const shown = () => ({
        seqs: seqs(),
        unseen: thread.unseen.size,
        isOffered: !box.querySelector("#newest").hidden,
    });
    await turn();
    const seen = [];
    const look = () => seen.push({...shown(), at: at(thread.mark)});
    await new Function("w", `return (async () => {${play}})()`)(
        {thread, scroll, arrive, write, look, all, turn, box, at},
    );
    return {seen, asked};
}"""


def play(page: Page, script: str, first: int = 60) -> list[dict[str, Any]]:
    found: dict[str, Any] = page.evaluate(WORLD, [first, script])
    seen: list[dict[str, Any]] = found["seen"]
    return seen


def is_whole(seqs: list[int]) -> bool:
    """Say whether these follow each other, none left out and none twice."""
    return seqs == list(range(seqs[0], seqs[-1] + 1))


def test_a_reader_further_up_keeps_their_place_and_the_page_few_lines(modules: Page) -> None:
    before, after, newest = play(
        modules,
        """
        await w.scroll(300);
        w.thread.mark = 40; w.look();
        for (let i = 0; i < 320; i += 1) w.arrive();
        await w.turn(); w.look();
        await w.thread.toNewest(); w.look();
        """,
    )

    assert before["unseen"] == 0
    assert after["at"] == before["at"]
    assert is_whole(after["seqs"])
    assert len(after["seqs"]) == 300
    assert (after["unseen"], after["isOffered"]) == (320, True)
    assert newest["seqs"] == list(range(341, 381))
    assert (newest["unseen"], newest["isOffered"]) == (0, False)


def test_who_scrolls_down_again_passes_everything(modules: Page) -> None:
    *steps, end = play(
        modules,
        """
        await w.scroll(300);
        for (let i = 0; i < 400; i += 1) w.arrive();
        for (let i = 0; i < 40 && (w.thread.hasLater || !w.thread.isStuck); i += 1) {
            await w.scroll(w.thread.scroller.scrollHeight); w.look();
        }
        w.look();
        """,
    )

    for step in steps:
        assert is_whole(step["seqs"])
        assert len(step["seqs"]) <= 300
    assert end["seqs"][-1] == 460
    assert (end["unseen"], end["isOffered"]) == (0, False)


def test_at_the_end_the_oldest_go(modules: Page) -> None:
    [end] = play(modules, "for (let i = 0; i < 320; i += 1) w.arrive(); await w.turn(); w.look();")

    assert end["seqs"] == list(range(81, 381))
    assert (end["unseen"], end["isOffered"]) == (0, False)


def test_what_is_told_twice_or_mine_counts_once_or_not_at_all(modules: Page) -> None:
    few, many = play(
        modules,
        """
        await w.scroll(300);
        w.arrive(); w.arrive({author: "2", kind: "msg-out"});
        w.thread.upsert(w.all.at(-1)); w.look();
        for (let i = 0; i < 300; i += 1) w.arrive();
        w.thread.upsert(w.all.at(-1));
        w.thread.upsert(w.all.at(-2).replace("line", "changed line"));
        w.thread.isStuck = false;
        w.look();
        """,
    )

    assert few["unseen"] == 2
    assert many["unseen"] == 302


def test_an_older_line_that_changes_where_it_does_not_stand_is_no_news(modules: Page) -> None:
    [shown] = play(
        modules,
        """
        w.thread.hasLater = true; w.thread.isStuck = false;
        for (const one of [...w.box.querySelectorAll(".msg")].slice(20)) one.remove();
        w.thread.upsert(w.all[54]); w.look();
        """,
    )

    assert shown["unseen"] == 0
    assert shown["seqs"][-1] == 40


def test_what_came_without_its_words_is_fetched_and_few_lines_stay(modules: Page) -> None:
    [shown] = play(
        modules,
        """
        await w.scroll(300);
        for (let i = 0; i < 255; i += 1) w.arrive();
        for (let i = 0; i < 30; i += 1) w.write();
        await w.thread.loadLater(); w.look();
        """,
    )

    assert is_whole(shown["seqs"])
    assert len(shown["seqs"]) == 300
    assert shown["isOffered"]


def test_words_of_mine_that_go_out_at_last_do_not_hide_what_lies_before_them(modules: Page) -> None:
    unsent, sent, end = play(
        modules,
        """
        const mine = document.createElement("li");
        mine.id = "m-1000"; mine.className = "msg msg-out is-unsent";
        mine.dataset.author = "1"; mine.dataset.seq = ""; mine.dataset.at = "1e12";
        w.box.querySelector("#timeline").append(mine);
        await w.scroll(300);
        for (let i = 0; i < 320; i += 1) w.arrive();
        w.look();
        const text = w.write({author: "1", kind: "msg-out"}).replace(/m-381/, "m-1000");
        w.thread.upsert(text); w.look();
        for (let i = 0; i < 40 && w.thread.hasLater; i += 1) {
            await w.scroll(w.thread.scroller.scrollHeight);
        }
        w.look();
        """,
    )

    assert unsent["seqs"][-1] == 0, "what is not sent stays where one sees it"
    assert is_whole(sent["seqs"])
    assert sent["unseen"] == 320
    assert is_whole(end["seqs"])
    assert end["seqs"][-1] == 381


def test_what_the_line_told_of_a_message_of_mine_stays_when_its_answer_comes_late(
    modules: Page,
) -> None:
    """The answer to the order to send it may be slower than how the carrier refuses it."""
    script = """
        const sent = w.write({author: "1", kind: "msg-out"});
        w.thread.upsert(sent.replace("line 61", "failed"));
        w.thread.confirm(sent);
        const words = [w.box.querySelector("#m-61").textContent];
        const second = w.write({author: "1", kind: "msg-out"});
        w.thread.upsert(second.replace('class="msg', 'class="is-pending msg'));
        w.thread.confirm(second.replace("line 62", "queued"));
        words.push(w.box.querySelector("#m-62").textContent);
        w.box.dataset.words = words.map((one) => one.trim()).join(",");
    """

    play(modules, script)

    assert modules.locator("#thread-box").get_attribute("data-words") == "youfailed,youqueued"
