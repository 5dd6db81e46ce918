"""What is pending becomes available when its time has come: each book is a unit of work by itself (core/payments/release.py: release_book)."""

from __future__ import annotations

import structlog

from core.kernel.db import DATABASE_AWAY, unit_of_work
from core.payments.release import books_due, release_book

log = structlog.get_logger("workers")
MOST = 200  # payments in one look


def release_next() -> int:
    """Some of what is due, what waits longest first; answers how many payments. A book that fails holds no other back."""
    released = 0
    with unit_of_work():
        books = books_due()
    for vendor_id, mode in books:
        if released >= MOST:
            break
        try:
            with unit_of_work():
                released += release_book(vendor_id, mode, MOST - released)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("release_failed", vendor=str(vendor_id), mode=mode)
    return released


def release_all() -> None:
    """All that is due and that its book holds."""
    while release_next():
        pass
