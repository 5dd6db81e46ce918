"""From which sum on a seller wants to be told of a payment, in each currency."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check
from core.kernel.money import Money


class LargeThreshold(Base):
    """No row: the seller has set no sum for this currency."""

    __tablename__ = "large_thresholds"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        CheckConstraint("least_minor > 0", name="least"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    least_minor: Mapped[int] = mapped_column(BigInteger)
    set_at: Mapped[datetime]

    @property
    def least(self) -> Money:
        """A payment of so much or more is told."""
        return Money(self.least_minor, self.currency)
