"""What checkouts of several sellers hold of one payer: handed out with the rest, and taken away before the payer is erased."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Text, cast, exists, func, select, update

from core.accounts.key_models import KeptAnswer
from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.db import db
from core.orders.models import Checkout
from core.orders.states import UNDER_WAY
from core.payments.personal_data import StillUnderWay, pseudonym_of


def checkouts_of(vendor: Vendor, customer: Customer) -> list[dict[str, Any]]:
    """Every checkout that this vendor opened for them, as plain values."""
    return [
        {
            "number": one.public_id,
            "name": one.payer_name,
            "total": str(one.total),
            "state": one.state,
            "opened_at": one.created_at.isoformat(timespec="seconds"),
        }
        for one in db.session.scalars(select(Checkout).where(*_theirs(vendor, customer)).order_by(Checkout.id))
    ]


def forget_checkouts(vendor: Vendor, customer: Customer) -> None:
    """Nothing of them, nor of what the caller's software was answered about them, says any more whose they were. Refuses StillUnderWay while one has not come to an end.

    What stands in the books of other sellers is theirs to erase: it is their customer's as well.
    """
    theirs = _theirs(vendor, customer)
    if db.session.scalar(select(exists().where(*theirs, Checkout.state.in_(sorted(UNDER_WAY | {"open"}))))):
        raise StillUnderWay("A checkout of theirs is still under way. Wait until it has ended, and erase then.")
    db.session.execute(update(Checkout).where(*theirs).values(email=pseudonym_of(customer), payer_name="", address=""))
    answers = (KeptAnswer.vendor_id == vendor.id, KeptAnswer.mode == customer.mode)
    nobody = func.jsonb_set(
        KeptAnswer.body, cast(["payer"], ARRAY(Text)), func.jsonb_build_object("email", pseudonym_of(customer), "name", "")
    )
    theirs_too = KeptAnswer.body["payer"]["email"].astext == customer.email
    db.session.execute(update(KeptAnswer).where(*answers, theirs_too).values(body=nobody).execution_options(synchronize_session=False))


def _theirs(vendor: Vendor, customer: Customer) -> tuple[Any, ...]:
    return Checkout.vendor_id == vendor.id, Checkout.mode == customer.mode, Checkout.email == customer.email
