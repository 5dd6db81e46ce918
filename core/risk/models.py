"""The attack mode of a vendor: kept in the database, so that it stands whatever becomes of Redis."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check


class AttackMode(Base):
    """The present attack mode of a vendor in one world, or the last one there was."""

    __tablename__ = "attack_modes"
    __table_args__ = (mode_check(), CheckConstraint("ends_at >= began_at", name="span"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    began_by: Mapped[str] = mapped_column(String(60))  # 'surge', or who switched it on
    ended_by: Mapped[str] = mapped_column(String(60), default="")  # who ended it before its time
    declines: Mapped[int] = mapped_column(default=0)  # of the surge, in the minutes before it began or was last prolonged
    rests_until: Mapped[datetime | None]  # a person has ended it: until then a surge does not begin it again
