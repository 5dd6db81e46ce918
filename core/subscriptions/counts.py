"""What a vendor publishes and what its plan counts: the plan's row is locked first, then the directory's, and both agree when the unit ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.accounts.models import Vendor
from core.billing import queries, store
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.billing.wishes import AddBranches, AddProducts
from core.directory.standing import set_visible
from core.kernel.db import db, lock_again
from core.subscriptions.follow import follow
from core.subscriptions.plan import are_sold, counts, find_plan


@contextmanager
def counted(vendor: Vendor, mode: str, *, by: str) -> Iterator[None]:
    """Around whatever changes how much a vendor has published. What the plan refuses is raised, and nothing of the block has happened.

    Without a plan, where plans are sold, nothing of the vendor's is shown.
    """
    row = find_plan(vendor, mode)
    if row is not None and row.status != CANCELLED:
        row = lock_again(row)
    with db.session.begin_nested():
        yield
        db.session.flush()
        if row is None:
            if are_sold(mode):
                set_visible(vendor, mode, visible=False, reason="no_plan", by="system")
        elif row.status != CANCELLED:
            count(vendor, row, by=by)


def count(vendor: Vendor, row: KeptSubscription, *, by: str) -> None:
    """Tell a plan how much is published now; nothing when it knows."""
    products, branches = counts(vendor, row.mode)
    state = queries.read(row)
    if products != state.products.count:
        store.wish_for(row, AddProducts(products - state.products.count), by=by)
    if branches != state.branches.count:
        store.wish_for(row, AddBranches(branches - state.branches.count), by=by)
    follow(row)
