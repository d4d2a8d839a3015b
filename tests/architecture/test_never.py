"""Is something used that this house never uses, not even at its edges?"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import PACKAGES, modules, text

SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals")
# Timers are rows that a clock polls: Celery runs a late task twice, or after an hour.
TIMERS = {"eta", "countdown"}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in modules():
        if path.parts[0] in PACKAGES:
            for node in ast.walk(ast.parse(text(path))):
                yield f"{path}:{getattr(node, 'lineno', 0)}", node


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def is_timer(node: ast.AST) -> bool:
    """Tell whether this is a task called with a time: `task.apply_async(countdown=60)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"apply_async", "retry", "send_task", "signature", "s", "si", "set"}
        and any(keyword.arg in TIMERS for keyword in node.keywords)
    )


def test_nobody_uses_signals() -> None:
    assert [where for where, node in nodes() if set(imported(node)) & set(SIGNALS)] == []


def test_no_task_is_sent_for_later() -> None:
    assert [where for where, node in nodes() if is_timer(node)] == []


def test_the_search_finds_what_it_looks_for() -> None:
    source = "from django.db.models import signals\ntask.apply_async([1], countdown=60)"
    found = list(ast.walk(ast.parse(source)))

    assert any(set(imported(node)) & set(SIGNALS) for node in found)
    assert any(is_timer(node) for node in found)
