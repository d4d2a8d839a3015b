"""Does it run as a process of its own, and remember?"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.conftest import CUSTOMER, FAST, NUMBER, config_for
from tests.simulator.product import Product
from tests.simulator.twilio_client import twilio_client

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    """Start the simulator as `make demo` does and yield its address."""
    running = subprocess.Popen(
        [sys.executable, "-m", "inbox.twilio.simulator", "--port", "0", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield found[0]
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def ask(url: str, method: str, path: str, body: Any = None) -> Any:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    return json.loads(answer.read())


def test_a_restart_remembers_messages_files_opt_outs_and_the_clock(
    tmp_path: Path, product: Product
):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_for(product)))
    state = tmp_path / "state"
    options = ("--config", str(config), "--state-dir", str(state), "--seed", "3")
    with process(*options) as url:
        sid = ask(
            url,
            "POST",
            "/_sim/inbound",
            {"from": CUSTOMER, "to": NUMBER, "body": "STOP", "media": [{"sample": "photo"}]},
        )["message_sid"]
        ask(url, "POST", "/_sim/clock", {"advance_seconds": 3600})
    with process(*options) as url:
        query = f"customer={CUSTOMER}&sender={NUMBER}".replace("+", "%2B")
        thread = ask(url, "GET", f"/_sim/messages?{query}")
        assert [one["by"] for one in thread["messages"]] == ["customer", "network"]
        assert thread["opted_out"] is True
        assert ask(url, "GET", "/_sim/state")["clock"]["offset_seconds"] == 3600
        client = twilio_client(url, "AC" + "a" * 32, "1" * 32)
        assert client.messages(sid).media.list()[0].content_type == "image/jpeg"
        again = ask(url, "POST", "/_sim/inbound", {"from": CUSTOMER, "to": NUMBER})
        assert again["message_sid"] != sid


def test_a_message_on_its_way_goes_on_after_a_restart(tmp_path: Path, product: Product):
    config = tmp_path / "config.json"
    options = ("--config", str(config), "--state-dir", str(tmp_path / "state"))
    slow = {**config_for(product), "settings": {**FAST, "sending_delay": 600}}
    config.write_text(json.dumps(slow))
    with process(*options) as url:
        client = twilio_client(url, "AC" + "a" * 32, "1" * 32)
        made = client.messages.create(
            to=CUSTOMER, from_=NUMBER, body="x", status_callback=f"{product.url}/status"
        )
    config.write_text(json.dumps(config_for(product)))
    with process(*options) as url:
        product.wait("/status", 3)
        client = twilio_client(url, "AC" + "a" * 32, "1" * 32)
        ask(url, "POST", "/_sim/settle", {})
        assert client.messages(made.sid).fetch().status == "delivered"


def test_a_configuration_that_makes_no_sense_ends_the_start(tmp_path: Path):
    config = tmp_path / "config.json"
    config.write_text('{"colour": "blue"}')
    ended = subprocess.run(
        [sys.executable, "-m", "inbox.twilio.simulator", "--port", "0", "--config", str(config)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2
    assert "config has unknown keys: colour" in ended.stderr


@pytest.mark.parametrize("module", ["django", "twilio", "inbox.models", "requests"])
def test_it_knows_neither_django_nor_twilios_library_nor_us(module: str):
    code = f"import sys, inbox.twilio.simulator.__main__; sys.exit('{module}' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PATH": os.environ["PATH"]}, check=False
    )
    assert ended.returncode == 0
