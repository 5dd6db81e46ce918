"""Asking once more who sits there, before something that could do harm: the answer holds for ten minutes, in that browser only."""

from __future__ import annotations

from datetime import timedelta

from core.accounts.models import User, UserSession
from core.accounts.one_time_codes import WrongCode, use_code
from core.accounts.passkey_proof import Shown, use_passkey
from core.accounts.passwords import matches
from core.accounts.staff_models import StaffSession
from core.kernel.clock import now
from core.kernel.errors import Refusal

FRESH = timedelta(minutes=10)


class NotYou(Refusal):
    """The password is not the one of whoever sits there."""

    code = "not_you"


def is_fresh(session: UserSession | StaffSession) -> bool:
    """Whether the person at this browser signed in, or proved again who they are, within the last ten minutes."""
    return session.confirmed_at is not None and session.confirmed_at > now() - FRESH


def confirm_person(user: User, session: UserSession | StaffSession, *, password: str, code: str, shown: Shown | None = None) -> str | None:
    """The person at this browser proves again who they are: by their password, and by a code or a passkey where they have set that up.

    Says which kind of code was spent. Raises NotYou, WrongCode or PasskeyRefused; counting tries is the door's.
    """
    if not matches(user.password_hash, password):
        raise NotYou("That is not your password.", field="confirm_password")
    kind = None
    if user.second_factor_at is not None and shown is not None:
        use_passkey(shown, user=user)
        kind = "passkey"
    elif user.second_factor_at is not None:
        try:
            kind = use_code(user, code)
        except WrongCode as wrong:
            wrong.field = "confirm_code"
            raise
    session.confirmed_at = now()
    return kind
