"""Do the embedded servers start, survive a kill and leave nothing behind?"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest
import redis

from config import servers
from config.servers import place, postgres, processes

TABLE = "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')"


@pytest.fixture(autouse=True)
def _no_servers_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data folder that root's servers can reach, and end what still runs in it."""
    folder = tmp_path / "data"
    yield folder
    servers.reset(folder)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not processes.is_ours(pid, Path("s")), patience_s=5)


def ask(found: servers.Servers, query: str) -> object:
    with psycopg.connect(found.database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0]


@pytest.mark.slow
def test_data_survives_a_kill_of_both_servers(data_dir: Path) -> None:
    found = servers.start(data_dir, durable=True)
    with psycopg.connect(found.database_url) as connection:
        connection.execute(TABLE)
    redis.Redis.from_url(found.redis_url).set("word", "still here")
    time.sleep(1.1)  # Valkey writes to disk every second

    for pid in servers.pids(data_dir).values():
        kill(pid)
    again = servers.start(data_dir, durable=True)

    assert ask(again, "SELECT word FROM kept") == "still here"
    assert redis.Redis.from_url(again.redis_url).get("word") == b"still here"


@pytest.mark.slow
def test_a_second_start_finds_what_runs(data_dir: Path) -> None:
    first = servers.start(data_dir, durable=False)
    before = servers.pids(data_dir)

    second = servers.start(data_dir, durable=False)

    assert set(before) == {"postgres", "valkey"}
    assert (second, servers.pids(data_dir)) == (first, before)
    assert servers.stop(data_dir)
    assert servers.pids(data_dir) == {}
    assert not servers.stop(data_dir)


@pytest.mark.slow
def test_the_last_one_out_stops_the_servers(data_dir: Path) -> None:
    with servers.running(data_dir, durable=False):
        with servers.running(data_dir, durable=False):
            pass
        still_there = servers.pids(data_dir)

    assert set(still_there) == {"postgres", "valkey"}
    assert servers.pids(data_dir) == {}


@pytest.mark.slow
def test_servers_left_behind_by_a_killed_process_are_taken_over(data_dir: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from config.servers import running\n"
        "with running(Path(sys.argv[1]), durable=False): print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, data_dir], stdout=subprocess.PIPE) as user:
        assert user.stdout
        assert user.stdout.readline() == b"up\n"
        user.kill()
    left_behind = servers.pids(data_dir)

    with servers.running(data_dir, durable=False):
        taken_over = servers.pids(data_dir)

    assert set(left_behind) == {"postgres", "valkey"}
    assert taken_over == left_behind
    assert servers.pids(data_dir) == {}


@pytest.mark.slow
def test_what_start_started_outlives_its_users(data_dir: Path) -> None:
    servers.start(data_dir, durable=False)

    with servers.running(data_dir, durable=False):
        pass

    assert set(servers.pids(data_dir)) == {"postgres", "valkey"}


@pytest.mark.slow
def test_a_used_folder_is_not_deleted(data_dir: Path) -> None:
    with (
        servers.running(data_dir, durable=False),
        pytest.raises(servers.ServerError, match="in use"),
    ):
        servers.reset(data_dir)

    assert servers.reset(data_dir)[0] == data_dir
    assert not data_dir.exists()


@pytest.mark.slow
def test_a_number_that_another_process_has_now_does_not_stop_postgres(data_dir: Path) -> None:
    servers.start(data_dir, durable=True)
    pid_file = place.place_for(data_dir).postgres_data / "postmaster.pid"
    old = pid_file.read_text()
    servers.stop(data_dir)
    pid_file.write_text(old.replace(old.split()[0], str(os.getpid()), 1))
    folder = pid_file.parent.stat()
    os.chown(pid_file, folder.st_uid, folder.st_gid)

    found = servers.start(data_dir, durable=True)

    assert ask(found, "SELECT 1") == 1


@pytest.mark.slow
def test_throwaway_data_in_pieces_is_made_anew(data_dir: Path) -> None:
    servers.start(data_dir, durable=False)
    servers.stop(data_dir)
    (place.place_for(data_dir).postgres_data / "global" / "pg_control").unlink()

    found = servers.start(data_dir, durable=False)

    assert ask(found, "SELECT 1") == 1


@pytest.mark.slow
def test_durable_data_in_pieces_is_kept_and_the_log_named(data_dir: Path) -> None:
    servers.start(data_dir, durable=True)
    servers.stop(data_dir)
    where = place.place_for(data_dir)
    (where.postgres_data / "global" / "pg_control").unlink()

    with pytest.raises(servers.ServerError, match="pg_control") as caught:
        servers.start(data_dir, durable=True)

    assert str(where.postgres_log) in caught.value.reason
    assert (where.postgres_data / "PG_VERSION").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a folder with spaces & 'quotes'", "long-" * 24])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    with servers.running(tmp_path / name / "data", durable=False) as found:
        assert ask(found, "SHOW listen_addresses") == ""
        assert redis.Redis.from_url(found.redis_url).ping()
        assert len(found.redis_url) < place.LONGEST_SOCKET_PATH
    servers.reset(tmp_path / name / "data")


@pytest.mark.slow
def test_the_database_is_like_productions(data_dir: Path) -> None:
    found = servers.start(data_dir, durable=True)

    assert ask(found, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(found, "SHOW server_encoding") == "UTF8"
    assert ask(found, "SHOW fsync") == "on"
    assert ask(found, "SELECT lower('ÄÉ')") == "äé"
    with psycopg.connect(found.database_url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")


@pytest.mark.slow
def test_only_the_servers_user_may_enter_their_folders(data_dir: Path) -> None:
    servers.start(data_dir, durable=False)
    where = place.place_for(data_dir)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (where.postgres_data, where.sockets)}

    assert modes == {0o700}


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs them as somebody else")
def test_data_that_went_out_of_reach_are_not_forgotten() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        Path(folder).chmod(0o755)
        servers.start(data_dir, durable=False)
        servers.stop(data_dir)
        Path(folder).chmod(0o700)

        with pytest.raises(servers.ServerError, match="cannot enter"):
            servers.start(data_dir, durable=False)

        assert servers.reset(data_dir) == [data_dir]


def test_given_servers_are_used_and_nothing_is_started(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example/x")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example/0")

    with servers.running(data_dir, durable=True) as found:
        pass

    assert found == servers.Servers("postgres://db.example/x", "redis://cache.example/0")
    assert not data_dir.exists()


def test_a_checkout_is_never_deleted() -> None:
    checkout = Path(__file__).resolve().parents[2]

    with pytest.raises(servers.ServerError, match="nothing was deleted"):
        servers.reset(checkout)


@pytest.mark.parametrize(
    ("given", "for_celery"),
    [
        ("unix:///tmp/a/valkey.sock", "redis+socket:///tmp/a/valkey.sock?virtual_host=0"),
        ("unix:///tmp/a/valkey.sock?db=3", "redis+socket:///tmp/a/valkey.sock?virtual_host=3"),
        ("redis://cache.example:6379/2", "redis://cache.example:6379/2"),
        ("rediss://:word@cache.example/0", "rediss://:word@cache.example/0"),
    ],
)
def test_celery_gets_its_own_spelling(given: str, for_celery: str) -> None:
    assert servers.celery_broker_url(given) == for_celery


def test_django_gets_the_folder_of_the_socket() -> None:
    here = place.Place(Path("/x"), Path("/x"), Path("/tmp/Some_Folder"), None)

    database = servers.with_socket_host(environ.Env.db_url_config(postgres.database_url(here)))

    assert (database["HOST"], database["NAME"], database["USER"]) == (
        "/tmp/Some_Folder",
        "teaminbox",
        "teaminbox",
    )
