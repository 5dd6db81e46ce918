"""The paper of a document: asked for once it is final, printed once, and then the same for ever."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from hashlib import sha256

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from core.accounts.models import Membership, User, Vendor
from core.accounts.queries import get_vendor
from core.billing.codec import decode, encode
from core.billing.models import BillingDocument, KeptSubscription
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.outbox import enqueue
from core.notifications.notify import notify
from core.subscriptions.models import DocumentPaper
from core.subscriptions.standing import Standing, standing_of

USUAL = "en"


def document_final(document: BillingDocument) -> None:
    """A document has its number: write down how it stands, have its paper printed, and tell the buyer. Called again it does nothing."""
    to, language = _reader(document)
    row = {
        "vendor_id": document.vendor_id, "mode": document.mode, "document_id": document.id, "locale": language,
        "settled": encode(standing_of(document)), "asked_at": now(),
    }  # fmt: skip
    made = insert(DocumentPaper).values(**row).on_conflict_do_nothing().returning(DocumentPaper.document_id)
    if db.session.scalar(made) is None:
        return
    enqueue("make_invoice", document.vendor_id, queue="papers", mode=document.mode, document=str(document.id))
    if to:
        notify(get_vendor(document.vendor_id), "invoice", mode=document.mode, to=to, locale=language, document=document.public_id)


def ask_for_papers(row: KeptSubscription) -> None:
    """The same for every document of a subscription that has become final since the last time, in their order."""
    has = exists().where(
        DocumentPaper.vendor_id == BillingDocument.vendor_id,
        DocumentPaper.mode == BillingDocument.mode,
        DocumentPaper.document_id == BillingDocument.id,
    )
    mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    fresh = mine.where(BillingDocument.subscription_id == row.id, BillingDocument.state == "final", ~has)
    for document in db.session.scalars(fresh.order_by(BillingDocument.ordinal)):
        document_final(document)


def _reader(document: BillingDocument) -> tuple[str, str]:
    """Whose address a document goes to, and in which language: a business's own and its owner's, or the customer's."""
    row = db.session.get_one(KeptSubscription, (document.vendor_id, document.mode, document.subscription_id))
    to = str(document.buyer.get("email") or "")
    if not row.subscriber.startswith("vnd_"):
        return to, USUAL
    people = select(User.email, User.language, Membership.role).join(Membership, Membership.user_id == User.id)
    team = db.session.execute(
        people.join(Vendor, Vendor.id == Membership.vendor_id).where(Vendor.public_id == row.subscriber).order_by(User.id)
    ).all()
    own = next((one for one in team if one.email == to), None) or next((one for one in team if one.role == "owner"), None)
    return to or (own.email if own else ""), (own.language if own else "") or USUAL


def find_paper(document: BillingDocument) -> DocumentPaper | None:
    """The paper as far as it has come; None as long as the document is a draft."""
    return db.session.get(DocumentPaper, (document.vendor_id, document.mode, document.id))


def printed(documents: Sequence[BillingDocument]) -> set[uuid.UUID]:
    """Those of a list that have been printed."""
    if not documents:
        return set()
    vendor_id, mode, ids = documents[0].vendor_id, documents[0].mode, [document.id for document in documents]
    mine = select(DocumentPaper.document_id).where(DocumentPaper.vendor_id == vendor_id, DocumentPaper.mode == mode)
    return set(db.session.scalars(mine.where(DocumentPaper.document_id.in_(ids), DocumentPaper.printed_at.is_not(None))))


def printed_pdf(document: BillingDocument) -> bytes | None:
    """The PDF, once a worker has printed it."""
    return _column(document, lambda paper: paper.pdf)


def printed_xml(document: BillingDocument) -> bytes | None:
    """The XML that travels in it; None too where the document cannot have one."""
    return _column(document, lambda paper: paper.xml)


def _column(document: BillingDocument, read: Callable[[DocumentPaper], bytes | None]) -> bytes | None:
    query = select(DocumentPaper).options(undefer(DocumentPaper.pdf), undefer(DocumentPaper.xml))
    mine = query.where(DocumentPaper.vendor_id == document.vendor_id, DocumentPaper.mode == document.mode)
    paper = db.session.scalar(mine.where(DocumentPaper.document_id == document.id))
    return None if paper is None else read(paper)


def stood(paper: DocumentPaper) -> Standing:
    """How the document stood when its paper was asked for: what is printed says that, whenever it is printed."""
    return decode(Standing, paper.settled)


def keep_printed(document: BillingDocument, *, pdf: bytes, xml: bytes | None) -> DocumentPaper:
    """Keep what was printed. Whoever prints the same document a second time keeps the first."""
    paper = locked(DocumentPaper, document.vendor_id, document.mode, document.id)
    if paper is None:
        raise RuntimeError("a paper is asked for before it is printed")
    if paper.printed_at is None:
        paper.pdf, paper.pdf_sha256, paper.printed_at = pdf, sha256(pdf).hexdigest(), now()
        paper.xml, paper.xml_sha256 = xml, sha256(xml).hexdigest() if xml else None
        db.session.flush()
    return paper
