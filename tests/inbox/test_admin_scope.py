"""Does a partner see their own accounts' rows in the admin, and nothing that anybody else has?"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.test import Client

from accounts.models import (
    Account,
    AuditEntry,
    FeatureGrant,
    LicensePool,
    Membership,
    Team,
    TwilioAccount,
    User,
)
from inbox.models import (
    ContactAddress,
    Conversation,
    Draft,
    Message,
    Participant,
    ReadCursor,
    Receipt,
    Sender,
    TeamInbox,
)
from tests.admin_world import (
    Company,
    admin_url,
    browser_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
    our_models,
    sings,
)

# Partners get counts or their own lines, and everybody the catalogue: tested elsewhere.
OTHERWISE = {
    "accountkeyword",
    "auditentry",
    "browsersession",
    "pushsubscription",
    "consent",
    "consentchain",
    "consentdetails",
    "webevidence",
    "consentevent",
    "consentkey",
    "consentcomparison",
    "consentdifference",
    "consentimport",
    "consentimportline",
    "consentsharing",
    "reassignmentcheck",
    "reassignmentpolicy",
    "sharedconsent",
    "consentquestion",
    "toldconsent",
    "optinapproval",
    "consentreview",
    "erasure",
    "forgettingcertificate",
    "gatedecision",
    "jurisdictionpack",
    "legalhold",
    "package",
    "packagestep",
    "providerblock",
    "remotedeletion",
    "retentionpolicy",
    "suppression",
}
SCOPED = [model for model in our_models() if model._meta.model_name not in OTHERWISE]
every_model = pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
EDITED = [
    Account,
    Membership,
    Sender,
    Team,
    TeamInbox,
    TwilioAccount,
    User,
]


@dataclass
class World:
    """Acme, Umbrella, and Pat."""

    ours: Company
    theirs: Company
    pat: User


@pytest.fixture(scope="module")
def made(db_of_file: None) -> World:
    """What was made for all tests, and which none may touch."""
    ours = make_company("Acme", "Northwind", n=1)
    theirs = make_company("Umbrella", "Southridge", n=2)
    pat = make_partner_user(ours.partner)
    enter_for_support(ours, pat)
    return World(ours, theirs, pat)


@pytest.fixture
def ours(made: World, db: None) -> Company:
    return deepcopy(made.ours)


@pytest.fixture
def theirs(made: World, db: None) -> Company:
    return deepcopy(made.theirs)


@pytest.fixture
def pat(made: World, db: None) -> Client:
    """Pat works for the partner of Acme, not for that of Umbrella, and is in Acme for support."""
    return browser_of(deepcopy(made.pat))


def rows_of(model: type[Model], company: Company) -> set[Any]:
    """Return the keys of an account's rows, by the database and not by the admin."""
    name = model._meta.model_name
    if name == "partner":
        return {company.partner.pk}
    if name == "account":
        return {company.account.pk}
    path = getattr(admin.site.get_model_admin(model), "account_path")  # noqa: B009
    rows = model._default_manager.filter(**{path: company.account})
    return set(rows.values_list("pk", flat=True))


@every_model
def test_lists_hold_own_rows_only(
    ours: Company, theirs: Company, pat: Client, model: type[Model]
) -> None:
    answer = pat.get(admin_url(model, "list"))

    listed = set(answer.context["cl"].queryset.values_list("pk", flat=True))
    assert rows_of(model, theirs)
    assert listed == rows_of(model, ours)
    assert "Umbrella" not in answer.content.decode()


@every_model
def test_search_finds_own_rows_only(
    ours: Company, theirs: Company, pat: Client, model: type[Model]
) -> None:
    for words in ("Umbrella", theirs.sender.address, theirs.alice.email):
        answer = pat.get(admin_url(model, "list"), {"q": words})
        listed = set(answer.context["cl"].queryset.values_list("pk", flat=True))
        assert listed.isdisjoint(rows_of(model, theirs))


@pytest.mark.parametrize(
    "model", [Participant, ReadCursor, Draft], ids=lambda model: model.__name__
)
def test_a_conversation_or_a_person_finds_what_the_two_have_to_do_with_each_other(
    ours: Company, pat: Client, model: type[Model]
) -> None:
    conversation = Conversation.objects.get(account=ours.account).public_id
    own = set(model._default_manager.filter(conversation__account=ours.account))
    alices = {row for row in own if row.user_id == ours.alice.pk}  # type: ignore[attr-defined]

    def found(words: str) -> set[Any]:
        return set(pat.get(admin_url(model, "list"), {"q": words}).context["cl"].result_list)

    assert alices
    assert found(conversation) == own
    assert found(ours.alice.email) == found(f"{conversation}  {ours.alice.email}") == alices
    assert found(f"{conversation} nobody@example.com") == found("nothing") == set()


@every_model
def test_pages_of_others_are_as_if_absent(theirs: Company, pat: Client, model: type[Model]) -> None:
    pk = min(rows_of(model, theirs))

    for page in ("change", "history"):
        there = pat.get(admin_url(model, page, pk))
        absent = pat.get(admin_url(model, page, 999_999_999))
        assert (there.status_code, there.headers.get("Location")) == (302, "/admin/")
        assert (absent.status_code, absent.headers.get("Location")) == (302, "/admin/")


@every_model
def test_rows_of_others_cannot_be_deleted(theirs: Company, pat: Client, model: type[Model]) -> None:
    before = rows_of(model, theirs)
    pk = min(before)

    page = pat.post(admin_url(model, "delete", pk), {"post": "yes"})
    data = {"action": "delete_selected", "_selected_action": [pk], "post": "yes", "index": "0"}
    pat.post(admin_url(model, "list"), data)

    assert page.status_code in (302, 403)
    assert rows_of(model, theirs) == before


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_rows_of_others_cannot_be_changed(theirs: Company, pat: Client, model: type[Model]) -> None:
    pk = min(rows_of(model, theirs))
    before = list(model._default_manager.filter(pk=pk).values())

    answer = pat.post(admin_url(model, "change", pk), {"name": "Mine now", "is_active": ""})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/"
    assert list(model._default_manager.filter(pk=pk).values()) == before


AUTOCOMPLETED = [
    ("featuregrant", "accounts", "account", Account),
    ("membership", "accounts", "team", Team),
    ("membership", "accounts", "user", User),
    ("license", "accounts", "pool", LicensePool),
    ("sender", "inbox", "inbox", TeamInbox),
    ("sender", "inbox", "twilio_account", TwilioAccount),
    # Nothing asks for these, but the address answers whoever types it.
    ("message", "inbox", "thread", None),
    ("attachment", "inbox", "message", None),
]


@pytest.mark.parametrize(("model", "app", "field", "target"), AUTOCOMPLETED)
@pytest.mark.parametrize("term", ["", "Umbrella", "u"])
def test_autocompletion_offers_own_rows_only(
    ours: Company,
    theirs: Company,
    pat: Client,
    model: str,
    app: str,
    field: str,
    target: type[Model] | None,
    term: str,
) -> None:
    query = {"app_label": app, "model_name": model, "field_name": field, "term": term}

    found = pat.get("/admin/autocomplete/", query)

    assert "Umbrella" not in found.content.decode()
    offered = {row["id"] for row in found.json()["results"]}
    if target and not term:
        assert offered == {str(pk) for pk in rows_of(target, ours)}


@pytest.mark.parametrize(
    ("model", "field"), [("thread", "contact"), ("thread", "address"), ("conversation", "contact")]
)
@pytest.mark.parametrize("who", ["staff", "partner"])
def test_autocompletion_names_no_customer(
    ours: Company, pat: Client, model: str, field: str, who: str
) -> None:
    client = pat if who == "partner" else browser_of(make_staff())
    query = {"app_label": "inbox", "model_name": model, "field_name": field, "term": ""}

    answer = client.get("/admin/autocomplete/", query)

    assert answer.json()["results"] == []


def test_filters_offer_own_accounts_only(ours: Company, theirs: Company, pat: Client) -> None:
    own = make_company("Second", "Northwind", n=3)

    answer = pat.get(admin_url(Message, "list"))

    text = answer.content.decode()
    assert f"account__id__exact={ours.account.pk}" in text
    assert f"account__id__exact={own.account.pk}" in text
    assert f"account__id__exact={theirs.account.pk}" not in text
    answer = pat.get(admin_url(Message, "list"), {"account__id__exact": theirs.account.pk})
    assert answer.context["cl"].result_count == 0


def test_choices_of_forms_are_own_rows_only(ours: Company, theirs: Company, pat: Client) -> None:
    page = pat.get(admin_url(Account, "add")).content.decode()
    assert "Northwind" in page
    assert "Southridge" not in page

    answer = pat.post(
        admin_url(FeatureGrant, "add"),
        {
            "account": theirs.account.pk,
            "feature": "custom_routing",
            "starts_at_0": "2026-11-01",
            "starts_at_1": "00:00:00",
        },
    )
    assert "not one of the available choices" in answer.content.decode()
    answer = pat.post(
        admin_url(Sender, "add"),
        {
            "inbox": ours.inbox.pk,
            "twilio_account": theirs.sender.twilio_account_id,
            "kind": "number",
            "address": "+15550177777",
            "keyword_handler": "app",
        },
    )
    assert "not one of the available choices" in answer.content.decode()
    answer = pat.post(
        admin_url(User, "change", ours.alice.pk),
        {"name": "Alice", "role": "member", "account": theirs.account.pk, "is_active": "on"},
    )
    assert User.objects.get(pk=ours.alice.pk).account == ours.account
    # A value from the address bar is not shown either.
    prefilled = pat.get(f"{admin_url(FeatureGrant, 'add')}?account={theirs.account.pk}")
    assert "Umbrella" not in prefilled.content.decode()


def test_history_of_others_is_closed(theirs: Company, pat: Client) -> None:
    root = make_staff()
    browser_of(root).post(
        admin_url(Team, "change", theirs.inbox.team_id), {"name": "Umbrella renamed"}
    )
    assert LogEntry.objects.filter(action_flag=CHANGE).count() == 1

    answer = pat.get(admin_url(Team, "history", theirs.inbox.team_id), follow=True)

    assert "Umbrella" not in answer.content.decode()


def test_a_partner_reads_their_own_audit_lines(ours: Company, theirs: Company, pat: Client) -> None:
    pat.post(admin_url(Team, "add"), {"account": ours.account.pk, "name": "Night shift"})
    browser_of(make_staff()).post(
        admin_url(Team, "add"), {"account": ours.account.pk, "name": "Day shift"}
    )

    listed = pat.get(admin_url(AuditEntry, "list")).context["cl"].result_list

    # What they looked at, and that they came in, is theirs as well.
    assert [entry.subject for entry in listed] == ["Night shift", "Pat Partner"]
    assert AuditEntry.objects.filter(action="team_added").count() == 2


def test_a_partner_gets_consents_as_counts(ours: Company, theirs: Company, pat: Client) -> None:
    page = pat.get("/admin/compliance/consent/")

    (counted,) = page.context["counts"]
    assert counted.pop("account") == ours.account.pk
    assert counted == {
        "account__name": "Acme",
        "family": "sms",
        "state": "Opted out",
        "people": 1,
    }
    assert sings(page.content) == []
    assert "/admin/compliance/consent/" in pat.get("/admin/").content.decode()


# --- The back doors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Message, "body__icontains"),
        (Message, "body"),
        (Message, "thread__customer_address__startswith"),
        (Receipt, "form__contains"),
        (ContactAddress, "key__startswith"),
        (ContactAddress, "contact__name__startswith"),
        (User, "password__startswith"),
        (TwilioAccount, "auth_token__startswith"),
        (TeamInbox, "account__partner__name__startswith"),
        (Message, "account__users__password__startswith"),
    ],
)
def test_the_address_bar_filters_by_nothing_but_what_the_page_offers(
    ours: Company, pat: Client, model: type[Model], lookup: str
) -> None:
    for client in (pat, browser_of(make_staff())):
        assert client.get(admin_url(model, "list"), {lookup: "canary"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("inbox/message", {"status__exact": "received"}, 2),
        ("inbox/receipt", {"state__exact": "quarantined", "kind__exact": "inbound"}, 1),
        ("inbox/conversation", {"inbox__team__exact": "OURS"}, 1),
        ("accounts/license", {"pool__account__id__exact": "ACCOUNT"}, 2),
        ("accounts/featuregrant", {"starts_at__year": 2020}, 2),
        ("accounts/user", {"is_active__exact": "1"}, 2),
    ],
)
def test_the_filters_of_the_pages_themselves_work(
    ours: Company, pat: Client, path: str, query: dict[str, str], count: int
) -> None:
    keys = {"OURS": ours.inbox.pk, "ACCOUNT": ours.account.pk}
    query = {name: str(keys.get(value, value)) for name, value in query.items()}

    answer = pat.get(f"/admin/{path}/", query)

    assert answer.context["cl"].result_count == count


def test_customers_are_not_found_by_number(ours: Company, pat: Client) -> None:
    """A search that matches parts would tell a whole number, digit by digit."""
    root = browser_of(make_staff())
    for model in our_models():
        if model._meta.model_name in {"sender", "account"}:
            continue
        for client in (pat, root):
            found = client.get(admin_url(model, "list"), {"q": "1415555000"})
            if found.status_code == 200 and "cl" in (found.context or {}):
                assert found.context["cl"].result_count == 0, model
