"""Keys of a vendor's software: made, shown once, rolled into new ones, found by their hash, revoked at once."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import select

from core.accounts.key_models import ApiKey
from core.accounts.key_scopes import read_scopes
from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

BRAND = "portal"
PUBLISHABLE, SECRET, RESTRICTED = "pk", "sk", "rk"
KINDS = (SECRET, RESTRICTED, PUBLISHABLE)
MOST_KEYS = 20  # at once; a key nobody uses is better revoked
MOST_ADDRESSES = 20
LONGEST_OVERLAP = timedelta(days=7)
QUIET = timedelta(minutes=1)  # that a key was used is noted so often at most
LEAKED = "leaked"
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What a scanner for secrets looks for; the last six signs follow from the 32 before them (`_check`).
PATTERN = rf"{BRAND}_(pk|sk|rk)_(test|live)_([0-9A-Za-z]{{32}})([0-9A-Za-z]{{6}})"
_SHAPE = re.compile(PATTERN)


class TooManyKeys(Refusal):
    """There are as many as there may be."""

    code = "too_many_keys"


class BadAddresses(Refusal):
    """A line that is no network address."""

    code = "bad_addresses"


class KeyOver(Conflict):
    """The key counts no more, or has been rolled already."""

    code = "key_over"


def make_key(
    vendor: Vendor, mode: str, *, name: str, by: str, kind: str = SECRET, scopes: Iterable[str] = (), addresses: Iterable[str] = ()
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can be told a second time. Refuses TooManyKeys, BadScopes, BadAddresses."""
    if len([key for key in list_keys(vendor, mode) if counts(key)]) >= MOST_KEYS:
        raise TooManyKeys("There are twenty keys already. Revoke one that is not used any more.", field="name")
    if kind not in KINDS:
        raise Refusal("Choose a kind of key from the list.", field="kind")
    wide = read_scopes(scopes) if kind == RESTRICTED else []
    key, secret = _made(vendor, mode, name.strip(), kind, wide, read_addresses(addresses), by)
    record(vendor.id, actor=by, action="api_key.made", subject=key.public_id, mode=mode, kind=kind, scopes=wide)
    return key, secret


def _made(vendor: Vendor, mode: str, name: str, kind: str, scopes: list[str], addresses: list[str], by: str) -> tuple[ApiKey, str]:
    random = "".join(secrets.choice(_SIGNS) for _ in range(32))
    secret = f"{BRAND}_{kind}_{mode}_{random}{_check(random)}"
    key = ApiKey(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("key"), name=name, kind=kind, scopes=scopes, addresses=addresses,
        digest=_digest(secret), plain=secret if kind == PUBLISHABLE else None, ends_in=secret[-4:], made_by=by, made_at=now(),
        last_used_from="", replaced_by="", revoked_because="",
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    return key, secret


def read_addresses(lines: Iterable[str]) -> list[str]:
    """Networks as they are kept, `203.0.113.7` or `203.0.113.0/24`; each once. Refuses BadAddresses."""
    found: dict[str, None] = {}
    for line in lines:
        if not (text := line.strip()):
            continue
        try:
            found[str(ip_network(text))] = None
        except ValueError:
            raise BadAddresses(
                said("“%(line)s” is no network address. Write 203.0.113.7 or 203.0.113.0/24.", line=text[:60]), field="addresses"
            ) from None
    if len(found) > MOST_ADDRESSES:
        raise BadAddresses(said("%(most)s addresses at most.", most=MOST_ADDRESSES), field="addresses")
    return list(found)


def counts_from(key: ApiKey, address: str) -> bool:
    """Whether a call from this address may come with the key."""
    if not key.addresses:
        return True
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(network) for network in key.addresses)


def find_key(secret: str) -> tuple[Vendor, ApiKey] | None:
    """Whose key this is; None for one that was revoked, altered or never ours. What cannot be ours is not asked of the database."""
    found = _find(secret)
    return found if found and counts(found[1]) else None


def _find(secret: str) -> tuple[Vendor, ApiKey] | None:
    shape = _SHAPE.fullmatch(secret)
    if shape is None or _check(shape[3]) != shape[4]:
        return None
    query = select(Vendor, ApiKey).join(ApiKey, ApiKey.vendor_id == Vendor.id)
    found = db.session.execute(query.where(ApiKey.digest == _digest(secret), ApiKey.mode == shape[2])).first()
    return (found[0], found[1]) if found else None


def counts(key: ApiKey) -> bool:
    """Whether it opens anything now: not revoked, and not past the time it had left after it was rolled."""
    return key.revoked_at is None and (key.ends_at is None or now() < key.ends_at)


def note_use(key: ApiKey, address: str = "") -> None:
    """It was used just now, from there."""
    if key.last_used_at is None or now() - key.last_used_at > QUIET:
        key.last_used_at, key.last_used_from = now(), address[:45]


def list_keys(vendor: Vendor, mode: str) -> list[ApiKey]:
    """All keys, also revoked ones, the newest first."""
    mine = select(ApiKey).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode)
    return list(db.session.scalars(mine.order_by(ApiKey.id.desc())))


def get_key(vendor: Vendor, mode: str, number: str) -> ApiKey:
    """One of the vendor's keys, locked until the unit ends; refuses with 404."""
    mine = select(ApiKey.id).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode, ApiKey.public_id == number)
    found = db.session.scalar(mine) if is_public_id("key", number) else None
    key = locked(ApiKey, vendor.id, mode, found) if found else None
    if key is None:
        raise NotFound("There is no such key.")
    return key


def roll_key(vendor: Vendor, mode: str, number: str, *, overlap: timedelta, by: str) -> tuple[ApiKey, str]:
    """A new key good for the same, and its secret; the old one counts for as long as `overlap` beside it. Refuses KeyOver."""
    old = get_key(vendor, mode, number)
    if not counts(old) or old.replaced_by:
        raise KeyOver("This key was rolled or revoked already.")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refusal("Choose for how long both keys count from the list.", field="overlap")
    new, secret = _made(vendor, mode, old.name, old.kind, list(old.scopes), list(old.addresses), by)
    old.replaced_by, old.ends_at = new.public_id, now() + overlap
    record(
        vendor.id, actor=by, action="api_key.rolled", subject=old.public_id, mode=mode, into=new.public_id, until=old.ends_at.isoformat()
    )
    return new, secret


def revoke_key(vendor: Vendor, mode: str, number: str, *, by: str) -> ApiKey:
    """From this moment on it opens nothing. Safe to repeat; refuses with 404."""
    key = get_key(vendor, mode, number)
    if key.revoked_at is None:
        key.revoked_at = now()
        record(vendor.id, actor=by, action="api_key.revoked", subject=key.public_id, mode=mode)
    return key


def report_leaked(secret: str, *, where: str) -> tuple[Vendor, ApiKey] | None:
    """Somebody found this text where it should not be. Ours and secret, it is revoked at once; the answer is for us, never for them.

    Whoever can report it could as well use it, so nothing is asked of them. A publishable key stands in pages on purpose.
    """
    found = _find(secret)
    if found is None or not counts(found[1]) or found[1].kind == PUBLISHABLE:
        return None
    vendor, key = found
    key = get_key(vendor, key.mode, key.public_id)
    if key.revoked_at is not None:
        return None
    key.revoked_at, key.revoked_because = now(), LEAKED
    record(vendor.id, actor="system", action="api_key.leaked", subject=key.public_id, mode=key.mode, where=where[:200])
    return vendor, key


def _digest(secret: str) -> str:
    """Half of the random signs would be more than anybody can try: no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(random: str) -> str:
    """Six signs that let a scanner tell a key of ours from any other text, without asking us."""
    number, signs = zlib.crc32(random.encode()), ""
    for _ in range(6):
        number, sign = divmod(number, len(_SIGNS))
        signs += _SIGNS[sign]
    return signs
