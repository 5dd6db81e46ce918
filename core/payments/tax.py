"""A vendor's tax rates: made, put away, never changed; and the check that a tax id is written as such ids are."""

from __future__ import annotations

import re
import uuid

from sqlalchemy import select
from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.percent import WHOLE
from core.kernel.sentence import said
from core.payments.cart import Rate
from core.payments.sale_models import TaxRate

MOST_RATES = 30  # in use at the same time
_EU_PREFIX = {"EL": "GR", "XI": "GB"}
_PLAIN = re.compile(r"[A-Z]{2}[A-Z0-9]{2,18}")


class BadRate(Refusal):
    """A tax rate that says nothing, or too much."""

    code = "bad_rate"


class BadTaxId(Refusal):
    """Not how a tax id of that country is written."""

    code = "bad_tax_id"


def make_rate(vendor: Vendor, mode: str, *, name: str, bps: int, inclusive: bool, by: str) -> TaxRate:
    """A rate that links may use from now on. Refuses BadRate at its field."""
    name = name.strip()
    if not name or len(name) > 40:
        raise BadRate("Give the rate a name of 40 characters at most: it stands on receipts.", field="name")
    if not 0 <= bps <= WHOLE:
        raise BadRate("Between 0 and 100 %.", field="percent")
    kept = list_rates(vendor, mode)
    if any((rate.name, rate.bps, rate.inclusive) == (name, bps, inclusive) for rate in kept):
        raise BadRate("You have this very rate already.", field="name")
    if len(kept) >= MOST_RATES:
        raise BadRate(said("%(most)s rates at most. Put one away first.", most=MOST_RATES), field="name")
    row = TaxRate(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("txr"), name=name, bps=bps, inclusive=inclusive, created_at=now()
    )
    db.session.add(row)
    record(vendor.id, actor=by, action="tax_rate.made", subject=row.public_id, bps=bps, inclusive=inclusive)
    return row


def put_away_rate(vendor: Vendor, mode: str, rate: str, *, by: str) -> TaxRate:
    """No link may choose it any more; links that carry it keep it until they are edited. Repeating it changes nothing."""
    row = _find(vendor, mode, rate)
    if row is None:
        raise NotFound("There is no such tax rate.")
    if row.put_away_at is None:
        row.put_away_at = now()
        record(vendor.id, actor=by, action="tax_rate.put_away", subject=row.public_id)
    return row


def list_rates(vendor: Vendor, mode: str) -> list[TaxRate]:
    """The rates in use, oldest first."""
    mine = select(TaxRate).where(TaxRate.vendor_id == vendor.id, TaxRate.mode == mode, TaxRate.put_away_at.is_(None))
    return list(db.session.scalars(mine.order_by(TaxRate.id)))


def list_rate_ids(vendor_id: uuid.UUID, mode: str) -> set[str]:
    """The public ids of the rates in use."""
    mine = select(TaxRate.public_id).where(TaxRate.vendor_id == vendor_id, TaxRate.mode == mode, TaxRate.put_away_at.is_(None))
    return set(db.session.scalars(mine))


def rates_named(vendor: Vendor, mode: str, wanted: set[str]) -> dict[str, Rate]:
    """These rates by public id, also those put away: a link that carries one goes on charging it."""
    if not wanted:
        return {}
    ours = [rate for rate in wanted if is_public_id("txr", rate)]
    mine = select(TaxRate).where(TaxRate.vendor_id == vendor.id, TaxRate.mode == mode, TaxRate.public_id.in_(ours))
    return {row.public_id: row.rate for row in db.session.scalars(mine)}


def _find(vendor: Vendor, mode: str, rate: str) -> TaxRate | None:
    if not is_public_id("txr", rate):
        return None
    return db.session.scalar(select(TaxRate).where(TaxRate.vendor_id == vendor.id, TaxRate.mode == mode, TaxRate.public_id == rate))


def read_tax_id(text: str) -> str:
    """One spelling of a tax id, `DE136695976`, its check digits proved where its country has some. Nobody is asked whether it exists.

    Raises BadTaxId with what to write instead.
    """
    typed = text.upper()
    for sign in " .-/":
        typed = typed.replace(sign, "")
    if not _PLAIN.fullmatch(typed):
        raise BadTaxId("Begin with the two letters of the country, like DE136695976.", field="tax_id")
    prefix = typed[:2]
    country = get_cc_module(_EU_PREFIX.get(prefix, prefix).lower(), "vat")
    if country is None:
        return typed
    try:
        number = country.validate(typed if prefix != "XI" else f"GB{typed[2:]}")
    except ValidationError:
        raise BadTaxId("This is not how a tax number of that country is written. Check it, letter by letter.", field="tax_id") from None
    return str(number) if str(number).startswith(prefix) else f"{prefix}{str(number).removeprefix('GB')}"
