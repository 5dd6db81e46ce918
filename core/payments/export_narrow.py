"""The filters of a list as plain values, so that a worker asks later what the page asked."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from core.accounts.models import Vendor
from core.payments.lists import PaymentFilter
from core.payments.models import PaymentLink
from core.payments.queries import get_link

MOMENTS = ("since", "until")


def narrow_to_plain(narrow: PaymentFilter) -> dict[str, Any]:
    """What is set, as JSON can hold it: a link by its public id, moments as text."""
    return plain_of({field.name: getattr(narrow, field.name) for field in fields(narrow)})


def _plain(value: Any) -> Any:
    if isinstance(value, PaymentLink):
        return value.public_id
    return value.isoformat() if isinstance(value, datetime) else value


def narrow_from_plain(vendor: Vendor, mode: str, kept: dict[str, Any]) -> PaymentFilter:
    """The same filter again. A link that is not this vendor's is refused with 404."""
    made = moments_from_plain(kept)
    if "link" in made:
        made["link"] = get_link(vendor, mode, made["link"])
    return PaymentFilter(**made)


def moments_from_plain(kept: dict[str, Any]) -> dict[str, Any]:
    """The same values with their moments as moments."""
    return {name: datetime.fromisoformat(value) if name in MOMENTS else value for name, value in kept.items()}


def plain_of(values: dict[str, Any]) -> dict[str, Any]:
    """Filters of another list as plain values; what is not set is left out."""
    return {name: _plain(value) for name, value in values.items() if value is not None}
