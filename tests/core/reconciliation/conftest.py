"""A shop, and a processor that holds its money."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core.kernel.db import db
from core.reconciliation.models import ReconSettlement
from tests.core.payments.conftest import at_once, first_shop, shop
from tests.core.reconciliation.processor import Processor
from tests.factories import Shop, unit

__all__ = ["at_once", "first_shop", "shop"]


@pytest.fixture
def processor(shop: Shop) -> Processor:
    """One nobody else has. Payouts that other tests left under way are not looked for among its lines."""
    with unit(shop.app):
        db.session.execute(update(ReconSettlement).where(ReconSettlement.line.is_(None)).values(line="lost"))
    return Processor(shop)
