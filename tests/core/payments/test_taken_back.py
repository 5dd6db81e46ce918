"""A bank takes a transfer back whose money has gone already, or is on its way: it is owed by whoever had it, taken from nobody else's
sale, and the payer is not paid twice."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import timedelta

import psycopg
import pytest

from core.disputes.write_off import request_write_off
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.shadow import replay
from core.payments.models import Payment
from core.payments.order_refused import refuse_order
from core.payments.refund_models import Refund
from core.payments.replay import PAYMENTS, REFUNDS
from core.payments.statements import import_statement
from core.payments.transfer_cases import give_back_transfer
from core.payments.transfer_models import TransferReturn
from core.payments.unknown import get_line, return_line
from core.providers.bank_models import BankLine, BankOrder
from core.providers.bank_orders import claim_for_line, find_order
from tests.core.payments.test_statements import bank_total, refund_of, reversal
from tests.core.payments.test_transfers import end
from tests.core.payments.transfers import TestBank, begin_transfer, books, case_of, settle_order, transfer
from tests.core.providers.statements import Line, Tx, file_of
from tests.factories import Shop, again, fresh, make_link, make_paid, make_payment, release_all, unit


@pytest.fixture
def bank(shop: Shop) -> TestBank:
    return TestBank(shop)


@pytest.fixture
def waiting(shop: Shop) -> tuple[Payment, str]:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    return payment, begin_transfer(shop, payment).provider_reference or ""


def agree(shop: Shop) -> bool:
    """The payments' own sums are what the journals say."""
    with unit(shop.app):
        return all(replay(shadow, shop.vendor.id).differences == [] for shadow in (PAYMENTS, REFUNDS))


def later(shop: Shop) -> dict[str, int]:
    """The books when everything that waited has been released."""
    with shifted(timedelta(days=30)):
        release_all(shop.app)
    return books(shop)


def order_of(shop: Shop, reference: str) -> BankOrder:
    with shop.app.app_context():
        found = find_order("test", reference)
        assert found is not None
        return found


def told(shop: Shop, reference: str) -> None:
    """The line to the bank has this order in hand."""
    with unit(shop.app):
        order = find_order("test", reference)
        assert order is not None and claim_for_line(order)


def come_back(bank: TestBank, reference: str) -> None:
    """Its receiver's bank sends it back."""
    order = order_of(bank.shop, reference)
    back = Tx(order.amount_minor, name=order.to_name, account=order.to_account, end_to_end=order.end_to_end, returned="AC04")
    bank.tell(Line((back,), booked_on=now().date()))


def refused(shop: Shop, reference: str) -> None:
    """The bank does not make this transfer after all."""
    with unit(shop.app):
        order = find_order("test", reference)
        assert order is not None
        refuse_order(order, by="stf_one", reason="AC04")


def return_of_late_money(shop: Shop, bank: TestBank, payment: Payment, reference: str) -> TransferReturn:
    """The payment was called off, its money came all the same, and the vendor sends it back."""
    end(shop, payment, "canceled")
    bank.tell(transfer(2500, reference))
    with unit(shop.app):
        (made,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    return made


def test_what_was_refunded_before_is_owed_and_taken_from_no_other_sale(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    others = [make_paid(shop, make_link(shop, currency="USD")) for _ in range(2)]
    bank.tell(transfer(2500, reference))
    refund = refund_of(shop, payment, 2500)
    settle_order(bank, refund.public_id)
    bank.tell(reversal(2500, reference))
    assert books(shop)["seller_receivable"] == 2500 and books(shop)["seller_pending"] == sum(one.net.minor for one in others)
    assert fresh(shop, payment).refunded_minor == 2500 and agree(shop)
    after = later(shop)
    assert all(fresh(shop, one).released_at for one in others), "a sale that nobody took back waits for ever"
    assert after["seller_available"] == sum(one.net.minor for one in others) - 2500 and "seller_receivable" not in after


def test_what_was_refunded_in_part_gives_the_rest_and_owes_the_part(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    other = make_paid(shop, make_link(shop, currency="USD"))
    bank.tell(transfer(2500, reference))
    settle_order(bank, refund_of(shop, payment, 1000).public_id)
    bank.tell(reversal(2500, reference))
    row = fresh(shop, payment)
    assert (row.refunded_minor, row.net.minor, row.fee.minor) == (2500, 0, 0) and agree(shop)
    assert (books(shop)["seller_receivable"], books(shop)["seller_pending"]) == (1000, other.net.minor)
    assert later(shop)["seller_available"] == other.net.minor - 1000


def test_late_money_that_went_back_is_owed_and_taken_from_no_other_sale(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    others = [make_paid(shop, make_link(shop, currency="USD")) for _ in range(2)]
    settle_order(bank, return_of_late_money(shop, bank, payment, reference).public_id)
    bank.tell(reversal(2500, reference))
    assert (books(shop)["seller_receivable"], books(shop)["seller_pending"]) == (2500, sum(one.net.minor for one in others))
    assert agree(shop) and later(shop)["seller_available"] == sum(one.net.minor for one in others) - 2500


# --- the payer is not paid twice ---------------------------------------------------------------------------------------


def test_a_refund_that_the_bank_has_not_been_told_of_is_called_off(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    refund = refund_of(shop, payment, 1000)
    bank.tell(reversal(2500, reference))
    assert (order_of(shop, refund.public_id).state, fresh(shop, refund).state) == ("failed", "failed")
    row = fresh(shop, payment)
    assert (row.refunding_minor, row.refunded_minor, row.net.minor, row.fee.minor) == (0, 2500, 0, 0) and agree(shop)
    assert {name: minor for name, minor in books(shop).items() if name not in ("platform_fee", "fee_refunds")} == {}


def test_a_refund_that_no_worker_has_taken_up_is_called_off(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    from core.payments.refund import begin_sending, request_refund

    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    with unit(shop.app):
        refund = request_refund(
            shop.vendor, again(payment), amount=Money(2500, "USD"), reason="other", by=shop.user.public_id, form_token="early"
        )
    bank.tell(reversal(2500, reference))
    assert fresh(shop, refund).state == "canceled" and fresh(shop, payment).refunded_minor == 2500 and agree(shop)
    with unit(shop.app):
        assert begin_sending(refund) is None
    assert "seller_receivable" not in books(shop)


def test_a_refund_that_the_bank_has_in_hand_goes_on_and_is_owed(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    refund = refund_of(shop, payment, 1000)
    told(shop, refund.public_id)
    bank.tell(reversal(2500, reference))
    assert (fresh(shop, refund).state, books(shop)["seller_receivable"]) == ("pending", 1000)
    settle_order(bank, refund.public_id)
    assert fresh(shop, payment).refunded_minor == 2500 and agree(shop)


def test_a_refund_for_which_enough_is_left_goes_on(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1500, reference))
    bank.tell(transfer(1000, reference, account="DE89370400440532013000"))
    refund = refund_of(shop, payment, 500)
    bank.tell(reversal(1500, reference))
    assert (fresh(shop, refund).state, fresh(shop, payment).refunded_minor) == ("pending", 1500) and agree(shop)


def test_a_return_that_the_bank_has_not_been_told_of_is_called_off(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    bank.tell(reversal(2500, reference))
    assert (order_of(shop, made.public_id).state, fresh(shop, made).state) == ("failed", "failed")
    assert (fresh(shop, payment).received_minor, fresh(shop, payment).given_back_minor, case_of(shop, payment)) == (0, 0, None)
    assert books(shop) == {} and agree(shop)


def test_a_return_that_the_bank_has_in_hand_goes_on_and_is_owed(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    told(shop, made.public_id)
    bank.tell(reversal(2500, reference))
    assert books(shop)["seller_receivable"] == 2500
    settle_order(bank, made.public_id)
    assert (fresh(shop, made).state, books(shop)) == ("settled", {"bank": -2500, "seller_receivable": 2500}) and agree(shop)


# --- what was on its way does not arrive: the bank has taken that money, and nobody may send it once more ----------------------------


def test_a_return_that_the_bank_refuses_after_it_took_the_money_back_is_over(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    told(shop, made.public_id)
    bank.tell(reversal(2500, reference))
    refused(shop, made.public_id)
    row = fresh(shop, payment)
    assert (fresh(shop, made).state, row.unapplied.minor, case_of(shop, payment)) == ("failed", 0, None)
    assert books(shop) == {} and agree(shop)


def test_a_return_that_comes_back_after_the_bank_took_the_money_back_is_over(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    settle_order(bank, made.public_id)
    bank.tell(reversal(2500, reference))
    assert books(shop)["seller_receivable"] == 2500
    come_back(bank, made.public_id)
    assert (fresh(shop, made).state, fresh(shop, payment).unapplied.minor, case_of(shop, payment)) == ("failed", 0, None)
    assert books(shop) == {} and agree(shop)


@pytest.mark.parametrize("released", [False, True])
def test_a_refund_that_the_bank_refuses_after_it_took_the_money_back_is_no_sale(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str], released: bool
) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    if released:
        later(shop)
    refund = refund_of(shop, payment, 1000)
    told(shop, refund.public_id)
    bank.tell(reversal(2500, reference))
    refused(shop, refund.public_id)
    row = fresh(shop, payment)
    assert (fresh(shop, refund).state, row.refunded_minor, row.refundable.minor, row.net.minor, row.fee.minor) == ("failed", 2500, 0, 0, 0)
    assert {name: minor for name, minor in books(shop).items() if name not in ("platform_fee", "fee_refunds")} == {} and agree(shop)


def test_what_a_debt_for_it_had_taken_from_other_sales_is_the_sellers_again(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    others = [make_paid(shop, make_link(shop, currency="USD")) for _ in range(2)]
    made = return_of_late_money(shop, bank, payment, reference)
    told(shop, made.public_id)
    bank.tell(reversal(2500, reference))
    assert later(shop)["seller_available"] == sum(one.net.minor for one in others) - 2500
    refused(shop, made.public_id)
    assert books(shop)["seller_available"] == sum(one.net.minor for one in others) and "seller_receivable" not in books(shop)
    assert agree(shop)


def test_a_debt_for_what_is_still_on_its_way_is_not_written_off(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    """Should it not arrive, the seller would have what the platform has given up."""
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    told(shop, made.public_id)
    bank.tell(reversal(2500, reference))

    def write_off() -> None:
        with unit(shop.app):
            request_write_off(shop.vendor, "test", amount=Money(2500, "USD"), reason="Gone away", by="stf_one", form_token="gone")

    with pytest.raises(Refusal, match="a refund is under way"):
        write_off()
    settle_order(bank, made.public_id)
    write_off()


@pytest.mark.parametrize("minor", [2500, 1000])
def test_what_comes_back_after_its_debt_was_written_off_is_the_platforms_first(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str], minor: int
) -> None:
    payment, reference = waiting
    made = return_of_late_money(shop, bank, payment, reference)
    settle_order(bank, made.public_id)
    bank.tell(reversal(2500, reference))
    with unit(shop.app):
        request_write_off(shop.vendor, "test", amount=Money(minor, "USD"), reason="Gone away", by="stf_one", form_token="gone")
    come_back(bank, made.public_id)
    assert books(shop) == {} and agree(shop)


def test_the_reversal_is_one_refund_beside_those_that_were_made(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    settle_order(bank, refund_of(shop, payment, 1000).public_id)
    bank.tell(reversal(2500, reference))
    with shop.app.app_context():
        made = db.session.scalars(db.select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)).all()
    assert [(one.amount_minor, one.reason, one.state) for one in made] == [
        (1000, "other", "succeeded"),
        (1500, "reversed_by_bank", "succeeded"),
    ]
    assert made[1].settled_at is not None and made[1].settled_at <= now()


# --- money that nobody knew ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_hand", [False, True])
def test_unknown_money_that_was_to_go_back_goes_once(shop: Shop, bank: TestBank, in_hand: bool) -> None:
    """Its sender's bank takes it back while our order waits: were that made as well, the platform would give what it does not have."""
    name, before = f"Nobody {secrets.token_hex(6)}", bank_total(shop.app)
    bank.tell(transfer(4200, f"{name} knows", name=name))
    with unit(shop.app):
        order = return_line(get_line("test", bank.line(name=name).public_id), by="stf_one", reason="No payment was found")
    if in_hand:
        told(shop, order.reference)
    bank.tell(reversal(4200, f"{name} knows"))
    line = bank.line(name=name)
    if in_hand:
        assert (order_of(shop, order.reference).state, line.resolution) == ("requested", "returned")
        assert bank.line(reference=f"{name} knows", sign=-1).why == "reversal_of_what_was_returned"
    else:
        assert (order_of(shop, order.reference).state, line.state, line.resolution) == ("failed", "resolved", "taken_back")
        assert bank.line(reference=f"{name} knows", sign=-1).state == "booked"
    assert bank_total(shop.app) == before
    books(shop, platform=True)  # and they are whole


def test_unknown_money_whose_return_the_bank_refuses_is_not_there_to_be_sent_again(shop: Shop, bank: TestBank) -> None:
    name, before = f"Nobody {secrets.token_hex(6)}", bank_total(shop.app)
    bank.tell(transfer(4200, f"{name} knows", name=name))
    with unit(shop.app):
        order = return_line(get_line("test", bank.line(name=name).public_id), by="stf_one", reason="No payment was found")
    told(shop, order.reference)
    bank.tell(reversal(4200, f"{name} knows"))
    refused(shop, order.reference)
    lines = bank.line(name=name), bank.line(reference=f"{name} knows", sign=-1)
    assert [(line.state, line.resolution) for line in lines] == [("resolved", "taken_back")] * 2
    assert bank_total(shop.app) == before
    books(shop, platform=True)


def test_two_credits_alike_that_the_bank_takes_back_on_one_day_are_both_gone(shop: Shop, bank: TestBank) -> None:
    """One of them would wait for a person, who could send it to whoever has it again."""
    name, before = f"Nobody {secrets.token_hex(6)}", bank_total(shop.app)
    for _ in range(2):
        bank.tell(transfer(4200, f"{name} knows", name=name))
    bank.tell(reversal(4200, f"{name} knows"), reversal(4200, f"{name} knows"))
    with shop.app.app_context():
        came = db.session.scalars(db.select(BankLine).where(BankLine.name == name, BankLine.sign == 1)).all()
    assert [(line.state, line.resolution) for line in came] == [("resolved", "taken_back")] * 2
    assert len({line.reversed_by for line in came}) == 2 and bank_total(shop.app) == before
    books(shop, platform=True)


def test_whoever_takes_money_back_holds_the_payment_before_its_lines(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str], environment: dict[str, str]
) -> None:
    """As whoever sends it back does: in the other order the two would wait for each other."""
    payment, reference = waiting
    end(shop, payment, "canceled")
    bank.tell(transfer(2500, reference))
    credit = bank.line(reference=reference, sign=1)
    with unit(shop.app):
        import_statement(file_of(bank.draft(reversal(2500, reference))), name="statement.xml", by="operator")
    address = environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(address) as other, psycopg.connect(address, autocommit=True) as watcher:
        other.execute("SELECT FROM payments WHERE vendor_id = %s AND id = %s FOR UPDATE", (shop.vendor.id, payment.id))
        books_it = threading.Thread(target=bank.book, daemon=True)
        books_it.start()
        until = time.monotonic() + 60
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        while watcher.execute(blocked, (other.info.backend_pid,)).fetchone() == (0,):
            assert time.monotonic() < until and books_it.is_alive(), "the reversal did not wait for its payment"
            time.sleep(0.01)
        other.execute("SELECT FROM bank_lines WHERE mode = 'test' AND public_id = %s FOR UPDATE NOWAIT", (credit.public_id,))
        other.rollback()
        books_it.join(60)
    assert not books_it.is_alive() and books(shop) == {} and agree(shop)
