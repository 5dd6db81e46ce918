"""Headers of the vendor's own that go along with every delivery to an endpoint: which there may be, and their values, which are secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from core.hooks.models import HookEndpoint
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.keyed import key_ids
from core.kernel.sealed import seal, unseal
from core.kernel.sentence import Sentence, said

MOST_HEADERS = 10
LONGEST_NAME = 64
LONGEST_VALUE = 500
HIDDEN = "•••"  # in the place of a value; no value can be written like this
SHORTEST_SECRET = 6  # letters: what is shorter is not looked for in what a receiver answers, for it stands in every text
PURPOSE = "hook-headers"

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# What says how the message is carried, or by whom, is ours to say. Compared with `-` for every sign, as CGI and its kind read names: to such a
# receiver webhook_signature is webhook-signature.
OURS = frozenset({
    "host", "connection", "keep-alive", "te", "trailer", "trailers", "transfer-encoding", "upgrade", "http2-settings", "expect", "accept-encoding",
    "user-agent", "cookie", "cookie2", "set-cookie", "forwarded", "via", "x-real-ip",
})  # fmt: skip
OURS_BEGIN = ("content-", "webhook-", "proxy-", "x-forwarded-")


LOST = said("The values of these headers cannot be read any more. Write them anew, or take the headers away.")


class HeadersLost(ValueError):
    """Their values cannot be opened: the key they were kept under is gone, or they are not as they were kept."""


class BadHeader(Refusal):
    """Not a header that may go along."""

    code = "bad_webhook_header"


def check_headers(given: Mapping[str, str]) -> dict[str, str]:
    """Names and values as they are kept and sent. Refuses BadHeader at `headers`."""
    if len(given) > MOST_HEADERS:
        raise _bad(said("There may be %(most)s headers at most.", most=MOST_HEADERS))
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in given.items():
        name, value = name.strip(" "), value.strip(" ")
        _check_name(name)
        if _plainly(name) in seen:
            raise _bad(said("%(name)s is there twice. Each header goes along once.", name=name))
        seen.add(_plainly(name))
        _check_value(name, value)
        found[name] = value
    return found


def read_lines(text: str) -> dict[str, str]:
    """What a person wrote, one header in a line. Refuses BadHeader for a line that is none; check_headers looks at the rest."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not name:
            raise _bad(said("Line %(number)s is no header. Write the name, a colon, and the value: X-Shop: 4711.", number=number))
        if name in found:
            raise _bad(said("%(name)s is there twice. Each header goes along once.", name=name[:LONGEST_NAME]))
        found[name] = value.strip()
    return found


def as_lines(names: list[str], *, lost: bool = False) -> str:
    """The same for a person to change, without the values; where those are lost, with nothing that would stand for them."""
    return "\n".join(f"{name}: {'' if lost else HIDDEN}" for name in names)


def filled_in(given: Mapping[str, str], kept: Mapping[str, str] | None, *, moved: bool) -> dict[str, str]:
    """With the kept value wherever the given one is hidden. Refuses BadHeader where none is kept under that name, or all are lost (`kept` is
    None); and where the address has `moved` to another server, for whoever may change an address is not one who may read what was kept from
    everybody."""
    if kept is None and HIDDEN in (value.strip(" ") for value in given.values()):
        raise _bad(LOST)
    known = {name.lower(): value for name, value in (kept or {}).items()}
    found: dict[str, str] = {}
    for name, value in given.items():
        if value.strip(" ") == HIDDEN:
            if name.strip(" ").lower() not in known:
                raise _bad(said("Write the value of %(name)s behind its colon: none is kept under this name.", name=name[:LONGEST_NAME]))
            if moved:
                raise _bad(said("The address leads to another server now. Write the values of the headers anew, or take the headers away."))
            value = known[name.strip(" ").lower()]
        found[name] = value
    return found


def keep_headers(row: HookEndpoint, headers: Mapping[str, str]) -> None:
    """Write them down for this endpoint in the place of those it had: names as they are, values encrypted."""
    row.header_names = list(headers)
    row.headers_key, row.headers_sealed = seal(PURPOSE, json.dumps(dict(headers)).encode(), *_whose(row)) if headers else ("", None)


def list_under_former_keys() -> list[tuple[UUID, str, UUID]]:
    """Endpoints of all vendors whose values are encrypted under a key that is there and not the newest."""
    key = HookEndpoint.vendor_id, HookEndpoint.mode, HookEndpoint.id
    found = select(*key).where(HookEndpoint.headers_key.in_(key_ids()[1:])).order_by(*key)
    return [(row[0], row[1], row[2]) for row in db.session.execute(found)]


def seal_anew(vendor_id: UUID, mode: str, endpoint: UUID) -> bool:
    """The same values under the newest key; whether there was anything to do. Safe to repeat. Raises HeadersLost."""
    row = locked(HookEndpoint, vendor_id, mode, endpoint)
    if row is None or row.headers_key not in key_ids()[1:]:
        return False
    keep_headers(row, headers_of(row))
    return True


def headers_of(row: HookEndpoint) -> dict[str, str]:
    """Name and value of each, to be sent and shown to nobody. Raises HeadersLost."""
    if row.headers_sealed is None:
        return {}
    try:
        return dict(json.loads(unseal(PURPOSE, row.headers_key, row.headers_sealed, *_whose(row))))
    except (KeyError, ValueError) as problem:
        raise HeadersLost(str(problem)) from problem


def are_lost(row: HookEndpoint) -> bool:
    """Whether its headers have values that nobody can read."""
    try:
        headers_of(row)
    except HeadersLost:
        return True
    return False


def covered(text: str, headers: Mapping[str, str]) -> str:
    """A receiver's words without the values that it was sent: some say everything back."""
    for value in sorted({one for one in headers.values() if len(one) >= SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(value, HIDDEN).replace(json.dumps(value)[1:-1], HIDDEN)
    return text


def _check_name(name: str) -> None:
    if not TOKEN.fullmatch(name):
        raise _bad(
            said("%(name)s is no name of a header. Use letters, digits and hyphens, like X-Shop.", name=name[:LONGEST_NAME])
            if name.isascii() and name.isprintable() and name
            else said("A header needs a name of letters, digits and hyphens, like X-Shop.")
        )
    if len(name) > LONGEST_NAME:
        raise _bad(said("The name %(name)s… is too long. Use %(most)s letters at most.", name=name[:20], most=LONGEST_NAME))
    plain = _plainly(name)
    if "signature" in plain:
        raise _bad(said("%(name)s is refused: what is called a signature is worked out anew for each delivery.", name=name))
    if plain in OURS or plain.startswith(OURS_BEGIN):
        raise _bad(said("%(name)s is refused: this header is set by us, or belongs to the connection. Take another name.", name=name))


def _check_value(name: str, value: str) -> None:
    if not value:
        raise _bad(said("%(name)s has no value. Write it, or take the header away.", name=name))
    if len(value) > LONGEST_VALUE:
        raise _bad(said("The value of %(name)s is too long. Use %(most)s signs at most.", name=name, most=LONGEST_VALUE))
    if not VISIBLE.fullmatch(value):
        raise _bad(
            said("The value of %(name)s has signs that no header carries. Use plain letters, digits and signs in one line.", name=name)
        )


def _plainly(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "-", name.lower())


def _bad(message: Sentence) -> BadHeader:
    return BadHeader(message, field="headers")


def _whose(row: HookEndpoint) -> tuple[bytes, ...]:
    return row.vendor_id.bytes, row.mode.encode(), row.id.bytes
