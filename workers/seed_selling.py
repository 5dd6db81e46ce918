"""What the demo's first vendor sells in its cart: things to choose, a tip, a code, a tax rate, a question and terms."""

from __future__ import annotations

from core.accounts.sign_up import NewAccount
from core.kernel.money import Money
from core.payments.discount import DiscountTerms, make_code
from core.payments.link import create_link
from core.payments.link_terms import LinkTerms
from core.payments.offer import Item, Offer, Question, Terms, Tips
from core.payments.tax import make_rate


def sell(account: NewAccount) -> None:
    """One link with everything on it, and the code that fits it. In the present unit."""
    vendor, by = account.vendor, account.user.public_id
    vat = make_rate(vendor, "test", name="VAT", bps=2_000, inclusive=True, by=by).public_id
    make_code(vendor, "test", by=by, terms=DiscountTerms("REGULAR10", bps=1_000, most_each=3))
    make_code(vendor, "test", by=by, terms=DiscountTerms("FIRSTBOX", amount=Money.of("3.00", vendor.currency), most_uses=100, most_each=1))
    things = (("itm_loaf", "Sourdough loaf, 800 g", "4.50", 1, 10, ""), ("itm_buns", "Four cardamom buns", "9.60", 0, 5, ""), ("itm_mug", "Bakery mug", "14.00", 0, 4, vat))  # fmt: skip
    offer = Offer(
        items=tuple(
            Item(key, title, Money.of(price, vendor.currency).minor, least, most, rate) for key, title, price, least, most, rate in things
        ),
        tips=Tips((500, 1_000, 1_500)),
        discounts=True,
        business=True,
        questions=(
            Question("collect_on", "When will you collect it?", "select", True, ("Friday", "Saturday")),
            Question("allergies", "Any allergies?"),
        ),
        terms=Terms(
            "I agree to the bakery’s terms",
            "Orders may be changed until noon the day before. Bread that is not collected is given to the food bank.",
        ),
        phone="optional",
    )
    terms = LinkTerms(title="Weekend box", currency=vendor.currency, description="Put your box together; collect it warm.", offer=offer)
    create_link(vendor, mode="test", by=by, terms=terms)
