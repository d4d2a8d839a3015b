"""Does an opt-in for somebody who opted out count only after a second person approved it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.addresses import parse_address
from compliance.evidence import EventKind
from compliance.models import Consent, ConsentEvent
from inbox import importing
from inbox.approving import NothingWaitsError, approve, refuse
from inbox.models import OptInApproval
from inbox.refusals import RefusedError
from inbox.setup import consent_imports
from tests.compliance.ledgers import tell
from tests.conftest import House
from tests.factories import make_account, make_user
from tests.flows.test_consents_api import FORM, Program
from tests.flows.test_double_opt_in import settle_asking, sound
from tests.flows.test_together import MARIA

Login = Callable[[User], Client]
PAGE = "/settings/consent/approvals/"
HERS = parse_address(MARIA)
PAPER: dict[str, Any] = {
    **{name: value for name, value in FORM.items() if name != "page_url"},
    "source": "paper",
    "file_sha256": "ab" * 32,
    "note": "Signed at the counter",
}


@pytest.fixture
def program(house: House, now: datetime) -> Program:
    """Maria opted out yesterday; a second person approves; a program of Ada's reports."""
    tell(house.account, EventKind.OPT_OUT, HERS, at=now - timedelta(days=1))
    settle_asking(house.account, house.sue, now, approves=True)
    return Program(house, now + timedelta(hours=3))


@pytest.fixture
def ada(program: Program) -> User:
    """Return the admin who made the key of the program."""
    return User.objects.get(name="Ada")


@pytest.fixture
def zoe(house: House) -> User:
    return make_user(house.account, "Zoe", works_as=User.Role.ACCOUNT_ADMIN)


def state() -> str:
    return Consent.objects.get(address=HERS.consent_key).state


def reported(program: Program, **change: Any) -> OptInApproval:
    """Let the program report what she signed."""
    answer = program.tells(**{**PAPER, **change})
    assert answer.status_code == 202, answer.json()
    said = answer.json()
    assert (said["waits_for_approval"], said["state"]) == (True, "opted_out")
    return OptInApproval.objects.get(proposed=said["event"])


def decided(house: House, row: OptInApproval, by: User, now: datetime) -> OptInApproval:
    return approve(account=house.account, proposed=row.proposed, by=by, now=now)


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_without_the_setting_new_proof_counts_at_once(house: House, program: Program) -> None:
    settle_asking(house.account, house.sue, program.now, approves=False)

    answer = program.tells(**PAPER)

    assert (answer.status_code, state()) == (201, "opted_in")
    assert not OptInApproval.objects.exists()


def test_it_counts_after_a_second_person_approved_it(
    house: House, program: Program, ada: User, zoe: User
) -> None:
    row = reported(program)
    assert (row.asked_by, row.outcome, state()) == (ada, "", "opted_out")

    done = decided(house, row, zoe, program.now + timedelta(hours=1))

    assert (done.outcome, done.decided_by, state()) == ("approved", zoe, "opted_in")
    proposed, granted = ConsentEvent.objects.order_by("seq")[1:]
    assert (proposed.kind, proposed.state) == ("proposed", "opted_out")
    assert (granted.seq, granted.kind, granted.source) == (done.event, "grant", "paper")
    assert granted.occurred_at == proposed.occurred_at
    assert (granted.recorded_by, granted.file_sha256) == (zoe, PAPER["file_sha256"])
    assert granted.personal.wording_text == "Text me offers."
    line = AuditEntry.objects.get(action="opt_in_decided")
    assert (line.actor, line.data["outcome"]) == (zoe, "approved")
    sound(house.account)


def test_nobody_approves_what_they_or_their_program_reported(
    house: House, program: Program, ada: User
) -> None:
    row = reported(program)

    for deed in (approve, refuse):
        with pytest.raises(RefusedError, match="somebody else decides"):
            deed(account=house.account, proposed=row.proposed, by=ada, now=program.now)

    assert state() == "opted_out"
    with pytest.raises(IntegrityError, match="nobody_approves_their_own"), transaction.atomic():
        OptInApproval.objects.filter(pk=row.pk).update(
            decided_by=ada, decided_at=program.now, outcome="approved"
        )


def test_what_is_refused_counts_for_nothing_and_is_decided_once(
    house: House, program: Program, zoe: User
) -> None:
    row = reported(program)

    refuse(account=house.account, proposed=row.proposed, by=zoe, now=program.now)

    assert state() == "opted_out"
    with pytest.raises(NothingWaitsError):
        decided(house, row, zoe, program.now)
    assert ConsentEvent.objects.filter(kind="grant").count() == 0


def test_an_approval_after_a_newer_opt_out_is_refused(
    house: House, program: Program, zoe: User
) -> None:
    row = reported(program)
    program.now += timedelta(hours=1)
    tell(house.account, EventKind.OPT_IN, HERS, at=program.now)
    program.now += timedelta(hours=1)
    tell(house.account, EventKind.OPT_OUT, HERS, at=program.now)

    done = decided(house, row, zoe, program.now + timedelta(hours=1))

    assert (done.outcome, done.event, state()) == ("outdated", None, "opted_out")
    sound(house.account)


def test_what_else_waits_for_them_ends_in_words_when_one_is_approved(
    house: House, program: Program, zoe: User, login: Login
) -> None:
    first = reported(program)
    second = reported(program, occurred_at=program.now.isoformat())

    decided(house, first, zoe, program.now + timedelta(hours=1))

    second.refresh_from_db()
    assert (second.outcome, second.event, second.decided_by) == ("moot", None, zoe)
    page = words(login(zoe).get(PAGE))
    assert "Not needed: they are not opted out any more" in page
    assert ConsentEvent.objects.filter(kind="grant").count() == 1
    sound(house.account)


def test_who_came_back_by_themselves_needs_no_approval(
    house: House, program: Program, zoe: User
) -> None:
    row = reported(program)
    later = program.now + timedelta(hours=1)
    tell(house.account, EventKind.OPT_IN, HERS, at=later)

    done = decided(house, row, zoe, later + timedelta(hours=1))

    assert (done.outcome, done.event, state()) == ("moot", None, "conversational")


def test_what_people_do_themselves_and_old_proof_need_nobody(program: Program) -> None:
    old = (program.now - timedelta(days=9)).isoformat()
    assert program.tells(**PAPER, occurred_at=old).json()["superseded"] is True
    weak = {**PAPER, "quality": "asserted_by_agent"}
    assert program.tells(**weak).status_code == 409
    assert state() == "opted_out"

    assert program.tells(**FORM).status_code == 201

    assert state() == "opted_in"
    assert not OptInApproval.objects.exists()


def test_no_file_undoes_an_opt_out_where_a_second_person_approves(
    house: House, program: Program, ada: User
) -> None:
    at = program.now.isoformat()
    text = f"phone,action,date,basis,wording\n{MARIA},opt_in,{at},express,I agree to offers.\n"
    deed: dict[str, Any] = {"by": ada, "now": program.now}
    row = consent_imports.upload(text.encode(), account=house.account, **deed)
    consent_imports.start(row, attestation="Signed at the counter.", **deed)
    work = importing.claim_next(now=program.now)
    assert work
    importing.go_on(work, now=program.now)

    (line,) = row.lines.all()
    assert (line.outcome, "second person" in line.reason) == ("refused", True)
    assert state() == "opted_out"


def test_the_page_is_empty_then_shows_what_waits_and_decides_it(
    house: House, program: Program, ada: User, zoe: User, login: Login
) -> None:
    assert "Nothing waits." in words(login(zoe).get(PAGE))
    row = reported(program)

    shown = words(login(zoe).get(PAGE))
    own = words(login(ada).get(PAGE))

    assert "Signed at the counter" in shown
    assert "Text me offers." in shown
    assert MARIA not in shown
    assert 'value="approve"' in shown
    assert 'value="approve"' not in own
    assert "somebody else decides it" in own
    given = {"event": row.proposed, "do": "approve"}
    with time_machine.travel(program.now + timedelta(hours=1), tick=False):
        refused = login(ada).post(PAGE, given, follow=True)
        assert "somebody else decides it" in words(refused)
        assert state() == "opted_out"
        done = login(zoe).post(PAGE, given, follow=True)
        assert "The opt-in counts from now on." in words(done)
        assert "Approved" in words(done)
        again = login(zoe).post(PAGE, given, follow=True)
    assert "Somebody decided this before" in words(again)
    assert state() == "opted_in"


def test_approvals_are_the_accounts_own(
    house: House, program: Program, zoe: User, login: Login
) -> None:
    row = reported(program)
    other = make_user(make_account("Umbrella"), "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    auditor = make_user(house.account, "Audrey", works_as=User.Role.AUDITOR)
    given = {"event": row.proposed, "do": "approve"}

    for who, sees in ((other, 200), (auditor, 200), (house.alice, 404), (house.bob, 404)):
        client = login(who)
        assert client.get(PAGE).status_code == sees
        assert client.post(PAGE, given).status_code == 404
    assert "Signed at the counter" not in words(login(other).get(PAGE))
    assert "Signed at the counter" in words(login(auditor).get(PAGE))
    assert 'value="approve"' not in words(login(auditor).get(PAGE))
    assert login(zoe).post(PAGE, {**given, "do": "what"}).status_code == 404
    assert login(zoe).post(PAGE, {**given, "event": "99999"}).status_code == 404
    assert state() == "opted_out"


def test_the_setting_is_kept_by_programs_that_do_not_know_it(program: Program) -> None:
    kept: dict[str, Any] = {
        "double_opt_in": True,
        "opt_out_scope": "family",
        "clarifying_text": False,
        "programmes": [],
        "texts": {},
        "version": 1,
    }

    said = program.tells("api_asking", "put", **kept).json()

    assert (said["second_person"], said["double_opt_in"]) == (True, True)
    off = program.tells("api_asking", "put", **{**kept, "version": 2, "second_person": False})
    assert off.json()["second_person"] is False
