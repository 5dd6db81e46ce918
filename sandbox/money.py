"""What the processor keeps and when the rest may be used: fees, balance transactions, the balance."""

import os

from sandbox.calls import call
from sandbox.finding import get, list_page
from sandbox.ids import new_id

FEE_PER_MILLE = 14  # 1.4 %
FEE_FIXED = 20  # and twenty minor units, whatever the currency
DISPUTE_FEE = 1_500


def fee_of(amount):
    """1.4 % of the amount, a half rounded up, and twenty minor units."""
    return (amount * FEE_PER_MILLE + 500) // 1_000 + FEE_FIXED


def pending_seconds():
    """How long money is on its way to being available."""
    return int(os.environ.get("SANDBOX_AVAILABLE_SECONDS", 2 * 86_400))


def payout_seconds():
    """How long after a movement the processor pays out what is available by then. None: only when it is told to."""
    text = os.environ.get("SANDBOX_PAYOUT_SECONDS", "")
    return float(text) if text else None


def plan_payout(shelf):
    """A movement of the balance asks for a payout, unless one is asked for already. Connected accounts are paid out when they are told to."""
    seconds = None if shelf.is_connected else payout_seconds()
    waits = shelf.connection.execute("SELECT 1 FROM tasks WHERE account = ? AND kind = 'payout'", (shelf.account,)).fetchone()
    if seconds is not None and not waits:
        shelf.later("payout", "all", seconds)


def transact(shelf, kind, amount, currency, source, *, fee=0, fee_title="Processing fee", category=None, at_once=False, description=None):
    """Writes one movement of the balance; net = amount - fee."""
    now = int(shelf.now)
    plan_payout(shelf)
    details = [{"amount": fee, "application": None, "currency": currency, "description": fee_title, "type": "stripe_fee"}] if fee else []
    return shelf.put(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now if at_once else now + pending_seconds(),
            "balance_type": "payments",
            "created": now,
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details,
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source,
            "status": "pending",
            "type": kind,
        }
    )


_READY = """
SELECT coalesce(sum(json_extract(body, '$.net')), 0) FROM objects WHERE account = ? AND kind = 'balance_transaction'
  AND json_extract(body, '$.currency') = ? AND json_extract(body, '$.available_on') <= ?"""


def ready(shelf, currency):
    """What can leave now, in minor units."""
    return shelf.connection.execute(_READY, (shelf.account, currency, int(shelf.now))).fetchone()[0]


def shown(shelf, transaction):
    """Money becomes available by itself when its time has come."""
    status = "available" if transaction["available_on"] <= shelf.now else "pending"
    return {**{name: value for name, value in transaction.items() if name != "payout"}, "status": status}


@call("GET", "balance")
def read_balance(shelf, params):
    params.finish()
    rows = shelf.connection.execute(
        "SELECT json_extract(body, '$.currency') AS currency, json_extract(body, '$.available_on') <= ? AS ready, sum(json_extract(body, '$.net')) AS net "
        "FROM objects WHERE account = ? AND kind IN ('balance_transaction', 'balance_offset') GROUP BY 1, 2",
        (int(shelf.now), shelf.account),
    ).fetchall()
    parts = {True: {}, False: {}}
    for row in rows:
        parts[bool(row["ready"])][row["currency"]] = row["net"]
    currencies = sorted({*parts[True], *parts[False]}) or ["gbp"]

    def side(ready):
        return [
            {"amount": parts[ready].get(one, 0), "currency": one, "source_types": {"card": parts[ready].get(one, 0)}} for one in currencies
        ]

    return {"object": "balance", "available": side(True), "livemode": False, "pending": side(False)}


@call("GET", "balance_transactions/<id>")
def read_transaction(shelf, params, identity):
    params.finish()
    return shown(shelf, get(shelf, "balance_transaction", identity))


@call("GET", "balance_transactions")
def list_transactions(shelf, params):
    equal = {"source": params.text("source"), "type": params.text("type"), "currency": params.text("currency")}
    payout = params.text("payout")
    if payout:
        equal["payout"] = payout
    found = list_page(shelf, params, "balance_transaction", "/v1/balance_transactions", equal=equal, created=params.between("created"))
    return {**found, "data": [shown(shelf, row) for row in found["data"]]}
