"""Money on our bank account that nobody knows: what it is and why nobody knows it. Deciding whose it is stays on the command line."""

from __future__ import annotations

from flask import Response

from core.kernel.money import Money
from core.payments.unknown import WORDS, list_unknown
from core.web.page import page
from core.web.staff_guard import staff_may
from portal.admin.blueprint import staff_door

WORLDS = ("live", "test")


@staff_door.get("/staff/bank-money")
@staff_may("bank.see")
def bank_money() -> Response:
    """The oldest hundred of each mode: what is decided makes room for the next."""
    lines = [(line, Money(line.sign * line.amount_minor, line.currency)) for mode in WORLDS for line in list_unknown(mode)]
    return page("portal/admin/bank_money/index.html", lines=lines, words=WORDS)


def count_unknown_up_to(most: int) -> int:
    """How many lines wait for a person, counted no further than `most`."""
    return min(most, sum(len(list_unknown(mode, limit=most)) for mode in WORLDS))
