"""What is let go of: events and what became of them after ninety days, a person who is erased, a business that has closed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Text, cast, delete, exists, func, select, tuple_, update

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.hooks.models import Event, EventDraft, EventFeed, HookAttempt, HookDelivery, HookEndpoint, HookSecret
from core.hooks.states import KEPT
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.payments.personal_data import pseudonym_of


def prune_deliveries(limit: int) -> int:
    """Deliveries that ended so long ago, with their tries, `limit` at most; answers how many. One that still waits stays."""
    key = (HookDelivery.vendor_id, HookDelivery.mode, HookDelivery.id)
    old = [tuple(row) for row in db.session.execute(select(*key).where(HookDelivery.ended_at < now() - KEPT).limit(limit))]
    if old:
        _delete(HookAttempt, tuple_(HookAttempt.vendor_id, HookAttempt.mode, HookAttempt.delivery_id).in_(old))
        _delete(HookDelivery, tuple_(*key).in_(old))
    return len(old)


def prune_told(limit: int) -> int:
    """Events that got their place so long ago and are on their way to nobody. The feed goes on counting from where it was."""
    on_its_way = exists().where(
        HookDelivery.vendor_id == Event.vendor_id, HookDelivery.mode == Event.mode, HookDelivery.event_id == Event.id
    )
    key = (Event.vendor_id, Event.mode, Event.id)
    old = select(*key).where(Event.told_at < now() - KEPT, ~on_its_way).order_by(Event.told_at).limit(limit)
    return _delete(Event, tuple_(*key).in_([tuple(row) for row in db.session.execute(old)]))


def forget_told(vendor: Vendor, customer: Customer) -> None:
    """No event says any more whose payment it was about. What the vendor's own software was told before, it has: that is for the vendor to erase."""
    locked(EventFeed, vendor.id, customer.mode)  # whatever is being placed just now is placed before, and what comes later finds nobody
    mine = (Event.vendor_id == vendor.id, Event.mode == customer.mode)
    nobody = func.jsonb_set(
        Event.data, cast(["object", "payer"], ARRAY(Text)), func.jsonb_build_object("email", pseudonym_of(customer), "name", "")
    )
    theirs = Event.data["object"]["payer"]["email"].astext == customer.email
    subjects = select(Event.subject).where(*mine, theirs)
    deliveries = select(HookDelivery.id).join(
        Event, (Event.vendor_id == HookDelivery.vendor_id) & (Event.mode == HookDelivery.mode) & (Event.id == HookDelivery.event_id)
    )
    about = deliveries.where(*mine, Event.subject.in_(subjects))
    answers = update(HookAttempt).where(
        HookAttempt.vendor_id == vendor.id, HookAttempt.mode == customer.mode, HookAttempt.delivery_id.in_(about)
    )
    db.session.execute(answers.values(answer="").execution_options(synchronize_session=False))
    blank = func.jsonb_set(nobody, cast(["object", "payer_reference"], ARRAY(Text)), func.to_jsonb(cast("", Text)), False)
    db.session.execute(update(Event).where(*mine, theirs).values(data=blank).execution_options(synchronize_session=False))


def forget_endpoints(vendor: Vendor) -> None:
    """A business has closed: nothing is sent any more, and nothing of what was sent is kept."""
    for model in (HookAttempt, HookDelivery, HookSecret, HookEndpoint, Event, EventFeed, EventDraft):
        _delete(model, model.vendor_id == vendor.id)


def _delete(model: Any, which: Any) -> int:
    return int(db.session.execute(delete(model).where(which).execution_options(synchronize_session=False)).rowcount)
