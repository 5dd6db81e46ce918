"""Refund links: what could not go back the way it came, and the account its payer names for it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.clock import now
from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payments.states import CLAIM

REFUNDS = ["refunds.vendor_id", "refunds.mode", "refunds.id"]


class RefundClaim(TenantKey, Base):
    """A payer is asked for an account, names one, and is paid there once the vendor has approved it. `refund_id`: the refund that did not
    arrive; none when no refund could be tried, because nobody knows where the money came from. `paid_by`: the refund that pays it."""

    __tablename__ = "refund_claims"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "refund_id"], REFUNDS, name="fk_refund_claims_refund"),
        ForeignKeyConstraint(["vendor_id", "mode", "paid_by"], REFUNDS, name="fk_refund_claims_paid_by"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "paid_by"),
        CheckConstraint(one_of("state", CLAIM), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state IN ('open', 'expired', 'revoked') OR claimed_at IS NOT NULL", name="claimed"),
        CheckConstraint("(paid_by IS NOT NULL) = (state IN ('approved', 'paid', 'failed'))", name="paid_by"),
        # What did not arrive is asked for once, and paid once.
        Index(
            "uq_refund_claims_one_for_a_refund",
            "vendor_id",
            "mode",
            "refund_id",
            unique=True,
            postgresql_where="refund_id IS NOT NULL AND state IN ('open', 'claimed', 'approved', 'paid')",
        ),
        Index(
            "uq_refund_claims_one_for_a_payment",
            "vendor_id",
            "mode",
            "payment_id",
            unique=True,
            postgresql_where="refund_id IS NULL AND state IN ('open', 'claimed', 'approved')",
        ),
        Index("uq_refund_claims_wish", "vendor_id", "mode", "wish", unique=True, postgresql_where="wish IS NOT NULL"),
        Index("ix_refund_claims_by_payment", "vendor_id", "mode", "payment_id", "id"),
        Index("ix_refund_claims_waiting", "vendor_id", "mode", "id", postgresql_where="state = 'claimed'"),
        Index("ix_refund_claims_to_expire", "expires_at", postgresql_where="state = 'open'"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    refund_id: Mapped[uuid.UUID | None]
    token_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="open")
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    holder: Mapped[str] = mapped_column(String(70), default="", server_default="")  # empty until named, and again once erased
    iban: Mapped[str] = mapped_column(String(34), default="", server_default="")
    claimed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(60))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="", server_default="")  # why it was refused; the payer reads it
    paid_by: Mapped[uuid.UUID | None]
    settled_at: Mapped[datetime | None]
    wish: Mapped[str | None] = mapped_column(String(80))  # by which the software that made it would know it again: made twice, it is one

    @property
    def amount(self) -> Money:
        """What the payer gets, neither more nor less."""
        return Money(self.amount_minor, self.currency)

    @property
    def standing(self) -> str:
        """Its state as it counts at this moment: the clock may be a little behind with those whose time is over."""
        return "expired" if self.state == "open" and self.expires_at <= now() else self.state

    @property
    def ends_in(self) -> str:
        """The last four signs of the account."""
        return self.iban[-4:]

    @property
    def masked(self) -> str:
        """Enough of the account to know it again: the country and the last four signs."""
        return f"{self.iban[:2]}·· ···· {self.iban[-4:]}" if self.iban else ""
