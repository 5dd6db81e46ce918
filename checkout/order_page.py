"""What the link's page shows of a cart: the total that will be charged, worked out anew for every page, and nothing else beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checkout.order_form import OrderFields
from checkout.places_form import ADDRESS_PARTS, PARTS
from core.accounts.models import Vendor
from core.accounts.return_addresses import return_address
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.basket import Choices, offer_of, price
from core.payments.cart import Cart
from core.payments.models import Payment, PaymentLink
from core.payments.sale import find_cart, find_details
from core.payments.start import Order
from core.web.languages import written


def order_of(link: PaymentLink, form: Any, shown: str, shown_in: str, recovered_from: Any = None) -> Order:
    """What the payer sends with their name. Where a page shows a total, one that it did not show is another total; and so is every sum that
    was shown, or typed, while the link was still in another currency (`shown_in`)."""
    offer = offer_of(link)
    another = shown_in not in ("", link.currency)
    asked = bool(offer.sells or link.amount or another)
    readable = not another and shown.isascii() and shown.isdigit() and len(shown) < 16
    total = Money(int(shown) if readable else 0, link.currency)
    return Order(
        choices=form.choices(link) if offer.sells else Choices(),
        details=form.details() if offer.asks else Order().details,
        shown=total if asked else None,
        recovered_from=recovered_from,
        remind=bool(form.remind.data),
    )


def check_order(form: Any) -> bool:
    """What an offer asks beyond single fields; a plain link asks nothing more."""
    return form.check_order() if isinstance(form, OrderFields) else True


def typed_email(form: Any) -> str:
    """The address as far as it can be read; a link may leave it unasked."""
    field = form._fields.get("email")
    return (field.data or "") if field is not None and not field.errors else ""


def priced_for_page(vendor: Vendor, link: PaymentLink, form: Any, amount: Money | None) -> Cart | None:
    """The cart of what can be read; what cannot be used is said at its field and left out. None where there is no total yet."""
    if any(field.errors for name, field in form._fields.items() if name.startswith("quantity-")):
        return None
    chosen = form.choices(link)
    email = typed_email(form)
    for _ in range(4):
        try:
            return price(vendor, link, replace(chosen, amount=amount), email=email).cart
        except Refusal as refusal:
            _say(form, refusal)
            left = _without(refusal, chosen, link)
            if left is None:
                return None
            chosen = left
    return None


def _say(form: Any, refusal: Refusal) -> None:
    """At its field, once. On a page nobody has sent yet only a code that was carried over has anything to say."""
    if refusal.field == "amount" or (refusal.field != "code" and not form.is_submitted()):
        return
    said = form[refusal.field].errors if refusal.field in form._fields else form.form_errors
    words = written(refusal.message)
    if words not in said:
        form.refuse(words, refusal.field)


def _without(refusal: Refusal, chosen: Choices, link: PaymentLink) -> Choices | None:
    """What is left of the choices without what cannot be used; None when nothing can be left out."""
    if refusal.field == "code" and chosen.code:
        return replace(chosen, code="")
    if refusal.field == "tip" and chosen.tip is not None:
        return replace(chosen, tip=None)
    offered = {item.id for item in offer_of(link).items}
    if refusal.field is None and set(chosen.quantities) - offered:
        return replace(chosen, quantities={item: n for item, n in chosen.quantities.items() if item in offered})
    return None


def order_values(vendor: Vendor, link: PaymentLink, form: Any, amount: Money | None) -> dict[str, Any]:
    """The values that templates/checkout/choose.html and its parts need for an offer."""
    offer = offer_of(link)
    cart = priced_for_page(vendor, link, form, amount) if offer.sells else None
    due = cart.total if cart else None if offer.sells else amount
    return {
        "offer": offer,
        "cart": cart,
        "due": due,
        "shown": due.minor if due and (offer.sells or link.amount) else "",
        "prices": {item.id: Money(item.unit_minor, link.currency) for item in offer.items},
        "address_parts": PARTS,
        "shop_url": return_address(vendor.id, link.mode, offer.cancel_url, payment=""),
    }


def typed_for(vendor: Vendor, link: PaymentLink, payment: Payment) -> dict[str, Any]:
    """What was chosen and answered for an earlier payment through this link, as far as the link still asks for it. Consent is given anew."""
    offer, values = offer_of(link), {}
    cart = find_cart(vendor, payment)
    if cart:
        chosen = {line.item: line.quantity for line in cart.lines}
        values |= {f"quantity-{item.id}": min(max(chosen.get(item.id, 0), item.least), item.most) for item in offer.items}
        tip = next((line.unit for line in cart.lines if line.kind == "tip"), None)
        if offer.tips:
            goods = cart.goods - cart.discount
            preset = next((bps for bps in offer.tips.presets if tip and goods.share(bps) == tip), None)
            values |= {"tip": str(preset) if preset else "own" if tip else "none"} | ({"tip_amount": tip} if tip and not preset else {})
        if link.amount is None and not offer.items:
            values |= {"choice": "own", "amount": cart.goods}
        if cart.reduction:
            values["code"] = cart.reduction.code
    kept = find_details(vendor, payment)
    if kept:
        values |= {"phone": kept.phone, "company": kept.company, "tax_id": kept.tax_id, "business": bool(kept.company)}
        for kind in ("billing", "shipping"):
            place = getattr(kept, kind) or {}
            values |= {f"{kind}_{name}": place.get(name, "") for name in ADDRESS_PARTS}
        values |= {f"answer_{answer['slug']}": answer["value"] for answer in kept.answers}
    return values
