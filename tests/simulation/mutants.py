"""Rules that are taken out of the product, one at a time, to see that the simulation misses them. Nothing here runs but in its own process."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.simulation.weather import put_in_place


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
    """The questions about payments, refunds and disputes whose news never came: the clock's, and those of the look at night, which stands in for it."""
    import core.reconciliation.rules as rules
    import workers.schedule as schedule

    put_in_place(rules, ask_again=lambda *_, **__: False)
    gone = {"_ask_about_attempts", "_ask_about_refunds", "_ask_about_disputes"}
    put_in_place(schedule, PARTS=tuple(part for part in schedule.PARTS if part.__name__ not in gone))


def a_refund_that_is_there_twice_is_asked_about_as_ours() -> None:
    """The number of the second, under which the look asks about what nobody told."""
    import core.reconciliation.ask as asking

    put_in_place(asking, _is_another=lambda *_: False)


def what_the_bank_takes_back_is_a_debit_like_others() -> None:
    """Finding the credit that a statement says is taken back."""
    import core.payments.bank_lines as lines

    put_in_place(lines, _original=lambda *_: None)


MUTANTS: dict[str, Callable[[], None]] = {
    act.__name__: act for act in (nobody_takes_up_what_a_dead_worker_had, a_fee_is_booked_for_every_message, nobody_asks_what_was_not_told)
}
# Taken out all at once, for time: each is missed by a sentence of its own.
TOGETHER: dict[str, tuple[Callable[[], None], str]] = {
    act.__name__: (act, sentence)
    for act, sentence in (
        (a_refund_that_is_there_twice_is_asked_about_as_ours, ", of which nobody told: "),
        (what_the_bank_takes_back_is_a_debit_like_others, " on 1035, it should be "),
    )
}


def take_out(name: str) -> None:
    """One of them, or those that go together."""
    for act in [MUTANTS[name]] if name in MUTANTS else [act for act, _ in TOGETHER.values()]:
        act()
