"""Telling somebody something: a message row and the job that delivers it, in the same transaction as the news itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue_many, enqueue_row, task_row
from core.kernel.write import Lot
from core.notifications.models import Message

# Each kind, the ids it is written from, and the one it is about. The words are in templates/emails/<kind>/.
KINDS: dict[str, tuple[str, ...]] = {
    "verify_email": ("user", "token"),
    "reset_password": ("user", "token"),
    "password_changed": ("user",),
    "second_step": ("user", "what"),
    "daily_news": ("user", "after", "until", "first", "last"),
    "payment_received": ("payment",),
    "receipt": ("payment",),
    "instruction_received": ("payment",),
    "payment_failed": ("payment",),
    "confirm_payment": ("payment",),
    "checkout_left": ("payment",),
    "order_declined": ("checkout",),
    "refund_sent": ("payment", "refund"),
    "refund_failed": ("payment", "refund"),
    "refund_claim": ("payment", "claim"),
    "refund_claim_refused": ("payment", "claim"),
    "refund_claimed": ("payment", "claim"),
    "transfer_instructions": ("payment",),
    "transfer_partial": ("payment",),
    "transfer_held": ("payment",),
    "transfer_decision": ("payment",),
    "transfer_returned": ("payment", "transfer_return"),
    "transfer_taken_back": ("payment",),
    "unexpected_money": ("payment",),
    "large_payment": ("payment",),
    "payments_report": ("report",),
    "attack_mode": ("began",),
    "key_leaked": ("key",),
    "key_news": ("key", "what", "address"),
    "money_returned": ("payment", "refund"),
    "dispute_opened": ("dispute",),
    "dispute_due": ("dispute",),
    "dispute_decided": ("dispute",),
    "dispute_message": ("dispute", "message"),
    "dispute_to_accept": ("dispute",),
    "dispute_answered_for": ("dispute",),
    "payout_account": ("account",),
    "payout_paid": ("payout",),
    "payout_failed": ("payout",),
    "reserve_changed": ("rule",),
    "debt_repaid": ("line",),
    "debt_repayment_taken_back": ("line",),
    "application_news": ("application",),
    "stop_planned": ("stop",),
    "stop_begun": ("stop",),
    "stop_ended": ("stop",),
    "refund_outside": ("payment", "refund"),
    "refund_not_booked": ("payment",),
    "problem_reported": ("payment",),
    "payer_page": ("key",),
    "invitation": ("invitation",),
    "export_ready": ("export",),
    "export_failed": ("export",),
    "listing_withdrawn": ("listing",),
    "listing_restored": ("listing",),
    "listing_edit_decided": ("listing", "edit"),
    "link_sent": ("link", "sending"),
    "link_reminder": ("link", "sending"),
    "plan_urgent": ("subscription", "news"),
    "plan_news": ("subscription", "news"),
    "membership_news": ("subscription", "name", "news"),
    "invoice": ("document",),
    "membership_welcome": ("member",),
    "membership_page": ("member",),
    "closing_asked": ("closing",),
    "closing_done": ("closing",),
    "day_paper": ("day",),
    "webhook_stopped": ("endpoint",),
    "webhook_failing": ("endpoint",),
    "pay_domain_lost": ("domain",),
    "app_token_reused": ("user", "app"),
}
# Whoever reads one of these can act as the person it was written to: its words are not stored once it is sent.
HOLDS_A_KEY = frozenset({"verify_email", "reset_password", "invitation", "payer_page", "closing_asked", "refund_claim"})
# The same by an address that stands in every letter to a member: its page cancels, and pays with the card that was saved.
ACTS_AS_ITS_READER = HOLDS_A_KEY | {"membership_welcome", "membership_news", "membership_page"}
# Asked for at this very moment by whoever reads them: tried even where an earlier letter came back.
ASKED_FOR_NOW = frozenset({"verify_email", "reset_password", "payer_page", "closing_asked"})
# Letters that speak for the vendor to its customers.
TO_PAYERS = frozenset({
    "receipt", "instruction_received", "payment_failed", "confirm_payment", "checkout_left", "order_declined", "refund_sent", "refund_claim",
    "refund_claim_refused",
    "transfer_instructions", "transfer_partial", "transfer_held", "transfer_returned", "money_returned", "payer_page", "link_sent",
    "link_reminder", "membership_news", "invoice", "membership_welcome", "membership_page",
})  # fmt: skip
# Of these, what a payer can have stopped: nothing of their money stands in them that they did not know.
UNASKED = frozenset({"checkout_left", "link_sent", "link_reminder"})
Row = dict[str, Any]
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})?")


def notify(vendor: Vendor, kind: str, *, mode: str, to: str, locale: str = "en", **ids: str) -> Message:
    """Ask for one e-mail of this kind to this address. `ids` are the public ids (and token id) that KINDS lists for it.

    The words are not written here: the worker writes them when it sends, from what is true by then. Calling this twice
    asks for two messages, so it belongs into the transaction of the act that makes the news. It never refuses an address,
    because news about money must not be undone by a misspelt one: such a message is failed from the start, and says why.
    A wrong kind or a missing id is a bug and raises ValueError.
    """
    row, task = message_rows(vendor, kind, mode=mode, to=to, locale=locale, **ids)
    message = Message(**row)
    db.session.add(message)
    if task:
        enqueue_row(task)
    return message


def message_rows(vendor: Vendor, kind: str, *, mode: str, to: str, locale: str = "en", **ids: str) -> tuple[Row, Row | None]:
    """The message as a row, and the task that lets it leave; no task for an address that is none. For notify_many."""
    if set(ids) != set(KINDS.get(kind, ("no such kind",))):
        raise ValueError(f"a message of kind {kind!r} is written from {KINDS.get(kind)}, not from {sorted(ids)}")
    row: Row = {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("msg"), "kind": kind, "recipient": to.replace("\0", "")[:254],
        "locale": locale if LOCALE.fullmatch(locale) else "en", "params": _plain(ids), "about": ids[KINDS[kind][0]],
        "state": "queued", "attempts": 0, "last_error": None, "created_at": now(),
    }  # fmt: skip
    if is_address(to):
        return row, task_row("send_message", vendor.id, queue="messages", mode=mode, message=str(row["id"]))
    row["state"], row["last_error"] = "failed", "that is not an e-mail address"
    return row, None


def notify_many(wanted: list[tuple[Row, Row | None]], jobs: Sequence[Row] = (), *beside: Lot) -> None:
    """Ask for many messages, for other jobs that follow from the same batch, and write what else it brings, in one journey."""
    enqueue_many([*(task for _, task in wanted if task), *jobs], (Message, [row for row, _ in wanted]), *beside)


def is_address(text: str) -> bool:
    """Whether it can stand in a header as one address: something, an @, something, and nothing invisible."""
    return 3 <= len(text) <= 254 and "@" in text[1:-1] and text.isprintable() and not set(text) & set(' ,;:<>()[]\\"')


def _plain(ids: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in ids.values()):
        raise ValueError("a message is written from public ids, which are text")
    return dict(ids)
