"""Bank transfers meet their payments: exact, in parts, too much, too late, tolerated; each booked once and in balance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.kernel import clock
from core.kernel.clock import now
from core.payments.attempt import PaymentOver, begin_attempt, close_at_provider, live_attempt, move_attempt
from core.payments.bank_terms import Terms, change_terms
from core.payments.close import record_close
from core.payments.models import Payment
from core.payments.order_refused import refuse_order
from core.payments.settle import settle
from core.payments.transfer_cases import NothingWaits, accept_transfer, give_back_transfer
from core.payments.transfer_return import NoWayBack
from core.payments.unexpected import give_back
from core.providers.bank_orders import find_order
from tests.core.payments.transfers import TestBank, begin_transfer, books, case_of, settle_order, transfer
from tests.factories import Shop, again, fresh, make_link, make_paid, make_payment, open_payment, tell, tell_refund, unit


@pytest.fixture
def bank(shop: Shop) -> TestBank:
    return TestBank(shop)


@pytest.fixture
def waiting(shop: Shop) -> tuple[Payment, str]:
    """A payment of 25.00 dollars whose payer has the instructions, and their reference."""
    payment = make_payment(shop, make_link(shop, currency="USD"))
    return payment, begin_transfer(shop, payment).provider_reference or ""


def test_a_transfer_of_the_whole_amount_pays(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference))
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor, paid.applied_minor, paid.provider, paid.charge) == ("succeeded", 2500, 2500, "bank", reference)
    assert books(shop) == {"bank": 2500, "seller_pending": 2500 - paid.fee_minor, "platform_fee": paid.fee_minor}
    assert case_of(shop, payment) is None


@pytest.mark.parametrize("spelling", ["{0}", "{1}", "Invoice 7, {1}, thank you", "{2}"])
def test_the_reference_is_found_however_it_is_written(shop: Shop, bank: TestBank, waiting: tuple[Payment, str], spelling: str) -> None:
    payment, reference = waiting
    spaced = " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))
    bank.tell(transfer(2500, text=spelling.format(reference, spaced, reference.lower())))
    assert fresh(shop, payment).state == "succeeded"


def test_parts_pay_when_they_are_complete(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    part, case = fresh(shop, payment), case_of(shop, payment)
    assert (part.state, part.unapplied.minor, part.missing.minor) == ("requires_action", 1000, 1500)
    assert case and (case.kind, case.amount_minor) == ("partial", 1000)
    assert books(shop) == {"bank": 1000, "unapplied_receipts": 1000}
    bank.tell(transfer(700, reference), transfer(800, reference, name="Ben Payer"))
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor) == ("succeeded", 2500)
    assert case_of(shop, payment) is None
    assert books(shop) == {"bank": 2500, "seller_pending": 2500 - paid.fee_minor, "platform_fee": paid.fee_minor}


def test_what_is_too_much_waits_and_can_go_back(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(3000, reference))
    case = case_of(shop, payment)
    assert case and (case.kind, case.amount_minor) == ("over", 500)
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id, reason="Too much")
    fee = fresh(shop, payment).fee_minor
    sold = {"seller_pending": 2500 - fee, "platform_fee": fee}
    assert books(shop) == {"bank": 3000, "refund_in_flight": 500, **sold}
    assert case_of(shop, payment) is None
    assert (fresh(shop, returned).state, fresh(shop, payment).unapplied.minor) == ("requested", 0)
    settle_order(bank, returned.public_id)
    assert fresh(shop, returned).state == "settled"
    assert books(shop) == {"bank": 2500, **sold}


def test_what_comes_back_from_the_payers_bank_waits_again(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(3000, reference))
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    order = settle_order(bank, returned.public_id)
    bank.tell(transfer(500, end_to_end=order, returned="AC04"))
    row = fresh(shop, returned)
    assert (row.state, row.failure_reason) == ("failed", "AC04")
    case = case_of(shop, payment)
    assert case and (case.kind, case.amount_minor) == ("over", 500)
    assert books(shop)["unapplied_receipts"] == 500 and books(shop)["bank"] == 3000


def test_what_the_bank_refuses_to_send_back_waits_again(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(3000, reference))
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    with unit(shop.app):
        order = find_order("test", returned.public_id)
        assert order is not None
        refuse_order(order, by="operator", reason="AC01")
    assert (fresh(shop, returned).state, fresh(shop, payment).unapplied.minor) == ("failed", 500)
    assert (books(shop)["unapplied_receipts"], books(shop)["bank"], books(shop).get("refund_in_flight")) == (500, 3000, None)


def test_two_transfers_for_one_payment_are_one_sale_and_one_excess(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(2500, reference), transfer(2500, reference))
    case = case_of(shop, payment)
    assert fresh(shop, payment).captured_minor == 2500
    assert case and (case.kind, case.amount_minor) == ("over", 2500)


@pytest.mark.parametrize("decision", ["accept", "give back"])
def test_what_comes_after_the_end_is_decided_by_the_vendor(shop: Shop, bank: TestBank, waiting: tuple[Payment, str], decision: str) -> None:
    payment, reference = waiting
    end(shop, payment, "canceled")
    bank.tell(transfer(2500, reference))
    case = case_of(shop, payment)
    assert fresh(shop, payment).state == "canceled"
    assert case and case.kind == "late"
    assert books(shop) == {"bank": 2500, "unapplied_receipts": 2500}
    with unit(shop.app):
        if decision == "accept":
            accept_transfer(shop.vendor, again(payment), by=shop.user.public_id, reason="Delivered anyway")
        else:
            give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    done = fresh(shop, payment)
    assert case_of(shop, payment) is None
    assert (done.state, done.unapplied.minor) == ("succeeded" if decision == "accept" else "canceled", 0)
    assert books(shop).get("refund_in_flight", 0) == (0 if decision == "accept" else 2500)


def test_what_was_booked_before_the_end_pays_however_late_the_statement_comes(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    sent = now().date()
    with clock.shifted(timedelta(days=9)):
        end(shop, payment, "expired")
        bank.tell(transfer(2500, reference, on=sent))
    assert fresh(shop, payment).state == "succeeded"


@pytest.mark.parametrize(("already", "state", "case"), [("75.00", "succeeded", None), ("75.01", "expired", "late")])
def test_a_part_booked_before_its_end_pays_only_while_that_much_is_open(
    shop: Shop, bank: TestBank, already: str, state: str, case: str | None
) -> None:
    link = make_link(shop, currency="USD", amount=None, kind="request", total_minor=10_000)
    payment = make_payment(shop, link, amount="25.00")
    reference = begin_transfer(shop, payment).provider_reference or ""
    sent = now().date()
    with clock.shifted(timedelta(days=9)):
        end(shop, payment, "expired")
        make_paid(shop, link, amount=already)
        bank.tell(transfer(2500, reference, on=sent))
    assert fresh(shop, payment).state == state
    found = case_of(shop, payment)
    assert (found.kind if found else None) == case


def test_what_was_sent_after_the_end_is_late(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    with clock.shifted(timedelta(days=9)):
        end(shop, payment, "expired")
        bank.tell(transfer(2500, reference))
    case = case_of(shop, payment)
    assert case and case.kind == "late"


def test_a_part_that_came_before_the_end_is_late_money_after_it(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    end(shop, payment, "expired")
    case = case_of(shop, payment)
    assert case and (case.kind, case.amount_minor) == ("late", 1000)


def test_a_vendor_may_take_a_part_as_it_is(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    with unit(shop.app):
        accept_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor, paid.fee_minor) == ("succeeded", 1000, 25)  # 2.5 % of what was paid
    assert books(shop) == {"bank": 1000, "seller_pending": 975, "platform_fee": 25}


def test_a_part_that_is_given_back_ends_the_payment(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    with unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    assert fresh(shop, payment).state == "canceled"
    assert books(shop) == {"bank": 1000, "refund_in_flight": 1000}


@pytest.mark.parametrize(("terms", "minor", "state"), [
    (Terms(tolerance_minor=5), 2495, "succeeded"),
    (Terms(tolerance_minor=5), 2494, "requires_action"),
    (Terms(tolerance_bps=100), 2475, "succeeded"),
    (Terms(tolerance_bps=100), 2474, "requires_action"),
    (Terms(tolerance_minor=100_000), 1251, "succeeded"),  # but never half of it or more
    (Terms(tolerance_minor=100_000), 1250, "requires_action"),
])  # fmt: skip
def test_a_little_less_is_enough_when_the_vendor_says_so(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str], terms: Terms, minor: int, state: str
) -> None:
    payment, reference = waiting
    with unit(shop.app):
        change_terms(shop.vendor, "test", by=shop.user.public_id, terms=terms)
    bank.tell(transfer(minor, reference))
    paid = fresh(shop, payment)
    assert paid.state == state
    assert paid.captured_minor == (minor if state == "succeeded" else 0)


def test_each_sender_gets_their_own_part_back(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference), transfer(500, reference, name="Ben", account="GB29NWBK60161331926819"))
    with unit(shop.app):
        made = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    assert sorted(one.amount_minor for one in made) == [500, 1000]


def test_money_without_a_senders_account_needs_an_iban_to_go_back(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(3000, reference, name=""))
    with pytest.raises(NoWayBack) as refusal, unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    assert refusal.value.field == "iban"
    with pytest.raises(NoWayBack), unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id, iban="DE12500105170648489891")
    assert books(shop)["unapplied_receipts"] == 500
    with unit(shop.app):
        (made,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id, iban="DE12 5001 0517 0648 4898 90")
    assert made.amount_minor == 500


def test_what_was_decided_is_not_decided_twice(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(3000, reference))
    with unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    with pytest.raises(NothingWaits), unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id)
    with pytest.raises(NothingWaits), unit(shop.app):
        accept_transfer(shop.vendor, again(payment), by=shop.user.public_id)


def end(shop: Shop, payment: Payment, to: str) -> None:
    """The payer cancels, or time runs out: what is open at the bank is closed first."""
    with unit(shop.app):
        attempt = live_attempt(again(payment))
    assert attempt
    with shop.app.app_context():
        outcome = close_at_provider(payment, attempt)
    with unit(shop.app):
        assert record_close(shop.vendor, again(payment), attempt, outcome, to=to, actor="payer") == to


def test_a_card_that_pays_after_the_transfer_is_a_second_charge_and_stays_with_its_processor(
    shop: Shop, bank: TestBank, waiting: tuple[Payment, str]
) -> None:
    payment, reference = waiting
    with unit(shop.app):
        attempt = live_attempt(again(payment))
    assert attempt
    with shop.app.app_context():
        outcome = close_at_provider(payment, attempt)
    with unit(shop.app):
        settle(shop.vendor, again(payment), attempt, outcome, cause="close")
    card = open_payment(shop, payment)  # the payer would rather pay by card, and has sent the transfer all the same
    assert fresh(shop, payment).provider == "sandbox"
    bank.tell(transfer(2500, reference))
    assert (fresh(shop, payment).state, fresh(shop, payment).provider) == ("succeeded", "bank")
    assert fresh(shop, card).next_inquiry_at is not None, "somebody closes the card page"
    assert tell(shop, payment, card, "succeeded", charge="ch_second", captured=payment.amount) == "second_charge"
    assert books(shop)["psp_clearing"] == 2500 and books(shop)["unapplied_receipts"] == 2500
    with unit(shop.app):
        refund = give_back(shop.vendor, again(payment), charge="ch_second", by=shop.user.public_id, form_token="second-goes-back")
    assert refund.provider == "sandbox"
    tell_refund(shop, refund, "succeeded")
    assert "psp_clearing" not in books(shop) and books(shop)["bank"] == 2500


def test_the_payer_cannot_go_elsewhere_with_half_of_the_money_here(shop: Shop, bank: TestBank, waiting: tuple[Payment, str]) -> None:
    payment, reference = waiting
    bank.tell(transfer(1000, reference))
    with unit(shop.app):
        move_attempt(live_attempt(again(payment)), "abandoned")  # type: ignore[arg-type]
    with pytest.raises(PaymentOver, match="Part of this has come"), unit(shop.app):
        begin_attempt(shop.vendor, again(payment), method="card")


def test_a_bank_is_never_believed_but_for_its_statements(shop: Shop, waiting: tuple[Payment, str]) -> None:
    """Whatever is told of the attempt itself, only a line of a statement books money."""
    payment, reference = waiting
    with unit(shop.app):
        attempt = live_attempt(again(payment))
    assert attempt
    assert tell(shop, payment, attempt, "succeeded", charge=reference, captured=payment.amount) == "already"
    assert books(shop) == {} and fresh(shop, payment).state == "requires_action"
