"""What happens to bad input? A test for every row of the page, each through the door it comes by.

The rows stand in `docs/compliance-cases.md` under "Bad input"; a test holds both together.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.ledgers import LedgerImmutableError
from accounts.models import AuditEntry, User
from compliance.addresses import parse_address, problem_of
from compliance.cases import Asked
from compliance.classify import classify
from compliance.decisions import Stage, keep_decision
from compliance.evidence import EventKind, Evidence, EvidenceError, FutureDateError, Source
from compliance.gate import Purpose, Reason, SendRequest, check_send
from compliance.in_force import rules_in_force
from compliance.judging import purpose_of
from compliance.models import AccountKeyword, Consent, ConsentEvent, GateDecision, JurisdictionPack
from compliance.policies import policy_of
from compliance.recording import record_consent
from inbox.models import Contact, Conversation, Message, Receipt, Thread
from inbox.models.ids import client_id
from inbox.webhooks import REFUSED_KEY
from routing.models import CrmTable
from tests.compliance.ledgers import proof, tell
from tests.compliance.packs import pack_document
from tests.conftest import NOW, House
from tests.factories import make_user
from tests.twilio import FORM, inbound_form, post_signed, text_in

pytestmark = pytest.mark.django_db
Login = Callable[[User], Client]
MARIA = "+14155550100"
AS_OF = "/api/v1/consent/as-of/"
POLICY = {
    "version": "0",
    "reply_after_opt_out_sms": "ask",
    "reply_after_opt_out_whatsapp": "allow",
    "open_days": "30",
    "notification_window": "any",
    "promotion_window": "any",
    "reply_free_hours": "24",
    "reply_window": "any",
    "most_a_day": "",
}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


def json_in(client: Client, path: str, body: Any, method: str = "POST") -> Any:
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def answer_in(browser: Client, row: Conversation, body: str, **more: str) -> Any:
    return browser.post(
        f"/c/{row.public_id}/messages/",
        {"kind": "reply", "body": body, "client_id": client_id(), **more},
        headers={"Accept": "application/json"},
    )


def request_to(house: House, address: str, **more: Any) -> SendRequest:
    asked = Asked(
        Purpose.REPLY, NOW, parse_address(address), "+15550100001", last_inbound_at=NOW, **more
    )
    return SendRequest(house.account.pk, asked, True, True, False)


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("+12", "'+12' is not a phone number"),
        ("+1415555010012345678", "'+1415555010012345678' is not a phone number"),
        ("+0123456789", "'+0123456789' is not a phone number"),
        ("+999123456789", "is a number of no country"),
        ("rcs:+12", "'+12' is not a phone number"),
    ],
)
def test_what_is_no_number_is_blocked_by_name(house: House, address: str, words: str) -> None:
    verdict = check_send(request_to(house, address), now=NOW)

    assert verdict.reason is Reason.BAD_INPUT
    assert words in verdict.words
    assert verdict.words.endswith("It was not sent.")


def test_an_answer_to_what_is_no_number_is_refused_and_the_message_was_kept(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, "+12", "Hello")
    assert message.conversation is not None

    answer = answer_in(login(house.alice), message.conversation, "Hi")

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert "'+12' is not a phone number" in answer.json()["detail"]
    assert not Message.objects.filter(direction="out").exists()
    assert GateDecision.objects.get().code == "BAD_INPUT"


@pytest.mark.parametrize("typed", ["+12", "nobody", "", "whatsapp:", "+99912", "1" * 300])
def test_an_address_that_nobody_has_is_refused_in_words_over_the_api(
    ada: Client, typed: str
) -> None:
    answer = ada.get(f"{AS_OF}?address={quote(typed)}")

    assert answer.status_code in (400, 422)
    assert answer.json()


@pytest.mark.parametrize(
    "typed",
    [
        "+1 415 555 0100",
        " +14155550100 ",
        "whatsapp:+14155550100",
        "WhatsApp: +1 (415) 555-0100",
        "001 415 555 0100",
        "(415) 555-0100",
    ],
)
def test_an_address_is_read_however_it_is_written(ada: Client, house: House, typed: str) -> None:
    house.account.default_country = "US"
    house.account.save()

    answer = ada.get(f"{AS_OF}?address={quote(typed)}")

    assert answer.status_code == 200, answer.content
    found = {one["address"] for one in answer.json()["addresses"]}
    is_whatsapp = typed.lower().startswith("whatsapp")
    assert "whatsapp:+14155550100" in found
    assert ("sms:+14155550100" in found) is not is_whatsapp


def test_what_the_carrier_said_is_kept_beside_the_normal_form(house: House, client: Client) -> None:
    message = text_in(client, house.sender, "+554188887777", "Oi")

    thread = Thread.objects.select_related("address").get(pk=message.thread_id)
    assert (thread.address.key, thread.customer_address) == ("sms:+5541988887777", "+554188887777")


# --- Purposes and countries -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "newsletter", "REPLY", "reply\0", "🎉"])
def test_an_unknown_purpose_is_judged_as_promotional(
    house: House, client: Client, login: Login, name: str
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    assert message.conversation is not None
    url = f"/api/v1/conversations/{message.conversation.public_id}/verdict/"

    answer = json_in(login(house.alice), url, {"purpose": name, "text": "Hi"})

    assert purpose_of(name) is Purpose.PROMOTIONAL
    if "\0" not in name:
        told = answer.json()
        assert (told["purpose"], told["code"]) == ("promotional", "NO_PROMO_CONSENT")
        assert "judged as promotional" in told["warnings"][0]
    else:
        assert answer.status_code == 400


def test_a_form_with_an_unknown_purpose_sends_nothing(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    assert message.conversation is not None

    answer = answer_in(login(house.alice), message.conversation, "Hi", purpose="newsletter")

    assert answer.status_code == 422
    assert not Message.objects.filter(direction="out").exists()


@pytest.mark.parametrize("number", ["+6903010", "+2901234567", "+870773111632"])
def test_a_country_without_a_row_is_judged_by_the_row_of_nobody(house: House, number: str) -> None:
    verdict = check_send(request_to(house, number), now=NOW)

    assert verdict.inputs["rules"] == ["ZZ"]


# --- Dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-23T15:00",
        "23.11.2026 15:00",
        "yesterday",
        "2026-13-40T00:00Z",
        "2036-11-23T15:00Z",
        "٢٠٢٦",
        "9" * 39,
    ],
)
def test_an_instant_that_is_none_is_a_400_that_names_the_field(ada: Client, at: str) -> None:
    answer = ada.get(f"{AS_OF}?{urlencode({'address': MARIA, 'at': at})}")

    assert answer.status_code == 400
    assert list(answer.json()) == ["at"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW + timedelta(minutes=10), "future"),
        (NOW.replace(year=1999), "2000"),
        (NOW.replace(tzinfo=None), "zone"),
    ],
)
def test_nothing_is_recorded_with_a_date_that_cannot_be(house: House, at: Any, words: str) -> None:
    with pytest.raises(FutureDateError, match=words) as refused:
        tell(house.account, proof(occurred_at=at))

    assert (refused.value.code, list(refused.value.fields)) == ("BAD_DATE", ["occurred_at"])
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("said_at", ["yesterday", "2036-01-01T10:00", "1999-12-31T23:59"])
def test_an_agent_cannot_note_an_opt_out_with_such_a_date(
    house: House, client: Client, login: Login, said_at: str
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    assert message.conversation is not None

    answer = login(house.alice).post(
        f"/c/{message.conversation.public_id}/consent/opt-out/",
        {"way": "phone", "said_at": said_at},
        headers={"Accept": "application/json"},
    )

    assert answer.status_code == 422
    assert not ConsentEvent.objects.exists()


# --- Evidence -------------------------------------------------------------------------------------


def test_an_opt_in_without_wording_names_every_field_that_is_missing(house: House) -> None:
    bare = Evidence(EventKind.GRANT, Source.WEB_FORM)

    with transaction.atomic(), pytest.raises(EvidenceError) as refused:
        record_consent(
            account_id=house.account.pk, address=parse_address(MARIA), evidence=bare, now=NOW
        )

    assert refused.value.code == "EVIDENCE_REQUIRED"
    assert {"basis", "wording"} <= set(refused.value.fields)
    assert not ConsentEvent.objects.exists()


def test_an_opt_in_from_before_an_opt_out_is_history_and_changes_nothing(house: House) -> None:
    tell(house.account, EventKind.OPT_OUT, at=NOW - timedelta(days=1))

    recorded = tell(house.account, proof(occurred_at=NOW - timedelta(days=2)))

    assert (recorded.superseded, recorded.state) == (True, "opted_out")
    assert ConsentEvent.objects.filter(kind=EventKind.GRANT).count() == 1
    assert Consent.objects.get(programme="*").state == "opted_out"


# --- The same request twice -----------------------------------------------------------------------


def test_the_same_request_twice_is_one_message_and_other_words_under_its_id_are_refused(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    assert message.conversation is not None
    browser, key = login(house.alice), client_id()

    first = answer_in(browser, message.conversation, "Hi", client_id=key)
    again = answer_in(browser, message.conversation, "Hi", client_id=key)
    other = answer_in(browser, message.conversation, "Bye", client_id=key)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert other.json()["code"] == "id_used"
    assert Message.objects.filter(direction="out").count() == 1


# --- The ledger -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE compliance_consentevent SET kind = 'opt_in'",
        "DELETE FROM compliance_consentevent",
        "UPDATE compliance_gatedecision SET answer = 'allow'",
    ],
)
def test_the_ledger_is_never_changed_by_sql(house: House, client: Client, statement: str) -> None:
    text_in(client, house.sender, MARIA, "STOP")
    verdict = check_send(request_to(house, MARIA), now=NOW)
    assert verdict.reason is Reason.PROVIDER_BLOCKED
    keep_one(house, verdict)

    refused = pytest.raises(DatabaseError, match=r"(?i)ledger")
    with connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(statement)

    assert ConsentEvent.objects.get().kind == EventKind.OPT_OUT
    assert GateDecision.objects.get().answer == "block"


def keep_one(house: House, verdict: Any) -> None:
    keep_decision(
        verdict,
        account_id=house.account.pk,
        stage=Stage.QUEUED,
        purpose=Purpose.REPLY,
        thread="t",
        now=NOW,
    )


def test_the_ledger_is_never_changed_by_our_own_code(house: House) -> None:
    event = tell(house.account, EventKind.OPT_OUT).event

    event.kind = EventKind.OPT_IN
    with pytest.raises(LedgerImmutableError):
        event.save()
    with pytest.raises(LedgerImmutableError):
        event.delete()


# --- Files ----------------------------------------------------------------------------------------

HOSTILE = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=cmd", "＝1"]


def test_exports_put_an_apostrophe_before_what_a_spreadsheet_would_run(
    house: House, client: Client, ada: Client
) -> None:
    for number, words in enumerate(HOSTILE):
        AuditEntry.objects.create(
            account=house.account, action="x", subject=words, actor_label=words, at=NOW
        )
        text_in(client, house.sender, f"+1415555{1000 + number}", "STOP")

    exported = ada.post("/settings/audit/export/")
    rows = csv.reader(io.StringIO(b"".join(exported).decode("utf-8-sig")))

    cells = [cell for row in rows for cell in row]
    assert {f"'{words}" for words in HOSTILE} <= set(cells)
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@＝＋－＠")]


def test_a_proof_pack_runs_nothing_in_a_spreadsheet_either(
    house: House, client: Client, ada: Client
) -> None:
    message = text_in(client, house.sender, MARIA, "=HYPERLINK(1) please take me off your list")
    contact = Contact.objects.get(threads=message.thread_id)

    answer = ada.post(
        reverse("settings_consent_proof", args=[contact.public_id]), {"reason": "Asked by a court"}
    )

    assert answer.status_code == 200
    pack = zipfile.ZipFile(io.BytesIO(b"".join(answer)))
    [name] = [one for one in pack.namelist() if one.endswith("events.csv")]
    rows = csv.reader(io.StringIO(pack.read(name).decode("utf-8-sig")))
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in set("=@＝＠")]


MANY = "".join(["number,a\n", *(f"+1415{n},x\n" for n in range(2_000_000, 2_050_001))]).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"number\n+14155550100\n", "The first line must name the columns"),
        (b"number,a\n\xff\xfe\xfa,x\n", "UTF-8"),
        (b"", "Choose a file"),
        (MANY, "more than 50000 rows"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_reason(
    ada: Client, content: bytes, words: str
) -> None:
    file = io.BytesIO(content)
    file.name = "table.csv"

    answer = ada.post("/settings/look-ups/tables/new/", {"name": "T", "file": file})

    assert words in " ".join(answer.content.decode().split())
    assert not CrmTable.objects.exists()


# --- Webhooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["", "forged", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_a_webhook_without_a_valid_signature_writes_nothing_and_is_counted(
    house: House, client: Client, signature: str
) -> None:
    cache.delete(REFUSED_KEY)
    form = inbound_form(house.sender, MARIA, "STOP")

    answer = client.post(
        f"/hooks/twilio/{house.sender.path_token}",
        urlencode(form),
        content_type=FORM,
        headers={"X-Twilio-Signature": signature},
    )

    assert answer.status_code == 403
    assert not Receipt.objects.exists()
    assert not ConsentEvent.objects.exists()
    assert not Message.objects.exists()
    assert cache.get(REFUSED_KEY)


@pytest.mark.parametrize(
    ("kind", "body", "state"),
    [
        ("FORGET", "STOP", "opted_out"),
        ("FORGET", "hello", "conversational"),
        ("", "STOP", "opted_out"),
        ("STOP STOP", "hello", "conversational"),
        ("stop", "hello", "opted_out"),
    ],
)
def test_an_opt_out_type_that_nobody_knows_is_kept_raw_and_the_words_are_read_by_us(
    house: House, client: Client, kind: str, body: str, state: str
) -> None:
    text_in(client, house.sender, MARIA, body, OptOutType=kind)

    assert Consent.objects.get().state == state
    assert urlencode({"OptOutType": kind}) in bytes(Receipt.objects.get().form).decode()


LONG = "please stop " * 1000
BODIES = {
    "long": LONG,
    "nul": "ST\0OP",
    "surrogate": "STOP \ud83d",
    "marks": "s" + "\u0301" * 100_000,
    "marks_and_words": "STOP " + "\u0301" * 100_000,
    "directions": "\u202eSTOP\u202c",
    "nothing": "",
}


@pytest.mark.parametrize("body", list(BODIES.values()), ids=list(BODIES))
def test_any_body_is_read_kept_and_never_an_exception(
    house: House, client: Client, body: str
) -> None:
    form = inbound_form(house.sender, MARIA, body.replace("\ud83d", "\ufffd"))

    answer = post_signed(
        client,
        f"/hooks/twilio/{house.sender.path_token}",
        form,
        house.sender.twilio_account.auth_token,
    )

    assert answer.status_code == 200
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.problem) == (Receipt.State.DONE, "")
    assert urlencode({"Body": form["Body"]}) in bytes(receipt.form).decode()
    message = Message.objects.get(direction="in")
    assert message.body.startswith(form["Body"].replace("\0", "")[:100])
    # What no form can carry reaches the reader of words all the same.
    assert classify(body).label in ("opt_out", "opt_in", "help", "none")


# --- Keywords, hours, packs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([("opt_out", "(a|b)+")], ["(a|b)+"]),
        ([("opt_out", "stop.*")], ["stop.*"]),
        ([("opt_out", "   ")], []),
        ([("opt_out", "")], []),
        ([("opt_out", "x" * 35)], []),
        ([("help", "stop")], ["“stop”", "“STOP”"]),
        ([("opt_out", "genug"), ("help", "Genug!")], ["“genug”", "“Genug!”"]),
        ([("opt_in", "a\0b")], []),
    ],
)
def test_a_keyword_is_a_plain_word_and_a_conflict_names_both(
    ada: Client, rows: list[tuple[str, str]], names: list[str]
) -> None:
    words = [{"action": action, "word": word} for action, word in rows]

    answer = json_in(ada, "/api/v1/keywords/", {"keywords": words}, "PUT")

    assert answer.status_code == 400
    assert all(name in answer.json()["detail"] for name in names)
    assert not AccountKeyword.objects.exists()


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("mon-sun=20:00-08:00", "ends before it starts"),
        ("mon-sun=08:00-08:00", "ends before it starts"),
        ("mon-fri=08:00-20:00;funday=none", "is no day"),
        ("", "required"),
        ("mon-sun=24:00-25:00", "no span"),
        ("mon-fri=08:00-20:00", "Nothing is said of sat, sun"),
    ],
)
def test_hours_that_are_none_are_refused_and_stay_typed(
    house: House, ada: Client, window: str, words: str
) -> None:
    answer = ada.post("/settings/compliance/", {**POLICY, "promotion_window": window})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert window in answer.content.decode()
    assert policy_of(house.account.pk).promotion.week[0]


def test_midnight_may_end_a_window(house: House, ada: Client) -> None:
    window = "mon-sun=08:00-24:00"

    assert (
        ada.post("/settings/compliance/", {**POLICY, "promotion_window": window}).status_code == 302
    )

    assert policy_of(house.account.pk).promotion.week[0][0].ends == 24 * 60


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps(pack_document("2027-01-15")), "not signed"),
        (json.dumps(pack_document("2020-01-01")), "older"),
        ("{", ""),
        (json.dumps({"format": 1, "rows": []}), ""),
    ],
)
def test_a_pack_that_is_not_right_stays_out_the_last_good_one_holds_and_it_is_an_alarm(
    tmp_path: Any, content: str, words: str
) -> None:
    before = rules_in_force().version
    file = tmp_path / "pack.json"
    file.write_text(content)

    with pytest.raises((CommandError, SystemExit)):
        call_command("install_jurisdiction_pack", str(file))

    assert rules_in_force().version == before
    row = JurisdictionPack.objects.get()
    assert row.state == JurisdictionPack.State.REFUSED
    assert words in " ".join(row.problems)
    assert AuditEntry.objects.filter(is_alarm=True).count() == 1


# --- Rights ---------------------------------------------------------------------------------------


def test_an_agent_lifts_no_flag_and_the_attempt_is_written_down(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    assert message.conversation is not None

    answer = login(house.alice).post(
        f"/c/{message.conversation.public_id}/consent/no-contact/",
        {"on": "0", "reason": "They are nice"},
        headers={"Accept": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    entry = AuditEntry.objects.get(action="consent_refused")
    assert (entry.actor, entry.account_id) == (house.alice, house.account.pk)
    assert not ConsentEvent.objects.exists()


def test_an_agent_takes_no_proof_away_and_the_attempt_is_written_down(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, MARIA, "STOP")
    contact = Contact.objects.get(threads=message.thread_id)
    browser = login(house.alice)

    for url in (
        reverse("settings_consent_proof", args=[contact.public_id]),
        reverse("settings_consent_data", args=[contact.public_id]),
    ):
        assert browser.post(url).status_code == 404
    assert browser.get(f"{AS_OF}?address={quote(MARIA)}").status_code == 404

    entries = AuditEntry.objects.filter(action="consent_refused")
    assert {entry.actor for entry in entries} == {house.alice}
    assert entries.count() == 3


def test_nobody_opts_somebody_in_who_opted_out_themselves(
    house: House, client: Client, login: Login
) -> None:
    message = text_in(client, house.sender, MARIA, "please take me off your list")
    assert message.conversation is not None

    answer = login(house.alice).post(
        f"/c/{message.conversation.public_id}/consent/lift/",
        {"reason": "They did not mean it"},
        headers={"Accept": "application/json"},
    )

    assert answer.status_code == 409
    assert "Only they can undo this" in answer.json()["detail"]
    assert Consent.objects.get().state == "opted_out"


@pytest.mark.parametrize(
    "address", ["sms:32665", "sms:ACME", "whatsapp:US.1234", "whatsapp:+999123456789"]
)
def test_what_is_no_number_on_purpose_has_nothing_wrong(address: str) -> None:
    assert problem_of(parse_address(address)) == ""
