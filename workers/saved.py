"""The jobs about saved cards: a page for saving is asked about, a charge is sent, a card is forgotten at the provider."""

from __future__ import annotations

import uuid

from core.accounts.queries import get_vendor
from core.kernel.db import db, unit_of_work
from core.payments import charge as charges
from core.payments import saved, settle
from core.payments import saving as savings
from core.payments.saved_models import SavedCard, Saving
from core.payments.weigh import weigh_charge


def settle_saving(vendor_id: uuid.UUID, *, mode: str, saving: str) -> None:
    """Ask the provider what a page for saving came to, and note the card."""
    with unit_of_work():
        asked = db.session.get_one(Saving, (vendor_id, mode, uuid.UUID(saving)))
    outcome = savings.inquire_saving(asked)
    if outcome is not None:
        with unit_of_work():
            savings.settle_saving(asked, outcome)


def send_charge(vendor_id: uuid.UUID, *, mode: str, attempt: str) -> None:
    """Send a charge that was written down; or find out what became of it, when its answer was lost. Never twice: the key is the attempt's."""
    with unit_of_work():
        vendor, tried = get_vendor(vendor_id), uuid.UUID(attempt)
        weighed = weigh_charge(vendor, mode, tried)  # asks Redis: before anything is locked
        sending = charges.begin_sending(vendor_id, mode, tried, weighed)
    if sending is None:
        return
    outcome = charges.send_charge(vendor, sending)
    with unit_of_work():
        charged = charges.note_reference(sending.attempt, outcome)
        settle.settle(vendor, sending.payment, charged, outcome, cause="sent")


def forget_card(vendor_id: uuid.UUID, *, mode: str, card: str) -> None:
    """Have the provider forget a card that was put away."""
    with unit_of_work():
        unwanted = db.session.get_one(SavedCard, (vendor_id, mode, uuid.UUID(card)))
    if unwanted.forgotten_at is None:
        saved.forget_at_provider(unwanted)
        with unit_of_work():
            saved.note_forgotten(unwanted)
