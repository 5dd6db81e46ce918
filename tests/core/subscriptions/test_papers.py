"""Every document of a plan asks for its paper and its letter once, whoever made it final: an act, a payment or the clock."""

from __future__ import annotations

from datetime import date

from flask import Flask
from sqlalchemy import select

from core.billing.carry_out import finalise_due
from core.billing.wishes import ChooseTier
from core.kernel.db import db
from core.notifications.models import Message
from core.subscriptions.models import DocumentPaper
from core.subscriptions.papers import document_final, stood
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit

NOVEMBER = date(2026, 11, 1)


def test_each_document_asks_for_its_paper_and_its_letter_once(app: Flask) -> None:
    publish(app)
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.wish(date(2026, 11, 16), ChooseTier("pro"))
    life.to(date(2026, 12, 1))
    with life.unit(date(2026, 12, 1), 23):
        for document in finalise_due():
            document_final(document)
    life.wish(date(2026, 12, 2), ChooseTier("starter", now=True))
    final = [document for document in life.documents() if document.state == "final"]
    assert [document.origin for document in final] == ["start", "upgrade", "renewal", "downgrade"]
    with unit(app):
        mine = select(DocumentPaper).where(DocumentPaper.document_id.in_([one.id for one in final]))
        papers = {paper.document_id: stood(paper) for paper in db.session.scalars(mine)}
        asked = select(Message).where(Message.kind == "invoice", Message.about.in_([one.public_id for one in final]))
        letters = db.session.scalars(asked).all()
        receipts = db.session.scalars(select(Message.about).where(Message.kind == "receipt", Message.recipient == life.email)).all()
    assert set(papers) == {one.id for one in final} and len(letters) == 4 and receipts == []
    assert {letter.recipient for letter in letters} == {life.shop.vendor.support_email}
    first, upgrade, renewal, note = (papers[one.id] for one in final)
    how = [(one.settled.standing, one.paid_with.last4 if one.paid_with else "") for one in (first, upgrade, renewal)]
    assert how == [("settled", "4242")] * 3
    assert note.settled.standing == "credited" and note.settled.to_balance == note.settled.gross
