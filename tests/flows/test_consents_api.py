"""Do other systems tell of opt-ins and opt-outs, and hear what became of it?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from accounts.programs import make_key
from compliance.models import Consent, ConsentEvent
from inbox.models import Conversation, ConversationEvent, Message, ToldConsent
from inbox.telling_consents import forget_told
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.flows.test_double_opt_in import settle_asking
from tests.flows.test_together import MARIA, Stage

FORM: dict[str, Any] = {
    "kind": "opt_in",
    "address": "+1 (415) 555-0100",
    "source": "web_form",
    "basis": "express_written",
    "page_url": "https://fabrikam.example/news",
    "wording": {"id": "news", "version": "3", "language": "en", "text": "Text me offers."},
}


class Program:
    """A program with a key of the account."""

    def __init__(self, house: House, now: datetime) -> None:
        self.now = now
        ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
        key: dict[str, Any] = {"account": house.account, "days": 90, "by": ada, "now": now}
        self.bearer = make_key(name="Shop", may_change=True, **key).secret

    def tells(
        self, name: str = "api_consents", method: str = "post", key: str = "", **body: Any
    ) -> Any:
        """Ask the API; `key` is that under which it is done once."""
        once = {"Idempotency-Key": key} if key else {}
        with time_machine.travel(self.now, tick=False):
            return getattr(Client(), method)(
                reverse(name),
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {self.bearer}", **once},
            )


@pytest.fixture
def program(house: House, now: datetime) -> Program:
    return Program(house, now + timedelta(hours=3))


def state(family: str = "sms") -> str:
    return Consent.objects.get(family=family).state


def test_an_opt_in_with_its_proof_is_recorded(program: Program) -> None:
    answer = program.tells(**FORM)

    assert answer.status_code == 201, answer.json()
    said = answer.json()
    assert (said["state"], said["asks"], state()) == ("opted_in", False, "opted_in")
    event = ConsentEvent.objects.get(seq=said["event"])
    assert event.personal.wording_text == "Text me offers."
    assert event.personal.page_url == FORM["page_url"]
    assert event.recorded_by is not None
    line = AuditEntry.objects.get(action="consent_told")
    assert "0100" not in str(line.data) + line.subject


def test_where_people_confirm_it_asks_and_says_until_when(house: House, program: Program) -> None:
    settle_asking(house.account, house.sue, program.now, confirms=True)

    said = program.tells(**FORM).json()

    assert (said["state"], said["asks"]) == ("pending", True)
    assert said["until"].startswith("2026-11-26T18:00:00")
    message = Message.objects.get(public_id=said["message"])
    assert (message.purpose, message.status) == ("consent_request", "queued")
    assert message.conversation is None, "nobody is bothered with it"
    again = program.tells(**FORM).json()
    assert again["message"] == said["message"]
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"wording": None}, "wording"),
        ({"basis": ""}, "basis"),
        ({"page_url": ""}, "page_url"),
        ({"source": "paper"}, "file_sha256"),
        ({"address": "+12"}, "address"),
        ({"address": "nobody"}, "address"),
        ({"occurred_at": "2027-01-01T00:00Z"}, "occurred_at"),
        ({"occurred_at": "1999-01-01T00:00Z"}, "occurred_at"),
        ({"programme": "nothing"}, "programme"),
        ({"inbox": "00000000-0000-4000-8000-000000000000"}, "inbox"),
        ({"file_sha256": "xyz"}, "file_sha256"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_kept(
    program: Program, change: dict[str, Any], where: str
) -> None:
    answer = program.tells(**{**FORM, **change})

    assert answer.status_code == 400, answer.json()
    assert [one["where"] for one in answer.json()["problems"]] == [where]
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "maybe"}, "kind"),
        ({"source": "inbound_keyword"}, "source"),
        ({"occurred_at": "2026-11-01T10:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"ip": "nowhere"}, "ip"),
        ({"inbox": "x"}, "inbox"),
        ({"address": "+1\x00415"}, "address"),
        ({"quality": "splendid"}, "quality"),
    ],
)
def test_a_wrong_field_is_named(program: Program, change: dict[str, Any], field: str) -> None:
    answer = program.tells(**{**FORM, **change})

    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert not ConsentEvent.objects.exists()


def test_a_check_keeps_nothing(program: Program) -> None:
    assert program.tells(**FORM, check=True).json()["recorded"] is False
    assert not ConsentEvent.objects.exists()


def test_an_opt_out_needs_no_proof_and_counts_at_once(program: Program) -> None:
    answer = program.tells(kind="opt_out", address=MARIA, source="api")

    assert (answer.status_code, state()) == (201, "opted_out")
    assert program.tells(kind="opt_out", address=MARIA, source="api").status_code == 200


def test_an_opt_in_before_the_opt_out_is_history(program: Program) -> None:
    program.tells(kind="opt_out", address=MARIA, source="api")
    before = (program.now - timedelta(days=1)).isoformat()

    answer = program.tells(**FORM, occurred_at=before)

    assert (answer.status_code, answer.json()["superseded"]) == (200, True)
    assert state() == "opted_out"


def test_somebody_s_word_undoes_no_opt_out(program: Program) -> None:
    program.tells(kind="opt_out", address=MARIA, source="api")
    program.now += timedelta(hours=1)

    answer = program.tells(**{**FORM, "source": "verbal", "quality": "asserted_by_agent"})

    assert (answer.status_code, answer.json()["code"]) == (409, "OPTED_OUT")
    assert state() == "opted_out"


def test_another_account_s_inbox_is_not_there(program: Program) -> None:
    other = make_inbox(make_account("Umbrella"), "Support")
    make_sender(other, "+15550100888")

    answer = program.tells(**FORM, inbox=str(other.public_id))

    assert answer.status_code == 400
    assert answer.json()["problems"][0]["where"] == "inbox"


def test_what_is_settled_is_written_with_its_version(program: Program) -> None:
    wanted: dict[str, Any] = {
        "double_opt_in": True,
        "opt_out_scope": "every",
        "clarifying_text": True,
        "programmes": [{"name": "News"}, {"name": "Reminders"}],
        "texts": {"confirm": {"es": "Acme: Responda SÍ para confirmar. Responda STOP para parar."}},
    }

    done = program.tells("api_asking", "put", **wanted, version=0)
    stale = program.tells("api_asking", "put", **{**wanted, "double_opt_in": False}, version=0)

    assert done.status_code == 200, done.json()
    assert [one["code"] for one in done.json()["programmes"]] == ["news", "reminders"]
    assert done.json()["opt_out_scope_since"] is not None
    assert (stale.status_code, stale.json()["version"]) == (409, 1)
    assert program.tells("api_asking", "get").json()["double_opt_in"] is True


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"programmes": [{"name": "News"}]}, "clarifies"),
        ({"programmes": [{"name": "News"}, {"name": "néws"}]}, "programmes"),
        ({"programmes": [{"name": "News"}, {"name": "2"}]}, "programmes"),
        ({"programmes": [{"name": "News"}, {"name": "Stop"}]}, "programmes"),
        ({"programmes": [{"name": "News"}, {"name": "x" * 41}]}, "programmes"),
        ({"programmes": [{"name": f"N{n}x"} for n in range(10)]}, "programmes"),
        ({"texts": {"confirm": {"en": "Acme: Do you consent? STOP"}}}, "confirm:en"),
        ({"texts": {"confirm": {"en": "Acme: Reply YES to confirm it."}}}, "confirm:en"),
        ({"texts": {"confirm": {"en": "Reply YES to confirm, STOP to stop it."}}}, "confirm:en"),
        ({"texts": {"clarify": {"en": "Acme: You get no more messages."}}}, "clarify:en"),
        (
            {"texts": {"clarify": {"en": "Acme: no more messages. 50% off! {programmes}"}}},
            "clarify:en",
        ),
    ],
)
def test_what_may_not_be_settled_is_told(
    program: Program, change: dict[str, Any], where: str
) -> None:
    wanted = {
        "double_opt_in": True,
        "opt_out_scope": "family",
        "clarifying_text": True,
        "programmes": [{"name": "News"}, {"name": "Reminders"}],
        "texts": {},
        "version": 0,
    }

    answer = program.tells("api_asking", "put", **{**wanted, **change})

    assert answer.status_code == 422, answer.json()
    assert where in [one["where"] for one in answer.json()["problems"]]


# --- What people see and note ---------------------------------------------------------------------


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    stage = Stage(house, client, now)
    settle_asking(house.account, house.sue, now, confirms=True)
    stage.now += timedelta(hours=3)
    return stage


def _note(stage: Stage, browser: Client, **form: str) -> Any:
    url = reverse("note_opt_in", kwargs={"cid": stage.row.public_id})
    with time_machine.travel(stage.now, tick=False):
        return browser.post(url, form, headers={"Accept": "application/json"})


def test_an_agent_notes_an_opt_in_and_sees_until_when_it_is_asked(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    _note(stage, alice, way="phone", told="May we text you offers?", note="She rang")

    assert state() == "pending"
    event = ConsentEvent.objects.get()
    assert (event.source, event.quality, event.recorded_by) == (
        "verbal",
        "asserted_by_agent",
        stage.house.alice,
    )
    with time_machine.travel(stage.now, tick=False):
        page = alice.get(reverse("panel", kwargs={"cid": stage.row.public_id})).content.decode()
    assert "Asked to confirm, until" in page
    assert "2026-11-26T18:00:00" in page
    line = ConversationEvent.objects.filter(verb="consent").last()
    assert line is not None
    assert line.data["state"] == "pending"
    asked = Message.objects.get(purpose="consent_request")
    assert asked.conversation == Conversation.objects.get()


@pytest.mark.parametrize(
    "form", [{"way": "phone"}, {"way": "", "told": "x"}, {"way": "phone", "told": " "}]
)
def test_without_what_they_were_told_nothing_is_noted(
    stage: Stage, login: Any, form: dict[str, str]
) -> None:
    assert _note(stage, login(stage.house.alice), **form).status_code == 422
    assert not ConsentEvent.objects.exists()


def test_an_agent_s_word_does_not_undo_an_opt_out(stage: Stage, login: Any) -> None:
    stage.hear("STOP")
    stage.now += timedelta(hours=1)

    answer = _note(stage, login(stage.house.alice), way="phone", told="May we?")

    assert answer.status_code == 409
    assert (state(), Message.objects.filter(purpose="consent_request").count()) == ("opted_out", 0)


# --- The same once more ---------------------------------------------------------------------------


def test_the_same_key_and_body_get_the_first_answer_and_do_nothing(
    house: House, program: Program
) -> None:
    settle_asking(house.account, house.sue, program.now, confirms=True)
    first = program.tells(key="sign-up-1", **FORM)
    program.now += timedelta(hours=1)

    again = program.tells(key="sign-up-1", **FORM)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Cache-Control"] == "private, no-store"
    assert ConsentEvent.objects.count() == 1
    assert AuditEntry.objects.filter(action="consent_told").count() == 1
    # Without it, what is told again is written down again.
    program.tells(**FORM)
    assert ConsentEvent.objects.count() == 2


def test_an_opt_out_under_a_key_is_answered_as_it_was(program: Program) -> None:
    out = {"kind": "opt_out", "address": MARIA, "source": "verbal"}
    first = program.tells(key="out-1", **out)

    again = program.tells(key="out-1", **out)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert program.tells(key="out-2", **out).status_code == 200


@pytest.mark.parametrize(
    "change", [{"address": "+14155550199"}, {"kind": "opt_out"}, {"note": "x"}]
)
def test_another_body_under_the_same_key_is_refused(
    program: Program, change: dict[str, Any]
) -> None:
    program.tells(key="sign-up-1", **FORM)

    answer = program.tells(key="sign-up-1", **{**FORM, **change})

    assert (answer.status_code, answer.json()["code"]) == (409, "OTHER_REQUEST")
    assert ConsentEvent.objects.count() == 1


def test_what_was_refused_or_only_looked_at_takes_no_key(program: Program) -> None:
    assert program.tells(key="one", **{**FORM, "wording": None}).status_code == 400
    assert program.tells(key="one", **FORM, check=True).status_code == 200

    assert program.tells(key="one", **FORM).status_code == 201
    assert ToldConsent.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * 121, "a\tb"])
def test_a_key_that_is_none_is_refused(program: Program, key: str) -> None:
    answer = program.tells(key=key, **FORM)

    assert answer.status_code == 400
    assert answer.json()["problems"][0]["where"] == "Idempotency-Key"
    assert not ConsentEvent.objects.exists()


def test_keys_are_the_accounts_own_and_say_nobodys_number(house: House, program: Program) -> None:
    program.tells(key="sign-up-1", **FORM)
    other = make_account("Umbrella")
    otto = make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    key: dict[str, Any] = {"account": other, "days": 90, "by": otto, "now": program.now}
    program.bearer = make_key(name="Shop", may_change=True, **key).secret

    answer = program.tells(key="sign-up-1", **FORM, note="Theirs")

    assert answer.status_code == 201
    assert ConsentEvent.objects.filter(account=other).count() == 1
    kept = str(list(ToldConsent.objects.values()))
    assert "5550100" not in kept


def test_keys_are_forgotten_after_thirty_days(program: Program) -> None:
    program.tells(key="sign-up-1", **FORM)

    forget_told(now=program.now + timedelta(days=29))
    assert ToldConsent.objects.count() == 1
    forget_told(now=program.now + timedelta(days=30))
    assert not ToldConsent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_at_the_same_time_one_is_recorded(program: Program) -> None:
    program.tells(**{**FORM, "address": "+14155550188"})

    with time_machine.travel(program.now, tick=False), ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _turn: _send(program), range(4)))

    assert {status for status, _event in done} == {201}
    assert len({event for _status, event in done}) == 1
    assert ConsentEvent.objects.count() == 2


def _send(program: Program) -> tuple[int, int]:
    try:
        headers = {"Authorization": f"Bearer {program.bearer}", "Idempotency-Key": "both"}
        url = reverse("api_consents")
        answer = Client().post(url, FORM, content_type="application/json", headers=headers)
        return answer.status_code, answer.json().get("event", 0)
    finally:
        connection.close()
