"""What Stripe says of our balance with it: balance transactions, payouts to our bank, and what it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

from core.kernel.db import assert_no_transaction
from core.providers.exponents import fee_from_gateway, from_gateway
from core.providers.settlement import Settlement, SettlementLine, category_of
from core.providers.stripe_lists import PAGE

_STATES = {"pending", "in_transit", "paid", "failed", "canceled"}


class Settling(ABC):
    """A part of the adapter, which keeps the line to Stripe and says how anything is asked."""

    @abstractmethod
    def _read(self, what: str, **params: Any) -> dict[str, Any]:
        """Reads something."""

    def settlement_lines(self, since: datetime, after: str | None = None) -> tuple[list[SettlementLine], str | None]:
        """Balance transactions created since then, with what moved them."""
        assert_no_transaction()
        return self._lines(after, created={"gte": int(since.timestamp())})

    def lines_of_settlement(self, settlement: str, after: str | None = None) -> tuple[list[SettlementLine], str | None]:
        """The balance transactions of one payout. Stripe names the payout only when it is asked for it."""
        assert_no_transaction()
        return self._lines(after, payout=settlement)

    def _lines(self, after: str | None, **params: Any) -> tuple[list[SettlementLine], str | None]:
        place = {"starting_after": after} if after else {}
        page = self._read("balance_transactions", limit=PAGE, expand=["data.source"], **params, **place)
        lines = [line_of(row, params.get("payout", "")) for row in page["data"]]
        if "payout" in params:
            lines = [line for line in lines if line.category not in ("payout", "payout_reversal")]
        return lines, _next(page, after)

    def settlements(self, since: datetime, after: str | None = None) -> tuple[list[Settlement], str | None]:
        """Payouts created since then."""
        assert_no_transaction()
        place = {"starting_after": after} if after else {}
        page = self._read("payouts", limit=PAGE, created={"gte": int(since.timestamp())}, **place)
        return [settlement_of(payout) for payout in page["data"]], _next(page, after)

    def held(self) -> dict[str, int]:
        """Pending and available together: what has been captured is ours at once, and may only be used later."""
        assert_no_transaction()
        told = self._read("balance")
        found: dict[str, int] = {}
        for side in ("available", "pending"):
            for part in told[side]:
                money = from_gateway(part["amount"], part["currency"])
                found[money.currency] = found.get(money.currency, 0) + money.minor
        return found


def _next(page: dict[str, Any], after: str | None) -> str | None:
    """Where the next page begins. One that is empty although there is more names no place but its own."""
    if not page["has_more"]:
        return None
    return str(page["data"][-1]["id"]) if page["data"] else after or ""


def line_of(row: dict[str, Any], settlement: str = "") -> SettlementLine:
    """A balance transaction as our line. A fee that the gateway counts finer than the currency is rounded, and the net follows."""
    gross, fee = from_gateway(row["amount"], row["currency"]), fee_from_gateway(row["fee"], row["currency"])
    source = row.get("source")
    whole: dict[str, Any] = source if isinstance(source, dict) else {}
    metadata = whole.get("metadata") or {}
    return SettlementLine(
        external_id=row["id"],
        type=row["type"],
        category=category_of(row.get("reporting_category") or row["type"]),
        currency=gross.currency,
        gross_minor=gross.minor,
        fee_minor=fee.minor,
        net_minor=gross.minor - fee.minor,
        occurred_at=datetime.fromtimestamp(row["created"], UTC),
        value_on=datetime.fromtimestamp(row["available_on"], UTC).date(),
        source_id=whole.get("id") or (source if isinstance(source, str) else ""),
        settlement_id=settlement,
        reference=_ours(metadata),
        counterparty=str(metadata.get("vendor") or "")[:60],
        description=(row.get("description") or "")[:200],
    )


def _ours(metadata: dict[str, Any]) -> str:
    """A refund's own number, a payout's, and a payment's for everything else: a charge of a saved card carries its attempt's as well."""
    number = str(metadata.get("reference") or "")
    if metadata.get("payout"):
        return str(metadata["payout"])[:60]
    return (number if number.startswith("ref_") else str(metadata.get("payment") or number))[:60]


def settlement_of(payout: dict[str, Any]) -> Settlement:
    """A payout as our settlement. Banks show the trace where Stripe gives one, and else the statement descriptor."""
    amount = from_gateway(payout["amount"], payout["currency"])
    trace = payout.get("trace_id") or {}
    return Settlement(
        external_id=payout["id"],
        currency=amount.currency,
        amount_minor=amount.minor,
        created_at=datetime.fromtimestamp(payout["created"], UTC),
        arrives_on=datetime.fromtimestamp(payout["arrival_date"], UTC).date(),
        state=payout["status"] if payout["status"] in _STATES else "pending",
        trace=str((trace.get("value") if isinstance(trace, dict) else "") or payout.get("statement_descriptor") or "")[:35],
        itemised=bool(payout.get("automatic", True)),
    )
