"""Do relations in the database point down, as imports do? Import contracts do not see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.utils.module_loading import import_string

from tests.architecture.source import APPS, ROOT

HEIGHT = {"accounts": 0, "compliance": 1, "routing": 1, "inbox": 2}


def relations() -> Iterator[tuple[type[Model], str, type[Model]]]:
    """List our models' own relations to our models: who, by which field, to whom."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            target = field.related_model
            if field.auto_created or not isinstance(target, type):
                continue
            if {model._meta.app_label, target._meta.app_label} <= HEIGHT.keys():
                yield model, field.name, target


def points_down(source: str, target: str) -> bool:
    return source == target or HEIGHT[source] > HEIGHT[target]


def test_relations_point_down() -> None:
    upward = [
        f"{model._meta.label}.{name} -> {target._meta.label}"
        for model, name, target in relations()
        if not points_down(model._meta.app_label, target._meta.app_label)
    ]

    assert upward == []


def test_there_are_relations_to_judge() -> None:
    assert len(list(relations())) > 10


@pytest.mark.parametrize(
    ("source", "target", "is_down"),
    [
        ("inbox", "accounts", True),
        ("inbox", "routing", True),
        ("inbox", "inbox", True),
        ("accounts", "inbox", False),
        ("routing", "compliance", False),
        ("compliance", "routing", False),
    ],
)
def test_what_down_means(source: str, target: str, is_down: bool) -> None:
    assert points_down(source, target) is is_down


@pytest.mark.parametrize("name", APPS)
def test_every_app_is_installed_under_its_own_name(name: str) -> None:
    assert (ROOT / name / "apps.py").exists()
    assert apps.get_app_config(name).name == name


def named_by_settings(value: object) -> Iterator[str]:
    """Find every dotted name of ours in a setting, however deep it lies."""
    if isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from named_by_settings(part)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from named_by_settings(part)
    elif isinstance(value, str) and value.split(".")[0] in (*APPS, "config") and "*" not in value:
        yield value


def exists(name: str) -> bool:
    """Tell whether this is a module, something in a module, or a model."""
    try:
        import_string(name) if "." in name else __import__(name)
    except ImportError:
        pass
    else:
        return True
    try:
        return bool(apps.get_model(name))
    except (LookupError, ValueError):
        return _is_module(name)


def _is_module(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def test_everything_that_settings_name_exists() -> None:
    names = {
        name
        for setting in dir(settings)
        if setting.isupper() and setting != "LOGGING"
        for name in named_by_settings(getattr(settings, setting))
    }

    missing = sorted(name for name in names if not exists(name))

    assert len(names) > 5
    assert missing == []
