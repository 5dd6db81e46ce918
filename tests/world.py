"""Every page a payer can come to, each brought about by the real acts: for the pictures, and for what must hold on all of them."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from PIL import Image, ImageDraw

from core.accounts.branding import Look, change_look, set_logo
from core.accounts.change_business import change_business
from core.accounts.logo import draw_logo
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.customers.keys import key_token, make_key
from core.kernel.clock import now, shifted
from core.methods.rules import switch_method
from core.orders.open import payer_token
from core.payments.attempt import begin_attempt, close_at_provider, record_opening
from core.payments.button import Look as Face
from core.payments.button import make_button
from core.payments.claim import refuse_claim, revoke_claim
from core.payments.close import record_close
from core.payments.link import expire_link, pause_link
from core.payments.lockout import MOST_DECLINES
from core.payments.mark import mark_payment
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Item, Offer, Question, Terms, Tips
from core.payments.prefill import Answers, make_prefill, prefill_token
from core.payments.screen import hold_payment
from core.payments.start import give_up, payment_token, receipt_token
from core.payments.tax import make_rate
from core.providers.contract import Opening
from core.risk.score import LIMITS, Verdict
from tests.core.orders.market import Market, Sale
from tests.core.payments.claims import address, failed_refund, named, opened
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import (
    Shop,
    again,
    ask_refund,
    link_address,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    tell_refund,
    unit,
)

TITLE = "Sourdough class, Saturday"


@dataclass(frozen=True)
class State:
    """A page, and what a reader does on it before it is the page that is meant."""

    name: str
    words: str
    path: str
    act: Callable[[Any], None] | None = None


def checkout_states(shop: Shop) -> list[State]:
    """Every state of the checkout for this shop, in the order a payer might meet them."""
    with unit(shop.app):
        change_business(
            shop.vendor,
            by=shop.user.public_id,
            name=shop.vendor.name,
            support_email="hello@harbour-bakery.example",
            time_zone=shop.vendor.time_zone,
        )
    shop = replace(shop, vendor=_again(shop))
    return [
        *_links(shop),
        *_closed_links(shop),
        *_under_way(shop),
        *_over(shop),
        *_transfers(shop),
        *_several(shop),
        *_papers(shop),
        *_strangers(shop),
    ]


def brand(shop: Shop, accent: str = "#b4235a") -> None:
    """A colour and a logo of the vendor's own."""
    drawn = Image.new("RGBA", (420, 140))
    pen = ImageDraw.Draw(drawn)
    pen.rounded_rectangle((4, 10, 124, 130), 26, fill=accent)
    pen.arc((34, 40, 94, 130), 180, 360, fill="white", width=12)
    for x, height in ((160, 70), (200, 100), (240, 60), (280, 90), (320, 70), (360, 100)):
        pen.rounded_rectangle((x, 120 - height, x + 22, 120), 6, fill="#2a1820")
    sent = io.BytesIO()
    drawn.save(sent, "PNG")
    with unit(shop.app):
        change_look(shop.vendor, Look(accent=accent, support_phone="+44 20 7946 0000"), by=shop.user.public_id)
        set_logo(shop.vendor, draw_logo(sent.getvalue()), by=shop.user.public_id)


def _again(shop: Shop) -> Vendor:
    """The vendor as the database has it now."""
    with shop.app.app_context():
        found = find_vendor(shop.vendor.public_id)
    assert found
    return found


def payment_path(shop: Shop, payment: Payment) -> str:
    with shop.app.app_context():
        return f"/checkout/{payment_token(shop.vendor, payment)}"


def _link(shop: Shop, **terms: Any) -> PaymentLink:
    return make_link(shop, **{"title": TITLE, "amount": "65.00", "description": "Four hours, apron and a starter to take home.", **terms})


def _payment(shop: Shop, **terms: Any) -> Payment:
    return make_payment(shop, _link(shop, **terms))


def _offer(shop: Shop) -> Offer:
    with unit(shop.app):
        rate = make_rate(shop.vendor, "test", name="VAT", bps=2_000, inclusive=False, by=shop.user.public_id).public_id
    return Offer(
        items=(Item("itm_loaf", "Country loaf", 450, 1, 10), Item("itm_jam", "Damson jam", 320, 0, 5, rate)), tips=Tips((500, 1_000), 500),
        discounts=True, business=True, phone="optional", shipping="optional",
        questions=(Question("day", "Day of collection", "date", True), Question("size", "Slices", "select", False, ("Thin", "Thick"))),
        terms=Terms("I agree to the terms", "Bread is not taken back."),
    )  # fmt: skip


def _links(shop: Shop) -> list[State]:
    fixed, open_ = (
        _link(shop),
        make_link(shop, title="Tip the night shift", amount=None, suggestions_minor=[300, 500, 1000], minimum_minor=100),
    )
    cart = make_link(shop, title="Breakfast for two", amount=None, offer=_offer(shop))
    parts = make_link(shop, title="Wedding cake", amount=None, kind="request", total_minor=48_000, minimum_minor=5_000)
    filled = _link(shop, title="Invoice 2026-041")
    with unit(shop.app):
        made = make_prefill(
            shop.vendor,
            again(filled),
            by=shop.user.public_id,
            answers=Answers(email="ada@example.com", name="Ada Payer"),
            form_token=secrets.token_urlsafe(18),
        )
        known = f"/pay/{prefill_token(shop.vendor, again(filled), made)}"
    return [
        State("link", "A link of one amount", link_address(shop, fixed)),
        State("link-refused", "The same after an empty form was sent", link_address(shop, fixed), _send_empty),
        State("link-amount", "The payer chooses the amount", link_address(shop, open_)),
        State("link-cart", "A list of things, a tip, tax, a code and questions", link_address(shop, cart)),
        State("link-parts", "A request that is paid in parts", link_address(shop, parts)),
        State("link-filled", "A link whose answers are filled in", known),
    ]


def _send_empty(page: Any) -> None:
    page.get_by_role("button", name="Continue").last.click()
    page.locator(".error-summary").wait_for()


def _closed_links(shop: Shop) -> list[State]:
    paused, ended, once, full, dear = _link(shop), _link(shop), _link(shop, kind="single"), _link(shop, max_payments=1), _link(shop)
    with unit(shop.app):
        pause_link(again(paused), by=shop.user.public_id, message="We are baking for the market. Back on Monday.")
        expire_link(again(ended), by=shop.user.public_id)
        dearer = make_button(
            shop.vendor, again(dear), by=shop.user.public_id, answers=Answers(), look=Face(text="Pay"), expires_at=None, form_token="b" * 20
        )
        dearer.price_minor = 100
        old = f"/pay/{prefill_token(shop.vendor, again(dear), dearer)}"
    make_paid(shop, once)
    make_paid(shop, full)
    return [
        State("link-price-changed", "A button whose price is not the link’s any more", old),
        State("link-paused", "A link that rests", link_address(shop, paused)),
        State("link-expired", "A link that has ended", link_address(shop, ended)),
        State("link-paid", "A link for one payment, which was made", link_address(shop, once)),
        State("link-sold-out", "A link whose places are taken", link_address(shop, full)),
    ]


def _under_way(shop: Shop) -> list[State]:
    fresh, left = _payment(shop, methods=("card",)), _payment(shop, methods=("card",))
    open_payment(shop, left)
    declined, locked, soon = make_declined(shop, _link(shop)), _payment(shop), _payment(shop)
    attempt = open_payment(shop, locked)
    for _ in range(MOST_DECLINES):
        tell(shop, locked, attempt, "declined", charge=f"ch_{secrets.token_hex(6)}", decline_code="do_not_honor")
    waiting, bank = {}, {}
    for state in ("unknown", "processing"):
        waiting[state] = _payment(shop)
        tell(shop, waiting[state], open_payment(shop, waiting[state]), state)
    with unit(shop.app):
        again(soon).expires_at = now() + timedelta(minutes=4)
        for method in ("wallet", "bank_redirect", "qr"):
            switch_method(shop.vendor, shop.mode, method, on=True, by=shop.user.public_id)
    bank["delayed"] = _delayed(shop)
    return [
        State("pay-fields", "The card is typed in the processor's fields", payment_path(shop, fresh), _await_fields),
        State("pay-ways", "Several ways to pay", payment_path(shop, _payment(shop)), _await_fields),
        State("pay-closing", "The last minutes of the page", payment_path(shop, soon), _await_fields),
        State("pay-challenge", "Left in the middle at the processor's page", payment_path(shop, left)),
        State("pay-declined", "After a decline", payment_path(shop, declined), _await_fields),
        State("pay-locked", "After too many declines", payment_path(shop, locked)),
        State("pay-held", "It looked like card testing", payment_path(shop, _held(shop))),
        State("checking", "The outcome is not known yet", payment_path(shop, waiting["unknown"])),
        State("processing", "The bank has it", payment_path(shop, waiting["processing"])),
        State("delayed", "A way to pay that takes days", payment_path(shop, bank["delayed"])),
    ]


def _await_fields(page: Any) -> None:
    """With scripts the processor's frame opens by itself; without them there is a button in its place."""
    if page.locator('#card-fields[hx-trigger^="load"]').count() and page.evaluate("Boolean(window.htmx)"):
        page.locator("[data-frame]").wait_for()
        page.frame_locator("[data-frame]").get_by_label("Card number").wait_for()


def _delayed(shop: Shop) -> Payment:
    payment = _payment(shop)
    with unit(shop.app):
        attempt = begin_attempt(shop.vendor, again(payment), method="bank_redirect")
        record_opening(shop.vendor, attempt, Opening(provider_reference=f"cs_{secrets.token_hex(8)}", redirect_url="http://127.0.0.1/bank"))
    tell(shop, payment, attempt, "processing")
    return payment


def _over(shop: Shop) -> list[State]:
    paid, refunded, canceled, expired, none = (
        make_paid(shop, _link(shop)),
        make_paid(shop, _link(shop)),
        _payment(shop),
        _payment(shop),
        _nothing_fits(shop),
    )
    tell_refund(shop, ask_refund(shop, refunded, "20.00"), "succeeded")
    with unit(shop.app):
        give_up(again(canceled), to="canceled", actor="payer")
        give_up(again(expired), to="expired", actor="clock")
    marked = _payment(shop)
    with unit(shop.app):
        mark_payment(shop.vendor, again(marked), "paid", reason="Paid in cash", by=shop.user.public_id)
    return [
        State("paid", "Paid", payment_path(shop, paid)),
        State("marked", "The seller noted that it was paid elsewhere", payment_path(shop, marked)),
        State("paid-refunded", "Paid, and partly given back", payment_path(shop, refunded)),
        State("canceled", "The payer called it off", payment_path(shop, canceled)),
        State("expired", "The time to pay has run out", payment_path(shop, expired)),
        State("no-way", "No way to pay fits", payment_path(shop, none)),
    ]


def _nothing_fits(shop: Shop) -> Payment:
    """A link that allows wallets only, which were switched off since."""
    payment = _payment(shop, methods=("wallet",))
    with unit(shop.app):
        switch_method(shop.vendor, shop.mode, "wallet", on=False, by=shop.user.public_id)
    return payment


def _held(shop: Shop) -> Payment:
    payment = _payment(shop)
    with unit(shop.app):
        hold_payment(again(payment), Verdict(100, LIMITS[0]))
    return payment


def _transfers(shop: Shop) -> list[State]:
    bank = TestBank(shop)
    made = {name: _payment(shop, currency="USD") for name in ("waiting", "part", "over", "late")}
    attempts = {name: begin_transfer(shop, payment) for name, payment in made.items()}
    codes = {name: attempt.provider_reference or "" for name, attempt in attempts.items()}
    with shop.app.app_context():
        outcome = close_at_provider(made["late"], attempts["late"])
    with unit(shop.app):
        record_close(shop.vendor, again(made["late"]), again(attempts["late"]), outcome, to="canceled", actor="payer")
    bank.tell(transfer(2_000, codes["part"]), transfer(7_000, codes["over"]), transfer(6_500, codes["late"]))
    return [
        State("transfer", "How to transfer the money", payment_path(shop, made["waiting"])),
        State("transfer-part", "A part of it has come", payment_path(shop, made["part"])),
        State("transfer-over", "More came than was due", payment_path(shop, made["over"])),
        State("transfer-late", "It came after the end", payment_path(shop, made["late"])),
    ]


def _several(shop: Shop) -> list[State]:
    """A checkout with two sellers, in every state: nobody asked, being paid, the payer needed, done, in part, not, going back, given back, too late."""
    market = Market([shop, make_shop(shop.app, business="Lumen Yoga Studio")])
    told: dict[str, tuple[str, str, str]] = {  # rule, then what the processor says of each order
        "open": ("keep", "", ""), "paying": ("keep", "yes", ""), "waiting": ("keep", "yes", "no"), "confirm": ("keep", "yes", "ask"),
        "done": ("keep", "yes", "yes"), "partly": ("keep", "yes", "over"), "unpaid": ("keep", "over", "over"),
        "unwinding": ("all_or_nothing", "yes", "no"), "undone": ("all_or_nothing", "yes", "over"), "expired": ("keep", "", ""),
    }  # fmt: skip
    states = []
    for name, (rule, *words) in told.items():
        sale = market.open(6500, 1650, rule=rule)
        if name == "expired":
            with shifted(timedelta(days=4)):
                sale.look()
        elif name != "open":
            _play(sale, words)
        with shop.app.app_context():
            states.append(State(f"several-{name}", f"Two sellers: {name}", f"/o/{payer_token(shop.vendor, sale.checkout)}"))
    return states


def _play(sale: Sale, words: list[str]) -> None:
    sale.pay()
    for place, word in enumerate(words, 1):
        if word:
            sale.tell(place, "no" if word == "over" else word)
        if word == "over":
            sale.expire(place)
    if sale.checkout.rule == "all_or_nothing" and "over" in words:
        sale.refunds_arrive()


def _papers(shop: Shop) -> list[State]:
    paid, refunded = make_paid(shop, _link(shop)), make_paid(shop, _link(shop))
    tell_refund(shop, ask_refund(shop, refunded, "20.00"), "succeeded")
    with shop.app.app_context():
        first, second = (f"/receipt/{receipt_token(shop.vendor, payment)}" for payment in (paid, refunded))
    return [
        State("receipt", "The receipt", first),
        State("receipt-refunded", "The receipt after a refund", second),
        State("receipt-preparing", "Its PDF is being printed", f"{first}.pdf"),
        *_own_page(shop, paid, first),
        *_claims(shop),
    ]


def _claims(shop: Shop) -> list[State]:
    """A refund that could not go back the way it came: the account is asked for, was named, was not approved; and a link that was taken back."""
    made = [opened(shop, *failed_refund(shop)) for _ in range(4)]
    for claim in made[1:3]:
        named(shop, claim)
    with unit(shop.app):
        refuse_claim(shop.vendor, again(made[2]), reason="The name on the account is not the one of the payment.", by=shop.user.public_id)
        revoke_claim(shop.vendor, again(made[3]), by=shop.user.public_id)
    words = ("An account is asked for", "An account was named", "It was not approved", "The link was taken back")
    names = ("claim", "claim-named", "claim-refused", "claim-revoked")
    return [State(name, said, address(shop, claim)) for name, said, claim in zip(names, words, made, strict=True)]


def _own_page(shop: Shop, paid: Payment, receipt: str) -> list[State]:
    """What a payer sees behind the key that was sent to them."""
    with unit(shop.app):
        key = make_key(shop.vendor, shop.mode, paid.email)
        own = f"/mine/{key_token(shop.vendor, key)}"
    return [
        State("payer-key", "The way to all of one's payments", f"{receipt}/mine"),
        State("payer", "A payer's own page", own),
        State("payer-details", "Whom the receipt is made out to", f"{own}/{paid.public_id}/details"),
        State("payer-problem", "A problem is reported", f"{own}/{paid.public_id}/problem"),
    ]


def _strangers(shop: Shop) -> list[State]:
    with shop.app.app_context():
        reference = make_paid(shop, _link(shop)).reference
    return [
        State("not-valid", "An address that opens nothing", "/pay/not-one-of-ours"),
        State("verify", "Is this genuine?", "/verify"),
        State("verify-genuine", "Yes, it is", "/verify", lambda page: _ask(page, reference)),
        State("verify-unknown", "We know nothing of it", "/verify", lambda page: _ask(page, "XXXX-XXXX")),
    ]


def _ask(page: Any, text: str) -> None:
    page.get_by_role("main").get_by_role("textbox").fill(text)
    page.get_by_role("main").get_by_role("button").first.click()
    page.locator("main .result, main .notice, main .error-summary").first.wait_for()


def portal_paths(shop: Shop) -> dict[str, str]:
    """The portal's main pages, by the name of their picture."""
    return {
        "home": "/portal/", "payments": "/portal/payments", "links": "/portal/links", "new-link": "/portal/links/new",
        "customers": "/portal/customers", "refunds": "/portal/refunds", "refund-links": "/portal/refund-links", "balance": "/portal/balance", "statements": "/portal/statements",
        "search": "/portal/search?q=a", "notices": "/portal/notices", "messages": "/portal/outbox", "settings": "/portal/settings",
        "branding": "/portal/settings/branding", "methods": "/portal/settings/methods", "receipts": "/portal/settings/receipts",
        "notifications": "/portal/settings/notifications", "team": "/portal/team", "taxes": "/portal/settings/taxes",
        "discounts": "/portal/discounts", "domains": "/portal/settings/domains", "pay-domains": "/portal/settings/pay-domains", "on-a-website": "/portal/embed", "protection": "/portal/settings/protection", "live": "/portal/live",
        "security": "/portal/settings/security", "two-step": "/portal/two-step", "device": "/portal/two-step/devices/new",
        "role": "/portal/team/roles/new", "memberships": "/portal/memberships", "orders": "/portal/orders", "selling": "/portal/orders/selling", "keys": "/portal/keys", "reference": "/portal/api", "reference-payments": "/portal/api/payments", "webhooks": "/portal/webhooks", "new-webhook": "/portal/webhooks/new", "new-plan": "/portal/memberships/plans/new", "audit-log": "/portal/settings/audit-log", "letters": "/portal/settings/letters",
        "letter": "/portal/settings/letters/receipt", "styles": "/portal/settings/styles", "exchange": "/portal/balance/exchange",
        "listings": "/portal/listings", "branches": "/portal/branches", "new-listing": "/portal/listings/new", "exports": "/portal/exports", "transfers": "/portal/transfers",
        "bank-terms": "/portal/settings/bank-transfers", "address": "/portal/settings/address", "staff-visits": "/portal/settings/staff-visits",
    }  # fmt: skip


OPEN_PAGES = {
    "front": "/",
    "sign-up": "/sign-up",
    "sign-in": "/sign-in",
    "reset-password": "/reset-password",
    "not-found": "/there-is-no-such-page",
}
