"""Where a payment came from: what the payer answered, which e-mail or filled-in address they came by, and what the address said of itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.models import PaymentLink
from core.payments.reference import check_reference
from core.payments.sharing_models import LinkPrefill

# What an address may say about where its reader came from; everything else in it is left alone.
TOLD = ("ref", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
MOST = 80


class NotAsFilledIn(Refusal):
    """The address fixed something that was then sent otherwise."""

    code = "not_as_filled_in"


@dataclass(frozen=True)
class Origin:
    """`attribution` holds names from TOLD. What a filled-in address fixes is enforced when the payment starts, whatever the form said."""

    payer_reference: str = ""
    attribution: Mapping[str, str] = field(default_factory=dict)
    sending_id: uuid.UUID | None = None
    branch_id: uuid.UUID | None = None  # whose poster was scanned
    prefill: LinkPrefill | None = None


def read_attribution(given: Mapping[str, str]) -> dict[str, str]:
    """What an address says of its source: known names only, printable, each shortened to what is kept."""
    found = {}
    for name in TOLD:
        value = " ".join(given.get(name, "")[: MOST * 4].split())[:MOST]
        if value and value.isprintable() and _storable(value):
            found[name] = value
    return found


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def as_filled_in(prefill: LinkPrefill | None, *, email: str, name: str, reference: str) -> tuple[str, str, str]:
    """The payer's e-mail, name and reference, with what the address fixes in place of what was sent."""
    if prefill is None:
        return email, name, reference
    return prefill.email or email, prefill.payer_name or name, prefill.payer_reference or reference


def check_fixed_amount(link: PaymentLink, prefill: LinkPrefill | None, amount: Money | None) -> None:
    """Refuse another sum than the one the address fixes."""
    if prefill is None or prefill.amount_minor is None:
        return
    fixed = Money(prefill.amount_minor, link.currency)
    if amount != fixed:
        raise NotAsFilledIn(said("This address is for %(amount)s exactly.", amount=fixed), field="amount")


def with_fixed_quantities(prefill: LinkPrefill | None, chosen: Mapping[str, int]) -> dict[str, int]:
    """How many of each thing, with what the address fixes in place of what was sent."""
    return {**chosen, **((prefill.quantities if prefill else None) or {})}


def origin_columns(link: PaymentLink, origin: Origin, reference: str) -> dict[str, Any]:
    """What a new payment keeps of all that. Refuses BadReference."""
    return {
        "payer_reference": check_reference(link, reference),
        "reference_label": link.reference_label,
        "key_values": dict(link.key_values),
        "attribution": dict(origin.attribution),
        "sending_id": origin.sending_id,
        "branch_id": link.branch_id or origin.branch_id,  # a link that is one branch's stays so, whatever the address says
    }
