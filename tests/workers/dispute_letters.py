"""What letters about disputes are about in tests: the kind of each, and the numbers it names."""

from __future__ import annotations

import secrets
from datetime import timedelta

from core.disputes.accept_rules import set_rule as set_accept_rule
from core.disputes.answer import request_answer
from core.disputes.evidence import save_draft
from core.disputes.follow import follow_dispute
from core.disputes.queries import disputes_of
from core.disputes.thread import write_as_staff
from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.providers.disputes import DisputeOutcome, Withdrawal
from tests.factories import (
    Shop,
    again,
    make_paid,
)


def about_disputes(shop: Shop) -> list[tuple[str, dict[str, str]]]:
    """One that waits for an answer, and one that is decided."""
    found = []
    for state in ("needs_response", "lost"):
        payment = make_paid(shop)
        told = DisputeOutcome(
            state, f"du_{payment.public_id}", payment.charge or "", payment.amount, "fraudulent", due_at=now() + timedelta(days=9)
        )
        with unit_of_work():
            follow_dispute(shop.vendor, again(payment), told, provider=payment.provider, cause="poll")
            found.append(disputes_of(shop.vendor, payment)[0].public_id)
    return [
        ("dispute_opened", {"dispute": found[0]}),
        ("dispute_due", {"dispute": found[0]}),
        ("dispute_decided", {"dispute": found[1]}),
        *_about_threads(shop),
    ]


def _about_threads(shop: Shop) -> list[tuple[str, dict[str, str]]]:
    """What the staff wrote, a dispute that will be given in, and one that the staff answered."""
    with unit_of_work():
        set_accept_rule(shop.vendor, "test", most=Money(100_000_00, "GBP"), days=3, by="usr_x")
    found = []
    for _each in range(2):
        payment = make_paid(shop)
        told = DisputeOutcome(
            "needs_response", f"du_{payment.public_id}", payment.charge or "", payment.amount, "duplicate", due_at=now() + timedelta(days=9),
            withdrawals=(Withdrawal(f"txn_{payment.public_id}", payment.amount, Money(0, payment.currency)),),
        )  # fmt: skip
        with unit_of_work():
            follow_dispute(shop.vendor, again(payment), told, provider=payment.provider, cause="poll")
            found.append(disputes_of(shop.vendor, payment)[0])
    with unit_of_work():
        said = write_as_staff(shop.vendor, found[0], text="Was it collected?\nBy whom?", by="stf_one", form_token=secrets.token_hex(10))
        save_draft(found[1], {"uncategorized_text": "Two loaves on two days."}, by="stf_one")
        request_answer(shop.vendor, found[1], by="stf_one", for_vendor=True)
    return [
        ("dispute_message", {"dispute": found[0].public_id, "message": said.public_id}),
        ("dispute_to_accept", {"dispute": found[0].public_id}),
        ("dispute_answered_for", {"dispute": found[1].public_id}),
    ]
