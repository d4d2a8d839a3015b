"""How does a test run the real product? All of its processes, on the test's own database.

They are started once in a run and stand still between tests, so that the database can be emptied
under them. Their Valkey is theirs alone: a test may empty, freeze or kill it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import redis
import requests
from django.db import connection

from config import queues
from config.servers.binaries import valkey_binary
from config.servers.place import place_for
from config.supervisor import answers_http
from inbox.models import Sender
from inbox.status_urls import sender_status_url, webhook_url
from tests.servers import DATA_DIR

ROOT = Path(__file__).resolve().parent.parent
QUEUES = ",".join((*queues.WORKER, *queues.CALLER))
TWILIO_TIMEOUT_S = 2.0
# A carrier that is done in a moment: tests wait for results, not for a pretended network.
QUICK = {
    "queued_delay": 0.01,
    "sending_delay": 0.01,
    "sent_delay": 0.01,
    "delivered_delay": 0.01,
}
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class Process:
    """One child process with its own group: what it started is frozen and killed with it."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command, self._environment = command, environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says goes into its log."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**_environment_of_ours(), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def pid(self) -> int:
        """Return the number of the running process."""
        assert self._running is not None
        return self._running.pid

    def is_running(self) -> bool:
        """Say whether it runs."""
        return self._running is not None and self._running.poll() is None

    def children(self) -> list[int]:
        """Return the processes it started, such as the pool of a worker."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]

    def freeze(self) -> None:
        """Let it and its children stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it and its children without a word of warning."""
        self._signal(signal.SIGKILL)
        if self._running:
            self._running.wait()

    def stop(self) -> None:
        """Ask it to end, and make sure."""
        if self._running is None:
            return
        self.thaw()
        self._running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(8)
        self.kill()

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, number)


def _environment_of_ours() -> dict[str, str]:
    # What the tests allow themselves beside Playwright's loop, the product may not.
    return {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}


def _die_with_parent() -> None:
    # Not even a killed test run leaves a process behind, frozen or not.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Carrier:
    """The simulator as a test steers it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Ask a control endpoint."""
        answer = requests.request(method, f"{self.url}/_sim/{path}", json=body or None, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def know(self, base_url: str, *senders: Sender, **settings: float) -> None:
        """Tell it our accounts and senders, and where our webhooks are."""
        accounts = {sender.twilio_account_id: sender.twilio_account for sender in senders}
        self.ask(
            "POST",
            "config",
            accounts=[
                {"account_sid": one.account_sid, "auth_token": one.auth_token}
                for one in accounts.values()
            ],
            senders=[
                {
                    "account_sid": sender.twilio_account.account_sid,
                    "address": sender.address,
                    "channel": "whatsapp" if sender.is_whatsapp else "sms",
                    "webhook_url": base_url + urlsplit(webhook_url(sender)).path,
                    "status_url": base_url + urlsplit(sender_status_url(sender)).path,
                }
                for sender in senders
            ],
            settings={**QUICK, **settings},
        )

    def fault(self, kind: str, **fields: Any) -> None:
        """Let something go wrong."""
        self.ask("POST", "faults", kind=kind, **fields)

    def clear_faults(self) -> None:
        """Let everything work again."""
        self.ask("DELETE", "faults")

    def ledger(self, account_sid: str = "") -> list[Entry]:
        """Return every request to create a message that reached it, oldest first."""
        found = self.ask("GET", f"ledger?account_sid={account_sid}")
        return [Entry(entry) for entry in found["entries"]]

    def accepted(self, account_sid: str = "") -> list[Entry]:
        """Return the requests it took on."""
        return [entry for entry in self.ledger(account_sid) if entry.accepted]

    def reset(self) -> None:
        """Forget everything."""
        self.ask("POST", "reset", everything=True)


class Entry:
    """One line of the simulator's ledger."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.accepted = bool(entry["accepted"])
        self.sid, self.to, self.body = str(entry["sid"]), str(entry["to"]), str(entry["body"])
        self.status: int | None = entry["status"]
        self.fault = str(entry["fault"])
        #: The id of our message, which we wrote into the address of its status callback.
        self.message_id = parse_qs(urlsplit(entry["status_callback"]).query).get("m", [""])[0]

    def __repr__(self) -> str:
        return f"<{self.message_id[:6]} {self.status} {self.fault} {self.body[:20]!r}>"


class Live:
    """The running product: web, workers, clock, simulator, and their Valkey."""

    def __init__(self, database_url: str, folder: Path, **environment: str) -> None:
        self.folder = folder
        port, carrier_port = _free_ports(2)
        self.base_url = f"http://127.0.0.1:{port}"
        self.carrier = Carrier(carrier_port)
        self.valkey_url = f"unix://{folder / 'v.sock'}"
        self.environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.valkey_url,
            "CHANNEL_PREFIX": f"live{os.getpid()}",
            "PUBLIC_BASE_URL": self.base_url,
            "TWILIO_API_BASE": self.carrier.url,
            "TWILIO_TIMEOUT_SECONDS": str(TWILIO_TIMEOUT_S),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "MEDIA_ROOT": str(folder / "media"),
            "DEMO": "1",
            "LOG_LEVEL": "WARNING",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.valkey = self._process("valkey", *_valkey_command(folder))
        self.simulator = self._process(
            "simulator",
            *(sys.executable, "-m", "inbox.twilio.simulator"),
            *("--port", str(carrier_port), "--seed", "7"),
        )
        self.web = self._process(
            "web",
            *(sys.executable, "-m", "uvicorn", "config.onebox:application"),
            *("--port", str(port), "--log-level", "warning", "--backlog", "4096"),
            *("--timeout-graceful-shutdown", "1"),
        )
        self.workers = [self._worker(1)]
        self.clock = self._process(
            "clock",
            *_celery("beat", "--schedule", str(folder / "beat"), "--pidfile="),
        )

    @property
    def everything(self) -> list[Process]:
        """Return all processes, in the order in which they start."""
        return [self.valkey, self.simulator, self.web, *self.workers, self.clock]

    def start(self) -> None:
        """Start everything and wait until it answers."""
        for process in self.everything:
            process.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until web and simulator answer, and a worker listens."""
        for url in (f"{self.carrier.url}/_sim/health", f"{self.base_url}/livez"):
            until(answers_http(url), within=40, what=f"{url} answers\n{self.last_words()}")
        until(self._is_worker_ready, within=40, what=f"worker ready\n{self.last_words()}")

    def _is_worker_ready(self) -> bool:
        # It may end only a while after the broker did.
        self.revive()
        return self._is_worker_listening()

    def _is_worker_listening(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            clients = self.redis().client_list()
            return any(str(client.get("cmd")) == "brpop" for client in clients)
        return False

    def revive(self) -> bool:
        """Start what has ended, as the supervisor of an installation does; say whether any had.

        A Celery worker ends when the broker goes while a task of it is not acknowledged yet.
        """
        ended = [process for process in self.everything if not process.is_running()]
        for process in ended:
            process.start()
        return bool(ended)

    def stop(self) -> None:
        """End everything, the last first."""
        for process in reversed(self.everything):
            process.stop()

    def add_worker(self) -> Process:
        """Start one more worker."""
        worker = self._worker(len(self.workers) + 1)
        self.workers.append(worker)
        worker.start()
        return worker

    def drop_extra_workers(self) -> None:
        """Keep one worker."""
        for worker in self.workers[1:]:
            worker.kill()
        del self.workers[1:]

    def redis(self) -> redis.Redis:
        """Return a connection to the Valkey of these processes."""
        return redis.Redis.from_url(self.valkey_url, socket_timeout=5)

    def thaw_background(self) -> None:
        """Let workers and clock work."""
        for process in (*self.workers, self.clock):
            process.thaw()

    def freeze_background(self) -> None:
        """Let workers and clock stand still, with nothing of theirs under way in the database."""
        self.clock.freeze()
        for _ in range(50):
            with contextlib.suppress(redis.RedisError):
                self.redis().flushall()
            is_quiet = self.wait_until_quiet()
            for worker in self.workers:
                worker.freeze()
            if is_quiet and _busy_backends() == 0:
                return
            for worker in self.workers:
                worker.thaw()
        raise AssertionError(f"the workers do not come to rest\n{self.last_words()}")

    def wait_until_quiet(self, within: float = 15.0) -> bool:
        """Wait until no process does anything in the database."""
        deadline, calm = time.monotonic() + within, 0
        while calm < 3 and time.monotonic() < deadline:
            calm = calm + 1 if _busy_backends() == 0 else 0
            time.sleep(0.03)
        return calm >= 3

    def last_words(self) -> str:
        """Return the ends of all logs, for a failure's message."""
        return "\n".join(f"--- {one.name}\n{one.last_words()}" for one in self.everything)

    def _worker(self, number: int) -> Process:
        options = ("-Q", QUEUES, "--concurrency", "3", "-n", f"w{number}@%h")
        return self._process(
            f"worker{number}", *_celery("worker", *options, "--without-gossip", "--without-mingle")
        )

    def _process(self, name: str, *command: str) -> Process:
        return Process(name, command, self.environment, self.folder)


def _celery(what: str, *options: str) -> list[str]:
    app = [sys.executable, "-m", "celery", "-A", "config.celery", what]
    return [*app, "--loglevel", "WARNING", *options]


def _valkey_command(folder: Path) -> list[str]:
    options = ("--port", "0", "--unixsocket", str(folder / "v.sock"), "--dir", str(folder))
    return [str(valkey_binary(place_for(DATA_DIR))), *options, "--save", "", "--appendonly", "no"]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _busy_backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        )
        row = cursor.fetchone()
    return int(row[0])


def database_url() -> str:
    """Return the address of the database that this process uses now: the test's."""
    found = connection.settings_dict
    who = quote(found["USER"], safe="")
    if found["PASSWORD"]:
        who += f":{quote(found['PASSWORD'], safe='')}"
    where = quote(found["HOST"], safe="") + (f":{found['PORT']}" if found["PORT"] else "")
    return f"postgres://{who}@{where}/{found['NAME']}"


def until(
    is_so: Callable[[], object],
    *,
    within: float,
    what: str = "",
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Wait until something is so; fail if it is not in time.

    `pause` is called with seconds. A page whose requests are caught waits with its own
    `wait_for_timeout` (milliseconds): what is caught only goes on while Playwright is in there.
    """
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what or is_so}"
        pause(0.03)


def waiting() -> int:
    """Count who waits for a lock in the database now, also from within a transaction."""
    with connection.cursor() as cursor:
        # Within one, the first look is kept.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


@contextlib.contextmanager
def running_live(database: str, **environment: str) -> Iterator[Live]:
    """Have the product running on a database; nothing of it is left afterwards."""
    # A short path: that of a Unix socket may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        live = Live(database, Path(folder), **environment)
        try:
            live.start()
            yield live
        finally:
            live.stop()


@pytest.fixture(scope="session")
def processes(django_db_setup: None, django_db_blocker: Any) -> Iterator[Live]:
    """Have the processes of this run of the tests; background work stands still."""
    with django_db_blocker.unblock():
        url = database_url()
        with running_live(url) as live:
            live.freeze_background()
            connection.close()
            yield live


@pytest.fixture
def edge(processes: Live, transactional_db: None) -> Iterator[Live]:
    """Have web and simulator; workers and clock stand still, so the test decides what happens."""
    if processes.revive():
        processes.wait_until_ready()
        processes.freeze_background()
    processes.carrier.reset()
    yield processes
    processes.carrier.reset()
    assert processes.wait_until_quiet(), processes.last_words()


@pytest.fixture
def live(edge: Live) -> Iterator[Live]:
    """Have the whole product at work."""
    edge.thaw_background()
    yield edge
    edge.carrier.reset()
    edge.drop_extra_workers()
    edge.freeze_background()


_SOCKET_URL = re.compile(r"^http")


def socket_url(live: Live) -> str:
    """Return the address of the sockets."""
    return _SOCKET_URL.sub("ws", live.base_url) + "/ws/v1/"
