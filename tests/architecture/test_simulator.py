"""Can the simulator agree with us by accident? Only if it loads something of ours."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.source import ROOT

LOAD_ALL = """
import importlib, pkgutil, sys
import inbox.twilio.simulator as simulator
for found in pkgutil.walk_packages(simulator.__path__, simulator.__name__ + "."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print("\\n".join(sys.modules))
"""
# The packages that it lies in come along; they hold a docstring each.
MAY = {"inbox", "inbox.twilio"}
NOT_ITS_OWN = (
    "accounts",
    "celery",
    "channels",
    "compliance",
    "config",
    "django",
    "inbox",
    "routing",
)


def test_the_simulator_loads_nothing_of_ours() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())

    foreign = [
        name
        for name in sorted(loaded - MAY)
        if name.split(".")[0] in NOT_ITS_OWN and not name.startswith("inbox.twilio.simulator")
    ]

    assert "inbox.twilio.simulator" in loaded
    assert foreign == []
