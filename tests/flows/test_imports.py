"""Do consents come in from files: opt-outs first, once, with evidence, and nothing guessed?"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, User
from accounts.programs import make_key
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.consent_files import Mapped
from compliance.evidence import EventKind
from compliance.gate import Purpose
from compliance.models import Consent, ConsentEvent, ConsentImport, ProviderBlock
from compliance.recording import OptInRefusedError
from compliance.verifying import verify_account
from inbox import importing, tasks
from inbox.conversations import locked_conversation
from inbox.models import ContactAddress, Message
from inbox.sending import locked_thread, queue_message
from inbox.setup import consent_imports
from inbox.setup.consent_imports import ImportedAlreadyError
from inbox.story import Story
from tests.compliance.ledgers import MARIA, dump, proof, tell
from tests.conftest import NOW, House
from tests.factories import make_account, make_user
from tests.twilio import text_in

Login = Callable[[User], Client]
K = EventKind
DAY = timedelta(days=1)
WHY = "Moved from the old system; its own opt-outs, exported by IT."
SHOWN = "I agree to get offers by text."


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def run(house: House, by: User, text: str, *, now: datetime = NOW, **mapped: Any) -> ConsentImport:
    row = started(house, by, text, now=now, **mapped)
    work_off(now=now)
    row.refresh_from_db()
    return row


def started(
    house: House, by: User, text: str, *, now: datetime = NOW, **mapped: Any
) -> ConsentImport:
    row = consent_imports.upload(text.encode(), account=house.account, by=by, now=now)
    if mapped:
        given = consent_imports.as_json(consent_imports.mapped_of(row)) | mapped
        consent_imports.map_columns(row, Mapped(**given))
    return consent_imports.start(row, attestation=WHY, by=by, now=now)


def work_off(*, now: datetime = NOW) -> None:
    while work := importing.claim_next(now=now):
        while importing.go_on(work, now=now):
            pass
        importing.release(work)


def whole(house: House) -> None:
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []


def state(house: House, number: str, programme: str = "*") -> str:
    row = Consent.objects.get(account=house.account, address=f"sms:{number}", programme=programme)
    return row.state


@pytest.mark.django_db(transaction=True)
def test_a_file_of_opt_outs_is_recorded_with_its_evidence(house: House, ada: User) -> None:
    row = run(house, ada, "phone\n+14155550101\n+14155550102\n(415) 555-0103\n", country="US")

    assert (row.status, row.opted_out, row.total, row.done) == ("done", 3, 3, 3)
    assert row.content == ""
    assert [state(house, f"+1415555010{n}") for n in (1, 2, 3)] == ["opted_out"] * 3
    event = ConsentEvent.objects.filter(account=house.account).order_by("seq")[0]
    assert (event.source, event.kind, event.file_sha256) == ("import", "opt_out", row.file_sha256)
    assert event.recorded_by == ada
    assert event.personal.note == f"line 2 · import {row.public_id}: {WHY}"
    assert event.occurred_at == NOW
    whole(house)


BOTH = f"""phone,action,date,basis,wording
+14155550101,opt_in,2026-01-05T10:00:00Z,express,{SHOWN}
+14155550102,opt_in,,express,
+14155550103,opt_out,2026-02-01T10:00:00Z,,
+14155550103,opt_in,2026-01-01T10:00:00Z,express,{SHOWN}
+14155550104,opt_out,2026-02-01T10:00:00Z,,
+14155550104,opt_in,2026-03-01T10:00:00Z,express,{SHOWN}
+14155550105,opt_out,,,
+14155550105,opt_in,2026-03-01T10:00:00Z,express,{SHOWN}
+14155550106,opt_out,2026-02-01T10:00:00Z,,
+14155550106,opt_in,2026-03-01T10:00:00Z,express,
"""


@pytest.mark.django_db(transaction=True)
def test_opt_outs_come_first_and_proof_decides_what_an_opt_in_is_worth(
    house: House, ada: User
) -> None:
    row = run(house, ada, BOTH)

    kinds = list(
        ConsentEvent.objects.filter(account=house.account)
        .order_by("seq")
        .values_list("kind", flat=True)
    )
    assert kinds == ["opt_out"] * 4 + ["grant"] * 5
    assert [state(house, f"+1415555010{n}") for n in range(1, 7)] == [
        "opted_in",
        "opted_in",
        "opted_out",
        "opted_in",  # new proof of their own, dated after the opt-out
        "opted_out",  # both, and nobody knows which was first: the opt-out wins
        "opted_out",  # without the words they were shown it is no proof
    ]
    assert Consent.objects.get(address="sms:+14155550102").quality == "imported_unproven"
    told = {line.line: line.outcome for line in row.lines.all()}
    assert told == {3: "unproven", 5: "superseded", 9: "superseded", 11: "refused"}
    counts = (row.opted_out, row.opted_in, row.unproven, row.superseded, row.refused)
    assert counts == (4, 2, 1, 2, 1)
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_what_is_foretold_is_what_happens(house: House, ada: User) -> None:
    tell(house.account, K.OPT_OUT, parse_address("+14155550101"), at=NOW - DAY)
    tell(house.account, K.OPT_OUT, parse_address("+14155550107"), at=NOW - DAY)
    text = BOTH + "+14155550107,opt_out,,,\n12,opt_out,,,\n+14155550103,opt_out,2026-02-01T10:00Z\n"
    row = consent_imports.upload(text.encode(), account=house.account, by=ada, now=NOW)

    told = consent_imports.foretell(row, now=NOW)

    consent_imports.start(row, attestation=WHY, by=ada, now=NOW)
    work_off()
    row.refresh_from_db()
    assert {kind.value: number for kind, number in told.counts.items()} == {
        name: number
        for name in ("opted_out", "opted_in", "unproven", "superseded", "already", "refused")
        if (number := getattr(row, name))
    }
    assert (len(told.read.problems), len(told.read.repeated)) == (row.wrong, row.repeated) == (1, 1)
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_is_recorded_once(house: House, ada: User) -> None:
    first = run(house, ada, BOTH)
    events = ConsentEvent.objects.count()

    with pytest.raises(ImportedAlreadyError) as refused:
        run(house, ada, BOTH)

    assert refused.value.row == first
    assert ConsentEvent.objects.count() == events
    # One more row makes it another file: what was recorded of it is not recorded again.
    more = run(house, ada, BOTH + "+14155550109,opt_out,,,\n", now=NOW + DAY)
    assert more.opted_out == 1
    assert more.already + more.refused + more.repeated + more.unproven + more.superseded > 5
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_the_middle_goes_on_where_it_was(
    house: House, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PIECE", 3)
    lines = "".join(f"+1415555{n:04},opt_out\n" for n in range(200, 210))
    row = started(house, ada, "phone,action\n" + lines)
    work = importing.claim_next(now=NOW)
    assert work
    importing.go_on(work, now=NOW)

    # The process died: nobody gave the import back, and nobody else takes it before its time.
    assert importing.claim_next(now=NOW + timedelta(seconds=30)) is None
    work_off(now=NOW + importing.LEASE + timedelta(seconds=1))

    row.refresh_from_db()
    assert (row.status, row.opted_out, row.done) == ("done", 10, 10)
    assert ConsentEvent.objects.filter(account=house.account).count() == 10
    # A process that comes late with what was done meanwhile does nothing.
    assert importing.go_on(work, now=NOW) is False
    assert ConsentEvent.objects.filter(account=house.account).count() == 10
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_piece_record_it_once(
    house: House, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PIECE", 2)
    lines = "".join(f"+1415555{n:04}\n" for n in range(300, 309))
    row = started(house, ada, "phone\n" + lines)
    one, other = importing._work(row), importing._work(row)

    with ThreadPoolExecutor(2) as both:
        list(both.map(_to_the_end, (one, other)))

    row.refresh_from_db()
    assert (row.status, row.opted_out) == ("done", 9)
    assert ConsentEvent.objects.filter(account=house.account).count() == 9
    whole(house)


def _to_the_end(work: importing.Work) -> None:
    try:
        while importing.go_on(work, now=NOW):
            pass
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_import_records_nothing_more(
    house: House, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PIECE", 2)
    row = started(house, ada, "phone\n+14155550101\n+14155550102\n+14155550103\n")
    work = importing.claim_next(now=NOW)
    assert work
    assert importing.go_on(work, now=NOW)

    consent_imports.cancel(row, by=ada, now=NOW)

    assert importing.go_on(work, now=NOW) is False
    row.refresh_from_db()
    assert (row.status, row.content, row.done) == ("canceled", "", 2)
    assert ConsentEvent.objects.filter(account=house.account).count() == 2
    # It may be begun again: what is recorded stays, what is not follows.
    again = run(house, ada, "phone\n+14155550101\n+14155550102\n+14155550103\n")
    assert (again.opted_out, again.already) == (1, 2)
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_who_is_opted_out_is_cancelled_at_once(
    house: House, ada: User, client: Client
) -> None:
    came = text_in(client, house.sender, MARIA.phone, "Is it ready?")
    other = text_in(client, house.sender, "+14155550199", "And mine?")
    waiting = [make_queued(one) for one in (came, other)]

    run(house, ada, f"phone\n{MARIA.phone}\n", now=timezone.now())

    for one in waiting:
        one.refresh_from_db()
    assert [one.status for one in waiting] == ["canceled", "queued"]
    assert waiting[0].error_code == "OPTED_OUT"
    whole(house)


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_binds_the_other_numbers_of_the_same_person(
    house: House, ada: User, client: Client
) -> None:
    came = text_in(client, house.sender, MARIA.phone, "Is it ready?")
    ContactAddress.objects.create(
        account=house.account, contact=came.thread.contact, key="sms:+14155550177"
    )

    run(house, ada, f"phone\n{MARIA.phone}\n", now=timezone.now())

    assert state(house, "+14155550177") == "opted_out"
    assert ConsentEvent.objects.get(source="linked").kind == "opt_out"
    whole(house)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["opt_out", "opt_in"]),
            st.sampled_from(["", "2026-01-01T00:00Z", "2026-05-01T00:00Z", "2026-09-01T00:00Z"]),
            st.booleans(),
            st.sampled_from(["*", "news"]),
        ),
        min_size=1,
        max_size=12,
    ),
    before=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300), st.booleans()), max_size=4),
)
def test_whatever_a_file_says_the_ledger_is_whole_and_no_word_undoes_an_opt_out(
    house: House, ada: User, rows: Any, before: Any
) -> None:
    base = 14155560000 + 10 * ConsentImport.objects.count()
    for who, days, is_out in before:
        address = parse_address(f"+{base + who}")
        given = K.OPT_OUT if is_out else proof()
        try:
            tell(house.account, given, address, at=NOW - timedelta(days=days))
        except OptInRefusedError:
            continue
    lines = [
        f'+{base + who},{action},{date},express,"{SHOWN if proven else ""}",{programme}'
        for who, action, date, proven, programme in rows
    ]
    text = "phone,action,date,basis,wording,programme\n" + "\n".join(lines)
    try:
        row = run(house, ada, text)
    except ImportedAlreadyError:
        return

    assert row.status == "done"
    whole(house)
    for event in ConsentEvent.objects.filter(source="import", kind="grant"):
        if event.quality == "imported_unproven":
            assert event.state != "opted_in" or not _out_before(event)


def _out_before(event: ConsentEvent) -> bool:
    events = ConsentEvent.objects.filter(handle=event.handle, seq__lt=event.seq).order_by("seq")
    return bool(events) and events[len(events) - 1].state == "opted_out"


def make_queued(came: Message) -> Message:
    """Let an answer wait."""
    with transaction.atomic():
        assert came.conversation
        return queue_message(
            thread=locked_thread(came.thread_id),
            conversation=locked_conversation(came.conversation),
            body="Soon.",
            purpose=Purpose.REPLY,
            story=Story(now=timezone.now()),
        )


@pytest.mark.django_db(transaction=True)
def test_who_the_carrier_refuses_is_told_to_text_start(
    house: House, ada: User, client: Client
) -> None:
    text_in(client, house.sender, MARIA.phone, "STOP")
    later = timezone.now() + DAY
    given = f"{MARIA.phone},opt_in,{(later - timedelta(hours=1)).isoformat()},express,{SHOWN}"

    row = run(house, ada, f"phone,action,date,basis,wording\n{given}\n", now=later)

    assert (row.opted_in, state(house, MARIA.phone)) == (1, "opted_in")
    (line,) = row.lines.all()
    assert (line.outcome, "START" in line.reason) == ("blocked", True)
    assert ProviderBlock.objects.filter(cleared_at=None).count() == 1
    whole(house)


# --- The pages ------------------------------------------------------------------------------------

PAGE = "/settings/consent/imports/"


def chosen(text: str | bytes, name: str = "old.csv") -> dict[str, Any]:
    content = text.encode() if isinstance(text, str) else text
    return {"file": SimpleUploadedFile(name, content, content_type="text/csv")}


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.django_db(transaction=True)
def test_an_admin_looks_starts_and_sees_what_became_of_it(
    house: House, ada: User, login: Login
) -> None:
    client = login(ada)
    text = "Mobile;When\n+14155550101;2026-02-01T10:00:00Z\n12;\n+14155550102;yesterday\n"

    looked = client.post(PAGE, chosen("\ufeff" + text), follow=True)

    page = looked.redirect_chain[-1][0]
    assert "<dt>New opt-outs</dt><dd>2</dd>" in words(looked)
    assert "Line 3:</span>" not in words(looked)
    assert "This is not a phone number" in words(looked)
    assert words(looked).count(">12<") == 1
    assert "+14155550101" not in words(looked)
    assert not ConsentEvent.objects.exists()
    mapped = client.post(
        page,
        {
            "do": "map",
            "action": "opt_out",
            "channel": "sms",
            "column_address": "Mobile",
            "column_occurred_at": "When",
        },
        follow=True,
    )
    assert "<dt>New opt-outs</dt><dd>1</dd>" in words(mapped)
    assert "no moment like 2026-01-31T15:00:00Z" in words(mapped)
    refused = client.post(page, {"do": "start", "attestation": "  "})
    assert refused.status_code == 422
    begun = client.post(page, {"do": "start", "attestation": WHY}, follow=True)
    assert "Under way" in words(begun)

    tasks.sweep_imports()

    done = words(client.get(page))
    assert "1 of 1 recorded." in done
    assert WHY in done
    event = ConsentEvent.objects.get()
    assert event.occurred_at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"consent_import_started", "consent_import_done"} <= actions
    result = client.post(f"{page}result/")
    rows = list(csv.reader(io.StringIO(b"".join(result).decode("utf-8-sig"))))
    assert rows[1:] == [
        [
            "3",
            "Cannot be used",
            "address",
            "12",
            "This is not a phone number with its country code.",
        ],
        ["4", "Cannot be used", "occurred_at", "yesterday", rows[2][4]],
    ]
    again = client.post(PAGE, chosen("\ufeff" + text), follow=True)
    new = again.redirect_chain[-1][0]
    told = {"action": "opt_out", "channel": "sms", "column_address": "Mobile"}
    client.post(new, {"do": "map", **told, "column_occurred_at": "When"})
    twice = client.post(new, {"do": "start", "attestation": WHY}, follow=True)
    assert twice.redirect_chain[-1][0] == page
    assert "imported already" in words(twice)
    assert ConsentEvent.objects.count() == 1


WRONG_FILES = {
    "empty": (b"", "The file is empty."),
    "white space": (b" \n \n", "The file is empty."),
    "a byte order mark alone": ("\ufeff".encode(), "The file is empty."),
    "not UTF-8": ("phone\n+14155550101;Zo\u00eb".encode("latin-1"), "not text in UTF-8"),
    "UTF-16": ("phone\n+14155550101\n".encode("utf-16"), "not text in UTF-8"),
    "a zip": (b"PK\x03\x04" + b"0" * 40, "a packed file or a workbook"),
    "NUL": (b"phone\n\x00\n", "not a table in text form"),
    "no header": (b"+14155550101,opt_out\n", "it must name the columns"),
    "no rows": (b"phone,action\n", "has no rows"),
    "two of a name": (b"phone,Phone\n+14155550101,\n", "Two columns have the same name"),
    "open quotation": (b'phone\n"+14155550101\n', "is not written as a table is"),
    "a huge cell": (b"phone\n" + b"1" * 200_000, "is not written as a table is"),
    "too many rows": (b"phone\n" + b"+14155550101\n" * 100_001, "more than 100,000 rows"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "reason"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_file_that_is_no_table_is_refused_with_its_reason(
    house: House, ada: User, login: Login, content: bytes, reason: str
) -> None:
    answer = login(ada).post(PAGE, chosen(content))

    assert answer.status_code == 422
    assert reason in words(answer)
    assert not ConsentImport.objects.exists()


# --- Who may, and programs ------------------------------------------------------------------------

API = "/api/v1/consent/imports/"


@pytest.fixture
def program(house: House, ada: User) -> str:
    given: dict[str, Any] = {"account": house.account, "by": ada, "now": timezone.now()}
    key = make_key(name="Mover", may_change=True, days=90, **given)
    return f"Bearer {key.secret}"


def sent(key: str, text: str, *, idempotency: str = "", **more: Any) -> Any:
    given = {"attestation": WHY, "action": "opt_out", **more, **chosen(text)}
    headers = {"Authorization": key}
    if idempotency:
        headers["Idempotency-Key"] = idempotency
    return Client().post(API, given, headers=headers)


@pytest.mark.django_db(transaction=True)
def test_a_program_looks_imports_once_and_learns_what_became_of_it(
    house: House, program: str
) -> None:
    text = "phone,date\n+14155550101,\n+14155550102,yesterday\n"
    look = sent(program, text, check="true")
    assert look.status_code == 200, look.content
    assert (look.json()["id"], look.json()["counts"]["opted_out"]) == ("", 1)
    assert look.json()["lines"][0]["field"] == "occurred_at"
    assert not ConsentImport.objects.exists()

    first = sent(program, text, idempotency="move-1")
    assert first.status_code == 201, first.content
    again = sent(program, text, idempotency="move-1")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    same_file = sent(program, text)
    assert (same_file.status_code, same_file.json()["id"]) == (200, first.json()["id"])
    other = sent(program, "phone\n+14155550199\n", idempotency="move-1")
    assert other.status_code == 409
    tasks.sweep_imports()
    told = Client().get(f"{API}{first.json()['id']}/", headers={"Authorization": program}).json()
    assert (told["status"], told["done"], told["counts"]["wrong"]) == ("done", 1, 1)
    assert told["lines"][0]["line"] == 3
    assert ConsentEvent.objects.count() == 1
    assert ConsentImport.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("text", "more", "status", "where"),
    [
        ("", {}, 400, "file"),
        ("+14155550101,opt_out\n", {}, 400, "file"),
        ("name\nMaria\n", {}, 400, "address"),
        ("phone\n+14155550101\n", {"attestation": " "}, 422, "detail"),
        ("phone\n+14155550101\n", {"action": ""}, 400, "action"),
        ("phone\n+14155550101\n", {"columns": "[]"}, 400, "columns"),
        ("phone\n+14155550101\n", {"columns": "{"}, 400, "columns"),
        ("phone\n+14155550101\n", {"columns": '{"address": 1}'}, 400, "columns"),
        ("phone\n+14155550101\n", {"channel": "fax"}, 400, "channel"),
        ("phone\n+14155550101\n", {"country": "Narnia"}, 400, "country"),
        ("phone\n+12\n", {}, 422, "detail"),
    ],
)
def test_what_a_program_says_wrongly_is_refused_and_nothing_is_kept(
    house: House, program: str, text: str, more: dict[str, Any], status: int, where: str
) -> None:
    answer = sent(program, text, **more)

    assert answer.status_code == status, answer.content
    assert where in answer.json()
    assert not ConsentImport.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_imports_are_the_accounts_own(house: House, ada: User, login: Login) -> None:
    row = run(house, ada, "phone\n+14155550101\n")
    other = make_user(make_account("Umbrella"), "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    auditor = make_user(house.account, "Audrey", works_as=User.Role.AUDITOR)

    for who, status in ((other, 404), (house.alice, 404), (house.bob, 404), (auditor, 200)):
        client = login(who)
        assert client.get(f"{PAGE}{row.public_id}/").status_code == status
        assert client.get(f"{API}{row.public_id}/").status_code == status
        assert client.post(f"{PAGE}{row.public_id}/result/").status_code == status
        assert client.post(f"{PAGE}{row.public_id}/", {"do": "cancel"}).status_code == 404
    assert "old.csv" not in words(login(other).get(PAGE))


@pytest.mark.django_db(transaction=True)
def test_what_lies_about_of_an_import_says_nobodys_number(house: House, ada: User) -> None:
    text = "phone,action\n+14155550101,opt_out\n+1 415 555 01O2,opt_out\n+14155550103,what\n"
    row = run(house, ada, text)

    dumped = dump()

    assert "4155550103" not in dumped
    assert "415 555" not in dumped
    assert [line.cell for line in row.lines.all()] == ["…O2", "what"]


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_nobody_starts_is_forgotten_and_so_are_old_lines(
    house: House, ada: User
) -> None:
    draft = consent_imports.upload(b"phone\n+14155550101\n", account=house.account, by=ada, now=NOW)
    done = run(house, ada, "phone\n+14155550101\n12\n")
    assert done.lines.count() == 1

    consent_imports.forget_old(now=NOW + 2 * DAY)
    draft.refresh_from_db()
    assert (draft.status, draft.content) == ("canceled", "")
    assert done.lines.count() == 1
    consent_imports.forget_old(now=NOW + 31 * DAY)
    assert done.lines.count() == 0
