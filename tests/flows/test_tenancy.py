"""Who gets what at every address that exists?

One table with a verdict per address, method and person. An address without a row fails the test, so
nobody can add a page without saying who may have it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from twilio.request_validator import RequestValidator

from accounts.models import User
from accounts.pushes import Browser, remember_browser
from compliance.addresses import parse_address
from compliance.opt_out_links import opt_out_link
from inbox.api_urls import of_settings
from inbox.cards import seen_mark
from inbox.conversations import add_note, claim_conversation
from inbox.digesting import stop_url
from inbox.models import (
    Attachment,
    Conversation,
    ConversationEvent,
    InboxEvent,
    Message,
    ReadCursor,
    Receipt,
    Sender,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.outbound_media import public_url
from inbox.sending import send_reply
from inbox.status_urls import sender_status_url, status_url, webhook_url
from tests.conftest import House
from tests.factories import (
    AUTH_TOKEN,
    make_account,
    make_inbox,
    make_sender,
    make_twilio_account,
    make_user,
)
from tests.twilio import FORM, inbound_form, new_sid, post_signed, text_in

MARIA = "+14155550123"
SECRETS = ("Kryptonite", "Zebedee", "Quill", "4155550123", "555-0123", "parcel 77", "hush-hush")
FILE_NAME = "kryptonite-invoice.pdf"
REFUSAL_KEYS = {"code", "detail", "owner", "since"}
Login = Callable[[User], Client]


class Scene:
    """A conversation that Alice has claimed, and everybody who would like to know of it."""

    def __init__(self, house: House, charlie: User, login: Login) -> None:
        self.house, self.login = house, login
        house.inbox.may_start_conversations = True
        house.inbox.save()
        account = house.account
        sales = make_inbox(account, "Sales")
        self.people: dict[str, User | None] = {
            "alice": house.alice,
            "bob": house.bob,
            "charlie": charlie,
            "dora": make_user(account, "Dora", team=sales.team),
            "nora": make_user(account, "Nora", team=house.inbox.team, is_licensed=False),
            "nobody": None,
        }
        message = text_in(
            Client(), house.sender, MARIA, "I need Kryptonite", ProfileName="Zebedee Quill"
        )
        assert message.conversation is not None
        self.inbound = message
        self.inbound_file = self._file(message)
        by, now = house.viewer(house.alice), timezone.now()
        act: dict[str, Any] = {
            "conversation": message.conversation,
            "by": by,
            "user": house.alice,
            "now": now,
        }
        claim_conversation(**act)
        self.reply = send_reply(**act, body="It is parcel 77", client_id=client_id())
        self.sent_file = self._file(self.reply, uploaded_by=house.alice)
        add_note(**act, body="This is hush-hush", client_id=client_id())
        Message.objects.filter(pk=self.reply.pk).update(status="failed")
        self._clients: dict[str, Client] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the conversation again."""
        self.conversation = Conversation.objects.select_related("contact").get()

    def _file(self, message: Message, **fields: Any) -> Attachment:
        file = Attachment(
            account=self.house.account,
            message=message,
            name=FILE_NAME,
            content_type="image/jpeg",
            state="ready",
            **fields,
        )
        file.file.save("a.bin", ContentFile(b"Kryptonite"), save=False)
        file.thumbnail.save("a.jpg", ContentFile(b"Kryptonite"), save=False)
        file.save()
        return file

    def client(self, who: str) -> Client:
        """Return somebody's browser."""
        if who not in self._clients:
            person = self.people[who]
            self._clients[who] = self.login(person) if person else Client()
        return self._clients[who]

    def secrets(self) -> set[str]:
        """Return everything that nobody but the audience may read."""
        ids = {self.inbound.public_id, self.reply.public_id, self.conversation.contact.public_id}
        files = {self.inbound_file.public_id, self.sent_file.public_id}
        return {*SECRETS, FILE_NAME, self.conversation.thread.public_id, *ids, *files}

    def rows(self) -> tuple[object, ...]:
        """Return what nobody but Alice may have changed."""
        self.refresh()
        return (
            self.conversation.version,
            self.conversation.contact.name,
            self.conversation.contact.tags,
            self.conversation.contact.attributes,
            *(
                model.objects.count()
                for model in (Message, ConversationEvent, InboxEvent, ReadCursor, Attachment)
            ),
        )


@pytest.fixture
def scene(house: House, charlie: User, login: Login, settings: Any, tmp_path: Any) -> Scene:
    settings.MEDIA_ROOT = str(tmp_path)
    return Scene(house, charlie, login)


# --- The table ------------------------------------------------------------------------------------

Status = int
WAYS = {
    "page": {},
    "fragment": {"HX-Request": "true"},
    "script": {"Accept": "application/json"},
}


@dataclass(frozen=True)
class Verdict:
    """What a person gets: a status, for scripts sometimes another one."""

    status: Status
    script: Status | None = None

    def for_way(self, way: str) -> Status:
        """Return the status for a page, a fragment or a script."""
        return self.script if way == "script" and self.script else self.status


OK = Verdict(200)
NOTHING = Verdict(404)
NO_LICENCE = Verdict(403)
LOG_IN = Verdict(302)
ELSEWHERE = Verdict(302)
FORBIDDEN = Verdict(403)
NO_KEY = Verdict(401)
MAKES = Verdict(302, 201)
DONE = Verdict(302, 200)
BACK = Verdict(302)
NO_WORDS = Verdict(204)
GONE = Verdict(410)
HANDLED = Verdict(404, 409)  # names Alice, nothing else

PEOPLE = ("bob", "charlie", "dora", "nora")
STRANGERS = {"charlie": NOTHING, "dora": NOTHING, "nora": NO_LICENCE, "nobody": LOG_IN}
OF_CONVERSATION = {"bob": HANDLED, **STRANGERS}
OF_THING = {"bob": NOTHING, "charlie": NOTHING, "dora": NOTHING, "nora": NOTHING, "nobody": LOG_IN}
OF_ONESELF = {"bob": OK, "charlie": OK, "dora": OK, "nora": OK, "nobody": LOG_IN}
EVERYBODY = dict.fromkeys(("bob", "charlie", "dora", "nora", "nobody"), OK)
REFUSED = dict.fromkeys(("bob", "charlie", "dora", "nora", "nobody"), FORBIDDEN)


@dataclass(frozen=True)
class Row:
    """The verdicts on one method of one address. `reads`: Alice's answer holds the secrets."""

    alice: Verdict
    others: Mapping[str, Verdict]
    kwargs: Callable[[Scene], dict[str, str]] = lambda scene: {}
    data: Callable[[Scene], dict[str, str]] = lambda scene: {}
    reads: bool = False


def _cid(scene: Scene) -> dict[str, str]:
    return {"cid": scene.conversation.public_id}


def _slug(scene: Scene) -> dict[str, str]:
    return {"slug": "support"}


def _both(scene: Scene) -> dict[str, str]:
    return {**_slug(scene), **_cid(scene)}


def _aid(scene: Scene) -> dict[str, str]:
    return {"aid": scene.inbound_file.public_id}


def _act(scene: Scene) -> dict[str, str]:
    claim = ConversationEvent.objects.get(verb="claimed")
    return {**_cid(scene), "eid": claim.public_id}


def _mid(scene: Scene) -> dict[str, str]:
    return {"mid": scene.reply.public_id}


def _contact(scene: Scene) -> dict[str, str]:
    return {"public_id": scene.conversation.contact.public_id}


def _on_card(**said: str) -> Callable[[Scene], dict[str, str]]:
    """Say something of a contact, as who has seen what its card says."""
    return lambda scene: {"seen": seen_mark(scene.conversation.contact), **said}


def _inbox(scene: Scene) -> dict[str, str]:
    return {"public_id": str(scene.house.inbox.public_id)}


def _token(scene: Scene) -> dict[str, str]:
    return {"token": scene.house.sender.path_token}


def _link(scene: Scene) -> dict[str, str]:
    address = parse_address("+14155550999")
    link = opt_out_link(scene.house.account.pk, address, now=timezone.now())
    return {"token": link.rpartition("/")[2]}


def _letter(scene: Scene) -> dict[str, str]:
    return {"token": stop_url(scene.house.alice.pk).split("/")[-2]}


def _choices(scene: Scene) -> dict[str, str]:
    return {"tone": "bell", "volume": "20", "inbox": scene.house.inbox.slug}


def _browser(scene: Scene) -> dict[str, str]:
    """Name Alice's browser; nothing answers where it is woken."""
    endpoint = "http://127.0.0.1:9/wake"
    browser = Browser(endpoint, "5ec2e7", "5ec2e7")
    alice = scene.house.alice
    remember_browser(browser, user=alice, session_key="hers", now=timezone.now())
    return {"act": "renew", "endpoint": endpoint}


def _forged_file(scene: Scene) -> dict[str, str]:
    return {"token": f"{scene.inbound_file.public_id}:1wVvzr:forged", "name": FILE_NAME}


def _read(**more: Any) -> Row:
    return Row(OK, OF_CONVERSATION, _cid, **more)


def _press(alice: Verdict = DONE, **data: str) -> Row:
    return Row(alice, OF_CONVERSATION, _cid, lambda scene: data)


def _colleague(scene: Scene) -> dict[str, str]:
    return {"to": f"user:{scene.house.sue.pk}", "confirm": "1"}


def _answer(scene: Scene) -> dict[str, str]:
    return {"kind": "reply", "body": "Hi", "client_id": client_id()}


SAVE = {"device": "0123456789abcdef", "typed_ms": "1"}
REFUSAL = Verdict(302, 409)  # Alice may ask, the story says no
NOT_ALLOWED = Verdict(302, 403)
NO_ORDER = Verdict(422)
LISTS = {"bob": OK, "charlie": OK, "dora": NOTHING, "nora": NO_LICENCE, "nobody": LOG_IN}

TABLE: dict[str, dict[str, Row]] = {
    "livez": {"GET": Row(OK, EVERYBODY)},
    "readyz": {"GET": Row(OK, EVERYBODY)},
    "home": {
        "GET": Row(
            ELSEWHERE,
            {
                "bob": ELSEWHERE,
                "charlie": ELSEWHERE,
                "dora": ELSEWHERE,
                "nora": NO_LICENCE,
                "nobody": LOG_IN,
            },
        )
    },
    # Charlie has an inbox of his own behind the same name.
    "inbox": {"GET": Row(OK, LISTS, _slug, reads=True)},
    "counts": {"GET": Row(OK, {**LISTS, "nora": NOTHING}, _slug)},
    # A form is no order; orders are in tests/inbox/test_bulk.py.
    "bulk": {
        "POST": Row(NO_ORDER, {**LISTS, "bob": NO_ORDER, "charlie": NO_ORDER}, _slug),
    },
    # One's own and those of one's inbox; Alice gives no name. See tests/inbox/test_saved_views.py.
    "saved_views": {
        "GET": Row(OK, LISTS, _slug),
        "POST": Row(
            Verdict(302, 422),
            {**LISTS, "bob": Verdict(302, 422), "charlie": Verdict(302, 422)},
            _slug,
        ),
    },
    # One's own; a search without a name is none. See tests/inbox/test_saved_views.py.
    "saved": {
        "GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE}),
        "POST": Row(
            Verdict(302, 422),
            {
                **dict.fromkeys(("bob", "charlie", "dora"), Verdict(302, 422)),
                "nora": NO_LICENCE,
                "nobody": LOG_IN,
            },
        ),
    },
    # In Charlie's inbox nobody begins; Bob hears who has the conversation with Maria.
    "begin": {
        "GET": Row(OK, {**LISTS, "charlie": FORBIDDEN}, _slug),
        "POST": Row(
            DONE,
            {**LISTS, "bob": HANDLED, "charlie": Verdict(302, 422)},
            _slug,
            lambda scene: {"sender": str(scene.house.sender.pk), "number": MARIA},
        ),
    },
    "begin_beside": {"GET": Row(ELSEWHERE, OF_CONVERSATION, _cid)},
    "bulk_targets": {"GET": Row(OK, LISTS, _slug)},
    "conversation": {"GET": Row(OK, OF_CONVERSATION, _both, reads=True)},
    "conversation_link": {"GET": Row(ELSEWHERE, OF_CONVERSATION, _cid)},
    "thread": {"GET": _read(reads=True)},
    "desk": {"GET": _read()},
    "print": {"GET": _read(reads=True)},
    "transcript_csv": {"GET": _read(reads=True)},
    "panel": {"GET": _read(reads=True)},
    "why": {"GET": _read(reads=True)},
    "panel_folds": {"GET": _read(reads=True)},
    "media": {"GET": _read(reads=True)},
    # What stands there of others is tested in tests/inbox/test_channels.py.
    "channels": {"GET": _read()},
    # One's own queue: nobody's words but those of conversations one may read.
    "reviews": {"GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE})},
    "search": {
        "GET": Row(
            OK,
            {**OF_ONESELF, "nora": NO_LICENCE},
            data=lambda scene: {"q": "Kryptonite"},
            reads=True,
        )
    },
    # Figures of what one may read; whose they are is tested in tests/inbox/test_reports.py.
    "reports": {"GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE})},
    "wall": {"GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE})},
    # Who has figures of whole inboxes hangs boards: tests/inbox/test_boards.py.
    "boards": {
        "GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE}),
        "POST": Row(
            FORBIDDEN,
            {**dict.fromkeys(PEOPLE, FORBIDDEN), "nora": NO_LICENCE, "nobody": LOG_IN},
        ),
    },
    "board_end": {
        "POST": Row(
            NOTHING,
            {**dict.fromkeys(PEOPLE, NOTHING), "nobody": LOG_IN},
            lambda scene: {"public_id": "nothinghere"},
        )
    },
    # What it shows to whoever has its address: tests/inbox/test_boards.py.
    "board": {
        "GET": Row(
            GONE,
            dict.fromkeys((*PEOPLE, "nobody"), GONE),
            lambda scene: {"secret": "no-such-board"},
        )
    },
    # One's own admins, and nothing else that is anybody's.
    "help": {"GET": Row(OK, OF_ONESELF)},
    "report_export": {"GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE}, reads=True)},
    "report_table": {
        "GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE}, kwargs=lambda scene: {"key": "volume"})
    },
    # There is none to decide here.
    "review": {"POST": _press(NOTHING, review="1", decision="stop")},
    # There is no such template.
    "templates": {"GET": _read(), "POST": _press(Verdict(302, 422))},
    # Alice says neither how nor why, and supervises nobody.
    "note_opt_out": {"POST": _press(Verdict(302, 422))},
    "note_opt_in": {"POST": _press(Verdict(302, 422))},
    "lift_noted": {"POST": _press(Verdict(302, 422))},
    "no_contact": {"POST": _press(NOT_ALLOWED, reason="Mine!", on="1")},
    "reach": {"POST": _press(Verdict(302, 422), out="1", why="Cut off")},
    "message_reach": {"POST": Row(DONE, OF_THING, _mid)},
    "message_why": {"GET": Row(OK, {**OF_THING, "nora": NO_LICENCE}, _mid)},
    # Alice owns the conversation, and neither supervises its inbox nor administers the account.
    "message_remove": {
        "GET": Row(FORBIDDEN, {**OF_THING, "nora": NO_LICENCE}, _mid),
        "POST": Row(NOT_ALLOWED, OF_THING, _mid, lambda scene: {"reason": "Mine!"}),
    },
    "messages": {
        "GET": _read(reads=True),
        "POST": Row(MAKES, OF_CONVERSATION, _cid, _answer),
    },
    "mentions": {"GET": _read()},
    "canned": {"GET": _read()},
    # One's own words, and nobody else has any here.
    "draft": {
        "GET": Row(OK, OF_THING, _cid),
        "POST": Row(OK, OF_THING, _cid, lambda scene: {"mode": "note", "body": "Hm", **SAVE}),
    },
    "upload": {"POST": Row(Verdict(422), OF_CONVERSATION, _cid)},
    "read": {"POST": Row(OK, OF_CONVERSATION, _cid, lambda scene: {"seq": "1"})},
    "unread": {"POST": _press()},
    "mute": {"POST": _press(on="1")},
    "claim": {"POST": _press()},
    "release": {"POST": _press()},
    "transfer": {
        "GET": _read(),
        "POST": Row(DONE, OF_CONVERSATION, _cid, _colleague),
    },
    "take_over": {"POST": _press(NOT_ALLOWED, reason="Mine!")},
    "close": {"POST": _press(last_seen_seq="99", waiting_ok="1")},
    "watchers": {"GET": _read(), "POST": _press(Verdict(302, 422))},
    "stop_watching": {"POST": _press()},
    "undo_close": {"POST": _press(REFUSAL)},
    # She has answered since her claim.
    "undo": {"POST": Row(REFUSAL, {**OF_THING, "nora": NO_LICENCE}, _act)},
    "reopen": {"POST": _press(NOT_ALLOWED)},
    "snooze": {"POST": _press(preset="tomorrow")},
    "wake": {"POST": _press()},
    "promise": {"POST": _press(preset="tomorrow", note="The price")},
    "end_promise": {"POST": _press(end="kept")},
    "handover": {"POST": _press(event="1")},
    "conversation_tags": {"POST": _press(add="vip")},
    "priority": {"POST": _press(priority="high")},
    "contact_tags": {"POST": _press(add="vip")},
    "contact_attributes": {"POST": _press(do="add", name="tier", kind="text", value="gold")},
    "resend": {"POST": Row(DONE, OF_THING, _mid)},
    # It was refused before: there is nothing to stop any more.
    "call_off": {"POST": Row(REFUSAL, OF_THING, _mid)},
    "attachment": {"GET": Row(OK, OF_THING, _aid, reads=True)},
    "thumbnail": {"GET": Row(OK, OF_THING, _aid, reads=True)},
    "attachment_retry": {"POST": Row(DONE, OF_THING, _aid)},
    # Names and numbers of contacts are content: Dora sees none of Support, and has none of her own.
    "contacts": {"GET": Row(OK, {**OF_ONESELF, "nora": NO_LICENCE}, reads=True)},
    "contact": {
        "GET": Row(OK, {**OF_THING, "nora": NO_LICENCE}, _contact, reads=True),
        "POST": Row(
            REFUSAL, {**OF_THING, "nora": NO_LICENCE}, _contact, lambda scene: {"seen": "x"}
        ),
    },
    # Nobody else is there to merge with, and nothing was merged.
    "contact_merge": {
        "GET": Row(OK, {**OF_THING, "nora": NO_LICENCE}, _contact),
        "POST": Row(NOTHING, {**OF_THING, "nora": NO_LICENCE}, _contact),
    },
    "merge_undo": {"POST": Row(NOTHING, OF_THING, lambda scene: {"public_id": "none"})},
    "contact_block": {"POST": Row(DONE, OF_THING, _contact, lambda scene: {"reason": "spam"})},
    "contact_unblock": {"POST": Row(DONE, OF_THING, _contact)},
    "contact_name": {"POST": Row(DONE, OF_THING, _contact, _on_card(name="Zed"))},
    "contact_language": {"POST": Row(DONE, OF_THING, _contact, _on_card(language="es"))},
    # One's own choices, and one's own browsers: of nobody else's anything is said or done.
    "notifications": {
        "GET": Row(OK, OF_ONESELF),
        "POST": Row(BACK, {**dict.fromkeys(PEOPLE, BACK), "nobody": LOG_IN}, data=_choices),
    },
    "push_browser": {
        "POST": Row(
            NO_WORDS,
            {
                "bob": Verdict(410),
                "charlie": Verdict(410),
                "dora": Verdict(410),
                "nora": Verdict(410),
                "nobody": LOG_IN,
            },
            data=_browser,
        )
    },  # fmt: skip
    "push_test": {"POST": Row(Verdict(409), OF_THING, data=_browser)},
    # Whoever has the link may look and press, logged in or not; it names nobody.
    "stop_letters": {method: Row(OK, EVERYBODY, _letter) for method in ("GET", "POST")},
    "service_worker": {"GET": Row(OK, EVERYBODY)},
    "manifest": {"GET": Row(OK, EVERYBODY)},
    "offline": {"GET": Row(OK, EVERYBODY)},
    "profile": {"GET": Row(OK, OF_ONESELF), "POST": Row(OK, OF_ONESELF)},
    "theme": {
        "POST": Row(
            Verdict(302, 422),
            {
                **dict.fromkeys(("bob", "charlie", "dora", "nora"), Verdict(302, 422)),
                "nobody": LOG_IN,
            },
        )
    },
    "availability": {
        "POST": Row(
            Verdict(302, 422),
            {
                **dict.fromkeys(("bob", "charlie", "dora", "nora"), Verdict(302, 422)),
                "nobody": LOG_IN,
            },
        )
    },
    # Of their own sessions everybody ends what they like; the form here names none.
    "awake": {"POST": Row(NO_WORDS, {**dict.fromkeys(PEOPLE, NO_WORDS), "nobody": LOG_IN})},
    # Of one's own account: who is in it for support.
    "support_banner": {"GET": Row(OK, {**dict.fromkeys(PEOPLE, OK), "nobody": LOG_IN})},
    "end_session": {"POST": Row(BACK, {**dict.fromkeys(PEOPLE, BACK), "nobody": LOG_IN})},
    "end_other_sessions": {"POST": Row(BACK, {**dict.fromkeys(PEOPLE, BACK), "nobody": LOG_IN})},
    # A forged invitation opens nothing, whoever shows it.
    "join": {
        method: Row(GONE, dict.fromkeys((*PEOPLE, "nobody"), GONE), lambda scene: {"token": "x"})
        for method in ("GET", "POST")
    },
    # Whoever has the link may look and press, logged in or not; it names nobody.
    "opt_out": {
        method: Row(OK, dict.fromkeys((*PEOPLE, "nobody"), OK), _link) for method in ("GET", "POST")
    },
    # The carrier fetches here, with an address that we signed; this one is forged.
    "outbound_media": {
        "GET": Row(
            NOTHING,
            dict.fromkeys(("bob", "charlie", "dora", "nora", "nobody"), NOTHING),
            _forged_file,
        )
    },
    # Only Twilio's signature opens these; people are nobody here.
    "twilio_inbound": {
        "GET": Row(FORBIDDEN, REFUSED, _token),
        "POST": Row(
            FORBIDDEN, REFUSED, _token, lambda scene: inbound_form(scene.house.sender, MARIA)
        ),
    },
    "twilio_fallback": {"POST": Row(FORBIDDEN, REFUSED, _token)},
    "twilio_status": {"POST": Row(FORBIDDEN, REFUSED, _token)},
    "api_verdict": {
        "POST": Row(
            OK,
            {
                "bob": NOTHING,
                "charlie": NOTHING,
                "dora": NOTHING,
                "nora": NOTHING,
                "nobody": NO_KEY,
            },
            lambda scene: {"public_id": scene.conversation.public_id},
        )
    },
    "api_inbox_events": {
        "GET": Row(
            OK,
            {
                "bob": OK,
                "charlie": NOTHING,
                "dora": NOTHING,
                "nora": NOTHING,
                "nobody": NO_KEY,
            },
            _inbox,
            lambda scene: {"after": "0", "open": scene.conversation.public_id},
            reads=True,
        )
    },
    "api_search": {
        "GET": Row(
            OK,
            {"bob": OK, "charlie": OK, "dora": OK, "nora": FORBIDDEN, "nobody": NO_KEY},
            data=lambda scene: {"q": "Kryptonite"},
            reads=True,
        )
    },
    # It says what can be asked, and nothing of anybody.
    "api_schema": {
        "GET": Row(OK, {**dict.fromkeys(("bob", "charlie", "dora", "nora"), OK), "nobody": NO_KEY})
    },
}
# The settings have a table of their own: tests/flows/test_settings_isolation.py.
PREFIXES = ("admin/", "accounts/", "settings/")
OTHERS = ("bob", "charlie", "dora", "nora", "nobody")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _addresses(
    resolver: URLResolver | None = None, prefix: str = ""
) -> Iterator[tuple[str, str | None]]:
    """Yield (route, name) of every address of the project."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry.name
        else:
            yield from _addresses(entry, route)


def test_every_address_has_a_verdict() -> None:
    # Those of the settings have theirs in tests/flows/test_settings_isolation.py.
    elsewhere = {entry.name for entry in of_settings}
    ours = [
        name
        for route, name in _addresses()
        if not route.startswith(PREFIXES) and name not in elsewhere
    ]

    assert sorted(map(str, ours)) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_gets_their_verdict(scene: Scene, name: str) -> None:
    before = scene.rows()
    wrong: list[str] = []

    for method, row in TABLE[name].items():
        for who, way in itertools.product(OTHERS, WAYS):
            answer = _ask(scene, name, method, who, way)
            wrong += _complaints(scene, row.others[who], answer, f"{method} {way} for {who}")
    # What an address does not do, it does for nobody.
    for method, who in itertools.product(METHODS - set(TABLE[name]), OTHERS):
        answer = _ask(scene, name, method, who, "page")
        wrong += _leaks(scene, answer, f"{method} for {who}")

    assert wrong == []
    assert scene.rows() == before, "somebody changed something"
    for method, row in TABLE[name].items():
        answer = _ask(scene, name, method, "alice", "script")
        assert answer.status_code == row.alice.for_way("script"), _text(answer)[:300]
        if row.reads:
            text = _text(answer)
            assert any(secret in text for secret in SECRETS), "Alice reads nothing"


def _ask(scene: Scene, name: str, method: str, who: str, way: str) -> Any:
    row = TABLE[name].get(method) or next(iter(TABLE[name].values()))
    path = reverse(name, kwargs=row.kwargs(scene))
    send = getattr(scene.client(who), method.lower())
    return send(path, row.data(scene), headers=WAYS[way])


def _complaints(scene: Scene, verdict: Verdict, answer: Any, where: str) -> list[str]:
    wrong = _leaks(scene, answer, where)
    is_script = " script " in where
    expected = verdict.for_way("script" if is_script else "page")
    # A part of a page is refused, so that no log-in page is put where it belongs.
    is_part = verdict is LOG_IN and " fragment " in where
    expected = 401 if is_part else expected
    if answer.status_code != expected:
        wrong.append(f"{where} is {answer.status_code}, not {expected}")
    # A part lets the page be loaded anew, and that leads there.
    leads = answer.get("HX-Refresh") == "true" or "/accounts/login/" in answer.get("Location", "")
    if verdict is LOG_IN and not leads:
        wrong.append(f"{where} does not lead to the log-in")
    if verdict is HANDLED and "Alice" not in _text(answer):
        wrong.append(f"{where} does not say who has it")
    if verdict is HANDLED and is_script and set(answer.json()) != REFUSAL_KEYS:
        wrong.append(f"{where} learns {sorted(answer.json())}")
    return wrong


def _leaks(scene: Scene, answer: Any, where: str) -> list[str]:
    asked = answer.wsgi_request.get_full_path()
    said = _text(answer) + str(dict(answer.headers))
    found = [secret for secret in scene.secrets() if secret in said and secret not in asked]
    return [f"{where} shows {secret}" for secret in found]


def _text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def test_the_admin_and_the_accounts_pages_show_nothing_of_it(scene: Scene) -> None:
    routes = [route for route, _ in _addresses() if route.startswith(PREFIXES)]
    wrong: list[str] = []

    for route in routes:
        path = "/" + _filled_in(route)
        for who in scene.people:
            answer = scene.client(who).get(path)
            wrong += _leaks(scene, answer, f"{path} for {who}")
            if route.startswith("admin/") and answer.status_code not in {302, 403, 404}:
                wrong.append(f"{path} is {answer.status_code} for {who}")

    assert routes
    assert wrong == []


def _filled_in(route: str) -> str:
    """Put the first row's key, or anything, where an address has a hole."""
    path = route.replace("^", "").replace("$", "").replace("\\", "").replace("?", "")
    for opening, closing in (("<", ">"), ("(", ")")):
        while opening in path:
            before, _, rest = path.partition(opening)
            path = f"{before}1{rest.partition(closing)[2]}"
    return path


# --- Lists, search and numbers --------------------------------------------------------------------

KINDS = ("contacts", "conversations", "messages")
QUESTIONS = [
    *({"view": view} for view in ("mine", "unassigned", "open", "snoozed", "closed")),
    *({"q": words} for words in ("Kryptonite", "Zebedee", "4155550123", "0123", "parcel", "hush")),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_no_list_search_or_number_knows_of_it(scene: Scene, question: dict[str, str]) -> None:
    owner = {"owner": str(scene.house.alice.pk)}
    for who in ("bob", "charlie"):
        browser = scene.client(who)
        for asked in (question, {**question, **owner}):
            answers = [
                browser.get("/inbox/support/", asked),
                browser.get("/inbox/support/", asked, headers={"HX-Request": "true"}),
                browser.get("/search/", asked),
                *(browser.get("/search/", {**asked, "show": kind}) for kind in KINDS),
            ]
            for answer in answers:
                assert answer.status_code == 200
                assert _leaks(scene, answer, who) == []
                assert scene.conversation.public_id not in _text(answer)
                assert "I need" not in _text(answer)
        numbers = browser.get("/inbox/support/counts/").json()
        assert set(numbers.values()) == {0}


def test_a_file_of_ours_opens_at_its_signed_address_only(scene: Scene) -> None:
    path = public_url(scene.sent_file, now=timezone.now()).removeprefix(settings.PUBLIC_BASE_URL)

    good = Client().get(path)
    others = [
        Client().get(path.replace("/media/out/", "/media/out/x")),
        Client().get(path.replace(scene.sent_file.public_id, scene.inbound_file.public_id)),
    ]

    assert good.status_code == 200
    assert good["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert [answer.status_code for answer in others] == [404, 404]


def test_a_quote_from_an_earlier_segment_is_shown_to_those_who_saw_that_segment_only(
    scene: Scene,
) -> None:
    house = scene.house
    TeamInbox.objects.filter(pk=house.inbox.pk).update(closed_visibility="audience", reopen_hours=0)
    Conversation.objects.update(
        status="closed", closed_at=timezone.now(), owner=None, owned_since=None, waiting_since=None
    )
    scene.conversation.participants.update(ended_at=timezone.now(), is_ended_by_close=True)
    Message.objects.filter(pk=scene.reply.pk).update(provider_sid="SM" + "5" * 32)
    newer = text_in(
        Client(), house.sender, MARIA, "About this", OriginalRepliedMessageSid="SM" + "5" * 32
    )
    assert newer.conversation is not None
    assert newer.conversation != scene.conversation

    seen = _text(scene.client("bob").get(f"/c/{newer.conversation.public_id}/thread/"))

    assert "About this" in seen
    assert "parcel 77" not in seen
    assert "Kryptonite" not in seen


# --- Twilio's doors -------------------------------------------------------------------------------

FORGED_TOKEN = "f" * 32
NEXT_TOKEN = "e" * 32
SHARED_KEY = "s" * 40


@dataclass
class Forger:
    """Another account, which has a Twilio account of its own and signs what it likes with it."""

    sender: Sender
    victim: Sender

    def post(self, url: str, token: str = FORGED_TOKEN, **fields: str) -> int:
        """Post a form with a signature that is valid for this token."""
        form = {**inbound_form(self.sender, "+14155550666", "Forged"), **fields}
        return int(post_signed(Client(), url, form, token).status_code)


@pytest.fixture
def forger(house: House) -> Forger:
    inbox = make_inbox(make_account("Umbrella"), "Support")
    twilio = make_twilio_account(inbox.account, auth_token=FORGED_TOKEN)
    return Forger(make_sender(inbox, "+15550100999", twilio_account=twilio), house.sender)


def test_another_account_s_signature_does_not_open_our_number(forger: Forger) -> None:
    ours, theirs = webhook_url(forger.victim), webhook_url(forger.sender)
    sid = forger.victim.twilio_account.account_sid
    number = forger.victim.address

    answers = {
        "their door, our number": forger.post(theirs, To=number),
        "our door, their account": forger.post(ours, To=number),
        "our door, our account, their token": forger.post(ours, To=number, AccountSid=sid),
        "their door, our account": forger.post(theirs, To=number, AccountSid=sid),
        "their fallback, our number": forger.post(f"{theirs}/fallback", To=number),
        "our status door": forger.post(f"{ours}/status", MessageStatus="delivered"),
        "no such door": forger.post(f"{settings.PUBLIC_BASE_URL}/hooks/twilio/nobody", To=number),
    }

    assert answers == dict.fromkeys(answers, 403)
    assert not Receipt.objects.exists()
    assert not Message.objects.exists()


def test_a_number_nobody_has_goes_to_the_quarantine_of_who_signed_it(forger: Forger) -> None:
    answer = forger.post(webhook_url(forger.sender), To="+15550109999")

    receipt = Receipt.objects.get()
    assert answer == 200
    assert (receipt.state, receipt.sender) == (Receipt.State.QUARANTINED, None)
    assert receipt.account == forger.sender.account
    assert receipt.twilio_account == forger.sender.twilio_account
    assert not Message.objects.exists()


def test_another_number_of_the_same_twilio_account_is_taken_for_that_number(
    house: House, client: Client
) -> None:
    other = make_sender(
        make_inbox(house.account, "Sales"),
        "+15550100002",
        twilio_account=house.sender.twilio_account,
    )
    form = inbound_form(other, MARIA, "To the other number")

    post_signed(client, webhook_url(house.sender), form, AUTH_TOKEN)

    assert Message.objects.get().thread.sender == other
    assert Conversation.objects.get().inbox == other.inbox


def test_another_account_cannot_move_our_messages(forger: Forger, client: Client) -> None:
    message = text_in(client, forger.victim, MARIA)
    sent = Message.objects.create(
        account=message.account,
        thread=message.thread,
        conversation=message.conversation,
        seq=2,
        direction="out",
        status="sent",
        provider_sid=new_sid(),
        created_at=message.created_at,
    )
    theirs = sender_status_url(forger.sender)
    proof = status_url(forger.victim, sent).partition("?")[2]
    said = {"MessageSid": str(sent.provider_sid), "MessageStatus": "failed"}

    answers = [
        forger.post(theirs, **said),
        forger.post(f"{theirs}?{proof}", **said),
        forger.post(f"{theirs}?m={sent.public_id}&h={'0' * 40}", **said),
        forger.post(theirs, **said, _our_message=sent.public_id),
    ]

    sent.refresh_from_db()
    assert answers == [204, 403, 403, 204]
    assert sent.status == "sent"
    for receipt in Receipt.objects.filter(kind="status"):
        assert receipt.account == forger.sender.account


def _post_raw(client: Client, url: str, form: dict[str, str], headers: dict[str, str]) -> int:
    path = url.removeprefix(settings.PUBLIC_BASE_URL)
    answer = client.post(path, urlencode(form), content_type=FORM, headers=headers)
    return int(answer.status_code)


def test_the_next_token_opens_while_tokens_are_rotated(house: House, client: Client) -> None:
    account = house.sender.twilio_account
    account.auth_token_next = NEXT_TOKEN
    account.save()
    url = webhook_url(house.sender)

    answers = [
        post_signed(client, url, inbound_form(house.sender, MARIA), token).status_code
        for token in (AUTH_TOKEN, NEXT_TOKEN, FORGED_TOKEN)
    ]

    assert answers == [200, 200, 403]
    assert Message.objects.count() == 2


def test_the_shared_key_opens_with_sha_256_and_only_under_its_own_name(
    house: House, client: Client
) -> None:
    account = house.sender.twilio_account
    account.shared_key_sid, account.shared_key = "webhooks_sharedkey_1", SHARED_KEY
    account.save()
    url = webhook_url(house.sender)

    def post(secret: str, name: str, signed_with: str, said: str) -> int:
        form = inbound_form(house.sender, MARIA)
        signature = RequestValidator(secret).compute_signature(url, form, signed_with)
        settings_header = f"key={name},algorithm={said}"
        headers = {
            "X-Twilio-Signature": signature,
            "X-Twilio-Webhooks-Signature-Settings": settings_header,
        }
        return _post_raw(client, url, form, headers)

    key, sha1, sha256 = account.shared_key_sid, "HMAC_SHA1", "HMAC_SHA256"
    assert post(SHARED_KEY, key, sha256, sha256) == 200
    assert post(SHARED_KEY, "webhooks_sharedkey_2", sha256, sha256) == 403
    assert post(AUTH_TOKEN, key, sha256, sha256) == 403
    assert post(SHARED_KEY, key, sha1, sha1) == 403
    assert post(SHARED_KEY, key, sha256, "HMAC_MD5") == 403
    assert Message.objects.count() == 1


def test_behind_a_proxy_the_public_address_counts_and_not_the_host(
    house: House, client: Client, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = "https://inbox.example.com"
    settings.ALLOWED_HOSTS = ["10.0.0.7", "testserver"]
    form = inbound_form(house.sender, MARIA)

    through = post_signed(
        client, webhook_url(house.sender), form, AUTH_TOKEN, headers={"Host": "10.0.0.7:8000"}
    )
    path = f"/hooks/twilio/{house.sender.path_token}"
    for_host = RequestValidator(AUTH_TOKEN).compute_signature(f"http://10.0.0.7:8000{path}", form)
    direct = _post_raw(
        client, path, form, {"X-Twilio-Signature": for_host, "Host": "10.0.0.7:8000"}
    )

    assert (through.status_code, direct) == (200, 403)


@pytest.mark.parametrize(
    "change",
    [
        {"Body": "Send money"},
        {"From": "+14155550666"},
        {"To": "+15550100002"},
        {"Extra": "1"},
        {"AccountSid": "AC" + "0" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_body_that_was_changed_on_its_way_is_refused(
    house: House, client: Client, change: dict[str, str]
) -> None:
    url, form = webhook_url(house.sender), inbound_form(house.sender, MARIA, "Hello")
    signature = RequestValidator(AUTH_TOKEN).compute_signature(url, form)

    answers = [
        _post_raw(client, url, {**form, **change}, {"X-Twilio-Signature": signature}),
        _post_raw(client, f"{url}?a=1", form, {"X-Twilio-Signature": signature}),
        _post_raw(client, url, form, {"X-Twilio-Signature": ""}),
        _post_raw(client, url, form, {}),
    ]

    assert answers == [403] * 4
    assert not Receipt.objects.exists()
