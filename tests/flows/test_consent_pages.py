"""Do admins and auditors see what people consented to, and take proof away; and nobody else?"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.programs import make_key
from compliance.addresses import parse_address
from compliance.erasure import erase_person
from compliance.evidence import EventKind
from compliance.ledger import handle_of
from compliance.models import GateDecision
from compliance.verifying import verify_next
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Message,
    RoutingTrace,
    TeamInbox,
)
from inbox.setup.persons import person_of, read_addresses
from inbox.setup.refusals import SetUpError
from tests.compliance.ledgers import MARIA, WEI, by_hand, proof, tell
from tests.compliance.test_proof import events, verify
from tests.conftest import NOW, House
from tests.factories import make_account, make_user
from tests.twilio import text_in

Login = Callable[[User], Client]
K = EventKind
PAGE = "/settings/consent/"
DAY = timedelta(days=1)
WHY = {"reason": "A complaint"}


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


@pytest.fixture
def audrey(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))


@pytest.fixture
def maria(house: House, client: Client) -> Contact:
    """She wrote to us; consented on a page, and opted out by telephone, which we heard late."""
    message = text_in(client, house.sender, MARIA.phone, "Is it ready?")
    tell(house.account, proof(occurred_at=NOW - 3 * DAY), at=NOW - 3 * DAY)
    tell(house.account, K.OPT_OUT, at=NOW, occurred_at=NOW - 2 * DAY)
    return message.thread.contact


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def of(contact: Contact, part: str = "") -> str:
    return f"{PAGE}{contact.public_id}/{part}"


def unpacked(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith("attachment;")
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


# --- Finding somebody ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "+14155550100",
        "+1 (415) 555-0100",
        "415.555.0100",
        "(415) 555-0100",
        "0014155550100",
        " sms:+14155550100 ",
        "SMS: 415 555 0100",
        "tel:+1-415-555-0100",
        "１４１５５５５０１００",
        "\N{ZERO WIDTH SPACE}+1415\N{RIGHT-TO-LEFT MARK}5550100",
    ],
)
def test_somebody_is_found_however_their_number_is_typed(
    maria: Contact, ada: Client, typed: str
) -> None:
    answer = ada.post(PAGE, {"address": typed})

    assert (answer.status_code, answer["Location"]) == (302, of(maria))


def test_somebody_is_found_by_a_handle_of_the_ledger(
    house: House, maria: Contact, audrey: Client
) -> None:
    handle = handle_of(house.account.pk, MARIA) or ""

    assert audrey.post(PAGE, {"address": handle.upper()})["Location"] == of(maria)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write whose."),
        ("   ", "Write whose."),
        ("nobody", "is no phone number"),
        ("+1", "is no phone number"),
        ("<script>", "&lt;script&gt;” is no phone number"),
        ("9" * 300, "at most 200 characters"),
        ("+14155550199", "Nothing is known of …99"),
        ("whatsapp:+14155550100", "Nothing is known of …00"),
        ("US.134912", "Nothing is known of …12"),
        ("32665", "Nothing is known of …65"),
        ("ab" * 32, "Nothing is known of this handle"),
    ],
)
def test_what_nobody_has_is_told_and_stays_typed(
    maria: Contact, ada: Client, typed: str, said: str
) -> None:
    answer = ada.post(PAGE, {"address": typed})

    assert answer.status_code == 422
    assert said in words(answer)
    if typed.isalnum():
        assert f'value="{typed}"' in words(answer)


def test_a_number_of_the_accounts_country_needs_no_code(house: House) -> None:
    [sms, whatsapp] = read_addresses("0664 1234567", "AT")

    assert (sms.consent_key, whatsapp.consent_key) == (
        "sms:+436641234567",
        "whatsapp:+436641234567",
    )
    with pytest.raises(SetUpError):
        read_addresses("0664 1234567", "")


@pytest.mark.parametrize("typed", ["US.13491208655302741918", "whatsapp:us.13491208655302741918"])
def test_a_user_id_of_whatsapp_is_an_address(typed: str) -> None:
    [address] = read_addresses(typed, "US")

    assert address.consent_key == "whatsapp:US.13491208655302741918"


# --- The page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["Ada", "Audrey"])
def test_the_history_is_shown_masked(
    house: House, maria: Contact, login: Login, who: str, ada: Client, audrey: Client
) -> None:
    page = words(login(User.objects.get(name=who)).get(of(maria)))

    assert "Gave consent" in page
    assert "They said so on the phone or in person" in page
    assert "Opted out" in page
    assert "sms …00" in page
    for personal in (MARIA.phone, "203.0.113.77", "acme.example", "Mozilla"):
        assert personal not in page


def test_that_somebody_looked_is_in_the_audit_log(maria: Contact, audrey: Client) -> None:
    audrey.get(of(maria))

    line = AuditEntry.objects.get(action="consent_history_seen")
    assert (line.actor_label, line.subject) == ("Audrey", "consent of sms …00")
    assert "4155550100" not in f"{line.subject}{line.data}"


def test_the_page_says_what_is_known_now_and_what_was_known_then(
    house: House, maria: Contact, ada: Client
) -> None:
    house.account.time_zone = "Europe/Vienna"
    house.account.save()

    # An hour after she opted out by telephone: 16:00 in Vienna is 15:00 in UTC.
    page = words(ada.get(of(maria), {"at": "2026-11-21T17:00"}))

    assert "At that moment something else was known: Opted in" in page
    assert "Learnt later, by event 2" in page
    assert "2026-11-21T16:00:00+00:00" in page or "2026-11-21T17:00:00+01:00" in page
    before = words(ada.get(of(maria), {"at": "2026-11-21T15:59:59"}))
    assert "something else was known" not in before


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("yesterday", "Write a date and a time."),
        ("2999-01-01T00:00", "It lies in the future."),
        # In Vienna the clock is put back, and forward.
        ("2026-10-25T02:30", "couldn’t be interpreted in time zone Europe/Vienna"),
        ("2026-03-29T02:30", "couldn’t be interpreted in time zone Europe/Vienna"),
    ],
)
def test_what_is_no_instant_is_told(
    house: House, maria: Contact, ada: Client, at: str, said: str
) -> None:
    house.account.time_zone = "Europe/Vienna"
    house.account.save()

    answer = ada.get(of(maria), {"at": at})

    assert answer.status_code == 422
    assert said in words(answer)


def test_a_long_history_comes_page_by_page(house: House, maria: Contact, ada: Client) -> None:
    for n in range(1, 61):
        tell(house.account, K.HELP, at=NOW + timedelta(minutes=n))
    first = ada.get(of(maria))
    older = first.context["older"]
    second = ada.get(of(maria), {"before": older})

    seqs = [row.seq for page in (first, second) for row in page.context["rows"]]
    assert seqs == list(range(62, 0, -1))
    assert ada.get(of(maria), {"before": "x"}).status_code == 200


def test_who_only_wrote_to_us_has_a_page_without_events(
    house: House, client: Client, ada: Client
) -> None:
    contact = text_in(client, house.sender, "+14155550177", "Hello").thread.contact
    page = words(ada.get(of(contact)))

    assert "The ledger has no event of theirs" in page
    assert "They wrote to us" in page
    assert ada.post(of(contact, "proof/"), WHY).status_code == 200


def test_of_who_was_erased_nothing_personal_is_shown(
    house: House, ada: Client, tmp_path: Path
) -> None:
    tell(house.account, proof(), WEI, at=NOW - DAY)
    erase_person(account_id=house.account.pk, addresses=[WEI], now=NOW)
    found = ada.post(PAGE, {"address": "+6581234567"})
    key = handle_of(house.account.pk, WEI)

    assert found["Location"] == f"{PAGE}{key}/"
    page = words(ada.get(found["Location"]))
    assert "erased" in page
    assert WEI.phone not in page
    files = unpacked(ada.post(f"{found['Location']}proof/", WHY))
    assert WEI.phone not in b"".join(files.values()).decode()
    assert len(events(files)) == 2


def test_details_that_cannot_be_read_leave_the_page_and_the_packs(
    house: House, ada: Client
) -> None:
    tell(house.account, proof(), WEI, at=NOW)
    with by_hand() as cursor:
        cursor.execute("UPDATE compliance_consentdetails SET sealed = 'x'")
    key = handle_of(house.account.pk, WEI)

    assert "cannot be read" in words(ada.get(f"{PAGE}{key}/"))
    [line] = events(unpacked(ada.post(f"{PAGE}{key}/proof/", WHY)))
    assert line["unreadable"] is True
    [line] = lines(unpacked(ada.post(f"{PAGE}{key}/data/", WHY)), "consent.jsonl")
    assert line["unreadable"] is True


def test_a_number_that_only_the_ledger_knows_has_one_page_for_both_channels(
    house: House, ada: Client
) -> None:
    for address in (WEI, parse_address("sms:+6581234567")):
        tell(house.account, K.OPT_OUT, address)

    page = words(ada.get(f"{PAGE}{handle_of(house.account.pk, WEI)}/"))

    assert "sms …67" in page
    assert "whatsapp …67" in page


def test_a_broken_ledger_is_told_on_the_page(house: House, ada: Client) -> None:
    tell(house.account, K.OPT_OUT)
    verify_next(now=NOW + DAY)
    assert "broken" not in words(ada.get(PAGE))
    with by_hand() as cursor:
        cursor.execute("UPDATE compliance_consentevent SET kind = 'help'")
    verify_next(now=NOW + 3 * DAY)

    page = words(ada.get(PAGE))
    assert "The last check found the ledger broken." in page
    assert "event 1" in page


def test_every_address_of_a_contact_is_on_their_page(
    house: House, maria: Contact, ada: Client
) -> None:
    other = parse_address("whatsapp:+14155550100")
    ContactAddress.objects.create(
        account=house.account,
        contact=maria,
        key=other.key,
        family=other.family,
        raw=other.raw,
        phone=other.phone,
    )
    tell(house.account, K.OPT_OUT, other)

    page = words(ada.get(of(maria)))
    assert "whatsapp …00" in page
    assert "sms …00" in page
    seqs = [line["seq"] for line in events(unpacked(ada.post(of(maria, "proof/"), WHY)))]
    assert seqs == [1, 2, 3]


def test_consent_is_found_in_the_menu_by_who_may(
    house: House, ada: Client, audrey: Client, login: Login
) -> None:
    for client in (ada, audrey):
        assert f'href="{PAGE}"' in words(client.get("/settings/audit/"))
    TeamInbox.objects.update(supervisors_may_set_up=True)
    sue = login(house.sue).get("/settings/hours/")
    assert f'href="{PAGE}"' not in words(sue)


# --- Proof ---------------------------------------------------------------------------------------


def test_an_auditor_takes_proof_away_and_a_stranger_verifies_it(
    house: House, maria: Contact, audrey: Client, tmp_path: Path
) -> None:
    answer = audrey.post(of(maria, "proof/"), WHY)
    data = b"".join(answer)

    code, said = verify(tmp_path, data)

    assert (code, "2 events hold" in said) == (0, True)
    line = AuditEntry.objects.get(action="consent_proof_exported")
    assert (line.actor_label, line.account) == ("Audrey", house.account)
    assert line.data["filters"] == {
        "reason": "A complaint",
        "handles": handle_of(house.account.pk, MARIA),
    }


def decide(house: House, thread: str, at: datetime, code: str) -> None:
    GateDecision.objects.create(
        account=house.account,
        stage="sent",
        thread_ref=thread,
        message_ref="m" * 22,
        purpose="promotional",
        answer="block",
        code=code,
        pack_version="2026-11-23",
        evaluated_at=at,
    )


def test_decisions_on_their_messages_are_in_the_proof_and_nobody_elses(
    house: House, maria: Contact, ada: Client, tmp_path: Path
) -> None:
    thread = maria.threads.get().public_id
    decide(house, thread, NOW, "OPTED_OUT")
    decide(house, thread, NOW - 40 * DAY, "OK")
    decide(house, "f" * 22, NOW, "QUIET_HOURS")

    for part in ("proof/", "data/"):
        files = unpacked(ada.post(of(maria, part), WHY))
        codes = [line["code"] for line in lines(files, "decisions.jsonl")]
        assert codes == ["OK", "OPTED_OUT"]
    period = {"since": "2026-11-20", "until": "2026-11-25", **WHY}
    answer = ada.post(f"{PAGE}period/", period)
    data = b"".join(answer)
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        told = [json.loads(line) for line in pack.read("decisions.jsonl").splitlines()]
    assert [line["code"] for line in told] == ["OPTED_OUT", "QUIET_HOURS"]
    assert told[0]["evaluated_at"] == "2026-11-23T15:00:00.000000Z"
    assert verify(tmp_path, data)[0] == 0


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_without_a_reason_nothing_leaves(maria: Contact, ada: Client, reason: str) -> None:
    for part in ("proof/", "data/"):
        answer = ada.post(of(maria, part), {"reason": reason})
        assert answer.status_code == 422
        # What else can be done there leads back to the page, not to where it was posted.
        assert f'<form method="get" action="{of(maria)}"' in words(answer)
    assert not AuditEntry.objects.filter(action__endswith="_exported").exists()


def test_proof_of_a_period_is_of_whole_days_in_the_accounts_zone(
    house: House, ada: Client, tmp_path: Path
) -> None:
    house.account.time_zone = "Pacific/Auckland"
    house.account.save()
    # In Auckland it is the 24th from eleven o'clock on.
    eleven = datetime.fromisoformat("2026-11-23T11:00:00+00:00")
    for at in (eleven - timedelta(seconds=1), eleven, eleven + DAY):
        tell(house.account, K.HELP, at=at)

    answer = ada.post(f"{PAGE}period/", {"since": "2026-11-24", "until": "2026-11-24", **WHY})

    assert [line["seq"] for line in events(unpacked(answer))] == [2]
    both = ada.post(f"{PAGE}period/", {"since": "2026-11-24", "until": "2026-11-25", **WHY})
    assert verify(tmp_path, b"".join(both))[0] == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"since": "", "until": "2026-11-24"}, "This field is required."),
        ({"since": "x", "until": "2026-11-24"}, "Enter a valid date."),
        ({"since": "2026-11-24", "until": "2026-11-01"}, "It must not be before the first day."),
        ({"since": "2999-01-01", "until": "2999-01-02"}, "It has not begun yet."),
    ],
)
def test_what_is_no_period_is_told(ada: Client, asked: dict[str, str], said: str) -> None:
    answer = ada.post(f"{PAGE}period/", {**asked, **WHY})

    assert answer.status_code == 422
    assert said in words(answer)
    assert 'value="A complaint"' in words(answer)


def test_a_period_with_too_much_in_it_is_for_a_command(
    house: House, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.views.settings.consent.MOST_IN_PERIOD", 2)
    for _again in range(3):
        tell(house.account, K.HELP)

    answer = ada.post(f"{PAGE}period/", {"since": "2026-11-01", "until": "2026-11-30", **WHY})

    assert answer.status_code == 422
    assert "There are more than 2 events and decisions" in words(answer)
    assert not AuditEntry.objects.filter(action="consent_proof_exported").exists()


def test_the_last_day_there_is_gives_no_error(ada: Client) -> None:
    answer = ada.post(f"{PAGE}period/", {"since": "2026-11-01", "until": "9999-12-31", **WHY})

    assert answer.status_code == 200


def test_operators_write_proof_to_a_file(house: House, maria: Contact, tmp_path: Path) -> None:
    account, pack = f"--account={house.account.pk}", tmp_path / "mine.zip"
    call_command("export_proof", account, "--address=+14155550100", "--reason=Court", str(pack))

    assert verify(tmp_path, pack.read_bytes())[0] == 0
    assert AuditEntry.objects.get(action="consent_proof_exported").data["reason"] == "Court"
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_proof", account, "--address=+14155550100", "--reason=x", str(pack))
    with pytest.raises(CommandError, match="Nothing is known of"):
        call_command("export_proof", account, "--address=+14155550199", "--reason=x", str(pack))
    period = ("--since=2026-11-01T00:00Z", "--until=2026-12-01T00:00Z")
    call_command("export_proof", account, *period, "--reason=x", str(tmp_path / "b.zip"))
    for wrong in ((), period[:1], (*period, "--address=+1415")):
        with pytest.raises(CommandError, match="Say either"):
            call_command("export_proof", account, *wrong, "--reason=x", str(tmp_path / "c.zip"))
    assert not (tmp_path / "c.zip").exists()


# --- What is held on a person --------------------------------------------------------------------


@pytest.fixture
def picture(maria: Contact) -> Attachment:
    message = Message.objects.get(thread__contact=maria)
    row = Attachment(
        account=message.account,
        message=message,
        state=Attachment.State.READY,
        content_type="image/png",
        name="../../../evil.png",
    )
    row.file.save("a.png", ContentFile(b"\x89PNG picture"), save=True)
    return row


def lines(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[name].splitlines()]


def test_all_that_is_held_on_a_person_is_handed_out(
    house: House, maria: Contact, ada: Client, picture: Attachment
) -> None:
    RoutingTrace.objects.create(
        account=house.account,
        inbox=house.inbox,
        conversation=maria.conversations.get(),
        trigger="new",
        rule="vip",
        facts={"number": MARIA.phone},
        at=NOW,
    )
    Contact.objects.filter(pk=maria.pk).update(
        name="María Ñ", notes="Prefers mornings", attributes={"city": "Wien"}, tags=["vip"]
    )
    files = unpacked(ada.post(of(maria, "data/"), WHY))

    person = json.loads(files["person.json"])
    assert (person["name"], person["notes"]) == ("María Ñ", "Prefers mornings")
    assert person["attributes"] == {"city": "Wien"}
    assert [one["phone"] for one in person["addresses"]] == [MARIA.phone]
    [message] = lines(files, "messages.jsonl")
    assert (message["body"], message["direction"]) == ("Is it ready?", "in")
    [file] = message["files"]
    assert files[file["in"]] == b"\x89PNG picture"
    assert file["in"].startswith("media/")
    assert ".." not in file["in"]
    [conversation] = lines(files, "conversations.jsonl")
    assert conversation["inbox"] == "Support"
    assert message["conversation"] == conversation["public_id"]
    consents = lines(files, "consent.jsonl")
    assert [one["kind"] for one in consents] == ["grant", "opt_out"]
    assert consents[0]["web_personal"]["ip"] == "203.0.113.77"
    standing = json.loads(files["standing.json"])
    assert standing["consents"][0]["state"] == "opted_out"
    [received] = lines(files, "received.jsonl")
    assert ["Body", "Is it ready?"] in received["form"]
    [routed] = lines(files, "routing.jsonl")
    assert (routed["rule"], routed["facts"]) == ("vip", {"number": MARIA.phone})
    sums = json.loads(files["manifest.json"])["files"]
    assert set(sums) == set(files) - {"manifest.json"}
    assert sums["messages.jsonl"] == hashlib.sha256(files["messages.jsonl"]).hexdigest()


def test_nothing_of_anybody_else_is_handed_out(
    house: House, maria: Contact, ada: Client, client: Client
) -> None:
    text_in(client, house.sender, "+14155550133", "My secret order")
    tell(house.account, K.OPT_OUT, WEI, words="BASTA")
    everything = b"".join(unpacked(ada.post(of(maria, "data/"), WHY)).values()).decode()

    for other in ("+14155550133", "My secret order", WEI.phone, "BASTA"):
        assert other not in everything


def test_a_file_that_is_gone_keeps_nothing_back(
    maria: Contact, ada: Client, picture: Attachment
) -> None:
    picture.file.storage.delete(str(picture.file.name))

    files = unpacked(ada.post(of(maria, "data/"), WHY))

    assert not [name for name in files if name.startswith("media/")]
    assert lines(files, "messages.jsonl")


def test_what_was_handed_out_to_whom_and_why_is_in_the_audit_log(
    house: House, maria: Contact, ada: Client
) -> None:
    unpacked(ada.post(of(maria, "data/"), WHY))

    line = AuditEntry.objects.get(action="person_data_exported")
    assert (line.actor_label, line.account) == ("Ada", house.account)
    assert line.data["filters"] == {"person": maria.public_id, "reason": "A complaint"}


def test_an_auditor_hands_out_no_data(maria: Contact, audrey: Client) -> None:
    assert audrey.post(of(maria, "data/"), WHY).status_code == 404
    assert "Download all we hold" not in words(audrey.get(of(maria)))


# --- Alice, Bob, Charlie -------------------------------------------------------------------------


def test_agents_supervisors_and_other_accounts_have_no_such_pages(
    house: House, maria: Contact, charlie: User, login: Login
) -> None:
    assert charlie.account is not None
    otto = make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    handle = handle_of(house.account.pk, MARIA)
    pages = [of(maria), f"{PAGE}{handle}/"]
    for user in (house.alice, house.bob, house.sue, charlie, otto):
        client = login(user)
        for page in pages:
            assert client.get(page).status_code == 404
            assert client.post(f"{page}proof/", WHY).status_code == 404
            assert client.post(f"{page}data/", WHY).status_code == 404
        if user != otto:
            assert client.get(PAGE).status_code == 404
            assert client.post(f"{PAGE}period/", WHY).status_code == 404
    answer = login(otto).post(PAGE, {"address": MARIA.phone})
    assert "Nothing is known of …00" in words(answer)
    assert not AuditEntry.objects.filter(action__endswith="_exported").exists()


def test_a_period_of_another_account_holds_nothing_of_ours(
    house: House, maria: Contact, login: Login
) -> None:
    other = make_account("Umbrella")
    tell(other, K.OPT_OUT, WEI)
    otto = login(make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN))

    answer = otto.post(f"{PAGE}period/", {"since": "2026-11-01", "until": "2026-11-30", **WHY})

    assert [line["account"] for line in events(unpacked(answer))] == [other.pk]


@pytest.mark.parametrize("key", ["nobody", "0" * 22, "0" * 64])
def test_who_is_not_there_is_404(ada: Client, key: str) -> None:
    assert ada.get(f"{PAGE}{key}/").status_code == 404
    assert ada.post(f"{PAGE}{key}/proof/", WHY).status_code == 404


def test_a_person_of_another_account_is_none_of_ours(house: House, maria: Contact) -> None:
    assert person_of(make_account(), maria.public_id) is None
    assert person_of(make_account(), handle_of(house.account.pk, MARIA) or "") is None


# --- The API -------------------------------------------------------------------------------------

API = "/api/v1/consent/as-of/"


def test_a_program_asks_where_somebody_stood(house: House, maria: Contact, ada: Client) -> None:
    key = make_key(
        account=house.account,
        name="CRM",
        may_change=False,
        days=1,
        by=User.objects.get(name="Ada"),
        now=timezone.now(),
    )
    asked = {"address": "(415) 555-0100", "at": "2026-11-21T16:00:00Z"}

    answer = Client().get(API, asked, headers={"Authorization": f"Bearer {key.secret}"})

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    body = answer.json()
    assert body["at"] == "2026-11-21T16:00:00+00:00"
    sms, whatsapp = body["addresses"]
    assert (sms["address"], whatsapp["address"]) == ("sms:+14155550100", "whatsapp:+14155550100")
    [general] = sms["programmes"]
    assert general["known_now"]["state"] == "opted_out"
    assert general["known_then"]["state"] == "opted_in"
    assert (general["differs"], general["learnt_later"]) == (True, [2])
    assert whatsapp["programmes"][0]["known_now"]["state"] == "none"
    line = AuditEntry.objects.get(action="consent_looked_up")
    assert "4155550100" not in f"{line.subject}{line.data}"


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 400, "address"),
        ("?address=", 400, "address"),
        ("?address=%2B14155550100&at=2026-11-21T16:00", 400, "has no time zone"),
        ("?address=%2B14155550100&at=yesterday", 400, "is no moment"),
        ("?address=%2B14155550100&at=2999-01-01T00:00Z", 400, "lies in the future"),
        ("?address=nobody", 422, "is no phone number"),
        # Pluses that were not encoded.
        ("?address=+14155550100&at=2026-11-21T16:00+01:00", 200, "sms:+14155550100"),
        ("?address=whatsapp:+14155550100", 200, "whatsapp:+14155550100"),
    ],
)
def test_what_a_program_asks_wrongly_is_told(
    ada: Client, query: str, status: int, said: str
) -> None:
    answer = ada.get(f"{API}{query}")

    assert (answer.status_code, said in answer.content.decode()) == (status, True)


def test_only_readers_of_consents_may_ask(
    house: House, maria: Contact, charlie: User, audrey: Client, login: Login
) -> None:
    asked = {"address": MARIA.phone}

    assert audrey.get(API, asked).status_code == 200
    for user in (house.alice, house.bob, house.sue, charlie):
        assert login(user).get(API, asked).status_code == 404
    assert Client().get(API, asked).status_code == 401
    assert charlie.account is not None
    otto = login(make_user(charlie.account, "Otto", works_as=User.Role.ACCOUNT_ADMIN))
    [sms, _whatsapp] = otto.get(API, asked).json()["addresses"]
    assert sms["programmes"][0]["known_now"]["state"] == "none"
