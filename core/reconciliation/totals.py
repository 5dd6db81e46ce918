"""Sums over all books beside what others say: a processor's balance, a bank's closing balance, money under way for too long, and whether every
payment that was paid is in the books under its own key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.kernel.clock import now
from core.kernel.db import driver
from core.kernel.ids import first_id_at
from core.payments.statements import last_balances
from core.reconciliation.exceptions import Finding

# What stands on one account over all books, looked up book by book.
_STANDS = """SELECT b.currency::text, sum(b.amount_minor) FROM vendors v
JOIN LATERAL (SELECT currency, amount_minor FROM balances WHERE vendor_id = v.id AND mode = %(mode)s AND code = %(code)s AND sub = %(sub)s) b ON true
GROUP BY 1"""
# References on accounts that have to clear, that have not, and that nothing has moved for too long.
_UNDER_WAY = """SELECT v.id, b.sub, b.currency, e.ref, sum(e.amount_minor), max(e.journal_id::text)::uuid FROM vendors v
JOIN LATERAL (SELECT sub, currency::text AS currency FROM balances WHERE vendor_id = v.id AND mode = %(mode)s AND code = %(code)s
  GROUP BY sub, currency HAVING sum(amount_minor) <> 0) b ON true
JOIN LATERAL (SELECT ref, amount_minor, journal_id FROM entries WHERE vendor_id = v.id AND mode = %(mode)s AND code = %(code)s AND sub = b.sub
  AND currency = b.currency AND ref <> '') e ON true
GROUP BY 1, 2, 3, 4 HAVING sum(e.amount_minor) <> 0 AND max(e.journal_id::text) < %(before)s::text ORDER BY 6, 4 LIMIT %(most)s"""
# Paid payments and refunds that arrived, without the journal of that very fact. What a lost dispute gave to its payer stands among the refunds and is
# booked under the dispute.
_UNBOOKED = """SELECT p.vendor_id, p.public_id, p.provider, p.charge, p.currency::text, p.captured_minor, p.captured_at,
  'cap:' || p.provider || ':' || CASE WHEN p.provider = 'bank' THEN p.public_id ELSE p.charge END || ':1' AS event_key
FROM vendors v JOIN LATERAL (SELECT * FROM payments WHERE vendor_id = v.id AND mode = %(mode)s AND captured_at >= %(since)s) p ON true
WHERE p.state = 'succeeded' AND p.charge IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journals j WHERE j.vendor_id = p.vendor_id AND j.mode = p.mode
  AND j.event_key = 'cap:' || p.provider || ':' || CASE WHEN p.provider = 'bank' THEN p.public_id ELSE p.charge END || ':1')
UNION ALL
SELECT r.vendor_id, r.public_id, coalesce(r.provider, p.provider), r.provider_reference, r.currency::text, -r.amount_minor, r.settled_at, r.event_key
FROM vendors v JOIN LATERAL (SELECT *, CASE WHEN taken_from = 'seller_hold'
    THEN 'dp:' || split_part(form_token, ':', 1) || ':lost:' || split_part(form_token, ':', 2) ELSE 'rf:' || public_id || ':ok' END AS event_key
  FROM refunds WHERE vendor_id = v.id AND mode = %(mode)s AND state = 'succeeded' AND settled_at >= %(since)s) r ON true
JOIN payments p ON p.vendor_id = r.vendor_id AND p.mode = r.mode AND p.id = r.payment_id
WHERE coalesce(r.provider, p.provider) <> 'bank' AND NOT EXISTS (SELECT 1 FROM journals j WHERE j.vendor_id = r.vendor_id AND j.mode = r.mode
  AND j.event_key = r.event_key)"""
# A dispute may take a bank half a year, and its second round begins anew: then it has moved.
CLEARS_WITHIN = {
    2050: timedelta(days=10), 2040: timedelta(days=7), 1020: timedelta(days=7), 1025: timedelta(days=7), 1060: timedelta(days=180),
}  # fmt: skip
MOST_TOLD = 10_000  # of one account; a house with more of them under way for too long has another trouble


def stands_on(mode: str, code: int, sub: str) -> dict[str, int]:
    """What one account comes to over all books, by currency, debit positive."""
    rows = driver().execute(_STANDS, {"mode": mode, "code": code, "sub": sub}).fetchall()
    return {currency: int(minor) for currency, minor in rows}


def compare_processor(mode: str, source: str, held: Mapping[str, int], explained: Mapping[str, int]) -> list[Finding]:
    """Our account of what a processor holds against what it says it holds. `explained` is what the unmatched of both sides come to: a difference
    that they explain waits for them, and one that they do not explain does not."""
    ours, found = stands_on(mode, 1010, source), []
    for currency in sorted({*ours, *held}):
        here, there = ours.get(currency, 0), held.get(currency, 0)
        if here != there:
            due = now() + timedelta(days=1) if here - there == explained.get(currency, 0) else None
            found.append(_balance(source, currency, here, there, explained.get(currency, 0), due))
    return found


def _balance(source: str, currency: str, here: int, there: int, explained: int, due: datetime | None) -> Finding:
    today = now().astimezone(UTC).date()
    ours = {"balance_minor": here, "currency": currency, "explained_minor": explained}
    theirs = {"balance_minor": there, "currency": currency}
    return Finding("balance_break", f"{source}:{currency}", source, currency, there - here, today, ours=ours, theirs=theirs, due_at=due)


def compare_bank(mode: str) -> list[Finding]:
    """Our account of the bank against the last closing balance, for each account with statements that are booked to the last line."""
    waiting = driver().execute("SELECT DISTINCT account FROM bank_lines WHERE mode = %s AND state = 'new'", (mode,)).fetchall()
    found = []
    for account, (closing, statement) in sorted(last_balances(mode).items()):
        here = stands_on(mode, 1030, account).get(closing.currency, 0)
        if (account,) not in waiting and here != closing.minor:
            today = now().astimezone(UTC).date()
            found.append(
                Finding(
                    "balance_break",
                    f"bank:{account}",
                    "bank",
                    closing.currency,
                    closing.minor - here,
                    today,
                    ours={"balance_minor": here, "currency": closing.currency, "account": account},
                    theirs={"balance_minor": closing.minor, "currency": closing.currency, "statement": statement},
                )
            )
    return found


def look_at_money_under_way(mode: str) -> list[Finding]:
    """What should have arrived and has not: refunds, payouts to sellers, payouts of processors; and disputes nobody has decided."""
    found = []
    for code, patience in CLEARS_WITHIN.items():
        values = {"mode": mode, "code": code, "before": first_id_at(now() - patience), "most": MOST_TOLD}
        for owner, sub, currency, ref, minor, last in driver().execute(_UNDER_WAY, values).fetchall():
            at = datetime.fromtimestamp((last.int >> 80) / 1000, UTC)
            ours = {"account": code, "sub": sub, "ref": ref, "amount_minor": int(minor), "currency": currency, "at": at.isoformat()}
            key = f"{owner}:{code}:{sub}:{ref}"
            found.append(Finding("stale_in_flight", key, "books", currency, -int(minor), at.date(), book=owner, about=ref[:60], ours=ours))
    return found


def look_at_keys(mode: str, since: datetime) -> list[Finding]:
    """Every payment that was paid and every refund that arrived is in the books under its own key; what is not is told. It should be nothing, ever."""
    found = []
    for owner, number, source, theirs, currency, minor, at, key in driver().execute(_UNBOOKED, {"mode": mode, "since": since}).fetchall():
        told: dict[str, Any] = {"source_id": theirs, "amount_minor": int(minor), "currency": currency}
        found.append(
            Finding(
                "missing_in_ledger",
                f"key:{key}"[:200],
                "books",
                currency,
                int(minor),
                at.astimezone(UTC).date(),
                book=uuid.UUID(str(owner)),
                about=number,
                ours={"event_key": key, "source": source},
                theirs=told,
            )
        )
    return found
