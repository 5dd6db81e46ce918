"""The key to a payer's own page: sent by e-mail to whose payments it shows, good for a day, and only the newest one."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import delete, select, tuple_, update

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.customers.models import PayerKey
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.signing import TokenRefused, make_token, read_token

LIFE = timedelta(hours=24)
KEPT = timedelta(days=30)  # after it ran out: "was that me?"


def make_key(vendor: Vendor, mode: str, email: str) -> PayerKey:
    """A new key. Older ones of the same payer stop working, so only the newest letter counts."""
    email, at = email.strip().lower(), now()
    revoke_keys(vendor.id, mode, email)
    key = PayerKey(
        vendor_id=vendor.id, mode=mode, id=uuid7(), token_id=public_id("tok"), email=email, created_at=at, expires_at=at + LIFE, revoked_at=None,
    )  # fmt: skip
    db.session.add(key)
    return key


def revoke_keys(vendor_id: uuid.UUID, mode: str, email: str) -> None:
    """Whoever has one of this payer's letters opens nothing with it any more."""
    theirs = (PayerKey.vendor_id == vendor_id, PayerKey.mode == mode, PayerKey.email == email, PayerKey.revoked_at.is_(None))
    db.session.execute(update(PayerKey).where(*theirs).values(revoked_at=now()))


def key_token(vendor: Vendor, key: PayerKey) -> str:
    """The signed text of the page's address."""
    return make_token("payer", vendor=vendor.public_id, mode=key.mode, token_id=key.token_id, expires_at=key.expires_at)


def find_key(vendor: Vendor, mode: str, token_id: str) -> PayerKey | None:
    """The key that a token or a letter names."""
    mine = select(PayerKey).where(PayerKey.vendor_id == vendor.id, PayerKey.mode == mode)
    return db.session.scalar(mine.where(PayerKey.token_id == token_id))


def open_key(text: str) -> tuple[Vendor, PayerKey]:
    """Whose payments with whom this opens. Raises TokenRefused for what we did not issue, what is too old, and what a newer one replaced."""
    claims = read_token("payer", text)
    vendor = find_vendor(claims.vendor)
    key = find_key(vendor, claims.mode, claims.token_id) if vendor else None
    if vendor is None or key is None or key.revoked_at is not None:
        raise TokenRefused("revoked")
    if key.expires_at <= now():
        raise TokenRefused("expired", claims)
    return vendor, key


def forget_keys(vendor_id: uuid.UUID, mode: str, email: str) -> None:
    """Nothing is left of whom they were written to."""
    db.session.execute(delete(PayerKey).where(PayerKey.vendor_id == vendor_id, PayerKey.mode == mode, PayerKey.email == email))


def prune_keys(limit: int) -> int:
    """Keys that have been over for so long, `limit` at most; answers how many."""
    old = select(PayerKey.vendor_id, PayerKey.mode, PayerKey.id).where(PayerKey.expires_at < now() - KEPT).limit(limit)
    gone = delete(PayerKey).where(tuple_(PayerKey.vendor_id, PayerKey.mode, PayerKey.id).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
