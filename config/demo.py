"""How does the whole product run on one laptop? `make demo`: every process, one Ctrl-C."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet

from config import queues
from config.servers import ServerError, Servers, running
from config.supervisor import (
    Program,
    Supervisor,
    SupervisorError,
    answers_http,
    run_until_interrupted,
)

BASE_DIR = Path(__file__).resolve().parent.parent
FOLDER = BASE_DIR / ".demo"
PLATFORM_SID = "AC" + "f" * 32


def main() -> int:
    """Start everything; return when somebody presses Ctrl-C."""
    started = time.monotonic()
    # Until the processes run, a polite stop is an ordinary interrupt: the servers are put away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = int(os.environ.get("PORT", "8000"))
    simulator_port = int(os.environ.get("SIMULATOR_PORT", str(port + 1)))
    (FOLDER / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with running(FOLDER, durable=True) as servers:
            environment = _environment(servers, port, simulator_port)
            _prepare(environment)
            run_until_interrupted(
                Supervisor(_programs(environment, port, simulator_port), log_dir=FOLDER / "logs"),
                once_ready=lambda: _greet(port, simulator_port, time.monotonic() - started),
            )
    except (ServerError, SupervisorError) as error:
        print(f"The demo stopped: {error.reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped before everything was up.")
    return 0


def _environment(servers: Servers, port: int, simulator_port: int) -> dict[str, str]:
    """Return what every process of the demo is told."""
    return {
        **os.environ,
        **servers.environment(),
        **_secrets(),
        "DEMO": "1",
        "ENVIRONMENT": "laptop",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PUBLIC_BASE_URL": f"http://localhost:{port}",
        "TWILIO_API_BASE": f"http://127.0.0.1:{simulator_port}",
        "TWILIO_PLATFORM_SID": PLATFORM_SID,
        "MEDIA_ROOT": str(FOLDER / "media"),
        "CHANNEL_PREFIX": "demo",
        "PYTHONUNBUFFERED": "1",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    }


def _secrets() -> dict[str, str]:
    """Return this installation's own secrets; made once, kept only here."""
    path = FOLDER / "secrets.json"
    if not path.exists():
        _write_private(
            path,
            {
                "SECRET_KEY": secrets.token_urlsafe(50),
                "SECRET_FIELD_KEYS": Fernet.generate_key().decode(),
            },
        )
    logins = FOLDER / "logins.json"
    if not logins.exists():
        _write_private(
            logins,
            {
                "password": f"demo-{secrets.token_urlsafe(9)}",
                "acme_token": secrets.token_hex(16),
                "globex_token": secrets.token_hex(16),
            },
        )
    found: dict[str, str] = json.loads(path.read_text())
    fresh = {
        "TWILIO_PLATFORM_TOKEN": secrets.token_hex(16),
        "VAPID_PRIVATE_KEY": secrets.token_urlsafe(32),
    }
    if fresh.keys() - found.keys():
        found = fresh | found
        _write_private(path, found)
    return found


def _write_private(path: Path, content: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")


def _prepare(environment: dict[str, str]) -> None:
    """Bring the database up to date and load the demo's data, once."""
    done = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "load_demo", "--folder", str(FOLDER)],
        env=environment,
        cwd=BASE_DIR,
        check=False,
    )
    if done.returncode:
        raise SupervisorError("`manage.py load_demo` failed; its words are above.")


def _programs(environment: dict[str, str], port: int, simulator_port: int) -> list[Program]:
    """Name the processes: web serves pages and sockets on one port, the others help."""
    python = sys.executable
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    return [
        Program(
            "simulator",
            [
                *(python, "-m", "inbox.twilio.simulator", "--port", str(simulator_port)),
                *("--state-dir", str(FOLDER / "simulator")),
                *("--config", str(FOLDER / "simulator.json")),
            ],
            environment,
            is_ready=answers_http(f"{simulator_url}/_sim/health"),
        ),
        Program(
            "web",
            [
                *(python, "-m", "uvicorn", "config.onebox:application"),
                *("--port", str(port), "--log-level", "warning", "--ws-ping-interval", "20"),
                *("--ws-per-message-deflate", "false"),
                *("--timeout-graceful-shutdown", "3"),
            ],
            environment,
            is_ready=answers_http(f"http://127.0.0.1:{port}/livez"),
        ),
        _worker("worker", queues.WORKER, environment),
        _worker("caller", queues.CALLER, environment),
        Program(
            "clock",
            [
                *(python, "-m", "celery", "--quiet", "-A", "config.celery", "beat"),
                *("--schedule", str(FOLDER / "beat"), "--loglevel", "WARNING", "--pidfile="),
            ],
            environment,
        ),
    ]


def _worker(name: str, takes: Sequence[str], environment: dict[str, str]) -> Program:
    return Program(
        name,
        [
            *(sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker"),
            *("-n", f"{name}@%h", "-Q", ",".join(takes), "--concurrency", "2"),
            *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        ],
        # Root is fine here: the demo's tasks come from the demo alone.
        {**environment, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"},
    )


_ELSEWHERE = {"staff": "all accounts", "partner": "the accounts of Northwind Partners"}


def _greet(port: int, simulator_port: int, seconds: float) -> None:
    described = json.loads((FOLDER / "demo.json").read_text())
    print(f"\nTeam Inbox runs (after {seconds:.0f} s):")
    print(f"  inbox      http://localhost:{port}/")
    print(f"  phones     http://127.0.0.1:{simulator_port}/simulator/")
    print(f"  admin      http://localhost:{port}/admin/")
    print(f"  password   {described['users'][0]['password']}   (the same for everybody)")
    for user in described["users"]:
        licensed = "" if user["licensed"] or not user["account"] else ", no licence"
        where = f"{user['role']}, {user['account'] or _ELSEWHERE[user['role']]}{licensed}"
        print(f"    {user['email']:26} {where}")
    print("  Ctrl-C stops all of it; `make demo-reset` deletes its data.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
