"""Is an opt-in from a file asked about like any other, once for each person, and in turn?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from compliance.import_outcomes import Outcome
from compliance.models import Consent, ConsentEvent, ConsentImport, ConsentImportLine
from compliance.state_machine import CONFIRM_WITHIN
from inbox import asking_imported, importing
from inbox.asking_imported import AT_ONCE, PAUSE
from inbox.models import ConsentQuestion, Message
from inbox.sending import deliver
from inbox.setup import consent_imports
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_double_opt_in import awake, settle_asking, sound
from tests.flows.test_together import MARIA, Stage

Login = Callable[[User], Client]
WHY = "People who signed up at our stand; the forms lie in Lisbon."
HEADER = "phone,action,date,basis,wording\n"
SHOWN = "I agree to get offers of Fabrikam."


def row_of(number: str, at: str = "2026-01-05T10:00:00Z", wording: str = SHOWN) -> str:
    """Return one opt-in of a file."""
    return f"{number},opt_in,{at},express,{wording}\n"


def people(count: int) -> str:
    """Return so many opt-ins."""
    return "".join(row_of(f"+1415555{number:04}") for number in range(2000, 2000 + count))


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    """Maria wrote once; the account asks people to confirm. It is 10 in the morning with her."""
    twilio.knows(house.sender)
    settle_asking(house.account, house.sue, now, confirms=True)
    return awake(Stage(house, client, now))


def recorded(stage: Stage, by: User, text: str) -> ConsentImport:
    """Let a file be recorded; nobody is asked yet."""
    row = uploaded(stage, by, text)
    consent_imports.start(row, attestation=WHY, by=by, now=stage.now)
    while work := importing.claim_next(now=stage.now):
        while importing.go_on(work, now=stage.now):
            pass
        importing.release(work)
    row.refresh_from_db()
    assert row.status == "done"
    return row


def uploaded(stage: Stage, by: User, text: str) -> ConsentImport:
    given = (HEADER + text).encode()
    return consent_imports.upload(given, account=stage.house.account, by=by, now=stage.now)


def ask_all(stage: Stage) -> int:
    """Let the clock go on until nobody waits to be asked; say how often it came by."""
    rounds = 0
    while ConsentImport.objects.filter(ask_next_at__isnull=False).exists():
        while asking_imported.ask_next(now=stage.now):
            rounds += 1
        stage.now += PAUSE
    return rounds


def state(number: str = MARIA) -> str:
    return Consent.objects.get(address=f"sms:{number}", programme="*").state


def asked() -> list[Message]:
    return list(Message.objects.filter(purpose="consent_request").order_by("pk"))


def outcomes(row: ConsentImport) -> list[str]:
    return list(row.lines.order_by("line").values_list("outcome", flat=True))


def test_an_opt_in_of_a_file_counts_after_a_yes(stage: Stage, ada: User, twilio: Twilio) -> None:
    row = recorded(stage, ada, row_of(MARIA))

    assert (row.asked, row.opted_in, row.questions, state()) == (1, 0, 0, "pending")
    assert (asked(), outcomes(row)) == ([], ["to_ask"])
    ask_all(stage)
    (question,) = asked()
    assert deliver(question.pk, now=stage.now) is not None
    (sent,) = twilio.requests_to_send()
    assert sent["body"].startswith("Acme: Reply YES to confirm")
    row.refresh_from_db()
    assert (row.questions, row.is_asking, outcomes(row)) == (1, False, ["asked"])

    stage.now += timedelta(minutes=5)
    stage.hear("Yes!")

    assert state() == "opted_in"
    first = ConsentEvent.objects.order_by("seq")[0]
    assert (first.kind, first.source, first.file_sha256) == ("asked", "import", row.file_sha256)
    assert first.personal.wording_text == SHOWN
    assert first.personal.note.startswith("Given at 2026-01-05T10:00:00+00:00. line 2 · import")
    assert Consent.objects.get(address=f"sms:{MARIA}").basis == "express"
    sound(stage.house.account)


def test_opt_outs_of_a_file_count_at_once_and_who_needs_no_question_is_not_asked(
    stage: Stage, ada: User
) -> None:
    text = (
        "+14155552001,opt_out,,,\n"
        + row_of("+14155552002", wording="")  # without proof
        + "+14155552003,opt_out,2026-02-01T10:00:00Z,,\n"
        + row_of("+14155552003")  # dated before their opt-out
        + "+14155552004,opt_out,2026-02-01T10:00:00Z,,\n"
        + row_of("+14155552004", "2026-03-01T10:00:00Z")  # new proof, after their opt-out
    )

    row = recorded(stage, ada, text)

    states = [state(f"+1415555200{last}") for last in (1, 2, 3, 4)]
    assert states == ["opted_out", "opted_in", "opted_out", "opted_in"]
    assert Consent.objects.get(address="sms:+14155552002").quality == "imported_unproven"
    assert (row.asked, row.is_asking, row.opted_out, row.unproven) == (0, False, 3, 1)
    assert not asking_imported.ask_next(now=stage.now)
    assert asked() == []
    sound(stage.house.account)


def test_many_are_asked_in_turn(stage: Stage, ada: User) -> None:
    row = recorded(stage, ada, people(2 * AT_ONCE + 5))

    assert asking_imported.ask_next(now=stage.now)

    assert len(asked()) == AT_ONCE
    assert not asking_imported.ask_next(now=stage.now + PAUSE - timedelta(seconds=1))
    assert len(asked()) == AT_ONCE
    stage.now += PAUSE
    assert ask_all(stage) == 2
    row.refresh_from_db()
    assert (row.asked, row.questions, len(asked())) == (45, 45, 45)
    assert set(outcomes(row)) == {"asked"}


def test_questions_that_wait_for_their_hours_do_not_leave_in_one_moment(
    stage: Stage, ada: User
) -> None:
    stage.now -= timedelta(hours=2)  # 8 in the morning with them
    recorded(stage, ada, people(30))

    ask_all(stage)

    due = sorted(one.not_before for one in asked() if one.not_before)
    assert {one.error_code for one in asked()} == {"QUIET_HOURS"}
    gaps = {later - earlier for earlier, later in zip(due, due[1:], strict=False)}
    assert gaps == {consent_imports.ASKING_PACE}


def test_nobody_is_asked_twice_by_another_file_or_another_worker(stage: Stage, ada: User) -> None:
    first = recorded(stage, ada, people(3) + row_of("+14155552000", "2026-01-06T10:00:00Z"))
    assert (first.asked, first.already) == (3, 1)

    # The same people in another file: while they wait to be asked, and when they were.
    again = recorded(stage, ada, people(4))
    assert (again.asked, again.already) == (1, 3)
    ask_all(stage)
    more = recorded(stage, ada, people(5))
    assert (more.asked, more.already) == (1, 4)
    ask_all(stage)
    # Nobody answered in time: what was asked about is not asked about anew, a newer opt-in is.
    stage.now += CONFIRM_WITHIN
    newer = (stage.now - timedelta(minutes=1)).isoformat()
    late = recorded(stage, ada, people(3) + row_of("+14155552003", newer))
    assert (late.asked, late.already) == (1, 3)
    ask_all(stage)

    assert len(asked()) == 6
    line = ConsentImportLine.objects.filter(file=late, outcome="asked").get()
    asking_imported._ask(late.pk, line.pk, now=stage.now)
    assert len(asked()) == 6
    sound(stage.house.account)


def test_a_crash_between_two_questions_asks_nobody_twice(stage: Stage, ada: User) -> None:
    row = recorded(stage, ada, people(3))
    first = row.lines.order_by("pk")[0]
    with transaction.atomic():
        asking_imported._ask(row.pk, first.pk, now=stage.now)

    ask_all(stage)

    assert ConsentQuestion.objects.count() == 3
    row.refresh_from_db()
    assert row.questions == 3


def test_who_cannot_be_asked_is_named_with_the_reason(stage: Stage, ada: User) -> None:
    text = people(1) + f"{MARIA},opt_in,2026-01-05T10:00:00Z,express,{SHOWN}\n"
    row = recorded(stage, ada, text)
    stage.hear("STOP")

    ask_all(stage)

    assert outcomes(row) == ["asked", "not_asked"]
    assert "opted out" in row.lines.get(line=3).reason
    assert state() == "opted_out"
    assert len(asked()) == 1
    row.refresh_from_db()
    assert row.questions == 2


def test_without_a_number_to_ask_from_the_line_says_so(stage: Stage, ada: User) -> None:
    text = "phone,action,date,basis,wording,channel\n"
    text += f"+14155552001,opt_in,2026-01-05T10:00:00Z,express,{SHOWN},whatsapp\n"
    row = consent_imports.upload(text.encode(), account=stage.house.account, by=ada, now=stage.now)
    consent_imports.start(row, attestation=WHY, by=ada, now=stage.now)
    work = importing.claim_next(now=stage.now)
    assert work
    importing.go_on(work, now=stage.now)

    ask_all(stage)

    (line,) = row.lines.all()
    assert (line.outcome, "no number of this channel" in line.reason) == ("not_asked", True)


def test_an_import_can_be_stopped_while_it_asks(stage: Stage, ada: User) -> None:
    row = recorded(stage, ada, people(AT_ONCE + 5))
    asking_imported.ask_next(now=stage.now)

    consent_imports.cancel(row, by=ada, now=stage.now)

    stage.now += PAUSE
    assert not asking_imported.ask_next(now=stage.now)
    row.refresh_from_db()
    assert (row.status, row.is_asking, row.asked, row.questions) == ("canceled", False, 25, 25)
    assert outcomes(row) == ["asked"] * AT_ONCE + ["not_asked"] * 5
    assert len(asked()) == AT_ONCE


def test_what_is_foretold_is_what_happens_and_the_page_says_it(
    stage: Stage, ada: User, login: Login
) -> None:
    text = (
        row_of(MARIA)
        + row_of(MARIA, "2026-01-06T10:00:00Z")
        + row_of("+14155552001", wording="")
        + "+14155552002,opt_out,,,\n"
        + row_of("+14155552002")
        + people(200)[len(row_of("+14155552000")) * 10 :]
    )
    row = uploaded(stage, ada, text)
    page = f"/settings/consent/imports/{row.public_id}/"
    client = login(ada)

    told = consent_imports.foretell(row, now=stage.now)
    shown = " ".join(client.get(page).content.decode().split())

    assert (told.to_ask, told.counts[Outcome.ALREADY]) == (191, 1)
    assert "191 people will be asked to confirm" in shown
    assert "Asking takes about 2 minutes" in shown
    done = recorded(stage, ada, text)
    assert {kind.value: number for kind, number in told.counts.items()} == {
        name.value: number for name in Outcome if (number := getattr(done, name.value))
    }
    after = " ".join(
        client.get(f"/settings/consent/imports/{done.public_id}/").content.decode().split()
    )
    assert "Asked to confirm: 0 of 191 looked after. The others are asked in turn." in after
    assert "Ask nobody more" in after
