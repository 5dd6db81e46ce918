"""How the processes log: one JSON object per line, with the whole traceback of a fault but never the values in it.

Whoever writes a line names things by their ids. What comes in with the words of others, such as a database's DETAIL or a library's error, goes
through a net: keys, tokens, card numbers and addresses do not stand in any line.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog
from structlog.typing import Processor

HIDDEN = "***"  # plain signs: a stream may take no others
# Keys of ours and of processors, secrets of webhooks, refresh tokens, JWTs, what follows Bearer, and tokens of addresses.
SECRETS = re.compile(
    r"(?:portal_)?(?:sk|rk)_(?:test|live)_\w{8,}|wh(?:sec|sk)_[\w+/=-]{8,}|\brt_[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|WyJ[\w-]{20,}\.[\w-]{20,}"
    r"|(?<=Bearer )[^\s\"'\\]{8,}"
)
ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
CARD_NUMBER = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")


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
    )


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
    return without_secrets(line) if isinstance(line, str) else line
