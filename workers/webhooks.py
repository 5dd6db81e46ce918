"""Opening provider events: a batch is matched to its payments, settled together, and marked handled in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from core.accounts.models import Vendor
from core.accounts.queries import find_vendors, hold_vendors
from core.kernel.db import db
from core.kernel.ids import is_public_id
from core.kernel.outbox import enqueue
from core.payments.hear import Told, ask_again
from core.payments.match import Named, find_attempts, find_refund, lock_payments
from core.payments.models import Attempt, Payment
from core.payments.refund import settle_refund
from core.payments.saving import find_saving
from core.payments.settle import settle_many
from core.providers.contract import ProviderEvent
from core.providers.inbox import StoredEvent, close_events, take_events
from core.providers.registry import provider_named
from workers.task import Task

NOBODYS = uuid.UUID(int=0)  # whose task it is until the provider has said whose charge


def open_provider_events(tasks: list[Task]) -> None:
    """Handle every stored event among the tasks. Events about nothing of ours are marked so and kept."""
    stored = take_events([(t.args["provider"], t.args["mode"], t.args["event"]) for t in tasks])
    opened = [(row, provider_named(row.provider, row.mode).parse_event(row.raw.encode(), row.mode)) for row in stored]
    vendors = find_vendors({event.metadata.get("vendor", "") for _, event in opened})
    payments = lock_payments(_keys(opened, vendors, "payment"))
    hold_vendors(_given_again(opened, vendors))
    _settle_payments([(row, event) for row, event in opened if event.kind == "payment"], vendors, payments)
    # A refund takes from its seller's money on its way back: balances are locked in the order of their books, as a batch of captures locks them.
    refunds = [(row, event) for row, event in opened if event.kind == "refund"]
    for row, event in sorted(refunds, key=lambda one: _book_of(*one, vendors)):
        _settle_refund(row, event, vendors)
    for row, event in opened:
        if event.kind == "saving":
            _look_at_saving(row, event, vendors)
        elif event.kind == "dispute" and event.dispute:
            _look_at_dispute(row, event.dispute)
        elif event.kind in ("payout", "receiver"):
            _look_at_sellers_money(row, event, vendors)
        elif event.kind not in ("payment", "refund"):
            row.result = "noted"
    close_events(stored)


def _settle_payments(opened: list[tuple[StoredEvent, ProviderEvent]], vendors: dict[str, Vendor], payments: dict[str, Payment]) -> None:
    attempts = find_attempts(_keys(opened, vendors, "attempt"))
    rows: list[StoredEvent] = []
    told: list[Told] = []
    for row, event in opened:
        payment, vendor = payments.get(event.metadata.get("payment", "")), vendors.get(event.metadata.get("vendor", ""))
        # The look-up was made for the whole batch: this event must itself name the vendor whose payment it is.
        if (
            payment is None
            or vendor is None
            or payment.vendor_id != vendor.id
            or payment.mode != row.mode
            or _provider_of(payment, attempt := _attempt_of(payment, event, attempts)) != row.provider
        ):
            row.result = "unmatched"
            continue
        if event.outcome is None:
            row.vendor_id, row.result = payment.vendor_id, "noted"
            if attempt is not None and event.type.endswith("succeeded"):
                ask_again(payment.vendor_id, payment.mode, attempt)  # paid, but this event does not say enough
            continue
        rows.append(row)
        told.append(Told(vendor, payment, attempt, event.outcome, event.event_id))
    for row, item, result in zip(rows, told, settle_many(told), strict=True):
        row.vendor_id, row.result = item.vendor.id, result


def _settle_refund(row: StoredEvent, event: ProviderEvent, vendors: dict[str, Vendor]) -> None:
    if "refund" not in event.metadata and event.refund_outcome is not None and event.refund_outcome.charge:
        _look_for_it(row, event.refund_outcome.charge)
        return
    vendor = vendors.get(event.metadata.get("vendor", ""))
    refund = find_refund(vendor, row.mode, event.metadata.get("refund", "")) if vendor else None
    payment = refund and db.session.get_one(Payment, (refund.vendor_id, refund.mode, refund.payment_id))
    if (
        vendor is None
        or refund is None
        or payment is None
        or (refund.provider or payment.provider) != row.provider
        or event.refund_outcome is None
    ):
        row.result = "unmatched"
        return
    row.vendor_id = vendor.id
    row.result = settle_refund(vendor, refund, event.refund_outcome, cause=event.event_id)


def _given_again(opened: list[tuple[StoredEvent, ProviderEvent]], vendors: dict[str, Vendor]) -> set[uuid.UUID]:
    """Sellers who have money again because a refund did not arrive: they are held for that, and always before anything is booked."""
    failed = [event for _, event in opened if event.refund_outcome is not None and event.refund_outcome.state in ("failed", "canceled")]
    return {vendor.id for event in failed if (vendor := vendors.get(event.metadata.get("vendor", ""))) is not None}


def _book_of(row: StoredEvent, event: ProviderEvent, vendors: dict[str, Vendor]) -> tuple[uuid.UUID, str]:
    vendor = vendors.get(event.metadata.get("vendor", ""))
    return (vendor.id if vendor else NOBODYS), row.mode


def _look_for_it(row: StoredEvent, charge: str) -> None:
    """Nobody here asked for this refund, so it says nothing of whose it is: the provider is asked about the charge."""
    enqueue("find_outside_refunds", NOBODYS, provider=row.provider, mode=row.mode, charge=charge)
    row.result = "asked"


def _look_at_dispute(row: StoredEvent, dispute: str) -> None:
    """An event says neither whose it is nor what came since: the provider is asked, and the dispute read whole."""
    enqueue("follow_dispute", NOBODYS, provider=row.provider, mode=row.mode, dispute=dispute[:120], cause=row.event_id)
    row.result = "asked"


def _look_at_sellers_money(row: StoredEvent, event: ProviderEvent, vendors: dict[str, Vendor]) -> None:
    """Something happened to a seller's account, or to a payout through it: what it is by now, the processor is asked."""
    vendor, payout = vendors.get(event.metadata.get("vendor", "")), event.metadata.get("payout", "")
    if vendor is None or event.metadata.get("mode") != row.mode or (event.kind == "payout" and not is_public_id("po", payout)):
        row.result = "unmatched"
        return
    row.vendor_id, row.result = vendor.id, "asked"
    if event.kind == "payout":
        enqueue("carry_payout", vendor.id, mode=row.mode, payout=payout, cause=row.event_id)
    else:
        enqueue("look_at_receiver", vendor.id, mode=row.mode, provider=row.provider, receiver=(event.receiver or "")[:60])


def _look_at_saving(row: StoredEvent, event: ProviderEvent, vendors: dict[str, Vendor]) -> None:
    """Something happened on a page for saving a card; the event does not say which card, so the provider is asked."""
    vendor = vendors.get(event.metadata.get("vendor", ""))
    saving = find_saving(vendor, row.mode, event.metadata.get("saving", "")) if vendor else None
    if vendor is None or saving is None or saving.provider != row.provider:
        row.result = "unmatched"
        return
    row.vendor_id, row.result = vendor.id, "noted"
    if saving.state not in ("saved", "ended"):
        enqueue("settle_saving", vendor.id, mode=row.mode, saving=str(saving.id))
        row.result = "asked"


def _keys(opened: Iterable[tuple[StoredEvent, ProviderEvent]], vendors: dict[str, Vendor], name: str) -> set[Named]:
    """What the events name, each in the book of the vendor and the mode that it names itself."""
    return {
        (vendors[event.metadata["vendor"]].id, row.mode, event.metadata[name])
        for row, event in opened
        if name in event.metadata and event.metadata.get("vendor") in vendors
    }


def _attempt_of(payment: Payment, event: ProviderEvent, attempts: dict[str, Attempt]) -> Attempt | None:
    attempt = attempts.get(event.metadata.get("attempt", ""))
    return attempt if attempt is not None and attempt.payment_id == payment.id and attempt.vendor_id == payment.vendor_id else None


def _provider_of(payment: Payment, attempt: Attempt | None) -> str:
    """Who may speak about it: each attempt's own provider, for a payment may have been tried at several."""
    return attempt.provider if attempt is not None else payment.provider
