"""The processor pays its balance out: what is available and in no payout yet leaves for our bank, where it stands on the next statement."""

import datetime
import json

from core.web.wire.errors import bad_parameter
from sandbox import bank
from sandbox.calls import call
from sandbox.currencies import DECIMALS
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id
from sandbox.money import payout_seconds, plan_payout, ready, transact
from sandbox.transfers import pay_connected

NAME = "Sandbox Processor"
_OPEN = """
SELECT body FROM objects WHERE account = ? AND kind = 'balance_transaction' AND json_extract(body, '$.payout') IS NULL
  AND json_extract(body, '$.type') NOT IN ('payout', 'payout_failure') AND json_extract(body, '$.available_on') <= ? ORDER BY seq"""


def pay_out(shelf, *, currency=None, short=0, to_bank=True, at_once=False, collect=False):
    """One payout for each currency with something above zero available; answers them. Those without an account at the bank stay.
    With `collect` a balance below zero is made up from our bank account: a payout of less than nothing, as on the wire.

    `short` pays so many minor units less than the lines come to, `to_bank=False` forgets the transfer: both are mishaps.
    `at_once` takes what is not available yet as well, for whoever does not want to wait.
    """
    until = 2**60 if at_once else int(shelf.now)
    by_currency = {}
    for row in shelf.connection.execute(_OPEN, (shelf.account, until)).fetchall():
        line = json.loads(row["body"])
        by_currency.setdefault(line["currency"], []).append(line)
    made = []
    for code, lines in sorted(by_currency.items()):
        total = sum(line["net"] for line in lines) - short
        if (currency in (None, code)) and (total > 0 or (collect and total < 0)) and code.upper() in bank.CURRENCIES:
            made.append(_pay(shelf, code, total, lines, to_bank))
    return made


def _pay(shelf, currency, total, lines, to_bank):
    now, trace = int(shelf.now), f"SBXPO{letters(12).upper()}"
    payout = {
        "id": new_id("po"),
        "object": "payout",
        "amount": total,
        "application_fee": None,
        "arrival_date": now,
        "automatic": True,
        "balance_transaction": None,
        "created": now,
        "currency": currency,
        "description": "SANDBOX PAYOUT",
        "failure_code": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid" if to_bank else "in_transit",
        "trace_id": {"status": "supported", "value": trace},
        "type": "bank_account",
    }
    payout["balance_transaction"] = transact(shelf, "payout", -total, currency, payout["id"], at_once=True, category="payout")["id"]
    for line in lines:
        shelf.put({**line, "payout": payout["id"]})
    shelf.put(payout)
    emit(shelf, "payout.created", payout)
    if to_bank:
        teller = bank.Teller(shelf.connection, shelf.account)
        teller.book(
            currency.upper(), 1 if total > 0 else -1, abs(total), name=NAME, iban="", text=f"SANDBOX PAYOUT {trace}", end_to_end=trace
        )
        emit(shelf, "payout.paid", payout)
    return payout


def pay_later(shelf, _subject):
    """What the clock does; while money is left that is not available yet it looks again later."""
    pay_out(shelf)
    if payout_seconds() is not None and shelf.connection.execute(_OPEN, (shelf.account, 2**60)).fetchone():
        plan_payout(shelf)


# --- the report -------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "automatic_payout_id", "automatic_payout_effective_at_utc", "balance_transaction_id", "created_utc", "available_on_utc", "currency",
    "gross", "fee", "net", "reporting_category", "source_id", "description", "payment_metadata[vendor]", "payment_metadata[reference]",
)  # fmt: skip


def report(shelf, *, payout=None, since=0):
    """The settlement report as CSV, row by row: amounts are decimals of the currency, times are UTC, the last rows are control totals."""
    where, values = ["account = ?", "kind = 'balance_transaction'", "created >= ?"], [shelf.account, since]
    if payout:
        where.append("json_extract(body, '$.payout') = ?")
        values.append(payout)
    yield _csv(COLUMNS)
    totals = {}
    rows = shelf.connection.execute(f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY seq", values)
    for row in rows:
        line = json.loads(row["body"])
        if line["type"] in ("payout", "payout_failure") and payout:
            continue
        count, gross, fee, net = totals.get(line["currency"], (0, 0, 0, 0))
        totals[line["currency"]] = (count + 1, gross + line["amount"], fee + line["fee"], net + line["net"])
        yield _csv(_row(shelf, line))
    for code, (count, gross, fee, net) in sorted(totals.items()):
        money = [_decimal(minor, code) for minor in (gross, fee, net)]
        yield _csv(["", "", "TOTAL", "", "", code, *money, "total", "", f"{count} rows", "", ""])


def _row(shelf, line):
    settlement = line.get("payout") or ""
    paid = shelf.find("payout", settlement) if settlement else None
    source = get_source(shelf, line["source"])
    metadata = (source or {}).get("metadata") or {}
    number = metadata.get("payout") or metadata.get("reference") or ""
    reference = number if (line["source"] or "").startswith("re_") else metadata.get("payment") or number
    money = [_decimal(line[name], line["currency"]) for name in ("amount", "fee", "net")]
    return [
        settlement, _moment(paid["arrival_date"]) if paid else "", line["id"], _moment(line["created"]), _moment(line["available_on"]),
        line["currency"], *money, line["reporting_category"], line["source"] or "", line["description"] or "", metadata.get("vendor", ""), reference,
    ]  # fmt: skip


def get_source(shelf, identity):
    """What moved the balance; None for what has no object of its own."""
    kinds = {"ch": "charge", "re": "refund", "du": "dispute", "po": "payout", "tr": "transfer", "trr": "transfer_reversal"}
    return shelf.find(kinds.get((identity or "").split("_")[0], ""), identity) if identity else None


def _decimal(minor, currency):
    digits = DECIMALS[currency]
    sign, whole = ("-" if minor < 0 else ""), str(abs(minor)).rjust(digits + 1, "0")
    return f"{sign}{whole[:-digits]}.{whole[-digits:]}" if digits else f"{sign}{whole}"


def _moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _csv(values):
    return ",".join(f'"{text}"' if set(text) & set('",\r\n') else text for text in (str(v).replace('"', '""') for v in values)) + "\r\n"


# --- the wire ---------------------------------------------------------------------------------------------------------------


@call("POST", "payouts")
def create_payout(shelf, params):
    """A manual payout: everything available in one currency, or so much of it as is asked for."""
    amount, currency = params.integer("amount", required=True, least=1), params.text("currency", required=True)
    metadata, description = params.metadata(), params.text("description")
    descriptor = params.text("statement_descriptor", longest=22)
    params.finish()
    if shelf.is_connected:
        return pay_connected(shelf, amount, currency, metadata, description, descriptor)
    if currency.upper() not in bank.CURRENCIES:
        raise bad_parameter("parameter_invalid", "currency", "You have no bank account in this currency.")
    if amount > ready(shelf, currency):
        raise bad_parameter("balance_insufficient", "amount", "You have insufficient funds in your account for this payout.")
    payout = _pay(shelf, currency, amount, [], True)
    return shelf.put({**payout, "automatic": False, "reconciliation_status": "not_applicable"})


@call("GET", "payouts/<id>")
def read_payout(shelf, params, identity):
    params.finish()
    return get(shelf, "payout", identity)


@call("GET", "payouts")
def list_payouts(shelf, params):
    equal = {"status": params.text("status"), "currency": params.text("currency")}
    return list_page(shelf, params, "payout", "/v1/payouts", equal=equal, created=params.between("created"))
