"""The adapter for bank transfers: it asks nobody. Opening writes down what we expect; the truth comes with the bank's statements.

It plays a provider towards the payments: what it answers is what stands in the statements that were imported, and what it is told
to send stands as an order for the bank until a statement shows the debit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

from core.kernel.clock import now
from core.kernel.db import assert_no_transaction, db, locked, unit_of_work
from core.kernel.money import Money
from core.providers.bank_accounts import Account
from core.providers.bank_models import BankExpectation, BankLine
from core.providers.bank_orders import find_order, order_return, standing, write_order
from core.providers.contract import (
    Instructions,
    Offer,
    Opening,
    OpenPayment,
    Outcome,
    ProviderEvent,
    ProviderRefused,
    RefundOutcome,
    SignatureRefused,
)
from core.providers.disputes import DisputeOutcome, Evidence
from core.providers.saved import ChargeSaved, OpenSaving, SavingOutcome

DIGITS = 16
REFERENCE_LENGTH = 4 + DIGITS
METHOD, KIND = "bank_transfer", "transfer"
LONGEST_DAYS_ON_THE_WAY = 5  # a transfer sent before a long weekend, and the statement of the day after


class Bank:
    """Bank transfers in one mode, into the platform's account for the payment's currency."""

    name = "bank"

    def __init__(self, mode: str, accounts: Mapping[str, Account]) -> None:
        self.mode = mode
        self._accounts = accounts
        surfaces = frozenset({"instructions"})
        self._offers = (Offer(METHOD, KIND, "Bank transfer", frozenset(accounts), delayed_days=LONGEST_DAYS_ON_THE_WAY, surfaces=surfaces),)

    def close(self) -> None:
        """There is no line to let go of."""

    def methods(self) -> tuple[Offer, ...]:
        """One way to pay, in the currencies there are accounts for. A transfer goes back by an order of ours, whole or in part."""
        return self._offers

    def open_payment(self, wish: OpenPayment) -> Opening:
        """Writes down that we expect this sum under a reference of its own, and says what the payer has to enter."""
        assert_no_transaction()
        if wish.mode != self.mode:
            raise ProviderRefused("wrong_mode", "This payment belongs to the other mode.")
        account = self._accounts.get(wish.amount.currency)
        if account is None or wish.method != METHOD:
            raise ProviderRefused("method_not_offered", f"No account takes transfers in {wish.amount.currency}.")
        with unit_of_work():
            expected = self._expect(wish, account)
        if (expected.amount_minor, expected.currency) != (wish.amount.minor, wish.amount.currency):
            raise ProviderRefused("idempotency_error", "This reference was used before, for another wish.")
        return Opening(expected.reference, instructions=_instructions(expected, Money(expected.amount_minor, expected.currency)))

    def _expect(self, wish: OpenPayment, account: Account) -> BankExpectation:
        row = {
            "mode": self.mode,
            "reference": new_reference(),
            "attempt": wish.reference,
            "vendor": wish.metadata.get("vendor", ""),
            "payment": wish.metadata.get("payment", ""),
            "currency": wish.amount.currency,
            "amount_minor": wish.amount.minor,
            "holder": account.holder,
            "iban": account.iban,
            "bic": account.bic,
            "created_at": now(),
        }
        db.session.execute(insert(BankExpectation).values(**row).on_conflict_do_nothing(index_elements=["mode", "attempt"]))
        asked = select(BankExpectation).where(BankExpectation.mode == self.mode, BankExpectation.attempt == wish.reference)
        return db.session.scalars(asked).one()

    def inquire(self, provider_reference: str) -> Outcome:
        """What the statements say: paid when all of it has come under this reference."""
        assert_no_transaction()
        with unit_of_work():
            return _outcome(self.mode, provider_reference)

    def cancel(self, provider_reference: str) -> Outcome:
        """We do not expect it any more. What comes all the same is late, and is never refused."""
        assert_no_transaction()
        with unit_of_work():
            if _outcome(self.mode, provider_reference).state != "succeeded":
                stop_expecting(self.mode, provider_reference)
            return _outcome(self.mode, provider_reference)

    def capture(self, provider_reference: str) -> Outcome:
        """Nothing is authorised at a bank: what has come has come."""
        return self.inquire(provider_reference)

    # --- giving back ------------------------------------------------------------------------------------------------

    def refund(self, reference: str, charge_or_intent: str, amount: Money, reason: str, metadata: Mapping[str, str]) -> RefundOutcome:
        """Writes an order for the bank, back to the account the money came from. Pending until a statement shows that it left."""
        assert_no_transaction()
        with unit_of_work():
            payment = charge_or_intent if charge_or_intent.startswith("pay_") else _expected(self.mode, charge_or_intent).payment
            words = f"{reason.replace('_', ' ').capitalize()}. Refund {reference}"
            return standing(order_return(self.mode, payment, reference, amount, vendor=metadata.get("vendor", ""), text=words))

    def refund_to(
        self,
        reference: str,
        payment: str,
        amount: Money,
        *,
        holder: str,
        iban: str,
        of_transfers: bool,
        vendor: str,
        text: str,
        may_leave: Callable[[], bool],
    ) -> RefundOutcome:
        """Writes an order for the bank, to an account that the payer has named. `of_transfers`: the money came to our bank, and no more leaves
        than came; what a card processor took is given out of our own account. The same reference again is the same order.

        `may_leave` is asked in the unit that writes the order, so that what it looks at can be held until then.
        """
        assert_no_transaction()
        with unit_of_work():
            known = find_order(self.mode, reference)
            if known is not None:
                return standing(known)
            if not may_leave():
                raise ProviderRefused("charge_disputed", "The payer's bank is taking this money back.")
            if of_transfers:
                return standing(order_return(self.mode, payment, reference, amount, vendor=vendor, text=text, iban=iban, name=holder))
            ours = self._accounts.get(amount.currency)
            if ours is None:
                raise ProviderRefused("method_not_offered", f"No account transfers in {amount.currency}.")
            to = (holder, iban, "")
            made = write_order(
                self.mode, reference=reference, vendor=vendor, payment=payment, account=ours.iban, to=to, amount=amount, text=text
            )
            return standing(made)

    def inquire_refund(self, provider_reference: str) -> RefundOutcome:
        """How far the order is."""
        found = self.find_refund(provider_reference)
        if found is None:
            raise ProviderRefused("resource_missing", "There is no such refund.")
        return found

    def find_refund(self, reference: str, charge_or_intent: str | None = None) -> RefundOutcome | None:
        """The order made for our reference, whenever that was."""
        assert_no_transaction()
        with unit_of_work():
            order = find_order(self.mode, reference)
            return standing(order) if order else None

    # --- what a bank does not have ----------------------------------------------------------------------------------

    def read_event(self, raw_body: bytes, headers: Mapping[str, str], mode: str) -> ProviderEvent:
        """A bank sends no events: whoever claims to bring one is not the bank."""
        raise SignatureRefused("a bank tells us by statements only")

    def parse_event(self, raw_body: bytes, mode: str) -> ProviderEvent:
        """The same."""
        raise SignatureRefused("a bank tells us by statements only")

    def saves(self) -> bool:
        """There is nothing to save: the payer sends each transfer themselves."""
        return False

    def open_saving(self, wish: OpenSaving) -> Opening:
        """Not offered."""
        raise _nothing_to_save()

    def inquire_saving(self, provider_reference: str) -> SavingOutcome:
        """Not offered."""
        raise _nothing_to_save()

    def charge_saved(self, wish: ChargeSaved) -> Outcome:
        """Not offered."""
        raise _nothing_to_save()

    def find_charge(self, reference: str, customer: str) -> Outcome | None:
        """Not offered."""
        raise _nothing_to_save()

    def forget_method(self, method: str) -> None:
        """Not offered."""
        raise _nothing_to_save()

    def inquire_dispute(self, provider_reference: str) -> DisputeOutcome:
        """Not offered."""
        raise _nothing_disputed()

    def answer_dispute(self, reference: str, provider_reference: str, evidence: Evidence) -> DisputeOutcome:
        """Not offered."""
        raise _nothing_disputed()

    def accept_dispute(self, reference: str, provider_reference: str) -> DisputeOutcome:
        """Not offered."""
        raise _nothing_disputed()

    def fees(self, charges: Iterable[str]) -> dict[str, tuple[Money, str, datetime]]:
        """What a bank charges stands on its statements, not beside each transfer."""
        assert_no_transaction()
        return {}


def _nothing_disputed() -> ProviderRefused:
    return ProviderRefused("disputes_not_offered", "A bank transfer is not disputed: a bank that takes one back says so on its statement.")


def _nothing_to_save() -> ProviderRefused:
    return ProviderRefused("saving_not_offered", "A bank transfer cannot be saved for later.")


def new_reference() -> str:
    """A creditor reference by ISO 11649: RF, two check digits, and digits only, so that it can be typed on any keyboard."""
    digits = "".join(str(secrets.randbelow(10)) for _ in range(DIGITS))
    return f"RF{mod_97_10.calc_check_digits(digits + 'RF')}{digits}"


def is_reference(text: str) -> bool:
    """Whether we could have issued it."""
    return len(text) == REFERENCE_LENGTH and text.isascii() and text[2:].isdigit() and bool(iso11649.is_valid(text))


def spell_reference(reference: str) -> str:
    """In groups of four, as people read it."""
    return str(iso11649.format(reference))


def spell_iban(iban: str) -> str:
    """The same for an account."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))


def find_expectation(mode: str, reference: str) -> BankExpectation | None:
    """What we expect, or expected, under this reference."""
    return db.session.get(BankExpectation, (mode, reference)) if is_reference(reference) else None


def instructions_for(mode: str, reference: str, amount: Money) -> Instructions:
    """What the payer has to enter to send `amount`: all of it, or what is still missing."""
    return _instructions(_expected(mode, reference), amount)


def stop_expecting(mode: str, reference: str) -> None:
    """In the present transaction: the payment is over."""
    expected = locked(BankExpectation, mode, reference)
    if expected is not None and expected.closed_at is None:
        expected.closed_at = now()


def _instructions(expected: BankExpectation, amount: Money) -> Instructions:
    return Instructions(expected.holder, expected.iban, expected.bic, amount, expected.reference)


def _expected(mode: str, reference: str) -> BankExpectation:
    expected = find_expectation(mode, reference)
    if expected is None:
        raise ProviderRefused("resource_missing", "No transfer is expected under this reference.")
    return expected


def _outcome(mode: str, reference: str) -> Outcome:
    expected = _expected(mode, reference)
    came = select(func.coalesce(func.sum(BankLine.amount_minor), 0)).where(
        BankLine.mode == mode, BankLine.payment == expected.payment, BankLine.sign == 1, BankLine.reversed_by.is_(None)
    )
    received = int(db.session.scalar(came) or 0)
    if received >= expected.amount_minor:
        captured = Money(expected.amount_minor, expected.currency)
        return Outcome(
            "succeeded",
            reference,
            charge=reference,
            captured=captured,
            method=METHOD,
            kind=KIND,
            fee=Money(0, expected.currency),
            fee_reference=reference,
        )
    return Outcome("canceled" if expected.closed_at else "requires_action", reference)
