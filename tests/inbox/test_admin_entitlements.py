"""Are seats, features and packages kept with words and audit lines, and nothing left over?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import (
    Account,
    AccountPackage,
    AuditEntry,
    FeatureGrant,
    FeatureRequest,
    GrantProposal,
    License,
    LicensePool,
    Package,
    Partner,
    User,
)
from accounts.refusals import RefusedError
from inbox.conversations import release_ineligible
from inbox.models import Conversation, ConversationEvent
from tests.admin_world import Company, browser_of, make_company, make_partner_user, make_staff
from tests.factories import make_account, make_user

LICENSES = "/admin/accounts/license/"
POOLS = "/admin/accounts/licensepool/"
GRANTS = "/admin/accounts/featuregrant/"
REQUESTS = "/admin/accounts/featurerequest/"
PROPOSALS = "/admin/accounts/grantproposal/"
PACKAGES = "/admin/accounts/accountpackage/"
ACCOUNTS = "/admin/accounts/account/"
WHY = {"reason": "Because"}


@pytest.fixture
def acme(db: None) -> Company:
    return make_company("Acme", "Northwind", n=1)


@pytest.fixture
def umbrella(db: None) -> Company:
    return make_company("Umbrella", "Southridge", n=2)


@pytest.fixture
def pat(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


@pytest.fixture
def root(db: None) -> Client:
    return browser_of(make_staff())


@pytest.fixture
def after_commit(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def when(prefix: str, at: Any) -> dict[str, str]:
    """Fill in the two boxes of a moment."""
    return {f"{prefix}_0": at.strftime("%Y-%m-%d"), f"{prefix}_1": at.strftime("%H:%M:%S")}


def minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def last_line() -> AuditEntry:
    # Looking at the page that follows an act is a line as well.
    looks = ["viewed_in_admin", "listed_in_admin"]
    line = AuditEntry.objects.exclude(action__in=looks).order_by("-pk").first()
    assert line is not None
    return line


def owned_by(user: User) -> list[Conversation]:
    return list(Conversation.objects.filter(owner=user))


def twice(browser: Client, url: str, data: dict[str, Any]) -> Any:
    """Fill in, look at what it sets off, and press the button again."""
    looked = browser.post(url, data)
    if looked.status_code != 200 or not looked.context["looked"]:
        return looked
    return browser.post(url, {**data, "looked": looked.context["looked"]}, follow=True)


# --- Licences -------------------------------------------------------------------------------------


def test_a_licence_is_taken_away_after_a_look_at_what_that_does(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    seat = License.objects.get(holder=acme.sue)
    url = f"{LICENSES}take-away/?ids={seat.pk}"

    page = pat.get(url).content.decode()
    assert "Sue of Acme sees and answers nothing any more." in page
    assert "has 1 open conversation" in page
    assert "This field is required" in pat.post(url, {"reason": ""}).content.decode()
    with after_commit():
        pat.post(url, {"reason": "Left the company"}, follow=True)

    assert owned_by(acme.sue) == []
    event = ConversationEvent.objects.filter(verb="released").get()
    assert event.data["reason"] == "the licence ended"
    assert last_line().action == "license_ended"
    assert last_line().data["values"]["holder"] == "Sue of Acme"
    assert last_line().data["reason"] == "Left the company"
    assert License.objects.filter(pk=seat.pk).exists(), "who held a seat is on record"
    assert pat.post(f"{LICENSES}{seat.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_conversations_go_back_with_real_commits() -> None:
    """The story opens its own durable transactions: it must run after ours."""
    company = make_company("Acme", "Northwind", n=1)
    seat = License.objects.get(holder=company.sue)

    answer = browser_of(make_staff()).post(
        f"{LICENSES}take-away/?ids={seat.pk}", {"reason": "Left"}, follow=True
    )

    assert owned_by(company.sue) == []
    said = [str(message) for message in answer.context["messages"]]
    assert "Conversations of Sue of Acme that went back to their teams: 1." in said


def test_the_end_of_a_licence_is_moved_after_a_second_look(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    seat = License.objects.get(holder=acme.sue)
    url = f"{LICENSES}move-end/?ids={seat.pk}"
    later = timezone.now() + timedelta(days=30)

    assert "This field is required" in pat.post(url, {"ends_at": minute(later)}).text
    first = pat.post(url, {"ends_at": minute(later), **WHY})
    assert first.status_code == 200
    assert License.objects.get(pk=seat.pk).ends_at is None, "only looked at"
    other = {"ends_at": minute(later + timedelta(days=1)), "looked": first.context["looked"]}
    assert pat.post(url, {**other, **WHY}).status_code == 200, "something else than was looked at"
    with after_commit():
        twice(pat, url, {"ends_at": minute(later), **WHY})
    assert License.objects.get(pk=seat.pk).ends_at == later.replace(second=0, microsecond=0)
    assert owned_by(acme.sue), "until then"
    with after_commit():
        twice(pat, url, {"ends_at": minute(timezone.now()), **WHY})
    assert owned_by(acme.sue) == []
    assert License.objects.get(pk=seat.pk).end_reason == "Because"


def test_a_seat_is_handed_over(acme: Company, pat: Client, after_commit: Any) -> None:
    seat = License.objects.get(holder=acme.sue)
    nora = make_user(acme.account, "Nora", is_licensed=False, team=acme.inbox.team)
    stranger = make_user(make_company("Second", "Northwind", n=3).account, is_licensed=False)
    url = f"{LICENSES}hand-over/?ids={seat.pk}"

    assert "Select a valid choice" in pat.post(url, {"to": stranger.pk, **WHY}).content.decode()
    with after_commit():
        pat.post(url, {"to": nora.pk, **WHY})

    now = timezone.now()
    assert [row.holds_at(now) for row in License.objects.filter(holder=nora)] == [True]
    assert [row.holds_at(now) for row in License.objects.filter(holder=acme.sue)] == [False]
    assert owned_by(acme.sue) == []


def test_a_seat_goes_to_people_of_the_account_while_there_are_seats(
    acme: Company, pat: Client
) -> None:
    pool = LicensePool.objects.get(account=acme.account)
    nora = make_user(acme.account, "Nora", is_licensed=False)
    stranger = make_user(make_company("Second", "Northwind", n=3).account, is_licensed=False)
    start = when("starts_at", timezone.now())

    def give(user: User) -> str:
        data = {"pool": pool.pk, "holder": user.pk, **start}
        return str(pat.post(f"{LICENSES}add/", data, follow=True).content.decode())

    assert "but these seats to Acme" in give(stranger)
    assert "has a licence at that time already" in give(acme.alice)
    LicensePool.objects.filter(pk=pool.pk).update(seats=2)
    assert "All 2 seats are taken" in give(nora)
    LicensePool.objects.filter(pk=pool.pk).update(seats=3)
    give(nora)
    assert License.objects.filter(holder=nora).count() == 1
    assert last_line().action == "license_added"
    assert last_line().account == acme.account


# --- Pools ----------------------------------------------------------------------------------------


def test_seats_are_added_and_changed_with_words(
    acme: Company, pat: Client, after_commit: Any
) -> None:
    data = {"account": acme.account.pk, "plan": "pro_cx", "seats": 4}
    wrong = {**when("starts_at", timezone.now()), **when("ends_at", timezone.now())}
    assert "must end after it starts" in pat.post(f"{POOLS}add/", {**data, **wrong}).text
    pat.post(f"{POOLS}add/", {**data, **when("starts_at", timezone.now())})
    assert last_line().action == "licensepool_added"
    pool = LicensePool.objects.filter(account=acme.account).order_by("pk")[0]
    url = f"{POOLS}change-seats/?ids={pool.pk}"
    same = {"seats": 100, "starts_at": minute(pool.starts_at)}

    assert (
        "2 seats are taken. Take 1 licence away first." in pat.post(url, {**same, "seats": 1}).text
    )
    looked = pat.post(url, {**same, "ends_at": minute(timezone.now())}).text
    assert "Licences that end with it: Alice of Acme, Sue of Acme." in looked
    assert owned_by(acme.sue)
    with after_commit():
        twice(pat, url, {**same, "ends_at": minute(timezone.now())})

    assert owned_by(acme.sue) == []
    assert last_line().action == "licensepool_changed"


def test_a_pool_with_licences_cannot_be_deleted(acme: Company, root: Client) -> None:
    pool = LicensePool.objects.get(account=acme.account)

    assert root.post(f"{POOLS}{pool.pk}/delete/", {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [pool.pk], "post": "yes"}
    root.post(POOLS, data)

    assert LicensePool.objects.filter(pk=pool.pk).exists()
    spare = LicensePool.objects.create(account=acme.account, seats=1, starts_at=timezone.now())
    root.post(f"{POOLS}{spare.pk}/delete/", {"post": "yes"})
    assert not LicensePool.objects.filter(pk=spare.pk).exists()
    assert AuditEntry.objects.filter(action="licensepool_deleted").exists()


# --- Features -------------------------------------------------------------------------------------


def a_grant(acme: Company, **more: Any) -> dict[str, Any]:
    data = {"account": acme.account.pk, "feature": "optout_compliance", "reason": "Order 7"}
    return {**data, **when("starts_at", timezone.now() - timedelta(hours=1)), **more}


def test_a_feature_is_switched_on_and_off_with_a_line_each(acme: Company, pat: Client) -> None:
    package = Package.objects.get(slug="optout-compliance")

    pat.post(f"{GRANTS}add/", a_grant(acme, package=package.pk))
    grant = FeatureGrant.objects.get(feature="optout_compliance")
    assert grant.granted_by is not None
    assert (grant.granted_by.name, grant.package) == ("Pat Partner", package)
    assert last_line().action == "featuregrant_added"
    assert last_line().data["values"]["reason"] == "Order 7"

    again = pat.post(f"{GRANTS}add/", a_grant(acme)).text
    assert "Opt-out compliance is on at that time already: from" in again
    assert "(Order 7). End that grant first." in again

    url = f"{GRANTS}end/?ids={grant.pk}"
    assert "This field is required" in pat.post(url, {"reason": ""}).text
    pat.post(url, {"reason": "Not paid"})
    grant.refresh_from_db()
    assert grant.ends_at is not None
    assert grant.ends_at <= timezone.now()
    assert (grant.end_reason, str(grant.ended_by)) == ("Not paid", "Pat Partner")
    assert last_line().action == "featuregrant_ended"
    assert pat.post(f"{GRANTS}{grant.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_grant_without_a_reason_or_with_an_end_before_its_beginning_is_refused(
    acme: Company, pat: Client
) -> None:
    assert "This field is required" in pat.post(f"{GRANTS}add/", a_grant(acme, reason="")).text
    early = when("ends_at", timezone.now() - timedelta(days=1))
    assert "must end after it starts" in pat.post(f"{GRANTS}add/", a_grant(acme, **early)).text
    assert not FeatureGrant.objects.filter(feature="optout_compliance").exists()


def test_before_team_inbox_ends_the_page_says_what_would_close(acme: Company, pat: Client) -> None:
    grant = FeatureGrant.objects.get(account=acme.account, feature="team_inbox")

    page = pat.get(f"{GRANTS}end/?ids={grant.pk}").text

    assert "Team Inbox is off for Acme." in page
    assert "Sue of Acme" in page
    pat.post(f"{GRANTS}end/?ids={grant.pk}", WHY)
    assert release_ineligible(now=timezone.now()) == 1
    assert owned_by(acme.sue) == []


def test_a_grant_gets_another_end_and_not_over_the_next_one(acme: Company, pat: Client) -> None:
    now = timezone.now()
    grant = FeatureGrant.objects.get(account=acme.account, feature="team_inbox")
    url = f"{GRANTS}move-end/?ids={grant.pk}"

    twice(pat, url, {"ends_at": minute(now + timedelta(days=5)), **WHY})
    grant.refresh_from_db()
    assert grant.ends_at is not None
    FeatureGrant.objects.create(
        account=acme.account, feature="team_inbox", starts_at=now + timedelta(days=9)
    )

    no = twice(pat, url, {"ends_at": "", **WHY}).content.decode()
    assert "Team Inbox is on at that time already" in no
    twice(pat, url, {"ends_at": minute(now + timedelta(days=8)), **WHY})
    grant.refresh_from_db()
    assert grant.ends_at > now + timedelta(days=7)


def test_a_request_is_accepted_in_one_go_or_declined_with_a_reason(
    acme: Company, umbrella: Company, pat: Client
) -> None:
    asked = FeatureRequest.objects.get(account=acme.account)
    GrantProposal.objects.all().delete()
    todo = [line for line in pat.get("/admin/").context["to_do"] if "asks for" in line.words]
    assert [line.words for line in todo] == ["Acme asks for Custom routing."]

    assert "This field is required" in pat.post(f"{REQUESTS}decline/?ids={asked.pk}", {}).text
    pat.post(todo[0].task_url, {"starts_at": minute(timezone.now()), **WHY})

    asked.refresh_from_db()
    assert asked.state == "accepted"
    assert asked.grant is not None
    assert asked.grant.holds_at(timezone.now())
    assert str(asked.answered_by) == "Pat Partner"
    theirs = FeatureRequest.objects.get(account=umbrella.account)
    pat.post(f"{REQUESTS}decline/?ids={theirs.pk}", WHY)
    theirs.refresh_from_db()
    assert theirs.state == "open", "of another partner"
    root = browser_of(make_staff())
    root.post(f"{REQUESTS}decline/?ids={theirs.pk}", {"reason": "Not in your plan"})
    theirs.refresh_from_db()
    assert (theirs.state, theirs.answer) == ("declined", "Not in your plan")


def test_more_time_begins_where_what_is_on_ends(acme: Company, pat: Client) -> None:
    GrantProposal.objects.all().delete()
    FeatureRequest.objects.all().delete()
    end = timezone.now() + timedelta(days=3, seconds=17)
    grants = FeatureGrant.objects.filter(account=acme.account, feature="whatsapp")
    grants.update(ends_at=end)
    asked = FeatureRequest.objects.create(
        account=acme.account, feature="whatsapp", asked_by=acme.sue, asked_at=timezone.now()
    )
    url = f"{REQUESTS}accept/?ids={asked.pk}"

    assert minute(end) in pat.get(url).text
    pat.post(url, {"starts_at": minute(end), **WHY})

    asked.refresh_from_db()
    assert asked.state == "accepted"
    assert asked.grant is not None
    assert asked.grant.starts_at == end, "to the second, without a gap"


def test_a_grant_that_has_not_begun_is_called_off_without_a_fright(
    acme: Company, pat: Client
) -> None:
    now = timezone.now()
    running = FeatureGrant.objects.get(account=acme.account, feature="team_inbox")
    FeatureGrant.objects.filter(pk=running.pk).update(ends_at=now + timedelta(days=5))
    later = FeatureGrant.objects.create(
        account=acme.account, feature="team_inbox", starts_at=now + timedelta(days=5)
    )

    page = pat.get(f"{GRANTS}end/?ids={later.pk}").text

    assert "Team Inbox of Acme stays as it is now." in page
    assert "Sue of Acme" not in page, "she loses nothing"


def test_years_that_no_clock_shows_are_refused_beside_their_field(
    acme: Company, pat: Client
) -> None:
    """An account in Berlin could never open its pages again: it is the year 10000 there."""
    pool = LicensePool.objects.get(account=acme.account)
    nora = make_user(acme.account, "Nora", is_licensed=False)
    far = when("ends_at", datetime(9999, 12, 31, 23, 59, 59))
    begin = when("starts_at", timezone.now())
    seats = {"account": acme.account.pk, "plan": "pro_cx", "seats": 4, **begin, **far}

    for page in (
        pat.post(f"{GRANTS}add/", a_grant(acme, **far)),
        pat.post(f"{POOLS}add/", seats),
        pat.post(f"{LICENSES}add/", {"pool": pool.pk, "holder": nora.pk, **begin, **far}),
    ):
        assert "Choose a year from 2000 to 2199, or leave it empty." in page.text
        assert list(page.context["adminform"].form.errors) == ["ends_at"]
    assert LicensePool.objects.filter(account=acme.account).count() == 1


def test_seats_that_somebody_was_given_meanwhile_are_not_deleted(
    acme: Company, rf: RequestFactory
) -> None:
    pool = LicensePool.objects.get(account=acme.account)
    request = rf.post("/")
    request.user = make_staff()

    with pytest.raises(RefusedError, match="somebody was given a seat of it meanwhile"):
        admin.site.get_model_admin(LicensePool).delete_model(request, pool)

    assert pool.licenses.count() == 2


# --- A second person ------------------------------------------------------------------------------


@pytest.fixture
def peer(acme: Company) -> Client:
    """Another person of Pat's partner, who wants two people to agree."""
    Partner.objects.filter(pk=acme.partner.pk).update(needs_second_approval=True)
    GrantProposal.objects.all().delete()
    return browser_of(make_partner_user(acme.partner, "peer@partner.example"))


def test_nothing_is_on_until_a_second_person_agrees(
    acme: Company, pat: Client, peer: Client
) -> None:
    page = pat.post(f"{GRANTS}add/", a_grant(acme), follow=True).content.decode()

    assert "is proposed. It is on when another person" in page
    assert not FeatureGrant.objects.filter(feature="optout_compliance").exists()
    proposal = GrantProposal.objects.get(feature="optout_compliance")
    url = f"{PROPOSALS}approve/?ids={proposal.pk}"
    assert "Somebody else must approve what you proposed." in pat.post(url).content.decode()
    line = [one for one in peer.get("/admin/").context["to_do"] if "proposes" in one.words]
    assert line[0].task_url == url
    assert not [one for one in pat.get("/admin/").context["to_do"] if "proposes" in one.words]

    peer.post(url)

    grant = FeatureGrant.objects.get(feature="optout_compliance")
    assert grant.holds_at(timezone.now())
    assert grant.granted_by != grant.approved_by
    assert grant.starts_at > proposal.starts_at, "not in the past: it was not on then"
    more = pat.post(f"{GRANTS}add/", a_grant(acme)).content.decode()
    assert "already" in more


def test_what_was_asked_for_stays_open_until_it_is_approved(
    acme: Company, pat: Client, peer: Client
) -> None:
    asked = FeatureRequest.objects.get(account=acme.account)

    accept = {"starts_at": minute(timezone.now()), **WHY}
    pat.post(f"{REQUESTS}accept/?ids={asked.pk}", accept)
    asked.refresh_from_db()
    assert asked.state == "open"
    again = pat.post(f"{REQUESTS}accept/?ids={asked.pk}", accept).content.decode()
    assert "is proposed already and waits for a second person" in again
    proposal = GrantProposal.objects.get(request=asked)
    peer.post(f"{PROPOSALS}approve/?ids={proposal.pk}")

    asked.refresh_from_db()
    assert asked.state == "accepted"
    assert asked.grant == FeatureGrant.objects.get(feature="custom_routing")


def test_a_proposal_is_rejected_or_withdrawn_with_a_reason(
    acme: Company, pat: Client, peer: Client
) -> None:
    states = []
    for who in (pat, peer):
        pat.post(f"{GRANTS}add/", a_grant(acme))
        proposal = GrantProposal.objects.get(state="pending")
        assert "required" in who.post(f"{PROPOSALS}reject/?ids={proposal.pk}", {}).text
        who.post(f"{PROPOSALS}reject/?ids={proposal.pk}", WHY)
        proposal.refresh_from_db()
        states.append(proposal.state)

    assert states == ["withdrawn", "rejected"]
    assert not FeatureGrant.objects.filter(feature="optout_compliance").exists()


def test_more_time_needs_a_second_person_too_and_less_does_not(
    acme: Company, pat: Client, peer: Client
) -> None:
    grant = FeatureGrant.objects.get(account=acme.account, feature="team_inbox")
    url = f"{GRANTS}move-end/?ids={grant.pk}"
    soon = timezone.now() + timedelta(days=5)

    twice(pat, url, {"ends_at": minute(soon), **WHY})
    no = twice(pat, url, {"ends_at": minute(soon + timedelta(days=5)), **WHY})

    assert "A second person must agree to more time" in no.content.decode()
    grant.refresh_from_db()
    assert grant.ends_at == soon.replace(second=0, microsecond=0)


# --- Suspending, packages -------------------------------------------------------------------------


def test_an_account_is_suspended_after_a_look_and_goes_on(acme: Company, pat: Client) -> None:
    url = f"{ACCOUNTS}suspend/?ids={acme.account.pk}"

    assert "Acme is suspended." in pat.get(url).text
    pat.post(url, {"reason": "Not paid"})
    assert Account.objects.get(pk=acme.account.pk).status == "suspended"
    assert release_ineligible(now=timezone.now()) == 0, "who has what stays"
    pat.post(f"{ACCOUNTS}resume/?ids={acme.account.pk}")

    assert Account.objects.get(pk=acme.account.pk).status == "active"
    assert owned_by(acme.sue)


def test_only_so_many_accounts_are_suspended_at_once_as_can_be_foretold(root: Client) -> None:
    accounts = [make_account() for _ in range(3)]
    ids = "&".join(f"ids={account.pk}" for account in accounts)

    page = root.post(f"{ACCOUNTS}suspend/?{ids}", {"reason": "x"}, follow=True).text
    assert "Choose at most 2 at once" in page
    assert not Account.objects.filter(status="suspended").exists()
    two = ids.rpartition("&")[0]
    with CaptureQueriesContext(connection) as asked:
        looked = root.get(f"{ACCOUNTS}suspend/?{two}").text
    assert all(f"{account} is suspended." in looked for account in accounts[:2])
    assert len(asked) <= 15


def test_a_package_is_worked_off_step_by_step(acme: Company, pat: Client) -> None:
    package = Package.objects.get(slug="whatsapp-setup")
    data = {"account": acme.account.pk, "package": package.pk, "status": "ordered", "note": "Q4"}

    pat.post(f"{PACKAGES}add/", data)
    row = AccountPackage.objects.get(package=package)
    assert row.items.count() == package.steps.count() == 5
    assert "already exists" in pat.post(f"{PACKAGES}add/", data).text
    first, second = row.items.all()[:2]

    tick = f"{PACKAGES}tick/?ids={row.pk}"
    pat.post(tick, {"steps": [first.pk, second.pk]})
    first.refresh_from_db()
    row.refresh_from_db()
    assert (str(first.ticked_by), row.status) == ("Pat Partner", "in_progress")
    assert "Pat Partner" in pat.get(tick).text
    not_yet = pat.post(f"{PACKAGES}status/?ids={row.pk}", {"status": "done"}).text
    assert "3 steps are not ticked yet." in not_yet
    pat.post(tick, {"steps": [first.pk]})
    second.refresh_from_db()
    assert second.ticked_at is None
    pat.post(tick, {"steps": [item.pk for item in row.items.all()]})
    pat.post(f"{PACKAGES}status/?ids={row.pk}", {"status": "done"})

    row.refresh_from_db()
    assert row.status == "done"
    assert "open it again first" in pat.post(tick, {"steps": []}).text
    lines = AuditEntry.objects.filter(action="accountpackage_ticked").order_by("pk")
    assert len(lines) == 6
    assert (lines[0].subject, lines[0].data["step"]) == ("WhatsApp set-up for Acme", first.words)
    told = lines[0].data["changes"]
    assert told["ticked_at"]["before"] is None
    assert told["ticked_at"]["after"]
    assert told["ticked_by"]["before"] is None
    assert told["ticked_by"]["after"].startswith("Pat Partner")
    taken_back = AuditEntry.objects.get(action="accountpackage_unticked").data["changes"]
    assert taken_back["ticked_by"]["before"].startswith("Pat Partner")
    assert taken_back["ticked_by"]["after"] is None


def test_everybody_sees_the_catalogue_and_staff_keep_it(
    acme: Company, pat: Client, root: Client
) -> None:
    assert "WhatsApp set-up" in pat.get("/admin/accounts/package/").text
    assert pat.get("/admin/accounts/package/add/").status_code == 403
    assert root.get("/admin/accounts/package/add/").status_code == 200
