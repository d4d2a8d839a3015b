"""Does every record hold its evidence, and can nobody change it?"""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.ledgers import LedgerImmutableError
from accounts.models import Account
from accounts.rotation import rotate_secrets
from compliance.addresses import parse_address
from compliance.chain import GENESIS, canonical, commitment, handle, hash_of
from compliance.comparing import differences
from compliance.evidence import (
    EventKind,
    Evidence,
    EvidenceError,
    FutureDateError,
    Personal,
    Source,
    Web,
)
from compliance.gate import consent_history
from compliance.jurisdictions import shipped_pack
from compliance.lapsing import lapse_next
from compliance.ledger import handle_of
from compliance.lexicon import rule_version
from compliance.models import Consent, ConsentChain, ConsentDetails, ConsentEvent, ConsentKey
from compliance.recording import (
    NotCorrectableError,
    OptInRefusedError,
    record_consent,
    withdraw_event,
)
from compliance.verifying import verify_account
from inbox import tasks
from tests.compliance.ledgers import MARIA, SHOWN, WEI, proof, tell
from tests.conftest import NOW, House
from tests.factories import make_account, make_user
from tests.twilio import text_in

DAY = timedelta(days=1)
NAIVE = datetime(2026, 11, 20, 12, 0)
K = EventKind


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


# --- What a record holds --------------------------------------------------------------------------


def test_a_record_holds_all_of_its_evidence(account: Account) -> None:
    user = make_user(account, "Ada")
    given = proof(
        occurred_at=NOW - DAY,
        expires_at=NOW + 365 * DAY,
        programme="offers",
        message_sid="SM1",
        rule_version="forms-3",
        file_sha256="ab" * 32,
        recorded_by=user.pk,
        note="She said so again on the phone",
    )

    event = tell(account, given).event

    event = ConsentEvent.objects.get(pk=event.pk)
    assert (event.kind, event.state, event.source) == ("grant", "opted_in", "web_form")
    assert (event.basis, event.quality) == ("express_written", "first_hand")
    assert (event.occurred_at, event.recorded_at) == (NOW - DAY, NOW)
    assert (event.family, event.programme) == ("sms", "offers")
    assert (event.jurisdiction, event.pack_version) == ("US-CA", "2026-11-23.1")
    assert (event.wording_id, event.wording_version, event.wording_language) == (
        "web-sign-up",
        "7",
        "en",
    )
    assert event.wording_sha256 == hashlib.sha256(SHOWN.text.encode()).hexdigest()
    assert (event.message_sid, event.rule_version) == ("SM1", "forms-3")
    assert (event.file_sha256, event.recorded_by) == ("ab" * 32, user)
    assert event.expires_at == NOW + 365 * DAY
    assert event.personal == Personal(
        address="sms:+14155550100",
        wording_text=SHOWN.text,
        page_url="https://acme.example/sign-up?mail=maria@example.com",
        note="She said so again on the phone",
    )
    assert event.web == Web("203.0.113.77", "Mozilla/5.0 (Maria's phone)")


def test_a_stop_keeps_the_exact_words_the_message_and_the_rule(
    house: House, client: Client
) -> None:
    message = text_in(client, house.sender, "+14155550100", " Stop!! ")

    event = ConsentEvent.objects.get()
    assert (event.personal.words, event.personal.said) == ("STOP", " Stop!! ")
    assert event.message_sid == message.provider_sid
    assert event.rule_version == rule_version()
    assert event.source == "inbound_keyword"


@pytest.mark.parametrize(
    ("address", "country"),
    [("+14155550100", "US"), ("+447911123456", "GG"), ("whatsapp:BR.47", "BR"), ("32665", "ZZ")],
)
def test_an_event_names_the_country_of_the_number_and_the_pack_of_the_day(
    account: Account, address: str, country: str
) -> None:
    event = tell(account, K.OPT_OUT, parse_address(address)).event

    assert (event.jurisdiction, event.pack_version) == (country, shipped_pack().version)


def test_a_button_says_that_it_was_one(house: House, client: Client) -> None:
    more = {"ButtonPayload": "OPTOUT", "ButtonText": "No more"}

    text_in(client, house.sender, "whatsapp:+14155550100", "No more", **more)

    assert ConsentEvent.objects.get().source == "button"


def test_who_somebody_is_and_what_they_said_stands_nowhere_in_plain(account: Account) -> None:
    tell(account, replace(proof(), words="please no more", said="please no more of this"))
    with connection.cursor() as cursor:
        rows = []
        for table in ("consentevent", "consentdetails", "consentkey", "consentchain"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM compliance_{table} t")
            rows += [text for (text,) in cursor.fetchall()]
    said = "\n".join(rows)

    for word in ("4155550100", "no more", "203.0.113.77", "Mozilla", "acme.example", "I agree"):
        assert word not in said


def test_the_handle_is_no_plain_hash_and_differs_from_account_to_account(account: Account) -> None:
    other = make_account("Umbrella")

    handles = {tell(one, K.OPT_OUT).event.handle for one in (account, other)}

    plain = {
        hashlib.sha256(text.encode()).hexdigest()
        for text in ("sms:+14155550100", "+14155550100", "14155550100")
    }
    assert len(handles) == 2
    assert not handles & plain
    pepper = ConsentChain.objects.get(account=account).pepper
    assert handle(pepper, "sms:+14155550100") in handles


def test_one_key_per_address_of_an_account(account: Account) -> None:
    for address in (MARIA, WEI, MARIA):
        tell(account, K.OPT_OUT, address)

    assert ConsentKey.objects.count() == 2
    assert len({key.key for key in ConsentKey.objects.all()}) == 2


def test_an_event_names_the_one_of_the_same_address_before(account: Account) -> None:
    told = [tell(account, K.OPT_OUT, address).event for address in (MARIA, WEI, MARIA, MARIA)]

    assert [event.previous for event in told] == [None, None, 1, 3]


def test_the_history_of_an_address_is_its_own(account: Account) -> None:
    for address in (MARIA, WEI, MARIA):
        tell(account, K.OPT_OUT, address)

    assert [event.seq for event in consent_history(account.pk, MARIA)] == [3, 1]
    assert consent_history(make_account("Umbrella").pk, MARIA) == []


# --- What makes no record -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (proof(basis=""), "basis"),
        (proof(basis="because"), "basis"),
        (proof(wording=replace(SHOWN, text=" ")), "wording"),
        (proof(page_url=""), "page_url"),
        (proof(source=Source.PAPER), "file_sha256"),
        (proof(file_sha256="1234"), "file_sha256"),
        (proof(kind=K.NO_CONTACT), "reason"),
        (proof(kind=K.HOLD_LIFTED), "reason"),
        (proof(kind=K.VOID, reason="a slip"), "supersedes"),
        (proof(supersedes=1), "reason"),
        (proof(occurred_at=NOW + timedelta(seconds=1)), "occurred_at"),
        (proof(occurred_at=datetime(1999, 12, 31, tzinfo=UTC)), "occurred_at"),
        (proof(occurred_at=NAIVE), "occurred_at"),
        (proof(expires_at=NAIVE), "expires_at"),
        (proof(quality="good"), "quality"),
        (proof(programme=" "), "programme"),
        (proof(programme="x" * 61), "programme"),
        (proof(programme="a\0b"), "programme"),
        (proof(jurisdiction="\ud800"), "jurisdiction"),
        (proof(message_sid="S" * 65), "message_sid"),
        (proof(wording=replace(SHOWN, version="7" * 41)), "wording_version"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    account: Account, wrong: Any, field: str
) -> None:
    with pytest.raises(EvidenceError) as refused:
        tell(account, wrong)

    assert list(refused.value.fields) == [field]
    assert field in refused.value.reason
    assert not ConsentEvent.objects.exists()


def test_everything_that_is_missing_is_named_at_once(account: Account) -> None:
    with pytest.raises(EvidenceError) as refused:
        tell(account, proof(basis="", wording=replace(SHOWN, text=""), page_url=""))

    assert set(refused.value.fields) == {"basis", "wording", "page_url"}
    assert refused.value.code == "EVIDENCE_REQUIRED"


def test_a_date_in_the_future_says_so_by_its_own_code(account: Account) -> None:
    with pytest.raises(FutureDateError) as refused:
        tell(account, K.OPT_OUT, occurred_at=NOW + DAY)

    assert refused.value.code == "BAD_DATE"


def test_an_opt_out_needs_no_proof(account: Account) -> None:
    assert tell(account, K.OPT_OUT).state == "opted_out"


# --- Who may undo what ----------------------------------------------------------------------------


def test_a_consent_from_before_the_opt_out_is_history(account: Account) -> None:
    tell(account, K.OPT_OUT)

    recorded = tell(account, proof(occurred_at=NOW - DAY), at=NOW + DAY)

    assert (recorded.superseded, recorded.state) == (True, "opted_out")
    assert ConsentEvent.objects.count() == 2


@pytest.mark.parametrize("quality", ["asserted_by_agent", "imported_unproven"])
def test_nobody_else_s_word_undoes_an_opt_out(account: Account, quality: str) -> None:
    tell(account, K.OPT_OUT)

    with pytest.raises(OptInRefusedError) as refused:
        tell(account, proof(source=Source.AGENT, quality=quality), at=NOW + DAY)

    assert "START" in refused.value.reason
    assert Consent.objects.get().state == "opted_out"


@pytest.mark.parametrize("source", [Source.AGENT, Source.ADMIN, Source.VERBAL, Source.API])
def test_nobody_says_start_for_them(account: Account, source: Source) -> None:
    tell(account, K.OPT_OUT)

    with pytest.raises(OptInRefusedError):
        tell(account, Evidence(K.OPT_IN, source), at=NOW + DAY)

    assert Consent.objects.get().state == "opted_out"


@pytest.mark.parametrize("kind", [K.OPT_OUT, K.HELD, K.NO_CONTACT])
def test_what_an_agent_records_counts_for_all_addresses_of_a_person(
    account: Account, kind: EventKind
) -> None:
    hers = parse_address("whatsapp:US.4711")
    told = Evidence(kind, Source.AGENT, reason="She rang", message_sid="SM7")
    with transaction.atomic():
        record_consent(account_id=account.pk, address=WEI, others=[hers], evidence=told, now=NOW)

    own, linked = (consent_history(account.pk, one)[0] for one in (WEI, hers))
    assert (own.kind, own.source, linked.kind, linked.source) == (kind, "agent", kind, "linked")
    assert own.occurred_at == linked.occurred_at
    assert own.state == linked.state


def test_a_consent_does_not_travel(account: Account) -> None:
    with transaction.atomic():
        record_consent(
            account_id=account.pk, address=MARIA, others=[WEI], evidence=proof(), now=NOW
        )

    assert consent_history(account.pk, WEI) == []


def test_what_is_withdrawn_is_withdrawn_for_all_addresses_of_a_person(account: Account) -> None:
    told = Evidence(K.OPT_OUT, Source.INBOUND_FUZZY, words="stop it, you", message_sid="SM7")
    with transaction.atomic():
        record_consent(account_id=account.pk, address=WEI, others=[MARIA], evidence=told, now=NOW)
    with transaction.atomic():
        after = withdraw_event(
            account_id=account.pk,
            address=WEI,
            others=[MARIA],
            seq=1,
            reason="They were joking",
            by=None,
            now=NOW + DAY,
        )

    assert after.state == "none"
    assert set(Consent.objects.values_list("state", flat=True)) == {"none"}


# --- What runs out --------------------------------------------------------------------------------


def _sweep(at: datetime) -> int:
    number = 0
    while lapse_next(now=at):
        number += 1
    return number


def test_what_ran_out_is_written_down_once_and_dated_to_its_end(account: Account) -> None:
    tell(account, proof(expires_at=NOW + DAY))
    tell(account, proof(kind=K.ASKED), WEI)
    assert _sweep(NOW + DAY - timedelta(seconds=1)) == 0

    assert _sweep(NOW + 9 * DAY) == 2
    assert _sweep(NOW + 9 * DAY) == 0

    ended = {event.kind: event for event in ConsentEvent.objects.filter(source="clock")}
    assert ended["expired"].occurred_at == NOW + DAY
    assert ended["ask_lapsed"].occurred_at == NOW + timedelta(hours=72)
    states = dict(Consent.objects.values_list("address", "state"))
    assert states == {MARIA.consent_key: "expired", WEI.consent_key: "none"}
    assert list(differences(account.pk)) == []


def test_the_state_is_right_before_the_sweep_comes(account: Account) -> None:
    tell(account, proof(expires_at=NOW + DAY))

    row = Consent.objects.get()
    assert (row.state, row.state_at(NOW), row.state_at(NOW + DAY)) == (
        "opted_in",
        "opted_in",
        "expired",
    )


def test_the_clock_starts_it(account: Account) -> None:
    tell(account, proof(expires_at=NOW + timedelta(seconds=1)))
    tasks.sweep_lapsed_consents()

    is_over = timezone.now() > NOW + timedelta(seconds=1)
    assert ConsentEvent.objects.filter(kind="expired").exists() is is_over


def test_new_proof_of_their_own_undoes_it(account: Account) -> None:
    tell(account, K.OPT_OUT)

    assert tell(account, proof(), at=NOW + DAY).state == "opted_in"


def test_what_an_agent_recorded_in_error_can_be_taken_back_with_a_reason(account: Account) -> None:
    tell(account, proof())
    wrong = tell(account, K.OPT_OUT, at=NOW + DAY).event

    with transaction.atomic():
        after = withdraw_event(
            account_id=account.pk,
            address=MARIA,
            seq=wrong.seq,
            reason="It was another customer",
            by=None,
            now=NOW + 2 * DAY,
        )

    assert after.state == "opted_in"
    assert (after.event.supersedes, after.event.personal.reason) == (2, "It was another customer")
    assert ConsentEvent.objects.count() == 3, "the error itself stays in the ledger"


@pytest.mark.parametrize("source", [Source.INBOUND_KEYWORD, Source.BUTTON, Source.LINK])
def test_what_they_did_themselves_cannot_be_taken_back(account: Account, source: Source) -> None:
    tell(account, proof(kind=K.OPT_OUT, source=source))

    with pytest.raises(NotCorrectableError):
        withdraw_event(
            account_id=account.pk, address=MARIA, seq=1, reason="No", by=None, now=NOW + DAY
        )

    assert Consent.objects.get().state == "opted_out"


def test_nobody_corrects_an_event_of_another_address_or_account(account: Account) -> None:
    other = make_account("Umbrella")
    tell(account, K.OPT_OUT, WEI)
    tell(account, K.OPT_OUT)

    for who, address in ((account, MARIA), (other, WEI)):
        with pytest.raises(NotCorrectableError):
            withdraw_event(
                account_id=who.pk, address=address, seq=1, reason="No", by=None, now=NOW + DAY
            )


# --- Nobody changes it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.save(update_fields=["kind"]),
        lambda event: event.delete(),
        lambda event: ConsentEvent.objects.update(kind="opt_in"),
        lambda event: ConsentEvent.objects.filter(pk=event.pk).delete(),
        lambda event: ConsentEvent.objects.bulk_update([event], ["kind"]),
    ],
)
def test_our_own_code_hears_that_a_ledger_is_not_changed(account: Account, change: Any) -> None:
    event = tell(account, K.OPT_OUT).event

    with (
        pytest.raises(LedgerImmutableError, match="Record what is right instead"),
        transaction.atomic(),
    ):
        change(ConsentEvent.objects.get(pk=event.pk))

    assert ConsentEvent.objects.get().kind == "opt_out"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE compliance_consentevent SET kind = 'opt_in'",
        "UPDATE compliance_consentevent SET hash = hash",
        "DELETE FROM compliance_consentevent",
        "DELETE FROM compliance_consentchain",
        "UPDATE compliance_consentchain SET seq = seq - 1",
        "UPDATE compliance_consentdetails SET sealed = ''",
    ],
)
def test_the_database_refuses(account: Account, sql: str) -> None:
    tell(account, K.OPT_OUT)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_it_refuses_whatever_a_session_says_of_itself(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'pgtrigger_consent%'"
            " AND tgname NOT LIKE '%never_emptied%'"
        )
        found = dict(cursor.fetchall())

    assert len(found) == 4
    assert set(found.values()) == {"A"}, "fires always, also for who claims to replicate"


@pytest.mark.parametrize("table", ["consentevent", "consentchain"])
def test_the_tables_are_never_emptied(account: Account, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE %s",
            [f"compliance_{table}", "%never_emptied%"],
        )
        [(name,)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE compliance_{table} ENABLE ALWAYS TRIGGER {name}")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE compliance_{table} CASCADE")
        transaction.set_rollback(True)


def test_two_events_never_have_one_number(account: Account) -> None:
    event = tell(account, K.OPT_OUT).event
    event.pk = None
    event._state.adding = True

    with pytest.raises(DatabaseError, match="one_event_per_number"), transaction.atomic():
        event.save(force_insert=True)


# --- The form of the chain ------------------------------------------------------------------------


def test_an_event_hashes_to_what_docs_say() -> None:
    body = {"seq": 1, "at": NOW, "words": "é", "none": None, "prev": GENESIS}

    assert canonical(body) == (
        b'{"at":"2026-11-23T15:00:00.000000Z","none":null,"prev":"' + b"0" * 64 + b'",'
        b'"seq":1,"words":"\\u00e9"}'
    )
    assert hash_of(body) == hashlib.sha256(canonical(body)).hexdigest()


def test_each_event_carries_the_hash_of_the_one_before(account: Account) -> None:
    told = [tell(account, kind).event for kind in (K.OPT_OUT, K.OPT_IN, K.HELP)]

    assert [event.prev_hash for event in told] == [GENESIS, told[0].hash, told[1].hash]
    chain = ConsentChain.objects.get()
    assert (chain.seq, chain.head_hash) == (3, told[-1].hash)


def test_two_accounts_have_two_chains(account: Account) -> None:
    other = make_account("Umbrella")

    firsts = [tell(one, K.OPT_OUT).event for one in (account, other)]

    assert [(event.seq, event.prev_hash) for event in firsts] == [(1, GENESIS), (1, GENESIS)]
    assert firsts[0].hash != firsts[1].hash


def test_what_is_sealed_is_committed_to_with_a_salt(account: Account) -> None:
    first, second = (tell(account, K.OPT_OUT).event for _ in range(2))

    assert first.opened
    assert first.details_hash == commitment(first.opened.salt, first.personal)
    assert first.details_hash != second.details_hash, "the same words, and nobody can tell"


def test_a_new_key_of_the_installation_changes_no_handle_and_loses_no_word(
    account: Account, settings: Any
) -> None:
    event = tell(account, K.OPT_OUT, words="STOP").event
    old, new = settings.SECRET_FIELD_KEYS[0], Fernet.generate_key().decode()

    settings.SECRET_FIELD_KEYS = [new, old]
    rotate_secrets()
    settings.SECRET_FIELD_KEYS = [new]

    assert handle_of(account.pk, MARIA) == event.handle
    assert consent_history(account.pk, MARIA)[0].words == "STOP"
    assert tell(account, K.HELP).event.previous == event.seq
    assert verify_account(account.pk).broken is None


def test_a_body_that_cannot_be_written_one_way_is_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        canonical({"x": float("nan")})


def test_a_story_that_fails_leaves_no_number_unused(account: Account) -> None:
    tell(account, K.OPT_OUT)

    with transaction.atomic():
        record_consent(account_id=account.pk, address=MARIA, evidence=proof(), now=NOW)
        transaction.set_rollback(True)

    assert tell(account, K.HELP).event.seq == 2
    assert ConsentDetails.objects.count() == 2


def test_sealed_details_are_json_that_only_their_key_opens(account: Account) -> None:
    tell(account, K.OPT_OUT)
    details = ConsentDetails.objects.get()

    opened = details.open()

    assert opened
    assert opened.personal.address == "sms:+14155550100"
    assert json.dumps(opened.personal.address) not in details.sealed
