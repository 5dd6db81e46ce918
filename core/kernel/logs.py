"""How the processes log: one JSON object per line, with the whole traceback of a fault but never the values in it.

Whoever writes a line names things by their ids. What comes in with the words of others, such as a database's DETAIL or a library's error, goes
through a net: keys, tokens, card numbers and addresses do not stand in any line.
"""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from typing import Any

import structlog
from structlog.typing import Processor

HIDDEN = "***"  # plain signs: a stream may take no others
BEGINS = r"(?:(?<![\w-])|(?<=\\[nrt]))"  # no word before it, but for a new line as Python and JSON write one
# Keys of ours and of processors, secrets of webhooks and of intents, refresh tokens, JWTs, what follows Bearer, and tokens of addresses.
SECRETS = re.compile(
    r"(?:portal_)?(?:sk|rk)_(?:test|live)_\w{8,}|wh(?:sec|sk)_[\w+/=-]{8,}|(?:pi|seti)_\w{8,}?_secret_\w{8,}"
    rf"|{BEGINS}rt_[\w-]{{30,}}|eyJ[\w-]{{8,}}\.[\w-]+\.[\w-]*|WyJ[\w-]{{20,}}\.[\w-]{{20,}}"
    r"|(?<=[Bb]earer )[^\s\"'\\]{8,}"
)
ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
CARD_NUMBER = re.compile(BEGINS + r"\d(?:[ -]?\d){12,18}(?![\w-])")


def configure(*, plain: bool = False, number: Processor | None = None) -> None:
    """Set the shape of every log line. `plain` is for a person at a terminal; neither shape prints local variables.

    `number` adds to a line what it belongs to: the web process says which request.
    """
    quiet_tracebacks = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *([number] if number else []),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([quiet_tracebacks] if plain else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]),
            _through_the_net,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_names: Lines(),
    )


class Lines(structlog.PrintLogger):
    """Writes to standard output. On a full disk a line is lost: what it tells of goes on, be it a page, a payment or a whole process."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def without_secrets(text: str) -> str:
    """The same with HIDDEN in the place of whatever looks like a key, a token, a card number or an e-mail address."""
    text = SECRETS.sub(HIDDEN, text)
    text = ADDRESS.sub(HIDDEN, text) if "@" in text else text
    return CARD_NUMBER.sub(lambda found: HIDDEN if is_card_number(found[0]) else found[0], text)


def is_card_number(text: str) -> bool:
    """Whether its digits come out as those of a card do (Luhn); nearly every other number of that length does not."""
    digits = [int(sign) for sign in text if sign.isdigit()][::-1]
    return sum(digit if at % 2 == 0 else sum(divmod(2 * digit, 10)) for at, digit in enumerate(digits)) % 10 == 0


def _through_the_net(_logger: Any, _method: str, line: Any) -> Any:
    """The line without secrets. In JSON a sign may stand as two or six others (`\\n`, `\\u00f6`), which a secret after it would be taken together
    with, and a number is no text: where there are any, or something is hidden, each text of the line goes through the net by itself."""
    if not isinstance(line, str):
        return line
    clean = without_secrets(line)
    if not line.startswith("{") or (clean == line and "\\" not in line):
        return clean
    try:
        return json.dumps(_each_text(json.loads(line)))
    except (ValueError, RecursionError):  # no JSON: a line for a person
        return clean


def _each_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {without_secrets(name): _each_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner) for inner in value]
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, int) and without_secrets(str(value)) != str(value):
        return HIDDEN
    return value
