"""Does a company's own log-in let in its people of this very account, and nobody else?"""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import outside
from accounts import sign_on as stories
from accounts.models import Account, AuditEntry, SignOn, User
from accounts.outside import is_public
from accounts.sign_on import SignOnError, check_reachable, sign_ons_for
from inbox.setup.invitations import Asked, invite, send_owed
from tests.conftest import House
from tests.factories import PASSWORD, make_account, make_user
from tests.issuer import CLIENT_ID, CLIENT_SECRET, Issuer, running_issuer

Login = Callable[[User], Client]
SETTINGS = "/settings/log-in/"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def ada(house: House) -> User:
    return make_user(
        house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, email="ada@acme.example"
    )


@pytest.fixture
def ivy(house: House) -> User:
    return make_user(house.account, "Ivy", email="ivy@acme.example")


def form(issuer: Issuer, /, **fields: Any) -> dict[str, Any]:
    return {
        "issuer": issuer.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "domains": "acme.example",
        "is_on": "on",
        "version": "0",
        **fields,
    }


@pytest.fixture
def sign_on(house: House, issuer: Issuer) -> SignOn:
    return SignOn.objects.create(
        account=house.account,
        issuer=issuer.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        domains=["acme.example"],
    )


def claims_of(user: User, **more: Any) -> dict[str, Any]:
    return {"sub": f"subject-{user.pk}", "email": user.email, "email_verified": True, **more}


def come(issuer: Issuer, account: Account, browser: Client | None = None) -> Client:
    """Sign in as a browser does: to the issuer and back."""
    browser = browser or Client()
    there = browser.get(f"/accounts/oidc/{account.public_id}/login/")
    assert there.status_code == 302, there.content.decode()
    assert there.headers["Location"].startswith(f"{issuer.url}/authorize?")
    back = requests.get(there.headers["Location"], allow_redirects=False, timeout=10)
    answer = browser.get(back.headers["Location"].removeprefix("http://testserver"), follow=True)
    browser.last = answer  # type: ignore[attr-defined]
    return browser


def is_in(browser: Client) -> bool:
    return bool(browser.get("/profile/").status_code == 200)


def told(browser: Client) -> str:
    """Return the page where a refused browser ended."""
    return str(browser.last.content.decode())  # type: ignore[attr-defined]


# --- Setting it up -------------------------------------------------------------------------------


def test_an_admin_sets_it_up_and_the_secret_never_comes_back(
    house: House, ada: User, issuer: Issuer, login: Login
) -> None:
    browser = login(ada)

    answer = browser.post(f"{SETTINGS}company/", form(issuer), follow=True)

    row = SignOn.objects.get()
    assert (row.account, row.client_secret) == (house.account, CLIENT_SECRET)
    page = answer.content.decode()
    assert "A secret is set" in page
    assert CLIENT_SECRET not in page
    assert f"/accounts/oidc/{house.account.public_id}/login/callback/" in page
    line = AuditEntry.objects.get(action="sign_on_changed")
    assert line.data["changes"]["client_secret"] == {"before": None, "after": "set"}
    assert CLIENT_SECRET not in str(list(AuditEntry.objects.values()))


def test_without_a_secret_the_old_one_stays(
    ada: User, issuer: Issuer, sign_on: SignOn, login: Login
) -> None:
    data = form(issuer, client_secret="", domains="acme.example, acme.test", version="1")

    login(ada).post(f"{SETTINGS}company/", data)

    sign_on.refresh_from_db()
    assert sign_on.client_secret == CLIENT_SECRET
    assert sign_on.domains == ["acme.example", "acme.test"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "Nothing that describes an issuer"),
        ({"issuer": "not an address"}, "Enter a valid URL"),
        ({"client_secret": ""}, "Enter the client secret"),
        ({"client_id": ""}, "This field is required"),
        ({"domains": "gmail.com"}, "Anybody can have an address at gmail.com"),
        ({"domains": "no domain!"}, "is no domain"),
        ({"domains": " , "}, "Name at least one domain"),
        ({"version": "7"}, "Somebody else changed this meanwhile"),
    ],
)
def test_what_will_not_do_is_refused_in_words_and_nothing_is_saved(
    ada: User, issuer: Issuer, login: Login, fields: dict[str, str], words: str
) -> None:
    answer = login(ada).post(f"{SETTINGS}company/", form(issuer, **fields))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not SignOn.objects.exists()


def test_an_issuer_that_calls_itself_otherwise_is_refused(
    ada: User, issuer: Issuer, login: Login
) -> None:
    issuer.fault = "issuer"

    answer = login(ada).post(f"{SETTINGS}company/", form(issuer))

    assert "It calls itself “https://elsewhere.example.com”" in answer.content.decode()
    assert not SignOn.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com",
        "https://127.0.0.1",
        "https://localhost",
        "https://[::1]",
        "https://10.0.0.5",
        "https://169.254.169.254/latest",
        "https://no-such-host.invalid",
        "ftp://example.com",
        "https://",
    ],
)
def test_in_production_only_the_public_internet_is_asked(settings: Any, url: str) -> None:
    settings.SIGN_ON_ALLOW_LOCAL = False

    with pytest.raises(SignOnError):
        check_reachable(url)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b:1::7f00:1", False),
        ("fec0::1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        # The old addresses as the new internet writes them.
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
    ],
)
def test_which_addresses_are_public(address: str, expected: bool) -> None:
    assert is_public(address) is expected


@contextmanager
def door() -> Iterator[socket.socket]:
    """Listen inside our own network."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        yield listening


def visits(listening: socket.socket) -> int:
    """Count who came."""
    try:
        guest, _ = listening.accept()
    except TimeoutError:
        return 0
    guest.close()
    return 1 + visits(listening)


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let each look-up of a name find the next of these addresses, the last one for ever."""
    left = list(addresses)

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def ask(listening: socket.socket) -> Any:
    """Ask an issuer behind the door, as every step of a sign-in does."""
    url = f"https://login.acme.example:{listening.getsockname()[1]}/jwks"
    with get_adapter().get_requests_session() as session:
        return session.get(url)


def test_a_name_that_points_elsewhere_a_moment_later_reaches_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_ON_ALLOW_LOCAL = False
    with door() as listening:
        names(monkeypatch, "8.8.8.8", "127.0.0.1")

        with pytest.raises(OSError, match="not on the public internet"):
            ask(listening)

        assert visits(listening) == 0


def test_an_operator_may_let_an_issuer_be_inside(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_ON_ALLOW_LOCAL = False
    settings.SIGN_ON_INTERNAL_HOSTS = ["login.acme.example"]
    with door() as listening:
        names(monkeypatch, "127.0.0.1")
        check_reachable("https://LOGIN.acme.example/realm")

        with pytest.raises(OSError, match=r"SSL|closed|reset|aborted|timed out"):
            ask(listening)

        assert visits(listening) == 1
        with pytest.raises(SignOnError):
            check_reachable("https://wiki.acme.example")
        with pytest.raises(SignOnError):
            check_reachable("http://login.acme.example")


def test_no_proxy_is_asked_for_it(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIGN_ON_ALLOW_LOCAL = False
    names(monkeypatch, "8.8.8.8", "10.0.0.1")
    with door() as proxy, door() as listening:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")

        with pytest.raises(OSError, match="not on the public internet"):
            ask(listening)

        assert visits(proxy) == 0


def test_an_issuer_that_sends_us_elsewhere_is_not_followed(
    ada: User, issuer: Issuer, login: Login
) -> None:
    with running_issuer() as other:
        issuer.fault, issuer.elsewhere = "elsewhere", f"{other.url}/jwks"

        answer = login(ada).post(f"{SETTINGS}company/", form(issuer))

        assert "Nothing that describes an issuer" in answer.content.decode()
        assert other.asked == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("endless", "too long"),
        ("slow", "took too long"),
        ("list", "not what was asked for"),
        ("few", "does not say its"),
    ],
)
def test_answers_that_are_none_are_told_and_end(
    ada: User,
    issuer: Issuer,
    login: Login,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    monkeypatch.setattr(outside, "MOST_SECONDS", 0.5)
    issuer.fault = fault

    answer = login(ada).post(f"{SETTINGS}company/", form(issuer))
    issuer.fault = ""

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not SignOn.objects.exists()


# --- Who is let in -------------------------------------------------------------------------------


def test_a_person_of_the_account_comes_in(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    issuer.claims = claims_of(ivy)

    browser = come(issuer, house.account)

    assert is_in(browser)
    assert browser.session["_auth_user_id"] == str(ivy.pk)
    assert AuditEntry.objects.get(action="logged_in").data["way"] == "socialaccount"
    sign_on.refresh_from_db()
    assert sign_on.proved_at is not None


def test_later_the_subject_counts(house: House, ivy: User, issuer: Issuer, sign_on: SignOn) -> None:
    issuer.claims = claims_of(ivy)
    come(issuer, house.account)
    issuer.claims = claims_of(ivy, email="ivy.married@acme.example")

    assert is_in(come(issuer, house.account))

    # Somebody else who is given her old address later is somebody else.
    other = make_user(house.account, "Otto", email="otto@acme.example")
    issuer.claims = {**claims_of(other), "sub": "subject-new", "email": ivy.email}
    browser = come(issuer, house.account)
    assert browser.session.get("_auth_user_id") in (None, str(ivy.pk))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email_verified": False}, "not verified"),
        ({"email_verified": None}, "not verified"),
        ({"email": "ivy@evil.example"}, "domains"),
        ({"email": "nobody@acme.example"}, "Nobody of this account"),
        ({"email": ""}, "domains"),
        ({"email": None}, "domains"),
    ],
)
def test_nobody_else_is_let_in(
    house: House,
    ivy: User,
    issuer: Issuer,
    sign_on: SignOn,
    claims: dict[str, Any],
    words: str,
) -> None:
    issuer.claims = claims_of(ivy, **claims)

    browser = come(issuer, house.account)

    assert not is_in(browser)
    assert words in told(browser)
    assert User.objects.count() == 4


def test_who_was_deactivated_is_not_let_in(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    issuer.claims = claims_of(ivy)
    come(issuer, house.account)
    User.objects.filter(pk=ivy.pk).update(is_active=False)

    browser = come(issuer, house.account)

    assert not is_in(browser)
    assert "Nobody of this account" in told(browser)


def test_an_issuer_vouches_for_nobody_of_another_account(
    house: House, issuer: Issuer, sign_on: SignOn
) -> None:
    other = make_account("Umbrella")
    victim = make_user(other, "Vic", email="vic@acme.example", is_licensed=False)
    issuer.claims = claims_of(victim)

    assert not is_in(come(issuer, house.account))

    # Nor with a subject that was linked there.
    SignOn.objects.filter(pk=sign_on.pk).update(account=other)
    sign_on.refresh_from_db()
    assert is_in(come(issuer, other))
    User.objects.filter(pk=victim.pk).update(account=house.account)
    assert not is_in(come(issuer, other))


@pytest.mark.parametrize("fault", ["token", "sub", "audience"])
def test_an_issuer_that_errs_lets_in_nobody(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn, fault: str
) -> None:
    issuer.claims, issuer.fault = claims_of(ivy), fault

    browser = come(issuer, house.account)

    assert not is_in(browser)
    assert "company" in told(browser)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": ...},
        {"sub": "x" * 10_000},
        {"sub": "a\0b"},
        {"email": "ivy\0@acme.example"},
        {"name": "a\0b"},
        {"email": ["ivy@acme.example"]},
    ],
    ids=["no sub", "long sub", "odd sub", "odd email", "odd name", "two emails"],
)
def test_claims_that_are_none_are_told_in_words(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn, claims: dict[str, Any]
) -> None:
    told_of = {**claims_of(ivy), **claims}
    issuer.claims = {name: value for name, value in told_of.items() if value is not ...}

    browser = come(issuer, house.account)

    assert not is_in(browser)
    assert "company" in told(browser)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("fault", ["list", "few"])
def test_an_issuer_that_describes_itself_badly_is_told_in_words(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn, fault: str
) -> None:
    issuer.fault = fault

    answer = Client().get(f"/accounts/oidc/{house.account.public_id}/login/", follow=True)

    assert answer.status_code == 200
    assert "did not answer as it should" in answer.content.decode()


def test_a_subject_counts_with_its_issuer_only(
    house: House, ada: User, ivy: User, issuer: Issuer, sign_on: SignOn, login: Login
) -> None:
    issuer.claims = claims_of(ivy, sub="1")
    assert is_in(come(issuer, house.account))
    omar = make_user(house.account, "Omar", email="omar@acme.example")
    with running_issuer() as other:
        login(ada).post(f"{SETTINGS}company/", form(other, version=str(sign_on.version)))
        # Another issuer, which calls somebody else by that name.
        other.claims = claims_of(omar, sub="1")

        browser = come(other, house.account)

    assert browser.session["_auth_user_id"] == str(omar.pk)
    login(ada).post(f"{SETTINGS}company/remove/")
    assert not SocialAccount.objects.exists()


def test_an_answer_that_nobody_asked_for_is_refused(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    issuer.claims = claims_of(ivy)
    first = Client()
    there = first.get(f"/accounts/oidc/{house.account.public_id}/login/")
    back = requests.get(there.headers["Location"], allow_redirects=False, timeout=10)
    path = back.headers["Location"].removeprefix("http://testserver")

    # Another browser is sent the first one's way back; then the first one goes it twice.
    victim = Client()
    victim.get(path)
    assert not is_in(victim)
    first.get(path)
    assert is_in(first)
    again = Client()
    again.get(path)
    assert not is_in(again)


def test_an_issuer_that_is_away_is_told_in_words(house: House, ivy: User, sign_on: SignOn) -> None:
    SignOn.objects.update(issuer="http://127.0.0.1:1")

    answer = Client().get(f"/accounts/oidc/{house.account.public_id}/login/", follow=True)

    assert answer.status_code == 200
    assert "did not answer as it should" in answer.content.decode()


def test_a_sign_in_that_is_off_is_nowhere(house: House, ivy: User, sign_on: SignOn) -> None:
    SignOn.objects.update(is_on=False)

    for where in (str(house.account.public_id), "nonsense", "00000000-0000-0000-0000-000000000000"):
        assert Client().get(f"/accounts/oidc/{where}/login/").status_code == 404
    assert sign_ons_for(ivy.email) == []


def test_somebody_logged_in_connects_nothing(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn, login: Login
) -> None:
    issuer.claims = claims_of(ivy)
    browser = login(house.bob)
    path = f"/accounts/oidc/{house.account.public_id}/login/?process=connect"
    there = browser.get(path)
    back = requests.get(there.headers["Location"], allow_redirects=False, timeout=10)

    browser.get(back.headers["Location"].removeprefix("http://testserver"))

    assert browser.session["_auth_user_id"] == str(ivy.pk)
    assert not house.bob.socialaccount_set.exists()  # type: ignore[attr-defined]


# --- The page that asks for an address -----------------------------------------------------------


def test_known_and_unknown_addresses_of_a_domain_lead_to_the_same_place(
    house: House, ivy: User, sign_on: SignOn
) -> None:
    def page(email: str) -> str:
        answer = Client().post("/accounts/company/", {"email": email})
        return answer.content.decode().split("<main", 1)[1]

    assert page(ivy.email) == page("nobody@acme.example")
    assert str(house.account.public_id) in page(ivy.email.upper())
    assert "No company sign-in is known" in page("ivy@elsewhere.example")
    assert "valid email" in page("nonsense")


def test_nobody_is_led_to_an_issuer_of_another_account(house: House, issuer: Issuer) -> None:
    """Any admin may name any domain: it must not catch who has a log-in elsewhere."""
    SignOn.objects.create(
        account=make_account("Evil"),
        issuer=issuer.url,
        client_id="x",
        client_secret="x",
        domains=["example.com"],
    )

    assert sign_ons_for(house.alice.email) == []
    # Nor does who asks learn which addresses have a log-in elsewhere.
    assert sign_ons_for("nobody@example.com") == []


def test_a_company_with_two_accounts_is_asked_which(
    house: House, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    other = make_account("Acme Overseas")
    make_user(other, "Omar", email="omar@acme.example")
    data = {"issuer": issuer.url, "client_id": "x", "client_secret": "x"}
    SignOn.objects.create(account=other, domains=["acme.example"], **data)

    def page(email: str) -> str:
        answer = Client().post("/accounts/company/", {"email": email})
        return answer.content.decode().split("<main", 1)[1]

    text = page(ivy.email)
    assert page("omar@acme.example") == page("nobody@acme.example") == text
    for account in (house.account, other):
        assert account.name in text
        assert f"/accounts/oidc/{account.public_id}/login/" in text


# --- The only way in -----------------------------------------------------------------------------


def only_way(sign_on: SignOn, ada: User) -> None:
    stories.note_proof(sign_on, now=timezone.now())
    stories.make_only_way(account=sign_on.account, is_only_way=True, by=ada, now=timezone.now())


def test_it_is_the_only_way_only_after_it_worked(
    house: House, ada: User, issuer: Issuer, sign_on: SignOn, login: Login
) -> None:
    browser = login(ada)
    answer = browser.post(f"{SETTINGS}company/only/", {"only": "yes"}, follow=True)
    assert "Sign in through it once yourself first" in answer.content.decode()
    issuer.claims = claims_of(ada)
    come(issuer, house.account)

    browser.post(f"{SETTINGS}company/only/", {"only": "yes"})

    sign_on.refresh_from_db()
    assert sign_on.is_only_way
    # Another issuer must prove itself anew, and meanwhile every way is open.
    changed = form(issuer, client_secret="another", version=str(sign_on.version))
    browser.post(f"{SETTINGS}company/", changed)
    sign_on.refresh_from_db()
    assert (sign_on.is_only_way, sign_on.proved_at) == (False, None)


def test_who_takes_a_domain_away_locks_nobody_out(
    house: House, ada: User, issuer: Issuer, sign_on: SignOn, login: Login
) -> None:
    only_way(sign_on, ada)
    sign_on.refresh_from_db()
    browser = login(ada)

    def save(domains: str) -> SignOn:
        data = form(issuer, client_secret="", domains=domains, version=str(sign_on.version))
        browser.post(f"{SETTINGS}company/", data)
        sign_on.refresh_from_db()
        return sign_on

    assert save("acme.example, acme.test").is_only_way
    assert not save("acme.tset").is_only_way
    assert sign_on.proved_at is None


def test_then_passwords_let_in_nobody_and_are_not_sent(
    house: House, ada: User, ivy: User, sign_on: SignOn
) -> None:
    only_way(sign_on, ada)
    browser = Client()

    answer = browser.post(
        "/accounts/login/", {"login": ivy.email, "password": PASSWORD}, follow=True
    )
    wrong = Client().post("/accounts/login/", {"login": ivy.email, "password": "wrong"})
    Client().post("/accounts/password/reset/", {"email": ivy.email})

    assert "sign in with its own log-in" in answer.content.decode()
    assert not is_in(browser)
    assert "not correct" in wrong.content.decode()
    assert "own log-in" in str(mail.outbox[0].body)
    assert "/password/reset/key/" not in str(mail.outbox[0].body)
    # People of other accounts come in as ever.
    other = make_user(make_account("Umbrella"))
    data = {"login": other.email, "password": PASSWORD}
    assert Client().post("/accounts/login/", data).headers["Location"] == "/"


def test_who_tried_a_password_first_still_comes_in_by_the_company(
    house: House, ada: User, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    only_way(sign_on, ada)
    browser, data = Client(), {"login": ivy.email, "password": PASSWORD}
    browser.post("/accounts/login/", data)
    issuer.claims = claims_of(ivy)

    assert is_in(come(issuer, house.account, browser))
    # And who came in by it before is refused with a password as ever.
    browser.post("/accounts/logout/")
    browser.post("/accounts/login/", data)
    assert not is_in(browser)


def test_a_second_factor_after_the_company_is_no_way_of_its_own(
    house: House, ada: User, ivy: User, issuer: Issuer, sign_on: SignOn
) -> None:
    only_way(sign_on, ada)
    TOTP.activate(ivy, SECRET)
    issuer.claims = claims_of(ivy)

    browser = come(issuer, house.account)
    assert not is_in(browser)
    code = format_hotp_value(hotp_value(SECRET, next(iter(counters()))))
    browser.post("/accounts/2fa/authenticate/", {"code": code})

    assert is_in(browser)
    assert AuditEntry.objects.get(action="logged_in").data["way"] == "socialaccount"


def test_who_is_invited_comes_in_by_the_company_without_a_password(
    house: House, ada: User, issuer: Issuer, sign_on: SignOn
) -> None:
    only_way(sign_on, ada)
    now = timezone.now()
    invite(account=house.account, lines="zoe@acme.example", asked=Asked(), by=ada, now=now)
    send_owed(now=now)
    path = re.search(r"/join/[\w-]+/", str(mail.outbox[0].body))
    assert path is not None
    browser = Client()

    page = browser.get(path[0]).content.decode()
    answer = browser.post(path[0], {"name": "Zoe", "password": PASSWORD}, follow=True)

    assert 'name="password"' not in page
    zoe = User.objects.get(email="zoe@acme.example")
    assert not zoe.has_usable_password()
    assert f"/accounts/oidc/{house.account.public_id}/login/" in answer.content.decode()
    issuer.claims = claims_of(zoe)
    assert is_in(come(issuer, house.account, browser))


def test_removing_it_opens_the_other_ways(
    house: House, ada: User, ivy: User, sign_on: SignOn, login: Login
) -> None:
    only_way(sign_on, ada)

    login(ada).post(f"{SETTINGS}company/remove/")

    assert not SignOn.objects.exists()
    answer = Client().post("/accounts/login/", {"login": ivy.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    assert AuditEntry.objects.filter(action="sign_on_removed").exists()
