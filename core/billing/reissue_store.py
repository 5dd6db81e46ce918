"""Has an invoice issued anew: what the engine must know of its charges and of the documents beside it is looked up under the row's lock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing import queries
from core.billing.codec import KIND, decode, encode
from core.billing.effects import Drafted, Effect, Written
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.reissue import CannotReissue, Reissue, reissue
from core.billing.renew import Offer
from core.billing.store import act_on
from core.billing.subscription import Step, Subscription
from core.billing.treat import held_until, tax_of
from core.kernel import audit
from core.kernel.db import db


def reissue_document(row: KeptSubscription, document: BillingDocument, *, reason: str, by: str) -> tuple[Effect, ...]:
    """A credit note over the whole invoice, and the same lines again with today's parties and tax. Refuses as the act does."""
    given: dict[str, Any] = {"document": document.ordinal, "reason": reason}

    def again(state: Subscription, _offer: Offer) -> Step:
        wish = _wish(row, document, state)
        given["wish"] = encode(wish)
        return reissue(state, wish)

    effects = act_on(row, "reissued", given, again, by)
    audit.record(row.vendor_id, actor=by, action="document.reissued", subject=document.public_id, reason=reason)
    return effects


def preview_reissue(row: KeptSubscription, document: BillingDocument) -> tuple[Document, Document]:
    """The credit note and the new invoice as they would be made now. Refuses as the act does."""
    state, _offer = queries.as_of_now(row)
    _state, effects = reissue(state, _wish(row, document, state))
    note, new = [effect.document for effect in effects if isinstance(effect, Drafted)]
    return note, new


def _wish(row: KeptSubscription, document: BillingDocument, state: Subscription) -> Reissue:
    if document.kind != "invoice" or document.state != "final":
        raise CannotReissue("Only a final invoice can be issued anew.")
    if row.vendor_id == HOUSE and held_until(row.subscriber, state.terms) is not None:
        raise CannotReissue("The registry of VAT numbers has not answered yet. Once it has, the invoice can be issued anew.")
    charges = _charges(row, document)
    if any(charge.state == "sent" for charge in charges):
        raise CannotReissue("The card is being asked for this invoice. Wait for its answer.")
    if _is_written_off(row, document):
        raise CannotReissue("This invoice was never paid, and is not asked for any more: it stays as it is.")
    asked = tuple(sorted({number for charge in charges for number in charge.documents}))
    tax = tax_of(row.subscriber) if row.vendor_id == HOUSE else None
    return Reissue(decode(Document, document.body), tax, tuple(sorted(_corrected(row, document))), asked)


def _charges(row: KeptSubscription, document: BillingDocument) -> list[BillingCharge]:
    """Those for this invoice that are planned, or at the card."""
    mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode)
    mine = mine.where(BillingCharge.subscription_id == row.id, BillingCharge.state.in_(("wanted", "sent")))
    return list(db.session.scalars(mine.where(BillingCharge.documents.contains([document.ordinal]))))


def _is_written_off(row: KeptSubscription, document: BillingDocument) -> bool:
    event = SubscriptionEvent
    mine = select(event.id).where(event.vendor_id == row.vendor_id, event.mode == row.mode, event.subscription_id == row.id)
    this = [{KIND: Written.__name__, "documents": [document.ordinal]}]
    return db.session.scalar(mine.where(event.effects.contains(this)).limit(1)) is not None


def _corrected(row: KeptSubscription, document: BillingDocument) -> set[int]:
    """The lines of this invoice that other documents correct."""
    mine = {line["number"] for line in document.body["lines"]}
    others = select(BillingDocument.body).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    others = others.where(BillingDocument.subscription_id == row.id, BillingDocument.ordinal > document.ordinal)
    found = db.session.scalars(others.where(BillingDocument.state != "dropped"))
    return mine & {line["corrects"] for body in found for line in body["lines"] if line["corrects"] is not None}
