"""The house's rules asked about a checkout of several sellers: once, about all of it, before any of its orders is paid."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.orders.models import Checkout
from core.payments.models import Payment
from core.payments.saved_models import SavedCard
from core.payments.weigh import Weighed, count_in_windows, holds_charge, plain_facts, read_facts
from core.risk.lists import find_hits
from core.risk.rule_sets import Standing, standing
from core.risk.rules import BLOCK, Decision, Facts, Hit, asks, counts_asked, decide


def weigh_checkout(operator: Vendor, checkout: Checkout, card: SavedCard) -> dict[str, object] | None:
    """What the rules say of the whole checkout, as it is kept with it; None where nothing is published and nobody listed.

    The sum is that of all orders, and what is counted and what was paid before is counted at the business that opened it: its sellers hear
    nothing of each other. Nothing is written; Redis is asked where a rule counts addresses or cards.
    """
    counting = standing(checkout.mode)
    if counting.empty:
        return None
    facts = _facts(operator, checkout, counting, card)
    decision = decide(counting.rules, facts)
    return {
        "version": counting.version,
        "action": decision.action,
        "reason": decision.plain(),
        "facts": plain_facts(facts),
        "hold": holds_charge(counting, decision, card),
    }


def _facts(operator: Vendor, checkout: Checkout, counting: Standing, card: SavedCard) -> Facts:
    asked = counts_asked(counting.rules)
    counts = {("email", hours): _begun_with(operator, checkout, hours) for of, hours in asked if of == "email"}
    for kind, value in (("address", checkout.address), ("card", card.fingerprint)):
        counts |= count_in_windows(checkout, kind, value, (hours for of, hours in asked if of == kind))
    new = not _has_paid_before(operator, checkout) if asks(counting.rules, "new_payer") else None
    hits: tuple[Hit, ...] = ()
    if counting.listed:
        mark, countries = card.fingerprint, (card.country,)
        hits = find_hits(checkout.mode, email=checkout.email, address=checkout.address, card=mark, countries=countries)
    return Facts(checkout.total, None, card.country, new, counts, hits)


def _begun_with(operator: Vendor, checkout: Checkout, hours: int) -> int:
    """Checkouts and payments by link begun at this business with this e-mail in the last hours, this one among them."""
    since = first_id_at(now() - timedelta(hours=hours))
    mine = (Checkout.vendor_id == operator.id, Checkout.mode == checkout.mode, Checkout.email == checkout.email, Checkout.id >= since)
    links = (Payment.vendor_id == operator.id, Payment.mode == checkout.mode, Payment.email == checkout.email, Payment.id >= since)
    begun = db.session.scalar(select(func.count()).select_from(Checkout).where(*mine)) or 0
    by_link = db.session.scalar(select(func.count()).select_from(Payment).where(*links, Payment.link_id.is_not(None))) or 0
    return int(begun) + int(by_link)


def _has_paid_before(operator: Vendor, checkout: Checkout) -> bool:
    mine = (Checkout.vendor_id == operator.id, Checkout.mode == checkout.mode, Checkout.email == checkout.email, Checkout.id != checkout.id)
    paid = (Payment.vendor_id == operator.id, Payment.mode == checkout.mode, Payment.email == checkout.email)
    found = select(Payment.id).where(*paid, Payment.captured_at.is_not(None)).limit(1)
    if db.session.scalar(found) is not None:
        return True
    return db.session.scalar(select(Checkout.id).where(*mine, Checkout.state.in_(("done", "partly"))).limit(1)) is not None


def is_refused(checkout: Checkout) -> bool:
    """Whether the rules let nothing of it be paid."""
    return checkout.decision is not None and checkout.decision["action"] == BLOCK


def weighed_for(checkout: Checkout) -> Weighed | None:
    """The same decision for the payment of one of its orders."""
    kept = checkout.decision
    if kept is None:
        return None
    decision = Decision(kept["action"], rule=kept["reason"].get("rule", ""))
    facts = read_facts(checkout.total, kept["facts"])
    return Weighed(kept["version"], decision, facts, checkout.address, kept["hold"], together=checkout.public_id)
