"""What a team is told of an app that somebody else may have a copy of: it is signed out, and every owner hears of it."""

from __future__ import annotations

from core.accounts.apps import end_reused
from core.accounts.queries import get_vendor
from core.kernel.db import finish_unit, unit_of_work
from core.notifications.team import tell_team


def sign_out_reused(session: str) -> None:
    """End the sign-in of an app whose refresh token came a second time, and tell its business. Twice is once.

    The request that brought it is refused, and all it did thrown away; so that is done first, and this is a unit of its own.
    """
    finish_unit(keep=False)
    with unit_of_work():
        ended = end_reused(session)
        if ended is not None:
            row, person = ended
            tell_team(get_vendor(row.vendor_id), "app_token_reused", mode=row.mode, user=person.public_id, app=row.app)
