"""Can an account's admin say who outside is asked, try it, and does no secret ever come out?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Feature, FeatureGrant, User
from inbox.lookups.asking import LEFT_ALONE, Subject, ask
from inbox.models import Contact, CrmAnswer
from inbox.setup.lookups import users_of_lookups
from routing.crm_fields import Field
from routing.facts import Customer, Directory
from routing.lint import Known
from routing.lookups import Wanted, add_connector, add_data_action
from routing.models import CrmConnector, CrmTable, DataAction, EscalationPolicy
from routing.rulebooks import make_rulebook, publish, save_draft
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_user
from tests.outside import outside, says
from tests.twilio import text_in

HERE = "/settings/look-ups/"
TOKEN = "tok-5ec2e7-of-the-crm"
MARIA = "+14155550100"


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets hosts of this machine be asked; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


@pytest.fixture
def admin(ada: User, login: Any) -> Client:
    browser: Client = login(ada)
    return browser


@pytest.fixture
def other(login: Any) -> Client:
    account = make_account("Umbrella")
    browser: Client = login(make_user(account, "Otto", works_as=User.Role.ACCOUNT_ADMIN))
    return browser


def code_of(house: House, url: str = "https://code.example.com/") -> DataAction:
    return add_data_action(
        account=house.account, name="Code", url=url, by=house.sue, now=timezone.now()
    )[0]


def crm_of(house: House, url: str, **more: Any) -> CrmConnector:
    given = {
        "kind": "json",
        "fields": (Field("tier", "tier"),),
        "url": url + "/{{contact.number}}",
        "headers": {"Authorization": "Bearer {{secret.token}}"},
        "new_secrets": {"token": TOKEN},
    }
    return add_connector(
        account=house.account,
        wanted=Wanted("CRM", **{**given, **more}),
        by=house.sue,
        now=timezone.now(),
    )


def rule_that_names(house: House, name: str, by: User) -> None:
    now = timezone.now()
    rulebook = make_rulebook(account=house.account, name="House rules", by=by, now=now)
    condition = {"fact": "crm", "name": f"{name}.tier", "test": "equals", "value": "gold"}
    rule = {"id": "r1", "name": "Gold first", "if": {"all": [condition]}, "then": {"tags": ["g"]}}
    save_draft(rulebook=rulebook, document={"rules": [rule]}, seen=1, by=by, now=now)
    known = Known(lookups=frozenset({name}))
    deed: dict[str, Any] = {"directory": Directory(), "known": known, "by": by, "now": now}
    publish(rulebook=rulebook, seen=2, note="", is_sure=True, **deed)


def audited() -> str:
    return json.dumps(list(AuditEntry.objects.values_list("action", "subject", "data")))


# --- Data Actions ---


def test_a_secret_is_shown_once_and_never_again(house: House, admin: Client) -> None:
    made = admin.post(
        f"{HERE}data-actions/new/", {"name": "Ours", "url": "https://code.example.com/x"}
    )
    row = DataAction.objects.get()
    pages = [admin.get(path).text for path in (HERE, f"{HERE}data-actions/{row.pk}/")]

    assert row.secret in made.text
    assert "no-store" in made.headers["Cache-Control"]
    for page in (*pages, admin.get("/settings/audit/").text, audited()):
        assert row.secret not in page
        assert "whsec_" not in page


def test_a_secret_is_changed_in_two_steps(house: House, admin: Client) -> None:
    row = code_of(house)
    place, old = f"{HERE}data-actions/{row.pk}/", row.secret

    begun = admin.post(place, {"do": "begin", "version": "1"})
    row.refresh_from_db()
    assert row.secret_next in begun.text
    assert old not in begun.text
    assert row.signing_secrets() == (row.secret_next, old)
    new = row.secret_next

    assert admin.post(place, {"do": "end", "version": "2"}).status_code == 302
    row.refresh_from_db()
    assert row.signing_secrets() == (new,)
    assert new not in admin.get(place).text + audited()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "", "url": "https://x.io"}, "Give it a name."),
        ({"name": "a.b", "url": "https://x.io"}, "without dots"),
        ({"name": "A", "url": ""}, "Write the address of your code."),
        ({"name": "A", "url": "ftp://x.io"}, "must begin with https://"),
        ({"name": "A", "url": "https://u:p@x.io"}, "must be fixed"),
        ({"name": "A", "url": "https://x.io/{{contact.number}}"}, "is always the same"),
        ({"name": "code", "url": "https://x.io"}, "a look-up of this name already"),
    ],
)
def test_what_is_no_data_action_is_refused_and_stays_typed(
    house: House, admin: Client, data: dict[str, str], words: str
) -> None:
    code_of(house)

    answer = admin.post(f"{HERE}data-actions/new/", data)

    assert words in answer.text
    assert f'value="{data["url"]}"' in answer.text or not data["url"]
    assert DataAction.objects.count() == 1


def test_of_two_who_change_a_data_action_the_second_is_told(house: House, admin: Client) -> None:
    row = code_of(house)
    place = f"{HERE}data-actions/{row.pk}/"
    admin.post(place, {"name": "Theirs", "url": row.url, "version": "1"})

    late = admin.post(place, {"name": "Mine", "url": row.url, "version": "1"})
    assert "Somebody else changed this meanwhile" in late.text
    assert "Theirs" in late.text
    assert 'value="Mine"' in late.text
    assert admin.post(place, {"name": "Mine", "url": row.url, "version": "2"}).status_code == 302
    row.refresh_from_db()
    assert row.name == "Mine"


def test_what_rules_name_is_neither_deleted_nor_called_otherwise(
    house: House, admin: Client, ada: User
) -> None:
    row = crm_of(house, "https://crm.example.com")
    rule_that_names(house, "CRM", ada)
    words = "the published rule “Gold first” (House rules) asks it"

    shown = admin.get(f"{HERE}connectors/{row.pk}/delete/").text
    refused = admin.post(f"{HERE}connectors/{row.pk}/delete/", follow=True).text
    renamed = admin.post(f"{HERE}connectors/{row.pk}/", {"name": "Other", "version": "1"}).text

    assert words in shown
    assert words in refused
    assert "The published rule “Gold first” (House rules) asks it." in admin.get(HERE).text
    assert CrmConnector.objects.filter(name="CRM").exists()
    assert "Not saved" in renamed


def test_policies_and_texts_name_look_ups_too(house: House) -> None:
    code_of(house)
    EscalationPolicy.objects.create(
        account=house.account,
        name="Fast",
        document={"steps": [{"data_action": "code"}]},
        created_at=LONG_AGO,
        changed_at=LONG_AGO,
    )
    house.inbox.replies = {"first": {"texts": {"en": "Dear {{ crm.Our CRM.tier|valued }} guest"}}}
    house.inbox.save(update_fields=["replies"])

    found = users_of_lookups(house.account)

    assert found == {
        "code": ("the escalation policy “Fast” asks it",),
        "our crm": ("an automatic reply of Support uses it",),
    }


def test_a_look_up_is_switched_off_and_deleted(house: House, admin: Client) -> None:
    row = code_of(house)
    place = f"{HERE}data-actions/{row.pk}/"

    admin.post(f"{place}switch/", {"on": "0", "version": "1"})
    assert not DataAction.objects.get().is_on
    late = admin.post(f"{place}switch/", {"on": "1", "version": "1"}, follow=True)
    assert "Somebody else changed this meanwhile" in late.text
    assert "Nothing that holds names it" in admin.get(f"{place}delete/").text
    admin.post(f"{place}delete/")
    assert not DataAction.objects.exists()
    assert {"data_action_switched_off", "data_action_deleted"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )


# --- Connectors ---


def form(**more: str) -> dict[str, str]:
    return {
        "name": "Our CRM",
        "url": "https://crm.example.com/?phone={{contact.number}}",
        "method": "GET",
        "cache_minutes": "5",
        "is_on": "on",
        "header-0-name": "Authorization",
        "header-0-value": "Bearer {{secret.token}}",
        "secret-0-name": "token",
        "secret-0-value": TOKEN,
        "field-0-name": "tier",
        "field-0-path": "results[0].tier",
        "field-0-kind": "text",
        **more,
    }


def test_a_connector_is_made_row_by_row_without_javascript(admin: Client) -> None:
    place = f"{HERE}connectors/new/json/"
    start = {name: value for name, value in form().items() if name[:6] not in ("header", "secret")}

    more = admin.post(place, {**start, "do": "add-header"}).text
    assert 'name="header-0-name"' in more
    assert "results[0].tier" in more
    with_fact = admin.post(place, {**form(), "do": "add-field"}).text
    assert 'name="field-1-path"' in with_fact
    assert 'id="id_field-1-name"' in with_fact
    assert TOKEN not in with_fact
    assert "Type it again" in with_fact
    fewer = admin.post(place, {**form(), "do": "remove-header-0"}).text
    assert "header-0-name" not in fewer
    assert not CrmConnector.objects.exists()

    assert admin.post(place, {**form(), "do": "save"}).status_code == 302
    row = CrmConnector.objects.get()
    assert (row.cache_minutes, row.is_on, row.secret_values()) == (5, True, {"token": TOKEN})


def test_secrets_of_a_connector_never_come_out(house: House, admin: Client) -> None:
    admin.post(f"{HERE}connectors/new/json/", form())
    row = CrmConnector.objects.get()
    place = f"{HERE}connectors/{row.pk}/"

    for page in (place, HERE, f"{place}try/", f"{place}delete/", "/settings/audit/"):
        assert TOKEN not in admin.get(page).text, page
    wrong = admin.post(place, form(**{"secret-0-value": "tok-new", "name": "", "version": "1"}))
    assert "tok-new" not in wrong.text
    assert "It is set. Empty: it stays." in admin.get(place).text
    # A blank one stays, one whose line is removed goes.
    admin.post(place, form(**{"secret-0-value": "", "version": "1"}))
    row.refresh_from_db()
    assert row.secret_values() == {"token": TOKEN}
    gone = {n: v for n, v in form(version="2").items() if n[:6] not in ("secret", "header")}
    admin.post(place, gone)
    row.refresh_from_db()
    assert (row.secret_values(), row.headers) == ({}, {})
    assert TOKEN not in audited()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"url": "http:/x"}, "must begin with https://"),
        ({"url": "https://x.io/{{contact.shoe}}"}, "is not known"),
        ({"cache_minutes": "soon"}, "Write a number of minutes"),
        ({"cache_minutes": "9999"}, "up to a day"),
        ({"body": "{"}, "The body must be JSON."),
        ({"header-0-value": "Bearer hunter2"}, "is a secret: write"),
        ({"secret-0-value": ""}, "is not set"),
        ({"field-0-path": "..x"}, "is no path"),
        ({"field-0-kind": "shoe"}, "Choose what kind of fact"),
        ({"field-0-name": "Tier!"}, "is no name of a fact"),
    ],
)
def test_mistakes_in_a_connector_are_told_and_nothing_typed_is_lost(
    admin: Client, more: dict[str, str], words: str
) -> None:
    answer = admin.post(f"{HERE}connectors/new/json/", form(**more))

    assert words in answer.text
    assert "Not saved:" in answer.text
    for value in ("results[0].tier", "Authorization"):
        assert value in answer.text or value not in str(form(**more))
    assert not CrmConnector.objects.exists()


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_hubspot_and_salesforce_need_a_token_and_names(admin: Client, kind: str) -> None:
    place = f"{HERE}connectors/new/{kind}/"
    url = "" if kind == "hubspot" else "https://acme.my.salesforce.com/"
    data = form(url=url, **{"field-0-path": "Tier__c"})

    assert "Access token" in admin.get(place).text
    assert admin.post(place, data).status_code == 302
    row = CrmConnector.objects.get()
    assert (row.kind, row.url, row.headers) == (kind, url.rstrip("/"), {})
    assert row.definition().headers == {"Authorization": "Bearer {{secret.token}}"}
    page = admin.get(f"{HERE}connectors/{row.pk}/").text
    assert TOKEN not in page
    assert "Tier__c" in page


def test_of_two_who_change_a_connector_the_second_sees_what_the_first_did(
    house: House, admin: Client
) -> None:
    row = crm_of(house, "https://crm.example.com")
    place = f"{HERE}connectors/{row.pk}/"
    admin.post(place, form(version="1", cache_minutes="30", name="CRM"))

    late = admin.post(place, form(version="1", cache_minutes="7", name="CRM"))

    assert "Somebody else changed this meanwhile" in late.text
    assert '<strong dir="auto">30</strong>' in late.text
    assert 'value="7"' in late.text
    assert 'name="version" value="2"' in late.text
    assert admin.post(place, form(version="2", cache_minutes="7", name="CRM")).status_code == 302


def test_unknown_kinds_and_whats_are_not_there(admin: Client) -> None:
    assert admin.get(f"{HERE}connectors/new/ftp/").status_code == 404
    assert admin.get(f"{HERE}things/1/try/").status_code == 404


# --- How they are ---


def test_the_list_says_how_each_look_up_is(house: House, admin: Client) -> None:
    now = timezone.now()
    subject = Subject(
        Contact.objects.create(account=house.account), Customer(number="+14155550100")
    )
    with outside(says(b"no json", 500)) as host:
        row = crm_of(house, host.url)
        for _ in range(6):
            found = ask(["CRM"], account_id=house.account.pk, subject=subject, now=now)
    assert found["CRM"].answer.failure == LEFT_ALONE
    row.refresh_from_db()
    assert (row.failures, row.failed_at, row.failure) == (
        5,
        now,
        "It answered with an error (500).",
    )
    page = admin.get(HERE).text
    for words in ("5 failures in a row", "answered with an error (500)", "Left alone until"):
        assert words in page, words

    with outside(says(b'{"tier": "gold"}')) as host:
        CrmConnector.objects.update(url=host.url + "/{{contact.number}}", version=2)
        ask(["CRM"], account_id=house.account.pk, subject=subject, now=now)
    row.refresh_from_db()
    assert (row.failures, row.failure, row.answered_at) == (0, "", now)
    page = admin.get(HERE).text
    assert "Last answer:" in page
    assert "Left alone" not in page


def test_the_list_asks_little_however_many_there_are(
    house: House, admin: Client, ada: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        code = {"account": house.account, "created_at": LONG_AGO, "changed_at": LONG_AGO}
        DataAction.objects.create(name=f"c{number}", url="https://x.io/", secret="s", **code)
        CrmTable.objects.create(name=f"t{number}", columns=["a"], **code)
    rule_that_names(house, "c1", ada)

    with django_assert_max_num_queries(16):
        assert "c11" in admin.get(HERE).text


def test_while_custom_routing_is_off_the_page_says_so(house: House, admin: Client) -> None:
    words = "Custom routing is off for your account"
    assert words in admin.get(HERE).text
    FeatureGrant.objects.create(
        account=house.account, feature=Feature.CUSTOM_ROUTING, starts_at=LONG_AGO
    )
    assert words not in admin.get(HERE).text


# --- Trying ---


@pytest.fixture
def crm_host() -> Iterator[Any]:
    with outside(says(b'{"tier": "gold", "since": "long ago"}')) as host:
        yield host


def test_a_crm_is_really_asked_and_all_of_it_is_shown_but_secrets(
    house: House, admin: Client, crm_host: Any
) -> None:
    fields = (Field("tier", "tier"), Field("since", "since", "date"))  # type: ignore[arg-type]
    row = crm_of(house, crm_host.url, fields=fields, is_on=False)
    place = f"{HERE}connectors/{row.pk}/try/"

    page = admin.post(place, {"number": "(415) 555-0100"}).text
    admin.post(place, {"number": MARIA})

    assert len(crm_host.asked) == 2
    assert crm_host.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    for words in (
        "a made-up customer with the number +14155550100",
        f"{crm_host.url}/%2B14155550100",
        "Authorization: Bearer {{secret.token}}",
        "gold",
        "since is no date",
        "It took",
    ):
        assert words in page, words
    assert TOKEN not in page
    assert not CrmAnswer.objects.exists()
    assert AuditEntry.objects.filter(action="look_up_tried", subject="CRM").count() == 2
    assert "4155550100" not in audited()


def test_it_says_in_words_why_nothing_came(house: House, admin: Client, settings: Any) -> None:
    settings.LOOKUP_INTERNAL_HOSTS = []
    row = crm_of(house, "https://127.0.0.1")
    place = f"{HERE}connectors/{row.pk}/try/"

    assert "The address is not on the public internet." in admin.post(place, {"number": MARIA}).text
    assert "Write a phone number" in admin.post(place, {"number": "none"}).text
    needs_name = crm_of_name(house)
    answer = admin.post(f"{HERE}connectors/{needs_name.pk}/try/", {"number": MARIA}).text
    assert "The contact’s name is not known." in answer
    assert "Nothing was sent." in answer


def crm_of_name(house: House) -> CrmConnector:
    wanted = Wanted(
        "By name", "json", (Field("tier", "tier"),), url="https://x.io/{{contact.name}}"
    )
    return add_connector(account=house.account, wanted=wanted, by=house.sue, now=timezone.now())


def test_a_contact_is_used_only_by_who_may_read_of_them(
    house: House, client: Client, admin: Client, ada: User, login: Any, crm_host: Any
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello", ProfileName="Zoe Secret")
    assert message.conversation is not None
    row = crm_of(house, crm_host.url)
    place = f"{HERE}connectors/{row.pk}/try/"

    assert "Zoe Secret" not in admin.post(place, {"number": MARIA}).text
    boss = make_user(house.account, "Boss", works_as=User.Role.ACCOUNT_ADMIN, team=house.inbox.team)
    assert "Zoe Secret" in login(boss).post(place, {"number": MARIA}).text
    [kept] = CrmAnswer.objects.all()
    assert kept.contact_id == message.conversation.contact_id


def test_a_data_action_is_told_a_sample_message(house: House, admin: Client) -> None:
    answer = {
        "assign": {"users": [house.alice.email, "nobody@example.com"], "teams": ["Support"]},
        "tags": ["order"],
        "attributes": {"tier": "gold"},
        "shoe": 42,
    }
    with outside(says(json.dumps(answer).encode())) as host:
        row = code_of(house, host.url)
        place = f"{HERE}data-actions/{row.pk}/try/"
        assert "Hello, where is my order?" in admin.get(place).text
        data = {"number": MARIA, "text": "Is it blue?", "inbox": str(house.inbox.pk)}
        page = admin.post(place, {**data, "name": "Zoë"}).text
        told = json.loads(host.asked[0].body)

    assert told["message"]["text"] == "Is it blue?"
    assert told["id"].startswith("sample")
    assert told["conversation"]["id"] == told["message"]["id"] == told["contact"]["id"] == "sample"
    assert {one["email"] for one in told["members"]} >= {house.alice.email, house.bob.email}
    for words in (
        "Alice",
        "Support",
        "order",
        "attributes.tier",
        "unknown key: shoe",
        "unknown person: nobody@example.com",
        "webhook-signature: …",
        "Is it blue?",
    ):
        assert words in page, words
    assert row.secret not in page
    assert host.asked[0].headers["webhook-signature"] not in page


def test_of_an_inbox_of_others_no_sample_is_made(
    house: House, admin: Client, charlie: User
) -> None:
    row = code_of(house)
    theirs = charlie.teams.get().inbox
    data = {"number": MARIA, "text": "x", "inbox": str(theirs.pk)}

    page = admin.post(f"{HERE}data-actions/{row.pk}/try/", data).text

    assert "There is no such inbox." in page


# --- Tables ---


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("vips.csv", text.encode(), content_type="text/csv")


def key_of(page: str) -> str:
    return page.split('name="key" value="')[1].split('"')[0]


def a_table(admin: Client, text: str, name: str = "VIPs") -> CrmTable:
    place = f"{HERE}tables/new/"
    page = admin.post(place, {"name": name, "file": csv(text)}).text
    admin.post(place, {"name": name, "key": key_of(page)})
    return CrmTable.objects.get(name=name)


VIPS = "phone,tier,city\n+14155550100,gold,Wien\n(415) 555-0101,silver,Graz\nnonsense,x,y\n"


def test_a_file_is_looked_at_before_it_is_kept(admin: Client) -> None:
    page = admin.post(f"{HERE}tables/new/", {"name": "VIPs", "file": csv(VIPS)}).text

    for words in ("2 rows can be used", "Line 4:", "no phone number", "+14155550101", "Graz"):
        assert words in page, words
    assert not CrmTable.objects.exists()
    kept = admin.post(f"{HERE}tables/new/", {"name": "VIPs", "key": key_of(page)}, follow=True)
    assert "VIPs is saved." in kept.text
    assert CrmTable.objects.get().columns == ["tier", "city"]
    again = admin.post(f"{HERE}tables/new/", {"name": "Twice", "key": key_of(page)}).text
    assert "The preview is too old" in again


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "VIPs"}, "Choose a file."),
        ({"name": "", "file": VIPS}, "Give it a name."),
        ({"name": "VIPs", "file": "phone\n+1415"}, "The first line must name the columns"),
        ({"name": "VIPs", "file": "\0"}, "not a table"),
        ({"name": "VIPs", "file": "phone,tier\nx,y\n"}, "No row of this file can be used."),
        ({"name": "VIPs", "key": "forged"}, "The preview is too old"),
    ],
)
def test_what_is_no_table_is_refused_in_words(
    admin: Client, data: dict[str, str], words: str
) -> None:
    sent: dict[str, Any] = {**data, **({"file": csv(data["file"])} if "file" in data else {})}

    assert words in admin.post(f"{HERE}tables/new/", sent).text
    assert not CrmTable.objects.exists()


def test_a_preview_is_its_makers_own(admin: Client, other: Client) -> None:
    page = admin.post(f"{HERE}tables/new/", {"name": "VIPs", "file": csv(VIPS)}).text

    theirs = other.post(f"{HERE}tables/new/", {"name": "Stolen", "key": key_of(page)}).text

    assert "The preview is too old" in theirs
    assert not CrmTable.objects.exists()


def test_a_table_is_replaced_as_a_whole_and_says_what_is_lost(house: House, admin: Client) -> None:
    table = a_table(admin, VIPS)
    wanted = Wanted("VIP", "table", (Field("city", "city"),), table=table)
    add_connector(account=house.account, wanted=wanted, by=house.sue, now=timezone.now())
    place = f"{HERE}tables/{table.pk}/replace/"

    page = admin.post(place, {"file": csv("phone,tier\n+14155550102,iron\n")}).text
    assert "place of the 2 rows" in page
    assert "“VIP” reads the column “city”, which this file has not." in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    CrmTable.objects.update(changed_at=table.changed_at + timedelta(seconds=1))
    late = admin.post(place, {"key": key_of(page), "seen": seen}).text
    assert "Somebody else changed this meanwhile" in late
    assert table.rows.count() == 2
    seen = late.split('name="seen" value="')[1].split('"')[0]
    assert admin.post(place, {"key": key_of(late), "seen": seen}).status_code == 302
    assert list(table.rows.values_list("key", "values")) == [("+14155550102", {"tier": "iron"})]


def test_rows_are_paged_and_found(admin: Client) -> None:
    rows = "".join(f"+1415555{n:04d},tier{n},Zürich\n" for n in range(120))
    table = a_table(admin, f"phone,tier,city\n{rows}")
    place = f"{HERE}tables/{table.pk}/"

    first = admin.get(place).text
    assert "120 rows" in first
    assert "tier49" in first
    assert "tier50" not in first
    second = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "tier99" in admin.get(second).text
    for words, wanted in (("555-0007", "tier7"), ("TIER77", "tier77"), ("zürich", "tier0")):
        assert wanted in admin.get(place, {"q": words}).text
    for words in ("city", "nothing like it", "%"):
        assert "No row is like that." in admin.get(place, {"q": words}).text


def test_a_table_that_is_used_is_not_deleted(house: House, admin: Client) -> None:
    table = a_table(admin, VIPS)
    wanted = Wanted("VIP", "table", (Field("city", "city"),), table=table)
    row = add_connector(account=house.account, wanted=wanted, by=house.sue, now=timezone.now())
    place = f"{HERE}tables/{table.pk}/delete/"

    assert "these look-ups use it: VIP" in admin.get(place).text
    assert "delete these look-ups first" in admin.post(place, follow=True).text
    row.delete()
    admin.post(place)
    assert not CrmTable.objects.exists()
    assert AuditEntry.objects.filter(action="crm_table_deleted").exists()


def test_a_look_up_of_a_table_begins_with_its_columns(admin: Client) -> None:
    table = a_table(admin, "phone,Tier 1,2nd\n+14155550100,gold,x\n")

    page = admin.get(f"{HERE}connectors/new/table/?table={table.pk}").text
    assert 'value="tier_1"' in page
    assert 'value="f_2nd"' in page
    data = {
        "name": "VIP",
        "table": str(table.pk),
        "field-0-name": "tier",
        "field-0-path": "Tier 1",
        "field-0-kind": "text",
        "is_on": "on",
    }
    admin.post(f"{HERE}connectors/new/table/", data)
    row = CrmConnector.objects.get()
    tried = admin.post(f"{HERE}connectors/{row.pk}/try/", {"number": MARIA}).text
    assert "gold" in tried
    assert "nobody else was asked" in tried


def test_others_tables_are_not_offered(house: House, admin: Client, other: Client) -> None:
    table = a_table(admin, VIPS)
    data = {"name": "Theirs", "table": str(table.pk), "field-0-name": "tier"}
    data |= {"field-0-path": "tier", "field-0-kind": "text"}

    assert "VIPs" not in other.get(f"{HERE}connectors/new/table/?table={table.pk}").text
    assert "Choose one of your tables." in other.post(f"{HERE}connectors/new/table/", data).text
