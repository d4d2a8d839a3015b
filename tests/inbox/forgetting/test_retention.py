"""Does what is old enough go, and nothing else: night after night, with holds and floors?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.evidence import EventKind, Personal, Web
from compliance.in_force import rules_in_force
from compliance.models import (
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    GateDecision,
    WebEvidence,
)
from compliance.sealing import Opened
from compliance.verifying import verify_account
from inbox.forgetting.certificates import first_bad, hash_of
from inbox.forgetting.foreseeing import foresee
from inbox.forgetting.holds import lift_hold, set_hold
from inbox.forgetting.kinds import BY_NAME, KINDS, cutoff, floors_of
from inbox.forgetting.nightly import forget_next
from inbox.forgetting.settling import (
    FIELDS,
    BelowFloorsError,
    next_night,
    policy_row,
    settle,
    shorter,
)
from inbox.models import (
    Attachment,
    Contact,
    Conversation,
    ConversationEvent,
    CrmAnswer,
    ForgettingCertificate,
    Message,
    Receipt,
    RetentionPolicy,
    RoutingTrace,
)
from inbox.setup.refusals import SetUpError
from routing.models import RuleExample
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import make_account, make_user
from tests.inbox.forgetting.people import PHONE, files_on_disk, leave_traces
from tests.twilio import text_in

# Everything is made in the days of the fixture, and looked at much later.
MADE = datetime(2026, 1, 10, 12, tzinfo=UTC)
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING: dict[str, int | None] = dict.fromkeys(FIELDS)
WHY = "A case before the court"


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def maria(house: House, client: Client, ada: User, settings: Any, tmp_path: Path) -> Contact:
    settings.MEDIA_ROOT = str(tmp_path)
    contact = leave_traces(client, house, ada, MADE)
    make_old(MADE)
    return contact


def make_old(at: datetime) -> None:
    """Let everything have been made at a moment, in a row."""
    Message.objects.filter(forgotten_at=None).update(created_at=at)
    Attachment.objects.filter(forgotten_at=None).update(created_at=at)
    Receipt.objects.filter(forgotten_at=None, state="waiting").update(state="done")
    Receipt.objects.filter(forgotten_at=None).update(received_at=at)
    RoutingTrace.objects.update(at=at, webhook_at=None)
    CrmAnswer.objects.update(answered_at=at)
    RuleExample.objects.update(changed_at=at)
    Conversation.objects.update(last_activity_at=at)
    Message.objects.filter(status__in=["queued", "sending"]).update(status="delivered")


def settled(house: House, by: User, **lengths: int | None) -> RetentionPolicy:
    row = policy_row(house.account, now=MADE)
    whole = {field: getattr(row, field) for field in FIELDS} | lengths
    return settle(account=house.account, lengths=whole, version=row.version, by=by, now=NOW)


def run(now: datetime = NOW, *, size: int = 500) -> None:
    """Let tonight's run go through."""
    RetentionPolicy.objects.update(next_at=now)
    for _again in range(200):
        if not forget_next(now=now, size=size):
            return
    raise AssertionError("a run never ends")


def left(model: type[Model]) -> int:
    return model._default_manager.count()


# --- Each kind goes, and only when it is old enough ----------------------------------------------

Look = Callable[[], object]
GONE: dict[str, tuple[Look, object, object]] = {
    "texts": (lambda: Message.objects.filter(body__contains="zanzibar").count(), 4, 0),
    "media": (lambda: Attachment.objects.exclude(file="").count(), 1, 0),
    "raw": (lambda: Receipt.objects.exclude(form=b"").count(), 3, 0),
    "traces": (lambda: (left(RoutingTrace) > 0, left(CrmAnswer)), (True, 1), (False, 0)),
    "examples": (lambda: left(RuleExample), 1, 0),
}


@pytest.mark.parametrize("name", GONE)
def test_a_kind_goes_when_its_time_is_over_and_not_before(
    house: House, maria: Contact, ada: User, name: str
) -> None:
    look, there, gone = GONE[name]
    settled(house, ada, **{BY_NAME[name].field: 60})

    run(MADE + 59 * DAY)
    assert look() == there
    run(MADE + 61 * DAY)
    assert look() == gone
    others = {other for other in GONE if other != name and GONE[other][0]() == GONE[other][2]}
    assert others == set()


def test_without_a_word_of_the_account_nothing_but_old_decisions_goes(
    house: House, maria: Contact
) -> None:
    decision(house, MADE)
    run(MADE + 5 * 365 * DAY)
    assert left(GateDecision) == 1
    assert Message.objects.filter(forgotten_at__isnull=False).count() == 0

    run(MADE + 5 * 366 * DAY)

    assert left(GateDecision) == 0
    assert all(GONE[name][0]() == GONE[name][1] for name in GONE)


def decision(house: House, at: datetime, thread: str = "t") -> GateDecision:
    return GateDecision.objects.create(
        account=house.account,
        stage="sent",
        thread_ref=thread,
        purpose="reply",
        answer="allow",
        code="ALLOWED",
        evaluated_at=at,
    )


def test_a_message_keeps_its_place_and_loses_its_words(
    house: House, maria: Contact, ada: User
) -> None:
    facts = ("pk", "seq", "status", "direction", "kind", "provider_sid", "author_label")
    before = list(Message.objects.order_by("pk").values_list(*facts))
    settled(house, ada, texts_days=30)

    run()

    assert list(Message.objects.order_by("pk").values_list(*facts)) == before
    assert set(Message.objects.values_list("body", "forgotten_for")) == {("", "retention")}
    row = Conversation.objects.get()
    assert (row.preview, row.close_reason) == ("", "")
    assert row.tags == ["zanzibar-convtag"]
    [line] = ConversationEvent.objects.filter(verb="transferred")
    assert (line.data["to"], line.data["note"]) == ("Bob", "")
    # The card is who they are now, and not what was said long ago.
    assert Contact.objects.get(pk=maria.pk).notes.startswith("zanzibar")


def test_what_had_no_words_is_not_said_to_have_lost_them(
    house: House, maria: Contact, ada: User
) -> None:
    Message.objects.update(body="", details={})
    settled(house, ada, texts_days=30)

    run()

    assert set(Message.objects.values_list("forgotten_for", flat=True)) == {""}
    assert not Message.objects.filter(forgotten_at=None).exists()


def test_what_may_still_go_out_keeps_its_words(house: House, maria: Contact, ada: User) -> None:
    Message.objects.filter(direction="out").update(status="queued")
    settled(house, ada, texts_days=30, media_days=30)

    run()

    assert Message.objects.exclude(body="").filter(status="queued").exists()
    assert Attachment.objects.exclude(file="").exists()


def test_a_file_that_another_message_has_stays_on_the_disk(
    house: House, maria: Contact, ada: User, tmp_path: Path
) -> None:
    [old] = Attachment.objects.exclude(file="")
    young = Attachment.objects.create(
        account=house.account, file=old.file.name, thumbnail=old.thumbnail.name, state="ready"
    )
    Attachment.objects.filter(pk=young.pk).update(created_at=NOW)
    settled(house, ada, media_days=30)

    run()
    assert len(files_on_disk(tmp_path)) == 2
    run(NOW + 40 * DAY)
    assert files_on_disk(tmp_path) == []


def test_another_account_keeps_what_it_keeps(house: House, maria: Contact, ada: User) -> None:
    other = make_account("Umbrella")
    settled(house, ada, texts_days=30)
    theirs = RoutingTrace.objects.get()
    Message.objects.update(account=other)

    run()

    assert Message.objects.exclude(body="").count() == 4
    assert theirs.pk


# --- In batches, stopped and followed ------------------------------------------------------------


def test_in_batches_of_one_everything_goes_once(house: House, maria: Contact, ada: User) -> None:
    settled(house, ada, texts_days=30, raw_days=30, traces_days=30, media_days=1)

    run(size=1)

    [certificate] = ForgettingCertificate.objects.all()
    counts = dict(certificate.document["counts"])
    assert counts.pop("traces") >= 1
    assert counts == {"messages": 4, "files": 1, "receipts": 3, "crm_answers": 1}


def test_whoever_is_stopped_is_followed_by_who_goes_on(
    house: House, maria: Contact, ada: User
) -> None:
    settled(house, ada, texts_days=30)
    RetentionPolicy.objects.update(next_at=NOW)
    forget_next(now=NOW, size=2)
    row = RetentionPolicy.objects.get()
    assert row.running_since == NOW
    assert Message.objects.filter(forgotten_at__isnull=False).count() == 2
    # It died while it held the lease: nobody goes on before that is over, and then everybody may.
    RetentionPolicy.objects.update(leased_until=NOW + timedelta(minutes=3))
    assert not forget_next(now=NOW + timedelta(minutes=1), size=2)

    while forget_next(now=NOW + timedelta(minutes=4), size=2):
        pass

    assert not Message.objects.exclude(body="").exists()
    [certificate] = ForgettingCertificate.objects.all()
    assert certificate.document["counts"]["messages"] == 4


def test_a_second_night_does_nothing_and_certifies_nothing(
    house: House, maria: Contact, ada: User
) -> None:
    settled(house, ada, texts_days=30)
    run()
    run(NOW + DAY)

    assert ForgettingCertificate.objects.count() == 1
    assert RetentionPolicy.objects.get().next_at > NOW + DAY


def test_every_account_has_a_run_a_day(house: House) -> None:
    make_account("Umbrella")
    assert not forget_next(now=NOW)

    assert RetentionPolicy.objects.count() == 2
    assert forget_next(now=NOW + DAY)


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        ("UTC", "2027-03-01T12:00+00:00", "2027-03-02T02:30+00:00"),
        ("UTC", "2027-03-01T02:29+00:00", "2027-03-01T02:30+00:00"),
        ("America/New_York", "2027-03-01T12:00+00:00", "2027-03-02T07:30+00:00"),
        ("Asia/Kolkata", "2027-03-01T12:00+00:00", "2027-03-01T21:00+00:00"),
        # The night on which half past two does not exist, and the one that has it twice.
        ("America/New_York", "2027-03-14T05:00+00:00", "2027-03-14T07:30+00:00"),
        ("America/New_York", "2026-11-01T04:00+00:00", "2026-11-01T07:30+00:00"),
        ("Not/AZone", "2027-03-01T12:00+00:00", "2027-03-02T02:30+00:00"),
    ],
)
def test_night_is_night_where_the_account_is(db: None, zone: str, now: str, then: str) -> None:
    account = make_account()
    account.time_zone = zone

    assert next_night(account, datetime.fromisoformat(now)) == datetime.fromisoformat(then)


# --- Proof of consents that nobody relies on -----------------------------------------------------

YEARS = 366 * DAY


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (None, False),
        (EventKind.HELP, False),
        (EventKind.GRANT, True),
        (EventKind.OPT_OUT, True),
        (EventKind.NO_MARKETING, True),
    ],
)
def test_evidence_goes_where_nobody_relies_on_it(
    house: House, client: Client, kind: EventKind | None, stays: bool
) -> None:
    address = parse_address(PHONE)
    text_in(client, house.sender, PHONE, "zanzibar")
    make_old(MADE)
    tell(house.account, EventKind.HELP, address, at=MADE)
    if kind is EventKind.GRANT:
        tell(house.account, proof(occurred_at=MADE), address, at=MADE)
    elif kind:
        tell(house.account, kind, address, at=MADE)

    run(MADE + 4 * YEARS)
    assert ConsentKey.objects.exclude(key="").exists()
    run(MADE + 6 * YEARS)

    assert ConsentDetails.objects.exists() == stays
    assert ConsentKey.objects.exclude(key="").exists() == stays
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []


def test_evidence_of_whom_somebody_wrote_to_lately_stays(house: House, client: Client) -> None:
    text_in(client, house.sender, PHONE, "zanzibar")
    tell(house.account, EventKind.HELP, parse_address(PHONE), at=MADE)
    make_old(MADE + 5 * YEARS)

    run(MADE + 6 * YEARS)

    assert ConsentDetails.objects.exists()


# --- From where on the web ------------------------------------------------------------------------


@pytest.mark.parametrize(("years", "stays"), [(1.9, True), (2.1, False)])
def test_web_evidence_goes_sooner_than_the_proof_that_it_belongs_to(
    house: House, years: float, stays: bool
) -> None:
    policy_row(house.account, now=MADE).save()
    tell(house.account, proof(occurred_at=MADE), parse_address(PHONE), at=MADE)

    run(MADE + years * 365 * DAY)

    assert WebEvidence.objects.exists() == stays
    event = ConsentEvent.objects.get()
    assert event.personal.address == f"sms:{PHONE}", "the rest of the proof stays"
    assert (event.web.ip == "203.0.113.77") == stays
    assert (event.personal.ip, event.personal.user_agent) == ("", "")
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []


def test_what_went_of_the_web_stands_in_preview_and_certificate(house: House, ada: User) -> None:
    tell(house.account, proof(occurred_at=MADE), parse_address(PHONE), at=MADE)
    lengths = NOTHING | {"web_years": 1}

    foreseen = foresee(house.account, lengths, now=MADE + 400 * DAY)
    settled(house, ada, web_years=1)
    run(MADE + 400 * DAY)

    assert [(one.kind.name, one.total) for one in foreseen if one.total] == [("web", 1)]
    assert ForgettingCertificate.objects.get().document["counts"] == {"web_evidence": 1}


def _hold_account(house: House, contact: Contact | None) -> dict[str, Any]:
    return {}


def _hold_contact(house: House, contact: Contact | None) -> dict[str, Any]:
    return {"contact": contact}


def _hold_handle(house: House, contact: Contact | None) -> dict[str, Any]:
    return {"handle": ConsentEvent.objects.get(seq=1).handle}


def _hold_conversation(house: House, contact: Contact | None) -> dict[str, Any]:
    return {"conversation": Conversation.objects.get()}


@pytest.mark.parametrize("held", [_hold_account, _hold_contact, _hold_handle, _hold_conversation])
def test_web_evidence_of_whom_a_hold_names_stays(
    house: House, client: Client, ada: User, held: Callable[..., dict[str, Any]]
) -> None:
    policy_row(house.account, now=MADE).save()
    text_in(client, house.sender, PHONE, "zanzibar")
    for number, phone in enumerate((PHONE, "+14155550199")):
        at = MADE + number * DAY
        tell(house.account, proof(occurred_at=at), parse_address(phone), at=at)
    whom = held(house, Contact.objects.get())
    set_hold(account=house.account, reason=WHY, by=ada, now=NOW, **whom)

    run(MADE + 3 * YEARS)

    theirs = WebEvidence.objects.values_list("event__seq", flat=True)
    assert sorted(theirs) == ([1, 2] if not whom else [1])


def test_an_event_of_an_earlier_format_keeps_its_web_evidence_with_the_rest(house: House) -> None:
    """It is committed to in one with the other details there, and goes when they do."""
    recorded = tell(house.account, EventKind.HELP, parse_address(PHONE), at=MADE).event
    old = Personal(address=f"sms:{PHONE}", ip="198.51.100.7", user_agent="Old browser")
    recorded.opened = Opened("00", old)
    recorded.opened_web = None

    assert recorded.web == Web("198.51.100.7", "Old browser")
    assert recorded.body["format"] == 1


# --- Floors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "length", "said"),
    [
        ("texts_days", 29, "Not below 30 days"),
        ("raw_days", 1, "Not below 30 days"),
        ("traces_days", 6, "Not below 7 days"),
        ("decisions_years", 4, "Not below 5 years"),
        ("proof_years", 4, "Not below 5 years"),
        ("web_years", 0, "Not below 1 year"),
        ("texts_days", 40_000, "At most 36500 days"),
    ],
)
def test_nothing_is_kept_for_a_shorter_time_than_it_must(
    house: House, ada: User, field: str, length: int, said: str
) -> None:
    with pytest.raises(BelowFloorsError) as refused:
        settled(house, ada, **{field: length})

    assert said in refused.value.problems[field]
    assert not RetentionPolicy.objects.filter(version__gt=0).exists()


def test_a_floor_of_a_rule_names_row_pack_and_status(house: House, ada: User) -> None:
    floor = floors_of(house.account.pk)["decisions"]

    assert floor.least == 5
    assert floor.row in rules_in_force().pack.rows
    assert f"rule {floor.row} of pack {rules_in_force().version}, status: " in floor.words
    assert floors_of(house.account.pk)["texts"].words == "our own default (status: product)"


def test_a_floor_that_rises_counts_for_what_was_settled_before(
    house: House, maria: Contact, ada: User
) -> None:
    decision(house, MADE)
    row = policy_row(house.account, now=MADE)
    row.decisions_years = 1
    row.save()

    run(MADE + 2 * 366 * DAY)
    assert left(GateDecision) == 1


def test_a_leap_day_has_an_anniversary() -> None:
    leap = datetime(2028, 2, 29, 1, tzinfo=UTC)

    assert cutoff(BY_NAME["decisions"], 5, leap) == datetime(2023, 2, 28, 1, tzinfo=UTC)
    assert cutoff(BY_NAME["decisions"], 4, leap) == datetime(2024, 2, 29, 1, tzinfo=UTC)


def test_what_somebody_else_saved_is_not_overwritten(house: House, ada: User) -> None:
    settled(house, ada, texts_days=90)

    with pytest.raises(SetUpError, match="Somebody else"):
        settle(account=house.account, lengths=NOTHING, version=0, by=ada, now=NOW)


def test_a_change_is_a_line_of_the_audit_log(house: House, ada: User) -> None:
    settled(house, ada, texts_days=90)

    [entry] = AuditEntry.objects.filter(action="retention_changed")
    assert "90" in str(entry.data["changes"])
    assert entry.actor == ada


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (None, 90, ["texts"]),
        (90, 60, ["texts"]),
        (60, 90, []),
        (60, None, []),
        (60, 60, []),
    ],
)
def test_what_is_shorter_is_known(
    house: House, ada: User, before: int | None, after: int | None, kinds: list[str]
) -> None:
    settled(house, ada, texts_days=before)

    found = shorter(house.account, {**NOTHING, "texts_days": after}, now=NOW)
    assert [kind.name for kind in found] == kinds


# --- Foreseeing ----------------------------------------------------------------------------------


def test_what_would_go_is_told_by_kind_and_month_and_then_goes(
    house: House, maria: Contact, ada: User
) -> None:
    first, *_rest = Message.objects.order_by("pk")
    Message.objects.filter(pk=first.pk).update(created_at=datetime(2025, 12, 31, 23, tzinfo=UTC))
    lengths = {**NOTHING, "texts_days": 30, "media_days": 30, "raw_days": 30}

    told = {one.kind.name: one for one in foresee(house.account, lengths, now=NOW)}

    assert [(f"{month:%Y-%m}", number) for month, number in told["texts"].months] == [
        ("2025-12", 1),
        ("2026-01", 3),
    ]
    assert not Message.objects.filter(forgotten_at__isnull=False).exists()
    settled(house, ada, **lengths)
    run()
    counts = ForgettingCertificate.objects.get().document["counts"]
    assert counts["messages"] == told["texts"].total
    assert counts["files"] == told["media"].total
    assert counts["receipts"] == told["raw"].total


# --- Holds ---------------------------------------------------------------------------------------

EVERYTHING = {"texts_days": 30, "media_days": 30, "raw_days": 30, "traces_days": 30}


@pytest.mark.parametrize("scope", ["account", "contact", "conversation"])
def test_what_is_held_stays_and_goes_when_the_hold_is_lifted(
    house: House, maria: Contact, ada: User, client: Client, scope: str
) -> None:
    other = text_in(client, house.sender, "+14155550155", "somebody else entirely")
    make_old(MADE)
    decision(house, MADE, other.thread.public_id)
    mine = decision(house, MADE, Message.objects.filter(thread__contact=maria)[0].thread.public_id)
    scopes: dict[str, Any] = {
        "account": {},
        "contact": {"contact": maria},
        "conversation": {"conversation": Conversation.objects.get(contact=maria)},
    }
    hold = set_hold(account=house.account, reason=WHY, by=ada, now=NOW, **scopes[scope])
    settled(house, ada, **EVERYTHING)
    later = NOW + 6 * 366 * DAY

    run(later)

    held = Message.objects.filter(thread__contact=maria)
    assert held.filter(body__contains="zanzibar").count() == 4
    assert Attachment.objects.exclude(file="").count() == 1
    assert RoutingTrace.objects.filter(conversation__contact=maria).exists()
    sids = held.exclude(provider_sid=None).values("provider_sid")
    assert not Receipt.objects.filter(form=b"", message_sid__in=sids).exists()
    assert GateDecision.objects.filter(pk=mine.pk).exists()
    other.refresh_from_db()
    assert (other.body == "") == (scope != "account")

    told = foresee(house.account, {**NOTHING, **EVERYTHING}, now=later)
    assert {one.kind.name: one.held for one in told}["texts"] >= 4
    lift_hold(hold=hold, reason="It is over", by=ada, now=later)
    run(later + DAY)
    assert not Message.objects.exclude(body="").exists()
    assert left(GateDecision) == 0


@pytest.mark.parametrize("reason", ["", " \0 ", "x" * 501])
def test_a_hold_and_its_end_need_a_reason(house: House, ada: User, reason: str) -> None:
    with pytest.raises(SetUpError):
        set_hold(account=house.account, reason=reason, by=ada, now=NOW)
    hold = set_hold(account=house.account, reason=WHY, by=ada, now=NOW)
    with pytest.raises(SetUpError):
        lift_hold(hold=hold, reason=reason, by=ada, now=NOW)

    hold.refresh_from_db()
    assert hold.lifted_at is None


def test_what_is_held_is_not_held_twice_and_lifted_once(house: House, ada: User) -> None:
    hold = set_hold(account=house.account, reason=WHY, by=ada, now=NOW)
    with pytest.raises(SetUpError, match="held already"):
        set_hold(account=house.account, reason=WHY, by=ada, now=NOW)
    lift_hold(hold=hold, reason="Over", by=ada, now=NOW)
    with pytest.raises(SetUpError, match="already"):
        lift_hold(hold=hold, reason="Over", by=ada, now=NOW)

    assert set(
        AuditEntry.objects.filter(action__startswith="legal_hold").values_list("action", flat=True)
    ) == {"legal_hold_set", "legal_hold_lifted"}


# --- Certificates, and what the database lets happen ---------------------------------------------


def test_a_certificate_says_what_went_by_which_setting_and_who_settled_it(
    house: House, maria: Contact, ada: User
) -> None:
    settled(house, ada, texts_days=30)
    run()

    [row] = ForgettingCertificate.objects.all()
    document = row.document
    assert document["setting"]["texts"]["kept"] == "30 days"
    assert f"as settled by user {ada.pk}" in document["asked_by"]
    assert document["spans"]["texts"]["from"].startswith("2026-01-10T12:00")
    assert row.sha256 == hash_of(document)
    assert first_bad(house.account.pk) is None
    assert "zanzibar" not in str(document)


def test_a_certificate_is_neither_changed_nor_deleted(
    house: House, maria: Contact, ada: User
) -> None:
    settled(house, ada, texts_days=30)
    run()
    table = "inbox_forgettingcertificate"

    for sql in (f"UPDATE {table} SET number = 7", f"DELETE FROM {table}"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)


@pytest.mark.parametrize(
    "change",
    [
        "data = '{}'",
        "data = jsonb_set(data, '{note}', '\"other words\"')",
        "data = timeline_without_words(data), actor_label = 'x'",
        "data = timeline_without_words(data)",
    ],
)
def test_a_timeline_forgets_words_only_and_only_during_a_run(
    house: House, maria: Contact, change: str
) -> None:
    """The last change is the right one, and there is no run."""
    sql = f"UPDATE inbox_conversationevent SET {change} WHERE verb = 'transferred'"

    def tried() -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)
                # What is let through is undone, so that each change is tried on the same row.
                transaction.set_rollback(True)
        except DatabaseError:
            return False
        return True

    assert not tried()
    RetentionPolicy.objects.create(account=house.account, next_at=NOW, running_since=NOW)
    assert tried() == (change == "data = timeline_without_words(data)")


def test_every_kind_has_a_place_in_the_policy() -> None:
    fields = {field.name for field in RetentionPolicy._meta.get_fields()}

    assert {kind.field for kind in KINDS} <= fields
