"""Money of the platform's that goes to a connected account, back from it, and from there to the account's bank."""

from core.web.wire.errors import WireError, bad_parameter, not_found, wrong_state
from core.web.wire.lists import envelope
from sandbox.calls import call
from sandbox.connect import paid_out_to
from sandbox.events import emit
from sandbox.finding import embedded, get, list_page
from sandbox.ids import letters, new_id
from sandbox.money import ready, transact

_SHORT = "You have insufficient available funds in your account."
FAILURES = {"account_closed": "The bank account has been closed."}


def _short(message):
    """Decided after execution began: the same key is answered the same."""
    return WireError(400, "invalid_request_error", message, code="balance_insufficient")


# --- transfers --------------------------------------------------------------------------------------------------------------


@call("POST", "transfers")
def create_transfer(shelf, params):
    amount, currency = params.integer("amount", required=True, least=1), params.text("currency", required=True).lower()
    destination, group = params.text("destination", required=True), params.text("transfer_group")
    description, metadata = params.text("description"), params.metadata()
    params.finish()
    account = get(shelf, "account", destination, "destination")
    if account["capabilities"]["transfers"] != "active":
        raise WireError(
            400, "invalid_request_error", "Your destination account needs to have the `transfers` capability enabled.",
            code="insufficient_capabilities_for_transfer",
        )  # fmt: skip
    if amount > ready(shelf, currency):
        raise _short(_SHORT)
    identity, theirs = new_id("tr"), shelf.beside(destination)
    moved = transact(shelf, "transfer", -amount, currency, identity, at_once=True, description=description)
    payment = new_id("py")
    transact(theirs, "payment", amount, currency, payment, at_once=True, category="charge", description=description)
    transfer = {
        "id": identity, "object": "transfer", "amount": amount, "amount_reversed": 0, "balance_transaction": moved["id"],
        "created": int(shelf.now), "currency": currency, "description": description, "destination": destination,
        "destination_payment": payment, "livemode": False, "metadata": metadata,
        "reversals": envelope(f"/v1/transfers/{identity}/reversals", [], False), "reversed": False, "source_transaction": None,
        "source_type": "card", "transfer_group": group,
    }  # fmt: skip
    shelf.put(transfer)
    emit(shelf, "transfer.created", transfer)
    return transfer


@call("GET", "transfers/<id>")
def read_transfer(shelf, params, identity):
    params.finish()
    return get(shelf, "transfer", identity)


@call("GET", "transfers")
def list_transfers(shelf, params):
    equal = {"destination": params.text("destination"), "transfer_group": params.text("transfer_group")}
    return list_page(shelf, params, "transfer", "/v1/transfers", equal=equal, created=params.between("created"))


@call("POST", "transfers/<id>/reversals")
def reverse_transfer(shelf, params, identity):
    """Back to the platform, as long as the account still has it."""
    transfer = get(shelf, "transfer", identity)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount, description, metadata = params.integer("amount", least=1, default=left), params.text("description"), params.metadata()
    params.finish()
    theirs, currency = shelf.beside(transfer["destination"]), transfer["currency"]
    if amount > left or not left:
        raise wrong_state("This transfer has been reversed already, or the amount is more than is left of it.", "amount_too_large")
    if amount > ready(theirs, currency):
        raise _short("The connected account has insufficient funds for this reversal.")
    made = new_id("trr")
    back = transact(shelf, "transfer_refund", amount, currency, made, at_once=True, category="transfer_reversal", description=description)
    transact(theirs, "payment_refund", -amount, currency, new_id("pyr"), at_once=True, category="refund")
    reversal = {
        "id": made, "object": "transfer_reversal", "amount": amount, "balance_transaction": back["id"], "created": int(shelf.now),
        "currency": currency, "destination_payment_refund": None, "metadata": metadata, "source_refund": None, "transfer": identity,
    }  # fmt: skip
    shelf.put(reversal)
    kept = embedded(shelf, "transfer_reversal", transfer["reversals"]["url"], {"transfer": identity})
    sum_ = transfer["amount_reversed"] + amount
    after = shelf.put({**transfer, "amount_reversed": sum_, "reversed": sum_ == transfer["amount"], "reversals": kept})
    emit(shelf, "transfer.reversed", after, transfer)
    return reversal


@call("GET", "transfers/<id>/reversals")
def list_reversals(shelf, params, identity):
    get(shelf, "transfer", identity)
    return list_page(shelf, params, "transfer_reversal", f"/v1/transfers/{identity}/reversals", equal={"transfer": identity})


# --- from a connected account to its bank -----------------------------------------------------------------------------------


def pay_connected(shelf, amount, currency, metadata, description, descriptor):
    """A payout of a connected account: under way at once, and the bank says later what became of it."""
    account = shelf.home.find("account", shelf.account)
    if not account["payouts_enabled"]:
        raise WireError(400, "invalid_request_error", "Cannot create payouts: this account has requirements that need to be completed.",
                        code="payouts_not_allowed")  # fmt: skip
    to = paid_out_to(shelf.home, account, currency)
    if to is None:
        raise bad_parameter("parameter_invalid", "currency", f"Sorry, you don't have any external accounts in that currency ({currency}).")
    if amount > ready(shelf, currency):
        raise _short(_SHORT)
    payout = {
        "id": new_id("po"), "object": "payout", "amount": amount, "application_fee": None, "application_fee_amount": None,
        "arrival_date": int(shelf.now), "automatic": False, "balance_transaction": None, "created": int(shelf.now), "currency": currency,
        "description": description, "destination": to["id"], "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "livemode": False, "metadata": metadata, "method": "standard", "original_payout": None,
        "reconciliation_status": "not_applicable", "reversed_by": None, "source_type": "card", "statement_descriptor": descriptor,
        "status": "pending", "trace_id": {"status": "supported", "value": f"SBXPO{letters(12).upper()}"}, "type": "bank_account",
    }  # fmt: skip
    payout["balance_transaction"] = transact(shelf, "payout", -amount, currency, payout["id"], at_once=True, category="payout")["id"]
    shelf.put(payout)
    emit(shelf, "payout.created", payout, account=shelf.account)
    shelf.home.later("connected_payout", payout["id"], shelf.pace or 0)
    return payout


def finish_later(shelf, identity):
    """The bank's word, by what the account's bank does; one that sends money back says so a while after it has taken it."""
    payout, theirs = _of(shelf, identity)
    account = shelf.find("account", theirs.account)
    behaviour = shelf.private(account["id"]).get("banks", {}).get(payout["currency"], "good")
    if payout["status"] == "paid" and behaviour == "comes_back":
        end_payout(shelf, identity, "failed")
    elif payout["status"] in ("pending", "in_transit") and behaviour == "slow":
        theirs.put({**payout, "status": "in_transit"})
    elif payout["status"] in ("pending", "in_transit"):
        end_payout(shelf, identity, "failed" if behaviour == "closed" else "paid")
        if behaviour == "comes_back":
            shelf.later("connected_payout", identity, shelf.pace or 0)


def end_payout(shelf, identity, outcome):
    """paid, failed (also after it was paid) or canceled: what does not stay at the bank is the account's again."""
    payout, theirs = _of(shelf, identity)
    allowed = {"paid": ("pending", "in_transit"), "canceled": ("pending",), "failed": ("pending", "in_transit", "paid")}
    if outcome not in allowed or payout["status"] not in allowed[outcome]:
        raise wrong_state(f"This payout is {payout['status']} and cannot become {str(outcome)[:20]}.", "resource_invalid_state")
    ended = {**payout, "status": outcome}
    if outcome != "paid":
        kind = "payout_cancel" if outcome == "canceled" else "payout_failure"
        back = transact(theirs, kind, payout["amount"], payout["currency"], identity, at_once=True, category="payout_reversal")
        ended["failure_balance_transaction"] = back["id"]
    if outcome == "failed":
        ended |= {"failure_code": "account_closed", "failure_message": FAILURES["account_closed"]}
    theirs.put(ended)
    emit(theirs, f"payout.{outcome}", ended, payout, account=theirs.account)
    return ended


def _of(shelf, identity):
    """A payout of one of the platform's accounts, and that account's shelf."""
    row = shelf.connection.execute("SELECT account FROM objects WHERE id = ? AND kind = 'payout'", (str(identity),)).fetchone()
    if row is None or shelf.find("account", row["account"]) is None:
        raise not_found("payout", str(identity)[:80])
    theirs = shelf.beside(row["account"])
    return theirs.find("payout", identity), theirs


def payouts_under_way(shelf, count):
    """Payouts of connected accounts that the page may decide about, newest first."""
    rows = shelf.connection.execute(
        "SELECT o.id, o.account FROM objects o JOIN objects a ON a.id = o.account AND a.kind = 'account' AND a.account = ? "
        "WHERE o.kind = 'payout' AND json_extract(o.body, '$.status') IN ('pending', 'in_transit', 'paid') ORDER BY o.seq DESC LIMIT ?",
        (shelf.account, count),
    ).fetchall()
    return [shelf.beside(row["account"]).find("payout", row["id"]) for row in rows]
