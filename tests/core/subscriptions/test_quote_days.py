"""A price list counts for a business from the midnight on its own wall, and so does the price it is shown before it begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from flask import Flask

from core.accounts.models import Vendor
from core.billing.terms import POLICY
from core.kernel.clock import frozen
from core.kernel.db import locked
from core.subscriptions.quote import quote_beginning
from tests.core.billing.story import gbp
from tests.core.subscriptions.plans import publish
from tests.factories import make_shop, unit

NIGHT = datetime(2899, 3, 1, 11, 30, tzinfo=UTC)  # half past eleven in the morning at Greenwich, half an hour into the 2nd in Auckland
DEARER = replace(POLICY, tiers=tuple(replace(tier, price=tier.price + gbp("1.00")) for tier in POLICY.tiers))


def test_a_newcomer_is_shown_what_counts_on_its_own_day(app: Flask) -> None:
    publish(app, POLICY, valid_from=date(2899, 3, 1))
    publish(app, DEARER, valid_from=date(2899, 3, 2))
    for zone, day, terms in (("Europe/London", 1, POLICY), ("Pacific/Auckland", 2, DEARER)):
        shop = make_shop(app)
        with frozen(NIGHT), unit(app):
            vendor = locked(Vendor, shop.vendor.id)
            assert vendor is not None
            vendor.time_zone = zone
            quote = quote_beginning(vendor, "test", tier="starter")
            assert (quote.after.today.day, quote.offer.terms.tiers) == (day, terms.tiers)
