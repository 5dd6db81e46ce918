"""Mishaps: what goes wrong between a processor, its reports and a bank, made on demand for one account.

Each is done to one thing, the latest of its kind when none is named, and nobody is told of it by a webhook: it is for whoever
reconciles to find.
"""

from core.web.wire.errors import bad_parameter, not_found
from sandbox.events import emit
from sandbox.ids import new_id
from sandbox.money import fee_of, transact
from sandbox.payouts import pay_out

MOST_MINOR = 10**9


def _latest(shelf, kind, subject, **equal):
    found = shelf.find(kind, subject) if subject else next(iter(shelf.rows(kind, equal=equal, count=1)), None)
    if found is None:
        raise not_found(kind, subject or "the latest", "subject")
    return found


def _movement(shelf, subject):
    """The balance transaction named, or that of the charge named, or of the latest charge."""
    if subject and subject.startswith("txn_"):
        return _latest(shelf, "balance_transaction", subject)
    if subject:
        return next(iter(shelf.rows("balance_transaction", equal={"source": subject}, count=1)), None) or _latest(shelf, "charge", subject)
    return _latest(shelf, "balance_transaction", None, type="charge")


def stranger(shelf, subject, minor):
    """A charge taken at the processor by hand, of which nobody told us."""
    charge = {
        "id": new_id("ch"), "object": "charge", "amount": minor or 1_234, "amount_captured": minor or 1_234, "amount_refunded": 0,
        "captured": True, "created": int(shelf.now), "currency": subject or "eur", "disputed": False, "metadata": {}, "payment_intent": None,
        "refunded": False, "status": "succeeded", "description": "Taken by hand", "payment_method_details": {"type": "card"},
    }  # fmt: skip
    shelf.put(charge)
    transact(shelf, "charge", charge["amount"], charge["currency"], charge["id"], fee=fee_of(charge["amount"]), description="Taken by hand")
    return charge["id"]


def forgotten(shelf, subject, _minor):
    """A movement that no report and no list shows any more."""
    line = _movement(shelf, subject)
    shelf.remove(line["id"])
    return line["id"]


def other_amount(shelf, subject, minor):
    """A movement with another amount than the charge."""
    line, by = _movement(shelf, subject), minor or 1
    shelf.put({**line, "amount": line["amount"] + by, "net": line["net"] + by})
    return line["id"]


def other_fee(shelf, subject, minor):
    """A movement that cost more than was said at first."""
    line, by = _movement(shelf, subject), minor or 7
    shelf.put({**line, "fee": line["fee"] + by, "net": line["net"] - by})
    return line["id"]


def other_currency(shelf, subject, _minor):
    """A movement in another currency than the charge."""
    line = _movement(shelf, subject)
    shelf.put({**line, "currency": "usd" if line["currency"] != "usd" else "eur"})
    return line["id"]


def twice(shelf, subject, _minor):
    """One payment taken twice: a second charge beside the first. The account is told of it."""
    charge = _latest(shelf, "charge", subject)
    second = shelf.put({**charge, "id": new_id("ch"), "created": int(shelf.now)}, shelf.private(charge["id"]))
    amount = second["amount_captured"]
    second["balance_transaction"] = transact(shelf, "charge", amount, second["currency"], second["id"], fee=fee_of(amount))["id"]
    emit(shelf, "charge.succeeded", shelf.put(second))
    return second["id"]


def refund_back(shelf, subject, _minor):
    """A refund that had succeeded comes back, and the message is lost."""
    refund = _latest(shelf, "refund", subject)
    back = transact(
        shelf, "refund_failure", refund["amount"], refund["currency"], refund["id"], at_once=True, category="refund_failure"
    )  # fmt: skip
    shelf.put({**refund, "status": "failed", "failure_reason": "lost_or_stolen_card", "failure_balance_transaction": back["id"]})
    return refund["id"]


def short_payout(shelf, subject, minor):
    """A payout of less than its lines come to."""
    return _paid(pay_out(shelf, currency=subject, short=minor or 100, at_once=True))


def lost_payout(shelf, subject, _minor):
    """A payout that never reaches the bank."""
    return _paid(pay_out(shelf, currency=subject, to_bank=False, at_once=True))


def _paid(made):
    if not made:
        raise bad_parameter("parameter_invalid", "subject", "There is nothing to pay out.")
    return made[0]["id"]


def balance_off(shelf, subject, minor):
    """The balance says another sum than its movements."""
    offset = {"id": new_id("off"), "object": "balance_offset", "net": minor or 500, "currency": subject or "eur", "available_on": 0}
    return shelf.put(offset)["id"]


def over_midnight(shelf, subject, _minor):
    """A movement stands on the day before: the processor's clock and ours fell on both sides of midnight."""
    line = _movement(shelf, subject)
    shelf.put({**line, "created": line["created"] - line["created"] % 86_400 - 30})
    return line["id"]


# name -> (what happens, the act, what `subject` names). The rest of what can go wrong has a way of its own: a restated line is `other_amount`
# done after an import, late money is the story `bank_late`, a transfer that nobody knows is made in the pretend banking app, and a refund that
# hangs is made with the test card whose refunds are pending.
MISHAPS = {
    "stranger": ("A charge that was never ours", stranger, "currency"),
    "forgotten": ("A movement vanishes from the processor's books", forgotten, "charge"),
    "other_amount": ("A movement gets another amount", other_amount, "charge"),
    "other_fee": ("A movement costs another fee", other_fee, "charge"),
    "other_currency": ("A movement gets another currency", other_currency, "charge"),
    "twice": ("A payment is taken twice", twice, "charge"),
    "refund_back": ("A refund comes back, and nobody says so", refund_back, "refund"),
    "short_payout": ("A payout is less than the sum of its lines", short_payout, "currency"),
    "lost_payout": ("A payout never reaches the bank", lost_payout, "currency"),
    "balance_off": ("The balance is not the sum of its movements", balance_off, "currency"),
    "over_midnight": ("A movement slips to the day before", over_midnight, "charge"),
}


def do(shelf, name, *, subject=None, minor=None):
    """Does one. Answers what it was done to."""
    if name not in MISHAPS:
        raise bad_parameter("parameter_invalid", "mishap", f"There is no mishap '{str(name)[:40]}'. Known: {', '.join(MISHAPS)}.")
    return MISHAPS[name][1](shelf, subject, minor)
