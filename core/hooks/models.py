"""Tables of events and of what is sent to the vendors' own software: drafts, the ordered feed, endpoints, their secrets, deliveries, tries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.hooks.states import CAUSES, DELIVERY, ENDPOINT
from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check


class EventDraft(Base):
    """Something has changed: written by PostgreSQL itself in the very transaction of the change (migrations/sql/events.sql).

    The relay takes it away, looks at the object, and gives the event its place in the feed.
    """

    __tablename__ = "event_drafts"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)  # in the order of one object's changes
    type: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))  # the row's id, or of a refund its public one
    at: Mapped[datetime]


class EventFeed(Base):
    """How far a vendor's feed has come. The row is locked while places are given, so a later one is never seen before an earlier one."""

    __tablename__ = "event_feeds"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class Event(TenantKey, Base):
    """One event at its place in the feed, with the object as it stood, in the events' own shape (core/hooks/shapes.py)."""

    __tablename__ = "events"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "position"),
        Index("ix_events_by_subject", "vendor_id", "mode", "subject", "position"),
        Index("ix_events_told_at", "told_at"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(BigInteger)  # 1, 2, 3 ... of this vendor in this mode; with a gap only after a restore
    type: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))  # the object's public id
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]  # when it happened
    told_at: Mapped[datetime]  # when it got its place


class HookEndpoint(TenantKey, Base):
    """An address of the vendor's own software, and how it has been doing."""

    __tablename__ = "hook_endpoints"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("state", ENDPOINT), name="state"),
        CheckConstraint("failures >= 0", name="failures"),
        Index("uq_hook_endpoints_catcher", "vendor_id", "mode", unique=True, postgresql_where="catches AND state <> 'gone'"),
        Index("ix_hook_endpoints_due", "due_at", postgresql_where="due_at IS NOT NULL AND state = 'on'"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(500))  # empty: what is sent there is caught and shown here
    catches: Mapped[bool] = mapped_column(default=False, server_default=false())
    types: Mapped[list[str]] = mapped_column(ARRAY(String(60)))  # none: every type
    version: Mapped[str] = mapped_column(String(10))  # of the shapes its events are written in
    header_names: Mapped[list[str]] = mapped_column(
        ARRAY(String(64)), server_default="{}"
    )  # that go along; values see core/hooks/headers.py
    headers_key: Mapped[str] = mapped_column(String(20), default="", server_default="")
    headers_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10))
    why_off: Mapped[str] = mapped_column(String(20), default="")  # by_hand, answered_410, failing
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failing_since: Mapped[datetime | None]
    slow: Mapped[bool] = mapped_column(default=False, server_default=false())  # it answered late or not at all the last time
    due_at: Mapped[datetime | None]  # when something is to be sent there next
    rest_until: Mapped[datetime | None]  # it asked for patience, or did not answer: nothing is sent before
    taken_until: Mapped[datetime | None]  # somebody is sending there; a killed sender's lease simply ends
    succeeded_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]


class HookSecret(Base):
    """What an endpoint's signatures are made with. The secret itself is kept nowhere: it follows from a key outside the database and this salt."""

    __tablename__ = "hook_secrets"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "endpoint_id"], ["hook_endpoints.vendor_id", "hook_endpoints.mode", "hook_endpoints.id"]
        ),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    endpoint_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    key_id: Mapped[str] = mapped_column(String(20))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]  # until when it still signs beside its successor; none: the one that counts


_KEY = ("vendor_id", "mode", "endpoint_id")


class HookDelivery(TenantKey, Base):
    """One event on its way to one endpoint, with all its tries."""

    __tablename__ = "hook_deliveries"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "endpoint_id"], ["hook_endpoints.vendor_id", "hook_endpoints.mode", "hook_endpoints.id"]
        ),
        ForeignKeyConstraint(["vendor_id", "mode", "event_id"], ["events.vendor_id", "events.mode", "events.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("state", DELIVERY), name="state"),
        CheckConstraint(one_of("cause", CAUSES), name="cause"),
        # However often the relay runs, an event is sent to an endpoint by itself once.
        Index("uq_hook_deliveries_once", "vendor_id", "mode", "endpoint_id", "event_id", unique=True, postgresql_where="cause = 'event'"),
        Index("ix_hook_deliveries_due", "vendor_id", "mode", "endpoint_id", "due_at", postgresql_where="state = 'waiting'"),
        # Of what waits, too, and said in other words on purpose: what asks by these words can be answered by no index of due times.
        Index("ix_hook_deliveries_in_order", *_KEY, "subject", "position", postgresql_where="due_at IS NOT NULL"),
        Index("ix_hook_deliveries_newest", "vendor_id", "mode", "endpoint_id", "id"),
        Index("ix_hook_deliveries_by_event", "vendor_id", "mode", "event_id"),
        Index("ix_hook_deliveries_ended_at", "ended_at", postgresql_where="ended_at IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    endpoint_id: Mapped[uuid.UUID]
    event_id: Mapped[uuid.UUID]
    subject: Mapped[str] = mapped_column(String(60))  # the event's, as its position: by these the order is kept
    position: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[str] = mapped_column(String(60), default="")  # usr_..., or api; empty: it follows from the event
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    status: Mapped[int | None] = mapped_column(SmallInteger)  # of the last answer
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HookAttempt(Base):
    """One try: what was sent beside the body, and what came back. The body is the event's, written anew for whoever looks."""

    __tablename__ = "hook_attempts"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "delivery_id"], ["hook_deliveries.vendor_id", "hook_deliveries.mode", "hook_deliveries.id"],
        ),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sent: Mapped[dict[str, str]] = mapped_column(JSONB)  # the headers
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answered: Mapped[dict[str, str]] = mapped_column(JSONB)  # theirs
    answer: Mapped[str] = mapped_column(String(2000), default="")  # how theirs began
    problem: Mapped[str] = mapped_column(String(300), default="")  # why there was none
    took_ms: Mapped[int]
    at: Mapped[datetime]
