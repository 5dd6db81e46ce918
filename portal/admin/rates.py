"""The reference rates as staff see them: each currency's newest, its day, where it came from, and whether it is too old to be used."""

from __future__ import annotations

from flask import Response

from core.fx.rates import is_stale, is_too_old, list_rates
from core.kernel.config import settings
from core.web.page import page
from core.web.staff_guard import staff_may
from portal.admin.blueprint import staff_door


@staff_door.get("/staff/rates")
@staff_may("balances.see")
def rates() -> Response:
    found = list_rates()
    ages = {
        rate.currency: "old" if is_too_old(rate.published_on) else "stale" if is_stale(rate.published_on) else "fresh" for rate in found
    }
    return page("portal/admin/rates/index.html", rates=found, ages=ages, feed=settings().rates_url, margin_bps=settings().fx_margin_bps)
