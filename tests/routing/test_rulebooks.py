"""Do rules hold only when they are published, and can nobody change what held?"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import AuditEntry
from routing.differences import Difference, Kind
from routing.documents import DocumentError
from routing.facts import Directory, Person
from routing.lint import Known, Level
from routing.models import Rulebook, RulebookVersion
from routing.rulebooks import (
    DraftChangedError,
    FindingsError,
    RulebookError,
    bring_back,
    make_rulebook,
    publish,
    rules_of,
    save_draft,
)
from tests.conftest import NOW, House
from tests.factories import make_account, make_user

PEOPLE = Directory({1: Person(1, "Anna")}, 1, {1: (1,)})


def document(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"id": "a", "name": "A", **rule} for rule in rules]}


TAGS = document({"then": {"tags": ["x"]}})
ON_SMS = {"all": [{"fact": "channel", "test": "is_any", "value": ["sms"]}]}
OTHER = document({"if": ON_SMS, "then": {"tags": ["y"]}}, {"id": "b", "name": "B"})


@pytest.fixture
def book(house: House) -> Rulebook:
    return make_rulebook(account=house.account, name=" Support  rules ", by=house.sue, now=NOW)


def write(house: House, book: Rulebook, what: Any, seen: int) -> Rulebook:
    return save_draft(rulebook=book, document=what, seen=seen, by=house.sue, now=NOW)


def let_hold(house: House, book: Rulebook, seen: int, **more: Any) -> RulebookVersion:
    given: dict[str, Any] = {"note": "why", "directory": PEOPLE, "known": Known(), **more}
    return publish(rulebook=book, seen=seen, by=house.sue, now=NOW, **given)


def test_a_draft_holds_only_when_it_is_published(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    assert rules_of(book).rules == ()

    version = let_hold(house, book, seen=2, note=" For  VIPs ")

    book.refresh_from_db()
    assert (book.name, version.number, version.note) == ("Support rules", 1, "For VIPs")
    assert [rule.actions.tags for rule in rules_of(book).rules] == [("x",)]
    assert rules_of(book).version == 1
    line = AuditEntry.objects.get(action="rules_published")
    assert line.data["rules"] == [{"rule": "A", "what": "added", "parts": []}]


def test_who_writes_second_is_told_what_the_first_did(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)

    with pytest.raises(DraftChangedError, match="Sue") as refused:
        save_draft(rulebook=book, document=OTHER, seen=1, by=house.alice, now=NOW)

    # From what the second wrote to what stands there now.
    assert refused.value.differences == (
        Difference(Kind.CHANGED, "a", "A", ("condition", "actions")),
        Difference(Kind.REMOVED, "b", "B"),
    )
    book.refresh_from_db()
    assert (book.draft_version, book.draft["rules"][0]["then"]) == (2, {"tags": ["x"]})


def test_nonsense_is_not_kept(house: House, book: Rulebook) -> None:
    with pytest.raises(DocumentError):
        write(house, book, document({"then": {"priority": "loud"}}), seen=1)
    book.refresh_from_db()
    assert book.draft_version == 1


def test_a_draft_that_nobody_saw_is_not_published(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    with pytest.raises(DraftChangedError):
        let_hold(house, book, seen=1)
    assert not RulebookVersion.objects.exists()


def test_errors_block_and_warnings_ask(house: House, book: Rulebook) -> None:
    write(house, book, document({"then": {"to": [{"who": "people", "people": [99]}]}}), seen=1)
    with pytest.raises(FindingsError) as blocked:
        let_hold(house, book, seen=2, is_sure=True)
    assert Level.ERROR in {finding.level for finding in blocked.value.findings}

    asks = {"fact": "text", "test": "equals", "value": "stop"}
    write(house, book, document({"if": {"all": [asks]}}), seen=2)
    reserved = Known(is_wish=lambda words: words == "stop")
    with pytest.raises(FindingsError, match="warnings"):
        let_hold(house, book, seen=3, known=reserved)
    assert let_hold(house, book, seen=3, known=reserved, is_sure=True).number == 1


def test_the_same_rules_are_not_published_twice(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    let_hold(house, book, seen=2)
    with pytest.raises(RulebookError, match="already"):
        let_hold(house, book, seen=2)
    assert RulebookVersion.objects.count() == 1


def test_an_older_version_comes_back_as_a_new_one(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    first = let_hold(house, book, seen=2)
    write(house, book, OTHER, seen=2)
    let_hold(house, book, seen=3)

    back = bring_back(version=first, note="Too loud", by=house.sue, now=NOW)

    book.refresh_from_db()
    assert (back.number, back.restored_from, book.published) == (3, 1, back)
    assert book.draft == first.document
    with pytest.raises(RulebookError, match="already"):
        bring_back(version=first, note="", by=house.sue, now=NOW)


def test_a_draft_in_work_stays_when_a_version_comes_back(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    first = let_hold(house, book, seen=2)
    write(house, book, OTHER, seen=2)
    let_hold(house, book, seen=3)
    draft = write(house, book, document({"name": "In work"}), seen=3)

    bring_back(version=first, note="", by=house.sue, now=NOW)

    book.refresh_from_db()
    assert (book.draft, book.draft_version) == (draft.draft, 4)


def test_nobody_changes_what_held(house: House, book: Rulebook) -> None:
    write(house, book, TAGS, seen=1)
    version = let_hold(house, book, seen=2)
    rows = RulebookVersion.objects.filter(pk=version.pk)
    for act in (lambda: rows.update(note="nothing"), lambda: rows._raw_delete(rows.db)):
        with pytest.raises(ProgrammingError), transaction.atomic():
            act()


@pytest.mark.parametrize("name", ["", "  ", "SUPPORT rules"])
def test_names_are_told_apart(house: House, book: Rulebook, name: str) -> None:
    with pytest.raises(RulebookError):
        make_rulebook(account=house.account, name=name, by=house.sue, now=NOW)


def test_an_account_has_one_rulebook_that_is_always_first(house: House) -> None:
    given: dict[str, Any] = {"account": house.account, "by": house.sue, "now": NOW}
    make_rulebook(name="First", is_always_first=True, **given)
    with pytest.raises(RulebookError):
        make_rulebook(name="Second", is_always_first=True, **given)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_publish_at_once_one_does() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada")
    book = make_rulebook(account=account, name="Rules", by=ada, now=NOW)
    save_draft(rulebook=book, document=TAGS, seen=1, by=ada, now=NOW)
    ready = Barrier(8)

    def try_it(_: int) -> bool:
        ready.wait()
        try:
            publish(
                rulebook=book, seen=2, note="", directory=PEOPLE, known=Known(), by=ada, now=NOW
            )
        except RulebookError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_it, range(8))) == 1
    assert [version.number for version in RulebookVersion.objects.all()] == [1]
