"""Which ways to pay are open to a payment, and where its payer says to be."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.places import is_country
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.recent import Recent
from core.kernel.sentence import said
from core.methods.eligible import Asked, MethodNotOffered, Verdict, Way, because, judge
from core.methods.rules import Written, rules_of, written_rules
from core.payments.history import note
from core.payments.models import Payment, PaymentLink
from core.payments.start import lock_payment
from core.providers.contract import Offer
from core.providers.registry import offers_for

MOST = 512  # verdicts that a process remembers
_judged: Recent[tuple[Written, list[tuple[str, Offer]], Verdict]] = Recent(MOST)


class UnknownCountry(Refusal):
    """A country that is not on the list."""

    code = "unknown_country"


def ways_to_pay(vendor: Vendor, payment: Payment, link: PaymentLink | None = None, *, written: Written | None = None) -> Verdict:
    """What this payer may choose from, and why the rest is hidden: the vendor's rules, the link's, the providers' bounds.

    `link` is the payment's own and `written` the vendor's rules, where they have been read already. While none of the three has changed,
    what was judged before is given again.
    """
    if link is None and payment.link_id is not None:
        link = db.session.get(PaymentLink, (payment.vendor_id, payment.mode, payment.link_id))
    minor = payment.amount_minor
    asked = Asked(payment.currency, minor, minor, payment.payer_country, tuple(link.methods) if link else ())
    rules = written_rules(vendor.id, payment.mode) if written is None else written
    offers = offers_for(payment.mode)
    key = (vendor.id, payment.mode, asked)
    before = _judged.get(key)
    if before is not None and before[0] == rules and before[1] == offers:
        return before[2]
    verdict = judge(rules_of(rules), offers, asked)
    _judged.put(key, (rules, offers, verdict))
    return verdict


def check_way(vendor: Vendor, payment: Payment, method: str, *, written: Written | None = None) -> Way:
    """The way of this method for this payment; refuses MethodNotOffered with the reason. `written` as above."""
    verdict = ways_to_pay(vendor, payment, written=written)
    way = verdict.way(method)
    if way is None:
        hidden = next((hidden for hidden in verdict.hidden if hidden.method == method), None)
        raise MethodNotOffered(
            said("This cannot be paid that way. %(why)s.", why=because(hidden)) if hidden else said("There is no such way to pay."),
            field="method",
        )
    return way


def note_country(payment: Payment, country: str) -> None:
    """Write down where the payer says to be; empty forgets it. Refuses what is no country."""
    if country and not is_country(country):
        raise UnknownCountry("Choose a country from the list.", field="country")
    payment = lock_payment(payment)
    if payment.payer_country != (country or None):
        payment.payer_country = country or None
        note(payment, "payer.country", actor="payer", country=country or None)
