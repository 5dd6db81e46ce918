"""The people of a simulated world: what payers, sellers, banks and the staff do. Each act may be cut off at any line by the weather."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.disputes.answer import request_acceptance
from core.disputes.models import Dispute
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.orders.consent import let_sell
from core.orders.deliver import deliver_order
from core.orders.models import Order
from core.orders.open import open_checkout, saving_of
from core.orders.queries import lines_of
from core.orders.refund import refund_lines
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from core.payments.attempt import begin_attempt, open_at_provider, record_opening
from core.payments.models import Attempt, Payment
from core.payments.poll import inquire
from core.payments.queries import get_payment
from core.payments.refund import request_refund
from core.payments.saved_models import Saving
from core.payments.saving import inquire_saving, open_saving_at_provider, record_saving_opened, settle_saving
from core.payments.settle import settle_at_once
from core.payouts.accounts import add_account
from core.payouts.approve import DoesNotAddUp, approve_payout
from core.payouts.models import Payout
from core.payouts.request import request_payout
from core.reconciliation.runs import begin_run
from sandbox import published
from tests.factories import Shop, again, make_link, make_payment, make_shop, unit
from tests.simulation.net import BASE
from tests.simulation.transfers import Transfers
from tests.simulation.world import CURRENCY, World

THEIRS = "DE12500105170648489890"
TOKENS = {card.token: card for card in published.CARDS if card.delayed != "stays" and not card.blocked}
GOOD = ("pm_card_visa", "pm_card_visa_debit", "pm_card_mastercard", "pm_card_amex")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Buyer:
    """Somebody with a payment, and whatever they have been shown of it."""

    shop: Shop
    payment: Payment


class People:
    """Everybody. `acts` is what may happen next, and how often."""

    def __init__(self, world: World, sellers: int = 4) -> None:
        self.world, self.dice, self.app = world, world.dice, world.app
        self.buyers: list[Buyer] = []
        self.savings: list[tuple[Shop, Saving]] = []
        self.numbers = iter(range(1, 1_000_000))
        self.shops = [self._opens_shop(f"Seller {number}") for number in range(1, sellers + 1)]
        world.sellers = self.shops
        self.links = {}
        for shop in self.shops:
            with unit(self.app):
                add_account(shop.vendor, "test", currency=CURRENCY, holder=shop.vendor.name, iban=THEIRS, by=shop.user.public_id)
            if shop is not self.shops[0]:
                with unit(self.app):
                    let_sell(shop.vendor, "test", self.shops[0].vendor.public_id, by=shop.user.public_id)
            self.links[shop.vendor.id] = make_link(shop, amount=None, currency=CURRENCY, minimum_minor=100)
        self.acts: dict[Callable[[], None], int] = {
            self.sets_out: 30, self.comes_back: 8, self.gives_back: 12, self.buys_of_several: 5, self.enters_card: 8, self.delivers: 4,
            self.gives_lines_back: 3, self.complains: 3, self.bank_decides: 5, self.gives_in: 2, self.asks_for_payout: 4, self.staff_approve: 3,
            self.processor_pays_out: 3, self.staff_reconcile: 1, self.refunds_at_the_processor: 3, self.weather_at_the_processor: 4,
        }  # fmt: skip
        self.transfers = Transfers(self)

    def _opens_shop(self, name: str) -> Shop:
        """With terms of its own."""
        shop = make_shop(self.app, business=name, currency=CURRENCY, country="DE")
        with unit(self.app):
            vendor = db.session.get_one(Vendor, shop.vendor.id)
            vendor.fee_bps, vendor.release_days = self.dice.choice((0, 150, 290)), self.dice.choice((1, 2, 5))
        return replace(shop, vendor=vendor)

    def one(self) -> None:
        """The next thing that somebody does."""
        act = self.dice.choices(list(self.acts), list(self.acts.values()))[0]
        self.world.lives(act.__name__, act)

    # --- payers -------------------------------------------------------------------------------------------------------

    def sets_out(self) -> None:
        shop, minor = self.dice.choice(self.shops), self.dice.randint(100, 60_000)
        amount = Money(minor, CURRENCY).decimal_text
        payment = make_payment(shop, self.links[shop.vendor.id], amount=amount, email=f"payer{next(self.numbers)}@mail.example")
        buyer = Buyer(shop, payment)
        self.buyers.append(buyer)
        self._pays(buyer)

    def comes_back(self) -> None:
        """With another card, in another tab, or only to look."""
        if self.buyers:
            self._pays(self.dice.choice(self.buyers[-12:]))

    def _pays(self, buyer: Buyer) -> None:
        with self.app.app_context():
            attempt = self._opens(buyer)
            if attempt.provider_reference is None or self.dice.random() < 0.1:
                return  # leaves before a card is typed
            self._types_card(attempt)
            if self.dice.random() < 0.5:
                self._looks(buyer, attempt)

    def _opens(self, buyer: Buyer) -> Attempt:
        """The page with the processor's fields."""
        with unit_of_work():
            payment = again(buyer.payment)
            attempt = begin_attempt(buyer.shop.vendor, payment, surface="fields")
        if attempt.provider_reference is None:
            opening = open_at_provider(buyer.shop.vendor, payment, attempt, return_url=f"{BASE}/r", cancel_url=f"{BASE}/c")
            with unit_of_work():
                attempt = record_opening(buyer.shop.vendor, attempt, opening)
        return attempt

    def _types_card(self, attempt: Attempt, card: str = "") -> None:
        """In the processor's own fields: the payer's browser talks to the processor, and our weather does not touch it."""
        card = card or self.dice.choice(GOOD) if self.dice.random() < 0.65 else self.dice.choice(list(TOKENS))
        path = f"{BASE}/v1/payment_intents/{attempt.provider_reference}/confirm"
        told, _, _ = self.world.net.send("POST", path, self._key() | FORM, f"payment_method={card}&return_url={BASE}/r")
        if b"/3ds/" in told and self.dice.random() < 0.8:
            intent = self.world.shelf().find("payment_intent", attempt.provider_reference)
            if intent and intent["status"] == "requires_action":
                url = intent["next_action"]["redirect_to_url"]["url"]
                self.world.net.send("POST", url, FORM, f"answer={self.dice.choice(('approve', 'approve', 'approve', 'fail'))}")

    def _looks(self, buyer: Buyer, attempt: Attempt) -> None:
        """Back on our page, which asks the processor."""
        with unit_of_work():
            payment, tried = again(buyer.payment), again(attempt)
        outcome = inquire(payment, tried)
        with unit_of_work():
            settle_at_once(buyer.shop.vendor, payment, tried, outcome, cause="return")

    def buys_of_several(self) -> None:
        """One checkout with orders of several sellers."""
        shops = self.dice.sample(self.shops, self.dice.randint(2, len(self.shops)))
        number = next(self.numbers)
        orders = tuple(OrderWish(shop.vendor.public_id, self._lines(), f"R{number}-{place}") for place, shop in enumerate(shops, 1))
        wish = CheckoutWish(
            f"cart-{self.world.seed}-{number}", f"buyer{number}@mail.example", "Ada Payer", CURRENCY, orders,
            rule=self.dice.choice(("keep", "all_or_nothing")), hours=self.dice.choice((2, 12)), release_days=self.dice.choice((1, 4)),
        )  # fmt: skip
        operator = self.shops[0]
        with unit(self.app):
            saving = saving_of(operator.vendor, open_checkout(operator.vendor, "test", wish, by=operator.user.public_id))
        self.savings.append((operator, saving))  # where the process died before its commit there is none
        self.enters_card()

    def _lines(self) -> tuple[LineWish, ...]:
        return tuple(LineWish("Bread", 1, self.dice.randint(100, 9_000)) for _ in range(self.dice.randint(1, 3)))

    def enters_card(self) -> None:
        """The checkout's one card, on the processor's page; once that has gone wrong, again."""
        if not self.savings:
            return
        shop, saving = self.dice.choice(self.savings[-4:])
        with self.app.app_context():
            with unit_of_work():
                saving = again(saving)
            if saving.state == "asked":
                opening = open_saving_at_provider(shop.vendor, saving, return_url=f"{BASE}/r", cancel_url=f"{BASE}/c")
                with unit_of_work():
                    saving = record_saving_opened(saving, opening)
            if saving.state != "open" or not saving.redirect_url:
                return
            number = self.dice.choice(("4242424242424242", "5555555555554444", "4000000000000341", "4000002500003155", "4000000000007726"))
            _, _, headers = self.world.net.send(
                "POST", saving.redirect_url, FORM, f"number={number}&expiry=12%2F39&cvc=123&name=Ada&email=ada%40mail.example"
            )
            onward = str(headers.get("Location", ""))
            if "/3ds/" in onward:
                self.world.net.send("POST", onward if onward.startswith("http") else BASE + onward, FORM, "answer=approve")
            if self.dice.random() < 0.6:
                outcome = inquire_saving(saving)
                if outcome is not None:
                    with unit_of_work():
                        settle_saving(saving, outcome)

    # --- sellers ------------------------------------------------------------------------------------------------------

    def _any(self, model: Any, *where: Any) -> Any:
        """Some row of the sellers', with its shop."""
        rows = self._rows(model, *where)
        if not rows:
            return None, None
        row = self.dice.choice(rows)
        return row, next((shop for shop in self.shops if shop.vendor.id == row.vendor_id), None)

    def _rows(self, model: Any, *where: Any) -> list[Any]:
        with unit(self.app):
            return list(db.session.scalars(select(model).where(model.mode == "test", *where).order_by(model.id)))

    def gives_back(self) -> None:
        payment, shop = self._any(Payment, Payment.state == "succeeded")
        if shop is None or not payment.refundable:
            return
        minor = payment.refundable.minor
        part = minor if self.dice.random() < 0.4 else self.dice.randint(1, minor)
        if payment.provider != "bank" and self.dice.random() < 0.3:
            part = max(minor // self.dice.choice((2, 3)), 1)
            self._is_refunded_twice(payment)
        token = secrets.token_urlsafe(18)
        for _ in range(self.dice.choice((1, 1, 2))):  # some press twice
            with unit(self.app):
                request_refund(
                    shop.vendor, again(payment), amount=Money(part, payment.currency), reason="requested_by_customer", by=shop.user.public_id, form_token=token
                )  # fmt: skip

    def _is_refunded_twice(self, payment: Payment) -> None:
        """The processor will make each refund of this payment twice."""
        self._tell_story("refund_doubled", payment.charge)
        self.world.reference.doubled.add(str(payment.charge))

    def _tell_story(self, name: str, charge: str | None) -> None:
        """A misfortune of this one payment's, from now on."""
        found = self.world.shelf().find("charge", charge)
        self.world.call("POST", "stories", story=name, subject=found["payment_intent"])

    def payment(self, shop: Shop, number: str) -> Payment:
        """By its number, in the present unit."""
        return get_payment(shop.vendor, "test", number)

    def delivers(self) -> None:
        order, shop = self._any(Order, Order.state == "paid", Order.delivered_at.is_(None))
        if shop is not None:
            with unit(self.app):
                deliver_order(shop.vendor, again(order), by=shop.user.public_id)

    def gives_lines_back(self) -> None:
        order, shop = self._any(Order, Order.state == "paid")
        if shop is None:
            return
        with unit(self.app):
            line = self.dice.choice(lines_of(shop.vendor, again(order))).line
            minor = self.dice.randint(1, line.amount_minor)
            wanted = {line.place: Money(minor, order.currency)}
            refund_lines(
                shop.vendor,
                again(order),
                wanted,
                reason="requested_by_customer",
                by=shop.user.public_id,
                form_token=secrets.token_urlsafe(9),
            )

    def asks_for_payout(self) -> None:
        shop = self.dice.choice(self.shops)
        with unit(self.app):
            request_payout(shop.vendor, "test", CURRENCY, by=shop.user.public_id, form_token=secrets.token_urlsafe(12))

    def staff_approve(self) -> None:
        payout, shop = self._any(Payout, Payout.state == "requested")
        if shop is not None:
            with unit(self.app):
                try:
                    approve_payout(shop.vendor, again(payout), by="stf_finance")
                except DoesNotAddUp as broken:  # no refusal that a world lives with
                    raise AssertionError(f"{payout.public_id}: the statement does not add up") from broken

    # --- banks, the processor, the staff ------------------------------------------------------------------------------

    def complains(self) -> None:
        """A payer's bank wants it back, all or a part, or only asks."""
        charges = [one for one in self.world.shelf().rows("charge") if one["status"] == "succeeded" and not one["disputed"]]
        left = [one for one in charges if one["amount_captured"] > one["amount_refunded"]]
        if left:
            charge = self.dice.choice(left)
            due = self.dice.choice((3_600, 86_400, 5 * 86_400))
            self.world.call("POST", "disputes", charge=charge["id"], inquiry=self.dice.random() < 0.2, due_seconds=due)

    def bank_decides(self) -> None:
        disputes = self.world.shelf().rows("dispute")
        if disputes:
            outcome = self.dice.choice(("won", "won", "lost", "again", "closed"))
            self.world.call("POST", "disputes", dispute=self.dice.choice(disputes)["id"], outcome=outcome)

    def gives_in(self) -> None:
        dispute, shop = self._any(Dispute, Dispute.state == "needs_response")
        if shop is not None:
            with unit(self.app):
                request_acceptance(shop.vendor, again(dispute), by=shop.user.public_id)

    def processor_pays_out(self) -> None:
        self.world.call("POST", "payouts", currency=CURRENCY.lower())

    def staff_reconcile(self) -> None:
        with unit(self.app):
            begin_run("test", by="stf_finance")

    def refunds_at_the_processor(self) -> None:
        """By hand, at the processor itself: we hear of it as of everything else."""
        charges = [one for one in self.world.shelf().rows("charge") if one["status"] == "succeeded" and not one["disputed"]]
        left = [one for one in charges if one["amount_captured"] > one["amount_refunded"] + 100]
        if left:
            self.world.net.send(
                "POST",
                f"{BASE}/v1/refunds",
                self._key() | FORM,
                f"charge={self.dice.choice(left)['id']}&amount={self.dice.randint(1, 100)}",
            )

    def goes_back_in_silence(self) -> None:
        """One refund that we ask for is made twice, and one is made by hand; of neither a word is said, so that only a look finds them."""
        fit = [
            (shop, payment)
            for shop in self.shops
            for payment in self._rows(
                Payment, Payment.vendor_id == shop.vendor.id, Payment.state == "succeeded", Payment.provider == "sandbox"
            )
            if self._is_quiet(payment)
        ]
        for (shop, payment), by_hand in zip(self.dice.sample(fit, min(2, len(fit))), (False, True), strict=False):
            self._tell_story("webhook_lost", payment.charge)
            self.world.reference.silent.add(str(payment.charge))
            if by_hand:
                told, status, _ = self.world.net.send(
                    "POST", f"{BASE}/v1/refunds", self._key() | FORM, f"charge={payment.charge}&amount=100"
                )
                assert status == 200, told
                continue
            self._is_refunded_twice(payment)
            with unit(self.app):
                request_refund(
                    shop.vendor, again(payment), amount=Money(100, CURRENCY), reason="duplicate", by=shop.user.public_id, form_token=secrets.token_urlsafe(9)
                )  # fmt: skip

    def gives_back_late_in_silence(self) -> None:
        """A refund that is promised, and made later without a word: only the clock's question can find its end."""
        shop = self.dice.choice(self.shops)
        buyer = Buyer(shop, make_payment(shop, self.links[shop.vendor.id], amount="25.00", email=f"payer{next(self.numbers)}@mail.example"))
        with self.app.app_context():
            attempt = self._opens(buyer)
            self._types_card(attempt, "pm_card_pendingRefund")
            self._looks(buyer, attempt)
        with unit(self.app):
            payment = again(buyer.payment)
            if payment.state != "succeeded":
                return
            self._tell_story("webhook_lost", payment.charge)
            token = secrets.token_urlsafe(9)
            request_refund(shop.vendor, payment, amount=payment.captured, reason="duplicate", by=shop.user.public_id, form_token=token)

    def _is_quiet(self, payment: Payment) -> bool:
        """Nothing else is going on about it, here or there."""
        charge = self.world.shelf().find("charge", payment.charge)
        return (
            charge is not None
            and not charge["disputed"]
            and not charge["amount_refunded"]
            and payment.refundable.minor == charge["amount_captured"] >= 300
            and str(self.world.shelf().private(charge["id"]).get("token")) in (*GOOD, "None")
        )

    def weather_at_the_processor(self) -> None:
        """The next payments' news come late, twice, in the wrong order, or never."""
        name = self.dice.choice(("webhook_late", "webhook_doubled", "webhook_out_of_order", "webhook_lost"))
        self.world.call("POST", "stories", story=name, times=self.dice.randint(1, 4))

    @staticmethod
    def _key() -> dict[str, str]:
        from tests.simulation.world import KEY

        return {"Authorization": f"Bearer {KEY}"}


def a_while(world: World) -> timedelta:
    """Mostly seconds, sometimes a night."""
    roll = world.dice.random()
    if roll < 0.8:
        return timedelta(seconds=world.dice.uniform(0.5, 40))
    if roll < 0.97:
        return timedelta(minutes=world.dice.uniform(1, 90))
    return timedelta(hours=world.dice.uniform(2, 20))
