"""Where an account masks numbers, does an agent find a whole one anywhere?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Account, AuditEntry, User
from inbox.alerts import Happening, Kind, notices_of
from inbox.broadcast import VERSION
from inbox.conversations import claim_conversation
from inbox.fragments import render_header, render_row
from inbox.labels import masked_words
from inbox.models import Contact
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
