"""Addresses of a link with some answers filled in for good: made by the vendor, enforced when the payment starts, taken back at will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.kernel.signing import make_token
from core.payments.basket import offer_of
from core.payments.link import lock_link
from core.payments.models import PaymentLink
from core.payments.reference import check_reference
from core.payments.sharing_models import LinkPrefill
from core.payments.start import check_amount


class BadPrefill(Refusal):
    """What was to be filled in does not fit the link."""

    code = "bad_prefill"


@dataclass(frozen=True)
class Answers:
    """What the payer will find filled in and cannot change. What is empty the payer fills in."""

    email: str = ""
    name: str = ""
    reference: str = ""
    amount: Money | None = None
    locale: str = ""  # the language the address opens in
    quantities: Mapping[str, int] = field(default_factory=dict)  # how many of each of the link's things, by item


@dataclass(frozen=True)
class AsButton:
    """What is kept beside the answers where the address is a button's: see core/payments/button.py."""

    look: dict[str, str]
    price_minor: int | None
    expires_at: datetime | None


def make_prefill(
    vendor: Vendor, link: PaymentLink, *, by: str, answers: Answers, form_token: str, button: AsButton | None = None
) -> LinkPrefill:
    """Make such an address. The same form sent again answers the address it made. Refuses what the link would refuse of a payer."""
    if button is None and not (
        answers.email or answers.name or answers.reference or answers.amount or answers.locale or answers.quantities
    ):
        raise BadPrefill("Fill in at least one answer.")
    link = lock_link(link)  # its currency is what the sums are in, and stays that: core/payments/promised.py
    if answers.amount is not None:
        if link.amount is not None or offer_of(link).items:
            raise BadPrefill("The amount of this link is settled already.", field="amount")
        check_amount(link, answers.amount)
    if answers.reference and not link.reference_label:
        raise BadPrefill("This link asks the payer for no reference. Name one in the link first.", field="reference")
    _check_quantities(link, answers.quantities)
    row = {
        "vendor_id": vendor.id, "mode": link.mode, "id": uuid7(), "public_id": public_id("pre"), "token_id": public_id("tok"),
        "link_id": link.id, "link_token_id": link.token_id, "form_token": form_token,
        "email": answers.email.lower(), "payer_name": answers.name, "payer_reference": _fitting(link, answers.reference),
        **(asdict(button) if button else {}), "amount_minor": answers.amount.minor if answers.amount else None, "locale": answers.locale, "quantities": dict(answers.quantities) or None, "created_by": by, "created_at": now(),
    }  # fmt: skip
    keys = ["vendor_id", "mode", "form_token"]
    made = db.session.execute(
        insert(LinkPrefill).values(**row).on_conflict_do_nothing(index_elements=keys).returning(LinkPrefill.id)
    ).scalar()
    mine = LinkPrefill.vendor_id == vendor.id, LinkPrefill.mode == link.mode, LinkPrefill.form_token == form_token
    prefill = db.session.scalar(select(LinkPrefill).where(*mine))
    if prefill is None or prefill.link_id != link.id:
        raise Conflict("This form was sent before. Reload the page.")
    if made:
        action = "link.button_made" if button else "link.filled_in"
        record(vendor.id, actor=by, action=action, subject=link.public_id, prefill=prefill.public_id)
    return prefill


def _check_quantities(link: PaymentLink, quantities: Mapping[str, int]) -> None:
    """As many as the link offers of each. What the payer may not choose of at all is not filled in either."""
    items = {item.id: item for item in offer_of(link).items if item.adjustable}
    for item_id, quantity in quantities.items():
        item = items.get(item_id)
        if item is None:
            raise BadPrefill("Something you chose is no longer offered. Load the page again.")
        if not item.least <= quantity <= item.most:
            words = said("%(item)s: from %(least)s to %(most)s.", item=item.title, least=item.least, most=item.most)
            raise BadPrefill(words, field=f"quantity-{item_id}")


def _fitting(link: PaymentLink, reference: str) -> str:
    if not reference:
        return ""
    try:
        return check_reference(link, reference)
    except Refusal as no:
        raise BadPrefill(no.message, field="reference") from None


def withdraw_prefill(prefill: LinkPrefill, *, by: str) -> None:
    """The address opens nothing any more. Payments made by it stay; repeating changes nothing."""
    row = locked(LinkPrefill, prefill.vendor_id, prefill.mode, prefill.id)
    if row is not None and row.withdrawn_at is None:
        row.withdrawn_at = now()
        action = "link.filled_in_withdrawn" if row.look is None else "link.button_withdrawn"
        record(row.vendor_id, actor=by, action=action, subject=row.public_id)


def prefill_token(vendor: Vendor, link: PaymentLink, prefill: LinkPrefill) -> str:
    """The signed text of the filled-in address; it ends when the link's own address does. (A button ends earlier by its row, which can say so.)"""
    return make_token("prefill", vendor=vendor.public_id, mode=link.mode, token_id=prefill.token_id, expires_at=link.token_expires_at)


def get_prefill(vendor: Vendor, mode: str, public_id: str) -> tuple[PaymentLink, LinkPrefill]:
    """This vendor's filled-in address with its link; refuses with 404."""
    if is_public_id("pre", public_id):
        mine = LinkPrefill.vendor_id == vendor.id, LinkPrefill.mode == mode, LinkPrefill.public_id == public_id
        prefill = db.session.scalar(select(LinkPrefill).where(*mine))
        if prefill:
            return db.session.get_one(PaymentLink, (vendor.id, mode, prefill.link_id)), prefill
    raise NotFound("There is no such address.")


def list_prefills(vendor: Vendor, link: PaymentLink, *, buttons: bool = False, limit: int = 50) -> list[LinkPrefill]:
    """The link's filled-in addresses that still open it, or its buttons, newest first."""
    mine = LinkPrefill.vendor_id == vendor.id, LinkPrefill.mode == link.mode, LinkPrefill.link_id == link.id
    good = LinkPrefill.withdrawn_at.is_(None), LinkPrefill.link_token_id == link.token_id, LinkPrefill.look.is_not(None) == buttons
    return list(db.session.scalars(select(LinkPrefill).where(*mine, *good).order_by(LinkPrefill.id.desc()).limit(limit)))
