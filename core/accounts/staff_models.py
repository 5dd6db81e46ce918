"""The people who run the platform, and their browsers. They stand apart from vendors' people in every table and every cookie."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check


class StaffMember(Base):
    """This person works for the platform, in this role. Made and ended on the command line only: no page can do either."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("role IN ('reviewer', 'finance', 'superuser')", name="role"),)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    day_papers: Mapped[bool] = mapped_column(default=False, server_default="false")  # is sent the paper of each closed day


class StaffSession(Base):
    """One browser in which somebody of the staff is signed in. The cookie holds a random secret; the row only its SHA-256."""

    __tablename__ = "staff_sessions"
    __table_args__ = (Index("ix_staff_sessions_user", "user_id"),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.user_id"))
    address: Mapped[str] = mapped_column(String(60))
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))
    confirmed_at: Mapped[datetime | None]  # when they last proved that it is they who sit there


class StaffVisit(Base):
    """Somebody of the staff looked into a vendor's rows, and said why before they did. The vendor can read it."""

    __tablename__ = "staff_visits"
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff: Mapped[str] = mapped_column(String(40))  # stf_...
    reason: Mapped[str] = mapped_column(String(300))
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class StaffLook(Base):
    """One browser of the staff in which a vendor's own pages are shown as its owner sees them, for as long as the visit lasts at most.

    It hangs on the staff's session: the cookie's secret, of which only the SHA-256 stands here, opens nothing without that one's.
    """

    __tablename__ = "staff_looks"
    __table_args__ = (
        mode_check(),
        CheckConstraint("ends_at <= begun_at + interval '30 minutes'", name="half_an_hour"),
        ForeignKeyConstraint(["vendor_id", "visit_id"], ["staff_visits.vendor_id", "staff_visits.id"], name="fk_staff_looks_staff_visits"),
        Index("ix_staff_looks_vendor", "vendor_id", "visit_id"),
        Index("ix_staff_looks_session", "session_id"),
    )
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)  # under it the audit log has the pages
    session_id: Mapped[str] = mapped_column(String(64))  # of the staff's session; that row is let go of one day, and this one is not
    vendor_id: Mapped[uuid.UUID]
    visit_id: Mapped[uuid.UUID]
    mode: Mapped[str] = mapped_column(String(4))
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # before its time: by the button, or because another one began
