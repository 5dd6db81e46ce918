"""The job that closes a day: waits for what was under way, links and proves what moved, closes the day, and has its paper printed."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

import structlog

from core.accounts.everywhere import vendors_by_id
from core.accounts.house import house as the_house
from core.accounts.staff import staff_names
from core.accounts.staff_papers import readers_of_day_papers
from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.ledger.chain import extend
from core.ledger.close_day import finish_close, is_closing, keep_paper, next_to_link, next_to_prove, put_up_fence
from core.ledger.day_models import DayPaper
from core.ledger.days import find_paper, get_day
from core.notifications.notify import notify
from core.web.day_paper import day_html
from core.web.pdf import render_pdf
from workers.proofs import prove_book

AT_A_TIME = timedelta(seconds=20)  # well within a task's lease
SOON = 2  # seconds until it is looked again whether all that was under way has ended
SECONDS_FOR_A_PAPER = 45
log = structlog.get_logger("workers")


def close_day(house: uuid.UUID, *, mode: str, day: str) -> None:
    """Goes on from wherever it stands. Nothing is lost and nothing counts twice when it is killed."""
    on, until = date.fromisoformat(day), now() + AT_A_TIME
    with unit_of_work():
        put_up_fence(mode, on)
    with unit_of_work():
        going, free = is_closing(mode, on), put_up_fence(mode, on)
    if not going:
        return
    if not (free and _link(mode, on, until) and _prove(mode, on, until)):
        with unit_of_work():
            enqueue("close_day", house, queue="papers", due_in=0 if free else SOON, mode=mode, day=day)
        return
    with unit_of_work():
        finish_close(mode, on, staff_names())


def _link(mode: str, day: date, until: datetime) -> bool:
    while True:
        with unit_of_work():
            key = next_to_link(mode, day)
        if key is None:
            return True
        if now() > until:
            return False
        with unit_of_work():
            extend(key, sweep=True)


def _prove(mode: str, day: date, until: datetime) -> bool:
    while True:
        with unit_of_work():
            book = next_to_prove(mode, day)
        if book is None:
            return True
        if now() > until:
            return False
        prove_book(book[0], mode=book[1])


def print_day(house: uuid.UUID, *, mode: str, day: str) -> DayPaper:
    """Print the paper of a closed day and keep it. Raises PaperNotPrinted when the press cannot: try again later."""
    on = date.fromisoformat(day)
    with unit_of_work():
        if (kept := find_paper(mode, on)) is not None:
            return kept
        html = written(mode, on)
    printed = render_pdf(html, seconds=SECONDS_FOR_A_PAPER)
    if printed.refused:
        log.warning("paper_wanted_files", day=day, addresses=printed.refused)
    with unit_of_work():  # whoever is to have it is written to with the keeping of it, so however often it is printed they are once
        paper, first = keep_paper(mode, on, pdf=printed.data)
        for reader in readers_of_day_papers() if first else ():
            notify(the_house(), "day_paper", mode=mode, to=reader.email, locale=reader.language or "en", day=day)
        return paper


def written(mode: str, day: date) -> str:
    """All that the paper says comes from what was written down when the day was closed: the same today and in ten years."""
    row = get_day(mode, day)
    heads = (row.facts or {}).get("heads", [])
    names = {str(vendor.id): vendor.public_id for vendor in vendors_by_id({uuid.UUID(head[0]) for head in heads}).values()}
    return day_html(row, names)
