"""Orders leave in a file: made once of what waits, written again the same, given to the bank by a second person, or taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from core.admission.stops import let_go_on, stop
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Conflict, NeedsASecondPerson
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger import book
from core.ledger.post import post
from core.payments.models import Payment
from core.payments.order_files import (
    NothingToTransfer,
    NotTransferable,
    get_order_file,
    make_order_file,
    orders_of,
    take_file_back,
    waiting_for_a_file,
    write_again,
)
from core.payments.order_refused import refuse_order
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.approve import TooLate, cancel_payout, hold_payout
from core.payouts.hand_over import hand_file_over, record_made_by_hand
from core.payouts.held import is_kept_back, make_file, waiting_to_leave, why_kept_back
from core.payouts.models import Payout
from core.providers.bank_days import next_bank_day
from core.providers.bank_models import BankOrder, BankOrderFile
from core.providers.bank_orders import find_order, list_waiting_orders, write_order
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import THEIRS, Seller, send_waiting_orders
from tests.factories import make_shop, unit
from workers.schedule import SEND_SECONDS, tick


@pytest.fixture(autouse=True)
def nobody_elses(app: Flask) -> None:
    send_waiting_orders(app)


@pytest.fixture
def seller(app: Flask) -> Iterator[Seller]:
    made = Seller(make_shop(app, currency="EUR", country="DE"), "EUR")
    with euros_at_another_bank():
        with unit(app):
            add_account(made.shop.vendor, "test", currency="EUR", holder="Zoë’s Kiosk", iban=THEIRS, by=made.shop.user.public_id)
        yield made


@pytest.fixture
def payout(seller: Seller) -> Payout:
    """Its order waits."""
    with shifted(-10 * COOLING_OFF):
        seller.sells("100.00")
    seller.release()
    return seller.pays_out()


def order_of(payout: Payout) -> BankOrder:
    order = find_order("test", payout.public_id)
    assert order is not None
    return order


def order_of_it(app: Flask, payout: Payout) -> BankOrder:
    with unit(app):
        return order_of(payout)


def paid_by(seller: Seller) -> Payment:
    """A payment of theirs, which something in the books is about."""
    return db.session.scalars(db.select(Payment).where(Payment.vendor_id == seller.shop.vendor.id).limit(1)).one()


def test_a_file_carries_what_waits_and_is_the_same_when_it_is_written_again(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        assert waiting_for_a_file("test") == (1, payout.amount)
        file = make_order_file("test", by="stf_one")
    with unit(app):
        kept = get_order_file("test", file.public_id)
        order = order_of(payout)
        assert [one.end_to_end for one in orders_of(kept)] == [order.end_to_end]
        assert (kept.orders, kept.total, kept.state) == (1, payout.amount, "made")
        assert (
            kept.raw == write_again(kept)
            and b"<BtchBookg>false" in kept.raw
            and order.end_to_end.encode() in kept.raw
            and b"Zoe's Kiosk" in kept.raw
        )
        assert order not in list_waiting_orders("test") and waiting_for_a_file("test")[0] == 0
        assert seller.as_it_is(payout).state == "submitted", "nothing has left yet"


def test_a_file_of_before_is_written_again_as_it_was(app: Flask, payout: Payout) -> None:
    with unit(app):
        file = make_order_file("test", by="stf_one")
    with unit(app):
        kept = get_order_file("test", file.public_id)
        db.session.expunge(kept)
        kept.raw = kept.raw.replace(b"<BtchBookg>false", b"<BtchBookg>true")
        assert write_again(kept) == kept.raw


def test_on_a_holiday_it_asks_for_the_banks_next_day_and_files_of_before_for_their_own(app: Flask, payout: Payout) -> None:
    until = datetime(now().year + 1, 12, 25, 12, tzinfo=UTC) - now()
    with shifted(until):
        with unit(app):
            file = make_order_file("test", by="stf_one")
        with unit(app):
            kept = get_order_file("test", file.public_id)
            asked = f"<ReqdExctnDt><Dt>{next_bank_day(kept.made_at.date())}</Dt>".encode()
            assert kept.made_at.day == 25 and asked in kept.raw and b"-12-25</Dt>" not in kept.raw and write_again(kept) == kept.raw
            db.session.expunge(kept)
            kept.raw = kept.raw.replace(asked, f"<ReqdExctnDt><Dt>{kept.made_at.date()}</Dt>".encode())
            assert write_again(kept) == kept.raw


def test_only_somebody_else_says_that_the_bank_has_it(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        file = make_order_file("test", by="stf_one")
    with unit(app), pytest.raises(NeedsASecondPerson):
        hand_file_over(get_order_file("test", file.public_id), by="stf_one")
    with unit(app):
        hand_file_over(get_order_file("test", file.public_id), by="stf_two")
    with unit(app):
        assert order_of(payout).state == "sent" and seller.as_it_is(payout).state == "in_transit"
        kept = get_order_file("test", file.public_id)
        assert (kept.state, kept.made_by, kept.ended_by) == ("handed_over", "stf_one", "stf_two")
    for late in (lambda f: hand_file_over(f, by="stf_two"), lambda f: take_file_back(f, by="stf_two", reason="x")):
        with unit(app), pytest.raises(Conflict):
            late(get_order_file("test", file.public_id))


def test_what_is_taken_back_waits_for_another_file(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        first = make_order_file("test", by="stf_one")
    with unit(app):
        take_file_back(get_order_file("test", first.public_id), by="stf_one", reason="the bank was closed")
    with unit(app):
        assert orders_of(first) == [] and waiting_for_a_file("test")[0] == 1
        second = make_order_file("test", by="stf_one")
        assert [one.end_to_end for one in orders_of(second)] == [order_of(payout).end_to_end]
    with unit(app):
        assert db.session.get_one(BankOrderFile, ("test", first.id)).raw == first.raw, "what was made stays as it was"


def test_an_order_the_bank_refused_is_in_no_later_file(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        made = make_order_file("test", by="stf_one")
    with unit(app):
        hand_file_over(get_order_file("test", made.public_id), by="stf_two")
    with unit(app):
        refuse_order(order_of(payout), by="stf_two", reason="account closed")
    with unit(app), pytest.raises(NothingToTransfer):
        make_order_file("test", by="stf_one")


def test_a_name_no_bank_can_write_is_told_and_nothing_is_made(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        order_of(payout).to_name = "🥐"
    with unit(app), pytest.raises(NotTransferable, match="no letters"):
        make_order_file("test", by="stf_one")
    with unit(app):
        assert waiting_for_a_file("test")[0] == 1


@pytest.mark.parametrize("name", ["", "🥐 ★"])
def test_money_of_a_sender_whom_the_statement_does_not_name_stops_nobody_elses(app: Flask, payout: Payout, name: str) -> None:
    with unit(app):
        back = write_order(
            "test", reference=public_id("ref"), account=order_of(payout).account, to=(name, THEIRS, ""), amount=Money(100, "EUR"), text="back"
        )  # fmt: skip
        assert back.to_name == "NOTPROVIDED"
    with unit(app):
        file = make_order_file("test", by="stf_one")
        assert file.orders == 2 and b"<Nm>NOTPROVIDED</Nm>" in file.raw


@pytest.mark.parametrize("_round", range(10))
def test_two_at_once_make_one_file(seller: Seller, payout: Payout, at_once: AtOnce, _round: int) -> None:
    def make(who: str) -> Callable[[], object]:
        return lambda: make_order_file("test", by=who)

    answers = at_once(make("stf_one"), make("stf_two"))
    assert sorted(type(answer).__name__ for answer in answers) == ["BankOrderFile", "NothingToTransfer"]


# --- what would have kept a payout from being let go keeps its order here, too ----------------------------------------------------

WHY = "The register says another name than you do."


@pytest.mark.parametrize("one", [True, False])
def test_an_order_of_a_payout_that_is_held_goes_into_no_file(app: Flask, seller: Seller, payout: Payout, one: bool) -> None:
    with unit(app):
        if one:
            hold = hold_payout(seller.shop.vendor, seller.as_it_is(payout), reason=WHY, days=2, by="stf_one")
        else:
            hold = stop(seller.shop.vendor, "test", "payouts", reason=WHY, days=2, by="stf_one")
    with unit(app), pytest.raises(NothingToTransfer):
        make_file("test", by="stf_one")
    with unit(app), pytest.raises(Conflict):
        record_made_by_hand(order_of(payout))
    with unit(app):
        assert waiting_to_leave("test")[::2] == (0, 1)
        let_go_on(seller.shop.vendor, hold, by="stf_two")
        assert orders_of(make_file("test", by="stf_one"))[0].reference == payout.public_id


def test_a_file_with_a_payout_that_is_held_meanwhile_is_not_given_to_the_bank(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        file = make_file("test", by="stf_one")
    with unit(app):
        hold_payout(seller.shop.vendor, seller.as_it_is(payout), reason=WHY, days=2, by="stf_one")
    with unit(app), pytest.raises(Conflict, match="held by now"):
        hand_file_over(get_order_file("test", file.public_id), by="stf_two")
    with unit(app), pytest.raises(TooLate):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="Another name")
    with unit(app):
        take_file_back(get_order_file("test", file.public_id), by="stf_two", reason="A payout in it is held")
    with unit(app):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="Another name")
    assert (seller.as_it_is(payout).state, seller.has(), order_of_it(app, payout).state) == ("canceled", payout.amount, "failed")
    assert seller.books_are_whole()


def test_an_order_of_a_seller_who_owes_something_since_waits(app: Flask, seller: Seller, payout: Payout) -> None:
    owed = Money(500, "EUR")
    with unit(app):
        post([book.dispute_fee(paid_by(seller), reference="txn_fee", fee=owed, available=Money(0, "EUR"), owed=owed, at=now(), through="sandbox")])  # fmt: skip
    with unit(app), pytest.raises(NothingToTransfer):
        make_file("test", by="stf_one")
    with unit(app):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="They owe a charge")
    assert seller.has() == payout.amount - owed and seller.books_are_whole()


def test_what_the_bank_has_is_neither_held_nor_called_off(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        record_made_by_hand(order_of(payout))
    for late in (
        lambda: hold_payout(seller.shop.vendor, payout, reason=WHY, days=2, by="stf_one"),
        lambda: cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="Too late"),
    ):
        with unit(app), pytest.raises(Conflict):
            late()
    assert seller.as_it_is(payout).state == "in_transit"


def test_of_what_is_kept_back_only_what_a_file_would_carry_is_counted(app: Flask, seller: Seller, payout: Payout) -> None:
    with unit(app):
        hold_payout(seller.shop.vendor, seller.as_it_is(payout), reason=WHY, days=2, by="stf_one")
        assert waiting_to_leave("test")[::2] == (0, 1) and is_kept_back(order_of(payout))
    with unit(app):
        make_order_file("test", by="stf_one")  # as one that was made before the hold
    with unit(app):
        assert waiting_to_leave("test")[::2] == (0, 0), "it stands in a file already, whose page says so"
        assert why_kept_back("test", [order_of(payout)]) == {order_of(payout).end_to_end: "held"}


def test_the_clock_looks_again_at_orders_that_were_kept_back(app: Flask) -> None:
    """Nobody says when what a seller owes is made up."""
    for _ in range(2):
        with app.app_context():
            tick()
    with unit(app):
        looks = db.select(OutboxTask).where(
            OutboxTask.job == "send_bank_orders", OutboxTask.vendor_id == book.PLATFORM, OutboxTask.state == "waiting"
        )
        assert [task.due_at - task.created_at for task in db.session.scalars(looks)] == [timedelta(seconds=SEND_SECONDS)]
