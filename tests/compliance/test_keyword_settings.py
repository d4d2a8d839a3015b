"""An account's own keywords as they are kept: one meaning per place, twenty at most, audited."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account, AuditEntry, User
from compliance.classify import Context, classify
from compliance.keyword_settings import (
    NO_WORDS,
    add_keyword,
    keywords_of,
    own_table,
    remove_keyword,
    replace_keywords,
    switchable,
)
from compliance.models import AccountKeyword
from compliance.own_keywords import MOST, OwnKeyword, OwnKeywordsRefused
from tests.factories import make_account, make_user

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def acme(db: None) -> Account:
    return make_account("Acme")


@pytest.fixture
def ada(acme: Account) -> User:
    return make_user(acme, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def add(by: User, *row: str) -> AccountKeyword:
    """Add a word: action, word, language, country."""
    assert by.account is not None
    return add_keyword(account=by.account, keyword=OwnKeyword(*row), by=by, now=NOW)


def words(account: Account) -> set[tuple[str, ...]]:
    """Return what is kept."""
    rows = keywords_of(account.pk)
    return {(row.action, row.word, row.language, row.country) for row in rows}


def test_a_word_counts_from_the_next_message_on_and_for_its_account_alone(ada: User) -> None:
    assert ada.account is not None
    other = make_account("Umbrella")
    assert own_table(ada.account.pk, ["de"]) == NO_WORDS

    add(ada, "opt_out", " Genug ", "de-AT")

    table = own_table(ada.account.pk, ["de"])
    reading = classify("genug!", languages=["de"], context=Context(own_keywords=table))
    assert (reading.label, reading.kind) == ("opt_out", "exact")
    assert own_table(ada.account.pk, ["en"]) == own_table(other.pk, ["de"]) == {}
    assert words(ada.account) == {("opt_out", "Genug", "de", "")}


def test_a_message_costs_one_small_query_whatever_is_kept(
    ada: User, django_assert_num_queries: Any
) -> None:
    assert ada.account is not None
    with django_assert_num_queries(1):
        own_table(ada.account.pk, ["en"])
    add(ada, "help", "soporte", "", "mx")
    with django_assert_num_queries(1):
        assert own_table(ada.account.pk, ["es"], "MX") == {"soporte": "help"}


def test_what_is_read_cannot_be_changed_by_who_reads_it(ada: User) -> None:
    assert ada.account is not None
    add(ada, "opt_out", "genug")
    with pytest.raises(TypeError):
        own_table(ada.account.pk, ["en"])["genug"] = "none"  # type: ignore[index]


def test_a_conflict_is_refused_naming_both_and_nothing_is_kept(ada: User) -> None:
    assert ada.account is not None
    add(ada, "opt_out", "Genug")
    with pytest.raises(OwnKeywordsRefused, match=r"“Genug”.*“GENUG!”"):
        add(ada, "help", "GENUG!")
    with pytest.raises(OwnKeywordsRefused, match=r"“stop”.*“STOP”"):
        add(ada, "help", "stop")
    with pytest.raises(OwnKeywordsRefused, match="there already"):
        add(ada, "opt_out", "genug.")
    assert words(ada.account) == {("opt_out", "Genug", "", "")}
    assert AuditEntry.objects.filter(action="own_keywords_changed").count() == 1


def test_twenty_words_are_kept_and_the_next_is_refused_until_one_goes(ada: User) -> None:
    assert ada.account is not None
    first, *_ = [add(ada, "opt_out", f"genug {number}") for number in range(MOST)]
    with pytest.raises(OwnKeywordsRefused, match="too many"):
        add(ada, "opt_out", "einer mehr")
    add(ada, "opt_out", "einer mehr", "de")  # another place has room of its own
    assert remove_keyword(account=ada.account, pk=first.pk, by=ada, now=NOW) == "genug 0"
    assert add(ada, "opt_out", "noch einer").slot == first.slot


def test_only_an_own_word_can_be_removed(ada: User) -> None:
    other = make_account("Umbrella")
    row = add(ada, "opt_out", "genug")
    with pytest.raises(AccountKeyword.DoesNotExist):
        remove_keyword(account=other, pk=row.pk, by=ada, now=NOW)
    assert AccountKeyword.objects.count() == 1


def test_all_at_once_is_all_or_nothing(ada: User) -> None:
    assert ada.account is not None
    kept = add(ada, "opt_out", "genug")
    add(ada, "help", "hilfe")
    swapped = [OwnKeyword("opt_out", "genug"), OwnKeyword("opt_out", "hilfe")]
    replace_keywords(account=ada.account, wanted=swapped, by=ada, now=NOW)
    assert words(ada.account) == {("opt_out", "genug", "", ""), ("opt_out", "hilfe", "", "")}
    assert AccountKeyword.objects.get(word="genug").pk == kept.pk
    with pytest.raises(OwnKeywordsRefused):
        replace_keywords(account=ada.account, wanted=[OwnKeyword("help", "")], by=ada, now=NOW)
    assert len(words(ada.account)) == 2
    line = AuditEntry.objects.filter(action="own_keywords_changed").latest("pk")
    assert line.data["added"] == ["“hilfe” (everywhere), which opts people out"]
    assert line.data["removed"] == ["“hilfe” (everywhere), which asks for help"]
    assert line.actor == ada


def test_to_write_the_same_again_changes_nothing_and_is_no_line(ada: User) -> None:
    assert ada.account is not None
    add(ada, "opt_out", "genug")
    same = [OwnKeyword("opt_out", "genug")]
    replace_keywords(account=ada.account, wanted=same, by=ada, now=NOW)
    assert AuditEntry.objects.filter(action="own_keywords_changed").count() == 1


def test_words_of_every_inbox_cannot_be_switched_off(ada: User) -> None:
    assert switchable("BAJA", "es") == OwnKeyword("none", "BAJA", "es")
    for word, language in [("STOP", "en"), ("YES", "en"), ("CANCEL", "en"), ("NOWORD", "en")]:
        with pytest.raises(OwnKeywordsRefused):
            switchable(word, language)


@pytest.mark.parametrize(
    "wrong",
    [
        {"form": "hilfe", "slot": 1},  # the slot is taken
        {"form": "genug", "slot": 2},  # the word is taken
        {"form": "genug", "slot": 2, "action": "help"},  # … whatever it asks for
        {"form": "hilfe", "slot": 21},
        {"form": "hilfe", "slot": 0},
        {"form": "hilfe", "slot": 2, "action": "leave"},
        {"form": "hilfe", "slot": 2, "language": "DE"},
        {"form": "hilfe", "slot": 2, "country": "at"},
        {"form": "", "slot": 2},
    ],
)
def test_the_database_refuses_what_no_story_would_write(ada: User, wrong: dict[str, Any]) -> None:
    add(ada, "opt_out", "genug")
    row = {"account": ada.account, "action": "opt_out", "word": "x", "added_at": NOW, **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountKeyword.objects.create(**row)
