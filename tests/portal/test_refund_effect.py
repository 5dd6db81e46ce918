"""What a refund would do is shown before it is confirmed: tax, fee and balance, exactly, and nothing is written by looking."""

from __future__ import annotations

from sqlalchemy import select

from core.billing import store
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.models import Payment
from core.payments.refund_effect import effect_of
from core.payments.refund_models import Refund
from tests.browser import Browser, Page
from tests.core.memberships.joined import Joined
from tests.core.memberships.test_paid_twice import ada, payments_for_december
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, unit
from tests.portal.test_bought import buy
from tests.portal.test_memberships import gym, join
from tests.portal.test_refund_beyond_balance import spent

__all__ = ["ada", "gym", "spent"]  # fixtures


def look(owner: Browser, public_id: str, **changes: str) -> Page:
    show = f"/portal/payments/{public_id}"
    return owner.submit(owner.get(show).form(f"{show}/refunds"), step="look", **changes)


def facts(page: Page) -> dict[str, str]:
    return {dt.text: dd.text for dt, dd in zip(page.all("dt"), page.all("dd"), strict=True)}


def refunds(shop: Shop) -> list[Refund]:
    with shop.app.app_context():
        return list(db.session.scalars(select(Refund).where(Refund.vendor_id == shop.vendor.id)))


def test_it_says_what_comes_back_and_what_leaves_and_writes_nothing(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    page = look(owner, paid.public_id, amount="10.00", note="Kept <note>", reason="duplicate")
    told = facts(page)
    assert (
        told["Goes back"] == "£10.00" and told["Fee given back to you"] == "£0.15" and told["Fee that we keep of this payment"] == "£1.35"
    )
    assert told["Leaves your balance"] == "£9.85" and told["Pending afterwards"] == "£88.65" and told["Reason"] == "Paid twice"
    assert refunds(shop) == [] and fresh(shop, paid).refunding_minor == 0
    done = owner.submit(page.form(f"/portal/payments/{paid.public_id}/refunds"))
    assert "The refund is asked for." in done.text
    (refund,) = refunds(shop)
    assert (refund.amount_minor, refund.fee_returned_minor, refund.note, refund.reason) == (1_000, 15, "Kept <note>", "duplicate")
    assert refund.tell_payer and fresh(shop, paid).net.minor == 8_865


def test_what_cannot_be_is_refused_at_its_field_before_anything_is_shown(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    show = f"/portal/payments/{paid.public_id}"
    page = owner.submit(owner.get(show).form(f"{show}/refunds"), status=422, step="look", amount="25.01")
    assert "Nothing was refunded" in page.text
    assert "At most £25.00" in page.text and page.form(f"{show}/refunds").values["amount"] == "25.01"


def test_the_tax_of_all_parts_comes_to_the_whole(shop: Shop, owner: Browser) -> None:
    paid = buy(shop)  # 21.44, of which 3.24 are tax
    given = []
    for amount in ("7.15", "7.15", "7.14"):
        told = facts(look(owner, paid.public_id, amount=amount))
        given.append(Money.of(told["Tax in it"].removeprefix("£"), "GBP").minor)
        ask_refund(shop, fresh(shop, paid), amount)
    assert sum(given) == 324 and given[0] in (108, 109)


def test_a_sale_without_tax_says_nothing_of_it(shop: Shop, owner: Browser) -> None:
    assert "Tax in it" not in facts(look(owner, make_paid(shop).public_id, amount="1.00"))


def test_what_would_wait_says_so_and_names_no_balance_afterwards(shop: Shop, owner: Browser, spent: Payment) -> None:
    page = look(owner, spent.public_id, amount="10.00")
    assert "It waits in line" in page.text and "Available afterwards" not in facts(page)
    with unit(shop.app):
        assert effect_of(shop.vendor, again(spent), Money(1_000, "GBP")).outcome == "queued"


def test_what_comes_off_a_memberships_balance_is_said_before_it_goes_back(gym: Shop, owner: Browser) -> None:
    person = join(gym)
    (charge,) = person.charges()
    with unit(gym.app):
        paid = db.session.scalars(select(Payment).where(Payment.vendor_id == gym.vendor.id, Payment.id == charge.payment_id)).one()
    words = "Comes off the membership’s balance"
    assert words not in facts(look(owner, paid.public_id, amount="10.00"))
    with unit(gym.app):
        store.receive(person.row(), tuple(charge.documents), Money(600, "GBP"))
    page = look(owner, paid.public_id, amount="10.00")
    assert facts(page)[words] == "£6.00" and "does not pay the next month as well" in page.text
    assert facts(look(owner, paid.public_id, amount="4.00"))[words] == "£4.00"


def test_refunding_many_says_what_comes_off_the_balance_that_they_share(ada: Joined) -> None:
    """A month was paid twice: refunding both gives its balance back once."""
    owner, paid = ada.shop.browser(), payments_for_december(ada)
    page = owner.get("/portal/payments").form("/portal/payments/bulk")
    numbers = {"act": "refund", "scope": "ticked", "payments": [payment.public_id for payment in paid]}
    look = owner.post("/portal/payments/bulk", {"csrf_token": page.values["csrf_token"], **numbers})
    before, *after = look.text.split("Comes off the membership’s balance")
    assert "In all £20.00 goes back." in before and [part.split()[0] for part in after] == ["£10.00"]
