"""How do programs set an account's own keywords, and try a message?

As the pages do. Product behaviour, not legal advice; every answer says so.
"""

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import administrator
from accounts.models import Account
from compliance.foretelling import CHANNELS, LONGEST_MESSAGE, Foretold, Trial
from compliance.keyword_settings import check_keywords, keywords_of, mark_of, replace_keywords
from compliance.keyword_table import keywords
from compliance.lexicon import rule_version
from compliance.own_keywords import ACTIONS, OwnKeyword, may_be_off
from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, private, told
from inbox.api_shapes import answers
from inbox.setup.keyword_trial import Tried, try_message
from routing.reading import is_language

NOTICE = "Product behaviour, not legal advice."
MOST_WORDS = 2000


class WritingWord(serializers.Serializer[Any]):
    """A word, what it asks for, and where; what is wrong with it is told in words."""

    action = serializers.ChoiceField(ACTIONS)
    word = serializers.CharField(max_length=200, trim_whitespace=False, allow_blank=True)
    language = serializers.CharField(max_length=20, default="", allow_blank=True)
    country = serializers.CharField(max_length=20, default="", allow_blank=True)


class WritingKeywords(serializers.Serializer[Any]):
    """All of the account's own keywords; they take the place of those that were seen."""

    keywords = serializers.ListField(child=WritingWord(), max_length=MOST_WORDS)
    version = serializers.CharField(max_length=64, default="", allow_blank=True)
    check = serializers.BooleanField(default=False)


class Trying(serializers.Serializer[Any]):
    """A message as it might come. Nothing is kept; a key that only reads says `check`."""

    text = serializers.CharField(
        max_length=LONGEST_MESSAGE, default="", allow_blank=True, trim_whitespace=False
    )
    channel = serializers.ChoiceField(CHANNELS, default="sms")
    languages = serializers.ListField(
        child=serializers.CharField(max_length=20), default=["en"], max_length=10
    )
    country = serializers.RegexField(r"^([A-Za-z]{2})?$", default="", allow_blank=True)
    last_outbound = serializers.CharField(max_length=LONGEST_MESSAGE, default="", allow_blank=True)
    last_was_promotional = serializers.BooleanField(default=False)
    opt_out_type = serializers.ChoiceField(["STOP", "START", "HELP"], default="", allow_blank=True)
    button_payload = serializers.CharField(max_length=500, default="", allow_blank=True)
    is_opted_out = serializers.BooleanField(default=False)
    check = serializers.BooleanField(default=True)

    def validate_languages(self, codes: list[str]) -> tuple[str, ...]:
        """Refuse what is no code of a language."""
        if wrong := [code for code in codes if not is_language(code)]:
            raise serializers.ValidationError(f"“{wrong[0]}” is no code of a language.")
        return tuple(codes) or ("en",)


@answers(shapes.Keywords, asks=WritingKeywords, puts=shapes.Keywords)
@api_view(["GET", "PUT"])
@told
def keyword_list(request: Request) -> Response:
    """Read the account's own keywords and ours; write the account's own."""
    who = administrator(request._request)
    if request.method == "GET":
        return private(_keywords(who.account))
    asked = asked_of(WritingKeywords, request)
    wanted = [OwnKeyword(**one) for one in asked["keywords"]]
    if asked["check"]:
        check_keywords(wanted)
        return private(_keywords(who.account))
    replace_keywords(
        account=who.account, wanted=wanted, seen=asked["version"], by=who.user, now=who.now
    )
    return private(_keywords(who.account))


def _keywords(account: Account) -> dict[str, Any]:
    rows = keywords_of(account.pk)
    own = ("action", "word", "language", "country")
    return {
        "version": mark_of(rows),
        "keywords": [{name: getattr(row, name) for name in own} for row in rows],
        "shipped": [
            {
                "language": one.language,
                "label": one.label,
                "word": one.word,
                "kind": one.kind.value,
                "status": one.status,
                "source": one.source,
                "may_be_off": may_be_off(one),
            }
            for one in keywords()
        ],
        "rule_version": rule_version(),
        "notice": NOTICE,
    }


@answers(asks=Trying, posts=shapes.TriedShape)
@api_view(["POST"])
@told
def keyword_try(request: Request) -> Response:
    """Say how a message would be read, and what would follow at each of the account's numbers."""
    who = administrator(request._request)
    asked = asked_of(Trying, request)
    country = asked.pop("country").upper()
    asked.pop("check")
    return private(_tried(try_message(who.account, Trial(**asked), country=country)))


def _tried(tried: Tried) -> dict[str, Any]:
    reading = tried.reading
    at = [_follows(one.foretold, one.address, one.handler) for one in tried.senders]
    return {
        "label": reading.label,
        "kind": reading.kind,
        "confidence": reading.confidence,
        "matched": reading.matched,
        "rule_version": reading.rule_version,
        "follows": at or [_follows(tried.anywhere)],
        "notice": NOTICE,
    }


def _follows(foretold: Foretold, address: str = "", handler: str = "") -> dict[str, Any]:
    return {
        "address": address,
        "handler": handler,
        "outcome": foretold.outcome.value,
        "answer": foretold.answer.value,
        "words": list(foretold.words),
    }
