"""The audit's jobs: prove one book, or all of them one after the other, and write down what was found."""

from __future__ import annotations

import uuid
from datetime import timedelta

from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.ledger.chain import AUDIT, Key
from core.ledger.proof import look_for_breaks, record_proof
from core.ledger.proof_run import count_book, end_run, next_book, note_book, place_of
from workers.chains import link_all

AT_A_TIME = timedelta(seconds=20)  # well within a task's lease; then the rest of the run waits its turn like any other work


def prove_book(vendor_id: uuid.UUID, *, mode: str) -> list[str]:
    """Links what its chain has not got yet, then only reads while it proves; the result is written down in a unit of its own. Twice is as good as once."""
    began = now()
    link_all(Key(vendor_id, mode))
    if (vendor_id, mode) == AUDIT[:2]:
        link_all(AUDIT)
    with unit_of_work():
        breaks = look_for_breaks(vendor_id, mode)
    took = now() - began
    with unit_of_work():
        record_proof(vendor_id, mode, breaks, took=took)
    return breaks


def prove_books(house: uuid.UUID, *, run: str) -> None:
    """Goes on with a run for a while, from the book after the last that is done: a worker that was killed loses one book's work."""
    run_id, until = uuid.UUID(run), now() + AT_A_TIME
    while now() < until:
        with unit_of_work():
            found = place_of(run_id)
            book = next_book(found[0]) if found else None
        if found is None:
            return
        if book is None:
            with unit_of_work():
                end_run(run_id)
            return
        breaks = prove_book(book[0], mode=book[1])
        with unit_of_work():
            if not note_book(run_id, found[1], book, breaks, size=count_book(*book)):
                return
    with unit_of_work():
        enqueue("prove_books", house, queue="papers", run=run)
