"""When a provider gives no answer about a charge to a saved card: how long is waited before it is asked again, how often, and when its caller hears of it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from core.kernel.clock import now
from core.payments.models import Attempt

TRIES = 8  # after the first look, which comes at once: most outages are one lost answer
FIRST_WAIT = 300  # seconds; each wait is twice the one before it
AFTERWARDS = 3 * 3600  # the key is too old by then: it is looked up, and never sent again
QUIET = timedelta(hours=2)  # an outage that is over by then is nobody's news


def has_no_answer(attempt: Attempt) -> bool:
    """Whether a charge with nobody there was sent, and the provider has not even said what it calls it."""
    return attempt.surface == "saved" and attempt.state == "submitted" and attempt.provider_reference is None


def wait_before(n: int) -> int:
    """Seconds before the n-th try (from 1): 5, 10, 20 ... 640 minutes, then three hours each."""
    return FIRST_WAIT * 2 ** (n - 1) if n <= TRIES else AFTERWARDS


def varied_wait(n: int) -> int:
    """The same, up to a fifth shorter or longer, so that an outage does not end in a rush."""
    return wait_before(n) * (80 + secrets.randbelow(41)) // 100


def is_news(attempt: Attempt) -> bool:
    """Whether it has lasted so long that whoever wished the charge should hear that it takes time."""
    return has_no_answer(attempt) and now() - attempt.updated_at >= QUIET
