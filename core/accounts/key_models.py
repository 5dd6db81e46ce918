"""Keys for a vendor's own software, what was answered to what it asked for, so that asking again is asking once, and what was refused."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class ApiKey(TenantKey, Base):
    """A key: publishable, secret or restricted. Of a secret one only the hash is kept; a publishable one stands in pages anyway."""

    __tablename__ = "api_keys"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "digest"),
        Index("ix_api_keys_digest", "digest"),  # whose it is, is not known before it is found
        Index("ix_api_keys_expires_at", "expires_at", postgresql_where="expires_at IS NOT NULL AND warned < 2"),
        CheckConstraint("kind IN ('pk', 'sk', 'rk')", name="kind"),
        CheckConstraint("(kind = 'rk') = (cardinality(scopes) > 0)", name="scopes"),
        CheckConstraint("(kind = 'pk') = (plain IS NOT NULL)", name="plain"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(CHAR(2), default="sk", server_default="sk")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")  # of a restricted one
    addresses: Mapped[list[str]] = mapped_column(
        ARRAY(String(43)), default=list, server_default="{}"
    )  # networks it counts from; empty: all
    digest: Mapped[str] = mapped_column(CHAR(64))
    plain: Mapped[str | None] = mapped_column(String(60))  # a publishable key, whole
    ends_in: Mapped[str] = mapped_column(CHAR(4))  # by which a person tells one key from another
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    last_used_from: Mapped[str] = mapped_column(String(45), default="", server_default="")
    last_used_by: Mapped[str] = mapped_column(String(120), default="", server_default="")  # what the program calls itself
    used_scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")  # what it was ever used for
    elsewhere_at: Mapped[datetime | None]  # when the team was last told that it came from another network
    replaced_by: Mapped[str] = mapped_column(String(40), default="", server_default="")  # the key it was rolled into, by public id
    ends_at: Mapped[datetime | None]  # until then it counts beside the one that replaced it
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str] = mapped_column(String(20), default="", server_default="")  # empty: somebody wished it
    revoked_note: Mapped[str] = mapped_column(String(200), default="", server_default="")  # why, in that person's words
    expires_at: Mapped[datetime | None]  # none: it counts until it is revoked or rolled
    warned: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")  # how often the team was told that its end is near


class KeptAnswer(Base):
    """What was answered to a write with this Idempotency-Key. Written in the same transaction as what it did, so it is there or nothing is."""

    __tablename__ = "kept_answers"
    __table_args__ = (mode_check(), Index("ix_kept_answers_at", "at"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(CHAR(64))  # of method, path and body
    fields: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))  # of each field of the body, to say which is another
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]


class RefusedCall(TenantKey, Base):
    """A call that was refused or failed, for whoever looks for the reason. Nothing that was sent is kept but the field's name."""

    __tablename__ = "refused_calls"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "key"], ["api_keys.vendor_id", "api_keys.mode", "api_keys.public_id"]),
        Index("ix_refused_calls_by_key", "vendor_id", "mode", "key", "id"),
        Index("ix_refused_calls_at", "at"),
    )
    key: Mapped[str] = mapped_column(String(40))  # which, by public id
    request: Mapped[str] = mapped_column(String(40))  # the number that the answer carried
    method: Mapped[str] = mapped_column(String(8))
    path: Mapped[str] = mapped_column(String(200))
    status: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(120), default="")
    detail: Mapped[str] = mapped_column(String(300), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    at: Mapped[datetime]


class ApiCall(TenantKey, Base):
    """A call that came with a key: the newest thousand of each. What was sent and answered is kept nowhere.

    Written in bundles, a moment later and beside the calls: it names its key and does not point to it, so that no bundle can fail for one line.
    """

    __tablename__ = "api_calls"
    __table_args__ = (
        mode_check(),
        Index("ix_api_calls_by_key", "vendor_id", "mode", "key", "id"),
        Index("ix_api_calls_at", "at"),
    )
    key: Mapped[str] = mapped_column(String(40))  # which, by public id
    request: Mapped[str] = mapped_column(String(40))  # the number that the answer carried
    method: Mapped[str] = mapped_column(String(8))
    path: Mapped[str] = mapped_column(String(200))
    status: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[str] = mapped_column(String(45), default="")
    program: Mapped[str] = mapped_column(String(120), default="")  # what it calls itself
    at: Mapped[datetime]
