"""What does the page of an opt-out link say, in the reader's language?

Values only. Languages we have no words for read English. English was written first; the others are
translations of ours and wait for a native reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation.trans_real import parse_accept_lang_header

VERSION = "2026-11-26"
PAGE = "opt_out_page"


@dataclass(frozen=True)
class Words:
    """One language. `{business}` is who writes, `{ending}` the last digits, `{channel}` how."""

    name: str
    title: str
    question: str
    what_follows: str
    button: str
    done_title: str
    done: str
    already: str
    way_back: str
    bad_title: str
    bad: str
    old_title: str
    old: str
    else_how: str
    busy_title: str
    busy: str
    languages: str


EN = Words(
    name="English",
    title="Stop messages",
    question="Stop all {channel} messages from {business} to the number ending in {ending}?",
    what_follows="One press is enough. You need no account, and we ask for nothing else.",
    button="Stop messages",
    done_title="Done",
    done="{business} will send no more {channel} messages to the number ending in {ending}.",
    already="The number ending in {ending} gets no more {channel} messages from {business}.",
    way_back="If you change your mind, send START to {business} from that telephone.",
    bad_title="This link does not work",
    bad="Perhaps it was not copied whole: open it in the message once more.",
    old_title="This link is too old",
    old="Links to stop messages work for ten years. Please use the one in a newer message.",
    else_how="You can also answer a message with STOP, or tell the business in any other way.",
    busy_title="Too many attempts",
    busy="Please wait a minute and open the link again.",
    languages="Languages",
)
ES = Words(
    name="Español",
    title="Dejar de recibir mensajes",
    question="¿Dejar de recibir todos los mensajes de {channel} de {business} en el número "
    "terminado en {ending}?",
    what_follows="Basta con pulsar una vez. No necesita cuenta y no le pedimos nada más.",
    button="Dejar de recibir mensajes",
    done_title="Listo",
    done="{business} no enviará más mensajes de {channel} al número terminado en {ending}.",
    already="El número terminado en {ending} ya no recibe mensajes de {channel} de {business}.",
    way_back="Si cambia de opinión, envíe START a {business} desde ese teléfono.",
    bad_title="Este enlace no funciona",
    bad="Puede que no se haya copiado entero: ábralo otra vez desde el mensaje.",
    old_title="Este enlace es demasiado antiguo",
    old="Los enlaces para dejar de recibir mensajes valen diez años. "
    "Use el de un mensaje más reciente.",
    else_how="También puede responder STOP a un mensaje o avisar a la empresa de otra manera.",
    busy_title="Demasiados intentos",
    busy="Espere un minuto y abra el enlace de nuevo.",
    languages="Idiomas",
)
FR = Words(
    name="Français",
    title="Ne plus recevoir de messages",
    question="Ne plus recevoir aucun message {channel} de {business} au numéro se terminant par "
    "{ending} ?",
    what_follows="Un seul appui suffit. Aucun compte n’est nécessaire et nous ne demandons rien "
    "d’autre.",
    button="Ne plus recevoir de messages",
    done_title="C’est fait",
    done="{business} n’enverra plus de messages {channel} au numéro se terminant par {ending}.",
    already="Le numéro se terminant par {ending} ne reçoit plus de messages {channel} de "
    "{business}.",
    way_back="Si vous changez d’avis, envoyez START à {business} depuis ce téléphone.",
    bad_title="Ce lien ne fonctionne pas",
    bad="Il n’a peut-être pas été copié en entier : ouvrez-le de nouveau depuis le message.",
    old_title="Ce lien est trop ancien",
    old="Les liens de désinscription sont valables dix ans. Utilisez celui d’un message plus "
    "récent.",
    else_how="Vous pouvez aussi répondre STOP à un message, ou prévenir l’entreprise autrement.",
    busy_title="Trop de tentatives",
    busy="Patientez une minute, puis ouvrez le lien à nouveau.",
    languages="Langues",
)
DE = Words(
    name="Deutsch",
    title="Nachrichten abbestellen",
    question="Alle {channel}-Nachrichten von {business} an die Nummer mit der Endung {ending} "
    "abbestellen?",
    what_follows="Einmal drücken genügt. Sie brauchen kein Konto, und wir fragen nichts weiter.",
    button="Nachrichten abbestellen",
    done_title="Erledigt",
    done="{business} sendet keine {channel}-Nachrichten mehr an die Nummer mit der Endung "
    "{ending}.",
    already="Die Nummer mit der Endung {ending} bekommt keine {channel}-Nachrichten von "
    "{business} mehr.",
    way_back="Wenn Sie es sich anders überlegen, senden Sie START von diesem Telefon an "
    "{business}.",
    bad_title="Dieser Link funktioniert nicht",
    bad="Vielleicht wurde er nicht ganz kopiert: Öffnen Sie ihn noch einmal in der Nachricht.",
    old_title="Dieser Link ist zu alt",
    old="Links zum Abbestellen gelten zehn Jahre. Bitte nehmen Sie den aus einer neueren "
    "Nachricht.",
    else_how="Sie können auch mit STOP antworten oder es dem Unternehmen anders mitteilen.",
    busy_title="Zu viele Versuche",
    busy="Bitte warten Sie eine Minute und öffnen Sie den Link dann noch einmal.",
    languages="Sprachen",
)
WORDS = {"en": EN, "es": ES, "fr": FR, "de": DE}
CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp"}


def language_for(*, asked: str, accepts: str, contact: str) -> str:
    """Choose a language: the one pressed on the page, of the browser, of the contact, English."""
    wanted = [asked, *_accepted(accepts), contact]
    codes = (one.casefold().partition("-")[0] for one in wanted)
    return next((code for code in codes if code in WORDS), "en")


def _accepted(header: str) -> Sequence[str]:
    return [tag for tag, quality in parse_accept_lang_header(header[:500]) if quality > 0]
