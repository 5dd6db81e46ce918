"""What a checkout of several sellers and its orders may become. A move that is not in these tables does not happen."""

from __future__ import annotations

from core.kernel.errors import Conflict

KEEP, ALL_OR_NOTHING = "keep", "all_or_nothing"
RULES = frozenset({KEEP, ALL_OR_NOTHING})  # what becomes of the orders that are paid when another one cannot be

# Money that arrives after an end is booked, never ignored: hence over may still become paid, and an ended checkout move again.
ORDER: dict[str, frozenset[str]] = {
    "waiting": frozenset({"paying", "over"}),  # for the payer's card
    "paying": frozenset({"action", "declined", "paid", "over"}),
    "action": frozenset({"paying", "declined", "paid", "over"}),  # the payer's bank wants to hear from them
    "declined": frozenset({"paying", "action", "paid", "over"}),  # and the payer may try another card
    "paid": frozenset(),
    "over": frozenset({"paid"}),  # nothing was taken, and nothing will be asked for
}
CHECKOUT: dict[str, frozenset[str]] = {
    "open": frozenset({"paying", "expired"}),
    "paying": frozenset({"waiting", "done", "partly", "unpaid", "unwinding", "undone"}),
    "waiting": frozenset({"paying", "done", "partly", "unpaid", "unwinding", "undone"}),
    "unwinding": frozenset({"undone"}),  # what was paid goes back
    "done": frozenset(),
    "partly": frozenset({"done"}),
    "unpaid": frozenset({"partly", "done"}),
    "undone": frozenset({"unwinding"}),
    "expired": frozenset(),
}
# What an order is by the state of its payment. One that a seller marked as paid elsewhere has brought no money here.
BY_PAYMENT = {
    "created": "paying",
    "processing": "paying",
    "unknown": "paying",
    "requires_action": "action",
    "requires_method": "declined",
    "succeeded": "paid",
    "canceled": "over",
    "expired": "over",
    "marked_paid": "over",
}
UNDER_WAY = frozenset({"paying", "waiting", "unwinding"})


class IllegalMove(Conflict):
    """The order or the checkout cannot go from where it is to where it was told to go."""

    code = "illegal_move"
