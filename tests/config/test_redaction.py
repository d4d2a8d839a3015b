"""What does no line of the log say, whoever writes it?"""

import io
import json
import logging
import logging.config
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import logging_settings
from config.redaction import redacted, redacted_text, redacted_traceback, told_of

SID = "AC0123456789abcdef0123456789abcdef"
UUID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from +14155550199.", "from +…99."),
        ("from +1 (415) 555-0199", "from +…99"),
        ("from (415) 555-0199", "from …99"),
        ("To=%2B14155550199 sent", "To=+…99 sent"),
        ("WaId 14155550199", "WaId …99"),
        ("whatsapp:+14155550199, again", "whatsapp:…99, again"),
        ("whatsapp:IN.2081aZ9 wrote", "whatsapp:…Z9 wrote"),
        ("POST /hooks/twilio/aB-c_9xyz/status?m=1&h=2", "POST /hooks/twilio/…/status?…"),
        ("Not Found: /o/6vWjkYbTqTzM1mGc4aTq9nDxB", "Not Found: /o/…"),
        ("GET /search/?q=Maria%20Smith", "GET /search/?…"),
        ("reset/key/3-cz1abc-0123456789abcdefghij/", "reset/key/…/"),
        ("postgres://app:pa55@db/x", "postgres://…@db/x"),
        ("Authorization: Basic QUMwMTIzOjEyMzQ1Njc4", "Authorization: Basic …"),
        ("token 0123456789abcdef0123456789abcdef", "token …"),
        ("fernet:gAAAAABabc-_=", "…"),
        ("signs with whsec_MfKQ9r8GKYqrTwjU", "signs with …"),
        ('duplicate key "x"\nDETAIL:  Key (address)=(+14155550199) exists.', 'duplicate key "x"'),
    ],
)
def test_numbers_addresses_and_tokens_are_shortened(text: str, told: str) -> None:
    assert redacted_text(text) == told


@pytest.mark.parametrize(
    "text",
    [
        f"/2010-04-01/Accounts/{SID}/Messages.json 201",
        f"message {UUID} sent in 0.123 s",
        "message ffbe81f4-33c1-457a-846f-001234567890 sent in 0.123 s",
        "at 2026-11-26T05:11:12.123456+00:00 and 1767225600.12",
        "receipt 123456: 42 rows, port 8000, 127.0.0.1",
        "GET /settings/inboxes/support/business-hours/",
        'File "/srv/teaminbox/inbox/sending/handing_over.py", line 34, in deliver',
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redacted_text(text) == text


def test_what_content_is_named_is_gone_whatever_it_is() -> None:
    line = {
        "body": "Hello",
        "form": {"Body": "Hello"},
        "args": ["Hello"],
        "auth_token": "x",
        "new_shared_secret": "y",
        "nested": {"Body": "Hello", "n": 1},
        "count": 3,
        "number": 14155550199,
    }

    assert redacted(line) == {
        **dict.fromkeys(("body", "form", "args", "auth_token", "new_shared_secret"), "…"),
        "nested": {"Body": "…", "n": 1},
        "count": 3,
        "number": "…99",
    }


def test_an_exception_does_not_quote_content_but_may_quote_our_code() -> None:
    assert told_of(ValueError("invalid literal: 'my words' and \"mine\"")) == (
        "invalid literal: '…' and '…'"
    )
    assert told_of(AttributeError("no attribute 'inbox'")) == "no attribute 'inbox'"


def test_a_traceback_redacts_every_link_of_its_chain() -> None:
    try:
        try:
            int("canary words")
        except ValueError as error:
            error.add_note("canary note")
            raise KeyError(str(error)) from error
    except KeyError as error:
        told = redacted_traceback(error)

    said = [line for line in told.splitlines() if not line.startswith("    ")]
    assert "canary" not in "\n".join(said)
    assert "ValueError: invalid literal for int() with base 10: '…'" in told
    assert "KeyError: '…'" in told
    assert "test_redaction.py" in told


@pytest.fixture(params=[True, False], ids=["json", "plain"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Have a logger written to as the processes write."""
    out = io.StringIO()
    settings = logging_settings(level="DEBUG", is_json=request.param)
    formatter = settings["formatters"]["redacted"]
    made = structlog.stdlib.ProcessorFormatter(
        **{name: value for name, value in formatter.items() if name != "()"}
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(made)
    logger = logging.getLogger("canary_test")
    logger.addHandler(handler)
    logger.propagate = False
    yield out
    logger.removeHandler(handler)


def test_both_kinds_of_logger_are_redacted_in_both_formats(lines: io.StringIO) -> None:
    plain, fields = logging.getLogger("canary_test"), structlog.get_logger("canary_test")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        plain.warning("from %s", "+14155550199")
        fields.warning("arrived", body="canary", sender="+14155550199", n=2)
        try:
            raise ValueError("about 'canary'")
        except ValueError:
            plain.exception("broke")
            fields.exception("broke")
    plain.warning("forged\n2026 INFO canary_test another line")

    said = lines.getvalue()
    # The time of a line may hold any digits.
    assert "555" not in re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "", said)
    assert "canary'" not in said.replace("raise ValueError(\"about 'canary'\")", "").replace(
        "raise ValueError(\\\"about 'canary'\\\")", ""
    )
    assert said.count("r-1") == 4
    assert said.count("ValueError: about '…'") == 2
    assert not any(line.startswith("2026 INFO") for line in said.splitlines())


def test_a_failed_task_does_not_say_its_exception_another_way(lines: io.StringIO) -> None:
    """As Celery and django-structlog write it: in the message, as a text, and as a traceback."""
    plain, fields = logging.getLogger("canary_test"), structlog.get_logger("canary_test")
    words = "canary " + "words"
    try:
        raise ValueError(f"no '{words}' here")
    except ValueError as error:
        plain.error("Task x[1] raised unexpected: %r", error, exc_info=True)
        fields.exception("task_failed", error=str(error), exception=error, args=[words])

    assert words not in lines.getvalue()
    assert lines.getvalue().count("ValueError: no '…' here") == 2


def test_a_line_in_production_is_json() -> None:
    settings: Any = logging_settings(level="INFO", is_json=True)
    formatter = structlog.stdlib.ProcessorFormatter(
        **{k: v for k, v in settings["formatters"]["redacted"].items() if k != "()"}
    )
    record = logging.LogRecord("inbox", logging.INFO, "", 1, "sent %s", (7,), None)

    told = json.loads(formatter.format(record))

    assert (told["event"], told["level"], told["logger"]) == ("sent 7", "info", "inbox")


@pytest.mark.parametrize("level", ["DEBUG", "ERROR"])
def test_libraries_that_write_down_whole_messages_are_kept_quiet(level: str) -> None:
    loggers = logging_settings(level=level, is_json=True)["loggers"]

    for name in ("twilio.http_client", "django.db.backends", "websockets", "urllib3"):
        assert logging.getLevelNamesMapping()[loggers[name]["level"]] >= logging.INFO
    assert loggers["urllib3"]["level"] == ("INFO" if level == "DEBUG" else "ERROR")
