"""What the card will be asked for next and for which documents, and what it is being asked for at this moment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.billing import forecast, queries
from core.billing.calendar import DAY
from core.billing.codec import decode
from core.billing.lines import Document
from core.billing.lists import list_documents
from core.billing.models import BillingCharge, KeptSubscription
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.payments.models import Payment
from core.payments.saved_models import SavedCharge
from core.subscriptions.standing import Owner

AHEAD = 32 * DAY  # the longest period and a day


@dataclass(frozen=True, slots=True)
class Coming:
    """The next charge, with every document it is for; `again`: the card was asked for them before and said no."""

    charge: forecast.Charge
    documents: tuple[Document, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One charge as it stands: what it became at the processor, and whether another day would help after a decline."""

    charge: BillingCharge
    payment: Payment | None
    hard: bool


def coming_charge(row: KeptSubscription) -> Coming | None:
    """What is asked next should nothing be wished until then; None when nothing will be. Needs nothing that is not known today."""
    state, offer = queries.as_of_now(row)
    until = max(state.today + AHEAD, state.period.end + DAY)
    play = forecast.forecast(state, (), offer, until=until)
    if not play.charges:
        return None
    charge = play.charges[0]
    new = {document.number: document for document in play.documents}
    kept = {each.ordinal: decode(Document, each.body) for each in list_documents(Owner(row.vendor_id), row)}
    documents = tuple((new.get(number) or kept[number]) for number in charge.documents if number in new or number in kept)
    known = bool(charge.documents) and all(number in kept for number in charge.documents)
    return Coming(charge, documents, known and state.dunning is not None)  # a renewal's draft is known as well, and nobody has declined it


def asked_now(row: KeptSubscription) -> list[Asked]:
    """Charges that are on their way, and payments that wait for their payer, the newest first."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    found = select(BillingCharge).where(*mine, BillingCharge.state.in_(("wanted", "sent", "refused"))).order_by(BillingCharge.id.desc())
    every = [_asked(charge) for charge in db.session.scalars(found.limit(20))]
    return [each for each in every if each.charge.state != "refused" or (each.payment and each.payment.state == "requires_action")]


def get_asked(row: KeptSubscription, public: str) -> Asked:
    """One of the subscription's charges by its public id, or a 404."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    found = (
        db.session.scalar(select(BillingCharge).where(*mine, BillingCharge.public_id == public)) if is_public_id("chg", public) else None
    )
    if found is None:
        raise NotFound("There is no such charge.")
    return _asked(found)


def _asked(charge: BillingCharge) -> Asked:
    if charge.payment_id is None:
        return Asked(charge, None, charge.state == "refused")  # there was no card to ask
    payment = db.session.get_one(Payment, (charge.vendor_id, charge.mode, charge.payment_id))
    beside = db.session.get(SavedCharge, (charge.vendor_id, charge.mode, charge.payment_id))
    return Asked(charge, payment, bool(beside and beside.hard))
