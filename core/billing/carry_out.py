"""Carries out what an act of billing wants done: documents that are drafted, numbered or dropped, and charges that are wanted or stopped."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from core.accounts.models import Vendor
from core.billing.calendar import BillingZone, instant_on
from core.billing.clock import clock_of, day_at_the_seller, really
from core.billing.codec import encode
from core.billing.effects import ChargeWanted, Drafted, Dropped, Effect, Finalised, RetriesStopped
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.number import series_of, take_number
from core.billing.parties import Parties
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import named_id, public_id, uuid7

WITHIN_THE_HOUR = timedelta(minutes=50)  # a renewal may still be looked at; then it is final


def carry_out(row: KeptSubscription, zone: BillingZone, effects: tuple[Effect, ...], parties: Parties) -> None:
    """In their order, in the present transaction. What a later layer does with notices and the books reads the event itself.

    New rows wait in the session until something is asked of the database: at a midnight those of many are written together.
    """
    for place, effect in enumerate(effects):
        match effect:
            case Drafted(document):
                _draft(row, document, parties)
            case Finalised(ordinal):
                finalise(_document(row, ordinal))
            case Dropped(ordinal):
                _document(row, ordinal).state = "dropped"
            case ChargeWanted():
                _want(row, zone, place, effect)
            case RetriesStopped(documents):
                _stop(row, documents)
            case _:
                pass


def _draft(row: KeptSubscription, document: Document, parties: Parties) -> None:
    seller, buyer = parties.of(row)
    made = BillingDocument(
        vendor_id=row.vendor_id, mode=row.mode, id=uuid7(), public_id=public_id("doc"), subscription_id=row.id, ordinal=document.number,
        kind=document.kind, origin=document.origin, state="draft", on_day=document.on, currency=document.currency,
        net_minor=document.net.minor, tax_minor=document.tax.minor, gross_minor=document.gross.minor, body=encode(document),
        seller=seller, buyer=buyer, final_due_at=now() + WITHIN_THE_HOUR if document.until == "hour" else None,
        series=None, number=None, issued_on=None, made_at=now(),
    )  # fmt: skip
    db.session.add(made)
    if document.until == "now":
        db.session.flush()
        for earlier in _waiting(row):  # whatever it corrects has its number first
            finalise(earlier)
        finalise(made)


def _waiting(row: KeptSubscription) -> list[BillingDocument]:
    """Drafts that only wait for their hour."""
    mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    waiting = mine.where(
        BillingDocument.subscription_id == row.id, BillingDocument.state == "draft", BillingDocument.final_due_at.is_not(None)
    )
    return list(db.session.scalars(waiting.order_by(BillingDocument.ordinal).with_for_update()))


def finalise(document: BillingDocument) -> None:
    """Give the document its number, once, and the seller's own day as the day of issue. From then on PostgreSQL keeps it as it is."""
    if document.state != "draft":
        return
    seller = db.session.get_one(Vendor, document.vendor_id)
    series = series_of(document.kind, document.mode)
    number, issued_on = take_number(document.vendor_id, document.mode, series, day_at_the_seller(seller, now()))
    if document.mode == "test":
        issued_on = _issued_by_its_clock(document, seller, issued_on)
    document.series, document.number, document.issued_on, document.state = series, number, issued_on, "final"
    db.session.flush()


def _issued_by_its_clock(document: BillingDocument, seller: Vendor, issued_on: date) -> date:
    """A clock that was moved says the day of its own documents alone: the days of the series go on by the real one."""
    row = db.session.get_one(KeptSubscription, (document.vendor_id, document.mode, document.subscription_id))
    return day_at_the_seller(seller, clock_of(row)) if row.ahead_seconds else issued_on


def finalise_due(limit: int = 200) -> list[BillingDocument]:
    """Drafts whose hour is over become final, oldest first; answers which. Two runs never take the same one."""
    due = select(BillingDocument).where(BillingDocument.state == "draft", BillingDocument.final_due_at <= now())
    found = list(
        db.session.scalars(
            due.order_by(BillingDocument.final_due_at, BillingDocument.ordinal, BillingDocument.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    sellers = [db.session.get_one(Vendor, id) for id in {document.vendor_id for document in found}]  # held, so that each is read once
    for document in found:
        finalise(document)
    del sellers
    return found


def finalise_due_of(row: KeptSubscription) -> None:
    """The same for one subscription."""
    for document in _waiting(row):
        if document.final_due_at is not None and document.final_due_at <= now():
            finalise(document)


def _document(row: KeptSubscription, ordinal: int) -> BillingDocument:
    db.session.flush()
    mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    return db.session.scalars(
        mine.where(BillingDocument.subscription_id == row.id, BillingDocument.ordinal == ordinal).with_for_update()
    ).one()


def _want(row: KeptSubscription, zone: BillingZone, place: int, wanted: ChargeWanted) -> None:
    due_at = now() if wanted.at_minute is None else really(row, instant_on(wanted.on, wanted.at_minute, zone))
    db.session.add(
        BillingCharge(
            vendor_id=row.vendor_id, mode=row.mode, id=uuid7(), public_id=_number(row, place), subscription_id=row.id, event_seq=row.events,
            place=place, documents=list(wanted.documents), currency=wanted.amount.currency, amount_minor=wanted.amount.minor,
            attempt=wanted.attempt, state="wanted", payment_id=None, due_at=due_at, made_at=now(), ended_at=None,
        )
    )  # fmt: skip


def _number(row: KeptSubscription, place: int) -> str:
    """From what it is: when the database was restored and the same charge is wanted anew, it has the name by which it was paid already."""
    return named_id("chg", f"{row.vendor_id}:{row.mode}:{row.id}:{row.events}:{place}")


def _stop(row: KeptSubscription, documents: tuple[int, ...]) -> None:
    """No charge that is only planned may be made any more: those for these documents, or all of them when none is named."""
    db.session.flush()
    mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode)
    planned = mine.where(BillingCharge.subscription_id == row.id, BillingCharge.state == "wanted")
    if documents:
        planned = planned.where(BillingCharge.documents.overlap(list(documents)))
    for charge in db.session.scalars(planned.with_for_update()):
        charge.state, charge.ended_at = "stopped", now()
