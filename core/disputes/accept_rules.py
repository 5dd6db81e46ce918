"""Small disputes that a vendor does not want to argue about: a rule by currency, a day that is announced, and giving in on that day."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import exists, select

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor, hold_vendor
from core.disputes.answer import request_acceptance
from core.disputes.evidence import why_not_answerable
from core.disputes.history import note
from core.disputes.models import AcceptRule, Dispute, DisputeFile, DisputeMessage
from core.disputes.planned import call_off
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said

SHORTEST, LONGEST = 1, 7  # days between the letter that announces it and giving in
IN_TIME = timedelta(hours=12)  # before the bank's day is over; what cannot be given in by then is left to the vendor


def list_rules(vendor: Vendor, mode: str) -> list[AcceptRule]:
    """By currency."""
    mine = select(AcceptRule).where(AcceptRule.vendor_id == vendor.id, AcceptRule.mode == mode)
    return list(db.session.scalars(mine.order_by(AcceptRule.currency)))


def set_rule(vendor: Vendor, mode: str, *, most: Money, days: int, by: str) -> AcceptRule:
    """From now on new disputes up to this amount are given in by themselves after so many days, each announced first.

    What is planned already and is too large for the new rule is called off. Refuses at the field.
    """
    if not SHORTEST <= days <= LONGEST:
        raise Refusal(said("Choose from %(least)s to %(most)s days.", least=SHORTEST, most=LONGEST), field="days")
    if most.minor <= 0:
        raise Refusal("Enter an amount above zero.", field="most")
    hold_vendor(vendor.id)
    row = locked(AcceptRule, vendor.id, mode, most.currency)
    before = {"amount": str(row.most), "days": row.days} if row else {}
    after = {"amount": str(most), "days": days}
    if before == after and row is not None:
        return row
    if row is None:
        row = AcceptRule(vendor_id=vendor.id, mode=mode, currency=most.currency)
        db.session.add(row)
    row.most_minor, row.days, row.set_by, row.set_at = most.minor, days, by, now()
    record(
        vendor.id, actor=by, action="dispute.rule_set", subject=most.currency, mode=mode, changes=differences(before, after),
    )  # fmt: skip
    db.session.flush()
    _call_off_planned(vendor, mode, most.currency, above=most.minor, by=by)
    return row


def drop_rule(vendor: Vendor, mode: str, currency: str, *, by: str) -> None:
    """Nothing in this currency is given in by itself any more, nor what was planned. Dropped already, nothing happens."""
    hold_vendor(vendor.id)
    row = locked(AcceptRule, vendor.id, mode, currency)
    if row is None:
        return
    record(vendor.id, actor=by, action="dispute.rule_dropped", subject=currency, mode=mode, amount=str(row.most))
    db.session.delete(row)
    db.session.flush()
    _call_off_planned(vendor, mode, currency, above=0, by=by)


def _call_off_planned(vendor: Vendor, mode: str, currency: str, *, above: int, by: str) -> None:
    mine = (Dispute.vendor_id == vendor.id, Dispute.mode == mode, Dispute.currency == currency, Dispute.amount_minor > above)
    planned = select(Dispute).where(*mine, Dispute.accept_at.is_not(None)).order_by(Dispute.id)
    for dispute in db.session.scalars(planned.with_for_update().execution_options(populate_existing=True)):
        call_off(dispute, by=by)


def plan_acceptance(dispute: Dispute) -> bool:
    """A dispute has just begun: by the vendor's rule it is to be given in, and whoever calls tells the team when, and how to stop it.

    Not when somebody of the team has said anything about it before, as to the bank's question that came first, nor in a second round,
    nor when the bank's day is too near. Answers whether it is planned.
    """
    rule = db.session.get(AcceptRule, (dispute.vendor_id, dispute.mode, dispute.currency))
    if rule is None or dispute.amount_minor > rule.most_minor or dispute.state != "needs_response" or dispute.cycle > 1:
        return False
    at = now() + timedelta(days=rule.days)
    if (dispute.due_at is not None and at > dispute.due_at - IN_TIME) or _was_touched(dispute):
        return False
    dispute.accept_at = at
    note(dispute, "dispute.acceptance_planned", actor="system", at=at.isoformat(timespec="seconds"), most=str(rule.most))
    return True


def _was_touched(dispute: Dispute) -> bool:
    """Whether the vendor has done anything about it in this round or before."""
    if dispute.draft or dispute.wish or dispute.submissions:
        return True
    files = exists().where(
        DisputeFile.vendor_id == dispute.vendor_id, DisputeFile.mode == dispute.mode, DisputeFile.dispute_id == dispute.id
    )  # fmt: skip
    words = exists().where(
        DisputeMessage.vendor_id == dispute.vendor_id, DisputeMessage.mode == dispute.mode, DisputeMessage.dispute_id == dispute.id,
        DisputeMessage.side == "vendor",
    )  # fmt: skip
    return bool(db.session.scalar(select(files | words)))


def list_to_accept(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Disputes whose announced day has come: (vendor id, mode, id), the longest due first."""
    due = select(Dispute.vendor_id, Dispute.mode, Dispute.id).where(Dispute.accept_at <= now())
    return [(vendor_id, mode, row) for vendor_id, mode, row in db.session.execute(due.order_by(Dispute.accept_at).limit(limit))]


def accept_when_due(vendor_id: uuid.UUID, mode: str, row: uuid.UUID) -> bool:
    """Give in to one, as by hand, unless somebody has stopped it meanwhile or its rule no longer reaches so far. Twice is once: answers
    whether it was done now."""
    dispute = locked(Dispute, vendor_id, mode, row)
    if dispute is None or dispute.accept_at is None or dispute.accept_at > now():
        return False
    rule = db.session.get(AcceptRule, (vendor_id, mode, dispute.currency))
    covered = rule is not None and dispute.amount_minor <= rule.most_minor
    if not covered or why_not_answerable(dispute) is not None or _was_touched(dispute):
        call_off(dispute, by="system")
        return False
    request_acceptance(get_vendor(vendor_id), dispute, by="system")
    return True
