"""The chains' job: links what has been booked, and what was written into the log, since it last looked."""

from __future__ import annotations

import uuid
from datetime import timedelta

from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.ledger.chain import AUDIT, Key, books_with_news, extend

AT_A_TIME = timedelta(seconds=20)  # well within a task's lease; the rest is found again at the next look


def extend_chains(house: uuid.UUID) -> None:
    """Each chain in a unit of its own: one that somebody else holds is passed over."""
    until = now() + AT_A_TIME
    with unit_of_work():
        books = books_with_news()
    for key in (AUDIT, *books):
        more = True
        while more and now() < until:
            with unit_of_work():
                more = extend(key)


def link_all(key: Key) -> None:
    """Everything of this chain, however old it says it is."""
    more = True
    while more:
        with unit_of_work():
            more = extend(key, sweep=True)
