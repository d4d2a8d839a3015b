"""Who gets what at every address of the admin?

A verdict per model, page and role, written down here and derived from nothing. A model, task or
page without one fails the test, so nobody can add one without saying who may have it. Acme is the
account that everybody is measured by; Umbrella is another partner's, and nothing may tell of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import ForeignKey, Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, SupportAccess, User
from inbox.models import Conversation
from tests.admin_world import (
    Company,
    browser_of,
    content_of,
    enter_for_support,
    make_company,
    make_partner_user,
    make_staff,
    sings,
)
from tests.factories import make_user

ROLES = (
    "staff",
    "staff_in_support",
    "partner",
    "partner_in_support",
    "other_partner",
    "admin",
    "auditor",
    "supervisor",
    "agent",
    "nobody",
)
# Who reads nothing of the admin at all: they are sent to the log-in page.
OUTSIDE = ("supervisor", "agent", "nobody")
INSIDE = tuple(role for role in ROLES if role not in OUTSIDE)

# What each role may do with the rows of a model: v(iew), a(dd), c(hange), d(elete), and its tasks.
#                       staff    partner  admin   auditor
RIGHTS: dict[str, tuple[str, str, str, str]] = {
    "accounts.account": ("vact", "vact", "vc", ""),
    "accounts.accountpackage": ("vat", "vat", "", ""),
    "accounts.apikey": ("v", "v", "v", "v"),
    "accounts.auditentry": ("v", "v", "v", "v"),
    "accounts.browsersession": ("vt", "", "", ""),
    "accounts.pushsubscription": ("v", "", "", ""),
    "accounts.invitation": ("vat", "vat", "", ""),
    "accounts.invitationteam": ("v", "v", "", ""),
    "accounts.checklistitem": ("v", "v", "", ""),
    "accounts.expirynotice": ("v", "v", "", ""),
    # Made by people, changed by tasks that say first what they set off.
    "accounts.featuregrant": ("vat", "vat", "", ""),
    "accounts.featurerequest": ("vt", "vt", "", ""),
    "accounts.grantproposal": ("vt", "vt", "", ""),
    "accounts.license": ("vat", "vat", "vat", ""),
    "accounts.licensepool": ("vadt", "vadt", "v", ""),
    "accounts.membership": ("vacdt", "vacdt", "vacdt", ""),
    "accounts.package": ("vac", "v", "", ""),
    "accounts.packagestep": ("vacd", "v", "", ""),
    "accounts.partner": ("vacd", "v", "", ""),
    "accounts.signon": ("vt", "vt", "", ""),
    "accounts.supportaccess": ("v", "v", "v", "v"),
    "accounts.team": ("vacd", "vacd", "vacd", ""),
    "accounts.twilioaccount": ("vacdt", "vacdt", "v", ""),
    "accounts.user": ("vact", "vact", "vact", ""),
    "compliance.compliancepolicy": ("v", "v", "v", "v"),
    "compliance.accountkeyword": ("", "", "v", "v"),
    "compliance.consent": ("", "", "v", "v"),
    "compliance.consentchain": ("", "", "v", "v"),
    "compliance.consentdetails": ("", "", "v", "v"),
    "compliance.webevidence": ("", "", "v", "v"),
    "compliance.consentevent": ("", "", "v", "v"),
    "compliance.consentkey": ("", "", "v", "v"),
    "compliance.gatedecision": ("", "", "v", "v"),
    "compliance.consentcomparison": ("", "", "v", "v"),
    "compliance.consentdifference": ("", "", "v", "v"),
    "compliance.consentimport": ("", "", "v", "v"),
    "compliance.consentimportline": ("", "", "v", "v"),
    "compliance.consentsharing": ("", "", "v", "v"),
    "compliance.reassignmentcheck": ("", "", "v", "v"),
    "compliance.reassignmentpolicy": ("", "", "v", "v"),
    "compliance.sharedconsent": ("", "", "v", "v"),
    "compliance.jurisdictionpack": ("v", "v", "v", "v"),
    "compliance.providerblock": ("", "", "v", "v"),
    "compliance.ruleoverride": ("v", "v", "v", "v"),
    "compliance.suppression": ("", "", "v", "v"),
    "inbox.attachment": ("v", "v", "", ""),
    "inbox.autoreplylog": ("v", "v", "", "v"),
    "inbox.onlinetime": ("v", "v", "v", ""),
    "inbox.availabilityplan": ("v", "v", "v", ""),
    "inbox.cannedreply": ("v", "v", "v", ""),
    "inbox.consentquestion": ("", "", "v", "v"),
    "inbox.toldconsent": ("", "", "v", "v"),
    "inbox.optinapproval": ("", "", "v", "v"),
    "inbox.consentreview": ("", "", "v", "v"),
    "inbox.erasure": ("", "", "v", "v"),
    "inbox.forgettingcertificate": ("", "", "v", "v"),
    "inbox.legalhold": ("", "", "v", "v"),
    "inbox.remotedeletion": ("", "", "v", "v"),
    "inbox.retentionpolicy": ("", "", "v", "v"),
    "inbox.contact": ("v", "v", "", ""),
    "inbox.contactaddress": ("v", "v", "", ""),
    "inbox.contactimport": ("v", "v", "", ""),
    "inbox.conversation": ("v", "v", "", "v"),
    "inbox.conversationevent": ("v", "v", "", "v"),
    "inbox.crmanswer": ("v", "v", "", ""),
    "inbox.draft": ("v", "v", "", ""),
    "inbox.driftfinding": ("v", "v", "v", ""),
    "inbox.escalationtimer": ("v", "v", "", "v"),
    "inbox.eventcursor": ("v", "v", "", ""),
    "inbox.eventdelivery": ("v", "v", "", ""),
    "inbox.eventwebhook": ("v", "v", "v", ""),
    "inbox.inboxcounter": ("v", "v", "", ""),
    "inbox.inboxevent": ("v", "v", "", ""),
    "inbox.mergelog": ("v", "v", "", ""),
    "inbox.message": ("v", "v", "", "v"),
    "inbox.participant": ("v", "v", "", "v"),
    "inbox.readcursor": ("v", "v", "", ""),
    "inbox.savedview": ("v", "v", "v", ""),
    "inbox.savedsearch": ("v", "v", "v", ""),
    "inbox.walllink": ("v", "v", "v", ""),
    "inbox.attention": ("v", "v", "v", ""),
    "inbox.inboxattention": ("v", "v", "v", ""),
    "inbox.receipt": ("vt", "vt", "vt", "v"),
    "inbox.reportcell": ("v", "v", "", ""),
    "inbox.reportstate": ("v", "v", "v", ""),
    "inbox.segmentprice": ("v", "v", "v", ""),
    "inbox.responsetime": ("v", "v", "", "v"),
    "inbox.routingtrace": ("v", "v", "", "v"),
    "inbox.sender": ("vt", "vt", "vct", ""),
    "inbox.teaminbox": ("vt", "vt", "vact", ""),
    "inbox.thread": ("v", "v", "", "v"),
    "inbox.whatsappstate": ("v", "v", "v", ""),
    "inbox.whatsappsync": ("v", "v", "", ""),
    "inbox.whatsapptemplate": ("v", "v", "v", ""),
    "mfa.authenticator": ("vd", "", "", ""),
    "routing.businesshours": ("v", "v", "v", ""),
    "routing.crmconnector": ("v", "v", "v", ""),
    "routing.crmrow": ("v", "v", "v", ""),
    "routing.crmtable": ("v", "v", "v", ""),
    "routing.dataaction": ("v", "v", "v", ""),
    "routing.escalationpolicy": ("v", "v", "v", ""),
    "routing.openinghours": ("v", "v", "v", ""),
    "routing.rulebook": ("v", "v", "v", ""),
    "routing.rulebookversion": ("v", "v", "v", "v"),
    "routing.ruleexample": ("v", "v", "v", ""),
    "routing.specialday": ("v", "v", "v", ""),
    "routing.turn": ("v", "v", "v", ""),
}
# What is different while staff or a partner are in the account for support (behaviour 10).
#                       staff    partner
IN_SUPPORT: dict[str, tuple[str, str]] = {
    "compliance.accountkeyword": ("v", ""),
    "compliance.consent": ("v", ""),
    "compliance.consentchain": ("v", ""),
    "compliance.consentdetails": ("v", ""),
    "compliance.webevidence": ("v", ""),
    "compliance.consentevent": ("v", ""),
    "compliance.consentkey": ("v", ""),
    "compliance.gatedecision": ("v", ""),
    "compliance.consentcomparison": ("v", ""),
    "compliance.consentdifference": ("v", ""),
    "compliance.consentimport": ("v", ""),
    "compliance.consentimportline": ("v", ""),
    "compliance.consentsharing": ("v", ""),
    "compliance.reassignmentcheck": ("v", ""),
    "compliance.reassignmentpolicy": ("v", ""),
    "compliance.sharedconsent": ("v", ""),
    "compliance.providerblock": ("v", ""),
    "compliance.suppression": ("v", ""),
    "inbox.consentquestion": ("v", ""),
    "inbox.toldconsent": ("v", ""),
    "inbox.optinapproval": ("v", ""),
    "inbox.consentreview": ("v", ""),
    "inbox.erasure": ("v", ""),
    "inbox.forgettingcertificate": ("v", ""),
    "inbox.legalhold": ("v", ""),
    "inbox.remotedeletion": ("v", ""),
    "inbox.retentionpolicy": ("v", ""),
    "inbox.sender": ("vacdt", "vacdt"),
    "inbox.teaminbox": ("vact", "vact"),
}
TASKS: dict[str, set[str]] = {
    "accounts.account": {"suspend", "resume", "enter-for-support"},
    "accounts.browsersession": {"end"},
    "accounts.invitation": {"again", "revoke"},
    "accounts.signon": {"allow-others"},
    "accounts.twilioaccount": {"promote-token", "suspend", "reactivate", "close"},
    "accounts.accountpackage": {"tick", "status"},
    "accounts.featuregrant": {"end", "move-end"},
    "accounts.featurerequest": {"accept", "decline"},
    "accounts.grantproposal": {"approve", "reject"},
    "accounts.license": {"take-away", "hand-over", "move-end"},
    "accounts.licensepool": {"change-seats"},
    "accounts.membership": {"make-observer"},
    "accounts.user": {"deactivate", "reactivate", "make-auditor"},
    "inbox.receipt": {"attach", "retry"},
    "inbox.sender": {"resume", "renew-addresses", "remove"},
    "inbox.teaminbox": {"switch-off", "switch-on"},
}
# Pages of one model only, and pages of none: the status for each of INSIDE, in their order.
SOME = dict[str, int]


def _kind(role: str) -> str:
    kind = role.removesuffix("_in_support")
    return "partner" if kind == "other_partner" else kind


def _for(*, staff: int, partner: int, account_admin: int, auditor: int) -> SOME:
    by_kind = {"staff": staff, "partner": partner, "admin": account_admin, "auditor": auditor}
    return {role: by_kind[_kind(role)] for role in INSIDE}


EXTRA: dict[str, SOME] = {
    "compliance_jurisdictionpack_compare": dict.fromkeys(INSIDE, 200),
    "compliance_jurisdictionpack_install": _for(
        staff=200, partner=403, account_admin=403, auditor=403
    ),
    "compliance_jurisdictionpack_rules": dict.fromkeys(INSIDE, 200),
    "inbox_conversation_transcript": _for(staff=403, partner=403, account_admin=403, auditor=200),
    "auth_user_password_change": _for(staff=200, partner=403, account_admin=403, auditor=403),
}
SITE: dict[str, SOME] = {
    "index": dict.fromkeys(INSIDE, 200),
    # Whoever is logged in has no need of it.
    "login": dict.fromkeys(INSIDE, 302),
    "logout": dict.fromkeys(INSIDE, 405),
    # The password of the one door there is.
    "password_change": dict.fromkeys(INSIDE, 302),
    "password_change_done": dict.fromkeys(INSIDE, 200),
    # It needs to be told what to complete: the back doors below do.
    "autocomplete": dict.fromkeys(INSIDE, 403),
    "jsi18n": dict.fromkeys(INSIDE, 200),
    "fleet": _for(staff=200, partner=200, account_admin=403, auditor=403),
    "fleet_export": _for(staff=200, partner=200, account_admin=403, auditor=403),
    # No row has an address of its own outside.
    "view_on_site": dict.fromkeys(INSIDE, 404),
}
# Which groups of models somebody finds something in.
APPS: dict[str, SOME] = {
    "accounts": dict.fromkeys(INSIDE, 200),
    "compliance": dict.fromkeys(INSIDE, 200),
    "inbox": dict.fromkeys(INSIDE, 200),
    "routing": dict.fromkeys(INSIDE, 200),
    "mfa": _for(staff=200, partner=404, account_admin=404, auditor=404),
}
PAGES = ("changelist", "add", "export", "history", "delete", "change")
# A row that other rows lean on is kept, whatever the right says; and these pages differ for one.
KEPT = {"accounts.licensepool", "accounts.partner"}
# What the platform offers to every partner, and the rules of countries, belong to no account.
CATALOGUE = {"accounts.package", "accounts.packagestep", "compliance.jurisdictionpack"}
COUNTS_ONLY = ("accounts.auditentry",)


def _rights(label: str, role: str) -> str:
    if role.endswith("_in_support") and label in IN_SUPPORT:
        return IN_SUPPORT[label][("staff", "partner").index(_kind(role))]
    staff, partner, account_admin, auditor = RIGHTS[label]
    by_kind = {"staff": staff, "partner": partner, "admin": account_admin, "auditor": auditor}
    return by_kind[_kind(role)]


def _models() -> list[type[Model]]:
    return list(admin.site._registry)


def _label(model: type[Model]) -> str:
    return model._meta.label_lower


def _url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


# --- Everything has a verdict --------------------------------------------------------------------


# Redirects of Django's own, which have no name: from old addresses, and to the one with a slash.
NAMELESS = {"<path:object_id>/", "(?P<url>.*)$"}


def _addresses() -> Iterator[tuple[str, Any]]:
    """Yield every address of the admin: its path as written, and its entry."""
    for entry in admin.site.get_urls():
        for inner in getattr(entry, "url_patterns", [entry]):
            before = "" if inner is entry else str(entry.pattern)
            yield f"{before}{inner.pattern}", inner


def _names() -> Iterator[str]:
    return (str(entry.name) for _path, entry in _addresses() if entry.name)


def test_every_address_has_a_verdict() -> None:
    known = {*SITE, *EXTRA, "app_list"}
    for label in RIGHTS:
        base = label.replace(".", "_")
        known |= {f"{base}_{page}" for page in (*PAGES, *TASKS.get(label, ()))}

    assert sorted(set(_names()) - known) == []
    assert sorted(known - set(_names())) == []
    assert sorted(map(_label, _models())) == sorted(RIGHTS)
    assert {model._meta.app_label for model in _models()} == set(APPS)
    nameless = {str(entry.pattern) for _path, entry in _addresses() if not entry.name}
    assert nameless <= NAMELESS
    assert sorted(IN_SUPPORT.keys() - RIGHTS.keys()) == []


@pytest.mark.parametrize("role", INSIDE)
def test_every_action_of_a_list_has_a_verdict(world: World, role: str) -> None:
    request = RequestFactory().get("/admin/")
    request.user = world.people[role]
    offered, written = {}, {}

    for model in _models():
        label, rights = _label(model), _rights(_label(model), role)
        tasks = TASKS.get(label, set()) if "t" in rights else set()
        written[label] = {*tasks, *({"delete_selected"} if "d" in rights else ())}
        offered[label] = set(admin.site.get_model_admin(model).get_actions(request))

    assert offered == written


# --- The world -----------------------------------------------------------------------------------


@dataclass
class World:
    """Acme and another partner's Umbrella, and everybody who would like to have a look."""

    acme: Company
    umbrella: Company
    people: dict[str, User]
    clients: dict[str, Client]

    def rows(self, model: type[Model], company: Company) -> list[Any]:
        """Return the keys of an account's rows, by the database and not by the admin."""
        label = _label(model)
        if label in CATALOGUE:
            return list(model._default_manager.order_by("pk").values_list("pk", flat=True))
        if label == "accounts.partner":
            return [company.partner.pk]
        if label == "accounts.account":
            return [company.account.pk]
        path = getattr(admin.site.get_model_admin(model), "account_path")  # noqa: B009
        rows = model._default_manager.filter(**{path: company.account}).order_by("pk")
        return list(rows.values_list("pk", flat=True))

    def tells_of(self, company: Company, content: bytes) -> list[str]:
        """Return what a page says of an account."""
        text = content.decode(errors="replace")
        signs = (
            company.account.name,
            company.partner.name,
            company.sender.address,
            company.alice.email,
            company.sender.twilio_account.account_sid,
            company.sender.path_token,
        )
        return [sign for sign in signs if sign in text]


@pytest.fixture(scope="module")
def made(db_of_file: None) -> World:
    """The world as it was made, which no test may touch."""
    acme = make_company("Acme", "Northwind", n=1)
    umbrella = make_company("Umbrella", "Southridge", n=2)
    people = {
        "staff": make_staff(),
        "staff_in_support": make_staff("stella@platform.example"),
        "partner": make_partner_user(acme.partner),
        "partner_in_support": make_partner_user(acme.partner, "pia@partner.example"),
        "other_partner": make_partner_user(umbrella.partner, "quinn@partner.example"),
        "admin": make_user(acme.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
        "auditor": make_user(acme.account, "Audrey", works_as=User.Role.AUDITOR),
        "supervisor": acme.sue,
        "agent": acme.alice,
    }
    for who in ("staff_in_support", "partner_in_support"):
        enter_for_support(acme, people[who])
    return World(acme, umbrella, people, {})


@pytest.fixture
def world(made: World, db: None) -> World:
    acme, umbrella, people = deepcopy((made.acme, made.umbrella, made.people))
    # They have only just logged in: a session that is older is written to by itself.
    clients = {who: browser_of(user) for who, user in people.items()}
    return World(acme, umbrella, people, {**clients, "nobody": Client()})


def _mine(world: World, role: str) -> tuple[Company, Company | None]:
    """Return the account a role may see, and the one whose every sign would be a leak."""
    if _kind(role) == "staff":
        return world.acme, None
    if role == "other_partner":
        return world.umbrella, world.acme
    return world.acme, world.umbrella


# --- Every page ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("role", INSIDE)
def test_every_page_of_every_model_answers_as_written(world: World, role: str) -> None:
    client = world.clients[role]
    mine, theirs = _mine(world, role)
    wrong: list[str] = []

    for model in _models():
        label, rights = _label(model), _rights(_label(model), role)
        for page, url, expected in _pages_of(world, model, rights, mine, theirs):
            answer = client.get(url)
            content = content_of(answer)
            if answer.status_code not in expected:
                wrong.append(f"{label} {page}: {answer.status_code}, not {expected}")
            if theirs and (told := world.tells_of(theirs, content)):
                wrong.append(f"{label} {page} tells {told}")
            if song := sings(content):
                wrong.append(f"{label} {page} sings {song}")

    assert wrong == []


def _pages_of(
    world: World, model: type[Model], rights: str, mine: Company, theirs: Company | None
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    label = _label(model)
    seen = (200,) if "v" in rights else (403,)
    # From outside the list of consents is a page of counts.
    listed = (200,) if label == "compliance.consent" else seen
    yield "list", _url(model, "changelist"), listed
    yield "export", _url(model, "export"), seen
    yield "add", _url(model, "add"), (200,) if "a" in rights else (403,)
    own = world.rows(model, mine)
    assert own, f"the world has no {label}"
    # Which of these lines a partner may read depends on who wrote them: tests/inbox tell.
    # A row that somebody may not see at all is as if it were not there.
    some = (*seen, 302) if label in COUNTS_ONLY or "v" not in rights else seen
    yield "change", _url(model, "change", own[0]), some
    yield "history", _url(model, "history", own[0]), some
    may_delete = ((200, 403) if label in KEPT else (200,)) if "d" in rights else (403,)
    yield "delete", _url(model, "delete", own[0]), may_delete
    for task in TASKS.get(label, ()):
        done = (200, 302) if "t" in rights else (403,)
        yield f"task {task}", f"{_url(model, task)}?ids={own[0]}", done
    if theirs is None:
        return
    # Not theirs is as if it were not there, and so is what they may not look at at all.
    absent = (302,) if "v" in rights else (302, 403)
    for foreign in [pk for pk in world.rows(model, theirs) if pk not in own][:2]:
        for page in ("change", "history", "delete"):
            yield f"foreign {page}", _url(model, page, foreign), (*absent, 403)[:3]
        for task in TASKS.get(label, ()):
            none = (302,) if "t" in rights else (403,)
            yield f"foreign {task}", f"{_url(model, task)}?ids={foreign}", none


@pytest.mark.parametrize("role", INSIDE)
def test_every_other_page_answers_as_written(world: World, role: str) -> None:
    client = world.clients[role]
    mine, theirs = _mine(world, role)
    kwargs: dict[str, list[Any]] = {
        "view_on_site": [1, mine.account.pk],
        "inbox_conversation_transcript": [Conversation.objects.get(account=mine.account).pk],
        "auth_user_password_change": [mine.alice.pk],
    }
    verdicts = {name: SITE[name][role] for name in SITE}
    verdicts |= {name: EXTRA[name][role] for name in EXTRA}
    got = {}

    for name in verdicts:
        answer = client.get(reverse(f"admin:{name}", args=kwargs.get(name, [])))
        got[name] = answer.status_code
        content = content_of(answer)
        assert not (theirs and world.tells_of(theirs, content)), name
        assert sings(content) == [], name
    for app, verdict in APPS.items():
        answer = client.get(reverse("admin:app_list", args=[app]))
        assert answer.status_code == verdict[role], app

    assert got == verdicts


@pytest.mark.slow
@pytest.mark.parametrize("role", INSIDE)
def test_nothing_is_written_without_the_right_to(world: World, role: str) -> None:
    client = world.clients[role]
    mine, _theirs = _mine(world, role)
    before = _state(world, mine)
    wrong: list[str] = []

    for model in _models():
        label, rights = _label(model), _rights(_label(model), role)
        own = world.rows(model, mine)[0]
        tries = {"add": ("a", ()), "change": ("c", (own,)), "delete": ("d", (own,))}
        paths = [
            (page, _url(model, page, *args))
            for page, (right, args) in tries.items()
            if right not in rights
        ]
        if "t" not in rights:
            paths += [(task, f"{_url(model, task)}?ids={own}") for task in TASKS.get(label, ())]
        for page, path in paths:
            answer = client.post(path, {"post": "yes", "reason": "x", "name": "Mine now"})
            # Somebody else's line of the log is as if it were not there.
            if answer.status_code != 403 and label not in COUNTS_ONLY:
                wrong.append(f"{label} {page}: {answer.status_code}")
        if "d" not in rights:
            data = {"action": "delete_selected", "_selected_action": [own], "post": "yes"}
            client.post(_url(model, "changelist"), data)

    assert wrong == []
    assert _state(world, mine) == before


@pytest.mark.parametrize("role", OUTSIDE)
def test_nobody_without_business_here_gets_past_any_address(world: World, role: str) -> None:
    client = world.clients[role]
    # Django's words for its own pages and the way out; neither tells of anybody.
    open_to_all = {"login", "logout", "jsi18n"}
    tried = 0

    for path, entry in _addresses():
        if entry.name in open_to_all:
            continue
        filled = re.sub(r"<[^>]+>|\(\?P<[^)]*\)[$]?", "1", path).replace("^", "")
        filled = re.sub(r"\\Z|[$]$", "", filled)
        for answer in (client.get(f"/admin/{filled}"), client.post(f"/admin/{filled}")):
            tried += 1
            assert answer.status_code in {302, 404}, filled
            where = answer.headers.get("Location", "/accounts/login/")
            assert where.startswith(("/accounts/login/", "/admin/login/")), f"{filled} -> {where}"

    assert tried > 500


@pytest.mark.parametrize("role", OUTSIDE)
def test_who_has_no_business_here_is_sent_to_the_log_in(world: World, role: str) -> None:
    client = world.clients[role]
    paths = [_url(model, page) for model in _models() for page in ("changelist", "add", "export")]
    paths += [reverse(f"admin:{name}") for name in SITE if name not in {"view_on_site", "login"}]

    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 302 or path.endswith("jsi18n/"), path
        assert world.tells_of(world.acme, answer.content) == [], path


# --- The back doors, one by one ------------------------------------------------------------------

BACK_DOORS = (
    "_popup=1",
    "_popup=1&_to_field=id",
    "_to_field=email",
    "q=Umbrella",
    "q=alice.of.umbrella",
    "all=",
    "o=1.-2",
    "p=99",
    "account__id__exact={account}",
    "account={account}",
    "partner__id__exact={partner}",
    "team__account__id__exact={account}",
    "pool__account__id__exact={account}",
    "inbox__account__id__exact={account}",
    "inbox__team__exact={inbox}",
    "created_at__year=2026",
    "starts_at__year=2020&starts_at__month=1",
    "id__in={account}",
    "pk={account}",
    "account__name__startswith=U",
    "e=1",
)
# The export reads the same list; these ways in are tried on it as well.
EXPORTED = ("_popup=1", "all=", "e=1", "account__name__startswith=U")
SCOPED = tuple(role for role in INSIDE if _kind(role) != "staff")


@pytest.mark.slow
@pytest.mark.parametrize("role", SCOPED)
def test_no_question_in_the_address_bar_opens_a_back_door(world: World, role: str) -> None:
    client = world.clients[role]
    _mine_, theirs = _mine(world, role)
    assert theirs is not None
    facts = {
        "account": theirs.account.pk,
        "partner": theirs.partner.pk,
        "inbox": theirs.inbox.pk,
    }
    wrong: list[str] = []

    for model in _models():
        if "v" not in _rights(_label(model), role):
            continue
        hidden = set(map(str, world.rows(model, theirs))) - set(map(str, world.rows(model, _mine_)))
        for question in BACK_DOORS:
            asked = question.format(**facts).replace("Umbrella", theirs.account.name)
            for page in ("changelist", "export") if asked in EXPORTED else ("changelist",):
                answer = client.get(f"{_url(model, page)}?{asked}")
                content = content_of(answer)
                where = f"{_label(model)} {page} {asked}"
                if answer.status_code not in {200, 302, 400}:
                    wrong.append(f"{where}: {answer.status_code}")
                told = [sign for sign in world.tells_of(theirs, content) if sign not in asked]
                if told:
                    wrong.append(f"{where} tells {told}")
                listed = (answer.context or {}).get("cl") if page == "changelist" else None
                if listed and hidden & {str(row.pk) for row in listed.result_list}:
                    wrong.append(f"{where} lists hidden rows")

    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("role", SCOPED)
def test_no_suggestion_names_anything_of_others(world: World, role: str) -> None:
    client = world.clients[role]
    _own, theirs = _mine(world, role)
    assert theirs is not None
    wrong: list[str] = []

    for model in apps.get_models():
        for field in model._meta.get_fields():
            if not isinstance(field, ForeignKey):
                continue
            for term in ("", theirs.account.name, "a"):
                answer = client.get(
                    "/admin/autocomplete/",
                    {
                        "app_label": model._meta.app_label,
                        "model_name": str(model._meta.model_name),
                        "field_name": field.name,
                        "term": term,
                    },
                )
                if answer.status_code not in {200, 403}:
                    wrong.append(f"{model.__name__}.{field.name}: {answer.status_code}")
                if told := world.tells_of(theirs, answer.content):
                    wrong.append(f"{model.__name__}.{field.name} tells {told}")

    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("role", SCOPED)
def test_no_action_reaches_guessed_rows_of_others(world: World, role: str) -> None:
    client = world.clients[role]
    _own, theirs = _mine(world, role)
    assert theirs is not None
    before = _state(world, theirs)

    for model in _models():
        foreign = world.rows(model, theirs)
        actions = ("delete_selected", *TASKS.get(_label(model), ()))
        for action in actions:
            data = {"action": action, "_selected_action": foreign, "post": "yes", "index": "0"}
            answer = client.post(_url(model, "changelist"), data, follow=True)
            assert world.tells_of(theirs, answer.content) == [], f"{model.__name__} {action}"
        ids = "&".join(f"ids={pk}" for pk in foreign)
        for task in TASKS.get(_label(model), ()):
            client.post(f"{_url(model, task)}?{ids}", {"reason": "x", "minutes": "60"})
        for pk in foreign[:1]:
            client.post(_url(model, "delete", pk), {"post": "yes"})
            client.post(_url(model, "change", pk), {"name": "Mine now", "is_active": ""})

    assert _state(world, theirs) == before


def _state(world: World, company: Company) -> list[Any]:
    # Lines of the log may be added, about those who try.
    left_out = {"accounts.auditentry", "accounts.partner"}
    return [
        _content(model, world.rows(model, company))
        for model in _models()
        if _label(model) not in left_out
    ]


def _content(model: type[Model], rows: list[Any]) -> str:
    # When somebody last did something changes by the minute, and by trying too.
    fields = [one.attname for one in model._meta.concrete_fields if one.attname != "seen_at"]
    found = model._default_manager.filter(pk__in=rows).order_by("pk")
    return repr(list(found.values(*fields)))


@pytest.mark.parametrize("role", ["partner", "partner_in_support", "other_partner", "admin"])
def test_no_form_takes_a_guessed_row_of_others(world: World, role: str) -> None:
    client = world.clients[role]
    _own, theirs = _mine(world, role)
    assert theirs is not None
    tried = 0

    for model in _models():
        if "a" not in _rights(_label(model), role):
            continue
        form = client.get(_url(model, "add")).context["adminform"].form
        choices: dict[str, Any] = {
            name: field
            for name, field in form.fields.items()
            if isinstance(field, forms.ModelChoiceField)
        }
        for name, field in choices.items():
            if _label(field.queryset.model) in CATALOGUE:
                continue
            foreign = world.rows(field.queryset.model, theirs)[0]
            count = model._default_manager.count()
            answer = client.post(_url(model, "add"), {**_filled(form), name: foreign})
            tried += 1
            assert model._default_manager.count() == count, f"{model.__name__}.{name}"
            assert name in answer.context["adminform"].form.errors, f"{model.__name__}.{name}"
            assert world.tells_of(theirs, answer.content) == []
            shown = client.get(f"{_url(model, 'add')}?{name}={foreign}")
            assert world.tells_of(theirs, shown.content) == []

    assert tried > 5


def _filled(form: Any) -> dict[str, Any]:
    return {name: _first_choice(field) for name, field in form.fields.items()}


def _first_choice(field: Any) -> Any:
    if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
        return next(iter(field.queryset.values_list("pk", flat=True)), "")
    return "x"


@pytest.mark.parametrize("role", SCOPED)
def test_the_log_of_django_s_own_shows_one_s_own_acts_only(world: World, role: str) -> None:
    theirs = _mine(world, role)[1]
    assert theirs is not None
    root = world.clients["staff"]
    root.post(_url(type(theirs.inbox.team), "change", theirs.inbox.team_id), {"name": "Secret"})
    assert LogEntry.objects.exists()

    answer = world.clients[role].get("/admin/")

    assert "Secret" not in answer.content.decode()


# --- What an auditor reads -----------------------------------------------------------------------


def _transcript(world: World, company: Company) -> str:
    pk = Conversation.objects.get(account=company.account).pk
    return reverse("admin:inbox_conversation_transcript", args=[pk])


def test_a_transcript_is_masked_until_the_auditor_says_why(world: World) -> None:
    client, url = world.clients["auditor"], _transcript(world, world.acme)

    masked = client.get(url).content
    refused = client.post(url, {"reason": "  "}).content
    client.post(url, {"reason": "Complaint 12"})
    shown = client.get(url).content.decode()

    assert sings(masked) == sings(refused) == []
    assert b"12 characters" in masked
    assert "canary words" in shown
    assert "canary name" in shown
    lines = AuditEntry.objects.filter(account=world.acme.account, subject__startswith="Conv")
    told = list(lines.order_by("pk").values_list("action", "data__is_masked", "data__reason"))
    assert told == [
        ("conversation_read", True, None),
        ("conversation_read", True, None),
        ("conversation_unmasked", None, "Complaint 12"),
        ("conversation_read", False, None),
    ]


def test_a_reason_opens_one_conversation_to_one_auditor_for_a_while(
    world: World, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now())
    url = _transcript(world, world.acme)
    colleague = make_user(world.acme.account, "Otis", works_as=User.Role.AUDITOR)
    world.clients["auditor"].post(url, {"reason": "Complaint 12"})

    assert sings(browser_of(colleague).get(url).content) == []
    assert sings(world.clients["auditor"].get(url).content) != []
    time_machine.shift(timedelta(minutes=16))
    assert sings(world.clients["auditor"].get(url).content) == []


def test_an_auditor_reads_nothing_of_another_account(world: World) -> None:
    client, url = world.clients["auditor"], _transcript(world, world.umbrella)

    assert client.get(url).status_code == 404
    assert client.post(url, {"reason": "Curious"}).status_code == 404
    assert not AuditEntry.objects.filter(action="conversation_unmasked").exists()


CONSENTS = (
    "consent",
    "consentchain",
    "consentcomparison",
    "consentdetails",
    "webevidence",
    "consentdifference",
    "consentevent",
    "consentimport",
    "consentimportline",
    "consentkey",
    "consentsharing",
    "gatedecision",
    "providerblock",
    "reassignmentcheck",
    "reassignmentpolicy",
    "sharedconsent",
    "suppression",
)


def test_staff_read_consents_of_the_account_they_are_in_and_of_no_other(world: World) -> None:
    outside, inside = world.clients["staff"], world.clients["staff_in_support"]

    for name in CONSENTS:
        model = apps.get_model("compliance", name)
        (own, *_), (foreign, *_) = world.rows(model, world.acme), world.rows(model, world.umbrella)
        listed = inside.get(_url(model, "changelist")).context["cl"].queryset
        assert {row.account_id for row in listed} == {world.acme.account.pk}
        assert inside.get(_url(model, "change", own)).status_code == 200
        assert inside.get(_url(model, "change", foreign)).status_code == 302
        assert outside.get(_url(model, "change", own)).status_code == 403
        assert outside.get(_url(model, "export")).status_code == 403
    counted = outside.get("/admin/compliance/consent/").context["counts"]
    assert {row["account__name"] for row in counted} == {"Acme", "Umbrella"}


@pytest.mark.parametrize("who", ["partner", "staff"])
def test_what_an_account_sets_up_is_changed_from_outside_only_while_in_it(
    world: World, who: str
) -> None:
    sibling = make_company("Sibling", "Northwind", n=3)
    outside, inside = world.clients[who], world.clients[f"{who}_in_support"]
    own, other = world.acme.sender, sibling.sender
    renew = "/admin/inbox/sender/renew-addresses/?ids="
    page = outside.get(_url(type(own), "change", own.pk)).content.decode()

    assert "Enter for support" in page
    assert 'name="_save"' not in page
    assert "Enter for support" not in inside.get(_url(type(own), "change", own.pk)).content.decode()
    for client, sender in ((outside, own), (inside, other)):
        client.post(f"{renew}{sender.pk}")
        data = {"is_paused": "on", "keyword_handler": "app"}
        assert client.post(_url(type(own), "change", sender.pk), data).status_code == 403
        assert client.post(_url(type(own), "delete", sender.pk)).status_code == 403
    added = {"inbox": sibling.inbox.pk, "twilio_account": other.twilio_account_id}
    shape = {"kind": "number", "address": "+15550177777", "keyword_handler": "app"}
    refused = inside.post(_url(type(own), "add"), {**added, **shape})
    assert set(refused.context["adminform"].form.errors) == {"inbox", "twilio_account"}
    inside.post(f"{renew}{own.pk}")

    token = own.path_token, other.path_token
    for sender in (own, other):
        sender.refresh_from_db()
    assert not other.is_paused
    assert (own.path_token == token[0], other.path_token == token[1]) == (False, True)


def test_being_in_for_support_adds_to_the_index_what_is_written_here(world: World) -> None:
    assert SupportAccess.objects.filter(user__email="pia@partner.example").exists()

    def models(role: str) -> set[str]:
        return _what(world.clients[role].get("/admin/").context["app_list"])

    assert models("partner") == models("partner_in_support")
    assert models("staff_in_support") - models("staff") == {
        "AccountKeyword",
        "ConsentChain",
        "ConsentComparison",
        "ConsentDetails",
        "WebEvidence",
        "ConsentDifference",
        "ConsentEvent",
        "ConsentImport",
        "ConsentImportLine",
        "ConsentKey",
        "ConsentQuestion",
        "ConsentReview",
        "ConsentSharing",
        "Erasure",
        "ForgettingCertificate",
        "GateDecision",
        "LegalHold",
        "OptInApproval",
        "ProviderBlock",
        "ReassignmentCheck",
        "ReassignmentPolicy",
        "SharedConsent",
        "RemoteDeletion",
        "RetentionPolicy",
        "Suppression",
        "ToldConsent",
    }


def _what(app_list: Iterable[dict[str, Any]]) -> set[str]:
    return {model["object_name"] for app in app_list for model in app["models"]}
