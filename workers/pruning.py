"""The housekeeping job: lets go of what is kept for a time only. How long for what stands in docs/retention.md and beside each rule."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog

from core.accounts.calls import prune_calls
from core.accounts.embed_refusals import prune_refusals
from core.accounts.once import prune_kept
from core.accounts.prune import (
    prune_half_sign_ins,
    prune_links,
    prune_origins,
    prune_passkey_challenges,
    prune_sessions,
    prune_staff_sessions,
)
from core.accounts.refused_calls import prune_refused
from core.admission.review import tell_of_ending_papers
from core.closing.end import go_on_with_closings
from core.customers.keys import prune_keys
from core.hooks.prune import prune_deliveries, prune_told
from core.kernel.db import DATABASE_AWAY, db, unit_of_work
from core.kernel.outbox import enqueue, is_waiting
from core.memberships.join import prune_unfinished
from core.notifications.key_news import tell_of_ending_keys
from core.notifications.prune import prune_notices, prune_words
from core.payments.long_export import prune_exports
from core.payments.review import forget_addresses
from core.payments.saving import prune_savings
from core.providers.prune import prune_events
from core.subscriptions.card_ends import tell_of_ending_cards
from core.subscriptions.data_ends import end_data

NOBODYS = uuid.UUID(int=0)
EVERY_SECONDS = 3600
AT_ONCE = 1000  # rows in one transaction: it must never hold up a payment
MOST_ROUNDS = 20  # of one kind in one hour's turn; the rest has time until the next
RULES: dict[str, Callable[[int], int]] = {
    "sessions": prune_sessions,
    "staff_sessions": prune_staff_sessions,
    "audit_origins": prune_origins,
    "half_sign_ins": prune_half_sign_ins,
    "passkey_challenges": prune_passkey_challenges,
    "email_links": prune_links,
    "provider_events": prune_events,
    "letters": prune_words,
    "notices": prune_notices,
    "exports": prune_exports,
    "savings": prune_savings,
    "payers_addresses": forget_addresses,
    "kept_answers": prune_kept,
    "payer_keys": prune_keys,
    "refused_calls": prune_refused,
    "calls": prune_calls,
    "members": prune_unfinished,
    "deliveries": prune_deliveries,
    "events": prune_told,
    "ended_plans": end_data,
    "closings": go_on_with_closings,
    "ending_cards": tell_of_ending_cards,  # lets go of nothing; it is looked at as often, and in portions too
    "ending_keys": tell_of_ending_keys,  # nor does this
    "ending_papers": tell_of_ending_papers,  # nor this
    "embed_refusals": prune_refusals,
}
log = structlog.get_logger("workers")


def plan_pruning() -> None:
    """There is always one turn waiting. In the present unit, by the clock."""
    if not db.session.scalar(db.select(is_waiting("prune", NOBODYS))):
        enqueue("prune", NOBODYS, queue="papers", due_in=EVERY_SECONDS)


def prune(_nobody: uuid.UUID) -> None:
    """One turn, in small transactions. Safe to repeat: what is gone is not found again. A rule that fails holds no other back, and fails
    the turn when all have had theirs, so that somebody sees it."""
    gone, failed = {}, None
    for name, rule in RULES.items():
        try:
            gone[name] = _all_of(rule)
        except DATABASE_AWAY:
            raise
        except Exception as fault:
            log.exception("not_pruned", rule=name)
            failed = fault
    if any(gone.values()):
        log.info("pruned", **gone)
    if failed is not None:
        raise failed


def _all_of(rule: Callable[[int], int]) -> int:
    total = 0
    for _ in range(MOST_ROUNDS):
        with unit_of_work():
            done = rule(AT_ONCE)
        total += done
        if done < AT_ONCE:
            break
    return total
