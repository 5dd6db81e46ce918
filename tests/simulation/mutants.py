"""Rules that are taken out of the product, one at a time, to see that the simulation misses them. Nothing here runs but in its own process."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.simulation.weather import put_in_place


def a_refund_has_a_new_name_each_time() -> None:
    """The key by which the processor knows that it was asked before."""
    from core.providers.stripe import Stripe

    honest: Callable[..., Any] = Stripe.refund

    def refund(self: Stripe, reference: str, *more: Any) -> Any:
        return honest(self, f"{reference}-{secrets.token_hex(4)}", *more)

    put_in_place(Stripe, refund=refund)


def nobody_takes_up_what_a_dead_worker_had() -> None:
    """The lease, after which a task is due again."""
    import workers.runner as runner

    put_in_place(runner, LEASE=timedelta(days=4_000))


def a_fee_is_booked_for_every_message() -> None:
    """The name of a fee's journal, which is made from the processor's own line."""
    import core.ledger.book as book

    honest: Callable[..., Any] = book.processor_fee

    def fee(payment: Any, **facts: Any) -> Any:
        return honest(payment, **facts | {"reference": f"{facts['reference']}-{secrets.token_hex(3)}"})

    put_in_place(book, processor_fee=fee)


def nobody_asks_what_was_not_told() -> None:
    """The clock's questions about payments, refunds and disputes whose news never came."""
    import workers.schedule as schedule

    gone = {"_ask_about_attempts", "_ask_about_refunds", "_ask_about_disputes"}
    put_in_place(schedule, PARTS=tuple(part for part in schedule.PARTS if part.__name__ not in gone))


MUTANTS: dict[str, Callable[[], None]] = {
    act.__name__: act
    for act in (
        a_refund_has_a_new_name_each_time, nobody_takes_up_what_a_dead_worker_had, a_fee_is_booked_for_every_message, nobody_asks_what_was_not_told,
    )
}  # fmt: skip
# Where a missing rule matters soon: which acts happen in that world, and how rough its network is. The others are missed anywhere.
WORLDS: dict[str, tuple[dict[str, int], float]] = {
    "a_refund_has_a_new_name_each_time": ({"sets_out": 2, "comes_back": 1, "gives_back": 3}, 0.5),
}
