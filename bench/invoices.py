"""F8 for invoices: the job that makes one, with its e-invoice inside, against bare WeasyPrint on the same HTML, both warm."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import date
from statistics import median

from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.papers import Bare
from bench.processes import cpu_seconds, memory_mb
from bench.stack import Services
from bench.world import make_vendors
from core.accounts.house import HOUSE, house, write_details
from core.billing import queries, store
from core.billing.models import BillingDocument
from core.billing.price_list import publish_terms
from core.billing.store import Beginning
from core.billing.terms import POLICY
from core.kernel.db import db, unit_of_work
from core.subscriptions.papers import ask_for_papers, find_paper, stood
from core.subscriptions.sheet import sheet_of
from core.web import pdf
from core.web.invoice import invoice_html
from workers.invoices import make_invoice

WARM = 4


def _invoices(services: Services, count: int) -> list[uuid.UUID]:
    """So many invoices that are final and not printed yet: each the first of a subscription that was begun and paid in the usual way."""
    with services.connect() as connection:
        vendors = make_vendors(connection, count)
    with unit_of_work():
        publish_terms(house(), "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        for vendor_id in (HOUSE, *(vendor.id for vendor in vendors)):
            address = {"street": "1 Harbour Street", "postcode": "BS1 5DB", "city": "Bristol"}
            write_details(vendor_id, legal_name="Lively and Sons Ltd", **address, vat_id="GB980780684", tax_bps=2000)
        rows = [_begun(vendor.public_id) for vendor in vendors]
    with unit_of_work():
        mine = db.session.query(BillingDocument.id).filter_by(vendor_id=HOUSE, mode="test", state="final")
        return [id for (id,) in mine.filter(BillingDocument.subscription_id.in_([row.id for row in rows]))]


def _begun(subscriber: str) -> store.KeptSubscription:
    wish = Beginning("pro", "Europe/London", branches=3, products=40, tax_bps=2000)
    row = store.begin_subscription(house(), "test", subscriber=subscriber, wish=wish, by="bench")
    store.receive(row, (1,), queries.read(row).open[0].due)
    row.followed = row.events
    ask_for_papers(row)
    return row


def _html(document: uuid.UUID) -> str:
    """What the job has printed."""
    with unit_of_work():
        row = db.session.get_one(BillingDocument, (HOUSE, "test", document))
        paper = find_paper(row)
        assert paper is not None
        return invoice_html(sheet_of(row, stood(paper)), written_at=paper.asked_at, locale=paper.locale, carries_xml=True)


def invoices(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Invoices for each second of processor time; ours counts the worker, the press, and PostgreSQL, which is asked and keeps them."""
    rounds, each = (9, 20) if full else (5, 8)
    with app.app_context():
        waiting = _invoices(services, WARM + rounds * each)
        seen, sizes = [], []

        def make() -> None:
            paper = make_invoice(HOUSE, mode="test", document=str(waiting.pop()))
            if paper is None or not paper.pdf or not paper.xml:
                raise RuntimeError("an invoice was not printed, or carries no e-invoice")
            sizes.append(len(paper.pdf))

        bare = Bare(_html(waiting[0]))
        try:
            bare.print(WARM)
            for _ in range(WARM):
                make()
            press = pdf._warm_press().process.pid
            for number in range(rounds):
                say(f"F8 invoices, round {number + 1} of {rounds}")
                limit = bare.print(each)
                before, mine = cpu_seconds(press, services.postgres_pid), time.process_time()
                for _ in range(each):
                    make()
                spent = cpu_seconds(press, services.postgres_pid) - before + time.process_time() - mine
                seen.append((each / spent, each / limit))
            size = memory_mb(press)
        finally:
            bare.close()
            pdf._retire()
    note = "limit: bare WeasyPrint, same HTML, warm, no archive and no XML"
    return [
        compared("F8", "invoices made by their job per core, PDF/A-3 with Factur-X", "/s", seen, goal=0.85, note=note),
        alone("F8", "… size of one", "kB", median(sizes) / 1000),
        alone("F8", "… memory of the press", "MB", size),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F8-INVOICES": invoices}
