"""Do our files say what they should, and nothing that belongs to one machine?"""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from tests.architecture.source import PACKAGES, ROOT, files, modules, text

# In pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(("pypi", "org")),
    "".join(("python", "hosted")),
    "".join(("npm", "js")),
    ".".join(("deb", "debian")),
]
HOMES = ["home/[a-z]+", "Users/[A-Za-z]+", "root", "work"]
REGISTRY = re.compile("|".join(re.escape(host) for host in REGISTRIES), re.IGNORECASE)
MACHINE_PATH = re.compile(rf"(?<![\w.~}}/-])/(?:{'|'.join(HOMES)})/|{re.escape(str(ROOT))}\b")
README = ROOT / "README.md"
IN_README = README.read_text() if README.exists() else ""


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in files()
        for number, line in enumerate(text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


def test_the_patterns_find_what_they_look_for() -> None:
    assert REGISTRY.search("https://" + REGISTRIES[0] + "/simple")
    assert MACHINE_PATH.search("see /" + "home/alice/notes")
    assert MACHINE_PATH.search(f'"{ROOT}/manage.py"')
    assert not MACHINE_PATH.search("GET /api/v1/conversations/work/")


def test_every_module_says_which_question_it_answers() -> None:
    silent = [
        str(path)
        for path in modules()
        if (source := text(path).strip()) and not ast.get_docstring(ast.parse(source))
    ]

    assert silent == []


@pytest.mark.parametrize(
    "name",
    sorted(set(re.findall(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\([^`]*\))?`", IN_README))),
)
def test_a_name_in_the_readme_exists(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return
    pytest.fail(f"README.md names {name}, which does not exist")


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|toml))`", IN_README)))
)
def test_a_file_in_the_readme_exists(name: str) -> None:
    # What the commands make (.demo/, .bench/) is not there in a fresh clone.
    assert name.startswith(".") or (ROOT / name).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`make ([a-z-]+)", IN_README))))
def test_a_command_in_the_readme_exists(name: str) -> None:
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
