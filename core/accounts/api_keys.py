"""Secret keys of a vendor's software: made, shown once, found by their hash, revoked at once."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from datetime import timedelta

from sqlalchemy import select

from core.accounts.key_models import ApiKey
from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7

BRAND = "portal"
MOST_KEYS = 20  # at once; a key nobody uses is better revoked
QUIET = timedelta(minutes=1)  # that a key was used is noted so often at most
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(rf"{BRAND}_sk_(test|live)_([0-9A-Za-z]{{32}})([0-9A-Za-z]{{6}})")


class TooManyKeys(Refusal):
    """There are as many as there may be."""

    code = "too_many_keys"


def make_key(vendor: Vendor, mode: str, *, name: str, by: str) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can be told a second time. Refuses TooManyKeys."""
    if len([key for key in list_keys(vendor, mode) if key.revoked_at is None]) >= MOST_KEYS:
        raise TooManyKeys("There are twenty keys already. Revoke one that is not used any more.", field="name")
    random = "".join(secrets.choice(_SIGNS) for _ in range(32))
    secret = f"{BRAND}_sk_{mode}_{random}{_check(random)}"
    key = ApiKey(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("key"), name=name.strip(), digest=_digest(secret), ends_in=secret[-4:],
        made_by=by, made_at=now(),
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    record(vendor.id, actor=by, action="api_key.made", subject=key.public_id, mode=mode)
    return key, secret


def find_key(secret: str) -> tuple[Vendor, ApiKey] | None:
    """Whose key this is; None for one that was revoked, altered or never ours. What cannot be ours is not asked of the database."""
    shape = _SHAPE.fullmatch(secret)
    if shape is None or _check(shape[2]) != shape[3]:
        return None
    query = select(Vendor, ApiKey).join(ApiKey, ApiKey.vendor_id == Vendor.id)
    found = db.session.execute(query.where(ApiKey.digest == _digest(secret), ApiKey.mode == shape[1], ApiKey.revoked_at.is_(None))).first()
    return (found[0], found[1]) if found else None


def note_use(key: ApiKey) -> None:
    """It was used just now."""
    if key.last_used_at is None or now() - key.last_used_at > QUIET:
        key.last_used_at = now()


def list_keys(vendor: Vendor, mode: str) -> list[ApiKey]:
    """All keys, also revoked ones, the newest first."""
    mine = select(ApiKey).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode)
    return list(db.session.scalars(mine.order_by(ApiKey.id.desc())))


def revoke_key(vendor: Vendor, mode: str, number: str, *, by: str) -> ApiKey:
    """From this moment on it opens nothing. Safe to repeat; refuses with 404."""
    mine = select(ApiKey.id).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode, ApiKey.public_id == number)
    found = db.session.scalar(mine) if is_public_id("key", number) else None
    key = locked(ApiKey, vendor.id, mode, found) if found else None
    if key is None:
        raise NotFound("There is no such key.")
    if key.revoked_at is None:
        key.revoked_at = now()
        record(vendor.id, actor=by, action="api_key.revoked", subject=key.public_id, mode=mode)
    return key


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
