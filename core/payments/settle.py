"""The one idempotent end of every payment: redirect, webhook and poller all bring what the provider said here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy.orm import object_session

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import TransactionOpen, db, driver, wake_after_commit, wake_now, whole_answer
from core.kernel.together import PATIENCE, Together
from core.ledger import book
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.attempt import lock_both, move_attempt
from core.payments.complete import complete
from core.payments.discount_cards import note_card
from core.payments.hear import Told, hear, nothing_pending
from core.payments.history import note
from core.payments.models import Attempt, Payment
from core.payments.start import lock_payment
from core.providers.contract import Outcome


def settle(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome, *, cause: str) -> str:
    """Bring one payment to the truth. Says what that did: settled, already, told, stale, second_charge, mismatch.

    Safe to repeat and safe out of order: money is booked once per charge, and old news changes nothing.
    """
    return settle_many([Told(vendor, payment, attempt, outcome, cause)])[0]


def settle_at_once(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome, *, cause: str) -> str:
    """The same for a caller who has nothing else to write down: a success is then a unit of work by itself, kept in the journey
    that asks for it. Any other news, and all of it when the present unit has begun, is part of that unit as usual."""
    told = Told(vendor, payment, attempt, outcome, cause)
    if (
        outcome.state == "succeeded"
        and _fee_fits(outcome)
        and not _says_so(told)
        and _through(told) == payment.provider != "bank"
        and not _names_card(told)
    ):
        try:
            result = _settle_together(settle_item(told, now()))
        except TransactionOpen:  # the present unit has begun: this is a part of it
            return settle_many([told])[0]
        _forget(told)
        if result in ("settled", "already"):
            return result
    return settle_many([told])[0]


def settle_many(told: list[Told]) -> list[str]:
    """The same for many at once: all that succeeded share one round trip to PostgreSQL. Answers in the given order.

    Whoever brings several locks all their payments first (core/payments/match.py: lock_payments): some are written here after others are booked.
    """
    results = ["told"] * len(told)
    # Asked now: booking forgets the rows, and each would be read again.
    naming = {n for n, item in enumerate(told) if _names_card(item)}
    in_order = sorted(range(len(told)), key=lambda n: _key(told[n]))
    paid = []
    for n, item in enumerate(told):
        if item.outcome.state != "succeeded":
            continue
        if _says_so(item):
            results[n] = "already"
        else:
            paid.append((n, item))
    known = {n for n, result in enumerate(results) if result == "already"}
    if paid:
        for n, result in _book_paid(paid):
            results[n] = result
            if result == "incomplete":
                results[n] = "already"
                known.add(n)
            elif result == "settled" and not _fee_fits(told[n].outcome):
                known.add(n)
        for n in in_order:
            if results[n] in ("second_charge", "mismatch"):
                _book_unexpected(told[n], results[n])
    for n in in_order:
        if told[n].outcome.state != "succeeded":
            results[n] = hear(told[n])
        else:
            _write_the_rest(told[n], results[n], known=n in known, naming=n in naming)
    return results


def _write_the_rest(told: Told, result: str, *, known: bool, naming: bool) -> None:
    """What a paid payment's news say beside the money: what earlier news left out, and whose card it was."""
    if known:
        complete(told.payment, told.outcome)
    if naming and result in ("settled", "already"):
        note_card(told.vendor, told.payment, told.outcome.card_fingerprint)


def _names_card(told: Told) -> bool:
    """A cart may have been made cheaper by a code, and a code is counted by card as well."""
    return told.outcome.card_fingerprint is not None and told.payment.itemised


def _says_so(told: Told) -> bool:
    """The row in hand says it already. A success is for ever, so it may be believed however old it is: no news, no journey.

    A bank transfer is booked with the line of the statement that brought it, and nowhere else.
    """
    if told.attempt is not None and told.attempt.provider == "bank":
        return True
    return told.payment.state == "succeeded" and told.payment.charge == told.outcome.charge


def _fee_fits(outcome: Outcome) -> bool:
    """Whether what the processor kept is booked together with the capture: there is none yet, or it is in the same currency."""
    return outcome.fee is None or (
        outcome.fee_reference is not None and outcome.captured is not None and outcome.fee.currency == outcome.captured.currency
    )


def _book_paid(paid: list[tuple[int, Told]]) -> list[tuple[int, str]]:
    strayed = [told for _, told in paid if told.attempt is not None and told.attempt.provider != told.payment.provider]
    for told in sorted(strayed, key=_key):
        _follow_provider(told)
    db.session.flush()  # settle_payments must see what this unit has already said
    at = now()
    with _one_fact:
        results = _in_order([settle_item(told, at) for _, told in paid], lambda text: driver().execute(SETTLE, (text,)).fetchone()[0])
    for _, told in paid:
        _forget(told)
    if "settled" in results:
        wake_after_commit("money")
    return [(n, result) for (n, _), result in zip(paid, results, strict=True)]


def _key(told: Told) -> tuple[uuid.UUID, str, uuid.UUID]:
    """In the order of these everybody locks."""
    return told.payment.vendor_id, told.payment.mode, told.payment.id


_key_of_item = itemgetter("vendor_id", "mode", "payment_id")  # the same


def _in_order(items: list[dict[str, Any]], settle: Callable[[str], str]) -> list[str]:
    """settle_payments' answers to these items, which it is given in the order in which everybody locks."""
    order = sorted(range(len(items)), key=lambda n: _key_of_item(items[n]))
    results = settle(_document([items[n] for n in order])).split()
    return [result for _, result in sorted(zip(order, results, strict=True))]


def _follow_provider(told: Told) -> None:
    """The payer began elsewhere after this: the payment belongs to whom the money is with."""
    payment = lock_payment(told.payment)
    if payment.state != "succeeded":
        payment.provider = _through(told)


def _through(told: Told) -> str:
    """Who holds this money: where the attempt was opened; for news of no attempt of ours the payment's own provider."""
    return told.attempt.provider if told.attempt is not None else told.payment.provider


class CaptureTwisted(RuntimeError):
    """The charge that is said to have paid a payment is in the books as something else: an alarm, for a person to look at."""


class _OneFact:
    """Around what books a capture: says what it means when its charge is in the books with other content."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UniqueViolation) and error.diag.constraint_name == "uq_journals_vendor_id_mode_event_key":
            raise CaptureTwisted("the charge of a payment that was not paid is in the books already, with other content") from error


_one_fact = _OneFact()


def _forget(told: Told) -> None:
    """What a session holds of these rows is older than what PostgreSQL has just made of them."""
    for row in (told.payment, told.attempt):
        if row is not None and (session := object_session(row)) is not None:
            session.expire(row)


SETTLE = "SELECT array_to_string(settle_payments(%s::jsonb), ' ')"
# Those who go together wait no longer for somebody's lock than those who have not set out wait for them: then each waits for itself alone.
SETTLE_TOGETHER = f"""WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '{PATIENCE // timedelta(milliseconds=1)}ms', true))
{SETTLE.replace("%s", "$1")} FROM patience"""
SETTLE_ONE = f"SELECT settle_payment({', '.join(f'${n}' for n in range(1, 23))})"
_document = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


def _settle_by_themselves(items: list[dict[str, Any]]) -> list[str]:
    """A unit of work of its own for one payment, or for several whose news came at the same moment."""
    with _one_fact:
        if len(items) == 1:
            results = [whole_answer(SETTLE_ONE, one_by_one(items[0])) or ""]
        else:
            results = _in_order(items, lambda text: whole_answer(SETTLE_TOGETHER, [text]) or "")
    if "settled" in results:
        wake_now("money")
    return results


_settle_together = Together(_settle_by_themselves)


def one_by_one(item: dict[str, Any]) -> list[str | None]:
    """An item as settle_payment takes it: every word by itself, as text."""
    fee = item.get("fee")
    return [
        item["vendor_id"], item["mode"], item["payment_id"], item["attempt_id"], str(item["captured"]), item["currency"], item["charge"],
        item["brand"], item["last4"], item["provider"], item["method"], item["kind"], item["funding"], item["at"], item["available_at"],
        item["actor"], item["cause"], item["task_id"], _document(item["journals"]), None if fee is None else str(fee), item.get("fee_reference"),
        _document(item["more"]) if "more" in item else None,
    ]  # fmt: skip


def settle_item(told: Told, at: datetime) -> dict[str, Any]:
    """What settle_payments takes for one payment: the provider's word, and the journals that book it."""
    payment, outcome, attempt = told.payment, told.outcome, told.attempt
    captured, charge = outcome.captured, outcome.charge
    if captured is None or not charge:
        raise ValueError("a provider that says succeeded names the charge and the amount")
    through = _through(told)
    capture = book.capture(payment, charge=charge, captured=captured, at=outcome.occurred_at or at, through=through)
    journals = [capture.content()]
    item = {
        "vendor_id": capture.vendor_id.hex,
        "mode": capture.mode,
        "payment_id": payment.id.hex,
        "attempt_id": attempt.id.hex if attempt is not None else None,
        "captured": captured.minor,
        "currency": captured.currency,
        "charge": charge,
        "brand": outcome.card_brand,
        "last4": outcome.card_last4,
        "provider": through,
        "method": outcome.method if outcome.kind else attempt.method if attempt is not None else None,
        "kind": outcome.kind,
        "funding": outcome.card_funding,
        "at": _instant(at, 0),
        # What is paid to the platform itself is no seller's balance, and nothing of it is ever released.
        "available_at": None if capture.vendor_id == book.PLATFORM else _instant(at, _release_days(told)),
        "actor": told.actor,
        "cause": told.cause,
        "task_id": journals[0]["id"],  # what follows from a capture has the number of its journal
        "journals": journals,
    }
    if outcome.fee is not None and outcome.fee_reference is not None and _fee_fits(outcome):
        item |= {"fee": outcome.fee.minor, "fee_reference": outcome.fee_reference}
        if outcome.fee:
            kept = book.processor_fee(payment, fee=outcome.fee, reference=outcome.fee_reference, at=at, through=through)
            right_after = uuid.UUID(int=capture.id.int + 1)  # within one millisecond ids have no order, and the books are read by it
            journals.append(replace(kept, id=right_after).content())
    if outcome.secured is not None:  # stands in the history beside the sum, for whoever has to prove it to a bank later
        item["more"] = {"three_d_secure": asdict(outcome.secured)}
    return item


@lru_cache(maxsize=32)
def _instant(at: datetime, days: int) -> str:
    """So many days after an instant, for PostgreSQL. All payments of a batch have the same."""
    return (at + timedelta(days=days)).isoformat()


def _release_days(told: Told) -> int:
    """How long the seller waits for the money: an order's own time, or the vendor's."""
    days = told.payment.release_days
    return told.vendor.release_days if days is None else days


def _book_unexpected(told: Told, why: str) -> None:
    """Money we did not ask for is booked, shown and left for a person; it is never ignored and never taken as the sale."""
    if told.attempt is not None:  # it took money, whatever for: nobody need ask about it again
        payment, attempt = lock_both(told.attempt)
        move_attempt(attempt, "succeeded")
    else:
        payment = lock_payment(told.payment)
    outcome = told.outcome
    if outcome.captured is None or not outcome.charge:
        return
    nothing_pending(payment, told)
    at, through = outcome.occurred_at or now(), _through(told)
    journal = book.unexpected_capture(payment, charge=outcome.charge, captured=outcome.captured, at=at, through=through)
    if post([journal]):
        amount = {"amount_minor": outcome.captured.minor, "currency": outcome.captured.currency}
        note(
            payment,
            "payment.unexpected_money",
            actor=told.actor,
            cause=told.cause,
            why=why,
            charge=outcome.charge,
            provider=_through(told),
            **amount,
        )
        tell_team(told.vendor, "unexpected_money", mode=payment.mode, amount=outcome.captured, payment=payment.public_id)
