"""The host names on which vendors let their payment pages stand, and whose pages each of them shows."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base

WAITING, VERIFIED, LOST = "waiting", "verified", "lost"
STATES = (LOST, VERIFIED, WAITING)


class PayDomain(Base):
    """A host name a vendor wants its payment pages on, and what DNS last said of it. Both modes share it, for it is one shop."""

    __tablename__ = "pay_domains"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("failures >= 0", name="failures"),
        UniqueConstraint("vendor_id", "public_id"),
        UniqueConstraint("vendor_id", "host"),
        Index("uq_pay_domains_in_use", "vendor_id", unique=True, postgresql_where=text("in_use")),
        Index("ix_pay_domains_due", "next_look_at", postgresql_where=text("next_look_at IS NOT NULL")),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    host: Mapped[str] = mapped_column(String(253))  # in lower case, as DNS writes it
    proof: Mapped[str] = mapped_column(String(60))  # what the TXT record must say
    state: Mapped[str] = mapped_column(String(10))
    in_use: Mapped[bool]  # whether new addresses are to be made with it; they are while it is verified
    verified_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]  # when somebody last asked for a look
    checked_at: Mapped[datetime | None]
    found_proof: Mapped[str | None] = mapped_column(String(300))  # the TXT records; None: DNS did not answer
    found_address: Mapped[str | None] = mapped_column(String(300))  # where the name leads; None: DNS did not answer
    proved: Mapped[bool]  # whether the proof was among them at the last look
    leads_here: Mapped[bool]  # whether the name led to us at the last look
    failures: Mapped[int]  # looks in a row that did not find it any more
    failing_since: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]  # when the clock has it looked at again
    created_at: Mapped[datetime]


class PayHost(Base):
    """Whose payment pages a host name shows: one vendor's in the whole house. A name that was proved once never shows anything else."""

    __tablename__ = "pay_hosts"
    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"))
    verified: Mapped[bool]  # a name that is lost or removed may be proved by somebody else
    since: Mapped[datetime]
