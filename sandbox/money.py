"""What the processor keeps and when the rest may be used: fees, balance transactions, the balance."""

import os

from core.web.wire.errors import bad_parameter
from sandbox.calls import call
from sandbox.finding import get, list_page
from sandbox.ids import new_id

FEE_PER_MILLE = 14  # 1.4 %
FEE_FIXED = 20  # and twenty minor units, whatever the currency
DISPUTE_FEE = 1_500
HIGHEST_AMOUNT = 99_999_999
LOWEST = {
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "aud": 50,
    "cad": 50,
    "chf": 50,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "jpy": 50,
    "inr": 50,
    "nzd": 50,
    "sgd": 50,
    "hkd": 400,
    "mxn": 1000,
    "pln": 200,
    "ron": 200,
    "czk": 1500,
    "huf": 17500,
    "aed": 200,
    "thb": 1000,
}
CURRENCIES = frozenset(
    [
        "aed",
        "afn",
        "all",
        "amd",
        "ang",
        "aoa",
        "ars",
        "aud",
        "awg",
        "azn",
        "bam",
        "bbd",
        "bdt",
        "bgn",
        "bhd",
        "bif",
        "bmd",
        "bnd",
        "bob",
        "brl",
        "bsd",
        "bwp",
        "byn",
        "bzd",
        "cad",
        "cdf",
        "chf",
        "clp",
        "cny",
        "cop",
        "crc",
        "cve",
        "czk",
        "djf",
        "dkk",
        "dop",
        "dzd",
        "egp",
        "etb",
        "eur",
        "fjd",
        "fkp",
        "gbp",
        "gel",
        "gip",
        "gmd",
        "gnf",
        "gtq",
        "gyd",
        "hkd",
        "hnl",
        "htg",
        "huf",
        "idr",
        "ils",
        "inr",
        "isk",
        "jmd",
        "jod",
        "jpy",
        "kes",
        "kgs",
        "khr",
        "kmf",
        "krw",
        "kwd",
        "kyd",
        "kzt",
        "lak",
        "lbp",
        "lkr",
        "lrd",
        "lsl",
        "mad",
        "mdl",
        "mga",
        "mkd",
        "mmk",
        "mnt",
        "mop",
        "mur",
        "mvr",
        "mwk",
        "mxn",
        "myr",
        "mzn",
        "nad",
        "ngn",
        "nio",
        "nok",
        "npr",
        "nzd",
        "omr",
        "pab",
        "pen",
        "pgk",
        "php",
        "pkr",
        "pln",
        "pyg",
        "qar",
        "ron",
        "rsd",
        "rub",
        "rwf",
        "sar",
        "sbd",
        "scr",
        "sek",
        "sgd",
        "shp",
        "sle",
        "sos",
        "srd",
        "std",
        "szl",
        "thb",
        "tjs",
        "tnd",
        "top",
        "try",
        "ttd",
        "twd",
        "tzs",
        "uah",
        "ugx",
        "usd",
        "uyu",
        "uzs",
        "vnd",
        "vuv",
        "wst",
        "xaf",
        "xcd",
        "xof",
        "xpf",
        "yer",
        "zar",
        "zmw",
    ]
)
THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# two decimals on the wire, of which the last two must be zero
WHOLE_UNITS = frozenset(("isk", "ugx"))


def fee_of(amount):
    """1.4 % of the amount, a half rounded up, and twenty minor units."""
    return (amount * FEE_PER_MILLE + 500) // 1_000 + FEE_FIXED


def check_amount(amount, currency, param="amount"):
    """The processor's limits; `amount` is in its own minor units."""
    if currency not in CURRENCIES:
        raise bad_parameter("parameter_invalid", "currency", f"Invalid currency: {currency[:10]}.")
    if amount > HIGHEST_AMOUNT:
        raise bad_parameter("amount_too_large", param, f"Amount must be no more than {HIGHEST_AMOUNT} minor units.")
    if amount < LOWEST.get(currency, 1):
        raise bad_parameter("amount_too_small", param, f"Amount must be at least {LOWEST.get(currency, 1)} minor units of {currency}.")
    if (currency in THREE_DECIMALS and amount % 10) or (currency in WHOLE_UNITS and amount % 100):
        raise bad_parameter("parameter_invalid_integer", param, f"Amounts in {currency} must be rounded to what cards can carry.")


def pending_seconds():
    """How long money is on its way to being available."""
    return int(os.environ.get("SANDBOX_AVAILABLE_SECONDS", 2 * 86_400))


def transact(shelf, kind, amount, currency, source, *, fee=0, fee_title="Processing fee", category=None, at_once=False, description=None):
    """Writes one movement of the balance; net = amount - fee."""
    now = int(shelf.now)
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


def shown(shelf, transaction):
    """Money becomes available by itself when its time has come."""
    status = "available" if transaction["available_on"] <= shelf.now else "pending"
    return {**transaction, "status": status}


@call("GET", "balance")
def read_balance(shelf, params):
    params.finish()
    rows = shelf.connection.execute(
        "SELECT json_extract(body, '$.currency') AS currency, json_extract(body, '$.available_on') <= ? AS ready, sum(json_extract(body, '$.net')) AS net "
        "FROM objects WHERE account = ? AND kind = 'balance_transaction' GROUP BY 1, 2",
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
