"""What is kept in reserve of a seller's sales: the rule in words, what is given back on which day, and each payment it was kept of."""

from __future__ import annotations

from flask import Response, request, url_for

from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.ledger.book import RESERVE
from core.ledger.queries import balance
from core.payments.queries import references_of
from core.payments.reserve import list_days, list_held
from core.payments.reserve_rules import list_rules, rule_of
from core.web.guard import current, may
from core.web.page import cursor, moment_and_row, page
from portal.blueprint import portal

ON_A_PAGE = 50


@portal.get("/portal/balance/reserve/held")
@may("balance.see")
def reserve() -> Response:
    """`?currency=` names the purse; without it the vendor's own."""
    me, code, after = current(), request.args.get("currency", current().vendor.currency), cursor()
    if not is_currency(code):
        raise NotFound
    held = list_held(me.vendor, me.mode, code, after=moment_and_row(after) if after else None, limit=ON_A_PAGE + 1)
    last = held[ON_A_PAGE - 1] if len(held) > ON_A_PAGE else None
    days = list_days(me.vendor, me.mode, code, zone=me.vendor.time_zone)
    return page(
        "portal/reserve/show.html",
        currency=code,
        total=balance(me.vendor, me.mode, "seller_hold", code, RESERVE),
        rule=rule_of(me.vendor.id, me.mode),
        rules=[row for row in list_rules(me.vendor, me.mode) if row.state == "in_force"],
        days=days,
        held=held[:ON_A_PAGE],
        references=references_of(me.vendor, me.mode, {hold.payment for hold in held}),
        newest=url_for(".reserve", currency=code) if after else None,
        older=url_for(".reserve", currency=code, after=f"{last.due_at.isoformat()}~{last.id}") if last else None,
    )
