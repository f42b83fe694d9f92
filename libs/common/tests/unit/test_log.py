"""No secret leaves in a log, and no line of a client's looks like one of ours."""

import io
import json
import logging

import pytest

from common.log import JsonFormatter, Sparingly, TextFormatter, redact

CANARY = "s3cr3t-canary"


@pytest.mark.parametrize(
    "text",
    [
        f"rtsp://camera:{CANARY}@10.0.0.5:554/stream",
        f"postgresql+asyncpg://rooms:{CANARY}@localhost/atrium",
        f"could not open 'rtsp://{CANARY}:{CANARY}@host/x'",
        f"Authorization: Bearer {CANARY}",
        f"authorization=bearer {CANARY}",
        f"GET /api/panel/ws?token={CANARY}&a=1",
        f"GET /x?a=1&access_token={CANARY}",
        f'{{"password": "{CANARY}"}}',
        f"{{'password': '{CANARY}'}}",
        f"password={CANARY}",
        f"passwd: {CANARY}",
        f"api_key={CANARY}",
        f"Cookie: authjs.session-token={CANARY}",
        f"client_secret={CANARY}",
        "ata_" + CANARY,
        f"GET /api/calendar/atf_{CANARY}.ics",
        f"made whsec_{CANARY}=",
        "atd_" + CANARY,
        "atr_" + CANARY,
        "atp_" + CANARY,
        f"sec-websocket-protocol: atrium, atrium.token.att_{CANARY}",
        f"eyJhbGciOiJFZERTQSJ9.{CANARY}.{CANARY}",
    ],
)
@pytest.mark.parametrize(
    "formatter", [JsonFormatter("tests"), TextFormatter()], ids=["json", "text"]
)
def test_a_secret_is_taken_out_of_message_extras_and_traceback(
    formatter: logging.Formatter, text: str
) -> None:
    out = io.StringIO()
    logger, handler = logging.getLogger("canary"), logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger.handlers, logger.propagate = [handler], False

    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("failed %s", text, extra={"detail": text})

    assert CANARY not in out.getvalue()
    assert "[redacted]" in out.getvalue()


@pytest.mark.parametrize(
    "text",
    ["http://localhost:8000/api", "a@b.c signed in", "token bucket is full", "user 7: 3 rooms"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_json_line_is_one_object_with_the_ids_of_the_request() -> None:
    record = logging.makeLogRecord({"msg": "said %s", "args": ("a\r\nb",), "room_id": 7})

    line = JsonFormatter("rooms").format(record)

    assert "\n" not in line
    shown = json.loads(line)
    assert (shown["event"], shown["room_id"], shown["service"]) == ("said a\r\nb", 7, "rooms")


def test_a_line_break_of_a_client_stays_in_its_line() -> None:
    record = logging.makeLogRecord(
        {"msg": "said %s", "args": ("a\r\nINFO forged",), "levelno": logging.INFO}
    )

    assert TextFormatter().format(record).splitlines() == ["said a\\r\\nINFO forged"]


def test_a_warning_that_is_repeated_is_let_through_sparingly_and_counted() -> None:
    sparingly = Sparingly()

    def warn(at: float, **more: object) -> logging.LogRecord:
        record = logging.makeLogRecord(
            {"name": "relay", "msg": "away", "levelno": logging.WARNING, **more}
        )
        record.created = at
        return record

    first = [sparingly.filter(warn(at)) for at in (0.0, 1.0, 2.0)]
    other = sparingly.filter(warn(2.0, service="rooms"))
    late = warn(6.0)

    assert first == [True, False, False]
    assert other
    assert sparingly.filter(late)
    assert late.held_back == 2  # type: ignore[attr-defined] # set by the filter
