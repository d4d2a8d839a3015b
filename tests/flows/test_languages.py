"""Does everybody read the product in their language, wherever it speaks?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from accounts.models import FeatureGrant, User
from accounts.places import _REGIONS
from accounts.retelling import retold
from compliance.jurisdictions import shipped_pack
from inbox.models import TeamInbox
from inbox.settings_urls import urlpatterns
from inbox.setup.expiring import mail_notices, note_expiries
from inbox.setup.invitations import Asked, invite, send_owed
from inbox.tongues import languages
from tests.admin_world import content_of
from tests.conftest import NOW, House
from tests.factories import make_user
from tests.flows.test_together import Stage, stage
from tests.pseudo import bare_words, bracketed, client_words_of

__all__ = ["stage"]

Login = Callable[[User], Client]


def speaks(user: User, language: str = "es") -> User:
    """Let somebody choose a language."""
    user.language = language
    user.save(update_fields=["language"])
    return user


# --- Nothing is left in English -------------------------------------------------------------------

# Names of people, companies and products, and what somebody wrote: no language changes them.
_WRITTEN = "Alice|Bob|Sue|Ada|Acme|Support|Su|Hello|Hi|Where is my|order|Northwind"
_PRODUCTS = (
    "Team Inbox|Twilio|WhatsApp|HubSpot|Salesforce|Messenger|Pro-CX|Ctrl|Enter|Esc|Alt|Shift"
)
# What stands in templates and is replaced.
_VARIABLES = "contact.|inbox.|bot.|agent.|first_name|name|number|opens_on|opens_at|opt_out_link"
# What a country asks, as the pack of rules says it: in the language of its sources.
_LAW = {text for row in shipped_pack().rows.values() for text in (row.name, *row.cells.values())}
DATA = {
    *"|".join((_WRITTEN, _PRODUCTS, _VARIABLES)).split("|"),
    *(name for _code, name in languages()),
    *_LAW - {""},
    # The regions of time zones, and how Spanish joins a date.
    *_REGIONS,
    "de",
    "zh",
}


PAGES = ("contacts", "reports", "reviews", "notifications", "profile")
PAGES_OF_ONE = ("panel", "print", "media", "templates", "transfer", "why", "channels")


@pytest.fixture
def pseudo(tmp_path: Path) -> Iterator[None]:
    with bracketed(tmp_path):
        yield


def test_the_pages_of_an_agent_say_nothing_that_cannot_be_translated(
    stage: Stage, login: Login, pseudo: None
) -> None:
    house = stage.house
    stage.hear("Where is my order?")
    stage.reply(house.alice, "Hi")
    alice = login(speaks(house.alice))
    here = {"slug": house.inbox.slug, "cid": stage.row.public_id}
    TeamInbox.objects.update(may_start_conversations=True)
    pages = [
        reverse("inbox", kwargs={"slug": house.inbox.slug}),
        reverse("conversation", kwargs=here),
        reverse("search") + "?q=order",
        reverse("saved"),
        reverse("begin", kwargs={"slug": house.inbox.slug}) + "?q=4155550100",
        reverse("contact", kwargs={"public_id": stage.row.contact.public_id}),
        *(reverse(name, kwargs={"cid": stage.row.public_id}) for name in PAGES_OF_ONE),
        *(reverse(name) for name in PAGES),
    ]
    found = {page: bare_words(content_of(alice.get(page)).decode(), DATA) for page in pages}
    assert not any(found.values()), found


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


PLAIN_SETTINGS = sorted(url.name for url in urlpatterns if url.name and "<" not in str(url.pattern))


def test_settings_say_nothing_that_cannot_be_translated(
    house: House, ada: User, login: Login, pseudo: None
) -> None:
    browser = login(speaks(ada))
    found = {}
    for name in PLAIN_SETTINGS:
        page = browser.get(reverse(name))
        if page.status_code == 200 and "html" in page["Content-Type"] and page.text:
            said = bare_words(page.text, DATA)
            # What customers are sent has a language of its own.
            found[name] = [words for words in said if not words.startswith("Acme: ")]
    assert not any(found.values()), {name: words for name, words in found.items() if words}


# --- What is said to whom -------------------------------------------------------------------------


def test_a_language_is_chosen_on_the_profile_and_stays(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)
    data = {"name": "Alice", "language": "es", "theme": "system", "availability": "available"}

    saved = alice.post(reverse("profile"), data, follow=True)
    again = login(User.objects.get(pk=stage.house.alice.pk)).get(
        reverse("inbox", kwargs={"slug": "support"}), headers={"Accept-Language": "en"}
    )

    assert "Guardado." in saved.text
    assert '<html lang="es" dir="ltr"' in again.text
    assert "Sin asignar" in again.text
    assert again["Content-Language"] == "es"
    assert client_words_of(again.text)["reload"] == "Recargar"


def test_what_is_read_out_is_chosen_on_the_profile_and_stays_where_it_is_not_asked(
    stage: Stage, login: Login
) -> None:
    alice = login(stage.house.alice)
    data = {"name": "Alice", "language": "", "theme": "system", "availability": "available"}
    inbox = reverse("inbox", kwargs={"slug": "support"})

    alice.post(reverse("profile"), {**data, "speaks": "open"})
    chosen = alice.get(inbox).text
    alice.post(reverse("profile"), data)
    wrong = alice.post(reverse("profile"), {**data, "speaks": "loud"})

    assert 'data-speaks="open"' in chosen
    assert 'data-speaks="open"' in alice.get(inbox).text
    assert wrong.status_code == 200


def test_a_language_that_is_none_of_ours_is_not_taken(house: House, login: Login) -> None:
    data = {"name": "Alice", "language": "xx", "theme": "system", "availability": "available"}

    page = login(house.alice).post(reverse("profile"), data)

    assert page.status_code == 200
    assert User.objects.get(pk=house.alice.pk).language == ""


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("es-MX,es;q=0.9,en;q=0.5", "es"), ("fr", "en"), ("", "en"), ("*", "en")],
)
def test_who_chose_nothing_is_answered_as_their_browser_asks(
    house: House, client: Client, login: Login, asked: str, answered: str
) -> None:
    headers = {"Accept-Language": asked}
    for page in (
        client.get(reverse("account_login"), headers=headers),
        login(house.alice).get(reverse("profile"), headers=headers),
    ):
        assert f'<html lang="{answered}"' in page.text
        assert page["Content-Language"] == answered
        assert "Accept-Language" in page["Vary"]


def test_settings_speak_spanish(ada: User, login: Login) -> None:
    page = login(speaks(ada)).get(reverse("settings_people"))

    assert "Administrador de la cuenta" in page.text
    assert "Account admin" not in page.text


def test_what_is_refused_is_said_in_the_language_of_whoever_asked(
    stage: Stage, login: Login
) -> None:
    close = reverse("close", kwargs={"cid": stage.row.public_id})
    headers = {"Accept": "application/json"}

    spanish, english = (
        login(user).post(close, {}, headers=headers).json()["detail"]
        for user in (speaks(stage.house.sue), stage.house.bob)
    )

    assert english == "The customer wrote again. Read it before you close."
    assert spanish == "El cliente escribió de nuevo. Léalo antes de cerrar."


def test_a_program_is_refused_in_the_language_it_asks_for(client: Client) -> None:
    refused = client.get("/api/v1/search/", headers={"Accept-Language": "es"})

    assert refused.status_code in {401, 403}
    assert refused["Content-Language"] == "es"
    assert "credenciales" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Sue has this conversation.", "Sue tiene esta conversación."),
        (
            "They texted STOP. The carrier will refuse every message until they text START. "
            "Call or e-mail instead.",
            "Envió STOP. El operador telefónico rechazará todos los mensajes hasta que envíe "
            "START. Llame o escriba por correo.",
        ),
        (
            "It is 22:15 where they are (America/New_York). Will go at Sat 28 Nov, 08:00 there.",
            "Donde está son las 22:15 (America/New_York). Saldrá el sáb 28 nov, 08:00 de allí.",
        ),
        (
            "Goes on Friday, 4 December 2026 at 09:30 (Europe/Madrid).",
            "Sale el Viernes, 4 diciembre 2026 a las 09:30 (Europe/Madrid).",
        ),
        ("Is my parcel there yet?", "Is my parcel there yet?"),
        ("100 % sure (really).", "100 % sure (really)."),
        ("", ""),
    ],
)
def test_a_stored_sentence_is_said_again_with_its_names_and_dates(
    english: str, spanish: str
) -> None:
    with override("es"):
        assert retold(english) == spanish
    with override("en"):
        assert retold(english) == english


def test_each_letter_is_in_the_language_of_its_readers(house: House, ada: User) -> None:
    speaks(make_user(house.account, "Iris", works_as=User.Role.ACCOUNT_ADMIN))
    FeatureGrant.objects.filter(account=house.account).update(ends_at=NOW + timedelta(days=5))
    note_expiries(now=NOW)

    mail_notices(now=NOW)

    words = {letter.to[0].split(".")[0]: str(letter.body) for letter in mail.outbox}
    assert "ends on 28 Nov 2026" in words["ada"]
    assert "termina el 28 nov 2026" in words["iris"]


def test_who_is_invited_reads_the_language_of_whom_they_will_work_with(
    house: House, ada: User
) -> None:
    now = timezone.now()
    invite(account=house.account, lines="ivy@acme.com", asked=Asked(), by=speaks(ada), now=now)

    send_owed(now=now)

    [letter] = mail.outbox
    assert letter.subject == "Su invitación a Team Inbox de Acme"
    assert letter.body.startswith("Hola")
