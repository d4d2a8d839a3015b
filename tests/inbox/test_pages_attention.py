"""Can somebody choose what they are told of, and do pages of the app know nobody?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from accounts.models import User
from inbox.attention import Sort, Taste, tastes_of
from inbox.models import Attention, InboxAttention
from tests.conftest import House
from tests.factories import make_inbox

PAGE = "/profile/notifications/"
CHOSEN = {"tone": "bell", "volume": "20"}


@pytest.mark.django_db(transaction=True)
def test_choices_are_kept_and_shown(house: House, client: Client) -> None:
    client.force_login(house.alice)
    slug = house.inbox.slug
    told = {
        **CHOSEN,
        "has_sound": "on",
        "repeats_sound": "on",
        "only_mine": "on",
        "quiet_from": "22:00",
        "quiet_until": "06:30",
        "time_zone": "Europe/Berlin",
        "digest_after": "30",
        "inbox": slug,
        f"mine-{slug}": "on",
    }

    answer = client.post(PAGE, told)

    assert answer.status_code == 302
    taste = tastes_of([house.alice.pk])[house.alice.pk]
    assert (taste.has_sound, taste.volume, taste.tone, taste.only_mine) == (True, 20, "bell", True)
    assert (taste.quiet, taste.time_zone) == ((time(22), time(6, 30)), "Europe/Berlin")
    assert taste.digest_after == 30
    assert taste.repeats_sound
    assert taste.unwanted[house.inbox.pk] == frozenset(Sort) - {Sort.MINE}
    page = client.get(PAGE).content.decode()
    assert 'value="22:00"' in page
    assert f'name="mine-{slug}" value="on" checked' in page
    assert f'name="new-{slug}" value="on" checked' not in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"quiet_from": "22:00"}, "need a beginning and an end"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "last no time"),
        ({"quiet_from": "late", "quiet_until": "06:00"}, "Enter a valid time"),
        ({"volume": "101"}, "less than or equal to 100"),
        ({"volume": "-1"}, "greater than or equal to 0"),
        ({"tone": "horn"}, "Select a valid choice"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
        ({"digest_after": "7"}, "Select a valid choice"),
        ({"digest_after": "\x00"}, ""),
    ],
)
@pytest.mark.django_db
def test_bad_input_is_said_in_words(
    house: House, client: Client, wrong: dict[str, str], words: str
) -> None:
    client.force_login(house.alice)

    answer = client.post(PAGE, {**CHOSEN, **wrong})

    assert answer.status_code in {400, 422}
    assert words in answer.content.decode()
    assert not Attention.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_chosen_for_an_inbox_of_others(
    house: House, client: Client, charlie: User
) -> None:
    client.force_login(house.alice)
    assert charlie.account is not None
    theirs = make_inbox(charlie.account, "Theirs")

    client.post(PAGE, {**CHOSEN, "inbox": theirs.slug, f"new-{theirs.slug}": "on"})

    assert not InboxAttention.objects.exists()


@pytest.mark.django_db
def test_who_is_of_no_account_is_told_of_nothing(client: Client) -> None:
    client.force_login(User.objects.create_superuser("staff@example.com", "x", name="Staff"))

    assert client.get(PAGE).status_code == 404


@pytest.mark.django_db
def test_the_page_says_why_nothing_would_come(house: House, client: Client, settings: Any) -> None:
    settings.VAPID_PRIVATE_KEY = ""
    InboxAttention.objects.create(
        account=house.account,
        user=house.alice,
        inbox=house.inbox,
        **{f"hears_{sort}": False for sort in Sort},
    )
    client.force_login(house.alice)

    page = client.get(PAGE).content.decode()

    assert "Push is not set up in this installation" in page
    assert f"Everything is switched off for {house.inbox.name}" in page


# --- Quiet hours ----------------------------------------------------------------------------------

MINUTES = st.integers(0, 24 * 60 - 1)


@given(first=MINUTES, second=MINUTES, minute=MINUTES)
def test_a_moment_is_quiet_or_its_opposite_is(first: int, second: int, minute: int) -> None:
    now = datetime(2026, 1, 15, minute // 60, minute % 60, tzinfo=UTC)
    begins, ends = time(first // 60, first % 60), time(second // 60, second % 60)
    if begins == ends:
        return

    assert Taste(quiet=(begins, ends)).is_quiet(now) != Taste(quiet=(ends, begins)).is_quiet(now)


@pytest.mark.parametrize(
    ("zone", "is_quiet"), [("Europe/Berlin", True), ("UTC", False), ("Asia/Tokyo", False)]
)
def test_quiet_hours_are_by_the_clock_of_the_person(zone: str, is_quiet: bool) -> None:
    taste = Taste(quiet=(time(22), time(6)), time_zone=zone)

    assert taste.is_quiet(datetime(2026, 1, 15, 21, 30, tzinfo=UTC)) is is_quiet


# --- The app --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["service_worker", "manifest", "offline"])
@pytest.mark.django_db
def test_what_browsers_keep_is_the_same_for_everybody(
    house: House, client: Client, name: str
) -> None:
    for_nobody = client.get(reverse(name)).content
    client.force_login(house.alice)

    assert client.get(reverse(name)).content == for_nobody
    assert house.alice.name.encode() not in for_nobody


@pytest.mark.django_db
def test_the_worker_may_stand_before_every_page_and_keeps_no_page(client: Client) -> None:
    answer = client.get("/sw.js")
    script = answer.content.decode()

    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ".put(" not in script


@pytest.mark.django_db
def test_the_icons_of_the_app_are_what_it_says(client: Client) -> None:
    told = json.loads(client.get("/manifest.webmanifest").content)

    assert {"any", "maskable"} == {icon["purpose"] for icon in told["icons"]}
    for icon in told["icons"]:
        found = finders.find(icon["src"].removeprefix("/static/"))
        with Image.open(BytesIO(Path(str(found)).read_bytes())) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]
            assert image.format == "PNG"
