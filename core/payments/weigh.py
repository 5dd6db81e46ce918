"""The house's rules asked about one try to pay: before it is opened at the provider, and again when its card is authorised and known."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at, public_id, uuid7
from core.kernel.money import Money
from core.payments.attempt import begin_attempt, lock_both, move_attempt
from core.payments.history import move, note
from core.payments.lockout import BY_CARD
from core.payments.models import Attempt, Payment
from core.payments.review_models import Screening
from core.payments.saved_models import SavedCard, SavedCharge
from core.payments.states import LIVE_ATTEMPT, PAYMENT, may_move
from core.providers.contract import Outcome
from core.risk.lists import find_hits
from core.risk.rule_sets import Standing, standing
from core.risk.rules import AUTHENTICATE, BLOCK, REVIEW, Decision, Facts, Hit, asks, counts_asked, decide
from core.risk.windows import add, count, mark

NOT_ACCEPTED = "not_accepted"  # the decline's code; its words, which tell nothing of any rule: checkout/declines.py


class Begun(Protocol):
    """What is counted: a payment, or a checkout of several sellers."""

    vendor_id: Any
    mode: Any
    public_id: Any


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the rules say of a try that is about to be opened, and whether its money is only authorised to begin with."""

    version: int
    decision: Decision
    facts: Facts
    address: str
    hold: bool
    together: str = ""  # the checkout it was decided for, once for all its orders

    @property
    def refused(self) -> bool:
        """Whether nobody is asked for money at all."""
        return self.decision.action == BLOCK

    @property
    def secure(self) -> bool:
        """Whether the card’s bank is to ask the payer."""
        return self.decision.action == AUTHENTICATE


def weigh_try(vendor: Vendor, payment: Payment, method: str, *, address: str) -> Weighed | None:
    """Ask the rules about a new try. None where nothing is published and nobody listed: that is one look at what this process remembers.

    Nothing is locked and nothing written; Redis is asked where a rule counts addresses.
    """
    if payment.link_id is None and (together := _decided_for_all(payment)) is not None:
        return replace(together, address=address, hold=together.hold and method in BY_CARD)
    counting = standing(payment.mode)
    if counting.empty:
        return None
    facts = _facts(vendor, payment, counting, address=address)
    decision = decide(counting.rules, facts)
    hold = method in BY_CARD and (decision.action == REVIEW or counting.needs_card)
    return Weighed(counting.version, decision, facts, address, hold)


def weigh_charge(vendor: Vendor, mode: str, attempt_id: uuid.UUID) -> Weighed | None:
    """The same about a charge to a saved card that is about to be sent for the first time, with nobody there: no address is known, and of the
    card what its provider said when it was saved. None as well where whoever wished the charge has asked the rules already."""
    counting = standing(mode)
    if counting.empty:
        return None
    attempt = db.session.get_one(Attempt, (vendor.id, mode, attempt_id))
    payment = db.session.get_one(Payment, (vendor.id, mode, attempt.payment_id))
    charge = db.session.get(SavedCharge, (vendor.id, mode, attempt.payment_id))
    if charge is None or charge.weighed or attempt.screened or attempt.state != "started":
        return None
    card = db.session.get_one(SavedCard, (vendor.id, mode, charge.card_id))
    facts = _facts(vendor, payment, counting, card=card)
    decision = decide(counting.rules, facts)
    return Weighed(counting.version, decision, facts, "", holds_charge(counting, decision, card))


def holds_charge(counting: Standing, decision: Decision, card: SavedCard) -> bool:
    """Whether a charge to a saved card is only authorised to begin with: for a person, or because a card saved long ago is not known yet."""
    return decision.action == REVIEW or (counting.needs_card and not card.fingerprint)


def _facts(vendor: Vendor, payment: Payment, counting: Standing, *, address: str = "", card: SavedCard | None = None) -> Facts:
    asked = counts_asked(counting.rules)
    counts = {("email", hours): _begun_with(vendor, payment, hours) for of, hours in asked if of == "email"}
    for kind, value in (("address", address), ("card", card.fingerprint if card else "")):
        counts |= count_in_windows(payment, kind, value, (hours for of, hours in asked if of == kind))
    country = card.country if card else None
    hits: tuple[Hit, ...] = ()
    if counting.listed:
        mark, countries = card.fingerprint if card else "", (payment.payer_country, country)
        hits = find_hits(payment.mode, email=payment.email, address=address, card=mark, countries=countries)
    new = not _has_paid_before(vendor, payment) if asks(counting.rules, "new_payer") else None
    return Facts(payment.amount, payment.payer_country, country, new, counts, hits)


def screening_of(attempt: Attempt) -> Screening | None:
    """What the rules said of this try."""
    if not attempt.screened:
        return None
    mine = (Screening.vendor_id == attempt.vendor_id, Screening.mode == attempt.mode, Screening.attempt_id == attempt.id)
    return db.session.scalar(select(Screening).where(*mine).execution_options(populate_existing=True))


def _decided_for_all(payment: Payment) -> Weighed | None:
    """What was decided about the checkout that this payment is a part of: it counts for every try of it, with whichever card."""
    mine = (Screening.vendor_id == payment.vendor_id, Screening.mode == payment.mode, Screening.payment_id == payment.id)
    row = db.session.scalar(select(Screening).where(*mine, Screening.together != "").order_by(Screening.id).limit(1))
    if row is None:
        return None
    rule = row.reasons[0].get("rule", "") if row.reasons else ""
    hold = row.action == REVIEW or standing(payment.mode).needs_card
    return Weighed(row.version, Decision(row.action, rule=rule), read_facts(payment.amount, row.facts), "", hold, row.together)


def _begun_with(vendor: Vendor, payment: Payment, hours: int) -> int:
    """Payments begun at this seller with this e-mail in the last hours, this one among them. Whoever left none is not one person."""
    if not payment.email:
        return 1
    mine = (Payment.vendor_id == vendor.id, Payment.mode == payment.mode, Payment.email == payment.email)
    since = first_id_at(now() - timedelta(hours=hours))
    return int(db.session.scalar(select(func.count()).where(*mine, Payment.id >= since)) or 0)


def _has_paid_before(vendor: Vendor, payment: Payment) -> bool:
    if not payment.email:
        return False
    mine = (Payment.vendor_id == vendor.id, Payment.mode == payment.mode, Payment.email == payment.email)
    return (
        db.session.scalar(select(Payment.id).where(*mine, Payment.captured_at.is_not(None), Payment.id != payment.id).limit(1)) is not None
    )


def count_in_windows(begun: Begun, of: str, value: str, hours: Iterable[int]) -> dict[tuple[str, int], int]:
    """Different payments at this seller from this address, or with this card, in the last hours, this one among them. Each seller is counted
    alone. Call it with nothing locked: the counters stand in Redis, and without it nothing is known."""
    hours = sorted(set(hours))
    if not value or not hours:
        return {}
    window = mark(f"{begun.vendor_id}:{begun.mode}", f"begun:{of}", value)
    add([(window, begun.public_id)])
    found = count([(window, 3600 * number) for number in hours])
    return {(of, number): one for number, one in zip(hours, found, strict=True)}


def keep_weighed(payment: Payment, attempt: Attempt, weighed: Weighed | None) -> None:
    """Write down what was decided beside a try that has just begun. A try has one decision, however often it is opened."""
    if weighed is None or attempt.screened or attempt.provider_reference is not None:
        return
    attempt.screened = True
    db.session.add(_row(payment, attempt, weighed, "expected" if weighed.decision.action == REVIEW else "passed"))
    db.session.flush()


def _row(payment: Payment, attempt: Attempt, weighed: Weighed, state: str) -> Screening:
    reason = weighed.decision.plain()
    return Screening(
        vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), public_id=public_id("rvw"), payment_id=payment.id, attempt_id=attempt.id,
        version=weighed.version, action=weighed.decision.action, together=weighed.together, state=state, held=weighed.hold, reasons=[reason] if reason else [], facts=plain_facts(weighed.facts),
        address=weighed.address[:60], created_at=now(),
    )  # fmt: skip


def refuse_try(vendor: Vendor, payment: Payment, weighed: Weighed, *, surface: str, method: str) -> None:
    """The rules do not let this try begin: it is written down and over, the provider is not asked, and the payer may try another way.

    Refuses what begin_attempt refuses. A try that is under way already is left alone: the caller closes it first.
    """
    attempt = begin_attempt(vendor, payment, surface=surface, method=method)
    payment, attempt = lock_both(attempt)
    if attempt.provider_reference is not None or attempt.state not in LIVE_ATTEMPT:
        return
    if not attempt.screened:
        attempt.screened = True
        db.session.add(_row(payment, attempt, weighed, "refused"))
    attempt.decline_code = payment.decline_code = NOT_ACCEPTED
    note(payment, "attempt.declined", actor="system", decline_code=NOT_ACCEPTED, method=method)
    move_attempt(attempt, "declined")
    if payment.state != "requires_method" and may_move(PAYMENT, payment.state, "requires_method"):
        move(payment, "requires_method", "payment.requires_method", actor="system")
    db.session.flush()


def refuse_charge(payment: Payment, attempt: Attempt, weighed: Weighed) -> None:
    """The rules do not let a charge to a saved card be sent: that is written down. Whoever calls has locked both, and ends the charge."""
    attempt.screened = True
    db.session.add(_row(payment, attempt, weighed, "refused"))
    db.session.flush()


def weigh_card(payment: Payment, row: Screening, outcome: Outcome, counts: dict[tuple[str, int], int]) -> Decision:
    """The rules again, now that the card is authorised: with all that was known before, and what the provider says of the card."""
    counting, facts = standing(payment.mode), read_facts(payment.amount, row.facts)
    hits = facts.hits
    if counting.listed:
        hits += find_hits(payment.mode, card=outcome.card_fingerprint or "", countries=(outcome.card_country,))
    whole = replace(facts, card_country=outcome.card_country or facts.card_country, counts={**facts.counts, **counts}, hits=hits)
    return decide(counting.rules, whole)


def count_card(payment: Payment, outcome: Outcome) -> dict[tuple[str, int], int]:
    """How often this card was authorised here lately, where a rule asks. With nothing locked."""
    asked = counts_asked(standing(payment.mode).rules)
    return count_in_windows(payment, "card", outcome.card_fingerprint or "", (hours for of, hours in asked if of == "card"))


def plain_facts(facts: Facts) -> dict[str, Any]:
    """What was known, as it is stored beside the try. The amount stands in the payment."""
    return {
        "payer_country": facts.payer_country,
        "card_country": facts.card_country,
        "new_payer": facts.new_payer,
        "counts": {f"{of}:{hours}": number for (of, hours), number in facts.counts.items()},
        "hits": [[hit.which, hit.kind] for hit in facts.hits],
    }


def read_facts(amount: Money, kept: dict[str, Any]) -> Facts:
    """The same again."""
    card = kept.get("card_country")  # of a saved card, where its provider said so
    counts = {(of, int(hours)): number for name, number in kept["counts"].items() for of, _, hours in [name.partition(":")]}
    return Facts(amount, kept["payer_country"], card, kept["new_payer"], counts, tuple(Hit(*pair) for pair in kept["hits"]))
