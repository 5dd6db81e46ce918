"""What rules would have done with the payments of the last thirty days: asked of the same function that decides, for staff only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, select, true
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.payments.models import Payment, PaymentEvent
from core.payments.refund_models import Refund
from core.risk.lists import domains_of, values_on
from core.risk.rules import ACTIONS, Facts, Hit, Rule, asks, counts_asked, decide

DAYS = 30
MOST_PAYMENTS = 20_000  # the newest of them; the page says so when there were more


@dataclass(slots=True)
class _Tally:
    """What fell to one rule."""

    payments: int = 0
    paid: int = 0
    bad: int = 0  # of those paid: refunded as fraud, or disputed
    sums: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        return {"payments": self.payments, "paid": self.paid, "bad": self.bad, "sums": dict(sorted(self.sums.items()))}


def try_rules(mode: str, rules: Sequence[Rule], present: Sequence[Rule]) -> dict[str, Any]:
    """For each rule what it would have decided, and by action what these rules and the present ones come to. Reads only.

    Addresses and cards of the past are not kept, so what asks for them fits nothing here: `unknown` names it. The lists are those of today.
    """
    at = now()
    found = list(_past(mode, counts_asked([*rules, *present]), at, asks([*rules, *present], "new_payer")))
    tallies = [_Tally() for _ in rules]
    place = {rule.name: n for n, rule in enumerate(rules)}
    totals: dict[str, Counter[str]] = {"new": Counter(), "present": Counter()}
    for facts, paid, bad in found[:MOST_PAYMENTS]:
        decision = decide(rules, facts)
        totals["new"][decision.action] += 1
        totals["present"][decide(present, facts).action] += 1
        if decision.rule:
            tally = tallies[place[decision.rule]]
            tally.payments += 1
            tally.paid += paid
            tally.bad += bad
            tally.sums[facts.amount.currency] += facts.amount.minor
    unknown = [of for of in ("address", "card") if any(of == asked for asked, _ in counts_asked(rules))]
    return {
        "at": at.isoformat(timespec="seconds"), "days": DAYS, "payments": min(len(found), MOST_PAYMENTS), "complete": len(found) <= MOST_PAYMENTS,
        "rules": [{"name": rule.name, "action": rule.action, **tally.plain()} for rule, tally in zip(rules, tallies, strict=True)],
        "totals": {whose: {action: counted[action] for action in ACTIONS} for whose, counted in totals.items()},
        "unknown": [*unknown, *(["country"] if asks(rules, "country") else [])],
    }  # fmt: skip


def _past(mode: str, asked: frozenset[tuple[str, int]], at: datetime, ask_new: bool) -> Iterator[tuple[Facts, bool, bool]]:
    """The newest payments as they were when they began, each book on its own index: (facts, paid, turned out bad)."""
    hours = sorted(number for of, number in asked if of == "email")
    since = first_id_at(at - timedelta(days=DAYS))
    own = select(Payment).where(Payment.vendor_id == Vendor.id, Payment.mode == mode, Payment.id >= since)
    one = aliased(Payment, own.order_by(Payment.id.desc()).limit(MOST_PAYMENTS + 1).correlate(Vendor).lateral("newest"))
    other = aliased(Payment)
    same = and_(other.vendor_id == one.vendor_id, other.mode == one.mode, other.email == one.email)
    columns: list[Any] = [
        select(func.count()).where(same, other.id <= one.id, other.created_at > one.created_at - timedelta(hours=number)).scalar_subquery()
        for number in hours
    ]
    if ask_new:
        columns.append(~exists().where(same, other.captured_at < one.created_at))
    columns.append(exists().where(*_of(Refund, one), Refund.reason == "fraudulent"))
    columns.append(exists().where(*_of(PaymentEvent, one), PaymentEvent.kind == "dispute.opened"))
    query = select(one.email, one.currency, one.amount_minor, one.payer_country, one.captured_at, *columns)
    query = query.select_from(Vendor).join(one, true()).order_by(one.id.desc()).limit(MOST_PAYMENTS + 1)
    listed = values_on(mode)
    for email, currency, minor, country, captured_at, *rest in db.session.execute(query):
        counts = {("email", number): rest[n] for n, number in enumerate(hours)}
        new = rest[len(hours)] if ask_new else None
        facts = Facts(Money(minor, currency), country, None, new, counts, _hits(listed, email, country))
        paid = captured_at is not None
        yield facts, paid, paid and (rest[-1] or rest[-2])


def _of(table: Any, payment: Any) -> tuple[Any, ...]:
    return table.vendor_id == payment.vendor_id, table.mode == payment.mode, table.payment_id == payment.id


def _hits(listed: dict[tuple[str, str], frozenset[str]], email: str, country: str | None) -> tuple[Hit, ...]:
    values = {"email": [email.lower()], "domain": domains_of(email), "country": [country or ""]}
    return tuple(Hit(which, kind) for (which, kind), on in listed.items() if on.intersection(values.get(kind, ())))
