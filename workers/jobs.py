"""Every job by the name it is enqueued under. Inside jobs only touch the database; outside jobs ask somebody else."""

from __future__ import annotations

from collections.abc import Callable

from workers import (
    accounts,
    bank,
    chains,
    clock,
    days,
    domains,
    exports,
    invoices,
    memberships,
    messages,
    outside,
    papers,
    payments,
    payouts,
    pictures,
    proofs,
    pruning,
    rates,
    risk,
    saved,
    subscriptions,
    vat,
    webhooks,
)  # fmt: skip
from workers.task import Task

# Given a batch, in one transaction that also strikes the tasks off.
INSIDE: dict[str, Callable[[list[Task]], None]] = {
    "open_provider_event": webhooks.open_provider_events,
    "payment_settled": payments.payment_settled,
    "send_reset_link": accounts.send_reset_links,
    "book_bank_lines": bank.book_bank_lines,
}
# Given one, with no transaction open; they open their own units of work before and after asking.
OUTSIDE: dict[str, Callable[..., None]] = {
    "settle_attempt": payments.settle_attempt,
    "decide_hold": payments.decide_hold,
    "count_decline": risk.count_decline,
    "close_payment": payments.close_payment,
    "send_refund": payments.send_refund,
    "poll_refund": payments.poll_refund,
    "find_outside_refunds": outside.find_outside_refunds,
    "complete_payment": payments.complete_payment,
    "send_charge": saved.send_charge,
    "settle_saving": saved.settle_saving,
    "forget_card": saved.forget_card,
    "send_message": messages.send_message,
    "make_receipt": papers.make_receipt,
    "make_invoice": invoices.make_invoice,
    "make_poster": papers.make_poster,
    "make_statement": papers.make_statement,
    "make_payout_statement": papers.make_payout_statement,
    "write_export": exports.write_export,
    "make_image_sizes": pictures.make_image_sizes,
    "fetch_statements": bank.fetch_statements,
    "send_bank_orders": bank.send_bank_orders,
    "verify_domain": domains.verify_domain,
    "prove_book": proofs.prove_book,
    "prove_books": proofs.prove_books,
    "extend_chains": chains.extend_chains,
    "close_day": days.close_day,
    "print_day": days.print_day,
    "prune": pruning.prune,
    "refresh_rates": rates.refresh_rates,
    "run_midnights": subscriptions.run_midnights,
    "send_charges": subscriptions.send_charges,
    "hear_charge": subscriptions.hear_charge,
    "hear_payout": subscriptions.hear_payout,
    "use_new_card": subscriptions.use_new_card,
    "check_vat_id": vat.check_vat_id,
    "advance_clock": clock.advance_clock,
    "make_payout": payouts.make_payout,
    "settle_payout": payouts.settle_payout,
    "member_card_saved": memberships.member_card_saved,
    "follow_membership": memberships.follow_membership,
}
