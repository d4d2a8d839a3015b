"""Can an admin say who gets help when a customer waits, and are they told what is wrong where?"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, License, Membership, User
from inbox.models import Contact, Conversation, EscalationTimer, TeamInbox
from inbox.setup.policies import choose_inboxes, choose_policy, delete_policy, save_policy
from inbox.setup.refusals import SetUpError
from routing.escalation import Clock, Do, When
from routing.hours import NEVER_OPEN
from routing.models import DataAction, EscalationPolicy, Rulebook, RulebookVersion
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_hours, make_inbox, make_policy, make_user
from tests.twilio import text_in

Login = Callable[[User], Client]
NOW = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


@pytest.fixture
def policy(house: House) -> EscalationPolicy:
    step = {"after": 5, "to": [{"users": [house.bob.pk]}]}
    return make_policy(house.inbox, step, name="VIP")


def url(policy: EscalationPolicy, page: str = "_edit") -> str:
    return reverse(f"settings_escalation{page}", kwargs={"pk": policy.pk})


def step_data(n: int, **fields: Any) -> dict[str, Any]:
    usual = {"after": "5", "clock": "calendar", "when": "any_unanswered", "do": "add"}
    return {f"s{n}-{name}": value for name, value in {**usual, **fields}.items()}


def post(browser: Client, policy: EscalationPolicy, *steps: dict[str, Any], **data: Any) -> Any:
    found: dict[str, Any] = {"card": "policy", "version": policy.version, "name": policy.name}
    found |= {"percent": "0", "minutes": "0", "do": "save"}
    for n, step in enumerate(steps):
        found |= step_data(n, **step)
    return browser.post(url(policy), {**found, **data})


def text_of(answer: Any) -> str:
    """Return the words of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


# --- The list ---


def test_the_list_tells_steps_and_who_has_them(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    make_inbox(house.account, "Sales")

    text = text_of(browser.get(reverse("settings_escalation")))

    assert "After 5 minutes, if nobody has answered: add Bob" in text
    assert "Inboxes that have it: Support" in text
    assert "Without a policy: Sales" in text
    assert "After 24 hours of business hours" in text


def test_many_policies_come_a_page_at_a_time(browser: Client, house: House) -> None:
    EscalationPolicy.objects.bulk_create(
        EscalationPolicy(
            account=house.account,
            name=f"Policy {n:03}",
            document={"format": 1, "steps": []},
            created_at=LONG_AGO,
            changed_at=LONG_AGO,
        )
        for n in range(51)
    )

    first = text_of(browser.get(reverse("settings_escalation")))
    rest = text_of(browser.get(reverse("settings_escalation"), {"after": "50"}))

    assert ("Policy 049" in first, "Policy 050" in first) == (True, False)
    assert ("Policy 049" in rest, "Policy 050" in rest) == (False, True)
    assert ("More policies" in first, "More policies" in rest) == (True, False)
    for odd in ("-1", "x", "9" * 30):
        assert browser.get(reverse("settings_escalation"), {"after": odd}).status_code == 200


@pytest.mark.parametrize(("start", "steps"), [("supervisors", 1), ("empty", 0)])
def test_a_policy_is_made(browser: Client, house: House, start: str, steps: int) -> None:
    answer = browser.post(reverse("settings_escalation"), {"name": " Nights  ", "start": start})

    made = EscalationPolicy.objects.get(account=house.account)
    assert answer.headers["Location"] == url(made)
    assert (made.name, len(made.policy().steps)) == ("Nights", steps)
    assert AuditEntry.objects.get(action="policy_added").subject == "Nights"


@pytest.mark.parametrize("name", ["", "  ", "vip", "x" * 81])
def test_a_policy_without_a_good_name_is_not_made(
    browser: Client, policy: EscalationPolicy, name: str
) -> None:
    answer = browser.post(reverse("settings_escalation"), {"name": name})

    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert EscalationPolicy.objects.count() == 1


def test_a_policy_is_copied(browser: Client, policy: EscalationPolicy) -> None:
    browser.post(url(policy, "_copy"))

    copy = EscalationPolicy.objects.get(name="VIP (2)")
    assert copy.policy() == policy.policy()


def test_a_policy_goes_when_nothing_has_it(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    refused = text_of(browser.post(url(policy, "_delete"), follow=True))
    house.inbox.escalation = None
    house.inbox.save()
    browser.post(url(policy, "_delete"))

    assert "These inboxes have it: Support." in refused
    assert not EscalationPolicy.objects.exists()
    assert AuditEntry.objects.get(action="policy_deleted").data["changes"]["step 1"]["before"]


def publish(house: House, by: User, name: str) -> Rulebook:
    rule = {"id": "r1", "name": "Premium", "then": {"escalation": name}}
    book = Rulebook.objects.create(
        account=house.account, name="House rules", created_at=LONG_AGO, changed_at=LONG_AGO
    )
    book.published = RulebookVersion.objects.create(
        account=house.account,
        rulebook=book,
        number=1,
        document={"format": 1, "always_first": [], "rules": [rule]},
        published_by=by,
        published_at=LONG_AGO,
    )
    book.save()
    return book


def test_what_a_published_rule_chooses_keeps_its_name_and_stays(
    browser: Client, house: House, policy: EscalationPolicy, ada: User
) -> None:
    house.inbox.escalation = None
    house.inbox.save()
    publish(house, ada, "VIP")

    deleted = text_of(browser.post(url(policy, "_delete"), follow=True))
    renamed = post(browser, policy, {"who": "Bob"}, name="Very important")

    assert "These published rules choose “VIP”: “Premium” (House rules)." in deleted
    assert renamed.status_code == 422
    assert "rename it there as well" in text_of(renamed)
    assert EscalationPolicy.objects.get().name == "VIP"
    assert "Custom routing is off for this account" in text_of(browser.get(url(policy)))


def test_what_a_rule_chose_for_somebody_who_waits_stays(
    house: House, policy: EscalationPolicy, ada: User, client: Client
) -> None:
    house.inbox.escalation = None
    house.inbox.save()
    row = text_in(client, house.sender, "+14155550100").conversation
    Conversation.objects.update(escalation=policy)

    with pytest.raises(SetUpError, match="still open"):
        delete_policy(policy=policy, by=ada, now=NOW)
    Conversation.objects.update(status="closed", waiting_since=None)
    delete_policy(policy=policy, by=ada, now=NOW)

    assert row is not None
    assert Conversation.objects.get(pk=row.pk).escalation is None


# --- The editor ---


def test_an_admin_writes_a_policy_of_every_kind_of_step(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    DataAction.objects.create(
        account=house.account,
        name="On call",
        url="https://x.example",
        created_at=NOW,
        changed_at=NOW,
    )
    bob, team = f"u{house.bob.pk}", f"t{house.inbox.pk}"
    answer = post(
        browser,
        policy,
        {"to": [f"0:{bob}", f"1:{team}"], "when": "unclaimed", "clock": "business"},
        {"after": "15", "do": "move", "who": "alice"},
        {"after": "20", "do": "release", "when": "owner_silent"},
        {"after": "30", "do": "notify"},
        {"after": "45", "do": "priority", "priority": "urgent"},
        {"after": "60", "do": "data_action", "action": "On call"},
        percent="20",
        minutes="3",
        name="All of it",
    )

    assert answer.status_code == 302, text_of(answer)
    policy.refresh_from_db()
    found = policy.policy()
    assert (policy.name, policy.version) == ("All of it", 2)
    first, second, third, *_rest = found.steps
    assert (first.when, first.clock, first.do) == (When.UNCLAIMED, Clock.BUSINESS, Do.ADD)
    assert [rung.team or rung.users for rung in first.to] == [(house.bob.pk,), house.inbox.pk]
    assert second.to[0].users == (house.alice.pk,)
    assert third.when is When.OWNER_SILENT
    assert [step.do.value for step in found.steps[3:]] == ["notify", "priority", "data_action"]
    assert (found.steps[4].priority, found.steps[5].data_action) == ("urgent", "On call")
    assert (found.ahead.percent, found.ahead.minutes) == (20, 3)
    [entry] = AuditEntry.objects.filter(action="policy_changed")
    assert entry.data["changes"]["step 4"] == {
        "before": None,
        "after": "After 30 minutes, if nobody has answered: tell the supervisors",
    }


def test_nothing_changes_without_a_change(browser: Client, policy: EscalationPolicy) -> None:
    bob = policy.policy().steps[0].to[0].users[0]
    EscalationPolicy.objects.update(
        document={**policy.document, "warn": {"percent": 0, "minutes": 0}}
    )

    answer = post(browser, policy, {"to": f"0:u{bob}"})

    assert answer.status_code == 302
    policy.refresh_from_db()
    assert policy.version == 1


@pytest.mark.parametrize(
    ("do", "order"),
    [
        ("up-1", ["11", "10", "12"]),
        ("down-1", ["10", "12", "11"]),
        ("remove-0", ["11", "12"]),
        ("add", ["10", "11", "12", "5"]),
        ("up-0", ["10", "11", "12"]),
        ("down-2", ["10", "11", "12"]),
    ],
)
def test_steps_move_by_buttons_and_nothing_is_saved_yet(
    browser: Client, policy: EscalationPolicy, do: str, order: list[str]
) -> None:
    steps = [{"after": str(n), "do": "notify"} for n in (10, 11, 12)]

    page = post(browser, policy, *steps, do=do).content.decode()

    assert re.findall(r'name="s\d-after"[^>]*value="(\d+)"', page) == order
    assert page.count("autofocus") == (0 if do in ("up-0", "down-2") else 1)
    assert len(EscalationPolicy.objects.get().policy().steps) == 1


def test_a_ladder_is_built_by_buttons(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    bob, alice, team = f"u{house.bob.pk}", f"u{house.alice.pk}", f"t{house.inbox.pk}"

    def rungs(do: str, *to: str, who: str = "") -> list[str]:
        page = post(browser, policy, {"to": list(to), "who": who}, do=do).content.decode()
        return re.findall(r'name="s0-to" value="([^"]+)"', page)

    assert rungs("else-0", who="Bob") == [f"0:{bob}"]
    assert rungs("beside-0", f"0:{bob}", who=house.alice.email) == [f"0:{bob}", f"0:{alice}"]
    assert rungs("else-0", f"0:{bob}", who="Team Support") == [f"0:{bob}", f"1:{team}"]
    assert rungs("beside-0", f"0:{bob}", who="Team Support") == [f"0:{bob}", f"1:{team}"]
    assert rungs("earlier-0-1", f"0:{bob}", f"1:{team}") == [f"0:{team}", f"1:{bob}"]
    assert rungs("drop-0-0-0", f"0:{bob}", f"1:{team}") == [f"0:{team}"]


@pytest.mark.parametrize(
    "do",
    [
        "up-9",
        "up",
        "remove-x",
        "drop-0-9-9",
        "drop-0",
        "earlier-0-0",
        "up--1",
        "up-" + "9" * 99,
        "act-drop-7",
        "act-drop-",
        "nonsense",
        "",
    ],
)
def test_a_button_that_is_none_does_not_break_the_page(
    browser: Client, policy: EscalationPolicy, do: str
) -> None:
    answer = post(browser, policy, {"to": "junk", "who": ""}, do=do)

    assert answer.status_code in (200, 422)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"after": "", "do": "notify"}, "A step comes after 1 minute to 30 days"),
        ({"after": "0", "do": "notify"}, "A step comes after 1 minute to 30 days"),
        ({"after": "9" * 6, "do": "notify"}, "A step comes after 1 minute to 30 days"),
        ({"after": "ten", "do": "notify"}, "A step comes after 1 minute to 30 days"),
        ({}, "Say whom this step adds or moves the conversation to."),
        ({"who": "Zebra"}, "Nobody here is called “Zebra”."),
        ({"who": "Charlie"}, "Nobody here is called “Charlie”."),
        ({"do": "data_action", "action": ""}, "A step that calls a Data Action names it"),
        ({"do": "data_action", "action": "Gone"}, "There is no Data Action Gone."),
        ({"do": "release", "when": "unclaimed"}, "What nobody has claimed cannot be released."),
        ({"do": "fly"}, "fly is not one of"),
        ({"to": "0:u999999"}, "It names somebody who does not belong to this account."),
    ],
)
def test_what_is_wrong_is_said_at_its_step_and_what_was_typed_stays(
    browser: Client,
    policy: EscalationPolicy,
    charlie: User,
    step: dict[str, Any],
    words: str,
) -> None:
    answer = post(browser, policy, {"after": "17", "do": "notify"}, step, name="Kept")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Step 2: " in text_of(answer)
    assert words in text_of(answer)
    assert 'value="17"' in page
    assert 'value="Kept"' in page
    assert len(EscalationPolicy.objects.get().policy().steps) == 1


def test_nobody_of_another_account_is_named(
    browser: Client, policy: EscalationPolicy, charlie: User
) -> None:
    for key in (f"u{charlie.pk}", f"t{charlie.teams.get().pk}"):
        answer = post(browser, policy, {"to": f"0:{key}"})

        assert answer.status_code == 422
        assert "does not belong to this account" in text_of(answer)
        assert "Charlie" not in text_of(answer)


def test_two_of_one_name_are_told_apart_by_address(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    other = make_user(house.account, "Bob", email="bob.two@example.com")

    answer = post(browser, policy, {"who": "Bob"})
    chosen = post(browser, policy, {"who": "Bob (bob.two@example.com)"})

    assert "Several are called “Bob”" in text_of(answer)
    assert chosen.status_code == 302
    policy.refresh_from_db()
    assert policy.policy().steps[0].to[0].users == (other.pk,)


def test_a_warning_asks_once(browser: Client, house: House, policy: EscalationPolicy) -> None:
    License.objects.filter(holder=house.bob).delete()
    step = {"to": f"0:u{house.bob.pk}", "after": "6"}

    asked = post(browser, policy, step)
    saved = post(browser, policy, step, is_sure="on")

    assert asked.status_code == 422
    assert "Bob is not active or has no licence." in text_of(asked)
    assert "Nobody whom it names can help" in text_of(asked)
    assert "Look at the warnings before you save." in text_of(asked)
    assert saved.status_code == 302


def test_a_tick_does_not_save_an_error(browser: Client, policy: EscalationPolicy) -> None:
    answer = post(browser, policy, {"do": "release", "when": "unclaimed"}, is_sure="on")

    assert answer.status_code == 422
    assert "This policy cannot be saved as it is." in text_of(answer)


def test_hours_that_never_open_are_told_with_their_inbox(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    other = make_inbox(house.account, "Sales", hours=make_hours(house.account, week=NEVER_OPEN))
    other.escalation = policy
    other.save()

    answer = post(browser, policy, {"clock": "business", "who": "Bob"})

    assert "In Sales: It waits for business hours, and these hours never open" in text_of(answer)


def test_a_circle_is_told(browser: Client, house: House, policy: EscalationPolicy) -> None:
    other = make_inbox(house.account, "Sales")
    make_user(house.account, "Sam", team=other.team)
    make_policy(other, {"after": 5, "do": "move", "to": [{"team": house.inbox.pk}]})

    answer = post(browser, policy, {"do": "move", "who": "Team Sales"})

    assert "It goes in a circle: Support → Sales → Support." in text_of(answer)


def test_the_second_is_told_what_changed_and_keeps_what_they_typed(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    sue = make_user(house.account, "Una", works_as=User.Role.ACCOUNT_ADMIN)
    save_policy(
        policy=policy,
        name="VIP",
        document={"format": 1, "steps": [{"after": 9, "do": "notify"}]},
        version=1,
        by=sue,
        now=NOW,
    )

    answer = post(browser, policy, {"after": "7", "who": "Alice"})

    assert answer.status_code == 409
    text, page = text_of(answer), answer.content.decode()
    assert "Not saved: somebody changed this while you were at it." in text
    assert "Una" in text
    assert "After 5 minutes, if nobody has answered: add Bob" in text
    assert "After 9 minutes, if nobody has answered: tell the supervisors" in text
    assert 'value="7"' in page
    assert 'name="version" value="2"' in page
    again = post(browser, policy, {"after": "7", "who": "Alice"}, version="2")
    assert again.status_code == 302
    policy.refresh_from_db()
    assert policy.policy().steps[0].after == 7


def test_a_change_holds_for_waits_that_begin_after_it(
    browser: Client, house: House, policy: EscalationPolicy, client: Client
) -> None:
    text_in(client, house.sender, "+14155550100")

    post(browser, policy, {"after": "50", "who": "Bob"})
    text_in(client, house.sender, "+14155550101")

    lengths = EscalationTimer.objects.filter(step=1).order_by("pk").values_list("length", flat=True)
    assert [one.total_seconds() / 60 for one in lengths] == [5, 50]
    assert "Who waits already keeps the steps that they began with" in text_of(
        browser.get(url(policy))
    )


def test_who_waits_follows_when_an_admin_says_so_having_seen_what_comes(
    browser: Client, house: House, policy: EscalationPolicy, client: Client
) -> None:
    text_in(client, house.sender, "+14155550100")
    Contact.objects.update(name="Maria Secret")
    post(browser, policy, {"after": "50", "who": "Bob"})

    shown = text_of(browser.get(url(policy, "_recompute")))
    assert EscalationTimer.objects.get(step=1).length.total_seconds() == 300
    done = text_of(browser.post(url(policy, "_recompute"), follow=True))
    again = text_of(browser.get(url(policy, "_recompute")))

    assert "15:05 UTC: Bob is added (step 1)" in shown
    assert "15:50 UTC: Bob is added (step 1)" in shown
    assert "Maria" not in shown
    assert "1 customer who waits follows the steps as they are now." in done
    assert EscalationTimer.objects.get(step=1).length.total_seconds() == 3000
    assert "everybody who waits follows these steps already" in again


def test_who_waits_in_an_inbox_follows_the_policy_that_was_chosen_for_it(
    browser: Client, house: House, policy: EscalationPolicy, client: Client
) -> None:
    text_in(client, house.sender, "+14155550100")
    TeamInbox.objects.update(escalation=None)
    page = reverse("settings_inbox_recompute", args=["support"])

    shown = text_of(browser.get(page))
    done = text_of(browser.post(page, follow=True))

    assert "only the last step" in shown
    assert "1 customer who waits follows" in done
    assert not EscalationTimer.objects.filter(step=1, next_at__isnull=False).exists()


# --- Who has it ---


def test_inboxes_are_chosen_on_the_policys_page(
    browser: Client, house: House, policy: EscalationPolicy, charlie: User
) -> None:
    sales = make_inbox(house.account, "Sales")
    theirs = charlie.teams.get().inbox

    answer = browser.post(
        url(policy),
        {"card": "inboxes", "inbox": [sales.pk, theirs.pk], "seen": [house.inbox.pk]},
        follow=True,
    )

    assert "Changed for Support, Sales" in text_of(answer)
    having = TeamInbox.objects.filter(escalation=policy)
    assert [inbox.name for inbox in having] == ["Sales"]


def test_an_inbox_that_somebody_else_set_meanwhile_stays_so(
    house: House, policy: EscalationPolicy, ada: User
) -> None:
    other = EscalationPolicy.objects.create(
        account=house.account,
        name="Other",
        document=policy.document,
        created_at=NOW,
        changed_at=NOW,
    )
    TeamInbox.objects.filter(pk=house.inbox.pk).update(escalation=other)

    changed = choose_inboxes(policy=policy, chosen=[], seen=[house.inbox.pk], by=ada, now=NOW)

    assert changed == []
    assert TeamInbox.objects.get(pk=house.inbox.pk).escalation == other
    with pytest.raises(SetUpError, match="Somebody else chose “Other” meanwhile"):
        choose_policy(inbox=house.inbox, policy=None, seen=policy.pk, by=ada, now=NOW)


def test_an_inbox_chooses_on_its_own_page(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    page = reverse("settings_inbox_escalation", args=["support"])
    shown = text_of(browser.get(page))

    browser.post(page, {"policy": "", "seen": policy.pk})

    assert "After 5 minutes, if nobody has answered: add Bob" in shown
    house.inbox.refresh_from_db()
    assert house.inbox.escalation is None
    assert house.inbox.settings_version == 2
    assert AuditEntry.objects.get(action="inbox_changed").data["changes"] == {
        "escalation": {"before": "VIP", "after": None}
    }
    back = browser.post(page, {"policy": policy.pk, "seen": ""})
    assert back.status_code == 302
    stale = browser.post(page, {"policy": "", "seen": ""})
    assert stale.status_code == 422
    assert "Somebody else chose “VIP” meanwhile." in text_of(stale)


@pytest.mark.parametrize("wanted", ["999999", "x", "9" * 40])
def test_a_policy_that_is_not_theirs_is_not_chosen(
    browser: Client, house: House, policy: EscalationPolicy, wanted: str
) -> None:
    answer = browser.post(
        reverse("settings_inbox_escalation", args=["support"]),
        {"policy": wanted, "seen": policy.pk},
    )

    assert answer.status_code == 422
    assert "There is no such policy any more." in text_of(answer)


def test_supervisors_and_others_have_no_such_pages(
    house: House, policy: EscalationPolicy, login: Login, charlie: User
) -> None:
    TeamInbox.objects.update(supervisors_may_set_up=True)
    otto = make_user(make_account("Else"), "Otto", works_as=User.Role.ACCOUNT_ADMIN)

    for user in (house.sue, house.alice, charlie, otto):
        for page in ("_edit", "_delete"):
            assert login(user).get(url(policy, page)).status_code == 404


# --- The run on a virtual clock ---


def test_a_run_tells_what_would_happen_and_writes_nothing(
    browser: Client, policy: EscalationPolicy
) -> None:
    acts = {"a0-act": "customer writes", "a0-minute": "2", "a1-act": "reply", "a1-minute": "8"}
    before = [AuditEntry.objects.count(), EscalationTimer.objects.count()]

    answer = post(
        browser,
        policy,
        {"after": "5", "who": "Bob"},
        {"after": "60", "do": "notify"},
        do="check",
        percent="50",
        minutes="1",
        **{"run-start": "2026-11-26T16:00", **acts},
    )

    text = text_of(answer)
    assert answer.status_code == 200
    wanted = [
        "Thu 26 Nov, 16:00",
        "The customer writes, and waits",
        "Step 1 is due at Thu 26 Nov, 16:05",
        "Thu 26 Nov, 16:02",
        "The customer writes again",
        "Thu 26 Nov, 16:04",
        "Step 1 is near",
        "Thu 26 Nov, 16:05 after 5 min Step 1: Bob is added",
        "Somebody answers",
        "Step 2 does not come: somebody has answered",
    ]
    assert re.search(".*".join(map(re.escape, wanted)), text), text
    assert before == [AuditEntry.objects.count(), EscalationTimer.objects.count()]
    assert EscalationPolicy.objects.get().version == 1


def test_a_run_keeps_the_hours_of_the_chosen_inbox(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    hours = make_hours(house.account, zone="Europe/Berlin")
    sales = make_inbox(house.account, "Sales", hours=hours, time_zone="Europe/Berlin")

    answer = post(
        browser,
        policy,
        {"after": "30", "who": "Bob", "clock": "business"},
        do="check",
        **{"run-inbox": sales.pk, "run-start": "2026-11-27T16:45"},
    )

    assert "Mon 30 Nov, 09:15 after 2 d 16 h 30 min Step 1: Bob is added" in text_of(answer)


def test_a_run_tells_what_its_inbox_says_to_who_still_waits(
    browser: Client, house: House, policy: EscalationPolicy
) -> None:
    said = {"after": 20, "variants": [{"text": "Soon, promised"}]}
    TeamInbox.objects.update(replies={"format": 1, "still_waiting": said})

    text = text_of(post(browser, policy, {"who": "Bob"}, do="check"))

    assert "The reply to who still waits: The customer is told that they are not forgotten" in text


@pytest.mark.parametrize(
    "data",
    [
        {"run-start": "yesterday"},
        {"run-start": "0001-01-01T00:00"},
        {"run-start": "9999-12-31T23:59"},
        {"a0-act": "fly", "a0-minute": "1"},
        {"a0-act": "reply", "a0-minute": ""},
        {"a0-act": "reply", "a0-minute": "-5"},
        {"a0-act": "reply", "a0-minute": "9" * 18},
    ],
)
def test_a_run_that_makes_no_sense_says_so(
    browser: Client, policy: EscalationPolicy, data: dict[str, str]
) -> None:
    answer = post(browser, policy, {"who": "Bob"}, do="check", **data)

    assert answer.status_code == 200
    assert "field-error" in answer.content.decode()


def test_acts_come_and_go_by_buttons(browser: Client, policy: EscalationPolicy) -> None:
    acts = {"a0-act": "claim", "a0-minute": "3"}

    more = post(browser, policy, {"who": "Bob"}, do="act-add", **acts).content.decode()
    less = post(browser, policy, {"who": "Bob"}, do="act-drop-0", **acts).content.decode()

    assert 'name="a1-act"' in more
    assert 'name="a0-act"' not in less


def test_the_page_costs_the_same_however_many_steps_and_people(
    browser: Client, house: House, policy: EscalationPolicy, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        make_user(house.account, f"Person {n}", team=house.inbox.team, role=Membership.Role.AGENT)
    people = [{"users": [pk]} for pk in User.objects.values_list("pk", flat=True)[:10]]
    EscalationPolicy.objects.update(
        document={"format": 1, "steps": [{"after": n, "to": people} for n in range(1, 21)]}
    )

    browser.get(url(policy))
    with django_assert_max_num_queries(22):
        assert browser.get(url(policy)).status_code == 200
