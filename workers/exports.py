"""The export job: writes a long list piece by piece, each with how far it is, and goes on in another turn when it takes long."""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog

from core.kernel.clock import now
from core.kernel.db import DATABASE_AWAY, unit_of_work
from core.kernel.outbox import enqueue
from core.payments.long_export import record_failure, write_next

TURN = timedelta(seconds=20)  # well within a lease; then receipts and posters get their turn
log = structlog.get_logger("workers")


def write_export(vendor_id: uuid.UUID, *, mode: str, export: str) -> None:
    """Go on where the writing stands, for a while. A killed worker loses the piece it was at and nothing else."""
    key, until = (vendor_id, mode, uuid.UUID(export)), now() + TURN
    try:
        while _next(*key):
            if now() >= until:
                with unit_of_work():
                    enqueue("write_export", vendor_id, queue="papers", mode=mode, export=export)
                return
    except DATABASE_AWAY:
        raise  # that says nothing of this export
    except Exception:
        with unit_of_work():
            given_up = record_failure(*key)
        if not given_up:
            raise
        log.exception("export_failed", export=export)


def _next(vendor_id: uuid.UUID, mode: str, export_id: uuid.UUID) -> bool:
    with unit_of_work():
        return write_next(vendor_id, mode, export_id)
