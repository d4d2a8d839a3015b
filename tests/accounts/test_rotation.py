"""Does a new key lose a secret? Not one of a thousand, whoever works meanwhile."""

import io
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from accounts import rotation
from accounts import secrets as secrets_module
from accounts.models import AuditEntry, PushSubscription, SignOn, TwilioAccount
from accounts.rotation import rotate_secrets
from accounts.secrets import EncryptedTextField
from compliance.models import ConsentChain, ConsentImport, ConsentKey
from config.servers.binaries import postgres_tools
from config.servers.place import place_for
from inbox.models import ContactImport, Erasure, EventWebhook, SavedSearch, Sender
from inbox.setup.pointing import remembered
from routing.models import CrmConnector, DataAction
from tests.conftest import NOW
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.servers import DATA_DIR

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
COLUMNS = ("auth_token", "auth_token_next", "api_key_secret", "shared_key")


@pytest.fixture(autouse=True)
def old_key(settings: Any) -> None:
    settings.SECRET_FIELD_KEYS = [OLD]


def _make(count: int) -> dict[int, dict[str, str]]:
    """Make accounts with secrets under the key of now; return what they hold."""
    account = make_account()
    rows = TwilioAccount.objects.bulk_create(
        TwilioAccount(
            account=account,
            account_sid=f"AC{n:032x}",
            **{name: f"5ec2e7-{name}-{n:06}" for name in COLUMNS},
        )
        for n in range(count)
    )
    return {row.pk: {name: getattr(row, name) for name in COLUMNS} for row in rows}


def _stored() -> dict[int, dict[str, str]]:
    return {
        row.pk: {name: getattr(row, name) for name in COLUMNS}
        for row in TwilioAccount.objects.all()
    }


def _rotate(**options: Any) -> str:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_a_thousand_secrets_move_and_none_is_lost(settings: Any) -> None:
    secrets = _make(250)
    sign_on = SignOn.objects.create(
        account=make_account(),
        issuer="https://login.example.com",
        client_id="team-inbox",
        client_secret="5ec2e7-company",
        domains=["example.com"],
    )

    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    said = _rotate()
    settings.SECRET_FIELD_KEYS = [NEW]

    assert _stored() == secrets
    assert SignOn.objects.get(pk=sign_on.pk).client_secret == "5ec2e7-company"
    for name in COLUMNS:
        assert f"accounts.TwilioAccount.{name}: 250 moved, 0 had the newest key already" in said
    line = AuditEntry.objects.get(action="secrets_rotated")
    assert line.data["moved"]["accounts.TwilioAccount.auth_token"] == 250


@pytest.mark.django_db
def test_a_dry_run_says_the_same_and_changes_nothing(settings: Any) -> None:
    _make(3)
    before = list(_raw())

    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    said = _rotate(dry_run=True)

    assert "accounts.TwilioAccount.auth_token: 3 would move" in said
    assert "Nothing was changed" in said
    assert list(_raw()) == before
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_an_interrupted_rotation_goes_on_where_it_was(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = _make(20)
    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    done = []
    renew = secrets_module.renew

    def breaks_down(stored: str) -> str:
        done.append(stored)
        # All are read once to see whether they can be read; then thirty are moved.
        if len(done) > 20 * 4 + 30:
            raise KeyboardInterrupt
        return renew(stored)

    monkeypatch.setattr(rotation, "renew", breaks_down)
    with pytest.raises(KeyboardInterrupt):
        rotate_secrets()
    monkeypatch.setattr(rotation, "renew", renew)
    report = rotate_secrets()

    assert (report.total_moved, sum(report.current.values())) == (50, 30)
    settings.SECRET_FIELD_KEYS = [NEW]
    assert _stored() == secrets


@pytest.mark.django_db
def test_a_secret_that_no_key_opens_is_named_and_nothing_is_changed(settings: Any) -> None:
    _make(2)
    settings.SECRET_FIELD_KEYS = [Fernet.generate_key().decode()]
    lost = TwilioAccount.objects.create(
        account=make_account(), account_sid="AC" + "9" * 32, auth_token="5ec2e7-lost"
    )
    before = list(_raw())

    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    with pytest.raises(CommandError) as caught:
        _rotate()

    assert f"accounts.TwilioAccount {lost.pk}, auth_token" in str(caught.value)
    assert "opens 1 stored secrets" in str(caught.value)
    assert "5ec2e7" not in str(caught.value)
    assert "fernet:" not in str(caught.value)
    assert list(_raw()) == before


@pytest.mark.django_db
def test_second_factors_move_too_and_those_kept_plain_are_encrypted(settings: Any) -> None:
    user = make_user(make_account())
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(user).get_unused_codes()
    plain = Authenticator.objects.create(
        user=make_user(make_account()), type="totp", data={"secret": "PLAINPLAINPLAIN2"}
    )

    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    said = _rotate()
    settings.SECRET_FIELD_KEYS = [NEW]

    assert "mfa.Authenticator.data: 3 moved" in said
    kept = {one.type: one for one in Authenticator.objects.filter(user=user)}
    assert TOTP(kept["totp"]).validate_code("000000") is False  # it could be read
    assert RecoveryCodes(kept["recovery_codes"]).get_unused_codes() == codes
    assert "JBSWY3DPEHPK3PXP" not in str(kept["totp"].data)
    assert "PLAIN" not in str(Authenticator.objects.get(pk=plain.pk).data)


@pytest.mark.django_db(transaction=True)
def test_what_people_change_meanwhile_is_not_overwritten(settings: Any) -> None:
    """Two editors write as fast as they can while everything moves; what they wrote last stands."""
    secrets = _make(60)
    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    is_over = threading.Event()
    written: list[dict[int, str]] = [{}, {}]
    failures: list[BaseException] = []

    def edit(which: int) -> None:
        mine = [pk for pk in secrets if pk % 2 == which]
        try:
            for n in range(10_000):
                if is_over.is_set() and n >= len(mine):
                    return
                pk = mine[n % len(mine)]
                row = TwilioAccount.objects.get(pk=pk)
                row.auth_token = f"new-{which}-{n}"
                # A whole save writes the other secrets back as they were read.
                row.save()
                written[which][pk] = row.auth_token
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    editors = [threading.Thread(target=edit, args=[which]) for which in (0, 1)]
    for editor in editors:
        editor.start()
    try:
        for _ in range(3):
            rotate_secrets()
    finally:
        is_over.set()
        for editor in editors:
            editor.join()
    last = rotate_secrets()

    assert failures == []
    assert last.total_moved == 0, "a save brought an old value back"
    settings.SECRET_FIELD_KEYS = [NEW]
    expected = {
        pk: {**held, "auth_token": {**written[0], **written[1]}[pk]} for pk, held in secrets.items()
    }
    assert _stored() == expected


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_left_and_named(settings: Any) -> None:
    (pk,) = _make(1)
    settings.SECRET_FIELD_KEYS = [NEW, OLD]
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            TwilioAccount.objects.select_for_update().get(pk=pk)
            is_held.set()
            may_go.wait(30)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_held.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(CommandError, match=f"TwilioAccount {pk}, auth_token"):
            _rotate()
    finally:
        may_go.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")

    assert "1 moved" in _rotate()


@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_database_shows_no_secret() -> None:
    """What PostgreSQL's own pg_dump writes, after every secret there is was stored."""
    canary = "5ec2e7ca9a2b"
    account = make_account()
    for model in apps.get_models():
        columns = [f for f in model._meta.local_fields if isinstance(f, EncryptedTextField)]
        stored = (
            PushSubscription,
            SignOn,
            TwilioAccount,
            Sender,
            DataAction,
            EventWebhook,
            CrmConnector,
            ConsentChain,
            ConsentKey,
            ConsentImport,
            ContactImport,
            Erasure,
            SavedSearch,
        )
        assert not columns or model in stored, f"store one of {model} as well"
    twilio = TwilioAccount.objects.create(
        account=account,
        account_sid="AC" + "0" * 32,
        **{name: f"{canary}{name}" for name in COLUMNS},
    )
    before = remembered({"inbound_url": f"https://me:{canary}@a.example/?t={canary}"}, False)
    make_sender(make_inbox(account), twilio_account=twilio, **before)
    SignOn.objects.create(
        account=account,
        issuer="https://login.example.com",
        client_id="team-inbox",
        client_secret=f"{canary}client",
        domains=["example.com"],
    )
    PushSubscription.objects.create(
        user=make_user(account),
        endpoint=f"https://push.example.com/{canary}",
        public_key=f"{canary}p256dh",
        auth_key=f"{canary}auth",
        created_at=NOW,
        seen_at=NOW,
    )
    ConsentChain.objects.create(account=account, pepper=f"{canary}pepper", begun_at=NOW)
    ConsentKey.objects.create(account=account, handle="0" * 64, key=f"{canary}key", made_at=NOW)
    ConsentImport.objects.create(
        account=account,
        public_id="import",
        file_sha256="0" * 64,
        content=f"{canary}numbers",
        uploaded_by=make_user(account),
        uploaded_at=NOW,
    )
    ContactImport.objects.create(
        account=account,
        content=f"{canary}contacts",
        faults=f"{canary}faults",
        uploaded_by=make_user(account),
        uploaded_at=NOW,
    )
    Erasure.objects.create(
        account=account,
        subject="0" * 64,
        needles=f"{canary}needles",
        state=Erasure.State.ASKED,
        reason="By letter",
        asked_at=NOW,
        next_at=NOW,
    )
    SavedSearch.objects.create(
        account=account,
        owner=make_user(account),
        name="Them",
        line=f"{canary}whom",
        created_at=NOW,
    )
    at = {"account": account, "created_at": NOW, "changed_at": NOW}
    secrets = {"secret": f"{canary}now", "secret_next": f"{canary}next"}
    DataAction.objects.create(name="Code", url="https://code.example.com/", **secrets, **at)
    EventWebhook.objects.create(
        name="Events",
        url="https://events.example.com/",
        kinds=["message.received"],
        **secrets,
        **at,
    )
    CrmConnector.objects.create(
        name="CRM",
        url="https://crm.example.com/",
        headers={"Authorization": "{{secret.token}}"},
        secrets=f'{{"token": "{canary}"}}',
        **at,
    )
    TOTP.activate(make_user(account), canary)
    RecoveryCodes.activate(user := make_user(account))
    seed = RecoveryCodes(Authenticator.objects.get(user=user, type="recovery_codes"))
    codes = seed.get_unused_codes()

    dump = _dump()

    assert b"AC" + b"0" * 32 in dump, "the row is in the dump"
    assert canary.encode() not in dump
    assert b"canary" not in dump
    assert not any(code.encode() in dump for code in codes)


def _dump() -> bytes:
    settings = connection.settings_dict
    program = postgres_tools(place_for(DATA_DIR)) / "pg_dump"
    where = {"PGHOST": settings["HOST"], "PGUSER": settings["USER"], "PGPORT": settings["PORT"]}
    environment = {**os.environ, **{name: str(value) for name, value in where.items() if value}}
    if settings["PASSWORD"]:
        environment["PGPASSWORD"] = settings["PASSWORD"]
    done = subprocess.run(
        [str(program), settings["NAME"]], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _raw() -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {', '.join(COLUMNS)} FROM accounts_twilioaccount ORDER BY id")
        yield from cursor.fetchall()
