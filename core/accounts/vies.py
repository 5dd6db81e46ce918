"""Asks the European Union's registry of VAT numbers (VIES) whether a number exists, by its REST interface. Outside any transaction, and once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.kernel.clock import now
from core.kernel.db import assert_no_transaction

SECONDS = 15
LARGEST = 100_000  # bytes of an answer
OTHER_PREFIX = {"GR": "EL"}  # how the registry calls a country


class RegistryAway(Exception):
    """There is no answer now: the registry, or the country's own, is down or busy. The message is its word for that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry says. `consultation` is its number for having been asked, given to those who say who they are."""

    valid: bool
    at: datetime
    consultation: str
    name: str
    address: str


def consult(base: str, vat_id: str, *, requester: str) -> Answer:
    """Ask about a number with its country in front. Raises RegistryAway and nothing else: a number is invalid only when that is said."""
    assert_no_transaction()
    body = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
    if requester:
        body |= {"requesterMemberStateCode": requester[:2], "requesterNumber": requester[2:]}
    request = urllib.request.Request(
        f"{base}/check-vat-number",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            said = json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as problem:
        with problem:
            raise RegistryAway(_word(_read(problem.read(LARGEST)), f"HTTP_{problem.code}")) from None
    except (OSError, ValueError) as problem:
        raise RegistryAway(type(problem).__name__.upper()) from None
    if not isinstance(said, dict) or not isinstance(said.get("valid"), bool):
        raise RegistryAway(_word(said, "NO_ANSWER"))
    return Answer(
        said["valid"],
        _instant(said.get("requestDate")),
        _text(said, "requestIdentifier", 60),
        _text(said, "name", 300),
        _text(said, "address", 500),
    )


def spelled(vat_id: str) -> str:
    """As the registry writes it: with the letters by which it knows the country."""
    return OTHER_PREFIX.get(vat_id[:2], vat_id[:2]) + vat_id[2:]


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _word(said: Any, otherwise: str) -> str:
    """MS_UNAVAILABLE and the like."""
    wrappers = said.get("errorWrappers") if isinstance(said, dict) else None
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else None
    word = first.get("error") if isinstance(first, dict) else None
    return word[:60] if isinstance(word, str) and word else otherwise


def _text(said: dict[str, Any], name: str, most: int) -> str:
    """Countries that tell nothing send dashes."""
    value = said.get(name)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if text == "---" else text[:most]


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else now()
    except ValueError:
        at = now()
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
