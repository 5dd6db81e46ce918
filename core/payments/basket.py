"""From what a payer chose to the cart that will be charged: prices are the link's, never the form's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.accounts.models import Vendor
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.cart import Cart, Goods, Rate, price_cart
from core.payments.discount import reduction_for
from core.payments.link_terms import limits
from core.payments.models import PaymentLink
from core.payments.offer import Offer, read_offer
from core.payments.sale_models import DiscountCode
from core.payments.tax import rates_named


class BadChoice(Refusal):
    """Something was chosen that the link does not offer."""

    code = "bad_choice"


class PriceChanged(Conflict):
    """The total is not what the payer was shown. Nothing is begun; `total` is what it would be now."""

    code = "price_changed"

    def __init__(self, total: Money) -> None:
        super().__init__(said("The total is now %(total)s. Look it over, and go on if you agree.", total=total))
        self.total = total


@dataclass(frozen=True)
class Choices:
    """What a payer chose. `tip` is a sum, or basis points of the goods; quantities are by item."""

    amount: Money | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    tip: Money | int | None = None
    code: str = ""


@dataclass(frozen=True)
class Priced:
    """A cart, and the discount code it was worked out with."""

    cart: Cart
    code: DiscountCode | None = None


def offer_of(link: PaymentLink) -> Offer:
    """What the link sells and asks."""
    return read_offer(link.offer)


def price(vendor: Vendor, link: PaymentLink, choices: Choices, *, email: str = "", hold: bool = False) -> Priced:
    """The cart of these choices at the link's prices of this moment.

    Refuses BadChoice at its field, and CodeRefused. `hold`: see core/payments/discount.py: reduction_for.
    """
    offer = offer_of(link)
    rates = rates_named(vendor, link.mode, {rate for rate in (offer.rate, *(item.rate for item in offer.items)) if rate})
    goods = _goods(link, offer, choices, rates)
    code = reduction = None
    if choices.code:
        if not offer.discounts:
            raise BadChoice("This link takes no discount codes.", field="code")
        code, reduction = reduction_for(vendor, link.mode, choices.code, link.currency, email=email, hold=hold)
    cart = price_cart(goods, link.currency, reduction=reduction, tip=_tip(offer, choices), tip_rate=_tip_rate(offer, rates))
    _check_total(cart, link.currency)
    return Priced(cart, code)


def _goods(link: PaymentLink, offer: Offer, choices: Choices, rates: Mapping[str, Rate]) -> list[Goods]:
    if not offer.items:
        amount = link.amount or choices.amount
        if amount is None:
            raise BadChoice("Enter an amount.", field="amount")
        return [Goods(link.title, amount, 1, rates.get(offer.rate))]
    known = {item.id for item in offer.items}
    if any(quantity and item not in known for item, quantity in choices.quantities.items()):
        raise BadChoice("Something you chose is no longer offered. Look over what is left, and the new total.")
    goods = []
    for item in offer.items:
        quantity = choices.quantities.get(item.id, max(item.least, 0))
        if not item.least <= quantity <= item.most:
            raise BadChoice(
                said("%(item)s: from %(least)s to %(most)s.", item=item.title, least=item.least, most=item.most),
                field=f"quantity-{item.id}",
            )
        goods.append(Goods(item.title, Money(item.unit_minor, link.currency), quantity, rates.get(item.rate), item.id))
    if not any(g.quantity for g in goods):
        raise BadChoice("Choose at least one thing.", field=f"quantity-{offer.items[0].id}")
    return goods


def _tip(offer: Offer, choices: Choices) -> Money | int | None:
    """A tip that the link may take; one as high as the largest payment is a slip of the finger, and _check_total says so."""
    if choices.tip is None or (isinstance(choices.tip, int) and choices.tip == 0):
        return None
    if offer.tips is None:
        raise BadChoice("This link takes no tips.", field="tip")
    if isinstance(choices.tip, int) and choices.tip not in offer.tips.presets:
        raise BadChoice("Choose one of these tips, or enter your own.", field="tip")
    return choices.tip


def _tip_rate(offer: Offer, rates: Mapping[str, Rate]) -> Rate | None:
    return rates.get(offer.rate) if offer.tips and offer.tips.taxed else None


def _check_total(cart: Cart, currency: str) -> None:
    smallest, largest = limits(currency)
    if cart.total.minor < smallest:
        what = "code" if cart.discount else None
        words = said("The smallest payment is %(least)s; this comes to %(total)s.", least=Money(smallest, currency), total=cart.total)
        raise BadChoice(words, field=what)
    if cart.total.minor > largest:
        raise BadChoice(said("The largest payment is %(most)s; this comes to %(total)s.", most=Money(largest, currency), total=cart.total))
