"""How a vendor's payments go: how many tries succeed, and how many payments come back, by themselves or through the payer's bank. Card schemes fine
platforms for what they find too much; these limits are below theirs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.disputes.models import Dispute
from core.disputes.states import LOST
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import round_half_up
from core.payments.models import Payment, PaymentEvent
from core.payments.refund_models import Refund

WINDOW = timedelta(days=30)
LEAST = 50  # what a share is of; of fewer it says nothing
# In hundredths of a percent: from where on somebody should look, and from where on somebody has to act. Of tries that succeed, below; of the
# others, above.
LIMITS = {"succeeded": (9000, 7500), "refunded": (1000, 1500), "disputed": (50, 75), "lost": (15, 30)}
MOST_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many."""

    count: int
    of: int

    @property
    def bps(self) -> int | None:
        """In hundredths of a percent; None where there are too few to say."""
        return round_half_up(Fraction(self.count * 10_000, self.of)) if self.of >= LEAST else None


@dataclass(frozen=True, slots=True)
class Share:
    """One of the figures, for the last thirty days and the thirty before."""

    what: str
    recent: Part
    before: Part

    @property
    def level(self) -> str:
        """Nothing, warn or critical. Judged by the exact share and not by what is shown of it."""
        if self.recent.of < LEAST:
            return ""
        warn, critical = LIMITS[self.what]
        times = self.recent.count * 10_000
        if self.what == "succeeded":
            return "critical" if times < critical * self.recent.of else "warn" if times < warn * self.recent.of else ""
        return "critical" if times > critical * self.recent.of else "warn" if times > warn * self.recent.of else ""


def health_of(vendor_id: uuid.UUID, mode: str) -> list[Share]:
    """Its figures. Each reads this vendor's rows of sixty days and no others."""
    at = now()
    recent, before = (_counts(vendor_id, mode, since, since + WINDOW) for since in (at - WINDOW, at - 2 * WINDOW))
    return [Share(what, Part(*recent[what]), Part(*before[what])) for what in LIMITS]


def above_limits() -> list[tuple[Vendor, str, list[Share]]]:
    """Of the vendors with the most disputes of late those with more than they should have, the worst first: (vendor, mode, the figures that
    are above)."""
    at = now()
    of_late, count = (Dispute.id >= first_id_at(at - WINDOW), Dispute.cycle > 0), func.count().label("count")
    most = select(Dispute.vendor_id, Dispute.mode, count).where(*of_late).group_by(Dispute.vendor_id, Dispute.mode).order_by(count.desc())
    found = []
    for vendor_id, mode, _count in db.session.execute(most.limit(MOST_LOOKED_AT)).all():
        recent = _counts(vendor_id, mode, at - WINDOW, at)
        above = [share for what in ("disputed", "lost") if (share := Share(what, Part(*recent[what]), Part(0, 0))).level]
        if above:
            found.append((db.session.get_one(Vendor, vendor_id), mode, above))
    return sorted(found, key=lambda one: -_worst(one[2]))


def _worst(shares: Iterable[Share]) -> Fraction:
    return max(Fraction(share.recent.count, share.recent.of * LIMITS[share.what][1]) for share in shares)


def _counts(vendor_id: uuid.UUID, mode: str, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
    first, last = first_id_at(since), first_id_at(until)
    tried = (
        PaymentEvent.vendor_id == vendor_id,
        PaymentEvent.mode == mode,
        PaymentEvent.payment_id >= first,
        PaymentEvent.payment_id < last,
    )
    # Each no is a line of its own: on the processor's page one opening may see several.
    tries = select(func.count(), func.count().filter(PaymentEvent.kind == "payment.succeeded")).where(
        *tried, PaymentEvent.kind.in_(("payment.succeeded", "attempt.declined"))
    )
    paid = select(func.count()).where(
        Payment.vendor_id == vendor_id, Payment.mode == mode, Payment.captured_at >= since, Payment.captured_at < until
    )
    refunded = select(func.count(Refund.payment_id.distinct())).where(
        Refund.vendor_id == vendor_id, Refund.mode == mode, Refund.id >= first, Refund.id < last, Refund.state == "succeeded",
        Refund.reason != "lost_dispute",
    )  # fmt: skip
    mine = (Dispute.vendor_id == vendor_id, Dispute.mode == mode)
    disputed = select(func.count()).where(*mine, Dispute.id >= first, Dispute.id < last, Dispute.cycle > 0)
    lost = select(func.count()).where(*mine, Dispute.state.in_(sorted(LOST)), Dispute.decided_at >= since, Dispute.decided_at < until)
    all_of_them, succeeded = db.session.execute(tries).one()
    payments = _number(paid)
    return {
        "succeeded": (succeeded, all_of_them), "refunded": (_number(refunded), payments), "disputed": (_number(disputed), payments),
        "lost": (_number(lost), payments),
    }  # fmt: skip


def _number(query: Select[tuple[int]]) -> int:
    return int(db.session.scalar(query) or 0)
