"""What the seller's people find among their notices when a payout moves on."""

from __future__ import annotations

import dataclasses

import pytest

from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Notice
from core.payouts.approve import cancel_payout
from core.payouts.models import Payout
from core.payouts.queries import lock_payouts
from core.payouts.settle import handed_over
from tests.core.payouts.sellers import Seller
from tests.factories import unit


def told(seller: Seller, payout: Payout) -> list[str]:
    with unit(seller.shop.app):
        rows = db.session.query(Notice).filter_by(vendor_id=seller.shop.vendor.id, about=payout.public_id).order_by(Notice.id)
        return [row.kind for row in rows]


def test_each_step_is_news_once(seller: Seller) -> None:
    payout = seller.pays_out(token="a-form-sent-twice")
    seller.pays_out(token="a-form-sent-twice")
    for _ in range(2):
        with unit(seller.shop.app):
            handed_over(lock_payouts({(payout.vendor_id, payout.public_id)}, "test"))
    seller.bank_says(payout)
    assert told(seller, payout) == ["payout_asked", "payout_left", "payout_paid"]


def test_one_that_is_called_off_says_so(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.payouts.request.settings", lambda: dataclasses.replace(settings(), payout_limits={}))  # so that it waits
    payout = seller.pays_out()
    with unit(seller.shop.app):
        cancel_payout(
            seller.shop.vendor,
            db.session.get_one(Payout, (payout.vendor_id, payout.mode, payout.id)),
            by="stf_one",
            reason="Asked for twice",
        )
    assert told(seller, payout) == ["payout_asked", "payout_called_off"]
