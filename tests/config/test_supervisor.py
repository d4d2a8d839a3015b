"""Do several processes start, speak, restart and stop as one?"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import supervisor
from config.supervisor import Patience, Program, Supervisor, SupervisorError

ROOT = Path(__file__).resolve().parents[2]
IMPATIENT = Patience(
    grace_s=1, first_pause_s=0.05, longest_pause_s=0.1, steady_after_s=30, quick_deaths=3
)
SLEEP = "import time; time.sleep(60)"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
child.wait()
"""
SERVER = """
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def python(name: str, code: str, **more: Any) -> Program:
    return Program(name, [sys.executable, "-c", code], **more)


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def eventually(check: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_lines_carry_the_name_of_who_speaks(tmp_path: Path) -> None:
    out = io.StringIO()
    programs = [
        python("web", f"print('hello', flush=True); {SLEEP}"),
        python("clock", f"print('tick', flush=True); {SLEEP}"),
    ]

    with Supervisor(programs, out=out, log_dir=tmp_path) as everything:
        everything.start()
        assert eventually(lambda: out.getvalue().count("\n") == 2)

    assert set(out.getvalue().splitlines()) == {"web   | hello", "clock | tick"}
    assert (tmp_path / "web.log").read_text() == "hello\n"


def test_programs_start_in_order_each_when_the_one_before_is_ready(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    marks = f"import pathlib, sys, time; mark = pathlib.Path({str(mark)!r})\n"
    slow = marks + "time.sleep(0.3); mark.touch(); time.sleep(60)"
    check = marks + "sys.exit(not mark.exists())"
    programs = [python("first", slow, is_ready=mark.exists), python("second", check)]

    with Supervisor(programs, out=io.StringIO()) as everything:
        everything.start()
        second = everything._children[1]._process
        assert second
        assert second.wait(10) == 0


def test_nothing_stays_behind_when_the_block_ends() -> None:
    programs = [python("one", SLEEP), python("two", SLEEP)]

    with Supervisor(programs, out=io.StringIO()) as everything:
        everything.start()
        pids = everything.pids
        assert set(pids) == {"one", "two"}

    assert everything.pids == {}
    assert all(is_gone(pid) for pid in pids.values())


def test_what_a_child_started_ends_with_it() -> None:
    out = io.StringIO()

    with Supervisor([python("pool", PARENT)], out=out, patience=IMPATIENT) as everything:
        everything.start()
        assert eventually(lambda: "\n" in out.getvalue())
        grandchild = int(out.getvalue().split("|")[1])
        assert not is_gone(grandchild)

    assert eventually(lambda: is_gone(grandchild))


def test_who_does_not_listen_is_killed_after_the_grace_time() -> None:
    out = io.StringIO()

    with Supervisor([python("deaf", DEAF)], out=out, patience=IMPATIENT) as everything:
        everything.start()
        assert eventually(lambda: "deaf | deaf" in out.getvalue())
        began = time.monotonic()

    assert 0.9 < time.monotonic() - began < 5
    assert "does not stop within 1 s: killed" in out.getvalue()


def test_who_dies_is_started_again_and_it_is_said() -> None:
    out = io.StringIO()

    with Supervisor([python("worker", SLEEP)], out=out, patience=IMPATIENT) as everything:
        everything.start()
        first = everything.pids["worker"]
        os.kill(first, signal.SIGKILL)
        watching = threading.Thread(target=everything.watch)
        watching.start()
        assert eventually(lambda: everything.pids.get("worker", first) != first)
        everything.ask_to_stop()
        watching.join()

    assert "worker | ended by SIGKILL; starting it again in 0.05 s" in out.getvalue()


def test_who_keeps_dying_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    program = python("worker", "print('no such table: message'); raise SystemExit(3)")

    with Supervisor(
        [program], out=io.StringIO(), log_dir=tmp_path, patience=IMPATIENT
    ) as everything:
        everything.start()
        with pytest.raises(SupervisorError) as caught:
            everything.watch()

    assert "worker ended 3 times in a row" in caught.value.reason
    assert "no such table: message" in caught.value.reason
    assert str(tmp_path / "worker.log") in caught.value.reason


def test_a_death_before_it_was_ready_is_told_at_once() -> None:
    program = python("web", "print('port is taken'); raise SystemExit(1)", is_ready=lambda: False)

    with (
        Supervisor([program], out=io.StringIO()) as everything,
        pytest.raises(SupervisorError, match="(?s)ended before it was ready.*port is taken"),
    ):
        everything.start()


def test_waiting_for_readiness_has_an_end() -> None:
    program = python("web", SLEEP, is_ready=lambda: False, ready_within_s=0.3)

    with (
        Supervisor([program], out=io.StringIO()) as everything,
        pytest.raises(SupervisorError, match="was not ready within"),
    ):
        everything.start()


def test_a_missing_command_is_said_in_words() -> None:
    with (
        Supervisor([Program("web", ["/no/such/program"])], out=io.StringIO()) as everything,
        pytest.raises(SupervisorError, match="web cannot be started"),
    ):
        everything.start()


def test_readiness_by_port_and_by_http() -> None:
    out = io.StringIO()

    with Supervisor([python("web", SERVER)], out=out) as everything:
        everything.start()
        assert eventually(lambda: "\n" in out.getvalue())
        port = int(out.getvalue().split("|")[1].split()[0])
        assert supervisor.listens_on(port)()
        assert supervisor.answers_http(f"http://127.0.0.1:{port}/")()
        assert supervisor.answers_http(f"http://127.0.0.1:{port}/nothing-here")()

    assert not supervisor.listens_on(port)()
    assert not supervisor.answers_http(f"http://127.0.0.1:{port}/")()


FAMILY = textwrap.dedent(
    """
    import sys
    from config.supervisor import Program, Supervisor, run_until_interrupted
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    family = Supervisor([Program("one", sleep), Program("two", sleep)])
    run_until_interrupted(family, once_ready=lambda: print(*family.pids.values(), flush=True))
    print("all stopped", flush=True)
    """
)


def family(*command: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a small family below another process and return it with the numbers of its children."""
    process = subprocess.Popen(
        [*command] or [sys.executable, "-c", FAMILY],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stdout
    return process, [int(word) for word in process.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_the_whole_family(number: signal.Signals) -> None:
    process, children = family()

    process.send_signal(number)
    said, _ = process.communicate(timeout=10)

    assert len(children) == 2
    assert all(is_gone(child) for child in children)
    assert said.endswith("all stopped\n")
    assert process.returncode == 0


def test_a_signal_is_heard_whatever_we_are_at() -> None:
    signals = textwrap.dedent(
        """
        import random, signal
        from config.supervisor import Supervisor, run_until_interrupted
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
        for _ in range(30):
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-4), 0.02)
            run_until_interrupted(Supervisor([]))
            signal.setitimer(signal.ITIMER_REAL, 0)
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", signals],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0


@pytest.mark.parametrize("is_whole_group", [True, False])
def test_no_orphans_when_make_is_the_parent(tmp_path: Path, is_whole_group: bool) -> None:
    makefile = tmp_path / "Makefile"
    (tmp_path / "family.py").write_text(FAMILY)
    makefile.write_text(f"demo:\n\t@exec {sys.executable} {tmp_path}/family.py\n")
    process, children = family("make", "-f", str(makefile), "demo")

    # A terminal's Ctrl-C goes to the whole group; `kill` goes to make alone.
    if is_whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    process.communicate(timeout=10)

    assert len(children) == 2
    assert eventually(lambda: all(map(is_gone, children)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_even_our_own_sudden_death_leaves_nobody() -> None:
    process, children = family()

    process.kill()
    process.communicate(timeout=10)

    assert len(children) == 2
    assert eventually(lambda: all(map(is_gone, children)))
