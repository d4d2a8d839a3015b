"""Where an account masks numbers, does an agent find a whole one anywhere?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Account, AuditEntry, User
from inbox.alerts import Happening, Kind, notices_of
from inbox.broadcast import VERSION
from inbox.conversations import claim_conversation
from inbox.fragments import render_bubble, render_header, render_row
from inbox.labels import name_words
from inbox.masking import masked_name, masked_words, with_numbers, without_numbers
from inbox.models import CannedReply, Contact, CrmAnswer
from routing.models import CrmConnector
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import MARIA, Stage, stage

__all__ = ["stage"]
PART = {"headers": {"HX-Request": "true"}}
SCRIPT = {"headers": {"Accept": "application/json"}}


@pytest.fixture(autouse=True)
def masking(house: House) -> None:
    Account.objects.filter(pk=house.account.pk).update(masks_numbers=True)


def tells(words: str) -> bool:
    """Say whether more of the number than its country and end is in there, in whatever form."""
    digits = "".join(char for char in words if char.isdigit())
    whole = MARIA.lstrip("+")
    forms = (whole[-7:], f"{whole[-7:-4]}-{whole[-4:]}")
    return whole[1:] in digits or any(form in words for form in forms)


def body(answer: Any) -> str:
    if getattr(answer, "streaming", False):
        return b"".join(answer.streaming_content).decode()
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("+12125550199", "+1 ••• ••99"),
        ("+436601234567", "+43 ••• ••67"),
        ("US.1234567890", "••• ••90"),
        ("32665", "••• ••65"),
        ("911", "••• ••"),
        ("", "••• ••"),
    ],
)
def test_a_masked_number_cannot_be_called(address: str, words: str) -> None:
    assert masked_words(address) == words


def places(stage: Stage) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return every address where an agent reads of a contact, with how it is asked."""
    cid, contact = stage.row.public_id, stage.row.contact.public_id
    inbox = stage.house.inbox
    inbox.may_start_conversations = True
    inbox.save()
    pages = [
        *(f"/inbox/{inbox.slug}/", f"/inbox/{inbox.slug}/?view=mine", "/contacts/"),
        *(f"/inbox/{inbox.slug}/?q=Hello", f"/inbox/{inbox.slug}/c/{cid}/", f"/c/{cid}/panel/"),
        *(f"/c/{cid}/thread/", f"/c/{cid}/desk/", f"/c/{cid}/why/", f"/c/{cid}/messages/"),
        *(f"/c/{cid}/transfer/", f"/c/{cid}/mentions/", f"/c/{cid}/templates/", "/reviews/"),
        f"/c/{cid}/channels/",
        *(f"/contacts/{contact}/", f"/contacts/{contact}/merge/", "/search/?q=Hello"),
        *(f"/contacts/{contact}/merge/?q=a", "/search/?q=hello&show=messages"),
        *(f"/c/{cid}/print/", f"/c/{cid}/print/?notes", f"/c/{cid}/transcript.csv"),
        *("/reports/", "/reports/export/", "/reports/wall/", "/profile/notifications/"),
        f"/inbox/{inbox.slug}/new/?contact={contact}",
        f"/messages/{stage.reply(stage.house.alice).public_id}/why/",
        f"/api/v1/inboxes/{inbox.public_id}/events/?after=0",
        f"/api/v1/inboxes/{inbox.public_id}/events/?after=0&open={cid}",
    ]
    return {
        **{f"page {page}": (page, {}) for page in pages},
        **{f"part {page}": (page, PART) for page in pages},
        **{f"script {page}": (page, SCRIPT) for page in pages},
    }


def test_an_agent_finds_no_whole_number_anywhere(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    seen = {}
    for name, (place, how) in places(stage).items():
        answer = alice.get(place, **how)
        seen[name] = answer.status_code
        # Our own number is like hers.
        assert not tells(body(answer).replace(stage.house.sender.address, "")), name

    # What was looked at was there.
    assert {name for name, status in seen.items() if status >= 400} == set(), seen
    assert "•••" in body(alice.get(f"/contacts/{stage.row.contact.public_id}/"))


def test_what_is_drawn_once_for_everybody_is_masked(stage: Stage) -> None:
    house = stage.house
    drawn = [render_row(stage.row), render_header(stage.row)]
    alerts = notices_of(
        [
            Happening(
                Kind.INBOUND,
                stage.message.public_id,
                stage.row.public_id,
                str(house.inbox.public_id),
            )
        ],
        [house.alice.pk],
        now=stage.now,
    )
    frames = [notice.as_frame() for notice in alerts]
    frames += [notice.as_words()[0] for notice in alerts]  # of pushes

    assert frames
    assert len(frames) == 2 * len(alerts)
    assert json.loads(frames[0])["v"] == VERSION
    for words in (*drawn, *frames):
        assert "•••" in words
        assert not tells(words)


def test_supervisors_and_admins_see_it_whole(stage: Stage, login: Any) -> None:
    house, contact = stage.house, stage.row.contact
    ada = make_user(house.account, "Ada", team=house.inbox.team, works_as=User.Role.ACCOUNT_ADMIN)
    for person in (house.sue, ada):
        browser = login(person)
        for place in (f"/contacts/{contact.public_id}/", f"/c/{stage.row.public_id}/panel/"):
            assert tells(body(browser.get(place))), (person, place)
        assert MARIA in body(browser.get(f"/contacts/{contact.public_id}/"))


def test_a_number_is_found_only_by_who_knows_it(stage: Stage, login: Any) -> None:
    alice, sue = login(stage.house.alice), login(stage.house.sue)
    Contact.objects.update(name="Maria")

    def found(browser: Any, words: str) -> bool:
        return bool(browser.get("/contacts/", {"q": words}).context["found"].rows)

    assert found(sue, MARIA[-4:])
    assert not found(alice, MARIA[-4:])
    assert not found(alice, MARIA[3:9])
    assert found(alice, MARIA)
    assert found(alice, MARIA[2:])


def test_the_setting_is_the_admins_and_is_written_down(house: House, login: Any) -> None:
    ada = login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))

    assert "checked" in body(ada.get("/settings/contacts/"))
    ada.post("/settings/contacts/", {})

    house.account.refresh_from_db()
    assert not house.account.masks_numbers
    line = AuditEntry.objects.get(action="number_masking_changed")
    assert line.data["changes"] == {"masks_numbers": {"before": True, "after": False}}
    assert login(house.alice).post("/settings/contacts/", {}).status_code == 404


def test_the_owner_s_own_pages_mask_too(stage: Stage, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)
    alice = login(stage.house.alice)

    assert not tells(body(alice.get(f"/inbox/{stage.house.inbox.slug}/?view=mine")))


# --- Numbers inside other words -------------------------------------------------------------------

LOCAL = f"({MARIA[2:5]}) {MARIA[5:8]}-{MARIA[8:]}"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("(212) 555-0199", "+1 ••• ••99"),
        ("call +1 212.555.0199 now", "call +1 ••• ••99 now"),
        ("0012125550199", "+1 ••• ••99"),
        ("555-0199", "+1 ••• ••99"),
        ("42, 212 555 0199", "42, +1 ••• ••99"),
        ("٢١٢٥٥٥٠١٩٩", "+1 ••• ••99"),
        ("212\u200b555\u200b0199", "+1 ••• ••99"),
        ("another one: 555-0198", "another one: 555-0198"),
        ("order 2125550", "order 2125550"),
        ("", ""),
    ],
)
def test_a_number_is_masked_however_it_is_written(words: str, shown: str) -> None:
    assert without_numbers(words, ["+12125550199"]) == shown


def test_numbers_with_a_trunk_zero_and_short_ones_are_known() -> None:
    words = "0660 1234567, +43 (0)660 123 45 67"

    assert without_numbers(words, ["+436601234567"]) == "+43 ••• ••67, +43 ••• ••67"
    assert without_numbers("32665", ["32665"]) == "••• ••65"
    assert without_numbers("132665", ["32665"]) == "132665"
    assert without_numbers("id US.1234567890", ["US.1234567890"]) == "id US.••• ••90"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("+12125550100", "+1 ••• ••00"),
        ("Maria 212 555 0100", "Maria ••• ••00"),
        ("Maria of flat 12", "Maria of flat 12"),
    ],
)
def test_who_is_called_by_any_number_has_it_masked(name: str, shown: str) -> None:
    assert masked_name(name, ["+436601234567"]) == shown


def test_what_stood_masked_in_a_form_is_kept() -> None:
    kept = "212-555-0199 at 9, +1 212 555 0199 at 10"
    masked = without_numbers(kept, ["+12125550199"])

    assert with_numbers(masked, kept, masked) == kept
    assert with_numbers(f"VIP. {masked}!", kept, masked) == f"VIP. {kept}!"
    assert with_numbers("Nothing", kept, masked) == "Nothing"
    assert with_numbers("+1 ••• ••99 only", kept, masked) == "212-555-0199 only"


@pytest.fixture
def known(stage: Stage) -> Contact:
    """Let Maria's number stand wherever people and CRMs may write it."""
    contact = stage.row.contact
    contact.name, contact.profile_name = LOCAL, MARIA
    contact.attributes = {"mobile": MARIA, "office": int(MARIA[1:]), "lines": [LOCAL, "x"]}
    contact.notes = f"Call {LOCAL} after nine"
    contact.save()
    connector = CrmConnector.objects.create(
        account=stage.house.account, name="Sales", created_at=stage.now, changed_at=stage.now
    )
    CrmAnswer.objects.create(
        account=stage.house.account,
        contact=contact,
        connector=connector,
        question="x",
        facts={"phone": LOCAL, "tier": "gold"},
        left_out=[f"fax {MARIA} is no date"],
        answered_at=stage.now,
    )
    return contact


def test_an_agent_finds_no_number_in_what_is_known_either(
    stage: Stage, login: Any, known: Contact
) -> None:
    asked = places(stage)
    stage.reply(stage.house.alice, body=f"We call you at {MARIA}, {LOCAL}")
    asked["folds"] = (f"/c/{stage.row.public_id}/panel/folds/", PART)
    alice = login(stage.house.alice)

    for name, (place, how) in asked.items():
        answer = alice.get(place, **how)
        assert answer.status_code < 400, name
        assert not tells(body(answer).replace(stage.house.sender.address, "")), name

    assert "gold" in body(alice.get(f"/contacts/{known.public_id}/"))
    assert "after nine" in body(alice.get(f"/contacts/{known.public_id}/"))
    for drawn in (render_row(stage.row), render_header(stage.row)):
        assert not tells(drawn)


def test_supervisors_see_what_is_known_whole(stage: Stage, login: Any, known: Contact) -> None:
    page = body(login(stage.house.sue).get(f"/contacts/{known.public_id}/"))

    assert page.count(LOCAL) >= 4


def test_the_customer_gets_what_was_written(stage: Stage, known: Contact) -> None:
    message = stage.reply(stage.house.alice, body=f"We call you at {MARIA}")

    assert message.body == f"We call you at {MARIA}"
    assert "We call you at +1 ••• ••" in render_bubble(message)


def test_what_people_typed_stays(stage: Stage) -> None:
    stage.hear(f"Mine is {MARIA}")

    assert MARIA in render_bubble(stage.message)


def test_an_agent_s_save_keeps_numbers_that_they_did_not_see(
    stage: Stage, login: Any, known: Contact
) -> None:
    alice, place = login(stage.house.alice), f"/contacts/{known.public_id}/"
    page = alice.get(place).context["page"]
    shown = name_words(LOCAL, is_masked=True)
    notes = without_numbers(known.notes, known.numbers)

    answer = alice.post(
        place, {"seen": page.seen, "name": shown, "language": "es", "notes": f"{notes}. VIP"}
    )
    alice.post(f"{place}name/", {"name": shown})

    assert answer.status_code == 302
    known.refresh_from_db()
    assert (known.name, known.language) == (LOCAL, "es")
    assert known.notes == f"Call {LOCAL} after nine. VIP"


def test_canned_replies_fill_in_no_number_for_who_may_not_see_it(
    stage: Stage, login: Any, known: Contact
) -> None:
    for shortcut, slot in (
        ("number", "{{contact.number|your number}}"),
        ("name", "{{contact.name|you}}"),
        ("mobile", "{{contact.attributes.mobile|your mobile}}"),
        ("office", "{{contact.attributes.office|your office}}"),
    ):
        CannedReply.objects.create(
            account=stage.house.account,
            shortcut=shortcut,
            body=f"We call {slot}.",
            made_at=stage.now,
            changed_at=stage.now,
        )

    def said(person: User, **query: str) -> str:
        place = f"/c/{stage.row.public_id}/canned/"
        return body(login(person).get(place, query))

    assert not tells(said(stage.house.alice))
    assert "We call your mobile." in said(stage.house.alice)
    assert not tells(said(stage.house.alice, of="values"))
    assert tells(said(stage.house.sue))
