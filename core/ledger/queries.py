"""Reading the books: balances, the journal lines behind a figure, and the proof that they agree."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import func, select, text, tuple_

from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.ledger.chain_check import added_afterwards, chain_breaks
from core.ledger.models import Balance, ChartAccount, Entry, Journal


class Owner(Protocol):
    """Whose book it is: a vendor."""

    @property
    def id(self) -> uuid.UUID: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a statement shows it. `amount` has the account's natural sign: what adds to it is positive."""

    journal_id: uuid.UUID
    leg: int
    kind: str
    about: str
    event_key: str
    effective_at: datetime
    amount: Money
    ref: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, newest first, and the cursor for the next older ones (None at the end)."""

    lines: list[Line]
    next: tuple[uuid.UUID, int] | None


def balances(vendor: Owner, mode: str) -> dict[tuple[str, str, str], Money]:
    """Every account of the vendor's book that ever moved: (name, sub-account, currency) to its natural balance."""
    rows = db.session.execute(
        select(ChartAccount.name, ChartAccount.side, Balance.sub, Balance.currency, func.sum(Balance.amount_minor))
        .join(ChartAccount, ChartAccount.code == Balance.code)
        .where(Balance.vendor_id == vendor.id, Balance.mode == mode)
        .group_by(ChartAccount.name, ChartAccount.side, Balance.sub, Balance.currency)
    )
    return {(name, sub, currency): Money(int(total) * (1 if side == "D" else -1), currency) for name, side, sub, currency, total in rows}


def balances_of(vendor_ids: Collection[uuid.UUID], mode: str, account: str, currency: str) -> dict[uuid.UUID, Money]:
    """One account's natural balance in each of these vendors' books; zero where it never moved."""
    code, side = db.session.execute(select(ChartAccount.code, ChartAccount.side).where(ChartAccount.name == account)).one()
    mine = Balance.vendor_id.in_(vendor_ids), Balance.mode == mode, Balance.code == code, Balance.sub == "", Balance.currency == currency
    rows = db.session.execute(select(Balance.vendor_id, func.sum(Balance.amount_minor)).where(*mine).group_by(Balance.vendor_id))
    found = {vendor_id: int(total) for vendor_id, total in rows}
    return {vendor_id: Money(found.get(vendor_id, 0) * (1 if side == "D" else -1), currency) for vendor_id in vendor_ids}


def balance(vendor: Owner, mode: str, account: str, currency: str, sub: str = "") -> Money:
    """One account's natural balance; zero when it never moved."""
    row = db.session.execute(
        select(ChartAccount.side, func.coalesce(func.sum(Balance.amount_minor), 0))
        .outerjoin(
            Balance,
            (Balance.code == ChartAccount.code)
            & (Balance.vendor_id == vendor.id)
            & (Balance.mode == mode)
            & (Balance.sub == sub)
            & (Balance.currency == currency),
        )
        .where(ChartAccount.name == account)
        .group_by(ChartAccount.side)
    ).one()
    return Money(int(row[1]) * (1 if row[0] == "D" else -1), currency)


def sub_balances(vendor: Owner, mode: str, account: str, subs: Sequence[str]) -> list[tuple[str, str, int]]:
    """One kind of account for several of its sub-accounts: sub, currency and the natural balance in minor units, where it is not zero."""
    code, side = db.session.execute(select(ChartAccount.code, ChartAccount.side).where(ChartAccount.name == account)).one()
    total = func.sum(Balance.amount_minor)
    mine = select(Balance.sub, Balance.currency, total).where(Balance.vendor_id == vendor.id, Balance.mode == mode, Balance.code == code)
    found = db.session.execute(mine.where(Balance.sub.in_(subs)).group_by(Balance.sub, Balance.currency).having(total != 0))
    return [(sub, currency, int(minor) * (1 if side == "D" else -1)) for sub, currency, minor in found]


def list_lines(
    vendor: Owner, mode: str, account: str, currency: str, *, sub: str = "", since: datetime | None = None, until: datetime | None = None,
    after: tuple[uuid.UUID, int] | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """The journal lines behind a balance, newest first, by keyset: their sum over all pages is the balance. `since` and `until` bound when
    they were booked."""
    chart = db.session.execute(select(ChartAccount).where(ChartAccount.name == account)).scalar_one()
    sign = 1 if chart.side == "D" else -1
    query = (
        select(Entry, Journal)
        .join(Journal, (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id))
        .where(Entry.vendor_id == vendor.id, Entry.mode == mode, Entry.code == chart.code, Entry.sub == sub, Entry.currency == currency)
        .order_by(Entry.journal_id.desc(), Entry.leg.desc())
        .limit(limit + 1)
    )
    query = _booked_between(query, since, until)
    if after:
        query = query.where(tuple_(Entry.journal_id, Entry.leg) < after)
    rows = db.session.execute(query).all()
    lines = [
        Line(e.journal_id, e.leg, j.kind, j.about, j.event_key, j.effective_at, Money(sign * e.amount_minor, currency), e.ref)
        for e, j in rows[:limit]
    ]
    return Page(lines, (lines[-1].journal_id, lines[-1].leg) if len(rows) > limit else None)


def moved_between(
    vendor: Owner, mode: str, account: str, currency: str, *, since: datetime | None, until: datetime | None, sub: str = ""
) -> Money:
    """What an account changed by in this time, with its natural sign: what the lines of the time add up to."""
    chart = db.session.execute(select(ChartAccount).where(ChartAccount.name == account)).scalar_one()
    query = select(func.coalesce(func.sum(Entry.amount_minor), 0)).where(
        Entry.vendor_id == vendor.id, Entry.mode == mode, Entry.code == chart.code, Entry.sub == sub, Entry.currency == currency
    )
    return Money(int(db.session.scalar(_booked_between(query, since, until)) or 0) * (1 if chart.side == "D" else -1), currency)


def _booked_between(query: Any, since: datetime | None, until: datetime | None) -> Any:
    """A journal's number begins with the millisecond it was booked in."""
    if since:
        query = query.where(Entry.journal_id >= first_id_at(since))
    return query.where(Entry.journal_id < first_id_at(until)) if until else query


def journals_about(vendor: Owner, mode: str, public_id: str) -> list[tuple[Journal, list[tuple[str, str, Money, str]]]]:
    """Every journal a payment made, oldest first, with its legs as (account, sub-account, signed amount: debit positive, reference)."""
    rows = db.session.execute(
        select(Journal, Entry, ChartAccount.name)
        .join(Entry, (Entry.vendor_id == Journal.vendor_id) & (Entry.mode == Journal.mode) & (Entry.journal_id == Journal.id))
        .join(ChartAccount, ChartAccount.code == Entry.code)
        .where(Journal.vendor_id == vendor.id, Journal.mode == mode, Journal.about == public_id)
        .order_by(Journal.id, Entry.leg)
    )
    found: dict[uuid.UUID, tuple[Journal, list[tuple[str, str, Money, str]]]] = {}
    for journal, entry, name in rows:
        found.setdefault(journal.id, (journal, []))[1].append((name, entry.sub, Money(entry.amount_minor, entry.currency), entry.ref))
    return list(found.values())


GUARDS = {
    "journals": ("journals_keep", "journals_keep_all", "journal_whole", "journals_not_back_dated"),
    "entries": ("entries_keep", "entries_keep_all", "entries_booked"),
    "balances": ("balances_follow", "balances_last", "balances_stay"),
    "ledger_chart": ("chart_keep", "chart_keep_all"),
    "payment_events": ("payment_events_keep", "payment_events_keep_all", "payment_events_told"),
    "audit_entries": ("audit_keep", "audit_keep_all"),
    "price_lists": ("price_lists_keep", "price_lists_keep_all"),
    "subscription_events": ("subscription_events_keep", "subscription_events_keep_all"),
    "billing_documents": ("billing_documents_keep", "billing_documents_keep_all", "billing_documents_begin_told", "billing_documents_told"),
    "payout_lines": ("payout_lines_keep", "payout_lines_keep_all"),
    "dispute_events": ("dispute_events_keep", "dispute_events_keep_all", "dispute_events_told"),
    "payout_events": ("payout_events_keep", "payout_events_keep_all", "payout_events_told"),
    "recon_matches": ("recon_matches_keep", "recon_matches_keep_all"),
    "recon_notes": ("recon_notes_keep", "recon_notes_keep_all"),
    "order_events": ("order_events_keep", "order_events_keep_all", "order_events_told"),
    "checkout_parts": ("checkout_parts_keep", "checkout_parts_keep_all"),
    "order_lines": ("order_lines_keep", "order_lines_keep_all"),
    "order_refund_lines": ("order_refund_lines_keep", "order_refund_lines_keep_all"),
    "order_terms": ("order_terms_keep", "order_terms_keep_all"),
    "bank_status_reports": ("bank_status_reports_keep", "bank_status_reports_keep_all"),
    "chain_links": ("chain_links_keep", "chain_links_keep_all"),
    "chain_anchors": ("chain_anchors_keep", "chain_anchors_keep_all"),
    "ledger_days": ("ledger_days_keep", "ledger_days_keep_all"),
    "day_papers": ("day_papers_keep", "day_papers_keep_all"),
    "sale_documents": ("sale_documents_keep", "sale_documents_keep_all"),
    "document_papers": ("document_papers_keep", "document_papers_keep_all"),
    "risk_rule_sets": ("risk_rule_sets_keep", "risk_rule_sets_keep_all"),
    # What keeps nothing from happening, but tells of it: a vendor's own software hears of every change.
    "payment_links": ("payment_links_begin_told", "payment_links_told"),
    "refund_claims": ("refund_claims_begin_told", "refund_claims_told"),
    "subscriptions": ("subscriptions_begin_told", "subscriptions_told"),
    # What an older process leaves out while a newer one is being put in its place.
    "hook_deliveries": ("hook_deliveries_placed",),
}


def find_breaks(vendor_id: uuid.UUID | None = None, mode: str | None = None) -> list[str]:
    """Prove the books: journals balance, balances equal their entries, guarded accounts are not below zero, chains hold. One book, or all.

    Answers a sentence for each thing that is wrong (over all books also for a guard in PostgreSQL that is gone or switched
    off); an empty list is the proof.
    """
    one = "WHERE {}.vendor_id = :vendor AND {}.mode = :mode" if vendor_id else ""
    asked = {"vendor": vendor_id, "mode": mode} if vendor_id else {}
    found = [
        sentence.format(*row)
        for sentence, sql in _CHECKS.items()
        for row in db.session.execute(text(re.sub(r"/\*(\w+)\*/", lambda table: one.format(table[1], table[1]), sql)), asked)
    ]
    found += chain_breaks(vendor_id, mode) + added_afterwards(vendor_id, mode)
    return found if vendor_id else found + missing_guards()


def missing_guards() -> list[str]:
    """A trigger that does not fire always guards nothing."""
    rows = db.session.execute(text("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'A'"))
    awake = {(table, name) for table, name in rows}
    return [f"trigger {name} on {table} is switched off" for table, names in GUARDS.items() for name in names if (table, name) not in awake]


# /*e*/ is where a single book is asked for; entries are read once per check, however large the book is.
_CHECKS = {
    "journal {0} of vendor {1} is not zero or not whole": """
        SELECT s.journal_id, s.vendor_id FROM (
            SELECT c.vendor_id, c.mode, c.journal_id, sum(c.legs) AS legs, bool_or(c.total <> 0) AS uneven FROM (
                SELECT e.vendor_id, e.mode, e.journal_id, count(*) AS legs, sum(e.amount_minor) AS total FROM entries e /*e*/
                GROUP BY e.vendor_id, e.mode, e.journal_id, e.currency) c
            GROUP BY c.vendor_id, c.mode, c.journal_id) s
        JOIN journals j ON j.vendor_id = s.vendor_id AND j.mode = s.mode AND j.id = s.journal_id
        WHERE s.uneven OR s.legs <> j.n_legs""",
    "journal {0} of vendor {1} has no entries": """
        SELECT j.id, j.vendor_id FROM (SELECT * FROM journals j /*j*/) j WHERE NOT EXISTS (
            SELECT 1 FROM entries e WHERE e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id)""",
    "journal {0} of vendor {1} has entries and does not exist": """
        SELECT DISTINCT e.journal_id, e.vendor_id FROM (SELECT * FROM entries e /*e*/) e WHERE NOT EXISTS (
            SELECT 1 FROM journals j WHERE j.vendor_id = e.vendor_id AND j.mode = e.mode AND j.id = e.journal_id)""",
    "journal {0} of vendor {1} was taken back by more than it was": """
        SELECT b.reverses, b.vendor_id FROM (
            SELECT r.vendor_id, r.mode, r.reverses, e.currency, sum(e.amount_minor) AS minor FROM (SELECT * FROM journals j /*j*/) r
            JOIN entries e ON e.vendor_id = r.vendor_id AND e.mode = r.mode AND e.journal_id = r.id AND e.amount_minor > 0
            WHERE r.reverses IS NOT NULL GROUP BY 1, 2, 3, 4) b
        WHERE b.minor > (SELECT coalesce(sum(o.amount_minor), 0) FROM entries o WHERE o.vendor_id = b.vendor_id AND o.mode = b.mode
            AND o.journal_id = b.reverses AND o.currency = b.currency AND o.amount_minor > 0)""",
    "account {0} of vendor {1}: the balance is not the sum of its entries": """
        SELECT code, vendor_id FROM (
            SELECT vendor_id, mode, code, sub, currency, amount_minor AS booked, 0 AS kept FROM entries e /*e*/
            UNION ALL SELECT vendor_id, mode, code, sub, currency, 0, amount_minor FROM balances b /*b*/) both_sides
        GROUP BY vendor_id, mode, code, sub, currency HAVING sum(booked) <> sum(kept)""",
    "account {0} of vendor {1}: the mark of a day is not the sum of the entries before it": """
        SELECT k.code, k.vendor_id FROM (SELECT * FROM balance_marks k /*k*/) k WHERE k.amount_minor <> (
            SELECT coalesce(sum(e.amount_minor), 0) FROM entries e WHERE e.vendor_id = k.vendor_id AND e.mode = k.mode AND e.code = k.code
              AND e.sub = k.sub AND e.currency = k.currency
              AND e.journal_id < (lpad(to_hex((extract(epoch FROM k.day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid)""",
    "account {0} of vendor {1} is below zero": """
        SELECT b.code, b.vendor_id FROM (SELECT * FROM balances b /*b*/) b JOIN ledger_chart c ON c.code = b.code WHERE c.floor
        GROUP BY b.vendor_id, b.mode, b.code, b.sub, b.currency, c.side
        HAVING sum(b.amount_minor) * (CASE c.side WHEN 'D' THEN 1 ELSE -1 END) < 0""",
    "account {0} of vendor {1} is not guarded as the chart says": """
        SELECT DISTINCT b.code, b.vendor_id FROM (SELECT * FROM balances b /*b*/) b LEFT JOIN ledger_chart c ON c.code = b.code
        WHERE b.floor_side IS DISTINCT FROM CASE WHEN NOT c.floor THEN 0 WHEN c.side = 'D' THEN 1 WHEN c.side = 'C' THEN -1 END""",
}
