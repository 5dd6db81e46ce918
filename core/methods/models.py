"""What a vendor has said about a way to pay. A way nobody has said anything about has no row: it is as `rules.py` begins it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, mode_check
from core.providers.contract import METHODS


class VendorMethod(Base):
    """One way to pay of one vendor, in one mode: on or off, its place in the list, and the bounds the vendor draws."""

    __tablename__ = "vendor_methods"
    __table_args__ = (
        mode_check(),
        CheckConstraint(one_of("method", METHODS), name="method"),
        CheckConstraint("minimum_minor > 0 AND minimum_minor <= maximum_minor", name="range"),
        CheckConstraint("currency IS NOT NULL OR (minimum_minor IS NULL AND maximum_minor IS NULL)", name="limits_have_a_currency"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    method: Mapped[str] = mapped_column(String(20), primary_key=True)
    enabled: Mapped[bool]
    position: Mapped[int] = mapped_column(SmallInteger)
    currency: Mapped[str | None] = mapped_column(CHAR(3))  # the one the two limits are in; sums in others are not limited
    minimum_minor: Mapped[int | None] = mapped_column(BigInteger)
    maximum_minor: Mapped[int | None] = mapped_column(BigInteger)
    currencies: Mapped[list[str]] = mapped_column(ARRAY(CHAR(3)))  # empty: all the provider has
    countries: Mapped[list[str]] = mapped_column(ARRAY(CHAR(2)))  # where payers are; empty: everywhere
    updated_at: Mapped[datetime]
