"""Money on our account that nobody knows: the platform's book holds it until a person says whose it is, or sends it back.

These are acts of the platform's staff. No vendor sees them: what is unknown is nobody's yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, tuple_

from core.accounts.models import Vendor
from core.accounts.queries import find_vendors
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, NeedsASecondPerson, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id
from core.kernel.outbox import enqueue
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.post import post
from core.payments.models import Payment
from core.payments.queries import Page, get_payment
from core.payments.transfer_models import Transfer
from core.payments.transfer_receive import booked_at, receive_transfer
from core.payments.transfer_return import NoWayBack
from core.providers.bank_accounts import check_iban
from core.providers.bank_models import BankExpectation, BankLine, BankOrder
from core.providers.bank_orders import call_off_untold, write_order

MOST_SUGGESTIONS = 5
TAKEN_TWICE = "reversal_of_what_was_returned"
BY_PEOPLE = ("assigned", "repaid", "returned", "charge")  # of a large one two say it; the rest the bank or a reconciliation has said
WORDS = {
    "no_reference": "No reference of ours stands on it.",
    "several_references": "It names several payments.",
    "other_currency": "It names a payment in another currency.",
    "no_such_payment": "The payment it names is not there.",
    "return_of_nothing": "The bank says it is a transfer of ours that came back, but we know of none.",
    "debit": "Money left the account without an order of ours.",
    "order_done": "It carries out an order a second time.",
    "order_differs": "It names an order of ours, but the sum or the account is another one.",
    "reversal_of_nothing": "The bank takes back a credit that we do not know.",
    "return_failed": "It was sent back, and came back: the account we sent it to did not take it.",
    TAKEN_TWICE: "The bank takes back a credit that was sent back already.",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A payment that an unknown credit might be for, and what speaks for it."""

    vendor: Vendor
    payment: Payment
    reasons: tuple[str, ...]  # of: reference, amount, name


def list_unknown(mode: str, *, limit: int = 100) -> list[BankLine]:
    """Lines that wait for a person, oldest first."""
    waiting = select(BankLine).where(BankLine.mode == mode, BankLine.state == "unknown")
    return list(db.session.scalars(waiting.order_by(BankLine.booked_on, BankLine.public_id).limit(limit)))


def list_decided(mode: str, *, after: str | None = None, limit: int = 25) -> Page[BankLine]:
    """Lines about which a person has decided, the latest decision first, by keyset."""
    decided = select(BankLine).where(BankLine.mode == mode, BankLine.state == "resolved")
    place = tuple_(BankLine.resolved_at, BankLine.public_id)
    if after:
        last = get_line(mode, after)
        decided = decided.where(place < (last.resolved_at, last.public_id))
    rows = list(db.session.scalars(decided.order_by(BankLine.resolved_at.desc(), BankLine.public_id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def get_line(mode: str, number: str) -> BankLine:
    """One line by its public number, or a 404."""
    line = None
    if is_public_id("bkl", number):
        line = db.session.scalar(select(BankLine).where(BankLine.mode == mode, BankLine.public_id == number))
    if line is None:
        raise NotFound("There is no such line on any statement.")
    return line


def suggest(line: BankLine) -> list[Suggestion]:
    """Payments an unknown credit might be for, the likeliest first: a reference with a slip in it, the same sum, the payer's name.

    Suggestions only: nothing is ever matched by its amount alone.
    """
    if line.sign < 0:
        return []
    digits = "".join(c for c in f"{line.reference} {line.text} {line.end_to_end}" if c.isdigit())
    wanted = BankExpectation.mode == line.mode, BankExpectation.currency == line.currency
    newest = BankExpectation.created_at.desc()
    near = select(BankExpectation).where(*wanted, BankExpectation.amount_minor == line.amount_minor).order_by(newest).limit(200)
    recent = select(BankExpectation).where(*wanted, BankExpectation.closed_at.is_(None)).order_by(newest).limit(500)
    found = {e.reference: e for question in (near, recent) for e in db.session.scalars(question)}
    vendors = find_vendors({e.vendor for e in found.values()})
    scored: dict[str, tuple[int, Suggestion]] = {}
    for expected in found.values():
        reasons = tuple(_reasons(line, digits, expected, vendors))
        vendor = vendors.get(expected.vendor)
        if not reasons or vendor is None or expected.payment in scored:
            continue
        payment = get_payment(vendor, line.mode, expected.payment)
        scored[expected.payment] = (
            4 * ("reference" in reasons) + 2 * ("amount" in reasons) + ("name" in reasons),
            Suggestion(vendor, payment, reasons),
        )
    best = sorted(scored.values(), key=lambda pair: (-pair[0], pair[1].payment.created_at))
    return [suggestion for _, suggestion in best[:MOST_SUGGESTIONS]]


def _reasons(line: BankLine, digits: str, expected: BankExpectation, vendors: dict[str, Vendor]) -> list[str]:
    reasons = []
    if _slip(expected.reference[2:], digits):
        reasons.append("reference")
    vendor = vendors.get(expected.vendor)
    if vendor is None:
        return reasons
    if expected.amount_minor == line.amount_minor:
        reasons.append("amount")
    payer = db.session.scalar(
        select(Payment.payer_name).where(Payment.vendor_id == vendor.id, Payment.mode == line.mode, Payment.public_id == expected.payment)
    )
    if payer and line.name and set(payer.casefold().split()) <= set(line.name.casefold().replace(",", " ").split()):
        reasons.append("name")
    return reasons


def _slip(wanted: str, typed: str) -> bool:
    """Whether these digits are the reference with one or two of them wrong, or two neighbours changed, or one left out."""
    for at in range(max(len(typed) - len(wanted) + 1, 0)):
        window = typed[at : at + len(wanted)]
        if sum(a != b for a, b in zip(wanted, window, strict=True)) <= 2:
            return True
    short = len(wanted) - 1
    return any(
        typed[at : at + short] == wanted[:gap] + wanted[gap + 1 :]
        for at in range(max(len(typed) - short + 1, 0))
        for gap in range(len(wanted))
    )


def assign_line(line: BankLine, vendor: Vendor, payment: Payment, *, by: str, reason: str) -> Transfer:
    """A person says: this money is for that payment. It leaves the platform's book and becomes a transfer of the payment's.

    Refuses a line that is not unknown any more, a debit, and a payment in another currency or of the other mode.
    The reason stands at the line, and in the audit log of the vendor whose money it becomes.
    """
    line = lock_unknown(line, sign=1, by=by)
    check_assignment(line, payment)
    line.vendor, line.payment = vendor.public_id, payment.public_id
    resolve(line, "assigned", by, reason)
    post([book.unknown_leaves(line, kind="transfer assigned", at=now())])
    record(book.PLATFORM, actor=by, action="line.assigned", subject=line.public_id, payment=payment.public_id, reason=reason)
    record(vendor.id, actor=by, action="transfer.assigned", subject=payment.public_id, line=line.public_id, reason=reason)
    return receive_transfer(vendor, payment, line, matched_by=by)


def check_assignment(line: BankLine, payment: Payment) -> None:
    """Refuses a payment in another currency or of the other mode."""
    if line.mode != payment.mode:
        raise Refusal(
            said("That payment is %(mode)s, this money %(theirs)s: the two never meet.", mode=payment.mode, theirs=line.mode),
            field="payment",
        )
    if line.currency != payment.currency:
        raise Refusal(
            said("That payment is in %(currency)s, this money in %(theirs)s.", currency=payment.currency, theirs=line.currency),
            field="payment",
        )


def return_line(line: BankLine, *, by: str, reason: str, iban: str = "") -> BankOrder:
    """A person says: send it back. An order for the bank is written; the line is resolved when a statement shows that it left."""
    line = lock_unknown(line, sign=1, by=by)
    to = way_back(line, iban)
    order = write_order(
        line.mode,
        reference=public_id("ret"),
        line=line.public_id,
        account=line.account,
        to=(line.name, to, "" if iban else line.bic),
        amount=line.amount,
        text=f"Returned: no payment was found. {line.text}"[:140],
    )
    resolve(line, "returned", by, reason)
    post([book.unknown_sent_back(line, number=order.public_id, at=now())])
    record(book.PLATFORM, actor=by, action="line.returned", subject=line.public_id, order=order.public_id, reason=reason)
    enqueue("send_bank_orders", book.PLATFORM, mode=line.mode)
    return order


def way_back(line: BankLine, iban: str) -> str:
    """The account it goes back to: the one it came from, unless another was entered. Refuses NoWayBack."""
    if not (to := check_iban(iban or line.counter_account)):
        raise NoWayBack("The bank did not say from which account this money came. Enter an IBAN.", field="iban")
    return to


def explain_charge(line: BankLine, *, by: str, reason: str) -> None:
    """A person says: this debit is the bank's own charge."""
    line = lock_unknown(line, sign=-1, by=by)
    resolve(line, "charge", by, reason)
    post([book.debit_is_a_charge(line, at=now())])
    record(book.PLATFORM, actor=by, action="line.charge", subject=line.public_id, reason=reason)


def line_is_a_settlement(line: BankLine, *, payout: str, by: str, reason: str) -> BankLine:
    """A processor's payout to us, or what it has collected: it leaves the platform's book, and whoever calls books it where it belongs."""
    line = lock_line(line, sign=line.sign)
    resolve(line, "settlement", by, reason)
    at = booked_at(line)
    post([book.unknown_leaves(line, kind="processor payout arrived", at=at) if line.sign > 0 else book.debit_is_a_settlement(line, at=at)])
    record(book.PLATFORM, actor=by, action="line.settlement", subject=line.public_id, payout=payout, reason=reason)
    return line


def line_was_returned(order: BankOrder, *, cause: str) -> None:
    """A statement has told of the order: gone, or come back, and then the line is unknown as before; unless the bank has taken it back by
    itself meanwhile, and nobody has said anything else of that."""
    if order.state != "failed":
        return
    line = _locked(order.mode, order.line or "")
    line.state, line.why, line.resolution, line.asked_by, line.asked_at = "unknown", "return_failed", "", None, None
    post([book.unknown_not_returned(line, number=order.public_id, at=now())])
    debit = _locked(line.mode, line.reversed_by) if line.reversed_by else None
    if debit is not None and (debit.state, debit.why) == ("unknown", TAKEN_TWICE):
        resolve(line, "taken_back", "bank", debit.public_id)
        resolve(debit, "taken_back", "bank", line.public_id)
        post([book.unknown_met(line, debit, at=now())])


def call_return_off(original: BankLine, *, cause: str) -> bool:
    """The bank takes back what was to be sent back: as long as it has not been told of that order, the order fails and the line is unknown
    again."""
    mine = BankOrder.mode == original.mode, BankOrder.line == original.public_id, BankOrder.state == "requested"
    reference = db.session.scalar(select(BankOrder.reference).where(*mine))
    order = call_off_untold(original.mode, reference, why="reversed_by_bank") if reference else None
    if order is not None:
        line_was_returned(order, cause=cause)
    return order is not None


def unknown_taken_back(original: BankLine, line: BankLine) -> None:
    """The bank takes back a credit while nobody knew what it was for: it has gone as it came."""
    resolve(original, "taken_back", "bank", line.public_id)
    post([book.unknown_leaves(original, kind="transfer taken back", at=booked_at(line))])


def needs_two(line: BankLine) -> bool:
    """Whether it is more than one person decides about alone."""
    return line.amount_minor > settings().bank_money_limits.get(line.currency, 0)


def lock_unknown(line: BankLine, *, sign: int, by: str) -> BankLine:
    """Locked, for whoever decides about it. Refuses Conflict when somebody has, and NeedsASecondPerson for a large one about which nobody
    else has said the same before."""
    fresh = lock_line(line, sign=sign)
    if needs_two(fresh) and fresh.asked_by in (None, by):
        raise NeedsASecondPerson("That is more than one person decides about alone: somebody else has to agree.")
    return fresh


def resolve(line: BankLine, resolution: str, by: str, reason: str) -> None:
    """Somebody has said what a locked line is; what it becomes in the books is the caller's to post."""
    line.wish = None
    if resolution not in BY_PEOPLE:
        line.asked_by, line.asked_at = None, None
    line.state, line.resolution, line.reason, line.resolved_by, line.resolved_at = "resolved", resolution, reason.strip()[:300], by, now()


def lock_line(line: BankLine, *, sign: int) -> BankLine:
    """Locked, while nobody has decided about it."""
    fresh = _locked(line.mode, line.public_id)
    if fresh.state != "unknown":
        raise Conflict("Somebody has decided about this line already.")
    if fresh.sign != sign:
        raise Refusal(
            said("That can only be said of money that came in.") if sign > 0 else said("That can only be said of money that left.")
        )
    return fresh


def _locked(mode: str, number: str) -> BankLine:
    mine = select(BankLine).where(BankLine.mode == mode, BankLine.public_id == number)
    return db.session.scalars(mine.with_for_update().execution_options(populate_existing=True)).one()
