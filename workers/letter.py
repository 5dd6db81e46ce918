"""What a letter is written from: the facts that are true now; or the reason why it is not written any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.accounts.models import Vendor
from core.notifications.models import Message

Facts = dict[str, Any]
Gather = Callable[[Vendor, Message], Facts]


class NoLongerTrue(Exception):
    """What the message would say has been overtaken: sending it would mislead, and nobody misses it."""


class TooLate(NoLongerTrue):
    """It was still wanted, but what it leads to ran out before it could leave: it failed, and somebody should know."""
