"""Are words that were not sent kept, each where it belongs?"""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PLAY = """async (script) => {
    const {Drafts} = await import("/inbox/drafts.js");
    localStorage.clear();
    return await new Function("Drafts", `return (async () => {${script}})()`)(Drafts);
}"""


def test_each_person_conversation_and_mode_has_its_own_draft(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        const ann = new Drafts("1"), bob = new Drafts("2");
        ann.put("c1", "reply", {body: "Dear Maria"});
        ann.put("c1", "note", {body: "call her"});
        bob.put("c1", "reply", {body: "Hello"});
        return [ann.get("c1", "reply").body, ann.get("c1", "note").body,
            bob.get("c1", "reply").body, ann.get("c2", "reply"), [...ann.conversations()]];
        """,
    )

    assert found == ["Dear Maria", "call her", "Hello", None, ["c1"]]


def test_an_empty_draft_is_forgotten_and_an_old_one_too(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        const drafts = new Drafts("1");
        drafts.put("c1", "reply", {body: "x"});
        drafts.put("c1", "reply", {body: "  "});
        drafts.put("c2", "reply", {body: "old"});
        const key = "teaminbox.draft.1.c2.reply";
        localStorage.setItem(key, JSON.stringify({body: "old", at: 1}));
        return [...new Drafts("1").conversations()];
        """,
    )

    assert found == []


def test_the_outbox_keeps_a_message_until_it_is_confirmed(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        const drafts = new Drafts("1");
        drafts.keep("c1", {clientId: "a", body: "1"});
        drafts.keep("c1", {clientId: "b", body: "2"});
        drafts.keep("c1", {clientId: "a", body: "1"});
        drafts.done("c1", "b");
        return [drafts.outbox("c1").map((one) => one.clientId), localStorage.length];
        """,
    )

    assert found == [["a"], 1]


def test_broken_storage_loses_nothing_else(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        localStorage.setItem("teaminbox.draft.1.c1.reply", "{not json");
        const drafts = new Drafts("1");
        return [drafts.get("c1", "reply"), [...drafts.conversations()]];
        """,
    )

    assert found[0] is None


def test_who_listens_hears_of_every_change(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        const drafts = new Drafts("1"), heard = [];
        drafts.changed = (id) => heard.push(id);
        drafts.set("c1", "reply", {body: "Dear", files: [], at: 5});
        drafts.put("c1", "reply", {body: "Dear Maria"});
        drafts.drop("c1", "reply");
        return [heard, drafts.has("c1")];
        """,
    )

    assert found == [["c1", "c1"], False]


def test_what_another_device_wrote_is_put_together_and_nothing_twice(modules: Page) -> None:
    found = modules.evaluate(
        PLAY,
        """
        const drafts = new Drafts("1");
        drafts.offer("c1", "reply", {body: "one", files: [{id: "a"}]});
        drafts.offer("c1", "reply", {body: "two"});
        drafts.offer("c1", "reply", {body: "two"});
        const both = drafts.other("c1", "reply");
        drafts.offer("c1", "reply", null);
        return [both.body, both.files.length, drafts.other("c1", "reply"), drafts.has("c1")];
        """,
    )

    assert found == ["one\n\ntwo", 1, None, False]


def test_words_that_only_this_browser_forgot_come_back_from_the_server(modules: Page) -> None:
    """An answer that arrived after the storage was emptied left a revision without its words."""
    found = modules.evaluate(
        PLAY,
        """
        const {Saved} = await import("/inbox/saved.js");
        const drafts = new Drafts("1"), saved = new Saved(drafts, "/c/CID/draft/");
        const stands = {revision: 3, device: "x", body: "Dear Maria", files: [], age_ms: 0};
        drafts.know("c1", "reply", {revision: 3, at: 5, isThere: true, isGone: false});
        saved.settle("c1", "reply", stands);
        drafts.know("c2", "reply", {revision: 3, at: 5, isThere: true, isGone: true});
        saved.isOver = true;
        saved.settle("c2", "reply", stands);
        return [drafts.get("c1", "reply")?.body, drafts.get("c2", "reply")];
        """,
    )

    assert found == ["Dear Maria", None]
