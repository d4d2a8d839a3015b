"""How is a line of the log written? With structlog, redacted, and the id of the request in it.

Lines of other libraries, which know only `logging`, pass the same way.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.redaction import redacted, redacted_text, redacted_traceback, without_quotes

# These write down whole requests, statements or frames when they are asked to be talkative, or say
# several times a second that the clock has struck.
FLOORS = {
    "asyncio": "INFO",
    "botocore": "INFO",
    "celery": "WARNING",
    "django.db.backends": "INFO",
    "django.security.DisallowedHost": "ERROR",
    "django.template": "INFO",
    "hpack": "INFO",
    "httpcore": "WARNING",
    "httpx": "WARNING",
    "kombu": "WARNING",
    "amqp": "WARNING",
    "PIL": "INFO",
    "psycopg": "WARNING",
    "requests": "INFO",
    "twilio.http_client": "WARNING",
    "urllib3": "INFO",
    "websockets": "INFO",
}
# Where a line about an exception may say its message once more.
SAY_AGAIN = ("event", "error", "reason")
# What these say beside their event says nothing of a customer.
OURS = frozenset({"event", "level", "logger", "timestamp", "request_id", "task_id", "task"})


def redact(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Take out of a line what it may not say (a processor)."""
    error = _error_in(line.pop("exc_info", None)) or _error_in(line.get("exception"))
    told = {
        name: value if name.startswith("_") else redacted(value, "" if name in OURS else name)
        for name, value in line.items()
    }
    if error is not None:
        told["exception"] = redacted_traceback(error)
        # Whoever logs an exception likes to say it once more in the line itself.
        told |= {name: without_quotes(told[name], error) for name in SAY_AGAIN if name in told}
    elif isinstance(told.get("exception"), str):
        told["exception"] = redacted_text(told["exception"])
    if "stack_info" in told:
        told["stack"] = redacted_text(str(told.pop("stack_info")))
    return told


def _error_in(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) > 1 else None
    return sys.exc_info()[1] if exc_info else None


def _before() -> list[Processor]:
    """What happens to every line, whoever wrote it; the redaction is last."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def configure_structlog() -> None:
    """Let loggers of structlog write through `logging`, where every line is redacted once."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_before(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_settings(*, level: str, is_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING: everything to standard error, one line each."""
    lines: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if is_json else render_plainly
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "redacted": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _before(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redact,
                    lines,
                ],
                "keep_exc_info": False,
                "keep_stack_info": False,
            }
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "redacted"},
            "mail": {"class": "config.reports.Mail", "formatter": "redacted", "level": "ERROR"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            **{name: {"level": _at_least(floor, level)} for name, floor in FLOORS.items()},
            # These bring handlers of their own, which redact nothing; ours is enough.
            "django": {"handlers": ["mail"], "level": "NOTSET"},
            **{name: _through_ours() for name in ("django.server", "uvicorn", "gunicorn.error")},
            "uvicorn.access": {**_through_ours(), "level": _at_least("WARNING", level)},
        },
    }


def render_plainly(logger: WrappedLogger, method: str, line: EventDict) -> str:
    """Write a line for people: when, how bad, who says it, what, and what else is known."""
    head = [line.pop(name, "") for name in ("timestamp", "level", "logger", "event")]
    exception, stack = line.pop("exception", ""), line.pop("stack", "")
    rest = " ".join(f"{name}={value}" for name, value in sorted(line.items()))
    moment, level, who, what = (str(part) for part in head)
    text = " ".join(part for part in (moment, level.upper(), who, what, rest) if part)
    # One line of a customer's cannot pretend to be a line of the log.
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return "\n".join(part for part in (text, str(stack), str(exception)) if part)


def _through_ours() -> dict[str, Any]:
    return {"handlers": [], "propagate": True, "level": "NOTSET"}


def _at_least(floor: str, level: str) -> str:
    numbers = logging.getLevelNamesMapping()
    return max(floor, level.upper(), key=lambda name: numbers.get(name, logging.INFO))
