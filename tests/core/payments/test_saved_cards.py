"""Saved cards: written down once, one of them the default, put away and never deleted, and gone with the person whose they were."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.customers.block import block_customer
from core.customers.meet import CustomerBlocked
from core.customers.models import Customer
from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.payments import saved, saving
from core.payments.charge import charge_saved
from core.payments.personal_data import erase_person, personal_data
from core.payments.saved_models import SavedCard, Saving
from core.payments.start import AmountNotOffered
from core.providers.contract import Opening
from core.providers.saved import SavedMethod, SavingOutcome
from tests.cards import new_address
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, fresh, make_payment, tell, unit


def asked(shop: Shop, email: str, **more: Any) -> Saving:
    words = {"name": "Ada", "description": "Bread", "form_token": secrets.token_hex(8), **more}
    with unit(shop.app):
        return saving.request_saving(shop.vendor, "test", email=email, **words)


def kept(shop: Shop, email: str, last4: str = "4242") -> SavedCard:
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", last4, 12, 2034, "credit")
    with unit(shop.app):
        return saved.keep_card(shop.vendor.id, "test", "sandbox", method, email=email, name="Ada")


def found(shop: Shop, email: str) -> list[tuple[str, bool]]:
    with unit(shop.app):
        return [(card.last4, card.is_default) for card in saved.list_saved(shop.vendor, "test", email)]


def tasks(shop: Shop, job: str) -> int:
    with unit(shop.app):
        return db.session.query(OutboxTask).filter_by(vendor_id=shop.vendor.id, job=job).count()


def charge(shop: Shop, card: SavedCard, amount: str = "25.00", **more: Any) -> Any:
    with unit(shop.app):
        return charge_saved(
            shop.vendor, again(card), amount=Money.of(amount, "GBP"), description="Bread", reference=secrets.token_hex(8), **more
        )


def test_the_newest_card_is_the_default_until_somebody_says_otherwise(shop: Shop) -> None:
    email = new_address()
    first, _ = kept(shop, email, "1111"), kept(shop, email, "2222")
    assert found(shop, email) == [("2222", True), ("1111", False)]
    with unit(shop.app):
        saved.make_default(again(first))
    assert found(shop, email) == [("1111", True), ("2222", False)]
    assert found(shop, new_address()) == []


def test_there_is_one_default_whatever_happens_at_once(shop: Shop) -> None:
    email = new_address()
    kept(shop, email, "1111")
    other = kept(shop, email, "2222")
    with pytest.raises(IntegrityError), unit(shop.app):
        db.session.query(SavedCard).filter_by(vendor_id=shop.vendor.id, email=email).update({"is_default": True})
    assert fresh(shop, other).is_default


def test_two_people_choosing_a_default_at_once_leave_one(shop: Shop, at_once: AtOnce) -> None:
    email = new_address()
    asked(shop, email)
    cards = [kept(shop, email, last4) for last4 in ("1111", "2222", "3333")]
    answers = at_once(*(lambda card=card: saved.make_default(again(card)).last4 for card in cards[:2]))
    assert sorted(answers) == ["1111", "2222"]
    assert [default for _, default in found(shop, email)].count(True) == 1


def test_a_forgotten_card_stays_as_a_row_and_cannot_be_charged(shop: Shop) -> None:
    email = new_address()
    first, second = kept(shop, email, "1111"), kept(shop, email, "2222")
    for _ in range(2):
        with unit(shop.app):
            saved.forget(again(second))
    assert found(shop, email) == [("1111", True)] and tasks(shop, "forget_card") == 1
    with pytest.raises(saved.CardGone):
        charge(shop, second)
    with pytest.raises(saved.CardGone), unit(shop.app):
        saved.make_default(again(second))
    assert fresh(shop, first).put_away_at is None and fresh(shop, second).last4 == "2222"


def test_a_card_being_charged_is_not_forgotten(shop: Shop) -> None:
    card = kept(shop, new_address())
    charge(shop, card)
    with pytest.raises(saved.CardInUse), unit(shop.app):
        saved.forget(again(card))


def test_a_card_is_another_vendors_secret(shop: Shop, first_shop: Shop) -> None:
    card = kept(shop, new_address())
    with unit(shop.app):
        assert saved.get_saved(shop.vendor, "test", card.public_id).id == card.id
        for vendor, mode, name in (
            (first_shop.vendor, "test", card.public_id),
            (shop.vendor, "live", card.public_id),
            (shop.vendor, "test", "x"),
        ):
            with pytest.raises(NotFound):
                saved.get_saved(vendor, mode, name)


def test_it_says_when_a_card_has_run_out(shop: Shop) -> None:
    card = kept(shop, new_address())
    assert not card.expired_on(date(2034, 12, 31)) and card.expired_on(date(2035, 1, 1))


def test_nothing_like_a_card_number_fits_into_the_table(shop: Shop) -> None:
    card = kept(shop, new_address())
    with pytest.raises(Exception, match=r"too long|last4"), unit(shop.app):
        again(card).last4 = "42424"
    with pytest.raises(IntegrityError, match="last4"), unit(shop.app):
        again(card).last4 = "4x42"


# --- saving ------------------------------------------------------------------------------------------------------------


def test_the_same_form_asks_for_one_saving_and_its_news_are_noted_once(shop: Shop) -> None:
    email, token = new_address(), secrets.token_hex(8)
    once = asked(shop, email, form_token=token, on_saved="look_at_card")
    assert asked(shop, email, form_token=token, on_saved="look_at_card").id == once.id
    with unit(shop.app):
        saving.record_saving_opened(once, Opening("cs_1", redirect_url="http://p.test/1"))
    news = SavingOutcome("saved", "cs_1", SavedMethod("cus_1", f"pm_{token}", "visa", "4242", 12, 2034))
    for _ in range(3):
        with unit(shop.app):
            assert saving.settle_saving(once, news) == "saved"
    assert found(shop, email) == [("4242", True)] and tasks(shop, "look_at_card") == 1
    with pytest.raises(saving.SavingOver), unit(shop.app):
        saving.check_open(again(once))


def test_a_page_the_provider_has_closed_is_opened_anew_while_the_address_is_good(shop: Shop) -> None:
    once = asked(shop, new_address())
    with unit(shop.app):
        saving.record_saving_opened(once, Opening("cs_2", redirect_url="http://p.test/2"))
        assert saving.settle_saving(once, SavingOutcome("canceled", "cs_2")) == "asked"
    assert (fresh(shop, once).tries, fresh(shop, once).redirect_url) == (2, None)
    with unit(shop.app):
        saving.record_saving_opened(once, Opening("cs_3", redirect_url="http://p.test/3"))
        assert saving.settle_saving(once, SavingOutcome("canceled", "cs_2")) == "open", "news of the page before"
    with shifted(saving.LIFE + timedelta(minutes=1)), unit(shop.app):
        assert saving.settle_saving(once, SavingOutcome("canceled", "cs_3")) == "ended"


def test_who_is_refused_saves_no_card_and_is_not_charged(shop: Shop) -> None:
    email = new_address()
    card = kept(shop, email)
    asked(shop, email)
    with unit(shop.app):
        row = db.session.scalars(select(Customer).where(Customer.vendor_id == shop.vendor.id, Customer.email == email)).one()
        block_customer(shop.vendor, row, by=shop.user.public_id, because="no")
    with pytest.raises(CustomerBlocked):
        asked(shop, email)
    with pytest.raises(CustomerBlocked):
        charge(shop, card)


# --- charging, as far as it needs nobody --------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["0.29", "1000000.01"])
def test_a_sum_that_no_payment_may_have_is_refused_at_its_field(shop: Shop, amount: str) -> None:
    with pytest.raises(AmountNotOffered) as refusal:
        charge(shop, kept(shop, new_address()), amount)
    assert refusal.value.field == "amount" and tasks(shop, "send_charge") == 0


def test_a_charge_is_a_payment_without_a_link_that_says_its_card_from_the_start(shop: Shop) -> None:
    payment = charge(shop, kept(shop, new_address()))
    assert (payment.link_id, payment.state, payment.card_last4, payment.method, payment.fee_minor) == (None, "created", "4242", "card", 63)
    assert tasks(shop, "send_charge") == 1
    with unit(shop.app):
        card = saved.card_charged(shop.vendor, payment)
        assert card is not None and card.last4 == "4242"


def test_a_payment_through_a_link_was_charged_to_no_saved_card(shop: Shop) -> None:
    payment = make_payment(shop)
    assert tell(shop, payment, None, "requires_action") == "told"
    with unit(shop.app):
        assert saved.card_charged(shop.vendor, again(payment)) is None


# --- the person --------------------------------------------------------------------------------------------------------


def test_saved_cards_are_handed_out_and_go_with_the_person(shop: Shop) -> None:
    email = new_address()
    asked(shop, email)
    card = kept(shop, email)
    with unit(shop.app):
        row = db.session.scalars(select(Customer).where(Customer.vendor_id == shop.vendor.id, Customer.email == email)).one()
        assert [one["last_four_digits"] for one in personal_data(shop.vendor, row)["saved_cards"]] == ["4242"]
        erase_person(shop.vendor, row, by=shop.user.public_id)
    gone = fresh(shop, card)
    assert gone.put_away_at and gone.name == "" and gone.email.endswith("@erased.invalid") and tasks(shop, "forget_card") == 1
    with unit(shop.app):
        assert db.session.query(Saving).filter_by(vendor_id=shop.vendor.id, email=email).count() == 0
