"""Is every way of tampering with a ledger of consent found, and its first event named?"""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account, AuditEntry
from compliance.chain import GENESIS, hash_of
from compliance.erasure import erase_person
from compliance.evidence import EventKind, Web
from compliance.exporting import sum_of_hashes
from compliance.models import ConsentChain, ConsentDetails, ConsentEvent, ConsentKey, WebEvidence
from compliance.sealing import Opened, seal
from compliance.verifying import Checked, verify_account, verify_next
from inbox import tasks
from tests.compliance.ledgers import MARIA, WEI, by_hand, event, proof, tell
from tests.conftest import NOW
from tests.factories import make_account

K = EventKind
DAY = timedelta(days=1)
EVENTS = "compliance_consentevent"


@pytest.fixture
def account(db: None) -> Account:
    """An account where eight things happened to two people."""
    account = make_account()
    for n, kind in enumerate((K.OPT_OUT, K.OPT_IN, K.HELP, K.OPT_OUT)):
        for address in (MARIA, WEI):
            tell(account, kind, address, at=NOW + n * timedelta(hours=1))
    return account


def verify(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it said."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_consent_chain", *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_whole_ledger_is_told_with_its_head(account: Account) -> None:
    code, out, err = verify()

    head = ConsentChain.objects.get().head_hash
    assert (code, err) == (0, "")
    assert f"account {account.pk}: 8 events, head {head}" in out
    assert "Ledgers: 1. Events: 8. Broken: 0." in out


def test_no_ledger_at_all_is_whole(db: None) -> None:
    assert verify() == (0, "Ledgers: 0. Events: 0. Broken: 0.\n", "")


# What somebody does who may switch triggers off, and which event is the first bad one.
Tamper = Callable[[Any, Account], None]


def _sql(text: str) -> Tamper:
    return lambda cursor, account: cursor.execute(text, [account.pk])


def _swap(cursor: Any, account: Account) -> None:
    for old, new in ((3, -1), (4, 3), (-1, 4)):
        cursor.execute(
            f"UPDATE {EVENTS} SET seq = %s WHERE account_id = %s AND seq = %s",
            [new, account.pk, old],
        )


def _change_and_hash_anew(cursor: Any, account: Account) -> None:
    """Change an event and give it the hash that fits: the next one gives it away."""
    changed = event(account, 5)
    changed.kind = "opt_in"
    cursor.execute(
        f"UPDATE {EVENTS} SET kind = 'opt_in', hash = %s WHERE account_id = %s AND seq = 5",
        [hash_of(changed.body), account.pk],
    )


def _change_the_last_and_hash_anew(cursor: Any, account: Account) -> None:
    changed = event(account, 8)
    changed.kind = "opt_in"
    cursor.execute(
        f"UPDATE {EVENTS} SET kind = 'opt_in', hash = %s WHERE account_id = %s AND seq = 8",
        [hash_of(changed.body), account.pk],
    )


def _delete(seq: int) -> Tamper:
    def delete(cursor: Any, account: Account) -> None:
        cursor.execute(
            "DELETE FROM compliance_consentdetails WHERE event_id IN "
            f"(SELECT id FROM {EVENTS} WHERE account_id = %s AND seq = %s)",
            [account.pk, seq],
        )
        cursor.execute(
            f"DELETE FROM {EVENTS} WHERE account_id = %s AND seq = %s", [account.pk, seq]
        )

    return delete


def _delete_and_close_the_gap(cursor: Any, account: Account) -> None:
    _delete(4)(cursor, account)
    for seq in (5, 6, 7, 8):
        cursor.execute(
            f"UPDATE {EVENTS} SET seq = %s WHERE account_id = %s AND seq = %s",
            [seq - 1, account.pk, seq],
        )


def _swap_details(cursor: Any, account: Account) -> None:
    """Put another person's words to an event, with a key that opens them."""
    cursor.execute(
        "UPDATE compliance_consentdetails d SET sealed = o.sealed, key_id = o.key_id "
        "FROM compliance_consentdetails o JOIN compliance_consentevent e ON e.id = o.event_id "
        f"WHERE e.seq = 7 AND d.event_id = (SELECT id FROM {EVENTS} "
        "WHERE account_id = %s AND seq = 6)",
        [account.pk],
    )


def _add_one(cursor: Any, account: Account) -> None:
    cursor.execute(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
        "WHERE table_name = %s AND column_name NOT IN ('id', 'seq')",
        [EVENTS],
    )
    [(columns,)] = cursor.fetchall()
    cursor.execute(
        f"INSERT INTO {EVENTS} (seq, {columns}) SELECT 9, {columns} FROM {EVENTS} "
        "WHERE account_id = %s AND seq = 8",
        [account.pk],
    )


TAMPERED: list[tuple[str, Tamper, int, str]] = [
    ("a field", _sql(f"UPDATE {EVENTS} SET kind='opt_in' WHERE account_id=%s AND seq=5"), 5,
     "was changed"),
    ("a date by a microsecond", _sql(
        f"UPDATE {EVENTS} SET occurred_at = occurred_at - interval '1 microsecond' "
        "WHERE account_id=%s AND seq=2"), 2, "was changed"),
    ("whose it is", _sql(f"UPDATE {EVENTS} SET handle='0' WHERE account_id=%s AND seq=1"), 1,
     "was changed"),
    ("its state", _sql(f"UPDATE {EVENTS} SET state='none' WHERE account_id=%s AND seq=8"), 8,
     "was changed"),
    ("its hash", _sql(f"UPDATE {EVENTS} SET hash='0' WHERE account_id=%s AND seq=3"), 3,
     "was changed"),
    ("a field and its hash", _change_and_hash_anew, 6, "does not follow"),
    ("the last one and its hash", _change_the_last_and_hash_anew, 8, "head of the ledger names"),
    ("one is deleted", _delete(4), 4, "is missing"),
    ("the first is deleted", _delete(1), 1, "is missing"),
    ("the last is deleted", _delete(8), 8, "is missing: the ledger has 8 events"),
    ("one is deleted and the gap closed", _delete_and_close_the_gap, 4, "was changed"),
    ("two are swapped", _swap, 3, "was changed"),
    ("the head", _sql("UPDATE compliance_consentchain SET head_hash='0' WHERE account_id=%s"), 8,
     "head of the ledger names"),
    ("the head went back", _sql("UPDATE compliance_consentchain SET seq=5 WHERE account_id=%s"), 5,
     "head of the ledger names"),
    ("the head is gone", _sql("DELETE FROM compliance_consentchain WHERE account_id=%s"), 1,
     "no head"),
    ("one is added", _add_one, 9, "put there by hand"),
    ("sealed words are swapped", _swap_details, 6, "not those that were recorded"),
    ("sealed words are damaged", _sql(
        "UPDATE compliance_consentdetails SET sealed='x' WHERE event_id = "
        f"(SELECT id FROM {EVENTS} WHERE account_id=%s AND seq=7)"), 7, "cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tamper", "seq", "words"), [row[1:] for row in TAMPERED], ids=[row[0] for row in TAMPERED]
)
def test_tampering_is_found_and_its_first_event_named(
    account: Account, tamper: Tamper, seq: int, words: str
) -> None:
    with by_hand() as cursor:
        tamper(cursor, account)

    code, out, err = verify()

    assert code == 1
    assert f"account {account.pk}: BROKEN at event {seq}" in err
    assert words in err
    assert "Broken: 1." in out
    found = ConsentEvent.objects.filter(account=account, seq=seq).first()
    if found and "missing" not in words:
        assert f"(id {found.pk})" in err or "head" in words


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        ("UPDATE compliance_webevidence w SET sealed = o.sealed, key_id = o.key_id"
         " FROM compliance_webevidence o WHERE w.id < o.id", "is not what was recorded with it"),
        ("UPDATE compliance_webevidence SET sealed = 'x'", "cannot be read"),
        (f"UPDATE {EVENTS} SET web_hash = '' WHERE seq = 1", "was changed"),
    ],
)  # fmt: skip
def test_web_evidence_that_was_changed_is_found(db: None, tamper: str, words: str) -> None:
    account = make_account()
    tell(account, proof())
    tell(account, proof(ip="198.51.100.7"), WEI)
    with by_hand() as cursor:
        cursor.execute(tamper)

    code, _out, err = verify()

    assert code == 1
    assert "BROKEN at event 1" in err
    assert words in err


def test_web_evidence_of_an_event_that_has_none_is_found(account: Account) -> None:
    """Nobody slips an address of a browser to an event that was recorded without."""
    event = ConsentEvent.objects.get(seq=3)
    key = ConsentKey.objects.get(handle=event.handle)
    sealed = seal(key.key, Opened("00", Web("203.0.113.9", "")))
    WebEvidence.objects.create(
        account=account, event=event, key=key, sealed=sealed, recorded_at=NOW
    )

    code, _out, err = verify()

    assert code == 1
    assert "BROKEN at event 3" in err


def test_a_ledger_verifies_when_its_web_evidence_went(db: None) -> None:
    account = make_account()
    tell(account, proof())
    WebEvidence.objects.all().delete()

    assert verify()[0] == 0


def test_a_broken_account_does_not_hide_the_others(account: Account) -> None:
    other = make_account("Umbrella")
    tell(other, K.OPT_OUT)
    with by_hand() as cursor:
        cursor.execute(f"UPDATE {EVENTS} SET state='none' WHERE account_id=%s", [account.pk])

    code, out, _err = verify()

    assert code == 1
    assert f"account {other.pk}: 1 events" in out
    assert "Ledgers: 2." in out


@pytest.mark.parametrize("name", ["pk", "public_id"])
def test_one_account_can_be_named(account: Account, name: str) -> None:
    other = make_account("Umbrella")
    tell(other, K.OPT_OUT)

    code, out, _err = verify("--account", str(getattr(other, name)))

    assert code == 0
    assert "Ledgers: 1. Events: 1. Broken: 0." in out


@pytest.mark.parametrize("name", ["Acme", "12345678901234567890123", "-1", "%"])
def test_an_account_that_is_none_is_refused_in_words(account: Account, name: str) -> None:
    with pytest.raises(CommandError, match="neither a number nor a public id"):
        verify("--account", name)


def test_an_account_that_does_not_exist_is_refused(account: Account) -> None:
    with pytest.raises(CommandError, match="There is no account 999999"):
        verify("--account", "999999")


def test_a_ledger_verifies_without_any_key(account: Account, settings: Any) -> None:
    ConsentDetails.objects.all().delete()
    ConsentKey.objects.update(key="", destroyed_at=NOW)

    found = verify_account(account.pk)

    assert (found.broken, found.events, found.erased) == (None, 8, 8)


def test_a_ledger_verifies_after_somebody_was_erased(account: Account) -> None:
    erase_person(account_id=account.pk, addresses=[MARIA], now=NOW + DAY)

    code, out, _err = verify()

    assert code == 0
    assert f"account {account.pk}: 9 events, 5 of them erased" in out


# --- Every night ----------------------------------------------------------------------------------


def _night(at: Any) -> list[Checked]:
    checked = []
    while found := verify_next(now=at):
        checked.append(found)
    return checked


def test_each_ledger_is_verified_once_a_day(account: Account) -> None:
    other = make_account("Umbrella")
    tell(other, proof())

    assert {found.account_id for found in _night(NOW + DAY)} == {account.pk, other.pk}
    assert _night(NOW + DAY) == []
    assert len(_night(NOW + 2 * DAY)) == 2


def test_a_long_ledger_is_verified_piece_by_piece(account: Account) -> None:
    at = NOW + DAY
    come = []
    while found := verify_next(now=at, piece=3):
        come.append(found.events)

    chain = ConsentChain.objects.get()
    assert come == [3, 6, 8]
    assert (chain.verified_at, chain.checked_seq, chain.checking_until) == (at, 0, None)


@pytest.mark.parametrize("seq", [2, 3, 4, 6, 7, 8])
def test_piece_by_piece_the_same_is_found(account: Account, seq: int) -> None:
    with by_hand() as cursor:
        _delete(seq)(cursor, account)

    found = [one for _ in range(4) if (one := verify_next(now=NOW + DAY, piece=3)) and one.broken]

    assert [(one.broken.seq, one.broken.event_id) for one in found if one.broken] == [(seq, None)]
    assert AuditEntry.objects.filter(is_alarm=True).count() == 1


def test_what_another_sweep_is_checking_is_left_to_it_for_a_while(account: Account) -> None:
    at = NOW + DAY
    ConsentChain.objects.update(checking_until=at + timedelta(minutes=1))

    assert verify_next(now=at) is None
    assert verify_next(now=at + timedelta(minutes=2)), "who began it must have died"


def test_a_broken_ledger_alarms_and_says_where(account: Account) -> None:
    with by_hand() as cursor:
        cursor.execute(
            f"UPDATE {EVENTS} SET state='none' WHERE account_id=%s AND seq=6", [account.pk]
        )

    _night(NOW + DAY)

    [line] = AuditEntry.objects.filter(is_alarm=True)
    assert (line.action, line.account_id) == ("consent_chain_broken", account.pk)
    assert (line.data["seq"], line.data["event"]) == (6, event(account, 6).pk)
    assert "was changed" in line.data["problem"]
    assert "5550100" not in str(line.data)


def test_a_whole_ledger_alarms_nobody_and_its_head_is_noted_once(account: Account) -> None:
    for n in (1, 2, 3):
        _night(NOW + n * DAY)

    assert not AuditEntry.objects.filter(is_alarm=True).exists()
    [noted] = AuditEntry.objects.filter(action="consent_chain_verified")
    assert noted.data == {
        "seq": 8,
        "head": ConsentChain.objects.get().head_hash,
        "hashes_sha256": sum_of_hashes(account.pk, upto=8),
    }


def test_a_ledger_that_was_rewritten_as_a_whole_is_found_by_what_was_noted(
    account: Account,
) -> None:
    _night(NOW + DAY)
    with by_hand() as cursor:
        _rewrite(cursor, account)

    found = verify_account(account.pk)

    assert found.broken
    assert (found.broken.seq, "earlier check" in found.broken.words) == (8, True)


def test_a_tail_that_was_cut_off_with_its_head_is_found_by_what_was_noted(
    account: Account,
) -> None:
    _night(NOW + DAY)
    with by_hand() as cursor:
        _delete(8)(cursor, account)
        cursor.execute(
            "UPDATE compliance_consentchain SET seq = 7, head_hash = %s",
            [event(account, 7).hash],
        )

    found = verify_account(account.pk)

    assert found.broken
    assert found.broken.words == "is missing: an earlier check found 8 events"


def _rewrite(cursor: Any, account: Account) -> None:
    """Change the first event and hash everything after it anew, the head too."""
    head = GENESIS
    for one in ConsentEvent.objects.filter(account=account).order_by("seq"):
        one.kind = "opt_in"
        one.prev_hash = head
        head = hash_of(one.body)
        cursor.execute(
            f"UPDATE {EVENTS} SET kind = 'opt_in', prev_hash = %s, hash = %s WHERE id = %s",
            [one.prev_hash, head, one.pk],
        )
    cursor.execute("UPDATE compliance_consentchain SET head_hash = %s", [head])


def test_the_clock_starts_it(account: Account) -> None:
    tasks.sweep_consent_chains()

    assert ConsentChain.objects.get().verified_at is not None
    assert connection.is_usable()
