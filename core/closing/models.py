"""What is kept of an account that is being closed, or was."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.closing.states import CLOSING, OPEN
from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check


class Closing(TenantKey, Base):
    """One wish to close the account, with what became of it. The whole account closes; its mode says in which the money was settled first."""

    __tablename__ = "closings"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        CheckConstraint(one_of("state", CLOSING), name="state"),
        Index("uq_closings_open", "vendor_id", unique=True, postgresql_where=one_of("state", OPEN)),
        Index("ix_closings_due", "due_at", postgresql_where="due_at IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))  # of the address by which it is taken back
    state: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))  # where the letters go; emptied at the end
    locale: Mapped[str] = mapped_column(String(10), default="")
    team: Mapped[list[list[Any]]] = mapped_column(
        JSONB
    )  # who worked there: user, role, the vendor's own role, since when; emptied at the end
    asked_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # until then it can be taken back
    told_at: Mapped[datetime | None]  # the last letter was asked for
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when the job looks at it next; None: never again
