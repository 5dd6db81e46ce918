"""Endpoints of a vendor's own software: made, changed, switched off and on, their secrets rolled, taken away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Select, select, update

from core.accounts.models import Vendor
from core.accounts.return_addresses import LOCAL, BadReturnAddress, read_host
from core.hooks.feed import check_types
from core.hooks.headers import HIDDEN, LOST, BadHeader, HeadersLost, check_headers, filled_in, headers_of, keep_headers
from core.hooks.models import HookDelivery, HookEndpoint, HookSecret
from core.hooks.shapes import VERSION, VERSIONS
from core.hooks.sign import counting, new_salt, public_text, secret_text
from core.hooks.states import OVERLAP
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.keyed import has_key
from core.kernel.keyset import Slice, Span, slice_of
from core.kernel.sentence import said

MOST_ENDPOINTS = 16
SHOWN_FOR = timedelta(hours=1)  # that software which made an endpoint may still ask for its secret
LONGEST_OVERLAP = timedelta(days=7)


class BadHookAddress(Refusal):
    """Not an address that events may be sent to."""

    code = "bad_webhook_address"


class TooManyEndpoints(Refusal):
    """There are as many as there may be."""

    code = "too_many_webhook_endpoints"


class NoSuchVersion(Refusal):
    """Events are not written in that way."""

    code = "no_such_version"


class BadOverlap(Refusal):
    """A former secret cannot sign for that long."""

    code = "bad_overlap"


class SecretNotShown(Refusal):
    """It was shown when it was made, and is not any more."""

    code = "secret_not_shown"
    status = 410


def make_endpoint(
    vendor: Vendor, mode: str, *, address: str, name: str, types: Sequence[str], by: str, version: str = VERSION,
    headers: Mapping[str, str] | None = None,
) -> tuple[HookEndpoint, str]:  # fmt: skip
    """A new endpoint that is on, and its secret. Refuses BadHookAddress, BadHeader, NoSuchVersion, NoSuchType, TooManyEndpoints."""
    address = check_address(address, mode)
    if version not in VERSIONS:
        raise NoSuchVersion(said("There is no version %(version)s.", version=version[:20]), field="version")
    own = check_headers(filled_in(headers or {}, {}, moved=False))
    return _make(vendor, mode, address=address, name=name, types=check_types(list(types), field="types"), by=by, version=version, own=own)


def make_catcher(vendor: Vendor, mode: str, *, by: str) -> HookEndpoint:
    """The endpoint that shows here what it gets, for whoever has no server yet. There is one; asking again answers the same."""
    mine = _mine(vendor, mode).where(HookEndpoint.catches)
    if (found := db.session.scalar(mine.with_for_update())) is not None:
        return found
    return _make(vendor, mode, address="", name="", types=[], by=by, version=VERSION, catches=True)[0]


def _make(
    vendor: Vendor,
    mode: str,
    *,
    address: str,
    name: str,
    types: list[str],
    by: str,
    version: str,
    catches: bool = False,
    own: Mapping[str, str] | None = None,
) -> tuple[HookEndpoint, str]:
    if len(list_endpoints(vendor, mode)) >= MOST_ENDPOINTS:
        raise TooManyEndpoints("There are sixteen already. Take one away that is not used any more.", field="address")
    row = HookEndpoint(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("whe"), name=name.strip(), address=address, catches=catches,
        types=types, version=version, header_names=[], state="on", why_off="", failures=0, made_by=by, made_at=now(),
    )  # fmt: skip
    keep_headers(row, own or {})
    db.session.add(row)
    db.session.flush()
    secret = _add_secret(row, 1)
    record(vendor.id, actor=by, action="webhook.made", subject=row.public_id, mode=mode, address=address, **_named(row.header_names))
    return row, secret_text(secret)


def change_endpoint(
    vendor: Vendor,
    endpoint: HookEndpoint,
    *,
    by: str,
    address: str,
    name: str,
    types: Sequence[str],
    headers: Mapping[str, str] | None = None,
) -> HookEndpoint:
    """What it is called, where it is and what it is told from now on. What waits goes to the new address.

    `headers` takes the place of those there were; a hidden value stays what it was, and None leaves all as they are. Refuses BadHeader, also
    where the address leads to another server and a kept value would go there, and where the values are lost and none is given in their place.
    """
    row = _lock(endpoint)
    before = _facts(row)
    if not row.catches:
        row.address = check_address(address, row.mode)
    row.name, row.types = name.strip(), check_types(list(types), field="types")
    moved = _server(row.address) != _server(before["address"])
    renewed = _change_headers(row, headers, moved=moved)
    changes = differences(before, _facts(row))
    if changes or renewed:
        if row.address != before["address"]:  # another server: how the last one did says nothing of it
            row.rest_until, row.slow = None, False
        told = {"new_values": renewed} if renewed else {}
        record(vendor.id, actor=by, action="webhook.changed", subject=row.public_id, mode=row.mode, changes=changes, **told)
    return row


def _facts(row: HookEndpoint) -> dict[str, Any]:
    return {"address": row.address, "name": row.name, "types": list(row.types), "headers": list(row.header_names)}


def _named(names: list[str]) -> dict[str, list[str]]:
    """For the audit log: names, never values."""
    return {"headers": list(names)} if names else {}


def _server(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port


def _change_headers(row: HookEndpoint, given: Mapping[str, str] | None, *, moved: bool) -> list[str]:
    """Answers which that were there have another value now."""
    try:
        kept = headers_of(row)
    except HeadersLost:
        return _replace_lost(row, given, moved=moved)
    given = dict.fromkeys(row.header_names, HIDDEN) if given is None else given
    wanted = check_headers(filled_in(given, kept, moved=moved))
    if wanted != kept or list(wanted) != list(row.header_names):
        keep_headers(row, wanted)
    return [name for name, value in wanted.items() if name in kept and kept[name] != value]


def _replace_lost(row: HookEndpoint, given: Mapping[str, str] | None, *, moved: bool) -> list[str]:
    """What nobody can read stays as it is, for its key may come back, or is given up for what is given."""
    if given is None:
        if moved:
            raise BadHeader(LOST, field="headers")
        return []
    before, wanted = list(row.header_names), check_headers(filled_in(given, None, moved=moved))
    keep_headers(row, wanted)
    row.rest_until, row.slow = None, False  # it rested because nothing could be sent
    return [name for name in wanted if name in before]


def switch_off(endpoint: HookEndpoint, *, why: str, by: str) -> HookEndpoint:
    """Nothing is sent there any more, and what waited is called off: it can be caught up when it is on again. Safe to repeat."""
    row = _lock(endpoint)
    if row.state == "on":
        row.state, row.why_off, row.due_at, row.rest_until = "off", why, None, None
        _call_off(row)
        record(row.vendor_id, actor=by, action="webhook.switched_off", subject=row.public_id, mode=row.mode, why=why)
    return row


def switch_on(endpoint: HookEndpoint, *, by: str) -> HookEndpoint:
    """It is told of what happens from now on. Safe to repeat."""
    row = _lock(endpoint)
    if row.state == "off":
        row.state, row.why_off, row.failures, row.failing_since, row.rest_until, row.slow = "on", "", 0, None, None, False
        record(row.vendor_id, actor=by, action="webhook.switched_on", subject=row.public_id, mode=row.mode)
    return row


def take_away(endpoint: HookEndpoint, *, by: str) -> None:
    """For good; what was sent there can still be looked at for a while. Safe to repeat."""
    row = _lock(endpoint)
    if row.state != "gone":
        row.state, row.due_at = "gone", None
        keep_headers(row, {})
        _call_off(row)
        record(row.vendor_id, actor=by, action="webhook.taken_away", subject=row.public_id, mode=row.mode)


def roll_secret(endpoint: HookEndpoint, *, by: str, overlap: timedelta = OVERLAP) -> str:
    """A new secret. The former one signs beside it for a while, so that no delivery is refused while the receiver changes over; zero ends it now."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise BadOverlap("Between no time and seven days.", field="overlap_hours")
    row = _lock(endpoint)
    rows = secrets_of(row)
    for old in rows:
        old.ends_at = min(old.ends_at or now() + overlap, now() + overlap)
    record(row.vendor_id, actor=by, action="webhook.secret_rolled", subject=row.public_id, mode=row.mode)
    return secret_text(_add_secret(row, max(old.number for old in rows) + 1))


def young_secret(endpoint: HookEndpoint) -> str:
    """The secret that counts, as long as it is new. Refuses SecretNotShown."""
    newest = max(secrets_of(endpoint), key=lambda row: row.number)
    if now() - newest.made_at > SHOWN_FOR or not has_key(newest.key_id):
        raise SecretNotShown("The secret can be read for an hour after it was made. Roll it to get another one.")
    return secret_text(newest)


def signing_keys(endpoint: HookEndpoint) -> list[HookSecret]:
    """What a delivery is signed with at this moment, the newest first; nothing where every secret is lost with its key."""
    return counting(secrets_of(endpoint))


def public_keys(endpoint: HookEndpoint) -> list[str]:
    """With any of these the Ed25519 signatures of a delivery of this moment are checked, the newest first."""
    return [public_text(row) for row in signing_keys(endpoint)]


def overlap_ends(endpoint: HookEndpoint) -> datetime | None:
    """Until when a former secret still signs; None when there is one secret only."""
    return max((row.ends_at for row in secrets_of(endpoint) if row.ends_at and row.ends_at > now()), default=None)


def secrets_of(endpoint: HookEndpoint) -> list[HookSecret]:
    mine = (HookSecret.vendor_id == endpoint.vendor_id, HookSecret.mode == endpoint.mode, HookSecret.endpoint_id == endpoint.id)
    return list(db.session.scalars(select(HookSecret).where(*mine).order_by(HookSecret.number)))


def get_endpoint(vendor: Vendor, mode: str, number: str) -> HookEndpoint:
    """One of this vendor's endpoints that is not taken away; refuses with 404."""
    found = db.session.scalar(_mine(vendor, mode).where(HookEndpoint.public_id == number)) if is_public_id("whe", number) else None
    if found is None:
        raise NotFound("There is no such endpoint.")
    return found


def list_endpoints(vendor: Vendor, mode: str) -> list[HookEndpoint]:
    """Those that are not taken away, oldest first."""
    return list(db.session.scalars(_mine(vendor, mode).order_by(HookEndpoint.id)))


def is_troubled(endpoint: HookEndpoint) -> bool:
    """Whether it takes nothing at the moment, or was switched off because it took nothing; one that a person switched off rests."""
    if endpoint.state == "off":
        return endpoint.why_off in ("answered_410", "failing")
    return endpoint.state == "on" and endpoint.failing_since is not None


def feed_endpoints(vendor: Vendor, mode: str, span: Span) -> Slice:
    """The same as a vendor's own software reads lists: newest first, by keyset, in both directions."""
    return slice_of(_mine(vendor, mode), HookEndpoint.id, span, lambda number: get_endpoint(vendor, mode, number).id)


def check_address(address: str, mode: str) -> str:
    """The address as it is kept. Whether its host lies outside our house is looked at each time something is sent: a name may move."""
    address = address.strip()
    try:
        host = read_host(address, mode, field="address", like="https://shop.example/webhooks")
    except BadReturnAddress as problem:
        raise BadHookAddress(_what_is_wrong(address) or problem.message, field="address") from None
    if set("{}#") & set(address):
        raise BadHookAddress("Leave out brackets and the sign #: a server never hears what comes behind it.", field="address")
    if host in LOCAL and not settings().hooks_to_localhost:
        raise BadHookAddress("This portal cannot reach a program on your own machine. Give an address on the internet.", field="address")
    if address == "https://" + host or address == "http://" + host:
        address += "/"
    return address


def _what_is_wrong(address: str) -> str:
    """What is wrong with an address that events cannot be sent to, where a return address would be told less of it."""
    server = re.split(r"[/?#\\]", address.partition("://")[2], maxsplit=1)[0]
    if "@" in server:
        return said("Leave out the name and password before the @. What only your receiver knows goes into headers of your own.")
    if not server.isascii():
        return said("Write the host name in plain letters. One of another alphabet is written as xn--…")
    return ""


def _mine(vendor: Vendor, mode: str) -> Select[tuple[HookEndpoint]]:
    return select(HookEndpoint).where(HookEndpoint.vendor_id == vendor.id, HookEndpoint.mode == mode, HookEndpoint.state != "gone")


def _lock(endpoint: HookEndpoint) -> HookEndpoint:
    row = locked(HookEndpoint, endpoint.vendor_id, endpoint.mode, endpoint.id)
    if row is None:
        raise Conflict("This endpoint was taken away.")
    return row


def _add_secret(row: HookEndpoint, number: int) -> HookSecret:
    key_id, salt = new_salt()
    made = HookSecret(
        vendor_id=row.vendor_id, mode=row.mode, endpoint_id=row.id, number=number, key_id=key_id, salt=salt, made_at=now(), ends_at=None
    )
    db.session.add(made)
    db.session.flush()
    return made


def _call_off(row: HookEndpoint) -> None:
    mine = (HookDelivery.vendor_id == row.vendor_id, HookDelivery.mode == row.mode, HookDelivery.endpoint_id == row.id)
    waiting = update(HookDelivery).where(*mine, HookDelivery.state == "waiting").values(state="canceled", due_at=None, ended_at=now())
    db.session.execute(waiting.execution_options(synchronize_session=False))
