"""Is one thing done to many conversations as if each had been opened, and told one by one?"""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import viewer_of
from accounts.models import User
from inbox.bulk import AT_MOST, Act
from inbox.conversations import claim_conversation
from inbox.models import Contact, Conversation, ConversationEvent, ReadCursor
from inbox.models.ids import client_id
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.inbox.test_pages_list import many
from tests.twilio import text_in

# What one more conversation may cost, in statements: as much as its single button.
CLOSE_COSTS = 32
NOT_SHARED = "This conversation is not shared with you any more."


def ask(browser: Client, act: str, ids: Any, slug: str = "support", **facts: Any) -> Any:
    """Ask for one thing; rows have shown all that there is unless `seen` says less."""
    seen = facts.pop("seen", 99)
    wish = {
        "act": act,
        "client_id": client_id(),
        "items": [{"id": one, "seen": seen} for one in ids],
        **facts,
    }
    return browser.post(
        f"/inbox/{slug}/bulk/",
        json.dumps(wish),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def told(answer: Any) -> list[str]:
    """Return what came of each: `ok`, or the code of its refusal."""
    return [one.get("code", "ok") for one in answer.json()["results"]]


def claim(public_id: str, user: User) -> None:
    now = timezone.now()
    row = Conversation.objects.get(public_id=public_id)
    claim_conversation(conversation=row, by=viewer_of(user, now=now), user=user, now=now)


def states() -> set[str]:
    return set(Conversation.objects.values_list("status", flat=True))


@pytest.fixture
def ids(house: House, client: Client) -> list[str]:
    return many(house, client, 3)


def test_half_a_sign_is_no_fault_of_ours(house: House, login: Any, ids: list[str]) -> None:
    half = "\ud83d"
    alice = login(house.alice)

    assert told(ask(alice, "tag", ids, tag=f"vip{half}")) == ["ok"] * 3
    assert ask(alice, "transfer", ids, to=f"inbox:{half}", note=half).status_code == 422
    assert told(ask(alice, "close", ids, reason=half, waiting_ok=True)) == ["ok"] * 3

    row = Conversation.objects.get(public_id=ids[0])
    assert (row.tags, row.close_reason) == (["vip?"], "?")


# --- Each by itself -------------------------------------------------------------------------------


def test_what_is_refused_for_one_undoes_nothing_of_the_others(
    house: House, login: Any, ids: list[str]
) -> None:
    claim(ids[1], house.bob)

    answer = ask(login(house.alice), "close", ids, waiting_ok=True)

    assert told(answer) == ["ok", "claimed_by_other", "ok"]
    assert answer.json()["message"] == "2 closed, 1 not: Bob has this conversation."
    assert answer.json()["done"] == 2
    assert [Conversation.objects.get(public_id=one).status for one in ids] == [
        "closed",
        "open",
        "closed",
    ]


def test_reasons_that_differ_are_not_told_as_one(house: House, login: Any, ids: list[str]) -> None:
    claim(ids[1], house.bob)

    answer = ask(login(house.alice), "close", [*ids, "nobody"], waiting_ok=True)

    assert answer.json()["message"] == "2 closed, 2 not."
    assert [one["detail"] for one in answer.json()["results"] if not one["ok"]] == [
        "Bob has this conversation.",
        NOT_SHARED,
    ]


def test_a_customer_who_wrote_after_what_the_row_showed_is_not_closed_away(
    house: House, login: Any, client: Client, ids: list[str]
) -> None:
    text_in(client, house.sender, "+14155552002", "One more thing")

    answer = ask(login(house.alice), "close", ids, waiting_ok=True, seen=1)

    assert told(answer) == ["unseen_messages", "ok", "ok"]
    assert "wrote again" in answer.json()["message"]


def test_what_came_in_an_earlier_conversation_hinders_no_close(
    house: House, login: Any, ids: list[str]
) -> None:
    # As one that an agent began: its thread is old, and nobody has written in it yet.
    Conversation.objects.filter(public_id=ids[0]).update(last_inbound_seq=0)

    answer = ask(login(house.alice), "close", ids, waiting_ok=True, seen=0)

    assert told(answer) == ["ok", "unseen_messages", "unseen_messages"]


def test_waiting_customers_are_closed_only_where_that_was_said(
    house: House, login: Any, ids: list[str]
) -> None:
    alice = login(house.alice)

    assert told(ask(alice, "close", ids)) == ["still_waiting"] * 3
    assert states() == {"open"}
    assert told(ask(alice, "close", ids, waiting_ok=True, reason="Spam")) == ["ok"] * 3
    assert set(Conversation.objects.values_list("close_reason", flat=True)) == {"Spam"}


@pytest.mark.parametrize(
    ("act", "facts", "after"),
    [
        ("claim", {}, {"owner__name": "Alice"}),
        ("snooze", {"preset": "reply"}, {"status": "snoozed"}),
        ("close", {"waiting_ok": True}, {"status": "closed"}),
        ("tag", {"tag": "vip"}, {"tags": ["vip"]}),
    ],
)
def test_what_was_done_is_taken_back_by_what_the_answer_says(
    house: House, login: Any, ids: list[str], act: str, facts: dict[str, Any], after: dict[str, Any]
) -> None:
    alice = login(house.alice)
    fields = ("status", "owner", "is_team_wide", "tags", "snoozed_until", "waiting_since")
    before = list(Conversation.objects.order_by("pk").values(*fields))

    answer = ask(alice, act, ids, **facts)

    assert told(answer) == ["ok"] * 3
    assert Conversation.objects.filter(**after).count() == 3
    undo = answer.json()["undo"]
    assert sorted(undo["ids"]) == sorted(ids)
    assert told(ask(alice, undo["act"], undo["ids"], tag=undo["tag"])) == ["ok"] * 3
    assert list(Conversation.objects.order_by("pk").values(*fields)) == before


def test_a_release_of_many_is_taken_back(house: House, login: Any, ids: list[str]) -> None:
    alice = login(house.alice)
    ask(alice, "claim", ids[:2])

    answer = ask(alice, "release", ids)

    assert told(answer) == ["ok", "ok", "not_allowed"]
    undo = answer.json()["undo"]
    assert undo == {"act": "undo", "ids": ids[:2], "tag": ""}
    assert not Conversation.objects.exclude(owner=None).exists()
    assert told(ask(alice, "undo", undo["ids"])) == ["ok", "ok"]
    assert Conversation.objects.filter(owner=house.alice).count() == 2


def test_undo_leaves_alone_what_was_so_before(house: House, login: Any, ids: list[str]) -> None:
    claim(ids[0], house.alice)
    alice = login(house.alice)
    ask(alice, "tag", ids[:1], tag="vip")

    assert ask(alice, "claim", ids).json()["undo"]["ids"] == ids[1:]
    assert ask(alice, "tag", ids, tag="vip").json()["undo"]["ids"] == ids[1:]
    assert ask(alice, "untag", ids, tag="other").json()["undo"] is None


def test_a_close_is_taken_back_one_by_one_where_that_is_still_possible(
    house: House, login: Any, client: Client, ids: list[str]
) -> None:
    alice = login(house.alice)
    undo = ask(alice, "close", ids, waiting_ok=True).json()["undo"]
    # Within the reopen window a new word reopens it: what was closed is not closed any more.
    text_in(client, house.sender, "+14155552000", "Are you there?")

    answer = ask(alice, undo["act"], undo["ids"])

    assert told(answer) == ["ok", "ok", "changed"]
    assert answer.json()["message"].startswith("2 taken back, 1 not: ")


def test_closed_ones_are_opened_again_one_by_one_and_that_is_taken_back(
    house: House, login: Any, client: Client, ids: list[str]
) -> None:
    alice = login(house.alice)
    ask(alice, "close", ids[:2], waiting_ok=True, reason="Done")
    facts = ("status", "closed_at", "close_reason", "last_owner", "owner", "is_team_wide")
    kept = Conversation.objects.filter(public_id__in=ids[:2]).order_by("pk")
    before = list(kept.values(*facts, "was_team_wide_at_close"))
    Contact.objects.filter(conversations__public_id=ids[1]).update(is_blocked=True)

    answer = ask(alice, "reopen", [*ids, "nobody"])

    assert told(answer) == ["ok", "not_allowed", "ok", "not_found"]
    assert answer.json()["message"] == "2 open again, 2 not."
    assert answer.json()["undo"] == {"act": "undo", "ids": ids[:1], "tag": ""}
    assert Conversation.objects.get(public_id=ids[0]).owner == house.alice

    assert told(ask(login(house.bob), "undo", ids[:1])) == ["not_found"]
    assert told(ask(alice, "undo", ids[:1])) == ["ok"]
    assert told(ask(alice, "undo", ids[:1])) == ["ok"], "a repeat changes nothing more"

    assert list(kept.values(*facts, "was_team_wide_at_close")) == before
    assert (
        Conversation.objects.get(public_id=ids[0]).participants.filter(ended_at=None).count() == 0
    )


def test_an_opening_is_not_taken_back_from_a_customer_who_wrote_since(
    house: House, login: Any, client: Client, ids: list[str]
) -> None:
    alice = login(house.alice)
    ask(alice, "close", ids, waiting_ok=True)
    ask(alice, "reopen", ids)
    text_in(client, house.sender, "+14155552000", "Are you there?")

    answer = ask(alice, "undo", ids)

    assert sorted(told(answer)) == ["changed", "ok", "ok"]
    assert Conversation.objects.filter(status="open").count() == 1


def test_only_my_own_reading_is_marked(house: House, login: Any, ids: list[str]) -> None:
    alice = login(house.alice)

    assert told(ask(alice, "read", ids)) == ["ok"] * 3
    assert set(ReadCursor.objects.values_list("user", "seq")) == {(house.alice.pk, 1)}
    answer = ask(alice, "unread", ids)
    assert told(answer) == ["ok"] * 3
    assert set(ReadCursor.objects.values_list("user", "seq")) == {(house.alice.pk, 0)}
    assert ask(alice, "unread", ids).json()["undo"] is None


def test_marks_of_reading_are_taken_back_where_they_changed_something(
    house: House, login: Any, ids: list[str]
) -> None:
    alice = login(house.alice)
    ask(alice, "read", ids[:1])

    undo = ask(alice, "read", ids).json()["undo"]
    assert (undo["act"], sorted(undo["ids"])) == ("unread", sorted(ids[1:]))
    back = ask(alice, "unread", undo["ids"]).json()["undo"]

    assert (back["act"], sorted(back["ids"])) == ("read", sorted(ids[1:]))
    assert sorted(ReadCursor.objects.values_list("seq", flat=True)) == [0, 0, 1]


def test_many_go_to_a_colleague_or_to_another_team(
    house: House, login: Any, ids: list[str]
) -> None:
    sales = make_inbox(house.account, "Sales")
    alice = login(house.alice)
    ask(alice, "claim", ids)
    User.objects.filter(pk=house.bob.pk).update(availability="away")

    to_bob = {"to": f"user:{house.bob.pk}"}
    assert told(ask(alice, "transfer", ids[:1], **to_bob)) == ["target_unavailable"]
    done = ask(alice, "transfer", ids[:1], **to_bob, confirm=True, note="Please call")
    assert told(done) == ["ok"]
    assert done.json()["undo"] == {"act": "undo", "ids": ids[:1], "tag": ""}
    assert told(ask(alice, "transfer", ids[1:], to="inbox:sales")) == ["ok", "ok"]

    assert Conversation.objects.filter(owner=house.bob).count() == 1
    assert Conversation.objects.filter(inbox=sales, owner=None).count() == 2
    assert ConversationEvent.objects.get(verb="transferred").data["note"] == "Please call"


def test_a_transfer_of_many_is_taken_back_though_they_are_not_seen_any_more(
    house: House, login: Any, ids: list[str]
) -> None:
    make_inbox(house.account, "Sales")
    alice = login(house.alice)
    ask(alice, "claim", ids)
    before = Conversation.objects.order_by("pk").values("inbox", "owner", "audience_before")
    kept = list(before)
    undo = ask(alice, "transfer", ids, to="inbox:sales").json()["undo"]

    assert told(ask(login(house.bob), "undo", undo["ids"])) == ["not_found"] * 3
    assert told(ask(alice, undo["act"], undo["ids"])) == ["ok"] * 3

    assert list(before.all()) == kept


def test_whom_to_give_them_to_is_offered_as_for_one(house: House, login: Any) -> None:
    make_inbox(house.account, "Sales")

    page = login(house.alice).get("/inbox/support/bulk/targets/").text

    for words in ("Alice", "Bob", "Sue", "Sales", "Also if they are away"):
        assert words in page


# --- Whose ---------------------------------------------------------------------------------------


def test_what_is_not_mine_is_not_found_whether_it_is_there_or_not(
    house: House, login: Any, charlie: User, ids: list[str]
) -> None:
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    wanted = [*ids, "0" * 22, "no such id!", "'; --"]

    for act in Act:
        facts = {"tag": "vip", "to": f"user:{dora.pk}", "preset": "reply"}
        of_charlie = {**facts, "to": f"user:{charlie.pk}"}
        for answer in (
            ask(login(dora), act, wanted, slug="sales", **facts),
            ask(login(charlie), act, wanted, **of_charlie),
        ):
            assert {one["code"] for one in answer.json()["results"]} == {"not_found"}
            assert {one["detail"] for one in answer.json()["results"]} == {NOT_SHARED}
            assert answer.json()["undo"] is None

    assert ask(login(dora), "close", ids).status_code == 404
    assert not ConversationEvent.objects.exclude(verb="opened").exists()


def test_a_colleague_outside_learns_who_has_it_and_no_more(
    house: House, login: Any, ids: list[str]
) -> None:
    claim(ids[0], house.alice)

    (one,) = ask(login(house.bob), "tag", ids[:1], tag="vip").json()["results"]

    assert one == {
        "id": ids[0],
        "ok": False,
        "changed": False,
        "code": "claimed_by_other",
        "detail": "Alice has this conversation.",
    }


def test_one_s_other_inbox_is_another_list(house: House, login: Any, ids: list[str]) -> None:
    sales = make_inbox(house.account, "Sales")
    sales.team.memberships.create(user=house.alice)

    assert told(ask(login(house.alice), "claim", ids, slug="sales")) == ["not_found"] * 3


def test_without_a_licence_nothing_is_done(house: House, login: Any, ids: list[str]) -> None:
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    answer = ask(login(nora), "claim", ids)

    assert (answer.status_code, answer.json()["code"]) == (403, "license_missing")


def test_nobody_of_another_account_can_be_given_anything(
    house: House, login: Any, charlie: User, ids: list[str]
) -> None:
    alice = login(house.alice)

    for to in (f"user:{charlie.pk}", "user:x", "inbox:nowhere", "inbox:", "", "user:\0"):
        answer = ask(alice, "transfer", ids, to=to)
        assert answer.status_code == 422, to
    assert not Conversation.objects.exclude(owner=None).exists()


# --- What makes no sense -------------------------------------------------------------------------


def test_more_than_a_hundred_are_refused_with_words(house: House, login: Any) -> None:
    answer = ask(login(house.alice), "close", [f"{i:022d}" for i in range(AT_MOST + 1)])

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many")
    assert answer.json()["detail"] == "Choose at most 100 conversations at a time."


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        "5",
        '{"act": "claim", "client_id": "aaaaaaaa", "items": []}',
        '{"act": "claim", "client_id": "aaaaaaaa", "items": 5}',
        '{"act": "claim", "items": ["x"]}',
        '{"act": "claim", "client_id": "a", "items": ["x"]}',
        '{"act": "delete", "client_id": "aaaaaaaa", "items": ["x"]}',
        '{"act": ["claim"], "client_id": "aaaaaaaa", "items": ["x"]}',
        '{"client_id": "aaaaaaaa", "items": ["x"]}',
        '{"act": "snooze", "client_id": "aaaaaaaa", "items": ["x"], "until": "yesterday"}',
        '{"act": "snooze", "client_id": "aaaaaaaa", "items": ["x"]}',
        "[" * 100_000,
    ],
)
def test_what_makes_no_sense_is_refused_with_words(house: House, login: Any, body: str) -> None:
    answer = login(house.alice).post("/inbox/support/bulk/", body, content_type="application/json")

    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize("item", [None, 5, {}, {"id": None}, {"id": ["x"]}, {"id": "\0"}, "x" * 99])
def test_what_is_no_conversation_is_nobody_s(house: House, login: Any, item: object) -> None:
    wish = {"act": "claim", "client_id": client_id(), "items": [item]}

    answer = login(house.alice).post(
        "/inbox/support/bulk/", json.dumps(wish), content_type="application/json"
    )

    assert told(answer) == ["not_found"]


@pytest.mark.parametrize("seen", [None, "many", -1, 2**70, 1.5, []])
def test_who_does_not_say_what_they_saw_closes_nothing(
    house: House, login: Any, ids: list[str], seen: object
) -> None:
    answer = ask(login(house.alice), "close", ids, seen=seen, waiting_ok=True)

    assert told(answer) == ["unseen_messages"] * 3


@pytest.mark.parametrize("tag", ["", "   ", "x" * 41])
def test_what_is_no_tag_is_told_for_each(
    house: House, login: Any, ids: list[str], tag: str
) -> None:
    assert told(ask(login(house.alice), "tag", ids, tag=tag)) == ["bad_input"] * 3


def test_a_priority_is_set_for_many(house: House, login: Any, ids: list[str]) -> None:
    alice = login(house.alice)
    answer = ask(alice, "priority", ids, priority="high")

    assert told(answer) == ["ok"] * 3
    assert answer.json()["message"] == "Priority of 3 set"
    assert set(Conversation.objects.values_list("priority", flat=True)) == {"high"}
    assert told(ask(alice, "priority", ids, priority="x")) == ["bad_input"] * 3


def test_priorities_are_taken_back_each_to_what_it_was(
    house: House, login: Any, ids: list[str]
) -> None:
    alice = login(house.alice)
    Conversation.objects.filter(public_id=ids[0]).update(priority="low")
    Conversation.objects.filter(public_id=ids[1]).update(priority="high")

    undo = ask(alice, "priority", ids, priority="high").json()["undo"]

    assert (undo["act"], sorted(undo["ids"])) == ("undo", sorted([ids[0], ids[2]]))
    assert told(ask(alice, undo["act"], undo["ids"])) == ["ok"] * 2
    assert told(ask(alice, undo["act"], undo["ids"])) == ["ok"] * 2
    found = dict(Conversation.objects.values_list("public_id", "priority"))
    assert found == {ids[0]: "low", ids[1]: "high", ids[2]: "normal"}


# --- Again, and how much it costs ----------------------------------------------------------------


def test_a_repeat_does_nothing_twice_and_answers_the_same(
    house: House, login: Any, ids: list[str]
) -> None:
    alice = login(house.alice)
    wish = {"preset": "reply", "client_id": client_id()}

    first = ask(alice, "snooze", ids, **wish)
    version = Conversation.objects.get(public_id=ids[0]).version
    again = ask(alice, "snooze", ids, **wish)

    assert first.json() == again.json()
    assert ConversationEvent.objects.filter(verb="snoozed").count() == 3
    assert Conversation.objects.get(public_id=ids[0]).version == version


def test_an_id_of_a_colleague_s_request_is_another_request(
    house: House, login: Any, ids: list[str]
) -> None:
    one = client_id()
    ask(login(house.bob), "claim", ids[:1], client_id=one)

    assert told(ask(login(house.alice), "claim", ids[:1], client_id=one)) == ["claimed_by_other"]


def test_the_same_conversation_twice_is_one(house: House, login: Any, ids: list[str]) -> None:
    answer = ask(login(house.alice), "claim", [*ids, *ids])

    assert told(answer) == ["ok"] * 3


def test_a_hundred_cost_a_hundred_times_one(house: House, login: Any, client: Client) -> None:
    ids = many(house, client, AT_MOST)
    alice = login(house.alice)
    ask(alice, "read", ids[:1])

    few = _statements(alice, ids[:5])
    rest = _statements(alice, ids[5:])

    per_item = (rest - few) / (len(ids) - 10)
    assert per_item <= CLOSE_COSTS, per_item
    assert not Conversation.objects.exclude(status="closed").exists()


def _statements(browser: Client, ids: list[str]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert set(told(ask(browser, "close", ids, waiting_ok=True))) == {"ok"}
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(brackets) for query in captured)
