"""Can an account admin see what is on, ask for more, and look after the seats?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    BrowserSession,
    FeatureGrant,
    FeatureRequest,
    License,
    LicensePool,
    Package,
    User,
)
from accounts.packages import offer_package, tick
from inbox.conversations import claim_conversation
from inbox.models import Conversation
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage

FEATURES, LICENCES = "/settings/features/", "/settings/licences/"


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


@pytest.fixture
def admin(ada: User, login: Any) -> Client:
    return login(ada)


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


# --- Features -------------------------------------------------------------------------------------


def test_the_page_says_what_is_on_until_when_and_by_whom(house: House, admin: Client) -> None:
    house.account.time_zone = "Europe/Berlin"
    house.account.save()
    pat = User.objects.create(
        email="pat@example.com", name="Pat", role="partner", partner=house.account.partner
    )
    soon = timezone.now() + timedelta(days=5)
    FeatureGrant.objects.filter(feature="whatsapp").update(
        granted_by=pat, reason="Order 9", ends_at=soon
    )

    page = admin.get(FEATURES).text

    assert "Pat" in page
    assert "CET" in page or "CEST" in page
    assert "WhatsApp ends on" in page
    assert "Please turn on Custom routing" in page
    assert "Ask for more time with WhatsApp" in page
    assert "Ask for more time with Team Inbox" not in page, "it is on for good"


def test_an_admin_asks_once_and_reads_the_answer(house: House, admin: Client, ada: User) -> None:
    ask = {"feature": "custom_routing", "words": "For our <b>VIPs</b>"}

    assert (
        "Your partner was asked for Custom routing."
        in admin.post(f"{FEATURES}ask/", ask, follow=True).text
    )
    again = admin.post(f"{FEATURES}ask/", ask)
    assert again.status_code == 422
    assert "Custom routing was asked for already" in again.text
    assert "For our &lt;b&gt;VIPs" in again.text
    assert FeatureRequest.objects.get().asked_by == ada
    assert "switched on already" in admin.post(f"{FEATURES}ask/", {"feature": "whatsapp"}).text
    assert admin.post(f"{FEATURES}ask/", {"feature": "magic"}).status_code == 422

    FeatureRequest.objects.update(
        state="declined", answer="Not in your plan", answered_by=ada, answered_at=timezone.now()
    )
    page = admin.get(FEATURES).text
    assert "Not in your plan" in page
    assert "Please turn on Custom routing" in page
    pk = FeatureRequest.objects.get().pk
    assert "answered already: declined" in admin.post(f"{FEATURES}{pk}/withdraw/").text


def test_a_request_is_taken_back(admin: Client) -> None:
    admin.post(f"{FEATURES}ask/", {"feature": "custom_routing"})
    pk = FeatureRequest.objects.get().pk

    admin.post(f"{FEATURES}{pk}/withdraw/")

    assert FeatureRequest.objects.get().state == "withdrawn"
    assert AuditEntry.objects.filter(action="featurerequest_withdrawn").exists()


def test_the_checklist_of_a_package_is_shown(house: House, admin: Client, ada: User) -> None:
    package = Package.objects.get(slug="whatsapp-setup")
    row = offer_package(account=house.account, package=package, by=ada, now=timezone.now())
    first = row.items.all()[0]
    tick(item=first, is_done=True, by=ada, now=timezone.now())

    page = admin.get(FEATURES).text

    assert "WhatsApp set-up" in page
    assert "In progress" in page
    assert page.count('aria-label="done"') == 1
    assert page.count('aria-label="not yet"') == 4


def test_a_suspended_account_is_told(house: House, admin: Client) -> None:
    house.account.status = "suspended"
    house.account.save()

    page = admin.get(FEATURES).text

    assert "Your account is suspended" in page
    assert page.count("</svg>Suspended</span>") == 2, "Team Inbox and WhatsApp"
    assert "</svg>On</span>" not in page


# --- Licences -------------------------------------------------------------------------------------


def test_the_page_says_who_holds_a_seat_and_who_needs_one(house: House, admin: Client) -> None:
    make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)
    make_user(house.account, "Otto", team=house.inbox.team, is_licensed=False, is_active=False)

    page = admin.get(LICENCES)

    fit = page.context["fit"]
    assert [(use.pool.seats, use.taken, use.free) for use in fit.pools] == [(1000, 3, 997)]
    assert [seat.person.name for seat in fit.seats] == ["Alice", "Bob", "Sue"]
    assert [one.person.name for one in fit.blocked] == ["Nora"]
    assert "Umbrella" not in page.text


def test_several_people_get_seats_or_nobody(house: House, admin: Client) -> None:
    nora, otto = (make_user(house.account, name, is_licensed=False) for name in ("Nora", "Otto"))
    pool = LicensePool.objects.get(account=house.account)
    LicensePool.objects.filter(pk=pool.pk).update(seats=4)
    give = {"pool": pool.pk, "holders": [nora.pk, otto.pk]}

    over = admin.post(f"{LICENCES}assign/", give)
    assert over.status_code == 422
    assert "One seat is free for 2 people: Otto would be over." in over.text
    assert "Choose at least one person." in admin.post(f"{LICENCES}assign/", {"pool": pool.pk}).text
    assert not License.objects.filter(holder__in=[nora, otto]).exists()
    LicensePool.objects.filter(pk=pool.pk).update(seats=5)
    page = admin.post(f"{LICENCES}assign/", give, follow=True)

    assert "2 people have a seat now." in page.text
    assert License.objects.filter(holder__in=[nora, otto]).count() == 2


def test_people_and_seats_of_others_cannot_be_chosen(
    house: House, admin: Client, charlie: User
) -> None:
    theirs = LicensePool.objects.get(account=charlie.account)
    assert charlie.account
    uma = make_user(charlie.account, "Uma", is_licensed=False)
    ours = LicensePool.objects.get(account=house.account)

    for give in ({"pool": theirs.pk, "holders": [uma.pk]}, {"pool": ours.pk, "holders": [uma.pk]}):
        page = admin.post(f"{LICENCES}assign/", give)
        assert page.status_code == 422
        assert "Uma" not in page.text
    assert not License.objects.filter(holder=uma).exists()


@pytest.mark.django_db(transaction=True)
def test_a_seat_is_taken_away_after_a_look(stage: Stage, admin: Client) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    seat = License.objects.get(holder=house.alice)
    url = f"{LICENCES}{seat.pk}/take-away/"

    look = admin.get(url).text
    assert "Alice sees and answers nothing any more." in look
    assert "has 1 open conversation" in look
    assert "This field is required" in admin.post(url, {"reason": ""}).text
    page = admin.post(url, {"reason": "On leave"}, follow=True).text

    assert "Alice has no licence any more. 1 conversation went back to the team." in page
    assert not Conversation.objects.filter(owner=house.alice).exists()
    assert admin.get(url).status_code == 404, "it is not valid any more"


@pytest.mark.django_db(transaction=True)
def test_a_seat_is_handed_over(house: House, admin: Client, charlie: User) -> None:
    nora = make_user(house.account, "Nora", is_licensed=False)
    seat = License.objects.get(holder=house.alice)
    url = f"{LICENCES}{seat.pk}/take-away/"

    assert admin.post(url, {"reason": "x", "to": charlie.pk}).status_code == 422
    page = admin.post(url, {"reason": "New team", "to": nora.pk}, follow=True).text

    assert "Nora has the seat of Alice now." in page
    assert License.objects.filter(holder=nora, ends_at=None).exists()


def test_unused_for_thirty_days_is_told(house: House, admin: Client) -> None:
    now = timezone.now()
    License.objects.filter(holder=house.alice).update(starts_at=now - timedelta(days=3))
    User.objects.filter(pk=house.bob.pk).update(last_login=now - timedelta(days=2))

    fit = admin.get(LICENCES).context["fit"]

    assert [seat.person.name for seat in fit.unused] == ["Sue"], "Alice has it for three days only"


def test_who_answered_lately_used_their_seat(stage: Stage, admin: Client) -> None:
    stage.now = timezone.now()
    stage.reply(stage.house.bob)

    fit = admin.get(LICENCES).context["fit"]

    assert "Bob" not in [seat.person.name for seat in fit.unused]


def test_who_only_reads_uses_their_seat(house: House, admin: Client) -> None:
    now = timezone.now()
    BrowserSession.objects.create(
        key_hash="reads",
        session_data="",
        expire_date=now + timedelta(days=1),
        user=house.bob,
        started_at=now - timedelta(days=90),
        seen_at=now - timedelta(days=2),
    )

    fit = admin.get(LICENCES).context["fit"]

    assert [seat.person.name for seat in fit.unused] == ["Alice", "Sue"]
    [bob] = [seat for seat in fit.seats if seat.person == house.bob]
    assert bob.used_at == now - timedelta(days=2)


@pytest.mark.django_db(transaction=True)
def test_a_seat_for_later_is_shown_and_taken_back(house: House, admin: Client) -> None:
    now = timezone.now()
    pool = LicensePool.objects.get(account=house.account)
    nora = make_user(house.account, "Nora", is_licensed=False)
    soon = now + timedelta(days=9)
    later = License.objects.create(pool=pool, holder=nora, starts_at=soon)
    url = f"{LICENCES}{later.pk}/take-away/"

    page = admin.get(LICENCES)
    [seat] = [seat for seat in page.context["fit"].seats if seat.person == nora]
    assert (seat.begins_later, seat.is_unused) == (True, False)
    assert f'<time datetime="{soon.isoformat(timespec="seconds")}">' in page.text
    assert [(use.taken, use.free) for use in page.context["fit"].pools] == [(3, 997)]
    assert "Nobody loses sight of anything now." in admin.get(url).text
    done = admin.post(url, {"reason": "A mistake"}, follow=True)

    assert "The seat of Nora, which had not begun, is taken back." in done.text
    assert "Nora" not in [seat.person.name for seat in done.context["fit"].seats]
    assert admin.get(url).status_code == 404


def test_a_year_that_no_clock_shows_leaves_the_page_open(house: House, admin: Client) -> None:
    house.account.time_zone = "America/New_York"
    house.account.save()
    nora = make_user(house.account, "Nora", is_licensed=False)
    pool = LicensePool.objects.get(account=house.account)
    give = {"pool": pool.pk, "holders": [nora.pk], "ends_at": "9999-12-31T23:59"}

    page = admin.post(f"{LICENCES}assign/", give)

    assert page.status_code == 422
    assert "Choose a year from 2000 to 2199, or leave it empty." in page.text
    assert admin.get(LICENCES).status_code == 200


def test_the_report_leaves_as_csv_with_no_formula_in_it(house: House, admin: Client) -> None:
    make_user(house.account, "=HYPERLINK(1)", team=house.inbox.team, is_licensed=False)

    answer = admin.post(f"{LICENCES}export/")

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 5
    assert "Alice" in lines[1]
    assert lines[4].startswith("needs a licence,'=HYPERLINK")
    assert AuditEntry.objects.filter(action="licence_fit_exported").count() == 1


def test_the_page_costs_the_same_for_few_people_and_for_many(house: House, admin: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(LICENCES).status_code == 200
        return len(asked)

    make_user(house.account, team=house.inbox.team, is_licensed=False)
    few = cost()
    for n in range(30):
        team = make_inbox(house.account, f"Team {n}").team
        make_user(house.account, team=team)
        make_user(house.account, team=team, is_licensed=False)

    assert cost() <= few
    assert few < 20
