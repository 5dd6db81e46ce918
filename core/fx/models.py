"""Reference rates as they were published, and quotes: a rate promised to a vendor for a short while."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money


class ReferenceRate(Base):
    """What one euro was worth on a day, in units of another currency: `units` / 10^`decimals`, exactly as published. Never changed."""

    __tablename__ = "reference_rates"
    __table_args__ = (
        CheckConstraint("units > 0 AND decimals BETWEEN 0 AND 9", name="rate"),
        CheckConstraint("currency ~ '^[A-Z]{3}$' AND currency <> 'EUR'", name="currency"),
    )
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    published_on: Mapped[date] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    decimals: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str] = mapped_column(String(20))  # one of SOURCES in core/fx/rates.py
    recorded_at: Mapped[datetime]

    @property
    def per_euro(self) -> Fraction:
        """The rate as an exact fraction."""
        return Fraction(self.units, 10**self.decimals)

    @property
    def text(self) -> str:
        """The rate as it was published, `1.1172`."""
        digits = str(self.units).rjust(self.decimals + 1, "0")
        return f"{digits[: -self.decimals]}.{digits[-self.decimals :]}" if self.decimals else digits


class RateQuote(TenantKey, Base):
    """One exchange offered to a vendor: what is given, what is got, what it is worth on the market, and until when it holds."""

    __tablename__ = "rate_quotes"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_rate_quotes_newest", "vendor_id", "mode", "made_at", "id"),
        CheckConstraint("from_currency <> to_currency AND from_minor > 0 AND to_minor > 0 AND worth_minor >= to_minor", name="amounts"),
        CheckConstraint("rate_numerator > 0 AND rate_denominator > 0 AND margin_bps BETWEEN 0 AND 9999", name="rate"),
        CheckConstraint("expires_at > made_at", name="expiry"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    from_currency: Mapped[str] = mapped_column(CHAR(3))
    from_minor: Mapped[int] = mapped_column(BigInteger)
    to_currency: Mapped[str] = mapped_column(CHAR(3))
    to_minor: Mapped[int] = mapped_column(BigInteger)
    worth_minor: Mapped[int] = mapped_column(BigInteger)  # of what is given, at the reference rate, in to_currency
    # The reference rate exactly: one unit of from_currency is numerator / denominator units of to_currency.
    rate_numerator: Mapped[int] = mapped_column(BigInteger)
    rate_denominator: Mapped[int] = mapped_column(BigInteger)
    margin_bps: Mapped[int] = mapped_column(SmallInteger)
    published_on: Mapped[date]
    source: Mapped[str] = mapped_column(String(20))
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @property
    def gives(self) -> Money:
        """What leaves the vendor's balance."""
        return Money(self.from_minor, self.from_currency)

    @property
    def gets(self) -> Money:
        """What comes into it."""
        return Money(self.to_minor, self.to_currency)

    @property
    def worth(self) -> Money:
        """What is given, at the reference rate itself."""
        return Money(self.worth_minor, self.to_currency)

    @property
    def reference_rate(self) -> Fraction:
        """Units of what is got for one unit of what is given, as the central bank's rates say."""
        return Fraction(self.rate_numerator, self.rate_denominator)

    @property
    def promised_rate(self) -> Fraction:
        """The same less the platform's margin: what was promised, before it was rounded down to a whole minor unit."""
        return self.reference_rate * Fraction(10_000 - self.margin_bps, 10_000)

    @property
    def margin(self) -> Money:
        """What the platform keeps, the rounding included."""
        return self.worth - self.gets
