"""Does every model have an admin that opens, keeps quiet about customers, and scales?"""

from copy import deepcopy
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.admin_scope import CappedPaginator, ScopedAdmin
from accounts.models import AuditEntry, Package, PackageStep, User
from compliance.models import JurisdictionPack
from inbox.models import ConversationEvent, InboxEvent, Message, Receipt
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

FEW, MANY = 3, 30
BIG = (Message, InboxEvent, Receipt, ConversationEvent, AuditEntry)
# What we sell and the rules of countries are the same, however many accounts there are.
CATALOGUE = (JurisdictionPack, Package, PackageStep)
# What behaviour 10 keeps from partners altogether: they get counts, or nothing.
NOT_FOR_PARTNERS = {
    "accountkeyword",
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
    "legalhold",
    "providerblock",
    "remotedeletion",
    "retentionpolicy",
    "suppression",
}
ADDED_BY_STAFF = {
    "account",
    "accountpackage",
    "featuregrant",
    "invitation",
    "license",
    "licensepool",
    "membership",
    "package",
    "packagestep",
    "partner",
    "sender",
    "team",
    "teaminbox",
    "twilioaccount",
    "user",
}
every_model = pytest.mark.parametrize("model", our_models(), ids=lambda model: model.__name__)


@pytest.fixture(scope="module")
def made(db_of_file: None) -> Company:
    """The account as it was made, which no test may touch."""
    return make_company("Acme", "Northwind")


@pytest.fixture
def acme(made: Company, db: None) -> Company:
    return deepcopy(made)


@pytest.fixture
def rita(db: None) -> User:
    return make_staff()


@pytest.fixture
def staff(rita: User) -> Client:
    return browser_of(rita)


@pytest.fixture
def staff_inside(acme: Company, rita: User, staff: Client) -> Client:
    """Staff who are in the account for support: what they may do at most."""
    enter_for_support(acme, rita)
    return staff


@pytest.fixture
def partner(acme: Company) -> Client:
    return browser_of(make_partner_user(acme.partner))


def test_there_are_models_to_look_at() -> None:
    assert len(our_models()) > 25


@every_model
def test_a_model_is_registered_and_scoped(model: type[Model]) -> None:
    assert isinstance(admin.site.get_model_admin(model), ScopedAdmin)


@every_model
def test_pages_open_for_staff_and_sing_no_canary(
    acme: Company, staff_inside: Client, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None, "the world has no row of it"
    name = model._meta.model_name

    pages = {
        "list": staff_inside.get(admin_url(model, "list")),
        "search": staff_inside.get(admin_url(model, "list"), {"q": "5550001"}),
        "add": staff_inside.get(admin_url(model, "add")),
        "change": staff_inside.get(admin_url(model, "change", row.pk)),
        "history": staff_inside.get(admin_url(model, "history", row.pk)),
        "delete": staff_inside.get(admin_url(model, "delete", row.pk)),
    }

    is_added = name in ADDED_BY_STAFF
    assert pages["list"].context["cl"].result_count > 0
    for page in ("list", "search", "change", "history"):
        assert pages[page].status_code == 200, page
    assert pages["add"].status_code == (200 if is_added else 403)
    assert pages["delete"].status_code in ((200, 403) if is_added else (403,))
    for page, answer in pages.items():
        assert sings(answer.content) == [], page


@every_model
def test_pages_open_for_the_partner_and_sing_no_canary(
    acme: Company, partner: Client, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    name = model._meta.model_name

    listed = partner.get(admin_url(model, "list"))
    shown = partner.get(admin_url(model, "change", row.pk))
    history = partner.get(admin_url(model, "history", row.pk))

    if name in NOT_FOR_PARTNERS:
        assert listed.status_code == (200 if name == "consent" else 403)
        assert shown.status_code == history.status_code == 403
    elif name == "auditentry":  # Only their own lines.
        assert listed.status_code == 200
        assert shown.status_code == 302
    else:
        assert [listed.status_code, shown.status_code, history.status_code] == [200, 200, 200]
    for answer in (listed, shown, history):
        assert sings(answer.content) == []


@every_model
def test_facts_cannot_be_written(acme: Company, staff_inside: Client, model: type[Model]) -> None:
    if model._meta.model_name in ADDED_BY_STAFF:
        pytest.skip("this one is set up by people")
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())

    tries = {
        admin_url(model, "add"): {"account": acme.account.pk},
        admin_url(model, "change", row.pk): {"state": "x"},
        admin_url(model, "delete", row.pk): {"post": "yes"},
    }
    for url, sent in tries.items():
        assert staff_inside.post(url, sent).status_code == 403, url
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    staff_inside.post(admin_url(model, "list"), data)

    # A look at a list is a line of its own in the log.
    after = list(model._default_manager.order_by("pk").values())
    assert after[: len(before)] == before
    assert len(after) == len(before) or model is AuditEntry


def test_agents_have_no_admin(acme: Company) -> None:
    client = browser_of(acme.alice)

    # Not even somebody who was given the flag by mistake: the role opens it.
    for is_staff in (False, True):
        User.objects.filter(pk=acme.alice.pk).update(is_staff=is_staff)
        assert client.get("/admin/").status_code == 302
        for model in our_models():
            assert client.get(admin_url(model, "list")).status_code == 302


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.slow
def test_a_list_costs_the_same_for_few_rows_and_for_many(
    acme: Company, rita: User, staff: Client, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    enter_for_support(acme, rita)
    for n in range(2, FEW + 1):
        make_company(f"Company {n}", f"Partner {n}", n=n)
    growing = [model for model in our_models() if model not in CATALOGUE]
    lists = {model: admin_url(model, "list") for model in growing}
    few = {model: queries_of(staff, path) for model, path in lists.items()}
    for n in range(FEW + 1, MANY + 1):
        make_company(f"Company {n}", f"Partner {n}", n=n)

    grown = {}
    for model, path in lists.items():
        assert model._default_manager.count() >= MANY
        many = queries_of(staff, path)
        if len(many) > len(few[model]) or len(many) > 12:
            grown[model.__name__] = (len(few[model]), many)

    assert grown == {}


@pytest.mark.parametrize("model", BIG, ids=lambda model: model.__name__)
def test_a_big_table_is_never_counted(acme: Company, staff: Client, model: type[Model]) -> None:
    table = model._meta.db_table
    site = admin.site.get_model_admin(model)

    asked = [sql for sql in queries_of(staff, admin_url(model, "list")) if table in sql]

    counts = [sql for sql in asked if "COUNT(" in sql]
    assert counts
    assert all(f"LIMIT {CappedPaginator.cap}" in sql for sql in counts)
    assert site.date_hierarchy is None
    assert site.show_full_result_count is False
