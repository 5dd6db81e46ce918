"""Importing statements: whole or not at all, once, in their order; and what nobody knows waits for a person."""

from __future__ import annotations

import dataclasses
import secrets
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import Vendor
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.ledger.book import PLATFORM
from core.ledger.queries import balances
from core.payments.models import Payment
from core.payments.refund import RefundExceedsPayment, begin_sending, request_refund, send_refund, settle_refund
from core.payments.refund_models import Refund
from core.payments.statements import import_statement
from core.payments.transfer_models import Transfer
from core.payments.unknown import assign_line, explain_charge, get_line, return_line, suggest
from core.providers.bank_models import BankLine
from core.providers.bank_orders import find_order
from core.providers.statement import StatementRefused
from tests.core.payments.transfers import PAYER, TestBank, begin_transfer, books, case_of, our_account, settle_order, transfer
from tests.core.providers.statements import Draft, Line, Tx, file_of
from tests.factories import Shop, again, fresh, make_link, make_payment, release_all, unit


@pytest.fixture
def bank(shop: Shop) -> TestBank:
    return TestBank(shop)


@pytest.fixture
def waiting(shop: Shop) -> tuple[Payment, str]:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    return payment, begin_transfer(shop, payment).provider_reference or ""


def transfers_of(shop: Shop) -> int:
    with shop.app.app_context():
        return len(db.session.scalars(db.select(Transfer).where(Transfer.vendor_id == shop.vendor.id)).all())


def platform(app: Flask, account: str, currency: str = "USD") -> int:
    class Book:
        id = PLATFORM

    with app.app_context():
        return sum(m.minor for (name, _, code), m in balances(Book(), "test").items() if (name, code) == (account, currency))


def bank_total(app: Flask, currency: str = "USD") -> int:
    """Our bank account over all books."""
    iban = our_account(currency)
    with app.app_context():
        rows = db.session.execute(
            db.text("SELECT coalesce(sum(amount_minor), 0) FROM entries WHERE code = 1030 AND sub = :iban"), {"iban": iban}
        )
        return int(rows.scalar() or 0)


# --- once, whole, in order ---------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_one_import(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    raw = file_of(bank.draft(transfer(2500, waiting[1])))
    (first,), (second,) = bank.bring(raw), bank.bring(raw)
    assert (first.new, first.fresh, second.new, second.fresh) == (True, 1, False, 0)
    assert transfers_of(shop) == 1 and books(shop)["bank"] == 2500


def test_overlapping_statements_book_their_common_entries_once(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    draft = bank.draft(transfer(1000, waiting[1]), transfer(500, waiting[1]))
    bank.bring(file_of(draft))
    longer = dataclasses.replace(
        draft,
        identity=draft.identity + "-again",
        sequence=draft.sequence + 100,
        lines=(*draft.lines, *bank.draft(transfer(1000, waiting[1])).lines),
    )
    (told,) = bank.bring(file_of(longer))
    assert (told.entries, told.fresh) == (3, 1)
    assert transfers_of(shop) == 3 and fresh(shop, waiting[0]).state == "succeeded"


def test_two_real_transfers_that_look_alike_are_two(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    line = dataclasses.replace(transfer(1250, waiting[1]), bank_reference=f"same-{now().timestamp()}")
    bank.tell(line, line)
    assert transfers_of(shop) == 2 and fresh(shop, waiting[0]).captured_minor == 2500


def test_a_damaged_file_leaves_nothing_behind(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    good, bad = bank.draft(transfer(1000, waiting[1])), bank.draft(transfer(1500, waiting[1]), identity="T-bad")
    raw = file_of(good, bad)
    at = raw.rindex(b'">15.00<')
    with pytest.raises(StatementRefused) as refusal:
        bank.bring(raw[:at] + b'">15.10<' + raw[at + 8 :])
    assert refusal.value.line
    assert transfers_of(shop) == 0 and fresh(shop, waiting[0]).received_minor == 0


def test_a_statement_that_contradicts_an_earlier_one_is_refused(bank: TestBank) -> None:
    draft = bank.draft(transfer(100))
    bank.bring(file_of(draft))
    with pytest.raises(StatementRefused, match="with other content"):
        bank.bring(file_of(dataclasses.replace(draft, lines=(*draft.lines, *draft.lines))))
    with pytest.raises(StatementRefused, match="before it ended with"):
        bank.bring(file_of(bank.draft(transfer(100), opening=draft.closing + 1)))
    changed = dataclasses.replace(draft.lines[0], txs=(Tx(101),))
    with pytest.raises(StatementRefused, match="imported before, with other content"):
        bank.bring(file_of(bank.draft(changed)))


def test_entries_without_the_banks_reference_need_an_unbroken_chain(shop: Shop) -> None:
    bank = TestBank(shop, "CHF")
    bare = Line((Tx(100),), booked_on=now().date())
    draft = dataclasses.replace(bank.draft(), lines=(bare, bare))
    (told,) = bank.bring(file_of(draft))
    assert told.fresh == 2
    apart = dataclasses.replace(bank.draft(), lines=(bare,), opening=draft.opening, sequence=draft.sequence + 50, identity="T-apart")
    with pytest.raises(StatementRefused, match="before it ended with"):
        bank.bring(file_of(apart))


def test_a_missing_statement_is_noticed(bank: TestBank) -> None:
    bank.tell(transfer(100))
    skipped = bank.draft(transfer(100))
    (told,) = bank.bring(file_of(dataclasses.replace(skipped, sequence=skipped.sequence + 5, identity=f"T-{skipped.sequence + 5}")))
    assert told.gap


def test_an_account_that_is_not_ours_is_refused(shop: Shop) -> None:
    with pytest.raises(StatementRefused, match="not one of our accounts"), unit(shop.app):
        import_statement(file_of(Draft((Line((Tx(1),)),))), name="x", by="operator")


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "2500"), ("KWD", "2.500"), ("GBP", "25.00")])
def test_every_currency_is_counted_in_its_own_units(shop: Shop, currency: str, amount: str) -> None:
    payment = make_payment(shop, make_link(shop, amount=amount, currency=currency))
    reference = begin_transfer(shop, payment).provider_reference or ""
    TestBank(shop, currency).tell(transfer(payment.amount_minor, reference))
    assert fresh(shop, payment).captured_minor == 2500


def test_our_books_say_what_the_bank_says(app: Flask, shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    bank.tell(transfer(3000, waiting[1]), transfer(777), Line((Tx(125, sign=-1, name="Bank 0815"),), sign=-1, booked_on=now().date()))
    assert bank_total(app) == bank.draft().opening


# --- what nobody knows -------------------------------------------------------------------------------------------------


def test_money_without_a_reference_waits_in_the_platforms_book(app: Flask, shop: Shop, bank: TestBank) -> None:
    before = platform(app, "unapplied_receipts")
    bank.tell(transfer(2500, text="for the course", name="Grace Wilder"))
    line = bank.line(name="Grace Wilder")
    assert (line.state, line.why) == ("unknown", "no_reference")
    assert platform(app, "unapplied_receipts") == before + 2500
    assert transfers_of(shop) == 0


@pytest.mark.parametrize("slip", ["swap", "wrong digit", "missing digit"])
def test_a_slip_of_the_pen_is_suggested_and_not_matched(shop: Shop, bank: TestBank, waiting: tuple[Payment, str], slip: str) -> None:
    payment, right = waiting
    at = next(n for n in range(6, 18) if right[n] != right[n + 1])
    wrong = {
        "swap": right[:at] + right[at + 1] + right[at] + right[at + 2 :],
        "wrong digit": right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :],
        "missing digit": right[:at] + right[at + 1 :],
    }[slip]
    name = f"Slip {right[-6:]}"
    bank.tell(transfer(2500, text=wrong, name=name))
    line = bank.line(name=name)
    assert line.state == "unknown" and fresh(shop, payment).received_minor == 0
    with shop.app.app_context():
        best = suggest(line)[0]
    assert (best.payment.id, set(best.reasons) >= {"reference", "amount"}) == (payment.id, True)


def test_a_person_says_whose_it_is_and_it_pays(app: Flask, shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, _ = waiting
    bank.tell(transfer(2500, name=f"Nobody {payment.reference}"))
    line = bank.line(name=f"Nobody {payment.reference}")
    before = platform(app, "unapplied_receipts"), platform(app, "bank")
    with unit(app):
        assign_line(line, shop.vendor, again(payment), by="usr_staff", reason="The payer called")
    assert fresh(shop, payment).state == "succeeded"
    assert (platform(app, "unapplied_receipts"), platform(app, "bank")) == (before[0] - 2500, before[1] - 2500)
    assert books(shop)["bank"] == 2500 and bank_total(app) == bank.draft().opening
    with app.app_context():
        told = get_line("test", line.public_id)
        assert (told.state, told.resolution, told.reason, told.resolved_by) == ("resolved", "assigned", "The payer called", "usr_staff")
    with pytest.raises(Conflict), unit(app):
        assign_line(line, shop.vendor, again(payment), by="usr_staff", reason="again")


def test_unknown_money_goes_back_and_is_gone_when_a_statement_shows_it(app: Flask, shop: Shop, bank: TestBank) -> None:
    bank.tell(transfer(4200, name=f"Stranger {shop.vendor.public_id}"))
    line = bank.line(name=f"Stranger {shop.vendor.public_id}")
    before = platform(app, "bank"), platform(app, "refund_in_flight")
    with unit(app):
        order = return_line(line, by="usr_staff", reason="Nobody knows it")
    assert platform(app, "refund_in_flight") == before[1] + 4200
    end_to_end = settle_order(bank, order.reference)
    assert (platform(app, "bank"), platform(app, "refund_in_flight")) == (before[0] - 4200, before[1])
    bank.tell(transfer(4200, end_to_end=end_to_end, returned="AC01"))
    with app.app_context():
        assert (get_line("test", line.public_id).state, get_line("test", line.public_id).why) == ("unknown", "return_failed")
    assert platform(app, "bank") == before[0]
    assert books(shop, platform=True)


def test_a_charge_of_the_banks_is_explained(app: Flask, shop: Shop, bank: TestBank) -> None:
    name = f"Fee {shop.vendor.public_id}"
    bank.tell(Line((Tx(350, sign=-1, name=name),), sign=-1, booked_on=now().date()))
    line, before = bank.line(name=name), platform(app, "payout_cost")
    assert (line.state, line.why) == ("unknown", "debit")
    with pytest.raises(Refusal), unit(app):
        return_line(line, by="usr_staff", reason="no")
    with unit(app):
        explain_charge(line, by="usr_staff", reason="Quarterly fee")
    assert platform(app, "payout_cost") == before + 350
    assert books(shop, platform=True)


def test_a_reference_of_another_currency_is_for_a_person(shop: Shop, bank: TestBank) -> None:
    payment = make_payment(shop, make_link(shop, amount="25.00", currency="GBP"))
    reference = begin_transfer(shop, payment).provider_reference or ""
    bank.tell(transfer(2500, reference, name=f"Abroad {reference}"))
    assert bank.line(name=f"Abroad {reference}").why == "other_currency"
    assert fresh(shop, payment).received_minor == 0


def test_one_transfer_for_two_payments_is_for_a_person(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    other = begin_transfer(shop, make_payment(shop, make_link(shop, currency="USD"))).provider_reference or ""
    bank.tell(transfer(5000, text=f"{waiting[1]} and {other}", name=f"Both {other}"))
    assert bank.line(name=f"Both {other}").why == "several_references"


# --- taken back, given back --------------------------------------------------------------------------------------------


def reversal(minor: int, reference: str) -> Line:
    return Line((Tx(minor, sign=-1, reference=reference, account=PAYER),), sign=-1, reversal=True, booked_on=now().date())


def test_what_came_and_was_taken_back_on_one_statement_is_as_if_it_never_came(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    bank.tell(reversal(1000, reference), transfer(1000, reference))
    assert (fresh(shop, payment).received_minor, case_of(shop, payment), books(shop)) == (0, None, {})


def test_a_transfer_that_is_taken_back_before_it_pays_is_as_if_it_never_came(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    bank.tell(reversal(1000, reference))
    row = fresh(shop, payment)
    assert (row.received_minor, row.state, case_of(shop, payment)) == (0, "requires_action", None)
    assert books(shop) == {}


@pytest.mark.parametrize("released", [False, True])
def test_a_sale_that_is_taken_back_is_given_back(shop: Shop, bank: TestBank, waiting: tuple[Payment, str], released: bool) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    if released:
        with shifted(timedelta(days=30)):
            release_all(shop.app)
    bank.tell(reversal(2500, reference))
    row = fresh(shop, payment)
    assert (row.refunded_minor, row.net.minor, row.fee.minor) == (2500, 0, 0)
    assert {name: minor for name, minor in books(shop).items() if name not in ("platform_fee", "fee_refunds")} == {}
    with shop.app.app_context():
        (refund,) = db.session.scalars(db.select(Refund).where(Refund.payment_id == payment.id)).all()
        assert (refund.state, refund.reason) == ("succeeded", "reversed_by_bank")


def test_a_reversal_of_something_else_is_for_a_person(bank: TestBank, waiting: tuple[Payment, str]) -> None:
    bank.tell(transfer(100))  # something to take it from
    bank.tell(reversal(99, waiting[1]))
    assert bank.line(reference=waiting[1], sign=-1).why == "reversal_of_nothing"


def test_a_refund_goes_back_by_transfer_and_is_done_when_a_statement_shows_it(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    refund = refund_of(shop, payment, 1000)
    assert fresh(shop, refund).state == "pending"
    assert books(shop)["refund_in_flight"] == 1000
    settle_order(bank, refund.public_id)
    assert fresh(shop, refund).state == "succeeded"
    assert "refund_in_flight" not in books(shop) and books(shop)["bank"] == 1500


def test_a_refund_that_bounces_is_the_sellers_again(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    before = books(shop)
    refund = refund_of(shop, payment, 1000)
    order = settle_order(bank, refund.public_id)
    bank.tell(transfer(1000, end_to_end=order, returned="AC04"))
    row = fresh(shop, refund)
    assert (row.state, row.failure_reason, fresh(shop, payment).refunded_minor) == ("failed", "AC04", 0)
    assert books(shop) == before


def test_no_account_gets_back_more_than_it_sent(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference), transfer(1500, reference, account="GB29NWBK60161331926819"))
    with pytest.raises(RefundExceedsPayment, match="USD 15"):
        refund_of(shop, payment, 2500)
    refund_of(shop, payment, 1500)
    with pytest.raises(RefundExceedsPayment):
        refund_of(shop, payment, 1001)
    refund_of(shop, payment, 1000)


def refund_of(shop: Shop, payment: Payment, minor: int) -> Refund:
    """A refund asked for and handed to the adapter, as the worker does it."""
    with unit(shop.app):
        refund = request_refund(
            shop.vendor,
            again(payment),
            amount=Money(minor, payment.currency),
            reason="other",
            by=shop.user.public_id,
            form_token=secrets.token_urlsafe(12),
        )
    with unit(shop.app):
        sending = begin_sending(refund)
    assert sending
    with shop.app.app_context():
        outcome = send_refund(shop.vendor, sending)
    with unit(shop.app):
        settle_refund(shop.vendor, refund, outcome, cause="sent")
        assert find_order("test", refund.public_id)
    return refund


def test_a_debit_that_differs_from_its_order_is_for_a_person(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    refund = refund_of(shop, payment, 1000)
    with shop.app.app_context():
        order = find_order("test", refund.public_id)
    assert order
    bank.tell(Line((Tx(999, sign=-1, end_to_end=order.end_to_end),), sign=-1, booked_on=now().date()))
    assert bank.line(end_to_end=order.end_to_end).why == "order_differs"
    assert fresh(shop, refund).state == "pending"


def test_a_vendor_never_sees_anothers_line(app: Flask, shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    bank.tell(transfer(1000, waiting[1]))
    with app.app_context():
        others = db.session.scalars(
            db.select(Transfer).join(Vendor, Vendor.id == Transfer.vendor_id).where(Vendor.id != shop.vendor.id)
        ).all()
        line = db.session.scalars(db.select(BankLine).where(BankLine.payment == waiting[0].public_id)).one()
    assert line.public_id not in {t.line for t in others}
