"""Is somebody asked on WhatsApp after the 24 hours, with the template that was chosen for it?"""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts.models import AuditEntry, User
from compliance.addresses import parse_address
from compliance.models import Consent, GateDecision
from inbox.asking_templates import let_it_ask
from inbox.models import ConsentQuestion, Message, Sender, Thread, WhatsAppTemplate
from inbox.opting_in import OptedIn, ask_about, opt_in
from inbox.refusals import MissingInputError
from inbox.sending import deliver
from inbox.twilio.simulator.content import TEMPLATES
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.flows.test_double_opt_in import FORM, settle_asking
from tests.twilio import text_in

PAGE = "/settings/compliance/asking/whatsapp/"
HERS = "+447700900123"  # not in the US, to which WhatsApp delivers no marketing templates
BODY = "{{1}}: Reply YES to confirm that we may send you messages. Reply STOP to stop."
SPANISH = "{{1}}: Responda SÍ para confirmar que podemos escribirle. Responda STOP para parar."
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def whatsapp(house: House, twilio: Twilio) -> Sender:
    """The account asks people to confirm, and has a number on WhatsApp."""
    sender = make_sender(house.inbox, "whatsapp:+15550100003")
    twilio.knows(sender)
    settle_asking(house.account, house.sue, NOON, confirms=True)
    return sender


@pytest.fixture
def wrote(whatsapp: Sender, client: Client) -> datetime:
    """She wrote at noon of a Tuesday."""
    with time_machine.travel(NOON, tick=False):
        text_in(client, whatsapp, f"whatsapp:{HERS}", "Hello")
    return NOON


def template(sender: Sender, body: str = BODY, **facts: str) -> WhatsAppTemplate:
    """Return a template that WhatsApp approved."""
    number = WhatsAppTemplate.objects.count()
    made: WhatsAppTemplate = WhatsAppTemplate.objects.create(
        account=sender.account,
        twilio_account=sender.twilio_account,
        name=f"opt_in_{number}",
        body=body,
        variables={"1": "Acme"},
        provider_status="approved",
        synced_at=NOON,
        **{
            "content_sid": f"HX{number:032x}",
            "language": "en",
            "category": "MARKETING",
            "status": "approved",
            **facts,
        },
    )
    return made


def choose(sender: Sender, row: WhatsAppTemplate, by: User, language: str = "en") -> None:
    """Let a template ask in a language, with the name of the business in its place."""
    let_it_ask(
        account=sender.account,
        template=row,
        language=language,
        values={"1": "{business}"},
        by=by,
        now=NOON,
    )


def told(sender: Sender, at: datetime) -> OptedIn:
    """Let a form tell of her opt-in."""
    address = parse_address(f"whatsapp:{HERS}")
    return opt_in(account=sender.account, address=address, evidence=FORM, now=at, sender=sender)


def state() -> str:
    return Consent.objects.get(family="whatsapp", programme="*").state


def test_after_the_window_the_template_asks_and_a_yes_counts(
    house: House, client: Client, whatsapp: Sender, wrote: datetime, twilio: Twilio
) -> None:
    # One that the carrier knows too.
    known = next(one for one in TEMPLATES if one.name == "winter_offer")
    chosen = template(whatsapp, content_sid=known.sid_for(whatsapp.twilio_account.account_sid))
    choose(whatsapp, chosen, house.sue)
    later = wrote + timedelta(hours=25)

    asked = told(whatsapp, later)

    assert asked.question is not None
    message = asked.question.message
    assert message.body.startswith("Acme: Reply YES to confirm")
    assert message.details["template"]["values"] == {"1": "Acme"}
    assert deliver(message.pk, now=later) is not None
    (sent,) = twilio.requests_to_send()
    assert sent["content_sid"] == chosen.content_sid
    with time_machine.travel(later + timedelta(minutes=5), tick=False):
        text_in(client, whatsapp, f"whatsapp:{HERS}", "Yes")
    assert state() == "opted_in"
    assert ConsentQuestion.objects.get().outcome == "yes"


def test_within_the_window_words_go_as_before(
    house: House, whatsapp: Sender, wrote: datetime
) -> None:
    choose(whatsapp, template(whatsapp), house.sue)

    asked = told(whatsapp, wrote + timedelta(hours=2))

    assert asked.question is not None
    assert "template" not in asked.question.message.details


def test_what_waits_for_its_hours_beyond_the_window_goes_as_the_template(
    house: House, whatsapp: Sender, wrote: datetime
) -> None:
    choose(whatsapp, template(whatsapp), house.sue)

    Thread.objects.update(last_inbound_at=wrote - timedelta(hours=6))

    # Two hours before the window is over it is four in the morning with her.
    asked = told(whatsapp, wrote + timedelta(hours=16))

    assert asked.question is not None
    due = asked.question.message.not_before
    assert due is not None
    assert due > wrote + timedelta(hours=18)
    assert "template" in asked.question.message.details


@pytest.mark.parametrize(("minutes", "by_template"), [(0, False), (30, True)])
def test_who_is_asked_later_than_others_of_a_file_is_asked_as_it_must_be_then(
    house: House, whatsapp: Sender, wrote: datetime, minutes: int, by_template: bool
) -> None:
    choose(whatsapp, template(whatsapp), house.sue)
    night = wrote + timedelta(hours=16)
    first = told(whatsapp, night)
    assert first.question is not None
    opens = first.question.message.not_before
    assert opens is not None
    ConsentQuestion.objects.all().delete()
    # Ten minutes after the hours begin the window is over.
    Thread.objects.update(last_inbound_at=opens - timedelta(hours=23, minutes=50))

    with transaction.atomic():
        asked = ask_about(
            first.recorded.event,
            account=house.account,
            address=parse_address(f"whatsapp:{HERS}"),
            now=night,
            pace=timedelta(minutes=minutes),
        )

    assert asked is not None
    assert asked.question is not None
    message = asked.question.message
    assert message.not_before == opens + timedelta(minutes=minutes)
    assert ("template" in message.details) == by_template


def test_in_her_language_else_in_english(house: House, whatsapp: Sender, wrote: datetime) -> None:
    choose(whatsapp, template(whatsapp), house.sue)
    choose(whatsapp, template(whatsapp, SPANISH, language="es"), house.sue, "es")
    contact = Message.objects.get().thread.contact
    contact.language = "es-MX"
    contact.save()

    asked = told(whatsapp, wrote + timedelta(hours=25))

    assert asked.question is not None
    assert asked.question.language == "es"
    assert "Responda SÍ" in asked.question.message.body


def test_without_a_template_the_answer_says_what_to_do(whatsapp: Sender, wrote: datetime) -> None:
    asked = told(whatsapp, wrote + timedelta(hours=25))

    assert asked.question is None
    assert "no template is chosen" in asked.why_not_asked
    assert "Asking for consent" in asked.why_not_asked
    assert GateDecision.objects.get(purpose="consent_request").code == "WA_WINDOW_CLOSED"


def test_a_template_that_whatsapp_paused_asks_nobody(
    house: House, whatsapp: Sender, wrote: datetime
) -> None:
    row = template(whatsapp)
    choose(whatsapp, row, house.sue)
    WhatsAppTemplate.objects.filter(pk=row.pk).update(status="paused")

    asked = told(whatsapp, wrote + timedelta(hours=25))

    assert asked.question is None
    assert "WhatsApp has paused it" in asked.why_not_asked


def test_one_template_asks_in_a_language(house: House, whatsapp: Sender) -> None:
    first, second = template(whatsapp), template(whatsapp)

    choose(whatsapp, first, house.sue)
    choose(whatsapp, second, house.sue)

    assert list(WhatsAppTemplate.objects.exclude(asks_in="")) == [second]
    assert AuditEntry.objects.filter(action="consent_template_changed").count() == 3


@pytest.mark.parametrize(
    ("body", "facts", "words"),
    [
        (BODY, {"category": "UTILITY"}, "category Marketing"),
        (BODY, {"status": "pending"}, "not approved"),
        ("{{1}}: hello, reply STOP to stop.", {}, "how to say yes"),
        ("{{1}}: Reply YES to get our messages.", {}, "how to stop"),
        ("Reply YES to get messages of {{2}}, STOP to stop.", {}, "{{2}}"),
    ],
)
def test_what_does_not_fit_is_refused(
    house: House, whatsapp: Sender, body: str, facts: dict[str, str], words: str
) -> None:
    with pytest.raises(MissingInputError) as refused:
        choose(whatsapp, template(whatsapp, body, **facts), house.sue)

    assert words in refused.value.reason


def test_an_admin_chooses_on_the_page_and_takes_it_back(
    house: House, whatsapp: Sender, client: Client
) -> None:
    row = template(whatsapp)
    client.force_login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))

    page = client.get(f"{PAGE}?template={row.pk}").content.decode()
    wrong = client.post(PAGE, {"template": row.pk, "value_1": "", "do": "ask"})
    right = client.post(PAGE, {"template": row.pk, "value_1": "{business}", "do": "ask"})

    assert "{business}" in page
    assert (wrong.status_code, right.status_code) == (422, 302)
    row.refresh_from_db()
    assert (row.asks_in, row.asks_with) == ("en", {"1": "{business}"})
    client.post(PAGE, {"template": row.pk, "do": "stop"})
    row.refresh_from_db()
    assert row.asks_in == ""


def test_an_auditor_reads_and_chooses_nothing(
    house: House, whatsapp: Sender, client: Client
) -> None:
    row = template(whatsapp)
    client.force_login(make_user(house.account, "Audrey", works_as=User.Role.AUDITOR))

    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, {"template": row.pk, "do": "ask"}).status_code == 404
