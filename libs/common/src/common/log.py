"""Logs: one JSON object a line, or text for a terminal, and no secret in either.

Secrets are taken out of the finished line, so that no call site has to remember to.
"""

import logging
import re
from collections import Counter
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

import orjson

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
event_id: ContextVar[str | None] = ContextVar("event_id", default=None)

CHATTY: Final = ("aiokafka", "httpx", "httpcore", "asyncio", "alembic", "uvicorn", "websockets")
WARN_EVERY_S: Final = 5.0
# The extras that tell apart what one text says of several things.
_SAYS_WHICH: Final = ("service", "schema", "group", "camera")
_HIDDEN: Final = "[redacted]"
_PATTERNS: Final = (
    # user:password@ in any URL: databases, cameras, webhooks
    (re.compile(r"(?<=://)[^\s/@\"'\\]*:[^\s/@\"'\\]*(?=@)"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {_HIDDEN}"),
    (re.compile(r"\bat[adfprst]_[A-Za-z0-9_-]{8,}"), _HIDDEN),  # our own tokens, anywhere
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]{8,}"), _HIDDEN),  # what webhooks are signed with
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), _HIDDEN),  # JWTs
    (
        re.compile(
            r"(?i)\b((?:\w+[_-])?(?:token|ticket|passw(?:or)?d|pwd|secret|api_?key"
            r"|authorization|cookie))(\\?[\"']?\s*[=:]\s*\\?[\"']?)(?!\[redacted)[^\s&,;\"'\\}]+"
        ),
        rf"\1\2{_HIDDEN}",
    ),
)
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def redact(text: str) -> str:
    """Take passwords, tokens and the user part of addresses out of a text."""
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def _details(record: logging.LogRecord) -> dict[str, object]:
    details = {key: value for key, value in vars(record).items() if key not in _OWN}
    if (request := request_id.get()) is not None:
        details["request_id"] = request
    if (event := event_id.get()) is not None:
        details["event_id"] = event
    return details


class Sparingly(logging.Filter):
    """Lets a warning through once in 5 s, with how often it was held back meanwhile.

    While Kafka or Postgres is away, everybody who needs it says so, many times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next_at: dict[object, float] = {}
        self._held_back: Counter[object] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        chatty = record.name.partition(".")[0] in CHATTY
        if record.levelno != logging.WARNING and not chatty:
            return True
        which = (record.name, record.msg, *(getattr(record, name, None) for name in _SAYS_WHICH))
        if record.created < self._next_at.get(which, 0.0):
            self._held_back[which] += 1
            return False
        self._next_at[which] = record.created + WARN_EVERY_S
        if held_back := self._held_back.pop(which, 0):
            record.held_back = held_back
        return True


class JsonFormatter(logging.Formatter):
    """``time`` (UTC), ``level``, ``service``, ``logger``, ``event``, then the record's extras."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
            **_details(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(orjson.dumps(line, default=str).decode())


class TextFormatter(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        details = "".join(f" {key}={value}" for key, value in _details(record).items())
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        # A client's line break must not look like a line of ours.
        line = f"{level}{record.getMessage()}{details}".replace("\r", "\\r").replace("\n", "\\n")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def set_up_logging(
    service: str, *, level: str = "INFO", style: Literal["json", "text"] = "json"
) -> None:
    """Send every log of this process to standard error in the house's form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(service) if style == "json" else TextFormatter())
    handler.addFilter(Sparingly())
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
