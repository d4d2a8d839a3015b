"""Does an installation refuse to start when it would be unsafe?"""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "p" * 64,
    "SECRET_FIELD_KEYS": Fernet.generate_key().decode(),
    "PUBLIC_BASE_URL": "https://inbox.example.com",
    "ALLOWED_HOSTS": "inbox.example.com",
    "DATABASE_URL": "postgres://u:p@db/teaminbox",
    "REDIS_URL": "redis://cache:6379/0",
}


def _start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_laptop_starts_with_nothing_set() -> None:
    assert _start({}).returncode == 0


def test_a_complete_production_starts() -> None:
    done = _start(SAFE)

    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_FIELD_KEYS": ""}, "SECRET_FIELD_KEYS"),
        ({"SECRET_FIELD_KEYS": "abc"}, "no Fernet key"),
        ({"SECRET_FIELD_KEYS": f"{SAFE['SECRET_FIELD_KEYS']},abc"}, "no Fernet key"),
        ({"JURISDICTION_PACK_KEYS": "abc"}, "no public key"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"DEMO": "1"}, "DEMO"),
        ({"TWILIO_API_BASE": "http://127.0.0.1:4020"}, "simulator"),
        ({"PUBLIC_BASE_URL": "http://inbox.example.com"}, "https"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
    ],
)
def test_production_refuses_in_words(change: dict[str, str], words: str) -> None:
    done = _start({**SAFE, **change})

    assert done.returncode != 0
    assert words in done.stderr.splitlines()[-1]


def test_a_key_that_is_refused_is_not_printed() -> None:
    done = _start({**SAFE, "SECRET_FIELD_KEYS": "not-a-key-but-perhaps-a-secret"})

    assert "perhaps-a-secret" not in done.stderr + done.stdout


def test_a_laptop_does_not_serve_the_world() -> None:
    done = _start({"ALLOWED_HOSTS": "inbox.example.com"})

    assert "ENVIRONMENT=production" in done.stderr


def test_a_simulator_is_only_ever_on_this_machine() -> None:
    done = _start({"TWILIO_API_BASE": "http://evil.example.com"})

    assert "on this machine" in done.stderr
