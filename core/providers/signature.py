"""Whether a webhook is the provider's: the signature over the raw body, judged without trusting one byte of the request."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.providers.contract import SignatureRefused

TOLERANCE_SECONDS = 300  # in both directions: a clock that runs ahead is no better than a replay
LARGEST_BODY = 1_048_576
LONGEST_HEADER = 4_096
_TIME = re.compile(r"[0-9]{1,12}")
_MARK = re.compile(r"[0-9a-f]{64}")


def check_signature(body: Any, headers: Any, name: str, secrets: Sequence[str], now: int) -> None:
    """Returns for an authentic body. Raises SignatureRefused, and nothing else, for any other."""
    if not isinstance(body, bytes) or len(body) > LARGEST_BODY:
        raise SignatureRefused("The body is missing or too large.")
    timestamp, marks = _read(_header(headers, name))
    matched = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
        for mark in marks:
            matched = hmac.compare_digest(expected, mark) or matched
    if not matched:
        raise SignatureRefused("The signature was not made with our secret.")
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise SignatureRefused("The signature is too old, or from the future.")


def _header(headers: Any, name: str) -> str:
    try:
        found = [value for key, value in headers.items() if isinstance(key, str) and key.lower() == name]
    except (AttributeError, TypeError, ValueError):
        found = []
    if len(found) != 1 or not isinstance(found[0], str) or not 0 < len(found[0]) <= LONGEST_HEADER or not found[0].isascii():
        raise SignatureRefused("The signature header is missing or unreadable.")
    return found[0]


def _read(header: str) -> tuple[int, list[str]]:
    times, marks = [], []
    for item in header.split(","):
        scheme, _, value = item.strip(" ").partition("=")
        if scheme == "t":
            times.append(value)
        elif scheme == "v1" and _MARK.fullmatch(value):
            marks.append(value)
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not marks:
        raise SignatureRefused("The signature header is incomplete.")
    return int(times[0]), marks


def read_json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in an authentic body; SignatureRefused for anything else, nesting without end included."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SignatureRefused("The body is no JSON document.") from error
    if not isinstance(found, dict):
        raise SignatureRefused("The body is no event.")
    if b"\\u" in body and not all(_is_clean(text) for text in _texts(found)):
        raise SignatureRefused("The body holds what no text can hold.")
    return found


def _texts(part: Any) -> Iterator[str]:
    """Every text in it, names included."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for name, value in part.items():
            yield name
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)


def _is_clean(text: str) -> bool:
    """PostgreSQL keeps no nul, and half a surrogate pair is no sign: only `\\u....` writes one."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def text_map(values: Any) -> dict[str, str]:
    """Metadata as names and texts; anything else in it is left out."""
    if not isinstance(values, Mapping):
        return {}
    return {key: value for key, value in values.items() if isinstance(key, str) and isinstance(value, str)}
