"""Is every place where a person may be known to both an export and an erasure?

A model, or a field that may hold words or numbers, that is not placed fails here: see
`inbox.person_places`.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BinaryField,
    CharField,
    FileField,
    JSONField,
    Model,
    TextField,
)
from django.test import Client

from accounts.models import User
from inbox.models import Message
from inbox.person_places import NOBODY_IN, PLACES, Fate, rows_of
from inbox.setup.person_export import READ_ME, export_of
from inbox.setup.persons import person_of
from routing.models import RuleExample
from tests.admin_world import our_models
from tests.conftest import House
from tests.factories import make_user
from tests.inbox.forgetting.people import PHONE, WORDS, leave_traces
from tests.twilio import text_in

NOW = datetime.fromisoformat("2027-03-01T12:00:00+00:00")
TEXTUAL = (ArrayField, BinaryField, CharField, FileField, JSONField, TextField)


def texts_of(model: type[Model]) -> set[str]:
    """Return the fields of a model that may hold words or numbers of somebody."""
    return {field.name for field in model._meta.concrete_fields if isinstance(field, TEXTUAL)}


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_model_is_placed(model: type[Model]) -> None:
    is_place = any(place.model is model for place in PLACES)

    assert is_place != (model._meta.label_lower in NOBODY_IN), (
        f"Say in inbox/person_places.py whether {model._meta.label} holds words or numbers of "
        "customers (PLACES, and then an export and an erasure have it) or why not (NOBODY_IN)."
    )


def test_nothing_is_placed_that_is_not_there() -> None:
    assert set(NOBODY_IN) <= {model._meta.label_lower for model in our_models()}
    assert len({place.model for place in PLACES}) == len(PLACES)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_field_of_a_place_is_words_or_facts(place: Any) -> None:
    said = {*place.words, *place.facts}

    assert texts_of(place.model) - said == set()
    assert not set(place.words) & set(place.facts)
    assert said <= {field.name for field in place.model._meta.get_fields()}
    assert place.words or place.fate is Fate.KEPT


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_place_is_told_in_a_file_of_the_export(place: Any) -> None:
    # A key is no word of anybody: what it opens is told. What a colleague began to write and has
    # not said is theirs alone. What a merge keeps of two cards stands on the card they became.
    untold = {"consentkey", "draft", "mergelog"}
    assert (place.told_in in READ_ME) if place.told_in else (place.name in untold)


@pytest.fixture
def traces(house: House, client: Client, settings: Any, tmp_path: Path) -> Any:
    settings.MEDIA_ROOT = str(tmp_path)
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    contact = leave_traces(client, house, ada, NOW)
    person = person_of(house.account, contact.public_id)
    assert person is not None
    return person


def test_an_export_tells_every_word_that_an_erasure_takes(traces: Any) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(export_of(traces, now=NOW)))) as pack:
        files = {name: pack.read(name).decode("utf-8", "replace") for name in pack.namelist()}
    everything = "\n".join(files.values())

    # A hold is not there yet, and SG… is said by another test's proof.
    wanted = set(WORDS) - {"zanzibar-hold", "SG.ZANZIBAR", "zanzibar-draft"}
    assert {word for word in wanted if word not in everything} == set()
    assert {place.told_in for place in PLACES if place.told_in} <= set(files)
    assert "zanzibar-draft" not in everything


def test_every_place_that_has_rows_in_these_tests_finds_them(traces: Any) -> None:
    empty = {place.name for place in PLACES if not rows_of(place.model, traces.whom).exists()}

    # Nobody held, erased or refused them, and nothing was sent.
    assert empty <= {"legalhold", "suppression", "providerblock", "gatedecision"}


def test_nobody_elses_rows_are_found(traces: Any, house: House, client: Client) -> None:
    text_in(client, house.sender, "+14155550155", "I am somebody else")
    before = {place.name: rows_of(place.model, traces.whom).count() for place in PLACES}
    text_in(client, house.sender, "+14155550155", f"Call {PHONE}, they know me")

    assert {place.name: rows_of(place.model, traces.whom).count() for place in PLACES} == before
    assert Message.objects.count() - before["message"] >= 2


def test_a_short_text_of_an_example_is_nobodys(traces: Any, house: House) -> None:
    [example] = RuleExample.objects.all()
    example.facts = {"text": "hello"}
    example.save()
    Message.objects.filter(thread__contact=traces.contact).update(body="hello")
    assert not rows_of(RuleExample, traces.whom).exists()

    long = "zanzibar-body wants a boat for two"
    RuleExample.objects.update(facts={"text": long}, changed_at=NOW + timedelta(days=1))
    Message.objects.filter(thread__contact=traces.contact).update(body=long)
    assert rows_of(RuleExample, traces.whom).count() == 1
