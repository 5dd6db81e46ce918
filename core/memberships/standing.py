"""How a membership stands at this moment: which page is true for it, and what is said there of dates and sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, select

from core.accounts.models import Vendor
from core.billing import dunning, queries
from core.billing.begin import START
from core.billing.forecast import Charge
from core.billing.lines import sum_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.states import CANCELLED, SUSPENDED, TRIALING
from core.billing.subscription import Subscription
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.memberships.join import find_saving, find_subscription
from core.memberships.models import Member, MembershipPlan
from core.memberships.plans import find_plan_by_code
from core.payments.models import Payment
from core.subscriptions.charges import find_card_of
from core.subscriptions.plan import next_charge_of

DAY = timedelta(days=1)
# Of the pages of somebody who joins: a card is asked for, it was but nobody came in time, it is being worked on, their bank asks them,
# it was declined, it did not begin. Then: it runs, or has ended.
STAGES = ("card", "over", "waiting", "confirm", "declined", "refused", "running", "ended")


@dataclass(frozen=True, slots=True)
class Standing:
    """A membership that has begun. `until` is the day up to which it is served for certain; with `ends` nothing comes after it."""

    row: KeptSubscription
    state: Subscription
    plan: MembershipPlan | None
    until: date
    ends: date | None
    next: Charge | None
    planned: str  # the tier it becomes at the period's end; empty
    awaiting: str  # the tier that counts once it is paid; empty
    awaiting_amount: Money | None
    owed: Money | None
    stops: date | None  # when service stops, unless what is owed is paid
    card: str  # public id of the card that pays; empty
    charging: bool  # a charge is under way

    @property
    def active(self) -> bool:
        """Whether they are served today."""
        return self.row.status not in (SUSPENDED, CANCELLED)


def stage_of(member: Member) -> str:
    """Which page is true for this membership now; one of STAGES."""
    if member.state == "refused":
        return "refused"
    row = find_subscription(member)
    if row is None:
        saving = find_saving(member)
        if saving is None:
            return "card"
        if saving.state == "saved":
            return "waiting"
        return "over" if saving.state == "ended" or now() >= saving.expires_at else "card"
    if _begins(row):
        return "confirm" if payment_to_confirm(row) else "waiting"
    if row.status == CANCELLED:
        return "ended" if has_begun(member, row) else "declined"
    return "running"


def _begins(row: KeptSubscription) -> bool:
    """Whether its first invoice is still to be paid: until then nothing has begun."""
    return row.status != CANCELLED and any(owed.origin == START and owed.draft is not None for owed in queries.read(row).open)


def has_begun(member: Member, row: KeptSubscription) -> bool:
    """Whether they were ever served."""
    if member.began_at is not None or member.trial_days:
        return True
    mine = (BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode, BillingDocument.subscription_id == row.id)
    return not _begins(row) and bool(db.session.scalar(select(exists().where(*mine, BillingDocument.state == "final"))))


def payment_to_confirm(row: KeptSubscription) -> Payment | None:
    """A payment for it that the payer's bank wants them for."""
    mine = select(Payment).join(
        BillingCharge,
        (BillingCharge.vendor_id == Payment.vendor_id) & (BillingCharge.mode == Payment.mode) & (BillingCharge.payment_id == Payment.id),
    )
    mine = mine.where(Payment.vendor_id == row.vendor_id, Payment.mode == row.mode, BillingCharge.subscription_id == row.id)
    return db.session.scalar(
        mine.where(Payment.state == "requires_action", Payment.expires_at > now()).order_by(Payment.id.desc()).limit(1)
    )


def standing_of(vendor: Vendor, member: Member) -> Standing:
    """What its page says. For a membership that runs, or has ended."""
    row = find_subscription(member)
    assert row is not None, "a membership without a subscription has not begun"
    state = queries.read(row)
    planned, held = state.planned, state.awaiting
    ends = None
    if row.status == CANCELLED:
        ends = state.cancelled_on
    elif planned is not None and planned.kind == "cancel":
        ends = planned.on or state.period.end
    stops = dunning.schedule(state.dunning.since, state.terms).suspended if state.dunning and row.status != SUSPENDED else None
    owed = sum_of((each.due for each in state.unpaid), state.currency)
    card = find_card_of(vendor, row)
    return Standing(
        row, state, find_plan_by_code(vendor, row.mode, row.tier),
        until=ends or (stops if stops is not None else state.period.end),
        ends=ends,
        next=next_charge_of(row) if row.status not in (CANCELLED, SUSPENDED) and state.dunning is None else None,
        planned=planned.tier if planned is not None and planned.kind == "tier" else "",
        awaiting=held.tier if held is not None else "",
        awaiting_amount=held.document.gross if held is not None else None,
        owed=owed if owed else None,
        stops=stops,
        card=card.public_id if card is not None else "",
        charging=is_charging(row),
    )  # fmt: skip


def is_charging(row: KeptSubscription) -> bool:
    """Whether a charge is under way, or is made in a moment."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    under_way = (BillingCharge.state == "sent") | ((BillingCharge.state == "wanted") & (BillingCharge.due_at <= now()))
    return bool(db.session.scalar(select(exists().where(*mine, under_way))))


def public_facts(vendor: Vendor, member: Member) -> dict[str, object]:
    """What a machine with the page's address may know: whether they are served, on which plan, and until when for certain. Nothing of the person."""
    if stage_of(member) not in ("running", "ended"):
        return {"active": False, "status": "not_begun", "plan": None, "active_until": None, "renews": False}
    found = standing_of(vendor, member)
    until = found.until if found.active else None
    return {
        "active": found.active,
        "status": "trial" if found.row.status == TRIALING else found.row.status,
        "plan": found.plan.name if found.plan else found.state.plan.title,
        "active_until": until.isoformat() if until else None,
        "renews": found.active and found.ends is None,
    }
