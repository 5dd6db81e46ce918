"""What is kept aside of a seller's sales, and for how long: set by the staff with a reason, and made easier only when two of them say so."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NeedsASecondPerson, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id
from core.kernel.percent import percent_text
from core.kernel.sentence import said
from core.notifications.team import tell_team
from core.payments.reserve_models import LONGEST_REASON, MOST_DAYS, ReserveRule

MOST_BPS = 10_000


class ReserveRefused(Refusal):
    """Nothing is kept aside like this."""

    code = "reserve_refused"


class RuleWaits(Conflict):
    """Another rule of this seller waits for a second person already."""

    code = "reserve_rule_waits"


@dataclass(frozen=True, slots=True)
class Kept:
    """So much of each sale, for so many days."""

    bps: int = 0
    days: int = 0
    version: int = 0

    def is_easier_than(self, other: Kept) -> bool:
        """Whether anything of it leaves the seller more, or earlier."""
        return self.bps < other.bps or self.days < other.days


def rule_of(vendor_id: UUID, mode: str) -> Kept:
    """The rule that counts now; of whoever was given none, nothing is kept."""
    mine = select(ReserveRule).where(ReserveRule.vendor_id == vendor_id, ReserveRule.mode == mode, ReserveRule.state == "in_force")
    row = db.session.scalar(mine.order_by(ReserveRule.version.desc()).limit(1))
    return Kept() if row is None else Kept(row.bps, row.days, row.version)


def set_rule(vendor: Vendor, mode: str, *, bps: int, days: int, reason: str, by: str, form_token: str) -> ReserveRule:
    """Keep so much aside of what is released from now on: at once where it is more than before, and when a second person says so where
    anything of it is less. What is kept already stays until its day. The same form sent twice is one. Refuses ReserveRefused at the field.
    """
    hold_vendor(vendor.id)
    mine = select(ReserveRule).where(ReserveRule.vendor_id == vendor.id, ReserveRule.mode == mode)
    again = db.session.scalar(mine.where(ReserveRule.form_token == form_token))
    if again is not None:
        return again
    before, wished = rule_of(vendor.id, mode), Kept(bps, days if bps else 0)
    reason = _check(vendor, before, wished, reason)
    waiting = db.session.scalar(mine.where(ReserveRule.state == "requested"))
    easier = wished.is_easier_than(before)
    if waiting is not None:
        if easier:
            raise RuleWaits("A rule of this seller waits for a second person already.")
        waiting.state, waiting.decided_by, waiting.decided_at = "overtaken", by, now()
        db.session.flush()
    last = db.session.scalar(select(func.max(ReserveRule.version)).where(ReserveRule.vendor_id == vendor.id, ReserveRule.mode == mode))
    row = ReserveRule(
        vendor_id=vendor.id, mode=mode, version=(last or 0) + 1, public_id=public_id("rsv"), form_token=form_token, bps=wished.bps,
        days=wished.days, reason=reason, state="requested", requested_by=by, requested_at=now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    record(vendor.id, actor=by, action="reserve.requested", subject=row.public_id, mode=mode, rule=_plain(wished), reason=reason)
    if not easier:
        _put_in_force(vendor, row, by=by)
    return row


def _check(vendor: Vendor, before: Kept, wished: Kept, reason: str) -> str:
    if vendor.id == HOUSE:
        raise ReserveRefused("Of the house’s own sales nothing is kept aside.")
    if not 0 <= wished.bps <= MOST_BPS:
        raise ReserveRefused("Between 0 and 100 percent.", field="bps")
    if wished.bps and not 1 <= wished.days <= MOST_DAYS:
        raise ReserveRefused(said("Between 1 and %(most)s days.", most=MOST_DAYS), field="days")
    if (wished.bps, wished.days) == (before.bps, before.days):
        raise ReserveRefused("That is the rule already.", field="bps")
    if not (reason := " ".join(reason.split())[:LONGEST_REASON]):
        raise ReserveRefused("Say why: it stays with the rule, and the seller reads it.", field="reason")
    return reason


def approve_rule(vendor: Vendor, row: ReserveRule, *, by: str) -> None:
    """A second person says so too. Refuses the first one; decided already, nothing happens."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.state != "requested":
        return
    if row.requested_by == by:
        raise NeedsASecondPerson("Somebody else has to let less be kept aside when you asked for it.")
    _put_in_force(vendor, row, by=by)


def decline_rule(vendor: Vendor, row: ReserveRule, *, by: str) -> None:
    """It stays as it was."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.state == "requested":
        row.state, row.decided_by, row.decided_at = "declined", by, now()
        record(vendor.id, actor=by, action="reserve.declined", subject=row.public_id, mode=row.mode)


def _put_in_force(vendor: Vendor, row: ReserveRule, *, by: str) -> None:
    row.state, row.decided_by, row.decided_at = "in_force", by, now()
    record(vendor.id, actor=by, action="reserve.set", subject=row.public_id, mode=row.mode, rule=_plain(Kept(row.bps, row.days)))
    tell_team(vendor, "reserve_changed", mode=row.mode, rule=row.public_id)


def _plain(rule: Kept) -> str:
    return f"{percent_text(rule.bps)} % for {rule.days} days" if rule.bps else "nothing"


def list_rules(vendor: Vendor, mode: str, limit: int = 50) -> list[ReserveRule]:
    """Every version of one seller's, the newest first."""
    mine = select(ReserveRule).where(ReserveRule.vendor_id == vendor.id, ReserveRule.mode == mode)
    return list(db.session.scalars(mine.order_by(ReserveRule.version.desc()).limit(limit)))


def get_rule(vendor: Vendor, mode: str, number: str) -> ReserveRule:
    """One of this seller's rules; refuses with 404."""
    if is_public_id("rsv", number):
        mine = select(ReserveRule).where(ReserveRule.vendor_id == vendor.id, ReserveRule.mode == mode)
        found = db.session.scalar(mine.where(ReserveRule.public_id == number))
        if found is not None:
            return found
    raise NotFound("There is no such rule.")
