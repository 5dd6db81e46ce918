"""A seller's account at the processor: its state is the processor's word, and payouts go there by the rules of every account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.models import Notice
from core.payouts.accounts import COOLING_OFF, BadPayoutAccount, add_account, find_account, paid_out_in
from core.payouts.request import NotPayable
from core.providers.registry import provider_named
from tests.core.payments.conftest import another_shop
from tests.core.payouts.carried import IBAN, CarriedSeller
from tests.core.payouts.sellers import THEIRS
from tests.factories import Shop, unit

OTHER = "GB33BUKB20201555555555"


@pytest.fixture
def seller(shop: Shop) -> CarriedSeller:
    return CarriedSeller(shop)


def test_it_is_opened_once_and_says_what_the_processor_says(seller: CarriedSeller) -> None:
    first = seller.opens()
    assert (first.state, first.due > 0, seller.opens().provider_reference) == ("to_complete", True, first.provider_reference)
    for standing, state in (("under_review", "under_review"), ("needs_more", "to_complete"), ("restricted", "restricted")):
        found = seller.decided(outcome=standing)
        assert found.state == state and found.reason and not found.pays_out("USD")
    ready = seller.decided(outcome="ready", currency="usd", iban=IBAN)
    assert ready.pays_out("USD") and not ready.pays_out("EUR") and ready.banks["USD"]["last4"] == IBAN[-4:]
    assert ready.next_look_at is not None


def test_payouts_go_there_when_it_is_ready_and_not_before(seller: CarriedSeller) -> None:
    seller.opens()
    with pytest.raises(BadPayoutAccount, match="cannot pay out in USD yet"):
        seller.uses_it()
    seller.decided(outcome="ready", currency="usd", iban=IBAN)
    with pytest.raises(BadPayoutAccount, match="cannot pay out in JPY yet"):
        seller.uses_it("JPY")
    made = seller.uses_it()
    assert (made.rail, made.through, made.ends_in, made.iban) == ("processor", "Sandbox processor", IBAN[-4:], "")
    assert seller.uses_it().public_id == made.public_id, "said again it is the same"
    seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        seller.decided(outcome="restricted")
        with pytest.raises(NotPayable, match="is not ready"):
            seller.pays_out()
        seller.decided(outcome="ready")
        assert seller.pays_out().state == "submitted"


def test_it_cools_off_like_any_account_and_everybody_is_told(seller: CarriedSeller) -> None:
    with unit(seller.shop.app):
        add_account(seller.shop.vendor, "test", currency="USD", holder="Blue Door", iban=THEIRS, by="usr_owner")
    seller.opens()
    seller.decided(outcome="ready", currency="usd", iban=IBAN)
    made = seller.uses_it()
    assert made.usable_from - made.added_at == COOLING_OFF
    with unit(seller.shop.app):
        mine = select(Notice).where(Notice.vendor_id == seller.shop.vendor.id, Notice.kind == "payout_account")
        assert made.public_id in [notice.about for notice in db.session.scalars(mine)]


def test_another_bank_account_behind_it_is_another_account_here(seller: CarriedSeller) -> None:
    """Whoever has taken the seller's account at the processor over must not be paid unseen."""
    seller.connects()
    with unit(seller.shop.app):
        before = find_account(seller.shop.vendor, "test", "USD")
    seller.looks()
    seller.decided(currency="usd", iban=OTHER)
    with unit(seller.shop.app):
        after = find_account(seller.shop.vendor, "test", "USD")
    assert before is not None and after is not None and after.public_id != before.public_id
    assert (after.ends_in, after.added_by, after.usable_from - after.added_at) == (OTHER[-4:], "provider", COOLING_OFF)
    seller.sells("100.00")
    with shifted(timedelta(hours=1)), pytest.raises(NotPayable, match="can be used from"):
        seller.pays_out()


def test_a_message_about_somebody_elses_account_changes_nothing(seller: CarriedSeller) -> None:
    seller.connects()
    other = CarriedSeller(another_shop(seller.shop))
    other.opens()
    theirs = other.receiver().provider_reference
    with seller.shop.app.app_context():
        from workers.payouts import look_at_receiver

        look_at_receiver(seller.shop.vendor.id, mode="test", provider="sandbox", receiver=theirs or "")
    assert seller.receiver().state == "ready" and seller.receiver().provider_reference != theirs


def test_an_answer_that_is_lost_opens_one_account(seller: CarriedSeller) -> None:
    from core.providers.contract import ProviderUnreachable

    seller.processor.story("timeout_after", times=1, seconds=0, path="/v1/accounts")
    with pytest.raises(ProviderUnreachable):
        seller.opens()
    assert seller.receiver().state == "opening"
    made = seller.opens()
    mine = seller.processor.call("GET", "/v1/accounts?limit=100")["data"]
    assert [one["id"] for one in mine if one["metadata"].get("vendor") == seller.shop.vendor.public_id] == [made.provider_reference]
    with seller.shop.app.app_context():
        assert provider_named("sandbox", "test").name == "sandbox"


def test_a_currency_only_the_processor_pays_out_is_offered(seller: CarriedSeller) -> None:
    seller.opens()
    ready = seller.decided(outcome="ready", currency="kwd", iban=IBAN)
    with unit(seller.shop.app):
        assert "KWD" in paid_out_in(seller.shop.vendor, "test", ready)
