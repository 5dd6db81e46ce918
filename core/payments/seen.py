"""Whose payments and links the person asking may see, where that is less than the whole business: those of some branches.

The doors' guard says so for a request (`see_only`), and every question behind a page that such a person reaches adds `seen(...)`: a payment
or a link of another branch, or of none, is then not there, as one of another vendor's is not. Everybody else's questions stay as they are.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextvars import ContextVar

from sqlalchemy import ColumnElement, false

from core.payments.models import Payment, PaymentLink

_branches: ContextVar[frozenset[uuid.UUID] | None] = ContextVar("branches_seen", default=None)


def see_only(branches: Collection[uuid.UUID] | None) -> None:
    """From here on, on behalf of whoever is asking: only what belongs to these branches (none of them: nothing); None: the whole business."""
    _branches.set(None if branches is None else frozenset(branches))


def seen(model: type[Payment] | type[PaymentLink]) -> tuple[ColumnElement[bool], ...]:
    """What a question about payments or links has to add to its conditions: nothing for somebody who sees the whole business."""
    branches = _branches.get()
    if branches is None:
        return ()
    return (model.branch_id.in_(sorted(branches)),) if branches else (false(),)


def may_choose(branch_id: uuid.UUID | None) -> bool:
    """Whether a link may be made that branch's, or nobody's in particular."""
    branches = _branches.get()
    return branches is None or branch_id in branches
