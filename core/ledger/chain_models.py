"""The chains: for each book, and for the log of who did what, how far its rows are linked, and every link."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check

WHAT = "what IN ('audit', 'journals')"


class Chain(Base):
    """Where a chain ends. The one row that its worker takes; nobody who books ever waits for it."""

    __tablename__ = "chains"
    __table_args__ = (mode_check(), CheckConstraint(WHAT, name="what"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)  # of the last link; 0 before the first
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    newest: Mapped[uuid.UUID | None]  # the greatest id that is linked: quick looks begin a little before it
    swept_below: Mapped[int] = mapped_column(BigInteger)  # every row of a transaction before this one is linked, or was added afterwards
    extended_at: Mapped[datetime]
    swept_at: Mapped[datetime | None]


_BY_DAY = Index("ix_chain_links_day", "mode", "day", "vendor_id", postgresql_where=text("day IS NOT NULL"))


class ChainLink(Base):
    """One row's place in its chain, and the hash of all that stands there and before. Append-only."""

    __tablename__ = "chain_links"
    __table_args__ = (mode_check(), CheckConstraint(WHAT, name="what"), UniqueConstraint("vendor_id", "mode", "what", "of_id"), _BY_DAY)
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    of_id: Mapped[uuid.UUID]
    day: Mapped[date | None]  # to which a journal belongs, by when it took effect (UTC)
    form: Mapped[int] = mapped_column(SmallInteger)  # in which canonical form it was hashed
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    linked_at: Mapped[datetime]


class ChainAnchor(Base):
    """Where a chain ended when a day was closed, as that day's paper says it. Append-only; a chain that was made anew does not fit it."""

    __tablename__ = "chain_anchors"
    __table_args__ = (mode_check(), CheckConstraint(WHAT, name="what"), Index("ix_chain_anchors_day", "day"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    on_paper_of: Mapped[str] = mapped_column(String(4), primary_key=True)  # the paper of the live day, or of the test day
    day: Mapped[date] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
