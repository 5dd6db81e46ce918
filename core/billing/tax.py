"""Tax on documents: per rate on the sum of the rounded nets; what is credited never gives back more tax than was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from core.accounts.places import EU
from core.billing.lines import Line, TaxLine, total
from core.billing.proration import part
from core.billing.subscription import Subscription, TaxShare
from core.billing.terms import Terms
from core.kernel.money import Money
from core.kernel.percent import WHOLE

REVERSE = -1  # in the place of a rate: none is charged, and the buyer accounts for the tax (reverse charge)


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a merchant is taxed from the next period on: a rate, REVERSE, or None while the tax switch is off."""

    bps: int | None


def treatment(*, seller: str, buyer: str, standard_bps: int | None, validated_id: bool) -> Treatment:
    """Reverse charge for a business with a validated id in another state of the EU, from a seller in the EU; the standard rate otherwise."""
    if standard_bps is not None and may_reverse(seller=seller, buyer=buyer) and validated_id:
        return Treatment(REVERSE)
    return Treatment(standard_bps)


def may_reverse(*, seller: str, buyer: str) -> bool:
    """Whether the buyer's id is worth asking about at all."""
    return buyer != seller and buyer in EU and seller in EU


def waits_for_check(waited: timedelta, terms: Terms) -> bool:
    """The registry of tax ids does not answer: whether the draft is still held. After that the standard rate is charged."""
    return waited < timedelta(hours=terms.tax_check_hours)


def tax_on(net: Money, bps: int) -> Money:
    """The tax on a net sum at a rate, rounded once."""
    return Money(0, net.currency) if bps == REVERSE else part(net, Fraction(bps, WHOLE))


def with_tax(net: Money, bps: int | None) -> Money:
    """What a net price comes to for the merchant."""
    return net if bps is None else net + tax_on(net, bps)


def credited_tax(share: TaxShare, net: Money) -> Money:
    """The tax that goes back with a credit of `net`: by the rate, and what remains with the last one."""
    left = share.tax - share.credited_tax
    if share.credited_net + net == share.net:
        return left
    return min(tax_on(net, share.bps), left)


def tax_document(state: Subscription, lines: Sequence[Line], document: int) -> tuple[tuple[TaxLine, ...], tuple[TaxShare, ...]]:
    """The tax lines of a document, and what is then known of every taxed document."""
    taxes, shares = [], {(share.document, share.bps): share for share in state.taxed}
    for bps in sorted({line.tax_bps for line in lines if line.tax_bps is not None}):
        mine = [line for line in lines if line.tax_bps == bps]
        net = total(mine, state.currency)
        own, back = net, Money(0, state.currency)  # what the document charges itself, and the tax of others that it gives back
        for key, given in _credits(state, mine, shares).items():
            old, tax = shares[key], credited_tax(shares[key], given)
            shares[key] = replace(old, credited_net=old.credited_net + given, credited_tax=old.credited_tax + tax)
            own, back = own + given, back + tax
        tax = tax_on(net, bps) if own else -back
        taxes.append(TaxLine(bps, net, tax))
        if own:
            zero = Money(0, state.currency)
            shares[document, bps] = TaxShare(document, bps, own, tax + back, zero, zero)
    return tuple(taxes), tuple(shares.values())


def _credits(state: Subscription, lines: Sequence[Line], shares: dict[tuple[int, int], TaxShare]) -> dict[tuple[int, int], Money]:
    """What these lines give back of documents that were taxed, by document."""
    given: dict[tuple[int, int], Money] = {}
    entries = {entry.line.number: entry for entry in state.entries}
    for line in lines:
        corrected = entries.get(line.corrects) if line.corrects is not None else None
        if corrected is not None and corrected.line.corrects is not None:  # a credit is taken back: its line's document is meant
            corrected = entries.get(corrected.line.corrects)
        source = corrected.document if corrected is not None else None
        key = (source, line.tax_bps)
        if source is not None and line.tax_bps is not None and key in shares:
            given[source, line.tax_bps] = given.get((source, line.tax_bps), Money(0, state.currency)) - line.amount
    return given
