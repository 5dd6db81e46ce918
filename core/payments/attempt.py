"""An attempt to pay: written down before the provider is asked, opened there, and closed there before another begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ScalarSelect, String, and_, any_, bindparam, func, literal, select

from core.accounts.models import Vendor
from core.accounts.standing import check_open
from core.kernel.ask import Question, Search
from core.kernel.clock import now
from core.kernel.db import db, held, unit_begun, unit_has_asked
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.reads import only_reading
from core.kernel.write import keep_changes, keep_if_unchanged, new_row
from core.methods.eligible import Way
from core.methods.rules import Written, rules_told
from core.payments.bank_terms import terms_of
from core.payments.choose import check_way, ways_to_pay
from core.payments.history import line, line_of_move
from core.payments.lockout import BY_CARD, is_held, locked_until
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from core.payments.room import has_place
from core.payments.start import OPEN_HOLD, SESSION, keep_place, lock_payment
from core.payments.states import ATTEMPT, LIVE_ATTEMPT, PAID_OR_OVER, may_move
from core.payments.to_payer import write_to_payer
from core.providers.contract import Opening, OpenPayment, Outcome
from core.providers.registry import provider_named

# Looked up first and locked then, so the payment is locked before its attempt. Both are named by their own key: of a payment that is only
# said to be the attempt's, PostgreSQL may think it best to look through all the vendor has, as it did while the tables were new.
_BOTH = Search(
    Payment,
    Attempt,
    rest="""FROM payments JOIN attempts ON attempts.vendor_id = payments.vendor_id AND attempts.mode = payments.mode
            AND attempts.payment_id = payments.id
            WHERE payments.vendor_id = %s AND payments.mode = %s AND payments.id = %s AND attempts.id = %s FOR UPDATE OF payments, attempts""",
)
# By what is seen that nobody has touched a payment: its history, and what is changed without a line in it.
_AS_READ = ("state", "version", "provider", "expires_at", "holds_place", "held_until", "locale")
MOST_ATTEMPTS = 20  # a payment tried more often than this is not a person paying
FIRST_INQUIRY = timedelta(seconds=20)

_OF_PAYMENT = (
    Attempt.vendor_id == bindparam("vendor_id"),
    Attempt.mode == bindparam("mode"),
    Attempt.payment_id == bindparam("payment_id"),
)
_IS_LIVE = Attempt.state == any_(literal(sorted(LIVE_ATTEMPT), ARRAY(String)))
_LIVE = Question(select(Attempt).where(*_OF_PAYMENT, _IS_LIVE))


def tries_told() -> ScalarSelect[int]:
    """How many attempts the payment `payment_id` of `vendor_id` and `mode` has had, for a question to bring along."""
    return select(func.count()).where(*_OF_PAYMENT).scalar_subquery()


# All that a locked payment's next try depends on: the one under way, how many there were, the vendor's rules for ways to pay.
_BEFORE_A_TRY = Question(
    select(Attempt, tries_told(), rules_told(Payment.vendor_id, Payment.mode))
    .select_from(Payment)
    .outerjoin(Attempt, and_(*_OF_PAYMENT, _IS_LIVE))
    .where(Payment.vendor_id == bindparam("vendor_id"), Payment.mode == bindparam("mode"), Payment.id == bindparam("payment_id"))
)


class TriedTooOften(Conflict):
    """Many cards were declined one after another: the payment rests for a while."""

    code = "tried_too_often"


class PaymentOver(Conflict):
    """The payment is paid, ended or out of time: there is nothing left to attempt."""

    code = "payment_over"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a payment that nobody has locked, while no try was under way: how many there were, and the vendor's rules for ways to pay."""

    tries: int
    written: Written


def begin_attempt(vendor: Vendor, payment: Payment, *, surface: str = "hosted", method: str = "card", seen: Seen | None = None) -> Attempt:
    """The attempt this payer is in the middle of, or a new one. **No money may move yet**: the provider has not been asked.

    An attempt under way is answered again, whichever tab or device asks (the caller closes it first when it needs another
    surface or method). The payment follows its newest attempt to that one's provider. Refuses PaymentOver when there is nothing
    left to pay, or part of it came by transfer and the rest is to come another way; MethodNotOffered when this way to pay is not
    open to this payment, whatever a form says; TriedTooOften after many declines.
    """
    if seen is not None and (begun := _begun_at_once(vendor, payment, surface, method, seen)):
        return begun
    payment = lock_payment(payment)
    _check_triable(payment, method)
    [(under_way, tries, written)] = _BEFORE_A_TRY.all(vendor_id=payment.vendor_id, mode=payment.mode, payment_id=payment.id)
    if under_way and under_way.method == method:
        return under_way
    check_open(vendor, payment.mode)
    way = check_way(vendor, payment, method, written=written or [])
    if under_way:
        return under_way
    _check_time_and_tries(payment, tries)
    _take_place(payment)
    row, started = _begin(vendor, payment, way, surface, 1 + tries)
    keep_changes(payment, beside=[(Attempt, [row]), (PaymentEvent, [started])])
    return new_row(Attempt, row)


def _check_triable(payment: Payment, method: str) -> None:
    if payment.state in PAID_OR_OVER or payment.state == "processing":
        raise PaymentOver("There is nothing left to pay here.")
    if locked_until(payment):
        raise TriedTooOften("Too many cards were declined. Please wait a quarter of an hour. No money was taken.")
    if method in BY_CARD and is_held(payment):
        raise TriedTooOften("This payment rests for a while. No money was taken.")
    if payment.unapplied and method != "bank_transfer":
        raise PaymentOver("Part of this has come by bank transfer. Send the rest the same way, or ask the seller.")


def _check_time_and_tries(payment: Payment, tries: int) -> None:
    if now() >= payment.expires_at:
        raise PaymentOver("The time to pay has run out. No money was taken.")
    if tries >= MOST_ATTEMPTS:
        raise PaymentOver("This payment was tried too often. Please open the link again.")


def _begin(vendor: Vendor, payment: Payment, way: Way, surface: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the beginning of a try changes on its payment. Answers the row of the attempt and the line for the history."""
    at, surface = now(), surface if surface in way.surfaces else min(way.surfaces)
    _follow(vendor, payment, way)
    row = {
        "vendor_id": payment.vendor_id, "mode": payment.mode, "id": uuid7(), "public_id": public_id("att"), "payment_id": payment.id, "number": number,
        "state": "started", "surface": surface, "method": way.method, "provider": way.provider, "delayed_days": way.delayed_days,
        "next_inquiry_at": at + FIRST_INQUIRY, "inquiries": 0, "created_at": at, "updated_at": at,
    }  # fmt: skip
    payment.method, payment.method_kind = way.method, None
    keep_place(payment, OPEN_HOLD)
    started = line(payment, "attempt.started", actor="payer", attempt=row["public_id"], number=number, surface=surface, method=way.method)
    return row, started


def _begun_at_once(vendor: Vendor, payment: Payment, surface: str, method: str, seen: Seen) -> Attempt | None:
    """As a rule nobody has touched the payment since it was read: then the try is a unit of work by itself, in one journey. PostgreSQL looks, when it
    has locked the payment, whether it is as it was; each try that begins is a line of its history and so counts its version on. None where it is not,
    or where anything speaks against this try: what is true, the payment under its lock says."""
    if unit_begun() or only_reading() or method == "bank_transfer" or payment.decline_code:
        return None
    way = ways_to_pay(vendor, payment, written=seen.written).way(method)
    if way is None or (payment.link_id is not None and not payment.holds_place and _limited(payment)):
        return None
    try:
        _check_triable(payment, method)
        _check_time_and_tries(payment, seen.tries)
        check_open(vendor, payment.mode)
    except Conflict:
        return None
    if unit_has_asked():
        return None
    row, started = _begin(vendor, payment, way, surface, 1 + seen.tries)
    if not keep_if_unchanged((payment, _AS_READ), beside=[(Attempt, [row]), (PaymentEvent, [started])]):
        return None
    return new_row(Attempt, row)


def _take_place(payment: Payment) -> None:
    """A link that had no limit when this payment was begun may have been given one in that very moment: then it takes its place now, before
    money moves, or there is none. Whoever was written down before the limit was counted with it (core/payments/instalments.py)."""
    if payment.holds_place or payment.link_id is None:
        return
    if _limited(payment):
        if not has_place(payment):
            raise PaymentOver("Others were faster, and nothing is left to pay here. No money was taken.")
        payment.holds_place = True


def _limited(payment: Payment) -> bool:
    link = db.session.get(PaymentLink, (payment.vendor_id, payment.mode, payment.link_id))  # read already, by whoever knew the ways to pay
    return link is not None and link.limited


def _follow(vendor: Vendor, payment: Payment, way: Way) -> None:
    """The payment goes to whom its newest attempt goes to. A transfer is given days, a card page an hour again."""
    if way.provider == "bank":
        payment.expires_at = max(payment.expires_at, now() + timedelta(days=terms_of(vendor, payment.mode).days))
    elif payment.provider == "bank":
        payment.expires_at = now() + SESSION
    payment.provider = way.provider


def _spoken_of(payment: Payment) -> str:
    """What the processor's page and its papers say it is for, with what the seller asked the payer for: an invoice number, a member's."""
    return f"{payment.description} · {payment.payer_reference}" if payment.payer_reference else payment.description


def open_at_provider(
    vendor: Vendor, payment: Payment, attempt: Attempt, *, return_url: str, cancel_url: str, hold: bool = False, secure: bool = False
) -> Opening:
    """Ask the provider to open the attempt; asking again gives the same opening. Call it outside any transaction.

    The attempt's public id is the idempotency key, so a lost answer is asked for again and never opens a second one.
    """
    wish = OpenPayment(
        reference=attempt.public_id,
        mode=payment.mode,
        amount=payment.amount,
        description=_spoken_of(payment),
        email=payment.email or None,
        return_url=return_url,
        cancel_url=cancel_url,
        expires_at=payment.expires_at,
        surface=attempt.surface,
        metadata={"vendor": vendor.public_id, "mode": payment.mode, "payment": payment.public_id, "attempt": attempt.public_id},
        method=attempt.method,
        hold=hold,
        three_d_secure=secure,
        country=payment.payer_country,
    )
    return provider_named(attempt.provider, payment.mode).open_payment(wish)


def record_opening(vendor: Vendor, attempt: Attempt, opening: Opening) -> Attempt:
    """Write down where the provider wants the payer. Safe to repeat; changes nothing once the attempt has moved on."""
    if _recorded_at_once(vendor, attempt, opening):
        return attempt
    payment, attempt = lock_both(attempt)
    told = _opened(vendor, payment, attempt, opening)
    keep_changes(payment, attempt, beside=[(PaymentEvent, told)] if told else [])
    return attempt


def _recorded_at_once(vendor: Vendor, attempt: Attempt, opening: Opening) -> bool:
    """As a rule nobody has touched the payment or this try while the provider was asked: then it is a unit of work by itself, in one journey. False
    where somebody has, which PostgreSQL sees when it has locked them; nothing is written then."""
    payment = held(Payment, attempt.vendor_id, attempt.mode, attempt.payment_id)
    if payment is None or unit_begun() or attempt.state != "started" or attempt.provider == "bank":
        return False
    told = _opened(vendor, payment, attempt, opening)
    return keep_if_unchanged((payment, ("state", "version")), (attempt, ("state", "provider_reference")), beside=[(PaymentEvent, told)])


def _opened(vendor: Vendor, payment: Payment, attempt: Attempt, opening: Opening) -> list[dict[str, Any]]:
    """What the opening changes on both. Answers the lines for the history."""
    first, told = attempt.provider_reference is None, []
    if first:
        attempt.provider_reference = opening.provider_reference
        attempt.redirect_url, attempt.fields_url, attempt.client_secret = opening.redirect_url, opening.fields_url, opening.client_secret
        kind, actor = ("attempt.instructed", "system") if attempt.provider == "bank" else ("attempt.opened", "provider")
        told.append(line(payment, kind, actor=actor, attempt=attempt.public_id, reference=opening.provider_reference))
    if attempt.state not in LIVE_ATTEMPT:
        attempt.next_inquiry_at = now()  # it was given up while the provider opened it: what is open there must be closed
        return told
    return told + _now_open(vendor, payment, attempt, first=first)


def _now_open(vendor: Vendor, payment: Payment, attempt: Attempt, *, first: bool) -> list[dict[str, Any]]:
    """What it means for both that the payer can pay now. Answers the lines for the history."""
    if attempt.state in ("started", "unknown"):
        move_attempt(attempt, "action_required")
    if attempt.provider == "bank":
        attempt.next_inquiry_at = None  # a bank is not asked: its statements tell
        if attempt.state in LIVE_ATTEMPT and first:
            write_to_payer(vendor, "transfer_instructions", payment)
    if payment.state in ("created", "requires_method", "unknown"):
        return [line_of_move(payment, "requires_action", "payment.requires_action", actor="system", attempt=attempt.public_id)]
    return []


def drop_unopened(attempt: Attempt) -> None:
    """Give up an attempt whose opening never came back. Nobody was ever given its address, so nothing can be paid on it."""
    _, attempt = lock_both(attempt)
    if attempt.provider_reference is None:
        move_attempt(attempt, "error")


def close_at_provider(payment: Payment, attempt: Attempt) -> Outcome:
    """Ask the provider to close the attempt and say what had become of it. Outside any transaction; safe to repeat."""
    provider = provider_named(attempt.provider, payment.mode)
    if attempt.provider_reference is None:
        # Never opened, or the answer was lost: nobody was ever given its address, so nothing can have been paid.
        return Outcome(state="canceled", provider_reference="")
    return provider.cancel(attempt.provider_reference)


def closes(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether this "canceled" is about the locked attempt as it stands: one that was opened after it was called never opened is not closed."""
    return bool(outcome.provider_reference) or attempt.provider_reference is None


def live_attempt(payment: Payment) -> Attempt | None:
    """The one attempt that may still move money."""
    found = _LIVE.first(vendor_id=payment.vendor_id, mode=payment.mode, payment_id=payment.id)
    return found[0] if found else None


def paid_attempt(payment: Payment) -> Attempt | None:
    """The attempt that brought the money."""
    mine = select(Attempt).where(Attempt.vendor_id == payment.vendor_id, Attempt.mode == payment.mode, Attempt.payment_id == payment.id)
    return db.session.scalar(mine.where(Attempt.state == "succeeded"))


def lock_both(attempt: Attempt) -> tuple[Payment, Attempt]:
    """The payment and then the attempt, locked in the one order everybody uses."""
    [(payment, fresh)] = _BOTH.all(attempt.vendor_id, attempt.mode, attempt.payment_id, attempt.id)  # neither is ever deleted
    return payment, fresh


def move_attempt(attempt: Attempt, to: str, *, next_inquiry_at: datetime | None = None) -> None:
    """Take a locked attempt to another state; a move the table does not allow leaves it where it is, for it is news from the past."""
    if attempt.state == to or may_move(ATTEMPT, attempt.state, to):
        if to == "submitted" != attempt.state:  # the bank has it: the questions begin anew, close together at first
            attempt.inquiries, attempt.next_inquiry_at = 0, now() + FIRST_INQUIRY
        attempt.state = to
        attempt.updated_at = now()
    if attempt.state not in LIVE_ATTEMPT:
        attempt.next_inquiry_at = None
    elif next_inquiry_at:
        attempt.next_inquiry_at = next_inquiry_at
