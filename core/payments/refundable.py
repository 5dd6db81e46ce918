"""Whether money can go back the way it came, as the provider declares it for what really paid."""

from __future__ import annotations

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.models import Payment
from core.providers.contract import NoSuchProvider, Offer
from core.providers.registry import provider_named


class NotRefundable(Refusal):
    """What paid cannot be refunded through its provider, or not in part."""

    code = "not_refundable"


def offer_behind(payment: Payment) -> Offer | None:
    """The offer under which this was paid; None when its provider or kind is not declared (any more): then nothing speaks against trying."""
    try:
        offers = provider_named(payment.provider, payment.mode).methods()
    except NoSuchProvider:
        return None
    mine = [offer for offer in offers if offer.method == payment.method]
    return next((offer for offer in mine if offer.kind == payment.method_kind), mine[0] if mine else None)


def check_offer(offer: Offer | None, amount: Money, refundable: Money) -> None:
    """Refuse a refund that the provider says it cannot make."""
    if offer is None:
        return
    if not offer.refunds:
        raise NotRefundable(
            said("%(name)s cannot be refunded through the processor. Pay your customer back in another way.", name=offer.name),
            field="amount",
        )
    if not offer.partial_refunds and amount != refundable:
        raise NotRefundable(
            said("%(name)s can only be refunded whole: %(refundable)s.", name=offer.name, refundable=refundable), field="amount"
        )
