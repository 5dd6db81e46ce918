"""The audit's job: proves one book, and writes down what it found."""

from __future__ import annotations

import uuid

from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.ledger.proof import look_for_breaks, record_proof


def prove_book(vendor_id: uuid.UUID, *, mode: str) -> None:
    """Only reads while it proves, in a unit of its own; the result is written down in the next. Twice is as good as once."""
    began = now()
    with unit_of_work():
        breaks = look_for_breaks(vendor_id, mode)
    took = now() - began
    with unit_of_work():
        record_proof(vendor_id, mode, breaks, took=took)
